"""What a ray sees, with antialiasing that has a derivative: traced once, the same on every backend.

A ray through a pixel's centre meets surfaces (the field's sign changes), passes near others, and dives shallowly into
others again. How much of its pixel each covers follows from the field's least value along the ray, m: with the image
gradient of m, the surface's outline in the image is m / |image gradient| pixels away, and the pixel's share is the area
of `shaderdsl.coverage`. Creases and the borders of materials inside an outline are edges in the image too: there two
branches of the field, f_i and f_j, are equal, and f_i - f_j tells how far away the edge is (methods: interior alone
gives 34 dB against supersampling, with outlines 40, with borders 42, with creases 48).

Where the least value lies is found by marching, without derivatives (`t` below is detached); the formulas here attach
them again: at a smooth least value by one Newton step on the slope along the ray, at a kink by the crossing of the two
sides' tangents.
"""

from __future__ import annotations

from typing import NamedTuple

from shaderdsl.coverage import half_plane_area
from shaderdsl.expression import TINY, Expr, absolute, clamp, detach, hypot, maximum, minimum, select
from shaderdsl.registry import Point3

FLAT = 1e-2
"""Image gradients (of the field, by pixels of the scene's unit) are raised to this: a film seen from its front has no outline."""

AHEAD = 2.0
"""What covers part of a pixel is seen so many pixels before the place where it comes closest, as the middle of what it covers is; at an
edge no farther off than that middle. A bent surface's own bend would say it better, but its derivative is not known."""

SECOND = 0.501
"""A blend that is more of its second part than this has the creases of that. Not a half: that is what a morph is asked for, and the last
bit would decide."""

GRAZING = 0.05
"""A surface whose slope along the ray is less is moved by no more than this allows, when its derivative is taken."""

BENT = 1e-6
"""The squared difference of two branches' gradients from which there is an edge between them: less, and they are one surface."""

REACH = 0.7072
"""How many pixels from an edge a pixel's centre may be to see it."""

LAYERS = 4
"""Surfaces that a ray may see one behind another. What is met in the last one is opaque, and nothing is passed before it: along a
rough surface it stands for all that is there, so that there is no hole."""

STEPS = 1024
"""Steps that a ray may take; then what it has found so far is all. Most take a tenth; those that run along a floor to the horizon
need many."""

FAR = 60.0
"""Where rays end, in scene units."""

SHORTEST = 0.25
"""The least step, in pixels, rounded down to a power of two: near a surface rays are sampled at its multiples, all of them, wherever
they come from, so that what is found does not depend on where a march began."""

LEAST_CELL = 2.0**-12
"""What the least step is never less than, in scene units: right before the eye pixels are next to nothing."""

RELAXATION = 0.9
STEEPEST = 0.3
"""Away from surfaces a ray goes RELAXATION times as far as it could if all were a plane that is as steep along it as its last two
samples say, STEEPEST at most: up to two and a half times as far as what is known to be free. Where the ball that is free there does not
meet that of the sample before, the step is taken back; so what is found is the same, if the distance does not jump. Keinert et al., Enhanced Sphere Tracing, 2014; the slope
is that of Balint, Ban and Valasek, Automatic Step Size Relaxation in Sphere Tracing, 2023."""

NEAR = 0.75
"""How many pixels from a surface a ray passes near it, and how deep inside it nothing is seen behind."""

ROOT_STEPS = 6
NARROWING = 6
"""Steps that sharpen the place of a surface, and of a least value."""


class Ray(NamedTuple):
    """Through a pixel's centre: where it starts, its unit direction, and the pixel's size at the start and by distance."""

    origin: Point3
    direction: Point3
    size: Expr
    growth: Expr


def ray(
    x: Expr, y: Expr, pixel: Expr, eye: Point3, right: Point3, up: Point3, forward: Point3, spread: Expr, parallel: Expr
) -> Ray:  # fmt: skip
    """The ray through the image point (x, y), whose shorter side spans [-1, 1]; `pixel` is a pixel's side there."""
    aside = right * (x * spread) + up * (y * spread)
    seen = (forward + aside).normalized()
    is_parallel = parallel > 0.5
    direction = Point3(*(select(is_parallel, a, b) for a, b in zip(forward, seen)))
    origin = Point3(*(select(is_parallel, a, b) for a, b in zip(eye + aside, eye)))
    size = pixel * spread
    return Ray(
        origin, direction, select(is_parallel, size, 0.0), select(is_parallel, 0.0, size * seen.dot(forward))
    )


class Outline(NamedTuple):
    """What is near a ray: how much of the pixel it covers, the distance along the ray where the middle of that is met, and how deep the
    ray itself dives: from 0, where it only touches, to 1, where nothing behind is seen."""

    alpha: Expr
    t: Expr
    depth: Expr


def covered(m: Expr, across: Expr, upward: Expr, thickness: Expr, size: Expr) -> Expr:
    """The share of a pixel that a solid covers, whose field is `m` where it is least along the ray, with the image
    gradient (across, upward) by scene units; `size` is the pixel's. What is thinner than a pixel covers less."""
    slope = maximum(hypot(across, upward), FLAT)
    x, y = absolute(across) / slope, absolute(upward) / slope
    major, minor = maximum(maximum(x, y), 0.707), minimum(x, y)
    unit = slope * size
    near = -m / unit
    far = near - maximum(maximum(thickness / unit, 2.0 * near), 0.0)
    return half_plane_area(near, major, minor) - half_plane_area(far, major, minor)


