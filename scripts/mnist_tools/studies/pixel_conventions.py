"""Train networks on pixels scaled in every usual way, and check that exports find the scaling."""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mnist_exporters import ExportSession, ExportSpec, RefusedError, open_session
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT
from mnist_trainer import PIXEL_CONVENTIONS, Dataset, DigitModel, Splits, load_data

__all__ = ["main"]

Pixels = npt.NDArray[np.float32]

IMAGES, BATCH = 8000, 64
"""Training images and batch size. Small ones are enough, since only the scaling must be found."""

SMALL, LARGE = (0.002, 2), (0.0007, 6)
"""Learning rate and epochs for pixels up to 3, and for pixels up to 255, on which larger steps can end a training."""

DATA = f"{IMAGES:,} images of MNIST for {SMALL[1]} epochs ({LARGE[1]} on pixels up to 255)"

MEAN, STD = np.float32(0.1307), np.float32(0.3081)

SCALINGS: dict[str, Callable[[Pixels], Pixels]] = {
    "x / 255": lambda x: x / 255,
    "x": lambda x: x,
    "x / 127.5 - 1": lambda x: x / 127.5 - 1,
    "(x / 255 - 0.1307) / 0.3081": lambda x: (x / 255 - MEAN) / STD,
    "x / 255 - 0.5": lambda x: x / 255 - np.float32(0.5),
    "x - 33.3184": lambda x: x - np.float32(33.3184),
}
"""Formulas of tutorials. They share no code with `PixelScaling`."""

AFFINE = SCALINGS | {
    formula.replace("x", "(255 - x)"): (lambda x, scale=scale: scale(255 - x)) for formula, scale in SCALINGS.items()
}

ROWS, STANDARD = "each row of the image to length 1", "each pixel to mean 0, deviation 1"
OTHERS = (ROWS, STANDARD)


def _layers(network: str) -> list[keras.layers.Layer]:
    make = keras.layers
    match network:
        case "linear":
            return [make.Flatten()]
        case "mlp":
            return [make.Flatten(), make.Dense(96, "relu")]
        case "cnn":
            first, second = make.Conv2D(8, 3, activation="relu"), make.Conv2D(16, 3, activation="relu")
            return [first, make.MaxPooling2D(), second, make.MaxPooling2D(), make.Flatten()]
        case "cnn with BatchNormalization":
            blocks = ([make.Conv2D(n, 3), make.BatchNormalization(momentum=0.9), make.ReLU()] for n in (8, 16))
            return [layer for block in blocks for layer in (*block, make.MaxPooling2D())] + [make.Flatten()]
        case "lenet with tanh":
            first, second = make.Conv2D(6, 5, activation="tanh", padding="same"), make.Conv2D(16, 5, activation="tanh")
            pooled = [first, make.AveragePooling2D(2), second, make.AveragePooling2D(2), make.Flatten()]
            return [*pooled, make.Dense(84, "tanh")]
        case _:
            first, second = (make.Conv2D(n, 5, strides=2, activation="relu") for n in (12, 24))
            return [first, second, make.Flatten(), make.Dropout(0.2), make.Dense(32, "relu")]


NETWORKS = ("linear", "mlp", "cnn", "cnn with BatchNormalization", "lenet with tanh", "strided cnn with dropout")


def train(network: str, pixels: Pixels, labels: npt.NDArray[np.uint8]) -> keras.Model:
    """Train a network on scaled pixels (n, 28, 28, 1)."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((28, 28, 1)), *_layers(network), keras.layers.Dense(10, "softmax")])
    rate, epochs = LARGE if np.abs(pixels).max() > 100 else SMALL
    decay = keras.optimizers.schedules.CosineDecay(rate, epochs * len(labels) // BATCH)
    model.compile(keras.optimizers.Adam(decay), "sparse_categorical_crossentropy")
    model.fit(pixels, labels, batch_size=BATCH, epochs=epochs, verbose=0)
    return model


def scaling_of(name: str, training: Dataset) -> Callable[[npt.NDArray[np.uint8]], Pixels]:
    """Return the function from images (n, 28, 28) to the input (n, 28, 28, 1) of a network."""
    if name == ROWS:
        return lambda images: keras.utils.normalize(images.astype(np.float32), axis=2)[..., None]
    if name == STANDARD:
        mean, deviation = training.images.mean(axis=0), training.images.std(axis=0)
        return lambda images: ((images - mean) / np.where(deviation > 0, deviation, 1)).astype(np.float32)[..., None]
    return lambda images: np.asarray(AFFINE[name](images.astype(np.float32)), np.float32)[..., None]


def measure(network: str, scaling: str, data: Splits) -> dict[str, Any]:
    """Train a network, and return its own accuracy and that of the original that an export takes it for."""
    training = data.train.take(np.arange(IMAGES), "train")
    scaled = scaling_of(scaling, training)
    model = train(network, scaled(training.images), training.labels)
    answers = model.predict(scaled(data.test.images), batch_size=500, verbose=0).argmax(axis=1)
    own = float((answers == data.test.labels).mean())
    session = open_session(model, data)
    assert isinstance(session.original, DigitModel)
    probe = session.original.probe
    assert probe is not None
    chosen = next(trial for trial in probe.trials if trial.scaling == probe.chosen)
    return {
        "network": network,
        "trained_on": scaling,
        "accuracy": own,
        "found": str(probe.chosen),
        "ties": list(map(str, probe.ties)),
        "probe_images": chosen.images,
        "temperature": chosen.temperature,
        "original_accuracy": session.reference.accuracy,
        "refused_by_expect_accuracy": _is_refused(session, own),
        **_export(session),
    }


def _is_refused(session: ExportSession, own: float) -> bool:
    try:
        session.check_accuracy(own)
    except RefusedError:
        return True
    return False


def _export(session: ExportSession) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = session.export(ExportSpec("tflite", "int8"), folder)
        except RefusedError as error:
            return {"export_accuracy": None, "reason": str(error)}
    return {"export_accuracy": report.parity.accuracy_exported}


HEAD = """\
# Which pixel scaling a model expects

