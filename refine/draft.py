"""Drafts: sketches as programs and back, number by number.

A fit changes structure on sketches, which are plain data, and numbers on programs, which render. `text_of` writes a
sketch in the language, `numbers_of` lists its numbers in the order of that text, and `renumbered` puts refined numbers
back. Equal colours are written once, as a `let` with the colour's name, and so are equal centres, as two, and an outline
that several layers are filled within, or are offsets of.
"""

from __future__ import annotations

import colorsys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

import shaderdsl
from refine.contours import outline_uses
from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Colour,
    Difference,
    Ellipse,
    Flat,
    Grid,
    Linear,
    Mirror,
    Offset,
    Outline,
    Outlined,
    Path,
    Point,
    Polar,
    Polygon,
    Radial,
    Ring,
    Segment,
    Sketch,
    SketchLayer,
    SketchPaint,
    SketchShape,
    Symmetry,
    Vertex,
    difference_of,
    moved,
    offset_of,
)

Numbers = npt.NDArray[np.float64]

LEAST = 1e-3
"""Sizes are written at least this large."""


class _Writer:
    """Collects the numbers of a text while it is written."""

    def __init__(self, palette: dict[Colour, str], anchors: dict[Point, str], outlines: dict[Outline, str]) -> None:
        self.numbers: list[float] = []
        self.palette = palette
        self.anchors = anchors
        self.outlines = outlines

    def number(self, value: float) -> str:
        text = f"{value:.5f}".rstrip("0").rstrip(".")
        self.numbers.append(float(value))
        return "0" if text in ("-0", "") else text

    def size(self, value: float) -> str:
        return self.number(max(value, LEAST))

    def point(self, point: Point) -> str:
        return f"({self.number(point[0])}, {self.number(point[1])})"

    def vertex(self, vertex: Vertex) -> str:
        return ("" if vertex[2] else "curve") + self.point(vertex[:2])

    def colour(self, colour: Colour) -> str:
        name = self.palette.get(colour)
        return name if name is not None else self.literal(colour)

    def literal(self, colour: Colour) -> str:
        clipped = [min(max(c, 0.0), 1.0) for c in colour]
        self.numbers.extend(clipped)
        return "#" + "".join(f"{round(255 * c):02x}" for c in clipped)

    # -- shapes and paints --------------------------------------------------------------------------------

    def shape(self, shape: SketchShape) -> str:
        if isinstance(shape, Circle):
            return f"circle({self.size(shape.radius)})" + self.moved(shape.center)
        if isinstance(shape, (Ellipse, Box)):
            return self.solid(shape) + self.turned(shape.angle) + self.moved(shape.center)
        if isinstance(shape, Outlined):
            stroke = self.solid(shape.shape) + f".stroke({self.size(shape.width)})"
            return stroke + self.turned(shape.shape.angle) + self.moved(shape.shape.center)
        if isinstance(shape, Difference):
            return "(" + " - ".join(self.shape(solid) for solid in (shape.base, *shape.holes)) + ")"
        if isinstance(shape, Capsule):
            ends = f"{self.point(shape.a)}, {self.point(shape.b)}"
            return f"capsule({ends}, {self.size(shape.radius_a)}, {self.size(shape.radius_b)})"
        if isinstance(shape, Segment):
            return f"segment({self.point(shape.a)}, {self.point(shape.b)}, {self.size(shape.width)})"
        if isinstance(shape, Ring):
            return f"ring({self.size(shape.radius)}, {self.size(shape.width)})" + self.moved(shape.center)
        if isinstance(shape, Offset):
            return f"{self.shape(shape.outline)}.offset({self.number(shape.distance)})"
        if isinstance(shape, (Polygon, Path)):
            return self.outlines.get(shape) or self.outline(shape)
        text = "path(" + ", ".join(self.vertex(v) for v in shape.points) + f", width = {self.size(shape.width)}"
        if shape.caps == "butt":
            text += ", caps = butt"
        return text + (", closed = yes)" if shape.closed else ")")

    def outline(self, shape: Outline) -> str:
        """An outline in full."""
        if isinstance(shape, Polygon):
            return "polygon(" + ", ".join(self.point(p) for p in shape.points) + ")"
        first, *others = ("path(" + ", ".join(self.vertex(v) for v in contour) + ")" for contour in shape.contours)
        return first if not others else "(" + " ^ ".join([first, *others]) + ")"

    def solid(self, shape: Ellipse | Box) -> str:
        """A box or an ellipse about the origin."""
        if isinstance(shape, Ellipse):
            return f"ellipse({self.size(shape.radius_x)}, {self.size(shape.radius_y)})"
        text = f"box({self.size(shape.half_width)}, {self.size(shape.half_height)})"
        return text + (f".round({self.size(shape.rounding)})" if shape.rounding else "")

    def turned(self, angle: float) -> str:
        return f".rotate({self.number(angle)})" if angle else ""

    def moved(self, center: Point) -> str:
        # At the origin there is nothing to write; a number that is exactly zero has been rounded or snapped to it.
        if not any(center):
            return ""
        name = self.anchors.get(center)
        if name is not None:
            return f".move({name}_x, {name}_y)"
        return f".move({self.number(center[0])}, {self.number(center[1])})"

    def symmetry(self, symmetry: Symmetry | None) -> str:
        if symmetry is None:
            return ""
        if isinstance(symmetry, Mirror):
            text = ".mirror()" if symmetry.angle == 90.0 else f".mirror({self.number(symmetry.angle)})"
        elif isinstance(symmetry, Polar):
            text = "" if symmetry.axis is None else f".mirror({self.number(symmetry.axis)})"
            text += f".repeat_polar({symmetry.count})"
        else:
            text = f".repeat_grid({symmetry.columns}, {symmetry.rows}, {self.size(symmetry.dx)}, {self.size(symmetry.dy)})"
            text += self.turned(symmetry.turn)
        return text + self.moved(symmetry.center)

    def paint(self, paint: SketchPaint) -> str:
        if isinstance(paint, Flat):
            return self.colour(paint.colour)
        colours = f"{self.colour(paint.colour_a)}, {self.colour(paint.colour_b)}"
        if isinstance(paint, Linear):
            return f"linear({colours}, start = {self.point(paint.from_point)}, end = {self.point(paint.to_point)})"
        return f"radial({colours}, center = {self.point(paint.center)}, radius = {self.size(paint.radius)})"


