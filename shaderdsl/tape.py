"""Lowering: a scene becomes a tape, straight-line code with no recursion and no unbounded loop.

A tape has two parts. The *uniform* part is scalar arithmetic that runs once a program: it turns parameters into slots,
the numbers that instructions read (affine maps already composed, so that a moved and rotated shape costs one
instruction). The *pixel* part is one list of instructions a layer, at the grain of whole operations: a backend runs them for each
pixel, and every instruction keeps its register, so that a reverse pass can follow. Equal sub-shapes of a layer are
lowered once.

The derivative of the slots by the parameters is sparse and is part of the uniform part too: `Tape.slot_derivative` names,
for each slot, the parameters it depends on and the nodes of the graph that hold the partial derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from shaderdsl import scene as ir
from shaderdsl.collection import collector_held
from shaderdsl.dual import ELEMENT
from shaderdsl.errors import DslError
from shaderdsl.expression import EVALUATORS, Expr, Graph, Template, hypot
from shaderdsl.registry import Dimension, Operation, Point, bind, continuous_names, operations, scalar_names, unbind

MAXIMUM_INSTRUCTIONS = 256
"""Instructions a layer may have: the size of a backend's register file."""

MAXIMUM_SPACES = 64
"""Repeated or mirrored spaces a layer may have, the plain one included."""

IntArray = npt.NDArray[np.int32]

# Columns of Tape.instructions.
OPCODE, SOURCE, SECOND, SLOT, COUNT = range(5)
# Columns of Tape.layers.
FIRST, LENGTH, PAINT, PAINT_SLOT, STOPS, LAYER_SLOT, CULL = range(7)

PLACE = 7
"""Slots before a shape's own: the affine map (xx, xy, x, yx, yy, y) into its coordinates, and the distance scale."""

UNIFORM_OPERATORS = tuple(name for name in EVALUATORS if name != "hash")
"""Opcodes of the uniform part, after 0 = constant and 1 = parameter: all but what bodies alone have."""

_OPERATOR_NUMBERS = {operator: 2 + k for k, operator in enumerate(UNIFORM_OPERATORS)}


@dataclass(frozen=True)
class Opcode:
    """What an instruction does: one body, shared by all operations that have it."""

    operation: Operation
    number: int

    @property
    def category(self) -> str:
        return self.operation.category


@lru_cache(maxsize=2)
def opcodes(dimension: Dimension = 2) -> dict[Operation, Opcode]:
    """The opcode of each operation that a tape can hold; operations with one body share one."""
    by_body: dict[object, Opcode] = {}
    table: dict[Operation, Opcode] = {}
    for operation in operations(dimension).values():
        if operation.category in ("transform", "section", "layer", "camera"):
            continue
        key = (operation.body, operation.finish)
        table[operation] = by_body.setdefault(key, Opcode(operation, len(by_body)))
    return table


NO_TILES, ALL_TILES, OUTER_TILES = range(3)
"""Which tiles may be judged by their centre: where the field is continuous all, where it jumps inside alone those outside."""


