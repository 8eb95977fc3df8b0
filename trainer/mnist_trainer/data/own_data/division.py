"""Divide an undivided data set: for training, or for testing a model that was trained on other data."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.errors import DataError

__all__ = ["divide"]

TEST_FRACTION = 0.2
"""Fraction of an undivided set that is tested if the rest trains."""
PROOF_FRACTION = 0.8
"""Fraction of an undivided set that is tested if the rest only calibrates: a larger test set proves more."""


def divide(whole: Dataset, seen: Collection[str] | None = None) -> Splits:
    """Divide `whole`, always in the same way, with the same class frequencies; copies of an image stay in one part.

    If a class has only one image, it goes into the larger part.

    Parameters
    ----------
    whole : Dataset
        The undivided set.
    seen : collection of str, optional
        None to train: four fifths for training, one for the test. To test models: names and SHA-256 of the sets that
        they were trained on. If `whole` is among them, it is divided as for training, so that no image is tested on
        which a model was trained; otherwise one fifth calibrates and four are tested.

    Raises
    ------
    DataError
        If there are too few different images.

    Examples
    --------
    >>> images = np.arange(100, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    >>> whole = Dataset("mine", "all", "made up", images, np.arange(100, dtype=np.uint8) % 10)
    >>> [len(split) for split in divide(whole)], [len(split) for split in divide(whole, seen=["mnist"])]
    ([80, 20], [20, 80])
    """
    splits = _held_out(whole, TEST_FRACTION)
    names = {whole.name, splits.train.sha256, splits.test.sha256}
    return splits if seen is None or names & set(seen) else _held_out(whole, PROOF_FRACTION)


def _held_out(whole: Dataset, fraction: float) -> Splits:
    first: dict[bytes, int] = {}
    for index, image in enumerate(whole.images):
        first.setdefault(image.tobytes(), index)
    distinct = whole.take(np.fromiter(first.values(), np.intp), "all")
    least = len(np.unique(whole.labels))  # one image of each class
    if len(distinct) < 2 * least:
        one, several = ("digit", "digits") if whole.task.is_mnist else ("class", "classes")
        raise DataError(
            f"{whole.name}: {len(distinct):,} different images of {least} {several} are too few to divide. Give at "
            f"least two, better fifty, images of each {one}."
        )
    count = min(max(round(len(distinct) * fraction), least), len(distinct) - least)
    held = {image.tobytes() for image in hold_out(distinct, count, seed=0, names=("train", "test")).test.images}
    is_held = np.array([image.tobytes() in held for image in whole.images])
    return Splits(whole.take(np.flatnonzero(~is_held), "train"), whole.take(np.flatnonzero(is_held), "test"))
