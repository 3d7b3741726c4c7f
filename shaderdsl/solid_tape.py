"""Lowering in space: a scene of solids becomes a tape, as `shaderdsl.tape` does for layers of the plane.

All solids together are one field: one list of instructions, whose last register is the scene's distance. Shapes of the plane
that are made solid are instructions of the same list, in a space whose x and y are the plane's. What a solid is made of
stands in a table of materials, and each shape's instruction names its row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from shaderdsl import scene as ir
from shaderdsl.collection import collector_held
from shaderdsl.dual import ELEMENT
from shaderdsl.errors import DslError
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import CELL_OF, OPERANDS, Operation, Point, Point3, bind, operations, scalar_names, unbind
from shaderdsl.solid_dual import camera_slots
from shaderdsl.tape import (
    MAXIMUM_INSTRUCTIONS,
    MAXIMUM_SPACES,
    IntArray,
    Lowered,
    all_scalars,
    opcodes,
    outline_elements,
)

# Columns of SolidTape.instructions.
OPCODE, SOURCE, SECOND, SLOT, COUNT, MATERIAL = range(6)
# Columns of SolidTape.materials.
PAINT, SPACE, PAINT_SLOT, STOPS, SURFACE_SLOT, BUMP, BUMP_SLOT = range(7)

PLACE = 13
"""Slots before a shape's own: the affine map (xx, xy, xz, x, yx, .. z) into its coordinates, and the distance scale."""

UNPAINTED = ((0.8, 0.8, 0.8), (0.0, 0.6, 0.0))
"""Colour, and metallic, roughness and emission, of what is not painted."""


@dataclass(frozen=True, eq=False)
class SolidTape(Lowered):
    """The lowered form of a structure in space; see the module. Arrays are read-only.

    `instructions` (n, 6): opcode, source register or space, second register, first slot, elements of an outline (of a fold:
    the number of the space that it makes; of a boolean: 1 where all of its surface has the first operand's material), row of
    `materials` (of a loft: its third register).
    `materials` (m, 7): paint opcode, space, first slot of the paint (a map of 12, parameters, colours), colour stops, first
    slot of (metallic, roughness, emission), bump opcode or -1, first slot of the bump (the distance scale, parameters).
    `lights` (k, 2): opcode and first slot.
    `camera`, `background` (or None), `exposure` and `fog` (or None) are first slots.
    `space_count`: folded spaces, the plain one included. `lipschitz`: the slope that the scene's field never exceeds.
    """

    graph: Graph
    instructions: IntArray
    materials: IntArray
    lights: IntArray
    lipschitz: float
    slots: tuple[int, ...]
    camera: int
    background: int | None
    exposure: int
    fog: int | None
    tone: str
    space_count: int
    parameter_count: int

    @cached_property
    def used(self) -> frozenset[int]:
        """Opcodes that occur, those of paints and lights included."""
        materials = self.materials[:, (PAINT, BUMP)].ravel().tolist()
        return frozenset([*self.instructions[:, OPCODE].tolist(), *materials, *self.lights[:, 0].tolist()]) - {-1}

    @cached_property
    def is_bumpy(self) -> bool:
        """Whether a texture turns the normal of any surface."""
        return bool((self.materials[:, BUMP] >= 0).any())

    def showing(self, what: str, exposure: float = 1.0) -> SolidTape:
        """The same scene with the same parameters, drawn as something else: "colour" (itself), "normals" (half of the unit
        normal plus one half), "depth" (the distance along the camera's view), or "silhouette" (white). The last three are
        linear, multiplied by `exposure`, and transparent where nothing is."""
        if what == "colour":
            return self
        graph, table, named = self.graph, opcodes(3), operations(3)
        paint = [*_identity(graph), *(graph.constant(v) for v in (1.0, 1.0, 1.0, 0.0, 1.0, 0.0, exposure))]
        camera = self.slots[self.camera : self.camera + 12]
        light = (*camera[:3], *camera[9:12]) if what == "depth" else ()
        first = len(self.slots)
        row = (table[named["flat"]].number, 0, first, 1, first + 15, -1, 0)
        return replace(
            self,
            slots=(*self.slots, *(e.index for e in paint), *light),
            materials=np.array([row] * len(self.materials), np.int32).reshape(-1, 7),
            lights=np.array([(table[named[f"{what} light"]].number, first + len(paint))], np.int32),
            background=None,
            exposure=first + len(paint) - 1,
            fog=None,
            tone="raw",
        )

    @cached_property
    def march(self) -> IntArray:
        """The instructions for values alone: (n, 6) opcode, source register or space, second register, first slot, count (of a
        fold: its space; of a loft: its third register), and the register that the result goes to. Registers and spaces are used
        again when they are read for the last time; DslError where more than the march's are alive at once. What materials alone
        read is IDLE here."""
        return _allocated(self.instructions)

    @cached_property
    def parts(self) -> IntArray:
        """The scene's solids, where it is a sharp union of some: (k, 2) first instruction and the one behind the last, in order. The
        first part's result is the union so far; after each other one an instruction unites its result with that, so that
        parts can be left out where they are far away. One part is everything."""
        return _parted(self.instructions)


