"""Draws a program with OpenGL: its own GLSL, the judge of all backends."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from render import gl_backend
from shaderdsl.glsl import to_glsl
from shaderdsl.glsl_writer import DrawnProgram
from shaderdsl.scene import SolidScene
from shaderdsl.solid_glsl import cost

MOST = 250_000
"""What a shader in space may cost (`solid_glsl.cost`) where the driver runs on the processor: about 20 s of compiling."""


def picture(
    program: DrawnProgram, size: tuple[int, int], params: npt.ArrayLike | None = None
) -> npt.NDArray[np.float32]:
    """Premultiplied RGBA, float32 (h, w, 4), row 0 at the top, of a program at size (width, height).

    Without `params` the shader has the program's own numbers as constants, as it is exported; with `params` (p,) it
    is drawn with these, as uniforms. Raises what `gl_backend.draw` raises (ShaderTimeout at once for a program in space that a
    software driver would compile for too long), and ValueError for a wrong number of them.
    """
    if params is None:
        return gl_backend.draw(_affordable(to_glsl(program), program), size, moment=program.time or 0.0)
    values: npt.NDArray[Any] = np.asarray(params, np.float32)
    if values.shape != (len(program.params),):
        raise ValueError(f"This program has {len(program.params)} parameters; give as many, not shape {values.shape}.")
    return gl_backend.draw(_affordable(to_glsl(program, live=True), program), size, values if len(values) else None)


def _affordable(source: str, program: DrawnProgram) -> str:
    if isinstance(program.scene, SolidScene) and (price := cost(source)) > MOST and "llvmpipe" in gl_backend.describe():
        raise gl_backend.ShaderTimeout(
            f"This program costs {price:,}, and OpenGL's software driver compiles at most {MOST:,} in time: "
            "use fewer solids, or another backend."
        )
    return source
