"""Signed distances and pixel coverage of sketch shapes, good enough to choose between shapes before any
fitting.

Coordinates are pixels (x = column, y = row, a pixel's centre at +0.5). This is no renderer: coverage is the
clipped distance, or the area of a polygon for paths.
"""

from __future__ import annotations

import numpy as np

from refine.outlines import flatten
from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Difference,
    Ellipse,
    Outlined,
    Path,
    Polygon,
    Ring,
    Segment,
    SketchShape,
    Stroke,
)


def distance(shape: SketchShape, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance (negative inside) to any shape but outlines, their offsets and strokes; for an ellipse a
    first-order estimate."""
    if isinstance(shape, Circle):
        return np.asarray(np.hypot(x - shape.center[0], y - shape.center[1]) - shape.radius)
    if isinstance(shape, Ring):
        from_center = np.hypot(x - shape.center[0], y - shape.center[1])
        return np.asarray(np.abs(from_center - shape.radius) - shape.width / 2)
    if isinstance(shape, Difference):
        holes = [-distance(hole, x, y) for hole in shape.holes]
        return np.asarray(np.maximum.reduce([distance(shape.base, x, y), *holes]))
    if isinstance(shape, Outlined):
        return np.asarray(np.abs(distance(shape.shape, x, y)) - shape.width / 2)
    if isinstance(shape, (Ellipse, Box)):
        angle = np.radians(shape.angle)
        dx, dy = x - shape.center[0], y - shape.center[1]
        u, v = np.cos(angle) * dx + np.sin(angle) * dy, np.cos(angle) * dy - np.sin(angle) * dx
        if isinstance(shape, Ellipse):
            radius_x, radius_y = max(shape.radius_x, 1e-3), max(shape.radius_y, 1e-3)
            first = np.hypot(u / radius_x, v / radius_y)
            second = np.hypot(u / radius_x**2, v / radius_y**2)
            estimate = first * (first - 1) / np.maximum(second, 1e-9)
            return np.asarray(np.maximum(estimate, -min(radius_x, radius_y)))
        over_x = np.abs(u) - shape.half_width + shape.rounding
        over_y = np.abs(v) - shape.half_height + shape.rounding
        outside = np.hypot(np.maximum(over_x, 0), np.maximum(over_y, 0))
        return np.asarray(outside + np.minimum(np.maximum(over_x, over_y), 0) - shape.rounding)
    if isinstance(shape, Segment):
        squared = _segment_squared_distance(np.array(shape.a), np.array(shape.b), x, y)
        return np.asarray(np.sqrt(squared) - shape.width / 2)
    if isinstance(shape, Capsule):
        return _capsule_distance(shape, x, y)
    raise TypeError(f"a {type(shape).__name__} has no distance here, use coverage")


def _segment_squared_distance(start: np.ndarray, end: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    dx, dy = end - start
    along = np.clip(((x - start[0]) * dx + (y - start[1]) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    return np.asarray((x - start[0] - along * dx) ** 2 + (y - start[1] - along * dy) ** 2)


def _capsule_distance(shape: Capsule, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    axis = np.subtract(shape.b, shape.a)
    length = max(float(np.hypot(*axis)), 1e-6)
    unit = axis / length
    dx, dy = x - shape.a[0], y - shape.a[1]
    along, across = dx * unit[0] + dy * unit[1], np.abs(dy * unit[0] - dx * unit[1])
    sine = float(np.clip((shape.radius_a - shape.radius_b) / length, -1, 1))
    cosine = float(np.sqrt(1 - sine * sine))
    # The tangent line touches both discs; the points whose normal meets it between the touching points belong
    # to it.
    position = along * cosine - across * sine
    start = np.hypot(dx, dy) - shape.radius_a
    end = np.hypot(along - length, across) - shape.radius_b
    side = along * sine + across * cosine - shape.radius_a
    return np.asarray(np.where(position < 0, start, np.where(position > length * cosine, end, side)))


def _cut_ends(field: np.ndarray, points: np.ndarray, width: float, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The field of a line cut square at its ends."""
    for end, before in ((points[0], points[1]), (points[-1], points[-2])):
        outward = (end - before) / max(float(np.hypot(*(end - before))), 1e-9)
        beyond = (x - end[0]) * outward[0] + (y - end[1]) * outward[1]
        near = np.hypot(x - end[0], y - end[1]) < width
        field = np.where(near, np.maximum(field, beyond), field)
    return np.asarray(field)


def coverage(shape: SketchShape, size: tuple[int, int]) -> np.ndarray:
    """Share of each pixel that a shape covers, (height, width) in [0, 1]; not of offsets, which no region is explained by."""
    if isinstance(shape, Polygon):
        return _contours_coverage([np.array(shape.points)], size)
    if isinstance(shape, Path):
        return _contours_coverage([flatten(contour, closed=True, steps=5) for contour in shape.contours], size)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    field = _near_stroke(shape, size) if isinstance(shape, Stroke) else distance(shape, x, y)
    inside = np.clip(0.5 - field, 0, 1)
    if isinstance(shape, (Segment, Ring, Outlined, Stroke)):
        # The far side of a line thinner than a pixel is inside the same pixel.
        inside = inside - np.clip(0.5 - field - shape.width, 0, 1)
    return np.asarray(inside)


def _near_stroke(shape: Stroke, size: tuple[int, int]) -> np.ndarray:
    """Signed distance to a stroke on the pixel grid, right wherever a pixel can be touched, large elsewhere."""
    points = flatten(shape.points, closed=shape.closed, steps=5)
    if shape.closed:
        points = np.concatenate([points, points[:1]])
    reach = 0.5 * shape.width + 1.0
    field = np.full(size, 1e6)
    for start, end in zip(points[:-1], points[1:]):
        low = np.floor(np.minimum(start, end) - reach).astype(int)
        high = np.ceil(np.maximum(start, end) + reach).astype(int)
        rows = slice(max(low[1], 0), max(high[1], 0))
        columns = slice(max(low[0], 0), max(high[0], 0))
        part = field[rows, columns]
        if part.size:
            y = np.arange(rows.start, rows.start + part.shape[0])[:, None] + 0.5
            x = np.arange(columns.start, columns.start + part.shape[1])[None, :] + 0.5
            squared = _segment_squared_distance(start, end, x, y)
            np.minimum(part, squared, out=part)
    field = np.sqrt(field) - 0.5 * shape.width
    if shape.closed or shape.caps == "round":
        return np.asarray(field)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    return _cut_ends(field, points, shape.width, x, y)


def _contours_coverage(contours: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """Even-odd coverage by summing the signed areas to the right of the edges, row by row.

    Edges are cut exactly at pixel rows, and to a quarter of a pixel along x.
    """
    height, width = size
    start = np.concatenate(contours)
    end = np.concatenate([np.roll(contour, -1, 0) for contour in contours])
    start, end = (np.column_stack([p[:, 0], np.clip(p[:, 1], 0.0, height)]) for p in (start, end))
    rising = end[:, 1] - start[:, 1]
    kept = np.abs(rising) > 1e-9
    start, end, rising = start[kept], end[kept], rising[kept]
    first = np.floor(np.minimum(start[:, 1], end[:, 1]))
    pieces = (np.ceil(np.maximum(start[:, 1], end[:, 1])) - first).astype(int)
    index = np.repeat(np.arange(len(start)), pieces)
    line = first[index] + np.arange(len(index)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    row = line.astype(int)
    # Share of the edge, in [0, 1], at which it enters and leaves the row.
    at = [np.clip((line + k - start[index, 1]) / rising[index], 0, 1) for k in (0, 1)]
    enter, leave = np.minimum(*at), np.maximum(*at)
    across = np.abs((end - start)[index, 0]) * (leave - enter)
    parts = np.maximum(np.ceil(4 * across), 1).astype(int)
    piece = np.repeat(np.arange(len(index)), parts)
    part = np.arange(len(piece)) - np.repeat(np.cumsum(parts) - parts, parts)
    share = enter[piece] + (leave - enter)[piece] * (part + 0.5) / parts[piece]
    edge = index[piece]
    x = np.clip(start[edge, 0] + share * (end - start)[edge, 0], 0.0, width)
    cover = rising[edge] * (leave - enter)[piece] / parts[piece]
    column = np.floor(x).astype(int)
    within = 1.0 - (x - column)
    cell = row[piece] * (width + 2) + column
    sums = np.bincount(cell, cover * within, height * (width + 2) + 2) + np.bincount(
        cell + 1, cover * (1 - within), height * (width + 2) + 2
    )
    winding = np.cumsum(sums[: height * (width + 2)].reshape(height, width + 2), 1)[:, :width]
    return np.asarray(np.abs(np.mod(winding + 1.0, 2.0) - 1.0))
