"""Every solid a second time, as plain geometry: what is inside, points of its boundary and of its edges.

Written from the solids' descriptions, not from their bodies: polyhedra are hulls of their corners, solids of revolution
turned sections, bars and tubes unions. Samples of a boundary leave no gap wider than `GAP` within REACH of the origin."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

Array = np.ndarray
Arguments = Mapping[str, Any]
Inside = Callable[[Array], Array]
GAP = 0.02
STEP = 0.012
REACH = 3.0


@dataclass(frozen=True)
class Solid:
    inside: Inside
    """Whether each of the points (n, 3) is inside."""
    boundary: Array
    """Points (m, 3) of the boundary."""
    edges: Array = field(default_factory=lambda: np.empty((0, 3)))
    """Points (k, 3) of convex edges between two faces."""


def line(a: Any, b: Any) -> Array:
    a, b = np.asarray(a, float), np.asarray(b, float)
    share = np.linspace(0.0, 1.0, 2 + int(np.linalg.norm(b - a) / (0.5 * STEP)))[:, None]
    return a + share * (b - a)


def circle(radius: float, start: float = 0.0, end: float = 2.0 * np.pi) -> Array:
    """(cosine, sine) times the radius."""
    turn = np.linspace(start, end, 40 + int(radius * abs(end - start) / (0.5 * STEP)))
    return radius * np.stack([np.cos(turn), np.sin(turn)], axis=1)


def triangle(a: Array, b: Array, c: Array) -> Array:
    number = 2 + int(max(np.linalg.norm(b - a), np.linalg.norm(c - a), np.linalg.norm(c - b)) / STEP)
    i, j = (index.ravel() for index in np.meshgrid(np.arange(number + 1), np.arange(number + 1)))
    i, j = (index[i + j <= number, None] / number for index in (i, j))
    return np.asarray(a + i * (b - a) + j * (c - a))


def hull(corners: Any) -> Solid:
    corners = np.asarray(corners, float)
    shape = ConvexHull(corners)
    faces = np.concatenate([triangle(*corners[simplex]) for simplex in shape.simplices])
    normals, offsets = shape.equations[:, :3], shape.equations[:, 3]
    edges = []
    for index, (simplex, neighbours) in enumerate(zip(shape.simplices, shape.neighbors)):
        for opposite, neighbour in enumerate(neighbours):
            if neighbour > index and normals[index] @ normals[neighbour] < 1.0 - 1e-9:
                edges.append(line(*corners[np.delete(simplex, opposite)]))
    return Solid(lambda p: np.max(p @ normals.T + offsets, axis=1) < 0.0, faces, np.concatenate(edges))


def ring(radius: float, height: float) -> Array:
    return np.insert(circle(radius), 1, height, axis=1)


def turned(section: Array, inside: Inside, *rims: tuple[float, float]) -> Solid:
    """Revolution about y of a section's outline (radius, height); `inside` takes points of the section."""
    counts = 1 + (section[:, 0] > 0.0) * (40 + (2.0 * np.pi * section[:, 0] / STEP).astype(int))
    radius, height = (np.repeat(column, counts) for column in section.T)
    turn = np.concatenate([np.arange(n) / n for n in counts]) * 2.0 * np.pi
    boundary = np.stack([radius * np.cos(turn), height, radius * np.sin(turn)], axis=1)
    edges = [ring(*rim) for rim in rims if rim[0] > 0.0]
    return Solid(
        lambda p: inside(np.stack([np.hypot(p[:, 0], p[:, 2]), p[:, 1]], axis=1)),
        boundary,
        np.concatenate(edges) if edges else np.empty((0, 3)),
    )


