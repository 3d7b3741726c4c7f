"""Builds docs/gallery.md and its pictures from the programs in examples/gallery.

    python docs/build_scenes.py                   # draws what is new or has changed, a quarter of a minute each
    python docs/build_scenes.py --only teapot     # draws these alone again, and leaves the page as it is
    python docs/build_scenes.py --check           # only says what is out of date, with status 1

A program's first comment is what the page says about it. A picture is drawn twice as large and averaged in linear light;
beside it, in `drawn.json`, stands a digest of the program and of this script's sizes, by which it is known to be up to date.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent
sys.path.insert(0, str(ROOT))

from build_language import link  # noqa: E402

import render  # noqa: E402
import shaderdsl  # noqa: E402
from render.animation import gif  # noqa: E402
from render.files import write_all  # noqa: E402
from render.light import light_of, shown_of  # noqa: E402
from render.orbits import turntable  # noqa: E402
from shaderdsl import scene  # noqa: E402
from shaderdsl.registry import Operation  # noqa: E402

PROGRAMS = ROOT / "examples" / "gallery"
PAGE = "gallery.md"
PICTURES = "pictures/scenes"
SIDE, FINER = 480, 2
SHEET_COLUMNS, THUMBNAIL = 8, 116
TURNED = ("bolt_and_nut", "platonic_solids")
"""Scenes that are shown from all around as well."""

MOST_SHOWN = 9
"""Operations that an entry names."""

FRAMES, FRAME_SIDE, RATE = 24, 176, 12.0
DIGESTS = "drawn.json"

INTRODUCTION = """\
# A gallery of programs

<!-- Made by docs/build_scenes.py from the programs in examples/gallery: change those, not this page. -->

{count} pictures, each drawn by one program of {shortest} to {longest} lines: {solid} in space, {flat} in the plane. The programs are
there to be read, copied and changed:

```sh
earthshader render examples/gallery/teapot.sdf -o teapot.png --size 1024
earthshader view examples/gallery/teapot.sdf --open
```

![All {count} pictures]({pictures}/all.webp)

What the operations in them do stands in the language of [the plane](language.md) and of [space](language-3d.md). Programs that
were found in pictures, not written, are in the [gallery of fits](gallery-2d.md).
"""


def averaged(picture: npt.NDArray[np.floating], times: int) -> npt.NDArray[np.uint8]:
    """A picture (h, w, 3) of sRGB, `times` smaller, averaged in linear light: bytes (h / times, w / times, 3)."""
    height, width = (side // times for side in picture.shape[:2])
    means = light_of(np.clip(picture, 0.0, 1.0)).reshape(height, times, width, times, 3).mean((1, 3))
    return np.rint(255.0 * shown_of(means)).astype(np.uint8)


def webp(pixels: npt.NDArray[np.uint8] | Image.Image, quality: int = 86) -> bytes:
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    stream = BytesIO()
    image.save(stream, "WEBP", quality=quality, method=6)
    return stream.getvalue()


def drawn(path: Path) -> dict[str, bytes]:
    """The files of one program by their names."""
    program = shaderdsl.parse(path.read_bytes())
    # In space Taichi is the quickest, and has its kernels after the first scene; the plane has no need of it.
    backend = "taichi" if program.dimension == 3 else "auto"
    files = {f"{path.stem}.webp": webp(averaged(render.image(program, SIDE * FINER, backend), FINER))}
    if path.stem in TURNED:
        views = [averaged(render.image(view, FRAME_SIDE * FINER, backend), FINER) for view in turntable(program, FRAMES)]
        files[f"{path.stem}.gif"] = gif(views, RATE)
    return files


def digest(path: Path) -> str:
    """What a program's pictures depend on, but for the renderer: not its comments."""
    sizes = f"{SIDE} {FINER} {FRAMES if path.stem in TURNED else 0} {FRAME_SIDE} {RATE}"
    return hashlib.sha256(f"{shaderdsl.parse(path.read_bytes()).text} {sizes}".encode()).hexdigest()[:16]


