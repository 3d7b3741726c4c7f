"""The kernel that marches rays: for each pixel of each program, the places along its ray that matter.

What it finds is what `render.solid_numpy_march` finds, with the same state machine; rays are marched 64 at a time, a tile of
8x8 pixels. First the centres of a region's tiles are marched as cones that hold all rays of their tile: to where the first
surface may be, where the tile's rays start, and on until nothing behind can be seen; which parts of the scene (`SolidTape.parts`)
come near a cone is kept, and its rays look at those alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent as indented

from render.solid_distances import Distances, tile_constants
from render.taichi_frame import FUNCTIONS
from render.taichi_text import printed
from shaderdsl import solid_dual as dual
from shaderdsl.solid_tape import MARCH_REGISTERS, MARCH_SPACES
from shaderdsl.view import FAR, LAYERS, LEAST_CELL, NARROWING, NEAR, RELAXATION, ROOT_STEPS, SHORTEST, STEEPEST, STEPS

PROGRAM_COLUMNS = ("first", "length", "slot_base", "camera", "part_first", "part_count")
PLACES = 3 * LAYERS
"""What is kept of a pixel: for each layer the surface's distance, and both ends of its least value's bracket; -1 is none."""

CONE_STEPS = 96
"""Steps that a tile's cone may take."""

MASKS = 8
"""Integers of 32 bits that say which parts of a scene come near a tile: as many bits as a scene may have parts."""

DROPPED = "spot >= 0 and (masks[b, tile, part >> 5] >> (part & 31)) & 1 == 0"
"""The condition under which a tile's rays leave out part `part`."""

_ARGUMENTS = {
    "programs": "i32, ndim=2", "code": "i32, ndim=2", "parts": "i32, ndim=2", "lipschitz": "f32, ndim=1", "slots": "f32, ndim=1",
    "places": "f32, ndim=3", "masks": "i32, ndim=3", "values": "f32, ndim=2",
}  # fmt: skip

_LANES = (
    "px", "py", "pz", "ox", "oy", "oz", "dx", "dy", "dz", "size", "growth", "t", "at", "safe", "f_before", "f_earlier", "before", "earlier",
    "low", "f_low", "high", "f_high", "middle", "f_middle", "start", "limit",
)  # fmt: skip
_COUNTS = ("mode", "resume", "remaining", "layer", "steps")

OUTSIDE, INSIDE, LEAVING, DONE, ROOT, LEAST = range(6)


