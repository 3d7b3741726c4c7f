"""Refinement of the numbers of a program, beside automatic differentiation and Adam in PyTorch, and in a new process.

    python -m benchmarks.refinement [--problems 100] [--peer-problems 10] [--peer-seconds 10] [--processes 3]

A problem is five overlapping rotated, rounded boxes with a colour each, nine parameters a box, 128 px. A start has
places off by 4 % of the picture's side, sizes by 20 %, angles by 0.25 rad and colours by 0.1 (standard deviations).

- Ours is `refine.optimize` with its defaults, in a warm process: the share over 50 dB, and seconds.
- The peer is the same picture model in PyTorch, vectorised over shapes and pixels: exact distances, an error function
  over the pixel for coverage, paint order, automatic differentiation, Adam on our coordinates (logarithms of
  sizes) with a decaying rate, coarse to fine as ours. It fits pictures that it has drawn itself, so that any PSNR is within its
  reach, and it stops at 50 dB or after its seconds.
- A new process: from its start to its end, with Taichi's compiled kernels on disk ("warm") and with none ("empty").
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import shaderdsl
from benchmarks.common import summary
from benchmarks.measuring import keep, load, table, verdict
from render.metrics import psnr

SHAPES = 5
SIZE = 128
ENOUGH = 50.0
GOALS = {"share": 0.97, "median": 0.2, "warm process": 3.0, "empty process": 20.0}

Double = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Problem:
    """Rows (5, 9) of half width, half height, rounding, degrees, x, y, red, green, blue: the truth, and a start."""

    truth: Double
    start: Double


def problem(random: np.random.Generator) -> Problem:
    while True:
        place = random.uniform(-0.7, 0.7, (SHAPES, 2))
        colour = random.uniform(0.0, 1.0, (SHAPES, 3))
        apart = np.linalg.norm(place[:, None] - place[None], axis=-1) + 9.0 * np.eye(SHAPES)
        # Centres in sight and colours that are not the paper's: else the picture does not decide the numbers.
        if apart.min() > 0.26 and np.linalg.norm(1.0 - colour, axis=1).min() > 0.4:
            break
    size = random.uniform(0.1, 0.28, (SHAPES, 2))
    rounding = random.uniform(0.15, 0.6, (SHAPES, 1)) * size.min(1, keepdims=True)
    angle = random.uniform(-40.0, 40.0, (SHAPES, 1))
    truth = np.concatenate([size, rounding, angle, place, colour], 1)
    start = truth.copy()
    start[:, :3] *= np.exp(random.normal(0.0, 0.2, (SHAPES, 3)))
    start[:, 2] = np.minimum(start[:, 2], 0.9 * start[:, :2].min(1))
    start[:, 3] += np.degrees(random.normal(0.0, 0.25, SHAPES))
    start[:, 4:6] += random.normal(0.0, 0.08, (SHAPES, 2))
    start[:, 6:] = np.clip(start[:, 6:] + random.normal(0.0, 0.1, (SHAPES, 3)), 0.0, 1.0)
    return Problem(truth, start)


def program(rows: Double) -> shaderdsl.Program:
    lines = ["scene 2d"]
    for width, height, rounding, degrees, x, y, *colour in rows.tolist():
        shape = f"box({width:.6f}, {height:.6f}).round({rounding:.6f}).rotate({degrees:.5f}).move({x:.6f}, {y:.6f})"
        lines.append(f"{shape}.fill(rgb({', '.join(f'{c:.5f}' for c in colour)}))")
    return shaderdsl.parse("\n".join(lines))


def drawn(rows: Double) -> npt.NDArray[np.float32]:
    import render

    return np.clip(render.image(program(rows), size=(SIZE, SIZE))[..., :3], 0.0, 1.0)


# -- ours ----------------------------------------------------------------------------------------------------


def own_figures(problems: Sequence[Problem]) -> dict[str, Any]:
    import refine

    refine.optimize(program(problems[0].start), drawn(problems[0].truth))  # compiles
    runs: list[dict[str, float]] = []
    for case in problems:
        target, start = drawn(case.truth), program(case.start)
        wall, processor = time.perf_counter(), time.process_time()
        found = refine.optimize(start, target)
        runs.append(
            {
                "psnr": found.psnr, "seconds": time.perf_counter() - wall,
                "processor_seconds": time.process_time() - processor, "steps": found.steps,
            }
        )  # fmt: skip
    return figures(runs)


def figures(runs: Sequence[dict[str, float]]) -> dict[str, Any]:
    return {
        "share": float(np.mean([r["psnr"] > ENOUGH for r in runs])),
        **{key: summary([r[key] for r in runs]) for key in ("psnr", "seconds", "processor_seconds", "steps")},
        "runs": list(runs),
    }


# -- the peer ------------------------------------------------------------------------------------------------


class TorchRenderer:
    """The picture model on a grid of `size` pixels, coverage blurred by `blur` pixels over a pixel's own width."""

    PIXEL = 0.3
    """The blur, in pixels, that stands for a pixel's own area: about the standard deviation of a box, 1/√12."""

    def __init__(self, size: int, blur: float) -> None:
        import torch

        self.torch = torch
        centres = (torch.arange(size) + 0.5) * (2.0 / size) - 1.0
        self.y, self.x = torch.meshgrid(-centres, centres, indexing="ij")
        self.sigma = float(np.hypot(self.PIXEL, blur)) * 2.0 / size

    def __call__(self, rows: Any) -> Any:
        """Pictures (size, size, 3) of rows (5, 9), angles in radians, differentiable."""
        torch = self.torch
        width, height, rounding, angle, x, y = (rows[:, k, None, None] for k in range(6))
        dx, dy = self.x - x, self.y - y
        cosine, sine = torch.cos(angle), torch.sin(angle)
        u = (cosine * dx + sine * dy).abs() - width + rounding
        v = (cosine * dy - sine * dx).abs() - height + rounding
        outside = torch.sqrt(u.clamp(min=0) ** 2 + v.clamp(min=0) ** 2 + 1e-12)
        distance = outside + torch.maximum(u, v).clamp(max=0) - rounding
        cover = 0.5 * torch.erfc(distance / (self.sigma * 2**0.5))
        picture = torch.ones(*self.x.shape, 3)
        for k in range(len(rows)):
            picture = picture + cover[k, :, :, None] * (rows[k, 6:] - picture)
        return picture


