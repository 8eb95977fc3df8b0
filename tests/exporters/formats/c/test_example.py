"""``examples/c``: a program with the exported code."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.c_programs import STRICT, needs_gcc

from mnist_exporters import ExportReport, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import prepare

EXAMPLE = Path(__file__).parents[4] / "examples" / "c"
NAMES = {"tiny-int8": "digits", "tiny_int8": "digits", "TINY_INT8": "DIGITS"}


@pytest.fixture(scope="module")
def project(exported: Callable[..., ExportReport], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example, with a model of its name."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
    path = exported("tiny", "c", Precision.INT8).path
    for suffix in (".c", ".h"):
        text = path.with_suffix(suffix).read_text()
        for old, new in NAMES.items():
            text = text.replace(old, new)
        (folder / f"digits{suffix}").write_text(text)
    return folder


def classify(program: Path, picture: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, picture], capture_output=True, text=True, check=False)


@needs_gcc
def test_it_prints_digit_and_confidence(
    exported: Callable[..., ExportReport], project: Path, seven: np.ndarray, tmp_path: Path
) -> None:
    program, picture = project / "classify", tmp_path / "seven.pgm"
    words = ["gcc", "-std=c99", *STRICT, project / "main.c", project / "digits.c", "-o", program]
    subprocess.run(words, check=True)
    gray = seven[..., 0]
    picture.write_bytes(f"P5\n{gray.shape[1]} {gray.shape[0]}\n255\n".encode() + gray.tobytes())
    scores = load_plugin("c").load(exported("tiny", "c", Precision.INT8).path).predict_proba(prepare(gray)[None])[0]
    done = classify(program, picture)
    assert (done.returncode, done.stdout.split()[1]) == (0, f"{scores.max():.3f}")
    assert done.stdout.split()[0] in {"none", str(scores.argmax())}
    picture.write_bytes(b"P5\n99999 99999\n255\nx")
    assert classify(program, picture).returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_cmake_builds_and_tests_it(project: Path) -> None:
    build = project / "build"
    for words in (["cmake", "-S", project, "-B", build], ["cmake", "--build", build], ["ctest", "--test-dir", build]):
        subprocess.run(words, check=True, capture_output=True)
