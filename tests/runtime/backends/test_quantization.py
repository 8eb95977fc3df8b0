"""`QuantParams`."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_runtime import QuantParams

scales = st.floats(1e-6, 1e3)
integer_types = st.sampled_from(["uint8", "int8", "int16"])


@given(scales, integer_types, st.data())
def test_integers_survive_the_round_trip(scale: float, dtype: str, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    affine = QuantParams(scale, data.draw(st.integers(limits.min, limits.max)), dtype)
    integers = np.linspace(limits.min, limits.max, 500).astype(dtype)
    assert np.array_equal(affine.quantize(affine.dequantize(integers)), integers)


@given(scales, integer_types, st.data())
def test_dequantizing_follows_the_equation(scale: float, dtype: str, data: st.DataObject) -> None:
    limits = np.iinfo(dtype)
    zero_point = data.draw(st.integers(limits.min, limits.max))
    integers = np.arange(limits.min, limits.max + 1).astype(dtype)[None, ::-1]
    found = QuantParams(scale, zero_point, dtype).dequantize(integers)
    assert found.dtype == np.float32
    assert np.array_equal(found, ((integers.astype(np.float64) - zero_point) * scale).astype(np.float32))


@given(scales, integer_types, st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_quantizing_saturates_and_errs_by_at_most_half_a_step(scale: float, dtype: str, real: float) -> None:
    limits = np.iinfo(dtype)
    affine = QuantParams(scale, 0, dtype)
    integer = affine.quantize([real])[0]
    if real >= limits.max * scale:
        assert integer == limits.max
    elif real <= limits.min * scale:
        assert integer == limits.min
    else:
        assert abs(integer * scale - real) <= scale * 0.5000001


def test_quantizing_does_not_wrap() -> None:
    assert QuantParams(1.0, 0, "uint8").quantize([300.0, -5.0]).tolist() == [255, 0]
    assert np.array([300]).astype("uint8").tolist() == [44]


@pytest.mark.parametrize("pixel_range", [1 / 255, 1.0])
def test_raw_pixels_are_the_quantized_input(pixel_range: float) -> None:
    pixels = np.arange(256)
    assert np.array_equal(QuantParams(pixel_range, 0, "uint8").quantize(pixels * pixel_range), pixels)
