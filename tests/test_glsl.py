"""GLSL: every operation drawn by OpenGL agrees with the float64 reference, in every target and form."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from render import gl_backend, gl_render, numpy_backend
from shaderdsl import glsl_layers
from shaderdsl.glsl import to_glsl
from shaderdsl.glsl_print import RESERVED
from shaderdsl.program import Program, parse
from shaderdsl.registry import operations
from shaderdsl.tape import lower

SIZE = (96, 96)
EXAMPLES = {name: operation.example for name, operation in operations().items()}

PROGRAMS = {
    "layers": """scene 2d(background = #f4f1ea)
        let r = 0.8
        circle(r).move(0.02, -0.04).fill(#000).opacity(0.25).soften(0.06)
        circle(r).fill(radial(#e0353f, #b3121d, radius = r))
        box(0.55, 0.12).round(0.03).rotate(8deg).fill(#ffffff)
        ring(r, 0.05).fill(#8a0d16)""",
    "shared shape, repetition, frames": """scene 2d(background = none)
        let petal = ellipse(0.25, 0.1).move(0.4, 0).repeat_polar(7)
        petal.fill(linear(#f4d35e, #ee964b, #0d3b66, start = (-0.7, 0), end = (0.7, 0)))
        (petal - circle(0.3)).scale(0.6, 0.8).move(0.2, 0.1).rotate(10).fill(#c8553d).opacity(0.5)
        box(0.2, 0.1).scale(1.5).shear(0.3).round(0.05).move(-0.3, -0.7).fill(#228833)
        circle(0.5).fill(linear(#fff, #000)).rotate(40).scale(0.5, 1).move(0.3, 0.2)""",
    "repetition of repetition": """scene 2d
        box(0.06, 0.03).rotate(20).move(0.1, 0).repeat_polar(3).repeat_grid(3, 2, 0.5, 0.6).mirror(30).fill(#3d5a80)""",
    "outlines": """scene 2d
        let a = 0.3
        path((-0.6, -a), curve(-0.5, 0.6), curve(0.4, 2 * a), (0.6, -0.3), curve(0, -0.7)).mirror(80).fill(#3d5a80)
        path(curve(-0.3, -0.3), curve(0.3, -0.3), curve(0.3, 0.3), curve(-0.3, 0.3)).rotate(20).fill(#c8553d)
        path((-0.8, 0.8), curve(0, 0.2), (0.8, 0.8), (0.7, 0), width = 0.08, caps = butt).fill(#102030)
        path((-0.8, -0.8), (0, -0.5), (0.8, -0.8), width = 0.06, closed = yes).fill(#305030)
        polygon((-0.2, a), (0.2, 0.4), (0.1, 0.7), (0.3, 0.5)).fill(#aa3355)""",
    "many children": """scene 2d
        union(circle(0.1), circle(0.12).move(0.3, 0.1), circle(0.1).move(0.4, -0.1), circle(0.1).move(0.3, -0.5),
            circle(0.15).move(-0.4, -0.1), box(0.1, 0.2).move(-0.1, 0.5), star(5, 0.3, 0.15), smooth = 0.1)
            .stroke(0.03).fill(#000)""",
}


def large_text(layers: int) -> str:
    kinds = (
        "circle({0}).move({1}, {2}).fill(#{3:06x})",
        "path(({1}, {2}), curve({0}, {1}), (-{0}, 0.{4}), curve({2}, 0.4)).fill(#{3:06x})",
        "box(0.2, {0}).round(0.02).rotate({4}).move({1}, {2}).fill(linear(#{3:06x}, #ffffff)).opacity(0.8)",
    )
    random = np.random.default_rng(5)
    lines = ["scene 2d"]
    for _ in range(layers):
        x, y, size = random.uniform(-0.7, 0.7), random.uniform(-0.7, 0.7), random.uniform(0.05, 0.3)
        numbers = (f"{size:.3f}", f"{x:.3f}", f"{y:.3f}", int(random.integers(1 << 24)), int(random.integers(10, 90)))
        lines.append(kinds[random.integers(3)].format(*numbers))
    return "\n".join(lines)


def reference(program: Program, size: tuple[int, int] = SIZE) -> npt.NDArray[np.float64]:
    return numpy_backend.picture(lower(program.scene, len(program.params)), program.params, size)[0]


def assert_close(drawn: npt.NDArray[np.float32], wanted: npt.NDArray[np.float64]) -> None:
    """design.md: 99.9 % of pixels within 1/255 and none beyond 4/255."""
    error = np.abs(drawn - wanted).max(axis=2)
    place = np.unravel_index(error.argmax(), error.shape)
    assert error.max() <= 4 / 255, f"error of {error.max() * 255:.2f}/255 at {place}"
    assert (error <= 1 / 255).mean() >= 0.999


def shadertoy_shell(source: str) -> str:
    """A Shadertoy shader as its site runs it."""
    return (
        "#version 330\nuniform vec2 resolution;\nout vec4 color_out;\n#define iResolution vec3(resolution, 1.0)\n"
        + source
        + "void main() { mainImage(color_out, gl_FragCoord.xy); }\n"
    ).replace("color_out", "shown")


@pytest.mark.parametrize("text", [*EXAMPLES.values(), *PROGRAMS.values()], ids=[*EXAMPLES, *PROGRAMS])
def test_baked_and_live_agree_with_the_reference(text: str) -> None:
    program = parse(text)
    baked = gl_render.picture(program, SIZE)
    assert_close(baked, reference(program))
    assert np.abs(gl_render.picture(program, SIZE, program.params) - baked).max() <= 1e-5


def test_live_shader_draws_other_numbers() -> None:
    program = parse(PROGRAMS["outlines"])
    other = program.with_params(program.params * 0.9)
    assert_close(gl_render.picture(program, SIZE, other.params), reference(other))


def test_wide_picture() -> None:
    program = parse(PROGRAMS["layers"])
    assert_close(gl_render.picture(program, (120, 50)), reference(program, (120, 50)))


ES_WORKER = """
import json, sys
from render import gl_worker
gl_worker.VERTEX_SHADER = gl_worker.VERTEX_SHADER.replace("#version 330", "#version 300 es")
try:
    context = gl_worker.create_context("device")
except Exception:
    context = gl_worker.create_context("surfaceless")
painter = gl_worker.Painter(context)
for source, vectors in json.load(sys.stdin):
    whole = (0, 0, 96, 96)
    sys.stdout.buffer.write(painter.tile(source, whole[2:], whole, bytes.fromhex(vectors) or None))
"""
"""Draws shaders of GLSL ES 3.00 beside a vertex shader of the same, in a process of its own."""


def test_es300_compiles_and_draws_the_same() -> None:
    programs = [parse(text) for text in (*PROGRAMS.values(), large_text(40))]
    jobs = []
    for program in programs:
        vectors = np.zeros((len(program.params) + 3) // 4 * 4, np.float32)
        vectors[: len(program.params)] = program.params
        jobs += [(to_glsl(program, "es300"), ""), (to_glsl(program, "es300", live=True), vectors.tobytes().hex())]
    assert all(source.startswith("#version 300 es\n") for source, _ in jobs)
    run = subprocess.run(
        [sys.executable, "-c", ES_WORKER], input=json.dumps(jobs).encode(), capture_output=True, timeout=100,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    pictures = np.frombuffer(run.stdout, np.float32).reshape(len(jobs), *SIZE, 4)[:, ::-1]
    for number, program in enumerate(programs):
        wanted = reference(program)
        assert_close(pictures[2 * number], wanted)
        assert_close(pictures[2 * number + 1], wanted)


@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("name", PROGRAMS)
def test_shadertoy_draws_the_same_over_white(name: str, live: bool) -> None:
    program = parse(PROGRAMS[name])
    wanted = reference(program)
    wanted = wanted + (1.0 - wanted[..., 3:])
    assert_close(gl_backend.draw(shadertoy_shell(to_glsl(program, "shadertoy", live)), SIZE), wanted)


@pytest.mark.parametrize("limit", [10**9, 0], ids=["layer by layer", "one loop"])
def test_large_program_as_blocks_and_as_one_loop(limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = parse(large_text(14))
    monkeypatch.setattr(glsl_layers, "LARGE", limit)
    assert ("int kind" in to_glsl(program)) == (limit == 0)
    assert_close(gl_render.picture(program, SIZE), reference(program))
    assert_close(gl_render.picture(program, SIZE, program.params), reference(program))


def test_many_parameters_come_from_a_texture_and_alike_layers_are_a_loop() -> None:
    text = "\n".join(
        f"circle(0.1).move({k % 12 / 6 - 1:.3f}, {k // 12 / 6 - 1:.3f}).fill(#{k * 7919:06x})" for k in range(140)
    )
    program = parse(text)
    source = to_glsl(program, live=True)
    assert "uniform sampler2D params_texture" in source and "uniform vec4 params" not in source
    assert len(source) < 12_000
    assert_close(gl_render.picture(program, SIZE, program.params), reference(program))
    assert_close(gl_render.picture(program, SIZE), reference(program))


def test_names_of_parameters_are_unique_and_none_is_taken() -> None:
    lets = ("p", "d", "x", "color", "vec3", "smooth", "radius", "pixel", "gl_a", "sdgCircle", "t", "half_plane")
    shapes = ("circle({0}).onion(0.1)", "ring({0}, 0.1)")  # in turns: alike ones would become a loop
    text = "\n".join(
        [
            *(f"let {name} = 0.{k + 2}" for k, name in enumerate(lets)),
            *(shapes[k % 2].format(n) for k, n in enumerate(lets)),
        ]
    )
    program = parse(text)
    source = to_glsl(program, live=True)
    names = re.findall(r"^#define (\w+) ", source, re.MULTILINE)
    assert len(names) == len(set(names)) >= len(lets)
    assert not [n for n in names if n in RESERVED or n.startswith("gl_") or "__" in n]
    assert_close(gl_render.picture(program, SIZE, program.params), reference(program))


def test_source_comment_parses_back() -> None:
    program = parse("// ends in a backslash \\\n" + PROGRAMS["layers"])
    for target in ("330", "es300", "shadertoy"):
        lines = re.findall(r"^//   ?(.*)$", to_glsl(program, target), re.MULTILINE)  # type: ignore[arg-type]
        assert parse("\n".join(lines)) == program


def test_output_is_the_same_each_time_and_uses_no_derivative_function() -> None:
    program = parse(PROGRAMS["outlines"])
    source = to_glsl(program)
    assert source == to_glsl(parse(PROGRAMS["outlines"]))
    assert "dFdx" not in source and "fwidth" not in source


def test_only_helpers_that_are_used_are_there() -> None:
    source = to_glsl(parse("circle(0.5)"))
    assert set(re.findall(r"^\w+ (\w+)\(", source, re.MULTILINE)) == {
        "sdgCircle",
        "over",
        "halfPlaneArea",
        "coverage",
        "main",
    }


def test_wrong_target_and_wrong_number_of_parameters() -> None:
    program = parse("circle(0.5)")
    with pytest.raises(ValueError, match="choose"):
        to_glsl(program, "hlsl")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="1 parameters"):
        gl_render.picture(program, SIZE, [0.1, 0.2])
