"""Every shape a second time, as plain geometry: what is inside, and points along its boundary.

Written from the shapes' descriptions, not from their bodies: predicates are set operations on disks, polygons
and dense samples of centre lines; boundaries are the curves that could bound the solid, less those points
that do not have an inside and an outside beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import brentq
from scipy.spatial import ConvexHull, cKDTree

Array = np.ndarray
Arguments = Mapping[str, Any]
SAMPLES = 6000


@dataclass(frozen=True)
class Solid:
    inside: Callable[[Array], Array]
    """Whether each of the points (n, 2) is inside."""
    curves: Array
    """Points (m, 2) that include the boundary."""
    only_boundary: bool = False
    """Whether all of them are on the boundary."""

    def boundary(self) -> Array:
        """Those points of `curves` that have both inside and outside within 2e-5."""
        if self.only_boundary:
            return self.curves
        turn = np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False) + 0.1
        around = [self.inside(self.curves + 2e-5 * np.array([np.cos(t), np.sin(t)])) for t in turn]
        count = np.sum(around, axis=0)
        boundary: Array = self.curves[(count > 0) & (count < len(turn))]
        return boundary


def circle_points(x: float, y: float, radius: float, start: float = 0.0, end: float = 2.0 * np.pi) -> Array:
    turn = np.linspace(start, end, SAMPLES)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def line_points(a: Any, b: Any) -> Array:
    share = np.linspace(0.0, 1.0, SAMPLES // 2)[:, None]
    return np.asarray(a, float) * (1.0 - share) + np.asarray(b, float) * share


def in_disk(points: Array, x: float, y: float, radius: float) -> Array:
    return np.less((points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2, radius**2)


def in_polygon(points: Array, corners: Array) -> Array:
    """Even-odd rule: crossings of the ray to the right."""
    crossings = np.zeros(len(points), int)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0)):
        if y0 == y1:
            continue
        straddles = (points[:, 1] >= min(y0, y1)) & (points[:, 1] < max(y0, y1))
        at = x0 + (points[:, 1] - y0) / (y1 - y0) * (x1 - x0)
        crossings += straddles & (points[:, 0] < at)
    odd: Array = np.equal(crossings % 2, 1)
    return odd


def polygon(corners: Any) -> Solid:
    corners = np.asarray(corners, float)
    edges = [line_points(a, b) for a, b in zip(corners, np.roll(corners, -1, axis=0))]
    return Solid(lambda p: in_polygon(p, corners), np.concatenate(edges), only_boundary=True)


def stroke(centre_line: Array, width: float) -> Solid:
    """All points within half a width of the polyline's points, whose normals come from neighbours."""
    half = 0.5 * width
    tree = cKDTree(centre_line)
    direction = np.gradient(centre_line, axis=0)
    direction /= np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-30)[:, None]
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    ends = [circle_points(centre_line[i, 0], centre_line[i, 1], half) for i in (0, -1)]
    curves = np.concatenate([centre_line + half * normal, centre_line - half * normal, *ends])
    # Chords between the centre line's points are shorter than its arcs by far less than this.
    boundary = curves[tree.query(curves)[0] > half - 2e-6]
    return Solid(lambda p: tree.query(p)[0] < half, boundary, only_boundary=True)


def radial_corners(*radii: float, count: int) -> Array:
    """Corners clockwise from +y, their radii taken in turn."""
    turn = np.arange(count * len(radii)) * 2.0 * np.pi / (count * len(radii))
    radius = np.tile(radii, count)
    return np.stack([radius * np.sin(turn), radius * np.cos(turn)], axis=1)


def _circle(v: Arguments) -> Solid:
    return Solid(lambda p: in_disk(p, 0, 0, v["radius"]), circle_points(0, 0, v["radius"]))


def _ellipse(v: Arguments) -> Solid:
    a, b = v["rx"], v["ry"]
    return Solid(lambda p: (p[:, 0] / a) ** 2 + (p[:, 1] / b) ** 2 < 1, circle_points(0, 0, 1) * [a, b])


