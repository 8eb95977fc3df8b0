"""Train architectures from several seeds and measure each as an int8 file; run by scripts/train-seeds."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from mnist_exporters.reports.latency import measure_latency
from mnist_trainer.architectures.registry import ARCHITECTURES, architecture
from mnist_trainer.model_io.ready import MODELS

ROOT = Path(__file__).parents[3]
SEEDS = ROOT / "docs" / "seeds.json"
TRAINED = ROOT / "trained" / "seeds"
INTERPRETER = "litert"
"""The one whose latency counts."""

Row = dict[str, Any]


def run(command: str, *, json_wanted: bool = True) -> Any:
    """Run one of the project's commands; return the JSON object that it prints. A refused export prints one too."""
    program, *words = command.split()
    done = subprocess.run(
        [str(Path(sys.executable).with_name(program)), *words], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    if done.returncode not in (0, 3):
        raise SystemExit(f"error: {command} ended with {done.returncode}")
    return json.loads(done.stdout) if json_wanted else None


def recipe_of(name: str) -> Row:
    """Return the recipe of an architecture as a record holds it."""
    found: Row = json.loads(json.dumps(dataclasses.asdict(architecture(name).recipe)))
    return found


def is_current(path: Path, name: str) -> bool:
    """Say whether a model lies at `path` that was trained as the recipe of `name` says today."""
    record = path.with_suffix(".json")
    return path.is_file() and record.is_file() and json.loads(record.read_text())["recipe"] == recipe_of(name)


def trained(name: str, seed: int) -> Path:
    """Return the path of a trained model: the ready one, if there is one from this seed."""
    ready = MODELS / f"{name}.keras"
    if is_current(ready, name) and json.loads(ready.with_suffix(".json").read_text())["seed"] == seed:
        return ready
    path = (TRAINED / f"{name}-{seed}.keras").relative_to(ROOT)
    if not is_current(ROOT / path, name):
        command = f"mnist-train --architecture {name} --seed {seed} --data mnist --resume --output {path}"
        run(command, json_wanted=False)
    return path


def measured(name: str, seed: int) -> Row:
    """Train, export, prove on the test images, and ask about corrupted digits and pictures of none."""
    model = trained(name, seed)
    record = json.loads((ROOT / model).with_suffix(".json").read_text())
    folder = TRAINED / f"{name}-{seed}"
    exported = f"mnist-export --model {model} --data mnist --format tflite --quantize --json --output {folder}"
    [artifact] = run(exported)["artifacts"]
    row = {key: record[key] for key in ("architecture", "parameters", "macs", "seed", "validation_accuracy", "recipe")}
    row |= {"seconds": record["seconds"], "float_accuracy": artifact["parity"]["accuracy_original"]}
    row |= {"int8_accuracy": artifact["parity"]["accuracy_exported"], "proven": artifact["parity"]["passed"]}
    if artifact["parity"]["passed"]:
        [asked] = run(f"mnist-evaluate {artifact['path']} --data mnist --robustness --json")["models"]
        row |= {"model_bytes": artifact["model_bytes"], "robustness": asked["robustness"]}
        shutil.copy(artifact["path"], TRAINED / f"{name}.tflite")
    return row


def measure_all_latencies(rows: list[Row]) -> None:
    """Write into `rows` the microseconds for one image of each architecture that was trained here."""
    for name in {row["architecture"] for row in rows}:
        path = TRAINED / f"{name}.tflite"
        if path.is_file():
            [found] = [each for each in measure_latency(path, "tflite") if each.interpreter == INTERPRETER]
            for row in rows:
                if row["architecture"] == name:
                    row["p50_us"] = round(found.p50_us, 1)


def read_rows() -> list[Row]:
    """Return what was measured before, less what an older recipe gave."""
    rows = json.loads(SEEDS.read_text()) if SEEDS.is_file() else []
    return [
        row for row in rows if row["architecture"] in ARCHITECTURES and row["recipe"] == recipe_of(row["architecture"])
    ]


def write_rows(rows: list[Row]) -> None:
    """Write what was measured, in the order of the architectures."""
    order = list(ARCHITECTURES)
    rows.sort(key=lambda row: (order.index(row["architecture"]), row["seed"]))
    SEEDS.write_text(json.dumps(rows, indent=1) + "\n")


def main() -> None:
    """Train and measure what is missing."""
    parser = argparse.ArgumentParser(prog="train-seeds", description=__doc__.splitlines()[0])
    parser.add_argument("architectures", nargs="*", metavar="ARCHITECTURE", help="default: all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], metavar="N", help="default: 0")
    parser.add_argument(
        "--latency", action="store_true", help="only time again what was trained here; on a quiet machine"
    )
    arguments = parser.parse_args()
    TRAINED.mkdir(parents=True, exist_ok=True)
    if arguments.latency:
        rows = read_rows()
        measure_all_latencies(rows)
        return write_rows(rows)
    for seed in arguments.seeds:
        for name in arguments.architectures or ARCHITECTURES:
            if not any((row["architecture"], row["seed"]) == (name, seed) for row in read_rows()):
                row = measured(name, seed)
                write_rows([*read_rows(), row])  # read anew: another such run may have written meanwhile
    return None


if __name__ == "__main__":
    main()
