"""Measure every export of every ready model, and set out what was measured; called by ``scripts/results``."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from mnist_exporters.targets.interpreters import INTERPRETERS
from mnist_trainer import ARCHITECTURES, READY_MODELS, architecture

ROOT = Path(__file__).parents[3]
COMMANDS = (
    "mnist-export --model {model} --data mnist --format all --quantize none --quantize float16 --quantize dynamic "
    "--quantize int8 --quantize int4 --quantize int16x8 --json",
    "mnist-export --model {model} --data mnist --format c --quantize --json",
)
CHANGING = ("path", "seconds", "seconds_converting")
"""What differs from run to run and says nothing of a file."""
DEFAULT = "cnn"
"""The model whose exports the README shows."""

Row = dict[str, Any]


def measure(model: str) -> list[Row]:
    """Run the commands and return their artifacts; a refused one is part of the truth."""
    artifacts: list[Row] = []
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


def export_line(artifact: Row) -> str:
    """Return the line of one export."""
    proof = artifact["parity"]
    sizes = f"{artifact['model_bytes'] / 1000:.1f} | {artifact['size_bytes'] / 1000:.1f}"
    loads = ", ".join(INTERPRETERS[name].since for name in artifact["loads_on"])
    verdict = "proven" if proof["passed"] else "refused"
    return (
        f"| `{artifact['model']}` | {artifact['format']} {artifact['precision']} | {sizes} | "
        f"{proof['accuracy_original']:.2%} | {proof['accuracy_exported']:.2%} | "
        f"{proof['drop_upper_95'] * 100:.2f} | {proof['agreement']:.2%} | {verdict} | {loads} |"
    )


def exports_table(artifacts: list[Row]) -> str:
    """Return what became of each export."""
    heads = "| model | file | kB | with proof | original | exported | points lost, at most (95 %) | same | | loads |"
    return "\n".join([heads, "|---|---|--:|--:|--:|--:|--:|--:|---|---|", *map(export_line, artifacts)])


def spread(values: list[float]) -> str:
    """Return a share in per cent, with the standard deviation where several seeds were tried."""
    mean = statistics.mean(values) * 100
    return f"{mean:.2f} ± {statistics.stdev(values) * 100:.2f}" if len(values) > 1 else f"{mean:.2f}"


def model_line(rows: list[Row]) -> str:
    """Return the line of one architecture, trained from one seed or several; what the gate refuses has no file."""
    first = rows[0]
    proven = [row for row in rows if row["proven"]]
    found = [row["robustness"] for row in proven]
    cells = [
        f"`{first['architecture']}`",
        f"{first['parameters']:,}",
        f"{first['macs'] / 1e6:.2f}",
        f"{max(row['model_bytes'] for row in proven) / 1000:.1f}" if proven else "-",
        str(len(rows)),
        spread([row["float_accuracy"] for row in rows]),
        spread([row["int8_accuracy"] for row in rows]) + ("" if proven else ", refused"),
        spread([each["mean_accuracy"] for each in found]) if found else "-",
        f"{statistics.mean(each['mean_auroc'] for each in found):.3f}" if found else "-",
        f"{first['p50_us']:.0f}" if "p50_us" in first else "-",
        architecture(first["architecture"]).summary,
    ]
    return f"| {' | '.join(cells)} |"


def models_table(rows: list[Row]) -> str:
    """Return what the architectures cost and reach."""
    heads = "| architecture | parameters | MMACs | int8 kB | seeds | float % | int8 % | corrupted % | AUROC | µs | |"
    by_name = {name: [row for row in rows if row["architecture"] == name] for name in ARCHITECTURES}
    lines = [model_line(found) for found in by_name.values() if found]
    return "\n".join([heads, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|", *lines])


def put(name: str, text: str) -> None:
    """Write `text` between the marks called `name` in the README."""
    readme = ROOT / "README.md"
    marked = re.compile(rf"(<!-- {name}: .*?-->\n).*?(<!-- end of {name} -->)", re.DOTALL)
    written, found = marked.subn(lambda marks: f"{marks[1]}{text}\n{marks[2]}", readme.read_text())
    if found != 1:
        sys.exit(f"error: expected the two marks of the {name} in README.md")
    readme.write_text(written)


def main() -> None:
    """Measure, then write the tables."""
    artifacts = [artifact for model in READY_MODELS for artifact in measure(model)]
    (ROOT / "docs" / "results.json").write_text(json.dumps(artifacts, indent=1) + "\n")
    images = artifacts[0]["parity"]["images"]
    intro = f"On all {images:,} test images of MNIST, through the device's own code; made by `scripts/results`."
    put("models", models_table(json.loads((ROOT / "docs" / "seeds.json").read_text())))
    put("results", f"{intro}\n\n{exports_table([row for row in artifacts if row['model'] == DEFAULT])}")
    page = f"# Every export of every ready model\n\n{intro}\n\n{exports_table(artifacts)}\n"
    (ROOT / "docs" / "results.md").write_text(page)


if __name__ == "__main__":
    main()
