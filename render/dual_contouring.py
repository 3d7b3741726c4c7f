"""Dual contouring: a closed mesh of a field's surface that keeps edges and corners.

A cell of a grid whose corners lie on both sides of the surface holds a vertex; a grid edge that crosses the surface is a quad
of the four cells around it. A vertex lies where the tangent planes at the crossings of its cell's edges meet best (Ju, Losasso,
Schaefer and Warren, 2002): on an edge of the solid where there are two planes, in a corner where there are three. The field is
known, so crossings are found by iteration, gradients are exact, and a last step brings vertices back to the surface.

A cell may hold more than one piece of the surface, and has a vertex for each (Nielson, 2004). On a cell's face whose corners
alternate the pieces are told apart by the field in its middle; where two cells would then be joined twice through one face,
which makes an edge of four quads, the face is decided the other way (compare Wenger, 2013). So each edge of the mesh has two
triangles, always. An acute edge may pass through a cell whose corners all lie outside: then vertices of the cells beside it lie
there. What is thinner than a cell may be missed, and where it is hardly thicker triangles may cross one another.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from render.solid_surface import OFFSETS, Array, Grid, Ints, SolidSurface

FLAT = 1e-3
"""Of the planes' normals at a vertex: directions whose part (of the greatest, squared) is less are held at the mean."""

BESIDE, TRUE, APART = 1.2, 0.1, 1e-3
"""How far from the middle of its cell, in cells, a vertex may lie, how near to the surface it has to be there, and which part of
the way back to its own cell it goes."""

_EDGES = [(c, c | 1 << axis) for axis in range(3) for c in range(8) if not c >> axis & 1]
"""A cell's edges, four along x, y and z each: both corners, the lower first."""

_AXIS = np.repeat([0, 1, 2], 4)
_START = OFFSETS[[a for a, _ in _EDGES]]
_AROUND = np.array([_START[e, (a + 1) % 3] + 2 * _START[e, (a + 2) % 3] for e, a in enumerate(_AXIS)])
"""Which of the four cells around an edge a cell is to it, by the edge's place in the cell."""


def _face(axis: int, side: int) -> tuple[list[int], list[int]]:
    """The corners of a cell's face, in a circle, and the edges from each to the next."""
    u, v = 1 << (axis + 1) % 3, 1 << (axis + 2) % 3
    corners = [(side << axis) | more for more in (0, u, u | v, v)]
    between = [tuple(sorted((corners[k], corners[(k + 1) % 4]))) for k in range(4)]
    return corners, [_EDGES.index(pair) for pair in between]  # type: ignore[arg-type]


_FACES = [_face(axis, side) for axis in range(3) for side in range(2)]


def _alternates(inside: int, corners: list[int]) -> bool:
    a, b, c, d = (inside >> corner & 1 for corner in corners)
    return a == c and b == d and a != b


_ALTERNATING = np.array([[_alternates(inside, corners) for corners, _ in _FACES] for inside in range(256)])
"""(256, 6): whether the corners of a face alternate, by the bits of a cell's inner corners."""


def contoured(surface: SolidSurface, grid: Grid) -> tuple[Array, Ints]:
    """Vertices (n, 3) and triangles (m, 3) of the surface, counter-clockwise from outside; none of either where no grid edge
    crosses it. The grid's outermost corners have to lie outside of the solid."""
    cells, inside, ends = _cells(surface, grid)
    pieces = _pieces(surface, grid, cells, inside)
    counts = pieces.max(1) + 1
    first = np.cumsum(counts) - counts
    # Every crossing, once from each of the four cells around it.
    cell, edge = np.nonzero(pieces >= 0)
    start = cells[cell] + _START[edge]
    axis = _AXIS[edge]
    key = _number(start, grid) * 3 + axis
    order = np.lexsort((_AROUND[edge], key))
    # A field that is steeper than it says may lack a cell here and there.
    complete = np.flatnonzero(key[order][3:] == key[order][:-3])
    groups = order[complete[:, None] + np.arange(4)]
    chosen = groups[:, 0]
    values = ends[cell[chosen], edge[chosen]]
    points = _crossings(surface, grid, start[chosen], axis[chosen], values)
    vertex = first[cell] + pieces[cell, edge]
    owner = np.repeat(np.arange(len(cells)), counts)
    corners = vertex[groups[:, [3, 2, 0, 1]]]  # counter-clockwise about the edge
    quads = np.where((values[:, 0] <= 0.0)[:, None], corners, corners[:, ::-1])
    vertices = _vertices(surface, grid, cells[owner], vertex[groups], points)
    return vertices, _triangles(surface, vertices, quads)


