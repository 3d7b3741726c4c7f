"""The float64 reference in space: slow, plain, vectorised over rays. Every other backend is tested against it.

A picture is made in three steps: rays are marched, without derivatives, which finds the places that matter along each
(`march`); there the field is evaluated with its gradient (`Field`), and rules of `shaderdsl.solid_dual` turn that into
coverage and light; layers are composited front to back. A Jacobian goes the same way backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled, crosses, pixel_centres, ramp
from shaderdsl import dual as plane_dual, shading, solid_dual as dual, solid_tape as tapes
from shaderdsl.registry import OPERANDS, Operation, continuous_names, scalar_names
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import opcodes
from shaderdsl.view import (
    FAR,
    LAYERS,
    LEAST_CELL,
    NARROWING,
    NEAR,
    OCCLUSION_REACH,
    OCCLUSION_TAPS,
    REACH,
    ROOT_STEPS,
    SECOND,
    SHADOW_STEP,
    SHADOW_STEPS,
    SHORTEST,
    STEPS,
)

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DARK = 1e9


@lru_cache(maxsize=1)
def _operations() -> dict[int, Operation]:
    return {opcode.number: opcode.operation for opcode in reversed(list(opcodes(3).values()))}


def own_slots(operation: Operation, slots: Array, slot: int) -> list[float]:
    return list(slots[slot : slot + len(scalar_names(operation))])


def operands(row: Sequence[int]) -> list[int]:
    """The registers that an instruction combines."""
    opcode, source, second, *_, third = row
    return [source, second, third][: len(OPERANDS[_operations()[opcode].category])]


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
            operation = _operations()[opcode]
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
        operation = _operations()[opcode]
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
            operation = _operations()[opcode]
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
        if number in self.first and _operations()[self.code[number][0]].selects is not None:
            return np.where(self.first[number], 0.0, 1.0)
        return self._share(self.registers[number][0], source, second)

    def leaves(self) -> list[int]:
        return [n for n, row in enumerate(self.code) if _operations()[row[0]].category in ("shape", "outline")]

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
        operation = _operations()[paint]
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
        height = _operations()[bump]
        found = compiled(dual.bump_rule(height))[0](*inputs, *own_slots(height, self.slots, bump_slot + 1))
        return values + [self.zero + v for v in found]

    def _spot(self, row: int) -> tuple[list[Array], list[Array]]:
        """A material's point and its Jacobian, in its own coordinates, and a vector across the surface there, where it is read."""
        paint, space, slot, *_, bump, _ = self.tape.materials[row].tolist()
        place = self._placed(space, slot)
        if not any(_operations()[opcode].sided for opcode in (paint, bump) if opcode >= 0):
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
            operation = _operations()[opcode]
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
            operation = _operations()[opcode]
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
        operation = _operations()[paint]
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
            height = _operations()[bump]
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


# -- marching ------------------------------------------------------------------------------------------------


@dataclass
class Places:
    """What a march found along each ray, layer by layer: arrays (LAYERS, n), nan where there is nothing.

    `hit`: where a surface is met. `low`, `high`: on both sides of the least value, where the ray dives no deeper than it is
    seen through, or passes without meeting. A surface without them is opaque.
    """

    hit: Array
    low: Array
    high: Array


OUTSIDE, INSIDE, LEAVING, DONE = range(4)


