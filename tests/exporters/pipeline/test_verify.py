import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.export_cases import EVERY_PAIR

from mnist_exporters import ExportReport, Original, Precision, Reference, UsageError
from mnist_exporters.pipeline.verify import verify
from mnist_trainer import Splits


@pytest.mark.parametrize(("format", "precision"), EVERY_PAIR)
def test_every_export_is_proven_again_with_the_same_figures(
    exported: Callable[..., ExportReport],
    originals: dict[str, Original],
    digits: Splits,
    format: str,
    precision: Precision,
) -> None:
    report = exported("mlp", format, precision)
    found = verify(report.path, Reference.of(originals["mlp"], digits.test), originals["mlp"].sha256)
    assert found.parity == report.parity
    assert found.same_original


def test_another_original_is_told_and_a_worse_file_refused(
    here: Callable[..., object], exported: Callable[..., ExportReport]
) -> None:
    path = exported("linear", "tflite", Precision.INT8).path
    done = here("mnist-export", "verify", path, "--against", "cnn", "--data", "digits", "--json")
    assert done.returncode == 3
    facts = json.loads(done.stdout)
    assert facts["same_original"] is False
    assert facts["parity"]["passed"] is False
    assert "REFUSED" in done.stderr
    assert "another file" in done.stderr
    assert facts["parity"]["reasons"]
    for reason in facts["parity"]["reasons"]:
        assert reason in done.stderr


def test_the_command_proves(here: Callable[..., object], tmp_path: Path) -> None:
    exporting = ("--model", "mlp", "--format", "onnx", "--data", "digits", "--output", tmp_path)
    assert here("mnist-export", *exporting).returncode == 0
    done = here("mnist-export", "verify", tmp_path / "mlp-float32.onnx", "--against", "mlp", "--data", "digits")
    assert (done.returncode, done.stdout) == (0, "")
    assert "proven on all 1,500 images of digits" in done.stderr
    assert "another file" not in done.stderr


@pytest.mark.parametrize(("file", "code"), [("missing.tflite", 5), ("model.keras", 2)])
def test_a_file_that_cannot_be_is_told_at_once(
    here: Callable[..., object], tmp_path: Path, file: str, code: int
) -> None:
    done = here("mnist-export", "verify", tmp_path / file, "--against", "cnn")
    assert done.returncode == code
    assert done.stderr.startswith("error: Expected")


def test_a_tolerance_must_be_a_share(
    exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits
) -> None:
    path = exported("mlp", "onnx", Precision.FLOAT32).path
    with pytest.raises(UsageError, match="share"):
        verify(path, Reference.of(originals["mlp"], digits.test), "", max_accuracy_drop=5)


def test_other_images_may_refuse_it(
    exported: Callable[..., ExportReport], originals: dict[str, Original], digits: Splits
) -> None:
    few = Reference.of(originals["mlp"], digits.train)
    found = verify(exported("mlp", "onnx", Precision.FLOAT32).path, few, "")
    assert not found.parity.passed
    assert not found.same_original, "neither came from a file, so nobody can tell"
    assert np.isfinite(found.parity.drop_upper_95)
