import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_runtime import prepare
from mnist_trainer import DataError, Splits, load_data
from mnist_trainer.data.files import names
from mnist_trainer.data.stated import StatedTask

Fill = Callable[..., None]


@pytest.fixture
def fill(tmp_path: Path, digits: Splits) -> Fill:
    """Write pictures of the first digits into label folders below a folder of `tmp_path`."""

    def fill(below: str, count: int = 40, name: Callable[[int], str] = str) -> None:
        for number in range(count):
            folder = tmp_path / below / name(int(digits.test.labels[number]))
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(255 - digits.test.images[number]).save(folder / f"{number:04d}.png")

    return fill


def test_pictures_are_prepared_as_on_a_device(tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    fill(".", 100)
    (tmp_path / "0" / ".DS_Store").write_bytes(b"left by a file manager")
    (tmp_path / "__MACOSX" / "0").mkdir(parents=True)
    shutil.copytree(tmp_path / "1", tmp_path / "0" / ".thumbnails")
    mine = load_data(str(tmp_path))
    assert (len(mine.train), len(mine.test)) == (80, 20)
    assert "left out" not in capsys.readouterr().err
    picture = next((tmp_path / "3").iterdir())
    image = prepare(np.asarray(Image.open(picture)))
    assert image.tobytes() in {i.tobytes() for split in mine for i in split.images[split.labels == 3]}


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train", "test"),
        ("training", "testing"),
        ("Training", "Test"),
        ("train", "val"),
        ("train", "valid"),
        ("training", "validation"),
        ("mnist_png/training", "mnist_png/testing"),
        ("trainingSet/trainingSet", "testSet/testSet"),
    ],
)
def test_divided_folders_stay_divided(tmp_path: Path, fill: Fill, train: str, test: str) -> None:
    fill(f"mine/{train}", 20)
    fill(f"mine/{test}", 30)
    assert [len(split) for split in load_data(str(tmp_path / "mine"))] == [20, 30]
    if "/" not in train:
        assert [len(split) for split in load_data(str(tmp_path))] == [20, 30], "the folder above"


def test_labels_in_english_and_pictures_in_subfolders_are_read(tmp_path: Path, fill: Fill, digits: Splits) -> None:
    words = list(names.WORDS)
    fill("mine", 60, lambda digit: f"{words[digit].title()}/writer")
    mine = load_data(str(tmp_path / "mine"))
    labels = np.concatenate([split.labels for split in mine])
    assert np.array_equal(np.bincount(labels), np.bincount(digits.test.labels[:60]))
    fill("numbers", 60)
    numbers = load_data(str(tmp_path / "numbers"))
    assert [part.sha256 for part in numbers] == [part.sha256 for part in mine], "in the order of the digits"


def test_folders_of_writers_with_the_same_label_folders_are_an_error(tmp_path: Path, fill: Fill) -> None:
    for writer in ("anna", "ben", "carl", "dora"):
        fill(f"mine/{writer}", 30)
    with pytest.raises(DataError, match=r"mine: anna, ben, carl and others hold the same folders 0, 1, ") as caught:
        load_data(str(tmp_path / "mine"))
    assert "Remove one level" in str(caught.value)
    assert f"such as {tmp_path / 'mine' / '0'}. " in str(caught.value)
    assert str(caught.value).endswith(
        "If anna, ben, carl and others are the classes, name all of them: --labels A,B,..."
    )
    stated = StatedTask(labels=("anna", "ben", "carl", "dora"), size=(28, 28))
    assert load_data(str(tmp_path / "mine"), stated=stated).test.task.labels == stated.labels


@pytest.mark.parametrize("change", ["another label", "a picture beside", "other names"])
def test_other_folders_in_folders_of_classes_are_parts_of_these(tmp_path: Path, fill: Fill, change: str) -> None:
    name = (lambda digit: f"batch{digit % 2}") if change == "other names" else str
    for kind in ("cat", "dog"):
        fill(kind, 30, name)
    picture = next((tmp_path / "cat").rglob("*.png"))
    if change == "another label":
        shutil.rmtree(tmp_path / "dog" / "5")
    elif change == "a picture beside":
        picture.rename(tmp_path / "cat" / picture.name)
    assert load_data(str(tmp_path), stated=StatedTask(size=(28, 28))).test.task.labels == ("cat", "dog")


def test_both_names_of_one_split_are_an_error(tmp_path: Path, fill: Fill) -> None:
    for name in ("train", "training", "test"):
        fill(name, 20)
    with pytest.raises(DataError, match="train/ and training/ are both the train split"):
        load_data(str(tmp_path))


