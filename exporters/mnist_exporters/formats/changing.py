"""Find operators whose result depends on more than the image: on random numbers, a state, or the rest of the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["changing_nodes", "changing_operators"]

TFLITE = frozenset(
    {
        # Variables keep a value from call to call. CALL_ONCE runs a function that sets such a state.
        "ASSIGN_VARIABLE",
        "CALL_ONCE",
        "READ_VARIABLE",
        "VAR_HANDLE",
        # Hash tables. A function that runs once fills them.
        "HASHTABLE",
        "HASHTABLE_FIND",
        "HASHTABLE_IMPORT",
        "HASHTABLE_LOOKUP",
        "HASHTABLE_SIZE",
        # Random numbers.
        "MULTINOMIAL",
        "RANDOM_STANDARD_NORMAL",
        "RANDOM_UNIFORM",
    }
)
"""TFLite operators with a state or with random numbers."""

ONNX = frozenset(
    {
        "Bernoulli",
        "Multinomial",
        "RandomNormal",
        "RandomNormalLike",
        "RandomUniform",
        "RandomUniformLike",
    }
)
"""ONNX operators that are always random. ONNX has no variables."""

TRAINING_INPUT = 2
"""Index of the input ``training_mode`` of ONNX's Dropout, from opset 12 on."""


def changing_operators(model: Any, name_of: Any) -> Iterator[tuple[str, str]]:
    """Yield name and output of each operator that is in `TFLITE` or has a state, in all subgraphs of a model.

    An operator with a variable tensor, as in a recurrent layer, keeps its state from call to call.

    Parameters
    ----------
    model : schema.ModelT
        A parsed ``.tflite`` model.
    name_of : callable
        Function that returns the name of an operator: ``name_of(model, operator)``.
    """
    for graph in model.subgraphs:
        for operator in graph.operators:
            numbers = [number for number in _numbers(operator.inputs) if number >= 0]
            has_state = any(graph.tensors[number].isVariable for number in numbers)
            name = name_of(model, operator)
            if has_state or name in TFLITE:
                outputs = [graph.tensors[number].name.decode() for number in _numbers(operator.outputs)]
                yield name, next(iter(outputs), "")


def _numbers(values: Any) -> list[int]:
    return [] if values is None else [int(value) for value in values]


def changing_nodes(model: Any) -> Iterator[tuple[str, str]]:
    """Yield name and output of each operator in `ONNX` or in training mode, in all graphs of an `onnx.ModelProto`."""
    yield from _changing(model.graph, {})
    for function in model.functions:
        yield from _changing(function, {})


def _changing(graph: Any, outside: dict[str, bool]) -> Iterator[tuple[str, str]]:
    """Yield name and output of such operators in one graph.

    `outside` has the boolean constants of the enclosing graphs, name -> value.
    """
    import onnx

    constants = dict(outside)
    for tensor in getattr(graph, "initializer", ()):
        if tensor.data_type == onnx.TensorProto.BOOL and tensor.data_location != onnx.TensorProto.EXTERNAL:
            constants[tensor.name] = bool(onnx.numpy_helper.to_array(tensor).any())
    for node in graph.node:
        values = [each.t for each in node.attribute if node.op_type == "Constant" and each.name == "value"]
        if values and values[0].data_type == onnx.TensorProto.BOOL:
            constants[node.output[0]] = bool(onnx.numpy_helper.to_array(values[0]).any())
        if node.op_type in ONNX or _is_training(node, constants):
            yield node.op_type, next(iter(node.output), "")
        for attribute in node.attribute:
            for inner in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _changing(inner, constants)


def _is_training(node: Any, constants: dict[str, bool]) -> bool:
    """Return whether a Dropout or a BatchNormalization is in training mode."""
    if node.op_type == "Dropout":
        mode = node.input[TRAINING_INPUT] if len(node.input) > TRAINING_INPUT else ""
        return constants.get(mode, True) if mode else False
    if node.op_type == "BatchNormalization":
        is_set = any(each.name == "training_mode" and each.i for each in node.attribute)
        return is_set or len([name for name in node.output if name]) > 1
    return False
