import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnist_trainer import DataError
from mnist_trainer.data.files import csv_file, rows

LABELS = (np.arange(24) * 7 % 10).astype(np.uint8)
IMAGES = np.zeros((24, 784), np.uint8)
IMAGES[:, 100:700] = np.random.default_rng(0).integers(0, 256, (24, 600))
TABLE = np.column_stack([LABELS, IMAGES])
HEADER = ["label", *(f"pixel{number}" for number in range(784))]


def text(table: np.ndarray, header: list[str] | None = None, delimiter: str = ",", end: str = "\n") -> str:
    rows = [*([header] if header else []), *table.tolist()]
    return "".join(delimiter.join(map(str, row)) + end for row in rows)


def write(folder: Path, content: str, encoding: str = "utf-8") -> Path:
    path = folder / "mine.csv"
    path.write_bytes(content.encode(encoding))
    return path


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.booleans(),
    st.sampled_from([",", ";", "\t", "|", " "]),
    st.sampled_from(["\n", "\r\n", "\n\n"]),
    st.booleans(),
    st.sampled_from(["utf-8", "utf-8-sig"]),
    st.booleans(),
)
def test_every_dialect_is_read(
    tmp_path: Path, has_header: bool, delimiter: str, end: str, is_last: bool, encoding: str, is_packed: bool
) -> None:
    table, header = (np.roll(TABLE, -1, axis=1), HEADER[1:] + HEADER[:1]) if is_last else (TABLE, HEADER)
    path = write(tmp_path, text(table, header if has_header else None, delimiter, end), encoding)
    if is_packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    reading = csv_file.load(path)
    assert reading.test is None
    np.testing.assert_array_equal(reading.train.images.reshape(-1, 784), IMAGES)
    np.testing.assert_array_equal(reading.train.labels, LABELS)
    assert ("with header" if has_header else "without header") in reading.form
    assert ("784 pixels and label" if is_last else "label and 784 pixels") in reading.form


def test_floats_quotes_spaces_and_row_numbers_are_read(tmp_path: Path) -> None:
    scaled = np.column_stack([LABELS, IMAGES / 255])
    numbered = np.column_stack([np.arange(24) + 1000, TABLE])
    quoted = text(TABLE).replace(",", '","').replace("\n", '"\n"')[:-1]
    contents = {
        "floats 0..1": text(scaled),
        "with header: label and 784 pixels; floats 0..1": text(scaled, HEADER),
        "CSV without header": '"' + quoted,
        "CSV without": text(TABLE, delimiter=", "),
        "label and 784": text(numbered, ["", *HEADER]),
        "CSV with header": text(numbered, ["Unnamed: 0", *HEADER]),
        "with header: label": text(TABLE, ["label", *map(str, range(784))]),
        "with header: label and": text(TABLE, ["kind", *HEADER[1:]]),
    }
    for words, content in contents.items():
        reading = csv_file.load(write(tmp_path, content))
        np.testing.assert_array_equal(reading.train.images.reshape(-1, 784), IMAGES, words)
        np.testing.assert_array_equal(reading.train.labels, LABELS)
        assert words in reading.form


