"""Things of several solids from their outlines.

What is round about an axis is a stack of balls, cylinders and cones. The outline's half width along a supposed axis is cut into
few stretches, each a straight side or the arc of a ball; for every number of stretches the best cuts are found exactly, by
dynamic programming over all stretches' least-squares errors. What is made of blocks is covered by upright rectangles, the
largest that fits first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.solid_model import CAMERA_DISTANCE, Numbers, Solid, Thing, angles_of
from refine.solid_patches import Closeup

Array = npt.NDArray[np.float64]

MOST_STRETCHES = 6
"""Solids of a stack."""

ROWS = 48
"""Rows that an outline is looked at in; of these the thinnest stretch has two."""

STRAIGHT = 0.12
"""The share of its half width by which a side may lean and still be a cylinder's."""

TILTS = (0.0, 35.0, -35.0)
"""Degrees by which an axis that does not stand may point to the eye."""

MOST_BLOCKS = 5
YAWS = (-40.0, -20.0, 0.0, 20.0, 40.0)
DEPTHS = (0.12, 0.3)
"""Blocks of a thing; degrees that they may be turned by, and half depths, as shares of the outline's size."""

SLIVER = 0.03
"""The share of an outline that a block has to cover."""

THINNEST = 0.01
"""The least radius of a cone's end, in scene units."""


@dataclass(frozen=True)
class Stretch:
    """A part of an outline, from `low` to `high` along its axis: a straight side with its half widths at both, or a ball's."""

    low: float
    high: float
    sides: tuple[float, float]
    ball: tuple[float, float] | None

    def solid(self, start: Array, axis: Array, stretched: float, angles: Numbers) -> Solid:
        """The solid of this stretch: `start` is the axis' place at 0, and `stretched` what a length along it is larger than it looks."""

        def at(along: float) -> Numbers:
            return tuple(float(v) for v in start + axis * (along * stretched))

        if self.ball is not None:
            middle, radius = self.ball
            return Solid("sphere", (radius,), (), at(middle))
        lower, upper = (max(side, THINNEST) for side in self.sides)
        half = max(0.5 * (self.high - self.low) * stretched, THINNEST)
        place = at(0.5 * (self.low + self.high))
        if abs(upper - lower) < STRAIGHT * max(upper, lower):
            return Solid("cylinder", (0.5 * (lower + upper), half), angles, place)
        return Solid("cone", (lower, upper, half), angles, place)


def stacks(view: Closeup, colour: Numbers) -> Iterator[Thing]:
    """Things of 1 to `MOST_STRETCHES` solids on an axis: one that stands, and those along the patch and across it."""
    _, _, _, angle = view.moments
    across, above, ahead = view.axes
    upright = float(np.arcsin(np.clip(-ahead[1], -1.0, 1.0)))
    ways = [(np.pi / 2, upright)]
    for turned in (angle, angle + np.pi / 2):
        if abs(np.sin(turned - np.pi / 2)) > 0.12:
            ways += [(turned, float(np.radians(tilt))) for tilt in TILTS]
    for turned, tilt in ways:
        along = across * np.cos(turned) + above * np.sin(turned)
        aside = across * np.sin(turned) - above * np.cos(turned)
        axis = along * np.cos(tilt) - ahead * np.sin(tilt)
        angles = angles_of(np.stack([aside, axis, np.cross(aside, axis)], 1), 2)
        stands = abs(tilt - upright) < 1e-9 and turned == np.pi / 2
        places, widths, middle = _profile(view, turned)
        if len(places) < 4:
            continue
        start = view.place + aside * middle
        for stretches in _cut(places, widths):
            seen = _without_ends(stretches, abs(np.sin(tilt)))
            solids = tuple(s.solid(start, axis, 1.0 / float(np.cos(tilt)), () if stands else angles) for s in seen)
            yield Thing(solids, (), colour)


def _profile(view: Closeup, turned: float) -> tuple[Array, Array, float]:
    """Places (n,) along an axis, which is turned by an angle (radians) in the view, half widths (n,) there, and how far to its
    right the axis is; all in scene units at the scene's distance."""
    alpha = view.target(ROWS).image[..., 3].astype(np.float64)
    unit = 2.0 * view.spread * CAMERA_DISTANCE / ROWS
    half = 0.5 * (ROWS - 1)
    steps = np.arange(ROWS) - half
    # Rows go up along the axis, columns to its right.
    up, right = np.meshgrid(steps, steps, indexing="ij")
    columns = half + up * np.cos(turned) + right * np.sin(turned)
    rows = half - up * np.sin(turned) + right * np.cos(turned)
    straight = ndimage.map_coordinates(alpha, [rows, columns], order=1, mode="constant", cval=0.0)
    widths: Array = 0.5 * straight.sum(1, dtype=np.float64)
    inside = np.flatnonzero(widths > 0.3)
    middle = float((straight * steps).sum() / max(straight.sum(), 1e-9))
    if not len(inside):
        return np.zeros(0), np.zeros(0), 0.0
    kept = slice(int(inside[0]), int(inside[-1]) + 1)
    return np.asarray(steps[kept] * unit, np.float64), np.asarray(widths[kept] * unit, np.float64), middle * unit