def _parted(instructions: IntArray) -> IntArray:
    rows = instructions.tolist()
    table = opcodes(3)
    union = table[operations(3)["union"]].number
    folds = {code.number for operation, code in table.items() if operation.category in ("repetition", "extrusion")}
    combined = {code.number for operation, code in table.items() if operation.category in OPERANDS}
    lofts = {code.number for operation, code in table.items() if operation.category == "loft"}
    parts: list[tuple[int, int]] = []
    last = len(rows) - 1
    while last >= 0:
        opcode, source, second, *_, count, _ = rows[last]
        if opcode != union or not source < second == last - 1:
            break
        parts.append((source + 1, last))
        last = source
    parts.append((0, last + 1))
    parts.reverse()
    # A part that reads another's registers or spaces can not do without it.
    for first, end in parts:
        spaces = {0}
        for opcode, source, second, _, count, third in rows[first:end]:
            if opcode in combined:
                alone = source >= first and (second >= first or second == 0) and (opcode not in lofts or third >= first)
            else:
                alone = source in spaces
            if opcode in folds:
                spaces.add(count)
            if not alone:
                return np.array([(0, len(rows))], np.int32)
    return np.array(parts, np.int32).reshape(-1, 2)


MARCH_REGISTERS = 32
MARCH_SPACES = 8
"""Registers and folded spaces that may be alive at once while a ray is marched."""


IDLE = -1
"""The opcode of an instruction that does nothing."""


def _allocated(instructions: IntArray) -> IntArray:
    table = opcodes(3)
    category = {code.number: operation.category for operation, code in table.items()}
    rows = instructions.tolist()
    for_materials = {code.number for operation, code in table.items() if operation.name.startswith(CELL_OF)}
    last_read: dict[tuple[str, int], int] = {("register", len(rows) - 1): len(rows)}
    for number, (opcode, source, second, _, _, third) in enumerate(rows):
        if opcode in for_materials:
            continue
        if category[opcode] in OPERANDS:
            for register in (source, second, third)[: len(OPERANDS[category[opcode]])]:
                last_read["register", register] = number
        elif source > 0:
            last_read["space", source] = number
    free = {"register": list(range(MARCH_REGISTERS))[::-1], "space": list(range(1, MARCH_SPACES + 1))[::-1]}
    place: dict[tuple[str, int], int] = {("space", 0): 0}
    result: list[tuple[int, ...]] = []

    def taken(kind: str, name: int) -> int:
        if not free[kind]:
            raise DslError("this scene nests too many operations at once; put the deeper parts first, or use fewer solids", 1)
        place[kind, name] = free[kind].pop()
        return place[kind, name]

    for number, (opcode, source, second, slot, count, third) in enumerate(rows):
        kind = category[opcode]
        if opcode in for_materials:
            result.append((IDLE, 0, 0, 0, 0, 0))
            continue
        registers = (source, second, third)[: len(OPERANDS.get(kind, ()))]
        read = [("register", register) for register in registers] or [("space", source)]
        places = [place[name] for name in read]
        # A result takes its first operand's place if it can: a union of many solids stays where it is (see `SolidTape.parts`).
        for name in reversed(list(dict.fromkeys(read))):
            if name != ("space", 0) and last_read[name] == number:
                free[name[0]].append(place[name])
        if kind in ("repetition", "extrusion"):
            result.append((opcode, places[0], 0, slot, taken("space", count), 0))
        else:
            target = taken("register", number)
            result.append((opcode, places[0], places[1] if len(places) > 1 else 0, slot, places[2] if kind == "loft" else count, target))
        if ("register", number) not in last_read and kind not in ("repetition", "extrusion"):
            free["register"].append(place["register", number])  # nobody reads it
    return np.array(result, np.int32).reshape(-1, 6)


Map = tuple[Expr, ...]
"""Twelve entries, row by row: x' = xx x + xy y + xz z + x, and y', z' alike."""


def _identity(graph: Graph) -> list[Expr]:
    return [graph.constant(1.0 if k in (0, 5, 10) else 0.0) for k in range(12)]


