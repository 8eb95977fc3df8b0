"""`StagedExport`: files that are made beside their destination and appear there whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path
from types import TracebackType

from mnist_exporters.formats.plugin import FormatPlugin
from mnist_runtime import Classifier, Golden, Manifest
from mnist_runtime.system.atomic import move_into_place, staging_folder

__all__ = ["StagedExport"]


class StagedExport:
    """A hidden folder beside `destination`; what is left in it at the end is deleted.

    Parameters
    ----------
    destination : Path
        The file that is to appear, in a folder that exists.
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
        """Pack `model` and write it, in the place of an earlier draft."""
        self._files = self._plugin.pack(model, manifest, golden, self._destination.stem)
        for suffix, content in self._files.items():
            self._path(suffix).write_bytes(content)

    def load(self) -> Classifier:
        """Load what was written as a device does."""
        return self._plugin.load(self._folder / self._destination.name)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(content) for content in self._files.values())

    @property
    def sha256(self) -> str:
        """Of the file that is loaded."""
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
