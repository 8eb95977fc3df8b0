"""Kill ``mnist-export`` at random instants and look at what it left; run by scripts/kill-exports."""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from mnist_exporters.formats.c.pair import open_pair
from mnist_runtime import Artifact, ToolkitError, self_test

EXPORT = Path(sys.executable).with_name("mnist-export")
FORMATS = {"tflite": ("cnn-int8.tflite",), "onnx": ("cnn-int8.onnx",), "c": ("cnn-int8.cc", "cnn-int8.h")}


def start(format: str, folder: Path) -> subprocess.Popen[bytes]:
    """Begin an export of the ready model, proven on `digits`, in a process group of its own."""
    command = [EXPORT, "--format", format, "--quantize", "--data", "digits", "--output", folder]
    return subprocess.Popen(list(map(str, command)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def is_whole(format: str, folder: Path) -> bool:
    """Say whether what is there is sealed and repeats its golden vectors."""
    try:
        if format == "c":
            open_pair(folder / "cnn-int8.h")
            return True
        path = folder / FORMATS[format][0]
        Artifact.open(path)
        return self_test(path).passed
    except ToolkitError:
        return False


def outcome(format: str, delay: float, older: Path | None) -> str:
    """Kill one export after `delay` seconds and say what its folder holds.

    With `older`, a file of an earlier export, it must be that one or a new whole one that is there.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if older:
            for file in FORMATS[format]:
                shutil.copy(older / file, folder)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        process = start(format, folder)
        time.sleep(delay)
        process.kill()
        process.wait()
        after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}
        if after == before:
            return "as it was"
        if set(after) == set(FORMATS[format]) and is_whole(format, folder):
            return "whole"
        # The header, which a program includes, comes last: until then nothing refers to the new source.
        return "header not yet there" if set(after) - set(before) == {"cnn-int8.cc"} else "BROKEN"


def main(times: int) -> int:
    """Print how often each outcome was seen; return 1 if one was broken."""
    generator = random.Random(0)
    seen: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        older, took = Path(name), {}
        for format in FORMATS:
            begun = time.perf_counter()
            if start(format, older).wait() != 0:
                raise SystemExit(f"error: expected an export to {format}, it failed")
            took[format] = time.perf_counter() - begun
        for turn in range(times):
            format = generator.choice(list(FORMATS))
            # Most instants at the end, where files are written; some anywhere.
            share = generator.uniform(0.85, 1.02) if generator.random() < 0.7 else generator.random()
            found = outcome(format, took[format] * share, older if turn % 2 else None)
            seen[f"{format}: {found}"] += 1
            print(f"{turn + 1:4d} {format:7} killed after {took[format] * share:5.2f} s: {found}", flush=True)
    for what, count in sorted(seen.items()):
        print(f"{count:4d} {what}")
    return any("BROKEN" in what for what in seen)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
