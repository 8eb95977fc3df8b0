"""Compare two quantisers on the ready models; called by ``scripts/compare-quantizers``.

Usage: ``compare_quantizers.py [MODEL ...]`` measures the models named, or all, and keeps what docs/low-bit.json says of
the others.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from quantizer_variants import CALIBRATION_IMAGES, VARIANTS

from mnist_exporters import Parity, Reference
from mnist_exporters.spec.precision import TOLERANCES, Precision
from mnist_runtime.backends.quantization import QuantParams
from mnist_trainer import READY_MODELS, Splits, load_data

ROOT = Path(__file__).parents[3]
JSON, PAGE = ROOT / "docs" / "low-bit.json", ROOT / "docs" / "low-bit.md"
MARKED = re.compile(r"(<!-- tables: .*?-->\n).*?(<!-- end of tables -->)", re.DOTALL)

PACKAGES = ("tensorflow", "litert-quantizer", "ai-edge-litert", "tflite-runtime", "numpy")
INTERPRETERS = {
    "LiteRT": "litert",
    "LiteRT without XNNPACK": "litert",
    "tflite-runtime": "tflite-runtime",
}
"""What files are tried on; the first one measures accuracy and time."""

FEWER_IMAGES = 1000
"""Of the test images, for the interpreters that are only asked whether they answer as LiteRT does."""

ROUNDS, RUNS = 60, 20
"""Latency: the files take turns, so that whatever else the machine does falls on all alike."""

# In a process of its own: two TFLite interpreters cannot share one, and a file may end the process it is loaded into.
PROBE = """
import json, sys
import numpy as np
model, images, scale, answers, name = sys.argv[1:]
if name == "tflite-runtime":
    from tflite_runtime.interpreter import Interpreter
    options = {}
else:
    from ai_edge_litert.interpreter import Interpreter, OpResolverType
    kinds = {"LiteRT": OpResolverType.AUTO, "LiteRT without XNNPACK": OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES}
    options = {"experimental_op_resolver_type": kinds[name]}
interpreter = Interpreter(model_path=model, num_threads=1, **options)
interpreter.allocate_tensors()
(source,), (target,) = interpreter.get_input_details(), interpreter.get_output_details()
def fitted(pixels):
    step, zero = source["quantization"]
    if source["dtype"] == np.uint8 and not step:
        return pixels
    real = pixels * np.float32(scale)
    if not step:
        return real
    limits = np.iinfo(source["dtype"])
    return np.clip(np.rint(real / step) + zero, limits.min, limits.max).astype(source["dtype"])
scores = []
for pixels in np.load(images):
    interpreter.set_tensor(source["index"], fitted(pixels.reshape(1, 28, 28, 1)))
    interpreter.invoke()
    scores.append(interpreter.get_tensor(target["index"])[0])
