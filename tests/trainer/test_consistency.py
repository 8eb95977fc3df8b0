from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from mnist_trainer import (
    AUGMENTATIONS,
    Architecture,
    Consistency,
    CorruptionAugmentation,
    NonDigits,
    Splits,
    UsageError,
    architecture,
    train,
)
from mnist_trainer.batches import Batches

MLP = architecture("mlp")
TWO = replace(MLP.recipe, augmentation=AUGMENTATIONS["strong"], consistency=Consistency(2.0), epochs=3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.floats(0.1, 10))
def test_the_divergence_is_that_of_scipy(seed: int, count: int, weight: float) -> None:
    views = np.random.default_rng(seed).dirichlet(np.ones(10), (2, count))
    expected = weight * entropy(views.mean(axis=0, keepdims=True), views, axis=-1).mean()
    found = float(Consistency(weight).divergence(views.reshape(-1, 10).astype(np.float32)))
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-5)


def test_a_batch_holds_two_views_of_each_picture(digits: Splits) -> None:
    def first(recipe) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[no-untyped-def]
        batches = Batches(digits.train, recipe, (28, 28), seed=1)
        assert batches.steps == len(digits.train) // recipe.batch_size
        images, labels = next(batches.epoch(0).as_numpy_iterator())
        assert len(images) == len(labels) == 2 * recipe.batch_size
        assert np.array_equal(*np.split(labels, 2))
        return tuple(np.split(images, 2))

    same, again = first(replace(TWO, augmentation=None))
    assert np.array_equal(same, again)
    one, other = first(TWO)
    assert (np.abs(one - other).max(axis=(1, 2)) > 0.1).all()
    # Of a picture both views are nearer to it than to most others.
    distances = np.linalg.norm((one - same).reshape(len(one), -1), axis=1)
    assert (distances < np.median([np.linalg.norm(one - np.roll(same, k, axis=0), axis=(1, 2)) for k in (1, 2)])).all()


def test_training_counts_the_disagreement_and_validation_does_not(digits: Splits) -> None:
    import keras

    keras.utils.set_random_seed(1)
    plain = MLP.build()
    taught = Consistency(2.0).taught(plain)
    images, labels = digits.train.pixels((28, 28))[:63], np.eye(10, dtype=np.float32)[digits.train.labels[:63]]
    for model in (plain, taught):
        model.compile(keras.optimizers.SGD(0.0), loss="categorical_crossentropy")
    assert taught.evaluate(images, labels, verbose=0) == pytest.approx(plain.evaluate(images, labels, verbose=0))
    images, labels = np.concatenate([images, images[:, ::-1]]), np.tile(labels, (2, 1))
    apart = float(Consistency(2.0).divergence(plain(images)))
    assert apart > 1e-3
    assert taught.train_on_batch(images, labels) == pytest.approx(plain.train_on_batch(images, labels) + apart, abs=1e-4)


@pytest.mark.parametrize("precision", [None, "float32"])
def test_a_network_so_trained_agrees_with_itself(digits: Splits, precision: str | None) -> None:
    """More than it does with a loss for the labels alone, on views of the images held out; and it reads them."""

    def trained(weight: float) -> tuple[float, float]:
        recipe = replace(TWO, consistency=Consistency(weight), epochs=15, precision=precision)
        training = train(Architecture("mlp", "", MLP.build, recipe), digits)
        assert training.model.name == "mlp"
        assert training.record["recipe"]["consistency"] == {"weight": weight}
        images = digits.test.pixels((28, 28))
        views = np.concatenate([images, np.roll(images, 1, axis=2)])
        return float(Consistency(1.0).divergence(training.model(views))), training.record["test_accuracy"]

    (apart, accuracy), (agreed, _) = trained(1e-6), trained(10.0)
    assert agreed < 0.8 * apart
    assert accuracy > 0.8


@pytest.mark.parametrize(
    "what", [{"copies": 2}, {"corruptions": CorruptionAugmentation(0.3)}, {"non_digits": NonDigits(0.1)}], ids=str
)
def test_what_takes_views_apart_is_refused_beside_it(what: dict[str, object]) -> None:
    with pytest.raises(UsageError, match="Expected consistency, or copies, corruptions and non-digits, received both"):
        replace(TWO, **what)
