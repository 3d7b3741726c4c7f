"""Syntax tree to scene: names, types, overloads, units and limits.

The checker runs the program once with expressions in place of numbers: `let` values are made once, `def`
bodies once a call, and what is left is a `Scene` whose numbers are nodes of one graph over the program's
parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from shaderdsl import arithmetic, binding, syntax
from shaderdsl.arithmetic import RADIANS
from shaderdsl.binding import Layout
from shaderdsl.bounds import MAX_EXPANDED, MAX_NESTING, MAX_NODES
from shaderdsl.builtin_functions import BUILTIN_FUNCTIONS, Builtins, Function
from shaderdsl.construction import advice
from shaderdsl.errors import Fault, did_you_mean
from shaderdsl.expression import Expr
from shaderdsl.limits import Condition, Constraint, below, first_violation
from shaderdsl.naming import Known, unknown_function, unknown_name
from shaderdsl.registry import COMPONENTS, Parameter, functions, number, operations
from shaderdsl.rewriting import TIME, reordered, timed
from shaderdsl.scene import (
    Layer,
    Paint,
    Scene,
)
from shaderdsl.values import (
    ColourValue,
    LayerValue,
    NumberValue,
    PointValue,
    ShapeValue,
    Value,
    VectorValue,
    WordValue,
    described,
)

_OPERATORS = {"|": "union", "^": "xor", "&": "intersection", "-": "difference"}
_MAX_EVALUATION_DEPTH = 100
"""Keeps the checker far from Python's own limit, however defs and brackets are nested."""

SECONDS = number(TIME, 0.0, 10.0, 0.0, summary="the moment that is shown, in seconds")


class _Untimed(Exception):
    """The program uses the time, which its header does not give."""


@dataclass(frozen=True)
class Checked:
    """A program that is right: its text, its scene, and what holds of its parameters.

    `index` gives the parameter of each literal slot, -1 for what is decided (counts and ranges). `low` and
    `high` are hard limits of parameters by index, where there are any; `feeds` is the first registry
    parameter that each one reaches unchanged. `rewritten` is the canonical tree where it is not the text's own, and
    `moved` tells that it has its literals in another order, or one more. `time` is the parameter that is the time, if any.
    """

    source: str
    scene: Scene
    index: tuple[int, ...]
    values: tuple[float, ...]
    low: dict[int, float]
    high: dict[int, float]
    conditions: tuple[Condition, ...]
    constraints: tuple[Constraint, ...]
    feeds: dict[int, Parameter]
    rewritten: syntax.Module | None
    moved: bool
    time: int | None


def check(module: syntax.Module, values: list[float], decided: set[int], source: str) -> Checked:
    """Check a tree: `values` by slot, `decided` the slots known to be no parameters, `source` its text.

    Raises `Fault` with the first error.
    """
    kind = Check
    if module.dimension == 3:
        from shaderdsl.solid_checker import SolidCheck

        kind = SolidCheck
    moved = False
    rewritten: syntax.Module | None = None
    while True:
        run = kind(module, values, decided, source)
        try:
            scene = run.module_scene()
        except _Untimed:
            # Whoever uses the time without naming it means that of the header, which the canonical text has.
            module, order = timed(module)
            rewritten, moved = module, True
            values, decided = _renumbered([*values, 0.0], decided, order)
            continue
        if not run.counts <= decided:
            # A literal named by `let` turned out to be a count: it is no parameter.
            decided = decided | run.counts
            continue
        if run.rewrites:
            module, changed = reordered(module, run.rewrites)
            rewritten = module
            if changed is not None:
                moved = True
                values, decided = _renumbered(values, decided, changed)
                continue
        return Checked(
            source, scene, tuple(run.index), tuple(v for v, i in zip(values, run.index) if i >= 0), run.low, run.high,
            tuple(run.conditions), tuple(run.constraints), run.feeds, rewritten, moved, run.time,
        )  # fmt: skip


