"""What a fit gives back, and the files it leaves."""

from __future__ import annotations

import json
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from refine.front import ParetoPoint
from render.files import SaveError as SaveError, write_all

if TYPE_CHECKING:
    from render.images import Picture
    from shaderdsl import Program


@dataclass(eq=False)
class Fit:
    """A program that draws a picture.

    program: the program as it is printed: `image` is drawn from just these numbers.
    image: its picture, float32 (h, w, 3), or (h, w, 4) with straight alpha where the target has alpha, at the input's
        size; drawn by OpenGL where there is one (`validated`), else by Taichi.
    psnr: decibels against the target, peak 1.
    seconds: that the fit took.
    numbers: how many numbers the program's text has (a colour counts as three).
    target: the picture that was fitted.
    history: dictionaries of "seconds", "psnr", "numbers" and "what" (a short phrase), in order.
    pareto: the best program found at each count of numbers, rising in numbers and in PSNR; the last one is `program`.
    validated: whether the program's GLSL was drawn by a real OpenGL.
    notes: sentences that a person should read.
    interrupted: whether Ctrl-C ended the fit early.
    """

    program: Program
    image: npt.NDArray[np.float32]
    psnr: float
    seconds: float
    numbers: int
    target: Picture
    history: list[dict[str, Any]] = field(default_factory=list)
    pareto: list[ParetoPoint] = field(default_factory=list)
    validated: bool = False
    notes: list[str] = field(default_factory=list)
    interrupted: bool = False

    def __post_init__(self) -> None:
        if not self.pareto:
            self.pareto.append(ParetoPoint(self.numbers, self.psnr, self.program))

    def summary(self) -> dict[str, Any]:
        """All but the pictures and the curve, as `fit.json` has it: plain values that JSON can hold."""
        height, width = self.image.shape[:2]
        values: dict[str, Any] = {
            "name": self.target.name,
            "size": [width, height],
            "psnr": self.psnr,
            "seconds": self.seconds,
            "numbers": self.numbers,
            "validated": self.validated,
            "interrupted": self.interrupted,
            "notes": list(self.notes),
            "history": self.history,
            "program": self.program.text,
        }
        plain: dict[str, Any] = _plain(values)
        return plain

    def save(self, folder: str | os.PathLike[str]) -> list[Path]:
        """Writes what was found into a folder, and returns the files' paths.

        program.sdf     the program
        shader.glsl     its GLSL 330; shadertoy.glsl the same to paste into Shadertoy
        drawing.svg     the same picture as SVG: see `render.svg`; not of a program in space
        preview.png     the target, then the picture
        viewer.html     the program live, a slider for each number
        fit.json        `summary()`
        pareto.json     a list of {"numbers", "psnr", "program"}, one for each point of `pareto`
        pareto.png      the curve, and what some of its programs draw

        The folder is made if need be; files of these names in it are replaced, all or none. Raises SaveError, one
        sentence, if it can not be written.
        """
        from refine.pareto_plot import plotted
        from render.images import png_bytes
        from render.svg import svg
        from render.viewer import page
        from shaderdsl import to_glsl

        place = Path(folder)
        curve = [_plain({"numbers": p.numbers, "psnr": p.psnr, "program": p.program.text}) for p in self.pareto]
        # An SVG has no solids.
        drawing: dict[str | os.PathLike[str], bytes | str] = {}
        if self.program.dimension == 2:
            drawing[place / "drawing.svg"] = svg(self.program, (self.image.shape[1], self.image.shape[0]))
        return write_all(
            {
                place / "program.sdf": self.program.text + "\n",
                place / "shader.glsl": to_glsl(self.program, target="330"),
                place / "shadertoy.glsl": to_glsl(self.program, target="shadertoy"),
                **drawing,
                place / "preview.png": png_bytes(self.preview()),
                place / "viewer.html": page(self.program, self.target.rgba, title=self.target.name, notes=self._remarks()),
                place / "fit.json": json.dumps(self.summary(), indent=2, allow_nan=False) + "\n",
                place / "pareto.json": json.dumps(curve, indent=2, allow_nan=False) + "\n",
                place / "pareto.png": png_bytes(plotted(self.pareto, self.target)),
            }
        )

    def _remarks(self) -> list[str]:
        """What the page says under its title."""
        fitted = f"{self.psnr:.2f} dB with {self.numbers} numbers, found in {self.seconds:.1f} s"
        return [fitted, *self.notes]

    def preview(self) -> npt.NDArray[np.float32]:
        """The target and the picture side by side on white (h, 2 w + gap, 3), as preview.png has them."""
        from refine.preview import side_by_side
        from render.images import load

        return side_by_side(self.target, load(self.image))


def _plain(value: Any) -> Any:
    """`value` with NumPy's scalars as Python's, and numbers that JSON lacks as None."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
