"""`handwriting`: the ink on a photographed sheet, without paper, light and printed lines, in NumPy alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_runtime.preprocess.grayscale import Grey
from mnist_runtime.preprocess.ink.background import ink_on, noise_of
from mnist_runtime.preprocess.ink.components import Components, components, grown
from mnist_runtime.preprocess.ink.page import sheet_alone
from mnist_runtime.preprocess.ink.ruled_lines import ruling
from mnist_runtime.preprocess.ink.strokes import stroke_width, thickened
from mnist_runtime.preprocess.ink.symbols import Mark, marks

__all__ = ["Handwriting", "handwriting"]

Mask = npt.NDArray[np.bool_]

LEAST = 0.06
"""Share of the paper's brightness that ink must take away: 15 of 255 on white paper."""
NOISE = 5.0
"""Standard deviations of the paper's brightness that ink must lie above it."""
FAINT, FAINT_LINE = 0.4, 0.2
"""Shares of the usual ink from which a pixel is a stroke's, or perhaps a printed line's."""
CLEAR = 0.3
"""Share of the paper's brightness from which what the picture's edge cuts is ink; the edge of a shadow is fainter."""
COARSE = 150
"""Longer side from which pixels are averaged with their neighbours; in less, strokes are as thin as a pixel."""


@dataclass(frozen=True)
class Handwriting:
    """What is written on a sheet.

    Parameters
    ----------
    ink : ndarray of shape (h, w), dtype float32
        Its strength, 1 for the usual.
    lines : ndarray of shape (h, w), dtype bool
        Printed lines, which were taken out.
    parts : Components
        Strokes that hang together, or nearly, and specks.
    marks : list of Mark
        Parts that make a sign together, the greatest first; specks and shadows are left out.
    """

    ink: Grey
    lines: Mask
    parts: Components
    marks: list[Mark]

    def cut(self, mark: Mark) -> Grey:
        """Return the ink of `mark` alone, 0..255, strokes as thick as they should be."""
        top, left, bottom, right = mark.box
        box = (slice(top, bottom), slice(left, right))
        strokes = np.isin(self.parts.labels[box], mark.parts)
        ink = np.where(grown(strokes, 1), np.clip(self.ink[box], 0, 1) * np.float32(255), np.float32(0))
        return thickened(ink, strokes)


def handwriting(grey: Grey, smallest: float) -> Handwriting:
    """Find what is written on a sheet.

    Parameters
    ----------
    grey : ndarray of shape (h, w), dtype float32
        Its brightness, 0..255, whichever of ink and paper is darker.
    smallest : float
        Size of a sign, at least, as a share of the picture's longer side; what is smaller is dirt.
    """
    ink = ink_on(sheet_alone(grey))
    if max(grey.shape) >= COARSE:
        ink = _smooth(ink)
    noise = noise_of(ink)
    floor = max(NOISE * noise, LEAST)
    candidates = ink[ink > floor]
    if not candidates.size:
        nothing = np.zeros(grey.shape, bool)
        return Handwriting(ink, nothing, components(nothing), [])
    usual = float(candidates[candidates >= _divide(candidates)].mean())
    lines = ruling(ink > max(floor, FAINT_LINE * usual))
    strokes = (ink > max(floor, FAINT * usual)) & ~lines
    # Grain and noise break thin strokes: what is nearer than a third of their width belongs together.
    parts = _parts(strokes, max(1, round(stroke_width(strokes) / 3)))
    found = [
        mark
        for mark in marks(parts.boxes, parts.sums(ink))
        if mark.size >= smallest * max(grey.shape) and (usual >= CLEAR or not mark.is_cut(grey.shape))
    ]
    return Handwriting(ink / np.float32(usual), lines, parts, found)


def _parts(strokes: Mask, near: int) -> Components:
    """Return what hangs together in `strokes` over gaps of up to twice `near` pixels."""
    found = components(grown(np.pad(strokes, near), near))
    labels = np.where(strokes, found.labels[near:-near, near:-near], np.int32(-1))
    return Components(labels, found.boxes - np.array([0, 0, 2 * near, 2 * near]))


def _smooth(ink: Grey) -> Grey:
    """Average each pixel with its eight neighbours, binomially."""
    padded = np.pad(ink, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / np.float32(4)
    smooth: Grey = (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:]) / np.float32(4)
    return smooth


def _divide(values: Grey) -> float:
    """Return the value between the darker and the brighter of `values` (N. Otsu 1979): lines and noise from ink."""
    counts, edges = np.histogram(values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)[:-1]
    above = counts.sum() - below
    sums = np.cumsum(counts * middles)
    means = sums[:-1] / np.maximum(below, 1), (sums[-1] - sums[:-1]) / np.maximum(above, 1)
    return float(edges[1 + np.argmax(below * above * (means[0] - means[1]) ** 2)])
