"""A program's field as a picture, for who looks for what is wrong with it: lines of equal distance, inside and outside, and
how far its slope is from the 1 of a distance."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from render import numpy_backend, solid_numpy_field
from render.numpy_backend import pixel_centres
from render.pictures import Size, checked_size
from render.tapes import solid_tape_of, tape_of

if TYPE_CHECKING:
    from shaderdsl import Program

Array = npt.NDArray[np.float64]
Colour = tuple[float, float, float]

EXTENT = 1.25
"""Half of what the picture's shorter side shows, in scene units."""

INSIDE, OUTSIDE = (0.79, 0.87, 0.95), (0.975, 0.965, 0.94)
INK = (0.12, 0.14, 0.18)
HEAT = ((0.0, (1.0, 0.93, 0.55)), (0.35, (0.98, 0.62, 0.2)), (0.7, (0.85, 0.2, 0.15)), (1.0, (0.45, 0.03, 0.2)))
"""Colours of a slope's distance from 1."""

SEEN = 0.04
"""The distance from 1 from which on the colour covers the paper altogether."""

FLATTEST = 0.1
"""The slope in the plane below which lines fade, so that they do not become areas."""

_TOGETHER = 1 << 14
_SLICE = re.compile(r"\s*([xyz])\s*=\s*([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*")
_ACROSS = {"x": ((0, 0, -1), (0, 1, 0), "-z", "y"), "y": ((1, 0, 0), (0, 0, -1), "x", "-z"), "z": ((1, 0, 0), (0, 1, 0), "x", "y")}
"""For the axis of a plane: its directions to the right and upwards, and their names."""


@dataclass(frozen=True)
class _Plane:
    """A plane in space, or, without a point, the plane of a program of the plane."""

    title: str
    point: Array
    right: Array
    up: Array


def field_picture(program: Program, size: Size = 512, slice: str | None = None, extent: float = EXTENT) -> npt.NDArray[np.float32]:
    """A picture of a program's signed distances and a legend below it: float32 (h + legend, w, 3) in [0, 1], sRGB.

    Lines join points of equal distance, the surface's is the boldest; inside and outside are tinted; where the field's slope
    is not 1, as a distance's is, there are warm colours, up to dark red where it differs by 1 or more.

    size: (width, height) in pixels of the part above the legend, or one number for a square.
    slice: for programs in space the plane that is shown, "z=0.1", by default "z=0"; seen from the axis's positive end.
    extent: half of what the shorter side shows, in scene units.

    Raises ValueError for a wrong size, slice or extent.
    """
    width, height = checked_size(size)
    if not 0.0 < extent < 1e6:
        raise ValueError(f"an extent is half of what the picture's shorter side shows, a positive number, not {extent:g}")
    plane = _plane(program, slice)
    x, y = (extent * v.ravel() for v in pixel_centres((width, height)))
    value, across, upward, slope = _sampled(program, plane, x, y)
    pixel = 2.0 * extent / min(width, height)
    wide = max(1.0, min(width, height) / 512)
    step = spacing(extent)
    heat = np.abs(slope - 1.0)
    paper = np.where((value <= 0.0)[:, None], INSIDE, OUTSIDE)
    picture = _over(paper, paper * _warm(heat), np.clip(heat / SEEN, 0.0, 1.0))
    steep = np.hypot(across, upward)
    sharp = np.minimum(steep / FLATTEST, 1.0)
    steep = pixel * np.maximum(steep, FLATTEST)
    for every, thick, dark in ((step, 1.0, 0.35), (5.0 * step, 1.4, 0.75), (math.inf, 2.6, 1.0)):
        off = np.abs(value if every == math.inf else value - every * np.rint(value / every)) / steep
        picture = _over(picture, np.array(INK), dark * sharp * np.clip(0.5 * thick * wide + 0.5 - off, 0.0, 1.0))
    drawn = picture.reshape(height, width, 3)
    return np.concatenate([drawn, _legend(width, wide, plane.title, step, float(heat.max()))]).astype(np.float32)


def spacing(extent: float) -> float:
    """The distance between lines: 1, 2 or 5 times a power of ten."""
    wanted = extent / 16.0
    power = 10.0 ** math.floor(math.log10(wanted))
    return power * next(m for m in (1.0, 2.0, 5.0, 10.0) if wanted <= m * power * (1.0 + 1e-9) or m == 10.0)


def _plane(program: Program, slice: str | None) -> _Plane:
    if program.dimension == 2:
        if slice is not None:
            raise ValueError("a program of the plane has no slices: leave the slice out")
        return _Plane("x to the right, y up", np.zeros(3), np.zeros(3), np.zeros(3))
    found = _SLICE.fullmatch(slice if slice is not None else "z=0")
    if found is None:
        raise ValueError(f"{slice!r} is no slice: say one like z=0.1, with x, y or z")
    name, place = found[1], float(found[2])
    right, up, to_the_right, upwards = _ACROSS[name]
    point = np.array([place if axis == name else 0.0 for axis in "xyz"])
    return _Plane(f"{name} = {place:g}: {to_the_right} to the right, {upwards} up", point, np.array(right, float), np.array(up, float))


