"""Statistics of a texture: numbers of a picture that do not depend on where things lie, nor on how it is turned.

They are taken from the *tone* of a picture, its place on the ramp of colours, with mean 0 and variance 1 (`refine.texture_colours`):
how the tones are distributed; the energy of ever finer waves and how it depends on their direction; and, on a pyramid of
averaged pictures, how steep and how bent the tone is, altogether and where it is dark or bright, how rarely, and how well
neighbouring slopes agree. Creases, flat cells and hard edges show there, which the energies alone do not tell apart
(Portilla and Simoncelli, 2000, give reasons for such a choice).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy import fft

Float = npt.NDArray[np.float32]
Complex = npt.NDArray[np.complex64]

OCTAVE_BANDS = 3
"""Bands of waves an octave."""

HARMONICS = (2, 4, 6, 8)
"""Of the energy as a function of direction: a texture of stripes has the second, one of squares the fourth."""

LEVELS = (-1.4, -0.7, 0.0, 0.7, 1.4)
"""Tones, in standard deviations, about which slopes and bends are looked at."""

QUANTILES = np.array([0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.995])
"""Shares of pixels at which distributions are read."""

PYRAMID_LEVELS = 4
SMALLEST_SIDE = 16
"""Pixels; a smaller picture says too little."""

_FLOOR = 1e-3
_AT_ONCE = 16
"""Pictures whose intermediate results stay in the processor's cache."""


def statistics(tones: Float) -> tuple[Float, Complex]:
    """Statistics (n, k) of pictures (n, side, side), and the directions of their waves (n, bands, harmonics).

    Of the directions the statistics have only the magnitudes: a picture turned by an angle a has them times exp(-i m a), m
    being the harmonic.
    """
    few = [_of_few(tones[first : first + _AT_ONCE]) for first in range(0, len(tones), _AT_ONCE)]
    return np.concatenate([values for values, _ in few]), np.concatenate([directions for _, directions in few])


def _of_few(tones: Float) -> tuple[Float, Complex]:
    energies, directions = _waves(tones)
    strength = np.abs(directions).reshape(len(tones), -1)
    return np.concatenate([_distribution(tones), energies, strength, *_shapes(tones)], 1), directions


def _distribution(tones: Float) -> Float:
    return _quantiles(tones.reshape(len(tones), -1)[:, ::3], QUANTILES)


def _waves(tones: Float) -> tuple[Float, Complex]:
    """Logarithms of the energies (n, bands), and the harmonics of how they depend on direction (n, bands, harmonics)."""
    side = tones.shape[-1]
    window, weights = _bands(side)
    spectrum = fft.rfft2(tones * window, workers=2)
    power = (spectrum.real**2 + spectrum.imag**2).reshape(len(tones), -1)
    sums = (power @ weights).reshape(len(tones), -1, 1 + 2 * len(HARMONICS))
    energy = sums[..., 0] / np.maximum(sums[..., 0].sum(1, keepdims=True), 1e-9)
    real, imaginary = sums[..., 1::2], sums[..., 2::2]
    # Where there is next to no energy, its direction says nothing.
    directions = (real + 1j * imaginary) / (sums[..., :1] * (1.0 + _FLOOR / np.maximum(energy[..., None], 1e-9)) + 1e-9)
    return 0.5 * np.log(energy + _FLOOR), directions.astype(np.complex64)


