"""What a sketch is: coloured shapes in painter's order, with the numbers that the language writes.

Plain immutable data, with no picture and no fitting in it. Shapes and paints use scene coordinates (y up, the
image's shorter side spans [-1, 1]) wherever they leave the package's segmentation modules; inside, the same
classes hold pixel coordinates (x = column, y = row, a pixel's centre at +0.5), and :func:`to_scene` and
:func:`paint_to_scene` carry them over. Sizes of solids are half extents, widths of strokes are full widths,
angles are degrees, counter-clockwise where y is up.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Point = tuple[float, float]
Colour = tuple[float, float, float]
Vertex = tuple[float, float, bool]
"""x, y and whether the point lies on the outline; one that does not is a quadratic control point, and two of
those in a row imply the point half way between them on the outline (as in TrueType)."""


@dataclass(frozen=True)
class Circle:
    center: Point
    radius: float


@dataclass(frozen=True)
class Ellipse:
    center: Point
    radius_x: float
    radius_y: float
    angle: float = 0.0


@dataclass(frozen=True)
class Box:
    center: Point
    half_width: float
    half_height: float
    angle: float = 0.0
    rounding: float = 0.0


@dataclass(frozen=True)
class Capsule:
    """The convex hull of two discs."""

    a: Point
    b: Point
    radius_a: float
    radius_b: float


@dataclass(frozen=True)
class Segment:
    """A straight stroke with round ends."""

    a: Point
    b: Point
    width: float


@dataclass(frozen=True)
class Ring:
    """A stroked circle; ``radius`` is that of the centre line."""

    center: Point
    radius: float
    width: float


@dataclass(frozen=True)
class Outlined:
    """A stroke along the outline of a box or an ellipse."""

    shape: Box | Ellipse
    width: float


@dataclass(frozen=True)
class Difference:
    """A solid without others: what is left of a plate with holes."""

    base: Solid
    holes: tuple[Solid, ...]


@dataclass(frozen=True)
class Polygon:
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Path:
    """Closed contours of lines and quadratic curves, filled by the even-odd rule: holes are further contours."""

    contours: tuple[tuple[Vertex, ...], ...]


@dataclass(frozen=True)
class Stroke:
    """An open or closed line of segments and quadratic curves, drawn with one width and round joins."""

    points: tuple[Vertex, ...]
    width: float
    closed: bool = False
    caps: Literal["round", "butt"] = "round"


Outline = Polygon | Path


@dataclass(frozen=True)
class Offset:
    """What lies within ``distance`` of an outline's inside, or, where that is negative, farther in than that.

    The outline is likely to be another layer's too, and is written once then (see :mod:`refine.contours`).
    """

    outline: Outline
    distance: float


Solid = Circle | Ellipse | Box | Capsule | Segment
SketchShape = Solid | Ring | Outlined | Difference | Outline | Offset | Stroke


@dataclass(frozen=True)
class Flat:
    colour: Colour


@dataclass(frozen=True)
class Linear:
    colour_a: Colour
    colour_b: Colour
    from_point: Point
    to_point: Point


@dataclass(frozen=True)
class Radial:
    colour_a: Colour
    colour_b: Colour
    center: Point
    radius: float


SketchPaint = Flat | Linear | Radial


@dataclass(frozen=True)
class Mirror:
    """What lies to the right of a line, seen along its direction, shows on both sides of it.

    The line has direction ``angle`` (90 is upwards, and is not written) and goes through ``center``.
    """

    angle: float = 90.0
    center: Point = (0.0, 0.0)


@dataclass(frozen=True)
class Polar:
    """``count`` copies, turned about ``center`` by equal angles; with an ``axis`` (degrees) the shape is mirrored first, in
    the line through the centre at that angle.

    A copy shows at most one step of the angle away from the x axis, where the language's fold ends.
    """

    count: int
    center: Point = (0.0, 0.0)
    axis: float | None = None


@dataclass(frozen=True)
class Grid:
    """``columns`` times ``rows`` copies, ``dx`` and ``dy`` apart, the whole turned by ``turn`` degrees about ``center``."""

    columns: int
    rows: int
    dx: float
    dy: float
    center: Point = (0.0, 0.0)
    turn: float = 0.0


Symmetry = Mirror | Polar | Grid


@dataclass(frozen=True)
class SketchLayer:
    """A shape and its paint. With a ``symmetry`` the shape is one part, in coordinates about the symmetry's centre, and
    the paint, in the scene's coordinates, covers all copies alike."""

    shape: SketchShape
    paint: SketchPaint
    opacity: float = 1.0
    symmetry: Symmetry | None = None


