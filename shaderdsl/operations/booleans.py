"""Union, intersection, difference and xor; each sharp, smooth, round and chamfer.

The blends are given once, for the union; intersection and difference follow by complement, and xor is the
difference of union and intersection. A complement has no thickness to speak of, so a union keeps its nearer
side's and the others keep the thinner one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from shaderdsl.expression import Expr, absolute, hypot, maximum, minimum, select
from shaderdsl.registry import Distance, length, register

Blend = Callable[..., Expr]


def _sharp(a: Expr, b: Expr) -> Expr:
    return minimum(a, b)


def _smooth(a: Expr, b: Expr, smooth: Expr) -> Expr:
    """Quadratic smooth minimum (Quilez): a convex combination of the gradients, so its slope stays at most 1."""
    radius = maximum(smooth, 1e-5)
    # One difference decides for the lower side and for the derivative of the overlap: at a tie both take the same side.
    difference = a - b
    lower = select(difference < 0.0, a, b)
    overlap = maximum(radius - absolute(difference), 0.0) / radius
    return lower - 0.25 * radius * overlap * overlap


def _round(a: Expr, b: Expr, round: Expr) -> Expr:
    """The inner corner is filled by a circle of radius `round`."""
    corner = hypot(maximum(round - a, 0.0), maximum(round - b, 0.0))
    return maximum(round, minimum(a, b)) - corner


def _chamfer(a: Expr, b: Expr, chamfer: Expr) -> Expr:
    """The inner corner is cut at 45 degrees, `chamfer` from each side."""
    return minimum(minimum(a, b), (a + b - chamfer) * 0.7071067811865476)


_BLENDS: tuple[tuple[str, Blend, float, str], ...] = (
    ("", _sharp, 1.0, ""),
    ("smooth", _smooth, 1.0, " blended over `smooth`"),
    ("round", _round, 2.0**0.5, " with the seam filled by a circle of radius `round`"),
    ("chamfer", _chamfer, 2.0**0.5, " with the seam cut at 45 degrees"),
)


_SIGNS: dict[str, tuple[float, float] | None] = {
    "union": (1.0, 1.0), "intersection": (-1.0, -1.0), "difference": (-1.0, 1.0), "xor": None,
}  # fmt: skip


def _bodies(blend: Blend) -> dict[str, tuple[Callable[..., Distance], str, bool]]:
    """The four booleans of one blended minimum."""

    def union(a: Distance, b: Distance, **radius: Any) -> Distance:
        value = blend(a.value, b.value, **radius)
        # What a blend adds thickens the solid from both sides.
        added = 2.0 * (minimum(a.value, b.value) - value)
        return Distance(value, select(a.value < b.value, a.thickness, b.thickness) + added)

    def intersection(a: Distance, b: Distance, **radius: Any) -> Distance:
        return Distance(-blend(-a.value, -b.value, **radius), minimum(a.thickness, b.thickness))

    def difference(a: Distance, b: Distance, **radius: Any) -> Distance:
        return Distance(-blend(-a.value, b.value, **radius), a.thickness)

    def xor(a: Distance, b: Distance, **radius: Any) -> Distance:
        either = minimum(a.value, b.value)
        both = maximum(a.value, b.value)
        return Distance(-blend(-either, both, **radius), select(a.value < b.value, a.thickness, b.thickness))

    return {
        "union": (union, "Everything that is in either shape", False),
        "intersection": (intersection, "What is in both shapes", False),
        "difference": (difference, "The first shape without the others", False),
        "xor": (xor, "What is in exactly one of the two shapes", False),
    }


for _blend_name, _blend, _lipschitz, _how in _BLENDS:
    for _function, (_body, _summary, _exact) in _bodies(_blend).items():
        _radius = (length(_blend_name, 0.02, 0.3),) if _blend_name else ()
        _extra = f", {_blend_name} = 0.15" if _blend_name else ""
        register(
            "boolean",
            f"{_blend_name} {_function}".strip(),
            *_radius,
            summary=_summary + _how + ".",
            example=f"{_function}(circle(0.5).move(-0.2, 0), box(0.45, 0.25).move(0.25, 0){_extra})",
            function=_function,
            blend=_blend_name,
            exact=_exact,
            lipschitz=_lipschitz,
            variadic="shapes",
            carves=_function == "difference",
            selects=None if _blend_name else _SIGNS[_function],
        )(_body)
