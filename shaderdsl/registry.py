"""The registry: one entry an operation, from which everything else about it is derived.

An entry says what an operation is called, what numbers it takes (kind, sensible range, default), whether its
distance is exact or a bound, what it looks like in use, and its body, written once in the traced language of
`shaderdsl.expression`. Parser, checker, printer, backends, sampler, decoding grammar, reference page, viewer and
tests read entries; none of them knows an operation by name. Adding an operation touches one file under
`shaderdsl/operations/`.

Bodies take and give these traced values:

- `Point`: x, y in the operation's own coordinates;
- `Distance`: `value`, the signed distance (negative inside), and `thickness`, the extent of the solid along the
  normal, measured from the nearest boundary to the far one (`FAT` where it never matters). Coverage needs it: a
  stroke thinner than a pixel covers C(near boundary) - C(far boundary), not C of one half plane.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Literal

from shaderdsl.expression import Expr, Scalar

FAT = 1e4
"""The thickness of a solid that no pixel can span."""

Kind = Literal["length", "number", "angle", "count", "point", "colour", "choice"]
Category = Literal["shape", "outline", "boolean", "modifier", "transform", "repetition", "paint", "layer"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of an operation.

    `low` to `high` is the sensible range (sampler, sliders; scene units, degrees for angles, per component for
    points); `minimum` and `maximum` are hard limits that the checker enforces. `default` None means required. A parameter
    left at its default is a constant: it is neither printed nor refined.
    """

    name: str
    kind: Kind
    low: float
    high: float
    default: float | tuple[float, ...] | str | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    summary: str = ""

    @property
    def width(self) -> int:
        """How many scalars it takes in a body: 2 for a point, else 1."""
        return 2 if self.kind == "point" else 1

    @property
    def continuous(self) -> bool:
        """Whether it can be refined; counts and choices are part of a program's structure."""
        return self.kind not in ("count", "choice")


@dataclass(frozen=True)
class Point:
    x: Expr
    y: Expr

    def __add__(self, other: Point) -> Point:
        return Point(self.x + other.x, self.y + other.y)

    def __sub__(self, other: Point) -> Point:
        return Point(self.x - other.x, self.y - other.y)

    def __mul__(self, factor: Scalar) -> Point:
        return Point(self.x * factor, self.y * factor)

    def dot(self, other: Point) -> Expr:
        return self.x * other.x + self.y * other.y

    def cross(self, other: Point) -> Expr:
        """The z component of the cross product: positive when `other` is counter-clockwise of this."""
        return self.x * other.y - self.y * other.x


@dataclass(frozen=True)
class Distance:
    value: Expr
    thickness: Scalar = FAT


@dataclass(frozen=True, eq=False)
class Operation:
    """One entry. `body` differs by category:

    shape       body(p: Point, **parameters) -> Distance
    outline     body(p: Point, element: Element, **parameters) -> unsigned distance to one line or quadratic, with
                `finish(distance, inside, **parameters) -> Distance` after the nearest is found; see `operations/outlines.py`
    boolean     body(a: Distance, b: Distance, **parameters) -> Distance; of several shapes, where it is `variadic`, from left
                to right; its parameters are lengths, numbers and counts
    modifier    body(d: Distance, **parameters) -> Distance
    transform   body(p: Point, **parameters) -> Point, affine in p; `distance_scale(**parameters)` multiplies distances
    repetition  body(p: Point, copy: Expr, **parameters) -> Point for each of `copies` candidate copies, whose union is taken
    paint       body(p: Point, **parameters) -> position on the colour ramp, 0 at the first stop and 1 at the last
    layer       no body: `opacity` and `soften` are read by the compositor

    A body gets an Expr for each number, a Point for each point, and constants (Expr) for counts and for choices (the
    index of the word), so that one compiled body serves every count.

    A boolean whose value is always that of one operand says by which signs it `selects`: (i, j) where it takes the
    operand with the smaller of i*a and j*b, so that a tile where they are far apart needs one of them only.

    `jumps` says for which words (a choice's name and word) the distance inside may jump where the outline is near: what is
    well inside at a tile's centre then says nothing about the tile.
    """

    name: str
    category: Category
    parameters: tuple[Parameter, ...]
    body: Callable[..., Any]
    summary: str
    example: str
    exact: bool = True
    lipschitz: float = 1.0
    function: str = ""
    blend: str = ""
    copies: int = 1
    distance_scale: Callable[..., Scalar] | None = None
    inset: Callable[..., Mapping[str, Any]] | None = None
    finish: Callable[..., Distance] | None = None
    variadic: Literal["", "shapes", "points", "colours"] = ""
    selects: tuple[float, float] | None = None
    jumps: tuple[str, str] | None = None
    constraint: Callable[..., str] | None = None
    notes: str = ""

    @property
    def identifier(self) -> str:
        """The name as an identifier of generated code."""
        return self.name.replace(" ", "_")

    def parameter(self, name: str) -> Parameter:
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise KeyError(name)


