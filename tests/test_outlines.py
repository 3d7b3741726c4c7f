"""Outlines: sub-pixel contours, and curves of few control points through them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from refine.outlines import (
    find_corners,
    fit_curve,
    flatten,
    path_from_outlines,
    resample,
    simplify,
    trace_outlines,
)
from refine.sketch import Path, Polygon
from refine.sketch_coverage import coverage

Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]


def sampled(inside: Inside, size: int = 64) -> np.ndarray:
    """Area coverage of a predicate over x (columns) and y (rows)."""
    y, x = (np.mgrid[: size * 8, : size * 8] + 0.5) / 8
    return np.asarray(inside(x, y).reshape(size, 8, size, 8).mean((1, 3)))


def disc(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(np.hypot(x - 30.3, y - 31.2) < 20.5)


def test_traced_outline_lies_on_the_true_edge() -> None:
    (outline,) = trace_outlines(sampled(disc))
    away = np.hypot(*(outline.points - (30.3, 31.2)).T)
    assert np.abs(away - 20.5).max() < 0.2
    assert outline.area == pytest.approx(np.pi * 20.5**2, rel=0.01)


def test_holes_have_negative_area_and_specks_are_left_out() -> None:
    mask = sampled(disc) * (1 - sampled(lambda x, y: np.hypot(x - 30, y - 31) < 9))
    mask[2, 60] = 0.6
    areas = [outline.area for outline in trace_outlines(mask)]
    assert len(areas) == 2
    assert areas[0] > 0 > areas[1]


def test_hidden_parts_of_an_outline_weigh_little() -> None:
    known = np.ones((64, 64), bool)
    known[:, 32:] = False
    (outline,) = trace_outlines(sampled(disc), known)
    assert (outline.weights[outline.points[:, 0] > 33] < 0.1).all()
    assert (outline.weights[outline.points[:, 0] < 31] == 1).all()


def test_simplify_keeps_what_deviates() -> None:
    points = np.array([(0, 0), (1, 0.1), (2, 0), (3, 2), (4, 0)], float)
    assert simplify(points, 0.5, []) == [0, 2, 3, 4]
    assert simplify(points, 5.0, [1]) == [0, 1, 4]


def test_resampling_spaces_points_evenly() -> None:
    points = resample(np.array([(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)]), 1.0, closed=False)
    steps = np.hypot(*np.diff(points, axis=0).T)
    assert len(points) == 20
    assert steps.max() < 1.2
    assert points[0].tolist() == [0, 0] and points[-1].tolist() == [10, 10]


def test_a_disc_has_no_corners_and_a_small_disc_neither() -> None:
    for radius in (4.0, 8.0, 20.0):
        (outline,) = trace_outlines(sampled(lambda x, y, r=radius: np.hypot(x - 31.6, y - 32.1) < r))
        assert find_corners(outline.points, closed=True) == []


def test_a_triangle_is_three_points_near_its_corners() -> None:
    (outline,) = trace_outlines(sampled(lambda x, y: (y > 10) & (y < 50) & (np.abs(x - 30) < (y - 10) * 0.5)))
    shape = path_from_outlines([outline])
    assert isinstance(shape, Polygon)
    assert len(shape.points) == 3
    for corner in ((30, 10), (10, 50), (50, 50)):
        assert min(np.hypot(x - corner[0], y - corner[1]) for x, y in shape.points) < 0.8


def test_a_disc_is_a_few_control_points_off_the_curve() -> None:
    mask = sampled(disc)
    shape = path_from_outlines(trace_outlines(mask))
    assert isinstance(shape, Path)
    assert len(shape.contours[0]) <= 8
    assert not any(on for _, _, on in shape.contours[0])
    assert np.abs(coverage(shape, (64, 64)) - mask).sum() < 0.02 * mask.sum()


def test_lines_and_curves_mix_with_corners_where_they_meet() -> None:
    def half(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((np.hypot(x - 30, y - 30) < 20) & (y < 33))

    mask = sampled(half)
    shape = path_from_outlines(trace_outlines(mask))
    assert isinstance(shape, Path)
    on = [(x, y) for x, y, flag in shape.contours[0] if flag]
    assert len(on) == 2
    assert all(abs(y - 33) < 0.6 for _, y in on)
    assert np.abs(coverage(shape, (64, 64)) - mask).sum() < 0.03 * mask.sum()


def test_an_open_curve_keeps_its_ends() -> None:
    t = np.linspace(0, np.pi, 80)
    points = np.stack([30 + 20 * np.cos(t), 30 + 20 * np.sin(t)], 1)
    curve = fit_curve(points, closed=False)
    assert curve.on[0] and curve.on[-1] and not curve.on[1:-1].any()
    assert np.hypot(*(curve.points[0] - points[0])) < 0.3
    drawn = flatten(curve.vertices(), closed=False)
    assert np.abs(np.hypot(*(drawn - 30).T) - 20).max() < 0.6
    assert len(curve.points) <= 7


def test_flatten_follows_the_true_type_rule() -> None:
    # Four control points off the curve: the implied points half way between them are on it.
    points = flatten(((0, 0, False), (2, 0, False), (2, 2, False), (0, 2, False)), closed=True, steps=2)
    for middle in ((1, 0), (2, 1), (1, 2), (0, 1)):
        assert np.hypot(*(points - middle).T).min() < 1e-12
    # A single one between two points on the curve: the quadratic's own middle.
    curve = flatten(((0, 0, True), (1, 2, False), (2, 0, True)), closed=False, steps=2)
    assert curve.tolist() == [[0, 0], [1, 1], [2, 0]]
