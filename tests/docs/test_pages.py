"""Every command, Python example, option and link of the documentation's pages works."""

import json
import re
import runpy
import shlex
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.docs.pages import OTHERS, PAGES, SETUP, Page, Reader, Run
from tests.shared.ssh_server import ssh_server

from mnist_exporters import ExportSpec, Original
from mnist_exporters.formats.plugin import load_plugin
from mnist_tools.__main__ import GROUPS
from mnist_tools.checkout import ROOT
from mnist_trainer import load_model

QUICK = ("how-to/classify", "explanation/photograph")
"""Pages whose steps take no second each."""
LONGEST = 150
"""Most lines of a page in these folders."""
INLINE = re.compile(r"`(mnist-(?:train|evaluate|export|runtime) [^`]*)`")

Help = Callable[[str], str]


@pytest.fixture
def help_of(here: Run) -> Help:
    """Return a function that gives the help of a command or subcommand."""
    known: dict[str, str] = {}

    def help_of(command: str) -> str:
        if command not in known:
            done = here(*command.split(), "--help")
            assert done.returncode == 0, done.stderr
            known[command] = done.stdout
        return known[command]

    return help_of


def written_commands(page: Page) -> list[str]:
    """Return the command lines of the toolkit in a page, those in other blocks and within sentences too."""
    text = re.sub(r"\\\n *", "", page.path.read_text("utf-8"))
    shown = re.findall(r"^\s*(?:\$ )?(mnist-(?:train|evaluate|export|runtime) .*)$", text, re.MULTILINE)
    return [*shown, *INLINE.findall(text)]


@pytest.mark.parametrize("name", [*PAGES, *OTHERS])
def test_every_option_of_a_page_exists(name: str, help_of: Help) -> None:
    for line in written_commands((PAGES | OTHERS)[name]):
        words = shlex.split(line, comments=True)
        if "--run" in words:  # what a service runs on a device
            within = words[words.index("--run") + 1]
            check_options(["mnist-runtime", *within.split()], help_of)
        check_options(words, help_of)


def check_options(words: list[str], help_of: Help) -> None:
    """Look the options of a command line up in the help of the program, or of its subcommand."""
    program, first = words[0], words[1].partition("|")[0]
    known = help_of(program)
    if re.fullmatch(r"[a-z][a-z-]*", first) and re.search(rf"^ +{first}\b", known, re.MULTILINE):
        known = help_of(f"{program} {first}")
    for option in words[1:]:
        if option.startswith("--"):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", known), f"{words}: there is no option {option}"


