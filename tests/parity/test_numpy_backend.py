"""The backend numpy computes the same integers as TFLite's reference kernels, for each of its operators."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
from tests.shared.backend_cases import random_images, reference_scores
from tests.shared.operator_networks import NETWORKS, converted, strided

from mnist_exporters import Calibration, ExportReport, ExportSpec, Original, Precision
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import ArtifactError
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.numpy_int8.backend import OPERATORS
from mnist_runtime.backends.tflite_format.model import TFLiteFile
from mnist_trainer import Splits


@pytest.mark.long
@pytest.mark.parametrize("model", ["cnn", "mlp", "linear"])
def test_exports_give_the_same_integers(exported: Callable[..., ExportReport], digits: Splits, model: str) -> None:
    content = exported(model, "tflite", Precision.INT8).path.read_bytes()
    images = np.concatenate([digits.test.images[..., None], random_images(2000)])
    assert np.array_equal(load_numpy(content).run(images), reference_scores(content, images))


def test_float_pixels_are_quantized_to_the_same_integers(originals: dict[str, Original], digits: Splits) -> None:
    """Includes half steps, which are rounded away from zero."""
    spec = ExportSpec("tflite", Precision.INT8, input_dtype="float32")
    content = load_plugin("tflite").convert(originals["linear"], spec, Calibration.draw(digits.train, 50, seed=0))
    steps = np.random.default_rng(0).integers(-100, 700, (500, 28, 28, 1)).astype(np.float32) / 2
    for pixels in (steps / np.float32(255), np.random.default_rng(0).normal(size=steps.shape).astype(np.float32)):
        assert np.array_equal(load_numpy(content).run(pixels), reference_scores(content, pixels))


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("per_channel", [True, False])
def test_every_operator_gives_the_same_integers(name: str, per_channel: bool) -> None:
    network, wanted = NETWORKS[name]
    content = converted(network, per_channel=per_channel)
    assert set(wanted.split()) <= {operator.name for operator in TFLiteFile.read(content).operators}
    images = random_images(300)
    assert np.array_equal(load_numpy(content).run(images), reference_scores(content, images))


def windows(x: Any) -> Any:
    """Return the output of convolutions whose windows are too many for one piece."""
    x = keras.layers.Conv2D(16, 5, padding="same", activation="relu")(x)
    x = keras.layers.Conv2D(8, 3, strides=2)(x)
    return keras.layers.Dense(7)(keras.layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize(
    ("network", "shape"),
    [(NETWORKS["gated"][0], (32, 21, 3)), (windows, (128, 127, 3))],
)
def test_other_images_give_the_same_integers(network: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    content = converted(network, shape=shape)
    images = random_images(9, shape)
    assert np.array_equal(load_numpy(content, shape).run(images), reference_scores(content, images))


def test_networks_cover_every_operator_of_the_table() -> None:
    named = {name for _, names in NETWORKS.values() for name in names.split()}
    assert set(OPERATORS) == named | {"DEQUANTIZE"}


def test_float_scores_are_the_same() -> None:
    content = converted(strided, real_output=True)
    assert TFLiteFile.read(content).operators[-1].name == "DEQUANTIZE"
    images = random_images(40)
    found = load_numpy(content).run(images)
    assert found.dtype == np.float32
    assert np.array_equal(found, reference_scores(content, images))


def test_float_file_is_an_error_that_names_the_missing_operator(exported: Callable[..., ExportReport]) -> None:
    content = exported("mlp", "tflite", Precision.FLOAT32).path.read_bytes()
    with pytest.raises(ArtifactError, match=r"lacks the operator|on float32") as caught:
        load_numpy(content)
    assert "mnist-runtime doctor shows" in str(caught.value)
