"""Writes results/summary.md and the README's table from the result files, so that no figure is ever typed by hand.

    python -m benchmarks.report

Each result is one JSON file in results/ that its benchmark has written; those of trials, and those whose benchmark this
module does not know how to lay out, are listed with what they hold at their top.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import (
    agreement,
    batch,
    images,
    refinement,
    solid_fits,
    solid_recovery,
    solids,
    stages,
    symmetry,
    textures,
)
from benchmarks.common import RESULTS
from benchmarks.measuring import table
from render.files import write_whole

LAYOUTS: dict[str, tuple[str, Callable[[dict[str, Any]], list[str]]]] = {
    "batch": ("Programs a second, beside GeoLIPI", lambda result: batch.lines(result["sizes"])),
    "refinement": ("Refinement, beside PyTorch with Adam, and in a new process", refinement.lines),
    "images": ("Real images, beside VTracer", images.lines),
    "stages": ("Where the time of a fit goes", stages.lines),
    "symmetry": ("Symmetries found, and what they save", symmetry.lines),
    "textures": ("Textures recognized", textures.lines),
    "agreement": ("Backends beside each other, on random programs", agreement.lines),
    "solids": ("Pictures of solids: quality, changes, speed", solids.lines),
    "solid_recovery": ("Numbers of solids found again", solid_recovery.lines),
    "solid_fits": ("Scenes fitted from one picture", solid_fits.lines),
}


def section(path: Path) -> str:
    """One result as Markdown: where and how it was measured, then its tables."""
    result = json.loads(path.read_text(encoding="utf-8"))
    name = str(result.get("benchmark", path.stem))
    kind = next((k for k in LAYOUTS if name == k or name.startswith(k + "-")), None)
    title = LAYOUTS[kind][0] if kind else name
    text = [f"## {title} (`{path.name}`)", "", _origin(result), ""]
    if kind:
        text += LAYOUTS[kind][1](result)
    else:
        told = ("benchmark", "date", "commit", "machine", "command", "packages", "load_before")
        plain = [[k, v] for k, v in result.items() if k not in told and isinstance(v, (int, float, str))]
        nested = [[f"{k}, {q}", v] for k, d in result.items() if k not in told and isinstance(d, dict) for q, v in d.items()]
        rows = plain + [row for row in nested if isinstance(row[1], (int, float, str))]
        text.append(table(["figure", "value"], rows) if rows else "(no figures at the top of the file)")
    return "\n".join(text)


def _origin(result: dict[str, Any]) -> str:
    machine = result.get("machine", {})
    facts = [
        f"`{result['command']}`" if "command" in result else "",
        f"commit {result['commit']}" if result.get("commit") else "",
        str(result.get("date", "")),
        f"{machine.get('processor', '')}, {machine.get('cores', '?')} cores, Python {machine.get('python', '?')}",
        f"load before {result['load_before']}" if result.get("load_before") is not None else "",
        f"load after {machine['load'][0]}" if machine.get("load") else "",
        ", ".join(f"{k} {v}" for k, v in result.get("packages", {}).items()),
    ]
    return "; ".join(fact for fact in facts if fact)


def headlines() -> str:
    """The README's table: a figure or two of each result, with the command that prints it."""
    found = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in RESULTS.glob("*.json")}
    rows: list[list[object]] = []
    if "images" in found:
        part, command = found["images"]["images"], f"`{found['images']['command']}`"
        ours, peer = part["ours"], part["vtracer"]["default"]
        pair = f"{ours['psnr']['median']:.1f} dB with {ours['numbers']['median']:.0f} numbers in {ours['seconds']['median']:.1f} s"
        rows.append([f"{part['count']} icons and drawings at 128 px, median", pair, command])
        rows.append(["VTracer on the same", f"{peer['psnr']['median']:.1f} dB with {peer['numbers']['median']:.0f} numbers", ""])
        if "300" in found["images"]["curve"]:
            at = found["images"]["curve"]["300"]["psnr"]
            rows.append(["the best of these fits with at most 300 numbers", f"{at['median']:.1f} dB, lower quartile {at['p25']:.1f} dB", ""])
        if "images-300" in found:
            few = found["images-300"]["images"]["ours"]["psnr"]
            pair = f"{few['median']:.1f} dB, lower quartile {few['p25']:.1f} dB"
            rows.append(["fits that are asked for at most 300 numbers", pair, f"`{found['images-300']['command']}`"])
        rows.append(["better PSNR than VTracer with at most half of its numbers", f"{100 * part['won']:.0f} % of them", ""])
        loss = ours["ghost_loss"]
        drawn = f"{loss['median']:.2f} dB lost drawn eight times as large and averaged"
        if "cairo_loss" in ours:
            drawn += f", {ours['cairo_loss']['median']:.2f} dB as SVG drawn by Cairo"
        rows.append(["elsewhere, median", drawn, ""])
    if "symmetry" in found:
        drawings = found["symmetry"]["drawings"]
        saved = 100 * (1 - sum(d["numbers"] for d in drawings) / sum(d["plain_numbers"] for d in drawings))
        text = f"{found['symmetry']['found']} of {len(drawings)}, with {saved:.0f} % fewer numbers"
        rows.append(["repeats and mirrors found in drawings that have them", text, f"`{found['symmetry']['command']}`"])
    for name in ("solids", "solids-quality", "solids-differences"):
        if name in found:
            rows += _solids(found[name])
    if "agreement" in found:
        part = found["agreement"]["agreement"]
        text = f"99.9th percentile {part['percentile']:.3f}/255; {part['beyond']} of {part['pixels']:,} pixels beyond 1/255, in {part['failures']} programs "
        text += f"beyond the rule, the worst {part['worst']:.2g}/255 off; {part['exceptions']} excused"
        where = "the plane" if found["agreement"]["settings"]["plane"] else "space"
        rows.append([f"{part['programs']} random programs in {where}, {part['title']}", text, f"`{found['agreement']['command']}`"])
    for name, what in (("solid_recovery", "one view"), ("solid_recovery-views", "four views, the light unknown")):
        if name in found:
            total = found[name]["totals"]
            text = f"{100 * total['recovered']:.0f} % recovered, median {total['off']['median']:.3f} px off, {total['seconds']['median']:.1f} s"
            rows.append([f"numbers of 3 to 5 solids found again, {what}", text, f"`{found[name]['command']}`"])
    if "solid_fits" in found:
        total = found["solid_fits"]["totals"]
        text = f"median {total['psnr']['median']:.1f} dB, lower quartile {total['psnr']['p25']:.1f} dB, in {total['seconds']['median']:.0f} s"
        rows.append([f"{len(found['solid_fits']['scenes'])} scenes in space fitted from one picture", text, f"`{found['solid_fits']['command']}`"])
    if "textures" in found:
        total = found["textures"]["totals"]
        text = f"{100 * total['right']:.0f} % of {total['pictures']}, {100 * total['scale_within_goal_of_right']:.0f} % of these with a scale within 15 %"
        rows.append(["kinds of textures recognized", text, f"`{found['textures']['command']}`"])
    for name, what in (("csg_folder", "solid geometry, 64 pictures"), ("csg", "the same of our own making")):
        if name in found:
            solved = found[name]["solved"]
            last = list(solved)[-1]
            text = f"{100 * solved['1']:.0f} % within 1 s, {100 * solved[last]:.0f} % within {last} s"
            rows.append([f"structure found (strict IoU over 0.98): {what}", text, f"`{found[name]['command']}`"])
    if "refinement" in found:
        result = found["refinement"]
        text = f"{100 * result['ours']['share']:.0f} % over 50 dB, median {result['ours']['seconds']['median']:.2f} s"
        rows.append(["numbers of five shapes found again", text, f"`{result['command']}`"])
        peer = result["peer"]
        text = f"{100 * peer['share']:.0f} % over 50 dB, median {peer['seconds']['median']:.1f} s"
        rows.append(["the same by PyTorch and Adam", text, ""])
    if "batch" in found:
        for size, part in found["batch"]["sizes"].items():
            speed = part["ours"]["evaluation"]["coverage"]["per_second"]
            plain, best = (part["ratios"][k] for k in ("evaluation beside recursive_evaluate, wall", "evaluation, wall"))
            text = f"{speed:,.0f} programs/s: {plain:.0f} times GeoLIPI's recursive evaluation, {best:.0f} times its best way"
            rows.append([f"programs of five shapes at {size} px", text, "`python -m benchmarks.batch`" if size == "64" else ""])
    return table(["what", "found", "command"], rows)


