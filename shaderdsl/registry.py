"""The registry: one entry an operation, from which everything else about it is derived.

An entry says what an operation is called, what numbers it takes (kind, sensible range, default), whether its
distance is exact or a bound, what it looks like in use, and its body, written once in the traced language of
`shaderdsl.expression`. Parser, checker, printer, backends, sampler, decoding grammar, reference page, viewer and
tests read entries; none of them knows an operation by name. Adding an operation touches one file under
`shaderdsl/operations/`.

Bodies take and give these traced values:

- `Point`: x, y in the operation's own coordinates; `Point3`: x, y, z;
- `Distance`: `value`, the signed distance (negative inside), and `thickness`, the extent of the solid along the
  normal, measured from the nearest boundary to the far one (`FAT` where it never matters). Coverage needs it: a
  stroke thinner than a pixel covers C(near boundary) - C(far boundary), not C of one half plane.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, Literal

from shaderdsl.expression import Expr, Scalar, hypot, maximum

FAT = 1e4
"""The thickness of a solid that no pixel can span."""

CELL_OF = "cell of "
"""Before a repetition's name: the entry that says which of its copies is seen."""

Kind = Literal["length", "number", "angle", "count", "point", "vector", "colour", "choice", "texture"]
Category = Literal[
    "shape", "outline", "boolean", "modifier", "transform", "repetition", "paint", "layer", "extrusion", "loft", "section", "camera",
    "light", "bump",
]
Dimension = Literal[0, 2, 3]
"""Where an operation is at home: 2 in the plane, 3 in space, 0 in both."""

OPERANDS: dict[str, tuple[str, ...]] = {"boolean": ("a", "b"), "modifier": ("a",), "loft": ("a", "b", "z")}
"""The distances that the bodies of some categories combine, by their names in rules."""

COMPONENTS: dict[str, tuple[str, ...]] = {
    "point": ("_x", "_y"), "vector": ("_x", "_y", "_z"), "colour": ("_r", "_g", "_b"),
}  # fmt: skip
"""The scalars of parameters that have several, as endings of the parameter's name."""


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
    def scalars(self) -> tuple[str, ...]:
        """The names of the scalars that it takes in a body: two for a point, three for a vector or colour, else one."""
        return tuple(self.name + ending for ending in COMPONENTS.get(self.kind, ("",)))

    @property
    def width(self) -> int:
        """How many scalars it takes in a body."""
        return len(COMPONENTS.get(self.kind, ("",)))

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
class Point3:
    """A point or vector of space; a colour's red, green and blue where a parameter is one."""

    x: Expr
    y: Expr
    z: Expr

    def __add__(self, other: Point3) -> Point3:
        return Point3(self.x + other.x, self.y + other.y, self.z + other.z)

    def __sub__(self, other: Point3) -> Point3:
        return Point3(self.x - other.x, self.y - other.y, self.z - other.z)

    def __neg__(self) -> Point3:
        return Point3(-self.x, -self.y, -self.z)

    def __mul__(self, factor: Scalar) -> Point3:
        return Point3(self.x * factor, self.y * factor, self.z * factor)

    def __iter__(self) -> Iterator[Expr]:
        return iter((self.x, self.y, self.z))

    def dot(self, other: Point3) -> Expr:
        return self.x * other.x + self.y * other.y + self.z * other.z

    def cross(self, other: Point3) -> Point3:
        return Point3(
            self.y * other.z - self.z * other.y, self.z * other.x - self.x * other.z, self.x * other.y - self.y * other.x
        )

    @property
    def length(self) -> Expr:
        """The Euclidean length, with a finite derivative at the origin."""
        return hypot(hypot(self.x, self.y), self.z)

    def normalized(self) -> Point3:
        """The vector divided by its length, which is kept above zero."""
        return self * (1.0 / maximum(self.length, 1e-9))


@dataclass(frozen=True)
class Distance:
    """What a shape's body gives. `beside` is, for solids with edges, the distance to the face that lies beside the
    nearest one, continued past the edge between them: near its surface such a solid's distance is the greatest of its
    faces' distances, and this is the second greatest. Antialiasing of creases blends the two; None is no crease."""

    value: Expr
    thickness: Scalar = FAT
    beside: Expr | None = None


@dataclass(frozen=True)
class Blend:
    """What a pixel shows of a ramp of colours: a `share` of it the colour at the `second` place, the rest that at the `first`. What
    varies within a pixel is not the colour at its mean place: light is averaged, not places."""

    first: Scalar
    second: Scalar
    share: Scalar

    @property
    def mean(self) -> Scalar:
        return self.first + (self.second - self.first) * self.share


