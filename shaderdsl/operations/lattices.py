"""Triply periodic minimal surfaces as sheets: bounds, by the greatest slope of the function that vanishes on the surface.

They fill space, so a program cuts a piece out: `sphere(0.8) & gyroid(0.6, 0.1)`. A sheet has the thickness that was asked
for where that function is at its steepest, and is thicker elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from shaderdsl.expression import Expr, absolute, cosine, sine
from shaderdsl.operations.solids import positive
from shaderdsl.registry import Distance, Point3, length, register

Triple = tuple[Expr, Expr, Expr]


def _gyroid(s: Triple, c: Triple) -> Expr:
    return s[0] * c[1] + s[1] * c[2] + s[2] * c[0]


def _primitive(s: Triple, c: Triple) -> Expr:
    return c[0] + c[1] + c[2]


def _diamond(s: Triple, c: Triple) -> Expr:
    return c[0] * c[1] * c[2] - s[0] * s[1] * s[2]


_SURFACES: tuple[tuple[str, str, Callable[[Triple, Triple], Expr], float, str], ...] = (
    ("gyroid", "Schoen's gyroid", _gyroid, math.sqrt(3.0), "0.7, 0.08"),
    ("schwarz_p", "Schwarz' P surface", _primitive, math.sqrt(3.0), "0.6, 0.08"),
    ("schwarz_d", "Schwarz' D surface (diamond)", _diamond, math.sqrt(1.5), "0.8, 0.08"),
)
"""Name, what it is called, its function of the sines and cosines of a point, the greatest slope of that, an example."""


def _sheet(function: Callable[[Triple, Triple], Expr], slope: float) -> Callable[..., Distance]:
    def body(p: Point3, period: Expr, thickness: Expr) -> Distance:
        wave = 2.0 * math.pi / positive(period)
        x, y, z = (c * wave for c in p)
        level = function((sine(x), sine(y), sine(z)), (cosine(x), cosine(y), cosine(z)))
        return Distance(absolute(level) / (wave * slope) - 0.5 * thickness, thickness)

    return body


for _name, _called, _function, _slope, _example in _SURFACES:
    register(
        "shape",
        _name,
        length("period", 0.4, 1.2, summary="after which it repeats along x, y and z"),
        length("thickness", 0.03, 0.15),
        summary=f"A sheet along {_called}, without end.",
        example=f"sphere(0.8) & {_name}({_example})",
        dimension=3,
        exact=False,
    )(_sheet(_function, _slope))
