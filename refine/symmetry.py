"""Finding rotation, repetition and mirrored halves in a refined sketch, and writing them as such.

The layers of one paint are drawn, and their connected parts are the elements. A *figure* is some of them: all, those of
one size, or one alone. About its centroid a figure is sampled in polar coordinates, where one Fourier transform along
the angle tells how much it differs from itself under every rotation and every reflection (correlation with weights: what another layer
hides is not counted). Grids are read off the centres of equal elements. Where a symmetry holds, the figure is averaged over
its copies, and what one part must draw is explained by shapes as any mask is (`refine.primitives`), free to reach beneath
its neighbours, so that no seam is left. Whether the result is a better description, the caller's measure decides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from refine import moves
from refine.draft import Draft
from refine.primitives import Explanation, explain
from refine.sketch import (
    Box,
    Circle,
    Ellipse,
    Grid,
    Mirror,
    Path,
    Point,
    Polar,
    Polygon,
    Ring,
    Sketch,
    SketchLayer,
    SketchShape,
    Symmetry,
    in_frame,
    layer_number_count,
    moved,
    reflected,
    shape_number_count,
    symmetry_number_count,
)

if TYPE_CHECKING:
    from refine.evolution import Evolution, State

MOST_COPIES = 40
"""The largest number of copies about a centre that is looked for."""
LEAST_NUMBERS = 6
"""Shapes of fewer numbers have nothing to gain, nor a single one of fewer than twice as many."""
LEAST_SAVING = 0.02
"""Replacements that save a smaller share of all numbers are not worth the time that trying them takes."""
MOST_TRIED = 12
MOST_FIGURES = 24
"""Figures looked at, those of most numbers first."""
LARGEST_MISMATCH = 0.06
"""Squared difference of coverage that a figure may have from its copy, for each pixel of its outline, both ways counted:
an outline a third of a pixel off has about as much."""
LARGEST_SHARE = 0.15
"""The same as a share of the difference at any other angle: what looks alike at all angles has no symmetry to tell of."""
OVERLAP = 2.5
"""Pixels that a part reaches across the line where it meets its copy."""
PASSABLE = 2e-4
"""Squared error of a pixel that refining is trusted to take away later."""
CORE = 2.0
"""Least width (pixels) of a disc or ring about the centre that is drawn for itself."""


@dataclass(frozen=True)
class Proposal:
    """Layers (indices into the sketch) that could be replaced by any of some others, and how many numbers the first saves."""

    replaced: frozenset[int]
    options: tuple[tuple[SketchLayer, ...], ...]
    saves: int


def apart(sketch: Sketch) -> Sketch:
    """The sketch with each outer contour of a path, and the holes in it, as a layer of its own."""
    layers: list[SketchLayer] = []
    for layer in sketch.layers:
        shape = layer.shape
        if isinstance(shape, Path) and len(shape.contours) > 1 and layer.symmetry is None and layer.opacity == 1.0:
            layers += [replace(layer, shape=Path(part)) for part in _parts(shape)]
        else:
            layers.append(layer)
    return Sketch(sketch.background, tuple(layers))


def _parts(path: Path) -> list[tuple[tuple[tuple[float, float, bool], ...], ...]]:
    polygons = [np.array([v[:2] for v in contour]) for contour in path.contours]
    within = np.array([[i != j and _contains(b, a[0]) for j, b in enumerate(polygons)] for i, a in enumerate(polygons)])
    depth = within.sum(1)
    parts = {i: [path.contours[i]] for i in range(len(polygons)) if depth[i] % 2 == 0}
    for i in np.flatnonzero(depth % 2).tolist():
        # A hole belongs to the deepest outer contour that it lies in.
        around = [j for j in np.flatnonzero(within[i]).tolist() if j in parts]
        parts[max(around, key=lambda j: depth[j]) if around else next(iter(parts))].append(path.contours[i])
    return [tuple(part) for part in parts.values()]


def _contains(polygon: np.ndarray, point: np.ndarray) -> bool:
    """Whether a point lies in a polygon (n, 2), by the even-odd rule."""
    (x, y), following = polygon.T, np.roll(polygon, -1, 0)
    crossing = (y > point[1]) != (following[:, 1] > point[1])
    rise = np.where(crossing, following[:, 1] - y, 1.0)
    return bool((crossing & (point[0] < x + (point[1] - y) * (following[:, 0] - x) / rise)).sum() % 2)


# -- what is looked at ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Element:
    """A connected part of the layers of one paint: its label, area (pixels), centre (scene) and the layers that draw it."""

    label: int
    area: float
    center: Point
    layers: frozenset[int]
    clipped: bool


@dataclass(frozen=True)
class _Group:
    """The layers of one paint: coverage (h, w), where it can be seen (h, w), elements' labels (h, w), the elements, and the
    middle of what each layer covers."""

    cover: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    elements: tuple[_Element, ...]
    middles: dict[int, Point]

    @property
    def by_label(self) -> dict[int, _Element]:
        return {element.label: element for element in self.elements}

    def whole(self, elements: Sequence[_Element]) -> bool:
        """Whether the layers of these elements draw no others."""
        layers = frozenset().union(*(e.layers for e in elements))
        return all(e in elements for e in self.elements if e.layers & layers)


@dataclass(frozen=True)
class _Figure:
    """Some elements of a group: their coverage alone (h, w), where it can be seen, and the length of their outline (pixels)."""

    group: _Group
    elements: tuple[_Element, ...]
    cover: np.ndarray
    known: np.ndarray
    outline: float

    @property
    def layers(self) -> frozenset[int]:
        return frozenset().union(*(e.layers for e in self.elements))


class _Canvas:
    """Pixels of a picture in scene coordinates: `unit` is the side of a pixel."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.height, self.width = size
        self.unit = 2.0 / min(size)
        rows, columns = np.mgrid[: self.height, : self.width]
        self.x = (columns + 0.5 - self.width / 2) * self.unit
        self.y = (self.height / 2 - rows - 0.5) * self.unit

    @property
    def corner(self) -> Point:
        """The upper left corner."""
        return (-self.width / 2 * self.unit, self.height / 2 * self.unit)

    def sampled(self, images: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Images (h, w) at points (any shape), 0 outside of the picture."""
        places = [self.height / 2 - y / self.unit - 0.5, x / self.unit + self.width / 2 - 0.5]
        return [ndimage.map_coordinates(image, places, order=1, mode="constant") for image in images]


def _groups(sketch: Sketch, canvas: _Canvas) -> list[_Group]:
    """The groups of plain layers with equal paint."""
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    alone = [Draft.of(Sketch(None, (replace(layer, opacity=1.0),))).program for layer in sketch.layers]
    batch = Batch.of([(tape_of(program), program.params) for program in alone])
    covers = batch.images((canvas.width, canvas.height))[..., 3].astype(np.float64)
    members: dict[object, list[int]] = {}
    for index, layer in enumerate(sketch.layers):
        if layer.symmetry is None:
            members.setdefault((layer.paint, layer.opacity), []).append(index)
    return [_group(sketch, covers, indices, canvas) for indices in members.values()]


def _group(sketch: Sketch, covers: np.ndarray, members: list[int], canvas: _Canvas) -> _Group:
    cover = 1.0 - np.prod(1.0 - covers[members], 0)
    others = [k for k in range(members[0], len(covers)) if k not in members]
    above = 1.0 - np.prod(1.0 - covers[others], 0) if others else np.zeros_like(cover)
    seen, free = np.zeros_like(cover), np.ones_like(cover)
    for index in range(len(covers) - 1, members[0] - 1, -1):
        if index in members:
            seen += covers[index] * free
        free *= 1.0 - covers[index]
    known = (above < 0.1) | (seen > 0.5)
    labels, count = ndimage.label(cover > 0.5)
    elements: list[_Element] = []
    areas = ndimage.sum_labels(cover, labels, np.arange(1, count + 1))
    xs = ndimage.sum_labels(cover * canvas.x, labels, np.arange(1, count + 1)) / np.maximum(areas, 1e-9)
    ys = ndimage.sum_labels(cover * canvas.y, labels, np.arange(1, count + 1)) / np.maximum(areas, 1e-9)
    drawn: list[set[int]] = [set() for _ in range(count + 1)]
    for index in members:
        for label in np.unique(labels[covers[index] > 0.5]):
            drawn[label].add(index)
    edge = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    for label in range(1, count + 1):
        center = (float(xs[label - 1]), float(ys[label - 1]))
        elements.append(_Element(label, float(areas[label - 1]), center, frozenset(drawn[label]), label in edge))
    weights = {k: covers[k] / max(float(covers[k].sum()), 1e-9) for k in members}
    middles = {k: (float((w * canvas.x).sum()), float((w * canvas.y).sum())) for k, w in weights.items()}
    return _Group(cover, known.astype(np.float64), labels, tuple(elements), middles)


def _figure(group: _Group, elements: Sequence[_Element]) -> _Figure:
    cover = group.cover
    if len(elements) < len(group.elements):
        chosen = ndimage.binary_dilation(np.isin(group.labels, [e.label for e in elements]), np.ones((3, 3)))
        cover = np.where(chosen, cover, 0.0)
    slope = np.hypot(*np.gradient(cover)) * group.known
    return _Figure(group, tuple(elements), cover, group.known, float(slope.sum()))


def _figures(sketch: Sketch, groups: Sequence[_Group]) -> list[_Figure]:
    """What is worth a look: whole groups, elements of about equal area, and single elements; most numbers first."""
    numbers = [shape_number_count(layer.shape) for layer in sketch.layers]
    chosen: dict[tuple[int, frozenset[int]], tuple[int, _Group, list[_Element]]] = {}

    def consider(k: int, elements: list[_Element]) -> None:
        count = sum(numbers[i] for i in frozenset().union(*(e.layers for e in elements)))
        if elements and groups[k].whole(elements) and count >= (LEAST_NUMBERS if len(elements) > 1 else 2 * LEAST_NUMBERS):
            chosen.setdefault((k, frozenset(e.label for e in elements)), (count, groups[k], elements))

    for k, group in enumerate(groups):
        consider(k, list(group.elements))
        for cluster in _alike(group.elements):
            consider(k, cluster)
        for element in group.elements:
            consider(k, [element])
    ranked = sorted(chosen.values(), key=lambda c: -c[0])[:MOST_FIGURES]
    return [_figure(group, elements) for _, group, elements in ranked]


def _alike(elements: Sequence[_Element]) -> list[list[_Element]]:
    """Clusters of two or more elements of about equal area."""
    ordered = sorted(elements, key=lambda e: e.area)
    clusters: list[list[_Element]] = []
    for element in ordered:
        if clusters and element.area < 1.12 * np.mean([e.area for e in clusters[-1]]) + 2.0:
            clusters[-1].append(element)
        else:
            clusters.append([element])
    return [c for c in clusters if len(c) > 1]


# -- rotation and reflection ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Found:
    """Copies about a centre (1 for none but a mirrored one) and the angle (degrees) of an axis of reflection."""

    center: Point
    count: int
    axis: float | None
    mismatch: float


class _Turning:
    """A figure about a centre, in polar coordinates: its squared difference from itself turned or reflected, by one
    transform along the angle."""

    ANGLES = 512

    def __init__(self, figure: _Figure, center: Point, canvas: _Canvas) -> None:
        self.figure, self.center = figure, center
        rows, columns = np.nonzero(figure.cover > 0.5)
        x, y = canvas.x[rows, columns] - center[0], canvas.y[rows, columns] - center[1]
        self.reach = float(np.hypot(x, y).max()) + canvas.unit if len(x) else canvas.unit
        step = max(canvas.unit, self.reach / 80)
        radii = np.arange(0.5 * step, self.reach + step, step)
        angles = 2.0 * np.pi * np.arange(self.ANGLES) / self.ANGLES
        px = center[0] + radii[:, None] * np.cos(angles)
        py = center[1] + radii[:, None] * np.sin(angles)
        cover, known = canvas.sampled([figure.cover, figure.known], px, py)
        weight = np.where(known > 0.99, np.sqrt(radii)[:, None], 0.0)
        first, second, weights = (np.fft.rfft(a, axis=1) for a in (weight * cover, weight * cover**2, weight))
        area = step * 2.0 * np.pi / self.ANGLES / canvas.unit**2 / self.ANGLES
        twice = np.full(first.shape[1], 2.0 * area)
        twice[0] = area
        # Sum over the angle of w w' (f - f')², as a Fourier series in the angle between the two.
        self.turning = twice * (2.0 * (second.conj() * weights).real - 2.0 * np.abs(first) ** 2).sum(0)
        self.reflecting = twice * (2.0 * second * weights - 2.0 * first**2).sum(0)
        self.overlap = twice * (np.abs(weights) ** 2).sum(0)
        self.orders = np.arange(first.shape[1])
        self.usual = float(self.turning[0]) * self.overlap[0] / max(self.overlap[0], 1e-9)
        self.limit = min(LARGEST_MISMATCH * figure.outline, LARGEST_SHARE * self.usual)

    def turned(self, count: int) -> float:
        """The largest difference under the rotations of `count` copies (pixels²)."""
        angles = 2.0 * np.pi * np.arange(1, count // 2 + 1) / count
        return float((np.cos(angles[:, None] * self.orders) @ self.turning).max())

    def count(self) -> int:
        """The most copies under whose rotations the figure is unchanged; 1 for none."""
        if self.usual < 2.0:
            return 1
        return next((n for n in range(MOST_COPIES, 1, -1) if self.turned(n) < self.limit), 1)

    def axis(self, count: int) -> tuple[float, float]:
        """The angle (degrees, within half a step) of the best axis for `count` copies, and the difference there."""
        values = np.fft.irfft(self.reflecting / np.where(self.orders > 0, 2.0, 1.0), self.ANGLES) * self.ANGLES
        # values[k] belongs to the axis at k/ANGLES of half a turn; the worst of `count` axes at equal angles counts.
        half = np.arange(self.ANGLES // count)
        places = half[:, None] + self.ANGLES / count * np.arange(count)
        worst = np.interp(places, np.arange(self.ANGLES), values, period=self.ANGLES).max(1)
        best = int(worst.argmin())
        low, here, high = worst[best - 1], worst[best], worst[(best + 1) % len(worst)]
        bend = low - 2.0 * here + high
        shift = 0.5 * (low - high) / bend if bend > 1e-9 and count == 1 else 0.0
        return 180.0 / self.ANGLES * (best + float(np.clip(shift, -0.5, 0.5))), float(here)


def _symmetry(figure: _Figure, canvas: _Canvas) -> _Found | None:
    """The rotations and reflections of a figure about the centre of what is seen of it."""
    seen = figure.cover * figure.known
    total = max(float(seen.sum()), 1e-9)
    center = (float((seen * canvas.x).sum() / total), float((seen * canvas.y).sum() / total))
    whole = float(figure.cover.sum())
    centers = [center]
    if whole > 1.02 * total:
        centers.append((float((figure.cover * canvas.x).sum() / whole), float((figure.cover * canvas.y).sum() / whole)))
    if np.hypot(*center) < 4.0 * canvas.unit:
        centers.append((0.0, 0.0))
    best: _Found | None = None
    for place in centers:
        turning = _Turning(figure, place, canvas)
        count = turning.count()
        axis, difference = turning.axis(count)
        straight = difference < turning.limit
        if count == 1 and not straight:
            continue
        mismatch = max(turning.turned(count), difference if straight else 0.0) if count > 1 else difference
        found = _Found(place, count, axis if straight else None, mismatch)
        if best is None or (found.count, -found.mismatch) > (best.count, -best.mismatch):
            best = found
    return best


# -- a part of a figure --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Average:
    """A figure averaged over its copies, on pixels about the symmetry's centre: coverage, where any copy shows it, and the
    pixels' places (x, y) from the centre (scene units)."""

    cover: np.ndarray
    known: np.ndarray
    x: np.ndarray
    y: np.ndarray
    unit: float

    @property
    def corner(self) -> Point:
        return (float(self.x[0, 0]) - self.unit / 2, float(self.y[0, 0]) + self.unit / 2)

    def places(self, radius: np.ndarray | float, angle: np.ndarray) -> list[np.ndarray]:
        """Rows and columns of points at radii (scene units) and angles (radians) about the centre."""
        height, width = self.cover.shape
        return [
            height / 2 - radius * np.sin(angle) / self.unit - 0.5,
            width / 2 + radius * np.cos(angle) / self.unit - 0.5,
        ]


Image = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def _average(figure: _Figure, canvas: _Canvas, center: Point, reach: Point, images: Sequence[Image]) -> _Average:
    """The mean over `images`, maps of points about the centre to where their copies lie in the scene; `reach` is half the size."""
    half = [int(np.ceil(r / canvas.unit)) + 4 for r in reach]
    rows, columns = np.mgrid[: 2 * half[1], : 2 * half[0]]
    x, y = (columns + 0.5 - half[0]) * canvas.unit, (half[1] - rows - 0.5) * canvas.unit
    cover, weight = np.zeros(x.shape), np.zeros(x.shape)
    smooth = ndimage.spline_filter(figure.cover, 3)
    for image in images:
        places = [canvas.height / 2 - image(x, y)[1] / canvas.unit - 0.5, image(x, y)[0] / canvas.unit + canvas.width / 2 - 0.5]
        known = np.where(ndimage.map_coordinates(figure.known, places, order=1) > 0.99, 1.0, 0.0)
        cover += ndimage.map_coordinates(smooth, places, order=3, prefilter=False) * known
        weight += known
    return _Average(np.clip(cover / np.maximum(weight, 1.0), 0.0, 1.0), weight > 0, x, y, canvas.unit)


def _turned_images(center: Point, count: int, axis: float | None) -> list[Image]:
    """The rotations about a centre and, with an axis, the reflections."""

    def image(angle: float, flip: bool) -> Image:
        c, s = np.cos(angle), np.sin(angle)
        fc, fs = (np.cos(2 * np.radians(axis or 0.0)), np.sin(2 * np.radians(axis or 0.0)))

        def at(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if flip:
                x, y = fc * x + fs * y, fs * x - fc * y
            return center[0] + c * x - s * y, center[1] + s * x + c * y

        return at

    turns = 2.0 * np.pi * np.arange(count) / count
    return [image(turn, flip) for flip in ([False, True] if axis is not None else [False]) for turn in turns]


class _Explainer:
    """Explains masks about a centre by shapes that may be used, or by outlines alone, which can be refined further."""

    def __init__(self, allowed: Callable[[SketchShape], bool], outlines: bool) -> None:
        self.allowed = allowed
        self.outlines = outlines

    def best(self, average: _Average, target: np.ndarray, known: np.ndarray, copies: int) -> Explanation | None:
        """The best explanation, in the average's coordinates; an error shows in every copy."""
        rows, columns = np.nonzero(target > 0.02)
        if not len(rows):
            return None
        window = (
            slice(max(int(rows.min()) - 3, 0), int(rows.max()) + 4),
            slice(max(int(columns.min()) - 3, 0), int(columns.max()) + 4),
        )
        corner = (
            average.corner[0] + window[1].start * average.unit,
            average.corner[1] - window[0].start * average.unit,
        )
        options = explain(target[window], known[window], allowed=self._usable, importance=float(copies))
        if not options:
            return None
        return options[0]._replace(shapes=tuple(in_frame(shape, corner, average.unit) for shape in options[0].shapes))

    def _usable(self, shape: SketchShape) -> bool:
        return self.allowed(shape) and (not self.outlines or isinstance(shape, (Path, Polygon)))


Drawn = list[tuple[SketchShape, "Symmetry | None"]]


def _polar_parts(average: _Average, found: _Found, explainer: _Explainer) -> Drawn | None:
    """Discs and rings about the centre, and one of each part that goes round it, each with its symmetry; None where a part
    can not be drawn."""
    unit, step = average.unit, 2.0 * np.pi / found.count
    radius, angle = np.hypot(average.x, average.y), np.arctan2(average.y, average.x)
    full = _full_radii(average, radius)
    drawn: Drawn = []
    target, owner = average.cover.copy(), np.zeros(radius.shape)
    rims = np.zeros(radius.shape, bool)
    for low, high in full:
        disc = low < unit
        shape: SketchShape = Circle((0.0, 0.0), high) if disc else Ring((0.0, 0.0), (low + high) / 2, high - low)
        if not explainer.allowed(shape):
            continue
        drawn.append((shape, None))
        # Neighbours that touch at the rim are still two.
        rims |= (radius > low - unit) & (radius < high + unit)
        # Parts run on beneath the ring, as they are at its rim.
        deep = OVERLAP * unit
        outer = (radius > high - deep) & (radius < high + 0.75 * unit) & (radius > low)
        inner = (radius < low + deep) & (radius > low - 0.75 * unit) & ~outer & (radius < high)
        target[(radius > low - 0.75 * unit) & (radius < high + 0.75 * unit)] = 0.0
        for rim, here in ((high + 0.8 * unit, outer), (low - 0.8 * unit, inner)):
            if rim > 0 and here.any():
                target[here] = ndimage.map_coordinates(average.cover, average.places(rim, angle[here]), order=1)
                owner[here] = rim + 0.4 * unit
    labels, count = ndimage.label((target > 0.4) & ~rims)
    # On a rim a part is what stands on it there.
    under = owner > 0
    owners = labels.copy()
    owners[under] = ndimage.map_coordinates(labels, average.places(owner[under], angle[under]), order=0)
    known = average.known & ~rims
    visited = np.zeros(count + 1, bool)
    middles = _middles(labels, count, average)
    for label in sorted(range(1, count + 1), key=lambda k: abs(np.arctan2(middles[k - 1][1], middles[k - 1][0]))):
        if visited[label]:
            continue
        own = labels == label
        if own.sum() < 3:
            continue
        orbit = _orbit(labels, own, average, found)
        visited[list(orbit[0] | orbit[1])] = True
        others = (owners > 0) & (owners != label)
        part = np.where(ndimage.binary_dilation(owners == label, np.ones((3, 3))) & ~others, target, 0.0)
        round_the_center = label in orbit[0] and found.count > 1 and _is_connected(own, average, step)
        explained = _part(average, part, known & ~others, found, round_the_center, label in orbit[1], explainer)
        if explained is None:
            return None
        drawn += explained
    return drawn


def _full_radii(average: _Average, radius: np.ndarray) -> list[tuple[float, float]]:
    """The radii from .. to over which the average covers every angle, where that is wider than CORE pixels."""
    unit = average.unit
    step = 0.25 * unit
    reach = min(average.cover.shape) / 2 * unit - 2 * unit
    radii = np.arange(0.0, max(reach, step), step)
    angles = np.linspace(0.0, 2.0 * np.pi, 360, endpoint=False)
    places = average.places(radii[:, None], angles)
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


def _middles(labels: np.ndarray, count: int, average: _Average) -> list[Point]:
    numbers = np.arange(1, count + 1)
    x, y = (ndimage.mean(values, labels, numbers) for values in (average.x, average.y))
    return list(zip(np.atleast_1d(x).tolist(), np.atleast_1d(y).tolist()))


def _landed(labels: np.ndarray, own: np.ndarray, average: _Average, c: float, s: float, flip: bool) -> int:
    """The label that most pixels of `own` land on when turned (c, s), or reflected in the line at half that angle."""
    x, y = average.x[own], average.y[own]
    if flip:
        y = -y
    tx, ty = c * x - s * y, s * x + c * y
    rows = np.clip(np.round(labels.shape[0] / 2 - ty / average.unit - 0.5).astype(int), 0, labels.shape[0] - 1)
    columns = np.clip(np.round(labels.shape[1] / 2 + tx / average.unit - 0.5).astype(int), 0, labels.shape[1] - 1)
    return int(np.bincount(labels[rows, columns], minlength=1).argmax())


def _orbit(labels: np.ndarray, own: np.ndarray, average: _Average, found: _Found) -> tuple[set[int], set[int]]:
    """The labels that a part lands on by rotations, and those by reflections."""
    turns = 2.0 * np.pi * np.arange(found.count) / found.count
    turned = {_landed(labels, own, average, np.cos(t), np.sin(t), False) for t in turns}
    reflected: set[int] = set()
    if found.axis is not None:
        double = 2.0 * np.radians(found.axis)
        reflected = {_landed(labels, own, average, np.cos(t + double), np.sin(t + double), True) for t in turns}
    return turned - {0}, reflected - {0}


def _is_connected(own: np.ndarray, average: _Average, step: float) -> bool:
    """Whether a part holds its own copy, one step further round."""
    return bool(_landed(own.astype(int), own, average, np.cos(step), np.sin(step), False))


def _part(
    average: _Average, target: np.ndarray, known: np.ndarray, found: _Found, round_the_center: bool, mirrored: bool,
    explainer: _Explainer,
) -> Drawn | None:  # fmt: skip
    """Shapes for one part that `found` repeats: whole or half of it, or a sector of what goes round the centre."""
    n, unit = found.count, average.unit
    whole, seen = target, known
    along = float(np.arctan2((target * average.y).sum(), (target * average.x).sum()))
    if round_the_center:
        along = _sector(average, target, found)
        turned = np.angle(np.exp(1j * (np.arctan2(average.y, average.x) - along)))
        beyond = np.hypot(average.x, average.y) * np.sin(np.clip(np.abs(turned) - np.pi / n, 0.0, np.pi / 2))
        outside = np.abs(turned) > np.pi / n
        whole = np.where(beyond < OVERLAP * unit, target, 0.0)
        seen = known & ~(outside & (target > 0.3))
    options: list[tuple[float, Drawn]] = []
    full = explainer.best(average, whole, seen, n)
    if full is not None:
        symmetry = Polar(n, found.center)
        options.append((full.score, [(shape, symmetry) for shape in full.shapes]))
    if found.axis is not None:
        axis = found.axis + 180.0 / n * round((np.degrees(along) - found.axis) / (180.0 / n))
        if round_the_center or mirrored:
            c, s = np.cos(np.radians(axis)), np.sin(np.radians(axis))
            across = c * average.y - s * average.x
            half = np.where(across < OVERLAP * unit, whole, 0.0)
            part = explainer.best(average, half, seen & ~((across > 0) & (whole > 0.3)), 2 * n)
            if part is not None and part.score + 1 < (options[0][0] if options else np.inf):
                options.insert(0, (part.score + 1, [(shape, Polar(n, found.center, axis)) for shape in part.shapes]))
    return options[0][1] if options else None


def _sector(average: _Average, target: np.ndarray, found: _Found) -> float:
    """The direction (radians, near the x axis) of the middle of a sector whose sides cut little."""
    n = found.count
    angle = np.arctan2(average.y, average.x)
    mass = target * np.hypot(average.x, average.y)
    if found.axis is not None:
        options = np.radians(found.axis) + np.pi / n * np.arange(2)
    else:
        options = 2.0 * np.pi / n * np.arange(24) / 24
    # The part of the mass that lies on the sides: the first harmonic of the sector's angle.
    weights = [float((mass * np.cos(n * (angle - option))).sum()) for option in options]
    best = float(options[int(np.argmax(weights))])
    return best - 2.0 * np.pi / n * round(best / (2.0 * np.pi / n))


# -- proposals -----------------------------------------------------------------------------------------------


def _centered(found: Sequence[tuple[_Figure, _Found]], unit: float) -> list[tuple[_Figure, _Found]]:
    """The same with centres that nearly agree made one: their mean, or the origin where that is near."""
    result = []
    for figure, one in found:
        near = [o for _, o in found if o.count > 1 and np.hypot(*np.subtract(o.center, one.center)) < 0.7 * unit]
        if one.count > 1:
            x, y = np.mean([o.center for o in near], 0)
            one = replace(one, center=(float(x), float(y)) if np.hypot(x, y) > 0.2 * unit else (0.0, 0.0))
        result.append((figure, one))
    return result


def _polar(figure: _Figure, found: _Found, canvas: _Canvas, explainers: Sequence[_Explainer]) -> list[Drawn | None]:
    rows, columns = np.nonzero(figure.cover > 0.02)
    reach = float(np.hypot(canvas.x[rows, columns] - found.center[0], canvas.y[rows, columns] - found.center[1]).max())
    images = _turned_images(found.center, found.count, found.axis)
    average = _average(figure, canvas, found.center, (reach, reach), images)
    # What has no symmetry is placed by its own centre.
    return [
        drawn and [(moved(shape, found.center) if symmetry is None else shape, symmetry) for shape, symmetry in drawn]
        for drawn in (_polar_parts(average, found, explainer) for explainer in explainers)
    ]


def _axes(found: Sequence[tuple[_Found, int]], unit: float) -> list[Mirror]:
    """The one or two axes of reflection that figures of most numbers have, each a mean over the figures that have it."""
    clusters: list[list[tuple[float, float, int]]] = []
    for one, weight in found:
        if one.axis is None or one.count > 2:
            continue
        for angle in (one.axis, one.axis + 90.0)[: one.count]:
            # A line by its direction, upwards or to the right, and its distance from the origin.
            angle = (angle + 45.0) % 180.0 - 45.0
            c, s = np.cos(np.radians(angle)), np.sin(np.radians(angle))
            line = (angle, s * one.center[0] - c * one.center[1], weight)
            near = [k for k in clusters if abs(k[0][0] - angle) < 3.0 and abs(k[0][1] - line[1]) < 1.5 * unit]
            (near[0].append(line) if near else clusters.append([line]))
    axes = []
    for cluster in sorted(clusters, key=lambda k: -sum(w for _, _, w in k))[:2]:
        total = sum(w for _, _, w in cluster)
        angle = sum(a * w for a, _, w in cluster) / total
        offset = sum(o * w for _, o, w in cluster) / total
        angle = next((a for a in (90.0, 0.0) if abs(angle - a) < 1.5), angle)
        offset = 0.0 if abs(offset) < 0.2 * unit else offset
        s, c = (1.0, 0.0) if angle == 90.0 else (np.sin(np.radians(angle)), np.cos(np.radians(angle)))
        axes.append(Mirror(angle, (float(s * offset), float(-c * offset))))
    return axes


def _mirrored(
    sketch: Sketch, group: _Group, axis: Mirror, canvas: _Canvas, explainer: _Explainer
) -> Iterator[tuple[frozenset[int], list[Drawn | None]]]:
    """The layers of elements that the axis maps onto each other, or each onto itself, and one half of them."""
    center = axis.center
    c, s = np.cos(np.radians(axis.angle)), np.sin(np.radians(axis.angle))
    images = _turned_images(center, 1, axis.angle)
    seen: set[int] = set()
    for element in group.elements:
        own = group.labels == element.label
        x, y = images[1](canvas.x[own] - center[0], canvas.y[own] - center[1])
        rows, columns = canvas.height / 2 - y / canvas.unit - 0.5, x / canvas.unit + canvas.width / 2 - 0.5
        landed = ndimage.map_coordinates(group.labels, [rows, columns], order=0)
        twin = group.by_label.get(int(np.bincount(landed, minlength=1).argmax()))
        if twin is None or element.label in seen or (landed == twin.label).mean() < 0.8 or twin.area > 1.3 * element.area:
            continue
        seen |= {element.label, twin.label}
        layers = element.layers | twin.layers
        if not group.whole([element, twin]):
            continue
        figure = _figure(group, [element] if twin is element else [element, twin])
        near = ndimage.binary_dilation(own, np.ones((3, 3)))
        image, known = canvas.sampled(
            [figure.cover, figure.known], *images[1](canvas.x[near] - center[0], canvas.y[near] - center[1])
        )
        difference = (known * figure.known[near] * (image - figure.cover[near]) ** 2).sum()
        if difference > LARGEST_MISMATCH * figure.outline * (1.0 if twin is element else 0.5):
            continue
        reach = float(np.hypot(canvas.x[own] - center[0], canvas.y[own] - center[1]).max()) + canvas.unit
        drawn: list[Drawn | None] = []
        # Those of the layers that lie on one side, as they are.
        sides: tuple[list[int], list[int]] = ([], [])
        for k in sorted(layers):
            middle = group.middles[k]
            sides[int(c * (middle[1] - center[1]) - s * (middle[0] - center[0]) > 0)].append(k)
        if all(sides):
            for side, left in zip(sides, (False, True)):
                shapes = [moved(sketch.layers[k].shape, (-center[0], -center[1])) for k in side]
                drawn.append([(reflected(shape, axis.angle) if left else shape, axis) for shape in shapes])
        elif sum(shape_number_count(sketch.layers[i].shape) for i in layers) >= 2 * LEAST_NUMBERS:
            average = _average(figure, canvas, center, (reach, reach), images)
            across = c * average.y - s * average.x
            half = np.where(across < OVERLAP * canvas.unit, average.cover, 0.0)
            part = explainer.best(average, half, average.known & ~((across > 0) & (average.cover > 0.3)), 2)
            drawn.append(part and [(shape, axis) for shape in part.shapes])
        yield layers, drawn


def _lattices(elements: Sequence[_Element], unit: float) -> Iterator[tuple[list[_Element], Grid]]:
    """Full rectangular grids of three or more of the elements, at any angle; bricks and checkers are two."""
    points = np.array([e.center for e in elements])
    best: list[tuple[list[int], Grid]] = []
    for turn in _directions(points):
        c, s = np.cos(turn), np.sin(turn)
        u, v = c * points[:, 0] + s * points[:, 1], c * points[:, 1] - s * points[:, 0]
        for swapped in (False, True):
            found = _grids_of_rows(v, u, unit) if swapped else _grids_of_rows(u, v, unit)
            grids = []
            for members, (first, count_u, du), (low, count_v, dv) in found:
                if swapped:
                    (first, count_u, du), (low, count_v, dv) = (low, count_v, dv), (first, count_u, du)
                mu, mv = first + du * (count_u - 1) / 2, low + dv * (count_v - 1) / 2
                center = (c * mu - s * mv, s * mu + c * mv)
                grids.append((members, Grid(count_u, count_v, du, dv, center, float(np.degrees(turn)))))
            covered = sum(len(members) for members, _ in grids)
            if grids and (covered - 3 * len(grids) > sum(len(m) for m, _ in best) - 3 * len(best)):
                best = grids
    for members, grid in best:
        yield [elements[i] for i in members], grid


def _directions(points: np.ndarray) -> list[float]:
    """Angles (radians) that rows of points may have: upright first, then those of the shortest distances."""
    gaps = points[:, None] - points[None]
    lengths = np.hypot(gaps[..., 0], gaps[..., 1]) + 1e9 * np.eye(len(points))
    nearest = np.argsort(lengths, 1)[:, :2].ravel()
    which = np.repeat(np.arange(len(points)), min(2, len(points) - 1))[: len(nearest)]
    turns = np.arctan2(gaps[which, nearest, 1], gaps[which, nearest, 0])
    # Modulo a quarter turn, in (-45, 45] degrees; the mean of those near the commonest.
    turns = (turns + np.pi / 4) % (np.pi / 2) - np.pi / 4
    result = [0.0]
    for turn in turns[np.argsort([-np.sum(np.abs(np.angle(np.exp(4j * (turns - t)))) < 0.2) for t in turns])][:1]:
        close = turns[np.abs(np.angle(np.exp(4j * (turns - turn)))) < 0.2]
        mean = float(np.angle(np.exp(4j * close).mean()) / 4)
        if abs(mean) > 0.02:
            result.append(mean)
    return result


Progression = tuple[float, int, float]
"""First value, how many, and the step."""


def _progression(levels: np.ndarray, unit: float) -> Progression | None:
    """Equal steps through sorted levels, within a pixel; None where they are not equal."""
    if len(levels) == 1:
        return (float(levels[0]), 1, 0.0)
    step, first = np.polyfit(np.arange(len(levels)), levels, 1)
    if np.abs(first + step * np.arange(len(levels)) - levels).max() > unit:
        return None
    return (float(first), len(levels), float(step))


def _levels(values: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """The distinct values, those within 1.5 pixels of the one before being one, and which of them each value is."""
    order = np.argsort(values)
    jumps = np.concatenate([[0], np.cumsum(np.diff(values[order]) > 1.5 * unit)])
    which = np.empty(len(values), int)
    which[order] = jumps
    return ndimage.mean(values, which, np.arange(which.max() + 1)), which


def _grids_of_rows(u: np.ndarray, v: np.ndarray, unit: float) -> list[tuple[list[int], Progression, Progression]]:
    """Grids of rows (equal v) whose points stand at the same places along u."""
    columns, column = _levels(u, unit)
    rows, row = _levels(v, unit)
    kinds: dict[tuple[int, ...], list[int]] = {}
    for r in range(len(rows)):
        kinds.setdefault(tuple(sorted(column[row == r].tolist())), []).append(r)
    result = []
    for places, which in kinds.items():
        if len(set(places)) != len(places) or len(places) * len(which) < 3:
            continue
        along, up = _progression(columns[list(places)], unit), _progression(rows[which], unit)
        if along is None or up is None:
            continue
        # A single row or column has no step of its own there.
        along = (along[0], along[1], along[2] or up[2])
        up = (up[0], up[1], up[2] or along[2])
        result.append((np.flatnonzero(np.isin(row, which)).tolist(), along, up))
    return result


def _grid(
    figure: _Figure, grid: Grid, canvas: _Canvas, explainers: Sequence[_Explainer]
) -> tuple[list[Drawn | None], list[_Element]]:
    """Shapes for one cell with the grid, and the elements cut off by the border that an extended grid takes in."""
    taken = {e.label for e in figure.elements}
    labels = figure.group.labels
    size = float(np.sqrt(max(e.area for e in figure.elements))) * canvas.unit
    for element in figure.elements[:1]:
        rows, columns = np.nonzero(labels == element.label)
        size = 0.5 * canvas.unit * (1 + max(int(np.ptp(rows)), int(np.ptp(columns))))
    extra: list[_Element] = []
    for side in range(4):
        while max(grid.columns, grid.rows) < 60:
            longer, places = _extended(grid, side)
            hits = _cut_off(figure, places, size, canvas)
            if hits is None:
                break
            grid = longer
            extra += [e for e in hits if e.label not in taken]
            taken |= {e.label for e in hits}
    both = _figure(figure.group, [*figure.elements, *extra])
    c, s = np.cos(np.radians(grid.turn)), np.sin(np.radians(grid.turn))

    def image(place: Point) -> Image:
        return lambda x, y: (place[0] + c * x - s * y, place[1] + s * x + c * y)

    average = _average(both, canvas, grid.center, (size, size), [image(place) for place in _places(grid)])
    reach = 0.5 * np.array([grid.dx, grid.dy])
    own = (np.abs(average.x) < reach[0]) | (grid.columns == 1)
    own &= (np.abs(average.y) < reach[1]) | (grid.rows == 1)
    drawn: list[Drawn | None] = []
    for explainer in explainers:
        part = explainer.best(average, np.where(own, average.cover, 0.0), average.known, grid.columns * grid.rows)
        if part is not None and len(part.shapes) == 1 and isinstance(part.shapes[0], (Circle, Ellipse, Box, Ring)):
            # The grid's centre places it; two centres would be one too many.
            x, y = part.shapes[0].center
            middle = (grid.center[0] + c * x - s * y, grid.center[1] + s * x + c * y)
            drawn.append([(replace(part.shapes[0], center=(0.0, 0.0)), replace(grid, center=middle))])
        else:
            drawn.append(part and [(shape, grid) for shape in part.shapes])
    return drawn, extra


def _places(grid: Grid) -> list[Point]:
    """The centres of the cells."""
    c, s = np.cos(np.radians(grid.turn)), np.sin(np.radians(grid.turn))
    cells = [
        (grid.dx * (i - (grid.columns - 1) / 2), grid.dy * (j - (grid.rows - 1) / 2))
        for j in range(grid.rows) for i in range(grid.columns)
    ]  # fmt: skip
    return [(grid.center[0] + c * u - s * v, grid.center[1] + s * u + c * v) for u, v in cells]


def _extended(grid: Grid, side: int) -> tuple[Grid, list[Point]]:
    """The grid with a column or row more on a side (right, left, up, down), and the centres of the new cells."""
    c, s = np.cos(np.radians(grid.turn)), np.sin(np.radians(grid.turn))
    sign = 1.0 if side % 2 == 0 else -1.0
    if side < 2:
        du, dv = sign * grid.dx / 2, 0.0
        longer = replace(grid, columns=grid.columns + 1)
    else:
        du, dv = 0.0, sign * grid.dy / 2
        longer = replace(grid, rows=grid.rows + 1)
    longer = replace(longer, center=(grid.center[0] + c * du - s * dv, grid.center[1] + s * du + c * dv))
    cells = np.array(_places(longer)).reshape(longer.rows, longer.columns, 2)
    new = (cells[:, -1], cells[:, 0], cells[-1], cells[0])[side]
    return longer, [(float(x), float(y)) for x, y in new]


def _cut_off(figure: _Figure, places: Sequence[Point], size: float, canvas: _Canvas) -> list[_Element] | None:
    """The elements of the group at the border that stand at these places as far as the picture shows them; None where
    one place is empty, or nothing of any is in the picture."""
    group = figure.group
    first = figure.elements[0].center
    hits: list[_Element] = []
    for px, py in places:
        near = (np.abs(canvas.x - px) < size + canvas.unit) & (np.abs(canvas.y - py) < size + canvas.unit)
        if near.sum() < 2:
            continue
        x, y = canvas.x[near] - px + first[0], canvas.y[near] - py + first[1]
        expected = canvas.sampled([figure.cover], x, y)[0]
        if expected.sum() < 2.0:
            continue
        seen = (group.known[near] > 0) & (expected > 0.02)
        difference = float(np.abs(expected - group.cover[near])[seen].sum())
        if difference > 0.25 * expected[seen].sum() + 1.0:
            return None
        found = set(group.labels[near][expected > 0.5].tolist())
        hits += [e for e in group.elements if e.label in found and e.clipped]
    return hits or None


def _rounded(drawn: Drawn) -> Drawn:
    """The same with its boxes rounded, which a mask of few pixels does not show and many copies together may."""
    return [
        (replace(shape, rounding=0.3 * min(shape.half_width, shape.half_height)), symmetry)
        if isinstance(shape, Box) and not shape.rounding else (shape, symmetry)
        for shape, symmetry in drawn
    ]  # fmt: skip


def proposals(sketch: Sketch, size: tuple[int, int], allowed: Callable[[SketchShape | Symmetry], bool]) -> list[Proposal]:
    """Every replacement that would save numbers, most first. `size` is (height, width) of the picture; `allowed` tells
    whether a shape or a symmetry may be used."""
    if not sketch.layers:
        return []
    canvas = _Canvas(size)
    groups = _groups(sketch, canvas)
    explainers = [_Explainer(allowed, outlines) for outlines in (False, True)]
    result: list[Proposal] = []

    def propose(layers: frozenset[int], drawn: Sequence[Drawn | None]) -> None:
        paint = sketch.layers[min(layers)]
        old = sum(shape_number_count(sketch.layers[i].shape) for i in layers)
        options: list[tuple[SketchLayer, ...]] = []
        saves = 0
        for shapes in [*drawn, *(_rounded(shapes) for shapes in drawn if shapes)]:
            option = tuple(replace(paint, shape=shape, symmetry=symmetry) for shape, symmetry in shapes or ())
            # The centre is likely to be another's too, and is written once.
            new = sum(shape_number_count(o.shape) for o in option)
            new += sum(symmetry_number_count(replace(o.symmetry, center=(0.0, 0.0))) for o in option if o.symmetry)
            if option and old > new and option not in options:
                saves = max(saves, old - new)
                options.append(option)
        if options:
            result.append(Proposal(layers, tuple(options), saves))

    figures = _figures(sketch, groups)
    numbers = [layer_number_count(layer) for layer in sketch.layers]
    found = [(figure, one) for figure in figures if (one := _symmetry(figure, canvas)) is not None]
    for figure, one in _centered(found, canvas.unit):
        own = sum(shape_number_count(sketch.layers[i].shape) for i in figure.layers)
        if one.count > 1 and own > LEAST_NUMBERS + 2 and allowed(Polar(one.count, axis=one.axis)):
            propose(figure.layers, _polar(figure, one, canvas, explainers))
    if allowed(Mirror()):
        for axis in _axes([(one, sum(numbers[i] for i in figure.layers)) for figure, one in found], canvas.unit):
            for group in groups:
                for layers, drawn in _mirrored(sketch, group, axis, canvas, explainers[0]):
                    propose(layers, drawn)
    if allowed(Grid(1, 1, 1.0, 1.0)):
        for figure in figures:
            for members, grid in _lattices(figure.elements, canvas.unit) if len(figure.elements) > 2 else ():
                if not figure.group.whole(members):
                    continue
                drawn, extra = _grid(_figure(figure.group, members), grid, canvas, explainers)
                propose(frozenset().union(*(e.layers for e in [*members, *extra])), drawn)
    least = max(2, LEAST_SAVING * sum(numbers))
    return sorted((p for p in result if p.saves >= least), key=lambda p: -p.saves)[:MOST_TRIED]


def applied(sketch: Sketch, replaced: frozenset[int], layers: Sequence[SketchLayer], place: int) -> Sketch:
    """The sketch without the replaced layers, and with others where the layer `place` stood."""
    result: list[SketchLayer] = []
    for index, layer in enumerate(sketch.layers):
        if index == place:
            result += layers
        if index not in replaced:
            result.append(layer)
    return Sketch(sketch.background, tuple(result))


def symmetric(evolution: Evolution, state: State, patience: float = 1.0) -> State | None:
    """The state with the symmetries found in it, or None where there is none.

    Replacements are tried one by one, most numbers first, and kept where the measure does not rise above that of the given
    state, with patience above 0 by no more than a passable error: what needs few numbers is soon improved.
    """
    size = evolution.level.target.size
    sketch = apart(state.draft.sketch)
    pending = proposals(sketch, (size[1], size[0]), evolution.allowed)
    best = state
    limit = state.measure(evolution.budget) + patience * (state.error + PASSABLE * size[0] * size[1])
    names: list[int | None] = list(range(len(sketch.layers)))
    for proposal in pending:
        if evolution.budget.late:
            break
        if not proposal.replaced <= set(names):
            continue
        here = frozenset(names.index(i) for i in proposal.replaced)
        tries: list[tuple[float, int, int, State]] = []
        for layers in proposal.options:
            # Where layers of other paint lie between those replaced, the new ones may stand below or above them.
            places = {min(here), max(here)}
            drafts = [(place, Draft.of(applied(sketch, here, layers, place))) for place in places]
            place, draft = min(drafts, key=lambda d: evolution.error_of(d[1])) if len(drafts) > 1 else drafts[0]
            tried = evolution.refined(draft, 10)
            tries.append((tried.measure(evolution.budget), place, len(layers), tried))
            if tried.error < min(1.05 * best.error, 0.5 * PASSABLE * size[0] * size[1]):
                break
        measure, place, count, after = min(tries, key=lambda t: t[0])
        if measure < limit:
            best, sketch = after, after.draft.sketch
            fresh: list[int | None] = []
            for k, name in enumerate(names):
                fresh += [None] * count if k == place else []
                fresh += [name] if k not in here else []
            names = fresh
    return None if best is state else _cleared(evolution, evolution.refined(best.draft, 10))


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
