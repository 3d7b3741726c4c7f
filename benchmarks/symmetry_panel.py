"""Drawings with symmetries, by code that has nothing to do with our renderer: predicates on points, 8 x 8 to a pixel.

Coordinates are those of the language (y up, the shorter side spans -1 to 1). A drawing is a background and painted
predicates; each has a wanted operation, which a program that has understood it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Inside = Callable[[Array, Array], Mask]
Colour = tuple[float, float, float]

SAMPLES = 8
"""Samples along each side of a pixel."""


@dataclass(frozen=True)
class Drawing:
    """A name, the operations any of which shows that the symmetry was found, and what is painted in order."""

    name: str
    wanted: tuple[str, ...]
    background: Colour
    painted: Sequence[tuple[Inside, Colour]]

    def picture(self, size: int) -> npt.NDArray[np.float32]:
        """RGB (size, size, 3) in [0, 1]."""
        place = (np.arange(size * SAMPLES) + 0.5) / (size * SAMPLES / 2) - 1
        x, y = np.meshgrid(place, -place)
        fine = np.empty((*x.shape, 3), np.float32)
        fine[:] = self.background
        for inside, colour in self.painted:
            fine[inside(x, y)] = colour
        return fine.reshape(size, SAMPLES, size, SAMPLES, 3).mean((1, 3))


def turned(inside: Inside, degrees: float) -> Inside:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return lambda x, y: inside(c * x + s * y, c * y - s * x)


def placed(inside: Inside, cx: float, cy: float) -> Inside:
    return lambda x, y: inside(x - cx, y - cy)


def some(parts: Sequence[Inside]) -> Inside:
    """The union."""
    return lambda x, y: np.logical_or.reduce([part(x, y) for part in parts])


def around(inside: Inside, count: int, first: float = 0.0, step: float | None = None) -> Inside:
    """`count` copies at equal angles about the origin, from `first` degrees on."""
    each = 360.0 / count if step is None else step
    return some([turned(inside, first + each * k) for k in range(count)])


def disc(radius: float, cx: float = 0.0, cy: float = 0.0) -> Inside:
    return lambda x, y: np.hypot(x - cx, y - cy) < radius


def oval(rx: float, ry: float, cx: float = 0.0, cy: float = 0.0) -> Inside:
    return lambda x, y: np.hypot((x - cx) / rx, (y - cy) / ry) < 1


def band(radius: float, width: float, cx: float = 0.0, cy: float = 0.0) -> Inside:
    return lambda x, y: np.abs(np.hypot(x - cx, y - cy) - radius) < width / 2


def oval_band(rx: float, ry: float, width: float) -> Inside:
    """Between two ellipses."""
    outer, inner = oval(rx + width / 2, ry + width / 2), oval(rx - width / 2, ry - width / 2)
    return lambda x, y: outer(x, y) & ~inner(x, y)


def block(half_width: float, half_height: float, cx: float = 0.0, cy: float = 0.0, rounding: float = 0.0) -> Inside:
    def inside(x: Array, y: Array) -> Mask:
        over_x = np.maximum(np.abs(x - cx) - half_width + rounding, 0)
        over_y = np.maximum(np.abs(y - cy) - half_height + rounding, 0)
        if rounding == 0.0:
            return (over_x <= 0) & (over_y <= 0)
        return np.asarray(np.hypot(over_x, over_y) < rounding)

    return inside


def line(ax: float, ay: float, bx: float, by: float, width: float) -> Inside:
    """A straight stroke with round ends."""

    def inside(x: Array, y: Array) -> Mask:
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
        return np.asarray(np.hypot(x - ax - along * dx, y - ay - along * dy) < width / 2)

    return inside


def corners(*points: tuple[float, float]) -> Inside:
    """A polygon, by the even-odd rule."""

    def inside(x: Array, y: Array) -> Mask:
        odd = np.zeros(x.shape, bool)
        for (ax, ay), (bx, by) in zip(points, (*points[1:], points[0])):
            if ay != by:
                odd ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * (bx - ax) / (by - ay))
        return odd

    return inside


def _butterfly() -> list[tuple[Inside, Colour]]:
    upper = some([turned(oval(0.42, 0.27, 0.42, 0.0), 38.0), oval(0.2, 0.16, 0.55, 0.45)])
    lower = turned(oval(0.3, 0.2, 0.36, 0.0), -42.0)
    spot = disc(0.1, 0.4, 0.33)
    feeler = line(0.02, 0.3, 0.22, 0.72, 0.035)

    def both(inside: Inside) -> Inside:
        return lambda x, y: inside(np.abs(x), y)

    return [
        (both(upper), (0.88, 0.42, 0.12)), (both(lower), (0.75, 0.2, 0.35)), (both(spot), (0.98, 0.9, 0.6)),
        (both(feeler), (0.16, 0.12, 0.1)), (oval(0.07, 0.42), (0.16, 0.12, 0.1)),
    ]  # fmt: skip


def _face() -> list[tuple[Inside, Colour]]:
    def both(inside: Inside) -> Inside:
        return lambda x, y: inside(np.abs(x - 0.06), y)

    dark = (0.2, 0.13, 0.1)
    ear = corners((0.22, 0.42), (0.66, 0.9), (0.68, 0.2))
    smile = lambda x, y: (np.abs(np.hypot(x, y - 0.02) - 0.36) < 0.035) & (y < -0.12)  # noqa: E731
    return [
        (both(ear), (0.8, 0.52, 0.25)), (placed(oval(0.72, 0.62, 0.0, -0.1), 0.06, 0.0), (0.93, 0.66, 0.35)),
        (both(oval(0.09, 0.13, 0.27, 0.1)), dark), (both(line(0.16, 0.32, 0.38, 0.36, 0.05)), dark),
        (both(disc(0.1, 0.42, -0.2)), (0.95, 0.5, 0.42)), (placed(smile, 0.06, 0.0), dark),
    ]  # fmt: skip


def drawings() -> list[Drawing]:
    """The panel."""
    white, ink = (1.0, 1.0, 1.0), (0.13, 0.16, 0.23)
    polar, grid = ("repeat_polar",), ("repeat_grid",)
    gold, red, blue, green = (0.91, 0.7, 0.3), (0.82, 0.25, 0.28), (0.2, 0.45, 0.75), (0.25, 0.6, 0.4)
    petal = oval(0.36, 0.14, 0.46, 0.0)
    tooth = corners((0.5, -0.13), (0.82, -0.08), (0.82, 0.08), (0.5, 0.13))
    arm = some([
        line(0.0, 0.0, 0.85, 0.0, 0.07), line(0.45, 0.0, 0.65, 0.2, 0.06), line(0.45, 0.0, 0.65, -0.2, 0.06),
        line(0.25, 0.0, 0.37, 0.12, 0.05), line(0.25, 0.0, 0.37, -0.12, 0.05),
    ])  # fmt: skip
    hub = disc(0.62)
    gear = some([hub, around(tooth, 10, 7.0)])
    bricks = some([
        block(0.17, 0.075, -0.9 + 0.4 * k + 0.2 * (row % 2), -0.8 + 0.2 * row, 0.03) for row in range(9) for k in range(6)
    ])  # fmt: skip
    dots = some([disc(0.08, -0.65 + 0.3 * i, -0.4 + 0.28 * j) for i in range(5) for j in range(4)])
    bars = some([block(0.05, 0.5, -0.7 + 0.22 * k, -0.1) for k in range(7)])
    return [
        Drawing("rosette", polar, ink, [(around(petal, 9, 20.0), gold), (disc(0.16), red)]),
        Drawing("gear", polar, (0.92, 0.93, 0.9), [(placed(gear, 0.1, -0.05), ink), (disc(0.25, 0.1, -0.05), (0.92, 0.93, 0.9))]),
        Drawing("dots", grid, white, [(dots, blue)]),
        Drawing("snowflake", polar, blue, [(around(arm, 6, 30.0), white)]),
        Drawing("flower", polar, (0.8, 0.9, 0.8), [
            (around(oval(0.33, 0.19, 0.5, 0.0), 6, 10.0), red), (around(oval(0.33, 0.15, 0.5, 0.0), 6, 40.0), gold), (disc(0.24), ink),
        ]),
        Drawing("sunburst", polar, (0.35, 0.6, 0.85), [
            (around(corners((0.0, 0.0), (1.6, -0.16), (1.6, 0.16)), 16, 5.0), (0.95, 0.8, 0.4)), (disc(0.38), red),
        ]),
        Drawing("wheel", polar, white, [(band(0.72, 0.16), ink), (around(block(0.36, 0.035, 0.36, 0.0), 7, 12.0), ink), (disc(0.14), ink)]),
        Drawing("butterfly", ("mirror",), (0.87, 0.93, 0.96), _butterfly()),
        Drawing("face", ("mirror",), (0.55, 0.75, 0.7), _face()),
        Drawing("bricks", grid, (0.85, 0.82, 0.78), [(bricks, (0.65, 0.3, 0.22))]),
        Drawing("bars", grid, (0.95, 0.95, 0.9), [(bars, green)]),
        Drawing("atom", polar, white, [
            (some([turned(oval_band(0.85, 0.32, 0.07), 60.0 * k + 90) for k in range(3)]), blue), (disc(0.13), red),
        ]),
    ]  # fmt: skip
