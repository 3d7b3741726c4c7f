"""Solid shapes with straight sides, circle and ellipse: exact distances, centred where they have no points.

All bodies keep to three habits. They fold the plane by the shape's symmetries, so that one feature is left to
measure. Near an edge they give the edge's own signed line distance, never the length of a vector that
vanishes on the edge: the gradient is then right on the boundary itself, where coverage reads it. And sizes
that divide are kept above `SMALL`, so that degenerate parameters give finite values and derivatives.
"""

from __future__ import annotations

import math

from shaderdsl.expression import (
    Expr,
    Scalar,
    absolute,
    arctangent,
    clamp,
    cosine,
    detach,
    floor,
    hypot,
    maximum,
    minimum,
    select,
    sine,
    square_root,
)
from shaderdsl.registry import Distance, Point, angle, count, length, point, register

SMALL = 1e-6
"""Sizes below this are raised to it before they divide; far below what any picture shows."""


def positive(size: Scalar) -> Expr:
    """`size`, at least `SMALL`."""
    return maximum(size, SMALL)


@register(
    "shape",
    "circle",
    length("radius", 0.05, 0.9),
    summary="A disk.",
    example="circle(0.6)",
    inset=lambda amount, radius: {"radius": radius - amount},
)
def circle(p: Point, radius: Expr) -> Distance:
    return Distance(hypot(p.x, p.y) - radius, 2.0 * radius)


@register(
    "shape",
    "ellipse",
    length("rx", 0.05, 0.9, summary="half extent along x"),
    length("ry", 0.05, 0.9, summary="half extent along y"),
    summary="An ellipse by its half extents; its distance is the true one.",
    example="ellipse(0.75, 0.4)",
)
def ellipse(p: Point, rx: Expr, ry: Expr) -> Distance:
    """The distance of a convex shape is the greatest of those to its supporting lines, x·n - h(n) with the
    support h(n) = |(rx nx, ry ny)|. Two projections from the centre of curvature bring the normal n near the
    best, Newton steps along the angle sharpen it: all on detached values but for the last, which carries the
    derivative."""
    x, y = absolute(p.x), absolute(p.y)
    a, b = maximum(rx, 1e-4), maximum(ry, 1e-4)
    x0, y0, a0, b0 = detach(x), detach(y), detach(a), detach(b)
    focal = (a0 - b0) * (a0 + b0)
    evolute_x, evolute_y = focal / a0, -(focal / b0)
    # (u, v) = (cos t, sin t) of the closest point (a cos t, b sin t).
    u: Expr = x0.graph.constant(0.5**0.5)
    v = u
    for _ in range(2):
        centre_x, centre_y = evolute_x * u * u * u, evolute_y * v * v * v
        ray_x, ray_y = x0 - centre_x, y0 - centre_y
        reach = hypot(a0 * u - centre_x, b0 * v - centre_y) / maximum(hypot(ray_x, ray_y), SMALL)
        u = clamp((centre_x + ray_x * reach) / a0, SMALL, 1.0)
        v = clamp((centre_y + ray_y * reach) / b0, SMALL, 1.0)
        scale = hypot(u, v)
        u, v = u / scale, v / scale

    def newton(cos: Expr, sin: Expr, x: Expr, y: Expr, a: Expr, b: Expr) -> tuple[Expr, Expr]:
        """The normal after a step: longer than 1, but never mind, the distance is divided by its length."""
        support = hypot(a * cos, b * sin)
        slope = y * cos - x * sin + (a - b) * (a + b) * sin * cos / support
        # The second derivative along the angle is -(distance + radius of curvature), zero only on the
        # evolute.
        radius = a0 * a0 * b0 * b0 / detach(support * support * support)
        step = slope / maximum(detach(x * cos + y * sin - support) + radius, 0.01 * radius)
        return cos - sin * step, sin + cos * step

    cos, sin = b0 * u, a0 * v
    for _ in range(2):
        size = hypot(cos, sin)
        cos, sin = newton(cos / size, sin / size, x0, y0, a0, b0)
        cos, sin = maximum(cos, 0.0), maximum(sin, 0.0)
    size = hypot(cos, sin)
    cos, sin = newton(cos / size, sin / size, x, y, a, b)
    distance = (x * cos + y * sin - hypot(a * cos, b * sin)) / hypot(cos, sin)
    return Distance(distance, 2.0 * minimum(a, b))


