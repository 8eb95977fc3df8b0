"""`Hand`: the ranges of all random changes when a shape is written, and the width of the pen."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DISPLAY", "PRESS", "WRITER", "Hand"]

Range = tuple[float, float]


@dataclass(frozen=True)
class Hand:
    """Ranges of the random changes that make each written sign different.

    Lengths are in multiples of the digit's height, unless pixels are named. Angles are in degrees. For each image, one
    value is drawn from each range: uniformly, or, for `slant` and `aspect`, as the mean of two uniform values.

    Parameters
    ----------
    jitter : tuple of float
        Standard deviation of the position of a joint.
    gap : float
        Standard deviation of the distance between strokes that meet.
    overshoot : float
        Standard deviation of the error in a stroke's length, as a fraction of its last segment.
    bow, tremor : tuple of float
        Size of slow and of fast deviations from the path.
    hook : float
        Standard deviation of a short sideways stroke at an end; a third of the ends have one.
    warp : float
        Limit for the bending of the whole sign, and for the change in size between its upper and lower half.
    speed : tuple of float
        How much corners are rounded, 0..1, as in fast writing.
    slant, rotation : tuple of float
        Slant to the right, and rotation.
    aspect : tuple of float
        Natural logarithm of the change of the width.
    radius : tuple of float
        Half of the width of the pen in pixels; its logarithm is uniform.
    pressure : tuple of float
        Relative change of the width along the path.
    taper : tuple of float
        Relative loss of width at the ends.
    nib : tuple of float
        Relative loss of width in one direction, as with a broad nib or in a typeface.
    nib_angle : tuple of float
        That direction, as an angle to the horizontal.
    serif : tuple of float
        Half of the length of serifs. A negative value means no serifs.
    is_square : bool
        Whether the ends of strokes are square; otherwise they are round.
    stretched : float
        Fraction of the signs that are stretched until width and height are about equal, as in some data sets.
    coarse : float
        Fraction of the images that look like scans with only 8 to 13 pixels per digit.
    softness : tuple of float
        Width of the edges in pixels.
    roughness : tuple of float
        Standard deviation of the outline in pixels, caused by paper and ink.
    """

    jitter: Range
    gap: float
    overshoot: float
    bow: Range
    tremor: Range
    hook: float
    warp: float
    speed: Range
    slant: Range
    rotation: Range
    aspect: Range
    radius: Range
    pressure: Range
    taper: Range
    nib: Range
    nib_angle: Range
    serif: Range = (-1.0, -1.0)
    is_square: bool = False
    stretched: float = 0.0
    coarse: float = 0.0
    softness: Range = (0.8, 1.7)
    roughness: Range = (0.0, 0.15)


WRITER = Hand(
    jitter=(0.012, 0.05),
    gap=0.018,
    overshoot=0.10,
    bow=(0.0, 0.035),
    tremor=(0.0, 0.008),
    hook=0.05,
    warp=0.14,
    speed=(0.0, 1.0),
    slant=(-24.0, 52.0),
    rotation=(-7.0, 7.0),
    aspect=(-0.85, 0.2),
    stretched=0.25,
    coarse=0.2,
    radius=(0.6, 2.0),
    pressure=(0.0, 0.3),
    taper=(0.0, 0.5),
    nib=(0.0, 0.35),
    nib_angle=(-60.0, 60.0),
)
"""A person with any pen, from a hairline to a marker."""

PRESS = Hand(
    jitter=(0.0, 0.012),
    gap=0.0,
    overshoot=0.02,
    bow=(0.0, 0.0),
    tremor=(0.0, 0.0),
    hook=0.0,
    warp=0.05,
    speed=(0.0, 0.25),
    slant=(-2.0, 14.0),
    rotation=(-4.0, 4.0),
    aspect=(-0.8, -0.25),
    coarse=0.1,
    radius=(0.6, 2.4),
    pressure=(0.0, 0.0),
    taper=(0.0, 0.0),
    nib=(-0.2, 0.55),
    nib_angle=(-10.0, 10.0),
    serif=(-0.12, 0.12),
    is_square=True,
    roughness=(0.0, 0.08),
)
"""A typeface: light or bold, narrow or wide, with or without serifs and contrast."""

DISPLAY = Hand(
    jitter=(0.0, 0.0),
    gap=0.0,
    overshoot=0.0,
    bow=(0.0, 0.0),
    tremor=(0.0, 0.0),
    hook=0.0,
    warp=0.0,
    speed=(0.0, 0.0),
    slant=(-2.0, 12.0),
    rotation=(-5.0, 5.0),
    aspect=(-0.9, -0.35),
    coarse=0.1,
    radius=(0.6, 1.7),
    pressure=(0.0, 0.0),
    taper=(0.0, 0.5),
    nib=(0.0, 0.0),
    nib_angle=(0.0, 0.0),
    is_square=True,
)
"""A seven-segment display: thin or thick segments, pointed or square."""
