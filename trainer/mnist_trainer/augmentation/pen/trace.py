"""`trace`: write one shape many times with random changes, as the path of the pen and its width along the path."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from mnist_trainer.augmentation.pen.hand import Hand, Range
from mnist_trainer.augmentation.pen.skeleton import Paths, Skeleton

__all__ = ["trace"]

Array = npt.NDArray[np.float32]

FULL_ROOM = 0.55
"""Distance between joints, in digit heights, from which they move by the full `Hand.jitter`; closer ones move less."""
NARROW = 0.3
"""Ratio of width to height below which a sign is not stretched, so that a 1 stays narrow."""
SERIF_POINTS = 9
"""Number of path points of a serif."""


def trace(shape: Skeleton, hand: Hand, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Write `shape` `count` times, each time with other random changes.

    Parameters
    ----------
    shape : Skeleton
        Shape to write.
    hand : Hand
        Ranges of the random changes.
    count : int
        How many times to write it.
    rng : numpy.random.Generator
        Random numbers of the changes.

    Returns
    -------
    path : ndarray of shape (count, s, 2), dtype float32
        Points x, y, so close together that discs around them cover the strokes. The unit is about the digit's height.
    width : ndarray of shape (count, s), dtype float32
        Width of the pen at each point, relative to its full width.

    Examples
    --------
    >>> from mnist_trainer.augmentation.pen.hand import WRITER
    >>> path, width = trace(Skeleton("bar", "50,0 50,100"), WRITER, 3, np.random.default_rng(0))
    >>> path.shape == (*width.shape, 2), len(width)
    (True, 3)
    """
    paths = shape.paths
    joints = _warped(_moved(paths, hand, count, rng), hand, rng)
    speed = _draw(rng, hand.speed, count)[:, :, None]
    sharp, rounded = paths.smooth @ joints, paths.rounded @ joints
    path = sharp + speed * (rounded - sharp)
    path += _wander(paths, rng, _draw(rng, hand.bow, count), 1.5) + _wander(
        paths, rng, _draw(rng, hand.tremor, count), 9
    )
    if hand.hook:
        path += _flicks(paths, path, hand, rng)
    path = _leaning(path, hand, rng, is_wide=bool(np.ptp(paths.joints[:, 0]) > NARROW))
    width = _width(paths, path, hand, rng)
    if hand.serif[1] > 0:
        serifs = _serifs(paths, path, hand, rng)
        path = np.concatenate([path, serifs], axis=1)
        width = np.concatenate([width, np.full(serifs.shape[:2], 0.8, np.float32)], axis=1)
    return path, width


def _draw(rng: np.random.Generator, limits: Range, count: int) -> Array:
    """Draw one number for each image: (count, 1)."""
    return rng.uniform(*limits, (count, 1)).astype(np.float32)


def _normal(rng: np.random.Generator, *shape: int) -> Array:
    return rng.standard_normal(shape, dtype=np.float32)


def _moved(paths: Paths, hand: Hand, count: int, rng: np.random.Generator) -> Array:
    """Return randomly moved joints for each image, (count, k, 2), with lengthened or shortened strokes."""
    amount = _draw(rng, hand.jitter, count)[:, :, None] * np.minimum(1, paths.room / FULL_ROOM)[None, :, None]
    together = _normal(rng, count, int(paths.places.max()) + 1, 2)[:, paths.places]
    joints: Array = paths.joints + amount * together + hand.gap * _normal(rng, count, len(paths.joints), 2)
    for end, neighbor in paths.ends:
        extra = hand.overshoot * _normal(rng, count, 1) * np.minimum(1, FULL_ROOM / paths.room[end])
        joints[:, end] += extra * (joints[:, end] - joints[:, neighbor])
    return joints


def _warped(joints: Array, hand: Hand, rng: np.random.Generator) -> Array:
    """Bend the whole sign: make its halves unequal, narrow one end, and curve its axes."""
    x, y = joints[..., 0] - 0.5, joints[..., 1] - 0.5
    halves, narrowing, lean, arch = hand.warp * rng.uniform(-1, 1, (4, len(joints), 1)).astype(np.float32)
    inside = 1 - np.clip(4 * y**2, 0, 1)
    warped: Array = np.stack(
        [x * (1 + 2 * narrowing * y) + lean * 2 * y**2, y + 0.6 * halves * inside + arch * x**2], axis=-1
    ).astype(np.float32)
    return warped


