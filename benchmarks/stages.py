"""Where the time of a fit goes, stage by stage, and its floor: what the arithmetic alone costs.

    python -m benchmarks.stages [folder] [--seconds 10] [--limit 9]

Fits some images of the folder (default: examples/images) and shows the one of median time. A stage's seconds are its own,
without those of the stages that it calls. The floor is what the renderer's kernels took: everything else is Python.
"""

from __future__ import annotations

import argparse
import pkgutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import refine
from benchmarks.images import OWN_IMAGES, spread_over
from benchmarks.measuring import keep, load, table

STAGES = {
    "regions and shapes": "refine.starts.sketch",
    "Levenberg-Marquardt": "refine.evolution.Evolution.refined",
    "prices of simplifications": "refine.moves.simplifications",
    "quadratic, and moves drawn": "refine.moves.verified",
    "layers without each": "refine.moves.dropped_layers",
    "prices of vertices": "refine.moves.insertions",
    "layers for the residual": "refine.evolution.Evolution.residual_layers",
    "borders": "refine.evolution.nested",
    "symmetries": "refine.evolution.symmetric",
    "pruning, the rest": "refine.evolution.Evolution.pruned",
    "growing, the rest": "refine.evolution.Evolution.grown",
    "rounding and printing": "refine.finishing.printed",
    "OpenGL, and what waits for it": "refine.finishing.finished",
}
"""What each stage is called, and the function that does it."""

KERNELS = "render.taichi_backend.Batch._launch"


class Clock:
    """Seconds by stage, each without what it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self.running: list[float] = []

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            began = time.perf_counter()
            self.running.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                whole = time.perf_counter() - began
                self.seconds[stage] = self.seconds.get(stage, 0.0) + whole - self.running.pop()
                self.calls[stage] = self.calls.get(stage, 0) + 1
                if self.running:
                    self.running[-1] += whole

        return call


@contextmanager
def _watched(targets: dict[str, str], clock: Clock) -> Iterator[None]:
    with ExitStack() as stack:
        for stage, target in targets.items():
            home, name = target.rsplit(".", 1)
            function = getattr(pkgutil.resolve_name(home), name)
            stack.enter_context(mock.patch(target, clock.timed(stage, function)))
        yield


def measured(file: Path, seconds: float) -> dict[str, Any]:
    """One fit: its figures, and the seconds of each stage and of the kernels."""
    stages, kernels = Clock(), Clock()
    with _watched(STAGES, stages), _watched({"kernels": KERNELS}, kernels):
        began = time.perf_counter()
        fit = refine.fit(file, seconds=seconds)
        whole = time.perf_counter() - began
    found = {stage: {"seconds": stages.seconds.get(stage, 0.0), "calls": stages.calls.get(stage, 0)} for stage in STAGES}
    found["all else"] = {"seconds": whole - sum(s["seconds"] for s in found.values()), "calls": 1}
    floor = {"seconds": kernels.seconds.get("kernels", 0.0), "calls": kernels.calls.get("kernels", 0)}
    return {"name": file.name, "psnr": fit.psnr, "numbers": fit.numbers, "seconds": whole, "stages": found, "floor": floor}


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    image = result["image"]
    rows: list[list[object]] = [[stage, s["seconds"], s["calls"]] for stage, s in image["stages"].items()]
    rows += [["together", image["seconds"], None], ["floor: kernels alone", image["floor"]["seconds"], image["floor"]["calls"]]]
    head = f"{image['name']}: {image['psnr']:.1f} dB with {image['numbers']} numbers, the median of {result['count']} by time"
    return [head, "", table(["stage", "seconds", "calls"], rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=OWN_IMAGES, help="PNG files (default examples/images)")
    parser.add_argument("--seconds", type=float, default=10.0, help="a fit's time (default 10)")
    parser.add_argument("--limit", type=int, default=9, help="images at most, spread over the folder (default 9)")
    parser.add_argument("--name", default="stages", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args()
    before = load()
    files = spread_over(sorted(options.folder.glob("*.png")), options.limit)
    if not files:
        raise SystemExit(f"there is no PNG file in {options.folder}: name a folder of images")
    refine.fit(files[0], seconds=2.0)  # loads kernels
    rows = sorted((measured(file, options.seconds) for file in files), key=lambda row: row["seconds"])
    result = {"count": len(rows), "image": rows[len(rows) // 2]}
    print("\n".join(lines(result)))
    print(keep(options.name, vars(options), result, before).name)


if __name__ == "__main__":
    main()
