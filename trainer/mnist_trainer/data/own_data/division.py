"""Divide a data set into training and test images: to train a model, or to test one that was trained on other data."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.data.records import image_digest
from mnist_trainer.errors import DataError

__all__ = ["divide", "seen_images"]

TEST_FRACTION = 0.2
"""Fraction of test images if the rest is used for training."""
PROOF_FRACTION = 0.8
"""Fraction of test images if the rest is used only for calibration: a larger test set gives a stronger proof."""


def divide(whole: Dataset, seen: Collection[str] | None = None, base: Collection[str] = ()) -> Splits:
    """Divide `whole` into training and test images. The result is always the same.

    Both parts have the same class frequencies. Identical images are in the same part. The only image of a class goes
    into the larger part. Images on which a model was trained are not in the test part, unless it was trained on all.

    Parameters
    ----------
    whole : Dataset
        The data set to divide.
    seen : collection of str, optional
        None to train a model: 80 % are for training and 20 % for the test. To test models: what they were trained on,
        from `sets_seen_by`. If `whole` is among it, the parts are the same as for training. Otherwise 20 % are for
        calibration and 80 % for the test.
    base : collection of str, optional
        To tune a model: what it was trained on before, from `sets_seen_by`.

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
    is_seen = seen_images(whole, base if seen is None else seen)
    if seen is None or is_seen.any():
        return _held_out(whole, TEST_FRACTION if seen is None else PROOF_FRACTION, is_seen)
    splits = _held_out(whole, TEST_FRACTION, is_seen)
    names = {whole.name, splits.train.sha256, splits.test.sha256}
    return splits if names & set(seen) else _held_out(whole, PROOF_FRACTION, is_seen)


def seen_images(images: Dataset, seen: Collection[str]) -> npt.NDArray[np.bool_]:
    """Return a mask (n,) of the images that are among the digests in `seen`, from `sets_seen_by`."""
    known = set(seen)
    return np.array([image_digest(image.tobytes()) in known for image in images.images])


def _held_out(whole: Dataset, fraction: float, is_seen: npt.NDArray[np.bool_]) -> Splits:
    first: dict[bytes, int] = {}
    for index, image in enumerate(whole.images):
        first.setdefault(image.tobytes(), index)
    places = np.fromiter(first.values(), np.intp)
    distinct = whole.take(places, "all")
    least = len(np.unique(whole.labels))  # one image of each class
    if len(distinct) < 2 * least:
        one, several = ("digit", "digits") if whole.task.is_mnist else ("class", "classes")
        raise DataError(
            f"{whole.name}: {len(distinct):,} different images of {least} {several} are too few to divide. Give at "
            f"least two images of each {one}; fifty are better."
        )
    count = min(max(round(len(distinct) * fraction), least), len(distinct) - least)
    unseen = whole.take(places[~is_seen[places]], "all") if not is_seen.all() else distinct
    # The images that remain for training must contain all of their classes too.
    if count <= len(unseen) - len(np.unique(unseen.labels)):
        unseen = hold_out(unseen, count, seed=0, names=("train", "test")).test
    held = {image.tobytes() for image in unseen.images}
    is_held = np.array([image.tobytes() in held for image in whole.images])
    return Splits(whole.take(np.flatnonzero(~is_held), "train"), whole.take(np.flatnonzero(is_held), "test"))
