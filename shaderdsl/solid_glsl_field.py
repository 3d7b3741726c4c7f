"""The two functions of a scene in GLSL: `map`, its distance, and `surface`, the same solids with gradient, material and creases.

Both are written by one walk over the scene (`Field`), in which a frame says where a solid stands, as in `shaderdsl.solid_tape`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from shaderdsl import scene as ir, solid_helpers as helpers
from shaderdsl.expression import Expr
from shaderdsl.glsl_print import camel
from shaderdsl.glsl_writer import LOCALS, TOKEN, Block
from shaderdsl.registry import CELL_OF, Operation, Point3, bind, operations, scalar_names, unbind
from shaderdsl.solid_print import wrapped
from shaderdsl.tape import all_scalars

if TYPE_CHECKING:
    from shaderdsl.solid_glsl import SolidShader

LONG = 56
"""An expression longer than this becomes a variable before it is an argument."""

COPIES = 256
"""Numbers of creases that each copy of a repetition has for itself: as many as a scene has operations."""

NEARBY = "2.0e-05"
"""How far before a surface a curved outline is looked at: more than float32's errors, less than any picture shows."""

Material = ir.Material | None


@dataclass(frozen=True)
class Frame:
    """Where a solid stands: the text of the point in its coordinates, the Jacobian of that by the scene's point (a matrix's
    text, "" where it is the identity), the factor on distances, the inset of primitives, what is not painted otherwise, and what
    writes the index of the copy that is seen of the next repetition around ("vec3(0.0)" where there is none)."""

    point: str
    jacobian: str
    scale: Expr
    inset: Expr | None
    material: Material
    painted: str
    cell: Callable[[], str] | None = None

    @property
    def key(self) -> tuple[object, ...]:
        inset = None if self.inset is None else self.inset.index
        return (self.point, self.jacobian, self.scale.index, inset, self.painted)


def indented(lines: Sequence[str]) -> list[str]:
    return ["    " + part for line in lines for part in line.split("\n")]


