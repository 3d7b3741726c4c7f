"""The helper functions of a shader: one for each operation that a program uses, printed from the operation's rule.

Distances travel as duals, `vec4(distance, d/dx, d/dy, thickness)`. Points are mapped into a shape's own coordinates
on the way in, and gradients back by the transposed Jacobian on the way out (`place`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from shaderdsl import dual, registry
from shaderdsl.dual import Rule
from shaderdsl.emit import GLSL_HASH
from shaderdsl.expression import Expr, Graph, Scalar
from shaderdsl.glsl_print import PIECES, Trace, camel, function_text, point_width, safe, traced
from shaderdsl.registry import Operation, Parameter, Point, bind, continuous_names, operations, scalar_names

_PLACE = """// The same where the coordinates are scaled.
vec4 place(mat2 frame, float scale, vec4 d) {
    return vec4(scale * d.x, scale * (d.yz * frame), scale * d.w);
}"""

_TURN = """// A shape's distance seen from outside: its gradient is turned back by the transposed Jacobian of its coordinates.
vec4 place(mat2 frame, vec4 d) {
    return vec4(d.x, d.yz * frame, d.w);
}"""

_OVER = """vec4 over(vec4 below, vec3 paint, float alpha) {
    return mix(below, vec4(paint, 1.0), alpha);
}"""

_SIDE = """// Positive where p is to the left of the line from a to c. Either direction gives the same number but for its
// sign, so that two outlines' pieces along one line leave no gap between them.
float sideOfLine(vec2 p, vec2 a, vec2 c) {
    bool back = c.y < a.y || (c.y == a.y && c.x < a.x);
    vec2 from = back ? c : a;
    vec2 along = (back ? a : c) - from;
    float side = along.x * (p.y - from.y) - along.y * (p.x - from.x);
    side = side == 0.0 ? -1.0e-30 : side;
    return back ? -side : side;
}"""

_CROSSES_LINE = """// Whether the line from a to c crosses the ray that runs to the left from p.
bool crossesLine(vec2 p, vec2 a, vec2 c) {
    return (a.y > p.y) != (c.y > p.y) && (sideOfLine(p, a, c) > 0.0) == (c.y < a.y);
}"""

_CROSSES_CURVE = """// The same for a quadratic curve: its chord crosses, or else p lies between chord and curve.
bool crossesCurve(vec2 p, vec2 a, vec2 b, vec2 c) {
    float side = sideOfLine(p, a, c);
    bool crosses = (a.y > p.y) != (c.y > p.y) && (side > 0.0) == (c.y < a.y);
    float area = (c.x - a.x) * (b.y - a.y) - (c.y - a.y) * (b.x - a.x);
    if (area == 0.0 || (side > 0.0) != (area > 0.0)) return crosses;
    float control = side / area;
    float end = ((b.y - a.y) * (p.x - a.x) - (b.x - a.x) * (p.y - a.y)) / area;
    float middle = 0.5 * control + end;
    return crosses != (middle * middle < end);
}"""

_ROW_LENGTHS = """\
// How fast each of the coordinates changes that a frame leads to.
vec2 rowLengths(mat2 frame) {
    mat2 rows = transpose(frame);
    return vec2(length(rows[0]), length(rows[1]));
}"""

_FIXED: dict[str, tuple[str, tuple[str, ...]]] = {
    "place": (_TURN, ()),
    "place scaled": (_PLACE, ("place",)),
    "over": (_OVER, ()),
    "hash": (GLSL_HASH, ()),
    "rowLengths": (_ROW_LENGTHS, ()),
    "sideOfLine": (_SIDE, ()),
    "crossesLine": (_CROSSES_LINE, ("sideOfLine",)),
    "crossesCurve": (_CROSSES_CURVE, ("sideOfLine",)),
}

_POINTS: dict[object, str] = {"x": "p.x", "y": "p.y"}
_ELEMENT: dict[object, str] = {
    "x0": "a.x",
    "y0": "a.y",
    "x1": "b.x",
    "y1": "b.y",
    "x2": "c.x",
    "y2": "c.y",
    "ends": "ends",
    "inside": "inside",
}


def _of_rule(rule: Any, *arguments: object) -> Trace:
    """The trace of a rule of `shaderdsl.dual`, made anew to see what its values are called."""

    def read(made: Rule) -> tuple[Graph, Sequence[Expr]]:
        return made.graph, made.forward

    return traced(lambda: rule.__wrapped__(*arguments), read)[1]


def _of_piece(piece: Callable[..., Expr], names: Sequence[str], constants: Mapping[str, float]) -> Trace:
    """The trace of a function of scalars, some of them constants, which is not a call of itself."""
    graph = Graph()
    given = [graph.constant(constants[name]) if name in constants else graph.input(name) for name in names]
    _, trace = traced(lambda: piece(*given), lambda value: (graph, [value]))
    trace.calls = {}
    return trace


def _parameters(operation: Operation, kept: Sequence[Parameter]) -> tuple[str, dict[object, str]]:
    """The parameters of a helper's head, and the text of each scalar in its body."""
    head = ""
    inputs: dict[object, str] = {}
    for parameter in kept:
        name = safe(parameter.name)
        if parameter.kind == "point":
            head += f", vec2 {name}"
            inputs |= {parameter.name + "_x": name + ".x", parameter.name + "_y": name + ".y"}
        else:
            head += f", float {name}"
            inputs[parameter.name] = name
    return head, inputs


