"""Outlines that layers share (`refine.contours`), and how they are found (`refine.nesting`)."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

import refine
import render
import shaderdsl
from refine import moves
from refine.contours import contours_of, outline_uses, own_contours
from refine.descents import pyramid
from refine.draft import Draft, numbers_of, renumbered, text_of
from refine.evolution import Budget, Evolution, State
from refine.loops import pieces_of, without_loops
from refine.nesting import nested
from refine.sketch import (
    Flat,
    Offset,
    Outline,
    Path,
    Polygon,
    Sketch,
    SketchLayer,
    SketchShape,
    Stroke,
    number_count,
    reflected,
    shape_number_count,
)

WHITE, NAVY, SKY, BLUE = (1.0, 1.0, 1.0), (0.13, 0.29, 0.53), (0.45, 0.62, 0.81), (0.2, 0.4, 0.64)
HOUSE = Polygon(((-0.6, -0.5), (0.6, -0.5), (0.6, 0.1), (0.3, 0.3), (0.0, 0.6), (-0.6, 0.1)))
LEAF = Path((((-0.6, -0.5, True), (0.0, -0.9, False), (0.6, -0.5, True), (0.5, 0.2, True), (0.9, 0.7, False), (0.0, 0.75, True), (-0.5, 0.1, True)),))
DRAWN = """\
scene 2d(background = #ffffff)
let body = path(
    (-0.6, -0.5), curve(0.0, -0.9), (0.6, -0.5), (0.5, 0.2), curve(0.9, 0.7), (0, 0.75), curve(-0.8, 0.6), (-0.5, 0.1)
)
body.offset(0.08).fill(#204a87)
body.fill(#729fcf)
body.offset(-0.05).fill(#3465a4)
"""


def bordered(outline: Outline) -> Sketch:
    """A fill with a border about it and a darker middle."""
    shapes = (Offset(outline, 0.06), outline, Offset(outline, -0.08))
    return Sketch(WHITE, tuple(SketchLayer(shape, Flat(c)) for shape, c in zip(shapes, (NAVY, SKY, BLUE))))


def evolution(picture: Sketch, size: int = 96) -> Evolution:
    level = pyramid(render.load(render.image(Draft.of(picture).program, size, backend="taichi")), [(size, 0.0)])[0]
    budget = Budget(200, None, 0.003, time.perf_counter() + 60, 2.0 / size)
    return Evolution(level, level, level, budget, lambda state, what: None, lambda shape: True, lambda: False)


@pytest.mark.parametrize("outline", [HOUSE, LEAF], ids=["polygon", "path"])
def test_a_shared_outline_is_written_and_counted_once(outline: Outline) -> None:
    sketch = bordered(outline)
    draft = Draft.of(sketch)
    assert text_of(sketch).count("let outline =") == 1 and draft.program.text.count("outline.offset(") == 2
    assert draft.numbers == number_count(sketch) - 2 * shape_number_count(outline)
    assert draft.program.params.tolist() == pytest.approx(numbers_of(sketch))
    assert renumbered(sketch, draft.program.params.tolist()) == sketch
    changed = draft.with_params(draft.program.params * 0.9)
    assert len(outline_uses(changed.sketch)) == 1
    assert Draft.of(changed.sketch).program == changed.program


def test_a_lone_offset_needs_its_outline() -> None:
    sketch = Sketch(None, (SketchLayer(Offset(HOUSE, -0.1), Flat(SKY)),))
    assert text_of(sketch).splitlines()[-1].startswith("polygon(") and Draft.of(sketch).numbers == number_count(sketch)


@pytest.mark.parametrize("distance", [-0.1, 0.12])
def test_offsets_are_what_the_language_draws(distance: float) -> None:
    shape = Offset(LEAF, distance)
    program = Draft.of(Sketch((0.0, 0.0, 0.0), (SketchLayer(shape, Flat(WHITE)),))).program
    drawn = render.image(program, 64, backend="taichi")[..., 0]
    plain = render.image(Draft.of(Sketch((0.0, 0.0, 0.0), (SketchLayer(LEAF, Flat(WHITE)),))).program, 64, backend="taichi")[..., 0]
    # A length of outline times the distance, but for the corners.
    length = sum(float(np.hypot(*(piece.end - piece.start))) for contour in LEAF.contours for piece in pieces_of(contour))
    assert (drawn - plain).sum() / 32**2 == pytest.approx(distance * length, rel=0.25)
    mirrored = Draft.of(Sketch((0.0, 0.0, 0.0), (SketchLayer(reflected(shape, 90.0), Flat(WHITE)),))).program
    assert np.abs(render.image(mirrored, 64, backend="taichi")[..., 0] - drawn[:, ::-1]).max() < 1e-4


def test_edits_of_one_layer_reach_all_that_share_its_outline() -> None:
    sketch = bordered(HOUSE)
    assert [len(c) for c in own_contours(sketch)] == [1, 0, 0]
    finer, places = moves.subdivided(sketch)
    assert len(outline_uses(finer)) == 1 and {layer for layer, _, _ in places} == {0}
    more = moves.inserted(sketch, places[2:3])
    assert len(outline_uses(more)) == 1 and Draft.of(more).numbers == Draft.of(sketch).numbers + 2
    draft, level = Draft.of(more), evolution(sketch).level
    vertex = next(v for v, corner in enumerate(contours_of(more.layers[0].shape)[0]) if corner not in contours_of(HOUSE)[0])
    (removal,) = [
        move for move in moves.simplifications(draft, moves.Quadratic(draft, level)) if (0, 0, vertex) == middle(move.keys)
    ]
    fewer = moves.applied(more, [removal])
    assert removal.cost < 1e-3 and len(outline_uses(fewer)) == 1 and Draft.of(fewer).numbers == Draft.of(sketch).numbers
    drops = {next(iter(move.keys)): move for move in moves.dropped_layers(draft, level)}
    assert drops[(1, "layer")].saves == 3 and drops[(2, "layer")].saves == 4
    without = moves.applied(more, [drops[(0, "layer")]])
    assert without.layers == more.layers[1:]


def middle(keys: frozenset[object]) -> object:
    """The vertex that a move on three neighbours deletes."""
    ordered = sorted(key for key in keys if isinstance(key, tuple))
    return ordered[1] if len(ordered) == 3 else None


def test_an_offset_may_go_while_its_vertices_do() -> None:
    draft, level = Draft.of(bordered(HOUSE)), evolution(bordered(HOUSE)).level
    simpler = moves.simplifications(draft, moves.Quadratic(draft, level))
    (plain,) = [move for move in simpler if move.keys == {(0, "shape")}]
    removal = next(move for move in simpler if middle(move.keys) == (0, 0, 2))
    for order in ([plain, removal], [removal, plain]):
        after = moves.applied(draft.sketch, order)
        assert isinstance(after.layers[0].shape, Polygon) and len(after.layers[0].shape.points) == 5
        assert len(outline_uses(after)) == 1


def test_loops_are_taken_out_of_all_that_share_an_outline() -> None:
    knotted = Polygon((*HOUSE.points[:2], (0.6, 0.1), (0.61, 0.11), (0.6, 0.11), (0.61, 0.1), *HOUSE.points[3:]))
    clean = without_loops(bordered(knotted), 2.0 / 96)
    assert len(outline_uses(clean)) == 1 and Draft.of(clean).numbers < Draft.of(bordered(knotted)).numbers


def test_outlines_at_one_distance_become_offsets() -> None:
    picture = bordered(LEAF)
    search = evolution(picture)
    # The same picture with an outline of its own for each layer, as a contour of the field has them.
    own = Sketch(WHITE, tuple(replace(layer, shape=traced(layer.shape)) for layer in picture.layers))
    state = search.refined(Draft.of(own), 10)
    found = nested(search, state)
    assert found is not None and found.draft.numbers < 0.6 * state.draft.numbers
    assert sum(isinstance(layer.shape, Offset) for layer in found.draft.sketch.layers) == 2
    assert len(outline_uses(found.draft.sketch)) == 1
    assert search.length(found) < search.length(state) + 0.05 * state.error + 2e-4 * 96 * 96


def traced(shape: SketchShape) -> Polygon:
    """A polygon along what a shape covers."""
    from skimage.measure import find_contours

    drawn = render.image(Draft.of(Sketch((0.0, 0.0, 0.0), (SketchLayer(shape, Flat(WHITE)),))).program, 256, backend="taichi")
    (contour,) = find_contours(drawn[..., 0], 0.5)
    return Polygon(tuple((float(x) / 128 - 1 + 1 / 256, 1 - 1 / 256 - float(y) / 128) for y, x in contour[:-1:12]))


def test_a_border_in_pieces_becomes_an_offset() -> None:
    picture = Sketch(WHITE, tuple(bordered(HOUSE).layers[:2]))
    search = evolution(picture)
    corners = [(1.04 * x, 1.04 * y, True) for x, y in HOUSE.points]
    pieces = [(corners[k], corners[(k + 1) % 6], corners[(k + 2) % 6]) for k in range(0, 6, 2)]
    strokes = tuple(SketchLayer(Stroke(piece, 0.08), Flat(NAVY)) for piece in pieces)
    state = search.refined(Draft.of(Sketch(WHITE, (SketchLayer(HOUSE, Flat(SKY)), *strokes))), 10)
    found = nested(search, state)
    assert found is not None and [type(layer.shape) for layer in found.draft.sketch.layers] == [Offset, Polygon]
    assert search.length(found) < search.length(state)


def test_what_may_not_be_used_is_not() -> None:
    search = evolution(bordered(HOUSE))
    search.allowed = lambda shape: not isinstance(shape, Offset)
    own = Sketch(WHITE, tuple(replace(layer, shape=traced(layer.shape)) for layer in bordered(HOUSE).layers))
    draft = Draft.of(own)
    assert nested(search, State(draft, search.error_of(draft))) is None


def test_a_fit_finds_a_border_and_a_middle() -> None:
    fit = refine.fit(render.image(shaderdsl.parse(DRAWN), 128, backend="taichi"), seconds=30, max_numbers=70, target_psnr=42)
    assert "outline.offset(" in fit.program.text
    assert fit.psnr > 41.9 and fit.numbers <= 70