@dataclass(frozen=True)
class Camera:
    """Where a picture is taken from: the eye, three unit vectors, half the height of what is seen (at distance 1, or of
    all where rays are `parallel`, 1 or 0)."""

    eye: Point3
    right: Point3
    up: Point3
    forward: Point3
    spread: Expr
    parallel: float


@dataclass(frozen=True)
class Light:
    """How a point is lit: by `radiance` (linear red, green and blue) from a unit `direction`, which points to the light, or
    from all around where that is None. `distance` is how far away the light is; what lies beyond casts no shadow."""

    radiance: Point3
    direction: Point3 | None = None
    distance: Scalar = FAT


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
    paint       body(p: Point, **parameters) -> position on the colour ramp, 0 at the first stop and 1 at the last; where
                `filtered`, the body also gets `footprint: Point3`, how wide a pixel is along each axis at p, and gives a `Blend`
                of what it shows; where it is `by_cell`, p is the index of the copy that the paint is on, whole numbers, and not a place; where
                `sided`, `normal`, a vector across the surface there. `slope(**parameters)` is the most that the position changes in a
                unit of distance, None where it jumps
    bump        body(p, **parameters) -> height above a surface, with `footprint` and `normal` as a paint; by its slope the normal
                is turned that light sees
    layer       no body: `opacity` and `soften` are read by the compositor
    extrusion   body(p: Point3, **parameters) -> Point3: (x, y) in the plane of the shape that is made solid, and z, how far
                the point lies beyond the solid's ends (negative between them); `capped` False leaves z out
    loft        body(a: Distance, b: Distance, z: Distance, **parameters) -> Distance: of two shapes of the plane, and of how high
                above it the point lies
    section     body(p: Point3, **parameters) -> Point3, affine in p: where a point (x, y) of the plane lies in a solid, of which
                the plane shows a section
    camera      body(**parameters) -> Camera
    light       body(p: Point3, n: Point3, **parameters) -> Light: how a surface at p with the normal n is lit. A parameter called
                `shadow` says how soft the shadows are that it casts, one called `occlusion` how much less of it comes into
                corners; at 0 there are none. The renderers read them (`shaderdsl.view`), and they have no derivative

    `dimension` says where the operation is at home. In space a shape, transform, repetition or paint gets and gives
    `Point3` where it gets `Point` in the plane; what is at home in both (dimension 0) gets `Point3`, z being 0 in the plane.

    A body gets an Expr for each number, a Point for each point, and constants (Expr) for counts and for choices (the
    index of the word), so that one compiled body serves every count.

    A boolean whose value is always that of one operand says by which signs it `selects`: (i, j) where it takes the
    operand with the smaller of i*a and j*b, so that a tile where they are far apart needs one of them only.

    A boolean that `carves` takes its second operand away: in space what is laid bare has the first one's material, unless the
    second is painted itself.

    `distance_scale(**parameters)` of a repetition or extrusion is 1 over the most that its map stretches distances, so that
    what it gives stays a bound; None is 1.

    `cell(p, copy, **parameters) -> Point3` of a repetition says which copy its body shows, by whole numbers: an entry of its own
    ("cell of ...") with these parameters, whose points paints read that go `by_cell`.

    An operation without a `function` can not be called by its name: others are lowered to it.

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
    filtered: bool = False
    by_cell: bool = False
    cell: Callable[..., Point3] | None = None
    sided: bool = False
    slope: Callable[..., Scalar | None] | None = None
    distance_scale: Callable[..., Scalar] | None = None
    dimension: Dimension = 2
    carves: bool = False
    capped: bool = True
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
_MODULES = (
    "shapes", "curves", "figures", "outlines", "booleans", "modifiers", "transforms", "paints", "textures", "solids",
    "round_solids", "polyhedra", "lattices", "spaces", "folds", "profiles", "lights", "reliefs",
)  # fmt: skip

PIECES: list[Callable[..., Expr]] = []


def piece(function: Callable[..., Expr]) -> Callable[..., Expr]:
    """Decorator of a function of scalars that bodies call, and that stays a function in GLSL."""
    PIECES.append(function)
    return function


