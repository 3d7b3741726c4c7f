"""The population search over structure: from a two-colour picture to a program of few shapes.

1. Cues (`refine.cues`): the outline's lines and arcs give circles and boxes; other shapes are thrown at the picture's
   components, at their place, size and turn.
2. Assembly (`refine.assembly`): trees of these leaves, exactly and by the million, on sample points.
3. Each generation adds leaves for what the best trees still get wrong: shapes on the components of the residual, and
   variants of the leaves in use.
4. Polish: Levenberg-Marquardt on all numbers of the best trees against the antialiased picture.

What is lowered is error in pixels plus a price for each leaf, so that programs stay short.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from refine.assembly import Assembly, Candidate, pruned
from refine.cues import box_candidates, circle_candidates, find_cues
from refine.genome import Array, Kind, Pool, Tree, kinds_for, leaves, operators_for, renamed
from refine.two_colours import TwoColours, separate

if TYPE_CHECKING:
    from refine.descents import Level
    from shaderdsl import Program

WORKING_SIZE = 128
"""The shorter side that a picture is searched at, in pixels."""
MOST_SHAPES = 16
"""Shapes that a program may get where `max_shapes` does not say."""
BAND = 3
"""Pixels this near to an outline are all samples; of the others one in `THINNING` is."""
THINNING = 5
PARENTS = 12
WIDTH = 14
"""Trees that a generation looks around from, and trees kept of each size."""
DIGITS = 4
"""Digits after the point that a found program is written with: 0.0001 is a hundredth of a pixel."""
BLUR = 1.5
"""Polish begins with picture and edges blurred by so many pixels, so that shapes that far off feel their edge."""
POLISH_EVERY = 3
POLISHED = 3
"""Every so many generations, so many of the best trees get their numbers refined."""
PATIENCE = 5
"""Generations without progress after which an explained picture is done."""
ROUGH = 0.02
"""Error per pixel of outline that a tree is taken to have before its numbers are refined."""
FRESH_LEAVES = 400
"""The most leaves that a generation adds."""
MOST_LEAVES = 200_000
"""The pool's limit; a search that reaches it goes on with the leaves that it has."""

Progress = Callable[[float, "Program", float], None]
"""Called with seconds since the start, the best program so far, and its error: the differing area as a share of the
foreground's."""


def applies(target: npt.ArrayLike) -> bool:
    """Whether a picture, premultiplied RGBA (h, w, 4), is one of two colours, which is what `search` is for."""
    return separate(target) is not None


def search(
    target: npt.ArrayLike,
    operations: Sequence[str],
    *,
    seconds: float = 10.0,
    max_shapes: int | None = None,
    seed: int = 0,
    generations: int | None = None,
    on_progress: Progress | None = None,
    on_interrupt: Callable[[], None] | None = None,
) -> list[Program]:
    """Programs of the given operations that draw a two-colour picture, best first; at least one.

    `target` is premultiplied RGBA float32 (h, w, 4). `operations` are function names of the language; shapes among
    them are built with, and turned, moved and combined by those of "rotate", "move", "union", "difference" and
    "intersection" that are listed. The search ends when the picture is explained, after `seconds`, or after
    `generations`; with the last alone (and `seconds` infinite) it is deterministic for a `seed`. A KeyboardInterrupt
    ends it with what there is, which `on_interrupt` is told of. Raises ValueError where the picture has more than two colours or the operations have no
    shape.
    """
    import shaderdsl

    kinds = kinds_for(operations)
    image = np.asarray(target, np.float32)
    if image.ndim != 3 or image.shape[2] != 4:
        raise ValueError(f"a target is a premultiplied RGBA picture (h, w, 4), not {image.shape}")
    colours = separate(image)
    if colours is None:
        if np.ptp(image.reshape(-1, 4), axis=0).max() > 0.2:
            raise ValueError("the search is for pictures of two colours; fit others without it")
        flat = image.reshape(-1, 4).mean(0).astype(np.float64)
        return [shaderdsl.parse(TwoColours(np.zeros(image.shape[:2]), flat, flat).text(None))]
    run = _Search(colours, kinds, operators_for(operations), max_shapes or MOST_SHAPES, seed, on_progress)
    run.run(seconds, generations)
    if run.interrupted and on_interrupt is not None:
        on_interrupt()
    return run.programs()


@dataclass(frozen=True)
class Solution:
    """A polished tree: `error` is the summed squared error at working size, `score` that plus the leaves' price."""

    tree: Tree
    error: float
    score: float


