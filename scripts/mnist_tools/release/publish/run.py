"""``scripts/release``: build the distributions of a version into ``dist/``, and try them in clean environments.

With a VERSION, first write it into the package and the changelog; commit that afterwards. Nothing is uploaded.
"""

from __future__ import annotations

import argparse
import datetime
import json
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mnist_runtime import UsageError
from mnist_runtime.system.command import echo
from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.release.publish.bill import write_bill
from mnist_tools.release.publish.cards import write_cards
from mnist_tools.release.publish.changelog import CHANGELOG, STATEMENT, VERSION_FILE, notes_of, set_version
from mnist_tools.release.publish.distributions import (
    PROJECTS,
    build,
    check_contents,
    check_metadata,
    check_with_twine,
    write_sums,
)
from mnist_tools.release.publish.installs import PYTHONS, InstallResult, table, try_device, try_workstation
from mnist_tools.release.publish.source import export_source, repository_address
from mnist_tools.release.wheel import find_python

__all__ = ["main"]

DIST = ROOT / "dist"
PAGE = ROOT / "docs" / "results" / "installations.md"
RECORD = ROOT / "docs" / "results" / "data" / "installations.json"

INTRO = """\
# Installations

Both wheels, installed by `scripts/release` in empty virtual environments, with the packages that pip chose on {date}.
Every command ran there: train, evaluate, export, verify, seal, sign, build the wheel for a device, classify, serve.
*commands* is how many were run, and all of them worked where a cell has the size of the environment: the sum
of the sizes of its files, without pip. The extras of `mnist-edge-export` were added one after the other to the plain
installation, without a compiler on the path; those of `mnist-runtime` each have an environment of their own.
{system}.

{table}

Newest versions that were installed: {versions}. `scripts/tool release wheel` runs the tests of the runtime on older
versions too.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Build, check, try, describe; return 1 if an installation failed."""
    parser = argparse.ArgumentParser(
        prog="scripts/tool release publish", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("version", nargs="?", metavar="VERSION", help="such as 1.0.0rc1 (default: the present one)")
    where = "https address where the sources are published (default: that of the git remote origin)"
    parser.add_argument("--repository", metavar="URL", help=where)
    pythons = f"a Python to try; may be repeated (default: {', '.join(PYTHONS)})"
    parser.add_argument("--python", action="append", metavar="VERSION", help=pythons)
    parser.add_argument("--quick", action="store_true", help="try one Python without extras; leave the table as it is")
    key = "a key of OpenSSH that signs SHA256SUMS; check it with: mnist-runtime verify SHA256SUMS --trusted KEYS"
    parser.add_argument("--key", type=Path, metavar="FILE", help=key)
    given = parser.parse_args(argv)
    address = repository_address(given.repository)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    if given.key is not None and not given.key.is_file():
        raise UsageError(f"There is no key at {given.key}. Check the path of --key.")
    for python in given.python or ():
        if find_python(python) is None:
            raise UsageError(f"Python {python} is not installed. Install it, or leave it out: --python VERSION.")
    if given.version is not None:
        set_version(given.version, date)
    found = STATEMENT.search(VERSION_FILE.read_text())
    assert found
    version = found[1]
    if subprocess.run(["git", "diff", "--quiet", "HEAD"], cwd=ROOT, check=False).returncode:
        echo("note: some changes are not committed. Commit them before you publish.")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    wheels = _built(address, version)
    write_cards(DIST / "model-cards")
    (DIST / "RELEASE-NOTES.md").write_text(notes_of(CHANGELOG.read_text(), version), "utf-8")
    here = ".".join(platform.python_version_tuple()[:2])
    wanted = given.python or ([here] if given.quick else list(PYTHONS))
    results = _tried(wheels, wanted, extras=not given.quick)
    write_sums(DIST, given.key)
    if not given.quick and set(wanted) == set(PYTHONS):
        _write_page(results, date)
    print(DIST)
    return int(any(result.failure for result in results))


def _built(address: str, version: str) -> list[Path]:
    """Build and check the distributions, and return the wheels."""
    wheels = []
    with tempfile.TemporaryDirectory() as name:
        export_source(Path(name), address, version)
        for project in PROJECTS:
            wheel, sdist = build(project, Path(name), DIST)
            check_metadata(wheel)
            check_contents(project, wheel)
            check_with_twine((wheel, sdist))
            echo(f"{wheel.name}: {wheel.stat().st_size:,} bytes; {sdist.name}: {sdist.stat().st_size:,} bytes")
            wheels.append(wheel)
    return wheels


def _tried(wheels: Sequence[Path], pythons: Sequence[str], *, extras: bool) -> list[InstallResult]:
    """Try the wheels on each Python. The last one's packages are written as a software bill of materials."""
    results: list[InstallResult] = []
    for project, wheel, attempt in zip(PROJECTS, wheels, (try_workstation, try_device), strict=True):
        for python in pythons:
            results += attempt(wheel, python, extras, partial(write_bill, project, _bill_of(wheel)), echo)
        if not _bill_of(wheel).exists():
            raise ToolError(f"{project.name} has no bill of materials, because it could not be installed.")
    return results


def _bill_of(wheel: Path) -> Path:
    return DIST / f"{wheel.name.split('-py3')[0]}.cdx.json"


def _write_page(results: Sequence[InstallResult], date: str) -> None:
    """Write the table of installations into the documentation."""
    RECORD.write_text(json.dumps([result.as_dict() for result in results], indent=1) + "\n")
    newest: dict[str, str] = {}
    for result in results:
        newest |= result.versions
    text = INTRO.format(
        date=date,
        system=f"Linux on {platform.machine()}",
        table=table(list(results)),
        versions=", ".join(f"{name} {version}" for name, version in newest.items()),
    )
    PAGE.write_text(text)
