"""Syntax errors in words, from examples of wrong input.

Each example is parsed once; where the parser stops, in which state and at what kind of token, is what the example
stands for. A text that stops in the same way gets the example's explanation. (lark's own `match_examples` also
compares how deep the parser's stack is, so an example would not speak for the same mistake inside more brackets.)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple

from shaderdsl.errors import Fault


class _Explanation(NamedTuple):
    message: str
    expected: str
    suggestion: str
    examples: tuple[str, ...]


_VALUE = "a number, a colour, a name, a call or '('"

_EXPLANATIONS = (
    _Explanation(
        "two values in a row", "an operator, or a new line before the next statement", "",
        (
            "1 2", "1 a", "1 #fff", "1 (2)", "#fff 1", "#fff a", "#fff #fff", "#fff (1)", "a 1", "a b", "a #fff",
            "f(1) 1", "f(1) a", "f(1) #fff", "f(1) (2)", "(1) 1", "(1) a", "(1) #fff", "(1) (2)",
            "(1, 2) 3", "(1, 2) a", "(1, 2) #fff", "(1, 2) (3)", "a.f() 1", "a.f() b", "a.f() #fff", "a.f() (1)",
            "-1 1", "-a b", "1 + 1 1", "1 + a b", "f() 1", "f() a", "f() #fff", "f() (1)", "(1 2)", "f(1 2)",
        ),
    ),
    _Explanation(
        "'=' can not stand here", "an operator, or a new line before the next statement",
        "to name a value write `let name = ...`",
        ("1 = 2", "a = 2", "#fff = 1", "f() = 1", "f(1) = 1", "(1) = 2", "(1, 2) = 2", "a.f() = 2", "let a = b = 2",
         "let a = 1 = 2", "-a = 2", "1 + a = 2"),
    ),
    _Explanation("'=' is written once", _VALUE, "write a single '='", ("let a == 2", "f(a == 2)", "def f() == 2")),
    _Explanation(
        "an operator has no value after it", _VALUE, "",
        ("a |", "a -", "1 + ;", "f(1 +)", "(1 +)", "f(1 + , 2)", "a | * b", "1 - * 2", "-", "f(-)", "- ;", "f(-, 1)",
         "- * 2", "1 + = 2", "1 - = 2", "- = 1", "1 + .f()", "1 - .f()", "1 + .. 2", "- .. 2"),
    ),
    _Explanation(
        "an operator has no value before it", _VALUE, "",
        ("| a", "* 2", "let a = * 2", "f(| a)", "f(1, * 2)", "(* 2)", "(1, * 2)", "f(a = * 2)", "def f() = | a",
         "def f(a = * 2) = 1", "f(1 .. * 2)"),
    ),
    _Explanation(
        "a value is missing before this ','", _VALUE, "", ("f(, 1)", "f(1,, 2)", "(, 1)", "(1,, 2)", "f(a = , 1)", "f(1 .. , 2)"),
    ),
    _Explanation("a statement can not begin with this", "let, def, or a shape", "", (", 1", "= 1", ") 1", ".. 1", ". 1")),
    _Explanation("there is nothing between the brackets", _VALUE, "", ("()", "let a = ()", "f(())", "1 + ()", "1 - ()", "(())")),
    _Explanation("a bracket is closed before its value is complete", _VALUE, "", ("f(a = )", "f(1 .. )", "def f(a = ) = 1")),
    _Explanation("a bracket is closed that was never opened", "", "remove it", (
        "a )", "1 )", "#fff )", "f() )", "f(1) )", "(1) )", "(1, 2) )", "a.f() )", "let a = 1)", "-a )", "1 + a )")),
    _Explanation("',' stands outside of brackets", "an operator, or a new line before the next statement",
        "write a point as (x, y)", ("1, 2", "a, b", "#fff, 1", "f(), 1", "f(1), 2", "(1), 2", "(1, 2), 3", "a.f(), 1", "-a, 1", "1 + a, 1")),
    _Explanation("a range stands only in param(...)", "", "write param(0.5, 0.1 .. 2)", (
        "1 .. 2", "a .. 2", "f() .. 1", "f(1) .. 2", "(1) .. 2", "(1 .. 2)", "let a = 1 .. 2", "f(1 .. 2 .. 3)", "f(.. 2)", "f(1, .. 2)")),
    _Explanation("let has no name", "a name", "write `let name = value`", ("let", "let = 1", "let 1 = 2", "let #fff", "let (a)", "let let", "let | 1", "let - 1", "let , 1", "let . 1", "let )")),
    _Explanation("let has no '=' after its name", "'='", "write `let name = value`", ("let a", "let a 1", "let a b", "let a #fff", "let a (1)", "let a | b", "let a - b", "let a . b", "let a, b", "let a )", "let a let")),
    _Explanation("the value after '=' is missing", _VALUE, "", ("let a =", "let a = ;", "let a = let", "def f() =", "let a = )", "def f() = )", "let a = ,", "let a = .. 1", "let a = .f()", "f(a = let")),
    _Explanation("def has no name", "a name", "write `def name(a, b) = value`", ("def", "def = 1", "def 1", "def (a) = 1", "def #fff", "def def", "def | a", "def - a", "def )", "def , a", "def .a")),
    _Explanation("def has no parameters in brackets", "'('", "write `def name(a, b) = value`", ("def f", "def f = 1", "def f a", "def f 1", "def f #fff", "def f | a", "def f - a", "def f )", "def f, a", "def f.a")),
    _Explanation("a parameter of def is a name", "a name, and '= default' if it has one", "", (
        "def f(1) = 1", "def f(#fff) = 1", "def f((a)) = 1", "def f(-1)", "def f(|a)", "def f(, a)", "def f(.a)", "def f(a, 1)", "def f(a, (b))", "def f(a, #fff)", "def f(a,, b)", "def f(a, -1)", "def f(a, |b)", "def f(= 1)", "def f(a, = 1)", "def f(a, .b)")),
    _Explanation("a comma is missing between parameters", "',' or ')'", "", ("def f(a b) = 1", "def f(a 1) = 1", "def f(a #fff) = 1", "def f(a (b))", "def f(a | b)", "def f(a - b)", "def f(a.b)")),
    _Explanation("def has no '=' after its parameters", "'='", "write `def name(a, b) = value`", ("def f(a)", "def f() 1", "def f() a", "def f() #fff", "def f() (1)", "def f() | a", "def f() - a", "def f(), 1", "def f() )", "def f() .a", "def f() let")),
    _Explanation("scene does not say its dimension", "2d", "write `scene 2d`", (
        "scene", "scene (a = 1)", "scene a", "scene 1", "scene #fff", "scene = 1", "scene | a", "scene - a", "scene , a", "scene )", "scene .a", "scene let")),
    _Explanation("only settings in brackets can follow here", "a new line, or settings in brackets", "write `scene 2d(background = #ffffff)`", (
        "scene 2d a", "scene 2d 1", "scene 2d #fff", "scene 2d = 1", "scene 2d | a", "scene 2d - a", "scene 2d, a", "scene 2d )", "scene 2d .a", "scene 2d let",
        "scene 2d() a", "scene 2d() 1", "scene 2d() #fff", "scene 2d() = 1", "scene 2d() | a", "scene 2d() - a", "scene 2d(), a", "scene 2d() )", "scene 2d() .a", "scene 2d() (1)",
        "scene 2d(a = 1) a", "scene 2d(a = 1) 1", "scene 2d(a = 1) #fff", "scene 2d(a = 1) (1)", "scene 2d(a = 1) | a", "scene 2d(a = 1) .a")),
    _Explanation("a method has no name", "a name after '.'", "", ("a.", "a.1", "a.(1)", "a.#fff", "a. = 1", "a. | b", "a. - b", "a.,", "a.)", "a..b()", "a.let")),
    _Explanation("a method is called with brackets", "'(' after the method's name", "", (
        "a.b", "a.b c", "a.b 1", "a.b = 1", "a.b #fff", "a.b | c", "a.b - c", "a.b.c()", "f(a.b, 1)", "f(a.b)", "a.b .. c", "a.b let")),
    _Explanation("a name is missing before '='", "name = value", "only a plain name can be given a value", ("f(1 = 2)", "f(#fff = 1)", "f(a.b() = 1)", "f(a + b = 1)")),
    _Explanation("a word of the language can not be used as a value or name", _VALUE, "use another name", (
        "f(let)", "f(1, let)", "f(a = def)", "f(def)", "(let)", "(scene)", "1 + let", "1 + def", "1 + scene", "f(scene)", "- let", "(1, let)", "1 let", "a let", "#fff let", "f() let", "(1) let", "f(1) let", "a.f() let", "(1, 2) let",
        "1 def", "a def", "#fff def", "f() def", "(1) def", "f(1) def", "a.f() def", "1 scene", "a scene", "#fff scene", "f() scene", "(1) scene", "a.f() scene", "let a = def", "let a = scene", "let def", "let scene", "def let", "def scene", "def f(let)", "def f(a, let)", "def f(a let)")),
    _Explanation("a dimension belongs after scene", _VALUE, "a number of degrees is written 2deg", (
        "2d", "1 + 2d", "f(2d)", "f(1, 2d)", "let a = 2d", "f(a = 2d)", "(2d)", "(1, 2d)", "1 2d", "a 2d", "- 2d", "f() 2d", "let 2d", "a.2d", "def 2d", "def f(2d)")),
    _Explanation("a call can not follow a call", "an operator or '.'", "", ("f()(1)",)),
    _Explanation("'.' needs a value before it", _VALUE, "", ("f(.a())", "f(1, .a())", "(.a())", "f(a = .b())")),
    _Explanation("a statement ends inside brackets", "')'", "", ("f(;", "f(1;", "(1;", "f(a;", "f(1, ;", "(1, 2;", "f(a = ;", "(;", "f(a = 1;", "def f(;", "def f(a;", "def f(a, ;")),
)  # fmt: skip

_OPEN_EXPECTED = "',' or ')'"
_KINDS = {
    "NUMBER": "a number", "COLOUR": "a colour", "NAME": "a name", "LPAR": "'('", "CLOSE": "')'", "COMMA": "','",
    "EQUAL": "'='", "OPERATOR": "an operator", "MINUS": "'-'", "DOT": "'.'", "RANGE": "'..'", "END": "a new line",
    "LET": "let", "DEF": "def", "SCENE": "scene", "DIMENSION": "2d",
}  # fmt: skip
_LOOKALIKES = {
    "<": "the language has no comparisons", ">": "the language has no comparisons", "!": "the language has no conditions",
    "[": "a point is written (x, y)", "]": "a point is written (x, y)", "{": "a statement ends with its line",
    "}": "a statement ends with its line", '"': "the language has no texts in quotes",
    "'": "the language has no texts in quotes", "~": "the difference of shapes is written a - b",
    "%": "a percentage is written without a space: 50%", "\\": "a line that begins with '.' continues the one before",
    ":": "write name = value", "\N{DEGREE SIGN}": "write 30deg", "\N{MULTIPLICATION SIGN}": "write *",
    "\N{MINUS SIGN}": "write -", "\N{EN DASH}": "write -",
}  # fmt: skip


@lru_cache(maxsize=1)
def _table(parser: Any) -> dict[tuple[int, str], _Explanation]:
    """The explanations by parser state and token kind; earlier examples win."""
    from lark.exceptions import UnexpectedToken

    table: dict[tuple[int, str], _Explanation] = {}
    for explanation in _EXPLANATIONS:
        for example in explanation.examples:
            try:
                parser.parse(example)
            except UnexpectedToken as error:
                table.setdefault((error.state.position, error.token.type), explanation)
            except Fault:
                # The words of a rule may object first, with an explanation of their own.
                continue
    return table


def explained(error: Any, source: str, parser: Any) -> Fault:
    """What to tell the author of `source` about lark's `UnexpectedToken`."""
    token = error.token
    start = len(source) if token.start_pos is None else token.start_pos
    end = start + max(1, len(str(token.value)))
    if token.type == "UNKNOWN":
        return _unknown_character(str(token.value), start)
    if source.startswith("/*", start) or source.startswith("*/", start):
        if source[start] == "/":
            return Fault("this comment is never closed", start, start + 2, "", "end it with */")
        return Fault("a comment is closed that was never opened", start, start + 2, "", "begin it with /*")
    opened = _open_bracket(source, start)
    if opened is not None and (token.type in ("LET", "DEF", "SCENE") or (token.type == "END" and not token.value.strip())):
        opening, here = (source.count("\n", 0, place) + 1 for place in (opened, start))
        return Fault(
            "this bracket is never closed", opened, opened + 1, "')'",
            f"it is still open in line {here}" if here > opening else "",
        )  # fmt: skip
    explanation = _table(parser).get((error.state.position, token.type))
    if token.type == "END":
        # A missing end is shown right behind the last thing that is there.
        start, end = _behind(source, start)
    if explanation is None:
        return Fault(f"'{_shown(token)}' can not stand here", start, end, _kinds(error.expected))
    message, expected, suggestion = explanation[:3]
    if opened is not None and message == "two values in a row":
        line = source.count("\n", 0, opened) + 1
        if line != source.count("\n", 0, start) + 1:
            suggestion = f"is the bracket of line {line} closed?"
        return Fault("a comma is missing between two values", start, end, _OPEN_EXPECTED + " or an operator", suggestion)
    return Fault(message, start, end, expected, suggestion)


