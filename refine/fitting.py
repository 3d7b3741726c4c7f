"""`fit`: from a picture to a program.

Proposals first: sketches of the picture's regions (`refine.sketching`), programs of a `Proposer`, a given start, or, where
the operations asked for make it pay, a population search over structure (`refine.search`). Each is refined and
simplified (`refine.evolution`); the best goes on, growing and shrinking, until time is up or nothing gains; and its
numbers are rounded to what they are worth. What is returned is never worse than its best start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.front import Candidate, Front, ParetoPoint
from refine.result import Fit

if TYPE_CHECKING:
    from refine.draft import Draft
    from refine.evolution import Evolution, State
    from refine.optimization import Level
    from refine.proposer import Proposer
    from refine.sketch import Sketch, SketchShape, Symmetry
    from render.images import Picture
    from shaderdsl import Program

WORKING_SIDE = 128
"""The longer side, in pixels, that a picture is fitted at."""

FINE_SIDE = 512
"""The longer side, in pixels, at which the numbers of a larger picture's program find their last digits."""

FINE_SHARE = 0.08
"""The share of the time that goes to that."""

LARGEST_JUDGED = 100_000
"""Pixels up to which OpenGL draws the result at the input's size; software OpenGL takes seconds for more, so the GLSL of a
larger one is validated on a smaller drawing, and Taichi draws the picture."""

FRONT_POINTS = 12
"""How many points of the Pareto front are rounded and returned."""

DESCENT_SHARE = 0.15
"""The share of the time that goes to smaller programs, down to LEAST_NUMBERS."""

LEAST_NUMBERS = 12

NOISE = 0.9
"""The share of a plain colour's squared error that shapes must get below, or the picture is taken for noise."""

LOSSY_PRICE = 8.0
"""How much more a number must save in a small picture of a lossy format."""

LEAST_ROOM = 300
"""Numbers that a first sketch may have however few are wanted: taking away shows better what matters than not drawing it."""

FINISH_SHARE = 0.15
"""The share of the time kept for rounding, and for OpenGL to compile and draw what was found."""

_SHAPE_FUNCTIONS = {
    "Circle": {"circle"}, "Ellipse": {"ellipse"}, "Box": {"box"}, "Capsule": {"capsule"}, "Segment": {"segment"},
    "Ring": {"ring"}, "Outlined": {"stroke"}, "Difference": {"difference"}, "Polygon": {"polygon"}, "Path": {"path"}, "Offset": {"offset"}, "Stroke": {"path"},
    "Mirror": {"mirror"}, "Polar": {"repeat_polar"}, "Grid": {"repeat_grid"},
}  # fmt: skip

STYLES = ("auto", "shapes", "paths")
"""What programs are made of: what describes the picture best, named shapes alone, or outlines and strokes alone."""


@dataclass(frozen=True)
class Progress:
    """Where a fit stands: seconds since its start, PSNR (dB) at the working resolution, numbers of the best program so far,
    what was done, and that program."""

    seconds: float
    psnr: float
    numbers: int
    what: str
    program: Program


