"""The one error that a program's text can give: where it is, what was expected, and what to write instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MAX_CANDIDATES = 1000
"""Names that are compared to an unknown one: all of any text that a person wrote."""

_WINDOW = 100
"""Columns of a source line that an error shows; longer lines are cut around the caret."""


class DslError(ValueError):
    """A text is no valid program.

    `message` is one sentence; `line` and `column` count from 1 (in characters); `source_line` is the line of
    the text, `length` the number of characters that the carets underline; `expected` says what could stand
    there, and `suggestion` what to do about it. The last two may be empty.
    """

    def __init__(
        self,
        message: str,
        line: int = 1,
        column: int = 1,
        source_line: str = "",
        expected: str = "",
        suggestion: str = "",
        length: int = 1,
    ) -> None:
        super().__init__(message, line, column, source_line, expected, suggestion, length)
        self.message = message
        self.line = line
        self.column = column
        self.source_line = source_line
        self.expected = expected
        self.suggestion = suggestion
        self.length = length

    def __str__(self) -> str:
        shown, caret = _window(self.source_line, self.column, self.length)
        parts = [f"line {self.line}, column {self.column}: {self.message}"]
        if shown.strip():
            parts += [f"  {shown}", f"  {caret}"]
        if self.expected:
            parts.append(f"expected: {self.expected}")
        if self.suggestion:
            parts.append(self.suggestion)
        return "\n".join(parts)


class Fault(Exception):
    """A problem at an offset of a text that the raiser does not hold; `located` makes a `DslError` of it."""

    def __init__(self, message: str, start: int, end: int, expected: str = "", suggestion: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.expected = expected
        self.suggestion = suggestion


def located(fault: Fault, source: str) -> DslError:
    """`fault` with the line, column and source line of its offset in `source`."""
    start = min(max(fault.start, 0), len(source))
    line_start = source.rfind("\n", 0, start) + 1
    line_end = source.find("\n", start)
    source_line = source[line_start : len(source) if line_end < 0 else line_end].rstrip("\r")
    length = max(1, min(fault.end - start, len(source_line) - (start - line_start)))
    line = source.count("\n", 0, start) + 1
    return DslError(
        fault.message, line, start - line_start + 1, source_line, fault.expected, fault.suggestion, length
    )


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """'did you mean 'circle'?' for the known word nearest to `word`, or nothing when none is near."""
    near = difflib.get_close_matches(word[:40].lower(), sorted(known)[:_MAX_CANDIDATES], n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else ""


def _window(source_line: str, column: int, length: int) -> tuple[str, str]:
    """The part of the line around `column`, without characters that a terminal would act on, and carets."""
    first = max(0, column - 1 - _WINDOW * 3 // 4) if len(source_line) > _WINDOW else 0
    shown = "".join(
        c if c.isprintable() else " " if c == "\t" else "\N{MIDDLE DOT}"
        for c in source_line[first:][:_WINDOW]
    )
    position = column - 1 - first
    return shown.rstrip(), " " * position + "^" * max(1, min(length, _WINDOW - position))
