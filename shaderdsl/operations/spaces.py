"""Placing in space, and solids made of shapes of the plane. A body maps a point of the placed scene back to the solid's own."""

from __future__ import annotations

from shaderdsl.expression import Expr, absolute, cosine, hypot, minimum, sine
from shaderdsl.registry import Point3, angle, length, number, register, vector


@register(
    "transform",
    "move in space",
    length("x", -0.6, 0.6, signed=True),
    length("y", -0.6, 0.6, signed=True),
    length("z", -0.6, 0.6, signed=True),
    summary="Moves by (x, y, z).",
    example="sphere(0.4).move(0.3, 0.2, -0.3)",
    function="move",
    dimension=3,
)
def move(p: Point3, x: Expr, y: Expr, z: Expr) -> Point3:
    return Point3(p.x - x, p.y - y, p.z - z)


@register(
    "transform",
    "turn",
    angle("angle"),
    vector("axis", -1.0, 1.0, (0.0, 1.0, 0.0), summary="a direction, of any length"),
    summary="Turns about an axis through the origin, counter-clockwise for who looks against it.",
    example="box(0.5, 0.3, 0.4).rotate(30, axis = (0, 1, 0.5))",
    function="rotate",
    dimension=3,
)
def turn(p: Point3, angle: Expr, axis: Point3) -> Point3:
    unit, c, s = axis.normalized(), cosine(angle), sine(angle)
    return p * c - unit.cross(p) * s + unit * (unit.dot(p) * (1.0 - c))


@register(
    "transform",
    "turn by angles",
    angle("x"),
    angle("y"),
    angle("z"),
    summary="Turns about x, then y, then z (Euler angles).",
    example="box(0.5, 0.3, 0.4).rotate(20, 30, 10)",
    function="rotate",
    dimension=3,
)
def turn_by_angles(p: Point3, x: Expr, y: Expr, z: Expr) -> Point3:
    # Backwards: the last turn is undone first.
    c, s = cosine(z), sine(z)
    p = Point3(c * p.x + s * p.y, c * p.y - s * p.x, p.z)
    c, s = cosine(y), sine(y)
    p = Point3(c * p.x - s * p.z, p.y, c * p.z + s * p.x)
    c, s = cosine(x), sine(x)
    return Point3(p.x, c * p.y + s * p.z, c * p.z - s * p.y)


@register(
    "transform",
    "scale in space",
    number("factor", 0.5, 1.5, minimum=1e-4),
    summary="Scales about the origin by one factor.",
    example="torus(0.5, 0.2).scale(0.7)",
    function="scale",
    dimension=3,
    distance_scale=lambda factor: factor,
)
def scale(p: Point3, factor: Expr) -> Point3:
    return p * (1.0 / factor)


@register(
    "transform",
    "scale apart in space",
    number("x", 0.5, 1.5, minimum=1e-4),
    number("y", 0.5, 1.5, minimum=1e-4),
    number("z", 0.5, 1.5, minimum=1e-4),
    summary="Scales by a factor of its own along x, y and z.",
    example="sphere(0.5).scale(1.4, 0.8, 1)",
    function="scale",
    dimension=3,
    exact=False,
    distance_scale=lambda x, y, z: minimum(x, minimum(y, z)),
)
def scale_apart(p: Point3, x: Expr, y: Expr, z: Expr) -> Point3:
    return Point3(p.x / x, p.y / y, p.z / z)


@register(
    "repetition",
    "mirror in space",
    vector("normal", -1.0, 1.0, (1.0, 0.0, 0.0), summary="of the plane through the origin; its side is shown on both"),
    summary="Shows what lies on a plane's front on both sides of it.",
    example="sphere(0.3).move(0.4, 0.1, 0).mirror((1, 0, 0))",
    function="mirror",
    dimension=3,
    exact=False,
)
def mirror(p: Point3, copy: Expr, normal: Point3) -> Point3:
    unit = normal.normalized()
    across = unit.dot(p)
    return p + unit * (absolute(across) - across)


@register(
    "extrusion",
    "extrude",
    length("half_depth", 0.05, 0.5),
    summary="A solid that has a shape of the plane as its section along z.",
    example="star(5, 0.7, 0.35).extrude(0.15)",
    dimension=3,
)
def extrude(p: Point3, half_depth: Expr) -> Point3:
    return Point3(p.x, p.y, absolute(p.z) - half_depth)


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
