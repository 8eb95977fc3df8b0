"""`draw_curves`: a picture of how a training went."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from mnist_trainer.errors import MissingPackageError

__all__ = ["draw_curves", "need_matplotlib"]

BLUE, ORANGE = "#0072b2", "#d55e00"
"""Of training and of validation; told apart by colour-blind people too (M. Okabe, K. Ito)."""

LEAST = 1e-5
"""Drawn for all that is smaller: a logarithmic axis has no zero."""


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
    """Draw loss and wrong answers by epoch, of which the record of a training has some, into a PNG at `path`."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    history = record["history"]
    epochs = range(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    losses, errors = figure.subplots(1, 2)
    for split, prefix, colour in (("training", "", BLUE), ("validation", "val_", ORANGE)):
        for axes, values in (
            (losses, history[f"{prefix}loss"]),
            (errors, [1 - x for x in history[f"{prefix}accuracy"]]),
        ):
            axes.plot(epochs, [max(value, LEAST) for value in values], ".-", color=colour, label=split)
    wrong = max(1 - record["test_accuracy"], LEAST)
    errors.axhline(wrong, color="black", linewidth=1, linestyle=":", label="test, in the end")
    for axes, title, one in ((losses, "loss", 1), (errors, "wrong answers, %", 100)):
        axes.set(title=title, xlabel="epoch", xlim=(0.5, len(epochs) + 0.5), yscale="log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _, one=one: f"{value * one:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend()
    figure.suptitle(
        f"{record['architecture']} on {record['dataset']}: {record['test_accuracy']:.2%} of test images right"
    )
    figure.savefig(path)
