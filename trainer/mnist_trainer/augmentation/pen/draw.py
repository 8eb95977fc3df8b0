"""`draw_digits` and `draw_signs`: draw images with the simulated pen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from mnist_trainer.augmentation.pen.hand import DISPLAY, PRESS, WRITER, Hand
from mnist_trainer.augmentation.pen.render import Strokes, coarsen, render
from mnist_trainer.augmentation.pen.skeleton import Skeleton
from mnist_trainer.augmentation.pen.styles.printed import PRINTED, SEGMENTS
from mnist_trainer.augmentation.pen.styles.signs import SIGNS
from mnist_trainer.augmentation.pen.styles.written import WRITTEN
from mnist_trainer.augmentation.pen.trace import trace

__all__ = ["HANDWRITING", "PRINT", "SEVEN_SEGMENTS", "draw_digits", "draw_shape", "draw_signs"]

Images = npt.NDArray[np.uint8]
Row = tuple[Skeleton, Hand, int, float]
"""A shape, the hand that writes it, its label, and the weight with which it is drawn."""

Kind = tuple[tuple[tuple[Skeleton, ...], ...], Hand, float]
HANDWRITING: Kind = (WRITTEN, WRITER, 0.84)
PRINT: Kind = (PRINTED, PRESS, 0.10)
SEVEN_SEGMENTS: Kind = (SEGMENTS, DISPLAY, 0.06)
"""A kind of digits: the table of shapes, the hand that draws them, and their relative weight among the kinds."""


def draw_digits(
    count: int, seed: int, *, held_out: bool = False, kinds: Sequence[Kind] = (HANDWRITING, PRINT, SEVEN_SEGMENTS)
) -> tuple[Images, npt.NDArray[np.uint8]]:
    """Draw the ten digits equally often: most of them handwritten, some printed or on a seven-segment display.

    Parameters
    ----------
    count : int
        Number of images.
    seed : int
        Seed of all random choices.
    held_out : bool
        Whether to draw only handwritten digits in shapes that are never used in training.
    kinds : sequence
        What to draw: some of `HANDWRITING`, `PRINT` and `SEVEN_SEGMENTS`, in proportion to their weights.

    Returns
    -------
    images : ndarray of shape (count, 28, 28), dtype uint8
        White on black, in random order of the digits.
    labels : ndarray of shape (count,), dtype uint8
        Digits.

    Examples
    --------
    >>> images, labels = draw_digits(200, seed=0)
    >>> images.shape, np.bincount(labels).tolist()
    ((200, 28, 28), [20, 20, 20, 20, 20, 20, 20, 20, 20, 20])
    """
    rows: list[Row] = []
    for table, hand, share in kinds:
        for digit, shapes in enumerate(table):
            chosen = [shape for shape in shapes if shape.is_held_out == held_out]
            total = sum(shape.weight for shape in chosen)
            rows += [(shape, hand, digit, share * shape.weight / total) for shape in chosen]
    rng = np.random.default_rng([seed, int(held_out)])
    labels = rng.permutation(np.arange(count) % 10).astype(np.uint8)
    choice = np.empty(count, np.intp)
    for digit in range(10):
        own = [index for index, row in enumerate(rows) if row[2] == digit]
        weights = np.array([rows[index][3] for index in own])
        wanted = labels == digit
        choice[wanted] = rng.choice(own, int(wanted.sum()), p=weights / weights.sum())
    return _drawn([row[:2] for row in rows], choice, rng), labels


def draw_signs(count: int, seed: int) -> Images:
    """Draw letters and signs that are not digits: uint8 (count, 28, 28), in random order.

    Examples
    --------
    >>> draw_signs(5, seed=0).shape
    (5, 28, 28)
    """
    rng = np.random.default_rng([seed, 2])
    weights = np.array([shape.weight for shape in SIGNS])
    choice = rng.choice(len(SIGNS), count, p=weights / weights.sum())
    is_printed = rng.random(count) < 0.2
    rows = [(shape, hand) for hand in (WRITER, PRESS) for shape in SIGNS]
    return _drawn(rows, choice + len(SIGNS) * is_printed, rng)


def draw_shape(shape: Skeleton, hand: Hand, count: int, seed: int) -> Images:
    """Draw one shape `count` times: uint8 (count, 28, 28)."""
    return _one_shape(shape, hand, count, np.random.default_rng(seed))


def _drawn(rows: Sequence[tuple[Skeleton, Hand]], choice: npt.NDArray[np.intp], rng: np.random.Generator) -> Images:
    """Draw row ``choice[i]`` as image i."""
    images = np.empty((len(choice), 28, 28), np.uint8)
    for index, ((shape, hand), own) in enumerate(zip(rows, rng.spawn(len(rows)), strict=True)):
        wanted = np.flatnonzero(choice == index)
        if len(wanted):
            images[wanted] = _one_shape(shape, hand, len(wanted), own)
    return images


def _one_shape(shape: Skeleton, hand: Hand, count: int, rng: np.random.Generator) -> Images:
    path, width = trace(shape, hand, count, rng)
    thinnest, broadest = np.log(hand.radius)
    radius = np.exp(rng.uniform(thinnest, broadest, count)).astype(np.float32)
    softness, roughness = (rng.uniform(*limits, count).astype(np.float32) for limits in (hand.softness, hand.roughness))
    images = render(Strokes(path, width, radius, softness, roughness, hand.is_square), rng)
    coarse = np.flatnonzero(rng.random(count) < hand.coarse)
    images[coarse] = coarsen(images[coarse], rng)
    return images
