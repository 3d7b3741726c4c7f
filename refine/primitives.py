"""The simplest shapes that explain a soft mask, chosen by description length.

Circles, ellipses, boxes, capsules and rings are fitted to the mask's sub-pixel outline by Gauss-Newton on
signed distances; strokes come from the medial axis, polygons and paths from the outline itself. Each
candidate is drawn and compared with the mask; what it costs is its numbers plus what its error would cost to
repair.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from refine.outlines import Outline, path_from_outlines, polygon_from_outline, trace_outlines
from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Difference,
    Ellipse,
    Outlined,
    Ring,
    Segment,
    SketchShape,
    difference_of,
    moved,
    shape_number_count,
    to_scene,
)
from refine.sketch_coverage import coverage, distance
from refine.strokes import trace_strokes

ERROR_FLOOR = 0.03
"""Squared coverage error per pixel of outline that even a true shape shows before refinement (about 0.17 px)."""
ERROR_PRICE = 8.0
"""Numbers that one unit of squared coverage error beyond the floor is worth."""
TIE_PRICE = 0.3
"""The same below the floor, where it only decides between shapes of as many numbers."""
COLOUR_NUMBERS = 3
"""Each shape of a group is a layer of its own and repeats the colour."""

MOST_HOLES = 4
"""Holes up to which a region is tried as a difference of solids."""

Builder = Callable[[Sequence[float]], SketchShape]


class Explanation(NamedTuple):
    """Shapes that together draw a mask, their numbers, and the area in which they differ as a share of the mask's."""

    shapes: tuple[SketchShape, ...]
    numbers: int
    area_error: float
    score: float


def anything(shape: SketchShape) -> bool:
    """Allows every shape."""
    return True


def shapes_for_mask(
    mask: np.ndarray, *, allowed: Callable[[SketchShape], bool] = anything, known: np.ndarray | None = None
) -> list[Explanation]:
    """Explain a mask or soft coverage (height, width) in [0, 1] by shapes in scene coordinates, best first.

    The list is empty for a mask without anything above one half. ``known`` (height, width, bool) marks the
    pixels that count; elsewhere a shape may do as it likes. Only shapes that are ``allowed`` are used.
    """
    target = np.asarray(mask, np.float64)
    if target.ndim != 2:
        raise ValueError(f"a mask must have shape (height, width), not {target.shape}; pass one channel")
    certain = np.ones(target.shape, bool) if known is None else np.asarray(known, bool)
    # Where something may be hidden a shape may reach farther than the mask.
    margin = 2 if certain.all() else 14
    rows, columns = np.nonzero(target > 0.02)
    if not len(rows):
        return []
    window = (
        slice(max(int(rows.min()) - margin, 0), int(rows.max()) + 1 + margin),
        slice(max(int(columns.min()) - margin, 0), int(columns.max()) + 1 + margin),
    )
    shift = (float(window[1].start), float(window[0].start))
    size = (target.shape[0], target.shape[1])
    found = explain(target[window], certain[window], allowed=allowed)
    return [
        option._replace(shapes=tuple(to_scene(moved(shape, shift), size) for shape in option.shapes))
        for option in found
    ]


def explain(
    target: np.ndarray,
    known: np.ndarray,
    *,
    allowed: Callable[[SketchShape], bool] = anything,
    tolerance: float = 0.6,
    importance: float = 1.0,
) -> list[Explanation]:
    """Shapes (pixel coordinates of ``target``) that draw a coverage image (height, width), best first.

    Paths keep within ``tolerance`` pixels; ``importance`` scales what an error costs (1 for black on white). Where no
    shape that is ``allowed`` lies near the outline, those of the same moments are tried.
    """
    outlines = trace_outlines(target, known)
    if not outlines:
        return []
    size = (target.shape[0], target.shape[1])
    perimeter = sum(len(outline.points) * 0.7 for outline in outlines)
    area = max(float(target[known].sum()), 1.0)
    options: list[Explanation] = []

    def consider(*shapes: SketchShape) -> None:
        if not all(allowed(shape) for shape in shapes):
            return
        drawn = np.zeros_like(target)
        for shape in shapes:
            drawn = np.maximum(drawn, coverage(shape, size))
        difference = np.abs(drawn - target)[known]
        numbers = sum(shape_number_count(shape) for shape in shapes) + COLOUR_NUMBERS * (len(shapes) - 1)
        error = float((difference**2).sum())
        excess = max(error - ERROR_FLOOR * perimeter, 0.0)
        score = numbers + importance * (ERROR_PRICE * excess + TIE_PRICE * error)
        options.append(Explanation(shapes, numbers, float(difference.sum()) / area, score))

    consider(path_from_outlines(outlines, tolerance=tolerance))
    if len(outlines) == 1:
        consider(polygon_from_outline(outlines[0], tolerance=tolerance))
    for shape in _solids(outlines) if len(outlines) == 1 else _pierced(outlines):
        # What reaches out of the window was led astray by points that weigh little, and nobody sees its
        # error here.
        if _within(shape, size):
            consider(shape)
    least = min((option.numbers for option in options), default=99)
    if least > 5 or options[0].score == min(option.score for option in options):
        for strokes in trace_strokes(target, outlines, tolerance=tolerance):
            consider(*strokes)
    if not options:
        for shape in _rough(outlines[0]):
            consider(shape)
    options.sort(key=lambda option: option.score)
    return options


