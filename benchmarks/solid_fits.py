"""Scenes that a person recognises, fitted from one picture: how near the pictures are, and what is right from the side.

    python -m benchmarks.solid_fits [--seconds 20] [--only NAME ...] [--sheet FILE.png]

Our own scenes are drawn for 160 pixels, four times as large and averaged in linear light, by cameras that the fit is not told
of, and `refine.fit` has some seconds for each. Kinds are counted as found where the program has as many
solids of them. A fit is then looked at from `ASIDE` degrees to the side, without its floor, beside the scene itself: the two
silhouettes, brought to one place and one area, have an IoU. One picture does not tell how far apart things are in depth, nor
what their backs look like, so that this is 1 only by good guesses.

`CHECKED` names the scenes that the search was not made with.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

import refine
import shaderdsl
from benchmarks.common import summary
from benchmarks.measuring import keep, load, table
from benchmarks.solids import fine
from refine.views import with_camera
from render import save_png
from render.orbits import orbit_of
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import DslError, Program

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

SIDE, SAMPLES = 160, 4
"""Pixels a side of the pictures, and how many times as large they are drawn before they are averaged."""

ASIDE = 40.0
"""Degrees around the y axis by which a fit is looked at from the side."""

SILHOUETTE_SIDE = 128
"""Pixels a side of the silhouettes that are compared."""

KINDS = ("sphere", "box", "cylinder", "cone", "torus", "ellipsoid")


def looked(background: str, camera: str, light: str, intensity: float, ambient: float, body: str) -> str:
    return f"scene 3d(background = {background})\norbit({camera})\nlight(({light}), intensity = {intensity})\nambient({ambient})\n{body}"


SCENES: dict[str, str] = {
    "three": looked(
        "#202830", "10, 15, 4.2, fov = 35", "0.4,0.7,0.6", 0.8, 0.25,
        "sphere(0.45).move(-.4,0.15,0).paint(#e64033)\n"
        "box(0.35,0.25,0.28).rotate(30,25,0).move(0.5,-0.25,0.25).paint(#3380e6)\n"
        "cylinder(0.25,0.5).rotate(20,0,30).move(0.3,0.55,-0.7).paint(#f2d94d)\n",
    ),  # fmt: skip
    "table": looked(
        "#e0e4ea", "20, 22, 4, fov = 35", "-0.5,0.8,0.6", 1.0, 0.25,
        "plane(-0.6).paint(#c8b89a)\n"
        "sphere(0.4).move(-0.5,-0.2,0.2).paint(#c0392b,roughness=0.3)\n"
        "(box(0.35,0.35,0.35)-cylinder(0.2,1)).rotate(0,30,0).move(0.45,-0.25,0).paint(#2e86c1)\n"
        "torus(0.35,0.12).move(-0.1,-0.48,0.9).paint(#27ae60)\n",
    ),  # fmt: skip
    "blocks": looked(
        "#ffffff", "30, 50, 4, fov = 40", "-0.3,0.9,-0.4", 1.0, 0.2,
        "plane(-0.3).paint(#4a7a4a)\n"
        "box(0.5,0.25,0.3).rotate(0,20,0).move(-0.2,-0.05,0.1).paint(#d8c040)\n"
        "sphere(0.25).move(0.6,-0.05,0.3).paint(#e0e0e0, metallic = 0.9, roughness = 0.3)\n"
        "cylinder(0.15,0.35).move(0.2,0.05,-0.6).paint(#b03060)\n",
    ),  # fmt: skip
    "top": looked(
        "#e8e4dc", "25, 24, 4.2, fov = 32", "0.5,0.8,0.5", 1.0, 0.25,
        "(cone(0.03,0.5,0.3).move(0,-0.2,0) | cylinder(0.5,0.06).move(0,0.15,0) | cylinder(0.07,0.25).move(0,0.4,0))\n"
        "    .rotate(0,0,-14).paint(#b8402c, roughness = 0.35)\n",
    ),  # fmt: skip
    "ring": looked(
        "none", "15, 30, 4, fov = 35", "0.5,0.8,0.6", 1.0, 0.3,
        "torus(0.6,0.2).rotate(60,0,20).paint(#30a0c0, roughness = 0.3)\n"
        "sphere(0.25).move(0,0.05,0).paint(#f0c020)\n",
    ),  # fmt: skip
    "snowman": looked(
        "#87b5e0", "0, 10, 4.5, fov = 30", "0.6,0.6,0.5", 0.9, 0.3,
        "plane(-0.7).paint(#e8eef2)\n"
        "union(sphere(0.4).move(0,-0.4,0), sphere(0.28).move(0,0.15,0), smooth = 0.08).paint(#f4f4fa)\n"
        "cylinder(0.2,0.12).move(0,0.48,0).paint(#303040)\n",
    ),  # fmt: skip
    "mug": looked(
        "#e0e4ea", "20, 22, 4, fov = 35", "-0.5,0.8,0.6", 1.0, 0.25,
        "((cylinder(0.4,0.5)-cylinder(0.33,0.5).move(0,0.1,0)) | torus(0.25,0.07).rotate(90,0,0).move(0.45,0,0)).paint(#d35400)\n",
    ),  # fmt: skip
    "dumbbell": looked(
        "#f5f0e6", "0, 12, 4, fov = 35", "-0.7,0.5,0.4", 1.0, 0.3,
        "union(sphere(0.35).move(-0.6,0,0), sphere(0.35).move(0.6,0,0), cylinder(0.12,0.6).rotate(0,0,90), smooth = 0.1)\n"
        "    .rotate(0,20,15).paint(#7a4fb0)\n",
    ),  # fmt: skip
    "house": looked(
        "#bcd8f0", "25, 18, 4.5, fov = 35", "0.6,0.7,0.5", 0.9, 0.3,
        "plane(-0.5).paint(#8fae5a)\n"
        "(box(0.5,0.4,0.4).move(0,-0.1,0) - box(0.12,0.2,0.2).move(0.1,-0.3,0.4)).paint(#d9a066)\n"
        "cylinder(0.1,0.3).move(0.25,0.4,0).paint(#8a3324)\n"
        "sphere(0.3).move(-0.95,-0.1,-0.2).paint(#2e7d32)\n",
    ),  # fmt: skip
    "cottage": looked(
        "#cfe0ea", "-32, 20, 4.6, fov = 34", "-0.6,0.7,0.6", 0.9, 0.3,
        "plane(-0.5).paint(#9ab070)\n"
        "(box(0.5,0.32,0.4).move(0,-0.18,0) - box(0.1,0.18,0.1).move(0.15,-0.32,0.4)).paint(#efe6d2)\n"
        "polygon((-0.48, 0), (0.48, 0), (0, 0.4)).extrude(0.56).rotate(0,90,0).move(0,0.12,0).paint(#a8442f)\n",
    ),  # fmt: skip
    "bowl": looked(
        "#dfe8e4", "0, 35, 4, fov = 35", "-0.5,0.8,0.3", 1.0, 0.3,
        "(sphere(0.6) - sphere(0.52) - box(1,0.6,1).move(0,0.75,0)).paint(#c8603c)\n"
        "sphere(0.2).move(-0.15,-0.2,0.1).paint(#70b040)\n"
        "sphere(0.18).move(0.2,-0.22,0).paint(#e0b020)\n",
    ),  # fmt: skip
    "lighthouse": looked(
        "#9cc8e8", "-20, 12, 5, fov = 30", "0.7,0.6,0.5", 0.9, 0.3,
        "plane(-0.75).paint(#5a8a6a)\n"
        "cone(0.3,0.18,0.6).move(0,-0.15,0).paint(#f2efe8)\n"
        "cylinder(0.26,0.03).move(0,0.48,0).paint(#404850)\n"
        "cylinder(0.13,0.12).move(0,0.62,0).paint(#f0d060)\n"
        "cone(0.2,0.02,0.09).move(0,0.83,0).paint(#c03028)\n",
    ),  # fmt: skip
    "pawn": looked(
        "#d8d2c4", "15, 16, 4.4, fov = 32", "-0.6,0.7,0.6", 1.0, 0.25,
        "plane(-0.6).paint(#8a6a4a)\n"
        "union(cylinder(0.34,0.07).round(0.04).move(0,-0.53,0), cone(0.24,0.09,0.36).move(0,-0.12,0), cylinder(0.17,0.03).move(0,0.22,0), "
        "sphere(0.2).move(0,0.4,0), smooth = 0.05).paint(#e8dcc0, roughness = 0.4)\n",
    ),  # fmt: skip
    "letter": looked(
        "#f2e8d8", "-28, 18, 4.2, fov = 35", "-0.3,0.8,0.7", 1.0, 0.25,
        "plane(-0.55).paint(#c4b08c)\n"
        "(box(0.12,0.55,0.15).move(-0.3,0,0) | box(0.3,0.12,0.15).move(0.05,0.43,0) | box(0.24,0.11,0.15).move(0.02,0.02,0)).paint(#3a6ea8)\n",
    ),  # fmt: skip
    "gold": looked(
        "#1a1420", "0, 25, 4, fov = 35", "0.3,0.9,0.5", 1.2, 0.2,
        "torus(0.5,0.18).rotate(20,0,0).move(0,-0.1,0).paint(#d4a030, metallic = 0.9, roughness = 0.35)\n"
        "box(0.22,0.22,0.22).rotate(35,45,0).move(0,0.35,0).paint(#c02030, roughness = 0.25)\n",
    ),  # fmt: skip
    "dice": looked(
        "#f0f0f0", "30, 28, 3.8, fov = 38", "0.3,0.9,0.6", 1.0, 0.25,
        "plane(-0.4).paint(#d8d8e0)\n"
        "box(0.3,0.3,0.3).rotate(0,15,0).move(-0.4,-0.1,0).paint(#c83232)\n"
        "box(0.25,0.25,0.25).rotate(0,60,0).move(0.4,-0.15,0.4).paint(#3250c8)\n"
        "box(0.2,0.2,0.2).rotate(0,40,0).move(0.3,-0.2,-0.6).paint(#32a050)\n",
    ),  # fmt: skip
    "pipe": looked(
        "none", "-20, 20, 4, fov = 35", "-0.4,0.7,0.8", 0.9, 0.3,
        "(cylinder(0.45,0.6) - cylinder(0.28,1)).rotate(60,0,-35).paint(#8090a0, metallic = 0.8, roughness = 0.4)\n"
        "box(0.5,0.1,0.35).rotate(0,20,0).move(0,-0.65,0).paint(#604030)\n",
    ),  # fmt: skip
}
CHECKED = ("gold", "dice", "pipe")


def drawn(program: Program) -> npt.NDArray[np.float32]:
    """The picture of a scene, straight alpha: (SIDE, SIDE, 3), or 4 channels where its background is transparent."""
    pixels = fine(program, SIDE, SAMPLES).clip(0.0, 1.0)
    if solid_tape_of(program).background is not None:
        return np.asarray(pixels[..., :3], np.float32)
    pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
    return np.asarray(pixels.clip(0.0, 1.0), np.float32)


def bare(program: Program) -> Program | None:
    """The scene without its floor; None where nothing else is there."""
    kept = [text for text in program.structure.texts(program.params) if not text.startswith("plane(")]
    without = shaderdsl.parse("\n".join(kept))
    return without if len(without.scene.surfaces) else None


def silhouette(program: Program, side: int, what: str = "silhouette") -> Array:
    """(side, side): how much of each pixel solids cover; or, as "depth", how far away they are, times that."""
    tape = solid_tape_of(program).showing(what)
    channel = 3 if what == "silhouette" else 0
    return np.asarray(SolidBatch.of([(tape, program.params)]).images((side, side))[0, ..., channel], np.float64)


def from_aside(program: Program, side: int) -> Array:
    """The silhouette of a scene, from `ASIDE` degrees to the side, turned about the middle of what its camera sees."""
    orbit = orbit_of(program)
    alpha, depth = (silhouette(program, side, what) for what in ("silhouette", "depth"))
    y, x = np.meshgrid(1.0 - (np.arange(side) + 0.5) * 2.0 / side, (np.arange(side) + 0.5) * 2.0 / side - 1.0, indexing="ij")
    reach = np.tan(np.radians(orbit.seen / 2))
    mass = max(alpha.sum(), 1e-9)
    across, above, ahead = ((depth * v).sum() / mass for v in (x * reach, y * reach, np.ones_like(x)))
    turn, tilt = np.radians(orbit.azimuth), np.radians(orbit.elevation)
    back = np.array([np.sin(turn) * np.cos(tilt), np.sin(tilt), np.cos(turn) * np.cos(tilt)])
    right = np.array([np.cos(turn), 0.0, -np.sin(turn)])
    middle = np.array(orbit.target) + back * (orbit.distance - ahead) + right * across + np.cross(back, right) * above
    place = ", ".join(f"{v:.5f}" for v in middle)
    camera = f"orbit({orbit.azimuth + ASIDE:.4f}, {orbit.elevation:.4f}, {ahead:.5f}, target = ({place}), fov = {1.4 * orbit.seen:.4f})"
    return silhouette(with_camera(program, camera), side)


def agreement(one: Array, other: Array) -> float:
    """The IoU of two silhouettes, once their middles and their areas are the same."""

    def measured(alpha: Array) -> tuple[Array, float]:
        mass = max(alpha.sum(), 1e-9)
        rows, columns = np.indices(alpha.shape)
        return np.array([(rows * alpha).sum(), (columns * alpha).sum()]) / mass, float(np.sqrt(mass))

    (middle, size), (other_middle, other_size) = measured(one), measured(other)
    ratio = other_size / size
    moved = ndimage.affine_transform(other, np.array([ratio, ratio]), other_middle - ratio * middle, order=1)
    return float(np.minimum(one, moved).sum() / max(np.maximum(one, moved).sum(), 1e-9))


def side_iou(truth: Program, found: Program) -> float | None:
    """Of the silhouettes from the side; 0 where the fit has no solid, None where it can not be drawn from there."""
    try:
        scenes = [bare(truth), bare(found)]
        return 0.0 if None in scenes else agreement(*(from_aside(s, SILHOUETTE_SIDE) for s in scenes if s is not None))
    except DslError:
        return None


def counts(text: str) -> dict[str, int]:
    """How many solids of each kind a program's text has."""
    return {kind: text.count(f"{kind}(") for kind in KINDS}


