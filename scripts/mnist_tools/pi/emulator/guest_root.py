"""Create the root folder of a Debian system like that of a Raspberry Pi."""

from __future__ import annotations

from pathlib import Path

from mnist_tools.pi.emulator.packages import unpack
from mnist_tools.pi.targets import Target

__all__ = ["PACKAGES", "guest_root"]

PACKAGES = ("base-files", "coreutils", "dash", "libgomp1", "libstdc++6", "python3", "python3-venv")
"""Packages of every guest: those of Raspberry Pi OS Lite that runtime/README.md requires."""

PLACES = ("usr/bin", "usr/lib", "usr/sbin", "etc/ssl/certs", "dev", "home/pi", "proc", "srv", "sys", "tmp")
MERGED = ("bin", "lib", "sbin")

ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


def guest_root(target: Target, folder: Path, archive: str) -> None:
    """Unpack `PACKAGES`, and those that `target` needs from Debian, into `folder`.

    Raises
    ------
    BackendError
        If a package cannot be downloaded.
    """
    for place in PLACES:
        (folder / place).mkdir(parents=True)
    for name in MERGED:
        (folder / name).symlink_to(f"usr/{name}")
    packages = (*PACKAGES, *target.from_debian.values())
    unpack(packages, folder, archive=archive, suite=target.suite, architecture=target.architecture)
    _configure(folder)


def _configure(folder: Path) -> None:
    """Replace the part of the packages' installation scripts that Python needs. The scripts are not run."""
    for place, content in ACCOUNTS.items():
        (folder / place).write_text(content)
    for library in (folder / "usr" / "lib").glob("*/*/lib*.so.3"):
        if library.parent.name in ("blas", "lapack"):  # a system may have several implementations
            (library.parents[1] / library.name).symlink_to(library.relative_to(library.parents[1]))
    certificates = sorted((folder / "usr/share/ca-certificates").glob("*/*.crt"))  # pip needs them, even offline
    (folder / "etc/ssl/certs/ca-certificates.crt").write_text("".join(path.read_text() for path in certificates))
