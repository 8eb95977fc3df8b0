"""`Classifier`: one model file, loaded into one or more interpreters."""

from __future__ import annotations

import pkgutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from mnist_runtime.artifact.container import Artifact, Golden
from mnist_runtime.artifact.manifest import Manifest
from mnist_runtime.artifact.task import Task
from mnist_runtime.backends.base import Backend
from mnist_runtime.backends.registry import BACKENDS, choose_backend, load_backend
from mnist_runtime.backends.sharing import CLOSED, SharedBackends
from mnist_runtime.errors import ArtifactError, BackendError, BlankError, NotFiniteError, UsageError
from mnist_runtime.prediction import Prediction, scores_of_logits
from mnist_runtime.preprocess.decode import PictureSource
from mnist_runtime.preprocess.prepare import Ink, ModelInput, prepare_symbols

__all__ = ["READY_FORMATS", "Classifier", "ready_model"]

BATCH = 32
"""Images per call of the interpreter: enough to hide Python's overhead, few enough for the cache."""

PARTS = 4
"""Groups of batches per thread. A thread that finishes early takes another group."""

READY_FORMATS = ("tflite", "onnx")
"""Formats of the ready models, the preferred first."""


class Classifier:
    """Classify digits, or other pictures, with one model; see `Classifier.load`.

    Parameters
    ----------
    artifact : Artifact
        The model file.
    backends : sequence of Backend
        Interpreters with the model loaded. Each runs one call at a time.
    backend_name : str
        Key in `BACKENDS`, or the name of another interpreter.
    batch : int
        Most images per call of an interpreter.

    Notes
    -----
    Threads may share a classifier. Each call uses its own interpreter, and waits if none is free. As a context manager,
    a classifier releases its interpreters at the end.

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

    def __init__(
        self, artifact: Artifact, backends: Sequence[Backend], backend_name: str, *, batch: int = BATCH
    ) -> None:
        self.manifest: Manifest = artifact.manifest
        self.golden: Golden = artifact.golden
        self.backend_name = backend_name
        self.threads = len(backends)
        self._output = backends[0].output
        self._activation: str | None = self.manifest.output.get("activation")
        self.task: Task = self.manifest.task
        self._input = ModelInput(self.manifest)
        count = self.manifest.input.get("tensor_shape", [None])[0]
        # Dynamic quantization uses the range of the whole batch. In batches of one, no image depends on others.
        self._batch = 1 if self.manifest.precision == "dynamic" else count or batch
        self._check_threshold()
        self._backends = SharedBackends(backends).share(self)
        self._closed = False

    @classmethod
    def load(
        cls,
        path: str | Path | None = None,
        *,
        backend: str | None = None,
        threads: int = 1,
        trusted: str | Path | None = None,
    ) -> Classifier:
        """Check the integrity of an exported file and load it.

        Parameters
        ----------
        path : str or Path, optional
            A ``.tflite`` or ``.onnx`` file from ``mnist-export``. Default: the ready int8 model.
        backend : str, optional
            A key of `BACKENDS`. Default: the first that works, with a `RuntimeWarning` for each that is installed but
            does not start.
        threads : int, optional
            Number of threads, each with an interpreter. Useful for hundreds of images.
        trusted : str or Path, optional
            A list of trusted keys, one of which must have signed the file; see `verify_signature`.

        Raises
        ------
        ArtifactError
            If the file is missing, damaged or of another kind.
        SignatureError
            If no trusted key signed it.
        BackendError
            If no interpreter for it works here.
        UsageError
            If `backend` does not run this file, or `threads` is below 1.
        """
        if threads < 1:
            raise UsageError(f"threads is {threads}, but must be at least 1.")
        if path is None and trusted is not None:
            raise UsageError(
                "The ready model is a part of mnist-runtime and not signed. Give the path of a signed file."
            )
        while True:
            try:
                return cls._load(path, backend, threads, trusted)
            except BackendError as error:
                if backend is not None or not isinstance(error.__cause__, (ImportError, OSError, SystemError)):
                    raise
                warnings.warn(f"{error} Trying the next backend.", RuntimeWarning, stacklevel=2)

    @classmethod
    def _load(
        cls, path: str | Path | None, backend: str | None, threads: int, trusted: str | Path | None
    ) -> Classifier:
        if path is None:
            name = choose_backend(READY_FORMATS, backend, "int8")
            artifact = Artifact.from_bytes(ready_model(BACKENDS[name].format))
        else:
            artifact = Artifact.open(path, trusted=trusted)
            name = choose_backend((artifact.manifest.format,), backend, artifact.manifest.precision)
        backends = [load_backend(name, artifact.content, artifact.manifest.tensor_shape) for _ in range(threads)]
        batch = 1 if artifact.manifest.precision in BACKENDS[name].alone else BATCH
        return cls(artifact, backends, name, batch=batch)

    def close(self) -> None:
        """Release the interpreters, unless a copy uses them. Waiting and later calls raise a `UsageError`."""
        if not self._closed:
            self._closed = True
            self._backends.close(self)

    def __copy__(self) -> Classifier:
        """Return a classifier with the same interpreters, which stay open until both are closed."""
        if self._closed:
            raise UsageError(CLOSED)
        copied = object.__new__(type(self))
        copied.__dict__.update(self.__dict__, _backends=self._backends.share(copied))
        return copied

    def __reduce_ex__(self, _: object) -> NoReturn:
        raise UsageError(
            "A classifier cannot be pickled or copied deeply: its interpreter belongs to this process. "
            "Load the file in the other process, or use the classifier in threads."
        )

    def __enter__(self) -> Classifier:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def predict(self, images: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Return the class of each image, whatever its confidence.

        Parameters
        ----------
        images : array_like of shape (n, h, w), (n, h, w, channels), (n, h * w * channels), or that of one image
            Of the size that the model takes; digits have 28 x 28 pixels and are white on black, as in MNIST. Integers
            0..255, or floats 0..1 or 0..255. For other pictures use `classify`.

        Returns
        -------
        ndarray of shape (n,), dtype int64
            Index in the manifest's labels: the digit, if they are the ten digits.

        Raises
        ------
        UsageError
            If the images do not have such a shape, dtype or range.
        """
        # An activation can round large logits to equal scores. With scores, the class agrees with `predict_proba`.
        scores = self.scores(images) if self._activation is None else self.predict_proba(images)
        classes: npt.NDArray[np.int64] = np.argmax(scores, axis=1)
        return classes

    def predict_proba(self, images: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the scores, 0..1, of each image; `images` as for `predict`.

        Returns
        -------
        ndarray of shape (n, classes), dtype float32
        """
        return self.real_scores(self.scores(images))

    def real_scores(self, scores: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
        """Convert the output of the model, such as integers or logits, to scores 0..1."""
        real = scores.astype(np.float32, copy=False) if self._output is None else self._output.dequantize(scores)
        return real if self._activation is None else scores_of_logits(real, self._activation)

    def classify(self, picture: PictureSource) -> Prediction:
        """Prepare a picture as `prepare` does, and classify it.

        Parameters
        ----------
        picture : array_like, str, Path, bytes, file object or PIL.Image.Image
            An array as for `prepare`, the path of a file, or its content: bytes, or a file that is open for
            reading them, such as an upload.

        Returns
        -------
        Prediction
            Without a `label` if the confidence is below ``manifest.threshold``; for handwriting also if the picture
            has no clear strokes, is a scribble or shows several digits. Its `reason` says which.

        Raises
        ------
        PictureError
            If it cannot be read, or is far too large.
        UsageError
            If it has another type, or a file is open as text.
        BackendError
            If it is a file and Pillow is not installed.
        """
        if self.task.preparation == "plain":
            scores = self.predict_proba(self._input.image(picture))
            return Prediction.of(scores[0], self.manifest.threshold, self.task)
        try:
            ink, marks, number = prepare_symbols(picture)
        except BlankError:
            return Prediction(None, reason="blank", marks=0)
        main, *others = self.classify_ink([ink, *marks])
        # The others include the main symbol, so one digit more than its own means several.
        if sum(other.label is not None for other in others) >= (2 if main.label is not None else 1):
            return Prediction(None, reason="several", marks=number)
        return main

    def classify_ink(self, inks: Sequence[Ink]) -> list[Prediction]:
        """Classify prepared symbols, as `prepare_symbols` and `find` return them; a scribble gets no label."""
        scores = self.predict_proba(np.stack([ink.image for ink in inks]))
        found = [Prediction.of(row, self.manifest.threshold, self.task) for row in scores]
        return [
            each.without_label("scribble") if ink.is_scribble else each for each, ink in zip(found, inks, strict=True)
        ]

    def scores(self, images: npt.ArrayLike) -> npt.NDArray[Any]:
        """Return the raw output of the model: integers for an integer model, logits for some models."""
        pixels = self._input.images(images)
        count = len(pixels)
        if 0 < count <= self._batch:
            scores = self._run_part([pixels])[0]
        else:
            # For no images, run a blank one to get the dtype of the result.
            padded = pixels if count else np.zeros((1, *self.task.image_shape), np.uint8)
            batches = [padded[start : start + self._batch] for start in range(0, len(padded), self._batch)]
            scores = np.concatenate(self._run(batches))[:count]
        needed = (count, len(self.task.labels))
        if scores.shape != needed:
            raise ArtifactError(f"The model returned scores of shape {scores.shape}, not {needed}. Export it again.")
        if scores.dtype.kind == "f" and not np.isfinite(scores).all():
            raise NotFiniteError("The model gives scores that are nan or infinity. Export another model.")
        return scores

    def _check_threshold(self) -> None:
        """Reject a threshold above the highest score of an integer output: no picture would get a label."""
        if self._output is not None:
            limits = np.iinfo(self._output.dtype)
            best = np.array([[limits.max, *[limits.min] * (len(self.task.labels) - 1)]], self._output.dtype)
            highest = float(self.real_scores(best).max())
            if not highest >= self.manifest.threshold:  # nor if it is nan
                raise ArtifactError(
                    f"The file's threshold is {self.manifest.threshold}, but its highest score is {highest:.4f}: it "
                    "gives no label. Export the model again."
                )

    def _run(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        """Run each batch, on all threads."""
        if self.threads == 1:
            return self._run_part(batches)
        from concurrent.futures import ThreadPoolExecutor  # slow to import

        part = -(-len(batches) // (self.threads * PARTS))
        parts = [batches[start : start + part] for start in range(0, len(batches), part)]
        with ThreadPoolExecutor(self.threads) as pool:
            return [scores for part_scores in pool.map(self._run_part, parts) for scores in part_scores]

    def _run_part(self, batches: list[npt.NDArray[np.uint8]]) -> list[npt.NDArray[Any]]:
        if self._closed:
            raise UsageError(CLOSED)
        found = []
        backend = self._backends.take()
        try:
            for batch in batches:
                found.append(backend.run(self._input.tensor(batch)))
                backend = self._backends.exchange(backend)
        finally:
            self._backends.give(backend)
        return found


def ready_model(format: str) -> bytes:
    """Return the bytes of the int8 model in the wheel, in one of `READY_FORMATS`."""
    content = pkgutil.get_data("mnist_runtime", f"models/cnn-int8.{format}")
    assert content is not None  # only loaders that cannot read data return None
    return content
