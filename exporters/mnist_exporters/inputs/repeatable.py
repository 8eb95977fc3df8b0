"""`check_repeatable`: check that the scores of an original depend only on the image."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import ModelError
from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["SAME", "by_up_to", "check_repeatable", "difference"]

IMAGES = 64
"""Number of images to classify again, in a smaller batch than the first time."""

ALONE = 8
"""Number of images to classify one by one."""

SAME_TWICE = 1e-5
"""Largest accepted difference of a score if the same batch is classified twice. The ready models have 0."""

SAME = 1e-3
"""Largest accepted difference of a score between batches of different sizes, which are added up in different orders.
The ready models have 6e-8."""

Arrays = list[npt.NDArray[np.float32]]


def check_repeatable(original: OriginalModel, images: npt.NDArray[np.uint8], scores: npt.NDArray[np.float32]) -> None:
    """Check that the scores of an image depend only on the image.

    Parameters
    ----------
    original : OriginalModel
        The model.
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        Real images.
    scores : ndarray of shape (n, k), dtype float32
        Scores of `original` for these images, computed in large batches.

    Raises
    ------
    ModelError
        If the scores of an image change in a second call, or with the other images of the batch. The message names the
        layer, if it is found.
    """
    chosen = np.arange(0, len(images), max(2, len(images) // IMAGES))  # at most half, so that batches differ
    second, third = original.scores(images[chosen]), original.scores(images[chosen])
    if (change := difference(second, third)) > SAME_TWICE:
        where = original.changing_layer(images[chosen], _twice)
        raise ModelError(
            f"The model {original.name} gives the same images different scores each time, {by_up_to(change)}{where}. "
            "Nothing can be proven about it. Build it without random layers at inference, and save it again."
        )
    alone = np.concatenate([original.scores(images[index : index + 1]) for index in chosen[:ALONE]])
    for change, trial in (
        (difference(scores[chosen], second), _in_two_batches),
        (difference(original.scores(images[chosen[::-1]])[::-1], second), _in_reverse),
        (difference(alone, second[:ALONE]), _in_two_batches),
    ):
        if change > SAME:
            where = original.changing_layer(images[chosen], trial)
            raise ModelError(
                f"The scores that the model {original.name} gives an image change with the other images of the batch, "
                f"{by_up_to(change)}{where}. A device classifies one image at a time. Build it without "
                "computations across the batch, or with training=False, and save it again."
            )


def difference(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> float:
    """Return the largest absolute difference; infinity if a value is finite in only one of the arrays.

    Values that are finite in neither are ignored, because the accuracy check reports them.
    """
    is_finite = np.isfinite(first)
    if (is_finite != np.isfinite(second)).any():
        return float("inf")
    return float(np.abs(first[is_finite] - second[is_finite]).max(initial=0))


def by_up_to(change: float) -> str:
    """Return words for a message that say how much scores change, such as ``"by up to 0.1"``."""
    return f"by up to {change:.2g}" if np.isfinite(change) else "to nan or infinity"


def _twice(run: Callable[[npt.NDArray[np.float32]], Arrays], pixels: npt.NDArray[np.float32]) -> tuple[Arrays, Arrays]:
    return run(pixels), run(pixels)


def _in_two_batches(
    run: Callable[[npt.NDArray[np.float32]], Arrays], pixels: npt.NDArray[np.float32]
) -> tuple[Arrays, Arrays]:
    half = len(pixels) // 2
    return [found[:half] for found in run(pixels)], run(pixels[:half])


def _in_reverse(
    run: Callable[[npt.NDArray[np.float32]], Arrays], pixels: npt.NDArray[np.float32]
) -> tuple[Arrays, Arrays]:
    return run(pixels), [found[::-1] for found in run(pixels[::-1])]
