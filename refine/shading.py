"""The paint of a region: flat, or a linear or radial gradient where that saves enough squared error."""

from __future__ import annotations

import numpy as np

from refine.sketch import Colour, Flat, Linear, Radial, SketchPaint, paint_number_count


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (float(value) for value in np.clip(values, 0.0, 1.0))
    return red, green, blue


def fit_paint(x: np.ndarray, y: np.ndarray, colours: np.ndarray, *, number_price: float) -> SketchPaint:
    """The paint of least description length for colours (n, 3) in [0, 1] at pixels with coordinates x, y
    (n,).

    ``number_price`` is the squared error (summed over pixels and channels) that one more number must save.
    """
    mean = colours.mean(0)
    flat = Flat(_colour(mean))
    error = float(((colours - mean) ** 2).sum())
    best: tuple[float, SketchPaint] = (error + 3 * number_price, flat)
    if len(x) < 12 or error < 6 * number_price:
        return flat
    for candidate in (_linear(x, y, colours), _radial(x, y, colours)):
        if candidate is not None:
            left, paint = candidate
            cost = left + paint_number_count(paint) * number_price
            if cost < best[0]:
                best = (cost, paint)
    return best[1]


def _ramp(position: np.ndarray, colours: np.ndarray) -> tuple[float, Colour, Colour]:
    """Squared error and end colours of the best ramp over ``position`` in [0, 1]."""
    design = np.stack([1 - position, position], 1)
    normal = design.T @ design + 1e-6 * np.eye(2)
    ends = np.clip(np.linalg.solve(normal, design.T @ colours), 0, 1)
    return float(((colours - design @ ends) ** 2).sum()), _colour(ends[0]), _colour(ends[1])


def _linear(x: np.ndarray, y: np.ndarray, colours: np.ndarray) -> tuple[float, Linear] | None:
    center = np.array([x.mean(), y.mean()])
    offset = np.stack([x, y], 1) - center
    covariance = offset.T @ offset / len(x) + 0.05 * np.eye(2)
    slope = np.linalg.solve(covariance, offset.T @ (colours - colours.mean(0)) / len(x))
    # The one direction along which the linear model's colours vary most over the region.
    root = np.linalg.cholesky(covariance)
    left, strengths, _ = np.linalg.svd(root.T @ slope)
    gradient = np.linalg.solve(root.T, left[:, 0])
    norm = float(np.hypot(*gradient))
    if strengths[0] <= 0 or norm < 1e-9:
        return None
    unit = gradient / norm
    along = offset @ unit
    low, high = float(along.min()), float(along.max())
    if high - low < 2.0:
        return None
    error, first, second = _ramp((along - low) / (high - low), colours)
    start, end = center + low * unit, center + high * unit
    return error, Linear(first, second, (float(start[0]), float(start[1])), (float(end[0]), float(end[1])))


def _radial(x: np.ndarray, y: np.ndarray, colours: np.ndarray) -> tuple[float, Radial] | None:
    """A radial gradient about the vertex of the isotropic paraboloid through the strongest colour component."""
    if len(x) < 40:
        return None
    shift_x, shift_y = x.mean(), y.mean()
    u, v = x - shift_x, y - shift_y
    spread = float(np.hypot(np.ptp(u), np.ptp(v)))
    centred = colours - colours.mean(0)
    component = np.linalg.eigh(centred.T @ centred)[1][:, -1]
    design = np.stack([np.ones_like(u), u, v, u * u + v * v], 1)
    solution = np.linalg.lstsq(design, colours @ component, rcond=None)[0]
    if abs(solution[3]) < 1e-9:
        return None
    middle = -solution[1:3] / (2 * solution[3])
    if float(np.hypot(*middle)) > spread:
        return None
    away = np.hypot(u - middle[0], v - middle[1])
    farthest = float(away.max())
    best: tuple[float, Radial] | None = None
    for share in (1.0, 0.75, 0.5):
        radius = max(share * farthest, 1.0)
        error, first, second = _ramp(np.minimum(away / radius, 1.0), colours)
        if best is None or error < best[0]:
            center = (float(middle[0] + shift_x), float(middle[1] + shift_y))
            best = (error, Radial(first, second, center, radius))
    return best