class _Search:
    def __init__(
        self, colours: TwoColours, kinds: Sequence[Kind], operators: str, most: int, seed: int,
        on_progress: Progress | None,
    ) -> None:  # fmt: skip
        self.started = time.monotonic()
        self.deadline = float("inf")
        self.interrupted = False
        self.colours, self.kinds, self.on_progress = colours, kinds, on_progress
        self.random = np.random.default_rng(seed)
        self.coverage = _shrunk(colours.coverage)
        height, width = self.coverage.shape
        self.pixel = 2.0 / min(height, width)
        self.far = 1.05 * float(np.hypot(height, width)) / min(height, width)
        self.foreground = max(float(self.coverage.sum()), 1.0)
        self.outline = max(_outline_length(self.coverage), 4.0)
        self.price = float(np.clip(0.004 * self.foreground, 0.3, 20.0))
        x, y, gain = self._samples()
        self.pool = Pool(kinds, x, y)
        self.assembly = Assembly(
            self.pool, gain, operators, price=self.price, most_leaves=max(1, most if operators else 1), width=WIDTH,
            random=self.random,
        )  # fmt: skip
        self.solutions: dict[Tree, Solution] = {}
        self.polished: set[tuple[bytes, int]] = set()
        self.levels: list[Level] | None = None

    def _samples(self) -> tuple[Array, Array, Array]:
        """Sample points x, y (p,) in scene units and what covering each is worth, in pixels."""
        from scipy.ndimage import maximum_filter, minimum_filter

        size = 2 * BAND + 1
        mask = self.coverage
        band = maximum_filter(mask, size) - minimum_filter(mask, size) > 0.5
        others = ~band
        chosen = band | (others & (self.random.random(mask.shape) < 1.0 / THINNING))
        weight = np.where(band, 1.0, others.sum() / max((chosen & others).sum(), 1))
        row, column = np.nonzero(chosen)
        height, width = mask.shape
        x = (column + 0.5 - 0.5 * width) * self.pixel
        y = (0.5 * height - row - 0.5) * self.pixel
        return x, y, (weight * (2.0 * mask - 1.0))[chosen]

    # -- the loop -----------------------------------------------------------------------------------------

    def run(self, seconds: float, generations: int | None) -> None:
        self.deadline = self.started + seconds
        try:
            self._run(generations)
        except KeyboardInterrupt:
            if not self.assembly.levels:
                raise
            self.interrupted = True

    def _late(self) -> bool:
        return time.monotonic() >= self.deadline

    def _run(self, generations: int | None) -> None:
        steady = self._first_leaves()
        self.assembly.seed(steady)
        fresh = np.zeros(0, np.int64)
        best, since = float("inf"), 0
        for generation in itertools.count() if generations is None else range(generations):
            if self._late():
                return
            active = np.unique(np.concatenate([steady, fresh]))
            self.assembly.step(active, self.pool.bits(active).astype(np.float32), PARENTS)
            self._note(self.assembly.best()[0])
            self._polish_best(generation)
            score = min((s.score for s in self.solutions.values()), default=float("inf"))
            since = 0 if score < best - 0.1 * self.price else since + 1
            best = min(best, score)
            if since >= PATIENCE and self._explained():
                return
            if self._late():
                return
            if len(self.pool) < MOST_LEAVES:
                fresh = self._fresh_leaves()

    def _explained(self) -> bool:
        """Whether what is left is less than half a leaf's price, so that another leaf could hardly pay."""
        return min(self.solutions.values(), key=lambda s: s.score).error < 0.5 * self.price

    # -- leaves -------------------------------------------------------------------------------------------

    def _first_leaves(self) -> npt.NDArray[np.int64]:
        cues = find_cues(self.coverage)
        found = []
        for number, kind in enumerate(self.kinds):
            if kind.operation.name == "circle" and kind.moves:
                found.append(self.pool.add(number, circle_candidates(cues, self.pixel)))
            elif kind.operation.name == "box" and kind.moves:
                boxes = box_candidates(cues, self.pixel, rotates=kind.rotates, far=self.far)
                everything = np.array([[self.far, self.far, 0.0, 0.0, 0.0]])
                boxes = np.concatenate([boxes, everything])
                found.append(self.pool.add(number, boxes if kind.rotates else np.delete(boxes, 2, 1)))
            if not kind.moves:  # all about the centre
                for size in (0.1, 0.2, 0.4, 0.8):
                    half, corners = np.array([size, 0.5 * size]), self.random.uniform(-1.0, 1.0, (16, 2))
                    found.append(self.pool.add(number, self._guesses(kind, np.zeros(2), half, 0.0, corners, 8)))
        mask = self.coverage > 0.5
        for part in (mask, ~mask):
            found += self._leaves_on(part, 6, 3 if len(self.kinds) < 4 else 24)
        return _distinct(found)

    def _fresh_leaves(self) -> npt.NDArray[np.int64]:
        """Leaves for what the best trees get wrong, and variants of the leaves that they have."""
        best = self.assembly.best(12)
        chosen = [best[0], *(best[k] for k in self.random.permutation(np.arange(1, len(best)))[:2])]
        found: list[npt.NDArray[np.int64]] = []
        target = self.coverage > 0.5
        for candidate in chosen:
            covered = self._covered(candidate.tree)
            for wrong in (covered & ~target, target & ~covered):
                found += self._leaves_on(wrong, 4, 4)
        used = sorted({leaf for c in best for leaf in leaves(c.tree)})
        room = FRESH_LEAVES - sum(len(f) for f in found)
        each = int(np.clip(room // max(len(used), 1), 2, 40))
        for leaf in used:
            found.append(np.array([leaf]))
            found.append(self.pool.add(int(self.pool.kind[leaf]), self._variants(leaf, each)))
        return _distinct(found)

    def _leaves_on(self, mask: npt.NDArray[np.bool_], components: int, each: int) -> list[npt.NDArray[np.int64]]:
        """Leaves of every kind on the largest components of a mask (h, w), `each` of them on each."""
        from scipy import ndimage

        labels, count = ndimage.label(mask)
        if not count:
            return []
        areas = np.bincount(labels.ravel())[1:]
        found = []
        height, width = mask.shape
        for number in np.argsort(-areas, kind="stable")[:components]:
            if areas[number] < 3:
                break
            row, column = np.nonzero(labels == number + 1)
            points = np.stack([(column + 0.5 - 0.5 * width) * self.pixel, (0.5 * height - row - 0.5) * self.pixel], 1)
            centre = points.mean(0)
            corners = _extremes(points) - centre
            spread, axes = np.linalg.eigh(np.cov((points - centre).T) + self.pixel**2 / 12 * np.eye(2))
            turn = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])))
            half = np.sqrt(3.0 * spread[::-1])
            for k, kind in enumerate(self.kinds):
                found.append(self.pool.add(k, self._guesses(kind, centre, half, turn, corners, each)))
        return found

    def _guesses(
        self, kind: Kind, centre: Array, half: Array, turn: float, corners: Array, count: int
    ) -> Array:
        """Rows (count, width) of a kind around a place (x, y), with half extents about `half` (2,), a turn in degrees,
        and points at `corners` (n, 2) from the place; the first is the plainest."""
        random = self.random
        rows = np.zeros((count, kind.width))
        low, high = kind.ranges()
        own = kind.own_width
        length = kind.is_length()
        rows[:, :own] = low + random.random((count, own)) * (high - low)
        choice = half[random.integers(0, 2, (count, own))] * np.exp(random.normal(0.0, 0.4, (count, own)))
        choice[0] = np.resize(half, own) if own != 1 else np.sqrt(4.0 * half[0] * half[1] / np.pi)
        rows[:, :own] = np.where(length, choice, rows[:, :own])
        points = kind.is_point()
        for row in rows if points.any() else ():
            picked = random.choice(len(corners), int(points.sum()) // 2, replace=len(corners) < points.sum() // 2)
            row[:own][points] = (corners[np.sort(picked)] + (0.0 if kind.moves else centre)).ravel()
        if points.all() and own:
            if kind.moves:
                rows[:, -2:] = centre
            return rows
        if kind.rotates:
            quarter = 90.0 * random.integers(0, 4, count)
            quarter[0] = 0.0
            near = 45.0 * np.round(turn / 45.0) if abs(half[0] / half[1] - 1.0) < 0.2 else turn
            rows[:, own] = near + quarter + np.where(random.random(count) < 0.3, random.normal(0.0, 20.0, count), 0.0)
        if kind.moves:
            rows[:, -2:] = centre + random.normal(0.0, 0.3, (count, 2)) * half.min()
            rows[0, -2:] = centre
        return rows

    def _variants(self, leaf: int, count: int) -> Array:
        """Rows (count, width) near a leaf's: sides moved alone, sizes, places and turns changed a little or a lot."""
        kind = self.kinds[int(self.pool.kind[leaf])]
        random = self.random
        rows = np.repeat(self.pool.row(leaf)[None], count, 0)
        own = kind.own_width
        length = kind.is_length()
        low, high = kind.ranges()
        step = self.pixel * np.exp(random.uniform(np.log(0.3), np.log(40.0), count))
        move = random.random(count)
        sign = random.choice([-1.0, 1.0], count)
        for n in range(count):
            if own and move[n] < 0.8:
                k = int(random.integers(own))
                rows[n, k] += sign[n] * (step[n] if length[k] else (high[k] - low[k]) * min(step[n], 1.0) * 0.5)
            if kind.moves and move[n] < 0.55:  # with a size by as much: the far side stays where it is
                if kind.rotates:
                    direction = np.deg2rad(rows[n, own]) + (k % 2 if random.random() < 0.8 else 1 - k % 2) * np.pi / 2
                else:
                    eighth = random.random() < 0.5
                    direction = np.pi / 4 * random.integers(8) if eighth else random.uniform(0.0, 2.0 * np.pi)
                toward = random.choice([-1.0, 1.0]) * step[n]
                rows[n, -2:] += toward * np.array([np.cos(direction), np.sin(direction)])
            elif kind.moves and move[n] > 0.8:
                rows[n, -2:] += random.normal(0.0, 0.7, 2) * step[n]
            if kind.rotates and random.random() < 0.12:
                rows[n, own] += random.choice([45.0, -45.0, 90.0, 5.0, -5.0, 1.0, -1.0])
        rows[:, :own] = np.where(length, np.clip(rows[:, :own], 0.25 * self.pixel, 2.0 * self.far), rows[:, :own])
        return rows

    def _covered(self, tree: Tree) -> npt.NDArray[np.bool_]:
        """What a tree covers at working size (h, w)."""
        height, width = self.coverage.shape
        x = (np.arange(width) + 0.5 - 0.5 * width) * self.pixel
        y = (0.5 * height - np.arange(height) - 0.5) * self.pixel
        grid = Pool(self.kinds, *(a.ravel() for a in np.meshgrid(x, y)))
        own = leaves(tree)
        new = [int(grid.add(int(self.pool.kind[k]), self.pool.row(k), keep_all=True)[0]) for k in own]
        return grid.covered(renamed(tree, new)).reshape(height, width)

    # -- polish -------------------------------------------------------------------------------------------

    def _polish_best(self, generation: int) -> None:
        best = self.assembly.best(4 * POLISHED)
        fits = best[0].error < 0.01 * self.foreground
        if generation % POLISH_EVERY and not (fits and best[0].look not in self.polished):
            return
        waiting = [c for c in best if c.look not in self.polished]
        for candidate in waiting[: POLISHED if generation % POLISH_EVERY == 0 else 1]:
            if self._late():
                return
            if candidate.look not in self.polished:
                self._polish(candidate)

    def _polish(self, candidate: Candidate) -> None:
        tree = pruned(candidate.tree, self.assembly, self.price)
        self.polished |= {candidate.look, self.assembly.candidate(tree).look}
        refined = self._refined(tree)
        if refined is None:
            return
        self.polished.add(self.assembly.candidate(refined.tree).look)
        self.assembly.offer(refined.tree)
        self._keep(refined)

    def _note(self, candidate: Candidate) -> None:
        """Counts a tree whose numbers are not refined yet as a solution, at the error that its samples show."""
        if candidate.look not in self.polished and candidate.tree not in self.solutions:
            error = candidate.error + ROUGH * self.outline
            self._keep(Solution(candidate.tree, error, error + self.price * candidate.size))

    def _keep(self, solution: Solution) -> None:
        before = min((s.score for s in self.solutions.values()), default=float("inf"))
        if solution.score >= before and len(self.solutions) > 64:
            return
        self.solutions[solution.tree] = solution
        if solution.score < before and self.on_progress is not None:
            share = solution.error / self.foreground
            self.on_progress(time.monotonic() - self.started, self._program(solution.tree), share)

    def _refined(self, tree: Tree) -> Solution | None:
        """The tree with its numbers refined by least squares against the antialiased picture."""
        from scipy.ndimage import gaussian_filter

        import shaderdsl
        from refine.descents import Coordinates, Level, least_squares
        from render.taichi_backend import Target
        from render.tapes import tape_of

        if self.levels is None:
            image = np.repeat(self.coverage[..., None], 4, 2)
            blurred = gaussian_filter(image, (BLUR, BLUR, 0), mode="nearest")
            self.levels = [Level(Target(blurred), BLUR * self.pixel), Level(Target(image), 0.0)]
        companions = "".join(f" | {c}" for c in self._companions(len(leaves(tree))))
        program = shaderdsl.parse(f"scene 2d(background = none)\n(({self.pool.text(tree)}){companions}).fill(#fff)")
        parameters = program.params[None]
        free = np.arange(parameters.shape[1]) < sum(self.kinds[self.pool.kind[leaf]].width for leaf in leaves(tree))
        tape, coordinates = tape_of(program), Coordinates(program)
        error = float("inf")
        for level, steps in zip(self.levels, (4, 10)):
            descent = least_squares(tape, coordinates, parameters, level, steps=steps, free=free, stop=self._late)
            parameters, error = descent.parameters, float(descent.errors[0]) / 4.0
        if not np.all(np.isfinite(parameters)):
            return None
        place, new = 0, []
        for leaf in leaves(tree):
            kind = int(self.pool.kind[leaf])
            width = self.kinds[kind].width
            new.append(int(self.pool.add(kind, parameters[0, place : place + width], keep_all=True)[0]))
            place += width
        if min(new) < 0:
            return None
        better = renamed(tree, new)
        return Solution(better, error, error + self.price * len(new))

    def _companions(self, size: int) -> list[str]:
        """Shapes out of sight that bring every operation in use into a program and its length into one class of
        register files, so that one compiled kernel serves trees of any structure and nearly any size."""
        if not self.assembly.operators or len(self.kinds) > 4 or not all(k.moves for k in self.kinds):
            return []
        away = []
        for kind in self.kinds:
            low, high = kind.ranges()
            row = np.zeros(kind.width)
            row[: kind.own_width], row[-2:] = 0.5 * (low + high), 10.0 * self.far
            away.append(kind.text(row.tolist()))
        symbols = [o for o in self.assembly.operators if o != "|"] or ["|"]
        needed = max(5 - size, len(self.kinds), len(symbols) + 1)
        chain = away[0]
        for k in range(1, needed):
            chain = f"({chain} {symbols[k % len(symbols)]} {away[k % len(away)]})"
        return [chain]

    # -- results ------------------------------------------------------------------------------------------

    def _program(self, tree: Tree) -> Program:
        import shaderdsl

        try:
            return shaderdsl.parse(self.colours.text(self.pool.text(tree, DIGITS)))
        except shaderdsl.DslError:  # rounding broke a limit between two numbers
            return shaderdsl.parse(self.colours.text(self.pool.text(tree)))

    def programs(self) -> list[Program]:
        """The best programs, best first."""
        ordered: list[Tree] = [s.tree for s in sorted(self.solutions.values(), key=lambda s: s.score)[:8]]
        if not ordered:
            ordered = [c.tree for c in self.assembly.best(8)]
        return list(dict.fromkeys(self._program(tree) for tree in ordered))


def _distinct(groups: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.int64]:
    together = np.unique(np.concatenate([*groups, np.zeros(0, np.int64)]))
    return together[together >= 0]


def _extremes(points: Array) -> Array:
    """The points (n, 2) that lie farthest in some direction, counter-clockwise."""
    directions = np.linspace(0.0, 2.0 * np.pi, 32, endpoint=False)
    farthest = (points @ np.stack([np.cos(directions), np.sin(directions)])).argmax(0)
    return points[list(dict.fromkeys(farthest.tolist()))]


def _shrunk(coverage: Array) -> Array:
    """A mask at working size, by area."""
    from skimage.transform import resize

    factor = WORKING_SIZE / min(coverage.shape)
    if factor >= 1.0:
        return coverage
    size = tuple(max(1, round(n * factor)) for n in coverage.shape)
    small = resize(coverage, size, order=1, anti_aliasing=True)  # type: ignore[no-untyped-call]
    return np.asarray(small, np.float64)


def _outline_length(coverage: Array) -> float:
    """About how long the outline is, in pixels."""
    return float(np.abs(np.diff(coverage, axis=0)).sum() + np.abs(np.diff(coverage, axis=1)).sum()) * 0.8
