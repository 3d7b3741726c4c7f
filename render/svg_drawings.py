"""Solids as SVG can say them: figures under transforms, copies by `<use>`, joined outlines. What it can not say is None.

A solid is one painted element and has one coverage, so that nothing beneath shows through between its parts. Copies are
elements of their own only where they are apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from render.svg_figures import FIGURES, IDENTITY, Array, Figure, flattened, joinable, moved, number, outline
from shaderdsl import scene as ir
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import Operation, Point, bind, scalar_names, unbind
from shaderdsl.tape import all_scalars, outline_elements, placed_by


@dataclass(frozen=True)
class Drawing:
    """A figure, or copies of a drawing, placed by transforms.

    `transforms` are SVG's, outermost first, and `matrix` (2, 3) is what they do; `scale` is by how much they enlarge
    everything alike, None where they stretch. `exact`: lengths around the figure are true distances, so that it can grow.
    `copies` has the transform and the matrix of each copy of `inner`.
    """

    figure: Figure | None
    inner: Drawing | None = None
    copies: tuple[tuple[str, Array], ...] = ()
    transforms: tuple[str, ...] = ()
    matrix: Array = field(default_factory=lambda: IDENTITY)
    scale: float | None = 1.0
    exact: bool = False

    def border(self) -> tuple[Array, Array]:
        """Points (n, 2) on the outline, and how far (n,) the solid reaches beyond each of them."""
        if self.figure is not None:
            points = np.concatenate(flattened(self.figure.commands))
            # The curve bulges over the chords by less than a half percent of its size.
            reach = np.full(len(points), 0.5 * self.figure.width + 0.005 * float(np.ptp(points, axis=0).max()))
        else:
            assert self.inner is not None
            inside, beyond = self.inner.border()
            points = np.concatenate([_through(matrix, inside) for _, matrix in self.copies])
            reach = np.tile(beyond, len(self.copies))
        return _through(self.matrix, points), float(np.linalg.norm(self.matrix[:, :2], 2)) * reach

    def joined(self) -> Figure | None:
        """All of it as one filled figure without transforms; None if it has strokes, or outlines that cross."""
        if self.figure is not None:
            return _placed_figure(self.figure, self.matrix) if self.figure.filled and not self.figure.width else None
        assert self.inner is not None
        one = self.inner.joined()
        return one and united([_placed_figure(one, _then(self.matrix, matrix)) for _, matrix in self.copies])


def united(figures: Sequence[Figure]) -> Figure | None:
    """What is in any of the figures, by the rule "nonzero"; None if that can not be said."""
    parts = [part for part in map(joinable, figures) if part is not None]
    return _all(parts, "nonzero") if len(parts) == len(figures) else None


def either(figures: Sequence[Figure]) -> Figure | None:
    """What is in an odd number of the figures, by the rule "evenodd"; None if that can not be said."""
    return None if any(figure.winding == "nonzero" for figure in figures) else _all(figures, "evenodd")


def _all(figures: Sequence[Figure], winding: Literal["evenodd", "nonzero"]) -> Figure:
    return Figure(tuple(command for figure in figures for command in figure.commands), winding=winding)


def _placed_figure(figure: Figure, matrix: Array) -> Figure:
    mirrored = np.linalg.det(matrix[:, :2]) < 0.0
    # A mirrored outline runs the other way; which rule is right is looked at anew.
    winding = "evenodd" if mirrored and figure.winding == "simple" else figure.winding
    return Figure(moved(figure.commands, matrix), winding=winding)


def _through(matrix: Array, points: Array) -> Array:
    return np.asarray(points @ matrix[:, :2].T + matrix[:, 2])


def _then(outer: Array, inner: Array) -> Array:
    """The map that applies `inner` and then `outer`."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


# -- transforms ---------------------------------------------------------------------------------------------------


def affine(operation: Operation, scalars: Sequence[float]) -> tuple[Array, float]:
    """What a transform does to a shape, as a matrix (2, 3), and by how much it scales distances."""
    graph = Graph()
    one, zero = graph.constant(1.0), graph.constant(0.0)
    constants = [graph.constant(value) for value in scalars]
    back, factor = placed_by(graph, operation, constants, (one, zero, zero, zero, one, zero))
    (value,) = graph.evaluate([factor], {})
    a, b, c, d, e, f = graph.evaluate(back, {})
    inverse = np.linalg.inv([[a, b, c], [d, e, f], [0.0, 0.0, 1.0]])
    return np.asarray(inverse[:2], np.float64), value


