"""The tape of a program, lowered once for all programs that share its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shaderdsl import tape as lowering
from shaderdsl.tape import Tape

if TYPE_CHECKING:
    from shaderdsl import Program


def tape_of(program: Program) -> Tape:
    """The program's tape: the same object for programs that differ in numbers alone."""
    cache = program.structure.cache
    found = cache.get("tape")
    if found is None:
        found = cache.setdefault("tape", lowering.lower(program.scene, len(program.params)))
    return cast(Tape, found)
