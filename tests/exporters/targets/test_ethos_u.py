"""The device with an NPU, compiled for with Arm's Vela where that is installed."""

import importlib.util
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mnist_exporters import ConversionError, ExportReport, ExportSpec, Precision, UsageError
from mnist_exporters.errors import MissingPackageError
from mnist_exporters.targets.devices import TARGETS
from mnist_runtime import Artifact

needs_vela = pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed")
TARGET = TARGETS["ethos-u55"]


@pytest.fixture(scope="module")
def model(exported: Callable[..., ExportReport]) -> bytes:
    return Artifact.open(exported("tiny", "tflite", Precision.INT8).path).content


@needs_vela
def test_an_int8_model_reports_its_memory(model: bytes) -> None:
    memory = TARGET.npu_memory(model)
    assert memory.accelerator == "ethos-u55-128"
    assert 784 < memory.sram_bytes < 100_000
    assert 5_790 < memory.flash_bytes < len(model), "at least one byte for each weight"
    assert f"SRAM {memory.sram_bytes:,} bytes" in str(memory)


@needs_vela
@pytest.mark.slow
def test_an_operator_that_would_stay_on_the_processor_is_refused(
    here: Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    options = ("--data", "digits", "--quantize", "--target", "ethos-u55", "--output", tmp_path, "--json")
    done = here("mnist-export", "linear", *options)
    assert done.returncode == 0, done.stderr
    (artifact,) = json.loads(done.stdout)["artifacts"]
    assert artifact["npu"]["flash_bytes"] > 7_840
    assert f"  NPU        ethos-u55-128: SRAM {artifact['npu']['sram_bytes']:,} bytes, flash" in done.stderr
    refused = here("mnist-export", "linear", *options, "--output-dtype", "float32")
    assert refused.returncode == 5
    assert "the processor and not the NPU would compute DEQUANTIZE" in refused.stderr


@needs_vela
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.DYNAMIC, Precision.INT4])
def test_a_model_that_vela_rejects_or_crashes_on_is_an_error(
    exported: Callable[..., ExportReport], precision: Precision
) -> None:
    content = Artifact.open(exported("linear", "tflite", precision).path).content
    with pytest.raises(ConversionError, match="ethos-u55-128") as caught:
        TARGET.npu_memory(content)
    assert caught.value.exit_code == 5


@needs_vela
def test_a_file_that_is_no_model_is_an_error() -> None:
    with pytest.raises(ConversionError, match="Vela cannot compile the model for ethos-u55-128"):
        TARGET.npu_memory(b"no model")


def test_without_vela_the_way_to_install_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingPackageError, match=r"pip install 'mnist-edge-export\[ethos\]'") as caught:
        TARGET.check_spec(ExportSpec("tflite", Precision.INT8))
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(("format", "precision"), [("tflite", Precision.FLOAT32), ("onnx", Precision.INT8)])
def test_other_files_are_an_error_before_any_work(format: str, precision: Precision) -> None:
    with pytest.raises(UsageError, match="Ethos-U55"):
        TARGET.check_spec(ExportSpec(format, precision))


def test_a_device_without_an_npu_needs_no_compiler(model: bytes) -> None:
    assert TARGETS["mcu"].npu_memory(model) is None
