"""`Precision`: number types inside an exported file, and the accuracy loss that each may cause."""

from __future__ import annotations

from enum import StrEnum

from mnist_exporters.errors import UsageError

__all__ = ["ALIASES", "PACKAGES", "TOLERANCES", "Precision", "parse_precision"]


class Precision(StrEnum):
    """Number types of the weights and activations in a file."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    """Weights float16, half the size of float32. The interpreter decides in which type it computes."""
    DYNAMIC = "dynamic"
    """Weights int8, activations float32, quantized during inference where that is faster. Not calibrated."""
    INT8 = "int8"
    """Weights and activations int8, calibrated."""
    INT4 = "int4"
    """As int8, but with 4-bit weights in all layers except the last and those without an int4 kernel."""
    INT16X8 = "int16x8"
    """Weights int8, activations int16, calibrated."""

    @property
    def is_calibrated(self) -> bool:
        """Whether the ranges of its activations come from calibration images."""
        return self in (Precision.INT8, Precision.INT4, Precision.INT16X8)


ALIASES: dict[str, Precision] = {
    "none": Precision.FLOAT32,
    **{precision.value: precision for precision in Precision},
    # Names of Ultralytics: bits, or bits of weights (w) and activations (a).
    "32": Precision.FLOAT32,
    "16": Precision.FLOAT16,
    "8": Precision.INT8,
    "4": Precision.INT4,
    "w8a8": Precision.INT8,
    "w4a8": Precision.INT4,
    "w8a16": Precision.INT16X8,
    "w8a32": Precision.DYNAMIC,
    # Recipe names of the LiteRT Quantizer.
    "static_wi8_ai8": Precision.INT8,
    "static_wi4_ai8": Precision.INT4,
    "static_wi8_ai16": Precision.INT16X8,
    "dynamic_wi8_afp32": Precision.DYNAMIC,
}
"""Accepted name -> precision: ``none``, the precisions' own names, and the names that other tools use."""


def parse_precision(name: str) -> Precision:
    """Return the precision with the name or alias `name`.

    Raises
    ------
    UsageError
        If `name` is not a key of `ALIASES`.

    Examples
    --------
    >>> parse_precision("w8a8").value
    'int8'
    """
    found = ALIASES.get(str(name))  # bits may be a number
    if found is None:
        raise UsageError(f"There is no precision {name!r}. Choose one of: {', '.join(ALIASES)}.")
    return found


TOLERANCES: dict[Precision, float] = {
    # Only the order of additions differs, so no answer should change. 1,384 images can prove 0.002 if none changes,
    # so the 1,500 test images of `digits` are enough.
    Precision.FLOAT32: 0.002,
    # A weight keeps eleven bits. Measured: no answer changes on MNIST (docs/results/exports.md); one of 1,500 on
    # `digits`, which may be 0.29 points with 95 % confidence.
    Precision.FLOAT16: 0.004,
    # Measured on MNIST (docs/results/exports.md): at most 0.02 points lost, at most 0.09 with 95 % confidence. The rest
    # is a margin for users' own models and for small data sets: on the 1,500 test images of `digits`, which are harder
    # for the ready models, up to nine right answers are gained or lost, and the upper bound is 0.41 points.
    Precision.DYNAMIC: 0.005,
    Precision.INT8: 0.005,
    # Measured on MNIST (docs/experiments/low-bit.md): at most 0.27 points lost, at most 0.46 with 95 % confidence. The
    # rest is a margin as above: on the 1,500 test images of `digits` the upper bound is 0.90 points.
    Precision.INT4: 0.01,
    # Measured on MNIST (docs/results/exports.md) and on `digits`: as int8, since the weights are those of int8.
    Precision.INT16X8: 0.005,
}
"""Precision -> default of the largest accepted accuracy loss, a fraction 0..1."""

PACKAGES: dict[Precision, str] = {Precision.INT4: "litert-quantizer"}
"""Precision -> a package that it needs in addition to its format's. The extra that installs it has the same name."""
