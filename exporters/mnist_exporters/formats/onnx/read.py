"""`read`: read the `Contents` of an ONNX model with the onnx package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

import onnx

from mnist_exporters.formats.changing import changing_nodes
from mnist_exporters.formats.contents import Contents, Layer, TensorFacts
from mnist_runtime.errors import ArtifactError, raise_machine_failure

__all__ = ["layer_nodes", "read"]

OWN_DOMAINS = ("", "ai.onnx")
"""Domains of the operators that ONNX itself defines."""

WEIGHTED = ("Conv", "ConvInteger", "Gemm", "MatMul", "MatMulInteger", "ConvTranspose")
"""Operators that have weights. The first input is the activation, the second the weight."""


def read(model: bytes) -> Contents:
    """Read tensors, operators and versions from `model`.

    Raises
    ------
    ArtifactError
        If it is not an ONNX model with one input and one output.
    """
    try:
        proto = onnx.load_from_string(model)
        return _contents(proto, {tensor.name: tensor for tensor in _tensors(proto)})
    except ArtifactError:
        raise
    except Exception as error:  # damage can cause any error in protobuf and onnx
        raise_machine_failure(error)
        raise ArtifactError(f"This is not a readable ONNX model ({error}). Export it again.") from error


def _contents(proto: onnx.ModelProto, tensors: dict[str, TensorFacts]) -> Contents:
    graph = proto.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in constants]  # constants are inputs up to IR version 3
    if len(inputs) != 1 or len(graph.output) != 1:
        raise ArtifactError(
            f"The model has {len(inputs)} inputs ({_names(inputs)}) and {len(graph.output)} outputs "
            f"({_names(graph.output)}), but one of each is needed. Keep one of each: onnx.utils.extract_model."
        )
    outside = [tensor.name for tensor in graph.initializer if tensor.data_location == tensor.EXTERNAL]
    if outside:
        raise ArtifactError(
            f"The model's weights, such as {outside[0]}, are in another file. Save it as one: "
            "onnx.save(onnx.load('net.onnx'), 'whole.onnx', save_as_external_data=False)."
        )
    opset = next((entry.version for entry in proto.opset_import if entry.domain in OWN_DOMAINS), 0)
    weights: Counter[str] = Counter()
    for tensor in graph.initializer:
        if len(tensor.dims) > 1:
            weights[tensors[tensor.name].dtype] += onnx.numpy_helper.to_array(tensor).nbytes
    return Contents(
        format="onnx",
        tensors=tuple(tensors.values()),
        input=tensors[inputs[0].name],
        output=tensors[graph.output[0].name],
        weights=dict(weights),
        weight_types={},  # used for TFLite interpreters only
        activations=tuple(sorted(_activations(graph, tensors))),
        operators=dict.fromkeys(sorted({node.op_type for node in graph.node}), opset),
        foreign=tuple(sorted({f"{n.domain}.{n.op_type}" for n in graph.node if n.domain not in OWN_DOMAINS})),
        opset=opset,
        ir_version=proto.ir_version,
        layers=tuple(_layer(graph, node, tensors) for node in layer_nodes(graph)),
        changing=tuple(changing_nodes(proto)),
    )


def layer_nodes(graph: onnx.GraphProto) -> list[onnx.NodeProto]:
    """Return the nodes with constant weights, in their order. The weights may pass through a DequantizeLinear."""
    constants = {constant.name for constant in graph.initializer}
    return [n for n in graph.node if n.op_type in WEIGHTED and _stored(graph, n.input[1]) in constants]


def _stored(graph: onnx.GraphProto, name: str) -> str:
    """Return the name of the tensor before dequantization, if `name` is a result of DequantizeLinear; else `name`."""
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and name in node.output:
            return str(node.input[0])
    return name


def _layer(graph: onnx.GraphProto, node: onnx.NodeProto, tensors: dict[str, TensorFacts]) -> Layer:
    weights, source = (tensors.get(_stored(graph, name)) for name in (node.input[1], node.input[0]))
    return Layer(
        node.op_type,
        math.prod(weights.shape) if weights else 0,
        weights.dtype if weights else "unknown",
        source.dtype if source else "unknown",
    )


def _tensors(proto: onnx.ModelProto) -> list[TensorFacts]:
    """Return all tensors whose type can be inferred."""
    graph = onnx.shape_inference.infer_shapes(proto).graph
    stored = {tensor.name for tensor in graph.initializer}
    constants = [
        TensorFacts(tensor.name, _dtype(tensor.data_type), tuple(tensor.dims), is_constant=True)
        for tensor in graph.initializer
    ]
    computed = [
        TensorFacts(
            value.name,
            _dtype(value.type.tensor_type.elem_type),
            tuple(axis.dim_value or -1 for axis in value.type.tensor_type.shape.dim),
            is_constant=False,
        )
        for value in (*graph.input, *graph.value_info, *graph.output)
        if value.name not in stored
    ]
    return [*constants, *computed]


def _dtype(code: int) -> str:
    return str(onnx.helper.tensor_dtype_to_np_dtype(code))


def _activations(graph: onnx.GraphProto, tensors: dict[str, TensorFacts]) -> set[str]:
    """Return the types of the activations that operators with weights read.

    A DequantizeLinear before an operator means integer arithmetic (QDQ). So the type of its input counts, not float32.
    The same is true for DynamicQuantizeLinear, which quantizes at run time.
    """
    through = ("DequantizeLinear", "DynamicQuantizeLinear")
    made_from = {node.output[0]: node.input[0] for node in graph.node if node.op_type in through}
    inputs = [node.input[0] for node in graph.node if node.op_type in WEIGHTED]
    return {tensors[name].dtype for name in (made_from.get(name, name) for name in inputs) if name in tensors}


def _names(values: Iterable[onnx.ValueInfoProto]) -> str:
    return ", ".join(value.name for value in values)
