"""canonical."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import onnx


OPSET = 17
"""Old enough for onnxruntime 1.12 of 2022, new enough for every layer of a digit model."""


IR_VERSION = 8
"""The IR that goes with `OPSET`; devices refuse a newer one than they know."""


def fill_in(graph: onnx.GraphProto, captures: Any) -> None:
    """Make constants of what layers computed beforehand, as Normalization its mean: tf2onnx leaves them as inputs."""
    import onnx

    values = {inner.name: outer for outer, inner in captures}
    for end in [end for end in graph.input if end.name in values]:
        graph.input.remove(end)
        graph.initializer.append(onnx.numpy_helper.from_array(values[end.name].numpy(), end.name))


def canonical(proto: onnx.ModelProto) -> bytes:
    """Order constants by their use, and rename nodes and tensors by their place.

    The converter's names depend on what it did before in the process, and it keeps constants in a set, whose order is
    that of their addresses.
    """
    graph = proto.graph
    uses = {name: place for place, name in reversed([*enumerate(_taken(graph))])}
    constants = sorted(graph.initializer, key=lambda constant: uses.get(constant.name, len(uses)))
    del graph.initializer[:]
    graph.initializer.extend(constants)
    names = {graph.input[0].name: "pixels", graph.output[0].name: "scores"}
    for tensor in [*(i.name for i in graph.initializer), *(name for node in graph.node for name in node.output)]:
        names.setdefault(tensor, f"tensor{len(names)}")
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    names.pop("", None)  # an optional end that is left out
    _rename(graph, names)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    graph.name, graph.doc_string = "digits", ""
    return bytes(proto.SerializeToString(deterministic=True))


def _taken(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield the names of the tensors that the nodes of `graph` take, those in the bodies of loops and branches too."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _taken(body)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename what the nodes of `graph` take and give, down into the bodies of loops and branches."""
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}{number}"
        for ends in (node.input, node.output):
            ends[:] = [names.get(end, end) for end in ends]
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(body, names)
                for value in body.output:  # a body may pass an outer tensor on
                    value.name = names.get(value.name, value.name)
