"""The picture that shows a fit: the target beside what the program draws, at the end and as it forms."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from render.files import SaveError, write_whole

if TYPE_CHECKING:
    from render.images import Picture
    from shaderdsl import Program

LARGEST = 1024
SMALLEST = 256

LIVE_SIDE = 128
"""The longer side, in pixels, at which a picture that forms is drawn."""

PAUSE = 0.5
"""Seconds between two frames, at least."""

SHARE = 0.02
"""Of a fit's time that frames may take."""


def side_by_side(target: Picture, picture: Picture) -> npt.NDArray[np.float32]:
    """Both on white (h, 2 w + gap, 3), at most `LARGEST` px each, small ones enlarged pixel by pixel to about `SMALLEST`.

    They have the same shape, whatever their sizes.
    """
    from render.images import resized

    pictures = (target, replace(picture, of_light=target.of_light))
    longest = min(LARGEST, *(max(p.rgba.shape[:2]) for p in pictures))
    both = [resized(p, longest).over_white for p in pictures]
    height, width = (min(p.shape[axis] for p in both) for axis in (0, 1))
    factor = max(1, SMALLEST // longest)
    enlarged = [p[:height, :width].repeat(factor, 0).repeat(factor, 1) for p in both]
    gap = np.ones((enlarged[0].shape[0], max(8, enlarged[0].shape[1] // 32), 3), np.float32)
    return np.concatenate([enlarged[0], gap, enlarged[1]], axis=1)


class Live:
    """A PNG file that shows a fit as it forms: the target beside the best picture so far.

    The file is replaced whole, at most once in `PAUSE` seconds and so that it takes at most `SHARE` of the time. Making
    a Live writes the first frame, the target beside nothing; raises SaveError where the file can not be written. A
    frame that can not be written later is left out: a full disk is no reason to end a fit.
    """

    def __init__(self, path: str | os.PathLike[str], target: Picture) -> None:
        from render.images import resized

        self.path = Path(path)
        self._target = resized(target, LIVE_SIDE)
        self._next = 0.0
        height, width = self._target.rgba.shape[:2]
        self._write(np.ones((height, width, 4), np.float32))

    def show(self, program: Program) -> None:
        """Draws and writes the program's picture, unless it is too soon for another frame."""
        began = time.perf_counter()
        if began < self._next:
            return
        from render.pictures import image

        height, width = self._target.rgba.shape[:2]
        try:
            self._write(image(program, (width, height), backend="taichi", alpha=True))
        except SaveError:
            pass
        took = time.perf_counter() - began
        self._next = began + max(PAUSE, took / SHARE)

    def _write(self, rgba: npt.NDArray[np.float32]) -> None:
        from render.images import load, png_bytes

        write_whole(self.path, png_bytes(side_by_side(self._target, load(rgba))))
