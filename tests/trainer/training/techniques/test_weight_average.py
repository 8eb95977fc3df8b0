import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import Splits, UsageError, architecture, train
from mnist_trainer.training.checkpoint import Checkpoint
from mnist_trainer.training.techniques.weight_average import EMA


def test_the_average_forgets_at_the_rate_that_it_says() -> None:
    import keras

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


def test_a_checkpoint_holds_the_average(digits: Splits, tmp_path: Path) -> None:
    tiny, checkpoint = architecture("tiny"), tmp_path / "run.checkpoint"
    recipe = replace(tiny.recipe, epochs=2, batch_size=128, ema_steps=64, cached_epochs=1)
    first = train(tiny, digits, recipe=recipe, checkpoint=checkpoint)
    resumed = train(tiny, digits, recipe=recipe, checkpoint=checkpoint, resume=True)  # nothing is left to train
    assert resumed.record["resumed_after"] == 2
    assert all(map(np.array_equal, first.model.get_weights(), resumed.model.get_weights()))
    last = Checkpoint.load(checkpoint).model
    assert not all(map(np.array_equal, first.model.get_weights(), last))


def test_a_short_training_does_not_end_with_what_it_began_with(digits: Splits) -> None:
    mlp = architecture("mlp")
    for average in (None, 100_000):
        recipe = replace(mlp.recipe, epochs=12, batch_size=32, augmentation=None, ema_steps=average)
        assert train(mlp, digits, recipe=recipe).record["test_accuracy"] > 0.8


def test_average_and_patience_exclude_each_other() -> None:
    with pytest.raises(UsageError, match="ema_steps and patience"):
        replace(architecture("tiny").recipe, ema_steps=100, patience=3)
