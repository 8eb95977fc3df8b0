"""Weights of dynamic files: one scale for each filter, and columns whose errors cancel."""

import keras
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array, to_array

from mnist_exporters import ExportSpec, Original, Precision
from mnist_exporters.formats.onnx.quantize import to_dynamic
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime.backends.onnx import open_session
from mnist_trainer import Splits


def weights_of(content: bytes, operator: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the values of the first weights that `operator` reads, their scales and their quantized form."""
    graph = onnx.load_from_string(content).graph
    constants = {constant.name: to_array(constant) for constant in graph.initializer}
    node = next(node for node in graph.node if node.op_type == operator)
    cast = next(reader for reader in graph.node if reader.input[0] == node.output[0])
    scaled = next(reader for reader in graph.node if reader.input[0] == cast.output[0])
    product = next(writer for writer in graph.node if writer.output[0] == scaled.input[1])
    scales = next(constants[name] for name in product.input if name in constants)
    quantized, zero_point = constants[node.input[1]], constants[node.input[3]]
    over = scales[..., None] if operator == "ConvInteger" else scales
    return (quantized.astype(np.float64) - zero_point) * over, scales, quantized


def dense_model(weights: np.ndarray, transposed: bool) -> bytes:
    """Return a model of one Gemm. PyTorch stores its weights transposed."""
    stored = weights.T.copy() if transposed else weights
    constants = [from_array(stored, "w"), from_array(np.zeros(len(weights.T), "f"), "b")]
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], "dense", transB=int(transposed))
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, size])
        for name, size in zip("xy", weights.shape, strict=True)
    ]
    graph = helper.make_graph([node], "g", ends[:1], ends[1:], constants)
    return helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString()


def test_each_filter_has_its_own_scale(digits: Splits) -> None:
    keras.utils.set_random_seed(0)
    convolution = keras.layers.Conv2D(4, 5)
    model = keras.Sequential([keras.Input((28, 28, 1)), convolution, keras.layers.Flatten(), keras.layers.Dense(10)])
    kernel = np.random.default_rng(0).normal(size=(5, 5, 1, 4)).astype("f") * np.float32([1, 0.1, 0.001, 0])
    convolution.set_weights([kernel, np.zeros(4, "f")])
    original = Original.from_keras(model, digits.test, pixel_range="0..1")
    content = load_plugin("onnx").convert(original, ExportSpec("onnx", Precision.DYNAMIC), None)
    values, scales, _ = weights_of(content, "ConvInteger")
    assert scales.shape == (4, 1, 1)
    filters = kernel.transpose(3, 2, 0, 1)
    most = np.abs(filters).max(axis=(1, 2, 3), keepdims=True)
    assert (np.abs(values - filters) <= most / 127 / 2 * 1.0001).all()
    open_session(content)  # an onnxruntime that cannot load it would raise


@pytest.mark.parametrize("transposed", [False, True])
@settings(deadline=None, max_examples=20)
@given(
    weights=arrays(np.float32, st.tuples(st.integers(3, 60), st.integers(2, 5)), elements=st.floats(-4, 4, width=32))
)
def test_the_sum_of_a_column_is_kept(transposed: bool, weights: np.ndarray) -> None:
    weights[:2] = [[5], [-5.2]]  # the ends of the range, in exact steps; the others can be rounded both ways
    values, scales, quantized = weights_of(to_dynamic(dense_model(weights, transposed)), "MatMulInteger")
    assert quantized.dtype == np.uint8
    assert values.shape == weights.shape
    assert (np.abs(values - weights) <= scales * 1.001).all(), "at most one step"
    assert (np.abs((values - weights).sum(axis=0)) <= scales * 0.51).all()
    assert (values[weights == 0] == 0).all()


def test_columns_may_have_one_sign_or_no_weights() -> None:
    rising = np.linspace(1, 2, 40)
    columns = [rising, -rising, 0 * rising, 2 * rising - 3]  # the last is as far below 0 as above, half a step from it
    weights = np.stack(columns, axis=1).astype(np.float32)
    values, scales, _ = weights_of(to_dynamic(dense_model(weights, transposed=False)), "MatMulInteger")
    assert (np.abs(values - weights) <= scales * 1.001).all()
    assert (values[:, 2] == 0).all()
