"""Round solids: sphere, ellipsoid, rings and bent rods, cut spheres, superquadrics; see `shaderdsl.operations.solids` for
the habits."""

from __future__ import annotations

import math
from typing import Any

from shaderdsl.expression import (
    Expr,
    Scalar,
    absolute,
    clamp,
    cosine,
    detach,
    exponential,
    hypot,
    logarithm,
    maximum,
    minimum,
    select,
    sine,
    square_root,
)
from shaderdsl.operations.solids import SMALL, about_axis, ordered, positive
from shaderdsl.registry import Distance, Point3, angle, length, number, register, vector


@register(
    "shape",
    "sphere",
    length("radius", 0.1, 0.8),
    summary="A ball.",
    example="sphere(0.7)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - amount},
)
def sphere(p: Point3, radius: Expr) -> Distance:
    return Distance(p.length - radius, 2.0 * radius)


@register(
    "shape",
    "ellipsoid",
    length("rx", 0.1, 0.8, summary="half extent along x"),
    length("ry", 0.1, 0.8, summary="half extent along y"),
    length("rz", 0.1, 0.8, summary="half extent along z"),
    summary="An ellipsoid by its half extents; its distance is the true one.",
    example="ellipsoid(0.75, 0.4, 0.5)",
    dimension=3,
)
def ellipsoid(p: Point3, rx: Expr, ry: Expr, rz: Expr) -> Distance:
    """The closest point is a² x / (a² + t) in each coordinate, with the t for which it is on the ellipsoid: where the
    length s of the vector a x / (a² + t) is 1. Newton's rule for 1 / s, which is concave and nearly straight, climbs to t
    from any t below; it starts with the t of the surface, 0, and is kept above a bound that is near t inside. All is done
    on detached values but for the last step, which carries the derivatives. The distance is that to the supporting plane
    with the normal x / (a² + t), so that it errs by the square of the error of t."""
    axes = [maximum(r, 1e-4) for r in (rx, ry, rz)]
    point = [maximum(absolute(c), SMALL) for c in p]

    def length_of(a: Expr, b: Expr, c: Expr) -> Expr:
        return hypot(hypot(a, b), c)

    weighted = [detach(a) * detach(x) for a, x in zip(axes, point)]
    squares = [detach(a) * detach(a) for a in axes]
    # Inside t is negative: the squares of the vector's other coordinates are then at least those for t = 0.
    ratios = [w / a for w, a in zip(weighted, squares)]
    parts = [q * q for q in ratios]
    rest = maximum(1.0 - (parts[0] + parts[1] + parts[2]), 0.0)
    bounds = [w / square_root(rest + q) - a for w, q, a in zip(weighted, parts, squares)]
    least = maximum(bounds[0], maximum(bounds[1], bounds[2]))
    t: Scalar = 0.0
    for _ in range(5):
        sums = [a + t for a in squares]
        ratios = [w / s for w, s in zip(weighted, sums)]
        parts = [q * q for q in ratios]
        square = parts[0] + parts[1] + parts[2]
        step = square / (parts[0] / sums[0] + parts[1] / sums[1] + parts[2] / sums[2])
        t = maximum(t + (square_root(square) - 1.0) * step, least)
    last = length_of(*(a * x / (a * a + t) for a, x in zip(axes, point)))
    t = t + (last - 1.0) * step
    normal = [x / (a * a + t) for a, x in zip(axes, point)]
    support = length_of(*(a * n for a, n in zip(axes, normal)))
    ahead = sum((x * n for x, n in zip(point, normal)), -support)
    return Distance(ahead / length_of(*normal), 2.0 * minimum(axes[0], minimum(axes[1], axes[2])))


@register(
    "shape",
    "solid capsule",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("radius", 0.05, 0.4),
    summary="A cylinder between two points with round ends.",
    example="capsule((-0.5, -0.3, 0), (0.5, 0.4, 0.2), 0.2)",
    function="capsule",
    dimension=3,
    inset=lambda amount, a, b, radius: {"a": a, "b": b, "radius": radius - amount},
)
def capsule(p: Point3, a: Point3, b: Point3, radius: Expr) -> Distance:
    from_a, axis = p - a, b - a
    along = clamp(from_a.dot(axis) / positive(axis.dot(axis)), 0.0, 1.0)
    return Distance((from_a - axis * along).length - radius, 2.0 * radius)


@register(
    "shape",
    "round_cone",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("radius_a", 0.1, 0.4),
    length("radius_b", 0.05, 0.4),
    summary="Two balls, by their centres and radii, and the cone that touches both.",
    example="round_cone((-0.4, -0.4, 0), (0.4, 0.4, 0.2), 0.4, 0.2)",
    dimension=3,
    inset=lambda amount, a, b, radius_a, radius_b: {
        "a": a, "b": b, "radius_a": radius_a - amount, "radius_b": radius_b - amount,
    },
)
def round_cone(p: Point3, a: Point3, b: Point3, radius_a: Expr, radius_b: Expr) -> Distance:
    around, height, top = about_axis(p, a, b)
    # The cone's side has the normal (rise, lean); where one ball holds the other it has no width.
    lean = clamp((radius_a - radius_b) / positive(top), -1.0, 1.0)
    rise = square_root(maximum((1.0 - lean) * (1.0 + lean), SMALL * SMALL))
    along, width = height * rise - around * lean, top * rise
    side = around * rise + height * lean - radius_a
    at_b = along > width
    ball = hypot(around, select(at_b, height - top, height)) - select(at_b, radius_b, radius_a)
    value = select(minimum(along, width - along) > 0.0, side, ball)
    share = clamp(along / positive(width), 0.0, 1.0)
    return Distance(value, 2.0 * (radius_a + (radius_b - radius_a) * share))


