"""Traced outlines of fields: where they lie, where they turn, how they close."""

from __future__ import annotations

import numpy as np
import pytest

from render.svg_figures import flattened, signed_area
from render.tracing import TOLERANCE, Field, trace

LOW, HIGH = (-1.0, -1.0), (1.0, 1.0)


def disk(radius: float, x: float = 0.0, y: float = 0.0) -> Field:
    def field(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        away = points - np.array([x, y])
        size = np.hypot(away[:, 0], away[:, 1])
        return size - radius, away / np.maximum(size, 1e-12)[:, None]

    return field


def half_plane(nx: float, ny: float, offset: float) -> Field:
    return lambda points: (points @ np.array([nx, ny]) - offset, np.tile([nx, ny], (len(points), 1)))


def nearest(*fields: Field, inside: bool = False) -> Field:
    """The union of fields, or what is inside all of them."""

    def field(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = (np.stack(part) for part in zip(*(f(points) for f in fields)))
        which = values.argmax(0) if inside else values.argmin(0)
        return values[which, np.arange(len(points))], gradients[which, np.arange(len(points))]

    return field


@pytest.mark.parametrize("radius", [0.9, 0.3, 0.02])
def test_a_disk(radius: float) -> None:
    (commands,) = trace(disk(radius, 0.01, -0.02), LOW, HIGH, 1.0)
    (loop,) = flattened(commands)
    assert np.abs(np.hypot(loop[:, 0] - 0.01, loop[:, 1] + 0.02) - radius).max() < 1.5 * TOLERANCE
    assert signed_area(loop) == pytest.approx(np.pi * radius**2, rel=2e-2 if radius < 0.1 else 2e-3)
    assert 4 <= len(commands) < 30 and {command[0] for command in commands} == {"M", "Q", "Z"}


def test_corners_are_sharp() -> None:
    tilt = 0.3
    sides = [half_plane(np.cos(tilt + k * np.pi / 2), np.sin(tilt + k * np.pi / 2), 0.4) for k in range(4)]
    (commands,) = trace(nearest(*sides, inside=True), LOW, HIGH, 1.0)
    assert [command[0] for command in commands] == ["M", "L", "L", "L", "Z"]
    corners = np.array([command[1] for command in commands[:-1]])
    np.testing.assert_allclose(np.hypot(corners[:, 0], corners[:, 1]), 0.4 * np.sqrt(2.0), atol=3e-5)


def test_holes_run_clockwise() -> None:
    def ring(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        size = np.hypot(points[:, 0], points[:, 1])
        return np.abs(size - 0.5) - 0.1, points / size[:, None] * np.sign(size - 0.5)[:, None]

    areas = [signed_area(flattened(commands)[0]) for commands in trace(ring, LOW, HIGH, 1.0)]
    assert sorted(areas) == pytest.approx([-np.pi * 0.16, np.pi * 0.36], rel=1e-3)


def test_what_goes_on_is_closed_at_the_border() -> None:
    (commands,) = trace(half_plane(1.0, 0.0, 0.25), LOW, HIGH, 1.0)
    assert signed_area(flattened(commands)[0]) == pytest.approx(1.25 * 2.0, abs=0.01)
    (commands,) = trace(half_plane(1.0, 0.0, 5.0), (-1.0, -0.5), (1.0, 0.5), 1.0)
    assert signed_area(flattened(commands)[0]) == pytest.approx(2.0, abs=0.01)


def test_nothing_has_no_outline() -> None:
    assert trace(half_plane(1.0, 0.0, -5.0), LOW, HIGH, 1.0) == []


def test_an_outline_is_followed_where_the_field_jumps() -> None:
    """Deep inside the disk a cut without any warning: no slope tells of it."""

    def cut(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        values, gradients = disk(0.8)(points)
        return np.where(points[:, 0] > 0.123, 1.0, values), gradients

    (commands,) = trace(cut, LOW, HIGH, 1.0)
    loop = flattened(commands)[0]
    assert np.abs(loop[:, 0].max() - 0.123) < 1e-3
    half = 0.8**2 * np.arccos(-0.123 / 0.8) + 0.123 * np.sqrt(0.8**2 - 0.123**2)
    assert signed_area(loop) == pytest.approx(half, rel=2e-3)
