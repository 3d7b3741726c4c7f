"""Finds a program for a picture and saves all that comes of it.

    python examples/fit_an_image.py examples/images/compass.png --seconds 10 --out out/compass
"""

from __future__ import annotations

import argparse
from pathlib import Path

import refine


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", nargs="?", type=Path, default=Path(__file__).parent / "images" / "compass.png")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to look (%(default)s)")
    parser.add_argument("--max-shapes", type=int, help="at most so many shapes")
    parser.add_argument("--out", type=Path, default=Path("out/compass"), help="the folder for the files (%(default)s)")
    options = parser.parse_args()

    fit = refine.fit(options.image, seconds=options.seconds, max_shapes=options.max_shapes)
    print(fit.program)
    print(f"\n{fit.psnr:.1f} dB with {fit.numbers} numbers in {fit.seconds:.1f} s")
    for note in fit.notes:
        print("note:", note)

    # The numbers are ordinary values: names, ranges, and another program for other values.
    for parameter, value in list(zip(fit.program.parameters, fit.program.params))[:5]:
        print(f"  {parameter.name} = {value:g}, sensibly {parameter.low:g} to {parameter.high:g}")

    # Shorter programs were found on the way: each can be used like the last.
    for point in fit.pareto[-6:-1]:
        print(f"  {point.psnr:.1f} dB with {point.numbers} numbers, {len(point.program.scene.layers)} layers")

    for path in fit.save(options.out):
        print(path)


if __name__ == "__main__":
    main()
