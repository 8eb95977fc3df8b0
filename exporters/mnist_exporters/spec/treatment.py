"""`Treatment`: the repairs of an export, and which of them each format and precision allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mnist_exporters.spec.precision import Precision

__all__ = ["HIGHER", "LOGITS_OUT", "PLAIN", "Treatment"]


@dataclass(frozen=True)
class Treatment:
    """Repairs that a converter applies so that an export passes the accuracy check.

    Parameters
    ----------
    activation : {"", "reader", "float"}
        Where the last activation, a softmax or sigmoids, is computed. ``""``: in the file, in the file's precision.
        ``"reader"``: not in the file; the program that reads the logits dequantizes them and applies the activation.
        ``"float"``: at the end of the file, in float32.
    layers : tuple of int
        Indices in `Contents.layers` of the layers with more bits than the precision has; see `HIGHER`.

    Examples
    --------
    >>> Treatment() == PLAIN, bool(Treatment(layers=(0,)))
    (True, True)
    """

    activation: Literal["", "reader", "float"] = ""
    layers: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Return whether any repair is applied."""
        return bool(self.activation or self.layers)


PLAIN = Treatment()
"""An export without repairs."""

LOGITS_OUT: frozenset[tuple[str, Precision]] = frozenset(
    {
        ("tflite", Precision.INT8),
        ("tflite", Precision.INT4),
        ("tflite", Precision.INT16X8),
        ("onnx", Precision.INT8),
        ("c", Precision.INT8),
        ("c", Precision.INT16X8),
        ("web", Precision.INT8),
        ("web", Precision.INT16X8),
        ("tflm", Precision.INT8),
    }
)
"""Formats and precisions that compute the last activation in integers, and can also leave it out or use float32."""

HIGHER: dict[tuple[str, Precision], str] = {
    ("tflite", Precision.INT8): "float32",
    ("tflite", Precision.INT4): "int8",
    ("onnx", Precision.DYNAMIC): "float32",
    ("onnx", Precision.INT8): "float32",
    ("tflm", Precision.INT8): "float32",
}
"""(format, precision) in which single layers can have more bits -> weight type of these layers."""
