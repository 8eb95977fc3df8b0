"""`Task`: size and channels of the images, labels, and preparation of the pictures of a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

__all__ = ["DIGITS", "MOST_LABELS", "SIDES", "Preparation", "Task", "wrong_label"]

Preparation = Literal["mnist", "plain"]
"""How a picture becomes an image: ``"mnist"`` finds handwriting and normalizes it as in MNIST; ``"plain"`` resizes."""

SIDES = range(8, 129)
"""Heights and widths of an image, in pixels."""
MOST_LABELS = 1000
"""Largest number of labels; the smallest is two."""
LONGEST_LABEL = 100
"""Most characters of a label."""


def wrong_label(labels: Sequence[str]) -> tuple[int, str] | None:
    """Return the index of the first name that cannot be a label, and why; None if all can.

    Examples
    --------
    >>> wrong_label(("a", "b", "a"))
    (2, "'a' is the name of entry 1 too")
    """
    for place, label in enumerate(labels):
        if not label:
            return place, "it is empty"
        if len(label) > LONGEST_LABEL:
            return place, f"{label!r:.40} has more than {LONGEST_LABEL} characters"
        if not label.isprintable() or label.strip() != label:
            return place, f"{label!r} begins or ends with a space, or has control characters"
        if (first := labels.index(label)) < place:
            return place, f"{label!r:.40} is the name of entry {first + 1} too"
    return None


@dataclass(frozen=True)
class Task:
    """Input and labels of a classifier: the same for a model, its data and its exported files.

    Parameters
    ----------
    height, width : int
        Size of an image in pixels, each 8 to 128.
    channels : {1, 3}
        1 for gray, 3 for red, green and blue.
    labels : tuple of str
        Names of the 2 to 1,000 classes, in the order of the scores, all different. Each has 1 to 100 characters, none
        of which controls a terminal.
    preparation : {"mnist", "plain"}
        How a device prepares a picture; ``"mnist"`` needs gray images of 28 x 28.

    Raises
    ------
    ValueError
        If a fact is outside these bounds; callers raise it again with the name of their option or key.

    Examples
    --------
    >>> DIGITS.image_shape, DIGITS.tensor_shape, DIGITS.digits[:3]
    ((28, 28), (28, 28, 1), (0, 1, 2))
    >>> meter = Task(32, 20, 3, (*"0123456789", "N"))
    >>> meter.image_shape, meter.digits, meter.preparation
    ((32, 20, 3), None, 'plain')
    """

    height: int = 28
    width: int = 28
    channels: int = 1
    labels: tuple[str, ...] = tuple("0123456789")
    preparation: Preparation = "plain"

    def __post_init__(self) -> None:
        if self.height not in SIDES or self.width not in SIDES:
            raise ValueError(
                f"images are {self.height} x {self.width} pixels, but each side must be {SIDES[0]} to {SIDES[-1]}"
            )
        if self.channels not in (1, 3):
            raise ValueError(f"images have {self.channels} channels, but 1 (gray) or 3 (color) are needed")
        if not 2 <= len(self.labels) <= MOST_LABELS:
            raise ValueError(f"the number of labels is {len(self.labels):,}, but must be 2 to {MOST_LABELS:,}")
        if wrong := wrong_label(self.labels):
            raise ValueError(f"the label at entry {wrong[0] + 1} is wrong: {wrong[1]}")
        if self.preparation == "mnist" and self.tensor_shape != (28, 28, 1):
            raise ValueError("the preparation of MNIST needs gray images of 28 x 28 pixels")

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Shape of an image in arrays: ``(h, w)`` for gray, ``(h, w, 3)`` for color."""
        return (self.height, self.width) if self.channels == 1 else self.tensor_shape

    @property
    def tensor_shape(self) -> tuple[int, int, int]:
        """Shape of an image in the model's input: ``(h, w, channels)``."""
        return self.height, self.width, self.channels

    @property
    def pixels(self) -> int:
        """Number of values of one image."""
        return self.height * self.width * self.channels

    @property
    def digits(self) -> tuple[int, ...] | None:
        """The digit of each label, or None if a label is no digit 0..9."""
        if all(len(label) == 1 and label in "0123456789" for label in self.labels):
            return tuple(map(int, self.labels))
        return None

    @property
    def is_mnist(self) -> bool:
        """Whether images and labels are those of MNIST: gray, 28 x 28, the ten digits in order."""
        return self.tensor_shape == (28, 28, 1) and self.labels == DIGITS.labels


DIGITS = Task(preparation="mnist")
"""Handwritten digits as in MNIST, the default everywhere."""
