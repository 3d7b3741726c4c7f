"""Operators on numbers, angles and points, and the conversions of colours, as expressions of a graph."""

from __future__ import annotations

import math
from functools import cache

from shaderdsl.bounds import MAX_NUMBER
from shaderdsl.expression import Expr, Graph, Template, absolute, clamp, floor
from shaderdsl.values import ColourValue, NumberValue, PointValue, Value, VectorValue, described

RADIANS = math.pi / 180.0

_VERBS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
_JOINS = {"+": "and", "-": "and", "*": "and", "/": "by"}


class NoSuchOperation(Exception):
    """The operator does not take these types; the message says so."""


def apply(operator: str, a: Value, b: Value) -> Value:
    """`a operator b` for numbers, angles and points. Raises NoSuchOperation for other types."""
    if isinstance(a, NumberValue) and isinstance(b, NumberValue):
        return _numbers(operator, a, b)
    if isinstance(a, PointValue) and isinstance(b, PointValue) and operator in "+-":
        return PointValue(_numbers(operator, a.x, b.x), _numbers(operator, a.y, b.y))
    if isinstance(a, PointValue) and isinstance(b, NumberValue) and not b.angle and operator in "*/":
        return PointValue(_numbers(operator, a.x, b), _numbers(operator, a.y, b))
    if isinstance(b, PointValue) and isinstance(a, NumberValue) and not a.angle and operator == "*":
        return PointValue(_numbers(operator, a, b.x), _numbers(operator, a, b.y))
    if isinstance(a, VectorValue) and isinstance(b, VectorValue) and operator in "+-":
        return VectorValue(*(_numbers(operator, x, y) for x, y in zip(a, b)))
    if isinstance(a, VectorValue) and isinstance(b, NumberValue) and not b.angle and operator in "*/":
        return VectorValue(*(_numbers(operator, x, b) for x in a))
    if isinstance(b, VectorValue) and isinstance(a, NumberValue) and not a.angle and operator == "*":
        return VectorValue(*(_numbers(operator, a, x) for x in b))
    raise NoSuchOperation(f"cannot {_VERBS[operator]} {described(a)} {_JOINS[operator]} {described(b)}")


def negative(value: Value) -> Value:
    if isinstance(value, NumberValue):
        return NumberValue(-value.expr, value.angle)
    if isinstance(value, PointValue):
        return PointValue(NumberValue(-value.x.expr), NumberValue(-value.y.expr))
    if isinstance(value, VectorValue):
        return VectorValue(*(NumberValue(-part.expr) for part in value))
    raise NoSuchOperation(f"cannot negate {described(value)}")


def _numbers(operator: str, a: NumberValue, b: NumberValue) -> NumberValue:
    """Numbers and angles: a bare number beside an angle is in degrees, a ratio of angles is a number."""
    x, y = a.expr, b.expr
    if operator in "+-":
        angle = a.angle or b.angle
        if angle and not a.angle:
            x = x * RADIANS
        if angle and not b.angle:
            y = y * RADIANS
        return NumberValue(x + y if operator == "+" else x - y, angle)
    if operator == "*":
        if a.angle and b.angle:
            raise NoSuchOperation("cannot multiply an angle and an angle")
        return NumberValue(x * y, a.angle or b.angle)
    if b.angle and not a.angle:
        raise NoSuchOperation("cannot divide a number by an angle")
    return NumberValue(x / y, a.angle and not b.angle)


def mixed(a: ColourValue, b: ColourValue, amount: Expr) -> ColourValue:
    """`a` at amount 0, `b` at 1."""
    return ColourValue(*(x + (y - x) * amount for x, y in zip(a.components, b.components)))


def from_hsv(hue: NumberValue, saturation: Expr, value: Expr) -> ColourValue:
    """The colour of a hue (an angle; 0 is red, 120 degrees green), saturation and value in [0, 1]."""
    template = _hsv_template(hue.angle, hue.literal is None)
    return ColourValue(*hue.expr.graph.instantiate(template, [hue.expr, saturation, value]))


@cache
def _hsv_template(angle: bool, computed: bool) -> Template:
    """Red, green and blue by hue, saturation and value."""
    graph = Graph()
    hue, saturation, value = inputs = [graph.input(name) for name in ("hue", "saturation", "value")]
    sixths = hue * (3.0 / math.pi) if angle else hue * (1.0 / 60.0)
    if computed:
        # Arithmetic may overflow, and no floor is taken of an infinity.
        sixths = clamp(sixths, -MAX_NUMBER, MAX_NUMBER)

    def component(offset: float) -> Expr:
        turned = sixths + offset
        around = turned - 6.0 * floor(turned / 6.0)
        share = clamp(absolute(around - 3.0) - 1.0, 0.0, 1.0)
        return value * (1.0 - saturation * (1.0 - share))

    return Template(graph, inputs, [component(offset) for offset in (0.0, 4.0, 2.0)])
