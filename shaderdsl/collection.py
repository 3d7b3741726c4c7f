"""Python's cyclic garbage collector, held back where many small objects are made that all stay.

Reading and lowering a program makes thousands of tuples and no cycles. Each thousand would set the collector off, and every tenth time it
looks at older objects too, all programs lowered before among them: half of the time that lowering takes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_held() -> Iterator[None]:
    """No collection within; afterwards all is as it was. Other threads may meanwhile go without one, too."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
