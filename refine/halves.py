"""Mirrored halves: the lines in which figures are their own mirror images, and what one side of such a line draws.

An element is the mirror image of another of its group, its twin, or of itself. Where layers stand on each side of the
line, those of either side will do as they are; where they lie across it, the half is averaged over both sides and
explained anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

from refine.averages import OVERLAP, Drawn, Explainer, Placement, averaged, placements_about
from refine.figures import LEAST_NUMBERS, Canvas, Element, Figure, Group
from refine.sketch import Mirror, Point, Sketch, moved, reflected, shape_number_count
from refine.turning import PointSymmetry

MOST_LINES = 2
"""Lines of reflection that are tried, those of most numbers first."""


def lines_of_reflection(found: Sequence[tuple[PointSymmetry, int]], unit: float) -> list[Mirror]:
    """The lines that figures of most numbers have, each a mean over the figures that have it.

    `found` are symmetries of figures, each with the figure's numbers; `unit` is the side of a pixel (scene units).
    """
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
            if near:
                near[0].append(line)
            else:
                clusters.append([line])
    clusters.sort(key=lambda k: -sum(weight for _, _, weight in k))
    return [_mean_line(cluster, unit) for cluster in clusters[:MOST_LINES]]


def _mean_line(cluster: Sequence[tuple[float, float, int]], unit: float) -> Mirror:
    """The mean of lines (angle in degrees, distance from the origin in scene units, weight), upright, level or through
    the origin where it nearly is."""
    total = sum(w for _, _, w in cluster)
    angle = sum(a * w for a, _, w in cluster) / total
    offset = sum(o * w for _, o, w in cluster) / total
    angle = next((a for a in (90.0, 0.0) if abs(angle - a) < 1.5), angle)
    offset = 0.0 if abs(offset) < 0.2 * unit else offset
    s, c = (1.0, 0.0) if angle == 90.0 else (np.sin(np.radians(angle)), np.cos(np.radians(angle)))
    return Mirror(angle, (float(s * offset), float(-c * offset)))


def mirrored_in(
    sketch: Sketch, group: Group, line: Mirror, canvas: Canvas, explainer: Explainer
) -> Iterator[tuple[frozenset[int], list[Drawn]]]:
    """The layers (indices into the sketch) of elements that the line maps onto each other, or each onto itself, and
    ways to draw one half of them."""
    as_it_is, reflection = placements_about(line.center, 1, line.angle)
    by_label = {element.label: element for element in group.elements}
    seen: set[int] = set()
    for element in group.elements:
        if element.label in seen:
            continue
        twin = by_label.get(_twin(group, element, line.center, reflection, canvas))
        if twin is None or twin.area > 1.3 * element.area:
            continue
        seen |= {element.label, twin.label}
        if not group.whole([element, twin]):
            continue
        figure = group.figure([element] if twin is element else [element, twin])
        difference = _difference(figure, element, line.center, reflection, canvas)
        if difference > figure.tolerance * (1.0 if twin is element else 0.5):
            continue
        drawn = _sides(sketch, figure, line)
        if not drawn and sum(shape_number_count(sketch.layers[i].shape) for i in figure.layers) >= 2 * LEAST_NUMBERS:
            reach = _reach(group, element, line.center, canvas)
            drawn = _half(figure, (reach, reach), line, [as_it_is, reflection], canvas, explainer)
        yield figure.layers, drawn


def _from(center: Point, canvas: Canvas, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """x and y (n,) of some pixels (h, w, bool) of the canvas from a centre, in scene units."""
    return canvas.x[pixels] - center[0], canvas.y[pixels] - center[1]


def _twin(group: Group, element: Element, center: Point, reflection: Placement, canvas: Canvas) -> int:
    """The label of the element that at least four fifths of an element's pixels are mirrored onto; 0 for none."""
    own = group.labels == element.label
    places = canvas.places(*reflection(*_from(center, canvas, own)))
    landed = ndimage.map_coordinates(group.labels, places, order=0)
    label = int(np.bincount(landed, minlength=1).argmax())
    return label if (landed == label).mean() >= 0.8 else 0


def _difference(figure: Figure, element: Element, center: Point, reflection: Placement, canvas: Canvas) -> float:
    """The squared difference (pixels) between an element of a figure and what stands at its mirror image."""
    near = ndimage.binary_dilation(figure.group.labels == element.label, np.ones((3, 3)))
    image, known = canvas.sampled([figure.cover, figure.known], *reflection(*_from(center, canvas, near)))
    return float((known * figure.known[near] * (image - figure.cover[near]) ** 2).sum())


def _reach(group: Group, element: Element, center: Point, canvas: Canvas) -> float:
    """How far an element reaches from a centre (scene units)."""
    return float(np.hypot(*_from(center, canvas, group.labels == element.label)).max()) + canvas.unit


def _sides(sketch: Sketch, figure: Figure, line: Mirror) -> list[Drawn]:
    """The layers on the right of the line, and those on its left mirrored to the right, as they are; empty where one
    side has none."""
    center = line.center
    c, s = np.cos(np.radians(line.angle)), np.sin(np.radians(line.angle))
    right: Drawn = []
    left: Drawn = []
    for k in sorted(figure.layers):
        middle = figure.group.middles[k]
        shape = moved(sketch.layers[k].shape, (-center[0], -center[1]))
        if c * (middle[1] - center[1]) - s * (middle[0] - center[0]) > 0:
            left.append((reflected(shape, line.angle), line))
        else:
            right.append((shape, line))
    return [right, left] if right and left else []


def _half(
    figure: Figure, reach: Point, line: Mirror, placements: Sequence[Placement], canvas: Canvas, explainer: Explainer
) -> list[Drawn]:
    """Shapes for the mean of both sides on the right of the line, within `reach` (scene units); empty where none are
    found."""
    average = averaged(figure, canvas, reach, placements)
    across = np.cos(np.radians(line.angle)) * average.y - np.sin(np.radians(line.angle)) * average.x
    half = np.where(across < OVERLAP * canvas.unit, average.cover, 0.0)
    part = explainer.best(average, half, average.known & ~((across > 0) & (average.cover > 0.3)), 2)
    return [] if part is None else [[(shape, line) for shape in part.shapes]]
