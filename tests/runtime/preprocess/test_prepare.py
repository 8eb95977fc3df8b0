import hashlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import Classifier, PictureError, prepare
from mnist_runtime.preprocess.ink.clean import flat_background_ink
from mnist_runtime.preprocess.normalize import normalize
from mnist_tools.studies.camera import CONDITIONS, NOTHING, Conditions, photograph_one, stroke_of, with_pen
from mnist_trainer import Dataset, Splits

pictures = arrays.arrays(
    np.uint8,
    st.one_of(
        arrays.array_shapes(min_dims=2, max_dims=2, max_side=90),
        st.tuples(st.integers(1, 90), st.integers(1, 90), st.integers(1, 4)),
    ),
)


@settings(max_examples=150)
@given(pictures)
def test_any_picture_gives_an_mnist_image_or_a_clear_error(picture: np.ndarray) -> None:
    try:
        image = prepare(picture)
    except PictureError as error:
        assert str(error).startswith("The picture")  # noqa: PT017  # either outcome is right
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


def test_mnist_like_input_gives_these_very_bytes() -> None:
    """All is exact here, on any machine: the digits fill their box, so that nothing is resampled."""
    from sklearn.datasets import load_digits

    coarse = np.rint(load_digits().images * (255 / 16)).astype(np.uint8)
    coarse = coarse[(coarse.max(axis=(1, 2)) == 255) & (coarse.max(axis=2).min(axis=1) > 64)]
    spread = np.arange(20) * 8 // 20
    prepared = np.stack([prepare(np.pad(image[np.ix_(spread, spread)], 4)) for image in coarse])
    assert (
        hashlib.sha256(prepared.tobytes()).hexdigest()
        == "bddb99a9721c10a38994d4c660a2eb18be6f261935ad9303a101e6f910a1bc9a"
    )


@pytest.mark.parametrize("size", [60, 150, 350])
def test_clean_drawings_are_scaled_and_nothing_else(digits: Splits, size: int) -> None:
    for image in digits.test.images[:8]:
        ink = np.pad(np.rint(255 * stroke_of(image, size)).astype(np.uint8), size // 3)
        expected = normalize(flat_background_ink(ink.astype(np.float32)))
        assert np.array_equal(prepare(ink), expected)
        assert np.array_equal(prepare(255 - ink), expected)


@pytest.mark.parametrize("name", CONDITIONS)
def test_photographed_digits_are_read(name: str, legible: Dataset) -> None:
    conditions, random = with_pen(CONDITIONS[name], longest=450), np.random.default_rng(11)
    classifier = Classifier.load()
    chosen = random.permutation(len(legible))[:5]
    pictures = [photograph_one(legible.images[index], conditions, random) for index in chosen]
    answers = [classifier.classify(picture).digit for picture in pictures]
    assert sum(np.equal(answers, legible.labels[chosen])) >= (3 if conditions.cropped else 4)


@pytest.mark.parametrize("name", NOTHING)
def test_what_shows_no_digit_is_answered_so(name: str) -> None:
    classifier, random = Classifier.load(), np.random.default_rng(0)
    answers = [classifier.classify(NOTHING[name](random)).digit for _ in range(4)]
    assert answers.count(None) >= 3


@pytest.fixture(scope="module")
def photographs(legible: Dataset) -> list[np.ndarray]:
    """Return pictures of the ten digits on lined paper in the light of a lamp, of which none is too bright."""
    conditions = Conditions(
        side=(300, 400), stroke=0.6, light="gradient", ruling="lines", texture=2, noise=2, paper=(205, 220)
    )
    random = np.random.default_rng(2)
    return [photograph_one(image, conditions, random) for image in legible.images[::2]]


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return how far two images are from each other, as a share of the ink; 2 is the most."""
    return float(np.abs(one.astype(int) - other).sum() / min(one.sum(), other.sum()))


@pytest.mark.parametrize("share", [0.6, 1.1])
def test_the_strength_of_the_light_does_not_matter(photographs: list[np.ndarray], share: float) -> None:
    for picture in photographs:
        assert difference(prepare(np.rint(picture * share).astype(np.uint8)), prepare(picture)) < 0.2


def test_the_place_on_the_sheet_does_not_matter(photographs: list[np.ndarray]) -> None:
    for picture in photographs:
        assert difference(prepare(picture[5:, :-7]), prepare(picture)) < 0.2


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_sheet_gives_the_turned_digit(photographs: list[np.ndarray], turns: int) -> None:
    for picture in photographs[:5]:
        upright, turned = prepare(picture), np.rot90(prepare(np.rot90(picture, turns)), -turns)
        moved = [np.roll(turned, (row, column), (0, 1)) for row in (-1, 0, 1) for column in (-1, 0, 1)]
        assert min(difference(each, upright) for each in moved) < 0.2


def test_two_different_digits_differ(photographs: list[np.ndarray]) -> None:
    """The proof that `difference` tells."""
    images = [prepare(picture) for picture in photographs]
    assert min(difference(one, other) for n, one in enumerate(images) for other in images[:n]) > 0.4


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


@pytest.mark.parametrize("shape", [(1, 300_000), (300_000, 1), (3, 100_000, 4)])
def test_any_proportions_are_answered(shape: tuple[int, ...]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    try:
        assert prepare(noise).shape == (28, 28)
    except PictureError as error:
        assert str(error).startswith("The picture")  # noqa: PT017  # either outcome is right
