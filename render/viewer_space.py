"""What the viewer's page must know of a program in space: which of its numbers move the camera, and how they are grouped."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from render.orbits import orbited
from shaderdsl import binding, syntax
from shaderdsl.parser import parse_tree
from shaderdsl.program import Program, parse
from shaderdsl.registry import Parameter, functions

SECTIONS = ("Camera", "Lights", "Materials", "Solids", "Scene")
"""What the numbers of a program in space are grouped by, in the order of the page."""

_MOVED = {
    "orbit": ("azimuth", "elevation", "distance", "target"),
    "camera": ("eye", "target"),
    "orthographic": ("eye", "target", "height"),
}
"""The parameters of each camera that a mouse moves."""

_COLOURS = ("rgb", "hsv", "mix")
_LITERALS = (syntax.Number, syntax.Ranged)


def steerable(program: Program) -> Program:
    """The same view by a camera whose place stands in the text in plain numbers, so that it can be written there.

    A camera by names or arithmetic, or none at all, becomes an `orbit` (as by `render.orbited`: a roll is lost); a
    camera that leaves out some of these numbers gets them, at their defaults.
    """
    call = _camera(program.text)
    if call is None or not all(_plain(argument) for argument in call.arguments):
        return steerable(orbited(program))
    missing = [p for p, argument in _arguments(call) if argument is None and p.name in _MOVED[call.name]]
    if not missing:
        return program
    given = [f"{p.name} = {_text(p.default)}" for p in missing]
    if call.arguments:
        given.insert(0, "")
    before, after = program.text[: call.end - 1], program.text[call.end - 1 :]
    return parse(before + ", ".join(given) + after)


def camera_numbers(program: Program) -> dict[str, Any]:
    """{"kind": the camera's function, "numbers": by scalar name} of a program that is `steerable`.

    A number is {"parameter": its index, "factor": what makes degrees and scene units of it}, or, where the text leaves
    it out, {"parameter": -1, "value": the default}.
    """
    call = _camera(program.text)
    assert call is not None
    numbers: dict[str, dict[str, float]] = {}
    for parameter, argument in _arguments(call):
        if argument is None:
            default = parameter.default if isinstance(parameter.default, tuple) else (parameter.default,)
            numbers |= {name: {"parameter": -1, "value": v} for name, v in zip(parameter.scalars, default)}  # type: ignore[dict-item]
            continue
        for name, literal in zip(parameter.scalars, _numbers(argument)):
            factor = 0.01 if literal.unit == "%" else 1.0
            if parameter.kind == "angle":
                factor = syntax.DEGREE_UNITS.get(literal.unit, factor)
            numbers[name] = {"parameter": program.structure.checked.index[literal.slot], "factor": factor}
    return {"kind": call.name, "numbers": numbers}


def sections(text: str) -> dict[int, int]:
    """The number in SECTIONS of each literal of a program in space, by where it starts in `text`."""
    found: dict[int, int] = {}
    for statement in parse_tree(text).module.statements:
        kind = "Scene" if isinstance(statement, syntax.Scene) else _kind(_value(statement))
        found |= {start: SECTIONS.index(name) for start, name in _grouped(statement, kind)}
    return found


def _value(statement: syntax.Statement) -> Any:
    return statement.body if isinstance(statement, syntax.Def) else getattr(statement, "value", None)


def _kind(value: Any) -> str:
    """The section of a statement's own numbers."""
    categories = {o.category for o in functions(3).get(value.name, ())} if isinstance(value, syntax.Call) else set()
    return "Camera" if "camera" in categories else "Lights" if "light" in categories else "Solids"


def _grouped(node: syntax.Node, section: str) -> Iterator[tuple[int, str]]:
    """The literals below `node` with their sections: in a solid's statement colours and paints are materials."""
    if isinstance(node, (syntax.Number, syntax.Colour)):
        yield node.start, "Materials" if section == "Solids" and isinstance(node, syntax.Colour) else section
        return
    below = section
    if isinstance(node, syntax.Call) and section == "Solids":
        paints = any(o.category == "paint" for o in functions(3).get(node.name, ()))
        below = "Materials" if paints or node.name in _COLOURS or node.name == "paint" else section
    for number, child in enumerate(syntax.children(node)):
        is_solid = isinstance(node, syntax.Call) and node.name == "paint" and number == 0
        yield from _grouped(child, section if is_solid else below)


def _camera(text: str) -> syntax.Call | None:
    """The camera that a statement of its own places."""
    for statement in parse_tree(text).module.statements:
        if isinstance(statement, syntax.Draw) and isinstance(statement.value, syntax.Call):
            if statement.value.name in _MOVED:
                return statement.value
    return None


def _arguments(call: syntax.Call) -> list[tuple[Parameter, syntax.Argument | None]]:
    """A camera's parameters, each with its argument."""
    layout = binding.registered_layout(call.name, *binding.split(call.arguments), 3)
    assert layout is not None
    return [(p, None if k is None else binding.argument_value(call.arguments[k])) for p, k in layout.sources]


def _plain(argument: syntax.Argument) -> bool:
    """Whether an argument is a number or a point without names and arithmetic."""
    value = binding.argument_value(argument)
    value = value.value if isinstance(value, syntax.Fixed) else value
    parts = (value.x, value.y, value.z) if isinstance(value, syntax.Triple) else (value,)
    return all(isinstance(part.value if isinstance(part, syntax.Fixed) else part, _LITERALS) for part in parts)


def _numbers(node: syntax.Node) -> list[syntax.Number]:
    """The numbers of a plain argument; the bounds of a `param` are none."""
    if isinstance(node, syntax.Ranged):
        return [node.number]
    if isinstance(node, syntax.Number):
        return [node]
    return [number for child in syntax.children(node) for number in _numbers(child)]


def _text(value: object) -> str:
    return f"({', '.join(f'{v:g}' for v in value)})" if isinstance(value, tuple) else f"{value:g}"
