"""The kernel that draws solids, around the interpreter of `render.solid_kernels`: from the places that a march found to colours, and
backwards to the Jacobian.

A pixel asks the field a few questions, one evaluation each, in a loop that holds the interpreter once: at a surface (FRONT), at
the same place with a crease's other branch (BESIDE), on both sides of a least value and between them (LOW, HIGH, MIDDLE), and
FRONT and BESIDE again before what is passed near, or barely met (`passed` is 1). The first phase draws; the second asks again and runs the rules of
`shaderdsl.solid_dual` backwards. `render.solid_numpy` is the same in plain NumPy.
"""

from __future__ import annotations

from collections.abc import Iterable
from textwrap import indent as indented
from typing import Literal

from render.solid_distances import tile_constants
from render.solid_kernels import Duals, crease_names, push, sight_names
from render.taichi_frame import FUNCTIONS
from render.taichi_text import chain, own_names, printed
from shaderdsl import shading, solid_dual as dual
from shaderdsl.registry import continuous_names, scalar_names
from shaderdsl.solid_checker import TONES
from shaderdsl.view import LAYERS, REACH

Mode = Literal["image", "jacobian"]

PROGRAM_COLUMNS = (
    "begin", "length", "slot_base", "camera", "background", "exposure", "fog", "tone", "light_first", "light_count",
    "material_first", "space_count", "row_first", "column_first", "weight_first", "parameter_count", "camera_moves", "all_move", "shadows",
    "part_first", "part_count",
)  # fmt: skip
"""The integers that the kernel reads about each program; bases into the batch's arrays. -1 is none. `all_move` is 1 where pixels
without any surface depend on parameters too, and `shadows` is 1 where lights cast some."""

FRONT, BESIDE, LOW, HIGH, MIDDLE = range(1, 6)

_ARGUMENTS = {
    "programs": "i32, ndim=2", "instructions": "i32, ndim=2", "parts": "i32, ndim=2", "materials": "i32, ndim=2", "lights": "i32, ndim=2",
    "slots": "f32, ndim=1", "places": "f32, ndim=3", "masks": "i32, ndim=3", "visible": "f32, ndim=3", "image": "f32, ndim=3",
}  # fmt: skip
_DERIVATIVE_ARGUMENTS = {
    "rows": "i32, ndim=1", "columns": "i32, ndim=1", "weights": "f32, ndim=1", "row": "f32, ndim=2", "jacobian": "f32, ndim=4",
}  # fmt: skip

_KEPT_SEEN = (
    "front0", "front1", "front2", "other0", "other1", "other2", "split", "crease",
    "mine0", "mine1", "mine2", "mine3", "turned0", "turned1", "turned2", "turned3",
)  # fmt: skip
_KEPT_OUTLINE = (
    *(f"{end}{k}" for end in ("low", "high", "mid") for k in range(5)), "low_t", "high_t", "mid_t", "kinked",
    "bend0", "bend1", "bend2", "near_t", "depth", "gap0", "gap1", "gap2",
)  # fmt: skip
_KEPT = len(_KEPT_OUTLINE) + 2 * len(_KEPT_SEEN)
"""What the first phase keeps of a layer for the second: of its outline, and of both places where it may be seen."""


def _kept(name: str) -> str:
    if name in _KEPT_OUTLINE:
        return f"kept[{_KEPT} * layer + {_KEPT_OUTLINE.index(name)}]"
    return f"kept[{_KEPT} * layer + {len(_KEPT_SEEN)} * passed + {len(_KEPT_OUTLINE) + _KEPT_SEEN.index(name)}]"


