"""`Dataset`: labelled digit images, checked once, when they come in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mnist_trainer.errors import DataError

__all__ = ["Dataset", "Splits"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """One split of a set of labelled digit images.

    Parameters
    ----------
    name : str
        What the reports call it: ``"mnist"``, ``"digits"`` or the path of the user's own.
    split : str
        ``"train"``, ``"validation"`` or ``"test"``.
    provenance : str
        Where the images came from, in words.
    images : ndarray of shape (n, 28, 28), dtype uint8
        Pixels 0..255, white on black, as in MNIST.
    labels : ndarray of shape (n,), dtype uint8
        The digit, 0..9.

    Raises
    ------
    DataError
        If shape, dtype, labels or polarity are not those above.
    """

    name: str
    split: str
    provenance: str
    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def __post_init__(self) -> None:
        where = f"{self.name} ({self.split})"
        images, labels = self.images, self.labels
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (28, 28):
            raise DataError(
                f"{where}: expected images of shape (n, 28, 28) and dtype uint8 with pixels 0..255, received "
                f"shape {images.shape} and dtype {images.dtype}; convert them first."
            )
        if labels.shape != (len(images),):
            raise DataError(
                f"{where}: expected one label an image, received {len(images)} images and labels of shape "
                f"{labels.shape}; check that both come from the same split."
            )
        if len(images) == 0:
            raise DataError(f"{where}: expected images, received none.")
        if labels.max() > 9:
            raise DataError(
                f"{where}: expected labels 0..9, received {int(labels.max())} at index {int(labels.argmax())}."
            )
        if images.mean() > 127:
            raise DataError(
                f"{where}: expected white digits on black, received mostly bright images (mean "
                f"{images.mean():.0f} of 255); invert them with 255 - images."
            )

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sha256(self) -> str:
        """Of the bare pixels, followed by the labels."""
        return hashlib.sha256(self.images.tobytes() + self.labels.tobytes()).hexdigest()

    def pixels(self, shape: tuple[int, ...]) -> npt.NDArray[np.float32]:
        """Return the images as a model takes them that was trained here: float32 (n, *shape), 0..1."""
        return self.images.reshape(-1, *shape).astype(np.float32) / np.float32(255)

    def take(self, indices: npt.NDArray[np.intp], split: str) -> Dataset:
        """Return the images at `indices` as a data set of their own, called `split`."""
        return Dataset(self.name, split, self.provenance, self.images[indices], self.labels[indices])


class Splits(NamedTuple):
    """The two halves of a data set: `train` to learn and calibrate on, `test` only to report."""

    train: Dataset
    test: Dataset


def hold_out(whole: Dataset, count: int, seed: int, names: tuple[str, str]) -> Splits:
    """Split `whole` in two, class by class alike: the rest, and `count` images held out.

    Raises
    ------
    DataError
        If there are too few images of a class to have it in both halves.

    Examples
    --------
    >>> import numpy as np
    >>> whole = Dataset("ten", "all", "made up", np.zeros((40, 28, 28), np.uint8), np.arange(40, dtype=np.uint8) % 10)
    >>> rest, held = hold_out(whole, 10, seed=0, names=("train", "validation"))
    >>> len(rest), np.bincount(held.labels).tolist()
    (30, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
    """
    from sklearn.model_selection import train_test_split

    try:
        rest, held = train_test_split(np.arange(len(whole)), test_size=count, random_state=seed, stratify=whole.labels)
    except ValueError as error:
        raise DataError(
            f"{whole.name}: expected enough images of each class to hold {count} of {len(whole)} out; {error}"
        ) from error
    return Splits(whole.take(np.sort(rest), names[0]), whole.take(np.sort(held), names[1]))
