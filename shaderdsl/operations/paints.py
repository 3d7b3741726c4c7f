"""Paints: what a shape is filled with. A body gives the position on the ramp of colours, 0 at the first and 1 at the last."""

from __future__ import annotations

from shaderdsl.expression import TINY, Expr, hypot, maximum
from shaderdsl.registry import Point, Point3, length, point, register


@register(
    "paint",
    "flat",
    dimension=0,
    summary="One colour; a colour where a paint is expected means this.",
    example="circle(0.6).fill(#c8553d)",
    variadic="colours",
)
def flat(p: Point3) -> Expr:
    return p.x * 0.0


@register(
    "paint",
    "linear",
    point("start", default=(0.0, 1.0)),
    point("end", default=(0.0, -1.0)),
    summary="A gradient of two or more colours from `start` to `end`, evenly spaced.",
    example="box(0.7, 0.5).fill(linear(#f4d35e, #ee964b, #0d3b66, start = (-0.7, 0), end = (0.7, 0)))",
    variadic="colours",
    slope=lambda start, end: 1.0 / maximum(hypot(end.x - start.x, end.y - start.y), 1e-9),
)
def linear(p: Point, start: Point, end: Point) -> Expr:
    axis = end - start
    return (p - start).dot(axis) / maximum(axis.dot(axis), TINY)


@register(
    "paint",
    "radial",
    point("center", default=(0.0, 0.0)),
    length("radius", 0.2, 1.2, 1.0),
    summary="A gradient of two or more colours from `center` outwards to `radius`, evenly spaced.",
    example="circle(0.7).fill(radial(#ffffff, #3d5a80, center = (-0.2, 0.25), radius = 0.9))",
    variadic="colours",
    slope=lambda center, radius: 1.0 / maximum(radius, 1e-6),
)
def radial(p: Point, center: Point, radius: Expr) -> Expr:
    offset = p - center
    return hypot(offset.x, offset.y) / maximum(radius, 1e-6)
