"""What all benchmarks share: clocks, quartiles, a description of the machine, tables, and result files.

Peers are measured in turns (`alternate`), so that a disturbance of the machine meets all of them, and both by the clock
on the wall and by processor time, which other work on the machine disturbs less.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"

PACKAGES = ("numpy", "scipy", "taichi", "scikit-image", "pillow", "torch", "geolipi", "vtracer", "resvg-py")


def machine() -> dict[str, Any]:
    """Processor, cores, versions, commit, moment and load: what a figure means nothing without."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": versions,
        "commit": _commit(),
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "load_at_start": _load(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str:
    """The commit of this checkout, with "+" behind it where files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        return commit + "+" if commit and git("status", "--porcelain") else commit
    except OSError:
        return ""


def _load() -> float | None:
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


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


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, quartiles, least and most."""
    array = np.asarray(list(values), np.float64)
    low, median, high = np.percentile(array, [25, 50, 75])
    return {
        "median": float(median), "lower_quartile": float(low), "upper_quartile": float(high),
        "least": float(array.min()), "most": float(array.max()), "count": len(array),
    }  # fmt: skip


def report(name: str, settings: Mapping[str, Any], body: Mapping[str, Any], started: Mapping[str, Any]) -> Path:
    """Writes results/`name`.json, whole or not at all: command, machine (as `started` with it), settings and `body`."""
    content = {
        "command": " ".join([Path(sys.executable).name, "-m", f"benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]]),
        "machine": {**started, "load_at_end": _load()},
        "settings": _plain(dict(settings)),
        **_plain(dict(body)),
    }
    path = RESULTS / f"{name}.json"
    write_whole(path, (json.dumps(content, indent=1, allow_nan=False) + "\n").encode())
    return path


def write_whole(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(content)
    os.replace(partial, path)


def _plain(value: Any) -> Any:
    """`value` as JSON has it: no arrays, paths or infinities."""
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
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
    """A number with three or four significant digits, as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, (int, float, np.number)):
        return str(value)
    number = float(value)
    if number == int(number) and abs(number) < 1e6 or abs(number) >= 1000:
        return f"{number:,.0f}"
    return f"{number:.1f}" if abs(number) >= 100 else f"{number:.3g}"


def verdict(value: float | None, limit: float, most: bool = False) -> str:
    """Whether a goal is met: at least `limit`, or at most it."""
    if value is None:
        return "not measured"
    return "met" if (value <= limit if most else value >= limit) else "missed"
