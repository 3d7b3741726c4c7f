"""What a fit starts from: a plain colour, given programs, a search over structure, or sketches of the picture.

All are offered to the fit's record, so that what the fit returns is never worse than any of them.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

import shaderdsl
from refine import search
from refine.descents import Coordinates, least_squares, legal, squared_error
from refine.evolution import Evolution, State
from refine.record import Record
from refine.sketch import Sketch
from refine.sketching import sketch
from render.images import Picture
from render.tapes import lowered
from shaderdsl import Program

LEAST_ROOM = 300
"""Numbers that a first sketch may have however few are wanted: taking away shows better what matters than not drawing it."""

PROMISING = 1.4
"""How many times the squared error of the best first sketch another may have: a worse one hardly ever wins in the end."""


def offer_plain(record: Record, has_alpha: bool) -> None:
    """Offers the least program: the picture's mean colour, or nothing where it is transparent."""
    red, green, blue, alpha = record.level.target.image.reshape(-1, 4).mean(0).tolist()
    if has_alpha and alpha < 0.5:
        colour = "none"
    else:
        colour = "".join(f"{round(255 * min(max(c / max(alpha, 1e-6), 0.0), 1.0)):02x}" for c in (red, green, blue))
        colour = f"#{colour}"
    program = shaderdsl.parse(f"scene {record.options.dimension}d(background = {colour})")
    record.offer(program, squared_error(program, record.level), "background")


def offer_given(record: Record, program: Program, deadline: float, what: str, refined: str) -> None:
    """Offers a program as it is, and with its numbers refined until the deadline (`time.perf_counter`).

    what, refined: the phrases for the two.
    """
    level = record.level
    record.offer(program, squared_error(program, level), what)
    if not len(program.params):
        return
    descent = least_squares(
        lowered(program), Coordinates(program), program.params, level, steps=40, tolerance=1e-5,
        stop=lambda: time.perf_counter() > deadline,
    )  # fmt: skip
    better = legal(program, descent.parameters[0])
    record.offer(better, squared_error(better, level), refined)


def offer_searched(record: Record, picture: npt.NDArray[np.float32], deadline: float) -> bool:
    """Offers what the structure search finds until the deadline, if the options name solid shapes to build of and the picture
    (h, w, 4; premultiplied, at the working resolution) has two colours; whether that was so."""
    options = record.options
    operations = options.operations
    if operations is None or {"path", "polygon"} & set(operations) or not search.applies(picture):
        return False

    def offer(program: Program) -> None:
        record.offer(program, squared_error(program, record.level), "search")

    def stopped() -> None:
        record.interrupted = True

    programs = search.search(
        picture,
        operations,
        seconds=max(deadline - time.perf_counter(), 0.1),
        max_shapes=options.max_shapes,
        seed=options.seed,
        on_progress=lambda seconds, program, error: offer(program),
        on_interrupt=stopped,
    )
    for program in programs:
        offer(program)
    return True


@dataclass(frozen=True)
class View:
    """A way to see the picture, to sketch it by: at some resolution, with its antialiasing undone or as it is; what refines
    and simplifies there; and whether that looks for borders and symmetries."""

    evolution: Evolution
    picture: Picture
    undo_antialiasing: bool
    structured: bool = True


def best_sketch(views: Sequence[View], judge: Evolution, detail: float) -> State | None:
    """The best of a picture's sketches, refined and simplified; None if there is no time.

    views: one for each sketch; the evolutions report each state.
    judge: compares them, and has the state returned.
    detail: as `refine.sketching.sketch` has it; below one, weak regions are left out.
    """
    starts: list[tuple[View, State, float]] = []
    room = max(int(1.3 * judge.budget.max_numbers), LEAST_ROOM)
    seen: set[Sketch] = set()
    for view in views:
        if judge.ended:
            break
        drawn = sketch(
            view.picture.rgba,
            max_numbers=room,
            undo_antialiasing=view.undo_antialiasing,
            detail=detail,
            allowed=judge.allowed,
        )
        if drawn in seen or (not drawn.layers and starts):
            continue
        seen.add(drawn)
        state = view.evolution.started(drawn, "sketch" if view.undo_antialiasing else "sketch of the edges")
        starts.append((view, state, judge.error_of(state.draft)))
    starts.sort(key=lambda start: start[2])
    settled: list[State] = []
    for view, state, error in starts:
        if view.evolution is not judge:
            # What a coarser view lacks is small, and it may have found what belongs together.
            state = judge.refined(view.evolution.settled(state).draft, 8)
            judge.report(state, "refined")
            settled.append(state)
        elif error < PROMISING * starts[0][2] + 1.0:
            settled.append(judge.settled(state, structured=view.structured))
    return min(settled, key=lambda s: s.measure(judge.budget), default=None)
