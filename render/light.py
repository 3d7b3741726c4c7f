"""Between what a screen is told (sRGB) and light (IEC 61966-2-1), in NumPy: any shape, values in [0, 1]."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def light_of(shown: npt.ArrayLike) -> npt.NDArray[Any]:
    """The light of sRGB components."""
    values = np.asarray(shown)
    result: npt.NDArray[Any] = np.where(values > 0.04045, ((values + 0.055) / 1.055) ** 2.4, values / 12.92)
    return result


def shown_of(light: npt.ArrayLike) -> npt.NDArray[Any]:
    """The sRGB components of light."""
    values = np.asarray(light)
    result: npt.NDArray[Any] = np.where(values > 0.0031308, 1.055 * np.maximum(values, 0.0) ** (1.0 / 2.4) - 0.055, 12.92 * values)
    return result
