"""The colours of a texture apart from its pattern: the tone of each pixel, and the ramp of colours that tones are looked up in.

A texture paints each point with the colour at some place, its tone, on a ramp of two or three colours, evenly spaced. So its colours lie
on a line, or on two that meet in the middle colour. A picture shows where they lie, but not where the ramp begins and ends: tones are
known but for a shift and a factor, which may be negative, until the texture that made them is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

PLAIN = 0.006
"""The standard deviation of colours (components in [0, 1]) up to which a picture is plain."""

BENT = 0.012
"""How far colours must lie from a line, as a standard deviation, to be sought on two."""

STRAIGHTER = 0.4
"""The share of that which must be left when they are."""

RANKS = 64
"""Quantiles at which tones of two pictures are compared."""

_SAMPLE = 1500


@dataclass(frozen=True)
class Toned:
    """A picture's tones (h, w), with mean 0, variance 1 and a third moment that is not negative; how many colours its ramp has, 2 or
    3; and the mean colours (RANKS, 3) from the least tone to the greatest."""

    tones: Float
    stops: int
    ranked: Double


def standardized(tones: Float) -> Float:
    """Tones (n, h, w) with mean 0, variance 1, and of the two signs that which makes large ones rarer than small ones."""
    centred = tones - tones.mean((1, 2), keepdims=True)
    spread = np.sqrt(np.einsum("nij,nij->n", centred, centred) / centred[0].size) + 1e-4
    found: Float = centred * (leaning(tones) / spread).astype(np.float32)[:, None, None]
    return found


def leaning(tones: Float) -> Float:
    """1 for each of tones (n, h, w) of which large ones are rarer than small ones, -1 for others (n,)."""
    centred = tones - tones.mean((1, 2), keepdims=True)
    return np.where(np.einsum("nij,nij,nij->n", centred, centred, centred) < 0, -1.0, 1.0).astype(np.float32)


def toned(rgb: Float) -> Toned | None:
    """The tones of a picture (h, w, 3), or None if it is plain."""
    colours = rgb.reshape(-1, 3).astype(np.float64)
    centred = colours - colours.mean(0)
    values, axes = np.linalg.eigh(centred.T @ centred / len(centred))
    if values.sum() < PLAIN**2:
        return None
    along = centred @ axes[:, 2]
    stops = 2
    if values[:2].sum() > BENT**2:
        bent = _along_two_lines(colours, values[:2].sum())
        if bent is not None:
            along, stops = bent, 3
    if stops == 3:
        along = _evened(along.reshape(rgb.shape[:2])).ravel()
    tones = standardized(along.reshape(1, *rgb.shape[:2]).astype(np.float32))[0]
    order = np.argsort(tones, axis=None, kind="stable")
    ranked = np.stack([part.mean(0) for part in np.array_split(colours[order], RANKS)])
    return Toned(tones, stops, ranked)


def _along_two_lines(colours: Double, spread: float) -> Double | None:
    """Distances (n,) from the point where two rays meet, negative on the first, if colours (n, 3) lie on two rays much better than on
    one line, from which they have the variance `spread`."""
    from scipy.optimize import least_squares

    some = colours[:: max(1, len(colours) // _SAMPLE)]
    centre = some.mean(0)
    first = _farthest(some, centre)
    second = _farthest(some, first)
    best = None
    for corner in (_off_line(some, first, second), first, second, centre):
        one = _farthest(some, corner)
        other = _off_line(some, corner, one)
        start = np.concatenate([corner, one - corner, other - corner])
        found = least_squares(lambda rays: _from_rays(some, rays).ravel(), start, max_nfev=30)
        if best is None or found.cost < best.cost:
            best = found
    assert best is not None
    if 2.0 * best.cost / len(some) > STRAIGHTER**2 * spread:
        return None
    corner, one, other = best.x.reshape(3, 3)
    on_first = _off_ray(colours, corner, one)[1] < _off_ray(colours, corner, other)[1]
    lengths = np.linalg.norm(colours - corner, axis=1)
    return np.asarray(np.where(on_first, -lengths, lengths))


def _farthest(colours: Double, point: Double) -> Double:
    """The mean of those 1 % of the colours that are farthest from a point."""
    distances = np.linalg.norm(colours - point, axis=1)
    return np.asarray(colours[np.argsort(distances)[-max(1, len(colours) // 100) :]].mean(0), np.float64)


def _off_line(colours: Double, first: Double, second: Double) -> Double:
    """The mean of those 1 % of the colours that are farthest from a line through two of them."""
    distances = np.minimum(_off_ray(colours, first, second - first)[1], _off_ray(colours, second, first - second)[1])
    return np.asarray(colours[np.argsort(distances)[-max(1, len(colours) // 100) :]].mean(0), np.float64)


def _off_ray(colours: Double, corner: Double, direction: Double) -> tuple[Double, Double]:
    """What leads from a ray to colours (n, 3), and its length (n,)."""
    unit = direction / (np.linalg.norm(direction) + 1e-9)
    away = colours - corner
    across = away - np.maximum(away @ unit, 0.0)[:, None] * unit
    return across, np.linalg.norm(across, axis=1)


def _from_rays(colours: Double, rays: Double) -> Double:
    """What leads to colours (n, 3) from the nearer of two rays, given as corner, direction, direction."""
    corner, one, other = rays.reshape(3, 3)
    (first, from_first), (second, from_second) = _off_ray(colours, corner, one), _off_ray(colours, corner, other)
    return np.asarray(np.where((from_first < from_second)[:, None], first, second))


def _evened(along: Double) -> Double:
    """Places (h, w) along two lines, 0 where they meet, in units of each line's length.

    The slope of a tone does not change where the lines meet, so how steep the places are on both sides tells how long the lines are.
    """
    ends = np.array([max(-np.quantile(along, 0.002), 1e-6), max(np.quantile(along, 0.998), 1e-6)])
    steep = [_steepness(-along, ends[0]), _steepness(along, ends[1])]
    if all(steep):
        ratio = np.clip(np.log(steep[1] / steep[0]), *(np.log(ends[1] / ends[0]) + np.array([-1.2, 1.2])))
        ends = np.array([1.0, np.exp(ratio)])
    return np.asarray(np.where(along < 0, along / ends[0], along / ends[1]))


def _steepness(along: Double, end: float) -> float:
    """The mean slope where places (h, w) are above 0 and small; 0 where too few pixels are to tell."""
    total, count = 0.0, 0
    for one, other in ((along[1:], along[:-1]), (along[:, 1:], along[:, :-1])):
        near = (one > 0) & (other > 0) & (one + other < 0.5 * end)
        total, count = total + float(np.abs(one - other)[near].sum()), count + int(near.sum())
    return total / count if count > 200 and total > 0 else 0.0


def ramp(target: Toned, tones: Float) -> tuple[Double, float]:
    """The colours (stops, 3) of the ramp on which tones (n, h, w) in [0, 1] have the colours of the target, and by how much they miss
    (the standard deviation of colours)."""
    ordered = np.sort(tones, axis=None).astype(np.float64)
    ranked = np.stack([part.mean() for part in np.array_split(ordered, RANKS)])
    best: tuple[Double, float] | None = None
    for colours in (target.ranked, target.ranked[::-1]):
        shares = np.maximum(1.0 - np.abs(ranked[:, None] * (target.stops - 1) - np.arange(target.stops)), 0.0)
        # What no pixel shows keeps near its neighbour.
        smooth = 0.02 * np.diff(np.eye(target.stops), axis=0)
        matrix, right = np.concatenate([shares, smooth]), np.concatenate([colours, np.zeros((len(smooth), 3))])
        found = np.clip(np.linalg.lstsq(matrix, right, rcond=None)[0], 0.0, 1.0)
        miss = float(np.sqrt(((shares @ found - colours) ** 2).mean()))
        if best is None or miss < best[1]:
            best = (found, miss)
    assert best is not None
    return best