@register(
    "shape",
    "torus",
    length("ring_radius", 0.25, 0.6, summary="of the circle in its middle"),
    length("radius", 0.05, 0.25, summary="of the tube"),
    summary="A ring around y.",
    example="torus(0.5, 0.2)",
    dimension=3,
    inset=lambda amount, ring_radius, radius: {"ring_radius": ring_radius, "radius": radius - amount},
)
def torus(p: Point3, ring_radius: Expr, radius: Expr) -> Distance:
    return Distance(hypot(hypot(p.x, p.z) - ring_radius, p.y) - radius, 2.0 * radius)


@register(
    "shape",
    "capped_torus",
    length("ring_radius", 0.3, 0.6, summary="of the circle in its middle"),
    length("radius", 0.05, 0.2, summary="of the tube"),
    angle("angle", 20.0, 160.0, minimum=0.0, maximum=180.0, summary="to each side of +y"),
    summary="A bent rod with round ends: the part of a ring around z that lies within an angle of +y.",
    example="capped_torus(0.55, 0.15, 125)",
    dimension=3,
    inset=lambda amount, ring_radius, radius, angle: {
        "ring_radius": ring_radius, "radius": radius - amount, "angle": angle,
    },
)
def capped_torus(p: Point3, ring_radius: Expr, radius: Expr, angle: Expr) -> Distance:
    x, cos, sin = absolute(p.x), cosine(angle), sine(angle)
    end = hypot(x - ring_radius * sin, p.y - ring_radius * cos)
    past = x * cos - p.y * sin > 0.0
    return Distance(hypot(select(past, end, hypot(x, p.y) - ring_radius), p.z) - radius, 2.0 * radius)


@register(
    "shape",
    "link",
    length("half_length", 0.1, 0.35, summary="half the length of its straight sides"),
    length("ring_radius", 0.2, 0.4, summary="of its round ends, in the tube's middle"),
    length("radius", 0.05, 0.15, summary="of the tube"),
    summary="A chain's link: a ring around z, drawn out along y.",
    example="link(0.25, 0.35, 0.14)",
    dimension=3,
    inset=lambda amount, half_length, ring_radius, radius: {
        "half_length": half_length, "ring_radius": ring_radius, "radius": radius - amount,
    },
)
def link(p: Point3, half_length: Expr, ring_radius: Expr, radius: Expr) -> Distance:
    past = maximum(absolute(p.y) - half_length, 0.0)
    return Distance(hypot(hypot(p.x, past) - ring_radius, p.z) - radius, 2.0 * radius)


def _rim(radius: Expr, height: Expr) -> Expr:
    """The radius of a sphere's section at a height."""
    return square_root(maximum((radius - height) * (radius + height), SMALL * SMALL))


@register(
    "shape",
    "cut_sphere",
    length("radius", 0.3, 0.8),
    length("height", -0.25, 0.25, signed=True, summary="of the cut"),
    summary="The part of a ball above a height.",
    example="cut_sphere(0.8, -0.1)",
    dimension=3,
    inset=lambda amount, radius, height: {"radius": radius - amount, "height": height + amount},
)
def cut_sphere(p: Point3, radius: Expr, height: Expr) -> Distance:
    height = clamp(height, -radius, radius)
    around, rim = hypot(p.x, p.z), _rim(radius, height)
    ball, cut = hypot(around, p.y) - radius, height - p.y
    nearest, beside = ordered(ball, cut)
    # The rim is the nearest between the normals of the two faces that meet there.
    past = minimum(around - rim, around * height - p.y * rim) > 0.0
    return Distance(select(past, hypot(around - rim, cut), nearest), radius - height, beside)


@register(
    "shape",
    "cut_hollow_sphere",
    length("radius", 0.3, 0.8, summary="of the shell's middle"),
    length("height", -0.25, 0.25, signed=True, summary="of the cut"),
    length("thickness", 0.04, 0.2),
    summary="A bowl: the part of a spherical shell below a height, with a round rim.",
    example="cut_hollow_sphere(0.7, 0.1, 0.12)",
    dimension=3,
    inset=lambda amount, radius, height, thickness: {
        "radius": radius, "height": height, "thickness": thickness - 2.0 * amount,
    },
)
def cut_hollow_sphere(p: Point3, radius: Expr, height: Expr, thickness: Expr) -> Distance:
    height = clamp(height, -radius, radius)
    around, rim = hypot(p.x, p.z), _rim(radius, height)
    past = around * height < p.y * rim
    shell = absolute(hypot(around, p.y) - radius)
    return Distance(select(past, hypot(around - rim, p.y - height), shell) - 0.5 * thickness, thickness)


