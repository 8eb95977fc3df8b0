"""`guest_root`: the files of a Debian system, as a Raspberry Pi has them, in a folder."""

from __future__ import annotations

from pathlib import Path

from mnist_tools.pi.emulator.packages import unpack
from mnist_tools.pi.targets import Target

__all__ = ["PACKAGES", "guest_root"]

PACKAGES = ("base-files", "coreutils", "dash", "libgomp1", "libstdc++6", "python3", "python3-venv")
"""In every guest; all that a Raspberry Pi OS Lite has of what the runtime's page asks for."""

PLACES = ("usr/bin", "usr/lib", "usr/sbin", "etc/ssl/certs", "dev", "home/pi", "proc", "srv", "sys", "tmp")
MERGED = ("bin", "lib", "sbin")

ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
}


def guest_root(target: Target, folder: Path, archive: str) -> None:
    """Fill `folder` with `PACKAGES` and what `target` takes from Debian.

    Raises
    ------
    BackendError
        If they cannot be had.
    """
    for place in PLACES:
        (folder / place).mkdir(parents=True)
    for name in MERGED:
        (folder / name).symlink_to(f"usr/{name}")
    packages = (*PACKAGES, *target.from_debian.values())
    unpack(packages, folder, archive=archive, suite=target.suite, architecture=target.architecture)
    _configure(folder)


def _configure(folder: Path) -> None:
    """Do what the packages' scripts would have done, as far as Python needs it: they are not run."""
    for place, content in ACCOUNTS.items():
        (folder / place).write_text(content)
    for library in (folder / "usr" / "lib").glob("*/*/lib*.so.3"):
        if library.parent.name in ("blas", "lapack"):  # one of several that a system may have
            (library.parents[1] / library.name).symlink_to(library.relative_to(library.parents[1]))
    certificates = sorted((folder / "usr/share/ca-certificates").glob("*/*.crt"))  # pip reads them, even offline
    (folder / "etc/ssl/certs/ca-certificates.crt").write_text("".join(path.read_text() for path in certificates))
