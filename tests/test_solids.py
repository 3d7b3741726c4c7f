"""Every solid of the registry: distances against independent geometry, derivatives against differences."""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from bodies import Array, Example, assert_close_away_from_kinks, central, degenerate_arguments, random_arguments, traced
from scipy.spatial import cKDTree
from solid_geometry import GAP, SOLIDS, Solid

import shaderdsl
from shaderdsl.registry import of_category, operations

NAMES = [operation.name for operation in of_category("shape", dimension=3)]
EXACT = [name for name in NAMES if operations(3)[name].exact]
ENDLESS = ("plane", "slanted plane", "slab", "infinite_cylinder", "gyroid", "schwarz_p", "schwarz_d")
CREASED = [name for name in NAMES if traced(name).beside is not None]


@cache
def examples(name: str, number: int = 3) -> list[tuple[Example, Solid]]:
    """Random arguments, each with its geometry."""
    random = np.random.default_rng([1, NAMES.index(name)])
    made = [Example(name, random_arguments(operations(3)[name], random)) for _ in range(number)]
    return [(example, SOLIDS[name](example.arguments)) for example in made]


def points_in(number: int, reach: float = 1.2, seed: int = 2) -> Array:
    return np.random.default_rng(seed).uniform(-reach, reach, (number, 3))


def thinned(points: Array, number: int) -> Array:
    """So many of some points, taken by chance."""
    return points[np.random.default_rng(3).permutation(len(points))[:number]]


def boundary_in(solid: Solid, number: int, reach: float = 1.2) -> Array:
    return thinned(solid.boundary[np.max(np.abs(solid.boundary), axis=1) < reach], number)


