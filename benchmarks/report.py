"""Writes results/summary.md from the result files, so that no figure is ever typed by hand.

    python -m benchmarks.report

Each result is one JSON file in results/ that its benchmark has written; those of trials, and those whose benchmark this
module does not know how to lay out, are listed with what they hold at their top.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import batch, images, refinement
from benchmarks.common import RESULTS
from benchmarks.measuring import table
from render.files import write_whole

LAYOUTS: dict[str, tuple[str, Callable[[dict[str, Any]], list[str]]]] = {
    "batch": ("Programs a second, beside GeoLIPI", lambda result: batch.lines(result["sizes"])),
    "refinement": ("Refinement, beside PyTorch with Adam, and in a new process", refinement.lines),
    "images": ("Real images, beside VTracer", images.lines),
}


def section(path: Path) -> str:
    """One result as Markdown: where and how it was measured, then its tables."""
    result = json.loads(path.read_text(encoding="utf-8"))
    name = str(result.get("benchmark", path.stem))
    kind = next((k for k in LAYOUTS if name == k or name.startswith(k + "-")), None)
    title = LAYOUTS[kind][0] if kind else name
    text = [f"## {title} (`{path.name}`)", "", _origin(result), ""]
    if kind:
        text += LAYOUTS[kind][1](result)
    else:
        told = ("benchmark", "date", "commit", "machine", "command", "packages", "load_before")
        plain = [[k, v] for k, v in result.items() if k not in told and isinstance(v, (int, float, str))]
        nested = [[f"{k}, {q}", v] for k, d in result.items() if k not in told and isinstance(d, dict) for q, v in d.items()]
        rows = plain + [row for row in nested if isinstance(row[1], (int, float, str))]
        text.append(table(["figure", "value"], rows) if rows else "(no figures at the top of the file)")
    return "\n".join(text)


def _origin(result: dict[str, Any]) -> str:
    machine = result.get("machine", {})
    facts = [
        f"`{result['command']}`" if "command" in result else "",
        f"commit {result['commit']}" if result.get("commit") else "",
        str(result.get("date", "")),
        f"{machine.get('processor', '')}, {machine.get('cores', '?')} cores, Python {machine.get('python', '?')}",
        f"load before {result['load_before']}" if result.get("load_before") is not None else "",
        f"load after {machine['load'][0]}" if machine.get("load") else "",
        ", ".join(f"{k} {v}" for k, v in result.get("packages", {}).items()),
    ]
    return "; ".join(fact for fact in facts if fact)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    files = [path for path in sorted(RESULTS.glob("*.json")) if not path.stem.endswith("_trial")]
    if not files:
        raise SystemExit(f"there are no results in {RESULTS} yet: run a benchmark first, such as python -m benchmarks.batch")
    text = "# What the benchmarks found\n\nWritten by `python -m benchmarks.report`.\n\n"
    path = write_whole(RESULTS / "summary.md", text + "\n\n".join(section(file) for file in files) + "\n")
    print(f"{len(files)} results, written to {path}")


if __name__ == "__main__":
    main()