def march(tape: SolidTape, slots: Array, sight: Sight) -> Places:
    """Marches all rays at once; see `shaderdsl.view` for what it looks for.

    Steps are the distance over its Lipschitz constant, less what is near a surface: there every multiple of SHORTEST pixels is
    looked at. A surface is met when the distance changes its sign between two samples, and passed near when it has a least
    value between three.
    """
    distances = Distances(tape, slots)
    n = len(sight.values[0])
    places = Places(*(np.full((LAYERS, n), np.nan) for _ in range(3)))
    layer = np.zeros(n, np.int64)
    lipschitz = tape.lipschitz
    state = np.where(distances.at(sight.at(np.zeros(n))) <= 0.0, LEAVING, OUTSIDE)
    t, before, earlier = np.zeros(n), np.zeros(n), np.zeros(n)  # this sample's distance along the ray, and those of the last two
    f_before, f_earlier = np.full(n, -np.inf), np.full(n, -np.inf)
    for _ in range(STEPS):
        rays = np.flatnonzero(state != DONE)
        if not len(rays):
            break
        part = sight.some(rays)
        f = distances.at(part.at(t[rays]))
        size = part.size(t[rays])
        near = NEAR * lipschitz * size
        cell = np.exp2(np.floor(np.log2(np.maximum(SHORTEST * size, LEAST_CELL))))
        now, last, last_but_one = state[rays], f_before[rays], f_earlier[rays]
        met = (now == OUTSIDE) & (f <= 0.0)
        rising = (f > last) & (last <= last_but_one) & np.isfinite(last)
        # What is met behind all other layers is opaque, and nothing is passed before it: it stands for all that is there.
        final = layer[rays] == LAYERS - 1
        passed = (now == OUTSIDE) & ~met & rising & (last < near) & ~final
        shallow = (now == INSIDE) & (rising | (f > 0.0))
        deep = (now == INSIDE) & ~shallow & (f < -near)
        # Where solids touch, the distance rises to nothing between them; a ray that then dives deeper never came out.
        deeper = (now == LEAVING) & (layer[rays] > 0) & (f < -near)
        places.low[layer[rays[deeper]] - 1, rays[deeper]] = np.nan
        who = rays[met]
        places.hit[layer[who], who] = _root(distances, sight.some(who), before[who], f_before[who], t[who], f[met])
        least = passed | shallow
        who = rays[least]
        start = np.maximum(earlier[who], before[who] - cell[least])
        low, middle, f_middle, high = _least(distances, sight.some(who), start, before[who], last[least], t[who])
        places.low[layer[who], who], places.high[layer[who], who] = low, high
        # What was thought to be passed near may be met between two samples.
        thin = (f_middle <= 0.0) & passed[least]
        some = who[thin]
        place = _root(distances, sight.some(some), earlier[some], last_but_one[least][thin], middle[thin], f_middle[thin])
        places.hit[layer[some], some] = place
        layer[who] += 1
        outside = f > 0.0
        new = now.copy()
        new[met] = INSIDE
        new[shallow] = LEAVING
        new[((now == LEAVING) | shallow) & outside] = OUTSIDE
        new[deep | deeper | (met & final) | (t[rays] > FAR)] = DONE
        # A ray that comes out again looks anew.
        fresh = (now != OUTSIDE) & (new == OUTSIDE)
        f_earlier[rays] = np.where(fresh, -np.inf, last)
        f_before[rays], earlier[rays], before[rays] = f, before[rays], t[rays]
        state[rays] = new
        free = np.minimum(np.abs(f) / lipschitz, FAR) - NEAR * size - cell
        t[rays] = np.maximum(np.floor((t[rays] + free) / cell), np.floor(t[rays] / cell) + 1.0) * cell
    return places


def _root(distances: Distances, sight: Sight, low: Array, f_low: Array, high: Array, f_high: Array) -> Array:
    """Where the distance is zero between `low`, outside, and `high`, inside: regula falsi, Illinois."""
    f_low, f_high = f_low.copy(), f_high.copy()
    place = high
    for _ in range(ROOT_STEPS):
        place = low + (high - low) * (f_low / (f_low - f_high))
        f = distances.at(sight.at(place))
        out = f > 0.0
        f_low, f_high = np.where(out, f, 0.5 * f_low), np.where(out, 0.5 * f_high, f)
        low, high = np.where(out, place, low), np.where(out, high, place)
    return low + (high - low) * (f_low / (f_low - f_high))


def _least(
    distances: Distances, sight: Sight, low: Array, middle: Array, f_middle: Array, high: Array
) -> tuple[Array, Array, Array, Array]:
    """A narrower bracket of the least value, by golden section: its low end, the lowest sample and its value, its high end."""
    for _ in range(NARROWING):
        right = high - middle > middle - low
        probe = np.where(right, middle + 0.381966 * (high - middle), middle - 0.381966 * (middle - low))
        f = distances.at(sight.at(probe))
        lower = f < f_middle
        # The better of the two becomes the middle, the other one an end.
        new_low = np.where(right, np.where(lower, middle, low), np.where(lower, low, probe))
        new_high = np.where(right, np.where(lower, high, probe), np.where(lower, middle, high))
        low, high = new_low, new_high
        middle, f_middle = np.where(lower, probe, middle), np.where(lower, f, f_middle)
    return low, middle, f_middle, high


# -- shadows -------------------------------------------------------------------------------------------------


