"""Textures that act on surfaces: bumps, pictures laid on from three sides, displaced solids.

`pytest tests/test_reliefs.py`.
"""

from __future__ import annotations

from functools import lru_cache
from random import Random

import numpy as np
import numpy.typing as npt
import pytest

import data
import shaderdsl
from benchmarks.agreement import drawn, gl_against_numpy, reference, taichi_against_numpy
from data.bodies import Bodies
from data.writing import Palette, Writer
from render import field, gl_backend, mesh, solid_numpy
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import DslError, Program, parse
from shaderdsl.expression import Graph
from shaderdsl.registry import bind, of_category, scalar_names

SIZE, COARSE, SMALL = (40, 32), (28, 22), (10, 8)
needs_gl = pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")

SCENES = {
    "a bump": """scene 3d
        light((0.4, 0.6, 0.8), shadow = 0.05)
        union(sphere(0.5).move(-0.3, 0, 0).scale(1, 0.8, 1.1).paint(#c8553d, bump = perlin(scale = 0.2, seed = 3), depth = 0.03),
            box(0.3, 0.3, 0.3).move(0.4, 0, 0).twist(40).paint(#3d7a9c, roughness = 0.3), smooth = 0.2)
        plane(-0.6).paint(#888888, bump = brick(scale = 0.4), depth = -0.02)""",
    "from three sides": """scene 3d
        box(0.5, 0.5, 0.5).round(0.1).paint(
            triplanar(brick(#c8553d, #ddccbb, #223344), sharpness = 3), bump = triplanar(brick()), depth = 0.02).rotate(25, axis = (1, 1, 0))
        sphere(0.4).move(0.9, 0, 0).paint(triplanar(checker(#ffffff, #202020, scale = 0.2))).mirror()""",
    "displaced": """scene 3d
        light((0.4, 0.6, 0.8), shadow = 0.05)
        let rock = box(0.35, 0.3, 0.4).displace(perlin(scale = 0.4, seed = 5), -0.12)
        union(rock.move(-0.3, 0, 0), sphere(0.4).move(0.4, 0.1, 0), smooth = 0.1).scale(1.2).paint(#998877)
        plane(-0.7).paint(#88aa66)""",
}  # fmt: skip


@lru_cache(maxsize=1)
def programs() -> list[Program]:
    return [parse(text) for text in SCENES.values()]


def picture(statement: str, size: tuple[int, int] = SIZE) -> npt.NDArray[np.floating]:
    """Premultiplied RGBA of a scene without a background."""
    return reference(parse(f"scene 3d(background = none)\n{statement}"), size)


def failure(statement: str) -> str:
    with pytest.raises(DslError) as caught:
        parse(f"scene 3d\n{statement}")
    return str(caught.value)


# -- all backends --------------------------------------------------------------------------------------------


def test_taichi_and_numpy_agree() -> None:
    taichi_against_numpy(programs(), COARSE).check()


@needs_gl
@pytest.mark.parametrize("name", SCENES)
def test_gl_and_numpy_agree(name: str) -> None:
    gl_against_numpy([parse(SCENES[name])], COARSE).check()


@needs_gl
def test_uniforms_draw_what_constants_do() -> None:
    from render import gl_render

    for program in programs():
        difference = np.abs(gl_render.picture(program, SIZE, program.params) - drawn(program, SIZE)).max(2)
        assert (difference > 1e-3).mean() <= 1e-3


@pytest.mark.parametrize("target", ["330", "es300", "shadertoy"])
def test_every_target_says_what_is_used_alone(target: str) -> None:
    texts = [shaderdsl.to_glsl(program, target=target) for program in programs()]
    for text, mark in zip(texts, ("vec3 bent(", "vec3 across(", "opDisplaced(")):
        assert mark in text
    plain = shaderdsl.to_glsl(parse("scene 3d\nsphere(0.5).paint(#f00)\nbox(0.2, 0.2, 0.2)"), target=target)
    assert not any(mark in plain for mark in ("bent(", "across(", "bump"))


