"""Where rays meet surfaces: what a dense sampling of each ray finds, at grazing angles too, and whatever the steps are.

`pytest tests/test_marching.py`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from render import solid_numpy_march as marching
from render.numpy_backend import compiled, pixel_centres
from render.solid_numpy_field import Distances, Sight
from render.tapes import solid_tape_of
from shaderdsl import parse, solid_dual as dual
from shaderdsl.solid_tape import SolidTape
from shaderdsl.view import FAR, SHORTEST

GRAZED = {
    "a floor to the horizon": "camera(eye = (0, 0.15, 3), target = (0, 0.1, 0), fov = 40)\nplane(0)",
    "a wall seen edge on": "camera(eye = (0.31, 0.1, 4), target = (0.3, 0, 0), fov = 20)\nbox(0.3, 0.4, 2)",
    "spheres in a row": "camera(eye = (0, 0, 5), target = (0, 0, 0), fov = 25)\nsphere(0.2).repeat_grid(5, 5, 4, 0.7, 0.7, 0.9)",
    "a bound for a distance": "orbit(20, 10, distance = 4)\nbox(0.3, 0.6, 0.3).twist(120)\nsphere(0.3).displace(perlin(scale = 0.3), 0.15).move(0.9, 0, 0)",
    "parallel rays along a floor": "orthographic((0, 0.1, 6), target = (0, 0, 0), height = 2)\nplane(-0.9)\nsphere(0.3).move(0, 0.3, 0)",
}  # fmt: skip
SIDE = 18


def rays(text: str) -> tuple[SolidTape, npt.NDArray[np.float64], Sight]:
    """The rays of all pixels of a scene's picture."""
    program = parse(f"scene 3d\n{text}")
    tape = solid_tape_of(program)
    slots = tape.slot_values(program.params)
    x, y = (axis.ravel() for axis in pixel_centres((SIDE, SIDE)))
    camera = slots[tape.camera : tape.camera + len(dual.CAMERA)]
    values = [np.broadcast_to(v, x.shape) for v in compiled(dual.ray_rule())[0](x, y, 2.0 / SIDE, *camera)]
    return tape, slots, Sight(values, list(camera[3:9]))


@pytest.mark.parametrize("text", GRAZED.values(), ids=GRAZED)
def test_rays_meet_what_a_dense_sampling_meets(text: str) -> None:
    tape, slots, sight = rays(text)
    # What is passed near is a layer of its own, before what is met behind it.
    found = np.fmin.reduce(marching.march(tape, slots, sight).hit)
    distances = Distances(tape, slots)
    t, dense, deepest = np.zeros(SIDE**2), np.full(SIDE**2, np.nan), np.full(SIDE**2, np.inf)
    while (t < FAR).any():
        f = distances.at(sight.at(t))
        dense = np.where(np.isnan(dense) & (f <= 0.0) & (t < FAR), t, dense)
        deepest = np.minimum(deepest, f / np.maximum(sight.size(t), 1e-9))
        # A twentieth of a pixel, or a part of the distance where that is more, as no surface is nearer than that.
        t = t + np.maximum(0.05 * sight.size(t), 0.2 * np.abs(f) / tape.lipschitz)
    # What is touched by less than the least step may be passed near instead.
    plain = np.abs(deepest) > SHORTEST
    assert plain.mean() > 0.7 and 0.05 < np.isfinite(dense[plain]).mean() < 0.95
    assert np.array_equal(np.isfinite(found[plain]), np.isfinite(dense[plain]))
    both = plain & np.isfinite(dense)
    assert (np.abs(found - dense)[both] < SHORTEST * sight.size(dense)[both]).all()


@pytest.mark.parametrize("text", GRAZED.values(), ids=GRAZED)
def test_long_steps_find_what_short_ones_do_in_fewer_samples(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tape, slots, sight = rays(text)
    samples = []
    at = Distances.at
    monkeypatch.setattr(Distances, "at", lambda self, point: samples.append(len(point[0])) or at(self, point))
    long, with_long = marching.march(tape, slots, sight), sum(samples)
    samples.clear()
    monkeypatch.setattr(marching, "RELAXATION", 0.0)
    short, with_short = marching.march(tape, slots, sight), sum(samples)
    for name in ("hit", "low", "high"):
        np.testing.assert_array_equal(getattr(long, name), getattr(short, name))
    assert with_long < with_short
