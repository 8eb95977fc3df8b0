"""`PACKAGE_KINDS`: the table of package kinds. A package is a folder for a build system that contains an export."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnist_exporters.errors import UsageError
from mnist_exporters.spec.format import FORMATS

__all__ = ["PACKAGE_KINDS", "PackageFolder", "PackageKind", "check_package", "check_package_name", "format_of_package"]


@dataclass(frozen=True)
class PackageKind:
    """One row of `PACKAGE_KINDS`. Its files are the templates in ``mnist_exporters/formats/packages/templates/<name>``.

    Parameters
    ----------
    title : str
        Name of such a package with its article, such as "an Arduino library".
    format : str
        Format of the export that it contains, a key of `FORMATS`.
    place : str
        Folder in the package for the export's files.
    mark : str
        A file that only packages of this kind have. It identifies an earlier package, which may be replaced.
    next_step : str
        Text: how to use the package, without the final period. ``{folder}`` stands for the folder, ``{name}`` for its
        name.
    longest_name : int or None
        Maximum length of the name in the build system, in characters; None if no limit is documented.
    """

    title: str
    format: str
    place: str
    mark: str
    next_step: str
    longest_name: int | None = None


PACKAGE_KINDS: dict[str, PackageKind] = {
    "arduino": PackageKind(
        title="an Arduino library",
        format="c",
        place="src",
        mark="library.properties",
        next_step="Copy {folder} into the libraries folder of your sketchbook, and open File > Examples > {name} > "
        "classify",
        longest_name=63,
    ),
    "esp-idf": PackageKind(
        title="an ESP-IDF component",
        format="c",
        place="src",
        mark="idf_component.yml",
        next_step="Copy {folder} into the components folder of your project, or build the example: idf.py -C "
        "{folder}/examples/classify build",
    ),
    "platformio": PackageKind(
        title="a PlatformIO library",
        format="c",
        place="src",
        mark="library.json",
        next_step="Copy {folder} into the lib folder of your project, or run the example: pio run -d "
        "{folder}/examples/classify",
        longest_name=50,
    ),
    "zephyr": PackageKind(
        title="a Zephyr module",
        format="c",
        place="src",
        mark="zephyr/module.yml",
        next_step="Build the sample: west build -b BOARD {folder}/samples/classify",
    ),
    "cmake": PackageKind(
        title="a CMake project",
        format="c",
        place="src",
        mark="example/main.c",
        next_step="Build and test it: cmake -S {folder} -B build && cmake --build build && ctest --test-dir build",
    ),
    "npm": PackageKind(
        title="an npm package",
        format="web",
        place="",
        mark="package.json",
        next_step="Test it with npm test --prefix {folder}, and add it to your project: npm install ./{folder}",
        longest_name=214,
    ),
}
"""Name -> kind of package. A new one is a row here and a folder of templates."""


@dataclass(frozen=True)
class PackageFolder:
    """A package that was written.

    Parameters
    ----------
    kind : str
        A key of `PACKAGE_KINDS`.
    path : Path
        Folder of the package.
    """

    kind: str
    path: Path

    def as_dict(self) -> dict[str, str]:
        """Return values for JSON."""
        return {"kind": self.kind, "path": str(self.path)}

    @property
    def next_step(self) -> str:
        """Text: how to use the package."""
        return PACKAGE_KINDS[self.kind].next_step.format(folder=self.path, name=self.path.name)


def check_package(package: str, format: str) -> None:
    """Check that a package of this kind can contain a file of `format`.

    Raises
    ------
    UsageError
        If there is no such package, or it is for another format.
    """
    needed = format_of_package(package)
    if format != needed:
        raise UsageError(
            f"--package {package} makes {PACKAGE_KINDS[package].title} of {needed} files, not of {format} files. "
            f"Give --format {needed}."
        )


def check_package_name(package: str, name: str) -> None:
    """Check that a package of this kind can have this name.

    Raises
    ------
    UsageError
        If the name is too long for the build system.
    """
    longest = PACKAGE_KINDS[package].longest_name
    if longest is not None and len(name) > longest:
        raise UsageError(
            f"The name {name} has {len(name)} characters, but that of {PACKAGE_KINDS[package].title} has at most "
            f"{longest}. Give a shorter name: --output NAME{FORMATS[PACKAGE_KINDS[package].format].suffix}"
        )


def format_of_package(package: str) -> str:
    """Return the format of the export that a package contains.

    Raises
    ------
    UsageError
        If there is no such package.

    Examples
    --------
    >>> format_of_package("arduino")
    'c'
    """
    if not isinstance(package, str) or package not in PACKAGE_KINDS:  # from a caller without type checks
        raise UsageError(f"There is no package {package!r}. Choose one of: {', '.join(PACKAGE_KINDS)}.")
    return PACKAGE_KINDS[package].format
