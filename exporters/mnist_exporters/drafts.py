"""`Drafts`: files that are made beside their destination and appear there whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import pkgutil
import shutil
import tempfile
from pathlib import Path
from types import TracebackType

from mnist_exporters.formats import Format
from mnist_exporters.writing import writing
from mnist_runtime import Classifier, Golden, Manifest

__all__ = ["Drafts"]


class Drafts:
    """A hidden folder beside `destination`; what is left in it at the end is deleted.

    Parameters
    ----------
    destination : Path
        The file that is to appear, in a folder that exists.
    row : Format
        How its format is packed and loaded.

    Raises
    ------
    OutputError
        If the files cannot be written.
    """

    def __init__(self, destination: Path, row: Format) -> None:
        self._destination = destination
        self._row = row
        self._files: dict[str, bytes] = {}

    def __enter__(self) -> Drafts:
        beside = self._destination.absolute().parent
        with writing(beside):
            self._folder = Path(tempfile.mkdtemp(prefix=".mnist-export-", dir=beside))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def write(self, model: bytes, manifest: Manifest, golden: Golden) -> None:
        """Pack `model` and write it, in the place of an earlier draft."""
        self._files = pkgutil.resolve_name(self._row.pack)(model, manifest, golden, self._destination.stem)
        with writing(self._destination.parent):
            for suffix, content in self._files.items():
                _write(self._path(suffix), content)

    def load(self) -> Classifier:
        """Load what was written as a device does."""
        classifier: Classifier = pkgutil.resolve_name(self._row.load)(self._path(self._row.suffix))
        return classifier

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(len(content) for content in self._files.values())

    @property
    def sha256(self) -> str:
        """Of the file that is loaded."""
        return hashlib.sha256(self._files[self._row.suffix]).hexdigest()

    def appear(self) -> None:
        """Let the files appear at the destination; the one that is loaded comes last, so that it finds the others."""
        with writing(self._destination.parent):
            for suffix in sorted(self._files, key=lambda suffix: suffix == self._row.suffix):
                self._path(suffix).replace(self._destination.parent / self._path(suffix).name)

    def _path(self, suffix: str) -> Path:
        name = self._destination.name
        return self._folder / (name if suffix == self._row.suffix else f"{self._destination.stem}{suffix}")


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())  # a rename must not overtake the data
