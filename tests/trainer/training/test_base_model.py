"""The labels and the scaling of pixels of the model that is tuned are recorded, stated or found out."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from mnist_runtime.artifact.task import Task
from mnist_trainer import Dataset, ModelError, Splits, UsageError, find_model, load_model
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.training.base_model import load_base
from mnist_trainer.training.tuned_network import tuned_network

LETTERS = Task(28, 28, 1, tuple("abcdefghij"))


@pytest.fixture(autouse=True)
def _without_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nothing"))


@pytest.fixture(scope="module")
def few(digits: Splits) -> Splits:
    """100 training and 100 test images of digits."""
    return Splits(digits.train.take(np.arange(100), "train"), digits.test.take(np.arange(100), "test"))


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """The ready `tiny` as a model without a record, for pixels -1..1."""
    tiny = load_model("tiny")
    pixels = keras.Input(tiny.input_shape[1:])
    keras.Model(pixels, tiny(keras.layers.Rescaling(0.5, 0.5)(pixels))).save(tmp_path / "own.keras")
    return tmp_path / "own.keras"


def as_letters(data: Dataset, shift: int) -> Dataset:
    """Return plain pictures of ten letters; they are black on white."""
    labels = ((data.labels + shift) % 10).astype(np.uint8)
    return replace(data, images=255 - data.images, labels=labels, task=LETTERS)


def accuracy(base: DigitModel, data: Dataset) -> float:
    return float((base.raw_scores(data.images).argmax(axis=1) == data.labels).mean())


@pytest.mark.long
@pytest.mark.parametrize("given", [None, "-1..1", "mean 0.1307 std 0.3081"])
def test_the_scaling_of_another_model_is_told_stated_and_doubted(few: Splits, foreign: Path, given: str | None) -> None:
    said: list[str] = []
    base = load_base(find_model(foreign), few, given=given, report=said.append)
    origin = "as given" if given else "measured"
    assert (base.pixel_range, base.range_origin) == (given or "-1..1", origin)
    assert said[0].startswith(f"own: trained on pixels {given or '-1..1'} ({origin})")
    doubts = [text for text in said if text.startswith("warning: The model is right on ")]
    assert len(doubts) == len(said) - 1 == (given == "mean 0.1307 std 0.3081")
    assert not doubts or "as stated, but on " in doubts[0]


@pytest.mark.long
@pytest.mark.parametrize("given", ["-1..1 inverted", "0..255", "0..1 inverted"])
def test_a_stated_scaling_that_is_clearly_wrong_is_refused(few: Splits, foreign: Path, given: str) -> None:
    with pytest.raises(UsageError, match=r"as stated, but on 9\d\.\d% .* Give --pixel-range -1\.\.1, or leave "):
        load_base(find_model(foreign), few, given=given)


@pytest.mark.long
def test_a_stated_scaling_for_pictures_of_the_other_polarity_is_refused_with_the_options(
    few: Splits, foreign: Path
) -> None:
    plain = replace(few.train.task, preparation="plain")
    data = Splits(*(replace(part, images=255 - part.images, task=plain) for part in few))
    with pytest.raises(UsageError, match=r"Give --pixel-range -1\.\.1 --invert, or leave "):
        load_base(find_model(foreign), data, given="-1..1")


@pytest.mark.long
def test_a_wrong_scaling_of_a_ready_model_is_refused(few: Splits) -> None:
    with pytest.raises(UsageError, match=r"does not fit the images of .* Give --pixel-range 0\.\.1, or leave "):
        load_base(find_model("tiny"), few, given="-1..1")
    plain = replace(few.train.task, preparation="plain")
    light = Splits(*(replace(part, images=255 - part.images, task=plain) for part in few))
    assert load_base(find_model("tiny"), light, given="0..1").range_origin == "as given"  # as its record says
    said: list[str] = []
    assert load_base(find_model("tiny"), light, report=said.append).range_origin == "as recorded"
    assert "as recorded, but on 9" in said[1]
    assert said[1].endswith("For these images give --pixel-range 0..1 --invert.")
    assert accuracy(load_base(find_model("tiny"), light, given="0..1 inverted"), light.test) > 0.9


@pytest.mark.long
def test_a_stated_scaling_is_not_refused_where_nothing_shows_another(few: Splits, tmp_path: Path) -> None:
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    keras.Sequential(layers).save(tmp_path / "new.keras")
    assert load_base(find_model(tmp_path / "new.keras"), few, given="0..255").range_origin == "as given"
    tiny = load_model("tiny")  # a model of other things than digits
    turned = keras.Model(tiny.inputs, keras.ops.flip(tiny.outputs[0], axis=-1))
    turned.save(tmp_path / "other.keras")
    assert load_base(find_model(tmp_path / "other.keras"), few, given="0..255").range_origin == "as given"


@pytest.mark.long
def test_scores_that_a_stated_scaling_makes_far_too_sure_are_told(few: Splits, tmp_path: Path) -> None:
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax", use_bias=False)]
    model = keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(few.train.images / 255, few.train.labels, epochs=60, verbose=0)
    model.save(tmp_path / "linear.keras")
    said: list[str] = []
    load_base(find_model(tmp_path / "linear.keras"), few, given="0..255", report=said.append)
    assert "the model is more confident than trained models are" in said[1]
    assert "with 0..1 it is as confident as usual" in said[1]


def test_a_scaling_that_shows_badly_is_uncertain(few: Splits, tmp_path: Path) -> None:
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    keras.Sequential(layers).save(tmp_path / "new.keras")
    said: list[str] = []
    load_base(find_model(tmp_path / "new.keras"), few, report=said.append)
    assert "so this scaling is uncertain. If you know it, state it: --pixel-range A..B" in said[1]


@pytest.mark.long
def test_another_model_keeps_its_layer_if_it_reads_the_images_in_the_order_of_their_labels(
    few: Splits, foreign: Path
) -> None:
    said: list[str] = []
    data = Splits(*(as_letters(part, 0) for part in few))
    base = load_base(find_model(foreign), data, report=said.append)
    assert (base.pixel_range, base.task.labels) == ("-1..1 inverted", LETTERS.labels)
    assert "the scores of the model are taken for a, b, c, d, e, f, g, h, i, j, in this order" in said[1]
    assert accuracy(base, data.test) > 0.7


@pytest.mark.long
def test_another_model_gets_a_new_layer_if_it_reads_other_labels(few: Splits, foreign: Path) -> None:
    said: list[str] = []
    data = Splits(*(as_letters(part, 1) for part in few))
    base = load_base(find_model(foreign), data, report=said.append)
    assert (base.pixel_range, base.task.labels) == ("-1..1 inverted", tuple("0123456789"))
    assert "the last layer is replaced" in said[1]
    assert accuracy(base, replace(data.test, labels=few.test.labels)) > 0.7


def test_a_model_of_more_scores_than_labels_gets_a_new_layer(few: Splits, foreign: Path) -> None:
    task = Task(28, 28, 1, ("0", "other"), "mnist")
    data = Splits(*(replace(part, labels=(part.labels > 0).astype(np.uint8), task=task) for part in few))
    base = load_base(find_model(foreign), data)
    network = tuned_network(base, task)
    assert (base.pixel_range, len(base.task.labels), network.output_shape) == ("-1..1", 10, (None, 2))


def test_a_model_of_one_score_is_refused(few: Splits, tmp_path: Path) -> None:
    layers = [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(1, "sigmoid")]
    keras.Sequential(layers).save(tmp_path / "one.keras")
    with pytest.raises(ModelError, match="gives 1 score"):
        load_base(find_model(tmp_path / "one.keras"), few)


def test_where_no_label_is_known_a_scaling_is_assumed(fruits: Splits, tmp_path: Path) -> None:
    layers = [keras.Input((20, 14, 3)), keras.layers.Flatten(), keras.layers.Dense(4, "softmax")]
    keras.Sequential(layers).save(tmp_path / "four.keras")
    said: list[str] = []
    base = load_base(find_model(tmp_path / "four.keras"), fruits, report=said.append)
    assert (base.pixel_range, base.range_origin, base.task.labels) == ("0..1", "assumed", ("0", "1", "2", "3"))
    assert said[1].startswith("warning: No image has a label of the model")
    stated = load_base(find_model(tmp_path / "four.keras"), fruits, given="0..255", report=said.append)
    assert (stated.pixel_range, stated.range_origin) == ("0..255", "as given")


def test_images_of_another_form_are_refused_with_the_options_that_convert_them(fruits: Splits) -> None:
    reason = r"images of 28x28 with 1 channel, but .* 20x14 with 3 channels.*: --image-size 28x28 --channels 1 "
    with pytest.raises(ModelError, match=reason + r"--prepare mnist\.$"):
        load_base(find_model("tiny"), fruits)
