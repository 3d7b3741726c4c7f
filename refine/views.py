"""Several pictures of one program: from several cameras, and of its normals, depth or silhouette, refined together.

All pictures share the program's numbers; each view adds its own camera's. A joint problem looks to
`refine.descents.least_squares` like one program: it has coordinates, and batches with normal equations, which are the
sums of its parts'.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.descents import Coordinates, Level, legal, pyramid, working_side
from shaderdsl import syntax
from shaderdsl.program import Program, parse
from shaderdsl.registry import functions

if TYPE_CHECKING:
    from render.averaging import Finer
    from render.images import Picture
    from render.taichi_backend import Target
    from shaderdsl.solid_tape import SolidTape

Double = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def with_camera(program: Program, camera: str) -> Program:
    """A program in space, seen from another camera: `camera` is a call such as "orbit(30, 20, 4)".

    Raises ValueError for a program of the plane, DslError for what is no camera.
    """
    if program.dimension != 3:
        raise ValueError("a program of the plane has no camera: it is seen as it is")
    statements = program.structure.module.statements
    texts = program.structure.texts(program.params)
    kept = [text for statement, text in zip(statements, texts) if not _is_camera(statement)]
    first = 1 if isinstance(statements[0], syntax.Scene) else 0
    return parse("\n".join([*kept[:first], camera, *kept[first:]]))


def _is_camera(statement: syntax.Statement) -> bool:
    value = statement.value if isinstance(statement, syntax.Draw) else None
    return isinstance(value, syntax.Call) and any(o.category == "camera" for o in functions(3).get(value.name, ()))


def camera_text(program: Program) -> str:
    """The statement of a program's camera, "" where it has none of its own."""
    statements = program.structure.module.statements
    texts = program.structure.texts(program.params)
    return next((text for statement, text in zip(statements, texts) if _is_camera(statement)), "")


def _camera_parameters(program: Program) -> npt.NDArray[np.bool_]:
    """Which parameters (p,) stand in the camera's statement."""
    statements = program.structure.module.statements
    index = program.structure.checked.index
    result = np.zeros(len(program.params), bool)
    for statement in statements:
        if _is_camera(statement):
            for node in syntax.walk(syntax.Module((statement,), 0)):
                if isinstance(node, syntax.Number) and index[node.slot] >= 0:
                    result[index[node.slot]] = True
    return result


@dataclass(frozen=True, eq=False)
class Part:
    """One picture: the tape that draws it, and where its parameters (p,) are among the joint ones."""

    tape: SolidTape | Finer
    columns: Ints
    weight: float


@dataclass(frozen=True, eq=False)
class View:
    """A picture to be matched: of which program, what it shows (see `SolidTape.showing`), and how much it counts."""

    program: int
    picture: Picture
    what: str = "colour"
    exposure: float = 1.0
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Targets:
    """What the parts of a joint problem are compared with, at one level of the pyramid."""

    parts: Sequence[Target]

    @property
    def image(self) -> npt.NDArray[np.float32]:
        """All of them, one after another: its size is that of the residual."""
        return np.concatenate([t.image.ravel() for t in self.parts])

    @property
    def size(self) -> tuple[int, int]:
        return self.parts[0].size


class Joint:
    """A program seen in several pictures; `batch` and `coordinates` are what descents need."""

    def __init__(self, programs: Sequence[Program], views: Sequence[View], free_cameras: bool) -> None:
        """`programs` differ in their cameras alone; `views` are the pictures of them."""
        from render.tapes import solid_tape_of

        self.programs = list(programs)
        own = [_camera_parameters(p) for p in programs]
        shared = int((~own[0]).sum())
        self.columns: list[Ints] = []
        total = shared
        for camera in own:
            columns = np.empty(len(camera), np.int64)
            columns[~camera] = np.arange(shared)
            columns[camera] = total + np.arange(int(camera.sum()))
            total += int(camera.sum())
            self.columns.append(columns)
        self.count = total
        self.coordinates = Coordinates.joined([(Coordinates(p), c) for p, c in zip(programs, self.columns)], total)
        if not free_cameras:
            self.coordinates.trainable[shared:] = False
        self.parts = [
            Part(solid_tape_of(programs[v.program]).showing(v.what, v.exposure), self.columns[v.program], v.weight) for v in views
        ]

    def finer(self, samples: int) -> Joint:
        """The same of pictures with so many samples along a pixel's side."""
        from render.averaging import Finer

        result = copy(self)
        result.parts = [replace(part, tape=Finer(part.tape, samples)) for part in self.parts if not isinstance(part.tape, Finer)]
        return result

    @property
    def start(self) -> Double:
        values = np.zeros(self.count)
        for program, columns in zip(self.programs, self.columns):
            values[columns] = program.params
        return values

    def seen(self, parameters: Double) -> list[Program]:
        """The program with joint parameters, seen by each camera."""
        return [legal(program, parameters[columns]) for program, columns in zip(self.programs, self.columns)]

    def batch(self, parameters: Double) -> JointBatch:
        return JointBatch(self, np.asarray(parameters, np.float64))


