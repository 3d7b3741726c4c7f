"""How well backends agree: pixel errors, and the pixels whose disagreement the picture itself excuses.

    python -m benchmarks.agreement [--programs 200] [--seed 30] [--size 32] [--pair gl-taichi|gl-numpy|taichi-numpy] [--plane]
                                   [--jobs 1]

Random programs of level 3, in space or in the plane. The rule: at least 99.9 % of a picture's pixels within 1/255 and none beyond
4/255. Exceptions are pixels where the float64 picture moves by more than 1/255 when a coordinate or a parameter moves by 1e-6 (two
surfaces at one distance, a border between cells): there float32 can not tell which side it is on. They are counted, and may be
0.02 % of all. The tests check it by the same functions.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

import data
from benchmarks.measuring import keep, load, table
from benchmarks.workers import each
from render import numpy_backend, solid_numpy
from render.tapes import solid_tape_of, tape_of
from shaderdsl import Program, parse

Image = npt.NDArray[np.floating]
Size = tuple[int, int]

STEP = 1.0 / 255.0
"""Errors up to this are no difference at all."""

BOUND = 4.0 / 255.0
"""What no pixel may exceed."""

SHARE = 1e-3
"""Of a picture's pixels may err by more than STEP."""

EXCEPTIONS = 2e-4
"""Of all pixels may be exceptions, or one."""

REFUSED = 0.2
"""Of all programs may be too costly for a driver that runs on the processor."""

MOVE = 1e-6
"""By how much a coordinate or parameter moves in the test for an exception."""

PATIENCE = 60.0
"""Seconds that this test may take for a program: a pixel that was not found to be an exception by then counts as an error."""


def reference(program: Program, size: Size) -> Image:
    """Premultiplied RGBA (h, w, 4) in float64."""
    return moved(program, program.params, size)


def moved(program: Program, params: npt.ArrayLike, size: Size, at: tuple[Image, Image] | None = None) -> Image:
    """The same with other parameters, or at other image points."""
    if program.dimension == 3:
        return solid_numpy.picture(solid_tape_of(program), params, size, at=at)[0]
    return numpy_backend.picture(tape_of(program), params, size, at=at)[0]


def batched(programs: Sequence[Program], size: Size) -> Image:
    """Premultiplied RGBA (n, h, w, 4) by taichi, in one launch for each dimension."""
    from render import pictures

    return pictures._batched(programs, size)


def drawn(program: Program, size: Size) -> Image:
    """Premultiplied RGBA (h, w, 4) by OpenGL, from the GLSL that is exported."""
    from render import gl_render

    return gl_render.picture(program, size)


