import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_trainer import PIXEL_CONVENTIONS, PixelScaling, UsageError

LEVELS = np.arange(256, dtype=np.uint8)
NUMBERS = st.floats(-1000, 1000, allow_nan=False).map(lambda number: round(number, 4))
SCALINGS = st.one_of(
    st.tuples(NUMBERS, NUMBERS, st.booleans())
    .filter(lambda ends: abs(ends[0] - ends[1]) > 1e-3)
    .map(lambda ends: PixelScaling.between(min(ends[:2]), max(ends[:2]), invert=ends[2])),
    st.tuples(st.floats(0.001, 250), st.floats(0.01, 250), st.booleans()).map(
        lambda facts: PixelScaling.standardized(facts[0], facts[1], invert=facts[2])
    ),
)


@given(SCALINGS)
def test_a_name_can_be_parsed_again(scaling: PixelScaling) -> None:
    assert PixelScaling.parse(scaling.name) == scaling
    assert scaling.inverted == scaling.name.endswith(" inverted")


@given(SCALINGS)
def test_pixels_are_scaled_from_black_to_white(scaling: PixelScaling) -> None:
    scaled = scaling.apply(LEVELS)
    assert scaled.dtype == np.float32
    np.testing.assert_allclose(scaled[[0, 255]], [scaling.black, scaling.white], rtol=1e-5, atol=1e-3)
    assert (np.diff(scaled) * (-1 if scaling.inverted else 1) >= 0).all()
    np.testing.assert_allclose(scaling.turned().apply(LEVELS), scaling.apply(255 - LEVELS), rtol=1e-4, atol=1e-3)


@given(NUMBERS, st.floats(0.001, 1000).map(lambda width: round(width, 3)))
def test_a_range_has_its_ends(low: float, width: float) -> None:
    scaling = PixelScaling.between(low, low + width)
    assert (scaling.black, scaling.white) == pytest.approx((low, low + width), abs=1e-6)


@given(st.text(alphabet="0123456789.-+e mneastdivr", max_size=20))
def test_any_text_is_a_scaling_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        assert np.isfinite(PixelScaling.parse(text).apply(LEVELS)).all()


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("0..1", (0, 1)),
        ("0..255", (0, 255)),
        ("-1..1", (-1, 1)),
        ("-.5...5", (-0.5, 0.5)),
        ("0..1 inverted", (1, 0)),
        ("mean 0.1307 std 0.3081", (-0.1307 / 0.3081, 0.8693 / 0.3081)),
        ("mean 33.3184 std 1", (-33.3184, 221.6816)),
        ("mean 0.5 std 0.5", (-1, 1)),
        ("mean 0 std 255", (0, 1)),
        ("mean 0 std 1", (0, 1)),
        (" -500000..1e6 ", (-500_000, 1_000_000)),
        ("mean 0.1307 std 0.3081 inverted", (0.8693 / 0.3081, -0.1307 / 0.3081)),
    ],
)
def test_the_formulas_of_tutorials(text: str, ends: tuple[float, float]) -> None:
    """Black and white; a mean or deviation above 1 is one of pixels 0..255."""
    scaling = PixelScaling.parse(text)
    assert (scaling.black, scaling.white) == pytest.approx(ends)


@pytest.mark.parametrize(
    "text", ["", "1", "0-1", "1..0", "1..1", "0..nan", "mean 0.1 std 0", "0..1 upside down", "0..1e7", "-1e7..0"]
)
def test_what_is_no_scaling_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        PixelScaling.parse(text)


def test_a_scaling_that_makes_all_pixels_the_same_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match=r"turns 0\.\.255 into 1\.\.1\. Give a range of two different numbers"):
        PixelScaling("flat", 0.0, 1.0)


def test_the_likeliest_convention_is_first_and_none_is_there_twice() -> None:
    assert [scaling.name for scaling in PIXEL_CONVENTIONS[:2]] == ["0..1", "0..255"]
    assert len({(scaling.scale, scaling.offset) for scaling in PIXEL_CONVENTIONS}) == len(PIXEL_CONVENTIONS) == 14


def test_pixels_in_0_to_1_are_those_of_a_training() -> None:
    assert np.array_equal(PixelScaling.between(0, 1).apply(LEVELS), LEVELS / np.float32(255))