class _Best:
    """The best program so far by description length, all that no other dominates, and how they were reached."""

    def __init__(
        self, level: Level, has_alpha: bool, price: float, max_numbers: int, max_shapes: int | None, target_psnr: float | None,
        on_progress: Callable[[Progress], None] | None, began: float,
    ) -> None:  # fmt: skip
        self.level = level
        self.pixel = 2.0 / min(level.target.size)
        # Colour values that the mean squared error is over.
        self.values = level.target.image.size if has_alpha else level.target.image.size // 4 * 3
        self.price = price
        self.max_numbers = max_numbers
        self.max_shapes = max_shapes
        self.target_error = None if target_psnr is None else self.values * 10 ** (-target_psnr / 10)
        self.on_progress = on_progress
        self.began = began
        self.history: list[dict[str, Any]] = []
        self.front = Front()
        self.best: Candidate | None = None
        self.measure: tuple[int, float] = (1 << 30, np.inf)

    @property
    def reached(self) -> bool:
        """Whether a program has the PSNR that was asked for."""
        return self.target_error is not None and self.front.least(self.target_error) is not None

    def offer(self, program: Program, error: float, what: str, draft: Draft | None = None) -> None:
        """Keeps the program if it is on the front, and tells if it is the best so far."""
        from refine.evolution import LOOP_LENGTH, counted
        from refine.loops import loop_count
        from refine.optimization import decibels
        from shaderdsl import number_count

        candidate = Candidate(number_count(program), error, program, draft)
        over = max(candidate.numbers - self.max_numbers, 0)
        if self.max_shapes is not None:
            over += 20 * max(len(program.scene.layers) - self.max_shapes, 0)
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
        """The program to return: the least that has the PSNR asked for, or else the best."""
        assert self.best is not None
        least = None if self.target_error is None else self.front.least(self.target_error)
        return least or self.best


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
    start: a program to begin from, beside the proposals.
    seed: of everything random.
    on_progress: called with a `Progress` at each improvement.

    Raises ImageError for an image that can not be read, ValueError for options that make no sense.
    """
    from refine.optimization import one_linear_algebra_thread, pyramid
    from render.images import load, resized

    _check_options(seconds, max_shapes, max_numbers, target_psnr, style, operations, proposer)
    picture = load(image)
    from render.taichi_backend import prepare

    preparing = prepare()
    began = time.perf_counter()
    work = resized(picture, WORKING_SIDE)
    level = pyramid(work, [(WORKING_SIDE, 0.0)])[0]
    from refine.evolution import price_of

    price = price_of(work.rgba.shape[0] * work.rgba.shape[1]) * _thrift(picture)
    best = _Best(level, work.has_alpha, price, max_numbers, max_shapes, target_psnr, on_progress, began)
    interrupted = False
    _offer_plain(best, work)
    try:
        with one_linear_algebra_thread():
            _improve(best, picture, work, level, seconds, max_shapes, style, operations, proposer, seed, start)
    except KeyboardInterrupt:
        interrupted = True
    chosen, fine = best.chosen(), level
    if _is_large(picture) and chosen.draft is not None and not interrupted:
        fine = pyramid(picture, [(FINE_SIDE, 0.0)])[0]
        chosen = _sharpened(chosen, fine, best.began + (1.0 - FINISH_SHARE) * seconds)
    fitted = _finished(best, chosen, fine, picture, interrupted)
    if preparing > 5.0:
        fitted.notes.append(
            f"Loading the renderer took {preparing:.0f} s before the fit began; the first time on a machine it is compiled."
        )
    return fitted


def _is_large(picture: Picture) -> bool:
    """Whether a picture has more to say about a number than the search sees."""
    return bool(max(picture.rgba.shape[:2]) > 1.25 * WORKING_SIDE)


def _thrift(picture: Picture) -> float:
    """How much more than usual a number must save: much where compression left traces that averaging does not remove."""
    return LOSSY_PRICE if picture.lossy and max(picture.rgba.shape[:2]) <= 2 * WORKING_SIDE else 1.0


def _check_options(
    seconds: float, max_shapes: int | None, max_numbers: int, target_psnr: float | None, style: str,
    operations: Sequence[str] | None, proposer: Any,
) -> None:  # fmt: skip
    from shaderdsl.registry import functions

    if not seconds > 0:
        raise ValueError(f"seconds is the time a fit may take, above 0, not {seconds}")
    if max_numbers < 3:
        raise ValueError(f"max_numbers is at least 3 (a background colour), not {max_numbers}")
    if max_shapes is not None and max_shapes < 1:
        raise ValueError(f"max_shapes is at least 1, not {max_shapes}")
    if target_psnr is not None and not 0 < target_psnr < 100:
        raise ValueError(f"target_psnr is in decibels, above 0 and below 100, not {target_psnr}")
    if style not in STYLES:
        raise ValueError(f'style is "auto", "shapes" or "paths", not {style!r}')
    for name in operations or ():
        if name not in functions():
            import difflib

            near = difflib.get_close_matches(name, functions(), 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            raise ValueError(f'operations has "{name}", which is no operation of the language{hint}')
    if proposer != "auto" and not hasattr(proposer, "propose"):
        raise ValueError(f'proposer is "auto" or an object with propose(image, n), not {proposer!r}')


def _offer_plain(best: _Best, work: Picture) -> None:
    """The least program: the picture's mean colour, or nothing where it is transparent."""
    import shaderdsl
    from refine.optimization import squared_error

    red, green, blue, alpha = best.level.target.image.reshape(-1, 4).mean(0).tolist()
    if work.has_alpha and alpha < 0.5:
        text = "scene 2d(background = none)"
    else:
        colour = "".join(f"{round(255 * min(max(c / max(alpha, 1e-6), 0.0), 1.0)):02x}" for c in (red, green, blue))
        text = f"scene 2d(background = #{colour})"
    program = shaderdsl.parse(text)
    best.offer(program, squared_error(program, best.level), "background")


