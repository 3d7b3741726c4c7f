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


def _chamferbox(v: Arguments) -> Solid:
    w, h, c = v["half_width"], v["half_height"], v["chamfer"]
    sides = [
        np.stack([np.linspace(-4, 4, 4 * SAMPLES), np.full(4 * SAMPLES, y)], axis=1) @ turn
        for y, turn in (
            (h, np.eye(2)), (w, np.array([[0.0, 1.0], [1.0, 0.0]])),
            ((w + h - c) / np.sqrt(2.0), np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2.0)),
        )
    ]  # fmt: skip
    mirrored = [side * (sx, sy) for side in sides for sx in (-1, 1) for sy in (-1, 1)]

    def inside(p: Array) -> Array:
        x, y = np.abs(p).T
        return np.asarray((x < w) & (y < h) & (x + y < w + h - c))

    return Solid(inside, np.concatenate(mirrored))


def _tunnel(v: Arguments) -> Solid:
    w, h = v["half_width"], v["wall"]
    middle = 0.5 * (w - h)
    walls = polygon([(w, 0), (-w, 0), (-w, -h), (w, -h)])

    def inside(p: Array) -> Array:
        q = p + [0.0, middle]
        return np.asarray(walls.inside(q) | (in_disk(q, 0, 0, w) & (q[:, 1] >= 0)))

    return Solid(inside, np.concatenate([walls.curves, circle_points(0, 0, w, 0, np.pi)]) - [0.0, middle])


def _stairs(v: Arguments) -> Solid:
    n, w, h = v["steps"], v["half_width"], v["half_height"]
    columns, heights = np.linspace(-w, w, n + 1), np.linspace(-h, h, n + 1)
    zigzag = [(columns[i + j], heights[i + 1]) for i in range(n) for j in (0, 1)]
    return polygon([(w, -h), (-w, -h), *zigzag])


def _roundedcross(v: Arguments) -> Solid:
    w, h = v["half_width"], v["half_height"]
    long, short = max(w, h), min(w, h)
    # Through (0, short), and through (long, 0), where it touches the axis.
    radius = brentq(lambda r: np.hypot(long, r - short) - r, 0.5 * short, 1e4)
    centre = np.array([long, radius])
    points = circle_points(*centre, radius, -0.5 * np.pi, np.arctan2(short - radius, -long))
    if w < h:
        points, centre = points[:, ::-1], centre[::-1]
    outline = np.concatenate([points * (sx, sy) for sx in (-1, 1) for sy in (-1, 1)])

    def inside(p: Array) -> Array:
        q = np.abs(p)
        return np.asarray((q[:, 0] < w) & (q[:, 1] < h) & ~in_disk(q, *centre, radius))

    return Solid(inside, outline, only_boundary=True)


def _cushion(v: Arguments) -> Solid:
    """Quadratic Bezier curves from corner to corner; a curve's middle is halfway between chord and control point."""
    t = np.linspace(0.0, 1.0, SAMPLES, endpoint=False)[:, None]
    corners = v["radius"] * np.array([(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)])
    curves = []
    for a, b in zip(corners, np.roll(corners, -1, axis=0)):
        control = 0.5 * (a + b) * (1.0 + 2.0 * np.sqrt(2.0) * v["bulge"])
        curves.append(a * (1 - t) ** 2 + 2 * control * t * (1 - t) + b * t * t)
    outline = np.concatenate(curves)
    return Solid(lambda p: in_polygon(p, outline[::10]), outline, only_boundary=True)


def _parabola(v: Arguments) -> Solid:
    """Nearer to the focus than to the line as far below the origin as the focus is above."""
    f = v["focus"]
    x = np.linspace(-4, 4, 8 * SAMPLES)
    return Solid(lambda p: np.hypot(p[:, 0], p[:, 1] - f) < np.abs(p[:, 1] + f), np.stack([x, x * x / (4 * f)], axis=1), only_boundary=True)


def _hyperbola(v: Arguments) -> Solid:
    """Its points' distances to two foci differ by less than the waist."""
    a, end, h = v["waist"], v["waist"] + v["flare"], v["half_height"]
    b = h / np.sqrt((end / a) ** 2 - 1.0)
    focus = np.hypot(a, b)
    turn = np.linspace(-np.arcsinh(h / b), np.arcsinh(h / b), SAMPLES)
    branch = np.stack([a * np.cosh(turn), b * np.sinh(turn)], axis=1)

    def inside(p: Array) -> Array:
        left, right = (np.hypot(p[:, 0] - side * focus, p[:, 1]) for side in (-1, 1))
        return np.asarray((np.abs(left - right) < 2 * a) & (np.abs(p[:, 1]) < h))

    ends = [line_points((-end, y), (end, y)) for y in (-h, h)]
    return Solid(inside, np.concatenate([branch, -branch, *ends]), only_boundary=True)


