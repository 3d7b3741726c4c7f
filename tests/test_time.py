"""Programs that move: `time` in arithmetic, the functions of numbers, the moments of a program, and what exports make of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

import data
import refine
import render
from benchmarks.agreement import gl_against_taichi, taichi_against_numpy
from render import gl_backend
from shaderdsl import Program, format_text, parse, to_glsl
from shaderdsl.mathematics import FUNCTIONS

needs_gl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")

PLANE = """
scene 2d(background = #f4f1ea)
circle(0.3 + 0.1 * sin(time * 90)).move(-0.4, 0).fill(#c1121f)
polygon((0.2, -0.3), (0.4 + 0.1 * time, 0.3), (0.7, -0.2)).fill(#264653)
box(0.1, 0.05).rotate(time * 90).move(0, 0.6).fill(mix(#ffffff, #000000, mod(time, 1)))
circle(time / 10).move(0.7, 0.7)
circle(0.1).move(0.7, -0.7)
"""

SPACE = """
scene 3d(fog = 0.05)
orbit(20 + 10 * time, 20, 4)
sphere(0.4).move(0.5 * cos(time * 60), 0, 0).paint(#c8553d)
box(0.3, 0.3, 0.3).rotate(0, time * 45, 0).move(0, -0.6, 0).paint(#4f8a5b)
"""

MOMENTS = (0.0, 0.4, 1.7)


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("circle(0.2 + time)", "scene 2d(time = 0)\ncircle(0.2 + time)"),
        ("scene 2d\ncircle(0.2 + time)", "scene 2d(time = 0)\ncircle(0.2 + time)"),
        ("scene 2d(background = none)\ncircle(0.2 + time)", "scene 2d(background = none, time = 0)\ncircle(0.2 + time)"),
        ("scene 2d(time = 3)\ncircle(0.2)", "scene 2d(time = 3)\ncircle(0.2)"),
        ("scene 3d(fog = 0.1)\nsphere(0.2 + time)", "scene 3d(fog = 0.1, time = 0)\nsphere(0.2 + time)"),
        ("let time = 0.5\ncircle(time)", "let time = 0.5\ncircle(time)"),
        ("def f(time) = circle(time)\nf(0.5)", "def f(time) = circle(time)\nf(0.5)"),
        # The arguments come into order, and the header is written, at once.
        ("box(half_height = 0.1, half_width = time + 1)", "scene 2d(time = 0)\nbox(time + 1, 0.1)"),
    ],
)
def test_the_header_has_the_time_of_whoever_uses_it(text: str, canonical: str) -> None:
    program = parse(text)
    assert program.text == canonical and parse(canonical) == program and parse(text) == program
    assert parse(program.text).text == canonical


def test_comments_stay_where_the_header_is_new() -> None:
    text = "// a pulse\n\ncircle(0.2 + time)  // grows\n"
    formatted = format_text(text)
    assert formatted == "scene 2d(time = 0)\n// a pulse\n\ncircle(0.2 + time)  // grows\n"
    assert format_text(formatted) == formatted


def test_a_moment_is_a_program() -> None:
    program = parse("scene 2d(time = 1)\ncircle(0.1 + 0.1 * time)")
    later = program.at(3)
    assert (program.time, later.time) == (1.0, 3.0) and later.structure is program.structure
    assert later.text == "scene 2d(time = 3)\ncircle(0.1 + 0.1 * time)" and later.at(1) == program
    np.testing.assert_allclose(render.image(later, 32, "numpy"), render.image(parse("circle(0.4)"), 32, "numpy"), atol=1e-6)
    still = parse("let time = 1\ncircle(time)")
    assert still.time is None
    with pytest.raises(ValueError, match="no time"):
        still.at(1)
    with pytest.raises(ValueError, match="at least 0"):
        program.at(-2)
    ranged = parse("scene 2d(time = param(1, 0 .. 2))\ncircle(time)")
    with pytest.raises(ValueError, match="0 to 2"):
        ranged.at(3)


@pytest.mark.parametrize("text", [PLANE, SPACE])
def test_backends_agree_at_every_moment(text: str) -> None:
    programs = [parse(text).at(seconds) for seconds in MOMENTS]
    size = (48, 48)
    taichi_against_numpy(programs, size).check()
    if gl_backend.available():
        gl_against_taichi(programs, size).check()


def test_the_derivative_by_time() -> None:
    program = parse("circle(0.3 + 0.2 * sin(time * 90)).move(0.1 * sqrt(1 + time), 0).fill(#000)").at(0.3)
    index = program.structure.checked.time
    assert index is not None
    step = 1e-3
    wanted = (render.image(program.at(0.3 + step), 48, "numpy") - render.image(program.at(0.3 - step), 48, "numpy")) / (2 * step)
    found = render.jacobian(program, 48)[1][..., index]
    assert np.linalg.norm(found - wanted) < 0.01 * np.linalg.norm(wanted)


@pytest.mark.parametrize("name", list(FUNCTIONS))
def test_functions_of_numbers(name: str) -> None:
    """Their values, by a circle's radius, against Python's."""
    wanted = {
        "sin": (lambda x: math.sin(math.radians(x)), (20.0,)), "cos": (lambda x: math.cos(math.radians(x)), (40.0,)),
        "tan": (lambda x: math.tan(math.radians(x)), (30.0,)), "sqrt": (math.sqrt, (0.3,)), "abs": (abs, (-0.4,)),
        "floor": (lambda x: math.floor(x) / 2, (1.3,)), "mod": (lambda x, y: x % y, (-0.3, 0.7)),
        "min": (min, (0.3, 0.2)), "max": (max, (-0.3, 0.2)),
        "atan2": (lambda y, x: math.degrees(math.atan2(y, x)) / 360, (0.4, -0.3)),
    }  # fmt: skip
    function, given = wanted[name]
    call = f"{name}({', '.join(f'{v:g}' for v in given)})"
    whole = {"floor": f"{call} / 2", "atan2": f"{call} / 1turn"}.get(name, call)
    program = parse(f"circle({whole})")
    assert parse(program.text) == program
    radius = -render.field(program, [[0.0, 0.0]])[0]
    assert radius == pytest.approx(function(*given), abs=1e-9)


@needs_gl
@pytest.mark.parametrize("text", [PLANE, SPACE])
@pytest.mark.parametrize("live", [False, True])
def test_pasted_shaders_go_on_by_themselves(text: str, live: bool) -> None:
    """One text draws every moment: in Shadertoy by iTime, elsewhere by a uniform."""
    program = parse(text)
    toy = to_glsl(program, "shadertoy", live, antialias=program.dimension == 2)
    shell = "#version 330\nuniform vec2 resolution;\nuniform float time;\nout vec4 color;\n#define iResolution vec3(resolution, 1.0)\n"
    toy = f"{shell}#define iTime time\n{toy}\nvoid main() {{ mainImage(color, gl_FragCoord.xy); }}\n"
    texts = [toy] if live else [toy, to_glsl(program, antialias=program.dimension == 2)]
    for shader in texts:
        for seconds in MOMENTS[1:]:
            drawn = gl_backend.draw(shader, (40, 40), moment=seconds)[..., :3]
            moment = program.at(seconds)
            same = gl_backend.draw(to_glsl(moment, antialias=program.dimension == 2), (40, 40), moment=seconds)[..., :3]
            np.testing.assert_allclose(drawn, same, atol=1e-5)
            assert np.abs(drawn - render.image(moment, 40, "taichi")).mean() < 0.02
            assert np.abs(drawn - render.image(program, 40, "taichi")).max() > 0.3


def test_a_fit_leaves_the_time_alone_unless_it_has_a_range() -> None:
    target = render.image(parse("circle(0.5).fill(#000000)"), 64, "numpy")
    still = refine.optimize(parse("scene 2d(time = 2)\ncircle(0.2 * time).fill(#000000)"), target).program
    assert still.time == 2.0 and still.params[1] == pytest.approx(0.25, abs=1e-3)
    text = "scene 2d(time = param(2, 0 .. 10))\ncircle(fixed(0.2) * time).fill(fixed(#000000))"
    assert refine.optimize(parse(text), target).program.time == pytest.approx(2.5, abs=1e-2)


def test_random_programs_move() -> None:
    programs = [p for p in data.generate(400, seed=5) if p.time is not None]
    assert programs
    for program in programs[:20]:
        assert parse(program.text) == program
        assert isinstance(program.at(0.0), Program)
