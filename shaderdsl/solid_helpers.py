"""The helper functions of a shader in space, printed from operations' bodies and from the rules of sight and light.

For marching a shape is its distance alone (`float sdSphere(vec3 p, float radius)`); for shading it is distance and gradient
(`vec4 sdgSphere`), and where it has edges the face beside (`vec4 sdgBoxBeside`). What flows through booleans is a `Surface`.
Shapes of the plane keep the helpers that they have there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from shaderdsl import glsl_helpers as plane, registry, shading, solid_dual as dual, view
from shaderdsl.expression import Expr, Graph
from shaderdsl.glsl_print import PIECES, WIDTH, Trace, camel, point_width, safe, traced
from shaderdsl.registry import OPERANDS, Distance, Operation, Parameter, Point, Point3, bind, scalar_names
from shaderdsl.solid_frame import Materials
from shaderdsl.solid_print import FLAT, function_text, vec

Helper = tuple[str, str, tuple[str, ...]]
"""Name, text, and the names of the fixed helpers that it calls."""

_VECTORS = {1: "float", 2: "vec2", 3: "vec3"}
P: dict[object, str] = {"x": "p.x", "y": "p.y", "z": "p.z"}


def parameters(kept: Sequence[Parameter]) -> tuple[list[str], dict[object, str]]:
    """The parameters of a helper's head, and the text of each scalar in its body."""
    head: list[str] = []
    inputs: dict[object, str] = {}
    for parameter in kept:
        name = safe(parameter.name)
        head.append(f"{_VECTORS[parameter.width]} {name}")
        for scalar, component in zip(parameter.scalars, "xyz"):
            inputs[scalar] = name if parameter.width == 1 else f"{name}.{component}"
    return head, inputs


def called(text: str) -> tuple[str, ...]:
    """The functions among those that stay functions in GLSL that a text calls, and the hash."""
    body = text.partition("{")[2]
    names = ("hash", *(camel(piece.__name__) for piece in PIECES), *pieces())
    return tuple(name for name in names if re.search(rf"\b{name}\(", body))


@cache
def pieces() -> Mapping[str, Callable[..., Expr]]:
    """`registry.PIECES` by their names in GLSL, those of a point in the plane too."""
    found = {camel(piece.__name__): piece for piece in registry.PIECES}
    return {**found, **{name + FLAT: piece for name, piece in found.items() if point_width(_arguments(piece), True)}}


def _arguments(piece: Callable[..., Expr]) -> tuple[str, ...]:
    return piece.__code__.co_varnames[: piece.__code__.co_argcount]


@cache
def piece(name: str) -> Helper:
    """One of `pieces` as it is in space."""
    function, flat = pieces()[name], name.endswith(FLAT)
    names = _arguments(function)
    width = point_width(names, flat)
    trace = plane._of_piece(function, names, {"z": 0.0} if flat else {})
    rest = names[3:] if width else names
    head = ", ".join([f"vec{width} p"] * bool(width) + ["float " + safe(n) for n in rest])
    inputs: dict[object, str] = {**(P if width else {}), **{n: safe(n) for n in rest}}
    title = (function.__doc__ or "").split("\n")[0].split(" (")[0].rstrip(".")
    return _helper(name, f"// {title}.\n" + function_text(f"float {name}({head})", trace, inputs, _returned))


def _helper(name: str, text: str) -> Helper:
    return name, text, tuple(other for other in called(text) if other != name)


def _inputs(graph: Graph, operation: Operation) -> dict[str, Any]:
    return bind(operation, {name: graph.input(name) for name in scalar_names(operation)})


def _point(graph: Graph, names: Sequence[str] = "xyz") -> Point3:
    return Point3(*(graph.input(name) for name in names))


def _returned(values: list[str]) -> list[str]:
    return [f"return {values[0]};"]


# -- shapes ----------------------------------------------------------------------------------------------------


def _traced_shape(operation: Operation) -> tuple[Distance, Trace, Graph]:
    graph = Graph()
    p = _point(graph)
    distance, trace = traced(
        lambda: operation.body(p, **_inputs(graph, operation)), lambda d: (graph, [d.value])
    )
    return distance, trace, graph


