"""From plane shapes to solids and back: lofts against sampled skins, and sections against the shapes that they look like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation
from solid_geometry import points_in

from benchmarks.agreement import reference
from render import field
from shaderdsl import DslError, parse

Array = np.ndarray


# -- lofts ---------------------------------------------------------------------------------------------------

LOFTED = [
    ("circle(0.4)", "box(0.6, 0.3)", 0.5),
    ("star(5, 0.7, 0.35)", "circle(0.3)", 0.5),
    ("circle(0.3).move(-0.4, 0)", "box(0.2, 0.3).rotate(30).move(0.4, 0.1)", 0.5),
    ("ring(0.5, 0.15)", "circle(0.2)", 0.1),
    ("box(0.1, 0.7)", "box(0.7, 0.1)", 0.02),
    ("circle(0.3).move(-0.35, 0) | circle(0.3).move(0.35, 0)", "circle(0.6)", 0.3),
]
"""Sections at the back and in front, and half depths: alike and crossing, with holes, apart, between steep and almost flat walls."""


def field_of(solid: str, points: Array) -> Array:
    return field(parse("scene 3d\n" + solid), points)


def plane_field(shape: str, flat: Array) -> Array:
    """The distance to a shape of the plane at (n, 2)."""
    return field_of(f"({shape}).extrude(50)", np.concatenate([flat, np.zeros((len(flat), 1))], 1))


def loft_skin(back: str, front: str, half: float, number: int = 161, heights: int = 81) -> Array:
    """Points of a loft's surface: where the mix of both distances changes its sign between neighbours of a grid, on many heights, and
    what of a grid is inside at the ends."""
    side = np.linspace(-1.1, 1.1, number)
    grid = np.stack(np.meshgrid(side, side, indexing="ij"), -1)
    a, b = (plane_field(shape, grid.reshape(-1, 2)).reshape(number, number) for shape in (back, front))
    parts: list[tuple[Array, float]] = []
    for t in np.linspace(0.0, 1.0, heights):
        mixed, z = (1.0 - t) * a + t * b, half * (2.0 * t - 1.0)
        for axis in (0, 1):
            here, there = np.delete(mixed, -1, axis), np.delete(mixed, 0, axis)
            crossed = (here <= 0.0) != (there <= 0.0)
            share = (here[crossed] / (here - there)[crossed])[:, None]
            places = [np.delete(grid, end, axis)[crossed] for end in (-1, 0)]
            parts.append(((1.0 - share) * places[0] + share * places[1], z))
        if t in (0.0, 1.0):
            parts.append((grid[mixed < 0.0], z))
    return np.concatenate([np.insert(flat, 2, z, axis=1) for flat, z in parts])


@pytest.mark.parametrize(("back", "front", "half"), LOFTED)
def test_a_loft_is_never_nearer_than_it_says(back: str, front: str, half: float) -> None:
    """And by no more than it says off its surface; nor does its distance ever change by more than a point moves."""
    solid = f"({back}).loft({front}, {half})"
    skin = loft_skin(back, front, half)
    random = np.random.default_rng(12)
    points = random.uniform(-1.2, 1.2, (8000, 3)) * [1.0, 1.0, max(2.0 * half, 0.3)]
    points = np.concatenate([points, skin[::20] + 0.05 * random.normal(size=skin[::20].shape)])
    found, nearest = field_of(solid, points), cKDTree(skin).query(points)[0]
    assert np.all(np.abs(found) <= nearest + 1e-3)
    assert np.max(np.abs(field_of(solid, skin))) < 5e-3
    t = 0.5 + 0.5 * points[:, 2] / half
    mixed = (1.0 - t) * plane_field(back, points[:, :2]) + t * plane_field(front, points[:, :2])
    assert np.array_equal(found < 0.0, (mixed < 0.0) & (np.abs(points[:, 2]) < half))
    away = (found > 0.0) & (nearest > 0.03)
    assert np.median(found[away] / nearest[away]) > 0.99
    steps = random.normal(size=points.shape)
    steps *= 1e-3 * random.uniform(size=(len(points), 1)) / np.linalg.norm(steps, axis=1, keepdims=True)
    assert np.all(np.abs(field_of(solid, points + steps) - found) <= np.linalg.norm(steps, axis=1) + 1e-12)


@pytest.mark.parametrize(
    "shape", ["star(5, 0.7, 0.3)", "ring(0.5, 0.2)", "circle(0.3).move(-0.5, 0) | box(0.2, 0.4).rotate(20)"]
)
def test_a_loft_between_equal_shapes_is_their_extrusion(shape: str) -> None:
    points = points_in(4000, 1.5)
    lofted, extruded = (field_of(f"({shape}).{made}", points) for made in (f"loft({shape}, 0.4)", "extrude(0.4)"))
    assert np.allclose(lofted, extruded, atol=1e-15)


def test_a_loft_between_circles_is_a_cone() -> None:
    points = points_in(4000, 1.5)
    lofted = field_of("circle(0.7).loft(circle(0.25), 0.5)", points)
    assert np.allclose(lofted, field_of("cone((0, 0, -0.5), (0, 0, 0.5), 0.7, 0.25)", points), atol=1e-14)


def test_a_loft_is_placed_as_a_whole() -> None:
    points = points_in(2000, 1.5)
    placed = "box(0.3, 0.5).loft(circle(0.4).move(0.1, 0), 0.3).scale(1.3).rotate(30, 20, 10).move(0.1, 0.2, 0.3)"
    matrix = Rotation.from_euler("xyz", [30, 20, 10], degrees=True).as_matrix()
    own = (points - [0.1, 0.2, 0.3]) @ matrix / 1.3
    assert np.allclose(
        field_of(placed, points), 1.3 * field_of("box(0.3, 0.5).loft(circle(0.4).move(0.1, 0), 0.3)", own), atol=1e-12
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sphere(0.5).loft(circle(0.3), 0.1)", "loft does not take a solid"),
        ("circle(0.3).loft(sphere(0.5), 0.1)", "loft does not take a solid"),
        ("circle(0.3).loft(0.2)", r"expected: shape.loft\(shape, half_depth\)"),
        ("circle(0.3).loft(box(0.2, 0.2))", r"missing 'half_depth'"),
        ("circle(0.3).loft(box(0.2, 0.2), 0.2).round(0.1)", "round the shapes before .loft"),
    ],
)
def test_mistakes_with_lofts_are_told(text: str, message: str) -> None:
    with pytest.raises(DslError, match=message):
        parse(f"scene 3d\n{text}")


# -- sections ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("section", "shape"),
    [
        ("sphere(0.5).slice(0.3)", "circle(0.4)"),
        ("sphere(0.5).slice()", "circle(0.5)"),
        ("box(0.5, 0.2, 0.4).move(0.1, 0, 0).slice(-0.3).rotate(30)", "box(0.5, 0.2).move(0.1, 0).rotate(30)"),
        ("cylinder(0.3, 0.5).rotate(90, 0, 0).move(0, 0, 0.2).slice(0.5)", "circle(0.3)"),
        ("cylinder(0.25, 5).rotate(0, 0, 30).slice(0.15)", "box(0.2, 5).rotate(30)"),
        ("(sphere(0.5) - box(0.1, 1, 1)).slice(0.3).mirror(20)", "(circle(0.4) - box(0.1, 1)).mirror(20)"),
    ],
)
def test_sections_are_the_shapes_that_they_look_like(section: str, shape: str) -> None:
    cut, drawn = (reference(parse(f"scene 3d\n{what}.extrude(0.2)"), (40, 40)) for what in (section, shape))
    error = np.abs(cut - drawn).max(2)
    # The distance of a section is a bound, by which the share of a pixel that an edge's other side has is found a little off.
    assert error.max() < 0.05 and np.mean(error > 2e-3) < 0.02 and drawn[..., :3].std() > 0.05


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("circle(0.5).slice(0.1).extrude(0.1)", "slice does not take"),
        ("sphere(0.5).slice(0.1)", "draws nothing in space"),
        ("sphere(0.5).paint(#ff0000).slice(0.1).extrude(0.1)", "this solid is painted"),
        ("sphere(0.5).slice(0.1).round(0.1).extrude(0.1)", "round the solid before"),
    ],
)
def test_mistakes_with_sections_are_told(text: str, message: str) -> None:
    with pytest.raises(DslError, match=message):
        parse(f"scene 3d\n{text}")
