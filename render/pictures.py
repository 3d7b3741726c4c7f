"""A program's picture, its derivative and its distance field: what people call; the backends do the work."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, cast

import numpy as np
import numpy.typing as npt

from render.alpha import over_white, straight
from render.tapes import solid_tape_of, tape_of

if TYPE_CHECKING:
    from shaderdsl import Program

Backend = Literal["auto", "gl", "taichi", "numpy"]
Size = int | Sequence[int]
Float = npt.NDArray[np.float32]

MAX_PIXELS = 1 << 27
"""Of one picture: 2 GiB of float RGBA."""

MAX_JACOBIAN = 1 << 30
"""Numbers of one Jacobian: 4 GiB."""

_BATCH_BYTES = 1 << 26
"""RGBA that `batch` holds at once beside its result."""


def image(program: Program, size: Size = 512, backend: Backend = "auto", alpha: bool = False) -> Float:
    """The picture of a program: float32 (h, w, 3) in [0, 1], sRGB, row 0 at the top.

    size: (width, height) in pixels, or one number for a square; at most `MAX_PIXELS` in all.
    backend: "gl" draws the GLSL that is exported, "taichi" is quick, "numpy" is the float64 reference; "auto" is gl
        where there is an OpenGL, and taichi elsewhere and in space.
    alpha: a transparent background is shown over white; with `alpha` the picture is (h, w, 4), straight alpha.

    Raises ValueError for a wrong size or backend, and what `render.gl_backend.draw` raises.
    """
    width, height = checked_size(size)
    premultiplied = _drawn(program, (width, height), _chosen(backend))
    return straight(premultiplied) if alpha else over_white(premultiplied)


def jacobian(program: Program, size: Size = 128) -> tuple[Float, Float]:
    """The picture (h, w, 3) over white, and its derivative (h, w, 3, p) by `program.params` in their written units.

    size: as in `image`. Drawn by taichi, in one pass. Raises ValueError for a wrong size, or one that makes more than
    `MAX_JACOBIAN` numbers.
    """
    from render import taichi_backend

    width, height = checked_size(size)
    count = len(program.params)
    if width * height * 4 * count > MAX_JACOBIAN:
        raise ValueError(
            f"the Jacobian of {width}x{height} pixels by {count} parameters would have more than {MAX_JACOBIAN} "
            "numbers: ask for a smaller size"
        )
    if program.dimension == 3:
        from render.solid_taichi import SolidBatch

        pictures, derivatives = SolidBatch.of([(solid_tape_of(program), program.params)]).jacobians((width, height))
        picture, derivative = pictures[0], derivatives[0][..., :count]
    else:
        picture, derivative = taichi_backend.jacobian(tape_of(program), program.params, (width, height))
    return over_white(picture), derivative[:, :, :3] - derivative[:, :, 3:]


def batch(programs: Sequence[Program], size: Size = 128) -> Float:
    """The pictures (n, h, w, 3) of many programs over white, drawn by taichi in launches of bounded memory.

    size: as in `image`.
    """
    width, height = checked_size(size)
    result = np.empty((len(programs), height, width, 3), np.float32)
    step = max(1, _BATCH_BYTES // (16 * width * height))
    for first in range(0, len(programs), step):
        some = programs[first : first + step]
        result[first : first + step] = over_white(_batched(some, (width, height)))
    return result


def _batched(programs: Sequence[Program], size: tuple[int, int]) -> Float:
    """Premultiplied RGBA (n, h, w, 4) by taichi; programs of the plane and in space may be mixed."""
    from render.solid_taichi import SolidBatch
    from render.taichi_backend import Batch

    result = np.empty((len(programs), size[1], size[0], 4), np.float32)
    solid = np.array([p.dimension == 3 for p in programs], bool)
    flat = [(tape_of(p), p.params) for p in programs if p.dimension == 2]
    solids = [(solid_tape_of(p), p.params) for p in programs if p.dimension == 3]
    if flat:
        result[~solid] = Batch.of(flat).images(size)
    if solids:
        result[solid] = SolidBatch.of(solids).images(size)
    return result


def field(program: Program, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Signed distances (n,), float64, at points (n, 2), in space (n, 3), in scene units: negative inside.

    A program with one shape gives its distance (exact or a bound, as the operation declares), one with several their
    union, the least of them; one without any gives infinity. Raises ValueError for points of another shape.
    """
    from render import numpy_backend, solid_numpy_field

    places = np.asarray(points, np.float64)
    if places.ndim != 2 or places.shape[1] != program.dimension:
        raise ValueError(f"points have the shape (n, {program.dimension}), not {places.shape}")
    if program.dimension == 3:
        solid = solid_tape_of(program)
        return solid_numpy_field.Distances(solid, solid.slot_values(program.params)).at(list(places.T))
    tape = tape_of(program)
    nearest = np.full(len(places), np.inf)
    for layer in range(len(tape.layers)):
        nearest = np.minimum(nearest, numpy_backend.field(tape, program.params, layer, places)[0])
    return nearest


def checked_size(size: Size) -> tuple[int, int]:
    """(width, height) of a size as people give it; raises ValueError."""
    try:
        sides = cast("Sequence[int]", size) if hasattr(size, "__iter__") else (size, size)
        width, height = (operator.index(side) for side in sides)
    except (TypeError, ValueError):
        raise ValueError(f"a size is (width, height) in whole pixels, or one number for a square, not {size!r}") from None
    if width < 1 or height < 1 or width * height > MAX_PIXELS:
        raise ValueError(f"a picture has at least 1x1 and at most {MAX_PIXELS} pixels in all, not {width}x{height}")
    return width, height


def _chosen(backend: Backend) -> Backend:
    if backend not in ("auto", "gl", "taichi", "numpy"):
        raise ValueError(f'there is no backend {backend!r}: choose "gl", "taichi", "numpy" or "auto"')
    if backend == "auto":
        from render import gl_backend

        return "gl" if gl_backend.available() else "taichi"
    return backend


def _drawn(program: Program, size: tuple[int, int], backend: Backend) -> Float:
    """Premultiplied RGBA (h, w, 4), not clamped."""
    if backend == "gl":
        from render import gl_render

        return gl_render.picture(program, size)
    if backend == "taichi":
        picture: Float = _batched([program], size)[0]
        return picture
    if program.dimension == 3:
        from render import solid_numpy

        return solid_numpy.picture(solid_tape_of(program), program.params, size)[0].astype(np.float32)
    from render import numpy_backend

    return numpy_backend.picture(tape_of(program), program.params, size)[0].astype(np.float32)
