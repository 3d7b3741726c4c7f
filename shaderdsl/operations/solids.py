"""Solids: signed distances in space, centred where they have no points; those of flat faces and straight sides.

The habits of `shaderdsl.operations.shapes` hold here too. Besides, a solid with edges says in `Distance.beside` which face
lies beside the nearest one: near its surface its distance is the greatest of its faces' distances, and `beside` is the
second greatest, each face continued past the edge. What is smooth leaves it out. Values are put in order by comparing and
choosing (`ordered`), whose derivatives are choices too and much shorter than those of `minimum` and `maximum`.

Solids along y are taken as shapes of the half plane of (radius about the axis, height).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from shaderdsl.expression import (
    Expr,
    Scalar,
    absolute,
    arctangent,
    cosine,
    floor,
    hypot,
    maximum,
    minimum,
    select,
    sine,
)
from shaderdsl.registry import FAT, Distance, Point3, count, length, register, vector

SMALL = 1e-6
"""Sizes below this are raised to it before they divide; far below what any picture shows."""


def positive(size: Scalar) -> Expr:
    """`size`, at least `SMALL`."""
    return maximum(size, SMALL)


def ordered(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """The greater and the lesser of two."""
    less = a < b
    return select(less, b, a), select(less, a, b)


def descending(a: Expr, b: Expr, c: Expr) -> tuple[Expr, Expr, Expr]:
    """Three values, the greatest first."""
    greater, lesser = ordered(a, b)
    first, rest = ordered(greater, c)
    return first, *ordered(lesser, rest)


def second_greatest(faces: Sequence[Expr]) -> Expr:
    """The second greatest of two or more distances."""
    first, second = ordered(faces[0], faces[1])
    for face in faces[2:]:
        first, lesser = ordered(first, face)
        second = ordered(second, lesser)[0]
    return second


def corner(x: Expr, y: Expr) -> Expr:
    """Distance to the quadrant x <= 0, y <= 0."""
    greater, lesser = ordered(x, y)
    return select(lesser > 0.0, hypot(x, y), greater)


def about_axis(p: Point3, a: Point3, b: Point3) -> tuple[Expr, Expr, Expr]:
    """Radius about the line from `a` to `b`, height along it from `a`, and the height of `b`; where the two are the same the
    line is along y."""
    axis, from_a = b - a, p - a
    top = axis.length
    size = positive(top)
    unit = Point3(axis.x / size, axis.y / size + (1.0 - top / size), axis.z / size)
    height = from_a.dot(unit)
    return (from_a - unit * height).length, height, top


@register(
    "shape",
    "solid box",
    length("half_width", 0.1, 0.7),
    length("half_height", 0.1, 0.7),
    length("half_depth", 0.1, 0.7),
    summary="A cuboid by its half extents along x, y and z.",
    example="box(0.6, 0.4, 0.5)",
    function="box",
    dimension=3,
    inset=lambda amount, half_width, half_height, half_depth: {
        "half_width": half_width - amount, "half_height": half_height - amount, "half_depth": half_depth - amount,
    },
)
def box(p: Point3, half_width: Expr, half_height: Expr, half_depth: Expr) -> Distance:
    first, second, third = descending(
        absolute(p.x) - half_width, absolute(p.y) - half_height, absolute(p.z) - half_depth
    )
    # Past one face alone the distance is that face's own: its gradient is right on the face itself.
    outside = hypot(hypot(first, second), maximum(third, 0.0))
    thickness = 2.0 * minimum(half_width, minimum(half_height, half_depth))
    return Distance(select(second > 0.0, outside, first), thickness, second)


@register(
    "shape",
    "box_frame",
    length("half_width", 0.3, 0.7),
    length("half_height", 0.3, 0.7),
    length("half_depth", 0.3, 0.7),
    length("thickness", 0.04, 0.2, summary="of its bars"),
    summary="The edges of a cuboid as square bars, by the cuboid's half extents.",
    example="box_frame(0.6, 0.4, 0.5, 0.1)",
    dimension=3,
    inset=lambda amount, half_width, half_height, half_depth, thickness: {
        "half_width": half_width - amount, "half_height": half_height - amount, "half_depth": half_depth - amount,
        "thickness": thickness - 2.0 * amount,
    },
)
def box_frame(p: Point3, half_width: Expr, half_height: Expr, half_depth: Expr, thickness: Expr) -> Distance:
    # The nearest bar runs along the axis on which the point is the farthest from the cuboid's face.
    first, second, along = descending(
        absolute(p.x) - half_width, absolute(p.y) - half_height, absolute(p.z) - half_depth
    )
    reach = along + thickness

    def across(outer: Expr) -> Expr:
        """The nearer of a bar's two faces; where bars meet, their inner edge takes the place of the inner face."""
        inner = outer + thickness
        return ordered(outer, -select(reach > 0.0, hypot(reach, inner), inner))[0]

    nearest, beside = ordered(across(first), across(second))
    outside = hypot(hypot(nearest, beside), maximum(along, 0.0))
    return Distance(select(beside > 0.0, outside, nearest), thickness, beside)


