"""Fits in space: from one picture to solids, materials, a camera and a light.

The picture is cut into patches of one tint, biggest first; for each, shapes of every kind in many turns are drawn, all in
batches, where the patch lies, and the best are refined with everything that stands already. Then the structure is searched as
in the plane: whatever the picture shows that the scene does not explain gets another solid, joined, cut away or of its own;
solids change their kind, go, or melt together; and a change stays where the description length falls. One picture does not
tell everything: what its derivatives say nothing of is reported (`undetermined`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from refine.evolution import counted
from refine.optimization import Coordinates, Level, least_squares, pyramid, squared_error
from refine.record import Record
from refine.solid_model import CAMERA_DISTANCE, CAMERA_FOV, SIZES, TURNED, Model, Numbers, Solid, Thing
from render.images import Picture
from render.solid_taichi import SolidBatch
from render.tapes import solid_tape_of
from shaderdsl import DslError, number_count

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LIGHTS: tuple[Numbers, ...] = (
    (-0.5, 0.7, 0.6), (0.5, 0.7, 0.6), (0.0, 0.9, 0.5), (0.0, 0.3, 1.0), (-0.8, 0.3, 0.5), (0.8, 0.3, 0.5), (-0.4, 0.9, 0.1),
    (0.4, 0.9, 0.1),
)  # fmt: skip
"""Directions that a light is first looked for in."""

ELEVATIONS = (20.0, 35.0, 8.0)
"""Angles that a camera above a floor first looks down by."""

SKETCH_SIDE, SEARCH_SIDE = 48, 64
"""Longer sides, in pixels, at which shapes are tried and structures searched."""

TURNS = 40
"""Turns that a shape of a kind is tried in."""

SURVIVORS, CHILDREN = 12, 4
"""Proposals of one structure that go on, and how many are made of each by throwing its solid about."""

STARTS = 6
"""Models of one structure that are refined together."""

GROUPS = 6
"""Structures, of those that are tried at once, that are refined."""

SMALLEST_PATCH = 0.002
"""The share of the picture that a patch must have to be looked at."""

TINTS = 8
"""Patches of colour that a picture is cut into at most."""


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
        image = self.search.target.image
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

    def offer(self, state: State, what: str) -> None:
        """Tells the record of a state, with its numbers refined at the record's resolution."""
        program = state.model.program
        self.record.offer(program, squared_error(program, self.record.level), what)

    # -- patches ------------------------------------------------------------------------------------------

    def background(self) -> Numbers:
        """The colour around everything: the most common one along the picture's edge; empty where that is transparent."""
        edge = np.zeros(self.alpha.shape, bool)
        edge[0], edge[:, 0], edge[:, -1] = True, True, True
        if self.transparent and np.median(self.alpha[edge]) < 0.5:
            return ()
        return _commonest(self.colours[edge])

    def foreground(self, background: Numbers) -> Mask:
        if not background:
            return self.alpha > 0.5
        return np.abs(self.colours - np.array(background)).max(2) > 0.06

    def patches(self, mask: Mask) -> list[Mask]:
        """Connected parts of a mask that have one tint each, largest first."""
        from scipy.cluster.vq import kmeans2

        least = max(6, int(SMALLEST_PATCH * mask.size))
        if mask.sum() < least:
            return []
        linear = np.maximum(self.colours[mask], 1e-3) ** 2.2
        level = linear.sum(1, keepdims=True)
        # What a light changes is the level; the tint says what belongs together, less so in the dark.
        tint = np.concatenate([linear / level * 3.0 * np.minimum(level / 0.15, 1.0), 0.15 * level ** (1 / 2.2)], 1)
        best: npt.NDArray[np.int32] = np.zeros(len(tint), np.int32)
        spread = float(((tint - tint.mean(0)) ** 2).sum(1).mean())
        for count in range(2, TINTS + 1):
            if spread < 0.004:
                break
            centres, labels = kmeans2(tint, count, minit="++", seed=self.record.options.seed, iter=20)
            within = float(((tint - centres[labels]) ** 2).sum(1).mean())
            if within > 0.6 * spread and count > 3:
                break
            best, spread = labels, within
        result = []
        for label in np.unique(best):
            own = np.zeros(mask.shape, bool)
            own[mask] = best == label
            own = ndimage.binary_opening(own) | (own & (ndimage.uniform_filter(own.astype(float), 3) > 0.6))
            parts, count = ndimage.label(own)
            result += [parts == k for k in range(1, count + 1) if (parts == k).sum() >= least]
        return sorted(result, key=lambda part: -int(part.sum()))

    def spot(self, mask: Mask, model: Model, depth: float = 0.0) -> tuple[Array, float]:
        """Where a patch lies in the scene if it is as far away as the target, moved by `depth` to the eye, and its radius."""
        height, width = mask.shape
        rows, columns = np.nonzero(mask)
        pixel = 2.0 / min(width, height)
        x = (columns.mean() + 0.5 - 0.5 * width) * pixel
        y = (0.5 * height - rows.mean() - 0.5) * pixel
        tilt = np.radians(model.elevation)
        reach = (CAMERA_DISTANCE - depth) * np.tan(np.radians(CAMERA_FOV / 2))
        right, up = np.array([1.0, 0.0, 0.0]), np.array([0.0, np.cos(tilt), -np.sin(tilt)])
        back = np.array([0.0, np.sin(tilt), np.cos(tilt)])
        radius = float(np.sqrt(mask.sum() / np.pi)) * pixel * reach
        return right * (x * reach) + up * (y * reach) + back * depth, radius

    def albedo(self, mask: Mask) -> Numbers:
        """A surface's colour: what the patch shows in its light, not its shadow."""
        colours = self.colours[mask]
        bright = np.argsort(colours.sum(1))[int(0.6 * len(colours)) :]
        return tuple(float(v) for v in np.clip(np.median(colours[bright], 0) * 1.03, 0.02, 0.98))

    # -- candidates ---------------------------------------------------------------------------------------

    def shapes(self, mask: Mask, model: Model, count: int = TURNS) -> Iterator[Solid]:
        """Shapes of every kind, in many turns, where a patch lies."""
        place, radius = self.spot(mask, model)
        where = tuple(float(v) for v in place)
        yield Solid("sphere", (radius,), (), where)
        for kind in SIZES:
            if kind == "sphere":
                continue
            for number in range(count):
                yield self._shape(kind, radius, where, number)

    def _shape(self, kind: str, radius: float, where: Numbers, number: int) -> Solid:
        random = self.random
        if kind == "box":
            sizes: Numbers = tuple(radius * np.exp(random.normal(-0.25, 0.35, 3)))
            angles = (0.0, float(random.uniform(-45, 45)), 0.0) if number % 2 else tuple(random.uniform(-45, 45, 3))
        else:
            stretch = np.exp(random.normal(0.0, 0.5))
            width = radius * np.exp(random.normal(0.0, 0.15))
            if kind == "cylinder":
                sizes = (0.9 * width / stretch**0.5, 0.9 * width * stretch)
            else:
                sizes = (width, 0.3 * width * stretch)
            angles = (0.0, 0.0) if number % 3 == 0 else (float(random.uniform(-90, 90)), float(random.uniform(-90, 90)))
        assert len(sizes) == SIZES[kind] and len(angles) == TURNED[kind]
        return Solid(kind, tuple(float(s) for s in sizes), tuple(float(a) for a in angles), where)

    def _jittered(self, solid: Solid) -> Solid:
        random = self.random
        size = float(np.mean(solid.sizes))
        return Solid(
            solid.kind,
            tuple(float(s * np.exp(random.normal(0.0, 0.15))) for s in solid.sizes),
            tuple(float(a + random.normal(0.0, 14.0)) for a in solid.angles),
            tuple(float(p + random.normal(0.0, 0.15 * size)) for p in solid.place),
        )

    # -- the beginning ------------------------------------------------------------------------------------

    def starts(self) -> list[Model]:
        """Empty scenes: a background, and perhaps a floor whose colour is that of the picture's lower edge."""
        background = self.background()
        plain = Model(background, 20.0, (*LIGHTS[0], 0.8), 0.25, (), ())
        if not background:
            return [plain]
        lower = self.colours[-max(2, self.colours.shape[0] // 16) :].reshape(-1, 3)
        floor = _commonest(lower)
        if np.abs(np.array(floor) - np.array(background)).max() < 0.03:
            return [plain]
        upper = _commonest(self.colours[: max(2, self.colours.shape[0] // 16)].reshape(-1, 3))
        lit = tuple(min(c * 1.1, 1.0) for c in floor)
        floors = [replace(plain, background=upper, elevation=e, floor=(-0.5, *lit)) for e in ELEVATIONS]
        return [*floors, plain]

    def built(self, start: Model) -> State | None:
        """A scene of one solid for each patch of the picture."""
        if start.floor:
            refined = self.refined(start, [(self.coarse, 8)])
            start = start if refined is None else refined.model
        mask = self._unexplained(start, 0.08)
        state: State | None = None
        for patch in self.patches(mask):
            if self.late:
                break
            model = start if state is None else state.model
            number = len(model.things)
            colour = self.albedo(patch)
            proposals = []
            for solid in self.shapes(patch, model):
                # The light is looked for with the first thing.
                lights = [model.light] if number else [(*LIGHTS[k], 0.8) for k in self.random.permutation(len(LIGHTS))[:4]]
                for light in lights:
                    lit = replace(model, light=light)
                    proposals.append(Proposal(_maker(lit, number, lambda s, c=colour: Thing((s,), (), c)), solid))  # type: ignore[misc]
            found = self.tried(proposals, float("inf") if state is None else state.cost)
            if found is not None:
                state = found
                self.offer(state, f"{number + 1} solids" if number else "one solid")
        return state

    def _unexplained(self, model: Model, threshold: float) -> Mask:
        """Where the picture is not what the model draws."""
        program = model.program
        drawn = SolidBatch.of([(solid_tape_of(program), program.params)]).images(self.search.target.size)[0]
        return np.abs(drawn - self.search.target.image).max(2) > threshold

    # -- better scenes ------------------------------------------------------------------------------------

    def improved(self, state: State) -> State:
        """Changes of structure, as long as there is time and something gains."""
        fruitless = 0
        while not self.late and fruitless < 3:
            before = state.cost
            for move in (self._inserted, self._changed, self._without, self._finished):
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
        patches = sorted((parts == k for k in range(1, count + 1)), key=lambda p: -int(p.sum()))
        for patch in patches[:2]:
            if patch.sum() < least:
                break
            colour = self.albedo(patch)
            for solid in self.shapes(patch, model, TURNS // 3):
                yield Proposal(_maker(model, len(model.things), lambda s, c=colour: Thing((s,), (), c)), solid)  # type: ignore[misc]
                for number, thing in enumerate(model.things):
                    centre = np.mean([s.place for s in thing.joined], 0)
                    beside = replace(solid, place=(solid.place[0], solid.place[1], float(0.5 * (solid.place[2] + centre[2]))))
                    yield Proposal(_maker(model, number, lambda s, t=thing: replace(t, joined=(*t.joined, s))), beside)  # type: ignore[misc]
                    grown = tuple(1.3 * s for s in solid.sizes)
                    within = tuple(float(v) for v in 0.8 * np.array(solid.place) + 0.2 * centre)
                    hole = replace(solid, sizes=grown, place=within)
                    yield Proposal(_maker(model, number, lambda s, t=thing: replace(t, cut=(*t.cut, s))), hole)  # type: ignore[misc]

    def _changed(self, state: State) -> Iterator[Proposal]:
        """A solid of another kind, or turned otherwise, in a solid's place."""
        model = state.model
        for number, thing in enumerate(model.things):
            for role in ("joined", "cut"):
                solids: tuple[Solid, ...] = getattr(thing, role)
                for place, solid in enumerate(solids):
                    radius = 1.15 * float(np.exp(np.mean(np.log(np.maximum(solid.sizes, 1e-3)))))

                    def swapped(s: Solid, t: Thing = thing, r: str = role, o: tuple[Solid, ...] = solids, k: int = place) -> Thing:
                        return replace(t, **{r: (*o[:k], s, *o[k + 1 :])})  # type: ignore[arg-type]

                    for kind in SIZES:
                        if kind == "sphere":
                            others = [Solid("sphere", (radius,), (), solid.place)]
                        else:
                            others = [self._shape(kind, radius, solid.place, k) for k in range(TURNS // 2)]
                        for other in others:
                            yield Proposal(_maker(model, number, swapped), other)

    def _without(self, state: State) -> Iterator[Proposal]:
        return (Proposal(lambda _, m=model: m) for model in self._less(state.model))  # type: ignore[misc]

    def _less(self, model: Model) -> Iterator[Model]:
        """Less: a solid or a thing gone, two things of one colour melted into one."""
        for number, thing in enumerate(model.things):
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
    search = SolidSearch(record, picture, deadline)
    found = [s for s in (search.built(start) for start in search.starts()) if s is not None]
    if not found:
        return
    state = min(found, key=lambda s: s.cost)
    refined = search.refined(state.model, [(search.search, 20)])
    state = refined if refined is not None and refined.cost <= state.cost else state
    search.offer(state, "refined")
    search.deadline = deadline - 0.12 * (deadline - record.began)
    state = search.improved(state)
    search.deadline = deadline
    # The last digits, at a higher resolution.
    refined = search.refined(state.model, [(search.fine, 25)])
    if refined is not None:
        search.offer(refined, "refined")


WEAK = 1e-3
"""A direction in which the picture changes less than this, as a share of the strongest, is not determined by it."""
