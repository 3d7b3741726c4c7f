"""Every error of the language: its place, what it says, and that no input gives anything else."""

from __future__ import annotations

import pickle
import random
import re

import pytest
from hypothesis import given, settings, strategies as st

import shaderdsl
from shaderdsl import DslError, parse


def error_of(text: str | bytes) -> DslError:
    with pytest.raises(DslError) as caught:
        parse(text)
    return caught.value


# Where the error is, is marked by «: it is taken out before parsing.
SYNTAX = [
    ("circle«(0.5", "this bracket is never closed", "')'", ""),
    ("circle«(0.5\nlet a = 1", "this bracket is never closed", "')'", "still open in line 2"),
    ("circle(0.5\n«box(1, 2)", "a comma is missing", "','", "is the bracket of line 1 closed?"),
    ("box(0.5 «0.2)", "a comma is missing", "','", ""),
    ("box((0.5 + a) «r)", "a comma is missing", "','", ""),
    ("circle(0.5) «box(1, 2)", "two values in a row", "an operator", ""),
    ("1 «2", "two values in a row", "an operator", ""),
    ("r «= 0.5", "'=' cannot stand here", "an operator", "let name = value"),
    ("let a = «= 2", "'=' is written once", "a number", "single '='"),
    ("let x =«", "the value after '=' is missing", "a number", ""),
    ("let x =«\ncircle(1)", "the value after '=' is missing", "a number", ""),
    ("let «= 1", "let has no name", "a name", "let name = value"),
    ("let a «1", "let has no '='", "'='", "let name = value"),
    ("let «let = 1", "a word of the language", "", "another name"),
    ("circle(«def)", "a word of the language", "", "another name"),
    ("a |«", "an operator has no value after it", "a number", ""),
    ("a | b |«", "an operator has no value after it", "a number", ""),
    ("a | «* b", "an operator has no value after it", "a number", ""),
    ("«| a", "an operator has no value before it", "a number", ""),
    ("circle(1)\n«* 2", "an operator has no value before it", "a number", ""),
    ("circle(1, «, 2)", "a value is missing before this ','", "a number", ""),
    ("move(«, 2)", "a value is missing before this ','", "a number", ""),
    ("circle(r = «)", "a bracket is closed before its value is complete", "a number", ""),
    ("(«)", "nothing between the brackets", "a number", ""),
    ("circle(1)«)", "closed that was never opened", "", "remove it"),
    ("circle(1)«, 2", "',' stands outside of brackets", "an operator", "(x, y)"),
    ("let a = 0.1 «.. 2", "a range stands only in param", "", "param(0.5, 0.1 .. 2)"),
    ("circle(«0.1 .. 2)", "a range stands only in param", "", "param(0.5, 0.1 .. 2)"),
    ("circle(r = «0.1 .. 2)", "a range stands only in param", "", "param(0.5, 0.1 .. 2)"),
    ("«param(0.5)", "param takes a number and its range", "param(0.5, 0.1 .. 2)", ""),
    ("param(«r, 0.1 .. 2)", "param takes plain numbers", "a number", ""),
    ("param(1deg, «0 .. 2deg)", "a range has the unit of its number", "a number in deg", ""),
    ("param(1, «3 .. 2)", "from its lower end", "low .. high", ""),
    ("circle(param(«1, 2 .. 3))", "outside of its range", "2 .. 3", ""),
    ("«fixed(1, 2)", "fixed takes one value", "fixed(0.5)", ""),
    ("def «= 1", "def has no name", "a name", "def name(a, b) = value"),
    ("def f «= 1", "def has no parameters in brackets", "'('", "def name(a, b) = value"),
    ("def f(«1) = 1", "a parameter of def is a name", "a name", ""),
    ("def f(a «b) = 1", "a comma is missing between parameters", "',' or ')'", ""),
    ("def f(a) «a", "def has no '='", "'='", "def name(a, b) = value"),
    ("def f(a, b) =«", "the value after '=' is missing", "a number", ""),
    ("scene«", "scene does not say its dimension", "2d", "scene 2d"),
    ("scene «4d", "there is no scene '4d'", "2d or 3d", "scene 3d"),
    ("scene 2d «circle(1)", "only settings in brackets", "a new line", "background"),
    ("circle(1)\n«scene 2d", "scene is not the first statement", "", "move it to the top"),
    ("scene 2d\n«scene 2d", "scene is not the first statement", "", "one scene"),
    ("scene 2d(«1)", "takes named settings", "background = #ffffff", ""),
    ("scene 2d(«tim = 1)", "no setting 'tim'", "background or time", "did you mean 'time'?"),
    ("scene 2d(time = «1 + 1)", "a plain number, in seconds", "time = param(0, 0 .. 4)", ""),
    ("scene 2d(time = «2deg)", "a plain number, in seconds", "time = 0", ""),
    ("circle(0.2).repeat_polar(«time)", "is a count", "from 2 to 64", ""),
    ("circle(«time)\nlet time = 0.3", "given its value only later", "", "move its let above"),
    ("circle(sin(«1 / (time - time)))", "cannot be no finite number", "at most 1e+30", ""),
    ("circle(sin(1, «2))", "at most 1 argument", "sin(angle)", ""),
    ("scene 2d(background = «1)", "a background does not take a number", "a colour, or none", ""),
    ("circle(«2d)", "a dimension belongs after scene", "", "2deg"),
    ("circle(1).«(1)", "a method has no name", "a name after '.'", ""),
    ("circle(1).fill«", "a method is called with brackets", "'('", ""),
    ("circle(1.«)", "a digit after its '.'", "a digit", ""),
    ("f(«= 1)", "a name is missing before '='", "name = value", ""),
    ("circle(0.5«;)", "a statement ends inside brackets", "')'", ""),
    ('circle(«"a")', "unknown character '\"'", "", "no texts in quotes"),
    ("circle(1«\0)", "unknown character U+0000", "", ""),
    ("circle(«é)", "unknown character 'é'", "", "letters a to z"),
    ("a «< b", "unknown character '<'", "", "no comparisons"),
    ("circle(1) «/* open", "this comment is never closed", "", "end it with */"),
    ("circle(1) «*/", "a comment is closed that was never opened", "", "/*"),
    ("circle(50«q)", "unknown unit 'q'", "deg, rad, turn, %", ""),
    ("rotate(circle(1), 5«dec)", "unknown unit 'dec'", "deg", "did you mean 'deg'?"),
    ("circle(1).fill(«#12345)", "'#12345' is no colour", "#rrggbb", ""),
    ("circle(1).fill(«#ggg)", "'#ggg' is no colour", "#rrggbb", ""),
    ("circle(1).fill(«#ff000080)", "is no colour", "#rrggbb", "opacity"),
    ("circle(«1e999)", "too large", "at most 1e+30", ""),
    ("circle(-«1e31)", "too large", "at most 1e+30", ""),
    ("polygon((«1, 2, 3))", "a point has two coordinates, not 3", "(x, y)", ""),
    ("box(half_width = 1, «2)", "without a name follows a named one", "name = value", "first"),
    ("circle(1).fill(rgb(0, «1.5, 0))", "between 0 and 1", "0 to 1", ""),
]

