"""`Treatment`: how a file differs from a plain export of its precision, and what each precision allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mnist_exporters.spec.precision import Precision

__all__ = ["HIGHER", "LOGITS_OUT", "PLAIN", "Treatment"]


@dataclass(frozen=True)
class Treatment:
    """What a converter does differently, so that a file passes the accuracy check that a plain export fails.

    Parameters
    ----------
    activation : {"", "reader", "float"}
        Where the last activation, a softmax or sigmoids, is computed. ``""``: in the file, in the file's precision.
        ``"reader"``: not in the file; its reader dequantizes the logits and applies it. ``"float"``: at the end of the
        file, in float32.
    layers : tuple of int
        Places, in `Contents.layers`, of the layers that keep more bits than the precision has; see `HIGHER`.

    Examples
    --------
    >>> Treatment() == PLAIN, bool(Treatment(layers=(0,)))
    (True, True)
    """

    activation: Literal["", "reader", "float"] = ""
    layers: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        """Return whether it changes anything."""
        return bool(self.activation or self.layers)


PLAIN = Treatment()
"""A plain export of the precision."""

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
"""Formats and precisions whose last activation is computed in integers, and can be moved out of them."""

HIGHER: dict[tuple[str, Precision], str] = {
    ("tflite", Precision.INT8): "float32",
    ("tflite", Precision.INT4): "int8",
    ("onnx", Precision.DYNAMIC): "float32",
    ("onnx", Precision.INT8): "float32",
    ("tflm", Precision.INT8): "float32",
}
"""Format and precision of which single layers can keep more bits -> type of their weights."""
