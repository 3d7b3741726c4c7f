"""The kernel that looks how much of each light arrives where rays meet surfaces: soft shadows and occlusion.

It is run between the march and the drawing, for programs that have lights which cast shadows. What it computes is what
`render.solid_numpy_march.arriving` does; it has no derivative.
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent as indented

from render.solid_distances import Distances, tile_constants
from render.solid_numpy_march import TETRAHEDRON
from render.taichi_frame import FUNCTIONS
from render.taichi_text import chain, grouped, own_names, printed
from shaderdsl import solid_dual as dual
from shaderdsl.registry import scalar_names
from shaderdsl.solid_tape import MARCH_REGISTERS, MARCH_SPACES
from shaderdsl.view import LAYERS, OCCLUSION_REACH, OCCLUSION_TAPS, SHADOW_STEP, SHADOW_STEPS

PROGRAM_COLUMNS = ("first", "length", "slot_base", "camera", "part_first", "part_count", "light_first", "light_count")
SHADOW, OCCLUSION = 1, 2
"""What a light does; `casters` (k, 4) has its opcode, first slot, which of the two (0: neither), and the amount's slot."""

_ARGUMENTS = {
    "programs": "i32, ndim=2", "code": "i32, ndim=2", "parts": "i32, ndim=2", "casters": "i32, ndim=2", "slots": "f32, ndim=1", "places": "f32, ndim=3",
    "visible": "f32, ndim=3",
}  # fmt: skip
_LANES = (
    "px", "py", "pz", "qx", "qy", "qz", "nx", "ny", "nz", "tx", "ty", "tz", "far", "size", "t", "clear", "there",
)  # fmt: skip


