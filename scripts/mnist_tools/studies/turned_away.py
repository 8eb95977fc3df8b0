"""Count the unseen digits to which exported files give no answer, because the confidence is below their threshold."""

from __future__ import annotations

import argparse
import dataclasses
import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_exporters import FORMATS, ExportSession, ExportSpec, Reference, RefusedError, open_session
from mnist_exporters.formats.plugin import load_plugin
from mnist_exporters.proof.threshold import REJECTED, choose_threshold
from mnist_runtime import ToolkitError
from mnist_runtime.system.atomic import atomic_write
from mnist_tools.checkout import ROOT
from mnist_trainer import READY_MODELS, Splits, load_data
from mnist_trainer.evaluation.out_of_distribution import NON_DIGITS

if TYPE_CHECKING:
    import keras

__all__ = ["main", "measure", "train_sure", "unseen"]

FORMER_IMAGES, LETTERS = 2000, 500
BATCH, LOSS = 128, "sparse_categorical_crossentropy"

HEAD = """\
# Digits without an answer

Written by `scripts/tool studies turned-away` from [turned-away.json](turned-away.json).

`classify` gives no digit if the confidence is below the threshold of the file. *Threshold* is that of the file, which
comes from the scores that the file gives to the 10,000 test images of MNIST and to digits of other domains. To count
digits that took no part in it, these images are divided: the threshold of one half is applied to the other half, and
the reverse. *Unseen* is the number of the 10,000 images without an answer, *right* how many of them would have been
right. *Others* are unseen digits of other domains without an answer, in per cent: scikit-learn's, those of a pen in
shapes that no training uses, and corrupted test images. With the test images their mean is at most 0.5 %. *Letters* is
the fraction of 500 printed letters without an answer. The last two columns have the former rule, which left 0.5 % of
2,000 training images without an answer in the original: the threshold, and the test images below it in the file.

`sure` has two hidden layers of 512 and is trained for 40 epochs with cosine decay, without augmentation. It is so sure
of its training images that the former threshold is above the highest score of an int8 file, 255/256 = 0.9961.

Largest fraction of unseen digits without an answer: **{largest:.2%}**, of at most {allowed:.1%}.

| model | export | threshold | unseen | right | others | letters | former threshold | former: no answer |
|---|---|--:|--:|--:|--:|--:|--:|--:|
"""

Row = dict[str, Any]


