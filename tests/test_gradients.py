"""Derivatives of pictures: against finite differences, hard edges, line integrals and the reference, with teeth.

1. The reference's Jacobian is the derivative of the reference's picture, and the batched one is the reference's.
2. Differences of our picture are those of a picture with hard edges, sampled finely.
3. The loss's gradient, integrated along a line of parameters, is the difference of the losses.
4. Each part of the derivative matters: without it, 1 fails.

Quick: `pytest tests/test_gradients.py -m "not slow"`. All: `pytest tests/test_gradients.py -s`, which prints figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from differences import alone, analytic, edge_error, everything, finite_differences, scale_of, spread

from render import taichi_backend
from render.taichi_backend import Batch, Target
from render.tapes import tape_of
from shaderdsl import Program, coverage, dual, parse
from shaderdsl.expression import Expr, clamp, detach
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
    return operation.name


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
    "circle": 0.010, "ellipse": 0.017, "box": 0.046, "rhombus": 0.165, "trapezoid": 0.071,
    "parallelogram": 0.096, "triangle": 0.094, "ngon": 0.062, "star": 0.219, "cross": 0.139,
    "halfplane": 0.003, "pie": 0.075, "cutdisk": 0.047, "moon": 0.068, "vesica": 0.036, "heart": 0.026,
    "egg": 0.020, "segment": 0.043, "capsule": 0.016, "arc": 0.050, "ring": 0.015, "bezier": 0.039,
    "chamferbox": 0.060, "tunnel": 0.039, "stairs": 0.096, "roundedcross": 0.251, "cushion": 0.033, "parabola": 0.005,
    "hyperbola": 0.084, "ringsector": 0.089, "horseshoe": 0.075, "wave": 0.036, "cool_s": 0.109,
    "path": 0.046, "polygon": 0.096, "stroked path": 0.197, "union": 0.101, "intersection": 0.138,
    "difference": 0.059, "xor": 0.064, "smooth union": 0.087, "smooth intersection": 0.052,
    "smooth difference": 0.090, "smooth xor": 0.089, "round union": 0.087, "round intersection": 0.045,
    "round difference": 0.041, "round xor": 0.062, "chamfer union": 0.092, "chamfer intersection": 0.043,
    "chamfer difference": 0.061, "chamfer xor": 0.075, "cubic union": 0.089, "cubic intersection": 0.050,
    "cubic difference": 0.049, "cubic xor": 0.065, "exponential union": 0.088, "exponential intersection": 0.052,
    "exponential difference": 0.097, "exponential xor": 0.095, "stairs union": 0.166, "stairs intersection": 0.225,
    "stairs difference": 0.197, "stairs xor": 0.176, "columns union": 0.140, "columns intersection": 0.227,
    "columns difference": 0.194, "columns xor": 0.196, "pipe": 0.047, "engrave": 0.112, "groove": 0.215,
    "tongue": 0.197, "morph": 0.115, "offset": 0.196, "onion": 0.068, "stroke": 0.092,
    "round": 0.028, "move": 0.018, "rotate": 0.091, "scale": 0.093, "scale apart": 0.021, "shear": 0.081,
    "mirror": 0.019, "repeat_polar": 0.032, "repeat_grid": 0.033,
}  # fmt: skip
"""By operation, the relative L2 error of its example's edge differences at 41 pixels, as measured; a test allows a fifth
more. Curved edges err by their curvature and corners by what one half plane misses of them; both shrink with the
pixel. Smooth boundaries keep to 0.02 (an egg, whose tip is small, at 96 pixels)."""

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


@pytest.mark.parametrize(
    ("name", "side"), [("circle", 41), ("ellipse", 41), ("halfplane", 41), ("ring", 41), ("capsule", 41), ("egg", 96)]
)
def test_smooth_boundaries_are_within_two_hundredths(name: str, side: int) -> None:
    assert edge_error(alone(operations()[name]), (side, side)) <= 0.02


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
        # A corner that passes a pixel's centre jumps a little: the nearer of two edges is taken there.
        allowed = 1e-2 * (travelled + losses.max()) + 1e-4
        assert abs(integral - rise) <= allowed, f"{integral} is not {rise}: {a.text}"


# -- 4: teeth ------------------------------------------------------------------------------------------------


def blinded(*names: str) -> dual.Rule:
    """The rule of coverage with the derivative by some of its inputs left out."""
    whole = dual.coverage_rule()
    zero = whole.graph.constant(0.0)
    reverse = tuple(zero if n in names else e for n, e in zip(whole.differentiated, whole.reverse))
    return dual.Rule(whole.graph, whole.inputs, whole.outputs, whole.forward, whole.differentiated, reverse)


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        # |∇f| taken for constant: wrong wherever the slope depends on a parameter.
        (("fx", "fy"), "circle(0.5).scale(1.4, 0.6)"),
        (("fx", "fy"), "box(0.4, 0.3).shear(0.5).rotate(12)"),
        (("fx", "fy"), "union(circle(0.4).move(-0.2, 0), box(0.4, 0.3).move(0.3, -0.1), round = 0.25)"),
        # The edge itself, and the far edge of what is thinner than a pixel.
        (("f",), "circle(0.5)"),
        (("w",), "segment((-0.6, -0.31), (0.6, 0.42), 0.03)"),
        (("w",), "ring(0.5, 0.02)"),
    ],
)
def test_a_derivative_without_one_of_its_parts_is_found_out(
    left_out: tuple[str, ...], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = parse(text)
    check_against_differences(program)
    mutilated = blinded(*left_out)
    monkeypatch.setattr(dual, "coverage_rule", lambda: mutilated)
    with pytest.raises(AssertionError, match="errs by|are kinks"):
        check_against_differences(program)


def test_a_detached_slope_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same from the other end: a body of coverage that treats |∇f| as constant."""

    def constant_slope(f: Expr, fx: Expr, fy: Expr, *rest: Expr) -> Expr:
        return coverage_profile(f, detach(fx), detach(fy), *rest)

    coverage_profile = coverage.coverage
    monkeypatch.setattr(coverage, "coverage", constant_slope)
    rule = dual.coverage_rule.__wrapped__()
    monkeypatch.setattr(dual, "coverage_rule", lambda: rule)
    with pytest.raises(AssertionError, match="errs by"):
        check_against_differences(parse("ellipse(0.6, 0.3).scale(0.7, 1.3)"))


