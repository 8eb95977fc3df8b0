"""Convert a SavedModel with integer inputs or a fixed batch size to a model on float32 images with any batch size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from mnist_runtime.artifact.task import Task
from mnist_trainer.model_io.input_shape import accepted_shape

__all__ = ["as_float32_batches"]

SAME_VALUES = {"EnsureShape", "ExpandDims", "Identity", "Reshape", "Squeeze", "StopGradient", "Transpose"}
"""Operations that only copy or reshape their first input, so they work the same with float32 as with integers."""

SMALL = 16
"""Constants with fewer values, such as shapes and scales, stay constants. Larger ones become weights."""


class FrozenGraph(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
    """A layer that runs a TensorFlow graph without variables.

    Parameters
    ----------
    graph : tf.compat.v1.GraphDef
        The graph. Its larger constants become the weights of the layer.
    source, scores : str
        Names of the input and the output tensor.
    """

    def __init__(self, graph: Any, source: str, scores: str) -> None:
        super().__init__(name="saved_model", dtype="float32")
        values = {
            node.name: tf.make_ndarray(node.attr["value"].tensor)
            for node in graph.node
            if node.op == "Const" and node.attr["dtype"].type == tf.float32.as_datatype_enum
        }
        self.constants = {
            f"{name}:0": self.add_weight(
                shape=value.shape, initializer=lambda *_, value=value, **__: tf.constant(value), trainable=False
            )
            for name, value in values.items()
            if value.size >= SMALL
        }

        def run(images: Any) -> Any:
            weights = {name: tf.convert_to_tensor(weight) for name, weight in self.constants.items()}
            (answer,) = tf.graph_util.import_graph_def(
                graph, input_map={source: images, **weights}, return_elements=[scores], name=""
            )
            return answer

        self.run = tf.function(run, autograph=False)

    def call(self, images: Any) -> Any:
        """Return the output of the graph."""
        return self.run(images)


def as_float32_batches(path: Path, endpoint: str, shape: tuple[int | None, ...], task: Task) -> keras.Model | None:
    """Return the SavedModel in `path` as a model on float32 images of `shape`; None if its graph cannot be changed.

    In constant reshape targets, the fixed batch size is replaced by -1. The result is compared with the SavedModel.

    Parameters
    ----------
    path : Path
        The folder, after the check for unsafe operations.
    endpoint : str
        Name of a signature with one input and one output.
    shape : tuple
        Shape of one image.
    task : Task
        Gives the dimensions that are open in `shape`.
    """
    loaded = tf.saved_model.load(str(path))  # keep a reference: its variables live as long as it does
    signature = loaded.signatures[endpoint]
    frozen = convert_variables_to_constants_v2(signature, lower_control_flow=False)
    (source,), (scores,) = frozen.inputs, frozen.outputs
    graph = frozen.graph.as_graph_def()
    for node in graph.node:
        node.attr.pop("_output_shapes", None)
    if source.dtype != tf.float32 and not _take_floats(graph, source.op.name):
        return None
    images = source.shape[0]
    if images is not None:
        _open_batches(graph, images)
    try:
        pixels = keras.Input(shape, name="pixels")
        model = keras.Model(pixels, FrozenGraph(graph, source.name, scores.name)(pixels))
        (name,) = signature.structured_input_signature[1]
        size = images or 2
        sides = accepted_shape(shape, task) or [8 if side is None else side for side in shape]
        probe = np.random.default_rng(0).integers(0, 256, (2 * size, *sides))
        parts = [tf.constant(part, source.dtype) for part in (probe[:size], probe[size:])]
        expected = np.concatenate([next(iter(signature(**{name: part}).values())) for part in parts])
        return model if np.allclose(model(probe.astype(np.float32)), expected, rtol=1e-4, atol=1e-5) else None
    except Exception:  # TensorFlow raises many kinds of errors for an inconsistent graph
        return None


def _take_floats(graph: Any, source: str) -> bool:
    """Change the input of `graph` to float32; return whether the graph itself converts its input to float32 first."""
    changed = {source}
    for node in graph.node:  # sorted: each node comes after its inputs
        if node.name == source:
            node.attr["dtype"].type = tf.float32.as_datatype_enum
        read = {name.split(":")[0] for name in node.input} & changed
        if not read:
            continue
        if node.op == "Cast" and node.attr["DstT"].type == tf.float32.as_datatype_enum:
            node.op = "Identity"
            node.attr.clear()
        elif node.op in SAME_VALUES and node.input[0].split(":")[0] in changed:
            changed.add(node.name)
        else:
            return False
        node.attr["T"].type = tf.float32.as_datatype_enum
    return True


def _open_batches(graph: Any, images: int) -> None:
    """Replace the number of images by -1 in the constant target shapes of `graph`."""
    nodes = {node.name: node for node in graph.node}
    for node in graph.node:
        if node.op == "Placeholder" and node.attr["shape"].shape.dim:
            node.attr["shape"].shape.dim[0].size = -1
        if node.op == "Reshape" and (target := nodes[node.input[1].split(":")[0]]).op == "Const":
            sides = tf.make_ndarray(target.attr["value"].tensor)
            if sides.ndim == 1 and sides.size and sides[0] == images and -1 not in sides:
                opened = np.concatenate([[-1], sides[1:]]).astype(sides.dtype)
                target.attr["value"].tensor.CopyFrom(tf.make_tensor_proto(opened))
