"""Properties of the language over random programs: round trips, and texts damaged in every way."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings, strategies as st

import data
from data.damage import ODD, damaged
from shaderdsl import DslError, Program, format, parse


def roughened(text: str, random: Random) -> str:
    """The same program in other words: comments, spaces, `;`, long colours cut short, digits written otherwise."""
    lines = []
    for line in text.split("\n"):
        line = line.replace(", ", random.choice((",", " ,  ", ", /* a remark */ ", ",\n    ")))
        line = line.replace("#ffffff", random.choice(("#fff", "#FFFFFF"))).replace("(0.", random.choice(("(.", "(0.")))
        lines.append(line + random.choice(("", "  // why", " ;", ";;", "\n\n")))
    return "\n".join(lines)


def parse_or_refuse(text: str) -> Program | None:
    """The program, or None where a whole DslError is given; anything else is a fault."""
    try:
        return parse(text)
    except DslError as error:
        assert error.message and error.line >= 1 and error.column >= 1 and str(error)
        return None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**62), st.integers(1, 3))
def test_round_trip(seed: int, level: int) -> None:
    program = data.sample(seed, level=level)
    text = format(program)
    again = parse(text)
    assert again == program and hash(again) == hash(program)
    assert format(again) == text


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**62))
def test_spelling_does_not_matter(seed: int) -> None:
    written = data.sample_text(seed)
    rough = roughened(written, Random(seed))
    program = parse(written)
    assert parse(rough) == program
    # With its comments kept, formatting is stable from the first time.
    tidy = format(rough)
    assert format(tidy) == tidy and parse(tidy) == program


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**62), st.floats(0.97, 1.03), st.integers(0, 2**31))
def test_other_numbers_round_trip(seed: int, factor: float, choice: int) -> None:
    program = data.sample(seed, level=2)
    params = program.params.copy()
    params[choice % len(params)] *= factor
    try:
        changed = program.with_params(params)
    except ValueError:
        return  # beyond a hard limit
    assert parse(format(changed)) == changed


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 2**62))
def test_damaged_texts_are_refused_or_read(seed: int) -> None:
    random = Random(seed)
    program = parse_or_refuse(damaged(data.sample_text(seed), random))
    if program is not None:
        assert parse(format(program)) == program


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=st.sampled_from(ODD + "circleboxdef let fill"), max_size=60))
def test_any_text_is_refused_or_read(text: str) -> None:
    parse_or_refuse(text)
