"""Model files as other tools make them: PyTorch's ONNX, TensorFlow's converter. Each function returns the bytes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from mnist_trainer import PixelScaling

if TYPE_CHECKING:
    import keras


def torch_like(
    lenet: keras.Model,
    scaling: PixelScaling,
    *,
    batch: int | str = "batch",
    opset: int = 17,
    initializers_as_inputs: bool = False,
) -> onnx.ModelProto:
    """Return the network `lenet` as PyTorch writes it: NCHW, pixels of a scaling, logits."""
    span = scaling.white - scaling.black
    weights = [np.asarray(one) for one in lenet.get_weights()]
    kernel, bias = weights[0] / span, weights[1] - weights[0].sum(axis=(0, 1, 2)) * scaling.black / span
    rows = weights[4].reshape(5, 5, 16, 120).transpose(2, 0, 1, 3).reshape(400, 120)  # colours before rows
    constants = {
        "black": np.array(scaling.black, np.float32),
        "pads": np.array([0, 0, 2, 2, 0, 0, 2, 2], np.int64),
        "conv1.weight": kernel.transpose(3, 2, 0, 1),
        "conv1.bias": bias,
        "conv2.weight": weights[2].transpose(3, 2, 0, 1),
        "conv2.bias": weights[3],
        "fc1.weight": rows.T,
        "fc1.bias": weights[5],
        "fc2.weight": weights[6].T,
        "fc2.bias": weights[7],
        "fc3.weight": weights[8].T,
        "fc3.bias": weights[9],
    }
    pool = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("Pad", ["input", "pads", "black"], ["padded"]),
        helper.make_node("Conv", ["padded", "conv1.weight", "conv1.bias"], ["c1"], kernel_shape=[5, 5]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("MaxPool", ["r1"], ["p1"], **pool),
        helper.make_node("Conv", ["p1", "conv2.weight", "conv2.bias"], ["c2"], kernel_shape=[5, 5]),
        helper.make_node("Relu", ["c2"], ["r2"]),
        helper.make_node("MaxPool", ["r2"], ["p2"], **pool),
        helper.make_node("Flatten", ["p2"], ["flat"], axis=1),
        helper.make_node("Gemm", ["flat", "fc1.weight", "fc1.bias"], ["g1"], transB=1),
        helper.make_node("Relu", ["g1"], ["r3"]),
        helper.make_node("Gemm", ["r3", "fc2.weight", "fc2.bias"], ["g2"], transB=1),
        helper.make_node("Relu", ["g2"], ["r4"]),
        helper.make_node("Gemm", ["r4", "fc3.weight", "fc3.bias"], ["output"], transB=1),
    ]
    stored = [
        numpy_helper.from_array(
            np.ascontiguousarray(value if value.dtype == np.int64 else value.astype(np.float32)), name
        )
        for name, value in constants.items()
    ]
    inputs = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [batch, 1, 28, 28])]
    if initializers_as_inputs:
        inputs += [helper.make_tensor_value_info(one.name, one.data_type, list(one.dims)) for one in stored]
    outputs = [helper.make_tensor_value_info("output", TensorProto.FLOAT, [batch, 10])]
    graph = helper.make_graph(nodes, "main_graph", inputs, outputs, stored)
    return helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, producer_name="pytorch"
    )


def dense(
    kernel: Any,
    bias: Any,
    shape: tuple[int | str, ...] = ("n", 28, 28, 1),
    scaling: PixelScaling | None = None,
    last: str = "Sigmoid",
    dtype: int = TensorProto.FLOAT,
) -> onnx.ModelProto:
    """Return one dense layer and an activation, for pixels of a scaling (default: -1..1) in an input of any shape."""
    if scaling is None:
        scaling = PixelScaling.between(-1, 1)
    span = scaling.white - scaling.black
    constants = {
        "shape": np.array([-1, len(kernel)], np.int64),
        "kernel": (kernel / span).astype(np.float32),
        "bias": (bias - kernel.sum(axis=0) * scaling.black / span).astype(np.float32),
    }
    nodes = [
        helper.make_node("Cast", ["input"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["float", "shape"], ["flat"]),
        helper.make_node("Gemm", ["flat", "kernel", "bias"], ["logits"]),
        helper.make_node(last, ["logits"], ["output"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("input", dtype, shape)],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [shape[0], kernel.shape[1]])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def converted(
    model: keras.Model, images: Iterable[Any] | None = None, *, dtype: str = "float32", image_shape: Any = (28, 28, 1)
) -> bytes:
    """Return `model` as TensorFlow's converter writes it: float32, or int8 calibrated on scaled `images`."""
    import tensorflow as tf

    from mnist_exporters.formats.quiet import quietly

    with quietly():
        converter = tf.lite.TFLiteConverter.from_keras_model(model)
        if images is not None:
            calibration = [np.asarray(one, np.float32).reshape(1, *image_shape) for one in images]
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([one] for one in calibration)
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = converter.inference_output_type = tf.as_dtype(dtype)
        return bytes(converter.convert())
