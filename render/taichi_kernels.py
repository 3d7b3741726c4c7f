"""Source text of the Taichi kernels: an interpreter over tapes, generated for the set of operations in use.

One interpreter runs any program made of its operations, so a fit compiles once and then only changes numbers and
instructions. Each operation's arithmetic is printed from its rule (`shaderdsl.dual`); this module adds what is common:
the affine map before a shape, registers, tiles, paint order, and the reverse pass. Kernels come in kinds:

- "image": pictures;
- "coverage": what the layers cover, one channel, for pictures of one colour;
- "score": squared error against a target, summed inside the kernel, for search;
- "without": the same without each layer in turn, from one drawing;
- "normal": the picture's Jacobian contracted on the fly to JᵀWJ, JᵀWr and the error, for least squares;
- "jacobian": the picture and its Jacobian, dense.

Work is divided into tasks, each a fixed set of 8x8 tiles, whose partial sums are added in a fixed order: results do not
depend on scheduling. Per tile every layer is first evaluated at the tile's centre; where |f| exceeds the layer's
Lipschitz constant times the tile's radius it covers nothing or everything and its instructions are skipped for the
tile's pixels (methods: "tiles skipped where |f| at the centre exceeds the tile's radius times the Lipschitz constant").
For the others, an outline lists the elements that matter in the tile, and booleans whose operands are far apart at the centre drop the one that can not win (as interval-pruning
renderers do: Keeter, "Massively parallel rendering of complex closed-form implicit surfaces", 2020).
What is far from the outline also decides for what comes next, as far as the field can not change its sign: a tile for
those to its right; a row of pixels for the rows below it; or, where an operation loops, a pixel for those to its right.
Only pixels on an edge run the reverse pass, and only parameters that reach them get entries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from textwrap import indent as indented

from render.taichi_text import ELEMENT_INPUTS, chain, grouped, one_of, own_names, printed
from shaderdsl import dual, tape as tapes
from shaderdsl.registry import FAT, Operation, continuous_names, scalar_names

ENTRY_WIDTH = 4
"""Channels: premultiplied red, green, blue, and alpha."""


_SEEN: dict[object, str] = {"x": "u", "y": "v", **{name: f"wide{k}" for k, name in enumerate(dual.WIDTHS)}}
"""What a paint reads."""


FIXED = 1 << 20
"""Added to an instruction's index in an active list: its value is that at the tile's centre."""


class Interpreter:
    """Prints the pieces of an interpreter for the opcodes in `used`."""

    def __init__(self, used: Iterable[int]) -> None:
        self.groups = grouped(used, 2)
        self.placed = [n for c in ("shape", "outline", "repetition") for n, _ in self.groups[c]]
        self.spaces = tapes.MAXIMUM_SPACES if self.groups["repetition"] else 1

    # -- forward ------------------------------------------------------------------------------------------

    def forward(self, indent: int, gradients: bool) -> str:
        """Evaluates the layer's active instructions at the point in `space`[0:6], into `value`.

        Without `gradients` values only, and each outline's nearest element into `chosen`; with them the whole duals
        (after a pass without, at the same point).
        """
        body = indent + 12
        shapes = [(n, self._shape(o, body, gradients)) for n, o in self.groups["shape"]]
        outline = self._nearest_dual if gradients else self._nearest
        shapes += [(n, outline(o, body)) for n, o in self.groups["outline"]]
        shapes += [(n, self._repetition(o, body, gradients)) for n, o in self.groups["repetition"]]
        combinations = [
            (n, self._combination(o, body, gradients)) for n, o in self.groups["boolean"] + self.groups["modifier"]
        ]
        width = 4 if gradients else 1
        i = " " * indent
        text = f"{i}for item in range(active_count):\n"
        i += "    "
        text += f"{i}entry_at = 3 * (list_base + item)\n{i}n = active[task, entry_at]\n"
        text += f"{i}if n >= {FIXED}:\n{i}    n -= {FIXED}\n"
        text += f"{i}    value[4 * n] = centre[task, list_base + n]\n"
        if gradients:
            text += f"{i}    value[4 * n + 1] = 0.0\n{i}    value[4 * n + 2] = 0.0\n{i}    value[4 * n + 3] = {FAT!r}\n"
        text += f"{i}else:\n"
        i += "    "
        text += f"{i}op = instructions[first + n, 0]\n{i}source = active[task, entry_at + 1]\n"
        text += f"{i}slot = slot_base + instructions[first + n, 3]\n"
        text += f"{i}if {one_of(self.placed, 'op')}:\n" + self._place(indent + 12, gradients)
        text += f"{i}    f = 0.0\n"
        if gradients:
            text += f"{i}    gu = 0.0\n{i}    gv = 0.0\n{i}    w = 0.0\n"
        text += indented(chain(shapes, "op", indent + 8), "    ")
        text += f"{i}    scale = slots[slot + 6]\n{i}    value[4 * n] = scale * f\n"
        if gradients:
            text += (
                f"{i}    value[4 * n + 1] = scale * (ux * gu + vx * gv)\n"
                f"{i}    value[4 * n + 2] = scale * (uy * gu + vy * gv)\n"
                f"{i}    value[4 * n + 3] = scale * w\n"
                f"{i}    slope[2 * n] = gu\n"
                f"{i}    slope[2 * n + 1] = gv\n"
            )
        if combinations:
            text += f"{i}else:\n" + self._operands(indent + 12, width)
            text += "".join(f"{i}    z{k} = 0.0\n" for k in range(width))
            text += indented(chain(combinations, "op", indent + 8), "    ")
            text += "".join(f"{i}    value[4 * n + {k}] = z{k}\n" for k in range(width))
        return text

    @property
    def by_rows(self) -> bool:
        """Whether values are computed for a tile's row at once (`lanes`): where no operation loops or moves space."""
        return not self.groups["outline"] and not self.groups["repetition"]

    def lanes(
        self, indent: int, count: int | str, point: tuple[str, str], register: Callable[[str, int], str], held: str, parts: int = 1
    ) -> str:
        """Evaluates the layer's active instructions at `count` points at once: values (`parts` = 1) or duals (4).

        One instruction is decoded for all of them, and its arithmetic stands in a loop of fixed length without
        branches, which LLVM makes vector code of. The arithmetic is that of `forward`. What is given are expressions:
        `point` is the place of point `lane`, `register` where a part of an instruction's result for it lies, and `held` the
        value at the tile's centre of instruction `n`.
        """
        i = " " * indent
        j, m, body, deep = (i + " " * k for k in (4, 8, 12, 16))
        loop = f"for lane in range({count}):\n"
        text = f"{i}for item in range(active_count):\n"
        text += f"{j}entry_at = 3 * (list_base + item)\n{j}n = active[task, entry_at]\n"
        text += f"{j}if n >= {FIXED}:\n{m}n -= {FIXED}\n{m}fixed = {held}\n{m}{loop}"
        text += "".join(f"{body}{register('n', k)} = {v}\n" for k, v in enumerate(("fixed", "0.0", "0.0", repr(FAT))[:parts]))
        text += f"{j}else:\n{m}op = instructions[first + n, 0]\n{m}source = active[task, entry_at + 1]\n"
        text += f"{m}second = active[task, entry_at + 2]\n{m}slot = slot_base + instructions[first + n, 3]\n"
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["shape"]:
            own, names = self._hoisted(operation, f"slot + {tapes.PLACE}", indent + 12)
            case = "".join(f"{body}m{k} = slots[slot + {k}]\n" for k in range(6)) + f"{body}scale = slots[slot + 6]\n"
            case += f"{own}{body}{loop}{deep}x = {point[0]}\n{deep}y = {point[1]}\n"
            case += f"{deep}u = m0 * x + m1 * y + m2\n{deep}v = m3 * x + m4 * y + m5\n"
            results = ("f", "gu", "gv", "w")[:parts]
            case += printed(dual.shape_rule(operation), {"x": "u", "y": "v", **names}, results, indent + 16)
            values = ("scale * f", "scale * (m0 * gu + m3 * gv)", "scale * (m1 * gu + m4 * gv)", "scale * w")
            case += "".join(f"{deep}{register('n', k)} = {v}\n" for k, v in enumerate(values[:parts]))
            cases.append((number, case))
        for number, operation in self.groups["boolean"] + self.groups["modifier"]:
            own, names = self._hoisted(operation, "slot", indent + 12)
            case = f"{own}{body}{loop}"
            for side, operand in (("a", "source"), ("b", "second")):
                case += "".join(f"{deep}{side}{k} = {register(operand, k)}\n" for k in range(parts))
                names.update({f"{side}_{part}": f"{side}{k}" for k, part in enumerate(dual.DUAL[:parts])})
            results = ("z0", "z1", "z2", "z3")[:parts]
            case += printed(dual.combination_rule(operation), names, results, indent + 16)
            case += "".join(f"{deep}{register('n', k)} = {z}\n" for k, z in enumerate(results))
            cases.append((number, case))
        return text + chain(cases, "op", indent + 8)

    def _hoisted(self, operation: Operation, first: str, indent: int) -> tuple[str, dict[object, str]]:
        """Statements that load an operation's parameters, and the names that they get."""
        names: dict[object, str] = {name: f"p{k}" for k, name in enumerate(scalar_names(operation))}
        return "".join(" " * indent + f"p{k} = slots[{first} + {k}]\n" for k in range(len(names))), names

    def prune(self, indent: int, value: str, kept: bool = False) -> str:
        """After values at a tile's centre: lists the instructions that the tile's pixels need.

        An operand that its boolean can not select anywhere in the tile (the values differ by more than both can
        change) is dropped, and the boolean with it where it then hands the other operand on unchanged; where it
        negates it, the dropped operand keeps its value at the centre. A soft edge reaches far, and an intersection
        is as thin as its thinner operand: where their values differ by that reach too, this does not show. `need`: 0 no, 1 the centre's value, 2 yes;
        `handed`: the register that holds an instruction's result. `value`: where an instruction's value is, {} its number;
        `kept`: that is already where they are looked up when they are needed.
        """
        first_value, second_value = value.format("source"), value.format("second")
        signs = {n: o.selects for n, o in self.groups["boolean"] if o.selects is not None}
        booleans = one_of([n for n, _ in self.groups["boolean"]], "op")
        placed = one_of(self.placed, "op")
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = f"{i}for k in range(length):\n{j}need[k] = 0\n{j}handed[k] = k\n{i}need[length - 1] = 2\n"
        text += f"{i}gap = lipschitz[lay] * (2.0 * radius + reach)\n{i}for back in range(length):\n"
        text += f"{j}n = length - 1 - back\n{j}op = instructions[first + n, 0]\n{j}source = instructions[first + n, 1]\n"
        if self.groups["repetition"]:
            text += f"{j}if {one_of([n for n, _ in self.groups['repetition']], 'op')}:\n{m}need[n] = 2\n"
        if self.groups["boolean"] or self.groups["modifier"]:
            text += f"{j}if need[n] == 2 and not ({placed}):\n{m}first_need = 2\n"
            text += f"{m}if {booleans}:\n{m}    second = instructions[first + n, 2]\n{m}    second_need = 2\n"
            for number, (a, b) in signs.items():
                text += f"{m}    if op == {number}:\n"
                text += f"{m}        if {a!r} * {first_value} + gap < {b!r} * {second_value}:\n"
                text += f"{m}            second_need = 0\n{m}            handed[n] = source\n"
                text += f"{m}        elif {b!r} * {second_value} + gap < {a!r} * {first_value}:\n"
                if a == b:
                    text += f"{m}            first_need = 0\n{m}            handed[n] = second\n"
                else:
                    text += f"{m}            first_need = 1\n"
            text += f"{m}    need[second] = ti.max(need[second], second_need)\n"
            text += f"{m}need[source] = ti.max(need[source], first_need)\n"
        text += f"{i}active_count = 0\n{i}for n in range(length):\n"
        text += f"{j}if handed[n] != n:\n{m}handed[n] = handed[handed[n]]\n"
        text += f"{j}elif need[n] > 0:\n{m}entry_at = 3 * (list_base + active_count)\n"
        text += f"{m}op = instructions[first + n, 0]\n{m}source = instructions[first + n, 1]\n"
        text += f"{m}second = instructions[first + n, 2]\n"
        text += f"{m}if need[n] == 2 and not ({placed}):\n{m}    source = handed[source]\n{m}    second = handed[second]\n"
        text += f"{m}active[task, entry_at] = n + {FIXED} * (2 - need[n])\n"
        text += f"{m}active[task, entry_at + 1] = source\n{m}active[task, entry_at + 2] = second\n"
        if not kept:
            text += f"{m}centre[task, list_base + n] = {value.format('n')}\n"
        text += f"{m}active_count += 1\n"
        return text + f"{i}root = handed[length - 1]\n"

    def _place(self, indent: int, gradients: bool) -> str:
        i = " " * indent
        text = "".join(f"{i}s{k} = space[6 * source + {k}]\n" for k in range(6 if gradients else 2))
        text += "".join(f"{i}m{k} = slots[slot + {k}]\n" for k in range(6))
        text += f"{i}u = m0 * s0 + m1 * s1 + m2\n{i}v = m3 * s0 + m4 * s1 + m5\n"
        if not gradients:
            return text
        return text + (
            f"{i}ux = m0 * s2 + m1 * s4\n{i}uy = m0 * s3 + m1 * s5\n"
            f"{i}vx = m3 * s2 + m4 * s4\n{i}vy = m3 * s3 + m4 * s5\n"
        )

    def _operands(self, indent: int, width: int = 4) -> str:
        i = " " * indent
        text = f"{i}second = active[task, entry_at + 2]\n"
        text += "".join(f"{i}a{k} = value[4 * source + {k}]\n" for k in range(width))
        return text + "".join(f"{i}b{k} = value[4 * second + {k}]\n" for k in range(width))

    def _shape_names(self, operation: Operation) -> dict[object, str]:
        return {"x": "u", "y": "v", **own_names(operation, f"slot + {tapes.PLACE}")}

    def _shape(self, operation: Operation, indent: int, gradients: bool) -> str:
        results = ("f", "gu", "gv", "w") if gradients else ("f",)
        return printed(dual.shape_rule(operation), self._shape_names(operation), results, indent)

    def _element(self, indent: int, index: str, first: str) -> str:
        i = " " * indent
        names = ("ex0", "ey0", "ex1", "ey1", "ex2", "ey2", "ecurved", "eends")
        return "".join(f"{i}{n} = slots[{first} + 8 * {index} + {k}]\n" for k, n in enumerate(names))

    def _outline_place(self, operation: Operation) -> tuple[str, dict[object, str]]:
        """The first slot of an outline's elements, and the names that its rules read."""
        first = f"slot + {tapes.PLACE + len(scalar_names(operation))}"
        return first, {**self._shape_names(operation), **ELEMENT_INPUTS}

    def _nearest(self, operation: Operation, indent: int) -> str:
        """Finds the nearest element and the side, keeps both in `chosen`, and computes the value."""
        i = " " * indent
        first, names = self._outline_place(operation)
        j = i + "    "
        text = f"{i}best = 1e30\n{i}nearest = 0\n{i}inside = 0.0\n{i}count = instructions[first + n, 4]\n"
        text += f"{i}list_at = ({first} - slot_base) // 8\n{i}whole = sample == 0 or source > 0\n"
        text += f"{i}if not whole:\n{j}count = near_count[task, list_base + n] >> 1\n"
        text += f"{j}inside = ti.cast(near_count[task, list_base + n] & 1, ti.f32)\n"
        text += f"{i}for k in range(count):\n{j}e = k\n{j}if not whole:\n{j}    e = near_elements[task, list_at + k]\n"
        text += self._element(indent + 4, "e", first)
        # The bounding box of the control points bounds the distance from below (a butt cap's by 1/√2 of it).
        bound = 0.999 if operation.lipschitz <= 1.0 else 0.49
        text += (
            # Either direction of a chord gives one number, and a point on it one side: pieces along one line leave no gap.
            f"{j}back = (ey2 < ey0) or (ey2 == ey0 and ex2 < ex0)\n"
            f"{j}cross = (ex2 - ex0) * (v - ey0) - (ey2 - ey0) * (u - ex0)\n"
            f"{j}if back:\n{j}    cross = (ex2 - ex0) * (v - ey2) - (ey2 - ey0) * (u - ex2)\n"
            f"{j}left = cross > 0.0 or (back and cross == 0.0)\n"
            f"{j}toggles = ((ey0 > v) != (ey2 > v)) and (left == (ey2 < ey0))\n"
            f"{j}gap_x = ti.max(ti.min(ex0, ex1, ex2) - u, u - ti.max(ex0, ex1, ex2), 0.0)\n"
            f"{j}gap_y = ti.max(ti.min(ey0, ey1, ey2) - v, v - ti.max(ey0, ey1, ey2), 0.0)\n"
            f"{j}near = {bound} * (gap_x * gap_x + gap_y * gap_y) < best * best\n"
            f"{j}distance = 1e30\n"
            f"{j}if ecurved > 0.5:\n"
            f"{j}    area = (ex2 - ex0) * (ey1 - ey0) - (ey2 - ey0) * (ex1 - ex0)\n"
            f"{j}    if area != 0.0:\n"
            f"{j}        weight = cross / area\n"
            f"{j}        towards = ((ex1 - ex0) * (v - ey0) - (ey1 - ey0) * (u - ex0)) / -area\n"
            f"{j}        half = 0.5 * weight + towards\n"
            f"{j}        if (left == (area > 0.0)) and half * half < towards:\n"
            f"{j}            toggles = not toggles\n"
            f"{j}    if near:\n"
        )
        text += printed(dual.element_rule(operation, True), names, ("distance",), indent + 12)
        text += f"{j}elif near:\n"
        text += printed(dual.element_rule(operation, False), names, ("distance",), indent + 8)
        text += f"{j}if toggles:\n{j}    inside = 1.0 - inside\n"
        text += f"{j}if distance < best:\n{j}    best = distance\n{j}    nearest = e\n"
        text += f"{i}chosen[2 * n] = nearest\n{i}chosen[2 * n + 1] = ti.cast(inside, ti.i32)\n"
        text += f"{i}if sample == 0 and source == 0:\n" + self._near(operation, indent + 4, first)
        names = {**names, "distance": "best", "inside": "inside"}
        return text + printed(dual.finish_rule(operation), names, ("f",), indent)

    def _near(self, operation: Operation, indent: int, first: str) -> str:
        """After the nearest distance `best` at a tile's centre: lists the elements that the tile's pixels need.

        Those that can be nearest somewhere in the tile (no distance changes by more than the way to the centre), and
        those that can change its side within the tile. A ray to the left crosses all others everywhere or nowhere:
        they make one parity. The list's length and that parity are kept as one number, 2 length + parity.
        """
        i = " " * indent
        j = i + "    "
        # A butt cap's distance grows by up to √2 a unit, and is bounded by 1/√2 of the box's.
        bound = "gap" if operation.lipschitz <= 1.0 else "0.7 * gap"
        reach = 2.01 if operation.lipschitz <= 1.0 else 2.2
        # The nearest at the centre comes first: most others are then too far for a look at more than their box.
        text = f"{i}around = radius * ti.sqrt(m0 * m0 + m1 * m1 + m3 * m3 + m4 * m4)\n{i}kept = 1\n{i}parity = 0\n"
        text += f"{i}near_elements[task, list_at] = nearest\n"
        text += f"{i}for e in range(count):\n" + self._element(indent + 4, "e", first)
        return text + (
            f"{j}gap_x = ti.max(ti.min(ex0, ex1, ex2) - u, u - ti.max(ex0, ex1, ex2), 0.0)\n"
            f"{j}gap_y = ti.max(ti.min(ey0, ey1, ey2) - v, v - ti.max(ey0, ey1, ey2), 0.0)\n"
            f"{j}gap = ti.sqrt(gap_x * gap_x + gap_y * gap_y)\n"
            f"{j}keep = {bound} <= best + {reach} * around\n"
            f"{j}if not keep and gap_y <= around and ti.min(ex0, ex1, ex2) <= u + around:\n"
            f"{j}    if gap_x <= around or ti.min(ti.abs(ey0 - v), ti.abs(ey2 - v)) <= around:\n"
            f"{j}        keep = True\n"
            f"{j}    elif (ey0 > v) != (ey2 > v):\n"
            f"{j}        parity = 1 - parity\n"
            f"{j}if keep and e != nearest:\n"
            f"{j}    near_elements[task, list_at + kept] = e\n"
            f"{j}    kept += 1\n"
            f"{i}near_count[task, list_base + n] = 2 * kept + parity\n"
        )

    def _nearest_dual(self, operation: Operation, indent: int, reverse: bool = False) -> str:
        """Loads the nearest element and runs its rule."""
        i = " " * indent
        first, names = self._outline_place(operation)
        text = f"{i}which = chosen[2 * n]\n{i}side = ti.cast(chosen[2 * n + 1], ti.f32)\n"
        for k, name in enumerate(("ex0", "ey0", "ex1", "ey1", "ex2", "ey2", "ecurved", "eends")):
            text += f"{i}c{name} = slots[{first} + 8 * which + {k}]\n"
        names = {**names, **{k: "c" + v for k, v in ELEMENT_INPUTS.items()}, "inside": "side"}
        for curved, head in ((True, "if cecurved > 0.5:"), (False, "else:")):
            rule = dual.outline_rule(operation, curved)
            text += f"{i}{head}\n"
            if not reverse:
                text += printed(rule, names, ("f", "gu", "gv", "w"), indent + 4)
                continue
            seeds: dict[object, str] = {"d_f": "df", "d_fx": "dgu", "d_fy": "dgv", "d_w": "dw"}
            values = [f"o{k}" for k in range(len(rule.differentiated))]
            text += printed(rule, {**names, **seeds}, values, indent + 4, reverse=True)
            text += f"{i}    du = o0\n{i}    dv = o1\n"
            own = len(continuous_names(operation))
            text += self._keep(operation, values[2 : 2 + own], tapes.PLACE, indent + 4)
            moved = dict(zip(rule.differentiated[2 + own :], values[2 + own :]))
            for k, name in enumerate(dual.ELEMENT[:6]):
                text += f"{i}    element[{k}] = {moved.get(name, '0.0')}\n"
        if reverse:
            text += f"{i}element_slot = {first} + 8 * which\n{i}for k in range(6):\n"
            text += self._push("element_slot + k", "element[k]", indent + 4)
        return text

    def _repetition(self, operation: Operation, indent: int, gradients: bool) -> str:
        i = " " * indent
        rule = dual.repetition_rule(operation)
        results = [f"q{k}" for k in range(6 if gradients else 2)]
        text = printed(rule, self._repetition_names(operation), results, indent)
        text += f"{i}made = instructions[first + n, 4]\n"
        return text + "".join(f"{i}space[6 * made + {k}] = {q}\n" for k, q in enumerate(results))

    def _repetition_names(self, operation: Operation) -> dict[object, str]:
        own = len(scalar_names(operation))
        return {
            "x": "u", "y": "v", "xx": "ux", "xy": "uy", "yx": "vx", "yy": "vy", "copy": f"slots[slot + {6 + own}]",
            **own_names(operation, "slot + 6"),
        }  # fmt: skip

    def _combination_names(self, operation: Operation) -> dict[object, str]:
        names: dict[object, str] = {f"{p}_{q}": f"{p}{k}" for p in "ab" for k, q in enumerate(dual.DUAL)}
        return {**names, **own_names(operation, "slot")}

    def _combination(self, operation: Operation, indent: int, gradients: bool) -> str:
        rule = dual.combination_rule(operation)
        results = ("z0", "z1", "z2", "z3") if gradients else ("z0",)
        return printed(rule, self._combination_names(operation), results, indent)

    # -- reverse ------------------------------------------------------------------------------------------

    def reverse(self, indent: int) -> str:
        """Runs the layer backwards from the seeds in `seed0..3`, adding to the parameters' adjoints."""
        i = " " * indent
        text = f"{i}for k in range(4 * length):\n{i}    adjoint[k] = 0.0\n"
        if self.spaces > 1:
            text += f"{i}for k in range({6 * self.spaces}):\n{i}    space_adjoint[k] = 0.0\n"
        text += "".join(f"{i}adjoint[4 * root + {k}] = seed{k}\n" for k in range(4))
        text += f"{i}for back in range(active_count):\n"
        i += "    "
        text += f"{i}entry_at = 3 * (list_base + active_count - 1 - back)\n{i}n = active[task, entry_at]\n{i}operand = 0\n"
        text += f"{i}if n >= {FIXED}:\n{i}    n -= {FIXED}\n{i}    operand = 1\n"
        text += f"{i}op = instructions[first + n, 0]\n{i}source = active[task, entry_at + 1]\n"
        text += f"{i}slot = slot_base + instructions[first + n, 3]\n"
        text += "".join(f"{i}d{k} = adjoint[4 * n + {k}]\n" for k in range(4))
        active = f"{i}if operand == 0 and (d0 != 0.0 or d1 != 0.0 or d2 != 0.0 or d3 != 0.0):\n"
        if self.groups["repetition"]:
            repeats = one_of([n for n, _ in self.groups["repetition"]], "op")
            active = f"{i}if operand == 0 and (d0 != 0.0 or d1 != 0.0 or d2 != 0.0 or d3 != 0.0 or {repeats}):\n"
        text += active
        i += "    "
        text += f"{i}if {one_of(self.placed, 'op')}:\n" + self._reverse_placed(indent + 12)
        combos = self.groups["boolean"] + self.groups["modifier"]
        if combos:
            text += f"{i}else:\n" + self._operands(indent + 12)
            j = i + "    "
            text += "".join(f"{j}e{k} = 0.0\n" for k in range(8)) + f"{j}own_count = 0\n"
            cases = [(number, self._reverse_combination(operation, indent + 16)) for number, operation in combos]
            text += chain(cases, "op", indent + 12)
            text += "".join(f"{j}adjoint[4 * source + {k}] += e{k}\n" for k in range(4))
            if self.groups["boolean"]:
                text += f"{j}if {one_of([n for n, _ in self.groups['boolean']], 'op')}:\n"
                text += "".join(f"{j}    adjoint[4 * second + {k}] += e{k + 4}\n" for k in range(4))
            text += f"{j}for k in range(own_count):\n" + self._push("slot + k", "own[k]", indent + 16)
        return text

    def _reverse_combination(self, operation: Operation, indent: int) -> str:
        rule = dual.combination_rule(operation)
        names = self._combination_names(operation)
        names.update({f"d_{q}": f"d{k}" for k, q in enumerate(dual.DUAL)})
        inputs = 8 if operation.category == "boolean" else 4
        own = [f"g{k}" for k in range(len(rule.differentiated) - inputs)]
        text = printed(rule, names, [*(f"e{k}" for k in range(inputs)), *own], indent, reverse=True)
        return text + self._keep(operation, own, 0, indent)

    def _reverse_placed(self, indent: int) -> str:
        i = " " * indent
        text = self._place(indent, True)
        text += "".join(f"{i}{n} = 0.0\n" for n in ("du", "dv", "dux", "duy", "dvx", "dvy"))
        text += f"{i}own_count = {tapes.PLACE}\n"
        leaves = self.groups["shape"] + self.groups["outline"]
        text += f"{i}scale = slots[slot + 6]\n"
        text += (
            f"{i}df = scale * d0\n{i}dgu = scale * (ux * d1 + uy * d2)\n"
            f"{i}dgv = scale * (vx * d1 + vy * d2)\n{i}dw = scale * d3\n"
        )
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["shape"]:
            cases.append((number, self._reverse_shape(operation, indent + 4)))
        for number, operation in self.groups["outline"]:
            cases.append((number, self._nearest_dual(operation, indent + 4, reverse=True)))
        for number, operation in self.groups["repetition"]:
            cases.append((number, self._reverse_repetition(operation, indent + 4)))
        text += chain(cases, "op", indent)
        if self.groups["repetition"]:
            text += f"{i}if {one_of([n for n, _ in leaves], 'op')}:\n"
            block = indent + 4
        else:
            block = indent
        j = " " * block
        text += (
            f"{j}gu = slope[2 * n]\n{j}gv = slope[2 * n + 1]\n"
            f"{j}dscale = (d0 * value[4 * n] + d1 * value[4 * n + 1] + d2 * value[4 * n + 2]"
            " + d3 * value[4 * n + 3]) / scale\n"
            f"{j}dux = scale * gu * d1\n{j}duy = scale * gu * d2\n{j}dvx = scale * gv * d1\n{j}dvy = scale * gv * d2\n"
        )
        text += f"{j}own[6] = dscale\n"
        text += self._reverse_map(indent)
        text += f"{i}for k in range(own_count):\n" + self._push("slot + k", "own[k]", indent + 4)
        if self.spaces > 1:
            parts = (
                "m0 * du + m3 * dv", "m1 * du + m4 * dv", "m0 * dux + m3 * dvx",
                "m0 * duy + m3 * dvy", "m1 * dux + m4 * dvx", "m1 * duy + m4 * dvy",
            )  # fmt: skip
            text += "".join(f"{i}space_adjoint[6 * source + {k}] += {p}\n" for k, p in enumerate(parts))
        return text

    def _reverse_map(self, indent: int) -> str:
        values = (
            "du * s0 + dux * s2 + duy * s3", "du * s1 + dux * s4 + duy * s5", "du",
            "dv * s0 + dvx * s2 + dvy * s3", "dv * s1 + dvx * s4 + dvy * s5", "dv",
        )  # fmt: skip
        return "".join(" " * indent + f"own[{k}] = {value}\n" for k, value in enumerate(values))

    def _reverse_shape(self, operation: Operation, indent: int) -> str:
        rule = dual.shape_rule(operation)
        names = self._shape_names(operation)
        seeds: dict[object, str] = {"d_f": "df", "d_fx": "dgu", "d_fy": "dgv", "d_w": "dw"}
        own = [f"g{k}" for k in range(len(rule.differentiated) - 2)]
        text = printed(rule, {**names, **seeds}, ("du", "dv", *own), indent, reverse=True)
        return text + self._keep(operation, own, tapes.PLACE, indent)

    def _reverse_repetition(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        rule = dual.repetition_rule(operation)
        text = f"{i}made = instructions[first + n, 4]\n"
        text += "".join(f"{i}p{k} = space_adjoint[6 * made + {k}]\n" for k in range(6))
        seeds: dict[object, str] = {f"d_{name}": f"p{k}" for k, name in enumerate(dual.SPACE)}
        own = [f"g{k}" for k in range(len(rule.differentiated) - 6)]
        results = ("du", "dv", "dux", "duy", "dvx", "dvy", *own)
        text += printed(rule, {**self._repetition_names(operation), **seeds}, results, indent, reverse=True)
        return text + self._keep(operation, own, 6, indent)

    def _keep(self, operation: Operation, values: Sequence[str], offset: int, indent: int) -> str:
        """Stores the adjoints of an operation's parameters in `own`, behind `offset` other slots of its block."""
        found = dict(zip(continuous_names(operation), values))
        names = scalar_names(operation)
        i = " " * indent
        text = "".join(f"{i}own[{offset + k}] = {found.get(name, '0.0')}\n" for k, name in enumerate(names))
        return text + f"{i}own_count = {offset + len(names)}\n"

    def _push(self, slot: str, value: str, indent: int) -> str:
        """Adds `value` times the slot's derivative to the sums of the parameters that it depends on."""
        i = " " * indent
        return (
            f"{i}pushed = {value}\n{i}if pushed != 0.0:\n"
            f"{i}    entry_row = row_first + {slot} - slot_base\n"
            f"{i}    for q in range(rows[entry_row], rows[entry_row + 1]):\n"
            f"{i}        column = columns[column_first + q]\n"
            f"{i}        if marks[task, column] != stamp:\n"
            f"{i}            marks[task, column] = stamp\n"
            f"{i}            touched[task, touched_count] = column\n"
            f"{i}            touched_count += 1\n"
            f"{i}            sums[task, column] = 0.0\n"
            f"{i}        sums[task, column] += pushed * weights[weight_first + q]\n"
        )

    # -- paint --------------------------------------------------------------------------------------------

    def paint(self, indent: int) -> str:
        """What a pixel at (u, v), which is `wide0` and `wide1` wide, shows of the paint of layer row `lay`: `place0`, `place1` and
        `shown`."""
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["paint"]:
            if scalar_names(operation):
                names = {**_SEEN, **own_names(operation, "paint_slot + 6")}
                cases.append((number, printed(dual.paint_rule(operation), names, ("place0", "place1", "shown"), indent + 4)))
        return chain(cases, "paint_op", indent)

    def stop_offset(self) -> str:
        """Scalars between a paint's map and its colours, as an expression of `paint_op`."""
        text = "0"
        for number, operation in self.groups["paint"]:
            if scalar_names(operation):
                text = f"ti.select(paint_op == {number}, {len(scalar_names(operation))}, {text})"
        return text

    def paint_reverse(self, indent: int) -> str:
        """Adjoints of one `aspect` of BLEND by the paint's slots, pushed."""
        i = " " * indent
        cases: list[tuple[int, str]] = []
        for number, operation in self.groups["paint"]:
            if not scalar_names(operation):
                continue
            rule = dual.paint_rule(operation)
            names = {**_SEEN, **own_names(operation, "paint_slot + 6")}
            names.update({f"d_{name}": f"ti.select(aspect == {k}, 1.0, 0.0)" for k, name in enumerate(dual.BLEND)})
            own = [f"g{k}" for k in range(len(rule.differentiated) - 4)]
            text = printed(rule, names, ("du", "dv", "grow0", "grow1", *own), indent + 4, reverse=True)
            cases.append((number, text + self._keep(operation, own, 6, indent + 4)))
        if not cases:
            return f"{i}pass\n"
        text = f"{i}du = 0.0\n{i}dv = 0.0\n{i}grow0 = 0.0\n{i}grow1 = 0.0\n{i}own_count = 6\n" + chain(cases, "paint_op", indent)
        for row, moved in enumerate(("du", "dv")):
            # A width is the pixel's times the length of its row of the map.
            text += f"{i}grow{row} *= pixel * pixel / ti.max(wide{row}, 1e-12)\n"
            text += "".join(
                f"{i}own[{3 * row + k}] = {moved} * {at} + grow{row} * slots[paint_slot + {3 * row + k}]\n" for k, at in enumerate(("px", "py"))
            )
            text += f"{i}own[{3 * row + 2}] = {moved}\n"
        return text + f"{i}for k in range(own_count):\n" + self._push("paint_slot + k", "own[k]", indent + 4)

    @property
    def filtered(self) -> bool:
        """Whether there are textures, of which a pixel shows two places on their ramp."""
        return any(operation.filtered for _, operation in self.groups["paint"])

    @property
    def own_width(self) -> int:
        """The longest block of slots that one instruction or paint has, elements apart."""
        widest = max((len(scalar_names(o)) for group in self.groups.values() for _, o in group), default=0)
        return tapes.PLACE + widest + 1