def _sampled(program: Program, plane: _Plane, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """(distance, its derivatives to the right and upwards, its slope) at points (x, y) of the plane."""
    part = _of_the_plane(program) if program.dimension == 2 else _of_space(program, plane)
    with np.errstate(all="ignore"):
        parts = [part(x[k : k + _TOGETHER], y[k : k + _TOGETHER]) for k in range(0, len(x), _TOGETHER)]
    value, across, upward, slope = (np.nan_to_num(np.concatenate(list(column))) for column in zip(*parts))
    return value, across, upward, slope


Part = Callable[[Array, Array], tuple[Array, ...]]


def _of_the_plane(program: Program) -> Part:
    tape = tape_of(program)
    if not len(tape.layers):
        raise ValueError("this program has no shape, and no field")

    def part(x: Array, y: Array) -> tuple[Array, ...]:
        points = np.stack([x, y], 1)
        layers = np.stack([numpy_backend.field(tape, program.params, k, points)[:3] for k in range(len(tape.layers))])
        nearest = layers[layers[:, 0].argmin(0), :, np.arange(len(x))].T
        return (*nearest, np.hypot(nearest[1], nearest[2]))

    return part


def _of_space(program: Program, plane: _Plane) -> Part:
    tape = solid_tape_of(program)
    if not len(tape.instructions):
        raise ValueError("this scene has no solid, and no field")
    slots = tape.slot_values(program.params)

    def part(x: Array, y: Array) -> tuple[Array, ...]:
        points = plane.point[:, None] + plane.right[:, None] * x + plane.up[:, None] * y
        zero = np.zeros_like(x)
        field = solid_numpy_field.Field(tape, slots, solid_numpy_field.Sight([*points, *[zero] * 5], [zero] * 6), zero)
        gradient = np.stack(field.gradient)
        return field.dual[0], plane.right @ gradient, plane.up @ gradient, np.sqrt((gradient * gradient).sum(0))

    return part


def _warm(heat: Array) -> Array:
    """The colours (n, 3) of slopes that differ from 1 by `heat` (n,)."""
    places = [place for place, _ in HEAT]
    return np.stack([np.interp(heat, places, [colour[k] for _, colour in HEAT]) for k in range(3)], -1)


def _over(below: Array, colour: Array, share: Array) -> Array:
    return below + (colour - below) * share[:, None]


# -- the legend ------------------------------------------------------------------------------------------------


def _legend(width: int, wide: float, title: str, step: float, worst: float) -> Array:
    """What colours and lines mean, (rows, width, 3); items that do not fit beside each other go below."""
    from PIL import Image, ImageDraw, ImageFont

    font: Any = ImageFont.load_default(13 * wide)
    unit = 13 * wide
    bar = np.linspace(0.0, 1.0, round(4 * unit))
    paper = np.broadcast_to(OUTSIDE, (len(bar), 3))
    heat = _over(paper, paper * _warm(bar), np.clip(bar / SEEN, 0.0, 1.0))
    items: list[tuple[Array, str]] = [
        (np.broadcast_to(INSIDE, (round(unit), 3)), "inside"),
        (np.broadcast_to(OUTSIDE, (round(unit), 3)), "outside"),
        (np.zeros((0, 3)), f"lines every {step:g}, bold every {5 * step:g}"),
        (heat, "slope off 1 by 0 to 1"),
        (np.zeros((0, 3)), f"here at most {worst:.2g}"),
        (np.zeros((0, 3)), title),
    ]
    gap, row = round(0.5 * unit), round(1.7 * unit)
    places: list[tuple[int, int]] = []
    left, top = gap, gap
    for swatch, text in items:
        long = len(swatch) + (gap if len(swatch) else 0) + math.ceil(font.getlength(text))
        if left > gap and left + long > width - gap:
            left, top = gap, top + row
        places.append((left, top))
        left += long + 3 * gap
    page = Image.new("RGB", (width, top + row), "#ffffff")
    pen = ImageDraw.Draw(page)
    for (swatch, text), (left, top) in zip(items, places):
        if len(swatch):
            strip = np.broadcast_to(np.rint(255 * swatch).astype(np.uint8), (round(unit), len(swatch), 3))
            page.paste(Image.fromarray(np.ascontiguousarray(strip)), (left, top))
            pen.rectangle([left - 1, top - 1, left + len(swatch), top + round(unit)], outline="#8a8f96")
            left += len(swatch) + gap
        pen.text((left, top + 0.5 * unit), text, fill="#23262b", font=font, anchor="lm")
    return np.asarray(page, np.float64) / 255.0
