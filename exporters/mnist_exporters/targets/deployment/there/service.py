"""The systemd user service that runs the current version."""

from __future__ import annotations

import getpass
import os
import re
import time
from pathlib import Path

from mnist_exporters.targets.deployment.there.talk import StepError, run, send

__all__ = ["Service", "linger_note", "missing_reason", "unit_text"]

UNIT = """\
# Written by mnist-export deploy; the next deployment replaces it.
[Unit]
Description=mnist-runtime {summary}

[Service]
WorkingDirectory={folder}
ExecStart={command}
Restart=always
RestartSec=5
SuccessExitStatus=143
NoNewPrivileges=yes

[Install]
WantedBy=default.target
"""
"""Template of the unit file. 143 is the exit code of mnist-runtime after SIGTERM, which is no failure."""


def unit_text(folder: Path, arguments: list[str], model: str) -> str:
    """Return the text of a unit file that runs ``mnist-runtime ARGUMENTS`` with the current model.

    Parameters
    ----------
    folder : Path
        Folder of the deployment, absolute.
    arguments : list of str
        Subcommand and options of mnist-runtime.
    model : str
        Name of the model file in the version's folder; empty for the ready model.
    """
    current = folder / "current"
    words = [str(current / "venv" / "bin" / "mnist-runtime"), *arguments]
    if model:
        words += ["--model", str(current / model)]
    return UNIT.format(
        summary=arguments[0].replace("%", "%%"),
        folder=str(folder).replace("%", "%%"),
        command=" ".join(map(_quoted, words)),
    )


def _quoted(word: str) -> str:
    r"""Quote `word` for a command line in a unit file; see systemd.service(5).

    Examples
    --------
    >>> print(_quoted('a "50 %" $sign'))
    "a \"50 %%\" $$sign"
    """
    escaped = re.sub(r'([\\"])', r"\\\1", word).replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"'


def missing_reason() -> str:
    """Return why this user cannot run services; empty if services are possible."""
    try:
        code, printed = _systemctl("show-environment")
    except FileNotFoundError:
        return "systemd is not installed"
    return "" if code == 0 else (printed.strip().splitlines() or ["no message"])[-1]


def linger_note() -> str:
    """Allow services of this user to run without a login; return advice if that is not permitted."""
    name = getpass.getuser()
    if os.getuid() == 0 or Path("/var/lib/systemd/linger", name).exists():
        return ""
    for words in (["loginctl", "enable-linger"], ["sudo", "-n", "loginctl", "enable-linger", name]):
        try:
            if run(words)[0] == 0:
                return ""
        except FileNotFoundError:
            continue
    return f"The service ends when {name} logs out. On the device, run: sudo loginctl enable-linger {name}"


class Service:
    """The systemd unit of one deployment.

    Parameters
    ----------
    folder : Path
        Folder of the deployment. The name of the unit is made from its path below the home folder.
    """

    def __init__(self, folder: Path) -> None:
        below = folder.relative_to(Path.home()) if folder.is_relative_to(Path.home()) else folder
        self.name = f"mnist-{re.sub('[^A-Za-z0-9_.]+', '-', str(below)).strip('-')}.service"
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        self.file = Path(base, "systemd", "user", self.name)

    @property
    def is_installed(self) -> bool:
        """Whether there is a unit file."""
        return self.file.exists()

    def start(self, text: str, steady_s: float) -> None:
        """Write the unit file, and start or restart the service.

        Parameters
        ----------
        text : str
            Content of the unit file.
        steady_s : float
            Seconds that the service must run before it counts as started.

        Raises
        ------
        StepError
            If the service does not start, or ends within `steady_s`.
        """
        self.file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self.file.with_suffix(".new")
        temporary.write_text(text)
        temporary.replace(self.file)
        send("progress", f"starting {self.name} ...")
        for words in (("daemon-reload",), ("enable", "--quiet", self.name), ("restart", self.name)):
            code, printed = _systemctl(*words)
            if code:
                raise StepError(f"The service {self.name} does not start on {{device}}: {self._reason(printed)}.")
        first_state = self._state()
        end = time.monotonic() + steady_s
        while time.monotonic() < end:
            time.sleep(min(0.25, steady_s))
            if self._state() != first_state or not first_state.startswith("active"):
                raise StepError(f"The service {self.name} ends at once on {{device}}: {self._reason()}.")

    def remove(self) -> None:
        """Stop the service and delete its unit file."""
        if self.is_installed:
            _systemctl("disable", "--now", "--quiet", self.name)
            self.file.unlink(missing_ok=True)
            _systemctl("daemon-reload")

    def _state(self) -> str:
        printed = _systemctl("show", self.name, "--value", "-p", "ActiveState", "-p", "MainPID")[1]
        return " ".join(sorted(printed.split(), reverse=True))

    def _reason(self, printed: str = "") -> str:
        """Return why the service failed: the last line that it printed, or how it ended."""
        try:
            code, journal = run(["journalctl", "--user", "-u", self.name, "-n", "20", "-o", "cat", "--no-pager"])
        except FileNotFoundError:
            code, journal = 1, ""
        errors = [line for line in journal.splitlines() if line.startswith("error: ")]
        if code == 0 and errors:
            return errors[-1].removeprefix("error: ").rstrip(".")
        status = _systemctl("show", self.name, "-p", "Result", "-p", "ExecMainStatus")[1].split()
        return (printed.strip().splitlines() or [", ".join(status)])[-1].rstrip(".")


def _systemctl(*words: str) -> tuple[int, str]:
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return run(["systemctl", "--user", *words], XDG_RUNTIME_DIR=runtime)