def default_scalars(parameter: Parameter) -> tuple[float, ...] | None:
    """The default of a parameter in the units of a body, a value a scalar; None where it has none."""
    if parameter.default is None or isinstance(parameter.default, str):
        return None
    values = parameter.default if isinstance(parameter.default, tuple) else (parameter.default,)
    factor = 0.017453292519943295 if parameter.kind == "angle" else 1.0
    return tuple(factor * v for v in values)


@cache
def shape(operation: Operation, short: bool) -> tuple[str, str]:
    """(name, text) of a shape's helper; `short` leaves out the parameters that have a default."""
    trace = _of_rule(dual.shape_rule, operation)
    kept = list(operation.parameters)
    if short:
        constants: dict[str, float] = {}
        for parameter in operation.parameters:
            defaults = default_scalars(parameter)
            if defaults is not None:
                kept.remove(parameter)
                names = (
                    [parameter.name + "_x", parameter.name + "_y"] if parameter.kind == "point" else [parameter.name]
                )
                constants.update(zip(names, defaults))
        trace = trace.with_constants(constants)
    name = "sdg" + camel("x " + operation.name)[1:]
    head, inputs = _parameters(operation, kept)
    return name, function_text(f"vec4 {name}(vec2 p{head})", trace, _POINTS | inputs, vector="vec4")


@cache
def combination(operation: Operation) -> tuple[str, str]:
    """(name, text) of a boolean's or modifier's helper."""
    trace = _of_rule(dual.combination_rule, operation)
    name = camel(operation.name if operation.blend else "op " + operation.name)
    duals = ("a", "b") if operation.category == "boolean" else ("d",)
    texts = {
        f"{prefix}_{slot}": f"{text}.{component}"
        for prefix, text in zip(("a", "b"), duals)
        for slot, component in zip(dual.DUAL, "xyzw")
    }
    head, inputs = _parameters(operation, operation.parameters)
    head = ", ".join("vec4 " + d for d in duals) + head
    return name, function_text(f"vec4 {name}({head})", trace, texts | inputs, vector="vec4")


def affine(operation: Operation, arguments: Mapping[str, Expr | Point], graph: Graph) -> tuple[list[Expr], Point]:
    """A transform's matrix by columns (xx, yx, xy, yy) and its shift."""
    zero, x, y = graph.constant(0.0), graph.input("@x"), graph.input("@y")
    origin = operation.body(Point(zero, zero), **arguments)
    place = operation.body(Point(x, y), **arguments)
    columns: list[Expr] = []
    for axis in (x, y):
        for value in (place.x, place.y):
            inputs = (i for i in graph.needed([value.index]) if graph.nodes[i][0] == "input")
            seeds: dict[int, Scalar] = {i: 1.0 if i == axis.index else 0.0 for i in inputs}
            columns += graph.tangents([value], seeds)
    return columns, origin


@cache
def matrix(operation: Operation) -> tuple[str, str] | None:
    """(name, text) of the linear part of a transform, from outside to the shape's own coordinates; None where that
    is the identity."""
    graph = Graph()
    arguments = bind(operation, {name: graph.input(name) for name in scalar_names(operation)})
    (columns, _), trace = traced(lambda: affine(operation, arguments, graph), lambda result: (graph, result[0]))
    if [e.constant for e in columns] == [1.0, 0.0, 0.0, 1.0]:
        return None
    name = camel(operation.name) + "Matrix"
    head, inputs = _parameters(operation, operation.parameters)
    return name, function_text(f"mat2 {name}({head[2:]})", trace, inputs, vector="mat2")


