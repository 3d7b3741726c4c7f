"""How things stand: upright or aslant, on the floor or on each other, and how far a camera looks down on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refine.solid_model import CAMERA_DISTANCE, CAMERA_FOV, Model, Solid, camera_frame
from shaderdsl.view import FAR

FLOOR = -0.5
"""The height of a floor before there is anything on it."""


def elevation_of(horizon: float) -> float:
    """The angle (degrees) that the camera looks down by where the floor ends so far above the picture's middle (see
    `refine.solid_patches.horizon_of`)."""
    angle = np.arctan(horizon * np.tan(np.radians(CAMERA_FOV / 2)))
    # Nothing is seen beyond some distance.
    return float(np.degrees(angle + (CAMERA_DISTANCE * np.sin(angle) - FLOOR) / FAR))


def standing(model: Model, supports: Sequence[int | None]) -> Model:
    """The model with things so near that they stand on the floor, or are as far away as those they stand on: `supports` has the
    number of one, or None, for each. What it looks like stays as it is, but for what hides what; the first thing on the
    floor stays where it is, and the floor comes to it."""
    eye = camera_frame(model.elevation)[0]
    things = list(model.things)
    grounded = [k for k, support in enumerate(supports) if support is None]
    if not grounded:
        return model
    floor = things[grounded[0]].lowest
    if floor >= eye[1]:
        return model
    done = set(grounded)
    for k in grounded:
        if things[k].lowest < eye[1]:
            things[k] = things[k].nearer(eye, float((eye[1] - floor) / (eye[1] - things[k].lowest)))
    for _ in things:
        for k, support in enumerate(supports):
            if k not in done and support in done:
                assert support is not None
                distances = [float(np.linalg.norm(things[j].middle - eye)) for j in (support, k)]
                things[k] = things[k].nearer(eye, distances[0] / distances[1])
                done.add(k)
    return replace(model, floor=(floor, *model.floor[1:]), things=tuple(things))


def stands(solid: Solid) -> bool:
    """Whether a solid stands upright, or lies flat, or has no way to."""
    return len(solid.angles) < 2 or bool(np.abs(solid.turn[1]).max() > 0.985)


def upright(solid: Solid) -> Solid | None:
    """A solid that is turned by three angles and of which an axis is nearly upright, turned about y alone: a box with its sizes in the
    order in which y is; None for another one that lies or is upside down."""
    matrix = solid.turn
    k = int(np.abs(matrix[1]).argmax())
    aside, sizes = matrix[:, 0], solid.sizes
    if solid.kind == "box":
        aside, sizes = matrix[:, (k + 1) % 3], (sizes[(k + 1) % 3], sizes[k], sizes[(k + 2) % 3])
    elif k != 1 or matrix[1, 1] < 0.0:
        return None
    return replace(solid, sizes=sizes, angles=(float(np.degrees(np.arctan2(-aside[2], aside[0]))),))
