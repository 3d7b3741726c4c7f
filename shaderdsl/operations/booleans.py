"""Union, intersection, difference and xor, sharp or with a seam of their own; and what follows two shapes' crossing.

The blends are given once, for the union; intersection and difference follow by complement (but for columns, which
stand out of either), and xor is the difference of union and intersection. A complement has no thickness to speak of, so a union keeps its nearer
side's and the others keep the thinner one.

All act on distances alone: in the plane of the two distances (a, b) a union's seam is the corner between the solid
half planes a < 0 and b < 0, and a blend is what fills that corner.
"""

from __future__ import annotations

from collections.abc import Callable
from math import log, sqrt
from typing import Any, NamedTuple

from shaderdsl.expression import (
    Expr,
    absolute,
    clamp,
    exponential as exp,
    floor,
    hypot,
    logarithm,
    maximum,
    minimum,
    select,
)
from shaderdsl.registry import Distance, Parameter, count, length, number, register

Blend = Callable[..., Expr]

_DIAGONAL = sqrt(0.5)
"""Sine and cosine of 45 degrees."""

_SMALLEST = 1e-5
"""Radii that are divided by are raised to this."""


def _sharp(a: Expr, b: Expr) -> Expr:
    return minimum(a, b)


def _overlap(a: Expr, b: Expr, radius: Expr) -> tuple[Expr, Expr]:
    """The lower of two distances, and how near they are to each other: 1 where they are equal, 0 from `radius` on.

    One difference decides for the lower side and for the overlap's derivative: at a tie both take the same side.
    """
    difference = a - b
    return select(difference < 0.0, a, b), maximum(radius - absolute(difference), 0.0) / radius


def _smooth(a: Expr, b: Expr, smooth: Expr) -> Expr:
    """Quadratic smooth minimum (Quilez): a convex combination of the gradients, so its slope stays at most 1."""
    radius = maximum(smooth, _SMALLEST)
    lower, overlap = _overlap(a, b, radius)
    return lower - 0.25 * radius * overlap * overlap


def _cubic(a: Expr, b: Expr, cubic: Expr) -> Expr:
    """Cubic smooth minimum: its second derivative is continuous too."""
    radius = maximum(cubic, _SMALLEST)
    lower, overlap = _overlap(a, b, radius)
    return lower - radius / 6.0 * overlap * overlap * overlap


def _exponential(a: Expr, b: Expr, exponential: Expr) -> Expr:
    """-s log(exp(-a / s) + exp(-b / s)), where s makes it as deep at a tie as the quadratic one of the same radius.

    It is associative: the order of several shapes makes no difference.
    """
    scale = maximum(exponential, _SMALLEST) / (4.0 * log(2.0))
    difference = a - b
    lower = select(difference < 0.0, a, b)
    return lower - scale * logarithm(1.0 + exp(-absolute(difference) / scale))


def _round(a: Expr, b: Expr, round: Expr) -> Expr:
    """The inner corner is filled by a circle of radius `round`."""
    corner = hypot(maximum(round - a, 0.0), maximum(round - b, 0.0))
    return maximum(round, minimum(a, b)) - corner


def _chamfer(a: Expr, b: Expr, chamfer: Expr) -> Expr:
    """The inner corner is cut at 45 degrees, `chamfer` from each side."""
    return minimum(minimum(a, b), (a + b - chamfer) * _DIAGONAL)


def _stairs(a: Expr, b: Expr, stairs: Expr, steps: Expr) -> Expr:
    """Blocks a < k s, b < (n + 1 - k) s, k from 1 to n, with s the height of a step.

    Their corners lie on the line a + b = (n + 1) s, so that the nearest block is that of the nearest corner along it.
    """
    step = maximum(stairs, _SMALLEST) / steps
    nearest = clamp(floor((a - b) / (2.0 * step) + 0.5 * steps + 1.0), 1.0, steps)
    block = maximum(a - nearest * step, b - (steps + 1.0 - nearest) * step)
    return minimum(minimum(a, b), block)


def _row(a: Expr, b: Expr, reach: Expr, standing: Expr) -> tuple[Expr, Expr]:
    """The signed distances to a chamfer, and to the nearest of `standing` circles that stand on it side by side.

    The first and last touch the sides of the corner, which sets their radius.
    """
    radius = maximum(reach, _SMALLEST) / (sqrt(2.0) * (standing - 1.0) + 2.0)
    across, along = (a + b - reach) * _DIAGONAL, (b - a) * _DIAGONAL
    nearest = clamp(floor(along / (2.0 * radius) + 0.5 * standing), 0.0, standing - 1.0)
    return across, hypot(across, along - (2.0 * nearest + 1.0 - standing) * radius) - radius


