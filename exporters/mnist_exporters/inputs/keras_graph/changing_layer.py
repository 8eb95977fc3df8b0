"""`changing_layer`: find the layer of a Keras model whose output depends on more than the image."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.keras_graph.calls import is_plain_graph, layer_calls
from mnist_exporters.inputs.original_model import Trial
from mnist_exporters.inputs.repeatable import SAME, SAME_TWICE, difference

__all__ = ["changing_layer"]


def changing_layer(model: Any, images: npt.NDArray[np.uint8], trial: Trial) -> str:
    """Return words for a message that name the first layer whose output changes in `trial`; empty if none does."""
    pixels = images.reshape(-1, *model.input_shape[1:]).astype(np.float32) / np.float32(255)
    try:
        found = _first_changing(model, pixels, trial, SAME) or _first_changing(model, pixels, trial, SAME_TWICE)
    except Exception:  # a custom layer may fail outside of its model
        found = None
    return f", from the layer {found.name!r} ({type(found).__name__}) on" if found else ""


def _first_changing(model: Any, pixels: npt.NDArray[np.float32], trial: Trial, limit: float) -> Any:
    """Return the first layer of `model` or its inner models whose output changes by more than `limit` in `trial`."""
    if not is_plain_graph(model):
        return None  # a subclassed model calls its layers in its own code
    calls, source = layer_calls(model), model.inputs[0]
    outputs = keras.Model(source, [call.output for call in calls])
    first, second = trial(
        lambda batch: [np.asarray(found) for found in _as_list(outputs(batch, training=False))], pixels
    )
    for call, one, other in zip(calls, first, second, strict=True):
        if difference(one, other) > limit:
            entry = np.asarray(keras.Model(source, call.entry)(pixels, training=False))
            return _first_changing(call.layer, entry, trial, limit) or call.layer
    return None


def _as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]
