"""Whether numbers are found again in space: scenes thrown out of place and brought back.

    python -m benchmarks.solid_recovery [--limit 50] [--seed 0] [--views] [--jobs 1] [--resume]

Random scenes of 3 to 5 solids, joined, smoothly joined and cut, of known camera and light, are drawn at 128 pixels by
rays (`render.supersampling`), which share nothing with what is refined; their numbers are thrown about until the solids lie 5 to
8 pixels off on average, and `refine.optimize` brings them back, its last steps with 3x3 samples a pixel. A scene is recovered where
what is visible ends less than 0.1 pixels off, and its picture is as near as that of the true numbers, within 0.5 dB. With --views there are four pictures of each, and
the light is unknown.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import permutations, product
from typing import Any

import numpy as np
import numpy.typing as npt

import refine
import render
import shaderdsl
from benchmarks.common import RESULTS, summary
from benchmarks.measuring import keep, load, table
from benchmarks.workers import beside, each
from refine.solid_model import CAMERA_DISTANCE, CAMERA_FOV, TURNED, Model, Solid, Thing, camera_frame
from render import supersampling
from render.averaging import Finer
from render.batching import batch_of
from render.metrics import psnr
from render.numpy_backend import pixel_centres
from render.tapes import solid_tape_of

Array = npt.NDArray[np.float64]

SIDE = 128
KINDS = ("sphere", "box", "cylinder", "torus")
VIEWS = (0.0, 90.0, 180.0, 270.0)
RECOVERED, NEARLY = 0.1, 0.5
"""Pixels off, and dB below the true numbers' picture, that a recovered scene may be."""
SAMPLES = 3
"""Along the side of a pixel, that the last steps take, and with which pictures are compared: a finely sampled picture's numbers are not
quite those that one sample a pixel comes nearest to it with."""
END = 0.03
"""In scene units, 1.5 pixels: how near the end of a solid something of it must be visible for the end to be seen."""


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
    lines = model.text.splitlines()
    sun = f"({', '.join(f'fixed({v!r})' if known_light else repr(v) for v in model.light[:3])})"
    strong = [f"fixed({v!r})" if known_light else repr(v) for v in (model.light[3], model.ambient)]
    lines[1] = f"orbit(fixed(0), fixed({model.elevation}), fixed({CAMERA_DISTANCE}), fov = fixed({CAMERA_FOV}))"
    lines[2], lines[3] = f"light({sun}, intensity = {strong[0]})", f"ambient({strong[1]})"
    return "\n".join(lines)


def drawn(program: shaderdsl.Program, samples: int = 8) -> npt.NDArray[np.float32]:
    """The picture (SIDE, SIDE, 3) of a program, by rays."""
    pixels = supersampling.picture(solid_tape_of(program), program.params, (SIDE, SIDE), samples)
    return np.asarray(pixels[..., :3], np.float32).clip(0.0, 1.0)


def averaged(program: shaderdsl.Program) -> npt.NDArray[np.float32]:
    """The picture (SIDE, SIDE, 3) of a program, by the renderer of the last steps."""
    return Finer(solid_tape_of(program), SAMPLES).batch(program.params[None]).images((SIDE, SIDE))[0, ..., :3]


def solids(model: Model) -> list[Solid]:
    return [s for thing in model.things for s in (*thing.joined, *thing.cut)]


@dataclass(frozen=True)
class Visible:
    """Where the rays of a picture's pixels meet its scene: points (m, 3), and the number (m,) of the solid whose surface is there."""

    points: Array
    owners: npt.NDArray[np.int64]


def visible(model: Model) -> Visible:
    """What is visible of a model."""
    tape = solid_tape_of(model.plain).showing("depth")
    drawn = batch_of(tape, model.plain.params[None]).images((SIDE, SIDE))[0].reshape(-1, 4).astype(np.float64)
    eye, right, up, forward = camera_frame(model.elevation)
    x, y = (axis.ravel() for axis in pixel_centres((SIDE, SIDE)))
    slope = np.tan(np.radians(CAMERA_FOV / 2))
    rays = forward + slope * (x[:, None] * right + y[:, None] * up)
    whole = drawn[:, 3] > 0.999
    points = eye + drawn[whole, :1] * rays[whole]
    # Pixels that see two surfaces have a depth between them.
    points = points[np.abs(render.field(model.plain, points)) < 1e-3]
    distances = [np.abs(render.field(shaderdsl.parse(f"scene 3d\n{s.text()}"), points)) for s in solids(model)]
    return Visible(points, np.argmin(distances, 0))


