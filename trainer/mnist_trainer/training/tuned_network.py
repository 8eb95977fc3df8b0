"""`tuned_network`: make the network for tuning from a trained model."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import Task
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.model_io.rebuild import is_graph

__all__ = ["tuned_network"]


def tuned_network(base: DigitModel, task: Task) -> keras.Model:
    """Return a network from pixels 0..1 to probabilities of the labels of `task`, with the weights of `base`.

    Raises
    ------
    ModelError
        If `base` has other labels and no dense last layer.
    """
    model, scaling = base.model, base.scaling
    if base.task.labels != task.labels:
        model = _with_labels(model, base.task.labels, task.labels)
    elif base.activation == "logits":
        scores = keras.layers.Softmax(name="probabilities")(model.outputs[0])
        model = keras.Model(model.inputs[0], scores, name=model.name)
    if (scaling.black, scaling.white) == (0.0, 1.0):
        return model
    pixels = keras.Input(model.input_shape[1:], name="pixels_0_1")
    scaled = keras.layers.Rescaling(255 * scaling.scale, scaling.offset, name="scaling")(pixels)
    return keras.Model(pixels, model(scaled), name=model.name)


def _with_labels(model: keras.Model, known: tuple[str, ...], labels: tuple[str, ...]) -> keras.Model:
    """Return `model` with a new last layer for `labels`. Labels in `known` keep their weights."""
    features, head = _last_with_weights(model)
    if type(head) is not keras.layers.Dense or (head.units, len(features.shape)) != (len(known), 2):
        last = f"{head.name} ({type(head).__name__})" if head else "unknown"
        raise ModelError(
            "The labels of the images are not those of the model, so its last layer must be replaced. That must be a "
            "Dense layer with a score for each label; only layers without weights, such as Softmax, may follow it. "
            f"The last layer with weights is {last}. Give images with the labels of the model, end the model with "
            "Flatten and Dense, or train a new model without --from."
        )
    new = keras.layers.Dense(len(labels), activation="softmax", name="scores_tuned")
    changed = keras.Model(model.inputs[0], new(features), name=model.name)
    new.set_weights(_weights_by_label(head, known, labels))
    return changed


def _last_with_weights(model: keras.Model) -> tuple[Any, Any]:
    """Return the input tensor of the last layer with weights in `model`, and that layer; None for both if not found.

    The layer may be inside a nested model, which is then cut off before it.
    """
    waiting = [model.outputs[0]]
    while waiting:
        layer, node, _ = waiting.pop()._keras_history
        sources = layer._inbound_nodes[node].input_tensors
        if is_graph(layer) and len(sources) == 1 and layer.weights:
            inner, last = _last_with_weights(layer)
            if last is None:
                return None, None
            return keras.Model(layer.inputs[0], inner, name=layer.name)(sources[0]), last
        if getattr(layer, "weights", None):
            return sources[0], layer
        waiting += sources
    return None, None


def _weights_by_label(
    head: keras.layers.Dense, known: tuple[str, ...], labels: tuple[str, ...]
) -> list[npt.NDArray[np.float32]]:
    """Return kernel and bias for `labels`: those of known labels, and small random weights for new ones."""
    kernel = head.kernel.numpy()
    bias = head.bias.numpy() if head.use_bias else np.zeros(kernel.shape[1], np.float32)
    rng = np.random.default_rng(0)
    new_kernel = rng.normal(0, kernel.std() / 10, (len(kernel), len(labels))).astype(np.float32)
    new_bias = np.full(len(labels), bias.mean(), np.float32)
    places = {label: index for index, label in enumerate(known)}
    for index, label in enumerate(labels):
        if label in places:
            new_kernel[:, index], new_bias[index] = kernel[:, places[label]], bias[places[label]]
    return [new_kernel, new_bias]