def placed(solid: Solid, a: Any, b: Any) -> Solid:
    """A solid along y, whose origin is moved to `a` and whose y axis is turned towards `b`."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    up = (b - a) / np.linalg.norm(b - a)
    side = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    side /= np.linalg.norm(side)
    frame = np.stack([side, up, np.cross(side, up)])
    return Solid(lambda p: solid.inside((p - a) @ frame.T), solid.boundary @ frame + a, solid.edges @ frame + a)


def tube(centre_line: Array, radius: float, closed: bool) -> Solid:
    """All points within a radius of a line in the plane of x and y."""
    tree = cKDTree(centre_line)
    direction = np.gradient(centre_line, axis=0)
    if closed:
        direction[0] = direction[-1] = centre_line[1] - centre_line[-2]
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    normal = np.stack([-direction[:, 1], direction[:, 0], 0.0 * direction[:, 0]], axis=1)
    turn = np.arange(0.0, 2.0 * np.pi, 0.5 * STEP / radius)[:, None, None]
    thinned = slice(None, None, max(1, int(0.5 * STEP / np.linalg.norm(centre_line[1] - centre_line[0]))))
    around = centre_line[thinned] + radius * (np.cos(turn) * normal[thinned] + np.sin(turn) * np.array([0.0, 0.0, 1.0]))
    parts = [around.reshape(-1, 3)]
    if not closed:
        parts += [end + radius * directions(6000) for end in (centre_line[0], centre_line[-1])]
    boundary = np.concatenate(parts)
    boundary = boundary[tree.query(boundary)[0] > radius - 1e-6]
    return Solid(lambda p: tree.query(p)[0] < radius, boundary)


def directions(number: int) -> Array:
    """Unit vectors spread evenly over the sphere, on a spiral."""
    index = np.arange(number) + 0.5
    height = 1.0 - 2.0 * index / number
    turn = np.pi * (1.0 + np.sqrt(5.0)) * index
    around = np.sqrt(1.0 - height * height)
    return np.stack([around * np.cos(turn), height, around * np.sin(turn)], axis=1)


def _sphere(v: Arguments) -> Solid:
    return Solid(lambda p: np.sum(p * p, axis=1) < v["radius"] ** 2, v["radius"] * directions(60000))


def _ellipsoid(v: Arguments) -> Solid:
    axes = np.array([v["rx"], v["ry"], v["rz"]])
    return Solid(lambda p: np.sum((p / axes) ** 2, axis=1) < 1.0, axes * directions(120000))


def _box(v: Arguments) -> Solid:
    half = np.array([v["half_width"], v["half_height"], v["half_depth"]])
    return hull(half * list(product((-1, 1), repeat=3)))


def _box_frame(v: Arguments) -> Solid:
    half = np.array([v["half_width"], v["half_height"], v["half_depth"]])
    bars = []
    for axis in range(3):
        for sides in product((-1.0, 1.0), repeat=2):
            centre, size = np.zeros(3), np.full(3, 0.5 * v["thickness"])
            size[axis] = half[axis]
            others = np.delete(np.arange(3), axis)
            centre[others] = np.array(sides) * (half[others] - 0.5 * v["thickness"])
            bars.append((centre, size))

    def deep(p: Array) -> Array:
        """How far outside the nearest bar's planes."""
        return np.min([np.max(np.abs(p - centre) - size, axis=1) for centre, size in bars], axis=0)

    hulls = [hull(centre + size * list(product((-1, 1), repeat=3))) for centre, size in bars]
    boundary = np.concatenate([h.boundary for h in hulls])
    edges = np.concatenate([h.edges for h in hulls])
    # Of the bars' edges those that are convex: of what is near them less than half is inside.
    around = [deep(edges + 1e-4 * d) < 0.0 for d in directions(60)]
    convex = np.abs(np.mean(around, axis=0) - 0.25) < 0.08
    return Solid(lambda p: deep(p) < 0.0, boundary[deep(boundary) > -1e-9], edges[convex])


def _plane_through(point: Array, normal: Array) -> Array:
    side = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    side /= np.linalg.norm(side)
    steps = np.arange(-REACH, REACH, STEP)
    first, second = (s.reshape(-1, 1) for s in np.meshgrid(steps, steps))
    return point + first * side + second * np.cross(normal, side)


def _plane(v: Arguments) -> Solid:
    up = np.array([0.0, 1.0, 0.0])
    return Solid(lambda p: p[:, 1] < v["height"], _plane_through(v["height"] * up, up))