def about(text: str) -> str:
    """What a program's first comment says, on one line."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("//"):
            break
        lines.append(line.removeprefix("//").strip())
    return " ".join(lines)


def sheet(names: Sequence[str], pictures: Mapping[str, bytes]) -> bytes:
    """The WebP of all pictures, small, side by side."""
    rows = -(-len(names) // SHEET_COLUMNS)
    page = Image.new("RGB", (SHEET_COLUMNS * THUMBNAIL, rows * THUMBNAIL), "#ffffff")
    for k, name in enumerate(names):
        small = Image.open(BytesIO(pictures[f"{name}.webp"])).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
        page.paste(small, (k % SHEET_COLUMNS * THUMBNAIL, k // SHEET_COLUMNS * THUMBNAIL))
    return webp(page, 80)


def operations_of(meaning: object) -> set[Operation]:
    """The operations in a scene, or in a part of one."""
    if isinstance(meaning, Operation):
        return {meaning}
    if isinstance(meaning, tuple):
        return set().union(*map(operations_of, meaning))
    if type(meaning).__module__ != scene.__name__:
        return set()
    return set().union(*(operations_of(getattr(meaning, field.name)) for field in fields(meaning)))  # type: ignore[arg-type]


def shown(programs: Mapping[str, shaderdsl.Program]) -> dict[str, list[Operation]]:
    """What each program shows of the language: the operations of its own that the fewest others have, the rarest first."""
    used = {name: {o for o in operations_of(program.structure.scene) if o.function} for name, program in programs.items()}
    counts = Counter(operation for operations in used.values() for operation in operations)
    return {
        name: sorted(operations, key=lambda operation: (counts[operation], operation.name))[:MOST_SHOWN]
        for name, operations in used.items()
    }


def entry(path: Path, operations: Sequence[Operation]) -> str:
    """The Markdown of one picture: its title, what it is, what it shows, and the program, folded."""
    title = path.stem.replace("_", " ").capitalize()
    text = path.read_text(encoding="utf-8")
    return "\n".join(
        [
            f"### {title}", "", f'<img src="{PICTURES}/{path.stem}.webp" width="{SIDE}" alt="{title}">', "", about(text), "",
            f"Among others: {', '.join(map(link, operations))}.", "",
            f"<details><summary>The program, {len(text.splitlines())} lines</summary>", "", "```text", text.rstrip(), "```", "",
            f"[examples/gallery/{path.name}](../examples/gallery/{path.name})", "", "</details>", "",
        ]
    )  # fmt: skip


def page(paths: Sequence[Path]) -> str:
    programs = {path.stem: shaderdsl.parse(path.read_bytes()) for path in paths}
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in paths]
    solid, flat = ([path for path in paths if programs[path.stem].dimension == dimension] for dimension in (3, 2))
    introduction = INTRODUCTION.format(
        count=len(paths), shortest=min(lengths), longest=max(lengths), solid=len(solid), flat=len(flat), pictures=PICTURES
    )
    operations = shown(programs)
    turned = "\n".join(f"![{name.replace('_', ' ')}, from all around]({PICTURES}/{name}.gif)" for name in TURNED)
    return "\n".join(
        [
            introduction,
            "## In space\n", *(entry(path, operations[path.stem]) for path in solid),
            "## In the plane\n", *(entry(path, operations[path.stem]) for path in flat),
            "## From all around\n",
            f"`earthshader render NAME.sdf -o NAME.gif --turntable {FRAMES}` turns a scene of space about its middle.\n",
            f"{turned}\n",
        ]
    )  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="draw these alone, and leave the page as it is")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with status 1 if something is out of date")
    options = parser.parse_args()
    place = FOLDER / PICTURES
    paths = sorted(PROGRAMS.glob("*.sdf"))
    known: dict[str, str] = json.loads((place / DIGESTS).read_text(encoding="utf-8")) if (place / DIGESTS).is_file() else {}
    wanted = [p for p in paths if p.stem in options.only] if options.only else [p for p in paths if known.get(p.stem) != digest(p)]
    if options.check:
        stale = [f"examples/gallery/{path.name} has changed since it was drawn" for path in wanted]
        if not (FOLDER / PAGE).is_file() or (FOLDER / PAGE).read_text(encoding="utf-8") != page(paths):
            stale.append(f"docs/{PAGE} is out of date")
        print("\n".join([*stale, "run python docs/build_scenes.py"] if stale else ["all is up to date"]))
        return 1 if stale else 0
    for path in wanted:
        files: dict[Path, bytes | str] = {place / name: content for name, content in drawn(path).items()}
        known[path.stem] = digest(path)
        known = {p.stem: known[p.stem] for p in paths if p.stem in known}
        write_all({**files, place / DIGESTS: json.dumps(known, indent=1) + "\n"})
        print(f"{path.stem}: {', '.join(f'{len(content) // 1000} kB' for content in files.values())}", flush=True)
    if options.only:
        return 0
    names = [path.stem for path in paths]
    pictures = {f"{name}.webp": (place / f"{name}.webp").read_bytes() for name in names}
    write_all({place / "all.webp": sheet(names, pictures), FOLDER / PAGE: page(paths)})
    kept = {DIGESTS, "all.webp", *pictures, *(f"{name}.gif" for name in TURNED)}
    for old in place.iterdir():
        if old.name not in kept:
            old.unlink()
    print(f"docs/{PAGE}, {sum(file.stat().st_size for file in place.iterdir()) // 1000} kB of pictures")
    return 0


if __name__ == "__main__":
    sys.exit(main())