def placement(operations: Sequence[tuple[Operation, Sequence[float]]]) -> Array:
    """What transforms do, innermost first, as a matrix (2, 3)."""
    matrix = IDENTITY
    for operation, scalars in operations:
        matrix = _then(affine(operation, scalars)[0], matrix)
    return matrix


def matrix_text(matrix: Array) -> str:
    return "matrix(" + " ".join(number(v) for v in matrix.T.ravel()) + ")"


_TRANSFORMS: dict[str, Callable[..., str]] = {
    "move": lambda x, y: f"translate({number(x)} {number(y)})",
    "rotate": lambda angle: f"rotate({number(math.degrees(angle))})",
    "scale": lambda x: f"scale({number(x)})",
    "scale apart": lambda x, y: f"scale({number(x)} {number(y)})",
}
"""How a transform is written; others are matrices."""


def similarity(matrix: Array) -> float | None:
    """By how much a map enlarges everything alike; None if it stretches."""
    sizes = np.linalg.svd(matrix[:, :2], compute_uv=False)
    return float(sizes[0]) if math.isclose(sizes[0], sizes[1], rel_tol=1e-6) else None


# -- repetitions --------------------------------------------------------------------------------------------------

Copies = tuple[tuple[tuple[str, Array], ...], list[tuple[float, float, float]]]
"""Copies as in `Drawing`, and the half planes ax + by <= c that the shape has to keep within for them to be apart."""


def _mirrored(angle: float) -> Copies:
    c, s = math.cos(2.0 * angle), math.sin(2.0 * angle)
    matrix = np.array([[c, s, 0.0], [s, -c, 0.0]])
    text = "scale(-1 1)" if abs(c + 1.0) < 1e-9 else "scale(1 -1)" if abs(c - 1.0) < 1e-9 else matrix_text(matrix)
    return (("", IDENTITY), (text, matrix)), [(-math.sin(angle), math.cos(angle), 0.0)]


def _around(count: float) -> Copies:
    step = 2.0 * math.pi / count
    copies = []
    for k in range(round(count)):
        c, s = math.cos(k * step), math.sin(k * step)
        copies.append((f"rotate({number(math.degrees(k * step))})" if k else "", np.array([[c, -s, 0.0], [s, c, 0.0]])))
    c, s = math.cos(0.5 * step), math.sin(0.5 * step)
    return tuple(copies), [(-s, c, 0.0), (-s, -c, 0.0)]


def _in_a_grid(columns: float, rows: float, dx: float, dy: float) -> Copies:
    copies = []
    for row in range(round(rows)):
        for column in range(round(columns)):
            x, y = (column - 0.5 * (columns - 1)) * dx, (row - 0.5 * (rows - 1)) * dy
            copies.append((f"translate({number(x)} {number(y)})", np.array([[1.0, 0.0, x], [0.0, 1.0, y]])))
    beside = [(1.0, 0.0, 0.5 * dx), (-1.0, 0.0, 0.5 * dx)] if columns > 1 else []
    above = [(0.0, 1.0, 0.5 * dy), (0.0, -1.0, 0.5 * dy)] if rows > 1 else []
    return tuple(copies), beside + above


_REPETITIONS: dict[str, Callable[..., Copies]] = {
    "mirror": _mirrored, "repeat_polar": _around, "repeat_grid": _in_a_grid,
}  # fmt: skip


# -- solids -------------------------------------------------------------------------------------------------------


