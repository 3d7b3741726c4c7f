"""Outlines of any number of points: polygons, and paths of lines and quadratic Bezier curves, filled or stroked.

An outline is a bounded fold over its elements: the nearest one gives the distance, and a crossing count gives the
side. An entry's `body` is the unsigned distance from a point to one element and `finish` turns the nearest distance
into a signed one. Only the nearest element has a derivative, which is exact: the others do not move the field there.

Side: an element toggles the crossing parity of a ray to the left when its chord crosses it, and a quadratic toggles it
once more inside the lens between chord and curve. Both tests read the same cross product, so they can not disagree.
"""

from __future__ import annotations

from dataclasses import dataclass

from shaderdsl.expression import (
    TINY,
    Expr,
    absolute,
    arctangent,
    clamp,
    cosine,
    detach,
    exponential,
    hypot,
    implicit_root,
    logarithm,
    maximum,
    select,
    square_root,
)
from shaderdsl.registry import Distance, Point, choice, length, register


@dataclass(frozen=True)
class Element:
    """A line or quadratic of an outline. `first` and `last` are 1 where it begins or ends an open outline, else 0."""

    start: Point
    control: Point
    end: Point
    curved: bool
    first: Expr
    last: Expr


def closest_on_line(p: Point, element: Element) -> Expr:
    """The parameter in [0, 1] of the closest point of the chord."""
    along = element.end - element.start
    return clamp((p - element.start).dot(along) / maximum(along.dot(along), TINY), 0.0, 1.0)


def closest_on_quadratic(p: Point, element: Element) -> Expr:
    """The parameter in [0, 1] of the closest point of the curve.

    Stationary points of the squared distance are the roots of a cubic; of its up to three real roots the outer two
    are the minima. They come from Cardano's formulas, are polished by Newton steps (which also mends the loss of
    digits when the curve is nearly straight), and get their derivative by the implicit function theorem.
    """
    bend = element.start - element.control * 2.0 + element.end
    pull = element.control - element.start
    offset = element.start - p
    cubic, square = bend.dot(bend), 3.0 * bend.dot(pull)
    linear, constant = 2.0 * pull.dot(pull) + bend.dot(offset), pull.dot(offset)

    def slope(t: Expr) -> Expr:
        return ((cubic * t + square) * t + linear) * t + constant

    def curvature(t: Expr) -> Expr:
        return (3.0 * cubic * t + 2.0 * square) * t + linear

    lead = maximum(cubic, 1e-12)
    centre = detach(square / (3.0 * lead))
    p3 = detach(linear / (3.0 * lead)) - centre * centre
    q2 = detach(constant / (2.0 * lead)) + centre * (centre * centre - 0.5 * detach(linear / lead))
    discriminant = q2 * q2 + p3 * p3 * p3
    root = square_root(discriminant)

    def cube_root(value: Expr) -> Expr:
        size = exponential(logarithm(maximum(absolute(value), 1e-30)) / 3.0)
        return select(value < 0.0, -size, size)

    single = cube_root(root - q2) + cube_root(-root - q2)
    radius = 2.0 * square_root(-p3)
    third = arctangent(square_root(-discriminant), -q2) / 3.0
    low, high = radius * cosine(third + 2.0943951023931957), radius * cosine(third)
    one = discriminant > 0.0
    # A nearly straight curve has its root near that of the chord.
    flat = cubic < 1e-5 * pull.dot(pull)
    chord = closest_on_line(p, element)
    starts = [
        detach(select(flat, chord, clamp(select(one, single, value) - centre, 0.0, 1.0))) for value in (low, high)
    ]

    least = 1e-3 * (pull.dot(pull) + cubic + 1e-9)

    def steepness(t: Expr) -> Expr:
        """The curvature, kept positive: a step then always leads downhill."""
        return maximum(curvature(t), least)

    def polished(t: Expr) -> Expr:
        for _ in range(2):
            t = clamp(t - slope(t) / steepness(t), 0.0, 1.0)
        return detach(t)

    a, b = polished(starts[0]), polished(starts[1])
    distance_a, distance_b = (
        hypot(d.x, d.y) for d in (offset + pull * (2.0 * t) + bend * (t * t) for t in (a, b))
    )
    best = select(distance_a < distance_b, a, b)
    # An end is no root: it stays where it is.
    return select(absolute(best - 0.5) < 0.5, implicit_root(best, slope, steepness), best)


