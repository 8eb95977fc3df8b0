import json
from collections.abc import Callable
from pathlib import Path

import pytest


def test_command_prints_one_json_object(run: Callable[..., object], int8_tflite: Path) -> None:
    done = run("mnist-export", "inspect", int8_tflite, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    facts = json.loads(done.stdout)
    assert facts["manifest"]["name"] == "cnn"
    assert facts["obstacles"]["litert"] is None


@pytest.mark.parametrize(
    ("name", "code"), [("missing.tflite", 5), ("model.keras", 2), ("model", 2), ("x" * 300 + ".tflite", 5)]
)
def test_path_that_is_not_a_model_file_is_an_error(
    here: Callable[..., object], tmp_path: Path, name: str, code: int
) -> None:
    done = here("mnist-export", "inspect", tmp_path / name)
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


def test_a_file_that_is_cut_off_is_named(here: Callable[..., object], ready: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    path.write_bytes(ready["tflite"].read_bytes()[:20000])
    fault = "The TFLite model ends too early: the file is cut off or damaged. Copy or export it again.\n"
    for command in (("inspect", path), ("verify", path, "--against", "cnn", "--data", "digits")):
        done = here("mnist-export", *command)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith(f"error: {path}: {fault}")


@pytest.mark.parametrize(
    ("name", "format", "words"),
    [
        ("wrong.onnx", "tflite", "is a TFLite file. Rename it to end in .tflite."),
        ("model.bin", "tflite", "is a TFLite file. Rename it to end in .tflite."),
        ("wrong.tflite", "onnx", "is an ONNX file. Rename it to end in .onnx."),
        ("model.keras", "", "is a Keras model. Measure it with mnist-evaluate, or convert it with mnist-export."),
    ],
)
def test_a_file_of_another_format_is_named(
    here: Callable[..., object], request: pytest.FixtureRequest, tmp_path: Path, name: str, format: str, words: str
) -> None:
    content = request.getfixturevalue(f"int8_{format}").read_bytes() if format else b"PK"
    (tmp_path / name).write_bytes(content)
    for command in (("inspect",), ("verify", "--against", "cnn"), ("seal", "--against", "cnn")):
        done = here("mnist-export", *command, tmp_path / name)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"{tmp_path / name} {words}" in done.stderr


@pytest.mark.long
def test_a_suffix_may_be_in_upper_case(here: Callable[..., object], int8_tflite: Path, tmp_path: Path) -> None:
    path = tmp_path / "MODEL.TFLITE"
    path.write_bytes(int8_tflite.read_bytes())
    done = here("mnist-export", "inspect", path, "--json")
    assert json.loads(done.stdout)["manifest"]["name"] == "cnn"
    done = here("mnist-export", "verify", path, "--against", "cnn", "--data", "digits")
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_mistyped_path_gets_the_nearest_one_as_a_hint(
    here: Callable[..., object], int8_tflite: Path, tmp_path: Path
) -> None:
    (tmp_path / "digits.tflite").write_bytes(int8_tflite.read_bytes())
    done = here("mnist-export", "inspect", tmp_path / "digts.tflite")
    assert done.returncode == 5
    assert f"Did you mean {tmp_path / 'digits.tflite'}?" in done.stderr