def train_sure(data: Splits, epochs: int = 40, units: int = 512) -> keras.Model:
    """Train a network that becomes very sure of its training images."""
    import keras

    keras.utils.set_random_seed(0)
    hidden = [keras.layers.Dense(units, "relu") for _ in range(2)]
    layers = [keras.layers.Flatten(), *hidden, keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((28, 28)), *layers], name="sure")
    steps = epochs * -(-len(data.train.images) // BATCH)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, steps)), LOSS)
    model.fit(data.train.images / np.float32(255), data.train.labels, BATCH, epochs, verbose=0)
    return model


MADE: dict[str, Callable[[Splits], keras.Model]] = {"sure": train_sure}
"""Models that are trained here: name -> function."""
KINDS = [(format, precision) for format, row in FORMATS.items() for precision in row.io_types]
MODELS = (*READY_MODELS, *MADE)


def unseen(
    reference: Reference,
    scores: npt.NDArray[np.float32],
    tolerance: float,
    others: Sequence[npt.NDArray[np.float32]] = (),
) -> tuple[npt.NDArray[np.bool_], list[float]]:
    """Find the images whose confidence is below the threshold, by cross-validation with two halves.

    For each half of the images, the threshold is chosen on the other half.

    Returns
    -------
    tuple
        Mask of the test images below the threshold, shape (n,), and the fraction below it in each of the `others`.
    """
    is_away, fractions = np.zeros(len(scores), np.bool_), np.zeros(len(others))
    order = np.random.default_rng(0).permutation(len(scores))
    for side, (choosing, counted) in enumerate((np.array_split(order, 2), np.array_split(order, 2)[::-1])):
        part = dataclasses.replace(
            reference,
            images=reference.images[choosing],
            labels=reference.labels[choosing],
            scores=reference.scores[choosing],
        )
        found = choose_threshold(part, scores[choosing], tolerance, [each[side::2] for each in others])
        is_away[counted] = scores[counted].max(axis=1).astype(np.float64) < found.value
        fractions += [(each[1 - side :: 2].max(axis=1) < found.value).mean() / 2 for each in others]
    return is_away, fractions.tolist()


def measure(session: ExportSession, spec: ExportSpec, letters: npt.NDArray[np.uint8]) -> Row:
    """Export a model, and count the test images and the letters without an answer."""
    reference = session.reference
    row: Row = {"model": session.original.name, "format": spec.format, "precision": spec.precision.value}
    with tempfile.TemporaryDirectory() as folder:
        try:
            report = session.export(spec, folder)
        except RefusedError as error:
            return {**row, "refused": str(error)}
        assert report.path is not None
        device = load_plugin(spec.format).load(report.path)
        others = [device.predict_proba(images) for images in reference.other_digits]
        is_away, of_others = unseen(reference, report.scores, spec.tolerance, others)
        is_right = report.scores.argmax(axis=1) == reference.labels
        threshold = report.parity.threshold
        confidence = device.predict_proba(letters).max(axis=1)
    drawn = np.random.default_rng(session.seed).permutation(len(session.train.images))[:FORMER_IMAGES]
    former = round(float(np.quantile(session.original.scores(session.train.images[drawn]).max(axis=1), 0.005)), 4)
    return {
        **row,
        "threshold": threshold,
        "images": len(is_away),
        "unseen_without_answer": int(is_away.sum()),
        "unseen_right": int((is_away & is_right).sum()),
        "others_without_answer": of_others,
        "letters_without_answer": float((confidence < threshold).mean()),
        "former_threshold": former,
        "former_without_answer": int((report.scores.max(axis=1) < former).sum()),
    }


def page(rows: list[Row]) -> str:
    """Return the page of the documentation."""
    measured = [row for row in rows if "refused" not in row]
    largest = max((row["unseen_without_answer"] / row["images"] for row in measured), default=0.0)
    return HEAD.format(largest=largest, allowed=REJECTED) + "".join(map(_line, rows))


def _line(row: Row) -> str:
    name = f"`{row['model']}` | {row['format']} {row['precision']}"
    if "refused" in row:
        return f"| {name} | refused | | | | | | |\n"
    cells = (
        f"{row['threshold']:.4f}",
        f"{row['unseen_without_answer']} ({row['unseen_without_answer'] / row['images']:.2%})",
        f"{row['unseen_right']}",
        ", ".join(f"{100 * fraction:.2f}" for fraction in row["others_without_answer"]),
        f"{row['letters_without_answer']:.0%}",
        f"{row['former_threshold']:.4f}",
        f"{row['former_without_answer']} ({row['former_without_answer'] / row['images']:.2%})",
    )
    return f"| {name} | {' | '.join(cells)} |\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what the results lack, and write the page."""
    parser = argparse.ArgumentParser(prog="scripts/tool studies turned-away", description=__doc__)
    parser.add_argument("--again", action="store_true", help="measure again what is measured already")
    parser.add_argument("--model", action="append", choices=MODELS, help="only these; may be repeated")
    parser.add_argument("--results", type=Path, default=ROOT / "docs" / "experiments" / "turned-away.json")
    options = parser.parse_args(argv)
    again = options.model or MODELS if options.again else ()
    rows: list[Row] = []
    if options.results.exists():
        found = [row for row in json.loads(options.results.read_text("utf-8"))["rows"] if row["model"] not in again]
        rows = [row for row in found if "refused" in row or "others_without_answer" in row]  # of the present rule
    done = {(row["model"], row["format"], row["precision"]) for row in rows}
    data, letters = load_data("mnist"), NON_DIGITS["letters"](LETTERS, 0)
    for model in options.model or MODELS:
        if {(model, *kind) for kind in KINDS} <= done:
            continue
        session = open_session(MADE[model](data) if model in MADE else model, data)
        for spec in (ExportSpec(*kind) for kind in KINDS):
            if (model, spec.format, spec.precision.value) in done:
                continue
            try:
                rows.append(measure(session, spec, letters))
            except ToolkitError as error:  # a package is missing, or the precision suits few weights
                print(error, flush=True)
                continue
            print(json.dumps(rows[-1]), flush=True)
            _write(options.results, rows)
    _write(options.results, rows)
    return 0


def _write(path: Path, rows: list[Row]) -> None:
    places = [(model, format) for model in MODELS for format in FORMATS]
    rows = sorted(rows, key=lambda row: places.index((row["model"], row["format"])))
    for file, text in ((path, json.dumps({"rows": rows}, indent=1) + "\n"), (path.with_suffix(".md"), page(rows))):
        with atomic_write(file) as staged:
            staged.write_text(text, encoding="utf-8")
