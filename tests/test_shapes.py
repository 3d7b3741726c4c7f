"""Every shape of the registry: distances against independent geometry, derivatives against differences."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
from bodies import Array, Example, assert_close_away_from_kinks, central, degenerate_arguments, random_arguments, traced
from scipy.spatial import cKDTree
from shape_geometry import SOLIDS

from shaderdsl.registry import Operation, of_category, operations

SHAPES = [operation.name for operation in of_category("shape")]


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
        solid = SOLIDS[name](example.arguments)
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
        boundary = SOLIDS[name](example.arguments).boundary()
        boundary = boundary[:: max(1, len(boundary) // 500)].astype(np.float32).astype(float)
        _, dx, dy = example.traced.single(example.traced.jet, example.at(boundary))
        assert np.mean(np.abs(np.hypot(dx, dy) - 1.0) < 1e-3) > 0.99


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


@pytest.mark.parametrize("name", SHAPES)
def test_degenerate_parameters_give_finite_values_and_derivatives(name: str) -> None:
    grid = np.array([(0.25 * i, 0.25 * j) for i in range(-2, 3) for j in range(-2, 3)])
    for arguments in degenerate_arguments(operations()[name], examples(name, 1)[0].arguments):
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
