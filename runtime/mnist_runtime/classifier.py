"""`Classifier`: a manifest and a backend, together; the one class that most programs need."""

from __future__ import annotations

import contextlib
import pkgutil
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.container import Artifact, Golden
from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.backends.base import Backend
from mnist_runtime.backends.registry import BACKENDS, choose_backend, load_backend
from mnist_runtime.errors import ArtifactError, BackendError, BlankError, UsageError
from mnist_runtime.prediction import Prediction
from mnist_runtime.preprocess.pixels import as_pixels
from mnist_runtime.preprocess.prepare import Ink, prepare_ink

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Classifier"]

BATCH = 32
"""Images that go through the interpreter at once: enough to hide Python's share; their features stay in the cache."""

PARTS = 4
"""For each thread, of a batch; with one alone, all would wait at the end for the slowest core."""

READY_MODELS = {"tflite": "cnn-int8.tflite", "onnx": "cnn-int8.onnx"}


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
    all are in use; what it returns is a copy. As a context manager it lets go of its interpreters, and of their memory,
    at the end.

    Examples
    --------
    >>> classifier = Classifier.load()
    >>> classifier.manifest.precision
    'int8'
    >>> ink = np.zeros((90, 60), np.uint8)
    >>> ink[10:80, 28:34] = 255
    >>> classifier.classify(ink).digit
    1
    """

    def __init__(self, artifact: Artifact, backends: Sequence[Backend], backend_name: str) -> None:
        self.manifest: Manifest = artifact.manifest
        self.golden: Golden = artifact.golden
        self.backend_name = backend_name
        self.threads = len(backends)
        self._output = backends[0].output
        self._classes = len(self.manifest.labels)
        self._takes_pixels = self.manifest.input["dtype"] == "uint8"
        # A dynamic file takes its ranges from all it is given at once; alone, no image depends on its neighbours.
        self._batch = 1 if self.manifest.precision == "dynamic" else BATCH
        self._closed = False
        # None, once it is closed, wakes the calls that wait.
        self._idle: SimpleQueue[Backend | None] = SimpleQueue()
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
            artifact = Artifact.from_bytes(_ready_model(BACKENDS[name].format))
        else:
            artifact = Artifact.open(path)
            name = choose_backend((artifact.manifest.format,), backend, artifact.manifest.precision)
        return cls(artifact, [load_backend(name, artifact.content) for _ in range(threads)], name)

    def close(self) -> None:
        """Let go of the interpreters, each as soon as no call is using it; later calls, and those that wait, fail."""
        self._closed = True
        self._let_go()

    def __enter__(self) -> Classifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the digit on each of `images`, whatever its confidence.

        Parameters
        ----------
        images : array_like of shape (n, 28, 28), (n, 28, 28, 1), (n, 784) or (28, 28)
            White on black, as in MNIST. Bytes and other integers are pixels 0..255; floats that do not exceed 1 are
            shares of white. Pictures of any other kind are for `classify`.

        Returns
        -------
        ndarray of shape (n,), dtype int64

        Raises
        ------
        UsageError
            If shape, type or values are others.
        """
        answers: npt.NDArray[np.int64] = np.argmax(self.scores(images), axis=1)
        return answers

    def predict_proba(self, images: npt.ArrayLike) -> npt.NDArray[np.float32]:
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
        return scores.astype(np.float32, copy=False) if self._output is None else self._output.dequantize(scores)

    def classify(self, picture: npt.ArrayLike | str | Path | Image) -> Prediction:
        """Say what digit a picture shows, after bringing it to MNIST form with `prepare`.

        Parameters
        ----------
        picture : array_like, str, Path or PIL.Image.Image
            An array as `prepare` takes it, or a file (which needs the extra ``images``).

        Returns
        -------
        Prediction
            Its `digit` is None where the picture is blank or shows a scribble, or where the confidence is below
            ``manifest.threshold``.

        Raises
        ------
        PictureError
            If it cannot be read, or is far too large.
        UsageError
            If it is none of these.
        BackendError
            If it is a file and Pillow is not installed.
        """
        try:
            ink = prepare_ink(picture)
        except BlankError:
            return Prediction(None)
        return self.classify_ink([ink])[0]

    def classify_ink(self, inks: Sequence[Ink]) -> list[Prediction]:
        """Classify prepared symbols, as `prepare_ink` and `find` return them; a scribble has no digit."""
        scores = self.predict_proba(np.stack([ink.image for ink in inks]))
        found = [Prediction.of(row, self.manifest.threshold) for row in scores]
        return [replace(each, digit=None) if ink.is_scribble else each for each, ink in zip(found, inks, strict=True)]

    def scores(self, images: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the scores of `images` as the file gives them, integers where it is an integer model."""
        pixels = _images(images)
        count = len(pixels)
        if 0 < count <= self._batch:  # nothing to cut, nothing to join
            backend = self._borrow()
            try:
                scores = backend.run(self._tensor(pixels))
            finally:
                self._give_back(backend)
        else:
            # One image even for none, so that the result has the file's dtype.
            padded = pixels if count else np.zeros((1, 28, 28), np.uint8)
            batches = [padded[start : start + self._batch] for start in range(0, len(padded), self._batch)]
            scores = np.concatenate(self._run(batches))[:count]
        if scores.shape != (count, self._classes):
            raise ArtifactError(
                f"Expected {self._classes} scores an image, the model gave shape {scores.shape}; export it again."
            )
        return scores

    def _run(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        """Run each of `batches`, on all threads."""
        if self.threads == 1:
            return self._run_some(batches)
        from concurrent.futures import ThreadPoolExecutor  # takes as long to import as a hundred digits

        part = -(-len(batches) // (self.threads * PARTS))
        parts = [batches[start : start + part] for start in range(0, len(batches), part)]
        with ThreadPoolExecutor(self.threads) as pool:
            return [scores for some in pool.map(self._run_some, parts) for scores in some]

    def _run_some(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        backend = self._borrow()
        try:
            return [backend.run(self._tensor(batch)) for batch in batches]
        finally:
            self._give_back(backend)

    def _borrow(self) -> Backend:
        """Return an interpreter that no other call is using."""
        backend = None if self._closed else self._idle.get()
        if backend is None:
            self._let_go()  # and so wake the next that waits
            raise UsageError("Expected an open classifier, this one was closed; load it again.")
        return backend

    def _give_back(self, backend: Backend) -> None:
        self._idle.put(backend)
        if self._closed:
            self._let_go()

    def _let_go(self) -> None:
        """Empty the pool, but for a None, which ends the wait of whoever takes it."""
        with contextlib.suppress(Empty):
            while True:
                self._idle.get_nowait()
        self._idle.put(None)

    def _tensor(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[Any]:
        """Return images ``(n, 28, 28)`` as the file takes them: raw pixels, unless it was exported otherwise."""
        pixels = images[..., None]
        if self._takes_pixels:
            return pixels
        wanted = self.manifest.input
        # Exact: small integers, or one multiplication in float32, as a program that scales pixels does it.
        scaled = pixels * np.float32(wanted["scale"]) + np.float32(wanted["offset"])
        return scaled.astype(wanted["dtype"])


def _images(images: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return `images` as bytes of shape (n, 28, 28)."""
    pixels = as_pixels(images)
    if pixels.shape[1:] == (28, 28):
        return pixels
    if pixels.shape == (28, 28) or pixels.shape[1:] in ((784,), (28, 28, 1)):
        return pixels.reshape(-1, 28, 28)
    raise UsageError(
        f"Expected images of shape (n, 28, 28), white on black, received {pixels.shape}; `classify` takes any picture."
    )


def _ready_model(format: str) -> bytes:
    content = pkgutil.get_data("mnist_runtime", f"models/{READY_MODELS[format]}")
    assert content is not None  # None is for loaders that cannot read data; those of files and zips can
    return content
