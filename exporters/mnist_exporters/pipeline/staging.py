"""Paths of exported files, and `StagedExport`, which never leaves an incomplete file at the destination."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from mnist_exporters.errors import UsageError
from mnist_exporters.formats.c_pair import identifier
from mnist_exporters.formats.packages.package_files import package_files
from mnist_exporters.formats.plugin import FormatPlugin, load_plugin
from mnist_exporters.pipeline.manifest import without_scores
from mnist_exporters.spec.export_spec import ExportSpec
from mnist_exporters.spec.format import FORMATS
from mnist_exporters.spec.package_kind import PACKAGE_KINDS, check_package_name
from mnist_exporters.spec.processor_memory import ProcessorMemory
from mnist_runtime import Classifier, Golden, Manifest
from mnist_runtime.system.atomic import check_output_path, move_folder_into_place, move_into_place, staging_folder

__all__ = [
    "StagedExport",
    "check_destination",
    "export_path",
    "new_folders_removed",
    "package_folder",
    "trial_scores",
]

STAGING_NAME = re.compile(r"\.mnist-[a-z0-9_]{8}")
"""Pattern of the names of staging folders, see `mnist_runtime.system.atomic.staging_folder`."""

LEFT_OVER = 24 * 3600
"""Seconds without a change after which a staging folder counts as left over. An export takes minutes at most."""


def export_path(output: Path, spec: ExportSpec, name: str) -> Path:
    """Return the path of an export's main file, which is the one that a device loads.

    Parameters
    ----------
    output : Path
        The file itself, with the suffix of the format, or a folder. A package is named after the file; in a folder, it
        is below a folder that is named after the kind of package.
    spec : ExportSpec
        Format and precision of the export.
    name : str
        Name of the model.

    Raises
    ------
    UsageError
        If `output` is not a folder and has the suffix of another format.

    Examples
    --------
    >>> export_path(Path("exported"), ExportSpec("onnx", "int8"), "cnn").as_posix()
    'exported/cnn-int8.onnx'
    >>> export_path(Path("digits.onnx"), ExportSpec("onnx", "int8"), "cnn").as_posix()
    'digits.onnx'
    >>> export_path(Path("exported"), ExportSpec("c", "int8", package="arduino"), "cnn").as_posix()
    'exported/arduino/cnn_int8/src/cnn_int8.c'
    """
    path = _file_path(output, spec, name)
    if spec.package is None:
        return path
    package, place = identifier(path.stem), PACKAGE_KINDS[spec.package].place
    check_package_name(spec.package, package)
    inside = Path(package, place, f"{package}{path.suffix}")
    if path == output:
        return path if path.parts[-len(inside.parts) :] == inside.parts else path.parent / inside
    return path.parent / spec.package / inside


def package_folder(path: Path, package: str) -> Path:
    """Return the folder of a package from the path of its main file."""
    return path.parents[len(Path(PACKAGE_KINDS[package].place).parts)]


def _file_path(output: Path, spec: ExportSpec, name: str) -> Path:
    suffix = FORMATS[spec.format].suffix
    if not output.is_dir():
        if output.suffix == suffix:
            return output
        if output.suffix in {known for row in FORMATS.values() for known in (row.suffix, *row.companions)}:
            raise UsageError(
                f"The output {output} is not a name for a {spec.format} file. Give a folder or a name that ends in "
                f"{suffix}."
            )
    return output / f"{name}-{spec.precision}{FORMATS[spec.format].tag}{suffix}"


def check_destination(destination: Path, spec: ExportSpec) -> None:
    """Check that all files of an export can be written, and create the folders above them.

    Raises
    ------
    UsageError
        If no file can be created there, the name cannot be part of an ``#include`` line, or a package would be written
        into a folder that is not a package of this kind.
    """
    if ".h" in (FORMATS[spec.format].suffix, *FORMATS[spec.format].companions):
        identifier(destination.stem)
    if spec.package is not None:
        folder = package_folder(destination, spec.package)
        is_earlier = destination.is_file() and (folder / PACKAGE_KINDS[spec.package].mark).is_file()
        if folder.is_dir() and any(folder.iterdir()) and not is_earlier:
            raise UsageError(
                f"The folder {folder} exists and is no earlier {spec.package} package of this name. Choose another "
                "--output or move it away."
            )
        # The package is written to a folder beside its destination, and moved when it is complete. Nothing is written
        # at `beside`.
        beside = folder.parent / destination.name
        if not beside.is_dir():
            check_output_path(beside)
        _check_files_can_be_created(folder.parent)
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"{folder} is a file, but the package is a folder. Choose another --output.")
        return
    check_output_path(destination)
    _check_files_can_be_created(destination.parent)
    for suffix in FORMATS[spec.format].companions:
        check_output_path(destination.with_suffix(suffix))


def _check_files_can_be_created(folder: Path) -> None:
    """Check by a trial that a file can be created in `folder`, because folders such as /proc only look writable."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UsageError(
            f"No file can be created in {folder}: {error.strerror or error}. Choose another --output."
        ) from error


