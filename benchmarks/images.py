"""Real images: our fits beside VTracer's paths, by PSNR and by how many numbers each takes.

    python -m benchmarks.images [folder] [--seconds 10] [--limit N] [--photographs 10] [--curve-images 12] [--separate]

For each PNG of the folder (default: examples/images), in the same run:

- ours: `refine.fit(path, seconds=.., max_numbers=..)`; the numbers are those of the program's text, a colour as three,
  fixed ones too;
- VTracer (https://pypi.org/project/vtracer), with its default settings and with a few others, of which its best PSNR
  counts as "best": its numbers are the literals of the path data, and three for each colour, while its headers and its
  offsets of whole paths are counted as none. Its SVG is drawn by resvg, four times as large, and averaged down.

PSNR is at the image's own size, over white. What is asked: a better PSNR than VTracer's default with at most half of its
numbers.

Then a curve, PSNR at some budgets of numbers. Up to `--max-numbers` it is read from the one fit of each image: the best
point of `fit.pareto` with at most so many numbers, drawn as printed. A larger budget has a fit of its own on a part of
the images (`--curve-images`), beside which stands what the one fit reached on the same; with `--separate` every budget
has.

Then a check for parts that only show at one size (drawn about 1024 px large and averaged down, a fit should lose at most
1 dB); the images by source, where their files are named SOURCE-NAME.png; and photographs that ship with scikit-image, at
most 256 px. results/images/ gets a sheet (input, ours, VTracer's default) and a plot.
"""

from __future__ import annotations

import argparse
import io
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

import shaderdsl
from benchmarks.common import RESULTS, summary
from benchmarks.measuring import keep, load, table, verdict
from benchmarks.svg_check import cairo_loss
from render.files import write_whole
from render.metrics import psnr

if TYPE_CHECKING:
    from refine import ParetoPoint

OWN_IMAGES = Path(__file__).resolve().parent.parent / "examples" / "images"
LARGEST_PHOTOGRAPH = 256
LARGE_SIDE = 1024
GHOST_LIMIT = 1.0
SHARE_GOAL, NUMBERS_GOAL = 0.8, 400.0
SECONDS_GOAL, LONGEST_SECONDS_GOAL = 10.0, 20.0
CURVE_GOALS: dict[int, dict[str, float]] = {300: {"median": 36.0, "p25": 31.0}, 400: {"median": 37.5}}
"""Decibels asked for at budgets of numbers."""

LINE_ICONS, LINE_BUDGET, LINE_GOAL = "feather", 60, 38.0
"""The source whose icons are lines, and what is asked of them: the median's decibels with at most so many numbers."""

VTRACER: dict[str, dict[str, Any]] = {
    "default": {},
    "poster": {"color_precision": 8, "layer_difference": 16, "filter_speckle": 4},
    "photo": {"color_precision": 8, "layer_difference": 48, "filter_speckle": 10, "corner_threshold": 180},
    "fine": {"color_precision": 8, "layer_difference": 8, "filter_speckle": 1},
    "finest": {"color_precision": 8, "layer_difference": 4, "filter_speckle": 1, "length_threshold": 3.5},
}
"""Settings of VTracer: its default, its two presets for colour, and two that take smaller parts."""

PHOTOGRAPHS = (
    "astronaut", "camera", "cat", "coffee", "coins", "rocket", "hubble_deep_field", "immunohistochemistry", "moon", "retina",
)  # fmt: skip
"""Names in skimage.data; those that would need a download are left out, and said to be."""

Image = npt.NDArray[np.float32]


# -- the two sides -------------------------------------------------------------------------------------------


def over_white(image: npt.NDArray[Any]) -> Image:
    if image.shape[2] == 3:
        return image.astype(np.float32)
    alpha = image[..., 3:]
    return np.asarray(image[..., :3] * alpha + 1.0 - alpha, np.float32)


def fitted(source: Any, seconds: float, max_numbers: int, budgets: Sequence[int] = ()) -> tuple[dict[str, Any], Image]:
    """One fit: its figures, with PSNR at `budgets` from its curve, and its picture over white at the input's size."""
    import refine

    began = time.perf_counter()
    fit = refine.fit(source, seconds=seconds, max_numbers=max_numbers)
    elapsed = time.perf_counter() - began
    if fit.interrupted:
        raise KeyboardInterrupt
    picture = over_white(fit.image)
    target = over_white(fit.target.rgba)
    figures = {
        "psnr": psnr(picture, target), "numbers": shaderdsl.number_count(fit.program), "seconds": elapsed,
        "ghost_loss": ghost_loss(fit.program, target), "validated": fit.validated, "program": fit.program.text,
        "curve": curve_at(budgets, fit.pareto, target),
    }  # fmt: skip
    try:
        figures["cairo_loss"] = cairo_loss(fit.program, target)
    except RuntimeError as problem:
        print(f"left out: {problem}")
    return figures, picture