class _Reader:
    """Takes numbers in the same order as `_Writer` gives them."""

    def __init__(self, numbers: Sequence[float]) -> None:
        self.source: Iterator[float] = iter(numbers)
        self.palette: dict[Colour, Colour] = {}
        self.anchors: dict[Point, Point] = {}
        self.outlines: dict[Outline, Outline] = {}

    def number(self) -> float:
        return float(next(self.source))

    def point(self) -> Point:
        return (self.number(), self.number())

    def center(self, old: Point) -> Point:
        return self.anchors.get(old) or (self.point() if any(old) else old)

    def literal(self) -> Colour:
        return (self.number(), self.number(), self.number())

    def colour(self, old: Colour) -> Colour:
        return self.palette[old] if old in self.palette else self.literal()

    def shape(self, shape: SketchShape) -> SketchShape:
        number, point = self.number, self.point
        if isinstance(shape, Circle):
            radius = number()
            return Circle(self.center(shape.center), radius)
        if isinstance(shape, (Ellipse, Box)):
            return self.placed(shape, self.solid(shape))
        if isinstance(shape, Difference):
            return difference_of([self.shape(solid) for solid in (shape.base, *shape.holes)])
        if isinstance(shape, Outlined):
            solid, width = self.solid(shape.shape), number()
            return Outlined(self.placed(shape.shape, solid), width)
        if isinstance(shape, Capsule):
            return Capsule(point(), point(), number(), number())
        if isinstance(shape, Segment):
            return Segment(point(), point(), number())
        if isinstance(shape, Ring):
            radius, width = number(), number()
            return Ring(self.center(shape.center), radius, width)
        if isinstance(shape, Offset):
            return offset_of(self.shape(shape.outline), number())
        if isinstance(shape, (Polygon, Path)):
            return self.outlines.get(shape) or self.outline(shape)
        points = tuple((*point(), on) for _, _, on in shape.points)
        return replace(shape, points=points, width=number())

    def outline(self, shape: Outline) -> Outline:
        if isinstance(shape, Polygon):
            return Polygon(tuple(self.point() for _ in shape.points))
        return Path(tuple(tuple((*self.point(), on) for _, _, on in contour) for contour in shape.contours))

    def solid(self, shape: Ellipse | Box) -> Ellipse | Box:
        """The shape with other sizes."""
        first, second = self.number(), self.number()
        if isinstance(shape, Ellipse):
            return replace(shape, radius_x=first, radius_y=second)
        return replace(shape, half_width=first, half_height=second, rounding=self.number() if shape.rounding else 0.0)

    def placed(self, old: Ellipse | Box, shape: Ellipse | Box) -> Ellipse | Box:
        """The shape turned and moved by the next numbers, as far as the old one is."""
        angle = self.number() if old.angle else 0.0
        return replace(shape, angle=angle, center=self.center(old.center))

    def symmetry(self, symmetry: Symmetry | None) -> Symmetry | None:
        if symmetry is None:
            return None
        if isinstance(symmetry, Mirror):
            angle = 90.0 if symmetry.angle == 90.0 else self.number()
            return Mirror(angle, self.center(symmetry.center))
        if isinstance(symmetry, Polar):
            axis = None if symmetry.axis is None else self.number()
            return Polar(symmetry.count, self.center(symmetry.center), axis)
        dx, dy = self.number(), self.number()
        turn = self.number() if symmetry.turn else 0.0
        return Grid(symmetry.columns, symmetry.rows, dx, dy, self.center(symmetry.center), turn)

    def paint(self, paint: SketchPaint) -> SketchPaint:
        if isinstance(paint, Flat):
            return Flat(self.colour(paint.colour))
        first, second = self.colour(paint.colour_a), self.colour(paint.colour_b)
        if isinstance(paint, Linear):
            return Linear(first, second, self.point(), self.point())
        return Radial(first, second, self.point(), self.number())


