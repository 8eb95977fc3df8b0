"""Preparation of ``mnist-train --from``: load the model, the user's images, and the images to rehearse."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS
from mnist_runtime.system.command import echo
from mnist_trainer.cli.chosen_recipe import changed_recipe
from mnist_trainer.cli.training_plan import tuning_plan
from mnist_trainer.data.load import DATASETS, load_data
from mnist_trainer.data.records import read_record, recorded_task, sets_seen_by
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import DataError, UsageError, nearest_name, nearest_path
from mnist_trainer.foreign.declared import declared_shapes
from mnist_trainer.foreign.stated import stated_form
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.recipes.fine_tuning import fine_tuning_recipe

if TYPE_CHECKING:
    from mnist_trainer.data.dataset import Splits
    from mnist_trainer.recipes.pixel_scaling import PixelScaling
    from mnist_trainer.recipes.recipe import Recipe

__all__ = ["base_model", "check_new_model", "check_tuning", "own_images", "planned_tuning"]


def base_model(name: str, other: str | None, data: str, strategy: str | None) -> ModelFile:
    """Return the model to tune.

    Raises
    ------
    UsageError
        If other options have no meaning with it.
    ModelError
        If it is missing, or a SavedModel.
    """
    if other:
        raise UsageError("--from keeps the architecture of its model. Leave --architecture and --preset out.")
    if strategy:
        raise UsageError("--from works on one device only. Leave --strategy out.")
    if data == "auto":
        raise UsageError("--from tunes a model to your images. Add --data PATH, such as a folder of pictures.")
    found = find_model(name)
    found.check_layers()
    return found


def check_tuning(path: Path, base: ModelFile, options: Mapping[str, Any]) -> None:
    """Check the output and the options of the recipe before the images are loaded.

    Raises
    ------
    UsageError
        If `path` is the file of `base`, even through another path or link, or an option is not possible for a tuning.
    """
    if path.exists() and path.samefile(base.path):
        raise UsageError(
            f"--output {path} is the model to tune, which --resume needs unchanged. Choose another name, such as "
            f"--output {path.with_stem(f'{path.stem}-tuned')}."
        )
    own = fine_tuning_recipe({}, DIGITS)
    if own.ema_steps and options.get("patience"):
        raise UsageError(
            "--patience keeps the weights of one epoch, but --from averages those of its last steps. Leave --patience "
            "out; --epochs N shortens the training."
        )
    changed_recipe(own, options)


def check_new_model(pixel_range: PixelScaling | None, *, trust: bool) -> None:
    """Check that no option describes the model of ``--from``, for a training without it.

    Raises
    ------
    UsageError
        If one does.
    """
    if trust:
        raise UsageError("--trust runs code in the model of --from; a new model has none. Leave it out.")
    if pixel_range is not None:
        raise UsageError(
            "--pixel-range, --pixel-mean, --pixel-std and --invert describe the model of --from; a new model is "
            "trained on pixels 0..1. Leave them out."
        )


def own_images(base: ModelFile, data: str, stated: StatedTask) -> Splits:
    """Load the user's images in the form that the model takes.

    If the model knows all labels of the images, they get the model's class numbers, so that it keeps its other labels
    too. A model without a training record counts as one with the labels 0, 1, 2, …, as many as it has scores.
    """
    _check_folder(data)
    known = recorded_task(base.path)
    stated = stated_form(base.path, data, stated)
    if known is None and stated.labels is None and data not in DATASETS:
        stated = replace(stated, classes=_number_of_scores(base))
    before = sets_seen_by([base.path])
    splits = load_data(data, stated=stated, base=before)
    labels = set(splits.train.task.labels)
    if known and stated.labels is None and labels < set(known.labels):
        return load_data(data, stated=replace(stated, labels=known.labels), base=before)
    return splits


def _check_folder(data: str) -> None:
    """Check that the folder `data` exists; otherwise raise an error that names the commands that collect pictures."""
    if data in DATASETS or Path(data).suffix or os.path.exists(data):  # noqa: PTH110 - Path raises for long names
        return
    folder = shlex.quote(data)
    making = (
        " To collect pictures with a doubtful answer: mnist-runtime classify PICTURES --keep-doubtful "
        f"{folder}. To sort them by label: mnist-runtime label {folder}"
    )
    kind = DataError if len(Path(data).parts) > 1 else UsageError
    raise kind(f"There is no folder {data}.{nearest_name(data, DATASETS) or nearest_path(data) or making}")


def _number_of_scores(base: ModelFile) -> int | None:
    """Return the number of scores that a model's file declares, if it is a possible number of classes."""
    scores = declared_shapes(base.path)[1]
    return scores if scores and 1 < scores <= MOST_LABELS else None


def planned_tuning(
    base: ModelFile, data: Splits, options: Mapping[str, Any], path: Path
) -> tuple[Recipe, Splits | None]:
    """Print the plan of a tuning; return its recipe and the images that it rehearses."""
    rehearsal = _rehearsed(data)
    own = fine_tuning_recipe(read_record(base.path), data.train.task, rehearses=rehearsal is not None)
    recipe = changed_recipe(own, options)
    echo(tuning_plan(base, recipe, data, rehearsal, path))
    return recipe, rehearsal


def _rehearsed(data: Splits) -> Splits | None:
    """Return MNIST if the images are digits and it is available, else None with a note."""
    if data.train.task != DIGITS or data.train.name == "mnist":
        return None
    try:
        return load_data("mnist")
    except DataError as error:
        echo(f"note: MNIST is not available, so only pen digits are rehearsed. {error}")
        return None
