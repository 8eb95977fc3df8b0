"""Time typical exports of the default model, split into import, convert, prove and measure."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from mnist_tools.checkout import command, output_of

__all__ = ["main"]

ALL_PRECISIONS = " ".join(f"--quantize {name}" for name in ("none", "float16", "dynamic", "int8", "int16x8"))
RUNS = {
    "one file": ("--format tflite --quantize", 12),
    "every file": (f"--format all {ALL_PRECISIONS}", 60),
    "every file, with the report": (f"--format all {ALL_PRECISIONS} --report", 60),
}
"""Title -> options, and the time that it should take on two cores, in seconds."""


def _run(options: str) -> tuple[float, list[dict[str, Any]]]:
    """Return the elapsed time in seconds and the reports of the files."""
    with tempfile.TemporaryDirectory() as folder:
        report = [folder] if options.endswith("--report") else []
        line = command(f"mnist-export --data mnist --json {options}", *report, "--output", folder)
        started = time.perf_counter()
        printed = output_of(line)
        return time.perf_counter() - started, json.loads(printed)["artifacts"]


def main(argv: Sequence[str] | None = None) -> int:
    """Print one line for each of `RUNS`."""
    argparse.ArgumentParser(prog="scripts/tool bench export", description=__doc__).parse_args(argv)
    print(f"{'':30}{'files':>6}{'total s':>9}{'goal':>6}{'import, load':>14}{'convert':>9}{'prove':>7}{'measure':>9}")
    rest_of_one = 0.0
    for name, (options, goal) in RUNS.items():
        total, artifacts = _run(options)
        convert = sum(artifact["seconds_converting"] for artifact in artifacts)
        prove = sum(artifact["seconds"] for artifact in artifacts) - convert
        rest = total - convert - prove
        rest_of_one = rest_of_one or rest  # the first run measures no latency: its rest is the import
        load, measure = (rest_of_one, rest - rest_of_one) if "--report" in options else (rest, 0.0)
        print(f"{name:30}{len(artifacts):6}{total:9.1f}{goal:6}{load:14.1f}{convert:9.1f}{prove:7.1f}{measure:9.1f}")
    return 0
