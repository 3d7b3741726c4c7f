"""The checker's run for programs in space: solids, materials, cameras, lights and the scene's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shaderdsl import binding, syntax
from shaderdsl.checker import Check, root_name
from shaderdsl.errors import Fault
from shaderdsl.registry import Dimension, Parameter, number, operations
from shaderdsl.rewriting import TIME
from shaderdsl.scene import Lamp, Material, Paint, Painted, Solid, SolidScene, Surface, Viewpoint
from shaderdsl.values import (
    CameraValue,
    ColourValue,
    LightValue,
    PaintValue,
    ShapeValue,
    Value,
    WordValue,
    described,
)

TONES = ("none", "reinhard", "filmic", "raw")
"""How linear light is brought into the range of a screen; "raw" leaves it as it is, and no program can ask for it."""

SETTINGS: dict[str, Parameter] = {
    "exposure": number("exposure", 0.3, 3.0, 1.0, minimum=0.0, summary="multiplies the light before it is shown"),
    "fog": number("fog", 0.0, 0.3, minimum=0.0, summary="how much is lost to the background in a unit of distance"),
}
"""Numbers of `scene 3d(...)`, beside its background, tone and time."""


class SolidCheck(Check):
    dimension: Dimension = 3

    def __init__(self, module: syntax.Module, values: list[float], decided: set[int], source: str) -> None:
        super().__init__(module, values, decided, source)
        self.surfaces: list[Surface] = []
        self.lights: list[Lamp] = []
        self.camera: Viewpoint | None = None
        self.exposure = self.graph.constant(1.0)
        self.tone = TONES[0]
        self.fog = None

    def functions_of_the_language(self) -> Mapping[str, Callable[..., Value]]:
        table = dict(super().functions_of_the_language())
        return {**table, "fill": SolidCheck._fill, "paint": SolidCheck._paint}

    # -- statements ---------------------------------------------------------------------------------------

    def scene(self) -> SolidScene:
        camera = self.camera or Viewpoint(*self._defaults("orbit"))
        lights = tuple(self.lights) or (Lamp(*self._defaults("sunlight")), Lamp(*self._defaults("ambient light")))
        names: dict[Solid, str] = {value.shape: name for name, (_, value) in self.lets.items() if isinstance(value, ShapeValue)}
        return SolidScene(
            self.graph, self.background, tuple(self.surfaces), camera, lights, self.exposure, self.tone, self.fog, names
        )

    def _defaults(self, name: str) -> Any:
        """An operation, with all parameters at their defaults."""
        operation = operations(3)[name]
        scalars: list[Any] = []
        decided: list[tuple[str, object]] = []
        for parameter in operation.parameters:
            value = self._default(parameter)
            if not parameter.continuous:
                decided.append((parameter.name, value))
            else:
                scalars += value if parameter.width > 1 else [value]
        return operation, tuple(scalars), tuple(decided)

    def draw(self, draw: syntax.Draw, line: int) -> None:
        value = self.evaluate(draw.value)
        if type(value) is CameraValue:
            if self.camera is not None:
                raise Fault("the scene has a camera already", draw.start, draw.end, "one camera")
            self.camera = value.camera
        elif type(value) is LightValue:
            self.lights.append(value.light)
        elif type(value) is ShapeValue and value.dimension == 3:
            self.count_shapes(value, draw)
            self.surfaces.append(Surface(value.shape, root_name(draw.value), line))
        else:
            flat = type(value) is ShapeValue
            advice = "make it a solid, for example by .extrude(0.1)" if flat else (
                "" if isinstance(value, WordValue) else "to name a value write `let name = ...`"
            )  # fmt: skip
            raise Fault(
                f"this draws nothing in space: it is {described(value)}", draw.start, draw.end,
                "a solid, a camera or a light", advice,
            )  # fmt: skip

    known_settings = ("background", "tone", *SETTINGS, TIME)

    def setting(self, name: str, node: Any) -> None:
        if name == "tone":
            self.tone = self._tone(node)
        elif name in SETTINGS:
            setattr(self, name, self.scalar("scene 3d", SETTINGS[name], node, self.evaluate(node)))
        else:
            super().setting(name, node)

    def _tone(self, node: Any) -> str:
        if type(node) is syntax.Name and node.name in TONES[:-1]:
            return str(node.name)
        raise Fault("this is no way to map tones", node.start, node.end, " or ".join(TONES[:-1]))

    # -- calls --------------------------------------------------------------------------------------------

    def _entry(self, call: syntax.Call, count: int, names: tuple[str, ...]) -> Value:
        """As in the plane; but what works on a shape is chosen by the shape's dimension."""
        leading: list[Value] = []
        home = None
        entries = self.entries[call.name]
        if count > 0 and entries[0].category in binding.RECEIVERS:
            leading.append(self.evaluate(call.arguments[0]))
            if type(leading[0]) is ShapeValue and any(o.category != "extrusion" for o in entries):
                home = leading[0].dimension
        layout = binding.registered_layout(call.name, count, names, 3, home)
        if layout is None:
            raise binding.refuse_registered(call, 3, home)
        if layout.canonical is not None:
            self._rewrite(call, layout)
        leading += [self.evaluate(node) for node in call.arguments[len(leading) : layout.leading]]
        return self._registered(call, layout, leading)

    def _fill(self, call: syntax.Call, nodes: list[Any]) -> Value:
        raise Fault(
            "fill is for scene 2d", call.name_start, call.name_start + len(call.name), "paint", "write .paint(...)"
        )

    def _paint(self, call: syntax.Call, nodes: list[Any]) -> Value:
        shape = self.evaluate(nodes[0])
        solid = self.shape(nodes[0], shape, "paint")
        if solid.dimension != 3:
            raise self.mismatch(nodes[0], solid, "paint", "a solid", "make it one, for example by .extrude(0.1)")
        paint = self.evaluate(nodes[1])
        if type(paint) is ColourValue:
            paint = PaintValue(Paint(operations(3)["flat"], (), (paint.components,)))
        if type(paint) is not PaintValue:
            raise self.mismatch(nodes[1], paint, "paint", "a colour or a paint such as checker(#fff, #000)")
        numbers = [
            self._default(p) if node is None else self.scalar("paint", p, node, self.evaluate(node))
            for p, node in zip(binding.BUILTINS["paint"], nodes[2:])
        ]
        painted = Painted(solid.shape, Material(paint.paint, *numbers))
        return self.nested(call, painted, solid.size, solid.depth, solid.unroundable, 3)
