"""What derivatives are tested against: finite differences of the float64 picture, and pictures of hard edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np
import numpy.typing as npt

from render import numpy_backend
from render.tapes import tape_of
from shaderdsl import Program, parse, syntax
from shaderdsl.registry import Operation, operations

Double = npt.NDArray[np.float64]
Size = tuple[int, int]

STEP = 5e-8
"""Of a finite difference: small against a pixel, and large against float64's rounding errors."""

KINK = 1.5e-5
"""A pixel's value has a kink where its one-sided differences are further apart than this, relative to the parameter's
largest derivative: a kink that is let through spoils a central difference by half of it, less than 1e-5."""


def alone(operation: Operation) -> Program:
    """The last statement of the operation's example, which shows it, over nothing."""
    example = parse(operation.example)
    texts = example.structure.texts(example.params)
    shown = [
        text for text, statement in zip(texts, example.structure.module.statements)
        if not isinstance(statement, (syntax.Draw, syntax.Scene)) or text is texts[-1]
    ]  # fmt: skip
    return parse("\n".join(["scene 2d(background = none)", *shown]))


def everything() -> Program:
    """One program that uses every operation, so that a kernel that is compiled for it serves all others."""
    return parse("scene 2d(background = none)\n" + "\n".join(o.example for o in operations().values()))


def spread(program: Program, seed: int, amount: float = 0.15) -> Program:
    """The same structure with every number of the text up to `amount` of itself larger or smaller."""
    random = Random(seed)
    factors = np.array([1.0 + random.uniform(-amount, amount) for _ in program.params])
    limits = [1.0 if p.kind in ("colour", "number") else 180.0 for p in program.parameters]
    return program.with_params(np.clip(program.params * factors, -180.0, limits))


def analytic(program: Program, size: Size, blur: float = 0.0) -> tuple[Double, Double]:
    """Picture (h, w, 4) and Jacobian (h, w, 4, p) by the reference."""
    image, derivative = numpy_backend.picture(tape_of(program), program.params, size, jacobian=True, blur=blur)
    assert derivative is not None
    return image, derivative


def scale_of(derivative: Double) -> Double:
    """(p,): each parameter's largest derivative; that of a hidden one is no less than 1e-5 of the largest of all."""
    largest = np.abs(derivative).max(axis=(0, 1, 2))
    return np.asarray(np.maximum(largest, 1e-5 * largest.max(initial=1e-3)))


@dataclass(frozen=True)
class Differences:
    """Finite differences (h, w, 4, p) of a program's picture, and where they mean nothing."""

    central: Double
    kinks: npt.NDArray[np.bool_]

    @property
    def excluded(self) -> float:
        """The share of kinks among the entries that are not zero."""
        return float(self.kinks.sum() / max((self.central != 0.0).sum(), 1))


def finite_differences(program: Program, size: Size, scale: Double, blur: float = 0.0) -> Differences:
    """`scale` is that of the Jacobian. Angles are in degrees and take a longer step."""
    tape = tape_of(program)
    here = numpy_backend.picture(tape, program.params, size, blur=blur)[0]
    central, kinks = np.zeros((*here.shape, len(program.params))), np.zeros((*here.shape, len(program.params)), bool)
    for k, value in enumerate(program.params):
        step = STEP * max(1.0, abs(value))
        ahead, behind = program.params.copy(), program.params.copy()
        ahead[k] += step
        behind[k] -= step
        rise = (numpy_backend.picture(tape, ahead, size, blur=blur)[0] - here) / step
        fall = (here - numpy_backend.picture(tape, behind, size, blur=blur)[0]) / step
        central[..., k] = 0.5 * (rise + fall)
        kinks[..., k] = np.abs(rise - fall) > KINK * scale[k]
    return Differences(central, kinks)


# -- hard edges ----------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _lattice() -> Double:
    """610 points of the unit pixel, (n, 2) in [-0.5, 0.5): a Fibonacci lattice, which measures an edge along an axis
    more finely than the 4,096 points of a 64x64 grid do."""
    count, generator = 610, 377
    index = np.arange(count)
    return np.stack([(index + 0.5) / count, (index * generator / count) % 1.0], 1) - 0.5


def hard_coverage(program: Program, params: npt.ArrayLike, size: Size) -> Double:
    """(h, w): the share of each pixel where the first layer's field is negative. Only pixels near the edge are sampled
    (where the field at the centre is less than two pixels); the others are all in or all out."""
    tape = tape_of(program)
    pixel = 2.0 / min(size)
    x, y = numpy_backend.pixel_centres(size)
    centres = np.stack([x.ravel(), y.ravel()], 1)
    value = numpy_backend.field(tape, params, 0, centres)[0]
    covered = (value < 0.0).astype(np.float64)
    near = np.flatnonzero(np.abs(value) < 2.0 * pixel * max(1.0, float(tape.lipschitz[0])))
    points = (centres[near, None] + pixel * _lattice()[None]).reshape(-1, 2)
    covered[near] = (numpy_backend.field(tape, params, 0, points)[0] < 0.0).reshape(len(near), -1).mean(1)
    return np.asarray(covered.reshape(x.shape))


def soft_coverage(program: Program, params: npt.ArrayLike, size: Size) -> Double:
    """(h, w): the alpha of our own picture of a program over nothing."""
    return np.asarray(numpy_backend.picture(tape_of(program), params, size)[0][..., 3])


def edge_error(program: Program, size: Size) -> float:
    """How far central differences of our picture are from those of hard edges, at steps that move the edge by about
    0.35 pixels: the relative L2 error of one parameter's difference, as the root mean square over the parameters."""
    errors = []
    for index, parameter in enumerate(program.parameters):
        ahead, behind = program.params.copy(), program.params.copy()
        step = 0.35 * 2.0 / min(size)
        if parameter.kind in ("angle", "number"):  # of a feature at half a unit from the origin
            step = float(np.degrees(step / 0.5)) if parameter.kind == "angle" else step / 0.5
        ahead[index] += step
        behind[index] -= step
        ours = soft_coverage(program, ahead, size) - soft_coverage(program, behind, size)
        hard = hard_coverage(program, ahead, size) - hard_coverage(program, behind, size)
        if np.abs(hard).max() > 0.02:  # colours and the like move no edge
            errors.append(np.linalg.norm(ours - hard) / np.linalg.norm(hard))
    return float(np.sqrt(np.mean(np.square(errors)))) if errors else 0.0
