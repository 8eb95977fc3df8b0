"""Files of regions are read and written, and wrong ones are refused with the reason."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mnist_runtime import UsageError, read
from mnist_runtime.reading.metering.regions import Region, load_regions, propose_regions, regions_as_toml

Run = Callable[..., object]

GOOD = '[[value]]\nname = "water"\ndigits = [[0, 0, 20, 32]]\n'

sides = st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(100, 9999), st.integers(100, 9999))
printable = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)


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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", r"Give a table \[\[value\]\]"),
        ("value = 3", r"Give a table \[\[value\]\]"),
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
        (GOOD + "unit = 3\n", "unit 3 must be"),
        (GOOD.replace('"water"', '"a\\nb"'), "must be a printable text"),
        (GOOD.replace("32]", "32.5]"), "not \\[left, top, right, bottom\\]"),
        (GOOD.replace("32]", "0]"), "is empty"),
        (GOOD.replace("[[0, 0, 20, 32]]", "[]"), "There are 0 digits"),
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


def test_a_proposed_box_has_a_margin_around_the_ink(page: np.ndarray) -> None:
    found = read(page)
    first, second = propose_regions([found[:2], found[2:]], *page.shape[:2])
    assert (first.name, second.name) == ("value-1", "value-2")
    for region, reading in zip((first, second), (found[0], found[2]), strict=True):
        (left, top, right, bottom), (ink_left, ink_top, ink_right, ink_bottom) = region.digits[0], reading.box
        assert (left, top, right, bottom) == (ink_left - 12, ink_top - 12, ink_right + 12, ink_bottom + 12)


def test_a_proposed_box_ends_with_the_picture(page: np.ndarray) -> None:
    cut = page[15:75, 35:160]
    (region,) = propose_regions([read(cut)], *cut.shape[:2])
    assert region.digits == ((0, 0, 23, 60), (103, 0, 125, 60))


def test_the_command_prints_regions_and_marks_the_digits(run: Run, page: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(page).save(tmp_path / "page.png")
    done = run("mnist-runtime", "regions", tmp_path / "page.png", "--annotate", tmp_path / "marked.png")
    assert done.returncode == 0, done.stderr
    (tmp_path / "meter.toml").write_text(done.stdout, encoding="utf-8")
    assert [len(region.digits) for region in load_regions(tmp_path / "meter.toml")] == [2, 2]
    with Image.open(tmp_path / "marked.png") as marked:
        assert not np.array_equal(np.asarray(marked.convert("RGB")), page)
    Image.fromarray(page[:10]).save(tmp_path / "blank.png")
    done = run("mnist-runtime", "regions", tmp_path / "blank.png")
    assert (done.returncode, done.stdout) == (6, "")
    assert "shows no usable digits" in done.stderr


def test_the_command_names_rows_that_are_too_long(run: Run, tmp_path: Path) -> None:
    page = np.full((200, 1000), 230, np.uint8)
    for top, digits in ((20, 16), (120, 2)):
        for left in range(30, 30 + 60 * digits, 60):
            page[top : top + 50, left : left + 6] = 20
    for height, code in ((100, 6), (200, 0)):
        Image.fromarray(page[:height]).save(tmp_path / "page.png")
        done = run("mnist-runtime", "regions", tmp_path / "page.png")
        assert (done.returncode, bool(done.stdout)) == (code, code == 0)
        assert "note: Row 1 has 16 digits; a value has at most 15. Write two by hand.\n" in done.stderr
