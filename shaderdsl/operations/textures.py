"""Textures: paints whose place on the ramp of colours comes from noise or a pattern, at home in plane and space.

`scale` is the size of what repeats, in scene units. `warp` moves the points at which a texture is read by a noise, as far
as it says (in units of `scale`); 0, its default, costs nothing. A pattern with hard edges averages them over the width of a
pixel, so that it is antialiased however small it gets, and its derivatives are exact. What a noise has of waves that are finer than
a pixel fades to their mean, as it does on what is seen from afar; that the pixel shows lighter and darker places then is in
the `Blend` that a body gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shaderdsl.expression import (
    Expr,
    Scalar,
    absolute,
    cosine,
    exponential,
    floor,
    hashed,
    hypot,
    least,
    maximum,
    minimum,
    select,
    sine,
    square_root,
    total,
)
from shaderdsl.noise import (
    GRADIENT_SLOPE,
    RIDGE_SLOPE,
    SIMPLEX_SLOPE,
    VALUE_SLOPE,
    WARP_SLOPE,
    cell_around,
    feature_distance,
    feature_offset,
    gradient_noise,
    lies_in_plane,
    power,
    saw_wave,
    simplex_noise,
    value_noise,
    wave,
)
from shaderdsl.registry import Blend, Parameter, Point3, choice, count, length, number, register, vector

TURN = 6.283185307179586

_SEED = count("seed", 0, 9999, 0, summary="another number, another texture")
_WARP = number("warp", 0.0, 0.8, 0.0, summary="how far a noise bends it, in units of `scale`")
_OCTAVES = (
    count("octaves", 1, 8, 5, summary="how many noises are added, each finer than the last"),
    number("lacunarity", 1.6, 2.4, 2.0, minimum=1.0, maximum=4.0, summary="how much finer each one is"),
    number("gain", 0.3, 0.7, 0.5, minimum=0.05, maximum=1.0, summary="how much weaker each one is"),
)


def _scale(default: float, summary: str) -> Parameter:
    return length("scale", 0.5 * default, 2.0 * default, default, summary=summary)


def _texture(name: str, *parameters: Parameter, summary: str, example: str, **more: Any) -> Callable[..., Any]:
    return register("paint", name, *parameters, summary=summary, example=example, variadic="colours", dimension=0, **more)


def _cells(p: Point3, scale: Expr) -> Point3:
    """A point in units of a size, which is kept above zero."""
    size = maximum(scale, 1e-3)
    return Point3(p.x / size, p.y / size, p.z / size)


def _bent(p: Point3, footprint: Point3, scale: Expr, warp: Expr, seed: Scalar) -> tuple[Point3, Point3]:
    """A point, in units of a scale, moved by noise, `warp` times it; and how wide a pixel is there. Without a warp the loop that
    computes the noise takes no turn."""
    p, widths = _cells(p, scale), _cells(footprint, scale)

    def push(turn: Expr, x: Expr, y: Expr, z: Expr, seed: Expr) -> list[Expr]:
        axes = (11.0, 12.0) if lies_in_plane(z) else (11.0, 12.0, 13.0)
        return [gradient_noise(x, y, z, seed + axis) for axis in axes]

    bends = absolute(warp) > 0.0
    away = total(bends, push, p.x, p.y, p.z, seed)
    _, variance = GRADIENTS.faded(away[0], _square(widths))
    moved = [at + warp * by for at, by in zip(p, away)]
    wider = [_wider(width, warp * warp * variance) for width in widths]
    if lies_in_plane(p.z):
        return Point3(moved[0], moved[1], p.z), Point3(wider[0], wider[1], p.z)
    return Point3(*moved), Point3(*wider)


def _wider(width: Expr, variance: Expr) -> Expr:
    """The width of a place that varies by more than a pixel's width, whose own variance is a twelfth of its square."""
    return square_root(width * width + 12.0 * variance)


