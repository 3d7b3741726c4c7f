"""Segmentation: regions of drawn pictures and of noise, with and without antialiasing."""

from __future__ import annotations

import numpy as np
import pytest

from refine.regions import (
    affine_colours,
    affine_error,
    dissolve_blends,
    equal_colour_regions,
    merge_regions,
    region_moments,
    segment,
    undo_antialiasing,
)


def antialiased_disc(size: int = 48, radius: float = 15.3) -> np.ndarray:
    """A red disc on white, area-sampled."""
    fine = (np.mgrid[: size * 8, : size * 8] + 0.5) / 8 - size / 2
    inside = (np.hypot(*fine) < radius).reshape(size, 8, size, 8).mean((1, 3))[..., None]
    return np.asarray(inside * np.array([0.8, 0.1, 0.1]) + (1 - inside))


def test_undoing_antialiasing_leaves_two_colours_and_the_area() -> None:
    clean = undo_antialiasing(antialiased_disc())
    colours = {tuple(colour) for colour in clean.reshape(-1, 3).round(3).tolist()}
    assert colours == {(0.8, 0.1, 0.1), (1.0, 1.0, 1.0)}
    assert (clean[..., 1] < 0.5).sum() == pytest.approx(np.pi * 15.3**2, rel=0.02)


def test_undoing_antialiasing_keeps_thin_lines_and_weak_edges() -> None:
    line = np.ones((16, 16, 3))
    line[:, 8] = 0.0
    assert np.array_equal(undo_antialiasing(line), line)
    weak = np.full((16, 16, 3), 0.5)
    weak[:, 8:] = 0.51
    weak[:, 7] = 0.506
    assert np.array_equal(undo_antialiasing(weak), weak)


def test_equal_colour_regions_are_connected_and_numbered_from_zero() -> None:
    image = np.zeros((4, 5, 3))
    image[:, 2] = 1.0
    labels = equal_colour_regions(image)
    assert sorted(np.unique(labels).tolist()) == [0, 1, 2]
    assert labels[0, 0] != labels[0, 4]
    assert labels[0, 0] == labels[3, 1]


def test_affine_error_and_colours_recover_a_ramp() -> None:
    y, x = np.mgrid[:20, :30] + 0.5
    ramp = np.stack([0.01 * x, 0.02 * y, 0.3 + 0.005 * x - 0.004 * y], -1)
    moments = region_moments(ramp, np.zeros((20, 30), int))
    assert affine_error(moments, ridge=0.0)[0] == pytest.approx(0.0, abs=1e-8)
    constant, slope_x, slope_y = affine_colours(moments, (20, 30), ridge=0.0)[0]
    assert constant == pytest.approx([0.0, 0.0, 0.3], abs=1e-9)
    assert slope_x == pytest.approx([0.01, 0.0, 0.005])
    assert slope_y == pytest.approx([0.0, 0.02, -0.004])


def test_merging_keeps_true_regions_and_removes_noise() -> None:
    noise = np.random.default_rng(0).normal(0, 0.02, (40, 40, 3))
    truth = np.zeros((40, 40), int)
    truth[10:30, 5:20] = 1
    image = np.where(truth[..., None] == 1, 0.8, 0.2) + noise
    labels = next(merge_regions(image, equal_colour_regions(image), [0.05]))
    assert labels.max() == 1
    agreement = (labels == truth).mean()
    assert agreement in (0.0, 1.0)


def test_higher_thresholds_leave_fewer_regions_until_one_is_left() -> None:
    image = np.random.default_rng(1).random((24, 24, 3))
    counts = [int(labels.max()) + 1 for labels in segment(image, [0.01, 0.3, 3.0, 1e4], antialiasing=False)]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 10 and counts[-1] == 1


def test_a_ringing_edge_dissolves_into_its_sides() -> None:
    image = np.ones((20, 20, 3))
    image[:, 10:] = 0.1
    image[:, 10] = 0.5
    labels = np.zeros((20, 20), np.int64)
    labels[:, 10], labels[:, 11:] = 1, 2
    dissolved = dissolve_blends(image, labels, 0.02)
    assert dissolved.max() == 1
    assert dissolved[5, 9] != dissolved[5, 11]


def test_a_dark_outline_between_lighter_sides_does_not_dissolve() -> None:
    image = np.ones((20, 20, 3))
    image[:, 10:] = 0.7
    image[:, 10] = 0.0
    labels = np.zeros((20, 20), np.int64)
    labels[:, 10], labels[:, 11:] = 1, 2
    assert np.array_equal(dissolve_blends(image, labels, 0.02), labels)


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 9, 3), (8, 8, 4)])
def test_tiny_pictures_segment(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(2).random(shape)
    labels = next(segment(image, [0.02]))
    assert labels.shape == shape[:2]
    assert labels.min() == 0
