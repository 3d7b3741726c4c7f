"""Random solids of space as text: primitives, extrusions of plane shapes, booleans, modifiers, transforms and folds that fit.

What is known of a solid is measured (`data.reach.extent`), so that nothing here knows an operation by name: a fold is kept
only where the distances that it gives hold what its operations promise.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from data.reach import Drawn, Extent, drawn, extent, norm, reach_factor, stretch
from data.solids import Solid, Solids
from data.writing import Palette, Writer, decimal
from shaderdsl.binding import BUILTINS, minimum_leading
from shaderdsl.construction import INSETTING
from shaderdsl.errors import DslError
from shaderdsl.parser import BOOLEAN_OPERATORS
from shaderdsl.registry import Category, Operation, Parameter, continuous_names, of_category

_TRIES = 12

_BUMPY, _DISPLACED, _THREE_SIDED = 0.03, 0.01, 0.06
"""Shares of the painted solids that have a bump, of the primitives that are displaced, and of paints laid on from three sides. They are
few, because each kind of texture in each of these is compiled by itself for a batch that has it."""

_STEEP = 1.1
"""What a solid's distance may change by a unit, relative to what is promised; a little more is a few samples' bad luck."""


@dataclass(frozen=True)
class Body(Solid):
    """A solid of space; `painted` where all of it has a material."""

    painted: bool = False

    def done(self, method: str, reach: float, thin: float, roundable: bool) -> Body:
        return Body(f"{self.operand}.{method}", reach, thin, roundable, "", self.painted)


@lru_cache(maxsize=8)
def entries(category: Category) -> tuple[Operation, ...]:
    """What programs in space can call: the operations of a category that are at home there."""
    return tuple(of_category(category, dimension=3))


@lru_cache(maxsize=1)
def bounded_shapes() -> tuple[Operation, ...]:
    return tuple(o for o in entries("shape") if math.isfinite(reach_factor(o)))


@lru_cache(maxsize=1)
def endless_shapes() -> tuple[Operation, ...]:
    return tuple(o for o in entries("shape") if math.isinf(reach_factor(o)))


def _of_kinds(*kinds: str) -> Operation:
    """The first transform with parameters of these kinds."""
    return next(o for o in entries("transform") if tuple(p.kind for p in o.parameters) == kinds)


class Bodies:
    """Draws solids. `plain` gives primitives and extrusions, without booleans, modifiers, folds and names."""

    def __init__(self, writer: Writer, palette: Palette, plain: bool) -> None:
        self.writer = writer
        self.random = writer.random
        self.palette = palette
        self.plain = plain
        self.sections = Solids(writer, plain)
        self.named: list[Body] = []

    def body(self, size: float, depth: int) -> Body:
        """A solid about the origin that reaches about `size` far, of at most `depth` nested booleans and folds."""
        writer = self.writer
        if self.named and writer.chance(0.05):
            return self.random.choice(self.named)
        if depth > 0 and not self.plain:
            kind = self.random.random() * (2.0 if depth == 1 else 1.0)
            if kind < 0.5:
                return self.boolean(size, depth)
            if kind < 0.65:
                return self.folded(self.body(size * self.random.uniform(0.4, 0.7), depth - 1), size)
        result = self.leaf(size)
        if self.plain:
            return result
        while writer.chance(0.2):
            result = self.modified(result)
        if writer.chance(_DISPLACED):
            result = self.displaced(result, size)
        if writer.chance(0.15):
            result = self.painted(result)
        if writer.special(0.3):
            result = replace(result, text=f"fixed({result.text})", operator="")
        if writer.special(0.5):
            result = replace(result, text=writer.let("shape", result.text), operator="")
            self.named.append(result)
        return result

    # -- primitives ---------------------------------------------------------------------------------------

    def leaf(self, size: float) -> Body:
        kind = self.random.random()
        if kind < 0.22:
            return self.extruded(size)
        if kind < 0.3:
            return self.clipped(size)
        return self.primitive(self.random.choice(bounded_shapes()), size)

    def primitive(self, operation: Operation, size: float) -> Body:
        """A shape of this kind; one without end keeps the size that it has."""
        values = self.values(operation)
        factor = reach_factor(operation)
        reach = math.inf
        if math.isfinite(factor):
            scale = size / (factor * norm(operation, values))
            values = {p.name: _scaled(p, values[p.name], scale) for p in operation.parameters if p.name in values}
            reach = factor * norm(operation, values)
        lengths = [abs(v) for p in operation.parameters if p.kind == "length" and isinstance(v := values.get(p.name), float)]
        thin = min((v for v in lengths if v > 0.0), default=0.4 * size)
        return Body(self.call(operation, values), reach, thin, operation.inset is not None)

    def clipped(self, size: float) -> Body:
        """What of a shape without end lies in one that has an end."""
        operation = self.random.choice(endless_shapes())
        both = next(o for o in entries("boolean") if o.selects == (-1.0, -1.0))
        first, second = self.primitive(operation, size), self.primitive(self.random.choice(bounded_shapes()), size)
        sign = BOOLEAN_OPERATORS[both.name]
        return Body(f"{first.operand} {sign} {second.operand}", second.reach, min(first.thin, second.thin), False, sign)

    def extruded(self, size: float) -> Body:
        """A plane's shape made solid; one whose section has the name of a solid is none, and a primitive takes its place."""

        def attempt() -> Body:
            operation = self.random.choice([*entries("extrusion"), *entries("loft")])
            depth = 0 if self.plain or self.writer.chance(0.7) else 1
            section = self.section(size * self.random.uniform(0.4, 0.8), depth)
            others = [self.section(size * self.random.uniform(0.4, 0.8), 0)] if operation.category == "loft" else []
            values = self.values(operation)
            values = {p.name: _scaled(p, values[p.name], size) for p in operation.parameters if p.name in values}
            lengths = [v for p in operation.parameters if p.kind == "length" and isinstance(v := values.get(p.name), float)]
            sections = [section, *others]
            reach = 1.3 * max(s.extent for s in sections) + norm(operation, values)
            text = f"{section.operand}.{self.call(operation, values, [other.text for other in others])}"
            return Body(text, reach, min([*(s.thin for s in sections), *(v for v in lengths if v > 0.0)]), False)

        return self._sound(attempt, size) or self.primitive(self.random.choice(bounded_shapes()), size)

    def section(self, size: float, depth: int) -> Solid:
        """A shape of the plane that reaches about `size` far: drawn as in the plane, or cut from a solid."""
        if self.writer.chance(0.85):
            return self.sections.solid(size, depth, bounded=True)
        operation = self.random.choice(entries("section"))
        solid = self.primitive(self.random.choice(bounded_shapes()), size)
        values = self.values(operation)
        values = {p.name: _scaled(p, values[p.name], solid.thin) for p in operation.parameters if p.name in values}
        return Body(f"{solid.operand}.{self.call(operation, values)}", solid.reach, solid.thin, False)

    def values(self, operation: Operation) -> dict[str, Drawn]:
        """Values in the sensible ranges; what has a default is mostly left out."""
        while True:
            values = {
                p.name: drawn(p, self.random) for p in operation.parameters if p.default is None or self.writer.chance(0.3)
            }
            if operation.constraint is None or not operation.constraint(**{**_defaults(operation), **values}):
                return values

    def call(
        self, operation: Operation, values: dict[str, Drawn], leading: Sequence[str] = (), *, by_name: bool = False
    ) -> str:
        plain = operation.constraint is not None  # arithmetic on rounded parts might break it
        texts = [(p.name, self.value(p, values[p.name], plain) if p.name in values else None) for p in operation.parameters]
        return self.writer.call(operation.function, leading, texts, by_name=by_name)

    def value(self, parameter: Parameter, value: Drawn, plain: bool = False) -> str:
        writer = self.writer
        if isinstance(value, str):
            return value
        if isinstance(value, tuple):
            if parameter.kind == "colour":
                return writer.colour(value)  # type: ignore[arg-type]
            return writer.point(*value) if parameter.width == 2 else writer.vector(value)
        if parameter.kind == "count":
            return writer.count(int(value))
        return f"{value:.3g}" if plain else writer.value(parameter, float(value))

    # -- what is done to solids ---------------------------------------------------------------------------

    def painted(self, body: Body) -> Body:
        """The solid in a material of its own."""
        writer, random = self.writer, self.random
        given: list[tuple[str, str | None]] = []
        *finish, bump, depth = BUILTINS["paint"]
        for parameter in finish:
            # Few things shine by themselves or are metal.
            share = 0.12 if parameter.default == 0.0 else 0.5
            value = random.uniform(parameter.low, parameter.high)
            given.append((parameter.name, writer.value(parameter, value) if writer.chance(share) else None))
        bumpy = not self.plain and writer.chance(_BUMPY)
        if bumpy:
            given.append((bump.name, self.texture(random.choice(self._patterns()))))
            if writer.chance(0.5):
                given.append((depth.name, writer.value(depth, random.uniform(depth.low, depth.high))))
        method = writer.call("paint", [self.paint(by_place=bumpy)], given)
        done = body.done(method, body.reach, body.thin, body.roundable)
        return replace(done, painted=True)

    def paint(self, by_place: bool = False) -> str:
        """A colour, or a paint that differs from place to place or, unless `by_place`, from copy to copy."""
        writer, random = self.writer, self.random
        colour = writer.colour(self.palette.colour())
        paints = self._patterns() if by_place else [o for o in entries("paint") if o.parameters]
        if self.plain or not paints or writer.chance(0.6):
            return f"{next(o.function for o in entries('paint') if not o.parameters)}({colour})" if writer.special(0.2) else colour
        operation = random.choice(paints)
        count = minimum_leading(operation) + int(random.random() ** 2 * 3)
        stops = [colour, *(writer.colour(self.palette.colour()) for _ in range(count - 1))]
        text = self._from_sides(operation, self.call(operation, self.values(operation), stops))
        return writer.let("paint", text) if writer.special() else text

    def _patterns(self) -> list[Operation]:
        """The paints that differ from place to place."""
        return [o for o in entries("paint") if o.parameters and not o.by_cell]

    def texture(self, operation: Operation) -> str:
        """A paint without its colours."""
        return self._from_sides(operation, self.call(operation, self.values(operation), by_name=True))

    def _from_sides(self, paint: Operation, text: str) -> str:
        """The text of a paint or texture, now and then laid on from three sides where it is at home in the plane too."""
        (sharpness,), writer = BUILTINS["triplanar"], self.writer
        if paint.dimension == 3 or not writer.chance(_THREE_SIDED):
            return text
        value = writer.value(sharpness, self.random.uniform(sharpness.low, sharpness.high))
        return writer.call("triplanar", [text], [(sharpness.name, value if writer.chance(0.5) else None)])

    def displaced(self, body: Body, size: float) -> Body:
        """The solid with a texture that has no jumps as heights on it."""
        writer, (amount,) = self.writer, BUILTINS["displace"]

        def attempt() -> Body:
            operation = self.random.choice([o for o in self._patterns() if o.slope is not None])
            text = self.call(operation, self.values(operation), by_name=True)
            height = max(min(self.random.uniform(amount.low, amount.high), 0.5 * body.thin), 0.01) * self.random.choice((-1.0, 1.0))
            method = writer.call("displace", [text], [(amount.name, writer.value(amount, height))])
            return body.done(method, body.reach + max(height, 0.0), body.thin, False)

        return self._sound(attempt, size) or body

    def modified(self, body: Body) -> Body:
        operation = self.random.choice(entries("modifier"))
        if operation.name == INSETTING and not body.roundable:
            return body
        grown = 0.0
        values: dict[str, Drawn] = {}
        for parameter in operation.parameters:
            value = float(drawn(parameter, self.random))  # type: ignore[arg-type]
            value = min(max(value, -0.4 * body.thin), 0.5 * body.thin)
            values[parameter.name] = value = value if abs(value) >= 0.01 else 0.01
            grown += abs(value)
        return body.done(self.call(operation, values), body.reach + grown, body.thin, body.roundable)

    def moved(self, body: Body, place: Sequence[float]) -> Body:
        operation = _of_kinds("length", "length", "length")
        values: dict[str, Drawn] = {p.name: float(v) for p, v in zip(operation.parameters, place)}
        return body.done(self.call(operation, values), body.reach + math.hypot(*place), body.thin, body.roundable)

    def transformed(self, body: Body) -> Body:
        """One random transform, shifts in proportion to the solid."""
        operation = self.random.choice(entries("transform"))
        values = {**_defaults(operation), **self.values(operation)}
        for p in operation.parameters:
            if p.kind == "length":
                values[p.name] = float(values[p.name]) * min(1.0, 0.5 * body.extent)  # type: ignore[arg-type]
        given = {k: v for k, v in values.items() if v != operation.parameter(k).default}
        factor, shift = stretch(operation, _scalars(operation, values))
        method = self.call(operation, given)
        return body.done(method, factor * body.reach + shift, body.thin / max(factor, 1.0 / factor), body.roundable)

    def folded(self, body: Body, size: float) -> Body:
        """A random fold of this solid, which is moved and made smaller until copies fit their cells."""

        def attempt() -> Body:
            operation = self.random.choice(entries("repetition"))
            values = self.values(operation)
            child = body
            for _ in range(3):
                bound = 2.0 * size + child.extent
                child = self.moved(child, self._aside(child.extent)) if self.writer.chance(0.8) else child
                made = child.done(self.call(operation, values), bound, child.thin, False)
                if self._is_sound(made, size):
                    return made
                child = self.scaled(body, self.random.uniform(0.4, 0.7) * min(1.0, size / body.extent))
            return made

        return self._sound(attempt, size) or body

    def _aside(self, reach: float) -> tuple[float, float, float]:
        """Some way along x, where folds take their picture from."""
        random = self.random
        return reach * random.uniform(0.3, 1.2), reach * random.uniform(-0.3, 0.3), reach * random.uniform(-0.3, 0.3)

    def scaled(self, body: Body, factor: float) -> Body:
        operation = _of_kinds("number")
        name = operation.parameters[0].name
        method = self.writer.call(operation.function, (), [(name, decimal(factor))])
        return body.done(method, body.reach * factor, body.thin * factor, body.roundable)

    def boolean(self, size: float, depth: int) -> Body:
        random, writer = self.random, self.writer
        operation = random.choice(entries("boolean"))
        count = 2 + int(random.random() ** 4 * 3) if operation.variadic else 2
        parts = [self.operand(0.85 * size, depth - 1)]
        base = min(parts[0].extent, size)
        while len(parts) < count:
            part = self.operand(size * random.uniform(0.45, 0.8), depth - 1)
            if writer.chance(0.5):
                part = self.transformed(part)
            if writer.chance(0.8):
                direction = np.array([random.gauss(0.0, 1.0) for _ in range(3)])
                away = random.uniform(0.3, 0.75) * base
                part = self.moved(part, (direction * away / np.linalg.norm(direction)).tolist())
            parts.append(part)
        if writer.chance(0.3):
            parts[0] = self.transformed(parts[0])
        if writer.chance(0.35):
            parts = [part if part.painted else self.painted(part) for part in parts]
        reach, thin = max(p.reach for p in parts), min(p.thin for p in parts)
        painted = all(p.painted for p in parts)
        if operation.name in BOOLEAN_OPERATORS and writer.chance(0.6):
            sign = BOOLEAN_OPERATORS[operation.name]
            result = Body(f" {sign} ".join(p.operand for p in parts), reach, thin, False, sign, painted)
        else:
            values = self.values(operation)
            for p in operation.parameters:
                if p.kind == "length":
                    values[p.name] = max(float(values[p.name]) * min(1.0, 1.2 * size), 0.01)  # type: ignore[arg-type]
            text = self.call(operation, values, [p.text for p in parts])
            result = Body(text, reach, thin, False, "", painted)
        while writer.chance(0.35):
            result = self.transformed(result)
        if writer.chance(0.1):
            result = self.modified(result)
        if writer.chance(0.2):
            result = self.folded(result, size)
        return result

    def operand(self, size: float, depth: int) -> Body:
        """A solid for a boolean; a plain one is now and then folded, so that each boolean meets each fold."""
        body = self.body(size, depth)
        return self.folded(body, size) if depth == 0 and self.writer.chance(0.25) else body

    # -- what is measured ---------------------------------------------------------------------------------

    def measured(self, body: Body) -> Extent:
        names = [text for text in self.writer.statements if text.startswith(("let ", "def "))]
        return extent("\n".join([*names, body.text]), min(body.reach, 3.0))

    def _is_sound(self, body: Body, size: float) -> bool:
        try:
            found = self.measured(body)
        except DslError:
            return False
        return not found.is_empty and found.steepest <= _STEEP

    def _sound(self, attempt: Callable[[], Body], size: float) -> Body | None:
        for _ in range(_TRIES):
            body = attempt()
            if self._is_sound(body, size):
                return body
        return None


def _scaled(parameter: Parameter, value: Drawn, scale: float) -> Drawn:
    if isinstance(value, tuple):
        return tuple(v * scale for v in value) if parameter.kind in ("point", "vector") else value
    if parameter.kind != "length":
        return value
    shrunk = float(value) * scale
    return shrunk if parameter.low <= 0.0 or shrunk >= 0.02 else 0.02


def _defaults(operation: Operation) -> dict[str, Drawn]:
    return {p.name: p.default for p in operation.parameters if p.default is not None}


def _scalars(operation: Operation, values: dict[str, Drawn]) -> list[float]:
    """One a scalar of the operation's body, angles in radians."""
    result: list[float] = []
    for p in operation.parameters:
        value = values[p.name]
        if isinstance(value, tuple):
            result += value
        else:
            result.append(math.radians(float(value)) if p.kind == "angle" else float(value))
    assert len(result) == len(continuous_names(operation)), "transforms take numbers alone"
    return result
