"""`unfit`: reject originals and test images with which no accuracy can be proven, and find the cause."""

from __future__ import annotations

import shlex
from dataclasses import replace

import numpy as np

from mnist_exporters.proof.invariants import MOST_NAMED, named, non_finite_reasons
from mnist_exporters.proof.reference import Reference
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import listed

__all__ = ["labels_option", "least_accuracy", "missing_images", "unfit", "why_images_differ", "wrong_averages"]

LEAST_ACCURACY = 0.5
"""Smallest accuracy of an original with ten classes. Below it, the input is probably wrong: chance level is 0.1, and
the model `linear` reaches 0.92. `least_accuracy` has the limit for other numbers of classes."""

LEAST_OF_ORDER = 5
"""Smallest number of images of a class that is needed to recognize a wrong order of labels."""

READ_WELL, CLEARLY_MORE = 0.6, 0.2
"""Mirrored or rotated images are reported if the accuracy on them is at least `READ_WELL`, and higher by `CLEARLY_MORE`
than on the images as they are. `READ_WELL` is also the limit for other orders of labels and for other averages."""

LEAST_GAIN_OF_AVERAGES = 0.1
"""Gain in accuracy from which the averages of a batch normalization are reported as wrong. With averages of 1,000 test
images, the accuracy of the ready models changed by at most 0.02."""

AMBIGUOUS = 0.05
"""Difference in accuracy up to which both mirrored images and another order of labels are reported. For example, a
mirrored arrow to the left looks like an arrow to the right."""

HARDLY_KNOWN, KNOWN_WELL = 0.1, 0.6
"""Accuracy up to which a class counts as not trained, and accuracy from which a class counts as trained."""

MOST_PRINTED = 100
"""Maximum number of class names in an option; with more, the message shows ``A,B,...`` instead."""

MOST_PAIRS = 3
"""Maximum number of pairs of labels that a reason lists."""

CHECKS = (
    "Check how its pixels were scaled (--pixel-range A..B, --pixel-mean with --pixel-std, --invert), and the labels of "
    "the images and their order (--labels)."
)
"""Advice for an original with a low accuracy of unknown cause."""

MOST_SEEN = 0.5
"""Largest accepted fraction of test images that are also training images, exactly or nearly."""


def unfit(reference: Reference, accuracy: float) -> tuple[str, ...]:
    """Return reasons why nothing can be proven with this reference, such as an original that only guesses."""
    if not np.isfinite(reference.scores).all():
        return ("The original gives scores that are nan or infinity.",)
    reasons = [*non_finite_reasons(reference.extremes, "original"), *_seen_before(reference)]
    reasons += missing_images(reference)
    is_low = accuracy < least_accuracy(len(reference.task.labels))
    if reference.by_pixel:
        reasons.append(str(reference.by_pixel))
    elif changed := why_images_differ(reference if is_low else replace(reference, pixel_doubt=None)):
        reasons.append(changed)
    elif is_low:
        reasons.append(f"The original is right on {accuracy:.1%} only. {wrong_averages(reference) or CHECKS}")
    return tuple(reasons)


def missing_images(reference: Reference) -> tuple[str, ...]:
    """Return a reason if some classes have no test images, with advice, also for classes that have no images at all."""
    task, kept = reference.task, sorted(set(reference.labels.tolist()))
    missing = sorted(set(range(reference.scores.shape[1])) - set(kept))
    if not missing:
        return ()
    noun = _classes(task)
    if len(missing) == 1:
        noun = "digit" if task.is_mnist else "class"
    reason = (
        f"There are no test images of the {noun} {named(missing, task)}. Give some with "
        f"--data{_own_classes(kept, task)}."
    )
    if not reference.cut:
        return (reason,)
    stated = labels_option([task.labels[number] for number in kept])
    return (
        f"{reason} If there are no such images at all, cut these scores from the loaded model: {reference.cut}. Then "
        f"export that file with the same --data and {stated}",
    )


def labels_option(names: list[str]) -> str:
    """Return the option ``--labels`` with the names of classes, quoted for a shell.

    Examples
    --------
    >>> labels_option(["1", "10", "2"]), labels_option(["a b", "c"]), labels_option(["1,5", "2"])
    ('--labels 1,10,2', "--labels 'a b,c'", '--labels A,B,...')
    >>> labels_option(["1"] * 100) == "--labels " + ",".join(["1"] * 100), labels_option(["1"] * 101)
    (True, '--labels A,B,...')
    """
    if len(names) > MOST_PRINTED or any("," in name for name in names):
        return "--labels A,B,..."
    return f"--labels {shlex.quote(','.join(names))}"


def _partly_trained(reference: Reference) -> str:
    """Return a reason if an original with a low accuracy knows some classes well and the others not; else ``""``."""
    classes = len(reference.task.labels)
    if reference.pixel_doubt or reference.accuracy >= least_accuracy(classes):
        return ""
    is_right = reference.scores.argmax(axis=1) == reference.labels
    images = np.bincount(reference.labels, minlength=classes)
    recalls = np.bincount(reference.labels[is_right], minlength=classes) / np.maximum(1, images)
    known = np.flatnonzero(recalls >= KNOWN_WELL).tolist()
    if len(known) in (0, 1, classes) or not images.all() or ((recalls > HARDLY_KNOWN) & (recalls < KNOWN_WELL)).any():
        return ""
    is_known = np.isin(reference.labels, known)
    names, kind = _named_all(known, reference.task), _classes(reference.task)
    return (
        f"The original is right on {is_right[is_known].mean():.1%} of the images of {names}, and on "
        f"{is_right[~is_known].mean():.1%} of those of all other {kind}. If it was trained on {names} alone, train "
        f"it on all {kind}{_own_classes(known, reference.task)}. If not: {CHECKS}"
    )


