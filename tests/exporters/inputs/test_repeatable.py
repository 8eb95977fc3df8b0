"""Originals whose answers depend on more than the image are refused, with the layer that is the cause."""

from collections.abc import Callable

import keras
import numpy as np
import pytest

from mnist_exporters import ModelError, Original, Reference
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
    refuse(build(), "other scores each time", name)


def test_batch_normalization_over_the_batch_is_refused() -> None:
    model = dense(AlwaysBatchNormalization(name="norm"))
    refuse(model, "change with the other images of the batch", "'norm' (AlwaysBatchNormalization)")


def test_an_operation_across_the_batch_is_refused() -> None:
    pixels = keras.Input((28, 28, 1))
    flat = layers.Flatten()(pixels)
    centred = flat - keras.ops.mean(flat, axis=0, keepdims=True)
    model = keras.Model(pixels, layers.Dense(10, activation="softmax")(centred))
    refuse(model, "change with the other images of the batch", "(Mean)")


def test_a_model_of_a_users_class_is_named_as_a_whole() -> None:
    class Mine(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.flatten, self.drop, self.scores = layers.Flatten(), AlwaysDropout(0.5), layers.Dense(10)

        def call(self, inputs: object) -> object:
            return keras.ops.softmax(self.scores(self.drop(self.flatten(inputs))))

    model = Mine()
    pixels = keras.Input((28, 28, 1))
    refuse(keras.Model(pixels, model(pixels)), "other scores each time", "(Mine)")


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
