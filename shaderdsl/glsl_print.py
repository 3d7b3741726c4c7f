"""Traced arithmetic as GLSL that people read: names from the bodies, conditions as conditions, `length(p)`, `clamp`.

The operators' templates are those of `shaderdsl.emit`; this module only recognises the shapes that tracing leaves behind
(a comparison that is a number, a choice that is a product) and gives intermediate values the names that they have in
the body they come from.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, TypeVar

from shaderdsl import coverage as coverage_profile, registry, shading
from shaderdsl.emit import GLSL, Printer
from shaderdsl.expression import Expr, Fold, Graph
from shaderdsl.registry import Point, Point3

Result = TypeVar("Result")

PIECES: tuple[Callable[..., Expr], ...] = (
    coverage_profile.half_plane_area, coverage_profile.gaussian_area, shading.linear,
)  # fmt: skip
"""Functions that stay functions in GLSL: what they compute is printed as a call. So are those of `registry.PIECES`."""

WIDTH = 96
"""Lines are broken where they would become longer."""

RESERVED = frozenset(
    """
    active asm atomic_uint attribute bool break buffer bvec2 bvec3 bvec4 case cast centroid class coherent common const
    continue default discard do double else enum extern external false filter fixed flat float for goto half highp
    if iimage1D iimage2D image1D image2D in inline inout input int interface invariant isampler2D ivec2 ivec3 ivec4
    layout long lowp mat2 mat3 mat4 mediump namespace noinline noperspective out output packed partition patch
    precise precision public readonly resource restrict return sample sampler sampler1D sampler2D sampler3D
    samplerCube shared short sizeof smooth static struct subroutine superp switch template texture this true typedef
    uint uniform union unsigned using varying vec2 vec3 vec4 void volatile while writeonly hvec2 dvec2 fvec2
    abs acos acosh all any asin asinh atan atanh ceil clamp cos cosh cross dFdx dFdy degrees determinant distance dot
    equal exp exp2 faceforward floor floatBitsToInt fma fract ftransform fwidth greaterThan intBitsToFloat inverse
    inversesqrt isinf isnan length lessThan log log2 matrixCompMult max min mix mod modf noise1 normalize not notEqual
    outerProduct pow radians reflect refract round roundEven sign sin sinh sqrt step smoothstep tan tanh texelFetch
    textureSize transpose trunc
    main mainImage color resolution params params_texture time iResolution iTime iMouse fragColor fragCoord defined
    """.split()
)
"""Words that no name of ours may be: GLSL's own in any of the targets, and what a shader talks to the world with."""


def safe(name: str) -> str:
    """A body's parameter as an identifier of GLSL: `smooth` and `round` mean something else there."""
    return name + "_amount" if name in RESERVED else name


def unique(name: str, taken: set[str]) -> str:
    """`name`, or with a number behind it, so that it is not in `taken`, where it is added."""
    name = safe(name)
    result, number = name, 2
    while result in taken:
        result, number = f"{name}{number}", number + 1
    taken.add(result)
    return result


def camel(words: str) -> str:
    """`smooth union` as `smoothUnion`."""
    first, *rest = re.split(r"[ _]+", words)
    return first + "".join(word.capitalize() for word in rest)


@dataclass
class Trace:
    """What tracing saw: a graph, expressions that are wanted of it, what bodies call their values, and calls.

    A call is the function's name, how many of its first arguments are a point, and its arguments. `inner` are the traces
    of the loops' bodies.
    """

    graph: Graph
    outputs: list[Expr]
    names: dict[int, str] = field(default_factory=dict)
    calls: dict[int, tuple[str, int, list[int]]] = field(default_factory=dict)
    inner: dict[Graph, Trace] = field(default_factory=dict)

    def with_constants(self, constants: Mapping[str, float]) -> Trace:
        """The same with some inputs constant, folded."""
        graph = Graph()
        moved: dict[int, Expr] = {}
        wanted = [e.index for e in self.outputs]
        called = list(self.calls)
        for index in self.graph.needed(wanted + [a for i in called for a in (i, *self.calls[i][2])]):
            operator, *arguments = self.graph.nodes[index]
            if operator == "const":
                moved[index] = graph.constant(arguments[0])
            elif operator == "input":
                value = constants.get(arguments[0])
                moved[index] = graph.input(arguments[0]) if value is None else graph.constant(value)
            else:
                moved[index] = graph.apply(operator, *(moved[a] for a in arguments))
        result = Trace(graph, [moved[i] for i in wanted], inner=self.inner)
        for index, name in self.names.items():
            if index in moved:
                result.names.setdefault(moved[index].index, name)
        result.calls = {
            moved[i].index: (name, width, [moved[a].index for a in arguments])
            for i, (name, width, arguments) in self.calls.items()
        }
        return result

    def inputs(self) -> set[object]:
        """The names of the inputs that the outputs read."""
        nodes = (self.graph.nodes[i] for i in self.graph.needed(e.index for e in self.outputs))
        return {node[1] for node in nodes if node[0] == "input"}