def along_axis(places: Array, half: float, other_half: Array | float) -> Array:
    """Places (m,) along an axis of a solid from -half to half, brought to another solid: from end to end where both ends are seen, or
    none, and else as far from the end that is seen. Where an end is that nobody sees does not show."""
    ends = places.max() > half - END, places.min() < END - half
    if ends == (True, False):
        return np.asarray(other_half - (half - places))
    if ends == (False, True):
        return np.asarray((half + places) - other_half)
    return np.asarray(places * other_half / half)


def carried(points: Array, one: Solid, other: Solid) -> Iterator[Array]:
    """Points (m, 3) of a solid's surface, brought to the same places of another of its kind; once for each way in which its
    numbers can say the same shape."""
    away = points - np.array(one.place)
    if one.kind == "sphere":
        yield other.place + away * other.sizes[0] / one.sizes[0]
    elif one.kind == "box":
        local = away @ one.turn
        for axes in permutations(range(3)):
            for signs in product((-1.0, 1.0), repeat=3):
                swap = np.eye(3)[list(axes)] * signs
                if np.linalg.det(swap) > 0.0:
                    halves = np.abs(swap) @ np.array(other.sizes)
                    brought = np.stack([along_axis(local[:, k], one.sizes[k], halves[k]) for k in range(3)], 1)
                    yield other.place + brought @ swap @ other.turn.T
    else:
        # Round about an axis: what lies about it goes the shortest way.
        along = away @ one.turn[:, 1]
        aside = away - along[:, None] * one.turn[:, 1]
        from_axis = np.linalg.norm(aside, axis=1)
        tube = one.kind == "torus"
        radius = (
            other.sizes[0] + (from_axis - one.sizes[0]) * other.sizes[1] / one.sizes[1]
            if tube
            else from_axis * other.sizes[0] / one.sizes[0]
        )
        lengthwise = along * other.sizes[1] / one.sizes[1] if tube else along_axis(along, one.sizes[1], other.sizes[1])
        for axis in (other.turn[:, 1], -other.turn[:, 1]):
            turned = aside - (aside @ axis)[:, None] * axis
            turned /= np.maximum(np.linalg.norm(turned, axis=1, keepdims=True), 1e-12)
            yield other.place + lengthwise[:, None] * axis + radius[:, None] * turned


def displacement(truth: Model, other: Model, seen: Visible) -> float:
    """How far, in pixels, the points of what is visible lie from where they should on the picture, on average."""
    eye, right, up, forward = camera_frame(truth.elevation)
    unit = 0.5 * SIDE / np.tan(np.radians(CAMERA_FOV / 2))

    def projected(points: Array) -> Array:
        away = points - eye
        return unit * np.stack([away @ right, away @ up], 1) / (away @ forward)[:, None]

    total = 0.0
    for number, (one, another) in enumerate(zip(solids(truth), solids(other))):
        points = seen.points[seen.owners == number]
        if len(points):
            ways = [
                np.linalg.norm(projected(p) - projected(points), axis=1).sum() for p in carried(points, one, another)
            ]
            total += float(min(ways))
    return total / len(seen.points)


def disturbed(model: Model, random: np.random.Generator, seen: Visible) -> Model:
    """The model with its solids thrown about, 5 to 8 pixels on average; what is hidden too."""

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
            replace(t, joined=tuple(moved(s, amount) for s in t.joined), cut=tuple(moved(s, amount) for s in t.cut))
            for t in model.things
        )
        other = replace(model, things=things)
        off = displacement(model, other, seen)
        if 5.0 <= off <= 8.0:
            break
        amount *= 1.1 if off < 5.0 else 0.92
    return other


