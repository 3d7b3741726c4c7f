"""The end of a fit: last digits of the numbers, the program as printed and drawn, and the front of shorter ones."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from refine.descents import Coordinates, Level, least_squares, squared_error
from refine.front import Candidate, ParetoPoint
from refine.record import Record
from refine.result import Fit
from refine.rounding import printed
from render.alpha import premultiplied
from render.gl_backend import OpenGLUnavailable, ShaderError, ShaderTimeout, WorkerCrashed
from render.images import Picture, resized
from render.metrics import psnr
from render.pictures import image
from render.tapes import tape_of
from shaderdsl import Program, number_count, parse

LARGEST_JUDGED = 100_000
"""Pixels up to which OpenGL draws the result at the input's size; software OpenGL takes seconds for more, so the GLSL of a
larger one is validated on a smaller drawing, and Taichi draws the picture."""

FRONT_POINTS = 12
"""How many points of the Pareto front are rounded and returned."""


def sharpened(candidate: Candidate, fine: Level, deadline: float) -> Candidate:
    """The candidate, which has a draft, with its numbers refined on a finer level until the deadline (`time.perf_counter`): there
    an edge shows its place to a fraction of smaller pixels. Its error is then that level's."""
    assert candidate.draft is not None
    program = candidate.program
    if not len(program.params):
        return candidate
    descent = least_squares(
        tape_of(program), Coordinates(program), program.params, fine, steps=12, tolerance=1e-3,
        stop=lambda: time.perf_counter() > deadline,
    )  # fmt: skip
    draft = candidate.draft.with_params(descent.parameters[0])
    return replace(candidate, program=draft.program, draft=draft, error=squared_error(draft.program, fine))


def finished(record: Record, chosen: Candidate, level: Level, picture: Picture, hurried: bool = False) -> Fit:
    """The fit's result: the chosen program as printed, drawn at the picture's size, and shorter ones of the front.

    level: the one that the chosen program was last refined on, which says how many digits its numbers are worth.
    picture: the input, at its own size.
    hurried: without OpenGL, and without the front.
    """
    # The text, and not what was refined, is what is drawn and measured.
    program = parse(printed(chosen.program, chosen.draft, level).text)
    height, width = picture.rgba.shape[:2]
    scale = min(1.0, (LARGEST_JUDGED / (width * height)) ** 0.5)
    judged = (max(1, round(width * scale)), max(1, round(height * scale)))
    # OpenGL works in a process of its own, and takes its time to compile: meanwhile the front is printed.
    drawn: npt.NDArray[np.float32] | None = None
    problem: str | None = "The GLSL was not validated, since the fit was interrupted."
    shorter: list[Program] = []
    if not hurried:
        with ThreadPoolExecutor(1) as pool:
            drawing = pool.submit(drawn_by_opengl, program, judged, picture.has_alpha)
            shorter = _printed_front(record)
            drawn, problem = drawing.result()
    notes = [*picture.notes, problem] if problem else list(picture.notes)
    validated = drawn is not None
    if drawn is None or judged != (width, height):
        drawn = image(program, (width, height), backend="taichi", alpha=picture.has_alpha)
    numbers, value = number_count(program), likeness(drawn, picture)
    compared = picture if scale == 1.0 else resized(picture, max(judged))
    last = ParetoPoint(numbers, value if compared is picture else _shown(program, compared), program)
    pareto = _curve(last, shorter, compared)
    seconds = time.perf_counter() - record.began
    record.history.append({"seconds": seconds, "psnr": value, "numbers": numbers, "what": "as printed"})
    return Fit(program, drawn, value, seconds, numbers, picture, record.history, pareto, validated, notes, record.interrupted)


def _printed_front(record: Record) -> list[Program]:
    """The front as printed, shortest last, as far as the time goes."""
    programs: list[Program] = []
    for candidate in reversed(record.front.thinned(FRONT_POINTS)):
        if programs and time.perf_counter() - record.began > record.options.seconds:
            break
        programs.append(printed(candidate.program, candidate.draft, record.level))
    return programs


def drawn_by_opengl(
    program: Program, size: tuple[int, int], with_alpha: bool
) -> tuple[npt.NDArray[np.float32] | None, str | None]:
    """(the program's picture of this (width, height), None), or (None, a sentence that says why there is none)."""
    try:
        return image(program, size, backend="gl", alpha=with_alpha), None
    except OpenGLUnavailable as problem:
        return None, f"The GLSL was not validated: {problem}"
    except (ShaderError, ShaderTimeout, WorkerCrashed) as problem:
        return None, f"OpenGL could not draw the GLSL: {str(problem).splitlines()[0]}"


def _curve(last: ParetoPoint, shorter: Sequence[Program], picture: Picture) -> list[ParetoPoint]:
    """The points up to the last, rising in numbers and in PSNR against the picture; what rounding moved off the front is
    left out."""
    points = [last]
    for program in sorted(shorter, key=number_count, reverse=True):
        point = ParetoPoint(number_count(program), _shown(program, picture), program)
        if point.numbers < points[0].numbers and point.psnr < points[0].psnr:
            points.insert(0, point)
    return points


def _shown(program: Program, picture: Picture) -> float:
    """PSNR (dB) of a program drawn by Taichi at a picture's size."""
    height, width = picture.rgba.shape[:2]
    return likeness(image(program, (width, height), backend="taichi", alpha=picture.has_alpha), picture)


def likeness(drawn: npt.NDArray[np.float32], picture: Picture) -> float:
    """PSNR (dB) between a drawing, (h, w, 3) or with alpha (h, w, 4), and a picture of that size.

    With alpha they are compared premultiplied: what can not be seen does not count.
    """
    if picture.has_alpha:
        return psnr(premultiplied(drawn), picture.premultiplied)
    return psnr(drawn, picture.rgba[..., :3])
