"""`refine.loops`: specks around which an outline crosses itself."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from refine.loops import loop_count, loops, pieces_of, vertices_of, without, without_loops
from refine.sketch import Circle, Flat, Path, Polygon, Sketch, SketchLayer, Vertex

PIXEL = 2.0 / 128
SQUARE: list[Vertex] = [(-0.5, -0.5, True), (0.5, -0.5, True), (0.5, 0.5, True), (-0.5, 0.5, True)]
# The upper right corner with a knot of a pixel or so in it.
KNOTTED: list[Vertex] = [*SQUARE[:2], (0.5, 0.51, True), (0.51, 0.5, True), (0.49, 0.5, True), SQUARE[3]]


def count(contour: list[Vertex], pixel: float) -> int:
    return len(list(loops(pieces_of(contour), pixel)))


def area(contour: Sequence[Vertex]) -> float:
    """The area within an outline, by the shoelace formula and, for each curve, two thirds of its triangle."""
    total = 0.0
    for piece in pieces_of(contour):
        total += 0.5 * cross(piece.start, piece.end)
        if piece.control is not None:
            total += cross(piece.control - piece.start, piece.end - piece.start) / 3
    return abs(total)


def cross(a: np.ndarray, b: np.ndarray) -> float:
    return float(a[0] * b[1] - a[1] * b[0])


def test_a_plain_outline_and_a_star_have_none() -> None:
    star = [(math.cos(0.8 * math.pi * k), math.sin(0.8 * math.pi * k), True) for k in range(5)]
    blob = [(math.cos(k), math.sin(k), False) for k in range(6)]
    assert count(SQUARE, PIXEL) == count(star, PIXEL) == count(blob, PIXEL) == 0
    # The same star is specks where pixels are large.
    assert count(star, 1.0)


def test_vertices_become_pieces_and_vertices_again() -> None:
    blob = tuple((math.cos(k), math.sin(k), k % 3 == 0) for k in range(6))
    assert sorted(vertices_of(pieces_of(blob))) == sorted(blob)
    assert vertices_of(pieces_of(SQUARE)) == tuple(SQUARE)


def test_a_knot_is_found_and_cut_off_at_the_crossing() -> None:
    assert count(KNOTTED, PIXEL) == 1
    sketch = Sketch(None, (SketchLayer(Path((tuple(KNOTTED),)), Flat((0, 0, 0))), SketchLayer(Circle((0, 0), 0.2), Flat((1, 0, 0)))))
    assert loop_count(sketch, PIXEL) == 1
    clean = without_loops(sketch, PIXEL)
    assert loop_count(clean, PIXEL) == 0 and clean.layers[1] == sketch.layers[1]
    (contour,) = clean.layers[0].shape.contours  # type: ignore[union-attr]
    assert set(SQUARE[:2]) | {SQUARE[3]} < set(contour) and len(contour) == 5
    assert abs(area(contour) - 1.0) < 2 * PIXEL**2


def test_a_loop_of_curves_is_cut_off_and_what_is_left_of_them_stays() -> None:
    curl: list[Vertex] = [*SQUARE[:2], (0.5, 0.45, True), (0.53, 0.53, False), (0.46, 0.48, False), (0.53, 0.46, True), SQUARE[3]]
    assert count(curl, 2 * PIXEL) and not count(curl, PIXEL / 4)
    cut = without(tuple(curl), 2 * PIXEL)
    assert count(list(cut), 2 * PIXEL) == 0
    # A large curve whose end alone is in a knot keeps its course.
    wave: list[Vertex] = [(-0.5, -0.5, True), (0.5, -0.5, True), (1.5, 0.45, False), (0.49, 0.49, True), (0.51, 0.47, True), (0.505, 0.51, True), SQUARE[3]]
    cut = without(tuple(wave), PIXEL)
    assert count(wave, PIXEL) == 1 and count(list(cut), PIXEL) == 0
    assert abs(area(cut) - area(wave)) < 4 * PIXEL**2


def test_a_leaf_of_two_curves_whose_tip_crosses_itself_stays() -> None:
    leaf: list[Vertex] = [(-0.5, 0.01, True), (0.0, -0.4, False), (0.5, 0.0, True), (0.0, 0.4, False), (-0.5, -0.01, True)]
    cut = without(tuple(leaf), PIXEL)
    assert count(leaf, PIXEL) == 1 and count(list(cut), PIXEL) == 0
    # The loop runs the other way around, so its area counted as negative.
    assert abs(area(cut) - area(leaf)) < 8 * PIXEL**2


def test_an_outline_that_is_nothing_but_loops_goes_and_a_hole_stays() -> None:
    knot = ((0.0, 0.0, True), (0.01, 0.01, True), (0.01, 0.0, True), (0.0, 0.01, True))
    hole = tuple((0.3 * x, 0.3 * y, on) for x, y, on in SQUARE)
    layers = (SketchLayer(Polygon(tuple((x, y) for x, y, _ in knot)), Flat((0, 0, 0))), SketchLayer(Path((tuple(SQUARE), hole, knot)), Flat((0, 0, 0))))
    (left,) = without_loops(Sketch(None, layers), PIXEL).layers
    assert left.shape == Path((tuple(SQUARE), hole))
