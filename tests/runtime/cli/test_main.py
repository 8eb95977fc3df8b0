"""The command ``mnist-runtime`` and its subcommand classify."""

import argparse
import dataclasses
import importlib.util
import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.shared.backend_cases import EVERY_BACKEND

from mnist_runtime import BackendError, Classifier
from mnist_runtime.cli.pictures import classify_command
from mnist_runtime.errors import install_command

Run = Callable[..., object]


@pytest.fixture
def picture(tmp_path: Path, seven: np.ndarray) -> Path:
    path = tmp_path / "seven.png"
    Image.fromarray(seven).save(path)
    return path


def test_a_picture_is_classified(run: Run, picture: Path) -> None:
    done = run("mnist-runtime", "classify", picture)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{picture}: 7 (")
    assert done.stderr == ""


@pytest.mark.parametrize("backend", EVERY_BACKEND)
def test_every_backend_gives_the_same_digit_and_no_other_output(run: Run, picture: Path, backend: str) -> None:
    done = run("mnist-runtime", "classify", "--json", "--top-k", 3, "--backend", backend, picture)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert found["backend"] == backend
    assert found["backend_version"][0].isdecimal()
    (result,) = found["results"]
    assert (result["file"], result["digit"], result["label"], len(result["top"])) == (str(picture), 7, "7", 3)
    assert result["top"][0] == {"digit": 7, "label": "7", "score": result["confidence"]}


def test_a_bad_picture_does_not_stop_the_others(run: Run, picture: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_bytes(b"no picture")
    done = run("mnist-runtime", "classify", tmp_path / "bad.png", picture, tmp_path / "missing.png")
    assert done.returncode == 6
    assert done.stdout.startswith(f"{picture}: 7")
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "error"]


def test_json_has_the_error_of_a_bad_picture_in_its_place(run: Run, picture: Path, tmp_path: Path) -> None:
    stack = tmp_path / "stack.npy"
    np.save(stack, np.zeros((5, 28, 28), np.uint8))
    done = run("mnist-runtime", "classify", "--json", picture, stack, picture)
    assert done.returncode == 6
    first, bad, last = json.loads(done.stdout)["results"]
    assert first == last
    assert (set(bad), bad["file"]) == ({"file", "error"}, str(stack))
    assert bad["error"].startswith(f"{stack}: The picture has shape (5, 28, 28)")
    assert done.stderr == f"error: {bad['error']}\n"


def test_an_empty_page_and_noise_have_no_digit(run: Run, tmp_path: Path) -> None:
    Image.new("L", (40, 60), 230).save(tmp_path / "page.png")
    dither = np.random.default_rng(0).integers(0, 2, (200, 200)).astype(bool)
    Image.fromarray(dither).save(tmp_path / "dither.png")
    for name in ("page.png", "dither.png"):
        done = run("mnist-runtime", "classify", tmp_path / name)
        assert done.returncode == 0
        answer = "no digit; the picture shows no clear strokes. Take it with more contrast, in even light"
        assert done.stdout == f"{tmp_path / name}: {answer}\n"
    done = run("mnist-runtime", "classify", "--json", tmp_path / "page.png")
    assert json.loads(done.stdout)["results"][0]["digit"] is None


def test_a_damaged_model_exits_with_5(run: Run, picture: Path, ready: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray(ready["tflite"].read_bytes())
    content[len(content) // 2] ^= 4
    (tmp_path / "damaged.tflite").write_bytes(content)
    done = run("mnist-runtime", "classify", "--model", tmp_path / "damaged.tflite", picture)
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: ")
    assert "SHA-256 differs" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["classify"],
        ["guess", "x.png"],
        ["classify", "--top-k", "0", "x.png"],
        ["classify", "--top-k", "11", "x.png"],
        ["classify", "--top-k", "1001", "x.png"],
        ["classify", "--top-k", "1" * 9999, "x.png"],
        ["classify", "--backend", "x", "y.png"],
    ],
)
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    done = run("mnist-runtime", *arguments)
    assert (done.returncode, done.stdout) == (2, "")


def test_a_backend_of_another_format_exits_with_2(run: Run, picture: Path, ready: dict[str, Path]) -> None:
    done = run("mnist-runtime", "classify", "--model", ready["onnx"], "--backend", "litert", picture)
    assert done.returncode == 2
    assert "onnxruntime" in done.stderr


def test_a_closed_stdout_causes_no_traceback(command_line: Callable[[str], list[str]], picture: Path) -> None:
    words = shlex.join([*command_line("mnist-runtime"), "classify", str(picture), str(picture)])
    command = ["bash", "-c", f"{words} | true; echo ${{PIPESTATUS[0]}}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr
    assert done.stdout.strip() in ("0", "141")  # 141 if it was closed before the first line


def test_a_broken_interpreter_causes_a_warning(run: Callable[..., object], tmp_path: Path) -> None:
    (tmp_path / "ai_edge_litert").mkdir()
    (tmp_path / "ai_edge_litert" / "__init__.py").write_text("raise ImportError('GLIBC_2.99 not found')")
    done = run("mnist-runtime", "self-test", "--json", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert json.loads(done.stdout)["passed"] is True
    assert done.stderr.startswith("warning: litert is installed but does not start (GLIBC_2.99 not found)")
    assert done.stderr.count("\n") == 1


def classify(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], source: dict[str, object], *files: Path
) -> tuple[str, dict[str, object]]:
    """Classify with a model that has `source` in its manifest; return stderr and the JSON."""
    classifier = Classifier.load()
    classifier.manifest = dataclasses.replace(classifier.manifest, name="mine", source=source)
    monkeypatch.setattr(Classifier, "load", lambda *_, **__: classifier)
    arguments = argparse.Namespace(
        files=[*map(str, files)],
        model=None,
        backend=None,
        trusted=None,
        top_k=1,
        json=True,
        keep_doubtful=None,
        doubtful_below=None,
    )
    assert classify_command(arguments) == 0
    stdout, stderr = capsys.readouterr()
    return stderr, json.loads(stdout)


@pytest.mark.parametrize(
    ("trained", "words"), [(False, "was not trained"), (None, "is not known to have been trained")]
)
def test_a_model_that_never_saw_a_picture_without_a_digit_causes_one_warning(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    picture: Path,
    trained: bool | None,
    words: str,
) -> None:
    stderr, found = classify(monkeypatch, capsys, {"rejects_non_digits": trained}, picture, picture)
    assert stderr == f"warning: mine {words} on pictures without a digit. It may answer them with a digit.\n"
    assert found["rejects_non_digits"] is trained


@pytest.mark.parametrize("source", [{"rejects_non_digits": True}, {}])
def test_a_model_that_did_and_a_file_that_does_not_say_cause_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], picture: Path, source: dict[str, object]
) -> None:
    assert classify(monkeypatch, capsys, source, picture)[0] == ""


def test_one_message_names_every_missing_package(monkeypatch: pytest.MonkeyPatch, picture: Path) -> None:
    """The interpreter that is demanded, and Pillow, which reads the picture."""
    find = importlib.util.find_spec
    absent = ("onnxruntime", "PIL")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name in absent else find(name, *rest))
    arguments = argparse.Namespace(
        files=[str(picture)],
        model=None,
        backend="onnxruntime",
        trusted=None,
        top_k=1,
        json=False,
        keep_doubtful=None,
        doubtful_below=None,
    )
    with pytest.raises(BackendError) as caught:
        classify_command(arguments)
    for extra in ("onnx", "images"):
        assert install_command(extra) in str(caught.value)
