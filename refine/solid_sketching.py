"""Things in close views: for each patch of a picture a thing of its own, found before there is a scene.

A close view shows one patch alone, as large as it gets. Shapes of every kind are drawn there in many turns, all in batches, and refined
together with the light; what the best of them do not explain gets solids joined and cut away; and what a thing does not need goes.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.descents import Coordinates, Level, least_squares
from refine.evolution import counted
from refine.solid_model import SIZES, Numbers, Thing
from refine.solid_patches import LIGHT, ROBUST, SETTING, Closeup, WeightedTape, shaded
from refine.solid_profiles import blocks, stacks
from refine.solid_shapes import additions, hollows, plainer_things, shapes
from refine.solid_standing import stands
from render.tapes import solid_tape_of

Array = npt.NDArray[np.float64]

LIGHTS: tuple[Numbers, ...] = (
    (-0.5, 0.7, 0.6), (0.5, 0.7, 0.6), (0.0, 0.9, 0.5), (0.0, 0.3, 1.0), (-0.8, 0.3, 0.5), (0.8, 0.3, 0.5), (-0.4, 0.9, 0.1),
    (0.4, 0.9, 0.1),
)  # fmt: skip
"""Directions that a light is first looked for in."""

FIRST_SIDE, SECOND_SIDE = 24, 36
"""Sides, in pixels, of close views that shapes are tried and refined in."""

GREY: Numbers = (0.735, 0.735, 0.735)
"""The colour of shapes that are tried."""

TRIED = 96
"""Shapes of a kind that are tried for a patch."""

MOST_PARTS, BRANCHES = 4, 8
"""Solids that are added to a thing, and structures that are refined for each of these."""

WORTHWHILE, PLAINER = 0.85, 1.06
"""The shares of the error that a solid more must bring it below, and that one less may raise it to."""

BLURRED = 0.025
"""The error that a close view has anyway, for each pixel across a thing."""

PATCH_SHARE, DETAIL_SHARE = 0.4, 0.6
"""Of the time that is left: for single shapes, and then for what is joined to them and cut out."""

GROUPED, STACKS, FINER = 10, 6, 4
"""Structures of one shape, and of stacks of shapes, that are refined for a patch; and how many of these on a finer picture."""

SURVIVORS = 7
"""Starts of one structure that are refined together."""

ALWAYS, ALWAYS_FINER = 7, 2
"""How many of each are, however late it is: what is not tried is not found, and one takes a tenth of a second."""


@dataclass(frozen=True)
class Sketch:
    """A thing in a close view, in a light (a direction, an intensity and the ambient one); its error there, and its cost."""

    thing: Thing
    light: Numbers
    error: float
    cost: float


@dataclass
class Sketching:
    """The search for things in close views: `price` is what a number costs; nothing is begun after `deadline` (`time.perf_counter`), nor
    after `until`, which is that of the view at hand."""

    price: float
    deadline: float
    random: np.random.Generator
    until: float = 0.0

    def things(self, views: Sequence[Closeup]) -> tuple[list[Thing], Numbers]:
        """A thing for each view, and the light that all stand in."""
        began, left = time.perf_counter(), self.deadline - time.perf_counter()
        found: list[list[Sketch]] = []
        for number, view in enumerate(views):
            self.until = began + PATCH_SHARE * left * (number + 1) / len(views)
            found.append(self._sketches(view))
        alone = len(views) == 1
        light = self._common_light(views, found)
        if not alone:
            found = [self._relit(view, sketches, light) for view, sketches in zip(views, found)]
        done: list[Sketch] = []
        areas = np.sqrt([view.mask.sum() for view in views])
        began, left = time.perf_counter(), self.deadline - time.perf_counter()
        for number, (view, sketches) in enumerate(zip(views, found)):
            self.until = began + DETAIL_SHARE * left * areas[: number + 1].sum() / areas.sum()
            done.append(self._elaborated(view, sketches, alone))
        return [s.thing for s in done], done[0].light if alone else light

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.deadline

    def _cost(self, view: Closeup, side: int, error: float, thing: Thing) -> float:
        """The description length of a thing in a close view."""
        return float(counted(error * view.weight(side), 0.05 * self.price) + self.price * len(list(thing.counted())))

    def _sketches(self, view: Closeup) -> list[Sketch]:
        """The best shape of each kind for a patch, best first, each in a light of its own."""
        suns: list[Numbers] = [(*direction, 0.8, 0.25) for direction in LIGHTS]
        pairs = []
        for kind in SIZES:
            for number, solid in enumerate(shapes(view, kind, TRIED, self.random)):
                pairs.append((Thing((solid,), (), GREY), suns[number % len(suns)]))
        found = self._best_described(view, pairs, GROUPED)
        if found[0].error < self._blurred(view):
            return found
        # What is turned on an axis, or made of blocks, shows in its outline; the light is known by now.
        suns = list(dict.fromkeys(s.light for s in found[:2]))
        things = [*(thing for thing in stacks(view, GREY) if len(thing.joined) > 1), *blocks(view, GREY)]
        pairs = [(thing, sun) for thing in things for sun in suns]
        return sorted(found + self._best_described(view, pairs, STACKS), key=_likelihood)

    def _best_described(self, view: Closeup, pairs: Sequence[tuple[Thing, Numbers]], most: int) -> list[Sketch]:
        """Things in their lights refined, each structure's best, at most so many structures; what stands apart from the rest: where a
        picture shows more than one solid, wrong turns may come nearer at first."""
        if not pairs:
            return []
        target = view.target(FIRST_SIDE)
        errors, colours = shaded(view.drawn(pairs, FIRST_SIDE), GREY[0], target)
        groups: dict[tuple[tuple[int, ...], str], list[Sketch]] = {}
        for k in np.argsort(errors, kind="stable"):
            thing, sun = pairs[k]
            group = groups.setdefault((tuple(len(s.angles) for s in thing.joined), _signature(thing)), [])
            if len(group) < SURVIVORS:
                group.append(Sketch(replace(thing, colour=tuple(float(v) for v in colours[k])), sun, 0.0, 0.0))
        rough: list[list[Sketch]] = []
        for starts in list(groups.values())[:most]:
            if len(rough) >= ALWAYS and time.perf_counter() > self.until:
                break
            rough.append(self._descended_view(view, starts, True, ((FIRST_SIDE, 7, 2),)))
        found: list[Sketch] = []
        for number, starts in enumerate(sorted(rough, key=lambda sketches: _likelihood(sketches[0]))[:FINER]):
            late = number >= ALWAYS_FINER and time.perf_counter() > self.until
            if found and (late or found[0].error < self._blurred(view)):
                break
            found += self._descended_view(view, starts, True, ((SECOND_SIDE, 8, 1),))
        return sorted(found, key=_likelihood)

    def _descended_view(
        self, view: Closeup, starts: Sequence[Sketch], turning: bool, levels: Sequence[tuple[int, int, int]]
    ) -> list[Sketch]:
        """Sketches of one structure refined together: levels are (side, steps, survivors); the light turns where it may."""
        programs = [view.program(s.thing, s.light) for s in starts]
        tape: Any = WeightedTape(solid_tape_of(programs[0]))
        coordinates = Coordinates(programs[0])
        points = np.array([p.params for p in programs])
        free = np.arange(points.shape[1]) >= SETTING
        free[LIGHT] = turning
        errors = np.zeros(len(points))
        side = levels[-1][0]
        for side, steps, survivors in levels:
            level: Any = Level(view.target(side), 0.0)  # type: ignore[arg-type]
            descent = least_squares(
                tape, coordinates, points, level, steps=steps, tolerance=3e-3, huber=ROBUST, free=free, stop=lambda: self.late
            )
            order = np.argsort(descent.errors)[:survivors]
            points, errors = descent.parameters[order], descent.errors[order]
        result = []
        for values, error in zip(points, errors):
            thing = starts[0].thing.taken(iter(values[SETTING:].tolist()))
            sun = values[LIGHT] / max(float(np.linalg.norm(values[LIGHT])), 1e-6)
            light = (*(float(v) for v in sun), *starts[0].light[3:])
            result.append(Sketch(thing, light, float(error), self._cost(view, side, float(error), thing)))
        return result

    def _common_light(self, views: Sequence[Closeup], found: Sequence[Sequence[Sketch]]) -> Numbers:
        """The light in which all things together are best."""
        totals = []
        options = [s.light for sketches in found for s in sketches[:2]]
        for light in options:
            total = 0.0
            for view, sketches in zip(views, found):
                target = view.target(FIRST_SIDE)
                drawn = view.drawn([(replace(s.thing, colour=GREY), light) for s in sketches[:4]], FIRST_SIDE)
                total += float(shaded(drawn, GREY[0], target)[0].min()) * view.weight(FIRST_SIDE)
            totals.append(total)
        return options[int(np.argmin(totals))]

    def _relit(self, view: Closeup, sketches: Sequence[Sketch], light: Numbers) -> list[Sketch]:
        """Sketches refined in a light that is not their own."""
        result = []
        for sketch in sketches[:6]:
            if self.late:
                break
            result += self._descended_view(view, [replace(sketch, light=light)], False, ((SECOND_SIDE, 8, 1),))
        return sorted(result, key=_likelihood) or list(sketches)

    def _elaborated(self, view: Closeup, sketches: Sequence[Sketch], turning: bool) -> Sketch:
        """The best sketch after solids were joined to the best few or cut out of them, while that gains and there is time."""
        states = _different([*sketches[:4], *(f for s in sketches[:2] for f in self._finished_view(view, s, turning))])[:4]
        best = states[0]
        for depth in range(MOST_PARTS):
            if time.perf_counter() > self.until or best.error < self._blurred(view):
                break
            grown: list[Sketch] = []
            for state in states:
                grown += self._grown(view, state, turning)
                if time.perf_counter() > self.until:
                    break
            grown = _different(grown)
            if not grown:
                break
            finished = [f for s in grown[:1] for f in self._finished_view(view, s, turning)]
            states = _different([*grown, *finished])[:3]
            if states[0].error < WORTHWHILE * best.error:
                best = states[0]
            elif depth:
                break
        return self._plainer(view, best, turning)

    def _blurred(self, view: Closeup) -> float:
        """The error in a close view that no shape is blamed for: pictures are resampled, and edges softer for it."""
        return BLURRED * float(view.target(SECOND_SIDE).image[..., 3].sum() ** 0.5)

    def _finished_view(self, view: Closeup, state: Sketch, turning: bool) -> list[Sketch]:
        """The sketch with a surface that shines, and with a smooth union."""
        thing, found = state.thing, []
        options = [] if thing.finish else [replace(thing, finish=(0.05, 0.3)), replace(thing, finish=(0.9, 0.4))]
        if len(thing.joined) > 1 and not thing.smooth:
            options.append(replace(thing, smooth=(0.08,)))
        for option in options:
            if time.perf_counter() > self.until:
                break
            better = self._descended_view(view, [replace(state, thing=option)], turning, ((SECOND_SIDE, 8, 1),))
            found += [s for s in better if s.error < WORTHWHILE * state.error]
        return found

    def _plainer(self, view: Closeup, state: Sketch, turning: bool) -> Sketch:
        """The sketch without what it does not need: solids, turns, a ball that was something else."""
        tried: set[Thing] = set()
        changed = True
        while changed:
            changed = False
            for thing in plainer_things(state.thing):
                if thing in tried or self.late:
                    continue
                tried.add(thing)
                found = self._descended_view(view, [replace(state, thing=thing)], turning, ((SECOND_SIDE, 8, 1),))[0]
                if found.error < PLAINER * state.error:
                    state, changed = found, True
                    break
        return state

    def _grown(self, view: Closeup, state: Sketch, turning: bool) -> list[Sketch]:
        """The best of the things with one more solid, a few of different structure, refined."""
        things = [*hollows(state.thing)]
        usual = len(things)
        things += additions(state.thing, self._spots(view, state), 6, self.random)
        found: list[Sketch] = []
        if not things:
            return found
        errors = view.target(FIRST_SIDE).errors(view.drawn([(t, state.light) for t in things], FIRST_SIDE))
        groups: dict[tuple[bool, str], list[int]] = {}
        for k in np.argsort(errors, kind="stable"):
            groups.setdefault((bool(k < usual), _signature(things[k])), []).append(int(k))
        for indices in list(groups.values())[:BRANCHES]:
            if time.perf_counter() > self.until:
                break
            starts = [replace(state, thing=things[k]) for k in indices[:6]]
            found += self._descended_view(view, starts, turning, ((FIRST_SIDE, 7, 2), (SECOND_SIDE, 8, 1)))
        return found

    def _spots(self, view: Closeup, state: Sketch) -> list[tuple[Array, float]]:
        """Places and radii of what a sketch does not explain, the worst first."""
        target = view.target(SECOND_SIDE)
        drawn = view.drawn([(state.thing, state.light)], SECOND_SIDE)[0]
        wrong = (np.abs(drawn - target.image).max(2) * target.weights) > 0.08
        parts, count = ndimage.label(ndimage.binary_opening(wrong))
        sized = sorted(((int((parts == k).sum()), k) for k in range(1, count + 1)), reverse=True)
        if not sized or sized[0][0] < 6:
            parts, sized = wrong.astype(np.int32), [(int(wrong.sum()), 1)] if wrong.sum() > 4 else []
        across, above, ahead = view.axes
        distance = float(np.linalg.norm(state.thing.middle - view.eye))
        unit = 2.0 * view.spread / SECOND_SIDE * distance
        spots = []
        for size, k in sized[:3]:
            if size < 6:
                break
            rows, columns = np.nonzero(parts == k)
            half = 0.5 * SECOND_SIDE - 0.5
            at = ahead * distance + across * ((columns.mean() - half) * unit) + above * ((half - rows.mean()) * unit)
            extent = 0.5 * max(np.ptp(rows) + 1, np.ptp(columns) + 1) * unit
            spots.append((view.eye + at, float(0.5 * extent + 0.5 * np.sqrt(size / np.pi) * unit)))
        return spots


def _signature(thing: Thing) -> str:
    """What a thing is made of."""
    parts = "+".join(s.kind for s in thing.joined) + "".join(f"-{s.kind}" for s in thing.cut)
    return f"{parts} {stands(thing.joined[0])} {bool(thing.finish)} {bool(thing.smooth)}"


def _likelihood(sketch: Sketch) -> float:
    """The error, but things stand more often than not."""
    return sketch.error * (0.8 if stands(sketch.thing.joined[0]) else 1.0)


def _different(sketches: Sequence[Sketch]) -> list[Sketch]:
    """The best sketch of each structure, best first."""
    best: dict[str, Sketch] = {}
    for sketch in sorted(sketches, key=_likelihood):
        best.setdefault(_signature(sketch.thing), sketch)
    return list(best.values())