@cache
def repetition(operation: Operation) -> tuple[str, str]:
    """(name, text) of a repetition's helper: the point that a copy sees, and its Jacobian."""
    trace = _of_rule(dual.repetition_rule, operation)
    trace = trace.with_constants({"xx": 1.0, "xy": 0.0, "yx": 0.0, "yy": 1.0})
    u, v, ux, uy, vx, vy = trace.outputs
    trace.outputs = [u, v, ux, vx, uy, vy]  # a matrix is filled by columns
    name = camel(operation.name) + "Space"
    head, inputs = _parameters(operation, operation.parameters)
    if operation.copies > 1:
        head += ", float copy"
    return name, function_text(
        f"vec2 {name}(vec2 p{head}, out mat2 frame)", trace, _POINTS | inputs | {"copy": "copy"},
        results=lambda t: [f"frame = mat2({', '.join(t[2:])});", f"return vec2({t[0]}, {t[1]});"],
    )  # fmt: skip


@cache
def ramp(operation: Operation, constants: tuple[tuple[str, float], ...] = ()) -> tuple[str, str, tuple[str, ...]]:
    """(name, text, dependencies) of a paint's helper: the position on its ramp of colours; of a filtered one, what `BLEND` names.

    `constants` are parameters that the helper does not have; a choice's word is a part of its name.
    """
    known = dict(constants)
    trace = _of_rule(dual.paint_rule, operation).with_constants(known)
    words = [word for name, value in constants for word in _word(operation, name, value)]
    name = camel(" ".join([operation.name, *words])) + "Ramp"
    head, inputs = _parameters(operation, [p for p in operation.parameters if p.name not in known])
    widths: dict[object, str] = {width: f"footprint.{axis}" for width, axis in zip(dual.WIDTHS, "xy")}
    if operation.filtered:
        head += ", vec2 footprint"
    else:
        trace.outputs = trace.outputs[:1]
    kind = "vec3" if operation.filtered else ""
    text = function_text(f"{kind or 'float'} {name}(vec2 p{head})", trace, _POINTS | inputs | widths, vector=kind)
    return name, text, _called(text)


def _called(text: str) -> tuple[str, ...]:
    """The pieces that a text calls, and the hash."""
    words = set(re.findall(r"\w+(?=\()", text.split("{", 1)[1]))
    return tuple(name for name in ("hash", *(camel(p.__name__) for p in registry.PIECES)) if name in words)


@cache
def piece(name: str) -> tuple[str, tuple[str, ...]]:
    """(text, dependencies) of one of `registry.PIECES` as it is in the plane."""
    function = next(p for p in registry.PIECES if camel(p.__name__) == name)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    width = point_width(names, True)
    trace = _of_piece(function, names, {"z": 0.0} if width else {})
    rest = names[3:] if width else names
    head = ", ".join(["vec2 p"] * bool(width) + ["float " + safe(n) for n in rest])
    text = function_text(f"float {name}({head})", trace, _POINTS | {n: safe(n) for n in rest})
    title = (function.__doc__ or "").split("\n")[0].split(" (")[0].rstrip(".")
    return f"// {title}.\n{text}", _called(text)


