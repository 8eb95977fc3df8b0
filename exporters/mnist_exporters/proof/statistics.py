"""Confidence intervals of accuracy losses and fractions, and the number of images that a proof needs."""

from __future__ import annotations

import math

__all__ = ["drop_interval_95", "drop_upper_95", "enough_images", "fraction_upper_95"]

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

MOST_IMAGES = 10**8
"""Largest number of images that `enough_images` tries."""


def drop_interval_95(lost: int, gained: int, images: int) -> tuple[float, float]:
    """Return the lower and upper end of the 95 % confidence interval of the accuracy loss in a paired comparison.

    This is the adjusted Wald interval of Bonett and Price, which adds one image to `lost` and one to `gained`. The
    plain Wald interval has no width if no answer differs, even for very few images.

    Parameters
    ----------
    lost, gained : int
        Number of images that only the original (`lost`) or only the export (`gained`) classifies correctly.
    images : int
        Number of images.

    References
    ----------
    D. G. Bonett, R. M. Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions Based on
    Paired Data", Journal of Educational and Behavioral Statistics 37(4), 2012.

    Examples
    --------
    >>> [round(end, 5) for end in drop_interval_95(lost=5, gained=3, images=10_000)]
    [-0.00042, 0.00082]
    """
    n = images + 2
    only_original, only_export = (lost + 1) / n, (gained + 1) / n
    difference = only_original - only_export
    width = Z_95 * math.sqrt((only_original + only_export - difference**2) / n)
    return difference - width, difference + width


def drop_upper_95(lost: int, gained: int, images: int) -> float:
    """Return the upper end of `drop_interval_95`."""
    return drop_interval_95(lost, gained, images)[1]


def enough_images(lost: int, gained: int, images: int, tolerance: float) -> int | None:
    """Return how many images would prove a loss within `tolerance`, at the same rates of lost and gained answers.

    None if no number up to `MOST_IMAGES` would prove it.
    """

    def proves(count: int) -> bool:
        factor = count / images
        return drop_upper_95(math.ceil(lost * factor), math.floor(gained * factor), count) <= tolerance

    count = images
    while not proves(count):
        count *= 2
        if count > MOST_IMAGES:
            return None
    low, high = count // 2, count
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if proves(middle) else (middle, high)
    return high


def fraction_upper_95(count: int, images: int) -> float:
    """Return the one-sided upper 95 % bound of a fraction, if `count` of `images` have a property; 1 without images.

    References
    ----------
    C. J. Clopper, E. S. Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the Binomial",
    Biometrika 26(4), 1934.

    Examples
    --------
    >>> [round(fraction_upper_95(count, 10_000), 5) for count in (0, 37)]
    [0.0003, 0.00486]
    """
    from scipy.stats import beta

    return float(beta.ppf(0.95, count + 1, images - count)) if count < images else 1.0