def _columns(a: Expr, b: Expr, columns: Expr, count: Expr) -> Expr:
    """The inner corner is filled by a chamfer and the columns on it."""
    across, column = _row(a, b, columns, count)
    return minimum(minimum(a, b), minimum(across, column))


def _columns_cut(a: Expr, b: Expr, columns: Expr, count: Expr) -> Expr:
    """The same of a complement: the chamfer is taken away, the columns stay."""
    across, column = _row(a, b, columns, count)
    return minimum(minimum(a, b), maximum(across, -column))


class _Seam(NamedTuple):
    """One way to blend; `cut` is the blend of complements, whose seam is an outer edge of the result.

    `radius` is the example's, of the shapes `operands`; `counted` the name of the count beside the radius.
    """

    name: str
    blend: Blend
    cut: Blend
    lipschitz: float
    how: str
    radius: float = 0.15
    operands: str = "circle(0.5).move(-0.2, 0), box(0.45, 0.25).move(0.25, 0)"
    counted: str = ""


_SQUARES = "box(0.6, 0.55).move(-0.25, -0.31), box(0.58, 0.55).move(0.22, 0.28)"


_SEAMS = (
    _Seam("", _sharp, _sharp, 1.0, ""),
    _Seam("smooth", _smooth, _smooth, 1.0, " blended over `smooth`"),
    _Seam("cubic", _cubic, _cubic, 1.0, " blended over `cubic`, with a curvature that does not jump", 0.25),
    _Seam(
        "exponential", _exponential, _exponential, 1.0,
        " blended by exponentials, as deep at the seam as with `smooth` and fading out beyond `exponential`",
    ),
    _Seam("round", _round, _round, 2.0**0.5, " with the seam filled by a circle of radius `round`"),
    _Seam("chamfer", _chamfer, _chamfer, 2.0**0.5, " with the seam cut at 45 degrees"),
    _Seam(
        "stairs", _stairs, _stairs, 1.0, ", with a staircase across the seam, `stairs` high and deep",
        0.24, _SQUARES, "steps",
    ),
    _Seam(
        "columns", _columns, _columns_cut, 2.0**0.5,
        ", with round columns side by side along the seam, which is cut `columns` from each side", 0.27, _SQUARES, "count",
    ),
)  # fmt: skip


_SIGNS: dict[str, tuple[float, float] | None] = {
    "union": (1.0, 1.0), "intersection": (-1.0, -1.0), "difference": (-1.0, 1.0), "xor": None,
}  # fmt: skip


def _bodies(blend: Blend, cut: Blend) -> dict[str, tuple[Callable[..., Distance], str]]:
    """The four booleans of one blended minimum."""

    def union(a: Distance, b: Distance, **radius: Any) -> Distance:
        value = blend(a.value, b.value, **radius)
        # What a blend adds thickens the solid from both sides.
        added = 2.0 * (minimum(a.value, b.value) - value)
        return Distance(value, select(a.value < b.value, a.thickness, b.thickness) + added)

    def intersection(a: Distance, b: Distance, **radius: Any) -> Distance:
        return Distance(-cut(-a.value, -b.value, **radius), minimum(a.thickness, b.thickness))

    def difference(a: Distance, b: Distance, **radius: Any) -> Distance:
        return Distance(-cut(-a.value, b.value, **radius), a.thickness)

    def xor(a: Distance, b: Distance, **radius: Any) -> Distance:
        either = minimum(a.value, b.value)
        both = maximum(a.value, b.value)
        return Distance(-cut(-either, both, **radius), select(a.value < b.value, a.thickness, b.thickness))

    return {
        "union": (union, "Everything that is in either shape"),
        "intersection": (intersection, "What is in both shapes"),
        "difference": (difference, "The first shape without the others"),
        "xor": (xor, "What is in exactly one of the two shapes"),
    }


