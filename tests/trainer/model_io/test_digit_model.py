import pytest

from mnist_trainer import Splits, UsageError, load_model
from mnist_trainer.model_io.digit_model import DigitModel


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