@lru_cache(maxsize=4)
def _bands(side: int) -> tuple[Float, Float]:
    """A round window (side, side), and weights (frequencies, bands (1 + 2 harmonics)) that sum a power spectrum up."""
    place = (np.arange(side) + 0.5) / side * 2.0 - 1.0
    radius = np.hypot(place[:, None], place[None, :])
    window = np.where(radius < 1.0, 0.5 + 0.5 * np.cos(np.pi * np.minimum(radius, 1.0)), 0.0)
    up, across = np.fft.fftfreq(side) * side, np.fft.rfftfreq(side) * side
    frequency = np.hypot(up[:, None], across[None, :])
    angle = np.arctan2(up[:, None], across[None, :])
    twice = np.where((across == 0) | (across == side // 2), 1.0, 2.0)[None, :]
    at = OCTAVE_BANDS * np.log2(np.maximum(frequency, 1e-9) / 1.5)
    columns = []
    for band in range(int(OCTAVE_BANDS * np.log2(side / 2 / 1.5)) + 1):
        share = np.clip(1.0 - np.abs(at - band), 0.0, 1.0) * twice
        columns.append(share)
        for m in HARMONICS:
            columns += [share * np.cos(m * angle), share * np.sin(m * angle)]
    return window.astype(np.float32), np.stack([c.ravel() for c in columns], 1).astype(np.float32)


def _shapes(tones: Float) -> list[Float]:
    """What the tone does near a pixel, on each level of a pyramid of averages: list of (n, some)."""
    found: list[Float] = []
    below: Float | None = None
    for level in range(PYRAMID_LEVELS):
        if level:
            tones = _halved(tones)
        if tones.shape[-1] <= SMALLEST_SIDE // 2:
            break
        across = 0.5 * (tones[:, :-1, 1:] - tones[:, :-1, :-1] + tones[:, 1:, 1:] - tones[:, 1:, :-1])
        up = 0.5 * (tones[:, 1:, :-1] - tones[:, :-1, :-1] + tones[:, 1:, 1:] - tones[:, :-1, 1:])
        square = across**2 + up**2
        inner = tones[:, 1:-1, 1:-1]
        bend = 0.25 * (tones[:, 1:-1, 2:] + tones[:, 1:-1, :-2] + tones[:, 2:, 1:-1] + tones[:, :-2, 1:-1]) - inner
        steep = np.sqrt(square.mean((1, 2)))
        bent = np.sqrt(_mean_product(bend, bend))
        found.append(np.stack([np.log(steep + _FLOOR), np.log(bent + _FLOOR)], 1))
        found.append(_rarity(square, bend, bent))
        if level in (0, 2):
            slope = np.sqrt(square).reshape(len(tones), -1)[:, :: 3 if level == 0 else 1]
            found.append(np.log(_quantiles(slope, QUANTILES[2:-1:2]) + 3.0 * _FLOOR))
        found.append(_by_tone(inner, square[:, :-1, :-1], bend, steep, bent))
        found.append(_agreement(across, up, square))
        size = np.abs(bend)
        if below is not None:
            finer = _halved(below)[:, : size.shape[1], : size.shape[2]]
            found.append(_correlation(finer, size[:, : finer.shape[1], : finer.shape[2]]))
        below = np.abs(np.pad(bend, ((0, 0), (1, 1), (1, 1)), mode="edge"))
        below = below if below.shape[1] % 2 == 0 else below[:, :-1, :-1]
    return [part.astype(np.float32) for part in found]


def _halved(pictures: Float) -> Float:
    size = pictures.shape[-1] // 2
    rows = pictures[:, 0 : 2 * size : 2] + pictures[:, 1 : 2 * size : 2]
    quarters: Float = np.float32(0.25) * (rows[..., 0 : 2 * size : 2] + rows[..., 1 : 2 * size : 2])
    return quarters


def _rarity(square: Float, bend: Float, bent: Float) -> Float:
    """How rare steep slopes and sharp bends are (logarithms of kurtoses), and to which side the bends lean (n, 3)."""
    slopes = np.log(_mean_product(square, square) / (square.mean((1, 2)) ** 2 + 1e-12) + 1.0)
    bends = bend * bend
    fourth = np.log(_mean_product(bends, bends) / (bent**4 + 1e-12) + 1.0)
    third = np.cbrt(_mean_product(bends, bend) / (bent**3 + 1e-9))
    return np.stack([slopes, fourth, third], 1)


def _by_tone(tones: Float, square: Float, bend: Float, steep: Float, bent: Float) -> Float:
    """Slopes and bends at each of LEVELS, as shares of the picture's own (n, 2 levels)."""
    columns = []
    for level in LEVELS:
        away = (tones - np.float32(level)) * np.float32(1.0 / 0.7)
        near = np.maximum(np.float32(1.0) - away * away, 0.0)
        weight = near.mean((1, 2)) + 0.01
        columns.append(np.sqrt(_mean_product(near, square) / weight) / (steep + 1e-6))
        columns.append(_mean_product(near, bend) / weight / (bent + 1e-6))
    return np.stack(columns, 1)


def _agreement(across: Float, up: Float, square: Float) -> Float:
    """How well the slopes in blocks of 4 and 8 pixels agree in direction, weighted by their energy (n, 2)."""
    columns = []
    double, mixed, total = across**2 - up**2, 2.0 * across * up, square
    double, mixed, total = (_halved(part) for part in (double, mixed, total))
    for _ in range(2):
        double, mixed, total = (_halved(part) for part in (double, mixed, total))
        columns.append(np.hypot(double, mixed).mean((1, 2)) / (total.mean((1, 2)) + 1e-9))
    return np.stack(columns, 1)


def _correlation(a: Float, b: Float) -> Float:
    a, b = (part - part.mean((1, 2), keepdims=True) for part in (a, b))
    norm = np.sqrt(_mean_product(a, a) * _mean_product(b, b)) + 1e-9
    found: Float = (_mean_product(a, b) / norm)[:, None]
    return found


def _mean_product(a: Float, b: Float) -> Float:
    """The mean of a b over each picture (n,)."""
    found: Float = np.einsum("nij,nij->n", a, b) / np.float32(a.shape[1] * a.shape[2])
    return found


def _quantiles(values: Float, shares: npt.NDArray[np.float64]) -> Float:
    """The values (n, shares) that so large shares of a picture's (n, ...) are below."""
    ordered = np.sort(values.reshape(len(values), -1), 1)
    found: Float = ordered[:, np.rint(shares * (ordered.shape[1] - 1)).astype(int)]
    return found


def turn_between(target: Complex, other: Complex) -> tuple[float, float]:
    """By how many degrees, in [-90, 90), `other` (bands, harmonics) must be turned to lie as `target` does, and how sure that
    is: the part of the energies' variation with direction that then agrees, in [0, 1]."""
    angles = np.deg2rad(np.arange(-90.0, 90.0, 0.5))
    product = (target * np.conj(other)).sum(0)
    turned = np.exp(1j * np.outer(angles, np.array(HARMONICS)))
    scores = (turned * product).real.sum(1)
    norm = np.sqrt((np.abs(target) ** 2).sum() * (np.abs(other) ** 2).sum()) + 1e-9
    best = int(np.argmax(scores))
    return float(np.rad2deg(angles[best])), float(max(scores[best], 0.0) / norm)
