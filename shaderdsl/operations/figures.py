"""Figures that are seldom needed, and need many numbers or lose their exact distance when put together of others.

The habits of `shaderdsl.operations.shapes` hold here too. Where a figure is folded by its mirror lines, the point of
its boundary nearest to a folded point is on the same side of the line: one side is all that there is to measure.
"""

from __future__ import annotations

import math

from shaderdsl.expression import (
    Expr,
    absolute,
    clamp,
    cosine,
    floor,
    hypot,
    implicit_root,
    maximum,
    minimum,
    select,
    sine,
    square_root,
)
from shaderdsl.operations.shapes import SMALL, positive
from shaderdsl.registry import Distance, Point, angle, count, length, number, register

SLIMMEST = 1e-4
"""Sizes whose squares divide are raised to this."""


def _corner(x: Expr, y: Expr) -> Expr:
    """Distance to the quadrant x <= 0, y <= 0."""
    return select(minimum(x, y) > 0.0, hypot(x, y), maximum(x, y))


@register(
    "shape",
    "chamferbox",
    length("half_width", 0.2, 0.9),
    length("half_height", 0.2, 0.9),
    length("chamfer", 0.02, 0.3, summary="what is cut off each side at each corner"),
    summary="A rectangle by its half extents, with its corners cut off at 45 degrees.",
    example="chamferbox(0.65, 0.45, 0.2)",
    notes="Where chamfers meet on a side, nothing is left of that side.",
    inset=lambda amount, half_width, half_height, chamfer: {
        "half_width": half_width - amount,
        "half_height": half_height - amount,
        "chamfer": maximum(chamfer - (2.0 - math.sqrt(2.0)) * amount, 0.0),
    },
)
def chamferbox(p: Point, half_width: Expr, half_height: Expr, chamfer: Expr) -> Distance:
    # No side is farther than where two chamfers meet: the chamfers' lines are |x| + |y| = reach.
    reach = maximum(half_width + half_height - chamfer, 0.0)
    width, height = minimum(half_width, reach), minimum(half_height, reach)
    x, y = absolute(p.x) - width, absolute(p.y) - height
    # About the chamfer's middle a corner looks the same on both sides.
    beyond = maximum(x, y)
    past = minimum(x, y) + (width + height - reach)  # beyond the chamfer's end, along the nearer side
    end = minimum(past, beyond - past) > 0.0
    distance = select(end, hypot(beyond, past), maximum(beyond, (beyond + past) * math.sqrt(0.5)))
    return Distance(distance, 2.0 * minimum(minimum(width, height), reach * math.sqrt(0.5)))


@register(
    "shape",
    "tunnel",
    length("half_width", 0.2, 0.7),
    length("wall", 0.05, 0.6, summary="height of the straight walls"),
    summary="An archway: a half disk on straight walls; its bounding box is centred.",
    example="tunnel(0.6, 0.35)",
)
def tunnel(p: Point, half_width: Expr, wall: Expr) -> Distance:
    x, y = absolute(p.x), p.y + 0.5 * (half_width - wall)  # from the disk's centre
    side = select(y > 0.0, hypot(x, y), x) - half_width
    thickness = minimum(2.0 * half_width, half_width + wall)
    return Distance(_corner(side, -wall - y), thickness)


@register(
    "shape",
    "stairs",
    count("steps", 1, 64),
    length("half_width", 0.3, 0.9),
    length("half_height", 0.3, 0.9),
    summary="Equal steps that rise to the right, solid beneath, by the half extents of the whole.",
    example="stairs(5, 0.7, 0.55)",
)
def stairs(p: Point, steps: Expr, half_width: Expr, half_height: Expr) -> Distance:
    x, y = p.x + half_width, p.y + half_height
    run, rise = 2.0 * positive(half_width) / steps, 2.0 * positive(half_height) / steps
    last = steps - 1.0
    # The zigzag of the steps, drawn on as a border between above and below.
    top = (clamp(floor(x / run), 0.0, last) + 1.0) * rise
    below = select(x > 0.0, top - y, -1.0) > 0.0
    # Lines across the slope part the steps: through the inner corners below, through the outer ones above. Between two
    # of them the nearest is on the two edges that meet there: tread and riser of a step below, and above a tread and
    # the next step's riser.
    square = run * run + rise * rise
    step = floor((x * run + y * rise) / square - select(below, 0.0, rise * rise / square))
    tread, riser = clamp(step, 0.0, last), clamp(step + select(below, 0.0, 1.0), 0.0, last)
    over, before = y - (tread + 1.0) * rise, riser * run - x
    past_tread = absolute(x - (tread + 0.5) * run) - 0.5 * run
    past_riser = absolute(y - (riser + 0.5) * rise) - 0.5 * rise
    to_tread = select(past_tread > 0.0, hypot(past_tread, over), absolute(over))
    to_riser = select(past_riser > 0.0, hypot(past_riser, before), absolute(before))
    flat = to_tread < to_riser
    nearest, line = select(flat, to_tread, to_riser), select(flat, over, before)
    corner = select(below, -nearest, nearest)
    border = select(select(flat, past_tread, past_riser) > 0.0, corner, line)
    # The inradius, of the triangle under a line halfway between the inner and the outer corners.
    width, height = 2.0 * half_width + 0.5 * run, 2.0 * half_height + 0.5 * rise
    thickness = 2.0 * width * height / (width + height + hypot(width, height))
    return Distance(maximum(border, _corner(x - 2.0 * half_width, -y)), thickness)