@dataclass(frozen=True)
class Sketch:
    """A background (None where it is transparent) and layers, each painted over the ones before it."""

    background: Colour | None
    layers: tuple[SketchLayer, ...]


def shape_number_count(shape: SketchShape) -> int:
    """How many numbers the language needs for a shape: a point is two; an angle or rounding of zero is not
    written."""
    if isinstance(shape, Circle):
        return 3
    if isinstance(shape, Ellipse):
        return 4 + (shape.angle != 0)
    if isinstance(shape, Box):
        return 4 + (shape.angle != 0) + (shape.rounding != 0)
    if isinstance(shape, Capsule):
        return 6
    if isinstance(shape, Segment):
        return 5
    if isinstance(shape, Ring):
        return 4
    if isinstance(shape, Outlined):
        return shape_number_count(shape.shape) + 1
    if isinstance(shape, Difference):
        return sum(shape_number_count(solid) for solid in (shape.base, *shape.holes))
    if isinstance(shape, Offset):
        return shape_number_count(shape.outline) + 1
    if isinstance(shape, Polygon):
        return 2 * len(shape.points)
    if isinstance(shape, Path):
        return 2 * sum(len(contour) for contour in shape.contours)
    return 2 * len(shape.points) + 1


def paint_number_count(paint: SketchPaint) -> int:
    """How many numbers the language needs for a paint: a colour is three, a point two."""
    if isinstance(paint, Flat):
        return 3
    return 10 if isinstance(paint, Linear) else 9


def symmetry_number_count(symmetry: Symmetry | None) -> int:
    """How many numbers the language needs for a symmetry, counts included; a centre at the origin is not written."""
    if symmetry is None:
        return 0
    placed = 2 * any(symmetry.center)
    if isinstance(symmetry, Mirror):
        return placed + (symmetry.angle != 90.0)
    if isinstance(symmetry, Polar):
        return placed + 1 + (symmetry.axis is not None)
    return placed + 4 + (symmetry.turn != 0)


def layer_number_count(layer: SketchLayer) -> int:
    """Every number of a layer: shape, symmetry, paint, and an opacity other than one."""
    own = shape_number_count(layer.shape) + symmetry_number_count(layer.symmetry)
    return own + paint_number_count(layer.paint) + (layer.opacity != 1.0)


def number_count(sketch: Sketch) -> int:
    """Every number of a sketch, with nothing shared: its layers', and the background's colour."""
    return sum(map(layer_number_count, sketch.layers)) + (0 if sketch.background is None else 3)


def to_scene(shape: SketchShape, size: tuple[int, int]) -> SketchShape:
    """A shape in pixel coordinates of an image of ``size`` (height, width), in scene coordinates."""
    return _mapped(shape, lambda point: _point_to_scene(point, size), 2.0 / min(size), -1.0)


def in_frame(shape: SketchShape, corner: Point, unit: float) -> SketchShape:
    """A shape in pixel coordinates, where pixels are ``unit`` wide and the image's upper left corner is at ``corner``."""
    return _mapped(shape, lambda point: (corner[0] + point[0] * unit, corner[1] - point[1] * unit), unit, -1.0)


def moved(shape: SketchShape, offset: Point) -> SketchShape:
    """A shape moved by ``offset`` = (x, y)."""
    return _mapped(shape, lambda point: (point[0] + offset[0], point[1] + offset[1]), 1.0, 1.0)


def difference_of(solids: Sequence[SketchShape]) -> Difference:
    """The first solid without the others."""
    kept = tuple(solid for solid in solids if isinstance(solid, (Circle, Ellipse, Box, Capsule, Segment)))
    if len(kept) < len(solids):
        raise TypeError("a difference is made of solids alone")
    return Difference(kept[0], kept[1:])


