"""`read`: read the `Contents` of a ``.tflite`` model with LiteRT's FlatBuffer schema."""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mnist_exporters.formats.changing import changing_operators
from mnist_exporters.formats.contents import Contents, Layer, TensorFacts
from mnist_runtime.backends.base import QuantParams
from mnist_runtime.errors import ArtifactError, raise_machine_failure

__all__ = ["layer_operators", "operator_name", "read"]

CONVERTING = ("QUANTIZE", "DEQUANTIZE", "CAST")
"""Operators that only change the type. They do not count as arithmetic."""

FLOATS = (schema.TensorType.FLOAT32, schema.TensorType.FLOAT16)
LAYERS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")
"""Operators that count as layers if their weights, the second input, are constant."""

SHAPE_DTYPE = "int32"
"""Type of an input that gives the output shape, as in a transposed convolution."""


def read(model: bytes) -> Contents:
    """Read tensors, operators and versions from `model`. Bytes after the model are ignored, as in an exported file.

    Raises
    ------
    ArtifactError
        If it is not a TFLite model with one input and one output.
    """
    try:
        return _contents(model)
    except (ArtifactError, MemoryError):
        raise
    except struct.error as error:  # an offset beyond the end
        raise ArtifactError(
            "The TFLite model ends too early: the file is cut off or damaged. Copy or export it again."
        ) from error
    except Exception as error:  # a damaged file can cause any error here
        raise_machine_failure(error)
        raise ArtifactError(f"This is not a readable TFLite model ({error}). Export it again.") from error


def _contents(model: bytes) -> Contents:
    if model[4:8] != b"TFL3":
        raise ValueError("the identifier TFL3 is missing")
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    _check_references(parsed)
    graph = parsed.subgraphs[0]
    constants = {number for number, tensor in enumerate(graph.tensors) if _data(parsed, tensor) is not None}
    tensors = [_tensor(tensor, is_constant=number in constants) for number, tensor in enumerate(graph.tensors)]
    operators = [
        (_name(parsed.operatorCodes[operator.opcodeIndex]), operator)
        for part in parsed.subgraphs
        for operator in part.operators
    ]
    inputs, outputs = list(graph.inputs), list(graph.outputs)
    if len(inputs) != 1 or len(outputs) != 1:
        raise ArtifactError(
            f"The model has {len(inputs)} inputs and {len(outputs)} outputs, but one of each is needed. Export it "
            "again."
        )
    weights: Counter[str] = Counter()
    for number in constants:
        if len(tensors[number].shape) > 1:
            weights[tensors[number].dtype] += len(_data(parsed, graph.tensors[number]))
    versions: dict[str, int] = {}
    for name, operator in operators:
        versions[name] = max(versions.get(name, 0), parsed.operatorCodes[operator.opcodeIndex].version)
    return Contents(
        format="tflite",
        tensors=tuple(tensors),
        input=tensors[inputs[0]],
        output=tensors[outputs[0]],
        weights=dict(weights),
        weight_types=_weight_types(operators, tensors) if len(parsed.subgraphs) == 1 else {},
        activations=_activations(operators, tensors) if len(parsed.subgraphs) == 1 else (),
        operators=dict(sorted(versions.items())),
        foreign=tuple(sorted({_name(code) for code in parsed.operatorCodes if code.customCode})),
        float_operators=tuple(_float_operators(parsed)),
        layers=tuple(_layer(parsed, operator, tensors) for operator in layer_operators(parsed)),
        changing=tuple(changing_operators(parsed, operator_name)),
    )


def _check_references(parsed: Any) -> None:
    """Reject references to tensors that do not exist; replace missing lists in the model by empty ones."""
    for graph in parsed.subgraphs:
        graph.tensors, graph.operators = list(graph.tensors or []), list(graph.operators or [])
        for part in (graph, *graph.operators):
            for field in ("inputs", "outputs"):
                found = getattr(part, field)
                setattr(part, field, [] if found is None else [int(number) for number in found])
            lowest = 0 if part is graph else -1  # -1 means an omitted optional input
            if any(not lowest <= number < len(graph.tensors) for number in (*part.inputs, *part.outputs)):
                raise ValueError(f"it refers to tensors {part.inputs + part.outputs} of {len(graph.tensors)}")