def arriving(tape: SolidTape, slots: Array, light: Sequence[int], point: list[Array], size: Array) -> Array:
    """How much of a light, (opcode, slot), arrives at points (3, n), whose pixels have a size (n,)."""
    opcode, slot = light
    operation = _operations()[opcode]
    names = scalar_names(operation)
    softness = slots[slot + names.index("shadow")] if "shadow" in names else 0.0
    occlusion = slots[slot + names.index("occlusion")] if "occlusion" in names else 0.0
    if softness > 0.0:
        return _shadow(Distances(tape, slots), operation, own_slots(operation, slots, slot), softness, point, size)
    if occlusion > 0.0:
        return _occlusion(Distances(tape, slots), occlusion, point, size)
    return np.ones_like(size)


def _shadow(
    distances: Distances, operation: Operation, own: list[float], softness: float, point: list[Array], size: Array
) -> Array:
    *direction, far = (v + 0.0 * size for v in compiled(dual.towards_rule(operation))[0](*point, *own))
    clear, t = np.ones_like(size), 2.0 * size
    for _ in range(SHADOW_STEPS):
        f = distances.at([p + t * d for p, d in zip(point, direction)])
        left = compiled(dual.shadow_rule())[0](clear, f, t, softness, size)[0]
        clear = np.where(t < far, left, clear)
        t = t + np.clip(f, *SHADOW_STEP)
    return compiled(dual.arriving_rule())[0](clear)[0]  # type: ignore[no-any-return]


TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))


def _occlusion(distances: Distances, occlusion: float, point: list[Array], size: Array) -> Array:
    step = 0.5 * size
    normal = [np.zeros_like(size) for _ in range(3)]
    for corner in TETRAHEDRON:
        f = distances.at([p + step * c for p, c in zip(point, corner)])
        normal = [n + f * c for n, c in zip(normal, corner)]
    length = np.maximum(np.sqrt(normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2), 1e-9)
    hidden = np.zeros_like(size)
    for tap in range(1, OCCLUSION_TAPS + 1):
        away = tap * OCCLUSION_REACH
        f = distances.at([p + n / length * away for p, n in zip(point, normal)])
        hidden = hidden + np.clip(1.0 - f / away, 0.0, 1.0) * 0.5**tap
    return np.clip(1.0 - occlusion * hidden, 0.0, 1.0)


# -- the picture ---------------------------------------------------------------------------------------------


class _Shade:
    """Light from a surface: `colour` (3, n) linear, by point, gradient, direction and material."""

    def __init__(
        self, tape: SolidTape, slots: Array, point: Any, gradient: Any, sight: Sight, material: Any, t: Array, shadows_at: Array
    ) -> None:
        """`shadows_at`: the distance along the ray of the point that shadows are looked for at."""
        self.tape, self.slots = tape, slots
        self.bending = [*gradient, *material[6:]]
        facing = compiled(dual.bent_rule())[0](*self.bending) if tape.is_bumpy else gradient
        material = material[:6]
        self.inputs = [*point, *facing, *sight.direction, *material]
        self.t = t
        self.material = material
        place, size = sight.at(shadows_at), sight.size(shadows_at)
        self.visible = [arriving(tape, slots, row, place, size) for row in tape.lights.tolist()]
        light = list(compiled(dual.emission_rule())[0](*material))
        for (opcode, slot), visible in zip(tape.lights.tolist(), self.visible):
            operation = _operations()[opcode]
            more = compiled(dual.light_rule(operation))[0](*self.inputs, visible, *own_slots(operation, slots, slot))
            light = [a + b for a, b in zip(light, more)]
        self.light = light
        self.colour = light if tape.fog is None else compiled(dual.fog_rule())[0](*light, t, slots[tape.fog], *self._haze())

    def _haze(self) -> list[float]:
        """What fog fades to: the background's linear colour, black where there is none."""
        first = self.tape.background
        if first is None:
            return [0.0, 0.0, 0.0]
        return list(compiled(dual.linear_rule())[0](*self.slots[first : first + 3]))

    def reverse(self, seed: Sequence[Any], adjoint: Array) -> tuple[list[Any], list[Any], list[Any], list[Any], Any]:
        """Adds to the slots' adjoints; gives those of point, gradient, direction, SURFACE and t."""
        out: list[Any] = [0.0] * (len(dual.LIT) - 1)
        along: Any = 0.0
        if self.tape.fog is not None:
            result = compiled(dual.fog_rule())[1](*self.light, self.t, self.slots[self.tape.fog], *self._haze(), *seed)
            seed, along = result[:3], result[3]
            adjoint[self.tape.fog] += result[4]
            first = self.tape.background
            if first is not None:
                back = compiled(dual.linear_rule())[1](*self.slots[first : first + 3], *result[5:])
                for k in range(3):
                    adjoint[first + k] += back[k]
        for (opcode, slot), visible in zip(self.tape.lights.tolist(), self.visible):
            operation = _operations()[opcode]
            own = own_slots(operation, self.slots, slot)
            result = compiled(dual.light_rule(operation))[1](*self.inputs, visible, *own, *seed)
            out = [a + b for a, b in zip(out, result)]
            names = scalar_names(operation)
            for name, value in zip(continuous_names(operation), result[len(out) :]):
                adjoint[slot + names.index(name)] += value
        sent = compiled(dual.emission_rule())[1](*self.material, *seed)
        material = [a + b for a, b in zip(out[9:], sent)]
        bent: Sequence[Any] = [*out[3:6], 0.0, 0.0, 0.0]
        if self.tape.is_bumpy:
            bent = compiled(dual.bent_rule())[1](*self.bending, *out[3:6])
        return out[:3], list(bent[:3]), out[6:9], [*material, *bent[3:]], along


