"""Detect images that are mirrored, rotated or not digits, and wrong labels, with the runtime's built-in model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from mnist_runtime import Classifier
from mnist_trainer.data.dataset import Labels

__all__ = ["doubts"]

Images = npt.NDArray[np.uint8]

IMAGES = 200
"""Number of images that are classified to check their orientation. Data sets with fewer images are not checked."""
LABELS = 1000
"""Largest number of images whose labels are compared with the model's answers."""
SURE, WRONG = 0.98, 0.01
"""A label is doubted if the model's answer differs and has at least the score `SURE`.

Doubted labels are reported if their fraction is at least `WRONG`. With the right labels, at most 0.1 % of a thousand
MNIST, USPS, Semeion or scikit-learn digits are doubted; with 10 % wrong labels, 5 % or more.
"""

WAYS: dict[str, tuple[str, Callable[[Images], Images]]] = {
    "mirrored at the diagonal, as in EMNIST": ("images.transpose(0, 2, 1)", lambda images: images.transpose(0, 2, 1)),
    "mirrored": ("images[:, :, ::-1]", lambda images: images[:, :, ::-1]),
    "upside down": ("images[:, ::-1, ::-1]", lambda images: images[:, ::-1, ::-1]),
    "mirrored from top to bottom": ("images[:, ::-1]", lambda images: images[:, ::-1]),
    "turned to the left": ("np.rot90(images, -1, (1, 2))", lambda images: np.rot90(images, -1, (1, 2))),
    "turned to the right": ("np.rot90(images, 1, (1, 2))", lambda images: np.rot90(images, 1, (1, 2))),
}
"""Orientation of the images -> Python code that makes them upright, and the same code as a function."""

CLEARLY_MORE = 0.2
"""Increase of the accuracy (a fraction) from which another orientation is reported."""

READ_WELL = 0.6
"""Accuracy in another orientation from which it is reported.

Some data sets consist of pictures that a model was unsure about. They have a low accuracy in every orientation.
"""

NO_DIGITS = 0.25
"""Accuracy in the best orientation up to which a note says that the images do not seem to be digits."""

SHIFTED = 0.8
"""Fraction of images with the same difference between answer and label from which shifted labels are reported."""


def doubts(images: Images, labels: Labels) -> list[str]:
    """Return notes on images that do not seem to be upright or digits, or on labels that seem to be wrong.

    Parameters
    ----------
    images : ndarray of shape (n, 28, 28), dtype uint8
        White on black.
    labels : ndarray of shape (n,), dtype uint8
        Digits 0..9.

    Returns
    -------
    list of str
        Notes for the user; empty if nothing is wrong.
    """
    if len(images) < IMAGES:
        return []
    chosen = np.random.default_rng(0).permutation(len(images))[:LABELS]
    images, labels = images[chosen], labels[chosen]
    with Classifier.load(backend="numpy") as ready:
        scores = ready.predict_proba(images[:IMAGES])
        wrong_labels: list[str] = []
        if _are_wrong(scores, labels[:IMAGES]).any():  # usually none is wrong; then skip the other images
            scores = np.concatenate([scores, ready.predict_proba(images[IMAGES:])])
            wrong_labels = _wrong_labels(scores, labels)
        images, labels, answers = images[:IMAGES], labels[:IMAGES], scores[:IMAGES].argmax(axis=1)
        right = float((answers == labels).mean())
        if right > 1 - CLEARLY_MORE:
            return wrong_labels
        shift, fraction = _shift(answers, labels)
        if shift and fraction >= SHIFTED:
            return [
                f"a ready model reads {fraction:.0%} of {len(images)} images as the label plus {shift} (10 is 0). "
                "Check the labels."
            ]
        found = {
            way: float((ready.predict(np.ascontiguousarray(turn(images))) == labels).mean())
            for way, (_, turn) in WAYS.items()
        }
    way = max(found, key=lambda name: found[name])
    if max(right, found[way]) <= NO_DIGITS:
        return [
            f"a ready model reads {right:.0%} of {len(images)} images as their labels, so they may be no digits. Name "
            "other classes with --labels A,B,..."
        ]
    if found[way] < max(READ_WELL, right + CLEARLY_MORE):
        return wrong_labels
    return [
        f"the images seem to be {way}: a ready model reads {right:.0%} of {len(images)} as they are, and "
        f"{found[way]:.0%} after {WAYS[way][0]}. A device sees digits upright."
    ]


def _are_wrong(scores: npt.NDArray[np.float32], labels: Labels) -> npt.NDArray[np.bool_]:
    """Return a mask of the images for which the model is sure of an answer that differs from the label."""
    found: npt.NDArray[np.bool_] = (scores.argmax(axis=1) != labels) & (scores.max(axis=1) >= SURE)
    return found


def _wrong_labels(scores: npt.NDArray[np.float32], labels: Labels) -> list[str]:
    """Return a note if the model is sure of an answer that differs from the label for several images."""
    wrong = _are_wrong(scores, labels)
    if wrong.mean() < WRONG:
        return []
    pairs, counts = np.unique(
        np.stack([labels[wrong], scores[wrong].argmax(axis=1)], axis=1), axis=0, return_counts=True
    )
    label, answer = pairs[counts.argmax()]
    return [
        f"a ready model is sure that {wrong.sum():,} of {len(labels):,} images show another digit than their label: "
        f"most often {answer} with the label {label}. Check the labels. To see such test images: mnist-evaluate cnn "
        "--data DATA --report DIR"
    ]


def _shift(answers: npt.NDArray[np.int64], labels: Labels) -> tuple[int, float]:
    """Return the most frequent difference between answer and label, modulo 10, and the fraction of images with it."""
    counts = np.bincount((answers - labels) % 10, minlength=10)
    return int(counts.argmax()), float(counts.max() / max(1, len(labels)))
