"""Continuous refinement: the numbers of a program, given its structure and a picture.

The picture is met coarse to fine, edges and target blurred alike, so that shapes some pixels off still feel each other (methods: 32 ->
64 -> 128 px with σ 4 -> 0), by the descents of `refine.descents`; what ends at a wrong minimum begins anew (`refine.restarts`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.descents import (
    NEGLIGIBLE,
    Coordinates,
    Descent,
    Double,
    Level,
    adam,
    decibels,
    least_squares,
    legal,
    one_linear_algebra_thread,
    pyramid,
    working_side,
)
from refine.restarts import FAR_ERROR, NEAR_ERROR, errors_of, groups_of, shaken, thrown

if TYPE_CHECKING:
    from shaderdsl import Program
    from shaderdsl.solid_tape import SolidTape
    from shaderdsl.tape import Tape

DENSE_LIMIT = 1500
"""Parameters up to which normal equations are formed."""

@dataclass
class Optimum:
    """A refined program, its PSNR (dB) against the picture at the fitted size, and how it got there.

    `views` is the same program seen by each camera, where several were given; the first is `program`. The PSNR is that of pictures
    with as many samples a pixel as the last steps took.
    """

    program: Program
    psnr: float
    seconds: float
    steps: int
    history: list[dict[str, Any]] = field(default_factory=list)
    views: tuple[Program, ...] = ()


STAGES: tuple[tuple[int, float], ...] = ((32, 2.0), (64, 1.0), (128, 0.0))
"""The default pyramid: (longest side in pixels, σ in those pixels); the picture's own size ends it."""


TOLERANCE, ROUGH_TOLERANCE = 1e-6, 1e-3
"""The gains that end a descent on the last level, and on any before it: that with one sample a pixel too, where more samples follow."""

MOST_SAMPLES = 8
"""Along a pixel's side."""

FINE_STEPS, FINE_TOLERANCE = 20, 1e-4
"""The most steps that are taken with several samples a pixel, and the gain that ends them."""

FINE_ENOUGH = 70.0
"""The dB between pictures of several samples a pixel, blurred, from which nothing is at a wrong place: what `Manner.enough` is with one."""

ROUGH_SAMPLES = 2
"""Along a pixel's side, on the level before the last, where descents begin anew whose last steps take several."""

SHAKES, SHAKEN_KEPT = 3, 2
"""How many times the end of a fit with several samples is shaken at most, and from how many points it goes on."""

SHAKEN_BELOW, SHAKEN_GAIN = 58.0, 0.3
"""dB: what comes so near to a picture is hardly ever at a wrong minimum; and a gain that is worth another time."""

CROWD, CROWD_STEPS = 6, 4
"""So many starts are refined to the end; more are after so many steps only as many as that."""


@dataclass(frozen=True)
class Manner:
    """How descents go down the pyramid.

    `coarse_steps` and `coarse_negligible` end a descent on any level but the last; `pull` (see `least_squares`) is that of the first
    levels, one after another. A descent that comes within `enough` dB, where what is left is blurred by `noise` pixels, is not begun
    anew.
    """

    coarse_steps: int
    coarse_negligible: float
    pull: Sequence[float]
    enough: float
    noise: float


MANNERS = {2: Manner(10, NEGLIGIBLE, (), 50.0, 0.0), 3: Manner(20, 2.4e-5, (1.0, 0.1), 60.0, 2.0)}
"""By dimension. A small picture in space tells little of depths, and what drifts behind another thing there has no derivative that leads
back; nor does it come nearer to a small true picture than some 45 dB, being of one sample a pixel. That is noise of single pixels, which a
blur takes away and what is at the wrong place outlasts."""


