"""Draws the nineteen small pictures beside this file: `python examples/images/build_icons.py [FOLDER]`.

They are 128 pixels square, and sampled at 8 by 8 points a pixel with NumPy and Pillow, by none of EarthShader's
renderers: a point is inside a shape or not, layers are painted over each other at every point, and the points of a
pixel are averaged. Coordinates are pixels, y down.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw

SIZE = 128
FACTOR = 8
ROWS, COLUMNS = (np.mgrid[: SIZE * FACTOR, : SIZE * FACTOR] + 0.5) / FACTOR

Mask = npt.NDArray[np.bool_]
Points = list[tuple[float, float]]


# -- shapes -----------------------------------------------------------------------------------------------------


def ellipse(x: float, y: float, half_width: float, half_height: float, turn: float = 0.0) -> Mask:
    """turn: in degrees, clockwise."""
    u, v = turned(x, y, turn)
    return (u / half_width) ** 2 + (v / half_height) ** 2 < 1


def disk(x: float, y: float, radius: float) -> Mask:
    return ellipse(x, y, radius, radius)


def box(x: float, y: float, half_width: float, half_height: float, corner: float = 0.0, turn: float = 0.0) -> Mask:
    """corner: the radius of its corners."""
    u, v = turned(x, y, turn)
    return np.hypot(np.maximum(abs(u) - half_width + corner, 0), np.maximum(abs(v) - half_height + corner, 0)) <= corner


def turned(x: float, y: float, turn: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Every point as seen from (x, y), turned back."""
    c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
    return c * (COLUMNS - x) + s * (ROWS - y), c * (ROWS - y) - s * (COLUMNS - x)


def path(data: str, turn: float = 0.0) -> Mask:
    """The inside of an SVG path of M, L, H, V, C and Z, absolute; turned about the middle."""
    image = Image.new("1", (SIZE * FACTOR, SIZE * FACTOR))
    for points in outlines(data, turn):
        ImageDraw.Draw(image).polygon([(x * FACTOR - 0.5, y * FACTOR - 0.5) for x, y in points], 1)
    return np.array(image)


def stroke(data: str, width: float, turn: float = 0.0) -> Mask:
    """The line along such a path, with round ends and joins."""
    image = Image.new("1", (SIZE * FACTOR, SIZE * FACTOR))
    draw, half = ImageDraw.Draw(image), width * FACTOR / 2
    for points in outlines(data, turn):
        scaled = [(x * FACTOR - 0.5, y * FACTOR - 0.5) for x, y in points]
        draw.line(scaled, 1, round(2 * half))
        for x, y in scaled:
            draw.ellipse([x - half, y - half, x + half, y + half], 1)
    return np.array(image)


def outlines(data: str, turn: float = 0.0) -> list[Points]:
    """The points of each part of a path, curves in short steps."""
    found: list[Points] = []
    x = y = 0.0
    for command, text in re.findall(r"([MLHVCZ])([^MLHVCZ]*)", data):
        values = [float(v) for v in text.replace(",", " ").split()]
        if command == "M":
            found.append([])
        if command == "Z":
            found[-1].append(found[-1][0])
        elif command == "H":
            found[-1].append((values[0], y))
        elif command == "V":
            found[-1].append((x, values[0]))
        elif command == "C":
            for k in range(0, len(values), 6):
                start, first, second, end = (np.array(p) for p in ((x, y), values[k : k + 2], values[k + 2 : k + 4], values[k + 4 : k + 6]))
                for t in np.arange(1, 33) / 32:
                    point = (1 - t) ** 3 * start + 3 * t * (1 - t) ** 2 * first + 3 * t * t * (1 - t) * second + t**3 * end
                    found[-1].append((float(point[0]), float(point[1])))
                x, y = found[-1][-1]
        else:
            found[-1] += list(zip(values[::2], values[1::2]))
        x, y = found[-1][-1]
    c, s, middle = np.cos(np.radians(turn)), np.sin(np.radians(turn)), SIZE / 2
    return [
        [(middle + c * (x - middle) - s * (y - middle), middle + s * (x - middle) + c * (y - middle)) for x, y in points]
        for points in found
    ]