def shape_name(operation: Operation) -> str:
    words = operation.name.removeprefix("solid ")
    return camel("x " + words)[1:]


@cache
def shape_value(operation: Operation) -> Helper:
    """A shape's distance alone."""
    _, trace, _ = _traced_shape(operation)
    head, inputs = parameters(operation.parameters)
    name = "sd" + shape_name(operation)
    return _helper(name, function_text(f"float {name}({', '.join(['vec3 p', *head])})", trace, {**P, **inputs}, _returned))


def _with_gradient(graph: Graph, value: Expr) -> list[Expr]:
    axes = [graph.input(axis) for axis in "xyz"]
    seeds = [{axis.index: graph.constant(1.0)} for axis in axes]
    return [value, *dual._gradient(graph, value, seeds)]


def _dual_result(values: list[str]) -> list[str]:
    line = f"return vec4({', '.join(values)});"
    if len(line) <= WIDTH:
        return [line]
    return [f"vec3 gradient = {vec(values[1:])};", f"return vec4({values[0]}, gradient);"]


@cache
def shape(operation: Operation) -> Helper:
    """A shape's distance and gradient."""
    distance, trace, graph = _traced_shape(operation)
    return _gradient_helper(operation, "sdg" + shape_name(operation), trace, _with_gradient(graph, distance.value))


@cache
def shape_beside(operation: Operation) -> Helper | None:
    """The same of the face beside the nearest one, where a shape has edges."""
    distance, trace, graph = _traced_shape(operation)
    if distance.beside is None:
        return None
    name = "sdg" + shape_name(operation) + "Beside"
    return _gradient_helper(operation, name, trace, _with_gradient(graph, distance.beside))


def _gradient_helper(operation: Operation, name: str, trace: Trace, outputs: list[Expr]) -> Helper:
    trace.outputs = outputs
    head, inputs = parameters(operation.parameters)
    head_text = f"vec4 {name}({', '.join(['vec3 p', *head])})"
    return _helper(name, function_text(head_text, trace, {**P, **inputs}, _dual_result, {"gradient": 1}))


@cache
def shape_thickness(operation: Operation) -> Helper:
    """A shape's thickness, where it depends on the place."""
    distance, trace, graph = _traced_shape(operation)
    trace.outputs = [graph.lift(distance.thickness)]
    head, inputs = parameters(operation.parameters)
    name = camel("thickness " + operation.name)
    return _helper(name, function_text(f"float {name}({', '.join(['vec3 p', *head])})", trace, {**P, **inputs}, _returned))


# -- booleans and modifiers ------------------------------------------------------------------------------------


def _traced_combination(operation: Operation) -> tuple[Distance, Trace, Graph]:
    graph = Graph()
    operands = [Distance(graph.input(x + "_f"), graph.input(x + "_w")) for x in OPERANDS[operation.category]]
    distance, trace = traced(
        lambda: operation.body(*operands, **_inputs(graph, operation)), lambda d: (graph, [d.value])
    )
    return distance, trace, graph


def combination_name(operation: Operation) -> str:
    return camel(operation.name if operation.blend else "op " + operation.name)


@cache
def combination_value(operation: Operation) -> Helper:
    """A boolean, modifier or loft of distances alone."""
    _, trace, _ = _traced_combination(operation)
    head, inputs = parameters(operation.parameters)
    name = combination_name(operation)
    operands = OPERANDS[operation.category]
    texts: dict[object, str] = {x + "_f": x for x in operands}
    heads = [f"float {x}" for x in operands]
    return _helper(name, function_text(f"float {name}({', '.join([*heads, *head])})", trace, {**texts, **inputs}, _returned))


def _slopes(graph: Graph, value: Expr, operands: Sequence[str]) -> list[Expr]:
    """The derivatives of a value by each operand's distance."""
    return [dual._gradient(graph, value, [{graph.input(x + "_f").index: graph.constant(1.0)}])[0] for x in operands]


