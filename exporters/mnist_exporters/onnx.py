"""Keras to ONNX: float32, float16, dynamic range, and static int8 (QDQ, weights per channel)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnist_exporters.calibration import Calibration
from mnist_exporters.converter_output import quietly
from mnist_exporters.errors import ConversionError
from mnist_exporters.original import Original
from mnist_exporters.precision import Precision
from mnist_exporters.seal import seal
from mnist_exporters.spec import ExportSpec
from mnist_runtime import Classifier, Golden, Manifest

if TYPE_CHECKING:
    import onnx

__all__ = ["convert", "load", "pack"]

OPSET = 17
"""Old enough for onnxruntime 1.12 of 2022, new enough for every layer of a digit model."""
IR_VERSION = 8
"""The IR that goes with `OPSET`; devices refuse a newer one than they know."""
TRAILER_FIELD = 7777
"""Number of the protobuf field that carries the trailer: unknown to ONNX, hence skipped by every reader."""


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
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ConversionError(
                f"Expected a model that ONNX {spec.precision} can express, the converter refused ({reason}); replace "
                "the layer that it names, or choose another format."
            ) from error


def _convert(original: Original, precision: Precision, calibration: Calibration | None) -> bytes:
    import onnx

    content = _float32(original)
    onnx.checker.check_model(content, full_check=True)  # tf2onnx only logs what it has no operator for
    if precision is Precision.FLOAT16:
        return _float16(content)
    if precision is Precision.DYNAMIC:
        return _dynamic(content)
    return content if precision is Precision.FLOAT32 else _int8(content, calibration)


def pack(model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
    """Return the file by its suffix."""
    del stem  # the name of the file does not go into it
    return {".onnx": seal(model, manifest, golden, enclose=_field)}


def load(path: Path) -> Classifier:
    """Load the file as a device does, as often as there are processors, into onnxruntime."""
    return Classifier.load(path, backend="onnxruntime", threads=os.cpu_count() or 1)


def _field(trailer: bytes) -> bytes:
    """Return `trailer` as a protobuf field of bytes, so that the ``.onnx`` file remains a valid message."""
    return _varint(TRAILER_FIELD << 3 | 2) + _varint(len(trailer)) + trailer


def _varint(number: int) -> bytes:
    """Return `number` as protobuf writes it: seven bits a byte, the lowest first, the top bit "more follows"."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


def _float32(original: Original) -> bytes:
    import tensorflow as tf
    import tf2onnx

    model = original.pixel_model()
    signature = [tf.TensorSpec((None, 28, 28, 1), tf.uint8, name="pixels")]
    function = tf.function(lambda pixels: tf.identity(model(pixels, training=False), name="scores"))
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET)
    proto.ir_version = IR_VERSION
    _fill_in(proto.graph, function.get_concrete_function(*signature).graph.captures)
    return _canonical(proto)


def _fill_in(graph: onnx.GraphProto, captures: Any) -> None:
    """Make constants of what layers computed beforehand, as Normalization its mean: tf2onnx leaves them as inputs."""
    import onnx

    values = {inner.name: outer for outer, inner in captures}
    for end in [end for end in graph.input if end.name in values]:
        graph.input.remove(end)
        graph.initializer.append(onnx.numpy_helper.from_array(values[end.name].numpy(), end.name))


def _canonical(proto: onnx.ModelProto) -> bytes:
    """Order constants by their use, and rename nodes and tensors by their place.

    The converter's names depend on what it did before in the process, and it keeps constants in a set, whose order is
    that of their addresses.
    """
    graph = proto.graph
    uses = {name: place for place, name in reversed([*enumerate(_taken(graph))])}
    constants = sorted(graph.initializer, key=lambda constant: uses.get(constant.name, len(uses)))
    del graph.initializer[:]
    graph.initializer.extend(constants)
    names = {graph.input[0].name: "pixels", graph.output[0].name: "scores"}
    for tensor in [*(i.name for i in graph.initializer), *(name for node in graph.node for name in node.output)]:
        names.setdefault(tensor, f"tensor{len(names)}")
    for value in (*graph.input, *graph.output, *graph.initializer):
        value.name = names[value.name]
    names.pop("", None)  # an optional end that is left out
    _rename(graph, names)
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "n"
    del graph.value_info[:]
    graph.name, graph.doc_string = "digits", ""
    return bytes(proto.SerializeToString(deterministic=True))


def _taken(graph: onnx.GraphProto) -> Iterator[str]:
    """Yield the names of the tensors that the nodes of `graph` take, those in the bodies of loops and branches too."""
    for node in graph.node:
        yield from node.input
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                yield from _taken(body)


def _rename(graph: onnx.GraphProto, names: dict[str, str]) -> None:
    """Rename what the nodes of `graph` take and give, down into the bodies of loops and branches."""
    for number, node in enumerate(graph.node):
        node.name = f"{node.op_type}{number}"
        for ends in (node.input, node.output):
            ends[:] = [names.get(end, end) for end in ends]
        for attribute in node.attribute:
            for body in (*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs):
                _rename(body, names)
                for value in body.output:  # a body may pass an outer tensor on
                    value.name = names.get(value.name, value.name)


def _float16(content: bytes) -> bytes:
    """Halve the weights; scores stay float32, and what a processor cannot compute in float16 is cast at load time."""
    import onnx
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load_from_string(content), keep_io_types=True)
    return _serialised(model, {onnx.TensorProto.FLOAT16})


def _dynamic(content: bytes) -> bytes:
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # onnxruntime 1.16 has no convolution with signed weights.
    convolves = any(node.op_type == "Conv" for node in onnx.load_from_string(content).graph.node)
    weight_type = QuantType.QUInt8 if convolves else QuantType.QInt8

    def quantise(source: Path, target: Path) -> None:
        quantize_dynamic(source, target, per_channel=True, weight_type=weight_type)

    return _serialised(_by_files(content, quantise), {weight_type.tensor_type})


def _int8(content: bytes, calibration: Calibration | None) -> bytes:
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
