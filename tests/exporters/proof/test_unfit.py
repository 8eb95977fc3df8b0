"""Why nothing can be proven with a model and its test images."""

import keras

from mnist_exporters import Parity, Reference
from mnist_exporters.inputs.original import Original
from mnist_trainer import Splits, load_model


def test_a_model_of_transposed_images_is_noticed(digits: Splits) -> None:
    """Its answers look like labels in another order, since a transposed 6 is much like a 7."""
    tiny = load_model("tiny")
    pixels = keras.Input(tiny.input_shape[1:])
    model = keras.Model(pixels, tiny(keras.layers.Permute((2, 1, 3))(pixels)))
    reference = Reference.of(Original.from_keras(model, digits.test, pixel_range="0..1"), digits.test)
    reasons = Parity.compare(reference, reference.scores, 0.1).reasons
    assert "The images of the original seem to be transposed" in reasons[0]
    assert "keras.layers.Permute((2, 1, 3)) in front of it" in reasons[0]
    assert not any("--labels" in reason for reason in reasons)
