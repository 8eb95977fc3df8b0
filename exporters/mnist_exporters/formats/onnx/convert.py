"""Keras to ONNX: float32, float16, dynamic range, and static int8 (QDQ, weights per channel)."""

from __future__ import annotations

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.onnx.canonical import IR_VERSION, OPSET, canonical, fill_in
from mnist_exporters.formats.onnx.quantize import to_dynamic, to_float16, to_int8
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original import Original
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_runtime.errors import first_line

__all__ = ["convert"]


def convert(original: Original, spec: ExportSpec, calibration: Calibration | None) -> bytes:
    """Convert `original` to an ``.onnx`` model from raw pixels, uint8 (n, 28, 28, 1), to scores, float32 (n, 10).

    Raises
    ------
    ConversionError
        If the model cannot be expressed in ONNX.
    """
    with quietly():
        try:
            return _convert(original, spec.precision, calibration)
        except ConversionError:
            raise
        except Exception as error:  # tf2onnx, onnx and onnxruntime raise their own, undocumented types
            reason = first_line(error)
            raise ConversionError(
                f"Expected a model that ONNX {spec.precision} can express, the converter refused ({reason}); replace "
                "the layer that it names, or choose another format."
            ) from error


def _convert(original: Original, precision: Precision, calibration: Calibration | None) -> bytes:
    import onnx

    content = _float32(original)
    onnx.checker.check_model(content, full_check=True)  # tf2onnx only logs what it has no operator for
    if precision is Precision.FLOAT16:
        return to_float16(content)
    if precision is Precision.DYNAMIC:
        return to_dynamic(content)
    return content if precision is Precision.FLOAT32 else to_int8(content, calibration)


def _float32(original: Original) -> bytes:
    import tensorflow as tf
    import tf2onnx

    model = original.pixel_model()
    signature = [tf.TensorSpec((None, 28, 28, 1), tf.uint8, name="pixels")]
    function = tf.function(lambda pixels: tf.identity(model(pixels, training=False), name="scores"))
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    proto.ir_version = IR_VERSION
    fill_in(proto.graph, function.get_concrete_function(*signature).graph.captures)
    return canonical(proto)
