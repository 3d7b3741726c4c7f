"""Tokens of a text, by the terminals of grammar.lark, in one pass of one regular expression.

It also decides where statements end, and holds the bounds that keep parsing quick: a text that breaks one is
refused before any tree is built.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import accumulate, chain
from typing import Any, NamedTuple

from shaderdsl.bounds import MAX_LAYERS, MAX_NESTING, MAX_NODES, MAX_PARAMETERS, MAX_VERTICES
from shaderdsl.errors import Fault
from shaderdsl.syntax import PRECEDENCE

_MAX_ARGUMENTS = MAX_VERTICES + 8

_MAX_TOKENS = 3 * MAX_NODES
"""A program has at most so many words and signs for its names and numbers."""

_ORDER = (
    "SPACE", "COMMENT", "LPAR", "CLOSE", "COMMA", "DIMENSION", "NUMBER", "NAME", "RANGE", "DOT", "OPERATOR", "MINUS",
    "EQUAL", "COLOUR", "END",
)  # fmt: skip
"""The terminals in the order in which they are tried; the other ones are words, which look like names."""

_SIGNS = frozenset({"COMMA", "EQUAL", "DOT", "RANGE", "OPERATOR", "MINUS"})
"""Tokens that never stand in a long row, but for minuses, which are bounded as nesting."""

_NOT_LAYERS = ("LET", "DEF", "SCENE")

_MAX_KEPT = 4096
_MAX_KEPT_LENGTH = 32
_BLOCK = 8192
"""Characters that are looked at together: enough to be quick, and few where the text turns out to be wrong."""

_CUT = 3


class Tokens(NamedTuple):
    """All pieces of a text as parallel lists, and in `order` the positions of those that mean something.

    `starts` are offsets into the text; the lists end with an empty piece, the END of a last line without one.
    """

    kinds: list[str]
    texts: list[str]
    starts: list[int]
    order: list[int]


class _Kinds(dict[str, str]):
    """The kind of a piece by its text. Pieces that come back in every program are kept, numbers are not."""

    def __init__(self, pattern: re.Pattern[str], words: dict[str, str]) -> None:
        super().__init__(words)
        self._pattern = pattern

    def __missing__(self, text: str) -> str:
        match = self._pattern.match(text)
        kind = match.lastgroup if match else None
        assert kind is not None, "every character is at least UNKNOWN"
        if kind != "NUMBER" and len(text) <= _MAX_KEPT_LENGTH and len(self) < _MAX_KEPT:
            self[text] = kind
        return kind


class Lexer:
    """Made once of the grammar's terminals, as lark has loaded them."""

    def __init__(self, terminals: Iterable[Any]) -> None:
        patterns = {terminal.name: terminal.pattern for terminal in terminals}
        parts = [(name, patterns[name].to_regexp()) for name in _ORDER] + [("UNKNOWN", r"[\s\S]")]
        words = {pattern.value: name for name, pattern in patterns.items() if pattern.type == "str"}
        self._pieces = re.compile("|".join(pattern for _, pattern in parts))
        self._kinds = _Kinds(re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in parts)), words)

    def tokens(self, text: str) -> Tokens:
        """All tokens up to the first that is surely wrong; a character that starts none gives an UNKNOWN.

        Raises `Fault` where a bound is broken.
        """
        kinds: list[str] = []
        texts: list[str] = []
        order = _order(chain.from_iterable(self._blocks(text, kinds, texts)), kinds, texts)
        return Tokens(kinds, texts, list(accumulate(map(len, texts), initial=0)), order)

    def _blocks(self, text: str, kinds: list[str], texts: list[str]) -> Iterator[list[str]]:
        """The kinds of all pieces, block by block; `kinds` and `texts` are filled meanwhile.

        Raises `Fault` behind a block with more names or numbers than a program may have.
        """
        place, length = 0, _BLOCK
        nodes = slots = 0
        while place < len(text):
            pieces = self._pieces.findall(text, place, place + length)
            if place + length < len(text):
                # The block may have cut a piece, of which what is left looks like up to three: 1e-5 like 1, e and -.
                if len(pieces) <= _CUT:
                    length *= 2
                    continue
                place -= sum(map(len, pieces[-_CUT:]))
                del pieces[-_CUT:]
            place += length
            block = list(map(self._kinds.__getitem__, pieces))
            if block[-1] == "COMMENT" and _is_open(pieces[-1]):
                block[-1] = "UNKNOWN"
            kinds += block
            texts += pieces
            yield block
            numbers, colours = block.count("NUMBER"), block.count("COLOUR")
            nodes += numbers + colours + block.count("NAME")
            slots += numbers + 3 * colours
            if nodes > MAX_NODES:
                index = _passing(kinds, MAX_NODES, {"NAME": 1, "NUMBER": 1, "COLOUR": 1})
                raise _broken(texts, index, f"{MAX_NODES:,} names and numbers", "one program")
            if slots > MAX_PARAMETERS:
                index = _passing(kinds, MAX_PARAMETERS, {"NUMBER": 1, "COLOUR": 3})
                raise _broken(texts, index, f"{MAX_PARAMETERS:,} numbers, colours as three", "one program")
        kinds.append("END")
        texts.append("")
        yield kinds[-1:]


