"""`unpack`: Debian packages, of any architecture and suite, into a folder; the host's apt fetches them."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from mnist_runtime import BackendError

__all__ = ["host_archive", "require", "unpack"]

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")

CONFIGURATION = """\
APT::Architecture "{architecture}";
APT::Architectures {{ "{architecture}"; }};
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::State "{state}";
Dir::State::status "{state}/status";
Dir::Cache "{state}";
Dir::Etc::sourcelist "{state}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""
"""For an apt that knows none of the host's packages and writes into `state` alone; root is not needed."""


def host_archive() -> str:
    """Return the address of the Debian archive that this host takes its own packages from.

    Raises
    ------
    BackendError
        If the host has no apt, or its apt no archive.
    """
    require("apt-get")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        address, release, component = line.split()
        if component == "main" and "-" not in release:  # neither -updates nor -security, which hold a part only
            return address
    raise BackendError("Expected a Debian archive among this host's apt sources, found none; name one with --archive.")


def unpack(packages: tuple[str, ...], folder: Path, *, archive: str, suite: str, architecture: str) -> None:
    """Put the files of `packages`, and of all that they depend on, into `folder`. No script of theirs is run.

    Parameters
    ----------
    packages : tuple of str
        As Debian names them.
    folder : Path
        It may hold links such as ``bin -> usr/bin`` already; files go where they lead.
    archive, suite, architecture : str
        Where they come from, such as ``"bookworm"`` and ``"arm64"``. The archive's signature is verified.

    Raises
    ------
    BackendError
        If the host lacks what it takes, or a package cannot be had.
    """
    require("apt-get", "dpkg-deb", "tar")
    if not KEYRING.exists():
        raise BackendError(f"Expected Debian's keys in {KEYRING}: apt install debian-archive-keyring.")
    state = folder.with_name(f"{folder.name}.apt")
    shutil.rmtree(state, ignore_errors=True)
    for part in ("lists/partial", "archives/partial"):
        (state / part).mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYRING}] {archive} {suite} main\n")
    (state / "apt.conf").write_text(CONFIGURATION.format(architecture=architecture, state=state))
    for arguments in (["update", "--error-on=any"], ["install", "--yes", "--download-only", *packages]):
        _apt(arguments, state / "apt.conf", f"{', '.join(packages)} of {suite}, {architecture}, from {archive}")
    for package in sorted((state / "archives").glob("*.deb")):
        _extract(package, folder)
    shutil.rmtree(state)


def require(*programs: str) -> None:
    """Make sure that this host has `programs`.

    Raises
    ------
    BackendError
        If not.
    """
    if missing := [program for program in programs if shutil.which(program) is None]:
        raise BackendError(f"Expected a Debian system with {', '.join(programs)}, found no {', '.join(missing)}.")


def _apt(arguments: list[str], configuration: Path, wanted: str) -> None:
    command = ["apt-get", "--quiet=2", *arguments]
    environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = "; ".join(line for line in done.stderr.splitlines() if line.startswith("E:"))
        raise BackendError(f"Expected {wanted}, apt says: {said}. Look at the network, or name another --archive.")


def _extract(package: Path, folder: Path) -> None:
    """Unpack as dpkg does where ``/bin`` is a link to ``/usr/bin``: links to folders stay."""
    tar = ["tar", "--extract", "--no-same-owner", "--keep-directory-symlink", "--directory", str(folder)]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as stream:
        subprocess.run(tar, stdin=stream.stdout, check=True)
    if stream.returncode:
        raise BackendError(f"Expected a whole Debian package, {package.name} is damaged; try again.")