def colours_of(sketch: Sketch) -> Iterator[Colour]:
    """The colours of a sketch, one for each use, background first."""
    if sketch.background is not None:
        yield sketch.background
    for layer in sketch.layers:
        paint = layer.paint
        yield from (paint.colour,) if isinstance(paint, Flat) else (paint.colour_a, paint.colour_b)


def palette_of(sketch: Sketch) -> dict[Colour, str]:
    """Names for the colours that are used more than once."""
    uses: dict[Colour, int] = {}
    for colour in colours_of(sketch):
        uses[colour] = uses.get(colour, 0) + 1
    names: dict[Colour, str] = {}
    taken: dict[str, int] = {}
    for colour, count in uses.items():
        if count > 1:
            word = colour_word(colour)
            taken[word] = taken.get(word, 0) + 1
            names[colour] = word if taken[word] == 1 else f"{word}{taken[word]}"
    return names


def centers_of(layer: SketchLayer) -> Iterator[Point]:
    """The centres that a layer's text moves something to: its shape's, then its symmetry's."""
    if isinstance(layer.shape, (Circle, Ellipse, Box, Ring)):
        yield layer.shape.center
    if layer.symmetry is not None:
        yield layer.symmetry.center


def anchors_of(sketch: Sketch) -> dict[Point, str]:
    """Names for the centres that are used more than once, the origin apart."""
    uses: dict[Point, int] = {}
    for layer in sketch.layers:
        for center in centers_of(layer):
            uses[center] = uses.get(center, 0) + 1
    shared = [center for center, count in uses.items() if count > 1 and any(center)]
    return {center: "center" if k == 0 else f"center{k + 1}" for k, center in enumerate(shared)}


def outlines_of(sketch: Sketch) -> dict[Outline, str]:
    """Names for the outlines that are used more than once."""
    repeated = [outline for outline, uses in outline_uses(sketch).items() if uses > 1]
    return {outline: "outline" if k == 0 else f"outline{k + 1}" for k, outline in enumerate(repeated)}


def upright(sketch: Sketch) -> Sketch:
    """The sketch with upright axes of reflection through points of the x axis, the picture unchanged: where along itself an
    axis is placed says nothing."""
    anchors = {center for layer in sketch.layers if not isinstance(layer.symmetry, Mirror) for center in centers_of(layer)}
    layers = []
    for layer in sketch.layers:
        axis = layer.symmetry
        if isinstance(axis, Mirror) and axis.angle == 90.0 and axis.center[1] and axis.center not in anchors:
            x, y = axis.center
            layer = replace(layer, shape=moved(layer.shape, (0.0, y)), symmetry=Mirror(90.0, (x, 0.0)))
        layers.append(layer)
    return Sketch(sketch.background, tuple(layers))


