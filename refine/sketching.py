"""From a picture to a sketch: regions, their order, the shapes that explain them, their paints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage

from refine.contours import contours_of, outline_of
from refine.primitives import Explanation, anything, explain
from refine.regions import affine_colours, region_moments, segment, undo_antialiasing as without_antialiasing
from refine.shading import fit_paint
from refine.sketch import (
    Box,
    Colour,
    Flat,
    Path,
    Sketch,
    SketchLayer,
    SketchPaint,
    SketchShape,
    moved,
    number_count,
    paint_number_count,
    paint_to_scene,
    shape_number_count,
    to_scene,
)

PAD = 3
"""Regions run on this far beyond the picture's border, so that shapes cut off by it need not follow it."""
FIRST_THRESHOLD = 0.02
"""Squared error that a pixel of boundary must save in the finest sketch."""
NUMBER_PRICE = 0.03
"""Squared error that a number must save in the finest sketch."""
SAME_COLOUR = 0.03
TRANSPARENT, OPAQUE = 0.1, 0.95


def sketch(
    image: np.ndarray,
    *,
    max_numbers: int = 600,
    undo_antialiasing: bool = True,
    detail: float = 1.0,
    allowed: Callable[[SketchShape], bool] = anything,
) -> Sketch:
    """A layered sketch of a picture, in scene coordinates, with at most ``max_numbers`` numbers.

    ``image`` is a float array (height, width, 3) or (height, width, 4) with straight alpha, in [0, 1], at the
    resolution that the sketch should explain (up to about 256 pixels; time grows with the number of pixels).
    With transparent pixels the background is None. ``undo_antialiasing`` suits drawn art; some busy pictures
    come out better without. ``detail`` above one keeps weaker regions, below one fewer. Only shapes that are ``allowed`` are used.

    Raises ValueError for an array of another shape, with non-finite values, or options out of range.
    """
    picture = np.asarray(image, np.float64)
    if picture.ndim != 3 or picture.shape[2] not in (3, 4) or 0 in picture.shape:
        raise ValueError(
            f"an image must have shape (height, width, 3 or 4), not {picture.shape}; convert it to RGB first"
        )
    if not np.isfinite(picture).all():
        raise ValueError("the image holds values that are not finite; replace them before sketching")
    if max_numbers < 3 or not detail > 0:
        raise ValueError("max_numbers must be at least 3 and detail above 0; raise them")
    features = np.clip(picture, 0.0, 1.0)
    if features.shape[2] == 4:
        alpha = features[..., 3:]
        features = features[..., :3] if (alpha > 0.99).all() else np.concatenate([features[..., :3] * alpha, alpha], 2)
    thresholds = [FIRST_THRESHOLD / detail * 1.5**step for step in range(28)]
    # Numbers per estimated number: a low guess at first, then what the last sketch had.
    calibration = 0.8
    too_rich: tuple[np.ndarray, float] | None = None
    for threshold, labels in zip(thresholds, segment(features, thresholds, antialiasing=undo_antialiasing)):
        coarseness = threshold / FIRST_THRESHOLD
        estimate = _estimated_numbers(labels)
        if calibration * estimate > 1.1 * max_numbers:
            too_rich = (labels, coarseness) if calibration * estimate < 3.0 * max_numbers else None
            continue
        result, gains = _Layering(features, labels, coarseness, allowed).sketch()
        numbers = number_count(result)
        if max_numbers < numbers <= 1.15 * max_numbers:
            return _shortened(result, gains, max_numbers)
        if numbers <= max_numbers:
            if numbers < 0.6 * max_numbers and too_rich is not None:
                # One step merged too much: what the step before it shows without its least layers is more.
                return _shortened(*_Layering(features, *too_rich, allowed).sketch(), max_numbers)
            return result
        calibration = numbers / estimate
        too_rich = (labels, coarseness)
    labels, coarseness = too_rich or (np.zeros(features.shape[:2], np.int64), 1.0)
    return _shortened(*_Layering(features, labels, coarseness, allowed).sketch(), max_numbers)


def _estimated_numbers(labels: np.ndarray) -> float:
    """A quantity about proportional to the numbers that a label map's sketch will need."""
    boundary = (labels[:, 1:] != labels[:, :-1]).sum() + (labels[1:] != labels[:-1]).sum()
    return 4.0 * float(labels.max() + 1) + float(boundary) / 6.0


