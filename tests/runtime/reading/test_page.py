import copy
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFont

from mnist_runtime import Classifier, PictureError
from mnist_runtime.prediction import Prediction, scores_of_logits
from mnist_runtime.reading.page import Reading, find, in_rows, read, reading_order

CLASSIFIER = Classifier.load()


def digits(found: tuple[Reading, ...]) -> list[int | None]:
    return [reading.prediction.digit for reading in found]


def test_everything_includes_symbols_that_are_not_digits() -> None:
    page = np.full((200, 400), 230, np.uint8)
    page[40:160, 60:72] = 30
    page[60:150, 220:320:25] = page[60:150:25, 220:320] = 30  # a lattice
    assert digits(read(page, CLASSIFIER)) == [1]
    assert digits(read(page, CLASSIFIER, everything=True)) == [1, None]


def test_everything_includes_symbols_of_other_sizes() -> None:
    page = np.full((400, 600), 230, np.uint8)
    for column in (80, 180, 280):
        page[60:160, column : column + 12] = 20
    page[250:280, 200:204] = 20
    assert [each.box for each in read(page, CLASSIFIER)] == [
        (80, 60, 92, 160),
        (180, 60, 192, 160),
        (280, 60, 292, 160),
    ]
    last = read(page, CLASSIFIER, everything=True)[-1]
    assert last == Reading((200, 250, 204, 280), Prediction(None, reason="size"), row=2)


def test_everything_includes_a_dash_or_bars_without_any_digit() -> None:
    dash, bars = np.full((200, 300), 230, np.uint8), np.full((200, 500), 230, np.uint8)
    dash[90:110, 50:200] = 20
    for left in range(40, 440, 10):
        bars[40:160, left : left + 4] = 20
    assert read(dash, everything=True) == (Reading((50, 90, 200, 110), Prediction(None, reason="size")),)
    assert len(read(bars, everything=True)) == 40
    assert read(dash) == read(bars) == ()


def test_a_long_display_in_a_light_case_is_read() -> None:
    """A bar that is longer could be a bright 1; this one shows several digits."""
    page = np.full((240, 760), 190, np.uint8)
    page[40:200, 40:720] = 15
    for left in range(100, 700, 120):
        page[70:170, left : left + 50] = 235
        page[86:154, left + 16 : left + 34] = 15  # a 0
    assert digits(read(page, CLASSIFIER)) == [0] * 5


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


def test_rows_may_slant_by_up_to_12_degrees() -> None:
    for angle in (-11, 11):
        boxes = [
            (60 * column, top, 60 * column + 40, top + 50)
            for row in range(4)
            for column in range(12)
            for top in [200 + 80 * row + round(60 * column * np.tan(np.radians(angle)))]
        ]
        shuffled = np.random.default_rng(0).permutation(len(boxes))
        assert [shuffled[index] for index in reading_order([boxes[index] for index in shuffled])] == list(range(48))


def test_a_digit_that_is_half_its_height_lower_begins_a_row() -> None:
    assert reading_order([(60, 0, 110, 100), (0, 70, 50, 170)]) == [0, 1]
    assert reading_order([(60, 0, 110, 100), (0, 40, 50, 140)]) == [1, 0]


def test_boxes_at_the_edges_of_a_reduced_page_are_inside_it() -> None:
    page = np.full((1001, 2001), 230, np.uint8)
    page[500:, 400:420] = page[300:500, 1981:] = page[300:500, 1000:1020] = 20
    found = {each.box for each in read(page, CLASSIFIER, everything=True)}
    assert found == {(1000, 300, 1020, 500), (1980, 300, 2001, 500), (400, 500, 420, 1001)}


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


def page_of_ones(scale: int = 1) -> np.ndarray:
    """Return a page with three ones, a dot and a long bar."""
    pixels = np.full((300, 500), 230, np.uint8)
    pixels[40:100, 60:66] = pixels[42:102, 200:206] = 20
    pixels[150:210, 60:66] = pixels[150:153, 300:303] = pixels[40:200, 440:446] = 20
    return pixels.repeat(scale, axis=0).repeat(scale, axis=1)