@register(
    "shape",
    "box",
    length("half_width", 0.05, 0.9),
    length("half_height", 0.05, 0.9),
    length("top_right", 0.0, 0.3, 0.0, summary="radius of that corner"),
    length("bottom_right", 0.0, 0.3, 0.0),
    length("bottom_left", 0.0, 0.3, 0.0),
    length("top_left", 0.0, 0.3, 0.0),
    summary="A rectangle by its half extents, each corner rounded by a radius of its own.",
    example="box(0.6, 0.35, top_right = 0.2, bottom_left = 0.3)",
    notes="A corner's radius is limited to the smaller half extent.",
    inset=lambda amount, half_width, half_height, **corners: {
        "half_width": half_width - amount,
        "half_height": half_height - amount,
        **{name: maximum(radius - amount, 0.0) for name, radius in corners.items()},
    },
)
def box(
    p: Point, half_width: Expr, half_height: Expr,
    top_right: Expr, bottom_right: Expr, bottom_left: Expr, top_left: Expr,
) -> Distance:  # fmt: skip
    right = select(p.y < 0.0, bottom_right, top_right)
    left = select(p.y < 0.0, bottom_left, top_left)
    shorter = minimum(half_width, half_height)
    radius = minimum(select(p.x < 0.0, left, right), shorter)
    x = absolute(p.x) - half_width + radius
    y = absolute(p.y) - half_height + radius
    return Distance(_corner(x, y) - radius, 2.0 * shorter)


def _corner(x: Expr, y: Expr) -> Expr:
    """Distance to the quadrant x <= 0, y <= 0."""
    return select(minimum(x, y) > 0.0, hypot(x, y), maximum(x, y))


@register(
    "shape",
    "rhombus",
    length("half_width", 0.1, 0.9),
    length("half_height", 0.1, 0.9),
    summary="A rhombus by its half diagonals.",
    example="rhombus(0.7, 0.45)",
    inset=lambda amount, half_width, half_height: _scaled(
        amount,
        half_width * half_height / positive(hypot(half_width, half_height)),
        half_width=half_width,
        half_height=half_height,
    ),
)
def rhombus(p: Point, half_width: Expr, half_height: Expr) -> Distance:
    width, height = positive(half_width), positive(half_height)
    x, y = absolute(p.x), absolute(p.y)
    side = hypot(width, height)
    line = (x * height + (y - height) * width) / side
    along = (y * height - (x - width) * width) / (side * side)  # 0 at the right corner, 1 at the top one
    right, top = hypot(x - width, y), hypot(x, y - height)
    distance = select(absolute(along - 0.5) > 0.5, minimum(right, top), line)
    return Distance(distance, 2.0 * width * height / side)


def _scaled(amount: Expr, inradius: Expr, **sizes: Expr) -> dict[str, Expr]:
    """The inset of a polygon whose sides all touch the circle of `inradius` about its centre: a smaller
    copy."""
    factor = maximum(1.0 - amount / positive(inradius), 0.0)
    return {name: size * factor for name, size in sizes.items()}


def _trapezoid_inset(amount: Expr, bottom: Expr, top: Expr, half_height: Expr) -> dict[str, Expr]:
    height = 2.0 * positive(half_height)
    lean = top - bottom
    side = hypot(lean, height)
    return {
        "bottom": bottom - amount * (side - lean) / height,
        "top": top - amount * (side + lean) / height,
        "half_height": half_height - amount,
    }


@register(
    "shape",
    "trapezoid",
    length("bottom", 0.1, 0.9, summary="half width of the bottom side"),
    length("top", 0.1, 0.9, summary="half width of the top side"),
    length("half_height", 0.1, 0.9),
    summary="A symmetric trapezoid by the half widths of its horizontal sides and its half height.",
    example="trapezoid(0.7, 0.35, 0.45)",
    inset=_trapezoid_inset,
)
def trapezoid(p: Point, bottom: Expr, top: Expr, half_height: Expr) -> Distance:
    # An inset may turn one half width negative: the slanted sides then meet before they reach that side.
    height = positive(half_height)
    lean = absolute(bottom - top)
    apex = height * (bottom + top) / positive(lean)
    upper = select(top < 0.0, apex, height)
    lower = select(bottom < 0.0, -apex, -height)
    bottom_half, top_half = maximum(bottom, 0.0), maximum(top, 0.0)
    x = absolute(p.x)
    outline = _quadrilateral(
        Point(x, p.y), x - bottom_half, x - top_half, bottom_half, top_half, lower, upper
    )
    inscribed = 2.0 * height * maximum(bottom, top) / (hypot(lean, 2.0 * height) + lean)
    return Distance(outline, 2.0 * minimum(height, inscribed))