def traced(build: Callable[[], Result], read: Callable[[Result], tuple[Graph, Sequence[Expr]]]) -> tuple[Result, Trace]:
    """Runs `build`, which traces bodies, and notes what their local variables are called; `read` picks the graph and
    the outputs from its result."""
    values: list[tuple[str, Expr]] = []
    calls: list[tuple[str, int, list[Expr], Expr]] = []
    pending: dict[int, list[Expr]] = {}
    codes = {piece.__code__: camel(piece.__name__) for piece in (*PIECES, *registry.PIECES)}
    skipped = {"shaderdsl.expression", "shaderdsl.registry", "shaderdsl.dual", __name__}

    def watch(frame: FrameType, event: str, result: Any) -> None:
        if event == "call" and frame.f_code in codes:
            # The z of a point of the plane is a constant, and no argument.
            known = frame.f_locals.items()
            pending[id(frame)] = [v for k, v in known if isinstance(v, Expr) and (k != "z" or v.constant is None)]
        if event != "return" or frame.f_globals.get("__name__") in skipped:
            return
        if frame.f_code in codes and isinstance(result, Expr):
            given = pending.pop(id(frame), [])
            width = point_width(frame.f_code.co_varnames, len(given) < frame.f_code.co_argcount)
            calls.append((codes[frame.f_code], width, given, result))
        for name, value in frame.f_locals.items():
            if isinstance(value, Expr):
                values.append((name, value))
            elif isinstance(value, Point):
                values.extend(((name + "_x", value.x), (name + "_y", value.y)))
            elif isinstance(value, Point3):
                values.extend((f"{name}_{axis}", part) for axis, part in zip("xyz", value))

    if sys.getprofile() is not None:
        # A profiler runs: names are not worth breaking it.
        built = build()
    else:
        sys.setprofile(watch)
        try:
            built = build()
        finally:
            sys.setprofile(None)
    graph, outputs = read(built)
    traces = {graph: Trace(graph, list(outputs))}
    for name, value in values:
        if name.isidentifier() and name not in ("a", "b", "d", "e", "f"):
            # A caller's name, which comes later, says more than a callee's.
            traces.setdefault(value.graph, Trace(value.graph, [])).names[value.index] = name
    for called, width, arguments, value in calls:
        traces.setdefault(value.graph, Trace(value.graph, [])).calls[value.index] = (called, width, [a.index for a in arguments])
    trace = traces.pop(graph)
    for inner in traces.values():
        inner.inner = traces
    trace.inner = traces
    return built, trace


def point_width(names: Sequence[str], flat: bool) -> int:
    """How many of a piece's arguments are the coordinates of its point, x and y and, in space, z."""
    return 0 if names[:2] != ("x", "y") else 2 if flat else 3


