"""Random scenes of space as text: solids about the origin, a camera that sees them, lights that show them, fog and tone.

Levels: 1 is one solid; 2 a few placed solids; 3 everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from random import Random

import numpy as np

from data.bodies import Bodies, Body, endless_shapes, entries
from data.reach import Double, Drawn
from data.writing import Palette, Writer, decimal, hexadecimal
from shaderdsl.expression import Expr, Graph
from shaderdsl.registry import Operation, bind, continuous_names
from shaderdsl.solid_checker import SETTINGS, TONES
from shaderdsl.solid_dual import camera_slots

RADIUS = 1.0
"""About how far a scene reaches from the origin."""

_CLOSEST, _FARTHEST = 0.95, 1.6
"""What half of a picture's shorter side sees at the origin, by RADIUS."""

_STEEPEST = 0.85
"""The sine of the angle from which a camera looks down at most; from below it never looks more than a little."""

_TRIES = 2000


class SceneWriter:
    """Writes one program; `count` is how many solids are drawn, a floor apart."""

    def __init__(self, random: Random, level: int, count: int | None, share: float) -> None:
        self.random = random
        self.level = level
        self.writer = Writer(random, share if level == 3 else 0.0, dimension=3)
        self.palette = Palette(random)
        self.bodies = Bodies(self.writer, self.palette, plain=level < 3)
        if count is None:
            count = 1 if level == 1 else random.randint(2, 5) if level == 2 else 1 + int(6 * random.random() ** 1.6)
        self.count = count

    def text(self) -> str:
        scene = self._scene()
        statements = self.writer.statements
        camera, toward = self._camera()
        statements += camera
        for light in self._lights(toward):
            statements.append(light)
        floor, height = self._floor() if self.writer.chance(0.4) else ("", -math.inf)
        if floor:
            statements.append(floor)
        for index in range(self.count):
            statements.append(self._solid(index, height))
        return "\n".join([scene, *statements])

    def _scene(self) -> str:
        writer, random = self.writer, self.random
        given = []
        choice = random.random()
        if choice < 0.8:
            given.append(f"background = {hexadecimal(self.palette.colour())}")
        elif choice < 0.9:
            given.append("background = none")
            self.palette.use((1.0, 1.0, 1.0))
        if self.level == 3:
            for name, parameter in SETTINGS.items():
                if writer.chance(0.2):
                    # The square root of the range's middle: few scenes are very dark, or lost in fog.
                    value = min(max(random.gauss(parameter.default or 0.12, 0.25), parameter.low + 0.05), parameter.high)  # type: ignore[arg-type]
                    given.append(f"{name} = {decimal(value)}")
            if writer.chance(0.35):
                given.append(f"tone = {random.choice(TONES[:-1])}")
        return f"scene 3d({', '.join(given)})" if given else "scene 3d"

    # -- camera and lights ----------------------------------------------------------------------------------

    def _camera(self) -> tuple[list[str], Double]:
        """The statement of a camera that has the scene in its frame, and the direction to it."""
        if self.writer.chance(0.5 if self.level == 1 else 0.1):
            return [], np.array([0.45, 0.4, 0.8])
        operation = self.random.choice(entries("camera"))
        for _ in range(_TRIES):
            values = {**_defaults(operation), **self.bodies.values(operation)}
            eye = framing(operation, values)
            if eye is not None:
                given = {k: v for k, v in values.items() if v != operation.parameter(k).default}
                return [self.bodies.call(operation, given)], eye
        raise ValueError(f"no {operation.name} in its sensible ranges has a scene in its frame: widen them")

    def _lights(self, toward: Double) -> Iterator[str]:
        """One to three lights, the first of which comes from somewhere on the camera's side."""
        writer, random = self.writer, self.random
        if writer.chance(0.5 if self.level == 1 else 0.05):
            return
        lights = entries("light")
        placed = [o for o in lights if any(p.kind == "vector" for p in o.parameters)]
        around = [o for o in lights if o not in placed]
        chosen = [random.choice(placed)]
        if writer.chance(0.85):
            chosen.append(random.choice(around))
        if writer.chance(0.25):
            chosen.append(random.choice(lights))
        for number, operation in enumerate(chosen):
            yield self._light(operation, toward, number)

    def _light(self, operation: Operation, toward: Double, number: int) -> str:
        random = self.random
        values: dict[str, Drawn] = {}
        for p in operation.parameters:
            if p.kind == "vector":
                direction = toward + np.array([random.gauss(0.0, 0.6) for _ in range(3)])
                direction[1] = abs(direction[1]) + 0.3
                values[p.name] = tuple((direction / np.linalg.norm(direction) * p.high).tolist())
            elif p.kind == "colour":
                if self.writer.chance(0.3):
                    values[p.name] = tuple(random.uniform(0.6, 1.0) for _ in range(3))
            elif p.default != p.low or self.writer.chance(0.2):  # a light does few things that it leaves out by default
                # The first light shows the scene, others only add to it.
                middle = 0.5 * (p.low + p.high)
                strong = number == 0 and p.default != p.low
                values[p.name] = random.uniform(middle, p.high) if strong else random.uniform(p.low, middle)
        return self.bodies.call(operation, values)

    # -- solids -----------------------------------------------------------------------------------------------

    def _floor(self) -> tuple[str, float]:
        """A painted floor below the scene, and its height."""
        random = self.random
        for _ in range(_TRIES):
            operation = random.choice(endless_shapes())
            values = self.bodies.values(operation)
            height = floor_height(f"{operation.function}({', '.join(_plain(v) for v in values.values())})") if values else None
            if height is not None and -1.0 < height < -0.4:
                body = Body(self.bodies.call(operation, values), math.inf, 1.0)
                return self.bodies.painted(body).text, height
        return "", -math.inf

    def _solid(self, index: int, floor: float) -> str:
        """One statement that draws: solids stand around the middle, on the floor if there is one."""
        random, bodies = self.random, self.bodies
        size = RADIUS * random.uniform(0.75, 1.0) * self.count**-0.35
        body = bodies.body(size, 2)
        if self.level > 1 and self.writer.chance(0.4):
            body = bodies.transformed(body)
        if not body.painted and not self.writer.chance(0.04):
            body = bodies.painted(body)
        if self.level == 1 and floor == -math.inf:
            return body.text
        found = bodies.measured(body)
        across = 0.5 * float(np.linalg.norm(found.high - found.low))
        if 0.0 < across < 0.5 * size:  # little was left of it
            body = bodies.scaled(body, min(0.8 * size / across, 3.0))
            found = bodies.measured(body)
        middle = 0.5 * (found.low + found.high)
        turn = 2.0 * math.pi * (index + random.uniform(-0.25, 0.25)) / self.count
        away = (RADIUS - 0.7 * size) * random.uniform(0.8, 1.0) if self.count > 1 else 0.0
        place = np.array([away * math.sin(turn), random.uniform(-0.4, 0.4) * (self.count > 1), away * math.cos(turn)]) - middle
        if math.isfinite(floor) and self.writer.chance(0.8):
            place[1] = floor - found.low[1]
        return bodies.moved(body, place.tolist()).text