def _slope(steepness: Scalar, scale: Expr, warp: Scalar = 0.0) -> Expr:
    """How much a texture changes at most in a unit of distance, that changes by `steepness` in the length of its scale."""
    return steepness * (1.0 + absolute(scale.graph.lift(warp)) * WARP_SLOPE) / maximum(scale, 1e-3)


@dataclass(frozen=True)
class Waves:
    """What random waves are like: their mean and standard deviation, and how fast they fade with the square of a pixel's width,
    in units of their lattice (all measured; of a bell-shaped autocorrelation, which theirs nearly are, it is exact)."""

    mean: float
    deviation: float
    fading: float

    def faded(self, value: Expr, square: Expr) -> tuple[Expr, Expr]:
        """Of a value that is averaged over a pixel, the square of whose width is given: what is left of it, and the variance within the
        pixel."""
        kept = exponential(-self.fading * square)
        # 1 - kept², which is not a difference of what is nearly equal.
        lost = 2.0 * self.fading * square
        lost = lost + 0.5 * lost * lost
        return self.mean + (value - self.mean) * kept, self.deviation * self.deviation * lost / (1.0 + lost)

    def seen(self, value: Expr, square: Expr) -> Blend:
        mean, variance = self.faded(value, square)
        return _spread(mean, variance)


VALUES = Waves(0.5, 0.21, 0.14)
GRADIENTS = Waves(0.0, 0.31, 0.33)
TETRAHEDRA = Waves(0.0, 0.215, 0.8)
NEAREST = (Waves(0.42, 0.17, 0.59), Waves(0.51, 0.16, 0.44))
BORDERS = (Waves(0.282, 0.207, 1.1), Waves(0.207, 0.164, 0.9))
TONES = Waves(0.5, 0.29, 0.2)
"""The noises that textures are made of; of those that differ, in the plane and in space."""


def _of(waves: tuple[Waves, Waves], p: Point3) -> Waves:
    return waves[0 if lies_in_plane(p.z) else 1]


def _spread(mean: Expr, variance: Expr) -> Blend:
    """As much of a pixel is above the mean as is below."""
    deviation = square_root(variance + 1e-12)
    return Blend(mean - deviation, mean + deviation, 0.5)


def _folded(mean: Expr, variance: Expr) -> tuple[Expr, Expr]:
    """The mean and variance of the absolute value of what has these, as the normal distribution has them about 0 and far from it."""
    square = mean * mean + variance
    folded = square_root(mean * mean + 0.6366 * variance + 1e-12)
    return folded, square - folded * folded


def _square(widths: Point3) -> Expr:
    return widths.dot(widths)


def _octave_slope(octaves: Expr, lacunarity: Expr, gain: Expr) -> Expr:
    """How much the mean of octaves changes at most, where a noise changes by 1. They know nothing of each other, and are never
    all at their steepest, in one direction, at one place: their slopes add up as random numbers do (measured: at most 0.87 of it)."""
    assert octaves.constant is not None, "a count is decided"
    zero = lacunarity.graph.constant(0.0)
    squares, weight = zero, zero
    for k in range(int(octaves.constant)):
        weight = weight + power(gain, zero + k)
        squares = squares + power(gain * lacunarity, zero + 2.0 * k)
    return square_root(squares) / weight


# -- noises ----------------------------------------------------------------------------------------------------


@_texture(
    "value_noise",
    _scale(0.2, "the distance of its random values"),
    _SEED,
    _WARP,
    summary="Soft random blotches: random values on a grid, blended.",
    example="box(0.9, 0.9).fill(value_noise(#0d3b66, #f4d35e, scale = 0.2, seed = 4))",
    filtered=True,
    slope=lambda scale, seed, warp: _slope(VALUE_SLOPE, scale, warp),
)
def value_noise_texture(p: Point3, scale: Expr, seed: Expr, warp: Expr, footprint: Point3) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    return VALUES.seen(value_noise(q.x, q.y, q.z, seed), _square(widths))


