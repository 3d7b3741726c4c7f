"""Writes a program by hand, changes its numbers, and exports it: picture, GLSL for Shadertoy, viewer page.

    python examples/write_a_program.py --out out/light --size 512
"""

from __future__ import annotations

import argparse
from pathlib import Path

import render
import shaderdsl
from render.viewer import page

TEXT = """
// A traffic light: three lamps, each with a brightness of its own.
scene 2d(background = #dfe7ee)
let red = param(100%, 0% .. 100%)
let amber = param(0%, 0% .. 100%)
let green = param(0%, 0% .. 100%)

let case = box(0.32, 0.86).round(0.16)
case.move(0.03, -0.05).fill(#1b2430).opacity(35%).soften(0.05)
case.fill(linear(#465464, #1d252f, start = (-0.3, 0.8), end = (0.3, -0.8)))
circle(0.2).repeat_grid(1, 3, 1, 0.52).fill(#10151b)

def glow(y, colour, brightness) = circle(0.24).move(0, y).fill(colour).opacity(brightness / 2).soften(0.07)
def lamp(y, light, colour, brightness) = circle(0.18)
    .fill(radial(light, colour, center = (-0.05, 0.06), radius = 0.26))
    .move(0, y)
    .opacity(brightness)
glow(0.52, #ff4a3d, red)
lamp(0.52, #ffc2ad, #e3281f, red)
glow(0, #ffc233, amber)
lamp(0, #fff0b3, #f5a300, amber)
glow(-0.52, #35d07f, green)
lamp(-0.52, #d0ffdf, #14a85c, green)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("out/light"), help="the folder for the files (%(default)s)")
    parser.add_argument("--size", type=int, default=512, help="the picture's side in pixels (%(default)s)")
    options = parser.parse_args()

    # A mistake is a sentence with a place and, where one can be guessed, a remedy.
    try:
        shaderdsl.parse("cirle(0.5).fill(#e0353f)")
    except shaderdsl.DslError as error:
        print(error, end="\n\n")

    program = shaderdsl.parse(TEXT)

    # A program is a value. Other numbers make another program, which prints its numbers where they stood.
    names = [parameter.name for parameter in program.parameters]
    numbers = program.params.copy()
    numbers[names.index("red")] = 0  # in the unit that is written: per cent
    numbers[names.index("green")] = 100
    go = program.with_params(numbers)
    print(go)

    # Signed distances: negative inside, zero on the edge.
    case = shaderdsl.parse("box(0.32, 0.86).round(0.16)")
    print("\ndistances to the case:", render.field(case, [(0, 0), (0.32, 0), (0.5, 0)]))

    options.out.mkdir(parents=True, exist_ok=True)
    render.save_png(options.out / "light.png", render.image(go, size=options.size))
    (options.out / "light.sdf").write_text(shaderdsl.format(go) + "\n", encoding="utf-8")
    (options.out / "shadertoy.glsl").write_text(shaderdsl.to_glsl(go, target="shadertoy"), encoding="utf-8")
    (options.out / "viewer.html").write_text(page(go, title="Traffic light"), encoding="utf-8")
    print("Written to", options.out)


if __name__ == "__main__":
    main()
