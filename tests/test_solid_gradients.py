"""Derivatives of pictures of solids: against finite differences, hard edges, line integrals and each other, with teeth.

1. The reference's Jacobian is the derivative of the reference's picture, and the batched one is the reference's.
2. Differences of our picture are those of a hard picture, sampled finely (`benchmarks.solid_cases`); without outlines, borders
   or creases they are not.
3. The loss's gradient, integrated along a line of parameters, is the difference of the losses.

Quick: `pytest tests/test_solid_gradients.py -m "not slow"`. All: `pytest tests/test_solid_gradients.py -s`, which prints figures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from differences import scale_of

import data
from benchmarks.solid_cases import CASES, case, difference_error, varied
from render import solid_numpy
from render.numpy_backend import pixel_centres
from render.solid_numpy_field import Field, Ints, operations_by_opcode
from render.solid_numpy_march import Places, march
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import Program, parse
from shaderdsl.registry import Operation, of_category

SIZE = (15, 13)
STEP = 1e-6
SINGLE = 1e-3

KINK = 1e-3
"""One-sided differences further apart, relative to the parameter's largest derivative, are a kink's."""

INSIDE = 5e-5
"""Where a ray meets a surface and no outline is near, derivatives err by no more than this, relative to their parameter's
largest: places of surfaces are found that well."""

OUTLINE = 2e-2
"""Where a ray passes an outline, they do so by no more than this: the bracket of the ray's least value moves with the parameter
too, which the derivative leaves out, and a kink beside it is not seen."""

EXCEPTIONS = 0.02, 0.10
"""Shares of the entries inside and at outlines that may err by more."""

TIES, TIES_OF_COPIES = 0.03, 0.06
"""Of the batched Jacobian's entries may err by more than SINGLE of their parameter's largest: near creases and kinks; and so many
where copies are two pixels large."""

OPERATIONS = [
    o for o in of_category("shape", "transform", "repetition", "extrusion", "loft", "section", "paint", "camera", "light", dimension=3)
    if o.dimension == 3
]  # fmt: skip

SETTINGS = (
    "scene 3d(background = #204060, exposure = 1.3, tone = filmic, fog = 0.12)\nsphere(0.6).paint(#d08030, metallic = 0.4, roughness = 0.3, emission = 0.1)",
    "scene 3d(background = #204060, exposure = 0.8, tone = reinhard)\nlamp((1, 1.5, 2), #ffeecc, 2.5)\nsky(0.3, #aaccff, #886644)\n"
    "box(0.5, 0.4, 0.45).round(0.1).paint(#d08030, metallic = 0.8, roughness = 0.5)",
    "scene 3d(background = none)\ncamera((2, 1.5, 3), target = (0.1, 0.05, -0.1), fov = 38, roll = 8)\ntorus(0.5, 0.2).rotate(20, axis = (1, 0.2, 0.1))",
    "scene 3d(background = none)\northographic((2, 1.5, 3), target = (0.1, 0.05, -0.1), height = 2.2, roll = 8)\n"
    "union(sphere(0.4).move(-0.3, 0, 0), cylinder(0.3, 0.4).move(0.3, 0.1, 0), smooth = 0.2)",
)
"""Materials, lights, cameras, fog, exposure and tones."""


def analytic(program: Program, size: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    image, derivative = solid_numpy.picture(solid_tape_of(program), program.params, size, jacobian=True)
    assert derivative is not None
    return image, derivative


def errors_of_differences(program: Program, size: tuple[int, int] = SIZE) -> np.ndarray:
    """(h, w, 4, p): of the Jacobian against central differences, relative to each parameter's largest; kinks are 0."""
    tape, params = solid_tape_of(program), program.params
    here, derivative = analytic(program, size)
    assert np.isfinite(derivative).all()
    scale = scale_of(derivative)
    errors = np.zeros_like(derivative)
    for k, value in enumerate(params):
        step = STEP * max(1.0, abs(value))
        ahead, behind = params.copy(), params.copy()
        ahead[k] += step
        behind[k] -= step
        rise = (solid_numpy.picture(tape, ahead, size)[0] - here) / step
        fall = (here - solid_numpy.picture(tape, behind, size)[0]) / step
        smooth = np.abs(rise - fall) <= KINK * scale[k]
        errors[..., k] = np.where(smooth, np.abs(0.5 * (rise + fall) - derivative[..., k]), 0.0) / scale[k]
    return errors


