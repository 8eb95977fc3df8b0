"""Convert Keras models to ONNX: float32, float16, dynamic-range, and static int8 (QDQ, per-channel weights)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
import tensorflow as tf
import tf2onnx

from mnist_exporters.errors import ConversionError, OperatorError
from mnist_exporters.formats.onnx.assigned import check_unchanging
from mnist_exporters.formats.onnx.canonical import IR_VERSION, OPSET, canonical, inline_captures
from mnist_exporters.formats.onnx.quantize import quantized
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime.errors import raise_machine_failure

__all__ = ["convert"]


def convert(
    original: Original, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
) -> bytes:
    """Convert `original` to an ONNX model from raw pixels, uint8 (n, h, w, channels), to scores, float32 (n, k).

    Raises
    ------
    ConversionError
        If the model cannot be expressed in ONNX.
    """
    try:
        content = _float32(original)
        onnx.checker.check_model(content, full_check=True)
        return quantized(content, spec, calibration, treatment)
    except ConversionError:
        raise
    except Exception as error:  # tf2onnx, onnx and onnxruntime do not document what they raise
        raise_machine_failure(error)
        raise OperatorError(
            f"The model cannot be converted to ONNX {spec.precision}. Replace the layer that the converter does not "
            "know, or choose another format."
        ) from error


def _float32(original: Original) -> bytes:
    model = original.pixel_model()
    signature = [tf.TensorSpec((None, *original.task.tensor_shape), tf.uint8, name="pixels")]
    function = tf.function(lambda pixels: tf.identity(model(pixels, training=False), name="scores"))
    with _inlined_functions():
        traced = function.get_concrete_function(*signature)
    check_unchanging(traced)
    proto, _ = tf2onnx.convert.from_function(
        function, input_signature=signature, opset=OPSET, custom_op_handlers={"Erfc": (_erfc, ["Erf"])}
    )
    proto.ir_version = IR_VERSION
    _check_known(proto.graph)
    inline_captures(proto.graph, traced.graph.captures)
    return canonical(proto, original.task)


@contextmanager
def _inlined_functions() -> Iterator[None]:
    """Inside this context, trace functions that Keras would compile with XLA as part of their caller.

    tf2onnx cannot read XLA functions. Keras uses one for grouped convolutions.
    """
    before = tf.config.functions_run_eagerly()
    tf.config.run_functions_eagerly(True)
    try:
        yield
    finally:
        tf.config.run_functions_eagerly(before)


def _erfc(graph: Any, node: Any, *_: Any) -> None:
    """Convert Erfc, which an exact GELU needs: ``erfc(x) = 1 - erf(x)``."""
    one = graph.make_const(f"{node.name}_one", np.array(1, np.float32))
    node.domain = ""
    (erf,) = node.output
    difference = graph.insert_new_node_on_output("Sub", erf, name=f"{node.name}_complement")
    graph.replace_inputs(difference, [one.output[0], erf])


def _check_known(graph: onnx.GraphProto) -> None:
    """Check that ONNX defines all operators. tf2onnx may leave TensorFlow operators in the graph and only log them."""
    unknown = [node for node in graph.node if not node.domain and not onnx.defs.has(node.op_type)]
    if unknown:
        names = tuple(dict.fromkeys(node.op_type for node in unknown))
        raise OperatorError(
            f"ONNX has no operator for TensorFlow's {', '.join(names)}. Replace the layer that needs it, or choose "
            "another format.",
            names,
            tuple(node.name for node in unknown),
        )
