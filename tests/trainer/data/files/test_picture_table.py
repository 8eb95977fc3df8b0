import csv
import gzip
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_runtime import prepare
from mnist_trainer import DataError, Splits, load_data
from mnist_trainer.data.files import any_form
from mnist_trainer.data.files.names import WORDS
from mnist_trainer.data.stated import StatedTask

COUNT = 40
Draw = Callable[..., list[str]]


@pytest.fixture
def labels(digits: Splits) -> list[int]:
    return [int(label) for label in digits.test.labels[:COUNT]]


@pytest.fixture
def draw(tmp_path: Path, digits: Splits) -> Draw:
    """Write pictures of the first digits into a folder below `tmp_path`, and return their names."""

    def draw(below: str = "images", start: int = 0, count: int = COUNT) -> list[str]:
        (tmp_path / below).mkdir(parents=True, exist_ok=True)
        names = [f"d {number:03d}.png" for number in range(start, start + count)]
        for number, name in enumerate(names):
            Image.fromarray(255 - digits.test.images[start + number]).save(tmp_path / below / name)
        return names

    return draw


def write(path: Path, rows: Iterable[Sequence[object]], delimiter: str = ",") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows(rows)
    return path


def loaded(path: Path, stated: StatedTask | None = None) -> tuple[dict[bytes, int], str]:
    """Return the label of each picture that is read, and what it was read as."""
    found = any_form.read_any_form(path, stated or StatedTask())
    names = found.task.labels
    return {
        image.tobytes(): names.index(names[label])
        for part in (found.train, found.test)
        if part
        for image, label in zip(part.images, part.labels, strict=True)
    }, found.form


def expected(folder: Path, names: Sequence[str], labels: Sequence[int]) -> dict[bytes, int]:
    images = [prepare(np.asarray(Image.open(folder / name))) for name in names]
    return {image.tobytes(): label for image, label in zip(images, labels, strict=True)}


FORMS: dict[str, tuple[list[str], list[str]]] = {
    "paths": (["filename", "label"], ["images/{name}", "{label}"]),
    "names only": (["image", "class"], ["{name}", "{label}"]),
    "label first": (["digit", "file"], ["{label}", "{name}"]),
    "another heading of labels": (["file", "what it shows"], ["{name}", "{label}"]),
    "without ends": (["id", "label"], ["{stem}", "{label}"]),
    "paths without ends": (["id", "label"], ["images/{stem}", "{label}"]),
    "row numbers": (["", "path", "label"], ["{number}", "{name}", "{label}"]),
    "other columns": (["filename", "writer", "digit", "width"], ["{name}", "w{number}", "{label}", "28"]),
    "paths of another computer": (["path", "label"], ["C:\\Users\\ann\\data\\images\\{name}", "{label}"]),
    "floats": (["path", "label"], ["{name}", "{label}.0"]),
    "words": (["path", "label"], ["{name}", "{word}"]),
    "one-hot": (["filename", *map(str, range(10))], ["{name}", *(f"{{hot[{digit}]}}" for digit in range(10))]),
    "one-hot floats": (["name", *map(str, range(10))], ["{name}", *(f"{{hot[{digit}]}}.0" for digit in range(10))]),
    "without header": ([], ["{name}", "{label}"]),
}
"""Headings, and the fields of each row."""


@pytest.mark.parametrize("form", FORMS)
def test_pictures_that_a_table_lists_are_read(tmp_path: Path, draw: Draw, labels: list[int], form: str) -> None:
    headings, fields = FORMS[form]
    names = draw()
    rows = [headings] if headings else []
    for number, (name, label) in enumerate(zip(names, labels, strict=True)):
        hot = [int(digit == label) for digit in range(10)]
        facts = {"name": name, "stem": Path(name).stem, "label": label, "word": WORDS[label].title(), "hot": hot}
        rows.append([field.format(number=number, **facts) for field in fields])
    path = write(tmp_path / "labels.csv", rows)
    wanted = expected(tmp_path / "images", names, labels)
    found, words = loaded(path)
    assert found == wanted
    assert words.startswith("pictures listed in labels.csv: pictures in column ")
    assert loaded(tmp_path)[0] == wanted, "the folder of the table"