@register(
    "shape",
    "roundedcross",
    length("half_width", 0.2, 0.9),
    length("half_height", 0.2, 0.9),
    summary="A sparkle: four tips on the axes, joined by arcs that bulge towards the centre.",
    example="roundedcross(0.5, 0.75)",
    notes="The longer axis has the sharper tips: the arcs touch it there.",
)
def roundedcross(p: Point, half_width: Expr, half_height: Expr) -> Distance:
    upright = half_width < half_height
    long, short = maximum(half_width, half_height), minimum(half_width, half_height)
    along, across = absolute(select(upright, p.y, p.x)), absolute(select(upright, p.x, p.y))
    # The arc's centre stands above the tip of the long axis. By its curvature all stays finite for a short axis of no
    # length.
    bend = 2.0 * short / maximum(long * long + short * short, SMALL * SMALL)
    before = along - long
    square = 2.0 * across - bend * (before * before + across * across)
    arc = square / (1.0 + hypot(bend * before, bend * across - 1.0))
    opposite = minimum(-before, along * (1.0 - bend * short) - bend * (across - short) * long) > 0.0
    tips = minimum(hypot(before, across), hypot(along, across - short))
    middle = bend * long
    return Distance(select(opposite, arc, tips), 2.0 * long * middle / (1.0 + hypot(middle, 1.0)))


def _across_parabola(curvature: Expr, x: Expr, y: Expr, start: Expr) -> tuple[Expr, Expr]:
    """Of the point nearest to (x, y), x >= 0, on the parabola y = curvature x²: its x, which is `start` where it lies
    farther out; and the distance of (x, y) across the tangent there, negative above the parabola.

    It is the greatest root of a cubic that is negative at 0 and convex from there on: Halley's method comes down to it
    from `start`, which has to be as large.
    """
    cubic, linear = 2.0 * curvature * curvature, 1.0 - 2.0 * curvature * y

    def residual(t: Expr) -> Expr:
        return (cubic * t * t + linear) * t - x

    def slope(t: Expr) -> Expr:
        return maximum(3.0 * cubic * t * t + linear, 1e-4)

    found = start
    for _ in range(4):
        steepness = slope(found)
        step = residual(found) / steepness
        found = clamp(found - step / maximum(1.0 - 3.0 * cubic * found * step / steepness, 0.25), 0.0, start)
    t = implicit_root(found, residual, slope)
    lean = 2.0 * curvature * t
    return found, ((x - t) * lean - (y - curvature * t * t)) / hypot(lean, 1.0)


@register(
    "shape",
    "cushion",
    length("radius", 0.2, 0.8, summary="from the centre to a corner"),
    number(
        "bulge", -0.3, 0.6, minimum=-0.35, maximum=1.0,
        summary="how far the middle of a side is moved outwards, by the radius",
    ),
    summary="A square on its corner whose sides are parabolas: a blob, or with a negative bulge a blobby cross.",
    example="cushion(0.6, 0.2)",
    notes="A bulge of 0.3536 has no corners: four quadratic curves that make nearly a circle.",
)  # fmt: skip
def cushion(p: Point, radius: Expr, bulge: Expr) -> Distance:
    # Along and out from the middle of the side at the upper right, folded to one half of it.
    size = positive(radius)
    x, y = absolute(p.x), absolute(p.y)
    half = size * math.sqrt(0.5)
    along, out = absolute(x - y) * math.sqrt(0.5), (x + y) * math.sqrt(0.5) - half
    height = bulge * size
    curvature = 2.0 * bulge / size
    below = height - out
    foot, side = _across_parabola(curvature, along, below, half)
    corner = hypot(along - half, out)
    reach = minimum(along, half)
    corner = select(curvature * reach * reach < below, -corner, corner)
    return Distance(select(foot < half, side, corner), 2.0 * minimum(half + height, size))


