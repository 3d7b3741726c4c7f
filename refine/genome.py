"""What the search over structure breeds: trees of placed shapes joined by set operations.

A leaf is one placed shape, a row of numbers: its own parameters, its angle and its position, in the units of the
language. Leaves live in a `Pool` together with the sample points that they cover, so that a tree is scored by set
operations on rows of bits and no candidate costs a rendering. A tree is a leaf's index, or `(operator, left, right)`
with the operators of the language: `|` union, `-` difference, `&` intersection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from shaderdsl import emit
from shaderdsl.expression import Graph
from shaderdsl.printer import number_text
from shaderdsl.registry import Operation, Parameter, Point, bind, operations

Array = npt.NDArray[np.float64]
Bits = npt.NDArray[np.bool_]
Tree: TypeAlias = "int | tuple[str, Any, Any]"

OPERATORS = {"union": "|", "difference": "-", "intersection": "&"}
"""Set operations of the language that trees may hold, and how its text spells them."""

LARGEST_COUNT = 8
"""Shapes with a count (sides, points) are tried up to this one; more sides than that are nearly round."""

_CHUNK = 1 << 17
"""Values that are computed at once: few enough to stay in the processor's cache."""


@dataclass(frozen=True)
class Kind:
    """A shape and how it may be placed. A row of its numbers is (own parameters, angle if `rotates`, x and y if
    `moves`), in the text's order and units (angles in degrees)."""

    operation: Operation
    count: int | None
    rotates: bool
    moves: bool

    @property
    def own(self) -> tuple[Parameter, ...]:
        """The shape's own continuous parameters; those with a default stay at it."""
        return tuple(p for p in self.operation.parameters if p.continuous and p.default is None)

    @property
    def own_width(self) -> int:
        return sum(p.width for p in self.own)

    @property
    def width(self) -> int:
        """Numbers that a leaf of this kind has."""
        return self.own_width + int(self.rotates) + 2 * int(self.moves)

    def ranges(self) -> tuple[Array, Array]:
        """The sensible range of each own number, low and high."""
        low = [p.low for p in self.own for _ in range(p.width)]
        high = [p.high for p in self.own for _ in range(p.width)]
        return np.array(low), np.array(high)

    def is_length(self) -> Bits:
        """Which own numbers are sizes, searched by factors rather than by steps."""
        return np.array([p.kind == "length" and p.minimum == 0.0 for p in self.own for _ in range(p.width)], bool)

    def is_point(self) -> Bits:
        """Which own numbers are coordinates of points."""
        return np.array([p.kind == "point" for p in self.own for _ in range(p.width)], bool)

    def legal(self, rows: Array) -> Bits:
        """Which rows (n, width) keep the operation's hard limits."""
        good: Bits = np.asarray(np.isfinite(rows).all(1))
        column = 0
        for parameter in self.own:
            values = rows[:, column : column + parameter.width]
            if parameter.minimum is not None:
                good &= (values >= parameter.minimum).all(1)
            if parameter.maximum is not None:
                good &= (values <= parameter.maximum).all(1)
            column += parameter.width
        if self.operation.constraint is not None:
            for n in np.flatnonzero(good):
                good[n] = not self.operation.constraint(**self._arguments(rows[n]))
        return good

    def _arguments(self, row: Array) -> dict[str, Any]:
        """The operation's arguments by name; points are pairs."""
        numbers = iter(row.tolist())
        arguments: dict[str, Any] = {}
        for parameter in self.operation.parameters:
            if parameter.kind == "count":
                arguments[parameter.name] = self.count
            elif parameter in self.own:
                values = tuple(next(numbers) for _ in range(parameter.width))
                arguments[parameter.name] = values if parameter.width == 2 else values[0]
            else:
                arguments[parameter.name] = parameter.default
        return arguments

    def text(self, row: Sequence[float], digits: int | None = None) -> str:
        """The leaf as a text of the language, every number in it; `digits` rounds them after the point and leaves out
        placements that do nothing."""
        numbers = iter([float(v) if digits is None else round(float(v), digits) for v in row])
        arguments = []
        for parameter in self.operation.parameters:
            if parameter.kind == "count":
                arguments.append(str(self.count))
            elif parameter.continuous and parameter.default is None:
                words = [number_text(next(numbers), "") for _ in range(parameter.width)]
                arguments.append(words[0] if len(words) == 1 else f"({', '.join(words)})")
        text = f"{self.operation.function}({', '.join(arguments)})"
        if self.rotates:
            angle = next(numbers)
            text += f".rotate({number_text(angle, '')})" if digits is None or angle else ""
        if self.moves:
            x, y = next(numbers), next(numbers)
            text += f".move({number_text(x, '')}, {number_text(y, '')})" if digits is None or x or y else ""
        return text

    def inside(self, rows: Array, x: npt.NDArray[np.float32], y: npt.NDArray[np.float32]) -> Bits:
        """Whether each of the points x, y (p,) lies in each of the leaves `rows` (n, width): (n, p)."""
        field = _field(self.operation, self.count)
        result = np.empty((len(rows), len(x)), bool)
        step = max(1, _CHUNK // len(x))
        own = self.own_width
        radian = np.array([np.pi / 180 if p.kind == "angle" else 1.0 for p in self.own for _ in range(p.width)])
        for start in range(0, len(rows), step):
            part = rows[start : start + step]
            scaled = (part[:, :own] * radian).astype(np.float32)
            px, py = x[None], y[None]
            if self.moves:
                px, py = px - part[:, -2:-1].astype(np.float32), py - part[:, -1:].astype(np.float32)
            if self.rotates:
                angle = np.deg2rad(part[:, own : own + 1])
                cosine, sine = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
                px, py = cosine * px + sine * py, cosine * py - sine * px
            result[start : start + step] = field(px, py, *(scaled[:, k : k + 1] for k in range(own))) < 0.0
        return result


@cache
def _field(operation: Operation, count: int | None) -> Callable[..., Any]:
    """The shape's distance as a NumPy function of (x, y, own numbers in a body's units), printed from its body."""
    graph = Graph()
    scalars = {}
    inputs: dict[object, str] = {"x": "x", "y": "y"}
    for parameter in operation.parameters:
        names = [parameter.name + "_x", parameter.name + "_y"] if parameter.width == 2 else [parameter.name]
        for axis, name in enumerate(names):
            if parameter.kind == "count":
                scalars[name] = graph.constant(float(count or 0))
            elif parameter.kind == "choice":
                scalars[name] = graph.constant(0.0)  # a choice's default is its first word
            elif parameter.default is None:
                scalars[name] = graph.input(name)
                inputs[name] = f"n{len(inputs)}"
            else:
                default = parameter.default[axis] if isinstance(parameter.default, tuple) else parameter.default
                value = float(default)
                scalars[name] = graph.constant(np.deg2rad(value) if parameter.kind == "angle" else value)
    distance = operation.body(Point(graph.input("x"), graph.input("y")), **bind(operation, scalars)).value
    statements, (result,) = emit.print_graph(graph, [distance], inputs, emit.NUMPY)
    lines = [f"def field({', '.join(inputs.values())}):", *("    " + s for s in statements), f"    return {result}"]
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(lines), scope)  # our own printed arithmetic: no text of a user's reaches it
    return scope["field"]  # type: ignore[no-any-return]


