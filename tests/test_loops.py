"""`refine.loops`: specks around which an outline crosses itself."""

from __future__ import annotations

import math

from refine.loops import loop_vertices, looped, without_loops
from refine.sketch import Circle, Flat, Path, Polygon, Sketch, SketchLayer, Vertex

PIXEL = 2.0 / 128
SQUARE: list[Vertex] = [(-0.5, -0.5, True), (0.5, -0.5, True), (0.5, 0.5, True), (-0.5, 0.5, True)]
# The upper right corner with a knot of a pixel or so in it.
KNOTTED: list[Vertex] = [*SQUARE[:2], (0.5, 0.51, True), (0.51, 0.5, True), (0.49, 0.5, True), SQUARE[3]]


def test_a_plain_outline_and_a_star_have_none() -> None:
    star = [(math.cos(0.8 * math.pi * k), math.sin(0.8 * math.pi * k), True) for k in range(5)]
    blob = [(math.cos(k), math.sin(k), False) for k in range(6)]
    assert looped(SQUARE, PIXEL) == looped(star, PIXEL) == looped(blob, PIXEL) == set()
    # The same star is a speck where pixels are large.
    assert looped(star, 1.0)


def test_a_knot_is_found_and_taken_out() -> None:
    found = looped(KNOTTED, PIXEL)
    assert found and found <= {2, 3, 4}
    sketch = Sketch(None, (SketchLayer(Path((tuple(KNOTTED),)), Flat((0, 0, 0))), SketchLayer(Circle((0, 0), 0.2), Flat((1, 0, 0)))))
    assert loop_vertices(sketch, PIXEL) == len(found)
    clean = without_loops(sketch, PIXEL)
    assert loop_vertices(clean, PIXEL) == 0 and clean.layers[1] == sketch.layers[1]
    (contour,) = clean.layers[0].shape.contours  # type: ignore[union-attr]
    assert set(contour) < set(KNOTTED) and set(SQUARE[:2]) < set(contour)


def test_a_loop_of_curves_is_found_too() -> None:
    curl: list[Vertex] = [*SQUARE[:2], (0.5, 0.45, True), (0.53, 0.53, False), (0.46, 0.48, False), (0.53, 0.46, True), SQUARE[3]]
    assert looped(curl, 2 * PIXEL) and not looped(curl, PIXEL / 4)


def test_an_outline_that_is_nothing_but_loops_goes_and_a_hole_stays() -> None:
    knot = ((0.0, 0.0, True), (0.01, 0.01, True), (0.01, 0.0, True), (0.0, 0.01, True))
    hole = tuple((0.3 * x, 0.3 * y, on) for x, y, on in SQUARE)
    layers = (SketchLayer(Polygon(tuple((x, y) for x, y, _ in knot)), Flat((0, 0, 0))), SketchLayer(Path((tuple(SQUARE), hole, knot)), Flat((0, 0, 0))))
    (left,) = without_loops(Sketch(None, layers), PIXEL).layers
    assert left.shape == Path((tuple(SQUARE), hole))