def _sector(v: Arguments) -> Callable[[Array], Array]:
    inner, outer = v["radius"] - 0.5 * v["width"], v["radius"] + 0.5 * v["width"]

    def inside(p: Array) -> Array:
        r, turn = np.hypot(*p.T), np.abs(np.arctan2(p[:, 0], p[:, 1]))
        return np.asarray((r > inner) & (r < outer) & (turn < v["angle"]))

    return inside


def _ringsector(v: Arguments) -> Solid:
    radii = [v["radius"] + side * 0.5 * v["width"] for side in (-1, 1)]
    rays = [np.array([side * np.sin(v["angle"]), np.cos(v["angle"])]) for side in (-1, 1)]
    ends = [line_points(radii[0] * ray, radii[1] * ray) for ray in rays]
    return Solid(_sector(v), np.concatenate([*(circle_points(0, 0, r) for r in radii), *ends]))


def _horseshoe(v: Arguments) -> Solid:
    radius, half, turn = v["radius"], 0.5 * v["width"], v["angle"]
    ray, tangent = np.array([np.sin(turn), np.cos(turn)]), np.array([np.cos(turn), -np.sin(turn)])
    legs = v["legs"]
    if turn > 0.5 * np.pi:
        legs = min(legs, (radius - half) * np.tan(np.pi - turn))
    leg = [(radius + side * half) * ray + far * legs * tangent for side, far in ((-1, 0), (1, 0), (1, 1), (-1, 1))]
    solids = [polygon(np.array(leg) * (side, 1)) for side in (-1, 1)]
    arc = _sector(v)
    circles = [circle_points(0, 0, radius + side * half) for side in (-1, 1)]

    def inside(p: Array) -> Array:
        return np.asarray(arc(p) | solids[0].inside(p) | solids[1].inside(p))

    return Solid(inside, np.concatenate([*circles, *(solid.curves for solid in solids)]))


def _wave(v: Arguments) -> Solid:
    radius, half = v["radius"], v["angle"]
    step = 2.0 * radius * np.sin(half)
    reach = int(np.ceil(3.0 / step))
    turn = np.linspace(-half, half, SAMPLES // 4)
    arcs = []
    for k in range(-reach, reach + 1):
        side = 1 if k % 2 == 0 else -1
        arcs.append(np.stack([k * step + radius * np.sin(turn), side * radius * (np.cos(turn) - np.cos(half))], axis=1)[:-1])
    return stroke(np.concatenate(arcs), v["width"])


def _cool_s(v: Arguments) -> Solid:
    unit, half = v["size"] / 2.5, 0.5 * v["width"]
    upright = [((x, y), (x, y + 1.0)) for x in (-1, 0, 1) for y in (0.5, -1.5)]
    roof = [((0, 2.5), (x, 1.5)) for x in (-1, 1)] + [((0, -2.5), (x, -1.5)) for x in (-1, 1)]
    middle = [((-1, 0.5), (0, -0.5)), ((0, 0.5), (1, -0.5)), ((1, 0.5), (0.5, 0)), ((-1, -0.5), (-0.5, 0))]
    strokes = np.array(upright + roof + middle) * unit

    def to_lines(p: Array) -> Array:
        distances = []
        for a, b in strokes:
            share = np.clip((p - a) @ (b - a) / np.sum((b - a) ** 2), 0, 1)
            distances.append(np.hypot(*(p - a - share[:, None] * (b - a)).T))
        return np.asarray(np.min(distances, axis=0))

    curves = [circle_points(*end, half) for line in strokes for end in line]
    for a, b in strokes:
        normal = np.array([a[1] - b[1], b[0] - a[0]]) * half / np.hypot(*(b - a))
        curves += [line_points(a + normal, b + normal), line_points(a - normal, b - normal)]
    outline = np.concatenate(curves)
    return Solid(lambda p: to_lines(p) < half, outline[to_lines(outline) > half - 1e-9], only_boundary=True)


SOLIDS: dict[str, Callable[[Arguments], Solid]] = {
    "circle": _circle, "ellipse": _ellipse, "box": _box, "rhombus": _rhombus, "trapezoid": _trapezoid,
    "parallelogram": _parallelogram, "triangle": _triangle, "ngon": _ngon, "star": _star, "cross": _cross,
    "halfplane": _halfplane, "pie": _pie, "cutdisk": _cutdisk, "moon": _moon, "vesica": _vesica,
    "heart": _heart, "egg": _egg, "segment": _segment, "capsule": _capsule, "arc": _arc, "ring": _ring,
    "bezier": _bezier, "chamferbox": _chamferbox, "tunnel": _tunnel, "stairs": _stairs,
    "roundedcross": _roundedcross, "cushion": _cushion, "parabola": _parabola, "hyperbola": _hyperbola,
    "ringsector": _ringsector, "horseshoe": _horseshoe, "wave": _wave, "cool_s": _cool_s,
}  # fmt: skip
