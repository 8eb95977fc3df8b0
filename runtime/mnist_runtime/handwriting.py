"""`Handwriting`."""
from __future__ import annotations
import numpy as np
from mnist_runtime.components import components, Components
from mnist_runtime.paper import ink_on
from mnist_runtime.ruling import ruling
from dataclasses import dataclass
from typing import Any

@dataclass
class Handwriting:
    ink: Any
    mask: Any
    parts: Components
    mass: Any
    level: float
    lines: Any = None

def handwriting(grey):
    ink = ink_on(grey)
    if max(grey.shape) >= 150:
        ink = smooth(ink)
    middle = float(np.median(ink))
    noise = 1.4826 * float(np.median(np.abs(ink - middle)))
    floor = max(5 * noise, 0.06)
    candidates = ink[ink > floor]
    if candidates.size < 8:
        return None
    split = otsu(candidates)
    strong = float(candidates[candidates > split].mean())
    low = max(floor, 0.4 * strong)
    mask = ink > low
    lines = ruling(ink > max(floor, 0.2*strong))
    mask &= ~lines
    parts = components(mask)
    return Handwriting(ink, mask, parts, parts.sums(ink), strong, lines)

def smooth(ink):
    padded = np.pad(ink, 1, mode="edge")
    rows = (padded[:-2] + 2 * padded[1:-1] + padded[2:])/4
    return (rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:])/4

def otsu(values):
    counts, edges = np.histogram(values, 128)
    middles = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    total = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (total / below - (total[-1] - total) / above) ** 2
    return float(middles[int(np.nanargmax(np.where(above > 0, between, -1)))])
