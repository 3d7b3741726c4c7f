"""What programs use of the language: productions of the grammar, operations, and pairs of boolean and transform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from shaderdsl import syntax
from shaderdsl.binding import split
from shaderdsl.mathematics import FUNCTIONS
from shaderdsl.printer import colour_text
from shaderdsl.program import Program
from shaderdsl.registry import DISPLACED, Category, Dimension, functions, of_category, operations
from shaderdsl.rewriting import TIME
from shaderdsl.scene import Combination, Layer, Modified, Painted, Placed, Solid, SolidScene
from shaderdsl.solid_checker import TONES
from shaderdsl.syntax import PRECEDENCE

_LET_KINDS = ("number", "angle", "point", "colour", "paint", "shape", "layer")
_DEF_KINDS = ("number", "colour", "shape", "layer")
_ANGLES = ("deg", "rad", "turn")

PRODUCTIONS = (
    "scene", "scene without settings", "background colour", "background none",
    *(f"let of a {kind}" for kind in _LET_KINDS), "name",
    *(f"def of a {kind}" for kind in _DEF_KINDS),
    "def without parameters", "def parameter", "def parameter with a default", "default from an earlier parameter",
    "call of a def", "call of a def with a name", "call of a def with a default left out",
    "painted layer", "unpainted layer",
    "number", "negative number", *(f"number in {unit}" for unit in syntax.UNITS), "param", "param with a unit",
    *(f"fixed {kind}" for kind in ("number", "angle", "point", "colour", "shape")),
    "colour #rrggbb", "colour rgb of numbers", "colour rgb of expressions", "colour hsv", "colour mix",
    "point", "curve",
    *(f"{kind} {sign}" for kind in ("number", "angle") for sign in "+-*/"),
    *(f"point {sign}" for sign in "+-*/"), *(f"shape {sign}" for sign in "|&-^"),
    *(f"negated {kind}" for kind in ("number", "angle", "point")), "chain in brackets", "method on brackets",
    "call", "method call", "named argument", "choice", "time", *(f"number {name}" for name in FUNCTIONS),
)  # fmt: skip
"""What the grammar and its built-in functions allow, as it is left in a syntax tree: comments, `#rgb` and the order of
named arguments are gone there."""


SETTINGS = (
    "background colour", "background none", "background left out", "exposure", "fog", *(f"tone {tone}" for tone in TONES[:-1]),
    "default camera", "default lights", *(f"lights {count}" for count in (1, 2, 3)), "unpainted solid", "painted solid",
    "painted operand of a boolean", "shape of the plane in a boolean of space", "bump", "paint from three sides", "displaced solid",
)  # fmt: skip
"""What a scene of space may have besides: the productions of programs in space."""


@dataclass(frozen=True)
class Coverage:
    """How often each thing was used; what was never used counts 0.

    `pairs` counts (boolean, transform or repetition), once where the transform places an operand of the boolean and
    once where it places its result.
    """

    programs: int
    productions: Mapping[str, int]
    operations: Mapping[str, int]
    choices: Mapping[str, int]
    placed_operands: Mapping[tuple[str, str], int]
    placed_results: Mapping[tuple[str, str], int]

    @property
    def sections(self) -> Mapping[str, Mapping[Any, int]]:
        return {
            "productions": self.productions, "operations": self.operations, "choices": self.choices,
            "transforms in booleans": self.placed_operands, "transforms of booleans": self.placed_results,
        }  # fmt: skip

    @property
    def missing(self) -> tuple[str, ...]:
        """What no program used, such as "productions: def of a colour"."""
        return tuple(
            f"{section}: {' with '.join(key) if isinstance(key, tuple) else key}"
            for section, counts in self.sections.items() for key, count in counts.items() if not count
        )  # fmt: skip

    def __str__(self) -> str:
        lines = [f"{self.programs} programs"]
        for section, counts in self.sections.items():
            used = sum(1 for count in counts.values() if count)
            least = min(counts, key=lambda key: counts[key])
            shown = " with ".join(least) if isinstance(least, tuple) else least
            lines.append(f"{section}: {used} of {len(counts)}; rarest: {shown} ({counts[least]})")
        lines += [f"missing: {name}" for name in self.missing]
        return "\n".join(lines)


def coverage_report(programs: Iterable[Program], dimension: Dimension = 2) -> Coverage:
    """Count what `programs` use, all of one dimension. `str()` of it is a table of a few lines; `.missing` is empty if they
    cover all. In space operations are those at home there, and SETTINGS take the place of the grammar's productions."""
    booleans = [o.name for o in of_category("boolean", dimension=dimension)]
    placings = [o.name for o in of_category("transform", "repetition", dimension=dimension)]
    pairs = {(boolean, placing): 0 for boolean in booleans for placing in placings}
    known = {o.name: o for o in operations(dimension).values() if dimension == 2 or (o.dimension != 2 and o.function and o.category != "layer")}
    choices = {f"{o.name} {p.name} {word}": 0 for o in known.values() for p in o.parameters for word in p.choices}
    productions: Counter[str] = Counter(dict.fromkeys(PRODUCTIONS if dimension == 2 else SETTINGS, 0))
    used: Counter[str] = Counter(dict.fromkeys(known, 0))
    words: Counter[str] = Counter(choices)
    operands: Counter[tuple[str, str]] = Counter(pairs)
    results: Counter[tuple[str, str]] = Counter(pairs)
    count = 0
    for program in programs:
        count += 1
        if dimension == 3:
            _count_settings(program.structure.module, productions)
            scene = cast("SolidScene", program.scene)
            _count_scene(scene, productions, used, words, operands, results)
            continue
        _Productions(program, productions).count()
        for layer in program.scene.layers:
            _count_layer(layer, used, words, operands, results)
        used.update(
            name for name in ("opacity", "soften") for node in syntax.walk(program.structure.module)
            if isinstance(node, syntax.Call) and node.name == name
        )  # fmt: skip
    if dimension == 2:
        return Coverage(count, productions, used, words, operands, results)
    # Sections of solids are shapes of the plane, and have operations of their own.
    return Coverage(
        count, {key: productions[key] for key in SETTINGS}, {key: used[key] for key in known}, {key: words[key] for key in choices},
        {pair: operands[pair] for pair in pairs}, {pair: results[pair] for pair in pairs},
    )  # fmt: skip


