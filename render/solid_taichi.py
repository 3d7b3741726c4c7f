"""The batched, differentiable renderer in space: tapes of solids in, pictures and Jacobians out.

Two kernels run one after the other (`render.solid_march`, `render.solid_frame`), generated for the set of operations in use as in
`render.taichi_backend`, whose lock, cache and device they share.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from render import solid_frame, solid_march, solid_shadows, taichi_device
from render.taichi_backend import Double, Float, Target, _bases, _compiled, _UniformParts
from render.taichi_device import forgotten_with_the_runtime, lock, scratch, start
from shaderdsl.registry import operations, scalar_names
from shaderdsl.solid_checker import TONES
from shaderdsl.solid_dual import CAMERA
from shaderdsl.solid_tape import SolidTape
from shaderdsl.tape import MAXIMUM_INSTRUCTIONS, MAXIMUM_SPACES, opcodes
from shaderdsl.view import LAYERS

Ints = npt.NDArray[np.int32]
Marched = tuple[Any, Any]
"""What the march found, where kernels run (`render.taichi_device.scratch`)."""

_REGISTERS = (32, 96, MAXIMUM_INSTRUCTIONS)
_SPACES = (1, 8, MAXIMUM_SPACES)
"""Sizes of the kernels' files of registers and spaces: few, so that kernels are few."""

_PLAIN = (
    "sphere", "solid box", "cylinder", "torus", "plane", "union", "difference", "smooth union", "round", "flat", "sunlight",
    "ambient light",
)  # fmt: skip
FAMILIES = (_PLAIN, (*_PLAIN, "cone", "cut_hollow_sphere", "trapezoid", "extrude", "height", "capped"))
"""Operations that are compiled together, so that a fit that tries one after another compiles once: what fits in space use. The fewer a
kernel knows, the faster it is."""

_BYTES = 1 << 28
"""Of Jacobians that a launch fills at once."""

_kernels: dict[tuple[Any, ...], list[tuple[frozenset[int], Callable[..., None]]]] = forgotten_with_the_runtime({})


def _kernel(title: str, used: frozenset[int], sizes: tuple[int, ...], text: Callable[[Sequence[int]], str]) -> Callable[..., None]:
    """A kernel whose operations include `used`; compiled anew when no cached one does."""
    cached = _kernels.setdefault((title, sizes), [])
    fitting = [(len(have), run) for have, run in cached if used <= have]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    run = _compiled(text(sorted(used)), f"{title} kernel in space")
    cached.append((used, run))
    return run


@lru_cache(maxsize=1)
def _families() -> tuple[frozenset[int], ...]:
    table, named = opcodes(3), operations(3)
    return tuple(frozenset(table[named[name]].number for name in names) for names in FAMILIES)


def prepare() -> float:
    """Loads the kernels of FAMILIES, compiling them the first time on a machine; seconds taken."""
    from shaderdsl.program import parse
    from shaderdsl.solid_tape import lower

    began = time.perf_counter()
    # A section lies in a space of its own, for which there are kernels of their own.
    for text in ("sphere(0.5)", "cone(0.3, 0.1, 0.3)", "trapezoid(0.3, 0.2, 0.3).extrude(0.2)"):
        program = parse("scene 3d\n" + text)
        batch = SolidBatch.of([(lower(program.scene, len(program.params)), program.params)])
        batch.images((8, 8))
        batch.normal_equations(Target(np.zeros((8, 8, 4), np.float32)))
    return time.perf_counter() - began


def _smallest(sizes: Sequence[int], needed: int) -> int:
    return next(size for size in sizes if size >= needed)


