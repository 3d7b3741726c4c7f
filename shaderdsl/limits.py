"""Hard limits of a program's numbers: arrays for plain literals, conditions for arithmetic."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from shaderdsl.bounds import MAX_NUMBER
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import Operation


class Condition(NamedTuple):
    """`low <= factor * expr <= high`; `text` names what is limited, `start` and `end` where it stands."""

    expr: Expr
    low: float
    high: float
    factor: float
    text: str
    start: int
    end: int


class Constraint(NamedTuple):
    """A limit on several parameters of an operation at once: its entry's `constraint`, on these expressions.

    A value is an expression, a pair of them (a point), or decided (a count or word).
    """

    operation: Operation
    arguments: Mapping[str, Any]
    start: int
    end: int


class Violation(NamedTuple):
    message: str
    expected: str
    start: int
    end: int


def limit_text(low: float, high: float) -> str:
    if low > -MAX_NUMBER and high < MAX_NUMBER:
        return f"{low:g} to {high:g}"
    if low > -MAX_NUMBER:
        return f"at least {low:g}"
    return f"at most {high:g}"


def below(value: float, low: float) -> bool:
    """Whether value < low in float32, which is what shaders see and texts keep."""
    return value < low and bool(np.float32(value) < np.float32(low))


def first_violation(
    graph: Graph, conditions: Sequence[Condition], constraints: Sequence[Constraint], values: Sequence[float]
) -> Violation | None:
    """The first condition or constraint that the parameter `values` break."""
    if not conditions and not constraints:
        return None
    wanted = [condition.expr for condition in conditions]
    for constraint in constraints:
        for argument in constraint.arguments.values():
            wanted += (
                argument if isinstance(argument, tuple) else [argument] if isinstance(argument, Expr) else []
            )
    found = graph.evaluate(wanted, dict(enumerate(values)))
    for condition, value in zip(conditions, found):
        value *= condition.factor
        if not math.isfinite(value) or below(value, condition.low) or below(-value, -condition.high):
            low, high = max(condition.low, -MAX_NUMBER), min(condition.high, MAX_NUMBER)
            shown = f"{value:.6g}" if math.isfinite(value) else "no finite number"
            return Violation(
                f"{condition.text} cannot be {shown}, which it is here",
                limit_text(low, high),
                condition.start,
                condition.end,
            )
    by_index = {e.index: v for e, v in zip(wanted, found)}
    for constraint in constraints:
        problem = constraint.operation.constraint(**{  # type: ignore[misc]
            name: tuple(by_index[e.index] for e in argument) if isinstance(argument, tuple)
            else by_index[argument.index] if isinstance(argument, Expr) else argument
            for name, argument in constraint.arguments.items()
        })  # fmt: skip
        if problem:
            return Violation(problem, "", constraint.start, constraint.end)
    return None
