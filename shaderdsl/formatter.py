"""Formatting: the canonical text of a program, and of a text with its comments kept."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shaderdsl.parser import decoded, language
from shaderdsl.program import parse

if TYPE_CHECKING:
    from shaderdsl.program import Program

_COMMENT = re.compile(r"//[^\n]*|/\*[\s\S]*?\*/")


def format_program(program: Program) -> str:
    """The canonical text of a program, without comments and without a newline at its end."""
    return program.text


def format_text(text: str | bytes) -> str:
    """The canonical text of a text, its comments and single empty lines kept, with a newline at its end.

    A comment on a line of its own stays before its statement; one behind a statement stays behind it; one
    inside of a statement goes before it. Raises DslError if the text is no valid program.
    """
    source = decoded(text)
    program = parse(source)
    extents = _extents(source)
    comments = [(m.start(), m.end(), _tidy(m.group())) for m in _COMMENT.finditer(source)]
    lines: list[str] = []
    place = position = 0
    following = [*[start for start, _ in extents], len(source)][1:]
    printed_statements = program.structure.texts(program.params)
    if len(printed_statements) > len(extents):
        # A header that the text does not have, for the time.
        lines.append(printed_statements.pop(0))
    for (start, stop), limit, printed in zip(extents, following, printed_statements, strict=True):
        while position < len(comments) and comments[position][0] < stop:
            first, last, comment = comments[position]
            if lines and first < start and _is_gap(source[place:first]):
                lines.append("")
            lines.append(comment)
            place = max(place, last)
            position += 1
        if lines and place < start and _is_gap(source[place:start]):
            lines.append("")
        place = stop
        while position < len(comments) and comments[position][0] < limit:
            first, last, comment = comments[position]
            if "\n" in source[place:first]:
                break
            printed += "  " + comment
            place = last
            position += 1
        lines.append(printed)
    for first, last, comment in comments[position:]:
        if lines and _is_gap(source[place:first]):
            lines.append("")
        lines.append(comment)
        place = last
    return "".join(line + "\n" for line in lines)


def _extents(source: str) -> list[tuple[int, int]]:
    """Where each statement begins and ends."""
    result: list[tuple[int, int]] = []
    first = last = -1
    kinds, _, starts, order = language().lexer.tokens(source)
    for position in order:
        if kinds[position] == "END":
            result.append((first, last))
            first = -1
        else:
            first = starts[position] if first < 0 else first
            last = starts[position + 1]
    return result


def _is_gap(between: str) -> bool:
    """Whether there is an empty line in the text between two things."""
    return between.count("\n") > 1


def _tidy(comment: str) -> str:
    return "\n".join(line.rstrip() for line in comment.splitlines())
