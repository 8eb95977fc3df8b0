"""`Progress`: display of a training on stderr."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any

import keras
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import is_quiet

__all__ = ["Progress"]


class Progress(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """A line for each finished epoch and, if stderr is a terminal, a progress bar.

    It is a context manager, and a Keras callback that moves the bar.

    Parameters
    ----------
    epochs, steps : int
        Number of epochs, and of steps per epoch.
    done : int
        Number of epochs that an earlier run finished.
    show : bool
        Whether to show anything at all. A quiet command shows nothing.
    """

    def __init__(self, epochs: int, steps: int, done: int, *, show: bool) -> None:
        super().__init__()
        show = show and not is_quiet()
        self._has_bar = show and sys.stderr.isatty()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True, disable=not self._has_bar)
        self._task = self._bar.add_task("training", total=epochs * steps, completed=done * steps)
        self._epochs, self._steps, self._done, self._show = epochs, steps, done, show

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Move the bar; `batch` is the number of the last finished batch of the epoch, counted from 0."""
        self._bar.update(self._task, completed=self._done * self._steps + batch + 1)

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Print the figures of epoch `number`, counted from 0."""
        self._done = number + 1
        line = (
            f"epoch {number + 1:3d}/{self._epochs}  loss {figures['loss']:.4f}  "
            f"accuracy {figures['accuracy']:.4f}  validation accuracy {figures['val_accuracy']:.4f}"
        )
        if self._has_bar:
            self._bar.console.print(line, highlight=False)  # above the bar
        elif self._show:
            echo(line)
