"""Text to syntax tree: the actions of grammar.lark."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib import resources
from typing import Any, NamedTuple

from shaderdsl.automaton import Automaton, Unexpected
from shaderdsl.binding import BUILTINS, argument_value, builtin_layout, registered_layout, split
from shaderdsl.bounds import MAX_NUMBER, MAX_SOURCE
from shaderdsl.errors import Fault, did_you_mean, located
from shaderdsl.lexer import Lexer, Tokens
from shaderdsl.registry import functions
from shaderdsl.syntax import (
    PRECEDENCE,
    UNITS,
    Argument,
    Call,
    Chain,
    Colour,
    Def,
    Draw,
    Expression,
    Fixed,
    Let,
    Module,
    Name,
    Named,
    Negation,
    Number,
    Pair,
    Parameter,
    Ranged,
    Scene,
    Statement,
    Triple,
)

BOOLEAN_OPERATORS = {"union": "|", "xor": "^", "intersection": "&", "difference": "-"}
"""The sharp booleans that the text writes as operators, by the names of their registry entries."""

_NUMBER = re.compile(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)(.*)")
_HEX_DIGITS = frozenset("0123456789abcdefABCDEF")


class _Range:
    """`low .. high`, which stands nowhere but in `param`."""

    __slots__ = ("low", "high", "start", "end")

    def __init__(self, low: Expression, high: Expression) -> None:
        self.low, self.high = low, high
        self.start, self.end = low.start, high.end


class Builder:
    """The grammar's actions on one text: what each rule makes of its symbols, tokens by their positions."""

    def __init__(self, tokens: Tokens) -> None:
        self.texts = tokens.texts
        self.starts = tokens.starts
        self.slots = 0
        self.dimension = 2
        self.literals: dict[int, Number | Colour] = {}
        self.decided: set[int] = set()

    def end(self, token: int) -> int:
        return self.starts[token + 1]

    def start(self, *statements_and_ends: Any) -> Module:
        statements: tuple[Statement, ...] = statements_and_ends[0::2]
        for statement in statements[1:]:
            if isinstance(statement, Scene):
                raise Fault(
                    "scene is not the first statement", statement.start, statement.start + len("scene"), "",
                    "a program has one scene" if isinstance(statements[0], Scene) else "move it to the top",
                )  # fmt: skip
        return Module(statements, self.slots)

    def scene(self, word: int, dimension: int, settings: tuple[Any, int] | None = None) -> Scene:
        written = self.texts[dimension]
        if written not in ("2d", "3d"):
            raise Fault(
                f"there is no scene '{written}'", self.starts[dimension], self.end(dimension), "2d or 3d",
                "write `scene 2d` or `scene 3d`",
            )  # fmt: skip
        arguments, end = settings or ((), self.end(dimension))
        self.dimension = int(written[0])
        return Scene(self.starts[word], end, self.dimension, _checked(arguments))

    def let(self, name: int, value: Any) -> Let:
        start = self.starts[name]
        return Let(start, value.end, self.texts[name], start, _expression(value))

    def define(self, name: int, *rest: Any) -> Def:
        *parameters, _, body = rest
        start = self.starts[name]
        return Def(start, body.end, self.texts[name], start, tuple(parameters), body)

    def parameter(self, name: int, default: Expression | None = None) -> Parameter:
        end = default.end if default is not None else self.end(name)
        return Parameter(self.starts[name], end, self.texts[name], default)

    def draw(self, value: Expression) -> Draw:
        return Draw(value.start, value.end, value)

    def number(self, token: int) -> Number:
        text = self.texts[token]
        start = self.starts[token]
        unit = ""
        try:
            value = float(text)
        except ValueError:
            digits, unit = _NUMBER.match(text).groups()  # type: ignore[union-attr]
            value = float(digits)
            if unit not in UNITS:
                raise Fault(
                    f"unknown unit '{unit[:40]}'", start + len(digits), start + len(text),
                    "deg, rad, turn, %, or no unit", did_you_mean(unit, UNITS),
                ) from None  # fmt: skip
        if not value <= MAX_NUMBER:
            raise Fault("this number is too large", start, start + len(text), f"at most {MAX_NUMBER:g}")
        slot = self.slots
        self.slots = slot + 1
        node = self.literals[start] = Number(start, start + len(text), slot, value, unit)
        return node

    def colour(self, token: int) -> Colour:
        text, start, end = self.texts[token], self.starts[token], self.end(token)
        digits = text[1:]
        if len(digits) not in (3, 6) or not _HEX_DIGITS.issuperset(digits):
            raise Fault(
                f"'{text[:40]}' is no colour", start, end, "#rgb or #rrggbb in hex digits",
                "for a translucent layer write .opacity(0.5)" if len(digits) in (4, 8) else "",
            )  # fmt: skip
        slot = self.slots
        self.slots = slot + 3
        node = self.literals[start] = Colour(start, end, slot, *colour_values(digits))
        return node

    def name(self, token: int) -> Name:
        return Name(self.starts[token], self.end(token), self.texts[token])

    def group(self, value: Expression, _: int) -> Expression:
        # The inner node stands for the group; its place is close enough for an error.
        return value

    def point(self, *coordinates_and_close: Any) -> Pair | Triple:
        coordinates: tuple[Expression, ...] = coordinates_and_close[:-1]
        start, end = coordinates[0].start, coordinates[-1].end
        if len(coordinates) == 2:
            return Pair(start, end, *coordinates)
        if len(coordinates) == 3 and self.dimension == 3:
            return Triple(start, end, *coordinates)
        allowed, form = ("two", "(x, y)") if self.dimension == 2 else ("two or three", "(x, y) or (x, y, z)")
        raise Fault(f"a point has {allowed} coordinates, not {len(coordinates)}", start, end, form)

    def arguments(self, *arguments_and_close: Any) -> tuple[tuple[Any, ...], int]:
        # The closing bracket is kept for the call's end.
        return arguments_and_close[:-1], self.end(arguments_and_close[-1])

    def named(self, name: int, value: Any) -> Named:
        return Named(self.starts[name], value.end, self.texts[name], _expression(value))

    def range(self, low: Expression, _: int, high: Expression) -> _Range:
        return _Range(low, high)

    def call(self, name: int, arguments: tuple[tuple[Any, ...], int]) -> Expression:
        return self._called(self.starts[name], arguments[1], name, arguments[0])

    def method(self, receiver: Expression, name: int, arguments: tuple[tuple[Any, ...], int]) -> Expression:
        return self._called(receiver.start, arguments[1], name, (receiver, *arguments[0]))

    def _called(self, start: int, end: int, token: int, arguments: tuple[Any, ...]) -> Expression:
        """A call, or the node that `param`, `fixed`, `rgb` of numbers or a sharp boolean stands for."""
        name = self.texts[token]
        if name in _SPECIAL:
            node = _SPECIAL[name](start, end, arguments)
            if node is not None:
                if type(node) is Ranged:
                    self.decided |= {node.low.slot, node.high.slot}
                return node
        elif name in BOOLEAN_OPERATORS:
            node = _boolean(name, arguments)
            if node is not None:
                return node
        call = Call(start, end, name, self.starts[token], _checked(arguments))
        if self.dimension == 2 and name in _counting():
            # Counts known from the start spare the checker a second run.
            self.decided |= counted_slots(call)
        return call

    def chain(self, *row: Any) -> Expression:
        """Operands and operators in a row, unary minus included, sorted by precedence."""
        operands: list[Expression] = []
        operators: list[str] = []
        position, count = 0, len(row)
        while position < count:
            signs = []
            while isinstance(row[position], int):
                signs.append(row[position])
                position += 1
            operand = row[position]
            position += 1
            for sign in reversed(signs):
                operand = self._negated(self.starts[sign], operand)
            operands.append(operand)
            if position < count:
                operators.append(self.texts[row[position]])
                position += 1
        return _climb(operands, operators)

    def _negated(self, start: int, value: Expression) -> Expression:
        if isinstance(value, Number):
            # A negative literal is one parameter. Where it begins tells the skeleton whose sign it is.
            del self.literals[value.start]
            node = self.literals[start] = Number(start, value.end, value.slot, -value.value, value.unit)
            return node
        if isinstance(value, Negation):
            return value.value
        return Negation(start, value.end, value)