def _mixture(slopes: Sequence[str], operands: Sequence[str], field: str = "gradient") -> str:
    condition = re.fullmatch(r"float\((\w+)\)", slopes[0])
    if condition and slopes[-1] == f"float(!{condition[1]})":
        return f"{condition[1]} ? {operands[0]}.{field} : {operands[1]}.{field}"
    terms = []
    for slope, x in zip(slopes, operands):
        if slope not in ("0.0", "-0.0"):
            factor = f"({slope})" if any(c in slope for c in "+-? <>") else slope
            terms.append(f"{x}.{field}" if slope == "1.0" else f"{factor} * {x}.{field}")
    return " + ".join(terms) or "vec3(0.0)"


@cache
def combination(operation: Operation, antialias: bool, materials: Materials, keeps: bool) -> Helper:
    """A boolean, modifier or loft of surfaces.

    antialias: surfaces have a thickness and their nearest crease; with the operation's own number and `flip` what lies
        beyond it is told.
    materials: what surfaces have of a material; `keeps` that of the first operand alone.
    """
    name = combination_name(operation) + ("Carved" if keeps and materials else "")
    head, inputs = parameters(operation.parameters)
    operands = OPERANDS[operation.category]
    distance, trace, graph = _traced_combination(operation)
    texts: dict[object, str] = {x + "_f": x + ".d" for x in operands}
    texts.update({x + "_w": x + ".thickness" for x in operands})
    heads = [*(f"Surface {x}" for x in operands), *head]
    lines: list[str] = []
    if operation.selects is not None:
        if antialias:
            heads += ["int number", "int flip"]
            trace.outputs = [graph.lift(distance.thickness)]
            text = function_text("", trace, {**texts, **inputs}, lambda t: [f"float thickness = {t[0]};"])
            lines += [line[4:] for line in text.split("\n")[1:-1] if "return" not in line]
        i, j = operation.selects
        if i * j < 0:
            lines += ["b.d = -b.d;", "b.gradient = -b.gradient;"]
        first = "a.d < b.d" if i > 0 else "b.d < a.d"
        lines.append(f"bool first = ({first}) != (flip == number);" if antialias else f"bool first = {first};")
        lines.append("Surface s = a;")
        lines.append("if (!first) s = b;")
        if materials and keeps:
            lines += [f"s.{name} = a.{name};" for name in materials]
        if antialias:
            lines.append("s.thickness = thickness;")
            lines += ["Surface other = b;", "if (!first) other = a;"]
            lines.append("return creased(s, vec4(other.d, other.gradient), number);")
        else:
            lines.append("return s;")
        lines = [part for line in lines for part in line.split("\n")]
        body = "\n".join("    " + line for line in lines)
        return name, f"Surface {name}({', '.join(heads)}) {{\n{body}\n}}", (*called(body), *(("creased",) if antialias else ()))
    thickness = [graph.lift(distance.thickness)] if antialias else []
    trace.outputs = [distance.value, *thickness, *_slopes(graph, distance.value, operands)]
    beside = distance.beside is not None and antialias
    if beside:
        assert distance.beside is not None
        heads += ["int number", "int flip"]
        trace.outputs += [distance.beside, *_slopes(graph, distance.beside, operands)]
    count = len(operands)

    def results(values: list[str]) -> list[str]:
        value, *rest = values
        thickness = [rest.pop(0)] if antialias else []
        out = ["Surface s = a;", f"s.d = {value};", f"s.gradient = {_mixture(rest[:count], operands)};"]
        out += [f"s.thickness = {text};" for text in thickness]
        mixed = materials and not keeps and count == 2
        if count == 2 and (antialias or mixed):
            out.append("float share = secondShare(s.d, a.d, b.d);")
        if mixed:
            out += [f"s.{name} = mix(a.{name}, b.{name}, share);" for name in materials]
        if antialias and count == 2:
            out += [f"if (share > {view.SECOND}) s.edge = b.edge;", f"if (share > {view.SECOND}) s.crease = b.crease;"]
        if antialias and count == 3:  # a loft's sides have the creases of both its shapes
            out += ["if (b.edge < s.edge) s.crease = b.crease;", "s.edge = min(s.edge, b.edge);"]
        if beside:
            out.append(f"return besided(s, vec4({rest[count]}, {_mixture(rest[count + 1 :], operands)}), number, flip);")
        else:
            out.append("return s;")
        return out

    text = function_text(f"Surface {name}({', '.join(heads)})", trace, {**texts, **inputs}, results=results)
    more = tuple(f for f in ("secondShare", "besided") if f + "(" in text)
    return name, text, (*called(text), *more)


