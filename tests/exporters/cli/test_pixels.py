"""``mnist-export``, ``verify`` and ``mnist-evaluate`` on models that expect other pixels than 0..1."""

import dataclasses
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_exporters import ExportSpec, RefusedError, UsageError, open_session
from mnist_exporters.proof.unfit import unfit
from mnist_runtime.artifact.task import Task
from mnist_trainer import Splits, load_model
from mnist_trainer.data.dataset import Dataset

Run = Callable[..., object]
Own = Callable[[str], tuple[Path, float]]

COMMANDS = (
    ("mnist-export", "cnn"),
    ("mnist-evaluate", "cnn"),
    ("mnist-export", "verify", "x.tflite", "--against", "cnn"),
)
"""Commands that take the options for pixels."""


def train(pixels: np.ndarray, labels: np.ndarray, path: Path) -> float:
    """Train a small convolutional network with BatchNormalization, save it, and return its accuracy on `pixels`."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Conv2D(8, 5, strides=2), keras.layers.BatchNormalization(momentum=0.8), keras.layers.ReLU()]
    dense = keras.layers.Dense(10, "softmax")
    model = keras.Sequential([keras.Input((28, 28, 1)), *layers, keras.layers.Flatten(), dense])
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(pixels[..., None], labels, batch_size=32, epochs=6, verbose=0)
    model.save(path)
    return float(model.evaluate(pixels[..., None], labels, verbose=0)[1])


@pytest.fixture(scope="module")
def own(digits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Own:
    """Return a function: name of a scaling -> model and the accuracy that its owner measured on the test images."""
    folder = tmp_path_factory.mktemp("own")
    images, labels = digits.test.images.astype(np.float32), digits.test.labels
    scaled = {
        "symmetric": images / 127.5 - 1,
        "inverted": 1 - images / 255,
        "raw": images,
        "rows": keras.utils.normalize(images / 255, axis=1),
    }

    @cache
    def own(name: str) -> tuple[Path, float]:
        path = folder / f"{name}.keras"
        return path, train(scaled[name], labels, path)

    return own


def export(here: Run, path: Path, *options: object) -> tuple[object, dict]:
    words = ("--data", "digits", "--quantize", "--max-accuracy-drop", 0.02, "--output", path.parent / "out", "--json")
    done = here("mnist-export", path, *words, *options)
    return done, json.loads(done.stdout) if done.stdout else {}


PARTS = (("train", slice(500)), ("test", slice(500, None)))
ONE_IMAGE = 1.01 / 1500


@pytest.mark.slow
def test_a_model_that_wants_other_pixels_is_measured_at_its_own_accuracy(here: Run, own: Own) -> None:
    path, accuracy = own("symmetric")
    done, facts = export(here, path)
    assert done.returncode == 0, done.stderr
    first, second, *_ = done.stderr.splitlines()
    original = facts["original"]
    assert original["accuracy"] >= accuracy - ONE_IMAGE  # a similar scaling may read a lightly trained model better
    measured = f"{original['accuracy']:.2%}"
    assert first == f"symmetric: the original is right on {measured} of the 1,500 test images of digits"
    # The processor decides in the last bits of the training whether a similar convention has a smaller loss.
    found = original["pixels"]["pixel_range"]
    assert found in ("-1..1", "-0.5..0.5", "mean 0.1307 std 0.3081")
    assert second.startswith(f"symmetric: trained on pixels {found} (measured); right answers with each scaling tried:")
    assert len(original["pixels"]["tried"]) == 14
    (artifact,) = facts["artifacts"]
    assert artifact["pixel_range"] == found
    assert artifact["parity"]["accuracy_original"] == original["accuracy"]
    words = ("--against", path, "--data", "digits", "--json", "--max-accuracy-drop", 0.02)
    verified = here("mnist-export", "verify", artifact["path"], *words)
    assert verified.returncode == 0, verified.stderr
    assert f"pixels     {found} (measured)" in verified.stderr


@pytest.mark.long
def test_a_model_of_black_digits_on_white_is_exported(here: Run, own: Own) -> None:
    path, accuracy = own("inverted")
    done, facts = export(here, path)
    assert done.returncode == 0, done.stderr
    assert facts["original"]["accuracy"] >= accuracy - ONE_IMAGE
    assert facts["original"]["pixels"]["polarity"] == "black on white"


@pytest.mark.parametrize(
    ("name", "found"),
    [("raw", ("0..255 (measured)", "mean 33.3184 std 1 (measured)")), ("inverted", (" inverted (measured)",))],
    ids=["raw", "inverted"],
)
@pytest.mark.slow
def test_mnist_evaluate_reads_a_model_as_the_export_does(
    here: Run, own: Own, name: str, found: tuple[str, ...]
) -> None:
    path, accuracy = own(name)
    done = here("mnist-evaluate", path, "--data", "digits", "--json")
    measured = json.loads(done.stdout)["models"][0]["accuracy"]
    assert measured >= accuracy - ONE_IMAGE
    _, facts = export(here, path)
    assert measured == facts["original"]["accuracy"]
    assert any(words in done.stderr for words in found)


@pytest.mark.slow
def test_the_expected_accuracy_refuses_a_model_whose_scaling_cannot_be_found(
    here: Run, own: Own, digits: Splits
) -> None:
    path, accuracy = own("rows")
    done, facts = export(here, path, "--expect-accuracy", accuracy)
    assert (done.returncode, facts) == (3, {})
    assert f"but {accuracy:.2%} is expected" in done.stderr
    for word in ("--pixel-range", "--pixel-mean", "--invert", "as a layer"):
        assert word in done.stderr
    assert not (path.parent / "out" / "rows-int8.tflite").exists()
    with pytest.raises(RefusedError) as caught:
        open_session(path, digits, expect_accuracy=accuracy)
    assert caught.value.report is None
    done, _ = export(here, own("symmetric")[0], "--expect-accuracy", own("symmetric")[1])
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.parametrize("options", [("--pixel-range", "-1..1"), ("--pixel-mean", "0.5", "--pixel-std", "0.5")])
def test_a_stated_scaling_is_used_unmeasured(here: Run, own: Own, options: tuple[str, ...]) -> None:
    path, accuracy = own("symmetric")
    done = here("mnist-evaluate", path, "--data", "digits", "--json", *options)
    assert json.loads(done.stdout)["models"][0]["accuracy"] == pytest.approx(accuracy, abs=1e-4)
    assert "(as given)" in done.stderr
    inverted = here(
        "mnist-evaluate", own("inverted")[0], "--data", "digits", "--json", "--pixel-range", "0..1", "--invert"
    )
    assert json.loads(inverted.stdout)["models"][0]["accuracy"] == pytest.approx(own("inverted")[1], abs=1e-4)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--invert",), "--invert needs --pixel-range"),
        (
            ("--pixel-mean", "0.485,0.456,0.406", "--pixel-std", "0.2"),
            "is not one number. Give one number for all channels. If each",
        ),
        (
            ("--pixel-mean", "0.4", "--pixel-std", "0.2 0.2 0.2"),
            "a keras.layers.Rescaling layer that has a list",
        ),
        (("--pixel-mean", "0.1"), "--pixel-mean needs --pixel-std"),
        (("--pixel-std", "0.3"), "--pixel-std needs --pixel-mean"),
        (("--pixel-range", "0..1", "--pixel-mean", "0.1", "--pixel-std", "0.3"), "exclude each other"),
        (("--pixel-range", "0..1 inverted", "--invert"), "Leave --invert out"),
        (("--pixel-range", "1..0"), "must begin with the smaller number"),
        (("--pixel-range", "bytes"), "Write it as A..B"),
        (("--pixel-mean", "0.1", "--pixel-std", "0"), "--pixel-std"),
    ],
)
def test_impossible_combinations_are_usage_errors(
    here: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple, options: tuple, words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("x.tflite").write_bytes(b"")
    done = here(*command, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr


@pytest.mark.long
def test_plain_pictures_of_the_other_polarity_are_refused_with_the_options_that_fit(digits: Splits) -> None:
    plain = Task(28, 28, 1, preparation="plain")
    light = Splits(*(dataclasses.replace(part, images=255 - part.images, task=plain) for part in digits))
    session = open_session("tiny", light)
    with pytest.raises(RefusedError) as refused:
        session.export(ExportSpec("tflite", "none"), "nowhere.tflite")
    assert "as recorded, but on 9" in str(refused.value)
    assert "with 0..1 inverted. For these images give --pixel-range 0..1 --invert." in str(refused.value)
    assert "--labels" not in str(refused.value)
    assert open_session("tiny", light, pixel_range="0..1 inverted").reference.accuracy > 0.9
    named = dataclasses.replace(session.reference, pixel_doubt="Give others.")  # a good accuracy is no reason to refuse
    assert "Give others." not in unfit(named, 0.7)


@pytest.mark.long
def test_a_wrongly_stated_scaling_is_doubted(digits: Splits, own: Own) -> None:
    """Its export could be proven, since it is as bad as the original."""
    wrong = open_session(own("symmetric")[0], digits, pixel_range="0..1").advice
    assert wrong is not None
    assert wrong.startswith("warning: The original is right on ")
    assert " with pixels 0..1 as stated, but on 9" in wrong
    assert ". Check how its pixels were scaled in training. For these images give --pixel-" in wrong
    assert open_session(own("inverted")[0], digits, pixel_range="0..1 inverted").advice is None


def test_a_model_with_blue_first_gets_a_warning_if_its_scaling_is_stated() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 3, 900, np.uint8)
    images = random.integers(0, 60, (900, 8, 8, 3), np.uint8)
    images[np.arange(900), ..., labels] += 90
    last = keras.layers.Dense(3, "softmax")
    model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D(), last])
    last.set_weights([20 * np.eye(3)[::-1], np.zeros(3)])
    task = Task(8, 8, 3, ("red", "green", "blue"), "plain")
    splits = Splits(*(Dataset("colors", name, "drawn", images[part], labels[part], task) for name, part in PARTS))
    advice = open_session(model, splits, pixel_range="0..1").advice
    assert "but on 100.0% with blue first (BGR, as OpenCV reads pictures). If the images have" in str(advice)


@pytest.mark.long
def test_a_low_accuracy_on_own_data_is_advised_on(digits: Splits) -> None:
    """Only the owner of the model knows what is usual for it."""
    layer = keras.layers.Dense(10, "softmax")
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten(), layer])
    kernel, bias = load_model("linear").get_weights()
    layer.set_weights([kernel + np.random.default_rng(0).normal(0, 0.1, kernel.shape), bias])
    session = open_session(model, digits)
    assert session.reference.accuracy < 0.9
    assert "may be low; each file is compared with it. If you measured more, state it with" in str(session.advice)
    assert "(StandardScaler, keras.utils.normalize), add that scaling to the model as a layer." in str(session.advice)
    assert str(session.advice).startswith("warning: ")
    assert open_session("cnn", digits, pixel_range="0..1").advice is None


@pytest.mark.slow
def test_a_low_accuracy_on_mnist_is_advised_on(digits: Splits, own: Own) -> None:
    named = Splits(*(dataclasses.replace(part, name="mnist") for part in digits))
    session = open_session(own("rows")[0], named)
    assert session.reference.accuracy < 0.97
    for word in ("--expect-accuracy", "--pixel-range", "--pixel-mean", "--invert"):
        assert word in str(session.advice)
    assert open_session(own("rows")[0], digits).advice is None
    assert open_session("linear", named).advice is None, "its record states the scaling"
    with pytest.raises(UsageError, match="For 98 % give"):
        session.check_accuracy(98)


@pytest.mark.long
def test_a_quiet_export_prints_the_doubt(here: Run, own: Own, tmp_path: Path) -> None:
    words = ("--data", "digits", "--output", tmp_path, "--quiet", "--pixel-range")
    done = here("mnist-export", own("symmetric")[0], *words, "0..1")
    assert done.stderr.count("warning: The original is right on ") == 1
    done = here("mnist-export", own("inverted")[0], *words, "0..255")  # it is refused, and the reason is said once
    assert (done.returncode, done.stderr.count("The original is right on ")) == (3, 1)
    assert "warning: " not in done.stderr