def source(mode: Mode, used: Iterable[int], registers: int, spaces: int, side: int) -> str:
    """The text of kernel `run` for a mode, a set of opcodes, the sizes of register and space files, and a tile's side."""
    duals = Duals(used)
    derivative = mode == "jacobian"
    arguments = {**_ARGUMENTS, **(_DERIVATIVE_ARGUMENTS if derivative else {})}
    text = f"import taichi as ti\n\n{tile_constants(side)}{FUNCTIONS}\n@ti.kernel\ndef run(\n"
    text += "".join(f"    {name}: ti.types.ndarray(dtype=ti.{kind}),\n" for name, kind in arguments.items())
    text += "    width: ti.i32, height: ti.i32, span: ti.i32, blocks: ti.i32, stride: ti.i32,\n):\n"
    text += """\
    pixel = 2.0 / ti.cast(ti.min(width, height), ti.f32)
    for turn in range(programs.shape[0] * blocks * stride):
        if turn % stride == 0:
            task = turn // stride
            b = task // blocks
            block = task - b * blocks
"""
    i = " " * 12
    text += "".join(f"{i}{name} = programs[b, {k}]\n" for k, name in enumerate(PROGRAM_COLUMNS))
    vectors = {
        "value": 5 * registers, "offset": registers, "share": registers, "layer_alpha": LAYERS, "layer_colour": 3 * LAYERS,
        "layer_clear": LAYERS,
    }  # fmt: skip
    if duals.folds:
        vectors["space"] = 12 * spaces
    if derivative:
        vectors.update({
            "adjoint": 5 * registers, "worth": registers, "own": duals.own_width, "kept": _KEPT * LAYERS, "behind": 4 * LAYERS,
            "sight": 4 * 14, "moved_point": 9, "moved_ray": 9, "along_all": 3, "outline_seed": 3, "haze": 3,
        })  # fmt: skip
        if duals.folds:
            vectors["space_adjoint"] = 12 * spaces
    text += "".join(f"{i}{name} = ti.Vector.zero(ti.f32, {size})\n" for name, size in vectors.items())
    text += f"{i}crease = ti.Vector.zero(ti.i32, {registers})\n{i}first = ti.Vector.zero(ti.i32, {registers})\n"
    if duals.groups["outline"]:
        text += f"{i}chosen = ti.Vector.zero(ti.i32, {2 * registers})\n"
    # Spans of so many pixels, all of one row, are shared out in turn.
    text += f"{i}for below in range((width * height // span - block + blocks - 1) // blocks):\n"
    text += f"{i}    begin_at = (block + below * blocks) * span\n{i}    for pixel_in_span in range(span):\n"
    i = " " * 20
    text += indented(_pixel(derivative), i)
    text += f"{i}for phase in range({2 if derivative else 1}):\n"
    text += indented(_first_question(derivative), i + "    ")
    text += f"{i}    for question in range({7 * LAYERS}):\n{i}        if stage > 0:\n"
    deep = len(i) + 12
    text += indented("x0 = o0 + t * d0\nx1 = o1 + t * d1\nx2 = o2 + t * d2\nwide = size + growth * t\n", " " * deep)
    text += duals.forward(deep)
    text += indented("root = length - 1\n", " " * deep)
    text += indented(_lit(duals), " " * deep)
    if derivative:
        text += indented("if phase == 0:\n", " " * deep) + indented(_draw(derivative), " " * (deep + 4))
        text += indented("else:\n", " " * deep) + indented(_back(duals), " " * (deep + 4))
    else:
        text += indented(_draw(derivative), " " * deep)
    if derivative:
        text += indented("    if phase == 0:\n" + indented(_behind(), " " * 8), i)
    text += indented(_screen(derivative), i)
    return text


def _pixel(derivative: bool) -> str:
    """The pixel's ray and background."""
    names: dict[object, str] = {"x": "image_x", "y": "image_y", "pixel": "pixel"}
    names.update({name: f"slots[camera + {k}]" for k, name in enumerate(dual.CAMERA)})
    text = "at = begin_at + pixel_in_span\nrow_y = at // width\ncolumn_x = at - row_y * width\n"
    text += "tile = row_y // TILE * ((width + TILE - 1) // TILE) + column_x // TILE\n"
    text += "image_x = (ti.cast(column_x, ti.f32) + 0.5 - 0.5 * ti.cast(width, ti.f32)) * pixel\n"
    text += "image_y = (0.5 * ti.cast(height, ti.f32) - ti.cast(row_y, ti.f32) - 0.5) * pixel\n"
    text += printed(dual.ray_rule(), names, ("o0", "o1", "o2", "d0", "d1", "d2", "size", "growth"), 0)
    text += "".join(f"a{k} = slots[camera + {3 + k}]\n" for k in range(6))
    text += "back0 = 0.0\nback1 = 0.0\nback2 = 0.0\nback3 = 0.0\nif background >= 0:\n    back3 = 1.0\n"
    sources: dict[object, str] = {c: f"slots[background + {k}]" for k, c in enumerate("rgb")}
    text += printed(dual.linear_rule(), sources, ("back0", "back1", "back2"), 4)
    text += "sum0 = 0.0\nsum1 = 0.0\nsum2 = 0.0\nclear = 1.0\nlayers = 0\n"
    text += "".join(f"{name} = 0.0\n" for name in DEFAULTS)
    if derivative:
        text += "moves = all_move == 1 or places[b, at, 0] >= 0.0 or places[b, at, 1] >= 0.0\n"
        text += "if moves:\n    for k in range(4 * parameter_count):\n        row[task, k] = 0.0\n"
        text += "    for k in range(56):\n        sight[k] = 0.0\n    for k in range(3):\n        haze[k] = 0.0\n"
        text += "to0 = 0.0\nto1 = 0.0\nto2 = 0.0\nto3 = 0.0\n"
    return text


