"""`CCode`: the plugin for the format ``c``, C source code with a model and its inference engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnist_exporters.errors import ConversionError
from mnist_exporters.formats.c.compiler import find_compiler
from mnist_exporters.formats.c.lower import lower
from mnist_exporters.formats.c.native import CFiles, NativeProgram
from mnist_exporters.formats.c.reading import contents_of, golden_of, scores_of
from mnist_exporters.formats.c.sizes.measure import measure_memory
from mnist_exporters.formats.c.writing.header import Header
from mnist_exporters.formats.c.writing.source_code import SourceCode
from mnist_exporters.formats.c_pair import identifier, manifest_of, read_pair, stamped_pair
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, Classifier, Golden, Manifest
from mnist_runtime.backends.numpy_int8 import load_numpy

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["CCode"]

BYTES_AT_ONCE = 8_000_000
"""Bytes of images that one start of the compiled program classifies: 10,000 images of 28x28 pixels."""


class CCode(FormatPlugin):
    """A C99 source file with a model and the functions that run it, and its header.

    The model is first converted to TFLite. Each operator then becomes a call of a C function from the folder
    ``kernels``. The accuracy check compiles the exported files, and runs the program in a separate process.
    """

    _tflite = TFLite()

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        find_compiler()  # fail early: the accuracy check needs a compiler
        return self._tflite.convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """Read a ``.tflite`` model, and check that there is a kernel for each operator; or read a C source file."""
        if model.startswith(b"/*"):
            return contents_of(model)
        contents = dataclasses.replace(self._tflite.read(model), format="c")
        lower(model)
        return contents

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Write header and source. Names in the C code begin with `stem`.

        Raises
        ------
        UsageError
            If `stem` cannot be part of an ``#include`` line.
        ConversionError
            If the compiled code and the backend ``numpy`` give different golden scores.
        """
        program = lower(model)
        if len(golden.scores) and program.activation == "int8":
            _check_integers(model, golden)
        source = SourceCode(
            program,
            stem,
            identifier(stem),
            manifest.labels,
            manifest.output.get("activation"),
            golden,
            manifest.task.preparation == "mnist",
        )
        header_text, source_text = stamped_pair(Header(source, manifest).text(), source.text())
        return {".h": header_text.encode(), ".c": source_text.encode()}

    def open(self, path: Path) -> Artifact:
        """Read the source at `path` and the header beside it, and check the digest that both contain.

        Raises
        ------
        ArtifactError
            If a file is missing or damaged, or the two come from different exports.
        """
        header, source = read_pair(path, ".c")
        manifest = manifest_of(header)
        return Artifact(content=(header + source).encode(), manifest=manifest, golden=golden_of(source, manifest))

    def load(self, path: Path) -> Classifier:
        """Compile the files, run the self-test, and return a classifier that runs the program."""
        artifact = self.open(path)
        header, source = read_pair(path, ".c")
        output = scores_of(header, artifact.manifest)
        labels = len(artifact.manifest.labels)
        program = NativeProgram(CFiles(header, source, path.stem), output, labels, find_compiler())
        program.self_test()
        return Classifier(artifact, [program], "c", batch=max(1, BYTES_AT_ONCE // artifact.manifest.task.pixels))

    def measure(self, path: Path) -> tuple[ProcessorMemory, ...]:
        """Compile the files for each microcontroller for which a compiler is installed, and measure flash and RAM."""
        return measure_memory(path)


def _check_integers(model: bytes, golden: Golden) -> None:
    """Check that the backend ``numpy``, which uses the same integer arithmetic, gives the same golden scores."""
    images = golden.images if golden.images.ndim == 4 else golden.images[..., None]
    if not np.array_equal(load_numpy(model, images.shape[1:]).run(images), golden.scores):
        raise ConversionError(
            "The compiled C code gives other integers than mnist-runtime's NumPy. Please report this as a bug, and "
            "name the compiler."
        )
