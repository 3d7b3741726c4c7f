"""Pictures of several samples a pixel, and numbers that are found with them."""

from __future__ import annotations

import numpy as np
import pytest

import refine
from refine.optimization import Optimum
from render import psnr, supersampling
from render.averaging import Finer
from render.solid_taichi import SolidBatch
from render.taichi_backend import Target
from render.tapes import solid_tape_of
from shaderdsl import Program, parse

SIZE = (40, 32)
TEXTS = (
    "scene 3d\nbox(0.5, 0.3, 0.4).rotate(20).paint(#c8553d)\nsphere(0.3).move(0.5, 0.3, 0.3)",
    "scene 3d(background = none, exposure = 1.4, tone = filmic)\ntorus(0.5, 0.2).rotate(40, 10, 0).paint(#3d7dc8)",
)


@pytest.fixture(params=TEXTS, ids=("over a background", "over nothing"))
def program(request: pytest.FixtureRequest) -> Program:
    return parse(request.param)


def test_they_are_nearer_to_the_truth_than_one_sample(program: Program) -> None:
    tape = solid_tape_of(program)
    truth = supersampling.picture(tape, program.params, SIZE, 8)
    one, four = (batch.images(SIZE)[0] for batch in (SolidBatch.of([(tape, program.params)]), Finer(tape, 2).batch(program.params[None])))
    assert four.shape == one.shape == truth.shape
    assert psnr(four, truth) > psnr(one, truth) + 3.0


def test_one_sample_is_the_usual_picture(program: Program) -> None:
    tape = solid_tape_of(program)
    pictures, jacobians = Finer(tape, 1).batch(program.params[None]).jacobians(SIZE, 0.1)
    usual_pictures, usual_jacobians = SolidBatch.of([(tape, program.params)]).jacobians(SIZE, 0.1)
    np.testing.assert_allclose(pictures, usual_pictures, atol=2e-5)
    np.testing.assert_allclose(jacobians, usual_jacobians, atol=1e-3 * np.abs(usual_jacobians).max())


def test_the_jacobian_is_the_pictures_derivative(program: Program) -> None:
    finer = Finer(solid_tape_of(program), 2)
    pictures, jacobians = finer.batch(program.params[None]).jacobians(SIZE)
    np.testing.assert_allclose(pictures, finer.batch(program.params[None]).images(SIZE), atol=1e-6)
    colour = [info.kind for info in program.parameters].index("colour")
    exact, step = 0, 1e-2
    for index in (colour, colour + 1):
        params = np.repeat(program.params[None], 2, 0)
        params[:, index] += (-step, step)
        low, high = finer.batch(params).images(SIZE)
        np.testing.assert_allclose(jacobians[0, ..., index], (high - low) / (2 * step), atol=0.02)
        exact += int(np.abs(high - low).max() > 1e-3)
    assert exact > 0, "the picture does not depend on what was moved"


def test_many_programs_are_one_batch(program: Program) -> None:
    tape = solid_tape_of(program)
    params = program.params + np.linspace(0.0, 0.01, 3)[:, None]
    target = Target(supersampling.picture(tape, program.params, SIZE, 4))
    errors, gradients, matrices = Finer(tape, 2).batch(params).normal_equations(target)
    for k in range(3):
        error, gradient, matrix = Finer(tape, 2).batch(params[k : k + 1]).normal_equations(target)
        np.testing.assert_allclose(errors[k], error[0])
        np.testing.assert_allclose(gradients[k], gradient[0])
        np.testing.assert_allclose(matrices[k], matrix[0])


def test_last_steps_with_more_samples_come_nearer_to_a_finely_sampled_picture() -> None:
    true = parse("scene 3d\nbox(0.5, 0.32, 0.4).rotate(25, 10, 0).paint(#c8553d)\nsphere(0.3).move(0.45, 0.35, 0.3).paint(#3d7dc8)")
    target = supersampling.picture(solid_tape_of(true), true.params, (64, 64), 8)[..., :3].astype(np.float32)
    moves = [info.kind in ("length", "point", "vector") for info in true.parameters]
    start = true.with_params(true.params + 0.02 * np.where(moves, np.resize([1.0, -1.0], len(moves)), 0.0))

    def finely(found: Optimum) -> float:
        pictures = Finer(solid_tape_of(found.program), 2).batch(found.program.params[None]).images((64, 64))
        return psnr(pictures[0, ..., :3], target)

    one, two = (refine.optimize(start, target, samples=samples) for samples in (1, 2))
    assert finely(two) > finely(one) + 1.0
    assert two.psnr == pytest.approx(finely(two), abs=0.01)


@pytest.mark.parametrize(("text", "samples"), [("circle(0.5)", 2), *(("scene 3d\nsphere(0.5)", n) for n in (0, -1, 9, 2.5, "two"))])
def test_what_has_no_samples_is_refused(text: str, samples: object) -> None:
    with pytest.raises(ValueError, match="samples are 1 to 8"):
        refine.optimize(parse(text), np.zeros((8, 8, 3)), samples=samples)  # type: ignore[arg-type]
