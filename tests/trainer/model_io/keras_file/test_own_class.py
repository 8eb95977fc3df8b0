from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from mnist_trainer import ModelError, load_data, load_model
from mnist_trainer.model_io.measured.digit_model import DigitModel

pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

PIXELS = np.random.default_rng(0).random((4, 28, 28, 1), np.float32)


class OwnStep(keras.Model):  # type: ignore[misc]  # Keras is untyped
    """A class of the user's that changes the training and keeps a metric and a layer of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker = keras.metrics.Mean(name="tracker")
        self.head = self.layers[-1]

    def train_step(self, data: Any) -> dict[str, Any]:  # noqa: ARG002  # the interface of Keras
        return {}


class OwnSequence(keras.Sequential):  # type: ignore[misc]
    def train_step(self, data: Any) -> dict[str, Any]:  # noqa: ARG002  # the interface of Keras
        return {}


class OwnCall(keras.Model):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.flat, self.scores = layers.Flatten(), layers.Dense(10)

    def call(self, pixels: Any) -> Any:
        return self.scores(self.flat(pixels))


def graph(kind: type) -> Any:
    pixels = keras.Input((28, 28, 1))
    end = layers.Conv2D(4, 3, strides=2)(pixels)
    end = layers.Add()([end, layers.Conv2D(4, 3, padding="same")(layers.BatchNormalization()(end))])
    return kind(pixels, layers.Dense(10, activation="softmax")(layers.Flatten()(end)))


def sequence() -> Any:
    return OwnSequence([keras.Input((28, 28, 1)), layers.Conv2D(3, 3), layers.Flatten(), layers.Dense(10)])


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
@pytest.mark.parametrize("kind", ["functional", "sequential"])
def test_a_class_that_only_changes_the_training_is_not_needed(tmp_path: Path, name: str, kind: str) -> None:
    model = graph(OwnStep) if kind == "functional" else sequence()
    model.save(tmp_path / name)
    loaded = load_model(str(tmp_path / name))
    assert type(loaded).__module__.startswith("keras.")
    np.testing.assert_array_equal(loaded(PIXELS), model(PIXELS))
    note = DigitModel.measure(loaded, load_data("digits").test, given="0..1").describe().splitlines()[-1]
    assert note.startswith(f"note: The class {type(model).__name__} of the model is not in the file")


def test_a_model_of_keras_has_no_note_about_its_class() -> None:
    assert "class" not in DigitModel.measure(load_model("linear"), load_data("digits").test, given="0..1").describe()


def test_a_class_with_its_own_call_is_still_rejected(tmp_path: Path) -> None:
    model = OwnCall()
    model(PIXELS)
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match=r"'OwnCall' is not part of Keras 3.*model\.export"):
        load_model(str(tmp_path / "mine.keras"))


def test_a_model_of_an_own_class_inside_a_model_is_still_rejected(tmp_path: Path) -> None:
    keras.Sequential([keras.Input((28, 28, 1)), graph(OwnStep), layers.Softmax()]).save(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match=r"'OwnStep' is not part of Keras 3"):
        load_model(str(tmp_path / "mine.keras"))


def test_code_inside_such_a_model_does_not_run(tmp_path: Path) -> None:
    model = OwnSequence([keras.Input((28, 28)), layers.Lambda(lambda x: x), layers.Flatten(), layers.Dense(10)])
    model.save(tmp_path / "mine.keras")
    with pytest.raises(ModelError, match="not loaded, since its Lambda layer runs code"):
        load_model(str(tmp_path / "mine.keras"))
