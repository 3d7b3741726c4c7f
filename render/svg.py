"""A program as an SVG 1.1 drawing, which browsers and drawing programs open.

Coordinates are the program's own: the viewBox is the scene, and one group turns y upwards. Each layer is one element, in
order, with the layer's name where it has one. What SVG can say is written in its own terms (`render.svg_drawings`); the
rest is traced (`render.tracing`), and a comment says which layers are. A texture becomes the mean of its colours, and a
comment says where. A soft edge is a Gaussian blur, which is what the
language means along straight edges; around corners and thin parts the two differ a little.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from render import numpy_backend
from render.pictures import Size, checked_size
from render.svg_drawings import Drawing, Drawings, matrix_text, placement, similarity
from render.svg_figures import IDENTITY, Array, Figure, number
from render.tapes import tape_of
from render.tracing import trace
from shaderdsl import scene as ir
from shaderdsl.expression import Expr
from shaderdsl.tape import all_scalars

if TYPE_CHECKING:
    from shaderdsl import Program

_MARGIN = 0.05
"""How far beyond the picture outlines are traced, in scene units."""

_SOFT_REACH = 4.0
"""Standard deviations of a soft edge beyond which nothing shows."""


def svg(program: Program, size: Size = 512) -> str:
    """The SVG document, a text that ends with a newline, of a program's picture.

    size: (width, height) in pixels, or one number for a square: the shape of the picture, and how large it is shown.
    Layers that SVG has no words for are traced to a ten-thousandth of the picture; parts thinner than a thousandth may be
    lost there. Raises ValueError for a wrong size and for a program in space.
    """
    if program.dimension == 3:
        raise ValueError("an SVG drawing is made of a program of the plane: of one in space make a picture or a mesh")
    return _Document(program, checked_size(size)).text()


class _Document:
    def __init__(self, program: Program, size: tuple[int, int]) -> None:
        self.program, self.scene, self.size = program, program.scene, size
        self.half = (size[0] / min(size), size[1] / min(size))
        self.drawings = Drawings(program.scene.graph, dict(enumerate(program.params.tolist())))
        self.definitions = Element("defs")
        self.taken: set[str] = set()
        self.traced: list[str] = []
        self.plain: list[str] = []

    def text(self) -> str:
        (width, height), (x, y) = self.size, self.half
        frame = {"x": number(-x), "y": number(-y), "width": number(2.0 * x), "height": number(2.0 * y)}
        root = Element("svg", {
            "xmlns": "http://www.w3.org/2000/svg", "xmlns:xlink": "http://www.w3.org/1999/xlink", "version": "1.1",
            "width": str(width), "height": str(height), "viewBox": " ".join(frame.values()),
        })  # fmt: skip
        SubElement(root, "desc").text = f"\n{self.program.text}\n"
        picture = Element("g", {"transform": "scale(1 -1)"})
        if self.scene.background is not None:
            SubElement(picture, "rect", {**frame, "fill": self.colour(self.scene.background)})
        for index in range(len(self.scene.layers)):
            self.layer(picture, index)
        if self.traced:
            root.append(ElementTree.Comment(f" Traced, since SVG has no words for them: {', '.join(self.traced)}. "))
        if self.plain:
            root.append(ElementTree.Comment(f" In one colour, since SVG has no such texture: {', '.join(self.plain)}. "))
        if len(self.definitions):
            root.append(self.definitions)
        root.append(picture)
        ElementTree.indent(root)
        return ElementTree.tostring(root, encoding="unicode") + "\n"

    def identifier(self, name: str) -> str:
        """A name as an id that nothing else in the document has."""
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", name)
        found, count = plain, 1
        while found in self.taken:
            count += 1
            found = f"{plain}_{count}"
        self.taken.add(found)
        return found

    # -- layers -----------------------------------------------------------------------------------------------

    def layer(self, picture: Element, index: int) -> None:
        layer = self.scene.layers[index]
        opacity, softness = (self.drawings.numbers([e])[0] if e is not None else default
                             for e, default in ((layer.opacity, 1.0), (layer.softness, 0.0)))  # fmt: skip
        name = self.identifier(layer.name) if layer.name else ""
        drawing = self.drawings.of(layer.shape)
        if drawing is not None and drawing.figure is None and layer.paint.operation.name != "flat":
            # Copies by <use> would carry the gradient along.
            joined = drawing.joined()
            drawing = None if joined is None else Drawing(joined)
        if drawing is None:
            self.traced.append(f"layer {index + 1}" + (f" ({name})" if name else ""))
            drawing = Drawing(self.outline(index, softness))
        if is_texture(layer.paint):
            self.plain.append(f"layer {index + 1} ({layer.paint.operation.name})")
        element = self.element(drawing, self.paint(layer.paint, drawing.matrix))
        if softness > 0.0:
            # Around the element, whose own transform would distort it.
            group = Element("g", {"filter": f"url(#{self.blur(softness)})"})
            group.append(element)
            element = group
        if opacity < 1.0:
            element.set("opacity", number(max(opacity, 0.0)))
        if name:
            element.attrib = {"id": name, **element.attrib}
        picture.append(element)

    def outline(self, index: int, softness: float) -> Figure:
        """A layer's shape, traced."""
        tape = tape_of(self.program)

        def field(points: Array) -> tuple[Array, Array]:
            values = numpy_backend.field(tape, self.program.params, index, points)
            return values[0], values[1:3].T

        x, y = (side + _MARGIN + _SOFT_REACH * softness for side in self.half)
        loops = trace(field, (-x, -y), (x, y), float(tape.lipschitz[index]))
        return Figure(tuple(command for loop in loops for command in loop))

    def element(self, drawing: Drawing, paint: str) -> Element:
        placed = {"transform": " ".join(drawing.transforms)} if drawing.transforms else {}
        if drawing.figure is not None:
            tag, geometry = drawing.figure.element or ("path", {"d": drawing.figure.data})
            return Element(tag, {**geometry, **painted(drawing.figure, paint), **placed})
        assert drawing.inner is not None
        original = self.element(drawing.inner, paint)
        name = self.identifier("part")
        original.attrib = {"id": name, **original.attrib}
        self.definitions.append(original)
        group = Element("g", placed)
        for transform, _ in drawing.copies:
            SubElement(group, "use", {"xlink:href": f"#{name}", **({"transform": transform} if transform else {})})
        return group

    def blur(self, softness: float) -> str:
        """The id of a filter that blurs by a standard deviation in scene units."""
        name = self.identifier("soft")
        x, y = (side + _SOFT_REACH * softness for side in self.half)
        SubElement(SubElement(self.definitions, "filter", {
            "id": name, "filterUnits": "userSpaceOnUse", "x": number(-x), "y": number(-y), "width": number(2.0 * x),
            "height": number(2.0 * y), "color-interpolation-filters": "sRGB",
        }), "feGaussianBlur", {"stdDeviation": number(softness)})  # fmt: skip
        return name

    # -- paints -----------------------------------------------------------------------------------------------

    def colour(self, channels: tuple[Expr, Expr, Expr]) -> str:
        levels = (round(255.0 * min(max(value, 0.0), 1.0)) for value in self.drawings.numbers(channels))
        return "#" + "".join(f"{level:02x}" for level in levels)

    def paint(self, paint: ir.Paint, matrix: Array) -> str:
        """A layer's colour, or its gradient for an element that `matrix` places."""
        if is_texture(paint):
            red, green, blue = (sum(channel[1:], channel[0]) / len(channel) for channel in zip(*paint.colours))
            return self.colour((red, green, blue))
        colours = [self.colour(colour) for colour in paint.colours]
        if len(colours) == 1:
            return colours[0]
        scalars = self.drawings.numbers(all_scalars(paint.operation, paint.scalars, (), self.scene.graph))
        gradient = _GRADIENTS[paint.operation.name]
        steps = [(p.operation, self.drawings.numbers(all_scalars(p.operation, p.scalars, (), self.scene.graph)))
                 for p in paint.placements]  # fmt: skip
        inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
        place = (inverse @ np.vstack([placement(steps), [0.0, 0.0, 1.0]]))[:2]
        scale = similarity(place)
        tag, attributes = gradient(scalars, *((place, scale) if scale else (IDENTITY, 1.0)))
        if not attributes:  # all is at the start of a line, and beyond the end of a circle
            return colours[0 if tag == "linearGradient" else -1]
        name = self.identifier("paint")
        attributes = {"id": name, "gradientUnits": "userSpaceOnUse", **attributes}
        if not scale:
            attributes["gradientTransform"] = matrix_text(place)
        element = SubElement(self.definitions, tag, attributes)
        for k, colour in enumerate(colours):
            SubElement(element, "stop", {"offset": number(k / (len(colours) - 1)), "stop-color": colour})
        return f"url(#{name})"


