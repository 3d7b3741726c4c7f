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

SAMPLES = 6
"""Points on each line or curve."""


@dataclass(frozen=True)
class Deletion:
    """That a vertex goes: by how much the squared error rises, and where its neighbours are then."""

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
    t = (np.arange(SAMPLES) + 0.5) / SAMPLES
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


def deletions(contour: Sequence[Vertex], stiffness: Sequence[float], closed: bool) -> list[Deletion]:
    """Every vertex that can go, but the ends of an open line; `stiffness` (n,) is H's trace on each vertex's two numbers."""
    count = len(contour)
    if count <= (3 if closed else 2):
        return []
    groups: dict[tuple[tuple[bool, ...], int], list[list[int]]] = {}
    for v in range(count):
        window = [v + k for k in range(-REACH, REACH + 1)]
        if closed:
            window = [k % count for k in window]
        elif v in (0, count - 1):
            continue
        else:
            window = [k for k in window if 0 <= k < count]
        pattern = (tuple(contour[k][2] for k in window), window.index(v) if not closed else REACH)
        groups.setdefault(pattern, []).append(window)
    points = np.array([(x, y) for x, y, _ in contour])
    trace = np.asarray(stiffness, np.float64)
    found: list[Deletion] = []
    for (on, place), windows in groups.items():
        found += _group(on, place, np.array(windows), points, trace, closed)
    return found


def _group(
    on: tuple[bool, ...], place: int, windows: npt.NDArray[np.int64], points: Double, trace: Double, closed: bool
) -> list[Deletion]:
    """The deletions of the vertices at `place` of windows (k, m) into the contour's points."""
    size = len(on)
    # In a closed outline the outermost vertices only say where the pieces beside them end.
    first, last = (1, size - 2) if closed else (0 if place < REACH else 1, size - 1 if size - 1 - place < REACH else size - 2)
    kept = [k for k in range(size) if k != place]
    old_basis = _basis(on, first, last)
    new_basis = _basis(tuple(on[k] for k in kept), first, last - 1)
    if not len(old_basis) or not len(new_basis):
        return []
    corners = points[windows]
    curve = np.einsum("sm,kmc->ksc", old_basis, corners)
    tangent = np.gradient(curve, axis=1)
    length = np.maximum(np.hypot(tangent[..., 0], tangent[..., 1]), 1e-9)
    normal = np.stack([-tangent[..., 1], tangent[..., 0]], -1) / length[..., None]
    # How much the picture minds a shift, at the vertices and then along the curve.
    own = np.maximum(np.einsum("sm,ks->km", old_basis**2, length), 1e-9)
    weight = np.einsum("sm,km->ks", old_basis, trace[windows] / own) * length
    control = corners[:, kept].copy()
    share = _shares(curve)
    a, b = place - 1, place
    residual = np.zeros(curve.shape[:2])
    for turn in range(3):
        drawn = np.einsum("sm,kmc->ksc", new_basis, control)
        rows = _at_shares(new_basis, _shares(drawn), share)
        residual = np.einsum("ksc,ksc->ks", np.einsum("ksm,kmc->ksc", rows, control) - curve, normal)
        if turn == 2:
            break
        columns = np.concatenate([rows[..., a, None] * normal, rows[..., b, None] * normal], -1)
        matrix = np.einsum("ksi,ks,ksj->kij", columns, length, columns)
        matrix += (1e-2 * np.trace(matrix, axis1=1, axis2=2) / 4 + 1e-12)[:, None, None] * np.eye(4)
        step = np.linalg.solve(matrix, -np.einsum("ksi,ks,ks->ki", columns, length, residual)[..., None])[..., 0]
        control[:, a] += step[:, :2]
        control[:, b] += step[:, 2:]
    costs = (weight * residual**2).sum(1)
    return [
        Deletion(int(window[place]), float(cost), (float(before[0]), float(before[1])), (float(after[0]), float(after[1])))
        for window, cost, before, after in zip(windows, costs, control[:, a], control[:, b])
    ]


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
