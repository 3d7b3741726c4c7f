"""Kernels that evaluate 64 points an instruction: pictures and scores of plain shapes in flat colours, on a CPU.

Where no operation loops or moves space and every paint is one colour, an instruction is decoded once for 64 points, and
its arithmetic stands in a loop of fixed length without branches, which LLVM makes vector code of: a sixth of the time a
point that rows of 8 take. The same code serves twice. A region is 8x8 tiles of 8x8 pixels: first its lanes are the tiles'
centres, which say where a layer covers nothing or everything and which instructions the others need
(`Interpreter.prune`), and then, tile by tile, the pixels. Pixels that an edge crosses are gathered, and their gradients
and coverage are computed for 16 at a time, in the same registers.

The arithmetic is that of `render.taichi_frame`, whose kernels do the rest: derivatives, outlines, gradients, GPUs.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from textwrap import indent as indented

from render.taichi_frame import ARGUMENTS, FUNCTIONS, PROGRAM_COLUMNS, SCALARS, SINK_ARGUMENTS, Mode, coverage
from render.taichi_kernels import FIXED, TILE, Interpreter, print_rule
from shaderdsl import dual, tape as tapes
from shaderdsl.registry import FAT, scalar_names

LANES = TILE * TILE
"""Points that an instruction is evaluated at together."""

GATHERED = 16
"""Pixels on an edge whose duals (four numbers) are computed together, in the space of LANES values."""

REGISTERS = 32
"""The register file, in instructions."""

TASKS = 64
"""Tasks that programs are shared out to: enough for all cores, few enough that their scratch memory stays in the cache."""

_USED = ("programs", "instructions", "layers", "lipschitz", "slots", "states", "active", "centre")


@lru_cache(maxsize=None)
def suits(mode: Mode, used: frozenset[int], registers: int) -> bool:
    """Whether these kernels can do it."""
    groups = Interpreter(used).groups
    return (
        mode in ("image", "coverage", "score")
        and registers <= REGISTERS
        and not groups["outline"]
        and not groups["repetition"]
        and not any(scalar_names(paint) for _, paint in groups["paint"])
    )


def argument_names(mode: Mode) -> list[str]:
    """The kernel's array arguments in order; then the scalars of `taichi_frame`."""
    return [*_USED, *SINK_ARGUMENTS[mode]]


def source(mode: Mode, used: Iterable[int]) -> str:
    """The text of kernel `run` for a mode and a set of opcodes that suits."""
    interpreter = Interpreter(used)
    kinds = {**{name: ARGUMENTS[name] for name in _USED}, **SINK_ARGUMENTS[mode]}
    arguments = [f"{n}: ti.types.ndarray(dtype=ti.{k})" for n, k in kinds.items()]
    arguments += [f"{n}: ti.{k}" for n, k in SCALARS.items()]
    channels = [3] if mode == "coverage" else [0, 1, 2, 3]
    return "".join(
        (
            "import taichi as ti\n\n",
            FUNCTIONS + "\n",
            "@ti.kernel\ndef run(\n" + "".join(f"    {a},\n" for a in arguments) + "):\n",
            indented(_task(mode), " " * 4),
            indented(_points(channels), " " * 24),
            indented(_layer(interpreter, channels), " " * 28),
            indented(_finish(mode, channels), " " * 24),
            " " * 16 + "loss[unit] = total\n" if mode == "score" else "",
        )
    )


