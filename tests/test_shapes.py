"""Every shape of the registry: distances against independent geometry, derivatives against differences."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy.spatial import cKDTree
from shape_geometry import SOLIDS, Solid

from shaderdsl import emit
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import (
    Distance,
    Operation,
    Point,
    bind,
    continuous_names,
    of_category,
    operations,
    scalar_names,
)

Array = np.ndarray
SHAPES = [operation.name for operation in of_category("shape")]
COUNTS = (3, 5, 8)


class Traced:
    """A shape's body in a graph of its own, with gradient and derivatives by parameter."""

    def __init__(self, operation: Operation, with_inset: bool = False) -> None:
        self.graph = graph = Graph()
        self.continuous = continuous_names(operation)
        self.names = ["x", "y", *scalar_names(operation)] + (["amount"] if with_inset else [])
        self.inputs = {name: graph.input(name) for name in self.names}
        arguments: dict[str, Any] = bind(operation, self.inputs)
        if with_inset:
            assert operation.inset is not None
            arguments = {**arguments, **operation.inset(self.inputs["amount"], **arguments)}
        p = Point(self.inputs["x"], self.inputs["y"])
        distance: Distance = operation.body(p, **arguments)
        self.value, self.thickness = distance.value, graph.lift(distance.thickness)
        self.jet = [self.value, *(graph.tangents([self.value], {p_.index: 1.0})[0] for p_ in (p.x, p.y))]
        self._functions: dict[tuple[int, ...], Any] = {}

    def parameter_derivatives(self) -> list[list[Expr]]:
        """For each parameter the derivatives of value, x and y slope."""
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
    return Traced(operations()[name], with_inset)


class Example:
    """A shape with chosen arguments."""

    def __init__(self, name: str, arguments: Mapping[str, Any]) -> None:
        self.operation = operations()[name]
        self.arguments = dict(arguments)
        self.traced = traced(name)
        self.scalars: dict[str, float] = {}
        for parameter in self.operation.parameters:
            if parameter.kind == "point":
                self.scalars[parameter.name + "_x"], self.scalars[parameter.name + "_y"] = arguments[
                    parameter.name
                ]
            else:
                self.scalars[parameter.name] = arguments[parameter.name]

    def at(self, points: Array, **changes: float) -> dict[str, Any]:
        return {"x": points[:, 0], "y": points[:, 1], **self.scalars, **changes}

    def distance(self, points: Array) -> Array:
        return self.traced([self.traced.value], self.at(points))[0]

    def changed_jet(self, points: Array, parameter: str, change: float) -> Array:
        """Value and gradient, after a change of one parameter."""
        changed = {parameter: self.scalars[parameter] + change}
        return np.stack(self.traced(self.traced.jet, self.at(points, **changed)))

    def solid(self) -> Solid:
        return SOLIDS[self.operation.name](self.arguments)


def random_arguments(operation: Operation, random: np.random.Generator) -> dict[str, Any]:
    while True:
        arguments: dict[str, Any] = {}
        for p in operation.parameters:
            if p.kind == "count":
                arguments[p.name] = int(random.choice(COUNTS))
            elif p.kind == "point":
                arguments[p.name] = tuple(random.uniform(0.8 * p.low, 0.8 * p.high, 2))
            else:
                value = random.uniform(p.low, p.high)
                arguments[p.name] = math.radians(value) if p.kind == "angle" else value
        if operation.constraint is None or not operation.constraint(**arguments):
            return arguments


def examples(name: str, number: int, seed: int = 1) -> list[Example]:
    random = np.random.default_rng([seed, SHAPES.index(name)])
    return [Example(name, random_arguments(operations()[name], random)) for _ in range(number)]


def points_in(number: int, reach: float = 1.4, seed: int = 2) -> Array:
    return np.random.default_rng(seed).uniform(-reach, reach, (number, 2))


def written_example(operation: Operation) -> dict[str, Any]:
    """The arguments of an entry's example text, which reads as a Python call."""
    signature = inspect.Signature(
        [
            inspect.Parameter(
                p.name,
                inspect.Parameter.POSITIONAL_OR_KEYWORD,
                default=inspect.Parameter.empty if p.default is None else p.default,
            )
            for p in operation.parameters
        ]
    )

    def take(*positional: Any, **named: Any) -> dict[str, Any]:
        bound = signature.bind(*positional, **named)
        bound.apply_defaults()
        return dict(bound.arguments)

    arguments = eval(operation.example, {}, {operation.function: take})
    assert isinstance(arguments, dict)
    return arguments


