import contextlib
import dataclasses
import errno
import importlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest

from mnist_runtime.system.terminal import Progress as Line
from mnist_trainer import PRESETS, architecture, load_model
from mnist_trainer.training.monitoring.progress import Progress

BRIEF = ("--architecture", "dense-100", "--data", "digits", "--epochs", "4")
SLOW, LONGER = pytest.mark.slow, ("accurate-mnist",)
RARER = ("--augmentation", "none", "--patience", "3", "--seed", "5", "--plot")


@pytest.fixture(autouse=True)
def _interruptible() -> Iterator[None]:
    """React to SIGINT even if the tests were started with SIGINT ignored, as in the background of a shell."""
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, handler)


@pytest.fixture
def mnist_train(here: Callable[..., CompletedProcess[str]], tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """Run ``mnist-train`` in this process with the output ``mine.keras``; return its exit code and stderr."""

    def train(*words: str) -> tuple[int, str]:
        done = here("mnist-train", *words, "--output", tmp_path / "mine.keras")
        return done.returncode, done.stderr

    return train


@pytest.fixture
def after_epoch(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Callable[[], object]], None]:
    """Return a function that makes an epoch call `happen` at its end, before its checkpoint is written."""

    def arrange(number: int, happen: Callable[[], object]) -> None:
        original = Progress.epoch

        def epoch(self: Progress, done: int, figures: dict[str, float]) -> None:
            original(self, done, figures)
            if done == number:
                happen()

        monkeypatch.setattr(Progress, "epoch", epoch)

    return arrange


def record(tmp_path: Path) -> dict[str, object]:
    return json.loads((tmp_path / "mine.json").read_text())


def names(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()}


def weights(tmp_path: Path) -> list[np.ndarray]:
    return load_model(str(tmp_path / "mine.keras")).get_weights()


