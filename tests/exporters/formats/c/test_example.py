"""``examples/c``: a program with an exported file of any name."""

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
WORDS = {"@STEM@": "tiny-int8", "@NAME@": "tiny_int8", "@UPPER@": "TINY_INT8"}


@pytest.fixture(scope="module")
def source(exported: Callable[..., ExportReport]) -> Path:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    return path


def classify(program: Path, picture: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, picture], capture_output=True, text=True, check=False)


@needs_gcc
def test_it_prints_digit_and_confidence(source: Path, seven: np.ndarray, tmp_path: Path) -> None:
    text = (EXAMPLE / "model.h.in").read_text()
    for old, new in WORDS.items():
        text = text.replace(old, new)
    (tmp_path / "model.h").write_text(text)
    program, picture = tmp_path / "classify", tmp_path / "seven.pgm"
    words = ["gcc", "-std=c99", *STRICT, "-I", tmp_path, "-I", source.parent, EXAMPLE / "main.c", source, "-o", program]
    subprocess.run(words, check=True)
    gray = seven[..., 0]
    picture.write_bytes(f"P5\n{gray.shape[1]} {gray.shape[0]}\n255\n".encode() + gray.tobytes())
    scores = load_plugin("c").load(source).predict_proba(prepare(gray)[None])[0]
    done = classify(program, picture)
    assert (done.returncode, done.stdout.split()[1]) == (0, f"{scores.max():.3f}")
    assert done.stdout.split()[0] in {"none", str(scores.argmax())}
    picture.write_bytes(b"P5\n99999 99999\n255\nx")
    assert classify(program, picture).returncode == 2


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
@pytest.mark.parametrize("is_relative", [False, True])
def test_cmake_builds_and_tests_it(source: Path, tmp_path: Path, is_relative: bool) -> None:
    build, model = tmp_path / "build", source.name if is_relative else source
    for words in (
        ["cmake", "-S", EXAMPLE, "-B", build, f"-DMODEL={model}"],
        ["cmake", "--build", build],
        ["ctest", "--test-dir", build],
    ):
        subprocess.run(words, check=True, capture_output=True, cwd=source.parent)
    assert (build / "classify").exists()


@pytest.mark.skipif(shutil.which("cmake") is None, reason="CMake is not installed")
def test_cmake_names_the_option_if_there_is_no_model(tmp_path: Path) -> None:
    words = ["cmake", "-S", EXAMPLE, "-B", tmp_path / "build"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Give the exported file with -DMODEL=FILE.c" in done.stderr
