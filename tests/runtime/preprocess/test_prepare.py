import subprocess
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import Classifier, PictureError, prepare, read
from mnist_runtime.preprocess.prepare import prepare_symbols

pictures = arrays.arrays(
    np.uint8,
    st.one_of(
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=90),
        st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(1, 4)),
    ),
)


@pytest.mark.long
@settings(max_examples=150)
@given(pictures)
def test_any_picture_gives_an_mnist_image_or_a_picture_error(picture: np.ndarray) -> None:
    try:
        image = prepare(picture)
    except PictureError as error:
        assert str(error).startswith("The picture")  # noqa: PT017  # both outcomes are correct
        return
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) < 20
    assert np.ptp(columns) < 20


def test_prepare_returns_the_image_of_the_main_symbol(seven: np.ndarray) -> None:
    ink = prepare_symbols(seven).ink
    assert np.array_equal(prepare(seven), ink.image)
    assert not ink.is_scribble


def test_polarity_does_not_matter(seven: np.ndarray) -> None:
    assert np.abs(prepare(seven).astype(int) - prepare(255 - seven)).max() <= 1


@pytest.mark.parametrize("factor", [1, 2, 5])
def test_size_does_not_matter(seven: np.ndarray, factor: int) -> None:
    larger = seven.repeat(factor, axis=0).repeat(factor, axis=1)
    assert np.abs(prepare(larger).astype(int) - prepare(seven)).mean() < 3


def test_position_does_not_matter(seven: np.ndarray) -> None:
    moved = np.full((300, 400, 3), 250, np.uint8)
    moved[150:270, 290:380] = seven
    assert np.array_equal(prepare(moved), prepare(seven))


def test_gray_rgb_and_alpha_give_the_same_image(seven: np.ndarray) -> None:
    gray = seven[..., 0]
    opaque = np.dstack([seven, np.full(gray.shape, 255, np.uint8)])
    transparent = np.dstack([np.zeros_like(seven), np.where(gray < 128, 255, 0).astype(np.uint8)])
    expected = prepare(seven)
    for other in (gray, gray[..., None], opaque, transparent, 255 - transparent[..., 3]):
        assert np.abs(prepare(other).astype(int) - expected).max() <= 1
    white_on_transparent = transparent.copy()
    white_on_transparent[..., :3] = 255
    assert np.abs(prepare(white_on_transparent).astype(int) - expected).max() <= 1


def test_contrast_does_not_matter(seven: np.ndarray) -> None:
    faint = (200 - (250 - seven.astype(int)) // 6).astype(np.uint8)
    assert np.abs(prepare(faint).astype(int) - prepare(seven)).max() <= 8


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.full((30, 30), 9, np.uint8), "blank"),
        (np.zeros((0, 5), np.uint8), r"1 to 50,000,000 pixels"),
        (np.zeros((5, 5), np.float64), "dtype uint8"),
        (np.zeros((5, 5, 7), np.uint8), "shape"),
        (np.zeros(5, np.uint8), "shape"),
        (np.zeros((20, 20, 4), np.uint8), "blank"),
    ],
)
def test_pictures_that_cannot_be_prepared_raise_an_error(picture: np.ndarray, message: str) -> None:
    with pytest.raises(PictureError, match=message) as caught:
        prepare(picture)
    assert caught.value.exit_code == 6


def test_too_large_a_picture_is_rejected_before_any_work() -> None:
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0))
    with pytest.raises(PictureError, match="50,000,000"):
        prepare(huge)


@pytest.mark.parametrize("shape", [(1, 300_000), (300_000, 1), (3, 100_000, 4)])
def test_very_long_pictures_give_an_image_or_a_picture_error(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    try:
        assert prepare(noise).shape == (28, 28)
    except PictureError as error:
        assert str(error).startswith("The picture")  # noqa: PT017  # both outcomes are correct


def test_a_clean_picture_does_not_load_the_code_for_photographs(
    run: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    code = (
        "import sys, numpy as np, mnist_runtime as m; page = np.full((90, 90), 250, np.uint8); page[20:70, 40:48] = 9\n"
        "def loaded(): return 'mnist_runtime.preprocess.ink.photo' in sys.modules\n"
        "m.prepare(page); print(loaded()); page[::4] -= 9; m.prepare(page); print(loaded())"
    )
    done = run("python", "-c", code)
    assert (done.stdout.split(), done.stderr) == (["False", "True"], "")


def test_red_on_green_of_the_same_brightness_is_read(seven: np.ndarray) -> None:
    ink = seven[..., :1] < 128
    picture = np.where(ink, np.uint8((200, 60, 60)), np.uint8((60, 130, 60)))
    assert np.abs(prepare(picture).astype(int) - prepare(seven)).max() <= 1
    noise = np.random.default_rng(0).normal(0, 6, picture.shape)
    rough = np.clip(picture + noise, 0, 255).astype(np.uint8).repeat(2, axis=0).repeat(2, axis=1)
    assert Classifier.load().classify(rough).digit == 7
    assert [reading.prediction.digit for reading in read(rough)] == [7]


def test_colored_noise_shows_no_digit() -> None:
    random = np.random.default_rng(0)
    page = 225 + 6 * random.standard_normal((300, 400, 3))
    assert Classifier.load().classify(np.rint(page).astype(np.uint8)).digit is None


def test_a_fourth_channel_of_0_or_255_is_padding(seven: np.ndarray) -> None:
    for padding in (0, 255):
        frame = np.dstack([seven[..., ::-1], np.full(seven.shape[:2], padding, np.uint8)])
        assert np.array_equal(prepare(frame), prepare(seven))
        assert Classifier.load().classify(frame).digit == 7


def test_of_many_symbols_the_largest_eight_are_prepared() -> None:
    page = np.full((300, 640), 230, np.uint8)
    for place in range(20):
        left, top = 40 + 60 * (place % 10), 40 + 130 * (place // 10)
        page[top : top + 80, left : left + (12 if place < 8 else 8)] = 20
    found = prepare_symbols(page)
    assert (found.number, len(found.marks)) == (20, 8)
    assert min(np.count_nonzero(mark.image[14] > 127) for mark in found.marks) >= 3
