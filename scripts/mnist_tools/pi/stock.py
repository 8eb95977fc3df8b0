"""`Stock`: downloaded packages and installed systems, cached in one folder."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from mnist_runtime import BACKENDS, BackendError
from mnist_tools.checkout import ROOT, command
from mnist_tools.pi.emulator.boards import BOARDS
from mnist_tools.pi.emulator.cache import cached, digest, key_of
from mnist_tools.pi.emulator.guest import EMULATORS, Guest
from mnist_tools.pi.emulator.guest_root import guest_root
from mnist_tools.pi.emulator.packages import unpack
from mnist_tools.pi.targets import TARGETS
from mnist_tools.pi.wheels import download, wanted

__all__ = ["Stock"]

HERE = Path(__file__).parent
EMULATOR = HERE / "emulator"


@dataclass(frozen=True)
class Stock:
    """Cache of everything that guests need. A part is built again when its inputs change. Thread-safe.

    Parameters
    ----------
    folder : Path
        Folder of the cache. Delete it to fetch the newest packages.
    archive : str
        URL of a Debian archive.
    """

    folder: Path
    archive: str

    def emulators(self) -> Path:
        """Return a folder with the qemu programs of Debian 12. Nothing is installed on the host."""

        def make(folder: Path) -> None:
            unpack(("qemu-user-static",), folder, archive=self.archive, suite="bookworm", architecture="amd64")
            programs = {program for program, *_ in EMULATORS.values()}
            for file in (folder / "usr" / "bin").iterdir():
                if file.name not in programs:  # emulators of other processors
                    file.unlink()

        return cached(self.folder / "emulators", digest(EMULATOR / "packages.py"), make) / "usr" / "bin"

    def guest(self, target: str, cpu: str) -> Guest:
        """Return the system `target` on the processor `cpu`, with the wheels that it can install."""
        row, place = TARGETS[target], self.folder / target
        made_by = digest(EMULATOR / "guest_root.py", EMULATOR / "packages.py")
        root = cached(place / "root", f"{made_by} {row}", lambda folder: guest_root(row, folder, self.archive))
        sets = wanted(row, (ROOT / "constraints.txt").read_text())

        def fetch(folder: Path) -> None:
            for requirements in sets:
                download(row, requirements, folder)

        wheels = cached(place / "wheels", f"{digest(HERE / 'wheels.py')} {row} {sets}", fetch)
        board = cached(place / "boards" / cpu, f"{digest(EMULATOR / 'boards.py')} {cpu}", BOARDS[cpu].write)
        return Guest(root, row.architecture, self.emulators(), board, cpu, wheels)

    def environment(self, target: str, cpu: str) -> Path:
        """Return a home folder with an empty virtual environment, made in the guest as runtime/README.md describes."""
        guest = self.guest(target, cpu)

        def make(folder: Path) -> None:
            options = ["--system-site-packages"] if TARGETS[target].from_debian else []
            guest.output("python3", "-m", "venv", *options, "digits/venv", home=folder)

        return cached(self.folder / target / "environment", key_of(guest.root), make)

    def home(self, target: str, backend: str, cpu: str) -> Path:
        """Return a home folder in which the guest's pip has installed the runtime for `backend`."""
        guest = self.guest(target, cpu)
        from_debian = BACKENDS[backend].package in TARGETS[target].from_debian
        extras = ",".join(filter(None, (None if from_debian else BACKENDS[backend].extra, "images")))
        empty, wheel = self.environment(target, cpu), self.runtime()

        def make(folder: Path) -> None:
            shutil.copytree(empty, folder, symlinks=True, dirs_exist_ok=True)
            shutil.copy(wheel, folder)
            guest.output("digits/venv/bin/pip", "install", f"mnist-runtime[{extras}]", home=folder)

        key = " ".join((key_of(empty), key_of(guest.wheels), digest(wheel), extras))
        return cached(self.folder / target / backend, key, make)

    def runtime(self) -> Path:
        """Return the wheel of the runtime, built from this checkout."""

        def make(folder: Path) -> None:
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
            _run(*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT / "runtime"))

        (wheel,) = cached(self.folder / "runtime", digest(ROOT / "runtime"), make).glob("*.whl")
        return wheel

    def exports(self) -> dict[str, Path]:
        """Export a float32 file in each format, with this checkout; return format -> path."""
        sources = [ROOT / name for name in ("exporters", "trainer", "runtime", "constraints.txt")]

        def make(folder: Path) -> None:
            _run(*command("mnist-export --format all --data digits --output", folder))

        folder = cached(self.folder / "exports", digest(*sources), make)
        return {path.suffix[1:]: path for path in folder.iterdir()}


def _run(*words: str) -> None:
    """Run a program on the host.

    Raises
    ------
    BackendError
        If it fails, with the last line of its messages.
    """
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = next(reversed(done.stderr.strip().splitlines()), "no message")
        raise BackendError(f"`{' '.join(words)}` failed with exit code {done.returncode}: {reason}")
