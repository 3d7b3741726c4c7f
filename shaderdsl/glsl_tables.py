"""Numbers of a shader in bulk: the points of outlines, tables of rows, and how parameters are named and read."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from shaderdsl import scene as ir
from shaderdsl.dual import ELEMENT
from shaderdsl.emit import GLSL
from shaderdsl.expression import Expr, Graph
from shaderdsl.glsl_print import WIDTH
from shaderdsl.tape import outline_elements

if TYPE_CHECKING:
    from shaderdsl.glsl_writer import Block

MOST_VECTORS = 200
"""vec4 uniforms that every WebGL2 has room for, with some to spare; more parameters go into a texture."""


def listed(kind: str, name: str, values: Sequence[str]) -> str:
    """A constant array, its lines filled."""
    lines, line = [], "   "
    for number, value in enumerate(values):
        piece = " " + value + ("," if number + 1 < len(values) else "")
        if len(line) + len(piece) > WIDTH:
            lines.append(line)
            line = "   "
        line += piece
    return "\n".join([f"const {kind} {name}[{len(values)}] = {kind}[{len(values)}](", *lines, line, ");"])


def parameter_access(vectors: int, es: bool) -> tuple[str, Callable[[int], str], str]:
    """(declaration, text of a parameter by its number, function that reads one by a computed number)."""
    if vectors <= MOST_VECTORS:
        return (
            f"uniform vec4 params[{vectors}];  // the program's numbers, four to a vector",
            lambda i: f"params[{i // 4}].{'xyzw'[i % 4]}",
            "float param(int number) {\n    return params[number >> 2][number & 3];\n}",
        )
    precision = "highp " if es else ""
    return (
        f"uniform {precision}sampler2D params_texture;  // the program's numbers, four to a texel",
        lambda i: f"texelFetch(params_texture, ivec2({i // 4}, 0), 0).{'xyzw'[i % 4]}",
        "float param(int number) {\n    return texelFetch(params_texture, ivec2(number >> 2, 0), 0)[number & 3];\n}",
    )


def parameter_names(names: Sequence[str], taken: set[str]) -> dict[int, str]:
    """Identifiers for parameters by number: unique, none in `taken`, and none that GLSL keeps for itself."""
    taken = set(taken)
    result: dict[int, str] = {}
    for number, name in enumerate(names):
        base = re.sub(r"_+", "_", re.sub(r"\W", "_", name, flags=re.ASCII)).strip("_")
        if not base or not base[0].isalpha() or base.startswith("gl_") or re.fullmatch(r"[PFN]_\d+", base):
            base = f"parameter_{base}".rstrip("_")
        chosen, count = base, 2
        while chosen in taken:
            chosen, count = f"{base}_{count}", count + 1
        taken.add(chosen)
        result[number] = chosen
    return result


class Points:
    """The points of all outlines in one table: points that lie on an outline and, where it has curves, the control
    point after each. Where parameters are uniforms, the table holds their numbers, but for that of the `time`."""

    def __init__(self, graph: Graph, values: Sequence[float], uniforms: bool, time: int | None) -> None:
        self.graph, self.uniforms, self.time = graph, uniforms, time
        self.inputs: dict[object, float] = dict(enumerate(values))
        self.points: list[tuple[Expr, Expr]] = []
        self.spans: list[tuple[int, int, bool, bool]] = []
        self.known: dict[int, int] = {}
        self.derived: dict[tuple[int, int], int] = {}
        self.access = "outlinePoint({})" if uniforms else "points[{}]"

    @property
    def reads_parameters(self) -> bool:
        return self.uniforms and bool(self.points)

    def span(self, shape: ir.Outline) -> tuple[int, bool, bool]:
        """(number of the outline, whether it has curves, whether it is closed); `spans` has its first point and count."""
        if id(shape) not in self.known:
            slots = outline_elements(shape, self.graph)
            elements = [slots[k : k + len(ELEMENT)] for k in range(0, len(slots), len(ELEMENT))]
            curved = any(e[6].constant == 1.0 for e in elements)
            closed = not any(e[7].constant for e in elements)
            self.known[id(shape)] = len(self.spans)
            self.spans.append((len(self.points), len(elements), curved, closed))
            for x0, y0, x1, y1, *_ in elements:
                self.points += [(x0, y0), (x1, y1)] if curved else [(x0, y0)]
            self.points.append((elements[-1][4], elements[-1][5]))
        number = self.known[id(shape)]
        return number, self.spans[number][2], self.spans[number][3]

    def tables(self) -> list[str]:
        """The declarations, with the function that reads them where there is one."""
        if not self.points:
            return []
        note = "// The points of outlines"
        if any(curved for _, _, curved, _ in self.spans):
            note += "; where there are curves, the control point behind each point of the outline\n"
            note += "// (equal to that point on a straight piece)"
        note += ".\n"
        if not self.uniforms:
            values = self.graph.evaluate([e for point in self.points for e in point], self.inputs)
            pairs = (map(GLSL.number, values[k : k + 2]) for k in range(0, len(values), 2))
            table = listed("vec2", "points", [f"vec2({', '.join(pair)})" for pair in pairs])
            return [note + (table.removeprefix("const ") if any(map(self.moves, self.points)) else table)]
        codes = [self.code(*point) for point in self.points]
        note += "// Each is the mean of two vertices, given by the numbers of their parameters.\n"
        texts = [listed("ivec2", "vertices", [f"ivec2({a}, {b})" for a, b in codes])]
        texts[0] = note + texts[0]
        vertex = "return vec2(param(number), param(number + 1));"
        if self.derived:
            texts.append(
                f"vec2 derived[{len(self.derived)}];  // vertices that are no plain parameters, by -1 - number"
            )
            vertex = "return number < 0 ? derived[-1 - number] : vec2(param(number), param(number + 1));"
        texts.append(f"vec2 vertex(int number) {{\n    {vertex}\n}}")
        texts.append("vec2 outlinePoint(int i) {\n    return 0.5 * (vertex(vertices[i].x) + vertex(vertices[i].y));\n}")
        return texts

    def code(self, x: Expr, y: Expr) -> tuple[int, int]:
        """Two vertices whose mean is a point: numbers of parameters, or of derived points below zero."""
        plain = self.parameters(x, y)
        if plain is not None:
            return plain, plain
        halves = [self.half_sum(e) for e in (x, y)]
        if halves[0] and halves[1]:
            for second in (halves[1], halves[1][::-1]):
                pair = [self.parameters(a, b) for a, b in zip(halves[0], second)]
                if pair[0] is not None and pair[1] is not None:
                    return pair[0], pair[1]
        number = -1 - self.derived.setdefault((x.index, y.index), len(self.derived))
        return number, number

    def parameters(self, x: Expr, y: Expr) -> int | None:
        """The number of the parameter x, if y is the next one and none is the time."""
        a, b = (self.graph.nodes[e.index] for e in (x, y))
        if a[0] == b[0] == "input" and b[1] == a[1] + 1 and self.time not in (a[1], b[1]):
            number: int = a[1]
            return number
        return None

    def half_sum(self, value: Expr) -> tuple[Expr, Expr] | None:
        """(a, b) of (a + b) / 2."""
        node = self.graph.nodes[value.index]
        if node[0] == "mul":
            for one, other in (node[1:], node[:0:-1]):
                inner = self.graph.nodes[other]
                if self.graph.constant_value(one) == 0.5 and inner[0] == "add":
                    return Expr(self.graph, inner[1]), Expr(self.graph, inner[2])
        return None

    def moves(self, point: tuple[Expr, Expr]) -> bool:
        """Whether a point depends on the time."""
        nodes = (self.graph.nodes[i] for i in self.graph.needed([e.index for e in point]))
        return self.time is not None and any(node == ("input", self.time) for node in nodes)

    def derived_statements(self, block: Block) -> None:
        """Appends what main does first where vertices are no plain parameters."""
        if not self.uniforms:
            for number, point in enumerate(self.points):
                if self.moves(point):
                    block.lines.append(f"points[{number}] = {block.vector(point)};")
            return
        for point in self.points:
            self.code(*point)
        for (x, y), number in self.derived.items():
            text = block.vector([Expr(self.graph, x), Expr(self.graph, y)])
            block.lines.append(f"derived[{number}] = {text};")
