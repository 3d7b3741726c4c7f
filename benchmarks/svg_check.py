"""How well a program's SVG drawing keeps its picture, drawn by Cairo (through CairoSVG): a renderer that is not ours.

CairoSVG has no Gaussian blur: it draws soft edges crisp, which counts against the drawing here and nowhere else.
"""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

import render
from render.metrics import psnr
from shaderdsl import Program

Image = npt.NDArray[np.float32]

SAMPLES, FEWER_SAMPLES = 16, 4
"""How many times larger a drawing is drawn before it is averaged down; fewer where the picture is large."""

LARGE = 1 << 17
"""Pixels of a picture above which there are fewer samples: 16 x 16 of as many take half a GiB."""


def cairo_loss(program: Program, target: Image) -> float:
    """dB against `target` (h, w, 3), over white, that the drawing lacks beside our own picture; below 0 where it is better.

    Raises RuntimeError, one sentence, where CairoSVG or libcairo is missing.
    """
    height, width = target.shape[:2]
    ours = render.image(program, (width, height))
    return psnr(ours, target) - psnr(drawn_by_cairo(render.svg(program, (width, height)), (width, height)), target)


def drawn_by_cairo(text: str, size: tuple[int, int]) -> Image:
    """A drawing as a picture (h, w, 3) over white of size (width, height), averaged down from 256 samples a pixel (16 if it
    is large)."""
    try:
        import cairosvg
    except ImportError:
        raise RuntimeError("SVG is drawn by CairoSVG, which is not installed: pip install cairosvg.") from None
    except OSError:
        raise RuntimeError(
            "SVG is drawn by Cairo, whose library is missing: install it (on Debian and Ubuntu: apt-get install libcairo2)."
        ) from None
    from PIL import Image as Pillow

    width, height = size
    samples = SAMPLES if width * height <= LARGE else FEWER_SAMPLES
    png = cairosvg.svg2png(
        text.encode(), output_width=width * samples, output_height=height * samples, background_color="white"
    )
    large = Pillow.open(io.BytesIO(png)).convert("RGB")
    boxes = np.asarray(large).reshape(height, samples, width, samples, 3)
    return np.asarray(boxes.mean((1, 3), dtype=np.float64) / 255.0, np.float32)