def test_every_shape_has_independent_geometry() -> None:
    assert set(SHAPES) == set(SOLIDS)


@pytest.mark.parametrize("name", SHAPES)
def test_example_is_within_ranges_and_visible(name: str) -> None:
    operation = operations()[name]
    arguments = written_example(operation)
    for p in operation.parameters:
        values = arguments[p.name] if p.kind == "point" else (arguments[p.name],)
        assert all(p.low <= v <= p.high for v in values), p.name
        if p.kind == "angle":
            arguments[p.name] = math.radians(arguments[p.name])
    filled = np.mean(Example(name, arguments).distance(points_in(4000, 1.0)) < 0)
    assert 0.02 < filled < 0.9
    assert operation.summary.endswith(".")


@pytest.mark.parametrize("name", SHAPES)
def test_sign_and_distance_against_geometry(name: str) -> None:
    operation = operations()[name]
    points = points_in(600)
    for example in examples(name, 6):
        solid = example.solid()
        distance = example.distance(points)
        clear = np.abs(distance) > 1e-3
        inside = solid.inside(points)
        assert np.array_equal(distance[clear] < 0, inside[clear])
        nearest = cKDTree(solid.boundary()).query(points)[0]
        # A stroke that overlaps itself is exact outside only.
        measured = nearest > 0.02 if operation.exact else (nearest > 0.02) & ~inside
        assert np.allclose(np.abs(distance)[measured], nearest[measured], atol=5e-4), example.arguments
        assert np.all(np.abs(distance) <= operation.lipschitz * nearest + 5e-4)


@pytest.mark.parametrize("name", SHAPES)
def test_slope_is_one_where_exact_and_never_above_the_constant(name: str) -> None:
    operation = operations()[name]
    points = points_in(1500)
    for example in examples(name, 6):
        value, dx, dy = example.traced(example.traced.jet, example.at(points))
        slope = np.hypot(dx, dy)
        assert np.all(slope < operation.lipschitz + 1e-4)
        if operation.exact:
            assert np.mean(np.abs(slope - 1.0) < 1e-6) > 0.998
        other = points[::-1]
        apart = np.hypot(*(points - other).T)
        assert np.all(np.abs(value - value[::-1]) <= operation.lipschitz * apart + 1e-6)


