"""`Progress`: what a person sees on stderr while a model trains."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

from mnist_runtime.system.command import echo

if TYPE_CHECKING:
    import keras

__all__ = ["Progress"]


class Progress:
    """A line for each epoch that is done, and, where stderr is a terminal, a bar over all steps.

    Parameters
    ----------
    epochs, steps : int
        How many, and of how many steps each.
    done : int
        Epochs that an earlier run did.
    show : bool
        Whether anything is shown at all.
    """

    def __init__(self, epochs: int, steps: int, done: int, *, show: bool) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self._bar_moves = show and sys.stderr.isatty()
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True, disable=not self._bar_moves)
        self._task = self._bar.add_task("training", total=epochs * steps, completed=done * steps)
        self._epochs, self._steps, self._show = epochs, steps, show

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def follow(self, epoch: int) -> keras.callbacks.Callback:
        """Return what moves the bar during `epoch`, counted from 0."""
        import keras

        bar, task, before = self._bar, self._task, epoch * self._steps

        class Follow(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
                bar.update(task, completed=before + batch + 1)

        return Follow()

    def epoch(self, number: int, figures: dict[str, float]) -> None:
        """Leave a line with the figures of epoch `number`, counted from 0."""
        line = (
            f"epoch {number + 1:3d}/{self._epochs}  loss {figures['loss']:.4f}  "
            f"accuracy {figures['accuracy']:.4f}  validation accuracy {figures['val_accuracy']:.4f}"
        )
        if self._bar_moves:
            self._bar.console.print(line, highlight=False)  # above the bar
        elif self._show:
            echo(line)
