"""Corruptions by what is drawn over a digit, or instead of it; see `mnist_trainer.corruption`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

__all__ = ["canny_edges", "dotted_line", "spatter", "stripe", "zigzag"]

Images = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]


def stripe(images: Images, rng: np.random.Generator, *, width: int) -> Images:
    """Invert `width` columns in the middle."""
    del rng  # nothing is drawn
    striped = images.copy()
    middle = slice(14 - width // 2, 14 + (width + 1) // 2)
    striped[:, :, middle] = 1 - striped[:, :, middle]
    return striped


def spatter(images: Images, rng: np.random.Generator, *, share: float, sigma: float) -> Images:
    """Cover a `share` of the pixels with white drops, as wide as noise that is smoothed by `sigma` pixels."""
    from scipy.ndimage import gaussian_filter

    wetness = gaussian_filter(rng.standard_normal(images.shape), (0, sigma, sigma))
    edge = np.quantile(wetness, 1 - share, axis=(1, 2), keepdims=True)
    return np.where(wetness > edge, 1, images).astype(np.float32)


def dotted_line(images: Images, rng: np.random.Generator, *, gap: int) -> Images:
    """Draw a line across, in a random direction, of dots `gap` pixels apart."""
    marked = images.copy()
    for image in marked:
        start, direction = _crossing(rng)
        for step in range(0, 60, gap):
            row, column = np.rint(start + step * direction).astype(int)
            if 0 <= row < 28 and 0 <= column < 28:
                image[row, column] = 1
    return marked


def zigzag(images: Images, rng: np.random.Generator, *, teeth: int, height: float) -> Images:
    """Draw a zigzag of `teeth` across, in a random direction, `height` pixels to either side."""
    from skimage.draw import line_aa

    marked = images.copy()
    for image in marked:
        start, direction = _crossing(rng)
        side = np.array([-direction[1], direction[0]]) * height
        along = np.linspace(0, 38, 2 * teeth + 1)
        corners = [start + step * direction + side * (-1) ** index for index, step in enumerate(along)]
        for first, second in pairwise(corners):
            rows, columns, strength = line_aa(*np.rint(first).astype(int), *np.rint(second).astype(int))
            inside = (rows >= 0) & (rows < 28) & (columns >= 0) & (columns < 28)
            there = rows[inside], columns[inside]
            image[there] = np.maximum(image[there], strength[inside])
    return marked


def canny_edges(images: Images, rng: np.random.Generator, *, sigma: float) -> Images:
    """Keep the edges alone (J. Canny, "A Computational Approach to Edge Detection", 1986)."""
    from skimage.feature import canny

    del rng  # nothing is drawn
    edges: Images = np.stack([canny(image, sigma=sigma) for image in images]).astype(np.float32)
    return edges


def _crossing(rng: np.random.Generator) -> tuple[Points, Points]:
    """Return a point at the rim and the direction, of length 1, of a line from there past the centre."""
    angle = rng.uniform(0, 2 * np.pi)
    direction = np.array([np.sin(angle), np.cos(angle)])
    aside = rng.uniform(-5, 5) * np.array([-direction[1], direction[0]])
    return np.array([13.5, 13.5]) - 19 * direction + aside, direction
