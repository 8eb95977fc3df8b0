import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters.formats.tflite.rewrites import with_integer_input
from mnist_runtime import QuantParams


@pytest.fixture(scope="module")
def doubling() -> bytes:
    """A model from one float image to twice that."""
    import keras
    import tensorflow as tf

    pixels = keras.Input((4, 4, 1))
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, pixels * 2.0)).convert()


@settings(max_examples=20, deadline=None)
@given(scale=st.floats(1e-4, 10), zero_point=st.integers(-128, 127), dtype=st.sampled_from(["uint8", "int8"]))
def test_the_new_input_stands_for_the_old(doubling: bytes, scale: float, zero_point: int, dtype: str) -> None:
    from ai_edge_litert.interpreter import Interpreter

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


def test_the_signature_follows(doubling: bytes) -> None:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=with_integer_input(doubling, QuantParams(1.0, 0, "uint8")))
    (name,) = interpreter.get_signature_list()["serving_default"]["inputs"]
    runner = interpreter.get_signature_runner()
    (doubled,) = runner(**{name: np.full((1, 4, 4, 1), 9, np.uint8)}).values()
    assert np.all(doubled == 18)
