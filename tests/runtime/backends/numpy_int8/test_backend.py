"""The backend numpy gives the integers of TFLite's reference kernels: not close to them, the same."""

import dataclasses
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from mnist_exporters import Calibration, ExportReport, ExportSpec, Original, Precision
from mnist_runtime import ArtifactError, Classifier
from mnist_runtime.backends.numpy_int8 import load_numpy
from mnist_runtime.backends.numpy_int8.matmul import Requantizer, exact_float
from mnist_runtime.backends.numpy_int8.node import Node
from mnist_runtime.backends.numpy_int8.operators import OPERATORS
from mnist_runtime.backends.tflite_format.model import TFLiteFile
from mnist_trainer import Splits

READY = Path(__file__).parents[4] / "runtime/mnist_runtime/models/cnn-int8.tflite"


def random_images(n: int) -> np.ndarray:
    """Noise, of which half is mostly black, as digits are."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (n, 28, 28, 1), dtype=np.uint8)
    images[: n // 2][generator.random((n // 2, 28, 28, 1)) < 0.8] = 0
    return images


def reference(content: bytes, images: np.ndarray) -> np.ndarray:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_REF)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


@pytest.mark.parametrize("model", ["cnn", "mlp", "linear"])
def test_exports_give_the_same_integers(exported: Callable[..., ExportReport], digits: Splits, model: str) -> None:
    content = exported(model, "tflite", Precision.INT8).path.read_bytes()
    images = np.concatenate([digits.test.images[..., None], random_images(2000)])
    assert np.array_equal(load_numpy(content).run(images), reference(content, images))


def test_the_ready_model_gives_the_same_integers(digits: Splits) -> None:
    images = np.concatenate([digits.test.images[..., None], random_images(2000)])
    assert np.array_equal(load_numpy(READY.read_bytes()).run(images), reference(READY.read_bytes(), images))


def test_numpy_of_a_32_bit_system_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """In NumPy 1 `ldexp` takes exponents as C's int and long, which there have 32 bits."""
    ldexp = np.ldexp

    def narrow(x: np.ndarray, exponents: np.ndarray) -> np.ndarray:
        if not np.can_cast(exponents.dtype, np.int32, casting="safe"):
            raise TypeError("ufunc 'ldexp' not supported for the input types")
        return ldexp(x, exponents)

    monkeypatch.setattr(np, "ldexp", narrow)
    load_numpy(READY.read_bytes())


def test_float_pixels_are_quantised_to_the_same_integers(originals: dict[str, Original], digits: Splits) -> None:
    """Halves of a step among them, which round away from zero."""
    from mnist_exporters.formats.plugin import load_plugin

    spec = ExportSpec("tflite", Precision.INT8, input_dtype="float32")
    content = load_plugin("tflite").convert(originals["linear"], spec, Calibration.draw(digits.train, 50, seed=0))
    steps = np.random.default_rng(0).integers(-100, 700, (500, 28, 28, 1)).astype(np.float32) / 2
    for pixels in (steps / np.float32(255), np.random.default_rng(0).normal(size=steps.shape).astype(np.float32)):
        assert np.array_equal(load_numpy(content).run(pixels), reference(content, pixels))


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
    assert np.array_equal(load_numpy(content).run(images), reference(content, images))


def test_the_networks_have_every_operator_of_the_table() -> None:
    named = {name for _, names in NETWORKS.values() for name in names.split()}
    assert set(OPERATORS) == named | {"DEQUANTIZE"}


def test_real_scores_are_the_same_too() -> None:
    content = converted(strided, real_output=True)
    assert TFLiteFile.read(content).operators[-1].name == "DEQUANTIZE"
    images = random_images(40)
    found = load_numpy(content).run(images)
    assert found.dtype == np.float32
    assert np.array_equal(found, reference(content, images))


def test_it_is_the_fallback_of_the_classifier(digits: Splits) -> None:
    images = digits.test.images[:300]
    by_numpy, by_default = Classifier.load(backend="numpy"), Classifier.load()
    assert by_numpy.backend_name == "numpy"
    assert by_numpy.real_scores(by_numpy.scores(images)).dtype == np.float32
    assert np.mean(by_numpy.predict(images) == by_default.predict(images)) > 0.99


def test_threads_may_share_it() -> None:
    backend = load_numpy(READY.read_bytes())
    images = random_images(64)
    expected = backend.run(images)
    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(backend.run(images))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert all(np.array_equal(scores, expected) for scores in found)


def test_an_image_alone_scores_as_among_others() -> None:
    backend = load_numpy(READY.read_bytes())
    images = random_images(20)
    assert np.array_equal(np.concatenate([backend.run(image[None]) for image in images]), backend.run(images))


def test_a_float_file_is_refused_with_what_it_lacks(exported: Callable[..., ExportReport]) -> None:
    content = exported("mlp", "tflite", Precision.FLOAT32).path.read_bytes()
    with pytest.raises(ArtifactError, match=r"received .* which the backend numpy lacks|on float32") as caught:
        load_numpy(content)
    assert "mnist-runtime[litert]" in str(caught.value)


def test_a_later_version_of_an_operator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    row = OPERATORS["CONV_2D"]
    monkeypatch.setitem(OPERATORS, "CONV_2D", dataclasses.replace(row, version=2))
    with pytest.raises(ArtifactError, match="received CONV_2D version 3 where it has versions up to 2"):
        load_numpy(READY.read_bytes())


def test_an_unknown_operator_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(OPERATORS, "SOFTMAX")
    with pytest.raises(ArtifactError, match="received SOFTMAX, which the backend numpy lacks"):
        load_numpy(READY.read_bytes())


@hypothesis.settings(max_examples=300)
@hypothesis.given(st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=8))
def test_changed_bytes_are_refused_or_run(changes: list[tuple[int, int]]) -> None:
    content = bytearray(READY.read_bytes())
    for position, value in changes:
        content[position % len(content)] = value
    with suppress(ArtifactError):
        load_numpy(bytes(content))


def test_floats_requantise_as_integers_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways of `Requantizer`, on each sum of each channel from end to end of the output's range and beyond."""
    file = TFLiteFile.read(READY.read_bytes())
    for operator in file.operators:
        if operator.name not in {"CONV_2D", "FULLY_CONNECTED"}:
            continue
        tensors = tuple(file.tensors[index] for index in operator.inputs)
        node = Node(operator, tensors, file.tensors[operator.outputs[0]])
        weights = tensors[1].values.astype(np.int64).reshape(len(tensors[1].values), -1).T
        for activation in (0, 1):
            requantize = Requantizer(node, weights, tensors[1].scales, 2, activation)
            sums = np.repeat(np.arange(-200_000, 200_000, 3)[:, None], weights.shape[1], axis=1)
            by_floats = requantize(sums.astype(np.float32))
            assert requantize.is_float
            monkeypatch.setattr(requantize, "is_float", False)
            assert np.array_equal(by_floats, requantize(sums.astype(np.float32)))


def test_what_float32_cannot_hold_is_summed_in_float64() -> None:
    """float32 is left at 2 ** 24: with weights of 127 that is between 1,032 and 1,033 products."""
    assert exact_float(np.full((1032, 1), 127))[0] is np.float32
    assert exact_float(np.full((1033, 1), 127))[0] is np.float64
