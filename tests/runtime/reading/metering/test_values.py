"""Values are accepted, rejected and kept as a person would who reads a meter."""

import itertools
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_runtime import Classifier, Frame, PictureError, Prediction, UsageError
from mnist_runtime.artifact.task import DIGITS, Task
from mnist_runtime.reading.metering.regions import Region
from mnist_runtime.reading.metering.values import Value, ValueReader, is_cut

WIDTH = 10


SIGNS = "0123456789N"


class Labels(Classifier):
    """A classifier for pictures whose first pixel is the number of a label."""

    def __init__(self) -> None:
        self.task = Task(labels=tuple(SIGNS))

    def classify(self, picture: object) -> Prediction:
        number = int(np.asarray(picture)[0, 0])
        if number == 255:
            return Prediction(None, 0.3, reason="unsure")
        confidence, number = (0.6, number - 100) if number >= 100 else (0.9, number)
        label = SIGNS[number]
        return Prediction(int(label) if label.isdecimal() else None, confidence, label=label)


def frame_of(text: str, seconds: float) -> Frame:
    numbers = [
        255 if sign == "?" else 100 + ord(sign) - ord("a") if sign.islower() else SIGNS.index(sign) for sign in text
    ]
    pixels: npt.NDArray[np.uint8] = np.repeat(np.array(numbers, np.uint8), WIDTH)[None].repeat(20, axis=0)
    return Frame(seconds, int(seconds), pixels)


def region(digits: int, **facts: object) -> Region:
    return Region("water", tuple((place * WIDTH, 0, place * WIDTH + WIDTH, 20) for place in range(digits)), **facts)


def shown(texts: Iterable[str], *, steady: int = 1, step: float = 60.0, **facts: object) -> list[Value]:
    texts = list(texts)
    reader = ValueReader([region(len(texts[0]), **facts)], Labels(), steady=steady)
    seen = (reader.values(frame_of(text, step * number)) for number, text in enumerate(texts))
    return list(itertools.chain.from_iterable(seen))


def test_a_value_is_reported_when_it_changes() -> None:
    found = shown(["0123", "0123", "0124", "0124", "0130"], decimals=2)
    assert [(value.number, value.text, value.state, value.seconds) for value in found] == [
        (1.23, "0123", "good", 0),
        (1.24, "0124", "good", 120),
        (1.3, "0130", "good", 240),
    ]


def test_a_digit_that_is_not_recognized_keeps_the_last_value() -> None:
    found = shown(["12", "1?", "1N", "13"])
    assert [(value.number, value.text, value.state) for value in found] == [
        (12, "12", "good"),
        (12, "1?", "unreadable"),
        (13, "13", "good"),
    ]


def test_before_the_first_value_there_is_no_number() -> None:
    (value,) = shown(["??"])
    assert (value.number, value.state) == (None, "unreadable")


def test_a_meter_does_not_run_backwards_but_a_thermometer_does() -> None:
    assert [(value.number, value.state) for value in shown(["57", "51", "58"])] == [
        (57, "good"),
        (57, "falls"),
        (58, "good"),
    ]
    assert [value.number for value in shown(["57", "51", "58"], may_fall=True)] == [57, 51, 58]


def test_a_change_is_accepted_once_there_was_time_for_it() -> None:
    # 60 an hour are one a minute; one unit of the last digit is always possible.
    found = shown(["100", *["109"] * 8], most_per_hour=60)
    assert [(value.number, value.state, value.seconds) for value in found] == [
        (100, "good", 0),
        (100, "jumps", 60),
        (109, "good", 480),
    ]


def test_a_meter_starts_again_at_zero_only_if_the_change_is_possible() -> None:
    assert [value.state for value in shown(["998", "001"], most_per_hour=300)] == ["good", "good"]
    assert [value.state for value in shown(["998", "004"], most_per_hour=300)] == ["good", "good"]
    assert [value.state for value in shown(["998", "005"], most_per_hour=300)] == ["good", "falls"]
    assert [value.state for value in shown(["998", "001"], most_per_hour=30)] == ["good", "falls"]
    assert [value.state for value in shown(["998", "001"])] == ["good", "falls"]


