"""Two-colour pictures of random solid geometry with known programs: circles and boxes joined by union and difference.

The pictures are alike to those on which Kapur, Jenner and Russell ("Diffusion on Syntax Trees for Program Synthesis",
2024) judge program synthesis: places and sizes on a grid of 32, turns in steps of 45 degrees. `free=True` draws all of
them from the continuum instead. Shapes are drawn by predicates on 8 x 8 points a pixel, independently of our renderers.

    python benchmarks/csg_panel.py folder [--count 64] [--seed 0] [--free]
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 128
SUPERSAMPLING = 8
GRID = 32
LARGEST = 8
"""Primitives that a picture may have."""
LEAST_AREA = 0.005
"""Pictures with less than this share of either colour are left out."""

Tree = list[Any]
"""["circle", radius, x, y], ["quad", x, y, width, height, degrees] or ["+" or "-", tree, tree]; x right, y down,
both from 0 to GRID."""


@dataclass(frozen=True)
class Picture:
    """`coverage` (SIZE, SIZE) in [0, 1] is what the tree of so many `primitives` covers."""

    tree: Tree
    primitives: int
    coverage: npt.NDArray[np.float64]


def _random_tree(random: np.random.Generator, primitives: int, free: bool) -> Tree:
    if primitives > 1:
        left = int(random.integers(1, primitives))
        operator = "+" if random.random() < 0.5 else "-"
        return [operator, _random_tree(random, left, free), _random_tree(random, primitives - left, free)]

    def place() -> float:
        return float(random.uniform(0.0, GRID - 2.0)) if free else int(2 * random.integers(0, GRID // 2))

    def size() -> float:
        return float(random.uniform(2.0, GRID - 2.0)) if free else int(2 * random.integers(1, GRID // 2))

    if random.random() < 0.5:
        return ["circle", size(), place(), place()]
    degrees = float(random.uniform(0.0, 360.0)) if free else int(45 * random.integers(0, 8))
    return ["quad", place(), place(), size(), size(), degrees]


def inside(tree: Tree, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether points, in grid units, lie in a tree."""
    if tree[0] == "+":
        return inside(tree[1], x, y) | inside(tree[2], x, y)
    if tree[0] == "-":
        return inside(tree[1], x, y) & ~inside(tree[2], x, y)
    if tree[0] == "circle":
        _, radius, cx, cy = tree
        return np.asarray((x - cx) ** 2 + (y - cy) ** 2 < radius**2)
    _, cx, cy, width, height, degrees = tree
    turn = np.deg2rad(degrees)
    along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
    across = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
    return np.asarray((2.0 * np.abs(along) < width) & (2.0 * np.abs(across) < height))


def drawn(tree: Tree) -> npt.NDArray[np.float64]:
    """Coverage (SIZE, SIZE) of a tree."""
    count = SIZE * SUPERSAMPLING
    axis = (np.arange(count) + 0.5) * GRID / count
    x, y = np.meshgrid(axis, axis)
    fine = inside(tree, x, y)
    return np.asarray(fine.reshape(SIZE, SUPERSAMPLING, SIZE, SUPERSAMPLING).mean((1, 3)))


def panel(count: int, seed: int = 0, *, free: bool = False) -> Iterator[Picture]:
    """So many random pictures of 1 to LARGEST primitives, the same for one seed."""
    random = np.random.default_rng(seed)
    made = 0
    while made < count:
        primitives = int(random.integers(1, LARGEST + 1))
        tree = _random_tree(random, primitives, free)
        coverage = drawn(tree)
        if LEAST_AREA < coverage.mean() < 1.0 - LEAST_AREA:
            made += 1
            yield Picture(tree, primitives, coverage)


def main() -> None:
    from PIL import Image

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--free", action="store_true", help="numbers off the grid")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    manifest = []
    for number, picture in enumerate(panel(options.count, options.seed, free=options.free)):
        name = f"csg-{number:03d}.png"
        Image.fromarray(np.round(255.0 * (1.0 - picture.coverage)).astype(np.uint8)).save(options.folder / name)
        manifest.append({"file": name, "primitives": picture.primitives, "program": picture.tree})
    whole = options.folder / "manifest.json"
    partial = whole.with_suffix(".json.part")
    partial.write_text(json.dumps(manifest))
    os.replace(partial, whole)


if __name__ == "__main__":
    main()
