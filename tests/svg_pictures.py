"""SVG drawings as pictures, by resvg: a renderer that shares nothing with ours."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt

SAMPLES = 8


def drawn(text: str, samples: int = SAMPLES) -> npt.NDArray[np.float64]:
    """A drawing over white (h, w, 3) in [0, 1], drawn `samples` times as large and averaged down."""
    import resvg_py
    from PIL import Image

    png = bytes(resvg_py.svg_to_bytes(svg_string=text, zoom=samples, background="#ffffff", skip_system_fonts=True))
    large = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.float64) / 255.0
    height, width = large.shape[:2]
    return np.asarray(large.reshape(height // samples, samples, width // samples, samples, 3).mean((1, 3)))
