"""Changes of a distance: offsets, shells, strokes, rounded corners; and softness and opacity of a painted layer."""

from __future__ import annotations

from shaderdsl.expression import Expr, absolute, minimum
from shaderdsl.registry import Distance, length, number, register


@register(
    "modifier",
    "offset",
    length("distance", -0.2, 0.2, signed=True),
    summary="Grows the shape by a distance (shrinks it when negative).",
    example="star(5, 0.6, 0.3).offset(0.1)\nstar(5, 0.6, 0.3).fill(#dddddd)",
    exact=False,
)
def offset(d: Distance, distance: Expr) -> Distance:
    return Distance(d.value - distance, d.thickness + 2.0 * distance)


@register(
    "modifier",
    "onion",
    length("thickness", 0.02, 0.2),
    summary="Hollows the shape out: a shell of the given thickness inside its outline; the outer size stays.",
    example="box(0.7, 0.45).fill(#dddddd)\nbox(0.7, 0.45).onion(0.1)",
    exact=False,
)
def onion(d: Distance, thickness: Expr) -> Distance:
    return Distance(absolute(d.value + 0.5 * thickness) - 0.5 * thickness, minimum(thickness, d.thickness))


@register(
    "modifier",
    "stroke",
    length("width", 0.02, 0.2),
    summary="Draws the outline as a line of the given full width, half of it on each side.",
    example="let outline = triangle((-0.6, -0.5), (0.6, -0.5), (0, 0.6))\noutline.fill(#dddddd)\noutline.stroke(0.12)",
    exact=False,
)
def stroke(d: Distance, width: Expr) -> Distance:
    return Distance(absolute(d.value) - 0.5 * width, width)


@register(
    "modifier",
    "round",
    length("radius", 0.01, 0.2),
    summary="Rounds convex corners and keeps the outer size: the shape is inset by the radius, then grown by it.",
    example="box(0.7, 0.45).fill(#dddddd)\nbox(0.7, 0.45).round(0.25)",
    notes="It applies to shapes that know their inset, through transforms; booleans take `round =` instead.",
)
def round_corners(d: Distance, radius: Expr) -> Distance:
    # The inset is made where the shape is lowered, by its entry's `inset`; this grows it again.
    return Distance(d.value - radius, d.thickness + 2.0 * radius)


@register(
    "layer",
    "opacity",
    number("amount", 0.3, 1.0, minimum=0.0, maximum=1.0),
    summary="Makes a painted layer translucent: 1 is opaque.",
    example="box(0.8, 0.25).fill(#3d5a80)\ncircle(0.6).fill(#c8553d).opacity(0.5)",
)
def opacity() -> None:
    """Read by the compositor: it multiplies coverage."""


@register(
    "layer",
    "soften",
    length("radius", 0.02, 0.2),
    summary="Blurs the edge of a painted layer: coverage falls off as a Gaussian of this standard deviation.",
    example="circle(0.5).fill(#000000).soften(0.1)",
)
def soften() -> None:
    """Read by the compositor: it widens the coverage profile."""