for _seam in _SEAMS:
    for _function, (_body, _summary) in _bodies(_seam.blend, _seam.cut).items():
        _parameters: list[Parameter] = []
        _extra = ""
        if _seam.name:
            _parameters.append(length(_seam.name, 0.02, 0.3))
            _extra = f", {_seam.name} = {_seam.radius}"
        if _seam.counted:
            _parameters.append(count(_seam.counted, 1, 16))
            _extra += f", {_seam.counted} = 3"
        register(
            "boolean",
            f"{_seam.name} {_function}".strip(),
            *_parameters,
            summary=_summary + _seam.how + ".",
            example=f"{_function}({_seam.operands}{_extra})",
            function=_function,
            blend=_seam.name,
            exact=False,
            lipschitz=_seam.lipschitz,
            variadic="shapes",
            carves=_function == "difference",
            selects=None if _seam.name else _SIGNS[_function],
        )(_body)


# -- where two surfaces cross, and between two shapes ----------------------------------------------------------

_PLATE, _BAR, _STAR = "box(0.75, 0.3).move(0.03, -0.3)", "box(0.25, 0.6).move(0.06, 0.29)", "star(5, 0.85, 0.35)"


def _over_grey(function: str, first: str, second: str, numbers: str) -> str:
    """An example: two shapes in grey, and what the function makes of them."""
    return f"{first}.fill(#dddddd)\n{second}.fill(#dddddd)\n{function}({first}, {second}, {numbers})"


@register(
    "boolean",
    "pipe",
    length("radius", 0.02, 0.2),
    summary="A pipe along the line where the surfaces of two shapes cross; in the plane, a dot at each crossing.",
    example=_over_grey("pipe", _PLATE, _BAR, "0.12"),
    exact=False,
    lipschitz=2.0**0.5,
)
def pipe(a: Distance, b: Distance, radius: Expr) -> Distance:
    return Distance(hypot(a.value, b.value) - radius, 2.0 * radius)


@register(
    "boolean",
    "engrave",
    length("depth", 0.02, 0.2),
    summary="The first shape with a V-shaped groove along the surface of the second, twice as wide as it is deep.",
    example=_over_grey("engrave", _PLATE, _BAR, "0.15"),
    carves=True,
    exact=False,
    lipschitz=2.0**0.5,
)
def engrave(a: Distance, b: Distance, depth: Expr) -> Distance:
    away = absolute(b.value) - depth
    flank = (a.value - away) * _DIAGONAL
    # Both sides of the first shape are engraved.
    left = (a.thickness + 2.0 * away) * _DIAGONAL
    return Distance(maximum(a.value, flank), select(a.value < flank, left, a.thickness))


@register(
    "boolean",
    "groove",
    length("depth", 0.02, 0.2),
    length("width", 0.02, 0.3, summary="full width"),
    summary="The first shape with a rectangular groove along the surface of the second.",
    example=_over_grey("groove", _PLATE, _BAR, "0.15, 0.2"),
    carves=True,
    exact=False,
)
def groove(a: Distance, b: Distance, depth: Expr, width: Expr) -> Distance:
    bottom, wall = a.value + depth, 0.5 * width - absolute(b.value)
    # Both sides of the first shape have the groove.
    thickness = select(bottom < wall, a.thickness - 2.0 * depth, a.thickness)
    return Distance(maximum(a.value, minimum(bottom, wall)), thickness)


@register(
    "boolean",
    "tongue",
    length("height", 0.02, 0.2),
    length("width", 0.02, 0.3, summary="full width"),
    summary="The first shape with a rectangular tongue along the surface of the second: what fits into a groove.",
    example=_over_grey("tongue", _PLATE, _BAR, "0.15, 0.2"),
    exact=False,
)
def tongue(a: Distance, b: Distance, height: Expr, width: Expr) -> Distance:
    top, wall = a.value - height, absolute(b.value) - 0.5 * width
    tip = maximum(top, wall)
    # Both sides of the first shape have the tongue.
    raised = select(top < wall, width, a.thickness + 2.0 * height)
    return Distance(minimum(a.value, tip), select(a.value < tip, a.thickness, raised))


@register(
    "boolean",
    "morph",
    number("amount", 0.0, 1.0, minimum=0.0, maximum=1.0, summary="0 is the first shape, 1 the second"),
    summary="A shape between two: their distances, mixed.",
    example=_over_grey("morph", _STAR, "box(0.7, 0.35).move(0.03, -0.06)", "0.5"),
    exact=False,
)
def morph(a: Distance, b: Distance, amount: Expr) -> Distance:
    thickness = a.thickness + amount * (b.thickness - a.thickness)
    return Distance(a.value + amount * (b.value - a.value), thickness)
