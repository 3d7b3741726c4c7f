"""The parts of the benchmarks that decide what is counted; the measuring itself is for a quiet machine."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest

import render
import shaderdsl
from benchmarks import batch, common, images, measuring, refinement, svg_check
from render.taichi_backend import Batch
from render.tapes import tape_of


def test_random_trees_have_five_shapes_and_no_structure_twice() -> None:
    trees = batch.Source(1).trees(40)
    assert len({batch.structure(tree) for tree in trees}) == 40
    for tree in trees:
        text = batch.text(tree)
        assert text.count(".rotate(") == batch.SHAPES
        again = shaderdsl.parse(batch.text(batch.redrawn(tree, random.Random(2))))
        assert again.structure.key == shaderdsl.parse(text).structure.key


def test_coverage_is_the_alpha_of_a_picture_without_background() -> None:
    text = "scene 2d(background = none)\n" + "\n".join(batch.text(t) + ".fill(#204060).opacity(0.7)" for t in batch.Source(4).trees(3))
    ready = batch.prepared([text, "circle(0.5)"])
    cover, pictures = ready.coverage((37, 29)), ready.images((37, 29))
    assert cover.shape == (2, 29, 37)
    np.testing.assert_array_equal(cover[0], pictures[0, ..., 3])
    np.testing.assert_allclose(cover[1], 1.0 - pictures[1, ..., 0], atol=1e-6)  # black on white


def test_numbers_of_an_svg() -> None:
    svg = '<svg width="9"><path d="M0 0 C1.5-2 .5.25 -3e-2 4 Z" fill="#ff0000" transform="translate(3,4)"/></svg>'
    assert images.svg_numbers(svg) == 8 + 3


def test_the_drawing_by_cairo_is_nearly_the_picture() -> None:
    pytest.importorskip("cairosvg", reason="CairoSVG or libcairo is missing", exc_type=(ImportError, OSError))
    program = shaderdsl.parse("circle(0.5).fill(linear(#ff0000, #0000ff))\n(box(0.3, 0.2) - circle(0.1)).fill(#ffffff)")
    picture = render.image(program, (40, 30), "numpy")
    drawn = svg_check.drawn_by_cairo(render.svg(program, (40, 30)), (40, 30))
    assert render.psnr(drawn, picture) > 40.0
    bends = shaderdsl.parse("path((-0.8, 0.5), curve(0, -0.1), curve(0, -0.0999), (0.8, 0.5), width = 0.2)")
    assert render.psnr(svg_check.drawn_by_cairo(render.svg(bends, 64), (64, 64)), render.image(bends, 64, "numpy")) > 45.0
    assert svg_check.cairo_loss(program, drawn) < -20.0  # the drawing itself is the target
    assert svg_check.cairo_loss(program, np.clip(picture + 0.1, 0.0, 1.0)) == pytest.approx(0.0, abs=0.5)


@pytest.mark.parametrize(("module", "advice"), [("raise ImportError()", "pip install"), ("raise OSError()", "apt-get install")])
def test_without_cairo_it_is_said_what_is_missing(
    module: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cairosvg.py").write_text(module)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cairosvg", raising=False)
    with pytest.raises(RuntimeError, match=advice):
        svg_check.drawn_by_cairo("<svg/>", (8, 8))


def test_a_problem_can_be_written_and_its_start_is_off() -> None:
    case = refinement.problem(np.random.default_rng(0))
    program = refinement.program(case.truth)
    assert program.params.shape == (45,)
    np.testing.assert_allclose(program.params.reshape(5, 9), case.truth, atol=1e-5)
    picture = Batch.of([(tape_of(program), program.params)]).images((64, 64))[0]
    start = Batch.of([(tape_of(program), refinement.program(case.start).params)]).images((64, 64))[0]
    assert np.abs(picture - start).max() > 0.1


def test_results_are_written_with_command_machine_and_no_infinity(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(common, "RESULTS", tmp_path)
    path = measuring.keep("some", {"runs": 3}, {"values": np.array([1.0, np.inf])}, 0.5)
    result = json.loads(path.read_text())
    assert result["values"] == [1.0, None] and result["settings"] == {"runs": 3}
    assert result["machine"]["cores"] and "command" in result and "numpy" in result["packages"]
