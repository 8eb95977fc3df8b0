"""Why nothing can be proven with a model and its test images."""

from dataclasses import replace

import keras
import numpy as np

from mnist_exporters import Parity, Reference
from mnist_exporters.inputs.original import Original
from mnist_exporters.proof.unfit import wrong_averages
from mnist_trainer import Splits, architecture, load_model


def _reasons(model: keras.Model, digits: Splits) -> tuple[tuple[str, ...], Reference]:
    """Return why nothing can be proven with `model`, and the reference."""
    reference = Reference.of(Original.from_keras(model, digits.test, pixel_range="0..1"), digits.test)
    return Parity.compare(reference, reference.scores, 0.1).reasons, reference


def test_a_model_of_transposed_images_is_noticed(digits: Splits) -> None:
    """Its answers look like labels in another order, since a transposed 6 is much like a 7."""
    tiny = load_model("tiny")
    pixels = keras.Input(tiny.input_shape[1:])
    model = keras.Model(pixels, tiny(keras.layers.Permute((2, 1, 3))(pixels)))
    reasons, _ = _reasons(model, digits)
    assert "The images of the original seem to be transposed" in reasons[0]
    assert "keras.layers.Permute((2, 1, 3)) in front of it" in reasons[0]
    assert not any("--labels" in reason for reason in reasons)


def test_averages_of_batch_normalization_that_do_not_fit_are_noticed(digits: Splits) -> None:
    """A short training leaves them near those of a new layer."""
    tiny = load_model("tiny")
    for layer in tiny.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.moving_mean.assign(layer.moving_mean * 0.05)
            layer.moving_variance.assign(layer.moving_variance * 0.05 + 0.95)
    before = tiny.get_weights()
    reasons, reference = _reasons(tiny, digits)
    assert reference.accuracy < 0.5
    assert reference.renormalized is not None
    assert reference.renormalized > 0.9
    assert "The averages of its batch normalization do not fit" in reasons[0]
    assert "train longer, a thousand steps or more" in reasons[0]
    assert "Check how" not in reasons[0]
    assert all(map(np.array_equal, before, tiny.get_weights())), "the model is exported after that"


def test_averages_are_not_blamed_for_other_faults(digits: Splits) -> None:
    reasons, reference = _reasons(architecture("tiny").build(), digits)
    assert reference.renormalized is not None
    assert "Check how its pixels were scaled" in reasons[0]
    reasons, reference = _reasons(architecture("linear").build(), digits)
    assert reference.renormalized is None, "it has no batch normalization"
    assert "Check how its pixels were scaled" in reasons[0]


def test_small_differences_of_averages_are_no_fault(digits: Splits) -> None:
    right = np.eye(10, dtype=np.float32)[digits.test.labels]
    right[::3] = np.roll(right[::3], 1, axis=1)
    reference = Reference("two thirds", digits.test.images, digits.test.labels, right)
    for found, is_named in ((None, False), (0.7, False), (0.8, True)):
        assert bool(wrong_averages(replace(reference, renormalized=found))) == is_named