def colour_word(colour: Colour) -> str:
    """A plain English name for a colour (red, green, blue in [0, 1])."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(min(max(c, 0.0), 1.0) for c in colour))
    spread = max(colour) - min(colour)
    if lightness < 0.12:
        return "black"
    if lightness > 0.9:
        return "white"
    if spread < 0.1:
        return "dark" if lightness < 0.35 else "grey" if lightness < 0.7 else "silver"
    for limit, word in ((15, "red"), (42, "orange"), (70, "yellow"), (165, "green"), (200, "cyan"), (255, "blue"), (290, "purple"), (345, "pink")):
        if hue * 360 < limit:
            return "brown" if word in ("orange", "red") and lightness < 0.4 and saturation < 0.75 else word
    return "red"


@dataclass(frozen=True)
class Draft:
    """A sketch with its program: the same numbers in the same order."""

    sketch: Sketch
    program: shaderdsl.Program

    @classmethod
    def of(cls, sketch: Sketch) -> Draft:
        """Writes and parses a sketch. The numbers keep their full precision."""
        text, numbers = _written(sketch)
        return cls(sketch, _exact(text, numbers))

    def with_params(self, params: npt.ArrayLike) -> Draft:
        """The draft with other numbers (p,)."""
        from refine.descents import legal

        program = legal(self.program, params)
        sketch = upright(renumbered(self.sketch, program.params.tolist()))
        numbers = numbers_of(sketch)
        if len(numbers) == len(program.params) and np.allclose(numbers, program.params, atol=1e-9):
            return Draft(sketch, program)
        # Colours have met (at a limit, say) or parted (from the background): the text shares them otherwise now. Or an axis
        # has slid along itself.
        return Draft.of(sketch)

    @property
    def numbers(self) -> int:
        """Every number of the text; counts are among them, but not among the program's parameters."""
        return shaderdsl.number_count(self.program)


def _exact(text: str, numbers: npt.ArrayLike) -> shaderdsl.Program:
    from refine.descents import legal

    program = shaderdsl.parse(text)
    values = np.asarray(numbers, np.float64)
    if len(program.params) != len(values):
        raise AssertionError("a draft's text has other numbers than its sketch")
    return legal(program, values)


def _written(sketch: Sketch) -> tuple[str, list[float]]:
    palette = palette_of(sketch)
    anchors = anchors_of(sketch)
    outlines = outlines_of(sketch)
    writer = _Writer(palette, anchors, outlines)
    lines = []
    # The background comes first in the text; a `let` for it would have to stand before the scene.
    background = "none"
    if sketch.background is not None:
        background = writer.literal(sketch.background)
        palette.pop(sketch.background, None)
        uses = [c for c in colours_of(sketch) if c == sketch.background]
        if len(uses) > 2:
            palette[sketch.background] = _free_name(colour_word(sketch.background), palette)
    lines.append(f"scene 2d(background = {background})")
    for colour, name in palette.items():
        lines.append(f"let {name} = {writer.literal(colour)}")
    for (x, y), name in anchors.items():
        lines += [f"let {name}_x = {writer.number(x)}", f"let {name}_y = {writer.number(y)}"]
    lines += [f"let {name} = {writer.outline(outline)}" for outline, name in outlines.items()]
    for layer in sketch.layers:
        text = f"{writer.shape(layer.shape)}{writer.symmetry(layer.symmetry)}.fill({writer.paint(layer.paint)})"
        if layer.opacity != 1.0:
            text += f".opacity({writer.number(layer.opacity)})"
        lines.append(text)
    return "\n".join(lines), writer.numbers


def _free_name(word: str, palette: dict[Colour, str]) -> str:
    names = set(palette.values())
    return next(n for n in [word, *(f"{word}{k}" for k in range(2, 1000))] if n not in names)


def text_of(sketch: Sketch) -> str:
    """A sketch in the language."""
    return _written(sketch)[0]


def numbers_of(sketch: Sketch) -> list[float]:
    """The numbers of `text_of(sketch)`, in order and in full precision."""
    return _written(sketch)[1]


def renumbered(sketch: Sketch, numbers: Sequence[float]) -> Sketch:
    """The sketch with other numbers, in the order of `numbers_of`."""
    palette = palette_of(sketch)
    reader = _Reader(numbers)
    background = None
    if sketch.background is not None:
        background = reader.literal()
        palette.pop(sketch.background, None)
        if sum(c == sketch.background for c in colours_of(sketch)) > 2:
            palette[sketch.background] = ""
    reader.palette = {old: reader.literal() for old in palette}
    reader.anchors = {old: reader.point() for old in anchors_of(sketch)}
    reader.outlines = {old: reader.outline(old) for old in outlines_of(sketch)}
    layers = []
    for layer in sketch.layers:
        shape, symmetry = reader.shape(layer.shape), reader.symmetry(layer.symmetry)
        paint = reader.paint(layer.paint)
        layers.append(SketchLayer(shape, paint, reader.number() if layer.opacity != 1.0 else 1.0, symmetry))
    return Sketch(background, tuple(layers))
