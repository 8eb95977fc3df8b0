"""`verify`: prove an exported file once more, later, on other data or on another machine."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.proof.parity import Parity, Reference
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import format_of
from mnist_exporters.spec.precision import Precision
from mnist_runtime.errors import ArtifactError

__all__ = ["Verification", "verify"]


@dataclass(frozen=True)
class Verification:
    """What came of it.

    Parameters
    ----------
    path : Path
        The file.
    format, precision : str
        As its manifest says.
    same_original : bool
        Whether it was exported from the very model that it was compared with.
    parity : Parity
        The proof.
    """

    path: Path
    format: str
    precision: str
    same_original: bool
    parity: Parity

    def as_dict(self) -> dict[str, Any]:
        """Return plain values, ready for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return facts | {"path": str(self.path), "parity": self.parity.as_dict()}

    def __str__(self) -> str:
        origin = "" if self.same_original else "\n  original   another file than the one that it was exported from"
        reasons = "".join(f"\n  reason     {reason}" for reason in self.parity.reasons)
        return f"{self.format} {self.precision}: {self.parity}{origin}{reasons}"


def verify(path: Path, reference: Reference, sha256: str, max_accuracy_drop: float | None = None) -> Verification:
    """Compare the file at `path` with what its original says about images.

    Parameters
    ----------
    path : Path
        An exported file.
    reference : Reference
        Images, and what the original says about them.
    sha256 : str
        Of the original's file; empty if there is none, which then cannot be told for the same.
    max_accuracy_drop : float, optional
        Share 0..1; without it the precision's own, from `TOLERANCES`.

    Raises
    ------
    UsageError
        If it has no suffix of a known format.
    ArtifactError
        If it is damaged, or of a precision that this version does not know.
    """
    format = format_of(path)
    device = load_plugin(format).load(path)
    manifest = device.manifest
    if manifest.precision not in list(Precision):
        raise ArtifactError(
            f"Expected a precision ({', '.join(Precision)}), the file says {manifest.precision}; update "
            "mnist-edge-export."
        )
    spec = ExportSpec(format, Precision(manifest.precision), max_accuracy_drop)
    return Verification(
        path=path,
        format=format,
        precision=manifest.precision,
        same_original=bool(sha256) and manifest.source.get("sha256") == sha256,
        parity=Parity.compare(reference, device.predict_proba(reference.images), spec.tolerance),
    )