def register(
    category: Category, name: str, *parameters: Parameter, summary: str, example: str, **more: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Decorator that makes an entry of a body. `name` is unique; blended booleans are called "smooth union" and
    the like, with `function="union"` and `blend="smooth"` saying how the text spells them."""

    def decorate(body: Callable[..., Any]) -> Callable[..., Any]:
        if name in _operations:
            raise ValueError(f"operation {name!r} is registered twice")
        more.setdefault("function", name)
        if category in ("boolean", "modifier"):
            more.setdefault("dimension", 0)
        _operations[name] = operation = Operation(name, category, parameters, body, summary, example, **more)
        if operation.cell is not None:
            index = replace(operation, name=CELL_OF + name, body=operation.cell, function="", cell=None)
            _operations[index.name] = index
        return body

    return decorate


def registered(category: Category) -> list[Operation]:
    """The entries of a category that have been made so far: for those that are made of others."""
    return [o for o in _operations.values() if o.category == category]


# What `shaderdsl.operations.reliefs` makes of a paint.


def triplanar_name(paint: Operation) -> str:
    return f"triplanar {paint.name}"


def bump_name(paint: Operation) -> str:
    return f"{paint.name} bump"


def relief_name(paint: Operation) -> str:
    return f"{paint.name} relief"


DISPLACED = "displaced"
"""The boolean of a solid and a relief."""


@lru_cache(maxsize=2)
def operations(dimension: Dimension = 2) -> Mapping[str, Operation]:
    """The entries that programs of a dimension are made of, by name, in the order of registration: in space, all."""
    for module in _MODULES:
        importlib.import_module(f"shaderdsl.operations.{module}")
    return {name: o for name, o in _operations.items() if dimension == 3 or o.dimension != 3}


@lru_cache(maxsize=2)
def functions(dimension: Dimension = 2) -> Mapping[str, tuple[Operation, ...]]:
    """Entries by the function name that the text uses: `union` has one for each way to blend its seam."""
    table: dict[str, list[Operation]] = {}
    for operation in operations(dimension).values():
        if operation.function:
            table.setdefault(operation.function, []).append(operation)
    return {name: tuple(entries) for name, entries in table.items()}


def of_category(*categories: Category, dimension: Dimension = 2) -> list[Operation]:
    """The entries of some categories at home in a dimension that programs can call, in the order of registration."""
    home = (0, dimension)
    entries = operations(dimension).values()
    return [o for o in entries if o.category in categories and o.dimension in home and o.function]


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


def vector(
    name: str, low: float = -1.0, high: float = 1.0, default: tuple[float, float, float] | None = None, *, summary: str = ""
) -> Parameter:
    """A point or direction of space."""
    return Parameter(name, "vector", low, high, default, None, None, (), summary)


def colour(name: str, default: tuple[float, float, float] | None = None, *, summary: str = "") -> Parameter:
    """A colour, sRGB, each component in [0, 1]."""
    return Parameter(name, "colour", 0.0, 1.0, default, 0.0, 1.0, (), summary)


def texture(name: str, *, summary: str = "") -> Parameter:
    """A texture, which may be left out; only functions of the language itself take one."""
    return Parameter(name, "texture", 0.0, 0.0, "", None, None, (), summary)


def choice(name: str, *choices: str, summary: str = "") -> Parameter:
    """One of some words; the first is the default."""
    return Parameter(name, "choice", 0, 0, choices[0], None, None, choices, summary)


# -- tracing -------------------------------------------------------------------------------------------------


def bind(operation: Operation, scalars: Mapping[str, Expr]) -> dict[str, Any]:
    """The keyword arguments of a body (Expr, Point or Point3) from scalars by the names of `scalar_names`."""
    arguments: dict[str, Any] = {}
    for parameter in operation.parameters:
        values = [scalars[name] for name in parameter.scalars]
        kind = Point3 if len(values) == 3 else Point
        arguments[parameter.name] = values[0] if len(values) == 1 else kind(*values)
    return arguments


def unbind(operation: Operation, arguments: Mapping[str, Any]) -> list[Expr]:
    """The scalars, in slot order, of keyword arguments such as `bind` makes."""
    scalars: list[Expr] = []
    for parameter in operation.parameters:
        value = arguments[parameter.name]
        scalars += [value] if parameter.width == 1 else [value.x, value.y] if parameter.width == 2 else [*value]
    return scalars


@cache
def scalar_names(operation: Operation) -> tuple[str, ...]:
    """The names of the scalars that a body's parameters take, in slot order."""
    return tuple(name for parameter in operation.parameters for name in parameter.scalars)


@cache
def continuous_names(operation: Operation) -> tuple[str, ...]:
    """`scalar_names` without counts and choices."""
    return tuple(name for parameter in operation.parameters if parameter.continuous for name in parameter.scalars)