def outlines(program: Program, size: tuple[int, int] = SIZE) -> npt.NDArray[np.bool_]:
    """(h, w): where rays pass an outline."""
    tape = solid_tape_of(program)
    x, y = pixel_centres(size)
    picture = solid_numpy.Picture(tape, tape.slot_values(program.params), x.ravel(), y.ravel(), 2.0 / min(size))
    places = march(tape, picture.slots, picture.sight)
    return np.asarray((~np.isnan(places.low)).any(0).reshape(x.shape))


def check_against_differences(program: Program) -> None:
    errors, edged = errors_of_differences(program), outlines(program)
    for title, some, bound, share in (
        ("inside", errors[~edged], INSIDE, EXCEPTIONS[0]), ("outlines", errors[edged], OUTLINE, EXCEPTIONS[1])
    ):  # fmt: skip
        beyond = float((some > bound).mean()) if some.size else 0.0
        print(f"{title}: {beyond:.2%} beyond {bound}, worst {some.max(initial=0.0):.2g}")
        assert beyond <= share, f"{title}: {beyond:.2%} err by more than {bound}, up to {some.max():.2g}: {program.text}"


def check_batched(programs: Sequence[Program], size: tuple[int, int] = SIZE) -> None:
    """In one batch, whose operations one kernel knows."""
    _, found = SolidBatch.of([(solid_tape_of(program), program.params) for program in programs]).jacobians(size)
    for program, batched in zip(programs, found):
        _, derivative = analytic(program, size)
        errors = np.abs(batched[..., : len(program.params)] - derivative) / scale_of(derivative)
        share = float((errors > SINGLE).mean()) if errors.size else 0.0
        print(f"batched: {share:.2%} beyond {SINGLE}, worst {errors.max(initial=0.0):.2g}")
        most = TIES_OF_COPIES if "repeat_grid(4" in program.text else TIES
        assert share <= most, f"{share:.2%} of the batched Jacobian err, by up to {errors.max():.2g}: {program.text}"


def named(operation: Operation) -> str:
    return operation.name


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_jacobian_is_the_derivative_of_the_picture(operation: Operation) -> None:
    # Shadows and occlusion have no derivative.
    example = re.sub(r", (shadow|occlusion) = [0-9.]+", "", operation.example)
    check_against_differences(parse("scene 3d\n" + example))


@pytest.mark.parametrize("light", ["light((0.2, 1, 0.3), shadow = 0.3)", "sky(0.9, occlusion = 0.9)"])
def test_shadows_have_no_derivative(light: str) -> None:
    """Where only a solid's shadow falls, the picture changes with the solid, and its derivative says that it does not."""
    text = f"scene 3d\n{light}\nsphere(0.3).move(0, 0.1, 0)\nplane(-0.3)"
    program, other = parse(text), parse(text.replace("move(0, ", "move(0.01, "))
    moved = [info.name.endswith("move.x") for info in program.parameters].index(True)
    image, derivative = analytic(program, (24, 24))
    change = np.abs(solid_numpy.picture(solid_tape_of(other), other.params, (24, 24))[0] - image).max(2)
    still = np.abs(derivative[..., moved]).max(2) == 0.0
    assert change[still].max() > 1e-3


@pytest.mark.parametrize("text", SETTINGS)
def test_jacobian_by_materials_lights_cameras_and_settings(text: str) -> None:
    check_against_differences(parse(text))


def test_batched_jacobians_are_the_reference() -> None:
    check_batched([parse("scene 3d\n" + o.example) for o in OPERATIONS] + [parse(text) for text in SETTINGS])


# -- 2: hard edges -------------------------------------------------------------------------------------------

ERRORS = {
    "occlusion edge": (16, 0.12, 0.05), "box silhouette": (16, 0.23, 0.11), "material edge": (16, 0.28, 0.15),
    "smooth union": (16, 0.31, 0.11), "thin shell": (32, 0.28, 0.10), "off-centre camera": (32, 0.23, 0.19),
}  # fmt: skip
"""Pixels along a side of each case's picture, and what its changes may err by with one sample a pixel and with four: a fifth more
than measured. They shrink with the pixel: corners and thin walls are what errs."""

