"""`FormatPlugin`: the interface of a file format, and the table of the classes that implement it."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from mnist_exporters.formats.contents import Contents
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import check_source
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_exporters.spec.treatment import PLAIN, Treatment
from mnist_runtime import Artifact, Classifier, Golden, Manifest

if TYPE_CHECKING:
    from mnist_exporters.inputs.calibration import Calibration
    from mnist_exporters.inputs.original_model import OriginalModel

__all__ = ["CONVERTERS", "PLUGINS", "Converter", "FormatPlugin", "load_converter", "load_plugin"]

Converter: TypeAlias = "Callable[[Any, ExportSpec, Calibration | None, Treatment], bytes]"
"""Function that converts originals of one kind. Its arguments are those of `FormatPlugin.convert`."""


@runtime_checkable
class FormatPlugin(Protocol):
    """The interface of a file format. Each class in `PLUGINS` derives from it, so that mypy checks the methods."""

    def convert(
        self, original: OriginalModel, spec: ExportSpec, calibration: Calibration | None, treatment: Treatment = PLAIN
    ) -> bytes:
        """Convert an original to a bare model, which has no manifest yet.

        Parameters
        ----------
        original : OriginalModel
            The model to convert.
        spec : ExportSpec
            Precision, input type and output type.
        calibration : Calibration or None
            Images that set the ranges of activations. Only calibrated precisions need them.
        treatment : Treatment
            Repairs to apply during the conversion. Default: none.

        Raises
        ------
        ConversionError
            If the model cannot be converted.
        """

    def read(self, model: bytes) -> Contents:
        """Read types, operators and shapes from a bare model.

        Raises
        ------
        ArtifactError
            If `model` is damaged or not of this format.
        """

    def pack(self, model: bytes, manifest: Manifest, golden: Golden, stem: str) -> dict[str, bytes]:
        """Pack a bare model with its manifest and golden vectors.

        Parameters
        ----------
        model : bytes
            Result of `convert`.
        manifest, golden : Manifest, Golden
            Facts and test vectors to store with the model.
        stem : str
            File name without suffix.

        Returns
        -------
        dict of str to bytes
            Suffix -> content of each file to write. The file that is loaded comes last.
        """

    def open(self, path: Path) -> Artifact:
        """Read a packed file and check its integrity.

        Raises
        ------
        ArtifactError
            If the file is missing or damaged.
        """

    def load(self, path: Path) -> Classifier:
        """Load a packed file into the interpreter that devices use. The accuracy check uses the result."""

    def measure(self, path: Path) -> tuple[ProcessorMemory, ...]:
        """Return the memory that a packed file needs on microcontrollers; empty for formats without C code."""
        del path
        return ()


PLUGINS: dict[str, str] = {
    "tflite": "mnist_exporters.formats.tflite.plugin:TFLite",
    "onnx": "mnist_exporters.formats.onnx.plugin:Onnx",
    "c": "mnist_exporters.formats.c.plugin:CCode",
    "web": "mnist_exporters.formats.web.plugin:WebPage",
    "tflm": "mnist_exporters.formats.tflm.plugin:TFLMArray",
}
"""Format -> class, as text because converters are slow to import. `load_plugin` imports the class."""

CONVERTERS: dict[tuple[str, str], str] = {
    ("keras", "tflite"): "mnist_exporters.formats.tflite.convert:convert",
    ("keras", "onnx"): "mnist_exporters.formats.onnx.convert:convert",
    ("onnx", "onnx"): "mnist_exporters.formats.onnx.from_onnx:convert",
}
"""Kind of the original and format -> `Converter`, as text."""


def load_converter(kind: str, format: str) -> Converter:
    """Import and return the function that converts originals of `kind` to `format`.

    Raises
    ------
    UsageError
        If there is no such function.
    """
    check_source(kind, format)
    convert: Converter = pkgutil.resolve_name(CONVERTERS[kind, format])
    return convert


@cache
def load_plugin(name: str) -> FormatPlugin:
    """Return the plugin of the format `name`. It is imported and created once."""
    plugin: FormatPlugin = pkgutil.resolve_name(PLUGINS[name])()
    return plugin