MEANING = [
    ("«cirle(0.5)", "unknown shape 'cirle'", "", "did you mean 'circle'?"),
    ("«sphere(0.5)", "sphere is for scene 3d", "", "begin the program with the line: scene 3d"),
    ("circle(0.5).«slice(0.1)", "slice is for scene 3d", "", "begin the program with the line: scene 3d"),
    ("scene 3d\n«pyramdi(0.5)", "unknown shape 'pyramdi'", "", "did you mean 'pyramid'?"),
    ("circle(0.5).«fil(#fff)", "unknown operation 'fil'", "", "did you mean 'fill'?"),
    ("circle(«qqq)", "unknown name 'qqq'", "a name from a let", "let qqq = ..."),
    ("let radius = 1\ncircle(«radios)", "unknown name 'radios'", "", "did you mean 'radius'?"),
    ("circle(«r)\nlet r = 1", "given its value only later", "", "move its let above"),
    ("def f() = circle(«r)\nlet r = 1\nf()", "only later, after the def of 'f'", "", "move its let above"),
    ("«circle.move(1, 2)", "'circle' is a function", "circle(...)", "to call it"),
    ("let a = 1\n«a(1)", "'a' is a value, not a function", "a without brackets", ""),
    ("let a = 1\nlet «a = 2", "'a' already has a value", "a new name", ""),
    ("def f() = 1\ndef «f() = 2", "'f' is defined already", "a new name", ""),
    ("def «circle(a) = 2", "'circle' is part of the language", "a new name", ""),
    ("def f(a, «a) = 2", "two parameters called 'a'", "", ""),
    ("def f(x) = «f(x)\nf(1)", "'f' calls itself", "", "repeat_polar"),
    ("def f() = «g()\ndef g() = circle(1)\nf()", "'g' is defined only later", "", "above this one"),
    ("«g()\ndef g() = circle(1)", "'g' is defined only later", "", "above this line"),
    ("def f(a) = circle(a)\n«f()", "f is missing 'a'", "f(a)", ""),
    ("def f(a) = circle(a)\nf(1, «2)", "at most 1 argument, here there are 2", "f(a)", ""),
    ("def f() = circle(1)\nf(«2)", "f takes no arguments", "f()", ""),
    ("def f(size) = circle(size)\nf(«sise = 2)", "no parameter 'sise'", "f(size)", "did you mean 'size'?"),
    ("«circle()", "circle is missing 'radius'", "circle(radius)", ""),
    ("«box()", "'half_width' and 'half_height'", "box(half_width, half_height, top_right = 0", ""),
    ("circle(1, «2)", "at most 1 argument, here there are 2", "circle(radius)", ""),
    ("circle(1).move(1, 2, «3)", "at most 2 arguments, here there are 3", "shape.move(x, y)", ""),
    ("circle(1, «radius = 2)", "'radius' is given twice", "circle(radius)", ""),
    ("circle(radius = 1, «radius = 2)", "'radius' is given twice", "circle(radius)", ""),
    ("circle(«radus = 1)", "no parameter 'radus'", "circle(radius)", "did you mean 'radius'?"),
    (
        "union(circle(1), circle(2), «smoth = 1)",
        "no parameter 'smoth'",
        "union(shape, shape, ...)",
        "'smooth'",
    ),
    ("«union(circle(1), circle(2), stairs = 1)", "missing 'steps'", "union(shape, shape, ..., stairs, steps)", ""),
    ("union(circle(1), circle(2), stairs = 1, steps = «2.5)", "cannot be 2.5", "a whole number from 1 to 16", ""),
    ("«pipe(circle(1))", "pipe needs two shapes", "pipe(shape, shape, radius)", ""),
    ("pipe(circle(1), circle(2), «circle(3))", "does not take a shape", "a number", "combine shapes with"),
    ("morph(circle(1), circle(2), «1.5)", "'amount' of morph cannot be 1.5", "0 to 1", ""),
    ("«union(circle(1))", "at least 2 shapes, here there are 1", "union(shape, shape, ...)", ""),
    ("«polygon((0, 0), (1, 1))", "at least 3 points, here there are 2", "point", ""),
    (
        "circle(1).fill(«linear(#fff))",
        "at least 2 colours, here there are 1",
        "linear(colour, colour, ...",
        "",
    ),
    ("circle(1).fill(«flat(#fff, #000))", "flat takes one colour", "flat(colour)", ""),
    ("«move()", "move needs a shape", "shape.move(x, y)", ""),
    ("«rgb(1, 2)", "rgb is missing 'blue'", "rgb(red, green, blue)", ""),
    ("circle(«8deg)", "'radius' of circle does not take an angle", "a number", ""),
    ("circle(«#fff)", "'radius' of circle does not take a colour", "a number", ""),
    ("circle(1).rotate(«#fff)", "does not take a colour", "an angle such as 30deg", ""),
    ("circle(«circle(1))", "does not take a shape", "a number", "combine shapes with"),
    ("segment(«1, (0, 0), 1)", "does not take a number", "a point, (x, y)", ""),
    ("polygon((0, 0), «1, (1, 1))", "polygon does not take a number", "points", ""),
    ("polygon((0, 0), «curve(1, 1), (1, 1))", "straight sides only", "points", "path"),
    ("path((0, 0), «curve(1, 1), width = 0.1)", "begins and ends on a point", "(x, y)", ""),
    ("circle((«#fff, 1))", "a coordinate does not take a colour", "a number", ""),
    ("union(circle(1), «2)", "union does not take a number", "a shape", ""),
    ("circle(1) | «2", "union does not take a number", "a shape", ""),
    ("circle(1) + «circle(2)", "cannot apply '+' to shapes", "| (union)", ""),
    ("circle(1 + «#fff)", "cannot add a number and a colour", "numbers, angles or points", ""),
    ("circle(1 / «2deg)", "cannot divide a number by an angle", "numbers", ""),
    ("circle(1deg * «2deg)", "cannot multiply an angle and an angle", "numbers", ""),
    ("let a = «-#fff", "cannot negate a colour", "a number", ""),
    ("«0.5", "this draws nothing: it is a number", "a shape or a painted layer", "let name = ..."),
    ("«round", "this draws nothing: it is a word", "a shape", ""),
    ("circle(1).fill(«1)", "fill does not take a number", "a colour or a paint", ""),
    ("circle(1).fill(#fff).«fill(#000)", "painted already", "one fill a layer", "two statements"),
    (
        "«circle(1).fill(#fff).onion(0.1)",
        "onion takes shapes, and this is painted",
        "a shape",
        "write .fill(...) last",
    ),
    ("circle(1) | «circle(1).fill(#fff)", "union takes shapes, and this is painted", "a shape", "last"),
    ("«circle(1).fill(#fff).repeat_polar(5)", "repeat_polar takes shapes", "a shape", "last"),
    ("«circle(1).opacity(0.5)", "opacity does not take a shape", "a painted layer", ".fill(colour).opacity"),
    ("circle(1).fill(linear(«1, 2))", "linear does not take a number", "colours", ""),
    ("circle(1).fill(mix(#fff, «1, 0.5))", "mix does not take a number", "a colour", ""),
    ("(circle(1) | circle(2)).«round(0.1)", "corners cannot be rounded", "", "union(a, b, round = 0.05)"),
    ("polygon((0, 0), (1, 0), (0, 1)).«round(0.1)", "corners cannot be rounded", "", "offset"),
    ("box(1, 2).repeat_polar(5).«round(0.1)", "corners cannot be rounded", "", "before .repeat_polar"),
    ("circle(«-0.5)", "'radius' of circle cannot be -0.5", "at least 0", ""),
    ("circle(1).scale(«0)", "'x' of scale cannot be 0", "at least 0.0001", ""),
    ("circle(1).fill(#fff).opacity(«150%)", "'amount' of opacity cannot be 150%", "0 to 100 %", ""),
    ("let r = 0.5\ncircle(«r - 0.7)", "'radius' of circle cannot be -0.2", "at least 0", ""),
    ("let r = -1\ncircle(«r)", "'radius' of circle cannot be -1", "at least 0", ""),
    ("circle(«1 / 0)", "cannot be no finite number", "at least 0", ""),
    ("circle(1).fill(rgb(«2 * 1, 0, 0))", "'red' of rgb cannot be 2", "0 to 1", ""),
    ("«star(5, 0.2, 0.5)", "must not exceed its outer radius", "", ""),
    (
        "circle(1).repeat_polar(«2.5)",
        "'count' of repeat_polar cannot be 2.5",
        "a whole number from 2 to 64",
        "",
    ),
    ("circle(1).repeat_polar(«65)", "'count' of repeat_polar cannot be 65", "a whole number", ""),
    ("circle(1).repeat_polar(«2 + 3)", "is a count", "a whole number", ""),
    ("circle(1).repeat_polar(«5deg)", "is a count", "a whole number", ""),
    ("circle(1).repeat_polar(«#fff)", "does not take a colour", "a whole number", ""),
    ("circle(1).repeat_polar(«param(5, 3 .. 8))", "a count is decided", "a whole number", ""),
    (
        "path((0, 0), (1, 1), width = 1, caps = «rond)",
        "'rond' is no choice for 'caps'",
        "round or butt",
        "'round'",
    ),
    (
        "path((0, 0), (1, 1), width = 1, caps = «1)",
        "'caps' of path does not take a number",
        "round or butt",
        "",
    ),
]


