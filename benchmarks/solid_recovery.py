"""How well numbers and scenes are recovered in space.

    python benchmarks/solid_recovery.py numbers [--limit 50] [--seed 0] [--views]
    python benchmarks/solid_recovery.py pictures [--seconds 20] [--only NAME ...]

"numbers": random scenes of 3 to 5 solids, joined, smoothly joined and cut, of known camera and light, are drawn at 128 pixels by
rays (`render.supersampling`), which share nothing with what is refined; their numbers are thrown about until the solids lie 5 to
8 pixels off on average, and `refine.optimize` brings them back. A scene is recovered where what is visible ends less than 0.1
pixels off. With --views there are four pictures of each, and the light is unknown.

"pictures": twelve pictures, six of which the search was made with, and six that it was not; `refine.fit` has 20 seconds for each.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import refine
import shaderdsl
from benchmarks import common
from refine.solid_model import CAMERA_DISTANCE, CAMERA_FOV, TURNED, Model, Solid, Thing, camera_frame
from render import supersampling
from render.metrics import psnr
from render.pictures import image
from render.tapes import solid_tape_of

Array = npt.NDArray[np.float64]

SIDE = 128
KINDS = ("sphere", "box", "cylinder", "torus")
VIEWS = (0.0, 90.0, 180.0, 270.0)
RECOVERED = 0.1
SEEN = 2.0
"""Squared error, in pixels of full contrast, that a solid's absence must make for it to count as visible."""


# -- numbers ----------------------------------------------------------------------------------------------


def solid(random: np.random.Generator, place: Array, scale: float) -> Solid:
    kind = KINDS[int(random.integers(len(KINDS)))]
    count = {"sphere": 1, "box": 3, "cylinder": 2, "torus": 2}[kind]
    sizes = scale * random.uniform(0.7, 1.3, count)
    if kind == "torus":
        sizes[1] = sizes[0] * random.uniform(0.25, 0.4)
    angles = random.uniform(-40.0, 40.0, TURNED[kind])
    return Solid(kind, tuple(sizes.tolist()), tuple(angles.tolist()), tuple(place.tolist()))


def scene(random: np.random.Generator) -> Model:
    """A scene of 3 to 5 solids: one thing of two or three (joined, smoothly joined, or one cut out), and others beside it."""
    things = []
    count = int(random.integers(3, 6))
    at = random.uniform(-0.3, 0.3, 3)
    first, other = solid(random, at, 0.38), solid(random, at + random.uniform(-0.3, 0.3, 3), 0.26)
    way = int(random.integers(3))
    joined, cut = ((first,), (other,)) if way == 2 else ((first, other), ())
    colour = tuple(random.uniform(0.15, 0.9, 3).tolist())
    things.append(Thing(joined, cut, colour, smooth=(0.1,) if way == 1 else ()))
    for number in range(count - 2):
        angle = random.uniform(0.0, 2.0 * np.pi) + number * 2.0
        place = at + np.array([0.75 * np.cos(angle), 0.6 * np.sin(angle), random.uniform(-0.4, 0.4)])
        things.append(Thing((solid(random, place, 0.26),), (), tuple(random.uniform(0.15, 0.9, 3).tolist())))
    light = (*random.uniform(-0.6, 0.6, 1).tolist(), 0.8, 0.6, 0.8)
    return Model((0.88, 0.9, 0.92), 20.0, light, 0.25, (), tuple(things))


def text(model: Model, known_light: bool) -> str:
    """The model's program, whose camera and background do not move, nor the light where it is known."""
    lines = model.plain.text.splitlines()
    sun = f"({', '.join(f'fixed({v!r})' if known_light else repr(v) for v in model.light[:3])})"
    strong = [f"fixed({v!r})" if known_light else repr(v) for v in (model.light[3], model.ambient)]
    lines[1] = f"orbit(fixed(0), fixed({model.elevation}), fixed({CAMERA_DISTANCE}), fov = fixed({CAMERA_FOV}))"
    lines[2], lines[3] = f"light({sun}, intensity = {strong[0]})", f"ambient({strong[1]})"
    return "\n".join(lines)


