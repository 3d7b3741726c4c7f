"""Operations as values with derivatives: each body becomes a forward and a reverse rule over distance duals.

What flows through a tape is not a distance f but a dual (f, ∂f/∂x, ∂f/∂y, thickness), since coverage needs the
gradient. A `Rule` is straight-line code for one operation: `forward` maps inputs to outputs; `reverse` maps inputs and
the outputs' adjoints to the inputs' adjoints. Because gradients are among the outputs, the reverse rule holds the mixed
second derivatives that the derivative of coverage needs (methods: "Coverage uses ∇f, so parameter derivatives need
∂θ∇f"). All of it is derived from the body by `shaderdsl.expression`; nothing here knows an operation by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shaderdsl import coverage as coverage_profile
from shaderdsl.expression import Expr, Graph, Scalar
from shaderdsl.registry import Blend, Distance, Operation, Point, Point3, bind, continuous_names, scalar_names

DUAL = ("f", "fx", "fy", "w")
"""A distance dual: value, gradient, thickness."""

ELEMENT = ("x0", "y0", "x1", "y1", "x2", "y2", "curved", "ends")
"""The slots of one element of an outline: start, control, end; whether it is a quadratic; 1 if it begins an open
outline, 2 if it ends it, 3 if both."""


@dataclass(frozen=True)
class Rule:
    """`forward`: expressions of `outputs` in `inputs`. `reverse`: adjoints of `differentiated` inputs, as expressions
    of the inputs and of the outputs' adjoints, which are inputs named "d_" + output."""

    graph: Graph
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    forward: tuple[Expr, ...]
    differentiated: tuple[str, ...]
    reverse: tuple[Expr, ...]


def _rule(
    graph: Graph, inputs: Sequence[str], outputs: Sequence[str], forward: Sequence[Expr], differentiated: Sequence[str]
) -> Rule:
    weights: dict[int, Expr] = {}
    for name, value in zip(outputs, forward):
        adjoint = graph.input("d_" + name)
        weights[value.index] = weights[value.index] + adjoint if value.index in weights else adjoint
    reverse = graph.adjoints(weights, [graph.input(name) for name in differentiated])
    return Rule(graph, tuple(inputs), tuple(outputs), tuple(forward), tuple(differentiated), tuple(reverse))


def _distance_outputs(graph: Graph, distance: Distance, x: Expr, y: Expr) -> list[Expr]:
    value, zero = distance.value, graph.constant(0.0)
    gradient = [graph.tangents([value], _all_seeds(graph, value, {axis.index: graph.constant(1.0)}, zero))[0] for axis in (x, y)]
    return [value, *gradient, graph.lift(distance.thickness)]


def _parameter_inputs(graph: Graph, operation: Operation) -> dict[str, Expr]:
    return {name: graph.input(name) for name in scalar_names(operation)}


@cache
def shape_rule(operation: Operation) -> Rule:
    """Inputs x, y (own coordinates) and the parameters; outputs the dual in own coordinates."""
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    scalars = _parameter_inputs(graph, operation)
    distance = operation.body(Point(x, y), **bind(operation, scalars))
    outputs = _distance_outputs(graph, distance, x, y)
    return _rule(graph, ("x", "y", *scalars), DUAL, outputs, ("x", "y", *continuous_names(operation)))


def _element(graph: Graph, curved: bool) -> object:
    from shaderdsl.operations.outlines import Element

    x0, y0, x1, y1, x2, y2, ends = (graph.input(n) for n in ("x0", "y0", "x1", "y1", "x2", "y2", "ends"))
    first = (ends > 0.5) * (1.0 - (ends > 1.5) * (ends < 2.5))
    return Element(Point(x0, y0), Point(x1, y1), Point(x2, y2), curved, first, ends > 1.5)


@cache
def element_rule(operation: Operation, curved: bool) -> Rule:
    """The unsigned distance to one element (output "distance"), for finding the nearest; not differentiated."""
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    scalars = _parameter_inputs(graph, operation)
    distance = operation.body(Point(x, y), _element(graph, curved), **bind(operation, scalars))
    inputs = ("x", "y", *scalars, "x0", "y0", "x1", "y1", "x2", "y2", "ends")
    return Rule(graph, inputs, ("distance",), (distance,), (), ())


@cache
def finish_rule(operation: Operation) -> Rule:
    """The signed distance (output "f") of an outline from its nearest element's unsigned "distance" and "inside"."""
    assert operation.finish is not None
    graph = Graph()
    scalars = _parameter_inputs(graph, operation)
    result = operation.finish(graph.input("distance"), graph.input("inside"), **bind(operation, scalars))
    return Rule(graph, (*scalars, "distance", "inside"), ("f",), (result.value,), (), ())


