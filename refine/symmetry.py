"""Rotation, repetition and mirrored halves of a refined sketch, written as such where that pays.

Figures of the sketch (`refine.figures`) that turn onto themselves (`refine.turning`, `refine.sectors`), that a line
mirrors (`refine.halves`) or that stand in rows and columns (`refine.repetition`) could be replaced by one part and a
symmetry. These are the proposals; each is tried, and whether it is a better description, the caller's measure decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from refine import moves
from refine.averages import Drawn, Explainer
from refine.descents import same_shape
from refine.draft import Draft
from refine.figures import LEAST_NUMBERS, Canvas, apart, figures_of, groups_of
from refine.halves import lines_of_reflection, mirrored_in
from refine.repetition import repeated_in
from refine.sectors import turned_about
from refine.sketch import (
    Box,
    Grid,
    Mirror,
    Polar,
    Sketch,
    SketchLayer,
    SketchShape,
    Symmetry,
    layer_number_count,
    shape_number_count,
    symmetry_number_count,
)
from refine.turning import point_symmetry, with_common_centers

if TYPE_CHECKING:
    from refine.evolution import Evolution, State

T = TypeVar("T")

LEAST_SAVING = 0.02
"""Replacements that save a smaller share of all numbers are not worth the time that trying them takes."""
CANVAS_SIDE = 128
"""The longer side, in pixels, of what symmetries are looked for on."""
MOST_TRIED = 12
"""Proposals made, those that save most numbers."""
PASSABLE = 2e-4
"""Squared error of a pixel that refining is trusted to take away later."""


# -- proposals ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposal:
    """Layers (indices into the sketch) that could be replaced by any of some others, and the most numbers that this
    saves."""

    replaced: frozenset[int]
    options: tuple[tuple[SketchLayer, ...], ...]
    saves: int


def proposals(
    sketch: Sketch, size: tuple[int, int], allowed: Callable[[SketchShape | Symmetry], bool]
) -> list[Proposal]:
    """Every replacement that would save numbers, most first. `size` is (height, width) of the picture; `allowed` tells
    whether a shape or a symmetry may be used."""
    if not sketch.layers:
        return []
    least = max(2, LEAST_SAVING * sum(layer_number_count(layer) for layer in sketch.layers))
    made = (_proposal(sketch, layers, drawn) for layers, drawn in _replacements(sketch, Canvas(size), allowed))
    worthy = [proposal for proposal in made if proposal is not None and proposal.saves >= least]
    return sorted(worthy, key=lambda p: -p.saves)[:MOST_TRIED]


def _replacements(
    sketch: Sketch, canvas: Canvas, allowed: Callable[[SketchShape | Symmetry], bool]
) -> Iterator[tuple[frozenset[int], list[Drawn]]]:
    """Layers that have a symmetry together, and ways to draw them by it."""
    groups = groups_of(sketch, canvas)
    figures = figures_of(sketch, groups)
    explainers = [Explainer(allowed, outlines) for outlines in (False, True)]
    numbers = [layer_number_count(layer) for layer in sketch.layers]
    found = [(figure, one) for figure in figures if (one := point_symmetry(figure, canvas)) is not None]
    for figure, one in with_common_centers(found, canvas.unit):
        own = sum(shape_number_count(sketch.layers[i].shape) for i in figure.layers)
        if one.count > 1 and own > LEAST_NUMBERS + 2 and allowed(Polar(one.count, axis=one.axis)):
            yield figure.layers, turned_about(figure, one, canvas, explainers)
    if allowed(Mirror()):
        weighed = [(one, sum(numbers[i] for i in figure.layers)) for figure, one in found]
        for line in lines_of_reflection(weighed, canvas.unit):
            for group in groups:
                yield from mirrored_in(sketch, group, line, canvas, explainers[0])
    if allowed(Grid(1, 1, 1.0, 1.0)):
        for figure in figures:
            yield from repeated_in(figure, canvas, explainers)


def _proposal(sketch: Sketch, layers: frozenset[int], drawn: Sequence[Drawn]) -> Proposal | None:
    """Those ways to draw the layers that save numbers; None where there are none."""
    paint = sketch.layers[min(layers)]
    old = sum(shape_number_count(sketch.layers[i].shape) for i in layers)
    options: list[tuple[SketchLayer, ...]] = []
    saves = 0
    for shapes in (*drawn, *map(_rounded, drawn)):
        option = tuple(replace(paint, shape=shape, symmetry=symmetry) for shape, symmetry in shapes)
        # The centre is likely to be another's too, and is written once.
        new = sum(shape_number_count(o.shape) for o in option)
        new += sum(symmetry_number_count(replace(o.symmetry, center=(0.0, 0.0))) for o in option if o.symmetry)
        if old > new and option not in options:
            saves = max(saves, old - new)
            options.append(option)
    return Proposal(layers, tuple(options), saves) if options else None


def _rounded(drawn: Drawn) -> Drawn:
    """The same with its boxes rounded, which a mask of few pixels does not show and many copies together may."""
    return [
        (replace(shape, rounding=0.3 * min(shape.half_width, shape.half_height)), symmetry)
        if isinstance(shape, Box) and not shape.rounding else (shape, symmetry)
        for shape, symmetry in drawn
    ]  # fmt: skip


# -- trying them -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Try:
    """A state with some layers replaced by `count` others, which stand where the layer `place` stood, and its
    description length."""

    state: State
    length: float
    place: int
    count: int


def symmetric(evolution: Evolution, state: State, patience: float = 1.0) -> State | None:
    """The state with the symmetries found in it, or None where there is none.

    Replacements are tried one by one, most numbers first, and kept where the description length does not rise above the least
    so far, with patience above 0 by no more than a passable error: what needs few numbers is soon improved.
    """
    width, height = evolution.level.target.size
    sketch = apart(state.draft.sketch)
    scale = min(1.0, CANVAS_SIDE / max(width, height))
    canvas = (max(1, round(scale * width)), max(1, round(scale * height)))
    if not same_shape(canvas, (width, height)):
        canvas = (width, height)
    pending = proposals(sketch, canvas[::-1], evolution.allowed)
    best = state
    allowance = patience * (state.error + PASSABLE * width * height)
    limit = evolution.length(state) + allowance
    # Which layer of the first sketch each layer is; None for new ones.
    origins: list[int | None] = list(range(len(sketch.layers)))
    for proposal in pending:
        if evolution.budget.late:
            break
        if not proposal.replaced <= set(origins):
            continue
        here = frozenset(origins.index(i) for i in proposal.replaced)
        tried = _tried(evolution, best, sketch, here, proposal.options)
        if tried.length < limit:
            best, sketch = tried.state, tried.state.draft.sketch
            limit = min(limit, tried.length + allowance)
            origins = _replaced(origins, here, [None] * tried.count, tried.place)
    return None if best is state else _cleared(evolution, evolution.refined(best.draft, 10))


def _tried(
    evolution: Evolution, before: State, sketch: Sketch, here: frozenset[int],
    options: Sequence[tuple[SketchLayer, ...]],
) -> _Try:  # fmt: skip
    """The best of the options for the layers at `here`, of those up to the first that leaves nothing to wish for."""
    width, height = evolution.level.target.size
    tries: list[_Try] = []
    for layers in options:
        # Where layers of other paint lie between those replaced, the new ones may stand below or above them.
        places = {min(here), max(here)}
        drafts = [(place, Draft.of(applied(sketch, here, layers, place))) for place in places]
        place, draft = min(drafts, key=lambda d: evolution.error_of(d[1])) if len(drafts) > 1 else drafts[0]
        state = evolution.refined(draft, 10)
        tries.append(_Try(state, evolution.length(state), place, len(layers)))
        if state.error < min(1.05 * before.error, 0.5 * PASSABLE * width * height):
            break
    return min(tries, key=lambda t: t.length)


def applied(sketch: Sketch, replaced: frozenset[int], layers: Sequence[SketchLayer], place: int) -> Sketch:
    """The sketch without the replaced layers, and with others where the layer `place` stood."""
    return Sketch(sketch.background, tuple(_replaced(sketch.layers, replaced, layers, place)))


def _replaced(items: Sequence[T], replaced: frozenset[int], others: Sequence[T], place: int) -> list[T]:
    """The items without the replaced ones, and with others where the item `place` stood."""
    result: list[T] = []
    for index, item in enumerate(items):
        if index == place:
            result += others
        if index not in replaced:
            result.append(item)
    return result


def _cleared(evolution: Evolution, state: State) -> State:
    """The state without the specks that mended what is drawn anew now, all at once, where that pays."""
    price = evolution.budget.price
    sketch = state.draft.sketch
    plain = {(k, "layer") for k, layer in enumerate(sketch.layers) if layer.symmetry is None}
    drops = [m for m in moves.dropped_layers(state.draft, evolution.small, evolution.level) if m.keys <= plain]
    for most in (10.0, 1.0):
        picked = [m for m in drops if m.cost < most * price * m.saves]
        if not picked:
            break
        lighter = evolution.refined(Draft.of(moves.applied(sketch, picked)), 10)
        if lighter.measure(evolution.budget) < state.measure(evolution.budget):
            return lighter
    return state