def _count_scene(
    scene: SolidScene, productions: Counter[str], used: Counter[str], words: Counter[str],
    operands: Counter[tuple[str, str]], results: Counter[tuple[str, str]],
) -> None:  # fmt: skip
    camera, lights = scene.camera, scene.lights
    used.update([camera.operation.name, *(light.operation.name for light in lights)])
    productions[f"lights {len(lights)}"] += 1
    productions[f"tone {scene.tone}"] += 1
    productions["fog"] += scene.fog is not None
    for surface in scene.surfaces:
        productions["painted solid" if _paints(surface.shape) else "unpainted solid"] += 1
        _count_shape(surface.shape, used, words, operands, results, productions)


def _count_settings(module: syntax.Module, productions: Counter[str]) -> None:
    """The settings that a scene names, and whether it leaves camera and lights to their defaults."""
    named: dict[str, Any] = {}
    for statement in module.statements:
        if isinstance(statement, syntax.Scene):
            named = {a.name: a.value for a in statement.arguments if isinstance(a, syntax.Named)}
    background = named.get("background")
    is_none = isinstance(background, syntax.Name) and background.name == "none"
    productions["background left out" if background is None else "background none" if is_none else "background colour"] += 1
    productions["exposure"] += "exposure" in named
    called = {node.name for node in syntax.walk(module) if isinstance(node, syntax.Call)}
    categories: tuple[Category, ...] = ("camera", "light")
    for category in categories:
        names = {o.function for o in of_category(category, dimension=3)}
        productions[f"default {category}{'s' * (category == 'light')}"] += not called & names


def _paints(shape: Solid) -> bool:
    """Whether a solid has a material as a whole."""
    while isinstance(shape, (Placed, Modified)):
        shape = shape.child
    return isinstance(shape, Painted) or (isinstance(shape, Combination) and all(map(_paints, shape.children)))