class Field:
    """One of the two functions of a scene: a walk over its solids."""

    def __init__(self, shader: SolidShader, shading: bool) -> None:
        self.shader, self.shading = shader, shading
        self.graph = shader.graph
        self.kind = "Surface" if shading else "float"
        self.creases = shading and shader.antialias
        self.materials = shader.materials if shading else ()
        self.numbers = 0
        self.first = ""
        self.memo: list[dict[object, Any]] = [{}]
        self.block = Block(shader)
        self.block.taken |= self._reserved()

    def _reserved(self) -> set[str]:
        """Functions, which no variable beside them may be called as."""
        names = {"map", "surface", "solid", "section", "turned", "creased", "besided", "stepped", "shade", "march", "render", "prepare", "place", "bent", "across",
                 "linear", "flip"}  # fmt: skip
        return names | {helpers.combination_name(o) for o in operations(3).values()}

    def function(self) -> str:
        shader = self.shader
        one = self.graph.constant(1.0)
        frame = Frame("p", "", one, None, None, "")
        frame = replace(frame, painted=self.painted(None, frame))
        total = ""
        for number, surface in enumerate(shader.scene.surfaces):
            text = self.shape(surface.shape, frame)
            if not total:
                total = text
                continue
            union = operations(3)["union"]
            if number == 1:
                total = self.variable("scene", total)
            self.block.lines.append(f"{total} = {self.combined(union, [total, text], (), one, False)};")
        head = "float map(vec3 p)"
        note = "// The scene's distance."
        if self.shading:
            head = f"Surface surface(vec3 p{', int flip' if self.creases else ''})"
            note = "// What the scene is at a point near a surface"
            note += "; `flip` is a crease whose other side is asked for, or -1." if self.creases else "."
        lines = [part for line in indented([*self.block.lines, f"return {total};"]) for part in wrapped(line)]
        return "\n".join([note, head + " {", *lines, "}"])

    # -- scopes -------------------------------------------------------------------------------------------

    def variable(self, name: str, text: str, kind: str = "") -> str:
        name = camel(name)
        if name in LOCALS or re.match(r"(sdg?|ray|camera|pixel|turn|thickness)[A-Z\d]", name):
            name += "_part"  # helpers, globals and points are called so
        return self.block.variable(kind or self.kind, name, text)

    def known(self, key: object) -> Any:
        return next((scope[key] for scope in reversed(self.memo) if key in scope), None)

    def held(self, text: str, name: str = "q", kind: str = "vec3") -> str:
        """A value that is read more than once, as a variable."""
        if re.fullmatch(r"\w*", text):
            return text
        key = (kind, text)
        found = self.known(key)
        if found is None:
            found = self.memo[-1][key] = self.block.variable(kind, name, text)
        return str(found)

    def short(self, text: str, shape: ir.Solid) -> str:
        if len(TOKEN.sub("0.12", text)) <= LONG:
            return text
        while isinstance(shape, (ir.Placed, ir.Modified, ir.Painted)):
            shape = shape.child
        return self.variable(shape.operation.name.removeprefix("solid "), text)

    def number(self) -> str:
        """The next crease's number."""
        self.numbers += 1
        return f"{self.first}{self.numbers - 1}"

    # -- shapes -------------------------------------------------------------------------------------------

    def shape(self, shape: ir.Solid, frame: Frame) -> str:
        """The value of a solid as an expression; what is looked at twice, or has a name, is a variable."""
        key = (id(shape), frame.key)
        found = self.known(key)
        if found is not None:
            return str(found)
        text = self.plain(shape, frame)
        name = self.shader.scene.names.get(shape)
        if name is not None and not text.isidentifier():
            text = self.variable(name, text)
        if text.isidentifier():
            self.memo[-1][key] = text
        return text

    def plain(self, shape: ir.Solid, frame: Frame) -> str:
        if isinstance(shape, ir.Placed):
            return self.placed(shape, frame)
        if isinstance(shape, ir.Combination):
            return self.combination(shape, frame)
        if isinstance(shape, ir.Modified):
            return self.modified(shape, frame)
        if isinstance(shape, ir.Painted):
            if self.materials and (len(shape.material.paint.colours) > 1 or shape.material.bump is not None):
                frame = replace(frame, point=self.held(frame.point))
            painted = self.painted(shape.material, frame)
            return self.shape(shape.child, replace(frame, material=shape.material, painted=painted))
        return self.leaf(shape, frame)

    def painted(self, material: Material, frame: Frame) -> str:
        """The arguments that give a leaf its material, declared where it is first needed."""
        if not self.materials:
            return ""
        colours, finish = self.shader.material(material)
        bump = None if material is None else material.bump
        place: tuple[object, ...] = ()
        if material is not None and material.paint.operation.by_cell:
            frame = replace(frame, point="vec3(0.0)" if frame.cell is None else frame.cell(), jacobian="")
        if len(colours) > 1 or bump is not None:
            place = (frame.point, frame.scale.index)
        key = ("material", id(material), *place)
        found = self.known(key)
        if found is None:
            block = self.block
            linear = self.shader.fixed("linear")
            stops = [block.vector(c) for c in colours]
            light = f"{linear}({stops[0]})"
            if material is not None and len(stops) > 1:
                light = self._light(material.paint, frame, stops)
            colour = block.variable("vec3", "colour", light)
            text = block.vector(finish)
            found = f", {colour}, {block.variable('vec3', 'finish', text)}"
            if bump is not None:
                found += f", {block.variable('vec3', 'bump', self._bump(bump, frame))}"
            elif "bump" in self.materials:
                found += ", vec3(0.0)"
            self.memo[-1][key] = found
        return str(found)

    def _bump(self, bump: ir.Bump, frame: Frame) -> str:
        """How steeply a height rises, along the scene's axes."""
        slope = self._on_surface(helpers.bump, bump, frame)
        if frame.jacobian:
            slope = f"transpose({self.held(frame.jacobian, 'frame', 'mat3')}) * {slope}"
        return self.scaled(slope, frame.scale)

    def _on_surface(self, helper: Callable[..., helpers.Helper], value: ir.Paint | ir.Bump, frame: Frame) -> str:
        """The call of a paint's or bump's helper."""
        shader, block = self.shader, self.block
        operation = value.operation
        scalars = dict(zip(scalar_names(operation), all_scalars(operation, value.scalars, value.decided, self.graph)))
        decided = tuple((p.name, float(scalars[p.name].constant or 0.0)) for p in operation.parameters if not p.continuous)
        name = shader.helper(helper(operation, decided))
        texts = [frame.point]
        for parameter in operation.parameters:
            own = [scalars[s] for s in parameter.scalars]
            if parameter.continuous:
                texts += [block.vector(own)] if len(own) > 1 else block.numbers(own)
        held = self.held(frame.jacobian, "frame", "mat3") if operation.sided or operation.filtered else ""
        if operation.sided:
            texts.append(f"{shader.fixed('across')}({held}, slopeHere)" if held else "slopeHere")
        if operation.filtered:
            texts.append(f"{shader.fixed('footprint')}({held or 'mat3(1.0)'}, slopeHere)")
        return f"{name}({', '.join(texts)})"

    def _light(self, paint: ir.Paint, frame: Frame, stops: Sequence[str]) -> str:
        """The linear light of what a pixel shows of a paint."""
        linear, t = self.shader.fixed("linear"), self._on_surface(helpers.ramp, paint, frame)
        if not paint.operation.filtered:
            return f"{linear}({self.block.ramp(t, stops)})"
        shown = self.block.variable("vec3", "shown", t)
        near, far = (f"{linear}({self.block.ramp(f'{shown}.{axis}', stops)})" for axis in "xy")
        return f"mix({near}, {far}, {shown}.z)"

    def leaf(self, shape: ir.Primitive | ir.Outline, frame: Frame) -> str:
        operation = shape.operation
        if operation.dimension == 2:
            return self.flat(shape, frame)
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        if frame.inset is not None:
            assert operation.inset is not None, "the checker lets only shapes with an inset be rounded"
            arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
            changed = unbind(operation, {**arguments, **operation.inset(frame.inset, **arguments)})
            scalars = [self.graph.lift(s) for s in changed]
        return self.solid(operation, scalars, frame)

    def solid(self, operation: Operation, scalars: Sequence[Expr], frame: Frame) -> str:
        """A primitive of space."""
        shader, block = self.shader, self.block
        texts = shader.grouped(operation, scalars, block)
        if not self.shading:
            value = f"{shader.helper(helpers.shape_value(operation))}({', '.join([frame.point, *texts])})"
            return self.scaled(value, frame.scale)
        beside = helpers.shape_beside(operation) if self.creases else None
        point = self.held(frame.point) if beside else frame.point
        call = f"({', '.join([point, *texts])})"

        def outward(name: str) -> str:
            value = name + call
            if frame.jacobian:
                shader.fixed("turned")
                return f"turned({value}, {frame.jacobian}, {block.numbers([frame.scale])[0]})"
            return self.scaled(value, frame.scale)

        shader.fixed("solid")
        values = [outward(shader.helper(helpers.shape(operation)))]
        if shader.antialias:
            values.append(self.thickness(operation, scalars, frame, point, texts))
        text = f"solid({', '.join(values)}{frame.painted})"
        if beside:
            shader.fixed("besided")
            text = f"besided({text}, {outward(shader.helper(beside))}, {self.number()}, flip)"
        return text

    def thickness(self, operation: Operation, scalars: Sequence[Expr], frame: Frame, point: str, texts: Sequence[str]) -> str:
        p = Point3(*(self.graph.input("@" + axis) for axis in "xyz"))
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        thickness = self.graph.lift(operation.body(p, **arguments).thickness)
        reads = {self.graph.nodes[i][1] for i in self.graph.needed([thickness.index]) if self.graph.nodes[i][0] == "input"}
        if not reads & {"@x", "@y", "@z"}:
            return self.block.numbers([thickness * frame.scale])[0]
        name = self.shader.helper(helpers.shape_thickness(operation))
        return self.scaled(f"{name}({', '.join([point, *texts])})", frame.scale)

    def scaled(self, value: str, scale: Expr) -> str:
        if scale.constant == 1.0:
            return value
        text = self.block.numbers([scale])[0]
        return f"({text}) * {value}" if " " in text else f"{text} * {value}"

    def flat(self, shape: ir.Primitive | ir.Outline, frame: Frame) -> str:
        """A shape of the plane, in a space whose x and y are the plane's."""
        held = self.held(frame.point)
        point = held + ".xy"
        if isinstance(shape, ir.Outline) and self.shading and any(not v.on for v in shape.vertices):
            # On a curve rounding errors choose the side: it is looked at from just before.
            self.shader.fixed("stepped")
            ray = f"({frame.jacobian} * rayDirection)" if frame.jacobian else "rayDirection"
            near = self.block.variable("vec2", "near", f"({held} - {NEARBY} * {ray}).xy")
            text = f"stepped({self.shader.outline(shape, near, self.block)}, {point} - {near})"
        elif isinstance(shape, ir.Outline):
            text = self.shader.outline(shape, point, self.block)
        else:
            text = self.shader.primitive(shape, point, frame.inset, self.block)
        if not self.shading:
            return self.scaled(text + ".x", frame.scale)
        self.shader.fixed("section")
        return f"section({text}, {frame.jacobian or 'mat3(1.0)'}, {self.block.numbers([frame.scale])[0]}{frame.painted})"

    # -- booleans and modifiers ---------------------------------------------------------------------------

    def lengths(self, shape: ir.Combination | ir.Modified, scale: Expr) -> list[Expr]:
        """A boolean's or modifier's scalars: lengths grow with the scale, since they act on distances."""
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, getattr(shape, "decided", ()), self.graph)
        kinds = [p.kind for p in operation.parameters for _ in p.scalars]
        return [s * scale if kind == "length" else s for s, kind in zip(scalars, kinds)]

    def combination(self, shape: ir.Combination, frame: Frame) -> str:
        frame = replace(frame, point=self.held(frame.point), jacobian=self.held(frame.jacobian, "frame", "mat3"))
        scalars = self.lengths(shape, frame.scale)
        if shape.operation.category == "loft":
            flat = replace(frame, inset=None)
            operands = [self.short(self.shape(child, flat), child) for child in shape.children]
            operands.append(self.solid(operations(3)["height"], (), flat))
            return self.combined(shape.operation, operands, scalars, frame.scale, False)
        first, *rest = shape.children
        total = self.shape(first, frame)
        if len(rest) > 1:
            # A name of its own: what has one already must not change.
            total = self.variable(self.shader.scene.names.get(shape, shape.operation.function + " all"), total)
        else:
            total = self.short(total, first)
        for child in rest:
            text = self.shape(child, frame)
            keeps = shape.operation.carves and not ir.is_painted(child)
            if len(rest) == 1:
                return self.combined(shape.operation, [total, self.short(text, child)], scalars, frame.scale, keeps)
            self.block.lines.append(f"{total} = {self.combined(shape.operation, [total, text], scalars, frame.scale, keeps)};")
        return total

    def combined(
        self, operation: Operation, operands: Sequence[str], scalars: Sequence[Expr], scale: Expr, keeps: bool
    ) -> str:
        texts = [*operands, *self.shader.grouped(operation, scalars, self.block)]
        if not self.shading:
            if operation.selects == (1.0, 1.0):
                return f"min({', '.join(texts)})"
            return f"{self.shader.helper(helpers.combination_value(operation))}({', '.join(texts)})"
        helper = helpers.combination(operation, self.creases, self.materials, keeps)
        name = self.shader.helper(helper)
        if "int number, int flip)" in helper[1].split("{")[0]:
            texts += [self.number(), "flip"]
        return f"{name}({', '.join(texts)})"

    def modified(self, shape: ir.Modified, frame: Frame) -> str:
        inner = frame
        if shape.operation.name == "round":
            amount = shape.scalars[0] if frame.inset is None else shape.scalars[0] + frame.inset
            inner = replace(frame, inset=amount)
        child = self.short(self.shape(shape.child, inner), shape.child)
        return self.combined(shape.operation, [child], self.lengths(shape, frame.scale), frame.scale, False)

    # -- places -------------------------------------------------------------------------------------------

    def placed(self, shape: ir.Placed, frame: Frame) -> str:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        factor = self.graph.lift(operation.distance_scale(**arguments) if operation.distance_scale else 1.0)
        if factor.constant != 1.0:
            inset = None if frame.inset is None else frame.inset / factor
            frame = replace(frame, scale=frame.scale * factor, inset=inset)
        if operation.category in ("transform", "section"):
            return self.shape(shape.child, self.moved(operation, scalars, arguments, frame))
        if operation.category == "extrusion":
            inner = replace(self.folded(operation, scalars, "", frame), inset=None)
            section = self.short(self.shape(shape.child, inner), shape.child)
            if not operation.capped:
                return section
            ends = self.solid(operations(3)["height"], (), inner)
            return self.combined(operations(3)["capped"], [section, ends], (), frame.scale, False)
        if operation.copies == 1:
            return self.shape(shape.child, self.folded(operation, scalars, "", frame))
        return self.repeated(shape, scalars, frame)

    def moved(self, operation: Operation, scalars: Sequence[Expr], arguments: Any, frame: Frame) -> Frame:
        """The frame behind a transform."""
        block = self.block
        _, shift = helpers.affine(operation, arguments, self.graph)
        shifts = any(s.constant != 0.0 for s in shift)
        matrix = helpers.matrix(operation)
        if matrix is None:
            if not shifts:
                return frame
            return replace(frame, point=f"{frame.point} - {block.vector([-s for s in shift])}")
        name = self.shader.transform(operation, scalars, matrix)
        point = frame.point if frame.point.isidentifier() else f"({frame.point})"
        text = f"{name} * {point}" + (f" + {block.vector([*shift])}" if shifts else "")
        jacobian = f"{name} * {frame.jacobian}" if frame.jacobian else name
        return replace(frame, point=text, jacobian=self.held(jacobian, "frame", "mat3") if self.shading else "")

    def folded(self, operation: Operation, scalars: Sequence[Expr], copy: str, frame: Frame) -> Frame:
        """The frame in a fold's or an extrusion's space."""
        key = ("space", operation.body, tuple(e.index for e in scalars), copy, frame.point, frame.jacobian)
        found = self.known(key)
        if found is None:
            block = self.block
            name = self.shader.helper(helpers.space(operation, self.shading))
            texts = [frame.point, *self.shader.grouped(operation, scalars, block), *([copy] if copy else [])]
            jacobian = ""
            if self.shading:
                texts.append(frame.jacobian or "mat3(1.0)")
                jacobian = block.variable("mat3", "frame")
                texts.append(jacobian)
            found = self.memo[-1][key] = block.variable("vec3", "q", f"{name}({', '.join(texts)})"), jacobian
        cell = partial(self.cell, operation, scalars, copy, frame) if operation.cell else frame.cell
        return replace(frame, point=found[0], jacobian=found[1], cell=cell)

    def cell(self, operation: Operation, scalars: Sequence[Expr], copy: str, frame: Frame) -> str:
        """The index of the copy that a repetition shows, as a variable."""
        name = self.shader.helper(helpers.space(operations(3)[CELL_OF + operation.name], False))
        texts = [frame.point, *self.shader.grouped(operation, scalars, self.block), *([copy] if copy else [])]
        return self.held(f"{name}({', '.join(texts)})", "cell", "vec3")

    def repeated(self, shape: ir.Placed, scalars: Sequence[Expr], frame: Frame) -> str:
        """The union of the copies that may be the nearest, in a loop; each copy has numbers of creases for itself."""
        frame = replace(frame, point=self.held(frame.point))
        operation, outer, first = shape.operation, self.block, self.first
        empty = "1e15" if not self.shading else f"solid(vec4(1e15, 0.0, 0.0, 0.0){', 1e4' * self.shader.antialias}{frame.painted})"
        if self.shading:
            self.shader.fixed("solid")
        total = self.variable("copies", empty)
        copy = outer.local("copy")
        loop = outer.loop(f"for (int {copy} = 0; {copy} < {operation.copies}; {copy}++)")
        self.block = loop
        self.memo.append({})
        if self.creases:
            base = loop.variable("int", "base", f"{COPIES} * ({first or '0 + '}{copy})")
            self.first = f"{base} + "
        child = self.shape(shape.child, self.folded(operation, scalars, f"float({copy})", frame))
        loop.lines.append(f"{total} = {self.combined(operations(3)['union'], [total, child], (), frame.scale, False)};")
        self.memo.pop()
        self.block, self.first = outer, first
        outer.close(loop)
        return total