@pytest.mark.parametrize(
    ("marked", "message", "expected", "suggestion"),
    SYNTAX + MEANING,
    ids=[case[0] for case in SYNTAX + MEANING],
)
def test_errors_say_where_what_and_how_to_go_on(
    marked: str, message: str, expected: str, suggestion: str
) -> None:
    place = marked.index("«")
    text = marked.replace("«", "")
    error = error_of(text)
    assert message in error.message
    assert expected in error.expected and suggestion in error.suggestion
    before = text[:place]
    assert (error.line, error.column) == (before.count("\n") + 1, place - before.rfind("\n"))
    assert error.source_line == text.split("\n")[error.line - 1]
    lines = str(error).split("\n")
    assert lines[0] == f"line {error.line}, column {error.column}: {error.message}"
    assert lines[2].index("^") - 2 == error.column - 1
    assert pickle.loads(pickle.dumps(error)).args == error.args
    assert shaderdsl.check(text) is not None


# -- bounds --------------------------------------------------------------------------------------------------


def doubled(definition: str, last: str) -> str:
    """Sixty names, each of which uses the one before twice."""
    return "\n".join(
        [definition.format(0, "circle(0.5)"), *[definition.format(i + 1, last.format(i)) for i in range(60)]]
    )


BOUNDS = {
    "bytes": ("a" * 1_000_000, "more than 262,144 bytes"),
    "bytes of two": ("é" * 140_000, "more than 262,144 bytes"),
    "names": ("a " * 30_000, "more than 10,000 names and numbers"),
    "signs": ("f(1),2;" * 20_000, "more than 512 layers"),
    "brackets": ("(" * 100_000, "deeper than 64 levels"),
    "methods": ("circle(0.5)" + ".move(0.1, 0.2)" * 200, "deeper than 64 levels"),
    "minuses": ("circle(" + "-" * 1000 + "1)", "deeper than 64 levels"),
    "mixed operators": ("circle(" + "1 + 2 * (" * 40 + "1" + ")" * 40 + ")", "deeper than 64 levels"),
    "numbers": ("circle(" + " + ".join(["1"] * 5000) + ")", "more than 4,096 numbers"),
    "colours": ("circle(1).fill(" + "#fff," * 2000 + "#fff)", "more than 1,024 arguments"),
    "layers": ("circle(0.5)\n" * 513, "more than 512 layers"),
    "vertices": ("polygon(" + ", ".join(["(0, 0)"] * 1025) + ")", "at most 1,024 vertices"),
    "arguments": ("polygon(" + ", ".join(["p"] * 2000) + ")", "more than 1,024 arguments"),
    "defs": (doubled("def f{0}() = {1}", "f{0}() | f{0}()") + "\nf60()", "defs expanded"),
    "wide defs": (
        doubled("def f{0}() = {1}", "f{0}() | f{0}()").replace("def f61", "") + "\nf14()", "def expanded",
    ),
    "deep defs": (
        "def f0(x) = x\n" + "\n".join(f"def f{i + 1}(x) = f{i}(x)" for i in range(200)) + "\nf200(1)",
        "defs expanded",
    ),
    "lets": (doubled("let a{0} = {1}", "a{0} | a{0}") + "\na60", "more than 20,000 shapes to draw"),
    "deep lets": (
        "let a0 = circle(1)\n" + "\n".join(f"let a{i + 1} = a{i}.move(0, 0)" for i in range(100)),
        "more than 64 operations are nested",
    ),
    "repetitions": ("circle(1)" + ".repeat_grid(2, 2, 1, 1)" * 20, "more than 20,000 shapes to draw"),
    "shapes": (
        "let a = " + "|".join(["circle(1)"] * 900) + "\n" + "a\n" * 30,
        "more than 20,000 shapes to draw",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDS)
def test_bounds_are_named(name: str) -> None:
    text, message = BOUNDS[name]
    error = error_of(text)
    assert message in error.message
    assert len(str(error)) < 1000


def test_what_is_within_the_bounds_is_a_program() -> None:
    layers = "\n".join(f"circle({i / 1000}).move(0.1, -0.2).fill(#123456)" for i in range(512))
    assert len(parse(layers).scene.layers) == 512
    vertices = ", ".join(f"({i}, {i * i % 7})" for i in range(1024))
    assert parse(f"polygon({vertices})").params.shape == (2048,)
    nested = "circle(" + "(" * 62 + "1" + ")" * 62 + ")"
    assert parse(nested).text == "circle(1)"
    assert len(parse("circle(0.5)" + ".move(0.1, 0.2)" * 60).params) == 121
    chain = parse(
        "let a0 = 0.5\n" + "\n".join(f"let a{i + 1} = a{i} * 1.0001" for i in range(3000)) + "\ncircle(a3000)"
    )
    assert parse(chain.text) == chain


def test_long_lines_are_shown_around_the_caret() -> None:
    error = error_of("circle(0.5) | " * 1000 + "cirle(0.5)")
    assert error.column == 14_001
    _, shown, caret, *_ = str(error).split("\n")
    assert len(shown) <= 102 and shown[caret.index("^") :].startswith("cirle")


# -- any input at all ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "line", "column"),
    [(b"\xff\xfe", 1, 1), (b"circle(0.5)\n  \xc3(", 2, 3), ("é\n".encode() + b"\x80", 2, 1)],
)
def test_bytes_that_are_not_utf8(raw: bytes, line: int, column: int) -> None:
    error = error_of(raw)
    assert "not UTF-8" in error.message and "UTF-8" in error.suggestion
    assert (error.line, error.column) == (line, column)


