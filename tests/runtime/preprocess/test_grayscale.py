import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import PictureError
from mnist_runtime.preprocess.grayscale import MAX_PIXELS, color_axis, grayscale, without_padding

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))


@given(arrays.arrays(np.uint8, SHAPES), st.integers(1, 50))
def test_any_picture_is_reduced_by_an_integer_factor(picture: np.ndarray, longest: int) -> None:
    gray = grayscale(picture, longest)
    factor = -(-max(picture.shape[:2]) // longest)
    assert gray.dtype == np.float32
    assert gray.shape == tuple(-(-side // factor) for side in picture.shape[:2])
    assert -0.01 <= gray.min() <= gray.max() <= 255.01


@given(arrays.arrays(np.uint8, SHAPES), st.integers(2, 50))
def test_the_length_of_the_strips_does_not_change_the_result(picture: np.ndarray, longest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = grayscale(picture, longest)
        patch.setattr("mnist_runtime.preprocess.grayscale.STRIP", 1)
        assert np.allclose(grayscale(picture, longest), whole, atol=0.01)


def test_a_pixel_is_the_mean_of_its_block() -> None:
    picture = np.arange(7 * 10, dtype=np.uint8).reshape(7, 10)
    expected = [[picture[a : a + 3, b : b + 3].mean() for b in range(0, 10, 3)] for a in range(0, 7, 3)]
    assert np.allclose(grayscale(picture, 4), expected, atol=1e-3)


def test_red_green_and_blue_have_the_weights_of_bt_601() -> None:
    gray = grayscale(np.eye(3, dtype=np.uint8)[None] * np.uint8(255), 3)
    assert np.allclose(gray, [[76.2, 149.7, 29.1]], atol=0.1)


@pytest.mark.parametrize(("ink", "background"), [(0, 255), (90, 255), (255, 0)])
def test_transparent_areas_become_a_background_that_contrasts_with_the_ink(ink: int, background: int) -> None:
    picture = np.zeros((9, 9, 2), np.uint8)
    picture[4, 2:7] = ink, 255
    gray = grayscale(picture, 9)
    assert (gray[4, 2:7] == ink).all()
    assert (np.delete(gray, 4, axis=0) == background).all()


@pytest.mark.parametrize("hidden", [0, 255])
def test_the_frame_of_an_opaque_card_gets_the_brightness_of_the_card(hidden: int) -> None:
    picture = np.full((30, 30, 2), (hidden, 0), np.uint8)
    picture[5:25, 5:25] = 200, 255
    picture[10:20, 14:16, 0] = 30
    gray = grayscale(picture, 30)
    assert (gray[:5] == 200).all()
    assert (gray[10:20, 14:16] == 30).all()


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from((1, 3)))))
def test_an_alpha_channel_that_is_0_everywhere_is_padding(picture: np.ndarray) -> None:
    padded = np.concatenate([picture, np.zeros_like(picture[..., :1])], axis=2)
    assert np.array_equal(grayscale(padded, 9), grayscale(picture, 9))
    assert np.array_equal(without_padding(padded), picture)
    padded[0, 0, -1] = 1
    assert without_padding(padded) is padded


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (5, 5, 0), (5, 5, 5), (5,), (1, 1, 1, 1)])
def test_arrays_that_are_not_pictures_are_rejected(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match="The picture has shape"):
        grayscale(np.zeros(shape, np.uint8), 10)


def test_very_long_pictures_are_reduced_and_the_limit_counts_pixels() -> None:
    line = np.lib.stride_tricks.as_strided(np.full(1, 7, np.uint8), (1, MAX_PIXELS // 25), (0, 0))
    assert grayscale(line, 640).shape == (1, 640)
    assert (grayscale(line.T, 640) == 7).all()
    beyond = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (MAX_PIXELS + 1, 1), (0, 0))
    with pytest.raises(PictureError, match="1 to 50,000,000 pixels are allowed"):
        grayscale(beyond, 640)


@given(arrays.arrays(np.uint8, SHAPES), st.integers(1, 50))
def test_the_color_axis_has_the_size_of_the_brightness(picture: np.ndarray, longest: int) -> None:
    colors = color_axis(picture, longest)
    if colors is not None:
        assert colors.shape == grayscale(picture, longest).shape
        assert colors.dtype == np.float32
        assert 0 <= colors.min() <= colors.max() <= 255


def test_colors_of_equal_brightness_differ_on_the_color_axis() -> None:
    picture = np.full((40, 40, 3), (60, 130, 60), np.uint8)
    picture[10:30, 18:22] = 200, 60, 60
    assert np.ptp(grayscale(picture, 40)) < 2
    colors = color_axis(picture, 40)
    assert np.ptp(colors) > 100
    assert len(np.unique(colors[10:30, 18:22])) == 1


def test_gray_and_transparent_pictures_have_no_color_axis() -> None:
    random = np.random.default_rng(0)
    gray = random.integers(0, 256, (40, 40), dtype=np.uint8)
    noise = random.integers(118, 138, (40, 40, 3), dtype=np.uint8)
    colored = random.integers(0, 256, (40, 40, 4), dtype=np.uint8)
    for picture in (gray, np.dstack([gray] * 3), noise, colored):
        assert color_axis(picture, 40) is None
