"""A program in space seen from elsewhere: the same solids and lights, and another camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from render.tapes import solid_tape_of
from shaderdsl.errors import DslError
from shaderdsl.program import Program, parse
from shaderdsl.registry import scalar_names
from shaderdsl.solid_dual import CAMERA
from shaderdsl.syntax import Draw
from shaderdsl.tape import all_scalars

if TYPE_CHECKING:
    from shaderdsl.scene import SolidScene


@dataclass(frozen=True)
class Orbit:
    """Where a camera is, by angles in degrees and a distance around `target`, and what the picture's shorter side sees: an
    angle in degrees, or, of parallel rays, a height."""

    azimuth: float
    elevation: float
    distance: float
    target: tuple[float, float, float]
    seen: float
    parallel: bool


def orbit_of(program: Program) -> Orbit:
    """The orbit on which the camera of a program in space stands; a camera's roll is left out. ValueError for the plane."""
    if program.dimension != 3:
        raise ValueError("only a program in space has a camera: this one does not begin with `scene 3d`")
    scene: SolidScene = program.scene
    tape = solid_tape_of(program)
    slots = dict(zip(CAMERA, tape.slot_values(program.params)[tape.camera :].tolist()))
    camera = scene.camera
    scalars = dict(zip(scalar_names(camera.operation), all_scalars(camera.operation, camera.scalars, camera.decided, scene.graph)))
    axes = [scalars[name] for name in scalars if name.startswith("target")]
    x, y, z = scene.graph.evaluate(axes, dict(enumerate(program.params.tolist())))
    back = np.array([slots["eye_x"] - x, slots["eye_y"] - y, slots["eye_z"] - z])
    distance = float(np.linalg.norm(back))
    across, up, along = back / max(distance, 1e-9)
    parallel = slots["parallel"] > 0.5
    spread = slots["spread"]
    return Orbit(
        math.degrees(math.atan2(across, along)),
        math.degrees(math.asin(min(max(up, -1.0), 1.0))),
        distance,
        (x, y, z),
        2.0 * spread if parallel else math.degrees(2.0 * math.atan(spread)),
        parallel,
    )


def orbited(
    program: Program, azimuth: float | None = None, elevation: float | None = None, distance: float | None = None
) -> Program:
    """The program with its camera elsewhere around its target; what is not given stays. A roll is lost.

    azimuth: degrees around y; at 0 the camera is on the z axis of the target. elevation: degrees above the target, -90 to 90.
    distance: from the target, positive; with parallel rays it changes what lies behind the camera alone.

    Raises ValueError for a program of the plane and for wrong numbers.
    """
    orbit = orbit_of(program)
    azimuth = orbit.azimuth if azimuth is None else azimuth
    elevation = orbit.elevation if elevation is None else elevation
    distance = orbit.distance if distance is None else distance
    if not math.isfinite(azimuth) or not -90.0 <= elevation <= 90.0 or not 0.0 < distance < 1e6:
        raise ValueError(
            "a camera's azimuth is in degrees, its elevation -90 to 90 degrees and its distance positive, "
            f"not {azimuth:g}, {elevation:g} and {distance:g}"
        )
    turned, risen = math.radians(azimuth), math.radians(elevation)
    level = math.cos(risen) * distance
    eye = np.array(orbit.target) + (math.sin(turned) * level, math.sin(risen) * distance, math.cos(turned) * level)
    target = _point(orbit.target)
    if orbit.parallel:
        camera = f"orthographic({_point(eye)}, {target}, height = {orbit.seen:.7g})"
    else:
        camera = f"orbit({azimuth % 360.0:.7g}, {elevation:.7g}, {distance:.7g}, {target}, fov = {orbit.seen:.7g})"
    return _with_camera(program, camera)


def turntable(program: Program, count: int) -> list[Program]:
    """The program seen from `count` places, once around the y axis of its camera's target, from its own place on."""
    orbit = orbit_of(program)
    return [orbited(program, azimuth=orbit.azimuth + 360.0 * k / count) for k in range(count)]


def _point(values: object) -> str:
    return "(" + ", ".join(f"{v:.7g}" for v in values) + ")"  # type: ignore[attr-defined]


def _with_camera(program: Program, camera: str) -> Program:
    """The program with another camera's statement. There may be one camera alone: with a second one the program is right only
    without the statement of its own, which may be called anything."""
    statements = program.structure.module.statements
    texts = program.structure.texts(program.params)
    fault: DslError | None = None
    for own in (None, *(k for k, statement in enumerate(statements) if isinstance(statement, Draw))):
        lines = [text for k, text in enumerate(texts) if k != own]
        lines.insert(len(lines) if own is None else own, camera)
        try:
            return parse("\n".join(lines))
        except DslError as error:
            fault = fault or error
    raise ValueError(f"the camera can not be put there: {fault}")
