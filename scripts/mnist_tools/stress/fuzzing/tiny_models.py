"""Small int8 ``.tflite`` models with most operators of the NumPy engine, from which its fuzzing begins."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

__all__ = ["TINY_MODELS"]

TYPES = {"int8": schema.TensorType.INT8, "uint8": schema.TensorType.UINT8, "int32": schema.TensorType.INT32}


class Net:
    """A graph under construction."""

    def __init__(self) -> None:
        self.model, self.graph = schema.ModelT(), schema.SubGraphT()
        self.model.version, self.model.subgraphs, self.model.buffers = 3, [self.graph], [schema.BufferT()]
        self.model.operatorCodes, self.graph.tensors, self.graph.operators = [], [], []
        self._random = np.random.default_rng(0)

    def tensor(
        self, *shape: int, dtype: str = "int8", scales: tuple[float, ...] = (0.1,), values: npt.ArrayLike | None = None
    ) -> int:
        """Add a tensor, constant if it has `values`, and return its number."""
        made = schema.TensorT()
        made.shape, made.type, made.name = list(shape), TYPES[dtype], f"t{len(self.graph.tensors)}".encode()
        made.quantization = schema.QuantizationParametersT()
        made.quantization.scale, made.quantization.zeroPoint = list(scales), [0] * len(scales)
        if values is not None:
            buffer = schema.BufferT()
            buffer.data = list(np.asarray(values, dtype).reshape(-1).tobytes())
            made.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(made)
        return len(self.graph.tensors) - 1

    def weights(self, *shape: int, channels: int = 1) -> int:
        """Add constant int8 weights with one scale for each channel."""
        values = self._random.integers(-127, 128, shape)
        return self.tensor(*shape, scales=(0.01,) * channels, values=values)

    def bias(self, size: int, scale: float = 0.001) -> int:
        """Add a constant int32 bias."""
        return self.tensor(size, dtype="int32", scales=(scale,), values=self._random.integers(-99, 99, size))

    def operator(self, name: str, inputs: list[int], output: int, options: Any = None, version: int = 1) -> int:
        """Add an operator and return the number of its output."""
        code, made = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), version
        made.opcodeIndex, made.inputs, made.outputs = len(self.model.operatorCodes), inputs, [output]
        if options is not None:
            made.builtinOptions = options
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__[:-1])
        self.model.operatorCodes.append(code)
        self.graph.operators.append(made)
        return output

    def content(self, source: int, target: int) -> bytes:
        """Return the bytes of the file with this input and this output."""
        self.graph.inputs, self.graph.outputs = [source], [target]
        builder = flatbuffers.Builder()
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def options(kind: str, **values: Any) -> Any:
    """Return operator options, such as `options("Pool2D", strideH=2)`."""
    made = getattr(schema, f"{kind}OptionsT")()
    for name, value in values.items():
        assert hasattr(made, name), name
        setattr(made, name, value)
    return made


def pooled() -> bytes:
    """Return average pooling, a dense layer and softmax."""
    net = Net()
    source = net.tensor(1, 28, 28, 1)
    pool = options("Pool2D", padding=1, strideW=7, strideH=7, filterWidth=7, filterHeight=7)
    pooled = net.operator("AVERAGE_POOL_2D", [source], net.tensor(1, 4, 4, 1), pool, 2)
    shape = net.tensor(2, dtype="int32", scales=(), values=[-1, 16])
    flat = net.operator("RESHAPE", [pooled, shape], net.tensor(1, 16), options("Reshape", newShape=[-1, 16]))
    dense = net.operator(
        "FULLY_CONNECTED", [flat, net.weights(10, 16), net.bias(10)], net.tensor(1, 10), options("FullyConnected"), 4
    )
    scores = net.tensor(1, 10, scales=(1 / 256,))
    net.graph.tensors[scores].quantization.zeroPoint = [-128]
    return net.content(source, net.operator("SOFTMAX", [dense], scores, options("Softmax", beta=1.0), 2))


def convolved() -> bytes:
    """Return a convolution with a scale for each channel, a depthwise one, max pooling, mean, dense layer, sigmoid."""
    net = Net()
    source = net.tensor(1, 28, 28, 1)
    conv = options(
        "Conv2D",
        padding=0,
        strideW=4,
        strideH=4,
        dilationWFactor=1,
        dilationHFactor=1,
        fusedActivationFunction=schema.ActivationFunctionType.RELU,
    )
    weights = net.weights(2, 3, 3, 1, channels=2)
    wide = net.operator("CONV_2D", [source, weights, net.bias(2)], net.tensor(1, 7, 7, 2), conv, 3)
    deep = options(
        "DepthwiseConv2D",
        padding=0,
        strideW=2,
        strideH=2,
        depthMultiplier=1,
        dilationWFactor=1,
        dilationHFactor=1,
    )
    kernel = net.weights(1, 3, 3, 2)
    small = net.operator("DEPTHWISE_CONV_2D", [wide, kernel, net.bias(2)], net.tensor(1, 4, 4, 2), deep, 3)
    pool = options("Pool2D", padding=1, strideW=2, strideH=2, filterWidth=2, filterHeight=2)
    most = net.operator("MAX_POOL_2D", [small], net.tensor(1, 2, 2, 2), pool, 2)
    axes = net.tensor(2, dtype="int32", scales=(), values=[1, 2])
    mean = net.operator("MEAN", [most, axes], net.tensor(1, 2), options("Reducer", keepDims=False), 2)
    dense = net.operator(
        "FULLY_CONNECTED", [mean, net.weights(10, 2), net.bias(10)], net.tensor(1, 10), options("FullyConnected"), 4
    )
    scores = net.tensor(1, 10, scales=(1 / 256,))
    net.graph.tensors[scores].quantization.zeroPoint = [-128]
    return net.content(source, net.operator("LOGISTIC", [dense], scores, None, 2))


def joined() -> bytes:
    """Return quantization, padding, products, sums, joints and a computed shape."""
    net = Net()
    source = net.tensor(1, 28, 28, 1, dtype="uint8")
    signed = net.operator("QUANTIZE", [source], net.tensor(1, 28, 28, 1), None, 1)
    around = net.tensor(4, 2, dtype="int32", scales=(), values=[[0, 0], [1, 1], [1, 1], [0, 0]])
    padded = net.operator("PAD", [signed, around], net.tensor(1, 30, 30, 1), options("Pad"), 2)
    pool = options("Pool2D", padding=1, strideW=30, strideH=6, filterWidth=30, filterHeight=6)
    small = net.operator("MAX_POOL_2D", [padded], net.tensor(1, 5, 1, 1), pool, 2)
    factor = net.tensor(1, scales=(0.1,), values=[3])
    product = net.operator("MUL", [small, factor], net.tensor(1, 5, 1, 1), options("Mul"), 2)
    total = net.operator("ADD", [product, small], net.tensor(1, 5, 1, 1), options("Add"), 2)
    both = net.operator("CONCATENATION", [total, product], net.tensor(1, 5, 1, 2), options("Concatenation", axis=3), 2)
    sizes = net.operator("SHAPE", [both], net.tensor(4, dtype="int32", scales=()), options("Shape"), 1)
    first, last, step = (net.tensor(1, dtype="int32", scales=(), values=[value]) for value in (0, 1, 1))
    part = options("StridedSlice", shrinkAxisMask=1)
    count = net.operator("STRIDED_SLICE", [sizes, first, last, step], net.tensor(dtype="int32", scales=()), part, 1)
    ten = net.tensor(dtype="int32", scales=(), values=[10])
    shape = net.operator(
        "PACK", [count, ten], net.tensor(2, dtype="int32", scales=()), options("Pack", valuesCount=2), 1
    )
    flat = net.operator("RESHAPE", [both, shape], net.tensor(1, 10), options("Reshape"))
    return net.content(source, net.operator("RELU6", [flat], net.tensor(1, 10), None, 2))


TINY_MODELS: dict[str, Callable[[], bytes]] = {"pooled": pooled, "convolved": convolved, "joined": joined}
"""Name -> function that returns the bytes of a model."""
