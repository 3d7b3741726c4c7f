"""Fits in space: models and their texts, what a picture does not tell, and whole fits."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from refine import fit
from refine.ambiguity import undetermined
from refine.descents import Coordinates, pyramid, squared_error
from refine.solid_model import SIZES, TURNED, Model, Solid, Thing, angles_of, camera_frame, turn
from refine.solid_patches import Closeup, beneath, horizon_of, patches
from refine.solid_profiles import blocks, stacks
from refine.solid_shapes import plainer_things
from refine.solid_sharing import shared
from refine.solid_standing import standing
from refine.views import joint_levels, joint_problem
from render import field, image, psnr, resized, solid_taichi
from render.images import load
from render.tapes import solid_tape_of
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


@pytest.mark.parametrize(
    ("background", "light"),
    [("#101010", "ambient(1)"), ("#e8ecf2", "ambient(1)"), ("#e8ecf2", "light((0, 0.3, 1), intensity = 0.8)\nambient(0.25)")],
)
def test_a_rim_is_covered_as_far_as_its_light_says(background: str, light: str) -> None:
    text = BALL.replace("#e8ecf2", background).replace("light((0.5, 0.8, 0.4))", light)
    seen = np.concatenate([picture(text, 96), np.ones((96, 96, 1))], 2).astype(np.float64)
    covered = picture(text.replace(background, "none"), 96, alpha=True)[..., 3]
    mask, rim = covered > 0.3, (covered > 0.3) & (covered < 0.9)
    assert rim.sum() > 40
    view = Closeup.of(mask, mask, seen, np.broadcast_to(seen[:1, :1], seen.shape), 20.0)
    # Of what is written the share would be 0.14 off.
    assert np.abs((view.sheet[..., 3] - covered)[rim]).mean() < 0.03


def test_small_pictures_in_space_are_what_the_renderer_draws_small() -> None:
    seen = replace(load(picture(PAIR.replace("#e8ecf2", "#202830"), 192)), of_light=True)
    for side, floor in ((96, 46.0), (48, 40.0)):
        drawn = picture(PAIR.replace("#e8ecf2", "#202830"), side)
        as_light, as_written = (psnr(resized(replace(seen, of_light=kind), side).rgba[..., :3], drawn) for kind in (True, False))
        assert as_light > max(floor, as_written + 3.0), (side, as_light, as_written)


def test_nearer_and_smaller_looks_the_same() -> None:
    model = Model((0.2, 0.2, 0.2), 20.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), ())
    solid = Solid("box", (0.3, 0.2, 0.4), (20.0, 30.0, 10.0), (0.3, 0.2, 0.1))
    thing = Thing((solid,), (), (0.8, 0.3, 0.2))
    eye = camera_frame(model.elevation)[0]
    one, two = (picture(model.with_thing(0, t).text) for t in (thing, thing.nearer(eye, 0.7)))
    assert np.abs(one - two).max() < 0.02


@given(solids(), st.sampled_from([0.0, 90.0, 180.0, -90.0]), st.sampled_from([0.0, 90.0, 180.0]), st.floats(-180.0, 180.0))
@settings(max_examples=60, deadline=None)
def test_what_nearly_stands_is_made_to_stand(solid: Solid, about_x: float, about_z: float, about_y: float) -> None:
    """Plainer things are of the same shape: whatever kind is turned whichever way, their texts are programs."""
    if TURNED[solid.kind] == 3:
        stood = turn((about_x, 0.0, about_z))
        solid = replace(solid, angles=angles_of(turn((0.0, about_y, 0.0)) @ stood, 3))
    for plain in plainer_things(Thing((solid,), (), (0.5, 0.4, 0.3))):
        parse(Model((), 20.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), (plain,)).text)
        (same,) = plain.joined
        if same.kind == solid.kind:
            assert same.lowest == pytest.approx(solid.lowest, abs=0.03 * (1.0 + max(solid.sizes)))


@given(models())
@settings(max_examples=60, deadline=None)
def test_plainer_things_are_programs_of_as_many_numbers(model: Model) -> None:
    for thing in model.things:
        for plain in plainer_things(thing):
            simpler = replace(model, things=(plain,))
            np.testing.assert_allclose(simpler.program.params, simpler.numbers(), atol=1e-5)
            assert simpler.with_numbers(simpler.program.params).text == simpler.text


@given(solids())
@settings(max_examples=40, deadline=None)
def test_the_lowest_point_of_a_solid_is_where_its_field_ends(solid: Solid) -> None:
    sizes = [min(s, 0.5) for s in solid.sizes]
    if solid.kind == "torus":
        sizes[1] = min(sizes[1], 0.8 * sizes[0])
    if solid.kind == "cut_hollow_sphere":
        sizes[1:] = [min(sizes[1], 0.8 * sizes[0]), min(sizes[2], 0.3 * sizes[0])]
    solid = Solid(solid.kind, tuple(sizes), tuple(60.0 * a for a in solid.angles), (0.0, 0.1, 0.0))
    step = 0.03
    axis = np.arange(-1.2, 1.2, step)
    points = np.stack(np.meshgrid(axis, axis + 0.1, axis, indexing="ij"), -1).reshape(-1, 3)
    inside = points[field(parse("scene 3d\n" + solid.text()), points) <= 0.5 * step]
    if len(inside):
        assert abs(inside[:, 1].min() - solid.lowest) < 1.6 * step


def test_a_floor_ends_at_its_horizon() -> None:
    colours = np.zeros((40, 60, 3))
    colours[:] = 0.8
    colours[25:] = (0.3, 0.5, 0.2)
    colours[10:35, 20:30] = (0.9, 0.1, 0.1)
    upper, lower = (0.8, 0.8, 0.8), (0.3, 0.5, 0.2)
    assert horizon_of(colours, upper, lower) == pytest.approx(-0.25)
    slanted = np.where((np.arange(40)[:, None] > np.arange(60)[None, :] * 0.6)[..., None], lower, upper)
    assert horizon_of(slanted, upper, lower) is None


def test_what_stands_on_what() -> None:
    hat, body, bush = (np.zeros((40, 40), bool) for _ in range(3))
    hat[5:10, 10:20], body[10:30, 8:22], bush[22:32, 24:34] = True, True, True
    parts = [body, bush, hat]
    assert [beneath(parts, k) for k in range(3)] == [None, None, 0]


def test_things_stand_on_the_floor_and_on_each_other_and_look_the_same() -> None:
    def ball(place: tuple[float, float, float], radius: float) -> Thing:
        return Thing((Solid("sphere", (radius,), (), place),), (), (0.8, 0.3, 0.2))

    things = (ball((-0.5, -0.2, 0.0), 0.3), ball((0.5, -0.3, 0.0), 0.4), ball((-0.5, 0.5, 0.2), 0.15))
    model = Model((0.2, 0.2, 0.3), 20.0, (0.3, 0.9, 0.2, 0.8), 0.25, (-0.4, 0.6, 0.6, 0.6), things)
    stood = standing(model, [None, None, 0])
    lowest = [thing.lowest for thing in stood.things]
    assert lowest[:2] == pytest.approx([stood.floor[0]] * 2)
    np.testing.assert_allclose(stood.things[0].middle, things[0].middle)
    eye = camera_frame(20.0)[0]
    assert np.linalg.norm(stood.things[2].middle - eye) == pytest.approx(np.linalg.norm(stood.things[0].middle - eye))
    bare = [Model(m.background, 20.0, m.light, m.ambient, (), m.things) for m in (model, stood)]
    one, two = (picture(m.text) for m in bare)
    assert np.abs(one - two).max() < 0.02


def test_a_scene_that_is_turned_with_its_camera_looks_the_same() -> None:
    leaning = Thing((Solid("cylinder", (0.3, 0.4), (15.0, 0.0), (0.1, 0.2, 0.1)),), (), (0.8, 0.3, 0.2))
    block = Thing((Solid("box", (0.2, 0.2, 0.3), (15.0, 0.0, 0.0), (-0.5, -0.3, 0.0)),), (), (0.2, 0.5, 0.8))
    model = Model((0.2, 0.2, 0.3), 20.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), (leaning, block))
    level = model.levelled(0)
    assert level is not None and level.elevation == pytest.approx(35.0)
    assert level.things[0].joined[0].angles == () and level.things[1].joined[0].angles == pytest.approx((0.0,), abs=1e-6)
    assert np.abs(picture(model.text) - picture(level.text)).max() < 0.02
    assert level.levelled(0) is None and replace(model, floor=(-1.0, 0.5, 0.5, 0.5)).levelled(0) is None


def test_a_turned_thing_shows_in_its_outline() -> None:
    pieces = (Solid("sphere", (0.25,), (), (0.0, 0.45, 0.0)), Solid("cylinder", (0.1, 0.3), (), (0.0, 0.0, 0.0)), Solid("sphere", (0.35,), (), (0.0, -0.5, 0.0)))
    model = Model((), 5.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), (Thing(pieces, (), (0.8, 0.3, 0.2)),))
    seen = picture(model.text, 96, alpha=True).astype(np.float64)
    whole = seen[..., 3] > 0.5
    view = Closeup.of(whole, whole, seen, np.zeros_like(seen), 5.0)
    three = next(t for t in stacks(view, (0.7, 0.7, 0.7)) if len(t.joined) == 3)
    assert [s.kind for s in three.joined] == ["sphere", "cylinder", "sphere"]
    for found, solid in zip(three.joined, pieces[::-1]):
        np.testing.assert_allclose(found.place, solid.place, atol=0.08)
        assert found.sizes[0] == pytest.approx(solid.sizes[0], abs=0.06)


def test_blocks_show_in_their_outline() -> None:
    pieces = [("box", (0.12, 0.6, 0.15), (-0.3, 0.0, 0.0)), ("box", (0.4, 0.12, 0.15), (0.0, 0.48, 0.0)), ("box", (0.3, 0.12, 0.15), (-0.1, 0.0, 0.0))]
    letter = Thing(tuple(Solid(kind, sizes, (0.0,), place) for kind, sizes, place in pieces), (), (0.2, 0.4, 0.7))
    model = Model((), 4.0, (0.3, 0.9, 0.2, 0.8), 0.25, (), (letter,))
    seen = picture(model.text, 96, alpha=True).astype(np.float64)
    whole = seen[..., 3] > 0.5
    view = Closeup.of(whole, whole, seen, np.zeros_like(seen), 4.0)
    found = next(t for t in blocks(view, (0.7, 0.7, 0.7)) if len(t.joined) == 3 and t.joined[0].angles == (0.0,))
    for solid in letter.joined:
        assert min(np.abs(np.array(other.place[:2]) - solid.place[:2]).max() for other in found.joined) < 0.1


def test_numbers_that_may_as_well_be_equal_are_written_once() -> None:
    text = PAIR.replace("sphere(0.42)", "cylinder(0.42, 0.3)").replace("box(0.3, 0.35, 0.25).rotate(30).move(0.55, -0.1, 0)", "cylinder(0.2, 0.3).move(-0.5, 0.7, 0)")
    level = pyramid(load(picture(text)), [(64, 0.0)])[0]
    nearly = parse(text.replace("move(-0.5, 0.7, 0)", "move(-0.5003, 0.7, 0.004)"))
    free = Coordinates(nearly).trainable & np.array([".orbit." not in p.name for p in nearly.parameters])
    named = shared(nearly, free, level, 0.01, 8)
    assert "let x = " in named.text and "let z = " in named.text
    assert "let y" not in named.text
    assert len(named.params) < len(nearly.params)
    assert squared_error(named, level) < max(0.05, squared_error(nearly, level))
    kept = shared(nearly, np.zeros(len(nearly.params), bool), level, 0.01, 8)
    assert kept is nearly


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
    found = fit(picture(PAIR, 96), seconds=10.0, dimension=3)
    assert found.psnr > 27.0
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


@pytest.mark.parametrize("kind", SIZES)
def test_what_fits_try_needs_no_kernel_of_its_own(kind: str) -> None:
    """A fit's seconds are not for compiling: `prepare` loads the kernels of FAMILIES before."""
    one = Solid(kind, (0.3, 0.2, 0.15, 0.1)[: SIZES[kind]], (10.0, 20.0, 30.0)[: TURNED[kind]], (0.1, 0.0, 0.0))
    other = Solid("sphere", (0.2,), (), (0.3, 0.1, 0.0))
    thing = Thing((one, other), (other,), (0.5, 0.4, 0.3), (0.1, 0.4), (0.05,))
    model = Model((0.9, 0.9, 0.9), 20.0, (0.3, 0.8, 0.5, 0.8), 0.2, (-0.5, 0.8, 0.8, 0.8), (thing,))
    used = solid_tape_of(model.plain).used
    assert any(used <= family for family in solid_taichi._families())


def test_noise_that_nothing_explains_ends_as_a_picture() -> None:
    """What is left of three rows of transparent noise is an empty scene, which has no numbers at all."""
    noise = (np.random.default_rng(0).random((3, 500, 4)) * 255).astype(np.uint8)
    found = fit(noise, seconds=1, dimension=3)
    assert found.image.shape == (3, 500, 4)
    assert np.isfinite(found.psnr)
