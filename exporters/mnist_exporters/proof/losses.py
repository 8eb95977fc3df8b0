"""Checks of the accuracy loss of an export. Each returns reasons to refuse the export."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_exporters.proof.statistics import drop_interval_95, enough_images
from mnist_exporters.spec.export_spec import LARGEST_DROP
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.errors import counted

__all__ = ["Changes", "lost_classes", "small_classes", "unproven"]

MOST_LISTED = 3
"""Maximum number of classes whose losses a reason lists."""

LEAST_OF_CLASS = 30
"""Number of different images of a class below which nothing can be said about its loss."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Right answers that an export lost and gained, compared with its original, on some images.

    Parameters
    ----------
    is_lost, is_gained : ndarray of shape (n,), dtype bool
        Whether only the original, or only the export, classifies the image correctly.
    """

    is_lost: npt.NDArray[np.bool_]
    is_gained: npt.NDArray[np.bool_]

    def among(self, chosen: npt.NDArray[np.bool_]) -> Changes:
        """Return the changes on a part of the images. `chosen` is a mask of shape (n,)."""
        return Changes(self.is_lost[chosen], self.is_gained[chosen])

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.is_lost)

    @property
    def lost(self) -> int:
        """Number of lost answers."""
        return int(self.is_lost.sum())

    @property
    def gained(self) -> int:
        """Number of gained answers."""
        return int(self.is_gained.sum())

    @property
    def drop(self) -> float:
        """Accuracy of the original minus accuracy of the export; nan without images."""
        return (self.lost - self.gained) / self.images if self.images else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % confidence interval of `drop`; nan without images."""
        return drop_interval_95(self.lost, self.gained, self.images) if self.images else (math.nan, math.nan)

    def __str__(self) -> str:
        return f"{self.lost} lost, {self.gained} gained of {counted(self.images, 'different image')}"


def unproven(found: Changes, tolerance: float, *, images_help: bool = True) -> tuple[str, ...]:
    """Return a reason if the loss may be above the tolerance.

    Parameters
    ----------
    found : Changes
        What the export lost and gained on different images.
    tolerance : float
        Largest accepted loss.
    images_help : bool
        Whether to add advice about more images. False if there are other reasons to refuse the export than missing
        images.
    """
    upper = found.interval[1]
    if upper <= tolerance:
        return ()
    reason = (
        f"The accuracy loss is {_points(found.drop)}, and up to {_points(upper)} with 95 % confidence ({found}), but "
        f"the tolerance is {_points(tolerance)}."
    )
    return (f"{reason} {_advice(found, tolerance)}" if images_help else reason,)


def _advice(found: Changes, tolerance: float) -> str:
    """Return advice for a loss that may be above the tolerance. It only suggests values that the options accept."""
    upper = found.interval[1]
    accepted = f"the loss with --max-accuracy-drop {math.ceil(upper * 1e4) / 1e4:g}" if upper <= LARGEST_DROP else ""
    if enough := enough_images(found.lost, found.gained, found.images, tolerance):
        other = f", or accept {accepted}" if accepted else ""
        return (
            f"About {enough:,} different images of this kind could prove it, but there are {found.images:,}. Give more "
            f"with --data{other}."
        )
    if accepted:
        return f"More images would not help. Improve the model, or accept {accepted}."
    enough = enough_images(found.lost, found.gained, found.images, LARGEST_DROP)
    if enough is None:
        return "More images would not help. Improve the model."
    return (
        "More images would not help. Improve the model. With the largest loss that is accepted, --max-accuracy-drop "
        f"{LARGEST_DROP:g}, about {enough:,} different images of this kind could prove it, but there are "
        f"{found.images:,}."
    )


def lost_classes(by_class: list[Changes], tolerance: float, task: Task = DIGITS) -> tuple[str, ...]:
    """Return a reason if the loss of a single class is above the tolerance with 95 % confidence."""
    worse = {label: found for label, found in zip(task.labels, by_class, strict=True) if found.interval[0] > tolerance}
    if not worse:
        return ()
    listed = sorted(worse, key=lambda label: -worse[label].interval[0])[:MOST_LISTED]
    losses = [f"{label} loses at least {_points(worse[label].interval[0])} ({worse[label]})" for label in listed]
    rest = len(worse) - len(listed)
    more = f", and {rest} {'other' if rest == 1 else 'others'}" if rest else ""
    classes = "digits" if task.is_mnist else "classes"
    return (
        f"Some {classes} lose more than the tolerance of {_points(tolerance)} with 95 % confidence: "
        f"{', '.join(losses)}{more}.",
    )


def small_classes(by_class: list[Changes], labels: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of classes with so few different images that nothing can be said about their loss."""
    return tuple(labels[number] for number, found in enumerate(by_class) if found.images < LEAST_OF_CLASS)


def _points(fraction: float) -> str:
    return f"{fraction * 100:.2f} points"