def test_a_ramp_in_place_of_the_area_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Test 2 tells an antialiasing that is not the area of a half plane."""

    def ramp(height: Expr, major: Expr, minor: Expr) -> Expr:
        return clamp(height / 1.5 + 0.5, 0.0, 1.0)

    monkeypatch.setattr(coverage, "half_plane_area", ramp)
    rule = dual.coverage_rule.__wrapped__()
    monkeypatch.setattr(dual, "coverage_rule", lambda: rule)
    with pytest.raises(AssertionError):
        check_edges(operations()["circle"])


# -- the kernels ---------------------------------------------------------------------------------------------


def crowd(layers: int) -> str:
    """A text of many layers, one of them of more than 32 instructions."""
    disks = ", ".join(f"circle({0.1 + 0.01 * k}).move({0.05 * k - 0.5}, {0.03 * (k % 7) - 0.1})" for k in range(20))
    many = "\n".join(
        f"circle({0.05 + 0.002 * (k % 50)}).move({(k * 37 % 100) / 60 - 0.8}, {(k * 61 % 100) / 60 - 0.8})"
        f".fill(#{(k * 2654435761) % (1 << 24):06x}).opacity(0.7)" for k in range(layers - 1)
    )  # fmt: skip
    return f"scene 2d(background = none)\nunion({disks}).fill(#884422)\n{many}"


MIXED = (
    "circle(0.5)", "scene 2d(background = none)\nstar(5, 0.7, 0.3).fill(radial(#fff, #257, radius = 0.8)).opacity(0.6)",
    "scene 2d(background = #234)", "xor(box(0.5, 0.3), ellipse(0.3, 0.6), smooth = 0.1).repeat_polar(5).fill(#257).soften(0.06)",
    "path((-0.6, -0.3), curve(-0.5, 0.6), curve(0.4, 0.6), (0.6, -0.3)).stroke(0.07).fill(linear(#f00, #0f0, #00f))",
)  # fmt: skip
"""Programs of different structure: one with no parameters' shapes at all, transparent ones, paints, softness."""


