"""Compare TensorFlow's converter with the LiteRT Quantizer on the ready models, for docs/experiments/low-bit.md.

The results of models that are not named are kept.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_exporters import Parity, Reference
from mnist_exporters.spec.precision import TOLERANCES, Precision
from mnist_runtime.backends.base import QuantParams
from mnist_tools.checkout import ROOT, ToolError, environment, module
from mnist_tools.studies.quantizing.variants import CALIBRATION_IMAGES, VARIANTS
from mnist_trainer import READY_MODELS, Splits, load_data

__all__ = ["main"]

JSON, PAGE = ROOT / "docs" / "experiments" / "low-bit.json", ROOT / "docs" / "experiments" / "low-bit.md"
MARKED = re.compile(r"(<!-- tables: .*?-->\n).*?(<!-- end of tables -->)", re.DOTALL)

PACKAGES = ("tensorflow", "litert-quantizer", "ai-edge-litert", "tflite-runtime", "numpy")
INTERPRETERS = {
    "LiteRT": "litert",
    "LiteRT without XNNPACK": "litert-without-xnnpack",
    "tflite-runtime": "tflite-runtime",
}
"""Title -> interpreter that runs each file. The first one measures accuracy and time."""

FEWER_IMAGES = 1000
"""Number of test images for the interpreters that are only compared with LiteRT."""

ROUNDS, RUNS = 60, 20
"""Latency: the files take turns, so that other load on the machine affects all alike."""

Array = npt.NDArray[Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the models, then write both files."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies quantizers", description=__doc__)
    parser.add_argument(
        "models", nargs="*", default=list(READY_MODELS), metavar="MODEL", help="ready models (default: all)"
    )
    models = parser.parse_args(argv).models
    known = json.loads(JSON.read_text())["measured"] if JSON.exists() else []
    data = load_data("mnist")
    fresh = {model: measure(model, data) for model in models}
    measured = [
        entry
        for model in READY_MODELS
        for entry in (fresh[model] if model in fresh else [old for old in known if old["model"] == model])
    ]
    facts = {
        "versions": {package: metadata.version(package) for package in PACKAGES},
        "machine": platform.machine(),
        "test_images": len(data.test.images),
        "calibration_images": CALIBRATION_IMAGES,
        "measured": measured,
    }
    JSON.write_text(json.dumps(facts, indent=1) + "\n")
    text, found = MARKED.subn(lambda match: match[1] + tables(facts) + match[2], PAGE.read_text())
    if found != 1:
        raise ToolError(f"{PAGE} lacks the two comments around the tables. Restore them.")
    PAGE.write_text(text)
    return 0


def measure(model: str, data: Splits) -> list[dict[str, Any]]:
    """Make every variant of one model, twice, and measure the first set of files."""
    with tempfile.TemporaryDirectory() as name:
        folder, again = Path(name) / "first", Path(name) / "again"
        for place in (folder, again):
            place.mkdir()
            command = module("mnist_tools.studies.quantizing.variants", model, place)
            subprocess.run(command, env=environment(), check=True)
        made = json.loads((folder / "made.json").read_text())
        scores = np.load(folder / "reference.npy")
        reference = Reference("mnist", data.test.images, data.test.labels, scores)
        entries = []
        for key, variant in VARIANTS.items():
            entry: dict[str, Any] = {"model": model, "key": key, "engine": variant.engine, "recipe": variant.recipe}
            entry |= {"note": variant.note, **made["variants"][key]}
            file = folder / f"{key}.tflite"
            if file.exists():
                entry |= {"bytes": file.stat().st_size, "same_bytes": digest(file) == digest(again / file.name)}
                entry |= {"operators": operators(file)} | behavior(file, reference, made["pixel_scale"])
            entries.append(entry)
        for key, microseconds in latencies({e["key"]: folder / f"{e['key']}.tflite" for e in entries if runs(e)}):
            entry = next(entry for entry in entries if entry["key"] == key)
            entry["p50_microseconds"] = microseconds
        base = entries[0]["p50_microseconds"]
        for entry in filter(runs, entries):
            entry["time_to_float32"] = round(entry["p50_microseconds"] / base, 2)
    return entries


def runs(entry: dict[str, Any]) -> bool:
    """Return whether LiteRT runs the file."""
    return bool(entry.get("interpreters", {}).get("LiteRT", {}).get("state") == "runs")


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def operators(file: Path) -> dict[str, int]:
    """Return the operators of a file, each with its highest version."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    used: dict[str, int] = {}
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        used[name] = max(used.get(name, 0), code.version)
    return dict(sorted(used.items()))


def behavior(file: Path, reference: Reference, scale: float) -> dict[str, Any]:
    """Run a file in each interpreter and return its accuracy, its types and how far the interpreters agree."""
    facts: dict[str, Any] = {"interpreters": {}}
    expected = None
    for name in INTERPRETERS:
        images = reference.images if expected is None else reference.images[:FEWER_IMAGES]
        answer = probe(file, images, scale, name)
        if isinstance(answer, str):
            facts["interpreters"][name] = {"state": "fails", "message": answer}
            continue
        scores, types = answer
        if name == "LiteRT":
            expected = scores.argmax(axis=1)
            parity = Parity.compare(reference, scores, TOLERANCES[Precision.INT8])
            facts |= {"input": types["input"][0], "output": types["output"][0], "raw_pixels": is_raw(types, scale)}
            facts |= {
                "accuracy_original": parity.accuracy_original,
                "accuracy": parity.accuracy_exported,
                "changed": round((1 - parity.agreement) * parity.images),
                "lost": parity.lost,
                "gained": parity.gained,
                "drop_upper_95": parity.drop_upper_95,
                "passed": parity.passed,
                "tolerance": parity.tolerance,
            }
        different = None if expected is None else int((scores.argmax(axis=1) != expected[: len(scores)]).sum())
        facts["interpreters"][name] = {"state": "runs", "different": different, "images": len(scores)}
    return facts


