"""Speed of C code, relative to TensorFlow Lite Micro."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import ExportReport, Precision
from mnist_tools.bench.c import TFLM, Times, page
from mnist_tools.bench.engines import compiled


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not installed")
def test_a_program_measures_the_time_of_an_image(exported: Callable[..., ExportReport], tmp_path: Path) -> None:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    run = compiled(path, np.zeros((3, 28, 28), np.uint8), ("-O3",), tmp_path)
    assert 0 < run() < 1


def test_the_page_has_times_and_ratios() -> None:
    text = page([Times("cnn", {"C, -O3": 100e-6, TFLM: 1000e-6, "LiteRT": 20e-6})])
    assert "| `cnn` | 100 µs, 0.10 | 1000 µs, 1.00 | 20 µs, 0.02 |" in text
