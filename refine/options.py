"""What a fit is asked for: its options, checked, and the shapes that they allow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from refine.sketch import (
    Box,
    Capsule,
    Circle,
    Difference,
    Ellipse,
    Grid,
    Mirror,
    Offset,
    Outlined,
    Path,
    Polar,
    Polygon,
    Ring,
    Segment,
    SketchShape,
    Stroke,
    Symmetry,
)

if TYPE_CHECKING:
    from refine.proposer import Proposer
    from shaderdsl import Program

STYLES = ("auto", "shapes", "paths")
"""What programs are made of: what describes the picture best, named shapes alone, or outlines and strokes alone."""

FUNCTIONS: dict[type[SketchShape | Symmetry], str] = {
    Circle: "circle", Ellipse: "ellipse", Box: "box", Capsule: "capsule", Segment: "segment", Ring: "ring",
    Outlined: "stroke", Difference: "difference", Polygon: "polygon", Path: "path", Stroke: "path", Offset: "offset",
    Mirror: "mirror", Polar: "repeat_polar", Grid: "repeat_grid",
}  # fmt: skip
"""The function of the language that a shape or a symmetry is written with, beside those of its parts."""


class OptionError(ValueError):
    """An option of a fit makes no sense; the message is one sentence."""


@dataclass(frozen=True)
class Options:
    """What a fit is asked for; each field is described at `refine.fit`. Raises OptionError."""

    seconds: float
    max_shapes: int | None
    max_numbers: int
    target_psnr: float | None
    style: str
    operations: Sequence[str] | None
    proposer: str | Proposer
    seed: int
    start: Program | None
    dimension: int = 2

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise OptionError(f"seconds is the time a fit may take, above 0, not {self.seconds}")
        if self.max_numbers < 3:
            raise OptionError(f"max_numbers is at least 3 (a background colour), not {self.max_numbers}")
        if self.max_shapes is not None and self.max_shapes < 1:
            raise OptionError(f"max_shapes is at least 1, not {self.max_shapes}")
        if self.target_psnr is not None and not 0 < self.target_psnr < 100:
            raise OptionError(f"target_psnr is in decibels, above 0 and below 100, not {self.target_psnr}")
        if self.style not in STYLES:
            raise OptionError(f'style is "auto", "shapes" or "paths", not {self.style!r}')
        if self.dimension not in (2, 3):
            raise OptionError(f"dimension is 2 (shapes of the plane) or 3 (solids), not {self.dimension!r}")
        if self.dimension == 3 and (self.style != "auto" or self.operations is not None):
            raise OptionError("style and operations are for shapes of the plane: a fit in space takes neither")
        if self.start is not None and self.start.dimension != self.dimension:
            raise OptionError(f"start is a program of dimension {self.start.dimension}, and the fit's is {self.dimension}")
        for name in self.operations or ():
            _check_operation(name)
        if self.proposer != "auto" and not hasattr(self.proposer, "propose"):
            raise OptionError(f'proposer is "auto" or an object with propose(image, n), not {self.proposer!r}')

    def allowed(self) -> Callable[[SketchShape | Symmetry], bool]:
        """The test whether `operations` and `style` let a shape, with all its parts, or a symmetry be used."""
        wanted = set(FUNCTIONS.values()) if self.operations is None else set(self.operations)
        if self.style == "shapes":
            wanted -= {"path"}
        elif self.style == "paths":
            wanted &= {"path", "polygon", "offset", "mirror", "repeat_polar", "repeat_grid"}

        def allowed(shape: SketchShape | Symmetry) -> bool:
            parts: tuple[SketchShape, ...] = ()
            if isinstance(shape, Outlined):
                parts = (shape.shape,)
            elif isinstance(shape, Offset):
                parts = (shape.outline,)
            elif isinstance(shape, Difference):
                parts = (shape.base, *shape.holes)
            return FUNCTIONS[type(shape)] in wanted and all(allowed(part) for part in parts)

        return allowed


def _check_operation(name: str) -> None:
    """Raises OptionError for what is no function of the language."""
    from shaderdsl.registry import functions

    if name not in functions():
        import difflib

        near = difflib.get_close_matches(name, functions(), 1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise OptionError(f'operations has "{name}", which is no operation of the language{hint}')
