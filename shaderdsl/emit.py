"""Graphs as source text: one printer, three dialects (NumPy float64, Taichi float32, GLSL).

A dialect is a table of templates, one for each operator of `shaderdsl.expression.EVALUATORS`; a test holds that
none is missing and that all of them agree. Statements come out in evaluation order. A node used once is printed
inside its user's expression (that is what makes GLSL readable and costs the compilers nothing); a node used
more often gets a variable. A loop (`Fold`) is a statement: those over one body with the same arguments, such as a sum
and its derivatives, are printed as one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shaderdsl.expression import HASH_FACTORS, HASH_MIXERS, Expr, Fold, Graph


def shortest(value: float) -> str:
    """The shortest decimal text that reads back as the float32 nearest to `value`, such as 0.1, -30 or 2.5e-6."""
    single = np.float32(value)
    mantissa, _, exponent = str(single).partition("e")
    mantissa = mantissa.removesuffix(".0")
    text = f"{mantissa}e{int(exponent)}" if exponent else mantissa
    # A decimal on the border of two float32 may round the wrong way when it is read by way of a float64.
    return text if np.float32(float(text)) == single else repr(float(single))


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
    increase: str
    loop: tuple[str, ...]
    """The lines that begin a loop with the number {index} below {count}."""
    closer: tuple[str, ...]
    """The lines of a loop that keep the {index} of the least {value}: {best} is the least so far, {result} its index."""
    end: str = ""


# (template, precedence of the result); arguments of lower precedence are put in parentheses.
_PRECEDENCE = {"add": 1, "sub": 1, "mul": 2, "div": 2, "neg": 3}
ATOM = 9

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
        "hash": "hashed({0}, {1}, {2}, {3})",
    },
    "{name} = {value}",
    "{name} = {name} + ({value})",
    loop=("for {index} in range(int({count})):",),
    closer=("{result} = np.where({value} < {best}, {index}, {result})", "{best} = np.minimum({value}, {best})"),
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
        "hash": "hashed({0}, {1}, {2}, {3})",
    },
    "{name} = {value}",
    "{name} += {value}",
    loop=("for {index}_turn in range(ti.cast({count}, ti.i32)):", "    {index} = ti.cast({index}_turn, ti.f32)"),
    closer=("if {value} < {best}:", "    {best} = {value}", "    {result} = {index}"),
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
        "hash": "hash({0}, {1}, {2}, {3})",
    },
    "float {name} = {value};",
    "{name} += {value};",
    loop=("for (float {index} = 0.0; {index} < {count}; {index}++) {{",),
    closer=("if ({value} < {best}) {{", "    {best} = {value};", "    {result} = {index};", "}}"),
    end="}",
)  # fmt: skip

_X, _Y, _Z, _SEED = HASH_FACTORS
_FIRST, _SECOND = HASH_MIXERS

NUMPY_HASH = f"""
def hashed(x, y, z, seed):
    x, y, z, seed = (np.asarray(v).astype(np.int64).astype(np.uint64) & 0xFFFFFFFF for v in (x, y, z, seed))
    bits = ((x * {_X} & 0xFFFFFFFF) + (y * {_Y} & 0xFFFFFFFF) + (z * {_Z} & 0xFFFFFFFF) + (seed * {_SEED} & 0xFFFFFFFF)) & 0xFFFFFFFF
    bits = (bits ^ bits >> 16) * {_FIRST} & 0xFFFFFFFF
    bits = (bits ^ bits >> 15) * {_SECOND} & 0xFFFFFFFF
    return ((bits ^ bits >> 16) >> 8) / 16777216.0
"""
TAICHI_HASH = f"""
@ti.func
def hashed(x, y, z, seed):
    bits = ti.cast(ti.cast(x, ti.i32), ti.u32) * ti.u32({_X}) + ti.cast(ti.cast(y, ti.i32), ti.u32) * ti.u32({_Y})
    bits += ti.cast(ti.cast(z, ti.i32), ti.u32) * ti.u32({_Z}) + ti.cast(ti.cast(seed, ti.i32), ti.u32) * ti.u32({_SEED})
    bits = (bits ^ (bits >> 16)) * ti.u32({_FIRST})
    bits = (bits ^ (bits >> 15)) * ti.u32({_SECOND})
    return ti.cast((bits ^ (bits >> 16)) >> 8, ti.f32) / 16777216.0
