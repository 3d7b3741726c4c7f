"""The shapes that SVG can say itself, each by its own exact outline: circles, boxes, arcs, paths and strokes.

A `Figure` is a list of path commands in the shape's own coordinates, y up, filled or stroked or both. `FIGURES` has a
function for each operation that has one, from the operation's parameters; a shape without (or with parameters for which
its outline is another) is traced, so that an operation added to the language needs nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Place = tuple[float, float]
Command = tuple[Any, ...]
"""("M" | "L", point), ("Q", control, point), ("A", rx, ry, degrees, large, sweep, point) or ("Z",). `sweep` 1 is
counter-clockwise in a space where y points up."""

MOST_SIDES = 1500
"""Of a flattened outline that is looked at for crossings."""

STROKE_TOLERANCE = 1e-4
"""How far lines that stand for a tight bend of a stroke may lie from it, in the shape's own units."""

IDENTITY: Array = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])


@dataclass(frozen=True)
class Figure:
    """Path commands and how they are painted: filled, stroked `width` wide with round joins, or both.

    `winding` says by which of SVG's fill rules the outline means what it should: "simple" by both (its loops do not cross,
    and holes run clockwise), else one of them. `element` is a plainer way to write the same outline, (tag, attributes).
    """

    commands: tuple[Command, ...]
    filled: bool = True
    width: float = 0.0
    caps: Literal["round", "butt"] = "round"
    winding: Literal["simple", "evenodd", "nonzero"] = "simple"
    element: tuple[str, dict[str, str]] | None = None
    larger: Callable[[float], Figure] | None = None

    @property
    def data(self) -> str:
        """The `d` attribute of a path."""
        return " ".join(word for command in self.commands for word in _words(command))


def number(value: float) -> str:
    """Six significant digits, without a zero's sign."""
    return f"{value if abs(value) > 1e-9 else 0.0:.6g}"


def _words(command: Command) -> list[str]:
    kind, *rest = command
    words = [kind]
    for value in rest:
        words += [number(v) for v in (value if isinstance(value, tuple) else (value,))]
    return words


# -- outlines -----------------------------------------------------------------------------------------------------


def polygon(points: Sequence[Place], **more: Any) -> Figure:
    """A closed polygon; unless told otherwise a simple one, which is turned counter-clockwise."""
    if signed_area(np.array(points)) < 0.0:
        points = points[::-1]
    commands = (("M", points[0]), *(("L", p) for p in points[1:]), ("Z",))
    written = " ".join(f"{number(x)},{number(y)}" for x, y in points)
    return Figure(commands, element=("polygon", {"points": written}), **more)


def signed_area(points: Array) -> float:
    """Of a closed polygon (n, 2); positive counter-clockwise."""
    x, y = points.T
    return float(0.5 * np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)))


def ellipse_at(centre: Place, rx: float, ry: float) -> Figure:
    (x, y), right, left = centre, (centre[0] + rx, centre[1]), (centre[0] - rx, centre[1])
    commands = (("M", right), ("A", rx, ry, 0, 0, 1, left), ("A", rx, ry, 0, 0, 1, right), ("Z",))
    place = {"cx": number(x), "cy": number(y)} if centre != (0.0, 0.0) else {}
    if rx == ry:
        larger = lambda amount: ellipse_at(centre, rx + amount, rx + amount)  # noqa: E731
        return Figure(commands, element=("circle", {**place, "r": number(rx)}), larger=larger)
    return Figure(commands, element=("ellipse", {**place, "rx": number(rx), "ry": number(ry)}))


def circle(radius: float) -> Figure:
    return ellipse_at((0.0, 0.0), radius, radius)


def _arc(radius: float, large: bool, end: Place, sweep: int = 1) -> Command:
    return ("A", radius, radius, 0, int(large), sweep, end)