@pytest.mark.parametrize("scale", [1, 4])
def test_symbols_with_the_size_of_a_digit_are_found(scale: int) -> None:
    found, _ = find(page_of_ones(scale))
    boxes = np.array(sorted(symbol.box for symbol in found)) / scale
    assert boxes == pytest.approx(np.array([(60, 40, 66, 100), (60, 150, 66, 210), (200, 42, 206, 102)]), abs=1)
    for symbol in found:
        assert symbol.ink.image.shape == (28, 28)
        assert not symbol.ink.is_scribble


def dense_page(boxes: bool) -> np.ndarray:
    """Return a page with 30 rows of 25 ones, or with as many empty boxes."""
    pixels = np.full((1230, 1050), 230, np.uint8)
    for top in range(15, 1200, 40):
        for left in range(25, 1025, 40):
            if boxes:
                pixels[top : top + 30, left : left + 32] = 20
                pixels[top + 2 : top + 28, left + 2 : left + 30] = 230
            else:
                pixels[top : top + 20, left : left + 3] = 20
    return pixels


@pytest.mark.long
def test_all_symbols_of_a_dense_page_are_found() -> None:
    assert len(find(dense_page(boxes=False))[0]) == 30 * 25


@pytest.mark.long
def test_all_empty_boxes_of_a_dense_page_are_removed() -> None:
    assert find(dense_page(boxes=True)) == ([], [])


def test_an_empty_page_has_no_symbols() -> None:
    assert find(np.full((300, 500), 230, np.uint8)) == ([], [])


def test_no_symbols_are_looked_for_in_too_large_a_picture() -> None:
    with pytest.raises(PictureError, match="50,000,000"):
        find(np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0)))


def touching(digits: str, font: Callable[[int], ImageFont.FreeTypeFont]) -> np.ndarray:
    """Return a page of 180 x 300 pixels with printed digits that touch."""
    ink = np.zeros((140, 300), bool)
    for digit in digits:
        picture = Image.new("1", (140, 140))
        ImageDraw.Draw(picture).text((30, 20), digit, fill=1, font=font(90))
        mask = np.asarray(picture)
        shift = next((at for at in range(159, -1, -1) if (ink[:, at : at + 140] & mask).any()), 20)
        ink[:, shift : shift + 140] |= mask
    page = np.full((180, 300), 230, np.uint8)
    page[20:160][ink] = 30
    return page


