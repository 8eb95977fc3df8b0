"""`deploy`: install a model on a device, test it, and switch to it. `rollback`: return to the previous version."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.errors import DeviceError
from mnist_exporters.targets.deployment.plan import (
    FOLDER,
    MODULES,
    DeviceFacts,
    Plan,
    check_folder,
    interpreter_extras,
    service_extras,
)
from mnist_exporters.targets.deployment.ssh import Device
from mnist_exporters.targets.deployment.wheel import runtime_wheel
from mnist_runtime.artifact.container import Artifact, file_bytes
from mnist_runtime.artifact.signature import signature_path
from mnist_runtime.classifier import ready_model
from mnist_runtime.errors import printable
from mnist_runtime.system import terminal
from mnist_runtime.system.terminal import step_of

__all__ = ["INSTALLING_S", "LOOKING_S", "STEADY_S", "TESTING_S", "Deployment", "deploy", "rollback"]

STEADY_S = 8.0
"""Seconds that a new service must run before it counts as started. On the slowest Pi, the runtime starts in 2 s, a web
server in 5 s."""

LOOKING_S, INSTALLING_S, TESTING_S = 3.0, 60.0, 8.0
"""Usual seconds for reading the facts of a device, for installation with the self-test, and for the self-test alone."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Deployment:
    """Result of a deployment: what runs on the device or, for a dry run, what would run there.

    Parameters
    ----------
    device : str
        ``USER@HOST``.
    version : str
        Number of the version; empty for a dry run.
    previous : str or None
        The previous version, to which `rollback` returns.
    folder : str
        Folder of the deployment on the device.
    program, model : str
        Paths on the device: of mnist-runtime, and of the model file; `model` is empty for the ready model.
    service : str
        Name of the systemd unit; empty if there is none, and for a dry run.
    self_test : dict
        JSON of ``mnist-runtime self-test --json`` on the device; empty for a dry run.
    notes : tuple of str
        Texts: what the user still has to do; for a dry run, what would be done.
    dry_run : bool
        Whether this was a dry run, which changes nothing.
    """

    device: str
    version: str
    previous: str | None
    folder: str
    program: str
    model: str
    service: str
    self_test: dict[str, Any]
    notes: tuple[str, ...]
    dry_run: bool = False

    def __str__(self) -> str:
        if self.dry_run:
            return "\n".join([f"{self.device}: dry run, nothing was changed", *map(printable, self.notes)])
        test = self.self_test
        lines = [
            f"{self.device} has version {self.version}: {test['images'] - test['different']} of {test['images']} "
            f"answers as recorded, run with {test['run_with']}"
        ]
        if self.service:
            lines.append(f"service: {self.service} (log: journalctl --user -u {self.service})")
        if self.previous:
            back = ["mnist-export", "deploy", "--rollback", self.device, "--folder", self.folder]
            lines.append(printable(f"version {self.previous} is kept: {shlex.join(back)}"))
        words = [self.program, "classify", *(["--model", self.model] if self.model else [])]
        lines.append(printable(f"On the device: {shlex.join(words)} PICTURE"))
        return "\n".join([*lines, *(f"note: {note}" for note in self.notes)])