STAGES = ((32, 2.0, 60), (64, 1.0, 60), (128, 0.0, 100_000))
"""Size, blur in pixels, steps: coarse to fine, as our pyramid; the last ends at ENOUGH or when time is up."""

RATES = (0.02, 0.01, 0.01)


def peer_run(case: Problem, seconds: float) -> dict[str, float]:
    import torch
    from scipy.ndimage import gaussian_filter

    def tensor(rows: Double) -> Any:
        radians = rows.copy()
        radians[:, 3] = np.radians(rows[:, 3])
        return torch.tensor(radians, dtype=torch.float32)

    truth = TorchRenderer(SIZE, 0.0)(tensor(case.truth)).numpy()
    began, processor = time.perf_counter(), time.process_time()
    start = tensor(case.start)
    coordinates = torch.cat([start[:, :3].log(), start[:, 3:]], 1).requires_grad_(True)

    def rows() -> Any:
        sizes = coordinates[:, :3].exp()
        rounding = torch.minimum(sizes[:, 2:3], sizes[:, :2].min(1, keepdim=True).values)
        return torch.cat([sizes[:, :2], rounding, coordinates[:, 3:6], coordinates[:, 6:].clamp(0, 1)], 1)

    steps, best = 0, 0.0
    for (size, blur, limit), rate in zip(STAGES, RATES):
        factor = SIZE // size
        small = truth.reshape(size, factor, size, factor, 3).mean((1, 3))
        target = torch.tensor(gaussian_filter(small, (blur, blur, 0), mode="nearest") if blur else small)
        renderer = TorchRenderer(size, blur)
        adam = torch.optim.Adam([coordinates], lr=rate, betas=(0.9, 0.99))
        stage = time.perf_counter()
        for _ in range(limit):
            spent = time.perf_counter() - began
            if size == SIZE:
                share = (time.perf_counter() - stage) / max(seconds - (stage - began), 1e-9)
                adam.param_groups[0]["lr"] = rate * (0.02 + 0.49 * (1.0 + np.cos(np.pi * min(share * 2.0, 1.0))))
            loss = ((renderer(rows()) - target) ** 2).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
            steps += 1
            if size == SIZE:
                best = max(best, -10.0 * float(np.log10(max(loss.item(), 1e-12))))
            if spent > seconds or best > ENOUGH:
                break
    return {
        "psnr": best, "seconds": time.perf_counter() - began,
        "processor_seconds": time.process_time() - processor, "steps": float(steps),
    }  # fmt: skip


def peer_figures(problems: Sequence[Problem], seconds: float, threads: Sequence[int]) -> dict[str, Any]:
    """The peer's runs with the thread count that does a step soonest."""
    import torch

    pace: dict[int, float] = {}
    for count in threads:
        torch.set_num_threads(count)
        peer_run(problems[0], 0.5)
        trial = peer_run(problems[0], 1.0)
        pace[count] = trial["seconds"] / trial["steps"]
    chosen = min(pace, key=lambda count: pace[count])
    torch.set_num_threads(chosen)
    return {"threads": chosen, **figures([peer_run(case, seconds) for case in problems])}