def offset_of(outline: SketchShape, distance: float) -> Offset:
    """An outline made larger by ``distance``."""
    if not isinstance(outline, (Polygon, Path)):
        raise TypeError("an offset is that of a polygon or a path")
    return Offset(outline, distance)


def reflected(shape: SketchShape, angle: float) -> SketchShape:
    """A shape reflected in the line through the origin at ``angle`` degrees."""
    if isinstance(shape, Difference):
        return difference_of([reflected(solid, angle) for solid in (shape.base, *shape.holes)])
    if isinstance(shape, Outlined):
        solid = reflected(shape.shape, angle)
        assert isinstance(solid, (Box, Ellipse))
        return Outlined(solid, shape.width)
    c, s = math.cos(math.radians(2 * angle)), math.sin(math.radians(2 * angle))
    mirrored = _mapped(shape, lambda point: (c * point[0] + s * point[1], s * point[0] - c * point[1]), 1.0, -1.0)
    if isinstance(mirrored, (Ellipse, Box)) and angle % 90.0:
        return replace(mirrored, angle=mirrored.angle + 2 * angle)
    return mirrored


def _mapped(shape: SketchShape, point: Callable[[Point], Point], scale: float, turn: float) -> SketchShape:
    """A shape with its points mapped, its lengths scaled and its angle's direction kept (1) or reversed (-1)."""

    def vertices(contour: tuple[Vertex, ...]) -> tuple[Vertex, ...]:
        return tuple((*point((x, y)), on) for x, y, on in contour)

    if isinstance(shape, Circle):
        return Circle(point(shape.center), shape.radius * scale)
    if isinstance(shape, Ellipse):
        # Adding zero turns a negative zero into a positive one.
        angle = turn * shape.angle + 0.0
        return Ellipse(point(shape.center), shape.radius_x * scale, shape.radius_y * scale, angle)
    if isinstance(shape, Box):
        half, angle = (shape.half_width * scale, shape.half_height * scale), turn * shape.angle + 0.0
        return Box(point(shape.center), *half, angle, shape.rounding * scale)
    if isinstance(shape, Capsule):
        return Capsule(point(shape.a), point(shape.b), shape.radius_a * scale, shape.radius_b * scale)
    if isinstance(shape, Segment):
        return Segment(point(shape.a), point(shape.b), shape.width * scale)
    if isinstance(shape, Ring):
        return Ring(point(shape.center), shape.radius * scale, shape.width * scale)
    if isinstance(shape, Difference):
        return difference_of([_mapped(solid, point, scale, turn) for solid in (shape.base, *shape.holes)])
    if isinstance(shape, Outlined):
        solid = _mapped(shape.shape, point, scale, turn)
        assert isinstance(solid, (Box, Ellipse))
        return Outlined(solid, shape.width * scale)
    if isinstance(shape, Offset):
        return offset_of(_mapped(shape.outline, point, scale, turn), shape.distance * scale)
    if isinstance(shape, Polygon):
        return Polygon(tuple(point(p) for p in shape.points))
    if isinstance(shape, Path):
        return Path(tuple(vertices(contour) for contour in shape.contours))
    return replace(shape, points=vertices(shape.points), width=shape.width * scale)


def paint_to_scene(paint: SketchPaint, size: tuple[int, int]) -> SketchPaint:
    """A paint in pixel coordinates of an image of ``size`` (height, width), in scene coordinates."""
    if isinstance(paint, Flat):
        return paint
    if isinstance(paint, Linear):
        ends = (_point_to_scene(paint.from_point, size), _point_to_scene(paint.to_point, size))
        return Linear(paint.colour_a, paint.colour_b, *ends)
    return Radial(paint.colour_a, paint.colour_b, _point_to_scene(paint.center, size), paint.radius * 2.0 / min(size))


def _point_to_scene(point: Point, size: tuple[int, int]) -> Point:
    height, width = size
    scale = 2.0 / min(size)
    return ((point[0] - width / 2) * scale, (height / 2 - point[1]) * scale)
