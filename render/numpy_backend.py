"""The float64 reference: slow, plain and vectorised over pixels. Every other backend is tested against it.

It runs a tape instruction by instruction over all pixels at once, forward for pictures and in reverse for Jacobians,
with code printed from the same rules (`shaderdsl.dual`) that the fast backends print. No tile is skipped and no
derivative is approximated.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from shaderdsl import dual, emit, tape as tapes
from shaderdsl.dual import Rule
from shaderdsl.expression import Expr
from shaderdsl.registry import continuous_names, scalar_names
from shaderdsl.tape import Tape

Array = npt.NDArray[np.float64]
Function = Callable[..., tuple[Any, ...]]


@cache
def compiled(rule: Rule) -> tuple[Function, Function]:
    """(forward, reverse) of a rule as NumPy functions of its inputs (then, for reverse, its outputs' adjoints)."""
    adjoints = tuple("d_" + name for name in rule.outputs)
    return (
        _function(rule, rule.inputs, rule.forward, "forward"),
        _function(rule, rule.inputs + adjoints, rule.reverse, "reverse"),
    )


def _function(rule: Rule, names: Sequence[str], outputs: Sequence[Expr], title: str) -> Function:
    statements, results = emit.print_graph(rule.graph, outputs, {n: n for n in names}, emit.NUMPY)
    lines = [emit.NUMPY_HASH, f"def {title}({', '.join(names)}):", *("    " + s for s in statements), "    return (" + "".join(r + ", " for r in results) + ")"]
    scope: dict[str, Any] = {"np": np}
    exec("\n".join(lines), scope)  # our own printed arithmetic: no text of a user's reaches it
    return scope[title]  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _rules() -> dict[int, Any]:
    return {opcode.number: opcode.operation for opcode in reversed(list(tapes.opcodes().values()))}


def pixel_centres(size: tuple[int, int]) -> tuple[Array, Array]:
    """x and y (h, w) of pixel centres in scene units for size (width, height): y up, the shorter side spans [-1, 1]."""
    width, height = size
    unit = 2.0 / min(width, height)
    x = (np.arange(width) + 0.5 - 0.5 * width) * unit
    y = (0.5 * height - np.arange(height) - 0.5) * unit
    columns, rows = np.meshgrid(x, y)
    return columns, rows


class _Layer:
    """One layer of a tape over all points: forward registers, and the reverse pass that fills slot adjoints."""

    def __init__(self, tape: Tape, index: int, slots: Array, x: Array, y: Array) -> None:
        self.tape, self.slots = tape, slots
        self.row = tape.layers[index]
        first, count = self.row[tapes.FIRST], self.row[tapes.LENGTH]
        self.code = tape.instructions[first : first + count].tolist()
        one, zero = np.ones_like(x), np.zeros_like(x)
        self.spaces: dict[int, list[Array]] = {0: [x, y, one, zero, zero, one]}
        self.registers: list[list[Array]] = []
        self.nearest: dict[int, tuple[npt.NDArray[np.int64], Array]] = {}
        self.local: dict[int, list[Array]] = {}
        for number, instruction in enumerate(self.code):
            self.registers.append(self._forward(number, *instruction))

    # -- forward ------------------------------------------------------------------------------------------

    def _placed(self, space: list[Array], slot: int) -> list[Array]:
        """A space's point and Jacobian through the affine map at `slot`."""
        a, b, c, d, e, f = self.slots[slot : slot + 6]
        x, y, xx, xy, yx, yy = space
        return [
            a * x + b * y + c, d * x + e * y + f,
            a * xx + b * yx, a * xy + b * yy, d * xx + e * yx, d * xy + e * yy,
        ]  # fmt: skip

    def _forward(self, number: int, opcode: int, source: int, second: int, slot: int, count: int) -> list[Array]:
        operation = _rules()[opcode]
        zero = np.zeros_like(self.spaces[0][0])
        if operation.category in ("boolean", "modifier"):
            forward, _ = compiled(dual.combination_rule(operation))
            inputs = [*self.registers[source]]
            if operation.category == "boolean":
                inputs += self.registers[second]
            return [zero + v for v in forward(*inputs, *self._own(operation, slot))]
        local = self.local[number] = self._placed(self.spaces[source], slot)
        if operation.category == "repetition":
            forward, _ = compiled(dual.repetition_rule(operation))
            copy = self.slots[slot + 6 + len(scalar_names(operation))]
            self.spaces[count] = [zero + v for v in forward(*local, *self._own(operation, slot + 6), copy)]
            return []
        u, v, ux, uy, vx, vy = local
        scale = self.slots[slot + 6]
        own = self._own(operation, slot + tapes.PLACE)
        if operation.category == "shape":
            f, gu, gv, w = compiled(dual.shape_rule(operation))[0](u, v, *own)
        else:
            self.nearest[number] = self._nearest(operation, u, v, own, slot + tapes.PLACE + len(own), count)
            f, gu, gv, w = self._outline(operation, number, u, v, own, slot + tapes.PLACE + len(own))
        return [zero + q for q in (scale * f, scale * (ux * gu + vx * gv), scale * (uy * gu + vy * gv), scale * w)]

    def _own(self, operation: Any, slot: int) -> list[float]:
        return list(self.slots[slot : slot + len(scalar_names(operation))])

    def _element(self, slot: int, which: npt.NDArray[np.int64]) -> list[Array]:
        return [self.slots[slot + len(dual.ELEMENT) * which + k] for k in range(len(dual.ELEMENT))]

    def _nearest(
        self, operation: Any, u: Array, v: Array, own: list[float], slot: int, count: int
    ) -> tuple[npt.NDArray[np.int64], Array]:
        """The index of the nearest element, and 1 where the point is inside by the crossing parity."""
        best = np.full(u.shape, np.inf)
        index = np.zeros(u.shape, np.int64)
        inside = np.zeros(u.shape, bool)
        for k in range(count):
            x0, y0, x1, y1, x2, y2, curved, ends = self.slots[slot + 8 * k : slot + 8 * k + 8]
            forward, _ = compiled(dual.element_rule(operation, bool(curved)))
            distance = forward(u, v, *own, x0, y0, x1, y1, x2, y2, ends)[0]
            closer = distance < best
            best, index = np.where(closer, distance, best), np.where(closer, k, index)
            inside ^= crosses(u, v, x0, y0, x1, y1, x2, y2, bool(curved))
        return index, inside.astype(np.float64)

    def _outline(self, operation: Any, number: int, u: Array, v: Array, own: list[float], slot: int) -> list[Array]:
        index, inside = self.nearest[number]
        *points, curved, ends = self._element(slot, index)
        results = []
        for kind in (False, True):
            forward, _ = compiled(dual.outline_rule(operation, kind))
            results.append(forward(u, v, *own, *points, ends, inside) if (curved == kind).any() else (0.0,) * 4)
        return [np.where(curved > 0.5, b, a) for a, b in zip(*results)]

    @property
    def dual(self) -> list[Array]:
        """(f, fx, fy, w) of the layer's shape."""
        return self.registers[-1]

    # -- reverse ------------------------------------------------------------------------------------------

    def reverse(self, seed: Sequence[Array], adjoint: Array) -> None:
        """Adds to `adjoint` (slots, h, w) the derivative of the seeded dual by each slot."""
        registers: list[list[Array]] = [[0.0] * 4 for _ in self.code]  # type: ignore[list-item]
        registers[-1] = list(seed)
        spaces: dict[int, list[Any]] = {k: [0.0] * 6 for k in self.spaces}
        for number in reversed(range(len(self.code))):
            opcode, source, second, slot, count = self.code[number]
            operation = _rules()[opcode]
            if operation.category in ("boolean", "modifier"):
                self._reverse_combination(operation, registers, number, source, second, slot, adjoint)
            elif operation.category == "repetition":
                _, reverse = compiled(dual.repetition_rule(operation))
                copy = self.slots[slot + 6 + len(scalar_names(operation))]
                result = reverse(*self.local[number], *self._own(operation, slot + 6), copy, *spaces[count])
                self._spread(operation, slot + 6, result[6:], adjoint)
                self._reverse_place(self.spaces[source], slot, result[:6], spaces[source], adjoint)
            else:
                self._reverse_leaf(operation, number, source, slot, registers[number], spaces[source], adjoint)

    def _spread(self, operation: Any, slot: int, values: Sequence[Any], adjoint: Array) -> None:
        names = scalar_names(operation)
        for name, value in zip(continuous_names(operation), values):
            adjoint[slot + names.index(name)] += value

    def _reverse_combination(
        self, operation: Any, registers: list[list[Array]], number: int, source: int, second: int, slot: int, adjoint: Array
    ) -> None:
        _, reverse = compiled(dual.combination_rule(operation))
        inputs = [*self.registers[source]]
        if operation.category == "boolean":
            inputs += self.registers[second]
        result = reverse(*inputs, *self._own(operation, slot), *registers[number])
        registers[source] = [a + b for a, b in zip(registers[source], result[:4])]
        rest = result[4:]
        if operation.category == "boolean":
            registers[second] = [a + b for a, b in zip(registers[second], rest[:4])]
            rest = rest[4:]
        self._spread(operation, slot, rest, adjoint)

    def _reverse_leaf(
        self, operation: Any, number: int, source: int, slot: int, seed: list[Array], space: list[Array], adjoint: Array
    ) -> None:
        u, v, ux, uy, vx, vy = self.local[number]
        scale = self.slots[slot + 6]
        own = self._own(operation, slot + tapes.PLACE)
        bf, bx, by, bw = seed
        local_seed = (scale * bf, scale * (ux * bx + uy * by), scale * (vx * bx + vy * by), scale * bw)
        first = slot + tapes.PLACE + len(own)
        if operation.category == "shape":
            forward, reverse = compiled(dual.shape_rule(operation))
            value: Sequence[Any] = forward(u, v, *own)
            result = reverse(u, v, *own, *local_seed)
            self._spread(operation, slot + tapes.PLACE, result[2:], adjoint)
        else:
            value = self._outline(operation, number, u, v, own, first)
            result = self._reverse_outline(operation, number, u, v, own, first, local_seed, adjoint)
        f, gu, gv, w = value
        adjoint[slot + 6] += bf * f + bx * (ux * gu + vx * gv) + by * (uy * gu + vy * gv) + bw * w
        jacobian = (scale * gu * bx, scale * gu * by, scale * gv * bx, scale * gv * by)
        self._reverse_place(self.spaces[source], slot, (result[0], result[1], *jacobian), space, adjoint)

    def _reverse_outline(
        self, operation: Any, number: int, u: Array, v: Array, own: list[float], slot: int, seed: Any, adjoint: Array
    ) -> tuple[Array, Array]:
        index, inside = self.nearest[number]
        *points, curved, ends = self._element(slot, index)
        scalars = len(continuous_names(operation))
        total = [np.zeros_like(u), np.zeros_like(v)]
        for kind in (False, True):
            mask = curved == kind
            if not mask.any():
                continue
            rule = dual.outline_rule(operation, kind)
            adjoints = compiled(rule)[1](u, v, *own, *points, ends, inside, *seed)
            result = [np.where(mask, r, 0.0) for r in adjoints]
            total = [t + r for t, r in zip(total, result)]
            self._spread(operation, slot - len(own), result[2 : 2 + scalars], adjoint)
            for name, value in zip(rule.differentiated[2 + scalars :], result[2 + scalars :]):
                target = slot + len(dual.ELEMENT) * index + dual.ELEMENT.index(name)
                np.add.at(adjoint, (target, *np.indices(u.shape)), value)
        return total[0], total[1]

    def _reverse_place(self, space: list[Array], slot: int, seed: Sequence[Array], out: list[Array], adjoint: Array) -> None:
        """The adjoint of `_placed`: into the six slots of the map, and into the space it starts from."""
        a, b, _, d, e, _ = self.slots[slot : slot + 6]
        x, y, xx, xy, yx, yy = space
        bu, bv, bux, buy, bvx, bvy = seed
        for offset, value in enumerate(
            (
                bu * x + bux * xx + buy * xy, bu * y + bux * yx + buy * yy, bu,
                bv * x + bvx * xx + bvy * xy, bv * y + bvx * yx + bvy * yy, bv,
            )  # fmt: skip
        ):
            adjoint[slot + offset] += value
        back = (a * bu + d * bv, b * bu + e * bv, a * bux + d * bvx, a * buy + d * bvy, b * bux + e * bvx, b * buy + e * bvy)
        for k, value in enumerate(back):
            out[k] = out[k] + value


def crosses(u: Array, v: Array, x0: float, y0: float, x1: float, y1: float, x2: float, y2: float, curved: bool) -> Any:
    """Whether an element toggles the side of points (u, v): its chord crosses their ray to the left, xor they lie
    between its chord and its curve. See `shaderdsl.operations.outlines`."""
    # Either direction of a chord gives one number, and a point on it one side: pieces along one line leave no gap.
    back = (y2, x2) < (y0, x0)
    (xa, ya), (xb, yb) = ((x2, y2), (x0, y0)) if back else ((x0, y0), (x2, y2))
    cross = (xb - xa) * (v - ya) - (yb - ya) * (u - xa)
    left = (cross > 0.0) != back
    toggles = ((y0 > v) != (y2 > v)) & (left == (y2 < y0))
    if curved:
        area = (x2 - x0) * (y1 - y0) - (y2 - y0) * (x1 - x0)
        if area != 0.0:
            # Barycentric: b is the control point's weight, c the end's; the curve is (b/2 + c)^2 = c.
            control = (-cross if back else cross) / area
            end = ((x1 - x0) * (v - y0) - (y1 - y0) * (u - x0)) / -area
            toggles ^= (left == (area > 0.0)) & ((0.5 * control + end) ** 2 < end)
    return toggles


def ramp(t: Array, colours: Array) -> tuple[Array, Array, Array]:
    """Colour (3, h, w) at ramp positions, its derivative by t, and the stops' weights (stops, h, w)."""
    stops = len(colours)
    if stops == 1:
        return np.broadcast_to(colours[0][:, None, None], (3, *t.shape)), np.zeros((3, *t.shape)), np.ones((1, *t.shape))
    place = t * (stops - 1)
    weights = np.stack([np.clip(1.0 - np.abs(np.clip(place, 0.0, stops - 1.0) - k), 0.0, 1.0) for k in range(stops)])
    cell = np.clip(np.floor(place), 0, stops - 2).astype(int)
    moving = (place > 0.0) & (place < stops - 1)
    slope = np.where(moving, (colours[cell + 1] - colours[cell]).transpose(2, 0, 1) * (stops - 1), 0.0)
    return np.tensordot(colours.T, weights, 1), slope, weights


def picture(
    tape: Tape, parameters: npt.ArrayLike, size: tuple[int, int], *, jacobian: bool = False, blur: float = 0.0,
    at: tuple[Array, Array] | None = None,
) -> tuple[Array, Array | None]:  # fmt: skip
    """Premultiplied RGBA (h, w, 4) and, on request, its Jacobian (h, w, 4, p).

    `blur` is the standard deviation (scene units) of an extra softness of all edges; `at` replaces the pixel centres.
    """
    slots = tape.slot_values(parameters)
    x, y = pixel_centres(size) if at is None else at
    pixel = 2.0 / min(size)
    shape = x.shape
    out = np.zeros((4, *shape))
    grad = np.zeros((len(slots), 4, *shape)) if jacobian else None
    if tape.background is not None:
        out[:3] = slots[tape.background : tape.background + 3][:, None, None]
        out[3] = 1.0
        if grad is not None:
            for channel in range(3):
                grad[tape.background + channel, channel] = 1.0
    forward, reverse = compiled(dual.coverage_rule())
    with np.errstate(all="ignore"):
        for index in range(len(tape.layers)):
            layer = _Layer(tape, index, slots, x, y)
            slot = layer.row[tapes.LAYER_SLOT]
            opacity, softness = slots[slot], np.hypot(slots[slot + 1], blur)
            covered = forward(*layer.dual, pixel, softness)[0]
            colour, paint_adjoint = _paint(layer, slots, x, y, pixel, jacobian)
            alpha = opacity * covered
            if grad is not None:
                grad *= 1.0 - alpha
                over = colour - out
                seed = reverse(*layer.dual, pixel, softness, opacity)
                slot_adjoint = np.zeros((len(slots), *shape))
                layer.reverse(seed[:4], slot_adjoint)
                slot_adjoint[slot] += covered
                slot_adjoint[slot + 1] += seed[4] * (slots[slot + 1] / softness if softness > 0.0 else 0.0)
                grad += slot_adjoint[:, None] * over[None]
                assert paint_adjoint is not None
                grad[:, :3] += paint_adjoint * alpha
            out = out + alpha * (colour - out)
    image = out.transpose(1, 2, 0)
    if grad is None:
        return image, None
    derivative = tape.slot_derivative
    weights = derivative.uniform.run(np.asarray(parameters, np.float64))
    result = np.zeros((*shape, 4, tape.parameter_count))
    for s in range(len(slots)):
        for k in range(derivative.rows[s], derivative.rows[s + 1]):
            result[..., derivative.columns[k]] += grad[s].transpose(1, 2, 0) * weights[k]
    return image, result


def _paint(layer: _Layer, slots: Array, x: Array, y: Array, pixel: float, jacobian: bool) -> tuple[Array, Array | None]:
    """Colour (4, h, w) of a layer's paint (alpha 1), and its derivative by slots (slots, 3, h, w)."""
    operation = _rules()[layer.row[tapes.PAINT]]
    slot, stops = layer.row[tapes.PAINT_SLOT], layer.row[tapes.STOPS]
    one, zero = np.ones_like(x), np.zeros_like(x)
    world = [x, y, one, zero, zero, one]
    local = layer._placed(world, slot)
    own = layer._own(operation, slot + 6)
    forward, reverse = compiled(dual.paint_rule(operation))
    rows = [slots[slot : slot + 2], slots[slot + 3 : slot + 5]]
    seen = [*local[:2], *(pixel * np.hypot(*row) for row in rows), *own]
    *places, share = (zero + value for value in forward(*seen))
    first = slot + 6 + len(own)
    colours = slots[first : first + 3 * stops].reshape(stops, 3)
    near, far = (ramp(t, colours) for t in places)
    full = np.concatenate([near[0] + share * (far[0] - near[0]), one[None]])
    if not jacobian:
        return full, None
    adjoint = np.zeros((len(slots), 3, *x.shape))
    for part, (_, _, weights) in ((1.0 - share, near), (share, far)):
        for k in range(stops):
            for channel in range(3):
                adjoint[first + 3 * k + channel, channel] += part * weights[k]
    seeds = ((1.0 - share) * near[1], share * far[1], far[0] - near[0])
    for channel in range(3):
        moved = adjoint[:, channel]
        result = reverse(*seen, *(zero + seed[channel] for seed in seeds))
        layer._spread(operation, slot + 6, result[4:], moved)
        for k, row in enumerate(rows):
            for column in (0, 1):
                moved[slot + 3 * k + column] += result[2 + k] * pixel * row[column] / max(np.hypot(*row), 1e-12)
        turned = (zero + result[0], zero + result[1], zero, zero, zero, zero)
        layer._reverse_place(world, slot, turned, [zero] * 6, moved)
    return full, adjoint


def field(tape: Tape, parameters: npt.ArrayLike, layer: int, points: npt.ArrayLike) -> Array:
    """Duals (4, n) of a layer's shape at points (n, 2): signed distance, its gradient, thickness."""
    places = np.asarray(points, np.float64)
    with np.errstate(all="ignore"):
        run = _Layer(tape, layer, tape.slot_values(parameters), places[None, :, 0], places[None, :, 1])
    return np.stack([np.broadcast_to(v, (1, len(places)))[0] for v in run.dual])
