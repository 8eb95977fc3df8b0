"""`check_repeatable`: check that the scores of an original depend on the image alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ModelError
from mnist_exporters.inputs.keras_graph.calls import is_graph, layer_calls

if TYPE_CHECKING:
    from mnist_exporters.inputs.original import Original

__all__ = ["check_repeatable"]

IMAGES = 64
"""Images to classify again, in a smaller batch than the first time."""

SAME = 1e-3
"""Largest accepted difference of a score. Batches of other sizes add up in another order: 6e-8 in the ready models."""

Arrays = list[npt.NDArray[np.float32]]
Trial = Callable[[Callable[[npt.NDArray[np.float32]], Arrays], npt.NDArray[np.float32]], tuple[Arrays, Arrays]]


def check_repeatable(original: Original, images: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32]) -> None:
    """Check that the scores of an image depend on nothing but the image.

    Parameters
    ----------
    original : Original
        The Keras model.
    images : ndarray of shape (n, 28, 28), dtype uint8
        Real digits.
    scores : ndarray of shape (n, 10), dtype float32
        What `original` gave for them, in large batches.

    Raises
    ------
    ModelError
        If scores change in a second call, or with the other images of the batch. The message names the layer, if found.
    """
    chosen = np.arange(0, len(images), max(2, len(images) // IMAGES))  # not all, so that each has other neighbors
    second, third = original.scores(images[chosen]), original.scores(images[chosen])
    if (change := _difference(second, third)) > SAME:
        since = _since(original.model, images[chosen], _twice)
        raise ModelError(
            f"The model {original.name} gives the same images other scores each time, by up to {change:.2f}{since}. "
            "Nothing can be proven about it. Build it without random layers at inference, and save it again."
        )
    if (change := _difference(scores[chosen], second)) > SAME:
        since = _since(original.model, images[chosen], _in_two_batches)
        raise ModelError(
            f"The scores that the model {original.name} gives an image change with the other images of the batch, by "
            f"up to {change:.2f}{since}. A device classifies one image at a time. Build it without "
            "computations across the batch, or with training=False, and save it again."
        )


def _difference(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return the largest difference; 0 where a value is not finite, which the accuracy check reports."""
    return float(np.nan_to_num(np.abs(first - second), nan=0, posinf=0).max(initial=0))


def _twice(run: Callable[[npt.NDArray[np.float32]], Arrays], pixels: npt.NDArray[np.float32]) -> tuple[Arrays, Arrays]:
    return run(pixels), run(pixels)


def _in_two_batches(
    run: Callable[[npt.NDArray[np.float32]], Arrays], pixels: npt.NDArray[np.float32]
) -> tuple[Arrays, Arrays]:
    half = len(pixels) // 2
    return [found[:half] for found in run(pixels)], run(pixels[:half])


def _since(model: Any, images: npt.NDArray[np.uint8], trial: Trial) -> str:
    """Return words that name the first layer whose output changes in `trial`; an empty string if none is found."""
    pixels = images.reshape(-1, *model.input_shape[1:]).astype(np.float32) / np.float32(255)
    try:
        found = _first_changing(model, pixels, trial)
    except Exception:  # a user's own layer may fail when it is called outside of its model
        found = None
    return f", from the layer {found.name!r} ({type(found).__name__}) on" if found else ""


def _first_changing(model: Any, pixels: npt.NDArray[np.float32], trial: Trial) -> Any:
    """Return the first layer of `model`, and of models inside of it, whose output changes in `trial`."""
    if not is_graph(model):
        return None  # its layers are called by its own code
    calls, source = layer_calls(model), model.inputs[0]
    outputs = keras.Model(source, [call.output for call in calls])
    first, second = trial(
        lambda batch: [np.asarray(found) for found in _as_list(outputs(batch, training=False))], pixels
    )
    for call, one, other in zip(calls, first, second, strict=True):
        if _difference(one, other) > SAME:
            entry = np.asarray(keras.Model(source, call.entry)(pixels, training=False))
            return _first_changing(call.layer, entry, trial) or call.layer
    return None


def _as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, (list, tuple)) else [found]
