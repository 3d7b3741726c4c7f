"""`render.image`, `jacobian`, `batch` and `field`: shapes, alpha, errors, and that they speak of the same picture."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from render import batch, field, image, jacobian
from render.pictures import MAX_JACOBIAN
from render.tapes import tape_of
from shaderdsl import parse

SIGN = parse("circle(0.7).fill(linear(#e0353f, #b3121d, start = (0, 0.7), end = (0, -0.7)))\nbox(0.5, 0.1).rotate(8).fill(#f0f0f0)")
GLASS = parse("scene 2d(background = none)\ncircle(0.5).fill(#f08010).opacity(0.25)")
ORANGE = np.array([240, 128, 16]) / 255.0
NOTHING = parse("scene 2d(background = #336699)")


@pytest.mark.parametrize("backend", ["gl", "taichi", "numpy", "auto"])
@pytest.mark.parametrize("program", [SIGN, GLASS, NOTHING])
def test_every_backend_draws_the_same(backend: Any, program: Any) -> None:
    picture = image(program, (41, 30), backend)
    assert picture.shape == (30, 41, 3) and picture.dtype == np.float32
    np.testing.assert_allclose(picture, image(program, (41, 30), "numpy"), atol=1 / 255)


@pytest.mark.parametrize("backend", ["gl", "taichi", "numpy"])
def test_transparency_is_shown_over_white_or_as_straight_alpha(backend: Any) -> None:
    np.testing.assert_allclose(image(GLASS, 9, backend)[4, 4], 0.75 + 0.25 * ORANGE, atol=1e-3)
    straight = image(GLASS, 9, backend, alpha=True)
    assert straight.shape == (9, 9, 4)
    np.testing.assert_allclose(straight[4, 4], (*ORANGE, 0.25), atol=1e-3)
    np.testing.assert_array_equal(straight[0, 0], 0.0)
    np.testing.assert_array_equal(image(SIGN, 9, backend, alpha=True)[..., 3], 1.0)


@pytest.mark.parametrize("program", [SIGN, GLASS])
def test_the_jacobian_is_the_pictures_derivative_in_written_units(program: Any) -> None:
    picture, derivative = jacobian(program, (24, 20))
    assert picture.shape == (20, 24, 3) and derivative.shape == (20, 24, 3, len(program.params))
    np.testing.assert_allclose(picture, image(program, (24, 20), "numpy"), atol=1e-3)
    for index, info in enumerate(program.parameters):
        step = np.zeros(len(program.params))
        step[index] = 1e-2 if info.name.endswith("angle") else 1e-4
        ahead, behind = (image(program.with_params(program.params + s), (24, 20), "numpy") for s in (step, -step))
        difference = (ahead.astype(np.float64) - behind) / (2.0 * step[index])
        error = np.linalg.norm(difference - derivative[..., index])
        assert error <= 0.01 * np.linalg.norm(difference) + 1e-2, info.name


def test_a_batch_is_its_pictures_however_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    programs = [SIGN, GLASS, NOTHING, SIGN.with_params(SIGN.params * 0.9)]
    whole = batch(programs, (12, 10))
    assert whole.shape == (4, 10, 12, 3) and whole.dtype == np.float32
    for program, picture in zip(programs, whole):
        np.testing.assert_allclose(picture, image(program, (12, 10), "taichi"), atol=1e-5)
    monkeypatch.setattr("render.pictures._BATCH_BYTES", 16 * 12 * 10 * 3)
    np.testing.assert_array_equal(batch(programs, (12, 10)), whole)
    assert batch([], 8).shape == (0, 8, 8, 3)


def test_the_field_of_one_shape_and_of_several() -> None:
    points = [[0.0, 0.0], [0.5, 0.0], [2.0, 0.0], [0.0, 0.5]]
    one = field(parse("circle(0.5)"), points)
    assert one.dtype == np.float64
    np.testing.assert_allclose(one, [-0.5, 0.0, 1.5, 0.0], atol=1e-12)
    both = field(parse("circle(0.5)\nbox(0.1, 0.1).move(2, 0)"), points)
    np.testing.assert_allclose(both, [-0.5, 0.0, -0.1, 0.0], atol=1e-12)
    np.testing.assert_array_equal(field(NOTHING, points), np.inf)
    assert field(SIGN, np.zeros((0, 2))).shape == (0,)
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        field(SIGN, [0.0, 0.0])


def test_sizes_that_people_give() -> None:
    for size in (8, np.int64(8), [8, 8], np.array([8, 8])):
        assert image(SIGN, size, "numpy").shape == (8, 8, 3)  # type: ignore[arg-type]
    wrong: list[Any] = [0, -3, 2.5, "8x8", None, (8,), (8, 8, 8), (8, 0), (1 << 20, 1 << 20)]
    for size in wrong:
        for draw in (lambda size: image(SIGN, size), lambda size: jacobian(SIGN, size), lambda size: batch([SIGN], size)):
            with pytest.raises(ValueError, match="pixels"):
                draw(size)
    side = int((MAX_JACOBIAN / 4 / len(SIGN.params)) ** 0.5) + 1
    with pytest.raises(ValueError, match="smaller size"):
        jacobian(SIGN, side)
    with pytest.raises(ValueError, match="no backend 'paper'"):
        image(SIGN, 8, "paper")  # type: ignore[arg-type]


def test_programs_of_one_structure_share_a_tape() -> None:
    assert tape_of(SIGN) is tape_of(SIGN.with_params(SIGN.params * 0.9))
    again = parse(SIGN.text)
    assert tape_of(again) is tape_of(parse(SIGN.text))  # a text seen before gives the structure that it gave
    assert tape_of(SIGN) is not tape_of(GLASS)


@pytest.mark.parametrize("turn", [0, 15, 45, 90, 137])
def test_curves_over_one_chord_leave_no_gap(turn: int) -> None:
    """A petal's two curves share their chord: a point on it, or within rounding of it, is inside all the same."""
    program = parse(f"path((-0.5, 0), curve(0.05, 0.5), (0.6, 0), curve(0.05, -0.5)).rotate({turn}).move(0, 0)")
    along = np.linspace(-0.4, 0.5, 400)
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    column, row = ((along * c + 1) * 50.5).astype(int), ((1 - along * s) * 50.5).astype(int)
    backends: tuple[Any, ...] = ("gl", "taichi", "numpy")
    for backend in backends:
        assert image(program, 101, backend)[row, column].max() < 0.01


def test_a_shadow_is_as_large_in_a_small_picture_as_in_a_large_one() -> None:
    """From above, under one light: the mean of the picture hardly depends on how many pixels it has."""
    program = parse(
        "scene 3d(background = #808080, tone = none)\northographic((0, 3, 0.001), height = 2)\n"
        "light((0.5, 0.8, 0.1), intensity = 0.6, shadow = 0.02)\nsphere(0.3).move(0, 0.2, 0)\nplane(-0.4)"
    )
    small, large = (float(np.mean(image(program, side, "numpy") ** 2.2)) for side in (12, 96))
    assert abs(small - large) < 0.01 * large
