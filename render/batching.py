"""One way to a batch, whatever the tapes are of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from render.solid_taichi import SolidBatch
from render.taichi_backend import Batch
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import Tape


def batch_of(tape: Tape | SolidTape, parameters: npt.NDArray[np.float64]) -> Any:
    """The programs of one structure with parameters (n, p), ready to draw, score and differentiate: a `Batch` or `SolidBatch`."""
    which = np.zeros(len(parameters), np.int32)
    values = np.ascontiguousarray(parameters, np.float64)
    return SolidBatch([tape], which, values) if isinstance(tape, SolidTape) else Batch([tape], which, values)
