"""One way to a batch, whatever the tapes are of."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from render.solid_taichi import SolidBatch
from render.taichi_backend import Batch
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import Tape


class Batched(Protocol):
    """What makes its own batches, such as several views of one program."""

    def batch(self, parameters: npt.NDArray[np.float64]) -> Any: ...


def batch_of(tape: Tape | SolidTape | Batched, parameters: npt.NDArray[np.float64]) -> Any:
    """The programs of one structure with parameters (n, p), ready to draw, score and differentiate: a `Batch` or `SolidBatch`."""
    if not isinstance(tape, (Tape, SolidTape)):
        return tape.batch(parameters)
    which = np.zeros(len(parameters), np.int32)
    values = np.ascontiguousarray(parameters, np.float64)
    return SolidBatch([tape], which, values) if isinstance(tape, SolidTape) else Batch([tape], which, values)
