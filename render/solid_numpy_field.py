"""The field of a scene in float64: its distance at points (`Distances`), and along rays all that is seen of it (`Field`), with its
gradient, creases and materials, forwards and backwards. The rules are those of `shaderdsl.solid_dual`, run in NumPy.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled, crosses, ramp
from shaderdsl import dual as plane_dual, shading, solid_dual as dual, solid_tape as tapes
from shaderdsl.registry import OPERANDS, Operation, continuous_names, scalar_names
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import opcodes
from shaderdsl.view import SECOND

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DARK = 1e9


@lru_cache(maxsize=1)
def operations_by_opcode() -> dict[int, Operation]:
    return {opcode.number: opcode.operation for opcode in reversed(list(opcodes(3).values()))}


def own_slots(operation: Operation, slots: Array, slot: int) -> list[float]:
    return list(slots[slot : slot + len(scalar_names(operation))])


def operands(row: Sequence[int]) -> list[int]:
    """The registers that an instruction combines."""
    opcode, source, second, *_, third = row
    return [source, second, third][: len(OPERANDS[operations_by_opcode()[opcode].category])]


class Distances:
    """The scene's distance alone, for marching: `at(points)` (3, n) to (n,)."""

    def __init__(self, tape: SolidTape, slots: Array) -> None:
        self.tape, self.slots = tape, slots
        self.code = tape.instructions.tolist()

    def at(self, points: Sequence[Array]) -> Array:
        zero = np.zeros_like(points[0])
        if not self.code:
            return zero + np.inf
        spaces: dict[int, list[Array]] = {0: list(points)}
        registers: list[Any] = []
        for row in self.code:
            opcode, source, _, slot, count, _ = row
            operation = operations_by_opcode()[opcode]
            if operation.category in OPERANDS:
                inputs = [v for place in operands(row) for v in (registers[place][0], 0.0, 0.0, 0.0, registers[place][1])]
                result = compiled(dual.combination_rule(operation))[0](*inputs, *own_slots(operation, self.slots, slot))
                registers.append((zero + result[0], zero + result[4]))
                continue
            place = _mapped(self.slots[slot : slot + 12], spaces[source])
            if operation.category in ("repetition", "extrusion"):
                copy = [self.slots[slot + 12 + len(scalar_names(operation))]] if operation.category == "repetition" else []
                inputs = [*place, *[0.0] * 9, *own_slots(operation, self.slots, slot + 12), *copy]
                spaces[count] = [zero + v for v in compiled(dual.space_rule(operation))[0](*inputs)[:3]]
                registers.append((zero, zero))
                continue
            scale = self.slots[slot + 12]
            own = own_slots(operation, self.slots, slot + tapes.PLACE)
            if operation.category == "shape":
                result = compiled(dual.shape_rule(operation))[0](*place, *own)
            else:
                result = tuple(Outlines(operation, self.slots, slot + tapes.PLACE, count, place).forward())
            registers.append((zero + scale * result[0], zero + scale * result[4]))
        return registers[-1][0]  # type: ignore[no-any-return]


def _mapped(matrix: Array, point: Sequence[Array]) -> list[Array]:
    x, y, z = point
    return [matrix[4 * k] * x + matrix[4 * k + 1] * y + matrix[4 * k + 2] * z + matrix[4 * k + 3] for k in range(3)]


