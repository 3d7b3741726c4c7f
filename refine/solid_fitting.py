"""Fits in space: from one picture to solids, materials, a camera and a light.

The picture is cut into patches of one tint, biggest first; for each, shapes of every kind in many turns are drawn, all in
batches, where the patch lies, and the best are refined with everything that stands already. Then the structure is searched as
in the plane: whatever the picture shows that the scene does not explain gets another solid, joined, cut away or of its own;
solids change their kind, go, or melt together; and a change stays where the description length falls. One picture does not
tell everything: what its derivatives say nothing of is reported (`refine.ambiguity`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.descents import Coordinates, Level, least_squares, pyramid, squared_error
from refine.evolution import counted
from refine.record import Record
from refine.solid_model import CAMERA_DISTANCE, SIZES, Model, Numbers, Solid, Thing, camera_frame
from refine.solid_patches import (
    NEAR_BACKGROUND,
    SMALLEST_PATCH,
    Closeup,
    beneath,
    horizon_of,
    patches,
    scenery_of,
)  # fmt: skip
from refine.solid_shapes import shapes
from refine.solid_sharing import shared
from refine.solid_sketching import LIGHTS, Sketching
from refine.solid_standing import FLOOR, elevation_of, standing
from refine.starts import offer_given
from render.images import Picture
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import DslError, number_count

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

ELEVATIONS = (20.0, 35.0, 8.0)
"""Angles that a camera above a floor first looks down by."""

MOST_THINGS = 8
"""Things in a scene."""

SKETCH_SIDE, SEARCH_SIDE, CUT_SIDE = 48, 64, 160
"""Longer sides, in pixels, at which shapes are tried, structures searched, and patches cut out."""

SHARES = (0.1, 0.6)
"""Of a number's price, that it may cost to do without it where it is nearly equal to another."""

LEAST_SHARE = 0.1
"""Of the time, that there always is to leave out what a scene does not need, and to name numbers: however late it is, everybody sees that."""

DISTANCES = (0.6, 0.7, 0.8, 0.88, 0.94, 1.06, 1.13, 1.25, 1.4)
"""By which a thing's distance is multiplied."""

TURNS = 40
"""Turns that a shape of a kind is tried in."""

SURVIVORS, CHILDREN = 12, 4
"""Proposals of one structure that go on, and how many are made of each by throwing its solid about."""

STARTS = 6
"""Models of one structure that are refined together."""

GROUPS = 6
"""Structures, of those that are tried at once, that are refined."""

@dataclass(frozen=True)
class State:
    """A model, and its program's squared error on the level that structures are searched at."""

    model: Model
    error: float
    cost: float


@dataclass(frozen=True)
class Proposal:
    """A change of a scene that is to be tried: `make` gives the model, with a `solid` that it may be tried with others of."""

    make: Callable[[Solid | None], Model]
    solid: Solid | None = None

    def model(self) -> Model:
        return self.make(self.solid)