def measured(name: str, seconds: float, seed: int) -> tuple[dict[str, Any], list[npt.NDArray[np.float32]]]:
    """One scene's figures; and its picture, the fit's, and both from the side."""
    truth = shaderdsl.parse(SCENES[name])
    target = drawn(truth)
    fit = refine.fit(target, seconds=seconds, dimension=3, seed=seed)
    own, mine = counts(SCENES[name]), counts(fit.program.text)
    row = {
        "name": name, "made_with": name not in CHECKED, "psnr": fit.psnr, "numbers": fit.numbers, "seconds": fit.seconds,
        "side_iou": side_iou(truth, fit.program), "kinds": sum(min(own[k], mine[k]) for k in KINDS), "of": sum(own.values()),
        "notes": fit.notes, "program": fit.program.text, "history": fit.history,
    }  # fmt: skip
    shown = [np.asarray(p[..., :3] * p[..., 3:] + 1.0 - p[..., 3:] if p.shape[2] == 4 else p, np.float32) for p in (target, fit.image)]
    sides = [scene for scene in (bare(truth), bare(fit.program)) if scene is not None]
    shown += [np.repeat(np.asarray(1.0 - from_aside(s, SIDE), np.float32)[..., None], 3, 2) for s in sides]
    return row, shown


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    total = result["totals"]
    text = [
        f"{len(result['scenes'])} scenes, {total['seconds']['median']:.0f} s each: PSNR median {total['psnr']['median']:.1f} dB, lower quartile "
        f"{total['psnr']['p25']:.1f}, least {total['psnr']['least']:.1f}; from {ASIDE:.0f} degrees aside the silhouettes' IoU is "
        f"{total['side_iou']['median']:.2f} (median), {total['side_iou']['least']:.2f} (least).",
        "",
    ]
    rows = [
        [row["name"] + ("" if row["made_with"] else " *"), row["psnr"], row["numbers"], f"{row['kinds']} of {row['of']}", row["side_iou"], row["seconds"]]
        for row in result["scenes"]
    ]
    heads = ["scene (* not made with)", "PSNR (dB)", "numbers", "kinds found", "IoU aside", "seconds"]
    return [*text, table(heads, rows)]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="time for each fit")
    parser.add_argument("--only", nargs="*", default=[], help="names of scenes")
    parser.add_argument("--seed", type=int, default=0, help="of the fits")
    parser.add_argument("--sheet", default="", help="a PNG file: scenes, fits, and both from the side")
    parser.add_argument("--name", default="solid_fits", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args(arguments)
    before = load()
    rows, sheets = [], []
    for name in options.only or SCENES:
        row, pictures = measured(name, options.seconds, options.seed)
        rows.append(row)
        sheets.append(np.concatenate([*pictures, *[np.ones_like(pictures[0])] * (4 - len(pictures))], 1))
        iou = row["side_iou"] if row["side_iou"] is not None else float("nan")
        print(
            f"{name:10s} {row['psnr']:5.2f} dB, {row['numbers']:3d} numbers, kinds {row['kinds']} of {row['of']}, "
            f"aside {iou:.3f}, {row['seconds']:.1f} s", flush=True,
        )  # fmt: skip
        if options.sheet:
            save_png(options.sheet, np.concatenate(sheets, 0))
    sides = [row["side_iou"] for row in rows if row["side_iou"] is not None]
    totals = {name: summary([row[name] for row in rows]) for name in ("psnr", "numbers", "seconds")}
    result = {"totals": {**totals, "side_iou": summary(sides or [0.0])}, "scenes": rows}
    print("\n".join(lines(result)))
    print(keep(options.name, {"seconds": options.seconds, "only": options.only, "seed": options.seed}, result, before).name)


if __name__ == "__main__":
    main()
