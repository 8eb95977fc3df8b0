"""`ExportReport`: what came of one export, for people and as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.parity import Parity

__all__ = ["ExportReport"]


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
    parity : Parity
        The proof.
    seconds : float
        Wall time of conversion and proof.
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
    parity: Parity
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return facts | {"path": str(self.path) if self.path else None, "parity": self.parity.as_dict()}

    def __str__(self) -> str:
        proof = self.parity
        return (
            f"{self.format} {self.precision}: {'proven' if proof.passed else 'REFUSED'} on all {proof.images:,} images "
            f"of {proof.dataset}\n"
            f"  accuracy   {proof.accuracy_original:.2%} -> {proof.accuracy_exported:.2%}, at most "
            f"{max(0.0, proof.drop_upper_95):.2%} lost with 95 % confidence (tolerance {proof.tolerance:.2%})\n"
            f"  agreement  {proof.agreement:.2%} ({proof.lost} lost, {proof.gained} gained)\n"
            f"  size       {self.size_bytes:,} bytes, of which the model {self.model_bytes:,}; "
            f"{self.input_dtype} in, {self.output_dtype} out\n"
            f"  time       {self.seconds:.1f} s"
        )
