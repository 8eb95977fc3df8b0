import numpy as np
import pytest

from mnist_trainer import Splits, load_model
from mnist_trainer.training.techniques.temperature_scaling import temperature_scale


def test_scaled_logits_are_restored_without_a_change_of_answers(digits: Splits) -> None:
    model = load_model("mlp")
    images, labels = digits.test.images / np.float32(255), digits.test.labels
    temperature_scale(model, images, labels)
    before = model.predict(images, verbose=0)
    model.layers[-1].set_weights([weight / 3 for weight in model.layers[-1].get_weights()])
    assert temperature_scale(model, images, labels) == pytest.approx(3, rel=0.05)
    after = model.predict(images, verbose=0)
    np.testing.assert_array_equal(before.argmax(axis=1), after.argmax(axis=1))
    np.testing.assert_allclose(before, after, atol=0.03)


@pytest.mark.long
def test_the_smallest_factor_within_one_standard_error_is_chosen(digits: Splits) -> None:
    model = load_model("mlp")
    images, labels = digits.test.images / np.float32(255), digits.test.labels

    def losses() -> np.ndarray:
        return -np.log(np.maximum(model.predict(images, verbose=0)[np.arange(len(labels)), labels], 1e-30))

    def losses_after(factor: float) -> np.ndarray:
        model.layers[-1].set_weights([weight * factor for weight in model.layers[-1].get_weights()])
        return losses()

    temperature_scale(model, images, labels)
    found, with_smaller = losses(), losses_after(0.9)
    best = min((losses_after(1.1) for _ in range(12)), key=np.mean)
    limit = best.mean() + best.std() / np.sqrt(len(labels))
    assert best.mean() < found.mean() <= limit < with_smaller.mean()
