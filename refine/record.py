"""The record of a fit: what was found so far, the best of it, and how it was reached."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from refine.front import Candidate, Front

if TYPE_CHECKING:
    from refine.descents import Level
    from refine.draft import Draft
    from refine.options import Options
    from shaderdsl import Program

LAYER_OVER = 20
"""As how many numbers over the limit a layer over its limit counts."""


@dataclass(frozen=True)
class Progress:
    """Where a fit stands: seconds since its start, PSNR (dB) at the resolution it works at, numbers of the best program so far,
    what was done, and that program."""

    seconds: float
    psnr: float
    numbers: int
    what: str
    program: Program


class Record:
    """The best program so far, the front of those that no other dominates, and how they were reached.

    The best has the least description length; a program over the limits of `options` comes after all within them.

    level: on which all errors are measured.
    has_alpha: whether the picture has transparency, which then counts in the PSNR.
    price: the squared error that a number must save.
    on_progress: told of each new best.
    began: the fit's start, as `time.perf_counter` gives it.
    pixel: the side of a pixel of the level, in scene units.
    values: how many colour values of the level the PSNR is over.
    history: a dictionary of "seconds", "psnr", "numbers" and "what" for each best, in order.
    best: None until a program is offered.
    interrupted: whether the user asked for what there is.
    """

    def __init__(
        self, level: Level, has_alpha: bool, price: float, options: Options,
        on_progress: Callable[[Progress], None] | None, began: float,
    ) -> None:  # fmt: skip
        self.level = level
        self.pixel = 2.0 / min(level.target.size)
        self.values = level.target.image.size if has_alpha else level.target.image.size // 4 * 3
        self.price = price
        self.options = options
        asked = options.target_psnr
        self.target_error = None if asked is None else self.values * 10 ** (-asked / 10)
        self.on_progress = on_progress
        self.began = began
        self.history: list[dict[str, Any]] = []
        self.front = Front()
        self.best: Candidate | None = None
        self.interrupted = False
        self.measure = (1 << 30, float("inf"))

    @property
    def reached(self) -> bool:
        """Whether a program has the PSNR that was asked for."""
        return self.target_error is not None and self.front.least(self.target_error) is not None

    def offer(self, program: Program, error: float, what: str, draft: Draft | None = None) -> None:
        """Keeps a program of this squared error if it is on the front, and tells of it if it is the best so far.

        what: a short phrase, how the program was made.
        draft: the program's, if it has one: one with small loops is kept off the front.
        """
        from refine.descents import decibels
        from refine.evolution import LOOP_LENGTH, counted
        from refine.loops import loop_count
        from shaderdsl import number_count

        candidate = Candidate(number_count(program), error, program, draft)
        over = max(candidate.numbers - self.options.max_numbers, 0)
        if self.options.max_shapes is not None:
            over += LAYER_OVER * max(_shape_count(program) - self.options.max_shapes, 0)
        loops = 0 if draft is None else loop_count(draft.sketch, self.pixel)
        if not over and not loops:
            self.front.offer(candidate)
        measure = (over, counted(error, self.price) + self.price * (candidate.numbers + LOOP_LENGTH * loops))
        if measure >= self.measure:
            return
        self.measure, self.best = measure, candidate
        progress = Progress(
            time.perf_counter() - self.began, decibels(error / self.values), candidate.numbers, what, program
        )
        self.history.append({"seconds": progress.seconds, "psnr": progress.psnr, "numbers": progress.numbers, "what": what})
        if self.on_progress is not None:
            self.on_progress(progress)

    def only(self, candidate: Candidate) -> None:
        """Forgets all but one candidate."""
        self.front = Front()
        self.front.offer(candidate)
        self.best = candidate

    def chosen(self) -> Candidate:
        """The program to return: the one of fewest numbers that has the PSNR asked for, or else the best."""
        assert self.best is not None
        least = None if self.target_error is None else self.front.least(self.target_error)
        return least or self.best


def _shape_count(program: Program) -> int:
    """Layers of a program of the plane, solids of one in space."""
    return len(program.scene.layers if program.dimension == 2 else program.scene.surfaces)
