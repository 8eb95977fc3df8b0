"""`Device`: run steps of `mnist_exporters.targets.deployment.there` on a device over one ssh connection."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import importlib.resources
import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnist_exporters.errors import DeviceError, MissingPackageError, UsageError
from mnist_exporters.targets.deployment.there.talk import PREFIX
from mnist_runtime.errors import ArtifactError, ToolkitError, first_line

__all__ = ["Device", "payload", "remote_command", "ssh_problem"]

OLDEST_PYTHON = (3, 10)

START = f"""
import sys
if sys.version_info < {OLDEST_PYTHON}:
    print('{PREFIX}{{"failed": {{"kind": "package", "words": "{{device}} has Python %d.%d, but mnist-runtime needs '
          '{".".join(map(str, OLDEST_PYTHON))}. Install a newer system there."}}}}' % sys.version_info[:2])
    sys.exit()
import json, types
stream = sys.stdin.buffer
for name, source in json.loads(stream.readline()):
    module = sys.modules[name] = types.ModuleType(name)
    exec(compile(source, name, "exec"), module.__dict__)
module.main(stream)
"""
"""Program that starts on the device: it reads the modules of `THERE` from stdin, and runs the last one."""

THERE = "mnist_exporters.targets.deployment.there"
MODULES = ("talk", "service", "versions", "environments", "facts", "steps")
"""Modules that are sent to the device, each after those that it imports."""

ERRORS: dict[str, type[ToolkitError]] = {
    "device": DeviceError,
    "package": MissingPackageError,
    "model": ArtifactError,
}

PROBLEMS: tuple[tuple[str, str], ...] = (
    (
        r"IDENTIFICATION HAS CHANGED",
        "The host key of {device} has changed: it is another device, or its system is new. If you expected that, run: "
        "ssh-keygen -R {host}",
    ),
    (r"Host key verification failed", "The host key of {device} is not known here. Check it once with: ssh {device}"),
    (
        r"UNPROTECTED PRIVATE KEY|bad permissions",
        "ssh ignores your private key for {device}, because others can read it. Run chmod 600 on it.",
    ),
    (
        r"Permission denied",
        "{device} accepts no key of yours, and no password was given. Check the user name, or copy your key with: "
        "ssh-copy-id {device}",
    ),
    (
        r"Could not resolve hostname",
        "The network does not know the name of {device}. Check it, or give its IP address.",
    ),
    (r"Connection refused", "{device} is there but has no ssh server running. Enable ssh on the device."),
    (
        r"timed out|No route to host|Network is unreachable|Host is down",
        "{device} does not answer. Check that it is on and in the same network.",
    ),
    (
        r"closed by|reset by|Broken pipe|not responding",
        "The connection to {device} was lost. A version installed before runs as before. Run the command again.",
    ),
)
"""(pattern in the output of ssh, error message). The first match counts."""


@dataclass(frozen=True)
class Device:
    """A device on which steps can be run over ssh.

    Parameters
    ----------
    address : str
        ``USER@HOST``, or a host name from the configuration of ssh.
    options : tuple of str
        Options for the program ssh.
    """

    address: str
    options: tuple[str, ...]

    @classmethod
    @contextlib.contextmanager
    def connected(cls, address: str, config: Path | None = None) -> Iterator[Device]:
        """Yield the device. All steps share one connection, so that a password is typed only once.

        Parameters
        ----------
        address : str
            ``USER@HOST``.
        config : Path, optional
            A configuration file for ssh instead of the user's.

        Raises
        ------
        UsageError
            If `address` cannot be the address of a device.
        """
        if not re.fullmatch(r"[^\s\-][^\s]*", address):  # ssh would read a leading dash as an option
            raise UsageError(f"{address!r} is no device. Give USER@HOST.")
        options = ["-o", "ConnectTimeout=15", "-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=4"]
        if config:
            options += ["-F", str(config)]
        with tempfile.TemporaryDirectory(prefix="mnist-") as folder:
            if os.name == "posix":
                options += ["-o", "ControlMaster=auto", "-o", f"ControlPath={folder}/c", "-o", "ControlPersist=60"]
            device = cls(address, tuple(options))
            try:
                yield device
            finally:
                with contextlib.suppress(FileNotFoundError):
                    subprocess.run(["ssh", *options, "-O", "exit", "--", address], capture_output=True, check=False)

    def call(
        self,
        step: str,
        request: Mapping[str, Any],
        files: Mapping[str, bytes] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> dict[str, Any]:
        """Run one step of `there.steps` and return its result.

        Parameters
        ----------
        step : str
            ``"facts"``, ``"deploy"``, ``"rollback"`` or ``"measure"``.
        request : mapping
            Arguments of the step.
        files : mapping of str to bytes, optional
            Name -> content of files that the step needs.
        progress : callable, optional
            Called with each line of progress.

        Raises
        ------
        DeviceError
            If the device cannot be reached, or the step fails on it.
        MissingPackageError
            If a package is missing on the device, or ssh is missing on this machine.
        ArtifactError
            If the model fails its self-test.
        """
        content = payload(step, request, files or {})
        with tempfile.TemporaryFile() as messages:
            try:
                process = subprocess.Popen(
                    ["ssh", *self.options, "--", self.address, remote_command()],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=messages,
                )
            except FileNotFoundError:
                raise MissingPackageError("deploy needs ssh. Install OpenSSH's client.") from None
            with process:
                assert process.stdin
                assert process.stdout
                try:
                    with contextlib.suppress(BrokenPipeError), process.stdin as stream:
                        stream.write(content)
                    outcome = self._outcome(process.stdout, progress)
                except BaseException:
                    process.kill()
                    raise
            if outcome is not None:
                return outcome
            messages.seek(0)
            raise self._no_outcome(process.returncode, messages.read().decode(errors="replace"))

    def _outcome(self, lines: Any, progress: Callable[[str], None] | None) -> dict[str, Any] | None:
        for line in lines:
            text = line.decode(errors="replace").strip()
            if not text.startswith(PREFIX):
                continue
            ((kind, value),) = json.loads(text.removeprefix(PREFIX)).items()
            if kind == "done":
                found: dict[str, Any] = value
                return found
            if kind == "failed":
                raise ERRORS[value["kind"]](value["words"].replace("{device}", self.address))
            if kind == "progress" and progress:
                progress(value)
        return None

    def _no_outcome(self, code: int, messages: str) -> ToolkitError:
        if code == 127 or "python3: not found" in messages:
            return MissingPackageError(
                f"{self.address} has no Python. On the device, run: sudo apt install python3-venv"
            )
        return DeviceError(ssh_problem(messages, self.address))


def remote_command() -> str:
    """Return the command line for the device. The program is encoded in base64, which shells do not change."""
    start = base64.b64encode(START.encode()).decode()
    return f"python3 -c \"import base64;exec(base64.b64decode('{start}'))\""


def payload(step: str, request: Mapping[str, Any], files: Mapping[str, bytes]) -> bytes:
    """Return the bytes to send to the device: the modules, the request and the files."""
    folder = importlib.resources.files(THERE)
    modules = [(f"{THERE}.{name}", (folder / f"{name}.py").read_text("utf-8")) for name in MODULES]
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    head = json.dumps(modules) + "\n" + json.dumps({**request, "step": step, "files": listed}) + "\n"
    return head.encode() + b"".join(files.values())


def ssh_problem(messages: str, address: str) -> str:
    """Turn the output of ssh into an error message.

    Examples
    --------
    >>> ssh_problem("ssh: connect to host pi port 22: No route to host", "me@pi")
    'me@pi does not answer. Check that it is on and in the same network.'
    """
    host = address.rpartition("@")[2]
    for pattern, words in PROBLEMS:
        if re.search(pattern, messages):
            return words.format(device=address, host=host)
    return f"ssh does not reach {address} ({first_line(messages.strip() or 'no message')}). Try: ssh {address}"
