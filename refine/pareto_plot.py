"""The picture of a fit's curve: PSNR against numbers, and below it what some of the programs draw."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from refine.front import ParetoPoint
    from render.images import Picture

WIDTH, HEIGHT = 900, 636
FINER = 3
"""How many times as large it is drawn, before it is averaged down: Pillow's own lines are jagged."""

LEFT, RIGHT, TOP, BOTTOM = 58, 872, 40, 376
TILE, TILE_LEFT, TILE_TOP = 152, 28, 438
SHOWN = 4

INK, SOFT, GRID, LINE, AREA, MARK = "#23262b", "#6b7078", "#e3e3e0", "#1f6f9f", "#eff5f9", "#d9482b"


def plotted(points: Sequence[ParetoPoint], target: Picture) -> npt.NDArray[np.uint8]:
    """The plot (HEIGHT, WIDTH, 3) of at least one point, rising in numbers, and of the target that they draw.

    A staircase, since between two points the shorter program is the best. Up to SHOWN points are marked, and drawn at
    the bottom beside the target.
    """
    from PIL import Image, ImageDraw

    page = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), "#ffffff")
    pen = _Pen(ImageDraw.Draw(page))
    low, high, decibels = _axis(points[0].psnr, points[-1].psnr, 6)
    right = max(1.02 * points[-1].numbers, 1.0)
    counts = [count for count in _axis(0.0, right, 8)[2] if count <= right]

    def place(numbers: float, psnr: float) -> tuple[float, float]:
        return LEFT + (RIGHT - LEFT) * numbers / right, BOTTOM - (BOTTOM - TOP) * (psnr - low) / (high - low)

    places = [place(p.numbers, p.psnr) for p in points]
    corners = [(x, y) for (_, y), (x, _) in zip(places, places[1:])]
    steps = [spot for pair in zip(places, corners) for spot in pair] + [places[-1], (RIGHT, places[-1][1])]
    pen.area([(places[0][0], BOTTOM), *steps, (RIGHT, BOTTOM)], AREA)
    for value in decibels:
        y = place(0, value)[1]
        pen.line([(LEFT, y), (RIGHT, y)], GRID, 1)
        pen.text((LEFT - 10, y), f"{value:g}", SOFT, 14, "rm")
    for count in counts:
        x = place(count, low)[0]
        pen.line([(x, BOTTOM), (x, BOTTOM + 5)], SOFT, 1)
        pen.text((x, BOTTOM + 9), f"{count:,.0f}", SOFT, 14, "ma")
    pen.line([(LEFT, BOTTOM), (RIGHT, BOTTOM)], SOFT, 1)
    pen.text((LEFT, TOP - 10), "PSNR, dB", INK, 14, "ls")
    pen.text((RIGHT, BOTTOM + 28), "numbers in the program", INK, 14, "ra")

    pen.line(steps, LINE, 2)
    for x, y in places:
        pen.disk(x, y, 3, LINE)
    shown = _shown(points)
    for number, index in enumerate(shown, 1):
        pen.badge(*places[index], number)

    tiles = [_tile(target), *_drawn([points[k] for k in shown], target)]
    captions = ["the picture", *(f"{_counted(points[k].numbers)}, {points[k].psnr:.1f} dB" for k in shown)]
    step = (RIGHT - TILE_LEFT - TILE) / SHOWN
    for number, (tile, caption) in enumerate(zip(tiles, captions)):
        middle = TILE_LEFT + step * number + TILE / 2
        height, width = tile.shape[:2]
        corner = (round(middle * FINER - width / 2), round((TILE_TOP + TILE / 2) * FINER - height / 2))
        page.paste(Image.fromarray(tile), corner)
        pen.frame(corner, (width, height))
        pen.text((middle, TILE_TOP + TILE + 20), caption, INK, 14, "mm")
        if number:
            pen.badge(corner[0] / FINER, corner[1] / FINER, number)
    return np.asarray(page.resize((WIDTH, HEIGHT), Image.Resampling.BOX))


class _Pen:
    """Draws on a page that is FINER times as large as the coordinates and widths it is given."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def line(self, places: Sequence[tuple[float, float]], colour: str, width: float) -> None:
        scaled = [(x * FINER, y * FINER) for x, y in places]
        self._draw.line(scaled, colour, round(width * FINER), "curve")

    def area(self, places: Sequence[tuple[float, float]], colour: str) -> None:
        self._draw.polygon([(x * FINER, y * FINER) for x, y in places], colour)

    def disk(self, x: float, y: float, radius: float, colour: str) -> None:
        self._draw.ellipse([(x - radius) * FINER, (y - radius) * FINER, (x + radius) * FINER, (y + radius) * FINER], colour)

    def badge(self, x: float, y: float, number: int) -> None:
        self.disk(x, y, 10.5, "#ffffff")
        self.disk(x, y, 9, MARK)
        self.text((x, y), str(number), "#ffffff", 13, "mm")

    def frame(self, corner: tuple[int, int], size: tuple[int, int]) -> None:
        """A hairline around pixels of the page."""
        (x, y), (width, height) = corner, size
        self._draw.rectangle([x - FINER, y - FINER, x + width + FINER - 1, y + height + FINER - 1], None, GRID, FINER)

    def text(self, place: tuple[float, float], text: str, colour: str, size: float, anchor: str) -> None:
        from PIL import ImageFont

        font = ImageFont.load_default(size * FINER)
        self._draw.text((place[0] * FINER, place[1] * FINER), text, colour, font, anchor)


def _axis(low: float, high: float, most: int) -> tuple[float, float, list[float]]:
    """(lower end, upper end, ticks) of an axis in steps of 1, 2 or 5 times a power of ten, about `most` of them at most."""
    steps = (mantissa * 10**power for power in range(7) for mantissa in (1, 2, 5))
    step = next(s for s in steps if (high - low) / s <= most)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    return first * step, last * step, [float(k * step) for k in range(first, last + 1)]


def _counted(numbers: int) -> str:
    return "1 number" if numbers == 1 else f"{numbers:,} numbers"


def _shown(points: Sequence[ParetoPoint]) -> list[int]:
    """Indices of up to SHOWN points at even steps of PSNR, the last among them.

    The first, a plain background, is left out where there is another.
    """
    low, high = points[0].psnr, points[-1].psnr
    wanted = [low + (high - low) * (k + 1) / (SHOWN + 1) for k in range(1, SHOWN + 1)]
    choice = range(min(1, len(points) - 1), len(points))
    return sorted({min(choice, key=lambda i: abs(points[i].psnr - psnr)) for psnr in wanted})


def _tile_size(target: Picture) -> tuple[int, int]:
    height, width = target.rgba.shape[:2]
    scale = TILE * FINER / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _tile(target: Picture) -> npt.NDArray[np.uint8]:
    """The target over white, its longer side TILE: enlarged pixel by pixel, so that its pixels show."""
    from PIL import Image

    from render.images import resized

    small = resized(target, TILE * FINER).over_white
    pixels = np.rint(np.clip(small, 0.0, 1.0) * 255.0).astype(np.uint8)
    return np.asarray(Image.fromarray(pixels).resize(_tile_size(target), Image.Resampling.NEAREST))


def _drawn(points: Sequence[ParetoPoint], target: Picture) -> list[npt.NDArray[np.uint8]]:
    """What programs draw, over white, at the size of a tile."""
    from render.pictures import batch

    pictures = batch([point.program for point in points], _tile_size(target))
    return [np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8) for picture in pictures]