@register(
    "shape",
    "parabola",
    length("focus", 0.05, 0.4, summary="y of its focus"),
    summary="Everything above a parabola that stands on the origin: y > x² / (4 focus).",
    example="parabola(0.15)",
)
def parabola(p: Point, focus: Expr) -> Distance:
    curvature = 0.25 / maximum(focus, SLIMMEST)
    x = absolute(p.x)
    # Below, the foot is nearer to the axis than the point, and than the root that the cubic has without its cubic term;
    # above, it is no farther out than the parabola is at the point's height.
    linear = 1.0 - 2.0 * curvature * p.y
    under = select(linear > SMALL, minimum(x / maximum(linear, SMALL), x), x)
    start = select(p.y < curvature * x * x, under, square_root(p.y / curvature))
    _, distance = _across_parabola(curvature, x, p.y, start)
    return Distance(distance, 1.5 * math.sqrt(3.0) / curvature)  # the shortest chord that is normal at an end


@register(
    "shape",
    "hyperbola",
    length("waist", 0.05, 0.4, summary="half the width at the middle"),
    length("flare", 0.05, 0.5, summary="by how much half the width is more at the ends"),
    length("half_height", 0.3, 0.8),
    summary="An hourglass: what lies between the branches of a hyperbola, cut off above and below.",
    example="hyperbola(0.15, 0.4, 0.65)",
    notes="Without a waist it is two triangles that meet at their tips.",
)
def hyperbola(p: Point, waist: Expr, flare: Expr, half_height: Expr) -> Distance:
    # The branch is x = √(waist² + steepness y²), with x² kept off zero where it divides.
    x, y = absolute(p.x), absolute(p.y)
    end, height = waist + flare, maximum(half_height, SLIMMEST)
    squared = maximum(waist * waist, SLIMMEST * SLIMMEST)
    steepness = flare * (waist + end) / (height * height)

    def width(t: Expr) -> Expr:
        return square_root(squared + steepness * t * t)

    # The foot's y is the root of a function that is negative at 0 and convex from there on.
    def residual(t: Expr) -> Expr:
        return t * (1.0 + steepness * (1.0 - x / width(t))) - y

    def slope(t: Expr) -> Expr:
        half = width(t)
        return maximum(1.0 + steepness * (1.0 - x * squared / (half * half * half)), 1e-4)

    found = height
    for _ in range(4):
        half, rate = width(found), slope(found)
        step = residual(found) / rate
        bend = 1.5 * steepness * steepness * x * squared * found / (half * half * half * half * half)
        found = clamp(found - step / maximum(1.0 - bend * step / rate, 0.25), 0.0, height)
    t = implicit_root(found, residual, slope)
    half = width(t)
    lean = steepness * t / half
    side = ((x - half) - lean * (y - t)) / hypot(lean, 1.0)
    above, past = y - height, x - end
    corner = select(past > 0.0, hypot(past, above), above)
    thickness = 2.0 * minimum(width(minimum(t, height)), height)
    return Distance(select(found < height, maximum(side, above), corner), thickness)


def _turned(p: Point, angle: Expr) -> tuple[Expr, Expr]:
    """(along, across) the ray that stands `angle` clockwise of +y; across is positive beyond it."""
    cos, sin = cosine(angle), sine(angle)
    x = absolute(p.x)
    return x * sin + p.y * cos, x * cos - p.y * sin


@register(
    "shape",
    "ringsector",
    length("radius", 0.3, 0.8, summary="of the centre line"),
    angle("angle", 15.0, 165.0, minimum=0.0, maximum=180.0, summary="half the aperture, to each side of +y"),
    length("width", 0.05, 0.3),
    summary="A piece of a ring about +y, cut straight at its ends.",
    example="ringsector(0.55, 60, 0.3)",
    notes="Where the width exceeds the diameter, the distance inside is a bound.",
)
def ringsector(p: Point, radius: Expr, angle: Expr, width: Expr) -> Distance:
    along, across = _turned(p, angle)
    ring = absolute(hypot(p.x, p.y) - radius) - 0.5 * width
    past = absolute(along - radius) - 0.5 * width
    sector = select(across > 0.0, _corner(past, across), maximum(ring, across))
    narrow = sine(minimum(angle, 0.5 * math.pi))
    thickness = minimum(width, (2.0 * radius + width) * narrow / (1.0 + narrow))
    # A full turn has no ends.
    full = angle > math.pi - 1e-5
    return Distance(select(full, ring, sector), select(full, width, thickness))


