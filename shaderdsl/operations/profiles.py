"""Solids made of a shape of the plane: drawn out, turned about an axis, or led along a curve; and shapes cut from solids.

A body gives the place (x, y) in the shape's plane that a point of space belongs to, and z, how far it lies beyond the
solid's ends.
"""

from __future__ import annotations

import math
from typing import Any

from shaderdsl.expression import Expr, absolute, clamp, cosine, hypot, maximum, minimum, select, sine
from shaderdsl.operations.curves import closest_on_curve
from shaderdsl.operations.folds import inside
from shaderdsl.operations.solids import ordered, positive
from shaderdsl.operations.spaces import faced, sheared, swing
from shaderdsl.registry import Distance, Point3, angle, length, number, register, vector

HALF_DEPTH = length("half_depth", 0.05, 0.5)

ENDING = 1e-3
"""The share of a curve that counts as its end: single precision does not know the place of the nearest point better than to some
1e-6, and on a sweep's flat end all points have theirs there."""


@register(
    "extrusion",
    "extrude",
    HALF_DEPTH,
    summary="A solid that has a shape of the plane as its section along z.",
    example="star(5, 0.7, 0.35).extrude(0.15)",
    dimension=3,
)
def extrude(p: Point3, half_depth: Expr) -> Point3:
    return Point3(p.x, p.y, absolute(p.z) - half_depth)


def _twisted_scale(half_depth: Expr, twist: Expr, taper: Expr, radius: Expr) -> Expr:
    least = minimum(taper, 1.0)
    half = positive(half_depth)
    return least * sheared(hypot((taper - 1.0) / least, twist) * hypot(positive(radius), half) / (2.0 * half))


@register(
    "extrusion",
    "twisted extrusion",
    HALF_DEPTH,
    angle("twist", -90.0, 90.0, 0.0, summary="of the front against the back"),
    number("taper", 0.3, 1.2, 1.0, minimum=0.01, summary="size of the front against the back"),
    length("radius", 0.4, 1.5, 1.0, summary="of the region around z where it is told; past it, it fades"),
    summary="As a plain extrusion, with a section that is turned and scaled evenly from the back to the front.",
    example="star(5, 0.7, 0.45).extrude(0.5, twist = 50, taper = 0.6)",
    function="extrude",
    dimension=3,
    exact=False,
    distance_scale=_twisted_scale,
)
def twisted_extrusion(p: Point3, half_depth: Expr, twist: Expr, taper: Expr, radius: Expr) -> Point3:
    half = positive(half_depth)
    # The ball that holds all that is within the radius between the ends.
    along = clamp(inside(p.z, p, hypot(positive(radius), half)) / half, -1.0, 1.0)
    factor = maximum(1.0 + (taper - 1.0) * (0.5 + 0.5 * along), 1e-3)
    turn = 0.5 * twist * along
    c, s = cosine(turn), sine(turn)
    return Point3((c * p.x + s * p.y) / factor, (c * p.y - s * p.x) / factor, absolute(p.z) - half_depth)


@register(
    "extrusion",
    "revolve",
    length("offset", 0.0, 0.5, 0.0, summary="of the shape's origin from the axis"),
    summary="A solid of revolution: a shape of the plane turned about y.",
    example="box(0.15, 0.3).revolve(0.45)",
    dimension=3,
    capped=False,
)
def revolve(p: Point3, offset: Expr) -> Point3:
    return Point3(hypot(p.x, p.z) - offset, p.y, 0.0 * p.z)


def _apart(start: Any, control: Any, end: Any) -> str:
    return "" if math.dist(start, end) > 1e-6 else "a sweep needs a start and an end that differ"


