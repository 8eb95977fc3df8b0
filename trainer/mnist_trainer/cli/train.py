"""``mnist-train``: parse, choose the recipe, train, save.

Nothing but the standard library and the tables is imported until the command runs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.system.command import echo, run_command
from mnist_trainer.architectures.registry import ARCHITECTURES
from mnist_trainer.augmentation.affine import AUGMENTATIONS
from mnist_trainer.cli.main import command_parser, natural, positive
from mnist_trainer.cli.options import DATA_HELP, EXIT_CODES
from mnist_trainer.errors import UsageError
from mnist_trainer.recipes.choices import OPTIMIZERS, PRECISIONS
from mnist_trainer.recipes.presets import PRESETS
from mnist_trainer.training.techniques.distribution import STRATEGIES, is_chief, open_strategy

if TYPE_CHECKING:
    import keras

    from mnist_trainer.architectures.base import Architecture
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["train_main"]

EXAMPLES = f"""\
examples:
  mnist-train
  mnist-train --preset fast
  mnist-train --architecture mlp --epochs 5 --output my-mlp.keras
  mnist-train --architecture lenet --optimizer sgd --learning-rate 0.05 --augmentation light --patience 2
  mnist-train --data my-digits.npz --seed 7 --json

Ctrl-C keeps what has been learnt so far. A checkpoint is written after every epoch: after a kill, the same
command with --resume goes on and ends with the very weights of a run that was never stopped.