def drawn(program: shaderdsl.Program, samples: int = 4) -> npt.NDArray[np.float32]:
    """The picture (SIDE, SIDE, 3) of a program, by rays."""
    pixels = supersampling.picture(solid_tape_of(program), program.params, (SIDE, SIDE), samples)
    return np.asarray(pixels[..., :3], np.float32).clip(0.0, 1.0)


def marks(one: Solid) -> Array:
    """Points (7, 3) of a solid: its centre, and the ends of its axes."""
    sizes = {"sphere": one.sizes * 3, "cylinder": (one.sizes[0], one.sizes[-1], one.sizes[0])}.get(one.kind, one.sizes)
    if one.kind == "torus":
        sizes = (sum(one.sizes), one.sizes[1], sum(one.sizes))
    axes = one.turn * np.array(sizes[:3])
    turned = np.array(one.place) + np.concatenate([np.zeros((1, 3)), axes.T, -axes.T])
    if TURNED[one.kind] == 2:
        # What is round about its axis has no points beside it.
        return turned[[0, 2, 5]]
    return turned[:1] if one.kind == "sphere" else turned


def radius(one: Solid) -> float:
    return one.sizes[0]


def solids(model: Model) -> list[Solid]:
    return [s for thing in model.things for s in (*thing.joined, *thing.cut)]


def displacement(truth: Model, other: Model, visible: Sequence[bool]) -> float:
    """How far, in pixels, visible solids' points lie from where they should on the picture; radii count as points too."""
    eye, right, up, forward = camera_frame(truth.elevation)
    unit = 0.5 * SIDE / np.tan(np.radians(CAMERA_FOV / 2))

    def projected(points: Array) -> Array:
        away = points - eye
        return unit * np.stack([away @ right, away @ up], 1) / (away @ forward)[:, None]

    found = []
    for a, b, seen in zip(solids(truth), solids(other), visible):
        if seen:
            distances = np.linalg.norm(projected(marks(a)) - projected(marks(b)), axis=1)
            depths = [float((np.array(s.place) - eye) @ forward) for s in (a, b)]
            found.append(float(np.mean([*distances, unit * abs(radius(a) / depths[0] - radius(b) / depths[1])])))
    return float(np.mean(found)) if found else 0.0


def visible(model: Model) -> list[bool]:
    """Whether each solid shows."""
    whole = image(model.plain, (SIDE, SIDE), backend="taichi")
    result = []
    for number, thing in enumerate(model.things):
        for role, all_of in (("joined", thing.joined), ("cut", thing.cut)):
            for k in range(len(all_of)):
                rest = all_of[:k] + all_of[k + 1 :]
                without = None if role == "joined" and not rest else replace(thing, **{role: rest})  # type: ignore[arg-type]
                other = image(model.with_thing(number, without).plain, (SIDE, SIDE), backend="taichi")
                result.append(float(((other - whole) ** 2).sum()) > SEEN)
    return result


def disturbed(model: Model, random: np.random.Generator, seen: Sequence[bool]) -> Model:
    """The model with its solids thrown about, 5 to 8 pixels on average."""

    def moved(one: Solid, amount: float) -> Solid:
        return Solid(
            one.kind,
            tuple(float(s * np.exp(amount * random.normal(0.0, 0.8))) for s in one.sizes),
            tuple(float(a + amount * random.normal(0.0, 60.0)) for a in one.angles),
            tuple(float(p + amount * random.normal(0.0, 1.0)) for p in one.place),
        )

    amount = 0.1
    for _ in range(60):
        things = tuple(
            replace(t, joined=tuple(moved(s, amount) for s in t.joined), cut=tuple(moved(s, amount) for s in t.cut)) for t in model.things
        )
        other = replace(model, things=things)
        off = displacement(model, other, seen)
        if 5.0 <= off <= 8.0:
            break
        amount *= 1.1 if off < 5.0 else 0.92
    return other