def _own_classes(numbers: list[int], task: Task) -> str:
    """Return advice for a model that was trained on the digits `numbers` only; ``""`` for other classes."""
    if not task.is_mnist or len(numbers) < 2:
        return ""
    return f", or train a model of {_named_all(numbers, task)} alone: mnist-train with --labels " + ",".join(
        task.labels[number] for number in numbers
    )


def _named_all(numbers: list[int], task: Task) -> str:
    return listed([task.labels[number] for number in numbers], MOST_NAMED)


def _classes(task: Task) -> str:
    return "digits" if task.is_mnist else "classes"


def why_images_differ(reference: Reference) -> str:
    """Return the most likely cause of a low accuracy: images, pixels or labels. It is ``""`` if none is found."""
    turned, ordered = _turned(reference), _other_order(reference)
    # With labels in another order, some classes may be right by chance. This must not look like partial training.
    if not ordered[0] and (partial := _partly_trained(reference)):
        return partial
    if reference.pixel_doubt and not turned[0]:
        return reference.pixel_doubt
    best = max(turned[1], ordered[1])
    return " Or: ".join(reason for reason, accuracy in (turned, ordered) if reason and accuracy > best - AMBIGUOUS)


def wrong_averages(reference: Reference) -> str:
    """Return advice if the original is far more accurate with other averages in batch normalization; else ``""``."""
    found = reference.renormalized
    if found is None or found < max(READ_WELL, reference.accuracy + LEAST_GAIN_OF_AVERAGES):
        return ""
    return (
        f"The averages of its batch normalization do not fit: with averages of test images, it is right on {found:.1%} "
        "of them. If model.evaluate in Keras gives a low accuracy on images like those of its training too, train "
        "longer, a thousand steps or more, or with BatchNormalization(momentum=0.9). Otherwise the test images differ "
        "from those of the training. If the scaling differs, state that of the training: --pixel-range A..B, or "
        "--pixel-mean with --pixel-std, and --invert. If brightness, contrast or noise differ, train it on such images "
        "too."
    )


def _turned(reference: Reference) -> tuple[str, float]:
    """Return a reason if the original is far more accurate on mirrored or rotated images, and that accuracy.

    Without a finding, return ``("", 0.0)``.
    """
    if reference.turned is None:
        return "", 0.0
    way, found = reference.turned
    if found < max(READ_WELL, reference.accuracy + CLEARLY_MORE):
        return "", 0.0
    step, shape = way.keras, "model.input_shape[1:]"
    if reference.takes_rows:
        step, shape = f"keras.layers.Flatten()({step})", str(reference.task.image_shape)
    reason = (
        f"The images of the original's training seem to be {way.words}: it is right on {reference.accuracy:.1%} "
        f"of the test images as they are, and on {found:.1%} if they are {way.words.partition(',')[0]}. If it was "
        "trained on such images, train it on upright ones, as a device sees them, or begin it with that step: "
        f"keras.Model(images, model({step})) with images = keras.Input({shape}). If the test images are at fault, "
        f"correct them: {way.numpy}."
    )
    return reason, found


def _other_order(reference: Reference) -> tuple[str, float]:
    """Return a reason if the labels have another order than the scores, and the accuracy in the right order.

    Without a finding, return ``("", 0.0)``.
    """
    from scipy.optimize import linear_sum_assignment

    classes = len(reference.task.labels)
    answers = reference.scores.argmax(axis=1)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (reference.labels, answers), 1)
    images = counts.sum(axis=1)
    others = linear_sum_assignment(-counts)[1]
    moved = [
        label
        for label, other in enumerate(others)
        if label != other and counts[label, other] > images[label] / 2 and images[label] >= LEAST_OF_ORDER
    ]
    read = counts[np.arange(classes), others].sum() / max(1, len(answers))
    if len(moved) < 2 or read < READ_WELL:
        return "", 0.0
    names = reference.task.labels
    pairs = [f"for most images of {names[label]!r} it answers {names[others[label]]!r}" for label in moved[:MOST_PAIRS]]
    in_order = [name for _, name in sorted(zip(others.tolist(), names, strict=True))]
    # Keras numbers folders by their sorted names. If the clear cases fit that order, it is used for all classes.
    clear = [label for label, other in enumerate(others) if counts[label, other] > images[label] / 2]
    if all(sorted(names)[others[label]] == names[label] for label in clear):
        in_order = sorted(names)
    reason = (
        f"The labels seem to be in another order than the scores of the original: {', '.join(pairs)}. If the scaling "
        f"of its pixels is right, state their order: {labels_option(in_order)}"
    )
    return reason, read


def _seen_before(reference: Reference) -> tuple[str, ...]:
    """Return a reason if more than half of the test images are training images, exactly or nearly."""
    count, images = reference.in_training, len(reference.images)
    if count <= MOST_SEEN * images:
        return ()
    return (
        f"{count:,} of the {images:,} test images ({count / images:.0%}) are also training images, exactly or nearly. "
        "Test with images that are new to the model.",
    )


def least_accuracy(classes: int) -> float:
    """Return the smallest accuracy that an original with this number of classes must have.

    Its relative position between chance level and 1 is that of `LEAST_ACCURACY` for ten classes.

    Examples
    --------
    >>> [round(least_accuracy(classes), 2) for classes in (2, 10, 1000)]
    [0.72, 0.5, 0.45]
    """
    fraction = (LEAST_ACCURACY - 0.1) / 0.9  # position between chance level, 0.1 with ten classes, and 1
    return 1 / classes + fraction * (1 - 1 / classes)
