"""Whether fits find rotation, repetition and mirrored halves, and what that saves: twelve drawings of our own making.

    python -m benchmarks.symmetry [--seconds 10] [--size 128] [--only NAME ...]

Each drawing (`symmetry_panel.py`) is fitted twice in the same run, with the search for symmetries and without it. It counts
as found if the program has the wanted operation: `repeat_polar`, `repeat_grid` or `mirror`.
"""

from __future__ import annotations

import argparse
from typing import Any
from unittest import mock

import numpy as np

import refine
from benchmarks.measuring import keep, load, table
from benchmarks.symmetry_panel import drawings


def measured(name: str, wanted: tuple[str, ...], picture: np.ndarray, seconds: float) -> dict[str, Any]:
    """One drawing fitted with symmetries and without."""
    with mock.patch("refine.evolution.symmetric", return_value=None):
        plain = refine.fit(picture, seconds=seconds)
    fitted = refine.fit(picture, seconds=seconds)
    return {
        "name": name, "found": any(f"{word}(" in fitted.program.text for word in wanted), "psnr": fitted.psnr,
        "numbers": fitted.numbers, "seconds": fitted.seconds, "plain_psnr": plain.psnr, "plain_numbers": plain.numbers,
        "program": fitted.program.text,
    }  # fmt: skip


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    heads = ["drawing", "found", "PSNR (dB)", "numbers", "seconds", "without: PSNR (dB)", "without: numbers"]
    keys = ("psnr", "numbers", "seconds", "plain_psnr", "plain_numbers")
    rows = [[d["name"], "yes" if d["found"] else "no", *(d[k] for k in keys)] for d in result["drawings"]]
    return [f"Found in {result['found']} of {len(rows)}.", "", table(heads, rows)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each fit")
    parser.add_argument("--size", type=int, default=128, help="side of the drawings in pixels")
    parser.add_argument("--only", nargs="*", default=[], help="names of drawings")
    parser.add_argument("--name", default="symmetry", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args()
    before = load()
    refine.fit(np.full((16, 16, 3), 0.5, np.float32), seconds=1)  # loads the kernels
    chosen = [d for d in drawings() if not options.only or d.name in options.only]
    done = [measured(d.name, d.wanted, d.picture(options.size), options.seconds) for d in chosen]
    result = {"drawings": done, "found": sum(d["found"] for d in done)}
    print("\n".join(lines(result)))
    print(keep(options.name, {"seconds": options.seconds, "size": options.size}, result, before).name)


if __name__ == "__main__":
    main()
