"""``mnist-train``: choose the architecture and the recipe, train, save.

TensorFlow is imported when the training starts.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mnist_runtime.artifact.task import DIGITS
from mnist_runtime.errors import printable
from mnist_runtime.system.atomic import check_output_path
from mnist_runtime.system.command import echo
from mnist_runtime.system.terminal import Progress
from mnist_trainer.architectures.presets import PRESETS
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.cli.chosen_recipe import chosen_recipe
from mnist_trainer.cli.data_options import data_options
from mnist_trainer.cli.options import Command, json_option, option, trust_option
from mnist_trainer.cli.parameter_types import COUNT, FRACTION, OUTPUT_PATH, POSITIVE, SEED, Choice, NameOrPath
from mnist_trainer.cli.pixel_options import pixel_options
from mnist_trainer.cli.sweep import sweep
from mnist_trainer.cli.training_plan import next_step, plan, summary, unseen_digits
from mnist_trainer.cli.tuning import base_model, check_new_model, check_tuning, own_images, planned_tuning
from mnist_trainer.data.load import load_data
from mnist_trainer.errors import UsageError, require_extras
from mnist_trainer.keras_support import import_tensorflow
from mnist_trainer.model_io.find import READY_MODELS
from mnist_trainer.recipes.augmentations import AUGMENTATIONS
from mnist_trainer.recipes.choices import OPTIMIZERS, PRECISIONS, STRATEGIES

if TYPE_CHECKING:
    from mnist_trainer.data.stated import StatedTask
    from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["train"]

READING, LOADING = 3.0, 6.0
"""Typical seconds to read the images, and to load TensorFlow, for the progress display."""

EXAMPLES = """
mnist-train
mnist-train --preset fast
mnist-train --architecture mlp --epochs 5 --output my-mlp.keras
mnist-train --architecture lenet --optimizer sgd --learning-rate 0.05
mnist-train --data my-digits.npz --seed 7 --json
mnist-train --data meter --image-size 32x20 --channels 3 --architecture cnn
mnist-train --from cnn --data my-digits/ --output trained/mine.keras
"""

WHAT, HOW, OUTPUT = "What to train", "How to train it (default: the recipe of the architecture or preset)", "Output"
BASE = "Pixels of the model of --from"


@click.command(
    "mnist-train",
    cls=Command,
    help="""Train a model of digits or other small images and save it with a record of the training.

    Ctrl-C saves the model trained so far. A checkpoint is written after every epoch. If the training is killed, the
    same command with --resume continues it and ends with the same weights as a training without a stop.""",
    examples=EXAMPLES,
    subcommands=[sweep],
)
@option(
    "--architecture",
    section=WHAT,
    type=Choice(tuple(ARCHITECTURES)),
    help=f"{', '.join(ARCHITECTURES)} (default: cnn).",
)
@option(
    "--preset",
    section=WHAT,
    type=Choice(tuple(PRESETS)),
    help=f"An architecture with a recipe for a purpose: {', '.join(PRESETS)}. Not with --architecture.",
)
@option(
    "--from",
    "base",
    section=WHAT,
    type=NameOrPath(READY_MODELS),
    metavar="NAME|PATH",
    help="Tune this trained model to the images of --data: a ready model or a file. Not with --architecture.",
)
@data_options(section=WHAT)
@trust_option(section=WHAT)
@pixel_options(BASE)
@option(
    "--seed", section=WHAT, type=SEED, default=0, metavar="N", help="Seed of all random numbers, from 0 (default: 0)."
)
@option("--epochs", section=HOW, type=COUNT, metavar="N", help="Number of passes over the training images.")
@option("--batch-size", section=HOW, type=COUNT, metavar="N", help="Number of images in a step.")
@option(
    "--optimizer",
    section=HOW,
    type=Choice(tuple(OPTIMIZERS)),
    help=f"{', '.join(OPTIMIZERS)}. Only adamw has weight decay.",
)
@option(
    "--learning-rate",
    "peak_learning_rate",
    section=HOW,
    type=POSITIVE,
    metavar="X",
    help="Highest learning rate of the schedule.",
)
@option(
    "--weight-decay",
    section=HOW,
    type=POSITIVE,
    metavar="X",
    help="In each step adamw subtracts X times the learning rate times the weight from each weight.",
)
@option(
    "--augmentation",
    section=HOW,
    type=Choice(tuple(AUGMENTATIONS)),
    help=f"Random changes of the training images: {', '.join(AUGMENTATIONS)}.",
)
@option(
    "--pen",
    section=HOW,
    type=FRACTION,
    metavar="FRACTION",
    help="Fraction of each batch that is replaced by digits of a simulated pen, in the handwritings of many countries; "
    "0.1 is usual.",
)
@option(
    "--precision",
    section=HOW,
    type=Choice(PRECISIONS),
    help=f"Arithmetic of the training: {', '.join(PRECISIONS)}. The model is float32.",
)
@option(
    "--validation-split",
    section=HOW,
    type=FRACTION,
    metavar="FRACTION",
    help="Fraction of the training images that is held out for validation.",
)
@option(
    "--patience",
    section=HOW,
    type=COUNT,
    metavar="N",
    help="Stop after N epochs without a smaller validation loss and keep the best weights.",
)
@option(
    "--strategy",
    section=HOW,
    type=Choice(tuple(STRATEGIES)),
    help="Split each batch over the GPUs of this machine (mirrored), or over the machines in TF_CONFIG (multi-worker): "
    "start the same command on each; the first one writes the model (default: one device).",
)
@option(
    "--output",
    section=OUTPUT,
    type=OUTPUT_PATH,
    metavar="PATH",
    help="The .keras file (default: trained/NAME.keras for the architecture or preset NAME).",
)
@option(
    "--resume",
    section=OUTPUT,
    is_flag=True,
    help="Continue from the checkpoint beside the output; without a checkpoint, train from the start.",
)
@option("--plot", section=OUTPUT, is_flag=True, help="Draw loss and error rate by epoch into a .png beside the output.")
@option(
    "--tensorboard",
    section=OUTPUT,
    type=OUTPUT_PATH,
    metavar="DIR",
    help="Write the curves for TensorBoard into this folder.",
)
@json_option(section=OUTPUT)
def train(
    *,
    architecture: str | None,
    preset: str | None,
    base: str | None,
    data: str,
    stated: StatedTask,
    pixel_range: PixelScaling | None,
    trust: bool,
    seed: int,
    augmentation: str | None,
    pen: float | None,
    strategy: str | None,
    output: Path | None,
    resume: bool,
    plot: bool,
    tensorboard: Path | None,
    as_json: bool,
    **recipe_options: Any,
) -> int:
    """Train a model, save it and print its path."""
    base_file = base_model(base, architecture or preset, data, strategy) if base is not None else None
    name = f"{base_file.name}-tuned" if base_file else preset or architecture or "cnn"
    path = output or Path("trained") / f"{name}.keras"
    options = recipe_options | {"augmentation": augmentation, "pen": pen}
    if base_file:  # wrong options are reported before the data is loaded
        check_tuning(path, base_file, options)
    else:
        check_new_model(pixel_range, trust=trust)
        chosen_recipe(architecture, preset, options, DIGITS)
    checkpoint = path.with_suffix(".checkpoint")
    _check_outputs(path, checkpoint, tensorboard, plot=plot)
    shown = printable(str(path))
    with Progress(READING + LOADING) as progress:
        with progress.step(f"reading {printable(data)}", READING):
            splits = own_images(base_file, data, stated) if base_file else load_data(data, stated=stated)
            if base_file:
                recipe, rehearsal = planned_tuning(base_file, splits, options, path)
            else:
                chosen, recipe = chosen_recipe(architecture, preset, options, splits.train.task)
                echo(plan(chosen, recipe, splits, path, PRESETS.get(preset or "")))
        with progress.step("loading TensorFlow", LOADING):
            import_tensorflow()
            from mnist_trainer.training.fine_tune import fine_tune
            from mnist_trainer.training.techniques.distribution import is_chief, open_strategy
            from mnist_trainer.training.train import InterruptedTraining, Training
            from mnist_trainer.training.train import train as train_model

    distribution = open_strategy(strategy) if strategy else None
    _note_checkpoint(checkpoint, resume=resume)
    settings: dict[str, Any] = {
        "recipe": recipe,
        "seed": seed,
        "checkpoint": checkpoint,
        "resume": resume,
        "tensorboard": tensorboard,
        "show": True,
    }
    base_settings: dict[str, Any] = {"trust": trust, "pixel_range": pixel_range, "report": echo}
    try:
        if base_file:
            training = fine_tune(base_file, splits, rehearsal=rehearsal, **base_settings, **settings)
        else:
            training = train_model(chosen, splits, strategy=distribution, **settings)
    except InterruptedTraining as stopped:
        training = stopped.training
        if path.exists() and training.record["epochs_done"] == 0:
            echo(f"stopped before the first epoch was done; {shown} is unchanged")
            return 130
    if not is_chief(distribution):
        echo("trained; the first machine writes the model")
        return 0
    record = training.record | {"command": shlex.join(["mnist-train", *sys.argv[1:]]), "preset": preset}
    record = Training(training.model, record).save(path, curves=plot)
    print(json.dumps(record | {"path": str(path)}, indent=2) if as_json else shown)
    echo(summary(record))
    if record["interrupted"]:
        echo(f"stopped after {record['epochs_done']} of {recipe.epochs} epochs; {shown} holds the model so far")
        return 130
    checkpoint.unlink(missing_ok=True)
    echo((not base_file and unseen_digits(splits)) or next_step(path, data, splits, trust=trust))
    return 0


def _check_outputs(path: Path, checkpoint: Path, tensorboard: Path | None, *, plot: bool) -> None:
    """Report problems with names, folders or packages now, not after the training."""
    if path.suffix != ".keras":
        raise UsageError(f"The output {path} does not end in .keras. Choose a name that does.")
    for file in (path, checkpoint, path.with_suffix(".json"), path.with_suffix(".png")):
        check_output_path(file)
    if tensorboard:
        check_output_path(tensorboard / "train" / "events")
    if plot:
        require_extras(plots="--plot")


def _note_checkpoint(checkpoint: Path, *, resume: bool) -> None:
    """Print a note if an existing checkpoint is not used, or if there is none to continue."""
    shown = printable(str(checkpoint))
    if resume and not checkpoint.exists():
        echo(f"note: there is no checkpoint {shown}; training from the start")
    if not resume and checkpoint.exists():
        echo(f"note: {shown} is from an unfinished run; training from the start (--resume would continue it)")
