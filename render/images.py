"""Pictures from files, from Pillow and from arrays, checked and brought to one form; and pictures to PNG files."""

from __future__ import annotations

import io
import math
import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, cast

import numpy as np
import numpy.typing as npt

from render import alpha
from render.files import write_whole
from render.light import light_of, shown_of

if TYPE_CHECKING:
    from PIL.Image import Image

Float = npt.NDArray[np.float32]

MAX_PIXELS = 200_000_000
"""A picture with more is refused: decoded it would fill a small machine's memory."""

LONGEST_SIDE = 2048
"""Larger pictures are averaged down to this while they are read; no fit looks at more."""

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "ICO", "PPM", "TGA", "AVIF", "JPEG2000", "QOI")
"""What is read. Pillow's other formats are rare, and one of them (EPS) runs a program of its own."""

LOSSY = ("JPEG", "MPO", "JPEG2000", "AVIF")
"""Formats that compress with visible traces, as a rule."""

_STRIP_BYTES = 1 << 25
_bomb_lock = threading.Lock()


class ImageError(ValueError):
    """A picture that can not be used; the message is one sentence that says why and what to do."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture as the rest of EarthShader wants it.

    rgba: float32 (h, w, 4) in [0, 1], sRGB, straight alpha, row 0 at the top.
    has_alpha: whether any pixel is transparent.
    size: (width, height) of the original; `rgba` may be smaller.
    name: of the file, without folder and ending; "image" for what is no file.
    notes: sentences about what was left out or changed.
    lossy: whether it comes from a format that leaves traces of its compression.
    of_light: whether its pixels are averaged as light, like those of what a camera saw and of scenes in space. Those of drawings are
        averaged as they are written, as browsers and painting programs do.
    """

    rgba: Float
    has_alpha: bool
    size: tuple[int, int]
    name: str = "image"
    notes: tuple[str, ...] = ()
    lossy: bool = False
    of_light: bool = False

    @property
    def premultiplied(self) -> Float:
        """(h, w, 4), colours multiplied by alpha."""
        return alpha.premultiplied(self.rgba)

    @property
    def over_white(self) -> Float:
        """(h, w, 3): as it looks on white paper."""
        return alpha.over_white(self.premultiplied)


Source = Union[str, "os.PathLike[str]", "Image", npt.NDArray[Any], Picture]


def load(source: Source) -> Picture:
    """The picture in a file, a Pillow image or an array.

    Arrays are (h, w), (h, w, 1), (h, w, 3) or (h, w, 4): bool, uint8, uint16, or floats in [0, 1], row 0 at the top.
    Files and Pillow images may have any depth, palette or colour space that Pillow knows; a camera's rotation is
    applied; of a file's several frames or pages the first is taken. What is longer than `LONGEST_SIDE` is averaged down.

    Raises ImageError, one sentence, for whatever is no usable picture.
    """
    if isinstance(source, Picture):
        return source
    if isinstance(source, (str, os.PathLike)):
        return _from_file(Path(os.fsdecode(source)))
    if hasattr(source, "convert") and hasattr(source, "getexif"):
        return _decoded(cast("Image", source), "image", "The image", ours=False)
    if hasattr(source, "__array__"):
        return _from_array(np.asarray(source))
    raise ImageError(f"A picture is a path, a Pillow image or a NumPy array, not {type(source).__name__}: give one of these.")


def resized(picture: Picture, longest: int) -> Picture:
    """The picture with its longer side averaged down to `longest` pixels (weighted by area and by alpha; see `Picture.of_light`).

    A picture that is no longer than this is returned as it is. The shorter side is rounded, and at least 1.
    """
    if longest < 1:
        raise ValueError(f"the longest side has at least 1 pixel, not {longest}")
    height, width = picture.rgba.shape[:2]
    size = _shrunk((width, height), longest)
    if size == (width, height):
        return picture
    rgba = _recoloured(picture.rgba, light_of) if picture.of_light else picture.rgba
    averaged = alpha.straight(_averaged_rows(lambda a, b: rgba[a:b], (width, height), size))
    return replace(picture, rgba=_recoloured(averaged, shown_of) if picture.of_light else averaged)


def _recoloured(rgba: Float, change: Callable[[Float], npt.NDArray[Any]]) -> Float:
    """RGBA (h, w, 4) with its colours (h, w, 3) changed."""
    return np.concatenate([change(rgba[..., :3]), rgba[..., 3:]], 2).astype(np.float32, copy=False)


