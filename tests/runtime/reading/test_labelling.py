"""Pictures move into the folder of their label, and nothing is overwritten or lost."""

import os
from pathlib import Path

import pytest
from PIL import Image
from tests.runtime.conftest import Digits

from mnist_runtime import OutputError, PictureError, UsageError
from mnist_runtime.reading.labelling import REJECTED, PictureSorter


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.png", "a.png", ".hidden"):
        (tmp_path / name).write_text(name)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "a.png").write_text("older")
    return tmp_path


def contents(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_pictures_move_into_the_folder_of_their_label(folder: Path) -> None:
    sorter = PictureSorter(folder, ["6", "7"])
    assert sorter.waiting() == {name: folder / name for name in ("a.png", "b.png")}
    sorter.move("a.png", "7")
    sorter.move("b.png", None)
    assert sorter.waiting() == {}
    assert contents(folder) == {
        ".hidden": ".hidden",
        "7/a.png": "older",
        "7/a-2.png": "a.png",
        f"{REJECTED}/b.png": "b.png",
    }
    assert [sorter.undo(), sorter.undo(), sorter.undo()] == ["b.png", "a.png", None]
    assert contents(folder) == {".hidden": ".hidden", "7/a.png": "older", "a.png": "a.png", "b.png": "b.png"}


def test_a_name_that_is_taken_twice_gets_the_next_number(folder: Path) -> None:
    (folder / "7" / "a-2.png").write_text("old")
    assert PictureSorter(folder, ["7"]).move("a.png", "7") == folder / "7" / "a-3.png"
    assert contents(folder)["7/a-2.png"] == "old"


def test_undo_removes_only_folders_that_were_made(folder: Path) -> None:
    (folder / "6").mkdir()
    sorter = PictureSorter(folder, ["5", "6"])
    for label in ("5", "6"):
        sorter.move("a.png", label)
        sorter.undo()
    assert ((folder / "5").exists(), (folder / "6").exists()) == (False, True)


def test_pictures_wait_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = [f"{7 * number % 20:02}.png" for number in range(20)]
    for name in names:
        (tmp_path / name).touch()
    assert list(PictureSorter(tmp_path, ["7"]).waiting()) == sorted(names)


def test_what_somebody_else_moved_is_left_alone(folder: Path) -> None:
    sorter = PictureSorter(folder, ["7"])
    moved = sorter.move("b.png", "7")
    moved.rename(folder / "elsewhere")
    assert sorter.undo() is None
    (folder / "a.png").unlink()
    with pytest.raises(PictureError, match=r"^a.png is no longer in "):
        sorter.move("a.png", "7")


@pytest.mark.parametrize("name", ["", ".", "..", "7", "7/a.png", "../x", ".hidden", "/etc/passwd", "\0"])
def test_only_the_names_of_waiting_pictures_are_taken(folder: Path, name: str) -> None:
    before = contents(folder)
    with pytest.raises(PictureError):
        PictureSorter(folder, ["7"]).move(name, "7")
    assert contents(folder) == before


def test_other_labels_are_rejected(folder: Path) -> None:
    with pytest.raises(UsageError, match=r"8 is not a label. The labels are: 6, 7"):
        PictureSorter(folder, ["6", "7"]).move("a.png", "8")


@pytest.mark.parametrize("label", [".", "..", ".x", "a/b", "/", ""])
def test_a_label_that_cannot_name_a_folder_is_rejected(folder: Path, label: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of a folder"):
        PictureSorter(folder, ["7", label])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such folders")
@pytest.mark.parametrize("label", ["a\\b", "a:b", "what?", "a|b", "*", "con", "nul", "a.", "<=>"])
def test_every_name_of_a_folder_can_be_a_label(folder: Path, label: str) -> None:
    sorter = PictureSorter(folder, ["7", label])
    assert sorter.move("a.png", label) == folder / label / "a.png"
    assert (folder / label / "a.png").is_file()
    assert sorter.undo() == "a.png"


def test_a_label_that_is_too_long_for_a_folder_is_an_error_of_its_picture(folder: Path) -> None:
    sorter = PictureSorter(folder, ["7", "\N{PENCIL}" * 90])
    with pytest.raises(OutputError, match=r"^Cannot move \S*a.png to .*: File name too long"):
        sorter.move("a.png", sorter.labels[1])
    assert (folder / "a.png").is_file()


def test_a_folder_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is not a folder.*classify PICTURES --keep-doubtful '\S*/the doubtful'$"):
        PictureSorter(tmp_path / "the doubtful", ["7"])
    (tmp_path / "7.png").touch()
    with pytest.raises(UsageError, match=r"is not a folder.*classify PICTURES --keep-doubtful DIR$"):
        PictureSorter(tmp_path / "7.png", ["7"])


def test_the_trainer_reads_the_sorted_folders(tmp_path: Path, legible: Digits) -> None:
    load_data = pytest.importorskip("mnist_trainer").load_data
    sorter = PictureSorter(tmp_path, [*"0123456789"])
    for index, (image, label) in enumerate(zip(legible.images, legible.labels, strict=True)):
        Image.fromarray(image).save(tmp_path / f"{index}.png")
        sorter.move(f"{index}.png", str(label))
    (tmp_path / "x.png").write_text("not a digit")
    sorter.move("x.png", None)
    splits = load_data(tmp_path)
    assert sorted([*splits.train.labels, *splits.test.labels]) == legible.labels.tolist()
