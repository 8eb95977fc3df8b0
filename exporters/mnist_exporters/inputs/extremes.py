"""`extreme_images`: blank, white, very bold and very thin images, for which the scores must be finite too."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["EXTREMES", "extreme_images"]

PER_KIND = 16
"""Number of bold images, and of thin ones."""

EXTREMES = ("blank", "white", *["bold"] * PER_KIND, *["hairline"] * PER_KIND)
"""Kind of each extreme image."""


def extreme_images(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return one image of each kind in `EXTREMES`, made from the first of `images`.

    Parameters
    ----------
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        At least one real image.

    Examples
    --------
    >>> images = np.zeros((3, 28, 28), np.uint8)
    >>> images[:, 10:12, 10:12] = 255
    >>> found = extreme_images(images)
    >>> len(found) == len(EXTREMES), [int((image > 0).sum()) for image in found[[0, 1, 2, -1]]]
    (True, [0, 784, 36, 1])
    """
    from scipy.ndimage import grey_dilation, grey_erosion

    chosen = np.resize(images[:PER_KIND], (PER_KIND, *images.shape[1:]))
    channels = (1,) * (images.ndim - 3)
    bold = grey_dilation(chosen, (1, 5, 5, *channels))
    hairline = grey_erosion(chosen, (1, 2, 2, *channels))
    uniform = np.stack([np.full(images.shape[1:], level, np.uint8) for level in (0, 255)])
    return np.concatenate([uniform, bold, hairline])
