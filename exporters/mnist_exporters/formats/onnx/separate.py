"""Prepare an ONNX graph for onnxruntime's quantizers, which fail or lose accuracy on constants that nodes share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.numpy_helper import from_array, to_array

from mnist_exporters.formats.onnx.canonical import bodies

__all__ = ["no_matrices", "separate"]

BIASED = ("Gemm", "Conv", "ConvTranspose")
"""Operators whose third input is a bias."""


def separate(graph: onnx.GraphProto) -> None:
    """Rewrite constants as the quantizers expect them: own biases, no factors in Gemm, and one layout per weight.

    A weight is stored twice if operators read it in different layouts.

    Parameters
    ----------
    graph : onnx.GraphProto
        A float32 network. Changed in place; its results stay the same.
    """
    _multiply_factors(graph)
    _flatten_biases(graph)
    _copy_shared_biases(graph)
    _store_each_layout(graph)


def no_matrices(graph: onnx.GraphProto) -> list[str]:
    """Return the names of MatMul constants that are the left factor or do not have two axes.

    Constants with more axes may be one matrix per attention head. For all of these, the integer product of onnxruntime
    supports only one scale and one zero point.
    """
    products = [node.input for node in _nodes(graph) if node.op_type == "MatMul"]
    left, either = {first for first, _ in products}, {name for names in products for name in names}
    constants = [constant for constant in graph.initializer if constant.name in either]
    return [constant.name for constant in constants if constant.name in left or len(constant.dims) != 2]


def _multiply_factors(graph: onnx.GraphProto) -> None:
    """Multiply the factors ``alpha`` and ``beta`` of each Gemm into its weight and bias, and remove empty biases.

    The static quantizer ignores ``beta``. The dynamic one leaves a Gemm with such factors in float32.
    """
    for node in _nodes(graph):
        factors = {each.name: each.f for each in node.attribute} if node.op_type == "Gemm" else {}
        for name, place in (("alpha", 1), ("beta", 2)):
            factor, source = factors.get(name, 1.0), "".join(node.input[place : place + 1])
            constant = _constants(graph).get(source) if factor != 1 else None
            if constant is not None:
                values = to_array(constant)
                product = (values * factor).astype(values.dtype)
                node.input[place] = _stored(graph, f"{source}_times{factor}_", product)
            if constant is not None or not source:  # without a bias, ``beta`` has no effect
                _remove(node, name)
        if node.op_type == "Gemm" and list(node.input[2:]) == [""]:
            del node.input[2:]  # the dynamic quantizer would treat the empty name as a bias


def _flatten_biases(graph: onnx.GraphProto) -> None:
    """Give each Gemm a bias of shape (outputs,). The quantizer supports no other shape.

    ONNX allows every shape that broadcasts to the output.
    """
    constants = _constants(graph)
    for node in _nodes(graph):
        if node.op_type == "Gemm" and len(node.input) > 2 and {node.input[1], node.input[2]} <= constants.keys():
            outputs = constants[node.input[1]].dims[0 if _is_transposed(node) else 1]
            bias = to_array(constants[node.input[2]])
            if bias.shape != (outputs,) and bias.size in (1, outputs):
                flat = np.broadcast_to(bias.reshape(-1), (outputs,))
                node.input[2] = _stored(graph, f"{node.input[2]}_flat{outputs}_", flat)


def _copy_shared_biases(graph: onnx.GraphProto) -> None:
    """Give each operator its own copy of a shared bias. Unrolled recurrent layers share biases.

    The quantizer makes such copies itself, because their scales differ. But it appends a digit to the name, and
    ``tensor7`` becomes ``tensor72``, which may be another tensor.
    """
    constants = _constants(graph)
    used: Counter[str] = Counter()
    for node in graph.node:
        if node.op_type in BIASED and len(node.input) > 2 and node.input[2] in constants:
            name = node.input[2]
            used[name] += 1
            if used[name] > 1:
                node.input[2] = _stored(graph, f"{name}_copy{used[name]}_", to_array(constants[name]))


def _store_each_layout(graph: onnx.GraphProto) -> None:
    """Store a weight once for each layout that its readers expect.

    The dynamic quantizer transposes the weight of a Gemm with ``transB`` in place, even if other operators read it. The
    static quantizer chooses one axis for the scales of a weight, which is wrong for readers with another layout.
    """
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in _nodes(graph):
        for name in set(node.input):
            readers.setdefault(name, []).append(node)
    for name, constant in _constants(graph).items():
        nodes = readers.get(name, [])
        turned = [node for node in nodes if node.input[1:2] == [name] and _is_transposed(node)]
        if turned and len(nodes) > 1:
            stored = _stored(graph, f"{name}_transposed_", to_array(constant).T)
            for node in turned:
                node.input[1] = stored
                _remove(node, "transB")
        backward = [node for node in nodes if node.op_type == "ConvTranspose" and node.input[1] == name]
        if 0 < len(backward) < len(nodes):  # ConvTranspose has its outputs on axis 1, Conv on axis 0
            stored = _stored(graph, f"{name}_backward_", to_array(constant))
            for node in backward:
                node.input[1] = stored


def _remove(node: onnx.NodeProto, name: str) -> None:
    """Remove the attribute `name` of `node`, so that its default applies."""
    kept = [attribute for attribute in node.attribute if attribute.name != name]
    del node.attribute[:]
    node.attribute.extend(kept)


def _is_transposed(node: onnx.NodeProto) -> bool:
    """Return whether `node` is a Gemm whose weight has the shape (outputs, inputs), as in PyTorch."""
    return node.op_type == "Gemm" and any(each.name == "transB" and each.i for each in node.attribute)


def _constants(graph: onnx.GraphProto) -> dict[str, onnx.TensorProto]:
    return {constant.name: constant for constant in graph.initializer}


def _stored(graph: onnx.GraphProto, name: str, values: NDArray[Any]) -> str:
    """Store `values` as a constant `name`, unless there is one of that name; return `name`."""
    if name not in _constants(graph):
        graph.initializer.append(from_array(np.ascontiguousarray(values), name))
    return name


def _nodes(graph: onnx.GraphProto) -> Iterator[onnx.NodeProto]:
    """Yield all nodes, including those in the bodies of loops and branches."""
    for node in graph.node:
        yield node
        for body in bodies(node):
            yield from _nodes(body)