def _cut(places: Array, widths: Array) -> list[list[Stretch]]:
    """The best cuts of a profile into 1, 2 ... stretches."""
    count = len(places)
    step = float(places[1] - places[0])
    errors = np.full((count + 1, count + 1), np.inf)
    found: dict[tuple[int, int], Stretch] = {}
    for first in range(count):
        for last in range(first + 2, count + 1):
            error, stretch = _stretch(places[first:last], widths[first:last], step)
            errors[first, last], found[first, last] = error, stretch
    least = errors[0].copy()
    came = [np.zeros(count + 1, int)]
    results = [[found[0, count]]]
    for _ in range(MOST_STRETCHES - 1):
        through = least[:, None] + errors
        came.append(through.argmin(0))
        least = through.min(0)
        if not np.isfinite(least[count]):
            break
        stretches, end = [], count
        for previous in reversed(came):
            stretches.append(found[int(previous[end]), end])
            end = int(previous[end])
        results.append(stretches[::-1])
    return results


def _stretch(places: Array, widths: Array, step: float) -> tuple[float, Stretch]:
    """The squared error of the better of a straight side and a ball, and that."""
    low, high = float(places[0] - 0.5 * step), float(places[-1] + 0.5 * step)
    middle = places.mean()
    away = places - middle
    spread = max(float((away * away).sum()), 1e-12)
    slope, level = float((away * widths).sum()) / spread, float(widths.mean())
    straight = float(((widths - level - slope * away) ** 2).sum())
    sides = (max(level + slope * (low - middle), 0.0), max(level + slope * (high - middle), 0.0))
    if len(places) >= 4:
        # On a ball, width² + place² is linear in the place.
        both = widths * widths + away * away
        twice = float((away * both).sum()) / spread
        square = float(both.mean()) + 0.25 * twice * twice
        own = np.sqrt(np.maximum(square - (away - 0.5 * twice) ** 2, 0.0))
        bent = float(((widths - own) ** 2).sum())
        if square > 0.0 and bent < 0.7 * straight:
            return bent, Stretch(low, high, sides, (float(middle) + 0.5 * twice, float(np.sqrt(square))))
    return straight, Stretch(low, high, sides, None)


def _without_ends(stretches: Sequence[Stretch], tilt: float) -> list[Stretch]:
    """The same with the first and the last without what shows of their round ends, whose axis is tilted by an angle of this sine."""
    result = list(stretches)
    for number, which in ((0, 0), (len(result) - 1, 1)):
        one = result[number]
        if one.ball is None:
            inwards = min(one.sides[which] * tilt, 0.4 * (one.high - one.low))
            low, high = (one.low + inwards, one.high) if which == 0 else (one.low, one.high - inwards)
            result[number] = Stretch(low, high, one.sides, None)
    return result


def blocks(view: Closeup, colour: Numbers) -> Iterator[Thing]:
    """Things of 2 to `MOST_BLOCKS` upright boxes, turned alike and equally deep."""
    rectangles = _rectangles(view.target(ROWS).image[..., 3] > 0.5)
    across, above, ahead = view.axes
    rise = float(np.hypot(ahead[0], ahead[2]))
    unit = 2.0 * view.spread * CAMERA_DISTANCE / ROWS
    size = float(np.sqrt(view.moments[0]))
    for yaw in YAWS:
        cosine, sine = float(np.cos(np.radians(yaw))), abs(float(np.sin(np.radians(yaw))))
        for share in DEPTHS:
            depth = share * size
            solids = []
            for left, right, top, bottom in rectangles:
                width, height = (0.5 * unit * v for v in (right - left, bottom - top))
                sizes = ((width - depth * sine) / cosine, (height - depth * abs(float(ahead[1]))) / rise)
                x, y = (0.5 * (left + right) - 0.5 * ROWS) * unit, (0.5 * ROWS - 0.5 * (top + bottom)) * unit
                place = view.place + across * x + above * y
                solids.append(
                    Solid("box", (max(sizes[0], 0.3 * width), max(sizes[1], 0.3 * height), depth), (yaw,), tuple(float(v) for v in place))
                )
            for count in range(2, len(solids) + 1):
                yield Thing(tuple(solids[:count]), (), colour)


def _rectangles(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int, int, int]]:
    """Rectangles (left, right, top, bottom, the ends beyond) that cover a mask, each the one that covers most that is still bare."""
    bare = mask.copy()
    result: list[tuple[int, int, int, int]] = []
    while len(result) < MOST_BLOCKS:
        best, found = SLIVER * float(mask.sum()), None
        for top in range(len(mask)):
            inside = np.ones(mask.shape[1], bool)
            gained = np.zeros(mask.shape[1])
            for bottom in range(top, len(mask)):
                inside &= mask[bottom]
                gained += bare[bottom]
                if not inside.any():
                    break
                edges = np.flatnonzero(np.diff(np.r_[0, inside.astype(np.int8), 0]))
                for left, right in zip(edges[::2], edges[1::2]):
                    gain = float(gained[left:right].sum())
                    if gain > best:
                        best, found = gain, (int(left), int(right), top, bottom + 1)
        if found is None:
            break
        left, right, top, bottom = found
        bare[top:bottom, left:right] = False
        result.append(found)
    return result
