"""Rows and columns of points, at any angle: the grids that they are, and the cells of a grid.

Along each direction that the shortest distances suggest, points of one height are a row, and rows whose points stand at
the same places are a grid where their steps are equal. Bricks and checkers are two such grids.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from refine.sketch import Grid, Point


@dataclass(frozen=True)
class _Progression:
    """Numbers at equal steps."""

    first: float
    count: int
    step: float

    @property
    def middle(self) -> float:
        return self.first + self.step * (self.count - 1) / 2


def lattices(points: np.ndarray, unit: float) -> list[tuple[list[int], Grid]]:
    """Full rectangular grids of three or more of the points (n, 2), in scene coordinates, each with which points it is
    made of.

    Of the directions that rows may have, the one counts along which the fewest grids hold the most points. `unit` is
    the side of a pixel (scene units), within which places are equal.
    """
    best: list[tuple[list[int], Grid]] = []
    for turn in _directions(points):
        for upright in (False, True):
            grids = list(_grids_along(points, turn, upright, unit))
            if grids and _worth(grids) > _worth(best):
                best = grids
    return best


def cells(grid: Grid) -> list[Point]:
    """The centres of a grid's cells (scene), row by row."""
    return [
        turned_point(grid, grid.dx * (i - (grid.columns - 1) / 2), grid.dy * (j - (grid.rows - 1) / 2))
        for j in range(grid.rows) for i in range(grid.columns)
    ]  # fmt: skip


def turned_point(grid: Grid, along: float, up: float) -> Point:
    """The point (scene) at a place from a grid's centre along its rows and its columns (scene units)."""
    c, s = np.cos(np.radians(grid.turn)), np.sin(np.radians(grid.turn))
    return (grid.center[0] + c * along - s * up, grid.center[1] + s * along + c * up)


def extended(grid: Grid, side: int) -> tuple[Grid, list[Point]]:
    """The grid with a column or row more on a side (0 to 3: right, left, up, down), and the centres of the new cells
    (scene)."""
    sign = 1.0 if side % 2 == 0 else -1.0
    if side < 2:
        longer = replace(grid, columns=grid.columns + 1, center=turned_point(grid, sign * grid.dx / 2, 0.0))
    else:
        longer = replace(grid, rows=grid.rows + 1, center=turned_point(grid, 0.0, sign * grid.dy / 2))
    all_cells = np.array(cells(longer)).reshape(longer.rows, longer.columns, 2)
    new = (all_cells[:, -1], all_cells[:, 0], all_cells[-1], all_cells[0])[side]
    return longer, [(float(x), float(y)) for x, y in new]


def _worth(grids: Sequence[tuple[list[int], Grid]]) -> int:
    """The points that grids hold, less three for each grid."""
    return sum(len(members) for members, _ in grids) - 3 * len(grids)


def _directions(points: np.ndarray) -> list[float]:
    """Angles (radians) that rows of points (n, 2) may have: level first, then those of the shortest distances."""
    gaps = points[:, None] - points[None]
    lengths = np.hypot(gaps[..., 0], gaps[..., 1]) + 1e9 * np.eye(len(points))
    nearest = np.argsort(lengths, 1)[:, :2].ravel()
    which = np.repeat(np.arange(len(points)), min(2, len(points) - 1))[: len(nearest)]
    turns = np.arctan2(gaps[which, nearest, 1], gaps[which, nearest, 0])
    # Modulo a quarter turn, in (-45, 45] degrees; the mean of those near the commonest.
    turns = (turns + np.pi / 4) % (np.pi / 2) - np.pi / 4
    near = [np.abs(np.angle(np.exp(4j * (turns - turn)))) < 0.2 for turn in turns]
    commonest = int(np.argsort([-np.sum(n) for n in near])[0])
    mean = float(np.angle(np.exp(4j * turns[near[commonest]]).mean()) / 4)
    return [0.0, mean] if abs(mean) > 0.02 else [0.0]


def _grids_along(points: np.ndarray, turn: float, upright: bool, unit: float) -> Iterator[tuple[list[int], Grid]]:
    """Grids of rows in a direction (radians), or, with `upright`, of columns at right angles to it."""
    c, s = np.cos(turn), np.sin(turn)
    along, up = c * points[:, 0] + s * points[:, 1], c * points[:, 1] - s * points[:, 0]
    for members, inner, outer in _grids_of_rows(*((up, along) if upright else (along, up)), unit):
        columns, rows = (outer, inner) if upright else (inner, outer)
        center = (c * columns.middle - s * rows.middle, s * columns.middle + c * rows.middle)
        yield members, Grid(columns.count, rows.count, columns.step, rows.step, center, float(np.degrees(turn)))


def _grids_of_rows(u: np.ndarray, v: np.ndarray, unit: float) -> Iterator[tuple[list[int], _Progression, _Progression]]:
    """Grids of rows (equal v) whose points stand at the same places along u: which points (u, v: (n,)), their places
    along the rows, and the rows."""
    columns, column = _levels(u, unit)
    rows, row = _levels(v, unit)
    kinds: dict[tuple[int, ...], list[int]] = {}
    for r in range(len(rows)):
        kinds.setdefault(tuple(sorted(column[row == r].tolist())), []).append(r)
    for places, which in kinds.items():
        if len(set(places)) != len(places) or len(places) * len(which) < 3:
            continue
        along, up = _progression(columns[list(places)], unit), _progression(rows[which], unit)
        if along is None or up is None:
            continue
        # A single row or column has no step of its own there.
        along = replace(along, step=along.step or up.step)
        up = replace(up, step=up.step or along.step)
        yield np.flatnonzero(np.isin(row, which)).tolist(), along, up


def _levels(values: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values (k,), those within 1.5 pixels of the one before being one, and which of them each value (n,)
    is."""
    order = np.argsort(values)
    jumps = np.concatenate([[0], np.cumsum(np.diff(values[order]) > 1.5 * unit)])
    which = np.empty(len(values), int)
    which[order] = jumps
    return ndimage.mean(values, which, np.arange(which.max() + 1)), which


def _progression(levels: np.ndarray, unit: float) -> _Progression | None:
    """Equal steps through sorted levels (k,), within a pixel; None where they are not equal."""
    if len(levels) == 1:
        return _Progression(float(levels[0]), 1, 0.0)
    step, first = np.polyfit(np.arange(len(levels)), levels, 1)
    if np.abs(first + step * np.arange(len(levels)) - levels).max() > unit:
        return None
    return _Progression(float(first), len(levels), float(step))
