"""Pictures of solids: how near they are to finely sampled ones, how right their changes, and how quickly they are drawn.

    python -m benchmarks.solids [--scenes 50] [--size 64] [--runs 15] [--parts quality differences speed] [--jobs 1]

- quality: random scenes of level 3 with fixed seeds, antialiased by us in one sample a pixel, against 16x16 samples a pixel; and
  beside it the same scenes in four samples, and in one of the sixteen times sixteen. The finely sampled picture is our own drawn 16 times as large and
  averaged in linear light; for a few scenes it is checked against one drawn hard (`render.supersampling`).
- differences: the six cases of `benchmarks.solid_cases`.
- speed: scenes of 5, 15 and 40 primitives with materials and one light at 128 px, warm; beside it the same GLSL by OpenGL
  where there is one, and GeoLIPI's sphere marcher.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

import data
from benchmarks.common import summary
from benchmarks.measuring import alternate, keep, load, table, verdict
from benchmarks.solid_cases import CASES, averaged, case, difference_error
from benchmarks.workers import each
from render import gl_backend, supersampling
from render.averaging import Finer
from render.metrics import psnr
from render.numpy_backend import compiled
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import DslError, Program, parse, solid_dual as dual, to_glsl
from shaderdsl.tape import opcodes

FINE = 16
"""Samples a pixel and axis of what pictures are measured against."""

CHECKED, CHECKED_SIDE = 3, 12
"""Scenes whose finely sampled picture is drawn hard, too, and its side in pixels: by NumPy, which takes its time."""

PRIMITIVES = {5: 5.0, 15: 12.0, 40: 27.0}
"""How many primitives, and the milliseconds that drawing them at 128 px may take."""

GOAL = 46.0
SPEED_SIZE = 128
Picture = npt.NDArray[np.float64]


# -- quality -------------------------------------------------------------------------------------------------


def fine(program: Program, side: int, samples: int = FINE) -> Picture:
    """Premultiplied RGBA (side, side, 4): our picture `samples` times as large, averaged in linear light before tone mapping."""
    return _screened(program, averaged(_large(program, side, samples), samples))


def _large(program: Program, side: int, samples: int) -> Picture:
    """Premultiplied linear light (samples side, samples side, 4)."""
    tape = replace(solid_tape_of(program), tone="raw")
    return SolidBatch.of([(tape, program.params)]).images((side * samples, side * samples))[0].astype(np.float64)


def _screened(program: Program, pixels: Picture) -> Picture:
    """What the screen shows of linear light."""
    tape = solid_tape_of(program)
    exposure = float(tape.slot_values(program.params)[tape.exposure])
    red, green, blue, alpha = np.moveaxis(pixels, 2, 0)
    light = [c / max(exposure, 1e-9) for c in (red, green, blue)]
    return np.stack([*compiled(dual.screen_rule(tape.tone))[0](*light, alpha, exposure), alpha], 2)


def textured(program: Program) -> bool:
    """Whether a scene has textures, of which a pixel shows more than one sample tells where they are finer than it."""
    table = {code.number: operation for operation, code in opcodes(3).items()}
    return any(table[int(row[0])].parameters for row in solid_tape_of(program).materials)


def quality(programs: Sequence[Program], side: int, jobs: int) -> dict[str, Any]:
    rows = []
    items = [(index, program.text, side) for index, program in enumerate(programs)]
    for row in each(_quality_of, items, jobs, partial(_compiled, [program.text for program in programs])):
        rows.append(row)
        print(f"{row['scene']}: {row['ours']:.1f} dB, hard {row['hard']:.1f} dB", flush=True)
    checked = [row["truth"] for row in rows if "truth" in row]
    figures = {name: summary([row[name] for row in rows]) for name in ("ours", "four", "hard")}
    return {"scenes": rows, **figures, "truth_against_hard": min(checked), "verdict": verdict(figures["ours"]["median"], GOAL)}


def _compiled(texts: Sequence[str]) -> None:
    """Compiles one kernel that knows the operations of all."""
    tapes = [(solid_tape_of(program), program.params) for program in map(parse, texts)]
    SolidBatch.of([(replace(tape, tone="raw"), numbers) for tape, numbers in tapes]).images((8, 8))
    SolidBatch.of(tapes).images((8, 8))


def _quality_of(item: tuple[int, str, int]) -> dict[str, Any]:
    """A scene's figures, from its number, its text and its picture's side."""
    index, text, side = item
    program = parse(text)
    tape = solid_tape_of(program)
    large = _large(program, side, FINE)
    truth = _screened(program, averaged(large, FINE))
    ours = SolidBatch.of([(tape, program.params)]).images((side, side))[0]
    four = Finer(tape, 2).batch(program.params[None]).images((side, side))[0]
    # One of a pixel's samples, which are hard but for a sixteenth of it.
    hard = _screened(program, large[FINE // 2 :: FINE, FINE // 2 :: FINE])
    row = {"scene": index, "ours": psnr(ours, truth), "four": psnr(four, truth), "hard": psnr(hard, truth), "textured": textured(program), "program": text}
    if index < CHECKED:
        size = (CHECKED_SIDE, CHECKED_SIDE)
        row["truth"] = psnr(supersampling.picture(tape, program.params, size, FINE), fine(program, CHECKED_SIDE))
    return row


# -- differences ---------------------------------------------------------------------------------------------


def differences(side: int = 64, fineness: int = FINE) -> dict[str, dict[str, float]]:
    result = {}
    for name in CASES:
        result[name] = {f"{k * k} samples": difference_error(case(name), side, k, fineness) for k in (1, 2)}
        print(name, result[name], flush=True)
    return result


# -- speed ---------------------------------------------------------------------------------------------------


def places(count: int) -> list[tuple[int, tuple[float, ...]]]:
    """(kind, numbers) of boxes, spheres and cylinders: three places and two or three sizes each."""
    random = Random(count)
    size = 0.55 * count ** (-1 / 3)
    return [
        (k % 3, (*(random.uniform(-0.7, 0.7) for _ in range(3)), *(size * random.uniform(0.6, 1.2) for _ in range(3))))
        for k in range(count)
    ]  # fmt: skip


def crowd(count: int) -> Program:
    """A scene of `count` primitives, each in a colour of its own, under one light."""
    texts = []
    for kind, (x, y, z, a, b, c) in places(count):
        shape = (f"box({a:.3f}, {b:.3f}, {c:.3f})", f"sphere({a:.3f})", f"cylinder({a:.3f}, {b:.3f})")[kind]
        colour = "#" + "".join(f"{int(120 + 110 * math.sin(len(texts) + phase)):02x}" for phase in (0, 2, 4))
        texts.append(f"{shape}.move({x:.3f}, {y:.3f}, {z:.3f}).paint({colour})")
    return parse("\n".join(["scene 3d(background = #202830)", "orbit(30, 25)", "light((0.5, 0.8, 0.4))", *texts]))


def marcher(count: int) -> Callable[[], object] | None:
    """GeoLIPI's sphere marcher on the same primitives; None where it is not installed."""
    try:
        import geolipi.symbolic as gls
        import torch
        from geolipi.torch_compute import Renderer
    except ImportError:
        return None
    shapes = []
    for kind, (x, y, z, a, b, c) in places(count):
        own = (
            lambda: gls.Box3D((2 * a, 2 * b, 2 * c)), lambda: gls.Sphere3D((a,)), lambda: gls.Cylinder3D((b,), (a,)),  # noqa: B023
        )[kind]()  # fmt: skip
        shapes.append(gls.Translate3D(own, (x, y, z)))
    expression = gls.Union(*shapes).tensor(device="cpu")
    renderer = Renderer(resolution=(SPEED_SIZE, SPEED_SIZE), num_iterations=64, device="cpu")
    with torch.no_grad():
        renderer.render(expression)  # makes what later pictures use again

    def run() -> object:
        with torch.no_grad():
            return renderer._render_precompiled(expression)

    return run


