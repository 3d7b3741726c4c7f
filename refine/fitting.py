"""`fit`: from a picture to a program.

Proposals first: sketches of the picture's regions (`refine.sketching`), programs of a `Proposer`, a given start, or, where
the operations asked for make it pay, a population search over structure (`refine.search`). Each is refined and
simplified (`refine.evolution`); the best goes on, growing and shrinking, until time is up or nothing gains; and its
numbers are rounded to what they are worth. What is returned is never worse than its best start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from refine.options import Options
from refine.record import Progress, Record
from refine.result import Fit

if TYPE_CHECKING:
    from refine.descents import Level
    from refine.evolution import Evolution, State
    from refine.proposer import Proposer
    from render.images import Picture
    from shaderdsl import Program

WORKING_SIDE = 128
"""The longer side, in pixels, that the structure of a picture is found at."""

DETAIL_SIDE = 256
"""The longer side, in pixels, that a larger picture is fitted at besides."""

FINE_SIDE = 512
"""The longer side, in pixels, at which the numbers of a larger picture's program find their last digits."""

FINE_SHARE = 0.08
"""The share of the time that goes to that."""

FINISH_SHARE = 0.15
"""The share of the time kept for rounding, and for OpenGL to compile and draw what was found."""

DESCENT_SHARE = 0.15
"""The share of the time that goes to smaller programs, for the front."""

LEAST_NUMBERS = 12
"""Numbers of the smallest of them."""

NOISE = 0.9
"""The share of a plain colour's squared error that shapes must get below, or the picture is taken for noise."""

LOSSY_PRICE = 8.0
"""How much more a number must save in a small picture of a lossy format."""

PROPOSALS = 8
"""Programs asked of a proposer."""


def fit(
    image: Any,
    *,
    seconds: float = 10.0,
    max_shapes: int | None = None,
    max_numbers: int = 400,
    target_psnr: float | None = None,
    style: str = "auto",
    operations: Sequence[str] | None = None,
    proposer: str | Proposer = "auto",
    seed: int = 0,
    start: Program | None = None,
    dimension: int = 2,
    on_progress: Callable[[Progress], None] | None = None,
) -> Fit:
    """A short program that draws `image`: a path, a PIL image, an array, or a `render.Picture`; RGB or RGBA.

    seconds: the time budget; the best program so far is returned when it is up (and on Ctrl-C, with `interrupted`
        set). Compiling the renderer's kernels, once on a machine, and loading them, once a process, does not count.
    max_shapes, max_numbers: limits on layers and on the text's numbers (a colour counts as three).
    target_psnr: dB at which the search ends; the program of fewest numbers that has it is returned (rounding may cost
        `refine.rounding.ROUNDING_LOSS` of it), or the best if time is up before.
    style: "shapes" uses named shapes alone (circles, boxes, polygons and so on), "paths" outlines and strokes alone, "auto"
        whatever describes the picture best.
    operations: names of shapes, transforms and booleans that may be used, such as ["circle", "box", "rotate", "move",
        "union", "difference"]; all by default.
    proposer: "auto" (sketches of regions, or structure search where `operations` suit it), or an object with
        `propose(image, n)`.
    dimension: 3 looks for solids, their materials, a camera and a light, instead of shapes of the plane (`style` and
        `operations` are for those); `notes` say what one picture does not determine.
    start: a program to begin from, beside the proposals.
    seed: of everything random.
    on_progress: called with a `Progress` at each improvement.

    Raises ImageError for an image that can not be read, ValueError for options that make no sense.
    """
    options = Options(
        seconds=seconds,
        max_shapes=max_shapes,
        max_numbers=max_numbers,
        target_psnr=target_psnr,
        style=style,
        operations=operations,
        proposer=proposer,
        seed=seed,
        start=start,
        dimension=dimension,
    )
    # What is heavy is loaded late: options and pictures that can not be used are told before.
    from render.images import load, resized

    picture = replace(load(image), of_light=dimension == 3)
    from refine.descents import one_linear_algebra_thread, pyramid
    from render import solid_taichi
    from render.taichi_backend import prepare

    preparing = prepare() if dimension == 2 else solid_taichi.prepare()
    began = time.perf_counter()
    from refine import finishing, starts

    side = _side(picture, DETAIL_SIDE if _exceeds(picture, WORKING_SIDE) else WORKING_SIDE)
    level = pyramid(picture, [(side, 0.0)])[0]
    record = Record(level, picture.has_alpha, _price(picture, level), options, on_progress, began)
    starts.offer_plain(record, picture.has_alpha)
    try:
        with one_linear_algebra_thread():
            _improve(record, picture, resized(picture, _side(picture, WORKING_SIDE)))
    except KeyboardInterrupt:
        record.interrupted = True
    try:
        chosen = record.chosen()
        if _exceeds(picture, DETAIL_SIDE) and chosen.draft is not None and not record.interrupted:
            level = pyramid(picture, [(_side(picture, FINE_SIDE), 0.0)])[0]
            chosen = finishing.sharpened(chosen, level, began + (1.0 - FINISH_SHARE) * seconds)
        fitted = finishing.finished(record, chosen, level, picture)
    except KeyboardInterrupt:
        record.interrupted = True
        fitted = finishing.finished(record, record.chosen(), record.level, picture, hurried=True)
    if dimension == 3 and not record.interrupted:
        from refine.ambiguity import undetermined

        fitted.notes += undetermined(fitted.program, record.level)
    if preparing > 5.0:
        fitted.notes.append(
            f"Loading the renderer took {preparing:.0f} s before the fit began; the first time on a machine it is compiled."
        )
    return fitted


