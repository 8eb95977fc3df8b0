import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import Classifier, PictureError
from mnist_runtime.prediction import Prediction, scores_of_logits
from mnist_runtime.reading.page import Reading, in_rows, read

CLASSIFIER = Classifier.load()


def digits(found: tuple[Reading, ...]) -> list[int | None]:
    return [reading.prediction.digit for reading in found]


def test_everything_includes_symbols_that_are_not_digits() -> None:
    page = np.full((200, 400), 230, np.uint8)
    page[40:160, 60:72] = 30
    page[60:150, 220:320:25] = page[60:150:25, 220:320] = 30  # a lattice
    assert digits(read(page, CLASSIFIER)) == [1]
    assert digits(read(page, CLASSIFIER, everything=True)) == [1, None]


def test_slanted_rows_are_read_in_order() -> None:
    page = np.full((600, 800), 240, np.uint8)
    positions = [
        (60 + 90 * row + round(np.tan(np.radians(8)) * 95 * column), 60 + 95 * column)
        for row in range(4)
        for column in range(7)
    ]
    for top, left in positions:
        page[top : top + 50, left : left + 7] = 20
    readings = read(page, CLASSIFIER)
    assert [(reading.box[1], reading.box[0]) for reading in readings] == positions
    assert [reading.row for reading in readings] == [row for row in (1, 2, 3, 4) for _ in range(7)]


def test_rows_of_one_digit_are_counted() -> None:
    boxes = [(10, 10, 40, 60), (60, 20, 90, 70), (100, 110, 130, 160), (10, 210, 40, 260), (90, 200, 120, 250)]
    readings = in_rows(Reading(box, Prediction(1)) for box in boxes)
    assert [found.row for found in readings] == [1, 1, 2, 3, 3]
    assert [found.row for found in in_rows(readings[2:])] == [1, 2, 2]


def test_an_empty_page_has_no_digits() -> None:
    assert read(np.full((300, 200, 3), 240, np.uint8), CLASSIFIER) == ()


@settings(max_examples=60)
@example(np.array([[16, 0, 16, 0], [0, 0, 0, 0]], np.uint8))  # ink of almost equal values
@given(
    arrays.arrays(
        np.uint8,
        st.one_of(
            arrays.array_shapes(min_dims=2, max_dims=2, max_side=80),
            st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4)),
        ),
    )
)
def test_boxes_are_inside_any_picture(picture: np.ndarray) -> None:
    for reading in read(picture, CLASSIFIER, everything=True):
        left, top, right, bottom = reading.box
        assert 0 <= left < right <= picture.shape[1]
        assert 0 <= top < bottom <= picture.shape[0]


def test_at_most_500_symbols_are_read() -> None:
    page = np.full((1200, 1600), 230, np.uint8)
    rows, columns = np.divmod(np.arange(3_000), 75)
    for shift in range(22):
        page[4 + 29 * rows + shift, 4 + 21 * columns] = 30
        page[4 + 29 * rows + shift, 5 + 21 * columns] = 30
    assert len(read(page, CLASSIFIER, everything=True)) <= 500


def test_too_large_a_picture_is_rejected() -> None:
    with pytest.raises(PictureError, match="50,000,000"):
        read(np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0)), CLASSIFIER)


def test_a_program_may_turn_floating_point_errors_on(golden: np.ndarray) -> None:
    page = np.tile(np.pad(np.kron(255 - golden[3], np.ones((4, 4), np.uint8)), 20, constant_values=255), (3, 3))
    expected = read(page)
    with np.errstate(all="raise"):
        assert read(page) == expected
        assert len(expected) == 9
        extreme = np.array([[1000, -1000] + [0] * 8], np.float32)
        for activation in ("softmax", "sigmoid"):
            assert scores_of_logits(extreme, activation).argmax() == 0
