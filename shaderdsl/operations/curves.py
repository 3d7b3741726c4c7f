"""Solids bounded by arcs, and strokes: lines of constant or tapering width with round ends.

The habits of `shaderdsl.operations.shapes` hold here too. Strokes measure across their centre line, so that
the gradient is a unit vector on the line itself and strokes thinner than a pixel get the right coverage."""

from __future__ import annotations

import math
from typing import TypeVar

from shaderdsl.expression import (
    Expr,
    absolute,
    clamp,
    cosine,
    detach,
    hypot,
    maximum,
    minimum,
    select,
    sine,
    square_root,
)
from shaderdsl.operations.shapes import SMALL, positive
from shaderdsl.registry import Distance, Point, Point3, angle, length, point, register


def _half_chord(radius: Expr, height: Expr) -> Expr:
    """Half the chord of a circle at `height` from its centre: √(radius² - height²), 0 where they do not
    meet."""
    square = (radius - height) * (radius + height)
    return select(square > 1e-8, square_root(maximum(square, 1e-8)), 0.0)


@register(
    "shape",
    "pie",
    length("radius", 0.2, 0.9),
    angle("angle", 15.0, 165.0, minimum=0.0, maximum=180.0, summary="half the aperture, to each side of +y"),
    summary="A sector of a disk about +y, with its tip at the origin.",
    example="pie(0.7, 50)",
)
def pie(p: Point, radius: Expr, angle: Expr) -> Distance:
    x = absolute(p.x)
    cos, sin = cosine(angle), sine(angle)
    across = x * cos - p.y * sin  # from the straight side's line, negative within the aperture
    along = x * sin + p.y * cos
    r = hypot(x, p.y)
    arc = r - radius
    side = select(along < 0.0, select(across < 0.0, -r, r), across)
    past = along - radius
    outside = select(past > 0.0, hypot(across, past), side)
    sector = select(across < 0.0, maximum(arc, side), outside)
    narrow = sine(minimum(angle, 0.5 * math.pi))
    # A full turn has no straight side.
    return Distance(select(angle > math.pi - 1e-5, arc, sector), 2.0 * radius * narrow / (1.0 + narrow))


@register(
    "shape",
    "cutdisk",
    length("radius", 0.3, 0.9),
    length("height", -0.25, 0.25, signed=True, summary="y of the cut"),
    summary="A disk cut along a horizontal line; the part above the line stays.",
    example="cutdisk(0.6, -0.2)",
    inset=lambda amount, radius, height: {"radius": radius - amount, "height": height + amount},
)
def cutdisk(p: Point, radius: Expr, height: Expr) -> Distance:
    x = absolute(p.x)
    half = _half_chord(radius, height)
    past = x - half
    corner = hypot(past, p.y - height)
    at_corner = minimum(past, x * height - p.y * half) > 0.0  # beyond the chord's end and below the ray to it
    return Distance(
        select(at_corner, corner, maximum(hypot(x, p.y) - radius, height - p.y)),
        minimum(radius - height, 2.0 * radius),
    )


@register(
    "shape",
    "moon",
    length("radius", 0.4, 0.9),
    length("bite", 0.1, 0.5, summary="radius of the disk that is taken away"),
    length("offset", 0.2, 0.9, summary="x of the centre of that disk"),
    summary="A disk without a second disk: a crescent, or a disk with a bite or a hole.",
    example="moon(0.65, 0.5, 0.3)",
    inset=lambda amount, radius, bite, offset: {
        "radius": radius - amount,
        "bite": bite + amount,
        "offset": offset,
    },
)
def moon(p: Point, radius: Expr, bite: Expr, offset: Expr) -> Distance:
    y = absolute(p.y)
    centre = positive(offset)
    # The tip, where both circles meet; on the axis where they do not, and then never the nearest.
    tip_x = clamp(0.5 * ((radius - bite) * (radius + bite) / centre + centre), -radius, radius)
    tip_y = _half_chord(radius, tip_x)
    x_tip, y_tip = p.x - tip_x, y - tip_y
    below_outer = tip_y * p.x - tip_x * y
    above_inner = (centre - tip_x) * y_tip + tip_y * x_tip
    at_tip = minimum(below_outer, above_inner) > 0.0
    arcs = maximum(hypot(p.x, y) - radius, bite - hypot(p.x - centre, y))
    thickness = clamp(centre - bite + radius, 0.0, 2.0 * radius)
    return Distance(select(at_tip, hypot(x_tip, y_tip), arcs), thickness)


