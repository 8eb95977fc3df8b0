import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mnist_runtime import UsageError
from mnist_runtime.preprocess.pixels import as_pixels

PIXELS = arrays.arrays(np.uint8, arrays.array_shapes(max_dims=3, max_side=6))
DTYPES = (np.uint8, np.int16, np.int64, np.uint32, np.float32, np.float64)


@given(PIXELS, st.sampled_from(DTYPES))
def test_whole_numbers_are_unchanged(pixels: np.ndarray, dtype: type) -> None:
    if np.dtype(dtype).kind != "f" or pixels.max() > 1:
        assert np.array_equal(as_pixels(pixels.astype(dtype)), pixels)


@given(PIXELS, st.sampled_from((np.float16, np.float32, np.float64)))
def test_fractions_of_white_are_scaled_to_255(pixels: np.ndarray, dtype: type) -> None:
    assert np.array_equal(as_pixels((pixels / 255).astype(dtype)), pixels)


@given(arrays.arrays(np.float64, (3, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_floats_become_pixels_or_raise_a_usage_error(values: np.ndarray) -> None:
    if (values >= 0).all() and (values <= 255).all():
        assert as_pixels(values).dtype == np.uint8
    else:
        with pytest.raises(UsageError, match=r"The pixels range from .* Scale them\."):
            as_pixels(values)


def test_uint8_is_not_copied() -> None:
    pixels = np.arange(6, dtype=np.uint8)
    assert as_pixels(pixels) is pixels


@pytest.mark.parametrize("values", ["text", None, [object()], 1j, {"a": 1}])
def test_values_that_are_not_numbers_are_rejected(values: object) -> None:
    with pytest.raises(UsageError, match=r"are not numbers\. Give numbers from 0 to 255\."):
        as_pixels(values)
