"""Draws the example pictures beside this file: `python examples/images/build.py [FOLDER]`.

They are made by rasterisers other than EarthShader's own, so that a fit of them proves something: Chromium draws the
SVG pictures, Pillow the mask (eight times too large, then averaged), and NumPy shades the pebbles. Chromium's edges may
differ by a level or so from one version to the next, so the PNG files are kept.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

BALLOON = """
<defs>
  <linearGradient id="sky" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#2f80c9"/><stop offset="1" stop-color="#a9dcf2"/></linearGradient>
  <linearGradient id="red" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="#ff7a59"/><stop offset="1" stop-color="#c22f3d"/></linearGradient>
</defs>
<rect x="8" y="8" width="240" height="240" rx="52" fill="url(#sky)"/>
<path d="M30 196 h62 a15 15 0 0 0 0 -30 a24 24 0 0 0 -44 -5 a18 18 0 0 0 -18 35 z" fill="#fff"/>
<path d="M172 116 h44 a12 12 0 0 0 0 -24 a19 19 0 0 0 -35 -4 a14 14 0 0 0 -9 28 z" fill="#fff" opacity="0.85"/>
<path d="M100 150 L114 190 M156 150 L142 190" stroke="#6b4632" stroke-width="4" stroke-linecap="round"/>
<path d="M128 38 c-40 0 -62 30 -62 60 c0 28 30 50 44 62 h36 c14 -12 44 -34 44 -62 c0 -30 -22 -60 -62 -60 z" fill="url(#red)"/>
<path d="M128 38 c-20 0 -29 30 -29 60 c0 28 15 50 21 62 h16 c6 -12 21 -34 21 -62 c0 -30 -9 -60 -29 -60 z" fill="#ffd166"/>
<rect x="112" y="186" width="32" height="26" rx="6" fill="#8a5a3c"/>
<rect x="110" y="184" width="36" height="8" rx="4" fill="#6b4632"/>
"""

COMPASS = """
<defs><linearGradient id="rim" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="#4d5f7a"/><stop offset="1" stop-color="#232f42"/></linearGradient></defs>
<circle cx="96" cy="96" r="84" fill="url(#rim)"/>
<circle cx="96" cy="96" r="68" fill="#f5f1e6"/>
<g fill="#a9b1bd"><circle cx="96" cy="40" r="4"/><circle cx="152" cy="96" r="4"/><circle cx="96" cy="152" r="4"/><circle cx="40" cy="96" r="4"/></g>
<g transform="rotate(38 96 96)">
  <path d="M96 38 L112 96 H80 Z" fill="#e0483e"/>
  <path d="M96 154 L112 96 H80 Z" fill="#3a4a63"/>
</g>
<circle cx="96" cy="96" r="8" fill="#f5f1e6"/>
"""

HOUSE = """
<g fill="none" stroke="#1d2733" stroke-width="8" stroke-linecap="round" stroke-linejoin="round">
  <path d="M14 62 L64 18 L114 62"/>
  <path d="M28 54 V108 H100 V54"/>
  <path d="M52 108 V80 Q52 70 64 70 Q76 70 76 80 V108"/>
  <path d="M92 40 V22"/>
</g>
"""


def chromium() -> str:
    """The path of a Chromium or Chrome."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise SystemExit("The SVG pictures are drawn by Chromium: install it and run this again.")


def drawn_svg(body: str, size: int) -> Image.Image:
    """An SVG's content, `size` units wide and high, as RGBA of as many pixels."""
    page = f"<style>body{{margin:0}}svg{{display:block}}</style><svg xmlns='http://www.w3.org/2000/svg' width='{size}' height='{size}'>{body}</svg>"
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "picture.html"), Path(folder, "picture.png")
        source.write_text(page, encoding="utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-device-scale-factor=1"]
        options += ["--default-background-color=00000000", "--window-size=600,600", f"--screenshot={target}"]
        environment = {**os.environ, "HOME": folder}
        subprocess.run(
            [chromium(), *options, source.as_uri()], check=True, capture_output=True, timeout=60, env=environment
        )
        return Image.open(target).convert("RGBA").crop((0, 0, size, size))


def key(size: int = 128, factor: int = 8) -> Image.Image:
    """A black key on white, from filled shapes `factor` times too large."""
    unit = size * factor / 128
    image = Image.new("L", (size * factor, size * factor), 255)
    draw = ImageDraw.Draw(image)

    def disk(x: float, y: float, radius: float, shade: int) -> None:
        draw.ellipse([unit * (x - radius), unit * (y - radius), unit * (x + radius) - 1, unit * (y + radius) - 1], shade)

    def bar(left: float, top: float, right: float, bottom: float) -> None:
        draw.rectangle([unit * left, unit * top, unit * right - 1, unit * bottom - 1], 0)

    disk(36, 64, 28, 0)
    bar(58, 57, 118, 71)
    bar(92, 64, 101, 90)
    bar(109, 64, 118, 84)
    disk(36, 64, 14, 255)
    return image.rotate(30, Image.Resampling.BICUBIC, fillcolor=255).resize((size, size), Image.Resampling.BOX)


def pebbles(width: int = 192, height: int = 128, samples: int = 4) -> Image.Image:
    """Shaded pebbles on sand with a little noise, `samples` by `samples` points a pixel: something like a photograph."""
    y, x = (np.mgrid[: height * samples, : width * samples] + 0.5) / samples
    picture = np.stack([222 - 0.16 * y, 205 - 0.2 * y, 178 - 0.22 * y], -1)
    stones = [  # x, y, half width, half height, turn in degrees, colour
        (52, 60, 40, 27, 15, (120, 128, 138)), (122, 84, 46, 28, -12, (150, 116, 96)),
        (146, 36, 30, 20, 25, (88, 96, 104)), (76, 104, 22, 13, 5, (196, 184, 168)), (174, 108, 14, 10, 40, (110, 92, 84)),
    ]  # fmt: skip
    for center_x, center_y, half_width, half_height, turn, colour in stones:
        c, s = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        u = (c * (x - center_x) + s * (y - center_y)) / half_width
        v = (c * (y - center_y) - s * (x - center_x)) / half_height
        # The shadow falls to the lower right; the light comes from the upper left.
        fall = np.array([c * 3 + s * 7, c * 7 - s * 3]) / (half_width, half_height)
        lit = np.array([-c * 0.3 * half_width - s * 0.35 * half_height, s * 0.3 * half_width - c * 0.35 * half_height])
        lit /= (half_width, half_height)
        shadow = 0.55 * np.clip(1.6 * (1.12 - np.hypot(u - fall[0], v - fall[1])), 0, 1)
        picture *= 1 - shadow[..., None]
        inside = np.hypot(u, v) < 1
        light = 0.62 + 0.6 * np.clip(1 - np.hypot(u - lit[0], v - lit[1]), 0, 1)
        picture[inside] = light[inside, None] * np.array(colour)
    small = picture.reshape(height, samples, width, samples, 3).mean((1, 3))
    noise = np.random.default_rng(0).normal(0, 2.5, (height, width, 1))
    return Image.fromarray(np.clip(np.rint(small + noise), 0, 255).astype(np.uint8))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parent, help="where the PNG files go")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "compass": drawn_svg(COMPASS, 192),
        "hot_air_balloon": drawn_svg(BALLOON, 256),
        "house": drawn_svg(HOUSE, 128),
        "key": key(),
        "pebbles": pebbles(),
    }
    for name, picture in pictures.items():
        picture.save(folder / f"{name}.png", optimize=True)
        print(folder / f"{name}.png", picture.size, picture.mode)


if __name__ == "__main__":
    main()
