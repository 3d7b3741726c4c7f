"""The textures of the language as kinds with coordinates: what a fit of a texture chooses from, and how it draws many of them.

A kind is a paint of the registry that has a `scale`, with its words chosen (`cellular` with each `measure` is a kind). Its
coordinates lie in [0, 1]: the parameters that it has beside its seed. Another seed, another place and another turn are another picture
of the same texture.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from shaderdsl import Program, parse
from shaderdsl.registry import Operation, Parameter, operations

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

SCALES_BEYOND = 1.5
"""How far beyond its sensible range a scale is looked for, as a factor."""

SEEDS = 8
"""Seeds that textures are drawn with while one is looked for; places and turns are other ones each time."""

FARTHEST = 0.6
"""Scene units: how far a texture's origin may lie from the picture's centre, along each axis."""

_DRAWN_AT_ONCE = 1 << 21
"""Pixels."""


@dataclass(frozen=True)
class Coordinate:
    """A parameter of a texture on [0, 1]: lengths as logarithms, counts in equal parts.

    Of a parameter that is off at 0, as `warp` is, everything up to `off` is 0.
    """

    parameter: Parameter
    low: float
    high: float
    off: float = 0.0

    def value(self, place: Double) -> Double:
        """The parameter's values at places in [0, 1]."""
        place = np.clip(place, 0.0, 1.0)
        if self.parameter.kind == "count":
            return np.minimum(np.floor(self.low + place * (self.high - self.low + 1.0)), self.high)
        if self.parameter.kind == "length":
            return np.asarray(self.low * (self.high / self.low) ** place)
        inner = np.maximum(place - self.off, 0.0) / (1.0 - self.off)
        return np.asarray(self.low + inner * (self.high - self.low))


@dataclass(frozen=True)
class Kind:
    """A texture of the language: an operation, and the words of its choices."""

    operation: Operation
    words: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """As people call it: the operation's name, and its words."""
        return " ".join([self.operation.name, *(word for _, word in self.words)])

    @property
    def coordinates(self) -> tuple[Coordinate, ...]:
        """Scale first."""
        return _coordinates(self.operation)

    @property
    def seeded(self) -> bool:
        return any(p.name == "seed" for p in self.operation.parameters)

    def values(self, place: Double) -> dict[str, float]:
        """The parameters by name at a place (coordinates,)."""
        return {c.parameter.name: float(c.value(place[k])) for k, c in enumerate(self.coordinates)}


@lru_cache(maxsize=64)
def _coordinates(operation: Operation) -> tuple[Coordinate, ...]:
    found = []
    for p in sorted(operation.parameters, key=lambda p: p.name != "scale"):
        if p.kind == "choice" or p.name == "seed":
            continue
        beyond = SCALES_BEYOND if p.name == "scale" else 1.0
        off = 0.5 if p.kind == "number" and p.low == 0.0 and p.default == 0.0 else 0.0
        found.append(Coordinate(p, p.low / beyond, p.high * beyond, off))
    return tuple(found)


def kinds(names: Sequence[str] | None = None) -> list[Kind]:
    """All kinds, or those of the operations named."""
    found = []
    for operation in operations().values():
        if operation.category != "paint" or not any(p.name == "scale" for p in operation.parameters):
            continue
        if names is not None and operation.function not in names:
            continue
        choices = [[(p.name, word) for word in p.choices] for p in operation.parameters if p.kind == "choice"]
        found += [Kind(operation, words) for words in itertools.product(*choices)]
    return found


@dataclass(frozen=True)
class Sample:
    """One picture of a kind: its place among the coordinates (coordinates,), its seed, its turn in degrees and the place (x, y) of its
    origin."""

    kind: Kind
    place: Double
    seed: int
    turn: float
    origin: tuple[float, float]


def random_samples(kind: Kind, places: Double, rng: np.random.Generator) -> list[Sample]:
    """A picture at each of places (n, coordinates), with any seed, turn and origin."""
    turns = rng.uniform(-180.0, 180.0, len(places))
    origins = rng.uniform(-FARTHEST, FARTHEST, (len(places), 2))
    seeds = rng.integers(0, SEEDS, len(places))
    return [
        Sample(kind, place, int(seed), float(turn), (float(origin[0]), float(origin[1])))
        for place, seed, turn, origin in zip(places, seeds, turns, origins)
    ]


def tones(samples: Sequence[Sample], side: int) -> Float:
    """Places on the ramp of colours, in [0, 1], of the square from -1 to 1: (n, side, side)."""
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    found = np.empty((len(samples), side, side), np.float32)
    step = max(1, _DRAWN_AT_ONCE // side**2)
    for first in range(0, len(samples), step):
        programs = [_drawn(sample) for sample in samples[first : first + step]]
        batch = Batch.of([(tape_of(program), numbers) for program, numbers in programs])
        found[first : first + step] = batch.images((side, side))[..., 0]
    return found


def _drawn(sample: Sample) -> tuple[Program, Double]:
    """A program that draws the sample's tones as grey, and its numbers."""
    values = sample.kind.values(sample.place)
    counts = tuple((c.parameter.name, int(values[c.parameter.name])) for c in sample.kind.coordinates if c.parameter.kind == "count")
    program, names = _template(sample.kind, counts, sample.seed if sample.kind.seeded else 0)
    values.update(angle=sample.turn, x=sample.origin[0], y=sample.origin[1])
    numbers = np.array(program.params, np.float64)
    for k, name in enumerate(names):
        if name in values:
            numbers[k] = values[name]
    return program, numbers


@lru_cache(maxsize=4096)
def _template(kind: Kind, counts: tuple[tuple[str, int], ...], seed: int) -> tuple[Program, tuple[str, ...]]:
    """A program of this structure, grey, and the last part of each parameter's name."""
    written = [f"{name} = {value}" for name, value in counts]
    written += [f"{c.parameter.name} = {c.low}" for c in kind.coordinates if c.parameter.kind != "count"]
    written += [f"{name} = {word}" for name, word in kind.words]
    written += [f"seed = {seed}"] * kind.seeded
    paint = f"{kind.operation.function}(#000000, #ffffff, {', '.join(written)})"
    program = parse(f"scene 2d\nbox(2, 2).fill({paint}.rotate(1).move(0.1, 0.1))")
    return program, tuple(info.name.rpartition(".")[2] for info in program.parameters)