def _is_open(comment: str) -> bool:
    return comment.startswith("/*") and (len(comment) < len("/**/") or not comment.endswith("*/"))


def _order(pieces: Iterable[str], kinds: list[str], texts: list[str]) -> list[int]:
    """The positions of the tokens that mean something, one END a statement, up to the first that is surely wrong.

    `pieces` are the kinds of all pieces, which are in `kinds` and `texts` by the time they come. Raises `Fault`
    where there are too many layers, arguments or signs, or where they are nested too deep.
    """
    order: list[int] = []
    append = order.append
    brackets: list[tuple[int, int, int, int]] = []
    # How deep the tree is here: open brackets, calls chained before this one, and precedences in use
    # (`levels`).
    depth = base = levels = commas = 0
    layers = signs = 0
    # The newline that ends the statement, unless the next line begins with a dot.
    pending = -1
    fresh = True
    previous = ""
    for index, kind in enumerate(pieces):
        if kind == "SPACE" or kind == "COMMENT":
            continue
        if kind == "END":
            # The last END has no text, and closes all as a semicolon does.
            if ";" in texts[index] or not texts[index]:
                if not fresh:
                    append(index if pending < 0 else pending)
                    pending, fresh = -1, True
                    depth = base = levels = commas = 0
                    brackets.clear()
            elif not brackets and not fresh and pending < 0:
                pending = index
            continue
        if pending >= 0:
            if kind != "DOT":
                append(pending)
                fresh = True
                depth = base = levels = commas = 0
            pending = -1
        if fresh:
            fresh = False
            if kind not in _NOT_LAYERS:
                layers += 1
                if layers > MAX_LAYERS:
                    raise _broken(texts, index, f"{MAX_LAYERS:,} layers", "one program")
        append(index)
        if kind in _SIGNS:
            signs += 1
            if kind == "COMMA":
                depth, levels, commas = base, 0, commas + 1
                if commas > _MAX_ARGUMENTS:
                    raise _broken(texts, index, f"{MAX_VERTICES:,} arguments", "an outline's vertices")
            elif kind == "DOT":
                depth += 1
            elif kind == "OPERATOR" or kind == "MINUS":
                bit = 1 << PRECEDENCE[texts[index]]
                if not levels & bit or previous == kind == "MINUS":
                    # A new precedence, or a minus of a minus.
                    levels |= bit
                    depth += 1
        else:
            signs = 0
            if kind == "LPAR":
                brackets.append((depth, base, levels, commas))
                depth += 1
                base, levels, commas = depth, 0, 0
            elif kind == "CLOSE" and brackets:
                depth, base, levels, commas = brackets.pop()
            elif kind == "CLOSE" or kind == "UNKNOWN":
                signs = MAX_NESTING + 1
        if depth > MAX_NESTING:
            raise _fault(
                texts, index, f"nested deeper than {MAX_NESTING} levels (brackets and chained calls)",
                "name a part with let",
            )  # fmt: skip
        if len(order) > _MAX_TOKENS:
            raise _broken(texts, index, f"{_MAX_TOKENS:,} words, numbers and signs", "one program")
        if signs > MAX_NESTING:
            # The parser objects here or before: there is no need to look at the rest.
            break
        previous = kind
    return order


def _passing(kinds: list[str], bound: int, weights: dict[str, int]) -> int:
    """Where the sum of the weights by kind first passes `bound`."""
    return next(i for i, total in enumerate(accumulate(weights.get(k, 0) for k in kinds)) if total > bound)


def _broken(texts: list[str], index: int, bound: str, of: str) -> Fault:
    return _fault(texts, index, f"more than {bound} (the bound of {of})")


def _fault(texts: list[str], index: int, message: str, suggestion: str = "") -> Fault:
    start = sum(map(len, texts[:index]))
    return Fault(message, start, start + len(texts[index]), "", suggestion)
