"""Pieces of the Taichi kernels in space: an interpreter over tapes of solids, generated for the operations in use.

`Distances` evaluates the field's value alone, an instruction for 64 points at once, for marching. `Duals` evaluates the field
with its gradient at one point, with materials and creases, and backwards; see `render.solid_numpy` for what both compute,
and `render.taichi_kernels` for the plane's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from shaderdsl import dual as plane_dual, emit, shading, solid_dual as dual, solid_tape as tapes
from shaderdsl.dual import Rule
from shaderdsl.registry import Operation, continuous_names, scalar_names
from shaderdsl.tape import opcodes

LANES = 64
"""Points that an instruction is evaluated at together."""

ELEMENT_NAMES = ("ex0", "ey0", "ex1", "ey1", "ex2", "ey2", "ecurved", "eends")


def printed(
    rule: Rule, names: Mapping[object, str], results: Sequence[str], indent: int, reverse: bool = False, prefix: str = "k"
) -> str:
    """Statements that compute a rule's outputs (or, `reverse`, its adjoints) into variables; "" leaves an output out."""
    outputs = rule.reverse if reverse else rule.forward
    wanted = [(expression, name) for expression, name in zip(outputs, results) if name]
    statements, values = emit.print_graph(rule.graph, [e for e, _ in wanted], dict(names), emit.TAICHI, prefix=prefix)
    lines = [*statements, *(f"{name} = {value}" for (_, name), value in zip(wanted, values))]
    return "".join(" " * indent + line + "\n" for line in lines)


def own_names(operation: Operation, first: str) -> dict[object, str]:
    """The slots of an operation's parameters, from an expression of the first one's place."""
    return {name: f"slots[{first} + {k}]" for k, name in enumerate(scalar_names(operation))}


def chain(cases: Sequence[tuple[int, str]], variable: str, indent: int) -> str:
    """if / elif over opcodes; each body is indented by `indent` + 4 already."""
    text = ""
    for k, (number, body) in enumerate(cases):
        text += " " * indent + f"{'if' if k == 0 else 'elif'} {variable} == {number}:\n" + body
    return text


def one_of(numbers: Iterable[int], variable: str) -> str:
    return " or ".join(f"{variable} == {n}" for n in numbers) or "False"


def grouped(used: Iterable[int]) -> dict[str, list[tuple[int, Operation]]]:
    """The operations of some opcodes, by category."""
    groups: dict[str, list[tuple[int, Operation]]] = {
        k: [] for k in ("shape", "outline", "boolean", "modifier", "repetition", "extrusion", "paint", "light")
    }
    wanted, seen = set(used), set()
    for operation, opcode in opcodes(3).items():
        if opcode.number in wanted and opcode.number not in seen:
            seen.add(opcode.number)
            groups[operation.category].append((opcode.number, operation))
    return groups


