"""Outlines that lie in one another at one distance, as a border lies about its fill, drawn as offsets of one outline.

Two outlines are nested where one keeps nearly the same distance from the other all along, but for the parts that may be
hidden. One of the two could then be an `Offset` of the other, for a single number. Replacements that the picture does not
mind much are made together, refined, and kept where the description length falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from refine.contours import contours_of, outline_of, outline_uses
from refine.draft import Draft
from refine.outlines import flatten
from refine.sketch import Offset, Outline, Sketch, shape_number_count

if TYPE_CHECKING:
    from refine.evolution import Evolution, State

Double = npt.NDArray[np.float64]

LEAST_NUMBERS = 8
"""Outlines of fewer numbers have little to gain."""

EVEN = 1.2
"""Pixels by which a distance may differ from the usual one and still be taken for the same."""

EVEN_SHARE = 0.7
"""The share of an outline that must keep the usual distance: the rest may be hidden, or is badly fitted yet."""

LEAST_DISTANCE = 0.4
"""Pixels between outlines that are worth being told apart."""

SPACING = 1.5
"""Pixels between the points at which the distance is measured."""

PATIENCE = 6.0
"""How many times what it saves a replacement may cost before anything is refined."""


@dataclass(frozen=True)
class Nesting:
    """That the layer (an index into the sketch) could be an offset of an outline by a distance (scene units)."""

    layer: int
    outline: Outline
    distance: float

    @property
    def offset(self) -> Offset:
        """The shape that the layer would have."""
        return Offset(self.outline, self.distance)


def nestings(sketch: Sketch, pixel: float) -> Iterator[Nesting]:
    """Every layer that could be an offset of another one's outline; `pixel` is a pixel's side in scene units."""
    uses = outline_uses(sketch)
    outlined = [(k, o) for k, layer in enumerate(sketch.layers) if (o := outline_of(layer.shape)) is not None]
    outlined = [(k, outline) for k, outline in outlined if shape_number_count(outline) >= LEAST_NUMBERS]
    points = {outline: _points(outline, SPACING * pixel) for _, outline in outlined}
    for k, outline in outlined:
        if uses[outline] > 1:
            continue
        for other, base in outlined:
            if base == outline or sketch.layers[k].symmetry != sketch.layers[other].symmetry:
                continue
            distances = _signed_distances(points[outline], base) / pixel
            usual = float(np.median(distances))
            if abs(usual) > LEAST_DISTANCE and np.mean(np.abs(distances - usual) < EVEN) > EVEN_SHARE:
                yield Nesting(k, base, usual * pixel)


def nested(evolution: Evolution, state: State) -> State:
    """The state with outlines drawn as offsets of others where that is the shorter description."""
    sketch, price = state.draft.sketch, evolution.budget.price
    made: dict[int, tuple[float, Nesting]] = {}
    for nesting in nestings(sketch, evolution.budget.pixel):
        if evolution.ended or not evolution.allowed(nesting.offset):
            continue
        rise = evolution.error_of(Draft.of(_applied(sketch, [nesting]))) - state.error
        saved = shape_number_count(sketch.layers[nesting.layer].shape) - 1
        if rise < PATIENCE * price * saved and rise < made.get(nesting.layer, (np.inf,))[0]:
            made[nesting.layer] = (rise, nesting)
    chosen: list[Nesting] = []
    for _, nesting in sorted(made.values(), key=lambda pair: pair[0]):
        # An outline that another is an offset of stays as it is.
        gone = {outline_of(sketch.layers[n.layer].shape) for n in chosen}
        if nesting.outline not in gone and outline_of(sketch.layers[nesting.layer].shape) not in {n.outline for n in chosen}:
            chosen.append(nesting)
    while chosen and not evolution.ended:
        tried = evolution.refined(Draft.of(_applied(sketch, chosen)), 10)
        if evolution.length(tried) < evolution.length(state):
            evolution.report(tried, "nested")
            return tried
        # Together they were too much: the safest half of them may do.
        chosen = chosen[: len(chosen) // 2]
    return state


def _applied(sketch: Sketch, chosen: list[Nesting]) -> Sketch:
    layers = list(sketch.layers)
    for nesting in chosen:
        layers[nesting.layer] = replace(layers[nesting.layer], shape=nesting.offset)
    return Sketch(sketch.background, tuple(layers))


def _points(outline: Outline, spacing: float) -> Double:
    """Points (n, 2) along the contours of an outline, about `spacing` apart."""
    parts = []
    for contour in contours_of(outline):
        corners = flatten(contour, closed=True)
        corners = np.concatenate([corners, corners[:1]])
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(corners, axis=0).T))])
        at = np.linspace(0.0, along[-1], max(8, int(along[-1] / spacing)), endpoint=False)
        parts.append(np.column_stack([np.interp(at, along, corners[:, k]) for k in (0, 1)]))
    return np.concatenate(parts)


def _signed_distances(points: Double, outline: Outline) -> Double:
    """Distances (n,) of points (n, 2) to an outline, negative inside of it by the even-odd rule."""
    contours = [flatten(contour, closed=True) for contour in contours_of(outline)]
    start = np.concatenate(contours)
    along = np.concatenate([np.roll(contour, -1, 0) for contour in contours]) - start
    offset = points[:, None] - start
    share = np.clip((offset * along).sum(-1) / np.maximum((along**2).sum(-1), 1e-18), 0.0, 1.0)
    nearest = np.sqrt(((offset - share[..., None] * along) ** 2).sum(-1).min(1))
    above = offset[..., 1] < 0.0, offset[..., 1] < along[:, 1]
    side = offset[..., 0] * along[:, 1] - offset[..., 1] * along[:, 0]
    crossed = (above[0] != above[1]) & ((side < 0.0) == (along[:, 1] > 0.0))
    inside = crossed.sum(1) % 2 == 1
    return np.asarray(np.where(inside, -nearest, nearest))
