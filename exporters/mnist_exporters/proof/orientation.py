"""`best_orientation`: find out whether a model is more accurate on mirrored or rotated images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.labelled_images import LabelledImages

__all__ = ["ORIENTATIONS", "Orientation", "best_orientation"]

Images = npt.NDArray[np.uint8]

FEW = 200
"""Number of images on which all orientations are tried. The best one is then measured on all images."""


@dataclass(frozen=True)
class Orientation:
    """A way to mirror or rotate images: an optional exchange of rows and columns, then a reversal of axes.

    Parameters
    ----------
    words : str
        Description of such images for messages, such as "transposed".
    transposes : bool
        Whether rows and columns are exchanged.
    axes : tuple of int
        Axes that are reversed after that: 1 for the rows, 2 for the columns.
    """

    words: str
    transposes: bool
    axes: tuple[int, ...]

    def apply(self, images: Images) -> Images:
        """Return the mirrored or rotated images, uint8 (n, h, w[, 3]).

        Examples
        --------
        >>> ORIENTATIONS[0].apply(np.array([[[1, 2], [3, 4]]], np.uint8)).tolist()
        [[[1, 3], [2, 4]]]
        """
        return np.ascontiguousarray(np.flip(images.swapaxes(1, 2) if self.transposes else images, self.axes))

    @property
    def numpy(self) -> str:
        """A NumPy expression that does the same to an array ``images``."""
        reversed_axes = {(): "", (1,): "[:, ::-1]", (2,): "[:, :, ::-1]", (1, 2): "[:, ::-1, ::-1]"}[self.axes]
        return f"images{'.swapaxes(1, 2)' * self.transposes}{reversed_axes}"

    @property
    def keras(self) -> str:
        """A Keras expression that does the same to a tensor ``images``."""
        images = "keras.ops.swapaxes(images, 1, 2)" if self.transposes else "images"
        return f"keras.ops.flip({images}, {self.axes if len(self.axes) > 1 else self.axes[0]})" if self.axes else images


ORIENTATIONS = (
    Orientation("transposed, rows and columns exchanged, as in EMNIST's files", transposes=True, axes=()),
    Orientation("mirrored, left and right exchanged", transposes=False, axes=(2,)),
    Orientation("mirrored, top and bottom exchanged", transposes=False, axes=(1,)),
    Orientation("turned by 180 degrees", transposes=False, axes=(1, 2)),
    Orientation("turned by 90 degrees to the left", transposes=True, axes=(1,)),
    Orientation("turned by 90 degrees to the right", transposes=True, axes=(2,)),
    Orientation("turned by 90 degrees and mirrored", transposes=True, axes=(1, 2)),
)
"""All ways to mirror or rotate a square, except the identity."""


def best_orientation(
    scores_of: Callable[[Images], npt.NDArray[np.float32]], data: LabelledImages
) -> tuple[Orientation, float]:
    """Return the orientation in which a model is most accurate, and its accuracy, 0..1.

    Parameters
    ----------
    scores_of : callable
        The model: a function from raw pixels, uint8 (n, h, w[, 3]), to scores (n, k).
    data : LabelledImages
        Upright images in random order. If they are not square, rows and columns are not exchanged.
    """

    def accuracy(orientation: Orientation, count: int) -> float:
        answers = scores_of(orientation.apply(data.images[:count])).argmax(axis=1)
        return float((answers == data.labels[:count]).mean())

    is_square = data.task.height == data.task.width
    possible = [each for each in ORIENTATIONS if is_square or not each.transposes]
    best = max(possible, key=lambda each: accuracy(each, FEW))
    return best, accuracy(best, len(data.images))