@dataclass
class SolidBatch:
    """Programs in space ready to run: `tapes[which[b]]` with parameters `parameters[b]`, padded to one width."""

    tapes: Sequence[SolidTape]
    which: Ints
    parameters: Double
    used: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        used = frozenset().union(*(t.used for t in self.tapes))
        self.used = next((family for family in _families() if used <= family), used)

    @classmethod
    def of(cls, programs: Sequence[tuple[SolidTape, npt.ArrayLike]]) -> SolidBatch:
        """A batch of (tape, parameters) pairs; equal tape objects are shared."""
        index: dict[int, int] = {}
        unique: list[SolidTape] = []
        which = np.zeros(len(programs), np.int32)
        parameters = np.zeros((len(programs), max(max((t.parameter_count for t, _ in programs), default=0), 1)))
        for b, (tape, values) in enumerate(programs):
            if id(tape) not in index:
                index[id(tape)] = len(unique)
                unique.append(tape)
            which[b] = index[id(tape)]
            parameters[b, : tape.parameter_count] = values
        return cls(unique, which, parameters)

    def __len__(self) -> int:
        return len(self.which)

    # -- what depends on the structures alone, and is made once --------------------------------------------

    @cached_property
    def _slot_parts(self) -> _UniformParts:
        return _UniformParts([t.uniform for t in self.tapes], self.which)

    @cached_property
    def _weight_parts(self) -> _UniformParts:
        return _UniformParts([t.slot_derivative.uniform for t in self.tapes], self.which)

    @cached_property
    def _tables(self) -> dict[str, Ints]:
        """Instructions of all tapes one after another, and what goes with them."""

        def joined(parts: list[Ints], width: int) -> Ints:
            return np.ascontiguousarray(np.concatenate([*parts, np.zeros((1, width), np.int32)]))

        return {
            "code": joined([t.march for t in self.tapes], 6),
            "parts": joined([t.parts for t in self.tapes], 2),
            "instructions": joined([t.instructions for t in self.tapes], 6),
            "materials": joined([t.materials for t in self.tapes], 7),
            "lights": joined([t.lights for t in self.tapes], 2),
        }

    @cached_property
    def _programs(self) -> Ints:
        table = {name: np.zeros(len(self), np.int32) for name in solid_frame.PROGRAM_COLUMNS}
        base = self._slot_parts.base

        def firsts(counts: list[int]) -> Ints:
            return _bases(counts)[:-1][self.which]

        def slots(name: str) -> Ints:
            values = np.array([-1 if getattr(t, name) is None else getattr(t, name) for t in self.tapes], np.int32)[self.which]
            return np.where(values < 0, -1, values + base)

        def numbers(values: list[int]) -> Ints:
            return np.array(values, np.int32)[self.which]

        table["begin"] = firsts([len(t.instructions) for t in self.tapes])
        table["length"] = numbers([len(t.instructions) for t in self.tapes])
        table["slot_base"] = base
        for name in ("camera", "background", "exposure", "fog"):
            table[name] = slots(name)
        table["tone"] = numbers([TONES.index(t.tone) for t in self.tapes])
        table["part_first"] = firsts([len(t.parts) for t in self.tapes])
        table["part_count"] = numbers([len(t.parts) for t in self.tapes])
        table["light_first"] = firsts([len(t.lights) for t in self.tapes])
        table["light_count"] = numbers([len(t.lights) for t in self.tapes])
        table["material_first"] = firsts([len(t.materials) for t in self.tapes])
        table["shadows"] = numbers([int(_casts(t)) for t in self.tapes])
        table["space_count"] = numbers([t.space_count for t in self.tapes])
        table["parameter_count"] = numbers([t.parameter_count for t in self.tapes])
        return np.ascontiguousarray(np.stack([table[name] for name in solid_frame.PROGRAM_COLUMNS], 1))

    @cached_property
    def _sizes(self) -> tuple[int, int]:
        registers = _smallest(_REGISTERS, max((len(t.instructions) for t in self.tapes), default=1))
        return registers, _smallest(_SPACES, max(t.space_count for t in self.tapes))

    # -- what it gives ------------------------------------------------------------------------------------

    def _marched(self, slots: Float, size: tuple[int, int]) -> Marched:
        """The places along each pixel's ray (n, pixels, PLACES), and the parts near each tile (n, tiles, MASKS)."""
        width, height = size
        places = scratch((len(self), width * height, solid_march.PLACES), fill=-1.0)
        lipschitz = np.array([t.lipschitz for t in self.tapes], np.float32)[self.which]
        side = taichi_device.tile_of_rays()
        march = _kernel("march", self.used, (side,), lambda used: solid_march.source(used, side))
        tiles = -(-width // side) * -(-height // side)
        # As many tiles as a tile has pixels are a region; tasks that share one out each march its cones.
        regions = -(-width // side**2) * -(-height // side**2) * len(self)
        shares = taichi_device.tasks_each(regions, side)
        most = max(len(t.parts) for t in self.tapes)
        masks = scratch((len(self), tiles, solid_march.MASKS), np.int32)
        values = scratch((regions * shares, side**2 * most))
        tables = self._tables
        arrays = (self._march_table, tables["code"], tables["parts"], lipschitz, slots, places, masks, values)
        march(*arrays, width, height, shares, taichi_device.stride())
        return places, masks

    @cached_property
    def _march_table(self) -> Ints:
        """First instruction, how many, first slot, camera, first part and how many of each program, for marching."""

        def runs(lengths: list[int]) -> tuple[Ints, Ints]:
            return _bases(lengths)[:-1][self.which], np.array(lengths, np.int32)[self.which]

        parts = runs([len(t.parts) for t in self.tapes])
        columns = (*runs([len(t.march) for t in self.tapes]), *self._programs[:, 2:4].T, *parts)
        return np.ascontiguousarray(np.stack(columns, 1).astype(np.int32))

    @cached_property
    def _casters(self) -> Ints:
        """The lights of all tapes as `render.solid_shadows` reads them."""
        rows = [row for tape in self.tapes for row in _casters(tape)]
        return np.array([*rows, (0, 0, 0, 0)], np.int32)

    def _arriving(self, slots: Float, places: Any, size: tuple[int, int]) -> Any:
        """How much of each light arrives at each pixel's layers; next to nothing where no light casts shadows."""
        if not any(map(_casts, self.tapes)):
            return np.ones((1, 1, 1), np.float32)
        width, height = size
        most = max(len(t.lights) for t in self.tapes)
        visible = scratch((len(self), width * height, LAYERS * most), fill=1.0)
        side = taichi_device.tile_of_rays()
        run = _kernel("shadows", self.used, (side,), lambda used: solid_shadows.source(used, side))
        programs = self._programs
        lights = [solid_frame.PROGRAM_COLUMNS.index(name) for name in ("light_first", "light_count")]
        table = np.concatenate([self._march_table, programs[:, lights]], 1)
        blocks = taichi_device.tasks_each(len(self), -(-width // side) * -(-height // side))
        run(np.ascontiguousarray(table), self._tables["code"], self._tables["parts"], self._casters, slots, places, visible, width, height, blocks,
            taichi_device.stride())  # fmt: skip
        return visible

    def images(self, size: tuple[int, int], blur: float = 0.0) -> Float:
        """Premultiplied sRGB RGBA (n, h, w, 4) for size (width, height).

        blur: the standard deviation of a Gaussian that the picture is blurred by, in its units: the shorter side is 2.
        """
        with lock:
            start()
            slots = self._slot_parts.run(self.parameters)
            return blurred(self._drawn("image", slots, self._marched(slots, size), size, {}), blur)

    def scores(self, target: Target, blur: float = 0.0) -> Double:
        """Squared error (n,) against the target, summed over pixels and channels."""
        errors = np.empty(len(self))
        step = max(1, _BYTES // self._picture_bytes(target.size))
        for first in range(0, len(self), step):
            difference = self._part(slice(first, first + step)).images(target.size, blur) - target.image
            errors[first : first + step] = np.einsum("nhwc,nhwc->n", difference, difference, dtype=np.float64)
        return errors

    def _drawn(
        self, mode: solid_frame.Mode, slots: Float, marched: Marched, size: tuple[int, int], more: dict[str, Any]
    ) -> Float:
        width, height = size
        sizes = (*self._sizes, taichi_device.tile_of_rays())
        run = _kernel(mode, self.used, sizes, lambda used: solid_frame.source(mode, used, *sizes))
        image = np.empty((len(self), width * height, 4), np.float32)
        places, masks = marched
        visible = self._arriving(slots, places, size)
        programs = self._programs.copy()
        span = taichi_device.span(width)
        blocks = taichi_device.tasks_each(len(self), width * height // span)
        if mode == "jacobian":
            programs = self._with_derivatives(programs, more, blocks)
        tables = self._tables
        scene = [programs, tables["instructions"], tables["parts"], tables["materials"], tables["lights"], slots]
        arrays = [*scene, places, masks, visible, image, *more.values()]
        run(*arrays, width, height, span, blocks, taichi_device.stride())
        return image.reshape(len(self), height, width, 4)

    def _with_derivatives(self, programs: Ints, more: dict[str, Any], blocks: int) -> Ints:
        """The table of programs with what derivatives read, which goes into `more`, in the order of the kernel's arguments."""
        derivatives = [t.slot_derivative for t in self.tapes]
        columns = {name: k for k, name in enumerate(solid_frame.PROGRAM_COLUMNS)}
        programs[:, columns["row_first"]] = _bases([len(d.rows) for d in derivatives])[:-1][self.which]
        programs[:, columns["column_first"]] = _bases([len(d.columns) for d in derivatives])[:-1][self.which]
        programs[:, columns["weight_first"]] = self._weight_parts.base
        moves = [int(d.rows[t.camera + len(CAMERA)] > d.rows[t.camera]) for t, d in zip(self.tapes, derivatives)]
        programs[:, columns["camera_moves"]] = np.array(moves, np.int32)[self.which]
        everywhere = [
            int(any(d.rows[first + width] > d.rows[first] for first, width in ((t.background, 3), (t.exposure, 1)) if first is not None))
            for t, d in zip(self.tapes, derivatives)
        ]
        programs[:, columns["all_move"]] = np.array(everywhere, np.int32)[self.which]
        jacobian = more.pop("jacobian")
        more["rows"] = np.concatenate([d.rows for d in derivatives] + [np.zeros(1, np.int32)])
        more["columns"] = np.concatenate([d.columns for d in derivatives] + [np.zeros(1, np.int32)])
        more["weights"] = self._weight_parts.run(self.parameters)
        more["row"] = scratch((len(self) * blocks, 4 * self.parameters.shape[1]))
        more["jacobian"] = jacobian
        return programs

    def jacobians(self, size: tuple[int, int], blur: float = 0.0) -> tuple[Float, Float]:
        """Premultiplied sRGB RGBA (n, h, w, 4) and its Jacobians (n, h, w, 4, p) by the parameters; `blur` as in `images`."""
        width, height = size
        with lock:
            start()
            slots = self._slot_parts.run(self.parameters)
            count = self.parameters.shape[1]
            rows = scratch((len(self), width * height, 4, count))
            images = self._drawn("jacobian", slots, self._marched(slots, size), size, {"jacobian": rows})
            jacobian = taichi_device.fetched(rows)
            return blurred(images, blur), blurred(jacobian.reshape(len(self), height, width, 4, count), blur)

    def normal_equations(self, target: Target, blur: float = 0.0, huber: float = 0.0) -> tuple[Double, Double, Double]:
        """(error (n,), gradient JᵀWr (n, p), JᵀWJ (n, p, p)) of each program against the target.

        `huber` > 0 weights pixels whose residual is longer than it by Huber's rule; the error is then Huber's, twice.
        """
        n, count = self.parameters.shape
        errors, gradients, matrices = np.empty(n), np.empty((n, count)), np.empty((n, count, count))
        step = max(1, _BYTES // self._jacobian_bytes(target.size))
        for first in range(0, n, step):
            part = self._part(slice(first, first + step))
            images, jacobians = part.jacobians(target.size, blur)
            for k, (picture, jacobian) in enumerate(zip(images, jacobians), first):
                residual = picture - target.image
                weighted, errors[k] = _weighted(residual, huber)
                # An opaque picture's alpha says nothing.
                channels = 3 if self.tapes[self.which[k]].background is not None else 4
                rows = jacobian[..., :channels, :].reshape(channels * residual[..., 0].size, count)
                if weighted is not None:
                    weights = np.repeat(weighted.ravel(), channels)
                    scaled = rows * weights[:, None]
                else:
                    scaled = rows
                matrices[k] = scaled.T @ rows
                gradients[k] = scaled.T @ residual[..., :channels].reshape(-1)
        return errors, gradients, matrices

    def gradients(self, target: Target, blur: float = 0.0, huber: float = 0.0) -> tuple[Double, Double]:
        """(error (n,), its half gradient JᵀWr (n, p)), as `normal_equations` but with no matrix."""
        errors, gradients, _ = self.normal_equations(target, blur, huber)
        return errors, gradients

    def _part(self, which: slice) -> SolidBatch:
        if which.start == 0 and which.stop >= len(self):
            return self
        return replace(self, which=self.which[which], parameters=np.ascontiguousarray(self.parameters[which]))

    def _picture_bytes(self, size: tuple[int, int]) -> int:
        """Of one program, with the places of its march."""
        return 4 * (4 + solid_march.PLACES) * size[0] * size[1]

    def _jacobian_bytes(self, size: tuple[int, int]) -> int:
        """Of one program, with its picture: it may have no parameters."""
        return 16 * size[0] * size[1] * (1 + int(self.parameters.shape[1]))


def _casters(tape: SolidTape) -> list[tuple[int, int, int, int]]:
    """(opcode, first slot, what it casts, slot of how much) of each of a tape's lights."""
    names = {opcode.number: scalar_names(operation) for operation, opcode in opcodes(3).items() if operation.category == "light"}
    rows = []
    for opcode, slot in tape.lights.tolist():
        kind = amount = 0
        for number, name in ((solid_shadows.SHADOW, "shadow"), (solid_shadows.OCCLUSION, "occlusion")):
            if name in names[opcode]:
                place = slot + names[opcode].index(name)
                if tape.graph.constant_value(tape.slots[place]) != 0.0:
                    kind, amount = number, place
        rows.append((opcode, slot, kind, amount))
    return rows


def _casts(tape: SolidTape) -> bool:
    return any(kind for _, _, kind, _ in _casters(tape))


def blurred(values: Float, blur: float) -> Float:
    """Pictures (n, h, w, ...), or their derivatives, blurred: a target that is blurred alike has the true numbers for its minimum,
    which it has not where edges alone are softer."""
    if blur <= 0.0:
        return values
    n, height, width, *more = values.shape
    each = math.prod(more)
    sigma = 0.5 * blur * min(height, width)
    rows = np.matmul(_gaussian(height, sigma), values.reshape(n, height, width * each))
    both: Float = np.matmul(_gaussian(width, sigma), rows.reshape(n, height, width, each)).reshape(values.shape)
    return both


@lru_cache(maxsize=16)
def _gaussian(count: int, sigma: float) -> Float:
    """The matrix that blurs a line of pixels, as `refine.descents.pyramid` blurs targets."""
    reach = int(4.0 * sigma + 0.5)
    offsets = np.arange(-reach, reach + 1)
    weights = np.exp(-0.5 * (offsets / sigma) ** 2)
    matrix = np.zeros((count, count))
    # Beyond its ends a line goes on as it ends.
    pixels = np.clip(np.arange(count)[:, None] + offsets, 0, count - 1)
    np.add.at(matrix, (np.arange(count)[:, None], pixels), weights / weights.sum())
    return matrix.astype(np.float32)


def _weighted(residual: Float, huber: float) -> tuple[Float | None, float]:
    """Huber's weights (h, w) of residuals (h, w, 4), None where all are 1, and the error."""
    squares = np.einsum("hwc,hwc->hw", residual, residual, dtype=np.float64)
    if huber <= 0.0:
        return None, float(squares.sum())
    length = np.sqrt(squares)
    far = length > huber
    weights = np.where(far, huber / np.maximum(length, 1e-12), 1.0).astype(np.float32)
    return weights, float(np.where(far, 2.0 * huber * length - huber * huber, squares).sum())
