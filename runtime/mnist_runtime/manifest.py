"""`Manifest`: what a file says about itself. The exporter writes it, the device reads it."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from mnist_runtime.errors import ArtifactError

__all__ = ["Manifest"]

SCHEMA = 1
"""Version of the layout of the manifest; raised when an older runtime could no longer read it."""


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
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"Expected a manifest as JSON, received something else ({error}).") from error
        if schema != SCHEMA:
            raise ArtifactError(f"Expected a manifest of schema {SCHEMA}, received {schema}; update mnist-runtime.")
        known = {field.name for field in dataclasses.fields(cls)}
        try:
            facts["labels"] = tuple(facts["labels"])
            return cls(**{key: value for key, value in facts.items() if key in known})
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"Expected a complete manifest, received one that lacks a key ({error}).") from error
