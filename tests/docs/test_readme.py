"""Every command, Python example, link and table of the README is correct, and it is short."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from tests.docs.pages import PAGES, Page, Reader, Run, Step

from mnist_exporters import FORMATS
from mnist_tools.__main__ import GROUPS
from mnist_tools.checkout import ROOT
from mnist_tools.release.front.command import COMMANDS as FRONT
from mnist_tools.release.results import exports_table, summary_table
from mnist_trainer import READY_MODELS, find_model

PAGE = Page.read(ROOT / "README.md")
README = PAGE.path.read_text("utf-8")
LONGEST = 150
INSTALL = [line for line in PAGE.commands if line.startswith("digits/bin/pip")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, int8_tflite: Path) -> Path:
    """Create a folder with what the quick start exports, and the models that slow commands train."""
    folder = tmp_path_factory.mktemp("reader")
    for name in ("my-model.keras", "tuned.keras"):
        shutil.copy(find_model("cnn").path, folder / name)
    (folder / "exported").mkdir()
    shutil.copy(int8_tflite, folder / "exported")
    return folder


COMMANDS = [step for step in PAGE.steps if not step.is_setup and "scripts/quickstart" not in step.text]
LONGER = ("--report", "--format web", "--package", "--preset fast", "--from cnn")


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(step, id=step.text[:60], marks=pytest.mark.slow if any(w in step.text for w in LONGER) else ())
        for step in COMMANDS
    ],
)
def test_every_command_works(folder: Path, here: Run, monkeypatch: pytest.MonkeyPatch, step: Step) -> None:
    monkeypatch.chdir(folder)
    done = Reader(folder, here).type(step)
    assert done.returncode == step.code, done.stderr
    if "seven.png" in step.text:
        assert "7" in done.stdout


def test_every_file_of_a_command_is_made_by_an_earlier_one() -> None:
    """A clone has only the examples; the quick start makes the export of cnn."""
    made = {"digits", "exported/cnn-int8.tflite"}
    for step in COMMANDS:
        if step.kind == "sh":
            made |= set(re.findall(r"--output (\S+)", step.text))
            needed = {word for word in step.text.split() if word.endswith((".keras", ".tflite"))}
            assert needed | set(re.findall(r"--data (\S+)", step.text)) <= made, step.text


def test_all_scripts_exist_and_every_command_is_shown() -> None:
    for name in re.findall(r"scripts/\w[\w-]*", README):
        assert os.access(ROOT / name, os.X_OK), name
    for group, name in re.findall(r"scripts/tool (\w+) ([\w-]+)", README):
        assert name in GROUPS[group].tools, name
    shown = {word for page in (PAGE, *PAGES.values()) for step in page.steps for word in step.text.split()[:1]}
    assert {word for word in shown if word.startswith("mnist-")} == {
        "mnist-train",
        "mnist-evaluate",
        "mnist-export",
        "mnist-runtime",
    }
    assert {"mnist-export", "mnist-runtime"} <= {step.text.split()[0] for step in COMMANDS}


def test_it_is_short() -> None:
    assert len(README.splitlines()) <= LONGEST


def test_every_link_is_valid() -> None:
    for target in re.findall(r"\]\((?!https:)([^)#]+)\)|(?:src|srcset)=\"([^\"]+)\"", README):
        assert (ROOT / "".join(target)).is_file(), target
    assert set(re.findall(r"\]\[(\w+)\]", README)) == set(re.findall(r"^\[(\w+)\]: https://", README, re.MULTILINE))


def test_its_pictures_are_complete() -> None:
    for theme in ("light", "dark"):
        with Image.open(ROOT / "docs" / "pictures" / f"front-{theme}.png") as picture:
            assert picture.width > 1200
    recorded = ElementTree.parse(ROOT / "docs" / "pictures" / "terminal.svg").getroot().findtext("{*}desc") or ""
    for line in FRONT:
        assert f"$ {line}\n" in recorded
    for words in ("proven on all 10,000 images", "examples/seven.png: 7 (", "passed: 10 of 10", "is damaged"):
        assert words in recorded


def test_the_tables_show_the_recorded_measurements() -> None:
    artifacts = json.loads((ROOT / "docs" / "results" / "data" / "exports.json").read_text())
    page = (ROOT / "docs" / "results" / "exports.md").read_text()
    assert exports_table(artifacts) in page
    seeds = json.loads((ROOT / "docs" / "results" / "data" / "seeds.json").read_text())
    assert summary_table(artifacts, seeds) in README
    assert {artifact["model"] for artifact in artifacts} == set(READY_MODELS)
    assert {artifact["format"] for artifact in artifacts} == set(FORMATS)


@pytest.mark.slow
def test_the_package_installs_from_the_clone_and_from_the_url_of_a_repository(tmp_path: Path) -> None:
    """The URL of this clone takes the place of the repository's. Needs the package index."""
    assert len(INSTALL) == 2
    for number, line in enumerate(INSTALL):
        place = tmp_path / str(number)
        subprocess.run([sys.executable, "-m", "venv", place / "digits"], check=True)
        shutil.copytree(ROOT / "runtime", place / "runtime")
        shell = line.replace("git+URL", f"git+file://localhost{ROOT}")
        subprocess.run(["bash", "-c", f"{shell} --quiet --disable-pip-version-check"], cwd=place, check=True)
        command = [place / "digits" / "bin" / "mnist-runtime", "classify", ROOT / "examples" / "seven.png"]
        assert ": 7 (" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_the_quick_start_works_twice_in_a_fresh_clone(tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    bare = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH", "MNIST_DIR")}
    for _ in range(2):
        done = subprocess.run(
            ["scripts/quickstart", "--data", "digits"], cwd=clone, env=bare, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout == "exported/cnn-int8.tflite\n"
        command = done.stderr.splitlines()[-1].removeprefix("try it: ")
        printed = subprocess.run(command, shell=True, cwd=clone, capture_output=True, text=True, check=True).stdout
        assert printed.startswith("examples/seven.png: 7")
