"""Outlines of fields: where a signed distance is zero, as closed paths of lines and quadratic curves.

Marching squares on a fine grid gives one point on every grid edge that the outline crosses, found by bisection in
float64. Cells far from the outline are skipped by the field's slope, and an outline once found is followed. Where the
normals at both ends of a cell's piece differ, the cell holds a corner, which is put where the two tangents meet (as in
Kobbelt et al., "Feature sensitive surface extraction from volume data", SIGGRAPH 2001). Between corners the fewest lines
and quadratics are kept that stay within `TOLERANCE`, with the field's own tangents at their ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
Field = Callable[[Array], tuple[Array, Array]]
"""From points (n, 2) to signed distances (n,), negative inside, and gradients (n, 2)."""
Place = tuple[float, float]
Command = tuple[str] | tuple[str, Place] | tuple[str, Place, Place]

CELLS = 1024
"""Cells along a square picture; other pictures have as many in all."""

TOLERANCE = 2e-4
"""How far a path may lie from the outline, in scene units: a picture is at least 2 of them high and wide."""

_COARSE = 4
"""Cells are skipped in blocks of 2^4 by 2^4, then of halves of that."""

_CHUNK = 1 << 15
_SHARP = math.cos(math.radians(25.0))
_BISECTIONS = 8

_SEGMENTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 6: ((0, 2),), 7: ((3, 2),), 8: ((2, 3),), 9: ((2, 0),),
    11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),), 5: ((3, 0), (1, 2)), 10: ((0, 1), (2, 3)),
    21: ((1, 0), (3, 2)), 26: ((0, 3), (2, 1)),
}  # fmt: skip
"""From the corners inside (bit k: corner k, counter-clockwise from the lower left; 16: a saddle's centre) to the pieces
(to side, from side) with the inside on their left; side k runs from corner k to the next."""


def trace(field: Field, low: Place, high: Place, slope: float) -> list[list[Command]]:
    """The closed outlines of what is inside between corners `low` and `high`, as path commands M, L, Q and Z.

    `slope` is the greatest that the field has, but for jumps. Solids thinner than a cell may be lost. Holes run clockwise, all else counter-clockwise.
    """
    grid = _Grid(field, np.array(low), np.array(high), slope)
    points, normals = grid.crossings()
    return [commands for loop in grid.loops() for commands in [_fitted(*grid.with_corners(loop, points, normals))] if commands]


@dataclass(eq=False)
class _Grid:
    """The cells that the outline may cross. Nodes and edges are numbered: node = row * columns + column; the edge to the
    right of a node is 2 * node, the one above it 2 * node + 1."""

    field: Field
    low: Array
    high: Array
    slope: float

    def __post_init__(self) -> None:
        wide, tall = self.high[0] - self.low[0], self.high[1] - self.low[1]
        self.step = math.sqrt(wide * tall) / CELLS
        block = 1 << _COARSE
        # A ring of nodes beyond the border is outside, whatever the field says: all outlines are closed.
        across, down = (math.ceil((side / self.step + 3) / block) * block for side in (wide, tall))
        self.columns = across + 1
        self.origin = self.low - 1.5 * self.step
        self.cells = fresh = np.unique(self._near(across, down))
        self.inside = self._corners(fresh)
        inside = self.inside
        # A field may jump (between the copies of a repetition, at a blunt end): the outline is followed wherever it goes.
        while len(fresh):
            crossed = inside != np.roll(inside, -1, axis=1)
            beyond = np.unique((fresh[:, None] + np.array([-self.columns, 1, self.columns, -1]))[crossed])
            fresh = np.setdiff1d(beyond, self.cells, assume_unique=True)
            inside = self._corners(fresh)
            self.cells, self.inside = np.concatenate([self.cells, fresh]), np.concatenate([self.inside, inside])

    def _places(self, nodes: Whole) -> Array:
        return self.origin + self.step * np.stack([nodes % self.columns, nodes // self.columns], 1)

    def _values(self, points: Array) -> Array:
        """Signed distances (n,); what lies beyond the corners is outside."""
        beyond = np.any((points < self.low) | (points > self.high), axis=1)
        return np.where(beyond, 1.0, self._measured(points)[0])

    def _measured(self, points: Array) -> tuple[Array, Array]:
        """The field in parts that fit into memory."""
        values, gradients = np.empty(len(points)), np.empty(points.shape)
        for first in range(0, len(points), _CHUNK):
            part = slice(first, first + _CHUNK)
            values[part], gradients[part] = self.field(points[part])
        return values, gradients

    def _near(self, across: int, down: int) -> Whole:
        """The cells (by their lower left node) that the outline may cross, by the field's slope."""
        size = 1 << _COARSE
        x, y = (a.ravel() for a in np.meshgrid(np.arange(0, across, size), np.arange(0, down, size)))
        while True:
            centres = self.origin + self.step * (np.stack([x, y], 1) + 0.5 * size)
            values, _ = self._measured(centres)
            # At the border what goes on beyond it is closed.
            rim = np.any((centres - self.low < size * self.step) | (self.high - centres < size * self.step), axis=1)
            near = (np.abs(values) <= 1.01 * self.slope * self.step * size * math.sqrt(0.5)) | rim
            x, y = x[near], y[near]
            if size == 1:
                return np.asarray(y * self.columns + x, np.int64)
            size //= 2
            x = (x[:, None] + np.array([0, size, 0, size])).ravel()
            y = (y[:, None] + np.array([0, 0, size, size])).ravel()

    def _corners(self, cells: Whole) -> Bools:
        """Which corners (n, 4) of cells are inside."""
        corners = np.stack([cells, cells + 1, cells + self.columns + 1, cells + self.columns], 1)
        nodes, where = np.unique(corners, return_inverse=True)
        return (self._values(self._places(nodes)) < 0.0)[where.reshape(corners.shape)]

    # -- pieces -----------------------------------------------------------------------------------------------

    def crossings(self) -> tuple[Array, Array]:
        """Points (n, 2) on the outline where it crosses grid edges, and unit normals there; `self.edges` has the edges."""
        kind = self.inside @ np.array([1, 2, 4, 8])
        saddles = np.flatnonzero((kind == 5) | (kind == 10))
        if len(saddles):
            middle = self._values(self._places(self.cells[saddles]) + 0.5 * self.step) < 0.0
            kind[saddles[middle]] += 16
        sides = np.stack([2 * self.cells, 2 * (self.cells + 1) + 1, 2 * (self.cells + self.columns), 2 * self.cells + 1], 1)
        pieces = [(sides[members, b], sides[members, a], members)
                  for k, both in _SEGMENTS.items() for members in [np.flatnonzero(kind == k)] for a, b in both]  # fmt: skip
        starts, ends, cells = (np.concatenate([piece[k] for piece in pieces]) for k in range(3))
        self.next = dict(zip(starts.tolist(), zip(ends.tolist(), self.cells[cells].tolist())))
        self.edges = np.unique(np.concatenate([starts, ends]))
        first = self._places(self.edges // 2)
        along = self.step * np.where((self.edges % 2 == 0)[:, None], [1.0, 0.0], [0.0, 1.0])
        begins = self._values(first) < 0.0
        share, step = np.full(len(first), 0.5), 0.25
        for _ in range(_BISECTIONS):
            same = (self._values(first + share[:, None] * along) < 0.0) == begins
            share += np.where(same, step, -step)
            step *= 0.5
        points = first + share[:, None] * along
        _, gradients = self._measured(points)
        return points, gradients / np.maximum(np.hypot(gradients[:, 0], gradients[:, 1]), 1e-9)[:, None]

    def loops(self) -> list[tuple[Whole, Whole]]:
        """Each closed outline: the places in `self.edges` that it passes, and the cell behind each."""
        place = {edge: k for k, edge in enumerate(self.edges.tolist())}
        left = dict(self.next)
        found: list[tuple[Whole, Whole]] = []
        while left:
            edge = next(iter(left))
            passed, cells = [], []
            while edge in left:
                passed.append(place[edge])
                edge, cell = left.pop(edge)
                cells.append(cell)
            found.append((np.array(passed), np.array(cells)))
        return found

    def with_corners(self, loop: tuple[Whole, Whole], points: Array, normals: Array) -> tuple[Array, Array, Bools]:
        """A loop's points (n, 2) and normals with its corners put in, and which points are corners."""
        passed, cells = loop
        here, ahead = passed, np.roll(passed, -1)
        turns = np.sum(normals[here] * normals[ahead], axis=1) < _SHARP
        at = np.flatnonzero(turns)
        meeting, met = _meetings(points[here[at]], normals[here[at]], points[ahead[at]], normals[ahead[at]])
        centres = self._places(cells[at]) + 0.5 * self.step
        met &= np.all(np.abs(meeting - centres) < 1.0 * self.step, axis=1)
        at, meeting = at[met], meeting[met]
        # A small circle turns as fast: only where the tangents meet on the outline there is a corner.
        real = np.abs(self._values(meeting)) < 0.1 * self.step
        at, meeting = at[real], meeting[real]
        corner = np.zeros(len(passed), bool)
        return (
            np.insert(points[passed], at + 1, meeting, axis=0),
            np.insert(normals[passed], at + 1, 0.0, axis=0),
            np.insert(corner, at + 1, True),
        )


def _meetings(a: Array, normal_a: Array, b: Array, normal_b: Array) -> tuple[Array, Bools]:
    """Where lines through points a and b (n, 2) across their normals meet, and where they do."""
    area = normal_a[:, 0] * normal_b[:, 1] - normal_a[:, 1] * normal_b[:, 0]
    met = np.abs(area) > 1e-3
    area = np.where(met, area, 1.0)
    first, second = np.sum(normal_a * a, 1), np.sum(normal_b * b, 1)
    x = (first * normal_b[:, 1] - second * normal_a[:, 1]) / area
    y = (second * normal_a[:, 0] - first * normal_b[:, 0]) / area
    return np.stack([x, y], 1), met


# -- fitting ------------------------------------------------------------------------------------------------------


def _fitted(points: Array, normals: Array, corner: Bools) -> list[Command]:
    """Path commands of a closed polygon (n, 2) on the outline; nothing for a speck."""
    if len(points) < 3 or np.ptp(points, axis=0).max() < TOLERANCE:
        return []
    shift = int(np.argmax(corner))  # without corners it may start anywhere
    order = np.append(np.arange(shift, shift + len(points)), shift) % len(points)
    points, normals, corner = points[order], normals[order], corner[order]
    stops = sorted({0, *np.flatnonzero(corner).tolist(), len(points) - 1})
    commands: list[Command] = [("M", _place(points[0]))]
    for start, stop in zip(stops, stops[1:]):
        commands += _run(points[start : stop + 1], normals[start : stop + 1])
    if commands[-1][0] == "L":  # Z draws it
        commands.pop()
    return [*commands, ("Z",)]


def _place(point: Array) -> Place:
    return float(point[0]), float(point[1])


def _run(points: Array, normals: Array) -> list[Command]:
    """Commands along a smooth part of an outline, from its first point on: each as long as it can be."""
    normals = normals.copy()
    # A corner has no normal of its own; its neighbour's is nearly the one on this side of it.
    for end, neighbour in ((0, 1), (-1, -2)):
        if not normals[end].any():
            normals[end] = normals[neighbour]
    commands: list[Command] = []
    start, last = 0, len(points) - 1
    while start < last:
        stop, step = start + 1, 2
        command: Command = ("L", _place(points[stop]))
        limit = last + 1
        while step >= 1:
            # It is made longer by doubled steps, then by halved ones.
            longer = min(stop + step, last)
            better = _command(points[start : longer + 1], normals[start], normals[longer]) if stop < longer < limit else None
            if better is not None:
                stop, command = longer, better
                step *= 2 if limit > last else 1
            else:
                limit = min(limit, longer) if longer > stop else limit
                step //= 2
        commands.append(command)
        start = stop
    return commands


def _command(points: Array, first: Array, last: Array) -> Command | None:
    """The line or quadratic from the first to the last point that all keep within the tolerance of; None if neither."""
    start, end, between = points[0], points[-1], points[1:-1]
    along = end - start
    size = math.hypot(*along)
    if size < 1e-12:
        return None
    away = between - start
    if np.abs(away[:, 0] * along[1] - away[:, 1] * along[0]).max(initial=0.0) <= TOLERANCE * size:
        return ("L", _place(end))
    if float(first @ last) < 0.2:
        return None
    meeting, met = _meetings(start[None], first[None], end[None], last[None])
    if not met[0]:
        return None
    control = meeting[0]
    pull, push = control - start, end - control
    if min(pull @ along, push @ along) <= 0.0:
        return None
    area = pull[0] * along[1] - pull[1] * along[0]
    if abs(area) < 1e-14:
        return None
    # In barycentric weights b of the control point, a and c of the ends, the curve is b² = 4ac.
    b = (away[:, 0] * along[1] - away[:, 1] * along[0]) / area
    c = (pull[0] * away[:, 1] - pull[1] * away[:, 0]) / area
    a = 1.0 - b - c
    gradient_b, gradient_c = np.array([along[1], -along[0]]) / area, np.array([-pull[1], pull[0]]) / area
    gradient = (2.0 * b)[:, None] * gradient_b + 4.0 * (c[:, None] * (gradient_b + gradient_c) - a[:, None] * gradient_c)
    apart = np.abs(b * b - 4.0 * a * c) / np.maximum(np.hypot(*gradient.T), 1e-12)
    return ("Q", _place(control), _place(end)) if apart.max() <= TOLERANCE else None

