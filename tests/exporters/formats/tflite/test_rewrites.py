from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_exporters.formats.tflite.packing import packed
from mnist_exporters.formats.tflite.rewrites import (
    with_integer_input,
    with_reshapes,
    with_short_names,
    with_static_batch,
)
from mnist_runtime import QuantParams
from mnist_trainer import load_model


@pytest.fixture(scope="module")
def doubling() -> bytes:
    """A model that doubles a float image."""
    pixels = keras.Input((4, 4, 1))
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, pixels * 2.0)).convert()


def scores(content: bytes, images: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=content)
    (source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.resize_tensor_input(source["index"], images.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(source["index"], images)
    interpreter.invoke()
    return interpreter.get_tensor(target["index"])


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


def operators(content: bytes) -> list[str]:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    codes = [names[code.builtinCode] for code in model.operatorCodes]
    return [codes[operator.opcodeIndex] for operator in model.subgraphs[0].operators]


def converted(end_of: Callable[[Any], Any], *sides: int) -> bytes:
    pixels = keras.Input(sides)
    return tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, end_of(pixels))).convert()


@pytest.mark.parametrize(
    ("end_of", "sides", "former"),
    [
        (keras.layers.Conv1D(3, 3), (8, 4), {"EXPAND_DIMS"}),
        (lambda pixels: keras.ops.expand_dims(pixels, 1) * 2, (8, 4), {"EXPAND_DIMS"}),
        (lambda pixels: keras.ops.transpose(pixels, (0, 2, 3, 1)) * 2, (1, 6, 4), {"TRANSPOSE"}),
    ],
    ids=["Conv1D", "expand_dims", "channel first"],
)
def test_operators_that_keep_the_order_become_reshapes(
    end_of: Callable[[Any], Any], sides: tuple[int, ...], former: set[str]
) -> None:
    before = converted(end_of, *sides)
    assert former <= set(operators(before))
    after = with_reshapes(before)
    assert len(operators(after)) == len(operators(before))
    assert not {"EXPAND_DIMS", "TRANSPOSE"} & set(operators(after))
    assert "RESHAPE" in operators(after)
    for count in (1, 3):
        images = np.random.default_rng(count).random((count, *sides), np.float32)
        np.testing.assert_array_equal(scores(after, images), scores(before, images))


@pytest.mark.parametrize("axes", [(0, 2, 1, 3), (0, 1, 3, 2), (0, 3, 1, 2)], ids=str)
def test_a_transpose_of_values_stays(axes: tuple[int, ...]) -> None:
    before = converted(lambda pixels: keras.ops.transpose(pixels, axes) * 2, 3, 4, 2)
    assert "TRANSPOSE" in operators(before)
    assert with_reshapes(before) == before


@pytest.mark.long
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
    np.testing.assert_array_equal(scores(short, images), scores(long, images))


def test_a_batch_of_one_is_declared_and_others_are_taken(doubling: bytes) -> None:
    static = with_static_batch(doubling)
    assert with_static_batch(static) == static
    (graph,) = schema.ModelT.InitFromPackedBuf(static, 0).subgraphs
    assert all(tensor.shapeSignature is None for tensor in graph.tensors)
    (source,) = Interpreter(model_content=static).get_input_details()
    assert source["shape_signature"].tolist() == source["shape"].tolist() == [1, 4, 4, 1]
    for count in (1, 3, 2):
        images = np.random.default_rng(count).random((count, 4, 4, 1), np.float32)
        np.testing.assert_array_equal(scores(static, images), images * 2)


def test_a_signature_runner_takes_other_batches(doubling: bytes) -> None:
    runner = Interpreter(model_content=with_static_batch(doubling)).get_signature_runner()
    (name,) = runner.get_input_details()
    (doubled,) = runner(**{name: np.ones((5, 4, 4, 1), np.float32)}).values()
    assert doubled.shape == (5, 4, 4, 1)


def test_a_side_that_is_a_multiple_of_the_images_has_its_size_for_one() -> None:
    """The converter stores 1 for it."""
    pixels = keras.Input((4, 4, 1))
    rows = keras.layers.Dense(3)(keras.ops.reshape(pixels, (-1, 4)))
    model = keras.Model(pixels, keras.ops.reshape(rows, (-1, 4, 3)))
    free = tf.lite.TFLiteConverter.from_keras_model(model).convert()
    static = with_static_batch(free)
    (graph,) = schema.ModelT.InitFromPackedBuf(static, 0).subgraphs
    assert [4, 3] in [list(tensor.shape) for tensor in graph.tensors if tensor.shape is not None]
    images = np.random.default_rng(0).random((5, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(scores(static, images), scores(free, images))
    assert np.allclose(scores(static, images), model(images), atol=1e-6)


@pytest.mark.long
def test_nothing_else_in_a_file_changes() -> None:
    """With the removed shapes put back, the bytes are the same again."""
    free = with_short_names(tf.lite.TFLiteConverter.from_keras_model(load_model("tiny")).convert())
    static = with_static_batch(free)
    before, after = (schema.ModelT.InitFromPackedBuf(content, 0) for content in (free, static))
    for old, new in zip(before.subgraphs[0].tensors, after.subgraphs[0].tensors, strict=True):
        if old.shapeSignature is not None:
            assert np.array_equal(np.abs(old.shapeSignature), old.shape), "-1 images, and no other free dimension"
        new.shapeSignature = old.shapeSignature
    assert packed(after) == free
