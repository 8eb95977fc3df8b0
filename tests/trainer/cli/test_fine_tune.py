"""``mnist-train --from`` tunes a trained model to the user's images, and the tuned model again."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
from PIL import Image

from mnist_trainer import ModelFile, Splits, UsageError, find_model, load_model
from mnist_trainer.cli.tuning import own_images
from mnist_trainer.data.stated import StatedTask


@pytest.fixture
def own(digits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """400 of scikit-learn's digits in a file, and no MNIST."""
    monkeypatch.setenv("MNIST_DIR", str(tmp_path / "nothing"))
    np.savez(tmp_path / "own.npz", images=digits.test.images[:400], labels=digits.test.labels[:400])
    return tmp_path / "own.npz"


@pytest.mark.slow
def test_a_model_is_tuned_and_tuned_again(
    here: Callable[..., CompletedProcess[str]], own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first, second = tmp_path / "trained" / "linear-tuned.keras", tmp_path / "second.keras"
    words = ("--data", own, "--epochs", "1", "--pen", "0.05", "--batch-size", "400")
    done = here("mnist-train", "--from", "linear", *words)
    assert done.returncode == 0, done.stderr
    assert "note: MNIST is not available, so only pen digits are rehearsed" in done.stderr
    assert "  model   linear, tuned to own.npz" in done.stderr
    assert "  mixed   with pen digits" in done.stderr
    assert "linear: trained on pixels 0..1 (as recorded)" in done.stderr
    assert "right answers on 80 test images of own.npz: " in done.stderr
    hint = "export it with: mnist-export trained/linear-tuned.keras --format tflite --quantize"
    assert done.stderr.splitlines()[-1] == hint, "80 images prove no export, so they are not named"
    record = json.loads(first.with_suffix(".json").read_text())
    tuning = record["tuning"]["own"]
    assert f"{tuning['before']:.2%} before, {tuning['after']:.2%} after" in done.stderr
    assert tuning["after"] > tuning["before"]
    assert (record["architecture"], record["base"]["name"], record["own_images"]) == ("linear", "linear", 320)
    assert record["recipe"]["pen"]["fraction"] == 0.05

    again = here("mnist-train", "--from", first, *words, "--output", second, "--json")
    assert again.returncode == 0, again.stderr
    printed = json.loads(again.stdout)
    assert printed["base"]["name"] == "linear-tuned"
    assert printed["tuning"]["own"]["before"] == pytest.approx(tuning["after"])
    assert load_model(str(second)).output_shape == (None, 10)


def test_images_get_the_form_of_the_model_and_keep_its_labels(tmp_path: Path) -> None:
    """The model knows three fruits in color; the pictures show two of them, larger."""
    record = {"architecture": "mlp", "pixel_range": "0..1", "task": {"height": 20, "width": 14, "channels": 3}}
    record["task"] |= {"labels": ["apple", "banana", "grape"], "preparation": "plain"}
    (tmp_path / "fruits.json").write_text(json.dumps(record))
    base = ModelFile(tmp_path / "fruits.keras", "fruits", {})
    for number, name in enumerate(("grape", "apple") * 10):
        folder = tmp_path / "own" / name
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (30, 40), (number * 9, 20, 90)).save(folder / f"{number}.png")
    data = own_images(base, str(tmp_path / "own"), StatedTask())
    assert data.train.images.shape[1:] == (20, 14, 3)
    assert data.train.task.labels == ("apple", "banana", "grape")
    assert set(data.train.labels) == {0, 2}
    new = own_images(base, str(tmp_path / "own"), StatedTask(labels=("grape", "apple", "melon")))
    assert new.train.task.labels == ("grape", "apple", "melon")