@pytest.mark.parametrize("row", ["old/train/{name}", "train/{stem}", "C:\\data\\train\\{stem}"])
def test_a_name_in_two_folders_is_told_by_the_folder(tmp_path: Path, draw: Draw, labels: list[int], row: str) -> None:
    names = draw("pictures/train")
    draw("pictures/other", COUNT, COUNT)
    for number, name in enumerate(names):
        (tmp_path / "pictures/other" / f"d {COUNT + number:03d}.png").rename(tmp_path / "pictures/other" / name)
    rows = [(row.format(name=name, stem=Path(name).stem), label) for name, label in zip(names, labels, strict=True)]
    path = write(tmp_path / "labels.csv", [["path", "label"], *rows])
    assert loaded(path)[0] == expected(tmp_path / "pictures/train", names, labels)


@pytest.mark.parametrize(("heading", "count"), [("label", 10), ("sign", COUNT)])
def test_labels_that_are_names_of_pictures_too_stay_labels(
    heading: str, count: int, labels: list[int], draw: Draw, tmp_path: Path
) -> None:
    """The pictures are named 0.png, 1.png, ..."""
    names = draw(count=count)
    for number, name in enumerate(names):
        (tmp_path / "images" / name).rename(tmp_path / "images" / f"{number}.png")
    shown = list(range(count))[::-1] if heading == "label" else labels
    table = write(tmp_path / "table.csv", [(heading, "picture"), *((shown[n], n) for n in range(count))])
    found, form = loaded(table)
    assert found == expected(tmp_path / "images", [f"{n}.png" for n in range(count)], shown)
    assert "pictures in column 'picture'" in form


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_any_delimiter_is_found(tmp_path: Path, draw: Draw, labels: list[int], delimiter: str) -> None:
    names = draw()  # each has a space
    path = write(tmp_path / "labels.txt", zip(names, labels, strict=True), delimiter)
    assert loaded(path)[0] == expected(tmp_path / "images", names, labels)


def test_a_packed_table_and_one_with_spaces_are_read(tmp_path: Path, draw: Draw, labels: list[int]) -> None:
    names = draw()
    wanted = expected(tmp_path / "images", names, labels)
    for name in names:
        (tmp_path / "images" / name).rename(tmp_path / "images" / name.replace(" ", "_"))
    lines = [f"{name.replace(' ', '_')} {label}\n" for name, label in zip(names, labels, strict=True)]
    packed = tmp_path / "labels.csv.gz"
    packed.write_bytes(gzip.compress("".join(lines).encode()))
    assert loaded(packed)[0] == wanted


def test_tables_of_both_splits_find_the_pictures_of_their_split(tmp_path: Path, draw: Draw, labels: list[int]) -> None:
    draw("images/train", 0, 30)
    names = draw("images/test", 30, 10)
    for number, name in enumerate(names):  # the same names in both
        (tmp_path / "images/test" / name).rename(tmp_path / "images/test" / f"d {number:03d}.png")
    rows = [[f"d {number % 30:03d}.png", label] for number, label in enumerate(labels)]
    write(tmp_path / "train.csv", [["filename", "label"], *rows[:30]])
    write(tmp_path / "test.csv", [["filename", "label"], *rows[30:]])
    splits = load_data(str(tmp_path))
    assert [split.labels.tolist() for split in splits] == [labels[:30], labels[30:]]
    with pytest.raises(DataError, match=r"lists 'd 000\.png', and there are 2 such pictures: images/test/d 000"):
        load_data(str(write(tmp_path / "all.csv", rows[:30])))


