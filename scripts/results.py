"""Measure every export of every ready model; called by ``scripts/results``."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mnist_exporters.interpreter import INTERPRETERS
from mnist_trainer import READY_MODELS

ROOT = Path(__file__).parents[1]
COMMANDS = (
    "mnist-export --model {model} --data mnist --format all --quantize none --quantize float16 --quantize dynamic "
    "--quantize int8 --quantize int4 --quantize int16x8 --json",
    "mnist-export --model {model} --data mnist --format c --quantize --json",
)
CHANGING = ("path", "seconds", "seconds_converting")
"""What differs from run to run and says nothing of a file."""
MARKED = re.compile(r"(<!-- results: .*?-->\n).*?(<!-- end of results -->)", re.DOTALL)


def measure(model: str) -> list[dict[str, Any]]:
    """Run the commands and return their artifacts; a refused one is part of the truth."""
    artifacts: list[dict[str, Any]] = []
    for command in COMMANDS:
        with tempfile.TemporaryDirectory() as folder:
            program, *arguments = command.format(model=model).split()
            done = subprocess.run(
                [str(Path(sys.executable).with_name(program)), *arguments, "--output", folder],
                stdout=subprocess.PIPE,
                check=False,
            )
        artifacts += json.loads(done.stdout)["artifacts"]
    return [
        {"model": model} | {key: value for key, value in artifact.items() if key not in CHANGING}
        for artifact in artifacts
    ]


def row(artifact: dict[str, Any]) -> str:
    """Return one line of the table."""
    proof = artifact["parity"]
    sizes = f"{artifact['model_bytes'] / 1000:.1f} | {artifact['size_bytes'] / 1000:.1f}"
    loads = ", ".join(INTERPRETERS[name].since for name in artifact["loads_on"])
    verdict = "proven" if proof["passed"] else "refused"
    return (
        f"| `{artifact['model']}` | {artifact['format']} {artifact['precision']} | {sizes} | "
        f"{proof['accuracy_original']:.2%} | {proof['accuracy_exported']:.2%} | "
        f"{proof['drop_upper_95'] * 100:.2f} | {proof['agreement']:.2%} | {verdict} | {loads} |"
    )


def main() -> None:
    """Measure, then write both files."""
    artifacts = [artifact for model in READY_MODELS for artifact in measure(model)]
    (ROOT / "docs" / "results.json").write_text(json.dumps(artifacts, indent=1) + "\n")
    images = artifacts[0]["parity"]["images"]
    table = [
        f"On all {images:,} test images of MNIST, through the device's own code; made by `scripts/results`.",
        "",
        "| model | file | kB | with proof | original | exported | points lost, at most (95 %) | same | | loads |",
        "|---|---|--:|--:|--:|--:|--:|--:|---|---|",
        *map(row, artifacts),
    ]
    readme = ROOT / "README.md"
    text, found = MARKED.subn(lambda marks: marks[1] + "\n".join(table) + "\n" + marks[2], readme.read_text())
    if found != 1:
        sys.exit("error: expected the two marks of the results in README.md")
    readme.write_text(text)


if __name__ == "__main__":
    main()