"""
GLSL_HASH = f"""\
// A random-looking number in [0, 1) from four whole ones, the same everywhere.
float hash(float x, float y, float z, float seed) {{
    uint bits = uint(int(x)) * {_X}u + uint(int(y)) * {_Y}u + uint(int(z)) * {_Z}u + uint(int(seed)) * {_SEED}u;
    bits = (bits ^ (bits >> 16)) * {_FIRST}u;
    bits = (bits ^ (bits >> 15)) * {_SECOND}u;
    return float((bits ^ (bits >> 16)) >> 8) / 16777216.0;
}}"""
"""The operator "hash" as a function of each language, which printed text calls."""


class Printer:
    """Prints nodes of a graph as statements and expressions; `shaderdsl.glsl_helpers` refines it for readers of GLSL.

    `inputs` gives the text for each input's name; variables are called `prefix` and a number.
    """

    def __init__(self, graph: Graph, inputs: Mapping[object, str], dialect: Dialect, prefix: str = "t") -> None:
        self.graph, self.inputs, self.dialect, self.prefix = graph, inputs, dialect, prefix
        self.statements: list[str] = []
        self.text: dict[int, tuple[str, int]] = {}

    def run(self, outputs: Sequence[Expr]) -> list[str]:
        """Appends the statements that compute `outputs`; returns the text of each output after them."""
        order = self.order([e.index for e in outputs])
        uses: dict[int, int] = {}
        for index in order:
            operator, arguments = self.pattern(index)
            for argument in arguments:
                # What a loop reads is computed before it.
                uses[argument] = uses.get(argument, 0) + (2 if isinstance(operator, Fold) else 1)
        for output in outputs:
            uses[output.index] = uses.get(output.index, 0) + 1
        for index in order:
            if index in self.text:
                continue  # printed by an earlier run
            operator, *arguments = self.graph.nodes[index]
            if operator == "const":
                number = self.dialect.number(arguments[0])
                self.text[index] = (number, ATOM if not number.startswith("-") else 0)
            elif operator == "input":
                self.text[index] = (self.inputs[arguments[0]], ATOM)
            elif isinstance(self.pattern(index)[0], Fold):
                self.loop(index, order)
            else:
                value, precedence = self.expression(index)
                if self.deserves_name(index, value, uses[index]):
                    name = self.variable(index)
                    self.statements.append(self.declaration(index).format(name=name, value=value))
                    self.text[index] = (name, ATOM)
                else:
                    self.text[index] = (value, precedence)
        return [self.text[e.index][0] for e in outputs]

    def order(self, outputs: Sequence[int]) -> list[int]:
        return self.graph.needed(outputs)

    def loop(self, index: int, order: Sequence[int]) -> None:
        """Appends the loop of a fold, and of all others in `order` that run over the same body."""
        fold, *ids = self.graph.nodes[index]
        alike = [
            i for i in order
            if isinstance(other := self.graph.nodes[i][0], Fold)
            and (other.kind, other.body, self.graph.nodes[i][1:]) == (fold.kind, fold.body, tuple(ids))
        ]  # fmt: skip
        count, *arguments = (self.number_text(i) for i in ids)
        results: list[str] = []
        bests: list[str] = []
        for i in alike:
            results.append(self.variable(i))
            self.statements.append(self.dialect.declare.format(name=results[-1], value=self.dialect.number(0.0)))
            self.text[i] = (results[-1], ATOM)
            if fold.kind == "least":
                bests.append(self.named("best"))
                self.statements.append(self.dialect.declare.format(name=bests[-1], value=self.dialect.number(1e30)))
        turn = self.named("turn")
        inner = self.inside(fold.body, {**dict(enumerate(arguments)), "index": turn})
        outputs = [Expr(fold.body, self.graph.nodes[i][0].output) for i in alike]
        values = inner.run(outputs)
        lines = inner.statements
        for k, (result, value) in enumerate(zip(results, values)):
            if fold.kind == "sum":
                lines.append(self.dialect.increase.format(name=result, value=value))
                continue
            if not value.isidentifier():
                name = inner.named("value")
                lines.append(self.dialect.declare.format(name=name, value=value))
                value = name
            lines += [t.format(value=value, best=bests[k], result=result, index=turn) for t in self.dialect.closer]
        self.statements += [line.format(index=turn, count=count) for line in self.dialect.loop]
        self.statements += ["    " + line for line in lines]
        if self.dialect.end:
            self.statements.append(self.dialect.end)

    def inside(self, body: Graph, inputs: Mapping[object, str]) -> Printer:
        """A printer of a loop's body."""
        return Printer(body, inputs, self.dialect, f"{self.prefix}{len(self.statements)}_")

    def number_text(self, index: int) -> str:
        """The text of a node that is printed already, as a number."""
        return self.text[index][0]

    def named(self, word: str) -> str:
        """A name for what is no node."""
        return f"{self.prefix}{len(self.statements)}_{word}"

    def pattern(self, index: int) -> tuple[str, Sequence[int]]:
        """What a node is printed as: the template's name, and the nodes that fill it."""
        operator, *arguments = self.graph.nodes[index]
        return operator, [] if operator in ("const", "input") else arguments

    def expression(self, index: int) -> tuple[str, int]:
        """The text of a node and its precedence."""
        operator, arguments = self.pattern(index)
        precedence = _PRECEDENCE.get(operator, ATOM)
        parts = []
        for position, argument in enumerate(arguments):
            part, own = self.text[argument]
            strict = operator in ("sub", "div") and position == 1 or operator == "neg"
            if precedence != ATOM and (own < precedence or (strict and own == precedence) or own == 0):
                part = f"({part})"
            elif operator in ("less", "select") and own < ATOM:
                part = f"({part})"
            parts.append(part)
        return self.dialect.templates[operator].format(*parts), precedence

    def deserves_name(self, index: int, value: str, uses: int) -> bool:
        return uses > 1 or len(value) > 160

    def variable(self, index: int) -> str:
        return f"{self.prefix}{len(self.statements)}"

    def declaration(self, index: int) -> str:
        return self.dialect.declare


def print_graph(
    graph: Graph,
    outputs: Sequence[Expr],
    inputs: Mapping[object, str],
    dialect: Dialect,
    prefix: str = "t",
) -> tuple[list[str], list[str]]:
    """Statements that compute `outputs`, and the text of each output after them; see `Printer`."""
    printer = Printer(graph, inputs, dialect, prefix)
    results = printer.run(outputs)
    return printer.statements, results
