"""Render the surroundings of the digits in a photograph: paper, ink, ruled lines, light, perspective, desk, fabric."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

__all__ = ["LIGHTS", "RULED_LINES", "add_ink", "fabric", "gradient", "lay_down", "texture"]

Pixels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]
Random = np.random.Generator
Shape = tuple[int, int]


def texture(shape: Shape, random: Random) -> Plane:
    """Return noise with standard deviation 1: half fine, like fibres, and half coarse, like stains."""
    fine = ndimage.gaussian_filter(random.standard_normal(shape, np.float32), 0.8)
    small = random.standard_normal((9, 9)).astype(np.float32)
    coarse = ndimage.zoom(small, np.array(shape) / 9, order=3, grid_mode=True, mode="nearest")[: shape[0], : shape[1]]
    both = fine / fine.std() + coarse / coarse.std()
    noise: Plane = (both / both.std()).astype(np.float32)
    return noise


def lay_down(scene: Plane, bend: float, desk: bool, random: Random) -> Plane:
    """Return the page `scene` in perspective, with curled edges, and on a dark desk if `desk`."""
    height, width = scene.shape
    rows, columns = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    tilt, curl, turn = random.uniform(-bend, bend, 2), random.uniform(-bend, bend), random.uniform(-bend, bend)
    depth = 1 + tilt[0] * rows + tilt[1] * columns
    scale = random.uniform(1.1, 1.3) if desk else 1.0
    shift = random.uniform(1 - scale, scale - 1, 2)
    from_row = scale * (rows + turn * columns) / depth + curl * columns**2 + shift[0]
    from_column = scale * (columns - turn * rows) / depth + shift[1]
    positions = [(from_row + 1) / 2 * (height - 1), (from_column + 1) / 2 * (width - 1)]
    if not desk:
        bent: Plane = ndimage.map_coordinates(scene, positions, order=1, mode="nearest").astype(np.float32)
        return bent
    wood = random.integers(30, 110) + 6 * texture((height, width), random)
    seen = ndimage.map_coordinates(scene, positions, order=1, mode="constant", cval=-1e4)
    return np.where(seen < -100, wood, seen).astype(np.float32)


def even(shape: Shape, random: Random) -> Plane:  # noqa: ARG001  # a row of `LIGHTS`
    """Return the same light everywhere."""
    return np.ones((1, 1), np.float32)


def gradient(shape: Shape, random: Random) -> Plane:
    """Return light from one side; the far corner has 0.4 to 0.7 of it."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.sin(angle) * rows[:, None] + np.cos(angle) * columns) / (abs(np.sin(angle)) + abs(np.cos(angle)))
    darkest = random.uniform(0.4, 0.7)
    light: Plane = (1 - (1 - darkest) * (1 + slope) / 2).astype(np.float32)
    return light


def vignette(shape: Shape, random: Random) -> Plane:
    """Return the light of a lens; the corners have 0.4 to 0.7 of the middle."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    distance = (rows[:, None] ** 2 + columns**2) / 2
    return (1 - random.uniform(0.3, 0.6) * distance**1.2).astype(np.float32)


def shadow(shape: Shape, random: Random) -> Plane:
    """Return light with the shadow of a straight edge, such as the phone's, across the picture."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in shape)
    angle = random.uniform(0, 2 * np.pi)
    slope = np.sin(angle) * rows[:, None] + np.cos(angle) * columns - random.uniform(-0.6, 0.6)
    softness = random.uniform(0.01, 0.1)
    light: Plane = (1 - random.uniform(0.3, 0.5) / (1 + np.exp(-np.clip(slope / softness, -30, 30)))).astype(np.float32)
    return light


LIGHTS: dict[str, Callable[[Shape, Random], Plane]] = {
    "even": even,
    "gradient": gradient,
    "vignette": vignette,
    "shadow": shadow,
}
"""Name -> function that returns the light on a page: a factor per pixel."""


def blank(paper: Plane, size: float, random: Random) -> Plane:  # noqa: ARG001  # a row of `RULED_LINES`
    """Return the paper unchanged."""
    return paper


def notebook(paper: Plane, size: float, random: Random) -> Plane:
    """Draw lines for digits of `size` pixels, and a margin, a little rotated."""
    angle, strength = random.uniform(-3, 3), random.uniform(30, 80)
    lined = _draw_lines(paper, size * random.uniform(0.5, 1.3), angle, strength, size, random=random)
    return _draw_lines(lined, 4 * max(paper.shape), angle + 90, strength, size, random=random)


def grid(paper: Plane, size: float, random: Random) -> Plane:
    """Draw a grid for digits of `size` pixels, a little rotated."""
    angle, strength, pitch = random.uniform(-3, 3), random.uniform(30, 80), size * random.uniform(0.35, 0.8)
    lined = _draw_lines(paper, pitch, angle, strength, size, random=random)
    return _draw_lines(lined, pitch, angle + 90, strength, size, random=random)


def _draw_lines(paper: Plane, pitch: float, angle: float, strength: float, size: float, *, random: Random) -> Plane:
    """Draw parallel lines at a distance of `pitch`, darker by `strength`, and 1/100 to 1/40 of `size` wide."""
    rows, columns = np.indices(paper.shape, np.float32)
    across = rows * np.float32(np.cos(np.radians(angle))) - columns * np.float32(np.sin(np.radians(angle)))
    width = max(1.0, size * random.uniform(0.01, 0.025))
    distance = np.abs((across - random.uniform(0, pitch) + pitch / 2) % pitch - pitch / 2)
    if angle > 45 and pitch >= max(paper.shape):  # a margin is a single line
        distance = np.abs(across + random.uniform(0.1, 0.9) * paper.shape[1])
    lined: Plane = paper - strength * np.clip(width / 2 - distance + 0.5, 0, 1)
    return lined


RULED_LINES: dict[str, Callable[[Plane, float, Random], Plane]] = {"blank": blank, "lines": notebook, "grid": grid}
"""Name -> function that draws lines on paper for digits of a size."""


def add_ink(coverage: Plane, stroke: Plane, top: int, left: int) -> None:
    """Add `stroke` to `coverage`, cut at the edges of the page."""
    height, width = stroke.shape
    rows = slice(max(0, top), min(coverage.shape[0], top + height))
    columns = slice(max(0, left), min(coverage.shape[1], left + width))
    part = stroke[max(0, -top) : rows.stop - top, max(0, -left) : columns.stop - left]
    if part.size:
        coverage[rows, columns] = np.maximum(coverage[rows, columns], part)


def fabric(random: Random) -> Pixels:
    """Return a crop of a rough or woven surface."""
    shape = (int(random.integers(200, 600)), int(random.integers(200, 600)))
    rows, columns = np.indices(shape, np.float32)
    period, angle = random.uniform(4, 30), random.uniform(0, np.pi)
    weave = np.sin((rows * np.sin(angle) + columns * np.cos(angle)) * 2 * np.pi / period)
    weave = weave * np.sin((rows * np.cos(angle) - columns * np.sin(angle)) * 2 * np.pi / period)
    surface = random.uniform(70, 180) + random.uniform(0, 40) * weave + random.uniform(10, 40) * texture(shape, random)
    pixels: Pixels = np.clip(np.rint(surface), 0, 255).astype(np.uint8)
    return pixels
