"""The rotations and reflections of a figure about its centre.

About a centre a figure is sampled in polar coordinates, where a rotation is a shift of the angle and a reflection is a
shift of its reverse. So one Fourier transform along the angle tells, as a correlation does, how much the figure differs
from itself under all of them. What another layer hides has no weight.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from refine.figures import Canvas, Figure
from refine.sketch import Point

MOST_COPIES = 40
"""The largest number of copies about a centre that is looked for."""
LARGEST_SHARE = 0.15
"""The difference from a copy as a share of that at any other angle: what looks alike at all angles has no symmetry to
tell of."""
ANGLES = 512
"""Samples of a full turn."""


@dataclass(frozen=True)
class PointSymmetry:
    """A centre (scene), the number of copies about it (1 for none but a mirrored one), the angle (degrees) of an axis
    of reflection through it or None, and the largest squared difference (pixels) from any of the copies."""

    center: Point
    count: int
    axis: float | None
    mismatch: float


def point_symmetry(figure: Figure, canvas: Canvas) -> PointSymmetry | None:
    """The rotations and reflections of a figure about the centre of what is seen of it; None where there are none."""
    best: PointSymmetry | None = None
    for center in _centers(figure, canvas):
        found = _Turning(figure, center, canvas).symmetry()
        if found and (best is None or (found.count, -found.mismatch) > (best.count, -best.mismatch)):
            best = found
    return best


def with_common_centers(
    found: Sequence[tuple[Figure, PointSymmetry]], unit: float
) -> list[tuple[Figure, PointSymmetry]]:
    """The same with centres of rotation that nearly agree made one: their mean, or the origin where that is near."""
    result = []
    for figure, one in found:
        if one.count > 1:
            near = [o for _, o in found if o.count > 1 and np.hypot(*np.subtract(o.center, one.center)) < 0.7 * unit]
            x, y = np.mean([o.center for o in near], 0)
            one = replace(one, center=(float(x), float(y)) if np.hypot(x, y) > 0.2 * unit else (0.0, 0.0))
        result.append((figure, one))
    return result


def _centers(figure: Figure, canvas: Canvas) -> list[Point]:
    """The centroid of what is seen, that of the whole where much is hidden, and the origin where that is near."""
    seen = figure.cover * figure.known
    centers = [canvas.centroid(seen)]
    if float(figure.cover.sum()) > 1.02 * max(float(seen.sum()), 1e-9):
        centers.append(canvas.centroid(figure.cover))
    if np.hypot(*centers[0]) < 4.0 * canvas.unit:
        centers.append((0.0, 0.0))
    return centers


class _Turning:
    """A figure's squared difference from itself turned or reflected about a centre, as Fourier series of the angle."""

    def __init__(self, figure: Figure, center: Point, canvas: Canvas) -> None:
        self.center = center
        rows, columns = np.nonzero(figure.cover > 0.5)
        x, y = canvas.x[rows, columns] - center[0], canvas.y[rows, columns] - center[1]
        reach = float(np.hypot(x, y).max()) + canvas.unit if len(x) else canvas.unit
        step = max(canvas.unit, reach / 80)
        radii = np.arange(0.5 * step, reach + step, step)
        angles = 2.0 * np.pi * np.arange(ANGLES) / ANGLES
        px = center[0] + radii[:, None] * np.cos(angles)
        py = center[1] + radii[:, None] * np.sin(angles)
        cover, known = canvas.sampled([figure.cover, figure.known], px, py)
        weight = np.where(known > 0.99, np.sqrt(radii)[:, None], 0.0)
        first, second, weights = (np.fft.rfft(a, axis=1) for a in (weight * cover, weight * cover**2, weight))
        area = step * 2.0 * np.pi / ANGLES / canvas.unit**2 / ANGLES
        twice = np.full(first.shape[1], 2.0 * area)
        twice[0] = area
        # Sum over the angle of w w' (f - f')², as a Fourier series in the angle between the two.
        self.turning = twice * (2.0 * (second.conj() * weights).real - 2.0 * np.abs(first) ** 2).sum(0)
        self.reflecting = twice * (2.0 * second * weights - 2.0 * first**2).sum(0)
        self.orders = np.arange(first.shape[1])
        # The mean over all angles.
        self.usual = float(self.turning[0])
        self.limit = min(figure.tolerance, LARGEST_SHARE * self.usual)

    def symmetry(self) -> PointSymmetry | None:
        """The most copies and, where there is one, their axis; None for neither."""
        count = self.count()
        axis, difference = self.axis(count)
        straight = difference < self.limit
        if count == 1 and not straight:
            return None
        mismatch = max(self.turned(count), difference if straight else 0.0) if count > 1 else difference
        return PointSymmetry(self.center, count, axis if straight else None, mismatch)

    def turned(self, count: int) -> float:
        """The largest difference (pixels) under the rotations of `count` copies."""
        angles = 2.0 * np.pi * np.arange(1, count // 2 + 1) / count
        return float((np.cos(angles[:, None] * self.orders) @ self.turning).max())

    def count(self) -> int:
        """The most copies under whose rotations the figure is unchanged; 1 for none."""
        if self.usual < 2.0:
            return 1
        return next((n for n in range(MOST_COPIES, 1, -1) if self.turned(n) < self.limit), 1)

    def axis(self, count: int) -> tuple[float, float]:
        """The angle (degrees, within half a step) of the best axis for `count` copies, and the difference (pixels)
        there."""
        values = np.fft.irfft(self.reflecting / np.where(self.orders > 0, 2.0, 1.0), ANGLES) * ANGLES
        # values[k] belongs to the axis at k/ANGLES of half a turn; the worst of `count` axes at equal angles counts.
        half = np.arange(ANGLES // count)
        places = half[:, None] + ANGLES / count * np.arange(count)
        worst = np.interp(places, np.arange(ANGLES), values, period=ANGLES).max(1)
        best = int(worst.argmin())
        low, here, high = worst[best - 1], worst[best], worst[(best + 1) % len(worst)]
        bend = low - 2.0 * here + high
        shift = 0.5 * (low - high) / bend if bend > 1e-9 and count == 1 else 0.0
        return 180.0 / ANGLES * (best + float(np.clip(shift, -0.5, 0.5))), float(here)