def whole_part(side: int, longest: int, beyond: float = 1.25) -> int:
    """A whole part of a `side` (pixels) that is about `longest`, at most `beyond` times as long and at least 1; all are positive.

    Averaged down to it a picture is what would be drawn of its size. Pixels that are made of parts of pixels show more than their own
    squares, and edges softer than they are drawn.
    """
    return max(1, round(side / max(round(side / longest), math.ceil(side / (beyond * longest)), 1)))


def save_png(path: str | os.PathLike[str], image: npt.ArrayLike) -> Path:
    """Writes a picture (h, w), (h, w, 3) or (h, w, 4), uint8 or floats in [0, 1], as an 8-bit PNG, whole or not at all.

    Raises `render.SaveError`, and ImageError for an array that is no picture.
    """
    return write_whole(path, png_bytes(image))


def png_bytes(image: npt.ArrayLike) -> bytes:
    """The PNG file of a picture; see `save_png`."""
    from PIL import Image as pillow

    array = np.asarray(image)
    _check_array(array)
    if array.dtype != np.uint8:
        array = np.rint(_unit(array) * 255.0).astype(np.uint8)
    stream = io.BytesIO()
    pillow.fromarray(array[..., 0] if array.shape[2:] == (1,) else array).save(stream, "PNG")
    return stream.getvalue()


# -- files ------------------------------------------------------------------------------------------------------


def _from_file(path: Path) -> Picture:
    from PIL import UnidentifiedImageError

    try:
        if path.is_dir():
            raise ImageError(f"{path} is a folder: give the path of one picture in it.")
        if not path.exists():
            raise ImageError(f"{path} does not exist: check the path.")
        if not path.is_file():
            raise ImageError(f"{path} is no regular file: copy the picture to one first.")
        if path.stat().st_size == 0:
            raise ImageError(f"{path} is empty: get the picture anew.")
    except (OSError, ValueError) as error:
        raise error if isinstance(error, ImageError) else _unreadable(path, error) from None
    try:
        image = _opened(path)
    except UnidentifiedImageError:
        raise ImageError(_unknown(path)) from None
    except ImageError:
        raise
    except OSError as error:
        raise (_unreadable(path, error) if error.errno else _broken(str(path), error)) from None
    except Exception as error:  # decoders raise whatever a broken header makes them raise
        raise _broken(str(path), error) from None
    with image:
        return _decoded(image, path.stem, str(path), ours=True)


def _opened(path: Path) -> Image:
    from PIL import Image as pillow

    # Pillow's own bound, half of ours, is a global: it is lifted for the moment in which the size is read, and the
    # size is then held against ours.
    with _bomb_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, pillow.MAX_IMAGE_PIXELS = pillow.MAX_IMAGE_PIXELS, None
        try:
            return pillow.open(path, formats=FORMATS)
        finally:
            pillow.MAX_IMAGE_PIXELS = before


def _decoded(image: Image, name: str, title: str, *, ours: bool) -> Picture:
    """An opened image; `title` names it in sentences. One that is not `ours` stays at its frame and unchanged."""
    width, height = image.size
    _check_size(width, height, title)
    lossy = image.format in LOSSY
    notes = []
    try:
        if not ours:
            image = image.copy()
        elif getattr(image, "is_animated", False):
            notes.append(f"{title} has several frames or pages: the first is used.")
            image.seek(0)
        if ours and image.format in ("JPEG", "MPO"):
            image.draft(None, _shrunk(image.size, LONGEST_SIDE))  # decodes a large one at 1/2, 1/4 or 1/8
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image.load()
            rgba = _rows_of(image)
    except MemoryError:
        raise ImageError(f"{title} does not fit into memory: make it smaller first.") from None
    except Exception as error:  # decoders raise whatever broken data makes them raise
        raise _broken(title, error) from None
    turn = _rotation(image)
    if turn in (5, 6, 7, 8):
        width, height = height, width
    rgba = _turned(rgba, turn)
    return replace(_picture(rgba, (width, height), name, notes, title), lossy=lossy)


def _rows_of(image: Image) -> Float:
    """Straight RGBA (h, w, 4) of a loaded image, averaged down to `LONGEST_SIDE`."""
    size = _shrunk(image.size, LONGEST_SIDE)
    grey_top = _grey_top(image)
    if grey_top is None:
        rgba = image.convert("RGBA") if size == image.size else _averaged_bytes(image, size)
        return np.asarray(rgba, np.uint8).astype(np.float32) / np.float32(255.0)

    def rows(first: int, last: int) -> Float:
        strip = np.asarray(image.crop((0, first, image.size[0], last))).astype(np.float32)
        grey = np.clip(np.nan_to_num(strip) / np.float32(grey_top), 0.0, 1.0)
        return np.dstack([grey, grey, grey, np.ones_like(grey)])

    return rows(0, size[1]) if size == image.size else alpha.straight(_averaged_rows(rows, image.size, size))


