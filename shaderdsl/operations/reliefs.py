"""What textures become on solids: laid on from three sides, heights that turn the normal, heights that move the surface.

Each paint that has parameters and differs from place to place gets entries of its own for that, which no program calls by
name: `triplanar`, `bump` and `displace` of the language choose them (`shaderdsl.solid_checker`), and from there on they are
operations as all others.
"""

from __future__ import annotations

from typing import Any

from shaderdsl.binding import BUILTINS
from shaderdsl.expression import Expr, Graph, Scalar, absolute, clamp, maximum, minimum
from shaderdsl.noise import power
from shaderdsl.operations import paints, textures
from shaderdsl.registry import (
    DISPLACED,
    Blend,
    Distance,
    Operation,
    Point,
    Point3,
    bump_name,
    length,
    number,
    register,
    registered,
    relief_name,
    triplanar_name,
)

(_SHARPNESS,), _DEPTH = BUILTINS["triplanar"], BUILTINS["paint"][-1]


def _shown(paint: Operation, p: Point3, footprint: Point3 | None, normal: Point3 | None, arguments: dict[str, Any]) -> Blend:
    """What a pixel shows of a paint; those at home in the plane get x and y."""
    more: dict[str, Any] = {"footprint": footprint} if paint.filtered else {}
    if paint.sided:
        more["normal"] = normal
    found = paint.body(Point(p.x, p.y) if paint.dimension == 2 else p, **more, **arguments)
    return found if isinstance(found, Blend) else Blend(found, found, 0.0)


def _add_triplanar(paint: Operation) -> None:
    def body(p: Point3, normal: Point3, sharpness: Expr, footprint: Point3 | None = None, **arguments: Any) -> Blend | Expr:
        zero = p.x.graph.constant(0.0)
        unit = normal.normalized()
        shares = [power(maximum(absolute(part), 1e-3), sharpness) for part in unit]

        def sides(p: Point3) -> list[Point3]:
            """The picture's x and y on each side; y of space points up on all that are upright."""
            return [Point3(p.z, p.y, zero), Point3(p.x, p.z, zero), Point3(p.x, p.y, zero)]

        widths = [None] * 3 if footprint is None else sides(footprint)
        shown = [_shown(paint, place, wide, None, arguments) for place, wide in zip(sides(p), widths)]

        def mixed(parts: list[Scalar]) -> Expr:
            return (shares[0] * parts[0] + shares[1] * parts[1] + shares[2] * parts[2]) / (shares[0] + shares[1] + shares[2])

        first = mixed([side.first for side in shown])
        if not paint.filtered:
            return first
        return Blend(first, mixed([side.second for side in shown]), mixed([side.share for side in shown]))

    register(
        "paint", triplanar_name(paint), *paint.parameters, _SHARPNESS, summary=f"{paint.name} from three sides.", example="",
        function="", variadic="colours", dimension=3, filtered=paint.filtered, sided=True,
    )(body)  # fmt: skip


def _has_edges(paint: Operation, graph: Graph, arguments: dict[str, Any]) -> Expr:
    """1 where a paint jumps, as all that have no slope do, or those of a word for which they have none; else 0."""
    if paint.slope is None:
        return graph.constant(1.0)
    found = graph.constant(0.0)
    for parameter in paint.parameters:
        for word in range(len(parameter.choices)):
            given = {p.name: graph.constant(p.default if isinstance(p.default, (int, float)) else 0.0) for p in paint.parameters}
            if paint.slope(**{**given, parameter.name: graph.constant(float(word))}) is None:
                found = maximum(found, absolute(arguments[parameter.name] - float(word)) < 0.5)
    return found


def _add_bump(paint: Operation) -> None:
    def body(p: Point3, depth: Expr, footprint: Point3 | None = None, normal: Point3 | None = None, **arguments: Any) -> Expr:
        wide = footprint
        if wide is not None:
            # An edge of a pattern is a slope at least as wide as it is deep, and no finer than a pixel.
            least = _has_edges(paint, p.x.graph, arguments) * absolute(depth)
            wide = Point3(*(maximum(width, least) for width in wide))
        return depth * _shown(paint, p, wide, normal, arguments).mean

    register(
        "bump", bump_name(paint), *paint.parameters, _DEPTH, summary=f"{paint.name} as a height that light sees.", example="",
        function="", dimension=3, filtered=paint.filtered, sided=paint.sided,
    )(body)  # fmt: skip


def _add_relief(paint: Operation) -> None:
    def body(p: Point3, **arguments: Any) -> Distance:
        zero = p.x.graph.constant(0.0)
        return Distance(clamp(_shown(paint, p, Point3(zero, zero, zero), None, arguments).mean, 0.0, 1.0))

    register(
        "shape", relief_name(paint), *paint.parameters, summary=f"{paint.name} as a height, in [0, 1].", example="", function="",
        dimension=3, exact=False,
    )(body)  # fmt: skip


def _add_all() -> None:
    assert paints and textures, "their entries are what these are made of"
    for paint in registered("paint"):
        if not paint.parameters or paint.by_cell:
            continue
        if paint.slope is not None:
            _add_relief(paint)
        _add_bump(paint)
        if paint.dimension != 3:
            _add_triplanar(paint)
    for paint in registered("paint"):
        if paint.sided:
            _add_bump(paint)


_add_all()


@register(
    "boolean",
    DISPLACED,
    number("amount", -0.9, 0.9),
    number("slope", 0.0, 10.0, summary="the most that the height changes in a unit of distance"),
    length("top", 1.0, 1.0, summary="the greatest height before it is multiplied by the amount"),
    summary="A solid whose surface a relief moves outwards.",
    example="",
    function="",
    dimension=3,
    carves=True,
    exact=False,
)
def displaced(a: Distance, b: Distance, amount: Expr, slope: Expr, top: Expr) -> Distance:
    # The amount is less than 1, so that the surface is nearer to being the solid's than the relief's, whose creases nobody sees.
    height = amount * b.value
    steepness = 1.0 + absolute(amount) * slope
    # Off the relief's reach the distances to the solid grown by its lowest and highest places are bounds, and better ones.
    lowest, highest = minimum(amount, 0.0) * top, maximum(amount, 0.0) * top
    value = clamp((a.value - height) / steepness, a.value - highest, a.value - lowest)
    return Distance(value, (a.thickness + 2.0 * height) / steepness)