_TEMPLATES = {
    **GLSL.templates,
    "same": "{0}",
    "less": "{0} < {1}",
    "greater": "{0} > {1}",
    "choose": "{0} ? {1} : {2}",
    "choose or minus": "{0} ? {1} : -{2}",
    "choose minus or": "{0} ? -{1} : {2}",
    "when": "{0} ? {1} : 0.0",
    "unless": "{0} ? 0.0 : {1}",
    "truth": "{0} > 0.5",
    "not": "!{0}",
    "and": "{0} && {1}",
    "and not": "{1} && !{0}",
    "or": "{0} || {1}",
    "or not": "!{0} || {1}",
    "clamp": "clamp({0}, {1}, {2})",
    "radians": "radians({0})",
    "pow": "pow({0}, {1})",
}
_ATOM = 90
_LEVELS = {
    "choose": 10, "choose or minus": 10, "choose minus or": 10, "when": 10, "unless": 10, "or": 20, "or not": 20, "and": 30, "and not": 30,
    "less": 40, "greater": 40, "add": 50, "sub": 50, "mul": 60, "div": 60, "neg": 70, "not": 70,
}  # fmt: skip
_STRICT = {
    ("sub", 1),
    ("div", 1),
    ("neg", 0),
    ("choose", 0),
    ("choose", 1),
    ("when", 0),
    ("unless", 0),
}
_MINUS = {("choose or minus", 2), ("choose minus or", 1)}
"""Arguments that a minus sign stands before: a sum needs parentheses there, and so does another minus."""
_HINTS = {"hypot": "size", "sqrt": "root", "sin": "sine", "cos": "cosine", "abs": "magnitude", "less": "test", "greater": "test",
          "div": "ratio", "mul": "product", "add": "sum", "sub": "difference", "atan2": "turn", "max": "upper",
          "min": "lower", "floor": "cell", "sum": "total", "least": "nearest", "hash": "random", "clamp": "clamped", "choose": "chosen"}  # fmt: skip