def _box(v: Arguments) -> Solid:
    w, h = v["half_width"], v["half_height"]
    corners = [(1, 1, "top_right"), (1, -1, "bottom_right"), (-1, -1, "bottom_left"), (-1, 1, "top_left")]
    disks = []
    for sx, sy, name in corners:
        radius = min(v[name], w, h)
        disks.append((sx, sy, radius, sx * (w - radius), sy * (h - radius)))

    def inside(p: Array) -> Array:
        result = (np.abs(p[:, 0]) < w) & (np.abs(p[:, 1]) < h)
        for sx, sy, radius, x, y in disks:
            in_corner = (sx * (p[:, 0] - x) > 0) & (sy * (p[:, 1] - y) > 0)
            result &= ~in_corner | in_disk(p, x, y, radius)
        return np.asarray(result)

    arcs = [circle_points(x, y, radius) for _, _, radius, x, y in disks]
    return Solid(inside, np.concatenate([polygon([(w, h), (w, -h), (-w, -h), (-w, h)]).curves, *arcs]))


def _rhombus(v: Arguments) -> Solid:
    w, h = v["half_width"], v["half_height"]
    return polygon([(w, 0), (0, h), (-w, 0), (0, -h)])


def _trapezoid(v: Arguments) -> Solid:
    b, t, h = v["bottom"], v["top"], v["half_height"]
    return polygon([(b, -h), (t, h), (-t, h), (-b, -h)])


def _parallelogram(v: Arguments) -> Solid:
    w, h, s = v["half_width"], v["half_height"], v["skew"]
    return polygon([(w - s, -h), (w + s, h), (s - w, h), (-s - w, -h)])


def _triangle(v: Arguments) -> Solid:
    return polygon([v["a"], v["b"], v["c"]])


def _ngon(v: Arguments) -> Solid:
    return polygon(radial_corners(v["radius"], count=v["sides"]))


def _star(v: Arguments) -> Solid:
    return polygon(radial_corners(v["outer"], v["inner"], count=v["points"]))


def _cross(v: Arguments) -> Solid:
    n, w = v["half_length"], v["half_width"]
    bars = [polygon([(x, y), (-x, y), (-x, -y), (x, -y)]) for x, y in ((n, w), (w, n))]
    return Solid(lambda p: bars[0].inside(p) | bars[1].inside(p), np.concatenate([b.curves for b in bars]))


def _halfplane(v: Arguments) -> Solid:
    direction = np.array([np.cos(v["angle"]), np.sin(v["angle"])])
    right = np.array([direction[1], -direction[0]])
    share = np.linspace(-4, 4, 4 * SAMPLES)[:, None]
    return Solid(lambda p: p @ right > 0, share * direction)


def _pie(v: Arguments) -> Solid:
    radius, half = v["radius"], v["angle"]
    ends = [(side * radius * np.sin(half), radius * np.cos(half)) for side in (-1, 1)]
    curves = np.concatenate([circle_points(0, 0, radius), *(line_points((0, 0), end) for end in ends)])
    return Solid(lambda p: in_disk(p, 0, 0, radius) & (np.abs(np.arctan2(p[:, 0], p[:, 1])) < half), curves)


def _cutdisk(v: Arguments) -> Solid:
    radius, height = v["radius"], v["height"]
    curves = np.concatenate([circle_points(0, 0, radius), line_points((-radius, height), (radius, height))])
    return Solid(lambda p: in_disk(p, 0, 0, radius) & (p[:, 1] > height), curves)


def _moon(v: Arguments) -> Solid:
    disks = (0.0, 0.0, v["radius"]), (v["offset"], 0.0, v["bite"])
    return Solid(
        lambda p: in_disk(p, *disks[0]) & ~in_disk(p, *disks[1]),
        np.concatenate([circle_points(*d) for d in disks]),
    )


def _vesica(v: Arguments) -> Solid:
    disks = [(side * v["offset"], 0.0, v["radius"]) for side in (-1, 1)]
    return Solid(
        lambda p: in_disk(p, *disks[0]) & in_disk(p, *disks[1]),
        np.concatenate([circle_points(*d) for d in disks]),
    )