def _slanted_plane(v: Arguments) -> Solid:
    normal = np.array(v["normal"]) / np.linalg.norm(v["normal"])
    return Solid(lambda p: p @ normal < v["offset"], _plane_through(v["offset"] * normal, normal))


def _slab(v: Arguments) -> Solid:
    up = np.array([0.0, 1.0, 0.0])
    sides = [_plane_through(side * v["half_height"] * up, up) for side in (-1, 1)]
    return Solid(lambda p: np.abs(p[:, 1]) < v["half_height"], np.concatenate(sides))


def _infinite_cylinder(v: Arguments) -> Solid:
    return turned(line((v["radius"], -REACH), (v["radius"], REACH)), lambda q: q[:, 0] < v["radius"])


def _frustum(lower: float, upper: float, bottom: float, top: float) -> Solid:
    section = np.concatenate([
        line((0, lower), (bottom, lower)), line((bottom, lower), (top, upper)), line((top, upper), (0, upper)),
    ])  # fmt: skip

    def inside(q: Array) -> Array:
        share = (q[:, 1] - lower) / (upper - lower)
        return (share > 0.0) & (share < 1.0) & (q[:, 0] < bottom + share * (top - bottom))

    return turned(section, inside, (bottom, lower), (top, upper))


def _cylinder(v: Arguments) -> Solid:
    return _frustum(-v["half_height"], v["half_height"], v["radius"], v["radius"])


def _cone(v: Arguments) -> Solid:
    return _frustum(-v["half_height"], v["half_height"], v["bottom"], v["top"])


def _span(v: Arguments) -> float:
    return float(np.linalg.norm(np.subtract(v["b"], v["a"])))


def _cylinder_between(v: Arguments) -> Solid:
    return placed(_frustum(0.0, _span(v), v["radius"], v["radius"]), v["a"], v["b"])


def _cone_between(v: Arguments) -> Solid:
    return placed(_frustum(0.0, _span(v), v["radius_a"], v["radius_b"]), v["a"], v["b"])


def _two_balls(v: Arguments, radius_a: float, radius_b: float) -> Solid:
    """The hull of two disks, turned."""
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 2001)
    arc = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    points = np.concatenate([radius_a * arc, radius_b * arc + [0.0, _span(v)]])
    outline = ConvexHull(points)
    corners = points[outline.vertices]
    corners = corners[np.argsort(corners[:, 1] + 1e-12 * corners[:, 0])]
    right = corners[corners[:, 0] > 0.0]
    along = np.append(0.0, np.cumsum(np.linalg.norm(np.diff(right, axis=0), axis=1)))
    even = np.arange(0.0, along[-1], 0.5 * STEP)
    section = np.stack([np.interp(even, along, right[:, axis]) for axis in (0, 1)], axis=1)
    # The hull's side on the axis is no boundary.
    kept = outline.equations[:, 0] > -0.999999
    normals, offsets = outline.equations[kept, :2], outline.equations[kept, 2]
    return placed(turned(section, lambda q: np.max(q @ normals.T + offsets, axis=1) < 0.0), v["a"], v["b"])


def _capsule(v: Arguments) -> Solid:
    return _two_balls(v, v["radius"], v["radius"])


def _round_cone(v: Arguments) -> Solid:
    return _two_balls(v, v["radius_a"], v["radius_b"])


def _prism(v: Arguments) -> Solid:
    turn = 2.0 * np.pi * np.arange(v["sides"]) / v["sides"]
    around = v["radius"] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
    return hull([(x, y, z) for x, z in around for y in (-v["half_height"], v["half_height"])])


def _torus(v: Arguments) -> Solid:
    middle = np.array([v["ring_radius"], 0.0])
    return turned(
        circle(v["radius"]) + middle, lambda q: np.sum((q - middle) ** 2, axis=1) < v["radius"] ** 2
    )


def _capped_torus(v: Arguments) -> Solid:
    turn = np.linspace(-v["angle"], v["angle"], 8001)
    arc = v["ring_radius"] * np.stack([np.sin(turn), np.cos(turn), 0.0 * turn], axis=1)
    return tube(arc, v["radius"], closed=False)


