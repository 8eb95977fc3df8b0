"""`Stock`: all that the guests are made of, gathered once and kept in one folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime import BACKENDS, BackendError
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.cache import digest, kept, key_of
from mnist_tools.pi.emulator.guest import EMULATORS, Guest
from mnist_tools.pi.emulator.guest_root import guest_root
from mnist_tools.pi.emulator.packages import unpack
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.wheels import download, wanted

__all__ = ["Stock"]

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]


@dataclass(frozen=True)
class Stock:
    """What is kept, each part until what it is made from changes. Threads may share it.

    Parameters
    ----------
    folder : Path
        Where. Remove it to begin anew, with the newest packages.
    archive : str
        Address of a Debian archive.
    """

    folder: Path
    archive: str

    def emulators(self) -> Path:
        """Return a folder with qemu's programs, from Debian 12: nothing is installed on this system."""

        def make(folder: Path) -> None:
            unpack(("qemu-user-static",), folder, archive=self.archive, suite="bookworm", architecture="amd64")
            programs = {program for program, *_ in EMULATORS.values()}
            for file in (folder / "usr" / "bin").iterdir():
                if file.name not in programs:  # for forty other processors
                    file.unlink()

        return kept(self.folder / "emulators", digest(HERE / "packages.py"), make) / "usr" / "bin"

    def guest(self, target: str, cpu: str) -> Guest:
        """Return a `target` that runs on `cpu`, with the wheels that it will want."""
        row, place = TARGETS[target], self.folder / target
        made_by = digest(HERE / "guest_root.py", HERE / "packages.py")
        root = kept(place / "root", f"{made_by} {row}", lambda folder: guest_root(row, folder, self.archive))
        sets = wanted(row, (PROJECT / "constraints.txt").read_text())

        def fetch(folder: Path) -> None:
            for requirements in sets:
                download(row, requirements, folder)

        wheels = kept(place / "wheels", f"{digest(HERE / 'wheels.py')} {row} {sets}", fetch)
        board = kept(place / "boards" / cpu, f"{digest(HERE / 'boards.py')} {cpu}", BOARDS[cpu].write)
        return Guest(root, row.architecture, self.emulators(), board, cpu, wheels)

    def environment(self, target: str, cpu: str) -> Path:
        """Return a home folder with an empty virtual environment, made in the guest as the runtime's page says."""
        guest = self.guest(target, cpu)

        def make(folder: Path) -> None:
            options = ["--system-site-packages"] if TARGETS[target].from_debian else []
            guest.say("python3", "-m", "venv", *options, "digits/venv", home=folder)

        return kept(self.folder / target / "environment", key_of(guest.root), make)

    def home(self, target: str, backend: str, cpu: str) -> Path:
        """Return a copy of `environment` in which the guest's pip has installed the runtime for `backend`."""
        guest = self.guest(target, cpu)
        from_debian = BACKENDS[backend].package in TARGETS[target].from_debian
        extras = ",".join(filter(None, (None if from_debian else BACKENDS[backend].extra, "images")))
        empty, wheel = self.environment(target, cpu), self.runtime()

        def make(folder: Path) -> None:
            shutil.copytree(empty, folder, symlinks=True, dirs_exist_ok=True)
            shutil.copy(wheel, folder)
            guest.say("digits/venv/bin/pip", "install", f"mnist-runtime[{extras}]", home=folder)

        key = " ".join((key_of(empty), key_of(guest.wheels), digest(wheel), extras))
        return kept(self.folder / target / backend, key, make)

    def runtime(self) -> Path:
        """Return the wheel of this checkout's runtime."""

        def make(folder: Path) -> None:
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
            _run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(PROJECT / "runtime"))

        (wheel,) = kept(self.folder / "runtime", digest(PROJECT / "runtime"), make).glob("*.whl")
        return wheel

    def exports(self) -> dict[str, Path]:
        """Return a float32 file for each format that a backend runs, exported by this checkout."""
        sources = [PROJECT / name for name in ("exporters", "trainer", "runtime", "constraints.txt")]

        def make(folder: Path) -> None:
            export = str(Path(sys.executable).with_name("mnist-export"))
            _run(export, "--format", "all", "--data", "digits", "--output", str(folder))

        folder = kept(self.folder / "exports", digest(*sources), make)
        return {path.suffix[1:]: path for path in folder.iterdir()}


def _run(*command: str) -> None:
    """Run a program of this system's.

    Raises
    ------
    BackendError
        If it fails, with its last words.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = next(reversed(done.stderr.strip().splitlines()), "nothing")
        raise BackendError(f"Expected {' '.join(command)} to work, it ended with code {done.returncode}: {said}")
