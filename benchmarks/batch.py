"""Programs a second, beside GeoLIPI, on the same random solid geometry of five shapes.

    python -m benchmarks.batch [--programs 256] [--runs 7] [--sizes 64 128] [--no-peer]

Each program combines five circles and boxes, each rotated and moved, by union, intersection and difference in a random
tree. Both sides draw the same pictures at the same points; that they agree is checked first, and written down.

- Evaluation alone: from what each side has made ready (our tapes; GeoLIPI's expressions with their tensors, or the
  Python functions that it unrolls them to, or its batches) to one value a pixel. Ours is coverage, antialiased, by the
  clock from parameters to pixels; GeoLIPI's is a distance, from which coverage would be a further step.
- The whole way: ours from text, GeoLIPI's from the construction of its expressions, which it has no text for. "New" has
  structures that the process has not seen, "known" has new numbers in structures that it has.
- Derivatives: the Jacobian, and least squares' normal equations, as multiples of the forward pass.

GeoLIPI is measured in each of its ways and thread counts and the best counts, on the wall and by processor time. The
second is the fairer one where it does not use all cores: many processes could.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

import shaderdsl
from benchmarks.measuring import alternate, keep, load, table, verdict
from render.taichi_backend import Batch, Target, jacobian
from render.taichi_device import device
from render.tapes import tape_of

SHAPES = 5
EVALUATION_GOAL = 50.0
WHOLE_GOAL = 2.0
OPERATORS = {"union": "|", "intersection": "&", "difference": "-"}


@dataclass(frozen=True)
class Leaf:
    """A circle (one size) or a box (two half sizes), turned by degrees and moved."""

    sizes: tuple[float, ...]
    degrees: float
    place: tuple[float, float]


Tree = Leaf | tuple[str, "Tree", "Tree"]


def random_tree(draw: random.Random, leaves: int = SHAPES) -> Tree:
    if leaves == 1:
        sizes = tuple(round(draw.uniform(0.1, 0.4), 4) for _ in range(draw.choice((1, 2))))
        place = (round(draw.uniform(-0.6, 0.6), 4), round(draw.uniform(-0.6, 0.6), 4))
        return Leaf(sizes, round(draw.uniform(0.0, 90.0), 2), place)
    left = draw.randint(1, leaves - 1)
    return (draw.choice(tuple(OPERATORS)), random_tree(draw, left), random_tree(draw, leaves - left))


def redrawn(tree: Tree, draw: random.Random) -> Tree:
    """The same structure with other numbers."""
    if isinstance(tree, Leaf):
        sizes = tuple(round(draw.uniform(0.1, 0.4), 4) for _ in tree.sizes)
        place = (round(draw.uniform(-0.6, 0.6), 4), round(draw.uniform(-0.6, 0.6), 4))
        return Leaf(sizes, round(draw.uniform(0.0, 90.0), 2), place)
    return (tree[0], redrawn(tree[1], draw), redrawn(tree[2], draw))


def structure(tree: Tree) -> str:
    if isinstance(tree, Leaf):
        return str(len(tree.sizes))
    return f"({structure(tree[1])}{OPERATORS[tree[0]]}{structure(tree[2])})"


def text(tree: Tree) -> str:
    """The program in EarthShader's language."""
    if isinstance(tree, Leaf):
        shape = f"circle({tree.sizes[0]})" if len(tree.sizes) == 1 else f"box({tree.sizes[0]}, {tree.sizes[1]})"
        return f"{shape}.rotate({tree.degrees}).move({tree.place[0]}, {tree.place[1]})"
    return f"({text(tree[1])} {OPERATORS[tree[0]]} {text(tree[2])})"


