"""What a descent needs: the coordinates of a program's numbers, a pyramid's levels, Levenberg-Marquardt and Adam.

Levenberg-Marquardt on the stacked residual, all starts in one batch: a step solves (JᵀWJ + λ diag) δ = -JᵀWr for each
start, with JᵀWJ and JᵀWr summed inside the renderer's kernel, and is kept when the error falls. Sizes move as
logarithms, so they stay positive; what else has limits is clipped to them and left out of the step while it pushes
outwards. Colours are solved jointly with the shapes: the picture is linear in them, so the joint step is what variable
projection would take, to second order (Golub and Pereyra, 1973).

`adam` is the second choice, for very many parameters: first order, no matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from render.images import Picture
    from render.taichi_backend import Target
    from shaderdsl import Program
    from shaderdsl.solid_tape import SolidTape
    from shaderdsl.tape import Tape

Double = npt.NDArray[np.float64]

LARGEST_STEP = {"length": 0.3, "point": 0.3, "vector": 0.3, "angle": 0.5, "number": 0.3, "colour": 0.5}
"""The most a parameter may move in one step: scene units, radians, colour components; of sizes, their logarithm."""

LEAST_SIZE = 1e-3
"""Sizes stay above this (scene units)."""

NEGLIGIBLE = 3e-9
"""The mean squared error, 85 dB, below which no step is worth its time."""


class Coordinates:
    """The coordinates that steps are taken in: logarithms of sizes, radians, and the rest as they are.

    Arrays have the program's parameters in their last axis.
    """

    def __init__(self, program: Program) -> None:
        structure = program.structure
        infos = structure.traits
        self.trainable = np.array([p.trainable for p in infos], bool)
        units = {"deg": np.pi / 180, "turn": 2 * np.pi, "%": 0.01}
        self.unit = np.array([units.get(p.unit, np.pi / 180 if p.kind == "angle" and p.unit == "" else 1.0) for p in infos])
        self.low = structure.low.astype(np.float64) * self.unit
        self.high = structure.high.astype(np.float64) * self.unit
        colour = np.array([p.kind == "colour" for p in infos], bool)
        self.low[colour], self.high[colour] = 0.0, 1.0
        self.logarithmic = np.array([p.kind in ("length", "number") for p in infos], bool) & (self.low >= 0) & (self.high > 1e3)
        self.low[self.logarithmic] = np.maximum(self.low[self.logarithmic], LEAST_SIZE)
        self.largest = np.array([LARGEST_STEP.get(p.kind, 0.3) for p in infos])
        self.low[self.logarithmic] = np.log(self.low[self.logarithmic])
        self.high[self.logarithmic] = np.log(np.minimum(self.high[self.logarithmic], 1e3))

    @classmethod
    def joined(cls, parts: Sequence[tuple[Coordinates, npt.NDArray[np.int64]]], count: int) -> Coordinates:
        """The coordinates of `count` parameters, of which each part has those in its columns."""
        result = cls.__new__(cls)
        for name in ("trainable", "unit", "low", "high", "logarithmic", "largest"):
            values = np.zeros(count, getattr(parts[0][0], name).dtype)
            for part, columns in parts:
                values[columns] = getattr(part, name)
            setattr(result, name, values)
        return result

    def inward(self, parameters: npt.ArrayLike) -> Double:
        """Parameters (..., p) in written units to coordinates, inside the limits."""
        values = np.asarray(parameters, np.float64) * self.unit
        log = self.logarithmic
        values[..., log] = np.log(np.maximum(values[..., log], LEAST_SIZE))
        clipped: Double = np.clip(values, self.low, self.high)
        return clipped

    def outward(self, coordinates: Double) -> Double:
        """Coordinates (..., p) to parameters in written units."""
        values = np.array(coordinates)
        values[..., self.logarithmic] = np.exp(values[..., self.logarithmic])
        scaled: Double = values / self.unit
        return scaled

    def slope(self, coordinates: Double) -> Double:
        """d parameter / d coordinate (..., p)."""
        values = np.ones_like(coordinates)
        values[..., self.logarithmic] = np.exp(coordinates[..., self.logarithmic])
        scaled: Double = values / self.unit
        return scaled


@dataclass(frozen=True)
class Level:
    """One level of the pyramid: a target of some size and the blur (scene units) that both sides have."""

    target: Target
    blur: float


def pyramid(picture: Picture, stages: Sequence[tuple[int, float]]) -> list[Level]:
    """Levels for a picture: stages are (longest side in pixels, σ in those pixels); none is larger than the picture.

    Pictures of light (`Picture.of_light`) are averaged down to whole parts, about as long as is asked for: see `working_side`.
    """
    from scipy.ndimage import gaussian_filter

    from render.images import resized
    from render.taichi_backend import Target

    levels: list[Level] = []
    for longest, sigma in stages:
        image = resized(picture, working_side(picture, longest)).premultiplied
        height, width = image.shape[:2]
        if sigma > 0:
            image = gaussian_filter(image, (sigma, sigma, 0), mode="nearest")
        levels.append(Level(Target(image), sigma * 2.0 / min(height, width)))
    return levels


def working_side(picture: Picture, longest: int, beyond: float = 1.25) -> int:
    """The longer side, in pixels, at which a picture is worked on: `longest` in the plane; in space a whole part (see
    `render.images.whole_part`), for the last decibels are of numbers there. In the plane they are of structure, for which more pixels
    are worth more than exact ones."""
    from render.images import whole_part

    side = max(picture.rgba.shape[:2])
    return whole_part(side, longest, beyond) if picture.of_light else min(side, longest)


def same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether two sizes (width, height) of one picture show the same scene, to a pixel of the smaller: their sides are rounded, and
    the scene's unit is half of the shorter one."""
    extents = [(width / min(width, height), height / min(width, height)) for width, height in (size, other)]
    pixel = 2.0 / min(*size, *other)
    return all(abs(a - b) <= pixel for a, b in zip(*extents))


