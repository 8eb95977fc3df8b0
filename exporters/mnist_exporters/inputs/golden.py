"""`golden_images`: the images that are stored in every exported file for the self-test on the device."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources

import numpy as np
import numpy.typing as npt

from mnist_exporters.inputs.labelled_images import LabelledImages
from mnist_exporters.inputs.original_model import Floats, OriginalModel
from mnist_runtime.artifact.task import Task

__all__ = ["MOST_GOLDEN", "golden_digits", "golden_from_data", "golden_images", "golden_patterns"]

LEAST_GOLDEN, MOST_GOLDEN = 10, 16
"""Smallest and largest number of golden images for other classes than digits. A color image of 128 x 128 pixels takes
49 kB."""

DRAWN, CHANGED, ROUNDS = 600, 120, 8
"""Number of random patterns, of changed copies of the best patterns in each round, and of rounds. Together they take a
second."""
MARGIN = 0.1
"""Smallest difference between the best and the second best score. With less, other kernels may answer differently."""

Images = npt.NDArray[np.uint8]


def golden_images(original: OriginalModel) -> Images:
    """Return the images to store in the files of a model: handwritten digits or, for other classes, random patterns.

    Parameters
    ----------
    original : OriginalModel
        The model. Its task decides between digits and patterns; its scores decide which patterns are used.
    """
    return golden_digits() if original.task.is_mnist else golden_patterns(original.task, original.scores)


def golden_digits() -> Images:
    """Return ten images, one of each digit, uint8 (10, 28, 28).

    They are test images of scikit-learn's digits, whose license allows copies:
    ``Calibration.draw(load_data("digits").test, 10, seed=0).images``.

    Examples
    --------
    >>> golden_digits().shape
    (10, 28, 28)
    """
    with (resources.files("mnist_exporters") / "inputs" / "golden_digits.npy").open("rb") as file:
        images: Images = np.load(file)
    return images


def golden_from_data(data: LabelledImages) -> Images:
    """Return up to 16 images of a data set, of different classes where possible.

    Everyone who has an exported file can see the images in it.

    Parameters
    ----------
    data : LabelledImages
        The test split.
    """
    order = np.random.default_rng(0).permutation(len(data.images))
    _, first = np.unique(data.labels[order], return_index=True)
    others = np.setdiff1d(np.arange(len(order)), first)
    count = min(MOST_GOLDEN, max(len(data.task.labels), LEAST_GOLDEN))
    chosen = np.concatenate([np.random.default_rng(0).permutation(first), others])[:count]
    images: Images = data.images[order[np.sort(chosen)]]
    return images


def golden_patterns(task: Task, scores: Callable[[Images], Floats]) -> Images:
    """Return up to 16 patterns of rectangles and lines to which the model gives different answers, where possible.

    The first patterns are random. Then, in a few rounds, something is added at random to copies of the best pattern of
    each class, and a copy replaces its pattern if its score is higher.

    Parameters
    ----------
    task : Task
        Size and channels of the images, and the labels.
    scores : callable
        Function from images to scores 0..1, float32 (n, k).

    Returns
    -------
    ndarray of shape (k, h, w) or (k, h, w, 3), dtype uint8

    Examples
    --------
    >>> brightness = lambda images: np.stack([images.mean((1, 2)), 255 - images.mean((1, 2))], axis=1) / 255
    >>> found = golden_patterns(Task(32, 20, 1, ("bright", "dark")), brightness)
    >>> found.shape, sorted(set(brightness(found).argmax(axis=1).tolist()))
    ((10, 32, 20), [0, 1])
    """
    rng = np.random.default_rng(0)
    images = np.stack([_pattern(task, rng) for _ in range(DRAWN)])
    found = _finite(scores(images))
    for _ in range(ROUNDS):
        best = found.argmax(axis=0)  # for each class, the pattern with the highest score
        weak = [label for label in range(found.shape[1]) if _lead(found[best[label]], label) < MARGIN]
        if found.shape[1] - len(weak) >= min(MOST_GOLDEN, found.shape[1]):
            break
        parents = images[best[np.array(weak)[rng.integers(len(weak), size=CHANGED)]]]
        children = np.stack([_drawn_on(parent.copy(), task, rng) for parent in parents])
        images, found = np.concatenate([images, children]), np.concatenate([found, _finite(scores(children))])
    best = found.argmax(axis=0)
    leads = {label: _lead(found[place], label) for label, place in enumerate(best)}
    sure = [label for label in sorted(leads, key=lambda label: -leads[label]) if leads[label] >= MARGIN]
    chosen = [best[label] for label in sure[:MOST_GOLDEN]]
    top = np.sort(found, axis=1)
    others = np.argsort(top[:, -2] - top[:, -1], kind="stable")  # the clearest answers first
    different = {images[place].tobytes(): place for place in chosen}  # simple patterns may occur twice
    for place in others:
        if len(different) >= LEAST_GOLDEN:
            break
        different.setdefault(images[place].tobytes(), place)
    return images[[*different.values()]]


def _finite(scores: Floats) -> Floats:
    """Replace nan and infinity by 0. The accuracy check reports such scores later."""
    return np.nan_to_num(scores, nan=0, posinf=0, neginf=0)


def _lead(scores: Floats, label: int) -> float:
    """Return the score of `label` minus the highest other score; negative if `label` is not the answer."""
    return float(scores[label] - np.delete(scores, label).max())


def _pattern(task: Task, rng: np.random.Generator) -> Images:
    """Return a random pattern of one to four shapes on a uniform background."""
    image = np.empty(task.image_shape, np.uint8)
    image[:] = _color(task, rng)
    for _ in range(rng.integers(1, 5)):
        image = _drawn_on(image, task, rng)
    return image


def _drawn_on(image: Images, task: Task, rng: np.random.Generator) -> Images:
    """Draw a random rectangle or line on `image`, which is changed in place, and return it."""
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        (top, bottom), (left, right) = (np.sort(rng.integers(0, side + 1, 2)) for side in (height, width))
        image[top:bottom, left:right] = _color(task, rng)
        return image
    start, end = (np.array([rng.integers(height), rng.integers(width)]) for _ in range(2))
    thickness = rng.uniform(0.5, 0.1 * max(height, width))
    rows, columns = np.indices((height, width))
    along, length = end - start, max(float(np.hypot(*(end - start))), 1.0)
    place = np.clip(((rows - start[0]) * along[0] + (columns - start[1]) * along[1]) / length**2, 0, 1)
    distance = np.hypot(rows - start[0] - place * along[0], columns - start[1] - place * along[1])
    image[distance <= thickness] = _color(task, rng)
    return image


def _color(task: Task, rng: np.random.Generator) -> Images:
    """Return a random color: black, white, gray or, in color images, any other."""
    level = rng.choice(np.array([0, 255, rng.integers(256)], np.uint8))
    if task.channels == 1 or rng.random() < 0.5:
        return np.full(task.channels if task.channels > 1 else 1, level, np.uint8)
    return rng.integers(0, 256, 3, np.uint8)
