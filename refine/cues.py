"""What a two-colour picture's outline says about the shapes behind it: candidate circles and boxes.

Every edge of every visible shape is a straight line or an arc of the outline. The outline is traced at sub-pixel
accuracy and cut into the longest pieces that a line or a circle explains (fits to all windows at once, as in
RANSAC but exhaustive). An arc gives a circle. Lines of one orientation and of the one across it give boxes: two
parallel edges with opposite dark sides may be partners, hidden edges are put where visible ones end, or out of sight.

Coordinates are scene units: x right, y up, the shorter side of the picture spans [-1, 1].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

TOLERANCE = 0.35
"""How far a point of the outline may lie from the line or circle that explains it, in pixels."""
ROUGHNESS = 0.14
"""The same for the root mean square, which antialiased edges keep."""
BEND = 0.1
"""How well the height of an arc over its chord is known, in pixels."""
SHORTEST = 5.0
"""Pieces shorter than this (pixels) say too little."""
SNAP = 1.5
"""Orientations this near (degrees) to a multiple of 45 are tried there too."""


@dataclass(frozen=True)
class Line:
    """A straight piece of outline: its ends (x, y), with the inside on its left."""

    start: Array
    end: Array

    @property
    def length(self) -> float:
        return float(np.hypot(*(self.end - self.start)))


@dataclass(frozen=True)
class Arc:
    """A round piece of outline: centre (x, y) and radius of its circle, its length, the place (x, y) of its middle."""

    centre: Array
    radius: float
    length: float
    middle: Array


@dataclass(frozen=True)
class Cues:
    lines: tuple[Line, ...]
    arcs: tuple[Arc, ...]


def outlines(coverage: npt.ArrayLike) -> list[tuple[Array, bool]]:
    """The outline of a soft mask (h, w): points (n, 2) about half a pixel apart, and whether it is closed.

    Points are in pixels (x right, y down, a pixel's centre at +0.5), with the inside on the left as seen with y up. The
    picture's border is no outline.
    """
    from skimage import measure

    pieces = []
    mask = np.asarray(coverage, np.float64)
    contours: list[Array] = measure.find_contours(mask, 0.5)  # type: ignore[no-untyped-call]
    for raw in contours:
        points = raw[:, ::-1] + 0.5
        arc = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        if arc[-1] < SHORTEST:
            continue
        closed = bool(np.all(raw[0] == raw[-1]))
        wanted = np.linspace(0.0, arc[-1], max(int(arc[-1] * 2), 12), endpoint=not closed)
        even = np.stack([np.interp(wanted, arc, points[:, 0]), np.interp(wanted, arc, points[:, 1])], 1)
        pieces.append((even, closed))
    return pieces


def find_cues(coverage: npt.ArrayLike) -> Cues:
    """Lines and arcs of the outline of a soft mask (h, w) with values in [0, 1], longest first."""
    mask = np.asarray(coverage, np.float64)
    height, width = mask.shape
    lines: list[Line] = []
    arcs: list[Arc] = []
    unit = 2.0 / min(height, width)
    origin = np.array([0.5 * width, 0.5 * height])

    def scene(points: Array) -> Array:
        return np.asarray((points - origin) * np.array([unit, -unit]))

    for points, closed in outlines(mask):
        for piece in _cut(points, closed):
            part = _piece(points, piece, closed)
            straight = _line(part)
            if straight is not None:
                a, b = scene(straight[0]), scene(straight[1])
                lines.append(Line(a, b))
            if straight is None or len(part) < 24:
                x, y, radius = _circle(part)
                if radius * unit < 8.0:
                    centre, middle = scene(np.array([x, y])), scene(part[len(part) // 2])
                    arcs.append(Arc(centre, radius * unit, 0.5 * len(part) * unit, middle))
    lines.sort(key=lambda line: -line.length)
    arcs.sort(key=lambda arc: -arc.length)
    return Cues(tuple(lines), tuple(arcs))


def _piece(points: Array, piece: tuple[int, int], closed: bool) -> Array:
    first, count = piece
    index = np.arange(first, first + count)
    return points[index % len(points)] if closed else points[index]


def _cut(points: Array, closed: bool) -> list[tuple[int, int]]:
    """(first, count) of pieces that a line or a circle explains, chosen longest first until no point is left bare.

    Points next to a corner bend away from both sides, so pieces overlap a little and ends are not counted.
    """
    n = len(points)
    lengths = [int(c) for c in np.unique(np.round(2.0 * SHORTEST * 1.25 ** np.arange(40)).astype(int)) if c <= n]
    if not lengths:
        return []
    ring = np.concatenate([points, points]) if closed else points
    found: list[tuple[int, int]] = []
    bare = np.ones(n, bool)
    for count in reversed(lengths):
        starts = np.arange(n if closed else n - count + 1)
        windows = np.lib.stride_tricks.sliding_window_view(ring, count, axis=0)[starts].transpose(0, 2, 1)
        twice = np.concatenate([bare, bare]) if closed else bare
        uncovered = np.lib.stride_tricks.sliding_window_view(twice, count)[starts]
        wanted = np.flatnonzero(uncovered.mean(1) > 0.6)
        if not len(wanted):
            continue
        roughness, worst = _roughness(windows[wanted])
        good = (roughness < ROUGHNESS) & (worst < TOLERANCE)
        for k in np.argsort(np.where(good, roughness, np.inf)):
            if not good[k]:
                break
            first = int(starts[wanted[k]])
            index = np.arange(first, first + count) % n
            if bare[index].mean() <= 0.6:
                continue
            first, grown = _grow(points, first, count, closed)
            bare[np.arange(first, first + grown) % n] = False
            found.append((first, grown))
    return found


def _grow(points: Array, first: int, count: int, closed: bool) -> tuple[int, int]:
    """A piece extended at both ends as far as its own line or circle goes on."""
    n = len(points)
    for _ in range(2):
        part = _piece(points, (first, count), closed)
        distance = _explained(part, points)
        near = distance < TOLERANCE
        while count < n and near[(first + count) % n] and (closed or first + count < n):
            count += 1
        while count < n and near[first - 1] and (closed or first > 0):
            first, count = (first - 1) % n, count + 1
    return first, count


def _explained(part: Array, points: Array) -> Array:
    """Distances of `points` from the line, or where it bends the circle, through `part`."""
    if _line(part) is not None:
        centre = part.mean(0)
        _, _, axes = np.linalg.svd(part - centre, full_matrices=False)
        return np.asarray(np.abs((points - centre) @ axes[1]))
    x, y, radius = _circle(part)
    return np.abs(np.hypot(points[:, 0] - x, points[:, 1] - y) - radius)


def _line(part: Array) -> tuple[Array, Array] | None:
    """The ends of the line through a piece, or None if it is no line."""
    centre = part.mean(0)
    _, spread, axes = np.linalg.svd(part - centre, full_matrices=False)
    across = (part - centre) @ axes[1]
    if spread[1] / np.sqrt(len(part)) > 0.09 or np.abs(across).max() > TOLERANCE:
        return None
    along = (part - centre) @ axes[0]
    return centre + along[0] * axes[0], centre + along[-1] * axes[0]


def _circle(part: Array) -> tuple[float, float, float]:
    """Centre and radius of the circle nearest to a piece: Kasa's linear fit, then Gauss-Newton on distances."""
    centre = part.mean(0)
    p = part - centre
    columns = np.concatenate([p, np.ones((len(p), 1))], 1)
    solution = np.linalg.lstsq(columns, (p**2).sum(1), rcond=None)[0]
    x, y = solution[:2] / 2
    radius = float(np.sqrt(max(solution[2] + x * x + y * y, 1e-9)))
    for _ in range(4):
        dx, dy = p[:, 0] - x, p[:, 1] - y
        r = np.hypot(dx, dy) + 1e-12
        jacobian = np.stack([-dx / r, -dy / r, -np.ones(len(p))], 1)
        step = np.linalg.lstsq(jacobian, radius - r, rcond=None)[0]
        if not np.all(np.isfinite(step)) or np.abs(step).max() > radius:
            break
        x, y, radius = x + step[0], y + step[1], radius + step[2]
    return float(x + centre[0]), float(y + centre[1]), float(abs(radius))


def _roughness(windows: Array) -> tuple[Array, Array]:
    """Root mean square and largest distance (m,) of windows (m, n, 2) from the better of a line and a circle."""
    p = windows - windows.mean(1, keepdims=True)
    moments = np.einsum("mni,mnj->mij", p, p)
    values, axes = np.linalg.eigh(moments)
    across = np.abs(np.einsum("mni,mi->mn", p, axes[:, :, 0]))
    square = (p**2).sum(2)
    # Kasa: 2 x X + 2 y Y + c = x^2 + y^2; the points are centred, so c decouples.
    right = np.einsum("mni,mn->mi", p, square)
    determinant = np.maximum(values[:, 0] * values[:, 1], 1e-9)
    half = 0.5 / determinant[:, None]
    x = half[:, 0] * (moments[:, 1, 1] * right[:, 0] - moments[:, 0, 1] * right[:, 1])
    y = half[:, 0] * (moments[:, 0, 0] * right[:, 1] - moments[:, 0, 1] * right[:, 0])
    radius = np.sqrt(square.mean(1) + x * x + y * y)
    round_off = np.abs(np.hypot(p[..., 0] - x[:, None], p[..., 1] - y[:, None]) - radius[:, None])
    straight = (across**2).mean(1) <= (round_off**2).mean(1) + 1e-3
    error = np.where(straight[:, None], across, round_off)
    return np.sqrt((error**2).mean(1)), error.max(1)


def circle_candidates(cues: Cues, pixel: float) -> Array:
    """Circles (n, 3) as (radius, x, y) that arcs suggest: each arc's own, and for a short arc, whose bend is hardly
    seen, larger and smaller ones through its middle."""
    rows = [(a.radius, *a.centre) for a in cues.arcs]
    for a in cues.arcs:
        sagitta = a.length**2 / (8.0 * a.radius)
        doubt = min(BEND * pixel / max(sagitta, 1e-9), 0.8)
        if doubt > 0.02:
            for step in (-2.0, -1.0, 1.0, 2.0):
                radius = a.radius * float(np.exp(step * doubt))
                rows.append((radius, *(a.middle + (a.centre - a.middle) * radius / a.radius)))
    return _distinct(np.array(rows).reshape(-1, 3), 0.5 * pixel)


def box_candidates(cues: Cues, pixel: float, *, rotates: bool, far: float, most: int = 500) -> Array:
    """Boxes (n, 5) as (half width, half height, degrees, x, y) that lines suggest, the best supported first.

    `far` is how far from the centre an edge is out of sight at any angle."""
    proposals: list[tuple[float, tuple[float, ...]]] = []
    for degrees in _orientations(cues.lines, rotates):
        proposals += _boxes_at(cues.lines, degrees, pixel, far)
    proposals.sort(key=lambda p: -p[0])
    return _distinct(np.array([row for _, row in proposals]).reshape(-1, 5), 0.5 * pixel)[:most]


def _orientations(lines: tuple[Line, ...], rotates: bool) -> list[float]:
    """Directions of box sides, degrees in [-45, 45), from the longest lines on."""
    if not rotates:
        return [0.0]
    found: list[float] = []
    for line in lines:
        dx, dy = line.end - line.start
        degrees = (np.degrees(np.arctan2(dy, dx)) + 45.0) % 90.0 - 45.0
        nearest = 45.0 * np.round(degrees / 45.0)
        values = [degrees]
        if abs(degrees - nearest) < SNAP or line.length < 0.15 and abs(degrees - nearest) < 4.0 * SNAP:
            values = [nearest if nearest < 45.0 else -45.0]
        for value in values:
            if all(abs((value - f + 45.0) % 90.0 - 45.0) > 1.0 for f in found):
                found.append(float(value))
    return found[:8]


def _boxes_at(
    lines: tuple[Line, ...], degrees: float, pixel: float, far: float
) -> list[tuple[float, tuple[float, ...]]]:
    """Boxes of one orientation with the length of outline that supports each."""
    angle = np.deg2rad(degrees)
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    edges: tuple[list[tuple[float, float, float, float]], ...] = ([], [])
    for line in lines:
        start, end = axes @ line.start, axes @ line.end
        step = end - start
        for axis in (0, 1):
            slope = abs(step[axis]) / (abs(step[1 - axis]) + 1e-9)
            if slope < 0.03 + 0.6 * pixel / max(line.length, pixel):
                # The inside is on the left of the line: towards +axis or -axis.
                side = float(np.sign(step[1]) * (-1.0 if axis == 0 else 0.0) + np.sign(step[0]) * (axis == 1))
                ends = sorted((start[1 - axis], end[1 - axis]))
                edges[axis].append((0.5 * (start[axis] + end[axis]), side, *ends))
    merged = [_merged(list(e), pixel)[:14] for e in edges]
    spans = [_intervals(merged[axis], merged[1 - axis], pixel, far) for axis in (0, 1)]
    result: list[tuple[float, tuple[float, ...]]] = []
    for u0, u1, u_real in spans[0]:
        for v0, v1, v_real in spans[1]:
            support, used = 0.0, 0
            fits = True
            for axis, real, (low, high) in ((0, u_real, (v0, v1)), (1, v_real, (u0, u1))):
                for k in real:
                    _, _, a, b = merged[axis][k]
                    overlap = min(b, high) - max(a, low)
                    fits &= overlap > 0.5 * (b - a)
                    support += max(0.0, overlap) - 0.5 * (b - a - overlap)
                    used += 1
            if not fits or used < 1 or u1 - u0 < pixel or v1 - v0 < pixel:
                continue
            centre = np.array([0.5 * (u0 + u1), 0.5 * (v0 + v1)]) @ axes
            perimeter = 2.0 * (u1 - u0 + v1 - v0)
            score = support + 0.3 * used + support / max(perimeter, 0.1)
            result.append((score, (0.5 * (u1 - u0), 0.5 * (v1 - v0), degrees, float(centre[0]), float(centre[1]))))
    result.sort(key=lambda p: -p[0])
    return result[:400]


def _merged(edges: list[tuple[float, float, float, float]], pixel: float) -> list[tuple[float, float, float, float]]:
    """Edges, the longest first, and with them what edges on one line with one dark side make together."""
    edges.sort(key=lambda e: -(e[3] - e[2]))
    result: list[tuple[float, float, float, float]] = []
    for edge in edges:
        for other in list(result):
            if abs(edge[0] - other[0]) < 0.7 * pixel and edge[1] == other[1]:
                result.append((other[0], other[1], min(edge[2], other[2]), max(edge[3], other[3])))
                break
        if edge not in result:
            result.append(edge)
    return result


def _intervals(
    edges: list[tuple[float, float, float, float]], across: list[tuple[float, float, float, float]], pixel: float,
    far: float,
) -> list[tuple[float, float, tuple[int, ...]]]:
    """Extents of boxes along one axis: (low, high, which edges bound them).

    Two edges are partners if their dark sides oppose; an edge alone is completed by where the edges across it end, or
    out of sight; and extents with no edge at all come from the ends of edges across.
    """
    ends = sorted({round(value / (0.5 * pixel)) * 0.5 * pixel for e in across for value in e[2:]})
    ends = [value for k, value in enumerate(ends) if k == 0 or value - ends[k - 1] > pixel]
    result: list[tuple[float, float, tuple[int, ...]]] = []
    for i, a in enumerate(edges):
        for j, b in enumerate(edges):
            if b[0] - a[0] > pixel and a[1] * b[1] < 0.0:
                result.append((a[0], b[0], (i, j)))
        for end in [*ends, far]:
            if end - a[0] > pixel:
                result.append((a[0], end, (i,)))
        for end in [*ends, -far]:
            if a[0] - end > pixel:
                result.append((end, a[0], (i,)))
    for e in across:
        result.append((e[2], e[3], ()))
        result.append((-far, e[3], ()))
        result.append((e[2], far, ()))
    result.append((-far, far, ()))
    return result


def _distinct(rows: Array, tolerance: float) -> Array:
    """Rows without those that nearly repeat an earlier one."""
    kept: list[int] = []
    cells: set[tuple[int, ...]] = set()
    for k, row in enumerate(np.round(rows / tolerance).astype(int).tolist()):
        if tuple(row) not in cells:
            cells.add(tuple(row))
            kept.append(k)
    return rows[kept]
