from collections.abc import Callable
from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_trainer import PIXEL_CONVENTIONS, DigitModel, ModelError, PixelScaling, Splits
from mnist_trainer.model_io.pixel_probe.probe import PixelProbe, Trial, probe_images

FOUND = ("0..1", "0..255", "-1..1", "mean 0.1307 std 0.3081", "0..255 inverted", "-1..1 inverted")
"""Others, such as half the size of one of these, are read as well by a network with small biases."""


@pytest.fixture(scope="module")
def trained(digits: Splits) -> keras.Model:
    """A network for pixels 0..1."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(48, "relu"), keras.layers.Dense(10, "softmax")]
    model = keras.Sequential([keras.Input((28, 28)), *layers])
    model.compile(keras.optimizers.Adam(0.003), "sparse_categorical_crossentropy")
    model.fit(digits.test.images / np.float32(255), digits.test.labels, batch_size=64, epochs=12, verbose=0)
    return model


@pytest.fixture(scope="module")
def model_for(trained: keras.Model) -> Callable[[PixelScaling], keras.Model]:
    """Return the function that makes a network for pixels of a scaling, with the same answers."""

    def make(scaling: PixelScaling) -> keras.Model:
        model = keras.models.clone_model(trained)
        kernel, bias, *others = trained.get_weights()
        span = scaling.white - scaling.black
        model.set_weights([kernel / span, bias - kernel.sum(axis=0) * scaling.black / span, *others])
        return model

    return make


@pytest.mark.long
@pytest.mark.parametrize("name", FOUND)
def test_a_convention_is_found(digits: Splits, model_for: Callable[[PixelScaling], keras.Model], name: str) -> None:
    scaling = PixelScaling.parse(name)
    found = DigitModel.measure(model_for(scaling), digits.test)
    assert (found.scaling, found.range_origin) == (scaling, "measured")
    accuracy = np.mean(found.scores(digits.test.images).argmax(axis=1) == digits.test.labels)
    assert accuracy > 0.95


def test_all_that_was_tried_is_in_the_report(digits: Splits, trained: keras.Model) -> None:
    found = DigitModel.measure(trained, digits.test)
    text = found.describe()
    assert text.startswith("trained on pixels 0..1 (measured)")
    assert max(map(len, text.splitlines())) <= 80
    for scaling in PIXEL_CONVENTIONS:
        assert scaling.name in text
    facts = found.pixels_as_dict()
    assert [one["pixel_range"] for one in facts["tried"]] == [scaling.name for scaling in PIXEL_CONVENTIONS]
    assert facts["tried"][0]["accuracy"] > 0.95
    assert (facts["origin"], facts["measured_on"], facts["polarity"]) == ("measured", "digits", "white on black")


@pytest.mark.long
def test_of_conventions_that_read_alike_the_likelier_is_taken_and_the_others_are_said(digits: Splits) -> None:
    """To a network that normalizes its input first, the size of the pixels does not matter."""
    model = keras.Sequential(
        [
            keras.Input((28, 28)),
            keras.layers.Flatten(),
            keras.layers.UnitNormalization(),
            keras.layers.Dense(10, use_bias=False, activation="softmax"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.05), "sparse_categorical_crossentropy")
    model.fit(digits.test.images / np.float32(255), digits.test.labels, epochs=5, verbose=0)
    probe = DigitModel.measure(model, digits.test).probe
    assert (str(probe.chosen), [str(scaling) for scaling in probe.ties]) == ("0..1", ["0..255"])
    assert "equally accurate: 0..255; the more usual one is used" in str(probe)


def test_a_table_with_a_higher_accuracy_than_the_chosen_one_says_what_else_counts() -> None:
    chosen, other = (PixelScaling.parse(name) for name in ("-1..1 inverted", "mean 33.3184 std 1 inverted"))
    trials = (Trial(chosen, 10_000, 0.915, 0.3, 1.2), Trial(other, 1000, 0.926, 0.4, 39.0))
    said = str(PixelProbe("mnist", trials, chosen, ())).splitlines()[1:]
    assert " ".join(map(str.strip, said)) == (
        "of 10,000 images: -1..1 inverted; of 1,000: all others; how well the scores fit the labels counts too"
    )
    assert max(map(len, said)) <= 80
    trials = (replace(trials[0], images=1000), trials[1])
    assert "  of 1,000 images each; how well" in str(PixelProbe("mnist", trials, chosen, ()))
    assert "counts too" not in str(PixelProbe("mnist", trials, other, ()))


def test_a_more_usual_convention_that_is_nearly_as_accurate_is_named(digits: Splits) -> None:
    """Too sure of its answers with the first, as networks of ReLUs are with pixels that are too large."""
    right = 20 * np.eye(10, dtype=np.float32)[digits.test.labels]
    chosen, usual = PixelScaling.parse("0..1"), PixelScaling.parse("0..255")
    for wrong, is_named in ((0, True), (100, False)):
        unsure = np.random.default_rng(0).normal(0, 1, right.shape).astype(np.float32)
        order = np.random.default_rng(0).permutation(len(right))[:1000]
        oversure = 5000 * right[order]
        oversure[:wrong] = np.roll(oversure[:wrong], 1, axis=1)
        answers = [np.concatenate([oversure, right[order] + unsure[order]])]
        probe = PixelProbe.measure(lambda _, answers=answers: answers.pop(0), digits.test, (usual, chosen))
        assert probe.chosen == chosen
        assert (probe.close == (usual,)) == is_named
        assert ("state it: --pixel-range 0..255" in str(probe)) == is_named
        assert max(map(len, str(probe).splitlines())) <= 80


def test_scores_in_another_order_do_not_hide_the_scaling(digits: Splits, trained: keras.Model) -> None:
    """Under a wrong scaling more of its answers are right by chance than under its own."""
    moved = np.roll(np.arange(10), 1)
    model = keras.models.clone_model(trained)
    *others, kernel, bias = trained.get_weights()
    model.set_weights([*others, kernel[:, moved], bias[moved]])
    found = DigitModel.measure(model, digits.test)
    assert found.pixel_range == "0..1"
    last = found.describe().splitlines()[-1]
    assert last.startswith("  0..1 reads 9")
    assert last.endswith(" right with the labels in another order")
    assert found.probe is not None
    assert found.probe.trials[0].accuracy < 0.1, "the table has the order that is known"
    stated = DigitModel.measure(model, digits.test, given="0..1")
    assert stated.doubt_of_pixels(digits.test, "model") is None


def test_a_last_activation_of_its_own_layer_and_a_nested_model_are_probed(digits: Splits, trained: keras.Model) -> None:
    dense = keras.layers.Dense(10)
    hidden = [*trained.layers[:-1], dense]
    split = keras.Sequential([keras.Input((28, 28)), *hidden, keras.layers.Softmax()])
    dense.set_weights(trained.layers[-1].get_weights())
    pixels = keras.Input((28, 28))
    nested = keras.Model(pixels, trained(pixels))
    for model in (split, nested):
        assert DigitModel.measure(model, digits.test).pixel_range == "0..1"


def test_without_finite_scores_there_is_nothing_to_choose(digits: Splits) -> None:
    layer = keras.layers.Dense(10, kernel_initializer=keras.initializers.Constant(np.nan))
    with pytest.raises(ModelError, match="not finite"):
        DigitModel.measure(keras.Sequential([keras.Input((784,)), layer]), digits.test)


def test_training_images_are_probed_and_test_images_only_where_these_are_few(digits: Splits) -> None:
    assert len(probe_images(digits.train, digits.test).images) == len(digits.train) + len(digits.test)
    assert probe_images(digits.test, digits.train) is digits.test


@pytest.mark.long
@pytest.mark.parametrize(("low", "last"), [(0, "linear"), (-1, "tanh")])
def test_the_scores_of_a_squared_error_show_the_convention(digits: Splits, low: int, last: str) -> None:
    """Their confidences are low, as if the pixels were too small."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(48, "relu"), keras.layers.Dense(10, last)]
    model = keras.Sequential([keras.Input((28, 28)), *layers])
    model.compile(keras.optimizers.Adam(0.003), "mse")
    images, labels = digits.test.images / np.float32(255), digits.test.labels
    model.fit(images, np.where(np.eye(10)[labels], 1, low), batch_size=64, epochs=12, verbose=0)
    assert DigitModel.measure(model, digits.test).pixel_range == "0..1"
