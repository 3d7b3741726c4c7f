"""`refine.vertices`: what deleting a vertex costs, and where its neighbours go."""

from __future__ import annotations

import numpy as np
import pytest

import render
from refine import moves
from refine.descents import Level, pyramid, squared_error
from refine.draft import Draft
from refine.sketch import Flat, Path, Polygon, Sketch, SketchLayer, Stroke, Vertex
from refine.vertices import Outline, deletions


def blob(count: int, closed: bool = True) -> tuple[Vertex, ...]:
    """A wavy outline of control points, every third of them a corner on it."""
    angle = 2 * np.pi * np.arange(count) / (count if closed else 1.3 * count)
    radius = 0.55 + 0.12 * np.sin(3 * angle) + 0.03 * np.cos(7 * angle)
    return tuple((float(r * np.cos(a)), float(r * np.sin(a)), k % 3 == 0) for k, (a, r) in enumerate(zip(angle, radius)))


def own_level(sketch: Sketch) -> tuple[Draft, Level]:
    draft = Draft.of(sketch)
    return draft, pyramid(render.load(render.image(draft.program, 128, backend="taichi")), [(128, 0.0)])[0]


@pytest.mark.parametrize("shape", [Path((blob(14),)), Polygon(tuple((x, y) for x, y, _ in blob(11))), Stroke(blob(10, False), 0.05)])
def test_the_price_is_what_the_picture_shows(shape: Path | Polygon | Stroke) -> None:
    sketch = Sketch((1.0, 1.0, 1.0), (SketchLayer(shape, Flat((0.1, 0.2, 0.3))),))
    draft, level = own_level(sketch)
    found = list(moves._vertex_moves(sketch, moves.renumbered(sketch, range(draft.numbers)), moves.Quadratic(draft, level)))
    assert len(found) >= 8
    ratios = []
    for move in found:
        after = Draft.of(moves.applied(sketch, [move]))
        assert after.numbers == draft.numbers - 2
        rise = squared_error(after.program, level) - squared_error(draft.program, level)
        ratios.append((move.cost + 0.05) / (rise + 0.05))
    assert 0.4 < np.median(ratios) < 2.5
    assert np.mean([0.2 < r < 5.0 for r in ratios]) > 0.7


def test_what_is_needless_costs_nothing_and_neighbours_stay() -> None:
    square = [(-1.0, -1.0, True), (1.0, -1.0, True), (1.0, 0.3, True), (1.0, 1.0, True), (-1.0, 1.0, True)]
    found = {d.vertex: d for d in deletions([Outline(square, True, [100.0] * 5)])}
    assert found[2].cost < 1e-6 < 1.0 < min(found[k].cost for k in (0, 4))
    # Where the needless one can take a corner's place, that corner may go as well.
    assert found[3].cost < 0.1 and found[3].before == pytest.approx((1.0, 1.0), abs=0.05)
    assert found[2].before == pytest.approx((1.0, -1.0), abs=1e-3) and found[2].after == pytest.approx((1.0, 1.0), abs=1e-3)


def test_neighbours_make_up_for_a_control_point() -> None:
    """A circle of twelve control points loses one: its two neighbours bulge, and the error is a fraction of a corner's."""
    angle = 2 * np.pi * np.arange(12) / 12
    circle = [(float(np.cos(a)), float(np.sin(a)), False) for a in angle]
    (first, *_) = deletions([Outline(circle, True, [100.0] * 12)])
    before, after = circle[first.vertex - 1], circle[(first.vertex + 1) % 12]
    assert np.hypot(*first.before) > np.hypot(*before[:2]) + 0.01
    assert np.hypot(*first.after) > np.hypot(*after[:2]) + 0.01
    stiff = [100.0] * 3
    assert first.cost < 0.1 * min(d.cost for d in deletions([Outline([(0, 0, True), (1, 0, True), (1, 1, True), (0, 1, True)], True, [*stiff, 100.0])]))


def test_too_few_vertices_and_the_ends_of_lines_stay() -> None:
    triangle = [(0.0, 0.0, True), (1.0, 0.0, True), (0.0, 1.0, True)]
    assert deletions([]) == []
    assert deletions([Outline(triangle, True, [1.0] * 3)]) == []
    assert [d.vertex for d in deletions([Outline(triangle, False, [1.0] * 3)])] == [1]
    assert deletions([Outline(triangle[:2], False, [1.0] * 2)]) == []
