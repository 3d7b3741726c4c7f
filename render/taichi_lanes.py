"""Kernels that evaluate 64 points an instruction: pictures and scores of many programs of plain shapes, on a CPU.

Where no operation loops or moves space and every paint is one colour, an instruction is decoded once for 64 points, and
its arithmetic becomes vector code (`Interpreter.lanes`). The same code serves twice. A region is 8x8 tiles of 8x8 pixels:
first its lanes are the tiles' centres, which say where a layer covers nothing or everything and which instructions the
others need, and then, tile by tile, the pixels. The pixels that an edge crosses are gathered, and the gradients that
their coverage needs are computed for 16 at a time.

The arithmetic is that of `render.taichi_frame`, whose kernels do all else: derivatives, outlines, ramps, batches
of few programs, GPUs.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from textwrap import indent as indented

from render.taichi_device import TILE_ON_CPU as TILE
from render.taichi_frame import LAYER, PROGRAM_COLUMNS, REACH, SINK_ARGUMENTS, Mode, coverage, head
from render.taichi_kernels import Interpreter
from shaderdsl.registry import scalar_names

LANES = TILE * TILE
"""Points that an instruction is evaluated at together."""

GATHERED = LANES // 4
"""Pixels on an edge whose duals, four numbers each, are computed together: as many as have room in a register."""

REGISTERS = 32
"""Instructions that a layer may have."""

FEWEST = 32
"""Programs from which on these kernels are worth loading, which takes half a second more than the others."""

TASKS = 64
"""Tasks that programs are shared out to: enough for all cores, few enough that their scratch memory stays in the cache."""

_ARGUMENTS = ("programs", "instructions", "layers", "lipschitz", "slots", "states", "active", "centre")


@cache
def suits(mode: Mode, used: frozenset[int], registers: int) -> bool:
    """Whether these kernels can draw layers of at most `registers` instructions with the opcodes `used`."""
    interpreter = Interpreter(used)
    return (
        mode in ("image", "coverage", "score")
        and registers <= REGISTERS
        and interpreter.by_rows
        and not any(scalar_names(paint) for _, paint in interpreter.groups["paint"])
    )


def argument_names(mode: Mode) -> list[str]:
    """The kernel's array arguments in order; then the scalars of `taichi_frame`."""
    return [*_ARGUMENTS, *SINK_ARGUMENTS[mode]]


def source(mode: Mode, used: frozenset[int]) -> str:
    """The text of kernel `run` for a mode and a set of opcodes that it `suits`."""
    interpreter = Interpreter(sorted(used))
    channels = (3,) if mode == "coverage" else (0, 1, 2, 3)
    parts = [
        head(argument_names(mode), TILE),
        indented(_task(), " " * 4),
        indented(_points(channels), " " * 24),
        indented(_layer(interpreter, channels), " " * 28),
        indented(_finish(mode, channels), " " * 24),
    ]
    if mode == "score":
        parts.append(" " * 16 + "loss[b] = total\n")
    return "".join(parts)


