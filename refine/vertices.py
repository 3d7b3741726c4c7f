"""What an outline would be without one of its vertices: the nearest outline that its neighbours can still draw, and its cost.

Deleting a vertex changes the curve around it, and its two neighbours move to make up for that. Both curves are linear in
their points, so the neighbours' best places are a small least-squares problem: the distance between the curves, measured
along the old one's normals at points of equal share of arc length. What the rest costs follows from how much the picture
minds a shift of the outline there, the diagonal of H = JᵀJ (see `refine.moves`): moving a vertex by δ moves the curve by its
basis function B, so the error rises by w ∫(B n·δ)² ds, and w is known from the rise.

All vertices with the same pattern of neighbours are worked on at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from refine.sketch import Point, Vertex

Double = npt.NDArray[np.float64]

REACH = 3
"""Vertices to each side that the curve around a vertex depends on: its neighbours' pieces end half way to the next ones."""

SAMPLES = 7
"""Points on each line or curve."""


@dataclass(frozen=True)
class Outline:
    """Vertices, whether the last one joins the first, and H's trace on each vertex's two numbers."""

    vertices: Sequence[Vertex]
    closed: bool
    stiffness: Sequence[float]


@dataclass(frozen=True)
class Deletion:
    """That a vertex of an outline goes: by how much the squared error rises, and where its neighbours are then."""

    outline: int
    vertex: int
    cost: float
    before: Point
    after: Point


@lru_cache(maxsize=4096)
def _basis(on: tuple[bool, ...], first: int, last: int) -> Double:
    """Weights (samples, vertices) of the points of a line of vertices in points along it, from vertex `first` to `last`.

    A vertex off the curve is a quadratic's control point, whose ends are its neighbours, or half way to those that are off too.
    """
    count = len(on)
    # With both ends of every piece, so that the line through the points turns where the curve has its corners.
    t = np.linspace(0.0, 1.0, SAMPLES)
    rows: list[Double] = []
    for i in range(first, last + 1):
        piece = np.zeros((SAMPLES, count))
        if on[i]:
            if i < last and on[i + 1]:
                piece[:, i], piece[:, i + 1] = 1 - t, t
                rows.append(piece)
            continue
        piece[:, i] = 2 * t * (1 - t)
        for neighbour, weight in ((i - 1, (1 - t) ** 2), (i + 1, t**2)):
            share = 1.0 if on[neighbour] else 0.5
            piece[:, neighbour] += share * weight
            piece[:, i] += (1 - share) * weight
        rows.append(piece)
    return np.concatenate(rows) if rows else np.zeros((0, count))


def deletions(outlines: Sequence[Outline]) -> list[Deletion]:
    """Every vertex that can go from one of the outlines; the ends of open lines can not."""
    groups: dict[_Pattern, list[list[int]]] = {}
    owners: list[tuple[int, int]] = []
    for number, outline in enumerate(outlines):
        base, count = len(owners), len(outline.vertices)
        owners += [(number, v) for v in range(count)]
        if count <= (3 if outline.closed else 2):
            continue
        on = [vertex[2] for vertex in outline.vertices]
        for v in range(count):
            window = [v + k for k in range(-REACH, REACH + 1)]
            if outline.closed:
                window = [k % count for k in window]
                place = REACH
            elif v in (0, count - 1):
                continue
            else:
                window = [k for k in window if 0 <= k < count]
                place = window.index(v)
            pattern = _Pattern(tuple(on[k] for k in window), place, outline.closed)
            groups.setdefault(pattern, []).append([base + k for k in window])
    if not groups:
        return []
    points = np.array([(x, y) for outline in outlines for x, y, _ in outline.vertices], np.float64)
    trace = np.array([t for outline in outlines for t in outline.stiffness], np.float64)
    found: list[Deletion] = []
    for pattern, windows in groups.items():
        middles = [owners[window[pattern.place]] for window in windows]
        costs, before, after = _without(pattern, points[windows], trace[windows])
        found += [
            Deletion(outline, vertex, cost, (b[0], b[1]), (a[0], a[1]))
            for (outline, vertex), cost, b, a in zip(middles, costs.tolist(), before.tolist(), after.tolist())
        ]
    return found


