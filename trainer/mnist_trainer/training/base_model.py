"""`load_base`: load the model to tune, and find out its labels and its pixel scaling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import keras
import numpy as np

from mnist_runtime.artifact.task import DIGITS, MOST_LABELS, Task
from mnist_runtime.errors import counted, listed
from mnist_trainer.data.dataset import ImageSet, LabelledImages, Splits
from mnist_trainer.data.load import load_data
from mnist_trainer.data.records import read_record, recorded_task
from mnist_trainer.errors import DataError, ModelError, UsageError
from mnist_trainer.foreign.declared import declared_shapes
from mnist_trainer.model_io.find import ModelFile
from mnist_trainer.model_io.load import load_model
from mnist_trainer.model_io.measured.digit_model import DigitModel, compared_scalings, doubt_of_scaling
from mnist_trainer.model_io.pixel_probe.probe import STAGES, Trial, probe_images
from mnist_trainer.recipes.pixel_scaling import PixelScaling

__all__ = ["load_base"]

USUAL = PixelScaling.between(0, 1)
"""Scaling that is assumed where none can be measured."""

READ = 1000
"""Number of images on which the accuracy with the measured scaling is computed."""

FEWEST, HALF = 30, 0.5
"""A scaling that the user gives is rejected if, on at least `FEWEST` images, its accuracy above chance is less than
`HALF` times that of another scaling."""

WHITE = np.uint8(255)

MOST_LISTED = 10
"""Largest number of labels that a note lists."""

STATE = "If you know it, state it: --pixel-range A..B, or --pixel-mean and --pixel-std, and --invert."


def load_base(
    file: ModelFile,
    data: Splits,
    *,
    given: PixelScaling | str | None = None,
    trust: bool = False,
    report: Callable[[str], None] | None = None,
) -> DigitModel:
    """Load a model and find out its labels and its pixel scaling. The task of the result has the model's own labels.

    If there is a training record beside the file, both are taken from it. Otherwise the model is tried on images. If
    it classifies `data` well with the labels of `data` in their order, these are its labels; otherwise its labels are
    0, 1, 2, … The scaling is measured on the same images. For a possible digit model, it is measured on MNIST if
    there are few images, and on scikit-learn's digits if the images do not show a scaling.

    Parameters
    ----------
    file : ModelFile
        The model.
    data : Splits
        The images to which it is tuned.
    given : PixelScaling or str, optional
        The scaling that the user gives.
    trust : bool
        See `load_model`.
    report : callable, optional
        Called with each message about its labels and pixels.

    Raises
    ------
    ModelError
        If it is a SavedModel or damaged, or the images have another form.
    UsageError
        If the images show that `given` is wrong; see `TriedModel.doubts`.
    """
    file.check_layers()
    task = data.test.task
    recorded = recorded_task(file.path)
    known = recorded or _numbered(file, task)
    if known.tensor_shape != task.tensor_shape:
        forms = [f"{each.height}x{each.width} with {counted(each.channels, 'channel')}" for each in (known, task)]
        raise ModelError(
            f"The model was trained on images of {forms[0]}, but the images have {forms[1]}. Give images of its form. "
            f"To convert your own as a device does: --image-size {known.height}x{known.width} "
            f"--channels {known.channels} --prepare {known.preparation}."
        )
    model = load_model(file, trust=trust, task=known)
    if recorded:
        images = _with_known_labels(probe_images(*data), known)
        notes: list[str] = []
        if given is not None and len(images.images):
            stated = TriedModel.measure(model, images, given)
            found, notes = stated.model, stated.doubts(str(read_record(file.path)["pixel_range"]))
        else:
            pixels = str(read_record(file.path)["pixel_range"])
            found = DigitModel.measure(model, _with_first_label(data.train, known), given=given, recorded=pixels)
            if given is None and len(images.images) >= FEWEST:
                notes = TriedModel.of(found, images).doubts()
    else:
        found, notes = _of_unknown_origin(model, data, known, given)
    if found.task.labels != task.labels:
        notes.append(
            f"note: the labels of {file.name} are {listed(found.task.labels, MOST_LISTED)}, those of the images "
            f"{listed(task.labels, MOST_LISTED)}; the last layer is replaced, and labels in both lists keep "
            "their weights"
        )
    for text in [f"{file.name}: {found.describe()}", *notes]:
        if report:
            report(text)
    return found


@dataclass(frozen=True, eq=False)
class TriedModel:
    """A model that was tried on images, and its accuracy on them."""

    model: DigitModel
    images: LabelledImages
    accuracy: float

    @classmethod
    def measure(cls, model: keras.Model, images: LabelledImages, given: PixelScaling | str | None) -> TriedModel:
        """Measure scaling and accuracy."""
        return cls.of(DigitModel.measure(model, images, given=given), images)

    @classmethod
    def of(cls, found: DigitModel, images: LabelledImages) -> TriedModel:
        """Measure the accuracy of a model whose scaling is known."""
        some = np.random.default_rng(0).permutation(len(images.images))[:READ]
        answers = found.raw_scores(images.images[some]).argmax(axis=1)
        return cls(found, images, float((answers == images.labels[some]).mean()))

    @property
    def is_clear(self) -> bool:
        """Whether the accuracy is nearer to 1 than to chance."""
        return self.accuracy >= (1 + 1 / len(self.images.task.labels)) / 2

    def doubts(self, recorded: str | None = None) -> list[str]:
        """Return a warning if the pixel scaling may be wrong.

        A scaling from the user that is clearly wrong is rejected, because tuning would start from useless answers. If
        the accuracy is low with every scaling, because the model was trained on other images, nothing can be concluded.

        Parameters
        ----------
        recorded : str, optional
            The scaling in the training record of the model. It is never rejected.

        Raises
        ------
        UsageError
            If the model's accuracy above chance with the given scaling is less than half of that with another one.
        """
        if self.model.range_origin == "as given":
            found = self.model.likelier_scaling(self.images)
            if found is None:
                return []
            if self._is_wrong(*found) and self.model.pixel_range != recorded:
                raise UsageError(
                    f"{compared_scalings(*found, 'model', 'as given')} So the stated scaling does not fit the images "
                    f"of {self.images.name}. Give {found[1].scaling.options}, or leave --pixel-range, --pixel-mean, "
                    "--pixel-std and --invert out."
                )
            return [f"warning: {doubt_of_scaling(*found, 'model', 'as given')}"]
        if self.is_clear:
            return []
        if self.model.range_origin == "as recorded":
            doubt = self.model.doubt_of_pixels(self.images, "model")
            return [f"warning: {doubt}"] if doubt else []
        return [
            f"warning: The model is right on {self.accuracy:.1%} of the images of {self.images.name} at best, with "
            f"pixels {self.model.scaling}, so this scaling is uncertain. {STATE}"
        ]

    def _is_wrong(self, own: Trial, other: Trial) -> bool:
        """Return whether the given scaling is clearly wrong, from its trial and that of a likelier one."""
        chance = 1 / len(self.images.task.labels)
        is_read = other.accuracy >= (1 + chance) / 2 and own.images >= FEWEST
        return is_read and own.accuracy - chance < HALF * (other.accuracy - chance)


def _of_unknown_origin(
    model: keras.Model, data: Splits, known: Task, given: PixelScaling | str | None
) -> tuple[DigitModel, list[str]]:
    """Find out the labels and the scaling of a model without a training record; return the model and notes."""
    own = probe_images(*data)
    numbered = _with_known_labels(own, known)
    sets: list[LabelledImages] = [numbered] if len(numbered.images) else []
    if known == DIGITS:
        digits = _digits_like(own)
        is_first = digits.name == "mnist" and len(own.images) < STAGES[0]  # more images give a more certain scaling
        sets.insert(0 if is_first else len(sets), digits)
    may_be_named = len(own.task.labels) == len(known.labels) and own.task.labels != known.labels
    tried: list[TriedModel] = []
    for images in [*sets, own] if may_be_named else sets:
        tried.append(TriedModel.measure(model, images, given))
        if tried[-1].is_clear:
            break
    else:
        tried = sorted(tried[: len(sets)], key=lambda one: one.accuracy)
    if not tried:
        found = DigitModel.measure(model, _with_first_label(own, known), given=given or USUAL)
        if given is not None:
            return found, []
        note = f"warning: No image has a label of the model, so its scaling of pixels cannot be measured. {STATE}"
        return replace(found, range_origin="assumed"), [note]
    best = tried[-1]
    notes = best.doubts()
    named = TriedModel.measure(model, own, best.model.scaling) if may_be_named else best
    if may_be_named and named.is_clear:
        notes.append(
            f"note: the scores of the model are taken for {listed(own.task.labels, MOST_LISTED)}, in this order; "
            f"with it, the model is right on {named.accuracy:.1%} of {len(own.images):,} images"
        )
        return replace(best.model, task=own.task), notes
    return best.model, notes


def _numbered(file: ModelFile, task: Task) -> Task:
    """Return the task of a model that names no labels: numbers from 0, as many as it has scores."""
    scores = declared_shapes(file.path)[1] or 0
    labels = tuple(map(str, range(scores if 1 < scores <= MOST_LABELS else len(task.labels))))
    is_digits = (task.tensor_shape, labels) == (DIGITS.tensor_shape, DIGITS.labels)
    return DIGITS if is_digits else replace(task, labels=labels, preparation="plain")


def _digits_like(own: LabelledImages) -> ImageSet:
    """Return MNIST, or scikit-learn's digits, inverted if `own` is black on white, as plain pictures may be."""
    try:
        digits = load_data("mnist").train
    except DataError:
        digits = load_data("digits").train
    is_light = np.median(own.images) > WHITE / 2
    return ImageSet(digits.name, WHITE - digits.images if is_light else digits.images, digits.labels, DIGITS)


def _with_known_labels(data: LabelledImages, known: Task) -> ImageSet:
    """Return the images whose label is one of `known`, with the class numbers of `known`."""
    places = np.array([known.labels.index(name) if name in known.labels else -1 for name in data.task.labels])
    numbers = places[data.labels]
    is_known = numbers >= 0
    return ImageSet(data.name, data.images[is_known], numbers[is_known].astype(np.uint16), known)


def _with_first_label(data: LabelledImages, known: Task) -> ImageSet:
    """Return all images with the first label of `known`, for functions that do not use the labels."""
    return ImageSet(data.name, data.images, np.zeros_like(data.labels), known)
