"""The functions of numbers that the language has: sines, roots, remainders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from shaderdsl.expression import (
    Expr,
    absolute,
    arctangent,
    cosine,
    floor,
    maximum,
    minimum,
    sine,
    square_root,
    tangent,
)
from shaderdsl.registry import Parameter, angle, number


class Function(NamedTuple):
    """`body` takes an expression for each parameter, angles in radians; `gives_angle` tells that its result is one."""

    parameters: tuple[Parameter, ...]
    body: Callable[..., Expr]
    summary: str
    gives_angle: bool = False


def _remainder(value: Expr, period: Expr) -> Expr:
    return value - period * floor(value / period)


_ANGLE = (angle("angle"),)
_NUMBER = (number("number", -2.0, 2.0),)
_TWO = (number("first", -2.0, 2.0), number("second", -2.0, 2.0))

FUNCTIONS: Mapping[str, Function] = {
    "sin": Function(_ANGLE, sine, "the sine of an angle"),
    "cos": Function(_ANGLE, cosine, "the cosine of an angle"),
    "tan": Function(_ANGLE, tangent, "the tangent of an angle"),
    "atan2": Function((number("y", -1.0, 1.0), number("x", -1.0, 1.0)), arctangent, "the angle of the point (x, y)", True),
    "sqrt": Function((number("number", 0.0, 2.0, minimum=0.0),), square_root, "the square root"),
    "abs": Function(_NUMBER, absolute, "the number without its sign"),
    "floor": Function(_NUMBER, floor, "the greatest whole number that is not above it"),
    "mod": Function(
        (number("number", -2.0, 2.0), number("period", 0.5, 2.0)), _remainder, "what is left of it above a multiple of the period"
    ),
    "min": Function(_TWO, minimum, "the lesser of two"),
    "max": Function(_TWO, maximum, "the greater of two"),
}