def curve_at(budgets: Sequence[int], points: Sequence[ParetoPoint], target: Image) -> dict[str, dict[str, Any]]:
    """PSNR over white, and numbers, of the best of a curve's points with at most each budget of numbers."""
    import render

    found = {}
    for budget in budgets:
        point = next((p for p in reversed(points) if p.numbers <= budget), None)
        if point is not None:
            picture = render.image(point.program, (target.shape[1], target.shape[0]), backend="taichi")
            found[str(budget)] = {"psnr": psnr(picture, target), "numbers": point.numbers}
    return found


def ghost_loss(program: shaderdsl.Program, target: Image) -> float:
    """dB that a program loses when it is drawn some times larger, about LARGE_SIDE px, and averaged down."""
    import render

    height, width = target.shape[:2]
    factor = max(2, round(LARGE_SIDE / max(height, width)))
    plain, large = (render.image(program, (k * width, k * height), backend="taichi") for k in (1, factor))
    return psnr(plain, target) - psnr(averaged(large, factor), target)


def averaged(image: Image, factor: int) -> Image:
    height, width, channels = image.shape
    boxes = image.reshape(height // factor, factor, width // factor, factor, channels)
    return np.asarray(boxes.mean((1, 3)), np.float32)


def traced(target: Image) -> dict[str, dict[str, Any]]:
    """VTracer's figures and picture for each of its settings."""
    import resvg_py
    import vtracer
    from PIL import Image as Pillow

    found = {}
    png = io.BytesIO()
    Pillow.fromarray(np.round(target * 255.0).astype(np.uint8)).save(png, "PNG")
    for name, settings in VTRACER.items():
        began = time.perf_counter()
        svg = vtracer.convert_raw_image_to_svg(png.getvalue(), img_format="png", **settings)
        seconds = time.perf_counter() - began
        large = Pillow.open(io.BytesIO(resvg_py.svg_to_bytes(svg_string=svg, zoom=4, background="#ffffff")))
        picture = averaged(np.asarray(large.convert("RGB"), np.float32) / 255.0, 4)
        found[name] = {"psnr": psnr(picture, target), "numbers": svg_numbers(svg), "seconds": seconds, "picture": picture}
    return found


_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def svg_numbers(svg: str) -> int:
    """Literals of the path data, and three for each colour."""
    paths = sum(len(_NUMBER.findall(data)) for data in re.findall(r'\bd="([^"]*)"', svg))
    return paths + 3 * len(re.findall(r'\bfill="#', svg))


# -- runs ----------------------------------------------------------------------------------------------------


def measured(name: str, source: Any, seconds: float, max_numbers: int, budgets: Sequence[int]) -> tuple[dict[str, Any], list[Image]]:
    """One image's row, and (input, ours, VTracer's default) over white."""
    import render

    target = over_white(render.load(source).rgba)
    ours, picture = fitted(source, seconds, max_numbers, budgets)
    theirs = traced(target)
    best = max(theirs, key=lambda setting: theirs[setting]["psnr"])
    pictures = [target, picture, theirs["default"]["picture"]]
    vtracer = {k: {key: v for key, v in found.items() if key != "picture"} for k, found in theirs.items()}
    default = vtracer["default"]
    return {
        "name": name, "size": [target.shape[1], target.shape[0]], "ours": ours, "vtracer": vtracer, "vtracer_best": best,
        "won": bool(ours["psnr"] > default["psnr"] and ours["numbers"] <= 0.5 * default["numbers"]),
    }, pictures  # fmt: skip


def photographs(count: int) -> list[tuple[str, npt.NDArray[np.uint8]]]:
    """Pictures that scikit-image carries within it, at most LARGEST_PHOTOGRAPH px, RGB."""
    import skimage.data
    from PIL import Image as Pillow

    found: list[tuple[str, npt.NDArray[np.uint8]]] = []
    for name in PHOTOGRAPHS[:count]:
        try:
            array = getattr(skimage.data, name)()
        except Exception as problem:  # of its downloader, which may be missing, or offline
            print(f"{name} is left out: scikit-image does not carry it ({type(problem).__name__})")
            continue
        picture = Pillow.fromarray(array).convert("RGB")
        picture.thumbnail((LARGEST_PHOTOGRAPH, LARGEST_PHOTOGRAPH), Pillow.Resampling.BOX)
        found.append((name, np.asarray(picture)))
    return found


def sheet(rows: Sequence[Sequence[Image]], side: int = 128, across: int = 4) -> bytes:
    """A PNG of all rows, `across` of them beside each other."""
    from PIL import Image as Pillow

    columns, gap = 3, 6
    width = across * (columns * (side + gap) + 2 * gap)
    down = -(-len(rows) // across)
    page = Pillow.new("RGB", (width, max(down, 1) * (side + 2 * gap)), (232, 232, 232))
    for k, row in enumerate(rows):
        for c, image in enumerate(row):
            tile = Pillow.fromarray(np.round(np.clip(image, 0, 1) * 255).astype(np.uint8))
            tile.thumbnail((side, side), Pillow.Resampling.LANCZOS)
            page.paste(tile, ((k % across) * (columns * (side + gap) + 2 * gap) + c * (side + gap) + gap, (k // across) * (side + 2 * gap) + gap))
    data = io.BytesIO()
    page.save(data, "PNG")
    return data.getvalue()


def plot(curve: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bytes:
    """A PNG: PSNR against numbers, fits at budgets, whole fits and VTracer's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for label, points in (
        ("EarthShader", [(r["ours"]["numbers"], r["ours"]["psnr"]) for r in rows]),
        ("VTracer, default", [(r["vtracer"]["default"]["numbers"], r["vtracer"]["default"]["psnr"]) for r in rows]),
    ):
        numbers, decibels = zip(*points)
        axes.scatter(numbers, decibels, s=12, alpha=0.5, label=label)
    if curve:
        budgets = sorted(int(b) for b in curve)
        axes.plot(budgets, [curve[str(b)]["psnr"]["median"] for b in budgets], "o-", label="EarthShader, median at a budget")
    axes.set(xscale="log", xlabel="numbers", ylabel="PSNR, dB")
    axes.legend()
    axes.grid(alpha=0.3)
    figure.tight_layout()
    data = io.BytesIO()
    figure.savefig(data, format="png", dpi=120)
    pyplot.close(figure)
    return data.getvalue()


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Medians and shares over a set of images."""
    best = [r["vtracer"][r["vtracer_best"]] for r in rows]
    keys = [key for key in ("psnr", "numbers", "seconds", "ghost_loss", "cairo_loss") if key in rows[0]["ours"]]
    return {
        "count": len(rows),
        "won": float(np.mean([r["won"] for r in rows])),
        "better_psnr": float(np.mean([r["ours"]["psnr"] > r["vtracer"]["default"]["psnr"] for r in rows])),
        "half_numbers": float(np.mean([r["ours"]["numbers"] <= 0.5 * r["vtracer"]["default"]["numbers"] for r in rows])),
        "better_than_best": float(np.mean([r["ours"]["psnr"] > b["psnr"] and r["ours"]["numbers"] <= 0.5 * b["numbers"] for r, b in zip(rows, best)])),
        "ours": {key: summary([r["ours"][key] for r in rows]) for key in keys},
        "vtracer": {
            "default": {key: summary([r["vtracer"]["default"][key] for r in rows]) for key in ("psnr", "numbers", "seconds")},
            "best": {key: summary([b[key] for b in best]) for key in ("psnr", "numbers", "seconds")},
        },
    }  # fmt: skip


def curve_figures(budgets: Sequence[int], rows: Sequence[dict[str, Any]], own: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Figures at each budget: from its own fits where it has some (`own`, by budget), else from the one fit of each image.

    With its own fits stands "whole": what the one fit reached on the same images, which need not be all.
    """
    whole = {r["name"]: r["ours"]["psnr"] for r in rows}
    found: dict[str, Any] = {}
    for budget in map(str, budgets):
        at = own.get(budget) or [r["ours"]["curve"][budget] for r in rows if budget in r["ours"]["curve"]]
        if at:
            found[budget] = {key: summary([point[key] for point in at]) for key in ("psnr", "numbers")}
        if own.get(budget):
            found[budget]["whole"] = summary([whole[point["name"]] for point in at])
    return found


def by_source(rows: Sequence[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The images by what stands before the first hyphen of their names; those without one are left out."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        source, hyphen, _ = row["name"].partition("-")
        if hyphen:
            found.setdefault(source, []).append(row)
    return found


def line_icons(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """PSNR and numbers of the line icons at LINE_BUDGET numbers; None where there are none."""
    points = [row["ours"]["curve"][str(LINE_BUDGET)] for row in by_source(rows).get(LINE_ICONS, [])]
    return {key: summary([point[key] for point in points]) for key in ("psnr", "numbers")} if points else None


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, nargs="?", default=OWN_IMAGES, help="PNG files (default examples/images)")
    parser.add_argument("--seconds", type=float, default=10.0, help="a fit's time (default 10)")
    parser.add_argument("--max-numbers", type=int, default=400, help="of a fit (default 400)")
    parser.add_argument("--limit", type=int, help="images at most, spread over the folder")
    parser.add_argument("--photographs", type=int, default=10, help="photographs of scikit-image (default 10)")
    parser.add_argument("--budgets", type=int, nargs="*", default=[50, 100, 200, 300, 400, 800], help="numbers for the curve")
    parser.add_argument("--curve-images", type=int, default=12, help="images that budgets are fitted on by themselves, spread over the folder")
    parser.add_argument("--separate", action="store_true", help="fit for every budget, and not only for those above --max-numbers")
    parser.add_argument("--name", default="images", help="the result file's name (default images)")
    options = parser.parse_args(arguments)
    load_before = load()
    files = spread_over(sorted(options.folder.glob("*.png")), options.limit)
    if not files:
        raise SystemExit(f"there is no PNG file in {options.folder}: name a folder of images")
    fitted(files[0], 2.0, options.max_numbers)  # loads kernels
    read = sorted({LINE_BUDGET, *(b for b in options.budgets if b <= options.max_numbers)})
    apart = [b for b in options.budgets if options.separate or b > options.max_numbers]
    rows: list[dict[str, Any]] = []
    pictures: list[list[Image]] = []
    photo_rows: list[dict[str, Any]] = []
    own: dict[str, list[dict[str, Any]]] = {}
    try:
        for file in files:
            rows.append(_told(*measured(file.name, file, options.seconds, options.max_numbers, read), pictures))
        for file in spread_over(files, options.curve_images):
            for budget in apart:
                row = fitted(file, options.seconds, budget)[0]
                own.setdefault(str(budget), []).append({"name": file.name, **row})
                print(f"{file.name:>34}  at most {budget} numbers: {row['psnr']:.2f} dB with {row['numbers']}", flush=True)
        for name, array in photographs(options.photographs):
            photo_rows.append(_told(*measured(name, array, options.seconds, options.max_numbers, read), pictures))
    except KeyboardInterrupt:
        print("interrupted: what is done is kept")
        if not rows:
            raise SystemExit(130) from None
    curve = curve_figures(options.budgets, rows, own)
    results = {
        "images": figures(rows), "curve": curve, "sources": {source: figures(some) for source, some in by_source(rows).items()},
        "line_icons": line_icons(rows), "photographs": figures(photo_rows) if photo_rows else None,
        "rows": rows, "photograph_rows": photo_rows, "curve_rows": own,
    }  # fmt: skip
    path = keep(options.name, vars(options), results, load_before)
    write_whole(RESULTS / "images" / f"{options.name}-sheet.png", sheet(pictures))
    write_whole(RESULTS / "images" / f"{options.name}-curve.png", plot(curve, rows))
    print("\n".join(lines(results)))
    print(f"\nwritten to {path}")


def spread_over(files: Sequence[Path], limit: int | None) -> list[Path]:
    """At most `limit` files, evenly spread."""
    if limit is None or limit >= len(files):
        return list(files)
    return [files[k * len(files) // limit] for k in range(limit)]


def _told(row: dict[str, Any], images: list[Image], pictures: list[list[Image]]) -> dict[str, Any]:
    """Keeps the pictures and says how it went."""
    pictures.append(images)
    ours, theirs = row["ours"], row["vtracer"]["default"]
    print(
        f"{row['name']:>34}  ours {ours['psnr']:5.2f} dB {ours['numbers']:4d} numbers {ours['seconds']:5.1f} s"
        f"   VTracer {theirs['psnr']:5.2f} dB {theirs['numbers']:5d}   {'won' if row['won'] else ''}",
        flush=True,
    )
    return row


def lines(results: dict[str, Any]) -> list[str]:
    """The tables of a result, as Markdown."""
    text_lines: list[str] = []
    for title, part in (("images", results["images"]), ("photographs", results["photographs"])):
        if not part:
            continue
        rows: list[list[object]] = []
        for side, found in (("ours", part["ours"]), ("VTracer, default", part["vtracer"]["default"]), ("VTracer, its best", part["vtracer"]["best"])):
            rows.append([side, *(found[k][q] for k in ("psnr", "numbers", "seconds") for q in ("median", "p25", "p75"))])
        heads = [f"{part['count']} {title}", "median dB", "p25", "p75", "median numbers", "p25", "p75", "median s", "p25", "p75"]
        text_lines += [table(heads, rows), ""]
        goals = goal_rows(part) + (curve_goal_rows(results) if title == "images" else [])
        if title == "photographs":
            goals = [[name, value, None, ""] for name, value, _, _ in goals]
        text_lines += [table([title, "value", "goal", "outcome"], goals), ""]
    if results["curve"]:
        heads = ["numbers at most", "images", "median dB", "p25", "p75", "median numbers", "one fit on the same, median dB"]
        curve = [
            [int(b), c["psnr"]["count"], *(c["psnr"][q] for q in ("median", "p25", "p75")), c["numbers"]["median"],
             c["whole"]["median"] if "whole" in c else None]
            for b, c in results["curve"].items()
        ]  # fmt: skip
        text_lines += [table(heads, curve), ""]
    if results.get("sources"):
        heads = ["source", "images", "median dB", "p25", "median numbers", "median s", "VTracer, median dB", "its numbers", "won, %"]
        sources: list[list[object]] = []
        for source, part in results["sources"].items():
            ours, peer = part["ours"], part["vtracer"]["default"]
            sources.append([
                source, part["count"], ours["psnr"]["median"], ours["psnr"]["p25"], ours["numbers"]["median"], ours["seconds"]["median"],
                peer["psnr"]["median"], peer["numbers"]["median"], 100 * part["won"],
            ])  # fmt: skip
        text_lines += [table(heads, sources), ""]
    return text_lines


def goal_rows(part: dict[str, Any]) -> list[list[object]]:
    """What is asked of a set of images: name, value, goal, outcome."""
    share, loss, seconds, numbers = part["won"], part["ours"]["ghost_loss"], part["ours"]["seconds"], part["ours"]["numbers"]["median"]
    rows: list[list[object]] = [
        ["better PSNR than VTracer with at most half of its numbers, %", 100 * share, 100 * SHARE_GOAL, verdict(share, SHARE_GOAL)],
        ["the same beside VTracer's best setting, %", 100 * part["better_than_best"], None, ""],
        ["better PSNR, %", 100 * part["better_psnr"], None, ""],
        ["at most half of the numbers, %", 100 * part["half_numbers"], None, ""],
        ["median numbers", numbers, NUMBERS_GOAL, verdict(numbers, NUMBERS_GOAL, most=True)],
        ["seconds: median", seconds["median"], SECONDS_GOAL, verdict(seconds["median"], SECONDS_GOAL, most=True)],
        ["seconds: longest", seconds["greatest"], LONGEST_SECONDS_GOAL, verdict(seconds["greatest"], LONGEST_SECONDS_GOAL, most=True)],
        ["dB lost when drawn larger: median", loss["median"], GHOST_LIMIT, verdict(loss["median"], GHOST_LIMIT, most=True)],
        ["dB lost when drawn larger: worst", loss["greatest"], None, ""],
    ]  # fmt: skip
    if "cairo_loss" in part["ours"]:
        cairo = part["ours"]["cairo_loss"]
        rows += [["dB lost when Cairo draws its SVG: median", cairo["median"], None, ""], ["dB lost when Cairo draws its SVG: worst", cairo["greatest"], None, ""]]
    return rows


def curve_goal_rows(results: dict[str, Any]) -> list[list[object]]:
    """What is asked at budgets of numbers, as far as they were measured."""
    words = {"median": "median", "p25": "lower quartile"}
    rows: list[list[object]] = []
    for budget, goals in CURVE_GOALS.items():
        for quantile, goal in goals.items():
            if str(budget) in results["curve"]:
                value = results["curve"][str(budget)]["psnr"][quantile]
                rows.append([f"dB with at most {budget} numbers: {words[quantile]}", value, goal, verdict(value, goal)])
    if results.get("line_icons"):
        value = results["line_icons"]["psnr"]["median"]
        rows.append([f"dB of line icons with at most {LINE_BUDGET} numbers: median", value, LINE_GOAL, verdict(value, LINE_GOAL)])
    return rows


if __name__ == "__main__":
    main()
