import keras
import numpy as np
import pytest
from keras import layers

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.keras_graph.static_shapes import with_static_shapes
from mnist_trainer import Splits

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.float32)


def normalized(layer: layers.Layer, shape: tuple[int, ...] = (28, 28, 1)) -> keras.Model:
    return keras.Sequential([keras.Input(shape), layer, layers.Flatten(), layers.Dense(10, activation="softmax")])


def adapted(axis: int | tuple[int, ...] | None, pixels: np.ndarray = PIXELS) -> layers.Normalization:
    layer = layers.Normalization(axis=axis)
    layer.adapt(pixels)
    return layer


@pytest.mark.parametrize("axis", [None, -1, (1, 2)])
def test_scores_are_the_same(axis: int | tuple[int, ...] | None) -> None:
    model = normalized(adapted(axis))
    static = with_static_shapes(model)
    assert not any(isinstance(layer, layers.Normalization) for layer in static.layers)
    np.testing.assert_allclose(static(PIXELS), model(PIXELS), atol=1e-5)


@pytest.mark.parametrize("layer", [layers.Normalization(mean=3.0, variance=0.0), layers.Normalization(axis=None)])
def test_a_deviation_of_zero_and_a_layer_without_adapt_give_the_same_scores(layer: layers.Normalization) -> None:
    model = normalized(layer)
    np.testing.assert_allclose(with_static_shapes(model)(PIXELS), model(PIXELS), atol=1e-5)


def test_an_inverse_normalization_stays() -> None:
    layer = layers.Normalization(mean=3.0, variance=4.0, invert=True)
    assert any(each is layer for each in with_static_shapes(normalized(layer)).layers)


def test_an_int8_file_has_only_operators_of_c_code(digits: Splits) -> None:
    keras.utils.set_random_seed(0)
    layer = adapted(None, digits.train.images[..., None].astype(np.float32))
    model = normalized(keras.Sequential([layer, layers.Conv2D(4, 3, padding="same")]))
    original = Original.from_keras(model, digits.test, pixel_range="0..255")
    plugin = load_plugin("tflite")
    content = plugin.convert(original, ExportSpec("tflite", Precision.INT8), Calibration.draw(digits.train, 50, seed=0))
    assert not {"SUB", "DIV"} & set(plugin.read(content).operators)