class Outlines:
    """A plane's outline at points of its space: the nearest element of each, and its rule."""

    def __init__(self, operation: Operation, slots: Array, slot: int, count: int, place: Sequence[Array]) -> None:
        self.operation, self.slots, self.place = operation, slots, place
        self.own = own_slots(operation, slots, slot)
        self.slot = slot
        self.first = slot + len(self.own)
        u, v = place[:2]
        best = np.full(u.shape, np.inf)
        self.index = np.zeros(u.shape, np.int64)
        inside = np.zeros(u.shape, bool)
        for k in range(count):
            x0, y0, x1, y1, x2, y2, curved, ends = slots[self.first + 8 * k : self.first + 8 * k + 8]
            element = compiled(plane_dual.element_rule(operation, bool(curved)))[0]
            distance = element(u, v, *self.own, x0, y0, x1, y1, x2, y2, ends)[0]
            closer = distance < best
            best, self.index = np.where(closer, distance, best), np.where(closer, k, self.index)
            inside ^= crosses(u, v, x0, y0, x1, y1, x2, y2, bool(curved))
        self.inside = inside.astype(np.float64)
        self.element = [slots[self.first + 8 * self.index + k] for k in range(8)]

    def forward(self) -> list[Array]:
        *points, curved, ends = self.element
        results = [
            compiled(dual.outline_rule(self.operation, kind))[0](*self.place, *self.own, *points, ends, self.inside)
            for kind in (False, True)
        ]
        return [np.where(curved > 0.5, b, a) for a, b in zip(*results)]

    def reverse(self, seed: Sequence[Any], adjoint: Array) -> list[Array]:
        """Adds to the adjoints of the slots; gives the place's."""
        *points, curved, ends = self.element
        scalars = continuous_names(self.operation)
        total = [np.zeros_like(self.place[0])] * 3
        for kind in (False, True):
            mask = (curved > 0.5) == kind
            rule = dual.outline_rule(self.operation, kind)
            found = compiled(rule)[1](*self.place, *self.own, *points, ends, self.inside, *seed)
            result = [np.where(mask, r, 0.0) for r in found]
            total = [t + r for t, r in zip(total, result)]
            names = scalar_names(self.operation)
            for name, value in zip(scalars, result[3:]):
                adjoint[self.slot + names.index(name)] += value
            for name, value in zip(rule.differentiated[3 + len(scalars) :], result[3 + len(scalars) :]):
                target = self.first + 8 * self.index + plane_dual.ELEMENT.index(name)
                np.add.at(adjoint, (target, np.arange(len(target))), value)
        return total


class Sight:
    """Rays, and what a pixel is to them: origin and direction (3, n), axes right and up, the pixel's size and growth."""

    def __init__(self, values: Sequence[Array], axes: Sequence[Array]) -> None:
        self.values = [np.asarray(v, np.float64) for v in values]
        self.axes = list(axes)

    @property
    def origin(self) -> list[Array]:
        return self.values[:3]

    @property
    def direction(self) -> list[Array]:
        return self.values[3:6]

    def at(self, t: Array) -> list[Array]:
        return [o + t * d for o, d in zip(self.values[:3], self.values[3:6])]

    def size(self, t: Array) -> Array:
        return self.values[6] + self.values[7] * t

    def some(self, which: Any) -> Sight:
        return Sight([v[which] for v in self.values], self.axes)