def _layer_numbers(layer: SketchLayer) -> int:
    return shape_number_count(layer.shape) + paint_number_count(layer.paint) + (layer.opacity != 1.0)


def _shortened(whole: Sketch, gains: list[float], max_numbers: int) -> Sketch:
    """The sketch without the layers that gain least for their numbers, so that its numbers suffice."""
    excess = number_count(whole) - max_numbers
    dropped: set[int] = set()
    numbers = [_layer_numbers(layer) for layer in whole.layers]
    for index in sorted(range(len(numbers)), key=lambda i: gains[i] / numbers[i]):
        if excess <= 0:
            break
        dropped.add(index)
        excess -= numbers[index]
    return replace(whole, layers=tuple(layer for i, layer in enumerate(whole.layers) if i not in dropped))


@dataclass
class _Target:
    """What a layer should cover, in a window of the padded picture: coverage, where it is certain, and the window."""

    coverage: np.ndarray
    known: np.ndarray
    window: tuple[slice, slice]


class _Layering:
    """Turns one label map into layers. Arrays are padded by PAD; ranks order regions from the background (-1) up."""

    def __init__(
        self, features: np.ndarray, labels: np.ndarray, coarseness: float, allowed: Callable[[SketchShape], bool]
    ) -> None:
        self.allowed = allowed
        self.size = (labels.shape[0], labels.shape[1])
        self.number_price = NUMBER_PRICE * coarseness
        self.tolerance = min(0.6 * coarseness**0.2, 1.2)
        self.features = features
        self.labels = labels.copy()
        self.has_alpha = features.shape[2] == 4
        self.clean = without_antialiasing(features)
        self._measure()
        self._find_background()
        self._order()
        self._join_holes()
        self._prepare()

    def _measure(self) -> None:
        """Areas, interiors and colours of the regions."""
        labels = self.labels
        count = int(labels.max()) + 1
        padded = np.pad(labels, 1, mode="edge")
        interior = np.ones(labels.shape, bool)
        for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
            interior &= padded[dy : dy + labels.shape[0], dx : dx + labels.shape[1]] == labels
        self.area = np.bincount(labels.ravel(), minlength=count)
        inner = np.bincount(labels.ravel(), interior.ravel(), count)
        # A region without an interior of its own has its purest colours in the picture without antialiasing.
        self.trusted = np.where((inner >= np.maximum(4, 0.1 * self.area))[labels], interior, True)
        self.source = np.where(
            ((inner >= np.maximum(4, 0.1 * self.area))[labels])[..., None], self.features, self.clean
        )
        weight = np.bincount(labels.ravel(), self.trusted.ravel(), count)
        sums = [
            np.bincount(labels.ravel(), (self.source[..., c] * self.trusted).ravel(), count)
            for c in range(self.features.shape[2])
        ]
        self.mean = np.stack(sums, 1) / np.maximum(weight, 1)[:, None]
        chosen = np.where(self.trusted, labels, count)
        moments = region_moments(self.source, chosen)[:count]
        if len(moments) < count:
            moments = np.pad(moments, ((0, count - len(moments)), (0, 0)))
        self.affine = affine_colours(moments, self.size)

    def _find_background(self) -> None:
        labels, count = self.labels, len(self.area)
        self.transparent = self.mean[:, 3] < TRANSPARENT if self.has_alpha else np.zeros(count, bool)
        border = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
        share = np.bincount(border, minlength=count) + 1e-3 * self.area / self.area.sum()
        self.background = int(share.argmax())
        flat = np.abs(self.mean - self.mean[self.background]).max(1) < SAME_COLOUR
        # What looks like the background and reaches the border with it is the background, cut off by a shape.
        cut_off = flat & (np.bincount(border, minlength=count) > 0)
        self.labels = labels = np.where(cut_off[labels], self.background, labels)
        if self.transparent.any():
            self.background = int(np.argmax(np.where(self.transparent, self.area, 0)))
            self.labels = np.where(self.transparent[labels], self.background, labels)

    def _order(self) -> None:
        """Filled areas; regions are painted from the largest to the smallest."""
        count = len(self.area)
        self.filled_area = np.zeros(count)
        self.boxes = ndimage.find_objects(self.labels + 1, max_label=count)
        self.filled: dict[int, np.ndarray] = {}
        for region, box in enumerate(self.boxes):
            if box is not None and region != self.background:
                mask = ndimage.binary_fill_holes(self.labels[box] == region)
                self.filled[region] = mask
                self.filled_area[region] = mask.sum()
        self.order = sorted(self.filled, key=lambda region: -self.filled_area[region])

    def _join_holes(self) -> None:
        """Give a region that looks like what surrounds its surrounding region to that one: it is seen through
        a hole."""
        self.holes: dict[int, list[tuple[int, np.ndarray]]] = {}
        height, width = self.size
        for region in self.order:
            if region not in self.filled:
                continue
            box = self.boxes[region]
            inside = self.filled[region]
            inner = inside & (self.labels[box] != region)
            if not inner.any():
                continue
            grown = tuple(slice(max(s.start - 1, 0), min(s.stop + 1, limit)) for s, limit in zip(box, (height, width)))
            mask = np.zeros((grown[0].stop - grown[0].start, grown[1].stop - grown[1].start), bool)
            top, left = box[0].start - grown[0].start, box[1].start - grown[1].start
            mask[top : top + inside.shape[0], left : left + inside.shape[1]] = inside
            outer = self.labels[grown][ndimage.binary_dilation(mask) & ~mask]
            if not len(outer):
                continue
            parent = int(np.bincount(outer).argmax())
            if parent != self.background and self.filled_area[parent] < self.filled_area[region]:
                continue
            touching = np.unique(self.labels[box][inner])
            for hole in touching.tolist():
                mine = inner & (self.labels[box] == hole)
                same = np.abs(self.mean[hole] - self.mean[parent]).max() < SAME_COLOUR
                if hole == parent or (same and hole not in self.holes):
                    full = np.zeros(self.size, bool)
                    full[box] = mine
                    self.holes.setdefault(region, []).append((parent, full))
                    self.labels[full] = parent
                    if hole != parent:
                        self.filled.pop(hole, None)
        self.order = [region for region in self.order if region in self.filled]

    def _prepare(self) -> None:
        """The padded maps that the targets are cut from."""
        count = len(self.area)
        self.rank = np.full(count, -1)
        self.rank[self.order] = np.arange(len(self.order))
        y, x = np.mgrid[: self.size[0], : self.size[1]] + 0.5
        coefficients = self.affine[self.labels]
        model = (
            coefficients[..., 0, :] + coefficients[..., 1, :] * x[..., None] + coefficients[..., 2, :] * y[..., None]
        )
        edge = ((PAD, PAD), (PAD, PAD))
        self.padded_rank = np.pad(self.rank[self.labels], edge, mode="edge")
        self.padded_model = np.pad(model, (*edge, (0, 0)), mode="edge")
        self.padded_features = np.pad(self.features, (*edge, (0, 0)), mode="edge")
        self.inside = np.pad(np.ones(self.size, bool), edge)
        opaque = self.mean[:, 3] > OPAQUE if self.has_alpha else np.ones(count, bool)
        self.padded_opaque = np.pad(opaque[self.labels], edge, mode="edge")

    def sketch(self) -> tuple[Sketch, list[float]]:
        """The sketch, in scene coordinates, and the squared error that each of its layers saves."""
        layers: list[SketchLayer] = []
        background = self._background_layers(layers)
        gains = [float(self.area.sum())] * len(layers)
        for region in self.order:
            added, gain = self._region_layers(region)
            layers += added
            gains += [gain] * len(added)
        layers = _tied(layers, background)
        if self.allowed(Path(())):
            layers, gains = _joined(layers, gains)
        placed = [
            SketchLayer(to_scene(layer.shape, self.size), paint_to_scene(layer.paint, self.size), layer.opacity)
            for layer in layers
        ]
        return Sketch(background, tuple(placed)), gains

    def _paint(self, region: int) -> SketchPaint:
        rows, columns = np.nonzero((self.labels == region) & self.trusted)
        colours = self.source[rows, columns]
        if self.has_alpha:
            colours = colours[:, :3] / np.maximum(colours[:, 3:], 0.05)
        return fit_paint(columns + 0.5, rows + 0.5, colours, number_price=2.0 * self.number_price)

    def _background_layers(self, layers: list[SketchLayer]) -> Colour | None:
        if self.has_alpha and self.transparent.any():
            return None
        paint = self._paint(self.background)
        self.background_paint = paint
        opacity = float(self.mean[self.background][3]) if self.has_alpha else 1.0
        if isinstance(paint, Flat) and opacity > OPAQUE:
            return paint.colour
        height, width = self.size
        whole = Box((width / 2, height / 2), width / 2 + PAD, height / 2 + PAD)
        layers.append(SketchLayer(whole, paint, opacity if opacity <= OPAQUE else 1.0))
        if opacity <= OPAQUE:
            return None
        return paint.colour if isinstance(paint, Flat) else paint.colour_a

    def _region_layers(self, region: int) -> tuple[list[SketchLayer], float]:
        """The layers of one region and the squared error that they save: its shapes, or its filled shape with
        its holes painted over it."""
        rank = int(self.rank[region])
        target = self._target(self.padded_rank, rank, region)
        around = ndimage.binary_dilation(target.coverage > 0.5, iterations=1) & (self.padded_rank[target.window] < rank)
        below = self.padded_model[target.window][around]
        contrast = float(((below - self.mean[region]) ** 2).sum(1).mean()) if len(below) else 0.1
        options = _explained(target, contrast, self.tolerance, self.allowed)
        if not options:
            return [], 0.0
        best = options[0]
        opacity = float(self.mean[region][3]) if self.has_alpha and self.mean[region][3] < OPAQUE else 1.0
        # A region that differs too little from what lies below is not worth its numbers.
        gain = contrast * float(self.area[region])
        if gain < self.number_price * (best.numbers + 3):
            return [], 0.0
        paint = self._paint(region)
        through = [(parent, mask) for parent, mask in self.holes.get(region, []) if not self.transparent[parent]]
        if through and opacity == 1.0 and len(through) == len(self.holes[region]) and best.numbers > 4:
            covered = self._filled_instead(region, rank, through, contrast)
            if covered is not None and covered[0] < best.score:
                return [SketchLayer(shape, paint) for shape in covered[1]] + covered[2], gain
        return [SketchLayer(shape, paint, opacity) for shape in best.shapes], gain

    def _filled_instead(
        self, region: int, rank: int, holes: list[tuple[int, np.ndarray]], contrast: float
    ) -> tuple[float, tuple[SketchShape, ...], list[SketchLayer]] | None:
        """Score, shapes and hole layers where the region is filled and its holes are painted over it."""
        filled_rank = self.padded_rank.copy()
        for _, mask in holes:
            filled_rank[PAD:-PAD, PAD:-PAD][mask] = len(self.order)
        options = _explained(self._target(filled_rank, rank, region), contrast, self.tolerance, self.allowed)
        if not options:
            return None
        score, layers = options[0].score, []
        for parent, mask in holes:
            # Within the hole its surroundings are below it, and what stands in it above.
            hole_rank = np.where(self.padded_rank > rank, self.padded_rank, -1)
            hole_rank[self.padded_rank == rank] = -1
            hole_rank[PAD:-PAD, PAD:-PAD][mask] = rank
            hole_options = _explained(self._target(hole_rank, rank, parent), contrast, self.tolerance, self.allowed)
            if not hole_options:
                return None
            paint = self.background_paint if parent == self.background else self._paint(parent)
            score += hole_options[0].score + len(hole_options[0].shapes) * paint_number_count(paint)
            layers += [SketchLayer(shape, paint) for shape in hole_options[0].shapes]
        return score, options[0].shapes, layers

    def _target(self, ranks: np.ndarray, rank: int, region: int) -> _Target:
        """The coverage of the pixels of ``rank`` by the blend of colours at its edge, carried on below upper
        layers."""
        rows, columns = np.nonzero(ranks == rank)
        height, width = ranks.shape
        # A region with an opaque layer beside it may go on beneath that one.
        near = ranks[
            max(int(rows.min()) - 1, 0) : int(rows.max()) + 2, max(int(columns.min()) - 1, 0) : int(columns.max()) + 2
        ]
        margin = 14 if (ndimage.binary_dilation(near == rank) & (near > rank)).any() else 3
        window = (
            slice(max(int(rows.min()) - margin, 0), min(int(rows.max()) + margin + 1, height)),
            slice(max(int(columns.min()) - margin, 0), min(int(columns.max()) + margin + 1, width)),
        )
        local = ranks[window]
        own, upper = local == rank, (local > rank) & self.padded_opaque[window]
        lower = ~own & ~upper
        picture, model = self.padded_features[window], self.padded_model[window]
        y = np.arange(window[0].start, window[0].stop)[:, None] - PAD + 0.5
        x = np.arange(window[1].start, window[1].stop)[None, :] - PAD + 0.5
        constant, slope_x, slope_y = self.affine[region]
        mine = constant + slope_x * x[..., None] + slope_y * y[..., None]
        other = np.where(lower[..., None], model, 0.0)
        paired = lower & ndimage.binary_dilation(own, np.ones((3, 3)))
        missing = own.copy()
        for shift in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)):
            neighbour = missing & np.roll(lower, shift, (0, 1))
            other = np.where(neighbour[..., None], np.roll(model, shift, (0, 1)), other)
            missing &= ~neighbour
            paired |= neighbour
        span = mine - other
        length = (span**2).sum(-1)
        share = ((picture - other) * span).sum(-1) / np.maximum(length, 1e-9)
        astray = ((picture - other - share[..., None] * span) ** 2).sum(-1)
        believed = paired & (length > 4e-3) & (astray < 0.08 * length)
        coverage = np.where(believed, np.clip(share, 0.0, 1.0), own.astype(float))
        free = upper | ~self.inside[window]
        return _Target(_carried_on(coverage, upper), ~free, window)


