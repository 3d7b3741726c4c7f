"""Taichi's own differentiation as an oracle: our reverse rules against its derivative of the printed forward bodies.

The library never uses it. A forward rule gives a distance with its gradient, so its derivative holds the mixed second order
that coverage needs; that of the distance alone is the gradient. All is compared at random points away from kinks.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import taichi as ti

from render import taichi_device
from render.taichi_frame import FUNCTIONS
from render.tapes import tape_of
from shaderdsl import dual, emit, parse
from shaderdsl.dual import Rule
from shaderdsl.expression import Expr, Fold
from shaderdsl.registry import FAT, Operation, of_category, operations
from shaderdsl.tape import opcodes

POINTS = 24
TOLERANCE = 1e-6
"""Relative to the size of a point's derivative; both sides work in float64."""

KINK = 1e-7
"""A point is near a kink where moving everything by this much changes a derivative by more than 1e-4 of its size."""

BODIES = [opcode.operation for opcode in dict.fromkeys(opcodes().values())]
"""One operation for each body."""

ITERATED = {"ellipse", "bezier", "cushion", "parabola", "hyperbola", "path, curve", "stroked path, curve"}
"""Rules of a root that iteration finds. Ours stops the derivative of the iteration and takes the implicit function
theorem's; Taichi has nothing to stop it with inside of a kernel and differentiates the iteration. Where it has ended both
agree in first order, and that is compared. In mixed second order Taichi's means nothing."""

LOOPING = {o for o in BODIES if o.category == "paint" and any(isinstance(n[0], Fold) for n in dual.paint_rule(o).graph.nodes)}
"""Textures with loops whose number of turns Taichi's differentiation does not know; tests/test_gradients.py takes differences."""

UNDIFFERENTIATED = {"flat"}
"""Rules without a derivative: a flat paint's place on its ramp is 0."""

PLACED = "circle(0.3).move(0.1, -0.2).rotate(20deg).scale(1.3).scale(0.8, 1.2).shear(0.3).fill(#abc).opacity(40%).soften(0.1)"
"""Transforms and what belongs to layers have no rule: lowering makes slots of them, the arithmetic of `uniform`."""

DOUBLE = replace(emit.TAICHI, number=lambda value: f"ti.f64({emit.TAICHI.number(value)})")


def rules() -> dict[str, tuple[Operation | None, Rule]]:
    """Every differentiated rule by a name, with its operation."""
    found: dict[str, tuple[Operation | None, Rule]] = {
        "coverage": (None, dual.coverage_rule()), "crisp coverage": (None, dual.coverage_rule(True)),
    }  # fmt: skip
    for operation in BODIES:
        if operation.category == "shape":
            found[operation.name] = operation, dual.shape_rule(operation)
        elif operation.category == "outline":
            found[f"{operation.name}, line"] = operation, dual.outline_rule(operation, False)
            found[f"{operation.name}, curve"] = operation, dual.outline_rule(operation, True)
        elif operation.category in ("boolean", "modifier"):
            found[operation.name] = operation, dual.combination_rule(operation)
        elif operation.category == "repetition":
            found[operation.name] = operation, dual.repetition_rule(operation)
        else:
            found[operation.name] = operation, dual.paint_rule(operation)
    return {name: (o, rule) for name, (o, rule) in found.items() if o not in LOOPING}


def slot_rule() -> Rule:
    """The slots of PLACED as a rule without a reverse."""
    tape = tape_of(parse(PLACED))
    slots = tuple(Expr(tape.graph, index) for index in tape.slots)
    inputs: Any = tuple(range(tape.parameter_count))
    return Rule(tape.graph, inputs, tuple(f"slot {k}" for k in range(len(slots))), slots, (), ())


