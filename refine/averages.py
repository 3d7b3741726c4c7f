"""A figure averaged over its copies, and shapes for a part of the average.

Each copy shows the same thing on other pixels, and some may be hidden; so the average is sharper than any of them and
knows more. A part of it is explained by shapes as any mask is (`refine.primitives`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import ndimage

from refine.figures import Canvas, Figure
from refine.primitives import Explanation, explain
from refine.sketch import Path, Point, Polygon, SketchShape, Symmetry, in_frame

OVERLAP = 2.5
"""Pixels that a part reaches across the line where it meets its copy, so that no seam is left."""

Placement = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Maps x and y about a symmetry's centre to where one of the copies has them in the scene."""

Drawn = list[tuple[SketchShape, "Symmetry | None"]]
"""Shapes that replace a figure, each with its symmetry."""


@dataclass(frozen=True)
class Average:
    """The mean of a figure's copies, on pixels about the symmetry's centre: coverage (h, w) in [0, 1], where any copy
    shows it (h, w, bool), and the pixels' places x and y (h, w) from the centre, in scene units, of which a pixel's
    side has `unit`."""

    cover: np.ndarray
    known: np.ndarray
    x: np.ndarray
    y: np.ndarray
    unit: float

    @cached_property
    def radius(self) -> np.ndarray:
        """The pixels' distances (h, w) from the centre in scene units."""
        return np.asarray(np.hypot(self.x, self.y))

    @cached_property
    def angle(self) -> np.ndarray:
        """The pixels' directions (h, w) from the centre in radians, in (-π, π]."""
        return np.asarray(np.arctan2(self.y, self.x))

    @property
    def corner(self) -> Point:
        """The upper left corner from the centre, in scene units."""
        return (float(self.x[0, 0]) - self.unit / 2, float(self.y[0, 0]) + self.unit / 2)

    def places(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Rows and columns, in fractions of pixels, of points from the centre in scene units (any shape)."""
        height, width = self.cover.shape
        return [height / 2 - y / self.unit - 0.5, width / 2 + x / self.unit - 0.5]

    def polar_places(self, radius: np.ndarray | float, angle: np.ndarray) -> list[np.ndarray]:
        """The same for radii (scene units) and angles (radians)."""
        return self.places(radius * np.cos(angle), radius * np.sin(angle))


def averaged(figure: Figure, canvas: Canvas, reach: Point, placements: Sequence[Placement]) -> Average:
    """The mean of the figure's copies at `placements`; `reach` is half of the average's width and height in scene
    units."""
    half_width, half_height = (int(np.ceil(r / canvas.unit)) + 4 for r in reach)
    rows, columns = np.mgrid[: 2 * half_height, : 2 * half_width]
    x, y = (columns + 0.5 - half_width) * canvas.unit, (half_height - rows - 0.5) * canvas.unit
    cover, weight = np.zeros(x.shape), np.zeros(x.shape)
    smooth = ndimage.spline_filter(figure.cover, 3)
    for placement in placements:
        places = canvas.places(*placement(x, y))
        known = np.where(ndimage.map_coordinates(figure.known, places, order=1) > 0.99, 1.0, 0.0)
        cover += ndimage.map_coordinates(smooth, places, order=3, prefilter=False) * known
        weight += known
    return Average(np.clip(cover / np.maximum(weight, 1.0), 0.0, 1.0), weight > 0, x, y, canvas.unit)


def placements_about(center: Point, count: int, axis: float | None) -> list[Placement]:
    """Those of `count` rotations about a centre (scene) and, with an axis (degrees), of as many reflections."""

    def placement(turn: float, flip: bool) -> Placement:
        c, s = np.cos(turn), np.sin(turn)
        fc, fs = (np.cos(2 * np.radians(axis or 0.0)), np.sin(2 * np.radians(axis or 0.0)))

        def at(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if flip:
                x, y = fc * x + fs * y, fs * x - fc * y
            return center[0] + c * x - s * y, center[1] + s * x + c * y

        return at

    turns = 2.0 * np.pi * np.arange(count) / count
    return [placement(turn, flip) for flip in ([False, True] if axis is not None else [False]) for turn in turns]


@dataclass(frozen=True)
class Explainer:
    """Explains parts of an average by shapes that are `allowed`, or of those by `outlines` alone, which can be refined
    further."""

    allowed: Callable[[SketchShape], bool]
    outlines: bool

    def best(self, average: Average, target: np.ndarray, known: np.ndarray, copies: int) -> Explanation | None:
        """The best explanation of a coverage `target` (h, w) on the average's pixels, of which those `known` (h, w,
        bool) count; its shapes lie in scene units about the centre. An error shows in each of the `copies`. None where
        there is nothing."""
        rows, columns = np.nonzero(target > 0.02)
        if not len(rows):
            return None
        window = (
            slice(max(int(rows.min()) - 3, 0), int(rows.max()) + 4),
            slice(max(int(columns.min()) - 3, 0), int(columns.max()) + 4),
        )
        corner = (
            average.corner[0] + window[1].start * average.unit,
            average.corner[1] - window[0].start * average.unit,
        )
        options = explain(target[window], known[window], allowed=self._usable, importance=float(copies))
        if not options:
            return None
        return options[0]._replace(shapes=tuple(in_frame(shape, corner, average.unit) for shape in options[0].shapes))

    def _usable(self, shape: SketchShape) -> bool:
        return self.allowed(shape) and (not self.outlines or isinstance(shape, (Path, Polygon)))
