"""Changes of structure: what a sketch could do without, what it could use more of, and what each would cost or gain.

Around a refined sketch the squared error is nearly a quadratic in its numbers, E(θ + δ) = E + 2 gᵀδ + δᵀHδ, with H = JᵀJ
from the renderer. A simplification is a linear constraint on the numbers (two colours become one, a box loses its angle,
an ellipse's radii agree), A δ + c = 0, and the least error at which all *other*
numbers can make up for it follows at once: cᵀ (A H⁻¹ Aᵀ)⁻¹ c (the optimal brain surgeon: Hassibi and Stork, 1993). So every
simplification is priced after one evaluation, refitting included. Likewise an insertion is priced from one evaluation of the
sketch with a vertex put into every piece: the gain of freeing it is gᵀ H⁻¹ g on its two numbers.

A vertex is deleted where its neighbours can draw nearly the same outline (`refine.vertices`).

The quadratic is blind far away: an outline hidden below another is free to move, until it shows. So the moves that are cheapest
by it are drawn before any is made, all in one batch on the draft's own tape, which can show what obeys a constraint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import numpy.typing as npt

from refine.contours import contours_of, outline_of, outline_uses, own_contours, shared, with_contours
from refine.descents import Level
from refine.draft import Draft, centers_of, colours_of, renumbered
from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Colour,
    Difference,
    Ellipse,
    Flat,
    Linear,
    Mirror,
    Offset,
    Outlined,
    Point,
    Ring,
    Segment,
    Sketch,
    SketchLayer,
    SketchShape,
    Stroke,
    Vertex,
    difference_of,
)
from refine.vertices import Deletion, Outline, deletions

Double = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Constraint:
    """Linear conditions on a change δ of a draft's numbers: sum(weight * δ[index]) = -offset for each row."""

    rows: Sequence[Sequence[tuple[int, float]]]
    offsets: Sequence[float]


@dataclass(frozen=True)
class Move:
    """A change: by how much the squared error rises (falls when negative), how many numbers it saves (adds when
    negative), what it touches (moves that share a key exclude each other), and the change itself.

    `edit` keeps the number and order of layers; a dropped layer is left as None until `applied` is done. `constraint` is
    what the move does to the numbers of the sketch as it is, or None for a dropped layer.
    """

    cost: float
    saves: int
    keys: frozenset[object]
    edit: Callable[[list[SketchLayer | None]], None]
    constraint: Constraint | None = None

    @property
    def price(self) -> float:
        """Squared error for each number saved."""
        return self.cost / max(self.saves, 1)


def applied(sketch: Sketch, moves: Sequence[Move]) -> Sketch:
    """The sketch after several moves that do not exclude each other; vertices are deleted last to first."""
    layers: list[SketchLayer | None] = list(sketch.layers)
    for move in moves:
        move.edit(layers)
    cleaned = [None if layer is None else _cleaned(layer) for layer in layers]
    return Sketch(sketch.background, tuple(layer for layer in shared(sketch.layers, cleaned) if layer is not None))


_GONE = (np.inf, np.inf, True)


def _cleaned(layer: SketchLayer) -> SketchLayer | None:
    """The layer without its deleted vertices; None when too few are left."""
    contours = contours_of(layer.shape)
    least = 2 if isinstance(layer.shape, Stroke) else 3
    kept = [tuple(vertex for vertex in contour if np.isfinite(vertex[0])) for contour in contours]
    kept = [contour for contour in kept if len(contour) >= least]
    if not contours or tuple(kept) == contours:
        return layer
    return replace(layer, shape=with_contours(layer.shape, kept)) if kept else None


# -- simplifications -----------------------------------------------------------------------------------------