@register(
    "shape",
    "vesica",
    length("radius", 0.4, 0.9),
    length("offset", 0.05, 0.35, summary="x of the two centres, right and left"),
    summary="A lens standing upright: the intersection of two equal disks side by side.",
    example="vesica(0.8, 0.35)",
    inset=lambda amount, radius, offset: {"radius": radius - amount, "offset": offset},
)
def vesica(p: Point, radius: Expr, offset: Expr) -> Distance:
    x, y = absolute(p.x), absolute(p.y)
    tip = _half_chord(radius, offset)
    at_tip = (y - tip) * offset > x * tip
    arc = hypot(x + offset, y) - radius
    return Distance(select(at_tip, hypot(x, y - tip), arc), 2.0 * maximum(radius - offset, 0.0))


@register(
    "shape",
    "heart",
    length("size", 0.2, 0.8, summary="half the width"),
    summary="A heart: a square on its corner with a half disk on each upper side.",
    example="heart(0.65)",
)
def heart(p: Point, size: Expr) -> Distance:
    # `half` is half the square's side and the disks' radius; the square's centre stands a little low, so that
    # the heart's bounding box is centred. u and v run along the square's sides: u to the upper right, v to
    # the lower right.
    half = size * (2.0 - math.sqrt(2.0))
    x = absolute(p.x) * math.sqrt(0.5)
    y = (p.y + half * (0.5 - math.sqrt(0.125))) * math.sqrt(0.5)
    u, v = x + y, x - y
    lobe = hypot(u - half, v) - half
    foot = hypot(u + half, v - half)
    square = maximum(v - half, -hypot(u - half, v + half))  # the lower side, or the notch
    return Distance(select(u > half, lobe, select(u < -half, foot, square)), 2.0 * half)


@register(
    "shape",
    "egg",
    length("bottom", 0.15, 0.6, summary="radius at the bottom"),
    length("top", 0.05, 0.5, summary="radius at the top"),
    length("height", 0.3, 0.7, summary="distance between the two centres"),
    summary="An egg: two end arcs joined smoothly by arcs that bulge; its bounding box is centred.",
    example="egg(0.5, 0.2, 0.55)",
    notes="With equal radii the sides are straight. One end may hold the other; the egg is then a disk.",
    inset=lambda amount, bottom, top, height: {
        "bottom": bottom - amount,
        "top": top - amount,
        "height": height,
    },
)
def egg(p: Point, bottom: Expr, top: Expr, height: Expr) -> Distance:
    large, small = maximum(bottom, top), minimum(bottom, top)
    rise = maximum(height, large - small)
    # From here on the large end is below, with its centre at the origin.
    x = absolute(p.x)
    y = p.y * select(bottom < top, -1.0, 1.0) + 0.5 * (rise + small - large)
    # The right side's arc starts level with the large centre and holds the small end, touching it: its radius
    # is (large² + rise² - small²) / (2 large - 2 small). By its curvature everything stays finite for equal
    # radii.
    bend = 2.0 * (large - small) / maximum((large - small) * (large + small) + rise * rise, SMALL * SMALL)
    inner = 1.0 - bend * large  # the centre is at x = -inner / bend
    square = bend * (x * x + y * y - large * large) + 2.0 * inner * (x - large)
    side = square / (hypot(bend * x + inner, bend * y) + 1.0)
    past = inner * (y - rise) > bend * rise * x
    end = select(past, hypot(x, y - rise) - small, side)
    return Distance(select(y < 0.0, hypot(x, y) - large, end), 2.0 * large)


