"""A scene of solids as a fit handles it: things, each of a few shapes, with the numbers apart from their kinds.

A `Model` writes itself as a program, and takes that program's parameters back: its numbers stand in the text in the order in
which `numbers` gives them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from shaderdsl import Program, parse
from shaderdsl.printer import colour_text, number_text

Numbers = tuple[float, ...]
Array = npt.NDArray[np.float64]

SIZES: dict[str, int] = {"sphere": 1, "box": 3, "cylinder": 2, "torus": 2, "cone": 3, "cut_hollow_sphere": 3, "roof": 4}
"""How many sizes each kind of shape has. A roof is a trapezoid made solid: half widths below and above, half height, half depth."""

TURNED = {"sphere": 0, "box": 3, "cylinder": 2, "torus": 2, "cone": 2, "cut_hollow_sphere": 2, "roof": 3}
"""How many of the angles x, y and z say how a shape lies: what is round about an axis needs less. The axis is y: turns about x
and then z move it."""

UPRIGHT = 0.998
"""The cosine of the angle by which what stands may lean."""

MOST_LIGHT, MOST_AMBIENT = 2.0, 0.8
"""How strong lights may become while numbers are refined."""

CAMERA_DISTANCE = 4.0
CAMERA_FOV = 35.0
"""Of the camera that fits look from: one picture does not tell the size of what it shows from its distance."""

LEAST_FOV, MOST_FOV = 12, 80
"""Degrees that the camera's angle of view may have in the end."""


def camera_frame(elevation: float) -> tuple[Array, Array, Array, Array]:
    """Eye, right, up and forward of the camera of fits, that looks down by an angle (degrees)."""
    tilt = np.radians(elevation)
    back = np.array([0.0, np.sin(tilt), np.cos(tilt)])
    return CAMERA_DISTANCE * back, np.array([1.0, 0.0, 0.0]), np.array([0.0, np.cos(tilt), -np.sin(tilt)]), -back


def turn(angles: Sequence[float]) -> Array:
    """The matrix (3, 3) of a turn about x, then y, then z (degrees)."""
    (a, b, c), (d, e, f) = np.cos(np.radians(angles)), np.sin(np.radians(angles))
    about_x = np.array([[1, 0, 0], [0, a, -d], [0, d, a]])
    about_y = np.array([[b, 0, e], [0, 1, 0], [-e, 0, b]])
    about_z = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return np.asarray(about_z @ about_y @ about_x, np.float64)


def angles_of(matrix: Array, count: int) -> Numbers:
    """The angles (degrees) that turn so: three, or the two, x and z, that turn the axis y alike."""
    if count == 0:
        return ()
    if count == 2:
        x, y, z = matrix[:, 1]
        return float(np.degrees(np.arcsin(np.clip(z, -1, 1)))), float(np.degrees(np.arctan2(-x, y)))
    b = float(np.arcsin(np.clip(-matrix[2, 0], -1, 1)))
    a, c = np.arctan2(matrix[2, 1], matrix[2, 2]), np.arctan2(matrix[1, 0], matrix[0, 0])
    return float(np.degrees(a)), float(np.degrees(b)), float(np.degrees(c))


