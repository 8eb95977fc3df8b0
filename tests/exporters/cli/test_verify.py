import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import ExportReport, Precision


def test_worse_file_of_another_original_is_refused(
    here: Callable[..., object], exported: Callable[..., ExportReport]
) -> None:
    path = exported("linear", "tflite", Precision.INT8).path
    done = here("mnist-export", "verify", path, "--against", "cnn", "--data", "digits", "--json", "--quiet")
    assert done.returncode == 3
    facts = json.loads(done.stdout)
    assert facts["same_original"] is False
    assert facts["parity"]["passed"] is False
    assert "REFUSED" in done.stderr
    assert "not the file that it was exported from" in done.stderr
    assert facts["parity"]["reasons"]
    for reason in facts["parity"]["reasons"]:
        assert reason in done.stderr


def test_export_is_proven_again(here: Callable[..., object], exported: Callable[..., ExportReport]) -> None:
    path = exported("mlp", "onnx", Precision.FLOAT32).path
    done = here("mnist-export", "verify", path, "--against", "mlp", "--data", "digits")
    assert (done.returncode, done.stdout) == (0, "")
    assert "proven on all 1,500 images of digits" in done.stderr
    assert "not the file" not in done.stderr


@pytest.mark.parametrize(("name", "code"), [("missing.tflite", 5), ("model.keras", 2)])
def test_path_that_is_not_an_export_is_reported_before_any_work(
    here: Callable[..., object], tmp_path: Path, name: str, code: int
) -> None:
    done = here("mnist-export", "verify", tmp_path / name, "--against", "cnn")
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
