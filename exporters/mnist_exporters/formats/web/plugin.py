"""`WebPage`: the plugin for the format ``web``, an HTML page with a model and its inference engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_exporters.formats.c.native import CFiles
from mnist_exporters.formats.c.plugin import CCode
from mnist_exporters.formats.contents import Contents
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.formats.tflite.plugin import TFLite
from mnist_exporters.formats.web.build import compiled
from mnist_exporters.formats.web.module import MAGIC, WasmModule
from mnist_exporters.formats.web.page import module_in, page_of
from mnist_exporters.formats.web.program import WasmProgram
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, ArtifactError, Classifier, Golden, Manifest

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["WebPage"]

STEM = "model"
"""Name of the C files, which are not part of the page."""


class WebPage(FormatPlugin):
    """An HTML page on which users draw. It contains the C code of the format ``c`` as WebAssembly.

    The accuracy check reads the module back from the page, and runs it in wasmtime.
    """

    _code, _tflite = CCode(), TFLite()

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """See `FormatPlugin.convert`."""
        return self._tflite.convert(original, spec, calibration, treatment)

    def read(self, model: bytes) -> Contents:
        """Read a ``.tflite`` model, and check that there is a kernel for each operator; or read a module."""
        if model.startswith(MAGIC):
            return WasmModule.read(model).contents()
        return dataclasses.replace(self._code.read(model), format="web")

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Write the page. The C code is that of the format ``c``, compiled by Zig."""
        del stem
        code = self._code.pack(model, manifest, golden, STEM)
        files = CFiles(code[".h"].decode(), code[".c"].decode(), STEM)
        contents = self._code.read(code[".h"] + code[".c"])
        return {".html": page_of(WasmModule.sealed(compiled(files), manifest, golden, contents)).encode()}

    def open(self, path: Path) -> Artifact:
        """Read the page at `path`, and check its digest and that of its module.

        Raises
        ------
        ArtifactError
            If it is missing or damaged, or mnist-export did not make it.
        """
        module = _module(path)
        return Artifact(content=module.content, manifest=module.manifest, golden=module.golden)

    def load(self, path: Path) -> Classifier:
        """Run the self-test of the module, and return a classifier that runs the module."""
        module = _module(path)
        program = WasmProgram(module)
        program.self_test()
        return Classifier(
            Artifact(content=module.content, manifest=module.manifest, golden=module.golden), [program], "wasm"
        )


def _module(path: Path) -> WasmModule:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError(f"{path} cannot be read ({error}). Check the path.") from error
    try:
        return module_in(text)
    except ArtifactError as error:
        raise ArtifactError(f"{path}: {error}") from error
