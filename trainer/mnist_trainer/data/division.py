"""Divide an undivided data set: for training, or for testing a model that was trained on other data."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.errors import DataError

__all__ = ["divide", "rejects_non_digits", "sets_seen_by"]

TEST_FRACTION = 0.2
"""Fraction of an undivided set that is tested if the rest trains."""
PROOF_FRACTION = 0.8
"""Fraction of an undivided set that is tested if the rest only calibrates: a larger test set proves more."""
LARGEST_RECORD = 1 << 24


def divide(whole: Dataset, seen: Collection[str] | None = None) -> Splits:
    """Divide `whole`, always in the same way, with the same class frequencies; copies of an image stay in one part.

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
        If there are too few different images of a digit.

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
    least = len(np.unique(whole.labels))  # one image of each digit
    if len(distinct) < 2 * least:
        raise DataError(
            f"{whole.name}: {len(distinct):,} different images of {least} digits are too few to divide. Give at "
            "least two, better fifty, images of each digit."
        )
    count = min(max(round(len(distinct) * fraction), least), len(distinct) - least)
    held = {image.tobytes() for image in hold_out(distinct, count, seed=0, names=("train", "test")).test.images}
    is_held = np.array([image.tobytes() in held for image in whole.images])
    return Splits(whole.take(np.flatnonzero(~is_held), "train"), whole.take(np.flatnonzero(is_held), "test"))


def sets_seen_by(models: Iterable[str | Path]) -> set[str]:
    """Return names and SHA-256 of the sets on which models were trained, by the record beside each file.

    Parameters
    ----------
    models : iterable of str or Path
        Paths of ``.keras`` files, such as those of ready models. A model without a record counts as trained elsewhere.
    """
    seen: set[str] = set()
    for model in models:
        record = _record(model)
        seen.add(str(record.get("dataset")))
        digests = record.get("dataset_sha256")
        seen.update(map(str, digests.values()) if isinstance(digests, dict) else ())
    return seen


def rejects_non_digits(model: str | Path) -> bool | None:
    """Return whether a model was trained on pictures without a digit too, by the record beside it; None without one."""
    recipe = _record(model).get("recipe")
    return bool(recipe.get("non_digits")) if isinstance(recipe, dict) else None


def _record(model: str | Path) -> dict[str, Any]:
    """Return the record of the training that ``mnist-train`` writes beside a model; {} if there is none."""
    path = Path(model).with_suffix(".json")
    try:
        if path.stat().st_size > LARGEST_RECORD:
            return {}
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
