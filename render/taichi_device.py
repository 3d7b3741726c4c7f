"""Where Taichi runs, and how work is shared out there: a few long tasks on a processor's cores, one a tile or pixel on a GPU.

Taichi is initialised on first use, on the GPU when there is one (EARTHSHADER_DEVICE=cpu|cuda decides otherwise); a
program that has initialised Taichi itself keeps its setting. All calls are serialised by one lock.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

os.environ.setdefault("ENABLE_TAICHI_HEADER_PRINT", "0")  # read when Taichi is imported
import taichi as ti

lock = threading.RLock()
"""Held by whoever calls Taichi."""

TURNS_AT_A_TIME = 512
"""How many turns of a loop Taichi gives a CPU's thread at once: as many as a kernel spends on a task, so that tasks are shared."""

TASKS_ON_CPU = min(max(4, 2 * (os.cpu_count() or 1)), 16)
"""Tasks a single program is split into: enough to share out among the cores, few enough that partial sums stay small."""

TASKS_ON_GPU = 1 << 14
"""Tasks that a batch is split into: as many as the largest GPUs run at once, few enough for what each keeps in memory."""

TILE_ON_CPU = 8
TILE_ON_GPU = 2
"""Sides, in pixels, of the tiles of a picture of the plane: what a tile shows for certain is looked at once for all its pixels,
which one task draws one after another."""

_OPTIONS = {"fast_math": False, "advanced_optimization": False}
"""Taichi's own optimiser takes five times as long as LLVM's, which does the same work, and gains a tenth at most."""

_KINDS = {np.dtype(np.float32): ti.f32, np.dtype(np.float64): ti.f64, np.dtype(np.int32): ti.i32}

_caches: list[Any] = []
_runtime: object | None = None

Cache = TypeVar("Cache")


def forgotten_with_the_runtime(cache: Cache) -> Cache:
    """`cache`, which holds compiled kernels: it is cleared when somebody resets Taichi, which kills them."""
    _caches.append(cache)
    return cache


def start() -> None:
    """Initialises Taichi once, and again when somebody has reset it since."""
    global _runtime
    current = ti.lang.impl.get_runtime()
    if current.prog is None:
        wanted = os.environ.get("EARTHSHADER_DEVICE", "")
        arch = {"cpu": ti.cpu, "cuda": ti.cuda}.get(wanted, ti.gpu if _has_gpu() else ti.cpu)
        with contextlib.redirect_stdout(None):  # where Taichi says hello, whatever its log level
            ti.init(arch=arch, offline_cache=True, log_level=ti.ERROR, default_fp=ti.f32, **_OPTIONS)
        current = ti.lang.impl.get_runtime()
    if _runtime is not current.prog:
        for cache in _caches:
            cache.clear()
        _runtime = current.prog


def _has_gpu() -> bool:
    return os.path.exists("/dev/nvidia0") or os.path.exists("/dev/dxg")


def on_gpu() -> bool:
    """Whether kernels run on a GPU; Taichi has been started."""
    return ti.lang.impl.current_cfg().arch == ti.cuda  # type: ignore[no-any-return]


def device() -> str:
    """"cpu" or "cuda": where batches run."""
    with lock:
        start()
        return "cuda" if on_gpu() else "cpu"


def tile() -> int:
    """The side of a tile of a picture of the plane, in pixels."""
    return TILE_ON_GPU if on_gpu() else TILE_ON_CPU


def tile_of_rays() -> int:
    """The side, in pixels, of a tile whose rays march together in space: on a processor in vector code, on a GPU each by itself."""
    return 1 if on_gpu() else TILE_ON_CPU


def span(width: int) -> int:
    """How many pixels of a row of `width` a task in space draws at a time."""
    return 1 if on_gpu() else width


def stride() -> int:
    """The turns of a kernel's outer loop that one task takes, all but one of them idle."""
    return 1 if on_gpu() else TURNS_AT_A_TIME


def tasks_each(programs: int, most: int) -> int:
    """How many tasks each of a batch's programs is split into, at most `most`."""
    wanted = TASKS_ON_GPU if on_gpu() else TASKS_ON_CPU
    return max(1, min(most, -(-wanted // max(programs, 1))))


def scratch(shape: tuple[int, ...], kind: npt.DTypeLike = np.float32, fill: float = 0.0) -> Any:
    """An array of `fill` that kernels alone use: a GPU's lies in its own memory, where nothing need be copied to or from."""
    if not on_gpu():
        return np.full(shape, fill, kind) if fill else np.zeros(shape, kind)
    array = ti.ndarray(_KINDS[np.dtype(kind)], shape)
    if fill:
        array.fill(fill)
    return array


def fetched(array: Any) -> Any:
    """A `scratch` array as one of NumPy's."""
    return array if isinstance(array, np.ndarray) else array.to_numpy()