class Quadratic:
    """The error around a draft: squared error, H⁻¹ and g in the draft's numbers."""

    def __init__(self, draft: Draft, level: Level, huber: float = 0.0) -> None:
        from render.taichi_backend import Batch
        from render.tapes import tape_of

        batch = Batch.of([(tape_of(draft.program), draft.program.params)])
        errors, gradients, matrices = batch.normal_equations(level.target, level.blur, huber)
        self.error = float(errors[0])
        self.gradient = gradients[0]
        matrix = matrices[0].astype(np.float64)
        diagonal = np.diag(matrix)
        self.matrix = matrix + np.diag(1e-3 * diagonal + 1e-6 * max(diagonal.max(), 1e-9))
        self._inverse: Double | None = None

    @property
    def inverse(self) -> Double:
        if self._inverse is None:
            self._inverse = np.linalg.inv(self.matrix)
        return self._inverse

    def price(self, constraint: Constraint) -> float:
        """The least rise of the error at which a constraint holds."""
        _, inner, c = self._reduced(constraint)
        return float(c @ np.linalg.solve(inner, c))

    def shift(self, constraint: Constraint) -> Double:
        """The change of all numbers (p,) by which a constraint holds at the least rise of the error."""
        (indices, a), inner, c = self._reduced(constraint)
        change: Double = -self.inverse[:, indices] @ (a.T @ np.linalg.solve(inner, c))
        return change

    def _reduced(self, constraint: Constraint) -> tuple[tuple[list[int], Double], Double, Double]:
        """The numbers that a constraint is about and its matrix A on them; A H⁻¹ Aᵀ; and its offsets."""
        indices = sorted({i for row in constraint.rows for i, _ in row})
        place = {i: k for k, i in enumerate(indices)}
        a = np.zeros((len(constraint.rows), len(indices)))
        for r, row in enumerate(constraint.rows):
            for i, weight in row:
                a[r, place[i]] += weight
        inner = a @ self.inverse[np.ix_(indices, indices)] @ a.T
        inner += 1e-12 * np.trace(inner) * np.eye(len(inner))
        return (indices, a), inner, np.asarray(constraint.offsets, np.float64)


def verified(moves: Sequence[Move], count: int, draft: Draft, quadratic: Quadratic, level: Level, scale: Level) -> list[Move]:
    """The moves, of which the `count` cheapest have the cost that a drawing on `level` shows, in errors of `scale`."""
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    ordered = sorted(moves, key=lambda m: m.price)
    doubtful = [k for k, m in enumerate(ordered[:count]) if m.constraint is not None]
    if not doubtful:
        return ordered
    structure = draft.program.structure
    parameters = np.repeat(draft.program.params[None], len(doubtful) + 1, 0)
    for row, k in enumerate(doubtful):
        constraint = ordered[k].constraint
        assert constraint is not None
        parameters[row] = np.clip(parameters[row] + quadratic.shift(constraint), structure.low, structure.high)
    batch = Batch([tape_of(draft.program)], np.zeros(len(parameters), np.int32), np.ascontiguousarray(parameters))
    scores = batch.scores(level.target, level.blur) * (scale.target.image.size / level.target.image.size)
    for row, k in enumerate(doubtful):
        ordered[k] = replace(ordered[k], cost=max(ordered[k].cost, float(scores[row] - scores[-1])))
    return ordered


def simplifications(draft: Draft, quadratic: Quadratic) -> list[Move]:
    """Every constraint move, priced."""
    sketch = draft.sketch
    places = renumbered(sketch, range(draft.numbers))
    moves = list(_vertex_moves(sketch, places, quadratic))
    for index, (layer, at) in enumerate(zip(sketch.layers, places.layers)):
        moves += _shape_moves(index, layer, at, quadratic)
        moves += _paint_moves(index, layer, at, quadratic)
    return [*moves, *_colour_moves(sketch, places, quadratic), *_center_moves(sketch, places, quadratic)]


def _vertex_moves(sketch: Sketch, places: Sketch, quadratic: Quadratic) -> Iterable[Move]:
    stiffness = np.diag(quadratic.matrix)
    owners: list[tuple[int, int]] = []
    outlines: list[Outline] = []
    for index, (layer, own, at) in enumerate(zip(sketch.layers, own_contours(sketch), places.layers)):
        closed = not isinstance(layer.shape, Stroke) or layer.shape.closed
        for c, (contour, where) in enumerate(zip(own, contours_of(at.shape))):
            owners.append((index, c))
            outlines.append(Outline(contour, closed, [stiffness[int(x)] + stiffness[int(y)] for x, y, _ in where]))
    for deletion in deletions(outlines):
        index, c = owners[deletion.outline]
        n = len(outlines[deletion.outline].vertices)
        keys = frozenset((index, c, (deletion.vertex + k) % n) for k in (-1, 0, 1))
        yield Move(deletion.cost, 2, keys, _deleting(index, c, deletion))


def _deleting(index: int, contour: int, deletion: Deletion) -> Callable[[list[SketchLayer | None]], None]:
    def edit(layers: list[SketchLayer | None]) -> None:
        layer = layers[index]
        if layer is None:
            return
        contours = [list(c) for c in contours_of(layer.shape)]
        vertices, v = contours[contour], deletion.vertex
        for k, (x, y) in ((v - 1, deletion.before), ((v + 1) % len(vertices), deletion.after)):
            vertices[k] = (x, y, vertices[k][2])
        vertices[v] = _GONE
        layers[index] = replace(layer, shape=with_contours(layer.shape, contours))

    return edit