def _first_question(derivative: bool) -> str:
    """What is asked first of layer 0."""
    text = "layer = 0\nt = 0.0\n" + _next_layer("")
    if derivative:
        text += "if phase == 1 and stage > 0:\n" + indented(_layer_back(), "    ")
    return text


def _next_layer(i: str) -> str:
    return f"""\
{i}stage = 0
{i}passed = 0
{i}flip = -1
{i}hit_t = -1.0
{i}low_t = -1.0
{i}high_t = -1.0
{i}if layer < {LAYERS}:
{i}    hit_t = places[b, at, 3 * layer]
{i}    low_t = places[b, at, 3 * layer + 1]
{i}    high_t = places[b, at, 3 * layer + 2]
{i}    if hit_t >= 0.0:
{i}        stage = {FRONT}
{i}        t = hit_t
{i}    elif low_t >= 0.0:
{i}        stage = {LOW}
{i}        t = low_t
"""


def _lit(duals: Duals) -> str:
    """The light from the surface, `light0..2`, where one is asked for; its gradient is `g0..2`."""
    text = f"lit = stage == {FRONT} or stage == {BESIDE}\n"
    text += "".join(f"g{k} = value[5 * root + {k + 1}]\n" for k in range(3))
    text += "".join(f"mat{k} = 0.0\n" for k in range(duals.surface)) + "light0 = 0.0\nlight1 = 0.0\nlight2 = 0.0\nbare0 = 0.0\nbare1 = 0.0\nbare2 = 0.0\n"
    if duals.bumps:
        text += "facing0 = 0.0\nfacing1 = 0.0\nfacing2 = 0.0\n"
    text += "if lit:\n" + duals.shares(4) + duals.materials(4)
    if duals.bumps:
        text += printed(dual.bent_rule(), _bent_names(), ("facing0", "facing1", "facing2"), 4)
    text += printed(dual.emission_rule(), _material_names(), ("light0", "light1", "light2"), 4)
    text += "    for number in range(light_count):\n        lamp = lights[light_first + number, 0]\n"
    text += "        lamp_slot = slot_base + lights[light_first + number, 1]\n        c0 = 0.0\n        c1 = 0.0\n        c2 = 0.0\n"
    text += SEEN.replace("\n", "\n        ").join(("        ", "\n"))
    cases = []
    for number, operation in duals.groups["light"]:
        names = {**_lit_names(duals), **own_names(operation, "lamp_slot")}
        cases.append((number, printed(dual.light_rule(operation), names, ("c0", "c1", "c2"), 12)))
    text += chain(cases, "lamp", 8)
    text += "".join(f"        light{k} += c{k}\n" for k in range(3))
    text += "".join(f"    bare{k} = light{k}\n" for k in range(3))
    text += "    if fog >= 0:\n" + printed(dual.fog_rule(), _fog_names(), ("light0", "light1", "light2"), 8)
    return text


SEEN = """seen = 1.0
if shadows == 1:
    seen = visible[b, at, layer * light_count + number]"""
"""How much of a light arrives."""


def _material_names() -> dict[object, str]:
    return {name: f"mat{k}" for k, name in enumerate(shading.MATERIAL)}


def _lit_names(duals: Duals) -> dict[object, str]:
    names: dict[object, str] = {c: f"x{k}" for k, c in enumerate("xyz")}
    names.update({f"g{c}": f"{'facing' if duals.bumps else 'g'}{k}" for k, c in enumerate("xyz")})
    names.update({name: f"d{k}" for k, name in enumerate(dual.DIRECTION)})
    return {**names, **_material_names(), "visible": "seen"}


def _bent_names() -> dict[object, str]:
    names: dict[object, str] = {name: f"g{k}" for k, name in enumerate(dual.DUAL[1:4])}
    names.update({name: f"mat{6 + k}" for k, name in enumerate(shading.BUMP)})
    return names


def _fog_names() -> dict[object, str]:
    names: dict[object, str] = {c: f"bare{k}" for k, c in enumerate("rgb")}
    names.update({f"l{c}": f"back{k}" for k, c in enumerate("rgb")})
    return {**names, "t": "t", "fog": "slots[fog]"}


def _dual_names(prefix: str, target: str) -> dict[object, str]:
    return {prefix + q: f"{target}{k}" for k, q in enumerate(dual.DUAL)}


def _outline_names() -> tuple[dict[object, str], dict[object, str]]:
    """Inputs of the smooth and of the kinked outline's rule."""
    smooth = {**_dual_names("", "mid"), "t": "mid_t", "hx": "bend0", "hy": "bend1", "hz": "bend2", **sight_names()}
    kinked = {**_dual_names("a_", "low"), "a_t": "low_at", **_dual_names("b_", "high"), "b_t": "high_at", **sight_names()}
    return smooth, kinked


