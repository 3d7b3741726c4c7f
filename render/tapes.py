"""The tape of a program, lowered once for all programs that share its structure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from shaderdsl import tape as lowering
from shaderdsl.tape import Tape

if TYPE_CHECKING:
    from shaderdsl import Program


def tape_of(program: Program) -> Tape:
    """The program's tape: the same object for programs of the same structure object.

    It is kept on the structure itself: its key, by which equal structures made apart could share, takes longer to
    print than a tape to lower.
    """
    kept = vars(program.structure)
    if "tape" not in kept:
        kept["tape"] = lowering.lower(program.scene, len(program.params))
    return cast(Tape, kept["tape"])
