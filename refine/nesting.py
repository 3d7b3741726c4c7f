"""Outlines that lie in one another at one distance, as a border lies about its fill, drawn as offsets of one outline.

Two signs tell of them. An outline keeps nearly the same distance from another all along, but for parts that may be hidden.
Or the picture has one colour at some distances from an outline: such a band is a border or a rim of light, whatever pieces
it is drawn with so far. Each such `Offset` costs one number beside its paint; each is tried, and kept where the description
length falls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.contours import contours_of, outline_of, outline_uses
from refine.draft import Draft
from refine.figures import covers_of
from refine.outlines import flatten
from refine.sketch import Colour, Flat, Offset, Outline, Sketch, SketchLayer, number_count, shape_number_count

if TYPE_CHECKING:
    from refine.evolution import Evolution, State

Double = npt.NDArray[np.float64]

LEAST_NUMBERS = 8
"""Outlines of fewer numbers have little to gain."""

LEAST_SAVING = 4
"""Numbers that an offset must save."""

MOST_OUTLINES = 32
"""Outlines looked at, those of most numbers."""

MOST_DRAWN = 24
"""Proposals drawn, those that save most numbers."""

MOST_TRIED = 8
"""Proposals refined, those that look best."""

PASSABLE = 2e-4
"""Squared error of a pixel that refining is trusted to take away later."""


def nested(evolution: Evolution, state: State, patience: float = 1.0) -> State | None:
    """The state with outlines drawn as offsets of others, or None where there is nothing to nest.

    Proposals are kept where the description length does not rise above the least so far, with patience above 0 by no more
    than a passable error.
    """
    width, height = evolution.level.target.size
    allowance = patience * (0.05 * state.error + PASSABLE * width * height)
    limit = evolution.length(state) + allowance
    best: State | None = None
    refused = tries = 0
    pending = proposals(evolution, state)
    while refused < len(pending) and tries < MOST_TRIED and not evolution.ended:
        tries += 1
        tried = evolution.refined(pending[refused], 10)
        if evolution.length(tried) < limit:
            best, refused = tried, 0
            limit = min(limit, evolution.length(tried) + allowance)
            pending = proposals(evolution, tried)
        else:
            refused += 1
    return best


def proposals(evolution: Evolution, state: State) -> list[Draft]:
    """Drafts with an offset more, the most promising first: those that make the shortest description before any refining."""
    sketch, pixel = state.draft.sketch, evolution.budget.pixel
    found: dict[Sketch, int] = {}
    for other in chain(_bands(sketch, evolution.level.target.image, pixel), _even_distances(sketch, pixel)):
        if evolution.ended:
            break
        saves = _numbers(sketch) - _numbers(other)
        if saves >= LEAST_SAVING and all(evolution.allowed(s) for layer in other.layers if isinstance(s := layer.shape, Offset)):
            found[other] = saves
    most = sorted(found, key=lambda other: -found[other])[:MOST_DRAWN]
    drafts = [Draft.of(other) for other in most]
    lengths = [evolution.length(replace(state, draft=draft, error=evolution.error_of(draft))) for draft in drafts]
    return [drafts[k] for k in np.argsort(lengths, kind="stable")]


def _numbers(sketch: Sketch) -> int:
    """A sketch's numbers with an outline that several layers have counted once."""
    twice = sum((uses - 1) * shape_number_count(outline) for outline, uses in outline_uses(sketch).items())
    return number_count(sketch) - twice


# -- even distances ------------------------------------------------------------------------------------------------

EVEN = 1.2
"""Pixels by which a distance may differ from the usual one and still be taken for the same."""

EVEN_SHARE = 0.7
"""The share of an outline that must keep the usual distance: the rest may be hidden, or is badly fitted yet."""

LEAST_DISTANCE = 0.4
"""Pixels between outlines that are worth being told apart."""

FARTHEST_SIDE = 20
"""Pixels that outlines at one distance may be apart at a side of the boxes around them, where a sharp corner may reach."""

SPACING = 1.5
"""Pixels between the points at which the distance is measured."""


def _even_distances(sketch: Sketch, pixel: float) -> Iterator[Sketch]:
    """Layers whose outline could be an offset of another's; `pixel` is a pixel's side in scene units."""
    uses = outline_uses(sketch)
    outlined = _outlined(sketch)
    points = {outline: _points(outline, SPACING * pixel) for _, outline in outlined}
    for k, outline in outlined:
        layer = sketch.layers[k]
        for other, base in outlined if uses[outline] == 1 else ():
            if base == outline or layer.symmetry != sketch.layers[other].symmetry:
                continue
            if np.abs(_box(points[outline]) - _box(points[base])).max() > FARTHEST_SIDE * pixel:
                continue
            distances = _signed_distances(points[outline], base) / pixel
            usual = float(np.median(distances))
            if abs(usual) > LEAST_DISTANCE and np.mean(np.abs(distances - usual) < EVEN) > EVEN_SHARE:
                offset = replace(layer, shape=Offset(base, usual * pixel))
                layers = (*sketch.layers[:k], offset, *sketch.layers[k + 1 :])
                yield Sketch(sketch.background, layers)