def _draw(derivative: bool) -> str:
    """The first phase: what an answer means, and what is asked next."""

    def keep(name: str, value: str, indent: str = "    ") -> str:
        return f"{indent}{_kept(name)} = {value}\n" if derivative else ""

    smooth, kinked = _outline_names()
    text = f"done = 0\nlooked = 0\nif stage == {FRONT}:\n"
    text += "".join(f"    seen{k} = light{k}\n" + keep(f"front{k}", f"light{k}") for k in range(3)) + keep("split", "1.0")
    text += "".join(f"    mine{k} = value[5 * root + {k}]\n" + keep(f"mine{k}", f"mine{k}") for k in range(4))
    text += f"    if offset[root] < {REACH}:\n        flip = crease[root]\n        stage = {BESIDE}\n"
    text += keep("crease", "ti.cast(flip, ti.f32)", "        ") + "    else:\n        looked = 1\n"
    text += f"elif stage == {BESIDE}:\n    looked = 1\n    flip = -1\n"
    text += "".join(f"    turned{k} = value[5 * root + {k}]\n" + keep(f"turned{k}", f"turned{k}") for k in range(4))
    text += printed(dual.crease_rule(), crease_names("mine", "turned"), ("split",), 4) + keep("split", "split")
    text += "".join(keep(f"other{k}", f"light{k}") for k in range(3))
    text += "".join(f"    seen{k} = light{k} + (seen{k} - light{k}) * split\n" for k in range(3))
    for number, end, at in ((LOW, "low", "low_at"), (HIGH, "high", "high_at")):
        text += f"elif stage == {number}:\n    {at} = t\n" + "".join(f"    {end}{k} = value[5 * root + {k}]\n" for k in range(5))
        text += "".join(keep(f"{end}{k}", f"{end}{k}") for k in range(5)) + keep(f"{end}_t", "t")
        if end == "low":
            text += f"    stage = {HIGH}\n    t = high_t\n"
        else:
            text += f"""\
    falling = low1 * d0 + low2 * d1 + low3 * d2
    rising = high1 * d0 + high2 * d1 + high3 * d2
    stage = {MIDDLE}
    t = low_at + (high_at - low_at) * ti.min(ti.max(falling / ti.min(falling - rising, -1e-9), 0.0), 1.0)
"""
    text += f"elif stage == {MIDDLE}:\n    mid_t = t\n" + "".join(f"    mid{k} = value[5 * root + {k}]\n" for k in range(5))
    text += "    between = mid1 * d0 + mid2 * d1 + mid3 * d2\n    width_t = high_at - low_at\n"
    text += "".join(f"    bend{k} = (high{k + 1} - low{k + 1}) / width_t\n" for k in range(3))
    results = ("alpha", "near_t", "depth")
    text += "    is_kinked = ti.abs(between) > 0.25 * ti.min(ti.abs(falling), ti.abs(rising))\n    if is_kinked:\n"
    text += printed(dual.kinked_outline_rule(), kinked, results, 8) + "    else:\n"
    text += printed(dual.smooth_outline_rule(), smooth, results, 8)
    text += "".join(keep(f"mid{k}", f"mid{k}") for k in range(5)) + keep("mid_t", "t")
    text += keep("kinked", "ti.select(is_kinked, 1.0, 0.0)")
    text += "".join(keep(f"bend{k}", f"bend{k}") for k in range(3))
    text += keep("near_t", "near_t")
    text += "    if hit_t < 0.0:\n        depth = 0.0\n" + keep("depth", "depth")
    text += f"    if depth >= 1.0:\n        done = 1\n    else:\n        passed = 1\n        stage = {FRONT}\n        t = near_t\n"
    text += "if looked == 1 and passed == 0:\n    alpha = 1.0\n    depth = 1.0\n" + keep("depth", "1.0")
    text += "".join(f"    colour{k} = seen{k}\n" for k in range(3))
    text += f"    if low_t >= 0.0:\n        stage = {LOW}\n        t = low_t\n    else:\n        done = 1\n"
    text += "elif looked == 1:\n    done = 1\n    if hit_t < 0.0:\n        colour0 = 0.0\n        colour1 = 0.0\n        colour2 = 0.0\n"
    text += "".join(keep(f"gap{k}", f"colour{k} - seen{k}") for k in range(3))
    text += "".join(f"    colour{k} = seen{k} + (colour{k} - seen{k}) * depth\n" for k in range(3))
    text += "if done == 1:\n"
    text += "".join(f"    sum{k} += clear * alpha * colour{k}\n" for k in range(3))
    if derivative:
        text += "    layer_alpha[layer] = alpha\n    layer_clear[layer] = clear\n"
        text += "".join(f"    layer_colour[3 * layer + {k}] = colour{k}\n" for k in range(3))
    text += "    clear *= 1.0 - alpha\n    layer += 1\n    layers = layer\n" + _next_layer("    ")
    text += "    if clear <= 0.0:\n        stage = 0\n"
    return text


