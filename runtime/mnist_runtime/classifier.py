"""`Classifier`: a manifest and a backend, together; the one class that most programs need."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact import Artifact, Golden
from mnist_runtime.backend import BACKENDS, Backend, choose_backend, load_backend
from mnist_runtime.errors import ArtifactError, BackendError, UsageError
from mnist_runtime.manifest import Manifest
from mnist_runtime.picture import pixels_of, read_picture
from mnist_runtime.preparation import prepare

__all__ = ["Classification", "Classifier"]

BATCH = 256
"""Images that go through the interpreter at once: enough to hide Python's share, some MB at the most."""

READY_MODELS = {"tflite": "cnn-int8.tflite", "onnx": "cnn-int8.onnx"}


@dataclass(frozen=True)
class Classification:
    """What one picture shows.

    Parameters
    ----------
    label : str
        The best answer.
    score : float
        Its score, 0..1.
    ranking : tuple of (str, float)
        Every label with its score, the best first.
    """

    label: str
    score: float
    ranking: tuple[tuple[str, float], ...]


class Classifier:
    """Classify digits with one model. Make one with `Classifier.load`.

    Parameters
    ----------
    artifact : Artifact
        The file.
    backends : sequence of Backend
        Interpreters that hold the model, as many as images are to be worked on at once.
    backend_name : str
        Their row in `BACKENDS`.

    Notes
    -----
    Threads may share a classifier: each call borrows an interpreter that no other call is using, and waits for one if
    all are in use.

    Examples
    --------
    >>> classifier = Classifier.load()
    >>> classifier.manifest.precision
    'int8'
    >>> ink = np.zeros((90, 60), np.uint8)
    >>> ink[10:80, 28:34] = 255
    >>> classifier.classify(ink).label
    '1'
    """

    def __init__(self, artifact: Artifact, backends: Sequence[Backend], backend_name: str) -> None:
        self.manifest: Manifest = artifact.manifest
        self.golden: Golden = artifact.golden
        self.backend_name = backend_name
        self.threads = len(backends)
        self._output = backends[0].output
        self._idle: SimpleQueue[Backend] = SimpleQueue()
        for backend in backends:
            self._idle.put(backend)

    @classmethod
    def load(cls, path: str | Path | None = None, *, backend: str | None = None, threads: int = 1) -> Classifier:
        """Load an exported file, after checking its integrity.

        Parameters
        ----------
        path : str or Path, optional
            A ``.tflite`` or ``.onnx`` file made by ``mnist-export``; without it the ready int8 model of this package.
        backend : str, optional
            ``"litert"``, ``"tflite-runtime"``, ``"onnxruntime"`` or, for int8 ``.tflite`` files, ``"numpy"``, which
            needs no interpreter; without it the first of them that is installed and starts. One that does not is
            passed over with a `RuntimeWarning`.
        threads : int, optional
            Batches of images that are worked on at once, each by an interpreter of its own. It helps with hundreds of
            images, not with one.

        Raises
        ------
        ArtifactError
            If the file is missing, damaged or of another kind.
        BackendError
            If no interpreter for it is installed; the message names the ``pip install`` line.
        UsageError
            If `backend` is unknown or cannot run this format, or `threads` is below 1.
        """
        if threads < 1:
            raise UsageError(f"Expected one thread or more, received {threads}.")
        while True:
            try:
                return cls._load(path, backend, threads)
            except BackendError as error:
                if backend is not None or not isinstance(error.__cause__, (ImportError, OSError, SystemError)):
                    raise
                warnings.warn(f"{error} Another is tried.", RuntimeWarning, stacklevel=2)

    @classmethod
    def _load(cls, path: str | Path | None, backend: str | None, threads: int) -> Classifier:
        if path is None:
            name = choose_backend(tuple(READY_MODELS), backend, "int8")
            with resources.as_file(_ready_model(BACKENDS[name].format)) as ready:
                artifact = Artifact.open(ready)
        else:
            artifact = Artifact.open(path)
            name = choose_backend((artifact.manifest.format,), backend, artifact.manifest.precision)
        return cls(artifact, [load_backend(name, artifact.content) for _ in range(threads)], name)

    def predict(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Return the digit on each of `images`.

        Parameters
        ----------
        images : ndarray of shape (n, 28, 28), dtype uint8
            Pixels 0..255, white on black, as in MNIST.

        Returns
        -------
        ndarray of shape (n,), dtype int64

        Raises
        ------
        UsageError
            If shape or dtype are others.
        """
        answers: npt.NDArray[np.int64] = np.argmax(self.scores(images), axis=1)
        return answers

    def predict_proba(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return the ten scores, 0..1, of each of `images`; see `predict` for what they must be.

        A softmax model's rows sum to one, up to the rounding of its precision; a sigmoid model scores each
        class for itself. ``manifest.scores`` tells which it is.

        Returns
        -------
        ndarray of shape (n, 10), dtype float32
        """
        return self.real_scores(self.scores(images))

    def real_scores(self, scores: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Return the shares 0..1 that `scores`, as the file gives them, stand for."""
        return scores.astype(np.float32) if self._output is None else self._output.dequantize(scores)

    def classify(self, picture: npt.NDArray[np.uint8] | str | Path | Any) -> Classification:
        """Say what digit a picture shows, after bringing it to MNIST form with `prepare`.

        Parameters
        ----------
        picture : ndarray, str, Path or PIL.Image.Image
            An array as `prepare` takes it, or a file (which needs the extra ``images``).

        Raises
        ------
        PictureError
            If it cannot be read or shows nothing.
        BackendError
            If it is a file and Pillow is not installed.
        """
        if isinstance(picture, (str, Path)):
            pixels = read_picture(picture)
        else:
            pixels = picture if isinstance(picture, np.ndarray) else pixels_of(picture)
        scores = self.predict_proba(prepare(pixels)[None])[0]
        order = np.argsort(-scores, kind="stable")
        ranking = tuple((self.manifest.labels[index], float(scores[index])) for index in order)
        return Classification(*ranking[0], ranking)

    def scores(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return the scores of `images` as the file gives them, integers where it is an integer model."""
        if not isinstance(images, np.ndarray) or images.dtype != np.uint8 or images.shape[1:] != (28, 28):
            shape = getattr(images, "shape", type(images).__name__)
            raise UsageError(
                "Expected images of shape (n, 28, 28) and dtype uint8, pixels 0..255, received "
                f"{shape} and dtype {getattr(images, 'dtype', 'none')}; `classify` takes any picture."
            )
        # One image even for none, so that the result has the file's dtype.
        padded = images if len(images) else np.zeros((1, 28, 28), np.uint8)
        # A dynamic file takes its ranges from all it is given at once; alone, no image depends on its neighbours.
        step = 1 if self.manifest.precision == "dynamic" else BATCH
        parts = self._run([padded[start : start + step, :, :, None] for start in range(0, len(padded), step)])
        scores: npt.NDArray[Any] = np.concatenate(parts)[: len(images)]
        if scores.shape != (len(images), len(self.manifest.labels)):
            raise ArtifactError(
                f"Expected {len(self.manifest.labels)} scores an image, the model gave shape {scores.shape}; "
                "export it again."
            )
        return scores

    def _run(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        """Run each of `batches`; where there are threads for it, each takes an equal part of them."""
        if self.threads == 1 or len(batches) == 1:
            return self._run_some(batches)
        from concurrent.futures import ThreadPoolExecutor  # takes as long to import as a hundred digits

        part = -(-len(batches) // self.threads)
        parts = [batches[start : start + part] for start in range(0, len(batches), part)]
        with ThreadPoolExecutor(self.threads) as pool:
            return [scores for some in pool.map(self._run_some, parts) for scores in some]

    def _run_some(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        backend = self._idle.get()
        try:
            return [backend.run(self._tensor(batch)) for batch in batches]
        finally:
            self._idle.put(backend)

    def _tensor(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return raw pixels as the file takes them: as they are, unless it was exported otherwise."""
        wanted = self.manifest.input
        if wanted["dtype"] == "uint8":
            return pixels
        # Exact: small integers, or one multiplication in float32, as a program that scales pixels does it.
        scaled = pixels * np.float32(wanted["scale"]) + np.float32(wanted["offset"])
        return scaled.astype(wanted["dtype"])


def _ready_model(format: str) -> Any:
    return resources.files("mnist_runtime") / "models" / READY_MODELS[format]
