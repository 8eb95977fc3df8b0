from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.shared.foreign_files import dense

import mnist_runtime
from mnist_runtime.artifact.task import Task
from mnist_runtime.errors import ArtifactError
from mnist_trainer import ModelError, PixelScaling, Splits
from mnist_trainer.evaluation.predictor import load_predictor, predictor_of
from mnist_trainer.model_io.measured.digit_model import DigitModel

READY = Path(mnist_runtime.__file__).parent / "models"


@pytest.mark.long
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
    scores = predictor_of(DigitModel.measure(logits, digits.test))(digits.test.images[:50])
    assert np.allclose(scores.sum(axis=1), 1, atol=1e-5)


def test_a_file_that_gives_nan_for_some_images_is_rejected_with_their_number(digits: Splits, tmp_path: Path) -> None:
    """A corner that is black in all images makes the argument of its logarithm negative where it is white."""
    kernel = np.zeros((784, 10))
    kernel[0, 3] = -1
    path = tmp_path / "net.onnx"
    path.write_bytes(dense(kernel, np.ones(10), scaling=PixelScaling.between(0, 255), last="Log").SerializeToString())
    predict = load_predictor(str(path), digits.test, pixel_range="0..255")
    images = digits.test.images[:5].copy()
    predict(images)
    images[1:3, 0, 0] = 255
    with pytest.raises(ModelError, match="nan or infinity, for 2 of 5 images"):
        predict(images)


@pytest.mark.long
def test_black_on_white_pictures_for_a_model_of_white_on_black_get_a_warning_with_the_options(digits: Splits) -> None:
    """The record of the model states a scaling, so none is measured."""
    light = replace(digits.test, images=255 - digits.test.images, task=Task(28, 28, 1, preparation="plain"))
    said: list[str] = []
    load_predictor("tiny", light, report=said.append)
    assert said[1].startswith("warning: The model is right on ")
    assert said[1].endswith("with 0..1 inverted. For these images give --pixel-range 0..1 --invert.")
    load_predictor("tiny", digits.test, report=said.append)
    assert len(said) == 3, "it reads these well"


def test_a_damaged_or_missing_model_is_reported(digits: Splits, tmp_path: Path) -> None:
    (tmp_path / "x.tflite").write_bytes(b"nothing")
    with pytest.raises(ArtifactError):
        load_predictor(str(tmp_path / "x.tflite"), digits.test)
    with pytest.raises(ModelError):
        load_predictor(str(tmp_path / "missing.keras"), digits.test)


@pytest.mark.long
def test_an_exported_file_is_used_for_its_own_labels_and_only_a_foreign_one_is_described(
    digits: Splits, tmp_path: Path
) -> None:
    said: list[str] = []
    for name in ("cnn-int8.tflite", "cnn-int8.onnx"):
        load_predictor(str(READY / name), digits.test, report=said.append)
    assert said == []
    other = replace(digits.test, task=Task(28, 28, 1, tuple("9876543210"), "mnist"))
    with pytest.raises(ModelError, match="but the data has"):
        load_predictor(str(READY / "cnn-int8.onnx"), other)
    path = tmp_path / "net.onnx"
    path.write_bytes(dense(np.zeros((784, 10)), np.ones(10), scaling=PixelScaling.between(0, 255)).SerializeToString())
    load_predictor(str(path), digits.test, pixel_range="0..255", report=said.append)
    (text,) = said
    assert text.startswith(f"{path}: ")
    assert "0..255" in text
