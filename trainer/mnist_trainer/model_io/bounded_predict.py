"""`predict`: run a model on images, with a limit of time for each batch."""

from __future__ import annotations

import math
import re
import threading

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


class _Clock(keras.callbacks.Callback):  # type: ignore[misc]  # Keras is untyped
    """A clock that begins again with each batch; when it has run down, TensorFlow ends the running function."""

    def __init__(self, manager: cancellation.CancellationManager) -> None:
        super().__init__()
        self._manager = manager
        self._timer = self._started()

    def _started(self) -> threading.Timer:
        timer = threading.Timer(SECONDS, self._manager.start_cancel)
        timer.daemon = True
        timer.start()
        return timer

    def on_predict_batch_end(self, *_: object, **__: object) -> None:
        """Begin again."""
        self.stop()
        self._timer = self._started()

    def stop(self) -> None:
        """Stop the clock."""
        self._timer.cancel()


def predict(model: keras.Model, pixels: npt.NDArray[np.float32], batch_size: int) -> npt.NDArray[np.float32]:
    """Return what a model gives for `pixels`, as ``model.predict`` does.

    A loop in a SavedModel may depend on the images and never end; the trial in a child process has only noise.

    Raises
    ------
    ModelError
        If a batch takes more than `SECONDS`, or needs a large tensor for which there is too little memory.
    """
    manager = cancellation.CancellationManager()
    clock = _Clock(manager)
    try:
        with cancellation.CancellationManagerContext(manager):
            found = model.predict(pixels, batch_size=batch_size, verbose=0, callbacks=[clock])
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
    finally:
        clock.stop()
    return np.asarray(found, np.float32)
