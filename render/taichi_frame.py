"""The frame of every Taichi kernel around the interpreter of `render.taichi_kernels`: tasks, tiles, layers, sinks.

A kernel's text is assembled from blocks; `source(mode, used, registers)` gives it whole. See `render.taichi_kernels`
for what the modes compute and `render.taichi_backend` for the arrays.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import indent as indented
from typing import Literal

from render.taichi_kernels import Interpreter
from shaderdsl import dual, emit

Mode = Literal["image", "coverage", "score", "without", "normal", "jacobian"]

PROGRAM_COLUMNS = (
    "layer_first", "layer_count", "instruction_first", "slot_base", "background", "row_first", "column_first",
    "weight_first", "parameter_count",
)  # fmt: skip
"""The integers that a kernel reads about each program; bases into the batch's arrays."""

_ARGUMENTS = {
    "programs": "i32, ndim=2", "instructions": "i32, ndim=2", "layers": "i32, ndim=2", "lipschitz": "f32, ndim=1",
    "slots": "f32, ndim=1", "states": "i32, ndim=2", "active": "i32, ndim=2", "centre": "f32, ndim=2",
    "row_fields": "f32, ndim=2", "near_elements": "i32, ndim=2", "near_count": "i32, ndim=2",
}  # fmt: skip
_DERIVATIVE_ARGUMENTS = {
    "rows": "i32, ndim=1", "columns": "i32, ndim=1", "weights": "f32, ndim=1",
    "marks": "i32, ndim=2", "touched": "i32, ndim=2", "sums": "f32, ndim=2",
    "entry_column": "i32, ndim=2", "entry_layer": "i32, ndim=2", "entry": "f32, ndim=2",
    "through": "f32, ndim=2", "row_marks": "i32, ndim=2", "row_list": "i32, ndim=2", "row": "f32, ndim=2",
}  # fmt: skip
SINK_ARGUMENTS: dict[str, dict[str, str]] = {
    "image": {"image": "f32, ndim=4"},
    "coverage": {"coverage": "f32, ndim=3"},
    "score": {"target": "f32, ndim=3", "tile_sums": "f32, ndim=2", "loss": "f64, ndim=1"},
    "without": {
        "target": "f32, ndim=3", "through": "f32, ndim=2", "step_layer": "i32, ndim=2", "colour_step": "f32, ndim=2",
        "losses": "f64, ndim=2",
    },
    "normal": {"target": "f32, ndim=3", "loss": "f64, ndim=1", "gradient": "f64, ndim=2", "hessian": "f32, ndim=3"},
    "jacobian": {"image": "f32, ndim=4", "jacobian": "f32, ndim=4"},
}  # fmt: skip
_SCALARS = {"width": "i32", "height": "i32", "blocks": "i32", "stride": "i32", "blur": "f32", "huber": "f32"}
_ARRAYS = {k: v for kinds in (_ARGUMENTS, _DERIVATIVE_ARGUMENTS, *SINK_ARGUMENTS.values()) for k, v in kinds.items()}


FUNCTIONS = f"""\
@ti.func
def hypotenuse(a, b):
    return ti.sqrt(a * a + b * b)

{emit.TAICHI_HASH}"""
"""What printed arithmetic (`emit.TAICHI`) calls."""


def argument_names(mode: Mode) -> list[str]:
    """The kernel's array arguments in order; then come width, height, blocks, stride, blur, huber."""
    names = list(_ARGUMENTS)
    if mode in ("normal", "jacobian"):
        names += _DERIVATIVE_ARGUMENTS
    return names + list(SINK_ARGUMENTS[mode])


def head(names: Iterable[str], side: int) -> str:
    """The text before a kernel's body: what it imports, a tile's side, the functions that it calls, and its arguments."""
    arguments = [f"{name}: ti.types.ndarray(dtype=ti.{_ARRAYS[name]})" for name in names]
    arguments += [f"{name}: ti.{kind}" for name, kind in _SCALARS.items()]
    signature = "".join(f"    {argument},\n" for argument in arguments)
    return f"import taichi as ti\n\nTILE = {side}\n{FUNCTIONS}\n@ti.kernel\ndef run(\n{signature}):\n"


