"""`with_static_batch`: declare a batch of one image, with the shapes that all tensors have for it."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from mnist_exporters.formats.tflite.packing import packed

__all__ = ["with_static_batch"]


def with_static_batch(content: bytes) -> bytes:
    """Declare a batch of one image: no tensor has a free side, and each has the shape that it has for one image.

    LiteRT.js compares the shape of its input with the declared one, and rejects a file that declares -1 images. The
    other interpreters resize the input whatever the file declares.

    TensorFlow's converter stores 1 for each free side, also for one that is a multiple of the number of images, as
    inside a layer that treats the steps of all images alike. TensorFlow Lite Micro takes the stored shapes as they are.

    Parameters
    ----------
    content : bytes
        A ``.tflite`` model.
    """
    shapes = _shapes(content)
    model = schema.ModelT.InitFromPackedBuf(bytearray(content), 0)
    for number, tensor in enumerate(model.subgraphs[0].tensors):
        # A shape that is known at run time only stays as it is stored.
        if tensor.shapeSignature is not None and len(shapes.get(number, ())) == len(tensor.shape):
            tensor.shape = shapes[number]
    for graph in model.subgraphs:
        for tensor in graph.tensors:
            tensor.shapeSignature = None
    return packed(model, len(content))


def _shapes(content: bytes) -> dict[int, list[int]]:
    """Return the shape of each tensor for one image, or nothing if LiteRT cannot load the model: its proof will say."""
    plain = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES  # a delegate would hide tensors
    try:
        interpreter = Interpreter(model_content=content, experimental_op_resolver_type=plain)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError):
        return {}
    return {tensor["index"]: [int(side) for side in tensor["shape"]] for tensor in interpreter.get_tensor_details()}
