"""GLSL of a program in space: a scene's solids as two functions, and the shader around them.

`float map(vec3 p)` is the scene's distance, for marching; `Surface surface(vec3 p, int flip)` evaluates the same solids with
gradient, material and creases, where something is seen (`shaderdsl.solid_glsl_field`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from shaderdsl import scene as ir, solid_frame as fixed, solid_helpers as helpers
from shaderdsl.expression import Expr
from shaderdsl.glsl_writer import Block, DrawnProgram, Target, Writer
from shaderdsl.registry import Operation, scalar_names
from shaderdsl.solid_glsl_field import Field, Material, indented
from shaderdsl.solid_tape import UNPAINTED, lower
from shaderdsl.tape import all_scalars


def to_glsl(program: DrawnProgram, target: Target, live: bool, antialias: bool) -> str:
    """See `shaderdsl.glsl.to_glsl`."""
    return SolidShader(program, target, live, antialias).text()


def cost(source: str) -> int:
    """What a driver has to compile of a shader: the characters of `main`, with every call replaced by what it calls."""
    lengths: dict[str, int] = {}
    for kind, text in re.findall(r"^\w+ (\w+)\((.*?^\})", re.sub("//.*", "", source), re.MULTILINE | re.DOTALL):
        called = sum(lengths.get(word, 0) for word in re.findall(r"\w+(?=\()", text))
        lengths[kind] = lengths.get(kind, 0) + len(text) + called
    return lengths["main"]


class SolidShader(Writer):
    def __init__(self, program: DrawnProgram, target: Target, live: bool, antialias: bool) -> None:
        super().__init__(program, target, live)
        self.scene: ir.SolidScene
        self.antialias = antialias
        self.tape = lower(self.scene, len(self.values))
        self.preparation = Block(self)
        self.frames: dict[object, str] = {}
        self.declared: list[str] = []
        self.materials = self._materials()
        # What a pixel spans of a texture depends on how aslant the surface is seen, which is known when it was looked at once.
        self.aslant = bool(self.materials) and any(operation.filtered or operation.sided for operation in self._paints())

    def _paints(self) -> set[Operation]:
        """The paints of the scene's solids, and their bumps."""
        found: set[Operation] = set()
        stack: list[ir.Solid] = [s.shape for s in self.scene.surfaces]
        seen: set[int] = set()
        while stack:
            shape = stack.pop()
            if id(shape) in seen:
                continue
            seen.add(id(shape))
            if isinstance(shape, ir.Painted):
                bump = shape.material.bump
                found |= {shape.material.paint.operation} | (set() if bump is None else {bump.operation})
                stack.append(shape.child)
            elif isinstance(shape, ir.Combination):
                stack += shape.children
            elif isinstance(shape, (ir.Modified, ir.Placed)):
                stack.append(shape.child)
        return found

    def _materials(self) -> fixed.Materials:
        """What of a material the scene's surfaces have each for themselves: nothing where all have one of one colour."""
        found: dict[int, Material] = {}
        stack: list[tuple[ir.Solid, Material]] = [(s.shape, None) for s in self.scene.surfaces]
        seen: set[tuple[int, int]] = set()
        while stack:
            shape, material = stack.pop()
            if (id(shape), id(material)) in seen:
                continue
            seen.add((id(shape), id(material)))
            if isinstance(shape, ir.Painted):
                stack.append((shape.child, shape.material))
            elif isinstance(shape, ir.Combination):
                stack += [(child, material) for child in shape.children]
            elif isinstance(shape, (ir.Modified, ir.Placed)):
                stack.append((shape.child, material))
            else:
                found[id(material)] = material
        self.only: Material = next(iter(found.values()), None)
        bumpy = any(material is not None and material.bump is not None for material in found.values())
        differ = bumpy or len(found) > 1 or (self.only is not None and len(self.only.paint.colours) > 1)
        return tuple(fixed.MEMBERS)[: 3 if bumpy else 2] if differ else ()

    # -- helpers ------------------------------------------------------------------------------------------

    def helper(self, helper: helpers.Helper) -> str:
        """Keeps a helper behind those that it calls; returns its name."""
        name, text, called = helper
        for other in called:
            self.fixed(other)
        return self.use(name, text)

    def fixed(self, name: str) -> str:
        """Keeps a helper that no operation owns."""
        if name in ("creaseOffset", "creaseShare", "secondShare", "smoothOutline", "kinkedOutline"):
            return self.helper(helpers.sight(name))
        if name == "linear":
            return self.helper(helpers.linear())
        if name in helpers.pieces():
            return self.helper(helpers.piece(name))
        if name == "bent":
            return self.helper(helpers.bent())
        if name in ("footprint", "across"):
            return self.helper((name, helpers.FOOTPRINT if name == "footprint" else fixed.ACROSS, ()))
        texts: dict[str, Callable[[], tuple[str, tuple[str, ...]]]] = {
            "solid": lambda: (fixed.initial(self.antialias, self.materials), ()),
            "section": lambda: (fixed.section(self.antialias, self.materials)[0], ("solid",)),
            "turned": lambda: (fixed.TURNED, ()),
            "stepped": lambda: (fixed.STEPPED, ()),
            "creased": lambda: (fixed.CREASED, ("creaseOffset",)),
            "besided": lambda: (fixed.BESIDED, ("creased",)),
        }
        if name in texts:
            text, called = texts[name]()
            return self.helper((name, text, called))
        return self.use(name)

    # -- the text -----------------------------------------------------------------------------------------

    def text(self) -> str:
        body = self._body() if self.scene.surfaces else []
        main = self._main(bool(body))
        prepare = [*self._camera(), *self.preparation.lines] if body else []
        self.points.derived_statements(prepared := Block(self))
        prepare += prepared.lines
        parts = [fixed.constants(self.tape.lipschitz, self.antialias)] if body else []
        if body:
            note = [fixed.structure(self.antialias, self.materials), fixed.GLOBALS]
            note[1] += "\n" + fixed.PIXEL if self.antialias else ""
            note[1] += "\nfloat pixelHere;" if self.aslant and not self.antialias else ""
            note[1] += "\nvec3 slopeHere;  // the distance's gradient there" if self.aslant else ""
            note[1] += "".join("\n" + line for line in self.declared)
            parts += note
        parts += [*self.points.tables(), *self.tables, *self.used.values()]
        if body:
            parts.append("\n".join(["// What does not depend on the pixel.", "void prepare() {", *indented(prepare), "}"]))
        code = "\n\n".join([*parts, *body, main])
        return self.head(code, self.reads_parameters or self.points.reads_parameters) + self.filled(code) + "\n"

    def _body(self) -> list[str]:
        distance = Field(self, shading=False).function()
        surface = Field(self, shading=True).function()
        shade = self._shade()
        if "bump" in self.materials:
            self.fixed("bent")
        kinds = {kind for lamp in self.scene.lights if (kind := self._cast(lamp)) is not None}
        casts = [text for kind, text in (("shadow", fixed.SHADOW), ("occlusion", fixed.OCCLUSION)) if kind in kinds]
        if not self.antialias:
            hard = fixed.hard_render(self.materials, *self._only(), bool(casts), self.aslant)
            return [distance, *casts, surface, shade, fixed.ONWARD, fixed.HARD_MARCH, hard]
        for name in ("creaseShare", "smoothOutline", "kinkedOutline"):
            self.fixed(name)
        return [distance, *casts, surface, shade, fixed.ONWARD, fixed.MARCH, fixed.render(self.materials, *self._only(), bool(casts), self.aslant)]

    def _only(self) -> tuple[str, str]:
        """The colour and finish of all surfaces, where they have but one."""
        if self.materials:
            return "", ""
        self.fixed("linear")
        colours, finish = self.material(self.only)
        block = Block(self)
        texts = f"linear({block.vector(colours[0])})", block.vector(finish)
        if not block.lines:
            return texts
        # What needs statements is computed once.
        names = "colourOfAll", "finishOfAll"
        values = f"linear({self.preparation.vector(colours[0])})", self.preparation.vector(finish)
        self.preparation.lines += [f"{name} = {value};" for name, value in zip(names, values)]
        self.declared.append(f"vec3 {', '.join(names)};")
        return names

    def material(self, material: Material) -> tuple[Sequence[Sequence[Expr]], list[Expr]]:
        """The stops of a material's colour, and metallic, roughness, emission."""
        if material is None:
            colour, numbers = UNPAINTED
            return [list(map(self.graph.constant, colour))], list(map(self.graph.constant, numbers))
        return material.paint.colours, [material.metallic, material.roughness, material.emission]

    def _camera(self) -> list[str]:
        camera = self.scene.camera
        name = self.helper(helpers.camera(camera.operation))
        self.helper(helpers.ray(helpers.is_parallel(camera.operation)))
        return [f"{name}({', '.join(self.arguments(camera, self.preparation))});"]

    def arguments(self, value: ir.Viewpoint | ir.Lamp | ir.Paint, block: Block, given: Sequence[Expr] | None = None) -> list[str]:
        """The arguments of a helper, one for each parameter."""
        scalars = given or all_scalars(value.operation, value.scalars, getattr(value, "decided", ()), self.graph)
        return self.grouped(value.operation, scalars, block)

    def grouped(self, operation: Operation, scalars: Sequence[Expr], block: Block) -> list[str]:
        values = dict(zip(scalar_names(operation), scalars))
        texts = []
        for parameter in operation.parameters:
            own = [values[name] for name in parameter.scalars]
            texts += [block.vector(own)] if len(own) > 1 else block.numbers(own)
        return texts

    def _background(self, block: Block) -> str:
        if self.scene.background is None:
            return "vec3(0.0)"
        self.fixed("linear")
        return f"linear({block.vector(self.scene.background)})"

    def _cast(self, lamp: ir.Lamp) -> str | None:
        """What a light does beside shining: "shadow", "occlusion" or nothing, where the number that says how much is 0."""
        scalars = dict(zip(scalar_names(lamp.operation), all_scalars(lamp.operation, lamp.scalars, lamp.decided, self.graph)))
        return next((kind for kind in ("shadow", "occlusion") if kind in scalars and scalars[kind].constant != 0.0), None)

    def _visible(self, lamp: ir.Lamp, kind: str, texts: Sequence[str]) -> str:
        """How much of a light arrives at the point q."""
        amount = texts[[p.name for p in lamp.operation.parameters].index(kind)]
        if kind == "occlusion":
            return f"occlusion(q, {amount}, side)"
        return f"shadow(q, {self.helper(helpers.towards(lamp.operation))}({', '.join(['q', *texts])}), {amount}, side)"

    def _shade(self) -> str:
        block = Block(self)
        lines = ["vec3 p = rayOrigin + t * rayDirection;", "vec3 light = colour * finish.z;"]
        casts = [self._cast(lamp) for lamp in self.scene.lights]
        if any(casts):
            lines.insert(1, "vec3 q = rayOrigin + shadows_at * rayDirection;\nfloat side = pixelSize + pixelGrowth * shadows_at;")
        for lamp, kind in zip(self.scene.lights, casts):
            name = self.helper(helpers.light(lamp.operation, kind is not None))
            texts = self.arguments(lamp, block)
            visible = [] if kind is None else [self._visible(lamp, kind, texts)]
            lines.append(f"light += {name}({', '.join(['p', 'gradient', 'colour', 'finish', *visible, *texts])});")
        if self.scene.fog is None:
            lines.append("return light;")
        else:
            haze = self._background(block)
            fog = block.numbers([self.scene.fog])[0]
            lines.append(f"return mix({haze}, light, exp(-({fog}) * t));")
        return "\n".join([
            "// The linear light that a surface at a distance t along the ray sends to the eye.",
            f"vec3 shade(float t, vec3 gradient, vec3 colour, vec3 finish{', float shadows_at' if any(casts) else ''}) {{",
            *indented([*block.lines, *lines]), "}",
        ])  # fmt: skip

    def _main(self, drawn: bool) -> str:
        for helper in helpers.tone(self.scene.tone):
            self.helper(helper)
        block = Block(self)
        toy = self.target == "shadertoy"
        head = "void mainImage(out vec4 fragColor, in vec2 fragCoord)" if toy else "void main()"
        place, size = ("fragCoord", "iResolution") if toy else ("gl_FragCoord.xy", "resolution")
        exposure = block.numbers([self.scene.exposure])[0]
        light = "total.rgb / max(total.a, 1e-6)" if self.scene.background is None else "total.rgb"
        if self.scene.exposure.constant != 1.0:
            light = f"{light} * ({exposure})"
        if drawn:
            body = [
                f"vec2 p = (2.0 * {place} - {size}.xy) / min({size}.x, {size}.y);",
                "prepare();",
                f"startRay(p, 2.0 / min({size}.x, {size}.y));",
                "vec4 total = render();",
            ]
        else:
            body = ["vec4 total = vec4(0.0);"]
        if self.scene.background is not None:
            body.append(f"total += (1.0 - total.a) * vec4({self._background(block)}, 1.0);")
        shown = f"vec4(screen({light})" + (" * total.a, total.a)" if self.scene.background is None else ", 1.0)")
        if not toy:
            body.append(f"color = {shown};")
        else:
            body.append(f"fragColor = {shown};")
            if self.scene.background is None:
                body.append("// The program has no background: Shadertoy shows it over white.")
                body.append("fragColor = vec4(fragColor.rgb + 1.0 - fragColor.a, 1.0);")
        return "\n".join([head + " {", *indented([*block.lines, *body]), "}"])

    def transform(self, operation: Operation, scalars: Sequence[Expr], helper: helpers.Helper) -> str:
        """The name of a transform's matrix, which is computed once."""
        key = (operation.body, tuple(e.index for e in scalars))
        if key not in self.frames:
            name = self.frames[key] = f"turn{len(self.frames) + 1}"
            text = f"{self.helper(helper)}({', '.join(self.grouped(operation, scalars, self.preparation))})"
            self.preparation.lines.append(f"{name} = {text};")
            self.declared.append(f"mat3 {name};")
        return self.frames[key]
