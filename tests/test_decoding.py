"""The decoding grammar: all it makes is valid and canonical, llguidance reads it, and it has what the sampler draws."""

from __future__ import annotations

import re
from functools import cache
from itertools import product
from random import Random

import pytest
from grammar_walk import Walker, accepts, bytewise_matcher

import data
from shaderdsl import format, parse, syntax
from shaderdsl.decoding import decoding_grammar, decoding_text, grid, number_pattern, quantised
from shaderdsl.registry import operations

WALKS = 2000


@cache
def walked() -> tuple[list[str], set[str]]:
    walker, random = Walker(decoding_grammar()), Random(5)
    return [walker.text(random) for _ in range(WALKS)], walker.used


def test_every_text_of_the_grammar_parses_and_is_canonical() -> None:
    short = 0
    for text in walked()[0]:
        program = parse(text)
        assert decoding_text(program) == text
        # Statements that fit on a line are the same in the usual form, which breaks the others.
        printed = set(format(program).split("\n"))
        fitting = [line for line in text.split("\n") if len(line) <= 100]
        short += len(fitting)
        assert printed.issuperset(fitting)
    assert short > WALKS // 2


def test_the_walk_meets_every_operation() -> None:
    programs = [parse(text) for text in walked()[0]]
    used = data.coverage_report(programs).operations
    # A flat paint is written as its colour, and is used all the same.
    assert [name for name, count in used.items() if not count] == []


@pytest.mark.parametrize(
    ("first", "last", "digits"),
    [(-128, 128, 2), (0, 128, 2), (1, 300, 2), (30, 90, 2), (-128, -3, 2), (0, 100, 2), (-180, 180, 0), (3, 64, 0), (95, 1234, 0)],
)
def test_number_patterns_are_exact(first: int, last: int, digits: int) -> None:
    pattern = re.compile(number_pattern(first, last, digits))
    found = {n for n in range(-1500, 1500) if pattern.fullmatch(f"{n / 10**digits:g}")}
    assert found == set(range(first, last + 1))
    for wrong in ("-0", "00", "0.50", "1.0", "1.", ".5", "+1", "01", ""):
        assert not pattern.fullmatch(wrong), wrong


def test_constraints_hold_in_every_corner_of_the_grid() -> None:
    constrained = [o for o in operations().values() if o.constraint is not None]
    assert constrained
    for operation in constrained:
        for corner in product(*(grid(p)[:2] for p in operation.parameters)):
            assert operation.constraint is not None
            assert not operation.constraint(**{p.name: v for p, v in zip(operation.parameters, corner)})


def test_llguidance_accepts_the_grammar() -> None:
    llguidance = pytest.importorskip("llguidance", reason="llguidance is not installed: pip install 'earthshader[development]'")
    matcher = llguidance.LLMatcher
    assert matcher.validate_grammar(matcher.grammar_from_lark(decoding_grammar())) == ""


def test_llguidance_takes_what_the_walk_writes_and_nothing_else() -> None:
    matcher = bytewise_matcher(decoding_grammar())
    for text in walked()[0][:300]:
        assert accepts(matcher, text) == ""
    for wrong in (
        "circle(0.5)", "circle(0.50).fill(#ffffff)", "circle(2).fill(#ffffff)", "circle(0.5).fill(#fff)",
        "circle( 0.5).fill(#ffffff)", "ngon(2, 0.5).fill(#ffffff)", "ellipse(0.5, 0.2).round(0.1).fill(#ffffff)",
        "circle(0.5).fill(#ffffff).mirror()", "circle(0.5) | circle(0.2).fill(#ffffff)",
    ):  # fmt: skip
        assert accepts(matcher, wrong) != "", wrong


@pytest.mark.parametrize("level", [1, 2])
def test_the_grammar_has_what_the_sampler_draws(level: int) -> None:
    matcher = bytewise_matcher(decoding_grammar())
    for program in data.generate(300, level, seed=3):
        assert accepts(matcher, decoding_text(quantised(program))) == ""


def test_the_grammar_has_level_three_without_names_and_arithmetic() -> None:
    matcher = bytewise_matcher(decoding_grammar())
    outside = (syntax.Let, syntax.Def, syntax.Ranged, syntax.Fixed, syntax.Negation)
    tried = 0
    for program in data.generate(600, 3, seed=4):
        nodes = list(syntax.walk(program.structure.module))
        if (
            any(isinstance(n, outside) or (isinstance(n, syntax.Number) and n.unit) for n in nodes)
            or any(isinstance(n, syntax.Chain) and n.operators[0] in "+*/" for n in nodes)
            or any(isinstance(n, syntax.Call) and n.name in ("rgb", "hsv", "mix", "flat") for n in nodes)
            or any(isinstance(n, syntax.Draw) and not (isinstance(n.value, syntax.Call) and ".fill(" in decoding_text(program)) for n in nodes)
        ):
            continue
        text = decoding_text(quantised(program))
        if text.count(".fill(") < sum(isinstance(n, syntax.Draw) for n in nodes) or " - 0" in text or text.startswith("scene 2d\n"):
            continue
        if re.search(r"(\.(?!fill)[a-z_]+\([^()]*\)){5}", text):
            continue  # the grammar has up to four steps one after the other
        tried += 1
        assert accepts(matcher, text) == ""
    assert tried > 20


def test_quantised_numbers_lie_on_the_grid_and_stay_near() -> None:
    program = parse("box(0.123456, 5).rotate(33.7).fill(rgb(0.111, 0.5, 1))")
    assert decoding_text(quantised(program)) == "box(0.12, 1.28).rotate(34).fill(#1c80ff)"
    assert quantised(quantised(program)) == quantised(program)
