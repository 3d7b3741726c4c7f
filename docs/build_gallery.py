"""Builds docs/gallery-2d.md and its pictures: fits of all pictures in examples/images.

    python docs/build_gallery.py                     # fits 24 pictures, ten seconds each, into out/gallery
    python docs/build_gallery.py FOLDER --seconds 20
    python docs/build_gallery.py FOLDER --only rocket fish

A picture that has a fit in the folder is not fitted again: an interrupted run goes on where it was. Delete a fit's
folder (or name another one) to have it fitted anew. The page is written when all fits are there.
"""

from __future__ import annotations

import argparse
import colorsys
import json
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image, ImageDraw
from skimage.measure import find_contours

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path.insert(0, str(ROOT))

import refine  # noqa: E402
import render  # noqa: E402
import shaderdsl  # noqa: E402
from render import numpy_backend  # noqa: E402
from render.files import write_all  # noqa: E402
from render.tapes import tape_of  # noqa: E402

PAGE = "gallery-2d.md"
PICTURES = "pictures/gallery"
TILE, GAP = 384, 16
FINER = 3
"""How many times as large outlines are drawn, before they are averaged down."""

GRID = 288
"""Points at which a shape's field is taken, along the shorter side."""

MOST_LINES, LONGEST_LINE = 8, 118

INTRODUCTION = """\
# A gallery of fits

<!-- Made by docs/build_gallery.py from the fits of examples/images: change that, not this page. -->

{count} pictures of our own ([where they come from](../examples/images)), each fitted by `earthshader fit` for at most
{seconds:g} seconds. From left to right: the picture, its pixels enlarged; what the program draws, {scale} times as
large; and the outlines of its shapes, where their distances are zero, in a colour for each layer. Below them is how
the program begins. The median is {psnr:.1f} dB with {numbers:.0f} numbers.
"""


def outlines(program: shaderdsl.Program, size: tuple[int, int]) -> list[list[np.ndarray]]:
    """For each layer the zero contours of its distance: arrays (n, 2) of x and y in pixels of a picture of `size`.

    By marching squares on a grid with a margin, so that a shape which reaches beyond the picture stays open there.
    """
    width, height = size
    step = min(size) / GRID
    columns, rows = (np.arange(-step, side + 1.5 * step, step) for side in size)
    x, y = np.meshgrid(columns, rows)
    unit = 2.0 / min(size)
    points = np.stack([(x.ravel() - width / 2) * unit, (height / 2 - y.ravel()) * unit], 1)
    tape = tape_of(program)
    found = []
    for layer in range(len(tape.layers)):
        field = numpy_backend.field(tape, program.params, layer, points)[0].reshape(x.shape)
        found.append([contour[:, ::-1] * step - step for contour in find_contours(field, 0.0)])
    return found


