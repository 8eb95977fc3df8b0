"""`read`: the `Contents` of a ``.tflite`` model, by the FlatBuffer schema that LiteRT brings."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mnist_exporters.formats.contents import Contents, Tensor
from mnist_runtime.backends.quantization import QuantParams
from mnist_runtime.errors import ArtifactError

__all__ = ["read"]

CONVERTING = ("QUANTIZE", "DEQUANTIZE", "CAST")
"""Operators that only change the type, so that their ends say nothing of the arithmetic."""


SHAPES = "int32"
"""The type in which operators are told the shape of their output, as a transposed convolution is."""


def read(model: bytes) -> Contents:
    """Read `model`; what follows it in an artifact is passed over.

    Raises
    ------
    ArtifactError
        If it is no TFLite model, or one without exactly one graph, one input and one output.
    """
    from ai_edge_litert import schema_py_generated as schema

    try:
        if model[4:8] != b"TFL3":
            raise ValueError("the mark TFL3 is missing")
        parsed = schema.ModelT.InitFromPackedBuf(model, 0)
        graph = parsed.subgraphs[0]
        constants = {number for number, tensor in enumerate(graph.tensors) if _data(parsed, tensor) is not None}
        tensors = [_tensor(tensor, is_constant=number in constants) for number, tensor in enumerate(graph.tensors)]
        operators = [
            (_name(parsed.operatorCodes[operator.opcodeIndex]), operator)
            for part in parsed.subgraphs
            for operator in part.operators
        ]
        ends = (list(graph.inputs), list(graph.outputs))
    except Exception as error:  # the generated reader raises whatever the damage leads to
        raise ArtifactError(f"Expected a TFLite model, could not read it ({error}); export it again.") from error
    if [len(end) for end in ends] != [1, 1]:
        raise ArtifactError(
            f"Expected one input and one output, found {len(ends[0])} and {len(ends[1])}; export it again."
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
        input=tensors[ends[0][0]],
        output=tensors[ends[1][0]],
        weights=dict(weights),
        weight_types=_weight_types(operators, tensors) if len(parsed.subgraphs) == 1 else {},
        activations=_activations(operators, tensors) if len(parsed.subgraphs) == 1 else (),
        operators=dict(sorted(versions.items())),
        foreign=tuple(sorted({_name(code) for code in parsed.operatorCodes if code.customCode})),
    )


def _name(code: Any) -> str:
    """Return the operator's name; one number is for codes up to 127, the other came later."""
    from ai_edge_litert import schema_py_generated as schema

    if code.customCode:
        return str(code.customCode.decode())
    number = max(code.builtinCode, code.deprecatedBuiltinCode)
    return str(next(name for name, known in vars(schema.BuiltinOperator).items() if known == number))


def _data(parsed: Any, tensor: Any) -> Any:
    return parsed.buffers[tensor.buffer].data


def _tensor(tensor: Any, *, is_constant: bool) -> Tensor:
    from ai_edge_litert import schema_py_generated as schema

    dtype = next(name for name, known in vars(schema.TensorType).items() if known == tensor.type).lower()
    free = tensor.shapeSignature if tensor.shapeSignature is not None else tensor.shape
    return Tensor(
        name=tensor.name.decode(),
        dtype=dtype,
        shape=() if free is None else tuple(int(axis) for axis in free),
        is_constant=is_constant,
        affine=_affine(tensor.quantization, dtype),
    )


def _affine(found: Any, dtype: str) -> QuantParams | None:
    if found is None or found.scale is None or len(found.scale) != 1 or "int" not in dtype:
        return None
    return QuantParams(float(found.scale[0]), int(found.zeroPoint[0]), dtype)


def _weights(operators: list[tuple[str, Any]], tensors: list[Tensor]) -> set[int]:
    """Return the tensors that are weights; some are unpacked from float16 first."""
    weights = {number for number, tensor in enumerate(tensors) if tensor.is_constant and len(tensor.shape) > 1}
    return weights | {op.outputs[0] for name, op in operators if name == "DEQUANTIZE" and op.inputs[0] in weights}


def _weight_types(operators: list[tuple[str, Any]], tensors: list[Tensor]) -> dict[str, tuple[str, ...]]:
    weights = _weights(operators, tensors)
    types: dict[str, set[str]] = {}
    for name, operator in operators:
        if held := {tensors[end].dtype for end in operator.inputs if end in weights}:
            types.setdefault(name, set()).update(held)
    return {name: tuple(sorted(held)) for name, held in sorted(types.items())}


def _activations(operators: list[tuple[str, Any]], tensors: list[Tensor]) -> tuple[str, ...]:
    """Return what operators that have weights take besides them, shapes apart."""
    weights = _weights(operators, tensors)
    constants = {number for number, tensor in enumerate(tensors) if tensor.is_constant} | weights
    taken = set()
    for name, operator in operators:
        if name not in CONVERTING and weights & set(operator.inputs):
            taken |= {tensors[end].dtype for end in operator.inputs if end >= 0 and end not in constants}
    return tuple(sorted(taken - {SHAPES}))
