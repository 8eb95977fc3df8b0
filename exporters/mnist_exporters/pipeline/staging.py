"""Paths of exported files, and `StagedExport`, which writes them so that no incomplete file is left."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from types import TracebackType

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.plugin import FormatPlugin
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_runtime import Classifier, Golden, Manifest
from mnist_runtime.system.atomic import check_output_path, move_into_place, staging_folder

__all__ = ["StagedExport", "check_destination", "export_path"]


def export_path(output: Path, spec: ExportSpec, name: str) -> Path:
    """Return the file for one export.

    Parameters
    ----------
    output : Path
        The file itself, with the suffix of the format, or a folder.
    spec : ExportSpec
        Format and precision of the export.
    name : str
        Name of the model.

    Raises
    ------
    UsageError
        If `output` is no folder and has the suffix of another format.

    Examples
    --------
    >>> export_path(Path("exported"), ExportSpec("onnx", "int8"), "cnn").as_posix()
    'exported/cnn-int8.onnx'
    >>> export_path(Path("digits.onnx"), ExportSpec("onnx", "int8"), "cnn").as_posix()
    'digits.onnx'
    """
    suffix = FORMATS[spec.format].suffix
    if not output.is_dir():
        if output.suffix == suffix:
            return output
        if output.suffix in {known for row in FORMATS.values() for known in (row.suffix, *row.companions)}:
            raise UsageError(
                f"The output {output} is not a name for a {spec.format} file. Give a folder or a name with {suffix}."
            )
    return output / f"{name}-{spec.precision}{FORMATS[spec.format].tag}{suffix}"


def check_destination(destination: Path, spec: ExportSpec) -> None:
    """Check that all files of an export can be written, and create the folders above them.

    Raises
    ------
    UsageError
        If a file cannot be written.
    """
    check_output_path(destination)
    for suffix in FORMATS[spec.format].companions:
        check_output_path(destination.with_suffix(suffix))


class StagedExport:
    """Files of one export in a hidden folder beside their destination. The folder is deleted at the end.

    Parameters
    ----------
    destination : Path
        The file to write, in an existing folder.
    plugin : FormatPlugin
        Packs and loads the files.

    Raises
    ------
    OutputError
        If the files cannot be written.
    """

    def __init__(self, destination: Path, plugin: FormatPlugin) -> None:
        self._destination = destination
        self._plugin = plugin
        self._files: dict[str, bytes] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> StagedExport:
        self._folder = self._stack.enter_context(staging_folder(self._destination.absolute().parent))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, model: bytes, manifest: Manifest, golden: Golden) -> None:
        """Pack `model` and write its files, replacing those written before."""
        self._files = self._plugin.pack(model, manifest, golden, self._destination.stem)
        for suffix, content in self._files.items():
            self._path(suffix).write_bytes(content)

    def load(self) -> Classifier:
        """Load the written file as a device does."""
        return self._plugin.load(self._folder / self._destination.name)

    def measure(self) -> tuple[ProcessorMemory, ...]:
        """Measure the memory that the written file needs on microcontrollers."""
        return self._plugin.measure(self._folder / self._destination.name)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(content) for content in self._files.values())

    @property
    def sha256(self) -> str:
        """SHA-256 of the file that is loaded."""
        return hashlib.sha256(self._files[self._main_suffix]).hexdigest()

    def commit(self) -> None:
        """Move the files into place, the loaded one last."""
        move_into_place(self._folder, self._destination.parent, last=self._destination.name)

    @property
    def _main_suffix(self) -> str:
        return list(self._files)[-1]

    def _path(self, suffix: str) -> Path:
        name = self._destination.name
        return self._folder / (name if suffix == self._main_suffix else f"{self._destination.stem}{suffix}")
