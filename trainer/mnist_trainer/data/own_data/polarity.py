"""`polarity`: find out whether images are light on dark or dark on light, from their borders."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["polarity"]

MOST_IMAGES = 1000
"""Largest number of images that are measured. More do not change the result."""

NEARLY_ALL = 0.95
"""Fraction of images that must have the same polarity."""

CLEARLY = 2
"""Ratio that decides for one image: its lightest pixels must differ from its background by more than this factor times
the difference of its darkest pixels, or the reverse."""

ENDS = (1, 99)
"""Percentiles that are used as the darkest and the lightest pixel, because single pixels may be noise."""


def polarity(images: npt.NDArray[np.uint8]) -> tuple[str, str] | None:
    """Return the shade of the ink and of the background, such as ``("light", "dark")``; None if it is not clear.

    The background of an image is the median of its outermost pixels.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        At least one image.

    Examples
    --------
    >>> digit = np.zeros((1, 28, 28), np.uint8)
    >>> digit[:, 5:23, 12:16] = 255
    >>> polarity(digit), polarity(255 - digit), polarity(np.concatenate([digit, 255 - digit]))
    (('light', 'dark'), ('dark', 'light'), None)
    """
    sample = images[:: -(-len(images) // MOST_IMAGES)]
    gray = sample.mean(axis=3) if sample.ndim == 4 else sample.astype(np.float64)
    border = np.concatenate([gray[:, 0], gray[:, -1], gray[:, 1:-1, 0], gray[:, 1:-1, -1]], axis=1)
    background = np.median(border, axis=1)
    darkest, lightest = np.percentile(gray, ENDS, axis=(1, 2))
    below, above = background - darkest, lightest - background
    if (above > CLEARLY * below).mean() >= NEARLY_ALL:
        return "light", "dark"
    return ("dark", "light") if (below > CLEARLY * above).mean() >= NEARLY_ALL else None