def _outlined(sketch: Sketch) -> list[tuple[int, Outline]]:
    """The layers (indices into the sketch) with outlines of many numbers, at most MOST_OUTLINES, and these."""
    found = [(k, o) for k, layer in enumerate(sketch.layers) if (o := outline_of(layer.shape)) is not None]
    numbers = {k: shape_number_count(outline) for k, outline in found}
    most = sorted((k for k in numbers if numbers[k] >= LEAST_NUMBERS), key=lambda k: -numbers[k])[:MOST_OUTLINES]
    return [(k, outline) for k, outline in found if k in most]


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


def _box(points: Double) -> Double:
    """The least and the largest coordinates (4,) of points (n, 2)."""
    return np.concatenate([points.min(0), points.max(0)])


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


# -- bands of one colour -------------------------------------------------------------------------------------------

DEEPEST, FARTHEST = -12, 6
"""Pixels within an outline and without at which bands are looked for."""

LEAST_PIXELS = 20
"""Pixels at a distance that tell of its colour."""

SAME_COLOUR = 0.1
"""How much colours, in the channel that differs most, may differ and be taken for one."""

ONE_COLOUR = 0.6
"""The share of the pixels at a distance that must have the band's colour."""


@dataclass(frozen=True)
class Band:
    """Pixels at distances from `inner` to `outer` (pixels) of an outline that have one colour."""

    inner: int
    outer: int
    colour: Colour


def _bands(sketch: Sketch, image: npt.NDArray[np.float32], pixel: float) -> Iterator[Sketch]:
    """Offsets that could be drawn in place of all layers that show within a band alone."""
    if not sketch.layers:
        return
    height, width = image.shape[:2]
    covered = covers_of(sketch, (width, height)) > 0.5
    topmost = np.full((height, width), -1)
    for k, cover in enumerate(covered):
        topmost[cover] = k
    shows = [topmost == k for k in range(len(covered))]
    seen: set[Outline] = set()
    for k, outline in _outlined(sketch):
        layer = sketch.layers[k]
        if outline in seen or not covered[k].any() or covered[k].all():
            continue
        seen.add(outline)
        inside = covered[k]
        distance = np.where(
            inside, 0.5 - ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside) - 0.5
        )
        own = layer.shape.distance if isinstance(layer.shape, Offset) else 0.0
        for band in _bands_of(image, distance):
            gone = _within(band, image, distance, shows, k)
            if not gone:
                continue
            paint = Flat(next((c for j in gone if (c := _flat(sketch.layers[j])) is not None), band.colour))
            shape = Offset(outline, own + pixel * band.outer)
            new = SketchLayer(shape, paint, symmetry=layer.symmetry)
            # A border lies below what it is the border of, a rim of light above what it lies in.
            place = k if band.outer > 0 else k + 1
            layers = [old for j, old in enumerate(sketch.layers) if j not in gone]
            layers.insert(place - sum(j < place for j in gone), new)
            yield Sketch(sketch.background, tuple(layers))


def _flat(layer: SketchLayer) -> Colour | None:
    return layer.paint.colour if isinstance(layer.paint, Flat) else None


def _bands_of(image: npt.NDArray[np.float32], distance: Double) -> Iterator[Band]:
    """The bands of one colour along an outline, of signed distances (h, w; pixels) from it."""
    step = np.floor(distance).astype(int)
    run: list[tuple[int, npt.NDArray[np.float32], float]] = []
    for d in range(DEEPEST, FARTHEST + 1):
        there = image[step == d]
        colour = np.median(there, 0) if len(there) >= LEAST_PIXELS else np.zeros(4, np.float32)
        share = float((np.abs(there - colour).max(1) < SAME_COLOUR).mean()) if len(there) >= LEAST_PIXELS else 0.0
        follows = bool(run) and np.abs(colour - run[-1][1]).max() < SAME_COLOUR and share >= ONE_COLOUR
        if run and not follows:
            red, green, blue, alpha = max(run, key=lambda r: r[2])[1].tolist()
            if alpha > 0.5:
                clipped = [min(c / alpha, 1.0) for c in (red, green, blue)]
                yield Band(run[0][0], run[-1][0] + 1, (clipped[0], clipped[1], clipped[2]))
            run = []
        if share >= ONE_COLOUR:
            run.append((d, colour, share))


def _within(
    band: Band, image: npt.NDArray[np.float32], distance: Double, shows: list[npt.NDArray[np.bool_]], base: int
) -> list[int]:
    """The layers but the base that show within a band alone, in about its colour."""
    near = (distance > band.inner - 1.2) & (distance < band.outer + 1.2)
    colour = np.array([*band.colour, 1.0])
    gone = []
    for j, shown in enumerate(shows):
        if j != base and shown.sum() >= 3 and near[shown].mean() > 0.85:
            if np.abs(image[shown] - colour).max(1).mean() < 1.5 * SAME_COLOUR:
                gone.append(j)
    return gone