# -- places ----------------------------------------------------------------------------------------------------


def _body(operation: Operation, p: Point3, **arguments: Any) -> Point3:
    """A transform, repetition or extrusion at a point of space; what is at home in the plane leaves z alone."""
    if operation.dimension == 2:
        place = operation.body(Point(p.x, p.y), **arguments)
        return Point3(place.x, place.y, p.z)
    return operation.body(p, **arguments)  # type: ignore[no-any-return]


def affine(operation: Operation, arguments: Mapping[str, Any], graph: Graph) -> tuple[list[Expr], Point3]:
    """A transform's matrix by columns, nine entries, and its shift."""
    zero = graph.constant(0.0)
    axes = _point(graph, ("@x", "@y", "@z"))
    origin = _body(operation, Point3(zero, zero, zero), **arguments)
    place = _body(operation, axes, **arguments)
    columns = [dual._gradient(graph, value, [{axis.index: graph.constant(1.0)}])[0] for axis in axes for value in place]
    return columns, Point3(*(graph.lift(v) for v in origin))


@cache
def matrix(operation: Operation) -> Helper | None:
    """The linear part of a transform, from outside to the solid's own coordinates; None where that is the identity."""
    graph = Graph()
    arguments = _inputs(graph, operation)
    (columns, _), trace = traced(lambda: affine(operation, arguments, graph), lambda result: (graph, result[0]))
    if [e.constant for e in columns] == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]:
        return None
    name = camel(operation.name) + "Matrix"
    head, inputs = parameters(operation.parameters)
    return _helper(name, function_text(f"mat3 {name}({', '.join(head)})", trace, inputs, results=_matrix_result))


def _matrix_result(values: list[str]) -> list[str]:
    line = f"return mat3({', '.join(values)});"
    if len(line) <= WIDTH:
        return [line]
    rows = [", ".join(values[k : k + 3]) for k in (0, 3, 6)]
    return ["return mat3(", *(f"    {row}{',' if k < 2 else ''}" for k, row in enumerate(rows)), ");"]


def _traced_space(operation: Operation) -> tuple[Point3, Trace, Graph]:
    graph = Graph()
    p = _point(graph)
    copy = {"copy": graph.input("copy")} if operation.category == "repetition" else {}
    place, trace = traced(
        lambda: _body(operation, p, **copy, **_inputs(graph, operation)), lambda q: (graph, [*q])
    )
    return Point3(*(graph.lift(v) for v in place)), trace, graph


@cache
def space(operation: Operation, jacobian: bool) -> Helper:
    """The point that a folded or extruded solid sees; with the `jacobian`, out of those of the coordinates it is given in."""
    place, trace, graph = _traced_space(operation)
    name = camel(operation.name) + "Space"
    head, inputs = parameters(operation.parameters)
    if operation.copies > 1:
        head.append("float copy")
        inputs["copy"] = "copy"
    else:
        inputs["copy"] = "0.0"
    heads = ["vec3 p", *head]
    if not jacobian:
        text = function_text(
            f"vec3 {name}({', '.join(heads)})", trace, {**P, **inputs}, lambda t: [f"return {vec(t)};"], {"place": 0}
        )
        return _helper(name, text)
    axes = _point(graph)
    one = graph.constant(1.0)
    columns = [dual._gradient(graph, value, [{axis.index: one}])[0] for axis in axes for value in place]
    trace.outputs = [*place, *columns]

    def results(values: list[str]) -> list[str]:
        *lines, last = _matrix_result(values[3:])
        frame = "\n".join([*lines, last]).replace("return ", "frame = ", 1)[:-1] + " * outer;"
        return [*frame.split("\n"), f"return {vec(values[:3])};"]

    heads += ["mat3 outer", "out mat3 frame"]
    text = function_text(f"vec3 {name}({', '.join(heads)})", trace, {**P, **inputs}, results=results)
    return _helper(name, text)


# -- sight -----------------------------------------------------------------------------------------------------


