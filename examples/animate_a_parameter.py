"""Sweeps parameters of a program into an animated GIF or WebP; all frames are drawn in one batch.

    python examples/animate_a_parameter.py                                # the gears turn
    python examples/animate_a_parameter.py examples/clock.sdf --sweep minute=0:60 --sweep second=0:60 -o clock.webp
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import render
import shaderdsl


def swept(program: shaderdsl.Program, sweeps: dict[str, tuple[float, float]], frames: int) -> list[shaderdsl.Program]:
    """`frames` programs; each named parameter goes from its first value up to, but not including, its last."""
    names = [parameter.name for parameter in program.parameters]
    for name in sweeps:
        if name not in names:
            raise SystemExit(f"There is no parameter '{name}': choose one of {', '.join(names)}.")
    numbers = np.tile(program.params, (frames, 1))
    for name, (first, last) in sweeps.items():
        numbers[:, names.index(name)] = np.linspace(first, last, frames, endpoint=False)
    return [program.with_params(row) for row in numbers]


def sweep(text: str) -> tuple[str, tuple[float, float]]:
    name, _, bounds = text.partition("=")
    first, _, last = bounds.partition(":")
    return name, (float(first), float(last))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", nargs="?", type=Path, default=Path(__file__).parent / "gears.sdf")
    parser.add_argument("--sweep", type=sweep, action="append", metavar="NAME=FIRST:LAST", help="as in turn=0:45")
    parser.add_argument("--frames", type=int, default=36, help="how many (%(default)s)")
    parser.add_argument("--size", type=int, default=256, help="their side in pixels (%(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("out/gears.gif"), help=".gif or .webp (%(default)s)")
    options = parser.parse_args()

    program = shaderdsl.parse(options.program.read_bytes())
    # The large gear has sixteen teeth: an eighth of a turn brings both gears back to where they were.
    sweeps = dict(options.sweep or [("turn", (0.0, 45.0))])
    pictures = render.batch(swept(program, sweeps, options.frames), size=options.size)

    images = [Image.fromarray(np.rint(picture * 255).astype(np.uint8)) for picture in pictures]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    images[0].save(options.output, save_all=True, append_images=images[1:], duration=50, loop=0)
    print(options.output, f"{len(images)} frames")


if __name__ == "__main__":
    main()
