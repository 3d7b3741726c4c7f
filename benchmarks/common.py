"""What the benchmarks share: what they ran on, quantiles, and results written whole."""

from __future__ import annotations

import datetime
import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from render.files import write_whole

RESULTS = Path(__file__).resolve().parent / "results"


def machine() -> dict[str, Any]:
    """The processor, its cores, memory in GiB, operating system, Python, and how busy the machine is (load)."""
    name = platform.processor() or platform.machine()
    memory = 0.0
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (OSError, ValueError):
        pass  # not Linux: the processor's plain name has to do
    return {
        "processor": name, "cores": os.cpu_count(), "memory": round(memory, 1), "system": platform.platform(),
        "python": platform.python_version(), "load": [round(value, 2) for value in os.getloadavg()],
    }  # fmt: skip


def commit() -> str:
    """The commit of the tree, with "+" where files differ from it; outside of a repository what EARTHSHADER_COMMIT says, or nothing."""

    def git(*arguments: str) -> str:
        folder = Path(__file__).resolve().parent
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    found = git("rev-parse", "--short", "HEAD")
    return found + ("+" if git("status", "--porcelain") else "") if found else os.environ.get("EARTHSHADER_COMMIT", "")


def summary(values: Sequence[float]) -> dict[str, float]:
    """Count, mean, median, 5th, 25th, 75th, 95th and 99th percentile, least and greatest."""
    array = np.asarray(values, np.float64)
    shares = (5, 25, 50, 75, 95, 99)
    return {
        "count": len(array), "mean": float(array.mean()), "least": float(array.min()), "greatest": float(array.max()),
        **{"median" if share == 50 else f"p{share}": float(np.percentile(array, share)) for share in shares},
    }  # fmt: skip


def save(name: str, results: Mapping[str, Any]) -> Path:
    """Writes results/NAME.json, whole or not at all, with the machine, the commit and the date; returns its path."""
    content = {
        "benchmark": name, "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": commit(), "machine": machine(), **results,
    }  # fmt: skip
    return write_whole(RESULTS / f"{name}.json", json.dumps(content, indent=2) + "\n")