@_texture(
    "perlin",
    _scale(0.25, "the size of its waves"),
    _SEED,
    _WARP,
    summary="Gradient noise: even, rolling waves of one size.",
    example="box(0.9, 0.9).fill(perlin(#1b4332, #95d5b2, scale = 0.25, seed = 1))",
    filtered=True,
    slope=lambda scale, seed, warp: _slope(0.5 * GRADIENT_SLOPE, scale, warp),
)
def perlin(p: Point3, scale: Expr, seed: Expr, warp: Expr, footprint: Point3) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    return _scaled(0.5, 0.5, *GRADIENTS.faded(gradient_noise(q.x, q.y, q.z, seed), _square(widths)))


def _scaled(start: float, factor: float, mean: Expr, variance: Expr) -> Blend:
    return _spread(start + factor * mean, factor * factor * variance)


@_texture(
    "simplex",
    _scale(0.3, "the size of its waves"),
    _SEED,
    _WARP,
    summary="Gradient noise on a lattice of tetrahedra, which shows no axes. In the plane it is a slice of the noise of space.",
    example="box(0.9, 0.9).fill(simplex(#3c096c, #ff9e00, scale = 0.3, seed = 2))",
    filtered=True,
    slope=lambda scale, seed, warp: _slope(0.5 * SIMPLEX_SLOPE, scale, warp),
)
def simplex(p: Point3, scale: Expr, seed: Expr, warp: Expr, footprint: Point3) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    return _scaled(0.5, 0.5, *TETRAHEDRA.faded(simplex_noise(q.x, q.y, q.z, seed), _square(widths)))


def _octaves(
    p: Point3, square: Expr, seed: Expr, octaves: Expr, lacunarity: Expr, gain: Expr, shape: Callable[[Expr, Expr], tuple[Expr, Expr]]
) -> tuple[Expr, Expr]:
    """The mean over octaves, weighted by gain^octave, of what a pixel the square of whose width is given shows of a shape of the
    noise, which makes a mean and a variance of the noise's; and its variance there."""

    def octave(
        k: Expr, x: Expr, y: Expr, z: Expr, square: Expr, seed: Expr, lacunarity: Expr, gain: Expr
    ) -> list[Expr]:
        frequency, amplitude = power(lacunarity, k), power(gain, k)
        # Shifted, since all of them are zero at the origin.
        x, y = x * frequency + 0.41 * k, y * frequency + 0.73 * k
        noise = gradient_noise(x, y, z * frequency, seed + k)
        mean, variance = shape(*GRADIENTS.faded(noise, square * (frequency * frequency)))
        return [amplitude * mean, amplitude * amplitude * variance, amplitude]

    height, variance, weight = total(octaves, octave, p.x, p.y, p.z, square, seed, lacunarity, gain)
    return height / weight, variance / (weight * weight)


@_texture(
    "fbm",
    _scale(0.6, "the size of its largest features"),
    _SEED,
    *_OCTAVES,
    _WARP,
    summary="Clouds: noises of several sizes, the finer the weaker (fractional Brownian motion).",
    example="box(0.9, 0.9).fill(fbm(#1d6fb8, #ffffff, scale = 0.7, seed = 3))",
    filtered=True,
    slope=lambda scale, seed, octaves, lacunarity, gain, warp: _slope(
        0.8 * GRADIENT_SLOPE * _octave_slope(octaves, lacunarity, gain), scale, warp
    ),
)
def fbm(
    p: Point3, scale: Expr, seed: Expr, octaves: Expr, lacunarity: Expr, gain: Expr, warp: Expr, footprint: Point3
) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    return _scaled(0.5, 0.8, *_octaves(q, _square(widths), seed, octaves, lacunarity, gain, lambda *noise: noise))


