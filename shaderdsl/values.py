"""What an expression of the language can be while it is checked, by type."""

from __future__ import annotations

from typing import NamedTuple

from shaderdsl.expression import Expr
from shaderdsl.scene import Lamp, Paint, Shape, Vertex, Viewpoint
from shaderdsl.syntax import Number


class NumberValue:
    """A number, or an angle in radians. `literal` is set while it is still the plain literal of the text."""

    __slots__ = ("expr", "angle", "literal")

    def __init__(self, expr: Expr, angle: bool = False, literal: Number | None = None) -> None:
        self.expr = expr
        self.angle = angle
        self.literal = literal


class PointValue(NamedTuple):
    x: NumberValue
    y: NumberValue


class VectorValue(NamedTuple):
    x: NumberValue
    y: NumberValue
    z: NumberValue


class ColourValue(NamedTuple):
    red: Expr
    green: Expr
    blue: Expr

    @property
    def components(self) -> tuple[Expr, Expr, Expr]:
        return (self.red, self.green, self.blue)


class PaintValue(NamedTuple):
    paint: Paint


class TextureValue(NamedTuple):
    """A number in [0, 1] at each point: a paint without its colours, which `mix` gives it."""

    paint: Paint


class VertexValue(NamedTuple):
    vertex: Vertex


class WordValue(NamedTuple):
    word: str


class ShapeValue(NamedTuple):
    """`size` counts the solids it draws, `let` and `def` expanded; `depth` is how deep they are nested.

    `unroundable` says why `round` cannot inset it; empty where it can. `dimension` is 2 in the plane and 3 in space.
    """

    shape: Shape
    size: int
    depth: int
    unroundable: str
    dimension: int = 2


class LayerValue(NamedTuple):
    shape: ShapeValue
    paint: Paint
    opacity: Expr | None
    softness: Expr | None


class CameraValue(NamedTuple):
    camera: Viewpoint


class LightValue(NamedTuple):
    light: Lamp


Value = (
    NumberValue | PointValue | VectorValue | ColourValue | PaintValue | TextureValue | VertexValue | WordValue | ShapeValue | LayerValue
    | CameraValue | LightValue
)


def described(value: Value) -> str:
    """The value's type, as an error calls it."""
    if isinstance(value, NumberValue):
        return "an angle" if value.angle else "a number"
    if isinstance(value, ShapeValue) and value.dimension == 3:
        return "a solid"
    return _DESCRIPTIONS[type(value)]


_DESCRIPTIONS: dict[type, str] = {
    PointValue: "a point",
    VectorValue: "a point of space",
    CameraValue: "a camera",
    LightValue: "a light",
    ColourValue: "a colour",
    PaintValue: "a paint",
    TextureValue: "a texture without colours",
    VertexValue: "a curve's control point",
    WordValue: "a word",
    ShapeValue: "a shape",
    LayerValue: "a painted layer",
}
