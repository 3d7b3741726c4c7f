"""Syntax errors in words, from examples of wrong input.

Each example is parsed once; where the parser stops, in which state and at what kind of token, is what the
example stands for. A text that stops in the same way gets the example's explanation. (lark's own
`match_examples` also compares how deep the parser's stack is, so an example would not speak for the same
mistake inside more brackets.)
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from shaderdsl.automaton import Unexpected
from shaderdsl.errors import Fault
from shaderdsl.lexer import Tokens
from shaderdsl.parser import Builder, language


class _Explanation(NamedTuple):
    """What to say of each example, which is one of `before` followed by one of `wrong`."""

    message: str
    expected: str
    suggestion: str
    before: tuple[str, ...]
    wrong: tuple[str, ...]


_VALUE = "a number, a colour, a name, a call or '('"
_NEXT = "an operator, or a new line before the next statement"
_DEF = "write `def name(a, b) = value`"
_LET = "write `let name = value`"

# Where a value is complete, and where one has to begin.
_COMPLETE = (
    "1", "a", "#fff", "f()", "f(1)", "f(1, 2)", "f(a = 1)", "f(1, a = 2)", "f(1 .. 2)", "f(1,)", "(1)",
    "(1, 2)", "(1, 2, 3)", "let a = 1", "def f() = 1", "a.f()", "f(a", "f(a = 1", "f(1 .. 2", "(1, 2",
)  # fmt: skip
_INSIDE = ("f(", "f(1,", "(", "(1,", "(1, 2,", "f(a =", "f(1 ..", "def f(a =")
_HEADS = ("def f()", "def f(a)", "def f(a,)", "def f(a, b)", "def f(a, b,)")
_ASSIGNED = ("let a =", *[f"{head} =" for head in _HEADS])
_FRESH = ("", "1\n", "1\n1\n")
_OPERATED = ("1 +", "1 -", "1 - -", "-", "- -", "1 + 1 +", "1 + 1 -", "1 + 1 - -")
_KEYWORDS = ("let", "def", "scene")
_STARTS = ("1", "a", "#fff", "(1)")
_MARKS = ("* 2", "- 2", ".f()", ".. 2", ", 2", ")", "= 2", "2d")

_ANYTHING = ("", *_STARTS, *_MARKS, *_KEYWORDS)

_EXPLANATIONS = (
    _Explanation("two values in a row", _NEXT, "", _COMPLETE, _STARTS),
    _Explanation("'=' is written once", _VALUE, "write a single '='", (*_ASSIGNED, "f(a ="), ("= 2",)),
    _Explanation(
        "a name is missing before '='", "name = value", "only a plain name can be given a value",
        (*_INSIDE, "f(1", "f(#fff", "f(a.b()", "f(a()", "f((1)", "def f(", "def f(a,"), ("= 2",),
    ),
    _Explanation("'=' cannot stand here", _NEXT, f"to name a value {_LET}", _COMPLETE, ("= 2",)),
    _Explanation("an operator has no value after it", _VALUE, "", _OPERATED, ("", ";", *_MARKS)),
    _Explanation("an operator has no value before it", _VALUE, "", (*_FRESH, *_INSIDE, *_ASSIGNED), ("* 2",)),
    _Explanation("a value is missing before this ','", _VALUE, "", _INSIDE, (", 2",)),
    _Explanation("there is nothing between the brackets", _VALUE, "", ("(",), (")",)),
    _Explanation("a bracket is closed before its value is complete", _VALUE, "", _INSIDE, (")",)),
    _Explanation("a bracket is closed that was never opened", "", "remove it", _COMPLETE, (")",)),
    _Explanation("',' stands outside of brackets", _NEXT, "write a point as (x, y)", _COMPLETE, (", 2",)),
    _Explanation(
        "a range stands only in param(...)", "", "write param(0.5, 0.1 .. 2)",
        (*_COMPLETE, *_INSIDE, *_ASSIGNED), (".. 2",),
    ),
    _Explanation("'.' needs a value before it", _VALUE, "", (*_INSIDE, *_ASSIGNED), (".f()",)),
    _Explanation("the value after '=' is missing", _VALUE, "", _ASSIGNED, ("", ";", ")", ", 2", *_KEYWORDS)),
    _Explanation("a statement cannot begin with this", "let, def, or a shape", "", _FRESH, _MARKS),
    _Explanation("let has no name", "a name", _LET, ("let",), ("", *_STARTS, *_MARKS)),
    _Explanation("let has no '=' after its name", "'='", _LET, ("let a",), _ANYTHING),
    _Explanation("def has no name", "a name", _DEF, ("def",), ("", *_STARTS, *_MARKS)),
    _Explanation("def has no parameters in brackets", "'('", _DEF, ("def f",), _ANYTHING),
    _Explanation(
        "a parameter of def is a name", "a name, and '= default' if it has one", "",
        ("def f(", "def f(a,", "def f(a, b,"), (*_STARTS, *_MARKS),
    ),
    _Explanation(
        "a comma is missing between parameters", "',' or ')'", "",
        ("def f(a", "def f(a = 1", "def f(a, b"), (*_STARTS, *_MARKS),
    ),
    _Explanation("def has no '=' after its parameters", "'='", _DEF, _HEADS, _ANYTHING),
    _Explanation("scene does not say its dimension", "2d", "write `scene 2d`", ("scene",), _ANYTHING),
    _Explanation(
        "only settings in brackets can follow here", "a new line, or settings in brackets",
        "write `scene 2d(background = #ffffff)`",
        ("scene 2d", "scene 2d()", "scene 2d(a = 1)", "scene 2d(a = 1, b = 2)"), _ANYTHING[1:],
    ),
    _Explanation("a method has no name", "a name after '.'", "", ("a.",), _ANYTHING),
    _Explanation("a method is called with brackets", "'(' after the method's name", "", ("a.b",), _ANYTHING),
    _Explanation(
        "a dimension belongs after scene", _VALUE, "a number of degrees is written 2deg",
        (*_COMPLETE, *_INSIDE, *_ASSIGNED, *_OPERATED), ("2d",),
    ),
    _Explanation(
        "a word of the language cannot be used as a value or name", _VALUE, "use another name",
        (*_COMPLETE, *_INSIDE, *_ASSIGNED, *_OPERATED, "let", "def", "def f(", "def f(a", "def f(a,"),
        _KEYWORDS,
    ),
    _Explanation(
        "a statement ends inside brackets", "')'", "",
        (*_INSIDE, "f(1", "f(a", "(1", "(1, 2", "f(a = 1", "f(1 .. 2", "def f(", "def f(a", "def f(a,",
         "def f(a = 1"), (";",),
    ),
)  # fmt: skip

_OPEN_EXPECTED = "',' or ')'"
_KINDS = {
    "NUMBER": "a number", "COLOUR": "a colour", "NAME": "a name", "LPAR": "'('", "CLOSE": "')'",
    "COMMA": "','", "EQUAL": "'='", "OPERATOR": "an operator", "MINUS": "'-'", "DOT": "'.'", "RANGE": "'..'",
    "END": "a new line", "LET": "let", "DEF": "def", "SCENE": "scene", "DIMENSION": "2d",
}  # fmt: skip
_LOOKALIKES = {
    "<": "the language has no comparisons", ">": "the language has no comparisons",
    "!": "the language has no conditions",
    "[": "a point is written (x, y)", "]": "a point is written (x, y)", "{": "a statement ends with its line",
    "}": "a statement ends with its line", '"': "the language has no texts in quotes",
    "'": "the language has no texts in quotes", "~": "the difference of shapes is written a - b",
    "%": "a percentage is written without a space: 50%",
    "\\": "a line that begins with '.' continues the one before",
    ":": "write name = value", "\N{DEGREE SIGN}": "write 30deg", "\N{MULTIPLICATION SIGN}": "write *",
    "\N{MINUS SIGN}": "write -", "\N{EN DASH}": "write -",
}  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> dict[tuple[int, str], _Explanation]:
    """The explanations by parser state and token kind; earlier examples win."""
    lexer, automaton = language()
    table: dict[tuple[int, str], _Explanation] = {}
    for explanation in _EXPLANATIONS:
        for before, wrong in product(explanation.before, explanation.wrong):
            tokens = lexer.tokens(f"{before} {wrong}")
            try:
                # Some of the products are right, and say nothing.
                automaton.run(tokens, Builder(tokens))
            except Unexpected as error:
                kind, start = tokens.kinds[error.position], tokens.starts[error.position]
                # An example speaks for its first wrong token only.
                if kind == "END" if not wrong else start == len(before) + 1:
                    table.setdefault((error.state, kind), explanation)
            except Fault:
                # The words of a rule may object first, with an explanation of their own.
                continue
    return table


def explained(error: Unexpected, source: str, tokens: Tokens) -> Fault:
    """What to tell the author of `source` about a syntax error."""
    kind, text = tokens.kinds[error.position], tokens.texts[error.position]
    start = tokens.starts[error.position]
    end = start + max(1, len(text))
    # Of the two signs, the first may have passed for an operator.
    for sign in (start - 1, start):
        if source.startswith("/*", sign):
            return Fault("this comment is never closed", sign, sign + 2, "", "end it with */")
        if source.startswith("*/", sign):
            return Fault("a comment is closed that was never opened", sign, sign + 2, "", "begin it with /*")
    if kind == "UNKNOWN":
        return _unknown_character(text, start)
    opened = _open_bracket(tokens, error.position)
    if opened is not None and (
        (kind in ("LET", "DEF", "SCENE") and "\n" in source[opened:start])
        or (kind == "END" and ";" not in text)
    ):
        opening, here = (source.count("\n", 0, place) + 1 for place in (opened, start))
        return Fault(
            "this bracket is never closed", opened, opened + 1, "')'",
            f"it is still open in line {here}" if here > opening else "",
        )  # fmt: skip
    explanation = _table().get((error.state, kind))
    if kind == "END":
        # A missing end is shown right behind the last thing that is there.
        start, end = _behind(source, start)
    if explanation is None:
        shown = "the end of the line" if kind == "END" else text[:40]
        return Fault(f"'{shown}' cannot stand here", start, end, _kinds(language().automaton.expected(error.state)))
    message, expected, suggestion = explanation[:3]
    if re.search(r"[0-9]\.\s*\Z", source[:start][-200:]):
        message, expected, suggestion = "a number has a digit after its '.'", "a digit", ""
    if opened is not None and message == "two values in a row":
        line = source.count("\n", 0, opened) + 1
        if line != source.count("\n", 0, start) + 1:
            suggestion = f"is the bracket of line {line} closed?"
        return Fault(
            "a comma is missing between two values",
            start,
            end,
            _OPEN_EXPECTED + " or an operator",
            suggestion,
        )
    return Fault(message, start, end, expected, suggestion)


def _unknown_character(character: str, start: int) -> Fault:
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    suggestion = _LOOKALIKES.get(character, "")
    if not suggestion and character.isalpha():
        suggestion = "names are made of the letters a to z, digits and _"
    return Fault(f"unknown character {shown}", start, start + 1, "", suggestion)


def _kinds(expected: set[str]) -> str:
    names = [text for kind, text in _KINDS.items() if kind in expected]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _behind(source: str, start: int) -> tuple[int, int]:
    """The place right behind the last character before `start` that is no space."""
    place = len(re.sub(r"(?:\s|//[^\n]*|;)+\Z", "", source[:start][-2000:])) + max(0, start - 2000)
    return place, place + 1


def _open_bracket(tokens: Tokens, position: int) -> int | None:
    """The offset of the innermost bracket that is still open before the token at `position`."""
    stack: list[int] = []
    for before in tokens.order[: bisect_left(tokens.order, position)]:
        kind = tokens.kinds[before]
        if kind == "LPAR":
            stack.append(tokens.starts[before])
        elif kind == "CLOSE" and stack:
            stack.pop()
        elif kind == "END" and ";" in tokens.texts[before]:
            stack.clear()
    return stack[-1] if stack else None
