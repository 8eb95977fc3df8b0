import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import Classifier, PictureError, UsageError
from mnist_runtime.preprocess.pixels import as_picture, as_pixels

PIXELS = arrays.arrays(np.uint8, arrays.array_shapes(max_dims=3, max_side=6))
DTYPES = (np.uint8, np.int16, np.int64, np.uint32, np.float32, np.float64)


@given(PIXELS, st.sampled_from(DTYPES))
def test_whole_numbers_are_unchanged(pixels: np.ndarray, dtype: type) -> None:
    if np.dtype(dtype).kind != "f" or pixels.max() > 2:
        assert np.array_equal(as_pixels(pixels.astype(dtype)), pixels)


@given(PIXELS, st.sampled_from((np.float16, np.float32, np.float64)))
def test_fractions_of_white_are_scaled_to_255(pixels: np.ndarray, dtype: type) -> None:
    assert np.array_equal(as_pixels((pixels / 255).astype(dtype)), pixels)


@given(arrays.arrays(np.float64, (3, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_floats_become_pixels_or_raise_a_usage_error(values: np.ndarray) -> None:
    if (values >= 0).all() and (values <= 255).all():
        if 1 + 1e-6 < values.max() <= 2:
            with pytest.raises(UsageError, match="neither 0"):
                as_pixels(values)
        else:
            assert as_pixels(values).dtype == np.uint8
    else:
        with pytest.raises(UsageError, match=r"The pixels (range from .*Scale them|contain NaN.*)\."):
            as_pixels(values)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("highest", [1.002, 1.5, 2.0])
def test_floats_slightly_above_1_are_refused(highest: float, dtype: type) -> None:
    values = np.array([[[0, 0.5]], [[0, highest]]], dtype)
    words = r"The pixels are floats from 0 to [12].*, which is neither 0\.\.255 nor 0\.\.1\. Divide .*clip"
    with pytest.raises(UsageError, match=words):
        Classifier.load().predict(np.resize(values, (2, 28, 28)))
    with pytest.raises(UsageError, match=words):
        as_picture(values[1], most=9)


def test_rounding_above_1_is_clipped(golden: np.ndarray) -> None:
    fractions = golden / np.float32(255)
    assert fractions.max() == 1
    for rounded in (fractions + np.float32(1e-7), fractions * (1 + 9e-7)):
        assert rounded.max() > 1
        assert np.array_equal(as_pixels(rounded), golden)
    assert np.array_equal(Classifier.load().predict(fractions + 1e-7), Classifier.load().predict(golden))


def test_uint8_is_not_copied() -> None:
    pixels = np.arange(6, dtype=np.uint8)
    assert as_pixels(pixels) is pixels


@pytest.mark.parametrize("values", ["text", [None], [object()], 1j, {"a": 1}])
def test_values_that_are_not_numbers_are_rejected(values: object) -> None:
    with pytest.raises(UsageError, match=r"are not numbers\. Give numbers from 0 to 255\."):
        as_pixels(values)


def test_true_is_white() -> None:
    assert as_pixels(np.array([[False, True]])).tolist() == [[0, 255]]
    assert as_picture(np.array([[False, True]]), most=2).tolist() == [[0, 255]]


@pytest.mark.parametrize("value", [-1, 256, 255.25, -0.5])
def test_numbers_just_outside_0_to_255_are_rejected(value: float) -> None:
    """As bytes, 256 would be black and -1 white."""
    with pytest.raises(UsageError, match="but 0 to 255 is allowed"):
        as_pixels([7, value])


def test_the_largest_allowed_picture_is_accepted() -> None:
    assert as_picture(np.zeros((3, 4), np.uint8), most=12).size == 12
    with pytest.raises(PictureError, match="has 12 values, but at most 11 are allowed"):
        as_picture(np.zeros((3, 4), np.uint8), most=11)


def test_the_none_of_cv2_imread_is_named() -> None:
    with pytest.raises(UsageError, match=r"This is None, not a picture\. cv2\.imread returns None if"):
        Classifier.load().classify(None)  # type: ignore[arg-type]


DEEP = arrays.arrays(np.uint16, arrays.array_shapes(min_dims=2, max_dims=2, max_side=6))


@given(DEEP, st.sampled_from(("<u2", ">u2")))
def test_16_bit_pixels_are_scaled_by_their_own_range(deep: np.ndarray, dtype: str) -> None:
    assume(deep.max() > 255)
    pixels = as_picture(deep.astype(dtype), most=100)
    assert pixels.dtype == np.uint8
    if np.ptp(deep):
        assert (pixels.min(), pixels.max()) == (0, 255)
    order = np.argsort(deep, axis=None, kind="stable")
    assert (np.diff(pixels.ravel()[order].astype(int)) >= 0).all()


@given(PIXELS)
def test_16_bit_arrays_of_8_bit_pixels_are_unchanged(pixels: np.ndarray) -> None:
    assert np.array_equal(as_picture(pixels.astype(np.uint16), most=1000), pixels)


@given(arrays.arrays(np.uint16, (3, 4, 4), elements=st.integers(0, 4095)))
def test_alpha_of_16_bits_is_scaled_by_its_maximum(deep: np.ndarray) -> None:
    deep[0, 0, 0] = 4095
    for alpha in (0, 4095):
        deep[..., 3] = alpha
        pixels = as_picture(deep, most=100)
        assert (pixels[..., 3] == (255 if alpha else 0)).all()
        assert np.array_equal(pixels[..., :3], as_picture(deep[..., :3], most=100))


def test_a_16_bit_array_is_classified_as_its_file_is(seven: np.ndarray) -> None:
    assert Classifier.load().classify(seven.astype(np.uint16) * 257).digit == 7
    assert Classifier.load().classify(seven[..., 0].astype(np.uint16) * 16).digit == 7


def yuv420(gray: np.ndarray, blue: int, red: int) -> np.ndarray:
    """Return a frame as a camera gives it: the brightness, then two planes of color, each a quarter of its size."""
    height, width = gray.shape
    rows = np.linspace(-6, 6, height // 4)[:, None] + np.tile(np.linspace(-6, 6, width // 2), 2)
    colors = [np.rint(color + rows) for color in (blue, red)]
    return np.concatenate([gray, *colors]).astype(np.uint8)


@pytest.mark.parametrize(("blue", "red"), [(128, 128), (110, 145), (140, 120)])
def test_a_camera_frame_in_yuv420_is_named(seven: np.ndarray, blue: int, red: int) -> None:
    page = np.full((240, 320), 235, np.uint8)
    page[60:180, 100:190] = seven[..., 0]
    with pytest.raises(PictureError, match=r"\(360, 320\) looks like a YUV420 frame of 240 x 320.*array\[:240\]"):
        as_picture(yuv420(page, blue, red), most=10**6)
    assert Classifier.load().classify(page).digit == 7


def test_ordinary_pictures_are_not_taken_for_yuv420() -> None:
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (360, 320), dtype=np.uint8)
    shade = np.repeat(np.linspace(60, 250, 360)[:, None], 320, axis=1).astype(np.uint8)
    for picture in (noise, shade, np.full((360, 320), 128, np.uint8), np.full((360, 320), 250, np.uint8)):
        assert as_picture(picture, most=10**6) is picture