class _Surface:
    """What rays see at `t`: light, the two sides of a crease blended. Where they meet a surface there, it is `attached`."""

    def __init__(self, tape: SolidTape, slots: Array, sight: Sight, t: Array, shadows_at: Array, attached: bool) -> None:
        self.tape, self.slots, self.sight, self.t = tape, slots, sight, t
        self.shadows_at, self.attached = shadows_at, attached
        self.field = Field(tape, slots, sight, t)
        self.shade = self._shaded(self.field, shadows_at)
        offset, crease = self.field.creases[-1]
        self.some = np.flatnonzero(offset < REACH)
        self.colour = [np.array(np.broadcast_to(c, t.shape)) for c in self.shade.colour]
        if len(self.some):
            self.part = sight.some(self.some)
            self.beside = Field(tape, slots, self.part, t[self.some], crease[self.some])
            self.beside_shade = self._shaded(self.beside, shadows_at[self.some])
            self.share = compiled(dual.crease_rule())[0](*self._crease_inputs())[0]
            for channel, other in zip(self.colour, self.beside_shade.colour):
                channel[self.some] = other + (channel[self.some] - other) * self.share

    def _shaded(self, field: Field, shadows_at: Array) -> _Shade:
        return _Shade(self.tape, self.slots, field.point, field.gradient, field.sight, field.material(), field.t, shadows_at)

    def _crease_inputs(self) -> list[Any]:
        mine = [v[self.some] for v in self.field.dual[:4]]
        part = self.part
        return [*mine, *self.beside.dual[:4], *part.direction, *part.axes, part.size(self.t[self.some])]

    def reverse(self, seed: Sequence[Array], adjoint: Array, sight: list[Any]) -> Array:
        """Adds to the adjoints of the slots (slots, n) and of the rays (14, n: RAY and AXES); gives that of `t`, which is
        passed on already where the surface is attached."""
        n = len(self.t)
        mine = [np.array(np.broadcast_to(s, (n,)), np.float64) for s in seed]
        zero = np.zeros(n)
        gradient, point, material, direction, along = [zero] * 3, [zero] * 3, [zero] * len(shading.SURFACE), [zero] * 3, zero
        value: Any = zero
        some = self.some
        beside_point: list[Any] = []
        if len(some):
            here = [s[some] for s in mine]
            differences = [a - b for a, b in zip((c[some] for c in map(self._whole, self.shade.colour)), self.beside_shade.colour)]
            moved = sum(s * d for s, d in zip(here, differences))
            crease = compiled(dual.crease_rule())[1](*self._crease_inputs(), moved)
            other = [s * (1.0 - self.share) for s in here]
            for s in mine:
                s[some] *= self.share
            part = np.zeros((len(adjoint), len(some)))
            p, g, d, m, a = self.beside_shade.reverse(other, part)
            beside_seed = [crease[4], *(x + y for x, y in zip(g, crease[5:8])), 0.0]
            q = self.beside.reverse(beside_seed, part, m)
            beside_point = [x + y for x, y in zip(p, q)]
            adjoint[:, some] += part
            crease_gradient, crease_direction, crease_axes, crease_size = crease[1:4], crease[8:11], crease[11:17], crease[17]
            value = _scattered(n, some, crease[0])
            gradient = [_scattered(n, some, v) for v in crease_gradient]
            direction = [_scattered(n, some, x + y) for x, y in zip(crease_direction, d)]
            along = _scattered(n, some, a)
            for k in range(6):
                sight[8 + k] = sight[8 + k] + _scattered(n, some, crease_axes[k])
            size = _scattered(n, some, crease_size)
            sight[6] = sight[6] + size
            sight[7] = sight[7] + size * self.t
            along = along + size * self.sight.values[7]
        p, g, d, material, a = self.shade.reverse(mine, adjoint)
        gradient = [x + y for x, y in zip(gradient, g)]
        direction = [x + y for x, y in zip(direction, d)]
        along = along + a
        point = self.field.reverse([value, *gradient, 0.0], adjoint, material)
        point = [zero + x + y for x, y in zip(point, p)]
        for k, q in enumerate(beside_point):
            point[k] = point[k] + _scattered(n, some, q)
        ray = self.sight.direction
        by_place: Array = along + sum(x * y for x, y in zip(point, ray))
        if self.attached:
            # The surface's place along the ray moves so that the field stays zero.
            slope = np.minimum(sum(x * y for x, y in zip(self.field.gradient, ray)), -1e-3)
            pushed = self.field.reverse([-by_place / slope, 0.0, 0.0, 0.0, 0.0], adjoint)
            point = [x + y for x, y in zip(point, pushed)]
        for k in range(3):
            sight[k] = sight[k] + point[k]
            sight[3 + k] = sight[3 + k] + point[k] * self.t + direction[k]
        return by_place

    def _whole(self, colour: Any) -> Array:
        return np.broadcast_to(colour, self.t.shape)


