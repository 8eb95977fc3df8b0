from pathlib import Path

import numpy as np
import pytest

import mnist_runtime
from mnist_runtime.errors import ArtifactError
from mnist_trainer import ModelError, Splits
from mnist_trainer.evaluation.predictor import keras_scorer, load_scorer

READY = Path(mnist_runtime.__file__).parent / "models"


@pytest.mark.parametrize("name", ["cnn-int8.tflite", "cnn-int8.onnx"])
def test_an_exported_file_is_asked_like_its_original(digits: Splits, name: str) -> None:
    images = digits.test.images
    scores = load_scorer(str(READY / name))(images)
    assert scores.shape == (1500, 10)
    assert np.mean(scores.argmax(axis=1) == load_scorer("cnn")(images).argmax(axis=1)) > 0.99


def test_logits_are_told_as_probabilities(digits: Splits) -> None:
    import keras

    logits = keras.Sequential([keras.Input((784,)), keras.layers.Dense(10)])
    kernel, bias = logits.get_weights()
    logits.set_weights([kernel * 5, bias])
    scores = keras_scorer(logits)(digits.test.images[:50])
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_what_is_no_model_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"nothing")
    with pytest.raises(ArtifactError):
        load_scorer(str(tmp_path / "x.tflite"))
    with pytest.raises(ModelError):
        load_scorer(str(tmp_path / "missing.keras"))