def _solids(result: dict[str, Any]) -> list[list[object]]:
    rows: list[list[object]] = []
    command = f"`{result['command']}`"
    if "quality" in result:
        part = result["quality"]
        text = f"{part['ours']['median']:.1f} dB, four samples {part['four']['median']:.1f} dB, one hard sample {part['hard']['median']:.1f} dB"
        rows.append([f"{len(part['scenes'])} scenes in space beside 256 samples a pixel, median", text, command])
    if "differences" in result:
        worst = [max(row[key] for row in result["differences"].values()) for key in ("1 samples", "4 samples")]
        text = f"at most {worst[0]:.2f} off with one sample a pixel, {worst[1]:.2f} with four"
        rows.append([f"changes of {len(result['differences'])} scenes beside hard edges", text, command])
    if "speed" in result:
        for count, row in result["speed"].items():
            others = [f"{name} {row[key]:.1f} ms" for name, key in (("OpenGL", "gl"), ("GeoLIPI", "geolipi")) if row.get(key) is not None]
            rows.append([f"a picture of {count} solids at 128 px", f"{row['ours']:.1f} ms" + "".join(f", {o}" for o in others), command])
            command = ""
    return rows


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.report", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.parse_args(arguments)
    files = [path for path in sorted(RESULTS.glob("*.json")) if not path.stem.endswith("_trial")]
    if not files:
        raise SystemExit(f"there are no results in {RESULTS} yet: run a benchmark first, such as python -m benchmarks.batch")
    text = "# What the benchmarks found\n\nWritten by `python -m benchmarks.report`.\n\n"
    path = write_whole(RESULTS / "summary.md", text + "\n\n".join(section(file) for file in files) + "\n")
    print(f"{len(files)} results, written to {path}")
    readme = RESULTS.parents[1] / "README.md"
    before, opening, rest = readme.read_text(encoding="utf-8").partition("<!-- figures -->")
    _, closing, after = rest.partition("<!-- /figures -->")
    if opening and closing:
        write_whole(readme, f"{before}{opening}\n{headlines()}\n{closing}{after}")
        print(f"the figures of {readme.name} too")


if __name__ == "__main__":
    main()