@dataclass(frozen=True)
class Solid:
    """One shape: its sizes, its place, and the angles (degrees) that it is turned by: none, one about y, x and z, or all three."""

    kind: str
    sizes: Numbers
    angles: Numbers
    place: Numbers

    def text(self) -> str:
        if self.kind == "roof":
            call = f"trapezoid({_listed(self.sizes[:3])}).extrude({number_text(self.sizes[3], '')})"
        else:
            call = f"{self.kind}({_listed(self.sizes)})"
        if len(self.angles) in (1, 3):
            call += f".rotate({_listed(self.angles)})"
        elif self.angles:
            call += f".rotate({number_text(self.angles[0], '')}, fixed(0), {number_text(self.angles[1], '')})"
        return call + f".move({_listed(self.place)})"

    @property
    def turn(self) -> Array:
        """The matrix (3, 3) of its turn."""
        if len(self.angles) == 2:
            return turn((self.angles[0], 0.0, self.angles[1]))
        if len(self.angles) == 1:
            return turn((0.0, self.angles[0], 0.0))
        return turn(self.angles or (0.0, 0.0, 0.0))

    def nearer(self, eye: Array, share: float) -> Solid:
        """The same to an eye, at another distance, which is this share of what it was."""
        place = tuple(float(v) for v in eye + (np.array(self.place) - eye) * share)
        return Solid(self.kind, tuple(s * share for s in self.sizes), self.angles, place)

    @property
    def lowest(self) -> float:
        """The height of its lowest point."""
        x, y, z = self.turn[1]
        aside = float(np.hypot(x, z))
        if self.kind == "sphere":
            reach = self.sizes[0]
        elif self.kind == "box":
            reach = float(np.abs((x, y, z)) @ self.sizes)
        elif self.kind == "torus":
            reach = self.sizes[0] * aside + self.sizes[1]
        elif self.kind == "roof":
            lower, upper, height, depth = self.sizes
            reach = max(lower * abs(x) + height * y, upper * abs(x) - height * y) + depth * abs(z)
        elif self.kind == "cut_hollow_sphere":
            radius, height, thickness = self.sizes
            rim = np.sqrt(max(radius**2 - height**2, 0.0))
            reach = (radius if y * radius > -height else rim * aside - height * y) + 0.5 * thickness
        else:
            lower, upper, height = (self.sizes[0], *self.sizes[-2:]) if self.kind == "cone" else (self.sizes[0],) * 2 + self.sizes[1:]
            reach = max(lower * aside + height * y, upper * aside - height * y)
        return self.place[1] - float(reach)

    def turned(self, matrix: Array) -> Solid:
        """The same after a turn (3, 3) about the origin; what nearly stands then stands."""
        own = matrix @ self.turn
        count = TURNED[self.kind]
        angles = angles_of(own, count)
        if count == 2 and own[1, 1] > UPRIGHT:
            angles = ()
        elif count == 3 and own[1, 1] > UPRIGHT:
            angles = (float(np.degrees(np.arctan2(own[0, 2], own[2, 2]))),)
        return replace(self, angles=angles, place=tuple(float(v) for v in matrix @ self.place))

    def counted(self) -> Iterator[float]:
        yield from self.sizes
        # `fixed(0)` is a number of the text too.
        yield from self.angles if len(self.angles) != 2 else (self.angles[0], 0.0, self.angles[1])
        yield from self.place

    def taken(self, values: Iterator[float]) -> Solid:
        sizes = tuple(next(values) for _ in self.sizes)
        count = 3 if len(self.angles) == 2 else len(self.angles)
        angles = tuple(next(values) for _ in range(count))
        if len(self.angles) == 2:
            angles = (angles[0], angles[2])
        return Solid(self.kind, sizes, angles, tuple(next(values) for _ in range(3)))


@dataclass(frozen=True)
class Thing:
    """Shapes of one colour: the first, what is joined to it, and what is cut away; `finish` is (metallic, roughness) or empty, `smooth`
    the size of a smooth union or empty, which it always is where nothing is joined."""

    joined: tuple[Solid, ...]
    cut: tuple[Solid, ...]
    colour: Numbers
    finish: Numbers = ()
    smooth: Numbers = ()

    def __post_init__(self) -> None:
        if len(self.joined) == 1:
            object.__setattr__(self, "smooth", ())

    def text(self) -> str:
        solids = [s.text() for s in self.joined]
        if len(solids) == 1:
            body = solids[0]
        elif self.smooth:
            body = f"union({', '.join(solids)}, smooth = {number_text(self.smooth[0], '')})"
        else:
            body = f"({' | '.join(solids)})"
        if self.cut:
            body = f"({body} - {' - '.join(s.text() for s in self.cut)})"
        paint = colour_text(*self.colour)
        if self.finish:
            paint += f", metallic = {number_text(self.finish[0], '')}, roughness = {number_text(self.finish[1], '')}"
        return f"{body}.paint({paint})"

    def nearer(self, eye: Array, share: float) -> Thing:
        """See `Solid.nearer`."""
        joined, cut = (tuple(s.nearer(eye, share) for s in solids) for solids in (self.joined, self.cut))
        return replace(self, joined=joined, cut=cut, smooth=tuple(share * s for s in self.smooth))

    def turned(self, matrix: Array) -> Thing:
        """See `Solid.turned`."""
        joined, cut = (tuple(s.turned(matrix) for s in solids) for solids in (self.joined, self.cut))
        return replace(self, joined=joined, cut=cut)

    @property
    def lowest(self) -> float:
        """The height of its lowest point, what is cut away still there."""
        return min(solid.lowest for solid in self.joined)

    @property
    def middle(self) -> Array:
        """The mean (3,) of its solids' places."""
        return np.asarray(np.mean([solid.place for solid in self.joined], 0))

    def counted(self) -> Iterator[float]:
        for solid in self.joined:
            yield from solid.counted()
        yield from self.smooth
        for solid in self.cut:
            yield from solid.counted()
        yield from self.colour
        yield from self.finish

    def taken(self, values: Iterator[float]) -> Thing:
        joined = tuple(s.taken(values) for s in self.joined)
        smooth = tuple(next(values) for _ in self.smooth)
        cut = tuple(s.taken(values) for s in self.cut)
        colour = tuple(next(values) for _ in range(3))
        return Thing(joined, cut, colour, tuple(next(values) for _ in self.finish), smooth)


