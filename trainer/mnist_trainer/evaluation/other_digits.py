"""Digits from other sources than a test set: by other writers, by a simulated pen, and corrupted ones."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mnist_trainer.augmentation.pen.draw import draw_digits
from mnist_trainer.data.dataset import Labels
from mnist_trainer.data.load import load_data
from mnist_trainer.evaluation.mnist_c import CORRUPTIONS

__all__ = ["SEED", "corrupted_digits", "other_digits", "pen_digits", "sklearn_digits"]

SEED = 2_147_000_000
"""Seed of the drawings. It is so high that trainings hardly ever use the same one."""

Digits = tuple[npt.NDArray[np.uint8], Labels]
"""Images, uint8 (n, 28, 28), and their labels."""


def sklearn_digits() -> Digits:
    """Return scikit-learn's 1,797 digits by 43 people, scaled to 28x28 pixels as in MNIST."""
    both = load_data("digits")
    return np.concatenate([part.images for part in both]), np.concatenate([part.labels for part in both])


def pen_digits(count: int) -> Digits:
    """Draw `count` digits with the simulated pen, in shapes that are never used for training."""
    return draw_digits(count, SEED, held_out=True)


def corrupted_digits(images: npt.NDArray[np.uint8], labels: Labels, count: int) -> Digits:
    """Corrupt `count` of `images`, equally many with each kind of `CORRUPTIONS` that needs no optional package."""
    chosen = np.random.default_rng(0).permutation(len(images))[:count]
    kinds = [corruption for corruption in CORRUPTIONS.values() if not corruption.needs_skimage]
    parts = [part for part in np.array_split(chosen, len(kinds)) if len(part)]
    found = [kind(images[part], number) for number, (kind, part) in enumerate(zip(kinds, parts, strict=False))]
    return np.concatenate(found), labels[np.concatenate(parts)]


def other_digits(dataset: str, images: npt.NDArray[np.uint8], labels: Labels, count: int) -> dict[str, Digits]:
    """Return up to `count` digits from each source other than the test set, the same ones at each call.

    Parameters
    ----------
    dataset : str
        Name of the test set. For ``"digits"``, scikit-learn's digits are left out.
    images, labels
        Images of the test set, uint8 (n, 28, 28) as in MNIST, and their labels.
    count : int
        Largest number of images from each source, at least 1.

    Examples
    --------
    >>> from mnist_trainer import load_data
    >>> test = load_data("digits").test
    >>> found = other_digits("mine", test.images, test.labels, 30)
    >>> {name: len(digits) for name, (digits, _) in found.items()}
    {"scikit-learn's": 30, 'pen': 30, 'corrupted': 30}
    """
    found = {"pen": pen_digits(count), "corrupted": corrupted_digits(images, labels, count)}
    if dataset == "digits":
        return found
    theirs, their_labels = sklearn_digits()
    chosen = np.random.default_rng(0).permutation(len(theirs))[:count]
    return {"scikit-learn's": (theirs[chosen], their_labels[chosen]), **found}
