import numpy as np
import pytest

from mnist_trainer import ModelError, Splits, UsageError, load_model
from mnist_trainer.model_io.measured.digit_model import DigitModel


@pytest.mark.parametrize(("name", "activation"), [("linear", "sigmoid"), ("mlp", "softmax")])
def test_range_and_activation_of_ready_models_are_measured(digits: Splits, name: str, activation: str) -> None:
    found = DigitModel.measure(load_model(name), digits.test)
    assert (found.pixel_range, found.range_origin, found.activation) == ("0..1", "measured", activation)


def test_a_given_range_comes_before_the_recorded_one(digits: Splits) -> None:
    model = load_model("mlp")
    given = DigitModel.measure(model, digits.test, given="0..255", recorded="0..1")
    assert (given.pixel_range, given.range_origin) == ("0..255", "as given")
    recorded = DigitModel.measure(model, digits.test, recorded="0..1")
    assert (recorded.pixel_range, recorded.range_origin) == ("0..1", "as recorded")
    with pytest.raises(UsageError, match=r"A\.\.B, such as 0\.\.1, 0\.\.255, -1\.\.1"):
        DigitModel.measure(model, digits.test, given="bytes")


def test_weights_of_nan_are_an_error_even_if_a_relu_hides_them(digits: Splits) -> None:
    model = load_model("mlp")
    kernel, *others = model.get_weights()
    kernel[3, :4] = np.nan
    model.set_weights([kernel, *others])
    with pytest.raises(ModelError, match=r"^4 of the [\d,]+ weights in .*kernel are not finite numbers, but nan"):
        DigitModel.measure(model, digits.test, given="0..1")
