"""Solids to begin with: shapes of every kind whose outline is about as large as a patch, and what is often joined to a shape
or cut out of one; and what plainer shapes may do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from refine.solid_model import SIZES, TURNED, Numbers, Solid, Thing, angles_of
from refine.solid_patches import Closeup
from refine.solid_standing import upright

Array = npt.NDArray[np.float64]


ADDED = ("sphere", "box", "cylinder", "torus", "cone")
"""Kinds of shapes that are joined to others or cut out of them."""


def seen_area(kind: str, sizes: Numbers, facing: Array) -> float:
    """About how large a shape's outline is, seen along a direction `facing` of its own."""
    x, y, z = np.abs(facing)
    if kind in ("sphere", "ellipsoid"):
        return float(np.pi * np.prod(sizes) ** (2 / len(sizes)))
    if kind == "box":
        a, b, c = sizes
        return float(4 * (b * c * x + a * c * y + a * b * z))
    side = np.hypot(x, z)
    if kind == "roof":
        lower, upper, height, depth = sizes
        wide = lower + upper
        return float(2 * wide * height * z + 4 * lower * depth * y + 4 * height * depth * x + (lower - upper) * depth * y)
    if kind == "cut_hollow_sphere":
        radius, height, thickness = sizes
        return float(np.pi * (radius + 0.5 * thickness) ** 2 * (0.55 + 0.45 * y + 0.5 * height / radius))
    if kind == "cylinder":
        return float(np.pi * sizes[0] ** 2 * y + 4 * sizes[0] * sizes[1] * side)
    if kind == "cone":
        widest = max(sizes[:2])
        return float(np.pi * widest**2 * y + 2 * (sizes[0] + sizes[1]) * sizes[2] * side)
    ring, tube = sizes
    return float(np.pi * ((ring + tube) ** 2 - max(ring - tube, 0.0) ** 2) * y + 4 * tube * (ring + tube) * side)


