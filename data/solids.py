"""Random solids as text: primitives, outlines, booleans, modifiers, transforms and repetitions that fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from data.reach import Drawn, drawn, norm, reach_factor, stretch
from data.writing import Writer, decimal
from shaderdsl.binding import minimum_leading
from shaderdsl.construction import CURVED, INSETTING
from shaderdsl.parser import BOOLEAN_OPERATORS
from shaderdsl.registry import Operation, of_category, operations

_FAR = 1.5
"""What counts as the reach of a solid without end, where a number is needed."""


@dataclass(frozen=True)
class Solid:
    """A shape's text with what is known of its size.

    `reach` bounds its distance from the origin (infinite for one without end), `thin` is its smallest length,
    `operator` is set while the text is operands joined by it and needs brackets.
    """

    text: str
    reach: float
    thin: float
    roundable: bool = False
    operator: str = ""

    @property
    def operand(self) -> str:
        return f"({self.text})" if self.operator else self.text

    @property
    def extent(self) -> float:
        return min(self.reach, _FAR)

    def then(self, method: str, reach: float, thin: float, roundable: bool) -> Solid:
        return Solid(f"{self.operand}.{method}", reach, thin, roundable)


@dataclass(frozen=True)
class _Definition:
    """A `def` of a shape: which of its values are parameters, and which of those have defaults."""

    name: str
    operation: Operation
    values: Mapping[str, Drawn]
    parameters: tuple[tuple[str, bool], ...]
    thin: float


@lru_cache(maxsize=1)
def _categories() -> dict[str, tuple[Operation, ...]]:
    names = ("shape", "outline", "boolean", "modifier", "transform", "repetition")
    return {name: tuple(of_category(name)) for name in names}  # type: ignore[arg-type]


class Solids:
    """Draws solids. `plain` gives shapes without booleans, modifiers, repetitions and names."""

    def __init__(self, writer: Writer, plain: bool) -> None:
        self.writer = writer
        self.random = writer.random
        self.plain = plain
        self.named: list[Solid] = []
        self.definitions: list[_Definition] = []

    def solid(self, size: float, depth: int, bounded: bool = False) -> Solid:
        """A solid about the origin that reaches about `size` far, of at most `depth` nested booleans and
        repetitions."""
        writer = self.writer
        if self.named and writer.chance(0.06):
            known = self.random.choice(self.named)
            if math.isfinite(known.reach):
                return known
        if depth > 0 and not self.plain:
            kind = self.random.random() * (3.0 if depth == 1 else 1.0)
            if kind < 0.38:
                return self.boolean(size, depth)
            if kind < 0.5:
                return self.repetition(size, depth)
        result = self.primitive(size, bounded)
        if self.plain:
            return result
        while writer.chance(0.25):
            result = self.modified(result)
        if writer.special(0.3):
            result = replace(result, text=f"fixed({result.text})", operator="")
        if writer.special(0.4):
            result = replace(result, text=writer.let("shape", result.text), operator="")
            self.named.append(result)
        return result

    # -- primitives ---------------------------------------------------------------------------------------

    def primitive(self, size: float, bounded: bool = False) -> Solid:
        if self.definitions and self.writer.chance(0.15):
            return self._called(self.random.choice(self.definitions))
        categories = _categories()
        choices = categories["shape"] + categories["outline"]
        operation = self.random.choice(choices)
        if operation.category == "outline":
            return self._outline(operation, size)
        factor = reach_factor(operation)
        while bounded and math.isinf(factor):
            operation = self.random.choice(categories["shape"])
            factor = reach_factor(operation)
        values = self._values(operation)
        measure = norm(operation, values)
        if math.isfinite(factor):
            scale = size / (factor * measure)
            values = {
                p.name: self._scaled(p.low, values[p.name], scale) if p.kind in ("length", "point") else values[p.name]
                for p in operation.parameters if p.name in values
            }  # fmt: skip
        lengths = [float(values[p.name]) for p in operation.parameters if p.kind == "length" and p.name in values]  # type: ignore[arg-type]
        thin = min((v for v in lengths if v > 0.0), default=0.4 * size)
        reach = factor * norm(operation, values) if math.isfinite(factor) else math.inf
        roundable = operation.inset is not None
        if self.writer.special(0.4) and math.isfinite(reach) and operation.constraint is None:
            return self._defined(operation, values, thin)
        return Solid(self._text(operation, values), reach, thin, roundable)

    def _values(self, operation: Operation) -> dict[str, Drawn]:
        """Values in the sensible ranges; what has a default is mostly left out."""
        while True:
            values = {
                p.name: drawn(p, self.random)
                for p in operation.parameters
                if p.default is None or self.writer.chance(0.3)
            }
            if operation.constraint is None or not operation.constraint(**values):
                return values

    @staticmethod
    def _scaled(low: float, value: Drawn, scale: float) -> Drawn:
        if isinstance(value, tuple):
            return value[0] * scale, value[1] * scale
        shrunk = float(value) * scale
        return shrunk if low <= 0.0 or shrunk >= 0.02 else 0.02

    def _text(self, operation: Operation, values: Mapping[str, Drawn], names: Mapping[str, str] | None = None) -> str:
        """The call; parameters in `names` get that text instead."""
        plain = operation.constraint is not None  # arithmetic on rounded parts might break it
        texts: list[tuple[str, str | None]] = []
        for parameter in operation.parameters:
            value = values.get(parameter.name)
            if names is not None and parameter.name in names:
                text: str | None = names[parameter.name]
            elif value is None:
                text = None
            elif isinstance(value, tuple):
                text = self.writer.point(*value)
            elif isinstance(value, str):
                text = value
            elif parameter.kind == "count":
                text = self.writer.count(int(value))
            else:
                text = f"{value:.3g}" if plain else self.writer.value(parameter, value)
            texts.append((parameter.name, text))
        return self.writer.call(operation.function, (), texts)

    def _outline(self, operation: Operation, size: float) -> Solid:
        """A star-shaped ring of vertices for an area, a walk from left to right for a stroke."""
        random = self.random
        is_stroke = bool(operation.parameters)
        bends = operation.function == CURVED
        fewest = minimum_leading(operation)
        count = fewest + int(random.random() ** 2 * 9)
        values = self._values(operation)
        width = min((float(v) for v in values.values() if isinstance(v, float)), default=0.0) * min(1.0, 1.5 * size)
        extent = max(size - 0.5 * width, 0.5 * size)
        vertices = []
        phase = random.random()
        for index in range(count):
            if is_stroke:
                x = extent * (1.7 * index / (count - 1) - 0.85)
                y = extent * random.uniform(-0.5, 0.5)
            else:
                angle = 2.0 * math.pi * (index + phase + random.uniform(-0.3, 0.3)) / count
                radius = extent * random.uniform(0.45, 1.0)
                x, y = radius * math.cos(angle), radius * math.sin(angle)
            is_end = is_stroke and index in (0, count - 1)
            if bends and not is_end and random.random() < 0.4:
                vertices.append(f"curve({decimal(x)}, {decimal(y)})")
            else:
                vertices.append(self.writer.point(x, y) if self.writer.chance(0.2) else f"({decimal(x)}, {decimal(y)})")
        given = {k: max(width, 0.02) if isinstance(v, float) else v for k, v in values.items()}
        texts = [
            (p.name, None if p.name not in given else str(given[p.name]) if p.kind == "choice" else
             self.writer.value(p, float(given[p.name])))  # type: ignore[arg-type]
            for p in operation.parameters
        ]  # fmt: skip
        text = self.writer.call(operation.function, vertices, texts)
        return Solid(text, 1.1 * size + 0.5 * width, max(width, 0.02) if is_stroke else 0.3 * size)

    # -- defs ---------------------------------------------------------------------------------------------

    def _defined(self, operation: Operation, values: Mapping[str, Drawn], thin: float) -> Solid:
        """A `def` that draws this shape by some of its values, and a first call of it."""
        names = [p.name for p in operation.parameters if p.continuous and p.name in values]
        if self.writer.chance(0.15):
            names = []
        chosen = names[-3:]
        required = int(self.random.random() * (len(chosen) + 1))
        name = self.writer.name("def")
        parameters = []
        written: dict[str, str] = {}
        for index, parameter in enumerate(chosen):
            value = values[parameter]
            text = parameter
            if index >= required:
                previous = chosen[index - 1] if index else ""
                plain = f"({decimal(value[0])}, {decimal(value[1])})" if isinstance(value, tuple) else decimal(float(value))
                earlier = values[previous] if previous else ""
                alike = operation.parameter(parameter).kind == operation.parameter(previous or parameter).kind
                if alike and isinstance(earlier, float) and isinstance(value, float) and earlier > 0.05 and self.writer.chance(0.5):
                    plain = f"{previous} * {decimal(value / earlier)}"
                text += " = " + plain
            parameters.append(text)
            written[parameter] = parameter
        body = self._text(operation, values, written)
        self.writer.statements.append(f"def {name}({', '.join(parameters)}) = {body}")
        definition = _Definition(
            name, operation, dict(values), tuple((n, i >= required) for i, n in enumerate(chosen)), thin
        )
        self.definitions.append(definition)
        return self._called(definition)

    def _called(self, definition: _Definition) -> Solid:
        operation, writer = definition.operation, self.writer
        given: list[tuple[str, str | None]] = []
        grown = 1.0
        for name, has_default in definition.parameters:
            value = definition.values[name]
            parameter = operation.parameter(name)
            if has_default and writer.chance(0.4):
                given.append((name, None))
            elif isinstance(value, tuple):
                given.append((name, writer.point(*value)))
            else:
                change = self.random.uniform(0.85, 1.15) if parameter.kind == "length" else 1.0
                grown = max(grown, change)
                text = writer.value(parameter, float(value) * change)
                # Within a def a bare number may be used before it meets an angle.
                given.append((name, text))
        # A default may be a multiple of a grown value, hence the square.
        reach = reach_factor(operation) * norm(operation, definition.values) * grown * grown
        return Solid(writer.call(definition.name, (), given), reach, definition.thin, operation.inset is not None)

    # -- what is done to solids ------------------------------------------------------------------------------

    def modified(self, solid: Solid) -> Solid:
        operation = self.random.choice(_categories()["modifier"])
        if operation.name == INSETTING and not solid.roundable:
            return solid
        grown = 0.0
        texts: list[tuple[str, str | None]] = []
        for parameter in operation.parameters:
            value = float(drawn(parameter, self.random))  # type: ignore[arg-type]
            value = min(max(value, -0.4 * solid.thin), 0.5 * solid.thin)
            value = value if abs(value) >= 0.01 else 0.01
            grown += abs(value)
            texts.append((parameter.name, self.writer.value(parameter, value)))
        method = self.writer.call(operation.function, (), texts)
        return solid.then(method, solid.reach + grown, solid.thin, solid.roundable)

    def moved(self, solid: Solid, x: float, y: float) -> Solid:
        move = operations()["move"]
        texts = [self.writer.value(p, v) for p, v in zip(move.parameters, (x, y))]
        method = self.writer.call(move.function, (), list(zip((p.name for p in move.parameters), texts)))
        return solid.then(method, solid.reach + math.hypot(x, y), solid.thin, solid.roundable)

    def transformed(self, solid: Solid, operation: Operation | None = None) -> Solid:
        """One random transform, shifts in proportion to the solid."""
        operation = operation or self.random.choice(_categories()["transform"])
        method, scalars = self.transform(operation, min(1.0, solid.extent + 0.2))
        factor, shift = stretch(operation, scalars)
        return solid.then(method, factor * solid.reach + shift, solid.thin / max(factor, 1.0 / factor), solid.roundable)

    def transform(self, operation: Operation, proportion: float) -> tuple[str, list[float]]:
        """A transform's call, and its scalars with angles in radians; lengths are multiplied by `proportion`."""
        texts: list[tuple[str, str | None]] = []
        scalars: list[float] = []
        for parameter in operation.parameters:
            value = float(drawn(parameter, self.random))  # type: ignore[arg-type]
            value *= proportion if parameter.kind == "length" else 1.0
            texts.append((parameter.name, self.writer.value(parameter, value)))
            scalars.append(math.radians(value) if parameter.kind == "angle" else value)
        return self.writer.call(operation.function, (), texts), scalars

    def boolean(self, size: float, depth: int) -> Solid:
        random, writer = self.random, self.writer
        operation = random.choice(_categories()["boolean"])
        count = 2 + int(random.random() ** 4 * 3) if operation.variadic else 2
        parts = [self.operand(0.85 * size, depth - 1)]
        base = min(parts[0].extent, size)
        while len(parts) < count:
            part = self.operand(size * random.uniform(0.5, 0.85), depth - 1)
            if writer.chance(0.6):
                part = self.transformed(part)
            if writer.chance(0.75):
                angle, away = random.uniform(0.0, 2.0 * math.pi), random.uniform(0.3, 0.85) * base
                part = self.moved(part, away * math.cos(angle), away * math.sin(angle))
            parts.append(part)
        if writer.chance(0.3):
            parts[0] = self.transformed(parts[0])
        reach, thin = max(p.reach for p in parts), min(p.thin for p in parts)
        if operation.name in BOOLEAN_OPERATORS and writer.chance(0.6):
            sign = BOOLEAN_OPERATORS[operation.name]
            result = Solid(f" {sign} ".join(p.operand for p in parts), reach, thin, False, sign)
        else:
            texts: list[tuple[str, str | None]] = []
            for parameter in operation.parameters:
                value = float(drawn(parameter, random))  # type: ignore[arg-type]
                if parameter.kind == "count":
                    texts.append((parameter.name, writer.count(int(value))))
                    continue
                if parameter.kind == "length":
                    value = max(value * min(1.0, 1.5 * size), 0.01)
                    reach, thin = reach + value, min(thin, value)
                texts.append((parameter.name, writer.value(parameter, value)))
            result = Solid(writer.call(operation.function, [p.text for p in parts], texts), reach, thin)
        while writer.chance(0.4):
            result = self.transformed(result)
        if writer.chance(0.12):
            result = self.modified(result)
        if writer.chance(0.3):
            result = self.repeated(result)
        return result

    def operand(self, size: float, depth: int) -> Solid:
        """A solid for a boolean; a plain one is now and then repeated, so that each boolean meets each repetition."""
        solid = self.solid(size, depth)
        return self.repeated(solid) if depth == 0 and self.writer.chance(0.25) else solid

    # -- repetition -----------------------------------------------------------------------------------------

    def repetition(self, size: float, depth: int) -> Solid:
        """A repeated solid, made small enough for its cell."""
        return self.repeated(self.solid(size * self.random.uniform(0.3, 0.5), depth - 1, bounded=True))

    def repeated(self, solid: Solid) -> Solid:
        """A random repetition of this solid, if it has an end."""
        if math.isinf(solid.reach):
            return solid
        operation = self.random.choice(_categories()["repetition"])
        if operation.name not in FITTED:
            raise KeyError(f"data.solids does not know how a copy fits the cells of {operation.name}: add it to FITTED")
        return FITTED[operation.name](self, operation, solid)

    def _fit_mirror(self, operation: Operation, solid: Solid) -> Solid:
        degrees = 90.0
        given: list[tuple[str, str | None]] = [("angle", None)]
        if self.writer.chance(0.6):
            degrees = round(self.random.uniform(-180.0, 180.0))
            given = [("angle", self.writer.value(operation.parameter("angle"), degrees))]
        # To the right of the line, where the mirror takes its picture from.
        away = solid.reach * self.random.uniform(0.3, 0.9)
        angle = math.radians(degrees)
        moved = self.moved(solid, away * math.sin(angle), -away * math.cos(angle))
        return moved.then(self.writer.call(operation.function, (), given), moved.reach, moved.thin, False)

    def _fit_polar(self, operation: Operation, solid: Solid) -> Solid:
        count = int(drawn(operation.parameter("count"), self.random))  # type: ignore[arg-type]
        # A copy that spans less than a whole step to each side ends within the sector beside its own.
        widest = math.sin(min(0.9 * 2.0 * math.pi / count, 0.45 * math.pi))
        away = max(0.25, solid.reach * 1.2)
        if solid.reach > 0.9 * widest * away:
            away = min(0.6, solid.reach / (0.9 * widest))
            solid = self._shrunk(solid, 0.9 * widest * away)
        moved = self.moved(solid, away + 0.01, 0.0)
        method = self.writer.call(operation.function, (), [("count", self.writer.count(count))])
        return moved.then(method, moved.reach, moved.thin, False)

    def _fit_grid(self, operation: Operation, solid: Solid) -> Solid:
        texts: dict[str, str] = {}
        spacings = []
        for count_name, spacing_name in (("columns", "dx"), ("rows", "dy")):
            count = int(drawn(operation.parameter(count_name), self.random))  # type: ignore[arg-type]
            spacing = operation.parameter(spacing_name)
            value = min(max(1.8 / count, spacing.low), spacing.high) * self.random.uniform(0.8, 1.0)
            texts[count_name] = self.writer.count(count)
            texts[spacing_name] = self.writer.value(spacing, value)
            spacings.append((value, count))
        cell = min((v for v, n in spacings if n > 1), default=_FAR)
        # A copy may reach into the cell beside its own.
        if solid.reach > 0.8 * cell:
            solid = self._shrunk(solid, 0.8 * cell * self.random.uniform(0.6, 1.0))
        given: list[tuple[str, str | None]] = [(p.name, texts[p.name]) for p in operation.parameters]
        reach = solid.reach + math.hypot(*(0.5 * v * (n - 1) for v, n in spacings))
        return solid.then(self.writer.call(operation.function, (), given), reach, solid.thin, False)

    def _shrunk(self, solid: Solid, reach: float) -> Solid:
        """The solid scaled to this reach. Rounded down: the copy is to fit."""
        scale = operations()["scale"]
        digits = f"{math.floor(1000.0 * reach / solid.reach) / 1000.0:g}"
        return solid.then(f"{scale.function}({digits})", reach, solid.thin * float(digits), solid.roundable)


FITTED: dict[str, Callable[[Solids, Operation, Solid], Solid]] = {
    "mirror": Solids._fit_mirror,
    "repeat_polar": Solids._fit_polar,
    "repeat_grid": Solids._fit_grid,
}
