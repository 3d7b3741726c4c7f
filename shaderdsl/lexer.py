"""Tokens of a text, by the terminals of grammar.lark, in one pass of one regular expression.

It also decides where statements end, and holds the bounds that keep parsing quick: a text that breaks one is
refused before any tree is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark.lexer import Lexer as LarkLexer

from shaderdsl.bounds import MAX_LAYERS, MAX_NESTING, MAX_NODES, MAX_PARAMETERS, MAX_VERTICES
from shaderdsl.errors import Fault
from shaderdsl.syntax import PRECEDENCE

_MAX_ARGUMENTS = MAX_VERTICES + 8

_MAX_TOKENS = 3 * MAX_NODES
"""A program has at most so many words and signs for its names and numbers."""

_ORDER = ("COMMENT", "SPACE", "DIMENSION", "NUMBER", "COLOUR", "NAME", "RANGE", "OPERATOR", "END")
_SIGNS = frozenset({"COMMA", "EQUAL", "DOT", "RANGE", "OPERATOR", "MINUS"})
"""Tokens that never stand in a long row, but for minuses, which are bounded as nesting."""

_NOT_LAYERS = ("LET", "DEF", "SCENE")


class Lexeme:
    """What lark's parser needs of a token: `type`, and for our tree its text and place.

    `slot` is the number of the literal's first scalar in the text.
    """

    __slots__ = ("type", "value", "start_pos", "end_pos", "slot")

    line = column = end_line = end_column = None

    def __init__(self, type: str, value: str, start_pos: int, end_pos: int, slot: int) -> None:
        self.type = type
        self.value = value
        self.start_pos = start_pos
        self.end_pos = end_pos
        self.slot = slot


class Lexer(LarkLexer):
    """Lark's custom lexer: made once of the grammar's terminals, `lex` is called for every text."""

    def __init__(self, conf: Any) -> None:
        patterns = {terminal.name: terminal.pattern for terminal in conf.terminals}
        words = {p.value: name for name, p in patterns.items() if name not in _ORDER}
        self._types = words
        marks = "".join(re.escape(text) for text in words if len(text) == 1)
        parts = [f"(?P<{name}>{patterns[name].to_regexp()})" for name in _ORDER]
        self._pattern = re.compile("|".join([*parts, f"(?P<MARK>[{marks}])", r"(?P<UNKNOWN>[\s\S])"]))

    def lex(self, text: str) -> Iterator[Any]:  # type: ignore[override]
        """Lark's older interface of custom lexers, which gets the text itself."""
        return iter(self.tokens(text))

    def tokens(self, text: str) -> list[Lexeme]:
        """All tokens up to the first that is surely wrong; a character that starts none gives an UNKNOWN.

        Raises `Fault` where a bound is broken.
        """
        types = self._types
        result: list[Lexeme] = []
        append = result.append
        brackets: list[tuple[int, int, int, int]] = []
        # How deep the tree is here: open brackets, calls chained before this one, and precedences in use
        # (`levels`).
        depth = base = levels = commas = 0
        pending: Lexeme | None = None
        fresh = True
        nodes = slot = layers = signs = 0
        wrong = False
        for match in self._pattern.finditer(text):
            kind = match.lastgroup
            if kind == "SPACE" or kind == "COMMENT":
                continue
            value = match.group()
            start, end = match.span()
            if kind == "MARK":
                kind = types[value]
                if value == "(":
                    brackets.append((depth, base, levels, commas))
                    depth += 1
                    base, levels, commas = depth, 0, 0
                elif value == ")":
                    if brackets:
                        depth, base, levels, commas = brackets.pop()
                    else:
                        wrong = True
                elif value == ",":
                    depth, levels, commas = base, 0, commas + 1
                    if commas > _MAX_ARGUMENTS:
                        raise Fault(
                            f"more than {MAX_VERTICES:,} arguments (the bound of an outline's vertices)",
                            start, end,
                        )  # fmt: skip
                elif value == ".":
                    depth += 1
                    if pending is not None:
                        pending = None
                        fresh = False
                elif value == "-":
                    bit = 1 << PRECEDENCE[value]
                    if not levels & bit or (result and result[-1].type == kind):
                        # A new precedence, or a minus of a minus.
                        levels |= bit
                        depth += 1
                if depth > MAX_NESTING:
                    raise Fault(
                        f"nested deeper than {MAX_NESTING} levels (brackets and chained calls)",
                        start, end, "", "name a part with let",
                    )  # fmt: skip
            elif kind == "NAME":
                kind = types.get(value, "NAME")
                nodes += 1
            elif kind == "NUMBER":
                nodes += 1
            elif kind == "COLOUR":
                nodes += 1
            elif kind == "OPERATOR":
                bit = 1 << PRECEDENCE[value]
                if not levels & bit:
                    levels |= bit
                    depth += 1
            elif kind == "END":
                if ";" not in value:
                    if not brackets and not fresh and pending is None:
                        pending = Lexeme("END", value, start, end, slot)
                    continue
                if not fresh or pending is not None:
                    append(pending or Lexeme("END", value, start, end, slot))
                    pending, fresh = None, True
                    depth = base = levels = commas = 0
                    brackets.clear()
                continue
            elif kind == "UNKNOWN":
                if pending is not None:
                    append(pending)
                append(Lexeme(kind, value, start, end, slot))
                return result
            if pending is not None:
                append(pending)
                pending, fresh = None, True
                depth = base = levels = commas = 0
            if fresh:
                fresh = False
                if kind not in _NOT_LAYERS:
                    layers += 1
                    if layers > MAX_LAYERS:
                        raise Fault(f"more than {MAX_LAYERS:,} layers (the bound of one program)", start, end)
            append(Lexeme(kind, value, start, end, slot))  # type: ignore[arg-type]
            signs = signs + 1 if kind in _SIGNS else 0
            if wrong or signs > MAX_NESTING:
                # The parser objects here or before: there is no need to look at the rest.
                return result
            if kind == "NUMBER":
                slot += 1
            elif kind == "COLOUR":
                slot += 3
            if nodes > MAX_NODES or len(result) > _MAX_TOKENS:
                raise Fault(
                    f"more than {MAX_NODES:,} names and numbers (the bound of one program)", start, end
                )
            if slot > MAX_PARAMETERS:
                raise Fault(
                    f"more than {MAX_PARAMETERS:,} numbers, colours as three (the bound of one program)",
                    start, end,
                )  # fmt: skip
        if pending is not None or not fresh:
            append(pending or Lexeme("END", "", len(text), len(text), slot))
        return result
