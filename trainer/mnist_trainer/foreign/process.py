"""`ModelProcess`: a model file that runs in a process of its own, so that a damaged one cannot end this process."""

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
"""The module that runs a model."""

TIME_LIMIT = 600
"""Seconds after which an answer is no longer awaited. A thousand images of a small model take less than one."""

MOST_SCORES = 1000
"""Most scores of an image."""

LARGEST_SCORE = 8
"""Bytes of a score, at most."""


class ModelProcess:
    """A process with one model. It ends with this object.

    Parameters
    ----------
    path : Path
        A ``.tflite`` or ``.onnx`` file.
    format : str
        ``"tflite"`` or ``"onnx"``.

    Attributes
    ----------
    facts : dict
        The inputs and outputs of the model, see `mnist_trainer.foreign._probe`.

    Raises
    ------
    ArtifactError
        If the interpreter rejects the file, or the process ends.
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
            Number of images that the interpreter gets at a time.

        Raises
        ------
        ValueError
            If the interpreter cannot run the model on this input.
        ArtifactError
            If the process ends, or the answer has no score for each image.
        """
        with self._conversation():
            self._child.send({"shape": tensor.shape, "step": step}, np.ascontiguousarray(tensor).data)
            facts = self._child.read_line()
            if "error" not in facts:
                return self._scores(facts, len(tensor))
        raise ValueError(facts["error"])

    def _scores(self, facts: dict[str, Any], images: int) -> npt.NDArray[Any]:
        """Read the scores that follow the line `facts` of an answer."""
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
        """Hold the process for a request; report its end."""
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