def _changed(index: int, change: Callable[[SketchLayer], SketchLayer]) -> Callable[[list[SketchLayer | None]], None]:
    def edit(layers: list[SketchLayer | None]) -> None:
        layer = layers[index]
        if layer is not None:
            layers[index] = change(layer)

    return edit


def _shape_moves(index: int, layer: SketchLayer, at: SketchLayer, quadratic: Quadratic) -> Iterable[Move]:
    for constraint, saves, plainer in _plainer(layer.shape, at.shape):
        # An outline is what it is by then: vertices of it may go in the same round.
        change = _changed(index, _unoffset if isinstance(layer.shape, Offset) else partial(_reshaped, plainer))
        yield Move(quadratic.price(constraint), saves, frozenset({(index, "shape")}), change, constraint)


def _reshaped(shape: SketchShape, layer: SketchLayer) -> SketchLayer:
    return replace(layer, shape=shape)


def _unoffset(layer: SketchLayer) -> SketchLayer:
    return replace(layer, shape=outline_of(layer.shape) or layer.shape)


def _plainer(shape: SketchShape, where: SketchShape) -> Iterable[tuple[Constraint, int, SketchShape]]:
    """Special cases of a shape, the numbers that they save, and what they demand; `where` has the numbers' indices."""
    if isinstance(shape, Difference) and isinstance(where, Difference):
        solids, places = (shape.base, *shape.holes), (where.base, *where.holes)
        for k, (solid, place) in enumerate(zip(solids, places)):
            for constraint, saves, plainer in _plainer(solid, place):
                yield constraint, saves, difference_of([*solids[:k], plainer, *solids[k + 1 :]])
    if isinstance(shape, Outlined) and isinstance(where, Outlined):
        for constraint, saves, plainer in _plainer(shape.shape, where.shape):
            if isinstance(plainer, Circle):
                yield constraint, saves, Ring(plainer.center, plainer.radius, shape.width)
            elif isinstance(plainer, (Box, Ellipse)):
                yield constraint, saves, Outlined(plainer, shape.width)
    if isinstance(shape, Offset) and isinstance(where, Offset):
        yield Constraint([[(int(where.distance), 1.0)]], [shape.distance]), 1, shape.outline
    if isinstance(shape, Ellipse) and isinstance(where, Ellipse):
        equal = Constraint([[(int(where.radius_x), 1.0), (int(where.radius_y), -1.0)]], [shape.radius_x - shape.radius_y])
        yield equal, 1 + (shape.angle != 0), Circle(shape.center, 0.5 * (shape.radius_x + shape.radius_y))
    if isinstance(shape, (Ellipse, Box)) and isinstance(where, (Ellipse, Box)) and shape.angle:
        quarter = round(shape.angle / 90) * 90
        upright = Constraint([[(int(where.angle), 1.0)]], [shape.angle - quarter])
        yield upright, 1, _straightened(shape, bool(quarter % 180))
    if isinstance(shape, Box) and isinstance(where, Box) and shape.rounding:
        yield Constraint([[(int(where.rounding), 1.0)]], [shape.rounding]), 1, replace(shape, rounding=0.0)
    if isinstance(shape, Capsule) and isinstance(where, Capsule):
        equal = Constraint([[(int(where.radius_a), 1.0), (int(where.radius_b), -1.0)]], [shape.radius_a - shape.radius_b])
        yield equal, 1, Segment(shape.a, shape.b, shape.radius_a + shape.radius_b)


def _straightened(shape: Ellipse | Box, swapped: bool) -> Ellipse | Box:
    """The shape without its angle; `swapped` exchanges its axes, for a quarter turn."""
    if not swapped:
        return replace(shape, angle=0.0)
    if isinstance(shape, Box):
        return replace(shape, angle=0.0, half_width=shape.half_height, half_height=shape.half_width)
    return replace(shape, angle=0.0, radius_x=shape.radius_y, radius_y=shape.radius_x)