def kernel_text(name: str, rule: Rule) -> str:
    """A kernel that sums a rule's outputs, weighted, for each row of inputs (n, k)."""
    inputs = {key: f"x[i, {column}]" for column, key in enumerate(rule.inputs)}
    statements, results = emit.print_graph(rule.graph, rule.forward, inputs, DOUBLE)
    total = " + ".join(f"d[i, {column}] * ({result})" for column, result in enumerate(results))
    lines = [*statements, f"total[i] = {total}"]
    array = "ti.types.ndarray(dtype=ti.f64, ndim={})"
    arguments = ", ".join(f"{key}: {array.format(ndim)}" for key, ndim in (("x", 2), ("d", 2), ("total", 1)))
    return f"@ti.kernel\ndef {name}({arguments}):\n    for i in range(x.shape[0]):\n" + "".join(
        f"        {line}\n" for line in lines
    )


pytestmark = pytest.mark.skipif(
    taichi_device.device() != "cpu", reason="on CUDA Taichi 1.7.4 loses parts of its own derivatives; the rules are the same everywhere"
)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """A module with a kernel for each rule, `k` and its number. Taichi reads a kernel's source from its file."""
    taichi_device.device()
    texts = [kernel_text(f"k{number}", rule) for number, (_, rule) in enumerate(rules().values())]
    texts.append(kernel_text("slots", slot_rule()))
    path: Path = tmp_path_factory.mktemp("autodiff") / "printed_rules.py"
    path.write_text("\n\n".join(["import taichi as ti", FUNCTIONS, *texts]), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("printed_rules", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def random_inputs(operation: Operation | None, rule: Rule, rng: np.random.Generator) -> dict[object, float]:
    """Inputs in their sensible ranges."""
    inputs: dict[object, float] = {}
    for name in rule.inputs:
        inputs[name] = float(rng.uniform(-0.9, 0.9))
        if name == "w" or name.endswith("_w"):
            inputs[name] = float(rng.choice([FAT, rng.uniform(0.02, 0.2)]))
        elif name in ("inside", "ends"):
            inputs[name] = float(rng.integers(2 if name == "inside" else 4))
        elif name == "copy":
            inputs[name] = float(rng.integers(operation.copies if operation is not None else 1))
        elif name in ("pixel", "softness", *dual.WIDTHS):
            inputs[name] = float(rng.uniform(0.05, 0.2))
        elif name == "f" or name.endswith("_f"):
            inputs[name] = float(rng.uniform(-0.15, 0.15))
    for parameter in operation.parameters if operation is not None else ():
        if parameter.kind == "count":
            inputs[parameter.name] = float(rng.integers(int(parameter.low), int(min(parameter.high, 9)) + 1))
        elif parameter.kind == "choice":
            inputs[parameter.name] = float(rng.integers(len(parameter.choices)))
        elif parameter.kind != "point":
            value = rng.uniform(parameter.low, parameter.high)
            inputs[parameter.name] = float(np.radians(value) if parameter.kind == "angle" else value)
    return inputs


def our_derivative(rule: Rule, inputs: dict[object, float], weights: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The reverse rule's adjoints for weights of the outputs."""
    adjoints = {f"d_{name}": float(weight) for name, weight in zip(rule.outputs, weights)}
    return np.array(rule.graph.evaluate(rule.reverse, {**inputs, **adjoints}))


def taichi_derivative(
    kernel: Callable[..., None], inputs: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """(n, k): for each row of inputs (n, k) the derivative of the sum weighted by a row of weights (n, m)."""
    x = ti.ndarray(ti.f64, inputs.shape, needs_grad=True)
    d = ti.ndarray(ti.f64, weights.shape, needs_grad=True)
    total = ti.ndarray(ti.f64, (len(inputs),), needs_grad=True)
    x.from_numpy(inputs)
    d.from_numpy(weights)
    total.grad.fill(1.0)
    kernel.grad(x, d, total)  # type: ignore[attr-defined]
    return np.asarray(x.grad.to_numpy())


@pytest.mark.parametrize("name", [name for name in rules() if name not in UNDIFFERENTIATED])
def test_our_derivatives_are_those_of_taichi(name: str, kernels: ModuleType) -> None:
    operation, rule = rules()[name]
    rng = np.random.default_rng(list(rules()).index(name))
    rows, weights, ours, scales = [], [], [], []
    for _ in range(20 * POINTS):
        inputs = random_inputs(operation, rule, rng)
        weight = rng.normal(size=len(rule.outputs))
        if name in ITERATED:
            weight[1:] = 0.0
        here = our_derivative(rule, inputs, weight)
        moved = {**inputs, **{n: inputs[n] + KINK for n in rule.differentiated}}
        size = float(np.abs(here).max())
        if size > 1e4 or np.abs(our_derivative(rule, moved, weight) - here).max() > 1e-4 * max(size, 1.0):
            continue
        rows.append([inputs[n] for n in rule.inputs])
        weights.append(weight)
        ours.append(here)
        scales.append(max(size, 1.0))
        if len(rows) == POINTS:
            break
    assert len(rows) == POINTS, f"of {20 * POINTS} points only {len(rows)} are away from kinks"
    kernel = getattr(kernels, f"k{list(rules()).index(name)}")
    theirs = taichi_derivative(kernel, np.array(rows), np.array(weights))
    columns = [rule.inputs.index(n) for n in rule.differentiated]
    errors = np.abs(np.array(ours) - theirs[:, columns]) / np.array(scales)[:, None]
    assert errors.max() < TOLERANCE, f"{rule.differentiated[errors.max(0).argmax()]}: {errors.max()}"
    if rule.outputs == dual.DUAL:
        check_gradient(rule, np.array(rows), taichi_derivative(kernel, np.array(rows), np.eye(4)[[0] * POINTS]))


def check_gradient(rule: Rule, rows: npt.NDArray[np.float64], slopes: npt.NDArray[np.float64]) -> None:
    """The gradient among a rule's outputs, for `rows` of inputs, by Taichi's derivatives `slopes` of the distance."""
    for row, slope in zip(rows, slopes):
        inputs, by = dict(zip(rule.inputs, row)), dict(zip(rule.inputs, slope))
        expected = [by["x"], by["y"]] if "x" in by else [
            sum(by[f"{p}_f"] * inputs[f"{p}_{axis}"] for p in "ab" if f"{p}_f" in by) for axis in ("fx", "fy")
        ]  # fmt: skip
        found = rule.graph.evaluate(rule.forward[1:3], inputs)
        np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE)


def test_derivatives_of_slots_are_those_of_taichi(kernels: ModuleType) -> None:
    program = parse(PLACED)
    tape = tape_of(program)
    sparse = tape.slot_derivative
    partials = sparse.uniform.run(program.params)
    ours = np.zeros((len(tape.slots), tape.parameter_count))
    for slot, (first, last) in enumerate(zip(sparse.rows, sparse.rows[1:])):
        ours[slot, sparse.columns[first:last]] = partials[first:last]
    each = np.tile(program.params, (len(tape.slots), 1))
    theirs = taichi_derivative(kernels.slots, each, np.eye(len(tape.slots)))
    np.testing.assert_allclose(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)
    assert np.abs(ours).max(0).min() > 0.0, "every parameter moves a slot"


def test_every_operation_is_compared_or_named_here() -> None:
    compared = {operation for operation, _ in rules().values() if operation is not None} | LOOPING
    shared = {o for o, opcode in opcodes().items() if opcode.operation in compared}
    placed = {o for o in of_category("transform", "layer") if f".{o.function}(" in PLACED}
    assert shared | placed == set(operations().values())
    assert {n for n, (_, rule) in rules().items() if not any(e.constant != 0.0 for e in rule.reverse)} == UNDIFFERENTIATED
    iterated = {
        n for n, (_, rule) in rules().items()
        if any(rule.graph.nodes[i][0] == "detach" for i in rule.graph.needed(e.index for e in rule.forward))
    }  # fmt: skip
    assert iterated == ITERATED
