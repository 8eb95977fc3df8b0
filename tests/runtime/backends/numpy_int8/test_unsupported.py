"""Files that the backend numpy cannot run as TFLite does are rejected: otherwise they would give wrong scores."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from tests.shared.tflite_graphs import Graph, convolve, pool

from mnist_runtime import ArtifactError
from mnist_runtime.backends.numpy_int8 import load_numpy

ONES = np.ones((2, 784))


def dense(graph: Graph, weights: Any = ONES, bias: Any = None, **options: Any) -> Any:
    """Add a dense layer with two outputs, and return its weights."""
    graph.reshape(1, -1)
    inputs = [graph.tensor(values=weights), *([] if bias is None else [graph.tensor("INT32", values=bias)])]
    graph.add(
        "FULLY_CONNECTED", graph.last, *inputs, **({"kind": "FullyConnectedOptions"} if options else {}), **options
    )
    return graph.graph.tensors[inputs[0]].quantization


def scaled(graph: Graph, scales: list[float], zero_points: list[int]) -> None:
    """Change the quantization of the last tensor."""
    quantization = graph.graph.tensors[graph.last].quantization
    quantization.scale, quantization.zeroPoint = scales, zero_points


def of_weights(graph: Graph, **facts: Any) -> None:
    vars(dense(graph)).update(facts)


def of_shape(graph: Graph, name: str, *constants: Any, **options: Any) -> None:
    """Add an operator on the shape of the image, three operands for STRIDED_SLICE."""
    shape = graph.add("SHAPE", graph.image, output="INT32", kind="ShapeOptions", outType=graph.schema.TensorType.INT32)
    graph.add(name, shape, *(graph.tensor("INT32", values=each) for each in constants), output="INT32", **options)


POOL, CONCATENATION = {"kind": "Pool2DOptions", "strideH": 1, "strideW": 1}, {"kind": "ConcatenationOptions"}
SLICE = {"kind": "StridedSliceOptions"}
UNSUPPORTED: dict[str, tuple[Callable[[Graph], object], str]] = {
    "two scales": (lambda graph: (scaled(graph, [0.5, 0.5], [0, 0]), dense(graph)), "with 2 scales, only with one"),
    "no zero point": (lambda graph: (scaled(graph, [0.5], []), dense(graph)), "only with one"),
    "a scale of 0": (lambda graph: (scaled(graph, [0.0], [0]), dense(graph)), "an impossible scale or zero point"),
    "a huge scale": (lambda graph: (scaled(graph, [1e30], [0]), dense(graph)), "an impossible scale or zero point"),
    "a low zero point": (
        lambda graph: (scaled(graph, [0.5], [-129]), dense(graph)),
        "an impossible scale or zero point",
    ),
    "weights of 3 scales": (lambda graph: of_weights(graph, scale=[1.0] * 3, zeroPoint=[0] * 3), "with 3 scales along"),
    "weights of scale 0": (lambda graph: of_weights(graph, scale=[0.0]), "an impossible scale or zero point"),
    "weights with a zero point": (lambda graph: of_weights(graph, zeroPoint=[1]), "whose zero point is not 0"),
    "scales of another axis": (
        lambda graph: of_weights(graph, scale=[1.0] * 2, zeroPoint=[0] * 2, quantizedDimension=1),
        "2 scales along axis 1",
    ),
    "weights of another format": (lambda graph: dense(graph, weightsFormat=1), "and format 1"),
    "weights of 4 axes": (lambda graph: dense(graph, np.ones((2, 784, 1, 1))), "with weights of shape"),
    "a short bias": (lambda graph: dense(graph, bias=[1]), r"a bias of shape \(1,\) for 2 channels"),
    "a fused tangent": (lambda graph: dense(graph, fusedActivationFunction=4), "with fused activation 4"),
    "another depth": (lambda graph: convolve(graph, np.ones((1, 1, 1, 2))), "on images of shape"),
    "half a depthwise filter": (
        lambda graph: (graph.pad(0, 0, 0, 1), convolve(graph, np.ones((1, 1, 1, 3)), "DEPTHWISE_CONV_2D")),
        "on images of shape",
    ),
    "a pool of numbers in a row": (
        lambda graph: (graph.reshape(28, 28), pool(graph, "MAX_POOL_2D", 1, 1)),
        r"on images of shape \(28, 28\)",
    ),
    "a softmax without steps": (
        lambda graph: (
            graph.add("SOFTMAX", graph.last, kind="SoftmaxOptions", beta=0.0),
            scaled(graph, [1 / 256], [-128]),
        ),
        "with a step of 0",
    ),
    "a depthwise stack": (lambda graph: convolve(graph, np.ones((2, 1, 1, 1)), "DEPTHWISE_CONV_2D"), "of shape"),
    "a wide dilation": (lambda graph: convolve(graph, np.ones((1, 1, 1, 1)), dilation=65), "only with 1 to 64"),
    "a wide window": (lambda graph: pool(graph, "MAX_POOL_2D", 65, 1), "only with 1 to 64"),
    "another padding": (
        lambda graph: graph.add("MAX_POOL_2D", graph.last, **POOL, filterHeight=1, filterWidth=1, padding=2),
        "and padding 2",
    ),
    "a pool that scales": (
        lambda graph: (scaled(graph, [0.25], [0]), pool(graph, "MAX_POOL_2D", 2, 2)),
        "different scales",
    ),
    "a batch that grows": (lambda graph: graph.pad(1, 0, 0, 0), "ones of the batch"),
    "a negative padding": (lambda graph: graph.pad(0, -1, 0, 0), "negative ones"),
    "parts of other scales": (
        lambda graph: graph.add(
            "CONCATENATION", graph.last, (scaled(graph, [0.25], [0]), graph.last)[1], **CONCATENATION
        ),
        "different scales of inputs and output",
    ),
    "a fused concatenation": (
        lambda graph: graph.add("CONCATENATION", graph.last, graph.last, fusedActivationFunction=1, **CONCATENATION),
        "with a fused activation",
    ),
    "a sum of two types": (
        lambda graph: graph.add("ADD", graph.last, graph.tensor("INT32", values=[1]), kind="AddOptions"),
        "on int32, only on int8",
    ),
    "a softmax of another scale": (lambda graph: graph.add("SOFTMAX", graph.last), "to another scale than 1/256"),
    "a softmax of pixels": (lambda graph: graph.add("SOFTMAX", graph.image), "on uint8, only on int8"),
    "a shape of bytes": (
        lambda graph: graph.add("RESHAPE", graph.last, graph.tensor(values=[28, 28])),
        "to a shape of int8",
    ),
    "parts along another axis": (
        lambda graph: of_shape(graph, "GATHER", [0], kind="GatherOptions", axis=1),
        "another axis",
    ),
    "an ellipsis": (
        lambda graph: of_shape(graph, "STRIDED_SLICE", [0], [1], [1], ellipsisMask=1, **SLICE),
        "with more than",
    ),
    "steps of 0": (lambda graph: of_shape(graph, "STRIDED_SLICE", [0], [1], [0], **SLICE), "with more than"),
}
"""What a file may have that the backend lacks -> how to build it, and a part of the message."""


@pytest.mark.parametrize("name", UNSUPPORTED)
def test_a_file_that_needs_more_than_the_backend_has_is_rejected(name: str) -> None:
    build, message = UNSUPPORTED[name]
    graph = Graph()
    build(graph)
    with pytest.raises(ArtifactError, match=f"The backend numpy does not support .*{message}"):
        load_numpy(graph.content())


def two_inputs(graph: Graph) -> None:
    graph.graph.inputs.append(graph.image)


def an_omitted_input(graph: Graph) -> None:
    graph.graph.inputs = [-1]


def no_output(graph: Graph) -> None:
    graph.graph.outputs = []


def an_operator_with_two_outputs(graph: Graph) -> None:
    graph.graph.operators[0].outputs *= 2


def an_operator_without_its_output(graph: Graph) -> None:
    graph.graph.operators[0].outputs = [-1]


def an_output_that_nothing_computes(graph: Graph) -> None:
    graph.graph.outputs = [graph.tensor()]


def operators_in_another_order(graph: Graph) -> None:
    graph.add("LOGISTIC", graph.last)
    graph.graph.operators.reverse()
    graph.graph.outputs = [graph.last]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (two_inputs, "has 2 inputs and 1 outputs, not one of each"),
        (an_omitted_input, "not one of each"),
        (no_output, "has 1 inputs and 0 outputs"),
        (an_operator_with_two_outputs, "QUANTIZE has 2 outputs, but the backend numpy needs one"),
        (an_operator_without_its_output, "the backend numpy needs one"),
        (an_output_that_nothing_computes, "is used before it is computed"),
        (operators_in_another_order, "is used before it is computed"),
    ],
    ids=lambda each: getattr(each, "__name__", None),
)
def test_a_graph_of_another_form_is_rejected(change: Callable[[Graph], None], message: str) -> None:
    graph = Graph()
    graph.graph.inputs, graph.graph.outputs = [graph.image], [graph.last]
    change(graph)
    with pytest.raises(ArtifactError, match=message):
        load_numpy(graph.finished())


def test_pixels_of_another_type_are_rejected() -> None:
    """A manifest may state another type than the file has."""
    with pytest.raises(ArtifactError, match="The model needs uint8 pixels, but its manifest has int8"):
        load_numpy(Graph().content()).run(np.zeros((1, 28, 28, 1), np.int8))