# -- a new process -------------------------------------------------------------------------------------------

_NEW_PROCESS = """\
import sys
import numpy as np
import refine, shaderdsl
program = shaderdsl.parse(open(sys.argv[1]).read())
print(refine.optimize(program, np.load(sys.argv[2])).psnr)
"""


def process_figures(case: Problem, count: int) -> dict[str, Any]:
    """Seconds of whole processes that refine one problem, with kernels on disk and without."""
    found: dict[str, Any] = {"warm": [], "empty": [], "psnr": []}
    with tempfile.TemporaryDirectory() as folder:
        start, target = Path(folder, "start.sdf"), Path(folder, "target.npy")
        start.write_text(program(case.start).text)
        np.save(target, drawn(case.truth))
        for number in range(count):
            environment = {**os.environ, "TI_OFFLINE_CACHE_FILE_PATH": str(Path(folder, f"kernels{number}"))}
            for kind in ("empty", "warm"):
                began = time.perf_counter()
                done = subprocess.run(
                    [sys.executable, "-c", _NEW_PROCESS, str(start), str(target)],
                    env=environment, cwd=Path(__file__).resolve().parent.parent, capture_output=True, text=True, check=True,
                )  # fmt: skip
                found[kind].append(time.perf_counter() - began)
                found["psnr"].append(float(done.stdout.split()[-1]))
                if not any(Path(environment["TI_OFFLINE_CACHE_FILE_PATH"]).rglob("*.tic")):
                    raise SystemExit("Taichi kept no kernels where it was told to: these times would mean nothing")
    return {"warm": summary(found["warm"]), "empty": summary(found["empty"]), "psnr": found["psnr"]}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.refinement", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", type=int, default=100, help="problems for refine.optimize (default 100)")
    parser.add_argument("--peer-problems", type=int, default=10, help="problems for PyTorch; 0 leaves it out (default 10)")
    parser.add_argument("--peer-seconds", type=float, default=10.0, help="PyTorch's time a problem (default 10)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="PyTorch's thread counts to try (default 1 2)")
    parser.add_argument("--processes", type=int, default=3, help="new processes of each kind; 0 leaves them out (default 3)")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--name", default="refinement", help="the result file's name (default refinement)")
    options = parser.parse_args(arguments)
    load_before = load()
    random = np.random.default_rng(options.seed)
    problems = [problem(random) for _ in range(options.problems)]
    results: dict[str, Any] = {"start_psnr": summary([psnr(drawn(c.start), drawn(c.truth)) for c in problems[:20]])}
    results["ours"] = own_figures(problems)
    results["peer"] = None
    if options.peer_problems:
        results["peer"] = peer_figures(problems[: options.peer_problems], options.peer_seconds, options.threads)
    results["process"] = process_figures(problems[0], options.processes) if options.processes else None
    path = keep(options.name, vars(options), results, load_before)
    print("\n".join(lines(results)))
    print(f"\nwritten to {path}")


def lines(results: dict[str, Any]) -> list[str]:
    """The tables of a result, as Markdown."""
    rows: list[list[object]] = []
    for name, side in (("refine.optimize", results["ours"]), ("PyTorch, Adam", results["peer"])):
        if side:
            seconds = side["seconds"]
            rows.append(
                [
                    name, seconds["count"], 100 * side["share"], side["psnr"]["median"], seconds["median"],
                    seconds["p25"], seconds["p75"], side["processor_seconds"]["median"], side["steps"]["median"],
                ]
            )  # fmt: skip
    heads = [
        "side", "problems", f"over {ENOUGH:g} dB, %", "median dB", "median s", "lower quartile", "upper quartile",
        "processor s", "steps",
    ]  # fmt: skip
    goals: list[list[object]] = [
        [f"share over {ENOUGH:g} dB", results["ours"]["share"], f"at least {GOALS['share']:g}",
         verdict(results["ours"]["share"], GOALS["share"])],
        ["median seconds, warm", results["ours"]["seconds"]["median"], f"at most {GOALS['median']:g}",
         verdict(results["ours"]["seconds"]["median"], GOALS["median"], most=True)],
    ]  # fmt: skip
    if results["process"]:
        for kind in ("warm", "empty"):
            value, goal = results["process"][kind]["median"], GOALS[f"{kind} process"]
            goals.append([f"a new process, {kind} kernel cache, s", value, f"at most {goal:g}", verdict(value, goal, most=True)])
    return [table(heads, rows), "", table(["figure", "value", "goal", "outcome"], goals)]


if __name__ == "__main__":
    main()