@pytest.mark.parametrize("held_out", ["test", "valid"])
def test_a_table_in_each_split_folder_is_read(tmp_path: Path, draw: Draw, labels: list[int], held_out: str) -> None:
    for side, start, count in (("train", 0, 30), (held_out, 30, 10)):
        names = draw(side, start, count)
        rows = zip(names, labels[start:], strict=False)
        write(tmp_path / side / "_classes.csv", [["filename", "label"], *rows])
    assert [split.labels.tolist() for split in load_data(str(tmp_path))] == [labels[:30], labels[30:]]


@pytest.mark.parametrize("has_labels", [True, False])
def test_a_table_for_validation_is_tested_if_that_of_the_test_has_no_labels(
    tmp_path: Path, draw: Draw, labels: list[int], capsys: pytest.CaptureFixture[str], has_labels: bool
) -> None:
    for side, start, count in (("train", 0, 20), ("test", 20, 12), ("val", 20, 14)):
        names = draw(side, start, count)
        rows = [["filename", "label"], *map(list, zip(names, labels[start:], strict=False))]
        write(tmp_path / side / "list.csv", rows if has_labels or side != "test" else [row[:1] for row in rows])
    assert [len(split) for split in load_data(str(tmp_path))] == [20, 12 if has_labels else 14]
    test, val = (tmp_path / side / "list.csv" for side in ("test", "val"))
    note = f"{val} is not read, since there is {test}" if has_labels else "list.csv has no labels and is not read"
    assert f"note: {note}\n" in capsys.readouterr().err


def test_a_test_table_without_labels_is_not_read_and_said(
    tmp_path: Path, draw: Draw, labels: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    names = draw("Images/train")
    write(tmp_path / "train.csv", [["filename", "label"], *zip(names, labels, strict=True)])
    write(tmp_path / "Test.csv", [["filename"], *([name] for name in draw("Images/test"))])
    assert sum(map(len, load_data(str(tmp_path)))) == COUNT
    assert "note: Test.csv has no labels and is not read\n" in capsys.readouterr().err


def test_of_several_tables_none_is_chosen(tmp_path: Path, draw: Draw, labels: list[int]) -> None:
    rows = [["filename", "label"], *map(list, zip(draw(), labels, strict=True))]
    write(tmp_path / "writer.csv", rows)
    assert sum(map(len, load_data(str(tmp_path)))) == COUNT
    write(tmp_path / "year.csv", rows)
    with pytest.raises(DataError, match=r"no data set that can be read\. It holds .* files: .*writer\.csv, year\.csv"):
        load_data(str(tmp_path))


@pytest.mark.parametrize("other", [("even", "odd"), ("0", "blank")], ids=str)
def test_other_classes_get_their_names(tmp_path: Path, draw: Draw, labels: list[int], other: tuple[str, str]) -> None:
    names = draw()
    kinds = [other[label % 2] for label in labels]
    path = write(tmp_path / "labels.csv", [["file", "kind"], *zip(names, kinds, strict=True)])
    assert load_data(str(path), stated=StatedTask(size=(28, 28))).test.task.labels == other


def test_few_missing_pictures_are_said(
    tmp_path: Path, draw: Draw, labels: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    names = draw()
    path = write(tmp_path / "labels.csv", [["file", "label"], *zip(names, labels, strict=True)])
    (tmp_path / "images" / names[3]).unlink()
    (tmp_path / "images" / names[5]).write_bytes(b"no picture")
    assert sum(map(len, load_data(str(path)))) == COUNT - 2
    said = capsys.readouterr().err
    assert f"{path}: left out 1 picture that cannot be found: d 003.png" in said
    assert f"{path}: left out 1 file that cannot be read as pictures: images/d 005.png" in said
    for name in names[7:9]:
        (tmp_path / "images" / name).unlink()
    with pytest.raises(DataError, match="lists 40 pictures, and 3 are not in its folder"):
        load_data(str(path))


def test_tables_that_cannot_be_read_are_errors(tmp_path: Path, draw: Draw, labels: list[int]) -> None:
    names = draw()
    rows = [list(pair) for pair in zip(names, labels, strict=True)]
    heading = ["file", "label"]
    cases: dict[str, list[list[object]]] = {
        r"lists 40 pictures, and 40 are not in its folder or below: xd 000\.png, xd 001": [
            heading,
            *([f"x{name}", label] for name, label in rows),
        ],
        r"Line 42 gives 'd 000\.png' the label '4', but an earlier line '\d'\. Give each": [
            heading,
            *rows,
            [names[0], 4 if labels[0] != 4 else 5],
        ],
        "Line 6 has no label. Add it, or remove the line": [heading, *rows[:4], [names[4], ""], *rows[5:]],
        "its labels may be in each of the columns 'a', 'b'. Give the column of labels the heading 'label'": [
            ["file", "a", "b"],
            *([name, label, label] for name, label in rows),
        ],
        "in each of the columns 2, 3": [[name, label, label] for name, label in rows],
        "lists pictures without labels": [[name.replace(" ", "-")] for name in names],
        "lists pictures without labels. Add a column 'label'": [
            ["id", "file"],
            *([n, row[0]] for n, row in enumerate(rows)),
        ],
        "Line 9 has 3 columns instead of 2. If the file was cut off": [heading, *rows[:7], [*rows[7], 1], *rows[8:]],
    }
    if labels[0] == 4:
        cases = {words.replace("label '4'", "label '5'"): content for words, content in cases.items()}
    for words, content in cases.items():
        path = write(tmp_path / "labels.csv", content)
        with pytest.raises(DataError, match=words) as caught:
            load_data(str(path))
        assert str(caught.value).startswith(str(path))


def test_label_folders_count_more_than_a_table_beside_them(tmp_path: Path, draw: Draw, labels: list[int]) -> None:
    for label in range(10):
        names = draw(str(label), 3 * label, 3)
    write(tmp_path / "labels.csv", [["file", "label"], *([name, 0] for name in names)])
    found, words = loaded(tmp_path)
    assert (len(found), words) == (30, "pictures in label folders")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.integers(0, 700))
def test_any_damage_is_a_data_error_or_harmless(tmp_path: Path, junk: bytes, place: int) -> None:
    picture = tmp_path / "a.png"
    if not picture.exists():
        Image.fromarray(np.eye(28, dtype=np.uint8) * 255).save(picture)
    content = ("file,label\n" + "a.png,1\n" * 80).encode()
    path = tmp_path / "labels.csv"
    path.write_bytes(content[:place] + junk + content[place:])
    try:
        found = any_form.read_any_form(path, StatedTask())
    except DataError:
        return
    assert len(found.train.images) == len(found.train.labels) > 0


def test_a_pipe_is_no_table_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "train.csv")
    with pytest.raises(DataError, match="This is neither a file nor a folder"):
        load_data(str(tmp_path / "train.csv"))


