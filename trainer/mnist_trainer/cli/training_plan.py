"""What ``mnist-train`` prints before and after a training."""

from __future__ import annotations

import dataclasses
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.errors import counted, listed, printable
from mnist_trainer.data.load import DATASETS
from mnist_trainer.model_io.find import READY_MODELS, find_model

if TYPE_CHECKING:
    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.architectures.presets import Preset
    from mnist_trainer.data.dataset import Dataset, Splits
    from mnist_trainer.model_io.find import ModelFile
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["next_step", "plan", "summary", "tuning_plan", "unseen_digits"]

MNIST_IMAGES = 60_000
FEWEST_WITHOUT_LOSS, FEWEST_THAT_PROVE = 553, 600
"""Smallest number of test images for which an export can pass the accuracy check at the default tolerance.

The first number is for no lost answer; the second one is the first rounded up.
"""
FEWEST_AT_ALL, LARGEST_DROP = 26, 0.1
"""The same number for the largest tolerance that ``mnist-export`` accepts, and that tolerance."""
FAR_WORSE = 0.05
"""Loss of accuracy, as a fraction, from which a tuning prints a warning."""
LEAST_SHOWN = 0.001
"""Difference of the last shown and the final validation accuracy from which a note explains it."""


def plan(architecture: Architecture, recipe: Recipe, data: Splits, path: Path, preset: Preset | None) -> str:
    """Return lines with the model, the data, the recipe, the output and the expected time."""
    rows = {
        "model": f"{architecture.name}: {architecture.summary}",
        "data": f"{data.train.name}: {len(data.train):,} images for training, {len(data.test):,} for the test",
        "recipe": _steps(recipe),
        "output": printable(f"{path} and {path.stem}.json"),
        "time": _expected_time(architecture, recipe, data.train, preset),
    }
    return _lines("training", rows)


def tuning_plan(base: ModelFile, recipe: Recipe, data: Splits, rehearsal: Splits | None, path: Path) -> str:
    """Return lines with the model to tune, the new images, the rehearsed images, and the output."""
    own = data.train
    rehearsed = [f"images of {rehearsal.train.name}"] if rehearsal else []
    rehearsed += ["pen digits"] if recipe.pen else []
    rows = {
        "model": f"{base.name}, tuned to {own.name}",
        "data": f"{own.name}: {len(own):,} images for training, {len(data.test):,} for the test",
        "mixed": f"with {' and '.join(rehearsed)}"
        if rehearsed
        else "with no other images: the model may get worse on those of its first training",
        "recipe": _steps(recipe),
        "output": printable(f"{path} and {path.stem}.json"),
    }
    return _lines("tuning", rows)


def _steps(recipe: Recipe) -> str:
    """Return epochs, batch size and optimizer of a recipe."""
    return (
        f"{counted(recipe.epochs, 'epoch')}, {counted(recipe.batch_size, 'image')} a step, optimizer {recipe.optimizer}"
    )


def _lines(title: str, rows: dict[str, str]) -> str:
    """Return the rows below each other, wrapped for a terminal."""
    wrapper = textwrap.TextWrapper(79, subsequent_indent=" " * 10, break_long_words=False, break_on_hyphens=False)
    return "\n".join([title, *(wrapper.fill(f"  {name:8}{text}") for name, text in rows.items())])


def _expected_time(architecture: Architecture, recipe: Recipe, data: Dataset, preset: Preset | None) -> str:
    """Return an estimate from the time that the preset or the ready model took on MNIST."""
    if data.task.tensor_shape != DIGITS.tensor_shape:
        return "unknown; each epoch is reported"
    if preset:
        known, seconds = preset.recipe, preset.seconds
    elif architecture.name in READY_MODELS:
        known, seconds = architecture.recipe, find_model(architecture.name).record["seconds"]
    else:
        return "unknown; each epoch is reported"
    if recipe != dataclasses.replace(known, epochs=recipe.epochs):
        return "unknown with a changed recipe; each epoch is reported"
    minutes = seconds / 60 * recipe.epochs / known.epochs * len(data) / MNIST_IMAGES
    length = f"{minutes:.0f} minutes" if minutes >= 1.5 else "a minute" if minutes > 0.5 else "half a minute or less"
    return f"about {length} with two processor cores (an estimate)"


def summary(record: dict[str, Any]) -> str:
    """Return one line about the trained model; of a tuned one, a line for each set of images, before and after."""
    if tuning := record.get("tuning"):
        lines = [
            f"right answers on {row['images']:,} test images of {row['name']}: {row['before']:.2%} before, "
            f"{row['after']:.2%} after"
            for row in tuning.values()
        ]
        if any(row["after"] < row["before"] - FAR_WORSE for row in tuning.values()):
            lines.append(
                "warning: The tuned model is far worse than the model it began with, which is unchanged. Check how the "
                "pixels of that model were scaled (--pixel-range), and the labels of the pictures."
            )
        return "\n".join(lines)
    line = (
        f"{record['parameters']:,} parameters; right answers: {record['validation_accuracy']:.2%} of "
        f"{record['validation_images']:,} validation images, {record['test_accuracy']:.2%} of "
        f"{record['test_images']:,} test images"
    )
    shown = record["history"]["val_accuracy"][(record["best_epoch"] or 0) - 1 :][:1]
    if not shown or abs(shown[0] - record["validation_accuracy"]) < LEAST_SHOWN:
        return line
    done = ["the statistics of batch normalization were computed again on images without augmentation"]
    if record["recipe"]["ema_steps"]:
        done.insert(0, "the weights were averaged over the last steps")
    return (
        f"{line}\nnote: epoch {record['best_epoch'] or record['epochs_done']} showed {shown[0]:.2%} of these "
        f"validation images. That was the model during training; after that, {' and '.join(done)}. The saved model has "
        f"{record['validation_accuracy']:.2%}."
    )


def unseen_digits(splits: Splits) -> str:
    """Return a text if some digits have no training image, so that the model cannot be exported; else ``""``."""
    labels = splits.train.task.labels
    seen = [labels[number] for number in sorted(set(splits.train.labels.tolist()))]
    if not splits.train.task.is_mnist or len(seen) == len(labels):
        return ""
    known = listed(seen, len(seen))
    own = f", or add --labels {','.join(seen)} for a model of these classes alone" if len(seen) > 1 else ""
    return (
        f"note: no export of this model can be proven, since it has learned only {known} of {len(labels)} digits. "
        f"Train it on images of all digits{own}."
    )


def next_step(path: Path, data: str, splits: Splits, *, trust: bool) -> str:
    """Return the command for the export, and a note if there are too few test images for its accuracy check.

    If there are too few of the user's digits, the command checks the export on a known data set.
    """
    task, count = splits.test.task, len(splits.test)
    few = task == DIGITS and count < FEWEST_THAT_PROVE
    words = ["mnist-export", printable(str(path)), "--format", "tflite", "--quantize"]
    words += [] if few or data in ("auto", *DATASETS) else ["--data", printable(data)]
    command = shlex.join([*words, "--trust"] if trust else words)
    if task == DIGITS or count >= FEWEST_WITHOUT_LOSS:
        return f"export it with: {command}"
    return (
        f"note: {counted(count, 'test image')} cannot prove an export, even if it loses no answer. About "
        f"{FEWEST_THAT_PROVE} are needed, which is a fifth of {5 * FEWEST_THAT_PROVE:,} pictures. Train again with "
        f"that many, or accept a larger loss: {FEWEST_AT_ALL} can prove --max-accuracy-drop {LARGEST_DROP:g}. Then "
        f"export it with: {command}"
    )