class Source:
    """Random trees, no two of one structure."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.seen: set[str] = set()

    def trees(self, count: int) -> list[Tree]:
        found: list[Tree] = []
        while len(found) < count:
            tree = random_tree(self.draw)
            name = structure(tree)
            if name not in self.seen:
                self.seen.add(name)
                found.append(tree)
        return found


def prepared(texts: Sequence[str]) -> Batch:
    programs = [shaderdsl.parse(t) for t in texts]
    return Batch.of([(tape_of(p), p.params) for p in programs])


# -- the peer ------------------------------------------------------------------------------------------------


class Geolipi:
    """GeoLIPI on the CPU (https://pypi.org/project/geolipi): its own ways of evaluating expressions."""

    WAYS = ("recursive", "unrolled", "compiled", "batched")

    def __init__(self, size: int) -> None:
        import torch
        from geolipi.torch_compute import Sketcher

        torch.set_grad_enabled(False)
        self.sketcher = Sketcher(resolution=size, n_dims=2, device="cpu")
        across = (torch.arange(size) + 0.5) * (2.0 / size) - 1.0
        y, x = torch.meshgrid(-across, across, indexing="ij")
        self.sketcher.coords = torch.stack([x, y], -1).reshape(-1, 2)  # our pixels' centres, row by row
        self.points = self.sketcher.get_homogenous_coords()

    def expression(self, tree: Tree) -> Any:
        """The expression with its numbers as tensors."""
        return self._symbolic(tree).tensor(device="cpu")

    def _symbolic(self, tree: Tree) -> Any:
        import geolipi.symbolic as gls

        if isinstance(tree, Leaf):
            doubled = tuple(2.0 * s for s in tree.sizes)  # a rectangle has whole sizes
            shape = gls.Circle2D(tree.sizes) if len(tree.sizes) == 1 else gls.Rectangle2D(doubled)
            return gls.Translate2D(gls.EulerRotate2D(shape, (math.radians(tree.degrees),)), tree.place)
        kind = {"union": gls.Union, "intersection": gls.Intersection, "difference": gls.Difference}[tree[0]]
        return kind(self._symbolic(tree[1]), self._symbolic(tree[2]))

    def ready(self, way: str, expressions: Sequence[Any]) -> Callable[[], list[Any]]:
        """Makes expressions ready in one of its WAYS; what is returned evaluates them all."""
        from geolipi import torch_compute as compute

        if way == "recursive":
            return lambda: [compute.recursive_evaluate(e, self.sketcher) for e in expressions]
        if way == "batched":
            compiled = [compute.create_compiled_expr(e, self.sketcher) for e in expressions]
            batches = compute.create_evaluation_batches(compiled, convert_to_cuda=False)
            return lambda: list(compute.batch_evaluate(batches, self.sketcher))
        from geolipi.torch_compute.compile_expression import compile_expression
        from geolipi.torch_compute.unroll_expression import unroll_expression

        unroll = unroll_expression if way == "unrolled" else compile_expression
        functions = [unroll(e, self.sketcher, param_mode="embedded")[0] for e in expressions]
        return lambda: [function(self.points) for function in functions]


def agreement(size: int, trees: Sequence[Tree], peer: Geolipi) -> float:
    """The share of pixels that both sides put on the same side of the outline."""
    ours = prepared([text(t) for t in trees]).coverage((size, size))
    theirs = peer.ready("recursive", [peer.expression(t) for t in trees])()
    inside = np.stack([t.numpy().reshape(size, size) < 0.0 for t in theirs])
    same: npt.NDArray[np.bool_] = (ours > 0.5) == inside
    return float(same.mean())


def peer_figures(size: int, source: Source, count: int, runs: int, threads: Sequence[int]) -> dict[str, Any]:
    import torch

    peer = Geolipi(size)
    trees = source.trees(count)
    agreed = agreement(size, trees, peer)
    evaluation: dict[str, Any] = {}
    whole: dict[str, Any] = {}
    for number in threads:
        torch.set_num_threads(number)
        expressions = [peer.expression(t) for t in trees]
        for way, run in {way: peer.ready(way, expressions) for way in Geolipi.WAYS}.items():
            measured = alternate({way: run}, runs)[way]
            evaluation[f"{way}, {number} threads"] = measured.rate(count)
        for way in Geolipi.WAYS:
            fresh = [[redrawn(t, source.draw) for t in trees] for _ in range(runs + 1)]

            def all_the_way(way: str = way, fresh: list[list[Tree]] = fresh) -> object:
                return peer.ready(way, [peer.expression(t) for t in fresh.pop()])()

            whole[f"{way}, {number} threads"] = alternate({way: all_the_way}, runs)[way].rate(count)
    return {"agreement": agreed, "evaluation": evaluation, "whole": whole}


# -- ours ----------------------------------------------------------------------------------------------------


def own_figures(size: int, source: Source, count: int, runs: int) -> dict[str, Any]:
    trees = source.trees(count)
    batch = prepared([text(t) for t in trees])
    shape = (size, size)
    target = Target(batch.images(shape)[0])
    ways = {
        "coverage": lambda: batch.coverage(shape),
        "images": lambda: batch.images(shape),
        "scores": lambda: batch.scores(target),
        "normal equations": lambda: batch.normal_equations(target),
    }
    measured = alternate(ways, runs, warm_up=3)
    evaluation = {name: m.rate(count) for name, m in measured.items()}

    fresh = [[text(t) for t in source.trees(count)] for _ in range(runs + 1)]
    known = [[text(redrawn(t, source.draw)) for t in trees] for _ in range(runs + 1)]
    whole = {
        "new": alternate({"new": lambda: prepared(fresh.pop()).coverage(shape)}, runs)["new"].rate(count),
        "known": alternate({"known": lambda: prepared(known.pop()).coverage(shape)}, runs)["known"].rate(count),
    }
    alone = [Batch.of([(batch.tapes[w], batch.parameters[b, : batch.tapes[w].parameter_count])]) for b, w in enumerate(batch.which[:16])]
    pairs = [(b.tapes[0], b.parameters[0, : b.tapes[0].parameter_count]) for b in alone]
    single = alternate(
        {
            "image": lambda: [b.images(shape) for b in alone],
            "jacobian": lambda: [jacobian(tape, parameters, shape) for tape, parameters in pairs],
        },
        runs,
        warm_up=2,
    )
    times = {name: float(np.median(m.wall)) for name, m in {**measured, **single}.items()}
    return {
        "evaluation": evaluation,
        "whole": whole,
        "multiples": {
            "normal equations / images, batched": times["normal equations"] / times["images"],
            "normal equations / scores, batched": times["normal equations"] / times["scores"],
            "jacobian / image, one program": times["jacobian"] / times["image"],
        },
    }


def best(figures: dict[str, Any], key: str) -> tuple[str, float]:
    name = max(figures, key=lambda n: figures[n][key])
    return name, float(figures[name][key])


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.batch", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--programs", type=int, default=256, help="programs a run (default 256)")
    parser.add_argument("--peer-programs", type=int, default=32, help="GeoLIPI's programs a run (default 32)")
    parser.add_argument("--runs", type=int, default=7, help="measured runs (default 7)")
    parser.add_argument("--sizes", type=int, nargs="+", default=[64, 128], help="sides in pixels (default 64 128)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="GeoLIPI's thread counts (default 1 2)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--no-peer", action="store_true", help="leave GeoLIPI out")
    parser.add_argument("--name", default="batch", help="the result file's name (default batch)")
    options = parser.parse_args(arguments)
    load_before = load()
    source = Source(options.seed)
    sizes: dict[str, Any] = {}
    for size in options.sizes:
        ours = own_figures(size, source, options.programs, options.runs)
        peer = None
        if not options.no_peer:
            peer = peer_figures(size, source, options.peer_programs, options.runs, options.threads)
        sizes[str(size)] = {"ours": ours, "geolipi": peer, "ratios": ratios(ours, peer) if peer else None}
    path = keep(options.name, vars(options), {"device": device(), "sizes": sizes}, load_before)
    print("\n".join(lines(sizes)))
    print(f"\nwritten to {path}")


def ratios(ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, float]:
    """Ours over GeoLIPI's best way, on the wall and by processor time."""
    found: dict[str, float] = {}
    for label, key in (("wall", "per_second"), ("processor", "per_processor_second")):
        evaluation, whole = best(peer["evaluation"], key)[1], best(peer["whole"], key)[1]
        found[f"evaluation, {label}"] = ours["evaluation"]["coverage"][key] / evaluation
        found[f"evaluation beside recursive_evaluate, {label}"] = ours["evaluation"]["coverage"][key] / max(
            figures[key] for name, figures in peer["evaluation"].items() if name.startswith("recursive")
        )
        for kind in ("new", "known"):
            found[f"whole way, {kind}, {label}"] = ours["whole"][kind][key] / whole
    return found


def lines(sizes: dict[str, Any]) -> list[str]:
    """The tables of a result, as Markdown."""
    rows: list[list[object]] = []
    for size, figures in sizes.items():
        for side in ("ours", "geolipi"):
            for part in ("evaluation", "whole"):
                for name, rate in (figures[side] or {}).get(part, {}).items():
                    low, high = rate["quartiles"]
                    rows.append([f"{size} px", side, part, name, rate["per_second"], low, high, rate["per_processor_second"]])
    heads = ["size", "side", "part", "way", "programs/s", "lower quartile", "upper quartile", "a processor second"]
    text_lines = [table(heads, rows), ""]
    rows = []
    for size, figures in sizes.items():
        for name, value in (figures["ratios"] or {}).items():
            goal = EVALUATION_GOAL if name.startswith("evaluation,") else WHOLE_GOAL if name.startswith("whole") else None
            outcome = "" if goal is None else f"{verdict(value, goal)} ({goal:g})"
            rows.append([f"{size} px", name, value, outcome])
        rows += [[f"{size} px", name, value, ""] for name, value in figures["ours"]["multiples"].items()]
        if figures["geolipi"]:
            rows.append([f"{size} px", "pixels on the same side of the outline, %", 100 * figures["geolipi"]["agreement"], ""])
    text_lines.append(table(["size", "ours over GeoLIPI's best, and multiples of the forward pass", "value", "goal"], rows))
    return text_lines


if __name__ == "__main__":
    main()
