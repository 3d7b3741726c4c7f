"""What the operations make of checked arguments: shapes, layers and paints, their limits and bounds noted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from shaderdsl import syntax
from shaderdsl.arithmetic import RADIANS
from shaderdsl.bounds import MAX_EXPANDED, MAX_NESTING, MAX_NUMBER, MAX_VERTICES
from shaderdsl.errors import Fault
from shaderdsl.expression import Expr, Graph, hypot
from shaderdsl.limits import Condition, Constraint, below, limit_text
from shaderdsl.registry import Dimension, Operation, Parameter
from shaderdsl.scene import (
    Combination,
    Decided,
    Lamp,
    Modified,
    Outline,
    Paint,
    Placed,
    Placement,
    Primitive,
    Vertex,
    Viewpoint,
    is_painted,
)
from shaderdsl.values import (
    CameraValue,
    ColourValue,
    LayerValue,
    LightValue,
    NumberValue,
    PaintValue,
    PointValue,
    ShapeValue,
    TextureValue,
    Value,
    VertexValue,
    described,
)

CURVED = "path"
"""The function whose outlines take control points."""

INSETTING = "round"
"""The modifier that needs a shape's inset."""

VERTEX = Parameter("vertex", "point", -1.0, 1.0)


def advice(value: Value) -> str:
    if isinstance(value, TextureValue):
        called = value.paint.operation.function
        return f"give it colours: {called}(#ffffff, #000000, ...)" if called else "give it colours by mix(#ffffff, #000000, ...)"
    return "combine shapes with | & - ^" if isinstance(value, ShapeValue) else ""


