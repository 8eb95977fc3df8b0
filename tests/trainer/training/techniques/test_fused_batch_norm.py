import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from mnist_trainer import ARCHITECTURES, architecture
from mnist_trainer.recipes.choices import PRECISIONS
from mnist_trainer.training.techniques.fused_batch_norm import fused_batch_norm

IMAGES = np.random.default_rng(0).random((64, 28, 28, 1), np.float32)


def pixels(model: keras.Model) -> np.ndarray:
    return IMAGES.reshape(-1, *model.input_shape[1:])


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_copy_has_the_outputs_and_statistics_of_the_network(name: str) -> None:
    keras.utils.set_random_seed(3)
    model = architecture(name).build()
    copy = fused_batch_norm(model, "float32")
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    images = pixels(model)
    for training in (False, True) if "drop4" not in [layer.name for layer in model.layers] else (False,):
        np.testing.assert_allclose(copy(images, training=training), model(images, training=training), atol=2e-5)
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-5)  # variance: n / (n - 1)


def test_a_copy_has_the_gradients_of_the_network() -> None:
    keras.utils.set_random_seed(3)
    model = architecture("strided").build()
    labels = np.eye(10, dtype=np.float32)[np.arange(64) % 10]

    def gradients(network: keras.Model) -> list[np.ndarray]:
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(keras.losses.categorical_crossentropy(labels, network(IMAGES, training=True)))
        return [np.asarray(each) for each in tape.gradient(loss, network.trainable_variables)]

    for ours, theirs in zip(gradients(fused_batch_norm(model, "float32")), gradients(model), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "settings"),
    [((784,), {}), ((28, 28), {}), ((28, 28, 1), {"axis": 1}), ((784,), {"center": False}), ((784,), {"scale": False})],
    ids=str,
)
def test_each_form_of_normalization_is_computed(shape: tuple[int, ...], settings: dict[str, object]) -> None:
    stack = [layers.Reshape(shape), layers.BatchNormalization(**settings), layers.Flatten(), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28)), *stack])
    copy, images = fused_batch_norm(model, "float32"), pixels(model)
    np.testing.assert_allclose(copy(images, training=True), model(images, training=True), atol=1e-4)
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_weights_and_scores_are_float32(precision: str) -> None:
    copy = fused_batch_norm(architecture("accurate").build(), precision)
    assert {str(weight.dtype) for weight in copy.get_weights()} == {"float32"}
    scores = np.asarray(copy(IMAGES, training=True))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_the_layers_compute_in_the_chosen_precision() -> None:
    model = architecture("strided").build()
    exact, coarse = (np.asarray(fused_batch_norm(model, precision)(IMAGES)) for precision in PRECISIONS)
    difference = np.abs(exact - coarse).max()
    assert 1e-6 < difference < 0.05


class Doubled(layers.Layer):
    """A layer of a user that takes no `dtype`."""

    def __init__(self, name: str | None = None) -> None:
        super().__init__(name=name)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return 2 * inputs

    def get_config(self) -> dict[str, object]:
        return {"name": self.name}


def test_a_frozen_layer_and_a_layer_of_the_user_compute_as_before() -> None:
    stack = [layers.Flatten(), Doubled(), layers.BatchNormalization(trainable=False), layers.Dense(10)]
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack])
    copy = fused_batch_norm(model, "float32")
    np.testing.assert_allclose(copy(IMAGES, training=True), model(IMAGES, training=True), atol=1e-5)
    for ours, theirs in zip(copy.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
