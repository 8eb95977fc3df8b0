"""`int4_model`: give a float32 ``.tflite`` model 4-bit weights, with the LiteRT Quantizer."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from ai_edge_litert.tools import flatbuffer_utils
from litert_quantizer import calibrator, qtyping, quantizer

from mnist_exporters.errors import ConversionError, UsageError
from mnist_exporters.formats.tflite.gptq import LEVELS, input_moments, round_weights
from mnist_exporters.formats.tflite.ranges import NARROW, UNUSED
from mnist_exporters.formats.tflite.read import layer_operators
from mnist_runtime.errors import first_line, raise_machine_failure

__all__ = ["int4_model"]

INT4_VERSIONS = {"CONV_2D": 7, "FULLY_CONNECTED": 10}
"""Operator -> first version with int4 weights and int8 activations."""

Grids = dict[str, dict[str, npt.NDArray[np.float32]]]
"""Name of a weight tensor -> ``min`` and ``max`` of its grid, per channel."""


def int4_model(model: bytes, pixels: npt.NDArray[np.float32], in_int8: Collection[int] = ()) -> bytes:
    """Quantize `model` to int4 weights and int8 activations, with uint8 input and output.

    The last layer keeps int8 weights, unless it is the only one. It has few weights, and tflite-runtime 2.14 supports
    int4 convolutions but no int4 dense layers. So a convolutional network whose only dense layer is the last one runs
    there. Layers without an int4 kernel, such as depthwise convolutions, keep int8 weights too. See
    docs/experiments/low-bit.md.

    Parameters
    ----------
    model : bytes
        A ``.tflite`` model, float32 in and out.
    pixels : ndarray of shape (n, h, w, channels), dtype float32
        Inputs of `model`, which set the activation ranges and the rounding of the weights.
    in_int8 : collection of int
        Indices, in `Contents.layers`, of further layers that keep int8 weights.

    Raises
    ------
    UsageError
        If no layer can have int4 weights.
    ConversionError
        If the quantizer rejects the model.
    """
    rounded, layers, grids = _with_rounded_weights(model, pixels, in_int8)
    engine = quantizer.Quantizer(bytearray(rounded))
    _set_rules(engine, layers)
    ((signature, ends),) = Interpreter(model_content=rounded).get_signature_list().items()
    try:
        # One batch of all images: with one image per batch, the quantizer averages the ranges instead of joining them.
        ranges = engine.calibrate(
            {signature: [{ends["inputs"][0]: pixels}]},
            num_threads=1,
            mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
        for found in ranges.values():
            if not np.isfinite([found["min"], found["max"]]).all():  # such ranges in a file can crash an interpreter
                raise ValueError("some values are not finite, such as a division by 0 in a normalization")
            if np.max(found["max"] - found["min"]) < NARROW:
                found["min"], found["max"] = (np.full_like(found["min"], end) for end in UNUSED)
        quantized = engine.quantize(ranges | grids, enable_progress_report=False).quantized_model
    except Exception as error:  # the quantizer does not document what it raises
        raise_machine_failure(error)
        raise ConversionError(
            f"The LiteRT Quantizer cannot make int4 weights for this model ({first_line(error)}). Choose another "
            "precision."
        ) from error
    return _with_versions(bytes(quantized))


def _with_rounded_weights(
    model: bytes, pixels: npt.NDArray[np.float32], in_int8: Collection[int]
) -> tuple[bytes, list[str], Grids]:
    """Round the weights of all layers that become int4, in the order of the layers.

    The inputs for rounding a layer come from the model whose earlier layers are rounded already.

    Returns
    -------
    model : bytes
        The model, still float32.
    layers : list of str
        Name of the output tensor of each such layer.
    grids : dict
        Name of a weight tensor -> ``min`` and ``max`` of its grid, per channel.
    """
    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    graph = parsed.subgraphs[0]
    candidates = [
        operator
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(parsed, operator.opcodeIndex) in INT4_VERSIONS
        and parsed.buffers[graph.tensors[operator.inputs[1]].buffer].data is not None
    ]
    if not candidates:
        raise UsageError("int4 is for convolutions and dense layers, but the model has none. Choose another precision.")
    every_layer = layer_operators(parsed)
    in_eight_bits = [every_layer[place] for place in in_int8]
    layers: list[str] = []
    grids: Grids = {}
    for operator in candidates[:-1] or candidates:
        if any(operator is kept for kept in in_eight_bits):
            continue
        tensor = graph.tensors[operator.inputs[1]]
        buffer = parsed.buffers[tensor.buffer]
        weights = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
        layers.append(graph.tensors[operator.outputs[0]].name.decode())
        moments = input_moments(model, pixels, operator, weights.shape)
        if moments is None or tensor.name.decode() in grids:
            continue  # not rounded here: the quantizer rounds to the nearest value
        rounded, scales = round_weights(weights.reshape(len(weights), -1).astype(np.float64), moments)
        buffer.data = np.frombuffer(rounded.astype(np.float32).tobytes(), np.uint8)
        limit = (LEVELS * scales).astype(np.float32).reshape(-1, *[1] * (weights.ndim - 1))
        grids[tensor.name.decode()] = {"min": -limit, "max": limit}
        model = bytes(flatbuffer_utils.convert_object_to_bytearray(parsed))
    return model, layers, grids


def _set_rules(engine: Any, layers: list[str]) -> None:
    """Set the quantizer's rules: int8; int4 weights in `layers`; uint8 input and output. The last match applies."""
    operators, tensor = qtyping.TFLOperationName, qtyping.TensorQuantizationConfig
    engine.add_static_config(".*", operators.ALL_SUPPORTED, 8, 8)
    for layer in layers:
        for name in INT4_VERSIONS:
            engine.add_static_config(f"^{re.escape(layer)}", operators[name], 8, 4)
    ends = qtyping.OpQuantizationConfig(
        activation_tensor_config=tensor(num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT),
        weight_tensor_config=tensor(num_bits=8, granularity=qtyping.QuantGranularity.CHANNELWISE),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )
    for operator in (operators.INPUT, operators.OUTPUT):
        engine.update_quantization_recipe(".*", operator, ends)


def _with_versions(content: bytes) -> bytes:
    """Set the operator versions that int4 weights need.

    The quantizer keeps the versions of the float model. With these, an older interpreter would load the model and give
    wrong answers, instead of rejecting it.
    """
    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    found = False
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            if name in INT4_VERSIONS and graph.tensors[operator.inputs[1]].type == schema.TensorType.INT4:
                model.operatorCodes[operator.opcodeIndex].version = INT4_VERSIONS[name]
                found = True
    if not found:
        raise UsageError("No layer of this model can have int4 weights. Choose another precision, such as int8.")
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