def _heart(v: Arguments) -> Solid:
    # Unit disks on the upper sides of a square of side 2 that stands on its corner at the origin.
    square = np.array([(0.0, 0.0), (1.0, 1.0), (0.0, 2.0), (-1.0, 1.0)]) * np.sqrt(2.0)
    disks = [(side * np.sqrt(0.5), 3.0 * np.sqrt(0.5), 1.0) for side in (-1, 1)]
    scale = v["size"] / (1.0 + np.sqrt(0.5))
    middle = np.array([0.0, 0.5 * (3.0 * np.sqrt(0.5) + 1.0)])

    def inside(p: Array) -> Array:
        q = p / scale + middle
        any_of: Array = np.any([in_polygon(q, square), *(in_disk(q, *d) for d in disks)], axis=0)
        return any_of

    curves = np.concatenate([polygon(square).curves, *(circle_points(*d) for d in disks)])
    return Solid(inside, (curves - middle) * scale)


def _egg(v: Arguments) -> Solid:
    large, small, rise = max(v["bottom"], v["top"]), min(v["bottom"], v["top"]), v["height"]
    # The side arc passes through (large, 0) with a vertical tangent and holds the small end, touching it.
    side = brentq(lambda r: np.hypot(r - large, rise) - (r - small), large, 1e7)
    meet = np.arctan2(rise, side - large)
    arcs = np.concatenate([
        circle_points(0, 0, large, -0.5 * np.pi, 0.0),
        circle_points(large - side, 0, side, 0.0, meet),
        circle_points(0, rise, small, meet, 0.5 * np.pi),
    ])  # fmt: skip
    outline = np.concatenate([arcs, arcs[::-1] * [-1, 1]])
    outline[:, 1] -= 0.5 * (rise + small - large)
    if v["top"] > v["bottom"]:
        outline[:, 1] *= -1
    right = outline[outline[:, 0] >= 0]
    order = np.argsort(right[:, 1], kind="stable")
    heights, widths = right[order, 1], right[order, 0]
    return Solid(lambda p: np.abs(p[:, 0]) < np.interp(p[:, 1], heights, widths, left=-1, right=-1), outline)


def _segment(v: Arguments) -> Solid:
    return stroke(line_points(v["a"], v["b"]), v["width"])


def _capsule(v: Arguments) -> Solid:
    points = np.concatenate([circle_points(v[name][0], v[name][1], v["radius_" + name]) for name in "ab"])
    hull = ConvexHull(points)
    corners = points[hull.vertices]
    edges = [
        line_points(a, b) if np.hypot(*(a - b)) > 0.01 else a[None]
        for a, b in zip(corners, np.roll(corners, -1, axis=0))
    ]
    normals, offsets = hull.equations[:, :2], hull.equations[:, 2]
    return Solid(
        lambda p: np.max(p @ normals.T + offsets, axis=1) < 0, np.concatenate(edges), only_boundary=True
    )


def _arc(v: Arguments) -> Solid:
    turn = np.linspace(-v["angle"], v["angle"], 3 * SAMPLES)
    return stroke(v["radius"] * np.stack([np.sin(turn), np.cos(turn)], axis=1), v["width"])


def _ring(v: Arguments) -> Solid:
    radii = [v["radius"] + side * 0.5 * v["width"] for side in (-1, 1)]
    return Solid(
        lambda p: in_disk(p, 0, 0, radii[1]) & ~in_disk(p, 0, 0, max(radii[0], 0.0)),
        np.concatenate([circle_points(0, 0, r) for r in radii]),
    )


def _bezier(v: Arguments) -> Solid:
    t = np.linspace(0.0, 1.0, 3 * SAMPLES)[:, None]
    a, b, c = (np.array(v[name]) for name in "abc")
    return stroke(a * (1 - t) ** 2 + 2 * b * t * (1 - t) + c * t * t, v["width"])


SOLIDS: dict[str, Callable[[Arguments], Solid]] = {
    "circle": _circle, "ellipse": _ellipse, "box": _box, "rhombus": _rhombus, "trapezoid": _trapezoid,
    "parallelogram": _parallelogram, "triangle": _triangle, "ngon": _ngon, "star": _star, "cross": _cross,
    "halfplane": _halfplane, "pie": _pie, "cutdisk": _cutdisk, "moon": _moon, "vesica": _vesica,
    "heart": _heart, "egg": _egg, "segment": _segment, "capsule": _capsule, "arc": _arc, "ring": _ring,
    "bezier": _bezier,
}  # fmt: skip