def _averaged_bytes(image: Image, size: tuple[int, int]) -> Image:
    """An image of 8 bits as RGBA, area-averaged to `size` by Pillow, in strips, since RGBA may be four times its size."""
    from PIL import Image as pillow

    (wide, high), (width, height) = image.size, size
    result = pillow.new("RGBA", size)
    for top in range(0, height, 32):
        bottom = min(height, top + 32)
        first, last = top * high // height, -(-bottom * high // height)
        box = (0.0, top * high / height - first, float(wide), bottom * high / height - first)
        strip = image.crop((0, first, wide, last)).convert("RGBA")
        result.paste(strip.resize((width, bottom - top), pillow.Resampling.BOX, box), (0, top))
    return result


def _grey_top(image: Image) -> float | None:
    """The value that is white in a deep greyscale image; None for images of 8 bits.

    Files of 16 bits come as I;16 or I. What depth an I or F was meant to have is not said: its largest value tells.
    """
    if image.mode.startswith("I;"):
        return 65535.0
    if image.mode not in ("I", "F"):
        return None
    largest = float(np.nanmax(np.asarray(image.getextrema(), np.float64), initial=0.0))
    tops = (1.0, 255.0, 65535.0, 2147483647.0) if image.mode == "F" else (65535.0, 2147483647.0)
    return next((top for top in tops if largest <= top), tops[-1])


def _rotation(image: Image) -> int:
    """The EXIF orientation, 1 (upright) to 8."""
    try:
        turn = image.getexif().get(0x0112, 1)
    except Exception:  # a broken EXIF block: the picture itself is fine
        return 1
    return turn if isinstance(turn, int) and 1 <= turn <= 8 else 1


def _turned(rgba: Float, turn: int) -> Float:
    """Undoes a camera's rotation."""
    if turn in (5, 6, 7, 8):
        rgba = rgba.transpose(1, 0, 2)
    if turn in (2, 3, 6, 7):
        rgba = rgba[:, ::-1]
    if turn in (3, 4, 7, 8):
        rgba = rgba[::-1]
    return np.ascontiguousarray(rgba)


def _unreadable(path: Path, error: Exception) -> ImageError:
    reason = getattr(error, "strerror", None) or str(error)
    return ImageError(f"{path} can not be read ({reason}): check the path and its permissions.")


def _unknown(path: Path) -> str:
    if path.suffix.lower() in (".svg", ".svgz", ".pdf", ".eps", ".ai"):
        return f"{path} is a drawing and no picture of pixels: export it as PNG first."
    return f"{path} is no picture in a format that is read (PNG, JPEG, WebP, GIF, BMP, TIFF and some others): export it as PNG."


def _broken(title: str, error: Exception) -> ImageError:
    if "truncated" in str(error).lower() or isinstance(error, EOFError):
        return ImageError(f"{title} is truncated: its end is missing, so get the whole file.")
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return ImageError(f"{title} is broken ({reason}): get an intact copy or export it as PNG.")


# -- arrays -----------------------------------------------------------------------------------------------------


def _from_array(array: npt.NDArray[Any]) -> Picture:
    _check_array(array)
    height, width = array.shape[:2]
    size = _shrunk((width, height), LONGEST_SIDE)
    if size == (width, height):
        rgba = _with_alpha(array)
    else:
        rgba = alpha.straight(_averaged_rows(lambda a, b: _with_alpha(array[a:b]), (width, height), size))
    return _picture(rgba, (width, height), "image", [], "The array")


def _check_array(array: npt.NDArray[Any]) -> None:
    """Raises ImageError unless the array is a picture as `load` describes it."""
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (1, 3, 4)):
        swapped = array.ndim == 3 and array.shape[0] in (1, 3, 4)
        advice = "move the channels last (array.transpose(1, 2, 0))" if swapped else "reshape it"
        raise ImageError(f"An image array has the shape (h, w), (h, w, 1), (h, w, 3) or (h, w, 4), not {array.shape}: {advice}.")
    height, width = array.shape[:2]
    if height == 0 or width == 0:
        raise ImageError(f"An image array of shape {array.shape} has no pixels: give at least one.")
    _check_size(width, height, "The array")
    if array.dtype not in (np.bool_, np.uint8, np.uint16) and not np.issubdtype(array.dtype, np.floating):
        raise ImageError(f"An image array is bool, uint8, uint16 or float in [0, 1], not {array.dtype}: convert it.")
    if np.issubdtype(array.dtype, np.floating):
        _check_range(array)


