"""Canonical text: one statement a line, chained calls, the fewest parentheses, at most 100 columns.

`Printer` prints a tree whose arguments are in canonical order; what a literal looks like is the caller's
choice, so the same printer gives the text of a program and the key that programs of equal structure share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

from shaderdsl import syntax
from shaderdsl.emit import shortest
from shaderdsl.registry import functions
from shaderdsl.syntax import PRECEDENCE, Call, Chain, Colour, Expression, Named, Negation, Number

WIDTH = 100
_INDENT = 4


@lru_cache(maxsize=1)
def _chained() -> frozenset[str]:
    """The functions that are printed as method calls of their first argument."""
    kinds = ("transform", "modifier", "repetition", "layer", "extrusion", "loft", "section")
    return frozenset(n for n, entries in functions(3).items() if entries[0].category in kinds) | {"fill", "paint", "displace"}


def number_text(value: float, unit: str) -> str:
    return ("0" if value == 0.0 else shortest(value)) + unit


def colour_text(red: float, green: float, blue: float) -> str:
    """`#rrggbb` where that reads back the same float32 numbers, else `rgb(...)`."""
    digits = []
    for value in (red, green, blue):
        whole = round(value * 255.0)
        if not 0 <= whole <= 255 or shortest(whole / 255.0) != shortest(value):
            return f"rgb({', '.join(number_text(v, '') for v in (red, green, blue))})"
        digits.append(f"{whole:02x}")
    return "#" + "".join(digits)


class Printer:
    """Prints nodes. `number` and `colour` give the text of a literal; `width` None breaks no line."""

    def __init__(
        self, number: Callable[[Number], str], colour: Callable[[Colour], str], width: int | None = WIDTH
    ) -> None:
        self._number = number
        self._colour = colour
        self._width = width
        self._methods = _chained()

    def statement(self, statement: syntax.Statement) -> str:
        """A statement, over several lines if it is too long for one."""
        if isinstance(statement, syntax.Let):
            return self._started(f"let {statement.name} = ", statement.value)
        if isinstance(statement, syntax.Draw):
            return self._started("", statement.value)
        if isinstance(statement, syntax.Def):
            parameters = ", ".join(
                p.name if p.default is None else f"{p.name} = {self.flat(p.default)}"
                for p in statement.parameters
            )
            return self._started(f"def {statement.name}({parameters}) = ", statement.body)
        arguments = self._arguments(statement.arguments)
        head = f"scene {statement.dimension}d"
        flat = f"{head}({arguments})" if arguments else head
        if self._width is None or len(flat) <= self._width:
            return flat
        return f"{head}(\n{' ' * _INDENT}{self._filled(statement.arguments, _INDENT)}\n)"

    def _started(self, start: str, value: Expression) -> str:
        flat = start + self.flat(value)
        if self._width is None or len(flat) <= self._width:
            return flat
        return start + self._broken(value, 0, len(start))

    # -- on one line --------------------------------------------------------------------------------------

    def flat(self, node: syntax.Node) -> str:
        if isinstance(node, Number):
            return self._number(node)
        if isinstance(node, Call):
            if self._is_method(node):
                return f"{self._receiver(node)}.{node.name}({self._arguments(node.arguments[1:])})"
            return f"{node.name}({self._arguments(node.arguments)})"
        if isinstance(node, Colour):
            return self._colour(node)
        if isinstance(node, syntax.Name):
            return node.name
        if isinstance(node, Chain):
            parts = [self._operand(node, 0)]
            for position, operator in enumerate(node.operators):
                parts += [operator, self._operand(node, position + 1)]
            return " ".join(parts)
        if isinstance(node, syntax.Pair):
            return f"({self.flat(node.x)}, {self.flat(node.y)})"
        if isinstance(node, syntax.Triple):
            return f"({self.flat(node.x)}, {self.flat(node.y)}, {self.flat(node.z)})"
        if isinstance(node, Negation):
            inner = self.flat(node.value)
            return f"-({inner})" if isinstance(node.value, Chain) else f"-{inner}"
        if isinstance(node, Named):
            return f"{node.name} = {self.flat(node.value)}"
        if isinstance(node, syntax.Ranged):
            return f"param({self.flat(node.number)}, {self.flat(node.low)} .. {self.flat(node.high)})"
        assert isinstance(node, syntax.Fixed)
        return f"fixed({self.flat(node.value)})"

    def _arguments(self, arguments: Sequence[syntax.Argument]) -> str:
        return ", ".join([self.flat(argument) for argument in arguments])

    def _is_method(self, node: syntax.Node) -> bool:
        return (
            isinstance(node, Call)
            and node.name in self._methods
            and len(node.arguments) > 0
            and not isinstance(node.arguments[0], Named)
        )

    def _receiver(self, call: Call) -> str:
        receiver = call.arguments[0]
        text = self.flat(receiver)
        # -x.move() would negate the moved x, and 0.5.move() is no sight.
        return f"({text})" if isinstance(receiver, (Chain, Negation, Number)) else text

    def _operand(self, chain: Chain, position: int) -> str:
        operand = chain.operands[position]
        text = self.flat(operand)
        return f"({text})" if _needs_brackets(chain, operand) else text

    # -- over several lines --------------------------------------------------------------------------------

    def _broken(self, node: syntax.Node, indent: int, column: int) -> str:
        """The text of `node`, which begins in `column`, its further lines indented by more than `indent`."""
        flat = self.flat(node)
        assert self._width is not None
        if column + len(flat) <= self._width:
            return flat
        inner = indent + _INDENT
        margin = "\n" + " " * inner
        if isinstance(node, Call) and self._is_method(node):
            return self._broken_methods(node, indent, column)
        if isinstance(node, Call) and node.arguments:
            return f"{node.name}({margin}{self._filled(node.arguments, inner)}\n{' ' * indent})"
        if isinstance(node, Chain):
            lines = [self._broken_operand(node, 0, inner, inner)]
            for position, operator in enumerate(node.operators):
                lines.append(f"{operator} {self._broken_operand(node, position + 1, inner, inner + 2)}")
            return f"({margin}{margin.join(lines)}\n{' ' * indent})"
        if isinstance(node, Named):
            start = f"{node.name} = "
            return start + self._broken(node.value, indent, column + len(start))
        if isinstance(node, syntax.Fixed):
            return f"fixed({margin}{self._broken(node.value, inner, inner)}\n{' ' * indent})"
        return flat

    def _broken_operand(self, chain: Chain, position: int, indent: int, column: int) -> str:
        operand = chain.operands[position]
        if isinstance(operand, Chain) and column + len(self._operand(chain, position)) > self.width:
            return self._broken(operand, indent, self.width)
        if isinstance(operand, Chain):
            return self._operand(chain, position)
        return self._broken(operand, indent, column)

    @property
    def width(self) -> int:
        assert self._width is not None
        return self._width

    def _broken_methods(self, node: Call, indent: int, column: int) -> str:
        calls: list[Call] = []
        root: syntax.Node = node
        while isinstance(root, Call) and self._is_method(root):
            calls.append(root)
            root = root.arguments[0]
        calls.reverse()
        inner = indent + _INDENT
        if isinstance(root, Chain):
            # Its brackets are there in any case; the line is broken inside of them.
            text = f"({self.flat(root)})"
            if column + len(text) > self.width:
                text = self._broken(root, indent, self.width)
        elif isinstance(root, (Negation, Number)):
            text = f"({self.flat(root)})"
        else:
            text = self._broken(root, indent, column)
        last = text.rsplit("\n", 1)[-1]
        tail = "".join(f".{c.name}({self._arguments(c.arguments[1:])})" for c in calls)
        if "\n" in text and len(last) + len(tail) <= self.width:
            return text + tail
        for call in calls:
            text += "\n" + " " * inner + "."
            method = f"{call.name}({self._arguments(call.arguments[1:])})"
            if inner + 1 + len(method) > self.width and len(call.arguments) > 1:
                filled = self._filled(call.arguments[1:], inner + _INDENT)
                method = f"{call.name}(\n{' ' * (inner + _INDENT)}{filled}\n{' ' * inner})"
            text += method
        return text

    def _filled(self, arguments: Sequence[syntax.Argument], indent: int) -> str:
        """Arguments separated by commas, as many on a line as fit."""
        lines: list[str] = []
        line = ""
        for position, argument in enumerate(arguments):
            comma = "," if position < len(arguments) - 1 else ""
            text = self.flat(argument) + comma
            if line and indent + len(line) + 1 + len(text) <= self.width:
                line += " " + text
                continue
            if line:
                lines.append(line)
            if indent + len(text) > self.width:
                text = self._broken(argument, indent, indent + len(comma)) + comma
            line = text
            if "\n" in line:
                lines.append(line)
                line = ""
        if line:
            lines.append(line)
        return ("\n" + " " * indent).join(lines)


def _needs_brackets(chain: Chain, operand: Expression) -> bool:
    """Numbers need brackets where precedence asks for them; booleans of shapes get them wherever they mix."""
    if not isinstance(operand, Chain):
        return False
    outer, inner = PRECEDENCE[chain.operators[0]], PRECEDENCE[operand.operators[0]]
    return inner <= outer or outer < PRECEDENCE["+"]
