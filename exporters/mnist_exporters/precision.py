"""`Precision`: the arithmetic of an exported file, and how much accuracy it may cost."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["TOLERANCES", "Precision"]


class Precision(StrEnum):
    """The type in which weights and activations are held and multiplied."""

    FLOAT32 = "float32"
    INT8 = "int8"

    @property
    def is_calibrated(self) -> bool:
        """Whether the ranges of its activations come from calibration images."""
        return self is Precision.INT8


TOLERANCES: dict[Precision, float] = {
    # Only the order of the additions differs, so no answer should change. 0.002 is what 1,384 images can prove when
    # none does, so that the 1,500 test images of `digits` suffice.
    Precision.FLOAT32: 0.002,
    # Measured on MNIST (docs/results.json): at most 0.01 points lost, at most 0.07 with 95 % confidence. The rest is
    # room for the user's own model and for small data sets: on the 1,500 test images of `digits`, which the ready
    # models find harder, up to a dozen answers change and 0.24 points is the upper end.
    Precision.INT8: 0.005,
}
"""Largest loss of accuracy, as a share 0..1, that is accepted unless the user says otherwise."""