class SolidSearch:
    """The search for a scene that draws a picture."""

    def __init__(self, record: Record, picture: Picture, deadline: float) -> None:
        self.record = record
        self.deadline = deadline
        self.random = np.random.default_rng(record.options.seed)
        self.sketch, self.search, self.fine = pyramid(picture, [(SKETCH_SIDE, 1.0), (SEARCH_SIDE, 0.0), (128, 0.0)])
        self.coarse = pyramid(picture, [(32, 1.5)])[0]
        self.transparent = picture.has_alpha
        width, height = self.search.target.size
        # A number is worth the same error as in the plane.
        self.price = record.price * (width * height) / (record.level.target.image.size // 4)
        self.fine_price = self.price * self.fine.target.image.size / self.search.target.image.size
        image = pyramid(picture, [(CUT_SIDE, 0.0)])[0].target.image.astype(np.float64)
        self.image = image
        self.colours = image[..., :3] / np.maximum(image[..., 3:], 1e-6)
        self.alpha = image[..., 3]

    @property
    def late(self) -> bool:
        return time.perf_counter() > self.deadline

    # -- measuring and refining ---------------------------------------------------------------------------

    def state(self, model: Model) -> State | None:
        """None for a model whose numbers break a limit."""
        try:
            program = model.program
        except DslError:
            return None
        error = squared_error(program, self.search)
        return State(model, error, counted(error, self.price) + self.price * number_count(program))

    def refined(
        self, model: Model, levels: Sequence[tuple[Level, int]], free: Callable[[int], Mask] | None = None
    ) -> State | None:
        """The model with its numbers refined, on each level with so many steps."""
        try:
            program = model.program
        except DslError:
            return None
        tape, coordinates = solid_tape_of(program), Coordinates(program)
        values = program.params
        for level, steps in levels:
            narrowed = None if free is None else free(len(values))
            descent = least_squares(
                tape, coordinates, values, level, steps=steps, tolerance=1e-3, free=narrowed, stop=lambda: self.late
            )
            values = descent.parameters[0]
        return self.state(model.with_numbers(values))

    def tried(self, proposals: Sequence[Proposal], bar: float = float("inf")) -> State | None:
        """The best scene that proposals lead to; None where none comes below the cost `bar`.

        All are drawn in batches; of each structure those that look best are thrown about a little and drawn again, twice, and the
        best of those are refined together, from coarse to fine.
        """
        groups = self._best_of_each(proposals, SURVIVORS)
        for _ in range(2):
            if self.late:
                return None
            more = [
                replace(p, solid=self._jittered(p.solid)) for group in groups for p, _ in group if p.solid is not None
                for _ in range(CHILDREN)
            ]  # fmt: skip
            if not more:
                break
            groups = self._best_of_each([p for group in groups for p, _ in group] + more, SURVIVORS)
        best: State | None = None
        for group in groups[:GROUPS]:
            if self.late:
                break
            found = self._descended([model for _, model in group[:STARTS]])
            if found is not None and found.cost < min(bar, float("inf") if best is None else best.cost):
                best = found
        return best

    def _best_of_each(self, proposals: Sequence[Proposal], keep: int) -> list[list[tuple[Proposal, Model]]]:
        """Proposals grouped by structure, the best groups first, and in each the best."""
        drawable: list[tuple[Proposal, Model, str]] = []
        programs = []
        for proposal in proposals:
            # There may be hundreds, of a structure each, and writing them takes seconds.
            if self.late:
                return []
            model = proposal.model()
            try:
                program = model.program
            except DslError:
                continue
            drawable.append((proposal, model, program.structure.key))
            programs.append((solid_tape_of(program), program.params))
        if not programs:
            return []
        scores = SolidBatch.of(programs).scores(self.sketch.target, self.sketch.blur)
        groups: dict[str, list[tuple[Proposal, Model]]] = {}
        for k in np.argsort(scores, kind="stable"):
            proposal, model, key = drawable[k]
            group = groups.setdefault(key, [])
            if len(group) < keep:
                group.append((proposal, model))
        return list(groups.values())

    def _descended(self, models: Sequence[Model]) -> State | None:
        """The best of models of one structure, after refining all of them on a coarse picture and two on a finer one."""
        program = models[0].program
        tape, coordinates = solid_tape_of(program), Coordinates(program)
        points = np.array([m.program.params for m in models])
        # The light turns, but stays as strong as it is: it would rather shine flat than let a wrong shape become right.
        free = np.arange(points.shape[1]) >= models[0].setting
        free[models[0].light_direction] = True
        for level, steps, survivors in ((self.coarse, 8, 2), (self.search, 7, 1)):
            descent = least_squares(
                tape, coordinates, points, level, steps=steps, tolerance=3e-3, free=free, stop=lambda: self.late
            )
            points = descent.parameters[np.argsort(descent.errors)[:survivors]]
        return self.state(models[0].with_numbers(points[0]))

    def _jittered(self, solid: Solid) -> Solid:
        random = self.random
        size = float(np.mean(solid.sizes))
        return Solid(
            solid.kind,
            tuple(float(s * np.exp(random.normal(0.0, 0.15))) for s in solid.sizes),
            tuple(float(a + random.normal(0.0, 14.0)) for a in solid.angles),
            tuple(float(p + random.normal(0.0, 0.15 * size)) for p in solid.place),
        )

    def offer(self, state: State, what: str) -> None:
        """Tells the record of a state, with its numbers refined at the record's resolution."""
        program = state.model.plain
        self.record.offer(program, squared_error(program, self.record.level), what)

    def share(self, model: Model) -> None:
        """Offers the record the model's program with numbers that may as well be equal written once."""
        program, free = model.plain, Coordinates(model.program).trainable
        for number, share in enumerate(SHARES):
            if number and self.late:
                break
            named = shared(program, free, self.fine, share * self.fine_price, 12, lambda: self.late)
            self.record.offer(named, squared_error(named, self.record.level), "named")

    # -- scenery ------------------------------------------------------------------------------------------

    def background(self) -> Numbers:
        """The colour around everything: the most common one along the picture's edge; empty where that is transparent."""
        edge = np.zeros(self.alpha.shape, bool)
        edge[0], edge[:, 0], edge[:, -1] = True, True, True
        if self.transparent and np.median(self.alpha[edge]) < 0.5:
            return ()
        return _commonest(self.colours[edge])

    def starts(self) -> list[tuple[Model, Array]]:
        """Empty scenes, and what of the picture (h, w, 4) each explains: a background, and perhaps a floor whose colour is
        that of the picture's lower edge."""
        background = self.background()
        plain = Model(background, 20.0, (*LIGHTS[0], 0.8), 0.25, (), ())
        if not background:
            return [(plain, np.zeros_like(self.image))]
        rows = max(2, self.colours.shape[0] // 16)
        upper, lower = _commonest(self.colours[:rows].reshape(-1, 3)), _commonest(self.colours[-rows:].reshape(-1, 3))
        if np.abs(np.array(upper) - np.array(lower)).max() > 0.06:
            lit = tuple(min(c * 1.1, 1.0) for c in lower)
            horizon = horizon_of(self.colours, upper, lower)
            elevations = ELEVATIONS if horizon is None else (elevation_of(horizon),)
            floors = [replace(plain, background=upper, elevation=e, floor=(FLOOR, *lit)) for e in elevations]
            found = [s for s in (self._emptied(f) for f in floors) if s is not None]
            if found:
                model = min(found, key=lambda each: each[1])[0]
                if self._unexplained(model, NEAR_BACKGROUND).mean() < 0.6:
                    return [(model, self._drawn(model))]
        smooth = scenery_of(self.colours)
        return [(plain, np.concatenate([smooth, np.ones_like(smooth[..., :1])], 2))]

    def _emptied(self, model: Model) -> tuple[Model, float] | None:
        """An empty scene refined, and its error, in which what stands in the scene counts little."""
        program = model.program
        values = program.params
        for level in (self.coarse, self.search):
            descent = least_squares(
                solid_tape_of(program), Coordinates(program), values, level, steps=15, huber=0.05, stop=lambda: self.late
            )
            values = descent.parameters[0]
        return model.with_numbers(values), float(descent.errors[0])

    # -- one thing at a time ------------------------------------------------------------------------------

    def built(self, start: Model, scenery: Array) -> State | None:
        """A scene of one thing for each patch of what is not `scenery` (h, w, 4)."""
        mask = np.abs(self.image - scenery).max(2) > (NEAR_BACKGROUND if start.background else 0.5)
        parts = patches(self.colours, mask, self.record.options.seed)[:MOST_THINGS]
        if not parts:
            return None
        whole = np.any(parts, 0)
        views = [Closeup.of(p, whole, self.image, scenery, start.elevation) for p in parts]
        sketching = Sketching(self.price, self.deadline, self.random)
        things, light = sketching.things(views)
        return self._assembled(start, things, parts, light)

    # -- the whole ----------------------------------------------------------------------------------------

    def _assembled(self, start: Model, things: Sequence[Thing], parts: Sequence[Mask], light: Numbers) -> State | None:
        """Things that show in patches, put into one scene, each as near as makes the picture right: how near it is does not change
        its own picture."""
        model = replace(start, light=light[:4], ambient=light[4], things=tuple(things))
        if model.floor:
            model = standing(model, [beneath(parts, k) for k in range(len(parts))])
        eye = camera_frame(model.elevation)[0]
        for _ in range(3):
            before = model
            for number, thing in enumerate(model.things):
                options = [model, *(model.with_thing(number, thing.nearer(eye, share)) for share in DISTANCES)]
                programs = [m.program for m in options]
                batch = SolidBatch.of([(solid_tape_of(p), p.params) for p in programs])
                errors = batch.scores(self.sketch.target, 0.0)
                errors[1:] += 3.0 * self.price
                model = options[int(np.argmin(errors))]
            if model is before:
                break
        state = self.state(model)
        if state is not None:
            self.offer(state, f"{len(things)} things")
        return state

    def _drawn(self, model: Model) -> Array:
        """The model's picture (h, w, 4), as large as the one that patches are cut out of."""
        program, (height, width) = model.program, self.alpha.shape
        images = SolidBatch.of([(solid_tape_of(program), program.params)]).images((width, height))
        return np.asarray(images[0], np.float64)

    def _unexplained(self, model: Model, threshold: float) -> Mask:
        """Where the picture is not what the model draws."""
        different: Mask = np.abs(self._drawn(model) - self.image).max(2) > threshold
        return different

    # -- better scenes ------------------------------------------------------------------------------------

    def pruned(self, state: State) -> State:
        """The scene without what it does not need. Close views are resampled, and softer than what is drawn: small solids that explained
        their edges explain nothing in the whole picture."""
        while True:
            found = self.tried(list(self._without(state)), state.cost)
            if found is None:
                return state
            state = found
            self.offer(state, "pruned")

    def improved(self, state: State) -> State:
        """Changes of structure, as long as there is time and something gains."""
        fruitless = 0
        while time.perf_counter() < self.deadline and fruitless < 3:
            before = state.cost
            for move in (self._without, self._inserted, self._finished):
                if self.late:
                    break
                found = self.tried(list(move(state)), state.cost - 0.5 * self.price)
                if found is not None:
                    again = self.refined(found.model, [(self.search, 15)])
                    state = again if again is not None and again.cost <= found.cost else found
                    self.offer(state, move.__name__.strip("_"))
            fruitless = fruitless + 1 if state.cost > before - self.price else 0
        return state

    def _inserted(self, state: State) -> Iterator[Proposal]:
        """Another solid where the picture is not explained: a thing of its own, or joined to a thing or cut out of it."""
        model = state.model
        difference = self._unexplained(model, 0.06)
        parts, count = ndimage.label(ndimage.binary_opening(difference, iterations=1))
        least = max(4, int(0.5 * SMALLEST_PATCH * difference.size))
        found = sorted((parts == k for k in range(1, count + 1)), key=lambda p: -int(p.sum()))
        for patch in found[:2]:
            if patch.sum() < least:
                break
            colour = tuple(float(v) for v in np.clip(np.median(self.colours[patch], 0), 0.02, 0.98))
            view = Closeup.of(patch, patch, self.image, self._drawn(model), model.elevation)
            for kind in SIZES:
                for solid in shapes(view, kind, TURNS // 3, self.random):
                    yield Proposal(_maker(model, len(model.things), lambda s, c=colour: Thing((s,), (), c)), solid)  # type: ignore[misc]
                    for number, thing in enumerate(model.things):
                        share = float(np.linalg.norm(thing.middle - view.eye)) / CAMERA_DISTANCE
                        beside = solid.nearer(view.eye, share)
                        yield Proposal(_maker(model, number, lambda s, t=thing: replace(t, joined=(*t.joined, s))), beside)  # type: ignore[misc]
                        hole = replace(beside, sizes=tuple(1.3 * s for s in beside.sizes))
                        yield Proposal(_maker(model, number, lambda s, t=thing: replace(t, cut=(*t.cut, s))), hole)  # type: ignore[misc]

    def _without(self, state: State) -> Iterator[Proposal]:
        return (Proposal(lambda _, m=model: m) for model in self._less(state.model))  # type: ignore[misc]

    def _less(self, model: Model) -> Iterator[Model]:
        """Less: a solid or a thing gone, two things of one colour melted into one, a scene turned so that a thing stands."""
        for number, thing in enumerate(model.things):
            if (level := model.levelled(number)) is not None:
                yield level
            if len(model.things) > 1 and len(thing.joined) == 1:
                yield model.with_thing(number, None)
            for k in range(len(thing.cut)):
                yield model.with_thing(number, replace(thing, cut=thing.cut[:k] + thing.cut[k + 1 :]))
            for k in range(len(thing.joined)):
                if len(thing.joined) > 1:
                    yield model.with_thing(number, replace(thing, joined=thing.joined[:k] + thing.joined[k + 1 :]))
        for first, one in enumerate(model.things):
            for second in range(first + 1, len(model.things)):
                other = model.things[second]
                alike = np.abs(np.array(one.colour) - np.array(other.colour)).max() < 0.12
                if alike and not one.cut and not other.cut and not one.smooth:
                    together = replace(one, joined=(*one.joined, *other.joined))
                    yield replace(model.with_thing(second, None), things=(
                        *model.things[:first], together, *model.things[first + 1 : second], *model.things[second + 1 :]
                    ))  # fmt: skip

    def _finished(self, state: State) -> Iterator[Proposal]:
        return (Proposal(lambda _, m=model: m) for model in self._finer(state.model))  # type: ignore[misc]

    def _finer(self, model: Model) -> Iterator[Model]:
        """A surface that shines, a union that is smooth."""
        for number, thing in enumerate(model.things):
            if not thing.finish:
                yield model.with_thing(number, replace(thing, finish=(0.05, 0.3)))
                yield model.with_thing(number, replace(thing, finish=(0.9, 0.4)))
            else:
                yield model.with_thing(number, replace(thing, finish=()))
            if len(thing.joined) > 1 and not thing.smooth:
                yield model.with_thing(number, replace(thing, smooth=(0.08,)))


def _maker(model: Model, number: int, thing: Callable[[Solid], Thing]) -> Callable[[Solid | None], Model]:
    """What gives the model with a thing, made of a solid, in a place."""

    def make(solid: Solid | None) -> Model:
        assert solid is not None
        return model.with_thing(number, thing(solid))

    return make


def _commonest(colours: Array) -> Numbers:
    """The colour that most of some colours (n, 3) are near."""
    few = colours[:: max(1, len(colours) // 200)]
    near = np.abs(few[:, None] - few[None]).max(2) < 0.05
    group = near[near.sum(1).argmax()]
    return tuple(float(v) for v in np.clip(np.median(few[group], 0), 0.0, 1.0))


def improve(record: Record, picture: Picture, deadline: float) -> None:
    """Offers the record scenes, better and better ones, until the deadline (`time.perf_counter`)."""
    if record.options.start is not None:
        offer_given(record, record.options.start, deadline, "start", "start refined")
    search = SolidSearch(record, picture, deadline)
    found = [s for s in (search.built(*start) for start in search.starts()) if s is not None]
    if not found:
        return
    state = min(found, key=lambda s: s.cost)
    refined = search.refined(state.model, [(search.coarse, 10), (search.search, 20)])
    state = refined if refined is not None and refined.cost <= state.cost else state
    search.offer(state, "refined")
    whole = deadline - record.began
    search.deadline = max(deadline, time.perf_counter() + LEAST_SHARE * whole)
    state = search.pruned(state)
    search.deadline = deadline - 0.12 * whole
    state = search.improved(state)
    search.deadline = deadline
    # The last digits, at a higher resolution, and how wide the camera sees.
    for model in (state.model, replace(state.model, zooming=True)):
        refined = search.refined(model, [(search.fine, 20)])
        if refined is not None:
            search.offer(refined, "refined")
            state = min(state, refined, key=lambda s: s.cost)
    search.deadline = max(deadline, time.perf_counter() + LEAST_SHARE * whole)
    search.share(state.model)
