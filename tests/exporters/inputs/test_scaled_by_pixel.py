"""A model of pixels that were scaled each by numbers of its own is refused, with the line that makes it exportable."""

import re
from pathlib import Path

import numpy as np
import pytest

from mnist_exporters import RefusedError, export_model, open_session
from mnist_trainer import Splits


@pytest.fixture(scope="module")
def scaler(digits: Splits) -> object:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit(digits.train.images.reshape(-1, 784).astype(np.float32))


@pytest.fixture(scope="module")
def dense(digits: Splits, scaler: object) -> list[object]:
    """The dense layers of a network that learned pixels scaled each by numbers of its own."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32, "relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((784,)), *layers])
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    # Few images: learned until the scaling matters.
    seen = np.concatenate([part.images.reshape(-1, 784).astype(np.float32) for part in (digits.train, digits.test)])
    labels = np.concatenate([digits.train.labels, digits.test.labels])
    model.fit(scaler.transform(seen), labels, epochs=25, batch_size=32, verbose=0)
    return layers


@pytest.mark.long
@pytest.mark.parametrize("shape", [(784,), (28, 28, 1)], ids=str)
def test_a_scaler_of_each_pixel_is_recognized_and_becomes_a_layer(
    digits: Splits, scaler: object, dense: list[object], tmp_path: Path, shape: tuple[int, ...]
) -> None:
    import keras

    model = keras.Sequential([keras.Input(shape), keras.layers.Flatten(), *dense])
    test = digits.test.images.reshape(-1, 784).astype(np.float32)
    answers = model.predict(scaler.transform(test).reshape(-1, *shape), verbose=0).argmax(axis=1)

    session = open_session(model, digits)
    assert session.reference.accuracy < (answers == digits.test.labels).mean() - 0.03
    assert session.advice is None
    with pytest.raises(RefusedError, match=r"Each pixel seems to have been scaled by its own mean") as caught:
        export_model(model, tmp_path / "mine.tflite", "none", digits)
    assert not (tmp_path / "mine.tflite").exists()
    line = re.search(r"model = (keras\.Sequential\(.*?, model\]\)),", str(caught.value))[1]
    names = {"keras": keras, "model": model, "mean": scaler.mean_, "std": scaler.scale_}
    wrapped = open_session(eval(line, names), digits, pixel_range="0..255")
    assert np.mean(wrapped.reference.scores.argmax(axis=1) == answers) > 0.999
    assert wrapped.reference.by_pixel is None
    assert f"state it: {session.original.scaling.options}." in str(caught.value)
    stated = open_session(model, digits, pixel_range=session.original.scaling)
    assert stated.reference.by_pixel is None


@pytest.mark.long
def test_weak_models_of_one_scaling_are_not_taken_for_it(digits: Splits) -> None:
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10, "softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    rows = digits.train.images.reshape(-1, 784) / np.float32(255)
    model.fit(rows, digits.train.labels, epochs=4, verbose=0)
    reference = open_session(model, digits).reference
    assert reference.accuracy < 0.97
    assert reference.by_pixel is None
