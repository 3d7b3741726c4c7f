"""The parts of the benchmarks that decide what is counted; the measuring itself is for a quiet machine."""

from __future__ import annotations

import json
import os
import random
import re
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import render
import shaderdsl
from benchmarks import agreement, batch, common, images, measuring, refinement, solid_recovery, svg_check, workers
from refine import ParetoPoint
from render.metrics import BEST_PSNR
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


def row(name: str, decibels: float, curve: dict[str, tuple[float, int]]) -> dict[str, Any]:
    """An image's row as `images.measured` gives it."""
    figures = {"psnr": decibels, "numbers": 380, "seconds": 9.0, "ghost_loss": 0.1}
    points = {budget: {"psnr": value, "numbers": numbers} for budget, (value, numbers) in curve.items()}
    peer = {"psnr": 24.0, "numbers": 1500, "seconds": 0.01}
    return {"name": name, "ours": {**figures, "curve": points}, "vtracer": {"default": peer}, "vtracer_best": "default", "won": True}


ROWS = [
    row("feather-x.png", 44.0, {"60": (41.0, 60), "300": (44.0, 200)}),
    row("tango-a-b.png", 38.0, {"60": (20.0, 55), "300": (34.0, 290)}),
    row("tango-c.png", 36.0, {"60": (22.0, 31), "300": (30.0, 280)}),
]


def test_a_curve_takes_the_best_point_within_each_budget() -> None:
    texts = ("scene 2d(background = #808080)", "circle(0.5).fill(#808080)", "circle(0.5).fill(#ff8080)")
    programs = [shaderdsl.parse(text) for text in texts]
    points = [ParetoPoint(n, 10.0 * n, program) for n, program in zip((3, 40, 90), programs)]
    target = render.image(programs[2], (24, 16), "taichi")
    found = images.curve_at([2, 3, 50, 90, 400], points, target)
    assert {budget: at["numbers"] for budget, at in found.items()} == {"3": 3, "50": 40, "90": 90, "400": 90}
    assert found["50"]["psnr"] == pytest.approx(render.psnr(render.image(programs[1], (24, 16), "taichi"), target))
    assert found["90"]["psnr"] == found["400"]["psnr"] == BEST_PSNR


def test_budgets_with_fits_of_their_own_stand_beside_the_one_fit_on_the_same_images() -> None:
    own = {"800": [{"name": "tango-c.png", "psnr": 39.0, "numbers": 700}]}
    curve = images.curve_figures([300, 400, 800], ROWS, own)
    assert list(curve) == ["300", "800"]  # 400 was not measured
    assert curve["300"]["psnr"]["median"] == 34.0 and curve["300"]["psnr"]["count"] == 3 and "whole" not in curve["300"]
    assert curve["800"]["psnr"]["median"] == 39.0 and curve["800"]["whole"]["median"] == 36.0


def test_sources_are_what_stands_before_the_first_hyphen() -> None:
    rows = [*ROWS, row("apple.png", 40.0, {})]
    assert {source: [r["name"] for r in some] for source, some in images.by_source(rows).items()} == {
        "feather": ["feather-x.png"], "tango": ["tango-a-b.png", "tango-c.png"],
    }  # fmt: skip
    found = images.line_icons(rows)
    assert found is not None and found["psnr"]["median"] == 41.0
    assert images.line_icons(rows[1:]) is None


def test_the_tables_of_a_result_name_every_goal() -> None:
    results = {
        "images": images.figures(ROWS), "photographs": None, "curve": images.curve_figures([300], ROWS, {}),
        "sources": {source: images.figures(some) for source, some in images.by_source(ROWS).items()}, "line_icons": images.line_icons(ROWS),
    }  # fmt: skip
    text = "\n".join(images.lines(results))
    for words in ("dB with at most 300 numbers: median", "lower quartile", "seconds: longest", "dB of line icons with at most 60 numbers"):
        assert words in text
    found = re.search(r"at most 300 numbers: median +\| +([\d.]+) \| +([\d.]+) \| (\w+)", text)
    assert found is not None and found.groups() == ("34", "36", "missed")
    assert re.search(r"\| tango +\| +2 \|", text)
    assert "Cairo" not in text