def box(
    half_width: float, half_height: float,
    top_right: float, bottom_right: float, bottom_left: float, top_left: float,
) -> Figure:  # fmt: skip
    w, h = half_width, half_height
    corners = [min(r, w, h) for r in (bottom_right, top_right, top_left, bottom_left)]
    commands: list[Command] = []
    for (sx, sy), r in zip(((1, -1), (1, 1), (-1, 1), (-1, -1)), corners):
        beside, above = (sx * w, sy * (h - r)), (sx * (w - r), sy * h)
        first, last = (beside, above) if sx == sy else (above, beside)
        commands.append(("L" if commands else "M", first))
        if r > 0.0:
            commands.append(_arc(r, False, last))
    commands.append(("Z",))
    corners = [corners[k] for k in (1, 0, 3, 2)]
    larger = lambda amount: box(w + amount, h + amount, *(r + amount for r in corners))  # noqa: E731
    if len(set(corners)) > 1:
        return Figure(tuple(commands), larger=larger)
    size = {"x": number(-w), "y": number(-h), "width": number(2.0 * w), "height": number(2.0 * h)}
    rounded = {"rx": number(corners[0])} if corners[0] > 0.0 else {}
    return Figure(tuple(commands), element=("rect", {**size, **rounded}), larger=larger)


def rhombus(half_width: float, half_height: float) -> Figure:
    return polygon([(half_width, 0.0), (0.0, half_height), (-half_width, 0.0), (0.0, -half_height)])


def trapezoid(bottom: float, top: float, half_height: float) -> Figure:
    return polygon([(-bottom, -half_height), (bottom, -half_height), (top, half_height), (-top, half_height)])


def parallelogram(half_width: float, half_height: float, skew: float) -> Figure:
    w, h = half_width, half_height
    return polygon([(-w - skew, -h), (w - skew, -h), (w + skew, h), (skew - w, h)])


def triangle(a: Place, b: Place, c: Place) -> Figure:
    return polygon([a, b, c])


def _around(count: float, *radii: float) -> list[Place]:
    """Points at equal angles, counter-clockwise from the top, at the radii in turn."""
    whole = round(count) * len(radii)
    angles = [math.pi * (0.5 + 2.0 * k / whole) for k in range(whole)]
    return [(radii[k % len(radii)] * math.cos(t), radii[k % len(radii)] * math.sin(t)) for k, t in enumerate(angles)]


def ngon(sides: float, radius: float) -> Figure:
    return polygon(_around(sides, radius))


def star(points: float, outer: float, inner: float) -> Figure:
    return polygon(_around(points, outer, inner))


def cross(half_length: float, half_width: float) -> Figure:
    a, b = max(half_length, half_width), min(half_length, half_width)
    quarter = [(a, -b), (a, b), (b, b)]
    return polygon([p for turn in range(4) for p in (_turned(q, turn) for q in quarter)])


def _turned(p: Place, quarters: int) -> Place:
    for _ in range(quarters):
        p = (-p[1], p[0])
    return p


def pie(radius: float, angle: float) -> Figure | None:
    if angle > math.pi - 1e-5:
        return circle(radius)
    x, y = radius * math.sin(angle), radius * math.cos(angle)
    return Figure((("M", (0.0, 0.0)), ("L", (x, y)), _arc(radius, angle > 0.5 * math.pi, (-x, y)), ("Z",)))


def cutdisk(radius: float, height: float) -> Figure | None:
    if height <= -radius:
        return circle(radius)
    if height >= radius:
        return None
    half = math.sqrt(radius * radius - height * height)
    return Figure((("M", (half, height)), _arc(radius, height < 0.0, (-half, height)), ("Z",)))


def moon(radius: float, bite: float, offset: float) -> Figure | None:
    if offset >= radius + bite:
        return circle(radius)
    if bite >= radius + offset:
        return None
    if radius >= bite + offset:
        right, left = (offset + bite, 0.0), (offset - bite, 0.0)
        hole = (("M", right), _arc(bite, False, left, 0), _arc(bite, False, right, 0), ("Z",))
        return Figure((*circle(radius).commands, *hole))
    x = 0.5 * ((radius - bite) * (radius + bite) / offset + offset)
    y = math.sqrt(max(radius * radius - x * x, 0.0))
    return Figure((("M", (x, y)), _arc(radius, x > 0.0, (x, -y)), _arc(bite, x > offset, (x, y), 0), ("Z",)))


def vesica(radius: float, offset: float) -> Figure | None:
    if offset >= radius:
        return None
    tip = math.sqrt(radius * radius - offset * offset)
    return Figure((("M", (0.0, -tip)), _arc(radius, False, (0.0, tip)), _arc(radius, False, (0.0, -tip)), ("Z",)))