@contextlib.contextmanager
def new_folders_removed(path: Path) -> Iterator[None]:
    """Remove the folders above `path` at the end of the block that were created in it and are empty.

    Nothing is left of an export that fails, also if its destination was checked before the failure.
    """
    parents = path.absolute().parents
    new = list(itertools.takewhile(lambda folder: not os.path.exists(folder), parents))  # noqa: PTH110  # no PermissionError
    try:
        yield
    finally:
        with contextlib.suppress(OSError):  # it was never created, or is not empty
            for folder in new:
                folder.rmdir()


def _remove_leftovers(folder: Path) -> None:
    """Remove the staging folders in `folder` that are this user's and that nothing has written into for a day.

    A program that is killed while it exports leaves such a folder.
    """
    with contextlib.suppress(OSError):  # they do no harm
        for path in folder.iterdir():
            facts = path.lstat()
            is_staging = STAGING_NAME.fullmatch(path.name) and stat.S_ISDIR(facts.st_mode)  # a link is none
            is_own = not hasattr(os, "getuid") or facts.st_uid == os.getuid()
            if is_staging and is_own and time.time() - facts.st_mtime > LEFT_OVER:
                shutil.rmtree(path, ignore_errors=True)


class StagedExport:
    """Context in which an export's files are in a hidden folder beside their destination, until `commit` moves them.

    The folder is deleted at the end.

    Parameters
    ----------
    destination : Path
        The file to write, in an existing folder.
    plugin : FormatPlugin
        Packs and loads the files.
    package : str, optional
        A key of `PACKAGE_KINDS`: move the files into place as such a folder.

    Raises
    ------
    OutputError
        If the files cannot be written.
    """

    def __init__(self, destination: Path, plugin: FormatPlugin, package: str | None = None) -> None:
        self._destination = destination
        self._plugin = plugin
        self._package = package
        self._files: dict[str, bytes] = {}
        self._package_files: dict[str, bytes] = {}
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> StagedExport:
        place = package_folder(self._destination, self._package) if self._package else self._destination
        folder = place.absolute().parent
        with contextlib.suppress(OSError):  # `staging_folder` says why
            folder.mkdir(parents=True, exist_ok=True)  # another export that failed may have removed it
        _remove_leftovers(folder)
        self._folder = self._stack.enter_context(staging_folder(folder))
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
        if self._package:
            self._package_files = package_files(self._package, self._destination.stem, manifest, golden, self._files)

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
        if self._package is None:
            move_into_place(self._folder, self._destination.parent, last=self._destination.name)
            return
        folder = package_folder(self._destination, self._package)
        staged = self._folder / folder.name
        for name, content in self._package_files.items():
            path = staged / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        place = staged / self._destination.relative_to(folder).parent
        place.mkdir(parents=True, exist_ok=True)
        for suffix in self._files:
            path = self._path(suffix)
            path.replace(place / path.name)
        move_folder_into_place(staged, folder, last=self._destination.name)

    @property
    def _main_suffix(self) -> str:
        return list(self._files)[-1]

    def _path(self, suffix: str) -> Path:
        name = self._destination.name
        return self._folder / (name if suffix == self._main_suffix else f"{self._destination.stem}{suffix}")


def trial_scores(
    format: str, model: bytes, manifest: Manifest, images: npt.NDArray[np.uint8]
) -> npt.NDArray[np.float32]:
    """Return the scores that a file gives to `images` on a device. It is written to a temporary folder.

    Parameters
    ----------
    format : str
        A key of `FORMATS`.
    model : bytes
        The bare model.
    manifest : Manifest
        Its manifest.
    images : ndarray of shape (n, h, w) or (n, h, w, 3), dtype uint8
        Raw pixels.
    """
    name = f"trial{FORMATS[format].suffix}"
    with tempfile.TemporaryDirectory() as folder, StagedExport(Path(folder) / name, load_plugin(format)) as staged:
        staged.write(model, manifest, without_scores(images[:0], manifest.task))
        return staged.load().predict_proba(images)
