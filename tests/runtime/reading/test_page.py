import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import Classifier, PictureError
from mnist_runtime.reading.page import Reading, read
from mnist_tools.studies.camera import PAGES, photograph_page, with_pen
from mnist_trainer import Dataset


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    return Classifier.load()


@pytest.fixture(scope="module")
def page(legible: Dataset) -> tuple[np.ndarray, list[int]]:
    random = np.random.default_rng(4)
    chosen = random.permutation(len(legible))[:12]
    picture, _ = photograph_page(legible.images[chosen], with_pen(PAGES["phone"], longest=1000), random)
    return picture, legible.labels[chosen].tolist()


def answers(found: tuple[Reading, ...]) -> list[int | None]:
    return [reading.prediction.digit for reading in found]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_read_in_order(name: str, legible: Dataset, classifier: Classifier) -> None:
    random = np.random.default_rng(1)
    chosen = random.permutation(len(legible))[:10]
    picture, written = photograph_page(legible.images[chosen], with_pen(PAGES[name], longest=1000), random)
    found = read(picture, classifier)
    met = [
        [n for n, one in enumerate(written) if left <= one.column < right and top <= one.row < bottom]
        for left, top, right, bottom in (reading.box for reading in found)
    ]
    assert sum(len(numbers) == 1 for numbers in met) >= 8
    seen = [numbers[0] for numbers in met if len(numbers) == 1]
    assert seen == sorted(seen)
    right = [digit == legible.labels[chosen[n[0]]] for n, digit in zip(met, answers(found), strict=True) if n]
    assert sum(right) >= 7
    assert len(found) <= 11


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_boxes_turn_with_the_picture(turns: int, page: tuple[np.ndarray, list[int]], classifier: Classifier) -> None:
    upright, turned = (
        {reading.box for reading in read(picture, classifier, everything=True)}
        for picture in (page[0], np.rot90(page[0], turns))
    )
    middles = {((a + c) / 2, (b + d) / 2) for a, b, c, d in turned}
    height, width = page[0].shape[:2]
    assert len(upright) == len(turned) == 12
    for left, top, right, bottom in upright:
        x, y = (left + right) / 2, (top + bottom) / 2
        x, y = {1: (y, width - x), 2: (width - x, height - y), 3: (height - y, x)}[turns]
        assert min(np.hypot(x - a, y - b) for a, b in middles) < 6


def test_everything_also_tells_what_is_no_digit(classifier: Classifier) -> None:
    sheet = np.full((200, 400), 230, np.uint8)
    sheet[40:160, 60:72] = 30
    sheet[60:150, 220:320:25] = sheet[60:150:25, 220:320] = 30  # a lattice
    assert answers(read(sheet, classifier)) == [1]
    assert answers(read(sheet, classifier, everything=True)) == [1, None]


def test_rows_may_slant_and_columns_need_not_be_in_line(classifier: Classifier) -> None:
    sheet = np.full((600, 800), 240, np.uint8)
    places = [
        (60 + 90 * row + round(np.tan(np.radians(8)) * 95 * column), 60 + 95 * column)
        for row in range(4)
        for column in range(7)
    ]
    for top, left in places:
        sheet[top : top + 50, left : left + 7] = 20
    found = [(reading.box[1], reading.box[0]) for reading in read(sheet, classifier)]
    assert found == places


def test_an_empty_page_has_no_digits(classifier: Classifier) -> None:
    assert read(np.full((300, 200, 3), 240, np.uint8), classifier) == ()


@settings(max_examples=60)
@given(
    arrays.arrays(
        np.uint8,
        st.one_of(
            arrays.array_shapes(min_dims=2, max_dims=2, max_side=80),
            st.tuples(st.integers(1, 60), st.integers(1, 60), st.integers(1, 4)),
        ),
    )
)
def test_any_picture_is_read_and_its_boxes_lie_inside(picture: np.ndarray) -> None:
    for reading in read(picture, CLASSIFIER, everything=True):
        left, top, right, bottom = reading.box
        assert 0 <= left < right <= picture.shape[1]
        assert 0 <= top < bottom <= picture.shape[0]


CLASSIFIER = Classifier.load()


def test_thousands_of_specks_are_bounded(classifier: Classifier) -> None:
    sheet = np.full((1200, 1600), 230, np.uint8)
    rows, columns = np.divmod(np.arange(3_000), 75)
    for shift in range(22):
        sheet[4 + 29 * rows + shift, 4 + 21 * columns] = 30
        sheet[4 + 29 * rows + shift, 5 + 21 * columns] = 30
    assert len(read(sheet, classifier, everything=True)) <= 500


def test_a_picture_beyond_the_limit_is_refused() -> None:
    with pytest.raises(PictureError, match="50,000,000"):
        read(np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0)), CLASSIFIER)
