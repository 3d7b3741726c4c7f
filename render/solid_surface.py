"""A solid's surface as meshes and slices see it: its field in float64 at many points, cut by a box, and where it lies.

The field never changes faster than its Lipschitz constant, so a block of space whose centre is farther from the surface than
its corners is empty or full. Blocks are halved until they are cells, and only those that may hold the surface are kept: a grid
of n cells a side costs about n squared evaluations and not n cubed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled
from render.solid_numpy_field import Distances, Field, Sight
from shaderdsl import solid_dual as dual
from shaderdsl.solid_tape import SolidTape

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MAX_CELLS = 4_000_000
"""Cells near a surface that are looked at: a few gigabytes."""

_TOGETHER = 1 << 14
"""Points that are evaluated at once: what they need stays in a processor's cache."""

OFFSETS = np.array([(k & 1, k >> 1 & 1, k >> 2 & 1) for k in range(8)], np.int64)
"""The corners of a cell, (8, 3); corner k lies at the bits of k, x first."""


class MeshError(ValueError):
    """A mesh that can not be made or saved; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, eq=False)
class Grid:
    """Cubic cells of side `cell` from the corner `origin` (3,), `counts` (3,) of them along each axis."""

    origin: Array
    cell: float
    counts: Ints

    def at(self, places: npt.NDArray[Any]) -> Array:
        """Points (n, 3) of places (n, 3) that count cells."""
        points: Array = self.origin + self.cell * places
        return points


class SolidSurface:
    """The field of a tape within the box from `low` to `high` (3,), which cuts off what reaches out of it."""

    def __init__(self, tape: SolidTape, slots: Array, low: Array, high: Array) -> None:
        self.tape, self.slots = tape, slots
        self.low, self.high = low, high
        self.lipschitz = max(tape.lipschitz, 1.0)
        self._distances = Distances(tape, slots)

    def values(self, points: Array) -> Array:
        """Signed distances (n,) of the cut solid at points (n, 3)."""

        def evaluated(some: Array) -> Array:
            values: Array = np.maximum(self._distances.at(list(some.T)), self._beyond(some).max(0))
            return values

        return _in_parts(evaluated, points)

    def gradients(self, points: Array) -> Array:
        """Gradients (n, 3) of `values`."""

        def evaluated(some: Array) -> Array:
            field = self._field(some)
            beyond = self._beyond(some)
            side = beyond.argmax(0)
            wall = np.zeros_like(some)
            wall[np.arange(len(some)), side % 3] = np.where(side < 3, 1.0, -1.0)
            return np.where((beyond.max(0) > field.dual[0])[:, None], wall, np.stack(field.gradient, 1))

        return _in_parts(evaluated, points)

    def colours(self, points: Array) -> Array:
        """The material's base colour (n, 3) in sRGB at points (n, 3)."""
        encode = compiled(dual.screen_rule("none"))[0]

        def evaluated(some: Array) -> Array:
            red, green, blue, *_ = self._field(some).material()
            return np.stack([c + np.zeros(len(some)) for c in encode(red, green, blue, 1.0, 1.0)], 1)

        return _in_parts(evaluated, points)

    def _beyond(self, points: Array) -> Array:
        """How far points lie beyond each side of the box, (6, n)."""
        return np.concatenate([points.T - self.high[:, None], self.low[:, None] - points.T])

    def _field(self, points: Array) -> Field:
        """The field as no camera sees it: creases, which are for pixels, do not matter."""
        zero = np.zeros(len(points))
        return Field(self.tape, self.slots, Sight([*points.T, *[zero] * 5], [zero] * 6), zero)

    # -- where it lies ------------------------------------------------------------------------------------

    def cells_near(self, grid: Grid) -> Ints:
        """The cells (k, 3) of a grid, from zero, that may hold the surface: all others are empty or full. Raises MeshError
        where they are more than MAX_CELLS."""
        size = 1 << int(grid.counts.max() - 1).bit_length()
        blocks: Ints = np.zeros((1, 3), np.int64)
        while True:
            reach = 0.5 * 3.0**0.5 * size * grid.cell * self.lipschitz
            blocks = blocks[np.abs(self.values(grid.at((blocks + 0.5) * size))) <= reach * (1.0 + 1e-9)]
            if len(blocks) > MAX_CELLS:
                raise MeshError(
                    f"the surface passes through more than {MAX_CELLS:,} cells of this grid: ask for a lower resolution "
                    "or smaller bounds"
                )
            if size == 1:
                return blocks
            size //= 2
            blocks = (2 * blocks[:, None] + OFFSETS).reshape(-1, 3)
            blocks = blocks[(blocks * size < grid.counts).all(1)]


def _in_parts(function: Callable[[Array], Array], points: Array) -> Array:
    with np.errstate(all="ignore"):
        parts = [function(points[k : k + _TOGETHER]) for k in range(0, max(len(points), 1), _TOGETHER)]
    return np.concatenate(parts)