@register(
    "shape",
    "segment",
    point("a"),
    point("b"),
    length("width", 0.02, 0.3),
    summary="A straight stroke of the given full width with round ends.",
    example="segment((-0.6, -0.3), (0.6, 0.4), 0.15)",
    inset=lambda amount, a, b, width: {"a": a, "b": b, "width": width - 2.0 * amount},
)
def segment(p: Point, a: Point, b: Point, width: Expr) -> Distance:
    edge, offset = b - a, p - a
    square = maximum(edge.dot(edge), SMALL * SMALL)
    along = offset.dot(edge) / square
    line = absolute(offset.cross(edge)) / square_root(square)
    end = select(along > 0.5, 1.0, 0.0)
    cap = hypot(offset.x - edge.x * end, offset.y - edge.y * end)
    return Distance(select(absolute(along - 0.5) < 0.5, line, cap) - 0.5 * width, width)


@register(
    "shape",
    "capsule",
    point("a"),
    point("b"),
    length("radius_a", 0.05, 0.4),
    length("radius_b", 0.05, 0.4),
    summary="Two disks and everything between them: a tapering stroke with round ends.",
    example="capsule((-0.4, -0.3), (0.45, 0.4), 0.35, 0.15)",
    notes="One disk may hold the other; the capsule is then that disk.",
    inset=lambda amount, a, b, radius_a, radius_b: {
        "a": a, "b": b, "radius_a": radius_a - amount, "radius_b": radius_b - amount,
    },
)  # fmt: skip
def capsule(p: Point, a: Point, b: Point, radius_a: Expr, radius_b: Expr) -> Distance:
    edge, offset = b - a, p - a
    size = positive(hypot(edge.x, edge.y))
    along, across = offset.dot(edge) / size, absolute(offset.cross(edge)) / size
    # The common tangent's normal, in (across, along); there is none when one disk holds the other.
    sin = clamp((radius_a - radius_b) / size, -1.0, 1.0)
    cos = square_root(maximum(1.0 - sin * sin, 1e-8))
    line = cos * across + sin * along - radius_a
    share = (cos * along - sin * across) / (cos * size)  # 0 and 1 where the tangent touches the disks
    far = p - b
    ends = minimum(hypot(offset.x, offset.y) - radius_a, hypot(far.x, far.y) - radius_b)
    thickness = 2.0 * (radius_a + (radius_b - radius_a) * clamp(share, 0.0, 1.0))
    return Distance(select(absolute(share - 0.5) < 0.5, line, ends), thickness)


@register(
    "shape",
    "arc",
    length("radius", 0.25, 0.8, summary="of the centre line"),
    angle("angle", 15.0, 145.0, minimum=0.0, maximum=180.0, summary="half the aperture, to each side of +y"),
    length("width", 0.02, 0.25),
    summary="A stroke along an arc of a circle about +y, with round ends.",
    example="arc(0.6, 110, 0.15)",
    notes="Where the stroke overlaps itself, the distance inside is a bound.",
    inset=lambda amount, radius, angle, width: {
        "radius": radius,
        "angle": angle,
        "width": width - 2.0 * amount,
    },
)
def arc(p: Point, radius: Expr, angle: Expr, width: Expr) -> Distance:
    x = absolute(p.x)
    half = minimum(angle, math.pi)
    cos, sin = cosine(half), sine(half)
    curve = absolute(hypot(x, p.y) - radius)
    cap = hypot(x - radius * sin, p.y - radius * cos)
    return Distance(select(x * cos < p.y * sin, curve, cap) - 0.5 * width, width)