LIGHT = "scene 3d(background = none)\nfixed(light((0.4, 0.6, 0.8)))\n"
SINGLE = {
    "a bump": "sphere(0.6).paint(#c8553d, bump = perlin(scale = 0.3, seed = 3, warp = 0.2), depth = 0.05).scale(1, 0.9, 1.1)",
    "from three sides": "sphere(0.6).paint(triplanar(perlin(#c8553d, #203040, scale = 0.3), sharpness = 3)).rotate(20)",
    "a bump from three sides": "box(0.4, 0.4, 0.4).round(0.1).paint(#c8553d, bump = triplanar(perlin(scale = 0.3)), depth = 0.05).rotate(20)",
    "displaced": "sphere(0.6).displace(perlin(scale = 0.4, seed = 2), 0.12).paint(fixed(#c8553d))",
}
"""Each alone, for what takes long."""


@lru_cache(maxsize=8)
def with_jacobian(name: str) -> tuple[Program, npt.NDArray[np.floating]]:
    program = parse(LIGHT + SINGLE[name])
    _, derivative = solid_numpy.picture(solid_tape_of(program), program.params, SMALL, jacobian=True)
    assert derivative is not None and np.isfinite(derivative).all()
    return program, derivative


def test_the_batched_jacobian_is_the_references() -> None:
    found = [with_jacobian(name) for name in SINGLE]
    _, batched = SolidBatch.of([(solid_tape_of(program), program.params) for program, _ in found]).jacobians(SMALL)
    for (program, expected), other in zip(found, batched):
        scale = np.abs(expected).max((0, 1, 2)) + 1e-9
        errors = np.abs(other[..., : len(program.params)] - expected[:, :, : other.shape[2]]) / scale
        assert (errors > 1e-3).mean() < 0.02, program.text


@pytest.mark.parametrize("name", SINGLE)
def test_the_jacobian_is_the_derivative_of_the_picture(name: str) -> None:
    program, derivative = with_jacobian(name)
    tape, params, step, wrong = solid_tape_of(program), program.params, 1e-6, 0
    for k in range(len(params)):
        moved = [solid_numpy.picture(tape, params + step * sign * (np.arange(len(params)) == k), SMALL)[0] for sign in (-1.0, 1.0)]
        found = (moved[1] - moved[0]) / (2.0 * step)
        assert np.abs(found).max() > 1e-3, program.parameters[k]
        wrong += int((np.abs(found - derivative[..., k]) > 0.02 * np.abs(found).max()).sum())
    # Kinks: what is on their two sides differs.
    assert wrong <= 0.03 * derivative.size, f"{wrong} of {derivative.size}"


# -- bumps ---------------------------------------------------------------------------------------------------

BUMPED = "light((0.4, 0.6, 0.8))\nsphere(0.6).paint(#c8553d, bump = fbm(scale = 0.3, seed = 3), depth = {})"


def test_a_bump_changes_the_light_and_not_the_outline() -> None:
    # A picture that shows all of the bump's waves.
    plain, bumped = (picture(BUMPED.format(depth), (120, 96)) for depth in (0, 0.05))
    np.testing.assert_array_equal(bumped[..., 3], plain[..., 3])
    assert np.abs(bumped - plain).max() > 0.1
    np.testing.assert_allclose(plain, picture("light((0.4, 0.6, 0.8))\nsphere(0.6).paint(#c8553d)", (120, 96)), atol=1e-12)


def test_light_sees_a_slope_as_steep_as_the_height() -> None:
    """A ramp on a wall is lit as the wall turned by its angle."""
    wall = "orthographic((0, 0, 3), height = 1)\nlight((0.3, 0.5, 0.8), intensity = 0.7)\nbox(2, 2, 0.2)"
    ramp = picture(wall + ".paint(#808080, roughness = 1, bump = gradient(start = (-1, 0, 0), end = (1, 0, 0)), depth = 0.8)")
    turned = picture(wall.replace("box(2, 2, 0.2)", f"box(4, 2, 0.2).rotate({-np.degrees(np.arctan(0.4)):.6f}, axis = (0, 1, 0))"
                                  ".paint(#808080, roughness = 1)"))  # fmt: skip
    middle = np.s_[12:20, 16:24]
    np.testing.assert_allclose(ramp[middle], turned[middle], atol=1e-3)