def _number(nodes: Ints, grid: Grid) -> Ints:
    """A number for each node (n, 3) of a grid."""
    wide = grid.counts + 2
    return (nodes[:, 0] * wide[1] + nodes[:, 1]) * wide[2] + nodes[:, 2]  # type: ignore[no-any-return]


def _cells(surface: SolidSurface, grid: Grid) -> tuple[Ints, Ints, Array]:
    """The cells (k, 3) that the surface passes through, the bits of their inner corners, and the values at both ends of their
    edges (k, 12, 2)."""
    cells = surface.cells_near(grid)
    nodes = (cells[:, None] + OFFSETS).reshape(-1, 3)
    _, where, back = np.unique(_number(nodes, grid), return_index=True, return_inverse=True)
    values = surface.values(grid.at(nodes[where]))[back].reshape(-1, 8)
    inside = ((values <= 0.0) << np.arange(8)).sum(1)
    mixed = (inside > 0) & (inside < 255)
    return cells[mixed], inside[mixed], values[mixed][:, _EDGES]


# -- pieces of the surface in a cell ---------------------------------------------------------------------------


@cache
def _piece_of_edge(inside: int, joined: int) -> tuple[int, ...]:
    """For each edge of a cell the number of the surface's piece that crosses it, -1 where none does.

    `inside` are the bits of the inner corners, `joined` of the faces on which alternating inner corners are connected.
    """
    root = list(range(12))

    def find(edge: int) -> int:
        while root[edge] != edge:
            edge = root[edge]
        return edge

    crossed = [(inside >> a & 1) != (inside >> b & 1) for a, b in _EDGES]
    for number, (corners, edges) in enumerate(_FACES):
        some = [edge for edge in edges if crossed[edge]]
        if len(some) == 2:
            root[find(some[0])] = find(some[1])
        elif some:
            # The surface goes around those corners that are not connected.
            for k, corner in enumerate(corners):
                if (inside >> corner & 1) != (joined >> number & 1):
                    root[find(edges[k - 1])] = find(edges[k])
    names: dict[int, int] = {}
    return tuple(names.setdefault(find(edge), len(names)) if crossed[edge] else -1 for edge in range(12))


def _pieces(surface: SolidSurface, grid: Grid, cells: Ints, inside: Ints) -> Ints:
    """The piece (k, 12) of each cell's edges."""
    cell, face = np.nonzero(_ALTERNATING[inside])
    axis, side = face // 2, face % 2
    place = cells[cell].copy()
    rows = np.arange(len(cell))
    place[rows, axis] += side
    _, where, which = np.unique(_number(place, grid) * 3 + axis, return_index=True, return_inverse=True)
    middle = place + 0.5
    middle[rows, axis] -= 0.5
    joined = surface.values(grid.at(middle[where])) <= 0.0
    edges = np.array([e for _, e in _FACES])[face]
    while True:
        bits = np.zeros(len(cells), np.int64)
        np.bitwise_or.at(bits, cell, joined[which].astype(np.int64) << face)
        kinds, back = np.unique(inside | bits << 8, return_inverse=True)
        table = [_piece_of_edge(kind & 255, kind >> 8) for kind in kinds.tolist()]
        pieces = np.array(table, np.int64).reshape(-1, 12)[back]
        around = pieces[cell[:, None], edges]
        single = (around == around[:, :1]).all(1)
        twice = np.flatnonzero(np.bincount(which, single, minlength=len(where)) == 2)
        if not len(twice):
            return pieces
        # Deciding a face otherwise splits a piece of both its cells. Faces of one cell are turned one after another.
        least = np.full(len(cells), len(where))
        turned = np.isin(which, twice)
        np.minimum.at(least, cell[turned], which[turned])
        alone = np.bincount(which[turned], least[cell[turned]] == which[turned], minlength=len(where)) == 2
        joined = joined ^ alone


# -- places ----------------------------------------------------------------------------------------------------


def _crossings(surface: SolidSurface, grid: Grid, start: Ints, axis: Ints, values: Array) -> Array:
    """Where grid edges cross the surface, (n, 3): regula falsi, Illinois."""
    rows = np.arange(len(start))
    low, high = np.zeros(len(start)), np.ones(len(start))
    f_low, f_high = values[:, 0].copy(), values[:, 1].copy()
    sign = np.where(f_low <= 0.0, 1.0, -1.0)
    f_low, f_high = sign * f_low, sign * f_high
    points = grid.at(start)
    begin = points[rows, axis].copy()
    share = np.zeros(len(start))
    left = rows
    for _ in range(12):
        step = f_low[left] / (f_low[left] - f_high[left])
        share[left] = low[left] + (high[left] - low[left]) * step
        points[left, axis[left]] = begin[left] + grid.cell * share[left]
        f = sign[left] * surface.values(points[left])
        within = f <= 0.0
        some, others = left[within], left[~within]
        low[some], f_low[some] = share[some], f[within]
        f_high[some] *= 0.5
        high[others], f_high[others] = share[others], f[~within]
        f_low[others] *= 0.5
        left = left[np.abs(f) > 1e-10 * grid.cell]
    return points