def squared_error(program: Program, level: Level) -> float:
    """The squared error of a program's picture against a level's target, summed over pixels and channels (premultiplied RGBA)."""
    from render.batching import batch_of
    from render.tapes import lowered

    return float(batch_of(lowered(program), program.params[None]).scores(level.target, level.blur)[0])


@dataclass
class Descent:
    """What a descent ended with: parameters (n, p) in written units, squared errors (n,), and how many steps it took."""

    parameters: Double
    errors: Double
    steps: int = 0


def least_squares(
    tape: Tape | SolidTape,
    coordinates: Coordinates,
    starts: npt.ArrayLike,
    level: Level,
    *,
    steps: int = 20,
    tolerance: float = 1e-3,
    damping: float = 1e-2,
    huber: float = 0.0,
    free: npt.NDArray[np.bool_] | None = None,
    stop: Callable[[], bool] | None = None,
    home: npt.ArrayLike | None = None,
    pull: float = 0.0,
    negligible: float = NEGLIGIBLE,
) -> Descent:
    """Levenberg-Marquardt from `starts` (n, p) in written units, on one level.

    `pull` adds to the error of a start its squared distance from `home` (n, p), in largest steps, times `pull`: what the picture
    says little about stays where it was. A start rests when a step gains less than `tolerance` of its error, or none does, or when its
    mean squared error is `negligible`. `free` (p,) narrows the parameters that move;
    `stop` is asked before each step.
    """
    from render.batching import batch_of

    start_array = np.atleast_2d(np.asarray(starts, np.float64))
    n = len(start_array)
    moving = coordinates.trainable if free is None else coordinates.trainable & free
    chosen = np.flatnonzero(moving)
    here = coordinates.inward(start_array)
    began = here.copy() if home is None else coordinates.inward(home)
    weights = pull / coordinates.largest[chosen] ** 2

    def look(which: npt.NDArray[np.int64], points: Double) -> tuple[Double, Double, Double]:
        parameters = coordinates.outward(points)
        parameters[:, ~moving] = start_array[which][:, ~moving]
        batch = batch_of(tape, parameters)
        errors, gradient, hessian = batch.normal_equations(level.target, level.blur, huber)
        slope = coordinates.slope(points)[:, chosen]
        inner = hessian[:, chosen[:, None], chosen[None, :]].astype(np.float64) * slope[:, :, None] * slope[:, None, :]
        gradient = gradient[:, chosen] * slope
        if pull:
            away = (points - began[which])[:, chosen]
            errors = errors + (weights * away**2).sum(1)
            gradient += weights * away
            inner[:, range(len(chosen)), range(len(chosen))] += weights
        return errors, gradient, inner

    small = negligible * level.target.image.size
    active = np.arange(n)
    errors, gradients, matrices = look(active, here)
    lam = np.full(n, damping)
    count = 0
    while len(active) and count < steps and len(chosen) and not (stop and stop()):
        trial = here[active] + _steps(coordinates, chosen, here[active], gradients[active], matrices[active], lam[active])
        new_errors, new_gradients, new_matrices = look(active, trial)
        count += 1
        better = new_errors < errors[active]
        gain = np.where(better, 1.0 - new_errors / np.maximum(errors[active], 1e-30), 0.0)
        won = active[better]
        here[won], errors[won] = trial[better], new_errors[better]
        gradients[won], matrices[won] = new_gradients[better], new_matrices[better]
        lam[won] = np.maximum(lam[won] * 0.25, 1e-9)
        lost = active[~better]
        lam[lost] *= 5.0
        done = (better & (gain < tolerance)) | (~better & (lam[active] > 1e4)) | (errors[active] < small)
        active = active[~done]
    parameters = coordinates.outward(here)
    parameters[:, ~moving] = start_array[:, ~moving]
    return Descent(parameters, errors, count)