def _scattered(n: int, where: Ints, values: Any) -> Array:
    result = np.zeros(n)
    result[where] = values
    return result


class _Outline:
    """How much of their pixels a layer covers where rays pass its outline."""

    def __init__(self, tape: SolidTape, slots: Array, sight: Sight, low: Array, high: Array) -> None:
        self.tape, self.slots, self.sight = tape, slots, sight
        self.a, self.b = Field(tape, slots, sight, low), Field(tape, slots, sight, high)
        ray = sight.direction
        falling = sum(x * y for x, y in zip(self.a.gradient, ray))
        rising = sum(x * y for x, y in zip(self.b.gradient, ray))
        middle = low + (high - low) * np.clip(falling / np.minimum(falling - rising, -1e-9), 0.0, 1.0)
        self.c = Field(tape, slots, sight, middle)
        slope = sum(x * y for x, y in zip(self.c.gradient, ray))
        self.kinked = np.abs(slope) > 0.25 * np.minimum(np.abs(falling), np.abs(rising))
        width = high - low
        self.bend = [(y - x) / width for x, y in zip(self.a.gradient, self.b.gradient)]
        self.inputs = [*ray, *sight.axes, sight.values[6], sight.values[7]]
        smooth = compiled(dual.smooth_outline_rule())[0](*self._smooth())
        kinked = compiled(dual.kinked_outline_rule())[0](*self._kinked())
        self.alpha, self.t, self.depth = (np.where(self.kinked, y, x) for x, y in zip(smooth, kinked))

    def _smooth(self) -> list[Any]:
        return [*self.c.dual, self.c.t, *self.bend, *self.inputs]

    def _kinked(self) -> list[Any]:
        return [*self.a.dual, self.a.t, *self.b.dual, self.b.t, *self.inputs]

    def reverse(self, seed: Sequence[Any], adjoint: Array, sight: list[Any]) -> None:
        """`seed` of OUTLINE: adds to the adjoints of slots and rays."""
        smooth_seed = [np.where(self.kinked, 0.0, s) for s in seed]
        kinked_seed = [np.where(self.kinked, s, 0.0) for s in seed]
        smooth = compiled(dual.smooth_outline_rule())[1](*self._smooth(), *smooth_seed)
        kinked = compiled(dual.kinked_outline_rule())[1](*self._kinked(), *kinked_seed)
        for field, result in ((self.c, smooth[:5]), (self.a, kinked[:5]), (self.b, kinked[5:10])):
            point = field.reverse(result, adjoint)
            for k in range(3):
                sight[k] = sight[k] + point[k]
                sight[3 + k] = sight[3 + k] + point[k] * field.t
        for first, result in ((5, smooth), (10, kinked)):
            for k in range(3):
                sight[3 + k] = sight[3 + k] + result[first + k]
            for k in range(6):
                sight[8 + k] = sight[8 + k] + result[first + 3 + k]
            sight[6] = sight[6] + result[first + 9]
            sight[7] = sight[7] + result[first + 10]


