"""`ExportSpec`: what is asked for. An impossible one cannot be made."""

from __future__ import annotations

from dataclasses import dataclass

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.precision import TOLERANCES, Precision

__all__ = ["ExportSpec"]


@dataclass(frozen=True)
class ExportSpec:
    """A format, a precision, the types at its ends, and the loss of accuracy that is accepted.

    Parameters
    ----------
    format : str
        A row of `FORMATS`.
    precision : Precision
        One that the format has.
    max_accuracy_drop : float, optional
        Share 0..1; without it the precision's own, from `TOLERANCES`.
    input_dtype, output_dtype : str, optional
        Types that such a file can take and give; without them the first of its `Interface`.

    Raises
    ------
    UsageError
        If the format is unknown, has no such precision or no such ends, or the drop is not a share above 0 and below 1.

    Examples
    --------
    >>> spec = ExportSpec("tflite", Precision.INT8)
    >>> spec.tolerance, spec.takes, spec.gives
    (0.005, 'uint8', 'uint8')
    """

    format: str
    precision: Precision
    max_accuracy_drop: float | None = None
    input_dtype: str | None = None
    output_dtype: str | None = None

    def __post_init__(self) -> None:
        if self.format not in FORMATS:
            raise UsageError(f"Expected a format ({', '.join(FORMATS)}), received {self.format!r}.")
        if self.precision not in FORMATS[self.format].interfaces:
            possible = "; ".join(f"{name}: {', '.join(row.interfaces)}" for name, row in FORMATS.items())
            raise UsageError(
                f"Expected a precision that {self.format} has, received {self.precision}; possible are {possible}."
            )
        interface = FORMATS[self.format].interfaces[self.precision]
        if self.takes not in interface.inputs or self.gives not in interface.outputs:
            possible = "; ".join(
                f"{name} {precision}: {interface}"
                for name, row in FORMATS.items()
                for precision, interface in row.interfaces.items()
            )
            raise UsageError(
                f"Expected types that a {self.format} {self.precision} file can have, received {self.takes} in, "
                f"{self.gives} out; possible are {possible}."
            )
        if self.max_accuracy_drop is not None and not 0 < self.max_accuracy_drop < 1:
            raise UsageError(
                "Expected a largest accuracy drop as a share above 0 and below 1 (0.005 is half a point), "
                f"received {self.max_accuracy_drop}."
            )

    @property
    def takes(self) -> str:
        """NumPy's name of the type that the file takes."""
        return self.input_dtype or FORMATS[self.format].interfaces[self.precision].inputs[0]

    @property
    def gives(self) -> str:
        """NumPy's name of the type that the file gives."""
        return self.output_dtype or FORMATS[self.format].interfaces[self.precision].outputs[0]

    @property
    def tolerance(self) -> float:
        """The loss of accuracy that is accepted, as a share 0..1."""
        return TOLERANCES[self.precision] if self.max_accuracy_drop is None else self.max_accuracy_drop
