"""Assembling leaves into trees: a beam search whose neighbourhoods are matrix products.

A tree's root, as a function of one of its nodes, is at each sample point a constant, that node or its opposite. So all
neighbours of a tree that insert or exchange one leaf anywhere, for every leaf of the pool, change the error by sums
that are linear in the leaf's points: two columns a node, one matrix product for all trees of a generation. That looks
at millions of trees a second, exactly.

The error of a tree is the sum over sample points of |inside - target|, in units of whole pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from refine.genome import Bits, Pool, Tree, apply, leaves, node_at, nodes, replaced

Float = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """A tree with its error and the number of its leaves; `score` is what the search lowers."""

    tree: Tree
    error: float
    size: int
    score: float
    covered: bytes

    @property
    def look(self) -> tuple[bytes, int]:
        """Equal for trees of one size that cover the same sample points."""
        return self.covered, self.size


class Assembly:
    """A population of trees over a pool, kept by number of leaves: the best few of each size that differ in what they
    cover.

    `gain` (p,) is what covering a sample point is worth: positive inside the target, negative outside.
    `price` is what a leaf costs. `operators` holds the allowed ones of `|-&`.
    """

    def __init__(
        self, pool: Pool, gain: npt.ArrayLike, operators: str, *, price: float, most_leaves: int, width: int,
        random: np.random.Generator,
    ) -> None:  # fmt: skip
        self.pool, self.operators, self.price = pool, operators, price
        self.gain = np.asarray(gain, np.float32)
        self.most_leaves, self.width, self.random = most_leaves, width, random
        self.empty_error = float(self.gain[self.gain > 0.0].sum())
        self.levels: dict[int, dict[bytes, Candidate]] = {}
        self.expanded: dict[Tree, int] = {}

    def candidate(self, tree: Tree) -> Candidate:
        covered = self.pool.covered(tree)
        error = self.empty_error - float(self.gain[covered].sum())
        size = len(leaves(tree))
        return Candidate(tree, error, size, error + self.price * size, np.packbits(covered).tobytes())

    def best(self, count: int = 1) -> list[Candidate]:
        """The best candidates by score, of all sizes."""
        everything = [c for level in self.levels.values() for c in level.values()]
        return sorted(everything, key=lambda c: (c.score, c.size))[:count]

    def offer(self, tree: Tree) -> bool:
        """Takes a tree into the population if it is among the best of its size; whether it did."""
        candidate = self.candidate(tree)
        if candidate.size > self.most_leaves:
            return False
        level = self.levels.setdefault(candidate.size, {})
        same = level.get(candidate.covered)
        if same is not None and same.score <= candidate.score:
            return False
        level[candidate.covered] = candidate
        if len(level) > self.width:
            worst = max(level.values(), key=lambda c: c.score)
            del level[worst.covered]
            return worst is not candidate
        return True

    def seed(self, active: npt.NDArray[np.int64]) -> None:
        """Starts from the single leaves."""
        error = self.empty_error - self.pool.bits(active).astype(np.float32) @ self.gain
        for k in np.argsort(error)[: 4 * self.width]:
            self.offer(int(active[k]))

    def parents(self, count: int) -> list[Candidate]:
        """The candidates to look around from next: good ones first, those less often looked at before others."""
        chosen: list[tuple[float, int, Candidate]] = []
        noise = self.random.exponential(1.0, sum(len(level) for level in self.levels.values()))
        best = self.best()[0].score if self.levels else 0.0
        place = 0
        for size in sorted(self.levels):
            for rank, candidate in enumerate(sorted(self.levels[size].values(), key=lambda c: c.score)):
                worse = (candidate.score - best) / (0.02 * self.empty_error + self.price)
                times = self.expanded.get(candidate.tree, 0)
                chosen.append((0.5 * rank + 3.0 * times + min(worse, 6.0) + noise[place], place, candidate))
                place += 1
        return [c for _, _, c in sorted(chosen)[:count]]

    def step(self, active: npt.NDArray[np.int64], matrix: Float, count: int, keep: int = 10) -> int:
        """One generation: looks at all neighbours of `count` parents over the leaves `active`, whose points are the
        rows of `matrix`; returns how many children the population took."""
        parents = self.parents(count)
        if not parents:
            return 0
        views = [_View(self.pool, parent.tree, self.gain) for parent in parents]
        columns = np.stack([c for view in views for pair in view.columns for c in pair], 1)
        products = matrix @ columns
        taken, place = 0, 0
        for parent, view in zip(parents, views):
            self.expanded[parent.tree] = self.expanded.get(parent.tree, 0) + 1
            width = 2 * len(view.columns)
            changes = products[:, place : place + width]
            place += width
            for child in self._children(parent, view, changes, active, keep):
                taken += self.offer(child)
            for child in rearranged(parent.tree, self.operators):
                taken += self.offer(child)
        return taken

    def _children(
        self, parent: Candidate, view: _View, products: Float, active: npt.NDArray[np.int64], keep: int
    ) -> Iterator[Tree]:
        gains, moves = [], []
        full = parent.size >= self.most_leaves
        for k, path in enumerate(view.paths):
            fill, empty = products[:, 2 * k], products[:, 2 * k + 1]
            all_empty = view.emptied[k]
            node = node_at(parent.tree, path)
            gains.append(fill + all_empty - empty)
            moves.append((path, "", len(leaves(node)) - 1))
            if full:
                continue
            if "|" in self.operators:
                gains.append(fill)
                moves.append((path, "|", -1))
            if "-" in self.operators:
                gains.append(empty)
                moves.append((path, "-", -1))
                gains.append(fill + all_empty)
                moves.append((path, "reverse", -1))
            if "&" in self.operators:
                gains.append(all_empty - empty)
                moves.append((path, "&", -1))
        table = np.stack(gains)
        table += self.price * np.array([m[2] for m in moves], np.float32)[:, None]
        grows = np.array([m[2] < 0 for m in moves])
        for group in (np.flatnonzero(grows), np.flatnonzero(~grows)):
            if not len(group):
                continue
            part = table[group]
            # The best few of each move, then of all: a group of near-equal leaves must not crowd out other moves.
            count = min(4, part.shape[1])
            top = np.argpartition(-part, count - 1, axis=1)[:, :count]
            values = np.take_along_axis(part, top, 1)
            order = np.argsort(-values, axis=None)[:keep]
            for flat in order:
                row, column = divmod(int(flat), count)
                path, move, _ = moves[int(group[row])]
                leaf = int(active[top[row, column]])
                node = node_at(parent.tree, path)
                new: Tree = leaf if not move else (("-", leaf, node) if move == "reverse" else (move, node, leaf))
                yield replaced(parent.tree, path, new)


class _View:
    """A tree seen from its nodes: for each path, what filling or emptying the node's points gains at the root."""

    def __init__(self, pool: Pool, tree: Tree, gain: Float) -> None:
        self.paths: list[str] = []
        self.columns: list[tuple[Float, Float]] = []
        self.emptied: list[float] = []
        covered: dict[str, Bits] = {}
        for path, node in reversed(list(nodes(tree))):
            if isinstance(node, tuple):
                covered[path] = apply(node[0], covered[path + "0"], covered[path + "1"])
            else:
                covered[path] = pool.bits(node)
        signed = {"": gain}
        for path, node in nodes(tree):
            own = signed[path]
            inside = covered[path]
            fill, empty = np.where(inside, np.float32(0.0), own), np.where(inside, -own, np.float32(0.0))
            self.paths.append(path)
            self.columns.append((fill, empty))
            self.emptied.append(float(empty.sum()))
            if isinstance(node, tuple):
                left, right = covered[path + "0"], covered[path + "1"]
                if node[0] == "|":
                    signed[path + "0"], signed[path + "1"] = own * ~right, own * ~left
                elif node[0] == "&":
                    signed[path + "0"], signed[path + "1"] = own * right, own * left
                else:
                    signed[path + "0"], signed[path + "1"] = own * ~right, -own * left


