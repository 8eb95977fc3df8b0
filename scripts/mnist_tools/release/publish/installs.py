"""Install the wheels in clean environments of several Pythons, and run every command there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mnist_tools.checkout import ROOT, ToolError
from mnist_tools.release.publish.commands import DEVICE, KEY, SERVE, USUAL, WORKSTATION, Installation, Step
from mnist_tools.release.wheel import find_python

__all__ = ["PYTHONS", "InstallResult", "make_environment", "table", "try_device", "try_workstation"]

PYTHONS = ("3.11", "3.12", "3.13")

SHOWN = ("tensorflow", "keras", "numpy", "ai-edge-litert", "tflite-runtime", "onnxruntime", "pillow")
"""Packages whose versions are recorded."""

Progress = Callable[[str], None]
Inventory = Callable[[Path], None]
"""Function that gets the Python of an environment."""


@dataclass(frozen=True)
class InstallResult:
    """An installation and its result.

    Parameters
    ----------
    package, extras, python : str
        What was installed where.
    failure : str
        Empty if every step worked.
    steps : int
        Number of commands that worked.
    megabytes : int
        Size of the environment.
    install_s, run_s : int
        Seconds.
    versions : dict of str to str
        Versions of the most important packages.
    """

    package: str
    extras: str
    python: str
    failure: str
    steps: int
    megabytes: int
    install_s: int
    run_s: int
    versions: dict[str, str]

    def as_dict(self) -> dict[str, object]:
        """Return values for JSON."""
        return asdict(self)


class _Place:
    """A folder with a picture, a key and a virtual environment. Steps run in it without this machine's programs."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder, self.environment = folder, folder / "venv"
        make_environment(self.environment, python)
        (folder / "programs").mkdir()
        if program := shutil.which("ssh-keygen"):
            (folder / "programs" / "ssh-keygen").symlink_to(program)
        shutil.copy(ROOT / "examples" / "seven.png", folder)
        (folder / "pictures").mkdir()
        shutil.copy(ROOT / "examples" / "seven.png", folder / "pictures")
        with Image.open(folder / "seven.png") as picture:
            np.save(folder / "seven.npy", np.asarray(picture.convert("L")))
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", KEY, "-f", str(folder / KEY)]
        subprocess.run(words, check=True)
        (folder / "trusted").write_text(f"{KEY} {(folder / KEY).with_suffix('.pub').read_text()}")
        path = f"{self.environment / 'bin'}{os.pathsep}{folder / 'programs'}"
        # The steps must not find this project or a compiler of this machine.
        left_out = ("PYTHON", "PYTEST", "VIRTUAL_ENV", "CC", "MNIST_DIR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        self.variables = {**kept, "PATH": path, "HOME": str(folder), "TF_CPP_MIN_LOG_LEVEL": "3"}

    @property
    def python(self) -> Path:
        return self.environment / "bin" / "python"

    def install(self, requirement: str) -> None:
        _call(
            [
                sys.executable,
                "-m",
                "pip",
                "--python",
                self.environment,
                "install",
                "--quiet",
                "--no-compile",
                requirement,
            ]
        )

    def do(self, step: Step) -> None:
        if step.line == SERVE:
            printed = self._serve()
        else:
            code = step.line.startswith("\n")
            words = ["python", "-c", step.line] if code else shlex.split(step.line)
            done = subprocess.run(
                [str(self.environment / "bin" / words[0]), *words[1:]],
                cwd=self.folder,
                env=self.variables,
                input=step.answers,
                capture_output=True,
                text=True,
                check=False,
                timeout=1800,
            )
            printed = done.stdout + done.stderr
            if done.returncode not in step.codes:
                last = printed.strip().splitlines()[-1:] or [""]
                raise ToolError(f"`{words[0]} {' '.join(words[1:3])}` ended with {done.returncode}: {last[0]}")
        if step.shows not in printed:
            raise ToolError(f"`{step.line.strip().splitlines()[0]}` does not print {step.shows!r}: {printed[-500:]}")
        if step.makes and not (self.folder / step.makes).exists():
            raise ToolError(f"`{step.line.strip().splitlines()[0]}` does not write {step.makes}: {printed[-500:]}")

    def _serve(self) -> str:
        """Start the service, and return what its page and an answer contain."""
        words = [str(self.environment / "bin" / "mnist-runtime"), "serve", "--port", "0"]
        server = subprocess.Popen(words, cwd=self.folder, env=self.variables, stderr=subprocess.PIPE, text=True)
        try:
            assert server.stderr
            line = server.stderr.readline()
            found = re.search(r"http://\S+/", line)
            if not found:
                raise ToolError(f"The service does not start: {line}{server.stderr.read()}")
            request = urllib.request.Request(f"{found[0]}classify", (self.folder / "seven.png").read_bytes())
            pages = [urllib.request.urlopen(wanted, timeout=60) for wanted in (found[0], request)]
            return "".join(str(page.read(), "utf-8") for page in pages)
        finally:
            server.terminate()
            server.wait()

    def versions(self) -> dict[str, str]:
        done = _call([sys.executable, "-m", "pip", "--python", self.environment, "list", "--format=freeze"])
        found = dict(line.split("==", 1) for line in done.splitlines() if "==" in line)
        named = {name.lower().replace("_", "-"): version for name, version in found.items()}
        return {name: named[name] for name in SHOWN if name in named}

    def megabytes(self) -> int:
        return round(sum(path.lstat().st_size for path in self.environment.rglob("*")) / 1e6)


def make_environment(folder: Path, python: Path) -> None:
    """Create an empty virtual environment, without pip."""
    _call([python, "-m", "venv", "--without-pip", folder])


def try_workstation(
    wheel: Path, python: str, extras: bool, inventory: Inventory, progress: Progress
) -> list[InstallResult]:
    """Try mnist-edge-export on one Python: the plain wheel in a clean environment, then each extra added to it.

    Parameters
    ----------
    wheel : Path
        The wheel.
    python : str
        Version, such as ``"3.11"``.
    extras : bool
        Whether to try the extras too.
    inventory : callable
        Called for the environment of the plain wheel.
    progress : callable
        Called with a line for each installation.
    """
    found: list[InstallResult] = []
    with tempfile.TemporaryDirectory() as name:
        place = _place(Path(name), python)
        for installation in WORKSTATION if extras else WORKSTATION[:1]:
            found.append(_result(place, "mnist-edge-export", wheel, installation, python=python, progress=progress))
            if not installation.extras:
                inventory(place.python)
    return found


def try_device(wheel: Path, python: str, extras: bool, inventory: Inventory, progress: Progress) -> list[InstallResult]:
    """Try mnist-runtime on one Python: each extra in a clean environment. Parameters are those of `try_workstation`.

    The inventory is that of the usual installation, with LiteRT and Pillow.
    """
    found: list[InstallResult] = []
    for installation in DEVICE:
        if extras or installation.extras == USUAL:
            with tempfile.TemporaryDirectory() as name:
                place = _place(Path(name), python)
                found.append(_result(place, "mnist-runtime", wheel, installation, python=python, progress=progress))
                if installation.extras == USUAL:
                    inventory(place.python)
    return found


def table(results: list[InstallResult]) -> str:
    """Return a Markdown table for each package: a line for each extra, a column for each Python."""
    return "\n\n".join(
        _table(package, [result for result in results if result.package == package])
        for package in dict.fromkeys(result.package for result in results)
    )


def _table(package: str, results: list[InstallResult]) -> str:
    pythons = sorted({result.python for result in results}, key=lambda python: int(python.partition(".")[2]))
    lines = [f"## {package}", "", f"| extras | commands | {' | '.join(pythons)} |", f"|---|--:{'|--:' * len(pythons)}|"]
    for extras in dict.fromkeys(result.extras for result in results):
        cells = {result.python: result for result in results if result.extras == extras}
        shown = ", ".join(f"`{extra}`" for extra in extras.split(",")) if extras else "none"
        number = max(result.steps for result in cells.values())
        lines.append(f"| {shown} | {number} | {' | '.join(_cell(cells.get(python)) for python in pythons)} |")
    return "\n".join(lines)


def _cell(result: InstallResult | None) -> str:
    if result is None:
        return "not tried"
    return f"**fails**: {result.failure[:120]}" if result.failure else f"{result.megabytes:,} MB"


def _place(folder: Path, python: str) -> _Place:
    program = find_python(python)
    if program is None:
        raise ToolError(f"Python {python} is not installed. Install it, or leave it out: --python VERSION.")
    return _Place(folder.resolve(), program)


def _result(
    place: _Place, package: str, wheel: Path, installation: Installation, *, python: str, progress: Progress
) -> InstallResult:
    failure, done, started = "", 0, time.monotonic()
    installed = started
    try:
        place.install(f"{wheel}[{installation.extras}]" if installation.extras else str(wheel))
        installed = time.monotonic()
        for step in installation.steps:
            place.do(step)
            done += 1
    except ToolError as error:
        failure = str(error)
    ended = time.monotonic()
    found = InstallResult(
        package=package,
        extras=installation.extras,
        python=python,
        failure=failure,
        steps=done,
        megabytes=place.megabytes(),
        install_s=round(installed - started),
        run_s=round(ended - installed),
        versions=place.versions(),
    )
    name = f"{package}[{installation.extras}]" if installation.extras else package
    took = f"{done} commands work; installed in {found.install_s} s, run in {found.run_s} s"
    progress(f"Python {python}, {name}: {_cell(found)} ({took})")
    return found


def _call(words: list[object]) -> str:
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ToolError(f"`{' '.join(map(str, words[:4]))} ...` failed: {done.stderr.strip()[-400:]}")
    return done.stdout
