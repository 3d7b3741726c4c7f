"""Writing random values as text: plain literals, or everything else that the language has to say a number with."""

from __future__ import annotations

import colorsys
import math
from collections.abc import Iterable, Sequence
from random import Random

from shaderdsl.binding import known_functions
from shaderdsl.registry import Dimension, Parameter, operations

Colour = tuple[float, float, float]

_WORDS = {
    "number": ("size", "gap", "reach", "unit", "span", "half", "depth"),
    "angle": ("tilt", "turn", "lean", "swing"),
    "point": ("spot", "tip", "corner", "anchor"),
    "colour": ("ink", "sand", "sky", "rust", "moss"),
    "paint": ("dusk", "sheen", "glow"),
    "shape": ("leaf", "seal", "gem", "tile", "frame"),
    "layer": ("badge", "cloud", "petal"),
    "count": ("few", "many"),
    "def": ("make", "form", "draft", "shade", "blend", "grow", "spark", "stamp"),
}
_MARGIN = 0.03
"""How far arithmetic keeps from a hard limit: its parts are rounded."""


def decimal(value: float) -> str:
    """Two digits behind the point, three for small numbers, and no needless zeros."""
    return f"{round(value, 2 if abs(value) >= 0.1 else 3) + 0.0:g}"


def signed(value: float) -> str:
    """The end of a sum: ` + 0.5` or ` - 0.5`."""
    return f" - {decimal(-value)}" if value < 0 else f" + {decimal(value)}"


def hexadecimal(colour: Colour) -> str:
    return "#" + "".join(f"{round(255 * c):02x}" for c in colour)


