"""The float64 reference in space: slow, plain, vectorised over rays. Every other backend is tested against it.

A picture is made in three steps: rays are marched, without derivatives, which finds the places that matter along each
(`render.solid_numpy_march`); there the field is evaluated with its gradient (`render.solid_numpy_field`), and rules of
`shaderdsl.solid_dual` turn that into coverage and light; layers are composited front to back. A Jacobian goes the same way backwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled, pixel_centres
from render.solid_numpy_field import Array, Field, Ints, Sight, operations_by_opcode, own_slots
from render.solid_numpy_march import Places, arriving, march
from shaderdsl import shading, solid_dual as dual
from shaderdsl.registry import continuous_names, scalar_names
from shaderdsl.solid_tape import SolidTape
from shaderdsl.view import LAYERS, REACH


class Shade:
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
            operation = operations_by_opcode()[opcode]
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
            operation = operations_by_opcode()[opcode]
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

    def _shaded(self, field: Field, shadows_at: Array) -> Shade:
        return Shade(self.tape, self.slots, field.point, field.gradient, field.sight, field.material(), field.t, shadows_at)

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
