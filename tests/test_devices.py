"""Work is shared out in one way on a processor and in another on a GPU; both give the same numbers.

The kernels run where they can here: a machine without a GPU runs a GPU's tiles and tasks on its processor.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import render
from render import taichi_backend, taichi_device
from render.solid_taichi import SolidBatch
from render.taichi_backend import Batch, Target
from render.tapes import solid_tape_of, tape_of
from shaderdsl import Program, parse

SIZE = (37, 26)
ON_CPU = taichi_device.device() == "cpu"
ROUNDED = 0.0 if ON_CPU else 1e-5
"""How much pictures of different kernels may differ: a GPU's compiler joins other products and sums in each."""

PLANE = parse("box(0.5, 0.3, 0.1).rotate(20).fill(#c03020).opacity(0.8)\ncircle(0.3).move(0.2, 0.1).fill(#2040c0).soften(0.05)")
SPACE = parse("scene 3d\nlight((1, 2, 1), shadow = 0.1)\nbox(0.4, 0.2, 0.3) - sphere(0.3).move(0.2, 0.2, 0.2)\nsphere(0.3).move(-0.5, 0.3, 0).paint(#c03020)")


@pytest.fixture(params=(False, True), ids=("a processor's way", "a GPU's way"))
def gpu(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    for module in (taichi_device, taichi_backend):
        monkeypatch.setattr(module, "on_gpu", lambda: request.param)
    yield request.param


def test_the_plane(gpu: bool) -> None:
    _check(PLANE)
    target = Target(np.full((*SIZE[::-1], 4), 0.5, np.float32))
    tape = tape_of(PLANE)
    batch = Batch.of([(tape, PLANE.params), (tape, 0.9 * PLANE.params)])
    pictures, (errors, gradient, matrix) = batch.images(SIZE), batch.normal_equations(target)
    residual = (pictures - target.image).astype(np.float64)
    np.testing.assert_allclose(errors, (residual**2).sum((1, 2, 3)), rtol=1e-4)
    np.testing.assert_allclose(batch.scores(target), errors, rtol=1e-4)
    np.testing.assert_allclose(batch.scores_without(target)[:, -1], errors, rtol=1e-4)
    jacobian = taichi_backend.jacobian(tape, PLANE.params, SIZE)[1].reshape(-1, len(PLANE.params)).astype(np.float64)
    np.testing.assert_allclose(gradient[0], residual[0].reshape(-1) @ jacobian, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(matrix[0], jacobian.T @ jacobian, rtol=1e-3, atol=1e-2)


def test_space(gpu: bool) -> None:
    _check(SPACE)
    batch = SolidBatch.of([(solid_tape_of(SPACE), SPACE.params)] * 3)
    pictures, jacobians = batch.jacobians(SIZE)
    np.testing.assert_array_equal(pictures[0], pictures[2])
    np.testing.assert_array_equal(jacobians[0], jacobians[2])
    np.testing.assert_allclose(pictures, batch.images(SIZE), rtol=0.0, atol=ROUNDED)


def _check(program: Program) -> None:
    image = render.image(program, SIZE, "taichi")
    assert np.abs(image - render.image(program, SIZE, "numpy")).max() < 1e-3
    pictured, jacobian = render.jacobian(program, SIZE)
    np.testing.assert_allclose(pictured[..., :3], image[..., :3], rtol=0.0, atol=max(ROUNDED, 1e-6))
    moved = program.params.copy()
    moved[0] += 1e-3
    step = render.image(program.with_params(moved), SIZE, "numpy") - render.image(program, SIZE, "numpy")
    assert np.abs(jacobian[..., 0]).sum() * 1e-3 == pytest.approx(np.abs(step).sum(), rel=0.1)
