"""The sampler of scenes of space: it covers what there is, keeps its promises, and is the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

import data
from data.bodies import bounded_shapes, endless_shapes
from data.reach import extent
from data.sample import LEVELS
from data.scenes import floor_height
from render.tapes import solid_tape_of
from shaderdsl import parse, syntax


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_coverage_of_space_is_complete() -> None:
    report = data.coverage_report(data.generate(4000, 3, seed=0, dimension=3), dimension=3)
    assert report.missing == (), str(report)


def test_every_operation_of_space_comes_up_soon() -> None:
    report = data.coverage_report(data.generate(150, 3, seed=0, dimension=3), dimension=3)
    used = sum(count > 0 for count in report.operations.values())
    assert used > 0.9 * len(report.operations), str(report)


def test_coverage_names_what_is_missing_in_space() -> None:
    text = "scene 3d(fog = 0.1)\n(sphere(0.3).move(0.1, 0, 0) | box(0.2, 0.2, 0.2).paint(#fff)).mirror().paint(#f00)"
    report = data.coverage_report([parse(text)], dimension=3)
    assert report.productions["fog"] == report.productions["default camera"] == report.productions["background left out"] == 1
    assert report.productions["painted operand of a boolean"] == 1
    assert report.placed_operands["union", "move in space"] == 1
    assert report.placed_results["union", "mirror in space"] == 1
    assert "operations: torus" in report.missing and "operations: sphere" not in report.missing
    assert "operations: circle" not in report.missing


@pytest.mark.parametrize("level", LEVELS)
def test_same_seed_same_scenes(level: int) -> None:
    first, again = data.generate(5, level, seed=9, dimension=3), data.generate(7, level, seed=9, dimension=3)
    assert first == again[:5]
    assert [p.text for p in first] == [p.text for p in again[:5]]
    assert data.generate(5, level, seed=10, dimension=3) != first
    assert data.sample(5, level=level, dimension=3) == data.sample(5, level=level, dimension=3)


def test_scenes_read_back_and_are_lowered() -> None:
    for program in data.generate(40, 3, seed=6, dimension=3):
        assert program.dimension == 3
        assert parse(program.text) == program
        assert len(solid_tape_of(program).march)


def test_levels_of_scenes() -> None:
    for program in data.generate(20, 1, seed=2, dimension=3):
        assert len(program.scene.surfaces) <= 2  # one may be a floor
    for program in data.generate(20, 2, seed=2, dimension=3):
        kinds = {type(node) for node in syntax.walk(program.structure.module)}
        assert not kinds & {syntax.Let, syntax.Def, syntax.Ranged, syntax.Fixed}


def test_visible_scenes_show_every_solid() -> None:
    programs = data.generate(2, 2, seed=3, visible=True, dimension=3)
    assert all(data.is_visible(program) for program in programs)
    assert not data.is_visible(parse("scene 3d\nsphere(0.3).move(0, 0, -2)\nsphere(0.8).paint(#f00)\nsphere(0.2)"))
    assert data.is_visible(parse("scene 3d\norbit()\nlight((1, 1, 1))\nsphere(0.3).paint(#f00)"))


def test_wrong_dimension() -> None:
    with pytest.raises(ValueError, match="a dimension is 2"):
        data.sample(1, dimension=4)  # type: ignore[arg-type]


def test_extents_are_measured() -> None:
    found = extent("sphere(0.5).move(0.3, 0, 0)", 1.0)
    np.testing.assert_allclose(found.low, [-0.2, -0.5, -0.5], atol=0.1)
    np.testing.assert_allclose(found.high, [0.8, 0.5, 0.5], atol=0.1)
    assert not found.is_empty and 0.5 < found.steepest <= 1.0
    assert extent("sphere(0.2) & sphere(0.2).move(0.9, 0, 0)", 1.0).is_empty


def test_a_fold_whose_copies_do_not_fit_is_found_out() -> None:
    # A slanted box that reaches far beyond the sector beside its own.
    assert extent("box(0.5, 0.05, 0.3).rotate(40, 20, 10).move(0.2, 0, 0).repeat_polar(12)", 1.0).steepest > 1.5
    assert extent("box(0.08, 0.05, 0.06).rotate(40, 20, 10).move(0.6, 0, 0).repeat_polar(5)", 1.0).steepest <= 1.0 + 1e-6


def test_shapes_with_and_without_end() -> None:
    assert {"sphere", "solid box"} <= {o.name for o in bounded_shapes()}
    assert "plane" in {o.name for o in endless_shapes()}
    assert floor_height("plane(-0.5)") == pytest.approx(-0.5, abs=0.11)
    assert floor_height("sphere(0.5)") is None
