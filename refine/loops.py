"""Small loops: where a filled outline crosses itself around a speck, which a fit does to shade a pixel or two.

No one draws such loops. They show as slivers and nicks when the picture is drawn at another size, so they are cut off at the
crossing whenever a program is simplified, and what still has them counts as longer than it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from refine.contours import contours_of, outline_of, outline_uses, with_contours
from refine.sketch import Sketch, SketchLayer, Vertex

Double = npt.NDArray[np.float64]

LARGEST = 4.0
"""Square pixels up to which a loop is a speck."""

STEPS = 4
"""Straight sides for each quadratic curve."""


class Piece(NamedTuple):
    """A line, or a quadratic curve with a control point; points are arrays (2,)."""

    start: Double
    control: Double | None
    end: Double

    def at(self, t: float) -> Double:
        """The point at a parameter in [0, 1]."""
        if self.control is None:
            return (1 - t) * self.start + t * self.end
        return (1 - t) ** 2 * self.start + 2 * t * (1 - t) * self.control + t * t * self.end

    def part(self, first: float, last: float) -> Piece:
        """The piece between two parameters."""
        control = self.control
        if control is not None:
            control = (
                (1 - first) * (1 - last) * self.start
                + (first * (1 - last) + last * (1 - first)) * control
                + first * last * self.end
            )
        return Piece(self.at(first), control, self.at(last))


class Loop(NamedTuple):
    """A closed run of pieces from `first` (a piece and a parameter on it) to `last`, where the outline meets itself."""

    first: tuple[int, float]
    last: tuple[int, float]


def loop_count(sketch: Sketch, pixel: float) -> int:
    """How many small loops a sketch's filled outlines have, each outline once; `pixel` is a pixel's side in scene units."""
    return sum(_count(contour, pixel) for outline in outline_uses(sketch) for contour in contours_of(outline))


@lru_cache(maxsize=4096)
def _count(contour: tuple[Vertex, ...], pixel: float) -> int:
    return len(list(loops(pieces_of(contour), pixel)))


def without_loops(sketch: Sketch, pixel: float) -> Sketch:
    """The sketch with its small loops cut off; an outline that is nothing but loops goes."""
    layers: list[SketchLayer] = []
    for layer in sketch.layers:
        contours = contours_of(layer.shape)
        kept = [contour for contour in (without(contour, pixel) for contour in contours) if len(contour) >= 3]
        if outline_of(layer.shape) is None or tuple(kept) == contours:
            layers.append(layer)
        elif kept:
            layers.append(replace(layer, shape=with_contours(layer.shape, kept)))
    return Sketch(sketch.background, tuple(layers))


def without(contour: tuple[Vertex, ...], pixel: float) -> tuple[Vertex, ...]:
    """A closed outline with its small loops cut off; nothing where there was nothing else."""
    pieces = pieces_of(contour)
    # A cut takes a crossing away and makes none, but for rounding: so there are not more than pairs of pieces.
    for _ in range(len(pieces) ** 2):
        loop = next(loops(pieces, pixel), None)
        if loop is None:
            break
        (i, t), (j, s) = loop
        corner = pieces[i].at(t)
        before = pieces[i].part(0.0, t)._replace(end=corner)
        after = pieces[j].part(s, 1.0)._replace(start=corner)
        # What is left runs from the loop's last piece around to its first.
        around = pieces[j + 1 :] + pieces[:i] if j >= i else pieces[j + 1 : i]
        pieces = [after, *around, before]
        contour = vertices_of(pieces)
        if _area(_flat(pieces)[0]) < LARGEST * pixel * pixel:
            return ()
    return contour


def loops(pieces: Sequence[Piece], pixel: float) -> Iterator[Loop]:
    """The small loops of a closed outline."""
    if len(pieces) < 3:
        return
    points, sides = _flat(pieces)
    crossings = _crossings(points)
    for i, j, share_i, share_j in crossings:
        here, there = _place(pieces, sides[i], share_i), _place(pieces, sides[j], share_j)
        inner = np.arange(i + 1, j + 1)
        outer = np.concatenate([np.arange(j + 1, len(points)), np.arange(i + 1)])
        corner = pieces[here[0]].at(here[1])
        for part, loop in ((inner, Loop(here, there)), (outer, Loop(there, here))):
            # A loop with loops of its own is told by those; the area of what crosses itself says nothing.
            within = set(part[:-1].tolist())
            if any(a in within and b in within for a, b, _, _ in crossings):
                continue
            if _area(np.concatenate([points[part], corner[None]])) < LARGEST * pixel * pixel:
                yield loop
                break


def _flat(pieces: Sequence[Piece]) -> tuple[Double, list[tuple[int, int]]]:
    """Points (n, 2) along the pieces, where the straight sides begin, and for each its piece and its number in that."""
    sides = [(k, t) for k, p in enumerate(pieces) for t in (range(STEPS) if p.control is not None else range(1))]
    which, t = np.array(sides).T
    t = (t / STEPS)[:, None]
    starts, ends = (np.array([p[side] for p in pieces])[which] for side in (0, 2))
    controls = np.array([0.5 * (p.start + p.end) if p.control is None else p.control for p in pieces])[which]
    return (1 - t) ** 2 * starts + 2 * t * (1 - t) * controls + t * t * ends, sides


def _place(pieces: Sequence[Piece], side: tuple[int, int], share: float) -> tuple[int, float]:
    """The piece and the parameter on it at a share of one of its sides."""
    k, step = side
    return k, share if pieces[k].control is None else (step + share) / STEPS


def pieces_of(contour: Sequence[Vertex]) -> list[Piece]:
    """The lines and curves of a closed outline, from its first vertex on."""
    points = [np.array(vertex[:2]) for vertex in contour]
    on = [vertex[2] for vertex in contour]
    pieces = []
    for k in range(len(points)):
        before, after = points[k - 1], points[(k + 1) % len(points)]
        following = on[(k + 1) % len(points)]
        if on[k]:
            if following:
                pieces.append(Piece(points[k], None, after))
            continue
        start = before if on[k - 1] else 0.5 * (before + points[k])
        pieces.append(Piece(start, points[k], after if following else 0.5 * (points[k] + after)))
    return pieces


def vertices_of(pieces: Sequence[Piece]) -> tuple[Vertex, ...]:
    """The vertices of a closed outline; a point half way between two control points is implied."""
    vertices: list[Vertex] = []
    for k, piece in enumerate(pieces):
        before = pieces[k - 1].control
        implied = before is not None and piece.control is not None and np.allclose(piece.start, 0.5 * (before + piece.control), atol=1e-9)
        if not implied:
            vertices.append((float(piece.start[0]), float(piece.start[1]), True))
        if piece.control is not None:
            vertices.append((float(piece.control[0]), float(piece.control[1]), False))
    return tuple(vertices)


def _crossings(points: Double) -> list[tuple[int, int, float, float]]:
    """Where sides i < j of a closed polygon (n, 2) cross properly: i, j and the shares of the two at which they do.

    Side i runs from point i to the next.
    """
    start, end = points, np.roll(points, -1, 0)
    along = end - start

    def side(of: Double) -> Double:
        """Which side of each line (rows) each point (columns) is on."""
        offset = of[None] - start[:, None]
        return np.asarray(along[:, None, 0] * offset[..., 1] - along[:, None, 1] * offset[..., 0])

    apart = side(start) * side(end) < 0.0
    crossing = np.triu(apart & apart.T, 2)
    crossing[0, -1] = False
    found = []
    for i, j in np.argwhere(crossing).tolist():
        offset, turn = start[j] - start[i], along[i, 0] * along[j, 1] - along[i, 1] * along[j, 0]
        share_i = (offset[0] * along[j, 1] - offset[1] * along[j, 0]) / turn
        share_j = (offset[0] * along[i, 1] - offset[1] * along[i, 0]) / turn
        found.append((i, j, float(share_i), float(share_j)))
    return found


def _area(points: Double) -> float:
    x, y = points.T
    return abs(0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))))
