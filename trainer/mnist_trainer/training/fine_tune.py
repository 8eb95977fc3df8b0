"""`fine_tune`: tune a trained model to further images, and measure what it gained and what it forgot."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer.architectures.base import Architecture
from mnist_trainer.data.dataset import Dataset, Splits, hold_out
from mnist_trainer.data.records import read_record, recorded_task
from mnist_trainer.errors import ModelError
from mnist_trainer.model_io.digit_model import DigitModel
from mnist_trainer.model_io.find import ModelFile, find_model
from mnist_trainer.model_io.load import load_model
from mnist_trainer.recipes.fine_tuning import fine_tuning_recipe
from mnist_trainer.recipes.pixel_scaling import PixelScaling
from mnist_trainer.recipes.recipe import Recipe
from mnist_trainer.training.train import InterruptedTraining, Training, train

__all__ = ["fine_tune"]

REHEARSED = 24_000
"""Images of another source in an epoch. A model forgets less if they are many and not seen often."""
OWN, ALONE = 8_000, 16_000
"""Own images in an epoch, with and without rehearsed ones: they are repeated until they are about as many."""
MOST_COPIES = 100
ONE = PixelScaling.between(0, 1)


def fine_tune(
    base: str | Path | ModelFile,
    data: Splits,
    *,
    recipe: Recipe | None = None,
    rehearsal: Splits | None = None,
    seed: int = 0,
    trust: bool = False,
    **settings: Any,
) -> Training:
    """Tune a model to the training images of `data`.

    The images are repeated until they are about 8,000 and mixed with 24,000 of `rehearsal`, so that the model does not
    forget what it knew. If the labels differ from those of the model, its last layer is replaced; labels that it knows
    keep their weights.

    Parameters
    ----------
    base : str, Path or ModelFile
        Name of a ready model, or path of a model file.
    data : Splits
        The new images; the test part only measures.
    recipe : Recipe, optional
        Default: `fine_tuning_recipe`.
    rehearsal : Splits, optional
        Images of the kind that the model was trained on, usually MNIST. Used if its task is that of `data`.
    seed : int
        Seed of all random choices.
    trust : bool
        Whether code in the file may run; see `load_model`.
    **settings
        ``checkpoint``, ``resume``, ``tensorboard``, ``callback`` and ``show`` of `mnist_trainer.training.train.train`.

    Returns
    -------
    Training
        The tuned model, which takes pixels 0..1, and its record. Its key ``tuning`` has the accuracy on the test images
        of `data` and of `rehearsal`, before and after.

    Raises
    ------
    ModelError
        If the model does not fit the images, or has other labels and no dense last layer.
    InterruptedTraining
        After Ctrl-C, as from `train`.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from mnist_trainer.data.load import load_data
    >>> short = replace(fine_tuning_recipe({}, DIGITS), epochs=1, pen=None)
    >>> tuned = fine_tune("linear", load_data("digits"), recipe=short)
    >>> tuned.record["tuning"]["own"]["before"] < tuned.record["tuning"]["own"]["after"]
    True
    """
    file = base if isinstance(base, ModelFile) else find_model(base)
    record = read_record(file.path)
    task = data.test.task
    known = recorded_task(file.path) or task
    if known.tensor_shape != task.tensor_shape:
        forms = [f"{each.height}x{each.width} with {each.channels} channels" for each in (known, task)]
        raise ModelError(
            f"The model was trained on images of {forms[0]}, but the images have {forms[1]}. Give images of its form."
        )
    model = load_model(file, trust=trust, task=known)
    scaling, activation = _measured(
        model, data.train, file.record.get("pixel_range"), is_same=known.labels == task.labels
    )
    network = _network(model, scaling, activation, known, task)
    sets, memory = {"own": data.test}, None
    if rehearsal and rehearsal.test.task == task:
        sets["rehearsal"] = rehearsal.test
        count = min(REHEARSED, len(rehearsal.train) // 2)
        memory = hold_out(rehearsal.train, count, seed, ("rest", "rehearsal")).test
    before = {name: _accuracy(model, scaling, known, images) for name, images in sets.items()}
    facts = {
        "base": {"name": file.name, "sha256": file.sha256},
        "own_images": len(data.train),
        "rehearsal": {"name": memory.name, "sha256": memory.sha256} if memory else None,
    }
    architecture = Architecture(
        name=str(record.get("architecture") or network.name),
        summary=f"{file.name}, tuned",
        build=partial(_copy, network=network),
        recipe=recipe or fine_tuning_recipe(record, task, rehearses=memory is not None),
    )

    def finished(training: Training) -> Training:
        after = {name: _accuracy(training.model, ONE, task, images) for name, images in sets.items()}
        tuning = {
            name: {"name": sets[name].name, "images": len(sets[name]), "before": before[name], "after": after[name]}
            for name in sets
        }
        return Training(training.model, training.record | {"tuning": tuning})

    try:
        return finished(train(architecture, data, seed=seed, mix=partial(_mix, memory=memory), facts=facts, **settings))
    except InterruptedTraining as stopped:
        raise InterruptedTraining(finished(stopped.training)) from None


def _measured(model: keras.Model, data: Dataset, recorded: str | None, *, is_same: bool) -> tuple[PixelScaling, str]:
    """Return scaling and activation of a model; they are measured on `data` if it has the model's labels."""
    if is_same:
        found = DigitModel.measure(model, data, recorded=recorded)
        return found.scaling, found.activation
    return PixelScaling.parse(recorded) if recorded else ONE, "softmax"