def test_a_file_that_cannot_be_opened_is_a_data_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "train.csv", [["file", "label"], ["a.png", 1]])

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(DataError, match="lists 1 picture"):
        load_data(str(path))


def test_a_table_of_long_texts_is_no_table_of_pictures(tmp_path: Path) -> None:
    path = write(tmp_path / "reviews.csv", [["text", "label"], *(["so " * 200 + str(n), n % 2] for n in range(9))])
    with pytest.raises(DataError, match="The rows have 2 columns, but 785 are needed"):
        load_data(str(path))


@pytest.mark.parametrize("tables", [("list.csv",), ("train.csv", "test.csv")])
def test_the_folder_is_listed_once(
    tmp_path: Path, draw: Draw, labels: list[int], tables: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [(name.removesuffix(".png"), label) for name, label in zip(draw(), labels, strict=True)]
    for table in tables:
        write(tmp_path / table, [("name", "label"), *rows])
    listed, walk = list[str](), os.walk

    def counted_walk(folder: str | Path) -> Iterable[tuple[str, list[str], list[str]]]:
        listed.append(str(folder))
        return walk(folder)

    monkeypatch.setattr(os, "walk", counted_walk)
    assert len(loaded(tmp_path / tables[0] if len(tables) == 1 else tmp_path)[0]) == COUNT
    assert listed == [str(tmp_path)]