def _within(shape: SketchShape, size: tuple[int, int], margin: float = 2.0) -> bool:
    """Whether a circle, ellipse, box, capsule, segment or stroked one stays in the window, but for ``margin`` pixels."""
    if isinstance(shape, Difference):
        return _within(shape.base, size, margin)
    if isinstance(shape, Outlined):
        return _within(shape.shape, size, margin - 0.5 * shape.width)
    if isinstance(shape, (Segment, Capsule)):
        radii = (shape.radius_a, shape.radius_b) if isinstance(shape, Capsule) else (shape.width / 2, shape.width / 2)
        spans = [(*end, radius, radius) for end, radius in zip((shape.a, shape.b), radii)]
    elif isinstance(shape, (Ellipse, Box)):
        long, short = (
            (shape.radius_x, shape.radius_y) if isinstance(shape, Ellipse) else (shape.half_width, shape.half_height)
        )
        cosine, sine = abs(np.cos(np.radians(shape.angle))), abs(np.sin(np.radians(shape.angle)))
        if isinstance(shape, Ellipse):
            half = (float(np.hypot(long * cosine, short * sine)), float(np.hypot(long * sine, short * cosine)))
        else:
            half = (long * cosine + short * sine, long * sine + short * cosine)
        spans = [(*shape.center, *half)]
    elif isinstance(shape, (Circle, Ring)):
        radius = shape.radius + (shape.width / 2 if isinstance(shape, Ring) else 0.0)
        spans = [(*shape.center, radius, radius)]
    else:
        return True
    return all(
        x - across >= -margin and x + across <= size[1] + margin and y - up >= -margin and y + up <= size[0] + margin
        for x, y, across, up in spans
    )


