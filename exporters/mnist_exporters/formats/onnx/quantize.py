"""quantize."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.onnx.canonical import IR_VERSION
from mnist_exporters.inputs.calibration import Calibration

if TYPE_CHECKING:
    import onnx


def to_float16(content: bytes) -> bytes:
    """Halve the weights; scores stay float32, and what a processor cannot compute in float16 is cast at load time."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load_from_string(content), keep_io_types=True)
    return _serialised(model, {onnx.TensorProto.FLOAT16})


def to_dynamic(content: bytes) -> bytes:
    """Return the model with int8 weights and ranges computed at run time."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # onnxruntime 1.16 has no convolution with signed weights.
    convolves = any(node.op_type == "Conv" for node in onnx.load_from_string(content).graph.node)
    weight_type = QuantType.QUInt8 if convolves else QuantType.QInt8

    def quantise(source: Path, target: Path) -> None:
        quantize_dynamic(source, target, per_channel=True, weight_type=weight_type)

    return _serialised(_by_files(content, quantise), {weight_type.tensor_type})


def to_int8(content: bytes, calibration: Calibration | None) -> bytes:
    """Return the model with int8 weights and activations; `calibration` sets the ranges of the activations."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

    if calibration is None:
        raise ConversionError("Expected calibration images for int8, received none.")
    images: Iterator[Any] = iter(calibration.images)

    class Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
        def get_next(self) -> dict[str, Any] | None:
            image = next(images, None)
            return None if image is None else {"pixels": np.asarray(image).reshape(1, 28, 28, 1)}

    def quantise(source: Path, target: Path) -> None:
        quantize_static(
            source,
            target,
            Images(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )

    return _serialised(_by_files(content, quantise), {onnx.TensorProto.INT8})


def _by_files(content: bytes, quantise: Callable[[Path, Path], None]) -> onnx.ModelProto:
    """Prepare a float model for quantisation (fold, infer shapes) and quantise it; onnxruntime does it on files."""
    import onnx
    from onnxruntime.quantization.shape_inference import quant_pre_process

    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / name for name in ("float.onnx", "prepared.onnx", "quantised.onnx"))
        source.write_bytes(content)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        quantise(prepared, target)
        return onnx.load(target)


def _serialised(model: onnx.ModelProto, needed: set[int]) -> bytes:
    """Return the bytes of `model`, once its weights are seen to be of the type that was asked for."""
    held = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) > 1}
    if not needed <= held:
        raise ConversionError("Expected weights of the precision asked for, the converter left them as they were.")
    model.ir_version = IR_VERSION
    used = {node.domain for node in model.graph.node}  # the quantiser also lists domains that nothing comes from
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    return bytes(model.SerializeToString(deterministic=True))
