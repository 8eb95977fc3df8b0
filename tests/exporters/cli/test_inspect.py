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


def test_mistyped_path_gets_the_nearest_one_as_a_hint(
    here: Callable[..., object], int8_tflite: Path, tmp_path: Path
) -> None:
    (tmp_path / "digits.tflite").write_bytes(int8_tflite.read_bytes())
    done = here("mnist-export", "inspect", tmp_path / "digts.tflite")
    assert done.returncode == 5
    assert f"Did you mean {tmp_path / 'digits.tflite'}?" in done.stderr
