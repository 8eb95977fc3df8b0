"""Run the two exports that people wait for and print where the time goes; run by scripts/bench-export."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXPORT = Path(sys.executable).with_name("mnist-export")
EVERYTHING = [word for p in ("none", "float16", "dynamic", "int8", "int16x8") for word in ("--quantize", p)]
RUNS = {
    "one file": (["--format", "tflite", "--quantize"], 12),
    "every file": (["--format", "all", *EVERYTHING], 60),
    "every file, with the report": (["--format", "all", *EVERYTHING, "--report", "{folder}"], 60),
}
"""What is run, and the seconds within which it should be done on two processors."""


def run(options: list[str]) -> tuple[float, list[dict[str, float]]]:
    """Return the wall time of a run and the reports of its files."""
    with tempfile.TemporaryDirectory() as folder:
        given = [option.format(folder=folder) for option in options]
        command = [str(EXPORT), *given, "--data", "mnist", "--output", folder, "--json"]
        started = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wall = time.perf_counter() - started
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return wall, json.loads(done.stdout)["artifacts"]


def main() -> None:
    """Print one line a run."""
    print(f"{'':30}{'files':>6}{'wall s':>8}{'goal':>6}{'import, load':>14}{'convert':>9}{'prove':>7}{'measure':>9}")
    rest_of_one = 0.0
    for name, (options, goal) in RUNS.items():
        wall, artifacts = run(options)
        convert = sum(artifact["seconds_converting"] for artifact in artifacts)
        prove = sum(artifact["seconds"] for artifact in artifacts) - convert
        rest = wall - convert - prove
        rest_of_one = rest_of_one or rest  # one file is exported without measuring anything
        load, measure = (rest_of_one, rest - rest_of_one) if "--report" in options else (rest, 0.0)
        print(f"{name:30}{len(artifacts):6}{wall:8.1f}{goal:6}{load:14.1f}{convert:9.1f}{prove:7.1f}{measure:9.1f}")


if __name__ == "__main__":
    main()
