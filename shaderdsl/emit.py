"""Graphs as source text: one printer, three dialects (NumPy float64, Taichi float32, GLSL).

A dialect is a table of templates, one for each operator of `shaderdsl.expression.EVALUATORS`; a test holds that
none is missing and that all of them agree. Statements come out in evaluation order. A node used once is printed
inside its user's expression (that is what makes GLSL readable and costs the compilers nothing); a node used
more often gets a variable.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shaderdsl.expression import Expr, Graph


def shortest(value: float) -> str:
    """The shortest decimal text that reads back as the same float32 (as a float64 when it is no float32)."""
    single = np.float32(value)
    text = repr(value) if float(single) != value else np.format_float_positional(single, unique=True, trim="-")
    if "e" in text or len(text) > 16:
        text = repr(float(value)) if float(single) != value else np.format_float_scientific(single, unique=True, trim="-")
    return text


def _python_number(value: float) -> str:
    if math.isinf(value):
        return "1e30" if value > 0 else "-1e30"
    return repr(float(value))


def _glsl_number(value: float) -> str:
    if math.isinf(value) or abs(value) > 1e30:
        return "1e30" if value > 0 else "-1e30"
    text = np.format_float_positional(np.float32(value), unique=True, trim="0") if 1e-4 <= abs(value) < 1e7 or value == 0 else (
        np.format_float_scientific(np.float32(value), unique=True, trim="0")
    )
    return text


@dataclass(frozen=True)
class Dialect:
    """How one language writes the operators: templates with {0}, {1}, {2} for arguments in parentheses where needed."""

    name: str
    number: Callable[[float], str]
    templates: Mapping[str, str]
    declare: str
    inline: bool


# (template, precedence of the result); arguments of lower precedence are put in parentheses.
_PRECEDENCE = {"add": 1, "sub": 1, "mul": 2, "div": 2, "neg": 3}
_ATOM = 9

NUMPY = Dialect(
    "numpy",
    _python_number,
    {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
        "min": "np.minimum({0}, {1})", "max": "np.maximum({0}, {1})", "abs": "np.abs({0})",
        "sqrt": "np.sqrt(np.maximum({0}, 0.0))", "hypot": "np.hypot({0}, {1})",
        "sin": "np.sin({0})", "cos": "np.cos({0})", "tan": "np.tan({0})", "atan2": "np.arctan2({0}, {1})",
        "exp": "np.exp({0})", "log": "np.log({0})", "tanh": "np.tanh({0})", "floor": "np.floor({0})",
        "less": "np.less({0}, {1}) * 1.0", "select": "np.where(np.greater({0}, 0.5), {1}, {2})", "detach": "({0})",
    },
    "{name} = {value}",
    inline=True,
)  # fmt: skip

TAICHI = Dialect(
    "taichi",
    _python_number,
    {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
        "min": "ti.min({0}, {1})", "max": "ti.max({0}, {1})", "abs": "ti.abs({0})",
        "sqrt": "ti.sqrt(ti.max({0}, 0.0))", "hypot": "hypotenuse({0}, {1})",
        "sin": "ti.sin({0})", "cos": "ti.cos({0})", "tan": "ti.tan({0})", "atan2": "ti.atan2({0}, {1})",
        "exp": "ti.exp({0})", "log": "ti.log({0})", "tanh": "ti.tanh({0})", "floor": "ti.floor({0})",
        "less": "ti.select({0} < {1}, 1.0, 0.0)", "select": "ti.select({0} > 0.5, {1}, {2})", "detach": "({0})",
    },
    "{name} = {value}",
    inline=True,
)  # fmt: skip

GLSL = Dialect(
    "glsl",
    _glsl_number,
    {
        "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
        "min": "min({0}, {1})", "max": "max({0}, {1})", "abs": "abs({0})",
        "sqrt": "sqrt(max({0}, 0.0))", "hypot": "length(vec2({0}, {1}))",
        "sin": "sin({0})", "cos": "cos({0})", "tan": "tan({0})", "atan2": "atan({0}, {1})",
        "exp": "exp({0})", "log": "log({0})", "tanh": "tanh({0})", "floor": "floor({0})",
        "less": "({0} < {1} ? 1.0 : 0.0)", "select": "({0} > 0.5 ? {1} : {2})", "detach": "({0})",
    },
    "float {name} = {value};",
    inline=True,
)  # fmt: skip


def print_graph(
    graph: Graph,
    outputs: Sequence[Expr],
    inputs: Mapping[object, str],
    dialect: Dialect,
    prefix: str = "t",
) -> tuple[list[str], list[str]]:
    """Statements that compute `outputs`, and the text of each output after them.

    `inputs` gives the text for each input's name; variables are called `prefix` and a number.
    """
    order = graph.needed(e.index for e in outputs)
    uses: dict[int, int] = {}
    for index in order:
        node = graph.nodes[index]
        if node[0] not in ("const", "input"):
            for argument in node[1:]:
                uses[argument] = uses.get(argument, 0) + 1  # type: ignore[index, arg-type]
    for output in outputs:
        uses[output.index] = uses.get(output.index, 0) + 1
    statements: list[str] = []
    text: dict[int, tuple[str, int]] = {}
    for index in order:
        operator, *arguments = graph.nodes[index]
        if operator == "const":
            number = dialect.number(arguments[0])  # type: ignore[arg-type]
            text[index] = (number, _ATOM if not number.startswith("-") else 0)
            continue
        if operator == "input":
            text[index] = (inputs[arguments[0]], _ATOM)
            continue
        precedence = _PRECEDENCE.get(operator, _ATOM)  # type: ignore[arg-type]
        parts = []
        for position, argument in enumerate(arguments):
            part, own = text[argument]  # type: ignore[index]
            strict = operator in ("sub", "div") and position == 1 or operator == "neg"
            if precedence != _ATOM and (own < precedence or (strict and own == precedence) or own == 0):
                part = f"({part})"
            elif operator in ("less", "select") and own < _ATOM:
                part = f"({part})"
            parts.append(part)
        value = dialect.templates[operator].format(*parts)  # type: ignore[index]
        if operator == "hypot" and dialect.name == "glsl":
            value = _glsl_length(parts)
        if uses[index] > 1 or len(value) > 160:
            name = f"{prefix}{len(statements)}"
            statements.append(dialect.declare.format(name=name, value=value))
            text[index] = (name, _ATOM)
        else:
            text[index] = (value, precedence)
    return statements, [text[e.index][0] for e in outputs]


def _glsl_length(parts: list[str]) -> str:
    if parts[0].endswith(".x") and parts[1] == parts[0][:-1] + "y":
        return f"length({parts[0][:-2]})"
    return f"length(vec2({parts[0]}, {parts[1]}))"
