"""Files of other tools compared with their original: PyTorch's ONNX and files of TensorFlow's converter."""

import json
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
from tests.shared.foreign_files import converted, torch_like

from mnist_exporters import RefusedError, UsageError, inspect, seal, verify
from mnist_runtime import Classifier, self_test
from mnist_trainer import PixelScaling, Splits
from mnist_trainer.architectures.registry import ARCHITECTURES

STANDARDIZED = PixelScaling.standardized(0.1307, 0.3081)

OPTIONS = ("--data", "digits", "--pixel-range", "0..1", "--max-accuracy-drop", "0.02")
"""On 1,500 images the network loses up to half a point in int8."""

pytestmark = pytest.mark.long  # all need a network that is trained first


@pytest.fixture(scope="module")
def lenet(digits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network that reads the digits well, trained on the images that test it: only copies of it are compared."""
    keras.utils.set_random_seed(0)
    model = ARCHITECTURES["lenet"].build()
    slower = keras.optimizers.schedules.CosineDecay(0.003, 480)  # the steps of 20 epochs
    model.compile(keras.optimizers.Adam(slower), "sparse_categorical_crossentropy")
    model.fit(digits.test.images[..., None] / np.float32(255), digits.test.labels, batch_size=64, epochs=20, verbose=0)
    path = tmp_path_factory.mktemp("original") / "lenet.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def torch_file(lenet: Path) -> Path:
    path = lenet.with_name("net.onnx")
    path.write_bytes(torch_like(keras.models.load_model(lenet), STANDARDIZED).SerializeToString())
    return path


@pytest.fixture(scope="module")
def badly_calibrated(lenet: Path, digits: Splits) -> Path:
    """An int8 file whose ranges come from one image, the one with the least ink."""
    path = lenet.with_name("one-image.tflite")
    faint = digits.train.images[digits.train.images.sum(axis=(1, 2)).argmin()] // 16
    path.write_bytes(converted(keras.models.load_model(lenet), faint[None] / 255, dtype="int8"))
    return path


@pytest.fixture(scope="module")
def well_calibrated(lenet: Path, digits: Splits) -> Path:
    path = lenet.with_name("300-images.tflite")
    path.write_bytes(converted(keras.models.load_model(lenet), digits.train.images[:300] / 255, dtype="int8"))
    return path


@pytest.mark.slow
def test_a_file_of_pytorch_is_proven(lenet: Path, torch_file: Path, digits: Splits) -> None:
    found = verify(torch_file, lenet, digits, pixel_range="0..1")
    assert found.parity.passed
    assert (found.format, found.precision, found.parity.lost) == ("onnx", "float32", 0)
    assert "takes pixels mean 0.1307 std 0.3081 (measured) as input float32 (n, 1, 28, 28), gives logits" in str(found)
    assert "original" not in str(found)


def test_a_file_calibrated_on_one_image_is_refused_with_the_figures(
    here: Callable[..., object], lenet: Path, badly_calibrated: Path
) -> None:
    done = here("mnist-export", "verify", badly_calibrated, "--against", lenet, *OPTIONS, "--json")
    assert done.returncode == 3
    facts = json.loads(done.stdout)
    assert facts["precision"] == "int8"
    assert facts["parity"]["drop"] > 0.02
    assert "REFUSED" in done.stderr
    assert "made by another tool" in done.stderr


@pytest.mark.slow
def test_a_file_calibrated_on_enough_images_is_proven(
    here: Callable[..., object], lenet: Path, well_calibrated: Path
) -> None:
    done = here("mnist-export", "verify", well_calibrated, "--against", lenet, *OPTIONS)
    assert done.returncode == 0, done.stderr
    assert "takes pixels 0..1 (measured)" in done.stderr


def test_a_file_is_proven_against_another_file(torch_file: Path, well_calibrated: Path, digits: Splits) -> None:
    found = verify(well_calibrated, torch_file, digits, max_accuracy_drop=0.02)
    assert found.parity.passed
    assert found.parity.accuracy_original > 0.9


@pytest.mark.slow
def test_the_pixels_of_the_file_can_be_given(lenet: Path, torch_file: Path, digits: Splits, int8_tflite: Path) -> None:
    found = verify(torch_file, lenet, digits, file_pixel_range="0..1")
    assert not found.parity.passed
    assert "takes pixels 0..1 (as given)" in str(found)
    with pytest.raises(UsageError, match="Leave --file-pixel-range out"):
        verify(int8_tflite, lenet, digits, file_pixel_range="0..1")


def test_a_file_of_another_tool_is_evaluated(here: Callable[..., object], torch_file: Path) -> None:
    done = here("mnist-evaluate", torch_file, "--data", "digits", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["models"][0]["accuracy"] > 0.9
    assert "takes pixels mean 0.1307 std 0.3081 (measured)" in done.stderr


def test_a_file_with_its_constants_among_the_inputs_is_understood(
    lenet: Path, torch_file: Path, tmp_path: Path, digits: Splits
) -> None:
    """Up to IR version 3, ONNX files list all constants as inputs."""
    model = torch_like(keras.models.load_model(lenet), STANDARDIZED, initializers_as_inputs=True)
    (tmp_path / "old.onnx").write_bytes(model.SerializeToString())
    found = inspect(tmp_path / "old.onnx")
    assert found.contents.input.name == "input"
    assert len({tensor.name for tensor in found.contents.tensors}) == len(found.contents.tensors)
    assert verify(tmp_path / "old.onnx", torch_file, digits, file_pixel_range=STANDARDIZED).parity.passed


@pytest.mark.parametrize("batch", ["n", 1])
def test_a_sealed_file_of_pytorch_runs_on_the_device(
    lenet: Path, torch_file: Path, tmp_path: Path, digits: Splits, batch: int | str
) -> None:
    (tmp_path / "net.onnx").write_bytes(
        torch_like(keras.models.load_model(lenet), STANDARDIZED, batch=batch).SerializeToString()
    )
    options = {"file_pixel_range": STANDARDIZED, "pixel_range": STANDARDIZED}
    report = seal(tmp_path / "net.onnx", torch_file, tmp_path / "out", digits, **options)
    assert report.path == tmp_path / "out" / "net-float32.onnx"
    device = Classifier.load(report.path)
    assert device.manifest.input["tensor_shape"] == [1 if batch == 1 else None, 1, 28, 28]
    assert (device.manifest.output["activation"], device.manifest.schema) == ("softmax", 2)
    assert np.mean(device.predict(digits.test.images) == digits.test.labels) == report.parity.accuracy_exported > 0.9
    assert self_test(report.path).passed


def test_a_sealed_integer_file_gets_raw_pixels(
    here: Callable[..., object], lenet: Path, well_calibrated: Path, tmp_path: Path
) -> None:
    done = here("mnist-export", "seal", well_calibrated, "--against", lenet, *OPTIONS, "--output", tmp_path)
    assert done.returncode == 0, done.stderr
    path = Path(done.stdout.strip())
    assert path == tmp_path / "300-images-int8.tflite"
    manifest = Classifier.load(path).manifest
    assert (manifest.schema, manifest.input["scale"], manifest.input["offset"]) == (1, 1, -128)
    assert self_test(path).passed
    assert self_test(path, backend="numpy").passed
    again = here("mnist-export", "seal", path, "--against", lenet, *OPTIONS, "--output", tmp_path / "again")
    assert again.returncode == 2
    assert "needs no seal" in again.stderr


def test_a_refused_file_is_not_written(lenet: Path, badly_calibrated: Path, tmp_path: Path, digits: Splits) -> None:
    with pytest.raises(RefusedError):
        seal(badly_calibrated, lenet, tmp_path, digits, pixel_range="0..1", max_accuracy_drop=0.02)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_not_replaced_by_itself(lenet: Path, badly_calibrated: Path, digits: Splits) -> None:
    with pytest.raises(UsageError, match="is the file itself"):
        seal(badly_calibrated, lenet, badly_calibrated, digits)
