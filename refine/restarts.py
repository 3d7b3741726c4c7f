"""Where descents begin anew: about a minimum that is not the one, by much where a shape is at a wrong place, by little at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from refine.descents import Coordinates, Level
    from shaderdsl import Program

Double = npt.NDArray[np.float64]
Group = npt.NDArray[np.int64]
"""Parameters that are thrown about together."""

SPECK = 0.02
"""A size (scene units) that hardly shows."""

THROWS, MOST_THROWS = 16, 2048
"""How many throws are looked at for each that is kept, and about how many at most."""

SHAKEN = 16
"""How many points lie about an end."""

NEAR_ERROR, FAR_ERROR = (0.02, 0.6), (10.0, 1000.0)
"""By how many times the error grows to such a point, were it a paraboloid: at the end, and where something is at a wrong place still."""


def groups_of(program: Program, coordinates: Coordinates, columns: npt.NDArray[np.int64] | None = None) -> list[Group]:
    """The trainable parameters of each statement, and of each part of one that has several, colours left out: as `columns` (p,) of the
    coordinates, where they are not the program's own."""
    groups: dict[tuple[str, tuple[int, int] | None], list[int]] = {}
    for index, info in zip(range(len(program.params)) if columns is None else columns.tolist(), program.structure.traits):
        if coordinates.trainable[index] and info.kind != "colour":
            groups.setdefault((info.group, None), []).append(index)
            groups.setdefault((info.group, info.part), []).append(index)
    return [np.array(g) for g in dict.fromkeys(map(tuple, groups.values()))]


def thrown(
    tape: Any, coordinates: Coordinates, level: Level, parameters: Double, groups: Sequence[Group], rng: np.random.Generator,
    huber: float = 0.0,
) -> Double:  # fmt: skip
    """Starts (n, p) about `parameters` (p,): in each, the numbers of one group are thrown, some not far and some far away, and of many
    throws as far it is the one whose picture on `level` is the nearest.

    A wrong minimum of a picture is mostly one shape at the wrong place, turn or size, behind, beside or inside others.
    """
    if not groups:
        return parameters[None]
    kept = max(4, 32 // len(groups))
    count = min(THROWS, -(-MOST_THROWS // (kept * len(groups))))
    here = coordinates.inward(parameters)
    starts = []
    for group in groups:
        points = np.tile(here, (kept, count, 1))
        spread = np.where(coordinates.logarithmic[group], 0.4, 0.15)
        spread = np.where(coordinates.unit[group] != 1.0, 0.8, spread)
        # One number alone finds its way from farther.
        away = np.geomspace(0.15, 2.0 if len(group) == 1 else 1.0, kept)
        points[..., group] += rng.normal(0.0, 1.0, (kept, count, len(group))) * spread * away[:, None, None]
        # Of what has shrunk to a speck nothing tells how large it was.
        specks = group[coordinates.logarithmic[group] & (here[group] < np.log(SPECK))]
        points[..., specks] = np.log(SPECK) + rng.uniform(0.0, np.log(10.0), (kept, count, len(specks)))
        throws = coordinates.outward(np.clip(points, coordinates.low, coordinates.high))
        throws[..., ~coordinates.trainable] = parameters[~coordinates.trainable]
        errors = errors_of(tape, throws.reshape(-1, len(parameters)), level, huber)
        starts.append(throws[range(kept), errors.reshape(kept, count).argmin(1)])
    return np.concatenate(starts)


def errors_of(tape: Any, points: Double, level: Level, huber: float) -> Double:
    """The errors (n,) of points (n, p) on a level; infinite where one is no number."""
    from render.batching import batch_of

    batch = batch_of(tape, points)
    errors = batch.gradients(level.target, level.blur, huber)[0] if huber else batch.scores(level.target, level.blur)
    return np.asarray(np.nan_to_num(errors, nan=np.inf), np.float64)


def shaken(
    tape: Any, coordinates: Coordinates, level: Level, parameters: Double, rng: np.random.Generator, growth: tuple[float, float],
    huber: float = 0.0,
) -> Double:  # fmt: skip
    """Points (n, p) about `parameters` (p,), each at an error that is more by so many times its own as `growth` says, least and most, were
    it a paraboloid: far away along what the picture tells little of. SHAKEN of them, or none where no number can move or the error is
    none."""
    from render.batching import batch_of

    errors, _, matrices = batch_of(tape, parameters[None]).normal_equations(level.target, level.blur, huber)
    here = coordinates.inward(parameters)
    moving = np.flatnonzero(coordinates.trainable)
    slope = coordinates.slope(here)[moving]
    matrix = matrices[0][np.ix_(moving, moving)].astype(np.float64) * slope[:, None] * slope
    if not len(moving) or not np.isfinite(matrix).all() or not np.isfinite(errors[0]):
        return np.empty((0, len(parameters)))
    diagonal = np.diag(matrix)
    unit = 1.0 / np.sqrt(diagonal + 1e-7 * max(diagonal.max(), 1e-12))
    curvatures, axes = np.linalg.eigh(matrix * unit[:, None] * unit)
    # A shift's square by this matrix is how much the error grows.
    low, high = np.log(growth)
    more = errors[0] * np.exp(rng.uniform(low, high, SHAKEN))
    ways = rng.normal(0.0, 1.0, (SHAKEN, len(moving))) / np.sqrt(np.maximum(curvatures, 1e-4)) @ axes.T * unit
    shifts = ways * np.sqrt(more / len(moving))[:, None]
    points = np.tile(here, (SHAKEN, 1))
    points[:, moving] += np.clip(shifts, -coordinates.largest[moving], coordinates.largest[moving])
    result = coordinates.outward(np.clip(points, coordinates.low, coordinates.high))
    result[:, ~coordinates.trainable] = parameters[~coordinates.trainable]
    return result