def points_about(solid: Solid, number: int) -> Array:
    """Points anywhere and points near the boundary, half and half."""
    near = boundary_in(solid, number // 2)
    return np.concatenate([points_in(number // 2), near + np.random.default_rng(4).normal(0.0, 0.03, near.shape)])


def jet(example: Example, points: Array, single: bool = False) -> tuple[Array, Array]:
    """Values and gradients (n, 3)."""
    run = example.traced
    value, *slopes = (run.single if single else run)(run.jet, example.at(points))
    return value, np.stack(slopes, axis=1)


def test_every_solid_has_independent_geometry() -> None:
    assert set(NAMES) == set(SOLIDS)


@pytest.mark.parametrize("name", NAMES)
def test_examples_are_programs_with_sensible_numbers(name: str) -> None:
    operation = operations(3)[name]
    program = shaderdsl.parse("scene 3d\n" + operation.example)
    assert f"{operation.function}(" in operation.example
    suited = {(p.low, p.high) for p in operation.parameters}
    for info, value in zip(program.parameters, program.params):
        if (info.low, info.high) in suited:
            assert info.low <= value <= info.high, info.name
    assert operation.summary.endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_sign_and_distance_against_geometry(name: str) -> None:
    operation = operations(3)[name]
    for example, solid in examples(name):
        points = points_about(solid, 3000)
        distance = example.distance(points)
        clear = np.abs(distance) > 1e-4
        assert np.array_equal(distance[clear] < 0.0, solid.inside(points[clear])), example.arguments
        # Samples lie on the boundary: none is nearer than it is, and one is nearer than their gap allows.
        nearest = cKDTree(solid.boundary).query(points)[0]
        assert np.all(np.abs(distance) <= operation.lipschitz * nearest + 1e-5), example.arguments
        if operation.exact:
            assert np.all(nearest <= np.hypot(distance, GAP) + 1e-5), example.arguments


@pytest.mark.parametrize("name", NAMES)
def test_slope_is_one_where_exact_and_never_above_the_constant(name: str) -> None:
    operation = operations(3)[name]
    for example, solid in examples(name):
        points = points_about(solid, 3000)
        value, gradient = jet(example, points)
        slope = np.linalg.norm(gradient, axis=1)
        assert np.all(slope < operation.lipschitz + 1e-4), (example.arguments, np.max(slope))
        if operation.exact:
            assert np.mean(np.abs(slope - 1.0) < 1e-5) > 0.998, example.arguments
        apart = np.linalg.norm(points - points[::-1], axis=1)
        assert np.all(np.abs(value - value[::-1]) <= operation.lipschitz * apart + 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_gradient_is_whole_on_the_boundary_itself(name: str) -> None:
    """Shading reads the gradient there, in float32: the length of a vector that vanishes would not do."""
    for example, solid in examples(name):
        boundary = boundary_in(solid, 1200)
        if len(solid.edges):
            boundary = boundary[cKDTree(solid.edges).query(boundary)[0] > 0.004]
        boundary = boundary.astype(np.float32).astype(float)
        _, gradient = jet(example, boundary, single=True)
        slope = np.linalg.norm(gradient, axis=1)
        if name in EXACT:
            assert np.mean(np.abs(slope - 1.0) < 1e-3) > 0.99
        # It leads out, whatever its length.
        unit = gradient / slope[:, None]
        outward = ~solid.inside(boundary + 1e-4 * unit) & solid.inside(boundary - 1e-4 * unit)
        assert np.mean(outward) > 0.97, example.arguments


@pytest.mark.parametrize("name", NAMES)
def test_derivatives_against_central_differences(name: str) -> None:
    for example, _ in examples(name)[:2]:
        points = points_in(300)
        run = example.traced
        _, gradient = jet(example, points)
        for axis in range(3):
            shift = np.eye(3)[axis]
            found = central(lambda h, e=example, s=shift, p=points: e.distance(p + h * s), 1e-4)
            assert_close_away_from_kinks(gradient[:, axis], found, (name, "xyz"[axis]))
        outputs = [e for row in run.parameter_derivatives() for e in row]
        exact = np.stack(run(outputs, example.at(points))).reshape(-1, 4, len(points))
        for row, parameter in zip(exact, run.continuous):
            found, spread = central(lambda h, e=example, n=parameter, p=points: e.changed_jet(p, n, h), 1e-4)
            for k in range(4):
                assert_close_away_from_kinks(row[k], (found[k], spread[k]), (name, parameter, k))


@pytest.mark.parametrize("name", NAMES)
def test_float32_is_enough(name: str) -> None:
    for example, solid in examples(name):
        points = points_about(solid, 2000).astype(np.float32).astype(float)
        rounded = Example(name, example.arguments)
        rounded.scalars = {k: float(np.float32(v)) for k, v in rounded.scalars.items()}
        single = rounded.traced.single([rounded.traced.value], rounded.at(points))[0]
        assert np.max(np.abs(single - rounded.distance(points))) < 4e-6


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_parameters_give_finite_values_and_derivatives(name: str) -> None:
    operation = operations(3)[name]
    grid = np.array([(0.25 * i, 0.25 * j, 0.25 * k) for i in range(-2, 3) for j in range(-2, 3) for k in range(-2, 3)])
    for arguments in degenerate_arguments(operation, examples(name)[0][0].arguments):
        example = Example(name, arguments)
        run = example.traced
        corners = [arguments[p.name] for p in operation.parameters if p.kind == "vector"]
        points = np.concatenate([grid, points_in(30), np.reshape(corners, (-1, 3))])
        outputs = [*run.jet, run.thickness, *(run.beside or []), *(e for row in run.parameter_derivatives() for e in row)]
        for values in (run(outputs, example.at(points)), run.single(outputs, example.at(points))):
            assert np.all(np.isfinite(np.stack(values))), arguments
        _, gradient = jet(example, points)
        assert np.all(np.linalg.norm(gradient, axis=1) < operation.lipschitz + 1e-3), arguments


@pytest.mark.parametrize("name", [n for n in NAMES if operations(3)[n].inset is not None])
def test_inset_keeps_faces_parallel(name: str) -> None:
    amount, checked = 0.02, 0
    inset = traced(name, with_inset=True)
    for example, solid in examples(name):
        points = points_about(solid, 6000)
        value, gradient = jet(example, points)
        inner, *slopes = inset(inset.jet, example.at(points, amount=amount))
        assert np.all(value[inner < 0.0] < -amount + 1e-5)
        near = (inner < 0.0) & (value > -5.0 * amount)
        if np.sum(near) < 20:
            continue
        # Reflex edges are mitred in the inset and round in the distance: there the gradients differ.
        same_face = near & (np.sum(gradient * np.stack(slopes, axis=1), axis=1) > 1.0 - 1e-10)
        assert np.mean(same_face[near]) > 0.6, example.arguments
        assert np.allclose(inner[same_face], value[same_face] + amount, atol=1e-5)
        # And nothing that is deep enough is left out, but what reflex edges cut off.
        assert np.mean(inner[value < -amount - 1e-5] < 0.0) > 0.9, example.arguments
        checked += 1
    assert checked >= 1


@pytest.mark.parametrize("name", ["cone", "cone between"])
def test_inset_of_a_pointed_cone_keeps_its_side(name: str) -> None:
    sizes: dict[str, Any] = {"half_height": 0.5} if name == "cone" else {"a": (0.0, -0.5, 0.0), "b": (0.0, 0.5, 0.0)}
    first, second = ("bottom", "top") if name == "cone" else ("radius_a", "radius_b")
    points = points_in(6000, 0.7)
    inset = traced(name, with_inset=True)
    for low, high in ((0.6, 0.0), (0.0, 0.6), (0.6, 0.03)):
        example = Example(name, {**sizes, first: low, second: high})
        inner = inset([inset.value], example.at(points, amount=0.1))[0]
        value = example.distance(points)
        assert np.array_equal(inner < 0.0, value < -0.1)
        assert np.allclose(inner[inner < 0.0], value[inner < 0.0] + 0.1, atol=1e-9)


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ENDLESS])
def test_thickness_spans_the_deepest_point(name: str) -> None:
    """Twice the inradius, within what corners allow: a small solid is not painted half covered."""
    for example, _ in examples(name):
        run = example.traced
        values = example.at(points_in(40000, 0.9))
        value, thickness = run([run.value, run.thickness], values)
        deepest = -2.0 * np.min(value)
        assert 0.6 * deepest < np.max(thickness) < 1.4 * deepest + 0.05, example.arguments


@pytest.mark.parametrize("name", [n for n in ENDLESS if "plane" not in n])
def test_thickness_of_endless_solids(name: str) -> None:
    for example, solid in examples(name):
        run = example.traced
        value, thickness = run([run.value, run.thickness], example.at(points_about(solid, 20000)))
        assert np.min(value) == pytest.approx(-0.5 * np.max(thickness), rel=0.05)


def test_solids_with_edges_are_those_that_say_so() -> None:
    assert [name for name in NAMES if len(examples(name)[0][1].edges)] == CREASED


@pytest.mark.parametrize("name", CREASED)
def test_the_face_beside(name: str) -> None:
    """On an edge both faces' distances vanish; away from edges the second lies below; across an edge they change places."""
    for example, solid in examples(name):
        run = example.traced
        assert run.beside is not None

        def both(points: Array, run: Any = run, example: Example = example) -> list[Array]:
            return run([*run.jet, *run.beside], example.at(points))

        value, *_, beside, _, _, _ = both(thinned(solid.edges, 500))
        assert np.max(np.abs(value)) < 1e-5 and np.max(np.abs(beside)) < 1e-5, example.arguments
        tree = cKDTree(solid.edges)
        to_edge = tree.query(solid.boundary)[0]
        inner = thinned(solid.boundary[to_edge > 0.03], 3000)
        value, *_, beside, _, _, _ = both(inner)
        assert np.max(beside) < -0.005, example.arguments
        # Close to an edge, but not on it.
        rim = thinned(solid.boundary[(to_edge > 0.004) & (to_edge < 0.015)], 4000)
        outputs = both(rim)
        near, next_to = np.stack(outputs[1:4], axis=1), np.stack(outputs[5:8], axis=1)
        assert np.all(np.linalg.norm(next_to, axis=1) < 1.0 + 1e-4)
        neighbours = cKDTree(rim)
        matched = []
        for i in range(0, len(rim), 10):
            around = neighbours.query_ball_point(rim[i], 0.06)
            matched.append(np.min(np.linalg.norm(near[around] - next_to[i], axis=1)) < 0.2)
        assert np.mean(matched) > 0.97, example.arguments
        assert np.mean(np.linalg.norm(near - next_to, axis=1) > 0.05) > 0.99, example.arguments


def test_ellipsoids_of_all_proportions() -> None:
    """Newton's rule gets as many steps as flat and thin ones need."""
    for axes in ((0.8, 0.1, 0.1), (0.8, 0.8, 0.1), (0.8, 0.1, 0.3), (0.1, 0.12, 0.8), (0.5, 0.5, 0.5)):
        example = Example("ellipsoid", dict(zip(("rx", "ry", "rz"), axes)))
        solid = SOLIDS["ellipsoid"](example.arguments)
        points = points_about(solid, 6000)
        distance = example.distance(points)
        nearest = cKDTree(solid.boundary).query(points)[0]
        assert np.all(np.abs(distance) <= nearest + 1e-5), axes
        assert np.all(nearest <= np.hypot(distance, 0.01) + 1e-5), axes


@pytest.mark.parametrize("name", ["cylinder between", "cone between"])
def test_ends_at_one_place_make_a_disk(name: str) -> None:
    radii = {"radius": 0.3} if name == "cylinder between" else {"radius_a": 0.3, "radius_b": 0.3}
    example = Example(name, {"a": (0.1, 0.2, 0.3), "b": (0.1, 0.2, 0.3), **radii})
    points = np.array([(0.1, 0.6, 0.3), (0.2, -0.1, 0.3), (0.7, 0.2, 0.3)])
    assert np.allclose(example.distance(points), [0.4, 0.3, 0.3], atol=1e-5)


def test_whole_turns() -> None:
    ring = Example("capped_torus", {"ring_radius": 0.5, "radius": 0.1, "angle": math.pi})
    below = np.array([(0.0, -0.5, 0.0), (1e-4, -0.5, 0.0), (0.0, -0.7, 0.0)])
    assert np.allclose(ring.distance(below), [-0.1, -0.1, 0.1])
    half = Example("solid_angle", {"radius": 0.6, "angle": 0.5 * math.pi})
    assert np.allclose(half.distance(np.array([(0.2, -0.3, 0.0), (0.1, 0.5, 0.0)])), [0.3, math.hypot(0.1, 0.5) - 0.6])


def test_a_wide_vesica_is_a_ball() -> None:
    example = Example("vesica_segment", {"a": (0.0, -0.3, 0.0), "b": (0.0, 0.3, 0.0), "width": 2.0})
    points = points_in(200)
    assert np.allclose(example.distance(points), np.linalg.norm(points, axis=1) - 0.3, atol=1e-6)


def test_a_ball_that_holds_the_other_is_the_round_cone() -> None:
    for radii in ((0.6, 0.1), (0.1, 0.6)):
        example = Example(
            "round_cone", {"a": (0.0, 0.0, 0.0), "b": (0.3, 0.0, 0.0), "radius_a": radii[0], "radius_b": radii[1]}
        )
        points = points_in(200)
        centre = np.array([0.0 if radii[0] > radii[1] else 0.3, 0.0, 0.0])
        assert np.allclose(example.distance(points), np.linalg.norm(points - centre, axis=1) - 0.6, atol=1e-5)