def is_texture(paint: ir.Paint) -> bool:
    """Whether a paint is none that SVG has."""
    return len(paint.colours) > 1 and paint.operation.name not in _GRADIENTS


def painted(figure: Figure, paint: str) -> dict[str, str]:
    """The attributes by which a figure is filled, stroked or both."""
    attributes = {"fill": paint if figure.filled else "none"}
    if figure.filled and figure.winding == "evenodd":
        attributes["fill-rule"] = "evenodd"
    if figure.width or not figure.filled:
        attributes |= {"stroke": paint, "stroke-width": number(figure.width), "stroke-linejoin": "round"}
        if figure.caps == "round" and figure.commands[-1][0] != "Z":
            attributes["stroke-linecap"] = "round"
    return attributes


def _linear(scalars: list[float], place: Array, scale: float) -> tuple[str, dict[str, str]]:
    """A linear gradient's element through a map that enlarges by `scale`; no attributes if it has no extent."""
    start, end = np.array(scalars).reshape(2, 2)
    if np.sum((end - start) ** 2) < 1e-18:
        return "linearGradient", {}
    (x1, y1), (x2, y2) = (place[:, :2] @ p + place[:, 2] for p in (start, end))
    return "linearGradient", {"x1": number(x1), "y1": number(y1), "x2": number(x2), "y2": number(y2)}


def _radial(scalars: list[float], place: Array, scale: float) -> tuple[str, dict[str, str]]:
    """As `_linear`."""
    if scalars[2] < 1e-5:
        return "radialGradient", {}
    x, y = place[:, :2] @ np.array(scalars[:2]) + place[:, 2]
    return "radialGradient", {"cx": number(x), "cy": number(y), "r": number(scale * scalars[2])}


_GRADIENTS = {"linear": _linear, "radial": _radial}
