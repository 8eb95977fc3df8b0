"""Rules of the layout: every package folder has few entries and a description, and no module is long."""

import ast
from pathlib import Path

import pytest

from mnist_tools.checkout import ROOT

PACKAGES = ("runtime/mnist_runtime", "trainer/mnist_trainer", "exporters/mnist_exporters", "scripts/mnist_tools")
MOST_ENTRIES = 14
MOST_LINES = 320

MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("folder", FOLDERS, ids=name_of)
def test_a_folder_has_a_description_and_few_entries(folder: Path) -> None:
    assert (folder / "__init__.py").is_file()
    entries = [path.name for path in folder.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES, sorted(entries)


@pytest.mark.parametrize("module", MODULES, ids=name_of)
def test_a_module_has_a_real_docstring_and_is_short(module: Path) -> None:
    text = module.read_text()
    first, *_ = (ast.get_docstring(ast.parse(text)) or "").splitlines() or [""]
    words = first.replace("`", "").split()
    assert len(words) >= 3, f"{first!r} is too short"
    assert "TODO" not in first
    assert len(text.splitlines()) <= MOST_LINES
