"""Run docs/walkthrough.ipynb and store its outputs in it. Its pictures are scikit-learn's digits, never MNIST's."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence

import nbformat
from nbclient import NotebookClient

from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT

__all__ = ["NOTEBOOK", "main"]

NOTEBOOK = ROOT / "docs" / "walkthrough.ipynb"
LONGEST = 3600
"""Seconds for a cell, on a busy machine."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the notebook in an empty folder."""
    argparse.ArgumentParser(prog="scripts/tool release notebook", description=__doc__).parse_args(argv)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    with tempfile.TemporaryDirectory() as work:
        NotebookClient(notebook, timeout=LONGEST, resources={"metadata": {"path": work}}).execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of the run
        if cell.cell_type == "code":  # stderr has messages of TensorFlow about the processor
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    with atomic_write(NOTEBOOK) as temporary:
        nbformat.write(notebook, temporary)
    print(NOTEBOOK)
    return 0
