"""How far changes of our pictures of solids are from those of pictures drawn hard and sampled finely, in six cases.

For each number of a case the picture is drawn with it a little larger and smaller, so that edges move by about a third of a
pixel, antialiased by us and hard with 16x16 samples a pixel; compared is the difference of the two, in linear light.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from render import solid_numpy, supersampling
from render.tapes import solid_tape_of
from shaderdsl import Program, parse
from shaderdsl.solid_tape import SolidTape

Double = npt.NDArray[np.float64]

MOVE = 0.35
"""How many pixels an edge at the target moves by, about, when a length does."""

HALF = 1.26
"""Half of what the default camera's picture sees at its target, in scene units."""

CASES = {
    "occlusion edge": """
        fixed(box(0.9, 0.75, 0.1).move(0, 0, -0.5)).paint(fixed(#d0a040))
        sphere(0.45).move(0.1, 0.05, fixed(0.3)).paint(fixed(#3060c0))""",
    "box silhouette": "box(0.5, 0.4, 0.45).rotate(fixed(20)).move(0.03, -0.04, 0.02).paint(fixed(#d08050))",
    "material edge": """
        fixed(sphere(0.6)).paint(fixed(#e03020)) | box(0.35, 0.5, 0.45).move(0.25, 0.1, 0.2).paint(fixed(#2040e0))""",
    "smooth union": """
        union(sphere(0.4).move(-0.25, 0.02, 0.05), fixed(box(0.3, 0.35, 0.3)).move(0.33, 0.05, 0), smooth = 0.25)
            .paint(fixed(#60b080))""",
    "thin shell": """
        (sphere(0.7).onion(0.07) - box(fixed(0.9), 0.5, fixed(0.9)).move(fixed(0.1), 0.62, fixed(0.1))).paint(fixed(#c0a080))""",
    "off-centre camera": """
        camera((1.2, 0.9, 2.9), target = fixed((-0.25, 0.1, 0)), fov = fixed(50))
        fixed(box(0.3, 0.4, 0.35).rotate(15).move(0.45, 0.1, 0.2)).paint(fixed(#50a0d0))
        sphere(0.4).move(-0.4, -0.15, 0.3).paint(fixed(#d05050))""",
}  # fmt: skip


def case(name: str) -> Program:
    return parse("scene 3d(background = fixed(#203040))\n" + CASES[name])


def varied(program: Program) -> list[int]:
    """The numbers that move edges: those outside of `fixed`."""
    return [index for index, parameter in enumerate(program.parameters) if parameter.trainable]


def linear(program: Program) -> SolidTape:
    """The tape of a scene whose picture is left in linear light."""
    return replace(solid_tape_of(program), tone="raw")


def averaged(picture: Double, samples: int) -> Double:
    """(h, w, c): the mean of samples x samples pixels each."""
    height, width = picture.shape[0] // samples, picture.shape[1] // samples
    return np.asarray(picture.reshape(height, samples, width, samples, -1).mean((1, 3)))


def ours(tape: SolidTape, params: Double, side: int, samples: int) -> Double:
    """Our picture (side, side, 4) in linear light, drawn `samples` times as large and averaged."""
    return averaged(solid_numpy.picture(tape, params, (side * samples, side * samples))[0], samples)


def difference_error(program: Program, side: int, samples: int, fineness: int = 16) -> float:
    """The relative L2 error of our picture's central differences against those of hard pictures with `fineness` squared
    samples a pixel: the root mean square over its numbers that are not fixed. A picture is `side` pixels wide and high, and ours is drawn
    `samples` times as large and averaged."""
    tape = linear(program)
    step = MOVE * 2.0 * HALF / side
    errors = []
    for index in varied(program):
        ahead, behind = program.params.copy(), program.params.copy()
        ahead[index] += step
        behind[index] -= step
        found = ours(tape, ahead, side, samples) - ours(tape, behind, side, samples)
        truth = supersampling.picture(tape, ahead, (side, side), fineness) - supersampling.picture(tape, behind, (side, side), fineness)
        errors.append(np.linalg.norm(found - truth) / np.linalg.norm(truth))
    return float(np.sqrt(np.mean(np.square(errors))))
