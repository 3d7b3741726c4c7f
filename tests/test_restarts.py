"""Where fits begin anew: what is thrown about together, which throws are followed, and how the end of a fit is shaken."""

from __future__ import annotations

import numpy as np

import refine
import render
from refine import restarts
from refine.optimization import Coordinates, pyramid
from refine.restarts import groups_of, shaken, thrown
from render.batching import batch_of
from render.images import load
from render.tapes import lowered
from shaderdsl import Program, parse

PLATE = parse(
    """scene 2d(background = #ffffff)
(box(0.5, 0.3).rotate(10) - circle(0.1).move(0.2, 0.05)).move(-0.1, 0.1).fill(#c8553d)
circle(0.2).move(0.5, -0.5).fill(#284b63)
"""
)


def names(program: Program, group: np.ndarray) -> set[str]:
    return {program.parameters[k].name for k in group}


def test_each_part_of_a_statement_is_thrown_by_itself() -> None:
    groups = [names(PLATE, group) for group in groups_of(PLATE, Coordinates(PLATE))]
    box = {"layer1.box.half_width", "layer1.box.half_height", "layer1.rotate.angle"}
    hole = {"layer1.circle.radius", "layer1.move2.x", "layer1.move2.y"}
    whole = {"layer1.move.x", "layer1.move.y"}
    assert sorted(map(sorted, groups)) == sorted(
        map(sorted, (box | hole | whole, box, hole, whole, {"layer2.circle.radius", "layer2.move.x", "layer2.move.y"}))
    )


def test_what_is_fixed_is_not_thrown() -> None:
    program = parse("circle(fixed(0.3)).move(0.1, fixed(0)).fill(#c8553d)")
    assert [names(program, group) for group in groups_of(program, Coordinates(program))] == [{"layer1.move.x"}]
    still = parse("circle(fixed(0.3)).fill(#c8553d)")
    start = thrown(lowered(still), Coordinates(still), _level(still), still.params, [], np.random.default_rng(0))
    assert start.tolist() == [still.params.tolist()]


def _level(program: Program) -> refine.optimization.Level:
    return pyramid(load(render.image(program, 64, backend="taichi")), [(32, 1.0)])[0]


def test_of_many_throws_the_nearest_are_followed(monkeypatch: object) -> None:
    tape, coordinates, level = lowered(PLATE), Coordinates(PLATE), _level(PLATE)
    groups = groups_of(PLATE, coordinates)

    def errors(throws: int) -> np.ndarray:
        monkeypatch.setattr(restarts, "THROWS", throws)  # type: ignore[attr-defined]
        starts = thrown(tape, coordinates, level, PLATE.params, groups, np.random.default_rng(1))
        moved = np.abs(starts - PLATE.params) > 1e-9
        for row, group in zip(moved.reshape(len(groups), -1, len(PLATE.params)), groups):
            assert not np.delete(row, group, 1).any() and row[:, group].any()
        return np.asarray(batch_of(tape, starts).scores(level.target, level.blur))

    assert errors(16).mean() < 0.5 * errors(1).mean()


def test_a_hole_that_shows_nowhere_is_found() -> None:
    """It lies outside of the box, where nothing of it shows: a throw of all numbers of the statement would have to keep the box."""
    text = "(box(0.5, 0.3) - circle({}).move({}, {})).move(-0.1, 0.1).fill(#c8553d)"
    target = render.image(parse(text.format(0.14, 0.3, 0.1)), 64, backend="taichi")
    start = parse(text.format(0.1, 0.65, 0.42))
    assert refine.optimize(start, target, restarts=0).psnr < 30
    assert refine.optimize(start, target).psnr > 50


def test_a_blend_that_has_shrunk_to_a_speck_is_found() -> None:
    text = "union(circle(0.3).move(-0.25, 0), circle(0.25).move(0.25, 0.05), smooth = {}).fill(#284b63)"
    target = render.image(parse(text.format(0.15)), 64, backend="taichi")
    found = refine.optimize(parse(text.format(0.0015)), target).program
    smooth = [p.name for p in found.parameters].index("layer1.union.smooth")
    assert abs(found.params[smooth] - 0.15) < 0.01


def test_a_shaken_end_is_a_little_worse_and_farther_along_what_shows_little() -> None:
    # The second circle is a speck: its picture hardly depends on where it is.
    program = parse("circle(0.5).fill(#c8553d)\ncircle(0.02).move(0.7, 0.7).fill(#284b63)")
    other = program.with_params(program.params * 1.02)
    tape, coordinates, level = lowered(program), Coordinates(program), _level(other)
    ends = shaken(tape, coordinates, level, program.params, np.random.default_rng(0))
    assert ends.shape == (restarts.SHAKEN, len(program.params))
    before = batch_of(tape, program.params[None]).scores(level.target, level.blur)[0]
    errors = batch_of(tape, ends).scores(level.target, level.blur)
    assert (np.abs(errors / before - 1.0) < 1.5).all() and errors.std() > 0.0
    spread = dict(zip((p.name for p in program.parameters), ends.std(0)))
    assert spread["layer2.move.x"] > 3.0 * spread["layer1.circle.radius"] > 0.0