class Distances:
    """Prints the evaluation of a program's values at LANES points.

    Points are `px[lane]`, `py[lane]`, `pz[lane]`. A register's value lies in `register[LANES * number + lane]`, its thickness is
    left out where nothing of the program's booleans reads it for the value (nothing does). Folded points lie in `space`.
    Instructions are those of `SolidTape.march`: registers are used again when nobody reads them any more.
    """

    def __init__(self, used: Iterable[int]) -> None:
        self.groups = grouped(used)
        self.folds = self.groups["repetition"] + self.groups["extrusion"]

    def text(self, indent: int) -> str:
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = f"{i}for item in range(length):\n"
        text += f"{j}op = code[first + item, 0]\n{j}source = code[first + item, 1]\n{j}second = code[first + item, 2]\n"
        text += f"{j}slot = slot_base + code[first + item, 3]\n{j}target = {LANES} * code[first + item, 5]\n"
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["shape"]:
            cases.append((number, self._shape(operation, indent + 8)))
        for number, operation in self.groups["outline"]:
            cases.append((number, self._outline(operation, indent + 8)))
        for number, operation in self.folds:
            cases.append((number, self._fold(operation, indent + 8)))
        for number, operation in self.groups["boolean"] + self.groups["modifier"]:
            cases.append((number, self._combination(operation, indent + 8)))
        del m
        return text + chain(cases, "op", indent + 4)

    def _place(self, indent: int, inner: int) -> tuple[str, str]:
        """(statements before the lanes' loop, statements in it) that give u, v, q of a point in its shape's coordinates."""
        i, deep = " " * indent, " " * inner
        before = "".join(f"{i}m{k} = slots[slot + {k}]\n" for k in range(12))
        inside = ""
        if self.folds:
            inside += f"{deep}x = px[lane]\n{deep}y = py[lane]\n{deep}z = pz[lane]\n{deep}if source > 0:\n"
            inside += "".join(
                f"{deep}    {c} = space[{3 * LANES} * source + {k * LANES} + lane]\n" for k, c in enumerate("xyz")
            )
        else:
            inside += f"{deep}x = px[lane]\n{deep}y = py[lane]\n{deep}z = pz[lane]\n"
        for k, c in enumerate("uvq"):
            inside += f"{deep}{c} = m{4 * k} * x + m{4 * k + 1} * y + m{4 * k + 2} * z + m{4 * k + 3}\n"
        return before, inside

    def _hoisted(self, operation: Operation, first: str, indent: int) -> tuple[str, dict[object, str]]:
        names: dict[object, str] = {name: f"n{k}" for k, name in enumerate(scalar_names(operation))}
        return "".join(" " * indent + f"n{k} = slots[{first} + {k}]\n" for k in range(len(names))), names

    def _shape(self, operation: Operation, indent: int) -> str:
        i, deep = " " * indent, " " * (indent + 4)
        before, inside = self._place(indent, indent + 4)
        own, names = self._hoisted(operation, f"slot + {tapes.PLACE}", indent)
        text = f"{before}{own}{i}scale = slots[slot + 12]\n{i}for lane in range({LANES}):\n{inside}"
        text += printed(dual.shape_rule(operation), {"x": "u", "y": "v", "z": "q", **names}, ("f",), indent + 4)
        return text + f"{deep}register[target + lane] = scale * f\n"

    def _combination(self, operation: Operation, indent: int) -> str:
        i, deep = " " * indent, " " * (indent + 4)
        own, names = self._hoisted(operation, "slot", indent)
        text = f"{own}{i}for lane in range({LANES}):\n"
        text += f"{deep}a0 = register[{LANES} * source + lane]\n"
        names["a_f"] = "a0"
        if operation.category == "boolean":
            text += f"{deep}b0 = register[{LANES} * second + lane]\n"
            names["b_f"] = "b0"
        text += printed(dual.combination_rule(operation), names, ("f",), indent + 4)
        return text + f"{deep}register[target + lane] = f\n"

    def _fold(self, operation: Operation, indent: int) -> str:
        i, deep = " " * indent, " " * (indent + 4)
        before, inside = self._place(indent, indent + 4)
        own, names = self._hoisted(operation, "slot + 12", indent)
        names["copy"] = "the_copy"
        text = f"{before}{own}"
        if operation.category == "repetition":
            text += f"{i}the_copy = slots[slot + {12 + len(scalar_names(operation))}]\n"
        text += f"{i}made = {3 * LANES} * code[first + item, 4]\n{i}for lane in range({LANES}):\n{inside}"
        text += printed(dual.space_rule(operation), {"x": "u", "y": "v", "z": "q", **names}, ("c0", "c1", "c2"), indent + 4)
        return text + "".join(f"{deep}space[made + {k * LANES} + lane] = c{k}\n" for k in range(3))

    def _outline(self, operation: Operation, indent: int) -> str:
        i, j, m, deep = (" " * (indent + k) for k in (0, 4, 8, 12))
        before, inside = self._place(indent, indent + 4)
        own, names = self._hoisted(operation, f"slot + {tapes.PLACE}", indent)
        names = {**names, "x": "u", "y": "v", **ELEMENT_INPUTS}
        first = f"slot + {tapes.PLACE + len(scalar_names(operation))}"
        text = f"{before}{own}{i}scale = slots[slot + 12]\n{i}for lane in range({LANES}):\n{inside}"
        text += f"{j}place_u[lane] = u\n{j}place_v[lane] = v\n{j}best[lane] = 1e30\n{j}inside[lane] = 0\n"
        text += f"{i}for e in range(code[first + item, 4]):\n"
        text += "".join(f"{j}{n} = slots[{first} + 8 * e + {k}]\n" for k, n in enumerate(ELEMENT_NAMES))
        text += f"{j}for lane in range({LANES}):\n{m}u = place_u[lane]\n{m}v = place_v[lane]\n{m}distance = 1e30\n"
        text += f"{m}if ecurved > 0.5:\n"
        text += printed(plane_dual.element_rule(operation, True), names, ("distance",), indent + 12)
        text += f"{m}else:\n" + printed(plane_dual.element_rule(operation, False), names, ("distance",), indent + 12)
        text += crossing(indent + 8) + f"{m}inside[lane] = inside[lane] ^ toggles\n"
        text += f"{m}best[lane] = ti.min(best[lane], distance)\n"
        text += f"{i}for lane in range({LANES}):\n{j}nearest = best[lane]\n{j}within = ti.cast(inside[lane], ti.f32)\n"
        text += printed(
            plane_dual.finish_rule(operation), {**names, "distance": "nearest", "inside": "within"}, ("f",), indent + 4
        )
        del deep
        return text + f"{j}register[target + lane] = scale * f\n"


ELEMENT_INPUTS: dict[object, str] = {"x0": "ex0", "y0": "ey0", "x1": "ex1", "y1": "ey1", "x2": "ex2", "y2": "ey2", "ends": "eends"}


def crossing(indent: int) -> str:
    """`toggles`, 1 where an element changes the side of (u, v): see `render.numpy_backend.crosses`."""
    i = " " * indent
    j = i + "    "
    return (
        f"{i}back = (ey2 < ey0) or (ey2 == ey0 and ex2 < ex0)\n"
        f"{i}cross = (ex2 - ex0) * (v - ey0) - (ey2 - ey0) * (u - ex0)\n"
        f"{i}if back:\n{j}cross = (ex2 - ex0) * (v - ey2) - (ey2 - ey0) * (u - ex2)\n"
        f"{i}left = cross > 0.0 or (back and cross == 0.0)\n"
        f"{i}toggles = 0\n"
        f"{i}if ((ey0 > v) != (ey2 > v)) and (left == (ey2 < ey0)):\n{j}toggles = 1\n"
        f"{i}area = (ex2 - ex0) * (ey1 - ey0) - (ey2 - ey0) * (ex1 - ex0)\n"
        f"{i}if ecurved > 0.5 and area != 0.0:\n"
        f"{j}weight = cross / area\n"
        f"{j}towards = ((ex1 - ex0) * (v - ey0) - (ey1 - ey0) * (u - ex0)) / -area\n"
        f"{j}half = 0.5 * weight + towards\n"
        f"{j}if (left == (area > 0.0)) and half * half < towards:\n{j}    toggles = 1 - toggles\n"
    )
