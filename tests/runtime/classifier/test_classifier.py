"""`Classifier` with the ready models and with interpreters made for the tests."""

import dataclasses
import re
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from mnist_runtime import Artifact, ArtifactError, Classifier, PictureError, Prediction, QuantParams, UsageError
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import NotFiniteError
from mnist_tools.stress.model_files import Ready, resealed

READY = Ready.read("tflite")
READY_ARTIFACT = Artifact.from_bytes(READY.content)


def test_scores_are_from_0_to_1_and_sum_to_one(golden: np.ndarray) -> None:
    scores = Classifier.load().predict_proba(golden)
    assert scores.dtype == np.float32
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert np.allclose(scores.sum(axis=1), 1, atol=0.02)  # ten scores, each rounded to 1/256


def test_no_images_give_empty_results() -> None:
    none = np.zeros((0, 28, 28), np.uint8)
    classifier = Classifier.load()
    assert classifier.predict(none).shape == (0,)
    assert classifier.predict_proba(none).shape == (0, 10)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.zeros((2, 20, 20), np.uint8), r"have shape \(2, 20, 20\), but \(n, 28, 28\)"),
        (np.zeros(28, np.uint8), r"have shape \(28,\)"),
        (np.full((1, 28, 28), 256), "range from 256 to 256, but 0 to 255"),
        (np.full((1, 28, 28), -1), "range from -1 to -1"),
        (np.full((1, 28, 28), np.nan), "pixels contain NaN"),
        ([[0], [0, 1]], "of type list"),
        ("seven.png", "of type str and dtype <U9"),
        (None, "This is None, not a picture"),
    ],
)
def test_other_shapes_types_and_values_are_rejected(images: object, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        Classifier.load().predict(images)


def test_every_documented_form_of_images_is_accepted(golden: np.ndarray) -> None:
    classifier = Classifier.load()
    images = golden
    expected = classifier.scores(images)
    forms = [
        images[..., None],
        images.reshape(-1, 784),
        images.tolist(),
        images.astype(np.int64),
        images.astype(np.float64),
        images / np.float32(255),
        images[:, ::-1][:, ::-1],
        np.asfortranarray(images),
    ]
    for form in forms:
        assert np.array_equal(classifier.scores(form), expected)
    assert np.array_equal(classifier.scores(images[0]), expected[:1])


def test_a_picture_is_classified_from_array_and_file(seven: np.ndarray, tmp_path: Path) -> None:
    from PIL import Image

    classifier = Classifier.load()
    found = classifier.classify(seven)
    assert found.digit == 7
    assert found.confidence == found.ranking[0][1] == max(score for _, score in found.ranking)
    assert sorted(digit for digit, _ in found.ranking) == list(range(10))
    assert classifier.classify(seven.tolist()) == found
    Image.fromarray(seven).save(tmp_path / "seven.png")
    assert classifier.classify(tmp_path / "seven.png") == found
    assert classifier.classify(Image.fromarray(seven)) == found


def test_a_blank_picture_has_no_digit() -> None:
    assert Classifier.load().classify(np.full((50, 50), 200, np.uint8)) == Prediction(None, reason="blank", marks=0)


def test_a_confidence_below_the_threshold_gives_no_digit(seven: np.ndarray) -> None:
    classifier = Classifier.load()
    confidence = classifier.classify(seven).confidence
    for threshold, digit in ((confidence, 7), (np.nextafter(confidence, 1), None)):
        classifier.manifest = dataclasses.replace(classifier.manifest, threshold=threshold)
        assert classifier.classify(seven).digit == digit


class Constant:
    """An interpreter that gives every image the same output."""

    def __init__(self, row: list[int], output: QuantParams) -> None:
        self.row, self.output = row, output

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return np.repeat(np.array([self.row], self.output.dtype), len(pixels), axis=0)


class Floats:
    """An interpreter that gives every image the same real scores."""

    output = None

    def __init__(self, *row: float) -> None:
        self.row = np.array([row], np.float32)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        return np.repeat(self.row, len(pixels), axis=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("method", ["predict", "predict_proba", "scores", "classify"])
def test_scores_that_are_no_numbers_are_an_error(value: float, method: str, seven: np.ndarray) -> None:
    """A network that divides by the standard deviation of the image answered 0 for a blank one, with nan."""
    classifier = Classifier(READY_ARTIFACT, [Floats(value, *[0.1] * 9)], "litert")
    with pytest.raises(NotFiniteError, match="scores that are nan or infinity"):
        getattr(classifier, method)(seven[:28, :28, 0] if method != "classify" else seven)


@pytest.mark.parametrize(
    ("output", "activation", "threshold", "is_valid"),
    [
        (QuantParams(1 / 256, 0, "uint8"), None, 255 / 256, True),
        (QuantParams(1 / 256, 0, "uint8"), None, 0.9963, False),
        (QuantParams(1 / 256, -128, "int8"), None, 0.999, False),
        (QuantParams(1 / 32768, 0, "int16"), None, 0.9999, True),
        (QuantParams(0.25, 128, "uint8"), "softmax", 1.0, True),
        (QuantParams(0.01, 128, "uint8"), "sigmoid", 0.8, False),  # 1.27 becomes 0.781
        (QuantParams(float("nan"), 0, "uint8"), None, 0.5, False),
    ],
)
def test_a_threshold_that_no_score_can_reach_is_refused(
    output: QuantParams, activation: str | None, threshold: float, is_valid: bool
) -> None:
    """With it the file would answer "no digit" to every picture."""
    manifest = READY_ARTIFACT.manifest
    facts = manifest.output | ({"activation": activation} if activation else {})
    manifest = dataclasses.replace(manifest, output=facts, threshold=threshold)
    artifact = dataclasses.replace(READY_ARTIFACT, manifest=manifest)
    backend = Constant([0] * 10, output)
    if is_valid:
        assert Classifier(artifact, [backend], "litert").manifest.threshold == threshold
    else:
        with pytest.raises(ArtifactError, match="it gives no label"):
            Classifier(artifact, [backend], "litert")


def test_a_file_with_logits_gives_scores_after_its_activation(seven: np.ndarray) -> None:
    manifest = READY_ARTIFACT.manifest
    manifest = dataclasses.replace(manifest, output=manifest.output | {"activation": "sigmoid"}, threshold=0.7)
    artifact = dataclasses.replace(READY_ARTIFACT, manifest=manifest)
    logits = [120, 120, 120, 129, 120, 120, 120, 120, 120, 120]
    classifier = Classifier(artifact, [Constant(logits, QuantParams(1.0, 128, "uint8"))], "numpy")
    assert classifier.scores(seven[:28, :28, 0]).tolist() == [logits]
    expected = 1 / (1 + np.exp(-(np.array(logits) - 128.0)))
    assert np.allclose(classifier.predict_proba(seven[:28, :28, 0]), expected)
    found = classifier.classify(seven)
    assert (found.digit, round(found.confidence, 3)) == (3, 0.731)


def test_the_answer_of_logits_that_the_activation_rounds_alike_is_that_of_the_scores() -> None:
    manifest = READY_ARTIFACT.manifest
    artifact = dataclasses.replace(
        READY_ARTIFACT, manifest=dataclasses.replace(manifest, output=manifest.output | {"activation": "sigmoid"})
    )
    logits = [0, 100, 200, *[0] * 7]
    classifier = Classifier(artifact, [Constant(logits, QuantParams(1.0, 0, "uint8"))], "numpy")
    images = np.zeros((2, 28, 28), np.uint8)
    assert classifier.predict(images).tolist() == classifier.predict_proba(images).argmax(axis=1).tolist() == [1, 1]


class Pixels:
    """An interpreter whose scores are the first values of each image, in the order of its tensor."""

    output = None

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.shapes: set[tuple[int, ...]] = set()

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self.shapes.add(pixels.shape[1:])
        return pixels.reshape(len(pixels), -1)[:, : self.classes].astype(np.float32) / 255


def classifier_of(task: Task, backend: Pixels, **facts: object) -> Classifier:
    manifest = dataclasses.replace(
        READY_ARTIFACT.manifest,
        labels=task.labels,
        input={"dtype": "uint8", "shape": [None, *task.tensor_shape], **facts},
        preparation={"kind": task.preparation},
        threshold=0.0,
        schema=2,
    )
    return Classifier(dataclasses.replace(READY_ARTIFACT, manifest=manifest), [backend], "numpy")


METER = Task(32, 20, 3, (*"0123456789", "N"))


@pytest.mark.parametrize("task", [METER, Task(8, 128, 1, ("a", "b")), Task(128, 8, 1, tuple(map(str, range(1000))))])
def test_images_of_any_task_are_classified(task: Task) -> None:
    images = np.random.default_rng(0).integers(0, 256, (70, *task.image_shape), np.uint8)
    backend = Pixels(len(task.labels))
    classifier = classifier_of(task, backend)
    expected = images.reshape(70, -1)[:, : len(task.labels)]
    assert classifier.task == task
    for form in (images, images.reshape(70, *task.tensor_shape), images.reshape(70, -1), images / 255):
        assert np.array_equal(np.rint(255 * classifier.predict_proba(form)), expected)
    assert np.array_equal(classifier.predict(images[3]), expected[3:4].argmax(axis=1))
    assert classifier.predict_proba(images[:0]).shape == (0, len(task.labels))
    assert backend.shapes == {task.tensor_shape}


def test_an_image_of_the_models_size_is_never_taken_for_a_frame_with_planes_of_color() -> None:
    image = np.full((96, 64), 20, np.uint8)
    image[64:] = 120  # as the planes of a gray scene
    classifier = classifier_of(Task(96, 64, 1, ("a", "b")), Pixels(2))
    assert classifier.classify(image).confidence == pytest.approx(20 / 255)
    with pytest.raises(PictureError, match="looks like a YUV420 frame"):
        classifier_of(Task(64, 96, 1, ("a", "b")), Pixels(2)).classify(image)


def test_images_of_another_size_are_rejected() -> None:
    classifier = classifier_of(METER, Pixels(11))
    for shape in ((2, 28, 28), (2, 20, 32, 3), (2, 32, 20), (32, 20), (2, 32, 20, 1), (2, 784)):
        with pytest.raises(UsageError, match=re.escape(f"have shape {shape}, but (n, 32, 20, 3)")):
            classifier.predict(np.zeros(shape, np.uint8))


@pytest.mark.parametrize("count", [None, 1])
def test_colors_are_first_in_a_tensor_that_has_them_first(count: int | None) -> None:
    images = np.random.default_rng(1).integers(0, 256, (5, 32, 20, 3), np.uint8)
    backend = Pixels(11)
    classifier = classifier_of(METER, backend, tensor_shape=[count, 3, 32, 20])
    assert np.array_equal(np.rint(255 * classifier.predict_proba(images)), images[:, 0, :11, 0])
    assert backend.shapes == {(3, 32, 20)}


def test_a_closed_classifier_raises_a_usage_error(golden: np.ndarray) -> None:
    with Classifier.load(threads=2) as classifier:
        assert len(classifier.predict(golden[:3])) == 3
    with pytest.raises(UsageError, match="This classifier is closed"):
        classifier.predict(golden[:3])


def test_a_damaged_file_is_rejected_before_it_is_loaded(ready: dict[str, Path], tmp_path: Path) -> None:
    content = bytearray(ready["onnx"].read_bytes())
    content[5000] ^= 1
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(content)
    with pytest.raises(ArtifactError, match=r"damaged\.onnx.*SHA-256 differs"):
        Classifier.load(damaged)


def test_a_sealed_file_without_a_model_is_rejected(tmp_path: Path) -> None:
    hollow = tmp_path / "hollow.tflite"
    hollow.write_bytes(resealed(b"not a model" + READY.archive))
    with pytest.raises(ArtifactError, match=r"cannot run the file|is not a \.tflite file"):
        Classifier.load(hollow)


def test_several_threads_give_the_same_scores_as_one(shifted: np.ndarray) -> None:
    images = np.concatenate([shifted] * 5)
    alone, together = (Classifier.load(threads=threads) for threads in (1, 3))
    assert np.array_equal(alone.scores(images), together.scores(images))
    assert np.array_equal(alone.scores(images[:1]), together.scores(images[:1]))


class Counting:
    """An interpreter that notes how many images each call has."""

    output = None

    def __init__(self) -> None:
        self.counts: list[int] = []

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self.counts.append(len(pixels))
        return np.zeros((len(pixels), 10), np.float32)


@pytest.mark.parametrize(
    ("backend", "precision", "counts"),
    [
        ("litert", "int8", [32, 8]),
        ("litert", "dynamic", [1] * 40),
        ("tflite-runtime", "int8", [1] * 40),
        ("tflite-runtime", "int4", [1] * 40),
        ("tflite-runtime", "float32", [32, 8]),
    ],
)
def test_images_go_alone_where_a_batch_would_change_their_scores(
    backend: str, precision: str, counts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    interpreter = Counting()
    manifest = dataclasses.replace(READY_ARTIFACT.manifest, precision=precision)
    artifact = dataclasses.replace(READY_ARTIFACT, manifest=manifest)
    monkeypatch.setattr(Artifact, "open", lambda *_, **__: artifact)
    monkeypatch.setattr("mnist_runtime.classifier.load_backend", lambda *_: interpreter)
    monkeypatch.setattr("mnist_runtime.classifier.choose_backend", lambda *_: backend)
    classifier = Classifier.load("model.tflite")
    classifier.scores(np.zeros((40, 28, 28), np.uint8))
    assert interpreter.counts == counts


def test_a_file_for_one_image_gets_one_at_a_time() -> None:
    interpreter = Counting()
    task = Task(labels=tuple("0123456789"))
    classifier_of(task, interpreter, tensor_shape=[1, 28, 28, 1]).scores(np.zeros((2, 28, 28), np.uint8))
    assert interpreter.counts == [1, 1]


class Failing(Counting):
    """An interpreter whose first run fails."""

    def run(self, pixels: np.ndarray) -> np.ndarray:
        if not self.counts:
            self.counts.append(0)
            raise MemoryError
        return super().run(pixels)


def test_an_interpreter_can_be_used_again_after_a_failure() -> None:
    classifier = classifier_of(Task(labels=tuple("0123456789")), Failing())
    image = np.zeros((1, 28, 28), np.uint8)
    with pytest.raises(MemoryError):
        classifier.scores(image)
    found: list[np.ndarray] = []
    again = threading.Thread(target=lambda: found.append(classifier.scores(image)), daemon=True)
    again.start()
    again.join(20)
    assert len(found) == 1


def test_the_ready_model_has_no_signature() -> None:
    with pytest.raises(UsageError, match="The ready model is a part of mnist-runtime and not signed"):
        Classifier.load(trusted="keys")


class Unsafe:
    """An interpreter that, like LiteRT, stores its input, which another thread can then replace."""

    output = None

    def __init__(self) -> None:
        self.input = np.zeros(0)

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self.input = pixels
        time.sleep(0.002)
        return self.input[:, :1, :10, 0].reshape(-1, 10).astype(np.float32)


def mixed_up(classifier: Classifier) -> int:
    """Return how many of 80 calls by 8 threads get the scores of another call."""
    images = np.arange(80, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 28, 28), np.uint8)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(classifier.scores, images))
    return sum(not np.all(scores == number) for number, scores in enumerate(found))


@pytest.mark.parametrize("interpreters", [1, 3, 8])
def test_concurrent_calls_do_not_share_an_interpreter(interpreters: int) -> None:
    """test_every_interpreter.py checks real interpreters; this one always shows a mix-up."""
    classifier = Classifier(Artifact.from_bytes(READY.content), [Unsafe() for _ in range(interpreters)], "numpy")
    assert mixed_up(classifier) == 0


def test_a_shared_interpreter_would_mix_up_answers() -> None:
    classifier = Classifier(Artifact.from_bytes(READY.content), [Unsafe()] * 8, "numpy")
    assert mixed_up(classifier) > 0


class Waiting:
    """An interpreter that waits for an event before it answers."""

    output = None

    def __init__(self) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()

    def run(self, pixels: np.ndarray) -> np.ndarray:
        self.begun.set()
        assert self.may_end.wait(60)
        return np.zeros((len(pixels), 10), np.float32)


def test_closing_ends_waiting_calls() -> None:
    backend = Waiting()
    classifier = Classifier(Artifact.from_bytes(READY.content), [backend], "numpy")
    image = np.zeros((1, 28, 28), np.uint8)
    with ThreadPoolExecutor(4) as pool:
        working = pool.submit(classifier.scores, image)
        assert backend.begun.wait(60)
        waiting = [pool.submit(classifier.scores, image) for _ in range(3)]
        classifier.close()
        for call in waiting:
            with pytest.raises(UsageError, match="This classifier is closed"):
                call.result(60)
        assert not working.done()
        backend.may_end.set()
        assert working.result(60).shape == (1, 10)
    with pytest.raises(UsageError, match="This classifier is closed"):
        classifier.scores(image)


def test_a_closed_classifier_releases_its_interpreters() -> None:
    backends = [Unsafe(), Unsafe()]
    held = [weakref.ref(backend) for backend in backends]
    classifier = Classifier(Artifact.from_bytes(READY.content), backends, "numpy")
    backends.clear()
    classifier.close()
    classifier.close()
    assert [each() for each in held] == [None, None]


@pytest.mark.parametrize("count", [1, 100])
def test_a_model_with_another_number_of_scores_is_rejected(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(Unsafe, "run", lambda _, pixels: np.zeros((len(pixels), 9), np.float32))
    classifier = Classifier(Artifact.from_bytes(READY.content), [Unsafe()], "numpy")
    with pytest.raises(ArtifactError, match=rf"scores of shape \({count}, 9\), not \({count}, 10\)"):
        classifier.scores(np.zeros((count, 28, 28), np.uint8))


def test_zero_threads_are_rejected() -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        Classifier.load(threads=0)
