import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import prepare
from mnist_trainer import DataError, Splits, load_data


def test_an_npz_with_both_splits_is_unchanged(tmp_path: Path, digits: Splits) -> None:
    train, test = digits
    np.savez(
        tmp_path / "mine.npz",
        x_train=train.images[..., None],
        y_train=train.labels.astype(np.int64),
        x_test=test.images,
        y_test=test.labels,
    )
    mine = load_data(str(tmp_path / "mine.npz"))
    assert mine.train.name == "mine.npz"
    assert np.array_equal(mine.train.images, train.images)
    assert np.array_equal(mine.test.labels, test.labels)


def test_an_undivided_npz_is_divided_in_the_same_way_each_time(tmp_path: Path, digits: Splits) -> None:
    np.savez(tmp_path / "mine.npz", images=digits.test.images, labels=digits.test.labels)
    first, again = load_data(str(tmp_path / "mine.npz")), load_data(str(tmp_path / "mine.npz"))
    assert (len(first.train), len(first.test)) == (300, 1200)
    assert np.array_equal(first.test.images, again.test.images)
    assert not {i.tobytes() for i in first.train.images} & {i.tobytes() for i in first.test.images}


def fill(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(255 - image).resize((112, 112)).save(folder / str(label) / f"{number:04d}.png")


def test_a_folder_of_pictures_is_prepared_as_on_a_device(tmp_path: Path, digits: Splits) -> None:
    fill(tmp_path, digits.test.images[:100], digits.test.labels[:100])
    (tmp_path / "0" / ".DS_Store").write_bytes(b"left by a file manager")
    mine = load_data(str(tmp_path))
    assert (len(mine.train), len(mine.test)) == (20, 80)
    picture = next((tmp_path / "3").iterdir())
    image = prepare(np.asarray(Image.open(picture)))
    assert image.tobytes() in {i.tobytes() for split in mine for i in split.images[split.labels == 3]}


def test_a_folder_with_train_and_test_stays_divided(tmp_path: Path, digits: Splits) -> None:
    fill(tmp_path / "train", digits.train.images[:20], digits.train.labels[:20])
    fill(tmp_path / "test", digits.test.images[:30], digits.test.labels[:30])
    assert [len(split) for split in load_data(str(tmp_path))] == [20, 30]


def test_the_current_folder_has_its_own_name(tmp_path: Path, digits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    fill(tmp_path / "mine", digits.test.images[:100], digits.test.labels[:100])
    monkeypatch.chdir(tmp_path / "mine")
    assert load_data(".").test.name == "mine"


def test_an_unreadable_picture_is_named(tmp_path: Path, digits: Splits) -> None:
    fill(tmp_path, digits.test.images[:40], digits.test.labels[:40])
    (tmp_path / "4" / "notes.txt").write_text("not a picture")
    with pytest.raises(DataError, match=r"^\S*4/notes\.txt: The picture .*remove the picture"):
        load_data(str(tmp_path))


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"images": np.zeros((9, 28, 28), np.uint8), "labels": np.arange(9) + 4}, "label at index 6 is 10"),
        ({"images": np.zeros((9, 28, 28), np.uint8), "labels": np.arange(9) - 1}, "label at index 0 is -1"),
        ({"images": np.zeros((9, 28, 28), np.uint8), "labels": np.arange(9) / 2}, "Convert them to integers"),
        ({"images": np.zeros((9, 28, 28)), "labels": np.arange(9)}, "dtype uint8"),
        ({"images": np.zeros((9, 28, 28, 3), np.uint8), "labels": np.arange(9)}, r"\(n, 28, 28\)"),
        ({"pictures": np.zeros(3)}, "Arrays are missing; found none"),
        ({"images": np.array([{}]), "labels": np.arange(1)}, "cannot be read"),
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


def test_other_files_and_empty_folders_are_reported(tmp_path: Path) -> None:
    (tmp_path / "mine.npz").write_bytes(b"PK\3\4 but no zip")
    (tmp_path / "single.npy").write_bytes(b"")
    np.save(tmp_path / "array.npy", np.zeros(3))
    (tmp_path / "empty").mkdir()
    for name in ("mine.npz", "single.npy", "array.npy", "empty", "x" * 300):
        with pytest.raises(DataError, match=name):
            load_data(str(tmp_path / name))
