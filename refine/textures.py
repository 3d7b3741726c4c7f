"""`fit_texture`: from a picture of a texture to the texture of the language that it is, its numbers and its colours.

The pixels of a random texture can not be aligned with those of another, so statistics are compared. Which kind it is and
what numbers it has are read from them by regressions, learned on the spot from pictures that the renderer draws:

1. Pictures of all kinds, their numbers anywhere in their ranges, teach a ridge regression on random features (Rahimi and Recht, 2007)
   which statistics belong to which kind. They serve all fits of a process.
2. Near the target, a second generation of the likely kinds, about the numbers that a linear regression reads from the statistics, decides
   between them and gives the numbers: the local-linear adjustment of approximate Bayesian computation (Beaumont, Zhang and
   Balding, 2002). It is the step of Gauss and Newton on the statistics, its slope averaged over many pictures of the texture, where
   the exact derivative of one picture's statistics would follow the accidents of its seed.
3. Of many pictures with these numbers, each with a seed, a turn and a place of its own, the one with the nearest statistics is
   taken, turned so that its waves run as the target's do.

Colours come last, from how the tones of the texture found are distributed (`refine.texture_colours`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.options import OptionError
from refine.record import Progress
from refine.result import Fit

if TYPE_CHECKING:
    from refine.texture_colours import Toned
    from refine.texture_kinds import Kind, Sample
    from render.images import Picture
    from shaderdsl import Program

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

SIDE = 128
"""Pixels of the square that is looked at."""

PICTURES_A_SECOND = 7.0
"""Pictures of each kind that are drawn in the first generation, for each second of time."""

MOST_PICTURES = 250
"""Pictures of each kind in the first generation."""

LIKELY = 3
"""Kinds of the second generation."""

SECOND_SHARE = 2.5
"""How many times more pictures of each of them are drawn then."""

CHOICES = 64
"""Pictures among which the last one is chosen."""

LEAST_SPREAD = 0.1
"""Of a statistic among pictures of one texture, where distances are compared."""

UNLIKE = 1.2
"""The distance from which on it is said that the target is no such texture; a picture of it has about 0.5, hardly ever 1."""


@dataclass(frozen=True)
class Found:
    """A texture that was recognized.

    sample: a picture of it that lies as the target does.
    ramp: its colours (2 or 3, 3).
    distance: of its statistics from the target's, in standard deviations among pictures of the texture.
    """

    sample: Sample
    ramp: Double
    distance: float


def fit_texture(
    image: Any,
    *,
    seconds: float = 10.0,
    seed: int = 0,
    operations: Sequence[str] | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> Fit:
    """The texture of the language, as a program of one box, that looks like `image`: a path, a PIL image, an array or a
    `render.Picture`, of which the square in the middle is looked at, over white.

    A texture is matched in its statistics, not pixel by pixel: the result's `psnr` says nothing. Its `history` has the "distance" of the
    statistics instead, about 0.5 for a picture of the texture found, and `notes` say so if it is far.

    seconds: how long to look, about; it decides how many pictures are drawn. Compiling and loading the renderer's kernels does not count.
    operations: names of the textures to choose from, such as ["brick", "tiles"]; all by default.
    seed: of everything random.
    on_progress: called with a `Progress` when the texture is found.

    Raises ImageError for an image that can not be read, ValueError for options that make no sense.
    """
    if not seconds > 0:
        raise OptionError(f"seconds is the time a fit may take, above 0, not {seconds}")
    from refine.texture_kinds import kinds

    for name in operations or ():
        if not kinds([name]):
            textures = ", ".join(sorted({kind.operation.name for kind in kinds()}))
            raise OptionError(f'operations has "{name}", which is no texture: choose from {textures}')
    chosen = tuple(kinds(operations))
    if not chosen:
        raise OptionError("operations names no texture: name at least one")
    from refine.descents import one_linear_algebra_thread
    from refine.texture_colours import toned
    from refine.texture_statistics import SMALLEST_SIDE
    from render.images import load

    picture = load(image)
    square = _middle(picture)
    _load_kernels(chosen)
    began = time.perf_counter()
    target = toned(square)
    notes: list[str] = []
    history: list[dict[str, Any]] = []
    if target is None or len(square) < SMALLEST_SIDE:
        few = f"has fewer than {SMALLEST_SIDE} pixels a side" if target is not None else "has one colour alone"
        notes.append(f"The picture {few}, which is no texture: the program is its mean colour.")
        program = _plain(square)
    else:

        def tell(program: Program, distance: float, what: str) -> None:
            told = _told(program, picture, time.perf_counter() - began, what)
            history.append({"seconds": told.seconds, "psnr": told.psnr, "numbers": told.numbers, "what": what, "distance": distance})
            if on_progress is not None:
                on_progress(told)

        with one_linear_algebra_thread():
            found = recognized(target, chosen, seconds, seed)
        program = _written(found, picture)
        tell(program, found.distance, found.sample.kind.name)
        notes.append(_remark(found))
    return _result(program, picture, time.perf_counter() - began, history, notes)


def recognized(target: Toned, chosen: Sequence[Kind], seconds: float, seed: int) -> Found:
    """The texture, of the kinds chosen, whose statistics the target's tones have."""
    from refine.texture_colours import ramp
    from refine.texture_kinds import tones
    from refine.texture_statistics import statistics

    side = len(target.tones)
    pictures = int(np.clip(PICTURES_A_SECOND * seconds, 16, MOST_PICTURES))
    rng = np.random.default_rng(seed)
    seen, directions = statistics(target.tones[None])
    first = _first_generation(tuple(chosen), side, pictures, seed)
    order = np.argsort(-_scores(first, seen[0], rng))
    second: list[_Generation] = []
    for which in order[:LIKELY]:
        second.append(_second_generation(chosen[which], first[which], seen[0], side, int(SECOND_SHARE * pictures), rng))
    which = int(np.argmax(_scores(second, seen[0], rng))) if len(second) > 1 else 0
    kind = second[which].kind
    place, _ = _read(second[which], seen[0])
    sample, distance = _nearest(kind, place, seen[0], directions[0], side, rng)
    # A regression never reads exactly nothing: what may be off is tried so.
    off = np.array([c.off > 0 for c in kind.coordinates]) & (place > 0)
    if off.any():
        plainer, nearer = _nearest(kind, np.where(off, 0.0, place), seen[0], directions[0], side, rng)
        if nearer < distance:
            sample, distance = plainer, nearer
    colours, _ = ramp(target, tones([sample], side))
    return Found(sample, colours, distance)


