from collections.abc import Callable

import keras
import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from tests.shared.export_cases import EACH_READY

from mnist_exporters import ConversionError, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.formats.spec_checks import check_matches
from mnist_trainer import Splits


@pytest.mark.parametrize("model", EACH_READY)
def test_int8_has_integer_tensors_only(exported: Callable[..., ExportReport], model: str) -> None:
    interpreter = Interpreter(model_path=str(exported(model, "tflite", Precision.INT8).path))
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["dtype"], target["dtype"]) == (np.uint8, np.uint8)
    assert source["quantization"] == (pytest.approx(1 / 255), 0)
    assert {np.dtype(tensor["dtype"]).kind for tensor in interpreter.get_tensor_details()} <= {"i", "u"}
    weights = [t for t in interpreter.get_tensor_details() if len(t["quantization_parameters"]["scales"]) > 1]
    assert all(t["dtype"] in (np.int8, np.int32) for t in weights)


def test_a_model_too_small_for_dynamic_is_an_error(digits: Splits) -> None:
    """The converter leaves weights of fewer than 1,024 values as they are; such a file is not dynamic."""
    pixels = keras.Input((28, 28, 1))
    small = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=4)(pixels))
    model = keras.Model(pixels, keras.layers.Dense(10, activation="softmax")(small))
    original = Original.from_keras(model, digits.test)
    spec, plugin = ExportSpec("tflite", Precision.DYNAMIC), load_plugin("tflite")
    contents = plugin.read(plugin.convert(original, spec, None))
    with pytest.raises(ConversionError, match="Most weights are float32, not dynamic"):
        check_matches(contents, spec, original.input_scaling)


def test_the_ready_cnn_in_int8_has_at_most_28_kb(exported: Callable[..., ExportReport]) -> None:
    assert exported("cnn", "tflite", Precision.INT8).model_bytes <= 28_000


def test_a_layer_with_a_tensorflow_operator_is_an_error(digits: Splits) -> None:
    pixels = keras.Input((28, 28))
    rare = keras.ops.erfinv(keras.ops.clip(pixels, 0.1, 0.9))  # Erfinv is a Flex operator
    scores = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(rare))
    original = Original.from_keras(keras.Model(pixels, scores), digits.test)
    with pytest.raises(ConversionError, match="builtin operators"):
        load_plugin("tflite").convert(original, ExportSpec("tflite", Precision.FLOAT32), None)
