"""Solid shapes: exact distances where that is possible, centred on the origin unless their points say otherwise."""

from __future__ import annotations

from shaderdsl.expression import Expr, absolute, hypot, maximum, minimum, select
from shaderdsl.registry import Distance, Point, length, register


@register(
    "shape",
    "circle",
    length("radius", 0.05, 0.9),
    summary="A disk.",
    example="circle(0.6)",
    inset=lambda amount, radius: {"radius": radius - amount},
)
def circle(p: Point, radius: Expr) -> Distance:
    return Distance(hypot(p.x, p.y) - radius, 2.0 * radius)


@register(
    "shape",
    "box",
    length("half_width", 0.05, 0.9),
    length("half_height", 0.05, 0.9),
    length("top_right", 0.0, 0.3, 0.0, summary="radius of that corner"),
    length("bottom_right", 0.0, 0.3, 0.0),
    length("bottom_left", 0.0, 0.3, 0.0),
    length("top_left", 0.0, 0.3, 0.0),
    summary="A rectangle by its half extents, each corner rounded by a radius of its own.",
    example="box(0.6, 0.35, top_right = 0.2, bottom_left = 0.3)",
    inset=lambda amount, half_width, half_height, **corners: {
        "half_width": half_width - amount,
        "half_height": half_height - amount,
        **{name: maximum(radius - amount, 0.0) for name, radius in corners.items()},
    },
)
def box(
    p: Point, half_width: Expr, half_height: Expr,
    top_right: Expr, bottom_right: Expr, bottom_left: Expr, top_left: Expr,
) -> Distance:  # fmt: skip
    right = select(p.y < 0.0, bottom_right, top_right)
    left = select(p.y < 0.0, bottom_left, top_left)
    radius = select(p.x < 0.0, left, right)
    x = absolute(p.x) - half_width + radius
    y = absolute(p.y) - half_height + radius
    outside = hypot(maximum(x, 0.0), maximum(y, 0.0))
    return Distance(outside + minimum(maximum(x, y), 0.0) - radius, 2.0 * minimum(half_width, half_height))

