"""What in a sketch can have a symmetry: the connected parts of the layers of one paint, alone and together.

The layers of one paint are a *group*. Their connected parts are its *elements*, which need not be layers: two layers
may draw one element, and one layer several. A *figure* is some elements of a group: all of them, those of one size, or
one alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from refine.draft import Draft
from refine.sketch import Path, Point, Sketch, SketchLayer, shape_number_count

LEAST_NUMBERS = 6
"""Shapes of fewer numbers have nothing to gain, nor a single one of fewer than twice as many."""
MOST_FIGURES = 24
"""Figures looked at, those of most numbers first."""
LARGEST_MISMATCH = 0.06
"""Squared difference of coverage that a figure may have from its copy, for each pixel of its outline, both ways
counted: an outline a third of a pixel off has about as much."""


class Canvas:
    """The pixels of a picture of `size` (height, width), with their centres `x` and `y` (h, w) in scene coordinates,
    where a pixel's side is `unit`."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.height, self.width = size
        self.unit = 2.0 / min(size)
        rows, columns = np.mgrid[: self.height, : self.width]
        self.x = (columns + 0.5 - self.width / 2) * self.unit
        self.y = (self.height / 2 - rows - 0.5) * self.unit

    def places(self, x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Rows and columns, in fractions of pixels, of points in scene coordinates (any shape)."""
        return [self.height / 2 - y / self.unit - 0.5, x / self.unit + self.width / 2 - 0.5]

    def sampled(self, images: Sequence[np.ndarray], x: np.ndarray, y: np.ndarray) -> list[np.ndarray]:
        """Images (h, w) at points in scene coordinates (any shape), 0 outside of the picture."""
        places = self.places(x, y)
        return [ndimage.map_coordinates(image, places, order=1, mode="constant") for image in images]

    def centroid(self, weights: np.ndarray) -> Point:
        """The mean place of the pixels by their weights (h, w), in scene coordinates."""
        total = max(float(weights.sum()), 1e-9)
        return (float((weights * self.x).sum() / total), float((weights * self.y).sum() / total))


@dataclass(frozen=True)
class Element:
    """A connected part of the layers of one paint: its label, area (pixels), centre (scene), the layers that draw it
    (indices into the sketch), and whether the picture's border cuts it off."""

    label: int
    area: float
    center: Point
    layers: frozenset[int]
    clipped: bool


@dataclass(frozen=True)
class Group:
    """The layers of one paint: their coverage (h, w) in [0, 1], 1 where it can be seen and 0 elsewhere (h, w), the
    elements' labels (h, w; 0 for none), the elements, and the middle (scene) of what each layer covers."""

    cover: np.ndarray
    known: np.ndarray
    labels: np.ndarray
    elements: tuple[Element, ...]
    middles: dict[int, Point]

    def whole(self, elements: Sequence[Element]) -> bool:
        """Whether the layers of these elements draw no others."""
        layers = layers_of(elements)
        return all(e in elements for e in self.elements if e.layers & layers)

    def figure(self, elements: Sequence[Element]) -> Figure:
        """These elements as a figure."""
        cover = self.cover
        if len(elements) < len(self.elements):
            # Their antialiased rims lie outside of the labels.
            chosen = ndimage.binary_dilation(np.isin(self.labels, [e.label for e in elements]), np.ones((3, 3)))
            cover = np.where(chosen, cover, 0.0)
        slope = np.hypot(*np.gradient(cover)) * self.known
        return Figure(self, tuple(elements), cover, float(slope.sum()))


@dataclass(frozen=True)
class Figure:
    """Some elements of a group: their coverage alone (h, w), and the length of their outline that can be seen
    (pixels)."""

    group: Group
    elements: tuple[Element, ...]
    cover: np.ndarray
    outline: float

    @property
    def known(self) -> np.ndarray:
        """1 where the group can be seen and 0 elsewhere (h, w)."""
        return self.group.known

    @property
    def layers(self) -> frozenset[int]:
        """The layers that draw the figure (indices into the sketch)."""
        return layers_of(self.elements)

    @property
    def tolerance(self) -> float:
        """The squared difference (pixels) that the figure may have from its copy."""
        return LARGEST_MISMATCH * self.outline


def layers_of(elements: Sequence[Element]) -> frozenset[int]:
    """The layers that draw any of the elements (indices into the sketch)."""
    return frozenset().union(*(e.layers for e in elements))


# -- layers ------------------------------------------------------------------------------------------------------


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
    """The contours of a path, each outer one with its holes."""
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
    """Whether a point (2,) lies in a polygon (n, 2), by the even-odd rule."""
    (x, y), following = polygon.T, np.roll(polygon, -1, 0)
    crossing = (y > point[1]) != (following[:, 1] > point[1])
    rise = np.where(crossing, following[:, 1] - y, 1.0)
    return bool((crossing & (point[0] < x + (point[1] - y) * (following[:, 0] - x) / rise)).sum() % 2)


# -- groups and their elements -----------------------------------------------------------------------------------


def covers_of(sketch: Sketch, size: tuple[int, int]) -> np.ndarray:
    """Each layer's coverage (n, h, w) in [0, 1], whatever hides it, in a picture of `size` (width, height)."""
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    alone = [Draft.of(Sketch(None, (replace(layer, opacity=1.0),))).program for layer in sketch.layers]
    batch = Batch.of([(tape_of(program), program.params) for program in alone])
    return np.asarray(batch.images(size)[..., 3].astype(np.float64))


def groups_of(sketch: Sketch, canvas: Canvas) -> list[Group]:
    """The layers without a symmetry, those of equal paint and opacity together."""
    covers = covers_of(sketch, (canvas.width, canvas.height))
    members: dict[object, list[int]] = {}
    for index, layer in enumerate(sketch.layers):
        if layer.symmetry is None:
            members.setdefault((layer.paint, layer.opacity), []).append(index)
    return [_group(covers, indices, canvas) for indices in members.values()]


def _group(covers: np.ndarray, members: list[int], canvas: Canvas) -> Group:
    """The group of the layers `members`, of all layers' coverage (n, h, w) from the lowest to the topmost."""
    cover = 1.0 - np.prod(1.0 - covers[members], 0)
    labels, count = ndimage.label(cover > 0.5)
    weights = {k: covers[k] / max(float(covers[k].sum()), 1e-9) for k in members}
    middles = {k: (float((w * canvas.x).sum()), float((w * canvas.y).sum())) for k, w in weights.items()}
    elements = _elements(cover, labels, count, {k: covers[k] for k in members}, canvas)
    return Group(cover, _known(covers, members).astype(np.float64), labels, elements, middles)


def _known(covers: np.ndarray, members: list[int]) -> np.ndarray:
    """Where no other layer hides whether those of the group cover the picture (h, w, bool)."""
    others = [k for k in range(members[0], len(covers)) if k not in members]
    above = 1.0 - np.prod(1.0 - covers[others], 0) if others else np.zeros(covers.shape[1:])
    seen, free = np.zeros(covers.shape[1:]), np.ones(covers.shape[1:])
    for index in range(len(covers) - 1, members[0] - 1, -1):
        if index in members:
            seen += covers[index] * free
        free *= 1.0 - covers[index]
    return np.asarray((above < 0.1) | (seen > 0.5))


def _elements(
    cover: np.ndarray, labels: np.ndarray, count: int, layers: dict[int, np.ndarray], canvas: Canvas
) -> tuple[Element, ...]:
    """The elements labelled from 1 to `count`, drawn by layers of given coverage (h, w)."""
    numbers = np.arange(1, count + 1)
    areas = ndimage.sum_labels(cover, labels, numbers)
    xs = ndimage.sum_labels(cover * canvas.x, labels, numbers) / np.maximum(areas, 1e-9)
    ys = ndimage.sum_labels(cover * canvas.y, labels, numbers) / np.maximum(areas, 1e-9)
    drawn_by: list[set[int]] = [set() for _ in range(count + 1)]
    for index, covered in layers.items():
        for label in np.unique(labels[covered > 0.5]):
            drawn_by[label].add(index)
    border = set(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]).tolist())
    return tuple(
        Element(label, float(area), (float(x), float(y)), frozenset(drawn_by[label]), label in border)
        for label, area, x, y in zip(numbers.tolist(), areas, xs, ys)
    )