_operations: dict[str, Operation] = {}
_MODULES = ("shapes", "curves", "outlines", "booleans", "modifiers", "transforms", "paints")


def register(
    category: Category, name: str, *parameters: Parameter, summary: str, example: str, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that makes an entry of a body. `name` is unique; blended booleans are called "smooth union" and
    the like, with `function="union"` and `blend="smooth"` saying how the text spells them."""

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        if name in _operations:
            raise ValueError(f"operation {name!r} is registered twice")
        more.setdefault("function", name)
        _operations[name] = Operation(name, category, parameters, body, summary, example, **more)
        return body

    return decorate


@lru_cache(maxsize=1)
def operations() -> Mapping[str, Operation]:
    """All entries by name, in the order of registration."""
    for module in _MODULES:
        importlib.import_module(f"shaderdsl.operations.{module}")
    return _operations


@lru_cache(maxsize=1)
def functions() -> Mapping[str, tuple[Operation, ...]]:
    """Entries by the function name that the text uses: `union` has one for each way to blend its seam."""
    table: dict[str, list[Operation]] = {}
    for operation in operations().values():
        table.setdefault(operation.function, []).append(operation)
    return {name: tuple(entries) for name, entries in table.items()}


def of_category(*categories: Category) -> Iterable[Operation]:
    return [o for o in operations().values() if o.category in categories]


# -- shorthand for parameters --------------------------------------------------------------------------------


def length(name: str, low: float, high: float, default: float | None = None, *, signed: bool = False, summary: str = "") -> Parameter:
    """A size or offset in scene units; sizes are positive unless `signed`."""
    return Parameter(name, "length", low, high, default, None if signed else 0.0, None, (), summary)


def number(
    name: str, low: float, high: float, default: float | None = None, *,
    minimum: float | None = None, maximum: float | None = None, summary: str = "",
) -> Parameter:  # fmt: skip
    return Parameter(name, "number", low, high, default, minimum, maximum, (), summary)


def angle(
    name: str, low: float = -180.0, high: float = 180.0, default: float | None = None, *,
    minimum: float | None = None, maximum: float | None = None, summary: str = "",
) -> Parameter:  # fmt: skip
    """An angle: degrees in the text and in `low`..`high`, radians in a body; counter-clockwise."""
    return Parameter(name, "angle", low, high, default, minimum, maximum, (), summary)


def count(name: str, low: int, high: int, default: int | None = None, *, summary: str = "") -> Parameter:
    """A whole number, part of a program's structure; limits are hard. Bodies get a constant expression."""
    return Parameter(name, "count", low, high, default, low, high, (), summary)


def point(name: str, low: float = -1.0, high: float = 1.0, default: tuple[float, float] | None = None, *, summary: str = "") -> Parameter:
    return Parameter(name, "point", low, high, default, None, None, (), summary)


def choice(name: str, *choices: str, summary: str = "") -> Parameter:
    """One of some words; the first is the default."""
    return Parameter(name, "choice", 0, 0, choices[0], None, None, choices, summary)


# -- tracing -------------------------------------------------------------------------------------------------


def bind(operation: Operation, scalars: Mapping[str, Expr]) -> dict[str, Expr | Point]:
    """The keyword arguments of a body from scalars by the names of `scalar_names`."""
    arguments: dict[str, Expr | Point] = {}
    for parameter in operation.parameters:
        if parameter.kind == "point":
            arguments[parameter.name] = Point(scalars[parameter.name + "_x"], scalars[parameter.name + "_y"])
        else:
            arguments[parameter.name] = scalars[parameter.name]
    return arguments


def unbind(operation: Operation, arguments: Mapping[str, Any]) -> list[Expr]:
    """The scalars, in slot order, of keyword arguments such as `bind` makes."""
    scalars: list[Expr] = []
    for parameter in operation.parameters:
        value = arguments[parameter.name]
        scalars += [value.x, value.y] if parameter.kind == "point" else [value]
    return scalars


@cache
def scalar_names(operation: Operation) -> tuple[str, ...]:
    """The names of the scalars that a body's parameters take, in slot order; a point gives two."""
    names: list[str] = []
    for parameter in operation.parameters:
        names += [parameter.name + "_x", parameter.name + "_y"] if parameter.kind == "point" else [parameter.name]
    return tuple(names)


@cache
def continuous_names(operation: Operation) -> tuple[str, ...]:
    """`scalar_names` without counts and choices."""
    names: list[str] = []
    for parameter in operation.parameters:
        if parameter.continuous:
            names += [parameter.name + "_x", parameter.name + "_y"] if parameter.kind == "point" else [parameter.name]
    return tuple(names)