@cache
def outline_rule(operation: Operation, curved: bool) -> Rule:
    """The dual of an outline whose nearest element is given; input "inside" is 1 inside and 0 outside."""
    assert operation.finish is not None
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    scalars = _parameter_inputs(graph, operation)
    arguments = bind(operation, scalars)
    unsigned = operation.body(Point(x, y), _element(graph, curved), **arguments)
    distance = operation.finish(unsigned, graph.input("inside"), **arguments)
    points = ("x0", "y0", "x1", "y1", "x2", "y2") if curved else ("x0", "y0", "x2", "y2")
    inputs = ("x", "y", *scalars, "x0", "y0", "x1", "y1", "x2", "y2", "ends", "inside")
    outputs = _distance_outputs(graph, distance, x, y)
    return _rule(graph, inputs, DUAL, outputs, ("x", "y", *continuous_names(operation), *points))


def _dual_inputs(graph: Graph, prefix: str) -> list[Expr]:
    return [graph.input(prefix + name) for name in DUAL]


@cache
def combination_rule(operation: Operation) -> Rule:
    """Inputs the duals "a_f" ... "b_w" and the parameters. For modifiers "a_" alone."""
    graph = Graph()
    prefixes = ("a_", "b_") if operation.category == "boolean" else ("a_",)
    duals = {prefix: _dual_inputs(graph, prefix) for prefix in prefixes}
    scalars = _parameter_inputs(graph, operation)
    distance = operation.body(*(Distance(d[0], d[3]) for d in duals.values()), **bind(operation, scalars))
    zero = graph.constant(0.0)
    value = distance.value

    def directional(axis: int) -> Expr:
        return graph.tangents([value], _all_seeds(graph, value, {d[0].index: d[axis] for d in duals.values()}, zero))[0]

    outputs = [value, directional(1), directional(2), graph.lift(distance.thickness)]
    names = tuple(e for prefix in prefixes for e in (prefix + n for n in DUAL))
    return _rule(graph, (*names, *scalars), DUAL, outputs, (*names, *continuous_names(operation)))


def _all_seeds(graph: Graph, output: Expr, seeds: dict[int, Expr], zero: Expr) -> dict[int, Expr]:
    """`seeds`, and a zero tangent for every other input that `output` reads."""
    return {
        index: seeds.get(index, zero) for index in graph.needed([output.index]) if graph.nodes[index][0] == "input"
    }


SPACE = ("u", "v", "ux", "uy", "vx", "vy")
"""A folded point: where it lies, and the Jacobian of that place by the pixel's position."""


@cache
def repetition_rule(operation: Operation) -> Rule:
    """Inputs a point (x, y) with its Jacobian (xx, xy, yx, yy), the parameters and "copy"; outputs SPACE."""
    graph = Graph()
    x, y = graph.input("x"), graph.input("y")
    jacobian = [graph.input(name) for name in ("xx", "xy", "yx", "yy")]
    scalars = _parameter_inputs(graph, operation)
    place = operation.body(Point(x, y), copy=graph.input("copy"), **bind(operation, scalars))
    zero = graph.constant(0.0)
    outputs = [place.x, place.y]
    for value in (place.x, place.y):
        for column in (0, 1):
            seeds = {x.index: jacobian[column], y.index: jacobian[2 + column]}
            outputs += graph.tangents([value], _all_seeds(graph, value, seeds, zero))
    inputs = ("x", "y", "xx", "xy", "yx", "yy", *scalars, "copy")
    return _rule(graph, inputs, SPACE, outputs, (*inputs[:6], *continuous_names(operation)))


WIDTHS = ("wide_x", "wide_y")
"""How wide a pixel is along each axis of a paint's coordinates."""

BLEND = ("first", "second", "share")
"""`registry.Blend`; of a paint that is not filtered the share is 0."""


def blended(graph: Graph, found: Blend | Scalar) -> list[Expr]:
    """BLEND of what a paint's body gives."""
    values = (found.first, found.second, found.share) if isinstance(found, Blend) else (found, 0.0, 0.0)
    return [graph.lift(value) for value in values]


@cache
def paint_rule(operation: Operation) -> Rule:
    """Inputs a point, WIDTHS and the parameters; outputs BLEND.

    Of a paint that is at home in space too this is the slice where z is 0.
    """
    graph = Graph()
    scalars = _parameter_inputs(graph, operation)
    places = ("x", "y", *WIDTHS)
    x, y, wide_x, wide_y = (graph.input(name) for name in places)
    p = Point(x, y) if operation.dimension == 2 else Point3(x, y, graph.constant(0.0))
    extra = {"footprint": Point3(wide_x, wide_y, graph.constant(0.0))} if operation.filtered else {}
    found = operation.body(p, **extra, **bind(operation, scalars))
    return _rule(graph, (*places, *scalars), BLEND, blended(graph, found), (*places, *continuous_names(operation)))


@cache
def coverage_rule(crisp: bool = False) -> Rule:
    """Inputs a dual, "pixel" and "softness"; output "alpha". The pixel's size is not differentiated.

    `crisp` is the rule where the softness is 0, much shorter.
    """
    graph = Graph()
    names = (*DUAL, "pixel", "softness")
    inputs = [graph.input(name) for name in names]
    if crisp:
        inputs[-1] = graph.constant(0.0)
    alpha = coverage_profile.coverage(*inputs)
    return _rule(graph, names, ("alpha",), [alpha], (*DUAL, "softness"))
