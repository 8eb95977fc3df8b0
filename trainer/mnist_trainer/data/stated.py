"""`StatedTask`: facts about the images and classes of a data set, from the user's options or from a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS, Preparation, Task, wrong_label
from mnist_trainer.errors import UsageError

__all__ = ["StatedTask", "parse_labels"]

LARGEST_LIST = 1 << 17
"""Largest size of a file of labels, in bytes: more than a thousand labels of a hundred characters."""


@dataclass(frozen=True)
class StatedTask:
    """Known facts about the images and classes of a data set. What is None is derived from the data.

    Parameters
    ----------
    size : tuple of int, optional
        Height and width of the images, in pixels.
    channels : {1, 3}, optional
        1 for gray, 3 for color.
    labels : tuple of str, optional
        Class names, in the order of the model's scores.
    preparation : {"mnist", "plain"}, optional
        How a device prepares a picture. Default: ``"mnist"`` for gray images of 28 x 28 pixels and digits, otherwise
        ``"plain"``.
    classes : int, optional
        Number of classes, if a model shows only that and no names.
    converts : bool
        Whether arrays of another size or with other channels are converted. False if size and channels come from a
        model alone: arrays of another form were probably made for another model.

    Raises
    ------
    UsageError
        If no task can have these facts together.

    Examples
    --------
    >>> StatedTask(size=(32, 20), channels=3).task(28, 28, 1, labels=("left", "right"))
    Task(height=32, width=20, channels=3, labels=('left', 'right'), preparation='plain')
    """

    size: tuple[int, int] | None = None
    channels: int | None = None
    labels: tuple[str, ...] | None = None
    preparation: Preparation | None = None
    classes: int | None = None
    converts: bool = True

    def __post_init__(self) -> None:
        try:
            self.task(*DIGITS.tensor_shape, DIGITS.labels)
        except ValueError as error:
            raise UsageError(f"The stated data cannot be used: {error}.") from error

    @classmethod
    def of(cls, task: Task) -> StatedTask:
        """Return the facts in `task`."""
        return cls((task.height, task.width), task.channels, task.labels, task.preparation)

    def filled(self, other: StatedTask) -> StatedTask:
        """Return a copy in which the facts that are None are taken from `other`.

        Examples
        --------
        >>> StatedTask(channels=1).filled(StatedTask(size=(32, 20), channels=3)).channels
        1
        """
        size, channels = self.size or other.size, self.channels or other.channels
        is_its_form = (size, channels) == (other.size, other.channels)  # a preparation may require a certain size
        preparation = self.preparation or (other.preparation if is_its_form else None)
        labels = self.labels or other.labels
        classes = None if labels else self.classes or other.classes
        return StatedTask(size, channels, labels, preparation, classes, self.converts_after(other))

    def converts_after(self, other: StatedTask) -> bool:
        """Return `converts` for the result of `filled(other)`, where `other` comes from a model."""
        return self.converts and not (other.size and not self.size) and not (other.channels and not self.channels)

    @property
    def is_empty(self) -> bool:
        """Whether no fact is known."""
        return self == StatedTask()

    @property
    def may_be_digits(self) -> bool:
        """Whether the data may be digits in the form of MNIST."""
        shape = (*(self.size or (28, 28)), self.channels or 1)
        if shape != DIGITS.tensor_shape or self.classes not in (None, len(DIGITS.labels)):
            return False
        return self.labels in (None, DIGITS.labels) and self.preparation != "plain"

    def task(self, height: int, width: int, channels: int, labels: tuple[str, ...]) -> Task:
        """Return the task for a data set: the known facts, and what was found in the data for all others.

        Parameters
        ----------
        height, width, channels : int
            Form of the images in the data.
        labels : tuple of str
            Class names in the data.

        Raises
        ------
        ValueError
            If the images or labels are outside of the bounds of `Task`.
        """
        height, width = self.size or (height, width)
        plain = Task(height, width, self.channels or channels, self.labels or labels)
        is_mnist = plain.tensor_shape == DIGITS.tensor_shape and plain.digits is not None
        preparation = self.preparation or ("mnist" if is_mnist else "plain")
        if preparation == "mnist" and plain.tensor_shape != DIGITS.tensor_shape:
            raise ValueError(_of_another_form(plain))
        return Task(plain.height, plain.width, plain.channels, plain.labels, preparation)


def _of_another_form(task: Task) -> str:
    """Return why these images cannot be prepared as in MNIST, and which layers make their model accept such images."""
    color = "color" if task.channels == 3 else "gray"
    layers = [f"keras.layers.Resizing({task.height}, {task.width})"] * (task.image_shape[:2] != DIGITS.image_shape)
    if task.channels == 3:
        layers.append("keras.layers.Conv2D(3, 1, kernel_initializer='ones', use_bias=False)")
    return (
        f"the preparation mnist makes gray images of 28 x 28 pixels, but these are {task.height} x {task.width} in "
        f"{color}. For a model of such images, put layers in front: model = "
        f"keras.Sequential([keras.Input((28, 28, 1)), {', '.join(layers)}, model]). Then give that model, and "
        "pictures or gray images of 28 x 28 pixels"
    )


def parse_labels(text: str) -> tuple[str, ...]:
    """Parse labels: from a text such as ``"a,b,c"``, or from the file with the path `text`, with one label per line.

    Raises
    ------
    UsageError
        If the file cannot be read, there are fewer than two or more than 1,000 labels, or a label is not valid. The
        message names its position or line.

    Examples
    --------
    >>> parse_labels("left, right")
    ('left', 'right')
    """
    names: Sequence[str]
    entry, where = "entry", "--labels"
    if "," in text:
        names = text.split(",")
    else:
        path, entry, where = Path(text), "line", text
        try:
            with path.open("rb") as file:
                content = file.read(LARGEST_LIST + 1)
            names = content.decode("utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
            raise UsageError(
                f"The labels {text!r} are neither a list, such as a,b,c, nor a file with one label on each line "
                f"({reason})."
            ) from error
        if len(content) > LARGEST_LIST:
            raise UsageError(f"{path}: The file is too large for a list of labels. Give one label on each line.")
        while names and not names[-1].strip():
            names = names[:-1]
    labels = tuple(name.strip() for name in names)
    if wrong := wrong_label(labels):
        problem = wrong[1].replace(" entry ", f" {entry} ")
        raise UsageError(f"{where}: The label in {entry} {wrong[0] + 1} is wrong: {problem}. Correct it.")
    if not 2 <= len(labels) <= MOST_LABELS:
        raise UsageError(f"{where}: The number of labels is {len(labels):,}, but must be 2 to {MOST_LABELS:,}.")
    return labels
