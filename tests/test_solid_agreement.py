"""The backends agree on programs in space: taichi with numpy, and gl with taichi; see `benchmarks.agreement` for the rule and its exceptions.

Quick: `pytest tests/test_solid_agreement.py -m "not slow"`. 1,000 programs, with the figures:
`pytest tests/test_solid_agreement.py -m slow -s`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

import data
from benchmarks.agreement import Agreement, batched, gl_against_taichi, reference, taichi_against_numpy
from render import gl_backend, taichi_device
from shaderdsl import DslError, Program, parse, to_glsl
from shaderdsl.registry import of_category

PROGRAMS = 1000
QUICK = 12
SMALL = (32, 32)


def draws_space() -> bool:
    """Whether GLSL is written for programs in space."""
    try:
        to_glsl(parse("scene 3d\nsphere(0.5)"))
    except DslError:
        return False
    return True


needs_gl = pytest.mark.skipif(
    not gl_backend.available() or not draws_space(), reason="there is no OpenGL here, or no GLSL of programs in space"
)


@lru_cache(maxsize=1)
def examples() -> list[Program]:
    """The example of every operation of space."""
    categories = ("shape", "transform", "repetition", "extrusion", "loft", "section", "paint", "camera", "light")
    found = [o for o in of_category(*categories, dimension=3) if o.dimension == 3]
    return [parse("scene 3d\n" + o.example) for o in found]


@lru_cache(maxsize=1)
def samples() -> list[Program]:
    return data.generate(PROGRAMS, level=3, seed=30, dimension=3)


def check(result: Agreement) -> None:
    result.check()
    assert result.worst > 0.0, "two backends are never exactly the same: is one compared with itself?"


def test_examples_by_taichi_and_numpy() -> None:
    # A thousand pixels, of which one may err.
    check(taichi_against_numpy(examples(), (40, 25)))


def test_the_flat_end_of_a_sweep_by_taichi_and_numpy() -> None:
    text = "scene 3d\norbit(12, 35, 1, (0.84, 0.3, 0), 20)\ncircle(0.085).sweep((0.36, -0.14, 0), (0.78, -0.12, 0), (0.84, 0.3, 0))"
    check(taichi_against_numpy([parse(text)], SMALL))


@needs_gl
def test_the_sides_of_a_triangle_made_solid_by_gl_and_taichi() -> None:
    # A ray ends on an edge, where rounding decides which side of it that is.
    text = "scene 3d(background = #0b091c)\ntriangle((-0.11, 0.23), (-0.3, 0.18), (0.25, -0.014)).extrude(0.12)"
    check(gl_against_taichi([parse(text), parse(text.replace("extrude(0.12)", "extrude(0.3).rotate(20, 50, 10)"))], (40, 40)))


def test_some_random_scenes_by_taichi_and_numpy() -> None:
    check(taichi_against_numpy(data.generate(QUICK, level=1, seed=30, dimension=3), SMALL))


@needs_gl
def test_some_random_scenes_by_gl_and_taichi() -> None:
    check(gl_against_taichi(data.generate(QUICK // 2, level=1, seed=30, dimension=3), SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_random_scenes_by_taichi_and_numpy() -> None:
    check(taichi_against_numpy(samples(), SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_gl
def test_all_random_scenes_by_gl_and_taichi() -> None:
    check(gl_against_taichi(samples(), SMALL))


def test_a_wrong_pixel_is_found_and_not_excused() -> None:
    program = parse("scene 3d\nsphere(0.5)")
    image = reference(program, (20, 20))
    for value, failed in ((0.5 / 255, False), (5.0 / 255, True), (np.nan, True)):
        other = image.copy()
        other[10, 10, 1] += value
        result = Agreement("test")
        result.add(program, other, image)
        assert bool(result.failures) is failed
        assert result.exceptions == 0


def test_batches_and_single_scenes_give_the_same_pictures() -> None:
    # Other kernels, for other operations: a GPU's compiler joins other products and sums in each.
    rounded = 0.0 if taichi_device.device() == "cpu" else 1e-5
    some = examples()[::8]
    for program, image in zip(some, batched(some, (24, 24))):
        np.testing.assert_allclose(batched([program], (24, 24))[0], image, rtol=0.0, atol=rounded)
