"""`ExportSpec`: what is asked for. An impossible one cannot be made."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.errors import UsageError
from mnist_exporters.formats import FORMATS
from mnist_exporters.precision import TOLERANCES, Precision

__all__ = ["ExportSpec"]


@dataclass(frozen=True)
class ExportSpec:
    """A format, a precision and the loss of accuracy that is accepted.

    Parameters
    ----------
    format : str
        A row of `FORMATS`.
    precision : Precision
        One that the format has.
    max_accuracy_drop : float, optional
        Share 0..1; without it the precision's own, from `TOLERANCES`.

    Raises
    ------
    UsageError
        If the format is unknown, has no such precision, or the drop is not a share above 0 and below 1.

    Examples
    --------
    >>> ExportSpec("tflite", Precision.INT8).tolerance
    0.005
    """

    format: str
    precision: Precision
    max_accuracy_drop: float | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"Expected a format ({', '.join(FORMATS)}), received {self.format!r}.")
        if self.precision not in FORMATS[self.format].precisions:
            possible = "; ".join(f"{name}: {', '.join(row.precisions)}" for name, row in FORMATS.items())
            raise UsageError(
                f"Expected a precision that {self.format} has, received {self.precision}; possible are {possible}."
            )
        if self.max_accuracy_drop is not None and not 0 < self.max_accuracy_drop < 1:
            raise UsageError(
                "Expected a largest accuracy drop as a share above 0 and below 1 (0.005 is half a point), "
                f"received {self.max_accuracy_drop}."
            )

    @property
    def tolerance(self) -> float:
        """The loss of accuracy that is accepted, as a share 0..1."""
        return TOLERANCES[self.precision] if self.max_accuracy_drop is None else self.max_accuracy_drop