def optimize(
    program: Program,
    image: Any = None,
    *,
    images: Sequence[Any] | None = None,
    cameras: Sequence[str] | None = None,
    fit_cameras: bool = False,
    silhouettes: Sequence[Any] | None = None,
    normals: Sequence[Any] | None = None,
    depths: Sequence[Any] | None = None,
    stages: Sequence[tuple[int, float]] = STAGES,
    longest: int = 256,
    steps: int = 40,
    starts: int = 1,
    spread: float = 0.03,
    seed: int = 0,
    huber: float = 0.0,
    method: str = "auto",
    restarts: int = 4,
    enough: float | None = None,
    samples: int = 1,
    seconds: float | None = None,
) -> Optimum:
    """Refines the trainable numbers of `program` until its picture is as near to `image` as they can bring it.

    `image` is a path, a PIL image or an array, worked on at most `longest` pixels wide or high. `starts` > 1 adds starts jittered
    by `spread` (coordinates), tried together on the coarsest level. `huber` > 0 weights outlying pixels down, for pictures
    that the structure can not explain everywhere. `method` is "least_squares", "adam", or "auto" (Adam over 1,500 parameters).
    In space there may be several `images`, each seen from one of `cameras`, calls such as "orbit(30, 20, 4)" (without them, one
    image is seen by the program's own camera); their numbers move too with `fit_cameras`. Beside or instead of images each camera
    may have a silhouette (h, w), normals (h, w, 3) and a depth (h, w), None for those that have not: see `refine.views`. The
    PSNR is that of all together, by their weights.

    Below `enough` dB (without it 50 in the plane, and in space 60 between pictures blurred by two pixels, since one of one sample a
    pixel is no nearer to a finely sampled one), up to `restarts` rounds throw the numbers of one statement, or of one shape in it, about at a time and descend again.
    In space `samples`, 1 to 8, lets a few last steps, and some more from around where they end, draw so many samples along each pixel's
    side, averaged as light: slower, and numbers of a finely sampled picture are met more exactly; what is drawn with one sample a pixel
    may then be a little further from it. Where such pictures, blurred, are not within 70 dB, there are up to `restarts` more rounds with
    several samples a pixel.
    Raises ValueError for an unknown method or number of samples and for pictures and cameras that do not go together, ImageError for an image that can not be read.
    """
    from render.averaging import Finer
    from render.images import load, resized
    from render.tapes import lowered

    if method not in ("auto", "least_squares", "adam"):
        raise ValueError(f'method is "auto", "least_squares" or "adam", not {method!r}')
    if samples not in range(1, (MOST_SAMPLES if program.dimension == 3 else 1) + 1):
        raise ValueError(f"samples are 1 to {MOST_SAMPLES}, and 1 in the plane, whose pixels are averaged exactly enough, not {samples!r}")
    began = time.perf_counter()
    manner = MANNERS[program.dimension]
    if enough is not None:
        manner = replace(manner, enough=enough, noise=0.0)

    def late() -> bool:
        return seconds is not None and time.perf_counter() - began > seconds

    problem: Any
    joint = None
    if any(given is not None for given in (images, cameras, silhouettes, normals, depths)):
        from refine.views import joint_levels, joint_problem

        joint, views = joint_problem(
            program, image, images, cameras, fit_cameras, silhouettes, normals, depths, longest
        )  # fmt: skip
        problem, coordinates, points = joint, joint.coordinates, joint.start[None]
        groups = groups_of(joint.programs[0], coordinates, joint.columns[0])
        size = max(views[0].picture.rgba.shape[:2])
        levels = joint_levels(views, [*(s for s in stages if s[0] < size), (size, 0.0)])
        judge = joint_levels(views, [(size, manner.noise)])[0] if manner.noise else None
    else:
        picture = replace(load(image), of_light=program.dimension == 3)
        picture = resized(picture, working_side(picture, longest, 1.0))
        size = max(picture.rgba.shape[:2])
        levels = pyramid(picture, [*(s for s in stages if s[0] < size), (size, 0.0)])
        judge = pyramid(picture, [(size, manner.noise)])[0] if manner.noise else None
        problem, coordinates, points = lowered(program), Coordinates(program), program.params[None]
        groups = groups_of(program, coordinates)
    many = points.shape[1] > DENSE_LIMIT
    if starts > 1:
        rng = np.random.default_rng(seed)
        moved = coordinates.inward(np.repeat(points, starts, 0))
        moved[1:] += rng.normal(0.0, spread, moved[1:].shape) * coordinates.trainable
        moved = coordinates.outward(np.clip(moved, coordinates.low, coordinates.high))
        points = np.where(coordinates.trainable, moved, points)
    first_order = method == "adam" or (method == "auto" and many)
    tolerance = TOLERANCE if samples == 1 else ROUGH_TOLERANCE
    search = _Search(problem, coordinates, levels, judge, manner, huber, first_order, late, tolerance)
    with one_linear_algebra_thread():
        best = search.best(points, steps, groups, restarts, seed)
        if samples > 1:
            rough, finer = (
                joint.finer(many) if joint is not None else Finer(problem, many) for many in (min(samples, ROUGH_SAMPLES), samples)
            )
            best = search.finished(best, rough, finer, groups, restarts, seed)
    seen = [legal(program, best.parameters[0])] if joint is None else joint.seen(best.parameters[0])
    psnr = search.decibels(best.errors[0])
    return Optimum(seen[0], psnr, time.perf_counter() - began, search.steps, search.history, tuple(seen))