def source(mode: Mode, used: Iterable[int], registers: int, side: int) -> str:
    """The text of kernel `run` for a mode, a set of opcodes, a register file's size (instructions a layer) and a tile's side."""
    interpreter = Interpreter(used)
    derivative = mode in ("normal", "jacobian")
    parts = [
        head(argument_names(mode), side),
        indented(_start(), " " * 4),
        indented(_task(interpreter, registers, derivative), " " * 12),
        indented(_tile(), " " * 16),
        indented(_sample(mode), " " * 20),
        indented(_layer(interpreter, mode), " " * 24),
        indented(_finish(mode), " " * 20),
    ]
    if mode in ("score", "normal"):
        parts.append(" " * 12 + "loss[task] = total\n")
    return "".join(parts)


def _start() -> str:
    # Taichi hands a CPU's threads 512 turns of a loop at a time, so a task takes `stride` turns, all but one of them idle.
    return """\
tiles_x = (width + TILE - 1) // TILE
tiles_y = (height + TILE - 1) // TILE
pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
for turn in range(programs.shape[0] * blocks * stride):
    if turn % stride == 0:
"""


def _task(interpreter: Interpreter, registers: int, derivative: bool) -> str:
    text = "task = turn // stride\nb = task // blocks\nblock = task - b * blocks\n"
    text += "".join(f"{name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS))
    text += f"value = ti.Vector.zero(ti.f32, {4 * registers})\n"
    text += f"space = ti.Vector.zero(ti.f32, {6 * interpreter.spaces})\n"
    text += f"slope = ti.Vector.zero(ti.f32, {2 * registers})\n"
    if interpreter.by_rows:
        text += f"row_value = ti.Vector.zero(ti.f32, TILE * {registers})\n"
    text += f"need = ti.Vector.zero(ti.i32, {registers})\nhanded = ti.Vector.zero(ti.i32, {registers})\n"
    text += f"chosen = ti.Vector.zero(ti.i32, {2 * registers})\ntotal = ti.cast(0.0, ti.f64)\n"
    if derivative:
        text += f"adjoint = ti.Vector.zero(ti.f32, {4 * registers})\n"
        text += f"space_adjoint = ti.Vector.zero(ti.f32, {6 * interpreter.spaces})\n"
        text += f"own = ti.Vector.zero(ti.f32, {interpreter.own_width})\n"
        text += "element = ti.Vector.zero(ti.f32, 8)\nstamp = 0\npixel_stamp = 0\n"
    return text + "for step in range((tiles_x * tiles_y - block + blocks - 1) // blocks):\n"


def _tile() -> str:
    return """\
tile = block + step * blocks
tile_y = tile // tiles_x
tile_x = tile - tile_y * tiles_x
across = ti.min(TILE, width - tile_x * TILE)
down = ti.min(TILE, height - tile_y * TILE)
start = 0
edges = 0
ramps = 0
r0 = 0.0
r1 = 0.0
r2 = 0.0
r3 = 0.0
line = 0
across_at = -1
for sample in range(across * down + 1):
"""


def _sample(mode: Mode) -> str:
    text = f"""\
if sample > 0:
    across_at += 1
    if across_at == across:
        across_at = 0
        line += 1
column_x = tile_x * TILE + across_at
row_y = tile_y * TILE + line
px = (ti.cast(column_x, ti.f32) + 0.5 - 0.5 * ti.cast(width, ti.f32)) * pixel
py = (0.5 * ti.cast(height, ti.f32) - ti.cast(row_y, ti.f32) - 0.5) * pixel
if sample == 0:
    px = (ti.cast(tile_x * TILE, ti.f32) + 0.5 * TILE - 0.5 * ti.cast(width, ti.f32)) * pixel
    py = (0.5 * ti.cast(height, ti.f32) - ti.cast(tile_y * TILE, ti.f32) - 0.5 * TILE) * pixel
radius = {0.5 * 2**0.5!r} * TILE * pixel
"""
    text += "r0 = 0.0\nr1 = 0.0\nr2 = 0.0\nr3 = 0.0\n"
    text += "if background >= 0 and sample > 0:\n"
    text += "".join(f"    r{k} = slots[background + {k}]\n" for k in range(3)) + "    r3 = 1.0\n"
    if mode in ("normal", "jacobian"):
        text += """\
entries = 0
depth = 0
if background >= 0 and sample > 0 and start == 0:
    for c in range(3):
        entry_row = row_first + background - slot_base + c
        for q in range(rows[entry_row], rows[entry_row + 1]):
            entry_column[task, entries] = columns[column_first + q]
            entry_layer[task, entries] = 0
            for k in range(4):
                entry[task, 4 * entries + k] = 0.0
            entry[task, 4 * entries + c] = weights[weight_first + q]
            entries += 1
    through[task, 0] = 0.0
    depth = 1
"""
    if mode == "without":
        text += "depth = 0\n"
    return text + "for l in range(start, layer_count):\n"


def coverage(crisp: bool, results: Sequence[str], indent: int, reverse: bool = False) -> str:
    """Coverage from the dual (vf, vfx, vfy, vw); or the adjoints of that and of the softness, times the opacity."""
    names: dict[object, str] = {
        "f": "vf", "fx": "vfx", "fy": "vfy", "w": "vw", "pixel": "pixel", "softness": "soft", "d_alpha": "opacity",
    }  # fmt: skip
    rule = dual.coverage_rule(crisp)
    outputs = rule.reverse if reverse else rule.forward
    statements, values = emit.print_graph(rule.graph, outputs, names, emit.TAICHI, prefix="cv")
    lines = [*statements, *(f"{target} = {value}" for target, value in zip(results, values))]
    return "".join(" " * indent + f"{line}\n" for line in lines)


def _coverage(reverse: bool, indent: int) -> str:
    results = ("seed0", "seed1", "seed2", "seed3", "seed_soft") if reverse else ("cover",)
    i = " " * indent
    text = "".join(f"{i}{name} = 0.0\n" for name in results if reverse)
    for crisp, head in ((True, "if soft == 0.0:"), (False, "else:")):
        text += f"{i}{head}\n" + coverage(crisp, results, indent + 4, reverse)
    return text


LAYER = """\
    lay = layer_first + l
    list_base = layers[lay, 0]
    first = instruction_first + list_base
    length = layers[lay, 1]
    layer_slot = slot_base + layers[lay, 5]
    opacity = slots[layer_slot]
    soft = ti.sqrt(slots[layer_slot + 1] * slots[layer_slot + 1] + blur * blur)
"""
"""A layer's place in the arrays, its opacity, and the standard deviation of its edge's blur."""

REACH = """\
        reach = 0.7072 * pixel
        if soft > 0.0:
            reach = 6.0001 * ti.sqrt(soft * soft + pixel * pixel / 12.0)
"""
"""How far from an edge a pixel's centre is where the edge shows no more."""

HIDES = """\
        if state == 1 and opacity >= 1.0:
            start = l
            edges = 0
            ramps = 0
"""
"""What is below an opaque layer need not be drawn, unless the picture without that layer is asked for."""


def _layer(interpreter: Interpreter, mode: Mode) -> str:
    derivative = mode in ("normal", "jacobian")
    text = """\
state = 2
if sample > 0:
    state = states[task, 4 * l]
    if state >= 2 and CONTINUED:
        # A pixel or row far from the outline decides the next ones: as far as the field can not change its sign.
        known = states[task, 4 * l + 2]
        if REACHED < known >> 1:
            state = known & 1
elif step > 0:
    # So does a tile for the next ones to its right.
    known = states[task, 4 * l + 3]
    if tile < known >> 1:
        state = known & 1
        states[task, 4 * l] = state
if state != 0:
"""
    text += LAYER
    text += """\
    stops = layers[lay, 4]
    cover = 1.0
    inner = 0
    root = length - 1
    if sample > 0:
        root = states[task, 4 * l + 1]
    active_count = state - 2
    vf = 0.0
    vfx = 0.0
    vfy = 0.0
    vw = 0.0
    if state >= 2:
        if sample == 0:
            active_count = length
            for k in range(length):
                active[task, 3 * (list_base + k)] = k
                active[task, 3 * (list_base + k) + 1] = instructions[first + k, 1]
                active[task, 3 * (list_base + k) + 2] = instructions[first + k, 2]
        space[0] = px
        space[1] = py
        space[2] = 1.0
        space[3] = 0.0
        space[4] = 0.0
        space[5] = 1.0
"""
    by_rows = interpreter.by_rows
    text = text.replace("CONTINUED", "line + across_at > 0" if by_rows else "across_at > 0")
    text = text.replace("REACHED", "line" if by_rows else "across_at")
    text += REACH
    text += _values(interpreter)
    text += """\
        if sample == 0:
            state = 2 + length
            certain_tiles = 0
            tiles = layers[lay, 6]
            if tiles == 1 or (tiles == 2 and vf > 0.0):
                if ti.abs(vf) > lipschitz[lay] * (radius + reach):
                    state = 1
                    if vf > 0.0:
                        state = 0
                    spare = (ti.abs(vf) / lipschitz[lay] - radius - reach) / (8.0 * pixel)
                    right = ti.cast(0.999 * ti.min(spare, 65536.0), ti.i32)
                    certain_tiles = 2 * ti.min(tile + 1 + right, (tile_y + 1) * tiles_x) + state
                else:
"""
    text += interpreter.prune(20, "value[4 * {}]")
    text += """\
                    state = 2 + active_count
            states[task, 4 * l + 3] = certain_tiles
        elif ti.abs(vf) > lipschitz[lay] * reach:
            if vf > 0.0:
                cover = 0.0
"""
    if not by_rows:
        text += """\
            certain = 0
            tiles = layers[lay, 6]
            if tiles == 1 or (tiles == 2 and vf > 0.0):
                spare = (ti.abs(vf) / lipschitz[lay] - reach) / pixel
                certain = 2 * (across_at + 1 + ti.cast(0.999 * ti.min(spare, ti.cast(TILE, ti.f32)), ti.i32))
                if vf <= 0.0:
                    certain += 1
            states[task, 4 * l + 2] = certain
"""
    text += "        else:\n            inner = 1\n"
    if not by_rows:
        text += "            states[task, 4 * l + 2] = 0\n"
    text += interpreter.forward(12, gradients=True)
    text += """\
            vf = value[4 * root]
            vfx = value[4 * root + 1]
            vfy = value[4 * root + 2]
            vw = value[4 * root + 3]
"""
    text += _coverage(False, 12)
    text += """\
    if sample == 0:
        states[task, 4 * l] = state
        states[task, 4 * l + 1] = root
HIDES        if state >= 2:
            edges += 1
        if state != 0 and stops > 1:
            ramps += 1
    elif cover > 0.0:
        paint_op = layers[lay, 2]
        paint_slot = slot_base + layers[lay, 3]
        stop_slot = paint_slot + 6 + stop_offset(paint_op)
        place0 = 0.0
        place1 = 0.0
        shown = 0.0
        u = slots[paint_slot] * px + slots[paint_slot + 1] * py + slots[paint_slot + 2]
        v = slots[paint_slot + 3] * px + slots[paint_slot + 4] * py + slots[paint_slot + 5]
        wide0 = pixel * ti.sqrt(slots[paint_slot] * slots[paint_slot] + slots[paint_slot + 1] * slots[paint_slot + 1])
        wide1 = pixel * ti.sqrt(slots[paint_slot + 3] * slots[paint_slot + 3] + slots[paint_slot + 4] * slots[paint_slot + 4])
""".replace("stop_offset(paint_op)", interpreter.stop_offset()).replace("HIDES", "" if mode == "without" else HIDES)
    text += interpreter.paint(8)
    for side in (0, 1) if interpreter.filtered else (0,):
        text += f"""\
        place = ti.min(ti.max(place{side}, 0.0), 1.0) * ti.cast(stops - 1, ti.f32)
        cell{side} = ti.max(ti.min(ti.cast(place, ti.i32), stops - 2), 0)
        part{side} = place - ti.cast(cell{side}, ti.f32)
        next_cell{side} = ti.min(cell{side} + 1, stops - 1)
"""
        for k in range(3):
            text += f"""\
        near{side}{k} = slots[stop_slot + 3 * cell{side} + {k}]
        rise{side}{k} = slots[stop_slot + 3 * next_cell{side} + {k}] - near{side}{k}
        near{side}{k} += part{side} * rise{side}{k}
"""
    mixed = " + shown * (near1{k} - near0{k})" if interpreter.filtered else ""
    text += "".join(f"        c{k} = near0{k}{mixed.format(k=k)}\n" for k in range(3))
    text += "        alpha = opacity * cover\n"
    if derivative:
        text += _entries(interpreter)
    elif mode == "without":
        text += "        step_layer[task, depth] = l\n        through[task, depth] = alpha\n"
        text += "".join(f"        colour_step[task, 4 * depth + {k}] = alpha * (c{k} - r{k})\n" for k in range(3))
        text += "        colour_step[task, 4 * depth + 3] = alpha * (1.0 - r3)\n        depth += 1\n"
    text += """\
        r0 += alpha * (c0 - r0)
        r1 += alpha * (c1 - r1)
        r2 += alpha * (c2 - r2)
        r3 += alpha * (1.0 - r3)
"""
    return text


def _values(interpreter: Interpreter) -> str:
    """The layer's field at the sample, `vf`: alone, or with those of its row when it is the row's first pixel."""
    alone = interpreter.forward(8, gradients=False) + "        vf = value[4 * root]\n"
    if not interpreter.by_rows:
        return alone
    text = "        if sample == 0:\n" + indented(alone, " " * 4) + "        else:\n            if across_at == 0:\n"
    x = "(ti.cast(column_x + lane, ti.f32) + 0.5 - 0.5 * ti.cast(width, ti.f32)) * pixel"
    text += interpreter.lanes(
        16, "TILE", (x, "py"), lambda n, _: f"row_value[TILE * {n} + lane]", held="centre[task, list_base + n]"
    )
    return text + """\
                least = 1e30
                for lane in range(TILE):
                    found = row_value[TILE * root + lane]
                    row_fields[task, TILE * l + lane] = found
                    least = ti.min(least, ti.abs(found))
                certain = 0
                spare = (least / lipschitz[lay] - reach) / pixel
                if layers[lay, 6] == 1 and spare > 0.0:
                    certain = 2 * (line + 1 + ti.cast(0.999 * ti.min(spare, ti.cast(TILE, ti.f32)), ti.i32))
                    if row_value[TILE * root] <= 0.0:
                        certain += 1
                states[task, 4 * l + 2] = certain
            vf = row_fields[task, TILE * l + across_at]
"""


def _flush(channels: tuple[str, str, str, str], indent: int) -> str:
    """Turns the touched sums into entries of the pixel's row: sum times a factor for each channel."""
    i = " " * indent
    text = f"{i}for k in range(touched_count):\n{i}    column = touched[task, k]\n{i}    pushed = sums[task, column]\n"
    text += f"{i}    entry_column[task, entries] = column\n{i}    entry_layer[task, entries] = depth\n"
    text += "".join(f"{i}    entry[task, 4 * entries + {c}] = pushed * {f}\n" for c, f in enumerate(channels))
    return text + f"{i}    entries += 1\n"


def _entries(interpreter: Interpreter) -> str:
    text = """\
        if alpha >= 1.0:
            entries = 0
            depth = 0
        through[task, depth] = alpha
        touched_count = 0
        stamp += 1
"""
    i = " " * 8
    text += f"{i}if inner == 1:\n"
    text += _coverage(True, 12)
    text += interpreter.reverse(12)
    text += f"{i}    if soft > 0.0:\n"
    text += interpreter._push("layer_slot + 1", "seed_soft * slots[layer_slot + 1] / soft", 16)
    text += interpreter._push("layer_slot", "cover", 8)
    text += _flush(("(c0 - r0)", "(c1 - r1)", "(c2 - r2)", "(1.0 - r3)"), 8)
    sides = (("(1.0 - shown)", 0), ("shown", 1)) if interpreter.filtered else (("1.0", 0),)
    text += f"{i}if stops > 1:\n"
    for name, k in (("u", 0), ("v", 3)):  # the shape's reverse pass has used these names since
        text += f"{i}    {name} = slots[paint_slot + {k}] * px + slots[paint_slot + {k + 1}] * py + slots[paint_slot + {k + 2}]\n"
    # One after another: how each place on the ramp, and the second one's share, change the colour.
    text += f"{i}    for aspect in range({2 * len(sides) - 1}):\n"
    text += "".join(f"{i}        tint{k} = {f'alpha * (near1{k} - near0{k})' if interpreter.filtered else 0.0}\n" for k in range(3))
    for weight, side in sides:
        text += f"{i}        if aspect == {side}:\n{i}            steep = 0.0\n{i}            if place{side} > 0.0 and place{side} < 1.0:\n"
        text += f"{i}                steep = alpha * {weight} * ti.cast(stops - 1, ti.f32)\n"
        text += "".join(f"{i}            tint{k} = steep * rise{side}{k}\n" for k in range(3))
    text += f"{i}        if tint0 != 0.0 or tint1 != 0.0 or tint2 != 0.0:\n"
    text += f"{i}            touched_count = 0\n{i}            stamp += 1\n"
    text += interpreter.paint_reverse(20)
    text += _flush(("tint0", "tint1", "tint2", "0.0"), 20)
    text += f"{i}for s in range({len(sides)} * ti.min(stops, 2)):\n{i}    share = 0.0\n{i}    corner = 0\n"
    for weight, side in sides:
        for number, part, corner in ((side, f"(1.0 - part{side})", "cell"), (side + len(sides), f"part{side}", "next_cell")):
            text += f"{i}    if s == {number}:\n{i}        share = alpha * {weight} * {part}\n{i}        corner = {corner}{side}\n"
    text += f"""\
{i}    if share != 0.0:
{i}        for c in range(3):
{i}            entry_row = row_first + stop_slot - slot_base + 3 * corner + c
{i}            for q in range(rows[entry_row], rows[entry_row + 1]):
{i}                entry_column[task, entries] = columns[column_first + q]
{i}                entry_layer[task, entries] = depth
{i}                for k in range(4):
{i}                    entry[task, 4 * entries + k] = 0.0
{i}                entry[task, 4 * entries + c] = share * weights[weight_first + q]
{i}                entries += 1
{i}depth += 1
"""
    return text


def _finish(mode: Mode) -> str:
    if mode in ("image", "coverage"):
        results = {f"image[b, {{}}, {{}}, {c}]": f"r{c}" for c in range(4)} if mode == "image" else {"coverage[b, {}, {}]": "r3"}
        text = "if sample == 1 and edges == 0 and ramps == 0:\n"
        i = " " * 4
        if mode == "coverage":  # the array begins as zeros
            text += "    if r3 != 0.0:\n"
            i = " " * 8
        text += f"{i}for below in range(down):\n{i}    for right in range(across):\n"
        text += "".join(f"{i}        {k.format('row_y + below', 'column_x + right')} = {v}\n" for k, v in results.items())
        text += "    break\nif sample > 0:\n"
        return text + "".join(f"    {k.format('row_y', 'column_x')} = {v}\n" for k, v in results.items())
    residual = "".join(f"    e{c} = r{c} - target[row_y, column_x, {c}]\n" for c in range(4))
    squares = "ti.cast(e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3, ti.f64)"
    if mode == "score":
        # A tile of one colour c scores n|c|^2 - 2 c.S + Q with the target's sums S and Q over the tile.
        return (
            "if sample == 1 and edges == 0 and ramps == 0:\n"
            "    n = ti.cast(across * down, ti.f32)\n"
            "    dot = r0 * tile_sums[tile, 0] + r1 * tile_sums[tile, 1] + r2 * tile_sums[tile, 2]"
            " + r3 * tile_sums[tile, 3]\n"
            "    own = n * (r0 * r0 + r1 * r1 + r2 * r2 + r3 * r3)\n"
            "    total += ti.cast(own - 2.0 * dot + tile_sums[tile, 4], ti.f64)\n"
            "    break\n"
            f"if sample > 0:\n{residual}    total += {squares}\n"
        )
    if mode == "without":
        # The picture is linear in what one layer covers: without it, its step is missing, seen through those above it.
        return f"""\
if sample > 0:
{residual}\
    losses[task, layer_count] += {squares}
    clear = 1.0
    for k in range(depth):
        back = depth - 1 - k
        change = 0.0
        for c in range(4):
            step_part = clear * colour_step[task, 4 * back + c]
            change += step_part * step_part
        change -= 2.0 * clear * (
            e0 * colour_step[task, 4 * back] + e1 * colour_step[task, 4 * back + 1]
            + e2 * colour_step[task, 4 * back + 2] + e3 * colour_step[task, 4 * back + 3]
        )
        losses[task, step_layer[task, back]] += ti.cast(change, ti.f64)
        clear *= 1.0 - through[task, back]
"""
    text = "if sample > 0:\n" + indented(_assemble(), "    ")
    if mode == "jacobian":
        text += "".join(f"    image[b, row_y, column_x, {c}] = r{c}\n" for c in range(4))
        text += (
            "    for k in range(listed):\n        column = row_list[task, k]\n        for c in range(4):\n"
            "            jacobian[row_y, column_x, c, column] = row[task, 4 * column + c]\n"
        )
        return text
    text += residual
    text += """\
    matrix = ti.min(hessian.shape[1] - 1, 1)  # a 1 x 1 array means that no matrix is wanted
    size = e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3
    trust = 1.0
    if huber > 0.0 and size > huber * huber:
        trust = huber / ti.sqrt(size)
        total += ti.cast(2.0 * huber * ti.sqrt(size) - huber * huber, ti.f64)
    else:
        total += ti.cast(size, ti.f64)
    for k in range(listed):
        i = row_list[task, k]
        j0 = trust * row[task, 4 * i]
        j1 = trust * row[task, 4 * i + 1]
        j2 = trust * row[task, 4 * i + 2]
        j3 = trust * row[task, 4 * i + 3]
        gradient[task, i] += ti.cast(j0 * e0 + j1 * e1 + j2 * e2 + j3 * e3, ti.f64)
        for m in range((k + 1) * matrix):
            j = row_list[task, m]
            product = (
                j0 * row[task, 4 * j] + j1 * row[task, 4 * j + 1] + j2 * row[task, 4 * j + 2] + j3 * row[task, 4 * j + 3]
            )
            hessian[task, ti.max(i, j), ti.min(i, j)] += product
"""
    return text


def _assemble() -> str:
    """Scales entries by what later layers let through and adds them up in the pixel's row."""
    return """\
clear = 1.0
for k in range(depth):
    alpha = through[task, depth - 1 - k]
    through[task, depth - 1 - k] = clear
    clear *= 1.0 - alpha
pixel_stamp += 1
listed = 0
for k in range(entries):
    column = entry_column[task, k]
    if row_marks[task, column] != pixel_stamp:
        row_marks[task, column] = pixel_stamp
        row_list[task, listed] = column
        listed += 1
        for c in range(4):
            row[task, 4 * column + c] = 0.0
    open_part = through[task, entry_layer[task, k]]
    for c in range(4):
        row[task, 4 * column + c] += open_part * entry[task, 4 * k + c]
"""

