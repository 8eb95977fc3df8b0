import pytest

from mnist_trainer import DATASETS, DataError, UsageError, load_data
from mnist_trainer.data import load as datasets
from mnist_trainer.data import mnist


@pytest.mark.parametrize("name", DATASETS)
def test_every_row_loads_or_says_how(name: str) -> None:
    if name == "mnist" and not mnist.at_hand():
        pytest.skip("MNIST is not at hand: set MNIST_DIR")
    splits = load_data(name)
    assert (splits.train.name, splits.train.split, splits.test.split) == (name, "train", "test")


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.delenv("MNIST_DIR", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))


def test_auto_says_loudly_that_the_digits_stand_in(
    monkeypatch: pytest.MonkeyPatch, nowhere: None, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_network() -> None:
        raise DataError("no network")

    monkeypatch.setattr(mnist, "_download", no_network)
    assert load_data("auto").test.name == "digits"
    assert "digits of scikit-learn stand in" in capsys.readouterr().err


def test_auto_does_not_pass_over_a_damaged_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte\.gz"):
        load_data("auto")


def test_a_failed_download_is_told_with_what_else_to_do(
    monkeypatch: pytest.MonkeyPatch, nowhere: None, capsys: pytest.CaptureFixture[str]
) -> None:
    import socket

    import keras

    seen = []

    def fail() -> None:
        seen.append(socket.getdefaulttimeout())
        print("Downloading data from afar")
        raise Exception("URL fetch failure")  # as Keras does

    monkeypatch.setattr(keras.datasets.mnist, "load_data", fail)
    with pytest.raises(DataError, match=r"URL fetch failure.*--data digits"):
        load_data("mnist")
    assert seen == [mnist.DOWNLOAD_TIMEOUT]
    assert socket.getdefaulttimeout() is None
    assert capsys.readouterr().out == ""


def test_a_name_that_is_neither_set_nor_path_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="auto, mnist, digits"):
        load_data("mnits")
    assert datasets.DATASETS is DATASETS


def test_a_missing_path_is_a_data_error(tmp_path: object) -> None:
    with pytest.raises(DataError, match="found nothing"):
        load_data(f"{tmp_path}/mine.npz")
