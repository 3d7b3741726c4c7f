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

EXCLUDED = 0.08
"""Of a program's derivatives that are not zero may be kinks (see `differences.KINK`): on the diagonal of a square, say."""

TIES = 2e-3
"""Of a batched Jacobian's entries may err more than SINGLE, though not more than twenty times as much: float32 does not
always find the same piece of an outline the nearest where two meet."""

SLOW = {"ellipse": 1e-3}
"""Operations whose iteration has not ended everywhere, and the error that leaves deep inside: near the cusps of an
ellipse's evolute. Crisp edges never see it."""

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


def check_against_differences(program: Program, blur: float = 0.0, bound: float = EXACT) -> float:
    """Test 1 of one program: the worst error, relative to each parameter's largest derivative."""
    _, derivative = analytic(program, SIZE, blur)
    assert np.isfinite(derivative).all()
    scale = scale_of(derivative)
    found = finite_differences(program, SIZE, scale, blur)
    errors = np.where(found.kinks, 0.0, np.abs(found.central - derivative)) / scale
    worst = float(errors.max(initial=0.0))
    assert worst <= bound, f"parameter {np.unravel_index(errors.argmax(), errors.shape)[-1]} errs by {worst}: {program.text}"
    assert found.excluded <= EXCLUDED, f"{found.excluded:.2%} are kinks: {program.text}"
    return worst


def check_batched(program: Program, size: tuple[int, int] = SIZE, blur: float = 0.0) -> float:
    """The batched Jacobian against the reference's, away from kinks: the worst relative error."""
    _, derivative = analytic(program, size, blur)
    _, found = taichi_backend.jacobian(tape_of(program), program.params, size, blur)
    scale = scale_of(derivative)
    errors = np.abs(found - derivative) / scale
    if errors.max(initial=0.0) > SINGLE:
        errors = np.where(finite_differences(program, size, scale, blur).kinks, 0.0, errors)
    worst = float(errors.max(initial=0.0))
    share = float((errors > SINGLE).mean()) if errors.size else 0.0
    assert share <= TIES and worst <= 20 * SINGLE, f"{share:.2%} of the batched Jacobian err, by up to {worst}: {program.text}"
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
    check_against_differences(program, blur=0.07, bound=SLOW.get(operation.name, EXACT))
    check_batched(program, blur=0.07)


# -- 2: hard edges -------------------------------------------------------------------------------------------

EDGES = {
    #TABLE
}
"""By operation, the relative L2 error of its example's edge differences at 41 pixels, as measured; a test allows a fifth
more. Curved edges err by their curvature and corners by what one half plane misses of them; both shrink with the
pixel. Smooth boundaries (circle, ellipse, halfplane, ring, egg, capsule) keep to 0.02."""

QUICK_EDGES = ("circle", "ellipse", "halfplane", "ring", "egg", "box", "triangle", "segment", "vesica", "move", "scale apart")


def check_edges(operation: Operation) -> None:
    error = edge_error(alone(operation), (41, 41))
    print(f"{operation.name}: {error:.3f}")
    assert error <= 1.2 * EDGES[operation.name] + 0.001


@pytest.mark.parametrize("name", QUICK_EDGES)
def test_differences_are_those_of_hard_edges(name: str) -> None:
    check_edges(operations()[name])


@pytest.mark.slow
@pytest.mark.parametrize("operation", [o for o in OPERATIONS if o.category not in ("paint", "layer")], ids=named)
def test_all_differences_are_those_of_hard_edges(operation: Operation) -> None:
    check_edges(operation)


def test_smooth_boundaries_are_within_two_hundredths() -> None:
    smooth = ("circle", "ellipse", "halfplane", "ring", "egg", "capsule")
    assert max(edge_error(alone(operations()[name]), (41, 41)) for name in smooth) <= 0.02


# -- 3: line integrals ---------------------------------------------------------------------------------------


def test_gradient_integrates_to_the_difference_of_losses() -> None:
    """Every operation's example moves along a line to numbers 10 % off, towards a third picture, in one batch."""
    steps, size = 100, (24, 24)
    target = Target(Batch.of([(tape_of(p := parse("box(0.5, 0.3).rotate(20)")), p.params)]).images(size)[0])
    nodes, weights = np.polynomial.legendre.leggauss(5)
    places = ((np.arange(steps)[:, None] + 0.5 + 0.5 * nodes) / steps).ravel()
    starts = [alone(o) for o in OPERATIONS]
    ends = [spread(program, 3, 0.1) for program in starts]
    rows = [
        (tape_of(a), a.params + t * (b.params - a.params))
        for a, b in zip(starts, ends) for t in (0.0, *places, 1.0)
    ]  # fmt: skip
    errors, gradients = Batch.of(rows).gradients(target)
    per = len(places) + 2
    for k, (a, b) in enumerate(zip(starts, ends)):
        losses, slopes = errors[k * per : (k + 1) * per], gradients[k * per : (k + 1) * per, : len(a.params)]
        along = 2.0 * slopes[1:-1] @ (b.params - a.params)
        integral = float((along.reshape(steps, -1) * weights).sum() * 0.5 / steps)
        travelled = float((np.abs(along).reshape(steps, -1) * weights).sum() * 0.5 / steps)
        rise = losses[-1] - losses[0]
        assert abs(integral - rise) <= 1e-2 * travelled + 1e-4, f"{integral} is not {rise}: {a.text}"
