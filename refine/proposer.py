"""What `refine.fit` needs of whatever proposes programs for a picture: a heuristic or a neural network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from shaderdsl import Program


@runtime_checkable
class Proposer(Protocol):
    """Something that looks at a picture and writes programs that may draw it."""

    def propose(self, image: npt.NDArray[np.float32], n: int = 8) -> list[Program]:
        """At most `n` programs for an image (h, w, 4), straight-alpha RGBA in [0, 1], best first; none is no error."""
        ...
