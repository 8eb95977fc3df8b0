import keras
import numpy as np
import pytest

from mnist_trainer import Splits, architecture
from mnist_trainer.training.techniques.batch_norm_recalibration import BATCH, recalibrate_batch_norm


def test_each_image_has_the_same_weight() -> None:
    norm = keras.layers.BatchNormalization(momentum=0.99)
    model = keras.Sequential([keras.Input((2,)), norm])
    images = np.random.default_rng(0).normal(1, 2, (BATCH + 100, 2)).astype(np.float32)
    recalibrate_batch_norm(model, images)
    parts, weights = (images[:BATCH], images[BATCH:]), (BATCH, 100)
    for statistic, name in ((norm.moving_mean, "mean"), (norm.moving_variance, "var")):
        values = [getattr(part, name)(axis=0) for part in parts]
        np.testing.assert_allclose(statistic, np.average(values, axis=0, weights=weights), rtol=1e-4)
    assert norm.momentum == 0.99


@pytest.mark.parametrize("name", ["tiny", "accurate"])  # accurate has dropout
def test_the_statistics_are_those_of_the_inputs_at_inference(name: str, digits: Splits) -> None:
    model = architecture(name).build()
    rates = [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)]
    images = digits.train.pixels((28, 28, 1))[:BATCH]
    recalibrate_batch_norm(model, images)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            before = keras.Model(model.inputs[0], layer.input)
            seen = np.asarray(before(images, training=False))
            np.testing.assert_allclose(layer.moving_mean, seen.mean(axis=(0, 1, 2)), rtol=1e-3, atol=1e-3)
            np.testing.assert_allclose(layer.moving_variance, seen.var(axis=(0, 1, 2)), rtol=1e-3, atol=1e-3)
    assert [layer.rate for layer in model.layers if isinstance(layer, keras.layers.Dropout)] == rates


def test_a_model_without_batch_normalization_stays_unchanged(digits: Splits) -> None:
    model = architecture("mlp").build()
    before = model.get_weights()
    recalibrate_batch_norm(model, digits.train.pixels((784,)))
    assert all(map(np.array_equal, before, model.get_weights()))


class Failing(keras.layers.Layer):
    """A layer of a user that raises an error during training."""

    def call(self, inputs: keras.KerasTensor, training: bool = False) -> keras.KerasTensor:
        if training:
            raise ValueError("no training")
        return inputs


def test_after_an_error_the_layers_have_their_settings() -> None:
    norm, drop = keras.layers.BatchNormalization(momentum=0.9), keras.layers.Dropout(0.3)
    model = keras.Sequential([keras.Input((2,)), norm, drop, Failing()])
    with pytest.raises(ValueError, match="no training"):
        recalibrate_batch_norm(model, np.zeros((4, 2), np.float32))
    assert (norm.momentum, drop.rate) == (0.9, 0.3)