def colour_values(digits: str) -> tuple[float, float, float]:
    """Red, green and blue in [0, 1] of three or six hex digits."""
    if len(digits) == 3:
        digits = digits[0] * 2 + digits[1] * 2 + digits[2] * 2
    whole = int(digits, 16)
    return (whole >> 16) / 255.0, (whole >> 8 & 255) / 255.0, (whole & 255) / 255.0


def _climb(operands: list[Expression], operators: list[str]) -> Expression:
    """The tree of a flat list of operands and operators; one precedence becomes one `Chain`."""
    if not operators:
        return operands[0]
    lowest = min(PRECEDENCE[o] for o in operators)
    parts: list[Expression] = []
    kept: list[str] = []
    first = 0
    for position, operator in enumerate(operators):
        if PRECEDENCE[operator] == lowest:
            parts.append(_climb(operands[first : position + 1], operators[first:position]))
            kept.append(operator)
            first = position + 1
    parts.append(_climb(operands[first:], operators[first:]))
    return chained(kept, parts)


def chained(operators: Sequence[str], operands: Sequence[Expression]) -> Chain:
    """A chain, with a first operand of the same precedence merged into it: (a - b) - c is a - b - c."""
    first = operands[0]
    if isinstance(first, Chain) and PRECEDENCE[first.operators[0]] == PRECEDENCE[operators[0]]:
        operators = (*first.operators, *operators)
        operands = (*first.operands, *operands[1:])
    return Chain(operands[0].start, operands[-1].end, tuple(operators), tuple(operands))


