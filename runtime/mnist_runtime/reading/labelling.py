"""`PictureSorter`: sort pictures into a folder for each label, as data for ``mnist-train``."""

from __future__ import annotations

import contextlib
import shlex
import threading
from collections.abc import Sequence
from pathlib import Path

from mnist_runtime.errors import OutputError, PictureError, UsageError, printable

__all__ = ["REJECTED", "PictureSorter"]

REJECTED = ".rejected"
"""Folder for pictures without any of the labels. It is hidden, so that ``mnist-train`` does not take it for a label."""


class PictureSorter:
    """Move the pictures of a folder, which have no label yet, into folders below it, named after the labels.

    Threads and other programs may use the same folder. Nothing is overwritten or deleted.

    Parameters
    ----------
    folder : str or Path
        A folder of pictures, such as that of ``--keep-doubtful``.
    labels : sequence of str
        The names of the folders.

    Raises
    ------
    UsageError
        If the folder does not exist, or a label cannot be the name of a folder.
    """

    def __init__(self, folder: str | Path, labels: Sequence[str]) -> None:
        self.folder = Path(folder)
        self.labels = tuple(labels)
        if not self.folder.is_dir():
            place = "DIR" if self.folder.exists() else shlex.quote(str(folder))
            raise UsageError(
                f"{folder} is not a folder. Give one with pictures. To collect those with a doubtful answer: "
                f"mnist-runtime classify PICTURES --keep-doubtful {place}"
            )
        for label in labels:
            if label[:1] in ("", ".") or Path(label).name != label:
                raise UsageError(f"The label {label!r} cannot be the name of a folder. Sort these pictures by hand.")
        self._moved: list[tuple[Path, Path]] = []
        self._made: set[Path] = set()  # folders that `move` has created
        self._lock = threading.Lock()

    def waiting(self) -> dict[str, Path]:
        """Return the files without a label by their `printable` names, sorted. Hidden files are left out."""
        try:
            files = [path for path in self.folder.iterdir() if path.is_file() and not path.name.startswith(".")]
            return dict(sorted((printable(path.name), path) for path in files))
        except OSError as error:
            raise PictureError(f"{self.folder} cannot be read ({error.strerror}). Check the folder.") from error

    def path(self, name: str) -> Path:
        """Return the file with this name, as `waiting` has it.

        Raises
        ------
        PictureError
            If there is no such picture without a label.
        """
        path = self.waiting().get(name)
        if path is None:
            raise PictureError(f"{name} is no longer in {self.folder}. Go on with the next one.")
        return path

    def move(self, name: str, label: str | None) -> Path:
        """Move a picture into the folder of its label; None means that it shows none of them.

        Raises
        ------
        UsageError
            If the label is not one of `labels`.
        PictureError
            If there is no such picture.
        OutputError
            If it cannot be moved.
        """
        if label is not None and label not in self.labels:
            raise UsageError(f"{label} is not a label. The labels are: {', '.join(self.labels)}")
        with self._lock:
            path = self.path(name)
            goal = self._rename(path, self.folder / (REJECTED if label is None else label) / path.name)
            self._moved.append((path, goal))
            return goal

    def undo(self) -> str | None:
        """Move the last picture back and return its name; None if there is none."""
        with self._lock:
            while self._moved:
                path, moved = self._moved.pop()
                if moved.is_file():  # else it was moved again
                    name = self._rename(moved, path).name
                    if moved.parent in self._made:
                        with contextlib.suppress(OSError):  # it has other files
                            moved.parent.rmdir()
                    return printable(name)
            return None

    def _rename(self, path: Path, wanted: Path) -> Path:
        """Move a file; if another one has the wanted name, add a number."""
        try:
            if not wanted.parent.is_dir():
                wanted.parent.mkdir(exist_ok=True)
                self._made.add(wanted.parent)
            goal, number = wanted, 2
            while goal.exists():
                goal, number = wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}"), number + 1
            return path.rename(goal)
        except OSError as error:
            raise OutputError(f"Cannot move {path} to {wanted}: {error.strerror}. Check the folder.") from error