def source(used: Iterable[int], side: int) -> str:
    """The text of kernel `run` for a set of opcodes and a tile's side."""
    distances = Distances(used)
    text = f"import taichi as ti\n\n{tile_constants(side)}{FUNCTIONS}\n@ti.kernel\ndef run(\n"
    text += "".join(f"    {name}: ti.types.ndarray(dtype=ti.{kind}),\n" for name, kind in _ARGUMENTS.items())
    text += "    width: ti.i32, height: ti.i32, blocks: ti.i32, stride: ti.i32,\n):\n"
    text += """\
    tiles_x = (width + TILE - 1) // TILE
    tiles = tiles_x * ((height + TILE - 1) // TILE)
    pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
    for turn in range(programs.shape[0] * blocks * stride):
        if turn % stride == 0:
            task = turn // stride
            b = task // blocks
            block = task - b * blocks
"""
    i = " " * 12
    text += "".join(f"{i}{name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS))
    text += f"{i}register = ti.Vector.zero(ti.f32, LANES * {MARCH_REGISTERS})\n"
    if distances.folds:
        text += f"{i}space = ti.Vector.zero(ti.f32, 3 * LANES * {MARCH_SPACES + 1})\n"
    if distances.groups["outline"]:
        text += "".join(f"{i}{name} = ti.Vector.zero(ti.f32, LANES)\n" for name in ("place_u", "place_v", "best"))
        text += f"{i}inside = ti.Vector.zero(ti.i32, LANES)\n"
    text += "".join(f"{i}{name} = ti.Vector.zero(ti.f32, LANES)\n" for name in _LANES)
    text += f"{i}for round in range((tiles - block + blocks - 1) // blocks):\n"
    text += f"{i}    for layer in range({LAYERS}):\n"
    text += indented(_points(), " " * 20)
    text += f"{' ' * 20}if busy > 0:\n{' ' * 24}for number in range(light_count):\n"
    text += indented(_light(used), " " * 28)
    text += f"{' ' * 28}for step in range(steps):\n"
    text += indented(_asked(), " " * 32)
    text += distances.text(32, "False")
    text += f"{' ' * 32}root = LANES * code[first + length - 1, 5]\n"
    text += indented(_answered(), " " * 32)
    text += indented(_kept(), " " * 28)
    return text


def _points() -> str:
    """Where the tile's rays meet their surfaces, or pass them."""
    names: dict[object, str] = {"x": "image_x", "y": "image_y", "pixel": "pixel"}
    names.update({name: f"c{k}" for k, name in enumerate(dual.CAMERA)})
    text = "tile = block + round * blocks\ntile_y = tile // tiles_x * TILE\ntile_x = tile % tiles_x * TILE\nbusy = 0\n"
    text += "".join(f"c{k} = slots[camera + {k}]\n" for k in range(len(dual.CAMERA)))
    text += """\
for lane in range(LANES):
    column_x = ti.min(tile_x + lane % TILE, width - 1)
    row_y = ti.min(tile_y + lane // TILE, height - 1)
    image_x = (ti.cast(column_x, ti.f32) + 0.5 - 0.5 * ti.cast(width, ti.f32)) * pixel
    image_y = (0.5 * ti.cast(height, ti.f32) - ti.cast(row_y, ti.f32) - 0.5) * pixel
    met = places[b, row_y * width + column_x, 3 * layer]
    if met < 0.0:
        met = places[b, row_y * width + column_x, 3 * layer + 1]
    there[lane] = met
    busy += ti.select(met >= 0.0, 1, 0)
"""
    text += printed(dual.ray_rule(), names, ("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7"), 4)
    text += "".join(f"    q{c}[lane] = r{k} + met * r{3 + k}\n" for k, c in enumerate("xyz"))
    return text + "    size[lane] = r6 + r7 * met\n"


def _light(used: Iterable[int]) -> str:
    """What the light asks, and the way to it."""
    text = f"""\
kind = casters[light_first + number, 2]
lamp = casters[light_first + number, 0]
lamp_slot = slot_base + casters[light_first + number, 1]
amount = slots[slot_base + casters[light_first + number, 3]]
steps = 0
if kind == {SHADOW} and amount > 0.0:
    steps = {SHADOW_STEPS}
elif kind == {OCCLUSION} and amount > 0.0:
    steps = {4 + OCCLUSION_TAPS}
for lane in range(LANES):
    clear[lane] = 1.0
    t[lane] = 2.0 * size[lane]
    nx[lane] = 0.0
    ny[lane] = 0.0
    nz[lane] = 0.0
    if kind == {OCCLUSION}:
        clear[lane] = 0.0
"""
    cases = []
    for number, operation in grouped(used)["light"]:
        if "shadow" in scalar_names(operation):
            names: dict[object, str] = {c: f"q{c}[lane]" for c in "xyz"}
            case = "    for lane in range(LANES):\n"
            case += printed(dual.towards_rule(operation), {**names, **own_names(operation, "lamp_slot")}, ("w0", "w1", "w2", "w3"), 8)
            case += "".join(f"        {target}[lane] = w{k}\n" for k, target in enumerate(("tx", "ty", "tz", "far")))
            cases.append((number, case))
    return text + chain(cases, "lamp", 0)


def _asked() -> str:
    text = f"if kind == {SHADOW}:\n    for lane in range(LANES):\n"
    text += "".join(f"        p{c}[lane] = q{c}[lane] + t[lane] * t{c}[lane]\n" for c in "xyz")
    text += "elif step < 4:\n"
    for axis in range(3):
        text += f"    corner{axis} = {TETRAHEDRON[0][axis]}\n"
        for k in range(1, 4):
            text += f"    if step == {k}:\n        corner{axis} = {TETRAHEDRON[k][axis]}\n"
    text += "    for lane in range(LANES):\n"
    text += "".join(f"        p{c}[lane] = q{c}[lane] + 0.5 * size[lane] * corner{k}\n" for k, c in enumerate("xyz"))
    text += "else:\n    for lane in range(LANES):\n"
    text += "        long = ti.max(ti.sqrt(nx[lane] * nx[lane] + ny[lane] * ny[lane] + nz[lane] * nz[lane]), 1e-9)\n"
    text += f"        away = ti.cast(step - 3, ti.f32) * {OCCLUSION_REACH}\n"
    return text + "".join(f"        p{c}[lane] = q{c}[lane] + n{c}[lane] / long * away\n" for c in "xyz")


def _answered() -> str:
    names: dict[object, str] = {"clear": "clear[lane]", "distance": "f", "t": "t[lane]", "shadow": "amount", "size": "size[lane]"}
    text = f"if kind == {SHADOW}:\n    for lane in range(LANES):\n        f = register[root + lane]\n"
    text += printed(dual.shadow_rule(), names, ("w0",), 8)
    text += "        clear[lane] = ti.select(t[lane] < far[lane], w0, clear[lane])\n"
    text += f"        t[lane] += ti.min(ti.max(f, {SHADOW_STEP[0]}), {SHADOW_STEP[1]})\n"
    text += "elif step < 4:\n"
    for axis in range(3):
        text += f"    corner{axis} = {TETRAHEDRON[0][axis]}\n"
        for k in range(1, 4):
            text += f"    if step == {k}:\n        corner{axis} = {TETRAHEDRON[k][axis]}\n"
    text += "    for lane in range(LANES):\n"
    text += "".join(f"        n{c}[lane] += corner{k} * register[root + lane]\n" for k, c in enumerate("xyz"))
    text += f"else:\n    away = ti.cast(step - 3, ti.f32) * {OCCLUSION_REACH}\n    part = 0.5\n"
    text += "    for tap in range(step - 4):\n        part *= 0.5\n    for lane in range(LANES):\n"
    return text + "        clear[lane] += ti.min(ti.max(1.0 - register[root + lane] / away, 0.0), 1.0) * part\n"


def _kept() -> str:
    text = f"for lane in range(LANES):\n    seen = 1.0\n    if steps > 0 and kind == {SHADOW}:\n"
    text += printed(dual.arriving_rule(), {"clear": "clear[lane]"}, ("seen",), 8)
    text += "    elif steps > 0:\n        seen = ti.min(ti.max(1.0 - amount * clear[lane], 0.0), 1.0)\n"
    text += "    if tile_x + lane % TILE < width and tile_y + lane // TILE < height:\n"
    text += "        row = (tile_y + lane // TILE) * width + tile_x + lane % TILE\n"
    return text + "        visible[b, row, layer * light_count + number] = seen\n"