def _expression(value: Any) -> Expression:
    if isinstance(value, _Range):
        raise Fault(
            "a range stands only in param(...)", value.start, value.end, "", "write param(0.5, 0.1 .. 2)"
        )
    return value  # type: ignore[no-any-return]


def _checked(arguments: tuple[Any, ...]) -> tuple[Argument, ...]:
    named = False
    for argument in arguments:
        if type(argument) is Named:
            named = True
        elif named or type(argument) is _Range:
            _expression(argument)
            raise Fault(
                "an argument without a name follows a named one", argument.start, argument.end,
                "name = value", "put the arguments without names first",
            )  # fmt: skip
    return arguments


def _param(start: int, end: int, arguments: tuple[Any, ...]) -> Expression:
    if len(arguments) != 2 or not isinstance(arguments[1], _Range) or isinstance(arguments[0], _Range):
        raise Fault("param takes a number and its range", start, end, "param(0.5, 0.1 .. 2)")
    parts: list[Number] = []
    for part in (arguments[0], arguments[1].low, arguments[1].high):
        if not isinstance(part, Number):
            raise Fault("param takes plain numbers", part.start, part.end, "a number such as 0.5 or 20deg")
        parts.append(part)
    number, low, high = parts
    for part in (low, high):
        if part.unit != number.unit:
            expected = f"a number in {number.unit}" if number.unit else "a number without unit"
            raise Fault("a range has the unit of its number", part.start, part.end, expected)
    if not low.value < high.value:
        raise Fault("a range goes from its lower end to its higher one", low.start, high.end, "low .. high")
    return Ranged(start, end, number, low, high)


def _fixed(start: int, end: int, arguments: tuple[Any, ...]) -> Expression:
    if len(arguments) != 1 or isinstance(arguments[0], Named):
        raise Fault("fixed takes one value", start, end, "fixed(0.5)")
    return Fixed(start, end, _expression(arguments[0]))


def _rgb(start: int, end: int, arguments: tuple[Any, ...]) -> Expression | None:
    """A colour literal, if its three arguments are plain numbers within [0, 1]."""
    if len(arguments) != 3 or not all(isinstance(a, Number) and a.unit == "" for a in arguments):
        return None
    for argument in arguments:
        if not 0.0 <= argument.value <= 1.0:
            raise Fault("a colour's numbers lie between 0 and 1", argument.start, argument.end, "0 to 1")
    red, green, blue = arguments
    return Colour(start, end, red.slot, red.value, green.value, blue.value)