def _count_layer(
    layer: Layer, used: Counter[str], words: Counter[str],
    operands: Counter[tuple[str, str]], results: Counter[tuple[str, str]],
) -> None:  # fmt: skip
    used[layer.paint.operation.name] += 1
    words.update(f"{layer.paint.operation.name} {key} {word}" for key, word in layer.paint.decided if isinstance(word, str))
    used.update(placement.operation.name for placement in layer.paint.placements)
    _count_shape(layer.shape, used, words, operands, results, Counter())


def _count_shape(
    whole: Solid, used: Counter[str], words: Counter[str], operands: Counter[tuple[str, str]],
    results: Counter[tuple[str, str]], productions: Counter[str],
) -> None:  # fmt: skip
    # Each shape with the boolean that it is an operand of, through transforms, modifiers and paint.
    stack: list[tuple[Solid, str, tuple[str, ...]]] = [(whole, "", ())]
    while stack:
        shape, boolean, placings = stack.pop()
        if isinstance(shape, Painted):
            paint, bump = shape.material.paint, shape.material.bump
            used[paint.operation.name] += 1
            productions["bump"] += bump is not None
            productions["paint from three sides"] += paint.operation.sided
            productions["painted operand of a boolean"] += bool(boolean)
            stack.append((shape.child, boolean, placings))
            continue
        name = shape.operation.name
        productions["displaced solid"] += name == DISPLACED
        if boolean and shape.operation.category in ("extrusion", "loft"):
            productions["shape of the plane in a boolean of space"] += 1
        used[name] += 1
        if isinstance(shape, Combination):
            results.update((name, placing) for placing in placings)
            stack += [(child, name, ()) for child in shape.children]
        elif isinstance(shape, Placed):
            if boolean:
                operands[boolean, name] += 1
            stack.append((shape.child, boolean, (*placings, name)))
        elif isinstance(shape, Modified):
            stack.append((shape.child, boolean, placings))
        if not isinstance(shape, Modified):
            words.update(f"{name} {key} {word}" for key, word in shape.decided if isinstance(word, str))


@lru_cache(maxsize=1)
def _result_kinds() -> Mapping[str, str]:
    """What a call gives, by function; "" where it gives what it is applied to."""
    kinds = {"shape": "shape", "outline": "shape", "boolean": "shape", "paint": "paint", "layer": "layer"}
    result = {name: kinds.get(entries[0].category, "") for name, entries in functions().items()}
    result |= {name: "angle" if function.gives_angle else "number" for name, function in FUNCTIONS.items()}
    return {**result, "rgb": "colour", "hsv": "colour", "mix": "colour", "curve": "vertex", "fill": "layer", "copies": "shape"}