@register(
    "shape",
    "horseshoe",
    length("radius", 0.25, 0.6, summary="of the centre line"),
    angle("angle", 20.0, 150.0, minimum=0.0, maximum=170.0, summary="half the aperture of the arc, to each side of +y"),
    length("legs", 0.1, 0.5, summary="length of the straight ends"),
    length("width", 0.05, 0.25),
    summary="An arc about +y that goes on straight at both ends, cut square.",
    example="horseshoe(0.45, 115, 0.35, 0.2)",
    notes="Legs that would cross end where they meet.",
)
def horseshoe(p: Point, radius: Expr, angle: Expr, legs: Expr, width: Expr) -> Distance:
    along, across = _turned(p, angle)
    half = 0.5 * width
    meeting = maximum(radius - half, 0.0) * sine(angle) / positive(-cosine(angle))
    reach = select(cosine(angle) < 0.0, minimum(legs, meeting), legs)
    arc = absolute(hypot(p.x, p.y) - radius) - half
    leg = _corner(absolute(along - radius) - half, across - reach)
    return Distance(select(across > 0.0, leg, arc), width)


@register(
    "shape",
    "wave",
    length("radius", 0.1, 0.35, summary="of the arcs' centre lines"),
    angle("angle", 40.0, 120.0, minimum=0.0, maximum=150.0, summary="half the aperture of each arc"),
    length("width", 0.02, 0.12),
    summary="An endless stroke along the x axis: arcs of circles, by turns above and below.",
    example="wave(0.2, 70, 0.1)",
    notes="Where the stroke overlaps itself, the distance inside is a bound.",
    inset=lambda amount, radius, angle, width: {
        "radius": radius,
        "angle": angle,
        "width": width - 2.0 * amount,
    },
)
def wave(p: Point, radius: Expr, angle: Expr, width: Expr) -> Distance:
    cos, sin = cosine(angle), sine(angle)
    step = 2.0 * positive(radius * sin)  # from a crest to the next trough
    x = absolute(p.x - 2.0 * step * floor(0.5 * p.x / step + 0.5))
    joint = hypot(x - 0.5 * step, p.y)

    def arc(x: Expr, y: Expr) -> Expr:
        """Distance to the arc whose crest is at x = 0, without its ends."""
        rise = y + radius * cos
        return select(x * cos < rise * sin, absolute(hypot(x, rise) - radius), joint)

    return Distance(minimum(arc(x, p.y), arc(step - x, -p.y)) - 0.5 * width, width)


@register(
    "shape",
    "cool_s",
    length("size", 0.4, 0.9, summary="half the height, to the lines' middle"),
    length("width", 0.03, 0.1),
    summary="The S of fourteen strokes that schoolchildren draw.",
    example="cool_s(0.8, 0.07)",
    exact=False,
    notes="Exact outside.",
    inset=lambda amount, size, width: {"size": size, "width": width - 2.0 * amount},
)
def cool_s(p: Point, size: Expr, width: Expr) -> Distance:
    # Upright strokes of length 1 stand 1 apart in two rows; the whole is 5 high. Half a turn brings a point to the
    # upper half.
    unit = size / 2.5
    turn = select(p.y < 0.0, -1.0, 1.0)
    x, y = p.x * turn, p.y * turn
    column = clamp(floor(x / positive(unit) + 0.5), -1.0, 1.0) * unit

    def stroke(across: Expr, past: Expr) -> Expr:
        """Distance to a stroke's centre line by that across it and how far beyond its end."""
        return select(past > 0.0, hypot(across, past), absolute(across))

    def slanted(x: Expr, y: Expr, half: float) -> Expr:
        """A stroke that falls to the right about (0, 0) and is `half` a unit wide to each side."""
        return stroke((x + y) * math.sqrt(0.5), (absolute(x - y) - 2.0 * half * unit) * math.sqrt(0.5))

    nearest = stroke(x - column, absolute(y - unit) - 0.5 * unit)
    nearest = minimum(nearest, slanted(absolute(x) - 0.5 * unit, y - 2.0 * unit, 0.5))
    nearest = minimum(nearest, slanted(x + 0.5 * unit, y, 0.5))
    # Two short ones meet at (1/2, 0).
    nearest = minimum(nearest, slanted(0.25 * unit - absolute(x - 0.5 * unit), y - 0.25 * unit, 0.25))
    return Distance(nearest - 0.5 * width, width)
