import dataclasses
import importlib.util
import re

import pytest
from tests.shared.contents_cases import INT8_CONTENTS

from mnist_exporters import ConversionError, ExportSpec, Precision, UsageError
from mnist_exporters.targets.devices import TARGETS
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_tools.checkout import ROOT

SIXTY_FOUR_BIT = {"litert", "tflite-runtime", "onnxruntime", "numpy"}
INSTALLABLE = {
    "pi-zero": {"numpy"},
    "pi-3-32": {"tflite-runtime", "onnxruntime", "numpy"},
    "pi-3": SIXTY_FOUR_BIT,
    "pi-4": SIXTY_FOUR_BIT,
    "pi-5": SIXTY_FOUR_BIT,
}


def test_every_target_with_a_backend_of_the_runtime_is_compared() -> None:
    assert {name for name, row in TARGETS.items() if set(row.interpreters) & SIXTY_FOUR_BIT} == set(INSTALLABLE)


@pytest.mark.parametrize("name", INSTALLABLE)
def test_a_target_has_the_backends_with_wheels_or_debian_packages_for_it(name: str) -> None:
    assert set(TARGETS[name].interpreters) & SIXTY_FOUR_BIT == INSTALLABLE[name]


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_accepts_an_int8_tflite_file(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: True)  # the compiler of an NPU is an extra
    row = TARGETS[name]
    assert set(row.interpreters) <= set(INTERPRETERS)
    row.check_spec(ExportSpec("tflite", Precision.INT8))
    row.check_contents(INT8_CONTENTS)


def test_the_page_about_precision_lists_every_target() -> None:
    page = (ROOT / "docs" / "how-to" / "precision.md").read_text("utf-8")
    [listed] = re.findall(r"^`--target` rejects .*?: (.*?)\. ", page, re.MULTILINE)
    assert re.findall(r"`([\w-]+)`", listed) == list(TARGETS)


@pytest.mark.parametrize("name", ["pi-zero", "mcu"])
def test_a_format_without_an_interpreter_is_an_error_before_any_work(name: str) -> None:
    with pytest.raises(UsageError, match="tflite") as caught:
        TARGETS[name].check_spec(ExportSpec("onnx", Precision.FLOAT32))
    assert caught.value.exit_code == 2


def test_a_32_bit_pi_takes_onnx_files_for_debians_onnxruntime() -> None:
    """docs/results/pi.md proves that it runs them there."""
    row = TARGETS["pi-3-32"]
    row.check_spec(ExportSpec("onnx", Precision.FLOAT32))
    row.check_contents(dataclasses.replace(INT8_CONTENTS, format="onnx", opset=17, ir_version=8))


def test_a_model_that_no_interpreter_loads_is_an_error() -> None:
    twelve = dataclasses.replace(INT8_CONTENTS, operators={"FULLY_CONNECTED": 12})
    TARGETS["pi-4"].check_contents(twelve)
    thirteen = dataclasses.replace(INT8_CONTENTS, operators={"FULLY_CONNECTED": 13})
    TARGETS["pi-4"].check_contents(thirteen)
    with pytest.raises(ConversionError, match=re.escape("does not support FULLY_CONNECTED version 13")) as caught:
        TARGETS["pi-3-32"].check_contents(thirteen)
    assert caught.value.exit_code == 5