class _Productions:
    """Counts the productions of one program's tree."""

    def __init__(self, program: Program, counts: Counter[str]) -> None:
        self.structure = program.structure
        self.params = program.params.tolist()
        self.counts = counts
        self.kinds: dict[str, str] = {}
        self.definitions: dict[str, syntax.Def] = {}

    def count(self) -> None:
        for statement in self.structure.module.statements:
            for node in syntax.walk(syntax.Module((statement,), 0)):
                self._node(node)
            if isinstance(statement, syntax.Let):
                self.kinds[statement.name] = kind = self._kind(statement.value)
                self.counts[f"let of a {kind}"] += 1
            elif isinstance(statement, syntax.Def):
                self._definition(statement)
            elif isinstance(statement, syntax.Scene):
                self._scene(statement)
            else:
                painted = self._kind(statement.value) == "layer"
                self.counts["painted layer" if painted else "unpainted layer"] += 1

    def _scene(self, scene: syntax.Scene) -> None:
        self.counts["scene"] += 1
        if not scene.arguments:
            self.counts["scene without settings"] += 1
            return
        named = {a.name: a.value for a in scene.arguments if isinstance(a, syntax.Named)}
        self.counts["time"] += TIME in named
        value = named.get("background")
        if value is not None:
            is_none = isinstance(value, syntax.Name) and value.name == "none"
            self.counts["background none" if is_none else "background colour"] += 1

    def _definition(self, definition: syntax.Def) -> None:
        self.definitions[definition.name] = definition
        earlier: set[str] = set()
        for parameter in definition.parameters:
            default = parameter.default
            self.counts["def parameter" if default is None else "def parameter with a default"] += 1
            if default is not None and any(
                isinstance(n, syntax.Name) and n.name in earlier
                for n in syntax.walk(syntax.Module((syntax.Draw(0, 0, default),), 0))
            ):
                self.counts["default from an earlier parameter"] += 1
            earlier.add(parameter.name)
        if not definition.parameters:
            self.counts["def without parameters"] += 1
        self.kinds[definition.name] = kind = self._kind(definition.body)
        self.counts[f"def of a {kind}"] += 1

    def _node(self, node: Any) -> None:
        counts = self.counts
        if isinstance(node, syntax.Number):
            index = self.structure.checked.index[node.slot]
            value = self.params[index] if index >= 0 else node.value
            counts[f"number in {node.unit}" if node.unit else "number"] += 1
            counts["negative number"] += value < 0
        elif isinstance(node, syntax.Colour):
            first = self.structure.checked.index[node.slot]
            text = colour_text(*self.params[first : first + 3])
            counts["colour #rrggbb" if text.startswith("#") else "colour rgb of numbers"] += 1
        elif isinstance(node, syntax.Ranged):
            counts["param with a unit" if node.number.unit else "param"] += 1
        elif isinstance(node, syntax.Fixed):
            counts[f"fixed {self._kind(node.value)}"] += 1
        elif isinstance(node, syntax.Name):
            words = {word for o in operations().values() for p in o.parameters for word in p.choices}
            counts["choice" if node.name in words else "name"] += 1
        elif isinstance(node, syntax.Pair):
            counts["point"] += 1
        elif isinstance(node, syntax.Negation):
            counts[f"negated {self._kind(node.value)}"] += 1
        elif isinstance(node, syntax.Named):
            counts["named argument"] += 1
        elif isinstance(node, syntax.Chain):
            kind = self._kind(node)
            counts.update(f"{kind} {operator}" for operator in node.operators)
            counts["chain in brackets"] += sum(
                isinstance(o, syntax.Chain) and PRECEDENCE[o.operators[0]] <= PRECEDENCE[node.operators[0]]
                for o in node.operands
            )
        elif isinstance(node, syntax.Call):
            self._call(node)

    def _call(self, call: syntax.Call) -> None:
        counts = self.counts
        is_method = call.start < call.name_start
        counts["method call" if is_method else "call"] += 1
        if is_method and isinstance(call.arguments[0], syntax.Chain):
            counts["method on brackets"] += 1
        if call.name == "curve":
            counts["curve"] += 1
        elif call.name in FUNCTIONS:
            counts[f"number {call.name}"] += 1
        elif call.name in ("rgb", "hsv", "mix"):
            counts[f"colour {call.name}" + (" of expressions" if call.name == "rgb" else "")] += 1
        elif call.name in self.definitions:
            counts["call of a def"] += 1
            counts["call of a def with a name"] += bool(split(call.arguments)[1])
            left_out = len(call.arguments) < len(self.definitions[call.name].parameters)
            counts["call of a def with a default left out"] += left_out

    def _kind(self, node: Any) -> str:
        """The type of an expression, as far as productions are told apart by it."""
        if isinstance(node, syntax.Number):
            return "angle" if node.unit in _ANGLES else "number"
        if isinstance(node, syntax.Ranged):
            return self._kind(node.number)
        if isinstance(node, (syntax.Fixed, syntax.Negation, syntax.Named)):
            return self._kind(node.value)
        if isinstance(node, syntax.Colour):
            return "colour"
        if isinstance(node, syntax.Pair):
            return "point"
        if isinstance(node, syntax.Chain):
            kinds = {self._kind(operand) for operand in node.operands}
            return next((k for k in ("shape", "point", "angle") if k in kinds), "number")
        if isinstance(node, syntax.Name):
            return self.kinds.get(node.name, "number")
        if node.name in self.kinds:
            return self.kinds[node.name]
        return _result_kinds()[node.name] or self._kind(node.arguments[0])
