"""`with_shapes_of_one_image`: store the shapes for one image, for an interpreter that does not compute shapes."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mnist_exporters.formats.tflite.rewrites import packed

__all__ = ["with_shapes_of_one_image"]


def with_shapes_of_one_image(content: bytes) -> bytes:
    """Store in each tensor the shape that it has for one image.

    TensorFlow's converter stores 1 for each open side, even if that side is a multiple of the number of images, as
    inside a ``TimeDistributed`` layer. TensorFlow Lite Micro uses the stored shapes as they are.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model. If its shapes are right, it is returned unchanged.
    """
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate would hide tensors
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    shapes = {tensor["index"]: [int(side) for side in tensor["shape"]] for tensor in interpreter.get_tensor_details()}
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    changed = False
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        stored = [] if tensor.shape is None else [int(side) for side in tensor.shape]
        if tensor.shapeSignature is not None and number in shapes and shapes[number] != stored:
            tensor.shape, changed = shapes[number], True
    return packed(model, len(content)) if changed else content
