"""The checker's run for programs in space: solids, materials, cameras, lights and the scene's settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shaderdsl import binding, syntax
from shaderdsl.checker import Check, root_name
from shaderdsl.errors import Fault
from shaderdsl.registry import (
    DISPLACED,
    Dimension,
    Parameter,
    bind,
    bump_name,
    number,
    of_category,
    operations,
    relief_name,
    scalar_names,
    triplanar_name,
)
from shaderdsl.rewriting import TIME
from shaderdsl.scene import (
    Bump,
    Combination,
    Lamp,
    Material,
    Paint,
    Painted,
    Primitive,
    Solid,
    SolidScene,
    Surface,
    Viewpoint,
)
from shaderdsl.tape import all_scalars
from shaderdsl.values import (
    CameraValue,
    ColourValue,
    LightValue,
    PaintValue,
    ShapeValue,
    TextureValue,
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
        own = {"fill": SolidCheck.fill, "paint": SolidCheck.paint, "displace": SolidCheck._displace, "triplanar": SolidCheck._triplanar}
        return {**table, **own}

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

    def fill(self, call: syntax.Call, nodes: list[Any]) -> Value:
        raise Fault(
            "fill is for scene 2d", call.name_start, call.name_start + len(call.name), "paint", "write .paint(...)"
        )

    def paint(self, call: syntax.Call, nodes: list[Any]) -> Value:
        shape = self.evaluate(nodes[0])
        solid = self.shape(nodes[0], shape, "paint")
        if solid.dimension != 3:
            raise self.mismatch(nodes[0], solid, "paint", "a solid", "make it one, for example by .extrude(0.1)")
        paint = self.evaluate(nodes[1])
        if type(paint) is ColourValue:
            paint = PaintValue(Paint(operations(3)["flat"], (), (paint.components,)))
        if type(paint) is not PaintValue:
            raise self.mismatch(nodes[1], paint, "paint", "a colour or a paint such as checker(#fff, #000)")
        metallic, roughness, emission, depth = (
            self._default(p) if node is None else self.scalar("paint", p, node, self.evaluate(node))
            for p, node in zip(binding.BUILTINS["paint"], nodes[2:]) if p.kind != "texture"
        )
        *_, bumpy, deep = nodes
        bump: Bump | None = None
        if bumpy is not None:
            texture = self._texture(bumpy, "'bump' of paint")
            if texture.operation.by_cell or paint.paint.operation.by_cell:
                raise Fault(
                    "a bump differs from place to place, and a colour by copies does not", bumpy.start, bumpy.end, "",
                    "leave the bump out, or take another paint",
                )  # fmt: skip
            bump = Bump(operations(3)[bump_name(texture.operation)], (*texture.scalars, depth), texture.decided)
        elif deep is not None:
            raise Fault("there is no bump that could have a depth", deep.start, deep.end, "bump = fbm(), depth = 0.02")
        painted = Painted(solid.shape, Material(paint.paint, metallic, roughness, emission, bump))
        return self.nested(call, painted, solid.size, solid.depth, solid.unroundable, 3)

    def _texture(self, node: Any, what: str) -> Paint:
        value = self.evaluate(node)
        if type(value) is not TextureValue:
            raise self.mismatch(node, value, what, "a texture such as fbm()", "leave its colours out" if type(value) is PaintValue else "")
        return value.paint

    def _displace(self, call: syntax.Call, nodes: list[Any]) -> Value:
        solid = self.shape(nodes[0], self.evaluate(nodes[0]), "displace")
        if solid.dimension != 3:
            raise self.mismatch(nodes[0], solid, "displace", "a solid", "make it one, for example by .extrude(0.1)")
        texture = self._texture(nodes[1], "displace")
        operation = texture.operation
        arguments = dict(zip(scalar_names(operation), all_scalars(operation, texture.scalars, texture.decided, self.graph)))
        slope = operation.slope(**bind(operation, arguments)) if operation.slope is not None else None
        if slope is None:
            smooth = [o.function for o in of_category("paint", dimension=3) if o.slope is not None]
            raise Fault(
                "a surface can not be displaced by what jumps" if not operation.sided else
                "a surface can not be displaced by a texture that depends on the surface's normal",
                nodes[1].start, nodes[1].end, "one of " + ", ".join(smooth), "turn the normal instead: .paint(#ccc, bump = ...)",
            )  # fmt: skip
        relief = Primitive(operations(3)[relief_name(operation)], texture.scalars, texture.decided)
        parameter = binding.BUILTINS["displace"][0]
        amount = self.scalar("displace", parameter, nodes[2], self.evaluate(nodes[2]))
        numbers = (amount, self.graph.lift(slope), self.graph.constant(1.0))
        displaced = Combination(operations(3)[DISPLACED], (solid.shape, relief), numbers)
        return self.nested(call, displaced, solid.size + 1, solid.depth, "round the solid before .displace(...)", 3)

    def _triplanar(self, call: syntax.Call, nodes: list[Any]) -> Value:
        value = self.evaluate(nodes[0])
        if type(value) not in (PaintValue, TextureValue):
            raise self.mismatch(nodes[0], value, "triplanar", "a texture or paint such as brick()")
        paint: Paint = value.paint  # type: ignore[union-attr]
        operation = operations(3).get(triplanar_name(paint.operation))
        if operation is None:
            raise Fault(
                f"{paint.operation.function or 'this'} has no picture in the plane that could be laid on", nodes[0].start, nodes[0].end,
                "a texture or paint such as brick()",
            )  # fmt: skip
        parameter, node = binding.BUILTINS["triplanar"][0], nodes[1]
        sharpness = self._default(parameter) if node is None else self.scalar("triplanar", parameter, node, self.evaluate(node))
        return value._replace(paint=replace(paint, operation=operation, scalars=(*paint.scalars, sharpness)))  # type: ignore[union-attr, call-arg]