@register(
    "extrusion",
    "sweep",
    vector("start", -0.8, 0.8),
    vector("control", -0.8, 0.8),
    vector("end", -0.8, 0.8),
    summary="Leads a shape of the plane along a quadratic Bezier curve, from `start` towards `control` to `end`.",
    example="ring(0.2, 0.08).sweep((-0.7, -0.3, 0), (0, 0.9, 0.3), (0.7, -0.3, 0))",
    dimension=3,
    exact=False,
    constraint=_apart,
    notes="The shape faces the curve's direction at its start as by `face`, and turns with it the shortest way. It "
    "belongs within the curve's radius of curvature: where two of its places are equally near, the field may jump.",
)
def sweep(p: Point3, start: Point3, control: Point3, end: Point3) -> Point3:
    edge, offset, chord = control - start, start - p, end - start
    turn = chord - edge * 2.0
    found, t = closest_on_curve(offset, edge, turn)

    def direction(t: Expr | float) -> Point3:
        """Of the curve; that of its chord where it starts or ends with no speed."""
        velocity = edge + turn * t
        still = velocity.dot(velocity) < 1e-8 * chord.dot(chord)
        return Point3(*(select(still, c, v) for c, v in zip(chord, velocity))).normalized()

    first, last = direction(0.0), direction(1.0)
    away = -(offset + (edge * 2.0 + turn * t) * t)
    section = faced(swing(away, first, direction(t)), first)
    distance = away.length

    def within(point: Point3, inwards: Point3, ended: Expr) -> Expr:
        """How far `p` is from the plane where the curve ends; a bound where the curve comes round behind that plane."""
        offset = p - point
        ahead = offset.dot(inwards)
        return select(ended, ahead, maximum(ahead, 0.5 * (offset.length - distance)))

    depth = minimum(within(start, first, found < ENDING), within(end, -last, found > 1.0 - ENDING))
    return Point3(section.x, section.y, -depth)


@register(
    "loft",
    "loft",
    HALF_DEPTH,
    summary="A solid between two shapes of the plane, from the first one at the back to the second at the front.",
    example="box(0.6, 0.6).loft(circle(0.3), 0.5).rotate(-90, 0, 0)",
    dimension=3,
    exact=False,
    notes="Between them its section has their distances, mixed as by `morph`.",
)
def loft(a: Distance, b: Distance, z: Distance, half_depth: Expr) -> Distance:
    # A section's distance, mixed of two, changes by no more than one moves in its plane. So the solid is no nearer than in the plane
    # of heights and distances what lies beyond the line from (-half, a) to (half, b) and between the ends is to (z, 0): which is
    # what is given, and changes by no more than one moves, since each of the line's points does so. Of two round cones' ends, and
    # of equal shapes, it is the distance itself.
    full = positive(2.0 * half_depth)
    half = 0.5 * full
    rise = b.value - a.value
    slant = hypot(full, rise)
    share = z.value / full + 0.5
    level = a.value + share * rise
    upright = full / slant
    side, end = level * upright, absolute(z.value) - half
    greater, lesser = ordered(side, end)
    # Where the perpendicular on the line meets it beyond its end, and its end is in the open, that is the nearest.
    foot = share - 0.5 - level * rise / (slant * slant)
    front = foot > 0.0
    rim, beyond = select(front, b.value, a.value), select(front, z.value, -z.value) - half
    past = select(rim > 0.0, absolute(foot) > 0.5, 0.0)
    thickness = a.thickness + clamp(share, 0.0, 1.0) * (b.thickness - a.thickness)
    return Distance(select(past, hypot(rim, beyond), greater), thickness * upright, lesser)


@register(
    "section",
    "slice",
    length("offset", -0.4, 0.4, 0.0, signed=True, summary="the z of the plane that cuts the solid"),
    summary="The shape of the plane that a solid's section at one z is, for the operations that make solids of such shapes.",
    example="(box(0.5, 0.5, 0.5).rotate(45, 35, 0) - sphere(0.4)).slice(0.1).extrude(0.1)",
    dimension=3,
    exact=False,
    notes="The solid is not painted; what is made of its section may be.",
)
def cut(p: Point3, offset: Expr) -> Point3:
    return Point3(p.x, p.y, 0.0 * p.z + offset)