def test_a_third_split_is_not_read_and_said(tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    for name, count in (("train", 20), ("val", 25), ("test", 30), ("unsorted", 10), ("unknown", 10)):
        fill(name, count)
    assert [len(split) for split in load_data(str(tmp_path))] == [20, 30]
    said = capsys.readouterr().err
    assert "val/ is not read, since there is test/" in said
    for name in ("unsorted", "unknown"):
        assert f"{name}/ is not read, since it is not a split" in said


def test_a_split_without_labels_is_not_read_and_said(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    fill("train", 60)
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "1.png").write_bytes(next((tmp_path / "train").rglob("*.png")).read_bytes())
    assert [len(split) for split in load_data(str(tmp_path))] == [48, 12]
    said = capsys.readouterr().err
    assert "as pictures in label folders of train/; 60 images, divided: 48 for training, 12 for the test" in said
    assert "test/ has no label folders 0/ to 9/ and is not read" in said


def test_pictures_in_label_folders_are_read_wherever_they_are_and_whatever_is_beside_them(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    fill("a/b/mine", 20)
    np.savez(tmp_path / "a" / "b" / "mine" / "features.npz", images=np.zeros((3, 2)))
    assert sum(map(len, load_data(str(tmp_path)))) == 20
    assert "as pictures in label folders; 20 images" in capsys.readouterr().err


def test_the_only_split_with_labels_is_divided(tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    fill("mine/test", 20)
    assert sum(map(len, load_data(str(tmp_path)))) == 20
    assert "as pictures in label folders of test/; 20 images, divided" in capsys.readouterr().err
    (tmp_path / "mine" / "train").mkdir()
    shutil.copy(next((tmp_path / "mine").rglob("*.png")), tmp_path / "mine" / "train" / "1.png")
    assert sum(map(len, load_data(str(tmp_path)))) == 20
    said = capsys.readouterr().err
    assert "as pictures in label folders of test/; 20 images, divided" in said
    assert "train/ has no label folders 0/ to 9/ and is not read" in said


def test_folders_that_are_no_label_are_listed(tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]) -> None:
    fill(".", 60)
    fill("..", 0)
    for name in ("NaN", "10"):
        (tmp_path / name).mkdir()
        for number in range(3):
            (tmp_path / name / f"{number}.png").write_bytes(next((tmp_path / "0").iterdir()).read_bytes())
    assert sum(map(len, load_data(str(tmp_path)))) == 60
    assert "left out, since their names are not labels 0 to 9: 10/ (3 files), NaN/ (3 files)" in capsys.readouterr().err


def test_files_beside_the_label_folders_are_counted(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(".", 60)
    for number in range(7):
        (tmp_path / f"{number}.png").write_bytes(next((tmp_path / "0").iterdir()).read_bytes())
    (tmp_path / ".hidden.png").touch()
    assert sum(map(len, load_data(str(tmp_path)))) == 60
    said = capsys.readouterr().err
    assert f"note: {tmp_path}: left out 7 files beside the folders: 0.png, 1.png, 2.png and 4 more\n" in said


def test_files_beside_the_folders_of_a_divided_set_are_counted(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    fill("train", 20)
    fill("test/inner", 30)
    for place in (".", "train", "test"):
        (tmp_path / place / "page.png").write_bytes(next((tmp_path / "train").rglob("*.png")).read_bytes())
    assert [len(split) for split in load_data(str(tmp_path))] == [20, 30]
    said = capsys.readouterr().err
    for folder in (tmp_path, tmp_path / "train", tmp_path / "test"):
        assert said.count(f"note: {folder}: left out 1 file beside the folders: page.png\n") == 1


def test_a_few_unreadable_pictures_are_listed_and_many_are_an_error(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    def pairs() -> set[tuple[bytes, int]]:
        splits = load_data(str(tmp_path))
        assert sum(map(len, splits)) == 57
        return {
            (image.tobytes(), int(label)) for one in splits for image, label in zip(one.images, one.labels, strict=True)
        }

    fill(".", 57)
    readable = pairs()
    (tmp_path / "4" / "notes.txt").write_text("not a picture")
    Image.new("L", (28, 28)).save(tmp_path / "5" / "blank.png")
    (tmp_path / "6" / "empty.png").touch()
    assert pairs() == readable, "each picture keeps its label"
    said = capsys.readouterr().err
    assert "left out 3 files that cannot be read as pictures: 4/notes.txt, 5/blank.png, 6/empty.png" in said
    (tmp_path / "7" / "cut.png").write_bytes(next((tmp_path / "7").iterdir()).read_bytes()[:60])
    with pytest.raises(DataError, match=r"4 of 61 files cannot be read as pictures, more than 5%\. The first: 4/notes"):
        load_data(str(tmp_path))


def test_other_folders_are_named_for_what_they_hold(tmp_path: Path, fill: Fill) -> None:
    fill("cats", 10, lambda _: "cat")
    with pytest.raises(DataError, match=r"holds 0 folders and 10 files: 0000\.png.*folder for each class, named 0/"):
        load_data(str(tmp_path / "cats"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"empty: .* It is empty\. Put pictures"):
        load_data(str(tmp_path / "empty"))
    (tmp_path / "zero" / "0").mkdir(parents=True)
    with pytest.raises(DataError, match="There are no pictures"):
        load_data(str(tmp_path / "zero"))
    (tmp_path / "flat").mkdir()
    (tmp_path / "flat" / "seven.png").touch()
    with pytest.raises(DataError, match=r"holds 0 folders and 1 file: seven\.png"):
        load_data(str(tmp_path / "flat"))


def test_the_current_folder_has_its_own_name(tmp_path: Path, fill: Fill, monkeypatch: pytest.MonkeyPatch) -> None:
    fill("mine", 60)
    monkeypatch.chdir(tmp_path / "mine")
    assert load_data(".").test.name == "mine"


def test_folders_with_tables_or_one_archive_are_read(
    tmp_path: Path, digits: Splits, capsys: pytest.CaptureFixture[str]
) -> None:
    train, test = (split.take(np.arange(60), split.split) for split in digits)
    for name, split in (("mnist_train.csv", train), ("mnist_test.csv", test)):
        table = np.column_stack([split.labels, split.images.reshape(60, -1)])
        np.savetxt(tmp_path / name, table, fmt="%d", delimiter=",")
    mine = load_data(str(tmp_path))
    assert np.array_equal(mine.train.images, train.images)
    assert np.array_equal(mine.test.labels, test.labels)
    np.savetxt(tmp_path / "mnist_test.csv", test.images.reshape(60, -1), fmt="%d", delimiter=",")
    assert [len(split) for split in load_data(str(tmp_path))] == [48, 12]
    assert "mnist_test.csv has no labels and is not read" in capsys.readouterr().err
    for name in ("mnist_train.csv", "mnist_test.csv"):
        (tmp_path / name).unlink()
    np.savez(tmp_path / "mnist.npz", x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    assert np.array_equal(load_data(str(tmp_path)).test.images, test.images)


@pytest.fixture
def table(tmp_path: Path, digits: Splits) -> Callable[..., Path]:
    """Write a CSV file of some of the digits, with or without labels."""

    def table(name: str, start: int, count: int, *, has_labels: bool = True) -> Path:
        part = digits.test.take(np.arange(start, start + count), "part")
        pixels = part.images.reshape(count, -1)
        rows = np.column_stack([part.labels, pixels]) if has_labels else pixels
        np.savetxt(tmp_path / name, rows, fmt="%d", delimiter=",")
        return tmp_path / name

    return table


def test_of_tables_for_test_and_validation_the_first_one_with_labels_is_tested(
    tmp_path: Path, table: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    for name, start, count in (("train.csv", 0, 40), ("test.csv", 40, 30), ("val.csv", 70, 50)):
        table(name, start, count)
    assert [len(split) for split in load_data(str(tmp_path))] == [40, 30]
    assert "note: val.csv is not read, since there is test.csv\n" in capsys.readouterr().err
    table("test.csv", 40, 30, has_labels=False)
    assert [len(split) for split in load_data(str(tmp_path))] == [40, 50]
    said = capsys.readouterr().err
    assert "train.csv and val.csv: CSV" in said
    assert "note: test.csv has no labels and is not read\n" in said


def test_the_only_table_is_the_whole_set_whatever_its_name(
    tmp_path: Path, table: Callable[..., Path], fill: Fill
) -> None:
    table("test.csv", 0, 60)
    assert sum(map(len, load_data(str(tmp_path)))) == 60
    fill(".", 40)
    assert sum(map(len, load_data(str(tmp_path)))) == 40, "a table beside label folders is not read"


def test_of_several_archives_none_is_chosen(tmp_path: Path, digits: Splits) -> None:
    for name in ("a.npz", "b.npz"):
        np.savez(tmp_path / name, images=digits.test.images, labels=digits.test.labels)
    with pytest.raises(
        DataError, match=r"no data set that can be read\. It holds 0 folders and 2 files: a\.npz, b\.npz"
    ):
        load_data(str(tmp_path))


def test_a_third_split_is_said_also_without_images_for_training(
    tmp_path: Path, fill: Fill, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("val", "test"):
        fill(name, 30)
    assert sum(map(len, load_data(str(tmp_path)))) == 30
    assert "val/ is not read, since there is test/" in capsys.readouterr().err
