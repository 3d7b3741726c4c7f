"""Numbers of solids found again from pictures: one, several, and of silhouettes, normals and depths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import refine
import render
from refine.descents import Coordinates
from refine.views import with_camera
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import Program, parse

SIDE = 64
SCENE = parse(
    "scene 3d(background = #e0e4ea)\nlight((fixed(0.4), fixed(0.8), fixed(0.5)), intensity = fixed(0.8))\nambient(fixed(0.25))\n"
    "union(sphere(0.4).move(-0.3, 0.1, 0), box(0.3, 0.25, 0.2).move(0.35, -0.1, 0.1), smooth = 0.1).paint(#c8553d)"
)
CAMERAS = ["orbit(20, 20, 4, fov = 35)", "orbit(130, 10, 4, fov = 35)"]


def pictures(program: Program = SCENE) -> list[Any]:
    return [render.image(with_camera(program, camera), SIDE) for camera in CAMERAS]


def moved(program: Program, by: float = 0.03) -> Program:
    """The program with its numbers thrown about."""
    free = Coordinates(program).trainable
    step = by * np.random.default_rng(1).normal(size=len(program.params)) * free
    return program.with_params(np.clip(program.params + step, program.structure.low, program.structure.high))


def shown(what: str) -> list[Any]:
    """(h, w, 4) for each camera: what `what` makes of the scene."""
    found = []
    for camera in CAMERAS:
        program = with_camera(SCENE, camera)
        found.append(SolidBatch.of([(solid_tape_of(program).showing(what), program.params)]).images((SIDE, SIDE))[0])
    return found


def lengths(program: Program) -> dict[str, float]:
    """The lengths of the solids, by name."""
    named = {info.name.partition(".")[2]: float(v) for v, info in zip(program.params, program.parameters) if info.kind == "length"}
    return {name: value for name, value in named.items() if not name.startswith("orbit")}


def lengths_off(program: Program) -> float:
    """How far the worst length is from what it was."""
    there, here = lengths(SCENE), lengths(program)
    assert there.keys() == here.keys()
    return max(abs(there[name] - here[name]) for name in there)


def test_numbers_are_found_in_one_picture() -> None:
    scene = with_camera(SCENE, "orbit(fixed(20), fixed(20), fixed(4), fov = fixed(35))")
    found = refine.optimize(moved(scene), render.image(scene, SIDE))
    assert found.psnr > 45.0


def test_numbers_are_found_in_two_pictures() -> None:
    found = refine.optimize(moved(SCENE), images=pictures(), cameras=CAMERAS)
    assert found.psnr > 45.0 and lengths_off(found.program) < 0.01


def test_cameras_are_found_too() -> None:
    wrong = ["orbit(23, 18, 4.1, fov = fixed(35))", "orbit(127, 12, 3.9, fov = fixed(35))"]
    fixed = refine.optimize(SCENE, images=pictures(), cameras=wrong)
    free = refine.optimize(SCENE, images=pictures(), cameras=wrong, fit_cameras=True)
    assert free.psnr > 40.0 and free.psnr > fixed.psnr + 5.0


@pytest.mark.parametrize("what", ["silhouettes", *(pytest.param(what, marks=pytest.mark.slow) for what in ("normals", "depths"))])
def test_numbers_are_found_in_what_is_known_besides(what: str) -> None:
    alpha = [picture[..., 3] for picture in shown("silhouette")]
    if what == "silhouettes":
        given = alpha
    elif what == "depths":
        given = [p[..., 0] / np.maximum(p[..., 3], 1e-6) * (p[..., 3] > 0.5) for p in shown("depth")]
    else:
        given = [(2.0 * p[..., :3] / np.maximum(p[..., 3:], 1e-6) - 1.0) * (p[..., 3:] > 0.5) for p in shown("normals")]
    start = moved(SCENE)
    found = refine.optimize(start, cameras=CAMERAS, **{what: given})
    # A mask has hard edges, which the picture of it has not.
    assert lengths_off(found.program) < 0.7 * lengths_off(start)


def test_views_that_contradict_each_other_end_between_them() -> None:
    other = pictures(parse(SCENE.text.replace("sphere(0.4)", "sphere(0.25)")))
    found = refine.optimize(SCENE, images=[pictures()[0], other[1]], cameras=CAMERAS)
    radius = next(v for v, info in zip(found.program.params, found.program.parameters) if "sphere" in info.name)
    assert 0.2 < radius < 0.45 and np.isfinite(found.psnr)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"images": [np.zeros((8, 8, 3))], "cameras": CAMERAS}, "1 images, 2 cameras"),
        ({"images": [np.zeros((8, 8, 3))] * 2}, "need cameras"),
        ({"images": []}, "as many"),
        ({"images": [np.full((8, 8, 3), np.nan)], "cameras": CAMERAS[:1]}, "not (a )?(finite )?number|NaN|nan"),
        ({"silhouettes": [np.zeros((8, 8))], "cameras": ["cube(3)"]}, "cube"),
        ({"depths": [np.zeros((8, 8))], "cameras": CAMERAS[:1]}, "positive"),
        ({"normals": [np.zeros((8, 8))], "cameras": CAMERAS[:1]}, "shape"),
    ],
)
def test_what_does_not_go_together_is_told(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        refine.optimize(SCENE, **options)