@_texture(
    "ridged",
    _scale(0.6, "the size of its largest features"),
    _SEED,
    *_OCTAVES,
    _WARP,
    summary="Sharp bright ridges, as of mountains or lightning.",
    example="box(0.9, 0.9).fill(ridged(#14213d, #8d99ae, #ffffff, scale = 0.7, seed = 5))",
    filtered=True,
    slope=lambda scale, seed, octaves, lacunarity, gain, warp: _slope(
        RIDGE_SLOPE * _octave_slope(octaves, lacunarity, gain), scale, warp
    ),
)
def ridged(
    p: Point3, scale: Expr, seed: Expr, octaves: Expr, lacunarity: Expr, gain: Expr, warp: Expr, footprint: Point3
) -> Blend:
    def ridge(noise: Expr, variance: Expr) -> tuple[Expr, Expr]:
        height, variance = _folded(noise, variance)
        height = 1.0 - height
        return height * height + variance, 4.0 * height * height * variance

    q, widths = _bent(p, footprint, scale, warp, seed)
    return _spread(*_octaves(q, _square(widths), seed, octaves, lacunarity, gain, ridge))


@_texture(
    "turbulence",
    _scale(0.6, "the size of its largest features"),
    _SEED,
    *_OCTAVES,
    _WARP,
    summary="Billows with dark creases, as of smoke or fire.",
    example="box(0.9, 0.9).fill(turbulence(#2b0a0a, #d1495b, #ffd166, scale = 0.7, seed = 2))",
    filtered=True,
    slope=lambda scale, seed, octaves, lacunarity, gain, warp: _slope(
        1.6 * GRADIENT_SLOPE * _octave_slope(octaves, lacunarity, gain), scale, warp
    ),
)
def turbulence(
    p: Point3, scale: Expr, seed: Expr, octaves: Expr, lacunarity: Expr, gain: Expr, warp: Expr, footprint: Point3
) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    return _scaled(0.0, 1.6, *_octaves(q, _square(widths), seed, octaves, lacunarity, gain, _folded))


# -- cells -----------------------------------------------------------------------------------------------------


@_texture(
    "cellular",
    _scale(0.25, "the size of its cells"),
    _SEED,
    choice("measure", "distance", "borders", "cells", summary="what decides the colour"),
    number("jitter", 0.4, 1.0, 0.8, minimum=0.0, maximum=1.0, summary="how irregular the cells are"),
    _WARP,
    summary="Cells about random points (Worley's noise).",
    notes="`measure`: `distance` to the nearest point; how much farther the second one is, which is 0 on the `borders` of "
    "cells; or one random colour for each of the `cells`.",
    example="box(0.9, 0.9).fill(cellular(#22333b, #c6ac8f, #eae0d5, measure = borders, seed = 7))",
    filtered=True,
    slope=lambda scale, seed, measure, jitter, warp: None if measure.constant == 2.0 else _slope(1.0 + measure, scale, warp),
)
def cellular(
    p: Point3, scale: Expr, seed: Expr, measure: Expr, jitter: Expr, warp: Expr, footprint: Point3
) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, seed)
    around = 9.0 if lies_in_plane(p.z) else 27.0

    def distance(k: Expr, x: Expr, y: Expr, z: Expr, jitter: Expr, seed: Expr) -> Expr:
        return feature_distance(x, y, z, k, jitter, seed)

    def of_others(k: Expr, x: Expr, y: Expr, z: Expr, jitter: Expr, seed: Expr, first: Expr) -> Expr:
        return feature_distance(x, y, z, k, jitter, seed) + select(absolute(k - first) < 0.5, 1e6, 0.0)

    first = least(around, distance, q.x, q.y, q.z, jitter, seed)
    # Who asks for distances alone does not look for the second one.
    second = least(select(measure < 0.5, 0.0, around), of_others, q.x, q.y, q.z, jitter, seed, first)
    near = square_root(feature_distance(q.x, q.y, q.z, first, jitter, seed))
    border = square_root(feature_distance(q.x, q.y, q.z, second, jitter, seed)) - near
    # How far the border is, and how wide a pixel across it, both in units of the distance of the two points.
    towards = feature_offset(q.x, q.y, q.z, second, jitter, seed) - feature_offset(q.x, q.y, q.z, first, jitter, seed)
    beyond = 0.5 * border * (border + 2.0 * near)
    across = Point3(*(part * width for part, width in zip(towards, widths)))
    own = 0.5 + minimum(beyond / maximum(across.length, 1e-3), 0.5)
    tone = hashed(*cell_around(first, q.x, q.y, q.z), seed + 3.0)
    next_tone = hashed(*cell_around(second, q.x, q.y, q.z), seed + 3.0)
    square = _square(widths)
    by_distance, by_border = _of(NEAREST, p).seen(near, square), _of(BORDERS, p).seen(border, square)
    # Of many cells a pixel shows dark and light ones, whichever it is in.
    (tone, variance), (next_tone, _) = (TONES.faded(value, square) for value in (tone, next_tone))
    deviation = square_root(variance + 1e-12)
    by_cell = Blend(next_tone - 2.0 * deviation * own, tone + 2.0 * deviation * (1.0 - own), own)
    asked = zip(*((blend.first, blend.second, blend.share) for blend in (by_distance, by_border, by_cell)))
    return Blend(*(select(measure < 0.5, a, select(measure < 1.5, b, c)) for a, b, c in asked))


