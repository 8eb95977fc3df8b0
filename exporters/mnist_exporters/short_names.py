"""`with_short_names`: a ``.tflite`` model whose tensors are named once, and briefly.

TensorFlow's converter names a tensor after every operator that it made one of, each with the path of its layer: of a
model of 12 kB that is 1.6 kB, which every device would carry and none reads.
"""

from __future__ import annotations

from itertools import takewhile

__all__ = ["with_short_names"]


def with_short_names(content: bytes) -> bytes:
    """Return the model `content`, its tensors named after the last of their operators, without what all names share.

    ``scaled_1/cnn_1/relu1_1/Relu;scaled_1/cnn_1/norm1_1/add_1`` becomes ``relu1_1/Relu``. The names of the input and
    the output of the whole stay.
    """
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(content, 0)
    for graph in model.subgraphs:
        ends = {*graph.inputs, *graph.outputs}
        inner = [tensor for number, tensor in enumerate(graph.tensors) if number not in ends and tensor.name]
        names = [tensor.name.decode().partition(";")[0] for tensor in inner]
        paths = [name.split("/")[:-1] for name in names if "/" in name]
        shared = "".join(
            f"{step[0]}/" for step in takewhile(lambda step: len(set(step)) == 1, zip(*paths, strict=False))
        )
        for tensor, name in zip(inner, names, strict=True):
            tensor.name = name.removeprefix(shared).encode()
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