class _Frame:
    """Where a solid is lowered: a space, the map from it to the solid's coordinates, the factor on its distances, by how much
    primitives are inset (for `round`), and the row of what is not painted otherwise. `cell` makes the space whose points are the
    indices of the copies of the next repetition around; None where there is none."""

    __slots__ = ("space", "matrix", "scale", "inset", "material", "cell", "key")

    def __init__(
        self, space: int, matrix: Map, scale: Expr, inset: Expr | None, material: int, cell: Callable[[], int] | None = None
    ) -> None:
        self.space = space
        self.matrix = matrix
        self.scale = scale
        self.inset = inset
        self.material = material
        self.cell = cell  # belongs to the space, which the key has
        self.key = (space, *[e.index for e in matrix], scale.index, inset and inset.index, material)


def lower(scene: ir.SolidScene, parameter_count: int) -> SolidTape:
    """The tape of a scene whose program has `parameter_count` parameters. DslError where it is too large."""
    with collector_held():
        return _Lowering(scene, parameter_count).tape()


class _Lowering:
    def __init__(self, scene: ir.SolidScene, parameter_count: int) -> None:
        self.scene = scene
        self.graph = scene.graph
        self.parameter_count = parameter_count
        self.zero, self.one = self.graph.constant(0.0), self.graph.constant(1.0)
        self.identity: Map = tuple(_identity(self.graph))
        self.slots: list[int] = []
        self.instructions: list[tuple[int, ...]] = []
        self.materials: list[tuple[int, ...]] = []
        self.memo: dict[object, int] = {}
        self.slopes: dict[int, float] = {}
        self.spaces = 1
        self.line = 0
        self.numbers = {operation: code.number for operation, code in opcodes(3).items()}
        self.named = operations(3)

    def tape(self) -> SolidTape:
        scene = self.scene
        arguments = bind(scene.camera.operation, self._arguments(scene.camera))
        camera = self.block(camera_slots(scene.camera.operation.body(**arguments)))
        background = None if scene.background is None else self.block(scene.background)
        exposure = self.block((scene.exposure,))
        fog = None if scene.fog is None else self.block((scene.fog,))
        lights = [(self.numbers[light.operation], self.block(self._scalars(light))) for light in scene.lights]
        root: int | None = None
        for surface in scene.surfaces:
            self.line = surface.line
            frame = _Frame(0, self.identity, self.one, None, self.plain())
            register = self.shape(surface.shape, frame)
            root = register if root is None else self.binary(self.named["union"], root, register, ())
        if root is not None and root != len(self.instructions) - 1:  # drawn twice, it is an earlier register
            self.binary(self.named["union"], root, root, ())
        return SolidTape(
            self.graph,
            np.array(self.instructions, np.int32).reshape(-1, 6),
            np.array(self.materials, np.int32).reshape(-1, 7),
            np.array(lights, np.int32).reshape(-1, 2),
            max(self.slopes.values(), default=1.0),
            tuple(self.slots),
            camera,
            background,
            exposure,
            fog,
            scene.tone,
            self.spaces,
            self.parameter_count,
        )

    # -- pieces -------------------------------------------------------------------------------------------

    def _scalars(self, value: ir.Viewpoint | ir.Lamp) -> list[Expr]:
        return all_scalars(value.operation, value.scalars, value.decided, self.graph)

    def _arguments(self, value: ir.Viewpoint) -> dict[str, Expr]:
        return dict(zip(scalar_names(value.operation), self._scalars(value)))

    def block(self, expressions: Sequence[Expr]) -> int:
        start = len(self.slots)
        self.slots.extend([e.index for e in expressions])
        return start

    def instruction(self, key: object, slope: float, fields: tuple[int, int, int, int, int, int]) -> int:
        if len(self.instructions) >= MAXIMUM_INSTRUCTIONS:
            raise DslError(f"this scene needs more than {MAXIMUM_INSTRUCTIONS} operations; use fewer solids", self.line)
        register = len(self.instructions)
        self.instructions.append(fields)
        self.memo[key] = register
        self.slopes[register] = slope
        return register

    def shape(self, shape: ir.Solid, frame: _Frame) -> int:
        key = (id(shape), frame.key)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._shape(shape, frame)
        return found

    def _shape(self, shape: ir.Solid, frame: _Frame) -> int:
        if isinstance(shape, ir.Placed):
            return self.placed(shape, frame)
        if isinstance(shape, ir.Combination):
            return self.combination(shape, frame)
        if isinstance(shape, ir.Modified):
            return self.modified(shape, frame)
        if isinstance(shape, ir.Painted):
            row = self.material(shape.material, frame)
            return self.shape(shape.child, _Frame(frame.space, frame.matrix, frame.scale, frame.inset, row, frame.cell))
        return self.leaf(shape, frame)

    def leaf(self, shape: ir.Primitive | ir.Outline, frame: _Frame) -> int:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        if frame.inset is not None:
            assert operation.inset is not None, "the checker lets only shapes with an inset be rounded"
            arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
            scalars = unbind(operation, {**arguments, **operation.inset(frame.inset, **arguments)})
            scalars = [self.graph.lift(s) for s in scalars]
        elements = outline_elements(shape, self.graph) if isinstance(shape, ir.Outline) else []
        return self.placed_leaf(operation, frame, scalars, elements)

    def placed_leaf(self, operation: Operation, frame: _Frame, scalars: Sequence[Expr], elements: Sequence[Expr]) -> int:
        opcode = self.numbers[operation]
        key = (opcode, frame.key, tuple(e.index for e in scalars), tuple(e.index for e in elements))
        if key in self.memo:
            return self.memo[key]
        slot = self.block([*frame.matrix, frame.scale, *scalars, *elements])
        count = len(elements) // len(ELEMENT)
        return self.instruction(key, operation.lipschitz, (opcode, frame.space, 0, slot, count, frame.material))

    def combination(self, shape: ir.Combination, frame: _Frame) -> int:
        operation = shape.operation
        if operation.category == "loft":
            return self.loft(shape, frame)
        registers = [self.shape(child, frame) for child in shape.children]
        own = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        scalars = self.scaled(operation, own, frame.scale)
        total = registers[0]
        for other, child in zip(registers[1:], shape.children[1:]):
            keeps = operation.carves and not ir.is_painted(child)
            total = self.binary(operation, total, other, scalars, keeps)
        return total

    def binary(self, operation: Operation, first: int, second: int, scalars: Sequence[Expr], keeps: bool = False) -> int:
        key = (self.numbers[operation], first, second, tuple(e.index for e in scalars), keeps)
        if key in self.memo:
            return self.memo[key]
        slope = operation.lipschitz * max(self.slopes[first], self.slopes[second])
        return self.instruction(key, slope, (self.numbers[operation], first, second, self.block(scalars), int(keeps), 0))

    def loft(self, shape: ir.Combination, frame: _Frame) -> int:
        """Both shapes lie in the plane z = 0 of the frame; the third operand is how high above it a point lies."""
        operation = shape.operation
        flat = _Frame(frame.space, frame.matrix, frame.scale, None, frame.material, frame.cell)
        first, second = (self.shape(child, flat) for child in shape.children)
        third = self.placed_leaf(self.named["height"], flat, [], [])
        scalars = self.scaled(operation, shape.scalars, frame.scale)
        key = (self.numbers[operation], first, second, third, tuple(e.index for e in scalars))
        if key in self.memo:
            return self.memo[key]
        slope = operation.lipschitz * max(self.slopes[register] for register in (first, second, third))
        return self.instruction(key, slope, (self.numbers[operation], first, second, self.block(scalars), 0, third))

    def modified(self, shape: ir.Modified, frame: _Frame) -> int:
        operation = shape.operation
        inner = frame
        if operation.name == "round":
            amount = shape.scalars[0] if frame.inset is None else shape.scalars[0] + frame.inset
            inner = _Frame(frame.space, frame.matrix, frame.scale, amount, frame.material, frame.cell)
        child = self.shape(shape.child, inner)
        scalars = self.scaled(operation, shape.scalars, frame.scale)
        key = (self.numbers[operation], child, -1, tuple(e.index for e in scalars))
        if key in self.memo:
            return self.memo[key]
        slope = operation.lipschitz * self.slopes[child]
        return self.instruction(key, slope, (self.numbers[operation], child, 0, self.block(scalars), 0, 0))

    def scaled(self, operation: Operation, scalars: Sequence[Expr], scale: Expr) -> list[Expr]:
        """Parameters of booleans and modifiers, which act on distances: lengths grow with the scale."""
        return [s * scale if p.kind == "length" else s for p, s in zip(operation.parameters, scalars)]

    # -- places -------------------------------------------------------------------------------------------

    def placed(self, shape: ir.Placed, frame: _Frame) -> int:
        operation = shape.operation
        scalars = all_scalars(operation, shape.scalars, shape.decided, self.graph)
        arguments = bind(operation, dict(zip(scalar_names(operation), scalars)))
        factor = self.graph.lift(operation.distance_scale(**arguments) if operation.distance_scale else 1.0)
        scale = frame.scale if factor.constant == 1.0 else frame.scale * factor
        inset = None if frame.inset is None else frame.inset / factor
        if operation.category in ("transform", "section"):
            matrix = self.mapped(operation, arguments, frame.matrix)
            return self.shape(shape.child, _Frame(frame.space, matrix, scale, inset, frame.material, frame.cell))
        if operation.category == "extrusion":
            space = self.space(operation, frame, scalars)
            inner = _Frame(space, self.identity, scale, None, frame.material, frame.cell)
            section = self.shape(shape.child, inner)
            if not operation.capped:
                return section
            ends = self.placed_leaf(self.named["height"], inner, [], [])
            return self.binary(self.named["capped"], section, ends, ())
        total: int | None = None
        for copy in range(operation.copies):
            given = [*scalars, self.graph.constant(float(copy))]
            cell = frame.cell if operation.cell is None else partial(self.space, self.named[CELL_OF + operation.name], frame, given)
            inner = _Frame(self.space(operation, frame, given), self.identity, scale, inset, frame.material, cell)
            register = self.shape(shape.child, inner)
            total = register if total is None else self.binary(self.named["union"], total, register, ())
        assert total is not None
        return total

    def mapped(self, operation: Operation, arguments: dict[str, Expr | Point | Point3], matrix: Map) -> Map:
        """The map that applies `matrix` and then a transform, of space or, to x and y, of the plane."""
        rows = [matrix[4 * k : 4 * k + 4] for k in range(3)]
        # A transform is affine: it maps the columns of a matrix as it maps points, up to what it does to the origin.
        origin = self._through(operation, arguments, (self.zero, self.zero, self.zero))
        columns = []
        for k in range(4):
            place = self._through(operation, arguments, tuple(row[k] for row in rows))
            columns.append(place if k == 3 else [a - b for a, b in zip(place, origin)])
        return tuple(columns[k][row] for row in range(3) for k in range(4))

    def _through(self, operation: Operation, arguments: dict[str, Expr | Point | Point3], at: tuple[Expr, ...]) -> list[Expr]:
        if operation.dimension == 2:
            place = operation.body(Point(at[0], at[1]), **arguments)
            return [place.x, place.y, at[2]]
        return [*operation.body(Point3(*at), **arguments)]

    def space(self, operation: Operation, frame: _Frame, scalars: Sequence[Expr]) -> int:
        opcode = self.numbers[operation]
        key = ("space", opcode, frame.key[:13], tuple(e.index for e in scalars))
        found = self.memo.get(key)
        if found is not None:
            return found
        if self.spaces >= MAXIMUM_SPACES:
            raise DslError(
                f"this scene nests or combines more than {MAXIMUM_SPACES - 1} folded spaces; use fewer repetitions", self.line
            )
        slot = self.block([*frame.matrix, *scalars])
        number = self.spaces
        self.spaces += 1
        self.instruction(key, 0.0, (opcode, frame.space, 0, slot, number, 0))
        self.memo[key] = number
        return number

    # -- materials ----------------------------------------------------------------------------------------

    def plain(self) -> int:
        colour, numbers = UNPAINTED
        constant = self.graph.constant
        red, green, blue = map(constant, colour)
        metallic, roughness, emission = map(constant, numbers)
        material = ir.Material(ir.Paint(self.named["flat"], (), ((red, green, blue),)), metallic, roughness, emission)
        return self.material(material, _Frame(0, self.identity, self.one, None, 0))

    def material(self, material: ir.Material, frame: _Frame) -> int:
        paint = material.paint
        scalars = all_scalars(paint.operation, paint.scalars, paint.decided, self.graph)
        colours = [channel for colour in paint.colours for channel in colour]
        numbers = (material.metallic, material.roughness, material.emission)
        bump = material.bump
        heights: list[Expr] = []
        if bump is not None:
            heights = [frame.scale, *all_scalars(bump.operation, bump.scalars, bump.decided, self.graph)]
        space, matrix = (frame.space, frame.matrix) if scalars or heights else (0, self.identity)
        if paint.operation.by_cell:
            space, matrix = (0, (self.zero,) * 12) if frame.cell is None else (frame.cell(), self.identity)
        entries = [*matrix, *scalars, *colours, *numbers, *heights]
        turned = -1 if bump is None else self.numbers[bump.operation]
        key = ("material", paint.operation, turned, space, tuple(e.index for e in entries))
        if key not in self.memo:
            slot = self.block(entries)
            self.memo[key] = len(self.materials)
            end = slot + len(entries) - len(heights)
            row = (self.numbers[paint.operation], space, slot, len(paint.colours), end - len(numbers), turned, end)
            self.materials.append(row)
        return self.memo[key]