def heart(size: float) -> Figure:
    half = size * (2.0 - math.sqrt(2.0))
    reach, low = half * math.sqrt(2.0), half * (0.5 - math.sqrt(0.125))
    right, notch, left, tip = (reach, -low), (0.0, reach - low), (-reach, -low), (0.0, -reach - low)
    return Figure((("M", tip), ("L", right), _arc(half, False, notch), _arc(half, False, left), ("Z",)))


def egg(bottom: float, top: float, height: float) -> Figure:
    large, small = max(bottom, top), min(bottom, top)
    rise = max(height, large - small)
    up = -1.0 if bottom < top else 1.0
    middle = 0.5 * (rise + small - large)

    def place(x: float, y: float) -> Place:
        """From where the large end is below, with its centre at the origin."""
        return x, up * (y - middle)

    if rise <= large - small:
        return ellipse_at(place(0.0, 0.0), large, large)
    sweep = 1 if up > 0.0 else 0
    touch = (small, rise)
    side: Callable[[Place], Command] = lambda end: ("L", end)  # noqa: E731
    if large > small:
        # The right side's arc is centred on the left, level with the large end, and touches both ends from outside.
        bend = 2.0 * (large - small) / ((large - small) * (large + small) + rise * rise)
        centre = large - 1.0 / bend
        away = math.hypot(centre, rise)
        touch = (-small * centre / away, rise + small * rise / away)
        side = lambda end: _arc(1.0 / bend, False, end, sweep)  # noqa: E731
    (x, y), level = touch, place(large, 0.0)
    return Figure((
        ("M", level), side(place(x, y)), _arc(small, False, place(-x, y), sweep), side(place(-large, 0.0)),
        _arc(large, False, level, sweep), ("Z",),
    ), winding="simple" if sweep else "evenodd")  # fmt: skip


def capsule(a: Place, b: Place, radius_a: float, radius_b: float) -> Figure:
    along = (b[0] - a[0], b[1] - a[1])
    size = math.hypot(*along)
    if size <= abs(radius_a - radius_b) or size < 1e-9:
        return ellipse_at(a, radius_a, radius_a) if radius_a > radius_b else ellipse_at(b, radius_b, radius_b)
    ux, uy = along[0] / size, along[1] / size
    sin = (radius_a - radius_b) / size
    cos = math.sqrt(1.0 - sin * sin)

    def touch(centre: Place, radius: float, side: float) -> Place:
        """Where the common tangent on the left (side 1) or right (-1) touches a disk."""
        return (centre[0] + radius * (sin * ux - side * cos * uy), centre[1] + radius * (sin * uy + side * cos * ux))

    return Figure((
        ("M", touch(a, radius_a, -1.0)), ("L", touch(b, radius_b, -1.0)), _arc(radius_b, sin < 0.0, touch(b, radius_b, 1.0)),
        ("L", touch(a, radius_a, 1.0)), _arc(radius_a, sin > 0.0, touch(a, radius_a, -1.0)), ("Z",),
    ), larger=lambda amount: capsule(a, b, radius_a + amount, radius_b + amount))  # fmt: skip


def chamferbox(half_width: float, half_height: float, chamfer: float) -> Figure | None:
    reach = half_width + half_height - chamfer
    if reach <= 0.0:
        return None
    w, h = min(half_width, reach), min(half_height, reach)
    corner = [(w, reach - w), (reach - h, h)]
    return polygon([*corner, *((-x, y) for x, y in corner[::-1]), *((-x, -y) for x, y in corner), *((x, -y) for x, y in corner[::-1])])


def tunnel(half_width: float, wall: float) -> Figure:
    w, low, rise = half_width, -0.5 * (half_width + wall), 0.5 * (wall - half_width)
    return Figure((("M", (-w, low)), ("L", (w, low)), ("L", (w, rise)), _arc(w, False, (-w, rise)), ("Z",)))


def stairs(steps: float, half_width: float, half_height: float) -> Figure:
    whole, w, h = round(steps), half_width, half_height
    corners = [(i + j, i + 1) for i in range(whole) for j in (0, 1)]
    return polygon([(w, -h), (-w, -h), *((2.0 * w * i / whole - w, 2.0 * h * j / whole - h) for i, j in corners)])


