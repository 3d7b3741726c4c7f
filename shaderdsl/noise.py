"""Noise on lattices, and square waves with antialiased edges: what textures are made of.

All take coordinates in cells, and a seed. In the plane z is the constant 0: its part of the lattice folds away while a
body is traced.
"""

from __future__ import annotations

from shaderdsl.expression import (
    Expr,
    Scalar,
    absolute,
    clamp,
    exponential,
    floor,
    hashed,
    logarithm,
    maximum,
    minimum,
    total,
)
from shaderdsl.registry import Point3, piece

VALUE_SLOPE, GRADIENT_SLOPE, SIMPLEX_SLOPE = 2.2, 5.4, 7.2
"""The most that each noise changes in the length of a cell: what three million random points of twelve seeds show (1.86, 4.53 and
6.10), and a fifth on top."""

RIDGE_SLOPE = 9.8
"""The same of (1 - |gradient noise|)², 8.35 measured."""

WARP_SLOPE = 5.2
"""The most that three gradient noises, as a vector, change in the length of a cell, 5.09 measured."""


def lies_in_plane(z: Expr) -> bool:
    return z.constant is not None


def power(base: Expr, exponent: Expr) -> Expr:
    """base^exponent for a base above 0."""
    return exponential(exponent * logarithm(base))


def _corner(k: Expr, z: Expr) -> tuple[Expr, Expr, Expr]:
    """The coordinates, 0 or 1, of corner k of a cell: a square of 4, or a cube of 8."""
    pairs = floor(0.5 * k)
    if lies_in_plane(z):
        return k - 2.0 * pairs, pairs, z
    upper = floor(0.25 * k)
    return k - 2.0 * pairs, pairs - 2.0 * upper, upper


def _share(offset: Expr) -> Expr:
    """How much a corner counts by its distance along one axis, with two continuous derivatives."""
    t = 1.0 - absolute(offset)
    return t * t * t * (t * (6.0 * t - 15.0) + 10.0)


def _slope(x: Expr, y: Expr, z: Expr, seed: Expr) -> tuple[Expr, Expr, Expr]:
    """A random vector of a lattice point, each component in [-1, 1): three parts of one number's bits."""
    first = hashed(x, y, z, seed)
    second, third = 256.0 * first, 65536.0 * first
    return 2.0 * first - 1.0, 2.0 * (second - floor(second)) - 1.0, 2.0 * (third - floor(third)) - 1.0


@piece
def value_noise(x: Expr, y: Expr, z: Expr, seed: Expr) -> Expr:
    """Random values at whole coordinates, smoothly blended between them, in [0, 1)."""

    def corner(k: Expr, x: Expr, y: Expr, z: Expr, cell_x: Expr, cell_y: Expr, cell_z: Expr, seed: Expr) -> list[Expr]:
        i, j, m = _corner(k, z)
        share = _share(x - cell_x - i) * _share(y - cell_y - j) * _share(z - cell_z - m)
        return [share * hashed(cell_x + i, cell_y + j, cell_z + m, seed)]

    return total(4 if lies_in_plane(z) else 8, corner, x, y, z, floor(x), floor(y), floor(z), seed)[0]


@piece
def gradient_noise(x: Expr, y: Expr, z: Expr, seed: Expr) -> Expr:
    """Random slopes at whole coordinates, where it is 0, blended between them: about -1 to 1 (Perlin, 1985 and 2002)."""

    def corner(k: Expr, x: Expr, y: Expr, z: Expr, cell_x: Expr, cell_y: Expr, cell_z: Expr, seed: Expr) -> list[Expr]:
        i, j, m = _corner(k, z)
        away_x, away_y, away_z = x - cell_x - i, y - cell_y - j, z - cell_z - m
        slope_x, slope_y, slope_z = _slope(cell_x + i, cell_y + j, cell_z + m, seed)
        height = slope_x * away_x + slope_y * away_y + slope_z * away_z
        return [_share(away_x) * _share(away_y) * _share(away_z) * height]

    return 1.7 * total(4 if lies_in_plane(z) else 8, corner, x, y, z, floor(x), floor(y), floor(z), seed)[0]


