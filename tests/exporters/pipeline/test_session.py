"""What a session says about an original that reads the test images badly."""

import keras
import pytest

from mnist_exporters import ExportSession, RefusedError
from mnist_exporters.inputs.original import Original
from mnist_trainer import Splits, load_model


@pytest.mark.long
def test_a_model_below_the_expected_accuracy_gets_the_reason_that_was_measured(digits: Splits) -> None:
    tiny = load_model("tiny")
    images = keras.Input(tiny.input_shape[1:])
    model = keras.Model(images, tiny(keras.ops.flip(images, 2)))
    session = ExportSession(Original.from_keras(model, digits.test, pixel_range="0..1"), *digits)
    with pytest.raises(
        RefusedError, match=r"but 90.00% is expected. .* seem to be mirrored, left and right"
    ) as refused:
        session.check_accuracy(0.9)
    assert "may not be those of its training" not in str(refused.value)
    assert session.advice is None, "the refusal says it"
