"""The record that ``mnist-train`` writes beside a model: what it was trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, get_args

from mnist_runtime.artifact.task import DIGITS, Preparation, Task

__all__ = ["read_record", "recorded_task", "rejects_non_digits", "sets_seen_by"]

LARGEST_RECORD = 1 << 24
PREPARATIONS = get_args(Preparation)


def sets_seen_by(models: Iterable[str | Path]) -> set[str]:
    """Return names and SHA-256 of the sets on which models were trained, by the record beside each file.

    Parameters
    ----------
    models : iterable of str or Path
        Paths of ``.keras`` files, such as those of ready models. A model without a record counts as trained elsewhere.
    """
    seen: set[str] = set()
    for model in models:
        record = read_record(model)
        seen.add(str(record.get("dataset")))
        digests = record.get("dataset_sha256")
        seen.update(map(str, digests.values()) if isinstance(digests, dict) else ())
    return seen


def rejects_non_digits(model: str | Path) -> bool | None:
    """Return whether a model was trained on pictures without a digit too, by the record beside it; None without one."""
    recipe = read_record(model).get("recipe")
    return bool(recipe.get("non_digits")) if isinstance(recipe, dict) else None


def recorded_task(model: str | Path) -> Task | None:
    """Return the images and classes that a model was trained on, by the record beside it; None without a record."""
    record = read_record(model)
    if "architecture" not in record or "pixel_range" not in record:
        return None  # another tool's file
    facts = record.get("task")
    if facts is None:
        return DIGITS
    try:
        height, width, channels = (facts[name] for name in ("height", "width", "channels"))
        is_known = {type(height), type(width), type(channels)} == {int} and facts["preparation"] in PREPARATIONS
        labels = tuple(map(str, facts["labels"]))
        return Task(height, width, channels, labels, facts["preparation"]) if is_known else None
    except (KeyError, TypeError, ValueError):
        return None


def read_record(model: str | Path) -> dict[str, Any]:
    """Return the record of the training that ``mnist-train`` writes beside a model; {} if there is none.

    A record with the SHA-256 of a ``.keras`` file is that of this file only: another one in its place has no record.
    """
    path = Path(model).with_suffix(".json")
    try:
        if path.stat().st_size > LARGEST_RECORD:
            return {}
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) and not _is_of_another(record, Path(model)) else {}


def _is_of_another(record: dict[str, Any], model: Path) -> bool:
    """Return whether the record has the SHA-256 of another ``.keras`` file than `model`. Older records have none."""
    known = record.get("model_sha256")
    if known is None or model.suffix != ".keras" or not model.is_file():
        return False
    try:
        with model.open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() != known)
    except OSError:  # reported when the model is loaded
        return False
