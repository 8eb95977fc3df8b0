"""`verify`: compare an exported file, or a file from another tool, with its original."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.inputs.labelled_images import check_same_task
from mnist_exporters.proof.answers import Answers, LoadedFile
from mnist_exporters.proof.parity import Parity
from mnist_exporters.proof.reference import Reference
from mnist_exporters.proof.threshold import NO_THRESHOLD, Threshold
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS, format_of
from mnist_exporters.spec.precision import Precision
from mnist_runtime import Manifest
from mnist_runtime.errors import ArtifactError

__all__ = ["ForeignFile", "Verification", "verify"]


class ForeignFile(LoadedFile, Protocol):
    """A loaded file that another tool made, such as `mnist_trainer.foreign.file_model.FileModel`."""

    def __str__(self) -> str:
        """Return a text that describes the pixel scaling and the scores of the file."""
        ...


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
        Whether the file was exported from the model with which it was compared.
    is_original_known : bool
        Whether `same_original` could be checked. A model in memory has no digest, and neither has its export.
    parity : Parity
        The comparison.
    pixels : str
        Text: which pixel scaling the original expects, and how it was determined.
    file : str
        Text: the same for a file from another tool; empty for an exported file.
    """

    path: Path
    format: str
    precision: str
    same_original: bool
    is_original_known: bool
    parity: Parity
    pixels: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        facts = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return facts | {"path": str(self.path), "parity": self.parity.as_dict()}

    def __str__(self) -> str:
        file = f"\n  file       made by another tool; {self.file}" if self.file else ""
        origin = "not the file" if self.is_original_known else "not a file, so not known to be the one"
        origin = "" if self.same_original or self.file else f"\n  original   {origin} that it was exported from"
        pixels = f"\n  pixels     {self.pixels}" if self.pixels else ""
        reasons = "".join(f"\n  reason     {reason}" for reason in self.parity.reasons)
        return f"{self.format} {self.precision}: {self.parity}{pixels}{file}{origin}{reasons}"


def verify(
    path: Path,
    reference: Reference,
    sha256: str,
    max_accuracy_drop: float | None = None,
    foreign: ForeignFile | None = None,
) -> Verification:
    """Compare the file at `path` with the scores of an original.

    Parameters
    ----------
    path : Path
        An exported file, or one that another tool made.
    reference : Reference
        Images and the original's scores for them.
    sha256 : str
        SHA-256 of the original's file; empty if there is none, and then `same_original` is False.
    max_accuracy_drop : float, optional
        Largest accepted accuracy loss, a fraction above 0 and at most 0.1. Default: the precision's entry in
        `TOLERANCES`; that of float32 for a file from another tool without a known precision.
    foreign : ForeignFile, optional
        The loaded file, if another tool made it.

    Raises
    ------
    UsageError
        If the suffix of `path` is unknown, or `max_accuracy_drop` out of range.
    ModelError
        If the file is for other image sizes or labels.
    ChangingError
        If a file from another tool has operators that are random, or that use variables or statistics of the batch.
    ArtifactError
        If the file is missing or damaged, or of a precision that this version does not support.
    """
    format = format_of(path)
    plugin = load_plugin(format)
    if foreign:
        contents = plugin.read(path.read_bytes())
        contents.check_unchanging()
        found = contents.precision
        precision = str(found if found in FORMATS[format].io_types else Precision.FLOAT32)
        answers, threshold, source = Answers.of(foreign, reference), NO_THRESHOLD, None
    else:
        loaded = plugin.load(path)
        precision, source = loaded.manifest.precision, loaded.manifest.source.get("sha256")
        if precision not in list(Precision):
            raise ArtifactError(
                f"{path} has precision {precision}, which this version does not support. Update mnist-edge-export."
            )
        check_same_task(str(path), loaded.manifest.task, reference.task)
        answers, threshold = Answers.of(loaded, reference), _threshold_of(loaded.manifest)
    tolerance = ExportSpec(format, precision, max_accuracy_drop).tolerance
    return Verification(
        path=path,
        format=format,
        precision=precision,
        same_original=bool(sha256) and source == sha256,
        is_original_known=bool(sha256 and source),
        parity=Parity.compare(reference, answers, tolerance, threshold),
        file=str(foreign) if foreign else "",
    )


def _threshold_of(manifest: Manifest) -> Threshold:
    """Return the threshold in the manifest, and the one that the accuracy check applied.

    Files of older exporters have only the first one, which is then used for both.
    """
    judged = (manifest.parity or {}).get("judged_threshold")
    if not isinstance(judged, float) or not manifest.threshold <= judged <= 1:
        judged = manifest.threshold
    return Threshold(manifest.threshold, judged)
