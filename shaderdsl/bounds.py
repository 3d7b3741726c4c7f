"""The bounds of one program. Whatever breaks one is refused with an error that names it."""

from __future__ import annotations

MAX_SOURCE = 262_144
"""Bytes of a text."""

MAX_NODES = 10_000
"""Names and numbers of a text: as many as are read and checked in a tenth of a second."""

MAX_EXPANDED = 20_000
"""Solids to draw, `let` and `def` expanded; values worked out inside defs."""

MAX_NESTING = 64
"""Open brackets and chained calls around one place of a text; operations around one shape, `let` expanded."""

MAX_PARAMETERS = 4_096
MAX_LAYERS = 512
MAX_VERTICES = 1_024

MAX_NUMBER = 1e30
"""Beyond this a float32 shader has no arithmetic left."""
