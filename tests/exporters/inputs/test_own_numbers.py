"""Models of pixels that were scaled by the mean and standard deviation of the user's own training images."""

import re
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.shared.foreign_files import dense

from mnist_exporters import PIXEL_CONVENTIONS, ModelError, PixelScaling, export_model, open_session
from mnist_runtime import Classifier
from mnist_trainer import Splits, load_model

Data = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
CLASSES, SIDE = 4, 8
AS_IT_IS = PixelScaling.between(0, 1)


def pictures(levels: tuple[int, ...], contrasts: tuple[int, ...]) -> Data:
    """Return faint patterns in noise, on a background with a level and a contrast for each channel."""
    random = np.random.default_rng(0)
    patterns = random.choice([-1.0, 1.0], (CLASSES, SIDE, SIDE, 1))
    labels = np.arange(2400) % CLASSES
    noise = random.normal(0, 1.5, (2400, SIDE, SIDE, len(levels)))
    images = np.array(levels) + (patterns[labels] + noise) * np.array(contrasts)
    images = np.clip(np.rint(images), 0, 255).astype(np.uint8)
    if len(levels) == 1:
        images = images[..., 0]
    return (images[:1600], labels[:1600]), (images[1600:], labels[1600:])


def trained(data: Data, scaled: Callable[[np.ndarray], np.ndarray]) -> keras.Model:
    keras.utils.set_random_seed(0)
    (images, labels), _ = data
    layers = [keras.layers.Flatten(), keras.layers.Dense(24, "relu"), keras.layers.Dense(CLASSES, "softmax")]
    model = keras.Sequential([keras.Input(images.shape[1:]), *layers])
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(scaled(images), labels, epochs=6, verbose=0)
    return model


@pytest.mark.long
@pytest.mark.parametrize(
    ("levels", "contrasts"), [((230,), (8,)), ((200, 190, 195), (20, 20, 20))], ids=["gray", "color"]
)
def test_the_mean_and_deviation_of_the_images_are_tried(
    tmp_path: Path, levels: tuple[int, ...], contrasts: tuple[int, ...]
) -> None:
    data = pictures(levels, contrasts)
    (images, _), (test, labels) = data
    mean, std = images.mean(), images.std()
    model = trained(data, lambda x: ((x - mean) / std).astype(np.float32))
    answers = model.predict(((test - mean) / std).astype(np.float32), verbose=0).argmax(axis=1)

    session = open_session(model, data)
    own = f"mean {round(mean / 255, 4)} std {round(std / 255, 4)}"
    assert session.original.scaling.name == own
    assert np.mean(session.reference.scores.argmax(axis=1) == answers) > 0.998
    assert "mean and standard deviation of the pixels of arrays, measured" in " ".join(
        session.describe_original().split()
    )
    path = export_model(model, tmp_path / "mine.tflite", "int8", data).path
    source = Classifier.load(path).manifest.source
    assert (source["pixel_range"], source["pixel_numbers_from"]) == (own, "arrays")
    again = export_model(model, tmp_path / "again.tflite", "int8", data).path
    assert path.read_bytes() == again.read_bytes()
    assert np.mean(labels == answers) > 0.9


def test_images_like_those_of_mnist_have_no_numbers_of_their_own(digits: Splits) -> None:
    pixels = open_session(load_model("mlp"), digits).original.pixels_as_dict()
    assert pixels["origin"] == "measured"
    assert len(pixels["tried"]) == len(PIXEL_CONVENTIONS)
    assert "pixel_numbers_from" not in pixels


@pytest.mark.long
def test_they_are_tried_for_a_file_of_another_tool_too(tmp_path: Path) -> None:
    data = pictures((230,), (8,))
    mean, std = data[0][0].mean(), data[0][0].std()
    keras.utils.set_random_seed(0)
    head = keras.layers.Dense(CLASSES)
    model = keras.Sequential([keras.Input((SIDE, SIDE)), keras.layers.Flatten(), head])
    model.compile(keras.optimizers.Adam(0.01), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    model.fit((data[0][0] - mean) / std, data[0][1], epochs=10, verbose=0)
    path = tmp_path / "net.onnx"
    path.write_bytes(dense(*map(np.asarray, head.weights), ("n", SIDE, SIDE), AS_IT_IS).SerializeToString())
    session = open_session(path, data)
    assert session.original.scaling.name == f"mean {round(mean / 255, 4)} std {round(std / 255, 4)}"
    assert session.reference.accuracy > 0.9


@pytest.mark.long
def test_a_mean_and_deviation_for_each_channel_is_refused_with_the_layer_that_has_them(tmp_path: Path) -> None:
    data = pictures((220, 120, 60), (25, 8, 3))
    (images, _), (test, _) = data
    mean, std = images.mean(axis=(0, 1, 2)), images.std(axis=(0, 1, 2))
    model = trained(data, lambda x: ((x - mean) / std).astype(np.float32))
    answers = model.predict(((test - mean) / std).astype(np.float32), verbose=0).argmax(axis=1)

    with pytest.raises(ModelError, match="Each channel seems to have been scaled by its own mean") as caught:
        export_model(model, tmp_path / "mine.tflite", "int8", data)
    assert not list(tmp_path.iterdir())
    numbers = re.search(r"mean, std = (\[.*?\]), (\[.*?\])", str(caught.value))
    line = re.search(r"model = (keras\.Sequential\(.*?, model\]\))", str(caught.value))[1]
    names = {"keras": keras, "model": model, "mean": eval(numbers[1]), "std": eval(numbers[2])}
    assert np.allclose([names["mean"], names["std"]], [mean / 255, std / 255], atol=1e-4)
    wrapped = eval(line, names)
    report = export_model(wrapped, tmp_path / "mine.tflite", "int8", data, pixel_range="0..1")
    assert report.path.exists()
    found = open_session(wrapped, data, pixel_range="0..1").reference.scores.argmax(axis=1)
    assert np.mean(found == answers) > 0.998


@pytest.mark.long
@pytest.mark.parametrize("scaling", ["0..1", "own"])
def test_color_models_of_one_scaling_are_not_taken_for_those_of_a_scaling_of_each_channel(scaling: str) -> None:
    """The channels differ much, but no `ModelError` is raised."""
    data = pictures((230, 180, 120), (20, 15, 12))
    mean, std = data[0][0].mean(), data[0][0].std()
    scaled = {"0..1": lambda x: (x / 255).astype(np.float32), "own": lambda x: ((x - mean) / std).astype(np.float32)}
    session = open_session(trained(data, scaled[scaling]), data)
    assert session.reference.accuracy > 0.95
    assert (
        scaling == "0..1" or session.original.scaling.name == f"mean {round(mean / 255, 4)} std {round(std / 255, 4)}"
    )


@pytest.mark.long
def test_the_numbers_of_mnist_are_not_taken_for_other_images_by_the_loss_alone() -> None:
    """With them this model is as accurate as with the pixels of its training, and its scores fit a little better."""
    data = pictures((220, 120, 60), (60, 40, 30))
    session = open_session(trained(data, lambda x: (x / 255).astype(np.float32)), data)
    assert session.original.scaling.name == "0..1"
    trials = {trial.scaling.name: trial for trial in session.original.probe.trials}
    borrowed = trials["mean 0.1307 std 0.3081"]
    assert borrowed.loss < trials["0..1"].loss
    assert borrowed.accuracy < trials["0..1"].accuracy + 0.02