def _paint_moves(index: int, layer: SketchLayer, at: SketchLayer, quadratic: Quadratic) -> Iterable[Move]:
    paint, where = layer.paint, at.paint
    if isinstance(paint, Flat) or isinstance(where, Flat):
        return
    first, second = np.array(paint.colour_a), np.array(paint.colour_b)
    rows = [[(int(a), 1.0), (int(b), -1.0)] for a, b in zip(where.colour_a, where.colour_b)]
    if any(row[0][0] == row[1][0] for row in rows):
        return
    red, green, blue = 0.5 * (first + second)
    flat = Flat((float(red), float(green), float(blue)))
    saved = 7 if isinstance(paint, Linear) else 6
    constraint = Constraint(rows, list(first - second))
    yield Move(quadratic.price(constraint), saved, frozenset({(index, "paint")}), _changed(index, lambda layer: replace(layer, paint=flat)), constraint)


def _colour_moves(sketch: Sketch, places: Sketch, quadratic: Quadratic) -> Iterable[Move]:
    """Pairs of similar colours that could be one."""
    seen: dict[Colour, Colour] = dict(zip(colours_of(sketch), colours_of(places)))
    colours = list(seen)
    if sum(colour == sketch.background for colour in colours_of(sketch)) == 1:
        # The background's colour is written where it stands: sharing it with one other saves nothing.
        colours.remove(sketch.background)  # type: ignore[arg-type]
    for k, colour in enumerate(colours):
        if colour == sketch.background:
            continue
        near = sorted(
            (max(abs(a - b) for a, b in zip(colour, other)), n) for n, other in enumerate(colours[:k])
        )[:3]
        for gap, n in near:
            if gap > 0.25:
                continue
            other = colours[n]
            rows = [[(int(i), 1.0), (int(j), -1.0)] for i, j in zip(seen[colour], seen[other])]
            constraint = Constraint(rows, [a - b for a, b in zip(colour, other)])
            keys = frozenset({("colour", colour), ("colour", other)})
            yield Move(quadratic.price(constraint), 3, keys, _recoloured(colour, other), constraint)


def _recoloured(old: Colour, new: Colour) -> Callable[[list[SketchLayer | None]], None]:
    def edit(layers: list[SketchLayer | None]) -> None:
        for k, layer in enumerate(layers):
            if layer is None:
                continue
            paint = layer.paint
            if isinstance(paint, Flat):
                if paint.colour == old:
                    layers[k] = replace(layer, paint=Flat(new))
            elif old in (paint.colour_a, paint.colour_b):
                a, b = (new if c == old else c for c in (paint.colour_a, paint.colour_b))
                layers[k] = replace(layer, paint=replace(paint, colour_a=a, colour_b=b))

    return edit


NEAR = 0.05
"""Centres this near to each other (scene units) may be one."""


def _center_moves(sketch: Sketch, places: Sketch, quadratic: Quadratic) -> Iterable[Move]:
    """Centres that could be the origin, or the centre of something else: neither is written then."""
    seen: dict[tuple[Point, bool], tuple[Point, set[int]]] = {}
    for index, (layer, at) in enumerate(zip(sketch.layers, places.layers)):
        axis = isinstance(layer.symmetry, Mirror)
        for k, (center, where) in enumerate(zip(centers_of(layer), centers_of(at))):
            # An axis is placed across itself alone, and the part of a repeated shape has a place of its own.
            symmetric = layer.symmetry is not None and k == len(list(centers_of(layer))) - 1
            if any(center) and (symmetric or layer.symmetry is None):
                seen.setdefault((center, axis and symmetric), (where, set()))[1].add(index)
    found = list(seen.items())
    for n, ((center, axis), (where, layers)) in enumerate(found):
        x, y = int(where[0]), int(where[1])
        others = [((0.0, 0.0), None), *((o, w) for (o, a), (w, _) in found[:n] if a == axis)]
        for other, at_other in others:
            gap = (center[0] - other[0], center[1] - other[1])
            if max(map(abs, gap)) > NEAR:
                continue
            rows = [[(i, 1.0)] + ([] if at_other is None else [(int(j), -1.0)]) for i, j in zip((x, y), at_other or (0, 0))]
            upright = axis and all(getattr(sketch.layers[k].symmetry, "angle", 90.0) == 90.0 for k in layers)
            constraint = Constraint(rows[:1], gap[:1]) if upright else Constraint(rows, gap)
            keys: set[object] = {("center", center), ("center", other), *((k, "shape") for k in layers)}
            if at_other is None:
                keys.discard(("center", other))
            yield Move(quadratic.price(constraint), 2, frozenset(keys), _recentered(center, other), constraint)