class Field:
    """The field with its gradient at points of rays, (3, n), at distances t.

    `flip` (n,) names an instruction at each point whose choice between two branches is turned, or -1: for the other side of
    a crease. Registers hold DUAL; `offset` and `crease` say for the root how many pixels away the nearest crease of the
    surface is, and which instruction makes it.
    """

    def __init__(self, tape: SolidTape, slots: Array, sight: Sight, t: Array, flip: Ints | None = None) -> None:
        self.tape, self.slots, self.sight, self.t = tape, slots, sight, t
        self.point = sight.at(t)
        zero = np.zeros_like(t)
        self.zero, one = zero, zero + 1.0
        self.flip = np.full(t.shape, -1) if flip is None else flip
        self.code = tape.instructions.tolist()
        self.spaces: dict[int, list[Array]] = {0: [*self.point, one, zero, zero, zero, one, zero, zero, zero, one]}
        self.registers: list[list[Array]] = []
        self.creases: list[tuple[Array, Ints]] = []
        self.first: dict[int, npt.NDArray[np.bool_]] = {}
        self.local: dict[int, list[Array]] = {}
        self.outlines: dict[int, Outlines] = {}
        for number in range(len(self.code)):
            self._run(number)

    @property
    def dual(self) -> list[Array]:
        return self.registers[-1]

    @property
    def gradient(self) -> list[Array]:
        return self.registers[-1][1:4]

    # -- forward ------------------------------------------------------------------------------------------

    def _run(self, number: int) -> None:
        opcode, source, second, slot, count, _ = self.code[number]
        operation = operations_by_opcode()[opcode]
        none = (self.zero + DARK, np.full(self.t.shape, -1))
        if operation.category == "boolean" and operation.selects is not None:
            self._select(number, operation, source, second, slot)
        elif operation.category in OPERANDS:
            inputs = [v for place in operands(self.code[number]) for v in self.registers[place]]
            crease = self.creases[source]
            found = compiled(dual.combination_rule(operation))[0](*inputs, *own_slots(operation, self.slots, slot))
            values = [self.zero + v for v in found]
            if operation.category == "boolean":
                share = self._share(values[0], source, second)
                crease = tuple(np.where(share > SECOND, b, a) for a, b in zip(crease, self.creases[second]))
            elif operation.category == "loft":  # its sides have the creases of both its shapes
                crease = self._nearer(crease, *self.creases[second])
            self._keep(number, values, crease)
        elif operation.category in ("repetition", "extrusion"):
            local = self.local[number] = self._placed(source, slot)
            copy = [self.slots[slot + 12 + len(scalar_names(operation))]] if operation.category == "repetition" else []
            found = compiled(dual.space_rule(operation))[0](*local, *own_slots(operation, self.slots, slot + 12), *copy)
            self.spaces[count] = [self.zero + v for v in found]
            self.registers.append([self.zero] * 5)
            self.creases.append(none)
        else:
            local = self.local[number] = self._placed(source, slot)
            if operation.category == "shape":
                own = own_slots(operation, self.slots, slot + tapes.PLACE)
                found = compiled(dual.shape_rule(operation))[0](*local[:3], *own)
            else:
                outlines = self.outlines[number] = Outlines(operation, self.slots, slot + tapes.PLACE, count, local[:3])
                found = tuple(outlines.forward())
            self._keep(number, _outward(found, local[3:], self.slots[slot + 12], self.zero), none)

    def _placed(self, source: int, slot: int) -> list[Array]:
        """A space's point and Jacobian through the affine map at `slot`."""
        matrix, space = self.slots[slot : slot + 12], self.spaces[source]
        place = _mapped(matrix, space[:3])
        for row in range(3):
            a, b, c = matrix[4 * row : 4 * row + 3]
            place += [a * space[3 + k] + b * space[6 + k] + c * space[9 + k] for k in range(3)]
        return place

    def _keep(self, number: int, values: list[Array], crease: tuple[Array, Ints]) -> None:
        """A register: DUAL and, where there is a face beside, BESIDE, which is a crease of its own."""
        if len(values) > 5:
            offset = self._offset(values[:4], values[5:9])
            crease = self._nearer(crease, offset, number)
            turned = self.flip == number
            self.first[number] = ~turned
            values = [*(np.where(turned, b, a) for a, b in zip(values[:4], values[5:9])), values[4]]
        self.registers.append(values)
        self.creases.append(crease)

    def _select(self, number: int, operation: Operation, source: int, second: int, slot: int) -> None:
        assert operation.selects is not None
        i, j = operation.selects
        a, b = self.registers[source], self.registers[second]
        natural = i * a[0] < j * b[0]
        first = self.first[number] = natural ^ (self.flip == number)
        other = [i * j * v for v in b[:4]]
        values = [np.where(first, x, y) for x, y in zip(a[:4], other)]
        beside = [np.where(first, y, x) for x, y in zip(a[:4], other)]
        rule = compiled(dual.combination_rule(operation))[0]
        values.append(self.zero + rule(*a, *b, *own_slots(operation, self.slots, slot))[4])
        crease = tuple(np.where(first, x, y) for x, y in zip(self.creases[source], self.creases[second]))
        offset = self._offset(values[:4], beside)
        self.registers.append(values)
        self.creases.append(self._nearer(crease, offset, number))  # type: ignore[arg-type]

    def _offset(self, mine: Sequence[Array], beside: Sequence[Array]) -> Array:
        rule = compiled(dual.crease_offset_rule())[0]
        return self.zero + rule(*mine, *beside, *self.sight.direction, *self.sight.axes, self.sight.size(self.t))[0]  # type: ignore[no-any-return]

    def _nearer(self, crease: tuple[Array, Ints], offset: Array, number: int | Ints) -> tuple[Array, Ints]:
        closer = offset < crease[0]
        return np.where(closer, offset, crease[0]), np.where(closer, number, crease[1])

    def _share(self, f: Array, source: int, second: int) -> Array:
        return compiled(dual.share_rule())[0](f, self.registers[source][0], self.registers[second][0])[0]  # type: ignore[no-any-return]

    # -- materials ----------------------------------------------------------------------------------------

    def shares(self) -> list[Array]:
        """How much of the surface's material is that of each instruction's solid."""
        shares = [self.zero] * len(self.code)
        shares[-1] = self.zero + 1.0
        for number in reversed(range(len(self.code))):
            opcode, source, second, _, count, _ = self.code[number]
            operation = operations_by_opcode()[opcode]
            if operation.category in ("modifier", "loft") or (operation.category == "boolean" and count):
                shares[source] = shares[source] + shares[number]
            elif operation.category == "boolean":
                part = self._part(number)
                shares[source] = shares[source] + shares[number] * (1.0 - part)
                shares[second] = shares[second] + shares[number] * part
        return shares

    def _part(self, number: int) -> Array:
        """The second operand's part in a boolean's surface."""
        _, source, second, *_ = self.code[number]
        if number in self.first and operations_by_opcode()[self.code[number][0]].selects is not None:
            return np.where(self.first[number], 0.0, 1.0)
        return self._share(self.registers[number][0], source, second)

    def leaves(self) -> list[int]:
        return [n for n, row in enumerate(self.code) if operations_by_opcode()[row[0]].category in ("shape", "outline")]

    def material(self) -> list[Array]:
        """What `shading.SURFACE` names."""
        shares = self.shares()
        total = [self.zero] * len(shading.SURFACE)
        for number in self.leaves():
            if shares[number].any():
                values = self.own_material(self.code[number][tapes.MATERIAL])
                total = [t + shares[number] * v for t, v in zip(total, values)]
        return total

    def own_material(self, row: int) -> list[Any]:
        paint, space, slot, stops, surface, bump, bump_slot = self.tape.materials[row].tolist()
        operation = operations_by_opcode()[paint]
        place, normal = self._spot(row)
        widths = self._widths(place[3:])
        *places, share = self._blend(operation, [*place[:3], *normal, *widths], slot)
        first = slot + 12 + len(scalar_names(operation))
        colours = self.slots[first : first + 3 * stops].reshape(stops, 3)
        near, far = (compiled(dual.linear_rule())[0](*(c[0] for c in ramp(t[None], colours)[0])) for t in places)
        values = [*(a + share * (b - a) for a, b in zip(near, far)), *(self.zero + v for v in self.slots[surface : surface + 3])]
        if bump < 0:
            return values + [self.zero] * 3
        inputs = [*place[:3], *normal, *place[3:], *widths, self.slots[bump_slot]]
        height = operations_by_opcode()[bump]
        found = compiled(dual.bump_rule(height))[0](*inputs, *own_slots(height, self.slots, bump_slot + 1))
        return values + [self.zero + v for v in found]

    def _spot(self, row: int) -> tuple[list[Array], list[Array]]:
        """A material's point and its Jacobian, in its own coordinates, and a vector across the surface there, where it is read."""
        paint, space, slot, *_, bump, _ = self.tape.materials[row].tolist()
        place = self._placed(space, slot)
        if not any(operations_by_opcode()[opcode].sided for opcode in (paint, bump) if opcode >= 0):
            return place, [self.zero] * 3
        return place, list(compiled(dual.normal_rule())[0](*place[3:], *self.gradient))

    def _blend(self, operation: Operation, seen: Sequence[Array], slot: int) -> list[Array]:
        """What BLEND names."""
        found = compiled(dual.paint_rule(operation))[0](*seen, *own_slots(operation, self.slots, slot + 12))
        return [self.zero + value for value in found]

    def _widths(self, jacobian: Sequence[Array]) -> list[Array]:
        """How wide a pixel is on the surface along each axis of coordinates with this Jacobian."""
        size = self.sight.size(self.t)
        return list(compiled(dual.footprint_rule())[0](*jacobian, *self.gradient, *self.sight.direction, size))

    # -- reverse ------------------------------------------------------------------------------------------

    def reverse(self, seed: Sequence[Any], adjoint: Array, material: Sequence[Any] | None = None) -> list[Array]:
        """Adds to `adjoint` (slots, n) the derivative of the seeded DUAL, and of SURFACE where that is seeded too, by each
        slot; gives that by the point, (3, n)."""
        registers: list[list[Any]] = [[0.0] * 5 for _ in self.code]
        registers[-1] = list(seed)
        spaces: dict[int, list[Any]] = {k: [0.0] * 12 for k in self.spaces}
        if material is not None:
            self._reverse_material(material, registers, spaces, adjoint)
        for number in reversed(range(len(self.code))):
            opcode, source, second, slot, count, _ = self.code[number]
            operation = operations_by_opcode()[opcode]
            if operation.category in OPERANDS:
                self._reverse_combination(number, operation, registers, adjoint)
            elif operation.category in ("repetition", "extrusion"):
                copy = [self.slots[slot + 12 + len(scalar_names(operation))]] if operation.category == "repetition" else []
                reverse = compiled(dual.space_rule(operation))[1]
                result = reverse(*self.local[number], *own_slots(operation, self.slots, slot + 12), *copy, *spaces[count])
                self._spread(operation, slot + 12, result[12:], adjoint)
                self._reverse_place(source, slot, result[:12], spaces[source], adjoint)
            else:
                self._reverse_leaf(number, operation, registers[number], spaces[source], adjoint)
        return [self.zero + v for v in spaces[0][:3]]

    def _spread(self, operation: Operation, slot: int, values: Sequence[Any], adjoint: Array) -> None:
        names = scalar_names(operation)
        for name, value in zip(continuous_names(operation), values):
            adjoint[slot + names.index(name)] += value

    def _branched(self, number: int, seed: list[Any], beside: bool) -> list[Any]:
        """The seeds of a rule's outputs, BESIDE included, from those of the register."""
        if not beside:
            return seed
        first = self.first[number]
        return [*(np.where(first, s, 0.0) for s in seed[:4]), seed[4], *(np.where(first, 0.0, s) for s in seed[:4])]

    def _reverse_combination(self, number: int, operation: Operation, registers: list[list[Any]], adjoint: Array) -> None:
        _, source, second, slot, _, _ = self.code[number]
        rule = dual.combination_rule(operation)
        places = operands(self.code[number])
        inputs = [v for place in places for v in self.registers[place]]
        seed = registers[number]
        if operation.selects is not None:
            i, j = operation.selects
            first = self.first[number]
            registers[source] = [a + np.where(first, s, 0.0) for a, s in zip(registers[source][:4], seed)] + [registers[source][4]]
            registers[second] = [
                b + np.where(first, 0.0, i * j * s) for b, s in zip(registers[second][:4], seed)
            ] + [registers[second][4]]
            seed = [0.0, 0.0, 0.0, 0.0, seed[4]]
        seed = self._branched(number, seed, len(rule.outputs) > 5)
        result = compiled(rule)[1](*inputs, *own_slots(operation, self.slots, slot), *seed)
        for k, place in enumerate(places):
            registers[place] = [a + b for a, b in zip(registers[place], result[5 * k : 5 * k + 5])]
        self._spread(operation, slot, result[5 * len(places) :], adjoint)

    def _reverse_leaf(
        self, number: int, operation: Operation, seed: list[Any], space: list[Any], adjoint: Array
    ) -> None:
        _, source, _, slot, _, _ = self.code[number]
        local = self.local[number]
        scale = self.slots[slot + 12]
        own = own_slots(operation, self.slots, slot + tapes.PLACE)
        if operation.category == "shape":
            rule = dual.shape_rule(operation)
            value: Sequence[Any] = compiled(rule)[0](*local[:3], *own)
            count = len(rule.outputs)
        else:
            value, count = tuple(self.outlines[number].forward()), 5
        seeds = self._branched(number, seed, count > 5)
        jacobian: list[Any] = [0.0] * 9
        inner: list[Any] = []
        growth: Any = 0.0
        for first in range(0, count, 5):
            # A branch: its value and gradient, and for the first one the thickness.
            bf, *bg = seeds[first : first + 4]
            gradient = value[first + 1 : first + 4]
            inner.append(scale * bf)
            for row in range(3):
                inner.append(scale * sum(local[3 + 3 * row + k] * bg[k] for k in range(3)))
                for k in range(3):
                    jacobian[3 * row + k] = jacobian[3 * row + k] + scale * gradient[row] * bg[k]
                    growth = growth + bg[k] * local[3 + 3 * row + k] * gradient[row]
            growth = growth + bf * value[first]
            if first == 0:
                inner.append(scale * seeds[4])
                growth = growth + seeds[4] * value[4]
        adjoint[slot + 12] += growth
        if operation.category == "shape":
            result = compiled(dual.shape_rule(operation))[1](*local[:3], *own, *inner)
            self._spread(operation, slot + tapes.PLACE, result[3:], adjoint)
        else:
            result = tuple(self.outlines[number].reverse(inner, adjoint))
        self._reverse_place(source, slot, (*result[:3], *jacobian), space, adjoint)

    def _reverse_place(self, source: int, slot: int, seed: Sequence[Any], out: list[Any], adjoint: Array) -> None:
        """The adjoint of `_placed`: into the twelve slots of the map, and into the space it starts from."""
        matrix, space = self.slots[slot : slot + 12], self.spaces[source]
        for row in range(3):
            for column in range(3):
                value = seed[row] * space[column]
                for k in range(3):
                    value = value + seed[3 + 3 * row + k] * space[3 + 3 * column + k]
                adjoint[slot + 4 * row + column] += value
            adjoint[slot + 4 * row + 3] += seed[row]
        for column in range(3):
            out[column] = out[column] + sum(matrix[4 * row + column] * seed[row] for row in range(3))
            for k in range(3):
                place = 3 + 3 * column + k
                out[place] = out[place] + sum(matrix[4 * row + column] * seed[3 + 3 * row + k] for row in range(3))

    def _reverse_material(
        self, seed: Sequence[Any], registers: list[list[Any]], spaces: dict[int, list[Any]], adjoint: Array
    ) -> None:
        shares = self.shares()
        worth: list[Any] = [0.0] * len(self.code)  # of each instruction's material, by the seed
        for number, row in enumerate(self.code):
            opcode, source, second, _, count, material = row
            operation = operations_by_opcode()[opcode]
            if operation.category in ("shape", "outline"):
                values = self.own_material(material)
                worth[number] = sum(s * v for s, v in zip(seed, values))
                turned = self._reverse_own_material(material, [shares[number] * s for s in seed], spaces, adjoint)
                registers[-1] = [a + b for a, b in zip(registers[-1], [0.0, *turned, 0.0])]
            elif operation.category in ("modifier", "loft") or (operation.category == "boolean" and count):
                worth[number] = worth[source]
            elif operation.category == "boolean":
                part = self._part(number)
                worth[number] = worth[source] + part * (worth[second] - worth[source])
                if operation.selects is None:
                    moved = shares[number] * (worth[second] - worth[source])
                    inputs = (self.registers[number][0], self.registers[source][0], self.registers[second][0])
                    for target, value in zip((number, source, second), compiled(dual.share_rule())[1](*inputs, moved)):
                        registers[target] = [registers[target][0] + value, *registers[target][1:]]

    def _reverse_own_material(self, row: int, seed: Sequence[Any], spaces: dict[int, list[Any]], adjoint: Array) -> list[Any]:
        """Gives the adjoint of the surface's gradient."""
        paint, space, slot, stops, surface, bump, bump_slot = self.tape.materials[row].tolist()
        operation = operations_by_opcode()[paint]
        place, normal = self._spot(row)
        widths = self._widths(place[3:])
        seen = [*place[:3], *normal, *widths]
        *places, share = self._blend(operation, seen, slot)
        first = slot + 12 + len(scalar_names(operation))
        colours = self.slots[first : first + 3 * stops].reshape(stops, 3)
        moved: list[Any] = []
        light = []
        for place_on_ramp, part in zip(places, (1.0 - share, share)):
            colour, slope, weights = ramp(place_on_ramp[None], colours)
            forward, reverse = compiled(dual.linear_rule())
            light.append(forward(*(c[0] for c in colour)))
            encoded = reverse(*(c[0] for c in colour), *(part * s for s in seed[:3]))
            for stop in range(stops):
                for channel in range(3):
                    adjoint[first + 3 * stop + channel] += weights[stop, 0] * encoded[channel]
            moved.append(sum(slope[channel, 0] * encoded[channel] for channel in range(3)))
        moved.append(sum(s * (b - a) for s, a, b in zip(seed[:3], *light)))
        for k in range(3):
            adjoint[surface + k] += seed[3 + k]
        own = own_slots(operation, self.slots, slot + 12)
        result = compiled(dual.paint_rule(operation))[1](*seen, *own, *moved)
        self._spread(operation, slot + 12, result[6:], adjoint)
        spot: list[Any] = list(result[:6])
        jacobian: list[Any] = [self.zero] * 9
        if bump >= 0:
            height = operations_by_opcode()[bump]
            inputs = [*seen[:6], *place[3:], *widths, self.slots[bump_slot]]
            found = list(compiled(dual.bump_rule(height))[1](*inputs, *own_slots(height, self.slots, bump_slot + 1), *seed[6:]))
            spot = [a + b for a, b in zip(spot, found)]
            jacobian = found[6:15]
            adjoint[bump_slot] += found[15]
            self._spread(height, bump_slot + 1, found[16:], adjoint)
        turned = compiled(dual.normal_rule())[1](*place[3:], *self.gradient, *spot[3:])
        jacobian = [a + b for a, b in zip(jacobian, turned)]
        self._reverse_place(space, slot, [*spot[:3], *jacobian], spaces[space], adjoint)
        return list(turned[9:])


def _outward(found: Sequence[Any], jacobian: Sequence[Array], scale: float, zero: Array) -> list[Array]:
    """A leaf's outputs in its own coordinates, as they are in the scene's."""
    values: list[Array] = []
    for first in range(0, len(found), 5):
        gradient = found[first + 1 : first + 4]
        values.append(zero + scale * found[first])
        values += [zero + scale * sum(jacobian[3 * row + k] * gradient[row] for row in range(3)) for k in range(3)]
        if first == 0:
            values.append(zero + scale * found[4])
    return values