def _quadrilateral(
    p: Point, past_lower: Expr, past_upper: Expr, lower_x: Expr, upper_x: Expr, lower_y: Expr, upper_y: Expr
) -> Expr:
    """Distance to a quadrilateral between horizontal sides at `lower_y` and `upper_y`, for `p` folded onto
    its right: the slanted side runs from (lower_x, lower_y) to (upper_x, upper_y), and `past_...` is how far
    `p` lies sideways of the horizontal sides' ends (negative between them)."""
    edge = Point(upper_x - lower_x, upper_y - lower_y)
    offset = Point(p.x - lower_x, p.y - lower_y)
    square = maximum(edge.dot(edge), SMALL * SMALL)
    side = offset.cross(edge) / square_root(square)
    along = offset.dot(edge) / square
    above, below = p.y - upper_y, lower_y - p.y
    inside = maximum(side, maximum(above, below))
    # Past the slanted side its ends decide which horizontal side is the nearer; elsewhere the height does.
    is_upper = select(side > 0.0, along > 0.5, above > below)
    past = select(is_upper, past_upper, past_lower)
    vertical = select(is_upper, above, below)
    beside = minimum(side, 0.5 - absolute(along - 0.5)) > 0.0
    outside = select(beside, side, select(past > 0.0, hypot(past, vertical), vertical))
    return select(inside > 0.0, outside, inside)


def _parallelogram_inset(amount: Expr, half_width: Expr, half_height: Expr, skew: Expr) -> dict[str, Expr]:
    height = positive(half_height)
    return {
        "half_width": half_width - amount * hypot(skew, height) / height,
        "half_height": half_height - amount,
        "skew": skew * (half_height - amount) / height,
    }


@register(
    "shape",
    "parallelogram",
    length("half_width", 0.1, 0.7),
    length("half_height", 0.1, 0.7),
    length("skew", -0.4, 0.4, signed=True, summary="shift of the top side to the right of the centre"),
    summary="A parallelogram with horizontal top and bottom sides.",
    example="parallelogram(0.5, 0.4, 0.25)",
    inset=_parallelogram_inset,
)
def parallelogram(p: Point, half_width: Expr, half_height: Expr, skew: Expr) -> Distance:
    width, height = positive(half_width), positive(half_height)
    # Half a turn about the centre brings every point to the right of the slanted axis.
    turn = select(p.x * height < p.y * skew, -1.0, 1.0)
    x, y = p.x * turn, p.y * turn
    outline = _quadrilateral(
        Point(x, y),
        absolute(x + skew) - width,
        absolute(x - skew) - width,
        width - skew,
        width + skew,
        -height,
        height,
    )
    return Distance(outline, 2.0 * minimum(height, width * height / hypot(skew, height)))


def _triangle_inset(amount: Expr, a: Point, b: Point, c: Point) -> dict[str, Point]:
    """Corners move along their bisectors: towards the incentre, the corners' mean weighted by the opposite
    sides."""
    opposite = [hypot((v - u).x, (v - u).y) for u, v in ((b, c), (c, a), (a, b))]
    perimeter = positive(opposite[0] + opposite[1] + opposite[2])
    centre = (a * opposite[0] + b * opposite[1] + c * opposite[2]) * (1.0 / perimeter)
    inradius = positive(absolute((b - a).cross(c - a)) / perimeter)
    factor = maximum(1.0 - amount / inradius, 0.0)
    return {name: centre + (corner - centre) * factor for name, corner in (("a", a), ("b", b), ("c", c))}


@register(
    "shape",
    "triangle",
    point("a"),
    point("b"),
    point("c"),
    summary="A triangle by its corners, in either sense of rotation.",
    example="triangle((-0.6, -0.5), (0.7, -0.3), (0, 0.6))",
    inset=_triangle_inset,
)
def triangle(p: Point, a: Point, b: Point, c: Point) -> Distance:
    area = (b - a).cross(c - a)
    turn = select(area < 0.0, -1.0, 1.0)

    def measure(start: Point, end: Point) -> tuple[Expr, Expr, Expr]:
        """Signed distance to the edge's line, distance to the edge without its end, and its length."""
        edge, offset = end - start, p - start
        square = maximum(edge.dot(edge), SMALL * SMALL)
        size = square_root(square)
        line = turn * offset.cross(edge) / size
        # An edge of no length has nothing beside it.
        beside = absolute(offset.dot(edge) / square - 0.5) < 0.5
        return line, select(beside, absolute(line), hypot(offset.x, offset.y)), size

    # An edge's end is the next edge's start. The nearest edge is chosen first and then measured, so that
    # derivatives are those of one edge.
    lines, distances, sizes = zip(measure(a, b), measure(b, c), measure(c, a), strict=True)
    second, third = distances[1] < distances[0], distances[2] < minimum(distances[0], distances[1])

    def nearest(first_value: Expr, second_value: Expr, third_value: Expr) -> Expr:
        return select(third, third_value, select(second, second_value, first_value))

    start = Point(nearest(a.x, b.x, c.x), nearest(a.y, b.y, c.y))
    end = Point(nearest(b.x, c.x, a.x), nearest(b.y, c.y, a.y))
    line, distance, extent = measure(start, end)
    # Its side is told by the same numbers: on the edge another rounding may lie on the other side, and would turn the gradient around.
    sides = (nearest(line, lines[0], lines[0]), nearest(lines[1], line, lines[1]), nearest(lines[2], lines[2], line))
    inside = maximum(maximum(*sides[:2]), sides[2]) < 0.0
    thickness = 2.0 * absolute(area) / (sizes[0] + sizes[1] + sizes[2])
    return Distance(select(inside, -distance, distance), thickness)