def _network(model: keras.Model, scaling: PixelScaling, activation: str, known: Task, task: Task) -> keras.Model:
    """Return a network from pixels 0..1 to probabilities of the labels of `task`, with the weights of `model`."""
    scores = model.outputs[0]
    if known.labels != task.labels:
        head = _last_dense(model)
        scores = keras.layers.Dense(len(task.labels), activation="softmax", name="scores_tuned")(head.input)
        changed = keras.Model(model.inputs, scores, name=model.name)
        changed.layers[-1].set_weights(_weights_by_label(head, known.labels, task.labels))
        model = changed
    elif activation == "logits":
        model = keras.Model(model.inputs, keras.layers.Softmax(name="probabilities")(scores), name=model.name)
    if (scaling.black, scaling.white) == (0.0, 1.0):
        return model
    pixels = keras.Input(model.input_shape[1:], name="pixels_0_1")
    scaled = keras.layers.Rescaling(255 * scaling.scale, scaling.offset, name="scaling")(pixels)
    return keras.Model(pixels, model(scaled), name=model.name)


def _last_dense(model: keras.Model) -> keras.layers.Dense:
    """Return the dense layer that gives the scores; only layers without weights may follow it."""
    head = next((layer for layer in reversed(model.layers) if layer.weights), None)
    if not isinstance(head, keras.layers.Dense):
        raise ModelError(
            "The labels are not those of the model, and its last layer with weights is not Dense, so it cannot be "
            "replaced. Give images with the labels of the model, or train a new model."
        )
    return head


def _weights_by_label(
    head: keras.layers.Dense, known: tuple[str, ...], labels: tuple[str, ...]
) -> list[npt.NDArray[np.float32]]:
    """Return kernel and bias for `labels`: those of known labels, and small random weights for new ones."""
    kernel = head.kernel.numpy()
    bias = head.bias.numpy() if head.use_bias else np.zeros(kernel.shape[1], np.float32)
    rng = np.random.default_rng(0)
    new_kernel = rng.normal(0, kernel.std() / 10, (len(kernel), len(labels))).astype(np.float32)
    new_bias = np.full(len(labels), bias.mean(), np.float32)
    places = {label: index for index, label in enumerate(known)}
    for index, label in enumerate(labels):
        if label in places:
            new_kernel[:, index], new_bias[index] = kernel[:, places[label]], bias[places[label]]
    return [new_kernel, new_bias]


def _copy(task: Task = DIGITS, *, network: keras.Model) -> keras.Model:
    """Return a new model with the weights of `network`, which is for `task`."""
    del task
    copy = keras.models.clone_model(network)
    copy.set_weights(network.get_weights())
    return copy


def _accuracy(model: keras.Model, scaling: PixelScaling, known: Task, images: Dataset) -> float:
    """Return the fraction of right answers by the names of the labels, for a model of the labels of `known`."""
    scores = model.predict(scaling.apply(images.images.reshape(-1, *model.input_shape[1:])), batch_size=500, verbose=0)
    names, labels = np.array(known.labels), np.array(images.task.labels)
    return float((names[scores.argmax(axis=1)] == labels[images.labels]).mean())


def _mix(own: Dataset, *, memory: Dataset | None) -> Dataset:
    """Return the own training images, each several times, and those to rehearse."""
    copies = int(np.clip(round((OWN if memory else ALONE) / len(own)), 1, MOST_COPIES))
    parts = [own] * copies + ([memory] if memory else [])
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return replace(own, images=images, labels=labels)
