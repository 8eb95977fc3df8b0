"""Fixtures of the exporters' tests: converters that return a broken model, and a model made by another tool."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

Edit = Callable[[bytes], bytes]


@pytest.fixture
def edit_converted(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Edit], None]:
    """Return a function that applies an edit to the result of a format's converter."""
    from mnist_exporters.formats.plugin import load_plugin

    def change(format: str, edit: Edit) -> None:
        plugin = load_plugin(format)
        convert = plugin.convert
        monkeypatch.setattr(plugin, "convert", lambda *arguments: edit(convert(*arguments)))

    return change


@pytest.fixture
def shuffle_weights(edit_converted: Callable[[str, Edit], None]) -> Callable[[str], None]:
    """Return a function that makes a format's converter permute the weights of the largest layer."""
    rng = np.random.default_rng(0)
    shuffles = {"onnx": _shuffled_onnx}

    def shuffle(format: str) -> None:
        def edit(content: bytes) -> bytes:
            changed = shuffles.get(format, _shuffled_tflite)(content, rng)
            assert changed != content
            return changed

        edit_converted(format, edit)

    return shuffle


def _shuffled_tflite(content: bytes, rng: np.random.Generator) -> bytes:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content)
    constants = []
    for tensor in interpreter.get_tensor_details():
        try:
            values = interpreter.get_tensor(tensor["index"])
        except ValueError:
            continue
        if values.tobytes() in content:
            constants.append(values)
    weights = max(constants, key=lambda values: values.nbytes)
    place = content.index(weights.tobytes())
    return content[:place] + rng.permutation(weights.ravel()).tobytes() + content[place + weights.nbytes :]


def _shuffled_onnx(content: bytes, rng: np.random.Generator) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    largest = max(model.graph.initializer, key=lambda tensor: tensor.ByteSize())
    values = onnx.numpy_helper.to_array(largest)
    shuffled = rng.permutation(values.ravel()).reshape(values.shape)
    largest.CopyFrom(onnx.numpy_helper.from_array(shuffled, largest.name))
    return model.SerializeToString()


@pytest.fixture(scope="session")
def dynamic_dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Convert a dense model with TensorFlow's default quantization, which has one scale per channel."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(64), keras.layers.Dense(10)])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    path = tmp_path_factory.mktemp("foreign") / "foreign.tflite"
    path.write_bytes(converter.convert())
    return path
