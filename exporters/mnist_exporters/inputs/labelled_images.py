"""`LabelledImages`: the interface of a data set for the exporters; and a check for images that two splits share."""

from __future__ import annotations

import numpy as np

from mnist_exporters.errors import CalibrationError
from mnist_trainer.data.dataset import (
    MOST_SHARED,
    ImageSet,
    LabelledImages,
    Labels,
    check_same_task,
    content_digest,
)

__all__ = ["ImageSet", "LabelledImages", "Labels", "check_same_task", "content_digest", "leave_out_shared"]


def leave_out_shared(training: LabelledImages, test: LabelledImages) -> tuple[LabelledImages, int]:
    """Remove the training images that are also test images, so that calibration uses no test image.

    Returns
    -------
    tuple
        The remaining training images (`training` itself if all remain), and the number of removed ones.

    Raises
    ------
    CalibrationError
        If more than one in twenty test images is also a training image.

    Examples
    --------
    >>> images = np.arange(40, dtype=np.uint8)[:, None, None] * np.ones((28, 28), np.uint8)
    >>> labels = np.arange(40, dtype=np.uint8) % 10
    >>> training, test = (ImageSet("a", images[part], labels[part]) for part in (slice(11), slice(10, None)))
    >>> rest, left_out = leave_out_shared(training, test)
    >>> len(rest.images), left_out
    (10, 1)
    """
    tested = {image.tobytes() for image in test.images}
    is_shared = np.array([image.tobytes() in tested for image in training.images], np.bool_)
    if not is_shared.any():
        return training, 0
    trained = {image.tobytes() for image in training.images[is_shared]}
    shared = sum(image.tobytes() in trained for image in test.images)
    if shared > MOST_SHARED * len(test.images):
        raise CalibrationError(
            f"{shared:,} of {len(test.images):,} test images of {test.name} are also training images, more than "
            f"{MOST_SHARED:.0%}. Divide the data again, without duplicates, or give it undivided."
        )
    unshared = ImageSet(training.name, training.images[~is_shared], training.labels[~is_shared], training.task)
    return unshared, int(is_shared.sum())
