"""`ExportReport`: what came of one export, for people and as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters.proof.parity import Parity
from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_runtime.errors import ToolkitError

__all__ = ["ExportReport", "RefusedError"]


@dataclass(frozen=True)
class ExportReport:
    """What was made, how it compares, how long it took.

    Parameters
    ----------
    path : Path or None
        The file; None when it was refused, for then there is none.
    format, precision : str
        What was asked for.
    size_bytes : int
        Of the whole file, manifest and golden vectors included.
    model_bytes : int
        Of the model alone.
    sha256 : str
        Of the whole file.
    input_dtype, output_dtype : str
        NumPy's names of the types that go in and come out.
    pixel_range : str
        What the original was trained on.
    loads_on : tuple of str
        Rows of `INTERPRETERS` that can load it, by the versions of the operators in the file.
    requires : dict
        What an interpreter must know for that; see `Contents.requirements`.
    parity : Parity
        The proof.
    seconds, seconds_converting : float
        Wall time of conversion and proof, and of the conversion alone.
    scores : ndarray of shape (n, 10), dtype float32
        What the export said of each test image; not part of the JSON.
    """

    path: Path | None
    format: str
    precision: str
    size_bytes: int
    model_bytes: int
    sha256: str
    input_dtype: str
    output_dtype: str
    pixel_range: str
    loads_on: tuple[str, ...]
    requires: dict[str, Any]
    parity: Parity
    seconds: float
    seconds_converting: float
    scores: npt.NDArray[np.float32] = dataclasses.field(repr=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.name != "scores"}
        return facts | {"path": str(self.path) if self.path else None, "parity": self.parity.as_dict()}

    def _memory(self) -> str:
        arena = self.requires.get("arena_bytes")
        return f"  memory     an arena of {arena:,} bytes\n" if arena else ""

    def __str__(self) -> str:
        return (
            f"{self.format} {self.precision}: {self.parity}\n"
            f"  size       {self.size_bytes:,} bytes, of which the model {self.model_bytes:,}; "
            f"{self.input_dtype} in, {self.output_dtype} out\n"
            f"  loads on   {', '.join(INTERPRETERS[name].since for name in self.loads_on) or 'no known interpreter'}\n"
            f"{self._memory()}"
            f"  time       {self.seconds:.1f} s"
        )


class RefusedError(ToolkitError):
    """The export was not proven to be as good as the original; nothing was written at the destination.

    Attributes
    ----------
    report : ExportReport
        What was measured, with the reasons in ``report.parity.reasons``.
    """

    exit_code = 3

    def __init__(self, report: ExportReport) -> None:
        self.report = report
        super().__init__(
            f"{report.format} {report.precision} is refused and not written: " + " ".join(report.parity.reasons)
        )