step, zero = target["quantization"]
scores = np.array(scores)
np.save(answers, (scores.astype(np.float32) - zero) * np.float32(step) if step else scores)
names = {"input": source, "output": target}
print(json.dumps({key: [np.dtype(t["dtype"]).name, *map(float, t["quantization"])] for key, t in names.items()}))
"""


def main(models: list[str]) -> None:
    """Measure `models`, then write both files."""
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
    text, found = MARKED.subn(lambda marks: marks[1] + tables(facts) + marks[2], PAGE.read_text())
    if found != 1:
        sys.exit(f"error: expected the two marks of the tables in {PAGE}")
    PAGE.write_text(text)


def measure(model: str, data: Splits) -> list[dict[str, Any]]:
    """Make every variant of one model, twice, and measure those of the first time."""
    with tempfile.TemporaryDirectory() as name:
        folder, again = Path(name) / "first", Path(name) / "again"
        for place in (folder, again):
            place.mkdir()
            script = Path(__file__).with_name("quantizer_variants.py")
            subprocess.run([sys.executable, str(script), model, str(place)], check=True)
        made = json.loads((folder / "made.json").read_text())
        scores = np.load(folder / "reference.npy")
        reference = Reference("mnist", data.test.images, data.test.labels, scores)
        entries = []
        for key, variant in VARIANTS.items():
            entry = {"model": model, "key": key, "engine": variant.engine, "recipe": variant.recipe}
            entry |= {"note": variant.note, **made["variants"][key]}
            file = folder / f"{key}.tflite"
            if file.exists():
                entry |= {"bytes": file.stat().st_size, "same_bytes": digest(file) == digest(again / file.name)}
                entry |= {"operators": operators(file)} | behaviour(file, reference, made["pixel_scale"])
            entries.append(entry)
        for key, microseconds in latencies({e["key"]: folder / f"{e['key']}.tflite" for e in entries if runs(e)}):
            entry = next(entry for entry in entries if entry["key"] == key)
            entry["p50_microseconds"] = microseconds
        base = entries[0]["p50_microseconds"]
        for entry in filter(runs, entries):
            entry["time_to_float32"] = round(entry["p50_microseconds"] / base, 2)
    return entries


def runs(entry: dict[str, Any]) -> bool:
    """Whether LiteRT runs it."""
    return entry.get("interpreters", {}).get("LiteRT", {}).get("state") == "runs"


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def operators(file: Path) -> dict[str, int]:
    """Return the operators that a file uses, each with its highest version."""
    from ai_edge_litert import schema_py_generated as schema

    names = {value: name for name, value in vars(schema.BuiltinOperator).items() if isinstance(value, int)}
    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    used: dict[str, int] = {}
    for operator in model.subgraphs[0].operators:
        code = model.operatorCodes[operator.opcodeIndex]
        name = names[max(code.builtinCode, code.deprecatedBuiltinCode)]
        used[name] = max(used.get(name, 0), code.version)
    return dict(sorted(used.items()))


def behaviour(file: Path, reference: Reference, scale: float) -> dict[str, Any]:
    """Run a file in every interpreter: accuracy, types, and whether all answer alike."""
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


def probe(file: Path, images: np.ndarray, scale: float, name: str) -> tuple[np.ndarray, dict[str, Any]] | str:
    """Return the scores and the types of input and output, or why there are none."""
    inputs, outputs = file.with_suffix(".images.npy"), file.with_suffix(".scores.npy")
    np.save(inputs, images)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(file), str(inputs), str(scale), str(outputs), name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode < 0:
        return f"the process dies of {signal.Signals(-done.returncode).name}"
    if done.returncode:
        return done.stderr.strip().splitlines()[-1]
    return np.load(outputs), json.loads(done.stdout)


def is_raw(types: dict[str, Any], scale: float) -> bool:
    """Whether the file takes pixels 0..255 as they are."""
    dtype, step, zero = types["input"]
    if dtype != "uint8":
        return False
    pixels = np.arange(256)
    return not step or np.array_equal(QuantParams(step, int(zero), "uint8").quantize(pixels * scale), pixels)


def latencies(files: dict[str, Path]) -> list[tuple[str, float]]:
    """Return the median time of one image in LiteRT on one thread, in microseconds, the files taking turns."""
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
    """Return the tables of the page: one a model, then the versions of the operators."""
    versions = ", ".join(f"{package} {version}" for package, version in facts["versions"].items())
    made = [entry for entry in facts["measured"] if "bytes" in entry]
    same = sum(entry["same_bytes"] for entry in made)
    parts = [
        f"Made by `scripts/compare-quantizers` on {facts['machine']} with {versions}; {facts['test_images']:,} test "
        f"and {facts['calibration_images']} calibration images of MNIST. {same} of {len(made)} files had the same "
        "bytes when they were made again in another process.",
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
        return f"{start} {entry['bytes'] / 1000:.1f} | {entry['seconds']:.2f} | LiteRT refuses it | | | | | | |"
    raw = "yes" if entry["raw_pixels"] else f"no: {entry['input']}"
    elsewhere = [verdict(entry["interpreters"][name]) for name in list(INTERPRETERS)[1:]]
    passed = "" if entry["passed"] else " ✗"
    return (
        f"{start} {entry['bytes'] / 1000:.1f} | {entry['seconds']:.2f} | {entry['accuracy']:.2%} | "
        f"{entry['changed']} | {entry['drop_upper_95'] * 100:.2f}{passed} | {entry['time_to_float32']:.2f} | {raw} | "
        f"{' | '.join(elsewhere)} |"
    )


def called(recipe: str, note: str) -> str:
    """Return a recipe's name with its note."""
    return f"`{recipe}`, {note}" if note else f"`{recipe}`"


def verdict(found: dict[str, Any]) -> str:
    """Say in a word what an interpreter made of a file."""
    if found["state"] == "fails":
        return "dies" if "dies" in found["message"] else "refuses"
    share = found["different"] / found["images"]
    return "alike" if share <= 0.005 else f"**{share:.0%} other answers**"


if __name__ == "__main__":
    main(sys.argv[1:] or list(READY_MODELS))