def layer_operators(model: Any) -> list[Any]:
    """Return the operators with constant weights in the main graph of a `schema.ModelT`, in their order."""
    graph = model.subgraphs[0]
    return [
        operator
        for operator in graph.operators
        if operator_name(model, operator) in LAYERS
        and _data(model, graph.tensors[operator.inputs[1]]) is not None
        and len(graph.tensors[operator.inputs[1]].shape) > 1
    ]


def operator_name(model: Any, operator: Any) -> str:
    """Return the name of an operator of a `schema.ModelT`."""
    return _name(model.operatorCodes[operator.opcodeIndex])


def _layer(model: Any, operator: Any, tensors: list[TensorFacts]) -> Layer:
    name, weights = operator_name(model, operator), tensors[operator.inputs[1]]
    source = tensors[operator.inputs[2 if name == "TRANSPOSE_CONV" else 0]]
    return Layer(name, math.prod(weights.shape), weights.dtype, source.dtype)


def _float_operators(parsed: Any) -> Iterator[tuple[str, str]]:
    """Yield the name and the output of each operator that computes in floats."""
    for graph in parsed.subgraphs:
        for operator in graph.operators:
            name = _name(parsed.operatorCodes[operator.opcodeIndex])
            outputs = [graph.tensors[number] for number in operator.outputs]
            if name not in CONVERTING and any(tensor.type in FLOATS for tensor in outputs):
                yield name, str(outputs[0].name.decode())


def _name(code: Any) -> str:
    """Return the name of an operator code. The deprecated field holds codes up to 127, the new field all others."""
    if code.customCode:
        return str(code.customCode.decode())
    return _constant(schema.BuiltinOperator, max(code.builtinCode, code.deprecatedBuiltinCode))


def _constant(enum: type, number: int) -> str:
    return next(name for name, known in vars(enum).items() if known == number)


def _data(parsed: Any, tensor: Any) -> Any:
    return parsed.buffers[tensor.buffer].data


def _tensor(tensor: Any, *, is_constant: bool) -> TensorFacts:
    dtype = _constant(schema.TensorType, tensor.type).lower()
    shape = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return TensorFacts(
        name=tensor.name.decode(),
        dtype=dtype,
        shape=() if shape is None else tuple(int(axis) for axis in shape),
        is_constant=is_constant,
        affine=_quant_params(tensor.quantization, dtype),
    )


def _quant_params(found: Any, dtype: str) -> QuantParams | None:
    if found is None or found.scale is None or len(found.scale) != 1 or "int" not in dtype:
        return None
    return QuantParams(float(found.scale[0]), int(found.zeroPoint[0]), dtype)


def _weights(operators: list[tuple[str, Any]], tensors: list[TensorFacts]) -> set[int]:
    """Return the indices of the weight tensors, including those that are unpacked from float16 at run time."""
    weights = {number for number, tensor in enumerate(tensors) if tensor.is_constant and len(tensor.shape) > 1}
    return weights | {op.outputs[0] for name, op in operators if name == "DEQUANTIZE" and op.inputs[0] in weights}


def _weight_types(operators: list[tuple[str, Any]], tensors: list[TensorFacts]) -> dict[str, tuple[str, ...]]:
    weights = _weights(operators, tensors)
    types: dict[str, set[str]] = {}
    for name, operator in operators:
        if found := {tensors[number].dtype for number in operator.inputs if number in weights}:
            types.setdefault(name, set()).update(found)
    return {name: tuple(sorted(found)) for name, found in sorted(types.items())}


def _activations(operators: list[tuple[str, Any]], tensors: list[TensorFacts]) -> tuple[str, ...]:
    """Return the types of the activations that operators with weights read; weights and shapes do not count."""
    weights = _weights(operators, tensors)
    constants = {number for number, tensor in enumerate(tensors) if tensor.is_constant} | weights
    types = set()
    for name, operator in operators:
        if name not in CONVERTING and weights & set(operator.inputs):
            types |= {tensors[number].dtype for number in operator.inputs if number >= 0 and number not in constants}
    return tuple(sorted(types - {SHAPE_DTYPE}))
