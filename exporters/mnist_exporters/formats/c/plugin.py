"""`CArray`: the plugin for C code."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.formats.c.pair import open_pair, pack
from mnist_exporters.formats.c.tflm import MicroInterpreter, arena_bytes_needed
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_runtime import Artifact, Classifier, Golden, Manifest
from mnist_runtime.system.stderr import quiet_stderr

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original import Original

__all__ = ["CArray"]


class CArray(FormatPlugin):
    """A C99 header and a source file that holds an int8 TFLite model as an array.

    The accuracy check reads the array back from the source file. It runs the array in TensorFlow Lite Micro, in an
    arena of the size that the header states.
    """

    _tflite = TFLite()

    def convert(self, original: Original, spec: ExportSpec, calibration: Calibration | None) -> bytes:
        """See `FormatPlugin.convert`."""
        return self._tflite.convert(original, spec, calibration)

    def read(self, model: bytes) -> Contents:
        """Read the model and measure the arena that it needs."""
        return dataclasses.replace(self._tflite.read(model), format="c", arena_bytes=arena_bytes_needed(model))

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """See `FormatPlugin.pack`. Names in the C code begin with `stem`."""
        return pack(model, manifest, golden, stem)

    def open(self, path: Path) -> Artifact:
        """Read the header at `path` and the source beside it."""
        return open_pair(path)

    def load(self, path: Path) -> Classifier:
        """Load the array into TensorFlow Lite Micro."""
        artifact = open_pair(path)
        with quiet_stderr():
            backend = MicroInterpreter(artifact.content, artifact.manifest.requires["arena_bytes"])
        return Classifier(artifact, [backend], "tflite-micro")
