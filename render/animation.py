"""Pictures one after another as files: an animated GIF, an MP4, a sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from render.files import SaveError

Bytes = npt.NDArray[np.uint8]
Pictures = Sequence[Bytes]

SAMPLE = 16
"""Frames from which the colours of a GIF are chosen."""


def gif(pictures: Pictures, rate: float) -> bytes:
    """An animated GIF that repeats for ever, of pictures (h, w, 3) of bytes, `rate` of them a second.

    All frames share 256 colours, so that still parts do not flicker.
    """
    from PIL import Image

    frames = [Image.fromarray(picture) for picture in pictures]
    some = frames[:: max(1, len(frames) // SAMPLE)]
    width, height = frames[0].size
    together = Image.new("RGB", (width, height * len(some)))
    for k, frame in enumerate(some):
        together.paste(frame, (0, k * height))
    palette = together.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=1)
    first, *rest = [frame.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for frame in frames]
    stream = io.BytesIO()
    # The format counts hundredths of a second, and most programs show nothing shorter than two.
    shown = max(20, 10 * round(100.0 / rate))
    first.save(stream, "GIF", save_all=True, append_images=rest, duration=shown, loop=0, optimize=False)
    return stream.getvalue()


def mp4(pictures: Pictures, rate: float) -> bytes:
    """An MP4 (H.264) of pictures (h, w, 3) of bytes, `rate` of them a second; sides are cut to even numbers.

    Raises SaveError where the package av is missing, which brings its own encoder.
    """
    try:
        import av
    except ImportError:
        raise SaveError('MP4 files are written by av, which is not installed: pip install "earthshader[video]", or write a GIF') from None
    from fractions import Fraction

    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as container:
        height, width = (side - side % 2 for side in pictures[0].shape[:2])
        video = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1000))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.options = {"crf": "16"}
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            container.mux(video.encode(frame))
        container.mux(video.encode())
    return stream.getvalue()


def sheet(pictures: Pictures, columns: int) -> Bytes:
    """Pictures (h, w, 3) of bytes side by side, `columns` in a row, in one picture; what is left of the last row is white."""
    height, width = pictures[0].shape[:2]
    rows = -(-len(pictures) // columns)
    page = np.full((rows * height, columns * width, 3), 255, np.uint8)
    for k, picture in enumerate(pictures):
        top, left = k // columns * height, k % columns * width
        page[top : top + height, left : left + width] = picture
    return page

