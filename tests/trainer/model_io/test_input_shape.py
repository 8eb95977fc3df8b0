import numpy as np
import pytest

from mnist_trainer import ModelError, Splits, evaluate, load_model
from mnist_trainer.model_io.input_shape import check_digit_model


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