def measured(number: int, seed: int, views: bool) -> dict[str, Any]:
    """One scene's figures."""
    random = np.random.default_rng([seed, number])
    truth = scene(random)
    seen = visible(truth)
    start = disturbed(truth, random, seen)
    fixed = shaderdsl.parse(text(truth, True))
    if views:
        start = replace(start, light=(0.0, 1.0, 0.5, 0.7), ambient=0.3)
        cameras = [f"orbit(fixed({a}), fixed(20), fixed(4), fov = fixed(35))" for a in VIEWS]
        bare = [line for line in text(truth, True).splitlines() if not line.startswith("orbit")]
        programs = [shaderdsl.parse("\n".join([bare[0], camera, *bare[1:]])) for camera in cameras]
        targets = [drawn(p) for p in programs]
        began = time.perf_counter()
        found = refine.optimize(shaderdsl.parse(text(start, False)), images=targets, cameras=cameras, samples=SAMPLES)
        seconds = time.perf_counter() - began
        best = psnr(np.stack([averaged(p) for p in programs]), np.stack(targets))
    else:
        target = drawn(fixed)
        began = time.perf_counter()
        found = refine.optimize(shaderdsl.parse(text(start, True)), target, samples=SAMPLES)
        seconds = time.perf_counter() - began
        best = psnr(averaged(fixed), target)
    off = displacement(truth, truth.with_numbers(found.program.params), seen)
    return {
        "scene": number, "solids": len(solids(truth)), "start": displacement(truth, start, seen), "off": off,
        "psnr": found.psnr, "psnr_of_truth": best, "seconds": seconds, "recovered": off < RECOVERED and found.psnr > best - NEARLY,
    }  # fmt: skip


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    total, rows = result["totals"], result["scenes"]
    known = "four views, the light unknown" if result["settings"]["views"] else "one view of known camera and light"
    lost = [
        [r["scene"], r["solids"], r["start"], r["off"], r["psnr"], r["psnr_of_truth"]]
        for r in rows
        if not r["recovered"]
    ]
    text = [
        f"{len(rows)} scenes, {known}: {total['recovered']:.0%} recovered (under {RECOVERED} px and within {NEARLY} dB of the true numbers' "
        f"picture), {total['near']:.0%} within {RECOVERED} px; median {total['off']['median']:.3f} px, {total['seconds']['median']:.1f} s"
        f"{beside(result['settings'])} (goal: 90 %, 2 s).",
    ]
    return (
        [
            *text,
            "",
            "Not recovered:",
            "",
            table(["scene", "solids", "px off before", "after", "dB", "dB of the truth"], lost),
        ]
        if lost
        else text
    )


def measured_before(name: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The scenes of a kept result that has the same settings but for how many there are; none where there is no such result."""
    path = RESULTS / f"{name}.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"settings": {}, "scenes": []}
    same = {**kept["settings"], "limit": settings["limit"]} == dict(settings)
    return list(kept["scenes"]) if same else []


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=int, default=50, help="scenes")
    parser.add_argument("--seed", type=int, default=0, help="of the scenes")
    parser.add_argument("--views", action="store_true", help="four pictures of each, and an unknown light")
    parser.add_argument("--jobs", type=int, default=1, help="processes that scenes are shared out to")
    parser.add_argument("--resume", action="store_true", help="go on after the scenes of the kept result")
    parser.add_argument(
        "--name", default="", help="of the result file; one that ends in _trial stays out of the summary"
    )
    options = parser.parse_args(arguments)
    before = load()
    name = options.name or ("solid_recovery-views" if options.views else "solid_recovery")
    settings = {"limit": options.limit, "seed": options.seed, "views": options.views, "jobs": options.jobs}
    rows = measured_before(name, settings)[: options.limit] if options.resume else []
    one = partial(measured, seed=options.seed, views=options.views)
    for r in each(one, range(len(rows), options.limit), options.jobs, partial(one, options.limit)):
        rows.append(r)
        print(
            f"{r['scene']:3d} {r['start']:5.2f} -> {r['off']:6.3f} px, {r['psnr']:5.2f} of {r['psnr_of_truth']:5.2f} dB, {r['seconds']:4.1f} s",
            flush=True,
        )  # fmt: skip
    totals = {
        "recovered": float(np.mean([r["recovered"] for r in rows])), "near": float(np.mean([r["off"] < RECOVERED for r in rows])),
        "off": summary([r["off"] for r in rows]), "seconds": summary([r["seconds"] for r in rows]),
    }  # fmt: skip
    result = {"totals": totals, "scenes": rows}
    print("\n".join(lines({**result, "settings": settings})))
    print(keep(name, settings, result, before).name)


if __name__ == "__main__":
    main()