def _task(mode: Mode) -> str:
    # A unit is a program, or its tiles modulo `blocks`. See `taichi_frame` for `stride`.
    text = f"""\
tiles_x = (width + {TILE - 1}) // {TILE}
tiles_y = (height + {TILE - 1}) // {TILE}
regions_x = (width + {LANES - 1}) // {LANES}
regions_y = (height + {LANES - 1}) // {LANES}
pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
radius = {TILE * 0.5 * 2**0.5!r} * pixel
units = programs.shape[0] * blocks
tasks = states.shape[0]
for turn in range(tasks * stride):
    if turn % stride == 0:
        task = turn // stride
        lanes = ti.Vector.zero(ti.f32, {LANES * REGISTERS})
        cover = ti.Vector.zero(ti.f32, {LANES})
        spots = ti.Vector.zero(ti.i32, {LANES})
        point_x = ti.Vector.zero(ti.f32, {LANES})
        point_y = ti.Vector.zero(ti.f32, {LANES})
        spot_x = ti.Vector.zero(ti.f32, {GATHERED})
        spot_y = ti.Vector.zero(ti.f32, {GATHERED})
        shares = ti.Vector.zero(ti.f32, {GATHERED})
        need = ti.Vector.zero(ti.i32, {REGISTERS})
        handed = ti.Vector.zero(ti.i32, {REGISTERS})
"""
    text += "".join(f"        colour{c} = ti.Vector.zero(ti.f32, {LANES})\n" for c in range(4))
    text += "        for turn_of_task in range((units - task + tasks - 1) // tasks):\n"
    i = " " * 12
    text += f"{i}unit = task + turn_of_task * tasks\n{i}b = unit // blocks\n{i}total = ti.cast(0.0, ti.f64)\n"
    text += "".join(f"{i}{name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS[:5]))
    return text + (
        f"{i}for point_set in range(regions_x * regions_y * {LANES + 1}):\n"
        f"{i}    region = point_set // {LANES + 1}\n"
        f"{i}    spot = point_set - region * {LANES + 1} - 1  # -1: the centres of the region's tiles\n"
        f"{i}    tile_x = region % regions_x * {TILE}\n"
        f"{i}    tile_y = region // regions_x * {TILE}\n"
        f"{i}    if spot >= 0:\n"
        f"{i}        tile_x += spot % {TILE}\n"
        f"{i}        tile_y += spot // {TILE}\n"
        f"{i}    tile = tile_y * tiles_x + tile_x\n"
        f"{i}    if spot < 0 or (tile_x < tiles_x and tile_y < tiles_y and tile % blocks == unit - b * blocks):\n"
    )


def _points(channels: list[int]) -> str:
    text = f"""\
across = ti.min({TILE}, width - tile_x * {TILE})
down = ti.min({TILE}, height - tile_y * {TILE})
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
mixed = 0  # whether the tile's pixels differ: their colours are in lanes then
"""
    text += "".join(f"r{c} = 0.0\n" for c in channels)
    text += "if background >= 0:\n"
    text += "".join(f"    r{c} = {f'slots[background + {c}]' if c < 3 else '1.0'}\n" for c in channels)
    return text + "for l in range(start, layer_count):\n"


def _place(point: tuple[str, str], indent: int) -> str:
    i = " " * indent
    return f"{i}x = {point[0]}\n{i}y = {point[1]}\n{i}u = m0 * x + m1 * y + m2\n{i}v = m3 * x + m4 * y + m5\n"


def _each(interpreter: Interpreter, indent: int, gradients: bool) -> str:
    """Evaluates the layer's active instructions: values at the lanes' points, or duals at the gathered ones.

    Registers are `LANES` numbers wide; a dual's four parts lie behind one another.
    """
    width = GATHERED if gradients else LANES
    parts = range(4 if gradients else 1)

    def register(n: str, part: int) -> str:
        return f"lanes[{LANES} * {n} + {part * GATHERED} + lane]" if part else f"lanes[{LANES} * {n} + lane]"

    i = " " * indent
    j, m, body, deep = (i + " " * k for k in (4, 8, 12, 16))
    loop = f"for lane in range({width}):\n"
    text = f"{i}for item in range(active_count):\n{j}entry_at = 3 * (list_base + item)\n{j}n = active[task, entry_at]\n"
    text += f"{j}if n >= {FIXED}:\n{m}n -= {FIXED}\n{m}held = centre[task, {LANES} * (list_base + n) + spot]\n{m}{loop}"
    for part in parts:
        text += f"{m}    {register('n', part)} = {('held', '0.0', '0.0', repr(FAT))[part]}\n"
    text += f"{j}else:\n{m}op = instructions[first + n, 0]\n{m}source = active[task, entry_at + 1]\n"
    text += f"{m}second = active[task, entry_at + 2]\n{m}slot = slot_base + instructions[first + n, 3]\n"
    point = ("spot_x[lane]", "spot_y[lane]") if gradients else ("point_x[lane]", "point_y[lane]")
    cases: list[tuple[int, str]] = []
    for number, operation in interpreter.groups["shape"]:
        own, names = interpreter.hoisted(operation, f"slot + {tapes.PLACE}", indent + 12)
        part_text = "".join(f"{body}m{k} = slots[slot + {k}]\n" for k in range(6)) + f"{body}scale = slots[slot + 6]\n"
        part_text += own + body + loop + _place(point, indent + 16)
        results = ("f", "gu", "gv", "w")[: len(parts)]
        part_text += print_rule(dual.shape_rule(operation), False, {"x": "u", "y": "v", **names}, results, indent + 16)
        values = ("scale * f", "scale * (m0 * gu + m3 * gv)", "scale * (m1 * gu + m4 * gv)", "scale * w")
        part_text += "".join(f"{deep}{register('n', part)} = {values[part]}\n" for part in parts)
        cases.append((number, part_text))
    for number, operation in interpreter.groups["boolean"] + interpreter.groups["modifier"]:
        own, names = interpreter.hoisted(operation, "slot", indent + 12)
        part_text = own + body + loop
        for side, operand in (("a", "source"), ("b", "second")):
            part_text += "".join(f"{deep}{side}{part} = {register(operand, part)}\n" for part in parts)
            names.update({f"{side}_{dual.DUAL[part]}": f"{side}{part}" for part in parts})
        results = tuple(f"z{part}" for part in parts)
        part_text += print_rule(dual.combination_rule(operation), False, names, results, indent + 16)
        part_text += "".join(f"{deep}{register('n', part)} = z{part}\n" for part in parts)
        cases.append((number, part_text))
    for k, (number, case) in enumerate(cases):
        text += f"{m}{'if' if k == 0 else 'elif'} op == {number}:\n" + case
    return text


def _layer(interpreter: Interpreter, channels: list[int]) -> str:
    text = f"""\
state = 2
if spot >= 0:
    state = states[task, {LANES} * l + spot]
if state != 0:
    lay = layer_first + l
    list_base = layers[lay, 0]
    first = instruction_first + list_base
    length = layers[lay, 1]
    layer_slot = slot_base + layers[lay, 5]
    tiles = layers[lay, 6]
    opacity = slots[layer_slot]
    soft = ti.sqrt(slots[layer_slot + 1] * slots[layer_slot + 1] + blur * blur)
    stop_slot = slot_base + layers[lay, 3] + 6
"""
    text += "".join(f"    c{c} = {f'slots[stop_slot + {c}]' if c < 3 else '1.0'}\n" for c in channels)
    text += "    if state == 1 and mixed == 0:\n"
    text += "".join(f"        r{c} += opacity * (c{c} - r{c})\n" for c in channels)
    text += f"""\
    elif state == 1:
        for lane in range({LANES}):
            cover[lane] = 1.0
    else:
        reach = 0.7072 * pixel
        if soft > 0.0:
            reach = 6.0001 * ti.sqrt(soft * soft + pixel * pixel / 12.0)
        root = length - 1
        active_count = length
        if spot >= 0 and tiles == 1:
"""
    text += interpreter.prune(12, f"centre[task, {LANES} * (list_base + {{}}) + spot]")
    text += """\
        else:
            for k in range(length):
                active[task, 3 * (list_base + k)] = k
                active[task, 3 * (list_base + k) + 1] = instructions[first + k, 1]
                active[task, 3 * (list_base + k) + 2] = instructions[first + k, 2]
"""
    text += _each(interpreter, 8, gradients=False)
    text += f"""\
        if spot < 0:
            for n in range(length):
                for lane in range({LANES}):
                    centre[task, {LANES} * (list_base + n) + lane] = lanes[{LANES} * n + lane]
            limit = lipschitz[lay] * (radius + reach)
            for lane in range({LANES}):
                value = lanes[{LANES} * root + lane]
                certain = 2
                if (tiles == 1 or (tiles == 2 and value > 0.0)) and ti.abs(value) > limit:
                    certain = 1
                    if value > 0.0:
                        certain = 0
                states[task, {LANES} * l + lane] = certain
        else:
            limit = lipschitz[lay] * reach
            crossed = 0
            for lane in range({LANES}):
                value = lanes[{LANES} * root + lane]
                cover[lane] = ti.select(value > 0.0, 0.0, 1.0)
                spots[crossed] = lane
                inner = ti.abs(value) <= limit and lane % {TILE} < across and lane // {TILE} < down
                crossed += ti.select(inner, 1, 0)
            for group in range((crossed + {GATHERED - 1}) // {GATHERED}):
                for lane in range({GATHERED}):
                    at = spots[ti.min(group * {GATHERED} + lane, crossed - 1)]
                    spot_x[lane] = point_x[at]
                    spot_y[lane] = point_y[at]
"""
    text += _each(interpreter, 16, gradients=True)
    text += _covers(16)
    text += f"""\
                for k in range(ti.min({GATHERED}, crossed - group * {GATHERED})):
                    cover[spots[group * {GATHERED} + k]] = shares[k]
    if spot >= 0 and (state == 2 or mixed == 1):
        if mixed == 0:
            mixed = 1
            for lane in range({LANES}):
"""
    text += "".join(f"                colour{c}[lane] = r{c}\n" for c in channels)
    text += f"        for lane in range({LANES}):\n            share = opacity * cover[lane]\n"
    return text + "".join(f"            colour{c}[lane] += share * (c{c} - colour{c}[lane])\n" for c in channels)


def _covers(indent: int) -> str:
    """The gathered pixels' coverage, `shares`, from the root's duals."""
    i = " " * indent
    text = ""
    for crisp, head in ((True, "if soft == 0.0:"), (False, "else:")):
        text += f"{i}{head}\n{i}    for lane in range({GATHERED}):\n"
        for k, name in enumerate(("vf", "vfx", "vfy", "vw")):
            text += f"{i}        {name} = lanes[{LANES} * root + {k * GATHERED} + lane]\n"
        text += coverage(crisp, ("shares[lane]",), indent + 8)
    return text


def _finish(mode: Mode, channels: list[int]) -> str:
    text = "if spot >= 0:\n"
    even = "ti.cast(across * down, ti.f32)"
    if mode == "score":
        # A tile of one colour c scores n|c|^2 - 2 c.S + Q with the target's sums S and Q over the tile.
        dot = " + ".join(f"r{c} * tile_sums[tile, {c}]" for c in channels)
        squares = " + ".join(f"r{c} * r{c}" for c in channels)
        uniform = f"        total += ti.cast({even} * ({squares}) - 2.0 * ({dot}) + tile_sums[tile, 4], ti.f64)\n"
        each = "".join(f"e{c} = colour{c}[at] - target[row_y, column_x, {c}]\n" for c in channels)
        each += f"total += ti.cast({' + '.join(f'e{c} * e{c}' for c in channels)}, ti.f64)\n"
        return f"{text}    if mixed == 0:\n{uniform}    else:\n" + _pixels(each, 8)
    sink = {c: f"image[b, row_y, column_x, {c}]" for c in channels} if mode == "image" else {3: "coverage[b, row_y, column_x]"}
    wanted = "" if mode == "image" else " and r3 != 0.0"  # the array of coverage begins as zeros
    text += "    if mixed == 1:\n" + _pixels("".join(f"{sink[c]} = colour{c}[at]\n" for c in channels), 8)
    return text + f"    if mixed == 0{wanted}:\n" + _pixels("".join(f"{sink[c]} = r{c}\n" for c in channels), 8)


def _pixels(body: str, indent: int) -> str:
    i = " " * indent
    text = f"{i}for below in range(down):\n{i}    row_y = tile_y * {TILE} + below\n{i}    for right in range(across):\n"
    text += f"{i}        column_x = tile_x * {TILE} + right\n{i}        at = below * {TILE} + right\n"
    return text + indented(body, i + " " * 8)