@register(
    "shape",
    "plane",
    length("height", -0.8, 0.2, 0.0, signed=True),
    summary="Everything below a height: a floor.",
    example="plane(-0.4)\nsphere(0.4).paint(#c8553d)",
    dimension=3,
)
def plane(p: Point3, height: Expr) -> Distance:
    return Distance(p.y - height, FAT)


@register(
    "shape",
    "slanted plane",
    vector("normal", -1.0, 1.0, summary="a direction, of any length, out of what is filled"),
    length("offset", -0.8, 0.2, signed=True, summary="of the border from the origin, along the normal"),
    summary="Everything on one side of a plane: a half space.",
    example="sphere(0.7) & plane((0.5, 1, 0.4), 0.1)",
    function="plane",
    dimension=3,
)
def slanted_plane(p: Point3, normal: Point3, offset: Expr) -> Distance:
    return Distance(p.dot(normal.normalized()) - offset, FAT)


@register(
    "shape",
    "slab",
    length("half_height", 0.05, 0.4),
    summary="Everything between two heights, half_height above and below the origin.",
    example="sphere(0.8) & slab(0.15)",
    dimension=3,
    inset=lambda amount, half_height: {"half_height": half_height - amount},
)
def slab(p: Point3, half_height: Expr) -> Distance:
    return Distance(absolute(p.y) - half_height, 2.0 * half_height)


@register(
    "shape",
    "infinite_cylinder",
    length("radius", 0.1, 0.6),
    summary="A cylinder along y without ends.",
    example="infinite_cylinder(0.3)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - amount},
)
def infinite_cylinder(p: Point3, radius: Expr) -> Distance:
    return Distance(hypot(p.x, p.z) - radius, 2.0 * radius)


@register(
    "shape",
    "cylinder",
    length("radius", 0.1, 0.6),
    length("half_height", 0.1, 0.8),
    summary="A cylinder along y by its radius and half its height.",
    example="cylinder(0.4, 0.6)",
    dimension=3,
    inset=lambda amount, radius, half_height: {"radius": radius - amount, "half_height": half_height - amount},
)
def cylinder(p: Point3, radius: Expr, half_height: Expr) -> Distance:
    side, end = hypot(p.x, p.z) - radius, absolute(p.y) - half_height
    return Distance(corner(side, end), 2.0 * minimum(radius, half_height), minimum(side, end))


def shortened(amount: Expr, a: Point3, b: Point3) -> tuple[Point3, Point3]:
    """Two points moved towards each other, at most until they meet."""
    axis = b - a
    step = axis * minimum(amount / positive(axis.length), 0.5)
    return a + step, b - step


def _rod_inset(amount: Expr, a: Point3, b: Point3, radius: Expr) -> dict[str, Any]:
    a, b = shortened(amount, a, b)
    return {"a": a, "b": b, "radius": radius - amount}


@register(
    "shape",
    "cylinder between",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("radius", 0.05, 0.4),
    summary="A cylinder by the centres of its two ends.",
    example="cylinder((-0.5, -0.3, 0), (0.5, 0.4, 0.2), 0.2)",
    function="cylinder",
    dimension=3,
    inset=_rod_inset,
)
def cylinder_between(p: Point3, a: Point3, b: Point3, radius: Expr) -> Distance:
    around, height, top = about_axis(p, a, b)
    half = 0.5 * top
    side, end = around - radius, absolute(height - half) - half
    return Distance(corner(side, end), 2.0 * minimum(radius, half), minimum(side, end))


def frustum(around: Expr, height: Expr, lower: Expr, upper: Expr, bottom: Expr, top: Expr) -> Distance:
    """A cone between the heights `lower` and `upper`, where its radii are `bottom` and `top`; `around` is the point's
    distance from the axis."""
    lean, rise = top - bottom, upper - lower
    slant = hypot(lean, rise)
    size = positive(slant)
    lean, rise = lean / size, rise / size + (1.0 - slant / size)  # of a disk: the side of a thin cylinder
    out, up = around - bottom, height - lower
    side = out * rise - up * lean
    along = out * lean + up * rise
    above = height - upper
    is_above = (along > 0.5 * size, above > -up)
    end = select(is_above[1], above, -up)
    nearest, beside = ordered(side, end)
    # Past the side its ends decide which end of the cone is the nearer; elsewhere the height does.
    is_upper = select(side > 0.0, *is_above)
    past = around - select(is_upper, top, bottom)
    vertical = select(is_upper, above, -up)
    outside = select(past > 0.0, hypot(past, vertical), vertical)
    on_side = minimum(side, minimum(along, size - along)) > 0.0
    value = select(nearest > 0.0, select(on_side, side, outside), nearest)
    # The greatest circle between an end and the sides.
    inscribed = maximum(bottom, top) * rise / (1.0 + absolute(lean))
    return Distance(value, 2.0 * minimum(0.5 * (upper - lower), inscribed), beside)