def numbers(limit: int, seed: int, views: bool) -> dict[str, Any]:
    rows = []
    for number in range(limit):
        random = np.random.default_rng([seed, number])
        truth = scene(random)
        seen = visible(truth)
        start = disturbed(truth, random, seen)
        if views:
            start = replace(start, light=(0.0, 1.0, 0.5, 0.7), ambient=0.3)
        fixed = shaderdsl.parse(text(truth, True))
        began = time.perf_counter()
        if views:
            cameras = [f"orbit(fixed({a}), fixed(20), fixed(4), fov = fixed(35))" for a in VIEWS]
            bare = [line for line in text(truth, True).splitlines() if not line.startswith("orbit")]
            programs = [shaderdsl.parse("\n".join([bare[0], camera, *bare[1:]])) for camera in cameras]
            targets = [drawn(p) for p in programs]
            began = time.perf_counter()
            found = refine.optimize(shaderdsl.parse(text(start, False)), images=targets, cameras=cameras)
            shown = [image(p, (SIDE, SIDE), backend="taichi") for p in programs]
            best = psnr(np.stack(shown), np.stack(targets))
        else:
            target = drawn(fixed)
            began = time.perf_counter()
            found = refine.optimize(shaderdsl.parse(text(start, True)), target)
            best = psnr(image(fixed, (SIDE, SIDE), backend="taichi"), target)
        seconds = time.perf_counter() - began
        off = displacement(truth, truth.with_numbers(found.program.params), seen)
        rows.append({
            "scene": number, "solids": len(solids(truth)), "start": displacement(truth, start, seen), "off": off,
            "psnr": found.psnr, "psnr_of_truth": best, "seconds": seconds,
        })  # fmt: skip
        print(f"{number:3d} {rows[-1]['start']:5.2f} -> {off:6.3f} px, {found.psnr:5.2f} of {best:5.2f} dB, {seconds:4.1f} s", flush=True)
    return {
        "recovered": float(np.mean([r["off"] < RECOVERED for r in rows])),
        "near_in_psnr": float(np.mean([r["psnr"] > r["psnr_of_truth"] - 0.5 for r in rows])),
        "seconds": common.summary([r["seconds"] for r in rows]), "scenes": rows,
    }  # fmt: skip


