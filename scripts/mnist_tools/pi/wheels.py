"""Download the wheels that a target needs into one folder, which is the guest's only package index."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from packaging.requirements import Requirement

from mnist_runtime import BACKENDS, BackendError
from mnist_tools.pi.targets import Target

__all__ = ["download", "wanted"]

OLDEST_GLIBC = 17
"""Minor version of the oldest C library 2.x that wheels are built for today (manylinux2014)."""


def wanted(target: Target, constraints: str) -> list[list[str]]:
    """Return the requirements to download, in sets that can be installed together.

    Interpreters have the versions of `constraints`, as on the host, so that their scores can be compared. Other
    packages are the newest, as on a Pi. Packages that `target` has from Debian are left out.
    """
    lines = map(Requirement, constraints.splitlines())
    there = {"python_version": ".".join(map(str, target.python))}
    pinned = {line.name: str(line.specifier) for line in lines if line.marker is None or line.marker.evaluate(there)}
    sets = []
    for below_2 in (False, True):
        packages = {BACKENDS[name].package for name in target.backends if BACKENDS[name].numpy_below_2 == below_2}
        if packages:
            versions = {name: f"{name}{pinned[name]}" for name in sorted(packages - {"numpy"})}
            versions |= {"numpy": "numpy<2" if below_2 else "numpy", "pillow": "pillow"}
            sets.append([version for name, version in versions.items() if name not in target.from_debian])
    return [requirements for requirements in sets if requirements]


def download(target: Target, requirements: list[str], folder: Path) -> None:
    """Download wheels for `target` into `folder`, from the index of the host's pip.

    Raises
    ------
    BackendError
        If a download fails.
    """
    versions = range(OLDEST_GLIBC, target.glibc + 1)
    platforms = [f"manylinux_2_{minor}_{target.machine}" for minor in versions] + [f"manylinux2014_{target.machine}"]
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--only-binary=:all:", "--dest", str(folder), "--python-version", ".".join(map(str, target.python))]
    command += ["--implementation", "cp", *(f"--platform={platform}" for platform in platforms)]
    if target.from_debian:
        command.append("--no-deps")  # the dependencies come from Debian
    done = subprocess.run([*command, *requirements], capture_output=True, text=True, check=False)
    if done.returncode:
        reason = "; ".join(line for line in done.stderr.splitlines() if line.startswith("ERROR"))
        raise BackendError(f"No wheels of {', '.join(requirements)} for {target.machine}. Message of pip: {reason}")
