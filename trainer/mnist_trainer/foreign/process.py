"""`ModelProcess`: a model file that runs in a process of its own, so that a damaged one cannot end this process."""

from __future__ import annotations

import contextlib
import json
import math
import signal
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.errors import ArtifactError

__all__ = ["ModelProcess"]

# -P: no module in the current folder is imported by mistake.
PROBE = [sys.executable, "-P", "-m", "mnist_trainer.foreign._probe"]

TIME_LIMIT = 600
"""Seconds after which an answer is no longer awaited. A thousand images of a small model take less than one."""

LONGEST_LINE = 1 << 16
"""Bytes of a line of facts."""

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
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [*PROBE, str(path), format], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._end = weakref.finalize(self, _end, self._process)
        with self._answering():
            self.facts = self._read_facts()
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
        request = json.dumps({"shape": tensor.shape, "step": step}).encode() + b"\n"
        with self._lock, self._answering():
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            self._process.stdin.write(request)
            self._process.stdin.write(np.ascontiguousarray(tensor).data)
            self._process.stdin.flush()
            facts = self._read_facts()
            if "error" in facts:
                raise ValueError(facts["error"])
            shape, dtype = facts["shape"], np.dtype(facts["dtype"])
            values = math.prod(shape)
            if dtype.itemsize > LARGEST_SCORE or values > len(tensor) * MOST_SCORES:
                raise ArtifactError(f"{self._path} gives an output of {dtype} {shape} for {len(tensor)} images.")
            content = self._process.stdout.read(values * dtype.itemsize)
            if len(content) < values * dtype.itemsize:
                raise EOFError
        scores: npt.NDArray[Any] = np.frombuffer(content, dtype).reshape(shape)
        return scores

    def close(self) -> None:
        """End the process."""
        self._end()

    def _read_facts(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline(LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        facts: dict[str, Any] = json.loads(line)
        return facts

    @contextlib.contextmanager
    def _answering(self) -> Iterator[None]:
        """End the process if it takes too long; report that, or another end."""
        timer = threading.Timer(TIME_LIMIT, self._process.kill)
        timer.start()
        try:
            yield
        except (EOFError, BrokenPipeError) as error:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
            raise ArtifactError(
                f"{self._path} ended the process that ran it ({_how(self._process.returncode)}). It is damaged, or its "
                "interpreter has a fault. Make the file again, or use another version of the interpreter."
            ) from error
        finally:
            timer.cancel()


def _how(code: int | None) -> str:
    """Return words for the exit code of a process."""
    if code is None or code >= 0:
        return f"exit code {code}"
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):  # bytes that the process did not read
                stream.close()
    process.wait()
