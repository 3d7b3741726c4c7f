"""Shapes that explain masks, and whole sketches of small pictures."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from refine.primitives import shapes_for_mask
from refine.sketch import (
    Box,
    Circle,
    Difference,
    Ellipse,
    Flat,
    Linear,
    Outlined,
    Path,
    Polygon,
    Radial,
    Ring,
    Segment,
    Sketch,
    SketchLayer,
    Stroke,
    moved,
    number_count,
    shape_number_count,
    to_scene,
)
from refine.sketch_coverage import coverage
from refine.sketching import sketch

Inside = Callable[[np.ndarray, np.ndarray], np.ndarray]
SIZE = 64


def sampled(inside: Inside, size: tuple[int, int] = (SIZE, SIZE)) -> np.ndarray:
    """Area coverage of a predicate over scene coordinates (y up, the shorter side spans [-1, 1])."""
    height, width = size
    y, x = (np.mgrid[: height * 8, : width * 8] + 0.5) / 8
    scale = 2 / min(size)
    return np.asarray(
        inside((x - width / 2) * scale, (height / 2 - y) * scale).reshape(height, 8, width, 8).mean((1, 3))
    )


def line(ax: float, ay: float, bx: float, by: float, width: float) -> Inside:
    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along = np.clip(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2), 0, 1)
        return np.asarray(np.hypot(x - ax - along * (bx - ax), y - ay - along * (by - ay)) < width / 2)

    return inside


def turned_box(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    c, s = np.cos(np.radians(30)), np.sin(np.radians(30))
    return np.asarray((np.abs(c * x + s * y) < 0.7) & (np.abs(c * y - s * x) < 0.3))


def test_circle() -> None:
    best = shapes_for_mask(sampled(lambda x, y: np.hypot(x - 0.1, y + 0.2) < 0.5))[0]
    (circle,) = best.shapes
    assert isinstance(circle, Circle)
    assert circle.center == pytest.approx((0.1, -0.2), abs=0.01)
    assert circle.radius == pytest.approx(0.5, abs=0.01)
    assert best.numbers == 3
    assert best.area_error < 0.01


def test_turned_box_has_its_angle_counter_clockwise() -> None:
    (box,) = shapes_for_mask(sampled(turned_box))[0].shapes
    assert isinstance(box, Box)
    angle = box.angle if box.half_width > box.half_height else box.angle + 90
    assert (angle + 90) % 180 - 90 == pytest.approx(30, abs=1.5)
    assert sorted([box.half_width, box.half_height]) == pytest.approx([0.3, 0.7], abs=0.015)


def test_upright_rounded_box_needs_no_angle() -> None:
    def inside(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray(np.hypot(np.maximum(np.abs(x) - 0.5, 0), np.maximum(np.abs(y) - 0.3, 0)) < 0.2)

    (box,) = shapes_for_mask(sampled(inside))[0].shapes
    assert isinstance(box, Box)
    assert box.angle == 0
    assert (box.half_width, box.half_height) == pytest.approx((0.7, 0.5), abs=0.015)
    assert box.rounding == pytest.approx(0.2, abs=0.05)


def test_ellipse() -> None:
    (ellipse,) = shapes_for_mask(sampled(lambda x, y: np.hypot(x / 0.8, (y - 0.1) / 0.4) < 1))[0].shapes
    assert isinstance(ellipse, Ellipse)
    assert (ellipse.radius_x, ellipse.radius_y) == pytest.approx((0.8, 0.4), abs=0.015)


def test_ring_and_segment() -> None:
    (ring,) = shapes_for_mask(sampled(lambda x, y: np.abs(np.hypot(x, y) - 0.6) < 0.1))[0].shapes
    assert isinstance(ring, Ring)
    assert (ring.radius, ring.width) == pytest.approx((0.6, 0.2), abs=0.01)
    (segment,) = shapes_for_mask(sampled(line(-0.6, -0.4, 0.5, 0.6, 0.16)))[0].shapes
    assert isinstance(segment, Segment)
    assert segment.width == pytest.approx(0.16, abs=0.01)
    assert sorted([segment.a, segment.b])[0] == pytest.approx((-0.6, -0.4), abs=0.02)


def test_crossing_lines_are_one_segment_each() -> None:
    one, two = line(-0.7, 0, 0.7, 0.1, 0.15), line(0.1, -0.7, -0.1, 0.7, 0.15)
    best = shapes_for_mask(sampled(lambda x, y: one(x, y) | two(x, y)))[0]
    assert [type(shape) for shape in best.shapes] == [Segment, Segment]
    assert best.area_error < 0.05


def test_bent_line_is_one_stroke_with_a_corner() -> None:
    one, two = line(-0.6, 0.3, 0, -0.3, 0.14), line(0, -0.3, 0.6, 0.3, 0.14)
    best = shapes_for_mask(sampled(lambda x, y: one(x, y) | two(x, y)))[0]
    (stroke,) = best.shapes
    assert isinstance(stroke, Stroke)
    assert [on for _, _, on in stroke.points] == [True, True, True]
    assert stroke.points[1][:2] == pytest.approx((0, -0.3), abs=0.03)


def test_square_ends_are_told_from_round_ones() -> None:
    def bracket(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return np.asarray((np.abs(np.hypot(x, y) - 0.6) < 0.08) & (x > 0))

    (stroke,) = shapes_for_mask(sampled(bracket))[0].shapes
    assert isinstance(stroke, Stroke)
    assert stroke.caps == "butt"


def test_hidden_part_is_free() -> None:
    mask = sampled(lambda x, y: (np.hypot(x, y) < 0.6) & (x < 0.3))
    known = np.ones((SIZE, SIZE), bool)
    known[:, int(SIZE * 0.64) :] = False
    (circle,) = shapes_for_mask(mask, known=known)[0].shapes
    assert isinstance(circle, Circle)
    assert circle.radius == pytest.approx(0.6, abs=0.02)


def test_no_shape_reaches_far_beyond_its_mask_where_nothing_is_known() -> None:
    mask = np.zeros((30, 60))
    mask[14:16, 25:35] = 1.0
    known = np.zeros(mask.shape, bool)
    known[:, 28:32] = True
    for option in shapes_for_mask(mask, known=known):
        for shape in option.shapes:
            assert not isinstance(shape, Ellipse) or max(shape.radius_x, shape.radius_y) < 1.0
            assert not isinstance(shape, Box) or max(shape.half_width, shape.half_height) < 1.0


def test_allowed_shapes_and_empty_and_wrong_masks() -> None:
    mask = sampled(lambda x, y: np.hypot(x, y) < 0.5)
    (only,) = shapes_for_mask(mask, allowed=lambda shape: isinstance(shape, Path))
    assert isinstance(only.shapes[0], Path)
    assert {type(s) for o in shapes_for_mask(mask, allowed=lambda s: isinstance(s, (Box, Segment))) for s in o.shapes} == {Box, Segment}
    assert shapes_for_mask(np.zeros((8, 8))) == []
    with pytest.raises(ValueError, match="height, width"):
        shapes_for_mask(np.zeros((8, 8, 3)))


@pytest.mark.parametrize(
    "shape",
    [
        Polygon(((10.2, 8.1), (50.3, 20.0), (22.0, 48.5))),
        Path((((5.0, 5.0, True), (55.0, 5.0, True), (55.0, 55.0, False), (5.0, 55.0, True)),)),
        Stroke(((10.0, 10.0, True), (40.0, 20.0, False), (30.0, 50.0, True)), 6.0),
        Ring((30.0, 30.0), 18.0, 0.5),
    ],
)
def test_coverage_has_the_area_of_the_shape_and_moves_with_it(shape: object) -> None:
    assert isinstance(shape, (Polygon, Path, Stroke, Ring))
    drawn = coverage(shape, (80, 80))
    again = coverage(moved(shape, (12.0, 7.0)), (80, 80))
    assert again[7:, 12:] == pytest.approx(drawn[:-7, :-12], abs=1e-9)
    if isinstance(shape, Polygon):
        assert drawn.sum() == pytest.approx(0.5 * (40.1 * 40.4 - 11.8 * 11.9), rel=1e-3)
    if isinstance(shape, Ring):
        assert drawn.sum() == pytest.approx(2 * np.pi * 18 * 0.5, rel=0.02)


def test_number_count_counts_every_number() -> None:
    layers = (
        SketchLayer(Circle((0, 0), 1), Flat((0, 0, 0))),
        SketchLayer(Box((0, 0), 1, 1, 5.0), Linear((0, 0, 0), (1, 1, 1), (0, 0), (1, 1)), 0.5),
    )
    assert number_count(Sketch((1, 1, 1), layers)) == 3 + (3 + 3) + (5 + 10 + 1)
    assert number_count(Sketch(None, ())) == 0
    assert shape_number_count(Path((((0, 0, True), (1, 0, True), (1, 1, False)),))) == 6


def test_scene_coordinates_are_y_up_with_the_shorter_side_two_long() -> None:
    circle = to_scene(Circle((0.0, 0.0), 10.0), (40, 80))
    assert circle == Circle((-2.0, 1.0), 0.5)
    box = to_scene(Box((40.0, 20.0), 4.0, 2.0, 30.0), (40, 80))
    assert box == Box((0.0, 0.0), 0.2, 0.1, -30.0)


def test_sketch_of_overlapping_shapes_extends_the_lower_one() -> None:
    size = (64, 96)
    image = np.ones((*size, 3))
    for inside, colour in (
        (lambda x, y: np.hypot(x + 0.3, y) < 0.6, (0.9, 0.2, 0.1)),
        (lambda x, y: (np.abs(x - 0.2) < 0.4) & (np.abs(y) < 0.25), (0.1, 0.3, 0.8)),
    ):
        share = sampled(inside, size)[..., None]
        image = share * np.array(colour) + (1 - share) * image
    result = sketch(image.astype(np.float32))
    assert result.background == pytest.approx((1, 1, 1))
    assert [type(layer.shape) for layer in result.layers] == [Circle, Box]
    circle = result.layers[0].shape
    assert isinstance(circle, Circle)
    assert circle.center == pytest.approx((-0.3, 0.0), abs=0.02)
    assert number_count(result) == 3 + 3 + 3 + 4 + 3


def test_sketch_finds_linear_and_radial_paints() -> None:
    y, x = (np.mgrid[:64, :64] + 0.5) / 32 - 1
    image = np.ones((64, 64, 3))
    square = (np.abs(x) < 0.7) & (np.abs(y) < 0.7)
    image[square] = (np.array([0.1, 0.2, 0.9]) + (x * 0.4 + 0.3)[..., None] * np.array([1, 0.5, -1]))[square]
    (layer,) = sketch(image).layers
    assert isinstance(layer.paint, Linear)
    assert abs(layer.paint.from_point[1] - layer.paint.to_point[1]) < 0.1
    disc = np.hypot(x, y) < 0.8
    image = np.ones((64, 64, 3))
    image[disc] = (np.array([0.9, 0.8, 0.1]) - np.hypot(x, y)[..., None] * np.array([0.12, 0.12, 0]))[disc]
    (layer,) = sketch(image).layers
    assert isinstance(layer.shape, Circle)
    assert isinstance(layer.paint, Radial)
    assert layer.paint.center == pytest.approx((0, 0), abs=0.05)


def test_transparent_pictures_have_no_background_and_layers_have_opacity() -> None:
    share = sampled(lambda x, y: np.hypot(x, y) < 0.6)
    image = np.zeros((SIZE, SIZE, 4))
    image[..., 0], image[..., 3] = 0.9, 0.5 * share
    result = sketch(image)
    assert result.background is None
    (layer,) = result.layers
    assert isinstance(layer.shape, Circle)
    assert layer.opacity == pytest.approx(0.5, abs=0.01)
    assert isinstance(layer.paint, Flat)
    assert layer.paint.colour == pytest.approx((0.9, 0, 0), abs=0.01)
    assert sketch(np.zeros((9, 9, 4))) == Sketch(None, ())
    whole = sketch(np.full((9, 9, 4), 0.4))
    assert whole.background is None and [round(layer.opacity, 3) for layer in whole.layers] == [0.4]


@pytest.mark.parametrize("shape", [(1, 1, 3), (8, 8, 3), (1, 20, 3), (2, 2, 4), (40, 30, 3), (40, 30, 4)])
def test_noise_of_any_size_is_sketched_within_the_numbers(shape: tuple[int, int, int]) -> None:
    image = np.random.default_rng(0).random(shape).astype(np.float32)
    for limit in (3, 60, 600):
        assert number_count(sketch(image, max_numbers=limit)) <= limit


def test_wrong_images_are_refused() -> None:
    with pytest.raises(ValueError, match="height, width"):
        sketch(np.zeros((5, 5)))
    with pytest.raises(ValueError, match="not finite"):
        sketch(np.full((5, 5, 3), np.nan))
    with pytest.raises(ValueError, match="max_numbers"):
        sketch(np.zeros((5, 5, 3)), max_numbers=0)


def test_a_stroked_box_or_ellipse() -> None:
    def rounded(x: np.ndarray, y: np.ndarray, inset: float) -> np.ndarray:
        dx, dy = np.abs(x) - 0.5 + inset, np.abs(y) - 0.3 + inset
        return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0)

    (box,) = shapes_for_mask(sampled(lambda x, y: np.abs(rounded(x, y, 0.12) - 0.12) < 0.05))[0].shapes
    assert isinstance(box, Outlined) and isinstance(box.shape, Box)
    assert (box.shape.half_width, box.shape.half_height) == pytest.approx((0.5, 0.3), abs=0.01)
    assert box.width == pytest.approx(0.1, abs=0.01) and box.shape.rounding == pytest.approx(0.12, abs=0.03)
    (ring,) = shapes_for_mask(sampled(lambda x, y: (np.hypot(x / 0.75, y / 0.55) < 1) & (np.hypot(x / 0.65, y / 0.45) > 1)))[0].shapes
    assert isinstance(ring, Outlined) and isinstance(ring.shape, Ellipse) and ring.width == pytest.approx(0.1, abs=0.01)


def test_a_plate_with_holes_is_a_difference() -> None:
    def plate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        holes = (np.hypot(x + 0.3, y) < 0.15) | ((np.abs(x - 0.3) < 0.12) & (np.abs(y - 0.05) < 0.2))
        return (np.abs(x) < 0.7) & (np.abs(y) < 0.5) & ~holes

    (shape,) = shapes_for_mask(sampled(plate))[0].shapes
    assert isinstance(shape, Difference) and isinstance(shape.base, Box)
    assert {type(hole) for hole in shape.holes} == {Circle, Box}
    assert shape.base.half_width == pytest.approx(0.7, abs=0.01)


@pytest.mark.filterwarnings("error")
def test_a_wavy_line_hardly_above_one_half_is_explained_without_a_stroke() -> None:
    """At a finer scale nothing of it is above one half, so that there is no axis whose width could be measured."""
    y, x = np.mgrid[-30:30, -30:30]
    faint = np.where(np.abs(np.hypot(x, y) - 20 - 2 * np.sin(5 * np.arctan2(y, x))) < 0.5, 0.55, 0.0)
    options = shapes_for_mask(faint)
    assert options and not any(isinstance(shape, Stroke) for option in options for shape in option.shapes)
