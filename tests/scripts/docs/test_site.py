"""The documentation site: it builds strictly, faults are found, and it works from disk without a network."""

import json
import shutil
from pathlib import Path, PurePosixPath

import pytest
from playwright.sync_api import sync_playwright

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.docs.build import build_site
from mnist_tools.docs.check import problems
from mnist_tools.docs.from_disk import SCRIPT, let_search_work_from_disk
from mnist_tools.docs.layers import PICTURE, layers_picture
from mnist_tools.docs.stage import navigation, place_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_site(tmp_path_factory.mktemp("docs"), quick=True)


@pytest.mark.long
def test_every_page_of_docs_is_in_the_site(site: Path) -> None:
    for path in (ROOT / "docs").rglob("*"):
        if path.suffix in (".md", ".ipynb"):
            place = place_of(PurePosixPath(path.relative_to(ROOT))).with_suffix(".html")
            assert (site / place).is_file(), place
    assert (site / "demo.html").read_bytes() == (ROOT / "docs" / "demo.html").read_bytes()


def test_the_picture_of_the_layers_is_that_of_the_rules() -> None:
    assert PICTURE.read_text("utf-8") == layers_picture()


GOOD = '<a href="b.html#here">b</a>'


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (GOOD, '<p id="here"></p>', []),
        ('<a href="c.html">c</a>' + GOOD, '<p id="here"></p>', ["index.html links to c.html, which does not exist"]),
        (GOOD, "", ["index.html links to b.html#here: the page has no such place"]),
        ("", "", ["b.html is an orphan: no page links to it"]),
        ("", '<a href="b.html">itself</a>', ["b.html is an orphan: no page links to it"]),
        (GOOD + '<a href="https://example.org">elsewhere</a>', '<p id="here"></p>', []),
        (
            GOOD + '<script src="//example.org/a.js"></script>',
            '<p id="here"></p>',
            ["index.html loads //example.org/a.js"],
        ),
        (
            GOOD + '<link rel="preconnect" href="https://e.org">',
            '<p id="here"></p>',
            ["index.html loads https://e.org"],
        ),
        (GOOD + '<img src="a.png">', '<p id="here"></p>', ["index.html links to a.png, which does not exist"]),
    ],
)
def test_faults_of_a_site_are_found(tmp_path: Path, first: str, second: str, expected: list[str]) -> None:
    (tmp_path / "index.html").write_text(first)
    (tmp_path / "b.html").write_text(second)
    assert problems(tmp_path) == expected


@pytest.mark.parametrize("rule", ['@import "https://e.org/a.css";', "p { background: url('https://e.org/a.css') }"])
def test_a_style_that_loads_from_another_host_is_found(tmp_path: Path, rule: str) -> None:
    (tmp_path / "index.html").write_text('<link rel="stylesheet" href="a.css">')
    (tmp_path / "a.css").write_text(rule)
    assert problems(tmp_path) == ["a.css loads https://e.org/a.css"]


def test_a_page_that_its_index_does_not_list_is_an_orphan() -> None:
    sections = ("tutorial", "how-to", "reference", "explanation", "decisions", "results", "experiments", "project")
    pages = {PurePosixPath(name, "index.md"): f"# {name}" for name in sections} | {PurePosixPath("index.md"): "# Start"}
    pages[PurePosixPath("how-to/deploy.md")] = "# Deploy"
    with pytest.raises(ToolError, match=r"how-to/deploy\.md is an orphan.*Add a link to it in docs/how-to/index\.md"):
        navigation(pages)
    pages[PurePosixPath("how-to/index.md")] = "# How to\n\n[Deploy](deploy.md)"
    assert {"How to": ["how-to/index.md", {"Deploy": "how-to/deploy.md"}]} in navigation(pages)


def test_search_from_disk_needs_the_files_of_the_generator(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="Zensical"):
        let_search_work_from_disk(tmp_path)
    worker = tmp_path / "assets" / "javascripts" / "workers" / "search.1.js"
    worker.parent.mkdir(parents=True)
    worker.write_text("onmessage = '</script>'")
    (tmp_path / "search.json").write_text('{"items": []}')
    let_search_work_from_disk(tmp_path)
    assert (tmp_path / "search.js").read_text() == 'var __index = {"items": []};\n'
    assert json.dumps(worker.read_text()) in (tmp_path / SCRIPT).read_text()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.slow
def test_pages_fit_a_phone_and_the_search_finds_pages_from_disk(site: Path) -> None:
    """Without a server; nothing is requested from another place than the disk."""
    asked, errors, wide = list[str](), list[str](), list[str]()
    with sync_playwright() as browsers:
        browser = browsers.chromium.launch(executable_path=BROWSER)
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for path in sorted(site.rglob("*.html")):
            page.goto(path.as_uri())
            if page.evaluate("document.documentElement.scrollWidth") > 390:
                wide.append(path.name)
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto((site / "index.html").as_uri())
        page.keyboard.press("/")
        page.keyboard.type("Ethos-U55")
        page.get_by_text("Only Vela knows what an Ethos-U computes").first.wait_for(timeout=20_000)
        browser.close()
    assert not wide
    assert not errors
    assert {url.partition(":")[0] for url in asked} <= {"file", "blob", "data"}
