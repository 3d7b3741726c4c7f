"""Improving a draft: refine its numbers, take away what does not pay, add where the picture is not explained.

The measure is a description length: squared error plus a price for each number (`Budget.price`), under a hard limit on
numbers. One round of `exchange` adds vertices and layers where they gain most, refines, prunes back to the limit, and keeps
the result only when the measure falls; so no round makes a draft worse.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from refine import moves
from refine.descents import Coordinates, Level, least_squares, squared_error
from refine.draft import Draft
from refine.loops import loop_count, without_loops
from refine.nesting import nested
from refine.sketch import Box, Circle, Ellipse, Flat, Sketch, SketchLayer, SketchShape, Symmetry, shape_number_count
from refine.symmetry import symmetric

GROWTH = (0.2, 0.1, 0.3, 0.05, 0.5)
"""By how much a program grows in the rounds of an exchange, one after another: where one finds nothing another may."""

LOOP_LENGTH = 20
"""As how many numbers more a small loop counts (see `refine.loops`)."""

MOST_REFUSED = 12
"""Moves that turn out far worse than estimated before pruning goes on regardless, or ends where it need not go on."""


@dataclass(frozen=True)
class Budget:
    """What a fit may use. `price` is the squared error (summed over pixels and channels) that a number must save; `pixel` a
    pixel's side in scene units."""

    max_numbers: int
    max_shapes: int | None
    price: float
    deadline: float
    pixel: float = 2.0 / 128

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.deadline


@dataclass(frozen=True)
class State:
    """A draft with its squared error on the level that it was refined on."""

    draft: Draft
    error: float

    def measure(self, budget: Budget) -> float:
        """The description length in units of squared error; numbers and shapes over the limits outweigh everything."""
        over = max(self.draft.numbers - budget.max_numbers, 0)
        shapes = len(self.draft.sketch.layers) - (budget.max_shapes or len(self.draft.sketch.layers))
        length = self.draft.numbers + LOOP_LENGTH * loop_count(self.draft.sketch, budget.pixel)
        told = counted(self.error, budget.price) + budget.price * length
        return told + 1e6 * (over + 20 * max(shapes, 0))


