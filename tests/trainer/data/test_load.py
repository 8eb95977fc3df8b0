import socket
from pathlib import Path

import pytest

from mnist_trainer import DATASETS, DataError, UsageError, load_data
from mnist_trainer.data import mnist
from mnist_trainer.data.stated import StatedTask


@pytest.mark.parametrize("name", DATASETS)
def test_every_named_data_set_loads(name: str) -> None:
    if name == "mnist" and not mnist.is_local():
        pytest.skip("MNIST is not available: set MNIST_DIR")
    splits = load_data(name)
    assert (splits.train.name, splits.train.split, splits.test.split) == (name, "train", "test")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> list[float | None]:
    """Make downloads fail as in Keras, with no local copy; return the timeouts that were set for them."""
    import keras

    timeouts = []

    def fail() -> None:
        timeouts.append(socket.getdefaulttimeout())
        print("Downloading data")
        raise Exception("URL fetch failure")

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return timeouts


def test_auto_uses_the_digits_with_a_note_if_mnist_is_not_available(
    offline: object, capsys: pytest.CaptureFixture[str]
) -> None:
    assert load_data("auto").test.name == "digits"
    assert "using scikit-learn's 1,797 digits instead" in capsys.readouterr().err


def test_auto_reports_a_damaged_local_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz"):
        load_data("auto")


def test_a_failed_download_is_reported_with_an_alternative(
    offline: list[float | None], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(DataError, match=r"URL fetch failure.*--data digits"):
        load_data("mnist")
    assert offline == [mnist.DOWNLOAD_TIMEOUT]
    assert socket.getdefaulttimeout() is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("name", "hint"), [("mnits", r"Did you mean mnist\?"), ("cifar", "Choose one of auto, mnist, .*digits")]
)
def test_a_name_that_is_neither_data_set_nor_path_is_a_usage_error(name: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        load_data(name)


def test_a_missing_path_is_a_data_error(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").touch()
    with pytest.raises(DataError, match=r"There is no data set at .*Did you mean .*mine\.npz\?"):
        load_data(f"{tmp_path}/mein.npz")


def test_digits_in_another_order_of_scores_keep_their_names() -> None:
    """Other names replace the digits; the digits in another order say which score is whose."""
    usual = load_data("digits").test
    stated = load_data("digits", stated=StatedTask(labels=tuple("9876543210"))).test
    assert stated.labels.tolist() == (9 - usual.labels).tolist()
    assert stated.labels.dtype == usual.labels.dtype
    assert [stated.task.labels[label] for label in stated.labels] == [str(label) for label in usual.labels]
    renamed = load_data("digits", stated=StatedTask(labels=tuple("abcdefghij"))).test
    assert renamed.labels.tolist() == usual.labels.tolist()
