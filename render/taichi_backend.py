"""The batched, differentiable renderer: tapes in, pictures, scores, Jacobians and normal equations out.

One kernel runs a whole batch of programs of any structure. Kernels are generated for the set of operations in use
(`render.taichi_frame`), compiled once, and kept by Taichi's offline cache between processes; a kernel for a larger set
serves a smaller one, so that a search that adds an operation now and then compiles rarely.

Taichi itself is started by `render.taichi_device`, which says where it runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import linecache
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from render import taichi_device, taichi_frame, taichi_lanes
from render.taichi_device import forgotten_with_the_runtime, lock, on_gpu, scratch, start
from render.taichi_frame import Mode
from shaderdsl import emit, tape as tapes
from shaderdsl.registry import operations, scalar_names
from shaderdsl.tape import Tape, Uniform

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]

_kernels: dict[tuple[Mode, int, bool, int], list[tuple[frozenset[int], Callable[..., None]]]] = forgotten_with_the_runtime({})
_prepared: set[int] = forgotten_with_the_runtime(set())
_uniform: list[Callable[..., None]] = forgotten_with_the_runtime([])
_sums: list[Callable[..., None]] = forgotten_with_the_runtime([])


FAMILIES: tuple[tuple[str, ...], ...] = (
    ("circle", "box", "union", "intersection", "difference", "xor", "round", "flat"),
    (
        "circle", "ellipse", "box", "capsule", "segment", "ring", "polygon", "path", "stroked path",
        "union", "intersection", "difference", "xor", "round", "offset", "stroke", "flat", "linear", "radial",
        "mirror", "repeat_polar", "repeat_grid",
    ),
)  # fmt: skip
"""Sets of operations that are compiled together, so that a search that tries one after another compiles once: what
constructive search uses, and what fits of artwork use."""


@lru_cache(maxsize=1)
def _families() -> tuple[frozenset[int], ...]:
    table = tapes.opcodes()
    return tuple(frozenset(table[operations()[name]].number for name in family) for family in FAMILIES)


def _kernel(mode: Mode, used: frozenset[int], registers: int, by_lanes: bool) -> Callable[..., None]:
    """A kernel whose operations include `used`; compiled anew when no cached one does."""
    side = taichi_device.tile()
    cached = _kernels.setdefault((mode, registers, by_lanes, side), [])
    fitting = [(len(have), run) for have, run in cached if used <= have]
    if fitting:
        return min(fitting, key=lambda pair: pair[0])[1]
    text = taichi_lanes.source(mode, used) if by_lanes else taichi_frame.source(mode, sorted(used), registers, side)
    run = _compiled(text, f"{mode} kernel")
    cached.append((used, run))
    return run


@contextlib.contextmanager
def _short_positions() -> Iterator[None]:
    """Keeps Taichi from wrapping source lines for the position of every node, two thirds of what tracing a kernel takes.

    The positions are for error messages, which generated code has no use for. Nothing happens if Taichi changes.
    """
    from taichi.lang.ast import ast_transformer_utils as utilities

    wrapper = getattr(utilities, "TextWrapper", None)
    if wrapper is None:
        yield
        return
    utilities.TextWrapper = _Unwrapped
    try:
        yield
    finally:
        utilities.TextWrapper = wrapper


class _Unwrapped:
    def __init__(self, width: int) -> None:
        self.width = width

    def wrap(self, text: str) -> list[str]:
        return [text[: self.width]]


def prepare(family: int = 1) -> float:
    """Loads the kernels of a family (an index into FAMILIES), compiling them the first time on a machine; seconds taken.

    Compiling takes ten seconds or so once; Taichi's offline cache keeps the result.
    """
    began = time.perf_counter()
    with lock:
        start()
        if family not in _prepared:
            table = tapes.opcodes()
            tape = _smallest_tape()
            batch = Batch.of([(tape, np.full(tape.parameter_count, 0.5))])
            batch.used |= frozenset(table[operations()[name]].number for name in FAMILIES[family])
            target = Target(np.zeros((8, 8, 4), np.float32))
            batch.images(target.size)
            batch.scores(target)
            batch.scores_without(target)
            batch.normal_equations(target)
            _prepared.add(family)
    return time.perf_counter() - began


def _smallest_tape() -> Tape:
    """A tape of one disk."""
    from shaderdsl import scene
    from shaderdsl.expression import Graph

    graph = Graph()
    table = operations()
    numbers = [graph.input(k) for k in range(4)]
    paint = scene.Paint(table["flat"], (), ((numbers[1], numbers[2], numbers[3]),))
    layer = scene.Layer(scene.Primitive(table["circle"], (numbers[0],)), paint)
    return tapes.lower(scene.Scene(graph, None, (layer,)), 4)


def _compiled(text: str, title: str) -> Callable[..., None]:
    name = f"<earthshader {title} {hashlib.sha256(text.encode()).hexdigest()[:12]}>"
    linecache.cache[name] = (len(text), None, text.splitlines(True), name)  # Taichi reads kernels' source back
    scope: dict[str, Any] = {"__name__": "earthshader_kernels"}
    exec(compile(text, name, "exec", dont_inherit=True), scope)  # our own printed code: no text of a user's reaches it
    return scope["run"]  # type: ignore[no-any-return]


def _bases(sizes: Sequence[int] | npt.NDArray[np.int32]) -> npt.NDArray[np.int32]:
    """Where each of several runs of numbers begins when they lie one after another, and where the last ends."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)