class _Layer:
    """One layer of the rays that have one: `which` are they; `alpha` (n,) and `colour` (3, n)."""

    def __init__(self, tape: SolidTape, slots: Array, sight: Sight, places: Places, number: int) -> None:
        hit, low = places.hit[number], places.low[number]
        self.which = np.flatnonzero(~np.isnan(hit) | ~np.isnan(low))
        n = len(self.which)
        self.alpha, self.colour = np.ones(n), np.zeros((3, n))
        self.met = np.flatnonzero(~np.isnan(hit[self.which]))
        self.edged = np.flatnonzero(~np.isnan(low[self.which]))
        self.surface: _Surface | None = None
        self.outline: _Outline | None = None
        if len(self.met):
            rays = self.which[self.met]
            self.surface = _Surface(tape, slots, sight.some(rays), hit[rays], hit[rays], True)
            self.colour[:, self.met] = self.surface.colour
        if len(self.edged):
            rays = self.which[self.edged]
            self.outline = _Outline(tape, slots, sight.some(rays), low[rays], places.high[number][rays])
            self.alpha[self.edged] = self.outline.alpha
            # What is passed near and not met is seen where the middle of what it covers is met; what is barely met is so in part.
            self.depth = np.where(np.isnan(hit[rays]), 0.0, self.outline.depth)
            self.bare = np.flatnonzero(self.depth < 1.0)
            part, t = self.outline.sight.some(self.bare), self.outline.t[self.bare]
            lit_at = np.where(np.isnan(hit[rays]), low[rays], hit[rays])[self.bare]
            self.before = _Surface(tape, slots, part, t, lit_at, False)
            here = self.edged[self.bare]
            self.gap = self.colour[:, here] - np.array(self.before.colour)
            self.colour[:, here] -= (1.0 - self.depth[self.bare]) * self.gap

    def reverse(self, alpha: Array, colour: Array, adjoint: Array, sight: Array) -> None:
        """Adds to the adjoints of slots (slots, rays) and rays (14, rays)."""
        if self.surface is not None:
            part, rays = np.zeros((len(adjoint), len(self.met))), [np.zeros(len(self.met))] * 14
            seen = np.ones(len(self.which))
            if self.outline is not None:
                seen[self.edged] = self.depth
            self.surface.reverse(list(colour[:, self.met] * seen[self.met]), part, rays)
            adjoint[:, self.which[self.met]] += part
            sight[:, self.which[self.met]] += np.array(rays)
        if self.outline is not None:
            n = len(self.edged)
            part, rays = np.zeros((len(adjoint), n)), [np.zeros(n)] * 14
            seed = [np.zeros(n) for _ in dual.OUTLINE]
            seed[0] = alpha[self.edged]
            if len(self.bare):
                own, own_rays = np.zeros((len(adjoint), len(self.bare))), [np.zeros(len(self.bare))] * 14
                seen = colour[:, self.edged[self.bare]]
                seed[2][self.bare] = (seen * self.gap).sum(0) * (self.depth[self.bare] > 0.0)
                along = self.before.reverse(list(seen * (1.0 - self.depth[self.bare])), own, own_rays)
                seed[1][self.bare] = along
                rays = [r + _scattered(n, self.bare, o) for r, o in zip(rays, own_rays)]
                part[:, self.bare] += own
            self.outline.reverse(seed, part, rays)
            adjoint[:, self.which[self.edged]] += part
            sight[:, self.which[self.edged]] += np.array(rays)


