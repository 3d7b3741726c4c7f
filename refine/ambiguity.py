"""What a picture does not tell of a program in space, in words.

Numbers that can change together without a change of the picture lie along the directions in which JᵀJ has no curvature. They
are looked for in one solid's place and sizes at a time, and in the light with the colours that it falls on: there a person can
name them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.descents import Coordinates, Level
from render.batching import batch_of
from render.tapes import lowered
from shaderdsl import Program

if TYPE_CHECKING:
    from refine.views import Joint

Ints = npt.NDArray[np.int64]

STEP = 0.1
"""A change of numbers (scene units, radians, logarithms of sizes, colour components) ..."""

UNSEEN = 1e-7
"""... that changes the picture by less than this mean squared error (70 dB) is one that the picture does not tell of."""


def undetermined(program: Program, level: Level, joint: Joint | None = None) -> list[str]:
    """At most three sentences on what a picture, at the size of `level`, does not tell of the program that draws it.

    joint: a problem of several views, of `refine.views.joint_problem`, whose levels `level` is one of; `program` is then the first view's.
    """
    problem: Any = lowered(program) if joint is None else joint
    coordinates = Coordinates(program) if joint is None else joint.coordinates
    values = program.params[None] if joint is None else joint.start[None]
    _, _, matrices = batch_of(problem, values).normal_equations(level.target, level.blur)
    slope = coordinates.slope(coordinates.inward(values))[0]
    matrix = matrices[0, : len(slope), : len(slope)] * slope[:, None] * slope[None, :]
    least = UNSEEN * level.target.image.size / STEP**2
    infos = program.parameters
    sentences: dict[str, str] = {}
    for kind, columns in _questions(program, coordinates):
        eigenvalues, vectors = np.linalg.eigh(matrix[np.ix_(columns, columns)])
        for direction in vectors.T[eigenvalues < least]:
            strong = [int(columns[k]) for k in np.argsort(-np.abs(direction)) if abs(direction[k]) > 0.1]
            names = [infos[k].name for k in strong]
            lengths = [n for n, k in zip(names, strong) if infos[k].kind == "length" and not _is_place(n)]
            places = [n for n in names if _is_place(n)]
            if kind == "solid" and lengths and places:
                sentences.setdefault(
                    "size", f"One picture does not tell the size of a solid from its distance: {lengths[0]} and {places[0]} can change together."
                )
            elif kind == "solid":
                sentences.setdefault("hidden", f"The picture hardly depends on {_listed(names[:3])}.")
            elif len(names) > 1:
                lights = [n for n in names if "intensity" in n]
                colours = [n for n in names if "intensity" not in n]
                if lights and colours:
                    sentences.setdefault(
                        "light", f"A brighter light on darker colours looks the same: {lights[0]} and {colours[0]} can change together."
                    )
    return [sentences[key] for key in ("size", "light", "hidden") if key in sentences]


def _questions(program: Program, coordinates: Coordinates) -> Iterator[tuple[str, Ints]]:
    """Kinds and columns of parameters that are looked at together: a solid's, with those that have names of their own, and those
    of light and colour."""
    infos = program.parameters
    moving = [k for k, info in enumerate(infos) if coordinates.trainable[k]]
    solids: dict[str, list[int]] = {}
    named = []
    for k in moving:
        if infos[k].name == infos[k].group:
            named.append(k)
        elif ".move" in infos[k].name or infos[k].kind in ("length", "angle"):
            solids.setdefault(infos[k].group, []).append(k)
    for columns in solids.values():
        if any(".move" in infos[k].name for k in columns):
            yield "solid", np.array(columns + named)
    light = [k for k in moving if "intensity" in infos[k].name or (infos[k].kind == "colour" and ".paint." in infos[k].name)]
    if light:
        yield "light", np.array(light)


def _is_place(name: str) -> bool:
    """Whether a number is a solid's place: `move`'s, or one that has a name of its own (see `refine.solid_sharing`)."""
    return ".move" in name or name.rstrip("0123456789") in ("x", "y", "z")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