def _carried_on(coverage: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Coverage continued smoothly into hidden pixels, coarse to fine."""
    if not hidden.any():
        return coverage
    nearest = ndimage.distance_transform_edt(hidden, return_distances=False, return_indices=True)
    result = np.where(hidden, coverage[nearest[0], nearest[1]], coverage)
    for size, count in ((9, 4), (5, 4), (3, 6)):
        for _ in range(count):
            result = np.where(hidden, ndimage.uniform_filter(result, size, mode="nearest"), coverage)
    return np.asarray(result)


def _explained(
    target: _Target, contrast: float, tolerance: float, allowed: Callable[[SketchShape], bool]
) -> list[Explanation]:
    """Explanations of a target in the picture's pixel coordinates; weak edges may be drawn more loosely."""
    importance = float(np.clip(contrast, 0.05, 1.0))
    loose = tolerance if contrast > 0.25 else 1.3 * tolerance
    options = explain(target.coverage, target.known, allowed=allowed, tolerance=loose, importance=importance)
    shift = (float(target.window[1].start - PAD), float(target.window[0].start - PAD))
    return [option._replace(shapes=tuple(moved(shape, shift) for shape in option.shapes)) for option in options]


def _tied(layers: list[SketchLayer], background: Colour | None) -> list[SketchLayer]:
    """Give nearly equal flat colours one value, that of the first."""
    known: list[Colour] = [] if background is None else [background]
    result = []
    for layer in layers:
        if isinstance(layer.paint, Flat):
            colour = layer.paint.colour
            match = next((k for k in known if max(abs(a - b) for a, b in zip(k, colour)) < SAME_COLOUR), None)
            if match is None:
                known.append(colour)
            else:
                layer = replace(layer, paint=Flat(match))
        result.append(layer)
    return result


def _bounds(layer: SketchLayer) -> tuple[float, float, float, float] | None:
    contours = contours_of(layer.shape)
    if outline_of(layer.shape) is None:
        return None
    points = np.array([(x, y) for contour in contours for x, y, _ in contour])
    return (*points.min(0).tolist(), *points.max(0).tolist())


def _joined(layers: list[SketchLayer], gains: list[float]) -> tuple[list[SketchLayer], list[float]]:
    """Make one path of paths of one paint that lie side by side, where nothing between them in order
    overlaps.

    Returns the layers and their gains, added up.
    """
    result: list[SketchLayer] = []
    boxes: list[tuple[float, float, float, float] | None] = []
    sums: list[float] = []
    for layer, gain in zip(layers, gains):
        box = _bounds(layer)
        place = None
        if box is not None and isinstance(layer.paint, Flat):
            for i in range(len(result) - 1, -1, -1):
                other = boxes[i]
                if other is None or (
                    other[0] < box[2] and box[0] < other[2] and other[1] < box[3] and box[1] < other[3]
                ):
                    break
                if result[i].paint == layer.paint and result[i].opacity == layer.opacity:
                    place = i
                    break
        if place is None or box is None:
            result.append(layer)
            boxes.append(box)
            sums.append(gain)
            continue
        old = boxes[place]
        assert old is not None
        both = contours_of(result[place].shape) + contours_of(layer.shape)
        result[place] = replace(result[place], shape=Path(both))
        boxes[place] = (min(old[0], box[0]), min(old[1], box[1]), max(old[2], box[2]), max(old[3], box[3]))
        sums[place] += gain
    return result, sums
