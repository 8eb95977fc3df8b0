"""Originals whose answers depend on more than the image are refused, with the layer that is the cause."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from mnist_exporters import ModelError, Original, Reference
from mnist_exporters.inputs.repeatable import check_repeatable
from mnist_trainer import load_data

layers = keras.layers


class AlwaysDropout(keras.layers.Dropout):
    """Dropout that stays on, as for Monte Carlo estimates. Keras switches off a plain ``Dropout`` when it predicts."""

    def call(self, inputs: object) -> object:
        return super().call(inputs, training=True)


class AlwaysBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization with the statistics of the batch."""

    def call(self, inputs: object) -> object:
        return super().call(inputs, training=True)


class Noise(keras.layers.Layer):
    """A user's own layer, which adds noise whenever it is called."""

    def call(self, inputs: object) -> object:
        return inputs + keras.random.normal(keras.ops.shape(inputs))


def dense(*middle: keras.layers.Layer) -> keras.Model:
    """Return a small network with the layers in the middle."""
    front = [keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(16, activation="relu", name="hidden")]
    return keras.Sequential([*front, *middle, layers.Dense(10, activation="softmax", name="scores")])


def dropout() -> keras.Model:
    return dense(AlwaysDropout(0.5, name="drop"))


def seeded_dropout() -> keras.Model:
    return dense(AlwaysDropout(0.5, seed=3, name="drop"))


def noise() -> keras.Model:
    return dense(Noise(name="mine"))


def nested_dropout() -> keras.Model:
    inner = [keras.Input((16,)), layers.Dense(16, name="inside"), AlwaysDropout(0.5, name="deep")]
    return dense(keras.Sequential(inner))


@pytest.mark.parametrize(
    ("build", "name"),
    [
        (dropout, "'drop' (AlwaysDropout)"),
        (seeded_dropout, "'drop' (AlwaysDropout)"),
        (noise, "'mine' (Noise)"),
        (nested_dropout, "'deep' (AlwaysDropout)"),
    ],
)
def test_random_originals_are_refused(build: Callable[[], keras.Model], name: str) -> None:
    refuse(build(), "different scores each time", name)


def test_batch_normalization_over_the_batch_is_refused() -> None:
    model = dense(AlwaysBatchNormalization(name="norm"))
    refuse(model, "change with the other images of the batch", "'norm' (AlwaysBatchNormalization)")


def test_an_operation_across_the_batch_is_refused() -> None:
    pixels = keras.Input((28, 28, 1))
    flat = layers.Flatten()(pixels)
    centred = flat - keras.ops.mean(flat, axis=0, keepdims=True)
    model = keras.Model(pixels, layers.Dense(10, activation="softmax")(centred))
    refuse(model, "change with the other images of the batch", "(Mean)")


def test_a_model_without_scores_for_a_single_image_is_refused() -> None:
    """Where no score was a number, none seemed to change."""
    pixels = keras.Input((28, 28, 1))
    flat = layers.Flatten()(pixels)
    spread = keras.ops.max(keras.ops.std(flat, axis=0))  # 0 for one image
    model = keras.Model(pixels, layers.Dense(10, activation="softmax")(flat) * (spread / spread))
    refuse(model, "change with the other images of the batch, to nan or infinity", "")


def test_a_model_of_a_users_class_is_named_as_a_whole() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.flatten, self.drop, self.scores = layers.Flatten(), AlwaysDropout(0.5), layers.Dense(10)

        def call(self, inputs: object) -> object:
            return keras.ops.softmax(self.scores(self.drop(self.flatten(inputs))))

    model = Mine()
    pixels = keras.Input((28, 28, 1))
    refuse(keras.Model(pixels, model(pixels)), "different scores each time", "(Mine)")


def refuse(model: keras.Model, words: str, layer: str) -> None:
    keras.utils.set_random_seed(1)
    test = load_data("digits").test
    with pytest.raises(ModelError) as caught:
        Reference.of(Original.from_keras(model, test, name="mine", pixel_range="0..1"), test)
    assert words in str(caught.value)
    assert layer in str(caught.value)
    assert "save it again" in str(caught.value)


def test_layers_that_are_random_in_training_only_pass() -> None:
    middle = (layers.Dropout(0.5), layers.GaussianNoise(1.0), layers.BatchNormalization())
    test = load_data("digits").test
    original = Original.from_keras(dense(*middle), test, pixel_range="0..1")
    assert np.isfinite(Reference.of(original, test).scores).all()


class Changing:
    """A model whose scores change by `change` in the calls that `when` names by their number and number of images."""

    name = "mine"

    def __init__(self, when: Callable[[int, int], bool], change: float) -> None:
        self.calls = 0
        self.when = when
        self.change = change

    def scores(self, images: np.ndarray) -> np.ndarray:
        self.calls += 1
        score = 0.5 + self.change if self.when(self.calls, len(images)) else 0.5
        return np.full((len(images), 10), score, np.float32)

    def changing_layer(self, *_: object) -> str:
        return ""


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(
    ("when", "change", "words"),
    [
        (lambda call, _: call == 3, 1e-4, "gives the same images different scores each time, by up to 0.0001"),
        (lambda _, images: images == 1, 0.01, "change with the other images of the batch, by up to 0.01"),
        (lambda _, images: images > 100, 0.01, "change with the other images of the batch, by up to 0.01"),
        (lambda _, images: images == 1, np.inf, "change with the other images of the batch, to nan or infinity"),
        (lambda _, images: images == 1, 1e-4, ""),
    ],
)
def test_scores_that_differ_by_more_than_rounding_are_refused(
    when: Callable[[int, int], bool], change: float, words: str, sign: int
) -> None:
    images = np.zeros((200, 28, 28), np.uint8)
    model = Changing(when, sign * change)
    scores = model.scores(images)
    if not words:
        check_repeatable(model, images, scores)
        return
    with pytest.raises(ModelError) as caught:
        check_repeatable(model, images, scores)
    assert words in str(caught.value)


class Ordered(Changing):
    """A model that gives other scores to an image after a brighter one."""

    def scores(self, images: np.ndarray) -> np.ndarray:
        brightness = images.mean(axis=(1, 2))
        is_darker = brightness < np.maximum.accumulate(brightness)
        return np.repeat(np.where(is_darker, 0.5 + self.change, 0.5)[:, None], 10, axis=1).astype(np.float32)


@pytest.mark.parametrize(("change", "is_refused"), [(0.01, True), (1e-4, False)])
def test_scores_that_depend_on_the_order_are_refused_even_if_the_images_are_sorted(
    change: float, is_refused: bool
) -> None:
    images = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 28, 28))
    model = Ordered(lambda *_: True, change)
    if not is_refused:
        check_repeatable(model, images, model.scores(images))
        return
    with pytest.raises(ModelError, match=r"change with the other images of the batch, by up to 0\.01"):
        check_repeatable(model, images, model.scores(images))