# -- figures -----------------------------------------------------------------------------------------------------


def figures_of(sketch: Sketch, groups: Sequence[Group]) -> list[Figure]:
    """What is worth a look: whole groups, elements of about equal area, and single elements; most numbers first."""
    numbers = [shape_number_count(layer.shape) for layer in sketch.layers]
    chosen: dict[tuple[int, frozenset[int]], tuple[int, Group, Sequence[Element]]] = {}
    for k, group in enumerate(groups):
        for elements in (group.elements, *_alike(group.elements), *([element] for element in group.elements)):
            count = sum(numbers[i] for i in layers_of(elements))
            least = LEAST_NUMBERS if len(elements) > 1 else 2 * LEAST_NUMBERS
            if elements and group.whole(elements) and count >= least:
                chosen.setdefault((k, frozenset(e.label for e in elements)), (count, group, elements))
    ranked = sorted(chosen.values(), key=lambda c: -c[0])[:MOST_FIGURES]
    return [group.figure(elements) for _, group, elements in ranked]


def _alike(elements: Sequence[Element]) -> list[list[Element]]:
    """Clusters of two or more elements of about equal area."""
    clusters: list[list[Element]] = []
    for element in sorted(elements, key=lambda e: e.area):
        if clusters and element.area < 1.12 * np.mean([e.area for e in clusters[-1]]) + 2.0:
            clusters[-1].append(element)
        else:
            clusters.append([element])
    return [c for c in clusters if len(c) > 1]
