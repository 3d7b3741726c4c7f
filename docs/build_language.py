"""Builds docs/language.md, docs/language-3d.md and their pictures from the registry of operations.

    python docs/build_language.py            # write what has changed
    python docs/build_language.py --check    # only say what is out of date, with status 1
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from render.files import write_all  # noqa: E402
from render.images import png_bytes  # noqa: E402
from render.pictures import image  # noqa: E402
from shaderdsl import DslError, bounds, parse  # noqa: E402
from shaderdsl.binding import BUILTINS, operation_signature, signature  # noqa: E402
from shaderdsl.mathematics import FUNCTIONS  # noqa: E402
from shaderdsl.registry import Category, Operation, Parameter, of_category, operations  # noqa: E402

PAGE, SOLID_PAGE = "language.md", "language-3d.md"
PICTURES = "pictures"
SIZE = 144
SOLID_SIZE = 128

SECTIONS: tuple[tuple[str, tuple[Category, ...], str], ...] = (
    ("Shapes", ("shape",), "A shape lies about the origin; sizes are half extents, strokes have full widths."),
    ("Outlines", ("outline",), "Shapes by their points, any number of them (up to {vertices:,}), in order."),
    (
        "Booleans",
        ("boolean",),
        "They take two or more shapes, from left to right. The sharp ones are operators too: `a | b`, `a & b`, `a - b`, "
        "`a ^ b`. The others have a seam of their own: blended by `smooth`, `cubic` or `exponential` (a union or intersection by "
        "which does not depend on the order), `round`, cut by `chamfer`, or with `stairs` or `columns`. The last five take two "
        "shapes: `pipe`, `engrave`, `groove` and `tongue` follow the line where their surfaces cross, `morph` is between them.",
    ),
    ("Modifiers", ("modifier",), "They change a shape's distance: `shape.offset(0.1)`. Grey in the pictures: the shape without."),
    ("Transforms", ("transform",), "They place a shape, or a painted layer with its paint. Grey in the pictures: the shape without."),
    ("Repetition", ("repetition",), "They copy a shape, before it is painted. For copies that differ there is `copies`, above."),
    (
        "Paints",
        ("paint",),
        "What `shape.fill(...)` takes. A shape without a fill is black. A paint has two or more colours; where it lies between "
        "them is a number in [0, 1] at each point. Without colours that number is a value of its own, a texture, and "
        "`mix(#3b2a1a, #8c6a43, fbm(seed = 3))` gives it two. Transforms place paints and textures as they place shapes: "
        "`stripes(#ffffff, #c1121f).rotate(30)`. A painted layer takes its paint along.",
    ),
    ("Layers", ("layer",), "They change a painted layer, after `fill`."),
)

SOLID_SECTIONS: tuple[tuple[str, tuple[Category, ...], str], ...] = (
    ("Solids", ("shape",), "A solid lies about the origin; y points up, x to the right and z to the viewer."),
    (
        "Solids from plane shapes",
        ("extrusion", "loft"),
        "They take any shape of [the plane](language.md), with its booleans and transforms: `star(5, 0.5, 0.2).extrude(0.1)`.",
    ),
    ("Plane shapes from solids", ("section",), "They give a shape of the plane, for the operations above."),
    ("Transforms", ("transform",), "They place a solid."),
    ("Folds", ("repetition",), "They copy or bend a solid by folding the space around it. Copies that differ are [`copies`](language.md) of a `def`."),
    ("Paints", ("paint",), "`paint` takes those of [the plane](language.md#paints) too; its textures fill space."),
    ("Cameras", ("camera",), "A program has one camera, or is seen by `orbit()`."),
    (
        "Lights",
        ("light",),
        "Any number; a program without any has `light()` and `ambient()`. Shadows and occlusion have no derivative: a fit takes "
        "them as they are.",
    ),
)

ONE_SCREEN = """\
// A program is a list of layers, painted in order: later ones over earlier ones.
scene 2d(background = #f4f1ea)              // or background = none; white where it is left out

let r = 0.8                                 // a name for any value
let ink = hsv(355deg, 0.85, 0.7)            // #rgb, #rrggbb, rgb(...), hsv(...), mix(a, b, 0.3)
def leaf(size, tilt = 20deg) = vesica(size, size / 2).move(0, size / 2).rotate(tilt)

circle(r).fill(radial(#ffffff, #e8dccb, radius = r)).opacity(90%)
(leaf(0.4) | leaf(0.4, tilt = -20deg)).fill(#3d7a4f)
(ngon(6, 0.3) - circle(0.15)).move(0, -0.35).fill(ink)
ring(param(0.75, 0.5 .. 0.9), fixed(0.05)).fill(ink)
"""

INTRODUCTION = """\
# The language

<!-- Made by docs/build_language.py from the registry of operations: change that, not this page. -->

A program says what a picture is made of: shapes as signed distances, combined, placed and painted. This page has the
language on one screen, then every operation.

```
{one_screen}```

![the picture of this program]({pictures}/one_screen.png)

- **Coordinates.** y points up; the shorter side of the image spans -1 to 1; the origin is its centre.
- **Numbers** are lengths in these coordinates, angles or plain numbers. Units: `deg`, `rad`, `turn`, `%`. An angle
  without a unit is in degrees, counter-clockwise. Arithmetic: `+ - * /` and brackets, on numbers, angles and points, and
  functions of numbers: {functions}.
- **Time.** `time` is a number of seconds, 0 where the header says nothing else (`scene 2d(time = 2)`):
  `.rotate(time * 90)`, `circle(0.3 + 0.1 * sin(time * 1turn))`. A program that uses it shows one moment, `program.at(2.5)` is
  another; `earthshader render --animate 4` makes a film, the viewer plays it, and in Shadertoy it goes on by itself. A fit leaves
  it alone, but for `scene 2d(time = param(2, 0 .. 4))`.
- **Every number can be refined** by fitting, but for counts (`ngon(6, ...)`) and what stands in `fixed(...)`.
  `param(0.5, 0.1 .. 2)` gives a number its range.
- **Methods are calls**: `circle(0.5).move(0.1, 0)` is `move(circle(0.5), 0.1, 0)`. Arguments go by place, then by name.
- **`let`** names any value. **`def`** makes a function; it may use what stands above it and does not call itself.
- **`copies(petal, 7)`** is the union of `petal(0)`, `petal(1)` ... `petal(6)`, of a `def petal(k) = ...`: copies whose places, sizes and
  kinds may all depend on their number (in space their colours too), {copies} at most. What [repeats](#repetition) is one shape instead, and as cheap as one.
- **Booleans**: `a | b` union, `a & b` intersection, `a - b` difference, `a ^ b` either but not both. `&` binds tighter
  than `^`, that than `|`; `-` tightest. The formatter writes brackets wherever they mix.
- **Statements** end with the line (or `;`). A line goes on inside brackets, and before a `.` that starts a line.
- **Comments**: `// to the end of the line` and `/* anywhere */`; the formatter keeps them.
- **Limits**: {source:,} bytes, {nodes:,} names and numbers, {layers:,} layers, {parameters:,} parameters, nesting {nesting}.

What is wrong is said in words, with its place:

```
{error}
```

## What the entries say

A parameter's range is the sensible one, in which random programs are drawn and sliders move; limits in the last column
are enforced. An operation's distance is *exact*, or a *bound*: the number given is the greatest slope of the field (its
Lipschitz constant), 1 for a true distance. Coverage divides by the slope, so that edges are sharp either way.
"""


SOLID_SCREEN = """\
scene 3d(background = #cfd8e3, tone = filmic)   // also exposure = 1.2, fog = 0.1, time = 2; tone none, reinhard or filmic
orbit(25, 25, distance = 4.5, target = (0, -0.1, 0), fov = 35)
light((-0.5, 0.9, 0.4), shadow = 0.08)
ambient(0.3, occlusion = 0.7)

let block = box(0.35, 0.35, 0.35).round(0.05)
let hole = cylinder(0.2, 1)
union(block - hole, sphere(0.22).move(0.3, 0.35, 0.3), smooth = 0.15).paint(#c8553d, roughness = 0.4)
star(5, 0.35, 0.17).extrude(0.06).rotate(20).move(-0.8, -0.1, 0.3).paint(#e9b44c, metallic = 1, roughness = 0.3)
box(0.08, 0.2).revolve(0.25).move(0.85, -0.3, 0.2).paint(#3d7a9c)
plane(-0.5).paint(#d8d0c0)
"""

RELIEF_SCREEN = """\
scene 3d(background = #e8ecf0, tone = filmic)
orbit(12, 25, distance = 4.6, target = (0, -0.1, 0), fov = 32)
light((-0.5, 0.9, 0.4), shadow = 0.08)
ambient(0.3, occlusion = 0.6)

// A bump turns the normal that light sees; triplanar lays a picture on from three sides; displace moves the surface.
sphere(0.38).move(-0.82, -0.12, 0).paint(#c8553d, roughness = 0.4, bump = perlin(scale = 0.12), depth = 0.02)
box(0.33, 0.33, 0.33).round(0.04).rotate(30).move(0, -0.15, 0).paint(triplanar(wood(#d9a066, #8a5a2b, scale = 0.12)))
sphere(0.33).displace(fbm(scale = 0.5, octaves = 3), 0.16).move(0.82, -0.1, 0).paint(#8d99ae)
plane(-0.5).paint(#d8d0c0)
"""

SOLID_INTRODUCTION = """\
# The language in space

<!-- Made by docs/build_language.py from the registry of operations: change that, not this page. -->

A program that begins with `scene 3d` draws solids. All else is [the language of the plane](language.md): names, functions,
numbers, arithmetic, booleans and modifiers.

```
{screen}```

![the picture of this program]({pictures}/solid_screen.png)

- **Coordinates.** x points right, y up and z to the viewer. Points are `(x, y, z)`.
- **A statement** is a solid, a camera or a light. All solids together are one field, so that what touches joins without a seam.
- **`paint(colour, metallic = 0, roughness = 0.6, emission = 0)`** gives a solid its material; what is painted already keeps its
  own, so that parts of a boolean can differ. Smooth booleans blend materials too. What is cut away by `-` lays bare the
  first solid's material, unless the second is painted.
- **Booleans and modifiers** are those of the plane: `a | b`, `a & b`, `a - b`, `a ^ b`, `union(a, b, smooth = 0.1)`,
  `.round(0.05)`, `.offset(0.1)`, `.onion(0.05)`.
- **Antialiasing** is part of the picture's definition, as in the plane: outlines, creases and borders of materials are
  blended by how much of a pixel each side covers, and this has exact derivatives ([how it works](how-it-works.md)). What a texture has
  that is finer than a pixel fades to its mean light, the way that the surface is seen aslant too; a shadow's edge is as wide as a pixel.
- **Light** is linear, colours are sRGB; the picture is encoded at the end.

## Textures on surfaces

Any paint of [the plane](language.md#paints) paints solids, and what has parameters is, without its colours, a texture: a number
from 0 to 1 at each point.

```
{relief}```

![the picture of this program]({pictures}/relief_screen.png)

- **`.paint(colour, bump = texture, depth = 0.02)`** turns the normal that light sees as if the texture were a height of this depth;
  less than 0 makes dents of it. Outlines and shadows stay as they are. Patterns with hard edges have slopes there as wide as the
  depth.
- **`triplanar(texture, sharpness = 4)`** lays a texture or paint on from three sides, along x, y and z, as it is in the plane, and
  blends them by how much the surface faces each: `.paint(triplanar(brick(#a44, #ddd)))`.
- **`solid.displace(texture, amount)`** moves the surface outwards by the texture times the amount (inwards where it is less than 0),
  which is at most 0.9. It takes textures that have no jumps. The distance becomes a bound, as far below the distance as the texture
  is steep: large amounts of fine textures take long to draw. What is rounded is rounded before.

Numbers of textures have exact derivatives in each of these.

"""


def contents() -> dict[str, bytes]:
    """Every file of the pages by its path below this folder."""
    files = {f"{PICTURES}/{o.identifier}.png": picture(o.example) for o in operations().values()}
    files[f"{PICTURES}/one_screen.png"] = picture(ONE_SCREEN)
    files[PAGE] = page().encode()
    for _, categories, _ in SOLID_SECTIONS:
        for operation in _solid(categories):
            files[f"{PICTURES}/{operation.identifier}.png"] = picture(f"{SOLID_SCENE}\n{operation.example}", SOLID_SIZE)
    files[f"{PICTURES}/solid_screen.png"] = picture(SOLID_SCREEN, 3 * SOLID_SIZE)
    files[f"{PICTURES}/relief_screen.png"] = picture(RELIEF_SCREEN, 3 * SOLID_SIZE, "taichi")
    files[SOLID_PAGE] = solid_page().encode()
    return files


SOLID_SCENE = "scene 3d(background = #eef1f5)"


def _solid(categories: Sequence[Category]) -> list[Operation]:
    """The entries of a section that are at home in space alone."""
    return [o for o in of_category(*categories, dimension=3) if o.dimension == 3]


def solid_page() -> str:
    parts = [SOLID_INTRODUCTION.format(screen=SOLID_SCREEN, relief=RELIEF_SCREEN, pictures=PICTURES)]
    links = []
    for title, categories, _ in SOLID_SECTIONS:
        names = ", ".join(f"[{o.name}](#{_anchor(o.name)})" for o in _solid(categories))
        links.append(f"- **{title}**: {names}")
    parts.append("\n".join(links) + "\n")
    for title, categories, text in SOLID_SECTIONS:
        parts.append(f"## {title}\n\n{text}\n")
        parts += [_entry(operation) for operation in _solid(categories)]
    return "\n".join(parts)


def page() -> str:
    error = ""
    try:
        parse("circle(0.5).fill(#c8553d)\ncirle(0.2).move(0.3, 0)")
    except DslError as problem:
        error = str(problem)
    parts = [
        INTRODUCTION.format(
            one_screen=ONE_SCREEN, pictures=PICTURES, error=error, functions=", ".join(map(_function, FUNCTIONS)), source=bounds.MAX_SOURCE, nodes=bounds.MAX_NODES,
            layers=bounds.MAX_LAYERS, parameters=bounds.MAX_PARAMETERS, nesting=bounds.MAX_NESTING,
            copies=int(BUILTINS["copies"][0].high),
        )
    ]  # fmt: skip
    links = []
    for title, categories, _ in SECTIONS:
        names = ", ".join(f"[{o.name}](#{_anchor(o.name)})" for o in of_category(*categories))
        links.append(f"- **{title}**: {names}")
    parts.append("\n".join(links) + "\n")
    for title, categories, text in SECTIONS:
        parts.append(f"## {title}\n\n{text.format(vertices=bounds.MAX_VERTICES)}\n")
        parts += [_entry(operation) for operation in of_category(*categories)]
    return "\n".join(parts)


def _function(name: str) -> str:
    """`sin(angle)` (the sine of an angle)."""
    function = FUNCTIONS[name]
    return f"`{signature(name, function.parameters)}` ({function.summary})"


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def link(operation: Operation) -> str:
    """Markdown that leads from another page of this folder to an operation's entry."""
    page = SOLID_PAGE if operation.dimension == 3 else PAGE
    return f"[{operation.name}]({page}#{_anchor(operation.name)})"


def _entry(operation: Operation) -> str:
    lines = [
        f"### {operation.name}", "", f"<img src=\"{PICTURES}/{operation.identifier}.png\" width=\"{SIZE}\" align=\"right\" "
        f"alt=\"{operation.name}\">", "", f"`{operation_signature(operation)}`", "", operation.summary,
    ]  # fmt: skip
    if operation.notes:
        lines += ["", operation.notes]
    if operation.category in ("shape", "outline", "boolean", "modifier", "transform", "repetition"):
        kind = "Exact" if operation.exact else "A bound"
        lines += ["", f"{kind}; slope at most {operation.lipschitz:.4g}."]
    if operation.parameters:
        lines += ["", "| parameter | kind | range | default | limits | |", "| --- | --- | --- | --- | --- | --- |"]
        lines += [_row(parameter) for parameter in operation.parameters]
    return "\n".join([*lines, "", "```", operation.example, "```", "", '<br clear="right">', ""])


def _row(parameter: Parameter) -> str:
    unit = "°" if parameter.kind == "angle" else ""
    default = parameter.default
    shown = "" if default is None else (
        f"({', '.join(f'{value:g}' for value in default)})" if isinstance(default, tuple)
        else default if isinstance(default, str) else f"{default:g}{unit}"
    )  # fmt: skip
    if parameter.kind == "choice":
        suits = " or ".join(parameter.choices)
    else:
        suits = f"{parameter.low:g}{unit} to {parameter.high:g}{unit}"
    low, high = parameter.minimum, parameter.maximum
    limits = "" if low is None and high is None else (
        f"at least {low:g}{unit}" if high is None else f"{low:g}{unit} to {high:g}{unit}"
    )  # fmt: skip
    return f"| `{parameter.name}` | {parameter.kind} | {suits} | {shown} | {limits} | {parameter.summary} |"


@cache
def picture(text: str, size: int = SIZE, backend: str = "numpy") -> bytes:
    """The PNG of a program, drawn by the reference, or where that takes too long by another."""
    return png_bytes(image(parse(text), size, backend=backend))


def outdated(files: Mapping[str, bytes]) -> list[str]:
    """The paths that are missing, differ or have no more use. Pictures may differ by rounding."""
    found = [path for path, content in files.items() if not _same(FOLDER / path, content)]
    # The README's pictures are docs/build_overview.py's.
    known = {FOLDER / path for path in files} | {FOLDER / PICTURES / f"{name}.png" for name in ("apple", "gallery", "overview", "still_life")}
    return found + [f"{PICTURES}/{old.name}" for old in sorted((FOLDER / PICTURES).glob("*.png")) if old not in known]


def _same(path: Path, content: bytes) -> bool:
    if not path.is_file():
        return False
    there = path.read_bytes()
    if there == content or path.suffix != ".png":
        return there == content
    first, second = (np.asarray(Image.open(BytesIO(data)).convert("RGB"), np.int32) for data in (there, content))
    return first.shape == second.shape and bool(np.abs(first - second).max() <= 2)


def main() -> int:
    parser = argparse.ArgumentParser(description="Builds docs/language.md and docs/language-3d.md from the registry of operations.")
    parser.add_argument("--check", action="store_true", help="only say what is out of date")
    check = parser.parse_args().check
    files = contents()
    stale = outdated(files)
    if check:
        for path in stale:
            print(f"docs/{path} is out of date: run python docs/build_language.py")
        return 1 if stale else 0
    write_all({FOLDER / path: files[path] for path in stale if path in files})
    for path in stale:
        if path not in files:
            (FOLDER / path).unlink()
        print(f"docs/{path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