def star(x: float, y: float, radius: float, inner: float, points: int = 5) -> Mask:
    angles = np.pi * (np.arange(2 * points) / points - 0.5)
    radii = np.where(np.arange(2 * points) % 2, inner, radius)
    corners = [f"{x + r * np.cos(a):.4f} {y + r * np.sin(a):.4f}" for r, a in zip(radii, angles)]
    return path("M" + " L".join(corners) + "Z")


# -- paint ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Linear:
    first: str
    last: str
    start: tuple[float, float]
    end: tuple[float, float]

    def at(self, inside: Mask) -> npt.NDArray[np.float64]:
        (x, y), (dx, dy) = self.start, (self.end[0] - self.start[0], self.end[1] - self.start[1])
        return blended(self.first, self.last, ((COLUMNS[inside] - x) * dx + (ROWS[inside] - y) * dy) / (dx * dx + dy * dy))


@dataclass(frozen=True)
class Radial:
    first: str
    last: str
    centre: tuple[float, float]
    radius: float

    def at(self, inside: Mask) -> npt.NDArray[np.float64]:
        distance = np.hypot(COLUMNS[inside] - self.centre[0], ROWS[inside] - self.centre[1])
        return blended(self.first, self.last, distance / self.radius)


def blended(first: str, last: str, along: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    one, other = (np.array(ImageColor.getrgb(colour)) / 255.0 for colour in (first, last))
    return one + np.clip(along, 0, 1)[:, None] * (other - one)


class Canvas:
    """Layers painted over each other, transparent at first."""

    def __init__(self) -> None:
        self._rgba = np.zeros((*ROWS.shape, 4))  # premultiplied

    def fill(self, inside: Mask, paint: str | Linear | Radial, opacity: float = 1.0) -> None:
        colour = np.array(ImageColor.getrgb(paint)) / 255.0 if isinstance(paint, str) else paint.at(inside)
        self._rgba[inside] *= 1 - opacity
        self._rgba[inside, :3] += opacity * colour
        self._rgba[inside, 3] += opacity

    def image(self) -> Image.Image:
        """RGBA, or RGB where nothing is transparent."""
        pixels = self._rgba.reshape(SIZE, FACTOR, SIZE, FACTOR, 4).mean((1, 3))
        alpha = pixels[..., 3:]
        straight = np.concatenate([pixels[..., :3] / np.maximum(alpha, 1e-9), alpha], -1)
        image = Image.fromarray(np.rint(straight * 255).clip(0, 255).astype(np.uint8), "RGBA")
        return image if (alpha < 1 - 1e-6).any() else image.convert("RGB")


EVERYWHERE = np.ones(ROWS.shape, bool)


# -- pictures ---------------------------------------------------------------------------------------------------


def badge(c: Canvas) -> None:
    """A medal with ribbons."""
    for side, colour in ((-1, "#2d6cdf"), (1, "#2459bd")):
        c.fill(path(f"M{64 + side * 6} 74 L{64 + side * 32} 66 L{64 + side * 40} 118 L{64 + side * 25} 106 L{64 + side * 12} 120 Z"), colour)
    angle = np.arctan2(ROWS - 52, COLUMNS - 64)
    c.fill(np.hypot(COLUMNS - 64, ROWS - 52) < 41 + 2.6 * np.cos(14 * angle), Linear("#ffd25a", "#e8952b", (40, 12), (88, 94)))
    c.fill(disk(64, 52, 31), "#fff4d2")
    c.fill(disk(64, 52, 27), Linear("#f7b63b", "#e5892a", (64, 25), (64, 79)))
    c.fill(star(64, 53, 19, 8.2), "#fffaf0")


def bell(c: Canvas) -> None:
    """A line icon."""
    for line in (
        "M34 92 C40 84 40 76 40 60 C40 42 50 30 64 30 C78 30 88 42 88 60 C88 76 88 84 94 92 Z",
        "M64 30 V19", "M53 104 C56 113 72 113 75 104", "M22 48 C23 38 28 30 34 24", "M106 48 C105 38 100 30 94 24",
    ):  # fmt: skip
        c.fill(stroke(line, 7), "#2a2438")


def camera(c: Canvas) -> None:
    c.fill(EVERYWHERE, Linear("#ff9a76", "#f06a6a", (0, 0), (128, 128)))
    c.fill(path("M42 40 L48 28 H80 L86 40 Z"), "#39424f")
    c.fill(box(64, 68, 49, 32, 9), "#39424f")
    c.fill(box(64, 52, 49, 5), "#4b5665")
    c.fill(disk(64, 69, 26), "#e9edf2")
    c.fill(disk(64, 69, 22), "#2a313b")
    c.fill(disk(64, 69, 16), Radial("#5ea0d8", "#1d3f6e", (60, 64), 20))
    c.fill(disk(58, 62, 4.5), "#ffffff", 0.85)
    c.fill(box(99, 46, 7, 4, 2), "#ffd166")
    c.fill(box(29, 35, 8, 3.5, 2), "#2a313b")


def envelope(c: Canvas) -> None:
    c.fill(box(64, 64, 60, 60, 26), Linear("#5aa9f5", "#2f63d8", (64, 4), (64, 124)))
    body = box(64, 66, 42, 29, 6)
    c.fill(body, "#f4f1e8")
    c.fill(body & path("M22 95 L58 62 H70 L106 95 Z"), "#e3dccb")
    c.fill(body & path("M20 36 H108 L69 70 C66 73 62 73 59 70 Z"), "#ffffff")
    c.fill(body & stroke("M20 36 L59 70 C62 73 66 73 69 70 L108 36", 2.6), "#b9b2a2")
    c.fill(disk(98, 36, 14), "#ef4b4b")
    c.fill(stroke("M94 33 L99 29 V43", 3.6), "#ffffff")


def face(c: Canvas) -> None:
    """A laughing emoji."""
    c.fill(disk(64, 64, 56), Radial("#ffe680", "#f5ab2e", (54, 44), 84))
    for side in (-1, 1):
        c.fill(ellipse(64 + side * 21, 48, 7.5, 11), "#4a2c17")
        c.fill(disk(64 + side * 21 - 2, 43, 2.8), "#ffffff")
        c.fill(ellipse(64 + side * 37, 68, 9, 6), "#f0605a", 0.45)
    mouth = path("M34 70 C44 74 84 74 94 70 C94 94 80 106 64 106 C48 106 34 94 34 70 Z")
    c.fill(mouth, "#6e1f22")
    c.fill(mouth & ellipse(64, 106, 22, 17), "#ef6a70")
    c.fill(mouth & path("M32 68 C44 74 84 74 96 68 V80 C84 84 44 84 32 80 Z"), "#ffffff")


def fish(c: Canvas) -> None:
    c.fill(EVERYWHERE, Linear("#bdeef2", "#3fa5c8", (0, 0), (0, 128)))
    body = path("M14 66 C26 40 50 30 68 34 C84 38 92 52 98 62 C92 78 82 94 64 98 C44 100 26 90 14 66 Z")
    c.fill(path("M90 62 C98 50 108 42 120 40 C115 54 115 74 120 90 C108 86 98 78 90 66 Z"), "#f06a2c")
    c.fill(path("M46 38 C54 20 72 18 84 26 C80 32 80 38 82 44 Z"), "#f06a2c")
    c.fill(body, Linear("#ffc247", "#f47b30", (50, 34), (56, 98)))
    c.fill(body & stroke("M50 26 C60 50 60 82 48 106", 9), "#fff6e6")
    c.fill(body & stroke("M80 26 C88 52 86 80 74 106", 7), "#fff6e6")
    c.fill(disk(33, 58, 7.5), "#ffffff")
    c.fill(disk(31.5, 58, 4), "#1d2b3a")
    c.fill(stroke("M19 74 C24 77 28 77 32 75", 2.6), "#b54a17")
    c.fill(path("M60 70 C72 68 78 74 78 84 C68 84 62 78 60 70 Z"), "#f06a2c")
    for x, y, radius in ((18, 34, 5), (28, 20, 3.5), (14, 14, 2.5)):
        c.fill(disk(x, y, radius), "#ffffff", 0.7)


def gear(c: Canvas) -> None:
    wheel = disk(64, 64, 42)
    for k in range(8):
        angle = np.radians(45 * k + 22.5)
        wheel |= box(64 + 44 * np.cos(angle), 64 + 44 * np.sin(angle), 13, 9, 3, 45 * k + 22.5)
    c.fill(wheel & ~disk(64, 64, 17), Linear("#8fa3b8", "#4d6076", (64, 6), (64, 122)))
    c.fill(disk(64, 64, 30) & ~disk(64, 64, 17), "#3c4c5f")
    c.fill(disk(64, 64, 22) & ~disk(64, 64, 17), "#c9d5e0")


def heart(c: Canvas) -> None:
    c.fill(EVERYWHERE, "#fdf1ee")
    shape = path("M64 112 C30 86 12 68 12 44 C12 27 25 16 40 16 C51 16 59 22 64 31 C69 22 77 16 88 16 C103 16 116 27 116 44 C116 68 98 86 64 112 Z")
    c.fill(shape, Radial("#ff6b78", "#c4183a", (44, 40), 84))
    c.fill(ellipse(36, 38, 13, 8, -38), "#ffffff", 0.65)
    c.fill(disk(25, 55, 3.6), "#ffffff", 0.5)


def leaf(c: Canvas) -> None:
    c.fill(EVERYWHERE, "#f7f5ec")
    blade = path("M22 106 C12 62 36 18 106 16 C112 78 76 118 22 106 Z")
    c.fill(stroke("M12 118 C24 104 40 88 60 68", 5), "#4f7d2b")
    c.fill(blade, Linear("#a6d651", "#2f8f46", (30, 24), (92, 104)))
    veins = stroke("M22 106 C40 86 66 58 96 28", 3.2)
    for line in (
        "M42 85 C38 70 37 60 38 50", "M58 67 C55 54 55 44 57 34", "M74 50 C73 42 73 34 76 25",
        "M40 87 C54 92 64 93 75 91", "M57 69 C70 74 80 74 91 71", "M74 51 C84 54 92 54 100 51",
    ):  # fmt: skip
        veins |= stroke(line, 2.4)
    c.fill(veins & blade, "#e6f3b8")


def letter(c: Canvas) -> None:
    """R in a rounded square."""
    c.fill(box(64, 64, 58, 58, 28), Linear("#8f5bff", "#2fb8e6", (14, 8), (114, 120)))
    c.fill(stroke("M44 96 V33 H67 C82 33 89 42 89 52 C89 62 82 71 67 71 H46 M68 72 L90 96", 13), "#ffffff")


def logo(c: Canvas) -> None:
    """Three disks, each seen through the others."""
    for k, colour in enumerate(("#ff5a5f", "#ffb400", "#1a9fc9")):
        angle = np.radians(120 * k - 90)
        c.fill(disk(64 + 22 * np.cos(angle), 68 + 22 * np.sin(angle), 33), colour, 0.82)
    c.fill(disk(64, 68, 9), "#ffffff")


def map_pin(c: Canvas) -> None:
    c.fill(ellipse(64, 115, 24, 6), "#1c2a3a", 0.22)
    c.fill(path("M64 116 C58 102 27 78 27 48 C27 27 43 11 64 11 C85 11 101 27 101 48 C101 78 70 102 64 116 Z"), Linear("#ff6a5a", "#cf2440", (40, 14), (84, 106)))
    c.fill(disk(64, 48, 17), "#ffffff")
    c.fill(disk(64, 48, 9), "#3a4a63")


def mushroom(c: Canvas) -> None:
    c.fill(EVERYWHERE, Linear("#e3f2dc", "#b9dcae", (0, 0), (0, 128)))
    c.fill(ellipse(64, 112, 48, 9), "#6fae62")
    c.fill(path("M50 66 C50 88 46 100 42 108 C50 116 78 116 86 108 C82 100 78 88 78 66 Z"), Linear("#fff8ea", "#e0c9a4", (44, 90), (86, 92)))
    c.fill(ellipse(64, 70, 44, 9), "#d9b98d")
    cap = path("M12 66 C12 34 36 14 64 14 C92 14 116 34 116 66 C102 74 84 70 64 70 C44 70 26 74 12 66 Z")
    c.fill(cap, Radial("#f2604f", "#b81f2e", (52, 30), 74))
    for x, y, half_width, half_height in ((48, 34, 11, 9), (84, 42, 9, 8), (28, 56, 8, 8), (64, 58, 8, 6), (104, 62, 9, 8)):
        c.fill(cap & ellipse(x, y, half_width, half_height), "#fff6ee")


def padlock(c: Canvas) -> None:
    c.fill(stroke("M40 62 V42 C40 26 50 16 64 16 C78 16 88 26 88 42 V62", 13), Linear("#c5ced8", "#7d8a99", (34, 20), (94, 40)))
    c.fill(box(64, 84, 42, 34, 10), Linear("#ffd45e", "#e79a1f", (64, 50), (64, 118)))
    c.fill(box(64, 111, 42, 7, 6), "#c97f16")
    c.fill(disk(64, 78, 9), "#5b3c0c")
    c.fill(path("M60 82 H68 L71 100 H57 Z"), "#5b3c0c")


def planet(c: Canvas) -> None:
    c.fill(EVERYWHERE, Radial("#2c2f6b", "#11122e", (64, 64), 84))
    for x, y, radius in ((18, 22, 1.8), (104, 18, 2.4), (112, 98, 1.8), (24, 104, 2.4), (60, 12, 1.4), (90, 116, 1.4)):
        c.fill(disk(x, y, radius), "#fdf6d8")
    ring = ellipse(64, 64, 58, 18, -22) & ~ellipse(64, 64, 47, 11.5, -22)
    c.fill(ring, Linear("#f6d9a8", "#b98a6a", (10, 84), (118, 44)))
    ball = disk(64, 64, 34)
    c.fill(ball, Linear("#ffb26b", "#d9535f", (46, 32), (84, 98)))
    for offset, half, colour in ((-15, 4.5, "#ffd3a0"), (3, 3, "#e8735f"), (16, 5, "#b83f5e")):
        c.fill(ball & (abs(turned(64, 64, -22)[1] - offset) < half), colour)
    c.fill(ring & (turned(64, 64, -22)[1] > 0), Linear("#f6d9a8", "#b98a6a", (10, 84), (118, 44)))


def rocket(c: Canvas) -> None:
    c.fill(disk(64, 64, 60), Radial("#3a4fa3", "#1c2456", (50, 44), 90))
    for x, y, radius in ((24, 50, 2), (40, 22, 1.6), (104, 78, 2), (92, 104, 1.6)):
        c.fill(disk(x, y, radius), "#ffffff")
    turn = 38.0
    c.fill(path("M54 88 C52 100 58 108 64 118 C70 108 76 100 74 88 Z", turn), "#ff8a3c")
    c.fill(path("M58 88 C57 95 61 100 64 106 C67 100 71 95 70 88 Z", turn), "#ffe08a")
    for side in (-1, 1):
        c.fill(path(f"M{64 + side * 16} 62 C{64 + side * 28} 68 {64 + side * 30} 80 {64 + side * 27} 94 L{64 + side * 12} 84 Z", turn), "#d83a4a")
    body = path("M64 12 C80 26 84 42 84 58 C84 70 80 80 76 88 H52 C48 80 44 70 44 58 C44 42 48 26 64 12 Z", turn)
    c.fill(body, Linear("#ffffff", "#b9c4d6", (52, 46), (80, 72)))
    c.fill(body & path("M40 34 C54 30 74 30 88 34 V4 H40 Z", turn), "#d83a4a")
    middle = outlines("M64 52", turn)[0][0]
    c.fill(disk(*middle, 10.5), "#39456b")
    c.fill(disk(*middle, 7.5), Linear("#a8e4ff", "#3d9fd6", (middle[0], middle[1] - 8), (middle[0], middle[1] + 8)))


def rosette(c: Canvas) -> None:
    c.fill(EVERYWHERE, "#fbf3e4")
    for count, reach, half_width, half_height, first, colours in (
        (12, 40, 17, 8.5, 15, ("#2a9d8f", "#45b7a8")), (12, 26, 14, 6.5, 0, ("#f4a261", "#e9c46a")), (6, 13, 10, 6, 30, ("#e76f51", "#e76f51")),
    ):  # fmt: skip
        for k in range(count):
            turn = 360 / count * k + first
            x, y = 64 + reach * np.cos(np.radians(turn)), 64 + reach * np.sin(np.radians(turn))
            c.fill(ellipse(x, y, half_width, half_height, turn), colours[k % 2])
    c.fill(disk(64, 64, 9), "#264653")
    c.fill(disk(64, 64, 4), "#fbf3e4")


def sunset(c: Canvas) -> None:
    """Gradients."""
    c.fill(EVERYWHERE, Linear("#40306f", "#ff9f6e", (0, 0), (0, 84)))
    c.fill(disk(78, 62, 34), "#ffd08a", 0.25)
    c.fill(disk(78, 62, 22), Linear("#fff3b0", "#ff9d57", (78, 40), (78, 84)))
    c.fill(path("M0 84 V66 C16 56 28 60 40 70 C50 76 58 80 66 84 Z"), "#7a3f72")
    c.fill(path("M60 84 C80 72 96 60 112 62 C120 64 124 68 128 70 V84 Z"), "#93486f")
    c.fill(ROWS > 84, Linear("#d8756f", "#3a2a63", (0, 84), (0, 128)))
    for y, half_width in ((90, 20), (99, 14), (108, 9)):
        c.fill(box(78, y, half_width, 1.7, 1.7), "#ffd6a0", 0.8)


def weather(c: Canvas) -> None:
    """Sun, cloud and rain."""
    for k in range(10):
        turn = 36 * k
        x, y = 48 + 35 * np.cos(np.radians(turn)), 46 + 35 * np.sin(np.radians(turn))
        c.fill(box(x, y, 6.5, 2.6, 2.6, turn), "#f7a928")
    c.fill(disk(48, 46, 23), Radial("#ffe27a", "#f9a826", (42, 40), 32))
    cloud = disk(50, 78, 17) | disk(74, 66, 24) | disk(98, 78, 17) | box(74, 84, 41, 11, 11)
    c.fill(cloud, Linear("#ffffff", "#b7c9e2", (70, 44), (78, 98)))
    for x in (50, 74, 98):
        c.fill(stroke(f"M{x} 106 L{x - 6} 119", 6), "#3d8bdd")


PICTURES: Sequence[Callable[[Canvas], None]] = (
    badge, bell, camera, envelope, face, fish, gear, heart, leaf, letter, logo, map_pin, mushroom, padlock, planet, rocket,
    rosette, sunset, weather,
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent, help="where the PNG files go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for draw in PICTURES:
        canvas = Canvas()
        draw(canvas)
        picture = canvas.image()
        picture.save(folder / f"{draw.__name__}.png", optimize=True)
        print(folder / f"{draw.__name__}.png", picture.size, picture.mode)


if __name__ == "__main__":
    main()