def by_gl(program: Program) -> Callable[[], object] | None:
    if not gl_backend.available():
        return None
    try:
        to_glsl(program)
    except DslError:
        return None
    from render import gl_render

    return lambda: gl_render.picture(program, (SPEED_SIZE, SPEED_SIZE))


def speed(runs: int) -> dict[str, Any]:
    """Median milliseconds by count of primitives; those of peers beside, where they are there."""
    result: dict[str, Any] = {}
    for count, goal in PRIMITIVES.items():
        program = crowd(count)
        batch = SolidBatch.of([(solid_tape_of(program), program.params)])
        functions: dict[str, Callable[[], object]] = {"ours": lambda: batch.images((SPEED_SIZE, SPEED_SIZE))}  # noqa: B023
        if (drawn := by_gl(program)) is not None:
            functions["gl"] = drawn
        measured = alternate(functions, runs, 2)
        if (peer := marcher(count)) is not None:
            measured.update(alternate({"geolipi": peer}, 2, 1))
        row: dict[str, Any] = {name: 1e3 * float(np.median(runs_.wall)) for name, runs_ in measured.items()}
        result[str(count)] = {**row, "goal": goal, "verdict": verdict(row["ours"], goal, most=True)}
        print(count, result[str(count)], flush=True)
    return result


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    text: list[str] = []
    if "quality" in result:
        found = result["quality"]
        rows = [[name, *(found[key][share] for share in ("p25", "median", "p75"))] for name, key in (("ours, one sample", "ours"), ("ours, four samples", "four"), ("hard, one sample", "hard"))]
        plain = [row for row in found["scenes"] if not textured(parse(row["program"]))]
        if plain:
            ours = summary([row["ours"] for row in plain])
            rows.append([f"ours, the {len(plain)} scenes without textures", *(ours[share] for share in ("p25", "median", "p75"))])
        text += [
            f"PSNR (dB) of {len(found['scenes'])} random scenes against {FINE}x{FINE} samples a pixel; a median of {GOAL:g} is {found['verdict']}.",
            "", table(["picture", "lower quartile", "median", "upper quartile"], rows), "",
        ]  # fmt: skip
    if "differences" in result:
        rows = [[name, *row.values()] for name, row in result["differences"].items()]
        text += ["Relative error of the picture's changes, against hard edges:", "", table(["case", "one sample", "four samples"], rows), ""]
    if "speed" in result:
        rows = [[count, *(row.get(k) for k in ("ours", "goal", "gl", "geolipi"))] for count, row in result["speed"].items()]
        heads = ["primitives", "ours (ms)", "goal (ms)", "OpenGL (ms)", "GeoLIPI's marcher (ms)"]
        text += [f"A picture of {SPEED_SIZE} px, warm:", "", table(heads, rows)]
    return text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenes", type=int, default=50)
    parser.add_argument("--size", type=int, default=64, help="side of the scenes' pictures in pixels")
    parser.add_argument("--runs", type=int, default=15, help="of each drawing that is timed")
    parser.add_argument("--parts", nargs="*", default=["quality", "differences", "speed"], help="what is measured")
    parser.add_argument("--jobs", type=int, default=1, help="processes that the scenes of quality are shared out to")
    parser.add_argument("--name", default="solids", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args()
    before = load()
    result: dict[str, Any] = {}
    if "speed" in options.parts:
        result["speed"] = speed(options.runs)
    if "differences" in options.parts:
        result["differences"] = differences()
    if "quality" in options.parts:
        result["quality"] = quality(data.generate(options.scenes, level=3, seed=50, dimension=3), options.size, options.jobs)
    print("\n".join(lines(result)))
    print(keep(options.name, {k: v for k, v in vars(options).items() if k != "name"}, result, before).name)


if __name__ == "__main__":
    main()
