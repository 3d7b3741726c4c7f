"""The sampler: it covers the whole language, keeps its promises, and is the same for the same seed."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

import data
import render
from data.reach import reach_factor
from data.sample import LEVELS
from data.solids import FITTED, Solids
from data.writing import Writer
from shaderdsl import parse, syntax
from shaderdsl.registry import operations
from shaderdsl.scene import Combination, Modified, Placed

ENOUGH = 4000
"""So many programs of level 3 use every production, operation and pair (3,000 mostly do)."""


def test_coverage_is_complete() -> None:
    report = data.coverage_report(data.generate(ENOUGH, 3, seed=0))
    assert report.missing == (), str(report)
    assert report.programs == ENOUGH


def test_coverage_names_what_is_missing() -> None:
    report = data.coverage_report([parse("let r = 50%\n(circle(r).rotate(1turn) | box(1, 1)).fill(#fff)")])
    assert report.productions["let of a number"] == report.productions["number in %"] == report.productions["shape |"] == 1
    assert report.placed_operands["union", "rotate"] == 1 and report.placed_results["union", "rotate"] == 0
    assert "productions: def of a shape" in report.missing
    assert "operations: star" in report.missing and "operations: circle" not in report.missing
    assert "transforms of booleans: union with rotate" in report.missing
    assert "missing: operations: star" in str(report)


@pytest.mark.parametrize("level", LEVELS)
def test_same_seed_same_programs(level: int) -> None:
    first, again = data.generate(20, level, seed=9), data.generate(25, level, seed=9)
    assert first == again[:20]
    assert [p.text for p in first] == [p.text for p in again[:20]]
    assert data.generate(20, level, seed=10) != first
    assert data.sample(5, level=level) == data.sample(5, level=level)
    assert data.sample(np.random.default_rng(5), level=level) == data.sample(np.random.default_rng(5), level=level)


def test_a_generator_gives_other_programs_each_time() -> None:
    rng = np.random.default_rng(1)
    assert data.sample(rng) != data.sample(rng)


def test_levels() -> None:
    for program in data.generate(200, 1, seed=2):
        assert len(program.scene.layers) == 1
    for level in (1, 2):
        for program in data.generate(200, level, seed=2):
            kinds = {type(node) for node in syntax.walk(program.structure.module)}
            assert not kinds & {syntax.Let, syntax.Def, syntax.Chain, syntax.Ranged, syntax.Fixed}
            assert all(layer.paint.operation.name == "flat" for layer in program.scene.layers)
            for layer in program.scene.layers:
                shape = layer.shape
                while isinstance(shape, Placed):
                    shape = shape.child
                assert not isinstance(shape, (Combination, Modified))
    assert {len(p.scene.layers) for p in data.generate(100, 2, seed=2)} == {2, 3, 4, 5}
    assert len(data.sample(1, level=2, layers=12).scene.layers) == 12


def test_programs_read_back() -> None:
    for program in data.generate(200, 3, seed=6):
        assert parse(program.text) == program


def test_visible_programs_show_every_layer() -> None:
    programs = data.generate(6, 2, seed=3, visible=True)
    assert all(data.is_visible(program) for program in programs)
    assert not data.is_visible(parse("circle(0.5).fill(#fff)"))
    assert not data.is_visible(parse("circle(0.3).fill(#000)\ncircle(0.5).fill(#f00).move(3, 0)"))
    assert data.is_visible(parse("circle(0.3).fill(#000)\ncircle(0.2).fill(#f00)"))


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="a level is 1"):
        data.sample(1, level=4)
    with pytest.raises(ValueError, match="at least one layer"):
        data.generate(1, 2, layers=0)


def test_reach_is_measured() -> None:
    assert reach_factor(operations()["circle"]) == pytest.approx(1.05)
    assert reach_factor(operations()["halfplane"]) == float("inf")


def test_copies_end_in_the_cell_beside_their_own() -> None:
    """Of a fitted repetition the picture equals that of all copies drawn one by one."""
    def picture(text: str) -> np.ndarray:
        return np.asarray(render.image(parse(text), 64, backend="numpy"))

    checked = 0
    for seed in range(60):
        solids = Solids(Writer(Random(seed), 0.0), plain=False)
        child = solids.primitive(0.3, bounded=True)
        repeated = FITTED["repeat_polar"](solids, operations()["repeat_polar"], child).text
        body, _, count = repeated.rpartition(".repeat_polar(")
        number = int(count.rstrip(")"))
        if number > 12:
            continue
        checked += 1
        copies = " | ".join(f"{body}.rotate({360 * i / number!r})" for i in range(number))
        assert np.abs(picture(repeated) - picture(copies)).max() < 0.02, repeated
    assert checked > 20