class Construction:
    """The graph of a program in the making, and what is known of its parameters.

    `index` gives the parameter of each literal slot, -1 for what is decided. `low` and `high` are hard limits
    of parameters by index, in written units; `feeds` is the first registry parameter that each one reaches
    unchanged.
    """

    dimension: Dimension = 2

    def __init__(self, slots: int, decided: set[int]) -> None:
        self.graph = Graph()
        self.index: list[int] = []
        count = 0
        for slot in range(slots):
            self.index.append(-1 if slot in decided else count)
            count += slot not in decided
        self.conditions: list[Condition] = []
        self.constraints: list[Constraint] = []
        self.low: dict[int, float] = {}
        self.high: dict[int, float] = {}
        self.feeds: dict[int, Parameter] = {}

    # -- numbers ------------------------------------------------------------------------------------------

    def scalar(self, function: str, parameter: Parameter, node: Any, value: Value) -> Expr:
        """The expression of a number or angle for `parameter`, its limits noted."""
        if type(value) is not NumberValue:
            wanted = "an angle such as 30deg" if parameter.kind == "angle" else "a number"
            raise self.mismatch(node, value, f"'{parameter.name}' of {function}", wanted)
        expr = value.expr
        is_angle = parameter.kind == "angle"
        if is_angle:
            if not value.angle:
                expr = expr * RADIANS
        elif value.angle:
            raise self.mismatch(
                node, value, f"'{parameter.name}' of {function}", "a number without an angle's unit"
            )
        minimum, maximum = parameter.minimum, parameter.maximum
        literal = value.literal
        if literal is None:
            low = -MAX_NUMBER if minimum is None else minimum
            high = MAX_NUMBER if maximum is None else maximum
            factor = 1.0 / RADIANS if is_angle else 1.0
            self.conditions.append(
                Condition(expr, low, high, factor, f"'{parameter.name}' of {function}", node.start, node.end)
            )
            return expr
        index = self.index[literal.slot]
        if index >= 0:
            self.feeds.setdefault(index, parameter)
        if minimum is not None or maximum is not None:
            unit = literal.unit
            factor = 0.01 if unit == "%" else syntax.DEGREE_UNITS[unit] if is_angle else 1.0
            low = -MAX_NUMBER if minimum is None else minimum / factor
            high = MAX_NUMBER if maximum is None else maximum / factor
            if below(literal.value, low) or below(-literal.value, -high):
                raise Fault(
                    f"'{parameter.name}' of {function} cannot be {literal.value:g}{unit}",
                    node.start, node.end, limit_text(low, high) + (f" {unit}" if unit else ""),
                )  # fmt: skip
            if index >= 0:
                self.hard(index, low, high)
        return expr

    def hard(self, index: int, low: float, high: float) -> None:
        if low > self.low.get(index, -MAX_NUMBER):
            self.low[index] = low
        if high < self.high.get(index, MAX_NUMBER):
            self.high[index] = high

    # -- shapes -------------------------------------------------------------------------------------------

    def shape(self, node: syntax.Expression, value: Value, what: str) -> ShapeValue:
        if type(value) is ShapeValue:
            return value
        if type(value) is LayerValue:
            raise Fault(
                f"{what} takes shapes, and this is painted already", node.start, node.end, "a shape",
                "combine and change shapes first and write .fill(...) last",
            )  # fmt: skip
        raise self.mismatch(node, value, what, "a shape")

    def combined(
        self, node: Any, operation: Operation, shapes: list[ShapeValue], scalars: tuple[Expr, ...], decided: Decided
    ) -> ShapeValue:
        if len({s.dimension for s in shapes}) > 1:
            raise Fault(
                "shapes of the plane and solids cannot be combined", node.start, node.end, "",
                "make the shape a solid first, for example by .extrude(0.1)",
            )  # fmt: skip
        combination = Combination(operation, tuple(s.shape for s in shapes), scalars, decided)
        return self.nested(
            node, combination, sum(s.size for s in shapes), max(s.depth for s in shapes),
            "a boolean's result has no inset of its own: round its parts, or blend them by "
            "union(a, b, round = 0.05)", shapes[0].dimension,
        )  # fmt: skip

    def nested(self, node: Any, shape: Any, size: int, depth: int, unroundable: str, dimension: int) -> ShapeValue:
        if depth >= MAX_NESTING:
            raise Fault(
                f"more than {MAX_NESTING} operations are nested around one shape", node.start, node.end
            )
        if size > MAX_EXPANDED:
            raise Fault(
                f"with let and def expanded there are more than {MAX_EXPANDED:,} shapes to draw",
                node.start,
                node.end,
            )
        return ShapeValue(shape, size, depth + 1, unroundable, dimension)

    def mismatch(self, node: Any, value: Value, what: str, wanted: str, suggestion: str = "") -> Fault:
        return Fault(
            f"{what} does not take {described(value)}",
            node.start,
            node.end,
            wanted,
            suggestion or advice(value),
        )

    # -- what each category of operation makes ---------------------------------------------------------------

    def made(
        self, call: syntax.Call, operation: Operation, leading: list[Value], scalars: tuple[Expr, ...],
        decided: tuple[tuple[str, object], ...],
    ) -> Value:  # fmt: skip
        """The value of a call of an operation; `leading` are those of its unnamed first arguments."""
        return _MAKERS[operation.category](self, call, operation, leading, scalars, decided)

    def _make_shape(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        reason = "" if operation.inset is not None else (
            f"{operation.function} does not know its inset: use offset, or build the corner from other shapes"
        )  # fmt: skip
        return ShapeValue(Primitive(operation, scalars, decided), 1, 1, reason, operation.dimension)

    def _make_outline(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        if len(leading) > MAX_VERTICES:
            raise Fault(f"an outline has at most {MAX_VERTICES:,} vertices", call.start, call.end)
        vertices: list[Vertex] = []
        bends = operation.function == CURVED
        for node, value in zip(call.arguments, leading):
            if type(value) is PointValue:
                vertices.append(
                    Vertex(
                        self.scalar(call.name, VERTEX, node, value.x),
                        self.scalar(call.name, VERTEX, node, value.y),
                    )
                )
            elif type(value) is VertexValue and bends:
                vertices.append(value.vertex)
            elif type(value) is VertexValue:
                raise Fault(
                    f"{call.name} has straight sides only",
                    node.start,
                    node.end,
                    "points",
                    f"use {CURVED}(...)",
                )
            else:
                raise self.mismatch(node, value, call.name, "points" + (" and curve(x, y)" if bends else ""))
        if dict(decided).get("closed") == "no":
            for node, vertex in (
                (call.arguments[0], vertices[0]),
                (call.arguments[len(leading) - 1], vertices[-1]),
            ):
                if not vertex.on:
                    raise Fault("an open path begins and ends on a point", node.start, node.end, "(x, y)")
        reason = f"{operation.function} does not know its inset: use offset"
        return ShapeValue(Outline(operation, tuple(vertices), scalars, decided), len(vertices), 1, reason)

    def _make_boolean(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        shapes = [self.shape(n, v, call.name) for n, v in zip(call.arguments, leading)]
        return self.combined(call, operation, shapes, scalars, decided)

    def _make_modifier(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        child = self.shape(call.arguments[0], leading[0], call.name)
        if operation.name == INSETTING and child.unroundable:
            raise Fault(
                "these corners cannot be rounded", call.name_start, call.name_start + len(call.name), "",
                child.unroundable,
            )  # fmt: skip
        return self.nested(
            call, Modified(operation, child.shape, scalars), child.size, child.depth, child.unroundable, child.dimension
        )

    def _make_repetition(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        child = self.shape(call.arguments[0], leading[0], call.name)
        return self.nested(
            call, Placed(operation, child.shape, scalars, decided), child.size * operation.copies,
            child.depth, f"round the shape before .{call.name}(...)", child.dimension,
        )  # fmt: skip

    def _make_transform(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        target = leading[0]
        if isinstance(target, (PaintValue, TextureValue)) and self.dimension == 2:
            return target._replace(paint=self.placed(target.paint, operation, scalars))
        layer = target if type(target) is LayerValue else None
        child = layer.shape if layer is not None else self.shape(call.arguments[0], target, call.name)
        placed = self.nested(
            call, Placed(operation, child.shape, scalars, decided), child.size, child.depth, child.unroundable,
            child.dimension,
        )  # fmt: skip
        if layer is None:
            return placed
        paint, softness = layer.paint, layer.softness
        if softness is not None and operation.distance_scale is not None:
            softness = self.graph.lift(operation.distance_scale(*scalars)) * softness
        return LayerValue(placed, self.placed(paint, operation, scalars), layer.opacity, softness)

    def placed(self, paint: Paint, operation: Operation, scalars: tuple[Expr, ...]) -> Paint:
        """The paint behind one more transform."""
        return replace(paint, placements=(*paint.placements, Placement(operation, scalars)))

    def _make_extrusion(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        child = self.shape(call.arguments[0], leading[0], call.name)
        if child.dimension == 3:
            raise self.mismatch(call.arguments[0], child, call.name, "a shape of the plane")
        return self.nested(
            call, Placed(operation, child.shape, scalars, decided), child.size, child.depth,
            f"round the shape before .{call.name}(...)", 3,
        )  # fmt: skip

    def _make_loft(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        first, second = (self.shape(node, value, call.name) for node, value in zip(call.arguments, leading))
        for node, shape in zip(call.arguments, (first, second)):
            if shape.dimension == 3:
                raise self.mismatch(node, shape, call.name, "a shape of the plane")
        return self.nested(
            call, Combination(operation, (first.shape, second.shape), scalars, decided), first.size + second.size,
            max(first.depth, second.depth), f"round the shapes before .{call.name}(...)", 3,
        )  # fmt: skip

    def _make_section(
        self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any
    ) -> Value:
        child = self.shape(call.arguments[0], leading[0], call.name)
        if child.dimension != 3:
            raise self.mismatch(call.arguments[0], child, call.name, "a solid")
        if is_painted(child.shape):
            raise Fault(
                "this solid is painted, and a shape of the plane has no material", call.name_start,
                call.name_start + len(call.name), "", f"paint what is made of the section, after .{call.name}(...)",
            )  # fmt: skip
        return self.nested(
            call, Placed(operation, child.shape, scalars, decided), child.size, child.depth,
            f"round the solid before .{call.name}(...)", 2,
        )  # fmt: skip

    def _make_camera(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        return CameraValue(Viewpoint(operation, scalars, decided))

    def _make_light(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        return LightValue(Lamp(operation, scalars, decided))

    def _make_paint(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        for node, value in zip(call.arguments, leading):
            if type(value) is not ColourValue:
                raise self.mismatch(node, value, call.name, "colours")
        paint = Paint(operation, scalars, tuple(value.components for value in leading), decided=decided)
        return PaintValue(paint) if leading else TextureValue(paint)

    def _make_layer(self, call: Any, operation: Operation, leading: Any, scalars: Any, decided: Any) -> Value:
        layer = leading[0]
        if type(layer) is not LayerValue:
            raise self.mismatch(
                call.arguments[0], layer, call.name, "a painted layer",
                f"write .fill(colour).{call.name}(...)" if isinstance(layer, ShapeValue) else "",
            )  # fmt: skip
        amount = scalars[0]
        if operation.name == "opacity":
            opacity = amount if layer.opacity is None else layer.opacity * amount
            return LayerValue(layer.shape, layer.paint, opacity, layer.softness)
        # Gaussians blur one after the other by the root of the sum of squares.
        softness = amount if layer.softness is None else hypot(layer.softness, amount)
        return LayerValue(layer.shape, layer.paint, layer.opacity, softness)


_MAKERS: dict[str, Callable[..., Value]] = {
    "shape": Construction._make_shape,
    "outline": Construction._make_outline,
    "boolean": Construction._make_boolean,
    "modifier": Construction._make_modifier,
    "transform": Construction._make_transform,
    "repetition": Construction._make_repetition,
    "paint": Construction._make_paint,
    "layer": Construction._make_layer,
    "extrusion": Construction._make_extrusion,
    "loft": Construction._make_loft,
    "section": Construction._make_section,
    "camera": Construction._make_camera,
    "light": Construction._make_light,
}
