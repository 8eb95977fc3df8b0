"""The record that ``mnist-train`` writes beside a model: what it was trained on."""

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
"""Prefix of the digest of an image. Names and SHA-256 of sets lack it."""
BYTES = 6
"""Bytes of the SHA-256 of an image in a record. If it holds a million images, about one of 280 million others has the
digest of one of them."""
MOST_IMAGES = 1_000_000
"""Largest number of images with a digest in a record, for its size."""


def sets_seen_by(models: Iterable[str | Path]) -> set[str]:
    """Return what models were trained on, by the record beside each file.

    These are names and SHA-256 of sets, and the digest (`image_digest`) of each of the user's own images. What a model
    was trained on before it was tuned is included.

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
        seen |= _seen_in(record.get("seen"))
    return seen


def image_digest(image: bytes) -> str:
    """Return the digest of the pixels of an image, as `sets_seen_by` returns it."""
    return IMAGE + hashlib.sha256(image).hexdigest()[: 2 * BYTES]


def seen_facts(images: Iterable[bytes], before: Collection[str] = ()) -> dict[str, Any]:
    """Return the value of ``seen`` in a record: the images that train, and what was seen `before` a tuning.

    Parameters
    ----------
    images : iterable of bytes
        Pixels of each training image of the user.
    before : collection of str, optional
        What `sets_seen_by` returns for the model that is tuned.

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
    """Return what is in the value of ``seen`` of a record; nothing if it is not one that `seen_facts` has made."""
    try:
        content = base64.b64decode(facts["images"], validate=True).hex()
        sets = set(map(str, facts["sets"]))
    except (KeyError, TypeError, ValueError):
        return set()
    return sets | {IMAGE + content[place : place + 2 * BYTES] for place in range(0, len(content), 2 * BYTES)}


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
