"""`predict`: run a model on images, with a time limit for each batch."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.python.eager import cancellation  # no public module has it

from mnist_trainer.errors import ModelError

__all__ = ["SECONDS", "predict"]

SECONDS = 120.0
"""Time limit for a batch, in seconds. A batch of 512 images usually takes milliseconds, at most a few seconds."""

LARGE = 1 << 28
"""Number of values (1 GiB in float32). If memory runs out for a larger tensor, the error blames the model."""


@contextmanager
def _limited(manager: cancellation.CancellationManager) -> Iterator[None]:
    """Cancel the running TensorFlow function after `SECONDS`."""
    timer = threading.Timer(SECONDS, manager.start_cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def predict(model: keras.Model, pixels: npt.NDArray[np.float32], batch_size: int) -> npt.NDArray[np.float32]:
    """Return the output of a model for `pixels`, like ``model.predict``.

    The time limit is needed because a loop in a SavedModel may depend on the images and never end, although the trial
    with random images in a child process ended. ``model.predict`` is not used because it builds a tf.data pipeline for
    each call. That takes 50 ms, and an export makes a dozen calls with few images.

    Raises
    ------
    ModelError
        If a batch takes more than `SECONDS`, or there is too little memory for a large tensor.
    """
    manager = cancellation.CancellationManager()
    found = []
    try:
        with cancellation.CancellationManagerContext(manager):
            for start in range(0, len(pixels), batch_size):
                with _limited(manager):
                    found.append(model.predict_on_batch(tf.constant(pixels[start : start + batch_size])))
    except tf.errors.CancelledError as error:
        raise ModelError(
            f"The model {model.name} takes more than {SECONDS:.0f} seconds for {min(batch_size, len(pixels))} "
            "images. It may never end. Make it smaller, or remove the loop."
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        sides = re.search(r"shape\[([\d,]+)\]", str(error))
        shape = sides[1].split(",") if sides else []
        if math.prod(map(int, shape)) < LARGE:
            raise
        raise ModelError(
            f"The model {model.name} computes a tensor of {' x '.join(shape)} values for "
            f"{min(batch_size, len(pixels))} images, for which there is too little memory. Make its layers smaller, "
            "or use a machine with more memory."
        ) from None  # with the cause, it would be reported as an error of the machine
    return np.asarray(np.concatenate(found), np.float32)
