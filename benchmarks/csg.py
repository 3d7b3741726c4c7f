"""How many pictures of random solid geometry the search over structure solves, and how soon.

    python benchmarks/csg.py [folder] [--seconds 10] [--limit N] [--seed 0] [--free]

Without a folder the pictures are our own (`csg_panel.py`). A folder holds PNG files, black on white, and may hold a
manifest.json: a list of {"file": name, "primitives": number in the truth}. A picture is solved if the program's
foreground and the picture's, both at their own size and cut at one half, have an intersection over union above 0.98,
with at most three primitives more than the truth. The operations are circle, box, rotate, move, union and difference.
One short search beforehand, which is not counted, compiles or loads the kernels.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import shaderdsl
from benchmarks import csg_panel
from benchmarks.measuring import keep, load
from refine.search import search
from render.taichi_backend import Batch
from render.tapes import tape_of

OPERATIONS = ("circle", "box", "rotate", "move", "union", "difference")
MOMENTS = (1, 2, 3, 5, 7, 10)
SOLVED = 0.98
EXTRA = 3

Picture = tuple[str, npt.NDArray[np.float32], "int | None"]
"""Name, grey values (h, w) in [0, 1], primitives in the truth if known."""


def pictures(folder: Path | None, limit: int | None, seed: int, free: bool) -> list[Picture]:
    if folder is None:
        made = csg_panel.panel(limit or 64, seed, free=free)
        return [(f"{k:03d}", (1.0 - p.coverage).astype(np.float32), p.primitives) for k, p in enumerate(made)]
    from PIL import Image

    manifest = folder / "manifest.json"
    known = {e["file"]: e["primitives"] for e in json.loads(manifest.read_text())} if manifest.exists() else {}
    files = sorted(folder.glob("*.png"))[:limit]
    if not files:
        raise SystemExit(f"there is no PNG file in {folder}: name a folder of black on white pictures")
    return [(f.name, np.asarray(Image.open(f).convert("L"), np.float32) / 255.0, known.get(f.name)) for f in files]


def overlap(program: shaderdsl.Program, grey: npt.NDArray[np.float32]) -> float:
    """Intersection over union of the dark pixels."""
    height, width = grey.shape
    image = Batch.of([(tape_of(program), program.params)]).images((width, height))[0]
    mine = image[..., 0] + (1.0 - image[..., 3]) < 0.5
    true = grey < 0.5
    union = int((mine | true).sum())
    return float((mine & true).sum()) / union if union else 1.0


def primitives(program: shaderdsl.Program) -> int:
    return len(re.findall(r"\b(?:circle|box)\(", program.text))


def run(picture: Picture, seconds: float, seed: int) -> dict[str, Any]:
    name, grey, truth = picture
    target = np.concatenate([np.repeat(grey[..., None], 3, 2), np.ones_like(grey)[..., None]], 2)
    history: list[tuple[float, shaderdsl.Program]] = []
    started, processor = time.perf_counter(), time.process_time()
    found = search(
        target, OPERATIONS, seconds=seconds, seed=seed, on_progress=lambda at, program, _: history.append((at, program))
    )
    wall, processor = time.perf_counter() - started, time.process_time() - processor
    history.append((wall, found[0]))
    steps = []
    for at, program in history:
        iou, size = overlap(program, grey), primitives(program)
        solved = iou > SOLVED and (truth is None or size <= truth + EXTRA)
        steps.append({"seconds": round(at, 3), "iou": round(iou, 5), "primitives": size, "solved": bool(solved)})
    return {
        "picture": name, "truth": truth, **{k: steps[-1][k] for k in ("iou", "primitives", "solved")},
        "wall": round(wall, 2), "processor": round(processor, 2), "history": steps, "program": found[0].text,
    }  # fmt: skip


def solved_by(result: dict[str, Any], moment: float) -> bool:
    """Whether the best program so far was a solution at that time; what came first counts until it is bettered."""
    seen = [step for step in result["history"] if step["seconds"] <= moment]
    return bool(seen and seen[-1]["solved"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--free", action="store_true", help="our own pictures with numbers off the grid")
    options = parser.parse_args()
    busy = load()
    panel = pictures(options.folder, options.limit, options.seed, options.free)
    run(panel[0], 5.0, options.seed)
    results = []
    for picture in panel:
        result = run(picture, options.seconds, options.seed)
        results.append(result)
        print(
            f"{result['picture']:>16}  {'solved' if result['solved'] else 'open  '}  iou {result['iou']:.4f}  "
            f"primitives {result['primitives']} of {result['truth'] or '?'}  {result['wall']:5.1f} s",
            flush=True,
        )
    moments = sorted({*(m for m in MOMENTS if m <= options.seconds), options.seconds})
    # The last step of a generation may end a little after the time; the last moment counts what was returned.
    curve = {f"{m:g}": float(np.mean([solved_by(r, m) for r in results])) for m in moments[:-1]}
    curve[f"{moments[-1]:g}"] = float(np.mean([r["solved"] for r in results]))
    median = float(np.median([r["wall"] for r in results]))
    shares = ", ".join(f"{m} s {100 * v:.1f} %" for m, v in curve.items())
    print(f"{len(results)} pictures; solved after so many seconds: {shares}")
    print(f"median time {median:.2f} s; processor load {load()}")
    kind = "_folder" if options.folder is not None else "_free" if options.free else ""
    settings = {"seconds": options.seconds, "seed": options.seed}
    print("written to", keep(f"csg{kind}", settings, {"solved": curve, "median_wall": median, "pictures": results}, busy))


if __name__ == "__main__":
    main()