# -- patterns --------------------------------------------------------------------------------------------------


def _axes(p: Point3) -> list[Expr]:
    """The coordinates that vary: z does not in the plane."""
    return [p.x, p.y] if lies_in_plane(p.z) else [p.x, p.y, p.z]


@_texture(
    "checker",
    _scale(0.25, "the side of a square"),
    _WARP,
    summary="A chessboard, with the centre of a square at the origin; cubes in space.",
    example="box(0.9, 0.9).fill(checker(#f0d9b5, #8f5b34, scale = 0.3))",
    filtered=True,
)
def checker(p: Point3, scale: Expr, warp: Expr, footprint: Point3) -> Blend:
    odd = p.x * 0.0
    q, widths = _bent(p, footprint, scale, warp, 0.0)
    for place, width in zip(_axes(q), widths):
        beside = wave(0.5 * place - 0.25, 0.5, 0.5 * width)
        odd = odd + beside - 2.0 * odd * beside
    return Blend(0.0, 1.0, odd)


@_texture(
    "stripes",
    _scale(0.25, "from one stripe to the next of its colour"),
    number("share", 0.3, 0.7, 0.5, minimum=0.0, maximum=1.0, summary="how much of that is the last colour"),
    _WARP,
    summary="Stripes along y, side by side along x; turn them with `rotate`.",
    example="box(0.9, 0.9).fill(stripes(#ffffff, #c1121f, scale = 0.3))",
    filtered=True,
)
def stripes(p: Point3, scale: Expr, share: Expr, warp: Expr, footprint: Point3) -> Blend:
    q, widths = _bent(p, footprint, scale, warp, 0.0)
    return Blend(0.0, 1.0, wave(q.x + 0.5 * share, share, widths.x))


def _blocks(places: list[tuple[Expr, Expr, Expr]], joint: Expr, variation: Expr, seed: Expr) -> Blend:
    """Blocks with joints between them, by (place and a pixel's width in units of a size, that size) for each axis: 0 in a joint,
    up to 1 in a block, each of which is darker by a random part of `variation`."""
    solid: Scalar = 1.0
    numbers: list[Scalar] = []
    square: Scalar = 0.0
    for place, width, size in places:
        part = joint / size
        solid = solid * wave(place - 0.5 * part, 1.0 - part, width)
        square = square + width * width
        numbers.append(floor(place))
    x, y, z = numbers if len(numbers) == 3 else [*numbers, 0.0]
    tone, _ = TONES.faded(hashed(x, y, z, seed), joint.graph.lift(square))
    return Blend(0.0, 1.0 - variation * tone, solid)


_JOINT = length("joint", 0.01, 0.04, 0.02, summary="the width of what is between them, which has the first colour")
_VARIATION = number("variation", 0.0, 0.6, 0.4, minimum=0.0, maximum=1.0, summary="how much they differ in tone")


