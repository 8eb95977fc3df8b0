import numpy as np
import pytest

from mnist_trainer import ModelError, Splits, evaluate, load_model


def test_accuracy_and_confusion_agree(digits: Splits) -> None:
    found = evaluate(load_model("mlp"), digits.test)
    assert found.confusion.sum() == found.images == len(digits.test)
    assert np.trace(found.confusion) / found.images == pytest.approx(found.accuracy)
    assert np.array_equal(found.confusion.sum(axis=1), np.bincount(digits.test.labels))
    assert found.as_dict()["confusion"] == found.confusion.tolist()


def test_the_range_of_pixels_matters(digits: Splits) -> None:
    model = load_model("cnn")
    assert evaluate(model, digits.test).accuracy > evaluate(model, digits.test, pixel_scale=1 / 255 / 50).accuracy + 0.2


def test_a_model_of_something_else_is_refused(digits: Splits) -> None:
    import keras

    model = keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Flatten(), keras.layers.Dense(2)])
    with pytest.raises(ModelError, match=r"inputs \[\(32, 32, 3\)\] and outputs \[\(2,\)\]"):
        evaluate(model, digits.test)
