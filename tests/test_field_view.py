"""Pictures of fields: lines at the right distances, sides, and slopes that are no distance's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from render import field_picture
from render.field_view import INK, INSIDE, OUTSIDE, SEEN, spacing
from render.numpy_backend import pixel_centres
from shaderdsl import parse

CIRCLE = parse("circle(0.5).fill(#fff)")
BALL = parse("scene 3d()\nsphere(0.5).move(0, 0, 0.3)")
SIZE = 400


def is_warm(picture: Any) -> Any:
    """Where a colour is neither paper nor ink: those have no more red than a little above blue."""
    return picture[..., 0] - picture[..., 2] > 0.1


def shown(program: Any, **options: Any) -> Any:
    """The part above the legend."""
    picture = field_picture(program, SIZE, **options)
    assert picture.dtype == np.float32 and picture.shape[1:] == (SIZE, 3) and picture.shape[0] > SIZE + 10
    assert picture.min() >= 0.0 and picture.max() <= 1.0
    return picture[:SIZE]


@pytest.mark.parametrize(
    ("program", "options", "distance"),
    [
        (CIRCLE, {}, lambda r: r - 0.5),
        (BALL, {"slice": "z=0.1"}, lambda r: np.hypot(r, 0.2) - 0.5),
        (parse("circle(0.2).fill(#fff)\ncircle(0.5).fill(#000)"), {}, lambda r: r - 0.5),
    ],
)
def test_lines_lie_where_the_distance_is_a_multiple(program: Any, options: Any, distance: Any) -> None:
    picture = shown(program, **options)
    x, y = (1.25 * v for v in pixel_centres((SIZE, SIZE)))
    value = distance(np.hypot(x, y))
    pixel = 2.5 / SIZE
    step = spacing(1.25)
    assert step == pytest.approx(0.1)
    dark = picture.mean(-1)
    surface = np.abs(value) < 0.3 * pixel
    np.testing.assert_allclose(picture[surface], np.broadcast_to(INK, (surface.sum(), 3)), atol=1e-6)
    lines = np.abs(value - step * np.rint(value / step))
    steep = np.hypot(x, y) > 0.1  # nearer to the middle of the slice the field is flat, and lines fade
    on, off = steep & (lines < 0.1 * pixel), lines > 2.5 * pixel
    assert on.sum() > 100 and dark[on].max() < 0.8 < dark[off].min()
    bold = on & (np.abs(value - 5 * step * np.rint(value / step / 5)) < 0.1 * pixel)
    thin, bold = on & ~bold & (value > pixel), bold & (value > pixel)
    assert thin.sum() > 20 and bold.sum() > 20 and dark[bold].max() < dark[thin].min()


def test_inside_and_outside_are_tinted() -> None:
    picture = shown(CIRCLE, extent=1.0)
    np.testing.assert_allclose(picture[SIZE // 2 + 5, SIZE // 2 + 5], INSIDE, atol=1e-6)
    np.testing.assert_allclose(picture[8, 8], OUTSIDE, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "slice"),
    [
        ("circle(0.5).fill(#fff)\nbox(0.2, 0.3).round(0.1).rotate(20).move(0.7, 0.3).fill(#000)", None),
        ("scene 3d()\nbox(0.3, 0.4, 0.5).rotate(10, 20, 30)\ntorus(0.8, 0.1)\nplane(-0.7)", "z=0.1"),
    ],
)
def test_an_exact_field_has_no_heat(text: str, slice: str | None) -> None:
    assert not is_warm(shown(parse(text), slice=slice)).any()


def test_heat_is_where_the_slope_is_not_1() -> None:
    # Half a ball's slope along y is 1; along x, where it is stretched twice, it is a half.
    picture = shown(parse("scene 3d()\nsphere(0.3).scale(2, 1, 1)"), extent=1.0)
    middle = SIZE // 2
    assert is_warm(picture[middle, 20:-20]).mean() > 0.8
    assert not is_warm(picture[:80, middle]).any()
    assert not is_warm(picture[-80:, middle]).any()
    # The more it differs, the less of blue or green is left.
    steep = shown(parse("scene 3d()\nsphere(0.2).scale(4, 1, 1)"), extent=1.0)
    assert np.median(steep[middle, 20:60, 1]) < np.median(picture[middle, 20:60, 1]) - 0.05
    assert SEEN < 0.1


def test_slices_are_seen_from_their_axis() -> None:
    # A ball at +x, one at +y, and one at +z, of three sizes.
    program = parse("scene 3d()\nsphere(0.1).move(0.6, 0, 0)\nsphere(0.2).move(0, 0.6, 0)\nsphere(0.3).move(0, 0, 0.6)")

    def tinted(slice: str) -> dict[str, float]:
        picture = shown(program, slice=slice, extent=1.0)
        inside = np.abs(picture - INSIDE).max(-1) < 0.01
        x, y = pixel_centres((SIZE, SIZE))
        parts = {"right": x > 0.3, "left": x < -0.3, "up": y > 0.3, "down": y < -0.3}
        return {name: inside[part].mean() for name, part in parts.items() if inside[part].any()}

    assert set(tinted("z=0")) == {"right", "up"} and set(tinted("x = 0")) == {"left", "up"} and set(tinted("y=0.0")) == {"right", "down"}
    found = tinted("z=0")
    assert found["up"] > 2 * found["right"]
    assert tinted("z=-2") == {}


def test_legends_fit_below_whatever_the_width() -> None:
    for width in (200, 500, 900):
        picture = field_picture(BALL, (width, 100))
        legend = picture[100:]
        assert legend.shape[1] == width and (legend[:, -2:] == 1.0).all() and (legend < 0.5).any()


@pytest.mark.parametrize(
    ("text", "options", "words"),
    [
        ("circle(0.5).fill(#fff)", {"slice": "z=0"}, "no slices"),
        ("scene 3d()\nsphere(0.5)", {"slice": "w=0"}, "like z=0.1"),
        ("scene 3d()\nsphere(0.5)", {"slice": "z"}, "like z=0.1"),
        ("scene 3d()\nsphere(0.5)", {"extent": 0.0}, "positive"),
        ("scene 3d()\nsphere(0.5)", {"size": 0}, "at least 1x1"),
        ("scene 3d()", {}, "no solid"),
        ("scene 2d()", {}, "no shape"),
    ],
)
def test_what_can_not_be_is_told_in_one_sentence(text: str, options: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        field_picture(parse(text), **options)
