"""Kill ``mnist-export`` at random times. Each file must be intact afterwards: the previous one or the new one."""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from mnist_exporters import FORMATS
from mnist_exporters.formats.plugin import load_plugin
from mnist_runtime import BACKENDS, ToolkitError, self_test
from mnist_tools.checkout import ToolError, command

__all__ = ["main"]

FILES = {
    name: [f"cnn-int8{row.tag}{suffix}" for suffix in (row.suffix, *row.companions)] for name, row in FORMATS.items()
}
"""Format -> names of the exported files, the main one first."""
ON_DEVICES = {row.format for row in BACKENDS.values()}


def start(format: str, folder: Path) -> subprocess.Popen[bytes]:
    """Start an export of the default model, checked on scikit-learn's digits."""
    words = command(f"mnist-export --format {format} --quantize --data digits --output", folder)
    return subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_intact(format: str, folder: Path) -> bool:
    """Return whether the exported files match their digest and reproduce their golden scores."""
    try:
        path = folder / FILES[format][0]
        load_plugin(format).open(path)
        return format not in ON_DEVICES or self_test(path).passed
    except ToolkitError:
        return False


def outcome(format: str, delay: float, older: Path | None) -> str:
    """Kill one export and describe the files in its folder.

    Parameters
    ----------
    format : str
        A key of `FILES`.
    delay : float
        Time before the process is killed, in seconds.
    older : Path or None
        Folder of an earlier export, which is copied to the destination first.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if older:
            for file in FILES[format]:
                shutil.copy(older / file, folder)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        process = start(format, folder)
        time.sleep(delay)
        process.kill()
        process.wait()
        after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
        if after == before:
            return "unchanged"
        if set(after) == set(FILES[format]) and is_intact(format, folder):
            return "intact"
        # The main file is moved into place last. Until then, no program includes the other.
        return "main file still missing" if set(after) - set(before) == {*FILES[format][1:]} else "BROKEN"


def main(argv: Sequence[str] | None = None) -> int:
    """Print each outcome and their counts; return 1 if files were broken."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress kill-exports", description=__doc__)
    parser.add_argument("times", nargs="?", type=int, default=100, help="number of exports to kill (default: 100)")
    times = parser.parse_args(argv).times
    generator = random.Random(0)
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        older, seconds = Path(name), {}
        for format in FORMATS:
            begun = time.perf_counter()
            if start(format, older).wait() != 0:
                raise ToolError(f"mnist-export --format {format} failed. Run it alone to see why.")
            seconds[format] = time.perf_counter() - begun
        for turn in range(times):
            format = generator.choice(list(FORMATS))
            # Mostly near the end, when files are written.
            delay = seconds[format] * (
                generator.uniform(0.85, 1.02) if generator.random() < 0.7 else generator.random()
            )
            found = outcome(format, delay, older if turn % 2 else None)
            outcomes[f"{format}: {found}"] += 1
            print(f"{turn + 1:4d} {format:7} killed after {delay:5.2f} s: {found}", flush=True)
    for what, count in sorted(outcomes.items()):
        print(f"{count:4d} {what}")
    return int(any("BROKEN" in what for what in outcomes))