def deploy(
    path: str | Path | None,
    device: str,
    *,
    folder: str = FOLDER,
    extra: str | None = None,
    service: Sequence[str] | None = None,
    dry_run: bool = False,
    ssh_config: Path | None = None,
    steady_s: float = STEADY_S,
    progress: Progress | None = None,
    line: terminal.Progress | None = None,
) -> Deployment:
    """Install an exported file and mnist-runtime on a device over ssh, and run the self-test there.

    If the self-test fails or the service does not start, the previous version stays active. A signature beside the
    file is also copied.

    Parameters
    ----------
    path : str, Path or None
        An exported .tflite or .onnx file; None for the ready model.
    device : str
        ``USER@HOST``.
    folder : str, optional
        Folder on the device. A relative path is below the home folder.
    extra : str, optional
        Interpreter: an extra of mnist-runtime, or ``"none"`` for NumPy alone. Default: the best interpreter that can be
        installed on the device.
    service : sequence of str, optional
        Arguments with which a systemd user service runs mnist-runtime; empty to remove the service. Default: the
        service of the previous version, if there is one.
    dry_run : bool, optional
        Whether to only report what would be done.
    ssh_config : Path, optional
        A configuration file for ssh instead of the user's.
    steady_s : float, optional
        Seconds for which a new service must run.
    progress : callable, optional
        Called with each line of progress.
    line : mnist_runtime.system.terminal.Progress, optional
        Progress line that shows the present step and the remaining time.

    Returns
    -------
    Deployment
        The result. After a dry run, fields that are not known without an installation are empty.

    Raises
    ------
    ArtifactError
        If the file is damaged, or fails its self-test on the device.
    DeviceError
        If the device cannot be reached, or nothing can be installed there.
    BackendError
        If no interpreter for the file can be installed there.
    MissingPackageError
        If the device lacks Python or venv.
    UsageError
        If an argument is wrong.
    """
    check_folder(folder)
    report = progress or (lambda _: None)
    artifact = Artifact.open(path) if path else Artifact.from_bytes(ready_model("tflite"))
    manifest = artifact.manifest
    name = Path(path).name if path else ""
    needed_extras = service_extras(service) if service else []
    with Device.connected(device, ssh_config) as connection, tempfile.TemporaryDirectory() as work:
        with step_of(line, f"looking at {device}", LOOKING_S):
            facts = look(connection, folder, report)
        extras = ["images", *interpreter_extras(facts, manifest.format, manifest.precision, extra, device)]
        current_service = facts.current["service"] if facts.current else []
        if service is None and current_service:
            needed_extras = service_extras(current_service)
        if (service or (service is None and current_service)) and facts.service_missing:
            raise DeviceError(f"{device} cannot run services: {facts.service_missing}. Deploy without --service.")
        wheel = runtime_wheel(Path(work))
        plan = Plan.of(facts, wheel, [*extras, *needed_extras], device)
        files = {wheel.name: wheel.read_bytes()} | ({name: artifact.content} if name else {})
        if path and (signature := signature_path(Path(path))).is_file():
            files[signature.name] = file_bytes(signature)
        new_service = current_service if service is None else service
        steps = _steps(plan, name, files, new_service)
        if dry_run:
            return _planned(device, facts, name, steps)
        for text in steps:
            report(text)
        request = plan.request() | {
            "folder": folder,
            "model": name,
            "service": None if service is None else list(service),
            "steady_s": steady_s,
            "facts": {"name": manifest.name, "precision": manifest.precision, "extras": plan.extras},
        }
        seconds = (TESTING_S if plan.is_there else INSTALLING_S) + steady_s * bool(new_service)
        with step_of(line, f"installing on {device}", seconds):
            return _deployment(device, connection.call("deploy", request, files, report))


def rollback(
    device: str,
    *,
    folder: str = FOLDER,
    ssh_config: Path | None = None,
    steady_s: float = STEADY_S,
    progress: Progress | None = None,
    line: terminal.Progress | None = None,
) -> Deployment:
    """Return to the previous version, after its self-test. Parameters and errors are those of `deploy`."""
    check_folder(folder)
    with Device.connected(device, ssh_config) as connection, step_of(line, f"testing on {device}", TESTING_S):
        request = {"folder": folder, "steady_s": steady_s}
        return _deployment(device, connection.call("rollback", request, None, progress))


def look(connection: Device, folder: str, report: Progress) -> DeviceFacts:
    """Read the facts of a device, report them as progress, and return them."""
    report(f"connecting to {connection.address} ...")
    modules = [*MODULES.values()]
    facts = DeviceFacts.read(connection.call("facts", {"folder": folder, "modules": modules}))
    report(f"{connection.address}: {facts}")
    return facts


def _steps(plan: Plan, name: str, files: dict[str, bytes], service: Sequence[str]) -> list[str]:
    size = sum(map(len, files.values())) / 1000
    what = f"mnist-runtime with {', '.join(plan.extras) or 'NumPy alone'}"
    lines = [
        f"copy {name or 'the wheel alone'}: {size:.0f} kB",
        f"use the environment that is there: {what}" if plan.is_there else f"install {what}",
        "run the self-test, and switch to the new version if it passes",
    ]
    return [*lines, f"run as a service: mnist-runtime {' '.join(service)}"] if service else lines


def _planned(device: str, facts: DeviceFacts, name: str, steps: list[str]) -> Deployment:
    """Return the result of a dry run."""
    current = f"{facts.folder}/current"
    return Deployment(
        device=device,
        version="",
        previous=facts.current["version"] if facts.current else None,
        folder=facts.folder,
        program=f"{current}/venv/bin/mnist-runtime",
        model=f"{current}/{name}" if name else "",
        service="",
        self_test={},
        notes=tuple(steps),
        dry_run=True,
    )


def _deployment(device: str, found: dict[str, Any]) -> Deployment:
    return Deployment(device=device, **{**found, "notes": tuple(found["notes"])})
