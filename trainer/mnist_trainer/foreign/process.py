"""`ModelProcess`: run a model file in a child process, so that a damaged file cannot crash this process."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import ArtifactError, counted
from mnist_trainer.data.isolation.child_process import ChildProcess, EndedError

__all__ = ["ModelProcess"]

PROBE = "mnist_trainer.foreign._probe"
"""The module that the child process runs."""

TIME_LIMIT = 600
"""Time limit for an answer, in seconds. A thousand images take less than a second with a small model."""

MOST_SCORES = 1000
"""Largest number of scores per image."""

LARGEST_SCORE = 8
"""Largest size of a score, in bytes."""


class ModelProcess:
    """A child process with one model. It ends when this object is deleted.

    Parameters
    ----------
    path : Path
        A ``.tflite`` or ``.onnx`` file.
    format : str
        ``"tflite"`` or ``"onnx"``.

    Attributes
    ----------
    facts : dict
        The inputs and outputs of the model; see `mnist_trainer.foreign._probe`.

    Raises
    ------
    ArtifactError
        If the interpreter rejects the file, or the process crashes.
    """

    def __init__(self, path: Path, format: str) -> None:
        self._path = path
        self.format = format
        self._child = ChildProcess(PROBE, str(path), format, seconds=TIME_LIMIT)
        with self._conversation():
            self.facts = self._child.read_line()
        if "error" in self.facts:
            self.close()
            raise ArtifactError(f"{path} cannot be loaded: {self.facts['error']}.")

    def run(self, tensor: npt.NDArray[Any], step: int) -> npt.NDArray[Any]:
        """Return the scores for the images of `tensor`.

        Parameters
        ----------
        tensor : ndarray
            The input, in the type and shape of the model, images first.
        step : int
            Number of images to classify at a time.

        Raises
        ------
        ValueError
            If the interpreter cannot run the model on this input.
        ArtifactError
            If the process crashes, or its output does not have a plausible shape for the images.
        """
        with self._conversation():
            self._child.send({"shape": tensor.shape, "step": step}, np.ascontiguousarray(tensor).data)
            facts = self._child.read_line()
            if "error" not in facts:
                return self._scores(facts, len(tensor))
        raise ValueError(facts["error"])

    def _scores(self, facts: dict[str, Any], images: int) -> npt.NDArray[Any]:
        """Read the scores that follow the JSON line `facts` in an answer."""
        shape, dtype = facts["shape"], np.dtype(facts["dtype"])
        values = math.prod(shape)
        if dtype.itemsize > LARGEST_SCORE or values > images * MOST_SCORES:
            raise ArtifactError(f"{self._path} gives an output of {dtype} {shape} for {counted(images, 'image')}.")
        content = self._child.answers.read(values * dtype.itemsize)
        if len(content) < values * dtype.itemsize:
            raise EOFError
        scores: npt.NDArray[Any] = np.frombuffer(content, dtype).reshape(shape)
        return scores

    def close(self) -> None:
        """End the process."""
        self._child.close()

    @contextlib.contextmanager
    def _conversation(self) -> Iterator[None]:
        """Reserve the process for one request; raise an `ArtifactError` if it ends."""
        try:
            with self._child.conversation():
                yield
        except EndedError as error:
            if str(error) == "SIGKILL":
                raise ArtifactError(
                    f"The process that ran {self._path} was killed (SIGKILL): it took more than {TIME_LIMIT} seconds, "
                    "or the system had too little memory. Close other programs and repeat, or make the model smaller."
                ) from error
            raise ArtifactError(
                f"{self._path} ended the process that ran it ({error}). It is damaged, or its interpreter has a fault. "
                "Make the file again, or use another version of the interpreter."
            ) from error
