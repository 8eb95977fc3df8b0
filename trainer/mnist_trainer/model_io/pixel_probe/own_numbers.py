"""Scalings by the mean and standard deviation of the user's own images: one for all channels, or one for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import LabelledImages
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.pixel_probe.evidence import Evidence, is_clear
from mnist_trainer.model_io.pixel_probe.probe import STAGES, PixelProbe
from mnist_trainer.recipes.pixel_scaling import MEAN, PIXEL_CONVENTIONS, STD, PixelScaling

__all__ = ["borrowed_numbers", "check_one_scaling", "with_own_numbers"]

Floats = npt.NDArray[np.float32]
Numbers = tuple[float, ...]

NEAR_MEAN, NEAR_STD = 0.02, 0.05
"""Largest differences from MNIST's mean and standard deviation for which images count as similar to MNIST.

For such images, their own mean and deviation are not tried.
"""

IMAGENET: tuple[Numbers, Numbers] = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and deviation of each channel of ImageNet, which many color models are trained with."""

LEAST_GAIN_BY_CHANNEL = 0.005
"""Gain in accuracy, as a fraction, from which a scaling per channel counts as better than one for all channels."""

SAME_CHANNELS = 0.02
"""Largest difference between the means, and between the deviations, of the channels for which they count as equal."""

CHUNK = 1000
"""Number of images that are counted at a time, to limit the memory."""


def with_own_numbers(data: LabelledImages, conventions: Sequence[PixelScaling]) -> tuple[PixelScaling, ...]:
    """Return `conventions` and ``(x - mean) / std`` with the mean and deviation of all pixels of `data`.

    Tutorials for other images than MNIST's use this scaling. Nothing is added for images similar to MNIST's, or if all
    pixels are equal. The scaling of inverted pixels is added too, because the data may have been inverted for a device.

    Parameters
    ----------
    data : LabelledImages
        Real images, ideally the training images.
    conventions : sequence of PixelScaling
        The usual scalings.
    """
    (mean,), (std,) = _numbers(data.images, 1)
    if _is_near_mnist(mean, std) or std == 0:
        return tuple(conventions)
    own = (PixelScaling.standardized(mean, std), PixelScaling.standardized(round(1 - mean, 4), std, invert=True))
    return (*conventions, *(scaling for scaling in own if scaling not in conventions))


def borrowed_numbers(data: LabelledImages) -> tuple[PixelScaling, ...]:
    """Return the usual scalings with MNIST's mean, if the images of `data` are not like MNIST's."""
    (mean,), (std,) = _numbers(data.images, 1)
    if _is_near_mnist(mean, std):
        return ()
    return tuple(scaling for scaling in PIXEL_CONVENTIONS if scaling.name.startswith("mean"))


def _is_near_mnist(mean: float, std: float) -> bool:
    return abs(mean - MEAN) <= NEAR_MEAN and abs(std - STD) <= NEAR_STD


def check_one_scaling(
    logits_of: Callable[[Floats], Floats], data: LabelledImages, probe: PixelProbe, *, is_keras: bool = True
) -> None:
    """Check that a color model was not trained with a mean and a deviation for each channel.

    Those of `data` and of ImageNet are tried.

    Parameters
    ----------
    logits_of, data
        See `PixelProbe.measure`.
    probe : PixelProbe
        The measurement with one scaling for all channels.
    is_keras : bool
        Whether a Keras layer can be put before the model.

    Raises
    ------
    ModelError
        If the model is clearly more accurate with a scaling per channel: by half a percentage point and three standard
        errors. If the chosen scaling uses the images' own mean and deviation, an equal accuracy and a clearly lower
        loss are enough, because a model is right on its training images in either case.
    """
    if data.task.channels != 3:
        return
    own = _numbers(data.images, 3)
    are_alike = max(map(np.ptp, own)) <= SAME_CHANNELS
    tried = {"ImageNet": IMAGENET} if are_alike or min(own[1]) == 0 else {data.name: own, "ImageNet": IMAGENET}
    order = np.random.default_rng(0).permutation(len(data.images))[: STAGES[1]]
    images, labels = data.images[order], data.labels[order]

    def most_right(pixels: dict[str, Floats]) -> tuple[str, Evidence]:
        found = {name: Evidence.of(logits_of(scaled), labels) for name, scaled in pixels.items()}
        return max(found.items(), key=lambda item: (item[1].right.mean(), -item[1].losses.mean()))

    best = max(probe.trials, key=lambda trial: trial.accuracy).scaling
    _, one = most_right({scaling.name: scaling.apply(images) for scaling in (best, probe.chosen)})
    name, each = most_right({name: _by_channel(images, *numbers) for name, numbers in tried.items()})
    gain = each.right.mean() - one.right.mean()
    is_better = gain >= LEAST_GAIN_BY_CHANNEL and is_clear(each.right.astype(float) - one.right)
    fits_better = gain >= 0 and probe.chosen not in PIXEL_CONVENTIONS and is_clear(one.losses - each.losses)
    if not is_better and not fits_better:
        return
    mean, std = (list(numbers) for numbers in tried[name])
    step = "Before you convert it, begin it with (x - mean) / std"
    if is_keras:
        step = (
            f"Begin it with that: model = keras.Sequential([keras.Input({data.task.image_shape}), "
            "keras.layers.Rescaling([1 / s for s in std], [-m / s for m, s in zip(mean, std)]), model])"
        )
    raise ModelError(
        f"Each channel seems to have been scaled by its own mean and deviation, those of {name}. With these the model "
        f"is right on {each.right.mean():.1%} of {len(labels):,} images, with one scaling for all channels on "
        f"{one.right.mean():.1%}; its loss is {each.losses.mean():.3f} instead of {one.losses.mean():.3f}. A file has "
        f"one scaling. {step} and mean, std = {mean}, {std}, or your own numbers for pixels 0..1. Then give "
        f"--pixel-range 0..1. If one scaling for all is right, state it: {probe.chosen.options}."
    )


def _numbers(images: npt.NDArray[np.uint8], channels: int) -> tuple[Numbers, Numbers]:
    """Return mean and deviation of each of `channels`, for pixels 0..1, with four decimals.

    They are computed from counts, so that no order of additions changes them.
    """
    counts = np.zeros((channels, 256), np.int64)
    for start in range(0, len(images), CHUNK):
        pixels = images[start : start + CHUNK].reshape(-1, channels)
        for channel in range(channels):
            counts[channel] += np.bincount(pixels[:, channel], minlength=256)
    levels = np.arange(256) / 255
    means = (counts @ levels) / counts.sum(axis=1)
    squares = counts * np.square(levels - means[:, None])
    deviations = np.sqrt(squares.sum(axis=1) / counts.sum(axis=1))
    return _rounded(means), _rounded(deviations)


def _rounded(numbers: npt.NDArray[np.float64]) -> Numbers:
    return tuple(round(float(number), 4) for number in numbers)


def _by_channel(images: npt.NDArray[np.uint8], mean: Numbers, std: Numbers) -> Floats:
    """Return images, uint8 (n, h, w, 3), as ``(x / 255 - mean) / std``, float32."""
    scalings = [PixelScaling.standardized(*numbers) for numbers in zip(mean, std, strict=True)]
    return np.stack([scaling.apply(images[..., channel]) for channel, scaling in enumerate(scalings)], axis=-1)
