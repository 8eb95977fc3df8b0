"""Edits of a finished ``.tflite`` model: integer input, reshapes, short tensor names, and a batch of one image."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mnist_exporters.formats.tflite.packing import packed
from mnist_runtime.backends.base import QuantParams

__all__ = ["with_integer_input", "with_reshapes", "with_short_names", "with_static_batch"]


def with_integer_input(content: bytes, affine: QuantParams) -> bytes:
    """Put a DEQUANTIZE operator before a model with float32 input, so that it takes integers.

    TensorFlow's converter does not support an 8-bit input with int16 activations. All interpreters since tflite-runtime
    2.14 can run the additional operator.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model with one float32 input.
    affine : QuantParams
        Scale, zero point and type (uint8 or int8) of the new input.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    graph = model.subgraphs[0]
    (floats,) = graph.inputs

    pixels = schema.TensorT()
    pixels.name = b"pixels"
    pixels.type = {"uint8": schema.TensorType.UINT8, "int8": schema.TensorType.INT8}[affine.dtype]
    pixels.shape = graph.tensors[floats].shape
    pixels.shapeSignature = graph.tensors[floats].shapeSignature
    pixels.quantization = schema.QuantizationParametersT()
    pixels.quantization.scale, pixels.quantization.zeroPoint = [affine.scale], [affine.zero_point]
    graph.tensors.append(pixels)
    integers = len(graph.tensors) - 1

    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 2  # the first version for int8
    model.operatorCodes.append(code)
    dequantize = schema.OperatorT()
    dequantize.opcodeIndex = len(model.operatorCodes) - 1
    dequantize.inputs, dequantize.outputs = [integers], [floats]
    graph.operators.insert(0, dequantize)

    graph.inputs = [integers]
    for signature in model.signatureDefs:
        for entry in signature.inputs:
            entry.tensorIndex = integers
    return packed(model, len(content))


def with_reshapes(content: bytes) -> bytes:
    """Replace operators that keep the order of all values by RESHAPE, which every interpreter and the C code have.

    These are EXPAND_DIMS, as in a ``Conv1D``, and each TRANSPOSE that moves only axes of length one, as for gray images
    with the channel first. Operators that change the batch axis stay.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model.
    """
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    graph = model.subgraphs[0]
    replaced = [operator for operator in graph.operators if _keeps_order(model, operator)]
    if not replaced:
        return content
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.RESHAPE
    code.version = 1
    model.operatorCodes.append(code)
    for operator in replaced:
        sides = [-1, *_signature(graph.tensors[operator.outputs[0]])[1:]]
        buffer, shape = schema.BufferT(), schema.TensorT()
        buffer.data = np.array(sides, "<i4").view(np.uint8)
        model.buffers.append(buffer)
        shape.name, shape.type, shape.shape = b"shape", schema.TensorType.INT32, [len(sides)]
        shape.buffer = len(model.buffers) - 1
        graph.tensors.append(shape)
        operator.opcodeIndex = len(model.operatorCodes) - 1
        operator.inputs = [operator.inputs[0], len(graph.tensors) - 1]
        operator.builtinOptionsType = schema.BuiltinOptions.ReshapeOptions
        operator.builtinOptions = schema.ReshapeOptionsT()
        operator.builtinOptions.newShape = sides
    return packed(model, len(content))


def _keeps_order(model: Any, operator: Any) -> bool:
    """Return whether `operator` only adds or moves axes of length one after the batch axis."""
    graph = model.subgraphs[0]
    kind = model.operatorCodes[operator.opcodeIndex].builtinCode
    if kind not in (schema.BuiltinOperator.EXPAND_DIMS, schema.BuiltinOperator.TRANSPOSE):
        return False
    source, target = (_signature(graph.tensors[end[0]]) for end in (operator.inputs, operator.outputs))
    if not source or -1 in (*source[1:], *target[1:]):
        return False
    data = model.buffers[graph.tensors[operator.inputs[1]].buffer].data
    if data is None:  # computed while the model runs
        return False
    axes = np.asarray(data, np.uint8).view("<i4").tolist()
    if kind == schema.BuiltinOperator.EXPAND_DIMS:
        return bool(axes[0] % len(target) != 0)
    moved = [axis for axis in axes[1:] if source[axis] != 1]
    return bool(axes[0] == 0 and moved == sorted(moved))


def _signature(tensor: Any) -> list[int]:
    """Return the shape of a tensor, with -1 for each axis whose length is not fixed."""
    sides = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return [] if sides is None else [int(side) for side in sides]  # a single number has no shape


def with_short_names(content: bytes) -> bytes:
    """Name each inner tensor after the last operator in its name, without the prefix that all names have in common.

    ``scaled_1/cnn_1/relu1_1/Relu;scaled_1/cnn_1/norm1_1/add_1`` becomes ``relu1_1/Relu``. The names of the model's
    input and output stay.
    """
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph in model.subgraphs:
        ends = {*graph.inputs, *graph.outputs}
        inner = [tensor for number, tensor in enumerate(graph.tensors) if number not in ends and tensor.name]
        names = [tensor.name.decode().partition(";")[0] for tensor in inner]
        paths = [name.split("/")[:-1] for name in names if "/" in name]
        common = "".join(
            f"{step[0]}/" for step in takewhile(lambda step: len(set(step)) == 1, zip(*paths, strict=False))
        )
        for tensor, name in zip(inner, names, strict=True):
            tensor.name = name.removeprefix(common).encode()
    return packed(model, len(content))


def with_static_batch(content: bytes) -> bytes:
    """Declare a batch of one image, and store the shapes that all tensors have for one image.

    LiteRT.js compares the shape of the input with the declared shape, and rejects a file that declares -1 images. Other
    interpreters resize the input, whatever the file declares.

    TensorFlow's converter stores 1 for each axis whose length is not fixed. This is wrong if the length is a multiple
    of the number of images, as inside a TimeDistributed layer. TensorFlow Lite Micro uses the stored shapes.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model.
    """
    shapes = _shapes(content)
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        # Shapes that are known only at run time stay unchanged.
        if tensor.shapeSignature is not None and len(shapes.get(number, ())) == len(tensor.shape):
            tensor.shape = shapes[number]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.shapeSignature = None
    return packed(model, len(content))


def _shapes(content: bytes) -> dict[int, list[int]]:
    """Return the shape of each tensor for one image; empty if LiteRT rejects the model.

    The accuracy check reports such a model later.
    """
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # delegates would hide tensors
    try:
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError):
        return {}
    return {tensor["index"]: [int(side) for side in tensor["shape"]] for tensor in interpreter.get_tensor_details()}