def test_a_trained_model_is_saved_with_its_record_and_can_be_evaluated(
    here: Callable[..., CompletedProcess[str]], run: Callable[..., CompletedProcess[str]], tmp_path: Path
) -> None:
    """Evaluation runs in a separate process, in which TensorFlow must not print anything."""
    path = tmp_path / "new" / "mine.keras"
    done = here("mnist-train", "--architecture=linear", "--data=digits", "--epochs=8", "--output", path, "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert printed.pop("path") == str(path)
    assert printed == json.loads(path.with_suffix(".json").read_text())
    for line in (
        "  model   linear: one dense layer",
        "  data    digits: 297 images for training, 1,500 for the test",
        str(path),
        "  time    about half a minute or less with two processor cores (an estimate)",
    ):
        assert line in done.stderr
    assert "validation accuracy" in done.stderr
    assert names(path.parent) == {"mine.json", "mine.keras"}

    measured = run("mnist-evaluate", path, "--data", "digits", "--json")
    assert measured.returncode == 0, measured.stderr
    first, *table = measured.stderr.splitlines()
    assert first.startswith(f"{path}: trained on pixels 0..1 (as recorded)")
    assert all(line.startswith("  ") for line in table)
    (found,) = json.loads(measured.stdout)["models"]
    assert found["accuracy"] == pytest.approx(printed["test_accuracy"])
    assert np.sum(found["confusion"]) == found["images"] == 1500


@pytest.mark.long
def test_the_steps_around_the_epochs_are_shown(
    mnist_train: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []

    @contextlib.contextmanager
    def step(_: Line, text: str, typical: float) -> Iterator[None]:
        steps.append(text)
        yield

    monkeypatch.setattr(Line, "step", step)
    tuning = importlib.import_module("mnist_trainer.training.fine_tune")
    for images in ("OWN", "REHEARSED"):  # the steps of a few images are those of many
        monkeypatch.setattr(tuning, images, 300)
    assert mnist_train("--architecture=linear", "--data=digits", "--epochs=1")[0] == 0
    around = ["reading digits", "loading TensorFlow", "measuring the trained model"]
    assert steps == around
    steps.clear()
    (tmp_path / "mine.keras").rename(tmp_path / "base.keras")
    assert mnist_train("--from", str(tmp_path / "base.keras"), "--data=digits", "--epochs=1", "--pen=0.1")[0] == 0
    assert steps == [*around[:2], "measuring base", around[2]]


@pytest.mark.long
def test_all_options_are_applied_and_recorded(mnist_train: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    words = "--architecture mlp --data digits --epochs 2 --batch-size 50 --optimizer sgd --learning-rate 0.02"
    words += " --validation-split 0.1 --pen 0.2"
    code, stderr = mnist_train(*words.split(), "--precision", "mixed_bfloat16", *RARER)
    assert code == 0, stderr
    found = record(tmp_path)
    own = architecture("mlp").recipe
    assert found["recipe"] == {
        **dataclasses.asdict(own),
        "epochs": 2,
        "batch_size": 50,
        "peak_learning_rate": 0.02,
        "optimizer": "sgd",
        "weight_decay": 0.0,
        "augmentation": None,
        "precision": "mixed_bfloat16",
        "validation_split": 0.1,
        "patience": 3,
        "pen": {"fraction": 0.2, "confidence": 0.92, "signs": 0.0},
    }
    assert (found["architecture"], found["preset"], found["seed"]) == ("mlp", None, 5)
    assert found["command"].startswith(f"mnist-train {words} --precision mixed_bfloat16 --augmentation none")
    assert found["tools"].keys() >= {"keras", "tensorflow", "numpy", "python", "mnist-edge-export"}
    assert len(found["dataset_sha256"]["train"]) == 64
    assert names(tmp_path) == {"mine.keras", "mine.json", "mine.png"}


@pytest.mark.slow
def test_weight_decay_makes_weights_smaller(mnist_train: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    words = ("--architecture", "dense-100", "--optimizer", "adamw", "--data", "digits", "--epochs", "1")
    kept = []
    for decay in ("0.001", "30"):
        code, stderr = mnist_train(*words, "--weight-decay", decay)
        assert (code, record(tmp_path)["recipe"]["weight_decay"]) == (0, float(decay)), stderr
        kept.append(np.linalg.norm(weights(tmp_path)[0]))
    assert kept[1] < 0.95 * kept[0]


@pytest.mark.long
@pytest.mark.parametrize("name", [pytest.param(name, marks=SLOW if name in LONGER else ()) for name in PRESETS])
def test_a_preset_sets_architecture_and_recipe(
    mnist_train: Callable[..., tuple[int, str]], tmp_path: Path, name: str
) -> None:
    code, stderr = mnist_train("--preset", name, "--data", "digits", "--epochs", "1")
    assert code == 0, stderr
    found = record(tmp_path)
    assert (found["preset"], found["architecture"]) == (name, PRESETS[name].architecture)
    assert found["recipe"]["peak_learning_rate"] == PRESETS[name].recipe.peak_learning_rate
    assert (found["recipe"]["pen"] is not None) == (PRESETS[name].recipe.pen is not None)


@pytest.mark.slow
def test_ctrl_c_saves_the_model_and_resume_gives_the_same_weights_as_without_it(
    mnist_train: Callable[..., tuple[int, str]],
    after_epoch: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    assert mnist_train(*BRIEF)[0] == 0
    uninterrupted, whole = weights(tmp_path), record(tmp_path)

    with monkeypatch.context():
        after_epoch(2, lambda: signal.raise_signal(signal.SIGINT))
        code, stderr = mnist_train(*BRIEF)
        assert code == 130
        assert "stopped after 3 of 4 epochs" in stderr
    stopped = record(tmp_path)
    assert (stopped["interrupted"], stopped["epochs_done"]) == (True, 3)
    assert stopped["history"]["loss"] == whole["history"]["loss"][:3]
    assert not np.array_equal(weights(tmp_path)[0], uninterrupted[0])
    assert names(tmp_path) == {"mine.keras", "mine.json", "mine.checkpoint"}

    # The checkpoint is that of the second epoch, and another run cannot continue it.
    code, stderr = mnist_train(*BRIEF, "--resume", "--seed", "1")
    assert (code, "seed is 1, not 0" in stderr) == (2, True)
    monkeypatch.undo()
    code, stderr = mnist_train(*BRIEF, "--resume")
    assert code == 0, stderr
    resumed = record(tmp_path)
    assert (resumed["resumed_after"], resumed["interrupted"]) == (2, False)
    assert all(map(np.array_equal, weights(tmp_path), uninterrupted))
    assert resumed["history"] == whole["history"]
    assert names(tmp_path) == {"mine.keras", "mine.json"}


@pytest.mark.long
def test_ctrl_c_in_the_first_epoch_keeps_an_earlier_model(
    mnist_train: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import keras

    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    (tmp_path / "mine.keras").write_text("earlier")
    monkeypatch.setattr(keras.Model, "evaluate", interrupt)  # after the steps, before the validation
    code, stderr = mnist_train(*BRIEF)
    assert (code, "is unchanged" in stderr) == (130, True)
    assert (tmp_path / "mine.keras").read_text() == "earlier"


@pytest.mark.long
def test_a_loss_that_is_not_finite_is_reported(mnist_train: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    code, stderr = mnist_train(*BRIEF, "--learning-rate", "1e30")
    assert (code, "Choose a lower learning rate" in stderr, "Traceback" in stderr) == (2, True, False)
    assert names(tmp_path) == set()


@pytest.mark.long
def test_a_full_disk_is_reported_and_leaves_no_file(
    mnist_train: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    code, stderr = mnist_train(*BRIEF)
    assert (code, stderr.splitlines()[-1]) == (
        2,
        f"error: Cannot write into {tmp_path}: No space left on device. Free some space or choose another folder.",
    )
    assert names(tmp_path) == set()


@pytest.mark.long
def test_a_damaged_checkpoint_is_an_error_and_a_missing_one_a_note(
    mnist_train: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    (tmp_path / "mine.checkpoint").write_bytes(b"half")
    code, stderr = mnist_train(*BRIEF, "--resume")
    assert (code, "is not a readable checkpoint" in stderr) == (5, True)
    (tmp_path / "mine.checkpoint").unlink()
    code, stderr = mnist_train(*BRIEF, "--epochs", "1", "--resume")
    assert (code, "there is no checkpoint" in stderr) == (0, True)


@pytest.mark.long
def test_patience_keeps_the_best_weights(mnist_train: Callable[..., tuple[int, str]], tmp_path: Path) -> None:
    words = ("--architecture", "dense-100", "--data", "digits", "--epochs", "60", "--learning-rate", "0.03")
    code, stderr = mnist_train(*words, "--patience", "2", "--tensorboard", str(tmp_path / "curves"))
    assert code == 0, stderr
    found = record(tmp_path)
    losses = found["history"]["val_loss"]
    assert found["epochs_done"] == len(losses) == found["best_epoch"] + 2 < 60
    best = int(np.argmin(losses))
    assert best + 1 == found["best_epoch"]
    assert found["validation_accuracy"] == pytest.approx(found["history"]["val_accuracy"][best], abs=1e-6)
    assert np.allclose(events(tmp_path / "curves" / "validation", "epoch_loss"), losses, atol=1e-6)
    assert np.allclose(events(tmp_path / "curves" / "train", "epoch_accuracy"), found["history"]["accuracy"], atol=1e-6)


def events(folder: Path, tag: str) -> list[float]:
    """Read the scalars with one tag, as TensorBoard does."""
    import tensorflow as tf
    from tensorflow.core.util.event_pb2 import Event

    (file,) = folder.iterdir()
    values = [
        value
        for packed in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
        for value in Event.FromString(packed).summary.value
        if value.tag == tag
    ]
    assert {value.metadata.plugin_data.plugin_name for value in values[:1]} == {"scalars"}
    return [float(tf.make_ndarray(value.tensor)) for value in values]


def test_curves_without_matplotlib_are_rejected_before_the_training(
    mnist_train: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    code, stderr = mnist_train(*BRIEF, "--plot")
    assert (code, "pip install 'mnist-edge-export[plots]'" in stderr) == (4, True)
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    "words",
    [
        ["--learning-rate", "0"],
        ["--learning-rate", "nan"],
        ["--learning-rate", "fast"],
        ["--validation-split", "1"],
        ["--validation-split", "half"],
        ["--batch-size", "0"],
        ["--optimizer", "newton"],
        ["--weight-decay", "-1"],
        ["--optimizer", "sgd", "--weight-decay", "0.1"],
        ["--architecture", "dense-100", "--weight-decay", "0.1"],
        ["--augmentation", "elastic"],
        ["--preset", "slow"],
        ["--architecture", "resnet"],
        ["--epochs", "0"],
        ["--seed", "-1"],
        ["--data", "mnits"],
        ["--preset", "fast", "--architecture", "cnn"],
        ["--from", "cnn"],
        ["--from", "cnn", "--data", "digits", "--preset", "fast"],
        ["--from", "cnn", "--data", "digits", "--strategy", "mirrored"],
        ["--from", "cmn", "--data", "digits"],
        ["--pen", "1"],
        ["--architecture", "lenet", "--pen", "0.1"],
    ],
)
def test_wrong_usage_ends_with_2(mnist_train: Callable[..., tuple[int, str]], tmp_path: Path, words: list[str]) -> None:
    code, stderr = mnist_train(*words)
    assert (code, "error:" in stderr) == (2, True)
    assert names(tmp_path) == set()


def test_wrong_usage_creates_no_folder(here: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    output = tmp_path / "trained" / "mine.keras"
    done = here("mnist-train", "--preset", "fast", "--architecture", "cnn", "--output", output)
    assert (done.returncode, names(tmp_path)) == (2, set())


@pytest.mark.parametrize("output", ["model.h5", "/proc/nowhere/model.keras"])
def test_an_output_that_cannot_be_written_ends_with_2(here: Callable[..., CompletedProcess[str]], output: str) -> None:
    done = here("mnist-train", "--data", "digits", "--output", output)
    assert (done.returncode, done.stdout, "error:" in done.stderr) == (2, "", True)
