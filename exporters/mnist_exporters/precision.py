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
    # @INT8@
    Precision.INT8: 0.005,
}
"""Largest loss of accuracy, as a share 0..1, that is accepted unless the user says otherwise."""
