"""`refine.optimize`: numbers found again from some way off, limits kept, and the prices of simplifications."""

from __future__ import annotations

import numpy as np
import pytest

import refine
import render
import shaderdsl
from refine import moves
from refine.descents import Coordinates, least_squares, pyramid
from refine.draft import Draft
from refine.sketch import Circle, Ellipse, Flat, Polygon, Sketch, SketchLayer
from render.batching import batch_of
from render.images import load
from render.tapes import lowered, tape_of

TRUE = shaderdsl.parse(
    """scene 2d(background = #f0f0e8)
box(0.4, 0.25).round(0.05).rotate(20).move(-0.2, 0.1).fill(#c8553d)
circle(0.3).move(0.35, -0.25).fill(#284b63)
"""
)


def start(seed: int = 0) -> shaderdsl.Program:
    rng = np.random.default_rng(seed)
    values = TRUE.params.copy()
    kinds = np.array([p.kind for p in TRUE.parameters])
    values += np.where(kinds == "length", 0.04, np.where(kinds == "angle", 8.0, 0.05)) * rng.normal(size=len(values))
    values[kinds == "colour"] = np.clip(values[kinds == "colour"], 0, 1)
    return TRUE.with_params(values)


@pytest.mark.parametrize("seed", range(3))
def test_numbers_are_found_again(seed: int) -> None:
    target = render.image(TRUE, 64, backend="taichi")
    found = refine.optimize(start(seed), target)
    assert found.psnr > 60
    assert np.abs(found.program.params - TRUE.params).max() < 0.05
    assert found.history and found.steps > 0


def test_adam_gets_nearer_too() -> None:
    target = render.image(TRUE, 64, backend="taichi")
    before = render.psnr(render.image(start(), 64, backend="taichi"), target)
    assert refine.optimize(start(), target, method="adam").psnr > before + 6


def test_fixed_numbers_stay() -> None:
    program = shaderdsl.parse("circle(fixed(0.3)).move(0.1, 0).fill(fixed(#ff0000))")
    target = render.image(shaderdsl.parse("circle(0.5).move(-0.1, 0.1).fill(#0000ff)"), 48, backend="taichi")
    found = refine.optimize(program, target).program
    assert found.params[0] == 0.3
    assert found.params[3:].tolist() == [1.0, 0.0, 0.0]
    assert found.params[1] == pytest.approx(-0.1, abs=0.1)


def test_limits_are_kept() -> None:
    program = shaderdsl.parse("circle(param(0.3, 0.2 .. 0.4)).fill(#000).opacity(0.5)")
    target = render.image(shaderdsl.parse("circle(0.7).fill(#000)"), 48, backend="taichi")
    found = refine.optimize(program, target).program
    assert np.float32(0.2) <= np.float32(found.params[0]) <= np.float32(0.4)  # limits are those of float32
    assert found.params[0] == pytest.approx(0.4, abs=1e-3)
    assert found.params[-1] <= 1.0


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(ValueError, match="least_squares"):
        refine.optimize(TRUE, np.zeros((8, 8, 3), np.float32), method="magic")


def test_many_starts_share_a_batch() -> None:
    target = render.load(render.image(TRUE, 64, backend="taichi"))
    level = pyramid(target, [(64, 0.0)])[0]
    points = np.stack([start(s).params for s in range(5)])
    descent = least_squares(tape_of(TRUE), Coordinates(TRUE), points, level, steps=30, tolerance=1e-6)
    assert descent.parameters.shape == points.shape
    alone = least_squares(tape_of(TRUE), Coordinates(TRUE), points[2], level, steps=30, tolerance=1e-6)
    assert descent.errors[2] == pytest.approx(alone.errors[0], rel=0.1, abs=1e-4)


