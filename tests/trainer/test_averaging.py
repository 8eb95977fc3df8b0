import math

import numpy as np

from mnist_trainer.averaging import WeightAverage, refresh_statistics


def test_the_average_forgets_at_the_rate_that_it_says() -> None:
    import keras

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    average = WeightAverage(model, steps=64, every=32)
    for value in (1.0, 3.0):
        model.set_weights([np.array([[value]])])
        average.look()
    kept = math.exp(-32 / 64)
    np.testing.assert_allclose(average.values[0], [[kept * 1 + (1 - kept) * 3]], rtol=1e-6)
    average.settle([])
    np.testing.assert_allclose(model.get_weights()[0], average.values[0])


def test_statistics_are_the_plain_means_over_the_batches() -> None:
    import keras
    import tensorflow as tf

    norm = keras.layers.BatchNormalization(momentum=0.99)
    model = keras.Sequential([keras.Input((2,)), norm])
    batches = [np.random.default_rng(seed).normal(seed, 1 + seed, (50, 2)).astype(np.float32) for seed in range(3)]
    refresh_statistics(model, [(tf.constant(batch), tf.constant(0)) for batch in batches])
    np.testing.assert_allclose(norm.moving_mean, np.mean([batch.mean(axis=0) for batch in batches], axis=0), rtol=1e-4)
    np.testing.assert_allclose(
        norm.moving_variance, np.mean([batch.var(axis=0) for batch in batches], axis=0), rtol=1e-4
    )
    assert norm.momentum == 0.99
