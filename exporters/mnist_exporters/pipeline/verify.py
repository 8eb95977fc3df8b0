"""`verify`: compare an exported file with its original again, on other data or another machine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import format_of
from mnist_exporters.spec.precision import Precision
from mnist_runtime.errors import ArtifactError

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """Result of `verify`.

    Parameters
    ----------
    path : Path
        The file.
    format, precision : str
        Format and precision from its manifest.
    same_original : bool
        Whether it was exported from the model that it was compared with.
    is_original_known : bool
        Whether `same_original` was checked: a model in memory has no digest, nor has the export of one.
    parity : Parity
        The comparison.
    pixels : str
        Which pixel scaling the original expects, and how that is known.
    """

    path: Path
    format: str
    precision: str
    same_original: bool
    is_original_known: bool
    parity: Parity
    pixels: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return facts | {"path": str(self.path), "parity": self.parity.as_dict()}

    def __str__(self) -> str:
        origin = "not the file" if self.is_original_known else "not a file, so not known to be the one"
        origin = "" if self.same_original else f"\n  original   {origin} that it was exported from"
        pixels = f"\n  pixels     {self.pixels}" if self.pixels else ""
        reasons = "".join(f"\n  reason     {reason}" for reason in self.parity.reasons)
        return f"{self.format} {self.precision}: {self.parity}{pixels}{origin}{reasons}"


def verify(path: Path, reference: Reference, sha256: str, max_accuracy_drop: float | None = None) -> Verification:
    """Compare the file at `path` with the scores of an original.

    Parameters
    ----------
    path : Path
        An exported file.
    reference : Reference
        Images and the original's scores for them.
    sha256 : str
        SHA-256 of the original's file; empty if there is none, and then `same_original` is False.
    max_accuracy_drop : float, optional
        Largest accepted accuracy loss, a fraction 0..1. Default: that of the precision, from `TOLERANCES`.

    Raises
    ------
    UsageError
        If the suffix of `path` is unknown, or `max_accuracy_drop` out of range.
    ArtifactError
        If the file is missing or damaged, or of a precision that this version does not support.
    """
    format = format_of(path)
    device = load_plugin(format).load(path)
    manifest = device.manifest
    if manifest.precision not in list(Precision):
        raise ArtifactError(
            f"{path} has precision {manifest.precision}, which this version does not support. Update mnist-edge-export."
        )
    spec = ExportSpec(format, manifest.precision, max_accuracy_drop)
    scores, alone = reference.scores_of(device)
    return Verification(
        path=path,
        format=format,
        precision=manifest.precision,
        same_original=bool(sha256) and manifest.source.get("sha256") == sha256,
        is_original_known=bool(sha256 and manifest.source.get("sha256")),
        parity=Parity.compare(reference, scores, spec.tolerance, alone),
    )
