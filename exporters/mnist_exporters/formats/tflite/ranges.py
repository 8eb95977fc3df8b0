"""`quantize`: convert to int8 with a usable scale for activations that are always zero, and with layers in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ai_edge_litert import schema_py_generated as schema
from tensorflow.lite.python.convert import deduplicate_readonly_buffers, mlir_quantize

from mnist_exporters.formats.tflite.packing import packed
from mnist_exporters.formats.tflite.read import layer_operators
from mnist_exporters.spec.treatment import PLAIN, Treatment

__all__ = ["NARROW", "UNUSED", "quantize", "widen"]

NARROW = 3e-6
"""Width of a range below which an activation counts as unused. The converter widens an empty range to 2e-6."""

LEVELS = 255
"""Number of steps in an 8-bit range."""

UNUSED = (-1.0, 1.0)
"""Range that an unused activation gets."""


def quantize(converter: Any, treatment: Treatment = PLAIN) -> bytes:
    """Convert to int8, as ``converter.convert()`` does, but with a usable scale for activations that are always zero.

    Examples are units that no calibration image activates, and the first state of a recurrent layer. The converter
    gives such activations a scale of 8e-9. Then XNNPACK, which LiteRT uses by default, rejects the file, and other
    interpreters clip the values that new images produce.

    Parameters
    ----------
    converter : tf.lite.TFLiteConverter
        A converter for int8 with a representative data set.
    treatment : Treatment
        Layers that stay in float32. If the last layer is one of them and the last activation is computed in float,
        everything after that layer stays in float32 too.
    """
    if not treatment.layers:
        content: bytes = converter.convert()
        if not any(scale * LEVELS < NARROW for scale in _scales(content)):
            return content
    converter._experimental_calibrate_only = True
    model = schema.ModelT.InitFromPackedBuf(bytearray(converter.convert()), 0)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            widen(tensor.quantization)
    content = mlir_quantize(
        packed(model),
        input_data_type=converter.inference_input_type,
        output_data_type=converter.inference_output_type,
        denylisted_nodes=_in_float(model, treatment) or None,
    )
    return bytes(deduplicate_readonly_buffers(content))


def _in_float(model: Any, treatment: Treatment) -> list[str]:
    """Return the names of the output tensors of the operators that stay in float32."""
    graph, layers = model.subgraphs[0], layer_operators(model)
    chosen = [layers[place] for place in treatment.layers]
    if treatment.activation == "float" and layers and layers[-1] in chosen:
        last = next(place for place, operator in enumerate(graph.operators) if operator is layers[-1])
        chosen += graph.operators[last + 1 :]
    return [graph.tensors[operator.outputs[0]].name.decode() for operator in chosen]


def _scales(content: bytes) -> Iterator[float]:
    """Yield the scale of every int8 activation."""
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            if tensor.type == schema.TensorType.INT8 and model.buffers[tensor.buffer].data is None:
                yield from tensor.quantization.scale if tensor.quantization.scale is not None else ()


def widen(found: Any) -> bool:
    """Widen the calibrated range of a tensor if it contains only zero; return whether it was widened.

    `found` is the tensor's quantization, which is changed in place.
    """
    if found is None or found.min is None or found.max is None or len(found.min) != 1:
        return False
    is_unused = max(float(found.max[0]), 0) - min(float(found.min[0]), 0) < NARROW
    if is_unused:
        found.min, found.max = [UNUSED[0]], [UNUSED[1]]
    return is_unused
