"""`int4_model`: a float32 ``.tflite`` model with weights of four bits, by the LiteRT Quantizer."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.tflite.gptq import LEVELS, Floats, round_weights
from mnist_runtime.errors import first_line

__all__ = ["int4_model"]

SINCE = {"CONV_2D": 7, "FULLY_CONNECTED": 10}
"""Operators that may have int4 weights beside int8 activations, with the version that they have had them since."""

AT_ONCE = 20
"""Images whose patches are held at a time: some 20 MB for a layer of the ready `cnn`."""


def int4_model(model: bytes, pixels: npt.NDArray[np.float32]) -> bytes:
    """Quantise `model` to int4 weights and int8 activations; it then takes and gives uint8.

    The last layer keeps int8 weights, unless it is the only one: they are few, and a convolutional network with no
    other dense layer then runs on tflite-runtime 2.14, which has int4 convolutions but no int4 dense layers. So do
    layers that have no int4 kernel, such as depthwise convolutions. See docs/low-bit.md.

    Parameters
    ----------
    model : bytes
        A ``.tflite`` model, float32 in and out.
    pixels : ndarray of shape (n, 28, 28, 1), dtype float32
        What `model` takes: the ranges of the activations and the rounding of the weights come from these.

    Raises
    ------
    ConversionError
        If the quantizer refuses the model, or it has no layer whose weights could be int4.
    """
    from ai_edge_litert.interpreter import Interpreter
    from litert_quantizer import calibrator, quantizer

    rounded, layers, grids = _with_rounded_weights(model, pixels)
    engine = quantizer.Quantizer(bytearray(rounded))
    _add_rules(engine, layers)
    ((signature, ends),) = Interpreter(model_content=rounded).get_signature_list().items()
    try:
        # All images in one batch: one by one, the quantizer would average their ranges instead of spanning them.
        ranges = engine.calibrate(
            {signature: [{ends["inputs"][0]: pixels}]},
            num_threads=1,
            mode=calibrator.CalibrationMode.CALIBRATION_PROFILER_BASED,
        )
        quantised = engine.quantize(ranges | grids, enable_progress_report=False).quantized_model
    except Exception as error:  # it documents no types of its own
        raise ConversionError(
            "Expected a model that can have int4 weights, the LiteRT Quantizer refused "
            f"({first_line(error)}); choose another precision."
        ) from error
    return _with_versions(bytes(quantised))


def _with_rounded_weights(
    model: bytes, pixels: npt.NDArray[np.float32]
) -> tuple[bytes, list[str], dict[str, dict[str, npt.NDArray[np.float32]]]]:
    """Return `model`, still float32, with weights on int4 grids; the outputs of those layers; and the grids' ends.

    The layers are taken in turn, so that each is rounded for the inputs that those before it, rounded, really give.
    """
    from ai_edge_litert.tools import flatbuffer_utils

    parsed = flatbuffer_utils.read_model_from_bytearray(bytearray(model))
    graph = parsed.subgraphs[0]
    able = [
        operator
        for operator in graph.operators
        if flatbuffer_utils.opcode_to_name(parsed, operator.opcodeIndex) in SINCE
        and parsed.buffers[graph.tensors[operator.inputs[1]].buffer].data is not None
    ]
    if not able:
        raise ConversionError(
            "Expected convolutions or dense layers, which can hold int4 weights, found none; choose another precision."
        )
    layers, grids = [], {}
    for operator in able[:-1] or able:
        tensor = graph.tensors[operator.inputs[1]]
        buffer = parsed.buffers[tensor.buffer]
        weights = np.frombuffer(bytes(buffer.data), np.float32).reshape(tensor.shape)
        layers.append(graph.tensors[operator.outputs[0]].name.decode())
        moments = _moments(model, pixels, operator, weights.shape)
        if moments is None or tensor.name.decode() in grids:
            continue  # the quantizer rounds it to the nearest
        rounded, scales = round_weights(weights.reshape(len(weights), -1).astype(np.float64), moments)
        buffer.data = np.frombuffer(rounded.astype(np.float32).tobytes(), np.uint8)
        end = (LEVELS * scales).astype(np.float32).reshape(-1, *[1] * (weights.ndim - 1))
        grids[tensor.name.decode()] = {"min": -end, "max": end}
        model = bytes(flatbuffer_utils.convert_object_to_bytearray(parsed))
    return model, layers, grids


def _moments(model: bytes, pixels: npt.NDArray[np.float32], operator: Any, shape: tuple[int, ...]) -> Floats | None:
    """Return the mean of ``outer(x, x)`` over what `operator` computes an output from; None if that is unclear."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    options = operator.builtinOptions
    interpreter = Interpreter(
        model_content=model,
        num_threads=1,
        experimental_preserve_all_tensors=True,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    source = interpreter.get_input_details()[0]["index"]
    total, count = np.zeros((0, 0)), 0
    for part in np.array_split(pixels, -(-len(pixels) // AT_ONCE)):
        interpreter.resize_tensor_input(source, part.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(source, part)
        interpreter.invoke()
        given = interpreter.get_tensor(operator.inputs[0]).astype(np.float64)
        if len(shape) == 4:
            if given.shape[-1] != shape[-1] or (options.dilationHFactor, options.dilationWFactor) != (1, 1):
                return None
            inputs = _patches(
                given, (shape[1], shape[2]), (options.strideH, options.strideW), same=options.padding == 0
            )
        else:
            inputs = given.reshape(-1, shape[1])
        total = inputs.T @ inputs if count == 0 else total + inputs.T @ inputs
        count += len(inputs)
    return total / count


def _patches(given: Floats, kernel: tuple[int, int], strides: tuple[int, int], *, same: bool) -> Floats:
    """Return what a convolution's kernel is laid over: (n, height, width, channels) -> (places, size of the kernel).

    With "same" padding there is an output for each stride begun, and half of the zeros needed, rounded down, go before.
    """
    if same:
        needed = [
            max((-(-size // stride) - 1) * stride + length - size, 0)
            for size, length, stride in zip(given.shape[1:3], kernel, strides, strict=True)
        ]
        given = np.pad(given, ((0, 0), *((zeros // 2, zeros - zeros // 2) for zeros in needed), (0, 0)))
    rows = np.lib.stride_tricks.sliding_window_view(given, kernel[0], axis=1)[:, :: strides[0]]
    windows = np.lib.stride_tricks.sliding_window_view(rows, kernel[1], axis=2)[:, :, :: strides[1]]
    patches: Floats = windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, kernel[0] * kernel[1] * given.shape[-1])
    return patches


def _add_rules(engine: Any, layers: list[str]) -> None:
    """Ask for int8, int4 weights in `layers`, and uint8 at the two ends; of rules that fit, the last one counts."""
    from litert_quantizer import qtyping

    operators, tensor = qtyping.TFLOperationName, qtyping.TensorQuantizationConfig
    engine.add_static_config(".*", operators.ALL_SUPPORTED, 8, 8)
    for layer in layers:
        for name in SINCE:
            engine.add_static_config(f"^{re.escape(layer)}", operators[name], 8, 4)
    ends = qtyping.OpQuantizationConfig(
        activation_tensor_config=tensor(num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT),
        weight_tensor_config=tensor(num_bits=8, granularity=qtyping.QuantGranularity.CHANNELWISE),
        compute_precision=qtyping.ComputePrecision.INTEGER,
    )
    for operator in (operators.INPUT, operators.OUTPUT):
        engine.update_quantization_recipe(".*", operator, ends)


def _with_versions(content: bytes) -> bytes:
    """Return `content` with the versions that its int4 operators need.

    The quantizer leaves those of the float model, by which an older interpreter would load what it cannot run and
    answer wrongly, instead of refusing it.
    """
    from ai_edge_litert import schema_py_generated as schema
    from ai_edge_litert.tools import flatbuffer_utils

    model = flatbuffer_utils.read_model_from_bytearray(bytearray(content))
    found = False
    for graph in model.subgraphs:
        for operator in graph.operators:
            name = flatbuffer_utils.opcode_to_name(model, operator.opcodeIndex)
            if name in SINCE and graph.tensors[operator.inputs[1]].type == schema.TensorType.INT4:
                model.operatorCodes[operator.opcodeIndex].version = SINCE[name]
                found = True
    if not found:
        raise ConversionError("Expected int4 weights, the LiteRT Quantizer left none; choose another precision.")
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))