def wireframe(program: shaderdsl.Program, drawn: np.ndarray) -> Image.Image:
    """The outlines of a program's shapes, each layer in a hue of its own, over its picture made pale."""
    pale = Image.fromarray(np.rint(255.0 * (0.8 + 0.2 * np.clip(drawn, 0, 1))).astype(np.uint8))
    page = pale.resize((pale.width * FINER, pale.height * FINER), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(page)
    for layer, contours in enumerate(outlines(program, pale.size)):
        # Golden steps keep the hues of neighbouring layers apart.
        hue = colorsys.hls_to_rgb((0.58 + 0.618034 * layer) % 1.0, 0.36, 0.75)
        for contour in contours:
            line = [(float(x) * FINER, float(y) * FINER) for x, y in contour]
            pen.line(line, tuple(round(255 * v) for v in hue), round(1.3 * FINER), "curve")
    return page.resize(pale.size, Image.Resampling.BOX)


def strip(target: render.Picture, program: shaderdsl.Program) -> bytes:
    """The WebP of an entry: the picture, what the program draws, and its outlines, side by side on white."""
    height, width = target.rgba.shape[:2]
    size = (round(TILE * width / max(width, height)), round(TILE * height / max(width, height)))
    drawn = render.image(program, size)
    pixels = Image.fromarray(np.rint(255.0 * target.over_white).astype(np.uint8))
    tiles = [
        pixels.resize(size, Image.Resampling.NEAREST),
        Image.fromarray(np.rint(255.0 * np.clip(drawn, 0, 1)).astype(np.uint8)),
        wireframe(program, drawn),
    ]
    page = Image.new("RGB", (3 * size[0] + 2 * GAP, size[1]), "#ffffff")
    for k, tile in enumerate(tiles):
        page.paste(tile, (k * (size[0] + GAP), 0))
    data = BytesIO()
    page.save(data, "WEBP", quality=86, method=6)
    return data.getvalue()


def entry(name: str, summary: dict[str, object], text: str) -> str:
    """What the page says about one fit."""
    lines = text.splitlines()
    shown = [line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 2] + " …" for line in lines[:MOST_LINES]]
    more = len(lines) - len(shown)
    shown += [f"… {more} {'line' if more == 1 else 'lines'} more"] if more else []
    title = name.replace("_", " ")
    return "\n".join(
        [
            f"## {title}", "", f"![{title}: the picture, the program's, and the outlines of its shapes]({PICTURES}/{name}.webp)", "",
            f"**{summary['psnr']:.1f} dB, {summary['numbers']} numbers**, {summary['seconds']:.0f} s", "", "```text", *shown, "```", "",
        ]
    )  # fmt: skip


def fitted(path: Path, folder: Path, seconds: float) -> Path:
    """The folder of a picture's fit, which is made unless it is there."""
    place = folder / path.stem
    if not (place / "fit.json").is_file():
        fit = refine.fit(path, seconds=seconds)
        if fit.interrupted:
            raise KeyboardInterrupt
        fit.save(place)
        print(f"{path.stem:>16}  {fit.psnr:5.2f} dB  {fit.numbers:4d} numbers  {fit.seconds:5.1f} s", flush=True)
    return place


def contents(images: Sequence[Path], folder: Path, seconds: float) -> dict[str, bytes]:
    """Every file of the page by its path below docs/, from the fits in `folder`."""
    files: dict[str, bytes] = {}
    entries, summaries = [], []
    for path in images:
        place = fitted(path, folder, seconds)
        program = shaderdsl.parse((place / "program.sdf").read_bytes())
        summaries.append(json.loads((place / "fit.json").read_text(encoding="utf-8")))
        files[f"{PICTURES}/{path.stem}.webp"] = strip(render.load(path), program)
        entries.append(entry(path.stem, summaries[-1], program.text))
    scales = sorted({TILE / max(s["size"]) for s in summaries})
    introduction = INTRODUCTION.format(
        count=len(images), seconds=seconds, scale=" to ".join(dict.fromkeys(f"{s:g}" for s in (scales[0], scales[-1]))),
        psnr=median(s["psnr"] for s in summaries), numbers=median(s["numbers"] for s in summaries),
    )  # fmt: skip
    files[PAGE] = "\n".join([introduction, *entries]).encode()
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "out" / "gallery", help="for the fits (out/gallery)")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to fit each (%(default)s)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="fit these alone, and leave the page as it is")
    options = parser.parse_args()
    images = sorted((ROOT / "examples" / "images").glob("*.png"))
    if options.only:
        for path in images:
            if path.stem in options.only:
                fitted(path, options.folder, options.seconds)
        return
    files = contents(images, options.folder, options.seconds)
    write_all({FOLDER / path: content for path, content in files.items()})
    for old in (FOLDER / PICTURES).glob("*.webp"):
        if f"{PICTURES}/{old.name}" not in files:
            old.unlink()
    print(f"docs/{PAGE}, {sum(map(len, files.values())) // 1000} kB with its pictures")


if __name__ == "__main__":
    main()
