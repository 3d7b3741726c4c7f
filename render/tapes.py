"""The tape of a program, lowered once for all programs that share its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shaderdsl import solid_tape, tape as lowering
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import Tape

if TYPE_CHECKING:
    from shaderdsl import Program


def tape_of(program: Program) -> Tape:
    """The tape of a program of the plane: the same object for programs of the same structure object.

    It is kept on the structure itself: its key, by which equal structures made apart could share, takes longer to
    print than a tape to lower.
    """
    kept = vars(program.structure)
    if "tape" not in kept:
        kept["tape"] = lowering.lower(program.scene, len(program.params))
    return cast(Tape, kept["tape"])


def solid_tape_of(program: Program) -> SolidTape:
    """The tape of a program in space; see `tape_of`."""
    kept = vars(program.structure)
    if "tape" not in kept:
        kept["tape"] = solid_tape.lower(program.scene, len(program.params))
    return cast(SolidTape, kept["tape"])
