"""`Onnx`: the plugin for ``.onnx`` files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.onnx.read import read
from mnist_exporters.formats.plugin import FormatPlugin, load_converter
from mnist_exporters.formats.quiet import quietly
from mnist_exporters.formats.seal import seal
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, Classifier, Golden, Manifest

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["Onnx"]

TRAILER_FIELD = 7777
"""Number of the protobuf field with the manifest and golden vectors. ONNX does not define it, so readers skip it."""


class Onnx(FormatPlugin):
    """The format ``onnx``: one ONNX file, with the manifest in an extra protobuf field."""

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        with quietly():
            convert = load_converter(original.kind, "onnx")  # may import TensorFlow; the other methods do not
            return convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """See `FormatPlugin.read`."""
        return read(model)

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Append the manifest as a protobuf field that ONNX does not define, so the file stays a valid message."""
        del stem  # not part of the file
        return {".onnx": seal(model, manifest, golden, enclose=_field)}

    def open(self, path: Path) -> Artifact:
        """See `FormatPlugin.open`."""
        return Artifact.open(path)

    def load(self, path: Path) -> Classifier:
        """Load the file into onnxruntime, one session per processor."""
        return Classifier.load(path, backend="onnxruntime", threads=os.cpu_count() or 1)


def _field(trailer: bytes) -> bytes:
    """Return `trailer` as a length-delimited protobuf field."""
    return _varint(TRAILER_FIELD << 3 | 2) + _varint(len(trailer)) + trailer


def _varint(number: int) -> bytes:
    """Encode `number` as a protobuf varint: seven bits per byte, lowest first, top bit set if more bytes follow."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)
