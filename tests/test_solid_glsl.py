"""GLSL of programs in space: what OpenGL draws agrees with the float64 reference, in every target and form."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from test_glsl import ES_WORKER, shadertoy_shell

from benchmarks.agreement import Agreement, gl_against_numpy, reference
from render import gl_backend, gl_render, supersampling
from render.tapes import solid_tape_of
from shaderdsl import DslError, parse, to_glsl
from shaderdsl.glsl_print import RESERVED
from shaderdsl.registry import Operation, of_category

pytestmark = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")

SIZE = (48, 48)

PROGRAMS = {
    "a body": """scene 3d(background = #202830)
        camera((2.4, 1.8, 3.0), fov = 35deg)
        light((0.5, 0.8, 0.3), intensity = 0.9)
        ambient(0.2)
        let body = union(box(0.6, 0.4, 0.6).round(0.05), sphere(0.45).move(0, 0.45, 0), smooth = 0.1)
        (body - cylinder(0.15, 1)).paint(#c8553d, roughness = 0.4)
        plane(-0.4).paint(#eee)""",
    "every sharp boolean": """scene 3d
        (sphere(0.4) - box(0.3, 0.3, 0.3).move(0.2, 0.2, 0.2)).move(-0.5, 0.4, 0).paint(#c8553d)
        (sphere(0.4) & box(0.3, 0.3, 0.3)).move(0.5, 0.4, 0).paint(#3d5a80, metallic = 1)
        (cylinder(0.3, 0.3) ^ box(0.25, 0.35, 0.2)).move(-0.5, -0.5, 0)
        (torus(0.3, 0.1) | box(0.1, 0.4, 0.1)).move(0.5, -0.5, 0).paint(#ffd166, emission = 0.3)""",
    "materials through blends": """scene 3d(background = #ffffff)
        union(sphere(0.5).move(-0.3, 0, 0).paint(#ff0000), box(0.3, 0.3, 0.3).move(0.4, 0, 0).paint(#0000ff, metallic = 1), smooth = 0.3)
        difference(box(0.5, 0.2, 0.5).paint(#228833), sphere(0.3).paint(#ffffff), round = 0.1).move(0, -0.6, 0)""",
    "carved by what is painted": """scene 3d
        box(0.6, 0.6, 0.6).paint(#888888) - sphere(0.5).move(0.5, 0.5, 0.5).paint(#ff8800) - cylinder(0.2, 1)""",
    "nested places": """scene 3d
        let brick = box(0.2, 0.1, 0.15).round(0.03).rotate(20, axis = (0, 0, 1)).move(0.3, 0.1, 0)
        union(brick, brick.scale(0.6).move(0, 0.4, 0), brick.rotate(10, 50, 90)).scale(1.4, 0.9, 1).rotate(40)
        brick.rotate(100, axis = (1, 1, 0)).scale(1.5)""",
    "folds in folds": """scene 3d
        sphere(0.2).move(0.4, 0.3, 0.2).mirror((1, 0.2, 0)).mirror((0, 0, 1)).rotate(25).move(0.1, 0, 0).mirror((0, 1, 0)).paint(#3d5a80)
        box(0.1, 0.1, 0.1).round(0.02).move(0.3, 0, 0).mirror().rotate(90, axis = (0, 0, 1))""",
    "lofts": """scene 3d
orbit(30, 25, 3)
let a = circle(0.4) | box(0.2, 0.6).move(0.2, 0)
(a.loft(box(0.3, 0.3) - circle(0.1), 0.3).paint(#c03020).rotate(-90, 0, 0) | box(1.2, 0.1, 1.2).move(0, -0.4, 0))
union(a.loft(a, 0.1).offset(0.03).scale(0.5).move(0.7, 0.2, 0.2), sphere(0.2).move(0.7, 0.3, 0.2).paint(#00aa00), smooth = 0.1)""",
    "extrusions": """scene 3d
        star(5, 0.5, 0.25).rotate(10).move(0.1, 0).extrude(0.1).rotate(30).move(-0.4, 0.3, 0).paint(#f4d35e)
        box(0.1, 0.2).round(0.03).revolve(0.4).move(0.3, -0.4, 0).paint(#ee964b)
        circle(0.1).move(0.35, 0).repeat_polar(5).extrude(0.2).rotate(90, axis = (1, 0, 0)).move(0.4, 0.5, 0)""",
    "extruded outlines": """scene 3d
        let half = 0.3
        path((-0.6, -half), curve(-0.5, 0.6), curve(0.4, 2 * half), (0.6, -0.3), curve(0, -0.7)).extrude(0.15).rotate(30)
        path((-0.8, 0.8), curve(0, 0.2), (0.8, 0.8), width = 0.08).extrude(0.05).paint(#102030)
        polygon((0.1, -0.6), (0.4, -0.6), (0.3, -0.2)).revolve().scale(0.8)""",
    "a repetition of edges": """scene 3d
        box(0.05, 0.04).move(0.1, 0).repeat_grid(3, 2, 0.3, 0.25).extrude(0.2).rotate(25, axis = (1, 0, 0))
        (box(0.06, 0.06) - circle(0.05).move(0.06, 0)).move(0.5, 0).repeat_polar(7).mirror(20).extrude(0.3)""",
    "shells and offsets": """scene 3d
        (sphere(0.6).onion(0.05) & box(0.7, 0.35, 0.7)).move(0, 0.3, 0)
        box(0.3, 0.2, 0.3).offset(0.1).move(0, -0.5, 0).paint(#c8553d)""",
    "thin": """scene 3d(background = #000000)
        capsule((-0.8, -0.5, 0), (0.7, 0.6, -0.4), 0.006).paint(#ffffff, emission = 1)
        box(0.7, 0.004, 0.5).rotate(20, axis = (1, 0, 1)).paint(#f4d35e)
        torus(0.6, 0.01).rotate(70, axis = (1, 0, 0))""",
    "one behind another": """scene 3d
        cylinder(0.02, 0.8).move(-0.3, 0, 0.4).mirror((1, 0, 0)).paint(#222222)
        cylinder(0.02, 0.8).move(-0.33, 0, 0).mirror((1, 0, 0)).paint(#bb2222)
        box(0.9, 0.5, 0.02).move(0, 0, -0.5).paint(#4477aa)""",
    "from inside": """scene 3d
        camera((0.1, 0, 0.2), target = (1, 0.2, 0), fov = 80)
        sphere(0.5).onion(0.1)
        box(0.1, 0.1, 0.1).move(0.2, 0, 0).paint(#cc3311)""",
    "fog": """scene 3d(background = #88aacc, fog = 0.2, exposure = 1.3, tone = filmic)
        camera((0, 0.5, 3), roll = 12)
        plane(-0.4).paint(#669944)
        box(0.2, 0.4, 0.2).move(0.5, 0, -2).mirror().paint(#aa6644)""",
    "fog over nothing": """scene 3d(background = none, fog = 0.15, tone = reinhard)
        orthographic((2, 1.5, 3), height = 2, roll = 5)
        union(box(0.6, 0.4, 0.5), sphere(0.5).move(0, 0.4, 0), chamfer = 0.1)
        lamp((-1, 1.2, 1), intensity = 3)
        sky(0.3)""",
    "textures of one kind": """scene 3d
        sphere(0.4).paint(fbm(#1b4332, #95d5b2, seed = 1)).move(-0.5, 0, 0)
        sphere(0.4).paint(fbm(#1b4332, #95d5b2, seed = 2)).move(0.5, 0, 0)""",
    "nothing": "scene 3d(background = none)\nlight((1, 1, 1))",
    "nothing on blue": "scene 3d(background = #3355ff, exposure = 2, tone = reinhard)",
    "one twice": "scene 3d\nlet a = sphere(0.5)\na\na.paint(#ff0000)\na - a.move(0.2, 0, 0)\na",
    "many in one": """scene 3d
        union(sphere(0.2), sphere(0.2).move(0.3, 0, 0), box(0.1, 0.3, 0.1).move(-0.3, 0, 0), torus(0.4, 0.05), capsule((0, 0, 0),
            (0, 0.5, 0.4), 0.08), cylinder(0.1, 0.1).move(0, -0.4, 0), smooth = 0.1) - sphere(0.2).move(0.2, 0.2, 0.2)""",
    "a loft of curves, where nothing is moved": """scene 3d
        path((-0.4, -0.2), curve(0, -0.4), (0.4, 0), (0, 0.4)).loft(circle(0.3), 0.2)""",
    "one colour that takes statements": """scene 3d
        sphere(0.5).paint(mix(hsv(0.3, 0.96, 0.68), hsv(param(0.6, 0 .. 1), param(0.5, 0 .. 1), 0.7), param(0.2, 0 .. 1)))""",
    "copies at one place": """scene 3d
        box_frame(0.168, 0.13, 0.21, 0.037).move(0.22, -0.044, 0.073).repeat_grid(1, 5, 1, 0.73, 0.28, 0.67).move(-0.28, -0.34, 0.52)""",
}  # fmt: skip


def arguments(operation: Operation) -> str:
    """Values in the middle of their ranges, by name, of the parameters that have no default."""
    values = []
    for p in operation.parameters:
        if p.default is None:
            middle = 0.5 * (p.low + p.high)
            values.append(f"{p.name} = {round(middle) if p.kind == 'count' else round(middle, 3) or 0.1}")
    return ", ".join(values)


def example_of(operation: Operation) -> str:
    """What shows an operation in space."""
    if operation.dimension == 3:
        return "scene 3d\n" + operation.example
    given = arguments(operation)
    if operation.category == "boolean":
        operands = "sphere(0.5).move(-0.2, 0.1, 0), box(0.45, 0.25, 0.3).rotate(15).move(0.25, 0, 0).paint(#c8553d)"
        return f"scene 3d\n{operation.function}({operands}{', ' * bool(given)}{given})"
    if operation.category == "modifier":
        return f"scene 3d\nbox(0.5, 0.4, 0.3).rotate(20).{operation.function}({given}) & sphere(0.55)"
    colours = re.findall(r"\.(?:fill|paint)\((.*)\)", operation.example)
    return f"scene 3d\n(box(0.6, 0.4, 0.5) | sphere(0.6)).rotate(20).paint({colours[-1]})"


CATEGORIES = ("shape", "boolean", "modifier", "transform", "repetition", "extrusion", "loft", "section", "paint", "camera", "light")
EXAMPLES = {operation.name: example_of(operation) for operation in of_category(*CATEGORIES, dimension=3)}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_operation_agrees(name: str) -> None:
    gl_against_numpy([parse(EXAMPLES[name])], SIZE).check()


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_agree(name: str) -> None:
    gl_against_numpy([parse(PROGRAMS[name])], (64, 48)).check()


@pytest.mark.parametrize("name", PROGRAMS)
def test_uniforms_draw_what_constants_do(name: str) -> None:
    program = parse(PROGRAMS[name])
    constant = gl_render.picture(program, SIZE)
    difference = np.abs(gl_render.picture(program, SIZE, program.params) - constant).max(2)
    # A driver folds constants by another arithmetic than it draws with: what hangs on the last bit may differ.
    assert (difference > 1e-3).mean() <= 1e-3
    other = program.with_params(program.params * np.float32(0.97))
    live = Agreement("live parameters against numpy")
    live.add(other, gl_render.picture(program, SIZE, other.params), reference(other, SIZE))
    live.check()


def test_every_target_draws_the_same() -> None:
    programs = [parse(PROGRAMS[name]) for name in ("a body", "extruded outlines", "fog over nothing", "nothing")]
    jobs = []
    for program in programs:
        vectors = np.zeros((len(program.params) + 3) // 4 * 4, np.float32)
        vectors[: len(program.params)] = program.params
        jobs += [(to_glsl(program, "es300"), ""), (to_glsl(program, "es300", live=True), vectors.tobytes().hex())]
        jobs.append((to_glsl(program, "es300", antialias=False), ""))
    run = subprocess.run(
        [sys.executable, "-c", ES_WORKER], input=json.dumps(jobs).encode(), capture_output=True, timeout=100,
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    pictures = np.frombuffer(run.stdout, np.float32).reshape(len(programs), 3, 96, 96, 4)[:, :, ::-1]
    for program, (baked, live, _) in zip(programs, pictures):
        wanted = gl_render.picture(program, (96, 96))
        for drawn in (baked, live):
            assert (np.abs(drawn - wanted).max(2) > 1e-3).mean() <= 1e-3
        for live_toy in (False, True):
            toy = gl_backend.draw(shadertoy_shell(to_glsl(program, "shadertoy", live=live_toy)), (96, 96))
            assert (np.abs(toy - (wanted + (1.0 - wanted[..., 3:]))).max(2) > 1e-3).mean() <= 1e-3


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_operation_compiles_without_antialiasing(name: str) -> None:
    drawn = gl_backend.draw(to_glsl(parse(EXAMPLES[name]), antialias=False), (8, 8))
    assert np.isfinite(drawn).all()


@pytest.mark.parametrize("name", ["a body", "every sharp boolean", "extrusions", "fog", "fog over nothing", "folds in folds", "nothing"])
def test_without_antialiasing_one_ray_a_pixel_is_drawn(name: str) -> None:
    program = parse(PROGRAMS[name])
    size = (50, 47)  # no column of pixels runs along an edge
    drawn = gl_backend.draw(to_glsl(program, antialias=False), size)
    wanted = supersampling.picture(solid_tape_of(program), program.params, size, samples=1)
    # A ray that grazes an edge meets it or not by the last bit.
    assert (np.abs(drawn - wanted).max(2) > 1 / 255).mean() <= 2e-3


def test_antialiasing_can_be_left_out_in_space_alone() -> None:
    with pytest.raises(ValueError, match="space"):
        to_glsl(parse("circle(0.5)"), antialias=False)


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize("name", PROGRAMS)
def test_no_helper_and_no_constant_is_there_for_nothing(name: str, antialias: bool) -> None:
    source = re.sub("//.*", "", to_glsl(parse(PROGRAMS[name]), antialias=antialias))
    declared = re.findall(r"^\w+ (\w+)\(", source, re.MULTILINE) + re.findall(r"^const \w+ (\w+) = ", source, re.MULTILINE)
    unused = [word for word in set(declared) - {"main"} if len(re.findall(rf"\b{word}\b", source)) <= declared.count(word)]
    assert not unused


def test_names_of_programs_name_variables_and_none_is_taken() -> None:
    lets = ("p", "map", "surface", "vec3", "opUnion", "rayDirection", "sdSphere", "flip", "frame", "number", "smoothUnion", "linear")
    text = "scene 3d\n" + "\n".join(f"let {name} = sphere(0.{k + 1}).move(0.{k}, 0, 0)" for k, name in enumerate(lets))
    program = parse(f"{text}\nlet tower = union({', '.join(lets)}, smooth = 0.1)\ntower - box(0.2, 0.2, 0.2)")
    assert "float tower = " in to_glsl(program) and "Surface tower = " in to_glsl(program)
    gl_against_numpy([program], SIZE).check()
    names = re.findall(r"^#define (\w+) ", to_glsl(program, live=True), re.MULTILINE)
    assert len(names) == len(set(names)) and not set(names) & RESERVED
    assert np.abs(gl_render.picture(program, SIZE, program.params) - gl_render.picture(program, SIZE)).max() < 1e-3


def test_source_comment_parses_back() -> None:
    program = parse(PROGRAMS["a body"])
    lines = re.findall(r"^//   (.*)$", to_glsl(program), re.MULTILINE)
    assert parse("\n".join(lines)) == program


def test_what_a_driver_would_compile_for_minutes_is_refused_in_a_sentence() -> None:
    parts = ",\n".join(f"box(0.1, 0.1, 0.1).rotate({k}, 20, 30).move(0.{k}, 0, 0)" for k in range(1, 120))
    program = parse(f"scene 3d\nunion({parts}, smooth = 0.1)")
    with pytest.raises(gl_backend.ShaderTimeout, match="solids"):
        gl_render.picture(program, SIZE)
    with pytest.raises(DslError, match="operations"):
        to_glsl(parse(f"scene 3d\nunion({parts}, smooth = 0.1)\nunion({parts}, smooth = 0.2)"))