class Lowered:
    """What the tapes of plane and space have in common: slots, which are nodes of a graph over the parameters."""

    graph: Graph
    slots: tuple[int, ...]

    @cached_property
    def uniform(self) -> Uniform:
        """The uniform part as arrays, for the slots alone."""
        return Uniform.of(self.graph, self.slots)

    @cached_property
    def slot_derivative(self) -> SlotDerivative:
        """∂slots/∂parameters; adds nodes to the graph on first use."""
        return SlotDerivative.of(self.graph, self.slots)

    def slot_values(self, parameters: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Slots (n,) in float64 for parameters (p,)."""
        return self.uniform.run(np.asarray(parameters, np.float64))


@dataclass(frozen=True, eq=False)
class Tape(Lowered):
    """The lowered form of a structure; see the module. Arrays are read-only.

    `instructions` (n, 5): opcode, source register or space, second register, first slot, elements of an outline.
    `layers` (m, 7): first instruction, how many, paint opcode, first slot of the paint (place, parameters, colours),
    colour stops, first slot of (opacity, softness), and which tiles far from the surface may be skipped: NO_TILES, ALL_TILES
    or OUTER_TILES.
    `slots` are nodes of `graph`.
    `lipschitz` (m,): the slope that a layer's field never exceeds.
    """

    graph: Graph
    instructions: IntArray
    layers: IntArray
    lipschitz: npt.NDArray[np.float32]
    slots: tuple[int, ...]
    background: int | None
    parameter_count: int

    @cached_property
    def used(self) -> frozenset[int]:
        """Opcodes that occur, paints included."""
        return frozenset(self.instructions[:, OPCODE].tolist()) | frozenset(self.layers[:, PAINT].tolist())


@dataclass(frozen=True, eq=False)
class Uniform:
    """Scalar straight-line code: `code` (k, 4) is operator, three arguments; `constants` (k,) the value of operator 0;
    operator 1 reads the parameter in its first argument. `outputs` are the nodes that are wanted."""

    code: IntArray
    constants: npt.NDArray[np.float64]
    outputs: IntArray

    @classmethod
    def of(cls, graph: Graph, outputs: Sequence[int]) -> Uniform:
        nodes = graph.nodes
        order = graph.needed(outputs)
        place = {index: k for k, index in enumerate(order)}
        code: list[int] = []
        constants = [0.0] * len(order)
        for k, index in enumerate(order):
            node = nodes[index]
            operator = node[0]
            if operator == "const":
                constants[k] = node[1]
                code += (0, 0, 0, 0)
            elif operator == "input":
                code += (1, node[1], 0, 0)
            elif len(node) == 3:
                code += (_OPERATOR_NUMBERS[operator], place[node[1]], place[node[2]], 0)
            elif len(node) == 2:
                code += (_OPERATOR_NUMBERS[operator], place[node[1]], 0, 0)
            else:
                code += (_OPERATOR_NUMBERS[operator], *(place[a] for a in node[1:]))
        return cls(
            np.array(code, np.int32).reshape(-1, 4),
            np.array(constants),
            np.array([place[i] for i in outputs], np.int32),
        )

    def run(self, parameters: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The outputs for `parameters` (p,), in float64."""
        values: list[float] = []
        numbers = parameters.tolist()
        for (operator, a, b, c), constant in zip(self.code.tolist(), self.constants.tolist()):
            if operator == 0:
                values.append(constant)
            elif operator == 1:
                values.append(numbers[a])
            else:
                name = UNIFORM_OPERATORS[operator - 2]
                arguments = (values[a], values[b], values[c])[: _ARITY[name]]
                values.append(EVALUATORS[name](*arguments))
        return np.array([values[i] for i in self.outputs.tolist()], np.float64)


_ARITY = {name: f.__code__.co_argcount if hasattr(f, "__code__") else 1 for name, f in EVALUATORS.items()}
_ARITY["atan2"] = 2


class _Linear:
    """Which nodes of a graph are linear in the parameters, and with which factors. Nearly all slots are: points of
    outlines and colours are parameters themselves, and need no differentiation."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.known: dict[int, dict[int, float] | None] = {}

    def factors(self, index: int) -> dict[int, float] | None:
        """The factor of each parameter, or None for a node that is not linear."""
        if index not in self.known:
            self.known[index] = self._found(index)
        return self.known[index]

    def _found(self, index: int) -> dict[int, float] | None:
        operator, *arguments = self.graph.nodes[index]
        if operator == "const":
            return {}
        if operator == "input":
            return {arguments[0]: 1.0}
        if operator not in ("add", "sub", "mul", "neg"):
            return None
        parts = [self.factors(a) for a in arguments]
        if any(part is None for part in parts):
            return None
        first, second = parts[0] or {}, parts[-1] or {}
        if operator == "neg":
            return {column: -w for column, w in first.items()}
        if operator == "mul":
            constants = [self.graph.nodes[a][1] if self.graph.nodes[a][0] == "const" else None for a in arguments]
            if constants[0] is not None:
                return {column: w * constants[0] for column, w in second.items()}
            return None if constants[1] is None else {column: w * constants[1] for column, w in first.items()}
        sign = 1.0 if operator == "add" else -1.0
        total = dict(first)
        for column, w in second.items():
            total[column] = total.get(column, 0.0) + sign * w
        return total


@dataclass(frozen=True, eq=False)
class SlotDerivative:
    """A sparse matrix by rows: slot s depends on parameters `columns[rows[s]:rows[s+1]]`, with `weights` computed
    by `uniform` from the parameters."""

    rows: IntArray
    columns: IntArray
    uniform: Uniform

    @classmethod
    def of(cls, graph: Graph, slots: Sequence[int]) -> SlotDerivative:
        rows, columns, weights = [0], [], []
        linear = _Linear(graph)
        seen: dict[int, list[tuple[int, int]]] = {}
        for slot in slots:
            if slot not in seen:
                factors = linear.factors(slot)
                if factors is not None:
                    seen[slot] = [(column, graph.constant(w).index) for column, w in factors.items() if w != 0.0]
                else:
                    inputs = [i for i in graph.needed([slot]) if graph.nodes[i][0] == "input"]
                    partials = graph.adjoints({slot: 1.0}, [Expr(graph, i) for i in inputs])
                    seen[slot] = [
                        (graph.nodes[i][1], partial.index)
                        for i, partial in zip(inputs, partials)
                        if partial.constant != 0.0
                    ]
            for column, weight in seen[slot]:
                columns.append(column)
                weights.append(weight)
            rows.append(len(columns))
        return cls(np.array(rows, np.int32), np.array(columns, np.int32), Uniform.of(graph, weights))


Matrix = tuple[Expr, Expr, Expr, Expr, Expr, Expr]
"""(xx, xy, x, yx, yy, y): x' = xx x + xy y + x, and y' alike."""


class _Frame:
    """Where a shape is lowered: a space register, the affine map from it to the shape's coordinates, the factor
    on its distances, and by how much primitives are inset (for `round`). Frames of equal `key` are equal."""

    __slots__ = ("space", "matrix", "scale", "inset", "key")

    def __init__(self, space: int, matrix: Matrix, scale: Expr, inset: Expr | None = None) -> None:
        self.space = space
        self.matrix = matrix
        self.scale = scale
        self.inset = inset
        self.key = (space, *[e.index for e in matrix], scale.index, inset and inset.index)


def lower(scene: ir.Scene, parameter_count: int) -> Tape:
    """The tape of a scene whose program has `parameter_count` parameters. DslError where a layer is too large."""
    with collector_held():
        return _Lowering(scene, parameter_count).tape()


@cache
def _affine_template(operation: Operation, known: tuple[float | str, ...]) -> Template:
    """A transform's matrix (xx, xy, x, yx, yy, y) and distance scale by its scalars and the matrix before it.

    `known` says of the entries of that matrix what lets the template be simpler: 0 or 1; "-" for a negation, whose
    argument is the input; "" for others.
    """
    graph = Graph()
    px, py, zero = graph.input("@x"), graph.input("@y"), graph.constant(0.0)
    scalars = [graph.input(name) for name in scalar_names(operation)]
    inputs = [graph.input(k) for k in range(len(known))]
    before = [
        graph.constant(value) if isinstance(value, float) else -entry if value else entry
        for entry, value in zip(inputs, known)
    ]
    arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
    place = operation.body(Point(px, py), **arguments)
    origin = operation.body(Point(zero, zero), **arguments)
    outputs: list[Expr] = []
    for value, shift in ((place.x, origin.x), (place.y, origin.y)):
        names = [i for i in graph.needed([value.index]) if graph.nodes[i][0] == "input"]
        x, y = (
            graph.tangents([value], {i: (1.0 if i == axis.index else zero) for i in names})[0] for axis in (px, py)
        )
        a, b, c, d, e, f = before
        outputs += [x * a + y * d, x * b + y * e, x * c + y * f + shift]
    scale = operation.distance_scale(**arguments) if operation.distance_scale else 1.0
    return Template(graph, [*scalars, *inputs], [*outputs, graph.lift(scale)])


def placed_by(
    graph: Graph, operation: Operation, scalars: Sequence[Expr], matrix: Matrix
) -> tuple[Matrix, Expr]:
    """The map that applies `matrix` and then a transform, and the factor that the transform puts on distances."""
    known: list[float | str] = []
    inputs = list(scalars)
    for entry in matrix:
        operator, *arguments = graph.nodes[entry.index]
        if operator == "neg":
            known.append("-")
            inputs.append(Expr(graph, arguments[0]))
        else:
            known.append(arguments[0] if operator == "const" and arguments[0] in (0.0, 1.0) else "")
            inputs.append(entry)
    a, b, c, d, e, f, scale = graph.instantiate(_affine_template(operation, tuple(known)), inputs)
    return (a, b, c, d, e, f), scale


def all_scalars(operation: Operation, scalars: Sequence[Expr], decided: ir.Decided, graph: Graph) -> list[Expr]:
    """Continuous scalars and decided words and counts, together in slot order (`scalar_names`)."""
    if continuous_names(operation) == scalar_names(operation):
        return list(scalars)
    values = dict(zip(continuous_names(operation), scalars))
    fixed: dict[str, Any] = dict(decided)
    for parameter in operation.parameters:
        if parameter.kind == "count":
            values[parameter.name] = graph.constant(float(fixed[parameter.name]))
        elif parameter.kind == "choice":
            word = fixed.get(parameter.name, parameter.default)
            values[parameter.name] = graph.constant(float(parameter.choices.index(word)))
    return [values[name] for name in scalar_names(operation)]


def outline_elements(outline: ir.Outline, graph: Graph) -> list[Expr]:
    """The element slots of an outline: lines and quadratics between its points, implied midpoints included."""
    decided = dict(outline.decided)
    closed = outline.operation.name != "stroked path" or decided.get("closed") == "yes"
    vertices = list(outline.vertices)
    if closed and not vertices[0].on:
        # Start on the curve: at the first point that lies on it, or at an implied midpoint.
        first = next((k for k, v in enumerate(vertices) if v.on), None)
        if first is None:
            a, b = vertices[-1], vertices[0]
            vertices.insert(0, ir.Vertex((a.x + b.x) * 0.5, (a.y + b.y) * 0.5))
        else:
            vertices = vertices[first:] + vertices[:first]
    if closed:
        vertices.append(vertices[0])
    pieces: list[tuple[Any, ...]] = []
    start, control = vertices[0], None
    for vertex in vertices[1:]:
        if vertex.on:
            pieces.append((start, control, vertex))
            start, control = vertex, None
        elif control is None:
            control = vertex
        else:
            middle = ir.Vertex((control.x + vertex.x) * 0.5, (control.y + vertex.y) * 0.5)
            pieces.append((start, control, middle))
            start, control = middle, vertex
    slots: list[Expr] = []
    zero, one = graph.constant(0.0), graph.constant(1.0)
    for k, (a, c, b) in enumerate(pieces):
        ends = 0.0 if closed else float(k == 0) + 2.0 * float(k == len(pieces) - 1)
        middle = c or a
        slots += [a.x, a.y, middle.x, middle.y, b.x, b.y, one if c else zero, graph.constant(ends)]
    return slots


class _Lowering:
    def __init__(self, scene: ir.Scene, parameter_count: int) -> None:
        self.scene = scene
        self.graph = scene.graph
        self.parameter_count = parameter_count
        self.slots: list[int] = []
        self.instructions: list[tuple[int, int, int, int, int]] = []
        self.first = 0
        self.memo: dict[object, int] = {}
        self.slopes: dict[int, float] = {}
        self.spaces = 1
        self.cull = True
        self.jumps = False
        self.line = 0

    def tape(self) -> Tape:
        layers: list[tuple[int, ...]] = []
        slopes: list[float] = []
        background: int | None = None
        if self.scene.background is not None:
            background = self.block(self.scene.background)
        for layer in self.scene.layers:
            self.first, self.memo, self.slopes, self.spaces = len(self.instructions), {}, {}, 1
            self.cull, self.jumps, self.line = True, False, layer.line
            zero, one = self.graph.constant(0.0), self.graph.constant(1.0)
            identity = (one, zero, zero, zero, one, zero)
            root = self.shape(layer.shape, _Frame(0, identity, one))
            if root != len(self.instructions) - self.first - 1:  # the root is the last register, by construction
                raise AssertionError("a layer's root must be its last instruction")
            slot = self.block((layer.opacity or one, layer.softness or zero))
            length = len(self.instructions) - self.first
            # Behind a boolean, what is inside may be outside.
            tiles = ALL_TILES if self.cull and not self.jumps else OUTER_TILES if self.cull and length == 1 else NO_TILES
            layers.append(
                (
                    self.first,
                    length,
                    opcodes()[layer.paint.operation].number,
                    self.paint(layer.paint),
                    len(layer.paint.colours),
                    slot,
                    tiles,
                )
            )
            slopes.append(self.slopes[root])
        return Tape(
            self.graph,
            np.array(self.instructions, np.int32).reshape(-1, 5),
            np.array(layers, np.int32).reshape(-1, 7),
            np.array(slopes, np.float32),
            tuple(self.slots),
            background,
            self.parameter_count,
        )

    # -- pieces -------------------------------------------------------------------------------------------

    def block(self, expressions: Sequence[Expr]) -> int:
        start = len(self.slots)
        self.slots.extend([e.index for e in expressions])
        return start

    def instruction(self, key: object, slope: float, fields: tuple[int, int, int, int, int]) -> int:
        if len(self.instructions) - self.first >= MAXIMUM_INSTRUCTIONS:
            raise DslError(
                f"this layer needs more than {MAXIMUM_INSTRUCTIONS} operations; split it into several layers", self.line
            )
        register = len(self.instructions) - self.first
        self.instructions.append(fields)
        self.memo[key] = register
        self.slopes[register] = slope
        return register

    def shape(self, shape: ir.Shape, frame: _Frame) -> int:
        key = (id(shape), frame.key)
        found = self.memo.get(key)
        if found is not None:
            return found
        if isinstance(shape, ir.Placed):
            register = self.placed(shape, frame)
        elif isinstance(shape, ir.Combination):
            register = self.combination(shape, frame)
        elif isinstance(shape, ir.Modified):
            register = self.modified(shape, frame)
        else:
            register = self.leaf(shape, frame)
        self.memo[key] = register
        return register

    def leaf(self, shape: ir.Primitive | ir.Outline, frame: _Frame) -> int:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        if frame.inset is not None:
            assert operation.inset is not None, "the checker lets only shapes with an inset be rounded"
            arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
            scalars = unbind(operation, {**arguments, **operation.inset(frame.inset, **arguments)})
            scalars = [self.graph.lift(s) for s in scalars]
        if operation.jumps is not None:
            name, word = operation.jumps
            self.jumps |= dict(shape.decided).get(name) == word
        elements = outline_elements(shape, self.graph) if isinstance(shape, ir.Outline) else []
        opcode = opcodes()[operation].number
        key = (opcode, frame.key, tuple(e.index for e in scalars), tuple(e.index for e in elements))
        if key in self.memo:
            return self.memo[key]
        slot = self.block([*frame.matrix, frame.scale, *scalars, *elements])
        return self.instruction(key, operation.lipschitz, (opcode, frame.space, 0, slot, len(elements) // len(ELEMENT)))

    def combination(self, shape: ir.Combination, frame: _Frame) -> int:
        operation = shape.operation
        registers = [self.shape(child, frame) for child in shape.children]
        own = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        scalars = self.scaled(operation, own, frame.scale)
        total = registers[0]
        for other in registers[1:]:
            key = (opcodes()[operation].number, total, other, tuple(e.index for e in scalars))
            slope = operation.lipschitz * max(self.slopes[total], self.slopes[other])
            found = self.memo.get(key)
            if found is None:
                fields = (opcodes()[operation].number, total, other, self.block(scalars), 0)
                found = self.instruction(key, slope, fields)
            total = found
        return total

    def modified(self, shape: ir.Modified, frame: _Frame) -> int:
        operation = shape.operation
        inner = frame
        if operation.name == "round":
            amount = shape.scalars[0] if frame.inset is None else shape.scalars[0] + frame.inset
            inner = _Frame(frame.space, frame.matrix, frame.scale, amount)
        child = self.shape(shape.child, inner)
        scalars = self.scaled(operation, shape.scalars, frame.scale)
        key = (opcodes()[operation].number, child, -1, tuple(e.index for e in scalars))
        if key in self.memo:
            return self.memo[key]
        slope = operation.lipschitz * self.slopes[child]
        return self.instruction(key, slope, (opcodes()[operation].number, child, 0, self.block(scalars), 0))

    def scaled(self, operation: Operation, scalars: Sequence[Expr], scale: Expr) -> list[Expr]:
        """Parameters of booleans and modifiers, which act on distances: lengths grow with the scale."""
        return [s * scale if p.kind == "length" else s for p, s in zip(operation.parameters, scalars)]

    def placed(self, shape: ir.Placed, frame: _Frame) -> int:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        if operation.category == "transform":
            matrix, factor = placed_by(self.graph, operation, scalars, frame.matrix)
            scale = frame.scale if factor.constant == 1.0 else frame.scale * factor
            inset = None if frame.inset is None else frame.inset / factor
            return self.shape(shape.child, _Frame(frame.space, matrix, scale, inset))
        if operation.copies > 1:
            # Neighbouring copies may overlap or leave the field discontinuous: no tile may be judged by its centre.
            self.cull = False
        union = opcodes()[operations()["union"]].number
        total: int | None = None
        for copy in range(operation.copies):
            space = self.space(operation, frame, [*scalars, self.graph.constant(float(copy))])
            zero, one = self.graph.constant(0.0), self.graph.constant(1.0)
            inner = _Frame(space, (one, zero, zero, zero, one, zero), frame.scale, frame.inset)
            register = self.shape(shape.child, inner)
            if total is None:
                total = register
            else:
                slope = max(self.slopes[total], self.slopes[register])
                total = self.instruction(("union", total, register), slope, (union, total, register, self.block(()), 0))
        assert total is not None
        return total

    def space(self, operation: Operation, frame: _Frame, scalars: Sequence[Expr]) -> int:
        opcode = opcodes()[operation].number
        key = ("space", opcode, frame.key[:7], tuple(e.index for e in scalars))
        found = self.memo.get(key)
        if found is not None:
            return found
        if self.spaces >= MAXIMUM_SPACES:
            raise DslError(
                f"this layer nests or combines more than {MAXIMUM_SPACES - 1} repeated spaces; use fewer repetitions",
                self.line,
            )
        slot = self.block([*frame.matrix, *scalars])
        number = self.spaces
        self.spaces += 1
        # A space takes an instruction too; COUNT holds the number of the space that it makes.
        self.instruction(key, 0.0, (opcode, frame.space, 0, slot, number))
        self.memo[key] = number
        return number

    def paint(self, paint: ir.Paint) -> int:
        zero, one = self.graph.constant(0.0), self.graph.constant(1.0)
        matrix: Matrix = (one, zero, zero, zero, one, zero)
        for placement in reversed(paint.placements):
            scalars = all_scalars(placement.operation, placement.scalars, (), self.graph)
            matrix, _ = placed_by(self.graph, placement.operation, scalars, matrix)
        scalars = all_scalars(paint.operation, paint.scalars, paint.decided, self.graph)
        return self.block([*matrix, *scalars, *(channel for colour in paint.colours for channel in colour)])


def combined_softness(first: Expr | None, second: Expr) -> Expr:
    """Two blurs in a row are one: their variances add."""
    return second if first is None else hypot(first, second)
