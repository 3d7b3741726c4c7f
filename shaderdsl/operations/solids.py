"""Solids: signed distances in space, centred where they have no points.

The habits of `shaderdsl.operations.shapes` hold here too. Besides, a solid with edges says in `Distance.beside` which face
lies beside the nearest one: near its surface its distance is the greatest of its faces' distances, and `beside` is the
second greatest, each face continued past the edge. What is smooth leaves it out.
"""

from __future__ import annotations

from collections.abc import Sequence

from shaderdsl.expression import Expr, Scalar, absolute, clamp, hypot, maximum, minimum, select
from shaderdsl.registry import FAT, Distance, Point3, length, register, vector

SMALL = 1e-6
"""Sizes below this are raised to it before they divide; far below what any picture shows."""


def positive(size: Scalar) -> Expr:
    """`size`, at least `SMALL`."""
    return maximum(size, SMALL)


def second_greatest(faces: Sequence[Expr]) -> Expr:
    """The second greatest of two or more distances."""
    first, second = maximum(faces[0], faces[1]), minimum(faces[0], faces[1])
    for face in faces[2:]:
        first, second = maximum(first, face), maximum(second, minimum(first, face))
    return second


def corner(x: Expr, y: Expr) -> Expr:
    """Distance to the quadrant x <= 0, y <= 0."""
    return select(minimum(x, y) > 0.0, hypot(x, y), maximum(x, y))


@register(
    "shape",
    "sphere",
    length("radius", 0.1, 0.8),
    summary="A ball.",
    example="sphere(0.7)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - amount},
)
def sphere(p: Point3, radius: Expr) -> Distance:
    return Distance(p.length - radius, 2.0 * radius)


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
    x, y, z = absolute(p.x) - half_width, absolute(p.y) - half_height, absolute(p.z) - half_depth
    nearest = maximum(x, maximum(y, z))
    # Past one face alone the distance is that face's own: its gradient is right on the face itself.
    outside = hypot(hypot(maximum(x, 0.0), maximum(y, 0.0)), maximum(z, 0.0))
    beside = second_greatest((x, y, z))
    thickness = 2.0 * minimum(half_width, minimum(half_height, half_depth))
    return Distance(select(beside > 0.0, outside, nearest), thickness, beside)


@register(
    "shape",
    "plane",
    length("height", -0.8, 0.2, 0.0, signed=True),
    summary="Everything below a height: a floor.",
    example="plane(-0.4)\nsphere(0.4)",
    dimension=3,
)
def plane(p: Point3, height: Expr) -> Distance:
    return Distance(p.y - height, FAT)


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


@register(
    "shape",
    "solid capsule",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("radius", 0.05, 0.4),
    summary="A cylinder between two points with round ends.",
    example="capsule((-0.5, -0.3, 0), (0.5, 0.4, 0.2), 0.2)",
    function="capsule",
    dimension=3,
    inset=lambda amount, a, b, radius: {"a": a, "b": b, "radius": radius - amount},
)
def capsule(p: Point3, a: Point3, b: Point3, radius: Expr) -> Distance:
    from_a, axis = p - a, b - a
    along = clamp(from_a.dot(axis) / positive(axis.dot(axis)), 0.0, 1.0)
    return Distance((from_a - axis * along).length - radius, 2.0 * radius)


@register(
    "shape",
    "torus",
    length("ring_radius", 0.2, 0.6, summary="of the circle in its middle"),
    length("radius", 0.05, 0.25, summary="of the tube"),
    summary="A ring around y.",
    example="torus(0.5, 0.2)",
    dimension=3,
    inset=lambda amount, ring_radius, radius: {"ring_radius": ring_radius, "radius": radius - amount},
)
def torus(p: Point3, ring_radius: Expr, radius: Expr) -> Distance:
    return Distance(hypot(hypot(p.x, p.z) - ring_radius, p.y) - radius, 2.0 * radius)


# What others are lowered to.


@register("shape", "ends", summary="How far a point lies beyond the ends of a solid made of a plane's shape.", example="", function="", dimension=3)
def ends(p: Point3) -> Distance:
    return Distance(p.z, FAT)


@register("boolean", "capped", summary="A solid of a plane's shape between its ends.", example="", function="", dimension=3)
def capped(a: Distance, b: Distance) -> Distance:
    return Distance(corner(a.value, b.value), a.thickness, minimum(a.value, b.value))