FINENESS = 8


def check_edges(name: str, samples: int) -> None:
    side, *bounds = ERRORS[name]
    error = difference_error(case(name), side, samples, FINENESS)
    print(f"{name}: {error:.3f}")
    assert error <= bounds[samples - 1]


@pytest.mark.parametrize("name", ["occlusion edge", "box silhouette", "material edge", "smooth union"])
def test_differences_are_those_of_hard_edges(name: str) -> None:
    check_edges(name, 1)


@pytest.mark.slow
@pytest.mark.parametrize("samples", [1, 2])
@pytest.mark.parametrize("name", CASES)
def test_all_differences_are_those_of_hard_edges(name: str, samples: int) -> None:
    check_edges(name, samples)


def without_outlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every surface that is met is opaque, and nothing else is seen."""
    def surfaces(*arguments: object) -> Places:
        places = march(*arguments)  # type: ignore[arg-type]
        places.low[:] = np.nan
        places.high[:] = np.nan
        return places

    monkeypatch.setattr(solid_numpy, "march", surfaces)


def without_edges(monkeypatch: pytest.MonkeyPatch, category: str) -> None:
    """Edges that instructions of a category make are not blended."""
    whole = Field._nearer

    def nearer(self: Field, crease: tuple[np.ndarray, Ints], offset: np.ndarray, number: int) -> object:
        kind = operations_by_opcode()[self.code[number][0]].category
        return crease if kind == category else whole(self, crease, offset, number)

    monkeypatch.setattr(Field, "_nearer", nearer)


@pytest.mark.parametrize(
    ("switched_off", "name"),
    [("outlines", "occlusion edge"), ("boolean", "material edge"), ("shape", "box silhouette")],
)
def test_without_one_kind_of_edge_the_differences_are_wrong(
    switched_off: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if switched_off == "outlines":
        without_outlines(monkeypatch)
    else:
        without_edges(monkeypatch, switched_off)
    with pytest.raises(AssertionError):
        check_edges(name, 1)


# -- 3: line integrals ---------------------------------------------------------------------------------------


JUMPS = {
    "occlusion edge": 0.001, "box silhouette": 0.03, "material edge": 0.06, "smooth union": 0.03, "thin shell": 0.40,
    "off-centre camera": 0.01,
}  # fmt: skip
"""What pixels may jump by, of all that they change along the line. What is left are the creases of corners, and what passes behind thin
walls and before what is close."""


@pytest.mark.parametrize("name", CASES)
def test_gradient_integrates_to_the_difference(name: str) -> None:
    """Each case moves along a line to numbers some hundredths off: each pixel changes by what its derivative says, in each step."""
    program, steps, size = case(name), 60, (24, 24)
    tape = solid_tape_of(program)
    nodes, weights = np.polynomial.legendre.leggauss(5)
    places = ((np.arange(steps)[:, None] + 0.5 + 0.5 * nodes) / steps).ravel()
    move = np.zeros(len(program.params))
    move[varied(program)] = 0.04 * np.cos(2.0 * np.arange(len(varied(program))))
    _, derivatives = SolidBatch.of([(tape, program.params + t * move) for t in places]).jacobians(size)
    images = SolidBatch.of([(tape, program.params + t * move) for t in np.linspace(0.0, 1.0, steps + 1)]).images(size)
    along = np.einsum("nhwcp,p->nhwc", derivatives, move).reshape(steps, len(nodes), *images.shape[1:])
    integral = np.einsum("snhwc,n->shwc", along, weights) * 0.5 / steps
    error = float(np.abs(np.diff(images.astype(np.float64), axis=0) - integral).sum() / np.abs(integral).sum())
    print(f"{name}: {error:.4f}")
    assert error <= JUMPS[name]


def test_random_scenes_have_finite_derivatives() -> None:
    for program in data.generate(5, level=2, seed=3, dimension=3):
        _, derivative = analytic(program, (9, 7))
        assert np.isfinite(derivative).all(), program.text
