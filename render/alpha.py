"""Alpha: premultiplied, straight, and over white. Pictures are float32 (..., 4) in [0, 1]."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]


def premultiplied(straight_alpha: Float) -> Float:
    """Colours multiplied by alpha."""
    result = straight_alpha.copy()
    result[..., :3] *= result[..., 3:]
    return result


def straight(premultiplied_alpha: Float) -> Float:
    """Colours divided by alpha, black where alpha is 0; clamped to [0, 1]."""
    result = np.clip(premultiplied_alpha, 0.0, 1.0).astype(np.float32, copy=False)
    alpha = result[..., 3:]
    np.divide(result[..., :3], alpha, out=result[..., :3], where=alpha > 0.0)
    return np.clip(result, 0.0, 1.0, out=result)


def over_white(premultiplied_alpha: Float) -> Float:
    """(..., 3): as it looks on white paper; clamped to [0, 1]."""
    return np.clip(premultiplied_alpha[..., :3] + (1.0 - premultiplied_alpha[..., 3:]), 0.0, 1.0)
