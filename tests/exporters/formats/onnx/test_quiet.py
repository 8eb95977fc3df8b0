"""Modules of the workstation that import onnxruntime: they leave no file in the home folder."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

CODES = {
    "the quantizer": "import mnist_exporters.formats.onnx.quantize",
    "a file of another tool": """
import sys
from mnist_trainer.foreign._probe import Onnx

Onnx(open(sys.argv[1], "rb").read())""",
}


@pytest.mark.parametrize("code", CODES.values(), ids=CODES)
def test_onnxruntime_leaves_no_file(
    run: Callable[..., subprocess.CompletedProcess[str]], ready: dict[str, Path], tmp_path: Path, code: str
) -> None:
    places = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME"), str(tmp_path))
    done = run("python", "-B", "-c", code, ready["onnx"], ORT_DISABLE_TELEMETRY=None, **places)
    assert (done.returncode, list(tmp_path.rglob("*"))) == (0, []), done.stderr
