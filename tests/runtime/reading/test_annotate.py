import numpy as np
import pytest
from PIL import Image

from mnist_runtime import PictureError
from mnist_runtime.prediction import Prediction
from mnist_runtime.reading.annotate import DIGIT, EDGE, NO_DIGIT, annotate
from mnist_runtime.reading.page import Reading, read

SEVEN = Prediction(7, 0.996, ((7, 0.996),))
NONE = Prediction(None, 0.3, ((5, 0.3),))


def changed(picture: np.ndarray, readings: list[Reading]) -> np.ndarray:
    before = np.asarray(Image.fromarray(picture).convert("RGB"))
    return (np.asarray(annotate(picture, readings).convert("RGB")) != before).any(axis=2)


@pytest.mark.parametrize("shape", [(300, 400), (300, 400, 3), (300, 400, 4)])
def test_only_pixels_around_the_box_change_in_a_copy(shape: tuple[int, ...]) -> None:
    picture = np.random.default_rng(0).integers(60, 200, shape, np.uint8)
    kept = picture.copy()
    readings = [Reading((100, 120, 160, 220), SEVEN)]
    marked = annotate(picture, readings)
    assert np.array_equal(picture, kept)
    assert (marked.mode, marked.size) == ("RGBA" if shape[2:] == (4,) else "RGB", (400, 300))
    rows, columns = np.nonzero(changed(picture, readings))
    assert 70 <= rows.min() < 117
    assert rows.max() == 222
    assert columns.min() == 97
    assert 162 <= columns.max() < 180
    assert not changed(picture, readings)[120:220, 100:160].any()


@pytest.mark.parametrize("background", [0, 90, 255])
def test_marks_are_visible_on_any_background(background: int) -> None:
    picture = np.full((200, 200), background, np.uint8)
    shown = np.asarray(annotate(picture, [Reading((60, 60, 90, 120), SEVEN), Reading((130, 60, 160, 120), NONE)]))
    colors = {tuple(color) for color in shown.reshape(-1, 3).tolist()}
    assert {DIGIT, NO_DIGIT, EDGE} <= colors
    light, dark = (np.dot((0.299, 0.587, 0.114), color) for color in (NO_DIGIT, EDGE))
    assert max(light - background, background - dark) > 80


@pytest.mark.parametrize("shape", [(50, 60, 1), (50, 60, 2)])
def test_gray_pictures_of_every_shape(shape: tuple[int, ...]) -> None:
    for picture in (np.full(shape, 200, np.uint8), np.zeros(shape, np.uint8)):
        marked = annotate(picture, [])
        assert (marked.mode, marked.size) == ("RGB", (60, 50))
        assert np.asarray(marked)[0, 0, 0] == picture[0, 0, 0]


def test_without_readings_the_picture_is_unchanged() -> None:
    picture = np.random.default_rng(0).integers(0, 256, (50, 60, 3), np.uint8)
    assert np.array_equal(np.asarray(annotate(picture, [])), picture)


