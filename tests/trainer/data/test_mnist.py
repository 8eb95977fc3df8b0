import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import DataError, Splits
from mnist_trainer.data import mnist

IMAGES = np.random.default_rng(0).integers(0, 200, (30, 28, 28), np.uint8) // 2
LABELS = (np.arange(30) % 10).astype(np.uint8)
ARRAYS = {"x_train": IMAGES[:20], "y_train": LABELS[:20], "x_test": IMAGES[20:], "y_test": LABELS[20:]}


def idx(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small set in the format of MNIST, with its own digests."""
    for key, name in mnist.IDX_FILES.items():
        (tmp_path / name).write_bytes(gzip.compress(idx(ARRAYS[key])))
    monkeypatch.setattr(mnist, "SHAPES", {key: array.shape for key, array in ARRAYS.items()})
    digests = {key: hashlib.sha256(array.tobytes()).hexdigest() for key, array in ARRAYS.items()}
    monkeypatch.setattr(mnist, "DIGESTS", digests)
    monkeypatch.setenv("MNIST_DIR", str(tmp_path))
    return tmp_path


def is_the_set(splits: Splits) -> bool:
    return np.array_equal(splits.train.images, IMAGES[:20]) and np.array_equal(splits.test.labels, LABELS[20:])


def test_the_four_idx_files_are_read(folder: Path) -> None:
    assert is_the_set(mnist.load())


def test_the_npz_is_read(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("npz")
    np.savez(other / "mnist.npz", **ARRAYS)
    assert is_the_set(mnist.load_folder(other))


def test_the_keras_cache_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MNIST_DIR")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    (tmp_path / "keras" / "datasets").mkdir(parents=True)
    np.savez_compressed(tmp_path / "keras" / "datasets" / "mnist.npz", **ARRAYS)
    assert mnist.is_local()
    assert is_the_set(mnist.load())


def damage(path: Path, kind: str) -> None:
    content = path.read_bytes()
    raw = gzip.decompress(content)
    path.write_bytes(
        {
            "truncated": content[: len(content) // 2],
            "empty": b"",
            "not gzip": b"<html>not found</html>",
            "one bit": content[:-6] + bytes([content[-6] ^ 1]) + content[-5:],
            "altered pixel": gzip.compress(raw[:-1] + bytes([raw[-1] ^ 1])),
            "short": gzip.compress(raw[:-1]),
            "no header": gzip.compress(b"\0\0"),
            "another type": gzip.compress(b"\0\0\x0d" + raw[3:]),
            "another shape": gzip.compress(idx(np.zeros((5, 28, 28), np.uint8))),
        }[kind]
    )


@pytest.mark.parametrize(
    "kind",
    [
        "truncated",
        "empty",
        "not gzip",
        "one bit",
        "altered pixel",
        "short",
        "no header",
        "another type",
        "another shape",
    ],
)
@pytest.mark.parametrize("name", mnist.IDX_FILES.values())
def test_every_kind_of_damage_is_reported(folder: Path, name: str, kind: str) -> None:
    damage(folder / name, kind)
    with pytest.raises(DataError, match="ownload it again") as caught:
        mnist.load()
    assert caught.value.exit_code == 6


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz is missing"):
        mnist.load()


@pytest.mark.parametrize("kind", ["truncated", "empty", "keys"])
def test_a_damaged_npz_is_reported(folder: Path, kind: str) -> None:
    path = folder / "mnist.npz"
    np.savez(path, **(ARRAYS if kind != "keys" else {"x_train": IMAGES}))
    if kind != "keys":
        path.write_bytes(path.read_bytes()[: 2000 * (kind == "truncated")])
    with pytest.raises(DataError, match=r"mnist\.npz"):
        mnist.load()
