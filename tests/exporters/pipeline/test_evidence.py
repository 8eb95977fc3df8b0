"""Exports that passed the accuracy check and then answered nothing, or on evidence that was none."""

import dataclasses
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from mnist_exporters import ExportSession, ExportSpec, Original, RefusedError, open_session
from mnist_runtime import Classifier
from mnist_trainer import Dataset, Splits, load_model


@pytest.fixture(scope="module")
def sure(digits: Splits) -> ExportSession:
    """A network that is sure of nearly all its answers, as after very long training."""
    model = load_model("mlp")
    *_, kernel, bias = model.get_weights()
    model.layers[-1].set_weights([kernel * 30, bias * 30])
    return ExportSession(Original.from_keras(model, digits.test, pixel_range="0..1"), *digits)


@pytest.mark.long
def test_an_int8_file_of_a_network_that_is_sure_of_everything_answers(
    sure: ExportSession, digits: Splits, tmp_path: Path
) -> None:
    """The original's confidence is 1 where the integers end at 255/256. The threshold was above them."""
    report = sure.export(ExportSpec("tflite", "int8", 0.03), tmp_path)
    assert report.path is not None
    with Classifier.load(report.path) as classifier:
        assert classifier.manifest.threshold == report.parity.threshold <= 255 / 256
        answers = [classifier.classify(image).digit for image in digits.test.images[:200]]
    assert answers.count(None) <= 2


def test_what_the_file_turns_away_is_what_the_check_counted(
    sure: ExportSession, digits: Splits, tmp_path: Path
) -> None:
    """The whole way of a picture: preparation, interpreter, threshold. These images are in MNIST's form already."""
    report = sure.export(ExportSpec("tflite", "float32", 0.03), tmp_path)
    parity = report.parity
    assert parity.threshold > 0
    assert report.path is not None
    with Classifier.load(report.path) as classifier:
        scores = classifier.predict_proba(digits.test.images)
        assert parity.turned_away == int((scores.max(axis=1).astype(float) < parity.judged_threshold).sum())
        for image in digits.test.images[scores.max(axis=1).argsort()[:20]]:
            (found,) = classifier.classify_ink([_ink(image)])
            assert (found.digit is None) is (found.confidence < parity.threshold)
    assert sure.verify(report.path).parity.lost == parity.lost


def _ink(image: np.ndarray) -> Any:
    from mnist_runtime.preprocess.prepare import Ink

    return Ink(image, is_scribble=False)


def one_other_pixel(data: Dataset) -> Dataset:
    images = data.images.copy()
    images.reshape(len(images), -1)[:, 400] ^= 255
    return dataclasses.replace(data, images=images)


@pytest.mark.long
@pytest.mark.parametrize("precision", [pytest.param("float32", marks=pytest.mark.slow), "int8"])
def test_a_test_set_that_is_the_training_set_but_for_a_pixel_proves_nothing(
    digits: Splits, tmp_path: Path, precision: str
) -> None:
    session = open_session("mlp", Splits(one_other_pixel(digits.test), digits.test), calibration_samples=100)
    with pytest.raises(RefusedError, match=r"1,500 of the 1,500 test images \(100%\) are also training images"):
        session.export(ExportSpec("tflite", precision), tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_share_of_known_images_is_in_report_and_manifest(digits: Splits, tmp_path: Path) -> None:
    part = one_other_pixel(digits.test.take(np.arange(0, 1500, 5), "test"))
    train = dataclasses.replace(
        digits.train,
        images=np.concatenate([digits.train.images, part.images]),
        labels=np.concatenate([digits.train.labels, part.labels]),
    )
    session = open_session("mlp", Splits(train, digits.test), calibration_samples=100)
    report = session.export(ExportSpec("tflite", "float32"), tmp_path)
    assert "known      300 images (20.0%) are also training images, exactly or nearly" in str(report)
    assert report.path is not None
    parity = Classifier.load(report.path).manifest.parity
    assert parity is not None
    assert parity["in_training"] == 300


@pytest.mark.long
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_a_network_that_has_no_scores_for_a_blank_image_is_refused(digits: Splits, tmp_path: Path) -> None:
    """It was proven, and then answered 0 to a blank image, with nan."""

    @keras.saving.register_keras_serializable("tests")
    class Standardize(keras.layers.Layer):
        def call(self, pixels: Any) -> Any:
            mean = keras.ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
            return (pixels - mean) / keras.ops.std(pixels, axis=(1, 2, 3), keepdims=True)

    mlp = load_model("mlp")
    source = keras.Input((28, 28, 1))
    model = keras.Model(source, mlp(keras.layers.Reshape(mlp.input_shape[1:])(Standardize()(source) * 0.3 + 0.1)))
    session = ExportSession(Original.from_keras(model, digits.test, pixel_range="0..1"), *digits)
    with pytest.raises(RefusedError, match="scores that are nan or infinity for blank and white images") as refused:
        session.export(ExportSpec("onnx", "dynamic", 0.05), tmp_path)
    # A repair changes how exactly a layer computes, not what it divides by.
    assert "Repairs" not in str(refused.value)
    assert "loses most" not in str(refused.value)