DEFAULTS = (
    "alpha", "split", "depth", *(f"{n}{k}" for n in ("colour", "seen", "bend") for k in range(3)), "falling", "rising", "near_t",
    *(f"{n}{k}" for n in ("mine", "turned") for k in range(4)), *(f"{n}{k}" for n in ("low", "high", "mid") for k in range(5)),
    "low_at", "high_at", "mid_t",
)  # fmt: skip
"""Variables of a pixel that answers leave for later ones."""


def _behind() -> str:
    """The colour and alpha behind each layer."""
    text = "rest0 = back0\nrest1 = back1\nrest2 = back2\nrest3 = back3\nfor away in range(layers):\n    k = layers - 1 - away\n"
    text += "    alpha = layer_alpha[k]\n"
    for c in range(4):
        colour = f"layer_colour[3 * k + {c}]" if c < 3 else "1.0"
        text += f"    behind[4 * k + {c}] = rest{c}\n    rest{c} += alpha * ({colour} - rest{c})\n"
    return text


def _back(duals: Duals) -> str:
    """The second phase: passes backwards from an answer, and what is asked next."""
    text = "alpha = layer_alpha[layer]\nthrough = layer_clear[layer]\nlit_share = through * alpha\n"
    # Which passes: one for each colour, and after them one of the distance alone, or of coverage for all channels.
    text += f"depth = {_kept('depth')}\npart = ti.select(passed == 1, 1.0 - depth, depth)\n"
    text += f"passes = 3\nif stage == {FRONT}:\n    passes += 1 - passed\n    lit_share *= part * {_kept('split')}\n"
    text += f"elif stage == {BESIDE}:\n    lit_share *= part * (1.0 - {_kept('split')})\n"
    text += "else:\n    passes = 1\n    if depth < 1.0:\n        passes = 4\n"
    text += "".join(f"cut{k} = 0.0\n" for k in range(18))
    names: dict[object, str] = {**crease_names("mine", "turned"), "d_share": "1.0"}
    loads = "".join(f"    mine{k} = {_kept(f'mine{k}')}\n    turned{k} = {_kept(f'turned{k}')}\n" for k in range(4))
    text += f"if lit and {_kept('split')} < 1.0:\n{loads}"
    text += printed(dual.crease_rule(), names, [f"cut{k}" for k in range(18)], 4, reverse=True)
    # cut: surface's value and gradient 0-3, the other's 4-7, direction 8-10, axes 11-16, size 17.
    text += "for step in range(passes):\n" + indented(_pass(duals), "    ")
    text += f"if stage == {FRONT} and passed == 1:\n" + indented(_passed_back(), "    ")
    text += _next_question()
    return text