def rearranged(tree: Tree, operators: str) -> Iterator[Tree]:
    """Neighbours with the same leaves or one fewer: a leaf dropped, an operator exchanged, operands regrouped."""
    for path, node in nodes(tree):
        if not isinstance(node, tuple):
            continue
        operator, left, right = node
        yield replaced(tree, path, left)
        yield replaced(tree, path, right)
        for other in operators:
            if other != operator:
                yield replaced(tree, path, (other, left, right))
        if operator == "-":
            yield replaced(tree, path, ("-", right, left))
        if isinstance(left, tuple):
            yield replaced(tree, path, (left[0], (operator, left[1], right), left[2]))
            yield replaced(tree, path, (left[0], left[1], (operator, left[2], right)))
        if isinstance(right, tuple):
            yield replaced(tree, path, (right[0], (operator, left, right[1]), right[2]))


def pruned(tree: Tree, assembly: Assembly, tolerance: float) -> Tree:
    """The tree without leaves that matter less than `tolerance` in error, the least important first."""
    best = assembly.candidate(tree)
    while best.size > 1:
        smaller = [assembly.candidate(t) for t in without_one(best.tree)]
        least = min(smaller, key=lambda c: c.error)
        if least.error > best.error + tolerance:
            break
        best = least
    return best.tree


def without_one(tree: Tree) -> list[Tree]:
    """The tree without one of its operands, each in turn."""
    found = []
    for path, node in nodes(tree):
        if isinstance(node, tuple):
            found += [replaced(tree, path, node[1]), replaced(tree, path, node[2])]
    return found
