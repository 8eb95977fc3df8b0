import math
from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_trainer import Splits, architecture, train
from mnist_trainer.training.techniques.weight_average import EMA


def test_the_influence_of_a_step_falls_with_the_time_constant() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    average = EMA(steps=64, every=32)
    average.set_model(model)
    for value in (1.0, 3.0):
        model.set_weights([np.array([[value]])])
        average.on_train_batch_end(0)
    kept = math.exp(-32 / 64)
    np.testing.assert_allclose(average.values[0], [[kept * 1 + (1 - kept) * 3]], rtol=1e-6)
    average.apply(model)
    np.testing.assert_allclose(model.get_weights()[0], average.values[0])


@pytest.mark.slow
def test_a_long_average_of_a_short_training_is_shortened(digits: Splits) -> None:
    """Otherwise the model would keep its initial weights."""
    mlp = architecture("mlp")
    recipe = replace(mlp.recipe, epochs=12, batch_size=32, augmentation=None, ema_steps=100_000)
    assert train(mlp, digits, recipe=recipe).record["test_accuracy"] > 0.8