def _improve(
    best: _Best, picture: Picture, work: Picture, level: Level, seconds: float, max_shapes: int | None, style: str,
    operations: Sequence[str] | None, proposer: str | Proposer, seed: int, start: Program | None,
) -> None:  # fmt: skip
    from refine.evolution import Budget, Evolution
    from refine.optimization import pyramid, squared_error

    kept = FINISH_SHARE + (FINE_SHARE if _is_large(picture) else 0.0)
    deadline = best.began + (1.0 - kept) * seconds
    if start is not None:
        best.offer(start, squared_error(start, level), "start")
        _optimised(best, start, level, deadline, "start refined")
    if not isinstance(proposer, str):
        for program in proposer.propose(work.rgba, 8):
            best.offer(program, squared_error(program, level), "proposed")
            _optimised(best, program, level, deadline, "proposal refined")
        return
    if operations is not None and _searched(best, level, operations, deadline, max_shapes, seed):
        return
    budget = Budget(best.max_numbers, max_shapes, best.price, deadline - DESCENT_SHARE * seconds, best.pixel)
    allowed = _allowed(operations, style)

    def report(state: State, what: str) -> None:
        best.offer(state.draft.program, state.error, what, state.draft)

    wide, small = pyramid(work, [(WORKING_SIDE, 1.5), (WORKING_SIDE // 2, 0.0)])
    plain = best.front.candidates[0]
    evolution = Evolution(level, wide, small, budget, report, allowed, lambda: best.reached)
    state = _best_sketch(best, evolution, work, _thrift(picture))
    if state is None:
        return
    if state.error > NOISE * plain.error:
        # Nothing here has a shape: numbers would only follow the noise.
        best.only(plain)
        return
    if not evolution.ended:
        state = evolution.exchange(state)
    evolution.budget = replace(budget, deadline=deadline)
    evolution.descend(state, LEAST_NUMBERS)


def _allowed(operations: Sequence[str] | None, style: str) -> Callable[[SketchShape | Symmetry], bool]:
    """Whether a shape or a symmetry may be used under the restrictions to `operations` and to a style."""
    wanted = set().union(*_SHAPE_FUNCTIONS.values()) if operations is None else set(operations)
    if style == "shapes":
        wanted -= {"path"}
    elif style == "paths":
        wanted &= {"path", "polygon", "offset", "mirror", "repeat_polar", "repeat_grid"}

    from refine.sketch import Difference, Offset, Outlined

    def allowed(shape: SketchShape | Symmetry) -> bool:
        parts: tuple[SketchShape, ...] = ()
        if isinstance(shape, Outlined):
            parts = (shape.shape,)
        elif isinstance(shape, Offset):
            parts = (shape.outline,)
        elif isinstance(shape, Difference):
            parts = (shape.base, *shape.holes)
        return _SHAPE_FUNCTIONS[type(shape).__name__] <= wanted and all(allowed(part) for part in parts)

    return allowed


def _optimised(best: _Best, program: Program, level: Level, deadline: float, what: str) -> None:
    from refine.optimization import Coordinates, least_squares, legal, squared_error
    from render.tapes import tape_of

    if not len(program.params):
        return
    descent = least_squares(
        tape_of(program), Coordinates(program), program.params, level, steps=40, tolerance=1e-5,
        stop=lambda: time.perf_counter() > deadline,
    )  # fmt: skip
    better = legal(program, descent.parameters[0])
    best.offer(better, squared_error(better, level), what)


def _searched(
    best: _Best, level: Level, operations: Sequence[str], deadline: float, max_shapes: int | None, seed: int
) -> bool:
    """Whether the structure search took the job: a picture in two colours, and solid shapes to build it of."""
    from refine import search
    from refine.optimization import squared_error

    if {"path", "polygon"} & set(operations) or not search.applies(level.target.image):
        return False

    def report(seconds: float, program: Program, error: float) -> None:
        best.offer(program, squared_error(program, level), "search")

    left = max(deadline - time.perf_counter(), 0.1)
    programs = search.search(
        level.target.image, operations, seconds=left, max_shapes=max_shapes, seed=seed, on_progress=report
    )
    for program in programs:
        best.offer(program, squared_error(program, level), "search")
    return True


def _best_sketch(best: _Best, evolution: Evolution, work: Picture, thrift: float) -> State | None:
    """The better of two sketches, with and without antialiasing undone, refined and simplified."""
    from refine.sketching import sketch

    starts: list[State] = []
    room = max(int(1.3 * best.max_numbers), LEAST_ROOM)
    seen: set[Sketch] = set()
    for undo in (True, False):
        if evolution.ended:
            break
        drawn = sketch(
            work.rgba, max_numbers=room, undo_antialiasing=undo, detail=1.0 / thrift, allowed=evolution.allowed
        )
        if drawn in seen or (not drawn.layers and starts):
            continue
        seen.add(drawn)
        starts.append(evolution.started(drawn, "sketch" if undo else "sketch of the edges"))
    starts.sort(key=lambda s: s.measure(replace(evolution.budget, max_numbers=room)))
    # One that is much worse at the start hardly ever wins in the end.
    promising = [s for s in starts if s.error < 1.4 * starts[0].error + 1.0]
    settled = [evolution.settled(s) for s in promising]
    return min(settled, key=lambda s: s.measure(evolution.budget), default=None)


# -- the end -------------------------------------------------------------------------------------------------


def _sharpened(candidate: Candidate, level: Level, deadline: float) -> Candidate:
    """The candidate with its numbers refined on a finer level, where an edge shows its place to a fraction of these pixels."""
    from refine.optimization import Coordinates, least_squares, squared_error
    from render.tapes import tape_of

    assert candidate.draft is not None
    program = candidate.program
    if not len(program.params):
        return candidate
    descent = least_squares(
        tape_of(program), Coordinates(program), program.params, level, steps=12, tolerance=1e-3,
        stop=lambda: time.perf_counter() > deadline,
    )  # fmt: skip
    draft = candidate.draft.with_params(descent.parameters[0])
    return replace(candidate, program=draft.program, draft=draft, error=squared_error(draft.program, level))


def _finished(best: _Best, chosen: Candidate, fine: Level, picture: Picture, interrupted: bool) -> Fit:
    """The program as printed, drawn at the input's size, by OpenGL where there is one (see LARGEST_JUDGED), and the front."""
    import shaderdsl
    from refine.rounding import printed
    from render.images import resized
    from render.pictures import image

    program = shaderdsl.parse(printed(chosen.program, chosen.draft, fine).text)
    height, width = picture.rgba.shape[:2]
    notes = list(picture.notes)
    scale = min(1.0, (LARGEST_JUDGED / (width * height)) ** 0.5)
    judged = (max(1, round(width * scale)), max(1, round(height * scale)))
    # OpenGL works in a process of its own, and takes its time to compile: meanwhile the front is printed.
    with ThreadPoolExecutor(1) as pool:
        drawing = pool.submit(_judged, program, judged, picture.has_alpha)
        shorter = [printed(c.program, c.draft, best.level) for c in best.front.thinned(FRONT_POINTS)]
        drawn, problem = drawing.result()
    notes += [problem] if problem else []
    validated = drawn is not None
    if drawn is None or judged != (width, height):
        drawn = image(program, (width, height), backend="taichi", alpha=picture.has_alpha)
    numbers = shaderdsl.number_count(program)
    value = _likeness(drawn, picture)
    seen = picture if scale == 1.0 else resized(picture, max(judged))
    bar = value if seen is picture else _shown(program, seen)
    pareto = [ParetoPoint(numbers, bar, program)]
    for candidate in sorted(shorter, key=shaderdsl.number_count, reverse=True):
        count, likeness = shaderdsl.number_count(candidate), _shown(candidate, seen)
        if count < pareto[0].numbers and likeness < bar:
            bar = likeness
            pareto.insert(0, ParetoPoint(count, likeness, candidate))
    seconds = time.perf_counter() - best.began
    best.history.append({"seconds": seconds, "psnr": value, "numbers": numbers, "what": "as printed"})
    return Fit(program, drawn, value, seconds, numbers, picture, best.history, pareto, validated, notes, interrupted)


def _judged(
    program: Program, size: tuple[int, int], with_alpha: bool
) -> tuple[npt.NDArray[np.float32] | None, str | None]:
    """The program drawn by OpenGL, or None and a sentence that says why not."""
    from render.gl_backend import OpenGLUnavailable, ShaderError, ShaderTimeout, WorkerCrashed
    from render.pictures import image

    try:
        return image(program, size, backend="gl", alpha=with_alpha), None
    except OpenGLUnavailable as problem:
        return None, f"The GLSL was not validated: {problem}"
    except (ShaderError, ShaderTimeout, WorkerCrashed) as problem:
        return None, f"OpenGL could not draw the GLSL: {str(problem).splitlines()[0]}"


def _shown(program: Program, picture: Picture) -> float:
    """PSNR (dB) of a program drawn by Taichi at a picture's size."""
    from render.pictures import image

    height, width = picture.rgba.shape[:2]
    return _likeness(image(program, (width, height), backend="taichi", alpha=picture.has_alpha), picture)


def _likeness(drawn: npt.NDArray[np.float32], picture: Picture) -> float:
    """PSNR (dB) between a drawing and a picture of one size."""
    from render.metrics import psnr

    target = picture.rgba if picture.has_alpha else picture.rgba[..., :3]
    return psnr(_premultiplied(drawn), _premultiplied(target))


def _premultiplied(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Pictures with alpha are compared premultiplied: what can not be seen does not count."""
    if image.shape[2] == 3:
        return image
    return np.concatenate([image[..., :3] * image[..., 3:], image[..., 3:]], 2)
