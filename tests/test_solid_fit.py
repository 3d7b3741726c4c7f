"""Fits in space: models and their texts, what a picture does not tell, and whole fits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from refine import fit
from refine.ambiguity import undetermined
from refine.optimization import pyramid
from refine.solid_model import SIZES, TURNED, Model, Solid, Thing, angles_of, turn
from refine.solid_patches import Closeup, patches
from refine.views import joint_levels, joint_problem
from render import image
from render.images import load
from shaderdsl import parse

PAIR = """scene 3d(background = #e8ecf2)
orbit(0, 20, 4, fov = 35)
light((-0.5, 0.8, 0.6), intensity = 0.8)
ambient(0.25)
sphere(0.42).move(-0.5, 0.1, 0).paint(#d04030)
box(0.3, 0.35, 0.25).rotate(30).move(0.55, -0.1, 0).paint(#3070c0)
"""

BALL = "scene 3d(background = #e8ecf2)\norbit(fixed(0), fixed(20), fixed(4))\nlight((0.5, 0.8, 0.4))\nsphere(0.5).move(0.1, 0, 0.2).paint(#c8553d)\n"


def picture(text: str, side: int = 64, alpha: bool = False) -> np.ndarray:
    return np.asarray(image(parse(text), (side, side), backend="taichi", alpha=alpha))


number = st.floats(0.05, 1.5).map(lambda v: round(v, 4))


@st.composite
def solids(draw: st.DrawFn) -> Solid:
    kind = draw(st.sampled_from(sorted(SIZES)))
    counts = {0: [0], 2: [0, 2], 3: [0, 1, 3]}[TURNED[kind]]
    angles = draw(st.sampled_from(counts))
    listed = [tuple(draw(number) for _ in range(n)) for n in (SIZES[kind], angles, 3)]
    return Solid(kind, *listed)


@st.composite
def models(draw: st.DrawFn) -> Model:
    def some(count: int) -> tuple[float, ...]:
        return tuple(min(draw(number), 1.0) for _ in range(count))

    things = []
    for _ in range(draw(st.integers(0, 3))):
        joined = tuple(draw(st.lists(solids(), min_size=1, max_size=3)))
        cut = tuple(draw(st.lists(solids(), max_size=2)))
        smooth = some(1) if len(joined) > 1 and draw(st.booleans()) else ()
        things.append(Thing(joined, cut, some(3), some(draw(st.sampled_from((0, 2)))), smooth))
    background, floor = some(draw(st.sampled_from((0, 3)))), some(draw(st.sampled_from((0, 4))))
    return Model(background, draw(number) * 20, some(4), draw(number) * 0.5, floor, tuple(things))


@given(models())
@settings(max_examples=60, deadline=None)
def test_a_model_writes_its_numbers_in_the_order_of_its_programs_parameters(model: Model) -> None:
    np.testing.assert_allclose(model.program.params, model.numbers(), atol=1e-9)
    np.testing.assert_allclose(model.plain.params, model.numbers(), atol=1e-9)
    again = model.with_numbers(model.program.params)
    assert again.text == model.text


@given(st.tuples(*[st.floats(-80.0, 80.0)] * 3))
@settings(max_examples=60, deadline=None)
def test_angles_of_a_turn_turn_alike(angles: tuple[float, float, float]) -> None:
    matrix = turn(angles)
    np.testing.assert_allclose(turn(angles_of(matrix, 3)), matrix, atol=1e-9)
    x, z = angles_of(matrix, 2)
    np.testing.assert_allclose(turn((x, 0.0, z))[:, 1], matrix[:, 1], atol=1e-9)


def test_what_people_read_has_no_ranges() -> None:
    ball = Thing((Solid("cylinder", (0.3, 0.4), (10.0, 20.0), (0.0, 0.0, 0.0)),), (), (0.5, 0.5, 0.5))
    text = Model((1.0, 1.0, 1.0), 20.0, (0.0, 1.0, 0.0, 0.8), 0.25, (), (ball,)).plain.text
    assert "param" not in text and "fixed" not in text


def test_a_close_view_shows_things_where_the_whole_scene_has_them() -> None:
    whole = picture(PAIR, 128)
    background = np.ones((128, 128, 4)) * [0xE8 / 255, 0xEC / 255, 0xF2 / 255, 1.0]
    seen = np.concatenate([whole, np.ones((128, 128, 1))], 2)
    parts = patches(whole.astype(np.float64), np.abs(seen - background).max(2) > 0.05, 0)
    assert len(parts) == 2
    # Patches come largest first, and the ball is the larger.
    box, ball = sorted(parts, key=lambda p: -np.nonzero(p)[1].mean())
    view = Closeup.of(ball, box | ball, seen, background, 20.0)
    thing = Thing((Solid("sphere", (0.42,), (), (-0.5, 0.1, 0.0)),), (), (0xD0 / 255, 0x40 / 255, 0x30 / 255))
    light = (-0.5, 0.8, 0.6, 0.8, 0.25)
    target = view.target(32)
    right, wrong = target.errors(view.drawn([(thing, light), (thing.nearer(view.eye, 1.0), (0.5, 0.8, 0.6, 0.8, 0.25))], 32))
    assert right < 2.0 and right < 0.2 * wrong


def test_nearer_and_smaller_looks_the_same() -> None:
    model = Model((0.2, 0.2, 0.2), 20.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), ())
    from refine.solid_model import camera_frame

    solid = Solid("box", (0.3, 0.2, 0.4), (20.0, 30.0, 10.0), (0.3, 0.2, 0.1))
    thing = Thing((solid,), (), (0.8, 0.3, 0.2))
    eye = camera_frame(model.elevation)[0]
    one, two = (picture(model.with_thing(0, t).text) for t in (thing, thing.nearer(eye, 0.7)))
    assert np.abs(one - two).max() < 0.02


def test_notes_say_what_one_picture_does_not_tell() -> None:
    program = parse(BALL)
    level = pyramid(load(picture(BALL)), [(64, 0.0)])[0]
    sentences = undetermined(program, level)
    assert 1 <= len(sentences) <= 3
    assert "size of a solid from its distance" in sentences[0]
    assert "sphere.radius" in sentences[0] and "move.z" in sentences[0]


def test_two_pictures_tell_a_size_from_a_distance() -> None:
    cameras = ["orbit(fixed(0), fixed(20), fixed(4))", "orbit(fixed(80), fixed(20), fixed(4))"]
    bare = BALL.replace("orbit(fixed(0), fixed(20), fixed(4))\n", "")
    images = [picture(bare.replace("light", f"{camera}\nlight", 1)) for camera in cameras]
    joint, views = joint_problem(parse(bare), None, images, cameras, False, None, None, None, 64)
    level = joint_levels(views, [(64, 0.0)])[0]
    assert not any("distance" in s for s in undetermined(joint.programs[0], level, joint))


def test_two_solids_are_found() -> None:
    found = fit(picture(PAIR, 96), seconds=8.0, dimension=3)
    assert found.psnr > 30.0
    assert "sphere(" in found.program.text and "box(" in found.program.text
    assert "param(" not in found.program.text and "fixed(" not in found.program.text


def test_a_transparent_background_stays(tmp_path) -> None:  # type: ignore[no-untyped-def]
    text = "scene 3d(background = none)\norbit(0, 20, 4, fov = 35)\nlight((-0.5, 0.8, 0.6), intensity = 0.8)\nsphere(0.6).paint(#3090c0)\n"
    found = fit(picture(text, 48, alpha=True), seconds=4.0, dimension=3)
    assert found.psnr > 25.0
    assert "background = none" in found.program.text
    names = {path.name for path in found.save(tmp_path)}
    assert "drawing.svg" not in names and {"program.sdf", "shader.glsl", "preview.png"} <= names
    assert json.loads((tmp_path / "fit.json").read_text())["notes"] == found.notes


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (24, 24)])
def test_plain_pictures_are_a_background(size: tuple[int, int]) -> None:
    found = fit(np.full((*size, 3), 0.4), seconds=2.0, dimension=3)
    assert found.program.dimension == 3
    assert found.psnr > 40.0


def test_bad_options_are_told() -> None:
    with pytest.raises(ValueError, match="dimension"):
        fit(np.zeros((8, 8, 3)), dimension=4)
    with pytest.raises(ValueError, match="space"):
        fit(np.zeros((8, 8, 3)), dimension=3, style="paths")
