"""`fit`: from a picture to a program.

Proposals first: sketches of the picture's regions (`refine.sketching`), programs of a `Proposer`, a given start, or, where
the operations asked for make it pay, a population search over structure (`refine.search`). Each is refined and
simplified (`refine.evolution`); the best goes on, growing and shrinking, until time is up or nothing gains; and its
numbers are rounded to what they are worth. What is returned is never worse than its best start.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

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

LARGEST_JUDGED = 300_000
"""Pixels up to which OpenGL draws the result at the input's size; software OpenGL takes seconds for more, so the GLSL of a
larger one is validated on a smaller drawing, and Taichi draws the picture."""

ROUNDING_LOSS = 0.05
"""Decibels that rounding the numbers may cost."""

LARGEST_ROUNDING = 0.03
"""The largest step that a number is rounded to (of an angle a degree): numbers keep at least their hundredths."""

_SHAPE_FUNCTIONS = {
    "Circle": ("circle",), "Ellipse": ("ellipse",), "Box": ("box",), "Capsule": ("capsule",), "Segment": ("segment",),
    "Ring": ("ring",), "Polygon": ("polygon",), "Path": ("path",), "Stroke": ("path",),
    "Mirror": ("mirror",), "Polar": ("repeat_polar",), "Grid": ("repeat_grid",),
}  # fmt: skip


@dataclass(frozen=True)
class Progress:
    """Where a fit stands: seconds since its start, PSNR (dB) at the working resolution, numbers, and what was done."""

    seconds: float
    psnr: float
    numbers: int
    what: str


class _Best:
    """The best program so far by description length, and the record of how it was reached."""

    def __init__(
        self, level: Level, price: float, max_numbers: int, max_shapes: int | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:  # fmt: skip
        self.max_shapes = max_shapes
        self.began = time.perf_counter()
        self.level = level
        self.price = price
        self.max_numbers = max_numbers
        self.on_progress = on_progress
        self.history: list[dict[str, Any]] = []
        self.program: Program | None = None
        self.draft: Draft | None = None
        self.measure: tuple[int, float] = (1 << 30, np.inf)

    def offer(self, program: Program, error: float, what: str, draft: Draft | None = None) -> None:
        """Keeps the program if it is the best so far, and tells."""
        from refine.evolution import counted
        from refine.optimization import decibels
        from shaderdsl import number_count

        numbers = number_count(program)
        over = max(numbers - self.max_numbers, 0)
        if self.max_shapes is not None:
            over += 20 * max(len(program.scene.layers) - self.max_shapes, 0)
        measure = (over, counted(error, self.price) + self.price * numbers)
        if measure >= self.measure:
            return
        self.measure, self.program, self.draft = measure, program, draft
        pixels = self.level.target.image.size // 4 * 3
        progress = Progress(time.perf_counter() - self.began, decibels(error / pixels), numbers, what)
        self.history.append({"seconds": progress.seconds, "psnr": progress.psnr, "numbers": numbers, "what": what})
        if self.on_progress is not None:
            self.on_progress(progress)


def fit(
    image: Any,
    *,
    seconds: float = 10.0,
    max_shapes: int | None = None,
    max_numbers: int = 400,
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

    _check_options(seconds, max_shapes, max_numbers, operations, proposer)
    picture = load(image)
    from render.taichi_backend import prepare

    preparing = prepare()
    began = time.perf_counter()
    work = resized(picture, WORKING_SIDE)
    level = pyramid(work, [(WORKING_SIDE, 0.0)])[0]
    from refine.evolution import price_of

    best = _Best(level, price_of(work.rgba.shape[0] * work.rgba.shape[1]), max_numbers, max_shapes, on_progress)
    best.began = began
    interrupted = False
    _offer_plain(best, work)
    try:
        with one_linear_algebra_thread():
            _improve(best, work, level, seconds, max_shapes, operations, proposer, seed, start)
    except KeyboardInterrupt:
        interrupted = True
    assert best.program is not None
    program = _rounded(best.program, level)
    if best.draft is not None:
        # Written anew, so that what was rounded to nothing is not written at all.
        from refine.draft import Draft, renumbered

        plainer = Draft.of(renumbered(best.draft.sketch, program.params.tolist())).program
        if _error(plainer, level) <= 1.001 * _error(program, level) + 1e-6:
            program = plainer
    fitted = _finished(program, picture, best, began, interrupted)
    if preparing > 5.0:
        fitted.notes.append(
            f"Loading the renderer took {preparing:.0f} s before the fit began; the first time on a machine it is compiled."
        )
    return fitted


def _check_options(
    seconds: float, max_shapes: int | None, max_numbers: int, operations: Sequence[str] | None, proposer: Any
) -> None:
    from shaderdsl.registry import functions

    if not seconds > 0:
        raise ValueError(f"seconds is the time a fit may take, above 0, not {seconds}")
    if max_numbers < 3:
        raise ValueError(f"max_numbers is at least 3 (a background colour), not {max_numbers}")
    if max_shapes is not None and max_shapes < 1:
        raise ValueError(f"max_shapes is at least 1, not {max_shapes}")
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

    red, green, blue, alpha = best.level.target.image.reshape(-1, 4).mean(0).tolist()
    if work.has_alpha and alpha < 0.5:
        text = "scene 2d(background = none)"
    else:
        colour = "".join(f"{round(255 * min(max(c / max(alpha, 1e-6), 0.0), 1.0)):02x}" for c in (red, green, blue))
        text = f"scene 2d(background = #{colour})"
    program = shaderdsl.parse(text)
    best.offer(program, _error(program, best.level), "background")


def _error(program: Program, level: Level) -> float:
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    return float(Batch.of([(tape_of(program), program.params)]).scores(level.target, level.blur)[0])


def _improve(
    best: _Best, work: Picture, level: Level, seconds: float, max_shapes: int | None,
    operations: Sequence[str] | None, proposer: str | Proposer, seed: int, start: Program | None,
) -> None:  # fmt: skip
    from refine.evolution import Budget, Evolution
    from refine.optimization import pyramid

    deadline = best.began + seconds - min(0.6, 0.1 * seconds)
    if start is not None:
        best.offer(start, _error(start, level), "start")
        _optimised(best, start, level, deadline, "start refined")
    if not isinstance(proposer, str):
        for program in proposer.propose(work.rgba, 8):
            best.offer(program, _error(program, level), "proposed")
            _optimised(best, program, level, deadline, "proposal refined")
        return
    if operations is not None and _searched(best, level, operations, deadline, max_shapes, seed):
        return
    budget = Budget(best.max_numbers, max_shapes, best.price, deadline)
    allowed = _allowed(operations)

    def report(state: State, what: str) -> None:
        best.offer(state.draft.program, state.error, what, state.draft)

    wide, small = pyramid(work, [(WORKING_SIDE, 1.5), (WORKING_SIDE // 2, 0.0)])
    evolution = Evolution(level, wide, small, budget, report, allowed)
    state = _best_sketch(best, evolution, work, operations)
    if state is not None and not budget.late:
        evolution.exchange(state)


def _allowed(operations: Sequence[str] | None) -> Callable[[SketchShape | Symmetry], bool]:
    """Whether a shape or a symmetry may be used under the restriction to `operations`."""
    wanted = None if operations is None else set(operations)
    return lambda shape: wanted is None or set(_SHAPE_FUNCTIONS[type(shape).__name__]) <= wanted


def _optimised(best: _Best, program: Program, level: Level, deadline: float, what: str) -> None:
    from refine.optimization import Coordinates, least_squares, legal
    from render.tapes import tape_of

    if not len(program.params):
        return
    descent = least_squares(
        tape_of(program), Coordinates(program), program.params, level, steps=40, tolerance=1e-5,
        stop=lambda: time.perf_counter() > deadline,
    )  # fmt: skip
    better = legal(program, descent.parameters[0])
    best.offer(better, _error(better, level), what)


def _searched(
    best: _Best, level: Level, operations: Sequence[str], deadline: float, max_shapes: int | None, seed: int
) -> bool:
    """Whether the structure search took the job: a picture in two colours, and solid shapes to build it of."""
    from refine import search

    if {"path", "polygon"} & set(operations) or not search.applies(level.target.image):
        return False

    def report(seconds: float, program: Program, error: float) -> None:
        best.offer(program, _error(program, level), "search")

    left = max(deadline - time.perf_counter(), 0.1)
    programs = search.search(
        level.target.image, operations, seconds=left, max_shapes=max_shapes, seed=seed, on_progress=report
    )
    for program in programs:
        best.offer(program, _error(program, level), "search")
    return True


def _best_sketch(
    best: _Best, evolution: Evolution, work: Picture, operations: Sequence[str] | None
) -> State | None:
    """The better of two sketches, with and without antialiasing undone, refined and simplified."""
    from refine.sketching import sketch

    states: list[State] = []
    room = int(1.3 * best.max_numbers)
    seen: set[Sketch] = set()
    for undo in (True, False):
        if evolution.budget.late or (states and time.perf_counter() - best.began > 0.35 * (evolution.budget.deadline - best.began)):
            break
        drawn = _restricted(sketch(work.rgba, max_numbers=room, undo_antialiasing=undo), work, evolution.allowed, operations)
        if drawn in seen or (not drawn.layers and states):
            continue
        seen.add(drawn)
        states.append(evolution.settled(drawn, "sketch" if undo else "sketch of the edges"))
    return min(states, key=lambda s: s.measure(evolution.budget), default=None)


def _restricted(
    drawn: Sketch, work: Picture, allowed: Callable[[SketchShape], bool], operations: Sequence[str] | None
) -> Sketch:
    """The sketch with each shape that is not allowed replaced by the best that is; layers without one are left out."""
    if operations is None:
        return drawn
    from dataclasses import replace

    from refine.draft import Draft
    from refine.primitives import shapes_for_mask
    from refine.sketch import Sketch
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    layers = []
    size = (work.rgba.shape[1], work.rgba.shape[0])
    for layer in drawn.layers:
        if allowed(layer.shape):
            layers.append(layer)
            continue
        alone = Draft.of(Sketch(None, (replace(layer, opacity=1.0),)))
        mask = Batch.of([(tape_of(alone.program), alone.program.params)]).images(size)[0, ..., 3]
        for option in shapes_for_mask(mask):
            if all(allowed(shape) for shape in option.shapes):
                layers += [replace(layer, shape=shape) for shape in option.shapes]
                break
    return Sketch(drawn.background, tuple(layers))


# -- the end -------------------------------------------------------------------------------------------------


def _rounded(program: Program, level: Level) -> Program:
    """The program with each number at the fewest digits, such that all together cost at most `ROUNDING_LOSS` dB.

    Rounding a number to a step q adds about h q²/12 to the squared error, h its diagonal entry of JᵀJ; one threshold on
    that decides the digits of all, and is raised as far as the loss allows.
    """
    from refine.optimization import legal
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    if not len(program.params):
        return program
    tape = tape_of(program)
    error, _, matrix = Batch.of([(tape, program.params)]).normal_equations(level.target, level.blur)
    curvature = np.maximum(np.diag(matrix[0]).astype(np.float64), 1e-12)
    colours = np.array([p.kind == "colour" for p in program.structure.traits])
    limit = float(error[0]) * 10 ** (ROUNDING_LOSS / 10) + 1e-8 * level.target.image.size
    thresholds = 10.0 ** np.arange(-9, 1.01, 0.5)
    # Colours as #rrggbb where the loss allows it, else with digits as the other numbers.
    for whole in (True, False):
        candidates = [_with_digits(program, curvature, colours & whole, threshold) for threshold in thresholds]
        batch = Batch([tape], np.zeros(len(candidates), np.int32), np.array([c.params for c in candidates]))
        good = [c for c, e in zip(candidates, batch.scores(level.target, level.blur)) if e <= limit]
        if good:
            return good[-1]
    return legal(program, np.float32(program.params).astype(np.float64))


def _with_digits(
    program: Program, curvature: npt.NDArray[np.float64], whole: npt.NDArray[np.bool_], threshold: float
) -> Program:
    """The program with numbers rounded as far as `threshold` squared error each allows; those in `whole` to 1/255."""
    from refine.optimization import legal

    values = program.params.copy()
    # The quadratic is a guide for small steps alone: a sliver inside one pixel has no slope, and yet has its place.
    largest = np.array([1.0 if p.kind == "angle" else LARGEST_ROUNDING for p in program.structure.traits])
    steps = np.minimum(np.sqrt(12.0 * threshold / curvature), largest)
    digits = np.clip(np.floor(-np.log10(steps)).astype(int) + 1, 0, 6)
    rounded = np.array([round(float(v), int(d)) for v, d in zip(values, digits)])
    # Nearly nothing reads better as nothing.
    rounded[(curvature * values**2 < 3.0 * threshold) & (np.abs(values) < largest)] = 0.0
    # A size that rounds to nothing keeps one digit that is not zero.
    lost = (rounded == 0.0) & (values != 0.0) & (program.structure.low >= 0.0)
    rounded[lost] = [float(f"{v:.1g}") for v in values[lost]]
    values = np.where(whole, np.round(values * 255.0) / 255.0, rounded)
    return legal(program, values)


def _finished(program: Program, picture: Picture, best: _Best, began: float, interrupted: bool) -> Fit:
    """Draws the program as printed at the input's size, by OpenGL where there is one (see LARGEST_JUDGED)."""
    import shaderdsl
    from render.gl_backend import OpenGLUnavailable, ShaderError, ShaderTimeout, WorkerCrashed
    from render.metrics import psnr
    from render.pictures import image

    program = shaderdsl.parse(program.text)
    height, width = picture.rgba.shape[:2]
    notes = list(picture.notes)
    scale = min(1.0, (LARGEST_JUDGED / (width * height)) ** 0.5)
    judged = (max(1, round(width * scale)), max(1, round(height * scale)))
    drawn = None
    try:
        drawn = image(program, judged, backend="gl", alpha=picture.has_alpha)
    except OpenGLUnavailable as problem:
        notes.append(f"The GLSL was not validated: {problem}")
    except (ShaderError, ShaderTimeout, WorkerCrashed) as problem:
        notes.append(f"OpenGL could not draw the GLSL: {str(problem).splitlines()[0]}")
    validated = drawn is not None
    if drawn is None or judged != (width, height):
        drawn = image(program, (width, height), backend="taichi", alpha=picture.has_alpha)
    target = picture.rgba if picture.has_alpha else picture.rgba[..., :3]
    numbers = shaderdsl.number_count(program)
    value = psnr(_premultiplied(drawn), _premultiplied(target))
    seconds = time.perf_counter() - began
    best.history.append({"seconds": seconds, "psnr": value, "numbers": numbers, "what": "as printed"})
    return Fit(program, drawn, value, seconds, numbers, picture, best.history, validated, notes, interrupted)


def _premultiplied(image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Pictures with alpha are compared premultiplied: what can not be seen does not count."""
    if image.shape[2] == 3:
        return image
    return np.concatenate([image[..., :3] * image[..., 3:], image[..., 3:]], 2)