def _rule_trace(build: Callable[[Graph], Sequence[Expr]]) -> Trace:
    graph = Graph()
    _, trace = traced(lambda: build(graph), lambda outputs: (graph, list(outputs)))
    return trace


def _named(names: Mapping[str, str]) -> dict[object, str]:
    """The texts of vectors' components: {"gx gy gz": "gradient"}."""
    texts: dict[object, str] = {}
    for scalars, text in names.items():
        parts = scalars.split()
        texts |= {parts[0]: text} if len(parts) == 1 else {s: f"{text}.{c}" for s, c in zip(parts, "xyz")}
    return texts


@cache
def camera(operation: Operation) -> Helper:
    """Sets eye, the picture's axes and how far it spreads."""
    found: list[float] = []

    def build(graph: Graph) -> Sequence[Expr]:
        made = operation.body(**_inputs(graph, operation))
        found.append(made.parallel)
        return [graph.lift(v) for v in (*made.eye, *made.right, *made.up, *made.forward, made.spread)]

    trace = _rule_trace(build)
    name = camel("look by " + operation.name)
    head, inputs = parameters(operation.parameters)

    def results(t: list[str]) -> list[str]:
        return [f"{n} = {vec(t[k : k + 3])};" for n, k in (("cameraEye", 0), ("cameraRight", 3), ("cameraUp", 6), ("cameraForward", 9))] + [
            f"cameraSpread = {t[12]};"
        ]

    return _helper(name, function_text(f"void {name}({', '.join(head)})", trace, inputs, results, {"side": 3, "above": 6, "ahead": 9}))


def is_parallel(operation: Operation) -> float:
    """Whether a camera's rays are parallel, 1 or 0."""
    graph = Graph()
    return float(operation.body(**_inputs(graph, operation)).parallel)


@cache
def ray(parallel: float) -> Helper:
    """Sets origin and direction of the ray through an image point, and the pixel's size along it."""

    def build(graph: Graph) -> Sequence[Expr]:
        eye, right, up, forward = (_point(graph, [n + c for c in "xyz"]) for n in ("e", "r", "u", "f"))
        seen = view.ray(
            graph.input("x"), graph.input("y"), graph.input("pixel"), eye, right, up, forward, graph.input("spread"),
            graph.constant(parallel),
        )  # fmt: skip
        return [*seen.origin, *seen.direction, seen.size, seen.growth]

    inputs = _named({"ex ey ez": "cameraEye", "rx ry rz": "cameraRight", "ux uy uz": "cameraUp", "fx fy fz": "cameraForward",
                     "x": "p.x", "y": "p.y", "pixel": "pixel", "spread": "cameraSpread"})  # fmt: skip

    def results(t: list[str]) -> list[str]:
        return [f"rayOrigin = {vec(t[:3])};", f"rayDirection = {vec(t[3:6])};", f"pixelSize = {t[6]};", f"pixelGrowth = {t[7]};"]

    return _helper("startRay", function_text("void startRay(vec2 p, float pixel)", _rule_trace(build), inputs, results, {"start": 0, "ahead": 3}))


_SIGHT = {
    "dx dy dz": "rayDirection", "right_x right_y right_z": "cameraRight", "up_x up_y up_z": "cameraUp", "growth": "pixelGrowth",
}  # fmt: skip


def _of_rule(rule: Any) -> Trace:
    return plane._of_rule(rule)