def _unknown_character(character: str, start: int) -> Fault:
    shown = f"'{character}'" if character.isprintable() else f"U+{ord(character):04X}"
    suggestion = _LOOKALIKES.get(character, "")
    if not suggestion and character.isalpha():
        suggestion = "names are made of the letters a to z, digits and _"
    return Fault(f"unknown character {shown}", start, start + 1, "", suggestion)


def _shown(token: Any) -> str:
    return "the end of the line" if token.type == "END" else str(token.value)[:40]


def _kinds(expected: Any) -> str:
    names = [text for kind, text in _KINDS.items() if kind in expected]
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _behind(source: str, start: int) -> tuple[int, int]:
    """The place right behind the last character before `start` that is no space."""
    place = len(re.sub(r"(?:\s|//[^\n]*|;)+\Z", "", source[:start][-2000:])) + max(0, start - 2000)
    return place, place + 1


def _open_bracket(source: str, end: int) -> int | None:
    """Where the innermost bracket that is still open at `end` stands."""
    from shaderdsl.parser import tokens

    stack: list[int] = []
    for token in tokens(source[:end]):
        if token.type == "LPAR":
            stack.append(token.start_pos)
        elif token.type == "CLOSE" and stack:
            stack.pop()
        elif token.type == "END" and token.value == ";":
            stack.clear()
    return stack[-1] if stack else None