@pytest.mark.parametrize("name", [*PAGES, *OTHERS])
def test_every_link_and_tool_of_a_page_exists(name: str) -> None:
    page = (PAGES | OTHERS)[name]
    text = page.path.read_text("utf-8")
    for target, place in re.findall(r"\]\((?!https?:)([^)#\s]*)(#[^)]*)?\)", text):
        path = (page.path.parent / target).resolve() if target else page.path
        assert path.exists(), target
        if place:
            titles = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
            assert place[1:] in {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}, place
    for group, tool in re.findall(r"scripts/tool (\w+) ([\w-]+)", text):
        assert tool in GROUPS[group].tools, tool
    for path in re.findall(r"`((?:examples|scripts|runtime|docs)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("how-to/") and name != "how-to/index"])
def test_a_page_of_how_to_begins_with_a_command_that_works_in_a_clone(name: str) -> None:
    """The first line installs the clone with the extras that the page needs, or is the device's own installation."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    extras = settings["project"]["optional-dependencies"]
    first = PAGES[name].commands[0]
    setup = SETUP.fullmatch(first)
    assert setup or first == "python3 -m venv digits", first
    assert not setup or set(setup[1].split()) <= set(extras)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_short(name: str) -> None:
    assert len(PAGES[name].path.read_text("utf-8").splitlines()) <= LONGEST


def test_the_words_of_messages_on_the_page_of_refusals_are_those_of_the_code() -> None:
    """Each quoted sentence, without its numbers and names, stands in the source."""
    folders = (ROOT / "exporters", ROOT / "trainer")
    source = "".join(path.read_text("utf-8") for folder in folders for path in folder.rglob("*.py"))
    source = re.sub(r'"\s*\n?\s*f?"', "", re.sub(r"\{[^{}]*\}", "", source))
    quoted = re.findall(r"^> (.*)$", PAGES["how-to/refusal"].path.read_text("utf-8"), re.MULTILINE)
    fragments = [
        part.strip() for line in quoted for part in re.split(r"\.\.\.|\*|[\d.,]*\d%?|\(|: --quantize|points", line)
    ]
    long = [part for part in fragments if len(part) > 14]
    assert len(long) > 10
    for part in long:
        assert part in source, part


def test_the_film_of_the_page_about_meters_begins_with_the_value_that_the_page_states(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("cv2")
    folder = ROOT / "examples" / "meter"
    monkeypatch.syspath_prepend(str(folder))
    film = runpy.run_path(str(folder / "film.py"))
    text = PAGES["how-to/meter"].path.read_text("utf-8")
    frames = re.findall(r"film\.py meter/film --frames (\d+)", text)
    stated = re.findall(r"--start water=([\d.]+)|begins at ([\d.]+) m", text)
    first = film["positions"](int(frames[0]), np.random.default_rng([0, 0]))[0] / 10 ** film["DECIMALS"]
    assert {one or other for one, other in stated} == {f"{first:.3f}"}


def table_rows(name: str, head: str) -> list[list[str]]:
    """Return the cells of the table of a page whose head begins with `head`, without marks."""
    lines = PAGES[name].path.read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(head)) + 2
    rows = lines[start : lines.index("", start)]
    return [[cell.strip(" `") for cell in row.strip("|").split("|")] for row in rows]


def measured(name: str) -> list[dict[str, Any]]:
    """Return the rows of a file of measurements."""
    rows: list[dict[str, Any]] = json.loads((ROOT / "docs" / "results" / "data" / name).read_text("utf-8"))
    return rows


def exported_file(model: str, precision: str) -> tuple[str, str]:
    """Return the size in kB and the accuracy in per cent of a `.tflite` file."""
    (row,) = [
        row
        for row in measured("exports.json")
        if (row["model"], row["format"], row["precision"]) == (model, "tflite", precision)
    ]
    return f"{row['size_bytes'] / 1000:.0f}", f"{row['parity']['accuracy_exported']:.2%}"


def test_the_table_of_the_smallest_files_has_the_measured_figures() -> None:
    rows = table_rows("how-to/smallest-file", "| you want")
    assert len(rows) == 5
    for _, file, size, accuracy, _ in rows:
        model, precision = file.replace("`", "").split(", ")
        assert (size, accuracy.replace(" ", "")) == (
            f"{exported_file(model, precision)[0]} kB",
            exported_file(model, precision)[1],
        )


def test_the_table_of_microcontrollers_has_the_measured_figures() -> None:
    rows = table_rows("how-to/microcontroller", "| model")
    assert len(rows) == 2
    for name, flash, memory, accuracy in rows:
        model, precision = name.replace("`", "").split()
        (row,) = [
            row
            for row in measured("exports.json")
            if (row["model"], row["format"], row["precision"]) == (model, "c", precision)
        ]
        (sizes,) = [each for each in row["processors"] if each["processor"] == "cortex-m4"]
        assert flash == f"{sizes['flash_bytes'] / 1000:.0f} kB"
        assert memory == f"{sizes['ram_bytes'] / 1000:.0f} kB"
        assert accuracy.replace(" ", "") == f"{row['parity']['accuracy_exported']:.2%}"


def test_the_table_of_accuracies_has_the_measured_figures() -> None:
    rows = table_rows("explanation/accuracy", "| model")
    assert len(rows) == 5
    for model, accuracy, corrupted, others, auroc, size in rows:
        seeds = [row for row in measured("seeds.json") if row["architecture"] == model]
        domains = [row["domains"]["accuracy"]["scikit-learn's digits"] for row in seeds if row.get("domains")]
        means = [
            f"{100 * np.mean([row['int8_accuracy'] for row in seeds]):.2f}",
            f"{100 * np.mean([row['robustness']['mean_accuracy'] for row in seeds]):.1f}",
            f"{100 * np.mean(domains):.1f}",
            f"{np.mean([row['robustness']['mean_auroc'] for row in seeds]):.3f}",
            exported_file(model, "int8")[0],
        ]
        assert [accuracy, corrupted, others, auroc, size] == means, model


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in PAGES if PAGES[name].steps]
)
def test_every_command_of_a_page_works(
    name: str, here: Run, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "page").mkdir()
    monkeypatch.chdir(tmp_path / "page")
    commands = "\n".join(PAGES[name].commands)
    if "net.onnx" in commands:
        network = Original.from_keras(load_model("cnn"), request.getfixturevalue("digits").test, pixel_range="0..1")
        Path("net.onnx").write_bytes(load_plugin("onnx").convert(network, ExportSpec("onnx", "float32"), None))
    if "pi@raspberrypi.local" not in commands:
        Reader(tmp_path / "page", here).follow(PAGES[name])
        return
    (tmp_path / "ssh").mkdir()
    with ssh_server(tmp_path / "ssh") as client:
        Reader(tmp_path / "page", here, client).follow(PAGES[name])