@cache
def coverage() -> dict[str, tuple[str, tuple[str, ...]]]:
    """`coverage` of a crisp edge, `softCoverage`, and what they call: texts and dependencies by name."""
    texts: dict[str, tuple[str, tuple[str, ...]]] = {}
    for piece in PIECES:
        names = piece.__code__.co_varnames[: piece.__code__.co_argcount]
        trace = _of_piece(piece, names, {})
        name = camel(piece.__name__)
        head = ", ".join("float " + safe(n) for n in names)
        texts[name] = (function_text(f"float {name}({head})", trace, {n: safe(n) for n in names}), ())
    texts["halfPlaneArea"] = (
        "// The part of a pixel on the inner side of a line, `height` pixels from its centre with the unit normal\n"
        "// (major, minor).\n" + texts["halfPlaneArea"][0], (),
    )  # fmt: skip
    trace = _of_rule(dual.coverage_rule)
    inputs: dict[object, str] = {n: f"d.{c}" for n, c in zip(dual.DUAL, "xyzw")}
    inputs |= {"pixel": "pixel", "softness": "softness"}
    crisp = trace.with_constants({"softness": 0.0})
    texts["coverage"] = (
        "// How much of a pixel a shape covers: the slab between its near boundary and its far one.\n"
        + function_text("float coverage(vec4 d, float pixel)", crisp, inputs),
        ("halfPlaneArea",),
    )
    root = trace.graph.nodes[trace.outputs[0].index]
    if root[0] != "select":
        raise AssertionError("coverage chooses between a soft and a crisp edge last")
    trace.outputs = [Expr(trace.graph, root[2])]
    texts["softCoverage"] = (
        "// The same for a blurred edge, `softness` being the standard deviation of the blur.\n"
        + function_text(
            "float softCoverage(vec4 d, float pixel, float softness)", trace, inputs,
            before=["if (softness <= 0.0) return coverage(d, pixel);"],
        ),
        ("coverage", "gaussianArea"),
    )  # fmt: skip
    return texts


def plain_union() -> Operation:
    """The union that copies are joined by."""
    return operations()["union"]


def fixed(name: str) -> tuple[str, tuple[str, ...]]:
    """(text, dependencies) of a helper that no operation owns."""
    if name in _FIXED:
        return _FIXED[name]
    return coverage()[name] if name in coverage() else piece(name)


@cache
def _of_outline(rule: Any, operation: Operation, bent: bool, decided: tuple[tuple[str, float], ...]) -> Trace:
    """The trace of an outline's rule with its choices made."""
    return _of_rule(rule, operation, bent).with_constants(dict(decided))


@cache
def _outline_text(
    head: str, rule: Any, operation: Operation, bent: bool, decided: tuple[tuple[str, float], ...], vector: str
) -> str:
    """The function `head` of one element of an outline."""
    _, inputs = _parameters(operation, [p for p in operation.parameters if p.continuous])
    trace = _of_outline(rule, operation, bent, decided)
    return function_text(head, trace, {**_POINTS, **_ELEMENT, **inputs}, vector=vector, truths=("inside",))


