import numpy as np
import pytest

from mnist_trainer import Splits, load_model
from mnist_trainer.training.techniques.temperature_scaling import temperature_scale


def test_a_model_made_dull_becomes_as_sharp_as_it_was(digits: Splits) -> None:
    model = load_model("mlp")
    images, labels = digits.test.images / np.float32(255), digits.test.labels
    temperature_scale(model, images, labels)
    sharp = model.predict(images, verbose=0)
    model.layers[-1].set_weights([weight / 3 for weight in model.layers[-1].get_weights()])
    assert temperature_scale(model, images, labels) == pytest.approx(3, rel=0.05)
    again = model.predict(images, verbose=0)
    np.testing.assert_array_equal(sharp.argmax(axis=1), again.argmax(axis=1))
    np.testing.assert_allclose(sharp, again, atol=0.03)


def test_it_is_no_surer_than_need_be(digits: Splits) -> None:
    model = load_model("mlp")
    images, labels = digits.test.images / np.float32(255), digits.test.labels

    def surprise() -> np.ndarray:
        return -np.log(np.maximum(model.predict(images, verbose=0)[np.arange(len(labels)), labels], 1e-30))

    def stretch(factor: float) -> np.ndarray:
        model.layers[-1].set_weights([weight * factor for weight in model.layers[-1].get_weights()])
        return surprise()

    temperature_scale(model, images, labels)
    found, duller = surprise(), stretch(0.9)
    best = min((stretch(1.1) for _ in range(12)), key=np.mean)
    limit = best.mean() + best.std() / np.sqrt(len(labels))
    assert best.mean() < found.mean() <= limit < duller.mean()