@piece
def simplex_noise(x: Expr, y: Expr, z: Expr, seed: Expr) -> Expr:
    """As gradient noise, on a lattice of tetrahedra instead of cubes, so that no axis shows (Perlin, 2001); about -1 to 1."""
    skew = (x + y + z) / 3.0
    cell_x, cell_y, cell_z = floor(x + skew), floor(y + skew), floor(z + skew)
    back = (cell_x + cell_y + cell_z) / 6.0
    from_x, from_y, from_z = x - cell_x + back, y - cell_y + back, z - cell_z + back
    # The tetrahedron's corners are reached by steps along the axes, the largest offset's first.
    x_below_y, y_below_z, z_below_x = from_x < from_y, from_y < from_z, from_z < from_x
    rank_x, rank_y, rank_z = 1.0 - x_below_y + z_below_x, 1.0 - y_below_z + x_below_y, 1.0 - z_below_x + y_below_z

    def corner(
        k: Expr, from_x: Expr, from_y: Expr, from_z: Expr, cell_x: Expr, cell_y: Expr, cell_z: Expr,
        rank_x: Expr, rank_y: Expr, rank_z: Expr, seed: Expr,
    ) -> list[Expr]:  # fmt: skip
        i, j, m = rank_x > 2.5 - k, rank_y > 2.5 - k, rank_z > 2.5 - k
        away_x, away_y, away_z = from_x - i + k / 6.0, from_y - j + k / 6.0, from_z - m + k / 6.0
        near = maximum(0.5 - away_x * away_x - away_y * away_y - away_z * away_z, 0.0)
        slope_x, slope_y, slope_z = _slope(cell_x + i, cell_y + j, cell_z + m, seed)
        height = slope_x * away_x + slope_y * away_y + slope_z * away_z
        return [near * near * near * near * height]

    return 60.0 * total(4, corner, from_x, from_y, from_z, cell_x, cell_y, cell_z, rank_x, rank_y, rank_z, seed)[0]


def cell_around(k: Expr, x: Expr, y: Expr, z: Expr) -> tuple[Expr, Expr, Expr]:
    """The coordinates of cell k of the 9 (27 in space) about a point's own."""
    row, layer = floor(k / 3.0), floor(k / 9.0)
    cell_x = floor(x) + k - 3.0 * row - 1.0
    if lies_in_plane(z):
        return cell_x, floor(y) + row - 1.0, z
    return cell_x, floor(y) + row - 3.0 * layer - 1.0, floor(z) + layer - 1.0


def feature_offset(x: Expr, y: Expr, z: Expr, k: Expr, jitter: Expr, seed: Expr) -> Point3:
    """The way from a point to the random one in cell k of the 9 (27) about its own."""
    cell_x, cell_y, cell_z = cell_around(k, x, y, z)
    away_x = cell_x + 0.5 + jitter * (hashed(cell_x, cell_y, cell_z, seed) - 0.5) - x
    away_y = cell_y + 0.5 + jitter * (hashed(cell_x, cell_y, cell_z, seed + 1.0) - 0.5) - y
    if lies_in_plane(z):
        return Point3(away_x, away_y, z)
    return Point3(away_x, away_y, cell_z + 0.5 + jitter * (hashed(cell_x, cell_y, cell_z, seed + 2.0) - 0.5) - z)


@piece
def feature_distance(x: Expr, y: Expr, z: Expr, k: Expr, jitter: Expr, seed: Expr) -> Expr:
    """The squared length of `feature_offset`."""
    away = feature_offset(x, y, z, k, jitter, seed)
    return away.x * away.x + away.y * away.y if lies_in_plane(z) else away.dot(away)


@piece
def square_wave(position: Expr, share: Expr, width: Expr) -> Expr:
    """How much of an interval of this width about a position lies in [n, n + share) for whole n: an antialiased wave."""
    start = position - 0.5 * width
    start = start - floor(start)
    end = start + width
    turns = floor(end)
    return (turns * share + minimum(end - turns, share) - minimum(start, share)) / width


def wave(position: Expr, share: Scalar, width: Expr) -> Expr:
    """`square_wave` of a share in [0, 1] and any width of a pixel, in turns of the wave as the position is."""
    return square_wave(position, clamp(share, position.graph.constant(0.0), 1.0), maximum(width, 1e-3))


def saw_wave(position: Expr, rise: float, width: Expr) -> tuple[Expr, Expr]:
    """The mean and variance, over an interval of a width about a position, of what goes from 0 to 1 in the part `rise` of every
    turn, and back in the rest."""
    width = maximum(width, 0.02)
    start = position - 0.5 * width
    start = start - floor(start)
    end = start + width
    turns = floor(end)

    def sums(place: Expr) -> tuple[Expr, Expr]:
        """The integrals of the wave and of its square from the beginning of a turn to a place in it."""
        up, down = minimum(place, rise), minimum((1.0 - place) / (1.0 - rise), 1.0)
        fall = 0.5 * (1.0 - rise) * (1.0 - down * down), (1.0 - rise) / 3.0 * (1.0 - down * down * down)
        return up * up * (0.5 / rise) + fall[0], up * up * up * (1.0 / (3.0 * rise * rise)) + fall[1]

    (area, square), (area_before, square_before) = sums(end - turns), sums(start)
    mean = (0.5 * turns + area - area_before) / width
    return mean, maximum((turns / 3.0 + square - square_before) / width - mean * mean, 0.0)
