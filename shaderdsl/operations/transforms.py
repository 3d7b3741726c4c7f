"""Placing: affine transforms, mirror and finite repetition. A body maps a point of the placed picture back to the shape's own."""

from __future__ import annotations

import math

from shaderdsl.expression import Expr, absolute, arctangent, clamp, cosine, floor, minimum, select, sine, square_root
from shaderdsl.registry import Point, angle, count, length, number, register


@register(
    "transform",
    "move",
    length("x", -0.6, 0.6, signed=True),
    length("y", -0.6, 0.6, signed=True),
    summary="Moves by (x, y).",
    example="circle(0.3).fill(#dddddd)\ncircle(0.3).move(0.4, 0.2)",
)
def move(p: Point, x: Expr, y: Expr) -> Point:
    return Point(p.x - x, p.y - y)


@register(
    "transform",
    "rotate",
    angle("angle"),
    summary="Turns counter-clockwise about the origin.",
    example="box(0.6, 0.3).fill(#dddddd)\nbox(0.6, 0.3).rotate(30)",
)
def rotate(p: Point, angle: Expr) -> Point:
    c, s = cosine(angle), sine(angle)
    return Point(c * p.x + s * p.y, c * p.y - s * p.x)


@register(
    "transform",
    "scale",
    number("x", 0.5, 1.5, minimum=1e-4),
    summary="Scales about the origin by one factor.",
    example="heart(0.8).fill(#dddddd)\nheart(0.8).scale(0.5)",
    distance_scale=lambda x: x,
)
def scale(p: Point, x: Expr) -> Point:
    return Point(p.x / x, p.y / x)


@register(
    "transform",
    "scale apart",
    number("x", 0.5, 1.5, minimum=1e-4),
    number("y", 0.5, 1.5, minimum=1e-4),
    summary="Scales by one factor along x and another along y.",
    example="circle(0.5).fill(#dddddd)\ncircle(0.5).scale(1.6, 0.6)",
    function="scale",
    exact=False,
    distance_scale=lambda x, y: minimum(x, y),
)
def scale_apart(p: Point, x: Expr, y: Expr) -> Point:
    return Point(p.x / x, p.y / y)


def _shear_scale(amount: Expr) -> Expr:
    """1 / the largest singular value of the inverse shear, which keeps the slope of the distance at most 1."""
    return 2.0 / (absolute(amount) + square_root(amount * amount + 4.0))


@register(
    "transform",
    "shear",
    number("amount", -0.8, 0.8),
    summary="Slants: x shifts by `amount` for each unit of height.",
    example="box(0.4, 0.4).fill(#dddddd)\nbox(0.4, 0.4).shear(0.5)",
    exact=False,
    distance_scale=_shear_scale,
)
def shear(p: Point, amount: Expr) -> Point:
    return Point(p.x - amount * p.y, p.y)


@register(
    "repetition",
    "mirror",
    angle("angle", -180.0, 180.0, 90.0, summary="direction of the mirror line through the origin; 90 is the vertical"),
    summary="Shows what lies to the right of a line through the origin (seen along its direction) on both sides of it.",
    example="circle(0.25).move(0.4, 0.1).mirror()",
    exact=False,
)
def mirror(p: Point, copy: Expr, angle: Expr) -> Point:
    c, s = cosine(angle), sine(angle)
    along = c * p.x + s * p.y
    across = -absolute(c * p.y - s * p.x)
    return Point(c * along - s * across, s * along + c * across)


@register(
    "repetition",
    "repeat_polar",
    count("count", 2, 64),
    summary="Copies, at equal angles around the origin, of what lies to the right of it.",
    example="circle(0.15).move(0.55, 0).repeat_polar(7)",
    exact=False,
    copies=2,
    notes="The shape belongs on the x axis, right of the origin; a copy may reach into the sector beside its own, not further.",
)
def repeat_polar(p: Point, copy: Expr, count: Expr) -> Point:
    step = 2.0 * math.pi / count
    turn = arctangent(p.y, p.x) / step
    nearest = floor(turn + 0.5)
    second = nearest + select(turn < nearest, -1.0, 1.0)
    angle = step * select(copy < 0.5, nearest, second)
    c, s = cosine(angle), sine(angle)
    return Point(c * p.x + s * p.y, c * p.y - s * p.x)


@register(
    "repetition",
    "repeat_grid",
    count("columns", 1, 64),
    count("rows", 1, 64),
    length("dx", 0.2, 0.8),
    length("dy", 0.2, 0.8),
    summary="A centred grid of copies, `dx` and `dy` apart.",
    example="circle(0.15).repeat_grid(4, 3, 0.4, 0.4)",
    exact=False,
    copies=4,
    notes="A copy may reach into the cells beside its own, not further.",
)
def repeat_grid(p: Point, copy: Expr, columns: Expr, rows: Expr, dx: Expr, dy: Expr) -> Point:
    def along(coordinate: Expr, cells: Expr, spacing: Expr, second: Expr) -> Expr:
        last = 0.5 * (cells - 1)
        place = coordinate / spacing + last
        nearest = clamp(floor(place + 0.5), 0.0, cells - 1.0)
        other = clamp(nearest + select(place < nearest, -1.0, 1.0), 0.0, cells - 1.0)
        return coordinate - spacing * (select(second, other, nearest) - last)

    above = copy > 1.5  # copies 0 to 3 are the four nearest cells: x is the low bit, y the high one
    beside = copy - 2.0 * above > 0.5
    return Point(along(p.x, columns, dx, beside), along(p.y, rows, dy, above))