def test_frames_must_agree_and_the_first_value_is_seen_longer() -> None:
    texts = ["12", "12", "12", "12", "12", "19", "12", "13", "13", "13"]
    assert [(value.number, value.seconds) for value in shown(texts, steady=3, step=1)] == [(12, 4), (13, 9)]
    assert shown(["12", "12", "18", "12", "12"], steady=3) == []
    unread = [*["1?"] * 5, "12", "12", "12", "12"]
    assert [(value.number, value.state) for value in shown(unread, steady=3)] == [(None, "unreadable")]
    found = shown([*unread, "12"], steady=3, step=1)
    assert [(value.number, value.seconds) for value in found] == [(None, 4), (12, 9)]


def test_frames_that_agree_too_far_apart_do_not_count() -> None:
    texts = ["12", "12", "12", "13", "12", "12", "13", "13"]
    assert [(value.number, value.seconds) for value in shown(texts, steady=2, step=1)] == [(12, 2), (13, 7)]


def test_a_thermometer_may_fall_but_not_too_fast() -> None:
    found = shown(["57", "56", "20"], may_fall=True, most_per_hour=60)
    assert [(value.number, value.state) for value in found] == [(57, "good"), (56, "good"), (56, "jumps")]


def test_the_largest_change_is_in_the_unit_of_the_value() -> None:
    """60 an hour are ten units of the last digit a minute, and one more is always possible."""
    assert [value.state for value in shown(["100", "111"], decimals=1, most_per_hour=60)] == ["good", "good"]
    assert [value.state for value in shown(["100", "112"], decimals=1, most_per_hour=60)] == ["good", "jumps"]


def test_a_value_from_before_the_start_is_rounded_to_its_last_digit() -> None:
    """1.15 is a little less in binary, so 100 times that is below 115."""
    reader = ValueReader([region(3, decimals=2)], Labels(), steady=1, last_good={"water": 1.15})
    assert [value.state for value in reader.values(frame_of("114", 0))] == ["falls"]


def test_a_value_from_before_the_start_counts() -> None:
    reader = ValueReader([region(3, decimals=1)], Labels(), steady=1, last_good={"water": 50.1, "other": 3.0})
    (falls,) = reader.values(frame_of("499", 0))
    assert (falls.number, falls.state) == (50.1, "falls")
    (good,) = reader.values(frame_of("502", 1))
    assert (good.number, good.state) == (50.2, "good")


def test_a_wheel_between_two_digits_is_waited_for() -> None:
    texts = ["12", "1N", "1N", "13", *["1N"] * 8]
    found = shown(texts, step=10)
    assert [(value.text, value.state, value.seconds) for value in found] == [
        ("12", "good", 0),
        ("13", "good", 30),
        ("1?", "unreadable", 90),
    ]
    assert [value.text for value in shown(["12", "?N", "12"], step=1)] == ["12", "??", "12"]
    assert [(value.number, value.text) for value in shown(["1N", "1N"], step=1)] == [(None, "1?")]


def test_a_value_from_long_before_the_start_may_have_grown_since_then() -> None:
    before = {"last_good": {"water": 100.0}, "steady": 1}
    late = ValueReader([region(3, most_per_hour=10)], Labels(), **before, ages={"water": 7200.0})
    soon = ValueReader([region(3, most_per_hour=10)], Labels(), **before)
    assert [value.state for value in late.values(frame_of("119", 0))] == ["good"]
    assert [value.state for value in soon.values(frame_of("119", 0))] == ["jumps"]


