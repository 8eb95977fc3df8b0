"""The test cases of ``scripts/tool stress matrix``, in families: signals, full disks, missing folders and others."""

from __future__ import annotations

import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import NamedTuple

from mnist_tools.checkout import command
from mnist_tools.stress.failures.run import DONE, MACHINE, Case

__all__ = ["FAMILIES", "Scratch"]

MOMENTS = 20
NAMES = (
    "with space", "quote'\"", "-dash", "%s{}$HOME`", "new\nline", "tab\t", "\u4e03\U0001f600", "combining e\u0301",
    "a" * 200, "con.", "x;rm", "back\\slash", "\x1b[31m", b"latin-\xe9".decode("utf-8", "surrogateescape"),
)  # fmt: skip
STREAMS = {
    "<&-": DONE, "2>&-": DONE, "2>/dev/full": DONE, "<&- 2>&-": DONE,
    ">&-": MACHINE, ">/dev/full": MACHINE, ">&- 2>&-": MACHINE, ">/dev/full 2>/dev/full": MACHINE,
}  # fmt: skip
LOCALES = ({"LC_ALL": "C"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "none"})
PYTHONS = ({"PYTHONWARNINGS": "error"}, {"PYTHONOPTIMIZE": "2"}, {"PYTHONUNBUFFERED": "1"}, {"PYTHONDEVMODE": "1"})
LIMITS = {"ulimit -n 6": {0, 2}, "ulimit -n 16": {0, 2}, "ulimit -v 1000000": {0, 2}, "ulimit -f 10": {0, 2}}
SIZES = ("8k", "64k", "256k", "512k", "1m", "2m", "8m")
"""Sizes of disks; the commands write between 10 kB and 5 MB to them."""
WRITERS = (
    "mnist-export --model linear --data digits --json --format tflite --quantize int8 --output disk/out",
    "mnist-export --model linear --data digits --json --format onnx --quantize int8 --output disk/out",
    "mnist-export --model linear --data digits --json --format c --quantize int8 --output disk/out",
    "mnist-train --architecture linear --data digits --epochs 1 --output disk/out.keras --tensorboard disk/curves",
)
"""Commands in which not only Python writes files, but also TensorFlow, HDF5, onnxruntime and a C compiler."""
SMALL_DISK = """
mkdir disk && mount -t tmpfs -o size="$0" none disk && mkdir disk/tmp || exit 99
TMPDIR="$PWD/disk/tmp" "$@"
code=$?
cp -a disk/. kept/
exit $code
"""
"""A shell program that runs a command on a private disk of this size, and keeps the files that remain there."""
EXPORT = command("mnist-export --model linear --data digits --json --output out")
HERE = Path(__file__).parent


@dataclass
class Scratch:
    """An empty folder with the ready model ``model.keras``, ``model.tflite`` and the picture ``seven.png``.

    Parameters
    ----------
    folder : Path
        The folder.
    seconds : float
        Time that an export takes.
    """

    folder: Path
    seconds: float
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def classify(self) -> list[str]:
        """The command that classifies the picture."""
        return command("mnist-runtime classify --json --model", self.folder / "model.tflite", self.folder / "seven.png")

    def case(
        self,
        name: str,
        words: list[str],
        *codes: int,
        shell: str = "",
        stop: tuple[float, int] | None = None,
        variables: dict[str, str] | None = None,
    ) -> Case:
        """Return a case with a folder of its own."""
        folder = self.folder / f"case {next(self.numbers)}"
        folder.mkdir()
        return Case(name, words, folder, codes or DONE, shell, variables or {}, stop)

    def with_full_disk(self, write: int) -> Case:
        """Return an export in which one write fails; with 0 none does, and the file ``writes`` gets their number."""
        program = [sys.executable, str(HERE / "_full_disk.py"), str(write), str(self.folder)]
        words = [*program, "mnist_tools.stress.failures._export", *EXPORT[1:]]
        return self.case(f"write {write}", words, 0, 2, variables={"TMPDIR": str(self.folder / "tmp")})


def signals(scratch: Scratch) -> Iterator[Case]:
    """Send signals to exports at different moments."""
    for moment in range(MOMENTS):
        request = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[moment % 3]
        ends = 130 if request == signal.SIGINT else 128 + request
        stop = (scratch.seconds * (moment + 0.5) / MOMENTS, int(request))
        # -request: before Python has installed its handlers, the signal kills the process.
        yield scratch.case(f"{request.name} {moment}", EXPORT, 0, ends, -int(request), stop=stop)


