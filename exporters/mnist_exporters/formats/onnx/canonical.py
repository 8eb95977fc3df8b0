"""Make ONNX models reproducible and small, in an opset that older versions of onnxruntime load."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import onnx

from mnist_runtime.artifact.task import DIGITS, Task

__all__ = ["IR_VERSION", "OPSET", "bodies", "canonical", "compact", "inline_captures"]

OPSET = 17
"""Supported by onnxruntime since 1.12 (2022), and new enough for every layer of an image classifier."""

IR_VERSION = 8
"""The IR version that belongs to `OPSET`. onnxruntime rejects versions newer than its own."""


def inline_captures(graph: onnx.GraphProto, captures: Any) -> None:
    """Turn captured tensors into constants, because tf2onnx makes inputs of them.

    An example is the mean of a Normalization layer.

    Parameters
    ----------
    graph : onnx.GraphProto
        Changed in place.
    captures : iterable of (tensor, tensor)
        Value and placeholder of each captured tensor, as in TensorFlow's `FuncGraph.captures`.
    """
    values = {inner.name: outer for outer, inner in captures}
    for value in [value for value in graph.input if value.name in values]:
        graph.input.remove(value)
        graph.initializer.append(onnx.numpy_helper.from_array(values[value.name].numpy(), value.name))


def canonical(proto: onnx.ModelProto, task: Task = DIGITS) -> bytes:
    """Serialize `proto` so that the same model always gives the same bytes.

    Constants are sorted by their first use, and names are numbered. Without this, the names would depend on earlier
    conversions in the same process, and the order of the constants on memory addresses. The name of the graph depends
    on whether `task` is that of MNIST.
    """
    graph = proto.graph
    first_use = {name: place for place, name in reversed([*enumerate(_inputs(graph))])}
    constants = sorted(graph.initializer, key=lambda constant: first_use.get(constant.name, len(first_use)))
    del graph.initializer[:]
    graph.initializer.extend(constants)
    names = {graph.input[0].name: "pixels", graph.output[0].name: "scores"}
    for tensor in [*(i.name for i in graph.initializer), *(name for node in graph.node for name in node.output)]:
        names.setdefault(tensor, f"tensor{len(names)}")
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    names.pop("", None)  # an omitted optional input or output
    _rename(graph, names)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    graph.name, graph.doc_string = "digits" if task.is_mnist else "images", ""
    return bytes(proto.SerializeToString(deterministic=True))


def compact(graph: onnx.GraphProto) -> None:
    """Remove names that an interpreter does not need, which are a sixth of a small quantized file.

    The quantizer gives each tensor a long name, and the file repeats it at each use. This function replaces the names
    of tensors by numbers, except those of the model's input and output, and removes the names of nodes.

    Parameters
    ----------
    graph : onnx.GraphProto
        Changed in place.
    """
    _shorten(graph, {"": "", **{value.name: value.name for value in (*graph.input, *graph.output)}})


def _shorten(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename the tensors of a graph and its bodies. `names` maps old to new names; missing ones get the next number."""
    del graph.value_info[:]
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names.setdefault(value.name, str(len(names)))
    for node in graph.node:
        node.name = ""
        for tensors in (node.input, node.output):
            tensors[:] = [names.setdefault(name, str(len(names))) for name in tensors]
        for body in bodies(node):
            _shorten(body, names)


def _inputs(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield the input names of all nodes, including those in the bodies of loops and branches."""
    for node in graph.node:
        yield from node.input
        for body in bodies(node):
            yield from _inputs(body)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename the inputs and outputs of all nodes, including those in the bodies of loops and branches."""
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}{number}"
        for tensors in (node.input, node.output):
            tensors[:] = [names.get(name, name) for name in tensors]
        for body in bodies(node):
            _rename(body, names)
            for value in body.output:  # a body may return a tensor of the outer graph
                value.name = names.get(value.name, value.name)


def bodies(node: onnx.NodeProto) -> Iterator[onnx.GraphProto]:
    """Yield the graphs inside a loop or branch."""
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs
