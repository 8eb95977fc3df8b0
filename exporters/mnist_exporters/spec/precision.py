"""`Precision`: the arithmetic of an exported file, and how much accuracy it may cost."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["ALIASES", "PACKAGES", "TOLERANCES", "Precision"]


class Precision(StrEnum):
    """The type in which weights and activations are held and multiplied."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """Weights of half the size; what is computed in float16 is up to the device."""
    DYNAMIC = "dynamic"
    """Weights int8; activations float32, quantised on the fly where that is faster. Needs no calibration."""
    INT8 = "int8"
    """Weights and activations int8, their ranges set by calibration images."""
    INT4 = "int4"
    """As int8, with weights of four bits in all layers but the last."""
    INT16X8 = "int16x8"
    """Weights int8, activations int16, their ranges set by calibration images."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the ranges of its activations come from calibration images."""
        return self in (Precision.INT8, Precision.INT4, Precision.INT16X8)


ALIASES: dict[str, Precision] = {
    "none": Precision.FLOAT32,
    **{precision.value: precision for precision in Precision},
    # Bits, and weight and activation bits, as Ultralytics writes them.
    "32": Precision.FLOAT32,
    "16": Precision.FLOAT16,
    "8": Precision.INT8,
    "4": Precision.INT4,
    "w8a8": Precision.INT8,
    "w4a8": Precision.INT4,
    "w8a16": Precision.INT16X8,
    "w8a32": Precision.DYNAMIC,
    # The recipes of the LiteRT Quantizer.
    "static_wi8_ai8": Precision.INT8,
    "static_wi4_ai8": Precision.INT4,
    "static_wi8_ai16": Precision.INT16X8,
    "dynamic_wi8_afp32": Precision.DYNAMIC,
}
"""What `--quantize` understands: ``none``, the precisions' own names, and what other tools call them."""

TOLERANCES: dict[Precision, float] = {
    # Only the order of the additions differs, so no answer should change. 0.002 is what 1,384 images can prove when
    # none does, so that the 1,500 test images of `digits` suffice.
    Precision.FLOAT32: 0.002,
    # Eleven bits of a weight remain. Measured on MNIST (docs/results.json): no answer changes; on `digits`, one of
    # 1,500, which with 95 % confidence may be 0.29 points.
    Precision.FLOAT16: 0.004,
    # Measured on MNIST (docs/results.json): at most 0.02 points lost, at most 0.09 with 95 % confidence. The rest is
    # room for the user's own model and for small data sets: on the 1,500 test images of `digits`, which the ready
    # models find harder, up to nine right answers are gained or lost and 0.41 points is the upper end.
    Precision.DYNAMIC: 0.005,
    Precision.INT8: 0.005,
    # Measured on MNIST (docs/low-bit.json): at most 0.27 points lost, at most 0.46 with 95 % confidence. The rest is
    # room as above: on the 1,500 test images of `digits`, 0.90 points is the upper end.
    Precision.INT4: 0.01,
    # Measured on MNIST (docs/results.json) and on `digits`: as int8, since the weights are those of int8.
    Precision.INT16X8: 0.005,
}
"""Largest loss of accuracy, as a share 0..1, that is accepted unless the user says otherwise."""

PACKAGES: dict[Precision, str] = {Precision.INT4: "litert-quantizer"}
"""What a precision needs besides its format's packages; the extra that installs it is called as the precision."""
