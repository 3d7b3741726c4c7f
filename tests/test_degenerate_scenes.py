"""Scenes at the ends of what there is: every backend draws a picture of finite numbers, and the same."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.agreement import batched, drawn, reference
from render import gl_backend, solid_numpy
from render.tapes import solid_tape_of
from shaderdsl import parse

SIZE = (20, 14)

SCENES = {
    "nothing": "scene 3d",
    "nothing on nothing": "scene 3d(background = none)",
    "a camera in a solid": "scene 3d\norbit(0, 0, 0.3)\nsphere(0.5)",
    "a camera on a surface": "scene 3d\ncamera((0, 0, 0.5), (0, 0, 0))\nsphere(0.5)",
    "a camera at its target": "scene 3d\ncamera((0, 0, 3), (0, 0, 3))\nsphere(0.5)",
    "a camera that looks straight down": "scene 3d\norbit(0, 90, 3)\nbox(0.4, 0.3, 0.2)",
    "a camera along a floor": "scene 3d\ncamera((0, 0, 3), (0, 0, 0))\nplane(0)",
    "a camera in a room": "scene 3d\norbit(0, 0, 0.5)\n(box(2, 2, 2) - box(1.5, 1.5, 1.5)).paint(#c8553d)\nlamp((0, 1, 0))",
    "sizes of zero": "scene 3d\nsphere(0)\nbox(0, 0, 0).move(0.4, 0, 0)\ncylinder(0, 0).move(-0.4, 0, 0)\ntorus(0, 0).move(0, 0.4, 0)",
    "a plate without thickness": "scene 3d\norbit(20, 20)\nbox(0.5, 0.5, 0)",
    "scaled to nothing": "scene 3d\nsphere(0.5).scale(0.001)",
    "far away": "scene 3d\nsphere(0.5).move(0, 0, -5000)",
    "behind the camera": "scene 3d\nsphere(0.5).move(0, 0, 50)",
    "larger than the world": "scene 3d\nsphere(1000).move(0, -1000.5, 0)",
    "one in another's place": "scene 3d\nbox(0.4, 0.4, 0.4).paint(#ff0000)\nbox(0.4, 0.4, 0.4).paint(#0000ff)",
    "a solid without itself": "scene 3d\nlet ball = sphere(0.5)\nball - ball",
    "a light from nowhere": "scene 3d\nlight((0, 0, 0))\nsphere(0.5)",
    "a lamp in a solid": "scene 3d\nlamp((0, 0, 0))\nsphere(0.5)",
    "no light at all": "scene 3d\nlight((0, 1, 0), intensity = 0)\nsphere(0.5)",
    "a torus that swallows itself": "scene 3d\norbit(20, 30)\ntorus(0.2, 0.5)",
}
UNSTEADY = ("a camera on a surface", "one in another's place", "a solid without itself", "a camera along a floor")
"""Those in which backends may differ: which of two equals is nearer is not said."""


@pytest.mark.parametrize("name", SCENES)
def test_there_is_a_picture_and_a_derivative(name: str) -> None:
    program = parse(SCENES[name])
    image, jacobian = solid_numpy.picture(solid_tape_of(program), program.params, SIZE, jacobian=True)
    assert jacobian is not None
    assert np.isfinite(image).all() and np.isfinite(jacobian).all()
    assert image.min() >= -1e-6


def test_batches_show_the_same() -> None:
    programs = [parse(text) for text in SCENES.values()]
    for name, program, image in zip(SCENES, programs, batched(programs, SIZE)):
        assert np.isfinite(image).all(), name
        if name not in UNSTEADY:
            assert (np.abs(image - reference(program, SIZE)).max(2) > 1 / 255).mean() <= 0.01, name


@pytest.mark.skipif(not gl_backend.available(), reason="there is no OpenGL here")
@pytest.mark.parametrize("name", SCENES)
def test_opengl_shows_the_same(name: str) -> None:
    program = parse(SCENES[name])
    image = drawn(program, SIZE)
    assert np.isfinite(image).all()
    if name not in UNSTEADY:
        assert (np.abs(image - reference(program, SIZE)).max(2) > 1 / 255).mean() <= 0.01
