"""Where rays meet a scene's surfaces and pass near them, and how much of a light arrives there: by distances alone, in float64."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from render.numpy_backend import compiled
from render.solid_numpy_field import Array, Distances, Sight, operations_by_opcode, own_slots
from shaderdsl import solid_dual as dual
from shaderdsl.registry import Operation, scalar_names
from shaderdsl.solid_tape import SolidTape
from shaderdsl.view import (
    FAR,
    LAYERS,
    LEAST_CELL,
    NARROWING,
    NEAR,
    OCCLUSION_REACH,
    OCCLUSION_TAPS,
    RELAXATION,
    ROOT_STEPS,
    SHADOW_STEP,
    SHADOW_STEPS,
    SHORTEST,
    STEEPEST,
    STEPS,
)


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

    Steps are the distance over its Lipschitz constant, less what is near a surface, and longer where that proves safe (see
    RELAXATION): near a surface every multiple of SHORTEST pixels is looked at. A surface is met when the distance changes its sign
    between two samples, and passed near when it has a least value between three.
    """
    distances = Distances(tape, slots)
    n = len(sight.values[0])
    # Between which samples surfaces and least values lie, sharpened all together in the end: low end, its distance, high end, its
    # distance; and low end, middle, its distance, high end, a sample before these, and its distance where the ray was outside.
    surfaces, passes = (np.full((rows, LAYERS, n), np.nan) for rows in (4, 6))
    layer = np.zeros(n, np.int64)
    lipschitz = tape.lipschitz
    state = np.where(distances.at(sight.at(np.zeros(n))) <= 0.0, LEAVING, OUTSIDE)
    t, before, earlier = np.zeros(n), np.zeros(n), np.zeros(n)  # this sample's distance along the ray, and those of the last two
    f_before, f_earlier = np.full(n, -np.inf), np.full(n, -np.inf)
    safe = np.zeros(n)  # how far along the ray nothing is, by the sample before
    for _ in range(STEPS):
        rays = np.flatnonzero(state != DONE)
        if not len(rays):
            break
        part = sight.some(rays)
        f = distances.at(part.at(t[rays]))
        size = part.size(t[rays])
        cell = np.exp2(np.floor(np.log2(np.maximum(SHORTEST * size, LEAST_CELL))))
        free = np.minimum(np.abs(f) / lipschitz, FAR) - NEAR * size - cell
        # A long step that went past what may be a surface is taken back.
        good = ~((t[rays] > safe[rays]) & (t[rays] - free > safe[rays]))
        t[rays[~good]] = safe[rays[~good]]
        rays, f, size, cell, free = rays[good], f[good], size[good], cell[good], free[good]
        near = NEAR * lipschitz * size
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
        passes[:, layer[rays[deeper]] - 1, rays[deeper]] = np.nan
        who = rays[met]
        surfaces[:, layer[who], who] = before[who], f_before[who], t[who], f[met]
        least = passed | shallow
        who = rays[least]
        start = np.maximum(earlier[who], before[who] - cell[least])
        outside_before = np.where(passed, last_but_one, np.nan)[least]
        passes[:, layer[who], who] = start, before[who], last[least], t[who], earlier[who], outside_before
        layer[who] += 1
        outside = f > 0.0
        new = now.copy()
        new[met] = INSIDE
        new[shallow] = LEAVING
        new[((now == LEAVING) | shallow) & outside] = OUTSIDE
        new[deep | deeper | (met & final) | (t[rays] > FAR)] = DONE
        # A ray that comes out again looks anew.
        fresh = (now != OUTSIDE) & (new == OUTSIDE)
        gone = t[rays] - before[rays]
        f_earlier[rays] = np.where(fresh, -np.inf, last)
        f_before[rays], earlier[rays], before[rays] = f, before[rays], t[rays]
        state[rays] = new
        safe[rays] = _onward(t[rays], free, cell)
        long = (new == OUTSIDE) & (free > 0.0)
        t[rays] = _onward(t[rays], np.where(long, free * _relaxed(f, last, gone, lipschitz), free), cell)
    return _sharpened(distances, sight, surfaces, passes)


def _sharpened(distances: Distances, sight: Sight, surfaces: Array, passes: Array) -> Places:
    """The places between samples; see `march`."""
    places = Places(*(np.full(surfaces.shape[1:], np.nan) for _ in range(3)))
    layer, ray = np.nonzero(~np.isnan(surfaces[0]))
    places.hit[layer, ray] = _root(distances, sight.some(ray), *surfaces[:, layer, ray])
    layer, ray = np.nonzero(~np.isnan(passes[0]))
    *bracket, before, f_before = passes[:, layer, ray]
    low, middle, f_middle, high = _least(distances, sight.some(ray), *bracket)
    places.low[layer, ray], places.high[layer, ray] = low, high
    # What was thought to be passed near may be met between two samples.
    thin = (f_middle <= 0.0) & ~np.isnan(f_before)
    root = _root(distances, sight.some(ray[thin]), before[thin], f_before[thin], middle[thin], f_middle[thin])
    places.hit[layer[thin], ray[thin]] = root
    return places


def _onward(t: Array, free: Array, cell: Array) -> Array:
    """Where rays are sampled next that are `free` to go so far: near a surface at all multiples of `cell`, one after another."""
    return np.maximum(np.floor((t + free) / cell), np.floor(t / cell) + 1.0) * cell


def _relaxed(f: Array, last: Array, gone: Array, lipschitz: float) -> Array:
    """How many times as far as they are free rays may try to go, from their last two distances, `gone` apart, where both were outside."""
    known = (last > 0.0) & (gone > 0.0) & np.isfinite(last) & np.isfinite(f)
    fallen = np.where(known, f, 0.0) - np.where(known, last, 0.0)
    slope = np.where(known, fallen / (lipschitz * np.where(known, gone, 1.0)), -1.0)
    return np.maximum(2.0 * RELAXATION / (1.0 - np.minimum(slope, STEEPEST)), 1.0)


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


def arriving(tape: SolidTape, slots: Array, light: Sequence[int], point: list[Array], size: Array) -> Array:
    """How much of a light, (opcode, slot), arrives at points (3, n), whose pixels have a size (n,)."""
    opcode, slot = light
    operation = operations_by_opcode()[opcode]
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
