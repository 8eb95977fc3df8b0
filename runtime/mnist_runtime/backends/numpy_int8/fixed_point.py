"""TFLite's fixed-point arithmetic on NumPy arrays, bit for bit.

An int8 kernel multiplies a sum by a real number below one, stored as a 31-bit integer and a power of two. It rounds
twice: `high_product` rounds ties up, `shift_right` away from zero.

Sources: B. Jacob et al., "Quantization and Training of Neural Networks for Efficient Integer-Arithmetic-Only
Inference", CVPR 2018, section 2.2; gemmlowp, ``fixedpoint.h``, for the roundings.
"""

import math

import numpy as np
import numpy.typing as npt

__all__ = [
    "Integers",
    "exp_of_negative",
    "high_product",
    "quantized_multiplier",
    "reciprocal",
    "rescale",
    "rescale_once",
    "shift_right",
]

Integers = npt.NDArray[np.int64]
"""32-bit integers stored in 64 bits, so that the product of two is exact."""

INT32_MAX = (1 << 31) - 1
INT32_MIN = -(1 << 31)


def quantized_multiplier(real: float) -> tuple[int, int]:
    """Return ``multiplier, shift`` with `real` close to ``multiplier * 2 ** (shift - 31)``.

    Examples
    --------
    >>> quantized_multiplier(1.0)
    (1073741824, 1)
    """
    fraction, shift = math.frexp(real)
    multiplier = math.floor(fraction * (1 << 31) + 0.5)  # exact: the fraction has 53 bits
    if multiplier == 1 << 31:
        multiplier, shift = multiplier // 2, shift + 1
    return (multiplier, shift) if shift >= -31 else (0, 0)


def high_product(a: Integers, b: Integers | int) -> Integers:
    """Return ``a * b / 2 ** 31`` rounded, ties up; -2 ** 31 times itself saturates.

    gemmlowp truncates negative products after subtracting less than a half, which gives the same: for ``a * b =
    -(q * 2 ** 31 + r)`` both give ``-q`` if ``r <= 2 ** 30``, else ``-q - 1``.
    """
    product: Integers = np.minimum((a * b + (1 << 30)) >> 31, INT32_MAX)
    return product


def shift_right(x: Integers, bits: Integers | int) -> Integers:
    """Return ``x / 2 ** bits`` rounded, ties away from zero."""
    half = (np.int64(1) << np.asarray(bits, np.int64)) >> 1
    # Subtracting one from a negative number moves its ties, and only those, below the half.
    return np.asarray((x + half - ((x < 0) & (half > 0))) >> bits, np.int64)


def shift_left(x: Integers, bits: int) -> Integers:
    """Return ``x * 2 ** bits``, saturated to 32 bits."""
    shifted: Integers = np.clip(x << bits, INT32_MIN, INT32_MAX)
    return shifted


def rescale(x: Integers, multiplier: Integers | int, shift: Integers | int) -> Integers:
    """Return ``x * multiplier * 2 ** (shift - 31)``, with TFLite's two roundings.

    In TFLite, a left shift beyond 32 bits wraps, here it does not; converters write none.
    """
    return shift_right(high_product(x << np.maximum(shift, 0), multiplier), np.maximum(-np.asarray(shift), 0))


def rescale_once(x: Integers, multiplier: Integers | int, shift: Integers | int) -> Integers:
    """Return ``x * multiplier * 2 ** (shift - 31)``, rounded once, ties up."""
    bits = 31 - np.asarray(shift, np.int64)
    return np.asarray((x * multiplier + (np.int64(1) << (bits - 1))) >> bits, np.int64)


def exp_of_negative(x: Integers) -> Integers:
    """Return ``exp(x)`` with 31 fractional bits, for `x` at or below 0 with 26 fractional bits.

    A Taylor polynomial around -1/8 computes the part below a multiple of 1/4. Each set bit of the multiple is a factor.
    """
    quarter = 1 << 24
    rest = (x & (quarter - 1)) - quarter
    result = _exp_of_quarter(rest << 5)
    quarters = rest - x
    for place, power in enumerate((-0.25, -0.5, -1.0, -2.0, -4.0, -8.0, -16.0)):
        factor = math.floor(math.exp(power) * (1 << 31) + 0.5)
        result = np.where(quarters & (quarter << place), high_product(result, factor), result)
    exponential: Integers = np.where(x == 0, INT32_MAX, result)
    return exponential


def _exp_of_quarter(x: Integers) -> Integers:
    """Return ``exp(x)`` for `x` from -1/4 to 0, both with 31 fractional bits."""
    middle = math.floor(math.exp(-1 / 8) * (1 << 31) + 0.5)
    third = math.floor((1 << 31) / 3 + 0.5)
    x = x + (1 << 28)
    square = high_product(x, x)
    cube = high_product(square, x)
    fourth = shift_right(high_product(square, square), 2)
    higher = shift_right(high_product(fourth + cube, third) + square, 1)
    return middle + high_product(x + higher, middle)


def reciprocal(x: Integers) -> tuple[Integers, Integers]:
    """Return ``y, bits`` with ``1 / x`` close to ``y * 2 ** (-31 - bits)``, for `x` above 0 with 19 fractional bits.

    It uses three Newton-Raphson steps.
    """
    width = np.frexp(x.astype(np.float64))[1].astype(np.int64)  # position of the leading one; exact below 2 ** 53
    half_denominator = ((x << (32 - width)) - (1 << 31) + INT32_MAX + 1) >> 1
    estimate = 1515870810 + high_product(half_denominator, -1010580540)  # 48 / 17 and -32 / 17, 29 fractional bits
    for _ in range(3):
        error = (1 << 29) - high_product(half_denominator, estimate)
        estimate = estimate + shift_left(high_product(estimate, error), 2)
    return shift_left(estimate, 1), 12 - (32 - width)
