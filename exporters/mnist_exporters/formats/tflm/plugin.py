"""`TFLMArray`: the plugin for the format ``tflm``, a C99 header and a source file with the model as an array."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_exporters.formats.c_pair import array_of, identifier, manifest_of, read_pair, stamped_pair
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.formats.tflm.interpreter import MicroInterpreter, arena_bytes_needed
from mnist_exporters.formats.tflm.source_code import header_text, source_text
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, Classifier, Golden, Manifest
from mnist_runtime.system.process import quiet_stderr

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["TFLMArray"]


class TFLMArray(FormatPlugin):
    """An int8 TFLite model as an array in a C source file, with a header.

    The accuracy check reads the array back from the source file, and runs it in TensorFlow Lite Micro with the arena
    size that the header states.
    """

    _tflite = TFLite()

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        return self._tflite.convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """Read the model and measure the arena that it needs."""
        return dataclasses.replace(self._tflite.read(model), format="tflm", arena_bytes=arena_bytes_needed(model))

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Write source and header. Names in the C code begin with `stem`.

        Raises
        ------
        UsageError
            If `stem` cannot be part of an ``#include`` line.
        """
        name = identifier(stem)
        header, source = stamped_pair(
            header_text(stem, name, model, manifest), source_text(stem, name, model, manifest, golden)
        )
        return {".cc": source.encode(), ".h": header.encode()}

    def open(self, path: Path) -> Artifact:
        """Read the header at `path` and the source beside it, and check the digest that both contain.

        Raises
        ------
        ArtifactError
            If a file is missing or damaged, or the two come from different exports.
        """
        header, source = read_pair(path, ".cc")
        name = identifier(path.stem)
        manifest = manifest_of(header)
        return Artifact(
            content=array_of(source, f"{name}_model", np.uint8).tobytes(),
            manifest=manifest,
            golden=Golden(
                array_of(source, f"{name}_golden_pixels", np.uint8).reshape(-1, *manifest.task.image_shape),
                array_of(source, f"{name}_golden_scores", np.int8).reshape(-1, len(manifest.labels)),
            ),
        )

    def load(self, path: Path) -> Classifier:
        """Load the array into TensorFlow Lite Micro."""
        artifact = self.open(path)
        with quiet_stderr():
            backend = MicroInterpreter(artifact.content, artifact.manifest.requires["arena_bytes"])
        return Classifier(artifact, [backend], "tflite-micro")
