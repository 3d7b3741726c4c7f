"""How far shapes and transforms reach, measured once for each operation: no formula a shape is needed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from random import Random

import numpy as np

from render.pictures import field
from shaderdsl.expression import Expr, Graph
from shaderdsl.program import parse
from shaderdsl.registry import Operation, Parameter, Point, bind, scalar_names

Drawn = float | int | str | tuple[float, float]
"""A drawn value: a count is an int, a choice its word, an angle in degrees."""

_TRIALS = 12
_RINGS = 40
_RAYS = 48
_FARTHEST = 2.0


def drawn(parameter: Parameter, random: Random) -> Drawn:
    """A value in the parameter's sensible range; counts of things are small more often than large."""
    if parameter.kind == "choice":
        return random.choice(parameter.choices)
    if parameter.kind == "count" and parameter.low < 1.0:
        return random.randint(int(parameter.low), int(parameter.high))
    if parameter.kind == "count":
        # Two uniform numbers: few things are many.
        share = random.random() * random.random()
        return int(parameter.low * (parameter.high / parameter.low) ** share + 0.5)
    if parameter.kind == "point":
        return random.uniform(parameter.low, parameter.high), random.uniform(parameter.low, parameter.high)
    return random.uniform(parameter.low, parameter.high)


def norm(operation: Operation, values: Mapping[str, Drawn]) -> float:
    """A size of a shape that grows as its lengths and points do: its true reach is a bounded multiple of it."""
    squares, farthest = 0.0, 0.0
    for parameter in operation.parameters:
        value = values.get(parameter.name, parameter.default)
        if parameter.kind == "point":
            farthest = max(farthest, math.hypot(*value))  # type: ignore[misc]
        elif parameter.kind == "length":
            squares += float(value) ** 2  # type: ignore[arg-type]
    return farthest + math.sqrt(squares)


@cache
def reach_factor(operation: Operation) -> float:
    """The largest distance from the origin that a shape covers, as a multiple of its `norm`; infinite for a shape
    without end. Measured on random shapes with the float64 reference."""
    random = Random(operation.name)
    radii = np.linspace(0.0, _FARTHEST, _RINGS + 1)
    angles = np.linspace(0.0, 2.0 * math.pi, _RAYS, endpoint=False)
    directions = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    grid = (radii[:, None, None] * directions).reshape(-1, 2)
    factor = 0.0
    trials = 0
    while trials < _TRIALS:
        values = {parameter.name: drawn(parameter, random) for parameter in operation.parameters}
        if operation.constraint is not None and operation.constraint(**values):
            continue
        trials += 1
        size = norm(operation, values)
        if size == 0.0:
            return math.inf
        arguments = ", ".join(
            f"({v[0]:.6f}, {v[1]:.6f})" if isinstance(v, tuple) else v if isinstance(v, str)
            else str(v) if isinstance(v, int) else f"{v:.6f}"
            for v in values.values()
        )  # fmt: skip
        inside = field(parse(f"{operation.function}({arguments})"), grid * size) < 0.0
        farthest = float(radii[inside.reshape(len(radii), -1).any(axis=1)].max(initial=0.0))
        if farthest >= _FARTHEST:
            return math.inf
        factor = max(factor, farthest)
    return round(factor + _FARTHEST / _RINGS, 2)


@cache
def _traced(operation: Operation) -> tuple[Graph, list[Expr], tuple[str, ...]]:
    graph = Graph()
    names = scalar_names(operation)
    mapped: Point = operation.body(
        Point(graph.input("point_x"), graph.input("point_y")), **bind(operation, {n: graph.input(n) for n in names})
    )
    return graph, [mapped.x, mapped.y], names


def stretch(operation: Operation, scalars: Sequence[float]) -> tuple[float, float]:
    """(factor, shift) of a transform: what lies within r of the origin comes to lie within factor * r + shift.

    scalars: one a parameter, angles in radians.
    """
    graph, outputs, names = _traced(operation)
    known: dict[object, float] = dict(zip(names, scalars))

    def at(x: float, y: float) -> list[float]:
        return list(graph.evaluate(outputs, {**known, "point_x": x, "point_y": y}))

    # The body maps a placed point back: p -> a p + b, so the shape goes by the inverse.
    b = at(0.0, 0.0)
    a11, a21 = (u - v for u, v in zip(at(1.0, 0.0), b))
    a12, a22 = (u - v for u, v in zip(at(0.0, 1.0), b))
    determinant = a11 * a22 - a12 * a21
    squares = a11 * a11 + a12 * a12 + a21 * a21 + a22 * a22
    # The largest singular value of the inverse is the smallest one's reciprocal.
    largest = math.sqrt(0.5 * (squares + math.sqrt(max(squares * squares - 4.0 * determinant**2, 0.0))))
    factor = largest / max(abs(determinant), 1e-9)
    return factor, math.hypot(a22 * b[0] - a12 * b[1], a11 * b[1] - a21 * b[0]) / max(abs(determinant), 1e-9)
