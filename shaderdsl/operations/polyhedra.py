"""Pyramid and regular polyhedra, exact; see `shaderdsl.operations.solids` for the habits.

A regular polyhedron's distance needs the three greatest of some linear functions of the point, no folding: they say which
face is the nearest, which edge of it and which end of that edge. Three coordinates are then left, along the unit vectors
of a frame at the edge's middle: out of the face, from the edge outwards in the face's plane, and along the edge beyond
its end.
"""

from __future__ import annotations

import math

from shaderdsl.expression import Expr, absolute, clamp, hypot, maximum, minimum, select
from shaderdsl.operations.solids import descending, ordered, positive
from shaderdsl.registry import Distance, Point3, length, register


def regular(face: Expr, past: Expr, beyond: Expr, beside: Expr, inradius: Expr) -> Distance:
    """The distance by the coordinates over the nearest face, past its nearest edge and beyond that edge's end."""
    outside = hypot(hypot(face, past), maximum(beyond, 0.0))
    return Distance(select(minimum(face, past) > 0.0, outside, face), 2.0 * inradius, beside)


def regular_by_faces(first: Expr, second: Expr, third: Expr, cosine: float, inradius: Expr) -> Distance:
    """A polyhedron of which three faces meet at each corner, by the three greatest distances of its faces' planes;
    `cosine` is that of the angle between normals of neighbours."""
    sine = math.sqrt(1.0 - cosine * cosine)
    share = cosine / (1.0 + cosine)
    rest = math.sqrt(1.0 - 2.0 * cosine * share)
    past = (second - first * cosine) * (1.0 / sine)
    beyond = (third - (first + second) * share) * (1.0 / rest)
    return regular(first, past, beyond, second, inradius)


@register(
    "shape",
    "pyramid",
    length("half_width", 0.2, 0.7, summary="of its base"),
    length("half_height", 0.2, 0.6),
    summary="A pyramid with a square base, along y, by half its base's side and half its height.",
    example="pyramid(0.6, 0.45)",
    dimension=3,
)
def pyramid(p: Point3, half_width: Expr, half_height: Expr) -> Distance:
    # Folded to the side that faces +u; v runs along the base's edge.
    width, height = positive(half_width), positive(half_height)
    u, v = ordered(absolute(p.x), absolute(p.z))
    up, rise = p.y + height, 2.0 * height
    slant = hypot(width, rise)
    out_u, out_v = u - width, v - width
    face = (out_u * rise + up * width) / slant
    neighbour = (out_v * rise + up * width) / slant
    along = (up * rise - out_u * width) / slant  # from the base's edge towards the tip
    nearest, rest = ordered(face, -up)
    beside = ordered(rest, neighbour)[0]
    # Beside the faces: the slanted edge towards +u +v, and the base with its edge.
    share = clamp((up * rise - (out_u + out_v) * width) / (slant * slant + width * width), 0.0, 1.0)
    edge = hypot(hypot(out_u + share * width, out_v + share * width), up - share * rise)
    base = select(out_u > 0.0, hypot(hypot(out_u, maximum(out_v, 0.0)), up), absolute(up))
    on_face = minimum(face, minimum(along, -(out_v + along * width / slant))) > 0.0
    outside = select(on_face, face, minimum(edge, base))
    inradius = rise * width / (slant + width)
    return Distance(select(nearest > 0.0, outside, nearest), 2.0 * inradius, beside)


@register(
    "shape",
    "tetrahedron",
    length("radius", 0.3, 0.9, summary="from the centre to a corner"),
    summary="A regular tetrahedron with a corner pointing up.",
    example="tetrahedron(0.8)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - 3.0 * amount},
)
def tetrahedron(p: Point3, radius: Expr) -> Distance:
    inradius = radius * (1.0 / 3.0)
    # Three sides, one of which faces -z, and the base.
    lean, across = p.y * (1.0 / 3.0), math.sqrt(8.0) / 3.0
    first, second, third = descending(
        lean - p.z * across,
        lean + (p.z * 0.5 + p.x * math.sqrt(0.75)) * across,
        lean + (p.z * 0.5 - p.x * math.sqrt(0.75)) * across,
    )
    third = ordered(third, -p.y)[0]
    second, third = ordered(second, third)
    first, second = ordered(first, second)
    return regular_by_faces(first - inradius, second - inradius, third - inradius, -1.0 / 3.0, inradius)


