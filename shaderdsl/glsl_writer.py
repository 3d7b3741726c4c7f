"""What every shader of ours is made with, in the plane and in space: scopes of statements, parameters as tokens, the head.

Parameters are written as tokens (`P_12_`), and so are the first point and the number of elements of an outline (`F_0_`,
`N_0_`): texts that are alike but for tokens differ in numbers alone, and may become a loop over a table. At the end tokens
give way to numbers or names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from shaderdsl import glsl_helpers as helpers, scene as ir
from shaderdsl.emit import GLSL
from shaderdsl.expression import Expr, maximum
from shaderdsl.glsl_print import RESERVED, GlslPrinter, Trace, unique
from shaderdsl.glsl_tables import Points, parameter_access, parameter_names
from shaderdsl.registry import Point, bind, continuous_names, scalar_names, unbind
from shaderdsl.rewriting import TIME
from shaderdsl.tape import all_scalars

Target = Literal["330", "es300", "shadertoy"]

TOKEN = re.compile(r"\b([PFN])_(\d+)_")

LOCALS = ("p", "q", "d", "pixel", "paint", "color", "copy", "layer", "row", "outline", "frame", "t",
          "kind", "number", "layers", "part")  # fmt: skip
"""Locals of layers and of main: no helper and no parameter may be called so."""


class NamedParameter(Protocol):
    @property
    def name(self) -> str: ...


class DrawnProgram(Protocol):
    """What `to_glsl` reads of a program."""

    @property
    def scene(self) -> Any: ...
    @property
    def params(self) -> npt.NDArray[np.float64]: ...
    @property
    def parameters(self) -> Sequence[NamedParameter]: ...
    @property
    def text(self) -> str: ...
    @property
    def structure(self) -> Any: ...
    @property
    def time(self) -> float | None: ...


class Block:
    """Statements of one scope."""

    def __init__(self, writer: Writer, parent: Block | None = None) -> None:
        self.writer = writer
        self.lines: list[str] = []
        self.taken: set[str] = parent.taken if parent else {*RESERVED, *LOCALS}
        self.printer = GlslPrinter(writer.trace, writer.tokens, taken=self.taken)
        self.printer.statements = self.lines
        if parent:
            self.printer.text.update(parent.printer.text)

    def numbers(self, expressions: Sequence[Expr]) -> list[str]:
        return self.printer.run(expressions)

    def vector(self, expressions: Sequence[Expr]) -> str:
        return f"vec{len(expressions)}({', '.join(self.numbers(expressions))})"

    def variable(self, kind: str, name: str, value: str = "") -> str:
        name = unique(name, self.taken) if name in self.taken and name not in LOCALS else self.local(name)
        self.lines.append(f"{kind} {name} = {value};" if value else f"{kind} {name};")
        return name

    def local(self, name: str) -> str:
        """One of the usual names, numbered from its second use on."""
        marker = "used " + name
        if marker not in self.taken:
            self.taken |= {marker, name}
            return name
        return unique(name, self.taken)

    def ramp(self, place: str, colours: Sequence[str]) -> str:
        """The colour at a place, from 0 to 1, on a ramp of two or more colours."""
        if len(colours) == 2:
            return f"mix({colours[0]}, {colours[1]}, clamp({place}, 0.0, 1.0))"
        t = self.variable("float", "t", f"{float(len(colours) - 1)} * {place}")
        result = self.variable("vec3", "paint", colours[0])
        for number, colour in enumerate(colours[1:]):
            here = t if number == 0 else f"{t} - {float(number)}"
            self.lines.append(f"{result} = mix({result}, {colour}, clamp({here}, 0.0, 1.0));")
        return result

    def loop(self, head: str) -> Block:
        self.lines.append(head + " {")
        return Block(self.writer, self)

    def close(self, inner: Block) -> None:
        self.lines += ["    " + line for line in inner.lines] + ["}"]


class Writer:
    """What the text of a shader is collected in: helpers and tables by their first use, and the names of parameters."""

    def __init__(self, program: DrawnProgram, target: Target, live: bool) -> None:
        self.program, self.target, self.live = program, target, live
        self.scene, self.graph = program.scene, program.scene.graph
        self.values = [float(v) for v in np.asarray(program.params, np.float64)]
        self.uniforms = live and target != "shadertoy"
        self.time: int | None = program.structure.checked.time
        self.tokens: dict[object, str] = {i: f"P_{i}_" for i in range(len(self.values))}
        if self.time is not None:
            # It goes on where all other numbers are constants, and stands in no table.
            self.tokens[self.time] = "iTime" if target == "shadertoy" else "time"
        self.trace = Trace(self.graph, [])
        self.points = Points(self.graph, self.values, self.uniforms, self.time)
        self.outlines = helpers.Outlines(self.points.access)
        self.used: dict[str, str] = {}
        self.tables: list[str] = []
        self.reads_parameters = False

    def use(self, name: str, text: str = "", dependencies: Iterable[str] = ()) -> str:
        """Keeps a helper function, behind those that it calls; returns its name."""
        key = text.split("{")[0] or name
        if not text:
            text, dependencies = self.outlines.texts[name] if name in self.outlines.texts else helpers.fixed(name)
            key = name
        if key not in self.used:
            for dependency in dependencies:
                self.use(dependency)
            self.used[key] = text
        return name

    # -- shapes of the plane ------------------------------------------------------------------------------

    def primitive(self, shape: ir.Primitive, point: str, inset: Expr | None, block: Block) -> str:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        if inset is not None and operation.inset is not None:
            arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
            changed = unbind(operation, {**arguments, **operation.inset(inset, **arguments)})
            # A corner that has no radius has none inside either: max(0 - inset, 0) is 0.
            gone = maximum(self.graph.constant(0.0) - inset, 0.0).index
            scalars = [self.graph.constant(0.0) if e.index == gone else e for e in map(self.graph.lift, changed)]
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        defaults = [(p, helpers.default_scalars(p)) for p in operation.parameters]
        short = any(d is not None for _, d in defaults) and all(
            d is None or d == tuple(e.constant for e in components(arguments[p.name])) for p, d in defaults
        )
        texts = [point]
        for parameter, default in defaults:
            if short and default is not None:
                continue
            own = components(arguments[parameter.name])
            texts += [block.vector(own)] if len(own) == 2 else block.numbers(own)
        return f"{self.use(*helpers.shape(operation, short))}({', '.join(texts)})"

    def outline(self, shape: ir.Outline, point: str, block: Block) -> str:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        values = dict(zip(scalar_names(operation), scalars))
        decided = tuple(
            (p.name, float(values[p.name].constant or 0.0)) for p in operation.parameters if not p.continuous
        )
        number, curved, closed = self.points.span(shape)
        name = self.use(self.outlines.helper(operation, decided, curved))
        texts = [
            point,
            f"F_{number}_",
            f"N_{number}_",
            *block.numbers([values[n] for n in continuous_names(operation)]),
        ]
        if self.outlines.opens(name):
            texts.append("0.0" if closed else "1.0")
        return f"{name}({', '.join(texts)})"

    # -- the text -----------------------------------------------------------------------------------------

    def head(self, code: str, reads: bool) -> str:
        """Version, comment, declarations and the names of the parameters."""
        lines = {"330": ["#version 330"], "es300": ["#version 300 es", "precision highp float;", "precision highp int;"],
                 "shadertoy": []}[self.target]  # fmt: skip
        lines += ["// Written by EarthShader from the program below: the same picture at any resolution.", "//"]
        lines += ["//   " + line for line in _commentable(self.program.text)]
        lines.append("")
        self.names: dict[int, str] = {}
        timed = False
        if self.target != "shadertoy":
            lines += ["uniform vec2 resolution;  // the picture's size in pixels"]
            timed = re.search(r"\btime\b", re.sub("//.*", "", code)) is not None
            if timed and not self.live:
                lines += ["uniform float time;  // the moment that is shown, in seconds"]
        if self.live:
            wanted = {int(m[2]) for m in TOKEN.finditer(code) if m[1] == "P"} | ({self.time} if timed and self.time is not None else set())
            taken = {*RESERVED, *"xyzwrgbastpq", *re.findall(r"[A-Za-z_]\w*", re.sub("//.*", "", code))}
            self.names = parameter_names([p.name for p in self.program.parameters], taken)
            if self.time is not None:
                self.names[self.time] = TIME
            vectors = (len(self.values) + 3) // 4
            if self.uniforms and (wanted or reads):
                declaration, access, function = parameter_access(vectors, self.target == "es300")
                lines += [declaration]
                texts = {i: access(i) for i in wanted}
                tail = [function] if reads else []
            else:
                texts = {i: GLSL.number(self.values[i]) for i in wanted}
                tail = []
            if self.target != "shadertoy":
                lines += ["out vec4 color;  // premultiplied by its alpha"]
            lines += [""] * (self.target != "shadertoy") + [
                f"#define {self.names[i]} {texts[i]}" for i in sorted(wanted)
            ]
            lines += ["", *tail, ""] if tail else [""] if wanted else []
        elif self.target != "shadertoy":
            lines += ["out vec4 color;  // premultiplied by its alpha", ""]
        return "\n".join(lines) + "\n"

    def filled(self, code: str) -> str:
        """The code with numbers or names in the place of tokens."""

        def text(match: re.Match[str]) -> str:
            number = int(match[2])
            if match[1] in "FN":
                return str(self.points.spans[number]["FN".index(match[1])])
            if self.live:
                return self.names[number]
            value = GLSL.number(self.values[number])
            before = code[: match.start()][-2:].strip()[-1:]
            return f"({value})" if value.startswith("-") and before in tuple("+-*/") else value

        return re.sub(r"vec3\(([\d.]+), \1, \1\)", r"vec3(\1)", TOKEN.sub(text, code))


def components(value: Expr | Point) -> list[Expr]:
    return [value.x, value.y] if isinstance(value, Point) else [value]


def _commentable(text: str) -> list[str]:
    """The lines of a text for `//` comments: a backslash at the end would swallow the next line of code."""
    lines = [
        "".join(c if " " <= c <= "~" else "?" for c in line.expandtabs(4)) for line in text.rstrip("\n").split("\n")
    ]
    return [line + " " if line.endswith("\\") else line for line in lines]