def _side(picture: Picture, side: int) -> int:
    """The longer side, in pixels, that a picture is averaged down to: about `side` (see `working_side`), or more where its shape would
    change, as that of a picture a few pixels high does when its shorter side is rounded."""
    from refine.descents import same_shape, working_side
    from render.images import resized

    height, width = picture.rgba.shape[:2]
    side = working_side(picture, side)
    while side < max(height, width):
        rows, columns = resized(picture, side).rgba.shape[:2]
        if same_shape((columns, rows), (width, height)):
            break
        side = working_side(picture, 2 * side)
    return int(min(side, max(height, width)))


def _exceeds(picture: Picture, side: int) -> bool:
    """Whether a picture shows notably more than when its longer side is averaged down to `side`."""
    return bool(max(picture.rgba.shape[:2]) > 1.25 * side)


def _thrift(picture: Picture) -> float:
    """How much more than usual a number must save: much where compression left traces that averaging does not remove."""
    return LOSSY_PRICE if picture.lossy and max(picture.rgba.shape[:2]) <= 2 * WORKING_SIDE else 1.0


def _price(picture: Picture, level: Level) -> float:
    """The squared error on a level that a number must save."""
    from refine.evolution import price_of

    width, height = level.target.size
    return price_of(width * height) * _thrift(picture)


def _improve(record: Record, picture: Picture, work: Picture) -> None:
    """Offers the record programs from each start, better and better ones, until what is left of the time is for the end.

    picture, work: the input, and the same at the working resolution.
    """
    from refine import starts
    from refine.descents import pyramid
    from refine.starts import View
    from render.images import resized

    options = record.options
    if options.dimension == 3:
        from refine import solid_fitting

        solid_fitting.improve(record, picture, record.began + (1.0 - FINISH_SHARE) * options.seconds)
        return
    kept = FINISH_SHARE + (FINE_SHARE if _exceeds(picture, DETAIL_SIDE) else 0.0)
    deadline = record.began + (1.0 - kept) * options.seconds
    if options.start is not None:
        starts.offer_given(record, options.start, deadline, "start", "start refined")
    if not isinstance(options.proposer, str):
        for program in options.proposer.propose(work.rgba, PROPOSALS):
            starts.offer_given(record, program, deadline, "proposed", "proposal refined")
        return
    coarse = pyramid(work, [(max(work.rgba.shape[:2]), 0.0)])[0]
    if starts.offer_searched(record, coarse.target.image, deadline):
        return
    # What is left after that is for smaller programs.
    early = deadline - DESCENT_SHARE * options.seconds
    evolution = _evolution(record, picture, WORKING_SIDE, early)
    views = [View(evolution, work, True), View(evolution, work, False)]
    if coarse.target.size != record.level.target.size:
        # Few pixels show what belongs together, and soon; more of them show what is small.
        evolution = _evolution(record, picture, DETAIL_SIDE, early)
        views[1] = View(evolution, resized(picture, _side(picture, DETAIL_SIDE)), True, structured=False)
    plain = record.front.candidates[0]
    state = starts.best_sketch(views, evolution, 1.0 / _thrift(picture))
    if state is None:
        return
    if state.error > NOISE * plain.error and options.start is None:
        # Nothing here has a shape: numbers would only follow the noise.
        record.only(plain)
        return
    if not evolution.ended:
        state = evolution.exchange(state)
    evolution.budget = replace(evolution.budget, deadline=deadline)
    evolution.descend(state, LEAST_NUMBERS)


def _evolution(record: Record, picture: Picture, side: int, deadline: float) -> Evolution:
    """Rounds on a picture whose longer side is averaged down to `side`, which offer what they find to the record."""
    from refine.descents import pyramid, squared_error
    from refine.evolution import Budget, Evolution

    options = record.options
    side = _side(picture, side)
    level, wide, small = pyramid(picture, [(side, 0.0), (side, 1.5), (max(1, side // 2), 0.0)])
    pixel = 2.0 / min(level.target.size)
    budget = Budget(options.max_numbers, options.max_shapes, _price(picture, level), deadline, pixel)
    same = level.target.size == record.level.target.size

    def report(state: State, what: str) -> None:
        program = state.draft.program
        record.offer(program, state.error if same else squared_error(program, record.level), what, state.draft)

    return Evolution(level, wide, small, budget, report, options.allowed(), lambda: record.reached)
