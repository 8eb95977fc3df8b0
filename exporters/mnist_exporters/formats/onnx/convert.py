"""Convert Keras to ONNX: float32, float16, dynamic-range, and static int8 (QDQ, per-channel weights)."""

from __future__ import annotations

import onnx
import tensorflow as tf
import tf2onnx

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.onnx.canonical import IR_VERSION, OPSET, canonical, inline_captures
from mnist_exporters.formats.onnx.quantize import to_dynamic, to_float16, to_int8
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_runtime.errors import first_line

__all__ = ["convert"]


def convert(original: Original, spec: ExportSpec, calibration: Calibration | None) -> bytes:
    """Convert `original` to an ONNX model from raw pixels, uint8 (n, 28, 28, 1), to scores, float32 (n, 10).

    Raises
    ------
    ConversionError
        If the model cannot be expressed in ONNX.
    """
    try:
        content = _float32(original)
        onnx.checker.check_model(content, full_check=True)  # tf2onnx only logs unsupported operators
        if spec.precision is Precision.FLOAT16:
            return to_float16(content)
        if spec.precision is Precision.DYNAMIC:
            return to_dynamic(content)
        return content if spec.precision is Precision.FLOAT32 else to_int8(content, calibration)
    except ConversionError:
        raise
    except Exception as error:  # tf2onnx, onnx and onnxruntime do not document what they raise
        raise ConversionError(
            f"The model cannot be converted to ONNX {spec.precision} ({first_line(error)}). Replace the layer named "
            "there, or choose another format."
        ) from error


def _float32(original: Original) -> bytes:
    model = original.pixel_model()
    signature = [tf.TensorSpec((None, 28, 28, 1), tf.uint8, name="pixels")]
    function = tf.function(lambda pixels: tf.identity(model(pixels, training=False), name="scores"))
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    proto.ir_version = IR_VERSION
    inline_captures(proto.graph, function.get_concrete_function(*signature).graph.captures)
    return canonical(proto)
