"""The network that is tuned has the weights of its base, by the names of the labels, and takes pixels 0..1."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from mnist_runtime.artifact.task import DIGITS, Task
from mnist_trainer import Splits
from mnist_trainer.model_io.measured.digit_model import DigitModel
from mnist_trainer.training.tuned_network import tuned_network


def linear(digits: Splits, given: str, activation: str | None = "softmax") -> DigitModel:
    """Return a model of ten digits with random weights and biases."""
    model = keras.Sequential(
        [keras.Input((28, 28)), keras.layers.Flatten(), keras.layers.Dense(10, activation, name="scores")]
    )
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.05, (784, 10)), np.arange(10) + 3.0])
    return DigitModel.measure(model, digits.test.take(np.arange(50), "few"), given=given)


@pytest.mark.parametrize("labels", [("7", "x", "3"), tuple("9876543210")])
def test_known_labels_keep_their_weights_and_new_ones_begin_small(digits: Splits, labels: tuple[str, ...]) -> None:
    base = linear(digits, "0..1")
    old, new = base.model.layers[-1], tuned_network(base, Task(28, 28, 1, labels, "mnist")).layers[-1]
    assert new.units == len(labels)
    for place, label in enumerate(labels):
        if label == "x":
            assert new.kernel[:, place].numpy().std() == pytest.approx(old.kernel.numpy().std() / 10, rel=0.2)
            assert float(new.bias[place]) == pytest.approx(7.5), "as likely as a known label"
        else:
            np.testing.assert_array_equal(new.kernel[:, place], old.kernel[:, int(label)])
            assert new.bias[place] == old.bias[int(label)]


@pytest.mark.parametrize("given", ["0..1", "0..255", "-1..1", "0..1 inverted", "mean 0.1307 std 0.3081"])
@pytest.mark.parametrize("activation", ["softmax", None])
def test_a_network_of_the_same_labels_has_the_probabilities_of_its_base(
    digits: Splits, given: str, activation: str | None
) -> None:
    base = linear(digits, given, activation)
    if activation is None:
        base = replace(base, activation="logits")
    few = digits.test.take(np.arange(20), "few")
    scores = tuned_network(base, DIGITS).predict(few.pixels((28, 28)), verbose=0)
    logits = base.raw_scores(few.images) if activation is None else np.log(base.raw_scores(few.images).clip(1e-30))
    wanted = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(scores, wanted / wanted.sum(axis=1, keepdims=True), atol=1e-4)
