"""From a soft mask to outlines of few lines and quadratic curves.

Outlines are level sets of a coverage image at sub-pixel accuracy (marching squares). A curve through one is
found by placing control points with the Ramer-Douglas-Peucker rule (corners on the curve, other vertices as
quadratic control points) and then solving for all control points by least squares, as a quadratic B-spline
with corners; the coarsest placement that stays within a tolerance wins. All coordinates are pixels: x =
column, y = row, a pixel's centre at +0.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import linalg, ndimage
from scipy.spatial import cKDTree
from skimage import measure

from refine.sketch import Path, Polygon, Vertex

CORNER_DEGREES = 35.0
CORNER_REACH = 2.0
"""A corner turns by more than CORNER_DEGREES, between sides longer than this (pixels) ..."""
CORNER_SHARPNESS = 1.8
"""... and by this much more than an equal length of outline on one of its sides, which a small round does not."""
COARSEST, FINEST = 2.4, 0.35
"""Tolerances of the Ramer-Douglas-Peucker placement in pixels: it starts coarse and is refined where the
curve misses."""
DISTANCE_PRICE = 8.0
"""Control point coordinates that a squared pixel of distance, summed over a pixel of outline, is worth."""


@dataclass(frozen=True)
class Outline:
    """A dense closed outline: points (n, 2), their weights (n,) in [0, 1], and its signed area (negative for
    a hole)."""

    points: np.ndarray
    weights: np.ndarray
    area: float


@dataclass(frozen=True)
class Curve:
    """Control points (m, 2), which of them lie on the curve, and its distance to each point that it was fitted to."""

    points: np.ndarray
    on: np.ndarray
    distances: np.ndarray

    def vertices(self) -> tuple[Vertex, ...]:
        return tuple((float(x), float(y), bool(on)) for (x, y), on in zip(self.points, self.on))


def resample(points: np.ndarray, spacing: float, *, closed: bool) -> np.ndarray:
    """Points at equal arc length along a polyline, about ``spacing`` pixels apart, at most 900 of them."""
    ring = np.concatenate([points, points[:1]]) if closed else points
    arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(ring, axis=0).T))])
    count = int(np.clip(round(arc[-1] / spacing), 8 if closed else 4, 900))
    wanted = np.linspace(0.0, arc[-1], count, endpoint=False) if closed else np.linspace(0.0, arc[-1], count)
    return np.stack([np.interp(wanted, arc, ring[:, 0]), np.interp(wanted, arc, ring[:, 1])], 1)


def trace_outlines(coverage: np.ndarray, known: np.ndarray | None = None, *, smallest: float = 0.8) -> list[Outline]:
    """Closed outlines of the half level of a coverage image (height, width), largest first.

    Where ``known`` is False the outline is a guess (another layer hides it) and weighs little. Outlines
    enclosing less than ``smallest`` square pixels are left out. The image is closed off at its border.
    """
    padded = np.pad(coverage, 1)
    outlines = []
    for contour in measure.find_contours(padded, 0.5, fully_connected="high"):  # type: ignore[no-untyped-call]
        points = contour[:-1, ::-1] - 0.5
        if len(points) < 4:
            continue
        x, y = points.T
        area = 0.5 * float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))
        if abs(area) < smallest:
            continue
        points = resample(points, 0.7, closed=True)
        weights = np.ones(len(points))
        if known is not None:
            column = np.clip(points[:, 0].astype(int), 0, coverage.shape[1] - 1)
            row = np.clip(points[:, 1].astype(int), 0, coverage.shape[0] - 1)
            weights = np.where(known[row, column], 1.0, 0.05)
        outlines.append(Outline(points, weights, area))
    # Marching squares keeps the high side on one hand, so all outer outlines turn alike and holes the other
    # way.
    outlines.sort(key=lambda outline: -abs(outline.area))
    if outlines and outlines[0].area < 0:
        outlines = [Outline(o.points[::-1], o.weights[::-1], -o.area) for o in outlines]
    return outlines


def simplify(points: np.ndarray, tolerance: np.ndarray | float, fixed: list[int]) -> list[int]:
    """Ramer-Douglas-Peucker on an open polyline: sorted indices of kept vertices, among them ``fixed`` and
    both ends.

    ``tolerance`` is one distance, or one for each point.
    """
    allowed = np.broadcast_to(tolerance, len(points))
    kept = sorted({0, len(points) - 1, *fixed})
    stack = list(zip(kept[:-1], kept[1:]))
    while stack:
        first, last = stack.pop()
        if last - first < 2:
            continue
        start, direction = points[first], points[last] - points[first]
        offset = points[first + 1 : last] - start
        along = np.clip(offset @ direction / max(float(direction @ direction), 1e-12), 0.0, 1.0)
        distance = np.hypot(*(offset - along[:, None] * direction).T)
        excess = distance / allowed[first + 1 : last]
        worst = int(excess.argmax())
        if excess[worst] > 1.0:
            middle = first + 1 + worst
            kept.append(middle)
            stack += [(first, middle), (middle, last)]
    return sorted(kept)


def _turns(vertices: np.ndarray, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Turning angle in degrees and the shorter adjacent side at each vertex; zero at the ends of an open line."""
    before, after = vertices - np.roll(vertices, 1, 0), np.roll(vertices, -1, 0) - vertices
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.degrees(np.abs(np.arctan2(cross, (before * after).sum(1))))
    side = np.minimum(np.hypot(*before.T), np.hypot(*after.T))
    if not closed:
        turn[[0, -1]] = 0.0
    return turn, side