@_texture(
    "brick",
    _scale(0.4, "the length of a brick"),
    number("aspect", 1.5, 3.5, 2.4, minimum=0.1, summary="how many times longer than high a brick is"),
    _JOINT,
    _VARIATION,
    _SEED,
    _WARP,
    summary="Bricks along x in rows, every other one shifted by half a brick.",
    example="box(0.9, 0.9).fill(brick(#cfc8bd, #7a2e1f, #b5533c, scale = 0.45, seed = 1))",
    filtered=True,
)
def brick(
    p: Point3, scale: Expr, aspect: Expr, joint: Expr, variation: Expr, seed: Expr, warp: Expr, footprint: Point3
) -> Blend:
    size = maximum(scale, 1e-3)
    height = size / aspect
    q, widths = _bent(p, footprint, scale, warp, seed)
    rows = q.y * aspect
    row = floor(rows)
    odd = row - 2.0 * floor(0.5 * row)
    places = [(q.x + 0.5 * odd, widths.x, size), (rows, widths.y * aspect, height)]
    if not lies_in_plane(p.z):
        places.append((q.z * aspect + 0.5, widths.z * aspect, height))
    return _blocks(places, joint, variation, seed)


@_texture(
    "tiles",
    _scale(0.3, "the side of a tile"),
    _JOINT,
    _VARIATION,
    _SEED,
    _WARP,
    summary="Square tiles with joints between them, one's centre at the origin; cubes in space.",
    example="box(0.9, 0.9).fill(tiles(#e9ecef, #1d5c63, #7fc8c2, scale = 0.3, joint = 0.04, seed = 2))",
    filtered=True,
)
def tiles(
    p: Point3, scale: Expr, joint: Expr, variation: Expr, seed: Expr, warp: Expr, footprint: Point3
) -> Blend:
    size = maximum(scale, 1e-3)
    q, widths = _bent(p, footprint, scale, warp, seed)
    return _blocks([(place + 0.5, width, size) for place, width in zip(_axes(q), widths)], joint, variation, seed)


# -- stuffs ----------------------------------------------------------------------------------------------------


@_texture(
    "wood",
    _scale(0.12, "the width of a year's ring"),
    _SEED,
    number("warp", 0.0, 1.5, 0.6, summary="how uneven the rings are, in units of `scale`"),
    summary="Year rings about the z axis, each growing darker outwards.",
    example="box(0.9, 0.9).fill(wood(#d9a066, #8a5a2b, scale = 0.16, seed = 3))",
    filtered=True,
    slope=lambda scale, seed, warp: _slope(
        hypot((1.0 + absolute(warp) * (GRADIENT_SLOPE / 3.0)) / 0.15, scale.graph.constant(0.15 * 12.0 * GRADIENT_SLOPE)), scale
    ),
)
def wood(p: Point3, scale: Expr, seed: Expr, warp: Expr, footprint: Point3) -> Blend:
    size = maximum(scale, 1e-3)
    wide, long = 3.0 * size, 12.0 * size
    widths = Point3(footprint.x / wide, footprint.y / wide, footprint.z / long)
    uneven, variance = GRADIENTS.faded(gradient_noise(p.x / wide, p.y / wide, p.z / long, seed), _square(widths))
    radius = hypot(p.x, p.y)
    across = hypot(p.x * footprint.x, p.y * footprint.y) / maximum(radius * size, 1e-9)
    ring, ring_variance = saw_wave(radius / size + warp * uneven, 0.85, _wider(across, warp * warp * variance))
    fibre = 12.0 / size
    fine = Point3(footprint.x * fibre, footprint.y * fibre, footprint.z / wide)
    grain, _ = GRADIENTS.faded(gradient_noise(p.x * fibre, p.y * fibre, p.z / wide, seed + 1.0), _square(fine))
    tone = 0.85 + 0.15 * grain
    return _spread(ring * tone, ring_variance * (tone * tone))


