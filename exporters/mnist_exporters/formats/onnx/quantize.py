"""Change the precision of an ONNX model: `to_float16`, `to_dynamic`, `to_int8`."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.onnx.canonical import IR_VERSION, compact
from mnist_exporters.formats.onnx.dynamic_weights import refine
from mnist_exporters.formats.onnx.read import layer_nodes
from mnist_exporters.formats.onnx.separate import no_matrices, separate
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.precision import Precision
from mnist_exporters.spec.treatment import PLAIN, Treatment

__all__ = ["quantized", "to_dynamic", "to_float16", "to_int8"]

ACTIVATIONS = ("Sigmoid", "Softmax")
"""Operators that turn logits into scores."""

WEIGHTS = QuantType.QInt8
"""Type of the weights in an int8 model before `_make_unsigned`."""


def quantized(content: bytes, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN) -> bytes:
    """Convert a float32 model, from raw pixels to scores, to the precision of `spec`."""
    if spec.precision is Precision.FLOAT16:
        return to_float16(content)
    if spec.precision is Precision.DYNAMIC:
        return to_dynamic(content, treatment)
    return content if spec.precision is Precision.FLOAT32 else to_int8(content, calibration, treatment)


def to_float16(content: bytes) -> bytes:
    """Store weights as float16; scores stay float32. onnxruntime inserts casts where a processor lacks float16."""
    model = convert_float_to_float16(onnx.load_from_string(content), keep_io_types=True)
    return _serialize(model, onnx.TensorProto.FLOAT16)


def to_dynamic(content: bytes, treatment: Treatment = PLAIN) -> bytes:
    """Store weights as uint8, except in the layers of `treatment`; activations are quantized at run time.

    `_make_unsigned` explains why the weights are unsigned. Also, onnxruntime 1.16 has no convolution for signed ones.
    """

    def quantize(source: Path, target: Path) -> None:
        in_float = _in_float(onnx.load(source).graph, treatment)
        in_float += [f"{name}_MatMul" for name in in_float]  # the quantizer splits a Gemm into two nodes with new names
        quantize_dynamic(source, target, per_channel=True, weight_type=QuantType.QUInt8, nodes_to_exclude=in_float)
        model = onnx.load(target)
        refine(model, onnx.load(source))
        onnx.save(model, target)

    return _serialize(_quantize_files(content, quantize), onnx.TensorProto.UINT8)


def to_int8(content: bytes, calibration: Calibration | None, treatment: Treatment = PLAIN) -> bytes:
    """Store weights in 8 bits and compute with uint8 activations. Their ranges come from `calibration`.

    The layers of `treatment` stay in float32. So does the last activation, if `treatment` says so.
    """
    if calibration is None:
        raise ConversionError("int8 needs calibration images. Pass `calibration`.")
    images: Iterator[Any] = iter(calibration.tensors)

    class Images(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime is untyped
        def get_next(self) -> dict[str, Any] | None:
            image = next(images, None)
            return None if image is None else {"pixels": image[None]}

    def quantize(source: Path, target: Path) -> None:
        graph = onnx.load(source).graph
        quantize_static(
            source,
            target,
            Images(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=WEIGHTS,
            nodes_to_exclude=_in_float(graph, treatment),
            extra_options={"TensorQuantOverrides": {name: [{"quant_type": WEIGHTS}] for name in no_matrices(graph)}},
        )

    model = _quantize_files(content, quantize)
    _make_unsigned(model.graph)
    return _serialize(model, onnx.TensorProto.UINT8)


def _make_unsigned(graph: onnx.GraphProto) -> None:
    """Turn int8 weights into uint8 weights with the same real values: add 128 to them and to their zero points.

    On x86 with AVX2 but without VNNI, onnxruntime adds products of uint8 and int8 in 16 bits, which saturate unless a
    session option is set. With uint8 and uint8, the sums are exact everywhere.
    """
    constants = {constant.name: constant for constant in graph.initializer}
    stored: set[tuple[str, ...]] = set()  # names of weights and their zero point; without one, they cannot be shifted
    others: set[str] = set()
    for node in graph.node:
        if (
            node.op_type == "DequantizeLinear"
            and len(node.input) > 2
            and {node.input[0], node.input[2]} <= constants.keys()
        ):
            stored.add((node.input[0], node.input[2]))
        else:
            others.update(node.input)
    for names in stored:
        if not others.intersection(names):
            for name in names:
                values = onnx.numpy_helper.to_array(constants[name])
                if values.dtype == np.int8:  # a bias is int32
                    unsigned = (values.astype(np.int16) + 128).astype(np.uint8)
                    constants[name].CopyFrom(onnx.numpy_helper.from_array(unsigned, name))


def _in_float(graph: onnx.GraphProto, treatment: Treatment) -> list[str]:
    """Return the names of the nodes that stay in float32 according to `treatment`.

    Raises
    ------
    ConversionError
        If the last activation is to stay in float32, but the model does not end with one.
    """
    layers = layer_nodes(graph)
    chosen = [layers[place] for place in treatment.layers]
    constants = {constant.name for constant in graph.initializer}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    # The bias of a matrix product may be a separate Add node.
    for layer in tuple(chosen):
        following = readers.get(layer.output[0], [])
        if len(following) == 1 and following[0].op_type == "Add" and constants & set(following[0].input):
            chosen.append(following[0])
    if treatment.activation:
        last = [node for node in graph.node if graph.output[0].name in node.output]
        if not last or last[0].op_type not in ACTIVATIONS:
            raise ConversionError("The model does not end with a softmax or sigmoids.")
        chosen += last
    return [node.name for node in chosen]


def _quantize_files(content: bytes, quantize: Callable[[Path, Path], None]) -> onnx.ModelProto:
    """Fold constants, infer shapes and quantize. onnxruntime does this only with files, not in memory."""
    with tempfile.TemporaryDirectory() as folder:
        source, prepared, target = (Path(folder) / name for name in ("float.onnx", "prepared.onnx", "quantized.onnx"))
        source.write_bytes(content)
        quant_pre_process(source, prepared, skip_symbolic_shape=True)
        model = onnx.load(prepared)
        separate(model.graph)
        onnx.save(model, prepared)
        quantize(prepared, target)
        return onnx.load(target)


def _serialize(model: onnx.ModelProto, weight_type: int) -> bytes:
    """Serialize `model`; raise an error if no weight has the ONNX type `weight_type`."""
    types = {tensor.data_type for tensor in model.graph.initializer if len(tensor.dims) > 1}
    if weight_type not in types:
        raise ConversionError("onnxruntime quantized no weights of this model. Choose another precision.")
    model.ir_version = IR_VERSION
    used = {node.domain for node in model.graph.node}  # the quantizer also lists domains that no operator uses
    kept = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(kept)
    compact(model.graph)
    return bytes(model.SerializeToString(deterministic=True))
