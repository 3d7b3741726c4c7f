"""The text of the interpreter that evaluates a scene's field at one point, with its gradient, creases and materials, and backwards.

It is generated for the operations in use; see `render.solid_numpy_field` for what it computes, and `render.taichi_kernels` for
the plane's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from render.taichi_text import ELEMENT_INPUTS, ELEMENT_NAMES, chain, crossing, grouped, one_of, own_names, printed
from shaderdsl import dual as plane_dual, shading, solid_dual as dual, solid_tape as tapes
from shaderdsl.dual import Rule
from shaderdsl.registry import OPERANDS, Operation, continuous_names, scalar_names
from shaderdsl.view import SECOND


def _sum(terms: Iterable[str]) -> str:
    return " + ".join(terms)


class Duals:
    """Prints the evaluation of a program's duals at one point, forward and backwards.

    The point is `x0`, `x1`, `x2`; the ray `d0`.. and the axes `a0`.. with the pixel's size `wide` there measure creases. A register
    is five numbers of `value` (DUAL), the nearest crease's `offset` in pixels and its instruction `crease`; `first` says which
    branch an instruction took. `flip` is the instruction whose branch is turned, or -1.
    """

    def __init__(self, used: Iterable[int]) -> None:
        self.groups = grouped(used)
        self.folds = self.groups["repetition"] + self.groups["extrusion"]
        self.sharp = [(n, o) for n, o in self.groups["boolean"] if o.selects is not None]
        self.blends = [(n, o) for n, o in self.groups["boolean"] if o.selects is None]
        self.combined = self.groups["boolean"] + self.groups["modifier"] + self.groups["loft"]
        self.leaves = self.groups["shape"] + self.groups["outline"]
        self.bumps = self.groups["bump"]
        self.sided = any(o.sided for _, o in self.groups["paint"] + self.bumps)
        self.filtered = any(o.filtered for _, o in self.groups["paint"] + self.bumps)
        # Without a texture a pixel shows one place on each ramp.
        self.sides = (0, 1) if self.filtered else (0,)
        self.surface = len(shading.SURFACE if self.bumps else shading.MATERIAL)

    @property
    def own_width(self) -> int:
        """The longest block of slots that an instruction, paint or light has, elements apart."""
        widest = max((len(scalar_names(o)) for group in self.groups.values() for _, o in group), default=0)
        return tapes.PLACE + widest + 1

    # -- forward ------------------------------------------------------------------------------------------

    def forward(self, indent: int) -> str:
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = ""
        if self.folds:
            text += "".join(f"{i}space[{k}] = {v}\n" for k, v in enumerate(("x0", "x1", "x2", *("1.0" if k % 4 == 0 else "0.0" for k in range(9)))))
        # A part that is nowhere near counts as far away.
        text += f"{i}for part in range(part_count):\n{i}    start_at = parts[part_first + part, 0]\n"
        text += f"{i}    stop_at = parts[part_first + part, 1]\n"
        text += f"{i}    if (masks[b, tile, part >> 5] >> (part & 31)) & 1 == 0:\n{i}        start_at = stop_at\n"
        text += f"{i}        value[5 * (stop_at - 1)] = 1e9\n"
        text += "".join(f"{i}        value[5 * (stop_at - 1) + {k}] = 0.0\n" for k in range(1, 5))
        text += f"{i}        offset[stop_at - 1] = 1e9\n{i}        crease[stop_at - 1] = -1\n"
        text += f"{i}    if part > 0:\n{i}        stop_at += 1\n"
        indent += 4
        i = " " * indent
        j, m = i + "    ", i + "        "
        text += f"{i}for n in range(start_at, stop_at):\n"
        text += f"{j}op = instructions[begin + n, 0]\n{j}source = instructions[begin + n, 1]\n"
        text += f"{j}second = instructions[begin + n, 2]\n{j}slot = slot_base + instructions[begin + n, 3]\n"
        text += f"{j}z0 = 0.0\n{j}z1 = 0.0\n{j}z2 = 0.0\n{j}z3 = 0.0\n{j}z4 = 0.0\n{j}b0 = 0.0\n{j}b1 = 0.0\n{j}b2 = 0.0\n{j}b3 = 0.0\n"
        text += f"{j}edge = {1e9!r}\n{j}edge_at = -1\n{j}beside = 0\n{j}one = 1\n"
        placed = [n for n, _ in self.leaves + self.folds]
        text += f"{j}if {one_of(placed, 'op')}:\n" + self._place(indent + 8)
        cases = [(n, self._leaf(o, indent + 12)) for n, o in self.groups["shape"]]
        cases += [(n, self._outline(o, indent + 12)) for n, o in self.groups["outline"]]
        cases += [(n, self._fold(o, indent + 12)) for n, o in self.folds]
        text += chain(cases, "op", indent + 8)
        if self.combined:
            text += f"{j}else:\n" + self._operands(indent + 8)
            if self.sharp:
                text += f"{m}if {one_of([n for n, _ in self.sharp], 'op')}:\n" + self._sharp(indent + 12)
            rest = self.blends + self.groups["modifier"] + self.groups["loft"]
            if rest:
                text += chain([(n, self._blend(o, indent + 12)) for n, o in rest], "op", indent + 8)
        # A branch beside is a crease of its own, and what the flipped instruction shows.
        text += f"{j}if beside == 1:\n"
        text += self._offset(indent + 8)
        text += f"{m}if gap < edge:\n{m}    edge = gap\n{m}    edge_at = n\n"
        text += f"{m}if flip == n and not ({one_of([n for n, _ in self.sharp], 'op')}):\n{m}    one = 0\n"
        text += "".join(f"{m}    z{k} = b{k}\n" for k in range(4))
        text += "".join(f"{j}value[5 * n + {k}] = z{k}\n" for k in range(5))
        return text + f"{j}offset[n] = edge\n{j}crease[n] = edge_at\n{j}first[n] = one\n"

    def _place(self, indent: int) -> str:
        """The point in the shape's coordinates, (u, v, q), and its Jacobian j0..j8 by the scene's point."""
        i = " " * indent
        text = "".join(f"{i}m{k} = slots[slot + {k}]\n" for k in range(12))
        if not self.folds:
            text += "".join(f"{i}{c} = m{4 * k} * x0 + m{4 * k + 1} * x1 + m{4 * k + 2} * x2 + m{4 * k + 3}\n" for k, c in enumerate("uvq"))
            return text + self._jacobian(indent)
        text += "".join(f"{i}s{k} = space[12 * source + {k}]\n" for k in range(12))
        text += "".join(f"{i}{c} = m{4 * k} * s0 + m{4 * k + 1} * s1 + m{4 * k + 2} * s2 + m{4 * k + 3}\n" for k, c in enumerate("uvq"))
        return text + self._jacobian(indent)

    def _jacobian(self, indent: int) -> str:
        i, text = " " * indent, ""
        if not self.folds:
            return "".join(f"{i}j{3 * row + k} = m{4 * row + k}\n" for row in range(3) for k in range(3))
        for row in range(3):
            for k in range(3):
                text += f"{i}j{3 * row + k} = " + _sum(f"m{4 * row + c} * s{3 + 3 * c + k}" for c in range(3)) + "\n"
        return text

    def _operands(self, indent: int) -> str:
        i = " " * indent
        text = "".join(f"{i}p{k} = value[5 * source + {k}]\n" for k in range(5))
        text += "".join(f"{i}r{k} = value[5 * second + {k}]\n" for k in range(5))
        if self.groups["loft"]:  # of others, what stands there is not read
            text += f"{i}third = instructions[begin + n, 5]\n" + "".join(f"{i}third{k} = value[5 * third + {k}]\n" for k in range(5))
        return text

    def _names(self, operation: Operation, first: str) -> dict[object, str]:
        return {"x": "u", "y": "v", "z": "q", **own_names(operation, first)}

    def _outward(self, local: Sequence[str], target: str, indent: int) -> str:
        """A value and gradient in a shape's coordinates as the scene's."""
        i = " " * indent
        text = f"{i}{target}0 = scale * {local[0]}\n"
        for k in range(3):
            text += f"{i}{target}{k + 1} = scale * (" + _sum(f"j{3 * row + k} * {local[1 + row]}" for row in range(3)) + ")\n"
        return text

    def _leaf(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        rule = dual.shape_rule(operation)
        results = ["f", "gu", "gv", "gq", "w"] + (["e", "hu", "hv", "hq"] if len(rule.outputs) > 5 else [])
        text = printed(rule, self._names(operation, f"slot + {tapes.PLACE}"), results, indent)
        text += f"{i}scale = slots[slot + 12]\n" + self._outward(results[:4], "z", indent) + f"{i}z4 = scale * w\n"
        if len(results) > 5:
            text += self._outward(results[5:], "b", indent) + f"{i}beside = 1\n"
        return text

    def _outline(self, operation: Operation, indent: int) -> str:
        i, j, m = (" " * (indent + k) for k in (0, 4, 8))
        names = {**self._names(operation, f"slot + {tapes.PLACE}"), **ELEMENT_INPUTS}
        first = f"slot + {tapes.PLACE + len(scalar_names(operation))}"
        text = f"{i}best = 1e30\n{i}nearest = 0\n{i}within = 0\n{i}for e in range(instructions[begin + n, 4]):\n"
        text += "".join(f"{j}{n} = slots[{first} + 8 * e + {k}]\n" for k, n in enumerate(ELEMENT_NAMES))
        text += f"{j}distance = 1e30\n{j}if ecurved > 0.5:\n"
        text += printed(plane_dual.element_rule(operation, True), names, ("distance",), indent + 8)
        text += f"{j}else:\n" + printed(plane_dual.element_rule(operation, False), names, ("distance",), indent + 8)
        text += crossing(indent + 4) + f"{j}within = within ^ toggles\n"
        text += f"{j}if distance < best:\n{m}best = distance\n{m}nearest = e\n"
        text += f"{i}chosen[2 * n] = nearest\n{i}chosen[2 * n + 1] = within\n"
        text += self._element(operation, indent) + f"{i}f = 0.0\n{i}gu = 0.0\n{i}gv = 0.0\n{i}gq = 0.0\n{i}w = 0.0\n"
        for curved, head in ((True, "if ecurved > 0.5:"), (False, "else:")):
            text += f"{i}{head}\n"
            text += printed(dual.outline_rule(operation, curved), {**names, "inside": "side"}, ("f", "gu", "gv", "gq", "w"), indent + 4)
        text += f"{i}scale = slots[slot + 12]\n"
        return text + self._outward(("f", "gu", "gv", "gq"), "z", indent) + f"{i}z4 = scale * w\n"

    def _element(self, operation: Operation, indent: int) -> str:
        """Loads the nearest element of an outline, `ex0`.., where its slots begin, and its `side`."""
        i = " " * indent
        first = f"slot + {tapes.PLACE + len(scalar_names(operation))}"
        text = f"{i}element_slot = {first} + 8 * chosen[2 * n]\n{i}side = ti.cast(chosen[2 * n + 1], ti.f32)\n"
        return text + "".join(f"{i}{n} = slots[element_slot + {k}]\n" for k, n in enumerate(ELEMENT_NAMES))

    def _fold_names(self, operation: Operation) -> dict[object, str]:
        names = self._names(operation, "slot + 12")
        names.update({row + column: f"j{3 * a + b}" for a, row in enumerate("xyz") for b, column in enumerate("xyz")})
        names["copy"] = f"slots[slot + {12 + len(scalar_names(operation))}]"
        return names

    def _fold(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        results = [f"c{k}" for k in range(12)]
        text = printed(dual.space_rule(operation), self._fold_names(operation), results, indent)
        text += f"{i}made = 12 * instructions[begin + n, 4]\n"
        return text + "".join(f"{i}space[made + {k}] = c{k}\n" for k in range(12))

    def _combination_names(self, operation: Operation) -> dict[object, str]:
        names: dict[object, str] = {f"a_{q}": f"p{k}" for k, q in enumerate(dual.DUAL)}
        names.update({f"b_{q}": f"r{k}" for k, q in enumerate(dual.DUAL)})
        names.update({f"z_{q}": f"third{k}" for k, q in enumerate(dual.DUAL)})
        return {**names, **own_names(operation, "slot")}

    def _sharp(self, indent: int) -> str:
        """Booleans that are one of their operands: both branches, the one not taken beside."""
        i = " " * indent
        text = f"{i}si = 1.0\n{i}sj = 1.0\n"
        cases = []
        for number, operation in self.sharp:
            assert operation.selects is not None
            case = f"{i}    si = {operation.selects[0]!r}\n{i}    sj = {operation.selects[1]!r}\n"
            rule = dual.combination_rule(operation)
            cases.append((number, case + printed(rule, self._combination_names(operation), ("", "", "", "", "z4"), indent + 4)))
        text += chain(cases, "op", indent)
        text += f"{i}one = 0\n{i}if (si * p0 < sj * r0) != (flip == n):\n{i}    one = 1\n{i}sj = si * sj\n"
        for k in range(4):
            text += f"{i}z{k} = ti.select(one == 1, p{k}, sj * r{k})\n{i}b{k} = ti.select(one == 1, sj * r{k}, p{k})\n"
        text += f"{i}beside = 1\n{i}taken = ti.select(one == 1, source, second)\n"
        return text + f"{i}edge = offset[taken]\n{i}edge_at = crease[taken]\n"

    def _blend(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        rule = dual.combination_rule(operation)
        results = [f"z{k}" for k in range(5)] + ([f"b{k}" for k in range(4)] if len(rule.outputs) > 5 else [])
        text = printed(rule, self._combination_names(operation), results, indent)
        if len(results) > 5:
            text += f"{i}beside = 1\n"
        text += f"{i}edge = offset[source]\n{i}edge_at = crease[source]\n"
        if operation.category == "boolean":
            text += self._share(indent) + f"{i}if portion > {SECOND}:\n{i}    edge = offset[second]\n{i}    edge_at = crease[second]\n"
        if operation.category == "loft":  # its sides have the creases of both its shapes
            text += f"{i}if offset[second] < edge:\n{i}    edge = offset[second]\n{i}    edge_at = crease[second]\n"
        return text

    def _share(self, indent: int) -> str:
        """`portion`: how much of a blend's surface, whose value is z0, is the second operand's."""
        return printed(dual.share_rule(), {"f": "z0", "a_f": "p0", "b_f": "r0"}, ("portion",), indent)

    def _offset(self, indent: int) -> str:
        return printed(dual.crease_offset_rule(), crease_names("z", "b"), ("gap",), indent)

    # -- materials ----------------------------------------------------------------------------------------

    def shares(self, indent: int) -> str:
        """`share`: how much of the surface's material is that of each instruction's solid."""
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = f"{i}for n in range(length):\n{j}share[n] = 0.0\n{i}share[length - 1] = 1.0\n"
        if not self.combined:
            return text
        text += f"{i}for back in range(length):\n{j}n = length - 1 - back\n{j}op = instructions[begin + n, 0]\n"
        text += f"{j}source = instructions[begin + n, 1]\n"
        alike = [n for n, _ in self.groups["modifier"] + self.groups["loft"]]
        if alike:
            text += f"{j}if {one_of(alike, 'op')}:\n{m}share[source] += share[n]\n"
        if self.groups["boolean"]:
            text += f"{j}if share[n] != 0.0 and ({one_of([n for n, _ in self.groups['boolean']], 'op')}):\n" + self._part(indent + 8)
            text += f"{m}share[source] += share[n] * (1.0 - portion)\n{m}share[second] += share[n] * portion\n"
        return text

    def _part(self, indent: int) -> str:
        """`portion` of the boolean `n`, whose branches are known."""
        i = " " * indent
        text = f"{i}second = instructions[begin + n, 2]\n{i}portion = ti.cast(1 - first[n], ti.f32)\n"
        if self.blends:
            text += f"{i}if {one_of([n for n, _ in self.blends], 'op')}:\n"
            text += f"{i}    z0 = value[5 * n]\n{i}    p0 = value[5 * source]\n{i}    r0 = value[5 * second]\n"
            text += self._share(indent + 4)
        return text + f"{i}if instructions[begin + n, 4] == 1:\n{i}    portion = 0.0\n"

    def materials(self, indent: int) -> str:
        """`mat0`..: what `shading.SURFACE` names, after `shares`; without its bump where no paint has one."""
        i = " " * indent
        j, m = i + "    ", i + "        "
        width = self.surface
        text = "".join(f"{i}mat{k} = 0.0\n" for k in range(width))
        text += f"{i}for n in range(length):\n{j}op = instructions[begin + n, 0]\n"
        text += f"{j}if ({one_of([n for n, _ in self.leaves], 'op')}) and share[n] != 0.0:\n" + self._own_material(indent + 8)
        return text + "".join(f"{m}mat{k} += share[n] * own{k}\n" for k in range(width))

    def _own_material(self, indent: int) -> str:
        """`own0`..: the material of instruction `n`'s solid; leaves its BLEND, `place0`, `place1` and `shown`, the two colours' stops
        and light, and the paint's place behind."""
        i = " " * indent
        text = f"{i}row_at = material_first + instructions[begin + n, 5]\n{i}paint = materials[row_at, 0]\n"
        text += f"{i}paint_slot = slot_base + materials[row_at, 2]\n{i}stops = materials[row_at, 3]\n"
        text += f"{i}stop_slot = paint_slot + 12\n"
        text += f"{i}place0 = 0.0\n{i}place1 = 0.0\n{i}shown = 0.0\n"
        text += self._paint_place(indent)
        cases = []
        for number, operation in self.groups["paint"]:
            if scalar_names(operation):
                case = f"{i}    stop_slot += {len(scalar_names(operation))}\n"
                case += printed(dual.paint_rule(operation), self._spot_names(operation, "paint_slot + 12"), ("place0", "place1", "shown"), indent + 4)
                cases.append((number, case))
        text += chain(cases, "paint", indent)
        for side in self.sides:
            text += f"{i}ramp_at = ti.min(ti.max(place{side}, 0.0), 1.0) * ti.cast(stops - 1, ti.f32)\n"
            text += f"{i}cell = ti.max(ti.min(ti.cast(ramp_at, ti.i32), stops - 2), 0)\n{i}mix{side} = ramp_at - ti.cast(cell, ti.f32)\n"
            text += f"{i}here{side} = stop_slot + 3 * cell\n{i}ahead{side} = stop_slot + 3 * ti.min(cell + 1, stops - 1)\n"
            for k in range(3):
                text += f"{i}c{side}{k} = slots[here{side} + {k}] + mix{side} * (slots[ahead{side} + {k}] - slots[here{side} + {k}])\n"
            text += printed(dual.linear_rule(), _colour(side), [f"light{side}{k}" for k in range(3)], indent)
        mixed = " + shown * (light1{k} - light0{k})" if self.filtered else ""
        text += "".join(f"{i}own{k} = light0{k}{mixed.format(k=k)}\n" for k in range(3))
        text += f"{i}surface_slot = slot_base + materials[row_at, 4]\n"
        text += "".join(f"{i}own{3 + k} = slots[surface_slot + {k}]\n" for k in range(3))
        if not self.bumps:
            return text
        text += "".join(f"{i}own{6 + k} = 0.0\n" for k in range(3))
        text += f"{i}bump = materials[row_at, 5]\n{i}bump_slot = slot_base + materials[row_at, 6]\n"
        cases = []
        for number, operation in self.bumps:
            cases.append((number, printed(dual.bump_rule(operation), self._bump_names(operation), ("own6", "own7", "own8"), indent + 4)))
        return text + chain(cases, "bump", indent)

    def _spot_names(self, operation: Operation, first: str) -> dict[object, str]:
        """What a paint or bump reads."""
        names = self._names(operation, first)
        names.update({name: f"wide{k}" for k, name in enumerate(dual.WIDTHS)})
        names.update({name: f"across{k}" for k, name in enumerate(dual.SPOT[3:])})
        return names

    def _bump_names(self, operation: Operation) -> dict[object, str]:
        names = {**self._spot_names(operation, "bump_slot + 1"), "distance_scale": "slots[bump_slot]"}
        names.update({name: f"j{k}" for k, name in enumerate(dual.JACOBIAN)})
        return names

    def _paint_place(self, indent: int) -> str:
        i = " " * indent
        text = "".join(f"{i}m{k} = slots[paint_slot + {k}]\n" for k in range(12))
        if self.folds:
            text += f"{i}paint_space = 12 * materials[row_at, 1]\n"
            text += "".join(f"{i}s{k} = space[paint_space + {k}]\n" for k in range(12))
        else:
            text += "".join(f"{i}s{k} = x{k}\n" for k in range(3))
        text += "".join(f"{i}{c} = m{4 * k} * s0 + m{4 * k + 1} * s1 + m{4 * k + 2} * s2 + m{4 * k + 3}\n" for k, c in enumerate("uvq"))
        if self.bumps or self.sided or self.filtered:
            text += self._jacobian(indent)
        if self.filtered:
            names = self._across_names()
            names.update({name: f"d{k}" for k, name in enumerate(dual.DIRECTION)})
            text += printed(dual.footprint_rule(), {**names, "size": "wide"}, ("wide0", "wide1", "wide2"), indent)
        if self.sided:
            text += printed(dual.normal_rule(), self._across_names(), ("across0", "across1", "across2"), indent)
        return text

    def _across_names(self) -> dict[object, str]:
        names: dict[object, str] = {name: f"j{k}" for k, name in enumerate(dual.JACOBIAN)}
        return {**names, **{q: f"value[5 * (length - 1) + {k + 1}]" for k, q in enumerate(dual.DUAL[1:4])}}

    # -- reverse ------------------------------------------------------------------------------------------

    def reverse(self, indent: int) -> str:
        """Backwards from seeds `seed0..4` of the root's DUAL and, where `painted` is 1, `tint0`.. of the material: pushes the slots'
        adjoints to the row, and leaves the point's in `q0..2`."""
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = f"{i}for n in range(length):\n" + "".join(f"{j}adjoint[5 * n + {k}] = 0.0\n" for k in range(5))
        if self.folds:
            text += f"{i}for k in range(12 * space_count):\n{j}space_adjoint[k] = 0.0\n"
        text += f"{i}q0 = 0.0\n{i}q1 = 0.0\n{i}q2 = 0.0\n"
        text += "".join(f"{i}adjoint[5 * (length - 1) + {k}] = seed{k}\n" for k in range(5))
        text += f"{i}if painted == 1:\n" + self._reverse_materials(indent + 4)
        text += f"{i}for back in range(length):\n{j}n = length - 1 - back\n"
        text += "".join(f"{j}t{k} = adjoint[5 * n + {k}]\n" for k in range(5))
        busy = " or ".join(f"t{k} != 0.0" for k in range(5))
        text += f"{j}op = instructions[begin + n, 0]\n"
        if self.folds:
            text += f"{j}if {one_of([n for n, _ in self.folds], 'op')}:\n{m}made = 12 * instructions[begin + n, 4]\n"
            text += f"{m}for k in range(12):\n{m}    t0 += ti.abs(space_adjoint[made + k])\n"
        text += f"{j}if {busy}:\n"
        text += f"{m}source = instructions[begin + n, 1]\n{m}second = instructions[begin + n, 2]\n"
        text += f"{m}slot = slot_base + instructions[begin + n, 3]\n{m}own_count = 0\n"
        text += f"{m}if {one_of([n for n, _ in self.leaves + self.folds], 'op')}:\n" + self._reverse_placed(indent + 12)
        if self.combined:
            text += f"{m}else:\n" + self._operands(indent + 12)
            k = " " * (indent + 12)
            text += "".join(f"{k}e{c} = 0.0\n" for c in range(15 if self.groups["loft"] else 10))
            cases = [(n, self._reverse_combination(o, indent + 16)) for n, o in self.combined]
            text += chain(cases, "op", indent + 12)
            text += "".join(f"{k}adjoint[5 * source + {c}] += e{c}\n" for c in range(5))
            if self.groups["boolean"] or self.groups["loft"]:
                text += f"{k}if {one_of([n for n, _ in self.groups['boolean'] + self.groups['loft']], 'op')}:\n"
                text += "".join(f"{k}    adjoint[5 * second + {c}] += e{5 + c}\n" for c in range(5))
            if self.groups["loft"]:
                text += f"{k}if {one_of([n for n, _ in self.groups['loft']], 'op')}:\n"
                text += "".join(f"{k}    adjoint[5 * third + {c}] += e{10 + c}\n" for c in range(5))
        text += f"{m}for k in range(own_count):\n" + push("slot + k", "own[k]", indent + 12)
        return text + ("".join(f"{i}q{k} = space_adjoint[{k}]\n" for k in range(3)) if self.folds else "")

    def _branch_seeds(self, indent: int) -> str:
        """Seeds of a rule that has a branch beside: of the branch that was taken."""
        i = " " * indent
        text = "".join(f"{i}v{k} = ti.select(first[n] == 1, 0.0, t{k})\n" for k in range(4))
        return text + "".join(f"{i}t{k} = ti.select(first[n] == 1, t{k}, 0.0)\n" for k in range(4))

    def _reverse_combination(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        rule = dual.combination_rule(operation)
        names = self._combination_names(operation)
        names.update({f"d_{q}": f"t{k}" for k, q in enumerate(dual.DUAL)})
        names.update({f"d_{q}": f"v{k}" for k, q in enumerate(dual.BESIDE)})
        inputs = 5 * len(OPERANDS[operation.category])
        own = [f"ga{k}" for k in range(len(rule.differentiated) - inputs)]
        if operation.selects is not None:
            turn = operation.selects[0] * operation.selects[1]
            # What is not the thickness goes to the branch taken, as it is.
            names.update({f"d_{q}": "0.0" for q in dual.DUAL[:4]})
            text = printed(rule, names, [f"e{k}" for k in range(10)], indent, reverse=True)
            text += f"{i}if first[n] == 1:\n" + "".join(f"{i}    e{k} += t{k}\n" for k in range(4))
            return text + f"{i}else:\n" + "".join(f"{i}    e{5 + k} += {turn!r} * t{k}\n" for k in range(4))
        text = self._branch_seeds(indent) if len(rule.outputs) > 5 else ""
        text += printed(rule, names, [*(f"e{k}" for k in range(inputs)), *own], indent, reverse=True)
        return text + self._keep(operation, own, 0, indent)

    def _keep(self, operation: Operation, values: Sequence[str], offset: int, indent: int) -> str:
        """Stores the adjoints of an operation's parameters in `own`, behind `offset` other slots of its block."""
        found = dict(zip(continuous_names(operation), values))
        names = scalar_names(operation)
        i = " " * indent
        text = "".join(f"{i}own[{offset + k}] = {found.get(name, '0.0')}\n" for k, name in enumerate(names))
        return text + f"{i}own_count = {offset + len(names)}\n"

    def _reverse_placed(self, indent: int) -> str:
        i = " " * indent
        text = self._place(indent) + "".join(f"{i}l{k} = 0.0\n" for k in range(12)) + f"{i}scale = 1.0\n"
        if self.leaves:
            text += f"{i}if {one_of([n for n, _ in self.leaves], 'op')}:\n{i}    scale = slots[slot + 12]\n"
        cases = [(n, self._reverse_leaf(o, indent + 4)) for n, o in self.groups["shape"]]
        cases += [(n, self._reverse_outline(o, indent + 4)) for n, o in self.groups["outline"]]
        cases += [(n, self._reverse_fold(o, indent + 4)) for n, o in self.folds]
        return text + chain(cases, "op", indent) + self._reverse_map("12 * source", True, indent)

    def _reverse_map(self, space: str, turned: bool, indent: int) -> str:
        """From the adjoints l0..2 of a point in its own coordinates and, where it is `turned`, l3..11 of its Jacobian: those of the
        map's twelve slots, and of the space it starts from."""
        i, text = " " * indent, ""
        point = [f"s{k}" for k in range(12)] if self.folds else ["x0", "x1", "x2", *("1.0" if k % 4 == 0 else "0.0" for k in range(9))]
        for row in range(3):
            for column in range(3):
                terms = [f"l{row} * {point[column]}"]
                if turned:
                    terms += [f"l{3 + 3 * row + k} * {point[3 + 3 * column + k]}" for k in range(3) if point[3 + 3 * column + k] != "0.0"]
                text += f"{i}own[{4 * row + column}] = {_sum(terms)}\n"
            text += f"{i}own[{4 * row + 3}] = l{row}\n"
        for column in range(3):
            back = _sum(f"m{4 * row + column} * l{row}" for row in range(3))
            if not self.folds:
                text += f"{i}q{column} += {back}\n"
                continue
            text += f"{i}space_adjoint[{space} + {column}] += {back}\n"
            for k in range(3 if turned else 0):
                inner = _sum(f"m{4 * row + column} * l{3 + 3 * row + k}" for row in range(3))
                text += f"{i}space_adjoint[{space} + {3 + 3 * column + k}] += {inner}\n"
        return text

    def _local_seeds(self, indent: int, beside: bool) -> str:
        """Seeds in a shape's coordinates, `y0..4` and `y5..8` for the branch beside, from the scene's `t0..4`."""
        i = " " * indent
        text = self._branch_seeds(indent) if beside else ""
        for seeds, first in (("t", 0), ("v", 5))[: 2 if beside else 1]:
            text += f"{i}y{first} = scale * {seeds}0\n"
            for row in range(3):
                text += f"{i}y{first + 1 + row} = scale * (" + _sum(f"j{3 * row + k} * {seeds}{k + 1}" for k in range(3)) + ")\n"
        return text + f"{i}y4 = scale * t4\n"

    def _local_rest(self, indent: int, beside: bool) -> str:
        """After a leaf's value `f`, gradient `gu`.. and thickness: adjoints of its Jacobian l3.. and of its scale."""
        i = " " * indent
        parts = [("f", ("gu", "gv", "gq"), "t")] + ([("e", ("hu", "hv", "hq"), "v")] if beside else [])
        text = f"{i}grown = t4 * w\n"
        for value, gradient, seeds in parts:
            text += f"{i}grown += {seeds}0 * {value}\n"
            for row in range(3):
                for k in range(3):
                    place = 3 + 3 * row + k
                    text += f"{i}l{place} += scale * {gradient[row]} * {seeds}{k + 1}\n"
                    text += f"{i}grown += {seeds}{k + 1} * j{3 * row + k} * {gradient[row]}\n"
        return text + f"{i}own[12] = grown\n"

    def _reverse_leaf(self, operation: Operation, indent: int) -> str:
        rule = dual.shape_rule(operation)
        beside = len(rule.outputs) > 5
        names = self._names(operation, f"slot + {tapes.PLACE}")
        results = ["f", "gu", "gv", "gq", "w"] + (["e", "hu", "hv", "hq"] if beside else [])
        text = self._local_seeds(indent, beside)
        names.update({f"d_{q}": f"y{k}" for k, q in enumerate(rule.outputs)})
        own = [f"ga{k}" for k in range(len(rule.differentiated) - 3)]
        text += printed(_with_forward(rule), names, [*results, "l0", "l1", "l2", *own], indent)
        text += self._local_rest(indent, beside)
        return text + self._keep(operation, own, tapes.PLACE, indent)

    def _reverse_outline(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        names = {**self._names(operation, f"slot + {tapes.PLACE}"), **ELEMENT_INPUTS, "inside": "side"}
        text = self._local_seeds(indent, False) + self._element(operation, indent)
        text += "".join(f"{i}{name} = 0.0\n" for name in ("f", "gu", "gv", "gq", "w"))
        own = [f"ga{k}" for k in range(len(continuous_names(operation)))]
        text += "".join(f"{i}{name} = 0.0\n" for name in (*own, *(f"ea{k}" for k in range(6))))
        for curved, head in ((True, "if ecurved > 0.5:"), (False, "else:")):
            rule = dual.outline_rule(operation, curved)
            names.update({f"d_{q}": f"y{k}" for k, q in enumerate(rule.outputs)})
            points = rule.differentiated[3 + len(own) :]
            targets = [f"ea{plane_dual.ELEMENT.index(name)}" for name in points]
            text += f"{i}{head}\n"
            text += printed(_with_forward(rule), names, ["f", "gu", "gv", "gq", "w", "l0", "l1", "l2", *own, *targets], indent + 4)
        text += "".join(push(f"element_slot + {k}", f"ea{k}", indent) for k in range(6))
        text += self._local_rest(indent, False)
        return text + self._keep(operation, own, tapes.PLACE, indent)

    def _reverse_fold(self, operation: Operation, indent: int) -> str:
        i = " " * indent
        rule = dual.space_rule(operation)
        text = f"{i}made = 12 * instructions[begin + n, 4]\n"
        text += "".join(f"{i}w{k} = space_adjoint[made + {k}]\n" for k in range(12))
        names = self._fold_names(operation)
        names.update({f"d_{q}": f"w{k}" for k, q in enumerate(dual.SPACE)})
        own = [f"ga{k}" for k in range(len(rule.differentiated) - 12)]
        text += printed(rule, names, [*(f"l{k}" for k in range(12)), *own], indent, reverse=True)
        return text + self._keep(operation, own, 12, indent)

    def _reverse_materials(self, indent: int) -> str:
        """Pushes the materials' slots; adds to adjoints what their shares depend on, and to the point what paints do."""
        i = " " * indent
        j, m = i + "    ", i + "        "
        text = f"{i}for n in range(length):\n{j}worth[n] = 0.0\n{j}op = instructions[begin + n, 0]\n"
        text += f"{j}source = instructions[begin + n, 1]\n"
        # What has no share has no worth; far away it has not even been looked at.
        text += f"{j}if share[n] == 0.0:\n{m}worth[n] = 0.0\n"
        text += f"{j}elif {one_of([n for n, _ in self.leaves], 'op')}:\n" + self._own_material(indent + 8)
        text += f"{m}worth[n] = " + _sum(f"tint{k} * own{k}" for k in range(self.surface)) + "\n"
        text += self._reverse_own_material(indent + 8)
        alike = [n for n, _ in self.groups["modifier"] + self.groups["loft"]]
        if alike:
            text += f"{j}elif {one_of(alike, 'op')}:\n{m}worth[n] = worth[source]\n"
        if self.groups["boolean"]:
            text += f"{j}elif {one_of([n for n, _ in self.groups['boolean']], 'op')}:\n" + self._part(indent + 8)
            text += f"{m}worth[n] = worth[source] + portion * (worth[second] - worth[source])\n"
            if self.blends:
                text += f"{m}if instructions[begin + n, 4] == 0 and ({one_of([n for n, _ in self.blends], 'op')}):\n"
                deep = " " * (indent + 12)
                text += f"{deep}moved = share[n] * (worth[second] - worth[source])\n"
                names: dict[object, str] = {"f": "z0", "a_f": "p0", "b_f": "r0", "d_share": "moved"}
                text += f"{deep}z0 = value[5 * n]\n{deep}p0 = value[5 * source]\n{deep}r0 = value[5 * second]\n"
                text += printed(dual.share_rule(), names, ("h0", "h1", "h2"), indent + 12, reverse=True)
                text += f"{deep}adjoint[5 * n] += h0\n{deep}adjoint[5 * source] += h1\n{deep}adjoint[5 * second] += h2\n"
        return text

    def _reverse_own_material(self, indent: int) -> str:
        i = " " * indent
        text = ""
        for side in self.sides:
            part = ("(1.0 - shown)", "shown")[side]
            names = _colour(side)
            names.update({f"d_l{c}": f"(share[n] * {part} * tint{k})" for k, c in enumerate("rgb")})
            text += f"{i}along{side} = 0.0\n{i}if {part} != 0.0:\n"
            text += printed(dual.linear_rule(), names, ("h0", "h1", "h2"), indent + 4, reverse=True)
            for k in range(3):
                text += push(f"here{side} + {k}", f"(1.0 - mix{side}) * h{k}", indent + 4)
                text += f"{i}    if mix{side} > 0.0:\n" + push(f"ahead{side} + {k}", f"mix{side} * h{k}", indent + 8)
            text += f"{i}    if place{side} > 0.0 and place{side} < 1.0:\n{i}        along{side} = ti.cast(stops - 1, ti.f32) * ("
            text += _sum(f"h{k} * (slots[ahead{side} + {k}] - slots[here{side} + {k}])" for k in range(3)) + ")\n"
        text += "".join(push(f"surface_slot + {k}", f"share[n] * tint{3 + k}", indent) for k in range(3))
        turned = bool(self.bumps) or self.sided
        text += "".join(f"{i}l{k} = 0.0\n" for k in range(12 if turned else 3))
        if self.sided:
            text += "".join(f"{i}turn{k} = 0.0\n" for k in range(3))
        spot = ("l0", "l1", "l2", *(f"turn{k}" for k in range(3)))
        painted = self._reverse_paints(spot, indent)
        text += painted
        if self.bumps:
            text += self._reverse_bumps(spot, indent)
        if self.sided:
            names = self._across_names()
            names.update({f"d_{name}": f"turn{k}" for k, name in enumerate(dual.SPOT[3:])})
            text += printed(dual.normal_rule(), names, [f"found{k}" for k in range(12)], indent, reverse=True)
            text += "".join(f"{i}l{3 + k} += found{k}\n" for k in range(9))
            text += "".join(f"{i}adjoint[5 * (length - 1) + {1 + k}] += found{9 + k}\n" for k in range(3))
        if not painted and not self.bumps:
            return text
        text += self._reverse_map("paint_space", turned, indent)
        return text + f"{i}for k in range(12):\n" + push("paint_slot + k", "own[k]", indent + 4)

    def _reverse_paints(self, spot: Sequence[str], indent: int) -> str:
        """From the adjoints of the paint's two places, `along0` and `along1`, and of its light."""
        i = " " * indent
        cases = []
        for number, operation in self.groups["paint"]:
            if scalar_names(operation):
                rule = dual.paint_rule(operation)
                own = [f"ga{k}" for k in range(len(rule.differentiated) - len(dual.SPOT))]
                results = [*spot[: 6 if operation.sided else 3], *[""] * (0 if operation.sided else 3), *own]
                names = self._spot_names(operation, "paint_slot + 12")
                names.update({f"d_{name}": seed for name, seed in zip(plane_dual.BLEND, ("along0", "along1", "blended"))})
                case = printed(rule, names, results, indent + 8, reverse=True)
                cases.append((number, case + self._keep(operation, own, 12, indent + 8)))
        if not cases:
            return ""
        text = f"{i}if along0 != 0.0:\n"
        if self.filtered:
            text = f"{i}blended = share[n] * (" + _sum(f"tint{k} * (light1{k} - light0{k})" for k in range(3)) + ")\n"
            text += f"{i}if along0 != 0.0 or along1 != 0.0 or blended != 0.0:\n"
        j = i + "    "
        text += f"{j}own_count = 12\n" + chain(cases, "paint", indent + 4)
        return text + f"{j}for k in range(12, own_count):\n" + push("paint_slot + k", "own[k]", indent + 8)

    def _reverse_bumps(self, spot: Sequence[str], indent: int) -> str:
        i = " " * indent
        cases = []
        for number, operation in self.bumps:
            rule = dual.bump_rule(operation)
            own = [f"ga{k}" for k in range(len(rule.differentiated) - len(dual.SPOT) - 10)]
            found = [f"found{k}" for k in range(16)]
            names = self._bump_names(operation)
            names.update({f"d_{name}": f"(share[n] * tint{6 + k})" for k, name in enumerate(shading.BUMP)})
            results = [*found[: 6 if operation.sided else 3], *[""] * (0 if operation.sided else 3), *found[6:], *own]
            case = printed(rule, names, results, indent + 4, reverse=True)
            j = i + "    "
            case += "".join(f"{j}{target} += {value}\n" for target, value in zip(spot, found[: 6 if operation.sided else 3]))
            case += "".join(f"{j}l{3 + k} = found{6 + k}\n" for k in range(9))
            case += f"{j}own[0] = found15\n" + self._keep(operation, own, 1, indent + 4)
            cases.append((number, case))
        text = f"{i}own_count = 0\n" + chain(cases, "bump", indent)
        return text + f"{i}for k in range(own_count):\n" + push("bump_slot + k", "own[k]", indent + 4)


def _colour(side: int) -> dict[object, str]:
    """The first or second colour that a pixel shows of a paint."""
    return {c: f"c{side}{k}" for k, c in enumerate("rgb")}


def _with_forward(rule: Rule) -> Rule:
    """A rule whose forward gives its outputs and then its adjoints, printed together."""
    return Rule(rule.graph, rule.inputs, rule.outputs, (*rule.forward, *rule.reverse), (), ())


def crease_names(mine: str, beside: str) -> dict[object, str]:
    """The inputs of the crease rules: the surface's branch, the one beside, and the ray."""
    names: dict[object, str] = {q: f"{mine}{k}" for k, q in enumerate(dual.DUAL[:4])}
    names.update({q: f"{beside}{k}" for k, q in enumerate(dual.BESIDE)})
    return {**names, **sight_names(), "size": "wide"}


def sight_names() -> dict[object, str]:
    names: dict[object, str] = {name: f"d{k}" for k, name in enumerate(dual.DIRECTION)}
    names.update({name: f"a{k}" for k, name in enumerate(dual.AXES)})
    return {**names, "size": "size", "growth": "growth"}


def push(slot: str, value: str, indent: int) -> str:
    """Adds `value` times the slot's derivative to the pixel's row, for channels by the factors `to0..3`."""
    i = " " * indent
    return (
        f"{i}pushed = {value}\n{i}if pushed != 0.0:\n"
        f"{i}    entry_row = row_first + {slot} - slot_base\n"
        f"{i}    for entry in range(rows[entry_row], rows[entry_row + 1]):\n"
        f"{i}        column = columns[column_first + entry]\n"
        f"{i}        weighted = pushed * weights[weight_first + entry]\n"
        + "".join(f"{i}        row[task, 4 * column + {c}] += to{c} * weighted\n" for c in range(4))
    )
