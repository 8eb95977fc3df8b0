"""An int8 ONNX model with large weights.

On x86 processors without VNNI, onnxruntime adds two products in 16 bits unless an option forbids it. The sums of this
model then saturate. On other processors they are exact in any case.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WHITE = np.full((3, 28, 28, 1), 255, np.uint8)
"""Images of the largest pixels."""
SHARES = np.linspace(0.55, 1, 10)
"""Scores of the model for a white image, to half of 1/255."""


def large_sums(uses: int = 1) -> bytes:
    """Return a convolution of the whole image, which gives `SHARES` times its mean brightness.

    The convolution is made `uses` times, with the same weights, and the results are averaged.
    """
    kernel = np.broadcast_to(np.rint(127 * SHARES)[:, None, None, None], (10, 1, 28, 28)).astype(np.int8)
    constants = {
        "planes": np.array([-1, 1, 28, 28], np.int64),
        "rows": np.array([-1, 10], np.int64),
        "kernel": kernel,
        "kernel step": np.array(1 / 127 / 784, np.float32),
        "kernel zero": np.array(0, np.int8),
        "step": np.array(1 / 255, np.float32),
        "zero": np.array(0, np.uint8),
    }
    nodes = [
        helper.make_node("Reshape", ["pixels", "planes"], ["image"]),
        helper.make_node("DequantizeLinear", ["image", "step", "zero"], ["real image"]),
    ]
    for use in map(str, range(uses)):
        nodes += [
            helper.make_node("DequantizeLinear", ["kernel", "kernel step", "kernel zero"], ["real kernel" + use]),
            helper.make_node("Conv", ["real image", "real kernel" + use], ["sums" + use]),
            helper.make_node("QuantizeLinear", ["sums" + use, "step", "zero"], ["integers" + use]),
            helper.make_node("DequantizeLinear", ["integers" + use, "step", "zero"], ["real" + use]),
        ]
    nodes += [
        helper.make_node("Mean", [f"real{use}" for use in range(uses)], ["mean"]),
        helper.make_node("Reshape", ["mean", "rows"], ["scores"]),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 28, 28, 1])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    opset = [helper.make_opsetid("", 13)]
    content: bytes = helper.make_model(graph, opset_imports=opset, ir_version=7).SerializeToString()
    onnx.checker.check_model(content)
    return content