def _cone_inset(amount: Expr, bottom: Expr, top: Expr, half_height: Expr) -> dict[str, Expr]:
    height = 2.0 * positive(half_height)
    lean = top - bottom
    side = hypot(lean, height)
    return {
        "bottom": bottom - amount * (side - lean) / height,
        "top": top - amount * (side + lean) / height,
        "half_height": half_height - amount,
    }


@register(
    "shape",
    "cone",
    length("bottom", 0.2, 0.7, summary="radius of the lower end"),
    length("top", 0.0, 0.4, summary="radius of the upper end, 0 for a tip"),
    length("half_height", 0.2, 0.7),
    summary="A cone along y, cut or pointed, by the radii of its ends and half its height.",
    example="cone(0.6, 0.2, 0.5)",
    dimension=3,
    inset=_cone_inset,
)
def cone(p: Point3, bottom: Expr, top: Expr, half_height: Expr) -> Distance:
    # An inset may turn one radius negative: the sides then meet before they reach that end.
    height = positive(half_height)
    apex = height * (bottom + top) / positive(absolute(bottom - top))
    upper, lower = select(top < 0.0, apex, height), select(bottom < 0.0, -apex, -height)
    return frustum(hypot(p.x, p.z), p.y, lower, upper, maximum(bottom, 0.0), maximum(top, 0.0))


def _cone_between_inset(amount: Expr, a: Point3, b: Point3, radius_a: Expr, radius_b: Expr) -> dict[str, Any]:
    shrunk = _cone_inset(amount, radius_a, radius_b, 0.5 * (b - a).length)
    bottom, top = shrunk["bottom"], shrunk["top"]
    a, b = shortened(amount, a, b)
    # Where a radius turns negative the sides meet before they reach that end.
    span = positive(absolute(top - bottom))
    axis = b - a
    a, b = a + axis * (maximum(-bottom, 0.0) / span), b - axis * (maximum(-top, 0.0) / span)
    return {"a": a, "b": b, "radius_a": maximum(bottom, 0.0), "radius_b": maximum(top, 0.0)}


@register(
    "shape",
    "cone between",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("radius_a", 0.1, 0.4),
    length("radius_b", 0.0, 0.4),
    summary="A cone, cut or pointed, by the centres and radii of its two ends.",
    example="cone((-0.5, -0.3, 0), (0.5, 0.4, 0.2), 0.3, 0.1)",
    function="cone",
    dimension=3,
    inset=_cone_between_inset,
)
def cone_between(p: Point3, a: Point3, b: Point3, radius_a: Expr, radius_b: Expr) -> Distance:
    around, height, top = about_axis(p, a, b)
    return frustum(around, height, 0.0 * top, top, radius_a, radius_b)


@register(
    "shape",
    "prism",
    count("sides", 3, 64),
    length("radius", 0.2, 0.7, summary="from the axis to a corner"),
    length("half_height", 0.1, 0.7),
    summary="A regular prism along y: triangular of 3 sides, hexagonal of 6; a corner towards z.",
    example="prism(6, 0.6, 0.35)",
    dimension=3,
    inset=lambda amount, sides, radius, half_height: {
        "sides": sides, "radius": radius - amount / cosine(math.pi / sides), "half_height": half_height - amount,
    },
)
def prism(p: Point3, sides: Expr, radius: Expr, half_height: Expr) -> Distance:
    # Turned so that the nearest side faces +y of the section, and folded to its right; the turn is a step function.
    half = math.pi / sides
    step = 2.0 * half
    turn = (floor(arctangent(p.x, p.z) / step) + 0.5) * step
    cos, sin = cosine(turn), sine(turn)
    across, out = absolute(p.x * cos - p.z * sin), p.x * sin + p.z * cos
    apothem = radius * cosine(half)
    side, past = out - apothem, across - radius * sine(half)
    neighbour = out * cosine(step) + across * sine(step) - apothem
    end = absolute(p.y) - half_height
    value = corner(select(past > 0.0, hypot(past, side), side), end)
    return Distance(value, 2.0 * minimum(apothem, half_height), second_greatest((side, neighbour, end)))


# What others are lowered to.


@register("shape", "height", summary="How high a point lies above the plane of shapes, or, folded by extrusions, beyond the ends.", example="", function="", dimension=3)
def height(p: Point3) -> Distance:
    return Distance(p.z, FAT)


@register("boolean", "capped", summary="A solid of a plane's shape between its ends.", example="", function="", dimension=3)
def capped(a: Distance, b: Distance) -> Distance:
    return Distance(corner(a.value, b.value), a.thickness, minimum(a.value, b.value))