@cache
def sight(name: str) -> Helper:
    """One of the rules of outlines and creases, by its name in GLSL."""
    if name == "creaseOffset":
        inputs = _named({"f": "s.d", "fx fy fz": "s.gradient", "b": "beside", "bx by bz": "slope", **_SIGHT, "size": "pixelHere"})
        head = "float creaseOffset(Surface s, float beside, vec3 slope)"
        note = "// How many pixels away the edge is that a surface makes with the one beside it.\n"
        return _helper(name, note + function_text(head, _of_rule(dual.crease_offset_rule), inputs, _returned))
    if name == "creaseShare":
        inputs = _named({"f": "s.d", "fx fy fz": "s.gradient", "b": "other.d", "bx by bz": "other.gradient", **_SIGHT, "size": "pixelHere"})
        head = "float creaseShare(Surface s, Surface other)"
        note = "// How much of the pixel shows the surface at its centre; the rest shows the other side of the edge.\n"
        return _helper(name, note + function_text(head, _of_rule(dual.crease_rule), inputs, _returned))
    if name == "secondShare":
        inputs = {"f": "d", "a_f": "a", "b_f": "b"}
        note = "// How much of a boolean's surface is the second operand's.\n"
        return _helper(name, note + function_text("float secondShare(float d, float a, float b)", _of_rule(dual.share_rule), inputs, _returned))
    more = {**_SIGHT, "size": "pixelSize"}
    if name == "smoothOutline":
        inputs = _named({"f": "s.d", "fx fy fz": "s.gradient", "w": "s.thickness", "t": "t", "hx hy hz": "bend", **more})
        head = "Outline smoothOutline(Surface s, float t, vec3 bend)"
        note = "// An outline where the distance has a smooth least value near t; `bend` is the gradient's change along the ray.\n"
        rule = dual.smooth_outline_rule
    else:
        inputs = _named({
            "a_f": "a.d", "a_fx a_fy a_fz": "a.gradient", "a_w": "a.thickness", "a_t": "a_t",
            "b_f": "b.d", "b_fx b_fy b_fz": "b.gradient", "b_w": "b.thickness", "b_t": "b_t", **more,
        })  # fmt: skip
        head = "Outline kinkedOutline(Surface a, float a_t, Surface b, float b_t)"
        note = "// An outline where the least value is a kink between a, where the distance falls, and b, where it rises.\n"
        rule = dual.kinked_outline_rule

    def results(t: list[str]) -> list[str]:
        return [f"return Outline({', '.join(t)});"]

    return _helper(name, note + function_text(head, _of_rule(rule), inputs, results))


# -- light -----------------------------------------------------------------------------------------------------


def _scalar_function(name: str, function: Callable[[Expr], Expr]) -> Helper:
    trace = _rule_trace(lambda graph: [function(graph.input("value"))])
    trace.calls = {}
    return _helper(name, function_text(f"float {name}(float value)", trace, {"value": "value"}, _returned))


@cache
def tone(kind: str) -> list[Helper]:
    """Linear light to sRGB, and sRGB to linear light: `screen` and `linear`, of one component and of a colour."""
    shown = "encoded(toned(value))" if kind != "none" else "encoded(value)"
    helpers = [_scalar_function("encoded", shading.encoded)]
    if kind != "none":
        helpers.append(_scalar_function("toned", lambda value: shading.toned(value, kind)))
    texts = f"float screen(float value) {{\n    return {shown};\n}}"
    vector = "vec3 screen(vec3 light) {\n    return vec3(screen(light.x), screen(light.y), screen(light.z));\n}"
    return [*helpers, ("screen", "// Linear light as the screen takes it.\n" + texts + "\n\n" + vector, ())]


@cache
def linear() -> Helper:
    name, text, more = _scalar_function("linear", shading.linear)
    vector = "vec3 linear(vec3 colour) {\n    return vec3(linear(colour.x), linear(colour.y), linear(colour.z));\n}"
    return name, "// The linear light of an sRGB colour.\n" + text + "\n\n" + vector, more


_LIT = _named({
    "x y z": "p", "gx gy gz": "gradient", "dx dy dz": "rayDirection", "red green blue": "colour", "metallic": "finish.x",
    "roughness": "finish.y", "emission": "finish.z",
})  # fmt: skip


@cache
def light(operation: Operation, shaded: bool) -> Helper:
    """What a light adds to what a surface sends to the eye; `visible` says how much of it arrives, if it can be `shaded`."""
    trace = plane._of_rule(dual.light_rule, operation)
    if not shaded:
        trace = trace.with_constants({"visible": 1.0})
    head, own = parameters(operation.parameters)
    inputs: dict[object, str] = {**_LIT, "visible": "visible"}
    texts = {scalar: text.replace("colour", "tint", 1) if text.startswith("colour") else text for scalar, text in own.items()}
    names = [part.replace(" colour", " tint") if part.endswith(" colour") else part for part in head]
    inputs |= texts
    name = camel("lit by " + operation.name)
    heads = ["vec3 p", "vec3 gradient", "vec3 colour", "vec3 finish", *(["float visible"] if shaded else []), *names]
    text = function_text(f"vec3 {name}({', '.join(heads)})", trace, inputs, lambda t: [f"return {vec(t)};"], {"light": 0})
    return _helper(name, text)


