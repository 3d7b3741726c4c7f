"""The syntax tree: immutable nodes with their place in the text.

`start` and `end` are character offsets; `shaderdsl.errors.located` turns them into lines and columns when
somebody asks. `slot` numbers the scalars of the literals in text order (a number takes one slot, a colour
three).

Nodes are named tuples because a tree is made for every new text: they cost a fifth of a frozen dataclass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

DEGREE_UNITS = {"": 1.0, "deg": 1.0, "rad": 57.29577951308232, "turn": 360.0}
"""Degrees in one of each unit of angle; a bare number where an angle is wanted is in degrees."""

PRECEDENCE = {"|": 1, "^": 2, "&": 3, "+": 4, "-": 4, "*": 5, "/": 5}
"""Of the operators; higher binds tighter. `-` on shapes is the difference."""

UNITS = ("deg", "rad", "turn", "%")


class Number(NamedTuple):
    """A number in its written unit: "", "deg", "rad", "turn" or "%"."""

    start: int
    end: int
    slot: int
    value: float
    unit: str


class Colour(NamedTuple):
    """A colour literal, `#rrggbb` or `rgb(0.1, 0.2, 0.3)`, each component in [0, 1] and a slot of its own."""

    start: int
    end: int
    slot: int
    red: float
    green: float
    blue: float


class Ranged(NamedTuple):
    """`param(number, low .. high)`."""

    start: int
    end: int
    number: Number
    low: Number
    high: Number


class Fixed(NamedTuple):
    """`fixed(value)`: no number in `value` is trainable."""

    start: int
    end: int
    value: Expression


class Name(NamedTuple):
    start: int
    end: int
    name: str


class Pair(NamedTuple):
    """A point, `(x, y)`."""

    start: int
    end: int
    x: Expression
    y: Expression


class Triple(NamedTuple):
    """A point or vector of space, `(x, y, z)`."""

    start: int
    end: int
    x: Expression
    y: Expression
    z: Expression


class Negation(NamedTuple):
    """`-value`; of a number literal the sign is part of the literal instead."""

    start: int
    end: int
    value: Expression


class Chain(NamedTuple):
    """Operators of one precedence, from left to right: `operands[0] operators[0] operands[1] ...`."""

    start: int
    end: int
    operators: tuple[str, ...]
    operands: tuple[Expression, ...]


class Named(NamedTuple):
    """A named argument, `name = value`."""

    start: int
    end: int
    name: str
    value: Expression


class Call(NamedTuple):
    """`name(arguments)`, or the method call `arguments[0].name(arguments[1:])`, which means the same.

    `name_start` is where the name stands. Named arguments come last.
    """

    start: int
    end: int
    name: str
    name_start: int
    arguments: tuple[Argument, ...]


Expression = Number | Colour | Ranged | Fixed | Name | Pair | Triple | Negation | Chain | Call
Argument = Expression | Named


class Scene(NamedTuple):
    """`scene 2d(arguments)` or `scene 3d(arguments)`; without arguments the parentheses may be left out."""

    start: int
    end: int
    dimension: int
    arguments: tuple[Argument, ...]


class Let(NamedTuple):
    start: int
    end: int
    name: str
    name_start: int
    value: Expression


class Parameter(NamedTuple):
    """A parameter of a `def`; `default` None means required."""

    start: int
    end: int
    name: str
    default: Expression | None


class Def(NamedTuple):
    start: int
    end: int
    name: str
    name_start: int
    parameters: tuple[Parameter, ...]
    body: Expression


class Draw(NamedTuple):
    """An expression statement: it paints a layer."""

    start: int
    end: int
    value: Expression


Statement = Scene | Let | Def | Draw
Node = Argument | Statement | Parameter


class Module(NamedTuple):
    """A whole text: its statements, and how many slots its literals have."""

    statements: tuple[Statement, ...]
    slots: int

    @property
    def dimension(self) -> int:
        """2, or 3 where the text begins with `scene 3d`."""
        first = self.statements[0] if self.statements else None
        return first.dimension if isinstance(first, Scene) else 2


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below `node`, in text order."""
    if isinstance(node, (Call, Scene)):
        return node.arguments
    if isinstance(node, (Named, Negation, Fixed, Let, Draw)):
        return (node.value,)
    if isinstance(node, Chain):
        return node.operands
    if isinstance(node, Pair):
        return (node.x, node.y)
    if isinstance(node, Triple):
        return (node.x, node.y, node.z)
    if isinstance(node, Ranged):
        return (node.number, node.low, node.high)
    if isinstance(node, Def):
        return (*node.parameters, node.body)
    if isinstance(node, Parameter):
        return () if node.default is None else (node.default,)
    return ()


def walk(module: Module) -> Iterator[Node]:
    """Every node of a tree in text order, parents before their children."""
    stack: list[Node] = list(reversed(module.statements))
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))
