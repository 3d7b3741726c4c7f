"""`copies`: the union of a def's shapes by their number, in the plane and in space, and what is no such def.

`pytest tests/test_copies.py`.
"""

from __future__ import annotations

import numpy as np
import pytest

import render
from benchmarks.agreement import gl_against_numpy, taichi_against_numpy
from render import gl_backend
from shaderdsl import DslError, parse

PLANE = "def drop(k, size = 0.1) = circle(size + 0.02 * k).move(0.2 + 0.1 * k, 0).rotate(50 * k)\n"
SPACE = """scene 3d
def step(k, rise = 0.15) = box(0.3, 0.05, 0.2).move(0.3, rise * k - 0.4, 0).rotate(40deg * k).paint(mix(#c0392b, #f1c40f, k / 4))
"""
DEFINED = {"drop": PLANE, "step": SPACE}


@pytest.mark.parametrize("name", DEFINED)
def test_copies_are_the_union_of_calls(name: str) -> None:
    together = parse(f"{DEFINED[name]}copies({name}, 4)")
    one_by_one = parse(DEFINED[name] + " | ".join(f"{name}({k})" for k in range(4)))
    assert np.array_equal(render.image(together, size=(24, 18)), render.image(one_by_one, size=(24, 18)))
    assert len(together.params) == len(one_by_one.params) - 4, "a copy's number is no parameter"


def test_a_number_of_the_def_moves_all_copies() -> None:
    together = parse("def dot(k, size = 0.15) = circle(size).move(fixed(0.5) * k - fixed(0.5), 0)\ncopies(dot, 3)")
    one_by_one = parse(" | ".join(f"circle(0.15).move({0.5 * k - 0.5}, 0)" for k in range(3)))
    _, shared = render.jacobian(together, size=(24, 16))
    _, own = render.jacobian(one_by_one, size=(24, 16))
    size = [p.name for p in together.parameters].index("dot.size")
    radii = [k for k, p in enumerate(one_by_one.parameters) if p.name.endswith("radius")]
    assert len(radii) == 3 and np.abs(shared[..., size]).max() > 1.0
    np.testing.assert_allclose(shared[..., size], own[..., radii].sum(-1), atol=1e-4)


def test_one_copy_is_the_first() -> None:
    assert np.array_equal(
        render.image(parse(f"{PLANE}copies(drop, 1)"), size=24), render.image(parse(f"{PLANE}drop(0)"), size=24)
    )


@pytest.mark.parametrize("name", DEFINED)
def test_backends_agree(name: str) -> None:
    program = parse(f"{DEFINED[name]}copies({name}, 5)")
    taichi_against_numpy([program], (24, 18)).check()
    if gl_backend.available():
        gl_against_numpy([program], (24, 18)).check()


def test_the_count_is_no_parameter_where_nobody_calls_it() -> None:
    assert not any("copies" in p.name for p in parse(f"{PLANE}def all(a) = copies(drop, 3)\ncircle(0.5)").parameters)


def test_canonical_text() -> None:
    text = "def drop(k) = circle(0.1 + 0.1 * k)\ncopies(drop, 3).fill(#cc3333)"
    assert parse("def drop(k)=circle(0.1+0.1*k)\ncopies(number = 3, definition = drop).fill(#c33)").text == text
    assert parse(text).text == text


@pytest.mark.parametrize(
    ("text", "message"),
    {
        "copies(circle, 3)": "copies are of a def",
        "copies(0.3, 3)": "copies are of a def",
        "def pair(a, b) = circle(a * b)\ncopies(pair, 3)": "needs more than the copy's number",
        "def dot() = circle(0.1)\ncopies(dot, 3)": "does not take the copy's number",
        "def half(k) = k / 2\ncopies(half, 3)": "a def of a shape",
        "def dot(k) = circle(0.1).fill(#f00)\ncopies(dot, 3)": "a def of a shape",
        "def dot(k) = circle(0.1)\ncopies(dot, 2.5)": "cannot be 2.5",
        "def dot(k) = circle(0.1)\ncopies(dot, 65)": "from 1 to 64",
        "def dot(k) = copies(dot, 3)\ncopies(dot, 3)": "defs do not recurse",
        "copies(dot, 3)\ndef dot(k) = circle(0.1)": "defined only later",
        "def a(k) = circle(k)\ndef b(k) = copies(a, 64)\ndef c(k) = copies(b, 64)\ncopies(c, 64)": "more than",
        "def copies(k) = circle(k)": "part of the language",
    }.items(),
)
def test_what_is_no_such_def_is_said(text: str, message: str) -> None:
    with pytest.raises(DslError, match=message):
        parse(text)
