"""Placing in space by affine transforms. A body maps a point of the placed scene back to the solid's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from shaderdsl.expression import Expr, absolute, cosine, hypot, maximum, minimum, select, sine, square_root
from shaderdsl.registry import Point3, angle, length, number, register, vector


def directed(*names: str) -> Callable[..., str]:
    """The constraint that a direction, a vector parameter or several numbers, has a length."""

    def constraint(**values: Any) -> str:
        given = [values[name] for name in names]
        size = math.hypot(*(math.hypot(*v) if isinstance(v, tuple) else v for v in given))
        said = names[0] if len(names) == 1 else f"({', '.join(names)})"
        return "" if size > 1e-6 else f"{said} is zero, which is no direction"

    return constraint


def sheared(amount: Expr) -> Expr:
    """1 / the largest singular value of a shear by `amount`, which keeps the slope of a distance at most 1."""
    return 2.0 / (absolute(amount) + square_root(amount * amount + 4.0))


def swing(p: Point3, start: Point3, direction: Point3) -> Point3:
    """`p` turned back by the shortest turn that takes one unit vector to another. Straight back there is none."""
    axis, c = start.cross(direction), start.dot(direction)
    # By whichever form of 1 / (1 + c) divides by what is not small.
    share = select(c > 0.0, 1.0 / (1.0 + maximum(c, 0.0)), (1.0 - c) / maximum(axis.dot(axis), 1e-12))
    return p * c - axis.cross(p) + axis * (axis.dot(p) * share)


def faced(p: Point3, direction: Point3) -> Point3:
    """`p` turned back by the shortest turn that takes the z axis to a unit vector; straight back it is about y."""
    zero = 0.0 * p.z
    back = select(direction.z < 0.0, direction.x * direction.x + direction.y * direction.y < 1e-12, 0.0)
    return swing(p, Point3(zero, zero, zero + 1.0), Point3(select(back, 1e-6, direction.x), direction.y, direction.z))


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
    constraint=directed("axis"),
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
    "quaternion",
    number("w", -1.0, 1.0),
    number("x", -1.0, 1.0),
    number("y", -1.0, 1.0),
    number("z", -1.0, 1.0),
    summary="Turns by the quaternion w + xi + yj + zk, of any length.",
    example="box(0.5, 0.3, 0.4).quaternion(0.9, 0.2, 0.3, 0.1)",
    dimension=3,
    constraint=directed("w", "x", "y", "z"),
)
def quaternion(p: Point3, w: Expr, x: Expr, y: Expr, z: Expr) -> Point3:
    axis = Point3(x, y, z)
    across = axis.cross(p) * (2.0 / maximum(w * w + axis.dot(axis), 1e-12))
    return p - across * w + axis.cross(across)


@register(
    "transform",
    "face",
    vector("direction", -1.0, 1.0, summary="of any length"),
    summary="Turns what lies along z to a direction, by the shortest way.",
    example="star(5, 0.6, 0.3).extrude(0.1).face((0.5, 1, 0.7))",
    dimension=3,
    constraint=directed("direction"),
    notes="`face((0, 1, 0))` lays down what shows its front to z. Straight back, (0, 0, -1), is half a turn about y.",
)
def face(p: Point3, direction: Point3) -> Point3:
    return faced(p, direction.normalized())


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
    "transform",
    "shear in space",
    number("x", -0.8, 0.8),
    number("z", -0.8, 0.8, 0.0),
    summary="Slants: x and z shift by so much for each unit of height.",
    example="box(0.4, 0.4, 0.4).shear(0.4, -0.2)",
    function="shear",
    dimension=3,
    exact=False,
    distance_scale=lambda x, z: sheared(hypot(x, z)),
)
def shear(p: Point3, x: Expr, z: Expr) -> Point3:
    return Point3(p.x - x * p.y, p.y, p.z - z * p.y)
