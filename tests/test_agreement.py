"""The backends agree: gl with taichi, and taichi with numpy; see `benchmarks.agreement` for the rule and its exceptions.

Quick: `pytest tests/test_agreement.py -m "not slow"`. All 2,500 programs on every backend, with the figures:
`pytest tests/test_agreement.py -m slow -s`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

import data
import render
from benchmarks.agreement import (
    Agreement,
    batched,
    drawn,
    gl_against_taichi,
    is_unsteady,
    reference,
    taichi_against_numpy,
)
from render import gl_backend
from render.tapes import tape_of
from shaderdsl import DslError, Program, parse
from shaderdsl.registry import operations

needs_gl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")

PROGRAMS = 2500
SMALL = (32, 32)


@lru_cache(maxsize=1)
def examples() -> list[Program]:
    """Every operation's example, on paper and on nothing."""
    texts = [o.example for o in operations().values()]
    return [parse(text) for text in texts] + [parse("scene 2d(background = none)\n" + text) for text in texts]


@lru_cache(maxsize=1)
def samples() -> list[Program]:
    """Random programs that together use every operation and every pair of a boolean and a transform."""
    programs = [p for p in data.generate(PROGRAMS + 100, level=3, seed=22) if is_drawable(p)][:PROGRAMS]
    missing = data.coverage_report(programs).missing
    assert len(programs) == PROGRAMS
    assert not [name for name in missing if "operations" in name or "transforms" in name], missing
    return programs


def is_drawable(program: Program) -> bool:
    """Not so where a layer has more repetitions than a tape holds, which an error says."""
    try:
        tape_of(program)
    except DslError:
        return False
    return True


def check(result: Agreement) -> None:
    result.check()
    assert result.worst > 0.0, "two backends are never exactly the same: is one compared with itself?"


@pytest.mark.parametrize("size", [(64, 64), (33, 17), (1, 1), (100, 50)])
def test_examples_by_taichi_and_numpy(size: tuple[int, int]) -> None:
    check(taichi_against_numpy(examples(), size))


@needs_gl
def test_examples_by_gl_and_taichi() -> None:
    check(gl_against_taichi(examples()[: len(operations())], (64, 64)))


def test_random_programs_by_taichi_and_numpy() -> None:
    check(taichi_against_numpy(samples(), SMALL))
    print(data.coverage_report(samples()))


