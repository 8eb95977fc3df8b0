"""The two pages in a real browser, as wide as a desktop and as a phone."""

import asyncio
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from PIL import Image
from tests.runtime.conftest import Digits

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("playwright")
from playwright.sync_api import Browser, Page, expect, sync_playwright

from mnist_runtime import Classifier
from mnist_runtime.reading.labelling import PictureSorter
from mnist_runtime.serving.app import application
from mnist_runtime.serving.server import listen, running, url_of

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TOKEN = "0123456789+/#%41&="
SEVEN = Path(__file__).parents[3] / "examples" / "seven.png"

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, legible: Digits) -> Path:
    folder = tmp_path_factory.mktemp("doubtful")
    for index in (2, 6, 14, 18):
        Image.fromarray(legible.images[index]).save(folder / f"{index:02}.png")
    (folder / "99.png").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """Run the server in a thread and return the address of its page."""
    with Classifier.load() as classifier, listen("127.0.0.1", 0) as listening:
        app = application(classifier, token=TOKEN, sorter=PictureSorter(folder, classifier.task.labels))
        started = threading.Event()
        server = running(app, started.set)
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
        thread.start()
        assert started.wait(60)
        yield url_of(listening, TOKEN)
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as browsers:
        yield browsers.chromium.launch(executable_path=BROWSER)


def fits(page: Page) -> bool:
    """Return whether nothing is wider than the page, as wide as a desktop and as a phone."""
    widths = {}
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        widths[width] = page.evaluate("document.documentElement.scrollWidth")
    return all(needed <= width for width, needed in widths.items())


def test_a_drawing_a_picture_and_labels(url: str, folder: Path, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 900})
    problems: list[object] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text))

    page.goto(url)
    left, top, side = (page.locator("#drawing").bounding_box()[key] for key in ("x", "y", "width"))
    page.mouse.move(left + 0.5 * side, top + 0.2 * side)
    page.mouse.down()
    page.mouse.move(left + 0.5 * side, top + 0.8 * side, steps=8)
    page.mouse.up()
    expect(page.locator("#answer")).to_have_text("1")
    page.locator("#file").set_input_files(SEVEN)
    expect(page.locator("#answer")).to_have_text("7")
    assert page.title() == page.locator("h1").inner_text() == "Draw a digit"
    assert fits(page)

    page.locator("#file").set_input_files(Path(__file__))
    expect(page.locator("#answer")).to_have_text("no picture")
    painted = "document.getElementById('drawing').getContext('2d').getImageData(0, 0, 280, 280).data"
    assert page.evaluate(f"new Set({painted}).size") == 1, "paper alone: the seven is gone"
    page.locator("#file").set_input_files(SEVEN)
    expect(page.locator("#answer")).to_have_text("7")

    page.goto(url.replace("/#", "/label#"))
    name = page.locator("#name")
    expect(name).to_have_text("02.png")
    for key, following in (("Enter", "06.png"), ("5", "14.png"), ("+", "18.png"), ("-", "99.png")):
        page.keyboard.press(key)
        expect(name).to_have_text(following)
    expect(page.locator("#message")).to_contain_text("99.png is a text file")
    expect(page.get_by_role("button", name="5", exact=True)).to_be_disabled()
    page.keyboard.press("5")
    expect(page.locator("#message")).to_contain_text("99.png is a text file")
    expect(page.get_by_role("button", name="None of them")).to_be_enabled()
    found = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
    assert found == [".rejected/18.png", "1/02.png", "14.png", "5/06.png", "99.png"]
    for back in ("18.png", "06.png", "02.png"):
        page.get_by_role("button", name="Undo").click()
        expect(page.locator("#message")).to_have_text(f"Undone: {back}")
        expect(name).to_have_text(back)
    assert fits(page)
    assert len(list(folder.glob("*.png"))) == 5
    for key, following in (("+", "06.png"), ("5", "14.png"), ("+", "18.png"), ("Backspace", "06.png")):
        page.keyboard.press(key)
        expect(name).to_have_text(following)
    assert problems == []

    page.goto(url.partition("#")[0] + "label")
    expect(page.locator("#message")).to_contain_text("Open the address that the server printed")
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_on_transparency_is_visible(url: str, browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """Black ink and white ink: the background has a contrast of 3 to 1 or more to both."""
    page = browser.new_page(color_scheme=scheme)
    page.goto(url.replace("/#", "/label#"))
    expect(page.locator("#shown")).to_be_visible()
    color = page.evaluate("getComputedStyle(document.getElementById('shown')).backgroundColor")
    red, green, blue = (int(part) / 255 for part in re.findall(r"\d+", color))
    assert red == green == blue
    luminance = ((red + 0.055) / 1.055) ** 2.4
    assert (luminance + 0.05) / 0.05 > 3
    assert 1.05 / (luminance + 0.05) > 3
    page.close()
