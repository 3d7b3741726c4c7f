"""Derivatives of pictures: against finite differences, hard edges, line integrals and the reference, with teeth.

1. The reference's Jacobian is the derivative of the reference's picture, and the batched one is the reference's.
2. Differences of our picture are those of a picture with hard edges, sampled finely.
3. The loss's gradient, integrated along a line of parameters, is the difference of the losses.
4. Each part of the derivative matters: without it, 1 fails.

Quick: `pytest tests/test_gradients.py -m "not slow"`. All: `pytest tests/test_gradients.py -s`, which prints figures.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from differences import analytic, alone, edge_error, everything, finite_differences, scale_of, spread
from render import numpy_backend, taichi_backend
from render.taichi_backend import Batch, Target
from render.tapes import tape_of
from shaderdsl import Program, coverage, dual, parse
from shaderdsl.expression import Expr, detach
from shaderdsl.registry import Operation, operations

SIZE = (31, 23)
"""Odd, so that pixels lie on the axes, and with a pixel of 2/23, so that none lies on a number of two digits."""

EXACT = 1e-5
SINGLE = 1e-3

EXCLUDED = 0.02
"""Of a program's derivatives that are not zero may be kinks (see `differences.KINK`)."""

OPERATIONS = list(operations().values())


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """Compiles the kernels for all operations at once: each later use finds them."""
    program = everything()
    tape = tape_of(program)
    taichi_backend.jacobian(tape, program.params, (8, 8))
    Batch.of([(tape, program.params)]).normal_equations(Target(np.zeros((8, 8, 4), np.float32)))


def named(operation: Operation) -> str:
    return operation.identifier


def check_against_differences(program: Program, size: tuple[int, int] = SIZE, blur: float = 0.0) -> float:
    """Test 1 of one program: the worst error, relative to each parameter's largest derivative."""
    _, derivative = analytic(program, size, blur)
    assert np.isfinite(derivative).all()
    scale = scale_of(derivative)
    found = finite_differences(program, size, scale, blur)
    errors = np.where(found.kinks, 0.0, np.abs(found.central - derivative)) / scale
    worst = float(errors.max(initial=0.0))
    assert worst <= EXACT, f"parameter {np.unravel_index(errors.argmax(), errors.shape)[-1]} errs by {worst}: {program.text}"
    assert found.excluded <= EXCLUDED, f"{found.excluded:.2%} are kinks: {program.text}"
    return worst


def check_batched(program: Program, size: tuple[int, int] = SIZE, blur: float = 0.0) -> float:
    """The batched Jacobian against the reference's, away from kinks: the worst relative error."""
    expected, derivative = analytic(program, size, blur)
    image, found = taichi_backend.jacobian(tape_of(program), program.params, size, blur)
    assert np.abs(image - expected).max() < 1e-4
    scale = scale_of(derivative)
    errors = np.abs(found - derivative) / scale
    if errors.max(initial=0.0) > SINGLE:
        kinks = finite_differences(program, size, scale, blur).kinks
        assert kinks.mean() <= EXCLUDED
        errors = np.where(kinks, 0.0, errors)
    worst = float(errors.max(initial=0.0))
    assert worst <= SINGLE, f"the batched Jacobian errs by {worst}: {program.text}"
    return worst


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
def test_jacobian_is_the_derivative_of_the_picture(operation: Operation) -> None:
    program = parse(operation.example)
    for case in (program, spread(program, 1)):
        check_against_differences(case)
        check_batched(case)


@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.category not in ("paint", "layer")], ids=named)
def test_softened_edges_have_exact_derivatives_too(operation: Operation) -> None:
    program = spread(alone(operation), 2)
    check_against_differences(program, blur=0.07)
    check_batched(program, blur=0.07)