@needs_gl
def test_some_random_programs_by_gl_and_taichi() -> None:
    check(gl_against_taichi(samples()[:120], SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_gl
def test_all_random_programs_by_gl_and_taichi() -> None:
    print(data.coverage_report(samples()))
    check(gl_against_taichi(samples(), SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_random_programs_by_taichi_and_numpy_at_another_size() -> None:
    check(taichi_against_numpy(samples(), (97, 71)))


# -- what has gone wrong before ------------------------------------------------------------------------------

POLYGON = "polygon((-0.6, -0.4), (0.5, -0.5), (0.6, 0.2), (0, 0), (-0.3, 0.6))"
FAULTS = {
    # A pixel on the polygon's lower edge, whose gradient a chamfer adds to another.
    "edge of a polygon": f"union({POLYGON}, moon(0.65, 0.5, 0.3), chamfer = 0.1).stroke(0.06).scale(0.7).fill(#000)",
    # A smooth minimum of a distance and its opposite, both zero.
    "shape without itself": f"xor({POLYGON}, {POLYGON}, smooth = 0.1).onion(0.08).fill(#000).soften(0.05)",
    # The gradient of the notch lost its parentheses in GLSL.
    "notch of a heart": "xor(trapezoid(0.7, 0.35, 0.45), heart(0.65), chamfer = 0.1).repeat_grid(2, 3, 0.5, 0.4).offset(0.03)",
    # A thickness below zero made coverage negative, which tiles that are skipped do not know.
    "offset beyond the thickness": "xor(box(0.4, 0.4), arc(0.4, 103, 0.03).onion(0.013), round = 0.2).offset(-0.02)",
    # A curve's end is no root of the cubic: a Newton step left it where the squared distance is concave.
    "far from a curve": "path(curve(0.39, -0.036), (-0.082, 0.33), curve(-0.32, 0.022), curve(0.079, -0.22)).scale(0.15)"
    ".move(-0.5, 0.5)",
    # Two chamfered sides exactly as far apart as the chamfer: a field that is flat and zero.
    "flat field": "xor(trapezoid(0.7, 0.35, 0.45), box(0.6, 0.35), chamfer = 0.1).scale(0.7).fill(#000)",
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_faults_that_were_mended(name: str) -> None:
    programs = [parse(FAULTS[name])]
    for size in ((96, 96), (32, 32), (100, 60)):
        taichi_against_numpy(programs, size).check()
        if gl_backend.available():
            gl_against_taichi(programs, size).check()


# -- the comparison itself -----------------------------------------------------------------------------------


def test_a_wrong_pixel_is_found_and_not_excused() -> None:
    program = parse("circle(0.5)")
    image = reference(program, (20, 20))
    for value, failed in ((0.5 / 255, False), (5.0 / 255, True), (np.nan, True)):
        other = image.copy()
        other[3, 4, 1] += value
        result = Agreement("test")
        result.add(program, other, image)
        assert bool(result.failures) is failed
        assert result.exceptions == 0


def test_only_pixels_that_move_are_excused() -> None:
    # A black dot far smaller than a pixel, at a pixel's centre.
    program = parse("box(0.55, 0.55).fill(radial(#000, #fff, center = (0.3, 0.1), radius = 0.000002))")
    unsteady = is_unsteady(program, (10, 10), np.ones((10, 10), bool))
    assert np.argwhere(unsteady).tolist() == [[4, 6]]


def test_batches_and_single_programs_give_the_same_pictures() -> None:
    some = samples()[:20]
    together = batched(some, (24, 24))
    for program, image in zip(some, together):
        np.testing.assert_array_equal(batched([program], (24, 24))[0], image)


@needs_gl
def test_live_parameters_draw_the_same_picture() -> None:
    from render import gl_render

    for program in samples()[:10]:
        live = gl_render.picture(program, SMALL, program.params)
        result = Agreement("live parameters against constants")
        result.add(program, live, drawn(program, SMALL))
        result.check()


@pytest.mark.parametrize(
    "points",
    ["(-0.5, 0), (0.03, 0)", "(-0.5, 0.1), (0.03, 0.3), (0.1, -0.4)", "(-0.5, 0), curve(0.3, 0.9), (0.5, -0.3)", "(-0.5, 0), (-0.45, 0.05), (0.5, -0.3)"],
)
def test_butt_ends_of_wide_strokes_agree(points: str) -> None:
    """The distance is large inside a wide stroke up to its end: tiles must not be judged by it."""
    program = parse(f"path({points}, width = 0.5, caps = butt).fill(#000000)")
    for size in (128, 97):
        reference = render.image(program, size, backend="numpy")
        for backend in ("taichi", "gl"):
            assert np.abs(render.image(program, size, backend=backend) - reference).max() < 1 / 255


@pytest.mark.parametrize("softness", [0.05, 0.13, 0.2])
def test_soft_intersections_with_thin_shapes_agree(softness: float) -> None:
    """An intersection is as thin as its thinner operand, which a wide soft edge shows far from where that one is nearer."""
    thin = "segment((-0.27, -0.3), (-0.047, -0.087), 0.06).onion(0.034)"
    program = parse(f"({thin} & circle(0.3).move(0.264, 0.33)).scale(0.97, 0.81).move(0.42, -0.38).fill(#000000).soften({softness})")
    reference = render.image(program, 64, backend="numpy")
    for backend in ("taichi", "gl"):
        assert np.abs(render.image(program, 64, backend=backend) - reference).max() < 0.5 / 255