@register(
    "shape",
    "octahedron",
    length("radius", 0.3, 0.9, summary="from the centre to a corner"),
    summary="A regular octahedron with a corner on each half axis.",
    example="octahedron(0.8)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - math.sqrt(3.0) * amount},
)
def octahedron(p: Point3, radius: Expr) -> Distance:
    a, b, c = descending(absolute(p.x), absolute(p.y), absolute(p.z))
    line = a + b - radius
    face, beside = (line + c) * math.sqrt(1.0 / 3.0), (line - c) * math.sqrt(1.0 / 3.0)
    past = (line - 2.0 * c) * math.sqrt(1.0 / 6.0)
    beyond = (a - b - radius) * math.sqrt(0.5)
    return regular(face, past, beyond, beside, radius * math.sqrt(1.0 / 3.0))


GOLDEN = 0.5 * (1.0 + math.sqrt(5.0))
INRADIUS = math.sqrt((5.0 + 2.0 * math.sqrt(5.0)) / 15.0)
"""Of the dodecahedron and of the icosahedron, where the radius to the corners is 1."""


def icosahedral(p: Point3) -> tuple[Expr, Expr, Expr]:
    """The three greatest of p·n for the twelve unit vectors n along (0, ±1, ±GOLDEN) and its rotations (y, z, x), (z, x, y):
    the corners of an icosahedron, the normals of a dodecahedron."""
    scale = 1.0 / math.hypot(1.0, GOLDEN)
    x, y, z = (absolute(c) * scale for c in p)
    far_x, far_y, far_z = (c * (GOLDEN * scale) for c in map(absolute, p))
    first, second, third = descending(far_z + y, far_y + x, far_x + z)
    # Of the mirror images across the planes between axes at most one is among the three.
    image = ordered(ordered(far_z - y, far_y - x)[0], far_x - z)[0]
    second, third = ordered(second, ordered(third, image)[0])
    return first, second, third


@register(
    "shape",
    "dodecahedron",
    length("radius", 0.3, 0.9, summary="from the centre to a corner"),
    summary="A regular dodecahedron: twelve pentagons.",
    example="dodecahedron(0.75)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - amount / INRADIUS},
)
def dodecahedron(p: Point3, radius: Expr) -> Distance:
    inradius = radius * INRADIUS
    first, second, third = icosahedral(p)
    return regular_by_faces(first - inradius, second - inradius, third - inradius, math.sqrt(0.2), inradius)


@register(
    "shape",
    "icosahedron",
    length("radius", 0.3, 0.9, summary="from the centre to a corner"),
    summary="A regular icosahedron: twenty triangles.",
    example="icosahedron(0.75)",
    dimension=3,
    inset=lambda amount, radius: {"radius": radius - amount / INRADIUS},
)
def icosahedron(p: Point3, radius: Expr) -> Distance:
    first, second, third = icosahedral(p)
    inradius = radius * INRADIUS
    # The nearest face has the three nearest corners; its neighbour across the edge of the first two has, as the third,
    # the mirror image (first + second) / GOLDEN - third.
    pair = first + second
    size = math.sqrt(3.0 + 6.0 * math.sqrt(0.2))  # of the sum of three neighbours
    face = (pair + third) * (1.0 / size) - inradius
    beside = (pair * GOLDEN - third) * (1.0 / size) - inradius
    slant = math.sqrt(5.0) / 3.0  # cosine of the angle between the two normals
    past = (beside - face * slant) * 1.5
    side = math.sqrt(2.0 - 2.0 * math.sqrt(0.2))  # of the edges, where the radius is 1
    beyond = (first - second) * (1.0 / side) - radius * (0.5 * side)
    return regular(face, past, beyond, beside, inradius)
