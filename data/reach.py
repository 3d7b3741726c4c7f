"""How far shapes and transforms reach, measured once for each operation: no formula a shape is needed. Whole solids of space are
measured too: where they lie, and whether their distances can be trusted."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from random import Random

import numpy as np
import numpy.typing as npt

from render.pictures import field
from render.tapes import solid_tape_of
from shaderdsl.expression import Expr, Graph
from shaderdsl.program import parse
from shaderdsl.registry import Operation, Parameter, Point, Point3, bind, scalar_names

Double = npt.NDArray[np.float64]
Drawn = float | int | str | tuple[float, ...]
"""A drawn value: a count is an int, a choice its word, an angle in degrees, a point, vector or colour its components."""

_TRIALS = 12
_RINGS = 40
_RAYS = 48
_FARTHEST = 2.0

_SAMPLES = 3000
_STRIDE = 0.03
"""Points at which a solid of space is measured, and how far apart those of a pair are, by the size of what is looked at."""


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
    if parameter.width > 1:
        return tuple(random.uniform(parameter.low, parameter.high) for _ in range(parameter.width))
    return random.uniform(parameter.low, parameter.high)


def norm(operation: Operation, values: Mapping[str, Drawn]) -> float:
    """A size of a shape that grows as its lengths and points do: its true reach is a bounded multiple of it."""
    squares, farthest = 0.0, 0.0
    for parameter in operation.parameters:
        value = values.get(parameter.name, parameter.default)
        if parameter.kind in ("point", "vector"):
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
    directions = _circle() if operation.dimension == 2 else _sphere()
    grid = (radii[:, None, None] * directions).reshape(-1, directions.shape[1])
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
        scene = f"scene {operation.dimension}d\n{operation.function}({', '.join(map(_written, values.values()))})"
        inside = field(parse(scene), grid * size) < 0.0
        farthest = float(radii[inside.reshape(len(radii), -1).any(axis=1)].max(initial=0.0))
        if farthest >= _FARTHEST:
            return math.inf
        factor = max(factor, farthest)
    return round(factor + _FARTHEST / _RINGS, 2)


def _written(value: Drawn) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(f'{v:.6f}' for v in value)})"
    return f"{value:.6f}" if isinstance(value, float) else str(value)


def _circle() -> Double:
    angles = np.linspace(0.0, 2.0 * math.pi, _RAYS, endpoint=False)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def _sphere() -> Double:
    """Directions of space, the axes among them: corners and points of solids often lie there."""
    count = 4 * _RAYS
    index = np.arange(count)
    z, turn = 1.0 - (2.0 * index + 1.0) / count, index * math.pi * (3.0 - math.sqrt(5.0))
    level = np.sqrt(1.0 - z * z)
    return np.concatenate([np.stack([level * np.cos(turn), level * np.sin(turn), z], axis=1), np.eye(3), -np.eye(3)])


@dataclass(frozen=True)
class Extent:
    """Where a solid of space lies, and what is wrong with it, if anything.

    low, high: corners (3,) of a box around what is inside of it.
    steepest: the most that its distance changes by a unit of length, relative to the slope that its operations promise:
        above 1 where copies do not fit the cells of a repetition, or a solid reaches beyond the radius of a bend.
    """

    low: Double
    high: Double
    steepest: float
    is_empty: bool


def extent(text: str, bound: float) -> Extent:
    """Measures a solid given as statements of a scene, within `bound` of the origin, at random points (always the same)."""
    program = parse("scene 3d\n" + text)
    first, second = (bound * points for points in _pairs())
    values = field(program, np.concatenate([first, second])).reshape(2, -1)
    slope = float(np.abs(values[1] - values[0]).max() / (_STRIDE * bound * solid_tape_of(program).lipschitz))
    inside = first[values[0] < _STRIDE * bound]
    if not len(inside):
        return Extent(np.zeros(3), np.zeros(3), slope, True)
    return Extent(inside.min(0), inside.max(0), slope, False)


@lru_cache(maxsize=1)
def _pairs() -> tuple[Double, Double]:
    """Points of the unit ball (n, 3), more of them near its centre, and points close to them."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(2, _SAMPLES, 3))
    directions /= np.linalg.norm(directions, axis=2, keepdims=True)
    points = directions[0] * np.sqrt(rng.random((_SAMPLES, 1)))
    return points, points + _STRIDE * directions[1]


@cache
def _traced(operation: Operation) -> tuple[Graph, list[Expr], tuple[str, ...]]:
    graph = Graph()
    names = scalar_names(operation)
    inputs = [graph.input(f"point_{c}") for c in "xyz"]
    point: Point | Point3 = Point(*inputs[:2]) if operation.dimension == 2 else Point3(*inputs)
    mapped = operation.body(point, **bind(operation, {n: graph.input(n) for n in names}))
    return graph, [graph.lift(v) for v in ((mapped.x, mapped.y) if operation.dimension == 2 else mapped)], names


def stretch(operation: Operation, scalars: Sequence[float]) -> tuple[float, float]:
    """(factor, shift) of a transform: what lies within r of the origin comes to lie within factor * r + shift.

    scalars: one a parameter, angles in radians.
    """
    graph, outputs, names = _traced(operation)
    known: dict[object, float] = dict(zip(names, scalars))

    def at(*place: float) -> Double:
        point: dict[object, float] = dict(zip(("point_x", "point_y", "point_z"), place))
        return np.array(graph.evaluate(outputs, {**known, **point}), np.float64)

    # The body maps a placed point back: p -> a p + b, so the shape goes by the inverse.
    b = at(0.0, 0.0, 0.0)
    a = np.stack([at(*axis) - b for axis in np.eye(3)[: len(b)].tolist()], axis=1)
    inverse = np.linalg.pinv(a)
    return float(np.linalg.norm(inverse, 2)), float(np.linalg.norm(inverse @ b))