def _vertices(surface: SolidSurface, grid: Grid, cells: Ints, owners: Ints, points: Array) -> Array:
    """The vertices (n, 3), one in each of `cells`, from crossings (k, 3) that belong to four of them each, `owners` (k, 4)."""
    gradient = surface.gradients(points)
    slope = np.linalg.norm(gradient, axis=1, keepdims=True)
    normal: Array = np.repeat(np.where(slope > 1e-9, gradient / np.maximum(slope, 1e-9), 0.0), 4, 0)
    count = len(cells)
    vertex = owners.ravel()
    # In cells, from the middle of the vertex's own.
    place = (np.repeat(points, 4, 0) - grid.at(cells[vertex] + 0.5)) / grid.cell
    height = (normal * place).sum(1)

    def total(values: Array) -> Array:
        return np.bincount(vertex, values, minlength=count).astype(np.float64)

    matrix = np.empty((count, 3, 3))
    for i in range(3):
        for j in range(i, 3):
            matrix[:, i, j] = matrix[:, j, i] = total(normal[:, i] * normal[:, j])
    right = np.stack([total(normal[:, k] * height) for k in range(3)], 1)
    mean = np.stack([total(place[:, k]) for k in range(3)], 1) / np.maximum(total(np.ones(len(vertex))), 1.0)[:, None]
    free, spot = _met(matrix, right, mean)
    # An acute edge, or a corner, may lie in a cell beside that none of its corners tells of.
    beside = np.flatnonzero((np.abs(free) > 0.5).any(1) & (np.abs(free) < BESIDE).all(1))
    true = beside[np.abs(surface.values(grid.at(cells[beside] + 0.5 + free[beside]))) < TRUE * grid.cell]
    # Cells that share a corner of the solid do not put their vertices into one place.
    spot[true] = free[true] + APART * (spot[true] - free[true])
    vertices = grid.at(cells + 0.5 + spot)
    room = np.full((count, 1), 0.5)
    room[true] = BESIDE
    lower, upper = grid.at(cells + 0.5 - room), grid.at(cells + 0.5 + room)
    for _ in range(2):
        gradient = surface.gradients(vertices)
        square = np.maximum((gradient * gradient).sum(1), 1e-3)
        vertices = np.clip(vertices - (surface.values(vertices) / square)[:, None] * gradient, lower, upper)
    return vertices


def _met(matrix: Array, right: Array, mean: Array) -> tuple[Array, Array]:
    """Where planes meet best, (n, 3) from the middle of a cell, anywhere and within the cell: least squares, held at `mean` where
    they say nothing."""
    values, axes = np.linalg.eigh(matrix)
    heard = values > FLAT * np.maximum(values[:, 2:], 1e-12)
    rest = right - np.einsum("nij,nj->ni", matrix, mean)
    along = np.einsum("nji,nj->ni", axes, rest) * np.where(heard, 1.0 / np.where(heard, values, 1.0), 0.0)
    free = mean + np.einsum("nij,nj->ni", axes, along)
    spot = free.copy()
    out = np.flatnonzero((np.abs(spot) > 0.5).any(1))
    if len(out):
        # The best place of the cell itself, one coordinate after another.
        held = FLAT * np.maximum(values[out, 2], 1e-12)
        m, r = matrix[out] + held[:, None, None] * np.eye(3), right[out] + held[:, None] * mean[out]
        best = np.clip(spot[out], -0.5, 0.5)
        for _ in range(30):
            for k in range(3):
                pull = r[:, k] - (m[:, k] * best).sum(1)
                best[:, k] = np.clip(best[:, k] + pull / m[:, k, k], -0.5, 0.5)
        spot[out] = best
    return free, spot


def _triangles(surface: SolidSurface, vertices: Array, quads: Ints) -> Ints:
    """Quads cut along the diagonal whose middle lies nearer to the surface: along an edge of the solid, and not across."""
    a, b, c, d = (vertices[quads[:, k]] for k in range(4))
    first, second = (np.abs(surface.values(0.5 * (p + q))) + 1e-6 * np.linalg.norm(p - q, axis=1) for p, q in ((a, c), (b, d)))
    turned = np.where((second < first)[:, None], np.roll(quads, -1, 1), quads)
    return np.concatenate([turned[:, [0, 1, 2]], turned[:, [0, 2, 3]]])
