"""`measure_on`: run the benchmark and the self-test of exported files on a device."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.errors import DeviceError
from mnist_exporters.targets.deployment.deploy import look
from mnist_exporters.targets.deployment.plan import FOLDER, DeviceFacts, Plan, interpreter_extras
from mnist_exporters.targets.deployment.ssh import Device
from mnist_exporters.targets.deployment.wheel import runtime_wheel
from mnist_runtime.artifact.container import Artifact
from mnist_runtime.errors import BackendError

__all__ = ["DeviceFigures", "FileFigures", "measure_on"]


@dataclass(frozen=True)
class FileFigures:
    """Measurements of one file on a device.

    Parameters
    ----------
    bench : dict or None
        The JSON of ``mnist-runtime bench --quick``; None if the file failed.
    self_test : dict or None
        The JSON of ``mnist-runtime self-test``.
    failure : str
        Why there are no measurements; empty if there are.
    """

    bench: dict[str, Any] | None
    self_test: dict[str, Any] | None
    failure: str


@dataclass(frozen=True)
class DeviceFigures:
    """Measurements of several files on one device.

    Parameters
    ----------
    address : str
        ``USER@HOST``.
    facts : DeviceFacts
        The device.
    files : dict of Path to FileFigures
        File -> its measurements, in the given order.
    """

    address: str
    facts: DeviceFacts
    files: Mapping[Path, FileFigures]

    @property
    def name(self) -> str:
        """Name of the board; name of the system if the board is not known."""
        return self.facts.board or f"{self.facts.system} {self.facts.machine}".strip()

    @property
    def notes(self) -> tuple[str, ...]:
        """Reasons to doubt the measurements. Of several notes that differ only in numbers, only the first is kept."""
        found = [note for one in self.files.values() if one.bench for note in one.bench["notes"]]
        return tuple({re.sub(r"\d", "", note): note for note in reversed(found)}.values())[::-1]


def measure_on(
    device: str,
    paths: list[Path],
    *,
    folder: str = FOLDER,
    ssh_config: Path | None = None,
    progress: Callable[[str], None] | None = None,
) -> DeviceFigures:
    """Measure files on a device, with NumPy and the best interpreter for each format that can be installed there.

    The runtime is installed in the same folder as by `deploy`. Versions that run there do not change.

    Parameters
    ----------
    device : str
        ``USER@HOST``.
    paths : list of Path
        Exported .tflite and .onnx files.
    folder, ssh_config, progress : optional
        See `mnist_exporters.targets.deployment.deploy.deploy`.

    Raises
    ------
    DeviceError
        If the device cannot be reached, or nothing can be installed there.
    MissingPackageError
        If the device lacks Python or venv.
    """
    report = progress or (lambda _: None)
    if not paths:
        raise DeviceError(f"There is nothing to measure on {device}: no .tflite or .onnx file was proven.")
    artifacts = {path: Artifact.open(path) for path in paths}
    with Device.connected(device, ssh_config) as connection, tempfile.TemporaryDirectory() as work:
        facts = look(connection, folder, report)
        extras: list[str] = []
        found: dict[Path, FileFigures] = {}
        for path, artifact in artifacts.items():
            manifest = artifact.manifest
            try:
                extras += interpreter_extras(facts, manifest.format, manifest.precision, None, device)
            except BackendError as error:
                found[path] = FileFigures(None, None, str(error))
        # Files from different folders may have the same name.
        names = {f"{number}{path.suffix}": path for number, path in enumerate(artifacts) if path not in found}
        if names:
            wheel = runtime_wheel(Path(work))
            plan = Plan.of(facts, wheel, extras, device)
            files = {wheel.name: wheel.read_bytes()} | {name: artifacts[path].content for name, path in names.items()}
            request = plan.request() | {"folder": folder, "models": {name: path.name for name, path in names.items()}}
            for one in connection.call("measure", request, files, report)["files"]:
                found[names[one["name"]]] = FileFigures(one.get("bench"), one.get("self_test"), one.get("failure", ""))
    return DeviceFigures(device, facts, {path: found[path] for path in paths})
