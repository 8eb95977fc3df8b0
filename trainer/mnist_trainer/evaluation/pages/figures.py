"""Figures of an evaluation: confusion matrix, worst mistakes, random samples, calibration. Needs matplotlib."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import SymLogNorm
from matplotlib.figure import Figure
from sklearn.metrics import ConfusionMatrixDisplay

from mnist_trainer.evaluation.evaluate import BINS, Evaluation

__all__ = ["FIGURES", "plain_names"]

ROWS, COLUMNS = 4, 10
MOST_NAMED = 50
"""Largest number of classes for which the confusion matrix shows class names and numbers of images."""
LARGEST_FIGURE = 22.0
"""Longest side of a figure, in inches."""
LONGEST_NAME = 12
"""Largest number of characters of a class name above an image."""
RIGHT, WRONG = "#0072b2", "#d55e00"
"""Colors that color-blind people can distinguish (M. Okabe, K. Ito)."""


@contextlib.contextmanager
def plain_names() -> Iterator[None]:
    """Make matplotlib draw ``$`` as text, not as a formula, and not warn about characters that the font lacks."""
    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        yield


def confusion_matrix(found: Evaluation) -> Figure:
    """Draw the confusion matrix, with a logarithmic color scale that makes single mistakes visible."""
    names = found.data.task.labels
    side = max(7.0, min(0.45 * len(names), LARGEST_FIGURE))
    figure, axes = _figure(side, side - 1)
    is_small = len(names) <= MOST_NAMED
    display = ConfusionMatrixDisplay(found.confusion, display_labels=names)
    display.plot(
        ax=axes,
        cmap="Blues",
        colorbar=False,
        include_values=is_small,
        im_kw={"norm": SymLogNorm(1, vmin=0)},
        xticks_rotation="vertical" if max(map(len, names)) > 2 else "horizontal",
    )
    if not is_small:
        axes.set(xticks=[], yticks=[])
    axes.set(
        xlabel="answer",
        ylabel=f"true {'digit' if found.data.task.is_mnist else 'class'}",
        title=f"{found.accuracy:.2%} of {found.images:,} images right",
    )
    return figure


def worst_mistakes(found: Evaluation) -> Figure:
    """Show the wrong answers with the highest confidence."""
    return _gallery(found, found.mistakes[: ROWS * COLUMNS], f"{len(found.mistakes)} mistakes, most confident first")


def samples(found: Evaluation) -> Figure:
    """Show the answers for random images, the same images at each call."""
    drawn = np.random.default_rng(0).permutation(found.images)[: ROWS * COLUMNS]
    return _gallery(found, drawn, "random images and answers")


def calibration(found: Evaluation) -> Figure:
    """Draw the accuracy in each confidence bin. For a calibrated model, the bars end on the diagonal."""
    figure, axes = _figure(6, 5)
    confidence = found.scores.max(axis=1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(bins, minlength=BINS)
    seen = np.flatnonzero(counts)
    accuracy = np.bincount(bins, found.right, minlength=BINS)[seen] / counts[seen]
    axes.plot([0, 1], [0, 1], ":", color="black", linewidth=1)
    axes.bar((seen + 0.5) / BINS, accuracy, 0.9 / BINS, color=RIGHT)
    for bin, height in zip(seen, accuracy, strict=True):
        axes.annotate(f"{counts[bin]:,}", ((bin + 0.5) / BINS, height), ha="center", va="bottom", fontsize=7)
    axes.set(
        xlabel="confidence",
        ylabel="accuracy, and number of images",
        title=f"expected calibration error {found.calibration_error:.2%}",
        xlim=(0, 1),
        ylim=(0, 1.08),
    )
    return figure


FIGURES: dict[str, Callable[[Evaluation], Figure]] = {
    "confusion": confusion_matrix,
    "mistakes": worst_mistakes,
    "samples": samples,
    "calibration": calibration,
}
"""Title -> function that draws the figure."""


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), dpi=110, layout="constrained")
    return figure, figure.subplots()


def _gallery(found: Evaluation, indices: npt.NDArray[np.intp], title: str) -> Figure:
    """Show the images at `indices`, each with its true class, answer and confidence."""
    names = [name[:LONGEST_NAME] for name in found.data.task.labels]
    rows = max(1, -(-len(indices) // COLUMNS))
    figure = Figure(figsize=(COLUMNS * 1.05, rows * 1.45 + 0.4), dpi=110, layout="constrained")
    figure.suptitle(title, fontsize=11)
    for axes in figure.subplots(rows, COLUMNS, squeeze=False).flat:
        axes.axis("off")
    for axes, index in zip(figure.axes, indices, strict=False):
        truth, answer = (names[one] for one in (found.data.labels[index], found.answers[index]))
        axes.imshow(found.data.images[index], cmap="gray", vmin=0, vmax=255)
        text = f"{truth}" if found.right[index] else f"{truth} → {answer}"
        axes.set_title(
            f"{text}\n{found.scores[index].max():.1%}", fontsize=8, color=RIGHT if found.right[index] else WRONG, pad=2
        )
    return figure
