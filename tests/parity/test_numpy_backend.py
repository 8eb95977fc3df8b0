"""The backend numpy gives the same integers as TFLite's reference kernels, for every operator that it has."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.backend_cases import random_images, reference_scores

from mnist_exporters import Calibration, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import ArtifactError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.numpy_int8.operators import OPERATORS
from mnist_runtime.backends.tflite_format.model import TFLiteFile
from mnist_trainer import Splits


@pytest.mark.parametrize("model", ["cnn", "mlp", "linear"])
def test_exports_give_the_same_integers(exported: Callable[..., ExportReport], digits: Splits, model: str) -> None:
    content = exported(model, "tflite", Precision.INT8).path.read_bytes()
    images = np.concatenate([digits.test.images[..., None], random_images(2000)])
    assert np.array_equal(load_numpy(content).run(images), reference_scores(content, images))


def test_float_pixels_are_quantised_to_the_same_integers(originals: dict[str, Original], digits: Splits) -> None:
    """Halves of a step among them, which round away from zero."""
    spec = ExportSpec("tflite", Precision.INT8, input_dtype="float32")
    content = load_plugin("tflite").convert(originals["linear"], spec, Calibration.draw(digits.train, 50, seed=0))
    steps = np.random.default_rng(0).integers(-100, 700, (500, 28, 28, 1)).astype(np.float32) / 2
    for pixels in (steps / np.float32(255), np.random.default_rng(0).normal(size=steps.shape).astype(np.float32)):
        assert np.array_equal(load_numpy(content).run(pixels), reference_scores(content, pixels))


def strided(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(7, (3, 5), strides=(2, 3), padding="same", activation="relu6")(x)
    x = keras.layers.Conv2D(9, 3, strides=2)(x)
    x = keras.layers.Conv2D(8, 1, activation="relu")(x)
    return keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(x))


def depthwise(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(6, 3, strides=2, padding="same")(x)
    branch = keras.layers.DepthwiseConv2D(3, padding="same", activation="relu")(x)
    x = keras.layers.Add()([x, keras.layers.Conv2D(6, 1)(branch)])
    x = keras.layers.DepthwiseConv2D((5, 4), strides=2, depth_multiplier=2)(x)
    x = keras.layers.AveragePooling2D(3, strides=2, padding="same")(x)
    return keras.layers.Dense(10)(keras.layers.GlobalAveragePooling2D()(x))


def gated(keras: Any, x: Any) -> Any:
    x = keras.layers.ReLU()(keras.layers.ZeroPadding2D(((1, 2), (0, 3)))(keras.layers.Conv2D(5, 3)(x)))
    x = keras.layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = keras.layers.Multiply()([x, keras.layers.Conv2D(5, 1, activation="sigmoid")(x)])
    x = keras.layers.AveragePooling2D((2, 3))(x)
    x = keras.layers.ReLU(max_value=6)(keras.layers.ZeroPadding2D(1)(x))
    return keras.layers.Dense(10, activation="sigmoid")(keras.layers.Flatten()(x))


def per_pixel(keras: Any, x: Any) -> Any:
    x = keras.layers.Conv2D(4, 3, strides=3, use_bias=False)(x)
    x = keras.layers.Concatenate()([x, keras.layers.Dense(6, use_bias=False, activation="relu")(x)])
    x = keras.layers.DepthwiseConv2D(3, use_bias=False)(x)
    return keras.layers.Dense(10, use_bias=False)(keras.layers.Flatten()(keras.layers.MaxPooling2D(2)(x)))


NETWORKS = {
    "per_pixel": (per_pixel, "CONCATENATION GATHER REDUCE_PROD"),
    "strided": (strided, "CONV_2D FULLY_CONNECTED PACK QUANTIZE RESHAPE SHAPE SOFTMAX STRIDED_SLICE"),
    "depthwise": (depthwise, "ADD AVERAGE_POOL_2D CONV_2D DEPTHWISE_CONV_2D FULLY_CONNECTED MEAN"),
    "gated": (gated, "AVERAGE_POOL_2D LOGISTIC MAX_POOL_2D MUL PAD RELU RELU6"),
}


def converted(network: Callable[[Any, Any], Any], *, real_output: bool = False, per_channel: bool = True) -> bytes:
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    image = keras.Input((28, 28, 1))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, network(keras, image)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([each[None] / np.float32(255)] for each in random_images(50))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32 if real_output else tf.uint8
    converter._experimental_disable_per_channel = not per_channel
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it misses statistics of the input, which it then takes from the images
        return converter.convert()


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_every_operator_gives_the_same_integers(name: str, per_channel: bool) -> None:
    network, wanted = NETWORKS[name]
    content = converted(network, per_channel=per_channel)
    assert set(wanted.split()) <= {operator.name for operator in TFLiteFile.read(content).operators}
    images = random_images(300)
    assert np.array_equal(load_numpy(content).run(images), reference_scores(content, images))


def test_the_networks_have_every_operator_of_the_table() -> None:
    named = {name for _, names in NETWORKS.values() for name in names.split()}
    assert set(OPERATORS) == named | {"DEQUANTIZE"}


def test_real_scores_are_the_same_too() -> None:
    content = converted(strided, real_output=True)
    assert TFLiteFile.read(content).operators[-1].name == "DEQUANTIZE"
    images = random_images(40)
    found = load_numpy(content).run(images)
    assert found.dtype == np.float32
    assert np.array_equal(found, reference_scores(content, images))


def test_a_float_file_is_refused_with_what_it_lacks(exported: Callable[..., ExportReport]) -> None:
    content = exported("mlp", "tflite", Precision.FLOAT32).path.read_bytes()
    with pytest.raises(ArtifactError, match=r"received .* which the backend numpy lacks|on float32") as caught:
        load_numpy(content)
    assert "mnist-runtime[litert]" in str(caught.value)
