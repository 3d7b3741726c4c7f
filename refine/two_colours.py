"""Two-colour pictures as a coverage mask and two colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from shaderdsl.printer import colour_text, number_text

PURE = 0.1
"""A pixel this near to one of the two colours, as a share of the way to the other, has that colour."""
MOSTLY_PURE = 0.6
"""Share of pixels that must be pure in a two-colour picture; the rest are antialiased edges."""
OFF_LINE = 0.12
"""How far a pixel's colour may lie from the blends of the two colours."""
STRAYS = 0.03
"""Share of pixels that may lie farther."""
DISTINCT = 0.15
"""The least distance between the two colours, in premultiplied RGBA."""


@dataclass(frozen=True)
class TwoColours:
    """A picture that one colour covers in part. `coverage` (h, w) in [0, 1]; colours are premultiplied RGBA (4,)."""

    coverage: npt.NDArray[np.float64]
    background: npt.NDArray[np.float64]
    foreground: npt.NDArray[np.float64]

    def text(self, shape: str | None) -> str:
        """The program that paints `shape` in the foreground's colour; None paints nothing."""
        opaque = self.background[3] > 0.5
        lines = [f"scene 2d(background = {_hexadecimal(self.background) if opaque else 'none'})"]
        if shape is not None:
            layer = f"({shape}).fill({_hexadecimal(self.foreground)})"
            if self.foreground[3] < 0.98:
                layer += f".opacity({number_text(round(float(self.foreground[3]), 3), '')})"
            lines.append(layer)
        return "\n".join(lines)


def _hexadecimal(premultiplied: npt.NDArray[np.float64]) -> str:
    straight = np.clip(premultiplied[:3] / max(premultiplied[3], 1e-6), 0.0, 1.0)
    return colour_text(*(round(float(c) * 255.0) / 255.0 for c in straight))


def separate(picture: npt.ArrayLike) -> TwoColours | None:
    """The two colours of premultiplied RGBA (h, w, 4), or None where it has only one, or more than two.

    The background is what is transparent, else what is nearly white (paper), else what covers most of the border.
    """
    image = np.asarray(picture, np.float64)
    pixels = image.reshape(-1, 4)
    first = _commonest(pixels, np.ones(len(pixels), bool))
    others = np.abs(pixels - first).max(1) > DISTINCT
    if not others.any():
        return None
    second = _commonest(pixels, others)
    axis = second - first
    place = (pixels - first) @ axis / (axis @ axis)
    off = np.abs(pixels - first - np.clip(place, 0.0, 1.0)[:, None] * axis).max(1)
    pure = (place < PURE) | (place > 1.0 - PURE)
    if pure.mean() < MOSTLY_PURE or (off > OFF_LINE).mean() > STRAYS:
        return None
    part = np.clip(place, 0.0, 1.0).reshape(image.shape[:2])
    border = np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]])
    if min(first[3], second[3]) < 0.02:
        swap = second[3] < first[3]
    elif min(first[3], second[3]) < 0.98:
        return None
    elif max(first[:3].min(), second[:3].min()) > 0.9:
        swap = second[:3].min() > first[:3].min()
    else:
        swap = border.mean() > 0.5
    return TwoColours(1.0 - part, second, first) if swap else TwoColours(part, first, second)


def _commonest(pixels: npt.NDArray[np.float64], among: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """The median of the pixels in the fullest cell of a colour histogram, and of those near it."""
    chosen = pixels[among]
    cells = np.round(np.clip(chosen, 0.0, 1.0) * 15.0).astype(np.int64) @ np.array([4096, 256, 16, 1])
    names, counts = np.unique(cells, return_counts=True)
    middle = np.median(chosen[cells == names[counts.argmax()]], axis=0)
    near = np.abs(chosen - middle).max(1) < 0.05
    return np.asarray(np.median(chosen[near], axis=0) if near.any() else middle)