def full_disk(scratch: Scratch) -> Iterator[Case]:
    """Make one write of an export fail, as on a full disk; one case for each write."""
    scratch.with_full_disk(0).run()
    for write in range(1, int((scratch.folder / "writes").read_text()) + 1):
        yield scratch.with_full_disk(write)


def small_disks(scratch: Scratch) -> Iterator[Case]:
    """Write to small disks that become full during a write, which may come from native code. Linux only."""
    for words in WRITERS:
        for size in SIZES:
            codes = {SIZES[0]: MACHINE, SIZES[-1]: DONE}.get(size, {0, 2})
            program = ["unshare", "-rm", "bash", "-c", SMALL_DISK, size, *command(words)]
            case = scratch.case(f"{words} {size}", program, *codes)
            (case.folder / "kept").mkdir()
            yield case


def folders(scratch: Scratch) -> Iterator[Case]:
    """Write to folders that are not writable, and read files that are missing."""
    for place, code in (("/proc/none/out", 2), ("/sys/out", 2), ("a/b/c/out", 0), ("/dev/null/out", 2)):
        yield scratch.case(place, [*EXPORT[:-1], place], code)
    yield scratch.case("no model", command("mnist-export --data digits --model none/my.keras"), 5)
    yield scratch.case("no data", command("mnist-export --model linear --data none/data"), 6)
    yield scratch.case("no picture", command("mnist-runtime classify none/seven.png"), 6)


def names(scratch: Scratch) -> Iterator[Case]:
    """Use unusual file and folder names."""
    for name in NAMES:
        picture, model = scratch.folder / f"{name}.png", scratch.folder / f"{name}.keras"
        shutil.copy(scratch.folder / "seven.png", picture)
        yield scratch.case(ascii(name), command("mnist-runtime classify --json --", picture))
        if name in NAMES[::3]:
            shutil.copy(scratch.folder / "model.keras", model)
            words = command("mnist-export --data digits --json --output", f"./{name}", "--model", model)
            yield scratch.case(f"{name!a} (model)", words, 0, 2)


def variables(scratch: Scratch, settings: tuple[dict[str, str], ...]) -> Iterator[Case]:
    """Change environment variables."""
    for setting in settings:
        for words in (EXPORT, scratch.classify):
            yield scratch.case(str(setting), words, variables=setting)


def streams(scratch: Scratch) -> Iterator[Case]:
    """Close the standard streams, or connect them to a full device."""
    for shell, codes in STREAMS.items():
        for words in (EXPORT, scratch.classify):
            yield scratch.case(shell, words, *codes, shell=shell)


def limits(scratch: Scratch) -> Iterator[Case]:
    """Limit the resources of a process."""
    for before, codes in LIMITS.items():
        for words in (EXPORT, scratch.classify):
            yield scratch.case(before, words, *codes, shell=f"{before};")
    yield scratch.case("TMPDIR missing", EXPORT, variables={"TMPDIR": "/none"})


def at_once(scratch: Scratch) -> Iterator[Case]:
    """Run commands, threads or tasks at the same time."""
    yield scratch.case("threads", [sys.executable, str(HERE / "_together.py"), str(scratch.folder / "model.tflite")])
    line = " ".join(f"'{word}'" for word in EXPORT)
    start = f'for i in 1 2 3 4 5 6; do {line} >/dev/null & p="$p $!"; done'
    yield scratch.case("six exports", ["bash", "-c", f"{start}; for i in $p; do wait $i || exit 1; done"])


class Family(NamedTuple):
    """Cases of one kind."""

    about: str
    cases: Callable[[Scratch], Iterator[Case]]


FAMILIES = {
    "signal": Family("SIGINT, SIGTERM and SIGHUP at twenty moments of an export", signals),
    "full disk": Family("each file or folder that an export makes fails as on a full disk", full_disk),
    "small disk": Family("exports and a training on disks of 8 kB to 8 MB, which fill up within a write", small_disks),
    "folder": Family("missing and read-only folders", folders),
    "locale": Family("LC_ALL=C and other encodings", lambda scratch: variables(scratch, LOCALES)),
    "name": Family("odd names of models, pictures and files", names),
    "python": Family(
        "-W error, PYTHONOPTIMIZE=2, no buffers, development mode", lambda scratch: variables(scratch, PYTHONS)
    ),
    "stream": Family("closed or full stdin, stdout and stderr", streams),
    "limit": Family("limits of open files, memory and file size; no folder for temporary files", limits),
    "at once": Family("six exports to one place; 64 threads and 64 asyncio tasks", at_once),
}
"""Name -> family of cases."""