def _check_range(array: npt.NDArray[Any]) -> None:
    low, high = float(array.min()), float(array.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        wrong = int(array.size - np.count_nonzero(np.isfinite(array)))
        raise ImageError(f"The array has {wrong} values that are NaN or infinite: replace them (np.nan_to_num).")
    if low < -1e-5 or high > 1.0 + 1e-5:
        advice = "divide by 255" if 1.0 < high <= 255.0 and low >= 0.0 else "scale or clip it"
        raise ImageError(f"Floats of an image array lie in [0, 1], but these reach from {low:g} to {high:g}: {advice}.")


def _unit(array: npt.NDArray[Any]) -> Float:
    """A checked array as floats in [0, 1]."""
    top = {np.dtype(np.uint8): 255.0, np.dtype(np.uint16): 65535.0}.get(array.dtype, 1.0)
    scaled: Float = array.astype(np.float32) / np.float32(top)
    return np.clip(scaled, 0.0, 1.0, out=scaled)


def _with_alpha(array: npt.NDArray[Any]) -> Float:
    values = _unit(array)
    if values.ndim == 2:
        values = values[..., None]
    if values.shape[2] == 4:
        return np.ascontiguousarray(values)
    colour = np.broadcast_to(values, (*values.shape[:2], 3))
    return np.concatenate([colour, np.ones((*values.shape[:2], 1), np.float32)], axis=2)


# -- both -------------------------------------------------------------------------------------------------------


def _check_size(width: int, height: int, title: str) -> None:
    if width * height > MAX_PIXELS:
        raise ImageError(
            f"{title} has {width}x{height} pixels, more than the {MAX_PIXELS // 1_000_000} million that are read: make it smaller first."
        )


def _picture(rgba: Float, size: tuple[int, int], name: str, notes: list[str], title: str) -> Picture:
    if max(size) > LONGEST_SIDE:
        notes.append(f"{title} has {size[0]}x{size[1]} pixels: it is worked on at {rgba.shape[1]}x{rgba.shape[0]}.")
    if min(size) < 8:
        notes.append(f"{title} has only {size[0]}x{size[1]} pixels: with 8 or more a side its shapes could be told apart.")
    return Picture(rgba, bool((rgba[..., 3] < 1.0).any()), size, name, tuple(notes))


def _shrunk(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size with its longer side at most `longest`."""
    scale = longest / max(size)
    if scale >= 1.0:
        return size
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _averaged_rows(rows: Any, source: tuple[int, int], size: tuple[int, int]) -> Float:
    """Premultiplied area averages (h, w, 4) at `size` of a straight-alpha picture of size `source`.

    `rows(first, last)` gives rows of the source; it is asked for strips, so that memory stays bounded.
    """
    width, height = size
    across = np.linspace(0.0, source[0], width + 1)
    down = np.linspace(0.0, source[1], height + 1)
    result = np.empty((height, width, 4), np.float32)
    step = max(1, int(_STRIP_BYTES / (source[0] * 32) * height / source[1]))
    for first in range(0, height, step):
        edges = down[first : first + step + 1]
        top, bottom = int(np.floor(edges[0])), min(source[1], int(np.ceil(edges[-1])))
        strip = _averaged(alpha.premultiplied(rows(top, bottom)), across, 1)
        result[first : first + step] = _averaged(strip, edges - top, 0)
    return result


def _averaged(array: npt.NDArray[Any], edges: npt.NDArray[np.float64], axis: int) -> npt.NDArray[np.float64]:
    """Means of `array` along `axis` between neighbouring edges, in units of its elements, parts of elements included."""
    moved = np.moveaxis(array, axis, 0)
    sums = np.zeros((len(moved) + 1, *moved.shape[1:]))
    np.cumsum(moved, axis=0, dtype=np.float64, out=sums[1:])
    whole = np.minimum(edges.astype(np.int64), len(moved) - 1)
    part = (edges - whole).reshape(-1, *([1] * (moved.ndim - 1)))
    integral = sums[whole] * (1.0 - part) + sums[whole + 1] * part
    lengths = np.diff(edges).reshape(-1, *([1] * (moved.ndim - 1)))
    return np.moveaxis(np.diff(integral, axis=0) / lengths, 0, axis)