class GlslPrinter(Printer):
    """A `Printer` of GLSL for people. `truths` are inputs that are bools."""

    def __init__(
        self, trace: Trace, inputs: Mapping[object, str], truths: Iterable[str] = (), taken: set[str] | None = None
    ) -> None:
        """`taken` are names that variables must not have; new ones are added to it. None: those in `inputs`."""
        super().__init__(trace.graph, inputs, GLSL)
        self.trace, self.truths = trace, frozenset(truths)
        if taken is None:
            taken = {word for text in inputs.values() for word in re.findall(r"(?<![.\w])[A-Za-z_]\w*", text)}
            taken |= {"gradient"}
        self.taken = taken
        self.patterns: dict[int, tuple[str, Sequence[int]]] = {}
        self.booleans: dict[int, bool] = {}
        self.wanted: frozenset[int] = frozenset()

    # -- recognising --------------------------------------------------------------------------------------

    def value_of(self, index: int) -> float | None:
        return self.graph.constant_value(index)

    def boolean(self, index: int) -> bool:
        """Whether a node is a condition: 1 or 0 by its making."""
        if index not in self.booleans:
            operator, *ids = self.graph.nodes[index]
            sides: list[int] = []
            if operator == "select":
                sides = ids[1:]
            elif operator == "mul" and not any(self.value_of(i) is not None for i in ids):
                sides = ids
            elif operator == "sub" and self.value_of(ids[0]) == 1.0 or operator == "detach":
                sides = ids[-1:]
            self.booleans[index] = (
                operator == "less"
                or (operator == "input" and ids[0] in self.truths)
                or (bool(sides) and all(self.value_of(s) in (0.0, 1.0) or self.boolean(s) for s in sides))
            )
        return self.booleans[index]

    def order(self, outputs: Sequence[int]) -> list[int]:
        self.wanted = frozenset(outputs)
        seen: set[int] = set()
        stack = list(outputs)
        while stack:
            index = stack.pop()
            if index not in seen:
                seen.add(index)
                stack.extend(self.pattern(index)[1])
        return sorted(seen)

    def pattern(self, index: int) -> tuple[str, Sequence[int]]:
        if index not in self.patterns:
            self.patterns[index] = self._pattern(index)
        return self.patterns[index]

    def _pattern(self, index: int) -> tuple[str, Sequence[int]]:
        if index in self.trace.calls:
            return "call", self.trace.calls[index][2]
        operator, ids = super().pattern(index)
        if operator == "detach":
            return "same", ids
        if operator == "less":
            first, second = (self._opposite(i) for i in ids)
            if first is not None and second is not None:
                return "less", (second, first)
            if self.value_of(ids[0]) is not None:
                return "greater", ids[::-1]
        if operator == "neg":
            return self._negative(*ids)
        if operator == "select":
            return self._choice(index, *ids)
        if operator == "sub" and self.value_of(ids[0]) == 1.0 and self.boolean(ids[1]):
            return "not", ids[1:]
        if operator == "mul" and self.boolean(index):
            return "and", ids
        if operator == "mul":
            for one, other in (ids, ids[::-1]):
                if self.value_of(one) is not None and math.isclose(self.value_of(one) or 0.0, math.pi / 180.0):
                    return "radians", (other,)
                if self.boolean(one):
                    negated, condition = self._negated(one)
                    return "unless" if negated else "when", (condition, other)
        if operator in ("add", "sub"):
            return self._sum(operator, *ids)
        if operator == "exp":
            node = self.graph.nodes[ids[0]]
            for one, other in (node[1:], node[:0:-1]) if node[0] == "mul" else ():
                if self.graph.nodes[one][0] == "log":
                    return "pow", (self.graph.nodes[one][1], other)
        if operator == "min":
            for inner, high in (ids, ids[::-1]):
                node = self.graph.nodes[inner]
                if self.value_of(high) is not None and node[0] == "max":
                    for value, low in (node[1:], node[:0:-1]):
                        if self.value_of(low) is not None:
                            return "clamp", (value, low, high)
        return self._constant_last(operator, ids)

    def _constant_last(self, operator: str, ids: Sequence[int]) -> tuple[str, Sequence[int]]:
        """x + 2.0, but 2.0 * x."""
        if operator in ("add", "mul", "min", "max") and self.value_of(ids[operator == "mul"]) is not None:
            return operator, ids[::-1]
        return operator, ids

    def _opposite(self, index: int) -> int | None:
        """What a node is the negative of."""
        node = self.graph.nodes[index]
        return node[1] if node[0] == "neg" else None

    def _negative(self, index: int) -> tuple[str, Sequence[int]]:
        operator, *ids = self.graph.nodes[index]
        if operator == "sub":
            first = self._opposite(ids[0])
            return self._sum("sub", ids[1], ids[0]) if first is None else self._sum("add", first, ids[1])
        if operator == "min":
            opposites = [self._opposite(i) for i in ids]
            if None not in opposites:
                return "max", opposites  # type: ignore[return-value]
        return "neg", (index,)

    def _sum(self, operator: str, *ids: int) -> tuple[str, Sequence[int]]:
        """A sum or difference, or the choice that it is where a condition multiplies one side and its opposite the other."""
        first, second = (self._guarded(i) for i in ids)
        if first and second and first[1] == second[1] and first[0] != second[0]:
            if operator == "add":
                first, second = (second, first) if first[0] else (first, second)
                return "choose", (first[1], first[2], second[2])
            if first[0]:
                return "choose minus or", (first[1], second[2], first[2])
            return "choose or minus", (first[1], first[2], second[2])
        return self._constant_last(operator, ids)

    def _choice(self, index: int, condition: int, then: int, otherwise: int) -> tuple[str, Sequence[int]]:
        values = self.value_of(then), self.value_of(otherwise)
        if self.boolean(index) and self.boolean(condition):
            if values == (1.0, 0.0):
                return "same", (condition,)
            if values == (0.0, 1.0):
                return "not", (condition,)
            if values[1] == 0.0:
                return "and", (condition, then)
            if values[0] == 0.0:
                return "and not", (condition, otherwise)
            if values[0] == 1.0:
                return "or", (condition, otherwise)
            if values[1] == 1.0:
                return "or not", (condition, then)
        return "choose", (condition, then, otherwise)

    def _negated(self, index: int) -> tuple[bool, int]:
        """Whether a condition is the opposite of another, and that other one."""
        operator, ids = super().pattern(index)
        if operator == "sub" and self.value_of(ids[0]) == 1.0:
            return True, ids[1]
        return False, index

    def _guarded(self, index: int) -> tuple[bool, int, int] | None:
        """(negated, condition, value) of a product of a condition and a value."""
        operator, ids = super().pattern(index)
        if operator == "mul":
            for one, other in (ids, ids[::-1]):
                if self.boolean(one):
                    return (*self._negated(one), other)
        return None

    # -- writing ------------------------------------------------------------------------------------------

    def expression(self, index: int) -> tuple[str, int]:
        operator, arguments = self.pattern(index)
        if operator == "call":
            name, width, _ = self.trace.calls[index]
            texts = [self.text[a][0] for a in arguments]
            if width:
                texts[:width] = [_vector(texts[:width])]
            return f"{name}({', '.join(texts)})", _ATOM
        level = _LEVELS.get(operator, _ATOM)
        if operator == "same":
            return self.text[arguments[0]]
        logical = operator in ("not", "and", "and not", "or", "or not")
        parts = []
        for position, argument in enumerate(arguments):
            part, own = self.text[argument]
            own = _ATOM if own == 9 else own or 70  # 9: an atom, 0: a negative number, by `Printer`
            wants_truth = logical or (level == 10 and position == 0) or (operator == "choose" and self.boolean(index))
            if self.value_of(argument) is not None and wants_truth:
                part = "true" if self.value_of(argument) else "false"
            elif wants_truth and not self.boolean(argument):
                part, own = f"{part} > 0.5", 40
            elif not wants_truth and self.boolean(argument):
                part, own = f"float({part})", _ATOM
            needed = 71 if operator in ("and not", "or not") and position == 0 else level
            if (operator, position) in _MINUS:
                needed = 71 if part.startswith("-") else 60
            if level != _ATOM and (own < needed or (own == level and (operator, position) in _STRICT)):
                part = f"({part})"
            parts.append(part)
        if operator == "hypot":
            return _length(*parts), _ATOM
        return _TEMPLATES[operator].format(*parts), level

    def inside(self, body: Graph, inputs: Mapping[object, str]) -> Printer:
        return GlslPrinter(self.trace.inner.get(body, Trace(body, [])), inputs, taken=self.taken)

    def named(self, word: str) -> str:
        return unique(word, self.taken)

    def number_text(self, index: int) -> str:
        text = self.text[index][0]
        return f"float({text})" if self.boolean(index) else text

    def deserves_name(self, index: int, value: str, uses: int) -> bool:
        if re.fullmatch(r"[-!]?[\w.]+", value):
            return False
        if uses == 1 and index in self.wanted:
            return len(value) > WIDTH - 12
        return uses > 1 or len(value) > 72 or (index in self.trace.names and len(value) > 28)

    def variable(self, index: int) -> str:
        operator = self.pattern(index)[0]
        hint = operator.kind if isinstance(operator, Fold) else operator
        name = self.trace.names.get(index) or _HINTS.get(hint, "value")
        return unique(name, self.taken)

    def declaration(self, index: int) -> str:
        return "bool {name} = {value};" if self.boolean(index) else "float {name} = {value};"


