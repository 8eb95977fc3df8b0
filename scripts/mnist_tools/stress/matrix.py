"""Run the commands under failures of the machine; write docs/results/robustness.md and its data.

Each case must end with the right exit code and one error line, leave nothing half written, and never show a
traceback.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mnist_runtime
from mnist_runtime import Artifact
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT, ToolError, command, environment
from mnist_tools.stress.failures.cases import FAMILIES, Scratch
from mnist_tools.stress.failures.run import Case, problem_of
from mnist_trainer import find_model

__all__ = ["main"]

RESULTS = ROOT / "docs" / "results" / "data" / "robustness.json"
PAGE = ROOT / "docs" / "results" / "robustness.md"
TEXT = """# Robustness

What the commands do when the machine fails them, written by `scripts/tool stress matrix`. Right is: the
[exit code](../reference/index.md) of the error, one error line, nothing half written, no traceback, and no words among
the results.

| failure | cases | right | wrong |
|---|---|---|---|
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print each wrong case; return 1 if there is one."""
    parser = argparse.ArgumentParser(prog="scripts/tool stress matrix", description=__doc__)
    parser.add_argument("--family", choices=FAMILIES, action="append", help="only this; may be repeated")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="cases at a time (default: one a core)")
    parser.add_argument("--write", action="store_true", help="write the tables in docs/, also for some families")
    arguments = parser.parse_args(argv)
    rows: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    wrong = 0
    for family in arguments.family or FAMILIES:
        rows[family] = run_family(family, arguments.jobs)
        wrong += len(rows[family]["wrong"])
    if arguments.write or not arguments.family:
        write(rows)
    return int(wrong > 0)


def run_family(family: str, jobs: int) -> dict[str, Any]:
    """Run all cases of a family and return the number of cases and what was wrong."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        seconds = _prepare(scratch) if family == "signal" else _prepare(scratch, time_it=False)

        def judge(case: Case) -> tuple[str, str]:
            return case.name, problem_of(case)

        with ThreadPoolExecutor(jobs) as pool:
            found = list(pool.map(judge, FAMILIES[family].cases(Scratch(scratch, seconds))))
    wrong = {name: problem for name, problem in found if problem}
    print(f"{family}: {len(found)} cases, {len(wrong)} wrong", flush=True)
    for name, problem in wrong.items():
        print(f"  {name!a}: {problem!a}", flush=True)
    return {"cases": len(found), "wrong": wrong}


def _prepare(scratch: Path, *, time_it: bool = True) -> float:
    """Put a model and a picture into `scratch`; return how long an export takes."""
    from PIL import Image

    (scratch / "tmp").mkdir()
    (scratch / "model.keras").write_bytes(find_model("linear").path.read_bytes())
    artifact = Artifact.open(next(Path(mnist_runtime.__file__).parent.glob("models/*.tflite")))
    (scratch / "model.tflite").write_bytes(artifact.content)
    Image.fromarray(artifact.golden.images[7]).save(scratch / "seven.png")
    if not time_it:
        return 0.0
    begun = time.perf_counter()
    words = command("mnist-export --model linear --data digits --output", scratch / "timed")
    if subprocess.run(words, env=environment(), capture_output=True, check=False).returncode:
        raise ToolError("mnist-export failed. Run it alone to see why.")
    return time.perf_counter() - begun


def write(rows: dict[str, Any]) -> None:
    """Write the results and the table."""
    with atomic_write(RESULTS) as path:
        path.write_text(json.dumps(rows, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")
    known = {family.about: rows[name] for name, family in FAMILIES.items() if name in rows}
    counts = {about: (row["cases"], len(row["wrong"])) for about, row in known.items()}
    counts["**all**"] = (sum(cases for cases, _ in counts.values()), sum(bad for _, bad in counts.values()))
    lines = [f"| {about} | {cases} | {cases - bad} | {bad} |" for about, (cases, bad) in counts.items()]
    with atomic_write(PAGE) as path:
        path.write_text(TEXT + "\n".join(lines) + "\n", encoding="utf-8")
