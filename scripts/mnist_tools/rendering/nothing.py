"""Render pictures without a digit, one row of `NOTHING` for each kind."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from mnist_tools.rendering.camera import CONDITIONS, photograph
from mnist_tools.rendering.paper import fabric, gradient

__all__ = ["NOTHING"]

Pixels = npt.NDArray[np.uint8]
Random = np.random.Generator


def _empty(name: str) -> Callable[[Random], Pixels]:
    def page(random: Random) -> Pixels:
        conditions = CONDITIONS[name]
        shape = (int(random.integers(300, 900)), int(random.integers(300, 900)))
        return photograph([], shape, conditions, random)

    return page


def _doodle(random: Random) -> Pixels:
    """Photograph a random curve of a pen."""
    side = int(random.integers(300, 700))
    turns = random.integers(12, 30)
    points = ndimage.zoom(
        random.uniform(0.15, 0.85, (turns, 2)) * side, (40, 1), order=3, grid_mode=True, mode="nearest"
    )
    row, column = np.clip(np.rint(points), 0, side - 1).astype(int).T
    drawn = np.ones((side, side), bool)
    drawn[row, column] = False
    coverage = np.clip(side / 90 + 0.5 - ndimage.distance_transform_edt(drawn), 0, 1)
    page = (225 - 180 * coverage) * gradient((side, side), random) + 4 * random.standard_normal((side, side))
    pixels: Pixels = np.clip(np.rint(page), 0, 255).astype(np.uint8)
    return pixels


NOTHING: dict[str, Callable[[Random], Pixels]] = {
    "empty sheet": _empty("clean"),
    "empty, phone": _empty("phone"),
    "empty, edge of a shadow": _empty("edge of a shadow"),
    "empty, specks": _empty("phone, shadow, specks"),
    "notebook lines alone": _empty("notebook lines"),
    "phone, lines alone": _empty("phone, lines"),
    "phone, grid alone": _empty("phone, grid"),
    "empty, on a desk": _empty("phone, on a desk"),
    "fabric": fabric,
    "doodle": _doodle,
}
"""Name -> a picture without a digit."""
