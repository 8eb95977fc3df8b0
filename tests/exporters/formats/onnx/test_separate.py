"""Constants that several operators read, or that have a form that onnxruntime's quantizers do not expect."""

from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from onnx.numpy_helper import from_array

from mnist_exporters import Calibration
from mnist_exporters.formats.onnx.quantize import to_dynamic, to_int8

IMAGES = np.random.default_rng(1).integers(0, 256, (200, 4, 8, 1), np.uint8)
Quantize = Callable[[bytes], bytes]


def int8(content: bytes) -> bytes:
    return to_int8(content, Calibration(IMAGES[..., 0], "random", 0))


BOTH = pytest.mark.parametrize("quantize", [to_dynamic, int8], ids=["dynamic", "int8"])


def normal(*shape: int) -> np.ndarray:
    """Return weights whose columns and rows have different scales, so that these must not be confused."""
    values = np.random.default_rng(0).normal(size=shape) / np.sqrt(shape[-1])
    for axis in range(len(shape)):
        sizes = 2.0 ** (np.arange(shape[axis]) % (3 + axis) - 1)
        values *= sizes.reshape([-1 if place == axis else 1 for place in range(len(shape))])
    return values.astype(np.float32)


def model_of(nodes: list[onnx.NodeProto], **constants: np.ndarray) -> bytes:
    """Return a network of `nodes` from ``rows``, 32 pixels -1..1 of each image, to ``scores``."""
    before = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["floats", "step"], ["small"]),
        helper.make_node("Sub", ["small", "one"], ["centered"]),
        helper.make_node("Reshape", ["centered", "flat"], ["rows"]),
    ]
    constants |= {"step": np.float32(2 / 255), "one": np.float32(1), "flat": np.array([-1, 32])}
    graph = helper.make_graph(
        [*before, *nodes],
        "net",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 4, 8, 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, None)],
        [from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    for number, node in enumerate(graph.node):
        node.name = f"node{number}"
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    model = onnx.shape_inference.infer_shapes(model)
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def scores_of(content: bytes, level: str = "ORT_ENABLE_ALL") -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    return onnxruntime.InferenceSession(content, options).run(["scores"], {"pixels": IMAGES})[0]


def error_of(content: bytes, quantized: bytes, level: str = "ORT_ENABLE_ALL") -> float:
    """Return the mean error of the scores, where their mean size is 1."""
    exact = scores_of(content)
    return float(np.abs(scores_of(quantized, level) - exact).mean() / np.abs(exact).mean())


def dense(source: str, target: str, *, turned: bool = True) -> onnx.NodeProto:
    return helper.make_node("Gemm", [source, "w"], [target], transB=int(turned))


def linear_twice() -> bytes:
    """Return a layer of PyTorch that is applied to its own result."""
    return model_of([dense("rows", "first"), dense("first", "scores")], w=normal(32, 32))


def linear_on_branches() -> bytes:
    """Return a layer of PyTorch that is applied to two tensors."""
    nodes = [dense("rows", "a"), helper.make_node("Abs", ["rows"], ["positive"]), dense("positive", "b")]
    return model_of([*nodes, helper.make_node("Add", ["a", "b"], ["scores"])], w=normal(12, 32))


def back_and_forth() -> bytes:
    """Return a square weight that one Gemm reads transposed and the other does not."""
    return model_of([dense("rows", "first"), dense("first", "scores", turned=False)], w=normal(32, 32))


def tied() -> bytes:
    """Return an autoencoder with one weight: a Gemm reads it transposed, a MatMul does not."""
    nodes = [dense("rows", "code"), helper.make_node("MatMul", ["code", "w"], ["scores"])]
    return model_of(nodes, w=normal(12, 32))


def tied_in_other_order() -> bytes:
    """Return an autoencoder with one weight: a MatMul reads it first, and then a Gemm transposed."""
    nodes = [helper.make_node("MatMul", ["rows", "w"], ["code"]), dense("code", "scores")]
    return model_of(nodes, w=normal(32, 12))


def looked_up() -> bytes:
    """Return a layer of PyTorch with rows of its weight added."""
    nodes = [
        dense("rows", "code"),
        helper.make_node("Gather", ["w", "places"], ["table"]),
        helper.make_node("Mul", ["rows", "table"], ["product"]),
        dense("product", "more"),
        helper.make_node("Add", ["code", "more"], ["scores"]),
    ]
    return model_of(nodes, w=normal(12, 32), places=np.array([3]))


SHARED = [linear_twice, linear_on_branches, back_and_forth, tied, tied_in_other_order, looked_up]


@BOTH
@pytest.mark.parametrize("network", SHARED)
@pytest.mark.parametrize("level", ["ORT_ENABLE_ALL", "ORT_DISABLE_ALL"])
def test_operators_that_share_a_weight_keep_their_results(
    network: Callable[[], bytes], quantize: Quantize, level: str
) -> None:
    content = network()
    assert error_of(content, quantize(content), level) < 0.03


@BOTH
def test_a_weight_is_stored_once_for_each_layout(quantize: Quantize) -> None:
    def count(content: bytes) -> int:
        return sum(len(each.dims) == 2 for each in onnx.load_from_string(content).graph.initializer)

    assert count(quantize(linear_twice())) == count(quantize(linear_on_branches())) == 1
    assert count(quantize(back_and_forth())) == count(quantize(tied())) == 2


def test_a_convolution_and_a_transposed_one_may_share_filters() -> None:
    nodes = [
        helper.make_node("Reshape", ["rows", "planes"], ["image"]),
        helper.make_node("Concat", ["image"] * 4, ["images"], axis=1),
        helper.make_node("Conv", ["images", "w"], ["inner"]),
        helper.make_node("ConvTranspose", ["inner", "w"], ["outer"]),
        helper.make_node("Reshape", ["outer", "flats"], ["scores"]),
    ]
    shapes = {"planes": np.array([-1, 1, 4, 8]), "flats": np.array([-1, 128])}
    content = model_of(nodes, w=normal(4, 4, 3, 3), **shapes)
    quantized = int8(content)
    for level in ("ORT_ENABLE_ALL", "ORT_DISABLE_ALL"):
        assert error_of(content, quantized, level) < 0.05


@BOTH
@pytest.mark.parametrize("shape", [(1, 32, 12), (2, 16, 12), (1, 1, 32, 12)], ids=str)
def test_a_product_with_several_matrices_is_quantized(quantize: Quantize, shape: tuple[int, ...]) -> None:
    """Attention of several heads has a matrix for each."""
    nodes = [
        helper.make_node("Reshape", ["rows", "heads"], ["split"]),
        helper.make_node("MatMul", ["split", "w"], ["parts"]),
        helper.make_node("Reshape", ["parts", "ends"], ["scores"]),
    ]
    heads = np.array([-1, *shape[:-2], 1, shape[-2]])
    content = model_of(nodes, w=normal(*shape), heads=heads, ends=np.array([-1, 12 * int(np.prod(shape[:-2]))]))
    quantized = quantize(content)
    assert error_of(content, quantized) < 0.05
    stored = [each for each in onnx.load_from_string(quantized).graph.initializer if len(each.dims) > 2]
    assert [each.data_type for each in stored] == [TensorProto.UINT8]


@BOTH
def test_a_product_with_a_vector_is_computed(quantize: Quantize) -> None:
    """Attention that pools weighs the positions by such a product."""
    nodes = [
        dense("rows", "code"),
        helper.make_node("MatMul", ["code", "v"], ["weight"]),
        helper.make_node("Unsqueeze", ["weight", "last"], ["weights"]),
        helper.make_node("Mul", ["code", "weights"], ["scores"]),
    ]
    content = model_of(nodes, w=normal(12, 32), v=normal(12), last=np.array([1]))
    assert error_of(content, quantize(content)) < 0.05


@BOTH
@pytest.mark.parametrize("shape", [(1, 12), (12,), (1,), (1, 1), ()], ids=str)
def test_the_bias_of_a_gemm_may_have_each_form(quantize: Quantize, shape: tuple[int, ...]) -> None:
    nodes = [helper.make_node("Gemm", ["rows", "w", "b"], ["scores"], transB=1)]
    content = model_of(nodes, w=normal(12, 32), b=(1 + normal(12)[: int(np.prod(shape))]).reshape(shape))
    assert error_of(content, quantize(content)) < 0.03


@BOTH
def test_a_gemm_may_have_factors(quantize: Quantize) -> None:
    """``torch.addmm`` with alpha and beta, for example."""
    nodes = [
        helper.make_node("Gemm", ["rows", "w", "b"], ["inner"], alpha=0.5, beta=2.0, transB=1),
        helper.make_node("Gemm", ["inner", "w", "c"], ["scores"], alpha=0.5),
    ]
    content = model_of(nodes, w=normal(12, 32), b=normal(12), c=normal(32))
    quantized = quantize(content)
    assert error_of(content, quantized) < 0.03
    stored = [each for each in onnx.load_from_string(quantized).graph.initializer if len(each.dims) == 2]
    assert [each.data_type for each in stored] == [TensorProto.UINT8] * 2, "the first weight is not kept"


@BOTH
@pytest.mark.parametrize("bias", [[], [""]], ids=["none", "empty"])
def test_a_gemm_without_a_bias_may_have_its_factor(quantize: Quantize, bias: list[str]) -> None:
    content = model_of([helper.make_node("Gemm", ["rows", "w", *bias], ["scores"], beta=0.5)], w=normal(32, 12))
    quantized = quantize(content)
    assert error_of(content, quantized) < 0.03
    stored = [each for each in onnx.load_from_string(quantized).graph.initializer if len(each.dims) == 2]
    assert [each.data_type for each in stored] == [TensorProto.UINT8]


def test_a_matrix_on_the_left_of_a_product_is_quantized() -> None:
    """A network that mixes positions may multiply so: ``weight @ rows``."""
    nodes = [
        helper.make_node("Reshape", ["rows", "pair"], ["columns"]),
        helper.make_node("MatMul", ["w", "columns"], ["mixed"]),
        helper.make_node("Flatten", ["mixed"], ["scores"]),
    ]
    content = model_of(nodes, w=normal(6, 4), pair=np.array([-1, 4, 8]))
    assert error_of(content, int8(content)) < 0.03


@BOTH
@pytest.mark.parametrize("sizes", [(12, 12, 12), (12, 10, 6)], ids=str)
def test_operators_may_share_a_bias(quantize: Quantize, sizes: tuple[int, ...]) -> None:
    """The quantizer would name copies of it ``b0`` or ``b2``, as other tensors are named here."""
    first, second, third = sizes
    nodes = [
        helper.make_node("Gemm", ["rows", "u", "b"], ["b0"]),
        helper.make_node("Gemm", ["b0", "v", "b"], ["b2"]),
        helper.make_node("Gemm", ["b2", "w", "b"], ["scores"]),
    ]
    bias = normal(12) if first == third else np.float32([0.7])
    content = model_of(nodes, u=normal(32, first), v=normal(first, second), w=normal(second, third), b=bias)
    assert error_of(content, quantize(content)) < 0.04
