"""`export_source`: the files of a release, copied from the checkout, with the addresses of the place of publication."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from mnist_runtime import UsageError
from mnist_tools.checkout import ROOT, output_of

__all__ = ["absolute_links", "export_source", "repository_address", "tracked_files"]

URLS = """
[project.urls]
Repository = "{address}"
Documentation = "{address}/tree/v{version}/docs"
Changelog = "{address}/blob/v{version}/CHANGELOG.md"
Issues = "{address}/issues"
"""

LINK = re.compile(r"(!?)\[([^\[\]]*)\]\((?!https?:|#|mailto:)([^)\s]+)\)")
SOURCE = re.compile(r'(<(?:img|source)\b[^>]*?\b(?:src|srcset)=")(?!https?:)([^"]+)')
TARGET = re.compile(r'(<a\b[^>]*?\bhref=")(?!https?:|#)([^"]+)')


def repository_address(given: str | None) -> str:
    """Return the address of the release's repository: `given`, or that of the git remote ``origin``.

    Raises
    ------
    UsageError
        If there is no such address. The metadata of the packages need one.
    """
    origin = subprocess.run(
        ["git", "remote", "get-url", "origin"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    address = given or re.sub(r"^git@([^:]+):", r"https://\1/", origin.stdout.strip())
    if not re.fullmatch(r"https://[\w.-]+/[\w./~-]+", address):
        raise UsageError("Where is the release published? Give --repository https://..., which the metadata name.")
    return address.removesuffix("/").removesuffix(".git")


def tracked_files(folder: str = ".") -> list[str]:
    """Return the files that git tracks in a folder of the checkout, and that exist."""
    names = output_of(["git", "ls-files", "-z", "--", folder]).split("\0")
    return [name for name in names if name and (ROOT / name).is_file()]


def export_source(folder: Path, address: str, version: str) -> None:
    """Copy what git tracks into `folder`. Nothing else of the checkout can get into a release."""
    for name in tracked_files():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    for name in ("pyproject.toml", "runtime/pyproject.toml"):
        with (folder / name).open("a", encoding="utf-8") as project:
            project.write(URLS.format(address=address, version=version))
    readme = folder / "README.md"
    text = readme.read_text("utf-8").replace("git+URL#", f"git+{address}@v{version}#")
    readme.write_text(absolute_links(text, address, version), "utf-8")


def absolute_links(text: str, address: str, version: str) -> str:
    """Return Markdown whose links into the repository also work on the page of a package index.

    Examples
    --------
    >>> absolute_links("[how](docs/a.md), ![it](b.svg)", "https://example.org/x", "1.0")
    '[how](https://example.org/x/blob/v1.0/docs/a.md), ![it](https://example.org/x/raw/v1.0/b.svg)'
    """

    def place(target: str, kind: str) -> str:
        return f"{address}/{kind}/v{version}/{target.removeprefix('./')}"

    text = LINK.sub(lambda m: f"{m[1]}[{m[2]}]({place(m[3], 'raw' if m[1] else 'blob')})", text)
    text = re.sub(r"(\)\]\()(?!https?:|#)([^)\s]+)\)", lambda m: f"{m[1]}{place(m[2], 'blob')})", text)
    text = SOURCE.sub(lambda m: m[1] + place(m[2], "raw"), text)
    return TARGET.sub(lambda m: m[1] + place(m[2], "blob"), text)
