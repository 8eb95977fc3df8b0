import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mnist_runtime
from mnist_trainer import READY_MODELS, Splits, load_model
from mnist_trainer.evaluation.pages.figures import FIGURES

READY = Path(mnist_runtime.__file__).parent / "models"
FILE, OTHER = READY / "cnn-int8.tflite", READY / "cnn-int8.onnx"
Run = Callable[..., object]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of 24 training and 96 test digits, so that the tests are quick."""
    from mnist_trainer import load_data

    test = load_data("digits").test
    path = tmp_path_factory.mktemp("data") / "few.npz"
    np.savez(path, images=test.images[:120], labels=test.labels[:120])
    return path


@pytest.mark.slow
def test_models_are_compared_and_a_report_is_written(here: Run, few: Path, tmp_path: Path) -> None:
    done = here("mnist-evaluate", FILE, OTHER, "--data", few, "--robustness", "--report", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert max(len(line) for line in done.stdout.splitlines() if "/" not in line) <= 80
    for words in (str(FILE), str(OTHER), "mean of corruptions", "no digit: letters"):
        assert words in done.stdout
    page = (tmp_path / "out" / "evaluation.html").read_text()
    assert "http" not in page
    assert page.count("a digit with ") == 15, "a picture of each corruption"
    facts = json.loads((tmp_path / "out" / "evaluation.json").read_text())["models"]
    assert [one["model"] for one in facts] == [str(FILE), str(OTHER)]
    assert all(one["robustness"]["accuracy"]["brightness"] < one["accuracy"] for one in facts)
    pictures = sorted(path.name for path in (tmp_path / "out").glob("*.png"))
    assert pictures[:4] == [f"1-cnn-int8-{title}.png" for title in sorted(FIGURES)]
    for name in pictures:
        with Image.open(tmp_path / "out" / name) as picture:
            assert np.asarray(picture.convert("L")).std() > 10


@pytest.mark.slow
def test_stderr_has_one_line_for_the_data_and_one_for_each_keras_model(run: Run, few: Path) -> None:
    """TensorFlow warns when many models are traced."""
    done = run("mnist-evaluate", *READY_MODELS, "--data", few)
    assert (done.returncode, done.stderr.count("\n")) == (0, 1 + len(READY_MODELS)), done.stderr


def test_one_model_is_printed_by_digit_and_as_json(here: Run, few: Path) -> None:
    done = here("mnist-evaluate", "linear", "--data", few)
    assert (done.returncode, done.stdout.count("\n")) == (0, 29)
    assert "precision" in done.stdout
    (facts,) = json.loads(here("mnist-evaluate", FILE, "--data", few, "--json").stdout)["models"]
    assert facts["by_digit"]["7"]["precision"] <= 1
    assert np.sum(facts["confusion"]) == facts["images"]


def test_a_digit_without_an_image_has_no_precision_recall_and_f1(here: Run, digits: Splits, tmp_path: Path) -> None:
    keep = digits.test.labels != 5
    np.savez(tmp_path / "no-five.npz", images=digits.test.images[keep], labels=digits.test.labels[keep])
    done = here("mnist-evaluate", "linear", "--data", tmp_path / "no-five.npz")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[-10:]]
    assert [row for row in rows if "-" in row] == [["5", "-", "-", "-"]]
    assert [row[0] for row in rows] == list("0123456789")


@pytest.mark.long
def test_the_pixel_range_is_measured_or_given(here: Run, few: Path, tmp_path: Path) -> None:
    import keras

    twin = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Rescaling(1 / 255), load_model("cnn")])
    twin.save(tmp_path / "twin.keras")

    def accuracy(*words: object) -> tuple[float, str]:
        done = here("mnist-evaluate", *words, "--data", few, "--json")
        return json.loads(done.stdout)["models"][0]["accuracy"], done.stderr

    right, stderr = accuracy("cnn")
    assert "cnn: trained on pixels 0..1 (as recorded)" in stderr
    measured, stderr = accuracy(tmp_path / "twin.keras")
    assert (measured, "trained on pixels 0..255 (measured)" in stderr) == (right, True)
    given, stderr = accuracy(tmp_path / "twin.keras", "--pixel-range", "0..1")
    assert (given < right, "trained on pixels 0..1 (as given)" in stderr) == (True, True)


@pytest.mark.parametrize(
    ("words", "code", "stderr"),
    [
        (["cnn", "cnn"], 2, "named twice"),
        (["nothing"], 2, "'nothing'"),
        (["missing.tflite"], 5, "There is no file missing.tflite"),
        (["x" * 300 + ".tflite"], 5, "File name too long"),
        (["cnn", "--report", "x" * 300], 2, "Cannot create the output folder"),
        ([FILE.with_suffix(".tflit")], 5, "Did you mean"),
        ([FILE.with_name("cnn-int9.tflite")], 5, f"Did you mean {FILE}?"),
        ([FILE, "--report", "/dev/null/x"], 2, "Cannot create the output folder"),
    ],
)
def test_wrong_usage_is_reported(here: Run, few: Path, words: list[str], code: int, stderr: str) -> None:
    done = here("mnist-evaluate", *words, "--data", few)
    assert (done.returncode, done.stdout) == (code, "")
    assert stderr in done.stderr
    assert "Traceback" not in done.stderr
