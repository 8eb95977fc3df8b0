"""`with_logits`: remove the last activation from a quantized ``.tflite`` model, or compute it in float32."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

from ai_edge_litert import schema_py_generated as schema

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.tflite.packing import packed
from mnist_exporters.formats.tflite.read import operator_name

__all__ = ["with_logits"]

OPERATORS = {"sigmoid": "LOGISTIC", "softmax": "SOFTMAX"}
"""Activation -> TFLite operator."""

ZERO_POINT_SHIFT = {(schema.TensorType.INT8, schema.TensorType.UINT8): 128}
"""(type of the logits, type of the output) -> difference of the zero points, where the types differ."""


def with_logits(content: bytes, activation: str, *, in_float: bool) -> bytes:
    """Remove the last activation from a model, or compute it in float32 instead of in integers.

    An integer score is a multiple of 1/256. Two scores that differ by less become equal, although their logits differ
    by many steps. The activation does not change the order of the classes, so the logits give the right answer.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model that ends with an activation, in integers or already in float32.
    activation : str
        ``"softmax"`` or ``"sigmoid"``.
    in_float : bool
        Whether to compute the activation in float32 at the end of the model. Otherwise the output of the model are the
        logits, in the type of the present output.

    Raises
    ------
    ConversionError
        If the model does not end with this activation.
    """
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    graph = model.subgraphs[0]
    (output,) = graph.outputs
    makers = {operator.outputs[0]: operator for operator in graph.operators}
    last = makers.get(output)
    converts = last is not None and operator_name(model, last) in ("QUANTIZE", "DEQUANTIZE")
    conversion, final = (last, makers.get(last.inputs[0])) if last is not None and converts else (None, last)
    if final is None or operator_name(model, final) != OPERATORS[activation] or not _is_plain(final):
        raise ConversionError(f"The model does not end with a {activation}, so it has no logits to give.")
    logits = final.inputs[0]
    if graph.tensors[logits].type == schema.TensorType.FLOAT32:
        if in_float:
            return content
        raise ConversionError(f"The {activation} of the model is already computed in float32.")
    if in_float:
        _compute_in_float(model, final, conversion)
    else:
        graph.operators = [operator for operator in graph.operators if operator is not final]
        _make_output(graph, logits, makers[logits], conversion)
    _remove_unused(model)
    return packed(model, len(content))


def _is_plain(operator: Any) -> bool:
    """Return whether the activation has no factor ``beta`` (only a softmax can have one). Readers would ignore it."""
    return bool(getattr(operator.builtinOptions, "beta", 1.0) == 1.0)


def _make_output(graph: Any, logits: int, maker: Any, conversion: Any) -> None:
    """Make the tensor `logits` the output of the graph, with the name and type of the present output."""
    (output,) = graph.outputs
    logits_tensor, output_tensor = graph.tensors[logits], graph.tensors[output]
    output_tensor.quantization = copy.copy(logits_tensor.quantization)
    if conversion is None:
        maker.outputs = [output]
    else:
        conversion.inputs = [logits]
        if output_tensor.type == schema.TensorType.FLOAT32:
            output_tensor.quantization = None
        else:
            shift = ZERO_POINT_SHIFT[logits_tensor.type, output_tensor.type]
            output_tensor.quantization.zeroPoint = [int(logits_tensor.quantization.zeroPoint[0]) + shift]


def _compute_in_float(model: Any, final: Any, conversion: Any) -> None:
    """Dequantize the logits, then apply the activation."""
    graph = model.subgraphs[0]
    if conversion is None or operator_name(model, conversion) != "DEQUANTIZE":
        raise ConversionError("The model has an integer output, so its activation cannot be computed in float32.")
    (output,) = graph.outputs
    real = copy.copy(graph.tensors[output])
    real.name, real.buffer = b"logits", 0
    graph.tensors.append(real)
    conversion.inputs, conversion.outputs = [final.inputs[0]], [len(graph.tensors) - 1]
    final.inputs, final.outputs = [len(graph.tensors) - 1], [output]
    code = copy.copy(model.operatorCodes[final.opcodeIndex])
    code.version = 1  # float32
    model.operatorCodes.append(code)
    final.opcodeIndex = len(model.operatorCodes) - 1
    graph.operators = [*(each for each in graph.operators if each is not final), final]


def _remove_unused(model: Any) -> None:
    """Remove unused tensors and operator codes, because readers would count them."""
    graph = model.subgraphs[0]
    used = {*graph.inputs, *graph.outputs}
    for operator in graph.operators:
        inner = () if operator.intermediates is None else operator.intermediates
        used |= {number for number in (*operator.inputs, *operator.outputs, *inner) if number >= 0}
    places = _renumbered(used)
    graph.tensors = [tensor for number, tensor in enumerate(graph.tensors) if number in used]
    graph.inputs, graph.outputs = ([places[number] for number in ends] for ends in (graph.inputs, graph.outputs))
    codes = _renumbered({operator.opcodeIndex for operator in graph.operators})
    for operator in graph.operators:
        operator.opcodeIndex = codes[operator.opcodeIndex]
        operator.inputs = [places.get(number, number) for number in operator.inputs]
        operator.outputs = [places[number] for number in operator.outputs]
        if operator.intermediates is not None:
            operator.intermediates = [places.get(number, number) for number in operator.intermediates]
    model.operatorCodes = [code for number, code in enumerate(model.operatorCodes) if number in codes]
    for signature in model.signatureDefs or ():
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = places[entry.tensorIndex]


def _renumbered(kept: Iterable[int]) -> dict[int, int]:
    """Return old index -> new index for the indices that are kept."""
    return {old: new for new, old in enumerate(sorted(kept))}
