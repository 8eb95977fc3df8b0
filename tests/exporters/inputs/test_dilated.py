from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.keras_graph.static_shapes import with_static_shapes
from mnist_trainer import Splits

PIXELS = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)


def gapped() -> Any:
    """Return an untrained model whose dilated layers are at its top, inside another model, and used twice."""
    keras.utils.set_random_seed(0)
    twice = layers.Conv2D(6, 3, dilation_rate=(2, 1), padding="same", activation="relu")
    inner = keras.Sequential(
        [layers.Conv2D(6, (2, 3), dilation_rate=(1, 3), use_bias=False), layers.BatchNormalization(), layers.ReLU()]
    )
    pixels = keras.Input((28, 28, 1))
    end = layers.Conv2D(6, 3, strides=2)(pixels)
    end = inner(twice(twice(end)))
    end = layers.DepthwiseConv2D(3, dilation_rate=2, depth_multiplier=2, padding="same")(end)
    return keras.Model(pixels, layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(end)))


def test_scores_and_weights_are_the_same() -> None:
    model = gapped()
    static = with_static_shapes(model)
    assert {id(v) for v in static.variables} == {id(v) for v in model.variables}
    assert np.allclose(static(PIXELS), model(PIXELS), atol=1e-6)


@pytest.mark.long
@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8, Precision.INT4])
def test_a_dilated_convolution_is_one_operator(digits: Splits, precision: Precision) -> None:
    original = Original.from_keras(gapped(), digits.test, pixel_range="0..1")
    calibration = Calibration.draw(digits.train, 50, seed=0) if precision.is_calibrated else None
    plugin = load_plugin("tflite")
    found = set(plugin.read(plugin.convert(original, ExportSpec("tflite", precision), calibration)).operators)
    assert {"CONV_2D", "DEPTHWISE_CONV_2D"} <= found
    extra = {"SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND"} | ({"MUL", "ADD"} if precision.is_calibrated else set())
    assert not extra & found  # a float file scales its pixels with MUL


@pytest.mark.parametrize("other", [{"groups": 2}, {"data_format": "channels_first"}])
def test_a_convolution_that_the_operator_cannot_compute_stays(other: dict[str, Any]) -> None:
    layer = layers.Conv2D(4, 3, dilation_rate=2, **other)
    model = keras.Sequential([keras.Input((8, 8, 8)), layer, layers.Flatten()])
    assert any(each is layer for each in with_static_shapes(model).layers)