def framing(operation: Operation, values: dict[str, Drawn]) -> Double | None:
    """The direction to the eye of a camera that sees a scene well; None for one that does not."""
    graph, outputs = _traced(operation)
    scalars: list[float] = []
    for p in operation.parameters:
        value = values[p.name]
        scalars += value if isinstance(value, tuple) else [math.radians(float(value)) if p.kind == "angle" else float(value)]
    slots = np.array(graph.evaluate(outputs, dict(zip(continuous_names(operation), scalars))))
    eye, forward, spread, parallel = slots[:3], slots[9:12], slots[12], slots[13]
    away = float(np.linalg.norm(eye))
    if away < RADIUS + 0.6:
        return None
    seen = spread if parallel else spread * away
    aside = float(np.linalg.norm(eye - forward * (eye @ forward)))
    is_good = _CLOSEST * RADIUS < seen < _FARTHEST * RADIUS and aside < 0.25 * seen and -0.05 < eye[1] / away < _STEEPEST
    return eye / away if is_good else None


@cache
def _traced(operation: Operation) -> tuple[Graph, list[Expr]]:
    graph = Graph()
    names = continuous_names(operation)
    camera = operation.body(**bind(operation, {name: graph.input(name) for name in names}))
    return graph, camera_slots(camera)


def floor_height(text: str) -> float | None:
    """How high a solid without end is at the origin, if everything below it is solid and everything above is not."""
    from render.pictures import field
    from shaderdsl.program import parse

    program = parse("scene 3d\n" + text)
    x, y, z = np.meshgrid([-2.0, 0.0, 2.0], np.linspace(-3.0, 3.0, 61), [-2.0, 0.0, 2.0], indexing="ij")
    inside = field(program, np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1)).reshape(x.shape) < 0.0
    if not (inside[:, 0].all() and not inside[:, -1].any() and (np.diff(inside.astype(int), axis=1) <= 0).all()):
        return None
    heights = -3.0 + 0.1 * inside.sum(1)
    return float(heights[1, 1]) if np.ptp(heights) < 1.0 else None


def _plain(value: Drawn) -> str:
    return f"({', '.join(map(decimal, value))})" if isinstance(value, tuple) else decimal(float(value))


def _defaults(operation: Operation) -> dict[str, Drawn]:
    return {p.name: p.default for p in operation.parameters if p.default is not None}
