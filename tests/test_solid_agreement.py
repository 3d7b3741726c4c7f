"""The backends agree on programs in space: taichi with numpy, and gl with taichi; see `agreement` for the rule and its exceptions.

Quick: `pytest tests/test_solid_agreement.py -m "not slow"`. 1,000 programs, with the figures:
`pytest tests/test_solid_agreement.py -m slow -s`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from agreement import Agreement, batched, gl_against_taichi, reference, taichi_against_numpy

import data
from render import gl_backend
from shaderdsl import DslError, Program, parse, to_glsl
from shaderdsl.registry import of_category

PROGRAMS = 1000
QUICK = 40
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
    categories = ("shape", "transform", "repetition", "extrusion", "section", "paint", "camera", "light")
    found = [o for o in of_category(*categories, dimension=3) if o.dimension == 3]
    return [parse("scene 3d\n" + o.example) for o in found]


@lru_cache(maxsize=1)
def samples() -> list[Program]:
    return data.generate(PROGRAMS, level=3, seed=30, dimension=3)


SHARE = 1.5e-3
"""Of all pixels of random scenes may err: shells and grooves thinner than a quarter of a pixel are met or missed by the place of a
ray's samples, which float32 moves."""

FAILING = 0.2
"""Of random scenes may have such pixels."""


def check_most(result: Agreement) -> None:
    """That few pixels of few scenes break the rule that all examples keep."""
    print(result)
    shown = "\n\n".join(f"{why}\n{text}" for why, text in result.failures[:3])
    assert result.beyond + result.exceptions <= SHARE * result.pixels, f"{result}\n\n{shown}"
    assert len(result.failures) <= FAILING * result.programs, f"{result}\n\n{shown}"


def check(result: Agreement) -> None:
    result.check()
    assert result.worst > 0.0, "two backends are never exactly the same: is one compared with itself?"


@pytest.mark.parametrize("size", [(32, 32), (33, 17)])
def test_examples_by_taichi_and_numpy(size: tuple[int, int]) -> None:
    check(taichi_against_numpy(examples(), size))


def test_some_random_scenes_by_taichi_and_numpy() -> None:
    check_most(taichi_against_numpy(data.generate(QUICK, level=3, seed=30, dimension=3), SMALL))


@needs_gl
def test_some_random_scenes_by_gl_and_taichi() -> None:
    check_most(gl_against_taichi(data.generate(QUICK // 4, level=3, seed=30, dimension=3), SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_all_random_scenes_by_taichi_and_numpy() -> None:
    check_most(taichi_against_numpy(samples(), SMALL))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@needs_gl
def test_all_random_scenes_by_gl_and_taichi() -> None:
    check_most(gl_against_taichi(samples(), SMALL))


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
    some = data.generate(8, level=3, seed=30, dimension=3)
    for program, image in zip(some, batched(some, (24, 24))):
        np.testing.assert_array_equal(batched([program], (24, 24))[0], image)