def _link(v: Arguments) -> Solid:
    turn = np.linspace(-0.5 * np.pi, 0.5 * np.pi, 3001)
    top = v["ring_radius"] * np.stack([np.sin(turn), np.cos(turn), 0.0 * turn], axis=1) + [0.0, v["half_length"], 0.0]
    side = np.linspace(v["half_length"], -v["half_length"], 2001)[1:-1, None] * [0.0, 1.0, 0.0]
    right = side + [v["ring_radius"], 0.0, 0.0]
    return tube(np.concatenate([top, right, -top, -right, top[:1]]), v["radius"], closed=True)


def _cut_sphere(v: Arguments) -> Solid:
    radius, height = v["radius"], v["height"]
    rim = np.sqrt(radius**2 - height**2)
    arc = circle(radius, np.arcsin(height / radius), 0.5 * np.pi)
    return turned(
        np.concatenate([arc, line((0.0, height), (rim, height))]),
        lambda q: (np.hypot(*q.T) < radius) & (q[:, 1] > height),
        (rim, height),
    )


def _cut_hollow_sphere(v: Arguments) -> Solid:
    radius, half = v["radius"], 0.5 * v["thickness"]
    end = np.arcsin(v["height"] / radius)
    rim = radius * np.array([np.cos(end), np.sin(end)])
    arcs = [circle(radius + side * half, -0.5 * np.pi, end) for side in (-1, 1)]
    arcs.append(rim + circle(half, end, end + np.pi))
    middle = cKDTree(circle(1e3 * radius, -0.5 * np.pi, end) * 1e-3)
    return turned(np.concatenate(arcs), lambda q: middle.query(q)[0] < half)


def _solid_angle(v: Arguments) -> Solid:
    radius, half = v["radius"], v["angle"]
    rim = radius * np.array([np.sin(half), np.cos(half)])
    arc = circle(radius, 0.5 * np.pi - half, 0.5 * np.pi)
    return turned(
        np.concatenate([arc, line((0.0, 0.0), rim)]),
        lambda q: (np.hypot(*q.T) < radius) & (np.arctan2(q[:, 0], q[:, 1]) < half),
        (rim[0], rim[1]),
    )


def _vesica_segment(v: Arguments) -> Solid:
    chord, half = 0.5 * _span(v), min(0.5 * v["width"], 0.5 * _span(v))
    # The circle through both ends and the point half a width beside their middle.
    radius = (chord**2 + half**2) / (2.0 * half)
    centre = np.array([half - radius, chord])
    reach = np.arcsin(min(chord / radius, 1.0))
    return placed(
        turned(circle(radius, -reach, reach) + centre, lambda q: np.linalg.norm(q - centre, axis=1) < radius), v["a"], v["b"]
    )


def _superquadric(v: Arguments) -> Solid:
    half = np.array([v["half_width"], v["half_height"], v["half_depth"]])

    def level(p: Array) -> Array:
        x, y, z = np.abs(p / half).T
        across = (x ** (2.0 / v["e2"]) + z ** (2.0 / v["e2"])) ** (v["e2"] / v["e1"])
        return np.asarray((across + y ** (2.0 / v["e1"])) ** (0.5 * v["e1"]))

    rays = half * directions(120000)
    return Solid(lambda p: level(p) < 1.0, rays / level(rays)[:, None])


def _pyramid(v: Arguments) -> Solid:
    w, h = v["half_width"], v["half_height"]
    return hull([(0.0, h, 0.0), (w, -h, w), (w, -h, -w), (-w, -h, w), (-w, -h, -w)])


def _tetrahedron(v: Arguments) -> Solid:
    turn = 2.0 * np.pi * np.arange(3) / 3.0
    low, around = -1.0 / 3.0, np.sqrt(8.0) / 3.0
    base = [(around * np.sin(t), low, around * np.cos(t)) for t in turn]
    return hull(v["radius"] * np.array([(0.0, 1.0, 0.0), *base]))