def test_a_bump_keeps_its_slope_where_its_solid_is_scaled() -> None:
    small = picture("orthographic((0, 0, 3), height = 2)\nsphere(0.3).paint(#c8553d, bump = perlin(scale = 0.2), depth = 0.03)")
    large = picture("orthographic((0, 0, 6), height = 4)\nsphere(0.3).paint(#c8553d, bump = perlin(scale = 0.2), depth = 0.03).scale(2)")
    np.testing.assert_allclose(large, small, atol=1e-3)


# -- from three sides ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("texture", ["perlin(#c8553d, #223344, scale = 0.3)", "brick(#c8553d, #ddccbb, #223344, scale = 0.3)"])
@pytest.mark.parametrize("eye", ["(0, 0, 3)", "(3, 0, 0)", "(0, 3, 0.001)"])
def test_each_side_shows_the_texture_itself(eye: str, texture: str) -> None:
    view = "orthographic({}, height = 0.9)\nambient(1)\n"
    seen = picture(f"{view.format(eye)}box(0.6, 0.6, 0.6).paint(triplanar({texture}, sharpness = 12))")
    plain = picture(f"{view.format('(0, 0, 3)')}box(2, 2, 1).move(0, 0, -0.999999).paint({texture})")
    # From the right x is seen running to the left, and from above z down.
    ways = {"(0, 0, 3)": plain, "(3, 0, 0)": plain[:, ::-1], "(0, 3, 0.001)": plain[::-1]}
    # The camera that looks down does so a little aslant, so that it knows what is up.
    assert np.abs(seen - ways[eye]).mean() < 0.01 < 0.03 < np.abs(seen - ways[eye][::-1, ::-1]).mean()


# -- displaced solids ----------------------------------------------------------------------------------------


def test_a_displaced_solid_has_another_outline_within_its_amount() -> None:
    plain = picture("sphere(0.6)")[..., 3]
    for amount in (0.1, -0.1):
        shown = picture(f"sphere(0.6).displace(perlin(scale = 0.25), {amount})")[..., 3]
        bound = picture(f"sphere({0.6 + amount})")[..., 3]
        assert np.abs(shown - plain).max() > 0.2
        low, high = np.minimum(plain, bound), np.maximum(plain, bound)
        assert (shown >= low - 0.02).all() and (shown <= high + 0.02).all()


SMOOTH = [o for o in of_category("paint", dimension=3) if o.slope is not None]


@pytest.mark.parametrize("operation", SMOOTH, ids=lambda o: o.name)
def test_no_texture_is_steeper_than_it_says(operation: shaderdsl.registry.Operation) -> None:
    """So that what is displaced by it has a distance that is a bound."""
    program = parse(f"scene 3d\nplane(0).displace({operation.function}({_given(operation)}), 0.3)")
    rng = np.random.default_rng(1)
    points = rng.uniform(-1.5, 1.5, (40000, 3))
    # Near the surface, where the bound by the highest place does not hide how steep the texture is.
    points[:, 1] = rng.uniform(-0.02, 0.32, len(points))
    move = rng.normal(size=points.shape)
    move *= 1e-4 / np.linalg.norm(move, axis=1, keepdims=True)
    rise = np.abs(field(program, points + move) - field(program, points)) / 1e-4
    assert rise.max() <= 1.001
    assert rise.max() > 0.4


def _given(operation: shaderdsl.registry.Operation) -> str:
    """Values for what has no default."""
    values = []
    for p in operation.parameters:
        if p.default is None:
            low = ", ".join(["0"] * p.width)
            values.append(f"{p.name} = ({low})" if p.width > 1 and not values else f"{p.name} = (0.5, 0.3, 0.2)" if p.width > 1
                          else f"{p.name} = {0.5 * (p.low + p.high)}")  # fmt: skip
    return ", ".join(values)