class Picture:
    """A scene drawn through the image points (x, y), flat arrays: `image` (4, n), premultiplied sRGB, and its derivative."""

    def __init__(self, tape: SolidTape, slots: Array, x: Array, y: Array, pixel: float) -> None:
        self.tape, self.slots = tape, slots
        n = len(x)
        self.camera = slots[tape.camera : tape.camera + len(dual.CAMERA)]
        self.at = (x, y, pixel)
        values = [np.broadcast_to(v, (n,)) for v in compiled(dual.ray_rule())[0](x, y, pixel, *self.camera)]
        self.sight = Sight(values, [np.full(n, v) for v in self.camera[3:9]])
        self.sight.axes = list(self.camera[3:9])
        places = march(tape, slots, self.sight)
        self.layers = [_Layer(tape, slots, self.sight, places, k) for k in range(LAYERS)]
        self.behind: list[tuple[Array, Array]] = []
        colour, alpha = np.zeros((3, n)), np.zeros(n)
        if tape.background is not None:
            linear = compiled(dual.linear_rule())[0](*slots[tape.background : tape.background + 3])
            colour, alpha = colour + np.array(linear)[:, None], alpha + 1.0
        for layer in reversed(self.layers):
            self.behind.append((colour[:, layer.which].copy(), alpha[layer.which].copy()))
            colour[:, layer.which] += layer.alpha * (layer.colour - colour[:, layer.which])
            alpha[layer.which] += layer.alpha * (1.0 - alpha[layer.which])
        self.behind.reverse()
        self.colour, self.alpha = colour, alpha
        rule = compiled(dual.screen_rule(tape.tone))[0]
        self.image = np.stack([*rule(*colour, alpha, slots[tape.exposure]), alpha])

    def jacobian(self) -> Array:
        """d image / d slots (4, slots, n)."""
        n = self.image.shape[1]
        result = np.zeros((4, len(self.tape.slots), n))
        back = compiled(dual.screen_rule(self.tape.tone))[1]
        for channel in range(4):
            seed = [np.full(n, float(k == channel)) for k in range(3)]
            *colour, alpha, exposure = back(*self.colour, self.alpha, self.slots[self.tape.exposure], *seed)
            result[channel, self.tape.exposure] += exposure
            self._reverse(np.array([np.broadcast_to(c, (n,)) for c in colour]), alpha + float(channel == 3), result[channel])
        return result

    def _reverse(self, colour: Array, alpha: Array, adjoint: Array) -> None:
        n = colour.shape[1]
        sight = np.zeros((14, n))
        alpha = np.array(np.broadcast_to(alpha, (n,)), np.float64)
        for layer, (behind, behind_alpha) in zip(self.layers, self.behind):
            which = layer.which
            through_colour, through_alpha = colour[:, which], alpha[which]
            own = (through_colour * (layer.colour - behind)).sum(0) + through_alpha * (1.0 - behind_alpha)
            layer.reverse(own, through_colour * layer.alpha, adjoint, sight)
            colour[:, which] *= 1.0 - layer.alpha
            alpha[which] *= 1.0 - layer.alpha
        if self.tape.background is not None:
            first = self.tape.background
            back = compiled(dual.linear_rule())[1](*self.slots[first : first + 3], *colour)
            for k in range(3):
                adjoint[first + k] += back[k]
        camera = self.tape.camera
        found = compiled(dual.ray_rule())[1](*self.at, *self.camera, *sight[:8])
        for k, value in enumerate(found):
            adjoint[camera + k] += value
        adjoint[camera + 3 : camera + 9] += sight[8:]


def picture(
    tape: SolidTape, parameters: npt.ArrayLike, size: tuple[int, int], *, jacobian: bool = False, at: tuple[Array, Array] | None = None
) -> tuple[Array, Array | None]:
    """Premultiplied sRGB RGBA (h, w, 4) for size (width, height), and its Jacobian (h, w, 4, p) by the parameters.

    at: image points (h, w) of the pixels' centres, where they are not the usual ones.
    """
    slots = tape.slot_values(parameters)
    x, y = pixel_centres(size) if at is None else at
    shape = x.shape
    drawn = Picture(tape, slots, x.ravel(), y.ravel(), 2.0 / min(size))
    image = np.moveaxis(drawn.image.reshape(4, *shape), 0, -1)
    if not jacobian:
        return image, None
    derivative = tape.slot_derivative
    weights = derivative.uniform.run(np.asarray(parameters, np.float64))
    matrix = np.zeros((len(tape.slots), tape.parameter_count))
    for slot in range(len(tape.slots)):
        first, last = derivative.rows[slot : slot + 2]
        np.add.at(matrix[slot], derivative.columns[first:last], weights[first:last])
    by_slot = drawn.jacobian().reshape(4, len(tape.slots), *shape)
    return image, np.einsum("cshw,sp->hwcp", by_slot, matrix)
