import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import PictureError
from mnist_runtime.preprocess import grayscale as module
from mnist_runtime.preprocess.grayscale import MAX_PIXELS, grayscale

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4))


@given(arrays.arrays(np.uint8, SHAPES), st.integers(1, 50))
def test_any_picture_is_reduced_by_a_whole_factor_and_stays_within_0_and_255(picture: np.ndarray, longest: int) -> None:
    grey = grayscale(picture, longest)
    times = -(-max(picture.shape[:2]) // longest)
    assert grey.dtype == np.float32
    assert grey.shape == tuple(-(-side // times) for side in picture.shape[:2])
    assert -0.01 <= grey.min() <= grey.max() <= 255.01


@given(arrays.arrays(np.uint8, SHAPES), st.integers(2, 50))
def test_strips_of_any_length_give_the_same(picture: np.ndarray, longest: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        whole = grayscale(picture, longest)
        patch.setattr(module, "STRIP", 1)
        assert np.allclose(grayscale(picture, longest), whole, atol=0.01)


def test_a_pixel_is_the_mean_of_what_it_stands_for() -> None:
    picture = np.arange(7 * 10, dtype=np.uint8).reshape(7, 10)
    expected = [[picture[a : a + 3, b : b + 3].mean() for b in range(0, 10, 3)] for a in range(0, 7, 3)]
    assert np.allclose(grayscale(picture, 4), expected, atol=1e-3)


def test_colours_are_as_bright_as_they_look() -> None:
    seen = grayscale(np.eye(3, dtype=np.uint8)[None] * np.uint8(255), 3)
    assert np.allclose(seen, [[76.2, 149.7, 29.1]], atol=0.1)


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (90, 255), (255, 0)])
def test_what_is_transparent_becomes_paper_on_which_the_ink_is_seen(ink: int, paper: int) -> None:
    picture = np.zeros((9, 9, 2), np.uint8)
    picture[4, 2:7] = ink, 255
    grey = grayscale(picture, 9)
    assert (grey[4, 2:7] == ink).all()
    assert (np.delete(grey, 4, axis=0) == paper).all()


@pytest.mark.parametrize("frame", [0, 255])
def test_a_card_brings_its_own_paper(frame: int) -> None:
    picture = np.full((30, 30, 2), (frame, 0), np.uint8)
    picture[5:25, 5:25] = 200, 255
    picture[10:20, 14:16, 0] = 30
    grey = grayscale(picture, 30)
    assert (grey[:5] == 200).all()
    assert (grey[10:20, 14:16] == 30).all()


def test_what_is_wholly_transparent_is_black_whatever_its_colours() -> None:
    hidden = np.random.default_rng(0).integers(0, 256, (8, 8, 4), dtype=np.uint8)
    hidden[..., 3] = 0
    assert not grayscale(hidden, 8).any()


@pytest.mark.parametrize("shape", [(0, 5), (5, 0, 3), (5, 5, 0), (5, 5, 5), (5,), (1, 1, 1, 1)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(PictureError, match="The picture has shape"):
        grayscale(np.zeros(shape, np.uint8), 10)


def test_proportions_cost_nothing_and_the_limit_holds() -> None:
    line = np.lib.stride_tricks.as_strided(np.full(1, 7, np.uint8), (1, MAX_PIXELS // 25), (0, 0))
    assert grayscale(line, 640).shape == (1, 640)
    assert (grayscale(line.T, 640) == 7).all()
    beyond = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (MAX_PIXELS + 1, 1), (0, 0))
    with pytest.raises(PictureError, match="50,000,000"):
        grayscale(beyond, 640)