def _boolean(name: str, arguments: tuple[Any, ...]) -> Expression | None:
    if len(arguments) < 2 or any(isinstance(a, (Named, _Range)) for a in arguments):
        return None
    operator = BOOLEAN_OPERATORS[name]
    return chained([operator] * (len(arguments) - 1), arguments)


_SPECIAL: dict[str, Callable[[int, int, tuple[Any, ...]], Expression | None]] = {
    "param": _param,
    "fixed": _fixed,
    "rgb": _rgb,
}


@lru_cache(maxsize=1)
def _counting() -> frozenset[str]:
    """The functions that take a count."""
    known = [(name, o.parameters) for name, entries in functions().items() for o in entries] + list(BUILTINS.items())
    return frozenset(name for name, parameters in known if any(p.kind == "count" for p in parameters))


def counted_slots(call: Call) -> set[int]:
    """The slots of plain literals that `call` takes as counts."""
    found = builtin_layout if call.name in BUILTINS else registered_layout
    layout = found(call.name, *split(call.arguments))
    if layout is None:
        return set()
    nodes = [
        argument_value(call.arguments[i]) for p, i in layout.sources if p.kind == "count" and i is not None
    ]
    return {node.slot for node in nodes if isinstance(node, Number)}


class Language(NamedTuple):
    """What reads a text: made of grammar.lark on the first one that is new (importing lark costs 0.1 s)."""

    lexer: Lexer
    automaton: Automaton


@lru_cache(maxsize=1)
def language() -> Language:
    import lark

    grammar = resources.files("shaderdsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    loaded = lark.Lark(grammar, parser="lalr", lexer="basic", maybe_placeholders=False)
    return Language(Lexer(loaded.terminals), Automaton(loaded, Builder))


def decoded(text: str | bytes) -> str:
    """`text` as a string within the size bound. Raises DslError (bytes must be UTF-8) or TypeError."""
    if isinstance(text, str):
        source = text
        # A character is at least a byte, so a long text need not be encoded to be refused.
        size = len(source)
        if size <= MAX_SOURCE and not source.isascii():
            size = len(source.encode("utf-8", "surrogatepass"))
    elif isinstance(text, (bytes, bytearray)):
        size = len(text)
        source = "" if size > MAX_SOURCE else _from_utf8(bytes(text))
    else:
        raise TypeError(f"a program is a str or bytes, not {type(text).__name__}")
    if size > MAX_SOURCE:
        raise located(
            Fault(f"the text has more than {MAX_SOURCE:,} bytes (the bound of one program)", 0, 1), ""
        )
    return source.removeprefix("\ufeff")


def _from_utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8")
        place = len(before)
        fault = Fault(f"byte {error.start} is not UTF-8", place, place + 1, "", "save the file as UTF-8")
        raise located(fault, before) from None


class Parsed(NamedTuple):
    """A tree; its literals by where they start; and the slots that are known to be no parameters."""

    module: Module
    literals: dict[int, Number | Colour]
    decided: set[int]

    def values(self) -> list[float]:
        """The numbers of the text by slot."""
        result = [0.0] * self.module.slots
        for literal in self.literals.values():
            if isinstance(literal, Number):
                result[literal.slot] = literal.value
            else:
                result[literal.slot : literal.slot + 3] = (literal.red, literal.green, literal.blue)
        return result


def parse_tree(source: str) -> Parsed:
    """The syntax tree of a text. Raises `Fault` with the first syntax error."""
    lexer, automaton = language()
    tokens = lexer.tokens(source)
    builder = Builder(tokens)
    try:
        return Parsed(automaton.run(tokens, builder), builder.literals, builder.decided)
    except Unexpected as error:
        from shaderdsl.diagnosis import explained

        raise explained(error, source, tokens) from None