def roundedcross(half_width: float, half_height: float) -> Figure | None:
    w, h = half_width, half_height
    if min(w, h) <= 0.0:
        return None
    bow = 0.5 * (w * w + h * h) / min(w, h)
    tips = [(0.0, h), (-w, 0.0), (0.0, -h), (w, 0.0)]
    return Figure((("M", (w, 0.0)), *(_arc(bow, False, tip, 0) for tip in tips), ("Z",)))


def cushion(radius: float, bulge: float) -> Figure:
    reach = radius * (0.5 + math.sqrt(2.0) * bulge)
    sides: list[Command] = [
        ("Q", _turned((reach, reach), turn), _turned((0.0, radius), turn)) for turn in range(4)
    ]  # fmt: skip
    return Figure((("M", (radius, 0.0)), *sides, ("Z",)))


def ringsector(radius: float, angle: float, width: float) -> Figure | None:
    return ring(radius, width) if angle > math.pi - 1e-5 else horseshoe(radius, angle, 0.0, width)


def horseshoe(radius: float, angle: float, legs: float, width: float) -> Figure | None:
    inner, outer, large = radius - 0.5 * width, radius + 0.5 * width, angle > 0.5 * math.pi
    if inner <= 0.0:
        return None
    sin, cos = math.sin(angle), math.cos(angle)
    reach = min(legs, inner * sin / -cos) if cos < 0.0 else legs

    def place(along: float, across: float, side: float = 1.0) -> Place:
        return side * (along * sin + across * cos), along * cos - across * sin

    return Figure((
        ("M", place(outer, reach)), ("L", place(outer, 0.0)), _arc(outer, large, place(outer, 0.0, -1.0)),
        ("L", place(outer, reach, -1.0)), ("L", place(inner, reach, -1.0)), ("L", place(inner, 0.0, -1.0)),
        _arc(inner, large, place(inner, 0.0), 0), ("L", place(inner, reach)), ("Z",),
    ))  # fmt: skip


# -- strokes ------------------------------------------------------------------------------------------------------


def segment(a: Place, b: Place, width: float) -> Figure:
    ends = {"x1": number(a[0]), "y1": number(a[1]), "x2": number(b[0]), "y2": number(b[1])}
    return Figure((("M", a), ("L", b)), False, width, element=("line", ends))


def ring(radius: float, width: float) -> Figure:
    if width >= 2.0 * radius:
        return circle(radius + 0.5 * width)
    return replace(circle(radius), filled=False, width=width)


def arc(radius: float, angle: float, width: float) -> Figure | None:
    if angle > math.pi - 1e-6:
        return ring(radius, width)
    if width >= 2.0 * radius:
        return None
    x, y = radius * math.sin(angle), radius * math.cos(angle)
    return Figure((("M", (x, y)), _arc(radius, angle > 0.5 * math.pi, (-x, y))), False, width)


def bezier(a: Place, b: Place, c: Place, width: float) -> Figure:
    return Figure((("M", a), *_stroked_curve(a, b, c, width)), False, width)


def cool_s(size: float, width: float) -> Figure:
    unit = size / 2.5
    half = [
        ((0.0, 0.5), (0.0, 1.5)), ((-0.5, 0.0), (-1.0, 0.5), (-1.0, 1.5), (0.0, 2.5), (1.0, 1.5), (1.0, 0.5), (0.5, 0.0)),
        ((0.0, 0.5), (1.0, -0.5)),
    ]  # fmt: skip
    commands: list[Command] = []
    for turn in (unit, -unit):
        for line in half:
            commands += [("L" if k else "M", (turn * x, turn * y)) for k, (x, y) in enumerate(line)]
    return Figure(tuple(commands), False, width)


