"""Small loops: where a filled outline crosses itself around a speck, which a fit does to shade a pixel or two.

No one draws such loops. They show as slivers and nicks when the picture is drawn at another size, so they are taken out
whenever a program is simplified, and what still has them counts as longer than it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refine.contours import contours_of, outline_of, with_contours
from refine.outlines import flatten_weights
from refine.sketch import Sketch, SketchLayer, Vertex

LARGEST = 4.0
"""Square pixels up to which a loop is a speck."""

STEPS = 4
"""Straight pieces for each quadratic curve."""


def looped(contour: Sequence[Vertex], pixel: float) -> set[int]:
    """The vertices of a closed outline that lie on its small loops; `pixel` is a pixel's side in the outline's units."""
    count = len(contour)
    if count < 4:
        return set()
    on = np.array([vertex[2] for vertex in contour])
    weights = flatten_weights(on, closed=True, steps=STEPS)
    points = weights @ np.array([vertex[:2] for vertex in contour], np.float64)
    owner = weights.argmax(1)
    found: set[int] = set()
    crossings = _crossings(points)
    for first, last, corner in crossings:
        inner = np.arange(first + 1, last + 1)
        outer = np.concatenate([np.arange(last + 1, len(points)), np.arange(first + 1)])
        for part in (inner, outer):
            # A loop with loops of its own is told by those; the area of what crosses itself says nothing.
            sides = set(part[:-1].tolist())
            if any(i in sides and j in sides for i, j, _ in crossings):
                continue
            if _area(np.concatenate([points[part], corner[None]])) < LARGEST * pixel * pixel:
                found |= set(owner[part].tolist())
    return found


def _crossings(points: np.ndarray) -> list[tuple[int, int, np.ndarray]]:
    """Where sides i < j of a closed polygon (n, 2) cross properly: i, j and the point (2,). Side i runs from point i to the next."""
    start, end = points, np.roll(points, -1, 0)
    along = end - start

    def side(of: np.ndarray) -> np.ndarray:
        """Which side of each line (rows) each point (columns) is on."""
        offset = of[None] - start[:, None]
        return np.asarray(along[:, None, 0] * offset[..., 1] - along[:, None, 1] * offset[..., 0])

    apart = side(start) * side(end) < 0.0
    crossing = np.triu(apart & apart.T, 2)
    crossing[0, -1] = False
    found = []
    for i, j in np.argwhere(crossing).tolist():
        offset, turn = start[j] - start[i], along[i, 0] * along[j, 1] - along[i, 1] * along[j, 0]
        share = (offset[0] * along[j, 1] - offset[1] * along[j, 0]) / turn
        found.append((i, j, start[i] + share * along[i]))
    return found


def _area(points: np.ndarray) -> float:
    x, y = points.T
    return abs(0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))


def loop_vertices(sketch: Sketch, pixel: float) -> int:
    """How many vertices of a sketch's filled outlines lie on small loops."""
    return sum(len(looped(c, pixel)) for layer in sketch.layers if outline_of(layer.shape) for c in contours_of(layer.shape))


def without_loops(sketch: Sketch, pixel: float) -> Sketch:
    """The sketch with the vertices of small loops left out, until there are none; an outline that is nothing but loops goes."""
    layers: list[SketchLayer] = []
    for layer in sketch.layers:
        contours = contours_of(layer.shape)
        kept = [contour for contour in (_untangled(contour, pixel) for contour in contours) if len(contour) >= 3]
        if outline_of(layer.shape) is None or tuple(kept) == contours:
            layers.append(layer)
        elif kept:
            layers.append(replace(layer, shape=with_contours(layer.shape, kept)))
    return Sketch(sketch.background, tuple(layers))


def _untangled(contour: tuple[Vertex, ...], pixel: float) -> tuple[Vertex, ...]:
    while gone := looped(contour, pixel):
        contour = tuple(vertex for k, vertex in enumerate(contour) if k not in gone)
    return contour
