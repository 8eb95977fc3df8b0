"""Systems that Raspberry Pis run, and the backends that can be installed on each: the table `TARGETS`."""

from __future__ import annotations

from dataclasses import dataclass, field

from mnist_runtime.backends.registry import BACKENDS, BackendRow

__all__ = ["PAIRS", "TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """One system, as a row of `TARGETS`.

    Parameters
    ----------
    architecture, suite : str
        Debian's names of the architecture and the release.
    machine : str
        Name of the architecture in Python and in wheels.
    python : (int, int)
        Version of the release's Python.
    glibc : int
        Minor version of its C library 2.x. Wheels for this or an older version can be installed.
    from_debian : dict of str to str
        Python packages without a wheel for this system -> the Debian package that is used instead.
    """

    architecture: str
    suite: str
    machine: str
    python: tuple[int, int]
    glibc: int
    from_debian: dict[str, str] = field(default_factory=dict)

    @property
    def backends(self) -> tuple[str, ...]:
        """Rows of `mnist_runtime.BACKENDS` that can be installed, the preferred one first."""
        return tuple(name for name, row in BACKENDS.items() if row.package in self.from_debian or self._has_wheel(row))

    def _has_wheel(self, row: BackendRow) -> bool:
        is_64_bit = self.architecture == "arm64"
        return row.no_wheel_reason(machine=self.machine, python=self.python, is_64_bit=is_64_bit) is None


NUMPY_AND_PILLOW = {"numpy": "python3-numpy", "pillow": "python3-pil"}

WITHOUT_WHEEL = [row for row in BACKENDS.values() if "armv7l" in row.debian_machines]
"""Backends that 32-bit systems take from Debian 13."""

TARGETS: dict[str, Target] = {
    "arm64-bookworm": Target(
        architecture="arm64",
        suite="bookworm",
        machine="aarch64",
        python=(3, 11),
        glibc=36,
    ),
    "arm64-trixie": Target(
        architecture="arm64",
        suite="trixie",
        machine="aarch64",
        python=(3, 13),
        glibc=41,
    ),
    "armhf-bookworm": Target(
        architecture="armhf",
        suite="bookworm",
        machine="armv7l",
        python=(3, 11),
        glibc=36,
        from_debian=NUMPY_AND_PILLOW,
    ),
    "armhf-trixie": Target(
        architecture="armhf",
        suite="trixie",
        machine="armv7l",
        python=(3, 13),
        glibc=41,
        from_debian={**NUMPY_AND_PILLOW, **{row.package: row.debian_package for row in WITHOUT_WHEEL}},
    ),
}
"""Name -> system. Raspberry Pi OS is Debian; its 32-bit edition is Debian rebuilt for ARMv6."""

PAIRS: tuple[tuple[str, str], ...] = tuple((name, each) for name, row in TARGETS.items() for each in row.backends)
"""Each target with each of its backends."""
