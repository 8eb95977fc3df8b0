import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from mnist_runtime import UsageError
from mnist_runtime.preprocess.pixels import as_pixels

PIXELS = hnp.arrays(np.uint8, hnp.array_shapes(max_dims=3, max_side=6))
KINDS = (np.uint8, np.int16, np.int64, np.uint32, np.float32, np.float64)


@given(PIXELS, st.sampled_from(KINDS))
def test_whole_numbers_stay_what_they_are(pixels: np.ndarray, dtype: type) -> None:
    if np.dtype(dtype).kind != "f" or pixels.max() > 1:
        assert np.array_equal(as_pixels(pixels.astype(dtype)), pixels)


@given(PIXELS, st.sampled_from((np.float16, np.float32, np.float64)))
def test_shares_of_white_come_back_as_the_pixels_they_were(pixels: np.ndarray, dtype: type) -> None:
    assert np.array_equal(as_pixels((pixels / 255).astype(dtype)), pixels)


@given(hnp.arrays(np.float64, (3, 3), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_any_numbers_become_pixels_or_one_clear_error(values: np.ndarray) -> None:
    if (values >= 0).all() and (values <= 255).all():
        assert as_pixels(values).dtype == np.uint8
    else:
        with pytest.raises(UsageError, match="Expected pixels from 0 to 255, received"):
            as_pixels(values)


def test_bytes_are_not_copied() -> None:
    pixels = np.arange(6, dtype=np.uint8)
    assert as_pixels(pixels) is pixels


@pytest.mark.parametrize("values", ["text", None, [object()], 1j, {"a": 1}])
def test_what_is_no_picture_is_refused(values: object) -> None:
    with pytest.raises(UsageError, match=r"Expected pixels 0\.\.255 as numbers, received"):
        as_pixels(values)
