"""Every form of own data with real commands: each of them loads it in the same way."""

import gzip
import json
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_trainer import Splits

Run = Callable[..., subprocess.CompletedProcess[str]]


def _csv(path: Path, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> Path:
    images, labels = (np.concatenate(pair) for pair in zip(train, test, strict=True))
    header = ",".join(["label", *(f"pixel{number}" for number in range(784))])
    table = np.column_stack([labels, images.reshape(-1, 784)])
    np.savetxt(path / "train.csv", table, fmt="%d", delimiter=",", header=header, comments="")
    return path / "train.csv"


def _idx(path: Path, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> Path:
    for name, (images, labels) in (("train", train), ("t10k", test)):
        for part, array in (("images.idx3", images), ("labels.idx1", labels)):
            content = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()
            file = path / f"{name}-{part}-ubyte"
            file.write_bytes(gzip.compress(content) if name == "train" else content)
    return path


def _npz(path: Path, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> Path:
    (x_train, y_train), (x_test, y_test) = train, test
    np.savez_compressed(
        path / "mine.npz",
        X_train=1 - x_train.reshape(-1, 784) / np.float32(255),
        y_train=np.eye(10)[y_train],
        X_test=1 - x_test[..., None] / np.float32(255),
        y_test=y_test.astype(np.float32)[:, None],
    )
    return path / "mine.npz"


def _pictures(path: Path, train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray]) -> Path:
    for name, pair in (("training", train), ("testing", test)):
        for number, (image, label) in enumerate(zip(*pair, strict=True)):
            (path / name / str(label)).mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(path / name / str(label) / f"{number}.png")
    return path


FORMS = {
    "CSV with header: label and 784 pixels": _csv,
    "4 IDX files": _idx,
    "arrays X_train, y_train, X_test, y_test; images (n, 784); floats 0..1; black on white, inverted": _npz,
    "pictures in label folders of training/ and testing/": _pictures,
}


@pytest.fixture
def data_of(digits: Splits, tmp_path: Path) -> Callable[[str], Path]:
    """Write 900 training and 600 test images in a form."""

    def data_of(form: str) -> Path:
        train, test = digits.test.take(np.arange(900), "train"), digits.test.take(np.arange(900, 1500), "test")
        (tmp_path / "data").mkdir()
        return FORMS[form](tmp_path / "data", (train.images, train.labels), (test.images, test.labels))

    return data_of


def images_evaluated(here: Run, *arguments: object) -> int:
    done = here("mnist-evaluate", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["models"][0]["accuracy"] > 0.3
    return facts["models"][0]["images"]


@pytest.mark.long
@pytest.mark.parametrize(
    "form",
    [pytest.param(f, marks=() if f.startswith("pictures") else pytest.mark.slow) for f in FORMS],
)
def test_own_data_is_evaluated_and_proves(here: Run, data_of: Callable[[str], Path], tmp_path: Path, form: str) -> None:
    data, output = data_of(form), tmp_path / "out.tflite"
    assert images_evaluated(here, "linear", "--data", data) == (1200 if form.startswith("CSV") else 600)
    options = ("--quantize", "--max-accuracy-drop", "0.02", "--json", "--output", output)  # 600 images prove no less
    done = here("mnist-export", "linear", "--data", data, *options)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count(f"read {data} as {form}") == 1
    (artifact,) = json.loads(done.stdout)["artifacts"]
    assert artifact["parity"]["accuracy_original"] > 0.6
    assert artifact["left_out"] == 0


@pytest.mark.parametrize("form", [pytest.param(form, marks=pytest.mark.slow) for form in FORMS])
def test_own_data_trains_and_no_training_image_is_tested(
    here: Run, data_of: Callable[[str], Path], tmp_path: Path, form: str
) -> None:
    data, model = data_of(form), tmp_path / "mine.keras"
    options = ("--architecture", "linear", "--epochs", "2", "--output", model, "--json", "--data", data)
    done = here("mnist-train", *options)
    assert done.returncode == 0, done.stderr
    assert f"read {data} as {form}" in done.stderr
    record = json.loads(done.stdout)
    is_divided_here = form.startswith("CSV")
    assert record["train_images"] + record["validation_images"] == (1200 if is_divided_here else 900)
    tested = 300 if is_divided_here else 600
    assert record["test_images"] == tested
    assert images_evaluated(here, model, "--data", data) == tested
    done = here("mnist-export", model, "--data", data, "--json", "--output", tmp_path, "--max-accuracy-drop", "0.1")
    assert json.loads(done.stdout)["artifacts"][0]["parity"]["images"] == tested


@pytest.mark.slow
def test_images_in_both_splits_are_left_out_of_the_calibration(here: Run, digits: Splits, tmp_path: Path) -> None:
    from mnist_runtime import Artifact

    train, test = digits
    x_train, y_train = (np.concatenate([getattr(train, key), getattr(test, key)[:60]]) for key in ("images", "labels"))
    path, output = tmp_path / "mine.npz", tmp_path / "out.tflite"
    np.savez(path, x_train=x_train, y_train=y_train, x_test=test.images, y_test=test.labels)
    done = here("mnist-export", "linear", "--data", path, "--quantize", "--json", "--output", output)
    assert done.returncode == 0, done.stderr
    assert "60 of 1,500 test images are also training images" in done.stderr
    assert "left out   60 training images that are also test images" in done.stderr
    assert json.loads(done.stdout)["artifacts"][0]["left_out"] == 60
    calibration = Artifact.open(output).manifest.calibration
    assert calibration["left_out"] == 60
    assert calibration["images"] == 297

    np.savez(path, x_train=test.images[:80], y_train=test.labels[:80], x_test=test.images, y_test=test.labels)
    done = here("mnist-export", "linear", "--data", path, "--quantize", "--output", output)
    assert done.returncode == 6
    assert "80 of 1,500 test images of mine.npz are also training images, more than 5%" in done.stderr


def test_data_without_labels_ends_with_6_for_every_command(here: Run, digits: Splits, tmp_path: Path) -> None:
    np.savetxt(tmp_path / "test.csv", digits.test.images[:60].reshape(60, -1), fmt="%d", delimiter=",")
    for command in ("mnist-train", "mnist-evaluate linear", "mnist-export linear"):
        done = here(*command.split(), "--data", tmp_path / "test.csv")
        assert done.returncode == 6, command
        assert done.stdout == ""
        assert "images without labels" in done.stderr
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.long
def test_a_model_of_some_digits_gets_no_command_for_an_export_that_must_fail(
    here: Run, digits: Splits, tmp_path: Path
) -> None:
    kept = np.isin(digits.test.labels, (0, 2, 7))
    np.savez(tmp_path / "some.npz", images=digits.test.images[kept], labels=digits.test.labels[kept])
    words = ("--data", tmp_path / "some.npz", "--architecture", "linear", "--epochs", "1")
    done = here("mnist-train", *words, "--output", tmp_path / "some.keras")
    assert done.returncode == 0, done.stderr
    assert "export it with" not in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "note: no export of this model can be proven, since it has learned only 0, 2, 7 of 10 digits. Train it on "
        "images of all digits, or add --labels 0,2,7 for a model of these classes alone."
    )
    done = here("mnist-train", *words, "--labels", "0,2,7", "--output", tmp_path / "own.keras")
    assert "export it with: mnist-export" in done.stderr.splitlines()[-1]