@dataclass
class _Search:
    """Descents down the pyramid, and what they cost; `tolerance` is the gain that ends one on the last level."""

    tape: Tape | SolidTape
    coordinates: Coordinates
    levels: Sequence[Level]
    judge: Level | None
    manner: Manner
    huber: float
    first_order: bool
    late: Callable[[], bool]
    tolerance: float
    steps: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)

    def best(
        self, points: Double, steps: int, groups: Sequence[npt.NDArray[np.int64]], restarts: int, seed: int
    ) -> Descent:
        """The best of a descent from `points` and of `restarts` rounds from around what has been found so far."""
        best = self.descend(points, steps)
        rng = np.random.default_rng([seed, 1])
        for _ in range(0 if self.first_order else restarts):
            if self.late() or self.good(best, self.tape, self.manner.enough):
                break
            starts = thrown(self.tape, self.coordinates, self.levels[0], best.parameters[0], groups, rng, self.huber)
            found = self.descend(starts, steps, first=max(len(self.levels) - 2, 0))
            if found.errors[0] < best.errors[0]:
                best = found
        return best

    def finished(
        self, descent: Descent, rough: Any, finer: Any, groups: Sequence[npt.NDArray[np.int64]], restarts: int, seed: int
    ) -> Descent:
        """A descent's last steps, with more samples a pixel, and what they show to be wrong still: `rough` and `finer` draw so on the level
        before the last and on the last.

        One sample a pixel does not tell of what shows in a few pixels alone. And an edge that comes into a pixel where others are already is
        a small jump: near the end the error has many minima.
        """
        rng = np.random.default_rng([seed, 2])
        best = self.steadied(self.last_steps(finer, descent.parameters), finer, rng)
        for number in range(0 if self.first_order else restarts):
            if self.late() or self.good(best, finer, FINE_ENOUGH):
                break
            here = best.parameters[0]
            # Shapes at wrong places, and by turns whatever the picture tells little of.
            first = max(len(self.levels) - 2, 0)
            if number % 2:
                starts = shaken(rough, self.coordinates, self.levels[first], here, rng, FAR_ERROR, self.huber)
            else:
                starts = thrown(self.tape, self.coordinates, self.levels[0], here, groups, rng, self.huber)
            if not len(starts):
                continue
            near = self.descend(starts, FINE_STEPS, first, (rough, finer))
            found = nearer(best, self.last_steps(finer, near.parameters))
            if found is not best:
                best = self.steadied(found, finer, rng)
        return best

    def steadied(self, best: Descent, finer: Any, rng: np.random.Generator) -> Descent:
        """A descent that ends far from the picture, and steps from around there, as long as that helps."""
        level = self.levels[-1]
        for _ in range(0 if self.first_order else SHAKES):
            if self.late() or self.decibels(best.errors[0]) > SHAKEN_BELOW:
                break
            tries = shaken(finer, self.coordinates, level, best.parameters[0], rng, NEAR_ERROR, self.huber)
            if not len(tries):
                break
            order = np.argsort(errors_of(finer, tries, level, self.huber))
            before = best.errors[0]
            best = nearer(best, self.last_steps(finer, tries[order[:SHAKEN_KEPT]]))
            if not self.decibels(best.errors[0]) - self.decibels(before) >= SHAKEN_GAIN:
                break
        return best

    def last_steps(self, finer: Any, points: Double) -> Descent:
        """A few steps from each of some points (n, p), with more samples a pixel."""
        result = least_squares(
            finer, self.coordinates, points, self.levels[-1], steps=FINE_STEPS, tolerance=FINE_TOLERANCE, huber=self.huber, stop=self.late
        )
        self.steps += result.steps
        return result

    def good(self, descent: Descent, tape: Any, enough: float) -> bool:
        """Whether nothing is at a wrong place any more, in pictures that `tape` draws: they are within so many dB when they are blurred, or
        within those of the manner where none are."""
        if self.judge is None:
            return self.decibels(descent.errors[0]) >= self.manner.enough
        from render.batching import batch_of

        errors, _, _ = batch_of(tape, descent.parameters).normal_equations(self.judge.target, self.judge.blur, self.huber)
        return self.decibels(errors[0]) >= enough

    def descend(self, points: Double, steps: int, first: int = 0, tapes: Sequence[Any] = ()) -> Descent:
        """From many points (n, p) at level `first` to the best one (1, p) at the last: fewer survive each level. `tapes` draw the last
        levels, where it is not one sample a pixel."""
        home = points
        for number, level in enumerate(self.levels[first:], first):
            last = number == len(self.levels) - 1
            tape = tapes[number - len(self.levels)] if tapes else self.tape
            if not self.first_order:
                points, home = self.woken(points, home, level)
            if self.first_order:
                descent = adam(self.tape, self.coordinates, points[0], level, huber=self.huber, stop=self.late)
                self.steps += descent.steps
            else:
                limit, tolerance = (steps, self.tolerance) if last else (self.manner.coarse_steps, ROUGH_TOLERANCE)
                # What is begun anew has been through the first level, and is near already.
                pull, negligible = 0.0, NEGLIGIBLE
                if first == 0 and not last:
                    pull, negligible = [*self.manner.pull, 0.0][min(number, len(self.manner.pull))], self.manner.coarse_negligible
                descended = partial(
                    least_squares, tape, self.coordinates, level=level,
                    tolerance=tolerance, huber=self.huber, stop=self.late, pull=pull, negligible=negligible,
                )  # fmt: skip
                if len(points) > CROWD:
                    crowd = descended(points, home=home, steps=CROWD_STEPS)
                    self.steps += crowd.steps
                    order = np.argsort(crowd.errors)[:CROWD]
                    points, home = crowd.parameters[order], home[order]
                descent = descended(points, home=home, steps=limit)
                self.steps += descent.steps
            order = np.argsort(descent.errors)[: 1 if last else 3]
            points, home = descent.parameters[order], home[order]
            descent = Descent(points, descent.errors[order], descent.steps)
            pixels = level.target.image.size // 4 * 3
            psnr = decibels(float(descent.errors[0]) / pixels)
            self.history.append({"size": level.target.size, "psnr": psnr, "steps": descent.steps})
        return descent

    def woken(self, points: Double, home: Double, level: Level) -> tuple[Double, Double]:
        """`points` (n, p), and behind them those with idle sizes, but with these smaller; and where they began.

        A size can grow so far that the picture no longer depends on it (a box rounded to a capsule); no derivative
        leads back from there, where a coarse level may have sent it.
        """
        from render.batching import batch_of

        _, _, matrices = batch_of(self.tape, points).normal_equations(level.target, level.blur)
        here = self.coordinates.inward(points)
        weight = np.einsum("nii->ni", matrices)[:, : here.shape[1]] * self.coordinates.slope(here) ** 2
        idle = (weight <= 1e-7 * weight.max(1, keepdims=True, initial=0.0)) & self.coordinates.logarithmic & self.coordinates.trainable
        rows = np.flatnonzero(idle.any(1))
        smaller = self.coordinates.outward(np.maximum(here[rows] - 0.7 * idle[rows], self.coordinates.low))
        return np.concatenate([points, smaller]), np.concatenate([home, home[rows]])

    def decibels(self, error: float) -> float:
        return decibels(float(error) / (self.levels[-1].target.image.size // 4 * 3))


def nearer(one: Descent, other: Descent) -> Descent:
    """The nearest end (1, p) of two descents; the first one's where none is nearer."""
    k = int(np.argmin(np.nan_to_num(other.errors, nan=np.inf)))
    return Descent(other.parameters[[k]], other.errors[[k]], other.steps) if other.errors[k] < one.errors[0] else one
