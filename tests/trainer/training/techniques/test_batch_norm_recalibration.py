import numpy as np
import pytest

from mnist_trainer import Splits, architecture
from mnist_trainer.training.techniques.batch_norm_recalibration import BATCH, recalibrate_batch_norm


def test_each_image_counts_alike() -> None:
    import keras

    norm = keras.layers.BatchNormalization(momentum=0.99)
    model = keras.Sequential([keras.Input((2,)), norm])
    images = np.random.default_rng(0).normal(1, 2, (BATCH + 100, 2)).astype(np.float32)
    recalibrate_batch_norm(model, images)
    parts, weights = (images[:BATCH], images[BATCH:]), (BATCH, 100)
    for settled, each in ((norm.moving_mean, "mean"), (norm.moving_variance, "var")):
        values = [getattr(part, each)(axis=0) for part in parts]
        np.testing.assert_allclose(settled, np.average(values, axis=0, weights=weights), rtol=1e-4)
    assert norm.momentum == 0.99


@pytest.mark.parametrize("name", ["tiny", "accurate"])  # the second has dropout
def test_a_layer_sees_what_it_will_on_a_device(name: str, digits: Splits) -> None:
    import keras

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


def test_what_has_no_batch_normalisation_is_left_as_it_is(digits: Splits) -> None:
    model = architecture("mlp").build()
    before = model.get_weights()
    recalibrate_batch_norm(model, digits.train.pixels((784,)))
    assert all(map(np.array_equal, before, model.get_weights()))
