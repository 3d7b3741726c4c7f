"""Work on many items in several processes, for machines with more cores than one item keeps busy.

What is timed inside them runs beside the others, each with its share of the cores; results say how many there were ("jobs").
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

THREADS = ("TI_CPU_MAX_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What tells libraries, when a process loads them, how many threads they may have."""


def each(function: Callable[[Item], Result], items: Sequence[Item], jobs: int, prepare: Callable[[], object]) -> Iterator[Result]:
    """`function` of each item, in the items' order, in `jobs` processes; 1 is this process.

    Each process does `prepare` first: what is compiled then is not timed with an item. Both are what can be pickled.
    """
    if jobs == 1:
        prepare()
        yield from map(function, items)
        return
    share = max(1, (os.cpu_count() or 1) // jobs)
    context = multiprocessing.get_context("spawn")
    with _environment(dict.fromkeys(THREADS, str(share))), ProcessPoolExecutor(jobs, context, prepare) as pool:
        yield from pool.map(function, items)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """The environment that processes started in it have."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def beside(settings: Mapping[str, Any]) -> str:
    """What a table says of times that were measured in several processes."""
    jobs = settings.get("jobs", 1)
    return f" with {jobs} scenes at a time" if jobs > 1 else ""
