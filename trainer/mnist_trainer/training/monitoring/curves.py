"""`draw_curves`: loss and error curves of a training, as a PNG file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["BLUE", "ORANGE", "draw_curves"]

BLUE, ORANGE = "#0072b2", "#d55e00"
"""Colors of training and validation, which color-blind readers can distinguish (M. Okabe, K. Ito)."""

LEAST = 1e-5
"""Smallest value that is drawn, because a logarithmic axis has no zero."""


def draw_curves(record: dict[str, Any], path: Path) -> None:
    """Draw loss and error rate by epoch into a PNG file at `path`.

    Parameters
    ----------
    record : dict
        Record of a training with at least one epoch.
    path : Path
        The file to write.
    """
    from mnist_trainer.evaluation.pages.figures import plain_names

    with plain_names():
        _figure(record).savefig(path)


def _figure(record: dict[str, Any]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

    history = record["history"]
    epochs = range(1, len(history["loss"]) + 1)
    figure = Figure(figsize=(9, 3.6), dpi=120, layout="constrained")
    losses, errors = figure.subplots(1, 2)
    for split, prefix, color in (("training", "", BLUE), ("validation", "val_", ORANGE)):
        for axes, values in (
            (losses, history[f"{prefix}loss"]),
            (errors, [1 - accuracy for accuracy in history[f"{prefix}accuracy"]]),
        ):
            axes.plot(epochs, [max(value, LEAST) for value in values], ".-", color=color, label=split)
    test_error = max(1 - record["test_accuracy"], LEAST)
    errors.axhline(test_error, color="black", linewidth=1, linestyle=":", label="test, after training")
    for axes, title, factor in ((losses, "loss", 1), (errors, "error rate, %", 100)):
        axes.set(title=title, xlabel="epoch", xlim=(0.5, len(epochs) + 0.5), yscale="log")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(lambda value, _, factor=factor: f"{value * factor:g}")
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend()
    figure.suptitle(f"{record['architecture']} on {record['dataset']}: test accuracy {record['test_accuracy']:.2%}")
    return figure