# -- pictures ---------------------------------------------------------------------------------------------


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
    "mug": looked(
        "#e0e4ea", "20, 22, 4, fov = 35", "-0.5,0.8,0.6", 1.0, 0.25,
        "((cylinder(0.4,0.5)-cylinder(0.33,0.5).move(0,0.1,0)) | torus(0.25,0.07).rotate(90,0,0).move(0.45,0,0)).paint(#d35400)\n",
    ),  # fmt: skip
    "snowman": looked(
        "#87b5e0", "0, 10, 4.5, fov = 30", "0.6,0.6,0.5", 0.9, 0.3,
        "plane(-0.7).paint(#e8eef2)\n"
        "union(sphere(0.4).move(0,-0.4,0), sphere(0.28).move(0,0.15,0), smooth = 0.08).paint(#f4f4fa)\n"
        "cylinder(0.2,0.12).move(0,0.48,0).paint(#303040)\n",
    ),  # fmt: skip
    "top": looked(
        "#ffffff", "30, 50, 4, fov = 40", "-0.3,0.9,-0.4", 1.0, 0.2,
        "plane(-0.3).paint(#4a7a4a)\n"
        "box(0.5,0.25,0.3).rotate(0,20,0).move(-0.2,-0.05,0.1).paint(#d8c040)\n"
        "sphere(0.25).move(0.6,-0.05,0.3).paint(#e0e0e0, metallic = 0.9, roughness = 0.3)\n"
        "cylinder(0.15,0.35).move(0.2,0.05,-0.6).paint(#b03060)\n",
    ),  # fmt: skip
    "ringalpha": looked(
        "none", "15, 30, 4, fov = 35", "0.5,0.8,0.6", 1.0, 0.3,
        "torus(0.6,0.2).rotate(60,0,20).paint(#30a0c0, roughness = 0.3)\n"
        "sphere(0.25).move(0,0.05,0).paint(#f0c020)\n",
    ),  # fmt: skip
    "dumbbell": looked(
        "#f5f0e6", "0, 12, 4, fov = 35", "-0.7,0.5,0.4", 1.0, 0.3,
        "union(sphere(0.35).move(-0.6,0,0), sphere(0.35).move(0.6,0,0), cylinder(0.12,0.6).rotate(0,0,90), smooth = 0.1).rotate(0,20,15).paint(#7a4fb0)\n",
    ),  # fmt: skip
    "house": looked(
        "#bcd8f0", "25, 18, 4.5, fov = 35", "0.6,0.7,0.5", 0.9, 0.3,
        "plane(-0.5).paint(#8fae5a)\n"
        "(box(0.5,0.4,0.4).move(0,-0.1,0) - box(0.12,0.2,0.2).move(0.1,-0.3,0.4)).paint(#d9a066)\n"
        "cylinder(0.1,0.3).move(0.25,0.4,0).paint(#8a3324)\n"
        "sphere(0.3).move(-0.95,-0.1,-0.2).paint(#2e7d32)\n",
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
    "bowl": looked(
        "#dfe8e4", "0, 35, 4, fov = 35", "-0.5,0.8,0.3", 1.0, 0.3,
        "(sphere(0.6) - sphere(0.52) - box(1,0.6,1).move(0,0.75,0)).paint(#c8603c)\n"
        "sphere(0.2).move(-0.15,-0.2,0.1).paint(#70b040)\n"
        "sphere(0.18).move(0.2,-0.22,0).paint(#e0b020)\n",
    ),  # fmt: skip
    "pipe": looked(
        "none", "-20, 20, 4, fov = 35", "-0.4,0.7,0.8", 0.9, 0.3,
        "(cylinder(0.45,0.6) - cylinder(0.28,1)).rotate(60,0,-35).paint(#8090a0, metallic = 0.8, roughness = 0.4)\n"
        "box(0.5,0.1,0.35).rotate(0,20,0).move(0,-0.65,0).paint(#604030)\n",
    ),  # fmt: skip
}
CHECKED = ("dumbbell", "house", "gold", "dice", "bowl", "pipe")
"""Those that the search was not made with."""


def kinds(program: str) -> dict[str, int]:
    """How many solids of each kind a program's text has."""
    return {kind: program.count(f"{kind}(") for kind in KINDS}


def pictures(seconds: float, only: Sequence[str]) -> dict[str, Any]:
    rows = []
    for name, source in SCENES.items():
        if only and name not in only:
            continue
        program = shaderdsl.parse(source)
        pixels = supersampling.picture(solid_tape_of(program), program.params, (160, 160), 4).clip(0.0, 1.0)
        if "background = none" in source:
            pixels[..., :3] /= np.maximum(pixels[..., 3:], 1e-6)
        else:
            pixels = pixels[..., :3]
        found = refine.fit(pixels.clip(0.0, 1.0).astype(np.float32), seconds=seconds, dimension=3)
        truth, mine = kinds(source), kinds(found.program.text)
        right = sum(min(truth[k], mine[k]) for k in KINDS)
        rows.append({
            "name": name, "made_with": name not in CHECKED, "psnr": found.psnr, "numbers": found.numbers, "seconds": found.seconds,
            "kinds": truth, "found": mine, "right": right / max(sum(truth.values()), 1), "program": found.program.text,
        })  # fmt: skip
        print(f"{name:10s} {found.psnr:5.2f} dB, {found.numbers} numbers, kinds {right} of {sum(truth.values())}, {found.seconds:.1f} s", flush=True)
    return {"psnr": common.summary([r["psnr"] for r in rows]), "pictures": rows}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("numbers", "pictures"))
    parser.add_argument("--limit", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--views", action="store_true")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args()
    if options.what == "numbers":
        found = numbers(options.limit, options.seed, options.views)
        name = "solid_views" if options.views else "solid_numbers"
    else:
        found, name = pictures(options.seconds, options.only), "solid_pictures"
    print({k: v for k, v in found.items() if k not in ("scenes", "pictures")})
    print(common.save(name, {"seed": options.seed, **found}))


if __name__ == "__main__":
    main()
