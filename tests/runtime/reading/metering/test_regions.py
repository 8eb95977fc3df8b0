"""Files of regions are read and written, and wrong ones are refused with the reason."""

import itertools
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_runtime import Prediction, UsageError, read
from mnist_runtime.cli.main import main
from mnist_runtime.reading.metering.regions import Region, load_regions, propose_regions, regions_as_toml
from mnist_runtime.reading.page import Reading

needs_tomllib = pytest.mark.skipif(sys.version_info < (3, 11), reason="files of regions need Python 3.11")

Run = Callable[..., object]

A_ONE = Prediction(1, 1.0, label="1")

GOOD = '[[value]]\nname = "water"\ndigits = [[0, 0, 20, 32]]\n'

sides = st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(100, 9999), st.integers(100, 9999))
printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)


@needs_tomllib
@settings(max_examples=40)
@given(
    st.lists(
        st.builds(
            Region,
            name=printable,
            digits=st.lists(sides, min_size=3, max_size=15).map(tuple),
            decimals=st.integers(0, 3),
            unit=printable,
            may_fall=st.booleans(),
            most_per_hour=st.none() | st.floats(0.001, 1e6),
        ),
        min_size=1,
        max_size=4,
        unique_by=lambda region: region.name,
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, regions: list[Region]) -> None:
    path = tmp_path_factory.mktemp("regions") / "meter.toml"
    path.write_text(regions_as_toml(regions), encoding="utf-8")
    assert load_regions(path) == tuple(regions)


def test_the_written_text_names_the_sides_of_boxes_and_what_can_be_added() -> None:
    assert regions_as_toml([Region("water", ((0, 0, 20, 32),), unit="m³")]) == (
        '[[value]]\nname = "water"\nunit = "m³"\n'
        "digits = [[0, 0, 20, 32]]  # left, top, right, bottom of each digit\n"
        "decimals = 0\nmay_fall = false\n# most_per_hour = 1.0\n"
    )


@needs_tomllib
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"Give a table \[\[value\]\]"),
        ("value = 3", r"Give a table \[\[value\]\]"),
        ("value = []", r"Give a table \[\[value\]\]"),
        ("value = [3]", r"Give a table \[\[value\]\]"),
        (GOOD + "[other]\n", r"Give a table \[\[value\]\]"),
        ("[[value]\n", "not valid TOML"),
        ("[[value]]\ndigits = [[0, 0, 20, 32]]\n", "lacks the key 'name'"),
        ('[[value]]\nname = "x"\n', "lacks the key 'digits'"),
        (GOOD + "decimal = 1\n", "key 'decimal' is not one of"),
        (GOOD + "decimals = 2\n", "`decimals` is 2, but must be 0 to 1"),
        (GOOD + "decimals = true\n", "`decimals` is True"),
        (GOOD + 'may_fall = "no"\n', "`may_fall` is 'no'"),
        (GOOD + "most_per_hour = 0\n", "`most_per_hour` is 0"),
        (GOOD + "most_per_hour = nan\n", "`most_per_hour` is nan"),
        (GOOD + "most_per_hour = inf\n", "`most_per_hour` is inf"),
        (GOOD + "most_per_hour = true\n", "`most_per_hour` is True"),
        (GOOD + "unit = 3\n", "unit 3 must be"),
        (GOOD + 'unit = "a\\tb"\n', "must be a printable text"),
        (GOOD.replace('"water"', '""'), "must be a printable text"),
        (GOOD.replace('"water"', '"a\\nb"'), "must be a printable text"),
        (GOOD.replace("32]", "32.5]"), "not \\[left, top, right, bottom\\]"),
        (GOOD.replace("32]", "0]"), "is empty"),
        (GOOD.replace("20, 32]", "0, 32]"), "is empty"),
        (GOOD.replace("[[0, 0", "[[-1, 0"), "begins outside of the picture"),
        (GOOD.replace("[[0, 0", "[[0, -1"), "begins outside of the picture"),
        (GOOD.replace("[[0, 0, 20, 32]]", "[]"), "There are 0 digits"),
        (GOOD.replace("[[0, 0, 20, 32]]", str([[0, 0, 20, 32]] * 16)), "There are 16 digits, but 1 to 15 are possible"),
        (GOOD.replace("[[0, 0, 20, 32]]", "3"), "`digits` is 3"),
        (GOOD + GOOD, "Two values have the name 'water'"),
    ],
)
def test_a_wrong_file_is_refused_with_the_reason(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "meter.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=reason) as caught:
        load_regions(path)
    assert str(path) in str(caught.value)


@needs_tomllib
def test_a_file_that_cannot_be_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.toml").write_bytes(b"#" * (2 << 20))
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    for name, reason in {
        "large.toml": "larger than 1 MiB",
        "bytes.toml": "Save it as UTF-8",
        "none.toml": "Check the path",
    }.items():
        with pytest.raises(UsageError, match=reason):
            load_regions(tmp_path / name)


@pytest.fixture
def page() -> np.ndarray:
    pixels = np.full((200, 300, 3), 230, np.uint8)
    for top in (20, 120):
        pixels[top : top + 50, 40:46] = pixels[top : top + 50, 150:156] = 20
    return pixels


def display(text: str, gap: int = 25) -> np.ndarray:
    """Draw light digits of seven segments, 55 pixels wide and `gap` apart; a colon takes 25 pixels more."""
    pixels = np.zeros((160, 60 + (55 + gap) * len(text.replace(":", "")) + 25 * text.count(":"), 3), np.uint8)
    left = 40
    for sign in text:
        if sign == ":":
            pixels[60:72, left : left + 12] = pixels[90:102, left : left + 12] = 230
            left += 25
            continue
        lit = SEGMENTS[int(sign)]
        for segment, top, start in (("a", 30, 0), ("g", 74, 0), ("d", 118, 0)):
            pixels[top : top + 12, left + start + 2 : left + 53][...] = 230 if segment in lit else 0
        for segment, top, start in (("f", 32, 0), ("b", 32, 43), ("e", 82, 0), ("c", 82, 43)):
            if segment in lit:
                pixels[top : top + 46, left + start : left + start + 12] = 230
        left += 55 + gap
    return pixels


SEGMENTS = ("abcdef", "bc", "abged", "abgcd", "fgbc", "afgcd", "afgedc", "abc", "abcdefg", "abcdfg")


def test_a_proposed_box_has_a_margin_around_the_ink(page: np.ndarray) -> None:
    page[20:70, 40:70] = page[120:170, 40:70] = 20
    rows = [[Reading((40, top, 70, top + 50), A_ONE), Reading((150, top, 180, top + 50), A_ONE)] for top in (20, 120)]
    page[20:70, 150:180] = page[120:170, 150:180] = 20
    first, second = propose_regions(rows, page)
    assert (first.name, second.name) == ("value-1", "value-2")
    assert first.digits == ((28, 8, 82, 82), (138, 8, 192, 82))
    assert second.digits == ((28, 108, 82, 182), (138, 108, 192, 182))


def test_a_proposed_box_ends_with_the_picture(page: np.ndarray) -> None:
    cut = page[15:75, 35:160]
    (region,) = propose_regions([read(cut)], cut)
    assert region.digits == ((0, 0, 23, 60), (76, 0, 125, 60))


@pytest.mark.parametrize("still", ["1111", "1234", "2117", "7171", "8811"])
def test_wide_digits_fit_into_the_boxes_of_narrow_ones(still: str) -> None:
    pixels = display(still)
    (region,) = propose_regions([read(pixels)], pixels)
    assert all(before[2] <= after[0] for before, after in itertools.pairwise(region.digits))
    for place, (left, _, right, _) in enumerate(region.digits):
        assert left < 40 + 80 * place
        assert right > 95 + 80 * place


def test_the_place_of_a_printed_one_is_the_middle() -> None:
    pixels = np.full((120, 340), 230, np.uint8)
    for left, right in ((40, 80), (135, 145), (200, 240), (295, 305)):
        pixels[30:95, left:right] = 20
    boxes = [(40, 30, 80, 95), (135, 30, 145, 95), (200, 30, 240, 95), (295, 30, 305, 95)]
    (region,) = propose_regions([[Reading(box, A_ONE) for box in boxes]], pixels)
    assert [(left, right) for left, _, right, _ in region.digits] == [(24, 96), (104, 176), (184, 256), (264, 336)]


def test_a_colon_stays_outside_of_the_boxes() -> None:
    pixels = display("20:02")
    colon = slice(200, 212)
    assert pixels[65, colon].all()
    boxes = [(40, 30, 95, 130), (120, 30, 175, 130), (225, 30, 280, 130), (305, 30, 360, 130)]
    (region,) = propose_regions([[Reading(box, A_ONE) for box in boxes]], pixels)
    assert region.digits[1][2] <= colon.start
    assert colon.stop <= region.digits[2][0] <= 225
    assert all(before[2] <= after[0] for before, after in itertools.pairwise(region.digits))


def test_boxes_of_rows_do_not_overlap() -> None:
    pixels = np.full((130, 100), 230, np.uint8)
    pixels[20:60, 20:50] = pixels[66:106, 20:50] = 20
    rows = [[Reading((20, 20, 50, 60), A_ONE)], [Reading((20, 66, 50, 106), A_ONE)]]
    first, second = propose_regions(rows, pixels)
    assert first.digits[0][3] <= 63 <= second.digits[0][1]


@needs_tomllib
def test_the_command_prints_regions_and_marks_the_digits(run: Run, here: Run, page: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(page).save(tmp_path / "page.png")
    done = run("mnist-runtime", "regions", tmp_path / "page.png", "--annotate", tmp_path / "marked.png")
    assert done.returncode == 0, done.stderr
    (tmp_path / "meter.toml").write_text(done.stdout, encoding="utf-8")
    regions = load_regions(tmp_path / "meter.toml")
    assert [len(region.digits) for region in regions] == [2, 2]
    with Image.open(tmp_path / "marked.png") as picture:
        marked = (np.asarray(picture.convert("RGB")) != page).any(axis=2)
    for left, top, right, bottom in (box for region in regions for box in region.digits):
        assert marked[top:bottom, [left - 1, right]].all(), "the frame of a box of the file"
    Image.fromarray(page[:10]).save(tmp_path / "blank.png")
    done = run("mnist-runtime", "regions", tmp_path / "blank.png")
    assert (done.returncode, done.stdout) == (6, "")
    assert "shows no usable digits" in done.stderr
    done = here("mnist-runtime", "regions", tmp_path / "page.png", "--annotate", tmp_path / "page.png")
    assert (done.returncode, done.stdout) == (2, "")


def test_the_command_names_digits_that_their_box_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.fromarray(display("2341")).save(tmp_path / "page.png")
    monkeypatch.setattr("sys.argv", ["mnist-runtime", "regions", str(tmp_path / "page.png")])
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert capsys.readouterr().err == ""
    half = Region("value-1", ((29, 10, 106, 150), (150, 10, 186, 150), (187, 10, 266, 150), (268, 10, 350, 150)))
    monkeypatch.setattr("mnist_runtime.cli.watch.propose_regions", lambda *_: (half,))
    with pytest.raises(SystemExit, match=r"^0$"):
        main()
    assert capsys.readouterr().err == (
        "note: value-1: digit 2 is 3, but its box [150, 10, 186, 150] gives none. "
        "Correct the box by hand; --annotate marks it.\n"
    )


def test_the_command_says_that_a_picture_of_ones_shows_no_width(run: Run, page: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(page[:90]).save(tmp_path / "page.png")
    done = run("mnist-runtime", "regions", tmp_path / "page.png")
    assert done.stderr == (
        "note: value-1 shows only ones, so the width of other digits is a guess. "
        "Take a picture with wide digits, such as 0 or 8.\n"
    )


def test_the_command_names_rows_that_are_too_long(run: Run, tmp_path: Path) -> None:
    page = np.full((200, 1000), 230, np.uint8)
    for top, digits in ((20, 16), (120, 2)):
        for left in range(30, 30 + 60 * digits, 60):
            page[top : top + 50, left : left + 6] = 20
    for height, code in ((100, 6), (200, 0)):
        Image.fromarray(page[:height]).save(tmp_path / "page.png")
        done = run("mnist-runtime", "regions", tmp_path / "page.png")
        assert (done.returncode, bool(done.stdout)) == (code, code == 0)
        assert "note: Row 1 has 16 digits; a value has at most 15. Write two values.\n" in done.stderr
