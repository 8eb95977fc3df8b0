"""Extract the ink of a photograph: remove background, shading and ruled lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnist_runtime.preprocess.grayscale import FloatImage, Mask
from mnist_runtime.preprocess.ink.background import background_noise, blur, subtract_background
from mnist_runtime.preprocess.ink.components import Components, connected_components, dilate
from mnist_runtime.preprocess.ink.frames import find_frames
from mnist_runtime.preprocess.ink.page import isolate_page
from mnist_runtime.preprocess.ink.ruled_lines import border_lines, find_ruled_lines, gap_components
from mnist_runtime.preprocess.ink.strokes import bridges, components_across_gaps, thicken
from mnist_runtime.preprocess.ink.symbols import Symbol, group_symbols

__all__ = ["PhotoInk", "photo_ink"]

LEAST = 0.06
"""Least strength of ink: 15 of 255 on white paper."""
NOISE = 5.0
"""Least strength of ink, in standard deviations of the background's noise."""
DISTINCT = 9.0
"""Least mean strength of ink, in the unit of `NOISE`. The darkest spots of fabric have at most 8, pencil 13 or more."""
FAINT, FAINT_LINE = 0.4, 0.2
"""Thresholds for pixels of strokes and of ruled lines, as fractions of the mean ink."""
CLEAR = 0.3
"""Mean ink from which symbols at the picture's edge are kept; fainter ones may be shadows."""
BROKEN = 0.02
"""Least noise, as a fraction of the mean ink, that breaks strokes. Pencil has 0.03; ink on paper has 0.01 to 0.02."""
LEAST_SIZE = 6
"""Least longer side of a symbol in pixels."""
COARSE = 150
"""Longer side, in pixels, from which the ink is smoothed; a smaller picture only if noise hides its ink."""


@dataclass(frozen=True)
class PhotoInk:
    """The ink on a page.

    Parameters
    ----------
    ink : ndarray of shape (h, w), dtype float32
        Strength of the ink; 1 is the mean.
    lines : ndarray of shape (h, w), dtype bool
        Ruled lines, which were removed.
    components : Components
        Strokes, connected across tiny gaps, and specks.
    symbols : list of Symbol
        Groups of components, those with the most ink first, without specks.
    """

    ink: FloatImage
    lines: Mask
    components: Components
    symbols: list[Symbol]

    def extract(self, symbol: Symbol) -> FloatImage:
        """Return the ink of `symbol` alone, 0..255, with thin strokes thickened."""
        top, left, bottom, right = symbol.box
        box = (slice(top, bottom), slice(left, right))
        strokes = np.isin(self.components.labels[box], symbol.components)
        ink = np.where(dilate(strokes, 1), np.clip(self.ink[box], 0, 1), 0)
        return thicken(np.maximum(ink, bridges(strokes)) * np.float32(255), strokes)


def photo_ink(gray: FloatImage, smallest: float) -> PhotoInk:
    """Find the ink in a photograph (h, w), 0..255; a symbol has at least `smallest` of the longer side."""
    ink = subtract_background(isolate_page(gray))
    for smoothed in [False, True] if max(gray.shape) < COARSE else [True]:
        if smoothed:
            ink = blur(ink)
        noise = background_noise(ink)
        floor = max(NOISE * noise, LEAST)
        candidates = ink[ink > floor]
        mean = float(candidates[candidates >= _otsu_threshold(candidates)].mean()) if candidates.size else 0.0
        if mean > DISTINCT * noise:
            break
    else:
        nothing = np.zeros(gray.shape, bool)
        return PhotoInk(ink, nothing, connected_components(nothing), [])
    dark = ink > max(floor, FAINT_LINE * mean)
    lines = find_ruled_lines(dark)
    frames = find_frames(dark, lines)
    if frames.any():  # search again without them: sides of a frame may look like ruled lines
        lines = frames | find_ruled_lines(dark & ~frames)
    elif lines.any():  # they may join a frame to the picture's edge
        lines = lines | find_frames(dark & ~lines, np.zeros_like(lines))
    strokes = (ink > max(floor, FAINT * mean)) & ~lines
    components = components_across_gaps(strokes, broken=noise > BROKEN * mean)
    ink = ink / np.float32(mean)
    border, is_box = border_lines(components, has_lines=bool(lines.any()))
    if is_box:
        lines = lines | components.mask(border)
    masses = np.where(border | gap_components(components), 0, components.sums(ink))
    least = max(smallest * max(gray.shape), LEAST_SIZE)
    symbols = [
        symbol
        for symbol in group_symbols(components.boxes, masses)
        if symbol.size >= least
        and (symbol.mass or not is_box)
        and (mean >= CLEAR or not symbol.touches_edge(gray.shape))
    ]
    return PhotoInk(ink, lines, components, symbols)


def _otsu_threshold(values: FloatImage) -> float:
    """Return the threshold between two groups of values, such as noise and ink (N. Otsu 1979)."""
    # Almost equal values are too few float32 steps apart for 128 bins; NumPy 2 rejects that.
    narrow = np.ptp(values) < np.abs(values).max() / 1e4
    counts, edges = np.histogram(values.astype(np.float64) if narrow else values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1 + np.argmax(below * above * (means[0] - means[1]) ** 2)])