class _UniformParts:
    """The uniform parts of a batch's programs, ready to run with any parameters.

    `base` (n,) is where each program's results begin.
    """

    def __init__(self, parts: Sequence[Uniform], which: npt.NDArray[np.int32]) -> None:
        self.code = np.concatenate([p.code for p in parts] + [np.zeros((1, 4), np.int32)])
        self.constants = np.concatenate([p.constants for p in parts] + [np.zeros(1)])
        self.outputs = np.concatenate([p.outputs for p in parts] + [np.zeros(1, np.int32)])
        lengths = np.array([len(p.code) for p in parts], np.int32)
        counts = np.array([len(p.outputs) for p in parts], np.int32)
        code_base, output_base, result_base = _bases(lengths), _bases(counts), _bases(counts[which])
        self.base = result_base[:-1]
        self.result_count = int(result_base[-1])
        self.longest = int(lengths.max(initial=1))
        columns = (code_base[:-1][which], lengths[which], output_base[:-1][which], counts[which], self.base)
        self.table = np.ascontiguousarray(np.stack(columns, 1))

    def run(self, parameters: Double) -> Float:
        """Results of all programs, one after another, for parameters (n, p); one more number stands at the end."""
        values = np.empty((len(parameters), self.longest))
        results = np.zeros(self.result_count + 1, np.float32)
        _uniform_kernel()(self.table, self.code, self.constants, self.outputs, parameters, values, results)
        return results