def source(used: Iterable[int], side: int) -> str:
    """The text of kernel `run` for a set of opcodes and a tile's side."""
    distances = Distances(used)
    text = f"import taichi as ti\n\n{tile_constants(side)}{FUNCTIONS}\n@ti.kernel\ndef run(\n"
    text += "".join(f"    {name}: ti.types.ndarray(dtype=ti.{kind}),\n" for name, kind in _ARGUMENTS.items())
    text += "    width: ti.i32, height: ti.i32, shares: ti.i32, stride: ti.i32,\n):\n"
    text += """\
    tiles_x = (width + TILE - 1) // TILE
    tiles_y = (height + TILE - 1) // TILE
    regions_x = (tiles_x + TILE - 1) // TILE
    regions = regions_x * ((tiles_y + TILE - 1) // TILE)
    pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
    for turn in range(programs.shape[0] * regions * shares * stride):
        if turn % stride == 0:
            task = turn // stride
            b = task // (regions * shares)
            region = (task - b * regions * shares) // shares
            share = task % shares
"""
    i = " " * 12
    text += "".join(f"{i}{name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS))
    text += f"{i}slope = lipschitz[b]\n{i}register = ti.Vector.zero(ti.f32, LANES * {MARCH_REGISTERS})\n"
    if distances.folds:
        text += f"{i}space = ti.Vector.zero(ti.f32, 3 * LANES * {MARCH_SPACES + 1})\n"
    if distances.groups["outline"]:
        text += "".join(f"{i}{name} = ti.Vector.zero(ti.f32, LANES)\n" for name in ("place_u", "place_v", "best"))
        text += f"{i}inside = ti.Vector.zero(ti.i32, LANES)\n"
    text += "".join(f"{i}{name} = ti.Vector.zero(ti.f32, LANES)\n" for name in _LANES)
    text += "".join(f"{i}{name} = ti.Vector.zero(ti.i32, LANES)\n" for name in _COUNTS)
    text += f"{i}for visit in range(LANES + 1):\n" + indented(_visit(), " " * 16)
    text += indented("if wanted == 1:\n", " " * 16)
    text += indented(_rays(), " " * 20)
    text += indented(f"for step in range({STEPS + 16 * LAYERS}):\n    if alive > 0:\n", " " * 20)
    k = " " * 28
    text += f"{k}for lane in range(LANES):\n"
    text += "".join(f"{k}    p{c}[lane] = o{c}[lane] + at[lane] * d{c}[lane]\n" for c in "xyz")
    text += distances.text(28, DROPPED, _noted())
    text += f"{k}root = LANES * code[first + length - 1, 5]\n{k}if spot < 0:\n" + indented(_cones(), " " * 32)
    text += f"{k}else:\n" + indented(_step(), " " * 32)
    return text


def _visit() -> str:
    """The lanes' points: a region's tiles, or one tile's pixels."""
    return f"""\
spot = visit - 1
tile_x = region % regions_x * TILE
tile_y = region // regions_x * TILE
wanted = 1
if spot >= 0:
    tile_x += spot % TILE
    tile_y += spot // TILE
    if spot % shares != share or start[spot] > {FAR}:
        wanted = 0
if tile_x >= tiles_x or tile_y >= tiles_y or length == 0:
    wanted = 0
tile = tile_y * tiles_x + tile_x
"""


def _cell(side: str) -> str:
    """The least step where pixels have this side: the greatest power of two up to a part of it."""
    return f"ti.bit_cast(ti.bit_cast(ti.max({SHORTEST} * ({side}), {LEAST_CELL}), ti.i32) & 0x7F800000, ti.f32)"


def _rays() -> str:
    text = """\
spacing = 1.0
corner = 0.5
begin = 0.0
if spot < 0:
    spacing = ti.cast(TILE, ti.f32)
    corner = 0.5 * TILE
else:
    begin = start[spot]
left_edge = ti.cast(tile_x * TILE, ti.f32) + corner - 0.5 * ti.cast(width, ti.f32)
top_edge = 0.5 * ti.cast(height, ti.f32) - ti.cast(tile_y * TILE, ti.f32) - corner
"""
    names: dict[object, str] = {"x": "image_x", "y": "image_y", "pixel": "pixel"}
    text += "".join(f"c{k} = slots[camera + {k}]\n" for k in range(len(dual.CAMERA)))
    names.update({name: f"c{k}" for k, name in enumerate(dual.CAMERA)})
    text += "alive = LANES\nfor lane in range(LANES):\n"
    text += "    image_x = (left_edge + spacing * ti.cast(lane % TILE, ti.f32)) * pixel\n"
    text += "    image_y = (top_edge - spacing * ti.cast(lane // TILE, ti.f32)) * pixel\n"
    results = ("r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7")
    text += printed(dual.ray_rule(), names, results, 4)
    targets = ("ox", "oy", "oz", "dx", "dy", "dz", "size", "growth")
    text += "".join(f"    {target}[lane] = {value}\n" for target, value in zip(targets, results))
    text += f"""\
    # The first sample stands at a multiple of the least step, as all do.
    cell = {_cell('r6 + r7 * begin')}
    t[lane] = ti.floor(begin / cell) * cell
    at[lane] = t[lane]
    safe[lane] = t[lane]
    f_before[lane] = -1e30
    f_earlier[lane] = -1e30
    before[lane] = begin
    earlier[lane] = begin
    mode[lane] = 0
    layer[lane] = 0
    steps[lane] = 0
    if spot < 0:
        start[lane] = 0.0
"""
    return text


def _noted() -> str:
    """Keeps each part's distances from the tiles' centres."""
    return """\
if spot < 0:
    for lane in range(LANES):
        values[task, LANES * part + lane] = register[LANES * code[first + item, 2] + lane]
        if part == 1:
            values[task, lane] = register[LANES * code[first + item, 1] + lane]"""


def _cones() -> str:
    """Advances the cones around the tiles' centres: first as far as no surface is near any ray of the tile, and then through the
    scene, half as far each time as it is free, until all rays are deep inside something; parts that may be met are marked."""
    # In pixels.
    return f"""\
alive = 0
radius = {0.5**0.5 * 1.1!r} * TILE + {NEAR}
for lane in range(LANES):
    free = register[root + lane] / slope
    wide = radius * (size[lane] + growth[lane] * t[lane])
    ahead = (free - wide) / (1.0 + radius * growth[lane])
    through = ti.max(0.5 * (ti.abs(free) - wide), 0.5 * wide)
    beyond = t[lane] > {FAR}
    mode[lane] = ti.select(mode[lane] == 0 and ahead <= 0.25 * wide, 1, mode[lane])
    start[lane] = ti.select(mode[lane] == 0, t[lane], start[lane])
    mode[lane] = ti.select(beyond or free < -2.0 * wide, {DONE}, mode[lane])
    limit[lane] = ti.select(mode[lane] == 1, slope * (wide + through * (1.0 + radius * growth[lane])), -1e30)
    # What begins inside a solid looks at everything, and so does what is not through in time.
    everything = (steps[lane] == 0 and free < wide) or (mode[lane] != {DONE} and steps[lane] >= {CONE_STEPS})
    limit[lane] = ti.select(everything, 1e30, limit[lane])
    mode[lane] = ti.select(everything, {DONE}, mode[lane])
    t[lane] += ti.select(mode[lane] == 0, ahead, ti.select(mode[lane] == 1, through, 0.0))
    start[lane] = ti.select(mode[lane] == 0, t[lane], start[lane])
    at[lane] = t[lane]
    steps[lane] += 1
    alive += ti.select(mode[lane] == {DONE}, 0, 1)
for part in range(part_count):
    for lane in range(LANES):
        row_x = tile_x + lane % TILE
        row_y = tile_y + lane // TILE
        if row_x < tiles_x and row_y < tiles_y and (part_count == 1 or values[task, LANES * part + lane] <= limit[lane]):
            # Another thread that marches the same cones marks the same parts.
            ti.atomic_or(masks[b, row_y * tiles_x + row_x, part >> 5], 1 << (part & 31))
"""


def _step() -> str:
    """One sample of every ray: what nothing happens to goes on, in vector code; the others one by one."""
    return f"""\
alive = 0
special = 0
for lane in range(LANES):
    f = register[root + lane]
    wide = size[lane] + growth[lane] * t[lane]
    last = f_before[lane]
    cell = {_cell('wide')}
    free = ti.abs(f) / slope - {NEAR} * wide - cell
    # A long step that went past what may be a surface is taken back.
    back = mode[lane] == {OUTSIDE} and t[lane] > safe[lane] and t[lane] - free > safe[lane]
    quiet = mode[lane] == {OUTSIDE} and not back and f > 0.0 and not (f > last and last <= f_earlier[lane] and last > -1e29 and last < {NEAR} * slope * wide and layer[lane] < {LAYERS - 1})
    quiet = quiet and t[lane] <= {FAR} and steps[lane] < {STEPS}
    # How steep along the ray the surface ahead is, if it is a plane.
    gone = t[lane] - before[lane]
    steep = ti.select(last > 0.0 and gone > 0.0, (f - last) / (slope * gone), -1.0)
    aim = free * ti.max({2.0 * RELAXATION} / (1.0 - ti.min(steep, {STEEPEST})), 1.0)
    least = ti.floor(t[lane] / cell) + 1.0
    onward = ti.max(ti.floor((t[lane] + free) / cell), least) * cell
    farther = ti.max(ti.floor((t[lane] + aim) / cell), least) * cell
    f_earlier[lane] = ti.select(quiet, last, f_earlier[lane])
    f_before[lane] = ti.select(quiet, f, last)
    earlier[lane] = ti.select(quiet, before[lane], earlier[lane])
    before[lane] = ti.select(quiet, t[lane], before[lane])
    steps[lane] += ti.select(quiet or back, 1, 0)
    t[lane] = ti.select(quiet, ti.select(free > 0.0, farther, onward), ti.select(back, safe[lane], t[lane]))
    safe[lane] = ti.select(quiet, onward, safe[lane])
    at[lane] = ti.select(quiet or back, t[lane], at[lane])
    alive += ti.select(mode[lane] != {DONE}, 1, 0)
    special += ti.select(quiet or back or mode[lane] == {DONE}, 0, 1)
    register[root + lane] = ti.select(quiet or back, 1e30, f)
if special > 0:
    for lane in range(LANES):
        f = register[root + lane]
        if f < 1e29 and mode[lane] != {DONE}:
            row = (tile_y * TILE + lane // TILE) * width + tile_x * TILE + lane % TILE
            shown = tile_x * TILE + lane % TILE < width and tile_y * TILE + lane // TILE < height
            column = 3 * layer[lane]
            if mode[lane] == {ROOT}:
                if f > 0.0:
                    low[lane] = at[lane]
                    f_low[lane] = f
                    f_high[lane] *= 0.5
                else:
                    high[lane] = at[lane]
                    f_high[lane] = f
                    f_low[lane] *= 0.5
                remaining[lane] -= 1
                at[lane] = low[lane] + (high[lane] - low[lane]) * (f_low[lane] / (f_low[lane] - f_high[lane]))
                if remaining[lane] == 0:
                    if shown:
                        places[b, row, column] = at[lane]
                    mode[lane] = resume[lane]
                    at[lane] = t[lane]
                    if resume[lane] != {INSIDE}:
                        layer[lane] += 1
            elif mode[lane] == {LEAST}:
                right = high[lane] - middle[lane] > middle[lane] - low[lane]
                lower = f < f_middle[lane]
                if right and lower:
                    low[lane] = middle[lane]
                elif right:
                    high[lane] = at[lane]
                elif lower:
                    high[lane] = middle[lane]
                else:
                    low[lane] = at[lane]
                if lower:
                    middle[lane] = at[lane]
                    f_middle[lane] = f
                remaining[lane] -= 1
                at[lane] = middle[lane] - 0.381966 * (middle[lane] - low[lane])
                if high[lane] - middle[lane] > middle[lane] - low[lane]:
                    at[lane] = middle[lane] + 0.381966 * (high[lane] - middle[lane])
                if remaining[lane] == 0:
                    if shown:
                        places[b, row, column + 1] = low[lane]
                        places[b, row, column + 2] = high[lane]
                    if f_middle[lane] <= 0.0 and f_low[lane] > 0.0:
                        # What was thought to be passed near is met between two samples.
                        mode[lane] = {ROOT}
                        low[lane] = limit[lane]
                        high[lane] = middle[lane]
                        f_high[lane] = f_middle[lane]
                        remaining[lane] = {ROOT_STEPS}
                        at[lane] = low[lane] + (high[lane] - low[lane]) * (f_low[lane] / (f_low[lane] - f_high[lane]))
                    else:
                        layer[lane] += 1
                        mode[lane] = resume[lane]
                        at[lane] = t[lane]
            else:
                wide = size[lane] + growth[lane] * t[lane]
                near = {NEAR} * slope * wide
                cell = {_cell('wide')}
                last = f_before[lane]
                rising = f > last and last <= f_earlier[lane] and last > -1e29
                goes = mode[lane]
                then = goes
                fresh = False
                if goes == {OUTSIDE} and f <= 0.0:
                    if last < -1e29:
                        goes = {LEAVING}
                    else:
                        low[lane] = before[lane]
                        f_low[lane] = last
                        high[lane] = t[lane]
                        f_high[lane] = f
                        remaining[lane] = {ROOT_STEPS}
                        goes = {ROOT}
                        then = {INSIDE}
                        # What is met behind all other layers is opaque, and nothing is passed before it.
                        if layer[lane] == {LAYERS - 1}:
                            then = {DONE}
                elif (goes == {OUTSIDE} and rising and last < near and layer[lane] < {LAYERS - 1}) or (goes == {INSIDE} and (rising or f > 0.0)):
                    low[lane] = ti.max(earlier[lane], before[lane] - cell)
                    limit[lane] = earlier[lane]
                    f_low[lane] = -1.0
                    if goes == {OUTSIDE}:
                        f_low[lane] = f_earlier[lane]
                    middle[lane] = before[lane]
                    f_middle[lane] = last
                    high[lane] = t[lane]
                    remaining[lane] = {NARROWING}
                    if goes == {INSIDE}:
                        then = {LEAVING}
                        if f > 0.0:
                            then = {OUTSIDE}
                            fresh = True
                    goes = {LEAST}
                elif goes == {INSIDE} and f < -near:
                    goes = {DONE}
                elif goes == {LEAVING} and f < -near and layer[lane] > 0:
                    # Where solids touch, the distance rises to nothing; a ray that then dives deeper never came out.
                    if shown:
                        places[b, row, column - 2] = -1.0
                    goes = {DONE}
                elif goes == {LEAVING} and f > 0.0:
                    goes = {OUTSIDE}
                    fresh = True
                if t[lane] > {FAR} or steps[lane] >= {STEPS}:
                    then = {DONE}
                    if goes < {DONE}:
                        goes = {DONE}
                f_earlier[lane] = last
                if fresh:
                    f_earlier[lane] = -1e30
                f_before[lane] = f
                earlier[lane] = before[lane]
                before[lane] = t[lane]
                free = ti.abs(f) / slope - {NEAR} * wide - cell
                t[lane] = ti.max(ti.floor((t[lane] + free) / cell), ti.floor(t[lane] / cell) + 1.0) * cell
                safe[lane] = t[lane]
                steps[lane] += 1
                mode[lane] = goes
                resume[lane] = then
                at[lane] = t[lane]
                if goes == {ROOT}:
                    at[lane] = low[lane] + (high[lane] - low[lane]) * (f_low[lane] / (f_low[lane] - f_high[lane]))
                elif goes == {LEAST}:
                    at[lane] = middle[lane] - 0.381966 * (middle[lane] - low[lane])
                    if high[lane] - middle[lane] > middle[lane] - low[lane]:
                        at[lane] = middle[lane] + 0.381966 * (high[lane] - middle[lane])
"""