def test_other_types_are_refused() -> None:
    with pytest.raises(TypeError, match="a program is a str or bytes, not NoneType"):
        parse(None)  # type: ignore[arg-type]


SEED = """scene 2d(background = #f4f1ea)
let r = 0.8 // radius
circle(r).move(0.02, -0.04).fill(#000).opacity(0.25).soften(0.06)
def badge(x, y = 0.5) = circle(0.1).move(x, y) | box(half_height = 0.1, half_width = 0.2)
badge(0.3); badge(y = 0.1, x = 0.2).mirror().repeat_polar(5).fill(mix(#fff, hsv(120, 0.5, fixed(0.5)), 50%))
path((0, 0), curve(0.5, 0.5), (1, 0.2), width = param(0.1, 0.01 .. 0.2), closed = no, caps = butt)
polygon((0, 0), (1, 0), (1, r * 0.5), (0.1, 0.2) + (0.1, 0) * 2) /* end */
"""
PIECES = re.findall(r"\w+|\s+|.", SEED)


def damaged(seed: int) -> str:
    """The text above with some of its pieces left out, doubled or exchanged."""
    generator = random.Random(seed)
    pieces = list(PIECES)
    extra = [
        *PIECES,
        "let",
        "def",
        "scene",
        "..",
        "/*",
        "1e999",
        "#12",
        "2d",
        "é",
        "\0",
        "\ud800",
        "%",
        "\u2028",
    ]
    for _ in range(generator.choice((1, 1, 2, 5))):
        place = generator.randrange(len(pieces))
        pieces[place : place + generator.randrange(2)] = generator.choice(
            [[], [generator.choice(extra)], pieces[:place]]
        )
    text = "".join(pieces)
    return text[: generator.randrange(len(text))] if generator.random() < 0.2 else text


@given(st.integers(0, 2**32).map(damaged))
@settings(max_examples=300, deadline=None)
def test_a_damaged_text_is_a_program_or_one_error(text: str) -> None:
    error = shaderdsl.check(text)
    if error is None:
        assert parse(parse(text).text) == parse(text)
    else:
        assert 1 <= error.line <= text.count("\n") + 1 and error.message in str(error)


@given(
    st.text(alphabet=st.sampled_from(list("abr01.,;()|&^-+*/=#% \n\"'{é\0")), max_size=60)
    | st.binary(max_size=40)
)
@settings(max_examples=300, deadline=None)
def test_any_text_is_a_program_or_one_error(text: str | bytes) -> None:
    error = shaderdsl.check(text)
    assert error is None or str(error)
