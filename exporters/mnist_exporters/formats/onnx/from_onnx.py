"""Convert an ONNX model to an exported one, from raw pixels to scores 0..1. TensorFlow is not needed."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import onnx
from onnx import TensorProto, compose, helper, inliner, numpy_helper, version_converter

from mnist_exporters.errors import ConversionError, OperatorError
from mnist_exporters.formats.onnx.canonical import IR_VERSION, OPSET, canonical
from mnist_exporters.formats.onnx.quantize import quantized
from mnist_exporters.formats.onnx.read import OWN_DOMAINS
from mnist_exporters.inputs.calibration import Calibration
from mnist_exporters.inputs.original_model import OriginalModel
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime.errors import first_line, raise_machine_failure

__all__ = ["OnnxOriginal", "convert"]

PREFIX = "net_"
"""Prefix for all names in the original, so that they cannot clash with the names of added tensors."""


class OnnxOriginal(OriginalModel, Protocol):
    """An original in an ``.onnx`` file, such as `mnist_trainer.foreign.file_model.FileModel`."""

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        ...

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of one image in the model's input, without the batch axis."""
        ...

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of an image."""
        ...

    @property
    def channels_first(self) -> bool:
        """Whether the channel axis comes first in the input: (channels, height, width)."""
        ...


def convert(
    original: OnnxOriginal, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
) -> bytes:
    """Convert `original` to an ONNX model from raw pixels, uint8 (n, h, w, channels), to scores, float32 (n, k).

    Raises
    ------
    ConversionError
        If it has operators that ONNX does not define, or takes a fixed number of images and cannot be changed.
    """
    try:
        content = _raw_pixel_model(original)
        onnx.checker.check_model(content, full_check=True)
        _check_batch(content, original)
        return quantized(content, spec, calibration, treatment)
    except ConversionError:
        raise
    except Exception as error:  # onnx and onnxruntime do not document what they raise
        raise_machine_failure(error)
        others = ", ".join(each for each in FORMATS["onnx"].io_types if each != spec.precision)
        opset = _opset(onnx.load_from_string(original.content))
        again = "" if opset == OPSET else f", or export the network again with opset {OPSET} in place of {opset}"
        raise ConversionError(
            f"{original.name} cannot be converted to ONNX {spec.precision}: {first_line(error)}. Choose another "
            f"precision ({others}){again}."
        ) from error


def _raw_pixel_model(original: OnnxOriginal) -> bytes:
    model = onnx.load_from_string(original.content)
    if model.functions:
        model = inliner.inline_local_functions(model)
    _check_operators(model)
    model = _with_opset(model)
    graph = compose.add_prefix_graph(model.graph, PREFIX)
    _store_constants(graph)
    stored = {tensor.name for tensor in graph.initializer}
    (source,), (target,) = [one for one in graph.input if one.name not in stored], graph.output
    _free_batch(graph, source)
    before = _input_chain(original, source)
    after = _output_chain(original, target)
    height, width, channels = original.image_shape
    whole = helper.make_graph(
        [*before.nodes, *graph.node, *after.nodes],
        "digits",
        [helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", height, width, channels])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n", len(original.task.labels)])],
        [*before.constants, *graph.initializer, *after.constants],
    )
    opset = _opset(model)
    imports = [helper.make_opsetid("", opset)]
    ir_version = IR_VERSION if opset <= OPSET else helper.find_min_ir_version_for(imports)
    return canonical(
        helper.make_model(whole, opset_imports=imports, ir_version=max(IR_VERSION, ir_version)), original.task
    )


def _check_operators(model: onnx.ModelProto) -> None:
    """Check that ONNX defines every operator. Any other operator would need code that is not in the file."""
    others = tuple(
        dict.fromkeys(f"{node.domain}.{node.op_type}" for node in model.graph.node if node.domain not in OWN_DOMAINS)
    )
    if others:
        raise OperatorError(
            f"The network has operators that ONNX does not define: {', '.join(others)}. Export it again without them.",
            others,
        )


def _opset(model: onnx.ModelProto) -> int:
    return next((int(entry.version) for entry in model.opset_import if entry.domain in OWN_DOMAINS), 1)


def _with_opset(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert `model` to `OPSET`. A newer model without an equivalent in `OPSET` is returned unchanged."""
    del model.graph.value_info[:]  # these shapes are for another opset and a fixed batch
    if _opset(model) == OPSET:
        return model
    try:
        return version_converter.convert_version(model, OPSET)
    except Exception as error:  # onnx does not document what it raises
        raise_machine_failure(error)
        if _opset(model) > OPSET:
            return model
        raise ConversionError(
            f"The network has opset {_opset(model)}, which cannot be converted to {OPSET}: {first_line(error)}. Export "
            f"it again with opset {OPSET}."
        ) from error


