"""The decoding grammar: what a model may write, in the Lark-like form that llguidance reads.

It is a canonical part of the language, made of the registry: one spacing, no comments, no `let`,
`def` or arithmetic, one statement a line however long, numbers on a grid of hundredths within limits, whole
degrees, colours as `#rrggbb`. It is typed: only shapes are combined, only layers have an opacity, only what has an
inset is rounded, counts keep their limits. Every text that it makes parses, and is its own canonical form
(`decoding_text(parse(text)) == text`); the bounds of `shaderdsl.bounds` on a whole program are beyond a grammar,
and no text under 8,000 characters breaks them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from itertools import product

import numpy as np

from shaderdsl.binding import minimum_leading
from shaderdsl.construction import CURVED, INSETTING, VERTEX
from shaderdsl.parser import BOOLEAN_OPERATORS
from shaderdsl.program import Program
from shaderdsl.registry import Category, Operation, Parameter, of_category, operations

STEP = 0.01
LIMIT = 1.28
"""Numbers are multiples of `STEP` up to `LIMIT`, which is where a shape leaves the picture."""

MAX_DEPTH = 3
"""Booleans around booleans."""

_MAX_OPERANDS = 4
_MAX_STEPS = 4
_MAX_VERTICES = 48
_MAX_STOPS = 6
_MAX_LAYERS = 48


def grid(parameter: Parameter) -> tuple[float, float, float]:
    """(low, high, step) of the numbers that the grammar has for a parameter, in degrees for an angle."""
    low, high, step = -LIMIT, LIMIT, STEP
    if id(parameter) in _constrained() and parameter.kind != "count":
        return parameter.low, parameter.high, 1.0 if parameter.kind == "angle" else STEP
    if parameter.kind == "angle":
        low, high, step = -180.0, 180.0, 1.0
        if parameter.high > high:
            low, high = 0.0, parameter.high
    elif parameter.kind == "count":
        low, high, step = parameter.low, parameter.high, 1.0
    elif parameter.kind == "number":
        high = max(high, 2.0 * parameter.high)
        low = -high
    if parameter.minimum is not None:
        # A size of zero draws nothing, unless it is in the sensible range.
        smallest = step * math.ceil(round(parameter.minimum / step, 6))
        low = max(low, smallest if parameter.low <= parameter.minimum else max(smallest, step))
    if parameter.maximum is not None:
        high = min(high, parameter.maximum)
    return float(low), float(high), step


def decoding_text(program: Program) -> str:
    """The canonical text of a program with each statement on one line."""
    return "\n".join(program.structure.texts(program.params, width=None))


def quantised(program: Program) -> Program:
    """The program with its numbers brought onto the grammar's grid: the nearest number that it has for what a
    literal is used for. What the grammar leaves out (names, arithmetic, other units) stays as it is."""
    checked = program.structure.checked
    params = program.params.copy()
    for index, value in enumerate(params.tolist()):
        parameter = checked.feeds.get(index)
        if parameter is None:
            is_colour = checked.low.get(index) == 0.0 and checked.high.get(index) == 1.0
            params[index] = round(value * 255.0) / 255.0 if is_colour else round(value, 2)
            continue
        low, high, step = grid(parameter)
        params[index] = round(min(max(round(value / step) * step, low), high), 2)
    low_limits, high_limits = program.structure.low, program.structure.high
    return program.with_params(np.clip(params, low_limits.astype(np.float64), high_limits.astype(np.float64)))


@lru_cache(maxsize=1)
def decoding_grammar() -> str:
    """The grammar's text. Repetitions are written `~ low..high` and strings with JSON escapes, which llguidance and
    lark both read."""
    return _Grammar().text()


@lru_cache(maxsize=1)
def _constrained() -> frozenset[int]:
    """The ids of parameters that a constraint ties to others: their sensible ranges keep it."""
    return frozenset(id(p) for o in operations().values() if o.constraint is not None for p in o.parameters)


class _Grammar:
    def __init__(self) -> None:
        self.rules: dict[str, list[str]] = {}
        self.terminals: dict[str, str] = {"COLOUR": "#[0-9a-f]{6}"}

    def text(self) -> str:
        self._leaves()
        self._steps()
        for depth in range(1, MAX_DEPTH + 1):
            self._booleans(depth)
        self._paints()
        scene = '("scene 2d(background = " (COLOUR | "none") ")" "\\n")?'
        self.rules = {
            "start": [f"{scene} layer next_layer ~ 0..{_MAX_LAYERS - 1}"],
            "next_layer": ['"\\n" layer'],
            "layer": [f'(solid{MAX_DEPTH} | group{MAX_DEPTH}) ".fill(" paint ")" layer_step ~ 0..{_MAX_STEPS}'],
            **self.rules,
        }
        lines = ["// Made by shaderdsl.decoding from the registry of operations."]
        lines += [f"{name}: " + "\n    | ".join(alternatives) for name, alternatives in self.rules.items()]
        lines += [f"{name}: /{pattern}/" for name, pattern in self.terminals.items()]
        return "\n".join(lines) + "\n"

    # -- numbers ------------------------------------------------------------------------------------------

    def _value(self, parameter: Parameter) -> str:
        if parameter.kind == "choice":
            return "(" + " | ".join(f'"{word}"' for word in parameter.choices) + ")"
        terminal = self._number(parameter)
        return f'"(" {terminal} ", " {terminal} ")"' if parameter.kind == "point" else terminal

    def _number(self, parameter: Parameter) -> str:
        low, high, step = grid(parameter)
        kind = {"angle": "DEGREES", "count": "COUNT"}.get(parameter.kind, "DECIMAL")
        first, last = round(low / step), round(high / step)
        name = f"{kind}_{first}_TO_{last}".replace("-", "M")
        self.terminals[name] = number_pattern(first, last, 2 if step < 1.0 else 0)
        return name

    # -- calls --------------------------------------------------------------------------------------------

    def _calls(self, operation: Operation, start: str, leading: str = "") -> list[str]:
        """The ways to call an operation: with each choice of the parameters that have defaults.

        Canonical text has no names up to the first parameter that is left out.
        """
        optional = [p for p in operation.parameters if p.default is not None]
        ways = []
        for chosen in product((False, True), repeat=len(optional)):
            left_out = {id(p) for p, given in zip(optional, chosen) if not given}
            by_name = bool(operation.variadic)
            arguments = [leading] if leading else []
            for parameter in operation.parameters:
                if id(parameter) in left_out:
                    by_name = True
                else:
                    name = f'"{parameter.name} = " ' if by_name else ""
                    arguments.append(name + self._value(parameter))
            ways.append(f'"{start}(" ' + "".join(a + ' ", " ' for a in arguments[:-1]) + "".join(arguments[-1:]) + ' ")"')
        return ways

    def _leaves(self) -> None:
        shapes = [(o, self._calls(o, o.function)) for o in of_category("shape")]
        number = self._number(VERTEX)
        self.rules["point"] = [f'"(" {number} ", " {number} ")"']
        self.rules["next_point"] = ['", " point']
        self.rules["vertex"] = ["point", f'"curve(" {number} ", " {number} ")"']
        self.rules["next_vertex"] = ['", " vertex']
        for operation in of_category("outline"):
            following = "next_vertex" if operation.function == CURVED else "next_point"
            fewest = minimum_leading(operation)
            name = f"{operation.identifier}_vertices"
            # A stroke begins and ends on a point, as an open one has to.
            self.rules[name] = (
                [f"point {following} ~ {fewest - 2}..{_MAX_VERTICES - 2} next_point"]
                if operation.parameters or operation.function != CURVED
                else [f"vertex next_vertex ~ {fewest - 1}..{_MAX_VERTICES - 1}"]
            )
            shapes.append((operation, self._calls(operation, operation.function, name)))
        self.rules["inset_shape"] = [way for o, ways in shapes if o.inset is not None for way in ways]
        self.rules["other_shape"] = [way for o, ways in shapes if o.inset is None for way in ways]
        self.rules["solid0"] = [
            f"inset_shape keeping_step ~ 0..{_MAX_STEPS} (repetition step ~ 0..{_MAX_STEPS - 1})?",
            f"other_shape step ~ 0..{_MAX_STEPS}",
        ]

    def _steps(self) -> None:
        def methods(*categories: Category) -> list[str]:
            return [
                way for o in of_category(*categories) if o.name != INSETTING for way in self._calls(o, "." + o.function)
            ]

        rounding = operations()[INSETTING]
        self.rules["change"] = methods("modifier", "transform")
        self.rules["keeping_step"] = ["change", *self._calls(rounding, "." + rounding.function)]
        self.rules["repetition"] = methods("repetition")
        self.rules["step"] = ["change", "repetition"]
        self.rules["layer_step"] = methods("layer", "transform")

    def _booleans(self, depth: int) -> None:
        """Rules of shapes with at most `depth` booleans around each other.

        `solid` needs no brackets, `chain` is operands joined by one operator, `group` a chain in brackets.
        """
        inner = depth - 1
        signs = BOOLEAN_OPERATORS
        solid = [f"solid{inner}", f"blend{depth} step ~ 0..{_MAX_STEPS}", f"group{depth} step ~ 1..{_MAX_STEPS}"]
        self.rules[f"solid{depth}"] = solid
        self.rules[f"operand{depth}"] = [f"solid{inner}", *([f"group{inner}"] if inner else [])]
        self.rules[f"next_part{depth}"] = [f'", " part{depth}']
        self.rules[f"part{depth}"] = [f"solid{inner}", *([f"chain{inner}_{name}" for name in signs] if inner else [])]
        several = f" ~ 1..{_MAX_OPERANDS - 1}"
        self.rules[f"blend{depth}"] = [
            way for o in of_category("boolean") if o.name not in signs
            for way in self._calls(o, o.function, f"part{depth} next_part{depth}{several if o.variadic else ''}")
        ]  # fmt: skip
        for name, sign in signs.items():
            # A first operand with the same operator is merged into the chain, so it is none.
            others = [f'"(" chain{inner}_{other} ")"' for other in signs if other != name and inner]
            self.rules[f"first{depth}_{name}"] = [f"solid{inner}", *others]
            self.rules[f"next{depth}_{name}"] = [f'" {sign} " operand{depth}']
            self.rules[f"chain{depth}_{name}"] = [
                f"first{depth}_{name} next{depth}_{name} ~ 1..{_MAX_OPERANDS - 1}"
            ]
        chains = " | ".join(f"chain{depth}_{name}" for name in signs)
        self.rules[f"group{depth}"] = [f'"(" ({chains}) ")"']

    def _paints(self) -> None:
        """A flat colour is written as the colour itself; the others have several."""
        self.rules["paint"] = ["COLOUR"]
        self.rules["next_stop"] = ['", " COLOUR']
        for operation in of_category("paint"):
            if operation.parameters:
                fewest = minimum_leading(operation)
                stops = f"COLOUR next_stop ~ {fewest - 1}..{_MAX_STOPS - 1}"
                self.rules["paint"].append(f'"{operation.function}(" {stops} {self._options(operation)} ")"')

    def _options(self, operation: Operation) -> str:
        """A rule for parameters that come by their names or not at all: a texture has too many to list what is given."""
        names = [f"{operation.identifier}_{parameter.name}" for parameter in operation.parameters]
        for name, parameter in zip(names, operation.parameters):
            self.rules[name] = [f'(", {parameter.name} = " {self._value(parameter)})?']
        self.rules[f"{operation.identifier}_options"] = [" ".join(names)]
        return f"{operation.identifier}_options"


# -- numbers as regular expressions ---------------------------------------------------------------------------------


def number_pattern(first: int, last: int, digits: int) -> str:
    """A regular expression of the numbers n / 10**digits, n from `first` to `last`, in canonical form: without
    needless zeros, and zero without a sign. `digits` is 0 or 2."""
    pattern = _hundredths if digits else _wholes
    parts = []
    if first < 0:
        parts.append(f"-({pattern(max(1, -last), -first)})")
    if last >= 0:
        parts.append(pattern(max(0, first), last))
    return "|".join(parts)


def _wholes(first: int, last: int) -> str:
    """Whole numbers from `first` to `last`, both at least 0."""
    if last < 10:
        return _digits(first, last)
    parts = []
    if first < 10:
        parts.append(_digits(first, 9))
        first = 10
    low, high = first // 10, last // 10
    if low == high:
        return "|".join([*parts, f"{low}{_digits(first % 10, last % 10)}"])
    if first % 10:
        parts.append(f"{low}{_digits(first % 10, 9)}")
        low += 1
    if last % 10 == 9:
        high += 1
    if low < high:
        parts.append(f"({_wholes(low, high - 1)})[0-9]")
    if last % 10 != 9:
        parts.append(f"{high}{_digits(0, last % 10)}")
    return "|".join(parts)


def _hundredths(first: int, last: int) -> str:
    """The numbers first / 100 to last / 100, both at least 0."""
    parts = []
    for whole in range(first // 100, last // 100 + 1):
        low, high = max(first - 100 * whole, 0), min(last - 100 * whole, 99)
        if low == 0:
            parts.append(str(whole))
        if high > 0:
            parts.append(f"{whole}\\.({_fractions(max(low, 1), high)})")
    return "|".join(parts)


def _fractions(first: int, last: int) -> str:
    """Two digits behind a point, `first` to `last` hundredths, a zero at the end left out."""
    if (first, last) == (1, 99):
        return "0[1-9]|[1-9][1-9]?"
    parts = []
    for tenth in range(first // 10, last // 10 + 1):
        low, high = max(first - 10 * tenth, 0), min(last - 10 * tenth, 9)
        is_whole = low == 0 and tenth > 0
        second = _digits(max(low, 1), high) if high > 0 else ""
        parts.append(f"{tenth}{second}{'?' if is_whole and second else ''}")
    return "|".join(parts)


def _digits(first: int, last: int) -> str:
    return str(first) if first == last else f"[{first}-{last}]"