@pytest.mark.parametrize("name", SHAPES)
def test_gradient_is_whole_on_the_boundary_itself(name: str) -> None:
    """Coverage reads the gradient there, in float32: the length of a vector that vanishes would not do."""
    for example in examples(name, 2):
        boundary = example.solid().boundary()
        boundary = boundary[:: max(1, len(boundary) // 500)].astype(np.float32).astype(float)
        _, dx, dy = example.traced.single(example.traced.jet, example.at(boundary))
        assert np.mean(np.abs(np.hypot(dx, dy) - 1.0) < 1e-3) > 0.99


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


@pytest.mark.parametrize("name", SHAPES)
def test_derivatives_against_central_differences(name: str) -> None:
    points = points_in(400, 1.2)
    for example in examples(name, 3):
        run = example.traced
        _, *gradient = run(run.jet, example.at(points))
        for axis in (0, 1):
            shift = np.eye(2)[axis]
            found, spread = central(lambda h, e=example, s=shift: e.distance(points + h * s), 1e-4)
            assert_close_away_from_kinks(gradient[axis], (found, spread), (name, "xy"[axis]))
        outputs = [e for row in run.parameter_derivatives() for e in row]
        exact = np.stack(run(outputs, example.at(points))).reshape(-1, 3, len(points))
        for row, parameter in zip(exact, run.continuous):
            found, spread = central(lambda h, e=example, p=parameter: e.changed_jet(points, p, h), 1e-4)
            for k in range(3):
                assert_close_away_from_kinks(row[k], (found[k], spread[k]), (name, parameter, k))


@pytest.mark.parametrize("name", SHAPES)
def test_float32_is_enough(name: str) -> None:
    points = points_in(2000, 1.2).astype(np.float32).astype(float)
    for example in examples(name, 5):
        example.scalars = {k: float(np.float32(v)) for k, v in example.scalars.items()}
        single = example.traced.single([example.traced.value], example.at(points))[0]
        assert np.max(np.abs(single - example.distance(points))) < 2e-6


def degenerate_arguments(name: str) -> list[dict[str, Any]]:
    """A plain set of arguments, changed one size at a time to nothing, pairwise to equal, and altogether."""
    operation = operations()[name]
    plain = examples(name, 1)[0].arguments
    scalars = [p for p in operation.parameters if p.kind not in ("point", "count")]
    spots = [p for p in operation.parameters if p.kind == "point"]
    changed: list[dict[str, Any]] = [plain]
    changed += [{**plain, p.name: 0.0} for p in scalars]
    changed += [{**plain, p.name: math.radians(p.maximum or 0.0)} for p in scalars if p.kind == "angle"]
    changed += [{**plain, p.name: plain[q.name]} for p in scalars for q in scalars if p.kind == q.kind]
    changed += [{**plain, p.name: 10.0 * plain[p.name]} for p in scalars if p.kind == "length"]
    changed += [{**plain, p.name: plain[q.name]} for p in spots for q in spots]
    changed.append({**plain, **{p.name: 0.0 for p in scalars}})
    changed.append({**plain, **{p.name: (0.0, 0.0) for p in spots}})
    changed.append({**plain, **{p.name: (0.2 * i, 0.1 * i) for i, p in enumerate(spots)}})
    changed.append({**plain, **{p.name: (0.2 * i * (3 - i), 0.1 * i * (3 - i)) for i, p in enumerate(spots)}})
    return changed


@pytest.mark.parametrize("name", SHAPES)
def test_degenerate_parameters_give_finite_values_and_derivatives(name: str) -> None:
    grid = np.array([(0.25 * i, 0.25 * j) for i in range(-2, 3) for j in range(-2, 3)])
    for arguments in degenerate_arguments(name):
        example = Example(name, arguments)
        run = example.traced
        corners = [arguments[p.name] for p in example.operation.parameters if p.kind == "point"]
        points = np.concatenate([grid, points_in(30), np.reshape(corners, (-1, 2))])
        outputs = [*run.jet, run.thickness, *(e for row in run.parameter_derivatives() for e in row)]
        for values in (run(outputs, example.at(points)), run.single(outputs, example.at(points))):
            assert np.all(np.isfinite(np.stack(values))), arguments
        _, dx, dy = run(run.jet, example.at(points))
        assert np.all(np.hypot(dx, dy) < example.operation.lipschitz + 1e-3), arguments


@pytest.mark.parametrize("name", [n for n in SHAPES if operations()[n].inset is not None])
def test_inset_keeps_sides_parallel(name: str) -> None:
    amount = 0.02
    points = points_in(3000, 1.0)
    checked = 0
    for example in examples(name, 6):
        inset = traced(name, with_inset=True)
        value, dx, dy = example.traced(example.traced.jet, example.at(points))
        inner, ix, iy = inset(inset.jet, example.at(points, amount=amount))
        assert np.all(value[inner < 0] < -amount + 1e-6)
        near = (inner < 0.0) & (value > -5.0 * amount)
        if np.sum(near) < 20:
            continue
        # Reflex corners are mitred in the inset and round in the distance: there the gradients differ.
        same_side = near & (dx * ix + dy * iy > 1.0 - 1e-12)
        assert np.mean(same_side[near]) > 0.6, example.arguments
        assert np.allclose(inner[same_side], value[same_side] + amount, atol=1e-6)
        checked += 1
    assert checked >= 2


def test_trapezoid_inset_to_a_triangle_keeps_its_sides() -> None:
    """A trapezoid whose top is a point: the inset's apex stands below its half height."""
    for bottom, top in ((0.6, 0.0), (0.0, 0.6), (0.6, 0.03)):
        example = Example("trapezoid", {"bottom": bottom, "top": top, "half_height": 0.5})
        inset = traced("trapezoid", with_inset=True)
        points = points_in(3000, 0.7)
        inner = inset([inset.value], example.at(points, amount=0.1))[0]
        value = example.distance(points)
        assert np.array_equal(inner < 0, value < -0.1)
        assert np.allclose(inner[inner < 0], value[inner < 0] + 0.1, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "arguments", "thickness"),
    [
        ("circle", {"radius": 0.2}, 0.4),
        ("box", {"half_width": 0.5, "half_height": 0.1, **dict.fromkeys(
            ("top_right", "bottom_right", "bottom_left", "top_left"), 0.0)}, 0.2),
        ("ring", {"radius": 0.5, "width": 0.1}, 0.1),
        ("capsule", {"a": (0.0, 0.0), "b": (0.1, 0.0), "radius_a": 0.4, "radius_b": 0.0}, 0.8),
        ("rhombus", {"half_width": 0.3, "half_height": 0.4}, 0.48),
        ("triangle", {"a": (0.0, 0.0), "b": (0.3, 0.0), "c": (0.0, 0.4)}, 0.2),
        ("trapezoid", {"bottom": 0.3, "top": 0.0, "half_height": 0.2}, 0.3),
        ("ngon", {"sides": 4, "radius": 0.5}, 0.5 * 2**0.5),
        ("vesica", {"radius": 0.5, "offset": 0.4}, 0.2),
    ],
)  # fmt: skip
def test_thickness(name: str, arguments: dict[str, Any], thickness: float) -> None:
    example = Example(name, arguments)
    found = example.traced([example.traced.thickness], example.at(points_in(20)))[0]
    assert np.allclose(found, thickness)


@pytest.mark.parametrize(
    "name", [n for n in SHAPES if n not in ("halfplane", "segment", "capsule", "arc", "bezier", "parabola", "hyperbola")]
)
def test_thickness_spans_the_deepest_point(name: str) -> None:
    """Twice the inradius, within what corners and waists allow: a small solid is not painted half covered."""
    for example in examples(name, 6):
        points = points_in(4000, 1.0)
        value, thickness = example.traced(
            [example.traced.value, example.traced.thickness], example.at(points)
        )
        deepest = -2.0 * np.min(value)
        assert 0.6 * deepest < np.min(thickness) < 1.4 * deepest + 0.02


def test_capsule_thickness_tapers() -> None:
    example = Example("capsule", {"a": (0.0, 0.0), "b": (1.0, 0.0), "radius_a": 0.3, "radius_b": 0.1})
    ends = np.array([(-0.4, 0.0), (1.2, 0.0)])
    middle = np.array(
        [(0.54, 0.3)]
    )  # over the tangent's middle: half way along it, 0.2 and a little outwards
    thickness = example.traced([example.traced.thickness], example.at(np.concatenate([ends, middle])))[0]
    assert np.allclose(thickness, [0.6, 0.2, 0.4], atol=0.02)


def test_strokes_have_a_gradient_on_their_centre_line() -> None:
    """A stroke thinner than a pixel is seen from its centre line alone."""
    line = np.linspace(-0.5, 0.5, 9)
    turn = np.linspace(-1.0, 1.0, 9)
    t = np.linspace(0.25, 0.75, 9)
    cases: list[tuple[str, dict[str, Any], Array]] = [
        ("segment", {"a": (-0.75, 0.25), "b": (0.75, 0.25)}, np.stack([line, 0.25 + 0.0 * line], axis=1)),
        ("arc", {"radius": 0.5, "angle": 1.5}, 0.5 * np.stack([np.sin(turn), np.cos(turn)], axis=1)),
        ("ring", {"radius": 0.5}, 0.5 * np.stack([np.sin(turn), np.cos(turn)], axis=1)),
        (
            "bezier",
            {"a": (-0.5, 0.0), "b": (0.0, 0.5), "c": (0.5, 0.0)},
            np.stack([t - 0.5, t * (1 - t)], axis=1),
        ),
    ]
    for name, arguments, points in cases:
        example = Example(name, {**arguments, "width": 1e-3})
        run = example.traced
        for value, dx, dy in (run(run.jet, example.at(points)), run.single(run.jet, example.at(points))):
            assert np.allclose(value, -5e-4, atol=1e-6), name
            assert np.allclose(np.hypot(dx, dy), 1.0, atol=1e-3), name


def test_star_constraint_names_both_radii() -> None:
    constraint = operations()["star"].constraint
    assert constraint is not None
    assert constraint(points=5, outer=0.6, inner=0.6) == ""
    message = constraint(points=5, outer=0.3, inner=0.6)
    assert "0.3" in message and "0.6" in message


def test_full_turns_have_no_slit() -> None:
    pie = Example("pie", {"radius": 0.6, "angle": math.pi})
    arc = Example("arc", {"radius": 0.6, "angle": math.pi, "width": 0.1})
    below = np.array([(0.0, -0.3), (1e-4, -0.3), (0.0, -0.6)])
    assert np.allclose(pie.distance(below), [-0.3, -0.3, 0.0])
    assert np.allclose(arc.distance(below), [0.25, 0.25, -0.05])


def test_folded_bezier_ends_where_it_turns() -> None:
    """Control points on a line: the curve runs to x = 0.5 and back."""
    example = Example("bezier", {"a": (0.0, 0.0), "b": (1.0, 0.0), "c": (0.0, 0.0), "width": 0.1})
    points = np.array([(0.25, 0.2), (0.7, 0.0), (-0.3, 0.0), (0.5, 0.3)])
    assert np.allclose(example.distance(points), [0.15, 0.15, 0.25, 0.25], atol=1e-3)


def test_hyperbola_thickness_tapers_to_the_waist() -> None:
    example = Example("hyperbola", {"waist": 0.1, "flare": 0.4, "half_height": 0.6})
    points = np.array([(0.1, 0.0), (-0.1, 0.0), (0.7, 0.6)])
    thickness = example.traced([example.traced.thickness], example.at(points))[0]
    assert np.allclose(thickness, [0.2, 0.2, 1.0], atol=1e-6)


def test_parabola_is_as_thick_as_its_shortest_normal_chord() -> None:
    """A line from the boundary along the normal leaves the solid again no sooner, and somewhere just then."""
    focus = 0.1
    x = np.linspace(0.01, 1.0, 5000)
    # From (x, x² / 4f) towards (-x, 2f) the parabola is met again where the sum of both places is -8f² / x.
    chords = (2.0 * x + 8.0 * focus**2 / x) * np.hypot(x, 2.0 * focus) / x
    example = Example("parabola", {"focus": focus})
    found = example.traced([example.traced.thickness], example.at(points_in(20)))[0]
    assert np.allclose(found, np.min(chords), rtol=1e-5)


def test_horseshoe_legs_end_where_they_meet() -> None:
    long, short = (Example("horseshoe", {"radius": 0.5, "angle": 2.5, "legs": legs, "width": 0.1}) for legs in (5.0, 0.1))
    meeting = 0.45 * math.tan(math.pi - 2.5)
    just = Example("horseshoe", {**short.arguments, "legs": meeting})
    points = points_in(500)
    assert np.allclose(long.distance(points), just.distance(points), atol=1e-12)
    assert np.abs(long.distance(points) - short.distance(points)).max() > 0.01


def test_one_figure_is_another_where_they_meet() -> None:
    """Different bodies, one geometry: each figure beside one that says the same in other words."""
    points = points_in(500)
    full = {"radius": 0.5, "angle": math.pi, "width": 0.2}
    pairs: list[tuple[str, dict[str, Any], str, dict[str, Any]]] = [
        ("ringsector", full, "ring", {"radius": 0.5, "width": 0.2}),
        ("stairs", {"steps": 1, "half_width": 0.5, "half_height": 0.3}, "chamferbox",
         {"half_width": 0.5, "half_height": 0.3, "chamfer": 0.0}),
        ("cushion", {"radius": 0.6, "bulge": 0.0}, "rhombus", {"half_width": 0.6, "half_height": 0.6}),
        ("chamferbox", {"half_width": 0.4, "half_height": 0.3, "chamfer": 0.5}, "rhombus",
         {"half_width": 0.2, "half_height": 0.2}),
    ]  # fmt: skip
    for name, arguments, other, same in pairs:
        assert np.allclose(Example(name, arguments).distance(points), Example(other, same).distance(points), atol=1e-9), name


@pytest.mark.parametrize("name", [n for n in SHAPES if operations()[n].inset is not None and n != "wave"])
def test_what_is_inset_beyond_its_middle_is_far_from_everywhere_else(name: str) -> None:
    """It has shrunk to a point or a line (a wave's has no end): rounding it must not cover the plane."""
    far = np.array([(5.0, 6.0), (-6.0, 7.0), (6.0, -5.0), (-7.0, -6.0)])
    inset = traced(name, with_inset=True)
    for example in examples(name, 3):
        assert np.all(inset([inset.value], example.at(far, amount=3.0))[0] > 1.0), example.arguments