class Evolution:
    """The rounds of a fit on one level. `report` is told of each new state; `enough` says whether one was good enough.

    `wide` is the same level blurred: there an outline feels what lies some pixels off, which decides where it gets vertices.
    `small` has half the size, and is where layers are weighed.
    """

    def __init__(
        self, level: Level, wide: Level, small: Level, budget: Budget, report: Callable[[State, str], None],
        allowed: Callable[[SketchShape | Symmetry], bool], enough: Callable[[], bool],
    ) -> None:  # fmt: skip
        self.level = level
        self.wide = wide
        self.small = small
        self.budget = budget
        self.report = report
        self.allowed = allowed
        self.enough = enough

    @property
    def ended(self) -> bool:
        """Whether time is up, or what was asked for is reached."""
        return self.budget.late or self.enough()

    # -- numbers ------------------------------------------------------------------------------------------

    def refined(
        self, draft: Draft, steps: int, tolerance: float = 1e-3, level: Level | None = None,
        free: npt.NDArray[np.bool_] | None = None,
    ) -> State:  # fmt: skip
        """The draft after some Levenberg-Marquardt steps, and its error on the level they were taken on; only numbers that are
        `free` (p,) move, where that is given."""
        from render.tapes import tape_of

        if not draft.numbers:
            return State(draft, self.error_of(draft))
        descent = least_squares(
            tape_of(draft.program), Coordinates(draft.program), draft.program.params, level or self.level,
            steps=steps, tolerance=tolerance, stop=lambda: self.budget.late, free=free,
        )  # fmt: skip
        return State(draft.with_params(descent.parameters[0]), float(descent.errors[0]))

    def length(self, state: State) -> float:
        """The description length with no limit on it, which a first state may exceed by far."""
        return state.measure(replace(self.budget, max_numbers=state.draft.numbers, max_shapes=None))

    def error_of(self, draft: Draft) -> float:
        return squared_error(draft.program, self.level)

    # -- less ---------------------------------------------------------------------------------------------

    def pruned(self, state: State, limit: int, share: float = 0.08) -> State:
        """Simplifies while numbers cost more than they save, and further until at most `limit` remain."""
        budget = self.budget
        caution = 1.0
        refused: set[frozenset[object]] = set()
        solid = without_loops(without_ghosts(state.draft.sketch, budget.pixel), budget.pixel)
        if solid != state.draft.sketch:
            state = self.refined(Draft.of(solid), 3)
        while not budget.late:
            sketch = state.draft.sketch
            excess = state.draft.numbers - limit
            crowd = len(sketch.layers) - (budget.max_shapes or len(sketch.layers))
            quadratic = moves.Quadratic(state.draft, self.level)
            drops = moves.dropped_layers(state.draft, self.level)
            forced = excess > 0 or crowd > 0
            quota = max(2, int(share * caution * state.draft.numbers))
            if forced and excess > 0:
                quota = min(quota, excess)
            candidates = [m for m in (*drops, *moves.simplifications(state.draft, quadratic)) if m.keys not in refused]
            candidates = moves.verified(candidates, quota + 4, state.draft, quadratic, self.small, self.level)
            if crowd > 0 and excess <= 0:
                picked = sorted(drops, key=lambda m: m.cost)[: max(1, min(crowd, len(drops) // 8))]
            else:
                picked = moves.chosen(candidates, quota, np.inf if forced else budget.price)
            if not picked:
                break
            smaller = Draft.of(moves.applied(sketch, picked))
            if smaller.numbers >= state.draft.numbers:
                break
            after = self.refined(smaller, 3 if forced else 5)
            saved = state.draft.numbers - smaller.numbers
            expected = sum(max(m.cost, 0.0) for m in picked)
            rise = after.error - state.error
            worse = rise > 4.0 * expected + 0.02 * state.error if forced else rise > budget.price * saved
            if worse and len(refused) < MOST_REFUSED:
                # The picture knows better than the estimates: those that are far off are not believed again.
                culprits = self._culprits(state, picked)
                refused |= culprits
                if not culprits:
                    caution *= 0.4
                continue
            if worse and not forced:
                break
            caution = min(1.0, caution * 1.5)
            refused.clear()
            state = after
            self.report(state, "pruned")
        return self._cut(state, limit)

    def _culprits(self, state: State, picked: list[moves.Move]) -> set[frozenset[object]]:
        """The keys of those moves that, made alone, cost far more than was thought."""
        if len(picked) == 1:
            return {picked[0].keys}
        found: set[frozenset[object]] = set()
        for move in picked:
            alone = self.error_of(Draft.of(moves.applied(state.draft.sketch, [move]))) - state.error
            if alone > 10.0 * max(move.cost, 0.0) + 0.02 * state.error:
                found.add(move.keys)
        return found

    def _cut(self, state: State, limit: int) -> State:
        """Keeps the limits when time ran out before that: the layers worth least go, with nothing refitted."""
        most = self.budget.max_shapes or len(state.draft.sketch.layers)
        while state.draft.sketch.layers and (state.draft.numbers > limit or len(state.draft.sketch.layers) > most):
            worst = min(moves.dropped_layers(state.draft, self.small, self.level), key=lambda m: m.price)
            draft = Draft.of(moves.applied(state.draft.sketch, [worst]))
            state = State(draft, self.error_of(draft))
        return state

    # -- more ---------------------------------------------------------------------------------------------

    def grown(self, state: State, numbers: int, shaken: bool = False) -> State | None:
        """The state with up to about `numbers` more numbers where they gain most; None when nothing would.

        What is new finds its place first, on the blurred level, where the rest would lose its own. It may be `shaken` so
        where growing has led nowhere: another minimum is found then.
        """
        price = self.budget.price
        additions: list[tuple[float, int, SketchLayer | tuple[int, int, int]]] = []
        for gain, place in moves.insertions(state.draft, self.wide, numbers // 2):
            additions.append((gain / 2, 2, place))
        for gain, layer in self.residual_layers(state):
            cost = shape_number_count(layer.shape) + 3
            additions.append((gain / cost, cost, layer))
        places: list[tuple[int, int, int]] = []
        layers: list[SketchLayer] = []
        used = 0
        for each, cost, what in sorted(additions, key=lambda a: -a[0]):
            if each < price or used + cost > numbers:
                continue
            used += cost
            if isinstance(what, SketchLayer):
                layers.append(what)
            else:
                places.append(what)
        if not used:
            return None
        sketch = moves.inserted(state.draft.sketch, places)
        sketch = Sketch(sketch.background, sketch.layers + tuple(layers))
        draft = Draft.of(sketch)
        free = None if shaken else moves.new_numbers(draft, state.draft.sketch)
        bigger = self.refined(draft, 4, level=self.wide, free=free)
        return self.refined(bigger.draft, 16)

    def residual_layers(self, state: State) -> list[tuple[float, SketchLayer]]:
        """(gain, layer) for flat layers on the largest pieces of the residual that have one colour and sign."""
        from scipy import ndimage

        from refine.primitives import shapes_for_mask
        from render.taichi_backend import Batch
        from render.tapes import tape_of

        batch = Batch.of([(tape_of(state.draft.program), state.draft.program.params)])
        image = batch.images(self.level.target.size)[0]
        target = self.level.target.image
        residual = (target - image).astype(np.float64)
        power = (residual**2).sum(2)
        if power.max() < 1e-4:
            return []
        found: list[tuple[float, SketchLayer]] = []
        channel = int(np.argmax((residual[..., :3] ** 2).sum((0, 1))))
        strength = np.sqrt(power)
        mask_level = max(0.04, float(np.quantile(strength, 0.97)) * 0.5)
        for sign in (1.0, -1.0):
            labels, count = ndimage.label((strength > mask_level) & (residual[..., channel] * sign > 0))
            if not count:
                continue
            sums = ndimage.sum_labels(power, labels, np.arange(1, count + 1))
            for number in np.argsort(-sums)[:6]:
                inside = labels == number + 1
                area = int(inside.sum())
                if area < 4 or sums[number] < 10 * self.budget.price:
                    continue
                colour = target[inside].mean(0)
                if colour[3] < 0.5:
                    continue
                red, green, blue = np.clip(colour[:3] / colour[3], 0, 1).tolist()
                paint = Flat((red, green, blue))
                mean = residual[inside].mean(0)
                gain = 0.6 * area * float((mean**2).sum())
                for option in shapes_for_mask(inside.astype(np.float64), allowed=self.allowed)[:6]:
                    if len(option.shapes) == 1:
                        found.append((gain * (1.0 - min(option.area_error, 0.9)), SketchLayer(option.shapes[0], paint)))
                        break
        return found

    # -- order --------------------------------------------------------------------------------------------

    def reordered(self, state: State, tries: int = 6) -> State:
        """The state with two neighbouring layers exchanged where that lowers the error; the most costly layers are tried first.

        Paint order is the one part of a sketch that no constraint on numbers expresses, so each exchange is drawn.
        """
        layers = state.draft.sketch.layers
        weights = {next(iter(m.keys)): m.cost for m in moves.dropped_layers(state.draft, self.small, self.level)}
        pairs = sorted(range(len(layers) - 1), key=lambda k: -min(weights[(k, "layer")], weights[(k + 1, "layer")]))
        for k in pairs[:tries]:
            if self.budget.late:
                break
            exchanged = (*layers[:k], layers[k + 1], layers[k], *layers[k + 2 :])
            draft = Draft.of(Sketch(state.draft.sketch.background, exchanged))
            error = self.error_of(draft)
            if error < state.error * (1 - 1e-3):
                return State(draft, error)
        return state

    # -- rounds -------------------------------------------------------------------------------------------

    def started(self, sketch: Sketch, what: str) -> State:
        """A first state from a sketch, refined."""
        state = self.refined(Draft.of(sketch), 12)
        self.report(state, what)
        return state

    def settled(self, state: State, structured: bool = True) -> State:
        """A first state, pruned to the limits, and `structured` by borders and symmetries where that is better."""
        nesting = nested(self, state) if structured else None
        other = symmetric(self, nesting or state) or nesting if structured else None
        state = self._trimmed(state)
        if other is None:
            return state
        other = self._trimmed(other)
        if other.draft.numbers < 0.9 * state.draft.numbers:
            # Few numbers that repeat are soon improved, so they get the chance before they are compared.
            other = self.exchange(other, rounds=3)
        return min(state, other, key=lambda s: s.measure(self.budget))

    def _repeated(self, state: State) -> State:
        """The state with the offsets and symmetries that lower the measure at once."""
        for found, what in ((nested, "nested"), (symmetric, "symmetric")):
            other = None if self.ended else found(self, state, patience=0.0)
            if other is not None and other.measure(self.budget) < state.measure(self.budget):
                state = other
                self.report(state, what)
        return state

    def _trimmed(self, state: State) -> State:
        state = self.pruned(state, self.budget.max_numbers)
        state = self.refined(state.draft, 8)
        self.report(state, "pruned")
        return state

    def exchange(self, state: State, rounds: int = 100) -> State:
        """Adds, refines and prunes back until nothing gains any more, or time does not suffice for another round."""
        stale = 0
        longest = 0.0
        for number in range(rounds):
            began = time.perf_counter()
            if self.ended or stale >= len(GROWTH) or began + longest > self.budget.deadline:
                break
            share = GROWTH[number % len(GROWTH)]
            room = max(0, self.budget.max_numbers - state.draft.numbers)
            bigger = self.grown(state, int(share * state.draft.numbers) + min(room, 40) + 8, shaken=stale % 2 == 1)
            if bigger is None:
                break
            smaller = self.pruned(bigger, self.budget.max_numbers)
            smaller = self.refined(smaller.draft, 8, 1e-4)
            if smaller.measure(self.budget) < state.measure(self.budget) * (1 - 1e-4):
                stale = stale if smaller.measure(self.budget) > 0.99 * state.measure(self.budget) else 0
                state = smaller
                self.report(state, "exchanged")
            else:
                stale += 1
                other = self.reordered(state)
                if other.error < state.error:
                    state, stale = self.refined(other.draft, 8, 1e-4), 0
                    self.report(state, "reordered")
            longest = max(longest, time.perf_counter() - began)
        return self._repeated(state)

    def descend(self, state: State, least: int) -> None:
        """Reports ever smaller states, refined at each sixth less, until `least` numbers remain or time is up."""
        while state.draft.numbers > least and not self.budget.late:
            smaller = self.pruned(state, max(least, int(0.84 * state.draft.numbers)), share=0.16)
            if smaller.draft.numbers >= state.draft.numbers:
                return
            state = self.refined(smaller.draft, 5)
            self.report(state, "smaller")


def without_ghosts(sketch: Sketch, pixel: float) -> Sketch:
    """The sketch without solids that no one could see: smaller than a pixel across, or little over half of one thick.

    A fit would use such specks to shade single pixels, which looks wrong at any other size.
    """

    def seen(shape: SketchShape) -> bool:
        if isinstance(shape, Circle):
            return shape.radius > 0.5 * pixel
        if isinstance(shape, Ellipse):
            sides = (2 * shape.radius_x, 2 * shape.radius_y)
        elif isinstance(shape, Box):
            sides = (2 * shape.half_width, 2 * shape.half_height)
        else:
            return True
        return max(sides) > pixel and min(sides) > 0.6 * pixel

    return Sketch(sketch.background, tuple(layer for layer in sketch.layers if seen(layer.shape)))


UNSEEN = 220
"""The squared error, in prices of a number, of a picture at 46 dB, which no one tells from a better one."""


def counted(error: float, price: float) -> float:
    """A squared error as it counts: in full, but below what is seen only a tenth of what is still saved."""
    return max(error, 0.9 * UNSEEN * price + 0.1 * error)


def price_of(picture_pixels: int) -> float:
    """The squared error that a number must save, for a picture of so many pixels.

    A number of a program is worth about ten bits; an error of one grey level in fifty, everywhere, is what a person
    overlooks: 10 bits * 2 ln 2 * 0.02² in units of squared error, for 128 x 128 pixels.
    """
    return 0.0055 * max(picture_pixels / 16384, 0.1)

