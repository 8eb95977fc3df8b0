from pathlib import Path

import numpy as np
import pytest

import mnist_runtime
from mnist_runtime.errors import ArtifactError
from mnist_trainer import ModelError, Splits
from mnist_trainer.evaluation.predictor import keras_predictor, load_predictor
from mnist_trainer.model_io.digit_model import DigitModel

READY = Path(mnist_runtime.__file__).parent / "models"


@pytest.mark.parametrize("name", ["cnn-int8.tflite", "cnn-int8.onnx"])
def test_an_exported_file_gives_the_answers_of_its_original(digits: Splits, name: str) -> None:
    images = digits.test.images
    scores = load_predictor(str(READY / name), digits.test)(images)
    assert scores.shape == (1500, 10)
    assert np.mean(scores.argmax(axis=1) == load_predictor("cnn", digits.test)(images).argmax(axis=1)) > 0.99


def test_logits_become_probabilities(digits: Splits) -> None:
    import keras

    logits = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    kernel, bias = logits.get_weights()
    logits.set_weights([kernel * 5, bias])
    scores = keras_predictor(DigitModel.measure(logits, digits.test))(digits.test.images[:50])
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_damaged_or_missing_model_is_reported(digits: Splits, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"nothing")
    with pytest.raises(ArtifactError):
        load_predictor(str(tmp_path / "x.tflite"), digits.test)
    with pytest.raises(ModelError):
        load_predictor(str(tmp_path / "missing.keras"), digits.test)