class Outlines:
    """The helpers of outlines: they read a shared table of points, by `points[i]` or by `outlinePoint(i)`."""

    def __init__(self, access: str) -> None:
        self.access = access
        self.names: dict[object, str] = {}
        self.texts: dict[str, tuple[str, tuple[str, ...]]] = {}

    def helper(self, operation: Operation, decided: tuple[tuple[str, float], ...], curved: bool) -> str:
        """The name of the function that gives the dual of an outline by its first point and number of elements."""
        decided = tuple((name, value) for name, value in decided if name in _read(operation))
        key = (operation.body, operation.finish, decided, curved)
        if key not in self.names:
            words = operation.name.split(" ") + [w for p, v in decided for w in _word(operation, p, v)]
            name = "sdg" + "".join(w.capitalize() for w in words) + ("Curved" if curved else "")
            self.names[key] = name
            self.texts[name] = self._fold(name, " ".join(words), operation, dict(decided), curved)
        return self.names[key]

    def opens(self, name: str) -> bool:
        """Whether a helper asks if the outline is open."""
        return ", float open)" in self.texts[name][0]

    def _own(self, name: str, head: str, text: str, dependencies: tuple[str, ...]) -> str:
        """Keeps a function, once: equal ones of different operations share the first one's name."""
        for known, (other, _) in self.texts.items():
            if other.replace(known, name) == text:
                return known
        self.texts[name] = (text, dependencies)
        return name

    def _fold(
        self, name: str, words: str, operation: Operation, decided: dict[str, float], curved: bool
    ) -> tuple[str, tuple[str, ...]]:
        """(text, dependencies) of the loop over an outline's elements, and of what it calls for one of them."""
        parameters = [p for p in operation.parameters if p.name in continuous_names(operation)]
        head, inputs = _parameters(operation, parameters)
        own = "".join(", " + safe(p.name) for p in parameters)
        kinds: list[list[tuple[str, set[object]]]] = []
        for bent in (False, True) if curved else (False,):
            pieces: list[tuple[str, set[object]]] = []
            for rule, kind, result in (
                (dual.element_rule, "Distance", "float"),
                (dual.outline_rule, "Dual", "vec4"),
            ):
                trace = _of_outline(rule, operation, bent, tuple(decided.items()))
                used = trace.inputs()
                middle = ", vec2 b" if bent else ""
                ends = ", float ends" if "ends" in used else ""
                inside = ", bool inside" if "inside" in used else ""
                arguments = f"vec2 p, vec2 a{middle}, vec2 c{head if used & set(inputs) else ''}{ends}{inside}"
                title = camel(f"{words} {'curve' if bent else 'line'} {kind}")
                text = _outline_text(
                    f"{result} {title}({arguments})",
                    rule,
                    operation,
                    bent,
                    tuple(decided.items()),
                    "vec4" if result == "vec4" else "",
                )
                pieces.append((self._own(title, arguments, text, ()), used))
            kinds.append(pieces)

        def call(bent: bool, which: int) -> str:
            function, used = kinds[bent][which]
            middle = ", b" if bent else ""
            extra = own if used & set(inputs) else ""
            extra += "".join(f", {name}" for name in ("ends", "inside") if name in used)
            return f"{function}(p, a{middle}, c{extra})"

        everything = {name for pieces in kinds for _, used in pieces for name in used}
        sided, capped = "inside" in everything, "ends" in everything
        stride = 2 if curved else 1
        step = f"first + {stride} * count" if curved else "first + count"
        point = self.access.format
        lipschitz = operation.lipschitz**2
        corner = "min(min(a, b), c)" if curved else "min(a, c)"
        opposite = "max(max(a, b), c)" if curved else "max(a, c)"
        load = [f"vec2 a = {point('i')};"]
        load += [f"vec2 b = {point('i + 1')};"] if curved else []
        load += [f"vec2 c = {point(f'i + {stride}')};"]
        mark = [
            f"float ends = (i == first ? open : 0.0) + (i + {stride} == {step} ? 2.0 * open : 0.0);"
        ] if capped else []  # fmt: skip

        def either(texts: Sequence[str]) -> str:
            return f"b != a ? {texts[1]} : {texts[0]}" if curved else texts[0]

        crossing = either(["crossesLine(p, a, c)", "crossesCurve(p, a, b, c)"])
        lines = [
            f"vec4 {name}(vec2 p, int first, int count{head}{', float open' if capped else ''}) {{",
            "    int nearest = first;",
            "    float best = 1e15;",
            *(["    bool inside = false;"] if sided else []),
            f"    for (int i = first; i < {step}; i += {stride}) {{",
            *("        " + t for t in load),
            *([f"        if ({crossing}) inside = !inside;"] if sided else []),
            "        // Only an element whose bounding box is near enough can be the nearest.",
            f"        vec2 beyond = max(max({corner} - p, p - {opposite}), 0.0);",
            f"        if (dot(beyond, beyond) < {_number(lipschitz)}best * best) {{",
            *("            " + t for t in mark),
            f"            float distance = {either([call(k == 1, 0) for k in range(len(kinds))])};",
            "            if (distance < best) {",
            "                best = distance;",
            "                nearest = i;",
            "            }",
            "        }",
            "    }",
            "    int i = nearest;",
            *("    " + t for t in (*load, *mark)),
            f"    return {either([call(k == 1, 1) for k in range(len(kinds))])};",
            "}",
        ]
        dependencies = tuple(pieces[k][0] for pieces in kinds for k in (0, 1))
        if sided:
            dependencies += ("crossesLine", "crossesCurve") if curved else ("crossesLine",)
        return "\n".join(lines), dependencies


@cache
def _read(operation: Operation) -> set[object]:
    """The parameters that an outline's arithmetic reads."""
    rules = (dual.element_rule(operation, False), dual.outline_rule(operation, False))
    return set().union(*(Trace(rule.graph, list(rule.forward)).inputs() for rule in rules))


def _number(value: float) -> str:
    return (
        ""
        if value == 1.0
        else f"{value:.6f}".rstrip("0").rstrip(".")
        + ("" if "." in f"{value:.6f}".rstrip("0").rstrip(".") else ".0")
        + " * "
    )


def _word(operation: Operation, name: str, value: float) -> list[str]:
    """The word of a choice that is not the first, as part of a helper's name."""
    parameter = operation.parameter(name)
    return [parameter.choices[int(value)]] if parameter.choices and value > 0.0 else []
