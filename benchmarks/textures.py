"""Whether fits recognize textures: renders of our own texture operations, whose kind, numbers and colours are known.

    python -m benchmarks.textures [--seconds 10] [--size 128] [--each 4] [--sheet FILE.png]

Each texture operation (`cellular` with each `measure`) is drawn several times in each size, with numbers anywhere in their sensible
ranges (a warp in half of the pictures), two or three colours at random, turned and moved at random, with seeds that no fit
draws with. A kind counts as right if it is the one that drew the picture; `perlin` and `fbm` with one octave are one kind, since
they draw the same pictures with other colours. Scales are compared where the kind is right, turns where it is right and shows
its turn by itself: how far they are apart up to the turns that the pattern has. Colours are compared as distributions: the mean difference of
the two pictures' sorted values.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import refine
import shaderdsl
from benchmarks.common import summary
from benchmarks.measuring import keep, load, table
from refine.texture_kinds import SEEDS, Kind, kinds
from render import batch, save_png

FIRST_SEED = 20_000
"""Of the generator that makes the pictures; development uses smaller ones."""

TURNS = {"stripes": 180.0, "marble": 180.0, "brick": 180.0, "checker": 90.0, "tiles": 90.0}
"""Degrees by which a texture of these kinds can be turned and looks the same."""

SCALE_GOAL = 0.15


@dataclass(frozen=True)
class Case:
    """A texture to recognize: its kind, numbers by name, turn in degrees, and picture uint8 (side, side, 3)."""

    kind: str
    numbers: dict[str, float]
    turn: float
    picture: npt.NDArray[np.uint8]


def case(kind: Kind, rng: np.random.Generator, size: int) -> Case:
    """A random picture of a kind."""
    numbers: dict[str, float] = {}
    for p in kind.operation.parameters:
        if p.name == "seed":
            numbers[p.name] = int(rng.integers(SEEDS, p.high + 1))
        elif p.kind == "count":
            numbers[p.name] = int(rng.integers(p.low, p.high + 1))
        elif p.kind == "length":
            numbers[p.name] = round(float(np.exp(rng.uniform(np.log(p.low), np.log(p.high)))), 4)
        elif p.kind != "choice":
            off = p.default == p.low and rng.random() < 0.5
            numbers[p.name] = p.low if off else round(float(rng.uniform(p.low, p.high)), 3)
    colours = rng.random((int(rng.integers(2, 4)), 3))
    while np.linalg.norm(np.diff(colours, axis=0), axis=1).min() < 0.3:
        colours = rng.random(colours.shape)
    turn, (x, y) = round(float(rng.uniform(-180.0, 180.0)), 1), rng.uniform(-0.6, 0.6, 2)
    ramp = ", ".join("#" + "".join(f"{round(255 * part):02x}" for part in colour) for colour in colours.tolist())
    written = ", ".join([*(f"{name} = {word}" for name, word in kind.words), *(f"{name} = {v}" for name, v in numbers.items())])
    paint = f"{kind.operation.function}({ramp}, {written}).rotate({turn}).move({x:.3f}, {y:.3f})"
    picture = batch([shaderdsl.parse(f"scene 2d\nbox(2, 2).fill({paint})")], size)[0]
    return Case(kind.name, numbers, turn, np.rint(np.clip(picture, 0.0, 1.0) * 255.0).astype(np.uint8))


def found_numbers(program: shaderdsl.Program) -> tuple[str, dict[str, float], float]:
    """The kind of a fit's program, its numbers by name, and its turn in degrees."""
    paint = program.text.partition(".fill(")[2].replace("\n", " ")
    operation, _, inside = paint.partition("(")
    arguments = dict(part.split(" = ") for part in " ".join(inside.partition(")")[0].split()).split(", ") if " = " in part)
    choice = arguments.pop("measure", "distance" if operation == "cellular" else "")
    turn = paint.partition(".rotate(")[2].partition(")")[0]
    return f"{operation} {choice}".strip(), {name: float(v) for name, v in arguments.items()}, float(turn or 0.0)


def same_kind(true: Case, kind: str, numbers: dict[str, float]) -> bool:
    """Whether a fit's kind is that of the picture; see the module's text."""
    single = true.numbers.get("octaves") == 1 or numbers.get("octaves") == 1
    return kind == true.kind or ({kind, true.kind} == {"fbm", "perlin"} and single)


def turned_apart(kind: str, one: float, other: float) -> float | None:
    """Degrees between two turns of a kind, at most half of what it can be turned by; None if it does not show its turn."""
    period = TURNS.get(kind)
    return None if period is None else abs((one - other + period / 2) % period - period / 2)