@register(
    "shape",
    "ring",
    length("radius", 0.2, 0.85, summary="of the centre line"),
    length("width", 0.02, 0.3),
    summary="A stroke along a circle.",
    example="ring(0.55, 0.15)",
    notes="Where the width exceeds the diameter, the distance inside is a bound.",
    inset=lambda amount, radius, width: {"radius": radius, "width": width - 2.0 * amount},
)
def ring(p: Point, radius: Expr, width: Expr) -> Distance:
    return Distance(absolute(hypot(p.x, p.y) - radius) - 0.5 * width, width)


Vector = TypeVar("Vector", Point, Point3)


def closest_on_curve(offset: Vector, edge: Vector, turn: Vector) -> tuple[Expr, Expr]:
    """The t in [0, 1] where offset + 2t edge + t² turn, a quadratic Bezier curve, is nearest to the origin: as a
    constant for every derivative, and with its own.

    It is a root of a cubic h that is convex beyond the parabola's vertex and concave before it: Halley's method from
    either end of the curve runs monotonically into the local minimum on its side. The better of both is kept; the
    iterations are on detached values and a last Newton step on live ones."""
    # Half the product of the curve with its velocity is h(t) = k0 + k1 t + k2 t² + k3 t³.
    k0, k1 = offset.dot(edge), 2.0 * edge.dot(edge) + offset.dot(turn)
    k2, k3 = 3.0 * edge.dot(turn), turn.dot(turn)
    h0, h1, h2, h3 = detach(k0), detach(k1), detach(k2), detach(k3)
    least = detach(1e-4 * (edge.dot(edge) + k3) + SMALL * SMALL)

    def slope(t: Expr) -> Expr:
        return maximum(h1 + t * (2.0 * h2 + 3.0 * h3 * t), least)

    def halley(t: Expr) -> Expr:
        for _ in range(4):
            steepness = slope(t)
            step = (h0 + t * (h1 + t * (h2 + t * h3))) / steepness
            t = clamp(t - step / maximum(1.0 - step * (h2 + 3.0 * h3 * t) / steepness, 0.25), 0.0, 1.0)
        return t

    def squared(t: Expr) -> Expr:
        vector = offset + (edge * 2.0 + turn * t) * t
        return detach(vector.dot(vector))

    first, last = halley(h0.graph.constant(0.0)), halley(h0.graph.constant(1.0))
    found = detach(select(squared(last) < squared(first), last, first))
    between = absolute(found - 0.5) < 0.5
    return found, found - select(between, (k0 + found * (k1 + found * (k2 + found * k3))) / slope(found), 0.0)


@register(
    "shape",
    "bezier",
    point("a"),
    point("b", summary="control point"),
    point("c"),
    length("width", 0.02, 0.2),
    summary="A stroke along a quadratic Bezier curve from a to c, drawn towards b, with round ends.",
    example="bezier((-0.7, -0.4), (0, 0.9), (0.7, -0.2), 0.12)",
    exact=False,
    notes="Exact outside, and inside wherever the curve's radius of curvature exceeds half the width.",
    inset=lambda amount, a, b, c, width: {"a": a, "b": b, "c": c, "width": width - 2.0 * amount},
)
def bezier(p: Point, a: Point, b: Point, c: Point, width: Expr) -> Distance:
    edge = b - a
    turn = (c - b) - edge
    offset = a - p
    found, t = closest_on_curve(offset, edge, turn)
    between = absolute(found - 0.5) < 0.5

    def to_curve(t: Expr) -> Point:
        return offset + (edge * 2.0 + turn * t) * t

    vector, tangent = to_curve(t), edge + turn * t
    speed = positive(hypot(tangent.x, tangent.y))
    across, along = absolute(vector.cross(tangent)) / speed, absolute(vector.dot(tangent)) / speed
    # At the ends, and where a curve folded onto itself turns, the point itself is nearest.
    smooth = minimum(0.01 * across + 1e-5 - along, speed - 1e-4) > 0.0
    corner = to_curve(found)
    distance = select(select(between, smooth, 0.0), across, hypot(corner.x, corner.y))
    return Distance(distance - 0.5 * width, width)