@pytest.mark.parametrize("has_record", [True, False])
def test_digits_and_letters_get_the_form_of_a_digit_model(digits: Splits, tmp_path: Path, has_record: bool) -> None:
    """The pictures are larger. Another tool's model does not say how its pictures were prepared."""
    own, labels = tmp_path / "own", (*"0123456789", "A", "B")
    for number, name in enumerate(labels * 3):
        (own / name).mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(255 - digits.test.images[number]).resize((80, 80))
        picture.save(own / name / f"{number}.png")
    base = find_model("tiny")
    if not has_record:
        load_model("tiny").save(tmp_path / "own.keras")
        base = find_model(tmp_path / "own.keras")
    task = own_images(base, str(own), StatedTask(labels=labels)).train.task
    assert (task.tensor_shape, task.labels) == ((28, 28, 1), labels)
    assert task.preparation == ("mnist" if has_record else "plain")
    assert own_images(base, str(own), StatedTask(labels=labels, preparation="plain")).train.task.preparation == "plain"
    other = own_images(base, str(own), StatedTask(size=(32, 20), channels=3, labels=labels)).train.task
    assert (other.tensor_shape, other.preparation) == ((32, 20, 3), "plain")
    assert own_images(base, str(own), StatedTask()).train.task == digits.train.task


@pytest.mark.parametrize("size", [(28, 28), (32, 20)])
@pytest.mark.parametrize("shown", [(0, 2, 3, 4, 7, 8), (2, 9), (1, 2, 3, 4, 5)])
def test_few_digits_are_digits_to_a_model_of_ten_scores(
    digits: Splits, tmp_path: Path, size: tuple[int, int], shown: tuple[int, ...]
) -> None:
    """Made elsewhere, it has no record that names its classes."""
    import keras

    model = keras.Sequential([keras.Input((*size, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")])
    model.save(tmp_path / "own.keras")
    for digit in shown:
        (tmp_path / "own" / str(digit)).mkdir(parents=True)
        for number, image in enumerate(digits.test.images[digits.test.labels == digit][:4]):
            picture = Image.fromarray(255 - image).resize(size[::-1])
            picture.save(tmp_path / "own" / str(digit) / f"{number}.png")
    base = ModelFile(tmp_path / "own.keras", "own", {})
    data = own_images(base, str(tmp_path / "own"), StatedTask())
    assert data.train.task.labels == tuple("0123456789")
    assert set(data.train.labels) <= set(shown)
    named = own_images(base, str(tmp_path / "own"), StatedTask(labels=tuple("9876543210")))
    assert named.train.task.labels == tuple("9876543210")


def test_a_missing_folder_is_reported_with_the_commands_that_make_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    making = r"classify PICTURES --keep-doubtful doubtful\. .*: mnist-runtime label doubtful$"
    for name, reason in (("doubtful", making), ("mien", r"folder mien\. Did you mean mine\?")):
        with pytest.raises(UsageError, match=reason):
            own_images(find_model("cnn"), name, StatedTask())


def test_the_base_is_not_replaced(here: Callable[..., CompletedProcess[str]], own: Path, tmp_path: Path) -> None:
    """A stopped training would leave a part of a model in its place, and --resume would have no base."""
    base, link = tmp_path / "base.keras", tmp_path / "link.keras"
    load_model("linear").save(base)
    link.symlink_to(base)
    before = base.read_bytes()
    for output in (base, link):
        done = here("mnist-train", "--from", base, "--data", own, "--output", output)
        assert done.returncode == 2
        assert f"--output {output} is the model to tune, which --resume needs unchanged." in done.stderr
        assert f"such as --output {output.with_stem(output.stem + '-tuned')}" in done.stderr
    assert base.read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--patience", "3"], "the recipe of cnn averages those of its last steps. Leave --patience out, or choose"),
        (["--preset", "accurate-mnist", "--patience", "3"], "the recipe of accurate-mnist averages those"),
        (["--from", "cnn", "--data", "x", "--patience", "3"], "--from averages those of its last steps. Leave"),
        (["--trust"], "--trust runs code in the model of --from; a new model has none. Leave it out."),
        (["--pixel-range", "0..255"], "describe the model of --from; a new model is trained on pixels 0..1"),
    ],
)
def test_options_that_exclude_each_other_are_named(
    here: Callable[..., CompletedProcess[str]], tmp_path: Path, words: list[str], message: str
) -> None:
    done = here("mnist-train", *words, "--output", tmp_path / "mine.keras")
    assert done.returncode == 2
    assert message in done.stderr


def test_an_empty_name_is_no_model(here: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    """Such as that of a variable of the shell that is not set; no training of another model begins."""
    done = here("mnist-train", "--from", "", "--data", "digits", "--output", tmp_path / "tuned.keras")
    assert (done.returncode, done.stdout) == (5, "")
    assert "Traceback" not in done.stderr