def find_corners(points: np.ndarray, *, closed: bool, tolerance: float = 0.6, reach: float = CORNER_REACH) -> list[int]:
    """Indices of the corners of a dense line, for a closed one counted in the given points."""
    start = 0
    if closed:
        start = int(((points - points.mean(0)) ** 2).sum(1).argmax())
        points = np.roll(points, -start, 0)
        ring = np.concatenate([points, points[:1]])
        opposite = int(((points - points[0]) ** 2).sum(1).argmax())
        kept = simplify(ring, tolerance, [opposite])[:-1]
    else:
        kept = simplify(points, tolerance, [])
    kept = _join_close(points, kept, reach, closed)
    if len(kept) < 3:
        return []
    turn, side = _turns(points[kept], closed)
    sharp = _sharp(points, closed)[kept]
    return [(kept[i] + start) % len(points) for i in np.nonzero((turn > CORNER_DEGREES) & (side > reach) & sharp)[0]]


def _sharp(points: np.ndarray, closed: bool) -> np.ndarray:
    """Where a dense line turns within two pixels, and not nearly as much before or after."""
    mode: Literal["wrap", "nearest"] = "wrap" if closed else "nearest"
    step = float(np.hypot(*np.diff(points, axis=0).T).mean())
    reach = max(int(round(1.8 / max(step, 0.1))), 1)
    smooth = ndimage.gaussian_filter1d(points, 0.7 / max(step, 0.1), axis=0, mode=mode)
    # Chords over a reach; the turn at a point is that from the chord before it to the chord after it.
    order = np.arange(len(points))

    def at(offset: int) -> np.ndarray:
        index = (order + offset) % len(points) if closed else np.clip(order + offset, 0, len(points) - 1)
        return np.asarray(smooth[index])

    def turn(offset: int) -> np.ndarray:
        before, after = at(offset) - at(offset - reach), at(offset + reach) - at(offset)
        cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
        return np.asarray(np.degrees(np.abs(np.arctan2(cross, (before * after).sum(1)))))

    core = turn(0)
    beside = np.minimum(turn(-2 * reach), turn(2 * reach))
    # The vertex may lie a point or two beside the sharpest place.
    return np.asarray(
        ndimage.maximum_filter1d((core > 0.5 * CORNER_DEGREES) & (core > CORNER_SHARPNESS * beside), 5, mode=mode)
    )


