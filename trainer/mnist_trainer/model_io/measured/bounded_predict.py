"""`predict`: run a model on images, with a limit of time for each batch."""

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
"""Time for a batch. Batches of 512 images take some milliseconds to some seconds."""

LARGE = 1 << 28
"""Values of a tensor, 1 GiB of float32, from which the model is named if there is too little memory for it."""


@contextmanager
def _limited(manager: cancellation.CancellationManager) -> Iterator[None]:
    """Let TensorFlow end the running function after `SECONDS`."""
    timer = threading.Timer(SECONDS, manager.start_cancel)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def predict(model: keras.Model, pixels: npt.NDArray[np.float32], batch_size: int) -> npt.NDArray[np.float32]:
    """Return what a model gives for `pixels`, as ``model.predict`` does.

    A loop in a SavedModel may depend on the images and never end; the trial in a child process has only noise.
    Batches are passed one by one, since ``model.predict`` builds a tf.data pipeline for each call. That takes 50 ms,
    and an export has a dozen calls with few images.

    Raises
    ------
    ModelError
        If a batch takes more than `SECONDS`, or needs a large tensor for which there is too little memory.
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
        ) from None  # the cause would be reported as one of the machine alone
    return np.asarray(np.concatenate(found), np.float32)