@pytest.mark.parametrize("is_scaled", [False, True])
@pytest.mark.parametrize("rows_at_once", [1, 5, 24])
def test_a_table_that_is_read_in_blocks_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows_at_once: int, is_scaled: bool
) -> None:
    monkeypatch.setattr(csv_file, "BLOCK_VALUES", rows_at_once * 784)
    table = np.column_stack([LABELS, IMAGES / 255]) if is_scaled else TABLE
    reading = csv_file.load(write(tmp_path, text(table, HEADER)))
    np.testing.assert_array_equal(reading.train.images.reshape(-1, 784), IMAGES)
    np.testing.assert_array_equal(reading.train.labels, LABELS)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (text(IMAGES), r"images without labels.*Give a file with a label.*train\.csv"),
        (text(IMAGES, HEADER[1:]), "images without labels"),
        (text(np.column_stack([np.arange(24), IMAGES]), ["id", *HEADER[1:]]), "images without labels"),
        (text(TABLE[:, :700]), "The rows have 700 columns, but 785 are needed"),
        (text(TABLE[:, :700], HEADER[:700]), "The rows have 700 columns, but 785 are needed"),
        ("id_code,label\n0a1b,3\n", "2 columns.*If it lists pictures, put it into their folder"),
        (text(TABLE, HEADER)[:-1000], r"Line 25 has \d+ columns instead of 785\. If the file was cut off"),
        (text(TABLE, HEADER) + "," * 785 + "\n", r"Line 26 has 786 columns instead of 785"),
        (
            text(TABLE).replace("0,", ",", 1),
            r"Line 1, column 1 is '', which is no number\. If it is a label, add it, or remove the line\.",
        ),
        (text(np.roll(TABLE, -1, axis=1)).replace("0,", ",", 1), "Line 1, column 1 is '', which is no number"),
        (text(TABLE).replace("\n7,", "\n,", 1), r"Line 2, column 1 is '', which is no number\. If it is a label, add"),
        (text(np.column_stack([np.arange(24), TABLE]), ["", *range(785)]), "No column has the heading of labels"),
        (text(TABLE).replace("0", "none", 1), r"Line 1, column 1 is 'none', which is no number"),
        (text(TABLE, HEADER).replace(",0,0,0\n", ",0,x,0\n", 1), r"Line 2, column 784 is 'x', which is no number"),
        (text(TABLE, HEADER).replace(",0,0,0\n", ",0,,0\n", 1), r"Line 2, column 784 is '', which is no number"),
        (text(TABLE[1:]).replace("7,0,", "7,,", 1), r"Line 1, column 2 is '', which is no number"),
        (text(TABLE, HEADER).replace(",0,0,0\n", ",0,256,0\n", 1), "The pixels range from 0 to 256"),
        (text(TABLE, HEADER).replace("\n7,", "\ninf,", 1), "label at index 1 is inf"),
        (
            text(TABLE, HEADER).replace("\n7,", "\n1e300,", 1),
            r"is 1e\+300\. Labels are 2,147,483,648 at most",
        ),
        (text(np.column_stack([LABELS, TABLE]), ["id", "kind", *HEADER[1:]]), "Give the column of labels the heading"),
        (text(TABLE[:0], HEADER), "has a header, but no rows"),
        (text(np.column_stack([LABELS * 0, IMAGES])), "no column has the labels"),
        (text(np.column_stack([IMAGES[:, 300], IMAGES])), "no column has the labels"),
        (text(np.column_stack([LABELS, IMAGES[:, 1:], LABELS])), "both the first and the last column"),
        (text(np.column_stack([LABELS + 7, IMAGES]), HEADER), r"label at index 1 is 14"),
        (text(np.column_stack([LABELS, IMAGES * 9.5])), r"0 to 24\d\d"),
        (text(np.column_stack([LABELS, IMAGES.astype(int) - 128])), r"-128 to 127"),
        ("1" * 300_000 + ",2", "Line 1 is too long"),
    ],
)
def test_other_tables_are_named_for_what_they_are(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        csv_file.load(write(tmp_path, content))


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 2000), st.booleans())
def test_any_damage_is_a_data_error_or_harmless(tmp_path: Path, junk: bytes, place: int, is_packed: bool) -> None:
    content = text(TABLE[:12], HEADER).encode()
    content = content[: place * 7] + junk + content[place * 8 :]
    path = tmp_path / "mine.csv"
    path.write_bytes(gzip.compress(content)[:-9] if is_packed else content)
    try:
        reading = csv_file.load(path)
    except DataError as error:
        message = str(error)
    else:
        message = f"{path} was read"
        assert reading.train.labels.max() <= 9
    assert str(path) in message


def test_what_is_larger_than_the_bounds_is_refused_before_memory_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, text(TABLE))
    monkeypatch.setattr(rows, "MOST_BYTES", 20_000)
    with pytest.raises(DataError, match="Give a part of it"):
        csv_file.load(path)
