import numpy as np
import pytest

from mnist_trainer import ModelError, Splits, evaluate, load_model
from mnist_trainer.model_io.digit_model import digit_model


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["lists", "dicts"])
def test_a_list_or_dict_of_one_is_as_good_as_the_one(digits: Splits, kind: str) -> None:
    import keras

    ready = load_model("linear")
    tensors = (ready.inputs[0], ready.outputs[0])
    structure = (
        [[tensor] for tensor in tensors] if kind == "lists" else [{"pixels": tensors[0]}, {"scores": tensors[1]}]
    )
    model = keras.Model(*structure)
    images = digits.test.images[:5] / np.float32(255)
    assert np.array_equal(digit_model(model).predict(images, verbose=0), ready.predict(images, verbose=0))
    assert evaluate(model, digits.test).as_dict() == evaluate(ready, digits.test).as_dict()


def test_a_plain_model_stays_itself() -> None:
    model = load_model("cnn")
    assert digit_model(model) is model


def test_a_model_that_was_never_built_is_told() -> None:
    import keras

    with pytest.raises(ModelError, match="built model"):
        digit_model(keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(10)]))


def test_a_model_that_fails_is_told() -> None:
    import keras

    pixels = keras.Input((28, 28))
    one = keras.layers.Reshape((784,))(keras.ops.reshape(pixels, (1, 28, 28)))
    scores = keras.layers.Dense(10)(one)
    model = keras.Model(pixels, scores)
    with pytest.raises(ModelError, match="answers two images"):
        digit_model(model)
