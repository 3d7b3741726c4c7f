"""From a surface to light, and from light to the screen: traced once, the same on every backend.

Reflection is Lambert's law for what is not metal, and for highlights the microfacets of Trowbridge and Reitz (GGX) with Smith's
shadowing in Hammon's approximation and Schlick's Fresnel term, as in most real-time renderers. Light is linear; the picture is
encoded as sRGB at the end, after tone mapping.
"""

from __future__ import annotations

from shaderdsl.expression import Expr, exponential, logarithm, maximum, minimum, select
from shaderdsl.registry import Light, Point3

MATERIAL = ("red", "green", "blue", "metallic", "roughness", "emission")
"""What a surface is made of at a point; its colour is linear."""


BUMP = ("bump_x", "bump_y", "bump_z")
"""How steeply a height rises above a surface along each axis of the scene, where light sees one."""

SURFACE = (*MATERIAL, *BUMP)


def bent(gradient: Point3, bump: Point3) -> Point3:
    """A vector along the normal of a surface whose field has this gradient, with a height upon it; where there is none, the
    gradient itself."""
    # What the height rises along the normal moves it, and turns nothing (Blinn, 1978).
    along = gradient * (gradient.dot(bump) / maximum(gradient.dot(gradient), 1e-12))
    return gradient + (along - bump) * gradient.length


def linear(value: Expr) -> Expr:
    """The linear light of an sRGB component (IEC 61966-2-1)."""
    bent = exponential(2.4 * logarithm(maximum((value + 0.055) * (1.0 / 1.055), 1e-3)))
    return select(value > 0.04045, bent, value * (1.0 / 12.92))


def encoded(value: Expr) -> Expr:
    """The sRGB component of linear light, which is clipped to [0, 1]."""
    value = minimum(maximum(value, 0.0), 1.0)
    bent = 1.055 * exponential((1.0 / 2.4) * logarithm(maximum(value, 1e-4))) - 0.055
    return select(value > 0.0031308, bent, value * 12.92)


def toned(value: Expr, tone: str) -> Expr:
    """Linear light brought into range: clipped by "none", compressed by "reinhard" and, with more contrast, "filmic"."""
    if tone == "reinhard":
        return value / (1.0 + maximum(value, 0.0))
    if tone == "filmic":
        # A rational curve through the origin with a toe and a shoulder (Narkowicz, 2015).
        value = maximum(value, 0.0)
        return value * (2.51 * value + 0.03) / (value * (2.43 * value + 0.59) + 0.14)
    return value


def shown(value: Expr, tone: str) -> Expr:
    """A component on the screen, sRGB; "raw" is the light itself."""
    return value if tone == "raw" else encoded(toned(value, tone))


def reflected(light: Light, visible: Expr, n: Point3, to_eye: Point3, material: tuple[Expr, ...]) -> Point3:
    """The linear light that a surface sends to the eye: `n` its unit normal, `to_eye` the unit direction to the eye,
    `visible` how much of the light reaches it, in [0, 1]."""
    colour, (metallic, roughness) = Point3(*material[:3]), material[3:5]
    matt = colour * (1.0 - metallic)
    if light.direction is None:
        # From all around a metal reflects its colour, roughly.
        received = light.radiance * visible
        return _times(colour, received)
    to_light = light.direction
    facing = maximum(n.dot(to_light), 0.0)
    half = (to_light + to_eye).normalized()
    across = maximum(n.dot(to_eye), 1e-3)
    # Below this roughness a highlight is smaller than a pixel, and nothing but noise.
    alpha = maximum(roughness, 0.1)
    alpha = alpha * alpha
    square = alpha * alpha
    centred = maximum(n.dot(half), 0.0)
    spread = centred * centred * (square - 1.0) + 1.0
    facets = square / (spread * spread)
    shadowing = 0.5 / (2.0 * facing * across * (1.0 - alpha) + (facing + across) * alpha + 1e-4)
    grazing = 1.0 - minimum(maximum(to_eye.dot(half), 0.0), 1.0)
    fifth = grazing * grazing * grazing * grazing * grazing
    white = Point3(fifth, fifth, fifth)
    base = colour * metallic + _grey(colour, 0.04) * (1.0 - metallic)
    mirror = base * (1.0 - fifth) + white
    reflectance = matt + mirror * (facets * shadowing)
    return _times(reflectance, light.radiance) * (facing * visible)


def emitted(material: tuple[Expr, ...]) -> Point3:
    """The light that a surface sends out by itself."""
    return Point3(*material[:3]) * material[5]


def _times(a: Point3, b: Point3) -> Point3:
    return Point3(a.x * b.x, a.y * b.y, a.z * b.z)


def _grey(like: Point3, value: float) -> Point3:
    level = like.x.graph.constant(value)
    return Point3(level, level, level)


def kept(t: Expr, fog: Expr) -> Expr:
    """The share of light that is left after a distance through fog."""
    return exponential(-fog * t)
