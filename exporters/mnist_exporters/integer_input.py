"""`with_integer_input`: let a ``.tflite`` file that takes floats take quantised pixels."""

from __future__ import annotations

from mnist_runtime.affine import Affine

__all__ = ["with_integer_input"]


def with_integer_input(content: bytes, affine: Affine) -> bytes:
    """Return the model `content` with a DEQUANTIZE in front, so that its input is what `affine` describes.

    TensorFlow's converter refuses integer pixels where activations are int16; every interpreter since tflite-runtime
    2.14 runs the file with this one operator more.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model with one float32 input.
    affine : Affine
        Scale, zero point and type (uint8 or int8) of the new input.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

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
    code.version = 2  # the one that takes int8
    model.operatorCodes.append(code)
    dequantize = schema.OperatorT()
    dequantize.opcodeIndex = len(model.operatorCodes) - 1
    dequantize.inputs, dequantize.outputs = [integers], [floats]
    graph.operators.insert(0, dequantize)

    graph.inputs = [integers]
    for signature in model.signatureDefs:
        for end in signature.inputs:
            end.tensorIndex = integers
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
