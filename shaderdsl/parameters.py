"""What the parameters of a program are called, where they stand, and which range suits them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from shaderdsl import binding, syntax
from shaderdsl.bounds import MAX_NUMBER
from shaderdsl.parser import parse_tree
from shaderdsl.registry import Parameter, functions
from shaderdsl.rewriting import TIME

if TYPE_CHECKING:
    from shaderdsl.program import Program, Structure


@dataclass(frozen=True)
class ParameterInfo:
    """One parameter of a program.

    `name` is unique in the program, such as `r`, `layer2.circle.radius` or `layer2.fill.r`; `group` is the
    statement it belongs to (a let's or def's name, a setting's such as `background`, or `layer` and a number). `unit` is as
    written ("", "deg", "rad", "turn", "%"); `kind` is the registry's (length, number, angle, point, colour).
    `low` to `high`, in written units, comes from `param(...)` or suits the operation, and holds the value.
    `trainable` is False in `fixed(...)`, and of a `time` without `param(...)`. `line`, `column` and `end_column` (exclusive) count from 1 in the
    program's canonical text.
    """

    name: str
    group: str
    unit: str
    kind: str
    low: float
    high: float
    trainable: bool
    line: int
    column: int
    end_column: int


class ParameterTraits(NamedTuple):
    """What refinement needs of a parameter; see `ParameterInfo`, of which these do not depend on the program's text.

    `part` is where the text has the shape that the parameter is about: the same for a circle's numbers and those of its moves; of
    a boolean, for its own numbers and what is done to its result.
    """

    group: str
    part: tuple[int, int]
    unit: str
    kind: str
    trainable: bool


def parameter_traits(structure: Structure) -> list[ParameterTraits]:
    """The traits of a structure's parameters, in the order of `program.params`; much quicker than `parameter_infos`."""
    checked = structure.checked
    result: list[ParameterTraits] = []
    for place in _places(structure.module):
        literal = place.literal
        index = checked.index[literal.slot]
        if index < 0:
            continue
        if isinstance(literal, syntax.Colour):
            result += [ParameterTraits(place.group, place.part, "", "colour", place.trainable)] * 3
            continue
        feed = checked.feeds.get(index)
        kind = feed.kind if feed is not None else _kind_of(literal.unit)
        result.append(ParameterTraits(place.group, place.part, literal.unit, kind, place.trainable))
    return result


@dataclass(frozen=True)
class _Place:
    """A literal with the path that leads to it."""

    literal: syntax.Number | syntax.Colour
    group: str
    part: tuple[int, int]
    path: tuple[str, ...]
    trainable: bool
    ranged: syntax.Ranged | None


def parameter_infos(program: Program) -> tuple[ParameterInfo, ...]:
    """The parameters of `program`, in the order of `program.params`."""
    text = program.text
    checked = program.structure.checked
    values = program.params.tolist()
    result: list[ParameterInfo] = []
    taken: set[str] = set()
    # The canonical text is read again for the places in it: its literals are those of the tree.
    for place in _places(parse_tree(text).module):
        literal = place.literal
        index = checked.index[literal.slot]
        if index < 0:
            continue
        line = text.count("\n", 0, literal.start) + 1
        before = text.rfind("\n", 0, literal.start) + 1
        parts = ("",) if isinstance(literal, syntax.Number) else ("r", "g", "b")
        for offset, part in enumerate(parts):
            feed = checked.feeds.get(index + offset)
            value = values[index + offset]
            unit = literal.unit if isinstance(literal, syntax.Number) else ""
            low, high = (0.0, 1.0) if part else _range(feed, unit, value)
            if place.ranged is not None:
                low, high = place.ranged.low.value, place.ranged.high.value
            low = max(low, checked.low.get(index + offset, -MAX_NUMBER))
            high = min(high, checked.high.get(index + offset, MAX_NUMBER))
            kind = "colour" if part else feed.kind if feed is not None else _kind_of(unit)
            name = _unique(".".join((place.group, *place.path, part)).strip("."), taken)
            result.append(
                ParameterInfo(
                    name, place.group, unit, kind, low, high, place.trainable,
                    line, literal.start - before + 1, literal.end - before + 1,
                )
            )  # fmt: skip
    return tuple(result)


def _kind_of(unit: str) -> str:
    return "angle" if unit in ("deg", "rad", "turn") else "number"


def _range(feed: Parameter | None, unit: str, value: float) -> tuple[float, float]:
    """The sensible range in written units, widened to hold the value."""
    if feed is None or feed.low >= feed.high:
        low, high = min(0.0, 2.0 * value), max(0.0, 2.0 * value)
        return (-1.0, 1.0) if low == high else (low, high)
    factor = 0.01 if unit == "%" else syntax.DEGREE_UNITS[unit] if feed.kind == "angle" else 1.0
    return min(feed.low / factor, value), max(feed.high / factor, value)


def _unique(name: str, taken: set[str]) -> str:
    """`name`, with a number at its end if it is taken, as the terms of a sum are."""
    result, count = name, 1
    while result in taken:
        count += 1
        result = f"{name}_{count}"
    taken.add(result)
    return result


def _places(module: syntax.Module) -> Iterator[_Place]:
    definitions = {s.name: s for s in module.statements if isinstance(s, syntax.Def)}
    layers = 0
    for statement in module.statements:
        if isinstance(statement, syntax.Scene):
            for setting in statement.arguments:
                assert isinstance(setting, syntax.Named)
                # The moment is not what a fit looks for, unless it is given a range to look in.
                trainable = setting.name != TIME or isinstance(setting.value, syntax.Ranged)
                yield from _Walk(setting.name, definitions, module.dimension).places(setting, (), trainable)
            continue
        if isinstance(statement, syntax.Draw):
            layers += 1
        group = f"layer{layers}" if isinstance(statement, syntax.Draw) else statement.name
        yield from _Walk(group, definitions, module.dimension).places(statement, (), True)


class _Walk:
    """Names the literals of one statement by the calls around them; the second circle is circle2."""

    def __init__(self, group: str, definitions: Mapping[str, syntax.Def], dimension: int) -> None:
        self.group = group
        self.dimension = dimension
        self.definitions = definitions
        self.calls: dict[str, int] = {}

    def places(
        self, node: Any, path: tuple[str, ...], trainable: bool, ranged: syntax.Ranged | None = None, part: tuple[int, int] = (0, 0)
    ) -> Iterator[_Place]:
        if isinstance(node, (syntax.Number, syntax.Colour)):
            yield _Place(node, self.group, part, path, trainable, ranged)
        elif isinstance(node, syntax.Ranged):
            yield from self.places(node.number, path, trainable, node, part)
        elif isinstance(node, syntax.Fixed):
            yield from self.places(node.value, path, False, None, part)
        elif isinstance(node, syntax.Pair):
            yield from self.places(node.x, (*path, "x"), trainable, None, part)
            yield from self.places(node.y, (*path, "y"), trainable, None, part)
        elif isinstance(node, syntax.Triple):
            for name, coordinate in zip("xyz", (node.x, node.y, node.z)):
                yield from self.places(coordinate, (*path, name), trainable, None, part)
        elif isinstance(node, syntax.Call):
            if not (path and node.name in _VALUES):
                # What stands inside of a shape's call is named by it; a colour's numbers by what they colour.
                count = self.calls[node.name] = self.calls.get(node.name, 0) + 1
                path = (node.name if count == 1 else f"{node.name}{count}",)
            if node.name not in binding.BUILTINS or node.name in _OF_SHAPES:
                subject = self._subject(node)
                part = subject.start, subject.end
            for argument, name in zip(node.arguments, self._names(node), strict=True):
                yield from self.places(
                    binding.argument_value(argument), (*path, name) if name else path, trainable, None, part
                )
        else:
            for child in syntax.children(node):
                inner = (*path, child.name) if isinstance(child, syntax.Parameter) else path
                yield from self.places(child, inner, trainable, None, part)

    def _subject(self, node: Any) -> Any:
        """What a call works on in the end: `circle(0.1)` in `circle(0.1).move(0.2, 0).round(0.01)`."""
        known = functions(self.dimension)
        while isinstance(node, syntax.Call) and node.arguments and (
            known[node.name][0].category in binding.RECEIVERS if node.name in known else node.name in _OF_SHAPES
        ):  # fmt: skip
            node = binding.argument_value(node.arguments[0])
        return node

    def _names(self, call: syntax.Call) -> list[str]:
        """The parameter that each argument of `call` is, "" where a name says nothing (a receiver)."""
        count, names = binding.split(call.arguments)
        if call.name in self.definitions:
            given = [p.name for p in self.definitions[call.name].parameters]
            return [
                a.name if isinstance(a, syntax.Named) else n
                for a, n in zip_longest(call.arguments, given[: len(call.arguments)])
            ]
        layout = (
            binding.registered_layout(call.name, count, names, self.dimension)
            if call.name in functions(self.dimension)
            else binding.builtin_layout(call.name, count, names)
            if call.name in binding.BUILTINS
            else None
        )
        result = [a.name if isinstance(a, syntax.Named) else "" for a in call.arguments]
        if layout is not None:
            for parameter, index in layout.sources:
                if index is not None:
                    result[index] = _SHORT.get(parameter.name, parameter.name)
            variadic = layout.operation.variadic if layout.operation is not None else ""
            if variadic in _ELEMENTS:
                result[: layout.leading] = [f"{_ELEMENTS[variadic]}{i + 1}" for i in range(layout.leading)]
        return result


_VALUES = frozenset({"rgb", "hsv", "mix", "curve"})
"""Functions of values, which are named by where they are used."""

_OF_SHAPES = frozenset({"fill", "paint", "displace"})
"""What the language itself does to one shape."""

_ELEMENTS = {"points": "p", "colours": "c"}
_SHORT = {
    "red": "r", "green": "g", "blue": "b", "hue": "h", "saturation": "s", "value": "v",
    "shape": "", "paint": "",
}  # fmt: skip
