import io
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from mnist_trainer import DataError, Splits, load_data
from mnist_trainer.data.files import npz_file
from mnist_trainer.data.files.any_form import read_any_form
from mnist_trainer.data.files.names import ARRAY_NAMES, VALIDATION_ARRAYS
from mnist_trainer.data.stated import StatedTask
from mnist_trainer.errors import MachineError

NINE = np.zeros((9, 28, 28), np.uint8)


@pytest.mark.parametrize("names", ARRAY_NAMES)
def test_every_set_of_names_is_read(tmp_path: Path, digits: Splits, names: tuple[str, ...]) -> None:
    train, test = digits
    arrays = [
        train.images[..., None],
        train.labels.astype(np.int64),
        test.images.reshape(-1, 784),
        np.eye(10)[test.labels],
    ]
    named = [name.upper() if len(name) == 1 else name for name in names]
    np.savez(tmp_path / "mine.npz", **dict(zip(named, arrays, strict=False)))
    mine = load_data(str(tmp_path / "mine.npz"))
    assert mine.train.name == "mine.npz"
    if len(names) == 4:
        assert np.array_equal(mine.train.images, train.images)
        assert np.array_equal(mine.test.labels, test.labels)
    else:
        assert [len(split) for split in mine] == [238, 59]


def test_a_missing_test_split_is_divided_off_and_a_third_split_is_said(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = digits
    np.savez(tmp_path / "mine.npz", x_train=train.images, y_train=train.labels)
    assert [len(split) for split in load_data(str(tmp_path / "mine.npz"))] == [238, 59]
    assert "not read" not in capsys.readouterr().err
    arrays = {"x_train": train.images, "y_train": train.labels, "x_test": test.images, "y_test": test.labels}
    np.savez(tmp_path / "mine.npz", **arrays, x_val=test.images, y_val=test.labels)
    assert [len(split) for split in load_data(str(tmp_path / "mine.npz"))] == [297, 1500]
    assert "x_val, y_val are not read" in capsys.readouterr().err


@pytest.mark.parametrize("names", VALIDATION_ARRAYS)
def test_a_validation_split_is_the_test_split_if_there_is_no_other(
    tmp_path: Path, digits: Splits, names: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = digits
    np.savez(
        tmp_path / "mine.npz",
        x_train=train.images,
        y_train=train.labels,
        **dict(zip(names, (test.images, test.labels), strict=True)),
    )
    mine = load_data(str(tmp_path / "mine.npz"))
    assert np.array_equal(mine.train.images, train.images)
    assert np.array_equal(mine.test.images, test.images)
    said = capsys.readouterr().err
    assert f"x_train, y_train, {', '.join(names)}" in said
    assert "not read" not in said


@pytest.mark.parametrize("name", ["x_val", "X_test", "test_images"])
def test_images_without_labels_are_not_read(
    tmp_path: Path, digits: Splits, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = digits
    path = tmp_path / "mine.npz"
    np.savez(path, x_train=train.images, y_train=train.labels, **{name: test.images})
    assert [len(split) for split in load_data(str(path))] == [238, 59]
    assert f"note: {path}: {name} has no labels and is not read\n" in capsys.readouterr().err


def test_the_validation_split_is_the_test_split_if_the_test_images_have_no_labels(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = digits
    path = tmp_path / "mine.npz"
    arrays = {"x_train": train.images, "y_train": train.labels, "x_test": train.images[:50]}
    np.savez(path, **arrays, x_val=test.images, y_val=test.labels)
    mine = load_data(str(path))
    assert [len(split) for split in mine] == [297, 1500]
    assert np.array_equal(mine.test.labels, test.labels)
    said = capsys.readouterr().err
    assert f"note: {path}: x_test has no labels and is not read\n" in said
    assert said.count("not read") == 1


def test_numbers_of_classes_are_no_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", images=NINE, labels=np.arange(9), classes=np.arange(10))
    assert read_any_form(tmp_path / "mine.npz", StatedTask()).task.is_mnist


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": NINE, "labels": np.arange(9) + 4}, r"\(images, labels\): The label at index 6 is 10"),
        ({"images": np.zeros((9, 28, 28, 2)), "labels": np.arange(9)}, r"\(n, 28, 28\)"),
        ({"pictures": np.zeros(3)}, "Arrays are missing; found pictures"),
        ({"images": NINE}, r"found images\. The file needs x_train, y_train, x_test, y_test, or images, labels"),
        (
            {"x_train": NINE, "y_train": np.arange(9), "y_test": np.arange(9)},
            "Arrays are missing; found x_train, y_test, y_train",
        ),
        ({"images": np.array([{}]), "labels": np.arange(1)}, "Python objects, which are not loaded"),
        ({"images": NINE, "labels": np.arange(9)}, "1 different images of 9 digits are too few to divide"),
    ],
)
def test_an_unsuitable_npz_is_reported(tmp_path: Path, arrays: dict[str, np.ndarray], words: str) -> None:
    np.savez(tmp_path / "mine.npz", **arrays)
    with pytest.raises(DataError, match=words):
        load_data(str(tmp_path / "mine.npz"))


def test_an_archive_without_arrays_is_reported(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("images", b"no array")
        archive.writestr("labels.npy", b"no array either")
    with pytest.raises(DataError, match=r"mine\.npz"):
        load_data(str(tmp_path / "mine.npz"))
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr("images.npy", b"no array")
        archive.writestr("labels.npy", b"no array either")
    with pytest.raises(DataError, match=r"mine\.npz: The \.npz file cannot be read"):
        load_data(str(tmp_path / "mine.npz"))


@pytest.mark.parametrize("shape", [(10**12, 28, 28), (10**30,), (3 << 30,)])
@pytest.mark.parametrize("member", ["images.npy", "images"])
def test_a_header_that_announces_more_than_memory_is_refused_unread(
    tmp_path: Path, shape: tuple[int, ...], member: str
) -> None:
    header, small = io.BytesIO(), io.BytesIO()
    np.save(small, np.zeros(3))
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
        archive.writestr(member, header.getvalue() + bytes(100))
        for name in {"images.npy", "labels.npy"} - {member}:
            archive.writestr(name, small.getvalue())
    with pytest.raises(DataError, match="more than 2 GiB"):
        npz_file.load(tmp_path / "mine.npz")


def test_a_set_with_too_many_images_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "mine.npz", images=np.zeros((500_001, 1), bool), labels=np.arange(9))
    with pytest.raises(DataError, match=r"500,001 images, but at most 500,000 are read\. Give a part"):
        load_data(str(tmp_path / "mine.npz"))


def test_a_header_of_four_gigabytes_is_not_inflated(tmp_path: Path) -> None:
    """NumPy reads as many bytes as the header says that it has, before it looks at them."""
    path = tmp_path / "mine.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("images", "labels"):
            archive.writestr(f"{name}.npy", b"\x93NUMPY\2\0" + (2**32 - 16).to_bytes(4, "little") + b" " * (32 << 20))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"npz file cannot be read"):
            read_any_form(path, StatedTask())
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError()])
def test_a_failure_of_the_machine_is_not_the_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    np.savez(tmp_path / "mine.npz", images=np.zeros((20, 28, 28), np.uint8), labels=np.arange(20) % 10)

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(np, "load", fail)
    with pytest.raises(MachineError, match=r"Too many files|too little memory"):
        read_any_form(tmp_path / "mine.npz", StatedTask())