@pytest.mark.parametrize(("side", "line"), [(100, 1), (1000, 2), (2000, 4)])
def test_lines_are_wider_on_larger_pictures(side: int, line: int) -> None:
    box = (side // 4, side // 4, side // 2, side // 2)
    column = changed(np.full((side, side), 255, np.uint8), [Reading(box, SEVEN)])[3 * side // 8, side // 2 :]
    assert column.argmin() == 3 * line
    assert not column[3 * line :].any()


@pytest.mark.parametrize("box", [(0, 0, 28, 28), (0, 0, 60, 28), (40, 0, 60, 28), (0, 0, 4, 4), (58, 26, 60, 28)])
def test_a_label_is_visible_in_the_smallest_picture(box: tuple[int, int, int, int]) -> None:
    readings = [Reading(box, SEVEN)]
    assert annotate(np.full((28, 60), 255, np.uint8), readings).size == (60, 28)
    assert (np.asarray(annotate(np.full((28, 60), 255, np.uint8), readings)) == DIGIT).all(axis=2).any()


def test_no_label_covers_a_digit_of_a_full_page(legible: object) -> None:
    pytest.importorskip("scipy", reason="pages are rendered with SciPy")
    from mnist_tools.rendering.camera import CONDITIONS, photograph_page

    random = np.random.default_rng(2)
    page, _ = photograph_page([*legible.images, *legible.images[:10]], CONDITIONS["clean"], random)
    found = read(page, everything=True)
    assert len(found) >= 25
    touched = changed(page, found)
    for reading in found:
        left, top, right, bottom = reading.box
        assert not touched[top:bottom, left:right].any()


def test_labels_of_a_dense_page_cover_no_digit() -> None:
    boxes = [(left, top, left + 45, top + 55) for top in range(30, 900, 87) for left in range(30, 900, 99)]
    touched = changed(np.full((3508, 1000), 255, np.uint8), [Reading(box, SEVEN) for box in boxes])
    assert not any(touched[top:bottom, left:right].any() for left, top, right, bottom in boxes)
    assert touched[:900].mean() > 0.17  # the frames alone: 0.13


def test_a_font_of_one_size_is_enlarged(monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import ImageFont

    if not hasattr(ImageFont, "load_default_imagefont"):
        pytest.skip("this Pillow has only the font of one size")

    def old_load_default(*size: float) -> ImageFont.ImageFont:
        if size:
            raise TypeError("load_default() takes 0 positional arguments but 1 was given")
        return ImageFont.load_default_imagefont()

    readings = [Reading((300, 300, 500, 600), SEVEN)]
    picture = np.full((1000, 1000), 255, np.uint8)
    new = changed(picture, readings)
    monkeypatch.setattr("PIL.ImageFont.load_default", old_load_default)
    old = changed(picture, readings)
    assert old.any(axis=1).argmax() == pytest.approx(new.any(axis=1).argmax(), abs=30)


def test_padding_does_not_hide_the_picture() -> None:
    frame = np.full((60, 80, 4), (200, 180, 160, 0), np.uint8)
    marked = annotate(frame, [])
    assert marked.mode == "RGB"
    assert marked.getpixel((40, 30)) == (200, 180, 160)


@pytest.mark.parametrize("is_old", [False, True], ids=["font", "font of one size"])
@pytest.mark.parametrize("label", ["Ä", "7¾", "数", "\u2800", "\u3164", "W" * 100], ids=ascii)
def test_any_label_is_drawn(monkeypatch: pytest.MonkeyPatch, label: str, is_old: bool) -> None:
    from PIL import ImageFont

    if is_old:
        old = getattr(ImageFont, "load_default_imagefont", ImageFont.load_default)()
        monkeypatch.setattr("mnist_runtime.reading.annotate._font", lambda _: old)
    found = Prediction(None, 0.9, ((0, 0.9),), label=label, labels=(label,))
    marked = annotate(np.full((200, 150), 255, np.uint8), [Reading((60, 60, 90, 120), found)])
    assert marked.size == (150, 200)
    assert (np.asarray(marked) == DIGIT).all(axis=2).any()


def marked_with(label: str, confidence: float) -> bytes:
    found = Prediction(None, confidence, ((0, confidence),), label=label, labels=(label,))
    return annotate(np.full((200, 1500), 255, np.uint8), [Reading((60, 60, 90, 120), found)]).tobytes()


def test_only_full_confidence_is_shown_as_100_percent() -> None:
    assert marked_with("7", 0.996) == marked_with("7", 0.99) != marked_with("7", 1.0)


def test_a_long_label_is_cut_at_20_characters() -> None:
    assert marked_with("W" * 100, 0.9) == marked_with("W" * 20, 0.9) != marked_with("W" * 19, 0.9)


def test_lines_around_small_digits_are_thin_in_a_large_picture() -> None:
    row = changed(np.full((200, 3000), 255, np.uint8), [Reading((60, 60, 90, 90), SEVEN)])[75]
    assert np.flatnonzero(row[:60]).tolist() == [57, 58, 59]


def test_labels_do_not_cover_each_other() -> None:
    page, reading = np.full((400, 400), 255, np.uint8), Reading((150, 150, 180, 210), SEVEN)
    one, two = (np.count_nonzero(changed(page, [reading] * count)) for count in (1, 2))
    frame = 36 * 66 - 30 * 60
    assert two - frame == pytest.approx(2 * (one - frame), rel=0.1)


@pytest.mark.parametrize("shape", [(5, 28, 28), (9,), (0, 9)])
def test_an_array_that_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match="The picture has shape"):
        annotate(np.zeros(shape, np.uint8), [])
