"""`render`: draw the paths of a pen as 28x28 images, scaled and centered as in MNIST."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

__all__ = ["Strokes", "coarsen", "render"]

Array = npt.NDArray[np.float32]
Images = npt.NDArray[np.uint8]

FIELD, BOX, MIDDLE = 28, 20.0, 14.0
"""In pixels: side of an image, side of the box that a digit fills, and row and column of its center of mass."""
MARGIN = 4
"""Width in pixels of a border around the image, into which wide strokes may reach. It is cut off at the end."""
AT_ONCE = 128
"""Number of images that are drawn together. The data of more images would not fit into the processor's cache."""
CELLS = (11, 18)
"""Smallest and largest number of pixels per side in a low-resolution scan."""
BROAD = 1.3
"""Pen radius in pixels from which every second point is drawn: the discs are then large enough to close the gaps."""


@dataclass(frozen=True)
class Strokes:
    """The pen strokes to draw, one row for each image.

    Parameters
    ----------
    path : ndarray of shape (n, s, 2), dtype float32
        Points x, y in any unit.
    width : ndarray of shape (n, s), dtype float32
        Relative width of the pen at each point.
    radius, softness, roughness : ndarray of shape (n,), dtype float32
        Half of the full width, width of the edges and standard deviation of the outline, in pixels.
    is_square : bool
        Whether the pen is a square.
    """

    path: Array
    width: Array
    radius: Array
    softness: Array
    roughness: Array
    is_square: bool

    def rows(self, wanted: npt.NDArray[np.intp]) -> Strokes:
        """Return the rows at the indices `wanted`."""
        names = ("path", "width", "radius", "softness", "roughness")
        return replace(self, **{name: getattr(self, name)[wanted] for name in names})


def render(strokes: Strokes, rng: np.random.Generator) -> Images:
    """Draw discs, or squares, around the points of each path, scaled and placed as in MNIST.

    Parameters
    ----------
    strokes : Strokes
        What to draw.
    rng : numpy.random.Generator
        Random numbers of the outline.

    Returns
    -------
    ndarray of shape (n, 28, 28), dtype uint8
        White on black. The longer side of the ink is 20 pixels. Its center of mass is in the middle of the image, or as
        near to it as the ink fits.
    """
    images = np.empty((len(strokes.path), FIELD, FIELD), np.uint8)
    order = np.argsort(strokes.radius, kind="stable")  # similar radii together: a thin pen needs fewer offsets
    for begin in range(0, len(order), AT_ONCE):
        rows = order[begin : begin + AT_ONCE]
        images[rows] = _drawn(strokes.rows(rows), rng)
    return images


def coarsen(images: Images, rng: np.random.Generator) -> Images:
    """Reduce each image to few pixels and enlarge it again, like a low-resolution scan: uint8 (n, 28, 28)."""
    coarse = images.astype(np.float32)
    cells = rng.integers(*CELLS, len(images), endpoint=True)
    for number in np.unique(cells):
        own = np.flatnonzero(cells == number)
        matrix = _resampling(int(number), FIELD) @ _resampling(FIELD, int(number))
        coarse[own] = matrix @ coarse[own] @ matrix.T
    return _bright(coarse)


def _drawn(strokes: Strokes, rng: np.random.Generator) -> Images:
    radii = strokes.radius[:, None] * strokes.width
    points = _placed(strokes.path, radii)
    count, side = len(points), FIELD + 2 * MARGIN
    # For each pixel, the largest signed distance to the outline of a disc, positive inside. Pixel centers are integers.
    depth = np.full((count * side * side,), -9.0, np.float32)
    first = (np.arange(count) * side * side)[:, None, None]
    reach = int(np.ceil(float(radii.max()) + float(strokes.softness.max()) / 2))
    away = np.arange(-reach, reach + 1)
    patch = (away[:, None] * side + away[None, :])[None]
    whole = np.rint(points).astype(np.intp)
    part = points - whole
    start = (whole[..., 1] + MARGIN) * side + whole[..., 0] + MARGIN
    last = points.shape[1] - 1
    for index in (*range(0, last, 2 if strokes.radius.min() >= BROAD else 1), last):
        across, down = (away - part[:, index, axis, None] for axis in (0, 1))
        if strokes.is_square:
            distance = np.maximum(np.abs(down)[:, :, None], np.abs(across)[:, None, :])
        else:
            distance = np.sqrt((down**2)[:, :, None] + (across**2)[:, None, :])
        there = first + start[:, index, None, None] + patch
        depth[there] = np.maximum(depth[there], radii[:, index, None, None] - distance)
    field = depth.reshape(count, side, side)[:, MARGIN:-MARGIN, MARGIN:-MARGIN]
    rough = strokes.roughness * np.minimum(1, strokes.radius)
    field = field + rough[:, None, None] * rng.standard_normal(field.shape, dtype=np.float32)
    return _bright(np.clip(field / strokes.softness[:, None, None] + 0.5, 0, 1))


def _bright(ink: Array) -> Images:
    """Scale each image so that its brightest pixel is 255."""
    brightest = np.maximum(ink.max(axis=(1, 2), keepdims=True), 1e-3)
    images: Images = np.rint(ink * (255 / brightest)).astype(np.uint8)
    return images


def _placed(path: Array, radii: Array) -> Array:
    """Scale and shift each path, so that the ink is placed in the image as in MNIST."""
    low, high = path.min(axis=1), path.max(axis=1)
    edge = radii.mean(axis=1)
    scale = (BOX - 1 - 2 * edge) / np.maximum((high - low).max(axis=1), 1e-3)
    points = (path - (low[:, None] + high[:, None]) / 2) * scale[:, None, None]
    mass = (points * radii[..., None]).sum(axis=1) / radii.sum(axis=1)[:, None]
    half = (high - low) / 2 * scale[:, None] + edge[:, None]
    least, most = half - 0.5, FIELD - 0.5 - half  # the ink must stay inside the image
    place = np.clip(MIDDLE - mass, np.minimum(least, MIDDLE), np.maximum(most, MIDDLE))
    placed: Array = (points + place[:, None]).astype(np.float32)
    return placed


def _resampling(old: int, new: int) -> Array:
    """Return the matrix (new, old) of a resampling: linear to enlarge, the mean of the covered pixels to reduce."""
    step = old / new
    distance = np.abs(np.arange(old) - ((np.arange(new) + 0.5) * step - 0.5)[:, None])
    weights = np.clip(0.5 + step / 2 - distance, 0, 1) if step > 1 else np.clip(1 - distance, 0, None)
    matrix: Array = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return matrix
