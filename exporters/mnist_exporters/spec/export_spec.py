"""`ExportSpec`: format, precision, input and output type, accepted accuracy loss and package of one export."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.format import FORMATS, KERAS_PACKAGES
from mnist_exporters.spec.package_kind import check_package
from mnist_exporters.spec.precision import PACKAGES, TOLERANCES, Precision, parse_precision

__all__ = ["LARGEST_DROP", "ExportSpec"]

LARGEST_DROP = 0.1
"""Largest accuracy loss that users can accept. A larger one is usually a mistake, such as 0.5 instead of 0.005."""


@dataclass(frozen=True, init=False)
class ExportSpec:
    """Format, precision and options of an export. An impossible combination raises an error.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    precision : Precision or str
        A precision of that format, or one of its `ALIASES` such as ``"w8a8"``.
    max_accuracy_drop : float, optional
        Largest accepted accuracy loss, a fraction above 0 and at most 0.1. Default: the precision's entry in
        `TOLERANCES`.
    input_dtype, output_dtype : str, optional
        NumPy type names of input and output. Default: the first of the precision's `IoTypes`.
    package : str, optional
        A key of `PACKAGE_KINDS`: write the export as part of such a package. Default: no package.

    Raises
    ------
    UsageError
        If the format or the package is unknown, the package is for another format, the format does not have the
        precision or the types, or the accuracy drop is out of range.

    Examples
    --------
    >>> spec = ExportSpec("tflite", "int8")
    >>> spec.tolerance, spec.input_dtype, spec.output_dtype
    (0.005, 'uint8', 'uint8')
    """

    format: str
    precision: Precision
    max_accuracy_drop: float | None
    input_dtype: str
    output_dtype: str
    package: str | None
    is_output_given: bool = field(init=False, compare=False)
    """Whether the user chose `output_dtype`. If not, a repair may choose another type."""

    def __init__(
        self,
        format: str,
        precision: Precision | str,
        max_accuracy_drop: float | None = None,
        input_dtype: str | None = None,
        output_dtype: str | None = None,
        *,
        package: str | None = None,
    ) -> None:
        precision = parse_precision(precision)
        if format not in FORMATS:
            raise UsageError(f"There is no format {format!r}. Choose one of: {', '.join(FORMATS)}.")
        if precision not in FORMATS[format].io_types:
            others = ", ".join(name for name, row in FORMATS.items() if precision in row.io_types)
            usual = ", which is used without --quantize" if precision is Precision.FLOAT32 else ""
            raise UsageError(
                f"{format} files cannot have precision {precision}{usual}. Choose another with --quantize: "
                f"{', '.join(FORMATS[format].io_types)}. Formats with {precision}: {others}."
            )
        if package is not None:
            check_package(package, format)
        is_output_given = output_dtype is not None
        types = FORMATS[format].io_types[precision]
        input_dtype = types.inputs[0] if input_dtype is None else _type_name(input_dtype)
        output_dtype = types.outputs[0] if output_dtype is None else _type_name(output_dtype)
        if input_dtype not in types.inputs or output_dtype not in types.outputs:
            possible = "; ".join(
                f"{name} {precision}: {types}"
                for name, row in FORMATS.items()
                for precision, types in row.io_types.items()
            )
            raise UsageError(
                f"A {format} {precision} file cannot have {input_dtype} input and {output_dtype} output. "
                f"Possible are {possible}."
            )
        if max_accuracy_drop is not None and not _is_fraction(max_accuracy_drop):
            raise UsageError(
                f"The largest accuracy drop is {max_accuracy_drop!r}, but must be a fraction above 0 and below 1. "
                "For half a percentage point give 0.005."
            )
        if max_accuracy_drop is not None and max_accuracy_drop > LARGEST_DROP:
            raise UsageError(
                f"An accuracy drop of {max_accuracy_drop:g} is a loss of {max_accuracy_drop * 100:g} points. Do you "
                f"mean {max_accuracy_drop:g} points? Then give {max_accuracy_drop / 100:g}. More than {LARGEST_DROP:g} "
                "is not accepted, since almost any file would pass."
            )
        fields = {"format": format, "precision": precision, "max_accuracy_drop": max_accuracy_drop}
        fields |= {"input_dtype": input_dtype, "output_dtype": output_dtype, "package": package}
        fields |= {"is_output_given": is_output_given}
        for name, value in fields.items():
            object.__setattr__(self, name, value)

    @property
    def tolerance(self) -> float:
        """The accepted accuracy loss, a fraction 0..1."""
        return TOLERANCES[self.precision] if self.max_accuracy_drop is None else self.max_accuracy_drop

    def packages(self, kind: str = "keras") -> dict[str, str | None]:
        """Return the packages that influence the file, each with the extra that installs it.

        The last one is the interpreter for the accuracy check. The extra is None for a package that every installation
        has.

        Parameters
        ----------
        kind : str, optional
            Kind of the original; see `OriginalModel.kind`.

        Examples
        --------
        >>> ExportSpec("c", "int8").packages()
        {'tensorflow': 'c', 'keras': 'c', 'ai-edge-litert': 'c'}
        """
        row = FORMATS[self.format]
        of_precision = {PACKAGES[self.precision]: self.precision.value} if self.precision in PACKAGES else {}
        names = (name for name in row.packages if kind == "keras" or name not in KERAS_PACKAGES)
        return {**of_precision, **dict.fromkeys(names, row.extra)}

    def missing_packages(self, kind: str = "keras") -> dict[str, str | None]:
        """Return those of `packages` that are not installed."""
        return {
            package: extra
            for package, extra in self.packages(kind).items()
            if importlib.util.find_spec(package.replace("-", "_")) is None
        }


def _type_name(given: object) -> str:
    """Return the name of a type, which is given as a name or as a NumPy type."""
    try:
        return str(np.dtype(given).name)  # type: ignore[call-overload]  # anything, from a caller without type checks
    except TypeError:
        return str(given)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, Real) and 0 < float(value) < 1