@pytest.mark.parametrize("size", [(33, 17), (17, 33), (1, 1), (8, 8), (3, 40)])
@pytest.mark.parametrize("blur", [0.0, 0.1])
def test_normal_equations_of_a_mixed_batch(size: tuple[int, int], blur: float) -> None:
    programs = [parse(text) for text in MIXED]
    random = np.random.default_rng(1)
    picture = random.uniform(0.0, 1.0, (size[1], size[0], 4)).astype(np.float32)
    for huber in (0.0, 0.3):
        found = Batch.of([(tape_of(p), p.params) for p in programs]).normal_equations(Target(picture), blur, huber)
        check_normal_equations(programs, found, picture, blur, huber)


def check_normal_equations(
    programs: Sequence[Program], found: tuple[Any, Any, Any], picture: npt.NDArray[np.float32], blur: float, huber: float
) -> None:
    """Error, JᵀWr and JᵀWJ against those of the reference's Jacobians."""
    size = (picture.shape[1], picture.shape[0])
    for program, error, gradient, matrix in zip(programs, *found):
        image, derivative = analytic(program, size, blur)
        count = len(program.params)
        residual = image - picture
        length = np.sqrt((residual**2).sum(2))
        far = (length > huber) if huber > 0.0 else np.zeros_like(length, bool)
        weight = np.where(far, huber / np.maximum(length, 1e-12), 1.0)
        expected = np.where(far, 2.0 * huber * length - huber**2, length**2).sum()
        rows = derivative.reshape(-1, 4, count)
        normal = np.einsum("nci,ncj,n->ij", rows, rows, weight.ravel())
        slope = np.einsum("nci,nc,n->i", rows, residual.reshape(-1, 4), weight.ravel())
        assert error == pytest.approx(expected, rel=1e-4, abs=1e-5), program.text
        reach = np.maximum(np.sqrt(np.diag(normal)), 1e-3)
        assert (np.abs(gradient[:count] - slope) <= 2e-3 * (reach * np.sqrt(expected) + 1e-3)).all(), program.text
        assert np.abs((matrix[:count, :count] - normal) / np.outer(reach, reach)).max(initial=0.0) <= 5e-3, program.text
        assert not gradient[count:].any() and not matrix[count:].any(), "padding is not touched"


def test_layers_of_many_instructions_and_scenes_of_many_layers() -> None:
    program = parse(crowd(104))
    assert len(tape_of(program).layers) == 104 and tape_of(program).layers[0, 1] > 32
    check_batched(program, (13, 9))  # no disk's centre is a pixel's, where a distance has no direction


def test_one_structure_at_many_places_is_as_each_alone() -> None:
    program = parse(MIXED[3])
    cases = [spread(program, seed) for seed in range(5)]
    target = Target(np.full((20, 24, 4), 0.5, np.float32))
    together = Batch.of([(tape_of(p), p.params) for p in cases]).normal_equations(target)
    for k, case in enumerate(cases):
        one: Any
        all_of_them: Any
        for one, all_of_them in zip(Batch.of([(tape_of(case), case.params)]).normal_equations(target), together):
            np.testing.assert_allclose(one[0], all_of_them[k], rtol=1e-4, atol=1e-4 * np.abs(one).max())


def test_gradients_without_a_matrix_are_the_same() -> None:
    program = parse(MIXED[1])
    batch, target = Batch.of([(tape_of(program), program.params)]), Target(np.zeros((20, 24, 4), np.float32))
    errors, gradients = batch.gradients(target, huber=0.4)
    expected = batch.normal_equations(target, huber=0.4)
    np.testing.assert_allclose(errors, expected[0])
    np.testing.assert_allclose(gradients, expected[1])
    np.testing.assert_allclose(errors, batch.gradients(target, huber=0.4)[0])
