"""EarthShader's language: programs that draw, as text and as values.

>>> import shaderdsl
>>> program = shaderdsl.parse("circle(0.5).fill(#c8553d)")
>>> program.params.tolist()[:1]
[0.5]
>>> print(program.with_params([0.7, 0, 0, 0]))
circle(0.7).fill(#000000)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from earthshader_packages import check_siblings
from shaderdsl.errors import DslError

check_siblings(__file__)

if TYPE_CHECKING:
    from shaderdsl.formatter import format_text
    from shaderdsl.parameters import ParameterInfo
    from shaderdsl.program import Program, Structure, number_count, parse

__all__ = [
    "DslError",
    "ParameterInfo",
    "Program",
    "Structure",
    "check",
    "format",
    "format_text",
    "number_count",
    "parse",
    "to_glsl",
]

_HOMES = {
    "ParameterInfo": "parameters",
    "Program": "program",
    "Structure": "program",
    "format_text": "formatter",
    "number_count": "program",
    "parse": "program",
}


def __getattr__(name: str) -> Any:
    """What is heavier than a name is imported when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'shaderdsl' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"shaderdsl.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def format(program: Program | str | bytes) -> str:
    """The canonical text of a program, or of a text with its comments kept (it then ends with a newline).

    `parse(format(program)) == program`. Raises DslError if a text is no valid program.
    """
    from shaderdsl import formatter

    if isinstance(program, (str, bytes)):
        return formatter.format_text(program)
    return formatter.format_program(program)


def check(text: str | bytes) -> DslError | None:
    """What is wrong with a text, or None if it is a valid program."""
    from shaderdsl.program import parse

    try:
        parse(text)
    except DslError as error:
        return error
    return None


def to_glsl(
    program: Program, target: Literal["330", "es300", "shadertoy"] = "330", live: bool = False, *, antialias: bool = True
) -> str:
    """The GLSL that draws `program`; `target` is "330", "es300" (WebGL2) or "shadertoy".

    With `live` its parameters are uniforms, else constants. A program in space can be drawn without antialiasing, by a
    shader that is much shorter and quicker.
    """
    from shaderdsl import glsl

    return glsl.to_glsl(program, target=target, live=live, antialias=antialias)
