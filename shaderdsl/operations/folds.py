"""Folds of space: mirrors, bends and repeats. A body maps a point of the scene to one of the folded solid's own.

Bends are told for a ball around the origin, of a `radius`. Past it they fade: a height counts as that of the point
inverted in the ball's sphere (`inside`), so that they stretch distances nowhere more than on the sphere, and what they
give stays a bound. Repeats show the nearest copies only, as few as a solid in the middle of its own cell needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from shaderdsl.expression import (
    Expr,
    absolute,
    arctangent,
    clamp,
    cosine,
    floor,
    maximum,
    minimum,
    select,
    sine,
    square_root,
)
from shaderdsl.operations.solids import SMALL, positive
from shaderdsl.operations.spaces import directed, sheared
from shaderdsl.registry import FAT, Point3, angle, count, length, number, register, vector

# -- mirrors -------------------------------------------------------------------------------------------------

NORMAL = vector(
    "normal", -1.0, 1.0, (1.0, 0.0, 0.0), summary="of the plane through the origin; its side is shown on both"
)


def _side(p: Point3, copy: Expr, normal: Point3) -> Point3:
    """(0, 0, 0) on the plane's front and (1, 0, 0) behind it."""
    zero = 0.0 * p.x
    return Point3(select(normal.dot(p) < 0.0, 1.0, 0.0), zero, zero)


@register(
    "repetition",
    "mirror in space",
    NORMAL,
    summary="Shows what lies on a plane's front on both sides of it.",
    example="sphere(0.3).move(0.4, 0.1, 0).mirror((1, 0, 0))",
    function="mirror",
    dimension=3,
    exact=False,
    constraint=directed("normal"),
    cell=_side,
)
def mirror(p: Point3, copy: Expr, normal: Point3) -> Point3:
    unit = normal.normalized()
    across = unit.dot(p)
    return p + unit * (absolute(across) - across)


@register(
    "repetition",
    "smooth mirror",
    NORMAL,
    length("smooth", 0.05, 0.4, summary="how far from the plane the fold is rounded"),
    summary="Shows what lies on a plane's front on both sides of it, with a rounded fold between them.",
    example="sphere(0.4).move(0.3, 0, 0).mirror((1, 0, 0), smooth = 0.2)",
    function="mirror",
    dimension=3,
    exact=False,
    constraint=lambda normal, smooth: directed("normal")(normal=normal),
)
def smooth_mirror(p: Point3, copy: Expr, normal: Point3, smooth: Expr) -> Point3:
    unit, radius = normal.normalized(), positive(smooth)
    across = unit.dot(p)
    size = absolute(across)
    # The parabola that meets |across| smoothly: its slope is at most 1.
    folded = select(size < radius, 0.5 * (across * across / radius + radius), size)
    return p + unit * (folded - across)


# -- bends ---------------------------------------------------------------------------------------------------

RADIUS = length("radius", 0.4, 1.5, 1.0, summary="of the ball around the origin where it is told; past it, it fades")


def inside(coordinate: Expr, p: Point3, radius: Expr) -> Expr:
    """`coordinate` (that of `p` along some axis) where p is in the ball of `radius`, and past it that of p inverted in
    its sphere. Inversion is conformal: its slope, radius² / |p|², times |p| is nowhere more than the radius."""
    square = positive(radius) * positive(radius)
    return coordinate * (square / maximum(square, p.dot(p)))