def probe(file: Path, images: Array, scale: float, name: str) -> tuple[Array, dict[str, Any]] | str:
    """Return the scores and the types of input and output, or the reason of the failure."""
    inputs, outputs = file.with_suffix(".images.npy"), file.with_suffix(".scores.npy")
    np.save(inputs, images)
    done = subprocess.run(
        module("mnist_tools.studies.interpreter_probe", INTERPRETERS[name], file, inputs, outputs, scale),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode < 0:
        return f"the process is killed by {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    return np.load(outputs), json.loads(done.stdout)


def is_raw(types: dict[str, Any], scale: float) -> bool:
    """Return whether the file takes raw pixels 0..255."""
    dtype, step, zero = types["input"]
    if dtype != "uint8":
        return False
    pixels = np.arange(256)
    return not step or bool(np.array_equal(QuantParams(step, int(zero), "uint8").quantize(pixels * scale), pixels))


def latencies(files: dict[str, Path]) -> list[tuple[str, float]]:
    """Return the median time of one image in LiteRT on one thread, in microseconds. The files take turns."""
    from ai_edge_litert.interpreter import Interpreter

    interpreters = {key: Interpreter(model_path=str(file), num_threads=1) for key, file in files.items()}
    for interpreter in interpreters.values():
        interpreter.allocate_tensors()
        for details in interpreter.get_input_details():
            interpreter.set_tensor(details["index"], np.zeros(details["shape"], details["dtype"]))
        for _ in range(RUNS):
            interpreter.invoke()
    taken: dict[str, list[float]] = {key: [] for key in interpreters}
    for _ in range(ROUNDS):
        for key, interpreter in interpreters.items():
            for _ in range(RUNS):
                started = time.perf_counter()
                interpreter.invoke()
                taken[key].append(time.perf_counter() - started)
    return [(key, round(1e6 * float(np.median(times)), 1)) for key, times in taken.items()]


def tables(facts: dict[str, Any]) -> str:
    """Return the tables of docs/experiments/low-bit.md: one per model, then the versions of the operators."""
    versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
    made = [entry for entry in facts["measured"] if "bytes" in entry]
    same = sum(entry["same_bytes"] for entry in made)
    parts = [
        f"Written by `scripts/tool studies quantizers` on {facts['machine']} with {versions}; "
        f"{facts['test_images']:,} test and {facts['calibration_images']} calibration images of MNIST. "
        f"{same} of {len(made)} files had the same bytes when they were made again in another process.",
        "",
    ]
    for model in dict.fromkeys(entry["model"] for entry in facts["measured"]):
        parts += [
            f"### `{model}`",
            "",
            "| engine | recipe | kB | s | accuracy | changed | lost at most | time | raw pixels | no XNNPACK "
            "| tflite-runtime |",
            "|---|---|--:|--:|--:|--:|--:|--:|---|---|---|",
            *(row(entry) for entry in facts["measured"] if entry["model"] == model),
            "",
        ]
    parts += ["### Versions of the operators", "", "| engine | recipe | above 1 |", "|---|---|---|"]
    for key, variant in VARIANTS.items():
        highest: dict[str, int] = {}
        for entry in made:
            if entry["key"] == key:
                for name, version in entry["operators"].items():
                    highest[name] = max(version, highest.get(name, 0))
        listed = ", ".join(f"{name} {version}" for name, version in sorted(highest.items()) if version > 1)
        parts.append(f"| {variant.engine} | {called(variant.recipe, variant.note)} | {listed or 'none'} |")
    return "\n".join(parts) + "\n"


def row(entry: dict[str, Any]) -> str:
    """Return one line of a model's table."""
    start = f"| {entry['engine']} | {called(entry['recipe'], entry['note'])} |"
    if "failure" in entry:
        return f"{start} | | cannot be made: {entry['failure']} | | | | | | |"
    if not runs(entry):
        return f"{start} {entry['bytes'] / 1000:.1f} | {entry['seconds']:.2f} | rejected by LiteRT | | | | | | |"
    raw = "yes" if entry["raw_pixels"] else f"no: {entry['input']}"
    elsewhere = [verdict(entry["interpreters"][name]) for name in list(INTERPRETERS)[1:]]
    passed = "" if entry["passed"] else " ✗"
    return (
        f"{start} {entry['bytes'] / 1000:.1f} | {entry['seconds']:.2f} | {entry['accuracy']:.2%} | "
        f"{entry['changed']} | {entry['drop_upper_95'] * 100:.2f}{passed} | {entry['time_to_float32']:.2f} | {raw} | "
        f"{' | '.join(elsewhere)} |"
    )


def called(recipe: str, note: str) -> str:
    """Return the name of a recipe with its note."""
    return f"`{recipe}`, {note}" if note else f"`{recipe}`"


def verdict(found: dict[str, Any]) -> str:
    """Return the result of one interpreter in one or two words."""
    if found["state"] == "fails":
        return "crashes" if "killed by" in found["message"] or "dies" in found["message"] else "rejected"
    fraction = found["different"] / found["images"]
    return "same" if fraction <= 0.005 else f"**{fraction:.0%} differ**"