def shapes(view: Closeup, kind: str, count: int, random: np.random.Generator) -> Iterator[Solid]:
    """Shapes of a kind that fill a patch: a third of them upright, the others turned in space, half of these along the patch."""
    area, long, short, angle = view.moments
    across, above, ahead = view.axes
    along = across * np.cos(angle) + above * np.sin(angle)
    place = tuple(float(v) for v in view.place)
    if kind == "sphere":
        for k in range(max(count // 8, 1)):
            yield Solid(kind, (float(np.sqrt(area / np.pi) * np.exp(0.1 * (k % 3) - 0.05 * k)),), (), place)
        return
    for number in range(count):
        matrix = _turned(kind, number, along, -ahead, random)
        angles = angles_of(matrix, TURNED[kind])
        if number % 3 == 0:
            # What stands keeps standing while it is refined.
            angles = angles_of(matrix, 3)[1:2] if TURNED[kind] == 3 else ()
        sizes = _proportions(kind, long, short, number, random)
        facing = matrix.T @ ahead
        scale = float(np.sqrt(area / seen_area(kind, sizes, facing)) * np.exp(random.normal(0.0, 0.06)))
        yield Solid(kind, tuple(float(s * scale) for s in sizes), angles, place)


def _turned(kind: str, number: int, along: Array, towards: Array, random: np.random.Generator) -> Array:
    """A matrix of a turn."""
    if number % 3 == 0:
        yaw = np.radians(random.uniform(-45.0, 45.0))
        return np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    if number % 3 == 1:
        # The axis along the patch, or across it, and tilted to the eye.
        axis = along if kind != "torus" and random.random() < 0.75 else np.cross(along, towards)
        tilt = np.radians(random.uniform(-80.0, 80.0))
        axis = axis * np.cos(tilt) + towards * np.sin(tilt)
    else:
        axis = random.normal(size=3)
    axis = axis / np.linalg.norm(axis)
    aside = np.cross(axis, random.normal(size=3))
    aside /= np.linalg.norm(aside)
    return np.stack([aside, axis, np.cross(aside, axis)], 1)


def _proportions(kind: str, long: float, short: float, number: int, random: np.random.Generator) -> Numbers:
    stretch = long / short
    if kind in ("box", "ellipsoid"):
        sizes = np.exp(random.normal(0.0, 0.35, 3))
        if number % 3 == 1:
            sizes[1] *= stretch
        elif number % 6 == 0:
            sizes[:] = np.exp(random.normal(0.0, 0.05))
        return tuple(float(s) for s in sizes)
    if kind == "roof":
        width, height, depth = np.exp(random.normal(0.0, 0.4, 3))
        return float(width), float(width * random.uniform(0.02, 0.3)), float(0.6 * height), float(depth)
    if kind == "cut_hollow_sphere":
        return 1.0, float(random.uniform(-0.5, 0.3)), float(random.uniform(0.05, 0.2))
    if kind in ("cylinder", "cone"):
        height = float(np.exp(random.normal(0.0, 0.6)) * (stretch if number % 3 == 1 else 1.0))
        if kind == "cylinder":
            return 1.0, height
        ends = (1.0, float(random.uniform(0.02, 0.7)))
        return (*(ends if random.random() < 0.75 else ends[::-1]), 1.6 * height)
    return 1.0, float(np.exp(random.uniform(np.log(0.12), np.log(0.55))))


def hollows(thing: Thing) -> Iterator[Thing]:
    """The thing with what is often cut out of its first shape: a hole through it, an inside that is open at one end."""
    solid = thing.joined[0]
    turn, place = solid.turn, np.array(solid.place)
    for cut in _usual_cuts(solid, turn, place):
        yield replace(thing, cut=(*thing.cut, *cut))


def _usual_cuts(solid: Solid, turn: Array, place: Array) -> Iterator[tuple[Solid, ...]]:
    def at(offset: Array) -> Numbers:
        return tuple(float(v) for v in place + offset)

    if solid.kind == "sphere":
        radius = solid.sizes[0]
        directions = [np.array(d, float) for d in ((0, 1, 0), (0, 0.8, 0.6), (0, 0.3, 1), (0.7, 0.7, 0.2), (-0.7, 0.7, 0.2))]
        for axis in (d / np.linalg.norm(d) for d in directions):
            aside = np.cross(axis, np.array([0.3, 0.1, 1.0]))
            aside /= np.linalg.norm(aside)
            angles = angles_of(np.stack([aside, axis, np.cross(aside, axis)], 1), TURNED["box"])
            if axis[1] == 1.0:
                angles = (0.0, 0.0, 0.0)
            for depth in (0.0, 0.35):
                half = Solid("box", (1.3 * radius,) * 3, angles, at(axis * (1.3 + depth) * radius))
                yield (half,)
                yield Solid("sphere", (0.85 * radius,), (), at(np.zeros(3))), half
            yield (Solid("cylinder", (0.4 * radius, 1.5 * radius), angles_of(np.stack([aside, axis, np.cross(aside, axis)], 1), 2), at(np.zeros(3))),)
        return
    if solid.kind == "cylinder":
        radius, height = solid.sizes
        for share in (0.55, 0.8):
            yield (Solid("cylinder", (share * radius, 1.5 * height), solid.angles, at(np.zeros(3))),)
            for sign in (1, -1):
                yield (Solid("cylinder", (share * radius, height), solid.angles, at(turn[:, 1] * sign * 0.25 * height)),)
        return
    if solid.kind == "box":
        for axis in range(3):
            others = [k for k in range(3) if k != axis]
            width = min(solid.sizes[k] for k in others)
            matrix = np.stack([turn[:, others[0]], turn[:, axis], np.cross(turn[:, others[0]], turn[:, axis])], 1)
            angles = angles_of(matrix, 2)
            for share in (0.4, 0.7):
                yield (Solid("cylinder", (share * width, 1.5 * solid.sizes[axis]), angles, at(np.zeros(3))),)
            sizes = tuple(1.5 * s if k == axis else 0.7 * s for k, s in enumerate(solid.sizes))
            yield (Solid("box", sizes, solid.angles, at(np.zeros(3))),)
            for sign in (1, -1):
                deep = tuple(s if k == axis else 0.8 * s for k, s in enumerate(solid.sizes))
                yield (Solid("box", deep, solid.angles, at(turn[:, axis] * sign * 0.3 * solid.sizes[axis])),)


def additions(thing: Thing, spots: list[tuple[Array, float]], count: int, random: np.random.Generator) -> Iterator[Thing]:
    """The thing with another solid joined or cut out, at spots (places and radii) where it is not right."""
    first = thing.joined[0]
    depth = thing.middle
    for place, radius in spots:
        for kind in ADDED:
            for number in range(count if kind != "sphere" else max(count // 3, 1)):
                where = place + (depth - place) * random.uniform(0.0, 0.15) + random.normal(0.0, 0.15 * radius, 3)
                sizes = tuple(radius * float(v) for v in np.exp(random.normal(-0.1, 0.4, SIZES[kind])))
                if kind == "torus":
                    sizes = (radius * float(np.exp(random.normal(0.15, 0.25))), 0.3 * sizes[1])
                handle = _handle(first, place - depth) if kind == "torus" and number % 2 == 0 else None
                if handle is not None:
                    where = where - 0.5 * radius * (place - depth) / np.linalg.norm(place - depth)
                    angles = handle
                elif number % 3 == 0 and len(first.angles):
                    angles = angles_of(_permuted(first.turn, number // 3), TURNED[kind])
                elif number % 3 == 1:
                    angles = tuple([0.0] * TURNED[kind])
                else:
                    angles = tuple(float(v) for v in random.uniform(-90, 90, TURNED[kind]))
                solid = Solid(kind, sizes, angles, tuple(float(v) for v in where))
                if number % 2 or kind == "torus":
                    yield replace(thing, joined=(*thing.joined, solid))
                if number % 2 == 0:
                    yield replace(thing, cut=(*thing.cut, replace(solid, sizes=tuple(1.15 * s for s in sizes))))


def _handle(solid: Solid, outward: Array) -> Numbers | None:
    """The angles of a ring that is a handle of an upright solid: it lies in the plane of the solid's axis and the way out."""
    axis = np.cross(solid.turn[:, 1], outward)
    if np.linalg.norm(axis) < 1e-6:
        return None
    axis /= np.linalg.norm(axis)
    aside = solid.turn[:, 1] - axis * (axis @ solid.turn[:, 1])
    aside /= np.linalg.norm(aside)
    return angles_of(np.stack([aside, axis, np.cross(aside, axis)], 1), 2)


def _permuted(matrix: Array, number: int) -> Array:
    """A turn after which another of the three axes is y."""
    order = ((0, 1, 2), (1, 2, 0), (2, 0, 1))[number % 3]
    return matrix[:, list(order)]


def plainer_things(thing: Thing) -> Iterator[Thing]:
    """The thing without a solid, with a ball in place of one, with one upright, and without its finish."""
    for role in ("cut", "joined"):
        solids: tuple[Solid, ...] = getattr(thing, role)
        for k, solid in enumerate(solids):
            if role == "cut" or len(solids) > 1:
                yield replace(thing, **{role: (*solids[:k], *solids[k + 1 :])})  # type: ignore[arg-type]
            others = []
            if solid.kind != "sphere" and TURNED[solid.kind]:
                others.append(Solid("sphere", (_radius(solid),), (), solid.place))
            y = solid.turn[:, 1]
            if TURNED[solid.kind] == 2 and solid.angles and abs(y[1]) > 0.98:
                others.append(replace(solid, angles=()))
            if len(solid.angles) == 3 and abs(solid.turn[1]).max() > 0.98 and (standing := upright(solid)) is not None:
                others.append(standing)
            for other in others:
                yield replace(thing, **{role: (*solids[:k], other, *solids[k + 1 :])})  # type: ignore[arg-type]
    if thing.finish:
        yield replace(thing, finish=())


def _radius(solid: Solid) -> float:
    """Of a ball about as large as a solid."""
    if solid.kind == "torus":
        return sum(solid.sizes)
    if solid.kind == "cut_hollow_sphere":
        return solid.sizes[0]
    return 1.1 * float(np.exp(np.mean(np.log(solid.sizes))))