def _solids(outlines: list[Outline]) -> list[SketchShape]:
    """Circle, ellipse, segment, capsule and boxes that lie near a single outline."""
    outline = outlines[0]
    stride = max(len(outline.points) // 120, 1)
    points, weights = outline.points[::stride], outline.weights[::stride]
    center, axes, angle = _moments(outline.points)
    found: list[SketchShape] = []
    if axes[1] > 0.75 * axes[0]:
        start = np.array([*center, 0.5 * (axes[0] + axes[1])])
        circle = _settle(lambda p: Circle((p[0], p[1]), abs(p[2])), start, points, weights, 1.0)
        if circle is not None:
            # Nothing is simpler than a circle that fits.
            return [circle]
    turned, half = _tightest_rectangle(points)
    middle = _rotate(half[:2], turned)
    box_start = np.array([*middle, half[2], half[3], turned])

    def box(p: Sequence[float]) -> SketchShape:
        return Box((p[0], p[1]), abs(p[2]), abs(p[3]), p[4])

    def rounded_box(p: Sequence[float]) -> SketchShape:
        rounding = float(np.clip(abs(p[5]), 0.0, min(abs(p[2]), abs(p[3]))))
        return Box((p[0], p[1]), abs(p[2]), abs(p[3]), p[4], rounding)

    def ellipse(p: Sequence[float]) -> SketchShape:
        return Ellipse((p[0], p[1]), abs(p[2]), abs(p[3]), p[4])

    def capsule(p: Sequence[float]) -> SketchShape:
        return Capsule((p[0], p[1]), (p[2], p[3]), abs(p[4]), abs(p[5]))

    rounding = 0.35 * min(half[2], half[3])
    along = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * max(0.87 * axes[0] - 0.87 * axes[1], 0.1)
    capsule_start = np.array([*(center - along), *(center + along), axes[1], axes[1]])
    ellipse_start = np.array([*center, axes[0], axes[1], angle])
    for builder, start, reach in (
        (box, box_start, 1.6),
        (ellipse, ellipse_start, 1.0),
        (rounded_box, np.append(box_start, rounding), 1.0),
        (capsule, capsule_start, 1.0),
    ):
        fitted = _settle(builder, start, points, weights, reach)
        if fitted is not None:
            found += _plainer(fitted)
    return found


def _plainer(shape: SketchShape) -> list[SketchShape]:
    """A fitted shape, and where it is nearly a special case that needs fewer numbers, that one too."""
    if isinstance(shape, Capsule) and abs(shape.radius_a - shape.radius_b) < 0.5:
        return [Segment(shape.a, shape.b, shape.radius_a + shape.radius_b), shape]
    if isinstance(shape, (Box, Ellipse)):
        quarter = round(shape.angle / 90.0)
        turned = shape.angle - 90.0 * quarter
        first, second = (
            (shape.half_width, shape.half_height) if isinstance(shape, Box) else (shape.radius_x, shape.radius_y)
        )
        if quarter % 2:
            first, second = second, first
        upright = abs(np.radians(turned)) * max(first, second) < 0.4
        angle = 0.0 if upright else turned
        if isinstance(shape, Ellipse):
            return [Ellipse(shape.center, first, second, angle)]
        plain = Box(shape.center, first, second, angle, shape.rounding)
        return [plain]
    return [shape]


def _rough(outline: Outline) -> list[SketchShape]:
    """Shapes with the same centre, axes and angle as an outline, however badly they fit."""
    (x, y), axes, angle = _moments(outline.points)
    center, long, short = (float(x), float(y)), float(axes[0]), float(axes[1])
    side = float(np.sqrt(np.pi) / 2)
    turn = np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))]) * max(long - short, 0.1)
    ends = [(float(x + sign * turn[0]), float(y + sign * turn[1])) for sign in (-1.0, 1.0)]
    return [
        Circle(center, float(np.sqrt(long * short))),
        Ellipse(center, long, short, angle),
        Box(center, side * long, side * short, angle),
        Segment(ends[0], ends[1], 2.0 * short),
        Capsule(ends[0], ends[1], short, short),
    ]


def _pierced(outlines: list[Outline]) -> list[SketchShape]:
    """A solid with holes: a ring or a stroked box or ellipse where the one hole follows the outline at an even distance, and
    the difference of solids."""
    if not 2 <= len(outlines) <= MOST_HOLES + 1 or any(hole.area > 0 for hole in outlines[1:]):
        return []
    outers = _solids(outlines[:1])
    inners = [_solids([Outline(hole.points[::-1], hole.weights[::-1], -hole.area)]) for hole in outlines[1:]]
    if not outers or not all(inners):
        return []
    found: list[SketchShape] = []
    if len(inners) == 1:
        stroked = (_between(outer, inner) for outer in outers for inner in inners[0])
        found += [shape for shape in stroked if shape is not None]
    holes = [min(options, key=shape_number_count) for options in inners]
    return found + [difference_of([outer, *holes]) for outer in outers]


def _between(outer: SketchShape, inner: SketchShape) -> SketchShape | None:
    """The stroke of even width between two shapes of one kind and place, if they are that."""
    if isinstance(outer, Circle) and isinstance(inner, Circle):
        if np.hypot(*np.subtract(outer.center, inner.center)) > 1.0:
            return None
        middle = (0.5 * (outer.center[0] + inner.center[0]), 0.5 * (outer.center[1] + inner.center[1]))
        return Ring(middle, 0.5 * (outer.radius + inner.radius), outer.radius - inner.radius)
    if type(outer) is not type(inner) or not isinstance(outer, (Box, Ellipse)) or not isinstance(inner, (Box, Ellipse)):
        return None
    if np.hypot(*np.subtract(outer.center, inner.center)) > 1.0:
        return None
    (a, b), (c, d) = (
        (s.half_width, s.half_height) if isinstance(s, Box) else (s.radius_x, s.radius_y) for s in (outer, inner)
    )
    turn = (outer.angle - inner.angle + 45.0) % 180.0 - 45.0
    if 45.0 < turn:
        c, d = d, c
    first, second = a - c, b - d
    if min(first, second) < 0.5 or abs(first - second) > 1.0:
        return None
    width = 0.5 * (first + second)
    sizes = (0.5 * (a + c), 0.5 * (b + d))
    if isinstance(outer, Ellipse):
        return Outlined(Ellipse(outer.center, *sizes, outer.angle), width)
    inner_rounding = inner.rounding if isinstance(inner, Box) else 0.0
    rounding = max(outer.rounding - 0.5 * width, inner_rounding)
    return Outlined(Box(outer.center, *sizes, outer.angle, min(rounding, *sizes)), width)