def _octahedron(v: Arguments) -> Solid:
    return hull(v["radius"] * np.concatenate([np.eye(3), -np.eye(3)]))


def _rotations(x: float, y: float, z: float) -> list[tuple[float, float, float]]:
    """All signs of a point and of the points that its axes' rotations make of it."""
    corners = [(i * x, j * y, k * z) for i, j, k in product((-1, 1), repeat=3)]
    return sorted({c[s:] + c[:s] for c in corners for s in range(3)})


def _golden(v: Arguments, corners: list[tuple[float, float, float]]) -> Solid:
    return hull(v["radius"] * np.array(corners) / np.linalg.norm(corners[0]))


def _dodecahedron(v: Arguments) -> Solid:
    golden = (1.0 + np.sqrt(5.0)) / 2.0
    return _golden(v, _rotations(0.0, golden, 1.0 / golden) + _rotations(1.0, 1.0, 1.0))


def _icosahedron(v: Arguments) -> Solid:
    return _golden(v, _rotations(0.0, 1.0, (1.0 + np.sqrt(5.0)) / 2.0))


def _sheet(level: Callable[[Array], Array], steepest: float) -> Callable[[Arguments], Solid]:
    """Where a function of an angle in each direction is less than its steepest slope makes of half the thickness."""

    def make(v: Arguments) -> Solid:
        wave = 2.0 * np.pi / v["period"]
        least = 0.5 * v["thickness"] * wave * steepest
        points = np.random.default_rng(5).uniform(-1.3, 1.3, (150000, 3))
        side = np.sign(level(wave * points))
        for _ in range(12):
            value = side * level(wave * points) - least
            slope = np.stack([side * (level(wave * points + 1e-5 * e) - level(wave * points - 1e-5 * e)) for e in np.eye(3)]).T
            slope *= 0.5e5 * wave
            points = points - np.clip(value / np.maximum(np.sum(slope**2, axis=1), 1e-9), -0.1, 0.1)[:, None] * slope
        boundary = points[np.abs(side * level(wave * points) - least) < 1e-7]
        return Solid(lambda p: np.abs(level(wave * p)) < least, boundary)

    return make


def _gyroid(a: Array) -> Array:
    return np.asarray(np.sum(np.sin(a) * np.cos(np.roll(a, -1, axis=1)), axis=1))


def _schwarz_p(a: Array) -> Array:
    return np.asarray(np.sum(np.cos(a), axis=1))


def _schwarz_d(a: Array) -> Array:
    return np.asarray(np.prod(np.cos(a), axis=1) - np.prod(np.sin(a), axis=1))


SOLIDS: dict[str, Callable[[Arguments], Solid]] = {
    "sphere": _sphere, "ellipsoid": _ellipsoid, "solid box": _box, "box_frame": _box_frame, "plane": _plane,
    "slanted plane": _slanted_plane, "slab": _slab, "infinite_cylinder": _infinite_cylinder, "cylinder": _cylinder,
    "cylinder between": _cylinder_between, "cone": _cone, "cone between": _cone_between, "solid capsule": _capsule,
    "round_cone": _round_cone, "prism": _prism, "torus": _torus, "capped_torus": _capped_torus, "link": _link,
    "cut_sphere": _cut_sphere, "cut_hollow_sphere": _cut_hollow_sphere, "solid_angle": _solid_angle,
    "vesica_segment": _vesica_segment, "superquadric": _superquadric, "pyramid": _pyramid, "tetrahedron": _tetrahedron,
    "octahedron": _octahedron, "dodecahedron": _dodecahedron, "icosahedron": _icosahedron,
    "gyroid": _sheet(_gyroid, np.sqrt(3.0)), "schwarz_p": _sheet(_schwarz_p, np.sqrt(3.0)),
    "schwarz_d": _sheet(_schwarz_d, np.sqrt(1.5)),
}  # fmt: skip


def points_in(number: int, reach: float = 1.5, seed: int = 2) -> Array:
    return np.random.default_rng(seed).uniform(-reach, reach, (number, 3))
