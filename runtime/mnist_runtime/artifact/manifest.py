"""`Manifest`: what a file says about itself. The exporter writes it, the device reads it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mnist_runtime.errors import ArtifactError

__all__ = ["Manifest"]

SCHEMA = 1
"""Version of the layout of the manifest; raised when an older runtime could no longer read it."""

SCALED_INPUTS: dict[str, tuple[float, float]] = {"int8": (-128, 127), "float32": (-1e30, 1e30)}
"""The types besides uint8 that an input may have, and between what a scaled pixel may lie."""


@dataclass(frozen=True)
class Manifest:
    """The facts inside an artifact.

    Parameters
    ----------
    name : str
        Of the model, such as ``"cnn"``.
    format, precision : str
        Such as ``"tflite"`` and ``"int8"``.
    labels : tuple of str
        What the ten scores stand for, in order.
    scores : str
        ``"softmax"``: a row sums to one. ``"sigmoid"``: each class for itself.
    input, output : dict
        ``dtype`` and ``shape`` (with None for the number of images) of the two tensors. An input of another type than
        uint8, the raw pixel, also has ``scale`` and ``offset``: it takes ``pixel * scale + offset``.
    preparation : dict
        How `mnist_runtime.prepare` makes a picture into pixels, in words.
    source : dict
        The Keras model that was exported: SHA-256 of its file, number of parameters, range of pixels.
    tools : dict of str to str
        Versions that made the file.
    golden : dict of str to str
        ``backend``, ``version`` and ``machine`` that recorded the golden scores.
    requires : dict
        What an interpreter must know to load the model: versions of the operators, or opset and IR version.
    threshold : float
        Confidence, 0..1, below which a picture is said to show no digit. 0 where any answer counts.
    calibration : dict or None
        Images that set the integer ranges: data set, number, seed, SHA-256. None where nothing was quantised.
    parity : dict or None
        The proof on real images. None only while an export is not yet proven.
    schema : int
        Version of this layout.
    """

    name: str
    format: str
    precision: str
    labels: tuple[str, ...]
    scores: str
    input: dict[str, Any]
    output: dict[str, Any]
    preparation: dict[str, Any]
    source: dict[str, Any]
    tools: dict[str, str]
    golden: dict[str, str]
    requires: dict[str, Any] = dataclasses.field(default_factory=dict)
    threshold: float = 0.0
    calibration: dict[str, Any] | None = None
    parity: dict[str, Any] | None = None
    schema: int = SCHEMA

    def to_json(self) -> str:
        """Return the manifest as JSON, the same text for the same facts."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest; keys that a later exporter may have added are passed over.

        Raises
        ------
        ArtifactError
            If it is not a manifest, or of a schema that this version cannot read.

        Examples
        --------
        >>> Manifest.from_json('{"schema": 9}')
        Traceback (most recent call last):
            ...
        mnist_runtime.errors.ArtifactError: Expected a manifest of schema 1, received 9; update mnist-runtime.
        """
        try:
            facts = json.loads(text)
            schema = facts["schema"]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArtifactError(f"Expected a manifest as JSON, received something else ({error}).") from error
        if schema != SCHEMA:
            raise ArtifactError(
                f"Expected a manifest of schema {SCHEMA}, received {schema!r:.40}; update mnist-runtime."
            )
        known = {name: facts[name] for name in RULES if name in facts}
        for name, value in known.items():
            wanted, is_kept = RULES[name]
            if not is_kept(value):
                raise ArtifactError(
                    f"Expected {wanted} as {name!r} in the manifest, received {value!r:.40}; export the model again."
                )
        try:
            return cls(**{**known, "labels": tuple(facts["labels"])})
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"Expected a complete manifest, received one that lacks a key ({error}).") from error


def _is_text(value: Any) -> bool:
    """Say whether it is a text that may be shown: nothing in it can steer a terminal or fail to be written."""
    return isinstance(value, str) and value.isprintable()


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high  # no nan either


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_ten_texts(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 10 and all(map(_is_text, value))


def _is_input(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("dtype") not in ["uint8", *SCALED_INPUTS]:
        return False
    if value["dtype"] == "uint8":
        return True
    low, high = SCALED_INPUTS[value["dtype"]]
    scale: Any = value.get("scale")
    offset: Any = value.get("offset")
    are_numbers = _is_number(scale, -1e30, 1e30) and _is_number(offset, -1e30, 1e30)
    return are_numbers and all(low <= pixel * scale + offset <= high for pixel in (0, 255))


RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a text", _is_text),
    "format": ("a text", _is_text),
    "precision": ("a text", _is_text),
    "labels": ("ten texts", _is_ten_texts),
    "scores": ("a text", _is_text),
    "input": ("uint8, or int8 or float32 with a scale and an offset that suit it,", _is_input),
    "output": ("an object", _is_object),
    "preparation": ("an object", _is_object),
    "source": ("an object", _is_object),
    "tools": ("an object of texts", _is_object_of_texts),
    "golden": ("an object of texts", _is_object_of_texts),
    "requires": ("an object", _is_object),
    "threshold": ("a number from 0 to 1", lambda value: _is_number(value, 0, 1)),
    "calibration": ("an object or null", lambda value: value is None or _is_object(value)),
    "parity": ("an object or null", lambda value: value is None or _is_object(value)),
    "schema": (f"the number {SCHEMA}", lambda value: _is_number(value, SCHEMA, SCHEMA)),
}
"""Field -> what it must be, in words and as a check: a file with a right digest may still be made by anybody."""
