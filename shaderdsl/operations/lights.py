"""Cameras and lights.

A camera's body gives the eye and the frame that rays start from; a light's body how it lights a surface at a point. Light is
linear; the colours that programs write are sRGB, and `radiance` turns them.
"""

from __future__ import annotations

from shaderdsl.expression import Expr, cosine, maximum, sine, tangent
from shaderdsl.registry import Camera, Light, Point3, angle, colour, length, number, register, vector
from shaderdsl.shading import linear

FOV = angle("fov", 20.0, 70.0, 35.0, minimum=1.0, maximum=170.0, summary="angle that the picture's shorter side sees")


def looking(eye: Point3, target: Point3, spread: Expr, roll: Expr, parallel: float) -> Camera:
    """The frame at `eye` that looks to `target` with y up, tilted by `roll`."""
    forward = (target - eye).normalized()
    # Straight up or down there is no upright: a hair's breadth of z decides.
    side = Point3(-forward.z, 0.0 * forward.y, forward.x + 1e-6 * forward.y).normalized()
    above = side.cross(forward)
    c, s = cosine(roll), sine(roll)
    return Camera(eye, side * c + above * s, above * c - side * s, forward, spread, parallel)


@register(
    "camera",
    "camera",
    vector("eye", -4.0, 4.0),
    vector("target", -0.5, 0.5, (0.0, 0.0, 0.0)),
    FOV,
    angle("roll", -30.0, 30.0, 0.0),
    summary="A camera in perspective, at `eye`, that looks to `target`; y is up.",
    example="camera((2, 1.5, 3), fov = 30)\nbox(0.6, 0.4, 0.5)",
    dimension=3,
)
def camera(eye: Point3, target: Point3, fov: Expr, roll: Expr) -> Camera:
    return looking(eye, target, tangent(0.5 * fov), roll, 0.0)


@register(
    "camera",
    "orthographic",
    vector("eye", -4.0, 4.0),
    vector("target", -0.5, 0.5, (0.0, 0.0, 0.0)),
    length("height", 1.0, 3.0, 2.5, summary="what the picture's shorter side sees"),
    angle("roll", -30.0, 30.0, 0.0),
    summary="A camera without perspective: all rays are parallel.",
    example="orthographic((2, 1.5, 3))\nbox(0.6, 0.4, 0.5)",
    dimension=3,
)
def orthographic(eye: Point3, target: Point3, height: Expr, roll: Expr) -> Camera:
    return looking(eye, target, 0.5 * height, roll, 1.0)


@register(
    "camera",
    "orbit",
    angle("azimuth", -180.0, 180.0, 30.0, summary="around y; at 0 the camera is on the z axis"),
    angle("elevation", -20.0, 70.0, 25.0, minimum=-90.0, maximum=90.0),
    length("distance", 2.5, 6.0, 4.0),
    vector("target", -0.5, 0.5, (0.0, 0.0, 0.0)),
    FOV,
    summary="A camera in perspective by angles around a target; without any camera a program is seen by `orbit()`.",
    example="orbit(60, 15)\nbox(0.6, 0.4, 0.5)",
    dimension=3,
)
def orbit(azimuth: Expr, elevation: Expr, distance: Expr, target: Point3, fov: Expr) -> Camera:
    level = cosine(elevation) * distance
    eye = target + Point3(sine(azimuth) * level, sine(elevation) * distance, cosine(azimuth) * level)
    forward = (target - eye).normalized()
    # Known by its angle, it is upright straight above the target too.
    side = Point3(cosine(azimuth), 0.0 * azimuth, -sine(azimuth))
    return Camera(eye, side, side.cross(forward), forward, tangent(0.5 * fov), 0.0)


def radiance(colour: Point3, intensity: Expr) -> Point3:
    """The linear light of an sRGB colour."""
    return Point3(*(linear(c) * intensity for c in colour))


