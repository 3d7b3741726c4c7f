"""The viewer: a program as one HTML page that draws it live in WebGL2, with a slider for each of its numbers.

The page needs no network and no server. It holds the program's text, its live shader and, where there is one, the
target; the assets under `render/viewer_page/` do the rest. A program in space is turned by the mouse, which writes the
numbers of its camera; one with a time can be played.
"""

from __future__ import annotations

import base64
import html
import io
import json
import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from render import viewer_space
from shaderdsl import syntax
from shaderdsl.glsl import to_glsl
from shaderdsl.parameters import ParameterInfo
from shaderdsl.parser import parse_tree
from shaderdsl.program import Program
from shaderdsl.registry import Dimension, functions
from shaderdsl.solid_glsl import cost

LARGEST_TARGET = 1024
"""Pixels of a target's longer side in the page; a larger one is boxed down, so that the page stays light."""

_SCRIPTS = ("numbers.js", "drawing.js", "stage.js", "controls.js", "clock.js")
_SPACE_SCRIPTS = ("camera.js", "pieces.js", "orbiting.js", "turntable.js")


def page(
    program: Program,
    target: npt.ArrayLike | None = None,
    *,
    title: str = "EarthShader",
    notes: Sequence[str] = (),
) -> str:
    """One self-contained HTML text that shows `program` live, beside `target` if there is one.

    `target` is the picture that the program stands for: (h, w, 3) or (h, w, 4), values in [0, 1], alpha not
    multiplied in, row 0 at the top; the program is shown at its aspect, else as a square. `title` heads the page,
    `notes` are short remarks under it (such as how long a fit took). The text of a program in space has a camera of
    plain numbers, see `viewer_space.steerable`.

    Raises ValueError for a target of another shape, without pixels, or with numbers that are not finite.
    """
    in_space = program.dimension == 3
    if in_space:
        program = viewer_space.steerable(program)
    data = {
        "title": title,
        "notes": list(notes),
        "shader": to_glsl(program, target="es300", live=True),
        "transparent": program.scene.background is None,
        "target": None if target is None else _target(np.asarray(target)),
        "space": _space(program) if in_space else None,
        "time": _clock(program),
        **_described(program),
    }
    folder = resources.files("render") / "viewer_page"

    def asset(name: str) -> str:
        return (folder / name).read_text(encoding="utf-8")

    scripts = (*_SCRIPTS, *(_SPACE_SCRIPTS if in_space else ()), "viewer.js")
    parts = {
        "title": html.escape(title),
        "style": asset("viewer.css"),
        "script": '"use strict";\n(() => {\n' + "\n".join(map(asset, scripts)) + "})();",
        # In a script element only "<" can end the data, or begin a comment.
        "data": json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"),
    }
    # One pass: what is filled in is never searched for further marks.
    return re.sub(r"\{\{(title|style|script|data)\}\}", lambda match: parts[match[1]], asset("page.html"))


def _space(program: Program) -> dict[str, Any]:
    """What only a program in space has: its camera, and the shader that takes one sample a pixel, with what both cost."""
    quick = to_glsl(program, target="es300", live=True, antialias=False)
    full = to_glsl(program, target="es300", live=True)
    return {"camera": viewer_space.camera_numbers(program), "quick": quick, "costs": {"full": cost(full), "quick": cost(quick)}}


def _clock(program: Program) -> dict[str, Any] | None:
    """The parameter that is the time, and the seconds that a page plays."""
    index = program.structure.checked.time
    if index is None:
        return None
    info = program.parameters[index]
    return {"parameter": index, "low": info.low, "high": info.high}