def _stroked_curve(start: Place, control: Place, end: Place, width: float) -> list[Command]:
    """A quadratic that is to be stroked: where it bends more tightly than its stroke is wide, short lines, whose joins
    are round. What is drawn is the same, but some renderers (Cairo) lose parts of a stroke at such bends."""
    p, c, q = (np.array(point) for point in (start, control, end))
    pull, bend = c - p, p - 2.0 * c + q
    # The radius of curvature is 2 |pull + t bend|^3 / |pull x bend|; with equal sides it is 0.6 of the width.
    least = (0.3 * width * max(abs(pull[0] * bend[1] - pull[1] * bend[0]), 1e-9)) ** (1.0 / 3.0)
    square, half = float(bend @ bend), float(pull @ bend)
    inner = half * half - square * (float(pull @ pull) - least * least)
    if inner <= 0.0 or square < 1e-12:
        return [("Q", control, end)]
    first, last = (min(max((side * math.sqrt(inner) - half) / square, 0.0), 1.0) for side in (-1.0, 1.0))
    if first >= last:
        return [("Q", control, end)]

    def at(t: float) -> Array:
        return np.asarray(p + 2.0 * t * pull + t * t * bend)

    def part(t: float, u: float) -> list[Command]:
        """The curve from t to u."""
        turn = at(t) + (u - t) * (pull + t * bend)
        return [("Q", _pair(turn), _pair(at(u)))] if u > t else []

    # A chord over a step dt is |bend| dt² / 4 off the curve.
    count = max(2, math.ceil((last - first) * math.sqrt(math.sqrt(square) / (4.0 * STROKE_TOLERANCE))))
    lines = [("L", _pair(at(t))) for t in np.linspace(first, last, count + 1)[1:].tolist()]
    return [*part(0.0, first), *lines, *part(last, 1.0)]


def _pair(point: Array) -> Place:
    return float(point[0]), float(point[1])


FIGURES: dict[str, Callable[..., Figure | None]] = {
    "circle": circle, "ellipse": lambda rx, ry: ellipse_at((0.0, 0.0), rx, ry), "box": box, "rhombus": rhombus,
    "trapezoid": trapezoid, "parallelogram": parallelogram, "triangle": triangle, "ngon": ngon, "star": star,
    "cross": cross, "pie": pie, "cutdisk": cutdisk, "moon": moon, "vesica": vesica, "heart": heart, "egg": egg,
    "segment": segment, "capsule": capsule, "arc": arc, "ring": ring, "bezier": bezier,
    "chamferbox": chamferbox, "tunnel": tunnel, "stairs": stairs, "roundedcross": roundedcross, "cushion": cushion,
    "ringsector": ringsector, "horseshoe": horseshoe, "cool_s": cool_s,
}  # fmt: skip
"""By the name of the operation; called with its parameters, lengths in scene units and angles in radians."""


def outline(elements: Sequence[Sequence[float]], width: float | None, caps: str, closed: bool) -> Figure:
    """A polygon or path by its lines and quadratics (`shaderdsl.tape.outline_elements`, rows of eight); with a width it
    is stroked."""
    commands: list[Command] = [("M", (elements[0][0], elements[0][1]))]
    for k, (x0, y0, cx, cy, x, y, curved, _) in enumerate(elements):
        if curved and width is not None:
            commands += _stroked_curve((x0, y0), (cx, cy), (x, y), width)
        elif curved:
            commands.append(("Q", (cx, cy), (x, y)))
        elif not (closed and k == len(elements) - 1):  # the line that Z draws
            commands.append(("L", (x, y)))
    if closed:
        commands.append(("Z",))
    if width is not None:
        return Figure(tuple(commands), False, width, "butt" if caps == "butt" else "round")
    plain = closed and not any(row[6] for row in elements)
    points = " ".join(f"{number(x)},{number(y)}" for _, (x, y) in commands[:-1]) if plain else ""
    return Figure(tuple(commands), winding="evenodd", element=("polygon", {"points": points}) if plain else None)


# -- geometry of commands -----------------------------------------------------------------------------------------


def moved(commands: Sequence[Command], matrix: Array) -> tuple[Command, ...]:
    """Commands through an affine map (2, 3)."""
    mirrors = bool(np.linalg.det(matrix[:, :2]) < 0.0)

    def place(p: Place) -> Place:
        x, y = matrix[:, :2] @ p + matrix[:, 2]
        return float(x), float(y)

    result: list[Command] = []
    for kind, *rest in commands:
        if kind == "A":
            rx, ry, degrees, large, sweep, end = rest
            t = math.radians(degrees)
            turn = np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]])
            axes, sizes, _ = np.linalg.svd(matrix[:, :2] @ turn @ np.diag([rx, ry]))
            tilt = 0.0 if math.isclose(sizes[0], sizes[1], rel_tol=1e-9) else math.degrees(math.atan2(axes[1, 0], axes[0, 0]))
            result.append(("A", float(sizes[0]), float(sizes[1]), tilt, large, int(sweep != mirrors), place(end)))
        else:
            result.append((kind, *(place(p) for p in rest)))
    return tuple(result)