class Writer:
    """Writes values, and the `let` and `def` statements that they come to use.

    `share` is how many of the numbers are written in other ways than as a plain literal; with 0 all are plain, and
    there are no names. `dimension` is that of the program, whose functions no name may hide.
    """

    def __init__(self, random: Random, share: float, dimension: Dimension = 2) -> None:
        self.random = random
        self.share = share
        self.statements: list[str] = []
        words = {w for o in operations(dimension).values() for p in o.parameters for w in p.choices}
        self.taken = {*known_functions(dimension), "none", *words}
        self.numbers: list[tuple[str, float]] = []
        self.angles: list[tuple[str, float]] = []
        self.points: list[tuple[str, tuple[float, float]]] = []
        self.counts: dict[int, str] = {}
        self.halving = ""
        self.mixing = ""

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def special(self, factor: float = 1.0) -> bool:
        """Whether to write something in another way than the plain one."""
        return self.share > 0.0 and self.random.random() < self.share * factor

    def name(self, kind: str) -> str:
        """A new name for a value of this kind."""
        words = _WORDS[kind]
        word = name = words[int(self.random.random() * len(words))]
        number = 1
        while name in self.taken:
            number += 1
            name = f"{word}{number}"
        self.taken.add(name)
        return name

    def let(self, kind: str, text: str) -> str:
        """Gives a text a name, which is returned."""
        name = self.name(kind)
        self.statements.append(f"let {name} = {text}")
        return name

    # -- numbers ------------------------------------------------------------------------------------------

    def value(self, parameter: Parameter, value: float) -> str:
        """A length, number or angle (degrees) for `parameter`; arithmetic may change its last digits."""
        near_limit = (parameter.minimum is not None and value < parameter.minimum + _MARGIN) or (
            parameter.maximum is not None and value > parameter.maximum - _MARGIN
        )
        if parameter.kind == "angle":
            return self.angle(value, parameter, not near_limit)
        if not self.special():
            return decimal(value)
        choice = self.random.random()
        if choice < 0.12:
            return f"fixed({decimal(value)})"
        if choice < 0.3:
            return self.ranged(value, parameter.low, parameter.high)
        if choice < 0.38:
            return f"{round(100 * value, 1) + 0.0:g}%"
        if near_limit:
            return decimal(value)
        if choice < 0.5:
            return self.named(value)
        return self.arithmetic(value)

    def ranged(self, value: float, low: float, high: float, unit: str = "") -> str:
        text = decimal(value)
        shown = float(text)
        low = min(math.floor(10 * low) / 10, math.floor(10 * shown) / 10)
        high = max(math.ceil(10 * high) / 10, low + 0.1, math.ceil(10 * shown) / 10)
        return f"param({text}{unit}, {low + 0.0:g}{unit} .. {high:g}{unit})"

    def named(self, value: float) -> str:
        """A `let` of this number, or arithmetic on one that is there."""
        if not self.numbers or self.chance(0.3):
            shown = float(decimal(value))
            self.numbers.append((self.let("number", decimal(value)), shown))
            return self.numbers[-1][0]
        name, known = self.random.choice(self.numbers)
        if known == 0.0 or self.chance(0.4):
            return name + signed(value - known) if self.chance(0.7) else f"-{name}{signed(value + known)}"
        factor = decimal(value / known)
        return name if factor == "1" else f"{name} * {factor}"

    def arithmetic(self, value: float) -> str:
        random = self.random
        part = random.uniform(0.2, 0.8) * value
        factor = random.choice((0.5, 1.5, 2, 3, 4))
        choice = int(random.random() * 9)
        if choice == 0:
            return decimal(part) + signed(value - part)
        if choice == 1:
            return decimal(value + abs(part)) + signed(-abs(part))
        if choice == 2:
            return f"{decimal(value / factor)} * {factor:g}"
        if choice == 3:
            return f"{decimal(value * factor)} / {factor:g}"
        if choice == 4:
            return f"({decimal(part / factor)}{signed((value - part) / factor)}) * {factor:g}"
        if choice == 5:
            return f"{decimal(part)} + {decimal((value - part) / factor)} * {factor:g}"
        if choice == 6:
            return f"-({decimal(part)} - {decimal(value + part)})"
        if choice == 7:
            return f"{factor:g} * ({decimal(value / factor + 0.25)} - (0.5 - 0.25))"
        if self.chance(0.5):
            return self.function(value)
        if not self.halving:
            self.halving = self.name("def")
            self.statements.append(f"def {self.halving}(x) = x / 2")
        return f"{self.halving}({decimal(2 * value)})"

    def function(self, value: float) -> str:
        """A function of numbers that gives this one, or something that changes with time, about it."""
        whole = math.floor(value)
        texts = [
            f"{decimal(value)} + {decimal(0.1 * value)} * sin(time * {90 * self.random.randint(1, 4)})",
            f"{decimal(value)} * cos(time * 1turn)",
            f"min({decimal(value + 0.3)}, {decimal(value)})",
            f"max({decimal(value)}, {decimal(value - 0.5)})",
            f"tan({round(math.degrees(math.atan(value)), 1) + 0.0:g})",
            f"mod({decimal(value + 2)}, 2){signed(2 * math.floor(value / 2))}",
            f"floor({whole + 0.5:g}){signed(value - whole)}",
            f"atan2({decimal(math.sin(value))}, {decimal(math.cos(value))}) / 1rad" if abs(value) < 3.0 else decimal(value),
            f"abs({decimal(-value)})" if value > 0.0 else f"-abs({decimal(value)})",
            f"sqrt({decimal(value * value)})" if value > 0.3 else f"{decimal(value - 0.5)} + sqrt(0.25)",
        ]
        return self.random.choice(texts)

    def angle(self, degrees: float, parameter: Parameter, free: bool) -> str:
        """An angle in one of its units; `free` to change its last digits."""
        whole = f"{round(degrees) + 0.0:g}"
        if not self.special(2.0):
            return whole
        random = self.random
        choice = int(random.random() * 12)
        if choice == 0:
            return f"fixed({whole}deg)"
        if choice == 1:
            return self.ranged(round(degrees), parameter.low, parameter.high, random.choice(("", "deg")))
        if choice < 4 or not free:
            return whole + "deg"
        if choice < 6:
            return f"{round(math.radians(degrees), 2) + 0.0:g}rad"
        if choice < 8:
            return f"{round(degrees / 360.0, 3) + 0.0:g}turn"
        if choice == 8:
            part = round(degrees * random.uniform(0.2, 0.8))
            rest = round(degrees) - part
            return f"{part}deg - {-rest}" if rest < 0 else f"{part}deg + {rest}deg"
        if choice == 9:
            factor = random.choice((2, 3, 4))
            return f"{round(degrees * factor)}deg / {factor}" if self.chance(0.5) else f"{degrees / factor:.1f}deg * {factor}"
        if choice == 10:
            return f"-({round(-degrees)}deg + 0deg)"
        if not self.angles or self.chance(0.3):
            self.angles.append((self.let("angle", whole + "deg"), round(degrees)))
            return self.angles[-1][0]
        name, known = random.choice(self.angles)
        rest = round(degrees) - round(known)
        return f"{name} - {-rest}deg" if rest < 0 else f"{name} + {rest}deg"

    def count(self, value: int) -> str:
        if not self.special(0.5):
            return str(value)
        if value not in self.counts:
            self.counts[value] = self.let("count", str(value))
        return self.counts[value]

    # -- points and colours -------------------------------------------------------------------------------

    def point(self, x: float, y: float) -> str:
        plain = f"({decimal(x)}, {decimal(y)})"
        if not self.special():
            return plain
        random = self.random
        choice = int(random.random() * 8)
        if choice == 0:
            return f"fixed({plain})"
        if choice == 1:
            return f"({self.arithmetic(x)}, {decimal(y)})"
        if choice == 2:
            return f"{self.pair(x / 2, y / 2)} * 2" if self.chance(0.5) else f"0.5 * {self.pair(2 * x, 2 * y)}"
        if choice == 3:
            return f"{self.pair(2 * x, 2 * y)} / 2"
        if choice == 4:
            return f"-({self.pair(-x - 0.1, -y)} + (0.1, 0))"
        if not self.points or self.chance(0.4):
            self.points.append((self.let("point", plain), (x, y)))
            return self.points[-1][0]
        name, known = random.choice(self.points)
        dx, dy = x - known[0], y - known[1]
        return f"{name} + {self.pair(dx, dy)}" if self.chance(0.5) else f"{name} - {self.pair(-dx, -dy)}"

    def vector(self, values: Sequence[float]) -> str:
        """A point or direction of space."""
        plain = self._triple(values)
        if not self.special():
            return plain
        choice = int(self.random.random() * 6)
        if choice == 0:
            return f"fixed({plain})"
        if choice == 1:
            return f"{self._triple(0.5 * v for v in values)} * 2"
        if choice == 2:
            return f"-{self._triple(-v for v in values)}"
        if choice == 3:
            return f"{self._triple(0.4 * v for v in values)} + {self._triple(0.6 * v for v in values)}"
        return self.let("point", plain) if choice == 4 else f"({self.arithmetic(values[0])}, {', '.join(map(decimal, values[1:]))})"

    def _triple(self, values: Iterable[float]) -> str:
        return f"({', '.join(map(decimal, values))})"

    def pair(self, x: float, y: float) -> str:
        return f"({decimal(x)}, {decimal(y)})"

    def colour(self, colour: Colour) -> str:
        """A text of about this colour."""
        if not self.special(1.5):
            return hexadecimal(colour)
        random = self.random
        choice = int(random.random() * 8)
        shown = [f"{round(c, 2):g}" for c in colour]
        if choice == 0:
            return f"rgb({', '.join(shown)})"
        if choice == 1:
            return f"rgb({shown[0]}, {shown[1]} * 0.9, {round(100 * colour[2]):d}%)"
        if choice == 2:
            hue, saturation, value = colorsys.rgb_to_hsv(*colour)
            unit, scale = random.choice((("", 360), ("deg", 360), ("turn", 1)))
            return f"hsv({round(hue * scale, 2):g}{unit}, {round(saturation, 2):g}, {round(value, 2):g})"
        if choice == 3:
            return f"fixed({hexadecimal(colour)})"
        if choice < 6:
            # Two colours to each side of the wanted one.
            amount = random.uniform(0.3, 0.7)
            shift = [random.uniform(-0.3, 0.3) for _ in range(3)]
            first = tuple(min(max(c + s, 0.0), 1.0) for c, s in zip(colour, shift))
            second = tuple(min(max(c - s, 0.0), 1.0) for c, s in zip(colour, shift))
            ends = f"{hexadecimal(first)}, {hexadecimal(second)}"  # type: ignore[arg-type]
            if choice == 4:
                return f"mix({ends}, {decimal(amount)})"
            if not self.mixing:
                self.mixing = self.name("def")
                self.statements.append(f"def {self.mixing}(a, b = #ffffff, amount = 50%) = mix(a, b, amount)")
            return f"{self.mixing}({random.choice((ends, hexadecimal(colour) + ', amount = 0.2'))})"
        return self.let("colour", hexadecimal(colour))

    # -- calls --------------------------------------------------------------------------------------------

    def call(
        self, function: str, leading: Sequence[str], given: Sequence[tuple[str, str | None]], *, by_name: bool = False
    ) -> str:
        """A function call; `given` has each parameter's name and its text, or None for its default.

        What can stand without a name mostly does; after several leading arguments, or a gap, nothing can, and with `by_name`
        nothing does.
        """
        arguments = list(leading)
        by_name = by_name or len(leading) > 1
        named: list[str] = []
        for name, text in given:
            by_name = by_name or text is None or (self.share > 0.0 and self.random.random() < 0.005)
            if text is not None:
                (named if by_name else arguments).append(f"{name} = {text}" if by_name else text)
        if len(named) > 1 and self.share > 0.0:
            self.random.shuffle(named)
        return f"{function}({', '.join(arguments + named)})"


class Palette:
    """Colours that differ from each other: whatever is painted next can be seen on what is there."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._used: list[Colour] = []

    def colour(self) -> Colour:
        """A new colour, as far from the last ones as the best of a few random ones is."""
        random = self._random
        candidates = []
        for _ in range(4):
            hue, saturation, value = random.random(), random.random() ** 0.6, 1.0 - random.random() ** 1.5
            candidates.append(colorsys.hsv_to_rgb(hue, saturation, value))
        recent = self._used[-4:]
        best = max(
            candidates,
            key=lambda c: min((max(abs(x - y) for x, y in zip(c, other)) for other in recent), default=1.0),
        )
        self._used.append(best)
        return best

    def use(self, colour: Colour) -> None:
        self._used.append(colour)
