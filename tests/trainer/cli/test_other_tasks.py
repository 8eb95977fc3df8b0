"""``mnist-train`` and ``mnist-evaluate`` with images and classes that are not those of MNIST."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_trainer import Splits

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def folder(fruits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the images into a folder for each split and class."""
    path = tmp_path_factory.mktemp("fruits")
    for split in fruits:
        for number, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
            name = path / split.split / split.task.labels[label]
            name.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(name / f"{number:03}.png")
    return path


@pytest.fixture(scope="module")
def trained(folder: Path, fruits: Splits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that is trained on the folder."""
    from dataclasses import replace

    from mnist_trainer import architecture, train

    linear = architecture("linear")
    path = tmp_path_factory.mktemp("trained") / "fruits.keras"
    train(linear, fruits, recipe=replace(linear.recipe, epochs=20, batch_size=16)).save(path)
    return path


@pytest.mark.long
def test_a_folder_of_pictures_is_trained_on(here: Run, folder: Path, tmp_path: Path) -> None:
    words = ("--image-size", "20x14", "--channels", "3", "--architecture", "linear", "--epochs", "2", "--json")
    done = here("mnist-train", "--data", folder, *words, "--output", tmp_path / "mine.keras")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["task"] == {
        "height": 20,
        "width": 14,
        "channels": 3,
        "labels": ["apple", "banana", "grape"],
        "preparation": "plain",
    }
    assert f"read {folder} as pictures in label folders of train/ and test/" in done.stderr
    assert "color images of 20x14 pixels in 3 classes (apple, banana, grape)" in done.stderr
    assert f"--quantize --data {folder}" in done.stderr


@pytest.mark.long
def test_a_trained_model_brings_the_names_of_its_classes(
    here: Run, trained: Path, fruits: Splits, tmp_path: Path
) -> None:
    np.savez(tmp_path / "numbers.npz", images=fruits.test.images, labels=fruits.test.labels)
    done = here("mnist-evaluate", trained, "--data", tmp_path / "numbers.npz", "--json")
    (facts,) = json.loads(done.stdout)["models"]
    assert facts["labels"] == ["apple", "banana", "grape"]
    assert facts["by_class"]["banana"]["f1-score"] > 0.9
    assert "by_digit" not in facts


@pytest.mark.long
@pytest.mark.parametrize("form", ["npz", pytest.param("idx", marks=pytest.mark.slow)])
def test_named_letters_are_trained_and_evaluated(here: Run, tmp_path: Path, form: str) -> None:
    """As Fashion-MNIST and EMNIST's letters are published: 28x28 pixels in gray, and classes numbered from 0 or 1."""
    import struct

    names, first = ("bag,boot,coat", 0) if form == "npz" else ("a,b,c", 1)
    y = (np.arange(180) % 3).astype(np.uint8)
    x = np.random.default_rng(0).integers(0, 90, (180, 28, 28), np.uint8)
    for label in range(3):
        x[y == label, 4 + 8 * label : 10 + 8 * label] += 120
    parts = {"train": slice(0, 120), "t10k": slice(120, 180)}
    path = tmp_path / ("mine.npz" if form == "npz" else "letters")
    if form == "npz":
        np.savez(path, x_train=x[:120], y_train=y[:120], x_test=x[120:], y_test=y[120:])
    else:
        path.mkdir()
        for name, part in parts.items():
            for kind, array in (("images-idx3", x[part]), ("labels-idx1", y[part] + np.uint8(first))):
                header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
                (path / f"{name}-{kind}-ubyte").write_bytes(header + array.tobytes())
    words = ("--architecture", "linear", "--epochs", "6", "--batch-size", "16", "--output", tmp_path / "mine.keras")
    done = here("mnist-train", "--data", path, "--labels", names, *words)
    assert done.returncode == 0, done.stderr
    done = here("mnist-evaluate", tmp_path / "mine.keras", "--data", path, "--json")
    (facts,) = json.loads(done.stdout)["models"]
    assert (facts["labels"], facts["images"], facts["accuracy"]) == (names.split(","), 60, 1)


@pytest.mark.slow
def test_the_classes_are_printed_and_drawn(here: Run, trained: Path, folder: Path, tmp_path: Path) -> None:
    done = here("mnist-evaluate", trained, "--data", folder, "--report", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "confusion matrix: true class by row, answer by column" in done.stdout
    assert "\n grape  " in done.stdout
    page = (tmp_path / "evaluation.html").read_text()
    assert "digit" not in page
    assert "<td>banana</td>" in page
    with Image.open(tmp_path / "1-fruits-samples.png") as picture:
        assert np.ptp(np.asarray(picture.convert("HSV"))[..., 1]) > 100, "in color"


@pytest.mark.slow
def test_many_classes_are_listed_by_their_mistakes(here: Run, tmp_path: Path) -> None:
    import keras

    labels = np.arange(300) % 30
    images = np.random.default_rng(0).integers(0, 256, (300, 8, 8), np.uint8)
    np.savez(tmp_path / "mine.npz", images=images, labels=[f"class {label:02}" for label in labels])
    keras.Sequential([keras.Input((8, 8)), keras.layers.Flatten(), keras.layers.Dense(30)]).save(tmp_path / "my.keras")
    words = ("--data", tmp_path / "mine.npz", "--pixel-range", "0..1", "--report", tmp_path / "report")
    done = here("mnist-evaluate", tmp_path / "my.keras", *words)
    assert done.returncode == 0, done.stderr
    assert "most frequent mistakes: true class, answer, images" in done.stdout
    lines = [line for line in done.stdout.splitlines() if str(tmp_path) not in line]
    assert max(map(len, lines)) <= 80
    assert done.stdout.count("\nclass ") >= 30


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--image-size", "32"], 5, "input of shape (32, 32, 3) or (3072,)"),
        (["--image-size", "32x"], 2, "'32x' is no size. Give height x width in pixels, such as 32x20"),
        (["--image-size", "4x4"], 2, "images are 4 x 4 pixels, but each side must be 8 to 128"),
        (["--channels", "2"], 2, "'2' is unknown"),
        (["--prepare", "mnist", "--image-size", "9x9"], 2, "the preparation mnist makes gray images of 28 x 28 pixels"),
        (["--labels", "apple,grape"], 5, "one output of shape (2,)"),
        (["--labels", "apple,apple"], 2, "--labels: The label in entry 2 is wrong: 'apple' is the name of entry 1 too"),
        (["--labels", "nowhere.txt"], 2, "neither a list, such as a,b,c, nor a file"),
        (["--robustness"], 2, "for the ten digits of MNIST only"),
    ],
)
def test_wrong_usage_is_reported_in_one_line(
    here: Run, trained: Path, folder: Path, words: list[str], code: int, message: str
) -> None:
    done = here("mnist-evaluate", trained, "--data", folder, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("option", ["--domains", "--robustness"])
def test_options_for_digits_are_refused_before_a_model_is_loaded(here: Run, folder: Path, option: str) -> None:
    """Loading takes half a minute, and here it would end with another error."""
    done = here("mnist-evaluate", "linear", "--data", folder, option)
    assert (done.returncode, f"for the ten digits of MNIST only. Leave {option} out." in done.stderr) == (2, True)


@pytest.mark.parametrize("data", [(), ("--data", "digits")])
def test_the_images_of_the_record_are_asked_for_where_digits_are_given(
    here: Run, trained: Path, data: tuple[str, ...]
) -> None:
    done = here("mnist-evaluate", trained, *data)
    assert done.returncode == 5
    assert f"{trained}: This model was trained on the images of fruits, which have another form" in done.stderr
    assert "Give them with --data PATH." in done.stderr


def test_models_of_different_tasks_are_not_compared(here: Run, trained: Path, folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    other.write_bytes(trained.read_bytes())
    record = trained.with_suffix(".json").read_text()
    other.with_suffix(".json").write_text(record.replace("grape", "cherry"))
    done = here("mnist-evaluate", trained, other, "--data", folder)
    assert (done.returncode, "were made for different images or classes" in done.stderr) == (2, True)


def test_a_digit_model_says_that_the_images_are_others(here: Run, folder: Path) -> None:
    done = here("mnist-evaluate", "linear", "--data", folder)
    assert done.returncode == 5
    assert "This is not a model of these images and classes: it has inputs [(28, 28)]" in done.stderr
    assert "If only some of its 10 classes are shown, name all, in the order of the scores: --labels A,B" in done.stderr


def test_the_size_is_that_of_the_model(here: Run, folder: Path, tmp_path: Path) -> None:
    import keras

    small = keras.Sequential([keras.Input((10, 9, 1)), keras.layers.Flatten(), keras.layers.Dense(3)])
    small.save(tmp_path / "small.keras")
    done = here("mnist-evaluate", tmp_path / "small.keras", "--data", folder, "--pixel-range", "0..1")
    assert done.returncode == 0, done.stderr
    assert "gray images of 10x9 pixels in 3 classes" in done.stderr
