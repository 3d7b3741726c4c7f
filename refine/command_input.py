"""What commands are given: programs in files or on standard input, sizes, names of operations."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import typer

from shaderdsl import DslError
from shaderdsl.bounds import MAX_SOURCE

if TYPE_CHECKING:
    from shaderdsl import Program

T = TypeVar("T")


class InputError(Exception):
    """What the user gave is wrong; the message is one sentence."""


def text_of(name: str) -> bytes:
    """The text of a program, in a file or, for "-", on standard input; raises InputError.

    More than any program may have is not read, so that the parser refuses what is too long.
    """
    if name == "-":
        return sys.stdin.buffer.read(MAX_SOURCE + 4)
    try:
        with open(name, "rb") as file:
            return file.read(MAX_SOURCE + 4)
    except IsADirectoryError:
        raise InputError(f"{name} is a folder: give the path of one program in it.") from None
    except FileNotFoundError:
        raise InputError(f"{name} does not exist: check the path.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{name} can not be read ({reason}): check the path and its permissions.") from None


def title_of(name: str) -> str:
    """What messages call a program that was named so."""
    return "standard input" if name == "-" else name


def about(name: str, function: Callable[[bytes], T], text: bytes) -> T:
    """`function(text)`; its DslError becomes an InputError that names the program."""
    try:
        return function(text)
    except DslError as error:
        raise InputError(f"{title_of(name)}, {error}") from None


def program_of(name: str) -> Program:
    """The program in a file or, for "-", on standard input; raises InputError."""
    from shaderdsl import parse

    return about(name, parse, text_of(name))


def size_of(text: str) -> tuple[int, int]:
    """(width, height) in pixels of "640x480" or "512"; raises BadParameter for what is no such size."""
    from render.pictures import checked_size

    sides = text.lower().split("x")
    try:
        width, height = (int(side) for side in (sides if len(sides) == 2 else sides * 2))
        return checked_size((width, height))
    except ValueError as error:
        reason = f": {error}" if len(sides) <= 2 and all(side.strip("-").isdigit() for side in sides) else ""
        raise typer.BadParameter(f"'{text}' is no size like 512x512{reason}", param_hint="--size") from None


def sheet_of(text: str) -> tuple[int, int]:
    """(columns, rows) of "4x3"; raises BadParameter for what is no such number of pictures."""
    sides = text.lower().split("x")
    if len(sides) != 2 or not all(side.isdigit() and 1 <= int(side) <= 32 for side in sides):
        raise typer.BadParameter(f"'{text}' is no sheet like 4x3, with up to 32 columns and rows", param_hint="--sheet")
    return int(sides[0]), int(sides[1])


def bounds_of(text: str | None) -> list[list[float]] | None:
    """Both corners of "-1,-1,-1,1,1,1", None for None; raises BadParameter for what is no six numbers."""
    if text is None:
        return None
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != 6:
        raise typer.BadParameter(f"'{text}' is no box like -1,-1,-1,1,1,1: its lower and its upper corner", param_hint="--bounds")
    return [numbers[:3], numbers[3:]]


def operations_of(text: str | None) -> list[str] | None:
    """The operations of a list with commas, None for None; raises BadParameter for one that the language lacks."""
    if text is None:
        return None
    from shaderdsl.errors import did_you_mean
    from shaderdsl.registry import functions

    known = set(functions())
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in known:
            advice = did_you_mean(name, known) or "see docs/language.md"
            raise typer.BadParameter(f"unknown operation '{name}', {advice}", param_hint="--operations")
    if not names:
        raise typer.BadParameter("name at least one operation", param_hint="--operations")
    return names
