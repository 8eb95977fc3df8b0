"""`Manifest`: the facts about a model inside its file. The exporter writes it, the device reads it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS, SIDES, Task
from mnist_runtime.errors import ArtifactError

__all__ = ["Manifest"]

SCHEMA = 1
"""Schema of most files."""
LOGITS_SCHEMA = 2
"""Schema of files that older runtimes would misread: with logits, another input, or another task than `DIGITS`."""
SCHEMAS = (SCHEMA, LOGITS_SCHEMA)
"""Schemas that this runtime reads."""

ACTIVATIONS = ("sigmoid", "softmax")
"""Activations that a reader can apply to logits; see `mnist_runtime.prediction.scores_of_logits`."""

SCALED_INPUTS: dict[str, tuple[float, float]] = {"int8": (-129, 128), "uint8": (-1, 256), "float32": (-1e30, 1e30)}
"""Input type -> allowed range of a scaled pixel; one step wider than an integer type, since ranges are measured."""

IMAGES = [None, *DIGITS.tensor_shape]
"""Shape of an input if the manifest states none."""
MOST_PIXELS = 3 * SIDES[-1] ** 2
"""Number of values of the largest image."""


@dataclass(frozen=True)
class Manifest:
    """The facts inside an artifact.

    Parameters
    ----------
    name : str
        Name of the model, such as ``"cnn"``.
    format, precision : str
        Such as ``"tflite"`` and ``"int8"``.
    labels : tuple of str
        Names of the scores, in order.
    scores : str
        ``"softmax"`` or ``"sigmoid"``.
    input, output : dict
        ``dtype`` and ``shape`` (None: number of images; then height, width and channels, or number of scores). An
        input that is not uint8 has ``scale`` and ``offset``: its values are ``pixel * scale + offset``. A file of
        another tool may have a ``tensor_shape``: 1 or None for the number of images, and the shape of one. An output
        with an ``activation`` is logits: the reader dequantizes them and applies this activation to get the scores.
    preparation : dict
        Settings of `mnist_runtime.prepare`; ``{"kind": "plain"}`` for pictures that are only resized.
    source : dict
        The Keras model: SHA-256, number of parameters, pixel range, and whether it was trained on pictures without a
        digit (None: not known).
    tools : dict of str to str
        Versions of the packages that made the file.
    golden : dict of str to str
        ``backend``, ``version`` and ``machine`` of the golden scores.
    requires : dict
        TFLite: versions of the operators. ONNX: opset and IR version.
    threshold : float
        Confidence, 0..1, below which a picture gets no label.
    calibration : dict or None
        Data set, number, seed and SHA-256 of the calibration images; None without quantization.
    parity : dict or None
        Result of the accuracy check; None before it.
    repair : dict or None
        How the file differs from a plain export, which failed the accuracy check; None for a plain export.
    schema : int
        Version of the layout.
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
    repair: dict[str, Any] | None = None
    schema: int = SCHEMA

    @property
    def task(self) -> Task:
        """Size and channels of the images, labels and preparation.

        Raises
        ------
        ArtifactError
            If this runtime does not support them; `from_json` checks that.
        """
        _, height, width, channels = self.input.get("shape", IMAGES)
        kind = self.preparation.get("kind", "mnist")
        if kind not in ("mnist", "plain"):
            raise ArtifactError(
                f"The manifest has the preparation {kind!r:.40}, not 'mnist' or 'plain'. Update mnist-runtime."
            )
        try:
            return Task(height, width, channels, self.labels, kind)
        except ValueError as error:
            raise ArtifactError(f"The manifest cannot be used: {error}. Export the model again.") from error

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of one image in the input of the model, often ``(h, w, channels)``."""
        return tuple(self.input.get("tensor_shape", [None, *self.task.tensor_shape])[1:])

    def to_json(self) -> str:
        """Return the manifest as JSON; equal manifests give equal text."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str | bytes) -> Manifest:
        """Read a manifest. Unknown keys, which later exporters may add, are ignored.

        Raises
        ------
        ArtifactError
            If it is not a manifest, or its schema is too new.

        Examples
        --------
        >>> Manifest.from_json('{"schema": 9}')
        Traceback (most recent call last):
            ...
        mnist_runtime.errors.ArtifactError: The manifest has schema 9, not 1 or 2. Update mnist-runtime.
        """
        try:
            facts = json.loads(text, parse_float=_finite, parse_constant=_finite)
            schema = facts["schema"]
            is_safe = all(map(str.isprintable, _texts(facts)))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ArtifactError(f"The manifest is not valid JSON ({error}). Export the model again.") from error
        if schema not in SCHEMAS:
            known_schemas = " or ".join(map(str, SCHEMAS))
            raise ArtifactError(f"The manifest has schema {schema!r:.40}, not {known_schemas}. Update mnist-runtime.")
        known = {name: facts[name] for name in RULES if name in facts}
        for name, value in known.items():
            wanted, is_valid = RULES[name]
            if not is_valid(value):
                raise ArtifactError(
                    f"{name!r} in the manifest is {value!r:.40}, but must be {wanted}. Export the model again."
                )
        if not is_safe:
            raise ArtifactError("The manifest has control characters in a text. Export the model again.")
        try:
            manifest = cls(**{**known, "labels": tuple(facts["labels"])})
        except (KeyError, TypeError) as error:
            raise ArtifactError(f"The manifest lacks a key ({error}). Export the model again.") from error
        manifest._check_schema()
        manifest._check_tensor()
        return manifest

    def _check_schema(self) -> None:
        """Reject a file with schema 1 that needs schema 2: older runtimes would misread it."""
        is_other_input = "tensor_shape" in self.input or (self.input["dtype"] == "uint8" and "scale" in self.input)
        extensions = {
            "logits": "activation" in self.output,
            "this kind of input": is_other_input,
            "other images or labels than MNIST's": self.task != DIGITS,
        }
        for what, is_used in extensions.items():
            if is_used and self.schema < LOGITS_SCHEMA:
                raise ArtifactError(
                    f"The manifest has schema {self.schema}, which does not allow {what}. Export the model again."
                )

    def _check_tensor(self) -> None:
        """Reject a tensor shape that does not fit an image, or with an unknown order of the colors."""
        shape, task = self.tensor_shape, self.task
        known = (task.tensor_shape, (task.channels, task.height, task.width), (task.pixels,))
        if math.prod(shape) != task.pixels or (task.channels > 1 and shape not in known):
            raise ArtifactError(
                f"The manifest cannot be used: a tensor {shape} does not hold an image {task.tensor_shape}. "
                "Export the model again."
            )


