import dataclasses
import re

import pytest
from tests.exporters.formats.test_contents import RIGHT

from mnist_exporters import FORMATS, ConversionError, ExportSpec, Precision, UsageError
from mnist_exporters.targets.devices import TARGETS
from mnist_exporters.targets.interpreters import INTERPRETERS


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_takes_an_int8_tflite_file(name: str) -> None:
    row = TARGETS[name]
    assert set(row.interpreters) <= set(INTERPRETERS)
    row.refuse_spec(ExportSpec("tflite", Precision.INT8))
    row.refuse(RIGHT)


@pytest.mark.parametrize("name", ["pi-zero", "pi-3-32", "mcu"])
def test_a_format_without_an_interpreter_is_refused_before_any_work(name: str) -> None:
    with pytest.raises(UsageError, match="tflite") as caught:
        TARGETS[name].refuse_spec(ExportSpec("onnx", Precision.FLOAT32))
    assert caught.value.exit_code == 2


def test_a_file_that_loads_on_none_of_the_interpreters_is_refused() -> None:
    new = dataclasses.replace(RIGHT, operators={"FULLY_CONNECTED": 12})
    TARGETS["pi-4"].refuse(new)
    assert "numpy" in TARGETS["pi-3-32"].interpreters
    new = dataclasses.replace(RIGHT, operators={"FULLY_CONNECTED": 13})
    TARGETS["pi-4"].refuse(new)
    with pytest.raises(ConversionError, match=re.escape("does not know FULLY_CONNECTED version 13")) as caught:
        TARGETS["pi-3-32"].refuse(new)
    assert caught.value.exit_code == 5


def test_the_formats_of_the_interpreters_are_known() -> None:
    assert {format for row in INTERPRETERS.values() for format in row.formats} >= set(FORMATS)