def flattened(commands: Sequence[Command], pieces: int = 24) -> list[Array]:
    """The loops as polygons (n, 2): curves become `pieces` chords, arcs so many for each half turn."""
    loops: list[list[Array]] = []
    share = np.linspace(0.0, 1.0, pieces + 1)[1:, None]
    for kind, *rest in commands:
        if kind == "M":
            loops.append([np.array([rest[0]], np.float64)])
        elif kind == "L":
            loops[-1].append(np.array([rest[0]], np.float64))
        elif kind == "Q":
            start, control, end = loops[-1][-1][-1], np.array(rest[0]), np.array(rest[1])
            loops[-1].append((1 - share) ** 2 * start + 2 * share * (1 - share) * control + share**2 * end)
        elif kind == "A":
            loops[-1].append(_arc_points(loops[-1][-1][-1], rest, pieces))
    return [np.concatenate(loop) for loop in loops]


def _arc_points(start: Array, arc: Sequence[Any], pieces: int) -> Array:
    """Points of an arc command behind its start, by SVG's own formulas (its appendix F.6)."""
    rx, ry, degrees, large, sweep, end = arc
    t = math.radians(degrees)
    turn = np.array([[math.cos(t), math.sin(t)], [-math.sin(t), math.cos(t)]])
    stretch = np.diag([1.0 / max(rx, 1e-12), 1.0 / max(ry, 1e-12)]) @ turn
    a, b = stretch @ start, stretch @ np.array(end)
    middle, half = 0.5 * (a + b), 0.5 * (b - a)
    length = math.hypot(*half)
    aside = math.sqrt(max(1.0 - length * length, 0.0)) / max(length, 1e-12)
    side = 1.0 if large != sweep else -1.0
    centre = middle + side * aside * np.array([-half[1], half[0]])
    first, last = (math.atan2(*(p - centre)[::-1]) for p in (a, b))
    span = (last - first) % (2.0 * math.pi) if sweep else -((first - last) % (2.0 * math.pi))
    count = max(2, math.ceil(pieces * abs(span) / math.pi))
    angles = first + span * np.linspace(0.0, 1.0, count + 1)[1:]
    unit = centre + np.stack([np.cos(angles), np.sin(angles)], 1)
    return np.asarray(unit @ np.linalg.inv(stretch).T)


def joinable(figure: Figure) -> Figure | None:
    """The figure as one that may be joined to others by the rule "nonzero": nothing that it covers runs clockwise."""
    if figure.winding != "evenodd":
        return figure
    loops = flattened(figure.commands)
    if len(loops) != 1 or len(loops[0]) > MOST_SIDES or _crosses_itself(loops[0]):
        return None
    turned = figure.commands if signed_area(loops[0]) > 0.0 else _reversed(figure.commands)
    return replace(figure, commands=turned, winding="simple", element=None)


def _reversed(commands: Sequence[Command]) -> tuple[Command, ...]:
    """A single closed loop the other way round."""
    ends = [command[-1] for command in commands[:-1]]
    result: list[Command] = [("M", ends[-1])]
    for (kind, *rest), end in zip(commands[-2:0:-1], ends[-2::-1]):
        if kind == "A":
            rest[-2] = 1 - rest[-2]
        result.append((kind, *rest[:-1], end))
    return (*result, ("Z",))


def _crosses_itself(loop: Array) -> bool:
    """Whether a closed polygon's (n, 2) sides cross or touch where they do not follow each other."""
    loop = loop[np.any(loop != np.roll(loop, 1, 0), axis=1)]
    start, end = loop, np.roll(loop, -1, 0)
    along = end - start

    def side(points: Array) -> Array:
        """Cross products (n, m) of each side with the vectors from its start to points (m, 2)."""
        away = points[None] - start[:, None]
        return np.asarray(along[:, None, 0] * away[..., 1] - along[:, None, 1] * away[..., 0])

    apart = side(start) * side(end) <= 0.0
    met = apart & apart.T
    count = len(loop)
    index = np.arange(count)
    gap = np.abs(index[:, None] - index[None])
    return bool(np.any(met & (gap > 1) & (gap < count - 1)))
