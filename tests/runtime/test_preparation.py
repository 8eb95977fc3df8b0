import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import PictureError, prepare
from mnist_trainer import Splits

pictures = arrays.arrays(
    np.uint8,
    st.one_of(
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=60),
        st.tuples(st.integers(1, 40), st.integers(1, 40), st.integers(1, 4)),
    ),
)


@settings(max_examples=300)
@given(pictures)
def test_any_picture_gives_an_mnist_image_or_a_clear_error(picture: np.ndarray) -> None:
    try:
        image = prepare(picture)
    except PictureError as error:
        assert str(error).startswith("Expected")  # noqa: PT017  # either outcome is right
        return
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    rows, columns = np.nonzero(image)
    assert np.ptp(rows) < 20
    assert np.ptp(columns) < 20


def centre_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.indices(image.shape)
    return (rows * image).sum() / image.sum(), (columns * image).sum() / image.sum()


def test_mnist_form_is_a_fixed_point(digits: Splits) -> None:
    for image in digits.test.images[:200]:
        again = prepare(image)
        assert np.abs(np.subtract(centre_of_mass(again), 14)).max() <= 0.6
        assert np.abs(again.astype(int) - image).mean() < 8


def test_mnist_itself_stays_as_it_is(mnist_data: Splits) -> None:
    images = mnist_data.train.images[:500]
    prepared = np.stack([prepare(image) for image in images])
    assert np.abs(prepared.astype(int) - images).mean() < 0.5
    assert np.mean([np.array_equal(a, b) for a, b in zip(images, prepared, strict=True)]) > 0.7


def test_polarity_does_not_matter(seven: np.ndarray) -> None:
    assert np.abs(prepare(seven).astype(int) - prepare(255 - seven)).max() <= 1


@pytest.mark.parametrize("times", [1, 2, 5])
def test_size_does_not_matter(seven: np.ndarray, times: int) -> None:
    larger = seven.repeat(times, axis=0).repeat(times, axis=1)
    assert np.abs(prepare(larger).astype(int) - prepare(seven)).mean() < 3


def test_place_does_not_matter(seven: np.ndarray) -> None:
    moved = np.full((300, 400, 3), 250, np.uint8)
    moved[150:270, 290:380] = seven
    assert np.array_equal(prepare(moved), prepare(seven))


def test_grey_rgb_and_alpha_give_the_same(seven: np.ndarray) -> None:
    grey = seven[..., 0]
    opaque = np.dstack([seven, np.full(grey.shape, 255, np.uint8)])
    transparent = np.dstack([np.zeros_like(seven), np.where(grey < 128, 255, 0).astype(np.uint8)])
    expected = prepare(seven)
    for other in (grey, grey[..., None], opaque, transparent, 255 - transparent[..., 3]):
        assert np.abs(prepare(other).astype(int) - expected).max() <= 1
    white_on_clear = transparent.copy()
    white_on_clear[..., :3] = 255
    assert np.abs(prepare(white_on_clear).astype(int) - expected).max() <= 1


def test_the_whole_range_is_used_whatever_the_contrast(seven: np.ndarray) -> None:
    faint = (200 - (250 - seven.astype(int)) // 6).astype(np.uint8)
    assert np.abs(prepare(faint).astype(int) - prepare(seven)).max() <= 8


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        (np.full((30, 30), 9, np.uint8), "blank"),
        (np.zeros((0, 5), np.uint8), r"1 to 50,000,000 pixels"),
        (np.zeros((5, 5), np.float64), "dtype uint8"),
        (np.zeros((5, 5, 7), np.uint8), "shape"),
        (np.zeros(5, np.uint8), "shape"),
        (np.zeros((20, 20, 4), np.uint8), "blank"),
    ],
)
def test_what_cannot_be_prepared_is_told(picture: np.ndarray, words: str) -> None:
    with pytest.raises(PictureError, match=words) as caught:
        prepare(picture)
    assert caught.value.exit_code == 6


def test_a_picture_beyond_the_limit_is_refused_before_any_work() -> None:
    huge = np.lib.stride_tricks.as_strided(np.zeros(1, np.uint8), (10_000, 10_000), (0, 0))
    with pytest.raises(PictureError, match="50,000,000"):
        prepare(huge)