def _recentered(old: Point, new: Point) -> Callable[[list[SketchLayer | None]], None]:
    def edit(layers: list[SketchLayer | None]) -> None:
        for k, layer in enumerate(layers):
            if layer is None:
                continue
            if layer.symmetry is not None:
                if layer.symmetry.center == old:
                    layers[k] = replace(layer, symmetry=replace(layer.symmetry, center=new))
            elif isinstance(layer.shape, (Circle, Ellipse, Box, Ring)) and layer.shape.center == old:
                layers[k] = replace(layer, shape=replace(layer.shape, center=new))

    return edit


def dropped_layers(draft: Draft, level: Level, scale: Level | None = None) -> list[Move]:
    """The layers, each with the rise of the error without it (nothing else refitted): one drawing.

    The rise is measured on `level`, and given in errors of `scale`, a larger one, where that is given.
    """
    from refine.sketch import layer_number_count, shape_number_count
    from render.taichi_backend import Batch
    from render.tapes import tape_of

    layers = draft.sketch.layers
    if not layers:
        return []
    batch = Batch.of([(tape_of(draft.program), draft.program.params)])
    scores = batch.scores_without(level.target, level.blur)[0]
    if scale is not None:
        scores = scores * (scale.target.image.size / level.target.image.size)
    uses: dict[Colour, int] = {}
    for colour in colours_of(draft.sketch):
        uses[colour] = uses.get(colour, 0) + 1
    outlines = outline_uses(draft.sketch)
    moves = []
    for k, layer in enumerate(layers):
        paint = layer.paint
        saved = layer_number_count(layer)
        painted = [paint.colour] if isinstance(paint, Flat) else [paint.colour_a, paint.colour_b]
        saved -= 3 * sum(uses[c] > 1 for c in painted)
        outline = outline_of(layer.shape)
        if outline is not None and outlines[outline] > 1:
            saved -= shape_number_count(outline)
        moves.append(Move(float(scores[k] - scores[-1]), saved, frozenset({(k, "layer")}), _dropped(k)))
    return moves


def _dropped(index: int) -> Callable[[list[SketchLayer | None]], None]:
    def edit(layers: list[SketchLayer | None]) -> None:
        layers[index] = None

    return edit


def chosen(moves: Sequence[Move], quota: int, price: float) -> list[Move]:
    """The cheapest compatible moves: all below `price` for each number, up to `quota` numbers.

    A dropped layer excludes moves on it, and a move excludes others that touch the same vertices or colours.
    """
    taken: set[object] = set()
    layers: set[int] = set()
    touched: set[int] = set()
    result: list[Move] = []
    saved = 0
    for move in sorted(moves, key=lambda m: m.price):
        if saved >= quota or move.price > price:
            break
        if move.saves <= 0 or move.keys & taken:
            continue
        mine = {key[0] for key in move.keys if isinstance(key, tuple) and isinstance(key[0], int)}
        dropping = any(isinstance(key, tuple) and key[1] == "layer" for key in move.keys)
        if mine & layers or (dropping and mine & touched):
            continue
        if dropping and move.saves > 2 * quota - saved and result:
            continue
        (layers if dropping else touched).update(mine)
        taken |= move.keys
        saved += move.saves
        result.append(move)
    return result


# -- insertions ----------------------------------------------------------------------------------------------


def subdivided(sketch: Sketch) -> tuple[Sketch, list[tuple[int, int, int]]]:
    """The sketch with a vertex put into the middle of every piece of every outline, the picture unchanged, and where
    the new vertices stand: (layer, contour, vertex in the new contour).

    A line gets a point; a curve gets its control point split in two (de Casteljau) with the point between them implied,
    and the implied ends of split neighbours stay where they were.
    """
    places: list[tuple[int, int, int]] = []
    layers: list[SketchLayer] = []
    for index, (layer, own) in enumerate(zip(sketch.layers, own_contours(sketch))):
        contours: list[list[Vertex]] = []
        closed = not isinstance(layer.shape, Stroke) or layer.shape.closed
        for c, contour in enumerate(contours_of(layer.shape)):
            new: list[Vertex] = []
            n = len(contour)
            for v, (x, y, on) in enumerate(contour):
                previous, following = contour[v - 1], contour[(v + 1) % n]
                if on:
                    new.append((x, y, True))
                    if following[2] and (closed or v < n - 1):
                        if own:
                            places.append((index, c, len(new)))
                        new.append((0.5 * (x + following[0]), 0.5 * (y + following[1]), True))
                    continue
                start = previous if previous[2] else (0.5 * (previous[0] + x), 0.5 * (previous[1] + y), True)
                end = following if following[2] else (0.5 * (following[0] + x), 0.5 * (following[1] + y), True)
                first = (0.5 * (start[0] + x), 0.5 * (start[1] + y), False)
                second = (0.5 * (x + end[0]), 0.5 * (y + end[1]), False)
                new.append(first)
                if own:
                    places.append((index, c, len(new)))
                new.append(second)
            contours.append(new)
        layers.append(replace(layer, shape=with_contours(layer.shape, contours)) if contours else layer)
    return Sketch(sketch.background, tuple(layers)), places