def _sector(p: Point, step: Expr, phase: float) -> Point:
    """`p` turned so that the nearest of the rays that stand `step` radians apart points up, and folded to its
    right. The first ray is `phase` steps clockwise of +y. The turn is a step function of `p`: it has no
    derivative."""
    turn = (floor(arctangent(p.x, p.y) / step + (0.5 - phase)) + phase) * step
    cos, sin = cosine(turn), sine(turn)
    return Point(absolute(p.x * cos - p.y * sin), p.x * sin + p.y * cos)


@register(
    "shape",
    "ngon",
    count("sides", 3, 64),
    length("radius", 0.1, 0.9, summary="from the centre to a corner"),
    summary="A regular polygon with a corner pointing up.",
    example="ngon(6, 0.6)",
    inset=lambda amount, sides, radius: {"sides": sides, "radius": radius - amount / cosine(math.pi / sides)},
)
def ngon(p: Point, sides: Expr, radius: Expr) -> Distance:
    half = math.pi / sides
    q = _sector(p, 2.0 * half, 0.5)
    apothem = radius * cosine(half)
    above = q.y - apothem
    past = q.x - radius * sine(half)
    return Distance(select(past > 0.0, hypot(past, above), above), 2.0 * apothem)


def _star_inset(amount: Expr, points: Expr, outer: Expr, inner: Expr) -> dict[str, Expr]:
    half = math.pi / points
    across, along = inner * sine(half), inner * cosine(half) - outer
    inradius = outer * across / positive(hypot(across, along))
    return {"points": points, **_scaled(amount, inradius, outer=outer, inner=inner)}


def _star_constraint(points: float, outer: float, inner: float) -> str:
    if inner <= outer:
        return ""
    return f"a star's inner radius ({inner:g}) must not exceed its outer radius ({outer:g}): swap the two"


@register(
    "shape",
    "star",
    count("points", 3, 64),
    length("outer", 0.3, 0.9, summary="from the centre to a tip"),
    length("inner", 0.1, 0.3, summary="from the centre to a corner between two tips"),
    summary="A star with straight edges and a tip pointing up.",
    example="star(5, 0.7, 0.3)",
    inset=_star_inset,
    constraint=_star_constraint,
)
def star(p: Point, points: Expr, outer: Expr, inner: Expr) -> Distance:
    half = math.pi / points
    q = _sector(p, 2.0 * half, 0.0)
    # From the tip straight above to the next inner corner.
    edge = Point(inner * sine(half), inner * cosine(half) - outer)
    offset = Point(q.x, q.y - outer)
    square = maximum(edge.dot(edge), SMALL * SMALL)
    line = edge.cross(offset) / square_root(square)
    along = offset.dot(edge) / square
    end = select(along > 0.5, 1.0, 0.0)
    corner = hypot(offset.x - edge.x * end, offset.y - edge.y * end)
    distance = select(absolute(along - 0.5) < 0.5, line, select(line < 0.0, -corner, corner))
    return Distance(distance, 2.0 * minimum(inner, outer))


@register(
    "shape",
    "cross",
    length("half_length", 0.3, 0.9),
    length("half_width", 0.05, 0.3),
    summary="An upright cross of two equal bars, by half their length and half their width.",
    example="cross(0.65, 0.2)",
    inset=lambda amount, half_length, half_width: {
        "half_length": half_length - amount,
        "half_width": half_width - amount,
    },
)
def cross(p: Point, half_length: Expr, half_width: Expr) -> Distance:
    reach, width = maximum(half_length, half_width), minimum(half_length, half_width)
    x, y = absolute(p.x), absolute(p.y)
    along, across = maximum(x, y), minimum(x, y)
    # Inside, before the bars part, the corner between them is nearer than their sides.
    side = select(along < width, -hypot(along - width, across - width), across - width)
    end = along - reach
    distance = select(minimum(end, side) > 0.0, hypot(end, side), maximum(end, side))
    return Distance(distance, 2.0 * width)


@register(
    "shape",
    "halfplane",
    angle("angle", summary="direction of the border line through the origin"),
    summary="Everything to the right of a line through the origin, looking along it: y < 0 for angle 0.",
    example="halfplane(20)",
)
def halfplane(p: Point, angle: Expr) -> Distance:
    return Distance(p.y * cosine(angle) - p.x * sine(angle))
