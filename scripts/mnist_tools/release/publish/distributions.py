"""Build the distributions, and check their metadata and what is in them."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from email.parser import Parser
from pathlib import Path

from mnist_exporters.pipeline.existing_files.signing import signature_of
from mnist_runtime.artifact.signature import signature_path
from mnist_tools.checkout import ToolError
from mnist_tools.release.publish.source import tracked_files
from mnist_tools.release.wheel import MOST_BYTES

__all__ = ["PROJECTS", "Project", "build", "check_contents", "check_metadata", "check_with_twine", "write_sums"]


@dataclass(frozen=True)
class Project:
    """One of the two distributions.

    Parameters
    ----------
    name : str
        Name on a package index.
    folder : str
        Folder of its pyproject.toml.
    packages : tuple of str
        Folders of the packages in its wheel.
    most_bytes : int
        Largest size of the wheel.
    """

    name: str
    folder: str
    packages: tuple[str, ...]
    most_bytes: int

    @property
    def stem(self) -> str:
        """Beginning of the file names."""
        return self.name.replace("-", "_")


PROJECTS = (
    Project(
        "mnist-edge-export",
        ".",
        ("trainer/mnist_trainer", "exporters/mnist_exporters", "runtime/mnist_runtime"),
        10_000_000,
    ),
    Project("mnist-runtime", "runtime", ("runtime/mnist_runtime",), MOST_BYTES),
)

WANTED = ("Summary", "License-Expression", "Keywords", "Classifier", "Project-URL", "Requires-Python", "Description")
"""Fields of the metadata that the page of a package index needs."""


def build(project: Project, source: Path, folder: Path) -> tuple[Path, Path]:
    """Build the sdist, and from it the wheel; return wheel and sdist.

    The build tools are those installed here, with the versions in constraints.txt.
    """
    _run("build", "--no-isolation", "--outdir", folder, source / project.folder)
    (wheel,) = folder.glob(f"{project.stem}-*.whl")
    (sdist,) = folder.glob(f"{project.stem}-*.tar.gz")
    return wheel, sdist


def check_with_twine(files: Iterable[Path]) -> None:
    """Check as a package index does, warnings included."""
    _run("twine", "check", "--strict", *files)


def check_metadata(wheel: Path) -> None:
    """Check that no field is missing.

    Raises
    ------
    ToolError
        If one is.
    """
    with zipfile.ZipFile(wheel) as archive:
        (place,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        message = Parser().parsestr(archive.read(place).decode())
    found = {**{key: message.get_all(key) for key in message}, "Description": message.get_payload()}
    if missing := [field for field in WANTED if not found.get(field)]:
        raise ToolError(f"{wheel.name} has no {', '.join(missing)} in its metadata. Add it to pyproject.toml.")


def check_contents(project: Project, wheel: Path) -> None:
    """Check that the wheel has exactly the tracked files of its packages, and is not too large.

    Raises
    ------
    ToolError
        If a file is missing, such as a model or a template, or does not belong there.
    """
    wanted = {
        name.removeprefix(f"{package.partition('/')[0]}/")
        for package in project.packages
        for name in tracked_files(package)
    }
    with zipfile.ZipFile(wheel) as archive:
        tops = tuple(f"{package.partition('/')[2]}/" for package in project.packages)
        inside = {name for name in archive.namelist() if ".dist-info/" not in name and ".data/" not in name}
    if missing := sorted(wanted - inside):
        raise ToolError(f"{wheel.name} lacks {', '.join(missing[:5])}. Does .gitignore exclude it?")
    if foreign := sorted(name for name in inside - wanted if name.startswith(tops) or not name.endswith("/")):
        raise ToolError(f"{wheel.name} has {', '.join(foreign[:5])}, which git does not track.")
    if wheel.stat().st_size > project.most_bytes:
        raise ToolError(f"{wheel.name} has {wheel.stat().st_size:,} bytes, but at most {project.most_bytes:,} may be.")


def write_sums(folder: Path, key: Path | None = None) -> Path:
    """Write SHA256SUMS of all files in `folder`, as ``sha256sum --check`` reads it; with a key, sign it too."""
    place = folder / "SHA256SUMS"
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != place)
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n" for path in files]
    place.write_text("".join(lines))
    if key is not None:
        signature_path(place).write_bytes(signature_of(place.read_bytes(), key))
    return place


def _run(module: str, *words: object) -> None:
    line = [sys.executable, "-m", module, *map(str, words)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"`{' '.join(line)}` failed:\n{done.stdout}{done.stderr}")