def _store_constants(graph: onnx.GraphProto) -> None:
    """Turn the results of Constant nodes into initializers, because the quantizer looks for weights there."""
    for node in [node for node in graph.node if node.op_type == "Constant"]:
        value = next((one for one in node.attribute if one.name == "value"), None)
        if value is not None:
            tensor = graph.initializer.add()
            tensor.CopyFrom(value.t)
            tensor.name = node.output[0]
            graph.node.remove(node)


def _free_batch(graph: onnx.GraphProto, source: onnx.ValueInfoProto) -> None:
    """Replace the shapes for a batch of one image by shapes for any batch."""
    if source.type.tensor_type.shape.dim[0].dim_value != 1:
        return
    stored = {tensor.name: tensor for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type != "Reshape" or node.input[1] not in stored:
            continue
        shape = numpy_helper.to_array(stored[node.input[1]]).copy()
        if len(shape) > 1 and shape[0] == 1:
            shape[0] = 0 if -1 in shape else -1  # 0: copy the axis from the input
            name = f"{node.output[0]}_shape"
            graph.initializer.append(numpy_helper.from_array(shape, name))
            node.input[1] = name


class _Chain:
    """A chain of nodes that is put before or after a network, with the constants of these nodes."""

    def __init__(self, source: str) -> None:
        self.last = source
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(self, operator: str, *values: Any, **attributes: Any) -> None:
        """Add a node. Its inputs are the previous result and the constants `values`."""
        start = f"{operator}_{self.last}"
        names = [f"{start}_{number}" for number in range(len(values))]
        self.constants += [numpy_helper.from_array(value, name) for name, value in zip(names, values, strict=True)]
        self.nodes.append(helper.make_node(operator, [self.last, *names], [start], **attributes))
        self.last = start

    def end(self, name: str) -> _Chain:
        """Name the last result, which ends the chain."""
        self.nodes.append(helper.make_node("Identity", [self.last], [name]))
        return self


def _input_chain(original: OnnxOriginal, source: onnx.ValueInfoProto) -> _Chain:
    """Return the nodes from raw pixels to the input of the network."""
    chain, scaling = _Chain("pixels"), original.scaling
    input_type = source.type.tensor_type.elem_type
    is_float = input_type in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)
    chain.add("Cast", to=TensorProto.FLOAT)
    if scaling.scale != 1:
        chain.add("Mul", np.array(scaling.scale, np.float32))
    if scaling.offset:
        chain.add("Add", np.array(scaling.offset, np.float32))
    if not is_float:
        limits = np.iinfo(helper.tensor_dtype_to_np_dtype(input_type))
        chain.add("Round")
        chain.add("Clip", np.array(limits.min, np.float32), np.array(limits.max, np.float32))
    if input_type != TensorProto.FLOAT:
        chain.add("Cast", to=input_type)
    if original.channels_first and original.image_shape[2] > 1:
        chain.add("Transpose", perm=[0, 3, 1, 2])
    if tuple(original.tensor_shape) != original.image_shape:
        chain.add("Reshape", np.array([-1, *original.tensor_shape], np.int64))
    return chain.end(source.name)


def _output_chain(original: OnnxOriginal, target: onnx.ValueInfoProto) -> _Chain:
    """Return the nodes from the output of the network to scores 0..1."""
    chain = _Chain(target.name)
    if target.type.tensor_type.elem_type != TensorProto.FLOAT:
        chain.add("Cast", to=TensorProto.FLOAT)
    if len(target.type.tensor_type.shape.dim) != 2:
        chain.add("Reshape", np.array([-1, len(original.task.labels)], np.int64))
    if original.activation == "logits":
        chain.add("Softmax", axis=-1)
    if not chain.nodes:
        return chain.end("scores")
    chain.nodes[-1].output[0] = "scores"
    return chain


def _check_batch(content: bytes, original: OnnxOriginal) -> None:
    """Check that the model takes several images at once."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    try:
        shape = session.run(["scores"], {"pixels": np.zeros((3, *original.image_shape), np.uint8)})[0].shape
        if math.prod(shape) != 3 * len(original.task.labels):
            raise ValueError(f"three images give scores of shape {shape}")
    except Exception as error:  # onnxruntime's exceptions have no narrower base
        raise_machine_failure(error)
        raise ConversionError(
            f"{original.name} takes one image at a time ({first_line(error)}). Export it with a free first axis: "
            "torch.onnx.export(..., dynamic_axes={'input': {0: 'n'}, 'output': {0: 'n'}})."
        ) from error
