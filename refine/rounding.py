"""Rounding: each number of a refined program at the fewest digits, for next to nothing in picture quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from refine.descents import Level
    from refine.draft import Draft
    from shaderdsl import Program

ROUNDING_LOSS = 0.05
"""Decibels that rounding the numbers may cost."""

NOTHING = 1e-3
"""What is smaller, a fifteenth of a pixel, is worth some loss to be rid of: 7e-5 is not what a person would write."""

LARGEST_ROUNDING = 0.03
"""The largest step that a number is rounded to (of an angle a degree): numbers keep at least their hundredths."""


def printed(program: Program, draft: Draft | None, level: Level) -> Program:
    """The program as it is to be printed: rounded, and what was rounded to nothing not written at all.

    `draft` is the program's draft, if it has one; only then is a text written anew.
    """
    from refine.descents import squared_error
    from refine.draft import Draft, renumbered

    program = rounded(program, level)
    if draft is not None:
        plainer = Draft.of(renumbered(draft.sketch, program.params.tolist())).program
        if squared_error(plainer, level) <= 1.001 * squared_error(program, level) + 1e-6:
            return plainer
    return program


def rounded(program: Program, level: Level) -> Program:
    """The program with each number at the fewest digits, such that all together cost at most `ROUNDING_LOSS` dB.

    Rounding a number to a step q adds about h q²/12 to the squared error, h its diagonal entry of JᵀJ; one threshold on
    that decides the digits of all, and is raised as far as the loss allows.
    """
    from refine.descents import legal, squared_error
    from render.batching import batch_of
    from render.tapes import lowered

    if not len(program.params):
        return program
    error, _, matrix = batch_of(lowered(program), program.params[None]).normal_equations(level.target, level.blur)
    curvature = np.maximum(np.diag(matrix[0]).astype(np.float64), 1e-12)
    colours = np.array([p.kind == "colour" for p in program.structure.traits])
    # Scores of even tiles are differences of single-precision sums: next to nothing, they are uncertain by about this.
    unsure = 1e-7 * level.target.image.size
    limit = float(error[0]) * 10 ** (ROUNDING_LOSS / 10) + unsure
    thresholds = 10.0 ** np.arange(-9, 1.01, 0.5)
    # Colours as #rrggbb where the loss allows it, else with digits as the other numbers.
    for whole in (True, False):
        best: Program | None = None
        low, high = 0, len(thresholds)
        while low < high:
            middle = (low + high) // 2
            candidate = _with_digits(program, curvature, colours & whole, thresholds[middle])
            if candidate is not None and squared_error(candidate, level) <= limit:
                best, low = candidate, middle + 1
            else:
                high = middle
        if best is not None:
            return best
    return legal(program, np.float32(program.params).astype(np.float64))


def _with_digits(
    program: Program, curvature: npt.NDArray[np.float64], whole: npt.NDArray[np.bool_], threshold: float
) -> Program | None:
    """The program with numbers rounded as far as `threshold` squared error each allows, those in `whole` to 1/255; None where
    that breaks a condition, such as that a box is no smaller than its rounding."""
    values = program.params.copy()
    # The quadratic is a guide for small steps alone: a sliver inside one pixel has no slope, and yet has its place.
    largest = np.array([1.0 if p.kind == "angle" else LARGEST_ROUNDING for p in program.structure.traits])
    steps = np.minimum(np.sqrt(12.0 * threshold / curvature), largest)
    digits = np.clip(np.floor(-np.log10(steps)).astype(int) + 1, 0, 6)
    rounded = np.array([round(float(v), int(d)) for v, d in zip(values, digits)])
    # Nearly nothing reads better as nothing.
    loss = curvature * values**2
    rounded[(loss < 3.0 * threshold) & (np.abs(values) < largest)] = 0.0
    rounded[(loss < 100.0 * threshold) & (np.abs(values) < NOTHING)] = 0.0
    # A size that rounds to nothing keeps one digit that is not zero.
    lost = (rounded == 0.0) & (values != 0.0) & (program.structure.low >= 0.0)
    rounded[lost] = [float(f"{v:.1g}") for v in values[lost]]
    structure = program.structure
    values = np.clip(np.where(whole, np.round(values * 255.0) / 255.0, rounded), structure.low, structure.high)
    return program.with_params(values) if structure.allows(values) else None