def is_unsteady(program: Program, size: Size, pixels: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which of `pixels` (h, w) the float64 picture moves by more than STEP when something moves by MOVE, as far as PATIENCE goes."""
    until = time.perf_counter() + PATIENCE
    x, y = (axis[pixels][None] for axis in numpy_backend.pixel_centres(size))

    # All moves of coordinates at once, the first of which is none.
    aside = np.array([(0.0, 0.0), *(m for m in product((-MOVE, 0.0, MOVE), repeat=2) if any(m))])[..., None]
    places = ((x + aside[:, 0]).reshape(1, -1), (y + aside[:, 1]).reshape(1, -1))
    found = moved(program, program.params, size, places).reshape(len(aside), x.size, 4)
    change = np.abs(found - found[0]).max((0, 2))
    for index, sign in product(range(len(program.params)), (-MOVE, MOVE)):
        if (change > STEP).all() or time.perf_counter() > until:
            break
        params = program.params.copy()
        params[index] += sign
        change = np.maximum(change, np.abs(moved(program, params, size, (x, y))[0] - found[0]).max(1))
    result = np.zeros(pixels.shape, bool)
    result[pixels] = change > STEP
    return result


@dataclass
class Agreement:
    """What many comparisons of one pair of backends found. `failures` are (why, text) of programs that break the rule."""

    title: str
    pixels: int = 0
    exceptions: int = 0
    beyond: int = 0
    worst: float = 0.0
    errors: list[Image] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    programs: int = 0
    refused: int = 0
    """Programs that a backend refused as too costly for it."""

    def add(self, program: Program, one: Image, other: Image) -> None:
        """Compare two pictures (h, w, 4) of a program; a value that is not a number is an error beyond all bounds."""
        error = np.nan_to_num(np.abs(np.asarray(one, np.float64) - other), nan=np.inf).max(2)
        wrong = error > STEP
        self.programs += 1
        self.pixels += error.size
        if wrong.any():
            excused = is_unsteady(program, (error.shape[1], error.shape[0]), wrong)
            self.exceptions += int(excused.sum())
            error = np.where(excused, 0.0, error)
            wrong &= ~excused
        share, worst = float(wrong.mean()), float(error.max())
        self.beyond += int(wrong.sum())
        self.worst = max(self.worst, worst)
        self.errors.append(error[error > 1e-6].astype(np.float32))
        if share > SHARE or worst > BOUND:
            place = np.unravel_index(int(error.argmax()), error.shape)
            self.failures.append((f"{share:.2%} of pixels err, worst {worst * 255:.1f}/255 at {place}", program.text))

    @property
    def percentile(self) -> float:
        """The error that 99.9 % of the pixels that are no exceptions stay within."""
        largest = np.sort(np.concatenate([np.empty(0, np.float32), *self.errors]))[::-1]
        rank = int(1e-3 * self.pixels)
        return float(largest[rank]) if rank < len(largest) else 0.0

    def __str__(self) -> str:
        return (
            f"{self.title}: {self.programs} programs ({self.refused} more refused), {self.pixels} pixels; worst {self.worst * 255:.3f}/255, "
            f"99.9th percentile {self.percentile * 255:.4f}/255, {self.beyond} beyond 1/255; exceptions "
            f"{self.exceptions} ({self.exceptions / max(self.pixels, 1):.5%}); failures {len(self.failures)}"
        )

    def __add__(self, other: Agreement) -> Agreement:
        """What both found, of two parts of the programs."""
        sums = {name: getattr(self, name) + getattr(other, name) for name in ("pixels", "exceptions", "beyond", "errors", "failures", "programs", "refused")}
        return replace(self, worst=max(self.worst, other.worst), **sums)

    def check(self) -> None:
        """Prints the figures; AssertionError, with the worst programs, where the rule is broken."""
        print(self)
        shown = "\n\n".join(f"{why}\n{text}" for why, text in self.failures[:3])
        assert not self.failures, f"{self}\n\n{shown}"
        assert self.exceptions <= max(EXCEPTIONS * self.pixels, 1), str(self)
        assert self.refused <= REFUSED * (self.programs + self.refused), str(self)


def taichi_against_numpy(programs: Sequence[Program], size: Size) -> Agreement:
    return _last(compared("taichi-numpy", programs, size))


def gl_against_taichi(programs: Sequence[Program], size: Size) -> Agreement:
    return _last(compared("gl-taichi", programs, size))


def gl_against_numpy(programs: Sequence[Program], size: Size) -> Agreement:
    return _last(compared("gl-numpy", programs, size))


PAIRS = ("gl-taichi", "gl-numpy", "taichi-numpy")
STEP_OF_BATCHES = 200
"""Programs that taichi draws in one batch."""


def compared(pair: str, programs: Sequence[Program], size: Size) -> Iterator[Agreement]:
    """The agreement of two backends so far, after each program."""
    from render.gl_backend import ShaderTimeout

    one, other = pair.split("-")
    result = Agreement(f"{one} against {other} at {size[0]}x{size[1]}")
    for program, first, second in zip(programs, _pictures(one, programs, size), _pictures(other, programs, size)):
        try:
            result.add(program, first(), second())
        except ShaderTimeout:
            result.refused += 1
        yield result


def _pictures(backend: str, programs: Sequence[Program], size: Size) -> Iterator[Callable[[], Image]]:
    if backend != "taichi":
        yield from (lambda program=p: (drawn if backend == "gl" else reference)(program, size) for p in programs)
        return
    for first in range(0, len(programs), STEP_OF_BATCHES):
        for image in batched(programs[first : first + STEP_OF_BATCHES], size):
            yield lambda image=image: image


def _last(results: Iterable[Agreement]) -> Agreement:
    *_, last = [Agreement("nothing"), *results]
    return last


# -- as a benchmark ------------------------------------------------------------------------------------------


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    found = result["agreement"]
    heads = ["", "programs", "refused as too costly", "pixels", "worst (1/255)", "99.9th percentile", "beyond 1/255", "exceptions", "programs beyond the rule"]
    return [table(heads, [[found[k] for k in ("title", "programs", "refused", "pixels", "worst", "percentile", "beyond", "exceptions", "failures")]])]


PART = 10
"""Programs that a process compares at a time."""


def _compiled(texts: Sequence[str]) -> None:
    """Compiles one kernel that knows the operations of all."""
    batched([parse(text) for text in texts], (8, 8))


def _of_texts(texts: Sequence[str], pair: str, size: Size) -> Agreement:
    return _last(compared(pair, [parse(text) for text in texts], size))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=30, help="of the programs")
    parser.add_argument("--size", type=int, default=32, help="side of the pictures in pixels")
    parser.add_argument("--pair", choices=PAIRS, default=PAIRS[0])
    parser.add_argument("--plane", action="store_true", help="programs of the plane")
    parser.add_argument("--jobs", type=int, default=1, help="processes that the programs are shared out to")
    parser.add_argument("--name", default="agreement", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args(arguments)
    before = load()
    programs = data.generate(options.programs, level=3, seed=options.seed, dimension=2 if options.plane else 3)
    size = (options.size, options.size)
    texts = [program.text for program in programs]
    parts = [texts[k : k + PART] for k in range(0, len(texts), PART)]
    result = Agreement("")
    for found in each(partial(_of_texts, pair=options.pair, size=size), parts, options.jobs, partial(_compiled, texts)):
        result = replace(result + found, title=found.title)
        print(result, flush=True)
    for why, text in result.failures:
        print(f"\n{why}\n{text}")
    figures = {
        "title": result.title, "programs": result.programs, "refused": result.refused, "pixels": result.pixels,
        "worst": 255.0 * result.worst, "percentile": 255.0 * result.percentile, "beyond": result.beyond,
        "exceptions": result.exceptions, "failures": len(result.failures), "failed": [list(f) for f in result.failures],
    }  # fmt: skip
    settings = {k: v for k, v in vars(options).items() if k != "name"}
    print("\n".join(lines({"agreement": figures})))
    print(keep(options.name, settings, {"agreement": figures}, before).name)


if __name__ == "__main__":
    main()
