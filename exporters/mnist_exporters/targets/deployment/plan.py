"""`Plan`: decide from the facts of a device what will be installed on it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from mnist_exporters.errors import DeviceError, MissingPackageError, UsageError
from mnist_runtime.backends.registry import BACKENDS
from mnist_runtime.errors import BackendError

__all__ = ["EXTRAS", "FOLDER", "DeviceFacts", "Plan", "check_folder", "interpreter_extras", "service_extras"]

EXTRAS = tuple(row.extra for row in BACKENDS.values() if row.extra)
"""Extras of mnist-runtime that install an interpreter."""

FOLDER = "digits"
"""Default folder on the device, below the home folder."""

COMMANDS = {"serve": ("serve",), "watch": ("watch",)}
"""Subcommand of mnist-runtime that can run as a service -> extras that it needs."""

MODULES = {"images": "PIL", "watch": "cv2", "mqtt": "paho", "onnx": "onnxruntime"}
"""Extra -> Python module, for extras that 32-bit systems get from Debian packages."""


@dataclass(frozen=True)
class DeviceFacts:
    """Facts that a device reports; see `mnist_exporters.targets.deployment.there.facts`.

    Parameters
    ----------
    machine : str
        Architecture, as in `platform.machine`.
    is_64_bit : bool
        Whether Python on the device is a 64-bit program.
    python : (int, int)
        Version of Python on the device.
    system, board : str
        Names of the system and the board; empty if not known.
    folder : str
        Absolute path of the deployment's folder.
    free_bytes : int
        Free disk space in that folder.
    writable, has_venv : bool
        Whether files can be created in that folder; whether Python can create virtual environments.
    modules : tuple of str
        Modules of `MODULES` that are installed with the system's Python.
    service_missing : str
        Why the user cannot run services; empty if services are possible.
    current, previous : dict or None
        Facts about the current and the previous version; None if there is none.
    environments : tuple of str
        Names of the complete environments on the device.
    """

    machine: str
    is_64_bit: bool
    python: tuple[int, int]
    system: str
    board: str
    folder: str
    free_bytes: int
    writable: bool
    has_venv: bool
    modules: tuple[str, ...]
    service_missing: str
    current: dict[str, Any] | None
    previous: dict[str, Any] | None
    environments: tuple[str, ...]

    @classmethod
    def read(cls, found: dict[str, Any]) -> DeviceFacts:
        """Return the facts from the device's message."""
        names = ("python", "modules", "environments")
        return cls(**{**found, **{name: tuple(found[name]) for name in names}})

    def __str__(self) -> str:
        version = f"version {self.current['version']} there" if self.current else "nothing installed there yet"
        named = [self.board, self.system, self.machine, f"Python {'.'.join(map(str, self.python))}"]
        return ", ".join([*filter(None, named), f"{self.free_bytes / 1e9:.1f} GB free", version])


@dataclass(frozen=True)
class Plan:
    """The virtual environment that a deployment needs.

    Parameters
    ----------
    wheel : Path
        The wheel of mnist-runtime.
    extras : tuple of str
        Extras of mnist-runtime to install.
    key : str
        Name of the environment on the device.
    from_system : bool
        Whether packages of the system are visible in the environment.
    is_there : bool
        Whether the environment exists on the device already.
    """

    wheel: Path
    extras: tuple[str, ...]
    key: str
    from_system: bool
    is_there: bool

    @classmethod
    def of(cls, facts: DeviceFacts, wheel: Path, extras: Sequence[str], address: str) -> Plan:
        """Choose the environment for a device. `address` is the name of the device in messages.

        Raises
        ------
        DeviceError
            If the folder cannot be written.
        MissingPackageError
            If the device cannot create virtual environments.
        """
        if not facts.writable:
            raise DeviceError(f"{address} cannot write into {facts.folder}. Give another --folder.")
        if not facts.has_venv:
            raise MissingPackageError(
                f"{address} cannot make virtual environments. On the device, run: sudo apt install python3-venv"
            )
        from_system = not facts.is_64_bit
        wanted = tuple(
            extra for extra in dict.fromkeys(extras) if not (from_system and MODULES.get(extra) in facts.modules)
        )
        digest = hashlib.sha256(wheel.read_bytes()).hexdigest()[:12]
        python = "".join(map(str, facts.python))
        key = "-".join((digest, f"py{python}", *wanted))
        return cls(wheel, wanted, key, from_system, key in facts.environments)

    def request(self) -> dict[str, Any]:
        """Return the entries of a request to the device that describe the environment."""
        return {"wheel": self.wheel.name, "extras": self.extras, "key": self.key, "from_system": self.from_system}


def check_folder(folder: str) -> None:
    """Check that `folder` can be the separate folder of a deployment on the device.

    Raises
    ------
    UsageError
        If it is empty, the root folder, or a path that starts with ``~`` or contains ``..``.

    Examples
    --------
    >>> check_folder("digits")
    """
    parts = PurePosixPath(folder).parts
    if parts in ((), ("/",)) or ".." in parts or parts[0] == "~":
        raise UsageError(
            f"--folder {folder!r} is not a folder of its own on the device. Give a name, such as digits, for a folder "
            "in the home folder."
        )


def interpreter_extras(facts: DeviceFacts, format: str, precision: str, wanted: str | None, address: str) -> list[str]:
    """Return the extras that install the interpreter for a file; empty for NumPy, and for a package of the system.

    Parameters
    ----------
    facts : DeviceFacts
        The device.
    format, precision : str
        Format and precision of the file.
    wanted : str or None
        An extra of `EXTRAS`, or ``"none"`` for NumPy alone; None for the best interpreter.
    address : str
        Name of the device, for messages.

    Raises
    ------
    BackendError
        If no interpreter for the file can be installed on the device.
    UsageError
        If `wanted` cannot run such files.
    """
    rows = {name: row for name, row in BACKENDS.items() if row.runs((format,), precision)}
    if wanted and wanted not in {row.extra or "none" for row in rows.values()}:
        fitting = " or ".join(row.extra or "none" for row in rows.values())
        raise UsageError(f"--extra {wanted} does not run {precision} {format} files. Use {fitting}.")
    reasons = []
    for name, row in rows.items():
        if wanted not in (None, row.extra or "none"):
            continue
        if row.extra is None or (not facts.is_64_bit and row.module in facts.modules):
            return []
        reason = row.no_wheel_reason(machine=facts.machine, python=facts.python, is_64_bit=facts.is_64_bit)
        if reason is None:
            return [row.extra]
        reasons.append(f"{name}: {reason}")
    advice = "" if wanted else " Export the model as an int8 .tflite file, which runs without an interpreter."
    raise BackendError(f"No interpreter runs {precision} {format} files on {address}. {'; '.join(reasons)}.{advice}")


def service_extras(arguments: Sequence[str]) -> list[str]:
    """Return the extras that a service needs.

    Raises
    ------
    UsageError
        If the subcommand cannot run as a service.
    """
    if not arguments or arguments[0] not in COMMANDS:
        raise UsageError(
            f"--run cannot run {' '.join(arguments[:1]) or 'nothing'} as a service. Give {' or '.join(COMMANDS)}."
        )
    return [
        *COMMANDS[arguments[0]],
        *(["mqtt"] if any(word.partition("=")[0] == "--mqtt" for word in arguments) else []),
    ]
