import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnist_trainer import DataError, load_data
from mnist_trainer.data.files import bounded, idx_files
from mnist_trainer.data.files.names import idx_name

IMAGES = np.zeros((60, 28, 28), np.uint8)
IMAGES[:, 6:22, 8:20] = np.random.default_rng(0).integers(0, 256, (60, 16, 12))
LABELS = (np.arange(60) % 10).astype(np.uint8)
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
ARRAYS = (IMAGES[:40], LABELS[:40], IMAGES[40:], LABELS[40:])


def idx(array: np.ndarray, kind: int = 8) -> bytes:
    big = array.astype(idx_files.TYPES[kind])
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, kind, array.ndim, *array.shape) + big.tobytes()


def fill(folder: Path, names: tuple[str, ...] = NAMES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, array in zip(names, ARRAYS, strict=True):
        content = idx(array)
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return folder


@settings(max_examples=100)
@given(
    st.sampled_from(list(idx_files.TYPES)),
    npst.arrays(np.uint8, npst.array_shapes(max_dims=4, max_side=5), elements=st.integers(0, 100)),
)
def test_every_type_and_shape_is_read(kind: int, array: np.ndarray) -> None:
    read = idx_files.parse(idx(array, kind), "here")
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize(
    ("kind", "content", "number"),
    [
        (8, "ff", 255),
        (9, "ff", -1),
        (11, "0102", 258),
        (12, "00010002", 65538),
        (13, "3fc00000", 1.5),
        (14, "3ff8000000000000", 1.5),
    ],
)
def test_numbers_begin_with_their_highest_byte(kind: int, content: str, number: float) -> None:
    raw = bytes([0, 0, kind, 1, 0, 0, 0, 1]) + bytes.fromhex(content)
    assert idx_files.parse(raw, "here").tolist() == [number]


def test_a_file_without_an_axis_is_no_idx_file() -> None:
    with pytest.raises(DataError, match="This is not an IDX file"):
        idx_files.parse(bytes([0, 0, 8, 0, 5]), "here")


@settings(max_examples=200)
@given(st.binary(max_size=60), st.integers(0, 60), st.integers(0, 60))
def test_any_other_bytes_are_a_data_error(junk: bytes, start: int, stop: int) -> None:
    content = idx(LABELS[:30])
    content = content[:start] + junk + content[stop:]
    try:
        read = idx_files.parse(content, "here")
    except DataError as error:
        message = str(error)
    else:
        message = "here: read"
        assert read.nbytes <= len(content)
    assert message.startswith("here: ")


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    ("old", "new"), [("", ""), ("-idx", ".idx"), ("t10k", "test"), ("train", "emnist-digits-train")]
)
def test_files_are_found_under_all_their_names(tmp_path: Path, old: str, new: str, end: str) -> None:
    names = [name.replace(old, new) + end for name in NAMES]
    prefix = "emnist-digits-" if new.startswith("emnist") else ""
    train, test = load_data(str(fill(tmp_path, tuple(prefix * ("t10k" in name) + name for name in names))))
    np.testing.assert_array_equal(train.images, IMAGES[:40])
    np.testing.assert_array_equal(test.labels, LABELS[40:])


def test_folders_of_torchvision_are_entered(tmp_path: Path) -> None:
    fill(tmp_path / "data" / "MNIST" / "raw")
    for path in ("data", "data/MNIST", "data/MNIST/raw"):
        assert len(load_data(str(tmp_path / path)).train) == 40


def test_packed_and_unpacked_copies_are_read_once(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(b"not read")
    assert len(load_data(str(tmp_path)).test) == 20


def test_files_with_a_wrong_end_are_recognized_by_content(tmp_path: Path) -> None:
    fill(tmp_path)
    for name in NAMES:
        (tmp_path / name).rename(tmp_path / f"{name}.gz")  # unpacked, as browsers do
    assert len(load_data(str(tmp_path)).test) == 20


def test_one_pair_is_divided(tmp_path: Path) -> None:
    fill(tmp_path)
    for name in NAMES[2:]:
        (tmp_path / name).unlink()
    assert [len(split) for split in load_data(str(tmp_path))] == [30, 10]


def test_problems_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path)
    with pytest.raises(DataError, match=f"one IDX file, .* Give the folder .*: {tmp_path}"):
        load_data(str(tmp_path / NAMES[0]))
    (tmp_path / NAMES[0]).write_bytes(idx(IMAGES[:40])[:-5])
    with pytest.raises(DataError, match="gives 31,360 bytes of data, but there are 31,355"):
        load_data(str(tmp_path))
    (tmp_path / NAMES[0]).write_bytes(gzip.compress(idx(IMAGES[:40]))[:-20])
    with pytest.raises(DataError, match="The gzip file ends early"):
        load_data(str(tmp_path))
    (tmp_path / NAMES[0]).unlink()
    with pytest.raises(DataError, match="The images for train-labels-idx1-ubyte are missing"):
        load_data(str(tmp_path))
    fill(tmp_path)
    (tmp_path / "fashion-train-images-idx3-ubyte").write_bytes(idx(IMAGES))
    with pytest.raises(DataError, match=r"several sets: \(no name\), fashion"):
        load_data(str(tmp_path))
    monkeypatch.setattr(bounded, "MOST_BYTES", 1000)
    with pytest.raises(DataError, match="Give a part of it"):
        idx_files.read_idx(tmp_path / NAMES[0])


def test_other_names_are_no_idx_files() -> None:
    assert not [
        name for name in ("train-images.png", "images", "train.csv", "t10k-images-idx3-ubyte.txt") if idx_name(name)
    ]
