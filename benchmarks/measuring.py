"""Clocks, quartiles and tables for the benchmarks that measure peers side by side.

Peers are measured in turns (`alternate`), so that a disturbance of the machine meets all of them, and both by the clock
on the wall and by processor time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import importlib.metadata
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import save

PACKAGES = (
    "numpy", "scipy", "taichi", "scikit-image", "pillow", "moderngl", "torch", "geolipi", "vtracer", "resvg-py",
)  # fmt: skip


@dataclass
class Runs:
    """Seconds of several runs of one thing, on the wall and of processor time (all threads of this process)."""

    wall: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def add(self, function: Callable[[], object]) -> None:
        wall, processor = time.perf_counter(), time.process_time()
        function()
        self.wall.append(time.perf_counter() - wall)
        self.processor.append(time.process_time() - processor)

    def rate(self, count: int) -> dict[str, Any]:
        """Things a second when each run did `count`: median and quartiles by the wall, median by processor time."""
        rates = count / np.maximum(self.wall, 1e-9)
        low, median, high = np.percentile(rates, [25, 50, 75])
        processor = count / max(float(np.median(self.processor)), 1e-9)
        return {
            "per_second": float(median), "quartiles": [float(low), float(high)],
            "per_processor_second": processor, "runs": len(self.wall),
        }  # fmt: skip


def alternate(functions: Mapping[str, Callable[[], object]], runs: int, warm_up: int = 1) -> dict[str, Runs]:
    """Runs each function `warm_up` times unmeasured, then all of them in turns `runs` times."""
    for function in functions.values():
        for _ in range(warm_up):
            function()
    measured = {name: Runs() for name in functions}
    for _ in range(runs):
        for name, function in functions.items():
            measured[name].add(function)
    return measured


def load() -> float | None:
    """How busy the machine is: the load of the last minute, None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def keep(name: str, settings: Mapping[str, Any], results: Mapping[str, Any], load_before: float | None) -> Path:
    """Writes results/`name`.json, whole or not at all, with the command, the packages, the settings and the load."""
    return save(
        name,
        {
            "command": " ".join(["python", "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *(Path(a).name if "/" in a else a for a in sys.argv[1:])]),
            "packages": versions(),
            "load_before": load_before,
            "settings": plain(settings),
            **plain(results),
        },
    )


def versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def plain(value: Any) -> Any:
    """`value` as JSON has it: no arrays, paths or infinities."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Path):
        return value.name  # where a folder lies is nobody's business
    if isinstance(value, float):
        return round(value, 6) if np.isfinite(value) else None
    return value


def table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table, its columns aligned; numbers to the right."""
    cells = [[cell if isinstance(cell, str) else figure(cell) for cell in row] for row in rows]
    widths = [max(len(head), *(len(row[k]) for row in cells)) if cells else len(head) for k, head in enumerate(heads)]
    right = [bool(rows) and all(not isinstance(row[k], str) for row in rows) for k in range(len(heads))]

    def line(texts: Sequence[str]) -> str:
        return "| " + " | ".join(t.rjust(w) if r else t.ljust(w) for t, w, r in zip(texts, widths, right)) + " |"

    rule = "|" + "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right)) + "|"
    return "\n".join([line(heads), rule, *(line(row) for row in cells)])


def figure(value: object) -> str:
    """A number with three or four significant digits, as a person reads it; a dash for none."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return str(value)
    number = float(value)
    if abs(number) >= 1000 or number == int(number):
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 100 else f"{number:.3g}"


def verdict(value: float | None, limit: float, most: bool = False) -> str:
    """Whether a goal is met: at least `limit`, or at most it."""
    if value is None:
        return "not measured"
    return "met" if (value <= limit if most else value >= limit) else "missed"
