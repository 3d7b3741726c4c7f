"""Random programs over everything that the language has, for tests, benchmarks and training.

    import data

    program = data.sample(7)                        # a seed, or a numpy Generator
    programs = data.generate(1000, level=2, seed=1)  # always the same ones

Levels: 1 is one flat shape; 2 a few layers of placed shapes; 3 everything. Programs are made as text and parsed:
numbers have two or three digits, operations stay in the ranges of the registry, and repeated shapes fit their
cells. They are worth looking at: shapes lie in the frame, colours differ. With dimension=3 they are scenes of space
(`data.scenes`), with as many levels.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from random import Random

import numpy as np

from data.reach import drawn
from data.scenes import SceneWriter
from data.solids import Solid, Solids
from data.writing import Palette, Writer, decimal, hexadecimal
from render.tapes import solid_tape_of, tape_of
from shaderdsl import DslError, syntax
from shaderdsl.program import Program, parse
from shaderdsl.registry import Dimension, of_category

Source = int | np.random.Generator

LEVELS = (1, 2, 3)

_SHARE = 0.16
"""How many values of level 3 are written in other ways than as plain literals."""

_TRIES = 200
_VISIBLE_SIZE = 32
_VISIBLE_PIXELS = 4
_VISIBLE_CHANGE = 0.06


def sample(
    rng: Source, *, level: int = 3, layers: int | None = None, visible: bool = False, dimension: Dimension = 2
) -> Program:
    """A random program.

    rng: a seed, or a numpy Generator (one number is drawn of it): equal ones give equal programs.
    level: 1, 2 or 3, see the module.
    layers: how many shapes are painted; by default one on level 1, two to five on level 2, one to four on level 3 (in space
        up to six). A floor is not counted.
    visible: draw again until every layer changes the picture (drawn small by the batched renderer).
    dimension: 2 for a picture of the plane, 3 for a scene of space.

    Raises ValueError for another level or dimension, or a number of layers below one.
    """
    _check(level, layers, dimension)
    random = _stream(rng)
    return _visible(random, level, layers, dimension) if visible else _parsed(random, level, layers, dimension)


def generate(
    n: int, level: int = 3, seed: int = 0, *, layers: int | None = None, visible: bool = False, dimension: Dimension = 2
) -> list[Program]:
    """`n` random programs, each of a random stream of its own: program i is the same whatever `n` is.

    The other parameters are those of `sample`.
    """
    _check(level, layers, dimension)
    title = f"{seed} {level}" if dimension == 2 else f"{seed} {level} in space"
    streams = [Random(f"{title} {index}") for index in range(n)]
    make = _visible if visible else _parsed
    return [make(random, level, layers, dimension) for random in streams]


def sample_text(rng: Source, *, level: int = 3, layers: int | None = None, dimension: Dimension = 2) -> str:
    """The text of a random program as it was written, before it is brought into canonical form."""
    _check(level, layers, dimension)
    return _text(_stream(rng), level, layers, dimension)


def is_visible(program: Program) -> bool:
    """Whether every layer, in space every solid, changes some pixels of the picture, drawn small over white."""
    from render.pictures import batch, image

    statements = program.structure.module.statements
    texts = program.structure.texts(program.params)
    drawn_at = [i for i, s in enumerate(statements) if isinstance(s, syntax.Draw) and not _is_setting(s)]
    stages = []
    for count in range(len(drawn_at) + 1):
        hidden = set(drawn_at[count:])
        stages.append(parse("\n".join(t for i, t in enumerate(texts) if i not in hidden)))
    if program.dimension == 3:
        # Most scenes have operations of their own, for which the batched renderer would compile kernels.
        pictures = np.stack([image(stage, _VISIBLE_SIZE, "numpy") for stage in stages])
    else:
        pictures = batch(stages, _VISIBLE_SIZE)
    changes = np.abs(np.diff(pictures, axis=0)).max(axis=3) > _VISIBLE_CHANGE
    return bool(np.all(changes.sum(axis=(1, 2)) >= _VISIBLE_PIXELS))


def _is_setting(draw: syntax.Draw) -> bool:
    """Whether a statement gives a camera or a light."""
    names = {o.function for o in of_category("camera", "light", dimension=3)}
    return isinstance(draw.value, syntax.Call) and draw.value.name in names


def _check(level: int, layers: int | None, dimension: int) -> None:
    if dimension not in (2, 3):
        raise ValueError(f"a dimension is 2 (the plane) or 3 (space), not {dimension!r}")
    if level not in LEVELS:
        raise ValueError(f"a level is 1 (one flat shape), 2 (a few placed shapes) or 3 (everything), not {level!r}")
    if layers is not None and layers < 1:
        raise ValueError(f"a program has at least one layer, not {layers}")


def _stream(rng: Source) -> Random:
    return Random(int(rng.integers(1 << 62)) if isinstance(rng, np.random.Generator) else operator.index(rng))


def _text(random: Random, level: int, layers: int | None, dimension: Dimension) -> str:
    if dimension == 3:
        return SceneWriter(random, level, layers, _SHARE).text()
    return _Sampler(random, level, layers).text()


def _parsed(random: Random, level: int, layers: int | None, dimension: Dimension) -> Program:
    while True:
        program = parse(_text(random, level, layers, dimension))
        if _is_lowered(program):
            return program


def _is_lowered(program: Program) -> bool:
    """Not so where a program has more operations or folds than a tape holds, which an error says."""
    try:
        if program.dimension == 3:
            solid_tape_of(program).march  # noqa: B018
        else:
            tape_of(program)
    except DslError:
        return False
    return True


def _visible(random: Random, level: int, layers: int | None, dimension: Dimension) -> Program:
    for _ in range(_TRIES):
        program = _parsed(random, level, layers, dimension)
        if is_visible(program):
            return program
    raise ValueError(f"no visible program of {layers} layers was found in {_TRIES} tries: ask for fewer layers")


class _Sampler:
    """Writes one program."""

    def __init__(self, random: Random, level: int, layers: int | None) -> None:
        self.random = random
        self.level = level
        self.writer = Writer(random, _SHARE if level == 3 else 0.0)
        self.solids = Solids(self.writer, plain=level < 3)
        self.palette = Palette(random)
        if layers is None:
            layers = 1 if level == 1 else random.randint(2, 5) if level == 2 else 1 + int(4 * random.random() ** 2.3)
        self.layers = layers

    def text(self) -> str:
        scene = self._scene()
        while self.layers > 0:
            self.layers -= 1
            self.writer.statements.append(self._layer())
        return "\n".join(scene + self.writer.statements)

    def _scene(self) -> list[str]:
        choice = self.random.random()
        if choice < 0.55:
            colour = self.palette.colour()
            # Before any let: a name could not be used yet.
            text = hexadecimal(colour)
            if self.writer.special():
                text = f"rgb({', '.join(decimal(c) for c in colour)})"
            return [f"scene 2d(background = {text})"]
        self.palette.use((1.0, 1.0, 1.0))
        if self.level == 3 and choice < 0.65:
            return ["scene 2d(background = none)"]
        return ["scene 2d"] if self.level == 3 and choice < 0.7 else []

    def _layer(self) -> str:
        """One statement that draws. Earlier layers tend to be larger, so that later ones do not hide them."""
        writer, random = self.writer, self.random
        size = random.uniform(0.3, 0.85) if self.level == 1 else random.uniform(0.3, 0.6) + 0.08 * min(self.layers, 4)
        solid = self._placed(self.solids.solid(size, 2))
        if self.level == 3:
            if writer.chance(0.04):
                self.palette.use((0.0, 0.0, 0.0))
                return solid.text
            if writer.special(0.35):
                return self._stamped(solid)
        text = f"{solid.operand}.fill({self._paint(solid)})"
        if self.level < 3:
            return text
        while writer.chance(0.3):
            text += "." + self._layer_method(solid)
        if writer.special(0.2):
            return writer.let("layer", text) + "." + self._layer_method(solid)
        return text

    def _placed(self, solid: Solid) -> Solid:
        random, solids = self.random, self.solids
        room = max(1.0 - 0.6 * solid.extent, 0.15)
        is_turned = self.level > 1 and self.writer.chance(0.4)
        if is_turned:
            solid = solids.transformed(solid)
        if self.writer.chance(0.85):
            solid = solids.moved(solid, room * random.uniform(-0.8, 0.8), room * random.uniform(-0.8, 0.8))
        return solid

    def _stamped(self, solid: Solid) -> str:
        """A `def` that paints this solid where and in what colour it is told, and a few calls of it."""
        writer, random = self.writer, self.random
        name = writer.name("def")
        writer.statements.append(
            f"def {name}(x, y = 0, paint = {hexadecimal(self.palette.colour())}) = "
            f"{solid.operand}.move(x, y).fill(paint)"
        )
        calls = []
        for _ in range(random.randint(1, 3)):
            texts = [decimal(random.uniform(-0.4, 0.4)), decimal(random.uniform(-0.4, 0.4)), self._paint(solid)]
            given = [("x", texts[0]), ("y", texts[1] if writer.chance(0.6) else None), ("paint", texts[2])]
            calls.append(writer.call(name, (), given[: random.randint(1, 3)]))
        writer.statements += calls[:-1]
        return calls[-1]

    def _paint(self, solid: Solid) -> str:
        writer, random = self.writer, self.random
        paints = list(of_category("paint"))
        ramps = [p for p in paints if p.parameters]
        if self.level < 3 or writer.chance(0.7):
            text = writer.colour(self.palette.colour())
            flat = [p for p in paints if not p.parameters]
            return f"{flat[0].function}({text})" if writer.special(0.2) else text
        # Gradients as often as textures, of which there are many.
        home = 2 if writer.chance(0.5) else 0
        paint = random.choice([p for p in ramps if p.dimension == home])
        stops = [writer.colour(self.palette.colour()) for _ in range(2 + int(random.random() ** 2 * 4))]
        texts: list[tuple[str, str | None]] = []
        for parameter in paint.parameters:
            value = drawn(parameter, random)
            if writer.chance(0.35):
                texts.append((parameter.name, None))
            elif isinstance(value, str):
                texts.append((parameter.name, value))
            elif parameter.kind == "count":
                texts.append((parameter.name, writer.count(int(value))))  # type: ignore[arg-type]
            elif isinstance(value, tuple):
                texts.append((parameter.name, writer.point(value[0] * solid.extent, value[1] * solid.extent)))
            else:
                texts.append((parameter.name, writer.value(parameter, float(value))))
        text = writer.call(paint.function, stops, texts)
        return writer.let("paint", text) if writer.special() else text

    def _layer_method(self, solid: Solid) -> str:
        random, writer = self.random, self.writer
        operation = random.choice([*of_category("layer"), *of_category("transform")])
        if operation.category == "transform":
            # The picture is in its place: only a little more.
            return self.solids.transform(operation, 0.4)[0]
        texts: Sequence[tuple[str, str | None]] = [
            (p.name, writer.value(p, float(drawn(p, random)))) for p in operation.parameters  # type: ignore[arg-type]
        ]
        return writer.call(operation.function, (), texts)