def dive(m: Expr, across: Expr, upward: Expr, size: Expr) -> Expr:
    """How deep in the field a ray gets that goes through the middle of what of a pixel is `covered`."""
    unit = maximum(hypot(across, upward), FLAT) * size
    return 0.5 * clamp(0.5 - m / unit, 0.1, 1.0) * unit


def smooth_outline(
    f: Expr, gradient: Point3, thickness: Expr, t: Expr, bend: Point3, direction: Point3, right: Point3, up: Point3, size: Expr,
    growth: Expr,
) -> Outline:  # fmt: skip
    """The outline where the field has a smooth least value near `t`; `bend` is the gradient's change along the ray."""
    t, bend = detach(t), Point3(*(detach(b) for b in bend))
    curvature = detach(maximum(absolute(bend.dot(direction)), 1e-6))
    step = gradient.dot(direction) / curvature
    # Off the least value by a step, the field is higher by half of slope times step.
    m = f - 0.5 * step * gradient.dot(direction)
    there = gradient - bend * step
    place = t - step
    size = size + growth * place
    alpha = covered(m, there.dot(right), there.dot(up), thickness, size)
    return Outline(alpha, place - AHEAD * size, clamp(-m / (NEAR * size), 0.0, 1.0))


def kinked_outline(
    fa: Expr, a: Point3, ta: Expr, fb: Expr, b: Point3, tb: Expr, thickness: Expr, direction: Point3, right: Point3, up: Point3,
    size: Expr, growth: Expr,
) -> Outline:  # fmt: skip
    """The outline where the least value is a kink between `ta`, where the field falls, and `tb`, where it rises."""
    ta, tb = detach(ta), detach(tb)
    falling, rising = minimum(a.dot(direction), -1e-6), maximum(b.dot(direction), 1e-6)
    # Where the two tangents cross.
    after = clamp((fb - fa - rising * (tb - ta)) / (falling - rising), 0.0, tb - ta)
    m = fa + falling * after
    share = rising / (rising - falling)
    there = a * share + b * (1.0 - share)
    place = ta + after
    size = size + growth * place
    alpha = covered(m, there.dot(right), there.dot(up), thickness, size)
    before = minimum(dive(m, there.dot(right), there.dot(up), size) / -falling, AHEAD * size)
    return Outline(alpha, place - before, clamp(-m / (NEAR * size), 0.0, 1.0))


def crease_offset(
    difference: Expr, slope: Point3, normal: Point3, direction: Point3, right: Point3, up: Point3, size: Expr
) -> tuple[Expr, Expr, Expr]:
    """How far away, in pixels, the edge is where two branches of the field are equal, and its unit normal in the image.

    `difference` is one branch minus the other at a surface point and `slope` its gradient; `normal` the gradient of the
    branch that is the surface. The derivatives of the point in the image are those along the surface.
    """
    facing = minimum(normal.dot(direction), -GRAZING)
    along = slope.dot(direction) / facing
    across = (slope.dot(right) - normal.dot(right) * along) * size
    upward = (slope.dot(up) - normal.dot(up) * along) * size
    length = maximum(hypot(across, upward), TINY)
    return absolute(difference) / length, across / length, upward / length


def crease_share(
    difference: Expr, slope: Point3, normal: Point3, other: Point3, direction: Point3, right: Point3, up: Point3, size: Expr
) -> Expr:  # fmt: skip
    """How much of the pixel shows the branch that is the surface at its centre; the rest shows the other one.

    A branch that turns its back to the ray is not seen across the edge: that edge is an outline.
    """
    offset, x, y = crease_offset(difference, slope, normal, direction, right, up, size)
    x, y = absolute(x), absolute(y)
    major, minor = maximum(maximum(x, y), 0.707), minimum(x, y)
    # Just before it turns away a face is all but edge on, and narrower than a pixel.
    seen = clamp(-other.dot(direction) / (GRAZING * maximum(other.length, FLAT)), 0.0, 1.0)
    return 1.0 - (1.0 - half_plane_area(offset, major, minor)) * seen


def footprint(gradient: Point3, direction: Point3, size: Expr, rise: Point3) -> Expr:
    """How much a coordinate changes over the width of a pixel, that rises by `rise` in the scene, along a surface whose field has
    this gradient. What is seen all but edge on is as if it were seen at 3 degrees."""
    normal = gradient * (1.0 / maximum(gradient.length, FLAT))
    facing = normal.dot(direction)
    # Beside a ray the surface lies farther along it, the more aslant it is.
    farther = rise.dot(direction) * facing / maximum(facing * facing, 0.0025)
    return (rise - normal * farther).length * size


# Shadows and occlusion: how much of a light arrives, from distances alone. They have no derivative.

SHADOW_STEPS = 32
SHADOW_STEP = (0.02, 0.35)
"""Steps that are taken towards a light, and their least and greatest length."""

OCCLUSION_TAPS = 5
OCCLUSION_REACH = 0.07
"""Points above a surface that are asked how near anything is, and how far they are apart."""


def shaded(clear: Expr, distance: Expr, t: Expr, shadow: Expr, size: Expr) -> Expr:
    """How clear the way to a light is after a point at `t` of it, where the scene is `distance` away: what comes within the light's
    width there covers part of it. A shadow's edge is at least a pixel (`size`) wide, and that pixel lies about it."""
    return minimum(clear, (distance + 0.5 * size) / (shadow * t + size))


def arriving(clear: Expr) -> Expr:
    """The share of a light that arrives, smooth at both ends."""
    clear = clamp(clear, 0.0, 1.0)
    return clear * clear * (3.0 - 2.0 * clear)