@pytest.mark.long
def test_digits_that_touch_are_cut_or_have_no_answer(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    """Without cuts, none of these pairs of printed digits is read."""
    right, invented = 0, []
    for pair in map("{:02}".format, range(0, 100, 3)):
        found = read(touching(pair, font), CLASSIFIER)
        answer = "".join(str(each.prediction.digit) for each in found)
        right += answer == pair
        if len(answer) > 1 and answer != pair:
            invented.append((pair, answer))
        if answer == pair:
            assert found[0].box[0] < found[1].box[0]
            assert found[0].row == found[1].row == 1
    assert right >= 10
    assert len(invented) <= 1, invented


def test_all_digits_that_touch_are_cut(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    assert digits(read(np.tile(touching("06", font), 2), CLASSIFIER)) == [0, 6] * 2


def test_three_digits_that_touch_are_cut(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    page = touching("333", font)
    found = read(page, CLASSIFIER)
    assert digits(found) == [3, 3, 3]
    columns = np.flatnonzero((page < 100).any(axis=0))
    assert (found[0].box[0], found[2].box[2]) == pytest.approx((columns[0], columns[-1] + 1), abs=2)
    left, top, right, bottom = np.array([each.box for each in found]).T
    assert (right[:-1] >= left[1:]).all()
    assert (right - left).min() > 0.75 * (right - left).max()
    assert (np.ptp(top), np.ptp(bottom)) == pytest.approx((0, 0), abs=3)


def blocks(*sides: tuple[int, int]) -> np.ndarray:
    """Return a row of blocks with these tops and bottoms."""
    page = np.full((180, 600), 230, np.uint8)
    for number, (top, bottom) in enumerate(sides):
        page[top:bottom, 40 + 60 * number : 70 + 60 * number] = 20
    return page


@pytest.fixture
def sees_zeros(monkeypatch: pytest.MonkeyPatch) -> Classifier:
    """A model that takes each symbol for a 0."""
    classifier = copy.copy(CLASSIFIER)
    zero = Prediction.of(np.eye(10)[0], 0.5)
    monkeypatch.setattr(classifier, "classify_ink", lambda inks: [zero] * len(inks))
    return classifier


def test_signs_are_told_by_their_place_between_printed_digits(sees_zeros: Classifier) -> None:
    """The second block is as low as a minus, the last as high as a degree sign; the third is a low digit."""
    usual = (40, 140)
    page = blocks(usual, (65, 115), (65, 140), usual, usual, usual, usual, (40, 90))
    found = read(page, sees_zeros, everything=True)
    assert [each.prediction.reason for each in found] == [None, "size", None, None, None, None, None, "size"]
    assert digits(read(page, sees_zeros)) == [0] * 6


def test_blocks_of_many_heights_or_places_may_be_handwriting(sees_zeros: Classifier) -> None:
    heights = blocks((40, 140), (30, 150), (65, 115), (40, 140), (45, 125), (40, 140))
    places = blocks((40, 140), (60, 160), (65, 115), (40, 140), (60, 160), (40, 140))
    for page in (heights, places):
        assert digits(read(page, sees_zeros)) == [0] * 6


def test_single_digits_are_not_cut(legible: object) -> None:
    for image in legible.images:
        page = np.pad(255 - np.kron(image, np.ones((4, 4), np.uint8)), 40, constant_values=255)
        assert len(read(page, CLASSIFIER, everything=True)) == 1


def test_letters_that_look_like_two_digits_are_not_cut(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    for letter in "VnH":
        page = Image.new("L", (200, 200), 230)
        ImageDraw.Draw(page).text((60, 40), letter, fill=30, font=font(90))
        assert len(read(np.asarray(page), CLASSIFIER, everything=True)) == 1


def test_cents_and_colons_do_not_join_the_digit_beside(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    for large, small in (("3", "49"), ("24", "50"), ("7", "85")):
        picture = Image.new("L", (400, 220), 240)
        draw = ImageDraw.Draw(picture)
        draw.text((40, 40), large, fill=20, font=font(120))
        draw.text((44 + draw.textlength(large, font=font(120)), 48), small, fill=20, font=font(56))
        found = read(np.asarray(picture), CLASSIFIER)  # the raised cents may be a row of their own
        assert sorted(str(each.prediction.digit) for each in found) == sorted(large + small)
    clock = Image.new("L", (400, 200), 240)
    ImageDraw.Draw(clock).text((40, 40), "30:45", fill=20, font=font(80))
    found = read(np.asarray(clock), CLASSIFIER)
    assert [each.prediction.digit for each in found] == [3, 0, 4, 5]
    assert max(each.box[2] - each.box[0] for each in found) < 60


@pytest.mark.parametrize("size", [48, 80])
def test_signs_between_printed_digits_are_no_digits(size: int, font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    for text in ("(375)", "|204|", "25 + 37 = 62"):
        picture = Image.new("L", (800, 180), 240)
        ImageDraw.Draw(picture).text((50, 40), text, fill=20, font=font(size))
        found = read(np.asarray(picture), CLASSIFIER)
        assert [str(each.prediction.digit) for each in found] == [mark for mark in text if mark.isdigit()]
        listed = read(np.asarray(picture), CLASSIFIER, everything=True)
        assert len(listed) > len(found)


def test_a_long_1_beside_digits_of_other_heights_stays_a_1(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    picture = Image.new("L", (800, 220), 240)
    draw = ImageDraw.Draw(picture)
    for number, (mark, size) in enumerate((("3", 80), ("|", 80), ("4", 66), ("5", 92), ("8", 74))):
        draw.text((50 + 80 * number, 130), mark, fill=20, font=font(size), anchor="ls")
    assert [each.prediction.digit for each in read(np.asarray(picture), CLASSIFIER)] == [3, 1, 4, 5, 8]


@pytest.mark.parametrize(("card", "ink"), [(30, 235), (225, 20)])
def test_gaps_between_cards_are_no_digits(card: int, ink: int, font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    """A picture is cropped to the cards of an odometer; before, each gap was read as 1."""
    for number in ("70856", "39264", "362"):
        picture = Image.new("L", (92 * len(number), 120), ink)
        draw = ImageDraw.Draw(picture)
        for at, digit in enumerate(number):
            draw.rectangle([92 * at, 0, 92 * at + 79, 119], fill=card)
            draw.text((92 * at + 40, 60), digit, fill=ink, font=font(80), anchor="mm")
        found = read(np.asarray(picture), CLASSIFIER, everything=True)
        assert "".join(str(each.prediction.digit) for each in found) == number
        column = picture.transpose(Image.Transpose.ROTATE_90)
        assert all(each.box[2] - each.box[0] < 120 for each in read(np.asarray(column), CLASSIFIER, everything=True))


@pytest.mark.parametrize("beside", ["lines above and below", "an open frame", "a stain"])
def test_large_shapes_beside_digits_hide_none(beside: str, font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    """Before, a line took the digits near it, an open frame all in it, and a stain with more ink set the size."""
    numbers = ("48235", "55946", "63657", "74368", "79079")
    page = Image.new("L", (640, 480), 235)
    draw = ImageDraw.Draw(page)
    for row, number in enumerate(numbers):
        draw.text((330, 60 + 75 * row), number, font=font(40), fill=25)
    if beside == "lines above and below":
        for height in (58, 408):
            draw.line((250, height, 560, height), fill=25, width=3)
    elif beside == "an open frame":
        draw.line(((600, 30), (300, 30), (300, 440), (600, 440)), fill=25, width=4)
    else:
        draw.ellipse((110, 150, 210, 260), fill=30)
    found = read(np.asarray(page), CLASSIFIER)
    assert "".join(str(each.prediction.digit) for each in found) == "".join(numbers)


def test_a_digit_that_fills_the_picture_is_no_gap() -> None:
    page = np.full((120, 300), 230, np.uint8)
    rows, columns = np.indices(page.shape)
    page[np.abs(columns - 40 + rows / 10) < 5] = 20
    page[10:110, 140:150] = page[12:112, 260:270] = 20
    assert [each.prediction.digit for each in read(page, CLASSIFIER)] == [1, 1, 1]


def test_the_order_of_thousands_of_symbols_takes_little_memory() -> None:
    boxes = [(left, top, left + 17, top + 21) for top in range(0, 1560, 26) for left in range(0, 1452, 22)]
    shuffled = np.random.default_rng(0).permutation(len(boxes))
    tracemalloc.start()
    order = reading_order([boxes[index] for index in shuffled])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [boxes[shuffled[index]] for index in order] == boxes
    assert peak < 30e6


def test_the_bars_of_a_barcode_are_no_ones(font: Callable[[int], ImageFont.FreeTypeFont]) -> None:
    """Before, most bars were read as 1, and their height made the digits below too small."""
    page = Image.new("L", (700, 420), 240)
    draw = ImageDraw.Draw(page)
    left = 60
    for width, gap in np.random.default_rng(2).integers(1, 5, (40, 2)):
        draw.rectangle((left, 40, left + 2 * int(width) - 1, 220), fill=20)
        left += 2 * int(width + gap)
    draw.text((60, 290), "4 006384 333934", fill=20, font=font(60))
    found = read(np.asarray(page), CLASSIFIER)
    assert "".join(str(each.prediction.digit) for each in found) == "4006384333934"
    listed = read(np.asarray(page), CLASSIFIER, everything=True)
    assert sum(each.prediction.reason == "size" for each in listed) > 30


def test_bars_as_high_as_the_digits_are_no_ones() -> None:
    page = np.full((380, 400), 230, np.uint8)
    for left in range(40, 340, 10):
        page[40:160, left : left + 4] = 20
    page[220:340, 60:72] = page[220:340, 160:172] = 20
    assert [each.box[1] for each in read(page, CLASSIFIER)] == [220, 220]


def test_ones_of_a_number_are_no_barcode() -> None:
    page = np.full((120, 700), 235, np.uint8)
    for left in range(40, 640, 36):
        page[20:100, left : left + 10] = 25
    assert digits(read(page, CLASSIFIER)) == [1] * 17
