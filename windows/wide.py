"""Integers of 128 bits for kernels, so that sums of squares stay exact.

A value is a pair (high, low) of uint64 and stands for high * 2**64 + low modulo 2**128. Sums and products
wrap around; a difference of two wrapped prefix sums is exact as long as the true result is below 2**128.
"""

import numpy as np

from windows.jit import lean

Wide = tuple[np.uint64, np.uint64]


@lean
def add(a_high: np.uint64, a_low: np.uint64, b_high: np.uint64, b_low: np.uint64) -> Wide:
    """Sum of a and b."""
    low = a_low + b_low
    carry = np.uint64(1) if low < a_low else np.uint64(0)
    return a_high + b_high + carry, low


@lean
def subtract(a_high: np.uint64, a_low: np.uint64, b_high: np.uint64, b_low: np.uint64) -> Wide:
    """Difference of a and b."""
    borrow = np.uint64(1) if a_low < b_low else np.uint64(0)
    return a_high - b_high - borrow, a_low - b_low


@lean
def multiply(a: np.uint64, b: np.uint64) -> Wide:
    """Product of two unsigned 64-bit integers, by 32-bit halves."""
    half = np.uint64(32)
    mask = np.uint64(0xFFFFFFFF)
    a0, a1 = a & mask, a >> half
    b0, b1 = b & mask, b >> half
    low = a0 * b0
    cross = a1 * b0 + (low >> half)
    middle = a0 * b1 + (cross & mask)
    return a1 * b1 + (cross >> half) + (middle >> half), (middle << half) | (low & mask)


@lean
def multiply_signed(a: np.int64, b: np.int64) -> Wide:
    """Product of two signed integers, in two's complement."""
    high, low = multiply(
        np.uint64(-a) if a < 0 else np.uint64(a),
        np.uint64(-b) if b < 0 else np.uint64(b),
    )
    if (a < 0) != (b < 0):
        return subtract(np.uint64(0), np.uint64(0), high, low)
    return high, low
