"""`quantize_int16`: convert to int16x8, and work around two bugs of the converter."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert import deduplicate_readonly_buffers
from tensorflow.lite.python.optimize.calibrator import Calibrator

from mnist_exporters.formats.tflite.packing import packed
from mnist_exporters.formats.tflite.ranges import widen

__all__ = ["quantize_int16"]

BIAS = 2
"""Index of the bias among the inputs of the operators in `WITH_BIAS`."""

WITH_BIAS = (
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
)


def quantize_int16(converter: Any) -> bytes:
    """Convert to int16x8, as ``converter.convert()`` does, but work around two bugs of the converter.

    * If the input of an operator is always zero in calibration, its weights become zero. Here, the range of such an
      input is widened first, as in `mnist_exporters.formats.tflite.ranges.quantize`.
    * If several operators share a bias, as in an unrolled recurrent layer, the bias is quantized again for each of
      them, from the already quantized values. Here, each operator gets its own bias first.

    For other models, the result is the same as that of ``converter.convert()``.

    Parameters
    ----------
    converter : tf.lite.TFLiteConverter
        A converter for int16x8 with a representative data set.
    """
    output_type = converter.inference_output_type
    converter.inference_output_type = tf.float32  # only for the intermediate model with ranges
    converter._experimental_calibrate_only = True
    model = schema.ModelT.InitFromPackedBuf(bytearray(converter.convert()), 0)
    converter._experimental_calibrate_only = False
    converter.inference_output_type = output_type
    repaired = [widen(tensor.quantization) for graph in model.subgraphs for tensor in graph.tensors]
    repaired += [_split_biases(model, graph) for graph in model.subgraphs]
    if not any(repaired):
        return bytes(converter.convert())
    content = Calibrator(packed(model)).calibrate_and_quantize(
        lambda: iter(()),  # no image: the model has its ranges already
        converter.inference_input_type,
        output_type,
        False,  # no operator may stay in float
        tf.int16,
        tf.int64,
    )
    return bytes(deduplicate_readonly_buffers(bytes(content)))


def _split_biases(model: Any, graph: Any) -> bool:
    """Give each operator of `graph` its own bias; return whether any was shared."""
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    used: set[int] = set()
    is_shared = False
    for operator in graph.operators:
        inputs = np.array(operator.inputs)
        if codes[operator.opcodeIndex] not in WITH_BIAS or len(inputs) <= BIAS or inputs[BIAS] < 0:
            continue
        if inputs[BIAS] in used:
            is_shared = True
            tensor = copy.copy(graph.tensors[inputs[BIAS]])
            model.buffers.append(copy.copy(model.buffers[tensor.buffer]))
            tensor.buffer = len(model.buffers) - 1
            graph.tensors.append(tensor)
            inputs[BIAS] = len(graph.tensors) - 1
            operator.inputs = inputs
        used.add(int(inputs[BIAS]))
    return is_shared