def _steps(
    coordinates: Coordinates, chosen: npt.NDArray[np.int64], here: Double, gradients: Double, matrices: Double, lam: Double
) -> Double:
    """Damped Gauss-Newton steps (n, all coordinates), clipped, with parameters that push out of their limits at rest."""
    low, high = coordinates.low[chosen], coordinates.high[chosen]
    result = np.zeros_like(here)
    for k in range(len(here)):
        at = here[k, chosen]
        gradient, matrix = gradients[k], matrices[k]
        held = ((at <= low) & (gradient > 0)) | ((at >= high) & (gradient < 0))
        step = np.zeros(len(chosen))
        for _ in range(3):
            loose = np.flatnonzero(~held)
            if not len(loose):
                break
            inner = matrix[np.ix_(loose, loose)]
            diagonal = np.diag(inner).copy()
            inner = inner + np.diag(lam[k] * diagonal + 1e-7 * max(diagonal.max(), 1e-12))
            step[:] = 0.0
            step[loose] = -_solved(inner, gradient[loose])
            limit = coordinates.largest[chosen]
            step = np.clip(step, -limit, limit)
            outside = ~held & ((at + step < low) | (at + step > high))
            # Colours sit at their limits often: what would leave is put on the limit, and the rest solved again.
            if not outside.any() or not np.any((at[outside] <= low[outside]) | (at[outside] >= high[outside])):
                break
            held = held | (outside & ((at <= low) | (at >= high)))
        result[k, chosen] = np.clip(at + step, low, high) - at
    return result


@contextmanager
def one_linear_algebra_thread() -> Iterator[None]:
    """Keeps BLAS to one thread: our matrices are small, and threads that wait for each other on a busy machine make a
    Cholesky factorisation of 150 numbers take 70 ms instead of one."""
    import scipy.linalg  # noqa: F401  (a limit holds for libraries that are loaded already)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="blas"):
        yield


def _solved(matrix: Double, right: Double) -> Double:
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    try:
        return np.asarray(cho_solve(cho_factor(matrix, check_finite=False), right, check_finite=False), np.float64)
    except LinAlgError:
        return np.asarray(np.linalg.lstsq(matrix, right, rcond=1e-10)[0], np.float64)


def adam(
    tape: Tape | SolidTape,
    coordinates: Coordinates,
    start: npt.ArrayLike,
    level: Level,
    *,
    steps: int = 200,
    rate: float = 0.01,
    huber: float = 0.0,
    stop: Callable[[], bool] | None = None,
) -> Descent:
    """Adam (Kingma and Ba, 2015) from one start (p,), with a cosine-decayed `rate` in coordinates; keeps the best point."""
    from render.batching import batch_of

    here = coordinates.inward(start)
    first, second = np.zeros_like(here), np.zeros_like(here)
    best, best_error = here.copy(), np.inf
    count = 0
    for count in range(1, steps + 1):
        if stop and stop():
            break
        errors, gradients = batch_of(tape, coordinates.outward(here)[None]).gradients(level.target, level.blur, huber)
        if errors[0] < best_error:
            best, best_error = here.copy(), float(errors[0])
        gradient = np.where(coordinates.trainable, gradients[0] * coordinates.slope(here), 0.0)
        first = 0.9 * first + 0.1 * gradient
        second = 0.99 * second + 0.01 * gradient**2
        move = first / (1 - 0.9**count) / (np.sqrt(second / (1 - 0.99**count)) + 1e-12)
        here = np.clip(here - rate * 0.5 * (1 + np.cos(np.pi * count / steps)) * move, coordinates.low, coordinates.high)
    parameters = coordinates.outward(best)
    parameters[~coordinates.trainable] = np.asarray(start, np.float64)[~coordinates.trainable]
    return Descent(parameters[None], np.array([best_error]), count)


def legal(program: Program, parameters: npt.ArrayLike) -> Program:
    """`program` with these parameters, moved inside their hard limits; as it was where even that breaks a condition."""
    structure = program.structure
    values = np.clip(np.asarray(parameters, np.float64), structure.low, structure.high)
    try:
        return program.with_params(values)
    except ValueError:
        return program


def decibels(mean: float) -> float:
    """PSNR (dB) of a mean squared error, at most 99.99."""
    return float(min(-10.0 * np.log10(max(mean, 1e-12)), 99.99))
