"""`TFLite`: the plugin for ``.tflite`` files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin, load_converter
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.seal import seal
from mnist_exporters.formats.tflite.read import read
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, Classifier, Golden, Manifest

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["TFLite"]


class TFLite(FormatPlugin):
    """The format ``tflite``: one TFLite file with builtin operators, and the manifest after the model."""

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        with quietly():
            convert = load_converter(original.kind, "tflite")  # may import TensorFlow; the other methods do not
            return convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """See `FormatPlugin.read`."""
        return read(model)

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Append the manifest: a FlatBuffer is read by offsets from its start, so readers ignore what follows."""
        del stem  # not part of the file
        return {".tflite": seal(model, manifest, golden)}

    def open(self, path: Path) -> Artifact:
        """See `FormatPlugin.open`."""
        return Artifact.open(path)

    def load(self, path: Path) -> Classifier:
        """Load the file into LiteRT, one interpreter per processor."""
        return Classifier.load(path, backend="litert", threads=os.cpu_count() or 1)