def _pass(duals: Duals) -> str:
    text = "painted = 0\n" + "".join(f"seed{k} = 0.0\n" for k in range(5)) + "".join(f"tint{k} = 0.0\n" for k in range(duals.surface))
    text += "".join(f"to{k} = ti.select(step == {k}, 1.0, 0.0)\n" for k in range(4))
    text += "".join(f"lp{k} = 0.0\nlg{k} = 0.0\nld{k} = 0.0\n" for k in range(3)) + "along = 0.0\ncut = 0.0\n"
    text += "".join(f"ray{k} = 0.0\n" for k in range(11))
    text += "if lit and step < 3:\n    painted = 1\n" + indented(_light_back(duals), "    ")
    text += f"    if {_kept('split')} < 1.0:\n        cut = part * through * alpha * ({_kept('front0')} - {_kept('other0')})\n"
    for c in (1, 2):
        text += f"        if step == {c}:\n            cut = part * through * alpha * ({_kept(f'front{c}')} - {_kept(f'other{c}')})\n"
    text += f"    if stage == {FRONT}:\n        seed0 = cut * cut0\n"
    text += "".join(f"        seed{k + 1} = lg{k} + cut * cut{k + 1}\n" for k in range(3))
    text += "    else:\n        seed0 = cut * cut4\n"
    text += "".join(f"        seed{k + 1} = lg{k} + cut * cut{k + 5}\n" for k in range(3))
    # The distance alone, for the surface's place along the ray.
    text += f"elif stage == {FRONT}:\n    seed0 = 1.0\n"
    text += "    slope = ti.min(g0 * d0 + g1 * d1 + g2 * d2, -1e-3)\n"
    for c in range(3):
        moved = " + ".join(f"moved_point[{3 * c + k}] * d{k}" for k in range(3))
        text += f"    to{c} = -(along_all[{c}] + {moved}) / slope\n"
    text += "    to3 = 0.0\nelse:\n" + indented(_outline_back(), "    ")
    text += duals.reverse(0)
    # What the point's adjoint means for the ray.
    text += "if lit and step < 3:\n"
    for k in range(3):
        text += f"    moved_point[3 * step + {k}] += q{k} + lp{k}\n    moved_ray[3 * step + {k}] += ld{k}\n"
    text += f"    along_all[step] += along\n    if stage == {FRONT}:\n"
    for k in range(3):
        text += f"        moved_ray[3 * step + {k}] += cut * cut{8 + k}\n"
    text += "        along_all[step] += cut * cut17 * growth\n"
    text += "        sight[14 * step + 6] += cut * cut17\n        sight[14 * step + 7] += cut * cut17 * t\n"
    for k in range(6):
        text += f"        sight[14 * step + {8 + k}] += cut * cut{11 + k}\n"
    text += f"elif stage == {FRONT}:\n    for c in range(3):\n        factor = to0\n        if c == 1:\n            factor = to1\n        if c == 2:\n            factor = to2\n"
    for k in range(3):
        text += f"        whole = moved_point[3 * c + {k}] + factor * q{k}\n"
        text += f"        sight[14 * c + {k}] += whole\n        sight[14 * c + {3 + k}] += whole * t + moved_ray[3 * c + {k}]\n"
        text += f"        moved_point[3 * c + {k}] = 0.0\n        moved_ray[3 * c + {k}] = 0.0\n"
    text += "        along_all[c] = 0.0\n"
    text += "else:\n    for c in range(4):\n        factor = to0\n        if c == 1:\n            factor = to1\n        if c == 2:\n            factor = to2\n        if c == 3:\n            factor = to3\n"
    for k in range(3):
        text += f"        sight[14 * c + {k}] += factor * q{k}\n        sight[14 * c + {3 + k}] += factor * (q{k} * t + ray{k})\n"
    text += "        sight[14 * c + 6] += factor * ray9\n        sight[14 * c + 7] += factor * ray10\n"
    for k in range(6):
        text += f"        sight[14 * c + {8 + k}] += factor * ray{3 + k}\n"
    return text


def _passed_back() -> str:
    """What is seen where the outline says: its adjoints by the place, and by the ray."""
    along = " + ".join(f"moved_point[3 * c + {k}] * d{k}" for k in range(3))
    text = f"for c in range(3):\n    along = along_all[c] + {along}\n    outline_seed[c] = along\n"
    for k in range(3):
        text += f"    sight[14 * c + {k}] += moved_point[3 * c + {k}]\n"
        text += f"    sight[14 * c + {3 + k}] += moved_point[3 * c + {k}] * t + moved_ray[3 * c + {k}]\n"
        text += f"    moved_point[3 * c + {k}] = 0.0\n    moved_ray[3 * c + {k}] = 0.0\n"
    return text + "    along_all[c] = 0.0\n"


