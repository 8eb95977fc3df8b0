"""Download Debian packages of any architecture and release with the host's apt, and unpack them into a folder."""

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
"""Configuration of an apt that ignores the host's packages and only writes into `state`, so that it needs no root."""


def host_archive() -> str:
    """Return the URL of the Debian archive that the host uses.

    Raises
    ------
    BackendError
        If the host has no apt, or apt has no archive.
    """
    require("apt-get")
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
        address, release, component = line.split()
        if component == "main" and "-" not in release:  # -updates and -security are incomplete
            return address
    raise BackendError("This machine's apt has no Debian archive among its sources. Name one with --archive.")


def unpack(packages: tuple[str, ...], folder: Path, *, archive: str, suite: str, architecture: str) -> None:
    """Unpack `packages` and their dependencies into `folder`. Their scripts are not run.

    Parameters
    ----------
    packages : tuple of str
        Names of Debian packages.
    folder : Path
        Destination. Existing links to folders, such as ``bin -> usr/bin``, are followed.
    archive, suite, architecture : str
        URL of the archive, and for example ``"bookworm"`` and ``"arm64"``. The archive's signature is verified.

    Raises
    ------
    BackendError
        If the host lacks a program, or a package cannot be downloaded.
    """
    require("apt-get", "dpkg-deb", "tar")
    if not KEYRING.exists():
        raise BackendError(f"{KEYRING} is missing. Install it with: apt install debian-archive-keyring")
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
    """Check that the host has `programs`.

    Raises
    ------
    BackendError
        If a program is missing.
    """
    if missing := [program for program in programs if shutil.which(program) is None]:
        raise BackendError(f"This needs {', '.join(missing)}. Use a Debian system that has them.")


def _apt(arguments: list[str], configuration: Path, wanted: str) -> None:
    command = ["apt-get", "--quiet=2", *arguments]
    environment = {**os.environ, "APT_CONFIG": str(configuration), "LC_ALL": "C"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = "; ".join(line for line in done.stderr.splitlines() if line.startswith("E:"))
        raise BackendError(
            f"apt cannot download {wanted}: {reason}. Check the network, or name another archive with --archive."
        )


def _extract(package: Path, folder: Path) -> None:
    """Unpack one package. Links to folders, such as ``/bin -> /usr/bin``, are kept."""
    tar = ["tar", "--extract", "--no-same-owner", "--keep-directory-symlink", "--directory", str(folder)]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as stream:
        subprocess.run(tar, stdin=stream.stdout, check=True)
    if stream.returncode:
        raise BackendError(f"The Debian package {package.name} is damaged. Try again.")