def distance_to(p: Point, element: Element) -> tuple[Expr, Expr, Point, Point]:
    """Unsigned distance, parameter, offset from the closest point, and unit tangent there.

    Beside an element the distance is the offset across its tangent, whose derivative is right on the outline
    itself, where the length of a vanishing offset has none. A line's is the cross product that the crossing count
    reads, its sign taken by the same rule where it is zero: the gradient of a filled outline then points outwards on
    whichever side a rounding error puts the point.
    """
    if element.curved:
        t = closest_on_quadratic(p, element)
        bend = element.start - element.control * 2.0 + element.end
        pull = element.control - element.start
        nearest = element.start + pull * (2.0 * t) + bend * (t * t)
        direction = pull + bend * t
    else:
        t = closest_on_line(p, element)
        direction = element.end - element.start
        nearest = element.start + direction * t
    size = hypot(direction.x, direction.y)
    tangent = direction * (1.0 / maximum(size, 1e-9))
    offset = p - nearest
    ahead = hypot(offset.x, offset.y)
    beside = select(t > 0.0, select(t < 1.0, select(size < 1e-9, 0.0, 1.0), 0.0), 0.0)
    if element.curved:
        across = absolute(tangent.cross(offset))
    else:
        # As the crossing count does: upwards, or to the right along a horizontal line, above which a point on it counts.
        is_level = absolute(direction.y) < TINY
        back = select(is_level, direction.x, direction.y) < 0.0
        base = Point(select(back, element.end.x, element.start.x), select(back, element.end.y, element.start.y))
        side = (direction * select(back, -1.0, 1.0)).cross(p - base)
        across = select(side > select(is_level, -TINY, 0.0), side, -side) / maximum(size, 1e-9)
    return select(beside, across, ahead), t, offset, tangent


def _filled(distance: Expr, inside: Expr) -> Distance:
    return Distance(select(inside, -distance, distance))


@register(
    "outline",
    "path",
    summary="A filled outline of lines and quadratic curves: points lie on it, `curve(x, y)` is a control point,"
    " and between two control points it passes through their midpoint.",
    example="path((-0.6, -0.3), curve(-0.5, 0.6), curve(0.4, 0.6), (0.6, -0.3), curve(0, -0.7))",
    variadic="points",
    finish=_filled,
)
def path(p: Point, element: Element) -> Expr:
    return distance_to(p, element)[0]


# A polygon is a path of lines: one body serves both, and so does one instruction of the tape.
register(
    "outline",
    "polygon",
    summary="A filled polygon through any number of points; where it overlaps itself, every second layer is empty.",
    example="polygon((-0.6, -0.4), (0.5, -0.5), (0.6, 0.2), (0, 0), (-0.3, 0.6))",
    variadic="points",
    finish=_filled,
)(path)


def _stroked(distance: Expr, inside: Expr, width: Expr, caps: Expr, closed: Expr) -> Distance:
    return Distance(distance - 0.5 * width, width)


@register(
    "outline",
    "stroked path",
    length("width", 0.02, 0.2),
    choice("caps", "round", "butt", summary="how open ends look"),
    choice("closed", "no", "yes", summary="whether the last point is joined to the first"),
    summary="A stroke of the given full width along lines and quadratic curves; joints are round.",
    example="path((-0.6, -0.2), curve(-0.2, 0.7), (0.1, 0), (0.6, 0.3), width = 0.12, caps = butt)",
    function="path",
    variadic="points",
    exact=False,
    lipschitz=2.0**0.5,
    jumps=("caps", "butt"),
    finish=_stroked,
)
def stroked_path(p: Point, element: Element, width: Expr, caps: Expr, closed: Expr) -> Expr:
    distance, t, offset, tangent = distance_to(p, element)
    along, across = tangent.dot(offset), absolute(tangent.cross(offset))

    def square(end: Point, towards: Point, beyond: Expr, outward: Expr) -> Expr:
        """The distance at a butt end: that to a box's face, continued inside by that to the line across the end.

        `finish` takes half the width off again. Where a bend leads back to that line, it no longer counts.
        """
        size = maximum(hypot(towards.x, towards.y), 1e-9)
        gone = (p - end).dot(towards) / size
        way = p - offset - end
        near = way.dot(way) < width * width
        face = maximum(select(outward < 0.0, distance, across), 0.5 * width + outward)
        return select(beyond, face, select(near, maximum(distance, 0.5 * width - gone), distance))

    first, last = (element.control, element.control) if element.curved else (element.end, element.start)
    start = square(element.start, first - element.start, select(t > 0.0, 0.0, 1.0), -along)
    end = square(element.end, last - element.end, select(t < 1.0, 0.0, 1.0), along)
    butt = maximum(select(element.first, start, distance), select(element.last, end, distance))
    return select(caps, butt, distance)