@dataclass
class JointBatch:
    """A joint problem with parameters (n, p)."""

    joint: Joint
    parameters: Double

    def normal_equations(self, target: Targets, blur: float = 0.0, huber: float = 0.0) -> tuple[Double, Double, Double]:
        """As those of `render.solid_taichi.SolidBatch`, summed over all pictures by their weights."""
        from render.batching import batch_of

        n, count = self.parameters.shape
        errors, gradients, matrices = np.zeros(n), np.zeros((n, count)), np.zeros((n, count, count))
        for part, wanted in zip(self.joint.parts, target.parts):
            batch = batch_of(part.tape, self.parameters[:, part.columns])
            error, gradient, matrix = batch.normal_equations(wanted, blur, huber)
            errors += part.weight * error
            gradients[:, part.columns] += part.weight * gradient
            matrices[:, part.columns[:, None], part.columns[None, :]] += part.weight * matrix
        return errors, gradients, matrices

    def scores(self, target: Targets, blur: float = 0.0) -> Double:
        """Squared errors (n,), summed over all pictures by their weights."""
        from render.batching import batch_of

        return sum(
            (part.weight * batch_of(part.tape, self.parameters[:, part.columns]).scores(wanted, blur) for part, wanted in zip(self.joint.parts, target.parts)),
            np.zeros(len(self.parameters)),
        )

    def gradients(self, target: Targets, blur: float = 0.0, huber: float = 0.0) -> tuple[Double, Double]:
        errors, gradients, _ = self.normal_equations(target, blur, huber)
        return errors, gradients


def joint_levels(views: Sequence[View], stages: Sequence[tuple[int, float]]) -> list[Level]:
    """The pyramid of several pictures together."""
    levels = [pyramid(view.picture, stages) for view in views]
    return [Level(Targets([each[k].target for each in levels]), levels[0][k].blur) for k in range(len(stages))]  # type: ignore[arg-type]


NORMALS_WEIGHT, DEPTH_WEIGHT = 0.5, 0.5
"""How much a squared error of normals (halved) and of depth (in parts of the greatest) counts beside one of colours."""


def joint_problem(
    program: Program,
    image: Any,
    images: Sequence[Any] | None,
    cameras: Sequence[str] | None,
    fit_cameras: bool,
    silhouettes: Sequence[Any] | None,
    normals: Sequence[Any] | None,
    depths: Sequence[Any] | None,
    longest: int,
) -> tuple[Joint, list[View]]:
    """What `refine.optimize` is asked to match, with pictures of at most `longest` pixels. Raises ValueError where pictures and
    cameras do not go together."""
    from render.images import load, resized

    if image is not None and images is not None:
        raise ValueError("give either image or images")
    if image is not None:
        images = [image]
    if program.dimension != 3:
        raise ValueError("several pictures, silhouettes, normals and depths are for programs in space")
    given = {"images": images, "silhouettes": silhouettes, "normals": normals, "depths": depths}
    counts = {name: len(values) for name, values in given.items() if values is not None}
    if cameras is not None:
        counts["cameras"] = len(cameras)
    if len(set(counts.values())) != 1 or 0 in counts.values():
        raise ValueError(
            "there have to be as many of each that is given: here are " + ", ".join(f"{n} {name}" for name, n in counts.items())
        )
    (count,) = set(counts.values())
    if cameras is None and count > 1:
        raise ValueError("several pictures need cameras: say from where each is seen, such as \"orbit(30, 20, 4)\"")
    programs = [program] if cameras is None else [with_camera(program, camera) for camera in cameras]
    views: list[View] = []

    def smaller(picture: Picture) -> Picture:
        return resized(picture, working_side(picture, longest, 1.0))

    for k in range(count):
        if images is not None and images[k] is not None:
            views.append(View(k, smaller(replace(load(images[k]), of_light=True))))
        for values, make in ((silhouettes, silhouette_view), (normals, normals_view), (depths, depth_view)):
            if values is not None and values[k] is not None:
                view = make(k, values[k])
                views.append(replace(view, picture=smaller(view.picture)))
    if not views:
        raise ValueError("there is no picture to match")
    return Joint(programs, views, fit_cameras or cameras is None), views


def silhouette_view(program: int, mask: npt.ArrayLike) -> View:
    """A picture of what is covered: (h, w), 1 or True where the solids are."""
    return View(program, _masked(np.ones((*np.shape(mask), 3)), np.asarray(mask, np.float64)), "silhouette")


def normals_view(program: int, normals: npt.ArrayLike) -> View:
    """A picture of unit normals (h, w, 3) in the scene's axes; nan or zero where nothing is."""
    values = np.nan_to_num(np.asarray(normals, np.float64))
    if values.ndim != 3 or values.shape[2] != 3:
        raise ValueError(f"normals have the shape (h, w, 3), not {values.shape}")
    there = (values != 0.0).any(2)
    return View(program, _masked(0.5 + 0.5 * values, there), "normals", weight=NORMALS_WEIGHT)


def depth_view(program: int, depth: npt.ArrayLike) -> View:
    """A picture of distances (h, w) along the camera's view, in scene units; nan, infinity or zero where nothing is."""
    values = np.asarray(depth, np.float64)
    if values.ndim != 2:
        raise ValueError(f"depth has the shape (h, w), not {values.shape}")
    there = np.isfinite(values) & (values > 0.0)
    if not there.any():
        raise ValueError("no pixel of this depth is a positive number")
    greatest = float(values[there].max())
    scaled = np.where(there, values, 0.0) / greatest
    return View(program, _masked(np.repeat(scaled[..., None], 3, 2), there), "depth", 1.0 / greatest, DEPTH_WEIGHT)


def _masked(colours: Double, alpha: npt.ArrayLike) -> Picture:
    from render.images import Picture

    rgba = np.concatenate([colours, np.asarray(alpha, np.float64)[..., None]], 2).astype(np.float32)
    return Picture(np.clip(rgba, 0.0, 1.0), True, (rgba.shape[1], rgba.shape[0]))
