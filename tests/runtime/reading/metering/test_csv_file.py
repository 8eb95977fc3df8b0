"""The CSV file has whole lines only, whatever happens."""

import calendar
import csv
import errno
import os
import time
from pathlib import Path

import pytest

from mnist_runtime import OutputError, UsageError
from mnist_runtime.reading.metering.csv_file import CsvFile
from mnist_runtime.reading.metering.values import Value

GOOD = Value("water, cold", "m³", 0.0, 12.5, "0125", "good", ())
NONE = Value("gas", "", 0.0, None, "?1", "unreadable", ())


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_lines_are_appended_and_the_last_good_values_found(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    CsvFile(path).append([GOOD, NONE])
    again = CsvFile(path)
    assert again.last_good() == {"water, cold": 12.5}
    again.append([Value("water, cold", "m³", 1.0, 12.7, "0127", "good", ())])
    rows = rows_of(path)
    assert [(row["name"], row["value"], row["digits"], row["state"]) for row in rows] == [
        ("water, cold", "12.5", "0125", "good"),
        ("gas", "", "?1", "unreadable"),
        ("water, cold", "12.7", "0127", "good"),
    ]
    assert rows[0]["time"].endswith("Z")


@pytest.mark.parametrize(("passed", "age"), [(90, 90), (40 * 86_400, 31 * 86_400), (-5, 31 * 86_400)])
def test_values_have_an_age_unless_the_clock_is_wrong(
    passed: int, age: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = CsvFile(tmp_path / "meter.csv")
    monkeypatch.setattr(time, "gmtime", lambda: (2026, 11, 26, 12, 0, 0, 3, 330, 0))
    file.append([GOOD, NONE])
    monkeypatch.setattr(time, "time", lambda: 1795694400.0 + passed)
    assert file.ages() == {"water, cold": age}


def test_the_age_is_that_of_the_good_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = CsvFile(tmp_path / "meter.csv")
    moments = iter([(2026, 11, 26, 2, 0, 0, 3, 330, 0), (2026, 11, 26, 12, 0, 0, 3, 330, 0)])
    monkeypatch.setattr(time, "gmtime", lambda: next(moments))
    file.append([GOOD])
    file.append([Value("water, cold", "m³", 1.0, 12.5, "01?5", "unreadable", ())])
    monkeypatch.setattr(time, "time", lambda: 1795694400.0 + 60)
    assert file.ages() == {"water, cold": 36_060}


def test_a_value_without_its_good_line_has_the_age_of_its_first_line(tmp_path: Path) -> None:
    """The file with the good one was moved away."""
    file = CsvFile(tmp_path / "meter.csv")
    file.append([Value("gas", "", 0.0, 12.5, "1?5", "unreadable", ())])
    assert file.last_good() == {"gas": 12.5}
    assert file.ages()["gas"] < 60


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows has no TZ")
def test_times_are_utc_in_every_time_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try:
        with monkeypatch.context() as patched:
            patched.setenv("TZ", "EST5")
            time.tzset()
            file = CsvFile(tmp_path / "meter.csv")
            file.append([GOOD])
            assert file.ages()["water, cold"] < 60
            written = rows_of(file.path)[0]["time"]
    finally:
        time.tzset()
    assert abs(calendar.timegm(time.strptime(written, "%Y-%m-%dT%H:%M:%SZ")) - time.time()) < 60


def test_a_file_with_the_line_ends_of_windows_is_continued(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    CsvFile(path).append([GOOD])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    file = CsvFile(path)
    file.append([NONE])
    assert file.last_good() == {"water, cold": 12.5}
    assert [row["name"] for row in rows_of(path)] == ["water, cold", "gas"]


def test_lines_are_on_the_disk_before_the_values_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    path = tmp_path / "meter.csv"
    CsvFile(path).append([GOOD])
    assert synced == [path.stat().st_size]


@pytest.mark.parametrize(
    "damage", [bytes(200_000), b"2026-01-01T00:00:00Z,gas,nan,,1,good\n", b'"a\n' * 80_000, b"\xff,,\n"]
)
def test_damaged_lines_are_ignored(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    CsvFile(path).append([GOOD])
    path.write_bytes(path.read_bytes() + damage)
    file = CsvFile(path)
    assert file.last_good() == {"water, cold": 12.5}
    assert file.ages().keys() == {"water, cold"}


def test_a_file_that_was_moved_away_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    file = CsvFile(path)
    file.append([GOOD])
    path.rename(tmp_path / "meter.csv.1")
    assert (file.last_good(), file.ages()) == ({}, {})
    file.append([GOOD, NONE])
    assert [row["name"] for row in rows_of(path)] == ["water, cold", "gas"]
    assert CsvFile(path).last_good() == {"water, cold": 12.5}


def test_a_line_that_was_cut_off_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    CsvFile(path).append([GOOD, GOOD])
    path.write_bytes(path.read_bytes()[:-7])
    file = CsvFile(path)
    file.append([NONE])
    assert [row["name"] for row in rows_of(path)] == ["water, cold", "water, cold", "gas"]
    assert path.read_bytes().endswith(b"\n")


@pytest.mark.parametrize("content", [b"name,value\n", b"\x00\x01", b"time"])
def test_another_file_is_not_touched(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="Choose another file"):
        CsvFile(path)
    assert path.read_bytes() == content
    with pytest.raises(UsageError, match="Check the path"):
        CsvFile(tmp_path / "missing" / "meter.csv")


def test_lines_wait_while_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "meter.csv"
    file = CsvFile(path)
    file.append([GOOD])
    before = path.read_bytes()
    write = os.write

    def full(descriptor: int, content: bytes) -> int:
        if len(content) > 10:
            return write(descriptor, content[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        file.append([NONE])
        file.append([NONE])
        assert path.read_bytes() == before, "no half line"
        with pytest.raises(OutputError, match="2 lines could not be written"):
            file.close()
    assert capsys.readouterr().err.count("No space left") == 1
    file.append([GOOD])
    file.close()
    assert [row["name"] for row in rows_of(path)] == ["water, cold", "gas", "gas", "water, cold"]


def full_disk(_descriptor: int, _content: bytes) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_each_outage_of_the_disk_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = CsvFile(tmp_path / "meter.csv")
    for _ in range(2):
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", full_disk)
            file.append([GOOD])
            file.append([GOOD])
        file.append([])
    assert capsys.readouterr().err.count("No space left") == 2
    assert len(rows_of(file.path)) == 4


def test_waiting_lines_are_written_at_the_end_and_the_oldest_are_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mnist_runtime.reading.metering.csv_file.MOST_WAITING", 3)
    file = CsvFile(tmp_path / "meter.csv")
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full_disk)
        file.append([NONE, GOOD, GOOD, GOOD])
    file.close()
    assert [row["name"] for row in rows_of(file.path)] == ["water, cold"] * 3
