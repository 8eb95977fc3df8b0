"""Virtual environments with the runtime, one for each wheel and set of extras. Several versions can share one."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path

from mnist_exporters.targets.deployment.there.talk import StepError, run, send

__all__ = ["environment"]

SHOWN = ("Collecting ", "Downloading ", "Installing collected packages")
"""Beginnings of the lines of pip that are sent as progress."""

NETWORK = re.compile(
    r"NewConnectionError|NameResolutionError|Network is unreachable|ConnectTimeoutError|ReadTimeoutError"
)
NO_WHEEL = re.compile(r"No matching distribution found for (\S+)")


def environment(folder: Path, key: str, wheel: Path, extras: list[str], *, from_system: bool) -> Path:
    """Return the folder of the environment `key`. It is created if it is missing or incomplete.

    Parameters
    ----------
    folder : Path
        Folder of the deployment.
    key : str
        Name of the environment, which depends on the wheel, the extras and Python's version.
    wheel : Path
        The wheel of mnist-runtime.
    extras : list of str
        Extras of mnist-runtime to install.
    from_system : bool
        Whether packages of the system are visible. 32-bit systems need this, because NumPy has no 32-bit wheels, but
        Debian has a package.
    """
    environment = folder / "venvs" / key
    complete = environment / "complete"
    if complete.exists() and run([environment / "bin" / "mnist-runtime", "--version"])[0] == 0:
        return environment
    shutil.rmtree(environment, ignore_errors=True)
    try:
        send("progress", "making a virtual environment ...")
        options = ["--system-site-packages"] if from_system else []
        with tempfile.TemporaryDirectory(dir=folder, prefix=".pip-") as temporary:  # /tmp may be small
            code, printed = run([sys.executable, "-m", "venv", *options, environment], TMPDIR=temporary)
            if code:
                raise StepError(
                    f"Python of {{device}} cannot make a virtual environment ({_last(printed)}). On the device, run: "
                    "sudo apt install python3-venv",
                    "package",
                )
            wanted = f"{wheel}[{','.join(extras)}]" if extras else str(wheel)
            send("progress", f"installing mnist-runtime with {', '.join(extras) or 'NumPy alone'} ...")
            # Only wheels: compiling takes hours on a device, and most devices have no compiler.
            options = ["--disable-pip-version-check", "--no-input", "--progress-bar=off", "--only-binary=:all:"]
            options += ["--retries=2", "--timeout=20"]
            code, printed = run(
                [environment / "bin" / "python", "-m", "pip", "install", *options, wanted], line=_show, TMPDIR=temporary
            )
        if code:
            raise _pip_failure(printed)
    except BaseException:
        shutil.rmtree(environment, ignore_errors=True)
        raise
    complete.touch()
    return environment


def _show(line: str) -> None:
    if line.strip().startswith(SHOWN):
        send("progress", f"  {line.strip()}")


def _pip_failure(printed: str) -> StepError:
    version = ".".join(map(str, sys.version_info[:2]))
    if "No space left on device" in printed:
        return StepError("The disk of {device} is full. Free some space, or give another --folder.")
    if NETWORK.search(printed):
        return StepError("{device} does not reach the package index of pip. Connect it to the internet.")
    if found := NO_WHEEL.search(printed):
        return StepError(
            f"pip finds no wheel of {found[1]} for Python {version} on {{device}}. Install it there from the system's "
            "packages, as the runtime's page describes, or choose another interpreter with --extra.",
            "package",
        )
    errors = [line for line in printed.splitlines() if line.startswith("ERROR")]
    return StepError(f"pip fails on {{device}}: {_last(chr(10).join(errors) or printed)}.")


def _last(printed: str) -> str:
    return (printed.strip().splitlines() or ["no message"])[-1].removeprefix("ERROR: ")[:300].rstrip(".")
