"""How far two pictures are apart."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BEST_PSNR = 99.99
"""Decibels that stand for no difference at all, so that averages and JSON stay finite."""


def mean_squared_error(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """The mean over pixels and channels of the squared difference, in float64; raises ValueError on unequal shapes."""
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.shape != second.shape or first.size == 0:
        raise ValueError(f"pictures of shapes {first.shape} and {second.shape} can not be compared: make them alike")
    return float(np.mean((first - second) ** 2))


def psnr(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """The peak signal-to-noise ratio in decibels for a peak of 1, at most `BEST_PSNR`."""
    error = mean_squared_error(a, b)
    return BEST_PSNR if error <= 10.0 ** (-BEST_PSNR / 10.0) else float(-10.0 * np.log10(error))