# -- learning from pictures ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Generation:
    """Pictures of a kind: their places (n, coordinates), statistics (n, k) and the signs that their tones were taken with (n,)."""

    kind: Kind
    places: Double
    statistics: Float
    signs: Float

    def of_one_sign(self) -> _Generation:
        """Those of the commoner sign, if one of the numbers decides on it, as the share of stripes does: with the other sign another
        number makes the same picture."""
        related = [abs(_related(self.signs, column)) for column in self.places.T]
        if max(related) < DECIDING:
            return self
        kept = self.signs == (1.0 if self.signs.sum() >= 0 else -1.0)
        return _Generation(self.kind, self.places[kept], self.statistics[kept], self.signs[kept])


def _related(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    """The correlation of two columns; 0 if one of them is constant."""
    spread = float(one.std() * other.std())
    return float(((one - one.mean()) * (other - other.mean())).mean()) / spread if spread > 0 else 0.0


@lru_cache(maxsize=4)
def _first_generation(chosen: tuple[Kind, ...], side: int, pictures: int, seed: int) -> list[_Generation]:
    rng = np.random.default_rng([seed, 1])
    return [_generation(kind, rng.random((pictures, len(kind.coordinates))), side, rng) for kind in chosen]


def _generation(kind: Kind, places: Double, side: int, rng: np.random.Generator) -> _Generation:
    from refine.texture_colours import leaning, standardized
    from refine.texture_kinds import random_samples, tones
    from refine.texture_statistics import statistics

    drawn = tones(random_samples(kind, places, rng), side)
    return _Generation(kind, places, statistics(standardized(drawn))[0], leaning(drawn))


def _second_generation(
    kind: Kind, first: _Generation, seen: Float, side: int, pictures: int, rng: np.random.Generator
) -> _Generation:
    """Pictures about the numbers that the first generation reads from the target, as widely spread as it errs."""
    centre, error = _read(first, seen)
    spread = np.maximum(1.5 * error, 0.02)
    places = np.clip(centre + spread * rng.uniform(-1.5, 1.5, (pictures, len(centre))), 0.0, 1.0)
    return _generation(kind, places, side, rng)


def _read(generation: _Generation, seen: Float) -> tuple[Double, Double]:
    """The place (coordinates,) that a ridge regression on a generation reads from statistics, and its standard error."""
    generation = generation.of_one_sign()
    matrix, (row,) = _normalized(generation.statistics, seen[None])
    matrix, row = np.append(matrix, np.ones((len(matrix), 1)), 1), np.append(row, 1.0)
    mean = generation.places.mean(0)
    # Ridge by the kernel, so that its errors without each picture in turn come for free.
    best: tuple[float, Double, Double] | None = None
    gram = matrix @ matrix.T
    for weight in (0.03, 0.1, 0.3, 1.0):
        inverse = np.linalg.inv(gram + weight * matrix.shape[1] * np.eye(len(gram)))
        dual = inverse @ (generation.places - mean)
        errors = np.sqrt(((dual / np.diag(inverse)[:, None]) ** 2).mean(0))
        if best is None or errors[0] < best[0]:
            best = (float(errors[0]), mean + (matrix @ row) @ dual, errors)
    assert best is not None
    return np.clip(best[1], 0.0, 1.0), best[2]


def _normalized(matrix: Float, other: Float) -> tuple[Double, Double]:
    """Statistics (n, k) with mean 0 and variance 1, and others in the same units, kept within what they mostly have."""
    values = matrix.astype(np.float64)
    mean, spread = values.mean(0), values.std(0) + 1e-3
    return (values - mean) / spread, np.clip((other - mean) / spread, -5.0, 5.0)


DECIDING = 0.5
"""The correlation of a number with the sign of tones from which on it decides on it."""

FEATURES = 600
"""Random features with which kinds are told apart."""


def _scores(generations: Sequence[_Generation], seen: Float, rng: np.random.Generator) -> Double:
    """How much statistics look like each generation's (generations,): near 1 for the right kind, 0 for the others."""
    everything = np.concatenate([g.statistics for g in generations])
    matrix, row = _normalized(everything, seen[None])
    width = matrix.shape[1]
    waves = rng.standard_normal((width, FEATURES)) * 0.7 / np.sqrt(width)
    phases = rng.uniform(0.0, 2.0 * np.pi, FEATURES)

    def lifted(values: Double) -> Double:
        return np.concatenate([values, 3.0 * np.cos(values @ waves + phases), np.ones((len(values), 1))], 1)

    features = lifted(matrix)
    labels = np.repeat(np.eye(len(generations)), [len(g.places) for g in generations], axis=0)
    inner = features.T @ features + 30.0 * np.eye(features.shape[1])
    return np.asarray((lifted(row) @ np.linalg.solve(inner, features.T @ labels))[0])


# -- the picture that is taken ----------------------------------------------------------------------------------


def _nearest(
    kind: Kind, place: Double, seen: Float, directions: npt.NDArray[np.complex64], side: int, rng: np.random.Generator
) -> tuple[Sample, float]:
    """Of pictures of a texture the one whose statistics are nearest, turned as the target is, and how far the target is from their
    mean, in their standard deviations: about 0.5 for another picture of the texture, hardly ever 1."""
    from refine.texture_colours import standardized
    from refine.texture_kinds import random_samples, tones
    from refine.texture_statistics import statistics, turn_between

    samples = random_samples(kind, np.tile(place, (CHOICES, 1)), rng)
    values, waves = statistics(standardized(tones(samples, side)))
    # Pictures of a strict pattern hardly differ: its numbers are not known so well.
    mean, spread = values.mean(0), values.std(0) + LEAST_SPREAD
    away = float(np.sqrt(np.clip(((seen - mean) / spread) ** 2, 0.0, 25.0).mean()))
    differences = (((values - seen) / spread) ** 2).mean(1)
    best, cost = samples[0], np.inf
    for k in np.argsort(differences)[:8]:
        turn, sure = turn_between(directions, waves[k])
        if differences[k] + 1.0 - sure < cost:
            best, cost = replace(samples[k], turn=samples[k].turn + turn), differences[k] + 1.0 - sure
    return best, away


def _middle(picture: Picture) -> Float:
    """The square (side, side, 3) in the middle of a picture over white, averaged down to SIDE."""
    from render.images import resized

    height, width = picture.rgba.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return resized(replace(picture, rgba=picture.rgba[top : top + side, left : left + side]), SIDE).over_white


def _load_kernels(chosen: Sequence[Kind]) -> None:
    """Compiles and loads, once a process, one kernel that draws all kinds."""
    from refine.texture_kinds import random_samples, tones

    rng = np.random.default_rng(0)
    tones([random_samples(kind, np.full((1, len(kind.coordinates)), 0.5), rng)[0] for kind in chosen], 8)


# -- the program ------------------------------------------------------------------------------------------------


def _written(found: Found, picture: Picture) -> Program:
    from shaderdsl import parse

    sample, kind = found.sample, found.sample.kind
    values = kind.values(sample.place)
    colours = ", ".join(_hexadecimal(colour) for colour in found.ramp)
    numbers = [f"{name} = {word}" for name, word in kind.words]
    numbers += [f"{name} = {_short(value)}" for name, value in values.items() if value != _default(kind, name)]
    numbers += [f"seed = {sample.seed}"] * kind.seeded
    height, width = picture.rgba.shape[:2]
    sides = ", ".join(str(-(-side // min(height, width)) + 1) for side in (width, height))
    paint = f"{kind.operation.function}({colours}, {', '.join(numbers)})"
    paint += f".rotate({_short(_turned(sample.turn))}).move({_short(sample.origin[0])}, {_short(sample.origin[1])})"
    return parse(f"scene 2d\nbox({sides}).fill({paint})")


def _default(kind: Kind, name: str) -> Any:
    return next(p.default for p in kind.operation.parameters if p.name == name)


def _turned(angle: float) -> float:
    return (angle + 180.0) % 360.0 - 180.0


def _short(value: float) -> str:
    """A number in three digits or so."""
    return f"{round(value, 1):g}" if abs(value) >= 100 else f"{float(f'{value:.3g}'):.4f}".rstrip("0").rstrip(".")


def _hexadecimal(colour: Double) -> str:
    return "#" + "".join(f"{int(np.rint(255.0 * float(part))):02x}" for part in colour)


def _plain(square: Float) -> Program:
    from shaderdsl import parse

    return parse(f"scene 2d(background = {_hexadecimal(square.reshape(-1, 3).mean(0))})")


def _remark(found: Found) -> str:
    name = found.sample.kind.operation.function
    if found.distance > UNLIKE:
        return (
            f"The picture is like none of the textures: its statistics are at a distance of {found.distance:.1f} from those of the "
            f"nearest, {name}, where a picture of it has about 0.5."
        )
    return (
        f"The texture is matched in its statistics (to a distance of {found.distance:.2f}), not pixel by pixel: "
        "the PSNR says nothing."
    )


def _told(program: Program, picture: Picture, seconds: float, what: str) -> Progress:
    from refine.finishing import likeness
    from render.images import resized
    from render.pictures import image as draw
    from shaderdsl import number_count

    small = resized(picture, SIDE)
    height, width = small.rgba.shape[:2]
    drawn = draw(program, (width, height), backend="taichi", alpha=picture.has_alpha)
    return Progress(seconds, likeness(drawn, small), number_count(program), what, program)


def _result(program: Program, picture: Picture, seconds: float, history: list[dict[str, Any]], notes: list[str]) -> Fit:
    from refine.finishing import drawn_by_opengl, likeness
    from render.pictures import image as draw
    from shaderdsl import number_count

    height, width = picture.rgba.shape[:2]
    drawn, problem = drawn_by_opengl(program, (width, height), picture.has_alpha)
    notes = [*picture.notes, *notes, *([problem] if problem else [])]
    if drawn is None:
        image = draw(program, (width, height), backend="taichi", alpha=picture.has_alpha)
    else:
        image = drawn
    return Fit(
        program, image, likeness(image, picture), seconds, number_count(program), picture, history, validated=drawn is not None,
        notes=notes,
    )  # fmt: skip