@dataclass(frozen=True)
class Model:
    """A scene: `background` empty is transparent; `elevation` is the camera's, in degrees; the floor is
    (height, red, green, blue) or empty; `light` is a direction and an intensity, `ambient` an intensity; `fov` is the angle of view,
    in degrees, which moves while numbers are refined where `zooming`."""

    background: Numbers
    elevation: float
    light: Numbers
    ambient: float
    floor: Numbers
    things: tuple[Thing, ...]
    fov: float = CAMERA_FOV
    zooming: bool = False

    @property
    def text(self) -> str:
        background = colour_text(*self.background) if self.background else "none"
        tilt, angle = number_text(self.elevation, ""), number_text(self.fov, "")
        lines = [
            f"scene 3d(background = {background})",
            f"orbit(fixed(0), {tilt}, fixed({number_text(CAMERA_DISTANCE, '')}), "
            f"fov = {f'param({angle}, {LEAST_FOV} .. {MOST_FOV})' if self.zooming else f'fixed({angle})'})",
            f"light(({_listed(self.light[:3])}), intensity = {_within(self.light[3], MOST_LIGHT)})",
            f"ambient({_within(self.ambient, MOST_AMBIENT)})",
        ]
        if self.floor:
            lines.append(f"plane({number_text(self.floor[0], '')}).paint({colour_text(*self.floor[1:])})")
        return "\n".join([*lines, *(t.text() for t in self.things)])

    @property
    def program(self) -> Program:
        """Raises DslError where the numbers break a limit."""
        return parse(self.text)

    @property
    def plain(self) -> Program:
        """The program as people read it, with no ranges: those are for the search. Its parameters are the same."""
        return parse(re.sub(r"\b(?:fixed|param)\(([^(),]+)[^()]*\)", r"\1", self.text))

    @property
    def setting(self) -> int:
        """How many parameters come before the things': those of background, camera, light and floor."""
        return len(self.background) + 9 + len(self.floor)

    @property
    def light_direction(self) -> slice:
        """Where the light's direction is among the parameters."""
        first = len(self.background) + 4
        return slice(first, first + 3)

    def numbers(self) -> list[float]:
        """The program's parameters."""
        values = [*self.background, 0.0, self.elevation, CAMERA_DISTANCE, self.fov, *self.light, self.ambient, *self.floor]
        for thing in self.things:
            values += thing.counted()
        return values

    def with_numbers(self, numbers: npt.ArrayLike) -> Model:
        """The model whose program has these parameters."""
        values = iter(np.asarray(numbers, np.float64).tolist())
        background = tuple(next(values) for _ in self.background)
        _, elevation, _, fov = (next(values) for _ in range(4))
        light = tuple(next(values) for _ in range(4))
        ambient = next(values)
        floor = tuple(next(values) for _ in self.floor)
        things = tuple(t.taken(values) for t in self.things)
        return Model(background, elevation, light, ambient, floor, things, fov, self.zooming)

    def levelled(self, number: int) -> Model | None:
        """The same picture of the scene turned to the eye or away, with its camera, so that a thing that leans that way stands; None
        where there is a floor, or nothing leans so."""
        x, y, z = self.things[number].joined[0].turn[:, 1]
        lean = float(np.degrees(np.arctan2(z, y)))
        if self.floor or abs(x) > 0.1 or not 1.0 < abs(lean) < 60.0 or abs(self.elevation + lean) > 80.0:
            return None
        back = turn((-lean, 0.0, 0.0))
        light = tuple(float(v) for v in back @ self.light[:3])
        things = tuple(t.turned(back) for t in self.things)
        return replace(self, elevation=self.elevation + lean, light=(*light, self.light[3]), things=things)

    def with_thing(self, number: int, thing: Thing | None) -> Model:
        """The model with another thing in a place, or none; `number` of the things there are adds one."""
        things = [*self.things[:number], *([] if thing is None else [thing]), *self.things[number + 1 :]]
        return replace(self, things=tuple(things))


def _within(value: float, most: float) -> str:
    """A number with a range: a bright light on dark things and a dim one on bright things look alike."""
    return f"param({number_text(min(max(value, 0.0), most), '')}, 0 .. {number_text(most, '')})"


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(number_text(n, "") for n in numbers)