@register(
    "shape",
    "solid_angle",
    length("radius", 0.4, 0.9),
    angle("angle", 20.0, 120.0, minimum=0.0, maximum=180.0, summary="to each side of +y"),
    summary="The part of a ball around the origin that lies within an angle of +y: a cone with a round base.",
    example="solid_angle(0.8, 50)",
    dimension=3,
)
def solid_angle(p: Point3, radius: Expr, angle: Expr) -> Distance:
    around, cos, sin = hypot(p.x, p.z), cosine(angle), sine(angle)
    side, along = around * cos - p.y * sin, around * sin + p.y * cos
    far = hypot(around, p.y)
    ball = far - radius
    # Behind the tip the tip itself is the nearest of the side.
    slant = select(along > 0.0, side, select(side > 0.0, far, -far))
    nearest, beside = ordered(ball, slant)
    past = along - radius
    value = select(minimum(side, past) > 0.0, hypot(side, past), nearest)
    widest = select(cos > 0.0, sin, 1.0)
    return Distance(value, 2.0 * radius * widest / (1.0 + widest), beside)


def _vesica(a: Point3, b: Point3, width: Expr) -> tuple[Expr, Expr]:
    """Half the width, and how far beyond the axis its sides' circles have their centres."""
    half_length = positive(0.5 * (b - a).length)
    half = minimum(positive(0.5 * width), half_length)
    return half, 0.5 * (half_length - half) * (half_length + half) / half


def _vesica_inset(amount: Expr, a: Point3, b: Point3, width: Expr) -> dict[str, Any]:
    # The sides' circles keep their centres.
    half, beyond = _vesica(a, b, width)
    half = maximum(half - amount, 0.0)
    axis = b - a
    share = square_root(half * (half + 2.0 * beyond)) / positive(axis.length)
    middle = (a + b) * 0.5
    return {"a": middle - axis * share, "b": middle + axis * share, "width": 2.0 * half}


@register(
    "shape",
    "vesica_segment",
    vector("a", -0.7, 0.7),
    vector("b", -0.7, 0.7),
    length("width", 0.1, 0.5, summary="in the middle"),
    summary="A spindle between two points: an arc turned about its chord.",
    example="vesica_segment((-0.6, -0.4, 0), (0.6, 0.4, 0.2), 0.5)",
    notes="Its width is limited to its length.",
    dimension=3,
    inset=_vesica_inset,
)
def vesica_segment(p: Point3, a: Point3, b: Point3, width: Expr) -> Distance:
    around, from_a, top = about_axis(p, a, b)
    half, beyond = _vesica(a, b, width)
    half_length = 0.5 * top
    height = absolute(from_a - half_length)
    past = height - half_length
    # The distance to the circle about (-beyond, 0), written so that a flat one keeps its digits.
    outward = around + beyond
    power = around * (around + 2.0 * beyond) + past * (height + half_length)
    side = power / (hypot(outward, height) + half + beyond)
    value = select(past * beyond > around * half_length, hypot(around, past), side)
    return Distance(value, 2.0 * half)


def _power_mean(a: Expr, b: Expr, power: Expr) -> Expr:
    """(a**power + b**power) ** (1 / power) for two lengths; the greater of them is put outside, against overflow."""
    greater, lesser = ordered(a, b)
    ratio = maximum(lesser / positive(greater), SMALL)
    return greater * exponential(logarithm(1.0 + exponential(logarithm(ratio) * power)) / power)


@register(
    "shape",
    "superquadric",
    length("half_width", 0.2, 0.8),
    length("half_height", 0.2, 0.8),
    length("half_depth", 0.2, 0.8),
    number("e1", 0.2, 1.8, minimum=0.1, maximum=2.0, summary="exponent of sections through y: 0.1 square, 1 round, 2 a rhombus"),
    number("e2", 0.2, 1.8, minimum=0.1, maximum=2.0, summary="exponent of sections across y"),
    summary="A superellipsoid: between a cuboid, an ellipsoid and an octahedron.",
    example="superquadric(0.6, 0.5, 0.6, 0.4, 0.4)",
    dimension=3,
    exact=False,
)
def superquadric(p: Point3, half_width: Expr, half_height: Expr, half_depth: Expr, e1: Expr, e2: Expr) -> Distance:
    """A norm that is 1 on the surface; its slope is at most 1 / (radius of the greatest ball inside)."""
    width, height, depth = (maximum(size, 1e-4) for size in (half_width, half_height, half_depth))
    across = _power_mean(absolute(p.x) / width, absolute(p.z) / depth, 2.0 / e2)
    norm = _power_mean(across, absolute(p.y) / height, 2.0 / e1)
    # Where an exponent is above 1 the norm of a vector exceeds its length by at most 2 ** ((exponent - 1) / 2).
    above = maximum(e1, 1.0) + maximum(e2, 1.0) - 2.0
    inside = minimum(width, minimum(height, depth)) * exponential(above * (-0.5 * math.log(2.0)))
    return Distance((norm - 1.0) * inside, 2.0 * inside)
