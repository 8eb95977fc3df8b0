"""The roundings, compared with definitions in Python integers."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from mnist_runtime.backends.numpy_int8.fixed_point import (
    exp_of_negative,
    high_product,
    quantized_multiplier,
    reciprocal,
    rescale,
    rescale_once,
    shift_right,
)

INT32 = st.integers(-(1 << 31), (1 << 31) - 1)


def array(x: int) -> np.ndarray:
    return np.array([x], np.int64)


def truncated(a: int, b: int) -> int:
    return abs(a) // b * (1 if a >= 0 else -1)


def saturating_rounding_doubling_high_product(a: int, b: int) -> int:
    """Gemmlowp's definition."""
    if a == b == -(1 << 31):
        return (1 << 31) - 1
    nudge = 1 << 30 if a * b >= 0 else 1 - (1 << 30)
    return truncated(a * b + nudge, 1 << 31)


def rounding_divide_by_power_of_two(x: int, bits: int) -> int:
    nearest = math.floor(Fraction(abs(x), 1 << bits) + Fraction(1, 2))
    return nearest if x >= 0 else -nearest


@given(INT32, INT32)
@example(-(1 << 31), -(1 << 31))
@example(1 << 30, -1)
@example(1 << 30, 1)
@example((1 << 30) + 1, -1)
def test_high_product(a: int, b: int) -> None:
    assert high_product(array(a), array(b)).item() == saturating_rounding_doubling_high_product(a, b)


@given(INT32, st.integers(0, 31))
@example(-3, 1)
@example(3, 1)
@example(-(1 << 31), 31)
def test_shift_right(x: int, bits: int) -> None:
    assert shift_right(array(x), bits).item() == rounding_divide_by_power_of_two(x, bits)


@given(st.integers(-(1 << 24), 1 << 24), st.integers(1 << 30, (1 << 31) - 1), st.integers(-31, 6))
def test_rescale(x: int, multiplier: int, shift: int) -> None:
    product = saturating_rounding_doubling_high_product(x << max(shift, 0), multiplier)
    assert rescale(array(x), multiplier, shift).item() == rounding_divide_by_power_of_two(product, max(-shift, 0))


@given(st.integers(-(1 << 31), (1 << 31) - 1), st.integers(1 << 30, (1 << 31) - 1), st.integers(-31, 6))
def test_rescale_once(x: int, multiplier: int, shift: int) -> None:
    exact = Fraction(x * multiplier) * Fraction(2) ** (shift - 31)
    assert rescale_once(array(x), multiplier, shift).item() == math.floor(exact + Fraction(1, 2))


@given(st.floats(1e-9, 1e6))
def test_quantized_multiplier(real: float) -> None:
    multiplier, shift = quantized_multiplier(real)
    assert 1 << 30 <= multiplier < 1 << 31
    assert abs(Fraction(multiplier) * Fraction(2) ** (shift - 31) / Fraction(real) - 1) <= Fraction(1, 1 << 31)


def test_a_multiplier_that_is_too_small_is_zero() -> None:
    assert quantized_multiplier(2.0**-40) == (0, 0)


@given(st.integers(-(1 << 31), 0))
def test_exp(x: int) -> None:
    assert abs(exp_of_negative(array(x)).item() / (1 << 31) - math.exp(x / (1 << 26))) < 3e-7


@given(st.integers(1 << 19, (1 << 31) - 1))
def test_reciprocal(x: int) -> None:
    y, bits = reciprocal(array(x))
    assert abs(math.ldexp(y.item(), -31 - bits.item()) * x / (1 << 19) - 1) < 1e-6