def _task() -> str:
    # See `taichi_frame` for `stride`.
    text = f"""\
tiles_x = (width + {TILE - 1}) // {TILE}
tiles_y = (height + {TILE - 1}) // {TILE}
regions_x = (tiles_x + {TILE - 1}) // {TILE}
regions_y = (tiles_y + {TILE - 1}) // {TILE}
pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
radius = {TILE * 0.5 * 2**0.5!r} * pixel
tasks = states.shape[0]
for turn in range(tasks * stride):
    if turn % stride == 0:
        task = turn // stride
        register = ti.Vector.zero(ti.f32, {LANES * REGISTERS})
        point_x = ti.Vector.zero(ti.f32, {LANES})
        point_y = ti.Vector.zero(ti.f32, {LANES})
        cover = ti.Vector.zero(ti.f32, {LANES})
        crossed = ti.Vector.zero(ti.i32, {LANES})
        crossed_x = ti.Vector.zero(ti.f32, {GATHERED})
        crossed_y = ti.Vector.zero(ti.f32, {GATHERED})
        crossed_cover = ti.Vector.zero(ti.f32, {GATHERED})
        need = ti.Vector.zero(ti.i32, {REGISTERS})
        handed = ti.Vector.zero(ti.i32, {REGISTERS})
"""
    text += "".join(f"        colour{c} = ti.Vector.zero(ti.f32, {LANES})\n" for c in range(4))
    text += """\
        for step in range((programs.shape[0] - task + tasks - 1) // tasks):
            b = task + step * tasks
            total = ti.cast(0.0, ti.f64)
"""
    text += "".join(f"            {name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS[:5]))
    return text + f"""\
            for visit in range(regions_x * regions_y * {LANES + 1}):
                region = visit // {LANES + 1}
                spot = visit - region * {LANES + 1} - 1  # a tile of the region, or -1: the centres of all its tiles
                tile_x = region % regions_x * {TILE}
                tile_y = region // regions_x * {TILE}
                if spot >= 0:
                    tile_x += spot % {TILE}
                    tile_y += spot // {TILE}
                if tile_x < tiles_x and tile_y < tiles_y:
"""


def _points(channels: Sequence[int]) -> str:
    """The points of a visit, and the colour below the layers that are drawn: `r0`.. while the tile has one colour."""
    text = f"""\
spacing = 1.0
corner = 0.5
start = 0
if spot < 0:
    spacing = {TILE}.0
    corner = {TILE / 2}
else:
    for l in range(layer_count):
        if states[task, {LANES} * l + spot] == 1 and slots[slot_base + layers[layer_first + l, 5]] >= 1.0:
            start = l
left = ti.cast(tile_x * {TILE}, ti.f32) + corner - 0.5 * ti.cast(width, ti.f32)
top = 0.5 * ti.cast(height, ti.f32) - ti.cast(tile_y * {TILE}, ti.f32) - corner
for lane in range({LANES}):
    point_x[lane] = (left + spacing * ti.cast(lane % {TILE}, ti.f32)) * pixel
    point_y[lane] = (top - spacing * ti.cast(lane // {TILE}, ti.f32)) * pixel
across = ti.min({TILE}, width - tile_x * {TILE})
down = ti.min({TILE}, height - tile_y * {TILE})
mixed = 0  # whether the tile's pixels differ: their colours are in `colour0`.. then
"""
    text += "".join(f"r{c} = 0.0\n" for c in channels) + "if background >= 0:\n"
    text += "".join(f"    r{c} = {_channel('background', c)}\n" for c in channels)
    return text + "for l in range(start, layer_count):\n"


def _channel(first: str, channel: int) -> str:
    """A channel of the colour whose red is in slot `first`; alpha is one."""
    return f"slots[{first} + {channel}]" if channel < 3 else "1.0"


def _layer(interpreter: Interpreter, channels: Sequence[int]) -> str:
    held = f"centre[task, {LANES} * (list_base + {{}}) + spot]"
    text = f"""\
state = 2
if spot >= 0:
    state = states[task, {LANES} * l + spot]
if state != 0:
"""
    text += LAYER
    text += """\
    tiles = layers[lay, 6]
    stop_slot = slot_base + layers[lay, 3] + 6
"""
    text += "".join(f"    c{c} = {_channel('stop_slot', c)}\n" for c in channels)
    text += "    if state == 1 and mixed == 0:\n"
    text += "".join(f"        r{c} += opacity * (c{c} - r{c})\n" for c in channels)
    text += f"""\
    elif state == 1:
        for lane in range({LANES}):
            cover[lane] = 1.0
    else:
"""
    text += REACH
    text += """\
        root = length - 1
        active_count = length
        if spot >= 0 and tiles == 1:
"""
    text += interpreter.prune(12, held, kept=True)
    text += """\
        else:
            for k in range(length):
                active[task, 3 * (list_base + k)] = k
                active[task, 3 * (list_base + k) + 1] = instructions[first + k, 1]
                active[task, 3 * (list_base + k) + 2] = instructions[first + k, 2]
"""
    text += interpreter.lanes(8, LANES, ("point_x[lane]", "point_y[lane]"), _register, held.format("n"))
    text += f"""\
        if spot < 0:
            for n in range(length):
                for lane in range({LANES}):
                    centre[task, {LANES} * (list_base + n) + lane] = register[{LANES} * n + lane]
            limit = lipschitz[lay] * (radius + reach)
            for lane in range({LANES}):
                value = register[{LANES} * root + lane]
                certain = 2
                if (tiles == 1 or (tiles == 2 and value > 0.0)) and ti.abs(value) > limit:
                    certain = 1
                    if value > 0.0:
                        certain = 0
                states[task, {LANES} * l + lane] = certain
        else:
            limit = lipschitz[lay] * reach
            crossings = 0
            for lane in range({LANES}):
                value = register[{LANES} * root + lane]
                cover[lane] = ti.select(value > 0.0, 0.0, 1.0)
                crossed[crossings] = lane
                crossings += ti.select(ti.abs(value) <= limit, 1, 0)
            for group in range((crossings + {GATHERED - 1}) // {GATHERED}):
                for lane in range({GATHERED}):
                    at = crossed[ti.min(group * {GATHERED} + lane, crossings - 1)]
                    crossed_x[lane] = point_x[at]
                    crossed_y[lane] = point_y[at]
"""
    text += interpreter.lanes(16, GATHERED, ("crossed_x[lane]", "crossed_y[lane]"), _register, held.format("n"), parts=4)
    text += _crossed_cover(16)
    text += f"""\
                for lane in range(ti.min({GATHERED}, crossings - group * {GATHERED})):
                    cover[crossed[group * {GATHERED} + lane]] = crossed_cover[lane]
    if spot >= 0 and (state == 2 or mixed == 1):
        if mixed == 0:
            mixed = 1
            for lane in range({LANES}):
"""
    text += "".join(f"                colour{c}[lane] = r{c}\n" for c in channels)
    text += f"        for lane in range({LANES}):\n            share = opacity * cover[lane]\n"
    return text + "".join(f"            colour{c}[lane] += share * (c{c} - colour{c}[lane])\n" for c in channels)


def _register(n: str, part: int) -> str:
    """Where the value of instruction `n` at point `lane` is; or, behind one another, the parts of its duals."""
    return f"register[{LANES} * {n} + {part * GATHERED} + lane]"


def _crossed_cover(indent: int) -> str:
    i = " " * indent
    text = ""
    for crisp, condition in ((True, "if soft == 0.0:"), (False, "else:")):
        text += f"{i}{condition}\n{i}    for lane in range({GATHERED}):\n"
        for part, name in enumerate(("vf", "vfx", "vfy", "vw")):
            text += f"{i}        {name} = {_register('root', part)}\n"
        text += coverage(crisp, ("crossed_cover[lane]",), indent + 8)
    return text


def _finish(mode: Mode, channels: Sequence[int]) -> str:
    if mode == "score":
        # A tile of one colour c scores n|c|^2 - 2 c.S + Q with the target's sums S and Q over the tile.
        squares = " + ".join(f"r{c} * r{c}" for c in channels)
        dot = " + ".join(f"r{c} * tile_sums[tile, {c}]" for c in channels)
        even = f"tile = tile_y * tiles_x + tile_x\nown = ti.cast(across * down, ti.f32) * ({squares})\n"
        even += f"total += ti.cast(own - 2.0 * ({dot}) + tile_sums[tile, 4], ti.f64)\n"
        each = "".join(f"e{c} = colour{c}[at] - target[row_y, column_x, {c}]\n" for c in channels)
        each += f"total += ti.cast({' + '.join(f'e{c} * e{c}' for c in channels)}, ti.f64)\n"
        return f"if spot >= 0 and mixed == 0:\n{indented(even, '    ')}elif spot >= 0:\n{_pixels(each)}"
    place = {c: f"image[b, row_y, column_x, {c}]" for c in channels} if mode == "image" else {3: "coverage[b, row_y, column_x]"}
    text = "if spot >= 0 and mixed == 1:\n" + _pixels("".join(f"{place[c]} = colour{c}[at]\n" for c in channels))
    text += f"elif spot >= 0{' and r3 != 0.0' if mode == 'coverage' else ''}:\n"  # the array of coverage begins as zeros
    return text + _pixels("".join(f"{place[c]} = r{c}\n" for c in channels))


def _pixels(statements: str) -> str:
    return f"""\
    for below in range(down):
        for right in range(across):
            row_y = tile_y * {TILE} + below
            column_x = tile_x * {TILE} + right
            at = below * {TILE} + right
{indented(statements, " " * 12)}"""
