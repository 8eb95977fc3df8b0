"""`Circumstances`: time, machine, versions and data of a report, for its footer."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mnist_exporters.inputs.labelled_images import content_digest
from mnist_exporters.spec.format import FORMATS
from mnist_runtime import __version__
from mnist_runtime.device.machine import Machine
from mnist_runtime.system.process import installed_version

if TYPE_CHECKING:
    from mnist_exporters.pipeline.session import ExportSession

__all__ = ["Circumstances"]


@dataclass(frozen=True)
class Circumstances:
    """The facts that are needed to reproduce a report.

    Parameters
    ----------
    date : str
        Time of the report in UTC, in ISO 8601 format.
    command : str
        The command line; empty if a Python program made the report.
    machine : Machine
        Processor and system of this machine.
    versions : dict of str to str
        Package -> installed version, for this toolkit and the packages that influence the files.
    seed : int
        Seed of the random draws.
    test_sha256 : str
        SHA-256 of pixels and labels of the test images, computed as in a training record.
    calibration : dict
        Name, number, seed and SHA-256 of the calibration images.
    """

    date: str
    command: str
    machine: Machine
    versions: dict[str, str]
    seed: int
    test_sha256: str
    calibration: dict[str, Any]

    @classmethod
    def of(cls, session: ExportSession, formats: Iterable[str], command: str = "") -> Circumstances:
        """Collect the facts: present time, this machine, installed versions, and the data of a session."""
        packages = dict.fromkeys(package for name in formats for package in FORMATS[name].packages)
        return cls(
            date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            command=command,
            machine=Machine.here(),
            versions={"mnist-edge-export": __version__} | {name: _version(name) for name in packages},
            seed=session.seed,
            test_sha256=content_digest(session.test),
            calibration=session.calibration.as_dict(),
        )

    def as_dict(self) -> dict[str, Any]:
        """Return values for JSON."""
        return dataclasses.asdict(self)


def _version(package: str) -> str:
    try:
        return installed_version(package)
    except ImportError:
        return "not installed"
