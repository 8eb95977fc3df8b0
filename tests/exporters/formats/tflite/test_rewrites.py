import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters.formats.tflite.rewrites import with_integer_input, with_short_names
from mnist_runtime import QuantParams
from mnist_trainer import load_model


@pytest.fixture(scope="module")
def doubling() -> bytes:
    """A model that doubles a float image."""
    pixels = keras.Input((4, 4, 1))
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, pixels * 2.0)).convert()


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-4, 10), zero_point=st.integers(-128, 127), dtype=st.sampled_from(["uint8", "int8"]))
def test_an_integer_input_is_dequantized(doubling: bytes, scale: float, zero_point: int, dtype: str) -> None:
    affine = QuantParams(scale, zero_point + (128 if dtype == "uint8" else 0), dtype)
    interpreter = Interpreter(model_content=with_integer_input(doubling, affine))
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert (source["dtype"], source["shape_signature"].tolist()) == (np.dtype(dtype), [-1, 4, 4, 1])
    integers = np.arange(32).astype(dtype).reshape(2, 4, 4, 1) * 7
    interpreter.resize_tensor_input(source["index"], integers.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], integers)
    interpreter.invoke()
    expected = 2 * affine.dequantize(integers)
    assert np.allclose(interpreter.get_tensor(target["index"]), expected, rtol=1e-5, atol=1e-5 * scale)


def test_the_signature_names_the_integer_input(doubling: bytes) -> None:
    interpreter = Interpreter(model_content=with_integer_input(doubling, QuantParams(1.0, 0, "uint8")))
    (name,) = interpreter.get_signature_list()["serving_default"]["inputs"]
    runner = interpreter.get_signature_runner()
    (doubled,) = runner(**{name: np.full((1, 4, 4, 1), 9, np.uint8)}).values()
    assert np.all(doubled == 18)


def test_short_names_change_no_answer() -> None:
    long = tf.lite.TFLiteConverter.from_keras_model(load_model("cnn")).convert()
    short = with_short_names(long)
    assert len(short) < len(long) - 500
    (graph,) = schema.ModelT.InitFromPackedBuf(short, 0).subgraphs
    names = [tensor.name.decode() for tensor in graph.tensors]
    assert all(";" not in name for name in names)
    assert any(name.startswith("relu2") for name in names), names
    assert with_short_names(short) == short
    images = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    answers = []
    for content in (long, short):
        interpreter = Interpreter(model_content=content)
        interpreter.allocate_tensors()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], images)
        interpreter.invoke()
        answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    np.testing.assert_array_equal(*answers)