@cache
def _round(operation: Operation, count: int | None) -> bool:
    """Whether the shape looks the same at every angle, so that turning it would be an idle number."""
    random = np.random.default_rng(0)
    kind = Kind(operation, count, True, False)
    low, high = kind.ranges()
    rows = np.concatenate([low + random.random((8, len(low))) * (high - low), random.uniform(-180, 180, (8, 1))], 1)
    x, y = random.uniform(-1.0, 1.0, (2, 4000)).astype(np.float32)
    upright = rows.copy()
    upright[:, -1] = 0.0
    return bool(np.mean(kind.inside(rows, x, y) != kind.inside(upright, x, y)) < 1e-3)


def kinds_for(allowed: Sequence[str]) -> list[Kind]:
    """The kinds of leaves that the operations named in `allowed` give, in the registry's order.

    Names are the language's function names. Raises ValueError if a name is unknown or none is a shape.
    """
    categories = ("shape", "outline", "boolean", "modifier", "transform", "repetition", "layer")
    known = {o.function for o in operations().values() if o.category in categories}
    unknown = sorted(set(allowed) - known)
    if unknown:
        raise ValueError(f"there is no operation called {unknown[0]!r}: known are {', '.join(sorted(known))}")
    kinds: list[Kind] = []
    for operation in operations().values():
        if operation.category != "shape" or operation.function not in allowed:
            continue
        counts = [p for p in operation.parameters if p.kind == "count"]
        choices: list[int | None] = [None]
        if counts:
            choices = list(range(int(counts[0].low), min(int(counts[0].high), LARGEST_COUNT) + 1))
        for count in choices:
            rotates = "rotate" in allowed and not _round(operation, count)
            kinds.append(Kind(operation, count, rotates, "move" in allowed))
    if not kinds:
        raise ValueError("operations name no shape to build with: add one, such as 'circle' or 'box'")
    return kinds


def operators_for(allowed: Sequence[str]) -> str:
    """The set operations among `allowed`, as the text spells them."""
    return "".join(symbol for name, symbol in OPERATORS.items() if name in allowed)


