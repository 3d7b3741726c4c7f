"""Grids of equal elements, drawn as one cell repeated.

A grid that reaches the picture's border goes on beyond it: it takes in the elements that are cut off there. What one
cell draws is averaged over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from refine.averages import Drawn, Explainer, Placement, averaged
from refine.figures import Canvas, Element, Figure, layers_of
from refine.lattices import cells, extended, lattices, turned_point
from refine.primitives import Explanation
from refine.sketch import Box, Circle, Ellipse, Grid, Point, Ring

LONGEST = 60
"""Rows or columns beyond which no grid is extended."""


def repeated_in(
    figure: Figure, canvas: Canvas, explainers: Sequence[Explainer]
) -> Iterator[tuple[frozenset[int], list[Drawn]]]:
    """The layers (indices into the sketch) of elements of a figure that stand in rows and columns, and ways to draw
    them."""
    if len(figure.elements) < 3:
        return
    for members, grid in lattices(np.array([e.center for e in figure.elements]), canvas.unit):
        elements = [figure.elements[i] for i in members]
        if not figure.group.whole(elements):
            continue
        one = figure.group.figure(elements)
        half = _half_extent(one, canvas)
        longer, cut_off = _to_the_border(one, grid, half, canvas)
        every = figure.group.figure([*elements, *cut_off])
        yield layers_of([*elements, *cut_off]), _drawn(every, longer, half, canvas, explainers)


def _half_extent(figure: Figure, canvas: Canvas) -> float:
    """Half of the longer side (scene units) of the first element."""
    rows, columns = np.nonzero(figure.group.labels == figure.elements[0].label)
    return 0.5 * canvas.unit * (1 + max(int(np.ptp(rows)), int(np.ptp(columns))))


def _to_the_border(figure: Figure, grid: Grid, half: float, canvas: Canvas) -> tuple[Grid, list[Element]]:
    """The grid extended as far as cells that the border cuts off go on, and the elements that it takes in so."""
    taken = {e.label for e in figure.elements}
    extra: list[Element] = []
    for side in range(4):
        while max(grid.columns, grid.rows) < LONGEST:
            longer, places = extended(grid, side)
            hits = _cut_off(figure, places, half, canvas)
            if hits is None:
                break
            grid = longer
            extra += [e for e in hits if e.label not in taken]
            taken |= {e.label for e in hits}
    return grid, extra


def _cut_off(figure: Figure, places: Sequence[Point], half: float, canvas: Canvas) -> list[Element] | None:
    """The elements of the group at the border that stand at these places (scene) as far as the picture shows them; None
    where one place is empty, or nothing of any is in the picture. `half` is half an element's side (scene units)."""
    group = figure.group
    first = figure.elements[0].center
    hits: list[Element] = []
    for px, py in places:
        near = (np.abs(canvas.x - px) < half + canvas.unit) & (np.abs(canvas.y - py) < half + canvas.unit)
        if near.sum() < 2:
            continue
        x, y = canvas.x[near] - px + first[0], canvas.y[near] - py + first[1]
        expected = canvas.sampled([figure.cover], x, y)[0]
        if expected.sum() < 2.0:
            continue
        seen = (group.known[near] > 0) & (expected > 0.02)
        difference = float(np.abs(expected - group.cover[near])[seen].sum())
        if difference > 0.25 * expected[seen].sum() + 1.0:
            return None
        found = set(group.labels[near][expected > 0.5].tolist())
        hits += [e for e in group.elements if e.label in found and e.clipped]
    return hits or None


def _drawn(figure: Figure, grid: Grid, half: float, canvas: Canvas, explainers: Sequence[Explainer]) -> list[Drawn]:
    """Shapes for one cell with the grid, for each explainer that finds them."""
    average = averaged(figure, canvas, (half, half), [_placement(grid, cell) for cell in cells(grid)])
    # Neighbours that the average shows too are no part of the cell.
    own = (np.abs(average.x) < 0.5 * grid.dx) | (grid.columns == 1)
    own &= (np.abs(average.y) < 0.5 * grid.dy) | (grid.rows == 1)
    target = np.where(own, average.cover, 0.0)
    parts = [explainer.best(average, target, average.known, grid.columns * grid.rows) for explainer in explainers]
    return [_placed(part, grid) for part in parts if part is not None]


def _placement(grid: Grid, cell: Point) -> Placement:
    """Where a cell (its centre, scene) has points."""
    c, s = np.cos(np.radians(grid.turn)), np.sin(np.radians(grid.turn))
    return lambda x, y: (cell[0] + c * x - s * y, cell[1] + s * x + c * y)


def _placed(part: Explanation, grid: Grid) -> Drawn:
    """The shapes of a cell with the grid. A single solid is put in the middle of its cell: the grid's centre places it,
    and two centres would be one too many."""
    if len(part.shapes) == 1 and isinstance(part.shapes[0], (Circle, Ellipse, Box, Ring)):
        middle = turned_point(grid, *part.shapes[0].center)
        return [(replace(part.shapes[0], center=(0.0, 0.0)), replace(grid, center=middle))]
    return [(shape, grid) for shape in part.shapes]
