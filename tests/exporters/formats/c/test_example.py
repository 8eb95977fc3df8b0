"""``examples/c``: a program with an exported file of any name."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.shared.c_programs import STRICT, needs_gcc
from tests.shared.task_cases import model_of, splits_of, templates

from mnist_exporters import ExportReport, ExportSpec, Precision, open_session
from mnist_exporters.formats.c_pair import identifier
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import prepare
from mnist_runtime.artifact.task import Task

EXAMPLE = Path(__file__).parents[4] / "examples" / "c"
SIGNS = Task(16, 16, 1, ("left", "right", "stop"))
COLORS = Task(8, 12, 3, ("red", "green"))


@pytest.fixture(scope="module")
def source(exported: Callable[..., ExportReport]) -> Path:
    path = exported("tiny", "c", Precision.INT8).path
    assert path is not None
    return path


def classify(program: Path, picture: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program, picture], capture_output=True, text=True, check=False)


def build(source: Path, folder: Path) -> Path:
    """Compile the example with an exported file, with strict warnings, and return the program."""
    name = identifier(source.stem)
    text = (EXAMPLE / "model.h.in").read_text()
    for old, new in {"@STEM@": source.stem, "@NAME@": name, "@UPPER@": name.upper()}.items():
        text = text.replace(old, new)
    (folder / "model.h").write_text(text)
    program = folder / "classify"
    words = ["gcc", "-std=c99", *STRICT, "-I", folder, "-I", source.parent, EXAMPLE / "main.c", source, "-o", program]
    subprocess.run(words, check=True)
    return program


@needs_gcc
def test_it_prints_digit_and_confidence(source: Path, seven: np.ndarray, tmp_path: Path) -> None:
    program, picture = build(source, tmp_path), tmp_path / "seven.pgm"
    gray = seven[..., 0]
    picture.write_bytes(f"P5\n{gray.shape[1]} {gray.shape[0]}\n255\n".encode() + gray.tobytes())
    scores = load_plugin("c").load(source).predict_proba(prepare(gray)[None])[0]
    done = classify(program, picture)
    assert (done.returncode, done.stdout.split()[1]) == (0, f"{scores.max():.3f}")
    assert done.stdout.split()[0] in {"none", str(scores.argmax())}
    picture.write_bytes(b"P5\n99999 99999\n255\nx")
    assert classify(program, picture).returncode == 2
    picture.write_bytes(b"P5\n1 1\n65535\n\0\0")
    assert classify(program, picture).returncode == 2


@pytest.mark.long
@needs_gcc
@pytest.mark.parametrize(("task", "magic", "kind"), [(SIGNS, "P5", "PGM"), (COLORS, "P6", "PPM")])
def test_without_a_preparation_it_reads_images_of_the_models_size(
    task: Task, magic: str, kind: str, tmp_path: Path
) -> None:
    report = open_session(model_of(task), splits_of(task)).export(ExportSpec("c", "int8"), tmp_path)
    assert report.path is not None
    program, picture = build(report.path, tmp_path), tmp_path / "picture"
    device = load_plugin("c").load(report.path)
    for image, label in zip(templates(task), task.labels, strict=True):
        picture.write_bytes(f"{magic}\n{task.width} {task.height}\n255\n".encode() + image.tobytes())
        done = classify(program, picture)
        assert (done.returncode, done.stdout) == (0, f"{label} {device.predict_proba(image[None]).max():.3f}\n")
    picture.write_bytes(f"{magic}\n{task.height + 1} {task.width}\n255\n".encode() + bytes(9999))
    done = classify(program, picture)
    assert done.returncode == 2
    assert f"is no binary {kind} file of {task.width} x {task.height} pixels" in done.stderr


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