@register(
    "repetition",
    "elongate",
    length("dx", 0.0, 0.4),
    length("dy", 0.0, 0.4, 0.0),
    length("dz", 0.0, 0.4, 0.0),
    summary="Cuts a solid through its middle and moves the parts out, by `dx`, `dy` and `dz` to each side.",
    example="torus(0.3, 0.12).elongate(0.4)",
    dimension=3,
    exact=False,
)
def elongate(p: Point3, copy: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    return Point3(*(c - clamp(c, -half, half) for c, half in zip(p, (dx, dy, dz))))


@register(
    "repetition",
    "twist",
    angle("angle", -180.0, 180.0, summary="in each unit of height"),
    RADIUS,
    summary="Turns about y in proportion to height.",
    example="box(0.3, 0.8, 0.3).twist(60)",
    dimension=3,
    exact=False,
    distance_scale=lambda angle, radius: sheared(angle * positive(radius)),
)
def twist(p: Point3, copy: Expr, angle: Expr, radius: Expr) -> Point3:
    turn = angle * inside(p.y, p, radius)
    c, s = cosine(turn), sine(turn)
    return Point3(c * p.x - s * p.z, p.y, c * p.z + s * p.x)


@register(
    "repetition",
    "bend",
    angle("angle", -90.0, 90.0, summary="in each unit of length, in the middle"),
    RADIUS,
    summary="Bends what lies along x towards y.",
    example="box(0.8, 0.1, 0.2).bend(50)",
    dimension=3,
    exact=False,
    distance_scale=lambda angle, radius: 1.0 / (1.0 + 0.5 * absolute(angle) * positive(radius)),
    notes="What is long bends to an arc for small angles, and gets thinner to its ends for large ones.",
)
def bend(p: Point3, copy: Expr, angle: Expr, radius: Expr) -> Point3:
    # The chord from the origin to a place on an arc makes half of the arc's angle with the x axis.
    turn = 0.5 * angle * inside(p.x, p, radius)
    c, s = cosine(turn), sine(turn)
    return Point3(c * p.x + s * p.y, c * p.y - s * p.x, p.z)


def _taper_scale(bottom: Expr, top: Expr, radius: Expr) -> Expr:
    # On the sphere |s'| r / s, which shears, is nowhere more than |top - bottom| / (2 √(bottom top)).
    return minimum(1.0, minimum(bottom, top)) * sheared((top - bottom) / (2.0 * square_root(bottom * top)))


@register(
    "repetition",
    "taper",
    number("bottom", 0.5, 1.5, minimum=0.01, summary="factor at y = -radius"),
    number("top", 0.3, 1.0, minimum=0.01, summary="factor at y = radius"),
    RADIUS,
    summary="Scales across y by a factor that changes evenly with height, from `bottom` to `top`.",
    example="box(0.4, 0.7, 0.4).taper(1.3, 0.4)",
    dimension=3,
    exact=False,
    distance_scale=_taper_scale,
)
def taper(p: Point3, copy: Expr, bottom: Expr, top: Expr, radius: Expr) -> Point3:
    share = 0.5 + 0.5 * inside(p.y, p, radius) / positive(radius)
    factor = maximum(bottom + (top - bottom) * share, 1e-3)
    return Point3(p.x / factor, p.y, p.z / factor)


# -- repeats -------------------------------------------------------------------------------------------------

ENDLESS = 1e6
"""Of cells to each side: more than a picture shows."""


def _cells(p: Point3, copy: Expr, spacing: Iterable[Expr], reach: Iterable[Expr]) -> list[Expr]:
    """Where the nearest of the cells that are `spacing` apart along each axis lies (copy 0), or the one behind the border of that
    cell that p is nearest to (copy 1), in cells from the origin. They lie evenly about it, `reach` to each side."""
    homes, steps, margins = [], [], []
    for coordinate, width, most in zip(p, spacing, reach):
        half = most - floor(most)  # an even number of cells has its middle between two
        place = coordinate / positive(width)
        home = clamp(floor(place - half + 0.5) + half, -most, most)
        step = clamp(home + select(place < home, -1.0, 1.0), -most, most) - home
        homes.append(home)
        steps.append(step)
        margins.append(select(absolute(step) > 0.5, width * (0.5 - absolute(place - home)), FAT))
    least = minimum(margins[0], minimum(margins[1], margins[2]))
    second = copy > 0.5
    along_x = select(second, 1.0 - (least < margins[0]), 0.0)
    along_y = select(second, 1.0 - (least < margins[1]), 0.0) * (1.0 - along_x)
    along_z = select(second, 1.0 - along_x - along_y, 0.0)
    return [home + step * along for home, step, along in zip(homes, steps, (along_x, along_y, along_z))]


def nearest_cells(p: Point3, copy: Expr, spacing: Sequence[Expr], reach: Sequence[Expr]) -> Point3:
    """`p` as seen by a cell; see `_cells`."""
    places = _cells(p, copy, spacing, reach)
    return Point3(*(coordinate - width * place for coordinate, width, place in zip(p, spacing, places)))


def endless(spacing: Expr) -> Expr:
    """How many cells to each side: none where a spacing of 0 leaves an axis alone."""
    return select(spacing > SMALL, ENDLESS, 0.0)


TWO_CELLS = (
    "A solid belongs in the middle of its cell: a point sees its own cell's copy and the one behind the cell's nearest "
    "border, so that a solid may reach a little into the cells beside its own, and not over their edges."
)


def _halves(*counts: Expr) -> list[Expr]:
    """How many cells lie to each side of the middle one; with a half where two share the middle."""
    return [0.5 * (count - 1.0) for count in counts]


def _grid_cell(p: Point3, copy: Expr, columns: Expr, rows: Expr, layers: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    """Column, row and layer, from 0 on."""
    reach = _halves(columns, rows, layers)
    return Point3(*(place + most for place, most in zip(_cells(p, copy, (dx, dy, dz), reach), reach)))


@register(
    "repetition",
    "repeat_grid in space",
    count("columns", 1, 64, summary="along x"),
    count("rows", 1, 64, summary="along y"),
    count("layers", 1, 64, summary="along z"),
    length("dx", 0.2, 0.8),
    length("dy", 0.2, 0.8),
    length("dz", 0.2, 0.8),
    summary="A centred grid of copies, `dx`, `dy` and `dz` apart.",
    example="sphere(0.15).repeat_grid(4, 3, 2, 0.4, 0.4, 0.4)",
    function="repeat_grid",
    dimension=3,
    exact=False,
    copies=2,
    cell=_grid_cell,
    notes=TWO_CELLS,
)
def repeat_grid(
    p: Point3, copy: Expr, columns: Expr, rows: Expr, layers: Expr, dx: Expr, dy: Expr, dz: Expr
) -> Point3:
    return nearest_cells(p, copy, (dx, dy, dz), _halves(columns, rows, layers))


SPACINGS = (
    length("dx", 0.4, 1.0),
    length("dy", 0.4, 1.0, 0.0),
    length("dz", 0.4, 1.0, 0.0),
)


def _endless_cell(p: Point3, copy: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    """How many cells to the right, up and to the viewer."""
    return Point3(*_cells(p, copy, (dx, dy, dz), list(map(endless, (dx, dy, dz)))))


@register(
    "repetition",
    "repeat",
    *SPACINGS,
    summary="Endless copies, `dx`, `dy` and `dz` apart; 0 makes none along an axis.",
    example="sphere(0.2).repeat(0.6, dz = 0.6)",
    dimension=3,
    exact=False,
    copies=2,
    cell=_endless_cell,
    notes=TWO_CELLS,
)
def repeat(p: Point3, copy: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    spacing = (dx, dy, dz)
    return nearest_cells(p, copy, spacing, list(map(endless, spacing)))


def _own_cell(coordinate: Expr, width: Expr) -> Expr:
    return floor(coordinate / positive(width) + 0.5)


def _mirrored_cell(p: Point3, copy: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    """How many cells to the right, up and to the viewer."""
    return Point3(*(select(width > SMALL, _own_cell(c, width), 0.0) for c, width in zip(p, (dx, dy, dz))))


@register(
    "repetition",
    "repeat_mirrored",
    *SPACINGS,
    summary="Endless cells, `dx`, `dy` and `dz` wide, each its neighbour's mirror image; 0 makes none along an axis.",
    example="box(0.2, 0.15, 0.15).rotate(20, 30, 0).repeat_mirrored(0.6, 0.6)",
    dimension=3,
    exact=False,
    cell=_mirrored_cell,
    notes="What reaches out of its cell is cut off at the border.",
)
def repeat_mirrored(p: Point3, copy: Expr, dx: Expr, dy: Expr, dz: Expr) -> Point3:
    def folded(coordinate: Expr, width: Expr) -> Expr:
        cell = _own_cell(coordinate, width)
        odd = cell - 2.0 * floor(0.5 * cell)
        return select(width > SMALL, (coordinate - width * cell) * (1.0 - 2.0 * odd), coordinate)

    return Point3(folded(p.x, dx), folded(p.y, dy), folded(p.z, dz))


def _sector(p: Point3, copy: Expr, count: Expr) -> Expr:
    """The sector around y that `p` is in (copy 0), or the one that is nearest besides (copy 1), counted from the x axis."""
    turn = arctangent(-p.z, p.x) * count / (2.0 * math.pi)
    nearest = floor(turn + 0.5)
    return nearest + select(copy < 0.5, 0.0, select(turn < nearest, -1.0, 1.0))


def _polar_cell(p: Point3, copy: Expr, count: Expr) -> Point3:
    """The sector's number, from 0 on, counter-clockwise seen from above."""
    sector, zero = _sector(p, copy, count), 0.0 * p.x
    return Point3(sector - count * floor((sector + 0.5) / count), zero, zero)


@register(
    "repetition",
    "repeat_polar in space",
    count("count", 2, 64),
    summary="Copies, at equal angles around y, of what lies to the right of it.",
    example="sphere(0.15).move(0.55, 0, 0).repeat_polar(7)",
    function="repeat_polar",
    dimension=3,
    exact=False,
    copies=2,
    cell=_polar_cell,
    notes="The solid belongs right of the origin, about x; it may reach into the sectors beside its own, not further.",
)
def repeat_polar(p: Point3, copy: Expr, count: Expr) -> Point3:
    angle = 2.0 * math.pi / count * _sector(p, copy, count)
    c, s = cosine(angle), sine(angle)
    return Point3(c * p.x - s * p.z, p.y, c * p.z + s * p.x)
