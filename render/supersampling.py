"""The truth that antialiasing is measured against: a scene drawn hard, one ray a sample, averaged in linear light.

A sample shows the first surface that its ray meets, or the background; nothing is antialiased. The samples of a pixel lie
on a lattice in which no two are as high or as far aside: of 64 in rows an edge along the rows would show only eighths.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from render.numpy_backend import compiled, pixel_centres
from render.solid_numpy import Shade
from render.solid_numpy_field import Array, Field, Sight
from render.solid_numpy_march import march
from shaderdsl import solid_dual as dual
from shaderdsl.solid_tape import SolidTape

_RAYS = 1 << 16
"""That are drawn at once."""


def picture(tape: SolidTape, parameters: npt.ArrayLike, size: tuple[int, int], samples: int = 16) -> Array:
    """Premultiplied sRGB RGBA (h, w, 4) for size (width, height), each pixel the mean of samples x samples rays."""
    slots = tape.slot_values(parameters)
    width, height = size
    pixel = 2.0 / min(size)
    x, y = ((axis.reshape(-1, 1) + pixel * part).ravel() for axis, part in zip(pixel_centres(size), _lattice(samples * samples)))
    camera = slots[tape.camera : tape.camera + len(dual.CAMERA)]
    linear = np.empty((4, len(x)))
    for first in range(0, len(x), _RAYS):
        part = slice(first, first + _RAYS)
        values = compiled(dual.ray_rule())[0](x[part], y[part], pixel / samples, *camera)
        n = len(x[part])
        sight = Sight([np.broadcast_to(v, (n,)) for v in values], list(camera[3:9]))
        linear[:, part] = _hard(tape, slots, sight)
    linear = linear.reshape(4, height, width, samples * samples).mean(3)
    screen = compiled(dual.screen_rule(tape.tone))[0](*linear, slots[tape.exposure])
    return np.moveaxis(np.stack([*screen, linear[3]]), 0, -1)


def _lattice(count: int) -> tuple[Array, Array]:
    """Places (count,) in a pixel, x and y about (-0.5, 0.5), their mean the centre, evenly spread over it: multiples of the golden ratio's remainder."""
    k = np.arange(count) + 0.5
    heights = (k * (5.0**0.5 - 1.0) / 2.0) % 1.0
    return k / count - 0.5, heights - heights.mean()


def _hard(tape: SolidTape, slots: Array, sight: Sight) -> Array:
    """Linear premultiplied RGBA (4, n)."""
    n = len(sight.values[0])
    result = np.zeros((4, n))
    if tape.background is not None:
        first = tape.background
        result[:3] = np.array(compiled(dual.linear_rule())[0](*slots[first : first + 3]))[:, None]
        result[3] = 1.0
    hits = march(tape, slots, sight).hit
    met = ~np.isnan(hits)
    which = np.flatnonzero(met.any(0))
    if len(which):
        t = hits[met[:, which].argmax(0), which]
        part = sight.some(which)
        field = Field(tape, slots, part, t)
        shade = Shade(tape, slots, field.point, field.gradient, part, field.material(), t, t)
        result[:3, which] = np.array([np.broadcast_to(c, t.shape) for c in shade.colour])
        result[3, which] = 1.0
    return result
