import numpy as np
import pytest

from mnist_trainer import ModelError, Splits, UsageError, evaluate, load_model
from mnist_trainer.model_io.digit_model import DigitModel, check_digit_model


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["lists", "dicts"])
def test_a_list_or_dict_of_one_tensor_is_unpacked(digits: Splits, kind: str) -> None:
    import keras

    ready = load_model("linear")
    tensors = (ready.inputs[0], ready.outputs[0])
    structure = (
        [[tensor] for tensor in tensors] if kind == "lists" else [{"pixels": tensors[0]}, {"scores": tensors[1]}]
    )
    model = keras.Model(*structure)
    images = digits.test.images[:5] / np.float32(255)
    assert np.array_equal(check_digit_model(model).predict(images, verbose=0), ready.predict(images, verbose=0))
    assert evaluate(model, digits.test).as_dict() == evaluate(ready, digits.test).as_dict()


def test_a_plain_model_is_returned_unchanged() -> None:
    model = load_model("cnn")
    assert check_digit_model(model) is model


def test_a_model_that_is_not_built_is_reported() -> None:
    import keras

    with pytest.raises(ModelError, match="not built"):
        check_digit_model(keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)]))


def test_a_model_for_one_image_only_is_reported() -> None:
    import keras

    pixels = keras.Input((28, 28))
    one = keras.layers.Reshape((784,))(keras.ops.reshape(pixels, (1, 28, 28)))
    scores = keras.layers.Dense(10)(one)
    model = keras.Model(pixels, scores)
    with pytest.raises(ModelError, match="fails on a batch of two images"):
        check_digit_model(model)


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
    with pytest.raises(UsageError, match=r"Choose one of 0\.\.1, 0\.\.255"):
        DigitModel.measure(model, digits.test, given="-1..1")