def _wander(paths: Paths, rng: np.random.Generator, amount: Array, per_height: float) -> Array:
    """Return smooth deviations along the path, (count, s, 2), with `per_height` independent values per digit height."""
    place = paths.progress * per_height + paths.stroke * 2.0
    for number in range(1, int(paths.stroke.max()) + 1):  # each stroke has deviations of its own
        own = paths.stroke == number
        place[own] += np.ceil(place[paths.stroke == number - 1].max()) + 1 - place[own].min()
    values = _normal(rng, len(amount), int(np.ceil(place.max())) + 2, 2)
    low = np.floor(place).astype(np.intp)
    part = (place - low)[None, :, None]
    part = part * part * (3 - 2 * part)
    wander: Array = amount[:, :, None] * (values[:, low] * (1 - part) + values[:, low + 1] * part)
    return wander.astype(np.float32)


def _flicks(paths: Paths, path: Array, hand: Hand, rng: np.random.Generator) -> Array:
    """Return the offsets of short sideways hooks at the ends of the strokes, (count, s, 2)."""
    count = len(path)
    flicks = np.zeros_like(path)
    for number in range(int(paths.stroke.max()) + 1):
        own = np.flatnonzero(paths.stroke == number)
        along = paths.progress[own]
        for from_end in (along, along[-1] - along):
            ramp = np.clip(1 - from_end / 0.22, 0, 1) ** 2
            amount = hand.hook * _normal(rng, count, 1) * (rng.random((count, 1)) < 1 / 3)
            angle = rng.uniform(0, 2 * np.pi, (count, 1))
            flicks[:, own, 0] += amount * np.cos(angle) * ramp
            flicks[:, own, 1] += amount * np.sin(angle) * ramp
    return flicks


def _leaning(path: Array, hand: Hand, rng: np.random.Generator, *, is_wide: bool) -> Array:
    """Change the width of the sign, slant it and rotate it."""
    count = len(path)
    slant, aspect = ((_draw(rng, each, count) + _draw(rng, each, count)) / 2 for each in (hand.slant, hand.aspect))
    angle = np.radians(_draw(rng, hand.rotation, count))
    x = path[..., 0] * np.exp(aspect) - np.tan(np.radians(slant)) * path[..., 1]
    y = path[..., 1]
    leaning: Array = np.stack([np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y], axis=-1)
    if is_wide:
        wide, high = np.ptp(leaning, axis=1).T
        wanted = np.exp(rng.uniform(-0.35, 0.1, count)) * high / np.maximum(wide, NARROW * high)
        leaning[..., 0] *= np.where(rng.random(count) < hand.stretched, wanted, 1.0).astype(np.float32)[:, None]
    return leaning


def _width(paths: Paths, path: Array, hand: Hand, rng: np.random.Generator) -> Array:
    """Return the relative width of the pen along the path, (count, s)."""
    count = len(path)
    width = 1 + _wander(paths, rng, _draw(rng, hand.pressure, count), 1.5)[..., 0]
    begin, end = _draw(rng, hand.taper, count), _draw(rng, hand.taper, count)
    length = np.array([paths.progress[paths.stroke == number].max() for number in range(paths.stroke.max() + 1)])
    to_end = length[paths.stroke] - paths.progress
    width *= 1 - begin * np.exp(-paths.progress / 0.12) - end * np.exp(-to_end / 0.12)
    direction = np.gradient(path, axis=1)
    nib = np.radians(_draw(rng, hand.nib_angle, count))
    along = np.abs(direction[..., 0] * np.cos(nib) + direction[..., 1] * np.sin(nib))
    along /= np.hypot(direction[..., 0], direction[..., 1]) + 1e-6
    width *= 1 - np.maximum(0, _draw(rng, hand.nib, count)) * along
    clipped: Array = np.clip(width, 0.3, 1.6).astype(np.float32)
    return clipped


def _serifs(paths: Paths, path: Array, hand: Hand, rng: np.random.Generator) -> Array:
    """Return the points of the serifs, short bars across the stroke ends. Without serifs, they lie on the ends."""
    half = np.maximum(0, _draw(rng, hand.serif, len(path)))[:, :, None]
    across = np.stack([np.linspace(-1, 1, SERIF_POINTS), np.zeros(SERIF_POINTS)], axis=1)
    bounds = np.flatnonzero(np.diff(paths.stroke, prepend=-1, append=paths.stroke.max() + 1))
    ends = [path[:, index, None] for begin, after in pairwise(bounds) for index in (begin, after - 1)]
    serifs: Array = np.concatenate([end + half * across for end in ends], axis=1).astype(np.float32)
    return serifs