def insertions(draft: Draft, level: Level, most: int) -> list[tuple[float, tuple[int, int, int]]]:
    """(gain, place) of the best vertices to insert, best first; see the module. A blurred level sees farther."""
    finer, places = subdivided(draft.sketch)
    if not places:
        return []
    fine = Draft.of(finer)
    quadratic = Quadratic(fine, level)
    where = renumbered(finer, range(fine.numbers))
    gains = []
    for place in places:
        layer, c, v = place
        x, y, _ = contours_of(where.layers[layer].shape)[c][v]
        pair = [int(x), int(y)]
        g = quadratic.gradient[pair]
        h = quadratic.matrix[np.ix_(pair, pair)]
        # Along a straight line a vertex moves nothing: what is noise there must not be divided by nothing.
        gains.append((float(g @ np.linalg.solve(h + np.eye(2) * max(0.02 * np.trace(h), 1e-9), g)), place))
    gains.sort(key=lambda pair: -pair[0])
    return gains[:most]


def new_numbers(draft: Draft, before: Sketch) -> npt.NDArray[np.bool_]:
    """Which numbers (p,) of a draft the sketch before, with fewer vertices and layers, does not have; colours are never new
    by themselves."""
    count = len(draft.program.params)
    places = renumbered(draft.sketch, range(count))
    fresh = np.zeros(count, bool)
    for index, (layer, where) in enumerate(zip(draft.sketch.layers, places.layers)):
        if index >= len(before.layers):
            # What is not written, as an angle of zero, has no index but 0.
            fresh[[int(n) for n in shape_numbers(where.shape) if n]] = True
            continue
        for new, old, at in zip(contours_of(layer.shape), contours_of(before.layers[index].shape), contours_of(where.shape)):
            known = set(old)
            fresh[[int(n) for vertex, (x, y, _) in zip(new, at) if vertex not in known for n in (x, y)]] = True
    return fresh


def shape_numbers(shape: SketchShape) -> list[float]:
    """All numbers of a shape in any order."""
    return [n for value in vars(shape).values() for n in _floats(value)]


def _floats(value: object) -> Iterable[float]:
    if isinstance(value, float | int) and not isinstance(value, bool):
        yield float(value)
    elif isinstance(value, tuple):
        for item in value:
            yield from _floats(item)
    elif hasattr(value, "__dataclass_fields__"):
        for item in vars(value).values():
            yield from _floats(item)


def inserted(sketch: Sketch, places: Sequence[tuple[int, int, int]]) -> Sketch:
    """The sketch with the vertices at these places of `subdivided` and no others."""
    finer, everywhere = subdivided(sketch)
    wanted = set(places)
    layers: list[SketchLayer] = []
    for index, (old, new) in enumerate(zip(sketch.layers, finer.layers)):
        contours = contours_of(old.shape)
        if not any(p[0] == index for p in wanted):
            layers.append(old)
            continue
        result: list[list[Vertex]] = []
        for c, (before, after) in enumerate(zip(contours, contours_of(new.shape))):
            result.append(_merged(before, after, {v for i, k, v in everywhere if (i, k) == (index, c)},
                                  {v for i, k, v in wanted if (i, k) == (index, c)}))
        layers.append(replace(old, shape=with_contours(old.shape, result)))
    return Sketch(sketch.background, tuple(layer for layer in shared(sketch.layers, layers) if layer is not None))


def _merged(before: Sequence[Vertex], after: Sequence[Vertex], added: set[int], wanted: set[int]) -> list[Vertex]:
    """One contour with the wanted ones of the added vertices. A control point that is not split stays as it was."""
    result: list[Vertex] = []
    source = 0
    v = 0
    while v < len(after):
        vertex = after[v]
        if v in added:
            if v in wanted:
                result.append(vertex)
            v += 1
            continue
        result.append(vertex if vertex[2] or v + 1 in wanted else before[source])
        source += 1
        v += 1
    return result