class Drawings:
    """Makes drawings of the shapes of one program, whose expressions are of `graph` and parameters have `values`."""

    def __init__(self, graph: Graph, values: Mapping[object, float]) -> None:
        self.graph, self.values = graph, values

    def numbers(self, expressions: Sequence[Expr]) -> list[float]:
        return self.graph.evaluate(expressions, self.values)

    def of(self, shape: ir.Shape, inset: float = 0.0) -> Drawing | None:
        """A shape's drawing, its figures inset by so much; None if it has to be traced."""
        if isinstance(shape, ir.Placed):
            return self._placed(shape, inset)
        if isinstance(shape, ir.Modified):
            return self._modified(shape, inset)
        if isinstance(shape, ir.Combination):
            return self._combined(shape)
        return self._leaf(shape, inset)

    def _leaf(self, shape: ir.Primitive | ir.Outline, inset: float) -> Drawing | None:
        operation = shape.operation
        scalars = self.numbers(all_scalars(operation, shape.scalars, shape.decided, self.graph))
        if isinstance(shape, ir.Outline):
            elements = np.array(self.numbers(outline_elements(shape, self.graph))).reshape(-1, 8).tolist()
            decided = dict(shape.decided)
            is_stroke = bool(operation.parameters)
            closed = not is_stroke or decided.get("closed") == "yes"
            figure: Figure | None = outline(elements, scalars[0] if is_stroke else None, str(decided.get("caps")), closed)
        else:
            arguments = _arguments(operation, scalars, inset)
            sizes = [arguments[p.name] for p in operation.parameters if p.minimum == 0.0]
            draw = FIGURES.get(operation.name)
            figure = draw(**arguments) if draw is not None and min(sizes, default=0.0) >= 0.0 else None
        if figure is None:
            return None
        # What a stroke is about is its line, and lengths from that are true.
        return Drawing(figure, exact=operation.exact or not figure.filled and figure.caps == "round")

    def _placed(self, shape: ir.Placed, inset: float) -> Drawing | None:
        operation = shape.operation
        scalars = self.numbers(all_scalars(operation, shape.scalars, shape.decided, self.graph))
        if operation.category == "repetition":
            return self._repeated(shape, scalars) if inset == 0.0 else None
        matrix, factor = affine(operation, scalars)
        scale = similarity(matrix)
        inner = self.of(shape.child, inset / factor)
        if inner is None or (inset and scale is None):
            return None
        write = _TRANSFORMS.get(operation.name)
        text = write(*scalars) if write else matrix_text(matrix)
        return replace(
            inner,
            transforms=(text, *inner.transforms),
            matrix=_then(matrix, inner.matrix),
            scale=None if scale is None or inner.scale is None else scale * inner.scale,
        )

    def _repeated(self, shape: ir.Placed, scalars: Sequence[float]) -> Drawing | None:
        arrange = _REPETITIONS.get(shape.operation.name)
        inner = self.of(shape.child)
        if arrange is None or inner is None:
            return None
        copies, borders = arrange(*scalars)
        points, reach = inner.border()
        if any(np.any(points @ np.array([a, b]) + reach > c) for a, b, c in borders):
            return None
        return Drawing(None, inner, copies)

    def _modified(self, shape: ir.Modified, inset: float) -> Drawing | None:
        name = shape.operation.name
        (amount,) = self.numbers(shape.scalars)
        if name == "round":
            return _grown(self.of(shape.child, inset + amount), amount)
        inner = self.of(shape.child) if inset == 0.0 else None
        if name == "offset":
            return _grown(inner, amount)
        if name == "stroke":
            return _stroked(inner, amount)
        return None

    def _combined(self, shape: ir.Combination) -> Drawing | None:
        if shape.operation.name not in ("union", "xor"):
            return None
        figures: list[Figure] = []
        for child in shape.children:
            drawing = self.of(child)
            figure = None if drawing is None else drawing.joined()
            if figure is None:
                return None
            figures.append(figure)
        joined = united(figures) if shape.operation.name == "union" else either(figures)
        return None if joined is None else Drawing(joined)


def _grown(drawing: Drawing | None, amount: float) -> Drawing | None:
    """Everything within a distance of a drawing: it is stroked as well, or a stroke is widened."""
    if drawing is None or drawing.figure is None or drawing.scale is None or not drawing.exact:
        return None
    figure = drawing.figure
    more = amount / drawing.scale
    width = figure.width + 2.0 * more
    if (figure.filled and more < 0.0) or (not figure.filled and width <= 0.0):
        return None
    if figure.larger is not None and figure.filled and not figure.width:
        return replace(drawing, figure=figure.larger(more))
    return replace(drawing, figure=replace(figure, width=width))


def _stroked(drawing: Drawing | None, width: float) -> Drawing | None:
    """A filled figure's outline as a stroke."""
    if drawing is None or drawing.figure is None or drawing.scale is None or not drawing.exact:
        return None
    figure = drawing.figure
    if not figure.filled or figure.width:
        return None
    return replace(drawing, figure=replace(figure, filled=False, width=width / drawing.scale))


def _arguments(operation: Operation, scalars: Sequence[float], inset: float) -> dict[str, Any]:
    """A figure's arguments from a shape's numbers, as its inset has them."""
    graph = Graph()
    arguments: dict[str, Any] = bind(operation, {n: graph.constant(v) for n, v in zip(scalar_names(operation), scalars)})
    if inset:
        assert operation.inset is not None, "the checker lets only shapes with an inset be rounded"
        arguments.update(operation.inset(graph.constant(inset), **arguments))
    numbers = iter(graph.evaluate([graph.lift(s) for s in unbind(operation, arguments)], {}))
    return {
        name: (next(numbers), next(numbers)) if isinstance(value, Point) else next(numbers)
        for name, value in arguments.items()
    }