def _renumbered(values: list[float], decided: set[int], order: list[int]) -> tuple[list[float], set[int]]:
    """Values by slot and decided slots, where slot k was `order[k]` before."""
    places = {old: new for new, old in enumerate(order)}
    return [values[old] for old in order], {places[slot] for slot in decided}


class Check(Builtins):
    """One run over a tree; `shaderdsl.solid_checker` has the run for programs in space."""

    def __init__(self, module: syntax.Module, values: list[float], decided: set[int], source: str) -> None:
        self.module = module
        self.source = source
        self.values = values
        self.decided = decided
        super().__init__(module.slots, decided)
        self.counts: set[int] = set()
        self.rewrites: dict[int, tuple[syntax.Argument, ...]] = {}
        self.lets: dict[str, tuple[int, Value]] = {}
        self.functions: dict[str, Function] = {}
        self.scope: dict[str, Value] = {}
        self.visible = MAX_NODES
        self.inside = ""
        self.depth = 0
        self.steps = 0
        self.size = 0
        self.constants: dict[float, Expr] = {}
        white = self.graph.constant(1.0)
        self.background: tuple[Expr, Expr, Expr] | None = (white, white, white)
        self.time: int | None = None
        self.layers: list[Layer] = []
        self.entries = functions(self.dimension)
        self.builtins = self.functions_of_the_language()

    # -- statements ---------------------------------------------------------------------------------------

    def functions_of_the_language(self) -> Mapping[str, Callable[..., Value]]:
        """What the language itself calls, by name."""
        return BUILTIN_FUNCTIONS

    def module_scene(self) -> Any:
        """The scene that the module describes: a `Scene`, or in space a `SolidScene`."""
        line, counted = 1, 0
        for order, statement in enumerate(self.module.statements):
            kind = type(statement)
            if kind is syntax.Draw:
                line += self.source.count("\n", counted, statement.start)
                counted = max(counted, statement.start)
                self.draw(statement, line)  # type: ignore[arg-type]
            elif kind is syntax.Let:
                self._let(statement, order)  # type: ignore[arg-type]
            elif kind is syntax.Def:
                self._def(statement, order)  # type: ignore[arg-type]
            else:
                self.settings(statement)  # type: ignore[arg-type]
        broken = first_violation(
            self.graph, self.conditions, self.constraints,
            [v for v, i in zip(self.values, self.index) if i >= 0],
        )  # fmt: skip
        if broken is not None:
            raise Fault(broken.message, broken.start, broken.end, broken.expected)
        return self.scene()

    def scene(self) -> Any:
        return Scene(self.graph, self.background, tuple(self.layers))

    def settings(self, scene: syntax.Scene) -> None:
        """Reads what `scene 2d(...)` or `scene 3d(...)` says."""
        expected = ", ".join(self.known_settings[:-1]) + " or " + self.known_settings[-1]
        seen: set[str] = set()
        for argument in scene.arguments:
            if not isinstance(argument, syntax.Named):
                title = f"scene {scene.dimension}d takes named settings"
                raise Fault(title, argument.start, argument.end, f"{expected}, such as background = #ffffff")
            name = argument.name
            place = (argument.start, argument.start + len(name))
            if name in seen:
                raise Fault(f"'{name}' is given twice", *place, expected)
            seen.add(name)
            if name not in self.known_settings:
                title = f"scene {scene.dimension}d has no setting '{name[:40]}'"
                raise Fault(title, *place, expected, did_you_mean(name, self.known_settings))
            self.setting(name, argument.value)

    known_settings: tuple[str, ...] = ("background", TIME)

    def setting(self, name: str, node: Any) -> None:
        """Takes one of `known_settings`."""
        if name == TIME:
            self._moment(node)
        else:
            self.background = self.background_of(node)

    def _moment(self, node: Any) -> None:
        value = self.evaluate(node)
        literal = value.literal if type(value) is NumberValue else None
        if literal is None or literal.unit:
            raise Fault("the time is a plain number, in seconds", node.start, node.end, "time = 0, or time = param(0, 0 .. 4)")
        expr = self.scalar(f"scene {self.dimension}d", SECONDS, node, value)
        self.time = self.index[literal.slot]
        # A name like those of lets, and no literal: the time decides no count.
        self.lets[TIME] = (-1, NumberValue(expr))

    def background_of(self, node: Any) -> tuple[Expr, Expr, Expr] | None:
        if isinstance(node, syntax.Name) and node.name == "none":
            return None
        value = self.evaluate(node)
        if not isinstance(value, ColourValue):
            raise self.mismatch(node, value, "a background", "a colour, or none")
        return value.components

    def _let(self, let: syntax.Let, order: int) -> None:
        if let.name in self.lets:
            raise Fault(
                f"'{let.name}' already has a value",
                let.name_start,
                let.name_start + len(let.name),
                "a new name",
            )
        self.lets[let.name] = (order, self.evaluate(let.value))

    def _def(self, definition: syntax.Def, order: int) -> None:
        name, place = definition.name, (definition.name_start, definition.name_start + len(definition.name))
        if name in self.functions:
            raise Fault(f"'{name}' is defined already", *place, "a new name")
        if name in self.entries or name in binding.BUILTINS or name in binding.SPECIAL_FORMS:
            raise Fault(f"'{name}' is part of the language and cannot be defined again", *place, "a new name")
        seen: set[str] = set()
        for parameter in definition.parameters:
            if parameter.name in seen:
                raise Fault(
                    f"'{name}' has two parameters called '{parameter.name}'", parameter.start, parameter.end
                )
            seen.add(parameter.name)
        parameters = tuple(
            Parameter(p.name, "number", 0.0, 0.0, None if p.default is None else 0.0)
            for p in definition.parameters
        )
        self.functions[name] = Function(definition, parameters, order)

    def draw(self, draw: syntax.Draw, line: int) -> None:
        """Takes what an expression statement draws, which stands in `line`."""
        value = self.evaluate(draw.value)
        if type(value) is ShapeValue:
            black = self.graph.constant(0.0)
            value = LayerValue(value, Paint(operations()["flat"], (), ((black, black, black),)), None, None)
        if type(value) is not LayerValue:
            raise Fault(
                f"this draws nothing: it is {described(value)}", draw.start, draw.end,
                "a shape or a painted layer",
                "to name a value write `let name = ...`" if not isinstance(value, WordValue) else "",
            )  # fmt: skip
        self.count_shapes(value.shape, draw)
        self.layers.append(
            Layer(value.shape.shape, value.paint, value.opacity, value.softness, root_name(draw.value), line)
        )

    def count_shapes(self, shape: ShapeValue, draw: syntax.Draw) -> None:
        """Adds to the number of shapes that are drawn, which is bounded."""
        self.size += shape.size
        if self.size > MAX_EXPANDED:
            raise Fault(
                f"with let and def expanded there are more than {MAX_EXPANDED:,} shapes to draw",
                draw.start,
                draw.end,
            )

    # -- expressions --------------------------------------------------------------------------------------

    def evaluate(self, node: Any) -> Value:
        self.depth += 1
        if self.depth > _MAX_EVALUATION_DEPTH:
            raise Fault(f"nested deeper than {MAX_NESTING} levels, defs expanded", node.start, node.end)
        if self.inside:
            self.steps += 1
            if self.steps > MAX_EXPANDED:
                raise Fault(
                    f"with def expanded there are more than {MAX_EXPANDED:,} values to work out",
                    node.start,
                    node.end,
                )
        value = _EVALUATORS[type(node)](self, node)
        self.depth -= 1
        return value

    def _number(self, node: syntax.Number) -> Value:
        slot = node.slot
        if slot in self.decided:
            expr = self.graph.constant(node.value)
        else:
            expr = self.graph.input(self.index[slot])
        unit = node.unit
        if not unit:
            return NumberValue(expr, False, node)
        if unit == "%":
            return NumberValue(expr * 0.01, False, node)
        return NumberValue(expr * (RADIANS * syntax.DEGREE_UNITS[unit]), True, node)

    def _colour(self, node: syntax.Colour) -> Value:
        first = self.index[node.slot]
        for position in range(3):
            self.low[first + position] = 0.0
            self.high[first + position] = 1.0
        graph = self.graph
        return ColourValue(graph.input(first), graph.input(first + 1), graph.input(first + 2))

    def _ranged(self, node: syntax.Ranged) -> Value:
        if node.number.slot in self.decided:
            raise Fault(
                "a count is decided before the numbers are and has no range",
                node.start,
                node.end,
                "a whole number",
            )
        value = node.number.value
        low, high = node.low.value, node.high.value
        if below(value, low) or below(-value, -high):
            raise Fault(
                "this number is outside of its range",
                node.number.start,
                node.number.end,
                f"{low:g} .. {high:g}",
            )
        self.hard(self.index[node.number.slot], low, high)
        return self._number(node.number)

    def _fixed(self, node: syntax.Fixed) -> Value:
        return self.evaluate(node.value)

    def _name(self, node: syntax.Name) -> Value:
        name = node.name
        value = self.scope.get(name)
        if value is not None:
            return value
        found = self.lets.get(name)
        if found is not None and found[0] < self.visible:
            return found[1]
        if name in _words():
            return WordValue(name)
        if name == TIME and all(type(s) is not syntax.Let or s.name != TIME for s in self.module.statements):
            raise _Untimed
        raise unknown_name(node, self.module, self._known(), self.inside)

    def _known(self) -> Known:
        return Known((*self.scope, *self.lets), tuple(self.functions))

    def _pair(self, node: syntax.Pair) -> Value:
        return PointValue(self._coordinate(node.x), self._coordinate(node.y))

    def _triple(self, node: syntax.Triple) -> Value:
        return VectorValue(*map(self._coordinate, (node.x, node.y, node.z)))

    def _coordinate(self, node: Any) -> NumberValue:
        value = self.evaluate(node)
        if type(value) is not NumberValue or value.angle:
            raise self.mismatch(node, value, "a coordinate", "a number")
        return value

    def _negation(self, node: syntax.Negation) -> Value:
        try:
            return arithmetic.negative(self.evaluate(node.value))
        except arithmetic.NoSuchOperation as error:
            raise Fault(str(error), node.start, node.end, "a number, an angle or a point") from None

    def _chain(self, node: syntax.Chain) -> Value:
        first = self.evaluate(node.operands[0])
        if type(first) is ShapeValue or node.operators[0] in "|&^":
            return self._operators(node, first)
        for operator, operand in zip(node.operators, node.operands[1:]):
            second = self.evaluate(operand)
            try:
                first = arithmetic.apply(operator, first, second)
            except arithmetic.NoSuchOperation as error:
                raise Fault(
                    str(error), operand.start, operand.end, "numbers, angles or points", advice(second)
                ) from None
        return first

    def _operators(self, node: syntax.Chain, first: Value) -> Value:
        """Sharp booleans written as operators."""
        operator = node.operators[0]
        for other, operand in zip(node.operators, node.operands[1:]):
            if other not in _OPERATORS:
                raise Fault(
                    f"cannot apply '{other}' to shapes", operand.start, operand.end,
                    "| (union), & (intersection), - (difference) or ^ (xor)",
                )  # fmt: skip
        shapes = [self.shape(node.operands[0], first, _OPERATORS[operator])]
        shapes += [self.shape(o, self.evaluate(o), _OPERATORS[operator]) for o in node.operands[1:]]
        return self.combined(node, operations()[_OPERATORS[operator]], shapes, (), ())

    # -- calls --------------------------------------------------------------------------------------------

    def _call(self, call: syntax.Call) -> Value:
        name = call.name
        arguments = call.arguments
        count, names = len(arguments), ()
        if arguments and type(arguments[-1]) is syntax.Named:
            count, names = binding.split(arguments)  # type: ignore[assignment]
        if name in self.entries:
            return self._entry(call, count, names)
        builtin = self.builtins.get(name)
        if builtin is not None:
            layout = binding.builtin_layout(name, count, names)
            if layout is None:
                raise binding.refuse_builtin(call)
            if layout.canonical is not None:
                self._rewrite(call, layout)
            nodes = [None if i is None else binding.argument_value(arguments[i]) for _, i in layout.sources]
            return builtin(self, call, nodes)
        return self._defined(call, count, names)

    def _entry(self, call: syntax.Call, count: int, names: tuple[str, ...]) -> Value:
        """The value of a call of an operation."""
        layout = binding.registered_layout(call.name, count, names)
        if layout is None:
            raise binding.refuse_registered(call)
        if layout.canonical is not None:
            self._rewrite(call, layout)
        return self._registered(call, layout, [self.evaluate(node) for node in call.arguments[: layout.leading]])

    def _rewrite(self, call: syntax.Call, layout: Layout) -> None:
        assert layout.canonical is not None
        result: list[syntax.Argument] = []
        for index, name in layout.canonical:
            argument = call.arguments[index]
            value = binding.argument_value(argument)
            result.append(syntax.Named(argument.start, argument.end, name, value) if name else value)  # type: ignore[arg-type]
        self.rewrites[id(call)] = tuple(result)

    def _registered(self, call: syntax.Call, layout: Layout, leading: list[Value]) -> Value:
        operation = layout.operation
        assert operation is not None
        scalars: list[Expr] = []
        decided: list[tuple[str, object]] = []
        constrained: dict[str, Any] = {}
        for parameter, source in layout.sources:
            kind = parameter.kind
            if source is None:
                value = self._default(parameter)
            else:
                node: Any = call.arguments[source]
                if type(node) is syntax.Named:
                    node = node.value
                if kind == "choice":
                    value = self._choice(call, parameter, node)
                else:
                    found = self.evaluate(node)
                    if kind == "count":
                        value = self.count(call, parameter, node, found)
                    elif kind == "point":
                        if type(found) is not PointValue:
                            raise self.mismatch(
                                node, found, f"'{parameter.name}' of {call.name}", "a point, (x, y)"
                            )
                        value = (
                            self.scalar(call.name, parameter, node, found.x),
                            self.scalar(call.name, parameter, node, found.y),
                        )
                    elif kind == "vector":
                        if type(found) is not VectorValue:
                            raise self.mismatch(
                                node, found, f"'{parameter.name}' of {call.name}", "a point of space, (x, y, z)"
                            )
                        value = tuple(self.scalar(call.name, parameter, node, part) for part in found)
                    elif kind == "colour":
                        if type(found) is not ColourValue:
                            raise self.mismatch(node, found, f"'{parameter.name}' of {call.name}", "a colour")
                        value = found.components
                    else:
                        value = self.scalar(call.name, parameter, node, found)
            if operation.constraint is not None:
                constrained[parameter.name] = value
            if kind in COMPONENTS:
                scalars += value
            elif kind == "count" or kind == "choice":
                decided.append((parameter.name, value))
            else:
                scalars.append(value)
        if constrained:
            self.constraints.append(
                Constraint(operation, constrained, call.name_start, call.name_start + len(call.name))
            )
        return self.made(call, operation, leading, tuple(scalars), tuple(decided))

    def _default(self, parameter: Parameter) -> Any:
        default = parameter.default
        if isinstance(default, tuple):
            return tuple(self.constant(v) for v in default)
        if isinstance(default, str):
            return default
        assert default is not None
        if parameter.kind == "count":
            return int(default)
        return self.constant(default * RADIANS if parameter.kind == "angle" else default)

    def constant(self, value: float) -> Expr:
        """One expression for all defaults of a value: most are zero."""
        found = self.constants.get(value)
        if found is None:
            found = self.constants[value] = self.graph.constant(value)
        return found

    def _choice(self, call: syntax.Call, parameter: Parameter, node: Any) -> str:
        if type(node) is syntax.Name and node.name in parameter.choices:
            return str(node.name)
        expected = " or ".join(parameter.choices)
        if type(node) is syntax.Name and not (node.name in self.scope or node.name in self.lets):
            message = f"'{node.name[:40]}' is no choice for '{parameter.name}' of {call.name}"
            raise Fault(message, node.start, node.end, expected, did_you_mean(node.name, parameter.choices))
        value = self.evaluate(node)
        if isinstance(value, WordValue) and value.word in parameter.choices:
            return value.word
        raise self.mismatch(node, value, f"'{parameter.name}' of {call.name}", expected)

    def count(self, call: syntax.Call, parameter: Parameter, node: Any, value: Value) -> int:
        low, high = int(parameter.low), int(parameter.high)
        expected = f"a whole number from {low} to {high}"
        if not isinstance(value, NumberValue):
            raise self.mismatch(node, value, f"'{parameter.name}' of {call.name}", expected)
        literal = value.literal
        if literal is None or literal.unit:
            raise Fault(
                f"'{parameter.name}' of {call.name} is a count, which is decided before the numbers are",
                node.start, node.end, expected,
            )  # fmt: skip
        if literal.value != int(literal.value) or not low <= literal.value <= high:
            raise Fault(
                f"'{parameter.name}' of {call.name} cannot be {literal.value:g}",
                node.start,
                node.end,
                expected,
            )
        self.counts.add(literal.slot)
        return int(literal.value)

    # -- functions of the program --------------------------------------------------------------------------

    def _defined(self, call: syntax.Call, count: int, names: tuple[str, ...]) -> Value:
        function = self.functions.get(call.name)
        if function is None or function.order >= self.visible:
            raise unknown_function(call, self.module, self._known(), self.inside)
        layout = binding.layout_of(function.parameters, count, names)
        if layout is None:
            raise binding.refuse_parameters(call, function.parameters)
        if layout.canonical is not None:
            self._rewrite(call, layout)
        scope: dict[str, Value] = {}
        for parameter, (_, source) in zip(function.definition.parameters, layout.sources):
            if source is not None:
                scope[parameter.name] = self.evaluate(binding.argument_value(call.arguments[source]))
        return self.applied(function, scope)

    def applied(self, function: Function, scope: dict[str, Value]) -> Value:
        """The value of a def's body, where some of its parameters have the values of `scope`, and the others their defaults."""
        definition = function.definition
        outer = self.scope, self.visible, self.inside
        self.scope, self.visible, self.inside = scope, function.order, definition.name
        for parameter in definition.parameters:
            # A default may use the parameters before it.
            if parameter.name not in scope:
                scope[parameter.name] = self.evaluate(parameter.default)
        value = self.evaluate(definition.body)
        self.scope, self.visible, self.inside = outer
        return value


def root_name(node: Any) -> str:
    """The let name that a drawn expression starts from, if any."""
    while type(node) is syntax.Call and node.arguments and node.name != "copies":
        node = binding.argument_value(node.arguments[0])
    return str(node.name) if type(node) is syntax.Name else ""


@lru_cache(maxsize=1)
def _words() -> frozenset[str]:
    return frozenset(w for o in operations().values() for p in o.parameters for w in p.choices) | {"none"}


_EVALUATORS: dict[type, Callable[..., Value]] = {
    syntax.Number: Check._number,
    syntax.Colour: Check._colour,
    syntax.Ranged: Check._ranged,
    syntax.Fixed: Check._fixed,
    syntax.Name: Check._name,
    syntax.Pair: Check._pair,
    syntax.Triple: Check._triple,
    syntax.Negation: Check._negation,
    syntax.Chain: Check._chain,
    syntax.Call: Check._call,
}