def _moments(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centroid, semi-axes (of the ellipse with the same second moments) and angle of the polygon ``points``."""
    x, y = points.T
    following_x, following_y = np.roll(x, -1), np.roll(y, -1)
    cross = x * following_y - following_x * y
    area = 0.5 * cross.sum()
    center = np.array([((x + following_x) * cross).sum(), ((y + following_y) * cross).sum()]) / (6 * area)
    xx = (cross * (x * x + x * following_x + following_x**2)).sum() / (12 * area) - center[0] ** 2
    yy = (cross * (y * y + y * following_y + following_y**2)).sum() / (12 * area) - center[1] ** 2
    xy = (cross * (x * following_y + 2 * x * y + 2 * following_x * following_y + following_x * y)).sum() / (24 * area)
    xy -= center[0] * center[1]
    values, vectors = np.linalg.eigh(np.array([[xx, xy], [xy, yy]]))
    major = vectors[:, 1]
    axes = 2.0 * np.sqrt(np.maximum(values[::-1], 0.01))
    return center, axes, float(np.degrees(np.arctan2(major[1], major[0])))


def _rotate(point: np.ndarray, degrees: float) -> np.ndarray:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([cosine * point[0] - sine * point[1], sine * point[0] + cosine * point[1]])


def _tightest_rectangle(points: np.ndarray) -> tuple[float, np.ndarray]:
    """Angle in degrees, and centre and half sizes in the turned frame, of the rectangle of least area."""
    angles = np.arange(0.0, 90.0, 2.0)
    cosine, sine = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    u = points[:, :1] * cosine + points[:, 1:] * sine
    v = points[:, 1:] * cosine - points[:, :1] * sine
    low_u, high_u, low_v, high_v = u.min(0), u.max(0), v.min(0), v.max(0)
    best = int(((high_u - low_u) * (high_v - low_v)).argmin())
    bounds = np.array([low_u[best] + high_u[best], low_v[best] + high_v[best]]) / 2
    half = np.array([high_u[best] - low_u[best], high_v[best] - low_v[best]]) / 2
    return float(angles[best]), np.concatenate([bounds, half])


def _settle(
    builder: Builder,
    start: np.ndarray,
    points: np.ndarray,
    weights: np.ndarray,
    reach: float,
    iterations: int = 7,
) -> SketchShape | None:
    """The shape whose boundary passes nearest the points, or None where it stays more than ``reach`` pixels
    off.

    Levenberg-Marquardt with differences; the parameters are pixels and degrees.
    """
    x, y = points.T

    def residual(vector: np.ndarray) -> np.ndarray:
        return np.asarray(distance(builder(vector.tolist()), x, y) * weights)

    vector, current = start.astype(float), residual(start)
    rough = float(np.sqrt((current**2).mean()))
    if rough > 2.0 + 0.15 * float(np.ptp(points, axis=0).max()):
        return None
    damping = 1e-2
    for _ in range(iterations):
        step = 1e-3
        columns = []
        for i in range(len(vector)):
            nudged = vector.copy()
            nudged[i] += step
            columns.append((residual(nudged) - current) / step)
        jacobian = np.stack(columns, 1)
        normal = jacobian.T @ jacobian
        scale = np.diag(normal) + 1e-6
        change = np.linalg.solve(normal + damping * np.diag(scale), -jacobian.T @ current)
        proposed = residual(vector + change)
        if (proposed**2).sum() < (current**2).sum():
            gain = 1.0 - float((proposed**2).sum() / max((current**2).sum(), 1e-12))
            vector, current, damping = vector + change, proposed, damping / 4
            if gain < 1e-3:
                break
        else:
            damping *= 8
    counted = np.abs(current)
    if float(np.sqrt((counted**2).mean())) > 0.4 or float(counted.max()) > reach:
        return None
    return builder([float(value) for value in vector])