class Pool:
    """Leaves by index, each with the sample points that it covers.

    `kind` (n,) indexes `kinds`; `rows` (n, widest) holds the numbers, padded with zeros. Indices stay valid: leaves are
    only added.
    """

    def __init__(self, kinds: Sequence[Kind], x: npt.ArrayLike, y: npt.ArrayLike) -> None:
        self.kinds = list(kinds)
        self.x, self.y = np.asarray(x, np.float32), np.asarray(y, np.float32)
        self.widest = max(k.width for k in kinds)
        self._size = 0
        self._kind = np.zeros(1024, np.int32)
        self._rows = np.zeros((1024, self.widest))
        self._packed = np.zeros((1024, -(-len(self.x) // 8)), np.uint8)
        self._seen: dict[int, int] = {}

    def __len__(self) -> int:
        return self._size

    @property
    def kind(self) -> npt.NDArray[np.int32]:
        return self._kind[: self._size]

    @property
    def rows(self) -> Array:
        return self._rows[: self._size]

    def bits(self, indices: npt.ArrayLike) -> Bits:
        """The sample points inside the leaves `indices` (n,): (n, p)."""
        packed = self._packed[np.asarray(indices, np.int64)]
        return np.unpackbits(packed, axis=-1, count=len(self.x)).view(bool)

    def add(self, kind: int, rows: npt.ArrayLike, *, keep_all: bool = False) -> npt.NDArray[np.int64]:
        """Adds leaves (n, width) of one kind; returns the index of each.

        Leaves that cover the very points of an earlier one get its index, unless `keep_all`; those that cover
        nothing or break a limit of their operation get -1.
        """
        array = np.asarray(rows, np.float64).reshape(-1, self.kinds[kind].width)
        indices = np.full(len(array), -1, np.int64)
        if not len(array):
            return indices
        packed = np.packbits(self.kinds[kind].inside(array, self.x, self.y), axis=1)
        filled = (packed.any(1) | keep_all) & self.kinds[kind].legal(array)
        for n in np.flatnonzero(filled):
            key = hash(packed[n].tobytes())
            found = None if keep_all else self._seen.get(key)
            if found is None:
                found = self._append(kind, array[n], packed[n])
                self._seen.setdefault(key, found)
            indices[n] = found
        return indices

    def _append(self, kind: int, row: Array, packed: npt.NDArray[np.uint8]) -> int:
        if self._size == len(self._kind):
            more = self._size
            self._kind = np.concatenate([self._kind, np.zeros(more, np.int32)])
            self._rows = np.concatenate([self._rows, np.zeros((more, self.widest))])
            self._packed = np.concatenate([self._packed, np.zeros((more, self._packed.shape[1]), np.uint8)])
        index = self._size
        self._kind[index] = kind
        self._rows[index, : len(row)] = row
        self._packed[index] = packed
        self._size += 1
        return index

    def row(self, leaf: int) -> Array:
        """The numbers of a leaf, without padding."""
        return self._rows[leaf, : self.kinds[self._kind[leaf]].width]

    def covered(self, tree: Tree) -> Bits:
        """The sample points inside a tree (p,)."""
        if isinstance(tree, tuple):
            return apply(tree[0], self.covered(tree[1]), self.covered(tree[2]))
        return self.bits(tree)

    def text(self, tree: Tree, digits: int | None = None) -> str:
        """The tree as an expression of the language; `digits` rounds numbers after the point."""
        if not isinstance(tree, tuple):
            return self.kinds[int(self._kind[tree])].text(self.row(tree).tolist(), digits)
        operator: str = tree[0]
        parts = operands(tree, operator)
        words = [self.text(part, digits) for part in parts]
        return f" {operator} ".join(f"({w})" if isinstance(p, tuple) else w for p, w in zip(parts, words))


def apply(operator: str, a: Bits, b: Bits) -> Bits:
    """A set operation on points inside."""
    if operator == "|":
        return a | b
    return a & b if operator == "&" else a & ~b


def operands(tree: Tree, operator: str) -> list[Tree]:
    """The operands of a chain of one operator, as a text without inner parentheses lists them."""
    if not isinstance(tree, tuple) or tree[0] != operator:
        return [tree]
    right = [tree[2]] if operator == "-" else operands(tree[2], operator)
    return operands(tree[1], operator) + right


def leaves(tree: Tree) -> list[int]:
    """The leaves from left to right."""
    return leaves(tree[1]) + leaves(tree[2]) if isinstance(tree, tuple) else [tree]


def nodes(tree: Tree, path: str = "") -> Iterator[tuple[str, Tree]]:
    """Every node with its path from the root: "0" is left, "1" is right; the root comes first."""
    yield path, tree
    if isinstance(tree, tuple):
        yield from nodes(tree[1], path + "0")
        yield from nodes(tree[2], path + "1")


def node_at(tree: Tree, path: str) -> Tree:
    node = tree
    for step in path:
        assert isinstance(node, tuple)
        node = node[1] if step == "0" else node[2]
    return node


def replaced(tree: Tree, path: str, new: Tree) -> Tree:
    """The tree with another node at `path`."""
    if not path:
        return new
    assert isinstance(tree, tuple)
    if path[0] == "0":
        return tree[0], replaced(tree[1], path[1:], new), tree[2]
    return tree[0], tree[1], replaced(tree[2], path[1:], new)


def renamed(tree: Tree, new: Sequence[int] | Iterator[int]) -> Tree:
    """The tree with other leaves, given from left to right."""
    source = iter(new)

    def visit(node: Tree) -> Tree:
        return (node[0], visit(node[1]), visit(node[2])) if isinstance(node, tuple) else next(source)

    return visit(tree)
