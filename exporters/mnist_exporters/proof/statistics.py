"""statistics."""

from __future__ import annotations

import math

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


MOST_IMAGES = 10**8
"""Where the search for "how many images would be enough" gives up."""


def drop_upper_95(lost: int, gained: int, images: int) -> float:
    """Return the upper end of the 95 % confidence interval of a paired difference of two shares.

    It is Bonett and Price's adjusted Wald interval, which adds one image to each kind of disagreement: plain Wald
    would call a comparison without any disagreement certain, however few the images.

    Source: D. G. Bonett, R. M. Price, "Adjusted Wald Confidence Interval for a Difference of Binomial Proportions
    Based on Paired Data", Journal of Educational and Behavioral Statistics 37(4), 2012.

    Examples
    --------
    >>> round(drop_upper_95(lost=5, gained=3, images=10_000), 5)
    0.00082
    """
    n = images + 2
    only_original, only_export = (lost + 1) / n, (gained + 1) / n
    difference = only_original - only_export
    return difference + Z_95 * math.sqrt((only_original + only_export - difference**2) / n)


def enough_images(lost: int, gained: int, images: int, tolerance: float) -> int | None:
    """Return how many images could prove `tolerance` if the rest were like these; None if no number could."""

    def proves(count: int) -> bool:
        share = count / images
        return drop_upper_95(math.ceil(lost * share), math.floor(gained * share), count) <= tolerance

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
