"""GLSL: every operation drawn by OpenGL agrees with the float64 reference, in every target and form."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pytest

from render import gl_backend, gl_render, numpy_backend
from shaderdsl.glsl import to_glsl
from shaderdsl.program import Program, parse
from shaderdsl.registry import operations
from shaderdsl.tape import lower

SIZE = (96, 96)
EXAMPLES = {name: operation.example for name, operation in operations().items()}


def reference(program: Program, size: tuple[int, int] = SIZE) -> npt.NDArray[np.float64]:
    return numpy_backend.picture(lower(program.scene, len(program.params)), program.params, size)[0]


def assert_close(drawn: npt.NDArray[np.float32], wanted: npt.NDArray[np.float64]) -> None:
    """design.md: 99.9 % of pixels within 1/255 and none beyond 4/255."""
    error = np.abs(drawn - wanted).max(axis=2)
    assert error.max() <= 4 / 255, f"largest error {error.max() * 255:.2f}/255 at {np.unravel_index(error.argmax(), error.shape)}"
    assert (error <= 1 / 255).mean() >= 0.999


@pytest.mark.parametrize("name", EXAMPLES)
def test_operation_agrees_with_the_reference(name: str) -> None:
    program = parse(EXAMPLES[name])
    assert_close(gl_render.picture(program, SIZE), reference(program))
