"""`check_channel_order`: detect color models that were trained with blue first (BGR), as OpenCV loads pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.pixel_probe.probe import PixelProbe, Trial
from mnist_trainer.recipes.pixel_scaling import PIXEL_CONVENTIONS, PixelScaling

__all__ = ["LEAST_GAIN_OF_OTHER_PIXELS", "blue_first", "check_channel_order"]

Floats = npt.NDArray[np.float32]

LEAST_GAIN_OF_OTHER_PIXELS = 0.05
"""Difference in accuracy, as a fraction, from which a pixel scaling or a channel order is doubted."""

CLEAR = 3.0
"""Number of standard errors from which that difference counts as real. High, because many scalings are compared."""


def blue_first(
    logits_of: Callable[[Floats], Floats],
    data: LabelledImages,
    own: Trial,
    conventions: Sequence[PixelScaling] = PIXEL_CONVENTIONS,
) -> Trial | None:
    """Return the trial with reversed channels, if a color model is far more accurate with them.

    Parameters
    ----------
    logits_of, data, conventions
        See `PixelProbe.measure`.
    own : Trial
        The trial with red first.

    Returns
    -------
    Trial or None
        The best scaling with reversed channels. None unless its accuracy is higher by
        `LEAST_GAIN_OF_OTHER_PIXELS`, and by more than chance.
    """
    if data.task.channels != 3 or own.accuracy >= 1 - LEAST_GAIN_OF_OTHER_PIXELS:
        return None
    probe = PixelProbe.measure(lambda pixels: logits_of(pixels[..., ::-1]), data, conventions)
    best = next(trial for trial in probe.trials if trial.scaling == probe.chosen)
    chance = math.sqrt(sum(trial.accuracy * (1 - trial.accuracy) / trial.images for trial in (own, best)))
    return best if best.accuracy - own.accuracy > max(LEAST_GAIN_OF_OTHER_PIXELS, CLEAR * chance) else None


def check_channel_order(
    logits_of: Callable[[Floats], Floats],
    data: LabelledImages,
    probe: PixelProbe,
    conventions: Sequence[PixelScaling] = PIXEL_CONVENTIONS,
) -> None:
    """Check that a color model without a known scaling was not trained on images with blue first.

    Parameters
    ----------
    logits_of, data, conventions
        See `PixelProbe.measure`.
    probe : PixelProbe
        The measurement with red first.

    Raises
    ------
    ModelError
        If the model is far more accurate with blue first. Exported files would give it red first.
    """
    own = next(trial for trial in probe.trials if trial.scaling == probe.chosen)
    best = blue_first(logits_of, data, own, conventions)
    if best is not None:
        raise ModelError(
            f"The model is right on {own.accuracy:.1%} of {own.images:,} images with red first, as files get them, but "
            f"on {best.accuracy:.1%} of {best.images:,} with blue first (BGR, as OpenCV reads pictures). If these "
            "images have blue first, exchange their channels: images[..., ::-1]. If the model was trained so, "
            "begin it with a layer that exchanges the channels. Otherwise state the scaling of its pixels: "
            "--pixel-range, or --pixel-mean and --pixel-std (in Python: pixel_range)."
        )
