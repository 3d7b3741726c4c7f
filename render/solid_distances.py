"""The text of the interpreter that evaluates a scene's distance alone, an instruction for 64 points at once, for marching.

See `render.solid_numpy_field.Distances` for what it computes.
"""

from __future__ import annotations

from collections.abc import Iterable

from render.taichi_text import ELEMENT_INPUTS, ELEMENT_NAMES, chain, crossing, grouped, printed
from shaderdsl import dual as plane_dual, solid_dual as dual, solid_tape as tapes
from shaderdsl.registry import OPERANDS, Operation, scalar_names


def tile_constants(side: int) -> str:
    """The constants of a kernel whose instructions are evaluated at a tile of side x side points together, LANES of them."""
    return f"TILE = {side}\nLANES = {side * side}\n"


class Distances:
    """Prints the evaluation of a program's values at LANES points.

    Points are `px[lane]`, `py[lane]`, `pz[lane]`. A register's value lies in `register[LANES * number + lane]`, its thickness is
    left out where nothing of the program's booleans reads it for the value (nothing does). Folded points lie in `space`.
    Instructions are those of `SolidTape.march`: registers are used again when nobody reads them any more.
    """

    def __init__(self, used: Iterable[int]) -> None:
        self.groups = grouped(used)
        self.folds = self.groups["repetition"] + self.groups["extrusion"]

    def text(self, indent: int, dropped: str, noted: str = "") -> str:
        """`dropped`: the condition under which part `part` of `SolidTape.parts` is left out; `noted`: what is done with each part's
        value before it is united with the others, whose instruction is `item`."""
        i = " " * indent
        text = f"{i}for part in range(part_count):\n{i}    start_at = parts[part_first + part, 0]\n"
        text += f"{i}    stop_at = parts[part_first + part, 1]\n{i}    if part > 0:\n{i}        stop_at += 1\n"
        text += f"{i}    if {dropped}:\n{i}        if part == 0:\n{i}            stop_at = start_at\n"
        text += f"{i}            for lane in range(LANES):\n"
        text += f"{i}                register[LANES * code[first + length - 1, 5] + lane] = 1e10\n"
        text += f"{i}        else:\n{i}            stop_at = start_at\n"
        indent += 4
        i = " " * indent
        j = i + "    "
        text += f"{i}for item in range(start_at, stop_at):\n"
        if noted:
            text += f"{j}if part > 0 and item == stop_at - 1:\n" + noted.replace("\n", "\n" + j + "    ").join((j + "    ", "\n"))
        text += f"{j}op = code[first + item, 0]\n{j}source = code[first + item, 1]\n{j}second = code[first + item, 2]\n"
        text += f"{j}slot = slot_base + code[first + item, 3]\n{j}target = LANES * code[first + item, 5]\n"
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["shape"]:
            cases.append((number, self._shape(operation, indent + 8)))
        for number, operation in self.groups["outline"]:
            cases.append((number, self._outline(operation, indent + 8)))
        for number, operation in self.folds:
            cases.append((number, self._fold(operation, indent + 8)))
        for number, operation in self.groups["boolean"] + self.groups["modifier"] + self.groups["loft"]:
            cases.append((number, self._combination(operation, indent + 8)))
        return text + chain(cases, "op", indent + 4)

    def _place(self, indent: int, inner: int) -> tuple[str, str]:
        """(statements before the lanes' loop, statements in it) that give u, v, q of a point in its shape's coordinates."""
        i, deep = " " * indent, " " * inner
        before = "".join(f"{i}m{k} = slots[slot + {k}]\n" for k in range(12))
        inside = ""
        if self.folds:
            inside += f"{deep}x = px[lane]\n{deep}y = py[lane]\n{deep}z = pz[lane]\n{deep}if source > 0:\n"
            inside += "".join(
                f"{deep}    {c} = space[3 * LANES * source + {k} * LANES + lane]\n" for k, c in enumerate("xyz")
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
        text = f"{before}{own}{i}scale = slots[slot + 12]\n{i}for lane in range(LANES):\n{inside}"
        text += printed(dual.shape_rule(operation), {"x": "u", "y": "v", "z": "q", **names}, ("f",), indent + 4)
        return text + f"{deep}register[target + lane] = scale * f\n"

    def _combination(self, operation: Operation, indent: int) -> str:
        i, deep = " " * indent, " " * (indent + 4)
        own, names = self._hoisted(operation, "slot", indent)
        text = f"{own}{i}for lane in range(LANES):\n"
        for operand, place in zip(OPERANDS[operation.category], ("source", "second", "code[first + item, 4]")):
            text += f"{deep}{operand}0 = register[LANES * {place} + lane]\n"
            names[f"{operand}_f"] = f"{operand}0"
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
        text += f"{i}made = 3 * LANES * code[first + item, 4]\n{i}for lane in range(LANES):\n{inside}"
        text += printed(dual.space_rule(operation), {"x": "u", "y": "v", "z": "q", **names}, ("c0", "c1", "c2"), indent + 4)
        return text + "".join(f"{deep}space[made + {k} * LANES + lane] = c{k}\n" for k in range(3))

    def _outline(self, operation: Operation, indent: int) -> str:
        i, j, m = (" " * (indent + k) for k in (0, 4, 8))
        before, inside = self._place(indent, indent + 4)
        own, names = self._hoisted(operation, f"slot + {tapes.PLACE}", indent)
        names = {**names, "x": "u", "y": "v", **ELEMENT_INPUTS}
        first = f"slot + {tapes.PLACE + len(scalar_names(operation))}"
        text = f"{before}{own}{i}scale = slots[slot + 12]\n{i}for lane in range(LANES):\n{inside}"
        text += f"{j}place_u[lane] = u\n{j}place_v[lane] = v\n{j}best[lane] = 1e30\n{j}inside[lane] = 0\n"
        text += f"{i}for e in range(code[first + item, 4]):\n"
        text += "".join(f"{j}{n} = slots[{first} + 8 * e + {k}]\n" for k, n in enumerate(ELEMENT_NAMES))
        text += f"{j}for lane in range(LANES):\n{m}u = place_u[lane]\n{m}v = place_v[lane]\n{m}distance = 1e30\n"
        text += f"{m}if ecurved > 0.5:\n"
        text += printed(plane_dual.element_rule(operation, True), names, ("distance",), indent + 12)
        text += f"{m}else:\n" + printed(plane_dual.element_rule(operation, False), names, ("distance",), indent + 12)
        text += crossing(indent + 8) + f"{m}inside[lane] = inside[lane] ^ toggles\n"
        text += f"{m}best[lane] = ti.min(best[lane], distance)\n"
        text += f"{i}for lane in range(LANES):\n{j}nearest = best[lane]\n{j}within = ti.cast(inside[lane], ti.f32)\n"
        text += printed(
            plane_dual.finish_rule(operation), {**names, "distance": "nearest", "inside": "within"}, ("f",), indent + 4
        )
        return text + f"{j}register[target + lane] = scale * f\n"