def _vector(parts: Sequence[str]) -> str:
    """Components as a vector, which they may be by name."""
    name = parts[0].removesuffix(".x")
    if name.isidentifier() and list(parts) == [f"{name}.{axis}" for axis in "xyz"[: len(parts)]]:
        return name
    return f"vec{len(parts)}({', '.join(parts)})"


def _length(x: str, y: str) -> str:
    """The length of two components, by a swizzle where they belong to one vector."""
    match = re.fullmatch(r"([A-Za-z_]\w*)\.([xyzw])", x), re.fullmatch(r"([A-Za-z_]\w*)\.([xyzw])", y)
    if match[0] and match[1] and match[0][1] == match[1][1]:
        swizzle = match[0][2] + match[1][2]
        # Only vec2 values (p, a, b, c) are read by .x and .y together.
        return f"length({match[0][1]})" if swizzle == "xy" else f"length({match[0][1]}.{swizzle})"
    return f"length(vec2({x}, {y}))"


def function_text(
    head: str, trace: Trace, inputs: Mapping[object, str], *, vector: str = "", truths: Iterable[str] = (),
    before: Sequence[str] = (), results: Callable[[list[str]], Sequence[str]] | None = None,
) -> str:  # fmt: skip
    """A GLSL function: `head`, then statements, then `return` of the outputs, in `vector` (such as "vec4") if given."""
    if vector == "vec4":
        for value, name in zip(trace.outputs[1:3], ("gradient_x", "gradient_y")):
            trace.names.setdefault(value.index, name)
    printer = GlslPrinter(trace, inputs, truths)
    values = printer.run(trace.outputs)
    statements = [*before, *printer.statements]
    if results is not None:
        statements += results(values)
    elif vector == "vec4" and len(", ".join(values)) > WIDTH - 20:
        distance, x, y, thickness = values
        gradient = f"vec2 gradient = vec2({x}, {y});"
        if len(gradient) > WIDTH:
            gradient = f"vec2 gradient = vec2(\n        {x},\n        {y}\n    );"
        statements += [gradient, f"return vec4({distance}, gradient, {thickness});"]
    else:
        text = ", ".join(values)
        statements.append(f"return {vector}({text});" if vector else f"return {text};")
    return "\n".join([head + " {", *("    " + line for line in statements), "}"])