def _finite(text: str) -> float:
    """Return the number in `text`; reject nan and infinity, which JSON does not have."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text:.20} is not a finite number")
    return value


def _texts(value: Any) -> Iterator[str]:
    """Yield all keys and strings in a value of JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _is_text(value: Any) -> bool:
    """Return whether it is a string without control characters, which could change a terminal."""
    return isinstance(value, str) and value.isprintable()


def _is_number(value: Any, low: float, high: float) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and low <= value <= high  # false for NaN


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _is_labels(value: Any) -> bool:
    return isinstance(value, list) and 2 <= len(value) <= MOST_LABELS and all(map(_is_text, value))


def _is_input(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("dtype") not in [*SCALED_INPUTS]:
        return False
    if not _is_tensor_shape(value.get("tensor_shape", IMAGES)) or not _is_shape(value.get("shape", IMAGES)):
        return False
    if value["dtype"] == "uint8" and "scale" not in value:
        return True
    low, high = SCALED_INPUTS[value["dtype"]]
    scale: Any = value.get("scale")
    offset: Any = value.get("offset")
    are_numbers = _is_number(scale, -1e30, 1e30) and _is_number(offset, -1e30, 1e30)
    return are_numbers and all(low <= pixel * scale + offset <= high for pixel in (0, 255))


def _is_tensor_shape(value: Any) -> bool:
    """Return whether it is a list of 1 or None, then one to three whole numbers."""
    if not isinstance(value, list) or not 2 <= len(value) <= 4 or value[0] not in (1, None):
        return False
    return all(_is_number(axis, 1, MOST_PIXELS) and isinstance(axis, int) for axis in value[1:])


def _is_shape(value: Any) -> bool:
    """Return whether it is a list of None, then three whole numbers; `Task` checks their bounds."""
    return isinstance(value, list) and len(value) == 4 and value[0] is None and _is_tensor_shape(value)


def _is_output(value: Any) -> bool:
    return isinstance(value, dict) and value.get("activation", ACTIVATIONS[0]) in ACTIVATIONS


RULES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "name": ("a string", _is_text),
    "format": ("a string", _is_text),
    "precision": ("a string", _is_text),
    "labels": (f"2 to {MOST_LABELS:,} strings", _is_labels),
    "scores": ("a string", _is_text),
    "input": ("uint8, or int8 or float32 with a scale and an offset, and have shapes of images", _is_input),
    "output": (f"an object, with the activation {' or '.join(ACTIVATIONS)} if any", _is_output),
    "preparation": ("an object", _is_object),
    "source": ("an object", _is_object),
    "tools": ("an object of strings", _is_object_of_texts),
    "golden": ("an object of strings", _is_object_of_texts),
    "requires": ("an object", _is_object),
    "threshold": ("a number from 0 to 1", lambda value: _is_number(value, 0, 1)),
    "calibration": ("an object or null", lambda value: value is None or _is_object(value)),
    "parity": ("an object or null", lambda value: value is None or _is_object(value)),
    "repair": ("an object or null", lambda value: value is None or _is_object(value)),
    "schema": (f"one of {SCHEMAS}", lambda value: _is_number(value, min(SCHEMAS), max(SCHEMAS))),
}
"""Field -> description and check of its values."""
