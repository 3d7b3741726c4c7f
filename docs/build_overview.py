"""Builds the README's pictures: overview.png (a fit, from picture to viewer), gallery.png and apple.png (examples).

    python docs/build_overview.py                                     # fits examples/images/compass.png first
    python docs/build_overview.py --fit out/compass                   # from the folder of a fit that is there
    python docs/build_overview.py --fit out/compass --gallery-only

Chromium draws the pages, the viewer's with WebGL in software.
"""

from __future__ import annotations

import argparse
import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path.insert(0, str(ROOT))

import refine  # noqa: E402
import render  # noqa: E402
import shaderdsl  # noqa: E402
from render.images import png_bytes  # noqa: E402

PICTURES = FOLDER / "pictures"
WIDTH = 1200
VIEWER = (1180, 780)
MOST_LINES = 30

STYLE = """
* { box-sizing: border-box; margin: 0 }
body { width: 1200px; padding: 28px; background: #ffffff; color: #23262b; font: 15px/1.45 system-ui, sans-serif }
.row { display: grid; grid-template-columns: 200px 1fr 200px; gap: 16px; align-items: center }
figure { text-align: center }
figure img { width: 200px; height: 200px; object-fit: contain }
figcaption { margin-top: 8px; color: #6b7078; font-size: 14px }
figcaption b { color: #23262b }
pre { padding: 12px 14px; border: 1px solid #e2e0da; border-radius: 10px; background: #faf9f6; overflow: hidden;
      font: 11.6px/1.55 "DejaVu Sans Mono", monospace }
.word { color: #7a3e9d } .call { color: #1f5f8b } .number { color: #b4532a } .more { color: #8a8f97 }
.window { margin-top: 26px; border: 1px solid #d9d7d0; border-radius: 12px; overflow: hidden;
          box-shadow: 0 6px 22px rgba(0, 0, 0, .10) }
.window .bar { height: 30px; padding: 6px 12px; background: #eceae4; color: #6b7078; font-size: 13px }
.window img { display: block; width: 100% }
.gallery { display: grid; grid-template-columns: repeat(6, 1fr); gap: 14px }
.gallery img { width: 100%; border-radius: 12px; display: block; background: #f3f2ee }
"""


def screenshot(page: str, size: tuple[int, int]) -> np.ndarray:
    """A page's text as Chromium shows it in a window of `size`: float32 (h, w, 3)."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        raise SystemExit("The pages are drawn by Chromium: install it and run this again.")
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "page.html"), Path(folder, "page.png")
        source.write_text(page, encoding="utf-8")
        options = [
            "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1", "--use-gl=angle",
            "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--virtual-time-budget=20000",
            f"--window-size={size[0]},{size[1]}", f"--screenshot={target}",
        ]  # fmt: skip
        environment = {**os.environ, "HOME": folder}
        command = [browser, *options, source.as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=120, env=environment)
        return render.load(target).rgba[..., :3]


def cropped(picture: np.ndarray, margin: int = 14) -> np.ndarray:
    """The picture without the white below its content."""
    rows = np.flatnonzero((picture < 0.98).any((1, 2)))
    return picture[: min(len(picture), int(rows[-1]) + margin)]


def source(data: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(data).decode("ascii")


def coloured(text: str) -> str:
    """A program's first lines as HTML."""
    lines = text.splitlines()
    shown = html.escape("\n".join(lines[:MOST_LINES]), quote=False)
    token = re.compile(r"(?P<word>\b(?:scene|let|def)\b)|(?P<number>#[0-9a-f]{3,6}\b|(?<![\w.])-?\d[\w.%]*)|(?P<call>\b[a-z_]+(?=\())")

    def marked(match: re.Match[str]) -> str:
        return f'<span class="{match.lastgroup}">{match[0]}</span>'

    more = f'\n<span class="more">… {len(lines) - MOST_LINES} lines more</span>' if len(lines) > MOST_LINES else ""
    return token.sub(marked, shown) + more


def overview(folder: Path, picture: Path) -> str:
    """The page of a fit: picture, program, what the program draws, and the viewer."""
    program = shaderdsl.parse((folder / "program.sdf").read_bytes())
    summary = json.loads((folder / "fit.json").read_text(encoding="utf-8"))
    transparent = program.scene.background is None
    width, height = summary["size"]
    large = (round(648 * width / max(width, height)), round(648 * height / max(width, height)))
    drawn = png_bytes(render.image(program, large, alpha=transparent))
    viewer = png_bytes(screenshot((folder / "viewer.html").read_text(encoding="utf-8"), VIEWER))
    found = f"{summary['psnr']:.1f} dB, {summary['numbers']} numbers, {summary['seconds']:.0f} s"
    return f"""<!doctype html><meta charset="utf-8"><style>{STYLE}</style>
<div class="row">
  <figure><img src="{source(picture.read_bytes())}"><figcaption><b>a picture</b><br>{width} × {height} pixels</figcaption></figure>
  <pre>{coloured(program.text)}</pre>
  <figure><img src="{source(drawn)}"><figcaption><b>what the program draws</b><br>{found}</figcaption></figure>
</div>
<div class="window"><div class="bar">viewer.html</div><img src="{source(viewer)}"></div>"""


def gallery() -> str:
    """The page of the examples."""
    items = []
    for path in sorted((ROOT / "examples").glob("*.sdf")):
        program = shaderdsl.parse(path.read_bytes())
        picture = render.image(program, 480, alpha=program.scene.background is None)
        items.append(f'<img src="{source(png_bytes(picture))}">')
    return f"<!doctype html><style>{STYLE}</style><div class='gallery'>{''.join(items)}</div>"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", type=Path, default=ROOT / "examples" / "images" / "compass.png", help="the picture to fit")
    parser.add_argument("--fit", type=Path, help="the folder of a fit of that picture; it is made where this is left out")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to fit (%(default)s)")
    parser.add_argument("--gallery-only", action="store_true", help="leave the overview as it is")
    options = parser.parse_args()
    apple = shaderdsl.parse((ROOT / "examples" / "apple.sdf").read_bytes())
    render.save_png(PICTURES / "apple.png", render.image(apple, 440))
    render.save_png(PICTURES / "gallery.png", cropped(screenshot(gallery(), (WIDTH, 700)), 28))
    if options.gallery_only:
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.fit or Path(temporary)
        if options.fit is None:
            refine.fit(options.image, seconds=options.seconds).save(folder)
        page = overview(folder, options.image)
    render.save_png(PICTURES / "overview.png", cropped(screenshot(page, (WIDTH, 1600))))


if __name__ == "__main__":
    main()
