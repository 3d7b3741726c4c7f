"""What goes round a centre, drawn as one of each of its parts.

Discs and rings about the centre are drawn by themselves. What they leave falls into parts, which the rotations and
reflections map onto each other: one of each such orbit is drawn, or half of it where an axis runs through it, or a
sector where a part goes round the centre itself. Parts reach beneath the rings and their neighbours, so that no seam is
left.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from refine.averages import OVERLAP, Average, Drawn, Explainer, averaged, placements_about
from refine.figures import Canvas, Figure
from refine.primitives import Explanation
from refine.sketch import Circle, Point, Polar, Ring, SketchShape, moved
from refine.turning import PointSymmetry

CORE = 2.0
"""Least width (pixels) of a disc or ring about the centre that is drawn for itself."""


@dataclass(frozen=True)
class _Rest:
    """What discs and rings leave of an average: coverage (h, w), which runs on beneath them; where their rims are (h,
    w, bool); and for pixels beneath them the radius (h, w; scene units, 0 elsewhere) just beyond the rim whose part
    runs on there."""

    cover: np.ndarray
    rims: np.ndarray
    beyond: np.ndarray


@dataclass(frozen=True)
class _Part:
    """A connected part of what is left: coverage alone (h, w), where that counts (h, w, bool), whether it is `joined`
    to its own copy, so that it goes round the centre, and whether a reflection maps it onto itself."""

    cover: np.ndarray
    known: np.ndarray
    joined: bool
    mirrored: bool


def turned_about(figure: Figure, found: PointSymmetry, canvas: Canvas, explainers: Sequence[Explainer]) -> list[Drawn]:
    """Shapes that draw a figure by its rotations and reflections, for each explainer that finds them."""
    rows, columns = np.nonzero(figure.cover > 0.02)
    center = found.center
    reach = float(np.hypot(canvas.x[rows, columns] - center[0], canvas.y[rows, columns] - center[1]).max())
    average = averaged(figure, canvas, (reach, reach), placements_about(center, found.count, found.axis))
    # What has no symmetry is placed by its own centre.
    return [
        [(moved(shape, center) if symmetry is None else shape, symmetry) for shape, symmetry in drawn]
        for explainer in explainers
        if (drawn := _drawn(average, found, explainer))
    ]


def _drawn(average: Average, found: PointSymmetry, explainer: Explainer) -> Drawn | None:
    """Discs and rings about the centre, and one of each part that goes round it, each with its symmetry; None where a
    part can not be drawn."""
    drawn: Drawn = []
    rings: list[tuple[float, float]] = []
    for low, high in _full_radii(average):
        disc = low < average.unit
        shape: SketchShape = Circle((0.0, 0.0), high) if disc else Ring((0.0, 0.0), (low + high) / 2, high - low)
        if explainer.allowed(shape):
            drawn.append((shape, None))
            rings.append((low, high))
    for part in _parts(average, _without(average, rings), found):
        explained = _explained(average, part, found, explainer)
        if explained is None:
            return None
        drawn += explained
    return drawn


# -- discs and rings ---------------------------------------------------------------------------------------------


def _full_radii(average: Average) -> list[tuple[float, float]]:
    """The radii from .. to over which the average covers every angle, where that is wider than CORE pixels."""
    unit = average.unit
    step = 0.25 * unit
    reach = min(average.cover.shape) / 2 * unit - 2 * unit
    radii = np.arange(0.0, max(reach, step), step)
    angles = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)
    places = average.polar_places(radii[:, None], angles)
    cover = ndimage.map_coordinates(average.cover, places, order=1)
    known = ndimage.map_coordinates(average.known.astype(np.float64), places, order=1) > 0.99
    inside = np.where(known, cover, 1.0).min(1) > 0.5
    edges = np.flatnonzero(np.diff(np.concatenate([[0], inside.astype(int), [0]])))
    # What is hidden may be covered, but not where nothing of it shows.
    return [
        (float(radii[a]), float(radii[b - 1]))
        for a, b in zip(edges[::2], edges[1::2])
        if radii[b - 1] - radii[a] > CORE * unit and known[a:b].mean() > 0.1 and known[b - 1].mean() > 0.3
    ]


def _without(average: Average, rings: Sequence[tuple[float, float]]) -> _Rest:
    """What is left of an average by discs and rings, each given by its inner and outer radius (scene units)."""
    unit, radius, angle = average.unit, average.radius, average.angle
    cover, beyond = average.cover.copy(), np.zeros(radius.shape)
    rims = np.zeros(radius.shape, bool)
    deep = OVERLAP * unit
    for low, high in rings:
        # Neighbours that touch at the rim are still two.
        rims |= (radius > low - unit) & (radius < high + unit)
        # Parts run on beneath the ring, as they are at its rim.
        outer = (radius > high - deep) & (radius < high + 0.75 * unit) & (radius > low)
        inner = (radius < low + deep) & (radius > low - 0.75 * unit) & ~outer & (radius < high)
        cover[(radius > low - 0.75 * unit) & (radius < high + 0.75 * unit)] = 0.0
        for rim, here in ((high + 0.8 * unit, outer), (low - 0.8 * unit, inner)):
            if rim > 0 and here.any():
                cover[here] = ndimage.map_coordinates(average.cover, average.polar_places(rim, angle[here]), order=1)
                beyond[here] = rim + 0.4 * unit
    return _Rest(cover, rims, beyond)


# -- parts and their orbits --------------------------------------------------------------------------------------


def _parts(average: Average, rest: _Rest, found: PointSymmetry) -> Iterator[_Part]:
    """One of each orbit of connected parts, those nearest to the x axis."""
    labels, count = ndimage.label((rest.cover > 0.4) & ~rest.rims)
    # On a rim a part is what stands on it there.
    under = rest.beyond > 0
    owners = labels.copy()
    places = average.polar_places(rest.beyond[under], average.angle[under])
    owners[under] = ndimage.map_coordinates(labels, places, order=0)
    middles = _middles(labels, count, average)
    visited: set[int] = set()
    for label in sorted(range(1, count + 1), key=lambda k: abs(np.arctan2(middles[k - 1][1], middles[k - 1][0]))):
        own = labels == label
        if label in visited or own.sum() < 3:
            continue
        turned, reflected = _orbit(labels, own, average, found)
        visited |= turned | reflected
        others = (owners > 0) & (owners != label)
        # Its antialiased rim lies outside of the label.
        near = ndimage.binary_dilation(owners == label, np.ones((3, 3))) & ~others
        joined = label in turned and found.count > 1 and _is_joined(own, average, found.count)
        cover, known = np.where(near, rest.cover, 0.0), average.known & ~rest.rims & ~others
        yield _Part(cover, known, joined, label in reflected)


def _middles(labels: np.ndarray, count: int, average: Average) -> list[Point]:
    """The mean places (from the centre, scene units) of the parts labelled from 1 to `count`."""
    numbers = np.arange(1, count + 1)
    x, y = (ndimage.mean(values, labels, numbers) for values in (average.x, average.y))
    return list(zip(np.atleast_1d(x).tolist(), np.atleast_1d(y).tolist()))


def _orbit(labels: np.ndarray, own: np.ndarray, average: Average, found: PointSymmetry) -> tuple[set[int], set[int]]:
    """The labels that a part lands on by rotations, and those by reflections."""
    turns = 2.0 * np.pi * np.arange(found.count) / found.count
    turned = {_landed(labels, own, average, turn, False) for turn in turns}
    reflected: set[int] = set()
    if found.axis is not None:
        double = 2.0 * np.radians(found.axis)
        reflected = {_landed(labels, own, average, turn + double, True) for turn in turns}
    return turned - {0}, reflected - {0}


def _landed(labels: np.ndarray, own: np.ndarray, average: Average, turn: float, flip: bool) -> int:
    """The label that most pixels of a part `own` (h, w, bool) land on when turned (radians), or, with `flip`, reflected
    in the line at half that angle."""
    c, s = np.cos(turn), np.sin(turn)
    x, y = average.x[own], -average.y[own] if flip else average.y[own]
    places = average.places(c * x - s * y, s * x + c * y)
    rows, columns = (np.clip(np.round(p).astype(int), 0, n - 1) for p, n in zip(places, labels.shape))
    return int(np.bincount(labels[rows, columns], minlength=1).argmax())


def _is_joined(own: np.ndarray, average: Average, count: int) -> bool:
    """Whether a part (h, w, bool) holds its own copy, one step of `count` further round."""
    return bool(_landed(own.astype(int), own, average, 2.0 * np.pi / count, False))


# -- one part ----------------------------------------------------------------------------------------------------


def _explained(average: Average, part: _Part, found: PointSymmetry, explainer: Explainer) -> Drawn | None:
    """Shapes for one part, or a sector of it where it goes round the centre, or for half of that where this is
    simpler."""
    along = float(np.arctan2((part.cover * average.y).sum(), (part.cover * average.x).sum()))
    cover, known = part.cover, part.known
    if part.joined:
        along = _sector(average, part.cover, found)
        cover, known = _cut(average, part, along, found.count)
    whole = explainer.best(average, cover, known, found.count)
    if found.axis is not None and (part.joined or part.mirrored):
        spread = 180.0 / found.count
        axis = found.axis + spread * round((np.degrees(along) - found.axis) / spread)
        half = _half(average, cover, known, axis, found.count, explainer)
        if half is not None and (whole is None or half.score + 1 < whole.score):
            return [(shape, Polar(found.count, found.center, axis)) for shape in half.shapes]
    return None if whole is None else [(shape, Polar(found.count, found.center)) for shape in whole.shapes]


def _sector(average: Average, cover: np.ndarray, found: PointSymmetry) -> float:
    """The direction (radians, near the x axis) of the middle of a sector whose sides cut little of a coverage (h,
    w)."""
    n = found.count
    mass = cover * average.radius
    if found.axis is not None:
        options = np.radians(found.axis) + np.pi / n * np.arange(2)
    else:
        options = 2.0 * np.pi / n * np.arange(24) / 24
    # The part of the mass that lies on the sides: the first harmonic of the sector's angle.
    weights = [float((mass * np.cos(n * (average.angle - option))).sum()) for option in options]
    best = float(options[int(np.argmax(weights))])
    return best - 2.0 * np.pi / n * round(best / (2.0 * np.pi / n))


def _cut(average: Average, part: _Part, along: float, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and known pixels (h, w) of a part in the sector of `count` about the direction `along` (radians)."""
    turned = np.angle(np.exp(1j * (average.angle - along)))
    beyond = average.radius * np.sin(np.clip(np.abs(turned) - np.pi / count, 0.0, np.pi / 2))
    outside = np.abs(turned) > np.pi / count
    return (
        np.where(beyond < OVERLAP * average.unit, part.cover, 0.0),
        part.known & ~(outside & (part.cover > 0.3)),
    )


def _half(
    average: Average, cover: np.ndarray, known: np.ndarray, axis: float, count: int, explainer: Explainer
) -> Explanation | None:
    """The best shapes for what lies to the right of an axis (degrees) through the centre, seen along it."""
    c, s = np.cos(np.radians(axis)), np.sin(np.radians(axis))
    across = c * average.y - s * average.x
    half = np.where(across < OVERLAP * average.unit, cover, 0.0)
    return explainer.best(average, half, known & ~((across > 0) & (cover > 0.3)), 2 * count)
