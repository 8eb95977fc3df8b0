"""`quantize_int16`: convert to int16x8, with recurrent layers and unused activations too."""

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
"""Place of the bias among the inputs of the operators in `WITH_BIAS`."""

WITH_BIAS = (
    schema.BuiltinOperator.FULLY_CONNECTED,
    schema.BuiltinOperator.CONV_2D,
    schema.BuiltinOperator.DEPTHWISE_CONV_2D,
)


def quantize_int16(converter: Any) -> bytes:
    """Convert to int16x8, as ``converter.convert()`` does, and repair two faults of the converter.

    * The weights of an operator whose input is always zero in calibration become zero. Here, the range of such an
      input is widened first, as `mnist_exporters.formats.tflite.ranges.quantize` does.
    * A bias that several operators share, as in an unrolled recurrent layer, is quantized once for each of them, one
      result on top of the other. Here, each operator gets its own bias first.

    Where neither applies, the result is that of ``converter.convert()``.

    Parameters
    ----------
    converter : tf.lite.TFLiteConverter
        A converter for int16x8 with a representative data set.
    """
    output_type = converter.inference_output_type
    converter.inference_output_type = tf.float32  # of the model with ranges only
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