Written by `scripts/tool studies pixel-conventions` from [pixel-conventions.json](pixel-conventions.json).

Each network was trained on {data},
with pixels scaled by the formula of the row (`x` is the raw pixel, `255 - x` the inverted one).
*Own* is its accuracy on all 10,000 test images with pixels scaled by that formula.
Then it was exported in int8 without an option: *found* is the scaling that the export took, *original* the accuracy
that it measured, *int8* that of the proven file. `--expect-accuracy` with the own accuracy refuses the rows marked so.

{summary}
"""


def page(rows: list[dict[str, Any]]) -> str:
    """Return the page docs/experiments/pixel-conventions.md."""
    affine = [row for row in rows if row["trained_on"] in AFFINE]
    others = [row for row in rows if row["trained_on"] in OTHERS]
    gaps = {f"{row['network']}, `{row['trained_on']}`": row["original_accuracy"] - row["accuracy"] for row in affine}
    true = sum(abs(gap) < 0.00105 for gap in gaps.values())
    largest = max(gaps, key=lambda name: abs(gaps[name]), default="")
    wrong = [row["refused_by_expect_accuracy"] for row in others]
    temperatures = [row["temperature"] for row in affine]
    summary = (
        f"Own and measured accuracy are within 0.1 points in {true} of {len(affine)} rows with a formula of the raw\n"
        f"pixel; the largest gap is {gaps.get(largest, 0) * 100:+.2f} points ({largest}).\n"
        f"`--expect-accuracy` refuses {sum(wrong)} of the {len(wrong)} other rows, where no scale and offset can be "
        "right.\n"
        f"The temperatures fitted in the formulas' rows are {min(temperatures, default=0):.2f} to "
        f"{max(temperatures, default=0):.1f}."
    )
    lines = [HEAD.format(data=DATA, summary=summary)]
    for network in dict.fromkeys(row["network"] for row in rows):
        lines += [f"## {network}", "", "| trained on | own | found | original | int8 | |", "|---|--:|---|--:|--:|---|"]
        lines += [_line(row) for row in rows if row["network"] == network]
        lines.append("")
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    notes = [f"equally accurate: {', '.join(row['ties'])}"] if row["ties"] else []
    notes += ["refused by `--expect-accuracy`"] if row["refused_by_expect_accuracy"] else []
    exported = "refused" if row["export_accuracy"] is None else f"{row['export_accuracy']:.2%}"
    cells = (f"`{row['trained_on']}`" if row["trained_on"] in AFFINE else row["trained_on"], f"{row['accuracy']:.2%}")
    original = f"{row['original_accuracy']:.2%}"
    return f"| {' | '.join((*cells, row['found'], original, exported, '; '.join(notes)))} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the results lack, and write the page."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies pixel-conventions", description=__doc__)
    parser.add_argument("--again", action="store_true", help="measure everything again")
    parser.add_argument("--network", action="append", choices=NETWORKS, help="only these; may be repeated")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "experiments" / "pixel-conventions.json")
    options = parser.parse_args(argv)
    data = load_data("mnist")
    rows: list[dict[str, Any]] = []
    if options.results.exists() and not options.again:
        rows = json.loads(options.results.read_text("utf-8"))["rows"]
    done = {(row["network"], row["trained_on"]) for row in rows}
    for network in options.network or NETWORKS:
        for scaling in (*AFFINE, *OTHERS):
            if (network, scaling) in done:
                continue
            rows.append(measure(network, scaling, data))
            print(json.dumps(rows[-1]), flush=True)
            _write(options.results, rows)
    _write(options.results, rows)
    return 0


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    places = [(network, scaling) for network in NETWORKS for scaling in (*AFFINE, *OTHERS)]
    rows = sorted(rows, key=lambda row: places.index((row["network"], row["trained_on"])))
    facts = {
        "data": DATA,
        "conventions": [scaling.as_dict() for scaling in PIXEL_CONVENTIONS],
        "rows": rows,
    }
    for file, text in ((path, json.dumps(facts, indent=1) + "\n"), (path.with_suffix(".md"), page(rows))):
        with atomic_write(file) as staged:
            staged.write_text(text, encoding="utf-8")
