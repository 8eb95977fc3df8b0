"""The version of the packages, and the headings of the changelog."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from mnist_runtime import UsageError
from mnist_tools.checkout import ROOT, ToolError

__all__ = ["CHANGELOG", "STATEMENT", "VERSION_FILE", "notes_of", "set_version", "with_heading"]

CHANGELOG = ROOT / "CHANGELOG.md"
VERSION_FILE = ROOT / "runtime" / "mnist_runtime" / "__init__.py"

UNRELEASED = "## [Unreleased]\n"
STATEMENT = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)


def with_heading(text: str, version: str, date: str) -> str:
    r"""Return the changelog with everything unreleased under the heading of a version.

    Raises
    ------
    ToolError
        If it has the heading already, or nothing is unreleased.

    Examples
    --------
    >>> print(with_heading("## [Unreleased]\n\n### Added\n\n- A page.\n", "1.0.0", "2026-11-26"))
    ## [Unreleased]
    <BLANKLINE>
    ## [1.0.0] - 2026-11-26
    <BLANKLINE>
    ### Added
    <BLANKLINE>
    - A page.
    <BLANKLINE>
    """
    before, found, after = text.partition(UNRELEASED)
    if not found or f"## [{version}]" in text:
        raise ToolError(f"The changelog has no heading [Unreleased], or has [{version}] already. Look at CHANGELOG.md.")
    if not after.partition("\n## [")[0].strip():
        raise ToolError("Nothing is unreleased. Write in CHANGELOG.md what has changed.")
    return f"{before}{UNRELEASED}\n## [{version}] - {date}\n{after}"


def notes_of(text: str, version: str) -> str:
    r"""Return what the changelog says about a version, or what is unreleased if it does not have the version.

    Examples
    --------
    >>> notes_of("## [Unreleased]\n\n## [1.0.0] - 2026-11-26\n\n- A page.\n\n## [0.1.0]\n\n- All.\n", "1.0.0")
    '- A page.\n'
    """
    for name in (version, "Unreleased"):
        found = re.search(rf"^## \[{re.escape(name)}\][^\n]*\n(.*?)(?=^## \[|\Z)", text, re.MULTILINE | re.DOTALL)
        if found and found[1].strip():
            return found[1].strip() + "\n"
    raise ToolError(f"CHANGELOG.md says nothing about {version}. Write what has changed.")


def set_version(wanted: str, date: str) -> None:
    """Write the version into the package and its heading into the changelog, unless they have it already.

    Raises
    ------
    UsageError
        If `wanted` is not a version, or older than the present one.
    """
    text = VERSION_FILE.read_text()
    found = STATEMENT.search(text)
    assert found
    try:
        if str(Version(wanted)) != wanted or Version(wanted) < Version(found[1]):
            raise UsageError(f"{wanted} is not a version after {found[1]}, in the form 1.0.0rc1. Give another one.")
    except InvalidVersion as error:
        raise UsageError(f"{wanted} is not a version such as 1.0.0rc1. Give another one.") from error
    changes = CHANGELOG.read_text()
    if f"## [{wanted}]" not in changes:
        CHANGELOG.write_text(with_heading(changes, wanted, date))  # first, because it may raise an error
    if wanted != found[1]:
        VERSION_FILE.write_text(text.replace(found[0], f'__version__ = "{wanted}"'))