def measured(true: Case, seconds: float) -> tuple[dict[str, Any], refine.Fit]:
    """One picture recognized."""
    fit = refine.fit_texture(true.picture, seconds=seconds)
    kind, numbers, turn = found_numbers(fit.program)
    right = same_kind(true, kind, numbers)
    shown = np.clip(fit.image, 0.0, 1.0) * 255.0
    colours = float(np.abs(np.sort(shown.reshape(-1, 3), 0) - np.sort(true.picture.reshape(-1, 3), 0)).mean())
    return {
        "kind": true.kind, "found": kind, "right": right, "scale": true.numbers["scale"], "found_scale": numbers.get("scale"),
        "scale_error": abs(numbers["scale"] / true.numbers["scale"] - 1.0) if right and "scale" in numbers else None,
        "turn_error": turned_apart(true.kind, turn, true.turn) if right else None, "colour_error": colours,
        "distance": fit.history[-1]["distance"] if fit.history else None, "seconds": fit.seconds,
        "numbers": true.numbers, "program": fit.program.text,
    }, fit  # fmt: skip


def totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What all pictures together give; shares in [0, 1]."""

    def values(name: str) -> list[float]:
        return [row[name] for row in rows if row[name] is not None]

    scales = values("scale_error")
    close = [error for error in scales if error <= SCALE_GOAL]
    return {
        "pictures": len(rows), "right": sum(row["right"] for row in rows) / len(rows),
        "scale_within_goal_of_right": len(close) / max(len(scales), 1), "scale_within_goal_of_all": len(close) / len(rows),
        **{name: summary(values(name)) for name in ("scale_error", "turn_error", "colour_error", "seconds") if values(name)},
    }  # fmt: skip


def lines(result: dict[str, Any]) -> list[str]:
    """The result as Markdown."""
    total, rows = result["totals"], result["pictures"]
    middle = {name: total[name]["median"] for name in ("scale_error", "turn_error", "colour_error", "seconds") if name in total}
    text = [
        f"{total['pictures']} pictures: kind right in {100 * total['right']:.0f} %; where it is, scale within 15 % in "
        f"{100 * total['scale_within_goal_of_right']:.0f} % (of all pictures {100 * total['scale_within_goal_of_all']:.0f} %).",
        "Medians: " + ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in middle.items()) + ".",
        "",
    ]
    names = list(dict.fromkeys(row["kind"] for row in rows))
    heads = ["kind", "right", "taken for", "scale error (%)", "turn error (deg)", "colour error (of 255)"]
    table_rows = []
    for name in names:
        own = [row for row in rows if row["kind"] == name]
        wrong = ", ".join(row["found"] for row in own if not row["right"])
        scales = ", ".join(f"{100 * row['scale_error']:.0f}" for row in own if row["scale_error"] is not None)
        turns = ", ".join(f"{row['turn_error']:.1f}" for row in own if row["turn_error"] is not None)
        colours = ", ".join(f"{row['colour_error']:.1f}" for row in own)
        table_rows.append([name, f"{sum(row['right'] for row in own)} of {len(own)}", wrong, scales, turns, colours])
    return [*text, table(heads, table_rows)]


def sheet(pairs: list[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]], across: int) -> npt.NDArray[np.uint8]:
    """Pictures beside what was found, `across` pairs in a row."""
    cells = [np.concatenate([a, np.rint(255 * np.clip(b, 0, 1)).astype(np.uint8)], 1) for a, b in pairs]
    cells = [np.pad(cell, ((0, 6), (0, 6), (0, 0)), constant_values=255) for cell in cells]
    cells += [np.full_like(cells[0], 255)] * (-len(cells) % across)
    return np.concatenate([np.concatenate(cells[k : k + across], 1) for k in range(0, len(cells), across)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="time for each fit")
    parser.add_argument("--size", type=int, default=128, help="side of the pictures in pixels")
    parser.add_argument("--each", type=int, default=4, help="pictures of each kind")
    parser.add_argument("--sheet", default="", help="a PNG file for pictures and what was found")
    parser.add_argument("--name", default="textures", help="of the result file; one that ends in _trial stays out of the summary")
    options = parser.parse_args()
    before = load()
    rng = np.random.default_rng(FIRST_SEED)
    cases = [case(kind, rng, options.size) for kind in kinds() for _ in range(options.each)]
    rows, pairs = [], []
    for true in cases:
        row, fit = measured(true, options.seconds)
        rows.append(row)
        pairs.append((true.picture, fit.image))
    result = {"totals": totals(rows), "pictures": rows}
    if options.sheet:
        save_png(options.sheet, sheet(pairs, options.each))
    print("\n".join(lines(result)))
    settings = {"seconds": options.seconds, "size": options.size, "each": options.each}
    print(keep(options.name, settings, result, before).name)


if __name__ == "__main__":
    main()