@cache
def towards(operation: Operation) -> Helper:
    """The direction to a light that casts shadows, and its distance."""
    trace = plane._of_rule(dual.towards_rule, operation)
    head, inputs = parameters(operation.parameters)
    name = camel("towards " + operation.name)
    head_text = f"vec4 {name}({', '.join(['vec3 p', *head])})"
    return _helper(name, function_text(head_text, trace, {**P, **inputs}, _dual_result))


@cache
def ramp(operation: Operation, decided: tuple[tuple[str, float], ...]) -> Helper:
    """A paint's position on its ramp of colours, or of a filtered one what BLEND names, with its words and counts made (`decided`);
    those that are no defaults are part of its name."""
    trace = plane._of_rule(dual.paint_rule, operation).with_constants(dict(decided))
    head, inputs = parameters([p for p in operation.parameters if p.continuous])
    name = _made_name(operation, decided) + "Ramp"
    heads, texts = _seen(operation)
    heads = ["vec3 p", *head, *heads]
    if operation.filtered:
        return _helper(name, function_text(f"vec3 {name}({', '.join(heads)})", trace, {**P, **inputs, **texts}, lambda t: [f"return {vec(t)};"]))
    trace.outputs = trace.outputs[:1]
    return _helper(name, function_text(f"float {name}({', '.join(heads)})", trace, {**P, **inputs, **texts}, _returned))


def _made_name(operation: Operation, decided: tuple[tuple[str, float], ...]) -> str:
    """An operation's name with those of its words and counts that are no defaults."""
    usual = {p.name: 0.0 if p.kind == "choice" else p.default for p in operation.parameters}
    return camel(" ".join([operation.name, *(f"{key} {value:g}" for key, value in decided if value != usual[key])]))


def _seen(operation: Operation) -> tuple[list[str], dict[object, str]]:
    """The last parameters of a paint's or bump's helper: how it is seen."""
    heads = ["vec3 normal"] * operation.sided + ["vec3 footprint"] * operation.filtered
    return heads, _named({" ".join(dual.SPOT[3:]): "normal", " ".join(dual.WIDTHS): "footprint"})


@cache
def bump(operation: Operation, decided: tuple[tuple[str, float], ...]) -> Helper:
    """How steeply a height rises, in its own coordinates."""
    identity = {name: float(k % 4 == 0) for k, name in enumerate(dual.JACOBIAN)}
    trace = plane._of_rule(dual.bump_rule, operation).with_constants({**dict(decided), **identity, "distance_scale": 1.0})
    head, inputs = parameters([p for p in operation.parameters if p.continuous])
    name = _made_name(operation, decided)
    heads, texts = _seen(operation)
    heads = ["vec3 p", *head, *heads]
    text = function_text(f"vec3 {name}({', '.join(heads)})", trace, {**P, **inputs, **texts}, lambda t: [f"return {vec(t)};"], {"slope": 0})
    return _helper(name, text)


@cache
def bent() -> Helper:
    """The vector along the normal that light sees."""
    inputs = _named({"fx fy fz": "gradient", " ".join(shading.BUMP): "bump"})
    head = "vec3 bent(vec3 gradient, vec3 bump)"
    note = "// Along the normal of a surface with this gradient, as a height upon it turns it.\n"
    return _helper("bent", note + function_text(head, _of_rule(dual.bent_rule), inputs, lambda t: [f"return {vec(t)};"], {"facing": 0}))


FOOTPRINT = """// How much each of the coordinates that a frame leads to changes along the surface, over the width of the pixel.
vec3 footprint(mat3 frame, vec3 gradient) {
    vec3 normal = gradient / max(length(gradient), 0.01);
    float facing = dot(normal, rayDirection);
    vec3 farther = frame * rayDirection * (facing / max(facing * facing, 0.0025));
    mat3 rows = transpose(frame - outerProduct(farther, normal));
    return pixelHere * vec3(length(rows[0]), length(rows[1]), length(rows[2]));
}"""
