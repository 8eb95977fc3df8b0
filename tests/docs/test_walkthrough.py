"""The notebook has its outputs, without a pixel of MNIST, and runs from top to bottom."""

import pkgutil
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from mnist_tools.release.notebook import NOTEBOOK


def printed(notebook: nbformat.NotebookNode) -> str:
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def pictures(notebook: nbformat.NotebookNode) -> int:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return sum("image/png" in output.get("data", {}) for output in outputs)


def check(notebook: nbformat.NotebookNode) -> None:
    text = printed(notebook)
    for words in ("297 training images", "proven", "7 (", "empty page: None", "passed with"):
        assert words in text
    assert pictures(notebook) == 4


def test_the_outputs_of_a_run_are_stored() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == [*range(1, len(cells) + 1)]
    check(notebook)
    assert not re.search(r"(?<![\w.])/(tmp|home|root|work)/|Traceback|Warning", NOTEBOOK.read_text("utf-8"))
    assert NOTEBOOK.stat().st_size < 500_000


def test_its_pictures_are_digits_of_scikit_learn() -> None:
    source = "".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code")
    assert re.findall(r"load_data\((.*?)\)", source) == ['"digits"']


def test_what_it_imports_exists() -> None:
    source = "\n".join(cell.source for cell in nbformat.read(NOTEBOOK, as_version=4).cells if cell.cell_type == "code")
    for module, names in re.findall(r"^from (mnist_[\w.]+) import (.+)$", source, re.MULTILINE):
        for name in names.split(", "):
            pkgutil.resolve_name(f"{module}:{name}")


@pytest.mark.slow
def test_all_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    check(notebook)
    assert (tmp_path / "exported" / "mine-int8.tflite").stat().st_size > 10_000
