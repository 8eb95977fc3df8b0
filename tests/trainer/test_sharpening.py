import numpy as np
import pytest

from mnist_trainer import Splits, load_model
from mnist_trainer.sharpening import sharpen


def test_a_model_made_dull_becomes_as_sharp_as_it_was(digits: Splits) -> None:
    model = load_model("mlp")
    images, labels = digits.test.images / np.float32(255), digits.test.labels
    sharpen(model, images, labels)
    sharp = model.predict(images, verbose=0)
    model.layers[-1].set_weights([weight / 3 for weight in model.layers[-1].get_weights()])
    assert sharpen(model, images, labels) == pytest.approx(3, rel=0.05)
    again = model.predict(images, verbose=0)
    np.testing.assert_array_equal(sharp.argmax(axis=1), again.argmax(axis=1))
    np.testing.assert_allclose(sharp, again, atol=0.03)