@dataclass(frozen=True)
class _Pattern:
    """A run of vertices: which lie on the curve, which one goes, and whether it is a part of a closed outline."""

    on: tuple[bool, ...]
    place: int
    closed: bool

    @property
    def span(self) -> tuple[int, int]:
        """The first and the last vertex whose pieces are compared; what is beyond only says where these end."""
        last = len(self.on) - 1
        if self.closed:
            return 1, last - 1
        return (0 if self.place < REACH else 1), (last if last - self.place < REACH else last - 1)


    @property
    def free(self) -> npt.NDArray[np.bool_]:
        """Whether the vertices before and after the one that goes may move: not the ends of an open line, whose way along it
        is no distance between curves."""
        last = len(self.on) - 1
        return np.array([self.closed or self.place > 1, self.closed or self.place < last - 1])


def _without(pattern: _Pattern, corners: Double, trace: Double) -> tuple[Double, Double, Double]:
    """Costs (k,) of deleting a vertex of each run (k, m, 2), and the places (k, 2) of the vertices before and after it."""
    place = pattern.place
    first, last = pattern.span
    kept = [k for k in range(len(pattern.on)) if k != place]
    old_basis = _basis(pattern.on, first, last)
    new_basis = _basis(tuple(pattern.on[k] for k in kept), first, last - 1)
    curve = old_basis @ corners
    tangent = np.gradient(curve, axis=1)
    length = np.maximum(np.hypot(tangent[..., 0], tangent[..., 1]), 1e-9)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], -1) / length[..., None]
    # How much the picture minds a shift, at the vertices and then along the curve.
    own = np.maximum(length @ old_basis**2, 1e-9)
    weight = (trace / own) @ old_basis.T * length
    control = corners[:, kept].copy()
    share = _shares(curve)
    residual = np.zeros(curve.shape[:2])
    for turn in range(3):
        rows = _at_shares(new_basis, _shares(new_basis @ control), share)
        residual = ((rows @ control - curve) * normal).sum(-1)
        if turn == 2:
            break
        columns = np.concatenate([rows[..., place - 1, None] * normal, rows[..., place, None] * normal], -1)
        columns[..., ~pattern.free.repeat(2)] = 0.0
        weighted = columns * length[..., None]
        matrix = columns.transpose(0, 2, 1) @ weighted
        matrix += (1e-2 * np.trace(matrix, axis1=1, axis2=2) / 4 + 1e-12)[:, None, None] * np.eye(4)
        step = np.linalg.solve(matrix, -(weighted * residual[..., None]).sum(1)[..., None])[..., 0]
        control[:, place - 1] += step[:, :2]
        control[:, place] += step[:, 2:]
    return (weight * residual**2).sum(1), control[:, place - 1], control[:, place]


def _shares(curve: Double) -> Double:
    """The share of arc length (k, s) at points (k, s, 2) of curves."""
    step = np.hypot(*np.moveaxis(np.diff(curve, axis=1), -1, 0))
    along = np.concatenate([np.zeros((len(curve), 1)), np.cumsum(step, 1)], 1)
    return np.asarray(along / np.maximum(along[:, -1:], 1e-12))


def _at_shares(basis: Double, known: Double, wanted: Double) -> Double:
    """Rows (k, s, m) of a basis (n, m) between its own, whose shares of arc length are `known` (k, n)."""
    after = np.clip((known[:, None, :] < wanted[..., None]).sum(-1), 1, known.shape[1] - 1)
    low, high = np.take_along_axis(known, after - 1, 1), np.take_along_axis(known, after, 1)
    part = np.clip((wanted - low) / np.maximum(high - low, 1e-12), 0.0, 1.0)[..., None]
    return np.asarray((1 - part) * basis[after - 1] + part * basis[after])