@_texture(
    "marble",
    _scale(0.35, "the distance of its veins"),
    _SEED,
    *_OCTAVES,
    number("warp", 0.5, 3.0, 1.5, summary="how far the veins are bent, in units of `scale`"),
    summary="Veins across x, bent by turbulence.",
    example="box(0.9, 0.9).fill(marble(#f7f5f2, #b8b3ad, #4a4e57, seed = 3))",
    filtered=True,
    slope=lambda scale, seed, octaves, lacunarity, gain, warp: _slope(
        # The square of half a wave is steepest at 30 degrees.
        0.65 * TURN * (1.0 + absolute(warp) * (0.5 * GRADIENT_SLOPE) * _octave_slope(octaves, lacunarity, gain)), scale
    ),
)
def marble(
    p: Point3, scale: Expr, seed: Expr, octaves: Expr, lacunarity: Expr, gain: Expr, warp: Expr, footprint: Point3
) -> Blend:
    q, widths = _cells(p, scale), _cells(footprint, scale)
    bend, variance = _octaves(q * 0.5, 0.25 * _square(widths), seed, octaves, lacunarity, gain, _folded)
    turns = TURN * (q.x + warp * bend)
    # A wave fades by the variance of its angle; one of twice the angle by four times that.
    angle = TURN * TURN * (widths.x * widths.x / 12.0 + warp * warp * variance)
    kept = exponential(-0.5 * angle)
    height = 0.375 + 0.5 * kept * sine(turns) - 0.125 * kept * kept * kept * kept * cosine(2.0 * turns)
    return _spread(height, 0.133 * angle / (1.0 + angle))


@register(
    "paint",
    "gradient",
    vector("start", -1.0, 1.0, (0.0, -1.0, 0.0)),
    vector("end", -1.0, 1.0, (0.0, 1.0, 0.0)),
    summary="A gradient of two or more colours through space, from `start` to `end`, evenly spaced.",
    example="sphere(0.7).paint(gradient(#0d3b66, #ee964b, #f4d35e, start = (0, -0.7, 0), end = (0, 0.7, 0)))",
    variadic="colours",
    dimension=3,
    slope=lambda start, end: 1.0 / maximum((end - start).length, 1e-9),
)
def gradient(p: Point3, start: Point3, end: Point3) -> Expr:
    axis = end - start
    return (p - start).dot(axis) / maximum(axis.dot(axis), 1e-18)


# -- copies ----------------------------------------------------------------------------------------------------

_BY_CELL = (
    "It stands inside of the repetition, `box(0.1, 0.1, 0.1).paint(...).repeat_grid(...)`, and of several asks the innermost; "
    "where there is none, all is one copy. A border between cells that runs through a solid, as mirrors make it, is drawn "
    "hard; copies that touch are told apart as any two solids are."
)


@register(
    "paint",
    "cell",
    _SEED,
    summary="A random place on the ramp for each copy of a repeated solid.",
    example="sphere(0.17).paint(mix(#f4d35e, #7b2d26, cell(seed = 3))).repeat_grid(4, 4, 1, 0.4, 0.4, 1)",
    variadic="colours",
    dimension=3,
    by_cell=True,
    notes=_BY_CELL,
)
def cell(p: Point3, seed: Expr) -> Expr:
    return hashed(p.x, p.y, p.z, seed)


@register(
    "paint",
    "in_turn",
    count("period", 2, 64, 2, summary="after so many copies it begins again"),
    summary="The copies of a repeated solid, one after another along the ramp: around a ring, or along rows, columns and layers.",
    example="sphere(0.16).move(0.6, 0, 0).paint(in_turn(#e63946, #f1faee, #1d3557, period = 3)).repeat_polar(9)",
    variadic="colours",
    dimension=3,
    by_cell=True,
    notes=_BY_CELL,
)
def in_turn(p: Point3, period: Expr) -> Expr:
    number = p.x + p.y + p.z
    return (number - period * floor((number + 0.5) / period)) / (period - 1.0)
