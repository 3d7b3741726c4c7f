"""Texts damaged at random, which the parser has to refuse in words."""

from __future__ import annotations

from random import Random

KINDS = ("delete", "insert", "swap", "truncate", "repeat", "replace")
ODD = "()()..,,;=-+*/|&^#%0123456789.eE_ \n\t\"'\\{}[]<>@!?~`$:éß中\x00\x1b\u202e"
"""Characters that mean something to the lexer, and some that mean nothing to it."""


def damaged(text: str, random: Random) -> str:
    """`text` after one to four random changes."""
    for _ in range(random.randint(1, 4)):
        first = random.randrange(len(text) + 1)
        last = min(len(text), first + random.choice((1, 1, 2, 5, 20)))
        kind = random.choice(KINDS)
        if kind == "delete":
            text = text[:first] + text[last:]
        elif kind == "insert":
            text = text[:first] + random.choice(ODD) + text[first:]
        elif kind == "swap":
            other = random.randrange(len(text) + 1)
            a, b = sorted((first, other))
            text = text[:a] + text[b : b + 1] + text[a + 1 : b] + text[a : a + 1] + text[b + 1 :]
        elif kind == "truncate":
            text = text[:first]
        elif kind == "repeat":
            text = text[:last] + text[first:]
        else:
            text = text[:first] + random.choice(ODD) + text[first + 1 :]
    return text
