"""The language: productions, types, canonical text, programs as values."""

from __future__ import annotations

import colorsys
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import shaderdsl
from shaderdsl import parse, program as programs
from shaderdsl.emit import shortest
from shaderdsl.parser import BOOLEAN_OPERATORS
from shaderdsl.registry import Operation, Parameter, operations
from shaderdsl.scene import Combination, Modified, Outline, Placed, Primitive

# -- random programs -----------------------------------------------------------------------------------------


class Writer:
    """Writes random valid programs of every operation, unit and form of statement."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.lets: list[str] = []

    def number(self, low: float, high: float, angle: bool = False) -> str:
        value = self.random.uniform(low, high)
        form = self.random.random()
        if angle and form < 0.4:
            unit, size = self.random.choice([("deg", 1.0), ("rad", 57.29578), ("turn", 360.0)])
            return f"{value / size:.4f}{unit}"
        if form < 0.5 and not angle:
            return f"{100.0 * value:.3f}%"
        if form < 0.55:
            return f"fixed({value:.3f})"
        if form < 0.6:
            return (
                f"param({value:.3f}, {value - 1.0:.3f} .. {value + 1.0:.3f})" if low < 0.0 else f"{value:.3f}"
            )
        if form < 0.7:
            return f"{value * 0.5:.4f} + {value * 0.25:.4f} * 2"
        return f"{value:.{self.random.randrange(1, 9)}f}" if low < 0.0 else f"{value + 1e-9:.5f}"

    def argument(self, parameter: Parameter) -> str:
        low, high = parameter.low, parameter.high
        if parameter.kind == "count":
            return str(self.random.randint(int(low), int(min(high, 8))))
        if parameter.kind == "choice":
            return self.random.choice(parameter.choices)
        if parameter.kind == "point":
            return f"({self.number(low, high)}, {self.number(low, high)})"
        return self.number(low, high, parameter.kind == "angle")

    def arguments(self, operation: Operation) -> list[str]:
        result, named = [], bool(operation.variadic)
        for parameter in operation.parameters:
            if parameter.default is not None and self.random.random() < 0.5:
                named = True
                continue
            named = named or self.random.random() < 0.2
            result.append(
                f"{parameter.name} = {self.argument(parameter)}" if named else self.argument(parameter)
            )
        return result

    def call(self, operation: Operation, *leading: str) -> str:
        if operation.constraint is not None:
            return operation.example
        return f"{operation.function}({', '.join([*leading, *self.arguments(operation)])})"

    def method(self, receiver: str, operation: Operation) -> str:
        arguments = ", ".join(self.arguments(operation))
        if self.random.random() < 0.2:
            return f"{operation.function}({', '.join(x for x in (receiver, arguments) if x)})"
        return f"({receiver}).{operation.function}({arguments})"

    def one_of(self, *categories: str) -> Operation:
        return self.random.choice([o for o in operations().values() if o.category in categories])

    def point(self) -> str:
        return f"({self.number(-1, 1)}, {self.number(-1, 1)})"

    def shape(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.3:
            operation = self.one_of("shape", "outline")
            if operation.variadic:
                return self.call(operation, *[self.point() for _ in range(self.random.randrange(3, 6))])
            return self.call(operation)
        if self.random.random() < 0.4:
            operation = self.one_of("boolean")
            shapes = [self.shape(depth - 1) for _ in range(self.random.randrange(2, 4) if operation.variadic else 2)]
            if operation.name in BOOLEAN_OPERATORS and self.random.random() < 0.7:
                return f"({f' {BOOLEAN_OPERATORS[operation.name]} '.join(shapes)})"
            return self.call(operation, *shapes)
        operation = self.one_of("transform", "repetition", "modifier")
        if operation.name == "round":
            return f"box(0.5, {self.number(0.2, 0.5)}).round({self.number(0.01, 0.1)})"
        return self.method(self.shape(depth - 1), operation)

    def colour(self) -> str:
        form = self.random.randrange(5)
        if form == 0:
            return f"#{self.random.randrange(4096):03x}"
        if form == 1:
            return f"rgb({self.number(0, 1)}, {self.number(0, 1)}, {self.number(0, 1)})"
        if form == 2:
            return f"hsv({self.number(0, 360, True)}, {self.number(0, 1)}, {self.number(0, 1)})"
        if form == 3:
            return f"mix({self.colour()}, {self.colour()}, {self.number(0, 1)})"
        return f"#{self.random.randrange(1 << 24):06X}"

    def paint(self) -> str:
        operation = self.one_of("paint")
        if not operation.parameters:
            return self.colour()
        return self.call(operation, *[self.colour() for _ in range(self.random.randrange(2, 4))])

    def layer(self) -> str:
        text = f"{self.shape(2)}.fill({self.paint()})"
        for _ in range(self.random.randrange(3)):
            text = self.method(text, self.one_of("layer", "transform"))
        return text

    def text(self) -> str:
        lines = []
        if self.random.random() < 0.7:
            lines.append(
                self.random.choice(
                    ["scene 2d", "scene 2d(background = none)", f"scene 2d(background = {self.colour()})"]
                )
            )
        lines.append(f"let size = {self.number(0.1, 1)}")
        lines.append(f"let spot = {self.point()} + ({self.number(0, 1)}, -size) * 0.5")
        lines.append(f"let part = {self.shape(1)}")
        lines.append(
            f"def badge(s, x = {self.number(-1, 1)}, y = size) = s.scale(0.5).move(x, y) | circle(size * 0.5)"
        )
        lines.append("badge(part).fill(#123)")
        lines.append(f"badge(y = {self.number(-1, 1)}, s = {self.shape(1)})")
        lines.append("polygon((0, 0), spot, (size, 1 - size))")
        lines += [self.layer() for _ in range(self.random.randrange(1, 4))]
        return self.random.choice(["\n", "\n\n", "; ", " // note 1\n", " /* 0.5 */\n"]).join(lines)


texts = st.integers(0, 2**32).map(lambda seed: Writer(seed).text())
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def cold(text: str) -> programs.Program:
    """The program of a text whose skeleton is forgotten."""
    programs._skeletons.clear()
    return parse(text)


# -- properties ----------------------------------------------------------------------------------------------


@quick
@given(texts)
def test_canonical_text_reads_back_as_the_same_program(text: str) -> None:
    program = cold(text)
    again = cold(program.text)
    assert again == program and hash(again) == hash(program)
    assert again.text == program.text
    assert again.structure.key == program.structure.key


@quick
@given(texts)
def test_formatting_keeps_the_program_and_is_stable(text: str) -> None:
    formatted = shaderdsl.format_text(text)
    assert parse(formatted) == parse(text)
    assert shaderdsl.format_text(formatted) == formatted
    assert formatted.count("note 1") == text.count("note 1")


@quick
@given(texts, st.integers(0, 2**32))
def test_a_known_skeleton_gives_what_the_parser_gives(text: str, seed: int) -> None:
    generator = random.Random(seed)
    program = cold(text)
    changed = program.params * (1.0 - 0.01 * generator.random())
    if not program.structure.allows(changed):
        return
    other = program.with_params(changed).text
    slow = cold(other)
    warm = parse(other)
    assert warm.structure is slow.structure
    assert np.array_equal(warm.params, slow.params)
    assert warm == program.with_params(changed)


@quick
@given(texts)
def test_parameters_say_where_they_stand(text: str) -> None:
    program = parse(text)
    infos = program.parameters
    lines = program.text.split("\n")
    assert len(infos) == len(program.params)
    assert len({info.name for info in infos}) == len(infos)
    for info, value in zip(infos, program.params, strict=True):
        assert info.low <= value <= info.high and info.low < info.high
        written = lines[info.line - 1][info.column - 1 : info.end_column - 1]
        if info.kind == "colour" and written[0] in "#r":
            continue
        assert written == shortest(value + 0.0) + info.unit
        assert info.name.startswith(info.group)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
@settings(max_examples=300, deadline=None)
def test_every_float32_prints_in_its_fewest_digits(value: float) -> None:
    text = shortest(value)
    assert np.float32(float(text)) == np.float32(value)
    assert len(text.replace("-", "").replace(".", "").split("e")[0].strip("0")) <= 9
    if abs(value) <= 1e30:
        program = parse(f"circle(0.5).move({text}, 0)")
        assert np.float32(program.params[1]) == np.float32(value)
        assert parse(program.text) == program


# -- productions and canonical text --------------------------------------------------------------------------

CANONICAL = [
    ("", ""),
    ("circle( 0.50 )", "circle(0.5)"),
    ("circle(.5);;\n;box(1,2)", "circle(0.5)\nbox(1, 2)"),
    ("move(circle(0.5), 0.1, -0.2)", "circle(0.5).move(0.1, -0.2)"),
    ("circle(0.5)\n  .move(0.1,\n 0.2)\n\n  .fill(#F00)", "circle(0.5).move(0.1, 0.2).fill(#ff0000)"),
    ("fill(paint = #fff, shape = circle(1))", "circle(1).fill(#ffffff)"),
    ("box(half_height = 0.2, half_width = 0.1)", "box(0.1, 0.2)"),
    ("box(1, 2, bottom_left = 0.1)", "box(1, 2, bottom_left = 0.1)"),
    ("box(1, 2, top_left = 0.1, top_right = 0.3)", "box(1, 2, 0.3, top_left = 0.1)"),
    ("union(circle(1), box(1, 2), circle(3))", "circle(1) | box(1, 2) | circle(3)"),
    ("union(circle(1), circle(2)) - circle(0.1)", "(circle(1) | circle(2)) - circle(0.1)"),
    ("circle(1) | circle(2) - circle(0.1)", "circle(1) | (circle(2) - circle(0.1))"),
    ("circle(1) - (circle(2) - circle(3))", "circle(1) - (circle(2) - circle(3))"),
    ("(circle(1) - circle(2)) - circle(3)", "circle(1) - circle(2) - circle(3)"),
    ("difference(circle(1), circle(2), circle(3))", "circle(1) - circle(2) - circle(3)"),
    ("circle(1) ^ circle(2) & circle(3)", "circle(1) ^ (circle(2) & circle(3))"),
    ("circle(1).union(circle(2), smooth = 0.1)", "union(circle(1), circle(2), smooth = 0.1)"),
    ("union(circle(1), circle(2), steps = 3, stairs = 0.1)", "union(circle(1), circle(2), stairs = 0.1, steps = 3)"),
    ("circle(1).groove(circle(2), width = 0.2, depth = 0.1)", "groove(circle(1), circle(2), 0.1, 0.2)"),
    ("circle(1 + 2 * 3 - (4 - 5) / 6)", "circle(1 + 2 * 3 - (4 - 5) / 6)"),
    ("circle(1 - -(0.5))", "circle(1 - -0.5)"),
    ("let r = - - 2\ncircle(--r)", "let r = 2\ncircle(r)"),
    ("let r = -1\ncircle(-(r - 2))", "let r = -1\ncircle(-(r - 2))"),
    ("circle(1).rotate(0.25turn).rotate(1rad)", "circle(1).rotate(0.25turn).rotate(1rad)"),
    ("circle(1e-5).move(2.5E3, 50%)", "circle(1e-5).move(2500, 50%)"),
    ("circle(param(.5, .1..2)).rotate(param(8deg, -10deg .. 1e2deg))",
     "circle(param(0.5, 0.1 .. 2)).rotate(param(8deg, -10deg .. 100deg))"),
    ("circle(fixed(1)).fill(fixed(#fff))", "circle(fixed(1)).fill(fixed(#ffffff))"),
    ("circle(1).fill(rgb(1, 0, 0.2))", "circle(1).fill(#ff0033)"),
    ("circle(1).fill(rgb(1, 0, 0.25))", "circle(1).fill(rgb(1, 0, 0.25))"),
    ("circle(1).fill(rgb(1, 0, 20%))", "circle(1).fill(rgb(1, 0, 20%))"),
    ("def f(a, b = 2,) = circle(a * b)\nf(b = 1, a = 3)", "def f(a, b = 2) = circle(a * b)\nf(3, 1)"),
    ("def f(a = 1, b = 2) = circle(a * b)\nf(b = 3)", "def f(a = 1, b = 2) = circle(a * b)\nf(b = 3)"),
    ("path((0, 0), curve(1, 1), (1, 0), closed = yes, width = 0.1)",
     "path((0, 0), curve(1, 1), (1, 0), width = 0.1, closed = yes)"),
    ("scene 2d(background = none)\ncircle(1)", "scene 2d(background = none)\ncircle(1)"),
    ("scene 2d()", "scene 2d"),
    ("scene 3d\nbox(1, 2, top_right = 0.1).extrude(0.1)", "scene 3d\nbox(1, 2, top_right = 0.1).extrude(0.1)"),
    ("scene 3d\nbox(half_height = 2, half_width = 1, top_right = 0.1).extrude(0.1)",
     "scene 3d\nbox(1, 2, top_right = 0.1).extrude(0.1)"),
    ("scene 3d\nbox(1, 2, bottom_right = 0.2, top_right = 0.1).extrude(0.1)", "scene 3d\nbox(1, 2, 0.1, 0.2).extrude(0.1)"),
    ("scene 3d\nbox(1, half_depth = 0.1, half_height = 2)", "scene 3d\nbox(1, 2, 0.1)"),
    ("/* a */ circle(1) // b", "circle(1)"),
    ("\ufeffcircle(1)\r\ncircle(2)\r\n", "circle(1)\ncircle(2)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "canonical"), CANONICAL)
def test_canonical_text(text: str, canonical: str) -> None:
    program = cold(text)
    assert program.text == canonical == str(program) == shaderdsl.format(program)
    assert parse(canonical) == program
    assert parse(text.encode()) == program


def test_long_lines_break_in_brackets_or_before_dots() -> None:
    points = ", ".join(f"(0.{i}, -0.{i})" for i in range(10, 30))
    wide = "linear(#ff0000, #00ff00, #0000ff, #ff00ff, #00ffff, start = (-0.75, 0.25), end = (0.75, -0.25))"
    shapes = " | ".join(f"circle(0.{i}).move(0.1, 0.2)" for i in range(1, 9))
    program = parse(
        f"let p = polygon({points})\np.rotate(30).fill({wide}).opacity(0.5)\n({shapes}).fill(#fff)\n{shapes}"
    )
    assert all(len(line) <= 100 for line in program.text.split("\n"))
    assert program.text.split("\n")[0] == "let p = polygon("
    assert "\n    .opacity(0.5)" in program.text
    assert "\n    | circle(0.2).move(0.1, 0.2)" in program.text
    assert parse(program.text) == program


def test_every_example_of_the_registry_is_a_program() -> None:
    for operation in operations().values():
        program = parse(operation.example)
        assert parse(program.text) == program


# -- meaning -------------------------------------------------------------------------------------------------


def values_of(program: programs.Program, *expressions: object) -> list[float]:
    return program.scene.graph.evaluate(expressions, dict(enumerate(program.params.tolist())))  # type: ignore[arg-type]


def test_units_reach_the_scene_as_numbers_and_radians() -> None:
    program = parse("circle(50%).rotate(90).rotate(90deg).rotate(0.25turn).rotate(2rad).rotate(90 * 1deg)")
    assert program.params.tolist() == [50, 90, 90, 0.25, 2, 90, 1]
    shape, angles = program.scene.layers[0].shape, []
    while isinstance(shape, Placed):
        angles.append(shape.scalars[0])
        shape = shape.child
    assert isinstance(shape, Primitive)
    found = values_of(program, *angles, shape.scalars[0])
    assert found == pytest.approx([np.pi / 2, 2, np.pi / 2, np.pi / 2, np.pi / 2, 0.5])


def test_shapes_booleans_and_outlines_make_their_scene() -> None:
    program = parse("box(0.5, 0.4).round(0.1) | path((0, 0), curve(1, 1), (1, 0), width = 0.1, caps = butt)")
    combination = program.scene.layers[0].shape
    assert isinstance(combination, Combination) and combination.operation.name == "union"
    rounded, stroke = combination.children
    assert isinstance(rounded, Modified) and rounded.operation.name == "round"
    assert isinstance(stroke, Outline) and stroke.operation.name == "stroked path"
    assert [v.on for v in stroke.vertices] == [True, False, True]
    assert dict(stroke.decided) == {"caps": "butt", "closed": "no"}


def test_layers_keep_paint_opacity_and_softness() -> None:
    program = parse(
        "circle(1).fill(#f00).opacity(0.5).soften(0.3).move(1, 2).opacity(0.5).soften(0.4).scale(2)\n"
        "circle(1)"
    )
    layer, plain = program.scene.layers
    assert [p.operation.name for p in layer.paint.placements] == ["move", "scale"]
    assert isinstance(layer.shape, Placed) and layer.shape.operation.name == "scale"
    assert values_of(program, layer.opacity, layer.softness) == pytest.approx([0.25, 1.0])
    assert plain.opacity is None and plain.softness is None
    assert values_of(program, *plain.paint.colours[0]) == [0, 0, 0]
    assert [layer.line for layer in program.scene.layers] == [1, 2]


def test_background_is_white_unless_said_otherwise() -> None:
    white = parse("circle(1)").scene
    assert white.background is not None
    assert white.graph.evaluate(white.background, {}) == [1, 1, 1]
    assert parse("scene 2d(background = none)").scene.background is None
    program = parse("scene 2d(background = #0f0)")
    assert values_of(program, *program.scene.background) == [0, 1, 0]  # type: ignore[misc]


@given(st.floats(-2, 3), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_hsv_is_that_of_the_standard_library(hue: float, saturation: float, value: float) -> None:
    program = parse("circle(1).fill(hsv(0.1turn, 0.2, 0.3))").with_params([1, hue, saturation, value])
    colour = values_of(program, *program.scene.layers[0].paint.colours[0])
    assert colour == pytest.approx(colorsys.hsv_to_rgb(hue % 1.0, saturation, value), abs=1e-9)


def test_mix_goes_from_one_colour_to_the_other() -> None:
    program = parse("circle(1).fill(mix(#000, #fff, 25%))")
    assert values_of(program, *program.scene.layers[0].paint.colours[0]) == [0.25, 0.25, 0.25]


def test_points_can_be_calculated_with() -> None:
    program = parse("let p = (1, 2)\npolygon((0, 0), -p * 2 + (1, 0), 0.5 * p - (1, 1) / 4)")
    outline = program.scene.layers[0].shape
    assert isinstance(outline, Outline)
    found = values_of(program, *[c for v in outline.vertices for c in (v.x, v.y)])
    assert found == [0, 0, -1, -4, 0.25, 0.75]


def test_a_let_used_twice_shares_its_numbers() -> None:
    program = parse("let r = 0.5\ncircle(r)\ncircle(r)\ndef f(x) = circle(0.1).move(x, 0)\nf(1)\nf(2)")
    assert program.params.tolist() == [0.5, 0.1, 0, 1, 2]
    first, second = program.scene.layers[:2]
    assert first.shape.scalars[0].index == second.shape.scalars[0].index


def test_counts_are_part_of_the_structure() -> None:
    five, six = (
        parse("circle(0.1).move(0.5, 0).repeat_polar(5)"),
        parse("circle(0.1).move(0.5, 0).repeat_polar(6)"),
    )
    assert five.params.tolist() == six.params.tolist() == [0.1, 0.5, 0]
    assert five != six and five.structure.key != six.structure.key
    assert parse(six.text.replace("6", "5")) == five
    named = parse("let n = 5\ncircle(0.1).repeat_polar(n).scale(0.1 * n)")
    assert named.params.tolist() == [0.1, 0.1]
    assert parse(named.text) == named


# -- programs as values --------------------------------------------------------------------------------------


def test_with_params_is_another_program_of_the_same_structure() -> None:
    program = parse("circle(0.5).fill(#ff0000)")
    other = program.with_params([0.7, 0.5, 0.25, 1])
    assert other.structure is program.structure and other != program
    assert other.text == "circle(0.7).fill(rgb(0.5, 0.25, 1))"
    assert parse(other.text) == other and parse(other.text).structure.key == program.structure.key
    assert program.with_params(program.params) == program
    assert program.params.tolist() == [0.5, 1, 0, 0]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ([0.5], "3 parameters, not an array of shape"),
        ([0.5, 0.1, np.nan], "layer1.move.y"),
        ([0.5, np.inf, 0.1], "layer1.move.x"),
        ([-0.5, 0.1, 0.1], "layer1.circle.radius.*at least 0"),
        ([3, 0.1, 0.1], "layer1.circle.radius.*0.1 to 2"),
    ],
)
def test_with_params_refuses_what_no_text_could_say(params: list[float], message: str) -> None:
    text = "circle(param(0.5, 0.1 .. 2)).move(0, 0)" if params[0] == 3 else "circle(0.5).move(0, 0)"
    with pytest.raises(ValueError, match=message):
        parse(text).with_params(params)


def test_with_params_keeps_limits_of_arithmetic() -> None:
    program = parse("let r = 0.5\ncircle(r - 0.2)")
    with pytest.raises(ValueError, match="'radius' of circle cannot be -0.1"):
        program.with_params([0.1, 0.2])


def test_programs_cannot_be_changed_and_can_be_stored() -> None:
    program = parse("circle(0.5)")
    with pytest.raises(AttributeError):
        program.text = "circle(1)"  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        program.params[0] = 1
    assert {program: 1}[parse(" circle( 0.50 ) // same")] == 1
    exact = program.with_params([1 / 3])
    stored = pickle.loads(pickle.dumps(exact))
    assert stored == exact and stored.params[0] == 1 / 3
    assert eval(repr(program), {"Program": parse}) == program


def test_equal_structures_share_their_cache() -> None:
    first, second = parse("circle(0.5) | circle(0.25)"), parse("union(circle(0.5),   circle(0.125))")
    first.structure.cache["tape"] = 1
    assert second.structure.cache["tape"] == 1
    assert parse("circle(0.5) & circle(0.25)").structure.cache == {}


def test_names_units_and_ranges_of_parameters() -> None:
    program = parse(
        "scene 2d(background = #fff)\nlet r = 0.8\nlet body = box(0.5, 0.1).move(0.1, 2)\n"
        "circle(r).fill(radial(#fff, #000, radius = r * 2))\n"
        "(body | circle(0.1) - circle(0.2)).rotate(0.25turn).fill(fixed(#f00))"
        ".opacity(param(50%, 10% .. 90%))"
    )
    infos = {info.name: info for info in program.parameters}
    assert list(infos)[3:7] == ["r", "body.box.half_width", "body.box.half_height", "body.move.x"]
    assert {"background.r", "layer1.radial.c1.g", "layer2.circle.radius", "layer2.circle2.radius"} <= set(
        infos
    )
    assert (infos["r"].kind, infos["r"].group, infos["r"].low, infos["r"].high) == ("length", "r", 0.05, 0.9)
    assert infos["body.move.y"].high == 2.0
    turn = infos["layer2.rotate.angle"]
    assert (turn.unit, turn.low, turn.high) == ("turn", -0.5, 0.5)
    assert not infos["layer2.fill.r"].trainable and infos["r"].trainable
    opacity = infos["layer2.opacity.amount"]
    assert (opacity.unit, opacity.low, opacity.high) == ("%", 10, 90)


def test_number_count_counts_every_literal() -> None:
    text = "circle(fixed(0.5)).move(1, r).repeat_polar(5).fill(#fff).opacity(param(0.5, 0 .. 1))"
    assert shaderdsl.number_count(parse(f"let r = 2\n{text}")) == 1 + 1 + 1 + 1 + 3 + 3


# -- comments ------------------------------------------------------------------------------------------------


def test_comments_stay_where_they_belong() -> None:
    text = (
        "\n// head\n\n\n/* two\n   lines */\nscene 2d // tail\nlet r=1;let s = 2 /* s */ // both\n"
        "\n\n// before\n"
        "circle(r /* inside */ * s)\n  // between\n  .move(0, 0)\n"
        "/* a */ circle(1) /* b */; circle(2)\n// end"
    )
    formatted = (
        "// head\n\n/* two\n   lines */\nscene 2d  // tail\nlet r = 1\n"
        "let s = 2  /* s */  // both\n\n// before\n"
        "/* inside */\n// between\ncircle(r * s).move(0, 0)\n/* a */\ncircle(1)  /* b */\ncircle(2)\n// end\n"
    )
    assert shaderdsl.format(text) == formatted
    assert shaderdsl.format_text(formatted) == formatted


def test_a_text_of_comments_alone_is_kept() -> None:
    assert shaderdsl.format_text("// a\n\n\n\n/* b */") == "// a\n\n/* b */\n"
    assert shaderdsl.format_text("\n\n") == ""


# -- imports -------------------------------------------------------------------------------------------------


def test_importing_is_light() -> None:
    script = (
        "import sys, shaderdsl\n"
        "heavy = {'lark', 'taichi', 'torch', 'moderngl', 'scipy', 'skimage', 'transformers', 'numba'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "shaderdsl.parse('circle(0.5)')\n"
        "assert heavy & set(sys.modules) == {'lark'}"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


@pytest.mark.parametrize("piece", ["1.25", "1.5e-3", "0.05644", "12.5deg", "#a1b2c3", "circle", "..", "/* here */", "// here\n"])
def test_a_text_may_be_cut_anywhere_between_blocks(piece: str) -> None:
    """The lexer looks at blocks of a text; where they meet must not matter."""
    from shaderdsl.lexer import _BLOCK
    from shaderdsl.parser import language

    lexer = language().lexer
    for shift in range(len(piece) + 2):
        text = " " * (_BLOCK - shift) + piece + " 7"
        found = lexer.tokens(text)
        alone = lexer.tokens(piece + " 7")
        assert [t for t in found.texts if t.strip()] == [t for t in alone.texts if t.strip()]
