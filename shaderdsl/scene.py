"""What a checked program means: layers of shapes, with `let` and `def` resolved and every number an expression.

A `Scene` is what the checker makes of a syntax tree and what lowering (`shaderdsl.tape`) and GLSL printing
(`shaderdsl.glsl`) read. Its numbers are nodes of one `Graph` whose inputs are the program's parameters by index, in
written units turned to scene units and radians by the checker. It holds no values: programs that differ in numbers
alone share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import Operation

Decided = tuple[tuple[str, object], ...]
"""Counts and choices by parameter name: they are part of a program's structure."""


@dataclass(frozen=True, eq=False)
class Primitive:
    """A shape by its parameters; `scalars` in the order of `registry.continuous_names(operation)`."""

    operation: Operation
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Vertex:
    """A point of an outline; `on` False makes it the control point of a quadratic. Between two control points in
    a row the curve passes through their midpoint."""

    x: Expr
    y: Expr
    on: bool = True


@dataclass(frozen=True, eq=False)
class Outline:
    """A shape by its vertices (polygon, path, stroked path): a bounded fold over lines and quadratics."""

    operation: Operation
    vertices: tuple[Vertex, ...]
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Combination:
    """A boolean of two or more shapes, from left to right."""

    operation: Operation
    children: tuple[Shape, ...]
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Modified:
    """A modifier of a shape's distance."""

    operation: Operation
    child: Shape
    scalars: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Placed:
    """A transform or a repetition of a shape."""

    operation: Operation
    child: Shape
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Painted:
    """A solid whose parts have a material, those apart that have one of their own."""

    child: Solid
    material: Material


Shape = Primitive | Outline | Combination | Modified | Placed
Solid = Shape | Painted
"""In space any of the shapes inside a shape may be painted."""


def is_painted(shape: Solid) -> bool:
    """Whether any part of a shape has a material of its own."""
    stack, seen = [shape], {id(shape)}
    while stack:
        part = stack.pop()
        if isinstance(part, Painted):
            return True
        inner = part.children if isinstance(part, Combination) else (part.child,) if isinstance(part, (Modified, Placed)) else ()
        stack += [child for child in inner if id(child) not in seen]
        seen.update(map(id, inner))
    return False


@dataclass(frozen=True, eq=False)
class Placement:
    """An affine transform that a painted layer went through, for its paint's coordinates."""

    operation: Operation
    scalars: tuple[Expr, ...]


@dataclass(frozen=True, eq=False)
class Paint:
    """A paint: its parameters, one colour (r, g, b) a stop, and the transforms applied after filling, innermost first."""

    operation: Operation
    scalars: tuple[Expr, ...]
    colours: tuple[tuple[Expr, Expr, Expr], ...]
    placements: tuple[Placement, ...] = ()
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Bump:
    """A texture as a height above a surface; `scalars` in the order of `registry.continuous_names(operation)`."""

    operation: Operation
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Material:
    """What a solid's surface is made of: its colour, by a paint in the solid's own coordinates, how it reflects, and the texture
    that turns its normal where light falls on it."""

    paint: Paint
    metallic: Expr
    roughness: Expr
    emission: Expr
    bump: Bump | None = None


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A camera; `scalars` in the order of `registry.continuous_names(operation)`."""

    operation: Operation
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Lamp:
    """A light; `scalars` in the order of `registry.continuous_names(operation)`."""

    operation: Operation
    scalars: tuple[Expr, ...]
    decided: Decided = ()


@dataclass(frozen=True, eq=False)
class Layer:
    """A painted shape. `softness` None is a crisp edge, antialiased by exact area coverage."""

    shape: Shape
    paint: Paint
    opacity: Expr | None = None
    softness: Expr | None = None
    name: str = ""
    line: int = 0


@dataclass(frozen=True, eq=False)
class Scene:
    """Layers in painter's order (later over earlier) over a background; None is transparent."""

    graph: Graph
    background: tuple[Expr, Expr, Expr] | None
    layers: tuple[Layer, ...] = field(default=())


@dataclass(frozen=True, eq=False)
class Surface:
    """A solid that a program draws."""

    shape: Solid
    name: str = ""
    line: int = 0


@dataclass(frozen=True, eq=False)
class SolidScene:
    """Solids, the camera that sees them and the lights; `background` None is transparent.

    `exposure` multiplies the linear light, `tone` says how it is brought into range, and `fog` is how much of it is
    lost in a unit of distance to the background's colour; None is none. `names` are those that `let` gives to shapes.
    """

    graph: Graph
    background: tuple[Expr, Expr, Expr] | None
    surfaces: tuple[Surface, ...]
    camera: Viewpoint
    lights: tuple[Lamp, ...]
    exposure: Expr
    tone: str
    fog: Expr | None = None
    names: Mapping[Solid, str] = field(default_factory=dict)