def _described(program: Program) -> dict[str, Any]:
    """The text, where its statements and literals stand in it (offsets), and the parameters, in short lists."""
    text = program.text
    values = program.params.astype(np.float32).tolist()
    limits = [[float(v) for v in bounds] for bounds in (program.structure.low, program.structure.high)]
    lines = np.cumsum([0, *(len(line) + 1 for line in text.split("\n"))]).tolist()
    spans: dict[int, tuple[int, int, str]] = {}  # end, first parameter and label of each literal, by its start
    parameters: list[dict[str, Any]] = []
    for index, info in enumerate(program.parameters):
        start = lines[info.line - 1] + info.column - 1
        spans.setdefault(start, (lines[info.line - 1] + info.end_column - 1, index, _label(info)))
        parameters.append(
            {
                "name": info.name, "unit": info.unit, "kind": info.kind,
                "low": info.low, "high": info.high,
                "minimum": max(limits[0][index], 0.0) if info.kind == "colour" else limits[0][index],
                "maximum": min(limits[1][index], 1.0) if info.kind == "colour" else limits[1][index],
                "trainable": info.trainable, "value": values[index],
            }
        )  # fmt: skip
    module = parse_tree(text).module
    sections = viewer_space.sections(text) if program.dimension == 3 else {}
    counts = [
        (number.start, number.end, -1, label)
        for statement in module.statements
        for number, label in _decided(statement, "", program.structure.checked.index, 3 if program.dimension == 3 else 2)
    ]
    literals = [
        {"start": start, "end": end, "parameter": parameter, "label": label, "section": sections.get(start, 0)}
        for start, end, parameter, label in [*((s, *of) for s, of in spans.items()), *counts]
    ]
    return {
        "sections": viewer_space.SECTIONS if sections else [""],
        "text": text,
        # A statement begins its line: the tree's own start leaves out `let` and `def`.
        "statements": [[text.rfind("\n", 0, s.start) + 1, s.end] for s in module.statements],
        "literals": sorted(literals, key=lambda literal: int(literal["start"])),
        "parameters": parameters,
    }


def _label(info: ParameterInfo) -> str:
    """What a number, or a colour by its first component, is called beside the statement that it belongs to."""
    name = info.name.removesuffix(".r") if info.kind == "colour" else info.name
    return name.removeprefix(info.group + ".").removeprefix("paint.")


def _decided(node: Any, owner: str, index: Sequence[int], dimension: Dimension) -> Iterator[tuple[syntax.Number, str]]:
    """The counts below `node`, each with its name; the bounds of a `param` are no counts."""
    if isinstance(node, syntax.Number):
        if index[node.slot] < 0:
            yield node, owner
    elif isinstance(node, syntax.Ranged):
        yield from _decided(node.number, owner, index, dimension)
    elif isinstance(node, syntax.Call):
        names = [p.name for o in functions(dimension).get(node.name, ())[:1] for p in o.parameters if p.kind == "count"]
        for child in node.arguments:
            if isinstance(child, syntax.Named):
                names = [name for name in names if name != child.name]
                yield from _decided(child.value, f"{node.name}.{child.name}", index, dimension)
            elif isinstance(child, syntax.Number) and index[child.slot] < 0:
                yield child, f"{node.name}.{names.pop(0)}" if names else node.name
            else:
                yield from _decided(child, node.name, index, dimension)
    else:
        own = node.name if isinstance(node, (syntax.Let, syntax.Def)) else owner
        for below in syntax.children(node):
            yield from _decided(below, own, index, dimension)


def _target(target: npt.NDArray[Any]) -> dict[str, Any]:
    """The target as a PNG in a data address, with its size in pixels."""
    from PIL import Image

    if target.ndim != 3 or target.shape[2] not in (3, 4) or target.size == 0:
        raise ValueError(f"A target has the shape (height, width, 3 or 4), not {target.shape}.")
    if not np.isfinite(target).all():
        raise ValueError("The target has numbers that are not finite: give values from 0 to 1.")
    height, width = target.shape[:2]
    pixels = np.rint(np.clip(target, 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = Image.fromarray(np.ascontiguousarray(pixels))
    scale = LARGEST_TARGET / max(width, height)
    if scale < 1.0:
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = picture.resize(size, Image.Resampling.BOX)
    encoded = io.BytesIO()
    picture.save(encoded, "PNG")
    return {
        "width": width,
        "height": height,
        "transparent": bool(target.shape[2] == 4 and (pixels[..., 3] < 255).any()),
        "source": "data:image/png;base64," + base64.b64encode(encoded.getvalue()).decode("ascii"),
    }
