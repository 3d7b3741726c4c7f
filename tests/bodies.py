"""What the tests of shapes and of solids share: traced bodies, random and degenerate arguments, differences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from shaderdsl import emit
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import Distance, Operation, Point, Point3, bind, continuous_names, operations, scalar_names

Array = np.ndarray
COUNTS = (3, 5, 8)


class Traced:
    """A shape's or solid's body in a graph of its own, with gradient and derivatives by parameter."""

    def __init__(self, operation: Operation, with_inset: bool = False) -> None:
        self.graph = graph = Graph()
        self.continuous = continuous_names(operation)
        self.axes = "xyz"[: operation.dimension]
        self.names = [*self.axes, *scalar_names(operation)] + (["amount"] if with_inset else [])
        self.inputs = {name: graph.input(name) for name in self.names}
        arguments: dict[str, Any] = bind(operation, self.inputs)
        if with_inset:
            assert operation.inset is not None
            arguments = {**arguments, **operation.inset(self.inputs["amount"], **arguments)}
        place = [self.inputs[axis] for axis in self.axes]
        distance: Distance = operation.body((Point if len(place) == 2 else Point3)(*place), **arguments)
        self.value, self.thickness = distance.value, graph.lift(distance.thickness)
        self.jet = self._jet(self.value)
        self.beside = None if distance.beside is None else self._jet(distance.beside)
        self._functions: dict[tuple[int, ...], Any] = {}

    def _jet(self, value: Expr) -> list[Expr]:
        return [value, *(self.graph.tangents([value], {self.inputs[axis].index: 1.0})[0] for axis in self.axes)]

    def parameter_derivatives(self) -> list[list[Expr]]:
        """For each parameter the derivatives of value and slopes."""
        return [self.graph.tangents(self.jet, {self.inputs[name].index: 1.0}) for name in self.continuous]

    def __call__(self, outputs: list[Expr], values: Mapping[str, Any]) -> list[Array]:
        """The printed NumPy text in float64."""
        key = tuple(e.index for e in outputs)
        if key not in self._functions:
            text = {name: f"v_{name}" for name in self.names}
            lines, results = emit.print_graph(self.graph, outputs, text, emit.NUMPY)
            body = "\n    ".join([*lines, f"return [{', '.join(results)}]"])
            space: dict[str, Any] = {"np": np}
            exec(f"def run({', '.join(text.values())}):\n    {body}", space)
            self._functions[key] = space["run"]
        with np.errstate(all="ignore"):
            found = self._functions[key](*(values[name] for name in self.names))
        return [np.broadcast_to(np.asarray(f, float), np.shape(values["x"])) for f in found]

    def single(self, outputs: list[Expr], values: Mapping[str, Any]) -> list[Array]:
        """Node by node, each rounded to float32, as a graphics card evaluates it."""
        known: dict[int, Any] = {}
        with np.errstate(all="ignore"):
            for index in self.graph.needed(e.index for e in outputs):
                operator, *arguments = self.graph.nodes[index]
                if operator == "const":
                    known[index] = np.float32(arguments[0])
                elif operator == "input":
                    known[index] = np.asarray(values[arguments[0]], np.float32)
                else:
                    space = {f"a{i}": known[a] for i, a in enumerate(arguments)}
                    template = emit.NUMPY.templates[operator].format(*space)
                    known[index] = np.asarray(eval(template, {"np": np}, space), np.float32)
        return [np.broadcast_to(known[e.index], np.shape(values["x"])) for e in outputs]


@cache
def traced(name: str, with_inset: bool = False) -> Traced:
    return Traced(operations(3)[name], with_inset)


class Example:
    """A shape or solid with chosen arguments."""

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.operation = operations(3)[name]
        self.arguments = dict(arguments)
        self.traced = traced(name)
        self.scalars: dict[str, float] = {}
        for parameter in self.operation.parameters:
            self.scalars.update(zip(parameter.scalars, np.atleast_1d(arguments[parameter.name]).tolist()))

    def at(self, points: Array, **changes: float) -> dict[str, Any]:
        return {**dict(zip("xyz", points.T)), **self.scalars, **changes}

    def distance(self, points: Array) -> Array:
        return self.traced([self.traced.value], self.at(points))[0]

    def changed_jet(self, points: Array, parameter: str, change: float) -> Array:
        """Value and gradient, after a change of one parameter."""
        changed = {parameter: self.scalars[parameter] + change}
        return np.stack(self.traced(self.traced.jet, self.at(points, **changed)))


def random_arguments(operation: Operation, random: np.random.Generator) -> dict[str, Any]:
    while True:
        arguments: dict[str, Any] = {}
        for p in operation.parameters:
            if p.kind == "count":
                arguments[p.name] = int(random.choice(COUNTS))
            elif p.width > 1:
                arguments[p.name] = tuple(random.uniform(0.8 * p.low, 0.8 * p.high, p.width))
            else:
                value = random.uniform(p.low, p.high)
                arguments[p.name] = math.radians(value) if p.kind == "angle" else value
        if operation.constraint is None or not operation.constraint(**arguments):
            return arguments


def central(function: Any, step: float) -> tuple[Array, Array]:
    """Derivative by Richardson's rule from `step` and half of it, and how far the two differ (kinks,
    noise)."""
    wide = (function(step) - function(-step)) / (2.0 * step)
    narrow = (function(0.5 * step) - function(-0.5 * step)) / step
    return (4.0 * narrow - wide) / 3.0, np.abs(narrow - wide)


def assert_close_away_from_kinks(exact: Array, difference: tuple[Array, Array], what: object) -> None:
    found, spread = difference
    smooth = spread < 1e-5 * (1.0 + np.abs(found))
    assert np.mean(smooth) > 0.75, what
    # A kink may hide between the differences' points, but not often.
    close = np.abs(exact - found) < 1e-5 * (1.0 + np.abs(found))
    assert np.mean(close[smooth]) > 0.995, (what, np.max(np.abs(exact - found)[smooth]))


def degenerate_arguments(operation: Operation, plain: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Plain arguments, changed one size at a time to its least, pairwise to equal, and altogether."""
    scalars = [p for p in operation.parameters if p.width == 1 and p.kind != "count"]
    spots = [p for p in operation.parameters if p.width > 1]
    least = {p.name: p.minimum or 0.0 for p in scalars}
    changed: list[dict[str, Any]] = [dict(plain)]
    changed += [{**plain, p.name: least[p.name]} for p in scalars]
    changed += [{**plain, p.name: math.radians(p.maximum or 0.0)} for p in scalars if p.kind == "angle"]
    changed += [{**plain, p.name: plain[q.name]} for p in scalars for q in scalars if p.kind == q.kind]
    changed += [{**plain, p.name: 10.0 * plain[p.name]} for p in scalars if p.kind == "length"]
    changed += [{**plain, p.name: plain[q.name]} for p in spots for q in spots]
    changed.append({**plain, **least})
    changed.append({**plain, **{p.name: (0.0,) * p.width for p in spots}})
    changed.append({**plain, **{p.name: (0.2 * i, 0.1 * i, 0.3 * i)[: p.width] for i, p in enumerate(spots)}})
    changed.append({**plain, **{p.name: (0.2 * i * (3 - i), 0.1 * i * (3 - i), 0.3 * i)[: p.width] for i, p in enumerate(spots)}})
    return changed
