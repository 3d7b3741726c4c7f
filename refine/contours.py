"""The vertices of a sketch's outlines, and the outlines that several layers share.

A fill, its border and the light along its edge have one outline between them: two of them are `Offset`s of it, or of one
another. Outlines are values: the same outline is the same vertices, and it stays so when an edit of one layer is carried over
to all that share it (`shared`). What is to be edited is asked of the first of them alone (`own_contours`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from refine.sketch import Offset, Outline, Path, Polygon, Sketch, SketchLayer, SketchShape, Stroke, Vertex, offset_of

Contours = tuple[tuple[Vertex, ...], ...]


def contours_of(shape: SketchShape) -> Contours:
    """The vertices of an outline or stroke, contour by contour; none for other shapes."""
    if isinstance(shape, Offset):
        return contours_of(shape.outline)
    if isinstance(shape, Polygon):
        return (tuple((x, y, True) for x, y in shape.points),)
    if isinstance(shape, Path):
        return shape.contours
    return (shape.points,) if isinstance(shape, Stroke) else ()


def with_contours(shape: SketchShape, contours: Sequence[Sequence[Vertex]]) -> SketchShape:
    """The same outline with other vertices; a polygon that gets a curve becomes a path."""
    if isinstance(shape, Offset):
        return offset_of(with_contours(shape.outline, contours), shape.distance)
    if isinstance(shape, Stroke):
        return replace(shape, points=tuple(contours[0]))
    if isinstance(shape, Polygon) and all(on for _, _, on in contours[0]):
        return Polygon(tuple((x, y) for x, y, _ in contours[0]))
    return Path(tuple(tuple(c) for c in contours))


def outline_of(shape: SketchShape) -> Outline | None:
    """The closed outline that a shape is filled within, or that it is an offset of; None for other shapes."""
    if isinstance(shape, Offset):
        return shape.outline
    return shape if isinstance(shape, (Polygon, Path)) else None


def outline_uses(sketch: Sketch) -> Counter[Outline]:
    """How many layers have each outline, in the order of their first."""
    return Counter(outline for layer in sketch.layers if (outline := outline_of(layer.shape)) is not None)


def own_contours(sketch: Sketch) -> list[Contours]:
    """The contours of each layer; none for a layer whose outline is an earlier one's."""
    seen: set[Outline] = set()
    result: list[Contours] = []
    for layer in sketch.layers:
        outline = outline_of(layer.shape)
        result.append(() if outline in seen else contours_of(layer.shape))
        if outline is not None:
            seen.add(outline)
    return result


def shared(before: Sequence[SketchLayer], after: Sequence[SketchLayer | None]) -> list[SketchLayer | None]:
    """Layers after an edit, None where one is dropped: those that had one outline before have that of the first of them."""
    edited: dict[Outline, Outline] = {}
    result: list[SketchLayer | None] = []
    for old, new in zip(before, after):
        outline = outline_of(old.shape)
        if outline is not None and new is not None:
            changed = edited.setdefault(outline, outline_of(new.shape) or outline)
            if outline_of(new.shape) not in (None, changed):
                new = replace(new, shape=with_contours(new.shape, contours_of(changed)))
        result.append(new)
    return result
