"""What the language itself calls: colours from numbers, functions of numbers, fill and paint, and copies of a def."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from shaderdsl import arithmetic, binding, syntax
from shaderdsl.construction import Construction, advice
from shaderdsl.errors import Fault
from shaderdsl.expression import Expr
from shaderdsl.mathematics import FUNCTIONS
from shaderdsl.naming import unknown_definition
from shaderdsl.registry import Parameter, operations
from shaderdsl.scene import Paint, Vertex
from shaderdsl.values import (
    ColourValue,
    LayerValue,
    NumberValue,
    PaintValue,
    ShapeValue,
    TextureValue,
    Value,
    VertexValue,
)


class Function(NamedTuple):
    """A def, its parameters, and which statement it is."""

    definition: syntax.Def
    parameters: tuple[Parameter, ...]
    order: int


class Builtins(Construction):
    """One method a function, of a call and its arguments: those of `binding.BUILTINS`, None where one is left out."""

    module: syntax.Module
    functions: dict[str, Function]
    visible: int
    inside: str

    @abstractmethod
    def evaluate(self, node: Any) -> Value:
        """The value of an expression."""

    @abstractmethod
    def count(self, call: syntax.Call, parameter: Parameter, node: Any, value: Value) -> int:
        """A whole number, which is decided before the others."""

    @abstractmethod
    def constant(self, value: float) -> Expr:
        """One expression for all uses of a value."""

    @abstractmethod
    def applied(self, function: Function, scope: dict[str, Value]) -> Value:
        """The value of a def's body, where some of its parameters have the values of `scope`, and the others their defaults."""

    def components(self, call: syntax.Call, nodes: list[Any]) -> list[Expr]:
        return [
            self.scalar(call.name, parameter, node, self.evaluate(node))
            for parameter, node in zip(binding.BUILTINS[call.name], nodes)
        ]

    def rgb(self, call: syntax.Call, nodes: list[Any]) -> Value:
        return ColourValue(*self.components(call, nodes))

    def hsv(self, call: syntax.Call, nodes: list[Any]) -> Value:
        parameters = binding.BUILTINS["hsv"]
        hue = self.evaluate(nodes[0])
        self.scalar("hsv", parameters[0], nodes[0], hue)
        saturation, value = (
            self.scalar("hsv", p, node, self.evaluate(node)) for p, node in zip(parameters[1:], nodes[1:])
        )
        return arithmetic.from_hsv(hue, saturation, value)  # type: ignore[arg-type]

    def mix(self, call: syntax.Call, nodes: list[Any]) -> Value:
        colours = [self.evaluate(node) for node in nodes[:2]]
        for node, colour in zip(nodes, colours):
            if type(colour) is not ColourValue:
                raise self.mismatch(node, colour, "mix", "a colour")
        amount = self.evaluate(nodes[2])
        if type(amount) is TextureValue:
            return PaintValue(replace(amount.paint, colours=tuple(colour.components for colour in colours)))  # type: ignore[union-attr]
        if type(amount) is not NumberValue:
            raise self.mismatch(nodes[2], amount, "'amount' of mix", "a number, or a texture such as fbm()")
        share = self.scalar(call.name, binding.BUILTINS["mix"][0], nodes[2], amount)
        return arithmetic.mixed(colours[0], colours[1], share)  # type: ignore[arg-type]

    def function(self, call: syntax.Call, nodes: list[Any]) -> Value:
        function = FUNCTIONS[call.name]
        return NumberValue(function.body(*self.components(call, nodes)), function.gives_angle)

    def curve(self, call: syntax.Call, nodes: list[Any]) -> Value:
        x, y = self.components(call, nodes)
        return VertexValue(Vertex(x, y, False))

    def fill(self, call: syntax.Call, nodes: list[Any]) -> Value:
        shape = self.evaluate(nodes[0])
        if type(shape) is LayerValue:
            raise Fault(
                "this is painted already",
                call.name_start,
                call.name_start + 4,
                "one fill a layer",
                "write two statements",
            )
        paint = self.evaluate(nodes[1])
        if type(paint) is ColourValue:
            paint = PaintValue(Paint(operations()["flat"], (), (paint.components,)))
        if type(paint) is not PaintValue:
            raise self.mismatch(nodes[1], paint, "fill", "a colour or a paint such as linear(#fff, #000)", advice(paint))
        return LayerValue(self.shape(nodes[0], shape, "fill"), paint.paint, None, None)

    def paint(self, call: syntax.Call, nodes: list[Any]) -> Value:
        raise Fault(
            "paint is for solids", call.name_start, call.name_start + len(call.name), "fill in scene 2d", "write .fill(...)"
        )

    def of_space(self, call: syntax.Call, nodes: list[Any]) -> Value:
        raise Fault(f"{call.name} is for solids", call.name_start, call.name_start + len(call.name), "scene 3d")

    def copies(self, call: syntax.Call, nodes: list[Any]) -> Value:
        """The union of a def's shapes for the numbers 0, 1, 2 ...: a repetition whose copies may differ, and exact, as its copies
        are all looked at."""
        name, node = nodes
        function = self.functions.get(name.name) if type(name) is syntax.Name else None
        if function is None or function.order >= self.visible:
            raise unknown_definition(name, self.module, self.inside)
        parameters = function.definition.parameters
        if not parameters or any(p.default is None for p in parameters[1:]):
            title = f"'{name.name}' " + ("needs more than the copy's number" if parameters else "does not take the copy's number")
            raise Fault(title, name.start, name.end, f"def {name.name}(k) = ...")
        number = self.count(call, binding.BUILTINS["copies"][0], node, self.evaluate(node))
        shapes = []
        for k in range(number):
            value = self.applied(function, {parameters[0].name: NumberValue(self.constant(float(k)))})
            if type(value) is not ShapeValue:
                painted = f"leave the fill out there, and write copies({name.name}, {number}).fill(...)"
                raise self.mismatch(name, value, "copies", "a def of a shape", painted if type(value) is LayerValue else "")
            shapes.append(value)
        return shapes[0] if number == 1 else self.combined(call, operations()["union"], shapes, (), ())


BUILTIN_FUNCTIONS: dict[str, Callable[..., Value]] = {
    "rgb": Builtins.rgb,
    "hsv": Builtins.hsv,
    "mix": Builtins.mix,
    "curve": Builtins.curve,
    "fill": Builtins.fill,
    "paint": Builtins.paint,
    "copies": Builtins.copies,
    **dict.fromkeys(FUNCTIONS, Builtins.function),
    "displace": Builtins.of_space,
    "triplanar": Builtins.of_space,
}
