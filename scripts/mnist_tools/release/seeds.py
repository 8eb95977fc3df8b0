"""Train architectures from several seeds, export each as int8, measure it, and write docs/results/data/seeds.json.

Existing results are kept, unless the recipe or the network has changed since. Interrupted trainings are resumed.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mnist_exporters import measure_latency
from mnist_tools.checkout import ROOT, command, output_of
from mnist_trainer.architectures.registry import ARCHITECTURES, architecture
from mnist_trainer.evaluation.complexity import macs
from mnist_trainer.model_io.find import MODELS
from mnist_trainer.recipes.recipe import Recipe

__all__ = ["SEEDS", "is_current", "main", "read_rows", "write_rows"]

SEEDS = ROOT / "docs" / "results" / "data" / "seeds.json"
TRAINED = ROOT / "trained" / "seeds"
INTERPRETER = "litert"
"""Interpreter whose latency is recorded."""

Row = dict[str, Any]


@cache
def size(name: str) -> tuple[int, int]:
    """Return the parameters and multiplications of the network of an architecture."""
    network = architecture(name).build()
    return network.count_params(), macs(network)


def matches(record: Row, name: str) -> bool:
    """Return whether a record has the recipe and network of an architecture; older records lack newer settings."""
    own = architecture(name)
    return Recipe.from_record(record["recipe"]) == own.recipe and (record["parameters"], record["macs"]) == size(name)


def is_current(path: Path, name: str) -> bool:
    """Return whether the model at `path` exists and was trained with the current recipe and network of `name`."""
    record = path.with_suffix(".json")
    return path.is_file() and record.is_file() and matches(json.loads(record.read_text()), name)


def found(name: str, seed: int) -> Path | None:
    """Return the path of a trained model, the ready one if it has this seed; None if it must be trained first."""
    ready = MODELS / f"{name}.keras"
    if is_current(ready, name) and json.loads(ready.with_suffix(".json").read_text())["seed"] == seed:
        return ready
    path = TRAINED / f"{name}-{seed}.keras"
    return path.relative_to(ROOT) if is_current(path, name) else None


def trained(name: str, seed: int) -> Path:
    """Return the path of a trained model; train it if there is none."""
    path = (TRAINED / f"{name}-{seed}.keras").relative_to(ROOT)
    if ready := found(name, seed):
        return ready
    output_of(command(f"mnist-train --architecture {name} --seed {seed} --data mnist --resume --output", path))
    return path


def exported(model: Path, name: str, seed: int) -> Row:
    """Export a model as int8 and return the report; `path` is None if it is refused."""
    folder = TRAINED / f"{name}-{seed}"
    export = f"mnist-export --model {model} --data mnist --format tflite --quantize --json --output {folder}"
    [artifact] = json.loads(output_of(command(export), allowed=(0, 3)))["artifacts"]  # 3: refused, but reported
    report: Row = artifact
    return report


def measured(name: str, seed: int) -> Row:
    """Train, export as int8, and measure accuracy, robustness, detection of non-digits and other people's digits."""
    model = trained(name, seed)
    record = json.loads((ROOT / model).with_suffix(".json").read_text())
    artifact = exported(model, name, seed)
    row = {key: record[key] for key in ("architecture", "parameters", "macs", "seed", "validation_accuracy", "recipe")}
    row |= {"seconds": record["seconds"], "float_accuracy": artifact["parity"]["accuracy_original"]}
    row |= {"int8_accuracy": artifact["parity"]["accuracy_exported"], "proven": artifact["parity"]["passed"]}
    if artifact["parity"]["passed"]:
        evaluate = f"mnist-evaluate {artifact['path']} --data mnist --robustness --domains --json"
        [report] = json.loads(output_of(command(evaluate)))["models"]
        row |= {"model_bytes": artifact["model_bytes"]}
        row |= {key: report[key] for key in ("robustness", "domains")}
        shutil.copy(artifact["path"], TRAINED / f"{name}.tflite")
    return row


def measure_all_latencies(rows: list[Row]) -> None:
    """Add the latency of one image, in microseconds, to the rows of each architecture that was trained here."""
    for name in {row["architecture"] for row in rows}:
        path = TRAINED / f"{name}.tflite"
        if path.is_file():
            [found] = [each for each in measure_latency(path) if each.interpreter == INTERPRETER]
            for row in rows:
                if row["architecture"] == name:
                    row["p50_us"] = round(found.p50_us, 1)


def measure_all_domains(rows: list[Row]) -> None:
    """Add the accuracy on other people's digits to the rows that lack it and whose model was trained here."""
    for row in rows:
        name, seed = row["architecture"], row["seed"]
        model = None if "domains" in row or not row["proven"] else found(name, seed)
        path = exported(model, name, seed)["path"] if model else None
        if path:
            [report] = json.loads(output_of(command(f"mnist-evaluate {path} --data mnist --domains --json")))["models"]
            row["domains"] = report["domains"]


def read_rows() -> list[Row]:
    """Return the recorded results of current recipes."""
    rows = json.loads(SEEDS.read_text()) if SEEDS.is_file() else []
    return [row for row in rows if row["architecture"] in ARCHITECTURES and matches(row, row["architecture"])]


def write_rows(rows: list[Row]) -> None:
    """Write the results in the order of the architectures."""
    order = list(ARCHITECTURES)
    rows.sort(key=lambda row: (order.index(row["architecture"]), row["seed"]))
    SEEDS.write_text(json.dumps(rows, indent=1) + "\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure what is missing."""
    parser = argparse.ArgumentParser(prog="scripts/tool release seeds", description=__doc__)
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    parser.add_argument("--latency", action="store_true", help="only measure latency again, on an idle machine")
    parser.add_argument("--domains", action="store_true", help="only measure what lacks other people's digits")
    arguments = parser.parse_args(argv)
    TRAINED.mkdir(parents=True, exist_ok=True)
    if arguments.latency or arguments.domains:
        rows = read_rows()
        if arguments.latency:
            measure_all_latencies(rows)
        if arguments.domains:
            measure_all_domains(rows)
        write_rows(rows)
        return 0
    for seed in arguments.seeds:
        for name in arguments.architectures or ARCHITECTURES:
            if not any((row["architecture"], row["seed"]) == (name, seed) for row in read_rows()):
                row = measured(name, seed)
                write_rows([*read_rows(), row])  # read again: a parallel run may have added rows
    return 0
