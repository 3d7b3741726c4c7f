"""Cameras on orbits, and films of pictures."""

from __future__ import annotations

import io
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image

from render import SaveError, animation, batch, orbited
from render.orbits import orbit_of, turntable
from shaderdsl import parse

SOLIDS = "box(0.5, 0.3, 0.4).paint(#c8553d)\nsphere(0.3).move(0.4, 0.4, 0.2).paint(#4477aa)"
CAMERAS = {
    "": (30.0, 25.0, 4.0),
    "orbit(100, -10, 3, (0.1, 0.2, 0.3), fov = 50)": (100.0, -10.0, 3.0),
    "camera((0.1, 0, 3), (0.1, 0, 0), fov = 30)": (0.0, 0.0, 3.0),
    "let c = orthographic((3, 0, 0), height = 2)\nc": (90.0, 0.0, 3.0),
    "def from(x) = camera((x, 2, 0), fov = 40)\nfrom(-2)": (-90.0, 45.0, 8**0.5),
}


@pytest.mark.parametrize(("camera", "place"), CAMERAS.items())
def test_every_camera_has_its_orbit_and_looks_the_same_on_it(camera: str, place: tuple[float, ...]) -> None:
    program = parse(f"scene 3d(background = #202830)\n{SOLIDS}\n{camera}")
    orbit = orbit_of(program)
    np.testing.assert_allclose((orbit.azimuth, orbit.elevation, orbit.distance), place, atol=1e-5)
    here = orbited(program)
    np.testing.assert_allclose(*batch([program, here], 40), atol=1e-3)
    assert orbited(here, azimuth=77) == orbited(program, azimuth=77)


def test_an_orbit_moves_the_camera_around_its_target() -> None:
    program = parse(f"scene 3d()\ncamera((2, 1, 3), (0.2, 0.1, 0))\n{SOLIDS}")
    for options in ({"azimuth": 200.0}, {"elevation": -30.0}, {"distance": 9.0}):
        before, after = orbit_of(program), orbit_of(orbited(program, **options))
        for name in ("azimuth", "elevation", "distance"):
            found = (getattr(after, name) - options.get(name, getattr(before, name)) + 180) % 360 - 180
            assert abs(found) < 1e-4
        np.testing.assert_allclose(after.target, before.target, atol=1e-6)
        assert after.seen == pytest.approx(before.seen)


def test_what_turns_with_the_camera_looks_alike() -> None:
    turned = parse(f"scene 3d()\nambient(1)\norbit(60, 20, 4)\n({SOLIDS.splitlines()[0]}).rotate(30)")
    still = parse(f"scene 3d()\nambient(1)\norbit(0, 20, 4)\n{SOLIDS.splitlines()[0]}")
    np.testing.assert_allclose(*batch([turned, orbited(still, azimuth=30)], 40), atol=2 / 255)


def test_a_turntable_goes_around_once_from_where_the_camera_is() -> None:
    program = parse(f"scene 3d()\norbit(10, 20, 4)\n{SOLIDS}")
    places = [orbit_of(p).azimuth % 360 for p in turntable(program, 4)]
    np.testing.assert_allclose(places, [10, 100, 190, 280], atol=1e-4)


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("circle(0.5).fill(#fff)", {}, "scene 3d"),
        ("scene 3d()\nsphere(0.5)", {"elevation": 91.0}, "-90 to 90"),
        ("scene 3d()\nsphere(0.5)", {"distance": 0.0}, "positive"),
        ("scene 3d()\nsphere(0.5)", {"azimuth": float("nan")}, "degrees"),
    ],
)
def test_orbits_that_there_are_not(text: str, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        orbited(parse(text), **options)


def frames(count: int = 6) -> list[Any]:
    """A white square that moves over a grey slope."""
    result = []
    for k in range(count):
        frame = np.repeat(np.linspace(40, 160, 31).astype(np.uint8)[None, :, None], 20, 0).repeat(3, 2).copy()
        frame[5:10, 4 * k : 4 * k + 5] = 255
        result.append(frame)
    return result


def test_a_gif_shows_its_pictures() -> None:
    film = Image.open(io.BytesIO(animation.gif(frames(), 20.0)))
    assert film.n_frames == 6 and film.info["loop"] == 0 and film.info["duration"] == 50  # type: ignore[attr-defined]
    for k, frame in enumerate(frames()):
        film.seek(k)
        assert np.abs(np.asarray(film.convert("RGB")).astype(int) - frame).max() <= 8


def test_an_mp4_shows_its_pictures() -> None:
    av = pytest.importorskip("av")
    with av.open(io.BytesIO(animation.mp4(frames(), 20.0))) as film:
        shown = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert film.streams.video[0].average_rate == 20
    assert len(shown) == 6 and shown[0].shape == (20, 30, 3)
    for found, frame in zip(shown, frames()):
        assert np.abs(found.astype(int) - frame[:, :30]).mean() < 6


def test_an_mp4_without_av_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(SaveError, match=r"earthshader\[video\]"):
        animation.mp4(frames(), 20.0)


def test_a_sheet_has_rows_and_columns() -> None:
    page = animation.sheet(frames(5), 3)
    assert page.shape == (40, 93, 3) and page.dtype == np.uint8
    np.testing.assert_array_equal(page[20:, 31:62], frames(5)[4])
    assert (page[20:, 62:] == 255).all()