def square_with_a_needless_vertex() -> Sketch:
    points = ((-0.5, -0.5), (0.0, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
    return Sketch((1.0, 1.0, 1.0), (SketchLayer(Polygon(points), Flat((0.1, 0.2, 0.3))),))


def test_a_needless_vertex_is_cheap_and_a_corner_is_not() -> None:
    draft = Draft.of(square_with_a_needless_vertex())
    target = render.load(render.image(draft.program, 64, backend="taichi"))
    level = pyramid(target, [(64, 0.0)])[0]
    found = moves.simplifications(draft, moves.Quadratic(draft, level))
    by_vertex = sorted(found, key=lambda m: m.price)
    smaller = moves.applied(draft.sketch, by_vertex[:1])
    shape = smaller.layers[0].shape
    assert isinstance(shape, Polygon) and len(shape.points) == 4 and (0.0, -0.5) not in shape.points
    assert by_vertex[0].cost < 1e-3 < by_vertex[1].cost


def test_the_price_of_a_circle_is_what_refitting_finds() -> None:
    sketch = Sketch((1.0, 1.0, 1.0), (SketchLayer(Ellipse((0.0, 0.0), 0.5, 0.47), Flat((0.0, 0.0, 0.0))),))
    draft = Draft.of(sketch)
    level = pyramid(render.load(render.image(draft.program, 64, backend="taichi")), [(64, 0.0)])[0]
    (move,) = [m for m in moves.simplifications(draft, moves.Quadratic(draft, level)) if m.saves == 1]
    rounder = Draft.of(moves.applied(sketch, [move]))
    assert isinstance(rounder.sketch.layers[0].shape, Circle)
    refit = least_squares(tape_of(rounder.program), Coordinates(rounder.program), rounder.program.params, level)
    assert move.cost == pytest.approx(float(refit.errors[0]), rel=0.35)


def test_insertions_leave_the_picture_and_find_the_bulge() -> None:
    bulged = shaderdsl.parse("polygon((-0.5, -0.5), (0.5, -0.5), (0.75, 0), (0.5, 0.5), (-0.5, 0.5)).fill(#000)")
    level = pyramid(render.load(render.image(bulged, 64, backend="taichi")), [(64, 2.0)])[0]
    square = Sketch(
        (1.0, 1.0, 1.0),
        (SketchLayer(Polygon(((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))), Flat((0.0, 0.0, 0.0))),),
    )
    finer, places = moves.subdivided(square)
    before, after = (render.image(Draft.of(s).program, 64, backend="taichi") for s in (square, finer))
    assert len(places) == 4 and np.abs(before - after).max() < 1e-5
    gain, place = moves.insertions(Draft.of(square), level, 1)[0]
    grown = moves.inserted(square, [place]).layers[0].shape
    assert isinstance(grown, Polygon) and grown.points[2] == (0.5, 0.0) and gain > 1


def test_a_wrong_paint_order_is_put_right() -> None:
    import time

    from refine.evolution import Budget, Evolution, State

    below = SketchLayer(Circle((-0.15, 0.0), 0.5), Flat((0.9, 0.2, 0.1)))
    above = SketchLayer(Circle((0.15, 0.0), 0.5), Flat((0.1, 0.2, 0.9)))
    right, wrong = (Draft.of(Sketch((1.0, 1.0, 1.0), order)) for order in ((below, above), (above, below)))
    level = pyramid(render.load(render.image(right.program, 64, backend="taichi")), [(64, 0.0)])[0]
    budget = Budget(100, None, 0.001, time.perf_counter() + 60)
    evolution = Evolution(level, level, level, budget, lambda state, what: None, lambda shape: True, lambda: False)
    start = State(wrong, evolution.error_of(wrong))
    assert evolution.reordered(start).error < 1e-3 < start.error


SPACE = shaderdsl.parse(
    """scene 3d(background = #dfe6eb)
orbit(fixed(0), fixed(20), fixed(4), fov = fixed(35))
light((fixed(0.5), fixed(0.8), fixed(0.6)), intensity = fixed(0.8))
ambient(fixed(0.25))
union(torus(0.33, 0.1).rotate(18, fixed(0), -35).move(0.1, -0.1, -0.1), cylinder(0.2, 0.3).rotate(-4, fixed(0), -16).move(0, 0.1, -0.1)).paint(#616474)
sphere(0.3).move(-0.6, 0.2, 0.1).paint(#c8553d)
"""
)


def test_a_picture_of_space_is_blurred_as_its_target_is() -> None:
    from scipy.ndimage import gaussian_filter

    batch = batch_of(lowered(SPACE), SPACE.params[None])
    sharp = batch.images((32, 24))[0]
    blurred, jacobian = batch.jacobians((32, 24), 2.0 * 1.5 / 24)
    np.testing.assert_allclose(blurred[0], gaussian_filter(sharp, (1.5, 1.5, 0), mode="nearest"), atol=2e-6)
    _, plain = batch.jacobians((32, 24))
    np.testing.assert_allclose(jacobian[0], gaussian_filter(plain[0], (1.5, 1.5, 0, 0), mode="nearest"), atol=1e-4)


def test_a_pull_keeps_what_a_picture_does_not_tell() -> None:
    level = pyramid(load(render.image(SPACE, 64, backend="taichi")), [(32, 2.0)])[0]
    coordinates = Coordinates(SPACE)
    moved = SPACE.with_params(SPACE.params + np.array([0.04 if p.kind == "vector" and p.trainable else 0.0 for p in SPACE.parameters]))

    def drift(pull: float) -> float:
        found = least_squares(lowered(SPACE), coordinates, moved.params, level, pull=pull)
        return float(np.abs(found.parameters[0] - moved.params)[coordinates.trainable].max())

    assert drift(100.0) < 0.1 * drift(0.0)


@pytest.mark.parametrize("seed", range(2))
def test_solids_are_found_again_behind_each_other(seed: int) -> None:
    target = render.image(SPACE, 96, backend="taichi")
    rng = np.random.default_rng(seed)
    spread = np.array([{"vector": 0.08, "length": 0.03, "number": 0.03, "angle": 6.0}.get(p.kind, 0.0) * p.trainable for p in SPACE.parameters])
    found = refine.optimize(SPACE.with_params(SPACE.params + spread * rng.normal(size=len(spread))), target)
    assert found.psnr > 60


@pytest.mark.parametrize(
    ("text", "samples"), [("scene 2d(background = none)", 1), ("scene 3d(background = none)", 1), ("scene 3d(background = none)", 2)]
)
def test_a_program_without_numbers_stays_as_it_is(text: str, samples: int) -> None:
    program = shaderdsl.parse(text)
    assert not len(program.params)
    for target in (np.zeros((12, 16, 4)), np.ones((12, 16, 4))):
        found = refine.optimize(program, target, samples=samples)
        assert found.program.text == program.text
        assert (found.psnr > 60.0) is not target.any()