def test_the_first_value_is_sure_and_later_ones_need_not_be() -> None:
    """The letters a to j are the digits 0 to 9 with a confidence of 0.6."""
    found = shown(["b2", "12", "bd"], step=10)
    assert [(value.number, value.text, value.state) for value in found] == [
        (None, "?2", "unreadable"),
        (12, "12", "good"),
        (13, "13", "good"),
    ]


def test_models_of_handwriting_need_more_confidence() -> None:
    classifier = Labels()
    classifier.task = DIGITS
    reader = ValueReader([region(2)], classifier, steady=1)
    found = [reader.values(frame_of(text, second))[0] for second, text in enumerate(["12", "bd", "14"])]
    assert [(value.text, value.state) for value in found] == [("12", "good"), ("??", "unreadable"), ("14", "good")]


def test_the_first_value_after_a_start_is_seen_as_long_as_without_an_older_one() -> None:
    reader = ValueReader([region(2)], Labels(), steady=3, last_good={"water": 12.0})
    found = [reader.values(frame_of(text, second)) for second, text in enumerate(["15", "15", "15", "15", "13"])]
    assert found == [[]] * 5


@given(st.lists(st.integers(0, 999), min_size=1, max_size=30), st.floats(1, 1000))
def test_a_published_value_never_falls_without_passing_zero_and_never_jumps(readings: list[int], most: float) -> None:
    last: Value | None = None
    for value in shown([f"{reading:03}" for reading in readings], most_per_hour=most):
        assert value.number is not None
        if last is not None and last.number is not None:
            change = (value.number - last.number) % 1000
            assert change <= 1 + most * (value.seconds + 1e-6) / 3600
        last = value


def test_a_region_outside_of_the_picture_is_an_error() -> None:
    reader = ValueReader([region(4)], Labels(), steady=1)
    with pytest.raises(PictureError, match="outside of the picture, which is 30 pixels wide"):
        reader.values(frame_of("123", 0))
    low = ValueReader([Region("water", ((0, 10, 9, 21),))], Labels(), steady=1)
    with pytest.raises(PictureError, match="outside of the picture, which is 30 pixels wide and 20 high"):
        low.values(frame_of("123", 0))


def test_frames_that_must_agree_are_at_least_one() -> None:
    with pytest.raises(UsageError, match="Give 1 or more"):
        ValueReader([region(1)], Labels(), steady=0)


def test_a_digit_that_is_cut_by_its_box_is_unreadable() -> None:
    """The right half of an 8 is read as a 3, with a confidence of 0.9."""
    page = np.zeros((160, 300), np.uint8)
    for left in (60, 180):
        page[30:42, left : left + 55] = page[74:86, left : left + 55] = page[118:130, left : left + 55] = 230
        page[30:130, left : left + 12] = page[30:130, left + 43 : left + 55] = 230
    whole, half = ((40, 10, 135, 150), (160, 10, 255, 150)), ((40, 10, 135, 150), (200, 10, 255, 150))
    reader = ValueReader([Region("whole", whole), Region("half", half)], steady=1, last_good={"half": 82.0})
    found = [reader.values(Frame(second, second, page)) for second in range(2)]
    assert [(value.number, value.text, value.state) for value in found[0]] == [
        (88, "88", "good"),
        (82, "8?", "unreadable"),
    ]
    assert found[1] == []


@pytest.mark.parametrize(("left", "right", "cut"), [(30, 70, False), (0, 40, True), (60, 100, True)])
def test_ink_that_reaches_a_side_is_cut(left: int, right: int, cut: bool) -> None:
    picture = np.zeros((120, 100), np.uint8)
    picture[20:100, left:right] = 230
    assert is_cut(picture) == cut


def test_digits_that_are_no_handwriting_may_fill_their_boxes() -> None:
    """A model of a meter takes the whole picture, so a box around a wheel has its frame."""
    frame = frame_of("12", 0)
    frame.pixels[8:12] = 230
    (value,) = ValueReader([region(2)], Labels(), steady=1).values(frame)
    assert (value.text, value.state) == ("12", "good")
