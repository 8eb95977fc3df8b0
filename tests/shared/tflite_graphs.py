"""A builder of small ``.tflite`` files, from LiteRT's schema, without a converter."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

schema = pytest.importorskip("ai_edge_litert.schema_py_generated")
flatbuffers = pytest.importorskip("flatbuffers")


class Graph:
    """Builder of a ``.tflite`` file whose input is an image, quantized to int8."""

    def __init__(self) -> None:
        self.schema = schema
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model = schema.ModelT()
        self.model.version, self.model.subgraphs = 3, [self.graph]
        self.model.operatorCodes, self.model.buffers = [], [schema.BufferT()]
        self.image = self.tensor("UINT8", [1, 28, 28, 1])
        self.last = self.add("QUANTIZE", self.image)

    def tensor(self, dtype: str = "INT8", shape: list[int] | None = None, values: Any = None) -> int:
        tensor = self.schema.TensorT()
        tensor.type, tensor.shape, tensor.buffer, tensor.name = getattr(self.schema.TensorType, dtype), shape, 0, "t"
        tensor.quantization = self.schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [0]
        if values is not None:
            array = np.asarray(values, {"INT8": np.int8, "INT32": np.int32}[dtype])
            buffer = self.schema.BufferT()
            buffer.data = np.frombuffer(array.tobytes(), np.uint8)
            tensor.shape, tensor.buffer = list(array.shape), len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def add(self, name: str, *inputs: int, output: str = "INT8", **options: Any) -> int:
        code = self.schema.OperatorCodeT()
        code.builtinCode = getattr(self.schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode = min(code.builtinCode, 127)
        operator = self.schema.OperatorT()
        operator.opcodeIndex, operator.inputs = len(self.model.operatorCodes), list(inputs)
        operator.outputs = [self.tensor(output)]
        if options:
            kind = options.pop("kind")
            operator.builtinOptionsType = getattr(self.schema.BuiltinOptions, kind)
            operator.builtinOptions = getattr(self.schema, kind + "T")()
            vars(operator.builtinOptions).update(options)
        self.model.operatorCodes.append(code)
        self.graph.operators.append(operator)
        self.last = operator.outputs[0]
        return self.last

    def reshape(self, *shape: int) -> int:
        return self.add("RESHAPE", self.last, self.tensor("INT32", values=shape))

    def pad(self, *after: int) -> int:
        return self.add("PAD", self.last, self.tensor("INT32", values=[[0, each] for each in after]))

    def content(self) -> bytes:
        self.graph.inputs, self.graph.outputs = [self.image], [self.last]
        return self.finished()

    def finished(self) -> bytes:
        builder = flatbuffers.Builder()
        builder.Finish(self.model.Pack(builder), b"TFL3")
        return bytes(builder.Output())


def pool(graph: Graph, name: str, size: int, stride: int) -> None:
    sides = {"filterHeight": size, "filterWidth": size, "strideH": stride, "strideW": stride}
    graph.add(name, graph.last, kind="Pool2DOptions", padding=0, **sides)


def convolve(graph: Graph, weights: np.ndarray, name: str = "CONV_2D", dilation: int = 1) -> None:
    kind = {"CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions"}[name]
    steps = {"strideH": 1, "strideW": 1, "dilationHFactor": dilation, "dilationWFactor": dilation}
    graph.add(name, graph.last, graph.tensor(values=weights), kind=kind, padding=0, **steps)