COLOUR = colour("colour", (1.0, 1.0, 1.0))
SHADOW = number(
    "shadow", 0.0, 0.3, 0.0, minimum=0.0, summary="how wide the light looks, as a share of its distance: how soft shadows are; 0 is none"
)
OCCLUSION = number("occlusion", 0.0, 1.0, 0.0, minimum=0.0, summary="how much less of it comes into corners; 0 is none")


@register(
    "light",
    "sunlight",
    vector("direction", -1.0, 1.0, (0.5, 0.8, 0.4), summary="to the light, of any length"),
    COLOUR,
    number("intensity", 0.2, 1.5, 0.9, minimum=0.0),
    SHADOW,
    summary="Light from one direction, as from the sun.",
    example="light((-0.5, 0.8, 0.4), shadow = 0.1)\nambient(0.1)\nsphere(0.4)\nplane(-0.4)",
    function="light",
    dimension=3,
)
def sunlight(p: Point3, n: Point3, direction: Point3, colour: Point3, intensity: Expr, shadow: Expr) -> Light:
    return Light(radiance(colour, intensity), direction.normalized())


@register(
    "light",
    "lamp",
    vector("position", -2.0, 2.0),
    COLOUR,
    number("intensity", 0.5, 4.0, 2.0, minimum=0.0, summary="at a distance of 1; it falls with the square of the distance"),
    SHADOW,
    summary="Light from one point.",
    example="lamp((-1, 1.2, 1))\nambient(0.1)\nsphere(0.7)",
    dimension=3,
)
def lamp(p: Point3, n: Point3, position: Point3, colour: Point3, intensity: Expr, shadow: Expr) -> Light:
    to = position - p
    distance = to.length
    return Light(radiance(colour, intensity / maximum(distance * distance, 1e-4)), to.normalized(), distance)


@register(
    "light",
    "ambient light",
    number("intensity", 0.05, 0.5, 0.25, minimum=0.0),
    COLOUR,
    OCCLUSION,
    summary="Light from everywhere alike.",
    example="ambient(0.9, occlusion = 0.8)\nsphere(0.4)\nplane(-0.4)",
    function="ambient",
    dimension=3,
)
def ambient(p: Point3, n: Point3, intensity: Expr, colour: Point3, occlusion: Expr) -> Light:
    return Light(radiance(colour, intensity))


@register(
    "light",
    "sky",
    number("intensity", 0.1, 0.8, 0.4, minimum=0.0),
    colour("zenith", (0.65, 0.8, 1.0), summary="colour of what comes from above"),
    colour("ground", (0.45, 0.4, 0.35), summary="colour of what comes from below"),
    OCCLUSION,
    summary="Light from above and below, in two colours.",
    example="sky(0.8)\nsphere(0.7)",
    dimension=3,
)
def sky(p: Point3, n: Point3, intensity: Expr, zenith: Point3, ground: Point3, occlusion: Expr) -> Light:
    above = 0.5 + 0.5 * n.y
    return Light(radiance(zenith, intensity * above) + radiance(ground, intensity * (1.0 - above)))


# What other pictures of a scene are drawn with: `SolidTape.showing`.


@register("light", "normals light", summary="Shows normals: half of the unit vector plus one half.", example="", function="", dimension=3)
def normals_light(p: Point3, n: Point3) -> Light:
    return Light(Point3(0.5 + 0.5 * n.x, 0.5 + 0.5 * n.y, 0.5 + 0.5 * n.z))


@register(
    "light", "depth light", vector("eye"), vector("forward"), summary="Shows the distance along the camera's view.", example="",
    function="", dimension=3,
)  # fmt: skip
def depth_light(p: Point3, n: Point3, eye: Point3, forward: Point3) -> Light:
    depth = (p - eye).dot(forward)
    return Light(Point3(depth, depth, depth))


@register("light", "silhouette light", summary="Shows everything white.", example="", function="", dimension=3)
def silhouette_light(p: Point3, n: Point3) -> Light:
    one = p.x.graph.constant(1.0)
    return Light(Point3(one, one, one))