@dataclass
class Batch:
    """Programs ready to run: `tapes[which[b]]` with parameters `parameters[b]`, padded to one width.

    Tapes are stored once however many programs share them, so that many starts of one structure cost one tape. What
    depends on `tapes` and `which` alone is made once, so that evaluating a batch again with other `parameters` is cheap.
    """

    tapes: Sequence[Tape]
    which: npt.NDArray[np.int32]
    parameters: Double
    instructions: npt.NDArray[np.int32] = field(init=False)
    layers: npt.NDArray[np.int32] = field(init=False)
    lipschitz: Float = field(init=False)
    used: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        empty = np.zeros((1, 5), np.int32)
        self.instructions = np.ascontiguousarray(np.concatenate([t.instructions for t in self.tapes] + [empty]))
        self.layers = np.ascontiguousarray(
            np.concatenate([t.layers for t in self.tapes] + [np.zeros((1, 7), np.int32)])
        )
        self.lipschitz = np.concatenate([t.lipschitz for t in self.tapes] + [np.zeros(1, np.float32)])
        self.used = frozenset().union(*(t.used for t in self.tapes))

    @classmethod
    def of(cls, programs: Sequence[tuple[Tape, npt.ArrayLike]]) -> Batch:
        """A batch of (tape, parameters) pairs; equal tape objects are shared."""
        index: dict[int, int] = {}
        unique: list[Tape] = []
        which = np.zeros(len(programs), np.int32)
        widest = max((t.parameter_count for t, _ in programs), default=0)
        parameters = np.zeros((len(programs), max(widest, 1)))
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
    def _programs(self) -> npt.NDArray[np.int32]:
        """The kernels' table of programs (n, columns), but for what derivatives read."""
        table = np.zeros((len(self), len(taichi_frame.PROGRAM_COLUMNS)), np.int32)
        slot_base = self._slot_parts.base
        layers = _bases([len(t.layers) for t in self.tapes])
        instructions = _bases([len(t.instructions) for t in self.tapes])
        background = np.array([-1 if t.background is None else t.background for t in self.tapes], np.int32)
        table[:, 0] = layers[:-1][self.which]
        table[:, 1] = np.diff(layers)[self.which]
        table[:, 2] = instructions[:-1][self.which]
        table[:, 3] = slot_base
        table[:, 4] = np.where(background[self.which] < 0, -1, background[self.which] + slot_base)
        table[:, 8] = np.array([t.parameter_count for t in self.tapes], np.int32)[self.which]
        return table

    @cached_property
    def _registers(self) -> int:
        """The register file: one of two sizes, so that kernels are few."""
        return 32 if self.layers[:, tapes.LENGTH].max() <= 32 else tapes.MAXIMUM_INSTRUCTIONS

    @cached_property
    def _most_layers(self) -> int:
        return max((len(t.layers) for t in self.tapes), default=0)

    @cached_property
    def _longest(self) -> int:
        """The most instructions that a program has."""
        return max((len(t.instructions) for t in self.tapes), default=0)

    @cached_property
    def _outlined(self) -> int:
        """The most elements that a program's outlines can have."""
        # An outline's list of elements lies where its elements lie among the slots, eight of them each.
        return max((len(t.uniform.outputs) // 8 for t in self.tapes if t.instructions[:, tapes.COUNT].any()), default=0)

    @property
    def _family(self) -> frozenset[int]:
        """The operations that a kernel for this batch has: a whole family where one holds them all."""
        return next((family for family in _families() if self.used <= family), self.used)

    # -- what a launch needs -------------------------------------------------------------------------------

    def _by_lanes(self, mode: Mode) -> bool:
        many = len(self) >= max(taichi_lanes.FEWEST, taichi_device.TASKS_ON_CPU)  # so that no program is split into tasks
        return many and not on_gpu() and taichi_lanes.suits(mode, self._family, self._registers)

    def _common(self, mode: Mode, blocks: int) -> dict[str, Any]:
        arrays = {
            "programs": self._programs.copy(),
            "instructions": self.instructions,
            "layers": self.layers,
            "lipschitz": self.lipschitz,
            "slots": self._slot_parts.run(self.parameters),
        }
        tasks, most, longest = len(self) * blocks, self._most_layers, self._longest
        if self._by_lanes(mode):
            tasks, lanes = min(tasks, taichi_lanes.TASKS), taichi_lanes.LANES
            return {
                **arrays,
                "states": scratch((tasks, lanes * most + 1), np.int32),
                "active": scratch((tasks, 3 * longest + 3), np.int32),
                "centre": scratch((tasks, lanes * longest + 1)),
            }
        return {
            **arrays,
            "states": scratch((tasks, 4 * most + 4), np.int32),
            "active": scratch((tasks, 3 * longest + 3), np.int32),
            "centre": scratch((tasks, longest + 1)),
            "row_fields": scratch((tasks, taichi_device.tile() * most + 1)),
            "near_elements": scratch((tasks, self._outlined + 1), np.int32),
            "near_count": scratch((tasks, longest + 1), np.int32),
        }

    def _derivative(self, arrays: dict[str, Any], blocks: int) -> None:
        derivatives = [t.slot_derivative for t in self.tapes]
        rows = _bases([len(d.rows) for d in derivatives])
        columns = _bases([len(d.columns) for d in derivatives])
        table = arrays["programs"]
        table[:, 5] = rows[:-1][self.which]
        table[:, 6] = columns[:-1][self.which]
        table[:, 7] = self._weight_parts.base
        tasks, width = len(self) * blocks, self.parameters.shape[1]
        entries = max(_entry_bound(t) for t in self.tapes) + 8
        arrays.update(
            rows=np.concatenate([d.rows for d in derivatives]),
            columns=np.concatenate([d.columns for d in derivatives] + [np.zeros(1, np.int32)]),
            weights=self._weight_parts.run(self.parameters),
            marks=scratch((tasks, width), np.int32),
            touched=scratch((tasks, width + 1), np.int32),
            sums=scratch((tasks, width)),
            entry_column=scratch((tasks, entries), np.int32),
            entry_layer=scratch((tasks, entries), np.int32),
            entry=scratch((tasks, 4 * entries)),
            through=scratch((tasks, self._most_layers + 2)),
            row_marks=scratch((tasks, width), np.int32),
            row_list=scratch((tasks, width + 1), np.int32),
            row=scratch((tasks, 4 * width)),
        )

    def _launch(self, mode: Mode, arrays: dict[str, Any], size: tuple[int, int], blocks: int, blur: float, huber: float) -> None:
        by_lanes = self._by_lanes(mode)
        run = _kernel(mode, self._family, self._registers, by_lanes)
        argument_names = taichi_lanes.argument_names if by_lanes else taichi_frame.argument_names
        with _short_positions():
            numbers = (size[0], size[1], blocks, taichi_device.stride(), float(blur), float(huber))
            run(*(arrays[name] for name in argument_names(mode)), *numbers)

    def _blocks(self, size: tuple[int, int]) -> int:
        side = taichi_device.tile()
        tiles = -(-size[0] // side) * -(-size[1] // side)
        return taichi_device.tasks_each(len(self), tiles)

    # -- what it gives ------------------------------------------------------------------------------------

    def slots(self) -> tuple[Float, npt.NDArray[np.int32]]:
        """The slots of all programs, one after another, and where each program's begin."""
        with lock:
            start()
            return self._slot_parts.run(self.parameters), self._slot_parts.base

    def images(self, size: tuple[int, int], blur: float = 0.0) -> Float:
        """Premultiplied RGBA (n, h, w, 4) for size (width, height)."""
        with lock:
            start()
            blocks = self._blocks(size)
            arrays = self._common("image", blocks)
            arrays["image"] = np.empty((len(self), size[1], size[0], 4), np.float32)
            self._launch("image", arrays, size, blocks, blur, 0.0)
            return arrays["image"]  # type: ignore[no-any-return]

    def coverage(self, size: tuple[int, int], blur: float = 0.0) -> Float:
        """How much of each pixel the layers cover, colours and background apart: (n, h, w) for size (width, height)."""
        with lock:
            start()
            blocks = self._blocks(size)
            arrays = self._common("coverage", blocks)
            arrays["programs"][:, 4] = -1
            arrays["coverage"] = np.zeros((len(self), size[1], size[0]), np.float32)
            self._launch("coverage", arrays, size, blocks, blur, 0.0)
            return arrays["coverage"]  # type: ignore[no-any-return]

    def scores(self, target: Target, blur: float = 0.0) -> Double:
        """Squared error (n,) against the target, summed over pixels and channels."""
        with lock:
            start()
            blocks = self._blocks(target.size)
            arrays = self._common("score", blocks)
            arrays.update(target=target.image, tile_sums=target.tile_sums(taichi_device.tile()), loss=np.zeros(len(self) * blocks))
            self._launch("score", arrays, target.size, blocks, blur, 0.0)
            return arrays["loss"].reshape(len(self), blocks).sum(1)  # type: ignore[no-any-return]

    def scores_without(self, target: Target, blur: float = 0.0) -> Double:
        """Squared errors (n, layers + 1): without each of a program's layers, and last with all of them.

        All programs of the batch have equally many layers.
        """
        counts = {len(t.layers) for t in self.tapes}
        if len(counts) > 1:
            raise ValueError(f"programs of a batch without layers have equally many of them, not {sorted(counts)}")
        with lock:
            start()
            blocks, most = self._blocks(target.size), max(counts, default=0)
            arrays = self._common("without", blocks)
            tasks = len(self) * blocks
            arrays.update(
                target=target.image,
                through=scratch((tasks, most + 1)),
                step_layer=scratch((tasks, most + 1), np.int32),
                colour_step=scratch((tasks, 4 * most + 4)),
                losses=np.zeros((tasks, most + 1)),
            )
            self._launch("without", arrays, target.size, blocks, blur, 0.0)
            losses = arrays["losses"].reshape(len(self), blocks, most + 1).sum(1)
            losses[:, :most] += losses[:, most:]
            return losses  # type: ignore[no-any-return]

    def gradients(self, target: Target, blur: float = 0.0, huber: float = 0.0) -> tuple[Double, Double]:
        """(error (n,), its half gradient JᵀWr (n, p)), as `normal_equations` but with no matrix."""
        errors, gradient, _ = self._normal(target, blur, huber, matrix=False)
        return errors, gradient

    def normal_equations(
        self, target: Target, blur: float = 0.0, huber: float = 0.0
    ) -> tuple[Double, Double, Float]:
        """(error (n,), gradient JᵀWr (n, p), JᵀWJ (n, p, p)) of each program against the target.

        `huber` > 0 weights pixels whose residual is longer than it by Huber's rule; the error is then Huber's, twice.
        """
        return self._normal(target, blur, huber, matrix=True)

    def _normal(self, target: Target, blur: float, huber: float, matrix: bool) -> tuple[Double, Double, Float]:
        with lock:
            start()
            blocks = self._blocks(target.size)
            arrays = self._common("normal", blocks)
            self._derivative(arrays, blocks)
            n, width = len(self), self.parameters.shape[1]
            arrays.update(
                target=target.image,
                loss=np.zeros(n * blocks),
                gradient=np.zeros((n * blocks, width)),
                hessian=scratch((n * blocks, max(width, 2), max(width, 2)) if matrix else (1, 1, 1)),
            )
            self._launch("normal", arrays, target.size, blocks, blur, huber)
            errors = arrays["loss"].reshape(n, blocks).sum(1)
            gradient = arrays["gradient"].reshape(n, blocks, width).sum(1)
            if not matrix:
                return errors, gradient, np.zeros((1, 1, 1), np.float32)
            lower = _summed(arrays["hessian"], n)[:, :width, :width]
            diagonal = np.einsum("nii->ni", lower).copy()
            full = lower + lower.transpose(0, 2, 1)
            np.einsum("nii->ni", full)[:] = diagonal
            return errors, gradient, full


def _summed(parts: Any, programs: int) -> Float:
    """Sums (n, p, p) of matrices (n * blocks, p, p) over the blocks."""
    tasks, width, _ = parts.shape
    if isinstance(parts, np.ndarray):
        return parts.reshape(programs, tasks // programs, width, width).sum(1)  # type: ignore[no-any-return]
    sums = np.zeros((programs, width, width), np.float32)
    if not _sums:
        _sums.append(_compiled(_SUMS_SOURCE, "sums kernel"))
    _sums[0](parts, sums)
    return sums


_SUMS_SOURCE = """\
import taichi as ti


@ti.kernel
def run(parts: ti.types.ndarray(dtype=ti.f32, ndim=3), sums: ti.types.ndarray(dtype=ti.f32, ndim=3)):
    blocks = parts.shape[0] // sums.shape[0]
    for b, row, column in ti.ndrange(sums.shape[0], sums.shape[1], sums.shape[2]):
        total = ti.cast(0.0, ti.f64)
        for block in range(blocks):
            total += parts[b * blocks + block, row, column]
        sums[b, row, column] = ti.cast(total, ti.f32)
"""


def _entry_bound(tape: Tape) -> int:
    """The most entries that a pixel's row can get: each layer's parameters once for coverage and once for paint, and those of
    paints for each aspect of what a pixel shows of them."""
    cached = tape.__dict__.get("_entry_bound")
    if cached is None:
        derivative = tape.slot_derivative
        starts = list(tape.layers[:, tapes.PAINT_SLOT])
        cached = 3 + 2 * len(derivative.columns) + 8 * len(starts)
        scalars = {code.number: len(scalar_names(operation)) for operation, code in tapes.opcodes().items()}
        for paint, start, stops in tape.layers[:, [tapes.PAINT, tapes.PAINT_SLOT, tapes.STOPS]].tolist():
            if stops > 1:
                cached += 3 * int(derivative.rows[start + 6 + scalars[paint] + 3 * stops] - derivative.rows[start])
        tape.__dict__["_entry_bound"] = cached
    return int(cached)


class Target:
    """A picture to score against: premultiplied RGBA (h, w, 4) float32, with its sums over tiles."""

    def __init__(self, image: npt.ArrayLike) -> None:
        self.image: Float = np.ascontiguousarray(image, np.float32)
        if self.image.ndim != 3 or self.image.shape[2] != 4:
            raise ValueError(f"a target is a premultiplied RGBA picture (h, w, 4), not {self.image.shape}")
        self.size = (self.image.shape[1], self.image.shape[0])
        self._tile_sums: dict[int, Float] = {}

    def tile_sums(self, side: int) -> Float:
        """Over each tile (n,), row by row, the sums of the four channels and of their squares: (n, 5)."""
        if side not in self._tile_sums:
            width, height = self.size
            down, across = -(-height // side), -(-width // side)
            padded = np.zeros((down * side, across * side, 5))
            padded[:height, :width, :4] = self.image
            padded[:height, :width, 4] = (self.image.astype(np.float64) ** 2).sum(2)
            tiles = padded.reshape(down, side, across, side, 5).sum((1, 3)).reshape(-1, 5)
            self._tile_sums[side] = np.ascontiguousarray(tiles, np.float32)
        return self._tile_sums[side]


def jacobian(tape: Tape, parameters: npt.ArrayLike, size: tuple[int, int], blur: float = 0.0) -> tuple[Float, Float]:
    """Premultiplied RGBA (h, w, 4) and its Jacobian (h, w, 4, p), in one pass."""
    batch = Batch.of([(tape, parameters)])
    with lock:
        start()
        blocks = batch._blocks(size)
        arrays = batch._common("jacobian", blocks)
        batch._derivative(arrays, blocks)
        arrays["image"] = np.empty((1, size[1], size[0], 4), np.float32)
        arrays["jacobian"] = scratch((size[1], size[0], 4, batch.parameters.shape[1]))
        batch._launch("jacobian", arrays, size, blocks, blur, 0.0)
        return arrays["image"][0], taichi_device.fetched(arrays["jacobian"])[..., : tape.parameter_count]


def _uniform_kernel() -> Callable[..., None]:
    if not _uniform:
        _uniform.append(_compiled(_uniform_source(), "uniform kernel"))
    return _uniform[0]


def _uniform_source() -> str:
    """The interpreter of uniform parts: float64, one program a thread."""
    text = f"""\
import taichi as ti

{taichi_frame.FUNCTIONS}
@ti.kernel
def run(
    table: ti.types.ndarray(dtype=ti.i32, ndim=2), code: ti.types.ndarray(dtype=ti.i32, ndim=2),
    constants: ti.types.ndarray(dtype=ti.f64, ndim=1), outputs: ti.types.ndarray(dtype=ti.i32, ndim=1),
    parameters: ti.types.ndarray(dtype=ti.f64, ndim=2), values: ti.types.ndarray(dtype=ti.f64, ndim=2),
    results: ti.types.ndarray(dtype=ti.f32, ndim=1),
):
    for p in range(table.shape[0]):
        first = table[p, 0]
        for n in range(table[p, 1]):
            op = code[first + n, 0]
            result = constants[first + n]
            if op == 1:
                result = parameters[p, code[first + n, 1]]
            elif op > 1:
                a = values[p, code[first + n, 1]]
                b = values[p, code[first + n, 2]]
                c = values[p, code[first + n, 3]]
"""
    for k, name in enumerate(tapes.UNIFORM_OPERATORS):
        text += f"                {'if' if k == 0 else 'elif'} op == {k + 2}:\n"
        text += f"                    result = {emit.TAICHI.templates[name].format('a', 'b', 'c')}\n"
    text += """\
            values[p, n] = result
        for n in range(table[p, 3]):
            results[table[p, 4] + n] = ti.cast(values[p, outputs[table[p, 2] + n]], ti.f32)
"""
    return text