def test_slopes_follow_the_parameters() -> None:
    graph = Graph()
    for operation in SMOOTH:
        scalars = {name: graph.constant(v) for name, v in _defaults(operation).items()}
        if "scale" not in scalars:
            continue
        half = {**scalars, "scale": graph.constant(0.5 * float(scalars["scale"].constant or 0.0))}
        slopes = [graph.lift(operation.slope(**bind(operation, s))).constant for s in (scalars, half)]  # type: ignore[misc]
        assert slopes[1] == pytest.approx(2.0 * float(slopes[0] or 0.0))


def _defaults(operation: shaderdsl.registry.Operation) -> dict[str, float]:
    found: dict[str, float] = {}
    for p in operation.parameters:
        value = p.choices.index(p.default) if isinstance(p.default, str) else p.default if p.default is not None else p.low
        values = value if isinstance(value, tuple) else (value,) * p.width
        found.update(zip(p.scalars, map(float, values)))
    assert set(found) == set(scalar_names(operation))
    return found


def test_a_rough_floor_has_no_holes() -> None:
    text = """scene 3d(background = none)
        camera(eye = (0, 0.5, 4), target = (0, 0.2, 0), fov = 50)
        plane(0).displace(perlin(scale = 0.5), 0.1)"""
    alpha = reference(parse(text), (20, 32))[..., 3]
    horizon = int(np.argmax(alpha.max(1) > 0.5))
    assert 8 < horizon < 16 and alpha[horizon + 2 :].min() > 0.99


def test_a_displaced_solid_becomes_a_mesh() -> None:
    found = mesh(parse("scene 3d\nsphere(0.5).displace(perlin(scale = 0.3), 0.1).paint(#c8553d)"), resolution=24)
    away = np.linalg.norm(np.asarray(found.vertices), axis=1)
    assert 0.49 < away.min() < away.max() < 0.61 and np.ptp(away) > 0.02


# -- the language --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", SCENES.values())
def test_programs_are_printed_and_read_back(text: str) -> None:
    program = parse(text)
    printed = shaderdsl.format(program)
    assert parse(printed) == program and shaderdsl.format(parse(printed)) == printed


def test_mistakes_are_told_in_words() -> None:
    assert "can not be displaced by what jumps" in failure("sphere(0.5).displace(checker(), 0.1)")
    assert "can not be displaced by what jumps" in failure("sphere(0.5).displace(cellular(measure = cells), 0.1)")
    assert "depends on the surface's normal" in failure("sphere(0.5).displace(triplanar(fbm()), 0.1)")
    assert "leave its colours out" in failure("sphere(0.5).displace(fbm(#fff, #000), 0.1)")
    assert "leave its colours out" in failure("sphere(0.5).paint(#fff, bump = fbm(#fff, #000))")
    assert "no bump that could have a depth" in failure("sphere(0.5).paint(#fff, depth = 0.1)")
    assert "make it one" in failure("circle(0.5).displace(fbm(), 0.1)")
    assert "-0.9 to 0.9" in failure("sphere(0.5).displace(fbm(), 2)")
    assert "no picture in the plane" in failure("sphere(0.5).paint(triplanar(gradient(#fff, #000, start = (0, 0, 0), end = (1, 0, 0))))")
    assert "round the solid before" in failure("sphere(0.5).displace(fbm(), 0.1).round(0.05)")
    for text in ("circle(0.5).displace(fbm(), 0.1)", "circle(0.5).fill(triplanar(fbm(#fff, #000)))"):
        with pytest.raises(DslError, match="is for solids"):
            parse(text)


def test_random_solids_have_all_three() -> None:
    drawn_programs = []
    for seed in range(8):
        random = Random(seed)
        bodies = Bodies(Writer(random, 0.0, dimension=3), Palette(random), plain=False)
        body = bodies.displaced(bodies.leaf(0.5), 0.5)
        texture = bodies.texture(random.choice([o for o in of_category("paint", dimension=3) if o.parameters and not o.by_cell]))
        drawn_programs.append(parse(f"scene 3d\n{body.operand}.paint({bodies.paint(by_place=True)}, bump = {texture})"))
    drawn_programs.append(parse(SCENES["from three sides"]))
    productions = data.coverage_report(drawn_programs, dimension=3).productions
    assert productions["bump"] == 9 and productions["displaced solid"] >= 7 and productions["paint from three sides"] >= 1
