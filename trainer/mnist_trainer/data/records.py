"""Read the training record, a JSON file beside a model, in which ``mnist-train`` stores what it was trained on."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, get_args

from mnist_runtime.artifact.task import DIGITS, Preparation, Task

__all__ = ["image_digest", "read_record", "recorded_task", "rejects_non_digits", "seen_facts", "sets_seen_by"]

LARGEST_RECORD = 1 << 24
PREPARATIONS = get_args(Preparation)
IMAGE = "image:"
"""Prefix of the digest of an image. It distinguishes the digest from the name or SHA-256 of a data set."""
BYTES = 6
"""Number of bytes of an image's SHA-256 that a record stores. If it stores a million images, about one of 280 million
other images matches by chance."""
MOST_IMAGES = 1_000_000
"""Largest number of image digests in a record, to limit its size."""


def sets_seen_by(models: Iterable[str | Path]) -> set[str]:
    """Return what models were trained on, from the training record beside each file.

    The result contains names and SHA-256 of data sets, and the digest (`image_digest`) of each of the user's own
    images. For a tuned model, it includes what the model was trained on before.

    Parameters
    ----------
    models : iterable of str or Path
        Paths of ``.keras`` files, such as those of ready models. A model without a record counts as trained on
            other data: its entry is ``"None"``.
    """
    seen: set[str] = set()
    for model in models:
        record = read_record(model)
        seen.add(str(record.get("dataset")))
        digests = record.get("dataset_sha256")
        seen.update(map(str, digests.values()) if isinstance(digests, dict) else ())
        seen |= _seen_in(record.get("seen"))
    return seen


def image_digest(image: bytes) -> str:
    """Return the digest of the pixels of an image, as `sets_seen_by` returns it."""
    return IMAGE + hashlib.sha256(image).hexdigest()[: 2 * BYTES]


def seen_facts(images: Iterable[bytes], before: Collection[str] = ()) -> dict[str, Any]:
    """Return the value of the key ``seen`` in a training record: what the model was trained on.

    Parameters
    ----------
    images : iterable of bytes
        Pixels of each of the user's training images.
    before : collection of str, optional
        For a tuned model: the result of `sets_seen_by` for the model before the tuning.

    Examples
    --------
    >>> seen_facts([b"a", b"b"], before={"mnist", image_digest(b"c")})
    {'sets': ['mnist'], 'images': 'Ln0sA6lQPiPoFgA5ypeBEsob'}
    """
    digests = {image_digest(image) for image in images} | {name for name in before if name.startswith(IMAGE)}
    content = b"".join(bytes.fromhex(digest.removeprefix(IMAGE)) for digest in sorted(digests)[:MOST_IMAGES])
    return {
        "sets": sorted({*before} - digests - {str(None)}),
        "images": base64.b64encode(content).decode(),
    }


def _seen_in(facts: Any) -> set[str]:
    """Return the set of names and digests in the value of ``seen``; empty if `seen_facts` did not write the value."""
    try:
        content = base64.b64decode(facts["images"], validate=True).hex()
        sets = set(map(str, facts["sets"]))
    except (KeyError, TypeError, ValueError):
        return set()
    return sets | {IMAGE + content[place : place + 2 * BYTES] for place in range(0, len(content), 2 * BYTES)}


def rejects_non_digits(model: str | Path) -> bool | None:
    """Return whether a model was also trained on pictures without a digit; None if it has no training record."""
    recipe = read_record(model).get("recipe")
    return bool(recipe.get("non_digits")) if isinstance(recipe, dict) else None


def recorded_task(model: str | Path) -> Task | None:
    """Return the form of the images and the classes that a model was trained on; None if it has no training record."""
    record = read_record(model)
    if "architecture" not in record or "pixel_range" not in record:
        return None  # a file of another tool
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
    """Return the training record beside a model, which ``mnist-train`` writes; {} if there is none.

    If the record contains the SHA-256 of its model, it counts only for that file. If the model file was replaced, the
    result is {}.
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
    """Return whether the record contains the SHA-256 of another file than `model`. Older records contain none."""
    known = record.get("model_sha256")
    if known is None or model.suffix != ".keras" or not model.is_file():
        return False
    try:
        with model.open("rb") as file:
            return bool(hashlib.file_digest(file, "sha256").hexdigest() != known)
    except OSError:  # reported when the model is loaded
        return False
