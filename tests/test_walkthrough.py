"""The notebook runs from top to bottom, on scikit-learn's digits, which need no download."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).parents[1] / "docs" / "walkthrough.ipynb"


def test_no_outputs_are_stored() -> None:
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)


@pytest.mark.slow
def test_all_cells_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    (loading,) = [cell for cell in notebook.cells if 'load_data("auto")' in cell.source]
    loading.source = loading.source.replace('"auto"', '"digits"')
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": tmp_path}}).execute()
    printed = "".join(
        output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []) if "text" in output
    )
    assert "297 training images" in printed
    assert "proven" in printed
    assert "empty page: None" in printed
    assert "passed with" in printed
    assert (tmp_path / "exported" / "mine-int8.tflite").stat().st_size > 10_000
    pictures = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 4