def test_what_is_lost_when_a_picture_is_drawn_larger() -> None:
    """Bars that meet in the middle of pixels leave seams, which are gone where they meet between pixels: at eight times
    the size. Who has fitted the seams loses them; a disk stays what it is."""
    pixel = 2 / 128
    bars = [f"box({5 * pixel}, 0.9).move({(10 * k + 0.5) * pixel}, 0).fill(#102030)" for k in range(-4, 5)]
    noise = np.random.default_rng(0).normal(0, 0.02, (128, 128, 3)).astype(np.float32)
    for text, least, most in (("\n".join(bars), 3.0, 20.0), ("circle(0.5).fill(#102030)", -0.1, 0.1)):
        program = shaderdsl.parse(text)
        target = render.image(program, 128, "taichi") + noise
        assert least < images.ghost_loss(program, target) < most


def test_a_fit_is_measured_with_its_curve() -> None:
    picture = np.ones((32, 32, 3), np.float32)
    picture[8:24, 8:24] = (0.2, 0.4, 0.6)
    measured, drawn = images.fitted(picture, 1.0, 40, (3, 40))
    assert drawn.shape == (32, 32, 3) and measured["psnr"] == images.psnr(drawn, picture)
    assert measured["curve"]["40"]["numbers"] == measured["numbers"]
    assert measured["curve"]["40"]["psnr"] == pytest.approx(measured["psnr"], abs=0.5)
    assert measured["curve"]["3"]["psnr"] < measured["psnr"]


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


def share_of_cores(item: int) -> tuple[int, str, int]:
    return item, os.environ.get(workers.THREADS[0], ""), os.getpid()


@pytest.mark.parametrize("jobs", [1, 2])
def test_items_are_shared_out_to_processes_and_come_back_in_order(jobs: int, tmp_path: Path) -> None:
    found = list(workers.each(share_of_cores, range(5), jobs, partial(tempfile.mkdtemp, dir=tmp_path)))
    assert [item for item, _, _ in found] == list(range(5))
    processes = {process for _, _, process in found}
    # Each of them was prepared once, with its share of the cores; afterwards the environment is as before.
    assert len(processes) <= jobs and (os.getpid() in processes) == (jobs == 1)
    assert len(processes) <= len(list(tmp_path.iterdir())) <= jobs
    assert {share for _, share, _ in found} == {"" if jobs == 1 else str(max(1, (os.cpu_count() or 1) // 2))}
    assert workers.THREADS[0] not in os.environ


def test_the_agreement_of_two_parts_is_that_of_the_whole() -> None:
    programs = [shaderdsl.parse(f"circle({0.3 + 0.1 * k}).fill(#a03020)") for k in range(4)]
    whole = agreement.taichi_against_numpy(programs, (16, 16))
    parts = agreement.taichi_against_numpy(programs[:1], (16, 16)) + agreement.taichi_against_numpy(programs[1:], (16, 16))
    assert str(parts) == str(whole) and parts.programs == 4 and parts.pixels == 4 * 256


def test_a_kept_result_is_gone_on_with_when_its_settings_are_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solid_recovery, "RESULTS", tmp_path)
    settings = {"limit": 50, "seed": 0, "views": True}
    assert solid_recovery.measured_before("kept", settings) == []
    kept = {"settings": {**settings, "limit": 2}, "scenes": [{"scene": 0}, {"scene": 1}]}
    (tmp_path / "kept.json").write_text(json.dumps(kept), encoding="utf-8")
    assert solid_recovery.measured_before("kept", settings) == kept["scenes"]
    assert solid_recovery.measured_before("kept", {**settings, "seed": 1}) == []
