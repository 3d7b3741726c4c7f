"""Signed distances and pixel coverage of sketch shapes, good enough to choose between shapes before any fitting.

Coordinates are pixels (x = column, y = row, a pixel's centre at +0.5). This is no renderer: coverage is the clipped
distance, or a supersampled polygon for paths.
"""

from __future__ import annotations

import numpy as np
from skimage.draw import polygon2mask

from refine.outlines import flatten
from refine.sketch import Box, Capsule, Circle, Ellipse, Path, Polygon, Ring, Segment, SketchShape, Stroke

SUPERSAMPLING = 4


def distance(shape: SketchShape, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Signed distance (negative inside) to any shape but Polygon and Path; for an ellipse a first-order estimate."""
    if isinstance(shape, Circle):
        return np.asarray(np.hypot(x - shape.center[0], y - shape.center[1]) - shape.radius)
    if isinstance(shape, Ring):
        from_center = np.hypot(x - shape.center[0], y - shape.center[1])
        return np.asarray(np.abs(from_center - shape.radius) - shape.width / 2)
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
        return _line_distance(np.array([shape.a, shape.b]), x, y) - shape.width / 2
    if isinstance(shape, Capsule):
        return _capsule_distance(shape, x, y)
    if isinstance(shape, Stroke):
        return _stroke_distance(shape, x, y)
    raise TypeError(f"a {type(shape).__name__} has no distance here, use coverage")


def _line_distance(points: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    best = np.full(np.shape(x), np.inf)
    for (ax, ay), (bx, by) in zip(points[:-1], points[1:]):
        dx, dy = bx - ax, by - ay
        along = np.clip(((x - ax) * dx + (y - ay) * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
        best = np.minimum(best, (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2)
    return np.asarray(np.sqrt(best))


def _capsule_distance(shape: Capsule, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    axis = np.subtract(shape.b, shape.a)
    length = max(float(np.hypot(*axis)), 1e-6)
    unit = axis / length
    dx, dy = x - shape.a[0], y - shape.a[1]
    along, across = dx * unit[0] + dy * unit[1], np.abs(dy * unit[0] - dx * unit[1])
    sine = float(np.clip((shape.radius_a - shape.radius_b) / length, -1, 1))
    cosine = float(np.sqrt(1 - sine * sine))
    # The tangent line touches both discs; the points whose normal meets it between the touching points belong to it.
    position = along * cosine - across * sine
    start = np.hypot(dx, dy) - shape.radius_a
    end = np.hypot(along - length, across) - shape.radius_b
    side = along * sine + across * cosine - shape.radius_a
    return np.asarray(np.where(position < 0, start, np.where(position > length * cosine, end, side)))


def _stroke_distance(shape: Stroke, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    points = flatten(shape.points, closed=shape.closed, steps=5)
    if shape.closed:
        points = np.concatenate([points, points[:1]])
    result = _line_distance(points, x, y) - shape.width / 2
    if shape.closed or shape.caps == "round":
        return result
    for end, before in ((points[0], points[1]), (points[-1], points[-2])):
        outward = (end - before) / max(float(np.hypot(*(end - before))), 1e-9)
        beyond = (x - end[0]) * outward[0] + (y - end[1]) * outward[1]
        near = np.hypot(x - end[0], y - end[1]) < shape.width
        result = np.where(near, np.maximum(result, beyond), result)
    return np.asarray(result)


def coverage(shape: SketchShape, size: tuple[int, int]) -> np.ndarray:
    """Share of each pixel that a shape covers, (height, width) in [0, 1]."""
    if isinstance(shape, Polygon):
        return _contours_coverage([np.array(shape.points)], size)
    if isinstance(shape, Path):
        return _contours_coverage([flatten(contour, closed=True) for contour in shape.contours], size)
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    field = distance(shape, x, y)
    inside = np.clip(0.5 - field, 0, 1)
    if isinstance(shape, (Segment, Ring, Stroke)):
        # The far side of a line thinner than a pixel is inside the same pixel.
        inside = inside - np.clip(0.5 - field - shape.width, 0, 1)
    return np.asarray(inside)


def _contours_coverage(contours: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    height, width = size
    fine = np.zeros((height * SUPERSAMPLING, width * SUPERSAMPLING), bool)
    for contour in contours:
        fine ^= polygon2mask(fine.shape, contour[:, ::-1] * SUPERSAMPLING - 0.5)
    return np.asarray(fine.reshape(height, SUPERSAMPLING, width, SUPERSAMPLING).mean((1, 3)))