{EXIT_CODES}
"""

RECIPE_FIELDS = (
    "epochs",
    "batch_size",
    "optimizer",
    "peak_learning_rate",
    "weight_decay",
    "precision",
    "validation_split",
    "patience",
)
"""What of a recipe is an option of the command line, with the same meaning."""


def train_main(words: Sequence[str]) -> None:
    """Run ``mnist-train`` with `words` and leave the process."""
    arguments = _parser().parse_args(words)
    command = shlex.join(["mnist-train", *words])
    run_command(lambda: _run(arguments, command))


def _parser() -> argparse.ArgumentParser:
    parser = command_parser("mnist-train", "Train a digit model; save it and what was measured.", EXAMPLES)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--architecture", choices=tuple(ARCHITECTURES), help="default: cnn")
    what.add_argument("--preset", choices=tuple(PRESETS), help="an architecture with a recipe for a purpose")
    parser.add_argument("--data", default="auto", metavar="NAME|PATH", help=DATA_HELP)
    parser.add_argument("--seed", type=natural, default=0, metavar="N", help="default: 0")
    recipe = parser.add_argument_group("how to train it (default: as the architecture's or preset's own recipe says)")
    recipe.add_argument("--epochs", type=positive, metavar="N")
    recipe.add_argument("--batch-size", type=positive, metavar="N")
    recipe.add_argument("--optimizer", choices=tuple(OPTIMIZERS), help="only adamw has weight decay")
    recipe.add_argument(
        "--learning-rate", type=rate, dest="peak_learning_rate", metavar="X", help="the highest of the schedule"
    )
    recipe.add_argument(
        "--weight-decay", type=rate, metavar="X", help="adamw takes X times the learning rate off each weight a step"
    )
    recipe.add_argument("--augmentation", choices=tuple(AUGMENTATIONS), help="random changes of the training images")
    recipe.add_argument("--precision", choices=PRECISIONS, help="of the arithmetic in training; the model is float32")
    recipe.add_argument(
        "--validation-split", type=part, metavar="SHARE", help="of the training images, held out to validate with"
    )
    recipe.add_argument(
        "--patience",
        type=positive,
        metavar="N",
        help="end after N epochs without a smaller validation loss; keep the best",
    )
    recipe.add_argument(
        "--strategy",
        choices=tuple(STRATEGIES),
        help="share each batch among this machine's GPUs, or among the machines that TF_CONFIG names; the same command "
        "is started on each, the first writes the model (default: one device)",
    )
    output = parser.add_argument_group("what comes out")
    output.add_argument(
        "--output", type=Path, metavar="PATH", help="the .keras file (default: trained/ARCHITECTURE|PRESET.keras)"
    )
    output.add_argument("--resume", action="store_true", help="go on from the checkpoint beside the output, if any")
    output.add_argument("--plot", action="store_true", help="draw loss and wrong answers by epoch, .png beside it")
    output.add_argument("--tensorboard", type=Path, metavar="DIR", help="write the curves for TensorBoard too")
    output.add_argument("--json", action="store_true", help="print the record as one JSON object")
    return parser


def rate(text: str) -> float:
    """Parse a finite number above 0 of a command line."""
    return _between_0_and(math.inf, "a number above 0", text)


def part(text: str) -> float:
    """Parse a share between 0 and 1, both excluded, of a command line."""
    return _between_0_and(1, "a share between 0 and 1", text)


def _between_0_and(end: float, expected: str, text: str) -> float:
    try:
        if 0 < float(text) < end:
            return float(text)
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"expected {expected}, received {text!r}")


def _chosen(arguments: argparse.Namespace) -> tuple[Architecture, Recipe]:
    """Return what is to be trained, and how."""
    from mnist_trainer.architectures.registry import architecture

    preset = PRESETS.get(arguments.preset)
    chosen = architecture(preset.architecture if preset else arguments.architecture or "cnn")
    own = preset.recipe if preset else chosen.recipe
    changes: dict[str, Any] = {name: value for name in RECIPE_FIELDS if (value := getattr(arguments, name)) is not None}
    if arguments.augmentation:
        changes["augmentation"] = AUGMENTATIONS[arguments.augmentation]
    optimizer = changes.get("optimizer", own.optimizer)
    if optimizer != "adamw":
        if "weight_decay" in changes:
            raise UsageError(
                f"Expected --weight-decay with the optimizer adamw, received it with {optimizer}; leave it out, or add "
                "--optimizer adamw."
            )
        changes["weight_decay"] = 0.0
    return chosen, dataclasses.replace(own, **changes)


def _run(arguments: argparse.Namespace, command: str) -> int:
    path = arguments.output or Path("trained") / f"{arguments.preset or arguments.architecture or 'cnn'}.keras"
    if path.suffix != ".keras":
        raise UsageError(f"Expected an output that ends in .keras, received {path}.")
    checkpoint = path.with_suffix(".checkpoint")
    from mnist_runtime.system.atomic import check_output_path
    from mnist_trainer.data.load import load_data
    from mnist_trainer.keras_support import import_tensorflow
    from mnist_trainer.training.monitoring.curves import need_matplotlib
    from mnist_trainer.training.train import InterruptedTraining, train

    # What is wrong with a folder, a package or the data is told at once, not after the training.
    for file in (path, checkpoint, path.with_suffix(".json"), path.with_suffix(".png")):
        check_output_path(file)
    if arguments.tensorboard:
        check_output_path(arguments.tensorboard / "train" / "events")
    if arguments.plot:
        need_matplotlib()
    chosen, recipe = _chosen(arguments)
    data = load_data(arguments.data)
    import_tensorflow()
    strategy = open_strategy(arguments.strategy) if arguments.strategy else None
    _tell_of(checkpoint, resume=arguments.resume)
    echo(f"training {chosen.name} ({chosen.summary}) on {len(data.train):,} images of {data.train.name}")
    try:
        training = train(
            chosen,
            data,
            recipe=recipe,
            seed=arguments.seed,
            checkpoint=checkpoint,
            resume=arguments.resume,
            tensorboard=arguments.tensorboard,
            strategy=strategy,
            show=True,
        )
    except InterruptedTraining as stopped:
        training = stopped.training
        if path.exists() and training.record["epochs_done"] == 0:
            echo(f"stopped before an epoch was done; {path} is left as it was")
            return 130
    if not is_chief(strategy):
        echo("trained; the first worker writes the model")
        return 0
    record = training.record | {"command": command, "preset": arguments.preset}
    _save(training.model, record, path, plot=arguments.plot)
    print(json.dumps(record | {"path": str(path)}, indent=2) if arguments.json else path)
    if record["interrupted"]:
        echo(
            f"stopped after {record['epochs_done']} of {recipe.epochs} epochs; {path} holds what was learnt so far: "
            f"{_figures(record)}"
        )
        return 130
    checkpoint.unlink(missing_ok=True)
    echo(f"{_figures(record)}\nexport it with: mnist-export --model {path} --format tflite --quantize")
    return 0


def _tell_of(checkpoint: Path, *, resume: bool) -> None:
    """Say what becomes of the checkpoint of an earlier run, or that there is none."""
    if resume and not checkpoint.exists():
        echo(f"note: there is no {checkpoint} to resume from; training from the start")
    if not resume and checkpoint.exists():
        echo(f"note: {checkpoint} is of a run that did not end; this one begins anew, --resume would go on with that")


def _figures(record: dict[str, Any]) -> str:
    return (
        f"{record['parameters']:,} parameters, {record['validation_accuracy']:.2%} of "
        f"{record['validation_images']:,} validation images and {record['test_accuracy']:.2%} of "
        f"{record['test_images']:,} test images right"
    )


def _save(model: keras.Model, record: dict[str, Any], path: Path, *, plot: bool) -> None:
    """Write the model to `path`, its record beside it, as ``.json``, and its curves, as ``.png``."""
    from mnist_runtime.system.atomic import atomic_files
    from mnist_trainer.training.monitoring.curves import draw_curves

    with atomic_files(path.parent) as folder:
        model.save(folder / path.name)
        (folder / f"{path.stem}.json").write_text(json.dumps(record, indent=2) + "\n")
        if plot and record["epochs_done"]:
            draw_curves(record, folder / f"{path.stem}.png")