def _light_back(duals: Duals) -> str:
    """Backwards through the light of one colour: adjoints of point `lp`, gradient `lg`, direction `ld`, material `tint`, `along`."""
    text = "".join(f"h{k} = ti.select(step == {k}, lit_share, 0.0)\n" for k in range(3))
    names: dict[object, str] = {**_fog_names(), **{f"d_f{c}": f"h{k}" for k, c in enumerate("rgb")}}
    text += "if fog >= 0:\n" + printed(dual.fog_rule(), names, ("f0", "f1", "f2", "along", "f4", "f5", "f6", "f7"), 4, reverse=True)
    text += "    h0 = f0\n    h1 = f1\n    h2 = f2\n    haze[step] += f5 + f6 + f7\n" + push("fog", "f4", 4)
    seeds: dict[object, str] = {f"d_{c}": f"h{k}" for k, c in enumerate("rgb")}
    tints = tuple(f"tint{k}" for k in range(6))
    text += printed(dual.emission_rule(), {**_material_names(), **seeds}, tints, 0, reverse=True)
    text += "for number in range(light_count):\n    lamp = lights[light_first + number, 0]\n"
    text += "    lamp_slot = slot_base + lights[light_first + number, 1]\n    own_count = 0\n"
    text += "".join(f"    b{k} = 0.0\n" for k in range(15)) + SEEN.replace("\n", "\n    ").join(("    ", "\n"))
    cases = []
    for number, operation in duals.groups["light"]:
        rule = dual.light_rule(operation)
        own = [f"w{k}" for k in range(len(rule.differentiated) - 15)]
        names = {**_lit_names(duals), **own_names(operation, "lamp_slot"), **seeds}
        case = printed(rule, names, [*(f"b{k}" for k in range(15)), *own], 8, reverse=True)
        found = dict(zip(continuous_names(operation), own))
        case += "".join(f"        own[{k}] = {found.get(name, '0.0')}\n" for k, name in enumerate(scalar_names(operation)))
        cases.append((number, case + f"        own_count = {len(scalar_names(operation))}\n"))
    text += chain(cases, "lamp", 4)
    text += "    for k in range(own_count):\n" + push("lamp_slot + k", "own[k]", 8)
    text += "".join(f"    lp{k} += b{k}\n    lg{k} += b{3 + k}\n    ld{k} += b{6 + k}\n" for k in range(3))
    text += "".join(f"    tint{k} += b{9 + k}\n" for k in range(6))
    if not duals.bumps:
        return text
    # The adjoint of the normal that light sees becomes those of the gradient and of the bump.
    bent = _bent_names()
    bent.update({f"d_h{c}": f"lg{k}" for k, c in enumerate("xyz")})
    text += printed(dual.bent_rule(), bent, ("h0", "h1", "h2", "tint6", "tint7", "tint8"), 0, reverse=True)
    return text + "".join(f"lg{k} = h{k}\n" for k in range(3))


def _outline_back() -> str:
    """Seeds of the field where coverage comes from; `ray0..10` are the adjoints of direction, axes, size and growth."""
    text = "".join(f"{end}{k} = {_kept(f'{end}{k}')}\n" for end in ("low", "high", "mid") for k in range(5))
    text += f"low_at = {_kept('low_t')}\nhigh_at = {_kept('high_t')}\nmid_t = {_kept('mid_t')}\n"
    text += "".join(f"bend{k} = {_kept(f'bend{k}')}\n" for k in range(3))
    for c in range(3):
        text += f"rise{c} = through * (layer_colour[3 * layer + {c}] - behind[4 * layer + {c}])\n"
    text += "rise3 = through * (1.0 - behind[4 * layer + 3])\n"
    text += "h0 = 1.0\nh1 = 0.0\nh2 = 0.0\n"
    text += "if depth >= 1.0:\n" + "".join(f"    to{c} = rise{c}\n" for c in range(4))
    text += "else:\n    h0 = rise0\n" + "".join(f"    if step == {c}:\n        h0 = rise{c}\n" for c in (1, 2, 3))
    text += "    if step < 3:\n        h1 = outline_seed[step]\n    if depth > 0.0:\n"
    text += "".join(f"        if step == {c}:\n            h2 = through * alpha * {_kept(f'gap{c}')}\n" for c in range(3))
    smooth, kinked = _outline_names()
    seeds: dict[object, str] = {f"d_{q}": f"h{k}" for k, q in enumerate(dual.OUTLINE)}
    rays = tuple(f"ray{k}" for k in range(11))
    text += f"if stage == {MIDDLE}:\n"
    text += printed(dual.smooth_outline_rule(), {**smooth, **seeds}, (*(f"seed{k}" for k in range(5)), *rays), 4, reverse=True)
    text += "else:\n"
    ends = tuple(f"f{k}" for k in range(10))
    text += printed(dual.kinked_outline_rule(), {**kinked, **seeds}, (*ends, *rays), 4, reverse=True)
    text += f"    if stage == {LOW}:\n" + "".join(f"        seed{k} = f{k}\n" for k in range(5))
    text += "    else:\n" + "".join(f"        seed{k} = f{5 + k}\n" for k in range(5))
    # What is the ray's own is counted once.
    return text + "".join(f"        ray{k} = 0.0\n" for k in range(11))


def _next_question() -> str:
    """Backwards a layer is asked in this order: BESIDE and FRONT, where it is met and where it is passed, and MIDDLE or LOW and HIGH."""
    outline = f"""\
        if {_kept('kinked')} > 0.5:
            stage = {LOW}
            t = low_t
        else:
            stage = {MIDDLE}
            t = {_kept('mid_t')}
"""
    return f"""\
done = 0
flip = -1
if stage == {BESIDE}:
    stage = {FRONT}
elif stage == {FRONT} and passed == 0 and low_t >= 0.0 and {_kept('depth')} < 1.0:
    passed = 1
{indented(_seen_back("near_t"), "    ")}\
elif stage == {FRONT}:
    done = 1
    if low_t >= 0.0:
        done = 0
{outline}\
elif stage == {LOW}:
    stage = {HIGH}
    t = high_t
else:
    done = 1
if done == 1:
    layer += 1
    stage = 0
    if layer < layers:
        hit_t = places[b, at, 3 * layer]
        low_t = places[b, at, 3 * layer + 1]
        high_t = places[b, at, 3 * layer + 2]
{indented(_layer_back(), "        ")}"""


