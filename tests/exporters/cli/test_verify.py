import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import ExportReport, Precision


@pytest.mark.long
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


@pytest.mark.parametrize("damage", ["cut", "longer"])
@pytest.mark.parametrize("format", ["tflite", "onnx"])
def test_an_export_that_was_cut_off_is_not_taken_for_another_tools(
    here: Callable[..., object], request: pytest.FixtureRequest, tmp_path: Path, format: str, damage: str
) -> None:
    content = request.getfixturevalue(f"int8_{format}").read_bytes()
    path = tmp_path / f"damaged.{format}"
    path.write_bytes(content[:-71] if damage == "cut" else content + b"junk\n")
    for command in ("verify", "seal"):
        done = here("mnist-export", command, path, "--against", "cnn", "--data", "digits")
        assert (done.returncode, done.stdout) == (5, "")
        assert f"{path} was made by mnist-export and was changed or cut off after that. Export or copy" in done.stderr


@pytest.mark.long
def test_a_model_without_its_archive_is_another_tools(
    here: Callable[..., object], int8_tflite: Path, tmp_path: Path
) -> None:
    content = int8_tflite.read_bytes()
    (tmp_path / "bare.tflite").write_bytes(content[: content.index(b"PK\x03\x04")])
    done = here("mnist-export", "verify", tmp_path / "bare.tflite", "--against", "cnn", "--data", "digits")
    assert done.returncode == 0, done.stderr
    assert "made by another tool" in done.stderr
    (tmp_path / "bare.tflite").rename(tmp_path / "BARE.TFLITE")
    done = here("mnist-export", "verify", tmp_path / "BARE.TFLITE", "--against", "cnn", "--data", "digits")
    assert done.returncode == 2
    assert "BARE.TFLITE was made by another tool. Rename it to end in .tflite." in done.stderr


@pytest.mark.parametrize(("name", "code"), [("missing.tflite", 5), ("model.keras", 2)])
def test_path_that_is_not_an_export_is_reported_before_any_work(
    here: Callable[..., object], tmp_path: Path, name: str, code: int
) -> None:
    done = here("mnist-export", "verify", tmp_path / name, "--against", "cnn")
    assert done.returncode == code
    assert done.stderr.startswith("error: ")