def _join_close(points: np.ndarray, kept: list[int], reach: float, closed: bool) -> list[int]:
    """Join runs of vertices at most ``reach`` apart into one: a corner that antialiasing cut off is still one
    corner."""
    groups: list[list[int]] = []
    for index in kept:
        if groups and np.hypot(*(points[index] - points[groups[-1][0]])) <= reach:
            groups[-1].append(index)
        else:
            groups.append([index])
    if closed and len(groups) > 1 and np.hypot(*(points[groups[-1][0]] - points[groups[0][-1]])) <= reach:
        groups[0] = [index - len(points) for index in groups.pop()] + groups[0]
    return [((group[0] + group[-1]) // 2) % len(points) for group in groups]


def _place(points: np.ndarray, corners: list[int], spacing: np.ndarray, closed: bool) -> tuple[list[int], np.ndarray]:
    """Indices of the control points' seeds and which of them stay on the curve; a closed line starts at its
    first point."""
    if not closed:
        kept = simplify(points, spacing, corners)
        on = np.isin(kept, [0, len(points) - 1, *corners])
        return kept, on
    ring = np.concatenate([points, points[:1]])
    fixed = corners if len(corners) > 1 else [*corners, int(((points - points[0]) ** 2).sum(1).argmax())]
    kept = simplify(ring, np.append(spacing, spacing[0]), fixed)[:-1]
    if len(kept) < 3:
        count = len(points)
        kept = sorted({*kept, *(i * count // 4 for i in range(4))})
    return kept, np.isin(kept, corners)


def _basis(parameter: np.ndarray, on: np.ndarray, closed: bool) -> np.ndarray:
    """Weights (n, m) of the control points in the curve at ``parameter``: control i has the span [i - 1/2, i
    + 1/2].

    Around a control point off the curve runs its quadratic piece; half of a straight side belongs to each of
    its ends.
    """
    count = len(on)
    nearest = np.floor(parameter + 0.5).astype(int)
    local = parameter - nearest + 0.5
    nearest = nearest % count if closed else np.clip(nearest, 0, count - 1)
    before, after = (nearest - 1) % count, (nearest + 1) % count
    rows = np.arange(len(parameter))
    basis = np.zeros((len(parameter), count))
    # A quadratic piece starts at the neighbour where that is on the curve, else half way to it.
    for neighbour, weight in ((before, (1 - local) ** 2), (after, local**2)):
        share = np.where(on[neighbour], 1.0, 0.5)
        curved = ~on[nearest]
        np.add.at(basis, (rows, neighbour), np.where(curved, share * weight, 0.0))
        np.add.at(basis, (rows, nearest), np.where(curved, (1 - share) * weight, 0.0))
    np.add.at(basis, (rows, nearest), np.where(on[nearest], 0.0, 2 * local * (1 - local)))
    # On a vertex the curve goes straight towards neighbours that are on it and rests against those that are
    # not.
    toward = np.where(local < 0.5, before, after)
    distance = np.where(on[toward], np.abs(local - 0.5), 0.0)
    np.add.at(basis, (rows, nearest), np.where(on[nearest], 1 - distance, 0.0))
    np.add.at(basis, (rows, toward), np.where(on[nearest], distance, 0.0))
    return basis


def _samples(on: np.ndarray, closed: bool, count: int = 12) -> np.ndarray:
    """Parameters along the curve, ``count`` for each control point, free of the flat stretches at smooth vertices."""
    size = len(on)
    grid = (np.arange(size)[:, None] - 0.5 + (np.arange(count) + 0.5) / count).ravel()
    if not closed:
        grid = np.unique(np.clip(grid, 0.0, size - 1.0))
    return grid


def fit_curve(
    points: np.ndarray,
    *,
    closed: bool,
    weights: np.ndarray | None = None,
    tolerance: float = 0.6,
    corners: list[int] | None = None,
) -> Curve:
    """The curve of fewest control points that stays within ``tolerance`` pixels of a dense line.

    ``points`` (n, 2) are about equally spaced; ``weights`` (n,) below one allow the curve to pass farther
    off.
    """
    weights = np.ones(len(points)) if weights is None else weights
    corners = find_corners(points, closed=closed) if corners is None else corners
    if closed:
        start = corners[0] if corners else 0
        points, weights = np.roll(points, -start, 0), np.roll(weights, -start)
        corners = sorted((corner - start) % len(points) for corner in corners)
    spacing = np.full(len(points), COARSEST)
    length = float(np.hypot(*np.diff(points, axis=0).T).mean())
    best: tuple[float, Curve] | None = None
    kept: list[int] = []
    for _ in range(7):
        placed, on = _place(points, corners, spacing, closed)
        if placed != kept:
            kept = placed
            curve = _solve(points, weights, kept, on, closed)
            excess = np.maximum(curve.distances - 0.25 * tolerance, 0.0) ** 2
            cost = 2 * len(kept) + DISTANCE_PRICE * float(excess.sum()) * length
            if best is None or cost < best[0]:
                best = (cost, curve)
        # Refine the neighbourhood of every miss, as wide as the distance between control points there.
        missed = curve.distances > tolerance
        if not missed.any() or float(spacing[missed].max()) <= FINEST:
            break
        reach = int(np.clip(len(points) / len(kept), 3, 15))
        near = ndimage.maximum_filter1d(missed, 2 * reach + 1, mode="wrap" if closed else "nearest")
        spacing = np.where(near, np.maximum(0.6 * spacing, FINEST), spacing)
    assert best is not None
    return best[1]


def _solve(points: np.ndarray, weights: np.ndarray, kept: list[int], on: np.ndarray, closed: bool) -> Curve:
    """Least-squares control points for given seeds, alternating with the points' parameters."""
    step = np.hypot(*(np.roll(points, -1, 0) - points).T)
    arc = np.concatenate([[0.0], np.cumsum(step)])
    total, arc = float(arc[-1] if closed else arc[-2]), arc[:-1]
    seeds = arc[kept]
    # Control i sits at parameter i; the arc between two seeds maps linearly.
    if closed:
        parameter = np.interp(arc, np.append(seeds, seeds[0] + total), np.arange(len(kept) + 1.0))
    else:
        parameter = np.interp(arc, seeds, np.arange(float(len(kept))))
    initial = points[kept]
    # Blur rounds corners, so what lies next to one says little about where its sides meet.
    gap = np.full(len(points), np.inf)
    for i in np.nonzero(on)[0]:
        away = np.abs(arc - seeds[i])
        gap = np.minimum(gap, np.minimum(away, total - away) if closed else away)
    if not closed:
        gap = np.maximum(gap, np.where((arc < 1.2) | (arc > total - 1.2), 2.0, 0.0))
    trusted = weights * np.where(gap < 1.2, 0.1, 1.0)
    if not closed:
        trusted[[0, -1]] *= 10.0
    # Half spans that rest against a smooth neighbour have no length: the points there belong to the
    # neighbour's piece.
    parameter = _off_rests(parameter, on, closed)
    grid = _samples(on, closed)
    grid_basis = _basis(grid, on, closed)
    control = initial
    scale = max(total / max(len(kept), 1), 1.0)
    for _ in range(3):
        basis = _basis(parameter, on, closed)
        weighted = basis * trusted[:, None]
        normal = basis.T @ weighted + 0.05 * np.eye(len(kept))
        control = initial + linalg.solve(normal, weighted.T @ (points - basis @ initial), assume_a="pos")
        drift = np.hypot(*(control - initial).T)
        control = np.where((drift > 2.0 * scale)[:, None], initial, control)
        drawn = grid_basis @ control
        # The scaled arc length as a third coordinate keeps a point from jumping to another branch of a tight
        # shape.
        drawn_arc = np.interp(
            np.mod(grid, len(kept)),
            np.arange(len(kept) + closed),
            np.append(seeds, total) if closed else seeds,
        )
        lift = 0.1
        tree = cKDTree(np.column_stack([drawn, lift * drawn_arc]))
        found = tree.query(np.column_stack([points, lift * arc]))[1]
        parameter = grid[found]
    # Distances to the drawn polyline's segments, for those of the samples alone would grow with their
    # spacing.
    distance = _polyline_distance(points, drawn, found, closed)
    counted = np.where(gap < 1.2, 0.4, 1.0) * np.where(weights < 0.5, 0.25, 1.0)
    return Curve(control, on, distance * counted)


def _off_rests(parameter: np.ndarray, on: np.ndarray, closed: bool) -> np.ndarray:
    """Stretch parameters so that a piece between a corner and a control point off the curve fills its whole span."""
    count = len(on)
    lower = np.floor(parameter).astype(int)
    fraction = parameter - lower
    upper = (lower + 1) % count if closed else np.minimum(lower + 1, count - 1)
    low_on, high_on = on[lower % count], on[upper]
    stretched = np.where(low_on & ~high_on, 0.5 + 0.5 * fraction, np.where(~low_on & high_on, 0.5 * fraction, fraction))
    return np.asarray(lower + stretched)


def _polyline_distance(points: np.ndarray, drawn: np.ndarray, nearest: np.ndarray, closed: bool) -> np.ndarray:
    best = np.full(len(points), np.inf)
    count = len(drawn)
    for first, second in ((-1, 0), (0, 1)):
        a_index, b_index = nearest + first, nearest + second
        if closed:
            a_index, b_index = a_index % count, b_index % count
        else:
            a_index, b_index = np.clip(a_index, 0, count - 1), np.clip(b_index, 0, count - 1)
        a, b = drawn[a_index], drawn[b_index]
        along = np.clip(((points - a) * (b - a)).sum(1) / np.maximum(((b - a) ** 2).sum(1), 1e-12), 0.0, 1.0)
        best = np.minimum(best, np.hypot(*(points - a - along[:, None] * (b - a)).T))
    return best


def path_from_outlines(outlines: list[Outline], *, tolerance: float = 0.6) -> Path | Polygon:
    """The outlines as one even-odd path, or as a polygon where it is one outline of straight sides."""
    contours = []
    for outline in outlines:
        curve = fit_curve(outline.points, closed=True, weights=outline.weights, tolerance=tolerance)
        contours.append(curve.vertices())
    if len(contours) == 1 and all(on for _, _, on in contours[0]):
        return Polygon(tuple((x, y) for x, y, _ in contours[0]))
    return Path(tuple(contours))


def polygon_from_outline(outline: Outline, *, tolerance: float = 0.6) -> Polygon:
    """An outline as a polygon of few vertices that stay within ``tolerance`` pixels."""
    points = outline.points
    start = int(((points - points.mean(0)) ** 2).sum(1).argmax())
    points = np.roll(points, -start, 0)
    opposite = int(((points - points[0]) ** 2).sum(1).argmax())
    kept = simplify(np.concatenate([points, points[:1]]), tolerance, [opposite])[:-1]
    if len(kept) < 3:
        kept = [k * len(points) // 4 for k in range(4)]
    return Polygon(tuple((float(x), float(y)) for x, y in points[kept]))


def flatten_weights(on: np.ndarray, *, closed: bool, steps: int = 8) -> np.ndarray:
    """Weights (n, m) that give points along a line of m vertices, ``steps`` for each quadratic piece."""
    count = len(on)
    t = np.linspace(0.0, 1.0, steps, endpoint=False)
    pieces = []
    for i in range(count):
        if on[i]:
            row = np.zeros((1, count))
            row[0, i] = 1.0
            pieces.append(row)
            continue
        before, after = i - 1, (i + 1) % count
        last = not closed and after == 0
        # The vertex before it is a point already where it lies on the line.
        steps_here = np.append(t, 1.0)[int(on[before]) : None if last else -1]
        piece = np.zeros((len(steps_here), count))
        for neighbour, weight in ((before, (1 - steps_here) ** 2), (after, steps_here**2)):
            share = 1.0 if on[neighbour] else 0.5
            piece[:, neighbour] += share * weight
            piece[:, i] += (1 - share) * weight
        piece[:, i] += 2 * steps_here * (1 - steps_here)
        pieces.append(piece)
    return np.concatenate(pieces)


def flatten(vertices: tuple[Vertex, ...], *, closed: bool, steps: int = 8) -> np.ndarray:
    """Points (n, 2) along a line of vertices, ``steps`` for each quadratic piece."""
    on = np.array([flag for _, _, flag in vertices])
    points = np.array([(x, y) for x, y, _ in vertices])
    return np.asarray(flatten_weights(on, closed=closed, steps=steps) @ points)