def _layer_back() -> str:
    """The first question of layer `layer`, backwards."""
    met, passed = indented(_seen_back("hit_t"), "    "), indented(_seen_back("near_t"), "    ")
    return f"if hit_t >= 0.0:\n    passed = 0\n{met}else:\n    passed = 1\n{passed}"


def _seen_back(place: str) -> str:
    """The first question of a place where a layer is seen."""
    return f"""\
t = {place if place == "hit_t" else _kept(place)}
stage = {FRONT}
if {_kept("split")} < 1.0:
    stage = {BESIDE}
    flip = ti.cast({_kept("crease")}, ti.i32)
"""


def _screen(derivative: bool) -> str:
    """The pixel's colour on the screen, and its row of the Jacobian."""
    text = "".join(f"sum{k} += clear * back{k}\n" for k in range(3)) + "cover = 1.0 - clear * (1.0 - back3)\n"
    names: dict[object, str] = {c: f"sum{k}" for k, c in enumerate("rgb")}
    names.update({"alpha": "cover", "exposure": "slots[exposure]"})
    text += "out0 = 0.0\nout1 = 0.0\nout2 = 0.0\n"
    text += chain([(k, printed(dual.screen_rule(tone), names, ("out0", "out1", "out2"), 4)) for k, tone in enumerate(TONES)], "tone", 0)
    text += "".join(f"image[b, at, {k}] = out{k}\n" for k in range(3)) + "image[b, at, 3] = cover\n"
    if not derivative:
        return text
    return text + "if moves:\n" + indented(_screen_back(names), "    ")


def _screen_back(names: dict[object, str]) -> str:
    """The pixel's row, linear so far: what the background adds, what the camera does, and then the screen."""
    text = "if background >= 0:\n"
    for c in range(3):
        source: dict[object, str] = {q: f"slots[background + {k}]" for k, q in enumerate("rgb")}
        source.update({f"d_l{q}": ("1.0" if k == c else "0.0") for k, q in enumerate("rgb")})
        results = ["", "", ""]
        results[c] = f"h{c}"
        text += "".join(f"    to{k} = {1.0 if k == c else 0.0!r}\n" for k in range(4))
        text += printed(dual.linear_rule(), source, results, 4, reverse=True)
        text += push(f"background + {c}", f"h{c} * (clear + haze[{c}])", 4)
    text += "if camera_moves == 1:\n    for c in range(4):\n"
    text += "".join(f"        to{k} = ti.select(c == {k}, 1.0, 0.0)\n" for k in range(4))
    ray: dict[object, str] = {"x": "image_x", "y": "image_y", "pixel": "pixel"}
    ray.update({name: f"slots[camera + {k}]" for k, name in enumerate(dual.CAMERA)})
    ray.update({f"d_{name}": f"sight[14 * c + {k}]" for k, name in enumerate(dual.RAY)})
    text += printed(dual.ray_rule(), ray, [f"f{k}" for k in range(13)], 8, reverse=True)
    text += "".join(f"        f{3 + k} += sight[14 * c + {8 + k}]\n" for k in range(6))
    text += "".join(push(f"camera + {k}", f"f{k}", 8) for k in range(13))
    text += "for c in range(3):\n    s0 = 0.0\n    s1 = 0.0\n    s2 = 0.0\n    s3 = 0.0\n    s4 = 0.0\n"
    text += "".join(f"    h{k} = ti.select(c == {k}, 1.0, 0.0)\n    to{k} = h{k}\n" for k in range(3)) + "    to3 = 0.0\n"
    names.update({f"d_s{c}": f"h{k}" for k, c in enumerate("rgb")})
    results_all = ("s0", "s1", "s2", "s3", "s4")
    text += chain([(k, printed(dual.screen_rule(tone), names, results_all, 8, reverse=True)) for k, tone in enumerate(TONES)], "tone", 4)
    text += "    own_slope = s0 + s1 + s2\n    for k in range(parameter_count):\n"
    text += "        row[task, 4 * k + c] = own_slope * row[task, 4 * k + c] + s3 * row[task, 4 * k + 3]\n"
    text += push("exposure", "s4", 4)
    return text + "for k in range(parameter_count):\n    for c in range(4):\n        jacobian[b, at, c, k] = row[task, 4 * k + c]\n"
