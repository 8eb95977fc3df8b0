"""`draw_curves`: a picture of how a training went."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from mnist_trainer.errors import MissingPackageError

__all__ = ["draw_curves", "need_matplotlib"]

BLUE, ORANGE = "#0072b2", "#d55e00"
"""Of training and of validation; told apart by colour-blind people too (M. Okabe, K. Ito)."""


def need_matplotlib() -> None:
    """Be sure that curves can be drawn, before minutes of work end in one that cannot.

    Raises
    ------
    MissingPackageError
        If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise MissingPackageError(
            "Expected matplotlib, which --plot needs, it is not installed: pip install 'mnist-edge-export[plots]'."
        )


def draw_curves(record: dict[str, Any], path: Path) -> None:
    """Draw loss and share of wrong answers by epoch, from the record of a training, into a PNG at `path`."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    history = record["history"]
    epochs = range(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    losses, errors = figure.subplots(1, 2)
    for split, prefix, colour in (("training", "", BLUE), ("validation", "val_", ORANGE)):
        losses.plot(epochs, history[f"{prefix}loss"], ".-", color=colour, label=split)
        wrong = [1 - accuracy for accuracy in history[f"{prefix}accuracy"]]
        errors.plot(epochs, wrong, ".-", color=colour, label=split)
    for axes, title in ((losses, "loss"), (errors, "wrong answers")):
        axes.set(title=title, xlabel="epoch", yscale="log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(visible=True, which="both", alpha=0.25)
    errors.yaxis.set_major_formatter(PercentFormatter(1))
    errors.axhline(1 - record["test_accuracy"], color="black", linewidth=1, linestyle=":", label="test, in the end")
    losses.legend()
    errors.legend()
    figure.suptitle(
        f"{record['architecture']} on {record['dataset']}: {record['test_accuracy']:.2%} of test images right"
    )
    figure.savefig(path)
